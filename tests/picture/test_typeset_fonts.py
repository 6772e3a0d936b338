from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.core.layouts.canonical import FontChoice
from imagebuild.errors import PictureError
from imagebuild.picture.fonts import FontFile, bundled_fonts, script_of_language
from imagebuild.picture.text import layout_line
from imagebuild.picture.typeset.fonts import fonts_of
from imagebuild.picture.typeset.layout import lay_out
from tests.picture.typesetting import group, nothing, text, typeset_of

FILES = {file.path.name.partition("[")[0]: file.path.read_bytes() for file in bundled_fonts().files if not file.cjk}
ITALIC = next(Path(bundled_fonts().files[0].path).parent.glob("NotoSans-Italic*")).read_bytes()


def static(data, weight):
    """The font as one that has a single weight: without its axes, and saying so."""
    font = bytearray(data)
    for record in range(12, 12 + 16 * int.from_bytes(font[4:6]), 16):
        tag, offset = bytes(font[record : record + 4]), int.from_bytes(font[record + 8 : record + 12])
        if tag in (b"fvar", b"STAT"):
            font[record : record + 4] = tag[:3] + b"z"
        if tag == b"OS/2":
            font[offset + 4 : offset + 6] = weight.to_bytes(2)
    return bytes(font)


def files_of(store, choices, words, language="en", weight=400):
    fonts = fonts_of({"brand": choices}, "brand", weight, store.__getitem__)
    line = layout_line(words, size=20, language=language, weight=weight, fonts=fonts)
    return [(line.text[g.cluster], g.face.file.path.name.partition("[")[0]) for g in line.glyphs]


def test_a_brands_font_is_tried_first_and_the_packages_fonts_behind_it():
    found = dict(files_of({"own": ITALIC}, (FontChoice("own"),), "Kettle 3: غلاية 水"))
    assert {found[c] for c in "Ketl3:"} == {"own"}
    assert found["غ"] == "NotoSansArabic"
    assert found["水"].startswith("NotoSansCJK")


def test_a_brands_font_leads_in_a_cjk_language_too():
    found = dict(files_of({"own": ITALIC}, (FontChoice("own"),), "Northwindの水", "ja"))
    assert {found[c] for c in "Northwd"} == {"own"}
    assert found["の"] == found["水"]
    assert found["水"].startswith("NotoSansCJK")


def test_a_font_narrowed_to_a_script_draws_that_script_and_what_stands_in_it():
    store = {"arabic": FILES["NotoSansArabic"], "latin": ITALIC}
    choices = (FontChoice("arabic", ("Arab",)), FontChoice("latin", ("Latn",)))
    found = dict(files_of(store, choices, "Kettle 3 غلاية ١", "ar"))
    assert found["K"] == found["3"] == "latin"
    assert found["غ"] == found["١"] == "arabic"
    cyrillic = dict(files_of(store, choices, "Чайник 3", "ru"))
    assert set(cyrillic.values()) == {"NotoSans"}


@pytest.mark.parametrize(
    ("language", "scripts", "own"),
    [("en", ("Latn",), True), ("ru", ("Latn",), False), ("ja", ("Jpan",), True), ("zh-Hant", ("Jpan",), True)],
)
def test_a_text_without_letters_belongs_to_the_script_of_its_language(language, scripts, own):
    found = dict(files_of({"own": ITALIC}, (FontChoice("own", scripts),), "1.299", language))
    assert (set(found.values()) == {"own"}) is own


def test_the_script_of_a_language_tag():
    tags = {"en": "Latn", "ar-EG": "Arab", "sr-Latn-RS": "Latn", "zh-Hant-TW": "Hant", "hi": "Deva", "ko": "Kore"}
    assert {tag: script_of_language(tag) for tag in tags} == tags


def test_of_files_with_one_weight_each_the_nearest_is_taken():
    store = {"regular": static(ITALIC, 400), "bold": static(ITALIC, 700)}
    choices = (FontChoice("regular"), FontChoice("bold"))
    for weight, expected in ((400, "regular"), (300, "regular"), (600, "bold"), (800, "bold")):
        assert {name for _, name in files_of(store, choices, "Kettle", weight=weight)} == {expected}


def test_a_font_that_has_a_weight_axis_is_set_at_the_weight_asked_for():
    fonts = fonts_of({"brand": (FontChoice("own"),)}, "brand", 650, {"own": ITALIC}.__getitem__)
    (glyph, *_) = layout_line("K", size=20, language="en", weight=650, fonts=fonts).glyphs
    assert glyph.face.weight == 650


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is not a font, or has no characters"),
        (b"<html>404</html>", "it is not a font, or has no characters"),
        (b"wOF2" + b"\0" * 60, "it is a web font (WOFF)"),
        (ITALIC[: len(ITALIC) // 2], "it is cut short"),
        (ITALIC[:-100], "it is cut short"),
    ],
)
def test_a_damaged_font_is_an_error_that_names_it(data, why):
    digest = f"{len(data):064d}"
    fonts = {"brand": (FontChoice(digest),)}
    step = typeset_of(group(text(words="Kettle", family="brand")), fonts=fonts)
    with pytest.raises(PictureError) as caught:
        lay_out(step, (600, 300), {digest: data}.__getitem__)
    assert f"font family `brand`: its file `{digest[:19]}…` cannot be used: {why}" in caught.value.what
    assert ".ttf" in caught.value.hint


def test_without_a_family_the_packages_fonts_are_taken_and_nothing_is_read():
    assert fonts_of({"brand": (FontChoice("own"),)}, "", 400, nothing) is bundled_fonts()
    assert fonts_of({}, "brand", 400, nothing) is bundled_fonts()


def test_a_brands_file_is_known_by_its_digest():
    one, other = (FontFile(path=Path("digest"), data=data) for data in (ITALIC, FILES["NotoSans"]))
    assert one == other
    assert hash(one) == hash(other)
    assert one != FontFile(path=Path("other"), data=ITALIC)
