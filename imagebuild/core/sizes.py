"""Sizes and ratios in pixels: reading them, and which of them a model can make.

What a model allows is data (`SizeRules`, from a catalogue entry); this module knows the arithmetic and no model.
Every search looks at each width the grid has (a few hundred) and only at the best heights for it, so that it is exact
and still takes well under a millisecond.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Literal

__all__ = [
    "TIERS",
    "Size",
    "SizeRules",
    "Tier",
    "covering_legal",
    "covering_shape",
    "is_experimental",
    "nearest_legal",
    "parse_ratio",
    "parse_size",
    "ratio_text",
    "size_for_ratio",
    "size_problem",
    "size_text",
]

Size = tuple[int, int]
Tier = Literal["1k", "2k", "4k"]

# The longest edge of a tier, and its most pixels (None: as many as the model makes).
TIERS: Mapping[str, tuple[int, int | None]] = {"1k": (1280, 1024**2), "2k": (2048, 2048**2), "4k": (3840, None)}

_SIZE = re.compile(r"\s*([0-9]{1,5})\s*[x×]\s*([0-9]{1,5})\s*\Z")
_RATIO = re.compile(r"\s*([0-9]{1,5}(?:\.[0-9]{1,4})?)\s*:\s*([0-9]{1,5}(?:\.[0-9]{1,4})?)\s*\Z")
NEAR_EDGE = 0.9  # an exact ratio may cost up to a tenth of the longest possible edge
SAME_RATIO = 1.01  # ratios that differ by less look the same; further off, a tier's edge gives way
NEAR_RATIO = 1.03  # a covering size may lose up to 3 % of an edge to the crop


def parse_size(text: str) -> Size | None:
    """`1536x1024` or `1536×1024`, width first; None when it is not a size."""
    match = _SIZE.match(text)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    return size if min(size) > 0 else None


def parse_ratio(text: str) -> Fraction | None:
    """`16:9` or `1.91:1` as width / height; None when it is not a ratio."""
    match = _RATIO.match(text)
    if match is None:
        return None
    width, height = Fraction(match[1]), Fraction(match[2])
    return width / height if width and height else None


def size_text(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def ratio_text(ratio: Fraction) -> str:
    return f"{ratio.numerator}:{ratio.denominator}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRules:
    """What a model allows. With `fixed`, these sizes and no others; the other rules are then not looked at."""

    multiple: int = 1
    shortest: int = 1
    longest: int = 16_384
    least_pixels: int = 1
    most_pixels: int = 16_384**2
    widest: Fraction = Fraction(16_384)
    experimental_above: int | None = None
    fixed: tuple[Size, ...] = ()

    @classmethod
    def from_mapping(cls, entry: Mapping[str, object]) -> SizeRules:
        """The rules of a catalogue entry: this class's fields by name; `widest: "3:1"`, `fixed: [1024x1024, …]`."""
        known = set(cls.__dataclass_fields__)
        given: dict[str, object] = {}
        for name, value in entry.items():
            if name not in known:
                raise ValueError(f"unknown size rule `{name}`")
            given[name] = _rule(name, value)
        rules = cls(**given)  # type: ignore[arg-type]
        if next(_legal(rules, lambda width: width), None) is None:
            raise ValueError("size rules that no size can meet")
        return rules


def _rule(name: str, value: object) -> object:
    if name == "widest":
        ratio = parse_ratio(value) if isinstance(value, str) else None
        if ratio is None or ratio < 1:
            raise ValueError(f"size rule `widest`: a ratio such as `3:1` is wanted, this is `{value}`")
        return ratio
    if name == "fixed":
        sizes = (
            [parse_size(each) if isinstance(each, str) else None for each in value] if isinstance(value, list) else []
        )
        if not sizes or None in sizes:
            raise ValueError("size rule `fixed`: a list of sizes such as `1024x1024` is wanted")
        return tuple(sizes)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"size rule `{name}`: a whole number above 0 is wanted, this is `{value}`")
    return value


