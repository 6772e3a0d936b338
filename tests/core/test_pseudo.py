"""Pseudo-locales change the copy and nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.pseudo import pseudo


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello", "[Ĥéļļö one]"),
        ("Warm evenings", "[Ŵåŕɱ éṽéñîñĝš one two]"),
        ("", ""),
        ("  ", "  "),
    ],
)
def test_english_copy_is_accented_padded_and_bracketed(text, expected):
    assert pseudo(text, "en-XA") == expected


@pytest.mark.parametrize("length", [20, 40, 80, 200])
def test_long_copy_grows_by_about_a_third(length):
    text = ("lorem ipsum " * 20)[:length].strip()
    grown = len(pseudo(text, "en-XA")) / len(text)
    assert 1.3 <= grown <= 1.75 if length < 40 else 1.3 <= grown <= 1.5


@pytest.mark.parametrize("tag", ["en-XA", "ar-XB"])
@pytest.mark.parametrize(
    "kept",
    [
        "{name}",
        "{{ t.headline }}",
        "{% if a %}",
        "%s",
        "%(count)d",
        "%1$s",
        "%.2f",
        "<b class='x'>",
        "</b>",
        "<br/>",
        "&nbsp;",
        "&#160;",
        "https://example.com/shop?a=b",
        "www.example.com",
        "help@example.com",
    ],
)
def test_placeholders_tags_and_addresses_stay_as_they_are(tag, kept):
    shown = pseudo(f"before {kept} after", tag)
    assert kept in shown
    assert "before" not in shown.replace("\u202ebefore\u202c", "")


def test_a_percentage_in_copy_is_not_a_placeholder():
    assert "öƒƒ" in pseudo("Save 50% off", "en-XA")


def test_arabic_copy_has_each_word_reversed_by_marks():
    assert pseudo("Warm tea.", "ar-XB") == "\u200f\u202eWarm\u202c\u200f \u200f\u202etea\u202c\u200f."


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="{}<>%&@", exclude_categories=["Cf", "Cs"])))
def test_the_accented_copy_can_be_read_back(text):
    letters = {
        "Ɓ": "B",
        "Ƒ": "F",
        "Ð": "D",
        "Ö": "O",
        "Ø": "O",
        "ƀ": "b",
        "đ": "d",
        "ƒ": "f",
        "ɱ": "m",
        "Ǫ": "Q",
        "ǫ": "q",
    }
    shown = pseudo(text, "en-XA")
    assert all(mark not in shown for mark in "\u202e\u202c")
    if text.strip() and text.isascii() and "www." not in text and "http" not in text:
        body = shown.removeprefix("[")[: len(text)]
        plain = "".join(letters.get(c) or unicodedata.normalize("NFD", c)[0] for c in body)
        plain = plain.replace("Þ", "P").replace("þ", "p")
        assert plain == text
