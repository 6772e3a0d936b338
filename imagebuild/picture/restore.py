"""Putting back what an edit should not have changed, and the mask that tells a model where it may change something.

A mask is transparent where the picture may change and opaque where it must not; in between both are mixed. Outside of
a mask every pixel is the source's afterwards, which is proved by comparing them, not assumed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, ImageChops, ImageDraw

from imagebuild.core.framing import crop_box
from imagebuild.core.key import Digest, short
from imagebuild.core.sizes import Size, size_text
from imagebuild.errors import PictureError
from imagebuild.picture.decode import decode
from imagebuild.picture.read import Parameters, Read

__all__ = ["check_outside", "mask_png", "put_back"]


def put_back(image: Image.Image, parameters: Parameters, read: Read) -> Image.Image:
    """The edit inside the mask, the source outside of it."""
    digest = str(parameters["source"])
    source = decode(read(digest), source=f"the source {short(Digest(digest))}")
    _check_size(source, image, "the source")
    mask: Any = parameters["mask"]
    if isinstance(mask, Mapping):
        keep = keep_mask(image.size, crop_box(mask, image.size), float(mask.get("feather", 0)))
    else:
        drawn = decode(read(mask), source=f"the mask {short(Digest(mask))}")
        _check_size(drawn, image, "the mask")
        keep = drawn.getchannel("A") if drawn.mode == "RGBA" else Image.new("L", image.size, 255)
    mode = "RGBA" if "RGBA" in (source.mode, image.mode) else "RGB"
    source, edited = source.convert(mode), image.convert(mode)
    composed = Image.composite(source, edited, keep)
    check_outside(composed, source, keep)
    return composed


def check_outside(composed: Image.Image, source: Image.Image, keep: Image.Image) -> None:
    """Refuse a picture that differs from its source in a pixel that was to be kept."""
    kept = keep.point([0] * 255 + [255])
    for ours, theirs in zip(composed.split(), source.split(), strict=True):
        differs = ImageChops.multiply(ImageChops.difference(ours, theirs).point([0] + [255] * 255), kept)
        box = differs.getbbox()
        if box is not None:
            raise PictureError(
                f"what is outside of the mask was not put back: it differs from the source at {box[0]},{box[1]}"
            )


def keep_mask(size: Size, box: tuple[int, int, int, int], feather: float) -> Image.Image:
    """255 where the picture stays, 0 in the box; the feather, in pixels, lies inside of the box."""
    left, top, right, bottom = box
    steps = round(feather)
    if right - left <= 2 * steps or bottom - top <= 2 * steps:
        raise PictureError(
            f"a mask of {size_text((right - left, bottom - top))} has no room for a feather of {steps} pixels",
            hint="a larger `box`, or a smaller `feather`",
        )
    keep = Image.new("L", size, 255)
    draw = ImageDraw.Draw(keep)
    for step in range(steps + 1):
        level = round(255 * (1 - (step + 1) / (steps + 1)))
        draw.rectangle((left + step, top + step, right - step - 1, bottom - step - 1), fill=level)
    return keep


def mask_png(size: Size, box: tuple[int, int, int, int], feather: float = 0) -> bytes:
    """The mask file of a request: transparent in the box (left, top, right, bottom), where the picture may change."""
    keep = keep_mask(size, box, feather)
    mask = Image.merge("RGBA", (Image.new("L", size), Image.new("L", size), Image.new("L", size), keep))
    file = io.BytesIO()
    mask.save(file, format="PNG", compress_level=6)
    return file.getvalue()


def _check_size(picture: Image.Image, image: Image.Image, name: str) -> None:
    if picture.size != image.size:
        raise PictureError(
            f"{name} is {size_text(picture.size)} and the edit {size_text(image.size)}: nothing can be put back",
            hint="a `mask` and an edit have the size of the picture that is edited",
        )
