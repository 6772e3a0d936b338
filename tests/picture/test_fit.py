"""Fit and crop on real pixels: where the anchor cuts, what padding looks like, odd and extreme sizes."""

from __future__ import annotations

import pytest
from PIL import Image

from imagebuild.core.framing import contain_size
from imagebuild.errors import PictureError
from imagebuild.picture.fit import crop, fit, flatten

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def stripes(size, colors, across=True):
    """Equal stripes of colour, side by side or one below the other."""
    image = Image.new("RGB", size)
    for number, color in enumerate(colors):
        share = size[0 if across else 1] // len(colors)
        box = (
            (number * share, 0, (number + 1) * share, size[1])
            if across
            else (0, number * share, size[0], (number + 1) * share)
        )
        image.paste(color, box)
    return image


def solid_at(image, place):
    return image.getpixel(place)


@pytest.mark.parametrize(
    ("anchor", "color"),
    [
        ("left", RED),
        ("center", GREEN),
        ("right", BLUE),
        ("top", GREEN),
        ([0.1, 0.5], RED),
        ([0.5, 0.9], GREEN),
        ([0.95, 0], BLUE),
    ],
)
def test_cover_keeps_the_part_that_the_anchor_names(anchor, color):
    out = fit(stripes((300, 100), [RED, GREEN, BLUE]), {"cover": [50, 50], "anchor": anchor})
    assert out.size == (50, 50)
    assert {solid_at(out, place) for place in [(10, 10), (40, 10), (25, 40)]} == {color}


@pytest.mark.parametrize(
    ("anchor", "color"), [("top", RED), ("center", GREEN), ("bottom", BLUE), ("bottom-left", BLUE)]
)
def test_cover_keeps_the_anchored_part_of_a_tall_picture_too(anchor, color):
    out = fit(stripes((100, 300), [RED, GREEN, BLUE], across=False), {"cover": [200, 200], "anchor": anchor})
    assert out.size == (200, 200)
    assert {solid_at(out, place) for place in [(10, 30), (190, 170), (100, 100)]} == {color}


def test_a_cover_that_only_crops_leaves_every_pixel_as_it_was():
    noise = Image.effect_noise((64, 51), 90).convert("RGB")
    out = fit(noise, {"cover": [64, 40], "anchor": "center"})
    assert out.tobytes() == noise.crop((0, 6, 64, 46)).tobytes()
    assert fit(noise, {"exact": [64, 51]}).tobytes() == noise.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 2), (97, 89)])
@pytest.mark.parametrize("target", [(1, 1), (1, 33), (33, 1), (31, 17), (240, 10)])
@pytest.mark.parametrize("way", ["cover", "contain"])
def test_any_size_fits_any_other_exactly(way, size, target):
    parameters = {way: list(target), "anchor": "center", "background": "#0000ff"}
    for mode, color in [("RGB", RED), ("RGBA", (*RED, 255))]:
        out = fit(Image.new(mode, size, color), parameters)
        assert out.size == target
        red = sum(count for count, shown in out.getcolors() if shown[:3] == RED)
        width, height = contain_size(size, target) if way == "contain" else target
        assert red == width * height


@pytest.mark.parametrize(
    ("anchor", "inside", "padding"),
    [("left", (10, 25), (90, 25)), ("right", (90, 25), (10, 25)), ("center", (50, 25), (5, 25))],
)
def test_contain_pads_on_the_side_away_from_the_anchor(anchor, inside, padding):
    red = Image.new("RGB", (20, 20), RED)
    clear = fit(red, {"contain": [100, 50], "anchor": anchor, "background": "transparent"})
    assert (clear.mode, clear.getpixel(inside), clear.getpixel(padding)) == ("RGBA", (*RED, 255), (0, 0, 0, 0))
    blue = fit(red, {"contain": [100, 50], "anchor": anchor, "background": "#0000ff"})
    assert (blue.mode, blue.getpixel(inside), blue.getpixel(padding)) == ("RGB", RED, BLUE)
    half = fit(red, {"contain": [100, 50], "anchor": anchor, "background": "#0000ff80"})
    assert (half.mode, half.getpixel(inside), half.getpixel(padding)) == ("RGBA", (*RED, 255), (*BLUE, 128))


