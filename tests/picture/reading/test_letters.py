from __future__ import annotations

import pytest

from imagebuild.picture.reading.letters import LOOKALIKES, best_match, letters_of, likeness


def mistakes(sought, read, tag):
    return best_match(letters_of(sought, tag), letters_of(read, tag), tag).mistakes


@pytest.mark.parametrize(
    ("tag", "sought", "read"),
    [
        ("fr-FR", "L’eau prête", "L'eau prête"),
        ("de-DE", "„Guten Tag“ – jetzt", '"Guten Tag" - jetzt'),
        ("de-DE", "ab 1,5 l.", "ab 1,51."),
        ("ru-RU", "Чайник с паром", "Чaйник c пapoм"),  # three Latin letters that look the same
        ("ja-JP", "90秒で沸くケトル", "９０秒 で沸く\nケ卜ル"),
        ("th-TH", "น้ำ", "น\u0e4d\u0e49า"),  # the tone typed after the dot
        ("ar-EG", "٣٠ يونيو", "۳۰ يونيو"),  # Persian digits of the same form
        ("en-US", "Steam rises before you do", "Steam rises\nbefore you do"),
        ("hi-IN", "क\u200d्ष", "क्ष"),
    ],
)
def test_what_looks_the_same_is_no_mistake(tag, sought, read):
    assert mistakes(sought, read, tag) == 0


@pytest.mark.parametrize(
    ("tag", "sought", "read", "count"),
    [
        ("en-US", "Steam rises", "Steam rizes", 1),
        ("en-US", "Steam rises", "Steamrises", 1),
        ("de-DE", "für müde", "fur müde", 1),
        ("ja-JP", "いちばん", "いちはん", 1),
        ("hi-IN", "शर्तें", "शर्ते", 1),
        ("th-TH", "เช้าวันใหม่", "เชาวันใหม่", 1),
        ("ar-EG", "٩٠ ثانية", "90 ثانية", 2),
        ("bn-BD", "৯০ সেকেন্ডে", "90 সেকেন্ডে", 2),
        ("ko-KR", "끓습니다", "끊습니다", 1),
        ("en-US", "30 June", "20 June", 1),
    ],
)
def test_a_letter_a_mark_a_space_between_words_and_the_digits_of_another_script_are_mistakes(tag, sought, read, count):
    assert mistakes(sought, read, tag) == count


def test_a_string_is_found_among_others():
    read = letters_of("New today\nSteam rises before you do\nfrom 49 EUR", "en")
    match = best_match(letters_of("Steam rises before you do", "en"), read, "en")
    assert (match.mistakes, match.text) == (0, "Steam rises before you do")


def test_a_word_inside_a_longer_one_is_not_it():
    match = best_match(letters_of("Sale", "en"), letters_of("Wholesale", "en"), "en")
    assert match.mistakes > 2
    assert match.text == "Wholesale"


def test_a_speck_read_as_a_full_stop_is_not_a_part_of_the_word():
    assert mistakes("Brewed in 90 seconds", "Brewed in 90 seconds.", "en") == 0


def test_letters_that_another_string_has_taken_are_not_found_again():
    read = letters_of("Tea time\nTea", "en")
    match = best_match(letters_of("Tea", "en"), read, "en", taken=frozenset(range(7)))
    assert (match.start, match.mistakes) == (7, 0)


def test_nothing_is_found_in_nothing():
    assert best_match(letters_of("Tea", "en"), letters_of("", "en"), "en") is None


def test_the_looks_of_a_character_do_not_lead_on_to_another():
    for table in LOOKALIKES.values():
        assert not {a for a, b in table.items() if b in table and table[b] != b}


def test_likeness_goes_from_one_to_none():
    steam = letters_of("Steam", "en")
    assert likeness(steam, letters_of("S team", "en")) == 1
    assert likeness(steam, letters_of("wxyz", "en")) == 0
