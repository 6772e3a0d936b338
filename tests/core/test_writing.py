"""Scripts of characters: HarfBuzz, and so Unicode, says the same of every one of them."""

from __future__ import annotations

import unicodedata

import pytest
import uharfbuzz

from imagebuild.core.locale import LIKELY_SCRIPT
from imagebuild.core.writing import JOINT_SCRIPTS, SCRIPTS, script_of, scripts_in


def by_harfbuzz(character):
    buffer = uharfbuzz.Buffer()
    buffer.add_str(character)
    buffer.guess_segment_properties()
    return str(buffer.script or "")


def test_every_assigned_character_has_the_script_that_harfbuzz_says():
    wrong = [
        f"U+{code:04X}"
        for code in (
            *range(0x20, 0xD800),
            *range(0xF900, 0x20000),
            *range(0x20000, 0x32400, 7),
            *range(0xE0100, 0xE01F0),
        )
        if unicodedata.category(chr(code)) != "Cn" and script_of(chr(code)) != by_harfbuzz(chr(code))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("character", "script"), [("a", "Latn"), ("ё", "Cyrl"), ("あ", "Hira"), ("7", ""), ("\u0301", "")]
)
def test_what_scripts_share_has_none(character, script):
    assert script_of(character) == script


def test_scripts_of_texts_are_gathered():
    assert scripts_in(["Tea 7", "چای", "!"]) == {"Latn", "Arab"}
    assert scripts_in([]) == frozenset()


def test_every_script_that_a_locale_is_written_in_is_known():
    assert set(LIKELY_SCRIPT.values()) <= SCRIPTS | set(JOINT_SCRIPTS)
    assert {each for joint in JOINT_SCRIPTS.values() for each in joint} <= SCRIPTS
