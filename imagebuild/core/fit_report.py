"""What is found when all copy of a campaign is set without any picture: what does not fit, where, and what would help.

Values and their words, for people and for programs. Knows no layout, font or file; `stages/fit` finds all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from imagebuild.core.layouts.canonical import Box
from imagebuild.core.sizes import Size, size_text
from imagebuild.errors import Place, Problem

__all__ = [
    "KINDS",
    "Advice",
    "Finding",
    "FitReport",
    "Kind",
    "Level",
    "StringFindings",
    "by_string",
    "in_words",
    "report_data",
    "too_much",
]

Level = Literal["error", "warning"]
Do = Literal["shorten", "shorten-word", "hyphen", "join", "lines", "size", "sizes", "width", "height"]
Kind = Literal["word", "lines", "height", "glyph", "drawing", "near", "room", "copy"]

# What a finding is about. The first five do not fit; the others do, and somebody should know.
KINDS: Final[Mapping[str, Level]] = {
    "word": "error", "lines": "error", "height": "error", "glyph": "error", "drawing": "error",
    "near": "warning", "room": "warning", "copy": "warning",
}  # fmt: skip


class Advice(NamedTuple):
    """One thing that makes the copy fit, if nothing else is done; it was tried out. `now` and `to` are characters,
    lines, or shares as a layout writes them; `pixels` is the size that `to` comes to, `box` the box with the width or
    height in it."""

    do: Do
    role: str
    now: float
    to: float
    word: str = ""
    pixels: float = 0.0
    box: Box | None = None

    @property
    def sentence(self) -> str:
        now, to = number(self.now), number(self.to)
        fewer = round(self.now - self.to)
        box = f"`[{', '.join(number(each) for each in self.box)}]`" if self.box else ""
        by = f"by about {fewer} {'character' if fewer == 1 else 'characters'}, from {now} to {to}"
        return {
            "shorten": f"shorten `{self.role}` {by}",
            "shorten-word": f"shorten the word `{self.word}` {by}",
            "hyphen": f"put a soft hyphen (U+00AD) into `{self.word}`, after about {to} characters",
            "join": f"take the line breaks out of `{self.role}`",
            "lines": f"allow {to} `lines`, now {now}",
            "size": f"let `size` begin at {to} ({number(round(self.pixels, 1))} px), now {now}",
            "sizes": f"let every `size` of the group begin at {to} of what it is",
            "width": f"make the `box` {to} wide, now {now}: {box}",
            "height": f"make the `box` {to} high, now {now}: {box}",
        }[self.do]

    def data(self) -> dict[str, object]:
        found: dict[str, object] = {"do": self.do, "role": self.role, "now": self.now, "to": self.to}
        if self.word:
            found["word"] = self.word
        if self.pixels:
            found["pixels"] = round(self.pixels, 2)
        if self.box:
            found["box"] = list(self.box)
        return {**found, "sentence": self.sentence}


class Finding(NamedTuple):
    """One text in one locale at one size. `keys` are the strings it is written from, `place` where the first of them
    stands; `at` is where the layout says how it is set. `size` None: it is so at any size."""

    kind: Kind
    asset: str
    role: str
    locale: str
    text: str
    what: str
    keys: tuple[str, ...] = ()
    place: Place | None = None
    size: Size | None = None
    shape: str = ""
    at: Place | None = None
    over: float = 0.0  # as a share of what is allowed
    hint: str = ""
    word: str = ""  # of `copy`: which lint
    advice: tuple[Advice, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        return KINDS[self.kind]

    def data(self) -> dict[str, object]:
        return {
            "level": self.level,
            "kind": self.kind if self.kind != "copy" else f"copy-{self.word}",
            "asset": self.asset,
            "role": self.role,
            "locale": self.locale,
            "text": self.text,
            "keys": list(self.keys),
            "place": _place_data(self.place),
            "size": list(self.size) if self.size else None,
            "shape": self.shape or None,
            "layout": _place_data(self.at),
            "what": self.what,
            "over": round(self.over, 4),
            "hint": self.hint or None,
            "advice": [each.data() for each in self.advice],
            "addresses": list(self.addresses),
        }


class FitReport(NamedTuple):
    """`pictures` is how many have copy set into them, `texts` how many different settings of a text that comes to.
    `mistakes` are the campaign's own: what they touch could not be looked at."""

    campaign: str
    findings: tuple[Finding, ...] = ()
    pictures: int = 0
    texts: int = 0
    locales: tuple[str, ...] = ()
    sizes: tuple[Size, ...] = ()
    notes: tuple[str, ...] = ()
    mistakes: tuple[Problem, ...] = ()

    def of(self, level: Level) -> tuple[Finding, ...]:
        return tuple(each for each in self.findings if each.level == level)

    @property
    def fits(self) -> bool:
        return not self.of("error") and not self.mistakes


class StringFindings(NamedTuple):
    """All that is found of one string of one asset, in all its locales and sizes."""

    asset: str
    role: str
    keys: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def at(self) -> Place | None:
        return next((each.at for each in self.findings if each.at), None)

    @property
    def by_text(self) -> tuple[tuple[Finding, ...], ...]:
        """Those of each locale's text together."""
        found: dict[tuple[str, str], list[Finding]] = {}
        for each in self.findings:
            found.setdefault((each.locale, each.text), []).append(each)
        return tuple(tuple(each) for each in found.values())


def by_string(findings: Iterable[Finding]) -> tuple[StringFindings, ...]:
    """Findings in their order, those of one string together."""
    found: dict[tuple[str, str, tuple[str, ...]], list[Finding]] = {}
    for each in findings:
        found.setdefault((each.asset, each.role, each.keys), []).append(each)
    return tuple(StringFindings(*string, tuple(each)) for string, each in found.items())


def too_much(over: float) -> str:
    """`18 %`; never 0 % of what is too much."""
    return f"{max(round(over * 100), 1)} %"


def number(value: float) -> str:
    """As a person writes it: 2, 0.35."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def in_words(names: Sequence[str], most: int = 12) -> str:
    """`a, b and c`; of many, how many more there are."""
    if len(names) > most:
        return ", ".join(names[:most]) + f" and {len(names) - most} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def report_data(report: FitReport, mistakes: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """For programs; `mistakes` as `check --json` writes them."""
    return {
        "campaign": report.campaign,
        "fits": report.fits,
        "pictures": report.pictures,
        "texts": report.texts,
        "locales": list(report.locales),
        "sizes": [size_text(size) for size in report.sizes],
        "errors": len(report.of("error")),
        "warnings": len(report.of("warning")),
        "findings": [each.data() for each in report.findings],
        "notes": list(report.notes),
        "mistakes": list(mistakes),
    }


def _place_data(place: Place | None) -> dict[str, object] | None:
    if place is None:
        return None
    return {"file": place.file, "line": place.line or None, "column": place.column or None}
