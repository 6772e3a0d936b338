"""The strokes that proofs are painted with: smooth fields of colour, soft shadows, shaded volumes, grain.

Everything smooth is worked out on a tiny grid and enlarged, so that a large picture costs little more than a small one.
Knows pictures and colours; what is painted where is `scenes`'s.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from imagebuild.picture.proof.color import RGB, mix, shade

__all__ = [
    "Box",
    "Solid",
    "blend",
    "draw_solid",
    "field",
    "gradient",
    "grain",
    "lights",
    "paste_color",
    "polygon_mask",
    "soft_shadow",
]

Box = tuple[float, float, float, float]

_GRID: Final = 40
_BLUR_RADIUS: Final = 5.0  # shadows are blurred in a picture so small that this is their radius
_OVERSAMPLING: Final = 3


def field(size: tuple[int, int], color_at: Callable[[float, float], tuple[float, float, float]]) -> Image.Image:
    """A smooth picture from a function of place (0..1, 0..1) to colour."""
    steps = [(i + 0.5) / _GRID for i in range(_GRID)]
    values = bytes(
        min(max(round(part), 0), 255) for v in steps for u in steps for part in color_at(u, v)
    )  # fmt: skip
    return Image.frombytes("RGB", (_GRID, _GRID), values).resize(size, Image.Resampling.BICUBIC)


def gradient(size: tuple[int, int], colors: Sequence[RGB], *, across: bool = False) -> Image.Image:
    """Colours from top to bottom, or from left to right."""
    strip = Image.new("RGB", (len(colors), 1) if across else (1, len(colors)))
    strip.putdata(list(colors))
    return strip.resize(size, Image.Resampling.BICUBIC if len(colors) > 2 else Image.Resampling.BILINEAR)


def grain(image: Image.Image, seed: bytes, strength: float) -> Image.Image:
    """Film grain: hides the steps of gradients and makes flat colour look printed. `seed` alone decides it."""
    tile = Image.frombytes("L", (256, 256), hashlib.shake_256(seed).digest(65536))
    tile = tile.point([round(128 + (value - 127.5) / 127.5 * strength) for value in range(256)])
    whole = Image.new("L", image.size)
    for y in range(0, image.height, 256):
        for x in range(0, image.width, 256):
            whole.paste(tile, (x, y))
    return ImageChops.overlay(image, Image.merge("RGB", (whole, whole, whole)))


def paste_color(image: Image.Image, paint: RGB | Image.Image, mask: Image.Image, at: tuple[int, int]) -> None:
    """Colour, or a picture of the mask's size, through a mask whose top left pixel lies at `at`; blends alpha too."""
    if image.mode == "RGB":
        box = (at[0], at[1], at[0] + mask.width, at[1] + mask.height)
        image.paste(paint, box, mask)
        return
    layer = paint.convert("RGBA") if isinstance(paint, Image.Image) else Image.new("RGBA", mask.size, paint)
    layer.putalpha(mask)
    left, top = max(-at[0], 0), max(-at[1], 0)
    if left < mask.width and top < mask.height and at[0] < image.width and at[1] < image.height:
        image.alpha_composite(layer, (max(at[0], 0), max(at[1], 0)), (left, top))


def polygon_mask(points: Sequence[tuple[float, float]], limit: tuple[int, int]) -> tuple[Image.Image, int, int] | None:
    """A filled outline with smooth edges, cut to a canvas, and where its top left pixel lies."""
    left = max(math.floor(min(x for x, _ in points)), 0)
    top = max(math.floor(min(y for _, y in points)), 0)
    right = min(math.ceil(max(x for x, _ in points)), limit[0])
    bottom = min(math.ceil(max(y for _, y in points)), limit[1])
    if right <= left or bottom <= top:
        return None
    scale = _OVERSAMPLING if (right - left) * (bottom - top) < 1_500_000 else 2
    large = Image.new("L", ((right - left) * scale, (bottom - top) * scale))
    ImageDraw.Draw(large).polygon([((x - left) * scale, (y - top) * scale) for x, y in points], fill=255)
    return large.reduce(scale), left, top


