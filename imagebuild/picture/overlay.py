"""Laying a logo, a badge or a seal over a picture. Where it lies is arithmetic of `core/step_overlay`."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageStat

from imagebuild.core.key import Digest, short
from imagebuild.core.steps.overlay import DARK_GROUND, PICTURES, place_overlay
from imagebuild.picture.decode import decode
from imagebuild.picture.fit import scaled
from imagebuild.picture.read import Parameters, Read

__all__ = ["overlay"]

_SEEN = 64  # a ground is looked at in so many pixels an edge at most: its light is a mean anyway


def overlay(image: Image.Image, parameters: Parameters, read: Read) -> Image.Image:
    """By canonical parameters. Where there is a picture for light and one for dark grounds, what is behind decides."""
    pictures = [str(parameters[name]) for name in PICTURES if name in parameters]
    logo = _decoded(pictures[0], read)
    if len(pictures) > 1:
        placed = place_overlay(parameters, image.size, logo.size)
        (left, top), (width, height) = placed[:2], placed.size
        ground = _light(image.crop((left, top, left + width, top + height)))
        wanted = str(parameters.get("on_dark" if ground < DARK_GROUND else "on_light", pictures[0]))
        logo = logo if wanted == pictures[0] else _decoded(wanted, read)
    placed = place_overlay(parameters, image.size, logo.size)
    logo = scaled(logo, placed.size, (0.0, 0.0, float(logo.width), float(logo.height)))
    return _laid(image, logo, (placed.left, placed.top), float(str(parameters["opacity"])))


def _decoded(digest: str, read: Read) -> Image.Image:
    return decode(read(digest), source=f"the overlay {short(Digest(digest))}")


def _laid(image: Image.Image, logo: Image.Image, at: tuple[int, int], opacity: float) -> Image.Image:
    alpha = logo.getchannel("A") if logo.mode == "RGBA" else Image.new("L", logo.size, 255)
    if opacity < 1:
        alpha = ImageChops.multiply(alpha, Image.new("L", logo.size, round(opacity * 255)))
    out = image.copy()
    if image.mode == "RGBA":
        layer = logo.convert("RGBA")
        layer.putalpha(alpha)
        out.alpha_composite(layer, at)
    else:
        out.paste(logo.convert("RGB"), at, alpha)
    return out


def _light(ground: Image.Image) -> float:
    """The relative luminance (WCAG) of a part of a picture, its mean; what is transparent counts as white."""
    if ground.mode == "RGBA":
        white = Image.new("RGBA", ground.size, (255, 255, 255, 255))
        white.alpha_composite(ground)
        ground = white.convert("RGB")
    ground = ground.reduce((max(1, ground.width // _SEEN), max(1, ground.height // _SEEN)))
    red, green, blue = ImageStat.Stat(ground.point(_LINEAR)).mean
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


def _linear(value: int) -> int:
    share = value / 255
    return round(255 * (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4))


_LINEAR = [_linear(value) for value in range(256)] * 3