def is_experimental(size: Size, rules: SizeRules) -> bool:
    """Whether the model's maker calls sizes this large experimental. They are legal all the same."""
    return rules.experimental_above is not None and size[0] * size[1] > rules.experimental_above


def size_problem(size: Size, rules: SizeRules) -> str | None:
    """Which rule the size breaks, in words with figures; None when the model can make it."""
    if rules.fixed:
        return None if size in rules.fixed else "none of " + ", ".join(map(size_text, rules.fixed))
    for edge in size:
        if edge % rules.multiple:
            return f"{edge:,} is not a multiple of {rules.multiple}"
    if max(size) > rules.longest:
        return f"{max(size):,} is longer than {rules.longest:,}"
    if min(size) < rules.shortest:
        return f"{min(size):,} is shorter than {rules.shortest:,}"
    if max(size) > min(size) * rules.widest:
        return f"ratio {max(size) / min(size):.4g}:1 is wider than {_short(rules.widest)}:1"
    pixels = size[0] * size[1]
    if pixels < rules.least_pixels:
        return f"{pixels:,} pixels, fewer than {rules.least_pixels:,}"
    if pixels > rules.most_pixels:
        return f"{pixels:,} pixels, more than {rules.most_pixels:,}"
    return None


def _short(number: Fraction) -> str:
    return f"{float(number):.4g}"


def nearest_legal(size: Size, rules: SizeRules) -> Size:
    """The legal size whose more changed edge changes least, in proportion; the larger of two as near."""
    if size_problem(size, rules) is None:
        return size

    def change(legal: Size) -> tuple[float, float, int, Size]:
        wide, high = (abs(math.log(new / old)) for new, old in zip(legal, size, strict=True))
        return (round(max(wide, high), 9), round(wide + high, 9), -legal[0] * legal[1], legal)

    return min(_legal(rules, lambda _: size[1]), key=change)


def covering_legal(size: Size, rules: SizeRules) -> Size:
    """What to ask of the model so that a cover-fit to `size` neither enlarges nor crops more than it must.

    The fewest pixels that cover `size` with nearly its ratio (3 %); without such a size, the nearest ratio that
    covers it; when nothing covers it, the largest of the nearest ratio.
    """
    if size_problem(size, rules) is None:
        return size
    width, height = size

    def error(legal: Size) -> float:
        return _times_off(legal, size)

    close = [
        legal
        for legal in _legal(rules, lambda edge: edge * height / width / NEAR_RATIO, least=size)
        if error(legal) <= NEAR_RATIO
    ]
    if close:
        return min(close, key=lambda legal: (legal[0] * legal[1], error(legal), legal))
    covering = list(_legal(rules, lambda edge: edge * height / width, least=size))
    if covering:
        return min(covering, key=lambda legal: (error(legal), legal[0] * legal[1], legal))
    return _for_shape(size, rules, rules)


def covering_shape(shape: Fraction, box: Size, rules: SizeRules) -> tuple[Size, ...]:
    """The legal sizes of nearly a shape (3 %) that cover a box, the fewest pixels first."""
    wide, high = shape.numerator, shape.denominator

    def error(legal: Size) -> float:
        return _times_off(legal, (wide, high))

    around = (
        *_legal(rules, lambda edge: edge * high / wide, least=box),
        *_legal(rules, lambda edge: edge * high / wide / NEAR_RATIO, least=box),
    )
    near = {legal for legal in around if error(legal) <= NEAR_RATIO}
    return tuple(sorted(near, key=lambda legal: (legal[0] * legal[1], error(legal), legal)))


