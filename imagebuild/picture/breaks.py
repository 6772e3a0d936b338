"""Where a line of text may break: as much of UAX #14 as copy and captions meet, and words where none is spaced.

Thai words, and the phrases of Japanese and Chinese, are found by BudouX's small models. Knows characters, not widths.
"""

from __future__ import annotations

import functools
import threading
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

import budoux

from imagebuild.picture.fonts import script_of

__all__ = ["Breaks", "find_breaks"]

_NO_START: Final = frozenset(  # what may not begin a line, beside closing punctuation
    "、。，．・：；？！‼⁇⁈⁉‐゠–〜～ヽヾゝゞ゛゜｡､･ｰｯｬｭｮｧｨｩｪｫﾞﾟーァィゥェォッャュョヮヵヶぁぃぅぇぉっゃゅょゎゕゖㇰㇱㇲㇳㇴㇵㇶㇷㇸㇹㇺㇻㇼㇽㇾㇿ々〻‥…"
    '!%),.:;?]}°·’"†‡›℃∶％€₫¢؟،؛٪।॥ๆฯ'
)
_NO_END: Final = frozenset('$£¥₩€‘"#＄￡￥')
_NO_BREAK_SPACES: Final = frozenset("\u00a0\u202f\u2007\u2060\ufeff")
_IDEOGRAPHIC: Final = frozenset(("Hani", "Hira", "Kana", "Bopo", "Hang"))
_MODELS: Final = {
    "Thai": budoux.load_default_thai_parser,
    "ja": budoux.load_default_japanese_parser,
    "zh-Hans": budoux.load_default_simplified_chinese_parser,
    "zh-Hant": budoux.load_default_traditional_chinese_parser,
}
_LOCK: Final = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaks:
    """Indices before which a line may begin: where it reads best, where it is still allowed, and where it must."""

    good: frozenset[int]
    allowed: frozenset[int]
    forced: frozenset[int]


def find_breaks(text: str, language: str) -> Breaks:
    good: set[int] = set()
    allowed: set[int] = set()
    forced = {i for i in range(1, len(text) + 1) if text[i - 1] in "\n\u2028\u2029\x0b\x0c\x85"}
    phrases = _phrase_starts(text, language)
    for i in range(1, len(text)):
        if i in forced:
            continue
        before, after = text[i - 1], text[i]
        if after in _NO_BREAK_SPACES or before in _NO_BREAK_SPACES or _is_space(after):
            continue
        if _is_space(before) or before == "\u200b":
            good.add(i)
        elif _may_part(text, i):
            allowed.add(i)
            # Beside Latin letters and digits the phrases decide where there are any; Korean words part at blanks.
            mixed = not _ideographic(before) or not _ideographic(after)
            hangul = "Hang" in (script_of(before), script_of(after))
            if i in phrases or (mixed and not hangul and not phrases):
                good.add(i)
        elif i in phrases and script_of(after) == "Thai":
            good.add(i)
    if not phrases:
        good |= {i for i in allowed if script_of(text[i]) != "Hang"}
    return Breaks(good=frozenset(good), allowed=frozenset(allowed | good), forced=frozenset(forced))


def _is_space(character: str) -> bool:
    return character in "\t\n\r" or unicodedata.category(character) == "Zs"


def _ideographic(character: str) -> bool:
    return script_of(character) in _IDEOGRAPHIC or character in "、。，．・：；？！」』）】〉》〕"


def _may_part(text: str, i: int) -> bool:
    """Between two characters without a space: beside ideographs, and after a hyphen or dash between words."""
    before, after = text[i - 1], text[i]
    if after in _NO_START or before in _NO_END or unicodedata.category(after)[0] == "M":
        return False
    if unicodedata.category(after) in ("Pe", "Pf", "Cf") or unicodedata.category(before) in ("Ps", "Pi", "Cf"):
        return False
    if before in "-‐–—/":
        return i > 1 and text[i - 2].isalpha() and after.isalpha()
    if after in "-/%‰":
        return False
    beside = _ideographic(before) or _ideographic(after)
    return beside and unicodedata.category(before) not in ("Sc",)


def _phrase_starts(text: str, language: str) -> set[int]:
    """Where words or phrases begin, in scripts that write no spaces between them."""
    found: set[int] = set()
    scripts = {script_of(c) for c in text}
    if "Thai" in scripts:
        found |= _parse("Thai", text)
    if scripts & {"Hira", "Kana"}:
        found |= _parse("ja", text)
    elif "Hani" in scripts and language.lower().startswith(("zh", "yue")):
        traditional = {part.lower() for part in language.split("-")} & {"hant", "tw", "hk", "mo"}
        found |= _parse("zh-Hant" if traditional else "zh-Hans", text)
    return found


@functools.cache
def _model(name: str) -> Any:
    return _MODELS[name]()


def _parse(name: str, text: str) -> set[int]:
    with _LOCK:
        parser = _model(name)
    starts: set[int] = set()
    at = 0
    for phrase in parser.parse(text):
        starts.add(at)
        at += len(phrase)
    return starts
