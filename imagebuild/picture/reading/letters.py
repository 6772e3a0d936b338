"""Texts as the letters a person sees, and where one stands in another with how many mistakes.

A letter is a character with its marks: a missing diacritic is a mistake. No mistake: what Unicode calls compatible
(full width, ligatures), the form of quotes and dashes, characters that look the same (`LOOKALIKES`), spaces where a
script has none or beside digits and signs. Knows nothing of pictures.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from imagebuild.core.locale import Locale
from imagebuild.picture.text import clusters

__all__ = ["LOOKALIKES", "Letters", "Match", "best_match", "is_light", "is_worded", "letters_of", "likeness"]

_UNSPACED: Final = frozenset(("Hans", "Hant", "Hani", "Jpan", "Kore", "Thai", "Laoo", "Khmr", "Mymr"))


def _pairs(text: str) -> dict[str, str]:
    return {pair[0]: pair[1] for pair in text.split()}


_TYPOGRAPHIC: Final = str.maketrans(
    dict.fromkeys("‘’‚‛′´`ʼ׳", "'") | dict.fromkeys("“”„‟″״", '"') | dict.fromkeys("‐‑‒–—―−־", "-") | _pairs("·・ •・")
)

# Characters that no reader tells apart, and no person without their neighbours: in most typefaces the same drawing.
# Short on purpose: each pair is a mistake that is not seen.
LOOKALIKES: Final[dict[str, dict[str, str]]] = {
    "": _pairs("Il |l 1l 0O"),
    "Cyrl": _pairs("АA ВB ЕE Іl КK МM НH ОO РP СC ТT ХX аa еe оo рp сc хx уy ѕs іi јj"),
    "Grek": _pairs("ΑA ΒB ΕE ΖZ ΗH Ιl ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX οo νv"),
    "Jpan": _pairs("ヘへ ベべ ペぺ カ力 ロ口 エ工 ニ二 タ夕 ト卜 ハ八 ー一 -一 〇O"),
    "Hans": _pairs("〇O"),
    "Hant": _pairs("〇O"),
    "Deva": _pairs("।l"),
    "Beng": _pairs("।l"),
    "Arab": _pairs("۰٠ ۱١ ۲٢ ۳٣ ۷٧ ۸٨ ۹٩"),
}

_THAI_TONE_AFTER_DOT: Final = re.compile("\u0e4d([\u0e48-\u0e4b])")  # typed either way, drawn the same
_LIGHT: Final = frozenset(".,'\"`-_~:;・。、،")


class Letters(NamedTuple):
    """`keys` is what is compared, `shown` what a person is shown, `gaps` whether a space or a new line is before."""

    keys: tuple[str, ...]
    shown: tuple[str, ...]
    gaps: tuple[bool, ...]

    def text(self, start: int, end: int) -> str:
        parts = zip(self.shown[start:end], self.gaps[start:end], strict=True)
        return "".join(" " + shown if gap else shown for shown, gap in parts).strip()


class Match(NamedTuple):
    """The letters from `start` to `end` of what was read, and how many mistakes they are away from what was sought."""

    start: int
    end: int
    mistakes: int
    text: str


@lru_cache(maxsize=1024)
def letters_of(text: str, tag: str) -> Letters:
    folded = unicodedata.normalize("NFKC", text.translate(_TYPOGRAPHIC)).translate(_TYPOGRAPHIC)
    folded = "".join(c for c in folded if unicodedata.category(c) != "Cf")
    folded = _THAI_TONE_AFTER_DOT.sub("\\1\u0e4d", folded).replace("เเ", "แ")
    alike = str.maketrans(LOOKALIKES.get(Locale(tag).script, {}) | LOOKALIKES[""])
    keys: list[str] = []
    shown: list[str] = []
    gaps: list[bool] = []
    gap = False
    for start, end in clusters(folded):
        letter = folded[start:end]
        if letter.isspace():
            gap = True
            continue
        shown.append(letter)
        keys.append(letter.translate(alike))
        gaps.append(gap)
        gap = False
    return Letters(tuple(keys), tuple(shown), tuple(gaps))


def best_match(sought: Letters, read: Letters, tag: str, taken: Collection[int] = ()) -> Match | None:
    """The part of what was read that is nearest to what is sought, among letters that are not taken yet. What is
    written on to it without a space belongs to it: `Sale` does not stand in `Wholesale`."""
    keys = tuple("" if index in taken else key for index, key in enumerate(read.keys)) if taken else read.keys
    if not sought.keys or not keys:
        return None
    path = _aligned(sought.keys, keys)
    pairs = [(i, j) for i, j in path if i >= 0 and j >= 0]
    if not pairs:
        return None
    start, end = pairs[0][1], pairs[-1][1] + 1
    mistakes = sum(i < 0 or j < 0 or sought.keys[i] != keys[j] for i, j in path)
    if Locale(tag).script not in _UNSPACED:
        mistakes += _wrong_spaces(sought, read, pairs)
    left, right = _whole(read, start, end, taken)
    grown = read.shown[left:start] + read.shown[end:right]
    if grown and not all(is_light(letter) for letter in grown):
        mistakes += right - left - (end - start)
        start, end = left, right
    return Match(start, end, mistakes, read.text(start, end))


def likeness(one: Letters, other: Letters) -> float:
    """1 for the same letters, 0 for none in common; spaces do not matter."""
    longest = max(len(one.keys), len(other.keys))
    return 1 - _distance(one.keys, other.keys) / longest if longest else 1.0


def is_light(letter: str) -> bool:
    """A sign so small that grain in a photograph is read as one."""
    return letter in _LIGHT


def is_worded(letter: str) -> bool:
    """A letter or digit, not a sign."""
    return unicodedata.category(letter[0])[0] in "LN"


def _wrong_spaces(sought: Letters, read: Letters, pairs: Sequence[tuple[int, int]]) -> int:
    """Spaces missing or added between two letters; beside digits and signs readers see them as they like."""
    wrong = 0
    for (before, _), (i, j) in itertools.pairwise(pairs):
        beside = (sought.shown[before][0], sought.shown[i][0])
        if i == before + 1 and all(c.isalpha() for c in beside) and sought.gaps[i] != read.gaps[j]:
            wrong += 1
    return wrong


def _whole(read: Letters, start: int, end: int, taken: Collection[int]) -> tuple[int, int]:
    """The part with what is written on to it."""
    while start > 0 and not read.gaps[start] and start - 1 not in taken:
        start -= 1
    while end < len(read.keys) and not read.gaps[end] and end not in taken:
        end += 1
    return start, end


def _aligned(sought: Sequence[str], read: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs of indexes of the cheapest alignment of all of `sought` with a part of `read`; -1 where one has nothing."""
    width = len(read) + 1
    rows = [[0] * width]
    for i, key in enumerate(sought, 1):
        above, row = rows[-1], [i] * width
        for j, other in enumerate(read, 1):
            cost = above[j - 1] + (key != other)
            if above[j] + 1 < cost:
                cost = above[j] + 1
            if row[j - 1] + 1 < cost:
                cost = row[j - 1] + 1
            row[j] = cost
        rows.append(row)
    i, j = len(sought), min(range(width), key=rows[-1].__getitem__)
    while j + 1 < width and rows[-1][j + 1] == rows[-1][j]:
        j += 1  # a last letter that was read otherwise is a letter, not one missing
    path: list[tuple[int, int]] = []
    while i:
        here = rows[i][j]
        if j and here == rows[i - 1][j - 1] + (sought[i - 1] != read[j - 1]):
            i, j = i - 1, j - 1
            path.append((i, j))
        elif here == rows[i - 1][j] + 1:
            i -= 1
            path.append((i, -1))
        else:
            j -= 1
            path.append((-1, j))
    return path[::-1]


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    row = list(range(len(other) + 1))
    for i, key in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, theirs in enumerate(other, 1):
            diagonal, row[j] = row[j], min(diagonal + (key != theirs), row[j] + 1, row[j - 1] + 1)
    return row[-1]
