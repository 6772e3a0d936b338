"""What a picture's bytes say about themselves in their headers. Decodes no pixels.

Knows the five formats that are read here (png, jpeg, webp, avif, gif) by their first bytes, and refuses the rest.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from imagebuild.core.sizes import Size, size_text
from imagebuild.errors import PictureError

__all__ = ["DAMAGE", "MOST_PIXELS", "Measured", "damaged", "format_of", "measure", "open_picture", "orientation"]

MOST_PIXELS = 89_478_485  # eleven times the largest picture a model makes; also where Pillow starts to warn
# What Pillow raises on damaged bytes, by format and by where the damage is.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    RuntimeError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)

_ORIENTATION = 0x0112
_READERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "png": PngImageFile,
    "jpeg": JpegImageFile,
    "webp": WebPImageFile,
    "avif": AvifImageFile,
    "gif": GifImageFile,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`size` is as shown, with the EXIF orientation applied; `frames` is more than 1 for an animation."""

    size: Size
    format: str
    media_type: str
    mode: str
    has_alpha: bool
    frames: int
    bytes: int


def measure(data: bytes, *, source: str = "the picture") -> Measured:
    """What the headers say; a PictureError when the bytes are no picture that can be read here."""
    with open_picture(data, source=source) as image:
        form = format_of(data) or ""
        try:
            has_alpha = image.has_transparency_data
            frames = int(getattr(image, "n_frames", 1))
        except DAMAGE as error:
            raise damaged(source, error) from error
        width, height = image.size
        turned = orientation(image) >= 5
        return Measured(
            size=(height, width) if turned else (width, height),
            format=form,
            media_type=f"image/{form}",
            mode=image.mode,
            has_alpha=has_alpha,
            frames=frames,
            bytes=len(data),
        )


def open_picture(data: bytes, *, source: str) -> ImageFile.ImageFile:
    """The picture with its headers read and its pixels not. By the format's own class rather than `Image.open`,
    which would try forty formats and print a warning, for the whole process, before a bomb could be refused."""
    form = format_of(data)
    if form is None:
        start = data[:16].decode("ascii", "replace").split("\n")[0]
        what = "is empty" if not data else f"is no picture that can be read here: it starts with `{start}`"
        raise PictureError(f"{source} {what}", hint="png, jpeg, webp, avif and gif are read")
    try:
        image = _READERS[form](io.BytesIO(data))
    except DAMAGE as error:
        raise damaged(source, error) from error
    if image.width * image.height > MOST_PIXELS:
        raise PictureError(
            f"{source} claims {size_text(image.size)}: {image.width * image.height:,} pixels, over {MOST_PIXELS:,}",
            hint="scale it down before it comes here",
        )
    return image


def damaged(source: str, error: BaseException) -> PictureError:
    cause = str(error).strip().rstrip(".") or type(error).__name__
    return PictureError(f"{source} is damaged or cut short: {cause}", hint="fetch or restore the file again")


def format_of(data: bytes) -> str | None:
    """The format that the first bytes name."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp" and data[8:12] in (b"avif", b"avis", b"mif1", b"msf1"):
        return "avif"
    return "gif" if data.startswith((b"GIF87a", b"GIF89a")) else None


def orientation(image: Image.Image) -> int:
    """EXIF's way up, 1 to 8, as the headers give it: `getexif` would decode a whole PNG to look behind its pixels."""
    exif = image.info.get("exif")
    if not isinstance(exif, bytes):
        return 1
    tags = Image.Exif()
    try:
        tags.load(exif)
        value = tags.get(_ORIENTATION, 1)
    except DAMAGE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1