def test_contain_lays_a_transparent_picture_on_the_background():
    out = fit(
        Image.new("RGBA", (20, 20), (0, 0, 0, 0)), {"contain": [20, 10], "anchor": "center", "background": "#0000ff"}
    )
    assert (out.mode, set(out.getcolors())) == ("RGB", {(200, BLUE)})


def test_a_picture_of_the_right_ratio_is_contained_without_padding_or_alpha():
    out = fit(Image.new("RGB", (20, 10), RED), {"contain": [10, 5], "anchor": "center", "background": "transparent"})
    assert (out.mode, out.getcolors()) == ("RGB", [(50, RED)])


def test_exact_bears_a_slight_difference_and_refuses_a_visible_one():
    assert fit(Image.new("RGB", (1920, 1088)), {"exact": [192, 108]}).size == (192, 108)
    with pytest.raises(PictureError, match=r"1920x1088 to exactly 100x100 would distort it by 76.5%") as caught:
        fit(Image.new("RGB", (1920, 1088)), {"exact": [100, 100]})
    assert "cover: [100, 100]" in caught.value.hint


def test_scaling_does_not_bleed_the_colour_of_transparent_pixels():
    image = Image.new("RGBA", (100, 100), (0, 255, 0, 0))
    image.paste((255, 0, 0, 255), (50, 0, 100, 100))
    out = fit(image, {"cover": [10, 10], "anchor": "center"})
    shown = [out.getpixel((x, 5)) for x in range(10)]
    assert all(green == 0 for _, green, _, alpha in shown if alpha > 0)
    assert shown[0][3] == 0
    assert shown[9] == (255, 0, 0, 255)


def test_a_large_reduction_keeps_the_average_colour():
    checks = Image.new("RGB", (2, 2), WHITE)
    checks.putpixel((0, 0), (0, 0, 0))
    checks.putpixel((1, 1), (0, 0, 0))
    big = checks.resize((2, 2)).resize((1024, 1024), Image.Resampling.NEAREST)
    out = fit(big, {"cover": [1, 1], "anchor": "center"})
    assert all(abs(channel - 128) <= 3 for channel in out.getpixel((0, 0)))


@pytest.mark.parametrize(
    ("parameters", "size", "colors"),
    [
        ({"box": [100, 10, 100, 20], "unit": "pixels"}, (100, 20), {GREEN}),
        ({"box": [0.0, 0.5, 0.5, 0.5], "unit": "relative"}, (150, 50), {RED, GREEN}),
        ({"ratio": "1:1", "anchor": "right"}, (100, 100), {BLUE}),
        ({"size": [10, 7], "anchor": [0.01, 0.0]}, (10, 7), {RED}),
    ],
)
def test_a_crop_takes_exactly_the_named_part(parameters, size, colors):
    out = crop(stripes((300, 100), [RED, GREEN, BLUE]), parameters)
    assert out.size == size
    assert {color for _, color in out.getcolors()} == colors


@pytest.mark.parametrize(
    "parameters", [{"box": [0, 0, 301, 1], "unit": "pixels"}, {"size": [10, 101], "anchor": "center"}]
)
def test_a_crop_beyond_the_picture_is_refused_rather_than_padded(parameters):
    with pytest.raises(PictureError, match="300x100"):
        crop(Image.new("RGB", (300, 100)), parameters)


def test_flattening_mixes_by_alpha_and_leaves_an_opaque_picture_alone():
    half = Image.new("RGBA", (2, 2), (255, 0, 0, 128))
    assert flatten(half, "#0000ff").getpixel((0, 0)) == (128, 0, 127)
    opaque = Image.new("RGB", (2, 2), RED)
    assert flatten(opaque, "#0000ff") is opaque
