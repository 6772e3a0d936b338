"""Where everything of a sheet lies, in pixels: arithmetic on canonical parameters and the pictures' sizes.

Planning asks it what size comes out; drawing asks it where to draw. Nothing is enlarged. A grid of two axes keeps its
rows equally high where shapes change from column to column, and its columns equally wide where they change from row to
row; columns that do not fit the sheet's width go on below. Pictures of one axis flow in rows of even width.
Knows no pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from imagebuild.core.sizes import Size, size_text
from imagebuild.core.steps.values import MOST_EDGE
from imagebuild.errors import PictureError

__all__ = ["Area", "Frame", "Words", "sheet_frame"]

_WIDEST: Final = 3.0  # times its row's height: a banner of 8 to 1 would leave the others no room
_TALLEST: Final = 2.0
_NEAR: Final = 1.02
_NOTE: Final = 0.8  # of a name's size
_NOTE_SHARE: Final = 0.4  # of a label's width
_RAGGED: Final = 0.8  # of the longest row: a shorter one is left as it is


class Area(NamedTuple):
    """Whole pixels."""

    left: int
    top: int
    width: int
    height: int


class Words(NamedTuple):
    """Words on one line: their baseline, the room they have, and their size at most. A note beside a name stands at the
    room's end."""

    text: str
    language: str
    left: int
    baseline: int
    width: int
    size: int
    role: str  # title, label or note
    at_end: bool = False


class Frame(NamedTuple):
    """A sheet, or each page of one. `pictures` are in the order of the cells; a page has its own picture and words."""

    size: Size
    pictures: tuple[Area, ...]
    words: tuple[Words, ...]  # of the sheet; on each page
    page_words: tuple[tuple[Words, ...], ...] = ()  # of each page alone


class _Measures(NamedTuple):
    """What follows from the parameters alone."""

    text: int
    margin: int
    gap: int
    cell: int
    title: str
    language: str
    labels: bool
    beside: bool  # notes stand at the end of their name's line; else below it

    @property
    def top(self) -> int:
        """Where the pictures begin: below the title."""
        return self.margin + (round(self.text * 3.2) if self.title else 0)

    @property
    def words(self) -> int:
        """The height of a label."""
        return round(self.text * (1.4 if self.beside else 2.6)) if self.labels else 0

    def heading(self, width: int) -> tuple[Words, ...]:
        if not self.title:
            return ()
        place = (self.margin, self.margin + round(self.text * 1.5), width - 2 * self.margin)
        return (Words(self.title, self.language, *place, round(self.text * 1.9), "title"),)


def sheet_frame(parameters: Mapping[str, Any], sizes: Sequence[Size]) -> Frame:
    """The whole of it. `sizes` are those of the cells' pictures."""
    cell, gap = int(parameters["cell"]), int(parameters["gap"])
    measures = _Measures(
        text=min(max(round(cell * 0.056), 12), 28),
        margin=max(gap, round(cell * 0.1)),
        gap=gap,
        cell=cell,
        title=str(parameters.get("title", "")),
        language=str(parameters.get("language", "und")),
        labels=bool(parameters["labels"]),
        beside=True,
    )
    if parameters["pages"] != "one":
        frame = _pages(measures, parameters["cells"], sizes)
    elif parameters["rows"] and parameters["columns"]:
        frame = _grid(measures, parameters, sizes)
    else:
        frame = _flow(measures, parameters, sizes)
    if max(frame.size) > MOST_EDGE:
        hint = "a smaller `cell`, a larger `width`, or `pages: paged`"
        raise PictureError(f"a sheet of {size_text(frame.size)} is over {MOST_EDGE} pixels long", hint=hint)
    return frame


def _fitted(size: Size, width: float, height: float) -> Size:
    """As large as fits, and never larger than it is."""
    scale = min(1.0, width / size[0], height / size[1])
    return (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))


def _label(measures: _Measures, said: Mapping[str, Any], left: int, top: int, width: int) -> list[Words]:
    """A name and its note, from `top` down."""
    text = measures.text
    name, note = str(said["label"]), str(said["note"])
    baseline = top + text
    small = round(text * _NOTE)
    if note and measures.beside:
        room = _room(note, text)
        noted = Words(note, "und", left + width - room, baseline, room, small, "note", at_end=True)
        width -= room + text // 2
    else:
        noted = Words(note, "und", left, baseline + round(text * 1.25), width, small, "note")
    named = Words(name, str(said["language"]), left, baseline, width, text, "label")
    return [each for each in (named, noted) if each.text]


