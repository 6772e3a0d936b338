from __future__ import annotations

from imagebuild.picture.reading.base import TextLine
from imagebuild.picture.reading.order import in_reading_order


def read(*lines, script="Latn"):
    return [line.text for line in in_reading_order([TextLine(text, box, 1.0) for text, box in lines], script)]


def test_two_blocks_side_by_side_are_read_one_after_the_other():
    lines = (
        ("Steam rises", (0, 0, 300, 40)), ("from", (600, 5, 700, 45)), ("before you do", (0, 50, 300, 90)),
        ("49 EUR", (600, 55, 700, 95)),
    )  # fmt: skip
    assert read(*lines) == ["Steam rises", "before you do", "from", "49 EUR"]


def test_parts_of_a_row_are_read_from_the_side_where_the_script_begins():
    parts = (("one", (0, 0, 90, 40)), ("two", (110, 2, 200, 42)))
    assert read(*parts) == ["one", "two"]
    assert read(*parts, script="Hebr") == ["two", "one"]


def test_large_and_small_lines_are_blocks_of_their_own():
    assert read(("Offer ends", (0, 90, 200, 110)), ("Steam", (0, 0, 300, 80))) == ["Steam", "Offer ends"]