def soft_shadow(image: Image.Image, ellipses: Sequence[Box], color: RGB, *, strength: float, blur: float) -> None:
    """Soft dark ellipses, all in one go; `blur` is a share of the picture's shorter side."""
    reach = max(blur * min(image.size), 1.0)
    left = max(math.floor(min(box[0] for box in ellipses) - 3 * reach), 0)
    top = max(math.floor(min(box[1] for box in ellipses) - 3 * reach), 0)
    right = min(math.ceil(max(box[2] for box in ellipses) + 3 * reach), image.width)
    bottom = min(math.ceil(max(box[3] for box in ellipses) + 3 * reach), image.height)
    if right <= left or bottom <= top:
        return
    scale = min(1.0, _BLUR_RADIUS / reach)
    small = Image.new("L", (max(round((right - left) * scale), 2), max(round((bottom - top) * scale), 2)))
    draw = ImageDraw.Draw(small)
    for box in ellipses:
        x0, y0, x1, y1 = box[0] - left, box[1] - top, box[2] - left, box[3] - top
        draw.ellipse((x0 * scale, y0 * scale, x1 * scale, y1 * scale), fill=round(255 * strength))
    small = small.filter(ImageFilter.GaussianBlur(reach * scale))
    paste_color(image, color, small.resize((right - left, bottom - top), Image.Resampling.BICUBIC), (left, top))


@dataclass(frozen=True, slots=True, kw_only=True)
class Solid:
    """A turned body: its half width at each height (0 top .. 1 bottom) as a share of the box's half width."""

    box: Box
    profile: tuple[float, ...]
    color: RGB
    tilt: float = 0.16  # how far one looks down on it: the height of its top ellipse as a share of its width
    open_top: bool = True


def draw_solid(image: Image.Image, solid: Solid, light: float, *, gloss: float = 0.35) -> None:
    """The body, lit from the left (`light` < 0) or the right."""
    left, top, right, bottom = solid.box
    width, height = right - left, bottom - top
    middle = (left + right) / 2
    radius = _smooth(solid.profile)
    top_rim = radius(0.0) * width / 2 * solid.tilt if solid.open_top else 0.0
    foot_rim = radius(1.0) * width / 2 * solid.tilt
    steps = [i / 72 for i in range(73)]
    side = [(middle + radius(v) * width / 2, top + top_rim + v * (height - top_rim - foot_rim)) for v in steps]
    foot = _arc(middle, bottom - foot_rim, radius(1.0) * width / 2, foot_rim)
    other = [(2 * middle - x, y) for x, y in reversed(side)]
    back = [] if not solid.open_top else _arc(middle, top + top_rim, radius(0.0) * width / 2, -top_rim)[::-1]
    found = polygon_mask([*side, *foot, *other, *back], image.size)
    if found is None:
        return
    mask, x, y = found
    tones = _shading(solid, radius, light, gloss)
    box = (x - left, y - top, x - left + mask.width, y - top + mask.height)
    lit = _enlarged(tones, (width, height), box)
    paint = ImageOps.colorize(lit, shade(solid.color, -0.26), shade(solid.color, 0.24), mid=solid.color, midpoint=140)
    paste_color(image, paint, mask, (x, y))
    if top_rim > 0.5:
        _draw_top(image, solid, (middle, top + top_rim), radius(0.0) * width / 2, light)


def _draw_top(image: Image.Image, solid: Solid, center: tuple[float, float], radius: float, light: float) -> None:
    found = polygon_mask(
        [*_arc(*center, radius, radius * solid.tilt), *_arc(*center, radius, -radius * solid.tilt)[::-1]], image.size
    )
    if found is not None:
        mask, x, y = found
        bright, dim = shade(solid.color, 0.17), shade(solid.color, 0.05)
        paint = gradient(mask.size, (bright, dim) if light < 0 else (dim, bright), across=True)
        paste_color(image, paint, mask, (x, y))


def _enlarged(tones: Image.Image, size: tuple[float, float], box: Box) -> Image.Image:
    """The part `box` (in pixels of a body `size` large) of the small tone picture, at full size."""
    across, down = tones.width / size[0], tones.height / size[1]
    wanted = (max(round(box[2] - box[0]), 1), max(round(box[3] - box[1]), 1))
    source = (
        min(max(box[0] * across, 0), tones.width - 1e-3), min(max(box[1] * down, 0), tones.height - 1e-3),
        min(max(box[2] * across, 1e-3), tones.width), min(max(box[3] * down, 1e-3), tones.height),
    )  # fmt: skip
    return tones.resize(wanted, Image.Resampling.BICUBIC, box=source)


