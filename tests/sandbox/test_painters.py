"""Pictures whose bytes are their own: every format, with and without padding, still opens and looks the same."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from imagebuild.sandbox.order import Order
from imagebuild.sandbox.painters import plain_painter
from imagebuild.sandbox.stamp import stamped


def encoded(form: str, mode: str = "RGB", **settings) -> bytes:
    image = Image.linear_gradient("L").resize((77, 33)).convert(mode)
    if mode == "RGBA":
        image.putalpha(100)
    out = io.BytesIO()
    image.save(out, form, **settings)
    return out.getvalue()


def pixels(data: bytes) -> tuple[str, bytes]:
    with Image.open(io.BytesIO(data)) as image:
        return image.mode, image.tobytes()


FILES = [
    encoded("PNG"),
    encoded("PNG", "RGBA"),
    encoded("JPEG"),
    encoded("JPEG", progressive=True, dpi=(72, 72)),
    encoded("WEBP"),
    encoded("WEBP", lossless=True),
    encoded("WEBP", "RGBA"),
    encoded("WEBP", "RGBA", lossless=True),
    encoded("WEBP", xmp=b"<x/>"),
]


@pytest.mark.parametrize("data", FILES)
@pytest.mark.parametrize("at_least", [0, 5_000, 200_001])
def test_a_stamp_changes_the_file_and_no_pixel(data, at_least):
    one, other = stamped(data, "one", at_least=at_least), stamped(data, "other", at_least=at_least)
    assert one != other
    assert pixels(one) == pixels(other) == pixels(data)
    assert len(one) >= at_least
    assert len(one) < max(at_least, len(data)) + 200


def test_what_is_no_picture_takes_no_stamp():
    with pytest.raises(ValueError, match="PNG, JPEG or WebP"):
        stamped(b"GIF89a", "one")


def test_two_painters_give_different_bytes_for_the_same_order():
    order = Order(
        provider="openai", operation="generate", model="m", prompt="p", size=(640, 480), quality="low", format="jpeg"
    )
    assert plain_painter()(order) != plain_painter()(order)
