"""Items one below the other as the eye measures them: from baseline to the top of usual letters, not from box to box.

Knows heights in pixels; nothing of glyphs, widths and colours.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from imagebuild.core.layouts.canonical import Button

__all__ = ["Extent", "Piece", "heights", "stack"]

# How much of what marks and tails reach beyond letters of usual height is seen as part of the text's own height.
_SEEN: Final = 0.35
_TAILS: Final = 0.2  # ems below the baseline that belong to the text in any case, whether a letter has a tail or not
_CLEAR: Final = 0.5  # of the gap: the least between the ink of two items
# Scripts whose words are as heavy above or below their usual letters: the middle of the ink counts for their middle.
_UNEVEN: Final = {"Arab": 0.45, "Thai": 0.25, "Deva": 0.3, "Beng": 0.3, "Hebr": 0.0}


class Piece(NamedTuple):
    """Heights from the top of the ink: where the eye sees the top (`head`) and the bottom (`seen`), from where the
    distance to what is below counts (`foot`), where the ink ends (`bottom`), and the first baseline."""

    head: int
    seen: int
    foot: int
    bottom: int
    baseline: int = 0


class Extent(NamedTuple):
    """How far a line reaches above and below its baseline, in ems: letters of usual height, and all of its ink."""

    size: float
    rise: float
    sink: float
    ink_rise: float
    ink_sink: float

    def piece(self, lines: int, pitch: int, button: Button | None, script: str) -> Piece:
        rise = max(self.rise, self.ink_rise)
        sink = max(self.sink, self.ink_sink)
        below = (lines - 1) * pitch
        if button:
            return self._button(below, button, script)
        baseline = math.ceil(rise * self.size)
        head = math.floor((rise - self.rise) * self.size * (1 - _SEEN))
        tails = self.sink + (sink - self.sink) * _SEEN
        last = baseline + below
        seen, foot, bottom = (last + math.ceil(each * self.size) for each in (tails, max(_TAILS, tails), sink))
        return Piece(head, seen, foot, bottom, baseline)

    def _button(self, below: int, button: Button, script: str) -> Piece:
        """The surface of a button: an em and its padding high in every script, with letters of usual height in its
        middle. Marks and tails may reach into half of the padding; for what reaches further it grows."""
        usual = (self.rise - self.sink) / 2
        uneven = _UNEVEN.get(script, 0.0)
        middle = usual + ((self.ink_rise - self.ink_sink) / 2 - usual) * uneven  # above the baseline
        half = max(0.5, max(self.ink_rise - middle, middle + self.ink_sink) - button.padding[1] / 2)
        height = math.ceil((half + button.padding[1]) * 2 * self.size) + below
        baseline = round((height - below) / 2 + middle * self.size)
        return Piece(0, height, height, height, baseline)


def heights(pieces: Sequence[Piece], gap: int) -> int:
    """How high all pieces are together."""
    tops = _tops(pieces, gap)
    return tops[-1] + pieces[-1].bottom if pieces else 0


def stack(pieces: Sequence[Piece], gap: int, top: int, bottom: int, valign: str) -> list[int]:
    """The top of each piece's ink, between two heights. In the middle is what the eye sees; the ink stays inside."""
    tops = _tops(pieces, gap)
    slack = bottom - top - heights(pieces, gap)
    shift = 0
    if valign == "bottom":
        shift = slack
    elif valign == "middle":
        seen = tops[-1] + pieces[-1].seen - pieces[0].head
        shift = min(max(round((bottom - top - seen) / 2) - pieces[0].head, 0), max(slack, 0))
    return [top + shift + each for each in tops]


def _tops(pieces: Sequence[Piece], gap: int) -> list[int]:
    tops = [0]
    for above, below in itertools.pairwise(pieces):
        seen = tops[-1] + above.foot + gap - below.head
        clear = tops[-1] + above.bottom + round(gap * _CLEAR)
        tops.append(max(seen, clear))
    return tops
