"""The fewest masters: which pictures to pay for, so that every exact size can be cut from one of them.

An entry is cut from a master when that leaves away no more than `MOST_CUT` of it (or no more than the service's
nearest shape would lose anyway) and enlarges nothing. Entries in the order of their shapes: those that one master
serves stand side by side, so the best division of the line is the best of all. Knows no campaign.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from imagebuild.core.frames import Framing, frame_of
from imagebuild.core.sizes import Size, SizeRules, Tier, covering_legal, covering_shape, parse_ratio, size_for_ratio

__all__ = ["MOST_CUT", "Supply", "fewest_masters", "is_cut_from", "nearest_master", "share_cut"]

MOST_CUT: Final = 0.12  # of a master, to make one entry
_SLACK: Final = 0.005  # edges are multiples of 16: a master may be off the best shape by that much
_EVEN: Final = 1e-9


class Supply(NamedTuple):
    """What a service can be asked for: the model's sizes, and the words it has for them when it takes no pixels."""

    rules: SizeRules
    framing: Framing | None = None


def share_cut(master: Size, size: Size) -> float:
    """What share of a master is not in the largest part of it that has a size's shape."""
    return 1 - _kept(Fraction(*master), Fraction(*size))


def is_cut_from(size: Size, master: Size, supply: Supply) -> bool:
    """Whether a size may be cut from a master: little is lost, nothing enlarged."""
    covers = master[0] >= size[0] and master[1] >= size[1]
    return covers and share_cut(master, size) <= _most_lost(size, supply) + _EVEN


def nearest_master(size: Size, masters: Iterable[Size]) -> Size:
    """Of some masters the one that loses least; of equals the one that need not be enlarged, then the smallest."""

    def loss(master: Size) -> tuple[float, float, int, Size]:
        enlarged = max(size[0] / master[0], size[1] / master[1], 1.0)
        return (round(share_cut(master, size), 6), round(enlarged, 6), master[0] * master[1], master)

    return min(masters, key=loss)


@lru_cache(maxsize=256)
def fewest_masters(sizes: tuple[Size, ...], given: tuple[Size, ...], supply: Supply) -> Mapping[Size, Size]:
    """For each exact size the master it is cut from. `given` are masters that are made anyway.

    A service that takes ratios and tiers is asked what one that takes pixels is asked, where it has words for all of
    it: the same requests then have the same keys at both.
    """
    found: dict[Size, Size] = {}
    for size in sizes:
        fitting = [master for master in given if is_cut_from(size, master, supply)]
        if fitting:
            found[size] = nearest_master(size, fitting)
    rest = tuple(sorted({size for size in sizes if size not in found}, key=lambda size: (Fraction(*size), size)))
    rules, framing = supply
    chosen = _divided(rest, Supply(rules))
    if framing is not None and any(frame_of(master, framing, rules) is None for master in chosen.values()):
        chosen = _divided(rest, supply)
    return found | chosen


def _divided(sizes: tuple[Size, ...], supply: Supply) -> dict[Size, Size]:
    """The division of a line of sizes into the fewest groups that a master serves; of equally few, that which loses
    least. Sizes that no master covers stand alone."""
    line = [size for size in sizes if _is_coverable(size, supply)]
    best: list[tuple[int, float, int, tuple[Size, ...]]] = [(0, 0.0, 0, ())]  # masters, loss, pixels, for each prefix
    for end in range(1, len(line) + 1):
        options = []
        for start in range(end - 1, -1, -1):
            members = tuple(line[start:end])
            if not _may_share(members[0], members[-1], supply):
                break
            master = _master_of(members, supply)
            if master is not None:
                count, loss, pixels, before = best[start]
                lost = sum(share_cut(master, size) for size in members)
                area = master[0] * master[1]
                options.append((count + 1, round(loss + lost, 6), pixels + area, (*before, *[master] * len(members))))
        best.append(min(options))
    alone = {size: _single(size, supply) for size in sizes if size not in line}
    return dict(zip(line, best[-1][3], strict=True)) | alone


def _is_coverable(size: Size, supply: Supply) -> bool:
    master = _single(size, supply)
    return master[0] >= size[0] and master[1] >= size[1]


@lru_cache(maxsize=4096)
def _may_share(one: Size, other: Size, supply: Supply) -> bool:
    """Whether a shape is so near to both that one master might serve them; what is left out here cannot."""
    shapes = (_best_shape(one, supply), _best_shape(other, supply))
    apart = abs(math.log(shapes[1] / shapes[0]))
    return apart <= sum(-math.log(1 - _most_lost(size, supply)) for size in (one, other)) + _EVEN


