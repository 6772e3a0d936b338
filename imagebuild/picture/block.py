"""Several lines of text: broken to a width, fitted to a box, aligned by the direction they are read in.

Knows lines and their sizes in pixels; glyphs are `text`'s, places to break `breaks`'s.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Final, Literal

from PIL import Image

from imagebuild.picture import bidi
from imagebuild.picture.bidi import Direction
from imagebuild.picture.breaks import Breaks, find_breaks
from imagebuild.picture.fonts import FontSet, script_of
from imagebuild.picture.text import Color, Line, Missing, clusters, draw_line, layout_slice, one_line

__all__ = ["Align", "Block", "break_lines", "draw_block", "fit_text", "leading"]

Align = Literal["start", "center", "end"]

# Distance of baselines in ems: scripts that stack marks, or hang deep, need more than Latin.
_LEADING: Final = {
    "Arab": 1.42, "Thai": 1.4, "Laoo": 1.4, "Deva": 1.36, "Beng": 1.32, "Gujr": 1.36, "Guru": 1.36, "Taml": 1.34,
    "Telu": 1.42, "Knda": 1.42, "Mlym": 1.36, "Orya": 1.42, "Sinh": 1.34, "Khmr": 1.6, "Mymr": 1.75, "Hani": 1.26,
    "Hira": 1.26, "Kana": 1.26, "Hang": 1.28, "Hebr": 1.22,
}  # fmt: skip
_LATIN_LEADING: Final = 1.16
_BISECTIONS: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines and the place of each line's baseline start, in a box whose top left corner is 0, 0; `height` is of ink."""

    lines: tuple[Line, ...]
    places: tuple[tuple[float, float], ...]
    size: float
    width: float
    height: float


def leading(text: str) -> float:
    """The distance of two baselines in ems, by the most demanding script of the text."""
    return max((_LEADING.get(script_of(c), _LATIN_LEADING) for c in text), default=_LATIN_LEADING)


def break_lines(
    text: str,
    width: float,
    *,
    size: float,
    language: str,
    direction: Direction = "auto",
    weight: int = 400,
    fonts: FontSet,
    missing: Missing = "error",
) -> tuple[Line, ...]:
    """The text in lines no wider than `width` (a single letter may be). Spaces at a break are dropped."""
    return _Measured(text, language, direction, weight, fonts, missing).lines(size, width)


def fit_text(
    text: str,
    *,
    width: float,
    height: float,
    largest: float,
    smallest: float,
    most_lines: int,
    language: str,
    direction: Direction = "auto",
    weight: int = 400,
    align: Align = "start",
    fonts: FontSet,
    missing: Missing = "error",
) -> Block | None:
    """The text as large as the box lets it be, its lines balanced; None when even `smallest` does not fit."""
    measured = _Measured(text, language, direction, weight, fonts, missing)

    def fits(size: float) -> Block | None:
        lines = measured.lines(size, width, whole_words=size > smallest)
        if not lines or len(lines) > most_lines:
            return None
        block = _stack(measured, lines, size, width, align)
        inside = block.height <= height and all(line.width <= width for line in lines)
        return block if inside else None

    best = fits(smallest)
    if best is None:
        return None
    low, high = smallest, largest
    whole = fits(largest)
    if whole is not None:
        best, low = whole, largest
    else:
        for _ in range(_BISECTIONS):
            if high - low < 0.25:
                break
            middle = (low + high) / 2
            found = fits(middle)
            if found is None:
                high = middle
            else:
                best, low = found, middle
    return _balanced(measured, best, width, align)


def draw_block(image: Image.Image, block: Block, left: float, top: float, fill: Color) -> None:
    for line, (x, y) in zip(block.lines, block.places, strict=True):
        draw_line(image, line, left + x, top + y, fill)


