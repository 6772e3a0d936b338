"""Printing for people: results to stdout, everything else to stderr; colour only where a terminal shows it."""

from __future__ import annotations

import os
import sys
import unicodedata
from typing import TextIO

from imagebuild.errors import ImagebuildError, render

__all__ = ["Ink", "fail", "ink_for", "isolated", "printable", "say"]

MOST_SHOWN = 100  # mistakes; a file that is wrong in every line needs no more

_TURNING = frozenset(("R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "FSI", "PDF", "PDI"))


class Ink:
    """Wraps text in colour, or leaves it as it is. Nothing is told by colour alone."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        return self._wrap("2", text)

    def red(self, text: str) -> str:
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        return self._wrap("33", text)

    def cyan(self, text: str) -> str:
        return self._wrap("36", text)


def ink_for(stream: TextIO) -> Ink:
    if os.environ.get("NO_COLOR"):
        return Ink(False)
    if os.environ.get("FORCE_COLOR"):
        return Ink(True)
    return Ink(stream.isatty() and os.environ.get("TERM") != "dumb")


def say(text: str) -> None:
    """Something for the person, not for the pipe."""
    print(text, file=sys.stderr, flush=True)


def fail(error: ImagebuildError, *, label: str = "error") -> None:
    """Every problem of an error, with its place and hint."""
    ink = ink_for(sys.stderr)
    problems = error.problems
    for problem in problems[:MOST_SHOWN]:
        first, *rest = render(problem, label=label).split("\n")
        say(first.replace(f"{label}:", ink.red(f"{label}:"), 1))
        for line in rest:
            say(line)
    if len(problems) > 1:
        shown = f", the first {MOST_SHOWN} shown" if len(problems) > MOST_SHOWN else ""
        say(f"{len(problems)} mistakes{shown}; nothing was written")


def isolated(text: str) -> str:
    """A text that may be written from right to left, kept from turning around what stands beside it on the line."""
    if text.isascii() or not any(unicodedata.bidirectional(each) in _TURNING for each in text):
        return text
    return f"\u2068{text}\u2069"


def printable(text: str) -> str:
    """A text as it is, line breaks too, but with what would command the terminal written out: `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(
        f"\\x{ord(each):02x}" if unicodedata.category(each) == "Cc" and each not in "\n\t" else each for each in text
    )
