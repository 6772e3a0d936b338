"""One group of a typeset step in its box: how large its items can be together, and where they stand then.

Letters of usual height, not line boxes, decide what the eye takes for distances (`stack`); ink never leaves the
box. Knows one group; frames and mirroring are `layout`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from imagebuild.core.layouts.canonical import Group, PictureItem, RuleItem, TextItem, Typeset
from imagebuild.core.sizes import Size
from imagebuild.errors import PictureError
from imagebuild.picture.kept import Kept
from imagebuild.picture.measure import measure
from imagebuild.picture.typeset.copy import Copy, Span, scaled
from imagebuild.picture.typeset.fonts import Read
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.picture.typeset.setting import Placed, PlacedGroup, PlacedPicture, PlacedRule, PlacedText, Rectangle
from imagebuild.picture.typeset.stack import Extent, Piece, heights, stack

__all__ = ["Fitting", "Part"]

_BISECTIONS: Final = 9
_PHRASES_WORTH: Final = 0.82  # how much smaller words may be for lines that do not part phrases
_PICTURE_SIZES: Final[Kept[str, Size]] = Kept(64)


class Part(NamedTuple):
    """A text item with its measured copy and its sizes in pixels."""

    item: TextItem
    copy: Copy
    least: float
    greatest: float

    def size(self, largeness: float) -> float:
        return self.least + (self.greatest - self.least) * largeness

    def measure(self, size: float, width: int) -> float:
        """The room for a line, in ems."""
        padding = 2 * self.item.button.padding[0] if self.item.button else 0.0
        return width / size - padding


class Fitting:
    """One group: how large its items can be, and where they stand then."""

    def __init__(
        self,
        typeset: Typeset,
        group: Group,
        box: Rectangle,
        edge: int,
        parts: tuple[Part | PictureItem | RuleItem, ...],
        read: Read,
    ) -> None:
        self.typeset = typeset
        self.group = group
        self.box = box
        self.edge = edge
        self.parts = parts
        self.read = read
        self.width, self.height = box[2] - box[0], box[3] - box[1]
        self.gap = round(group.gap * edge)

    def _texts(self) -> Iterator[Part]:
        return (part for part in self.parts if isinstance(part, Part))

    def largest(self) -> PlacedGroup | None:
        """With lines that part no phrase, unless words are much larger when they may."""
        best = self._search(phrases=False)
        if best is None:
            return None
        phrases = False
        if any(part.copy.has_phrases for part in self._texts()):
            whole = self._search(phrases=True)
            if whole is not None and all(
                part.size(whole) >= part.size(best) * _PHRASES_WORTH for part in self._texts()
            ):
                best, phrases = whole, True
        else:
            phrases = True
        while True:
            placed = self._place(best, phrases, generous=True) or self._place(best, phrases, generous=False)
            if placed is not None or best <= 0:
                return placed
            best = max(best - 0.02, 0.0)  # kerning across a break made a line wider than it was measured

    def _search(self, *, phrases: bool) -> float | None:
        for largeness in (1.0, 0.0):
            if self._fits(largeness, phrases):
                break
        else:
            return None
        if largeness == 1.0:
            return 1.0
        low, high = 0.0, 1.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if self._fits(middle, phrases):
                low = middle
            else:
                high = middle
        return low

    def _fits(self, largeness: float, phrases: bool) -> bool:
        counts = []
        for part in self.parts:
            if isinstance(part, Part):
                size = part.size(largeness)
                lines = part.copy.count(part.measure(size, self.width), phrases=phrases)
                if lines is None or lines > part.item.lines:
                    return False
                counts.append(lines)
        return self._total(largeness, counts) <= self.height

    def _total(self, largeness: float, counts: list[int]) -> int:
        """How high the group is at most, with so many lines."""
        following = iter(counts)
        pieces = []
        for part in self.parts:
            if isinstance(part, Part):
                copy, size = part.copy, part.size(largeness)
                pieces.append(self._piece(part, size, next(following), copy.ink_rise, copy.ink_sink))
            else:
                pieces.append(self._still(part))
        return heights(pieces, self.gap)

    def _piece(self, part: Part, size: float, lines: int, ink_rise: float, ink_sink: float) -> Piece:
        return Extent(size, part.copy.rise, part.copy.sink, ink_rise, ink_sink).piece(
            lines, self._pitch(part, size), part.item.button, part.copy.script
        )

    def _pitch(self, part: Part, size: float) -> int:
        return max(round(part.copy.leading * part.item.leading * size), 1)

    def _still(self, item: PictureItem | RuleItem) -> Piece:
        _, high = self._still_size(item)
        return Piece(0, high, high, high)

    def _still_size(self, item: PictureItem | RuleItem) -> tuple[int, int]:
        if isinstance(item, RuleItem):
            return max(round(item.length * self.width), 1), max(round(item.thickness * self.edge), 1)
        across, down = _PICTURE_SIZES.get(item.picture, lambda: _size_of(item, self.read))
        high = item.height * self.edge
        scale = min(high / down, self.width / across)
        return max(round(across * scale), 1), max(round(down * scale), 1)

    def _place(self, largeness: float, phrases: bool, *, generous: bool) -> PlacedGroup | None:
        """With a line more than is needed where that reads better, when `generous`. None when that is too high, or a
        line turns out wider than its room."""
        pieces: list[Piece] = []
        spans: list[tuple[Span, ...]] = []
        for part in self.parts:
            if isinstance(part, Part):
                size = part.size(largeness)
                most = part.item.lines if generous else 0
                found = _spans(part.copy, part.measure(size, self.width), phrases, most)
                if found is None or len(found) > part.item.lines:
                    return None
                first, last = part.copy.line(*found[0]), part.copy.line(*found[-1])
                pieces.append(self._piece(part, size, len(found), -first.ink[1], last.ink[3]))
                spans.append(found)
            else:
                pieces.append(self._still(part))
        if heights(pieces, self.gap) > self.height:
            return None
        tops = stack(pieces, self.gap, self.box[1], self.box[3], self.group.valign)
        following = iter(spans)
        placed: list[Placed] = []
        for part, piece, top in zip(self.parts, pieces, tops, strict=True):
            if isinstance(part, Part):
                placed.append(self._placed_text(part, part.size(largeness), next(following), piece, top))
                continue
            wide, high = self._still_size(part)
            left = self._left(part.align, wide)
            box = (left, top, left + wide, top + high)
            placed.append(PlacedPicture(part, box) if isinstance(part, PictureItem) else PlacedRule(part, box))
        return PlacedGroup(self.group, self.box, tuple(placed), largeness)

    def _left(self, align: str, wide: int) -> int:
        slack = self.width - wide
        if align == "center":
            return self.box[0] + slack // 2
        at_right = (align == "end") != (self.typeset.direction == "rtl")
        return self.box[0] + (slack if at_right else 0)

    def _placed_text(self, part: Part, size: float, spans: tuple[Span, ...], piece: Piece, top: int) -> PlacedText:
        """Lines stand by their ink, so that their edges are one edge with whatever stands above and below."""
        lines = tuple(scaled(part.copy.line(*span), size) for span in spans)
        pitch = self._pitch(part, size)
        wide = [line.ink[2] - line.ink[0] for line in lines]
        button: Rectangle | None = None
        if part.item.button:
            across = min(round(max(wide) + 2 * part.item.button.padding[0] * size), self.width)
            left = self._left(part.item.align, across)
            button = (left, top, left + across, top + piece.foot)
        places = []
        for number, (line, extent) in enumerate(zip(lines, wide, strict=True)):
            if button:
                left_ink = (button[0] + button[2] - extent) / 2
            else:
                left_ink = float(self._left(part.item.align, -int(-extent // 1)))
            places.append((left_ink - line.ink[0], float(top + piece.baseline + number * pitch)))
        inks = [
            (x + line.ink[0], y + line.ink[1], x + line.ink[2], y + line.ink[3])
            for line, (x, y) in zip(lines, places, strict=True)
        ]
        ink = _around(inks)
        return PlacedText(part.item, lines, tuple(places), ink, size, part.least, part.greatest, button)

    def misfits(self) -> tuple[Misfit, ...]:
        """What does not fit at the least sizes: words and lines of any item, or else the height of all of them."""
        language = self.typeset.language
        found: list[Misfit] = []
        counts: list[int] = []
        highest: tuple[float, TextItem] | None = None
        for part in self._texts():
            room = part.measure(part.least, self.width)
            lines = part.copy.count(room, phrases=False)
            if lines is not None:
                spans = _spans(part.copy, room, phrases=False)
                lines = max(lines, len(spans) if spans else part.item.lines + 1)
            if lines is None:
                word, wide = part.copy.longest_word()
                found.append(Misfit.of_word(part.item, language, word, wide * part.least, room * part.least))
                continue
            if lines > part.item.lines:
                found.append(Misfit.of_lines(part.item, language, lines))
            counts.append(lines)
            high = lines * part.copy.leading * part.least
            if highest is None or high > highest[0]:
                highest = (high, part.item)
        if not found and highest is not None:
            total = self._total(0.0, counts)
            found.append(Misfit.of_height(highest[1], language, total, self.height))
        if not found:
            what = f"logo or rule in a group of the layout is {self._total(0.0, [])} px high, its box {self.height} px"
            raise PictureError(what, hint="make the box higher, or what is in it smaller")
        return tuple(found)


def _spans(copy: Copy, room: float, phrases: bool, most: int = 0) -> tuple[Span, ...] | None:
    """Lines whose ink is within the room; tried in a little less of it when a line's own kerning made it wider."""
    measure = room
    for _ in range(4):
        spans = copy.arrange(measure, phrases=phrases, most=most)
        if spans is None:
            return None
        over = max(copy.ink_width(span) for span in spans) - room
        if over <= 0:
            return spans
        measure -= over + 0.01
    return None


def _around(boxes: list[tuple[float, float, float, float]]) -> Rectangle:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (int(min(lefts) // 1), int(min(tops) // 1), -int(-max(rights) // 1), -int(-max(bottoms) // 1))


def _size_of(item: PictureItem, read: Callable[[str], bytes]) -> Size:
    return measure(read(item.picture), source=f"the picture of `{item.role}`").size
