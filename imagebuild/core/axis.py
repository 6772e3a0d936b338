"""Axes: the lists that multiply, and what templates see of their entries.

`locale` and `ratio` have a form of their own; the entries of any other axis are texts, or mappings whose fields
templates use. Knows the values; `axis_parser` reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from imagebuild.core.placements.placement import ALL_CLEAR, Placement, Safe
from imagebuild.core.sizes import Size
from imagebuild.core.strings import Policy
from imagebuild.errors import Place

__all__ = ["RESERVED", "Axis", "Entry", "Fields", "LocaleSetting", "Ratio"]

RESERVED = frozenset(
    (
        "t",
        "vars",
        "asset",
        "loop",
        "self",
        "super",
        "true",
        "false",
        "none",
        "not",
        "and",
        "or",
        "in",
        "is",
        "if",
        "else",
    )
)


class Fields:
    """A mapping entry as templates see it: `product.name`, `product["name"]`; printed, it is its id."""

    __slots__ = ("_fields", "_id")

    def __init__(self, fields: Mapping[str, object], identity: str) -> None:
        self._fields = fields
        self._id = identity

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_") and name in self._fields:
            return self._fields[name]
        raise AttributeError(f"`{self._id}` has no field `{name}`")

    def __getitem__(self, name: str) -> object:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __str__(self) -> str:
        return self._id

    def __eq__(self, other: object) -> bool:
        return str(other) == self._id

    def __hash__(self) -> int:
        return hash(self._id)


@dataclass(frozen=True, slots=True)
class Ratio:
    """An entry of the ratio axis: a shape (`16:9`), or exact pixels under a name (`og`, 1200x630), which may be those
    of a placement (`meta/story`)."""

    name: str
    shape: Fraction
    size: Size | None = None
    placement: Placement | None = None

    @property
    def width(self) -> int:
        return self.size[0] if self.size else self.shape.numerator

    @property
    def height(self) -> int:
        return self.size[1] if self.size else self.shape.denominator

    @property
    def orientation(self) -> str:
        return "square" if self.shape == 1 else "landscape" if self.shape > 1 else "portrait"

    @property
    def slug(self) -> str:
        """The name as it may stand in a file's path."""
        return self.name.replace(":", "x").replace("/", "-")

    @property
    def safe(self) -> Safe:
        """What the placement covers, from each side, as shares of the picture."""
        return self.placement.safe if self.placement else ALL_CLEAR

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One value of an axis. `id` stands in addresses; `value` is what templates see."""

    axis: str
    id: str
    value: object
    place: Place


class Axis(NamedTuple):
    """A list that multiplies. Not `whole`: some of it could not be read, so nobody can say what it does not have."""

    name: str
    entries: tuple[Entry, ...]
    place: Place
    whole: bool = True

    def find(self, identity: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == identity), None)


class LocaleSetting(NamedTuple):
    """What the locale axis says beyond its list: the source language, where the strings are, what a missing one is."""

    source: str
    targets: tuple[str, ...]
    strings: tuple[tuple[str, Place], ...]
    policy: Policy

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.source, *self.targets)))