def _balanced(measured: _Measured, block: Block, width: float, align: Align) -> Block:
    """The same number of lines, in the narrowest measure that still gives it: no lonely last word."""
    if len(block.lines) < 2:
        return block
    narrow, wide = width / len(block.lines) * 0.8, max(line.width for line in block.lines)
    lines = block.lines
    while wide - narrow > block.size * 0.25:
        middle = (narrow + wide) / 2
        found = measured.lines(block.size, middle, whole_words=True)
        if found and len(found) == len(lines) and all(line.width <= middle for line in found):
            lines, wide = found, middle
        else:
            narrow = middle
    return _stack(measured, lines, block.size, width, align)


def _stack(measured: _Measured, lines: tuple[Line, ...], size: float, width: float, align: Align) -> Block:
    pitch = measured.leading * size
    top = min(line.ink[1] for line in lines[:1])
    places = []
    for number, line in enumerate(lines):
        slack = width - line.width
        at_right = (align == "end") != (line.direction == "rtl")
        x = slack / 2 if align == "center" else slack if at_right else 0.0
        places.append((x, number * pitch - top))
    bottom = max(y + line.ink[3] for line, (_, y) in zip(lines, places, strict=True))
    widest = max(line.width for line in lines)
    return Block(lines=lines, places=tuple(places), size=size, width=widest, height=bottom)


class _Measured:
    """A text whose letters were measured once, so that trying a width or a size costs additions, not shaping."""

    def __init__(
        self, text: str, language: str, direction: Direction, weight: int, fonts: FontSet, missing: Missing
    ) -> None:  # fmt: skip
        self.breaks: Breaks = find_breaks(text, language)
        self.text = one_line(text)
        self.paragraph = bidi.resolve(self.text, direction)
        self.language = language
        self.weight = weight
        self.fonts = fonts
        self.missing: Missing = missing
        self.leading = leading(text)
        self.starts = [start for start, _ in clusters(self.text)] or [0]
        self.sums = self._prefix_sums()

    def _line(self, start: int, end: int, size: float) -> Line:
        return layout_slice(
            self.paragraph, start, end, size=size, language=self.language, weight=self.weight, fonts=self.fonts,
            missing=self.missing,
        )  # fmt: skip

    def _prefix_sums(self) -> list[float]:
        """What is before each character, in ems, were all of it one line."""
        advances = [0.0] * len(self.text)
        for glyph in self._line(0, len(self.text), 1.0).glyphs:
            advances[glyph.cluster] += glyph.advance
        return list(itertools.accumulate(advances, initial=0.0))

    def lines(self, size: float, width: float, *, whole_words: bool = False) -> tuple[Line, ...]:
        """Greedy lines; empty when `whole_words` is asked for and a word is wider than the width."""
        found: list[Line] = []
        start = 0
        while start < len(self.text):
            while start < len(self.text) and self.text[start] == " ":
                start += 1
            if start == len(self.text):
                break
            line, start = self._next_line(start, size, width, whole_words)
            if line is None:
                return ()
            found.append(line)
        return tuple(found)

    def _next_line(self, start: int, size: float, width: float, whole_words: bool) -> tuple[Line | None, int]:
        limit = min((i for i in self.breaks.forced if i > start), default=len(self.text))
        choices = [self.breaks.good] if whole_words else [self.breaks.good, self.breaks.allowed, self.starts]
        for ends in choices:
            possible = sorted(i for i in {*ends, limit} if start < i <= limit)
            fitting = [i for i in possible if self._width(start, i) * size <= width * 1.02]
            for end in reversed(fitting):  # kerning across a break may make a line a little wider than measured
                line = self._line(start, self._trimmed(start, end), size)
                if line.width <= width:
                    return line, end
        if whole_words:
            return None, limit
        end = next((i for i in self.starts if i > start), len(self.text))
        return self._line(start, end, size), end

    def _trimmed(self, start: int, end: int) -> int:
        while end > start + 1 and self.text[end - 1] in " \u3000\u200b":
            end -= 1
        return end

    def _width(self, start: int, end: int) -> float:
        return self.sums[self._trimmed(start, end)] - self.sums[start]