def _shading(solid: Solid, radius: Callable[[float], float], light: float, gloss: float) -> Image.Image:
    """How bright each place of the body is: a key light from one side and above, a faint rim light from the other."""
    left, top, right, bottom = solid.box
    aspect = (right - left) / 2 / max(bottom - top, 1)
    key = _unit(light, -0.55, 0.75)
    half = _unit(key[0], key[1], key[2] + 1)
    values = bytearray()
    for row in range(_GRID):
        v = (row + 0.5) / _GRID
        slope = (radius(min(v + 0.02, 1)) - radius(max(v - 0.02, 0))) / (min(v + 0.02, 1) - max(v - 0.02, 0)) * aspect
        here = max(radius(v), 0.02)
        for column in range(_GRID):
            u = ((column + 0.5) / _GRID * 2 - 1) / here
            u = min(max(u, -1.0), 1.0)
            depth = math.sqrt(1 - u * u)
            normal = _unit(u, -slope, depth) if abs(slope) < 30 else (0.0, -math.copysign(1, slope), 0.0)
            facing = sum(a * b for a, b in zip(normal, key, strict=True))
            shine = max(sum(a * b for a, b in zip(normal, half, strict=True)), 0.0) ** 42
            rim = max(-u * math.copysign(1, light), 0.0) ** 6 * 0.14
            tone = 0.2 + 0.62 * max(facing * 0.5 + 0.5, 0.0) ** 1.7 + gloss * shine + rim
            values.append(min(round(tone * 255), 255))
    return Image.frombytes("L", (_GRID, _GRID), bytes(values))


def _unit(x: float, y: float, z: float) -> tuple[float, float, float]:
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    return x / length, y / length, z / length


def _arc(x: float, y: float, across: float, down: float) -> list[tuple[float, float]]:
    """The half ellipse from the right end to the left one, below (or, with `down` < 0, above)."""
    turns = [math.pi * i / 40 for i in range(41)]
    return [(x + across * math.cos(turn), y + down * math.sin(turn)) for turn in turns]


def _smooth(knots: tuple[float, ...]) -> Callable[[float], float]:
    """A curve through evenly spaced knots (Catmull-Rom)."""

    def at(place: float) -> float:
        position = min(max(place, 0.0), 1.0) * (len(knots) - 1)
        index = min(int(position), len(knots) - 2)
        t = position - index
        before, start, end = knots[max(index - 1, 0)], knots[index], knots[index + 1]
        after = knots[min(index + 2, len(knots) - 1)]
        curve = (
            2 * start
            + (end - before) * t
            + (2 * before - 5 * start + 4 * end - after) * t * t
            + (3 * start - before - 3 * end + after) * t * t * t
        )
        return min(max(curve / 2, 0.0), 1.0)

    return at


def lights(
    base: Callable[[float, float], RGB], glows: Sequence[tuple[float, float, float, RGB, float]], ratio: float
) -> Callable[[float, float], tuple[float, float, float]]:
    """A field's function: a base colour with glows (x, y, radius, colour, strength) over it, round at any ratio."""

    def at(u: float, v: float) -> tuple[float, float, float]:
        red, green, blue = map(float, base(u, v))
        for x, y, reach, color, strength in glows:
            across, down = (u - x) * max(ratio, 1), (v - y) * max(1 / ratio, 1)
            share = strength * math.exp(-(across * across + down * down) / (reach * reach))
            red += (color[0] - red) * share
            green += (color[1] - green) * share
            blue += (color[2] - blue) * share
        return red, green, blue

    return at


def blend(colors: Sequence[RGB], place: float) -> RGB:
    """The colour at 0..1 along a row of colours."""
    position = min(max(place, 0.0), 1.0) * (len(colors) - 1)
    index = min(int(position), len(colors) - 2)
    return mix(colors[index], colors[index + 1], position - index)
