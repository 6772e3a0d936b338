"""Services that are told a ratio and a tier instead of pixels: which of the two says a size, and what then comes.

What a service has is data (`Framing`, from its catalogue row); this module knows the arithmetic and no service.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from imagebuild.core.sizes import Size, SizeRules, Tier, parse_ratio, size_for_ratio

__all__ = ["Frame", "Framing", "frame_of", "is_in_frame", "make_framing"]

NEAR: Final = 1.03  # a size on the grid is off its ratio by up to that much
SAME_SHAPE: Final = 1.02
LEAST_EDGE: Final = 0.85

Frame = tuple[str, Tier]  # as the service is told: ("16:9", "2k")


class Framing(NamedTuple):
    """The words a service has for a size. `missing` are pairs of a ratio and a tier that it has not got."""

    ratios: tuple[str, ...]
    tiers: tuple[Tier, ...]
    missing: frozenset[tuple[str, str]] = frozenset()

    def __str__(self) -> str:
        without = "".join(f", not {ratio} at {tier}" for ratio, tier in sorted(self.missing))
        return f"{', '.join(self.ratios)} at {', '.join(self.tiers)}{without}"


def make_framing(ratios: list[str], tiers: list[str], missing: list[list[str]]) -> Framing:
    """The framing of a catalogue row; ValueError when it is none."""
    for ratio in ratios:
        if parse_ratio(ratio) is None:
            raise ValueError(f"`{ratio}` is no ratio")
    known: list[Tier] = [tier for tier in ("1k", "2k", "4k") if tier in tiers]
    if not ratios or len(known) != len(tiers):
        raise ValueError("ratios such as `16:9` and tiers of 1k, 2k and 4k are wanted")
    return Framing(tuple(ratios), tuple(known), frozenset((ratio, tier) for ratio, tier in missing))


@lru_cache(maxsize=4096)
def frame_of(size: Size, framing: Framing, rules: SizeRules) -> Frame | None:
    """The ratio of nearly the size's shape (3 %), at the smallest tier whose picture covers it; None when there is no
    such ratio, or no tier is large enough."""
    ratio = min(framing.ratios, key=lambda each: _times_off(size, _fraction(each)))
    if _times_off(size, _fraction(ratio)) > NEAR:
        return None
    for tier in framing.tiers:
        width, height = size_for_ratio(_fraction(ratio), tier, rules)
        if width >= size[0] and height >= size[1] and (ratio, tier) not in framing.missing:
            return ratio, tier
    return None


def is_in_frame(real: Size, asked: Size, frame: Frame) -> bool:
    """Whether a picture is what a service could be told of the size: the frame's shape (2 %), and not much smaller."""
    return _times_off(real, _fraction(frame[0])) <= SAME_SHAPE and max(real) >= LEAST_EDGE * max(asked)


def _fraction(ratio: str) -> Fraction:
    found = parse_ratio(ratio)
    assert found is not None
    return found


def _times_off(size: Size, ratio: Fraction) -> float:
    shape = size[0] / size[1] / float(ratio)
    return max(shape, 1 / shape)
