"""The bidirectional algorithm against a sample of Unicode's own cases; bench/bidi_conformance.py runs all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.picture.bidi import resolve, visual_runs

SAMPLE = Path(__file__).parent / "data" / "BidiCharacterTest.sample.txt"
CASES = [line for line in SAMPLE.read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]


def visual_order(levels):
    order = []
    for run in visual_runs(levels):
        indices = range(run.start, run.end)
        order += reversed(indices) if run.level % 2 else indices
    return order


def test_the_sample_holds_hundreds_of_cases_with_isolates_and_brackets():
    codes = {code for line in CASES for code in line.split(";")[0].split()}
    assert len(CASES) >= 300
    assert {"2066", "2067", "2068", "2069", "202E", "0028", "005D", "05D0"} <= codes


def test_levels_and_order_are_those_of_unicodes_conformance_sample():
    for line in CASES:
        codes, direction, base, levels, order = line.split(";")
        text = "".join(chr(int(code, 16)) for code in codes.split())
        paragraph = resolve(text, ("ltr", "rtl", "auto")[int(direction)])
        found = paragraph.line(0, len(text))
        shown = ["x" if want == "x" else str(level) for want, level in zip(levels.split(), found, strict=True)]
        seen = [str(i) for i in visual_order(found) if levels.split()[i] != "x"]
        assert (paragraph.base, shown, seen) == (int(base), levels.split(), order.split()), line


@pytest.mark.parametrize(
    ("text", "base"),
    [("abc אבג", 0), ("אבג abc", 1), ("123 ", 0), ("«مرحبا»", 1), ("\u2067אבג\u2069 abc", 0), ("", 0)],
)
def test_auto_takes_the_direction_of_the_first_strong_letter_outside_isolates(text, base):
    assert resolve(text, "auto").base == base


def test_a_line_cut_from_a_paragraph_ends_its_spaces_at_the_base_level():
    paragraph = resolve("abc אבג דהו", "ltr")
    assert paragraph.levels[7] == 1
    assert paragraph.line(0, 8)[-1] == 0
    assert paragraph.line(0, 7) == (0, 0, 0, 0, 1, 1, 1)


def test_embeddings_deeper_than_the_limit_are_ignored_not_fatal():
    text = "\u202b" * 300 + "a"
    assert max(resolve(text, "ltr").levels) <= 126
