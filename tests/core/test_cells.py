"""Which cells an asset is made for, after `exclude` and `include`."""

from __future__ import annotations

import pytest

from imagebuild.core.cells import cells_of, check_inclusions
from imagebuild.errors import Problems
from tests.core.reading import campaign_of

AXES = 'axes: {p: [a, b], q: ["1", "2", "30"]}\n'


def cells(text, *, asset="x", over="[p, q]", prompt="X", reach=None):
    campaign = campaign_of(f"{AXES}{text}\nassets: {{x: {{over: {over}, prompt: '{prompt}'}}}}")
    return list(cells_of(campaign.assets[asset], campaign.axes, set(), reach))


def ids(text, **options):
    return ["-".join(entry.id for entry in cell.entries) for cell in cells(text, **options)]


ALL = ["a-1", "a-2", "a-30", "b-1", "b-2", "b-30"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ALL),
        ("exclude: [{p: a}]", ["b-1", "b-2", "b-30"]),
        ("exclude: [{p: a, q: 1}]", ["a-2", "a-30", "b-1", "b-2", "b-30"]),
        ("exclude: [{q: [1, 2]}]", ["a-30", "b-30"]),
        ("exclude: [{q: '3*'}]", ["a-1", "a-2", "b-1", "b-2"]),
        ("exclude: [{q: '?'}, {p: b}]", ["a-30"]),
        ("exclude: [{asset: x, p: b}]", ["a-1", "a-2", "a-30"]),
        ("include: [{p: c, q: 1}]", [*ALL, "c-1"]),
        ("include: [{p: c, q: 4, asset: x}]", [*ALL, "c-4"]),
        ("exclude: [{p: a}]\ninclude: [{p: a, q: 2}]", ["b-1", "b-2", "b-30", "a-2"]),
    ],
)
def test_the_cells_are_the_product_without_what_is_excluded_and_with_what_is_included(text, expected):
    assert ids(text) == expected


def test_an_exclusion_over_an_axis_that_an_asset_does_not_have_leaves_it_alone():
    campaign = campaign_of(
        f"{AXES}exclude: [{{p: a, q: 1}}]\nassets: {{x: {{over: p, prompt: X}}, y: {{over: [p, q], prompt: Y}}}}"
    )
    assert len(list(cells_of(campaign.assets["x"], campaign.axes, set()))) == 2
    assert len(list(cells_of(campaign.assets["y"], campaign.axes, set()))) == 5


def test_an_asset_without_axes_has_one_cell():
    assert ids("", over="[]") == [""]


def test_an_inclusion_changes_settings_and_variables_of_the_cells_it_matches():
    found = cells(
        "include: [{p: a, quality: high, mood: calm}, {q: 1, quality: low, tone: dry}]", prompt="{{ mood }}{{ tone }}"
    )
    told = {
        "-".join(entry.id for entry in cell.entries): (cell.settings and cell.settings.quality, dict(cell.variables))
        for cell in found
    }
    assert told == {
        "a-1": ("low", {"mood": "calm", "tone": "dry"}),
        "a-2": ("high", {"mood": "calm"}),
        "a-30": ("high", {"mood": "calm"}),
        "b-1": ("low", {"tone": "dry"}),
        "b-2": (None, {}),
        "b-30": (None, {}),
    }


def test_a_reach_gives_only_the_cells_in_its_boxes_each_once():
    assert ids("", reach=({"p": ("a",)},)) == ["a-1", "a-2", "a-30"]
    assert ids("", reach=({"p": ("a",), "q": ("1",)}, {"q": ("1", "2")})) == ["a-1", "a-2", "b-1", "b-2"]
    assert ids("", reach=()) == []
    assert ids("include: [{p: c, q: 1}]", reach=({"p": ("c",)},)) == ["c-1"]
    assert ids("include: [{p: c, q: 1}]", reach=({"p": ("a",)},)) == ["a-1", "a-2", "a-30"]


def test_an_inclusion_that_does_nothing_is_told():
    campaign = campaign_of(f"{AXES}include: [{{p: a}}, {{p: a, mood: m}}]\nassets: {{x: {{over: p, prompt: X}}}}")
    used: set[int] = set()
    list(cells_of(campaign.assets["x"], campaign.axes, used))
    problems = Problems()
    check_inclusions(campaign.assets["x"].include, used, problems)
    assert [str(problem.at) for problem in problems.found] == ["campaign.yaml:5:11"]
