"""How far two pictures differ, and where: the share of pixels that changed, and a picture that shows them.

A pixel has changed when a channel differs by more than what an encoder does to it. Transparent pictures are compared on
white and on black, so that nothing hides in what lies behind them. The same two pictures give the same bytes.
"""

from __future__ import annotations

import io
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageEnhance, ImageFilter

from imagebuild.core.sizes import Size
from imagebuild.picture.decode import decode
from imagebuild.picture.fit import flatten

__all__ = ["Comparison", "Comparisons", "compare_pictures", "difference_picture"]

TOLERANCE: Final = 2  # of 255
_MARK: Final = (255, 0, 168)  # a colour that no campaign is made of
_EDGE: Final = 5  # pixels: so that a single one shows
_MOST_KEPT: Final = 32
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


class Comparisons:
    """The last ones, kept: a page asks for the same pair again and again. May be asked from any thread."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def figures(self, before: str, after: str) -> bytes | None:
        """As JSON; None when one of the pictures is not known."""
        return self._of("figures", before, after, _figures)

    def difference(self, before: str, after: str) -> bytes | None:
        """As PNG."""
        return self._of("difference", before, after, difference_picture)

    def _of(self, kind: str, before: str, after: str, make: Callable[[bytes, bytes], bytes]) -> bytes | None:
        key = (kind, before, after)
        with self._turn:
            found = self._kept.pop(key, None)
        if found is None:
            old, new = self._read(before), self._read(after)
            if old is None or new is None:
                return None
            found = make(old, new)
        with self._turn:
            self._kept[key] = found
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _figures(before: bytes, after: bytes) -> bytes:
    found = compare_pictures(before, after)
    return json.dumps(
        {
            "changed": round(found.changed, 6), "pixels": found.pixels, "of": found.of,
            "same_size": found.same_size, "box": found.box, "before": found.sizes[0], "after": found.sizes[1],
        }
    ).encode()  # fmt: skip
