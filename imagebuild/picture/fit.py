"""Scaling, cropping and padding pixels. Where to cut is arithmetic of `core/framing`; this module only does it.

Works on RGB and RGBA pictures in sRGB, as `picture/steps.decode` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image, ImageColor

from imagebuild.core.framing import (
    Box,
    anchor_point,
    check_exact,
    contain_offset,
    contain_size,
    cover_box,
    crop_box,
    size_of,
)
from imagebuild.core.sizes import Size

__all__ = ["crop", "fit", "flatten", "scaled"]

# Above this many times too large, Pillow first averages whole blocks: several times faster, and no difference to see.
REDUCING_GAP = 3.0


def fit(image: Image.Image, parameters: Mapping[str, object]) -> Image.Image:
    """Cover, contain or exact, by canonical parameters."""
    if "exact" in parameters:
        target = size_of(parameters["exact"])
        check_exact(image.size, target)
        return scaled(image, target, (0.0, 0.0, float(image.width), float(image.height)))
    point = anchor_point(parameters["anchor"])
    if "cover" in parameters:
        target = size_of(parameters["cover"])
        return scaled(image, target, cover_box(image.size, target, point))
    return _contained(image, size_of(parameters["contain"]), point, str(parameters["background"]))


def crop(image: Image.Image, parameters: Mapping[str, object]) -> Image.Image:
    return image.crop(crop_box(parameters, image.size))


def flatten(image: Image.Image, background: str) -> Image.Image:
    """The picture without alpha, laid on an opaque colour."""
    if image.mode != "RGBA":
        return image
    below = Image.new("RGB", image.size, ImageColor.getrgb(background))
    below.paste(image, (0, 0), image)
    return below


def _contained(image: Image.Image, target: Size, point: tuple[float, float], background: str) -> Image.Image:
    inner = contain_size(image.size, target)
    inside = scaled(image, inner, (0.0, 0.0, float(image.width), float(image.height)))
    if inner == target and image.mode == "RGB":
        return inside
    color = (0, 0, 0, 0) if background == "transparent" else ImageColor.getcolor(background, "RGBA")
    canvas = Image.new("RGBA", target, color)
    canvas.alpha_composite(inside.convert("RGBA"), contain_offset(inner, target, point))
    return canvas.convert("RGB") if canvas.getchannel("A").getextrema() == (255, 255) else canvas


def scaled(image: Image.Image, target: Size, box: Box) -> Image.Image:
    """Lanczos; transparent pixels do not bleed their colour (Pillow scales RGBA premultiplied)."""
    if (box[2] - box[0], box[3] - box[1]) == target:  # whole pixels by `cover_box`: nothing to scale
        left, top = int(box[0]), int(box[1])
        return image.crop((left, top, left + target[0], top + target[1]))
    return image.resize(target, Image.Resampling.LANCZOS, box=box, reducing_gap=REDUCING_GAP)
