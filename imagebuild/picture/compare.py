"""How far two pictures differ, and where: the share of pixels that changed, and a picture that shows them.

A pixel has changed when a channel differs by more than what an encoder does to it. Transparent pictures are compared on
white and on black, so that nothing hides in what lies behind them. The same two pictures give the same bytes.
"""

from __future__ import annotations

import io
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from imagebuild.core.sizes import Size
from imagebuild.picture.decode import decode
from imagebuild.picture.fit import flatten

__all__ = ["TOLERANCE", "Comparison", "compare_pictures", "difference_picture"]

TOLERANCE: Final = 2  # of 255
_MARK: Final = (255, 0, 168)  # a colour that no campaign is made of
_EDGE: Final = 5  # pixels: so that a single one shows
_GROUNDS: Final = ("#ffffff", "#000000")


class Comparison(NamedTuple):
    """`changed` is a share of `of`, the later picture's pixels. Not `same_size`: the earlier one was scaled to it
    first. `box` is None where nothing changed."""

    changed: float
    pixels: int
    of: int
    same_size: bool
    box: tuple[int, int, int, int] | None
    sizes: tuple[Size, Size]


def compare_pictures(before: bytes, after: bytes) -> Comparison:
    """Raises a PictureError when one of them is no picture."""
    old, new = decode(before, source="the earlier picture"), decode(after, source="the later picture")
    mask = _changed(old, new)
    pixels = mask.histogram()[255]
    total = new.width * new.height
    return Comparison(pixels / total, pixels, total, old.size == new.size, mask.getbbox(), (old.size, new.size))


def difference_picture(before: bytes, after: bytes) -> bytes:
    """The later picture, dimmed and without its colours, with everything that changed in one loud colour; PNG."""
    old, new = decode(before, source="the earlier picture"), decode(after, source="the later picture")
    mask = _changed(old, new)
    ground = ImageEnhance.Contrast(flatten(new, _GROUNDS[0]).convert("L")).enhance(0.6)
    shown = ImageEnhance.Brightness(ground).enhance(0.75).convert("RGB")
    if mask.getbbox() is not None:
        shown.paste(_MARK, (0, 0), mask.filter(ImageFilter.MaxFilter(_EDGE)))
    buffer = io.BytesIO()
    shown.save(buffer, "png", compress_level=4)
    return buffer.getvalue()


def _changed(old: Image.Image, new: Image.Image) -> Image.Image:
    """255 where a pixel changed, else 0; in the later picture's size."""
    if old.size != new.size:
        old = old.resize(new.size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    grounds = _GROUNDS if "RGBA" in (old.mode, new.mode) else _GROUNDS[:1]
    found = Image.new("L", new.size, 0)
    for ground in grounds:
        apart = ImageChops.difference(flatten(old, ground), flatten(new, ground))
        for channel in apart.split():
            found = ImageChops.lighter(found, channel)
    return found.point([255 if value > TOLERANCE else 0 for value in range(256)])
