"""What a reader of text is, and what it says: lines with their place, text and confidence.

Knows no engine and no expectation. Boxes are left, top, right, bottom in pixels of the picture that was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from PIL import Image

__all__ = ["Box", "Look", "Reader", "Reading", "TextLine", "around", "grown", "overlap"]

Box = tuple[int, int, int, int]


class TextLine(NamedTuple):
    """`confidence` is from 0 to 1, as the engine says it."""

    text: str
    box: Box
    confidence: float


class Reading(NamedTuple):
    """All that one engine read in a whole picture."""

    engine: str
    lines: tuple[TextLine, ...]


class Look(NamedTuple):
    """One careful look at one place: which engine, how the place was prepared, and what it read there."""

    engine: str
    preparation: str
    text: str


class Reader(Protocol):
    """An engine that is installed here. Safe to use from one thread at a time; made anew in every process."""

    @property
    def name(self) -> str: ...

    @property
    def finds_anywhere(self) -> bool:
        """Whether it finds text on any ground, so that where it finds none there is none."""
        ...

    def scripts(self) -> frozenset[str]:
        """The scripts (ISO 15924) of `measured` that it has data for."""
        ...

    def can_read(self, tag: str) -> bool: ...

    def needs(self, tag: str) -> str | None:
        """What to install so that it can read the language; None when it can already, or never will."""
        ...

    def versions(self, tag: str) -> Mapping[str, str]:
        """What its readings of a language depend on, for the key of a check."""
        ...

    def find(self, image: Image.Image) -> tuple[Box, ...]:
        """Where lines of text of any script are; empty for an engine that cannot find without reading."""
        ...

    def read(self, image: Image.Image, tag: str) -> Reading:
        """The whole picture."""
        ...

    def look(self, image: Image.Image, boxes: Sequence[Box], tag: str, *, latin: bool) -> list[tuple[Look, ...]]:
        """Several careful looks at each place. `latin`: Latin letters may stand among the language's own."""
        ...


def around(boxes: Sequence[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def grown(box: Box, by: float, size: tuple[int, int]) -> Box:
    """The box with a margin of `by` times its height, inside a picture of that size."""
    margin = round((box[3] - box[1]) * by)
    return (
        max(box[0] - margin, 0), max(box[1] - margin, 0), min(box[2] + margin, size[0]), min(box[3] + margin, size[1]),
    )  # fmt: skip


def overlap(one: Box, other: Box) -> float:
    """The share of `one` that lies in `other`."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    area = (one[2] - one[0]) * (one[3] - one[1])
    return across * down / area if across > 0 and down > 0 and area > 0 else 0.0
