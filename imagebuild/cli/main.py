"""The door: `imagebuild VERB …`. A build with nothing to do is answered from memory before anything else is loaded."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as typing's, without loading typing
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _answer(given)
    except KeyboardInterrupt:  # also while the program is still loading
        sys.stderr.write("stopped\n")
        code = 2
    if arguments is None and given[:1] in (["plan"], ["check"]):  # nothing is open: leave without taking the heap apart
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def _answer(given: list[str]) -> int:
    if given and given[0] in ("build", "plan") and "_ARGCOMPLETE" not in os.environ:
        from imagebuild.stages.glance import nothing_to_do

        answer = nothing_to_do(given, os.environ)
        if answer is not None:
            sys.stdout.write(answer + "\n")
            return 0
    from imagebuild.cli.parser import run

    return run(given)


if __name__ == "__main__":
    sys.exit(main())
