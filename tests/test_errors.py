"""The one place where a message is made."""

from __future__ import annotations

import pytest

from imagebuild.errors import Place, Problem, Problems, SpecErrors, did_you_mean, render


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("qualty", ["quality", "take"], "did you mean `quality`?"),
        ("refs", ["references", "resolution", "from"], "did you mean `references`?"),
        ("Provider", ["provider"], "did you mean `provider`?"),
        ("colour", ["size", "take"], "known here: `size`, `take`"),
        ("x", [], None),
        ("colour", [f"k{number}" for number in range(20)], None),
    ],
)
def test_the_nearest_word_is_suggested_or_the_few_that_there_are(word, known, hint):
    assert did_you_mean(word, known) == hint


@pytest.mark.parametrize(
    ("text", "column", "length", "shown"),
    [
        ("brand: Northwind", 8, 9, "    7 | brand: Northwind\n      |        ^~~~~~~~~"),
        ("\tbrand: x", 2, 5, "    7 |  brand: x\n      |  ^~~~~"),
        ("日本: x", 5, 1, "    7 | 日本: x\n      |       ^"),
        ("cafe\u0301: x", 8, 1, "    7 | cafe\u0301: x\n      |       ^"),
        ("short", 6, 1, "    7 | short\n      |      ^"),
    ],
)
def test_the_caret_stands_under_what_is_meant(text, column, length, shown):
    assert render(Problem("what", at=Place("f", 7, column, length, text))) == f"f:7:{column}: error: what\n{shown}"


def test_of_a_long_line_the_part_around_the_mistake_is_shown():
    text = "a" * 200 + "MISTAKE" + "b" * 200
    lines = render(Problem("what", at=Place("f", 1, 201, 7, text))).split("\n")
    assert lines[1][lines[2].index("^") :].startswith("MISTAKE")
    assert all(len(line) < 180 for line in lines)


def test_control_characters_are_shown_and_not_sent():
    at = Place("f\x1b.yaml", 1, 1, 1, "\x1b[31m\x00\u202e")
    told = render(Problem("`\x07`", at=at, hint="a\x9bb"))
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "\x9b" not in told
    assert "\u202e" not in told
    assert "␛[31m␀" in told


def test_problems_are_told_in_reading_order_each_once():
    problems = Problems()
    for line in (3, 1, 3, 2):
        problems.add("wrong", at=Place("f", line, 1))
    problems.add("first")
    with pytest.raises(SpecErrors) as caught:
        problems.check()
    assert [str(problem.at or "") for problem in caught.value.problems] == ["", "f:1:1", "f:2:1", "f:3:1"]


def test_what_is_to_be_told_once_is_told_once():
    problems = Problems()
    for number in range(100):
        problems.add(f"wrong in cell {number}", once=("kind", "asset"))
    problems.add("wrong elsewhere", once=("kind", "other"))
    assert [problem.what for problem in problems.found] == ["wrong in cell 0", "wrong elsewhere"]


def test_without_a_problem_nothing_is_raised():
    Problems().check()
    assert not Problems()
