from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
import uharfbuzz
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops

from imagebuild.errors import PictureError
from imagebuild.picture.block import break_lines, draw_block, fit_text
from imagebuild.picture.breaks import find_breaks
from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.text import clusters, draw_line, layout_line, line_mask

FONTS = bundled_fonts()
ARABIC, BENGALI, DEVANAGARI, HEBREW, LATIN, THAI = (
    next(file.path for file in FONTS.files if file.path.name.startswith(f"NotoSans{name}["))
    for name in ("Arabic", "Bengali", "Devanagari", "Hebrew", "", "Thai")
)
SAMPLES = {  # text, language → runs from left to right, by hand: (part, font, script, right to left)
    ("مرحبا بالعالم", "ar"): [("مرحبا بالعالم", ARABIC, "Arab", True)],
    ("خصم 50 على Kettle", "ar"): [
        ("Kettle", LATIN, "Latn", False),
        (" على ", ARABIC, "Arab", True),
        ("50", ARABIC, "Arab", False),
        ("خصم ", ARABIC, "Arab", True),
    ],
    ("(שלום) Kettle 3.5 עולם", "he"): [
        ("עולם", HEBREW, "Hebr", True),
        (" ", LATIN, "Latn", True),  # what scripts share goes with the letters before it
        ("Kettle 3.5", LATIN, "Latn", False),
        (" ", HEBREW, "Hebr", True),
        (")", LATIN, "Hebr", True),
        ("שלום", HEBREW, "Hebr", True),
        ("(", LATIN, "Hebr", True),
    ],
    ("ज्ञान श्री क्षत्रिय कि", "hi"): [("ज्ञान श्री क्षत्रिय कि", DEVANAGARI, "Deva", False)],
    ("ক্ষমতা জ্ঞান কি", "bn"): [("ক্ষমতা জ্ঞান কি", BENGALI, "Beng", False)],
    ("ผู้ใหญ่ปั้นน้ำที่นี่", "th"): [("ผู้ใหญ่ปั้นน้ำที่นี่", THAI, "Thai", False)],
    ("office AVATAR", "en"): [("office AVATAR", LATIN, "Latn", False)],
}


def by_harfbuzz(runs, language, size):
    """(glyph id, x, y) of runs set one after the other by HarfBuzz alone."""
    placed, x = [], 0.0
    for part, path, script, right_to_left in runs:
        face = uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)))
        font = uharfbuzz.Font(face)
        font.set_variations({"wght": 400.0})
        buffer = uharfbuzz.Buffer()
        buffer.add_str(part)
        buffer.direction = "rtl" if right_to_left else "ltr"
        buffer.script, buffer.language = script, language
        uharfbuzz.shape(font, buffer, {})
        scale = size / face.upem
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            placed.append((info.codepoint, x + position.x_offset * scale, -position.y_offset * scale))
            x += position.x_advance * scale
    return placed, x


@pytest.mark.parametrize(("text", "language"), list(SAMPLES))
def test_glyphs_and_places_are_harfbuzzs_own_in_visual_order(text, language):
    expected, width = by_harfbuzz(SAMPLES[text, language], language, 37)
    line = layout_line(text, size=37, language=language, fonts=FONTS)
    assert [glyph.glyph_id for glyph in line.glyphs] == [glyph_id for glyph_id, _, _ in expected]
    assert [(g.x, g.y) for g in line.glyphs] == [pytest.approx((x, y), abs=1e-6) for _, x, y in expected]
    assert line.width == pytest.approx(width)


def test_arabic_letters_join_and_indic_conjuncts_form():
    isolated = {layout_line(c, size=20, language="ar", fonts=FONTS).glyphs[0].glyph_id for c in "مرحبا"}
    joined = {glyph.glyph_id for glyph in layout_line("مرحبا", size=20, language="ar", fonts=FONTS).glyphs}
    assert len(joined - isolated) >= 3
    assert len(layout_line("क्ष", size=20, language="hi", fonts=FONTS).glyphs) == 1
    before = layout_line("कि", size=20, language="hi", fonts=FONTS).glyphs
    assert before[0].cluster == before[1].cluster == 0  # the vowel is drawn before the letter it follows


def test_nothing_of_the_system_or_of_pillows_text_layout_is_used_to_draw_arabic_and_hindi():
    """In the second process Pillow's font module, which alone holds raqm and loads FriBiDi, cannot be loaded at all;
    where the system shows what a process has loaded, neither name is there. The pixels are the same."""
    draw = """
import sys, hashlib
if "block" in sys.argv:
    sys.modules["PIL._imagingft"] = None
from PIL import Image
from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.text import draw_line, layout_line
image = Image.new("RGB", (700, 160), "white")
for y, text, tag in ((60, "مرحبا بالعالم (2026)", "ar"), (130, "ज्ञान श्री שלום", "hi")):
    draw_line(image, layout_line(text, size=40, language=tag, fonts=bundled_fonts()), 10, y, (0, 0, 0))
try:
    loaded = open("/proc/self/maps").read()
except OSError:
    loaded = ""
assert "block" not in sys.argv or ("fribidi" not in loaded and "raqm" not in loaded)
print(hashlib.sha256(image.tobytes()).hexdigest())
"""
    runs = [
        subprocess.run([sys.executable, "-c", draw, *args], capture_output=True, text=True, check=True).stdout
        for args in ([], ["block"])
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].strip()) == 64


