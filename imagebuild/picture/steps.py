"""A master's bytes → a deliverable's bytes: decode, draw the steps in order, encode.

The same bytes and parameters give the same file in every process, whether the master was decoded for one deliverable
or for many: nothing about decoding depends on what is drawn afterwards. Deliverables are sRGB, upright, 8 bits a
channel, and carry no metadata. Knows canonical parameters (`core/steps`), not how a campaign writes them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngImageFile

from imagebuild.core.sizes import Size
from imagebuild.core.step_encode import default_encode
from imagebuild.picture.encode import encode
from imagebuild.picture.fit import crop, fit
from imagebuild.picture.measure import DAMAGE, damaged, format_of, open_picture, orientation

__all__ = ["DRAWERS", "Drawn", "decode", "draw_steps", "run_steps"]

Parameters = Mapping[str, object]

DRAWERS: Mapping[str, Callable[[Image.Image, Parameters], Image.Image]] = {"fit": fit, "crop": crop}

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A finished file."""

    data: bytes
    media_type: str
    size: Size


def run_steps(
    master: bytes, steps: Sequence[tuple[str, Parameters]], *, source: str, default_format: str = "png"
) -> Drawn:
    """The deliverable of one master. `source` is how messages call the master."""
    return draw_steps(decode(master, source=source), steps, default_format=default_format)


def draw_steps(image: Image.Image, steps: Sequence[tuple[str, Parameters]], *, default_format: str = "png") -> Drawn:
    """The deliverable of a decoded master, which stays as it is and may be drawn from again, also in other threads."""
    encoding = default_encode(default_format)
    for name, parameters in steps:
        if name == "encode":
            encoding = parameters
        else:
            image = DRAWERS[name](image, parameters)
    data = encode(image, encoding)
    return Drawn(data=data, media_type=f"image/{encoding['format']}", size=image.size)


def decode(master: bytes, *, source: str) -> Image.Image:
    """The pixels: first frame, upright, sRGB, RGB or (where something is transparent) RGBA, without metadata."""
    try:
        if format_of(master) == "png":
            PngImageFile(io.BytesIO(master)).verify()  # reading does not compare the checksums of pixel data
        with open_picture(master, source=source) as file:
            turn = _TURNS.get(orientation(file))
            profile = file.info.get("icc_profile")
            file.load()
            image = _in_srgb(file, profile) if isinstance(profile, bytes) and profile else _plain(file)
    except DAMAGE as error:
        raise damaged(source, error) from error
    if turn is not None:
        image = image.transpose(turn)
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    return image


def _plain(image: Image.Image) -> Image.Image:
    """RGB or RGBA, whatever mode the file has; always a new picture."""
    if image.mode.startswith("I"):  # 16-bit grey, which `convert` would clip instead of scale
        image = image.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image.copy() if image.mode == mode else image.convert(mode)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture's colours as sRGB has them. A profile that cannot be read or does not belong to the picture is
    ignored, as browsers do."""
    try:
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(given).lower():
            return _plain(image)
        whole = image if image.mode in ("RGB", "CMYK", "L") and not image.has_transparency_data else _plain(image)
        alpha = whole.getchannel("A") if whole.mode == "RGBA" else None
        space = given.profile.xcolor_space.strip()
        colors = whole.convert({"GRAY": "L", "CMYK": "CMYK"}.get(space, "RGB"))
        converted = ImageCms.profileToProfile(
            colors,
            given,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, *DAMAGE):
        return _plain(image)
    if converted is None:
        return _plain(image)
    if alpha is not None:
        converted.putalpha(alpha)
    return converted
