"""A small picture of a picture, for pages that show many."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from imagebuild.picture.decode import decode, plain
from imagebuild.picture.measure import DAMAGE, format_of, open_picture

__all__ = ["thumbnail"]

_TALLEST: Final = 4  # times the width: a strip of ten thousand lines is shown cut down to this


def thumbnail(data: bytes, width: int) -> bytes:
    """The first frame, upright, in sRGB, as WebP without metadata. A picture that is smaller stays as large as it is.
    Raises a PictureError for what is no picture."""
    image = _pixels(data, width)
    image.thumbnail((width, width * _TALLEST), Image.Resampling.LANCZOS, reducing_gap=3.0)
    image.info = {}
    buffer = io.BytesIO()
    image.save(buffer, "webp", quality=80, method=4)
    return buffer.getvalue()


def _pixels(data: bytes, width: int) -> Image.Image:
    source = "the picture"
    if format_of(data) == "jpeg":
        try:
            with open_picture(data, source=source) as file:
                if not file.info.get("icc_profile") and not file.info.get("exif"):
                    file.draft(None, (width * 2, width * 2 * _TALLEST))  # decodes an eighth of the work
                    return plain(file)
        except DAMAGE:
            pass  # `decode` says what is wrong with it
    return decode(data, source=source)
