from __future__ import annotations

import pytest

from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.text import layout_line
from imagebuild.picture.typeset.copy import Copy, direction_of, scaled
from tests.picture.typesetting import HEADLINES

NEVER_FIRST = set("。、，！？；：」』）ぁぃぅぇぉっゃゅょーๆฯ।!?:;»%,.")


def copy_of(words, language, weight=400):
    return Copy(words, language, direction_of(words, "ltr"), weight, bundled_fonts())


def lines_of(words, language, width, **given):
    spans = copy_of(words, language).arrange(width, **{"phrases": False, **given})
    return None if spans is None else [words[start:end] for start, end in spans]


@pytest.mark.parametrize("language", list(HEADLINES))
def test_lines_are_the_whole_text_in_order_and_none_is_wider_than_the_measure(language):
    words = (HEADLINES[language] + " ") * 3
    copy = copy_of(words, language)
    for width in (6.0, 9.0, 14.0, 30.0):
        spans = copy.arrange(width, phrases=False)
        if spans is None:
            assert copy.longest_word()[1] > width
            continue
        assert "".join(words[start:end] for start, end in spans).replace(" ", "") == words.replace(" ", "")
        assert max(copy.line(*span).width for span in spans) <= width * 1.02
        assert len(spans) == copy.count(width, phrases=False)


@pytest.mark.parametrize("language", ["ja", "zh-Hans", "zh-Hant", "ko", "th", "hi", "fr"])
def test_no_line_begins_with_what_closes_a_sentence_at_any_width(language):
    words = HEADLINES[language] * 2
    for tenths in range(20, 160, 3):
        for line in lines_of(words, language, tenths / 10) or ():
            assert line[0] not in NEVER_FIRST


def test_opening_brackets_do_not_end_a_line_and_sound_marks_do_not_begin_one():
    words = "毎朝の「ちょっとしたケーキ」をもっと楽しく"
    for tenths in range(15, 120, 2):
        for line in lines_of(words, "ja", tenths / 10) or ():
            assert not line.endswith("「")
            assert line[0] not in NEVER_FIRST


def test_thai_breaks_between_words_only_and_rather_at_a_blank():
    words = "กาต้มน้ำอุ่นน้ำเท่าที่คุณต้องการพอดี ประหยัดค่าไฟทุกแก้วและครัวก็เงียบสงบ"
    assert lines_of(words, "th", 22.0) == words.split(" ")
    for tenths in range(60, 200, 7):
        for line in lines_of(words, "th", tenths / 10) or ():
            assert line[0] not in "ะาำิีึืุู็่้๊๋์"


def test_lines_are_even_rather_than_filled_one_after_the_other():
    words = "Every cup is hot when you are ready for it now"
    copy = copy_of(words, "en")
    widths = [copy.line(*span).width for span in copy.arrange(copy.line(0, 38).width, phrases=True)]
    assert len(widths) == 2
    assert min(widths) > max(widths) * 0.8


def test_a_line_ends_after_a_sentence_where_that_leaves_the_lines_even_enough():
    assert lines_of("Boils very fast. Whispers while it does.", "en", 13.0) == [
        "Boils very fast.",
        "Whispers while it does.",
    ]


def test_a_short_text_takes_a_line_more_rather_than_break_in_the_middle_of_a_sentence():
    words = "九十秒で沸く。それでいて、とても静か。"
    assert lines_of(words, "ja", 11.0) == ["九十秒で沸く。それで", "いて、とても静か。"]
    assert lines_of(words, "ja", 11.0, most=3) == ["九十秒で沸く。", "それでいて、", "とても静か。"]


@pytest.mark.parametrize(
    ("words", "together"),
    [
        ("Jetzt nur 1 299 € zahlen", "1 299 €"),
        ("Bien plus vite !", "vite !"),
        ("Il dit « oui »", "« oui »"),
        ("Now 20 % off", "20 %"),
        ("Чайник — тихо", "Чайник —"),
    ],
)
def test_signs_stay_with_what_they_belong_to_also_where_a_blank_is_between(words, together):
    start = words.index(together)
    for end in range(start + 1, start + len(together)):
        width = copy_of(words, "fr").line(0, end).width + 0.01
        lines = lines_of(words, "fr", width)
        assert lines is None or any(together in line for line in lines)


def test_a_word_is_never_parted_but_at_a_soft_hyphen_which_then_shows():
    whole = "Donaudampfschifffahrt"
    copy = copy_of(whole, "de")
    assert copy.arrange(copy.line(0, len(whole)).width * 0.7, phrases=False) is None
    assert copy.count(5.0, phrases=False) is None
    parted = "Donaudampf\u00adschifffahrt"
    copy = copy_of(parted, "de")
    spans = copy.arrange(copy.line(0, len(whole)).width * 0.7, phrases=False)
    assert [parted[start:end] for start, end in spans] == ["Donaudampf\u00ad", "schifffahrt"]
    hyphen = layout_line("-", size=1.0, language="de", fonts=bundled_fonts()).glyphs[0].glyph_id
    assert hyphen in {glyph.glyph_id for glyph in copy.line(*spans[0]).glyphs}
    assert hyphen not in {glyph.glyph_id for glyph in copy.line(0, len(parted)).glyphs}


def test_a_line_break_in_the_text_is_a_line_break():
    assert lines_of("Fast.\nAnd quiet.", "en", 100.0) == ["Fast.", "And quiet."]


def test_a_line_at_one_em_grows_to_what_shaping_at_that_size_gives():
    for language, words in HEADLINES.items():
        grown = scaled(copy_of(words, language).line(0, len(words)), 41.5)
        shaped = layout_line(
            words, size=41.5, language=language, direction=direction_of(words, "ltr"), fonts=bundled_fonts()
        )
        assert [(g.glyph_id, g.face) for g in grown.glyphs] == [(g.glyph_id, g.face) for g in shaped.glyphs]
        assert [g.x for g in grown.glyphs] == pytest.approx([g.x for g in shaped.glyphs], abs=1e-6)
        assert grown.ink == pytest.approx(shaped.ink, abs=1e-6)


def test_a_foreign_name_alone_keeps_its_own_direction():
    assert direction_of("Northwind 3000!", "rtl") == "auto"
    assert direction_of("غلاية Northwind", "rtl") == "rtl"
    assert direction_of("٣٤٩", "rtl") == "rtl"
    assert direction_of("שלום", "ltr") == "auto"
