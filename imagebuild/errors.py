"""What a person is told when something cannot be done.

An error is data: what is wrong, where (`Place`), and what to type next (`hint`). The sentence is made in one spot,
`render`. Foreign exceptions are translated once, in the module that meets them; only the CLI catches.
Style of `what`: lower case, no full stop, the thing in backticks: ``unknown key `refs` in asset `hero` ``.
"""

from __future__ import annotations

import difflib
import os
import unicodedata
from collections.abc import Iterable

__all__ = [
    "ApprovalsError",
    "BuildError",
    "ImagebuildError",
    "LockError",
    "PictureError",
    "Place",
    "Problem",
    "Problems",
    "ProviderError",
    "SpecErrors",
    "StalePlan",
    "StoreError",
    "did_you_mean",
    "reason_of",
    "render",
    "visible",
]


class Place:
    """A spot in a file: 1-based line and column (in characters), how many characters it spans, and the line itself."""

    __slots__ = ("column", "file", "length", "line", "text")

    def __init__(self, file: str, line: int = 0, column: int = 0, length: int = 1, text: str = "") -> None:
        self.file = file
        self.line = line
        self.column = column
        self.length = length
        self.text = text

    def _values(self) -> tuple[str, int, int, int, str]:
        return (self.file, self.line, self.column, self.length, self.text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"Place({str(self)!r})"

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


class Problem:
    """One mistake: what it is, where it is, and what to write instead."""

    __slots__ = ("at", "hint", "what")

    def __init__(self, what: str, *, at: Place | None = None, hint: str | None = None) -> None:
        self.what = what
        self.at = at
        self.hint = hint

    def _values(self) -> tuple[str, Place | None, str | None]:
        return (self.what, self.at, self.hint)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Problem) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"Problem({self.what!r}, at={self.at!r}, hint={self.hint!r})"


class Problems:
    """Gathers every mistake of a stage, so that all of them can be told at once."""

    __slots__ = ("_once", "found")

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._once: set[object] = set()

    def add(self, what: str, *, at: Place | None = None, hint: str | None = None, once: object = None) -> None:
        """Note a mistake. Of those with an equal `once` only the first is kept: it shows in a thousand cells, and is
        one mistake."""
        if once is not None:
            if once in self._once:
                return
            self._once.add(once)
        problem = Problem(what, at=at, hint=hint)
        if problem not in self.found[-50:]:
            self.found.append(problem)

    def __bool__(self) -> bool:
        return bool(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def check(self) -> None:
        """Raise everything gathered so far, in reading order, if there is anything."""
        if self.found:
            raise SpecErrors(self.found)


class ImagebuildError(Exception):
    """The root of everything this package raises on purpose."""

    def __init__(self, what: str, *, at: Place | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.hint = hint

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (Problem(self.what, at=self.at, hint=self.hint),)


class SpecErrors(ImagebuildError):
    """Everything that is wrong with a campaign, in reading order."""

    def __init__(self, found: Iterable[Problem]) -> None:
        unique = dict.fromkeys(found)
        self._problems = tuple(
            sorted(unique, key=lambda p: (p.at.file, p.at.line, p.at.column) if p.at else ("", 0, 0))
        )
        super().__init__("; ".join(p.what for p in self._problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self._problems


class LockError(ImagebuildError):
    """The lock cannot be read or does not hold what was asked of it."""


class ApprovalsError(ImagebuildError):
    """The approvals file was edited, or a decision cannot be taken."""


class StoreError(ImagebuildError):
    """The store lost something, or what it holds is damaged."""


class PictureError(ImagebuildError):
    """A picture cannot be read, drawn or written as asked."""


class ProviderError(ImagebuildError):
    """A provider cannot make, or refused to make, a picture."""


class BuildError(ImagebuildError):
    """A build cannot start or cannot go on."""


class StalePlan(BuildError):
    """A saved plan no longer says what a build would do."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint naming the nearest known word, or all of them when none is near and they are few."""
    choices = [str(name) for name in known]
    near = difflib.get_close_matches(word, choices, n=1, cutoff=0.6)
    near = near or _shortened(word.lower(), choices)
    if near:
        return f"did you mean `{near[0]}`?"
    if 0 < len(choices) < 20:
        return "known here: " + ", ".join(f"`{name}`" for name in sorted(choices))
    return None


def _shortened(word: str, choices: list[str]) -> list[str]:
    """The one choice that is the word in another case, or that the word shortens: `refs` is `references`."""
    same = [name for name in choices if name.lower() == word]
    if same or len(word) < 3:
        return same
    found = [name for name in choices if name.lower()[:1] == word[:1] and _has_letters(name.lower(), word)]
    return found if len(found) == 1 else []


def _has_letters(name: str, word: str) -> bool:
    """Whether the word's letters stand in the name, in their order."""
    letters = iter(name)
    return all(letter in letters for letter in word)


_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "␡"}
_CONTROL |= dict.fromkeys([*range(0x80, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\ufffd")
_CONTROL[ord("\t")] = " "


def reason_of(bad: OSError) -> str:
    """Why the system refused, in its words: of a socket's error without what Python says beside them."""
    if bad.errno is not None and bad.errno > 0:  # below 0 are those of looking up a name
        return os.strerror(bad.errno).lower()
    return (bad.strerror or str(bad)).lower()


def visible(text: str) -> str:
    """A text with its control characters made visible, so that no file can steer the terminal it is shown in."""
    return text.translate(_CONTROL)


def _columns(text: str) -> int:
    """How many terminal columns a text takes: wide East Asian characters two, combining marks none."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    none = sum(unicodedata.combining(c) != 0 for c in text)
    return len(text) + wide - none


def render(problem: Problem, *, label: str = "error") -> str:
    """The one sentence, with its place, the line, a caret and the hint."""
    at = problem.at
    what = visible(problem.what)
    lines = [f"{visible(str(at))}: {label}: {what}" if at else f"{label}: {what}"]
    if at and at.line and at.text:
        start = max(at.column - 1, 0)
        body = visible(at.text.rstrip("\r\n"))
        cut = 0
        if start > 100:
            cut = start - 60
        shown = ("…" if cut else "") + body[cut : cut + 160] + ("…" if len(body) > cut + 160 else "")
        lead = _columns(("…" if cut else "") + body[cut:start])
        length = max(_columns(body[start : start + max(at.length, 1)]), 1)
        gutter = f"{at.line:>5} | "
        lines.append(gutter + shown)
        lines.append(" " * (len(gutter) - 2) + "| " + " " * lead + "^" + "~" * (min(length, 100) - 1))
    if problem.hint:
        first, *rest = problem.hint.splitlines()
        lines.append(f"  hint: {visible(first)}")
        lines.extend(f"        {visible(more)}" for more in rest)
    return "\n".join(lines)
