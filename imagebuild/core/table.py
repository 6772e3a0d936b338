"""CSV text → rows of cells with their places. Comma, semicolon or tab, as the first row has it.

Knows nothing of what the columns mean.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from imagebuild.errors import Place, Problems

__all__ = ["read_rows"]

_LINE_BREAK = re.compile("\r\n|\r|\n")


def read_rows(text: str, file: str, problems: Problems) -> Iterator[tuple[list[str], list[Place]]]:
    """Each row's cells, and where they stand; rows without any cell are left out."""
    lines = _LINE_BREAK.split(text)
    delimiter = max(",;\t", key=lines[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in reader:
            if cells:
                yield cells, _places(cells, file, lines, first)
            first = reader.line_num + 1
    except csv.Error as bad:
        line = lines[first - 1] if first <= len(lines) else ""
        hint = "close the quotes of the cell, and double the quotes within it"
        problems.add(f"not valid CSV: {bad}", at=Place(file, first, 1, max(len(line), 1), line), hint=hint)


def _places(cells: list[str], file: str, lines: list[str], first: int) -> list[Place]:
    """Cells are found again in the lines of their row from left to right; one that runs over lines, by its first."""
    found: list[Place] = []
    number, column = first, 0
    for cell in cells:
        start, *more = _LINE_BREAK.split(cell.replace('"', '""') if '"' in cell else cell)
        line = lines[number - 1] if number <= len(lines) else ""
        column = max(line.find(start, column), column)
        found.append(Place(file, number, column + 1, max(len(start), 1), line))
        column = column + len(start) if not more else len(more[-1])
        number += len(more)
    return found