def test_a_character_no_font_has_is_an_error_that_names_it():
    with pytest.raises(PictureError) as caught:
        layout_line("ab 𓀀", size=20, language="en", fonts=FONTS)
    assert caught.value.what == "no font has `𓀀` (U+13000, egyptian hieroglyph a001)"
    assert caught.value.hint == "leave the character out, or give a font that has it"


def test_a_missing_character_can_be_shown_as_its_code_in_a_frame():
    line = layout_line("a𓀀b", size=20, language="en", fonts=FONTS, missing="show")
    assert len(line.frames) == 1
    assert len(line.glyphs) == 1 + 6 + 1
    frame = line.frames[0]
    assert line.glyphs[0].x < frame.left < frame.right < line.glyphs[-1].x
    image = Image.new("RGB", (90, 40), "white")
    draw_line(image, line, 5, 28, (0, 0, 0))
    assert image.getpixel((round(5 + frame.left), 20)) == (0, 0, 0)


def test_invisible_characters_and_odd_spaces_are_never_missing():
    text = "a\u200b\u200d\ufe0f\u2066b\u2069\u00ad\u202f\u3000\u2003c\td"
    assert layout_line(text, size=20, language="en", fonts=FONTS).frames == ()


@pytest.mark.parametrize("size", [11, 48])
@pytest.mark.parametrize("text", ["Ágy,", "صباح", "क्षि", "ผู้ปั้น", "永。", "שָׁ"])
def test_the_ink_box_holds_all_ink_and_no_more(text, size):
    line = layout_line(text, size=size, language="en", fonts=FONTS)
    mask, left, top = line_mask(line, 20.0, 90.0)
    box = mask.getbbox()
    found = (left + box[0], top + box[1], left + box[2], top + box[3])
    for side, ink in zip(found, line.ink, strict=True):
        assert abs(side - (ink + (20 if ink in (line.ink[0], line.ink[2]) else 90))) <= 1.5


def test_positions_are_exact_to_a_fraction_of_a_pixel():
    line = layout_line("l", size=30, language="en", fonts=FONTS)
    whole, half = (line_mask(line, x, 40.0) for x in (10.0, 10.5))
    columns = [
        sum(x * value for x, value in enumerate(mask.resize((mask.width, 1), Image.Resampling.BOX).tobytes(), left))
        / sum(mask.resize((mask.width, 1), Image.Resampling.BOX).tobytes())
        for mask, left, _ in (whole, half)
    ]
    assert columns[1] - columns[0] == pytest.approx(0.5, abs=0.05)


def test_drawing_on_a_transparent_picture_leaves_color_and_coverage_right():
    line = layout_line("■", size=60, language="en", fonts=FONTS)
    image = Image.new("RGBA", (80, 80))
    draw_line(image, line, 5, 60, (200, 30, 10, 128))
    assert image.getpixel((35, 40)) == (200, 30, 10, 128)
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)
    flat = Image.new("RGB", (80, 80), "white")
    draw_line(flat, line, 5, 60, (0, 0, 0, 128))
    assert flat.getpixel((35, 40)) == (127, 127, 127)


def test_what_falls_outside_the_picture_is_cut_off():
    line = layout_line("Outside", size=40, language="en", fonts=FONTS)
    image = Image.new("RGB", (50, 30), "white")
    whole = Image.new("RGB", (450, 230), "white")
    draw_line(image, line, -40, 25, (0, 0, 0))
    draw_line(whole, line, 160, 125, (0, 0, 0))
    assert ImageChops.difference(image, whole.crop((200, 100, 250, 130))).getbbox() is None
    before = image.copy()
    draw_line(image, line, 500, 500, (0, 0, 0))
    assert image.tobytes() == before.tobytes()


def test_an_emoji_sequence_is_one_cluster_and_one_glyph():
    family = "👩\u200d👩\u200d👧"
    assert clusters(f"a{family}👍🏽🇩🇪🇫🇷é") == [(0, 1), (1, 6), (6, 8), (8, 10), (10, 12), (12, 13)]
    drawn = [g for g in layout_line(family, size=20, language="en", fonts=FONTS).glyphs if g.advance]
    assert len(drawn) == 1


def line_texts(text, width, language, size=20.0):
    return [line.text for line in break_lines(text, width, size=size, language=language, fonts=FONTS)]


def test_latin_breaks_at_spaces_and_after_hyphens_and_not_before_punctuation():
    assert line_texts("Brew calm, every morning", 130, "en") == ["Brew calm,", "every", "morning"]
    assert line_texts("state-of-the-art kettle", 100, "en") == ["state-of-", "the-art", "kettle"]
    assert line_texts("10\u00a0000 watt", 75, "en") == ["10\u00a0000", "watt"]


