"""Laying a logo over a picture: which one, how large, and exactly which pixels."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops

from imagebuild.errors import PictureError
from imagebuild.picture.overlay import overlay
from tests.picture.files import Files, saved, scene

GREY = Image.new("RGB", (100, 60), (128, 128, 128))
ASKED = {"anchor": "top-left", "clear": 0.0, "opacity": 1.0, "most_scale": 1.0}


def laid(image, files, **parameters):
    return overlay(image, {**ASKED, **parameters}, files.read)


def solid(color, size=(20, 10)):
    return Image.new("RGBA", size, color)


def test_an_opaque_overlay_covers_its_pixels_and_no_other():
    files = Files()
    out = laid(GREY, files, picture=files.put(solid((255, 0, 0, 255))), width=20, anchor="bottom-right")
    expected = GREY.copy()
    expected.paste((255, 0, 0), (80, 50, 100, 60))
    assert out.tobytes() == expected.tobytes()
    assert GREY.getpixel((99, 59)) == (128, 128, 128)


def test_what_is_transparent_of_an_overlay_is_not_seen():
    files = Files()
    logo = solid((255, 0, 0, 0))
    logo.paste((0, 0, 255, 255), (0, 0, 10, 10))
    out = laid(GREY, files, picture=files.put(logo), width=20)
    assert [out.getpixel((x, 5)) for x in (0, 9, 10, 19, 20)] == [(0, 0, 255)] * 2 + [(128, 128, 128)] * 3


def test_scaling_does_not_bleed_the_colour_of_transparent_pixels():
    files = Files()
    logo = Image.new("RGBA", (80, 40), (255, 0, 0, 0))
    logo.paste((255, 255, 255, 255), (0, 0, 40, 40))
    out = laid(GREY, files, picture=files.put(logo), width=20)
    for x in range(20):
        red, green, blue = out.getpixel((x, 5))
        assert red == green == blue


def test_opacity_mixes_with_what_is_below():
    files = Files()
    out = laid(GREY, files, picture=files.put(solid((255, 255, 255, 255))), width=20, opacity=0.5)
    assert out.getpixel((5, 5)) in {(191, 191, 191), (192, 192, 192)}


def test_a_transparent_picture_gets_the_overlay_and_stays_transparent_elsewhere():
    files = Files()
    image = Image.new("RGBA", (40, 20), (9, 9, 9, 0))
    out = laid(image, files, picture=files.put(solid((255, 0, 0, 255))), width=20)
    assert (out.mode, out.getpixel((5, 5)), out.getpixel((30, 5))[3]) == ("RGBA", (255, 0, 0, 255), 0)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_an_overlay_without_alpha_is_a_rectangle(form):
    files = Files()
    picture = files.put(saved(Image.new("RGB", (20, 10), (0, 0, 255)), form))
    out = laid(GREY, files, picture=picture, width=20)
    assert all(abs(a - b) < 4 for a, b in zip(out.getpixel((10, 5)), (0, 0, 255), strict=True))


@pytest.mark.parametrize(
    ("ground", "wanted"), [(0, (255, 255, 255)), (100, (255, 255, 255)), (140, (1, 1, 1)), (255, (1, 1, 1))]
)
def test_what_is_behind_decides_between_the_one_for_light_and_the_one_for_dark_grounds(ground, wanted):
    files = Files()
    light, dark = files.put(solid((1, 1, 1, 255))), files.put(solid((255, 255, 255, 255)))
    image = Image.new("RGB", (100, 60), (255 - ground,) * 3)
    image.paste((ground,) * 3, (0, 0, 20, 10))
    assert laid(image, files, on_light=light, on_dark=dark, width=20).getpixel((5, 5)) == wanted


def test_the_usual_picture_is_taken_where_there_is_none_for_the_ground():
    files = Files()
    usual, dark = files.put(solid((200, 0, 0, 255))), files.put(solid((255, 255, 255, 255)))
    for ground, wanted in ((250, (200, 0, 0)), (5, (255, 255, 255))):
        image = Image.new("RGB", (100, 60), (ground,) * 3)
        assert laid(image, files, picture=usual, on_dark=dark, width=20).getpixel((5, 5)) == wanted


def test_a_transparent_ground_counts_as_light():
    files = Files()
    light, dark = files.put(solid((1, 1, 1, 255))), files.put(solid((255, 255, 255, 255)))
    out = laid(Image.new("RGBA", (40, 20)), files, on_light=light, on_dark=dark, width=20)
    assert out.getpixel((5, 5)) == (1, 1, 1, 255)


def test_the_smallest_pictures_can_be_laid_on_and_over():
    files = Files()
    out = laid(Image.new("RGB", (1, 1)), files, picture=files.put(solid((9, 8, 7, 255), (300, 200))), width=1.0)
    assert out.getpixel((0, 0)) == (9, 8, 7)
    dot = files.put(solid((9, 8, 7, 255), (1, 1)))
    changed = ImageChops.difference(laid(GREY, files, picture=dot, width=1.0, most_scale=100.0), GREY)
    assert changed.getbbox() == (0, 0, 60, 60)


def test_an_overlay_that_is_too_small_for_its_place_or_damaged_is_refused():
    files = Files()
    with pytest.raises(PictureError, match=r"an overlay of 20x10 would be enlarged 2.0 times to 40x20"):
        laid(GREY, files, picture=files.put(solid((1, 1, 1, 255))), width=40)
    broken = files.put(saved(scene())[:200])
    with pytest.raises(PictureError, match=r"^the overlay [0-9a-f]{12} is damaged"):
        laid(GREY, files, picture=broken, width=20)
