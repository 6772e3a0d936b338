"""A file's bytes → its pixels, as all else here takes them: first frame, upright, sRGB, 8 bits a channel.

What the file says of itself stays beside the pixels (`SAID`, in `info`) for `metadata`; nothing else there survives.
"""

from __future__ import annotations

import io

from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngImageFile

from imagebuild.picture.measure import DAMAGE, damaged, format_of, open_picture, orientation

__all__ = ["SAID", "decode", "plain"]

SAID = ("xmp", "exif", "Title", "Author", "Description", "Copyright")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(master: bytes, *, source: str) -> Image.Image:
    """The pixels: first frame, upright, sRGB, RGB or (where something is transparent) RGBA."""
    try:
        if format_of(master) == "png":
            PngImageFile(io.BytesIO(master)).verify()  # reading does not compare the checksums of pixel data
        with open_picture(master, source=source) as file:
            turn = _TURNS.get(orientation(file))
            profile = file.info.get("icc_profile")
            file.load()
            said: dict[str | tuple[int, int], str | bytes] = {
                name: file.info[name] for name in SAID if isinstance(file.info.get(name), str | bytes)
            }
            image = _in_srgb(file, profile) if isinstance(profile, bytes) and profile else plain(file)
    except DAMAGE as error:
        raise damaged(source, error) from error
    if turn is not None:
        image = image.transpose(turn)
    if image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255):
        image = image.convert("RGB")
    image.info = dict(said)
    return image


def plain(image: Image.Image) -> Image.Image:
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
            return plain(image)
        whole = image if image.mode in ("RGB", "CMYK", "L") and not image.has_transparency_data else plain(image)
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
        return plain(image)
    if converted is None:
        return plain(image)
    if alpha is not None:
        converted.putalpha(alpha)
    return converted