def test_a_word_wider_than_the_line_is_cut_between_letters():
    assert "".join(line_texts("Donaudampfschifffahrt", 80, "de")) == "Donaudampfschifffahrt"
    assert all(
        line.width <= 80 for line in break_lines("Donaudampfschifffahrt", 80, size=20, language="de", fonts=FONTS)
    )


@pytest.mark.parametrize("width", range(60, 260, 20))
def test_no_line_of_japanese_or_chinese_begins_with_a_closing_mark_or_ends_with_an_opening_one(width):
    for text, language in (
        ("春の新作（限定）コレクション、「あなたの毎日」に寄り添う一杯を。キャッチーっぽい", "ja"),
        ("清晨第一杯咖啡，唤醒“美好”一天！《静享》每个（清晨）。", "zh-Hans"),
    ):
        lines = line_texts(text, width, language)
        assert "".join(lines) == text
        assert not [line for line in lines[1:] if line[0] in "、。」）ーッャっ，！”》"]
        assert not [line for line in lines[:-1] if line[-1] in "「（“《"]


def test_thai_breaks_between_words_that_no_space_parts():
    text = "สวัสดีชาวโลกวันนี้อากาศดีมาก"
    assert find_breaks(text, "th").good == {6, 9, 12, 15, 18, 23, 25}
    assert line_texts(text, 100, "th") == ["สวัสดีชาว", "โลกวันนี้", "อากาศดีมาก"]


def test_korean_breaks_at_spaces_while_it_can():
    assert line_texts("아침을 깨우는 고요한 한 잔", 150, "ko") == ["아침을 깨우는", "고요한 한 잔"]


def test_a_line_break_in_the_text_is_kept():
    assert line_texts("one\ntwo three", 500, "en") == ["one", "two three"]


def test_each_line_of_a_mixed_paragraph_keeps_the_paragraphs_direction():
    lines = break_lines("صباح هادئ Northwind Kettle", 120, size=20, language="ar", fonts=FONTS)
    assert lines[-1].text.endswith("Kettle")
    assert {line.direction for line in lines} == {"rtl"}


@given(st.text(alphabet="abc -é字、「か」한नमस्तेไทยשלום123\u200d👍\n", max_size=40), st.floats(5, 300))
def test_lines_hold_all_of_the_text_within_the_width(text, width):
    lines = break_lines(text, width, size=17, language="ja", fonts=FONTS, missing="show")
    joined = "".join(line.text for line in lines)
    assert joined.replace(" ", "") == text.replace("\n", " ").replace(" ", "")
    assert all(line.width <= width or len(clusters(line.text)) == 1 for line in lines)


def fitted(text, language, **given_):
    box = {"width": 300.0, "height": 200.0, "largest": 90.0, "smallest": 8.0, "most_lines": 3, **given_}
    return fit_text(text, language=language, weight=700, fonts=FONTS, **box)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Brew calm, every morning", "en"),
        ("毎朝に、静けさを。", "ja"),
        ("صباح هادئ كل يوم", "ar"),
        ("हर सुबह, सुकून से", "hi"),
    ],
)
def test_fitted_text_fills_its_box_and_stays_inside(text, language):
    block = fitted(text, language)
    assert block.height <= 200
    assert all(line.width <= 300 for line in block.lines)
    assert len(block.lines) <= 3
    assert max(block.width / 300, block.height / 200, block.size / 90) > 0.9
    image = Image.new("RGB", (360, 260), "white")
    draw_block(image, block, 30, 30, (0, 0, 0))
    left, top, right, bottom = ImageChops.invert(image).getbbox()
    assert (left, top) >= (27, 29)
    assert (right, bottom) <= (333, 231)


def test_fitted_lines_are_balanced():
    block = fitted("The quiet kettle for slow mornings and late evenings at home", "en", largest=30)
    widths = [line.width for line in block.lines]
    assert len(widths) > 1
    assert min(widths) > 0.6 * max(widths)


def test_right_to_left_text_starts_at_the_right_and_ends_at_the_left():
    places = {}
    for align in ("start", "end", "center"):
        block = fitted("صباح", "ar", align=align, largest=20)
        places[align] = (block.places[0][0], block.lines[0].width)
    assert sum(places["start"]) == pytest.approx(300)
    assert places["end"][0] == 0
    assert places["center"][0] == pytest.approx((300 - places["center"][1]) / 2)


def test_text_that_cannot_fit_gives_nothing():
    assert fitted("far too much " * 40, "en", smallest=20) is None
    assert fitted("", "en") is None


def test_the_same_text_gives_the_same_bytes_in_another_process():
    code = (
        "import hashlib\nfrom imagebuild.picture.fonts import bundled_fonts\n"
        "from imagebuild.picture.text import layout_line, line_mask\n"
        "line = layout_line('Kettle صباح 静けさ सुबह', size=33.3, language='ja', fonts=bundled_fonts())\n"
        "print(hashlib.sha256(line_mask(line, 3.3, 40.7)[0].tobytes()).hexdigest())\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    line = layout_line("Kettle صباح 静けさ सुबह", size=33.3, language="ja", fonts=FONTS)
    assert found == hashlib.sha256(line_mask(line, 3.3, 40.7)[0].tobytes()).hexdigest()
