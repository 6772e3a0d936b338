"""Reference pictures in a proof: cards and cut-outs placed in a scene, and the picture that an edit changes.

Knows pictures as they come (bytes) and where they go; the scene around them is `scenes`'s.
"""

from __future__ import annotations

import io
import math
from random import Random
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from imagebuild.errors import PictureError
from imagebuild.picture.proof.brush import Box, field, lights, paste_color
from imagebuild.picture.proof.color import Palette, mix, shade

__all__ = ["changed", "mask_area", "open_picture", "place_references"]

_MOST_PIXELS: Final = 64_000_000


def open_picture(data: bytes, name: str) -> Image.Image:
    """An `RGB` or `RGBA` picture, turned as its camera held it."""
    try:
        with Image.open(io.BytesIO(data)) as opened:
            if opened.width * opened.height > _MOST_PIXELS:
                raise PictureError(f"{name} is too large: {opened.width}x{opened.height}", hint="make it smaller")
            picture = ImageOps.exif_transpose(opened)
            has_alpha = "A" in picture.getbands() or "transparency" in picture.info
            return picture.convert("RGBA" if has_alpha else "RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as bad:
        raise PictureError(f"cannot read {name}: {bad}", hint="give a PNG, JPEG or WebP file") from bad


def mask_area(data: bytes, base: tuple[int, int], size: tuple[int, int]) -> Image.Image:
    """255 where the mask is fully transparent (what an edit may change), 0 elsewhere; placed as the base is."""
    mask = open_picture(data, "the mask")
    if mask.mode != "RGBA":
        raise PictureError("the mask has no transparency", hint="make the part to change transparent, save it as PNG")
    area = mask.getchannel("A").point([255] + [0] * 255)
    if area.size != base:
        area = area.resize(base, Image.Resampling.NEAREST)
    return ImageOps.fit(area, size, Image.Resampling.NEAREST) if area.size != size else area


def place_references(
    image: Image.Image, pictures: list[Image.Image], box: Box, palette: Palette, random: Random
) -> None:
    """All of them, in one row or several, each a cut-out with its shadow or a print with a white edge."""
    left, top, right, bottom = box
    columns = _columns(len(pictures), (right - left) / max(bottom - top, 1))
    rows = math.ceil(len(pictures) / columns)
    for number, picture in enumerate(pictures):
        row, column = divmod(number, columns)
        in_row = min(columns, len(pictures) - row * columns)
        wide, high = (right - left) / columns, (bottom - top) / rows
        center = (left + right) / 2 + wide * (column + 0.5 - in_row / 2)
        foot = top + high * (row + 1)
        lean = (random.random() - 0.5) * (0 if len(pictures) == 1 else 5)
        _place(image, picture, (center, foot), (wide * 0.94, high * 0.94), lean, palette)


def _columns(count: int, ratio: float) -> int:
    """The number of columns that leaves each picture the most room."""
    return max(range(1, count + 1), key=lambda columns: min(ratio / columns, 1 / math.ceil(count / columns)))


def _place(
    image: Image.Image,
    picture: Image.Image,
    foot: tuple[float, float],
    room: tuple[float, float],
    lean: float,
    palette: Palette,
) -> None:
    scale = min(room[0] / picture.width, room[1] / picture.height)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    small = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    cut_out = small.mode == "RGBA" and small.getchannel("A").histogram()[0] > 0
    if not cut_out:
        edge = max(round(min(size) * 0.035), 2)
        card = Image.new("RGB", (size[0] + 2 * edge, size[1] + 2 * edge), mix(palette.paper, (255, 255, 255), 0.8))
        card.paste(small, (edge, edge), small if small.mode == "RGBA" else None)
        small = card.convert("RGBA").resize(size, Image.Resampling.LANCZOS)
    if lean:
        small = small.rotate(lean, Image.Resampling.BICUBIC, expand=True)
    at = (round(foot[0] - small.width / 2), round(foot[1] - small.height))
    alpha = small.getchannel("A")
    reach = max(min(size) // 22, 2)
    soft = Image.new("L", (small.width + 6 * reach, small.height + 6 * reach))
    soft.paste(alpha.point([round(value * 0.5) for value in range(256)]), (3 * reach, 3 * reach))
    shrunk = soft.resize((max(soft.width // 6, 1), max(soft.height // 6, 1)), Image.Resampling.BOX)
    soft = shrunk.filter(ImageFilter.GaussianBlur(reach / 6)).resize(soft.size, Image.Resampling.BICUBIC)
    shadow = shade(palette.deep, -0.15)
    paste_color(image, shadow, soft, (at[0] - 3 * reach, at[1] - 3 * reach + reach * 3 // 4))
    paste_color(image, small.convert("RGB"), alpha, at)


def changed(base: Image.Image, palette: Palette, random: Random, *, within: Image.Image | None) -> Image.Image:
    """The edited picture: the base in the palette's light, with drifting discs; bolder, and outlined, in a mask."""
    size = base.size
    gray = ImageOps.autocontrast(base.convert("L"), cutoff=1)
    duotone = ImageOps.colorize(gray, palette.deep, palette.paper, mid=mix(palette.main, palette.accent, 0.35))
    picture = Image.blend(base.convert("RGB"), duotone, 0.78 if within else 0.58)
    x = 0.15 + 0.7 * random.random()
    glow = (x, 0.1 + 0.3 * random.random(), 0.6, mix(palette.accent, (255, 255, 255), 0.25), 1.0)
    wash = field(size, lights(lambda _u, v: (round(132 - 40 * v),) * 3, [glow], size[0] / size[1]))
    picture = ImageChops.soft_light(picture, wash)
    box = within.getbbox() if within else None
    _discs(picture, box or (0, 0, *size), palette, random)
    if within:
        line = max(round(min(size) / 320), 2)
        inner = within.filter(ImageFilter.MinFilter(2 * line + 1))
        picture.paste(palette.accent, (0, 0), ImageChops.subtract(within, inner))
    return picture


def _discs(picture: Image.Image, box: tuple[int, int, int, int], palette: Palette, random: Random) -> None:
    """Discs out of focus: what the edit brought, plain to see and yet not in the way."""
    width, height = box[2] - box[0], box[3] - box[1]
    scale = 400 / max(width, height)
    tones = (palette.accent, palette.paper, palette.main, mix(palette.accent, palette.paper, 0.5))
    for tone in tones:
        layer = Image.new("L", (max(round(width * scale), 1), max(round(height * scale), 1)))
        draw = ImageDraw.Draw(layer)
        for _ in range(7):
            x, y = random.random() * layer.width, random.random() * layer.height
            radius = (0.012 + 0.06 * random.random() ** 2) * math.sqrt(layer.width * layer.height)
            opacity = round(70 + 110 * random.random())
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=opacity)
        layer = layer.filter(ImageFilter.GaussianBlur(0.8 + 1.8 * random.random()))
        paste_color(picture, tone, layer.resize((width, height), Image.Resampling.BICUBIC), (box[0], box[1]))