def _room(note: str, text: int) -> int:
    """About how wide a note is: tags are Latin letters."""
    return round(text * _NOTE * 0.66 * len(note))


def _are_beside(labels: Sequence[Mapping[str, Any]], widths: Sequence[int], text: int) -> bool:
    """Whether every name has its note beside it: those of one sheet look alike."""
    pairs = zip(labels, widths, strict=True)
    return all(_room(str(said["note"]), text) <= width * _NOTE_SHARE for said, width in pairs)


# ------------------------------------------------------------------------------------------------- pages and frames


def _pages(measures: _Measures, cells: Sequence[Mapping[str, Any]], sizes: Sequence[Size]) -> Frame:
    """All pages have one size, so that nothing jumps."""
    drawn = [_fitted(size, measures.cell, measures.cell) for size in sizes]
    width, height = max(size[0] for size in drawn), max(size[1] for size in drawn)
    measures = measures._replace(beside=_are_beside(cells, [width] * len(cells), measures.text))
    space = round(measures.text * 0.6) if measures.labels else 0
    whole = (width + 2 * measures.margin, measures.top + height + space + measures.words + measures.margin)
    areas = tuple(
        Area(measures.margin + (width - w) // 2, measures.top + (height - h) // 2, w, h) for w, h in drawn
    )  # fmt: skip
    below = measures.top + height + space
    words = tuple(
        tuple(_label(measures, cell, measures.margin, below, width)) if measures.labels else () for cell in cells
    )
    return Frame(whole, areas, measures.heading(whole[0]), words)


# ---------------------------------------------------------------------------------------------------- a grid of two


def _grid(measures: _Measures, parameters: Mapping[str, Any], sizes: Sequence[Size]) -> Frame:
    cells, rows, columns = parameters["cells"], parameters["rows"], parameters["columns"]
    drawn = _in_grid(measures, cells, sizes)
    widths = [max((w for (w, _), c in zip(drawn, cells, strict=True) if c["column"] == i), default=measures.cell)
              for i in range(len(columns))]  # fmt: skip
    heights = [max((h for (_, h), c in zip(drawn, cells, strict=True) if c["row"] == i), default=0)
               for i in range(len(rows))]  # fmt: skip
    gutter = measures.text * 8 if measures.labels else 0
    room = parameters["width"] - 2 * measures.margin - gutter
    bands = _bands(widths, measures.gap, room)
    measures = measures._replace(beside=_are_beside(columns, widths, measures.text))
    places: dict[tuple[int, int], tuple[int, int]] = {}
    words: list[Words] = []
    top, right = measures.top, 0
    for band in bands:
        left = measures.margin + gutter
        for column in band if measures.labels else ():
            words += _label(measures, columns[column], left, top, widths[column])
            left += widths[column] + measures.gap
        left = measures.margin + gutter
        top += measures.words + round(measures.text * 0.3) if measures.labels else 0
        for column in band:
            down = top
            for row, height in enumerate(heights):
                places[row, column] = (left, down)
                down += height + measures.gap
            left += widths[column] + measures.gap
        right = max(right, left - measures.gap)
        down = top
        for row, height in enumerate(heights):
            if measures.labels:
                below = measures._replace(beside=False)
                words += _label(below, rows[row], measures.margin, down, gutter - measures.text)
            down += height + measures.gap
        top = down + measures.gap
    whole = (right + measures.margin, top - 2 * measures.gap + measures.margin)
    areas = []
    for (width, height), cell in zip(drawn, cells, strict=True):
        left, down = places[cell["row"], cell["column"]]
        areas.append(Area(left, down, width, height))
    return Frame(whole, tuple(areas), (*measures.heading(whole[0]), *words))


def _in_grid(measures: _Measures, cells: Sequence[Mapping[str, Any]], sizes: Sequence[Size]) -> list[Size]:
    """How large each picture is drawn."""
    cell = measures.cell
    if _same_shapes(cells, sizes, "column"):  # rows equally high
        return [_fitted(size, cell * _WIDEST, cell) for size in sizes]
    if _same_shapes(cells, sizes, "row"):  # columns equally wide
        return [_fitted(size, cell, cell * _TALLEST) for size in sizes]
    return [_fitted(size, cell, cell) for size in sizes]


def _same_shapes(cells: Sequence[Mapping[str, Any]], sizes: Sequence[Size], axis: str) -> bool:
    """Whether all pictures of each column (or row) have one shape."""
    found: dict[int, float] = {}
    for cell, (width, height) in zip(cells, sizes, strict=True):
        first = found.setdefault(cell[axis], width / height)
        if not 1 / _NEAR <= width / height / first <= _NEAR:
            return False
    return True


def _bands(widths: Sequence[int], gap: int, room: int) -> list[list[int]]:
    """The columns, taken apart into as few bands as fit the room, evenly filled."""
    lengths = [width + gap for width in widths]
    return _even(lengths, max(room + gap, max(lengths)))


# -------------------------------------------------------------------------------------------------- one axis, flowing


def _even(lengths: Sequence[int], room: int) -> list[list[int]]:
    """Positions in rows of at most `room`: as few rows as it takes, then the shortest measure that gives as many."""
    rows = _greedy(lengths, room)
    low, high = max(lengths), room
    while low < high:
        middle = (low + high) // 2
        found = _greedy(lengths, middle)
        if len(found) <= len(rows):
            high = middle
        else:
            low = middle + 1
    return _greedy(lengths, high)


def _greedy(lengths: Sequence[int], room: int) -> list[list[int]]:
    rows: list[list[int]] = []
    used = 0
    for index, length in enumerate(lengths):
        if not rows or used + length > room:
            rows.append([])
            used = 0
        rows[-1].append(index)
        used += length
    return rows


def _flow(measures: _Measures, parameters: Mapping[str, Any], sizes: Sequence[Size]) -> Frame:
    drawn = [_fitted(size, measures.cell * _WIDEST, measures.cell) for size in sizes]
    wrap = parameters["wrap"]
    gap = measures.gap
    room = parameters["width"] - 2 * measures.margin
    if wrap:
        rows = [list(range(start, min(start + wrap, len(drawn)))) for start in range(0, len(drawn), wrap)]
    else:
        lengths = [size[0] + gap for size in drawn]
        rows = _even(lengths, max(room + gap, max(lengths)))
    drawn = _justified(drawn, rows, gap)
    labels = parameters["cells"]
    measures = measures._replace(beside=_are_beside(labels, [size[0] for size in drawn], measures.text))
    space = round(measures.text * 0.5) if measures.labels else 0
    areas: list[Area] = []
    words: list[Words] = []
    top, right = measures.top, 0
    for row in rows:
        left = measures.margin
        height = max(drawn[index][1] for index in row)
        for index in row:
            width, own = drawn[index]
            areas.append(Area(left, top + height - own, width, own))
            if measures.labels:
                words += _label(measures, labels[index], left, top + height + space, width)
            left += width + gap
        right = max(right, left - gap)
        top += height + space + measures.words + gap
    whole = (right + measures.margin, top - gap + measures.margin)
    return Frame(whole, tuple(areas), (*measures.heading(whole[0]), *words))


def _justified(drawn: Sequence[Size], rows: Sequence[Sequence[int]], gap: int) -> list[Size]:
    """Rows that are nearly as long as the longest are made exactly as long as the shortest of them, by shrinking."""
    lengths = [sum(drawn[index][0] for index in row) + gap * (len(row) - 1) for row in rows]
    full = [length for length in lengths if length >= max(lengths) * _RAGGED]
    target = min(full)
    found = list(drawn)
    for row, length in zip(rows, lengths, strict=True):
        spaces = gap * (len(row) - 1)
        if length <= target or target <= spaces:
            continue
        scale = (target - spaces) / (length - spaces)
        for index in row:
            width, height = drawn[index]
            found[index] = (max(1, round(width * scale)), max(1, round(height * scale)))
        widest = max(row, key=lambda index: found[index][0])
        missing = target - spaces - sum(found[index][0] for index in row)
        found[widest] = (min(max(1, found[widest][0] + missing), drawn[widest][0]), found[widest][1])
    return found
