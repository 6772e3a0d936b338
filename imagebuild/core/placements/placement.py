"""Placements: where a picture will stand, and what that place asks of its file: pixels, format, bytes, safe zones.

`parser` reads them. Knows no platform: what each asks for is data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from imagebuild.core.sizes import Size

__all__ = ["ALL_CLEAR", "NO_PLACEMENTS", "Placement", "Placements", "Safe"]


class Safe(NamedTuple):
    """What a platform covers with its own controls, from each side, as shares of the picture."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


ALL_CLEAR: Final = Safe()


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A place of a platform. `least` and `tolerance` are what it would still take; what is made for it has exactly
    `size`. No `formats`: any. `evidence`: `seen` in the source itself, or `secondary`; empty: the campaign's own."""

    name: str
    size: Size
    least: Size | None = None
    tolerance: float | None = None
    max_bytes: int | None = None
    formats: tuple[str, ...] = ()
    safe: Safe = ALL_CLEAR
    source: str = ""
    evidence: str = ""
    dated: str = ""

    def __str__(self) -> str:
        return self.name


class Placements:
    """What a campaign may name: its own placements, and behind them the catalogue's, which is read when one is looked
    for. Not `whole`: some of its own could not be read, so nobody can say which there are not."""

    __slots__ = ("_shipped", "own", "whole")

    def __init__(
        self,
        own: Mapping[str, Placement] = MappingProxyType({}),
        shipped: Callable[[], Mapping[str, Placement]] = dict,
        *,
        whole: bool = True,
    ) -> None:
        self.own = own
        self.whole = whole
        self._shipped = shipped

    def find(self, name: str) -> Placement | None:
        return self.own.get(name) or self._shipped().get(name)

    def all(self) -> Mapping[str, Placement]:
        """Every placement by name: the catalogue's in its order, then the campaign's."""
        return {**self._shipped(), **self.own}


NO_PLACEMENTS: Final = Placements()