@lru_cache(maxsize=4096)
def _master_of(members: tuple[Size, ...], supply: Supply) -> Size | None:
    """The one master for all of these: the shape of one of them (or of a frame), the fewest pixels that cover them."""
    if len(members) == 1:
        return _single(members[0], supply)
    box = (max(width for width, _ in members), max(height for _, height in members))
    found = []
    for shape in _shapes(members, supply):
        ideal = [1 - _kept(shape, Fraction(*size)) for size in members]
        if any(lost > _most_lost(size, supply) + _EVEN for lost, size in zip(ideal, members, strict=True)):
            continue
        fitting = (each for each in _sizes_of(shape, box, supply) if _serves(each, members, supply))
        master = next(fitting, None)
        if master is not None:
            found.append((round(max(ideal), 6), round(sum(ideal), 6), master[0] * master[1], master))
    return min(found)[-1] if found else None


def _serves(master: Size, members: tuple[Size, ...], supply: Supply) -> bool:
    """Whether a real size, off its shape by the grid, still leaves enough of itself to each member. Where even the best
    shape loses more than is usual, the grid may add to that."""
    for size in members:
        most = _most_lost(size, supply)
        if share_cut(master, size) > (most + _SLACK if most > MOST_CUT else most) + _EVEN:
            return False
    return True


def _sizes_of(shape: Fraction, box: Size, supply: Supply) -> Iterable[Size]:
    if supply.framing is None:
        return covering_shape(shape, box, supply.rules)
    frames = _frames(supply)
    return [size for ratio, size in frames if ratio == shape and size[0] >= box[0] and size[1] >= box[1]]


def _shapes(members: tuple[Size, ...], supply: Supply) -> Iterable[Fraction]:
    if supply.framing is None:
        return dict.fromkeys(_best_shape(size, supply) for size in members)
    return dict.fromkeys(ratio for ratio, _ in _frames(supply))


@lru_cache(maxsize=64)
def _frames(supply: Supply) -> tuple[tuple[Fraction, Size], ...]:
    """Every frame of a service and its size, small ones first."""
    framing = supply.framing
    assert framing is not None
    found: list[tuple[Fraction, Size]] = []
    for name in framing.ratios:
        ratio = parse_ratio(name)
        assert ratio is not None
        tiers: list[Tier] = [tier for tier in framing.tiers if (name, tier) not in framing.missing]
        found.extend((ratio, size_for_ratio(ratio, tier, supply.rules)) for tier in tiers)
    return tuple(sorted(found, key=lambda frame: (frame[1][0] * frame[1][1], frame)))


@lru_cache(maxsize=4096)
def _best_shape(size: Size, supply: Supply) -> Fraction:
    """The shape nearest to a size's that the service makes."""
    own = Fraction(*size)
    if supply.framing is not None:
        return max((ratio for ratio, _ in _frames(supply)), key=lambda ratio: (_kept(ratio, own), ratio))
    if supply.rules.fixed:
        return max((Fraction(*each) for each in supply.rules.fixed), key=lambda ratio: (_kept(ratio, own), ratio))
    return min(max(own, 1 / supply.rules.widest), supply.rules.widest)


@lru_cache(maxsize=4096)
def _most_lost(size: Size, supply: Supply) -> float:
    """What a size may lose of its master: the usual share, or what the best shape for it loses anyway."""
    return max(MOST_CUT, 1 - _kept(_best_shape(size, supply), Fraction(*size)))


@lru_cache(maxsize=4096)
def _single(size: Size, supply: Supply) -> Size:
    """The master of one size alone."""
    master = covering_legal(size, supply.rules)
    if supply.framing is None or frame_of(master, supply.framing, supply.rules) is not None:
        return master
    frames = _frames(supply)
    covering = [frame for _, frame in frames if frame[0] >= size[0] and frame[1] >= size[1]]
    near = [frame for frame in covering if share_cut(frame, size) <= _most_lost(size, supply) + _SLACK]
    if near or covering:
        best = min(round(share_cut(frame, size), 2) for frame in near or covering)
        return next(frame for frame in near or covering if round(share_cut(frame, size), 2) == best)
    nearest = _best_shape(size, supply)
    return max((frame for ratio, frame in frames if ratio == nearest), key=lambda frame: frame[0] * frame[1])


def _kept(shape: Fraction, other: Fraction) -> float:
    """The share of a picture of one shape that is in its largest part of another shape."""
    return float(min(shape / other, other / shape))