@lru_cache(maxsize=1024)
def size_for_ratio(ratio: Fraction, tier: Tier, rules: SizeRules) -> Size:
    """The size a model should make for a ratio at a resolution tier: 16:9 at 2k is 2048x1152.

    Among the legal sizes of at least nine tenths of the longest edge the tier has for this ratio: the largest with
    exactly the ratio, else the one of the nearest ratio. When none under the tier has the ratio within 1 %, the
    smallest legal one that has it: 3:1 at 1k is 1440x480. When none fits under the tier, the smallest legal one.
    A fixed list has no tiers: the nearest ratio counts first, then fitting under the tier.
    """
    longest, pixels = TIERS[tier]
    within = replace(
        rules, longest=min(longest, rules.longest), most_pixels=min(pixels or rules.most_pixels, rules.most_pixels)
    )
    return _for_shape((ratio.numerator, ratio.denominator), rules, within)


def _for_shape(shape: Size, rules: SizeRules, within: SizeRules) -> Size:
    """The largest size of (nearly) this shape within the narrower rules, else the smallest that the rules allow."""
    width, height = shape
    if width < height:  # the same search for both orientations, so that 9:16 always mirrors 16:9
        return _turned(_for_shape((height, width), _turned_rules(rules), _turned_rules(within)))
    if rules.fixed:

        def fixed_rank(size: Size) -> tuple[float, bool, int, Size]:
            outside = max(size) > within.longest or size[0] * size[1] > within.most_pixels
            return (_times_off(size, shape), outside, size[0] * size[1] * (1 if outside else -1), size)

        return min(rules.fixed, key=fixed_rank)
    possible = min(within.longest, math.isqrt(within.most_pixels * width // height))
    under = list(_legal(within, lambda edge: edge * height / width))
    near = [size for size in under if size[0] >= NEAR_EDGE * possible]
    best = min(near or under, key=lambda size: (_times_off(size, shape), -size[0] * size[1], size), default=None)
    if best is not None and _times_off(best, shape) <= SAME_RATIO:
        return best
    legal = list(_legal(rules, lambda edge: edge * height / width))
    same = [size for size in under if _times_off(size, shape) <= SAME_RATIO]
    if same:
        return max(same, key=lambda size: (size[0] * size[1], -_times_off(size, shape), size))
    same = [size for size in legal if _times_off(size, shape) <= SAME_RATIO]
    if best is not None and not same:
        return best
    return min(same or legal, key=lambda size: (size[0] * size[1], _times_off(size, shape), size))


def _turned(size: Size) -> Size:
    return (size[1], size[0])


def _turned_rules(rules: SizeRules) -> SizeRules:
    return replace(rules, fixed=tuple(_turned(size) for size in rules.fixed)) if rules.fixed else rules


def _times_off(size: Size, shape: Size) -> float:
    """How many times wider or narrower than the shape: 1 is exactly its ratio, and equal ratios give equal floats."""
    ours, theirs = size[0] * shape[1], size[1] * shape[0]
    return max(ours, theirs) / min(ours, theirs)


def _legal(rules: SizeRules, target: Callable[[int], float], least: Size = (1, 1)) -> Iterator[Size]:
    """For every width, the two legal heights that enclose `target(width)`, or the nearest one when it is out of reach.

    So whatever is sought, as long as it is better the nearer the height is to the target, the best is among these.
    """
    if rules.fixed:
        yield from (size for size in rules.fixed if size[0] >= least[0] and size[1] >= least[1])
        return
    grid = rules.multiple
    widest, narrowest = rules.widest.as_integer_ratio()  # width ≤ height · widest / narrowest, and the other way round
    shortest = max(rules.shortest, least[0])
    for width in range(-(-shortest // grid) * grid, rules.longest + 1, grid):
        floor = max(-(-width * narrowest // widest), -(-rules.least_pixels // width), rules.shortest, least[1])
        ceiling = min(width * widest // narrowest, rules.most_pixels // width, rules.longest)
        low, high = -(-floor // grid), ceiling // grid
        if low <= high:
            wanted = target(width) / grid
            below = min(max(math.floor(wanted), low), high)
            yield (width, below * grid)
            if below < high and below < wanted:
                yield (width, (below + 1) * grid)
