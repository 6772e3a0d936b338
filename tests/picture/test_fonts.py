from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import pytest

from imagebuild.errors import PictureError
from imagebuild.picture.fonts import Face, FontFile, FontSet, bundled_fonts, font_versions, script_of
from imagebuild.picture.text import layout_line


def font_names(text, language):
    line = layout_line(text, size=20, language=language, fonts=bundled_fonts())
    return [(glyph.face.file.path.name.partition("[")[0], glyph.face.file.index) for glyph in line.glyphs]


@pytest.mark.parametrize(
    ("language", "index"),
    [
        ("ja-JP", 0),
        ("ko", 1),
        ("zh-Hans-CN", 2),
        ("zh", 2),
        ("zh-Hant", 3),
        ("zh-TW", 3),
        ("zh-Hant-HK", 4),
        ("yue", 4),
    ],
)
def test_a_language_tag_chooses_the_variant_of_ideographs(language, index):
    assert {i for _, i in font_names("骨直角", language)} == {index}


def test_without_a_cjk_language_kana_or_hangul_in_the_text_choose_the_variant():
    assert {i for _, i in font_names("骨の", "en")} == {0}
    assert {i for _, i in font_names("骨한", "en")} == {1}
    assert {i for _, i in font_names("骨", "de")} == {2}


def test_one_variant_of_an_ideograph_differs_from_another():
    glyphs = {
        tag: layout_line("骨", size=20, language=tag, fonts=bundled_fonts()).glyphs[0].glyph_id
        for tag in ("ja", "zh-Hans")
    }
    assert glyphs["ja"] != glyphs["zh-Hans"]


def test_shared_characters_stay_in_the_font_of_the_letters_beside_them():
    assert {name for name, _ in font_names("(नमस्ते, दुनिया!)", "hi")} == {"NotoSansDevanagari"}
    assert {name for name, _ in font_names("“咖啡”", "zh-Hans")} == {"NotoSansCJK-VF.otf.ttc"}
    assert [name for name, _ in font_names("ไทย 5", "th")] == ["NotoSansThai"] * 4 + ["NotoSans"]


def test_a_weight_is_an_axis_position_within_what_the_font_has():
    fonts = bundled_fonts()
    latin = fonts.files[0]
    assert [fonts.face(latin, weight).weight for weight in (100, 400, 650, 900)] == [400, 400, 650, 700]
    light = layout_line("kettle", size=40, language="en", weight=400, fonts=fonts)
    heavy = layout_line("kettle", size=40, language="en", weight=700, fonts=fonts)
    assert heavy.width > light.width


def test_a_face_is_opened_once():
    fonts = FontSet(bundled_fonts().files)
    assert fonts.face(fonts.files[0], 400) is fonts.face(fonts.files[0], 400)


def test_a_file_that_is_no_font_is_told_by_name(tmp_path):
    path = tmp_path / "not.ttf"
    path.write_bytes(b"not a font")
    with pytest.raises(PictureError) as caught:
        Face(FontFile(path=path), 400)
    assert caught.value.what == f"cannot read font `{path}`: not a font"
    with pytest.raises(PictureError) as caught:
        Face(FontFile(path=tmp_path / "gone.ttf"), 400)
    assert caught.value.what == f"cannot read font `{tmp_path / 'gone.ttf'}`: no such file, or not readable"


def test_own_fonts_come_before_the_bundled_ones():
    arabic = next(file for file in bundled_fonts().files if "Arabic" in file.path.name)
    fonts = FontSet([arabic, *bundled_fonts().files])
    assert layout_line("7", size=20, language="en", fonts=fonts).glyphs[0].face.file == arabic


def test_versions_name_every_library_that_draws_text():
    versions = font_versions()
    assert versions["uharfbuzz"] == importlib.metadata.version("uharfbuzz")
    assert {"pillow", "budoux", "manimgx-fonts", "manimgx-fonts-cjk", "unicode", "layout"} <= versions.keys()


def test_scripts_are_known_by_their_iso_names():
    assert [script_of(c) for c in "aя字かカ한ابअ ,1"] == [
        "Latn", "Cyrl", "Hani", "Hira", "Kana", "Hang", "Arab", "Arab", "Deva", "", "", "",
    ]  # fmt: skip


def test_a_font_package_that_is_not_installed_is_named_with_the_command_that_installs_it():
    code = (
        "import sys; sys.modules['manimgx_fonts_cjk'] = None\n"
        "from imagebuild.picture.fonts import bundled_fonts\n"
        "from imagebuild.errors import PictureError\n"
        "try:\n    bundled_fonts()\n"
        "except PictureError as bad:\n    print(bad.what, '|', bad.hint)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "font package `manimgx-fonts-cjk` is not installed | pip install manimgx-fonts-cjk\n"
