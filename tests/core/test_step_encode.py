"""`encode`: what a file says of itself, in one cell."""

from __future__ import annotations

from imagebuild.core.steps.registry import resolved
from tests.core.asking import Cell, steps_of, worked_out


def test_words_are_worked_out_in_each_cell_and_empty_ones_are_left_out():
    cell = Cell(values={"t.title": "Warm", "year": "2026", "none": " "})
    said = "{keep: true, title: '{{ t.title }}', copyright: '© {{ year }} Northwind', creator: '{{ none }}'}"
    found = worked_out(f"encode: {{format: jpeg, metadata: {said}}}", cell)
    assert found["metadata"] == {"keep": True, "title": "Warm", "copyright": "© 2026 Northwind"}


def test_an_encoding_without_words_is_the_same_in_every_cell():
    (step,), _ = steps_of("[encode: {format: webp}]")
    assert resolved(step, Cell()) == step
    empty = worked_out("encode: {format: webp, metadata: {title: '{{ none }}'}}", Cell(values={"none": ""}))
    assert empty == step.parameters
