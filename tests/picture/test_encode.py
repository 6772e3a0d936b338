"""Encoding: the formats, transparency, and the best quality within a number of bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imagebuild.core.steps.encode import FORMATS, default_encode
from imagebuild.errors import PictureError
from imagebuild.picture.encode import LEAST_COLORS, LEAST_QUALITY, encode, highest_fitting
from imagebuild.picture.measure import measure


def photo(size=(320, 200)):
    """Gradients with some grain: compresses as a photograph does."""
    down = Image.linear_gradient("L").resize(size)
    noise = Image.linear_gradient("L").rotate(90).resize(size)
    grain = Image.frombytes("L", (97, 61), bytes((i * i * 7 + i * 13) % 251 for i in range(97 * 61))).resize(size)
    return Image.merge("RGB", (down, noise, grain))


def opened(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_written_as_asked_and_without_metadata(form):
    image = photo((33, 17))
    image.info = {"icc_profile": b"x" * 200, "comment": b"secret", "dpi": (72, 72)}
    data = encode(image, default_encode(form))
    measured = measure(data)
    assert (measured.format, measured.media_type, measured.size) == (form, f"image/{form}", (33, 17))
    assert b"secret" not in data
    if form != "png":
        assert not opened(data).info.get("icc_profile")


@pytest.mark.parametrize("form", ["png", "webp", "avif"])
def test_alpha_is_kept_where_the_format_has_it(form):
    image = photo((64, 64))
    image.putalpha(Image.linear_gradient("L").resize((64, 64)))
    out = opened(encode(image, default_encode(form)))
    assert out.mode == "RGBA"
    assert out.getchannel("A").getextrema()[0] < 8
    assert out.getchannel("A").getextrema()[1] > 247


def test_jpeg_lays_a_transparent_picture_on_its_background():
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    white = opened(encode(image, default_encode("jpeg"))).getpixel((16, 16))
    assert all(channel >= 253 for channel in white)
    blue = opened(encode(image, {"format": "jpeg", "quality": 95, "background": "#0000ff"})).getpixel((16, 16))
    assert all(abs(ours - theirs) <= 3 for ours, theirs in zip(blue, (0, 0, 255), strict=True))


def test_any_format_may_be_flattened_by_naming_a_background():
    image = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    out = opened(encode(image, {"format": "png", "background": "#00ff00"}))
    assert (out.mode, out.getpixel((0, 0))) == ("RGB", (0, 255, 0))


@pytest.mark.parametrize("parameters", [{"format": "png"}, {"format": "webp", "lossless": True}])
def test_lossless_means_that_every_pixel_comes_back(parameters):
    assert opened(encode(photo(), parameters)).convert("RGB").tobytes() == photo().tobytes()


@pytest.mark.parametrize("form", ["jpeg", "webp", "avif"])
def test_a_higher_quality_is_nearer_to_the_picture_and_larger(form):
    low, high = (encode(photo(), {**default_encode(form), "quality": quality}) for quality in (30, 90))
    assert len(low) < len(high)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (17, 3)])
@pytest.mark.parametrize("form", FORMATS)
def test_the_smallest_and_thinnest_pictures_are_written(form, size):
    assert measure(encode(photo(size), default_encode(form))).size == size


@pytest.mark.parametrize("form", ["jpeg", "webp", "avif"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_a_file_fits_its_bytes_and_the_next_quality_would_not(form, share):
    image = photo((96, 64))
    asked = {**default_encode(form), "quality": 85}
    sizes = {quality: encode(image, {**asked, "quality": quality}) for quality in range(LEAST_QUALITY, 86)}
    least, most = len(sizes[LEAST_QUALITY]), len(sizes[85])
    limit = int(least + (most - least) * share)
    data = encode(image, {**asked, "max_bytes": limit})
    assert len(data) <= limit
    chosen = [quality for quality, each in sizes.items() if each == data]
    assert chosen
    assert len(sizes[max(chosen) + 1]) > limit


def test_a_file_that_fits_already_keeps_its_quality():
    asked = default_encode("webp")
    data = encode(photo(), asked)
    assert encode(photo(), {**asked, "max_bytes": len(data)}) == data
    assert encode(photo(), {**asked, "max_bytes": len(data) - 1}) != data


def test_a_picture_that_cannot_be_that_small_is_refused_with_figures():
    noise = Image.frombytes("L", (700, 500), bytes((i * i * 31 + i * 17) % 256 for i in range(350_000))).convert("RGB")
    with pytest.raises(PictureError, match=r"jpeg of 700x500 .*: [0-9]+ kB at quality 30, over 20 kB") as caught:
        encode(noise, {**default_encode("jpeg"), "max_bytes": 20_000})
    assert "max_bytes" in caught.value.hint
    with pytest.raises(PictureError, match=r"at quality 10, over 900 bytes"):
        encode(noise, {**default_encode("jpeg"), "quality": 10, "max_bytes": 900})


def test_a_lossless_file_over_its_bytes_is_refused_since_it_has_no_quality():
    with pytest.raises(PictureError, match=r"png of 320x200 has no quality to lower: [0-9,]+ \w+, over 2,000 bytes"):
        encode(photo(), {"format": "png", "max_bytes": 2000})
    with pytest.raises(PictureError, match=r"lossless webp of 320x200 has no quality"):
        encode(photo(), {"format": "webp", "lossless": True, "max_bytes": 2000})


def test_a_png_just_over_its_bytes_is_packed_harder_before_it_is_refused():
    plain = len(encode(photo(), {"format": "png"}))
    packed = encode(photo(), {"format": "png", "max_bytes": plain - 1})
    assert len(packed) < plain
    assert opened(packed).tobytes() == photo().tobytes()


@pytest.mark.parametrize("form", ["png", "gif"])
def test_few_colours_make_a_smaller_file_with_no_more_of_them(form):
    sizes = []
    for colors in (256, 64, 16):
        data = encode(photo(), {**default_encode(form), "colors": colors})
        assert 2 < len(opened(data).convert("RGB").getcolors(999)) <= colors
        sizes.append(len(data))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] < len(encode(photo(), {"format": "png"}))


@pytest.mark.parametrize("form", ["png", "gif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_as_many_colours_are_kept_as_fit_the_bytes(form, share):
    asked = {**default_encode(form), "colors": 256}
    sizes = {colors: len(encode(photo((96, 64)), {**asked, "colors": colors})) for colors in range(LEAST_COLORS, 257)}
    limit = int(sizes[LEAST_COLORS] + (sizes[256] - sizes[LEAST_COLORS]) * share)
    data = encode(photo((96, 64)), {**asked, "max_bytes": limit})
    assert len(data) <= limit
    chosen = [colors for colors, size in sizes.items() if size == len(data)]
    assert any(sizes.get(colors + 1, limit + 1) > limit for colors in chosen)


def test_colours_that_cannot_be_so_few_are_told():
    with pytest.raises(
        PictureError, match=r"gif of 320x200 cannot be that small: [0-9,]+ \w+ with 32 colours, over 900"
    ):
        encode(photo(), {**default_encode("gif"), "max_bytes": 900})


def test_a_transparent_png_of_few_colours_stays_transparent():
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 9, 9))
    out = opened(encode(image, {"format": "png", "colors": 8})).convert("RGBA")
    assert (out.getpixel((4, 4)), out.getpixel((20, 20))[3]) == ((0, 0, 255, 255), 0)


def test_a_banner_fits_what_display_networks_take():
    banner = photo((970, 250))
    for parameters in ({"format": "png", "colors": 256}, default_encode("gif"), default_encode("jpeg")):
        assert len(encode(banner, {**parameters, "max_bytes": 150_000})) <= 150_000


def test_one_picture_is_a_pdf_of_one_page_without_a_date():
    data = encode(photo(), default_encode("pdf"))
    assert data.startswith(b"%PDF-")
    assert (data.count(b"/MediaBox"), b"Date" in data, encode(photo(), default_encode("pdf")) == data) == (
        1,
        False,
        True,
    )
    clear = encode(Image.new("RGBA", (8, 8)), default_encode("pdf"))
    assert len(encode(photo(), {**default_encode("pdf"), "max_bytes": len(data) - 1})) < len(data)
    assert clear == encode(Image.new("RGB", (8, 8), (255, 255, 255)), default_encode("pdf"))


def test_a_picture_too_long_for_its_format_is_refused():
    with pytest.raises(PictureError, match="webp of 16384x1 cannot be written"):
        encode(Image.new("RGB", (16_384, 1)), default_encode("webp"))


@given(st.integers(1, 70), st.lists(st.integers(1, 9), min_size=71, max_size=71), st.booleans())
def test_the_search_ends_on_a_fitting_quality_below_one_that_is_not_in_few_tries(limit_at, steps, smooth):
    """For sizes that grow evenly, and for sizes that leap."""
    sizes = [1000]
    for step in steps:
        sizes.append(int(sizes[-1] * 1.03) if smooth else sizes[-1] + step**4)
    most = sizes[limit_at]
    tries = []

    def at(quality):
        tries.append(quality)
        return bytes(sizes[quality])

    data = highest_fitting(at, 0, bytes(sizes[0]), 71, bytes(sizes[71]), most)
    assert len(data) == most
    assert len(tries) <= (4 if smooth else 16)
    assert len(set(tries)) == len(tries)
