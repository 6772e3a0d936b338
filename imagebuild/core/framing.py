"""Which part of a picture a fit or a crop takes, in pixels: arithmetic on canonical step parameters and sizes.

Planning asks it what size will come out; drawing asks it where to cut. So both always agree. Knows no pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from imagebuild.core.sizes import Size, parse_ratio, size_text
from imagebuild.errors import PictureError

__all__ = [
    "ANCHORS",
    "MOST_DISTORTION",
    "Box",
    "anchor_point",
    "check_exact",
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


def size_of(value: object) -> Size:
    """`[w, h]` of canonical parameters."""
    width, height = cast("list[int]", value)
    return (width, height)


def anchor_point(anchor: object) -> tuple[float, float]:
    """The focal point of a canonical anchor, from (0, 0) top left to (1, 1) bottom right."""
    if isinstance(anchor, str):
        return ANCHORS[anchor]
    x, y = cast("list[float]", anchor)
    return (x, y)


def cover_box(size: Size, target: Size, point: tuple[float, float]) -> Box:
    """The largest part of a picture with the target's ratio, centred on the focal point as far as the edges allow."""
    if size[0] * target[1] >= size[1] * target[0]:
        part = (size[1] * target[0] / target[1], float(size[1]))
    else:
        part = (float(size[0]), size[0] * target[1] / target[0])
    left, top = (_start(*each) for each in zip(size, part, point, strict=True))
    if part == target:  # nothing is scaled: whole pixels, so that nothing is blurred either
        left, top = float(round(left)), float(round(top))
    return (left, top, left + part[0], top + part[1])


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
