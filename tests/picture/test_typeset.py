from __future__ import annotations

import hashlib
import io
import itertools
import subprocess
import sys

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from imagebuild.core.layouts.canonical import PictureItem, RuleItem, Scrim, canonical_typeset
from imagebuild.errors import PictureError
from imagebuild.picture.typeset.color import color_of, luminance, ratio_of
from imagebuild.picture.typeset.draw import contrast_of, typeset
from imagebuild.picture.typeset.layout import lay_out
from tests.picture.typesetting import (
    BUTTON,
    CTAS,
    NAVY,
    WHITE,
    Area,
    campaign,
    group,
    nothing,
    png,
    text,
    typeset_of,
)

SIZE = (600, 320)


def drawn(image, step, read=nothing):
    return typeset(image, canonical_typeset(step), read)


def flat(color, size=SIZE, mode="RGB"):
    return Image.new(mode, size, color)


def sky(size=SIZE):
    """A picture that is dark on its left and bright on its right."""
    image = flat((24, 32, 48), size)
    image.paste((236, 240, 246), (size[0] // 3, 0, *size))
    return image


def written(image, form, **settings):
    file = io.BytesIO()
    image.save(file, form, **settings)
    again = Image.open(file)
    again.load()
    return again.convert("RGB")


def whole(*items, **given):
    return typeset_of(group(*items, **{"box": (0.06, 0.1, 0.88, 0.8), **given}))


@pytest.mark.parametrize(("ground", "ink"), [("#101820", WHITE), ("#f4f1ea", NAVY)])
def test_the_first_ink_that_stands_out_is_taken(ground, ink):
    step = whole(text())
    image = drawn(flat(ground), step)
    assert color_of(ink)[:3] in {color for _, color in image.getcolors(maxcolors=1 << 20)}
    other = NAVY if ink == WHITE else WHITE
    assert color_of(other)[:3] not in {color for _, color in image.getcolors(maxcolors=1 << 20)}
    (measured,) = contrast_of(image, step, nothing)
    expected = ratio_of(luminance(color_of(ink)), luminance(color_of(ground)))
    assert measured.ratio == pytest.approx(expected, rel=0.03)
    assert (measured.role, measured.wanted) == ("headline", 4.5)


def test_items_with_the_same_inks_take_the_same_ink():
    image = flat("#101820")
    image.paste("#f4f1ea", (0, 120, *SIZE))  # light below: each for itself would change colour halfway
    items = (text(words="Hot", sizes=(0.2, 0.2)), text("body", "Quiet", sizes=(0.2, 0.2)))
    step = whole(*items, gap=0.2, scrim=Scrim())
    result = drawn(image, step)
    inks = {color_of(NAVY)[:3], color_of(WHITE)[:3]} & {color for _, color in result.getcolors(maxcolors=1 << 20)}
    assert len(inks) == 1
    assert min(each.ratio for each in contrast_of(result, step, nothing)) >= 4.5
    apart = drawn(image, whole(*items, gap=0.2))  # no scrim is allowed: each takes its own
    assert {color_of(NAVY)[:3], color_of(WHITE)[:3]} <= {color for _, color in apart.getcolors(maxcolors=1 << 20)}


def test_words_half_over_a_bright_sky_are_an_error_that_says_what_is_reached_and_what_would_help():
    step = whole(text(words="Half of this is over a bright sky", inks=(WHITE,)))
    with pytest.raises(PictureError) as caught:
        drawn(sky(), step)
    assert caught.value.what == "`headline` in `en` would reach a contrast of 1.1, 4.5 is wanted"
    assert "scrim" in caught.value.hint


def test_a_scrim_repairs_the_contrast_and_no_more_than_it_takes():
    step = whole(text(words="Half of this is over a bright sky", inks=(WHITE,)), scrim=Scrim())
    repaired = drawn(sky(), step)
    (measured,) = contrast_of(repaired, step, nothing)
    assert 4.5 <= measured.ratio < 5.4
    plain = drawn(flat("#101820"), step)
    unshaded = drawn(flat("#101820"), whole(text(words="Half of this is over a bright sky", inks=(WHITE,))))
    assert plain.tobytes() == unshaded.tobytes()


def test_a_scrim_is_no_stronger_than_allowed():
    step = whole(text(words="Half of this is over a bright sky", inks=(WHITE,)), scrim=Scrim(None, 0.3))
    with pytest.raises(PictureError, match=r"even with the strongest scrim allowed, 4\.5 is wanted"):
        drawn(sky(), step)


def test_a_scrim_has_the_colour_that_is_asked_for():
    step = whole(text(words="Half of this is over a bright sky", inks=(WHITE,)), scrim=Scrim("#200000", 0.9))
    image = drawn(sky(), step)
    red, green, blue = image.getpixel((SIZE[0] // 2, SIZE[1] - 20))
    assert red > green + 8
    assert blue - green < 8


def test_a_shade_has_no_edge_that_shows():
    step = typeset_of(group(text(inks=(WHITE,)), box=(0.06, 0.1, 0.4, 0.5), scrim=Scrim()))
    image = flat("#c8ccd0", (800, 800))
    shaded = drawn(image, step)
    row = [shaded.getpixel((x, 700))[1] for x in range(800)]
    column = [shaded.getpixel((780, y))[1] for y in range(800)]
    for line in (row, column):
        assert max(abs(a - b) for a, b in itertools.pairwise(line)) <= 4
    assert shaded.getpixel((799, 799)) == image.getpixel((799, 799))


@pytest.mark.parametrize(("form", "settings"), [("WEBP", {"quality": 75}), ("JPEG", {"quality": 75})])
@pytest.mark.parametrize("language", ["en", "ja", "hi", "ar", "th"])
def test_a_lossy_file_still_shows_the_contrast_that_was_asked_for(language, form, settings):
    noise = Image.effect_noise(SIZE, 60).convert("RGB")
    step = campaign(language)
    found = contrast_of(written(drawn(ImageChops.blend(sky(), noise, 0.15), step), form, **settings), step, nothing)
    assert [each.role for each in found] == ["headline", "body", "cta"]
    for each in found:
        assert each.ratio > each.wanted * 0.93


def test_words_drawn_with_too_little_contrast_are_found_out_on_the_finished_picture():
    step = whole(text("headline", "One letter of these is on a lamp", inks=(WHITE,), lines=2))
    image = drawn(flat("#101820"), step)
    (placed,) = lay_out(step, SIZE, nothing).texts
    lamp = flat("#101820")
    left, top, _, bottom = placed.ink
    em = round(placed.size)
    ImageDraw.Draw(lamp).rectangle((left, top, left + em * 3 // 2, bottom), fill="#f0f0e0")
    on_lamp = ImageChops.lighter(image, lamp)
    assert contrast_of(image, step, nothing)[0].ratio > 15
    for seen in (on_lamp, written(on_lamp, "WEBP", quality=80)):
        assert contrast_of(seen, step, nothing)[0].ratio < 1.6
    pale = drawn(
        flat("#101820"), whole(text("headline", "One letter of these is on a lamp", inks=("#404850",), contrast=1.0))
    )
    (measured,) = contrast_of(pale, step, nothing)
    assert measured.ratio < 2.5


def test_a_button_has_round_antialiased_corners_and_words_that_stand_out_on_its_colour():
    item = text("cta", "Buy", lines=1, sizes=(0.2, 0.2), inks=("#ff8060", NAVY), button=BUTTON)
    step = whole(item)
    image = drawn(flat("#ffffff"), step)
    (placed,) = lay_out(step, SIZE, nothing).texts
    left, top, right, bottom = placed.button
    assert image.getpixel((left, top)) == (255, 255, 255)
    assert image.getpixel(((left + right) // 2, top + 2)) == color_of(BUTTON.fill)[:3]
    assert image.getpixel((left - 1, (top + bottom) // 2)) == (255, 255, 255)
    corner = {image.getpixel((left + i, top + round(placed.size * 0.25))) for i in range(40)}
    assert len(corner - {(255, 255, 255), color_of(BUTTON.fill)[:3]}) >= 1
    assert color_of(NAVY)[:3] in {color for _, color in image.getcolors(maxcolors=1 << 20)}
    with pytest.raises(PictureError, match="`cta` in `en` would reach a contrast of"):
        drawn(flat("#ffffff"), whole(item._replace(inks=("#ff8060",))))


def test_a_transparent_picture_gets_its_words_and_stays_transparent_elsewhere():
    step = whole(text(inks=(NAVY,)))
    image = flat((0, 0, 0, 0), mode="RGBA")
    result = drawn(image, step)
    assert (result.mode, result.size) == ("RGBA", SIZE)
    assert result.getpixel((2, 2)) == (0, 0, 0, 0)
    solid = Image.new("RGBA", SIZE, (255, 255, 255, 255))
    solid.alpha_composite(result)
    on_white = drawn(flat("white"), step)
    difference = ImageChops.difference(solid.convert("RGB"), on_white)
    assert max(high for _, high in difference.getextrema()) <= 2
    assert contrast_of(result, step, nothing) == ()  # nothing is known to be behind


def test_the_picture_given_is_never_changed():
    image = sky()
    before = image.tobytes()
    result = drawn(image, campaign("en"))
    assert image.tobytes() == before
    assert result is not image
    assert result.mode == "RGB"


def test_an_area_passes_over_to_another_colour_without_bands():
    area = Area((0.0, 0.0, 1.0, 1.0), "picture", "#202830", "#303840", "end", 0.0)
    image = drawn(flat("white"), typeset_of(areas=(area,)))
    columns = [ImageStat.Stat(image.crop((x, 0, x + 8, 320))).mean[0] for x in range(0, 600, 8)]
    assert columns == sorted(columns)
    steps = [b - a for a, b in itertools.pairwise(columns)]
    assert max(steps) < 0.5  # one shade more would be a visible edge: between two of them, pixels are mixed
    assert columns[0] == pytest.approx(0x20, abs=0.6)
    assert columns[-1] == pytest.approx(0x30, abs=0.6)


def test_an_area_that_passes_over_to_nothing_keeps_its_colour():
    area = Area((0.0, 0.0, 1.0, 0.5), "picture", "#204060", "transparent", "bottom", 0.0)
    image = drawn(flat((0, 0, 0, 0), mode="RGBA"), typeset_of(areas=(area,)))
    assert image.getpixel((300, 0))[3] >= 254
    assert image.getpixel((300, 158))[3] <= 2
    assert image.getpixel((300, 80))[:3] == (0x20, 0x40, 0x60)
    assert image.getpixel((300, 200)) == (0, 0, 0, 0)


def test_areas_are_translucent_and_round_as_asked():
    area = Area((0.25, 0.25, 0.5, 0.5), "picture", "#00000080", None, "end", 0.1)
    image = drawn(flat("white"), typeset_of(areas=(area,)))
    assert image.getpixel((300, 160)) == (127, 127, 127)
    assert image.getpixel((150, 80)) == (255, 255, 255)
    assert image.getpixel((160, 160)) == (127, 127, 127)


def test_logos_are_scaled_with_their_transparency_and_rules_drawn_between():
    store = {"half": png((200, 200), (255, 0, 0, 128))}
    items = (PictureItem("logo", "half", 0.25, "center"), RuleItem(0.5, 0.02, "#00ff00", "center"))
    image = drawn(flat("white"), whole(*items), store.__getitem__)
    assert image.getpixel((300, 60)) == pytest.approx((255, 127, 127), abs=1)
    below = image.crop((0, 113, *SIZE))
    assert (0, 255, 0) in {color for _, color in below.getcolors(maxcolors=1 << 20)}
    assert below.getpixel((299, 13)) == (0, 255, 0) or below.getpixel((299, 11)) == (0, 255, 0)


def test_a_damaged_logo_is_named_by_its_role():
    step = whole(PictureItem("logo", "cut short", 0.25, "center"))
    data = png((64, 64))
    with pytest.raises(PictureError, match="the picture of `logo`"):
        drawn(flat("white"), step, {"cut short": data[: len(data) // 2]}.__getitem__)


def test_colours_are_read_in_every_form_and_nothing_else_is():
    assert color_of("#fa0") == (255, 170, 0, 255)
    assert color_of("#fa08") == (255, 170, 0, 136)
    assert color_of("#ffaa00") == (255, 170, 0, 255)
    assert color_of("#ffaa0080") == (255, 170, 0, 128)
    assert color_of("transparent") == (0, 0, 0, 0)
    for wrong in ("red", "#12", "#12345", "ffaa00", "#ggg"):
        with pytest.raises(PictureError, match="is no colour"):
            color_of(wrong)


def test_words_on_a_picture_of_another_mode_are_refused():
    with pytest.raises(PictureError, match="mode `L`"):
        drawn(flat(255, mode="L"), whole(text()))


def test_every_process_draws_the_same_pixels():
    script = """
import hashlib, sys
from PIL import Image
from imagebuild.core.layouts.canonical import canonical_typeset
from imagebuild.picture.typeset.draw import typeset
from tests.picture.test_typeset import sky
from tests.picture.typesetting import campaign, nothing
found = hashlib.sha256()
for language in sys.argv[1:]:
    found.update(typeset(sky(), canonical_typeset(campaign(language)), nothing).tobytes())
print(found.hexdigest())
"""
    languages = ["en", "ar", "ja", "th", "bn"]
    found = hashlib.sha256()
    for language in languages:
        found.update(drawn(sky(), campaign(language)).tobytes())
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", script, *languages],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(path for path in sys.path if path)},
        )
        assert run.stdout.strip() == found.hexdigest()


@pytest.mark.parametrize("language", list(CTAS))
def test_an_advertisement_is_set_in_every_language_with_enough_contrast(language):
    step = campaign(language)
    result = drawn(sky((640, 400)), step)
    assert ImageChops.difference(result, sky((640, 400))).getbbox()
    assert {each.role for each in contrast_of(result, step, nothing) if each.ratio >= 4.5} == {
        "headline",
        "body",
        "cta",
    }
