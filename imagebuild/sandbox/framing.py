"""The sizes that GPT Image 2 makes, and which of them a ratio and a tier become at services that take no pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from imagebuild.core.sizes import Size, SizeRules, Tier, parse_ratio, size_for_ratio, size_problem, size_text

__all__ = ["RATIOS", "RULES", "TIERS", "framed", "size_mistake"]

RULES: Final = SizeRules(multiple=16, longest=3840, widest=Fraction(3), least_pixels=655_360, most_pixels=8_294_400)
TIERS: Final[tuple[Tier, ...]] = ("1k", "2k", "4k")
RATIOS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3")


def framed(ratio: str, tier: str) -> Size:
    """The closest native size; `auto` makes a square. The tier may be in capitals."""
    shape = parse_ratio("1:1" if ratio == "auto" else ratio)
    assert shape is not None
    return size_for_ratio(shape, next(each for each in TIERS if each == tier.lower()), RULES)


def size_mistake(size: Size) -> str | None:
    """What is said of a size that the model does not make."""
    problem = size_problem(size, RULES)
    return None if problem is None else f"Invalid size '{size_text(size)}': {problem}."
