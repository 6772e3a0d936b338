"""`imagebuild completion SHELL`: the lines that switch on completion, for the shell to evaluate."""

from __future__ import annotations

import argparse
import sys

from argcomplete.shell_integration import shellcode

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    code = shellcode(["imagebuild"], shell=options.shell)
    sys.stdout.write(code.strip("\n") + "\n")
    return 0
