"""Measuring: what headers say, for every mode and format, and what is refused."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from imagebuild.errors import PictureError
from imagebuild.picture.measure import MOST_PIXELS, measure

SIDEWAYS = Image.Exif()
SIDEWAYS[0x0112] = 6


def saved(image, form, **settings):
    file = io.BytesIO()
    image.save(file, form, **settings)
    return file.getvalue()


@pytest.mark.parametrize("form", ["png", "jpeg", "webp", "avif", "gif"])
def test_size_format_and_bytes_are_read_of_every_format(form):
    data = saved(Image.new("RGB", (31, 17), (9, 99, 199)), form.upper())
    measured = measure(data)
    assert (measured.size, measured.format, measured.media_type) == ((31, 17), form, f"image/{form}")
    assert (measured.bytes, measured.frames, measured.has_alpha) == (len(data), 1, False)


@pytest.mark.parametrize(
    ("mode", "form", "has_alpha"),
    [("RGBA", "PNG", True), ("LA", "PNG", True), ("L", "PNG", False), ("1", "PNG", False), ("RGBA", "WEBP", True),
     ("RGBA", "AVIF", True), ("CMYK", "JPEG", False), ("P", "PNG", False)],
)  # fmt: skip
def test_alpha_is_seen_in_the_headers(mode, form, has_alpha):
    assert measure(saved(Image.new(mode, (8, 8)), form)).has_alpha is has_alpha


def test_a_transparent_palette_colour_counts_as_alpha():
    assert measure(saved(Image.new("P", (8, 8)), "PNG", transparency=0)).has_alpha


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "AVIF"])
def test_the_size_is_the_one_that_is_shown(form):
    assert measure(saved(Image.new("RGB", (30, 20)), form, exif=SIDEWAYS)).size == (20, 30)


def test_the_frames_of_an_animation_are_counted():
    frames = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (0, 100, 200)]
    for form in ("GIF", "WEBP", "AVIF"):
        assert measure(saved(frames[0], form, save_all=True, append_images=frames[1:])).frames == 3


def test_the_pixels_are_not_read():
    whole = saved(Image.effect_noise((200, 200), 80), "PNG")
    assert measure(whole[:200]).size == (200, 200)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "reply is empty"),
        (b"<html><body>Bad gateway", "reply is no picture that can be read here: it starts with `<html><body>Bad `"),
        (b"BM" + bytes(60), "no picture that can be read"),
        (b"\x89PNG\r\n\x1a\n", "reply is damaged or cut short"),
        (b"\xff\xd8\xff\xe0", "reply is damaged or cut short"),
        (b"RIFF\x00\x00\x00\x00WEBP", "reply is damaged or cut short"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(40), "reply is damaged or cut short"),
        (b"GIF89a", "reply is damaged or cut short"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(data, complaint):
    with pytest.raises(PictureError) as caught:
        measure(data, source="reply")
    assert complaint in caught.value.what
    assert caught.value.hint


def png_claiming(width, height):
    """A PNG of a few bytes whose header claims any size."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_before_it_is_decoded():
    assert measure(png_claiming(MOST_PIXELS // 10, 10)).size == (MOST_PIXELS // 10, 10)
    with pytest.raises(PictureError, match=r"claims 50000x50000: 2,500,000,000 pixels"):
        measure(png_claiming(50_000, 50_000))
