"""Lines of text in the order a person reads them: blocks from the top, in a block line by line.

Without it a headline of two lines beside a price would be read across both. Knows boxes only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from imagebuild.core.locale import RIGHT_TO_LEFT
from imagebuild.picture.reading.base import Box, TextLine

__all__ = ["in_reading_order"]

_BELOW: Final = 1.1  # line heights between two lines of one block, at most
_BESIDE: Final = 1.2  # line heights between two parts of one line, at most
_SIZES: Final = 1.7  # times as high may one line of a block be as another


def in_reading_order(lines: Sequence[TextLine], script: str) -> list[TextLine]:
    """The lines, block by block; parts of one row from the side where the script begins."""
    block = list(range(len(lines)))

    def root(index: int) -> int:
        while block[index] != index:
            index = block[index]
        return index

    for one in range(len(lines)):
        for other in range(one):
            if _belong(lines[one].box, lines[other].box):
                block[root(one)] = root(other)
    blocks: dict[int, list[TextLine]] = {}
    for index, line in enumerate(lines):
        blocks.setdefault(root(index), []).append(line)
    found = [_rows(of_block, script in RIGHT_TO_LEFT) for of_block in blocks.values()]
    found.sort(key=lambda of_block: (of_block[0].box[1], of_block[0].box[0]))
    return [line for of_block in found for line in of_block]


def _belong(one: Box, other: Box) -> bool:
    heights = sorted((one[3] - one[1], other[3] - other[1]))
    if heights[1] > heights[0] * _SIZES:
        return False
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    below = across > 0 and -down < heights[0] * _BELOW
    beside = down > heights[0] * 0.5 and -across < heights[0] * _BESIDE
    return below or beside


def _rows(lines: Sequence[TextLine], right_to_left: bool) -> list[TextLine]:
    rows: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: (line.box[1] + line.box[3], line.box[0])):
        last = rows[-1][0].box if rows else None
        middle = (line.box[1] + line.box[3]) / 2
        if last and last[1] + (last[3] - last[1]) * 0.2 < middle < last[3] - (last[3] - last[1]) * 0.2:
            rows[-1].append(line)
        else:
            rows.append([line])
    side = (lambda line: -line.box[2]) if right_to_left else (lambda line: line.box[0])
    return [line for row in rows for line in sorted(row, key=side)]
