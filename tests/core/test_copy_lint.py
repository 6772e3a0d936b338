"""Findings in copy: what is caught, what is left alone, and how long a translation is taken to become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.copy_lint import LINTS, expanded, lint

FOUND = [
    ("شاي ساخن بسعر 25 جنيه", "ar-EG", "digits", "`25`", "write `٢٥`,"),
    ("রুমাল ১২ টাকা, 20%", "bn-BD", "digits", "`20`", "write `২০`,"),
    ("५ मिनिटांत 10", "mr-IN", "digits", "`10`", "write `१०`,"),
    ("قیمت 1,299.50", "fa-IR", "digits", "`1,299.50`", "write `۱,۲۹۹.۵۰`,"),
    ("मूल्य 25", "ne-NP", "digits", "`25`", "write `२५`,"),
    ("Warm water, faster", "de-DE", "untranslated", "not translated? `de-DE` says", "if it is meant"),
    ("新しいケトル", "ko-KR", "script", "Hira `しい`; Kana `ケトル`", "another locale's"),
    ("Kocht in neunzig Sekunden", "ru-RU", "script", "none of it is in Cyrl", "another locale's"),
    ("北风电热水壶只加热您需要的水量", "ja-JP", "script", "none of it is in Hira", ""),
    ("北风电热水壶只加热您需要的水量", "ko-KR", "script", "none of it is in Hang", ""),
    ("Wаrmes Wasser", "de-DE", "script", "Cyrl `а`", "looks like another"),
    ("Горячая вода", "de-DE", "script", "Cyrl `Горячая`, `вода`", "another locale's"),
    ("Гoрячая водα!", "ru-RU", "script", "in one word: `Гoрячая`, `водα`", "looks like another"),
    ("Ζεστό vεpό", "el-GR", "script", "in one word: `vεpό`", ""),
    ("Aльфа", "sr", "script", "`Aльфа`", ""),
    ("水の沸く", "zh-CN", "script", "Hira `の`, `く`", ""),
    ("熱水壺", "zh-Hans-CN", "script", "`熱壺` looks traditional", "simplified forms"),
    ("热水壶", "zh-TW", "script", "`热壶` looks simplified", "traditional forms"),
    ("水を注ぐ한국", "ja-JP", "script", "Hang `한국`", ""),
    ("שלום عالم", "he-IL", "script", "Arab `عالم`", ""),
    ("\u2067كيتل", "ar", "isolates", "U+2067 (RLI) has no end in its line", "U+2069"),
    ("كيتل\u2069", "ar", "isolates", "U+2069 (PDI) has no beginning", ""),
    ("\u2067a\nb\u2069", "ar", "isolates", "U+2067 (RLI)", ""),
    ("\u202ea\u2069", "ar", "isolates", "U+2069 (PDI)", ""),
    (" Warm", "en-US", "blanks", "blanks at the start", ""),
    ("Warm\n", "en-US", "blanks", "blanks at the end", ""),
    ("\u00a0Warm ", "en-US", "blanks", "blanks at both ends", ""),
]


@pytest.mark.parametrize(("text", "tag", "word", "part", "hint"), FOUND)
def test_what_is_probably_wrong_is_found(text, tag, word, part, hint):
    (found,) = lint(text, tag, "Warm water, faster")
    assert found.word == word
    assert part in found.sentence
    assert hint in found.hint
    assert found.word in LINTS


CLEAN = [
    ("Warm water, faster", "en-GB", None),
    ("Northwind", "de-DE", "Northwind"),
    ("20 %", "de-DE", "20 %"),
    ("Heißes Wasser in 90 Sekunden", "de-DE", "Hot water in 90 seconds"),
    ("ماء ساخن خلال ٩٠ ثانية", "ar-EG", "Hot water in 90 seconds"),
    ("ماء خلال 90 ثانية", "ar-EG-u-nu-latn", None),
    ("आधी कीमत 50", "hi-IN", None),
    ("জল iPhone 15 SAVE20 500 kB", "bn-BD", None),
    ("เพียง 25 บาท", "th-TH", None),
    ("하얀 水 주전자", "ko-KR", None),
    ("電気ケトル 1.5 L", "ja-JP", None),
    ("漢字ㄅ", "zh-TW", None),
    ("九十秒沸騰", "ja-JP", None),
    ("Northwind Kettle", "ru-RU", None),
    ("Sve za jednu šolju", "sr-RS", None),
    ("Топла вода / Topla voda", "sr-RS", None),
    ("10 μm, 5 Ω, π", "de-DE", None),
    ("USB-кабель 10 μm", "ru-RU", None),
    ("Ζεστό νερό Northwind", "el-GR", None),
    ('"Warm"... it\'s', "en-US", None),
    ("\u2067كيتل\u2069 \u202aabc\u202c", "ar", None),
    ("[Ŵåŕɱ ŵåţéŕ one]", "en-XA", "Warm water"),
    ("\u200f\u202eWarm\u202c\u200f 20", "ar-XB", None),
    ("", "de-DE", ""),
    ("热水壶，更快", "zh-CN", None),
    ("熱水壺，更快", "zh-HK", None),
    ("𞤂𞤫𞤴𞤣𞤭", "qaa", None),
]


@pytest.mark.parametrize(("text", "tag", "source_text"), CLEAN)
def test_clean_copy_raises_nothing(text, tag, source_text):
    assert lint(text, tag, source_text) == ()


def test_several_findings_come_in_one_order():
    found = lint(" Вода 25\u2067", "ar-EG", None)
    assert [each.word for each in found] == ["script", "digits", "isolates", "blanks"]


def test_the_sources_own_text_is_told_once():
    assert [each.word for each in lint("Hot water now please", "ja", "Hot water now please")] == ["untranslated"]


@given(st.text(max_size=40), st.sampled_from(["en-US", "ar-EG", "zh-TW", "ja", "sr", "qaa", "x-own", "he"]))
def test_any_text_can_be_linted(text, tag):
    assert {each.word for each in lint(text, tag, text)} <= set(LINTS)


LENGTHS = [("Buy", 6), ("Buy it", 9), ("Hot water now", 17), ("a" * 100, 130), ("word " * 40 + "words", 246)]


@pytest.mark.parametrize(("text", "length"), LENGTHS)
def test_a_translation_is_taken_to_be_as_much_longer_as_the_table_says(text, length):
    assert len(expanded(text, "en-US")) == length


def test_words_become_longer_and_keep_their_punctuation():
    assert expanded("Hot water, now!", "en-US") == "Hoth waterwa, nowno!"


def test_lines_figures_and_what_the_table_says_nothing_of_stay():
    assert expanded("Warm\n100 %", "en-US").endswith("\n100 %")
    assert expanded("電気ケトル", "ja-JP") == "電気ケトル"
    assert expanded("Jetzt kaufen", "de-DE") == "Jetzt kaufen"
    assert expanded("20 %", "en-US") == "20 %"


@given(st.text(max_size=60))
def test_nothing_of_a_text_is_lost_when_it_grows(text):
    grown = iter(expanded(text, "en-US"))
    assert all(character in grown for character in text)
