"""A text that was shaped once and can then be broken and measured at any size for the price of additions.

Lengths are ems. Lines are chosen for the whole text at once, so that they come out even and read in sensible parts,
rather than filled one after the other. Knows no boxes, roles or pixels.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

from imagebuild.picture import bidi
from imagebuild.picture.block import leading
from imagebuild.picture.breaks import find_breaks
from imagebuild.picture.fonts import FontSet, script_of
from imagebuild.picture.text import Glyph, Line, layout_line, layout_slice, one_line

__all__ = ["Copy", "Span", "direction_of", "scaled"]

Span = tuple[int, int]  # of characters: one line

# A letter of usual height in each script: what stands between the lines that the eye sees, whatever marks it carries.
_TYPICAL: Final = {
    "Latn": "H", "Cyrl": "Н", "Grek": "Η", "Hebr": "ה", "Arab": "ا", "Deva": "क", "Beng": "ক", "Thai": "ก",
    "Hani": "国", "Hira": "国", "Kana": "国", "Hang": "한", "Taml": "க", "Telu": "క", "Gujr": "ક",
    "Guru": "ਕ", "Knda": "ಕ", "Mlym": "ക", "Armn": "Ա", "Geor": "ა",
}  # fmt: skip
_HYPHENS: Final = frozenset("-‐/")
_SOFT_HYPHEN: Final = "\u00ad"
_NOT_FIRST: Final = frozenset("!?:;%‰»›–—…।॥")  # what never begins a line, also where a blank is before it
_NOT_LAST: Final = frozenset("«‹„¿¡([")
_STOPS: Final = frozenset(".!?…。！？।॥؟")
_PAUSES: Final = frozenset(",;:、，；：،؛–—")
_USUAL: Final = 8.0  # ems: in lines longer than a headline's, unevenness shows less
# Costs of a break, in squared ems of unevenness.
_MID_PHRASE: Final = 6.0
_LONELY: Final = 4.5
_AFTER_STOP, _AFTER_PAUSE, _AFTER_HYPHEN = -6.0, -2.5, 3.0
_MID_SENTENCE: Final = 4.0
_ONE_MORE: Final = 3.0
_SHORT: Final = 26.0  # ems: a headline, not a paragraph
_UNSPACED: Final = frozenset(("Thai", "Laoo", "Khmr", "Mymr"))  # where a blank ends a sentence or a phrase


class Copy:
    """`rise` and `sink`: how far letters of usual height reach above and below the baseline. `ink_rise`, `ink_sink`:
    how far any of the text does."""

    __slots__ = (
        "_allowed", "_forced", "_good", "_language", "_lines", "_paragraph", "_sums", "_weight", "fonts", "ink_rise",
        "ink_sink", "leading", "rise", "script", "sink", "text",
    )  # fmt: skip

    def __init__(self, text: str, language: str, direction: bidi.Direction, weight: int, fonts: FontSet) -> None:
        found = find_breaks(text, language)
        self.text = one_line(text)
        self.fonts = fonts
        self.leading = leading(text)
        self._language = language
        self._weight = weight
        self._paragraph = bidi.resolve(self.text, direction)
        soft = {i for i in range(1, len(text)) if text[i - 1] == _SOFT_HYPHEN}
        self._forced = sorted({i for i in found.forced if i < len(text)})
        self._allowed = sorted({i for i in found.allowed if _may_break(self.text, i)} | soft)
        self._good = [i for i in self._allowed if i in found.good and i not in soft]
        self._lines: dict[Span, Line] = {}
        whole = self.line(0, len(self.text))
        advances = [0.0] * len(self.text)
        for glyph in whole.glyphs:
            advances[glyph.cluster] += glyph.advance
        self._sums = list(itertools.accumulate(advances, initial=0.0))
        self.ink_rise, self.ink_sink = -whole.ink[1], whole.ink[3]
        self.script = _main_script(self.text)
        self.rise, self.sink = self._typical()

    @property
    def has_phrases(self) -> bool:
        """Whether there are places to break that are not as good as others."""
        return len(self._good) < len(self._allowed)

    def _typical(self) -> tuple[float, float]:
        letter = _TYPICAL.get(self.script)
        if letter is None:
            return self.ink_rise, max(self.ink_sink, 0.0) if self.script else 0.0
        ink = layout_line(
            letter, size=1.0, language=self._language, weight=self._weight, fonts=self.fonts, missing="show"
        ).ink
        return -ink[1], max(ink[3], 0.0)

    def line(self, start: int, end: int) -> Line:
        """One line laid out at 1 em, and kept."""
        if (start, end) in self._lines:
            return self._lines[start, end]
        paragraph = self._paragraph
        if 0 < end < len(self.text) and self.text[end - 1] == _SOFT_HYPHEN:
            paragraph = bidi.resolve(
                self.text[: end - 1] + "-" + self.text[end:], "rtl" if paragraph.base else "ltr"
            )  # fmt: skip
        line = layout_slice(
            paragraph, start, end, size=1.0, language=self._language, weight=self._weight, fonts=self.fonts,
            missing="error",
        )  # fmt: skip
        self._lines[start, end] = line
        return line

    def ink_width(self, span: Span) -> float:
        ink = self.line(*span).ink
        return ink[2] - ink[0]

    def count(self, width: float, *, phrases: bool) -> int | None:
        """How many lines the text takes at least in a measure; None when a word is wider than it."""
        total = 0
        for start, end, ends in self._sections(phrases):
            at = start
            while at < end:
                furthest = next((i for i in reversed(ends) if i > at and self._width(at, i) <= width), None)
                if furthest is None:
                    return None
                total += 1
                at = self._next(furthest, end)
        return total

    def arrange(self, width: float, *, phrases: bool, most: int = 0) -> tuple[Span, ...] | None:
        """The fewest lines that fit the measure, as even as can be; None when a word is wider than it. A short text
        takes a line more, up to `most`, where it then breaks after sentences instead of in them."""
        sections = self._sections(phrases)
        found = [self._even(*section, width) for section in sections]
        if any(each is None for each in found):
            return None
        spans = [span for each in found if each for span in each[0]]
        is_short = len(sections) == 1 and self._width(*sections[0][:2]) <= _SHORT
        if is_short and len(spans) < most and found[0]:
            more = self._even(*sections[0], width, len(spans) + 1)
            if more and more[1] + _ONE_MORE < found[0][1]:
                return tuple(more[0])
        return tuple(spans)

    def longest_word(self) -> tuple[str, float]:
        """The widest part that is never broken, and its width."""
        words = []
        for start, _, ends in self._sections(phrases=False):
            at = start
            for i in ends:
                words.append((self._width(at, i), self.text[at : self._trimmed(at, i)]))
                at = self._next(i, i)
        width, word = max(words, default=(0.0, ""))
        return word, width

    def _sections(self, phrases: bool) -> list[tuple[int, int, list[int]]]:
        """Between line breaks that were asked for: start, end, and where lines may end."""
        breaks = self._good if phrases else self._allowed
        edges = [0, *self._forced, len(self.text)]
        found = []
        for start, end in itertools.pairwise(edges):
            start = self._next(start, end)
            if start < end:
                found.append((start, end, [*(i for i in breaks if start < i < end), end]))
        return found

    def _even(
        self, start: int, end: int, ends: Sequence[int], width: float, lines: int | None = None
    ) -> tuple[list[Span], float] | None:
        """The least sum of squared differences from the mean width, and of what each break costs, of all ways to break
        into so many lines, or else the fewest; and that sum."""
        starts = [start, *(self._next(i, end) for i in ends[:-1])]
        wide = {
            (i, j): found
            for j in range(1, len(ends) + 1)
            for i in range(j - 1, -1, -1)
            if (found := self._width(starts[i], ends[j - 1])) <= width
        }
        lines = lines or _fewest(wide, len(ends))
        if lines is None or lines > len(ends):
            return None
        mean = self._width(start, end) / lines
        weight = min(_USUAL / max(mean, 1.0), 1.0)
        best: list[dict[int, tuple[float, int]]] = [{0: (0.0, -1)}, *({} for _ in ends)]
        for (i, j), measured in wide.items():
            cost = (measured - mean) ** 2 * weight
            cost += self._cost(starts[i], ends[j - 1]) if j < len(ends) else 0.0
            for count, (so_far, _) in best[i].items():
                known = best[j].get(count + 1)
                if count < lines and (known is None or so_far + cost < known[0]):
                    best[j][count + 1] = (so_far + cost, i)
        if lines not in best[-1]:
            return None
        spans: list[Span] = []
        j, count = len(ends), lines
        while j > 0:
            i = best[j][count][1]
            spans.append((starts[i], self._trimmed(starts[i], ends[j - 1])))
            j, count = i, count - 1
        return spans[::-1], best[-1][lines][0]

    def _cost(self, start: int, end: int) -> float:
        """Of ending a line here."""
        text = self.text[start : self._trimmed(start, end)]
        cost = 0.0 if end in self._good else _MID_PHRASE
        if text[-1:] in _STOPS:
            cost += _AFTER_STOP
        if text[-1:] in _PAUSES:
            cost += _AFTER_PAUSE
        if text[-1:] in _HYPHENS:
            cost += _AFTER_HYPHEN
        if self.script in _UNSPACED and self.text[end - 1] != " ":
            cost += _MID_SENTENCE
        word = text.rpartition(" ")[2]
        if len(text) > len(word) and len(word) <= 2 and (word.isalpha() or word.isdigit()):
            cost += _LONELY  # a preposition, an article or a number belongs to what follows
        return cost

    def _next(self, at: int, end: int) -> int:
        while at < end and self.text[at] in " \u3000":
            at += 1
        return at

    def _trimmed(self, start: int, end: int) -> int:
        while end > start + 1 and self.text[end - 1] in " \u3000\u200b":
            end -= 1
        return end

    def _width(self, start: int, end: int) -> float:
        return self._sums[self._trimmed(start, end)] - self._sums[start]


def _fewest(wide: Mapping[Span, float], last: int) -> int | None:
    """How many steps it takes at least to come from 0 to the last break."""
    counts: dict[int, int] = {0: 0}
    for i, j in wide:
        if i in counts and counts[i] + 1 < counts.get(j, last + 1):
            counts[j] = counts[i] + 1
    return counts.get(last)


def scaled(line: Line, size: float) -> Line:
    """A line of 1 em at another size: shaping knows no size, so every place and advance just grows with it."""
    left, top, right, bottom = line.ink
    glyphs = tuple(
        Glyph(
            face=glyph.face, glyph_id=glyph.glyph_id, x=glyph.x * size, y=glyph.y * size, size=size,
            advance=glyph.advance * size, cluster=glyph.cluster,
        )
        for glyph in line.glyphs
    )  # fmt: skip
    return Line(
        text=line.text, glyphs=glyphs, frames=(), size=size, width=line.width * size, ascent=line.ascent * size,
        descent=line.descent * size, ink=(left * size, top * size, right * size, bottom * size),
        direction=line.direction,
    )  # fmt: skip


def direction_of(text: str, direction: bidi.Direction) -> bidi.Direction:
    """The direction of a text in copy that is read in `direction`: its own when it has no letter of the other's."""
    strong = {"ltr": {"L"}, "rtl": {"R", "AL"}}
    found = {unicodedata.bidirectional(c) for c in text} & {"L", "R", "AL"}
    return "auto" if direction != "auto" and found and not found & strong[direction] else direction


def _may_break(text: str, i: int) -> bool:
    """Less than what the blanks of a text allow: a number keeps its groups and its sign, French keeps its `!`."""
    if text[i - 1] != " ":
        return True
    before, after = text[: i - 1].rstrip(" ")[-1:], text[i]
    if after in _NOT_FIRST or before in _NOT_LAST:
        return False
    if unicodedata.category(after) == "Sc":
        return text[i + 1 : i + 2].isdigit()
    return not (before.isdigit() and after.isdigit()) and not (
        unicodedata.category(before or " ") == "Sc" and after.isdigit()
    )


def _main_script(text: str) -> str:
    """The script of most letters, "" when there are none."""
    counts: dict[str, int] = {}
    for character in text:
        script = script_of(character)
        if script:
            counts[script] = counts.get(script, 0) + 1
    return max(counts, key=lambda script: counts[script], default="")
