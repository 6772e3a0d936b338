"""What a picture loses on its way from the master to the file: how much is cut away, how much it is enlarged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, cast

from imagebuild.core.framing import contain_size, cover_box, crop_box, size_of
from imagebuild.core.sizes import Size

__all__ = ["FitLoss", "fit_loss"]

CENTER = (0.5, 0.5)  # where a part lies does not change how large it is


class FitLoss(NamedTuple):
    """`scale`: how large the picture is drawn, 1 as it came; `cut`: the share of it that is left away; `excess`: how
    many times larger it is drawn than its steps say it may be (`most_scale`), 1 or less when they are kept to."""

    scale: float = 1.0
    cut: float = 0.0
    excess: float = 1.0


def fit_loss(steps: Iterable[tuple[str, Mapping[str, object]]], size: Size) -> FitLoss:
    """What the steps (names and canonical parameters) do to a picture of this size. Other steps keep the size."""
    scale, kept, excess = 1.0, 1.0, 1.0
    for name, parameters in steps:
        before = size
        if name == "crop":
            left, top, right, bottom = crop_box(parameters, size)
            size = (right - left, bottom - top)
            kept *= _area(size) / _area(before)
        elif name == "fit":
            target, times, share = _fitted(parameters, size)
            size, scale, kept = target, scale * times, kept * share
            excess = max(excess, scale / cast("float", parameters.get("most_scale", 1.0)))
    return FitLoss(round(scale, 4), round(1 - kept, 4), round(excess, 4))


def _fitted(parameters: Mapping[str, object], size: Size) -> tuple[Size, float, float]:
    """The size that comes out, how large the picture is drawn, and the share of it that is still there."""
    if "contain" in parameters:
        target = size_of(parameters["contain"])
        return target, contain_size(size, target)[0] / size[0], 1.0
    if "exact" in parameters:
        target = size_of(parameters["exact"])
        return target, max(target[0] / size[0], target[1] / size[1]), 1.0
    target = size_of(parameters["cover"])
    left, top, right, bottom = cover_box(size, target, CENTER)
    return target, target[0] / (right - left), (right - left) * (bottom - top) / _area(size)


def _area(size: Size) -> int:
    return size[0] * size[1]
