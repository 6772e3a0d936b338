"""Few colours: how many, which, and the same ones always."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageFilter, ImageStat

from imagebuild.picture.palette import reduced
from tests.picture.files import scene


@pytest.mark.parametrize("colors", [2, 16, 64, 256])
def test_there_are_no_more_colours_than_asked_for(colors):
    assert 2 <= len(reduced(scene(), colors).getcolors()) <= colors


def test_seen_from_afar_a_picture_keeps_its_colours():
    image = scene((300, 200))
    seen = [each.convert("RGB").filter(ImageFilter.GaussianBlur(3)) for each in (image, reduced(image, 128))]
    assert max(ImageStat.Stat(ImageChops.difference(*seen)).rms) < 6


def test_few_colours_stay_exactly_what_they_are():
    flag = Image.new("RGB", (30, 20), (11, 57, 84))
    flag.paste((255, 102, 99), (0, 0, 10, 20))
    flag.paste((250, 250, 250), (20, 0, 30, 20))
    assert reduced(flag, 8).convert("RGB").tobytes() == flag.tobytes()


def test_transparency_is_kept():
    image = Image.new("RGBA", (30, 20), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 10, 20))
    out = reduced(image, 16).convert("RGBA")
    assert (out.getpixel((5, 5)), out.getpixel((20, 5))[3]) == ((0, 0, 255, 255), 0)


def test_one_pixel_is_one_colour():
    assert reduced(Image.new("RGB", (1, 1), (1, 2, 3)), 2).convert("RGB").getpixel((0, 0)) == (1, 2, 3)
