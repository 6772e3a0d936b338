"""Surfaces below copy: coloured areas, buttons, and the soft shade that helps words to stand out.

Edges are antialiased, and what passes over from one colour to another is dithered in a fixed pattern, so that 8 bits a
channel show no bands. Knows rectangles and colours; what stands on them is not known here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageChops, ImageDraw

from imagebuild.core.sizes import Size
from imagebuild.picture.kept import Kept
from imagebuild.picture.typeset.color import RGBA, color_of
from imagebuild.picture.typeset.setting import PlacedArea, Rectangle

__all__ = ["draw_area", "draw_surface", "lay", "shade_of"]

_TILE: Final = 8
_FINE: Final = 8  # corners are drawn so many times as large
_NEAR_EDGE: Final = 0.22  # of the picture: a shade that comes so near to its edge goes on to it
_RAMPS: Final[Kept[tuple[int, bool, tuple[float, ...]], Image.Image]] = Kept(64)


def _bayer(size: int) -> list[list[int]]:
    if size == 1:
        return [[0]]
    part = _bayer(size // 2)
    rows = [[4 * value for value in row] + [4 * value + 2 for value in row] for row in part]
    return rows + [[4 * value + 3 for value in row] + [4 * value + 1 for value in row] for row in part]


_PATTERN: Final = tuple(tuple((value + 0.5) / _TILE**2 for value in row) for row in _bayer(_TILE))


def lay(image: Image.Image, source: Image.Image | tuple[int, int, int], mask: Image.Image, left: int, top: int) -> None:
    """Put a colour or an RGB picture on a picture through a mask; what falls outside is cut off."""
    seen = (max(-left, 0), max(-top, 0), min(mask.width, image.width - left), min(mask.height, image.height - top))
    if seen[0] >= seen[2] or seen[1] >= seen[3]:
        return
    if seen != (0, 0, mask.width, mask.height):
        mask = mask.crop(seen)
        source = source.crop(seen) if isinstance(source, Image.Image) else source
    place = (left + seen[0], top + seen[1])
    if image.mode == "RGB":
        image.paste(source, (*place, place[0] + mask.width, place[1] + mask.height), mask)
        return
    layer = Image.new("RGB", mask.size, source) if isinstance(source, tuple) else source.copy()
    layer.putalpha(mask)
    image.alpha_composite(layer, place)


def draw_surface(image: Image.Image, box: Rectangle, color: RGBA, radius: float) -> None:
    """A rectangle of one colour with round corners."""
    lay(image, color[:3], _rounded(_size(box), radius, color[3]), box[0], box[1])


def draw_area(image: Image.Image, placed: PlacedArea) -> None:
    area = placed.area
    size = _size(placed.box)
    if min(size) <= 0:
        return
    start = color_of(area.color)
    end = color_of(area.to) if area.to is not None else start
    if end == start:
        draw_surface(image, placed.box, start, placed.radius)
        return
    start, end = (start if start[3] else (*end[:3], 0)), (end if end[3] else (*start[:3], 0))
    across = placed.toward in ("left", "right")
    length = size[0] if across else size[1]
    shares = [_smooth((i + 0.5) / length) for i in range(length)]
    if placed.toward in ("left", "top"):
        shares.reverse()
    alphas = [start[3] + (end[3] - start[3]) * share for share in shares]
    mask = _spread(alphas, size, across)
    if placed.radius > 0:
        mask = ImageChops.multiply(mask, _rounded(size, placed.radius, 255))
    if start[:3] == end[:3]:
        lay(image, start[:3], mask, *placed.box[:2])
        return
    both = list(zip(shares, alphas, strict=True))
    channels = [
        _spread([_blended(start, end, i, share, alpha) for share, alpha in both], size, across) for i in range(3)
    ]
    lay(image, Image.merge("RGB", channels), mask, *placed.box[:2])


def _blended(start: RGBA, end: RGBA, channel: int, share: float, alpha: float) -> float:
    """A channel between two colours, each as heavy as it is opaque."""
    if alpha <= 0:
        return float(start[channel])
    return (start[channel] * start[3] * (1 - share) + end[channel] * end[3] * share) / alpha


def shade_of(size: Size, core: Rectangle) -> tuple[Image.Image, Rectangle]:
    """A shade, full over the core and falling off softly beyond; and the part of the picture it lies on. Like the
    fall of light in a photograph it comes in from the edges that the core is near to."""
    width, height = size
    left, top, right, bottom = core
    at_side = left < width * _NEAR_EDGE or width - right < width * _NEAR_EDGE
    at_end = top < height * _NEAR_EDGE or height - bottom < height * _NEAR_EDGE
    beside = at_side and width > height * 1.2 and right - left < width * 0.75
    whole_height = bottom - top > height * (0.3 if beside else 0.6)
    whole_width = (right - left > width * 0.6) or (at_end and not whole_height and width <= height * 1.2)
    across, x0, x1 = _fall(left, right, width, whole_width)
    down, y0, y1 = _fall(top, bottom, height, whole_height)
    extent = (x1 - x0, y1 - y0)
    mask = ImageChops.multiply(_spread(across, extent, True), _spread(down, extent, False))
    return mask, (x0, y0, x1, y1)


def _fall(start: int, end: int, length: int, whole: bool) -> tuple[list[float], int, int]:
    """The strength along one axis, and the stretch where there is any."""
    before = whole or start < length * _NEAR_EDGE
    after = whole or length - end < length * _NEAR_EDGE
    reach = min(max((end - start) * 0.75, length * 0.22), length * 0.5)
    fall = [255.0 * (1 - _smooth(i / reach)) for i in range(1, math.ceil(reach))]
    first = 0 if before else max(start - len(fall), 0)
    last = length if after else min(end + len(fall), length)
    full = (first if before else max(start, 0), last if after else min(end, length))
    values = [*reversed(fall[: full[0] - first]), *([255.0] * (full[1] - full[0])), *fall[: last - full[1]]]
    return values, first, last


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)


def _spread(values: Sequence[float], size: Size, across: bool) -> Image.Image:
    """Values along one axis as a picture, dithered; the same for the whole length of the other axis."""
    key = (size[1] if across else size[0], across, tuple(values))
    return _RAMPS.get(key, lambda: _dithered(values, size, across))


def _dithered(values: Sequence[float], size: Size, across: bool) -> Image.Image:
    rows = []
    for number in range(_TILE):
        pattern = _PATTERN[number]
        rows.append(bytes(int(min(value + pattern[i % _TILE], 255.0)) for i, value in enumerate(values)))
    tile = Image.frombytes("L", (len(values), _TILE), b"".join(rows))
    length = size[1] if across else size[0]
    whole = Image.new("L", (len(values), length))
    for top in range(0, length, _TILE):
        whole.paste(tile, (0, top))
    return whole if across else whole.transpose(Image.Transpose.TRANSPOSE)


def _rounded(size: Size, radius: float, opacity: int) -> Image.Image:
    mask = Image.new("L", size, opacity)
    radius = min(radius, size[0] / 2, size[1] / 2)
    side = math.ceil(radius)
    if side < 1:
        return mask
    large = Image.new("L", (side * _FINE, side * _FINE))
    ImageDraw.Draw(large).ellipse((0, 0, radius * 2 * _FINE - 1, radius * 2 * _FINE - 1), fill=opacity)
    corner = large.reduce(_FINE)
    right, bottom = size[0] - side, size[1] - side
    mirrored = corner.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mask.paste(corner, (0, 0))
    mask.paste(mirrored, (right, 0))
    mask.paste(corner.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (0, bottom))
    mask.paste(mirrored.transpose(Image.Transpose.FLIP_TOP_BOTTOM), (right, bottom))
    return mask


def _size(box: Rectangle) -> Size:
    return max(box[2] - box[0], 0), max(box[3] - box[1], 0)
