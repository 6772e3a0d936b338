"""Which part of a picture a fit or a crop takes, in pixels: arithmetic on canonical step parameters and sizes.

Planning asks it what size will come out; drawing asks it where to cut. So both always agree. Knows no pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import cast

from imagebuild.core.sizes import Size, parse_ratio, size_text
from imagebuild.errors import PictureError

__all__ = [
    "ANCHORS",
    "MOST_DISTORTION",
    "Box",
    "anchor_point",
    "check_cover",
    "check_exact",
    "check_kept",
    "contain_offset",
    "contain_size",
    "cover_box",
    "crop_box",
    "size_of",
]

Box = tuple[float, float, float, float]  # left, top, right, bottom

ANCHORS: Mapping[str, tuple[float, float]] = {
    "center": (0.5, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "top-left": (0.0, 0.0),
    "top-right": (1.0, 0.0),
    "bottom-left": (0.0, 1.0),
    "bottom-right": (1.0, 1.0),
}
MOST_DISTORTION = 0.02
WHOLE_PIXELS = 1.0  # a box of shares ends between pixels


def size_of(value: object) -> Size:
    """`[w, h]` of canonical parameters."""
    width, height = cast("list[int]", value)
    return (width, height)


def anchor_point(anchor: object) -> tuple[float, float]:
    """The focal point of a canonical anchor, from (0, 0) top left to (1, 1) bottom right; of a box, its middle.

    A cut around a box's middle that is not smaller than the box, and is moved no further than the picture's edges ask,
    holds the box whole: `check_kept` is all that it takes besides.
    """
    if isinstance(anchor, str):
        return ANCHORS[anchor]
    numbers = cast("list[float]", anchor)
    if len(numbers) == 4:
        x, y, width, height = numbers
        return (x + width / 2, y + height / 2)
    x, y = numbers
    return (x, y)


def check_kept(anchor: object, size: Size, part: tuple[float, float]) -> None:
    """Refuse a cut that is smaller than the box it must keep."""
    if isinstance(anchor, str) or len(cast("list[float]", anchor)) != 4:
        return
    width, height = cast("list[float]", anchor)[2:]
    box = (width * size[0], height * size[1])
    if box[0] <= part[0] + WHOLE_PIXELS and box[1] <= part[1] + WHOLE_PIXELS:
        return
    kept, cut = (size_text((round(each[0]), round(each[1]))) for each in (box, part))
    most = [min(share, edge / whole) for share, edge, whole in zip((width, height), part, size, strict=True)]
    fitting = ", ".join(f"{math.floor(share * 1000) / 1000:g}" for share in most)
    raise PictureError(
        f"a cut of {cut} from {size_text(size)} cannot hold the box of {kept} that it must keep",
        hint=f"a box of that width and height at most: `[…, …, {fitting}]`; or a picture of a nearer shape",
    )


def check_cover(size: Size, target: Size, anchor: object) -> None:
    """Refuse a fit that would cut into the box it must keep."""
    check_kept(anchor, size, _part(size, target))


def cover_box(size: Size, target: Size, point: tuple[float, float]) -> Box:
    """The largest part of a picture with the target's ratio, centred on the focal point as far as the edges allow."""
    part = _part(size, target)
    left, top = (_start(*each) for each in zip(size, part, point, strict=True))
    if part == target:  # nothing is scaled: whole pixels, so that nothing is blurred either
        left, top = float(round(left)), float(round(top))
    return (left, top, left + part[0], top + part[1])


def _part(size: Size, target: Size) -> tuple[float, float]:
    """The size of the largest part of a picture with the target's ratio."""
    if size[0] * target[1] >= size[1] * target[0]:
        return (size[1] * target[0] / target[1], float(size[1]))
    return (float(size[0]), size[0] * target[1] / target[0])


def _start(edge: int, part: float, focus: float) -> float:
    return min(max(focus * edge - part / 2, 0.0), edge - part)


def contain_size(size: Size, target: Size) -> Size:
    """The size that the whole picture has when it is scaled to lie within the target."""
    (width, height), (most_width, most_height) = size, target
    if width * most_height >= height * most_width:
        return (most_width, max(1, _divide(height * most_width, width)))
    return (max(1, _divide(width * most_height, height)), most_height)


def contain_offset(inner: Size, target: Size, point: tuple[float, float]) -> Size:
    """Where the scaled picture lies on the target: the anchor's side takes none of the padding."""
    return (round((target[0] - inner[0]) * point[0]), round((target[1] - inner[1]) * point[1]))


def check_exact(size: Size, target: Size) -> None:
    """Refuse a fit to exactly the target when it would visibly squeeze the picture."""
    ours, theirs = size[0] * target[1], size[1] * target[0]
    distortion = max(ours, theirs) / min(ours, theirs) - 1
    if distortion > MOST_DISTORTION:
        pixels = f"[{target[0]}, {target[1]}]"
        raise PictureError(
            f"fitting {size_text(size)} to exactly {size_text(target)} would distort it by {distortion:.1%}",
            hint=f"`fit: {{cover: {pixels}}}` crops instead, `fit: {{contain: {pixels}}}` pads",
        )


def crop_box(parameters: Mapping[str, object], size: Size) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a crop; a part that the picture does not have is an error."""
    if "box" in parameters:
        return _given_box(cast("list[float]", parameters["box"]), parameters["unit"], size)
    width, height = size
    if "size" in parameters:
        part = size_of(parameters["size"])
        if part[0] > width or part[1] > height:
            raise PictureError(
                f"a crop of {size_text(part)} is larger than the picture of {size_text(size)}",
                hint=f"`fit: {{cover: [{part[0]}, {part[1]}]}}` scales and crops",
            )
    else:
        ratio = parse_ratio(str(parameters["ratio"])) or 1
        wide, high = ratio.numerator, ratio.denominator
        if width * high >= height * wide:
            part = (max(1, _divide(height * wide, high)), height)
        else:
            part = (width, max(1, _divide(width * high, wide)))
    check_kept(parameters["anchor"], size, part)
    point = anchor_point(parameters["anchor"])
    left, top = (round(_start(*each)) for each in zip(size, part, point, strict=True))
    return (left, top, left + part[0], top + part[1])


def _given_box(box: list[float], unit: object, size: Size) -> tuple[int, int, int, int]:
    x, y, width, height = box
    if unit == "relative":
        left, top = (min(round(start * edge), edge - 1) for start, edge in zip((x, y), size, strict=True))
        right, bottom = max(left + 1, round((x + width) * size[0])), max(top + 1, round((y + height) * size[1]))
        return (left, top, min(right, size[0]), min(bottom, size[1]))
    left, top, right, bottom = int(x), int(y), int(x + width), int(y + height)
    if right > size[0] or bottom > size[1]:
        part = size_text((right - left, bottom - top))
        raise PictureError(
            f"a crop of {part} at {left},{top} leaves the picture of {size_text(size)}",
            hint="relative numbers hold at any size: `box: [0.0, 0.0, 1.0, 0.5]` is the upper half",
        )
    return (left, top, right, bottom)


def _divide(number: int, by: int) -> int:
    """The nearest whole number, halves up; without floats, so that no size depends on rounding errors."""
    return (2 * number + by) // (2 * by)
