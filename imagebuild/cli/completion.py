"""`imagebuild completion SHELL`: the lines that switch on completion, for the shell to evaluate."""

from __future__ import annotations

import argparse
import sys

import argcomplete

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    code = argcomplete.shellcode(["imagebuild"], shell=options.shell)  # type: ignore[no-untyped-call]
    sys.stdout.write(code.strip("\n") + "\n")
    return 0
