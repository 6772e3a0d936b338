"""`python`: what may be written, what goes into the key, and what is told before anything runs."""

from __future__ import annotations

import jsonschema
import pytest

from imagebuild.core.steps.kind import Unresolved
from imagebuild.core.steps.registry import STEPS, result_size, step_schema
from tests.core.asking import Cell, digest, steps_of, worked_out

SOURCE = "import math\nfrom palette import ink\n\ndef duotone(image, color='#fff'):\n    return image\n"
FILES = {"steps/duotone.py": SOURCE, "steps/palette.py": "ink = '#000'\n"}
WRITTEN = "python: {file: steps/duotone.py, function: duotone, uses: [steps/palette.py], with: {color: '{{ ink }}'}}"


def test_the_source_and_what_it_uses_are_in_the_parameters_by_digest():
    assert worked_out(WRITTEN, Cell(FILES, {"ink": "#0b3954"})) == {
        "file": "steps/duotone.py",
        "source": digest(SOURCE),
        "function": "duotone",
        "with": {"color": "#0b3954"},
        "uses": [{"file": "steps/palette.py", "source": digest("ink = '#000'\n")}],
    }


def test_a_changed_source_is_another_key_and_so_is_a_changed_import():
    before = worked_out(WRITTEN, Cell(FILES))
    for file in FILES:
        assert worked_out(WRITTEN, Cell({**FILES, file: FILES[file] + "# more\n"})) != before


def test_values_of_every_kind_may_be_handed_over():
    said = "{a: 1, b: 0.5, c: true, d: null, e: [1, '{{ ink }}'], f: {g: text}}"
    cell = Cell(FILES, {"ink": "#000"})
    found = worked_out(f"python: {{file: steps/duotone.py, function: duotone, with: {said}}}", cell)
    assert found["with"] == {"a": 1, "b": 0.5, "c": True, "d": None, "e": [1, "#000"], "f": {"g": "text"}}


def test_the_size_that_comes_out_is_that_which_went_in_unless_it_is_said():
    said = "[python: {file: a.py, function: f%s}]"
    assert result_size(steps_of(said % "")[0], (30, 20)) == (30, 20)
    assert result_size(steps_of(said % ", size: [8, 9]")[0], (30, 20)) == (8, 9)


@pytest.mark.parametrize(
    ("written", "what", "hint"),
    [
        ("{function: f}", "step `python` needs `file`", "steps/duotone.py"),
        ("{file: a.py}", "step `python` needs `function`", None),
        ("{file: a.txt, function: f}", "`file` of step `python`: `a.txt` will not do", "a file of Python"),
        ("{file: my-step.py, function: f}", "`file` of step `python`: `my-step.py` will not do", None),
        ("{file: /a.py, function: f}", "`/a.py` is an absolute path", None),
        ("{file: '{{ x }}.py', function: f}", "`file` of step `python` must be written out here", None),
        ("{file: a.py, function: f()}", "`f()` is not a name", "e.g. `duotone`"),
        ("{file: a.py, function: f, with: [1]}", "`with` of step `python`: a mapping is wanted", None),
        ("{file: a.py, function: f, with: {a-b: 1}}", "`a-b` is not a name that a function can take", None),
        ("{file: a.py, function: f, with: {a: .nan}}", "cannot be handed over", "quote it"),
        ("{file: a.py, function: f, uses: b.py}", "`uses` of step `python`: a list is wanted", None),
        ("{file: a.py, function: f, uses: [b.txt]}", "`uses` of step `python`: `b.txt` will not do", None),
        ("{file: a.py, function: f, size: 9}", "`size` of step `python`", "a size is"),
        ("{file: a.py, funktion: f}", "unknown key `funktion` in step `python`", "did you mean `function`?"),
    ],
)
def test_each_mistake_is_told_with_a_place(written, what, hint):
    _, found = steps_of(f"[python: {written}]")
    assert what in found[0].what
    assert found[0].at.line == 1
    if hint:
        assert hint in found[0].hint


@pytest.mark.parametrize(
    ("source", "what", "line", "hint"),
    [
        ("def duotone(image:\n    pass\n", "`steps/duotone.py` is not Python: ", 1, None),
        ("x = 1\n\ndef duoton(image): return image\n", "has no function `duotone`", 1, "did you mean `duoton`?"),
        ("def f(): pass\nfrom . import palette\n", "has a relative import", 2, "under `uses`"),
    ],
)
def test_what_cannot_work_is_told_without_running_it(source, what, line, hint):
    cell = Cell({"steps/duotone.py": source})
    with pytest.raises(Unresolved):
        worked_out("python: {file: steps/duotone.py, function: duotone}", cell)
    (problem,) = cell.problems
    assert what in problem.what
    assert problem.at.line == line
    if hint:
        assert hint in problem.hint


def test_a_file_that_is_not_there_is_told():
    for files in ({}, {"steps/duotone.py": SOURCE}):
        cell = Cell(files)
        with pytest.raises(Unresolved):
            worked_out(WRITTEN, cell)
        assert cell.problems[0].what.startswith("no file `steps/")


def test_a_function_may_be_imported_or_made():
    for source in ("from math import floor as duotone\n", "duotone = lambda image: image\n", "class duotone: pass\n"):
        cell = Cell({"steps/duotone.py": source})
        assert worked_out("python: {file: steps/duotone.py, function: duotone}", cell)["source"] == digest(source)


def test_planning_runs_nothing_of_it():
    cell = Cell({"steps/duotone.py": "raise SystemExit('run')\ndef duotone(image): return image\n"})
    assert worked_out("python: {file: steps/duotone.py, function: duotone}", cell)["function"] == "duotone"


def test_the_schema_takes_it():
    given = {"file": "a.py", "function": "f", "with": {"a": [1]}, "uses": ["b.py"], "size": [8, 9]}
    jsonschema.validate({"python": given}, step_schema())
    assert list(jsonschema.Draft202012Validator(step_schema()).iter_errors({"python": {"file": "a.py"}}))
    assert "python" in STEPS
