"""The door: `imagebuild VERB …`. A build with nothing to do is answered from memory before anything else is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
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
