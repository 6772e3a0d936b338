"""Small pictures to send, and a look at those that come back."""

from __future__ import annotations

import base64
import io

from PIL import Image


def picture(size: tuple[int, int] = (64, 48), form: str = "PNG", colour: str = "teal") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, form)
    return out.getvalue()


def mask(size: tuple[int, int] = (64, 48)) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", size, (0, 0, 0, 0)).save(out, "PNG")
    return out.getvalue()


def seen(data: bytes | str) -> tuple[str | None, tuple[int, int]]:
    """Format and size of a picture, given as bytes or as base64."""
    raw = base64.b64decode(data) if isinstance(data, str) else data
    with Image.open(io.BytesIO(raw)) as image:
        image.load()
        return image.format, image.size
