"""Painters: how the pictures that the sandbox sends are made. Each request's bytes are its own, as a real model's are.

The proof renderer is handed in by whoever starts the sandbox; the plain painter needs a millisecond for any size.
"""

from __future__ import annotations

import colorsys
import hashlib
import io
import itertools
import secrets
from collections.abc import Callable
from functools import lru_cache

from PIL import Image

from imagebuild.sandbox.order import Order, Painter
from imagebuild.sandbox.stamp import stamped

__all__ = ["plain_painter", "unique"]

_HUES = 12  # base pictures kept, of each size and format


def unique(paint: Callable[[Order, str], bytes], *, at_least: int = 0) -> Painter:
    """A painter, from one that draws an order with a caption: each picture's bytes differ from those of every other,
    also those of another run."""
    numbers = itertools.count(1)
    run = secrets.token_hex(8)

    def painter(order: Order) -> bytes:
        number = next(numbers)
        prompt = hashlib.sha256(order.prompt.encode(errors="surrogatepass")).hexdigest()
        return stamped(
            paint(order, f"sandbox picture {number}"), f"sandbox {run} {number} of prompt {prompt}", at_least=at_least
        )

    return painter


def plain_painter(*, at_least: int = 0) -> Painter:
    """Pictures of one colour, which follows from the prompt."""

    def paint(order: Order, _caption: str) -> bytes:
        hue = hashlib.sha256(order.prompt.encode(errors="surrogatepass")).digest()[0] % _HUES
        return _one_colour(order.size, order.format, hue, order.background == "transparent")

    return unique(paint, at_least=at_least)


@lru_cache(maxsize=256)
def _one_colour(size: tuple[int, int], form: str, hue: int, transparent: bool) -> bytes:
    red, green, blue = (round(255 * each) for each in colorsys.hls_to_rgb(hue / _HUES, 0.6, 0.5))
    out = io.BytesIO()
    with Image.new("RGBA" if transparent else "RGB", size, (red, green, blue, 128)[: 4 if transparent else 3]) as image:
        image.save(out, {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP"}[form])
    return out.getvalue()
