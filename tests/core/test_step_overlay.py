"""`overlay`: what may be written, what it comes to in a cell, and where it lies."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from imagebuild.core.framing import ANCHORS
from imagebuild.core.steps.overlay import place_overlay
from imagebuild.core.steps.registry import step_schema
from imagebuild.errors import PictureError
from tests.core.asking import Cell, digest, steps_of, worked_out

FILES = {"logo.png": "logo", "white.png": "white", "de-DE.png": "german"}


def test_defaults_are_filled_in_and_files_become_digests():
    assert worked_out("overlay: {picture: logo.png, width: 0.2}", Cell(FILES)) == {
        "picture": digest("logo"),
        "width": 0.2,
        "anchor": "bottom-right",
        "clear": 0.02,
        "opacity": 1.0,
        "most_scale": 1.0,
    }


def test_a_box_is_a_share_or_pixels_and_has_no_clear_space_of_its_own():
    found = worked_out("overlay: {picture: logo.png, box: [0.1, 0, 0.5, 0.25], opacity: 0.5}", Cell(FILES))
    assert (found["box"], found["unit"], found["anchor"]) == ([0.1, 0.0, 0.5, 0.25], "relative", "center")
    assert "clear" not in found
    assert worked_out("overlay: {picture: logo.png, box: [1, 2, 3, 4]}", Cell(FILES))["unit"] == "pixels"


def test_paths_are_templates_and_another_asset_is_filled_in_later():
    cell = Cell(FILES, {"locale": "de-DE"})
    assert worked_out("overlay: {picture: '{{ locale }}.png', height: 40}", cell)["picture"] == digest("german")
    found = worked_out("overlay: {on_light: logo.png, on_dark: mark, height: 40}", cell, assets=("mark",))
    assert (found["on_light"], found["on_dark"]) == (digest("logo"), None)
    assert cell.slots == [("on_dark", "mark")]


def test_what_a_placement_covers_is_in_the_parameters_only_where_it_matters():
    safe = (0.0, 0.14, 0.0, 0.2)
    assert worked_out("overlay: {picture: logo.png, width: 90}", Cell(FILES, safe=safe))["safe"] == list(safe)
    assert "safe" not in worked_out("overlay: {picture: logo.png, width: 90, frame: picture}", Cell(FILES, safe=safe))
    assert "safe" not in worked_out("overlay: {picture: logo.png, width: 90}", Cell(FILES))


@pytest.mark.parametrize(
    ("written", "what", "hint"),
    [
        ("{width: 0.2}", "step `overlay` needs `picture`, or both `on_light` and `on_dark`", "brand/logo.png"),
        ("{on_dark: logo.png, width: 0.2}", "step `overlay` needs `picture`, or both", None),
        ("{picture: logo.png}", "step `overlay` needs a `box`, a `width` or a `height`", "a fifth"),
        ("{picture: logo.png, width: 1.5}", "`width` of step `overlay`: `1.5` will not do", "whole pixels"),
        ("{picture: logo.png, width: 0}", "`width` of step `overlay`: `0` will not do", "whole pixels"),
        ("{picture: logo.png, box: [0, 0, 9, 9], width: 9}", "`width` does not go with `box`", "how large"),
        ("{picture: logo.png, width: 9, unit: pixels}", "`unit` goes with `box`", None),
        ("{picture: logo.png, width: 9, opacity: 0}", "an `opacity` of 0 shows nothing", "leave the step out"),
        ("{picture: logo.png, width: 9, opacity: 2}", "`opacity` of step `overlay`: `2` will not do", "from 0 to 1"),
        ("{picture: logo.png, width: 9, frame: page}", "`page` is none of safe, picture", None),
        ("{picture: logo.png, width: 9, anchor: topp}", "`topp` is none of", "did you mean `top`?"),
        ("{picture: logo.svg, width: 9}", "`logo.svg` is not a picture", None),
        ("{picture: /logo.png, width: 9}", "`/logo.png` is an absolute path", None),
        ("{logo: logo.png, width: 9}", "unknown key `logo` in step `overlay`", None),
    ],
)
def test_each_mistake_is_told_with_a_place(written, what, hint):
    _, found = steps_of(f"[overlay: {written}]")
    assert what in found[0].what
    assert found[0].at.line == 1
    if hint:
        assert hint in found[0].hint


def test_the_schema_takes_what_the_parser_takes_and_refuses_two_ways_at_once():
    for good in ({"picture": "a.png", "width": 0.2}, {"on_light": "a.png", "on_dark": {"asset": "b"}, "height": 40},
                 {"picture": {"file": "a.png"}, "box": [0.0, 0, 1, 1], "unit": "relative"}):  # fmt: skip
        jsonschema.validate({"overlay": good}, step_schema())
        assert steps_of(json.dumps([{"overlay": good}]), assets=("b",))[1] == []
    for bad in (
        {"width": 0.2},
        {"on_dark": "a.png", "width": 9},
        {"picture": "a.png", "box": [0, 0, 1, 1], "width": 9},
    ):
        assert list(jsonschema.Draft202012Validator(step_schema()).iter_errors({"overlay": bad}))


BASE = {"opacity": 1.0, "most_scale": 10.0, "clear": 0.1}


def test_an_overlay_is_as_large_as_asked_and_keeps_its_distance_from_the_edges():
    placed = place_overlay({**BASE, "width": 0.2, "anchor": "bottom-right"}, (1000, 500), (100, 50))
    assert placed == (1000 - 50 - 200, 500 - 50 - 100, (200, 100))
    assert place_overlay({**BASE, "height": 40, "anchor": "top-left"}, (1000, 500), (100, 50)) == (50, 50, (80, 40))
    both = {**BASE, "width": 300, "height": 20, "anchor": "center"}
    assert place_overlay(both, (1000, 500), (100, 50)) == (480, 240, (40, 20))


def test_a_box_holds_all_of_the_overlay():
    box = {"opacity": 1.0, "most_scale": 10.0, "box": [0.5, 0.0, 0.5, 1.0], "unit": "relative", "anchor": "left"}
    assert place_overlay(box, (1000, 500), (100, 50)) == (500, 125, (500, 250))
    pixels = {**box, "box": [10, 20, 100, 100], "unit": "pixels", "anchor": "top"}
    assert place_overlay(pixels, (1000, 500), (100, 50)) == (10, 20, (100, 50))


def test_an_overlay_that_would_leave_the_picture_or_its_clear_part_is_refused():
    box = {"opacity": 1.0, "most_scale": 10.0, "box": [900, 0, 200, 100], "unit": "pixels", "anchor": "center"}
    with pytest.raises(PictureError, match="an overlay leaves the picture"):
        place_overlay(box, (1000, 500), (100, 50))
    with pytest.raises(PictureError, match="leaves the part of the picture that its placement leaves clear") as caught:
        place_overlay({**box, "box": [700, 0, 250, 100], "safe": [0.1, 0, 0.1, 0]}, (1000, 500), (100, 50))
    assert "`frame: picture`" in caught.value.hint


def test_an_overlay_is_enlarged_only_as_far_as_is_said():
    asked = {"width": 0.5, "anchor": "center", "clear": 0.0, "most_scale": 1.0}
    with pytest.raises(PictureError, match=r"an overlay of 100x50 would be enlarged 5.0 times to 500x250") as caught:
        place_overlay(asked, (1000, 500), (100, 50))
    assert "most_scale: 5.0" in caught.value.hint or "most_scale: 5.1" in caught.value.hint
    assert place_overlay({**asked, "most_scale": 5.0}, (1000, 500), (100, 50)).size == (500, 250)


edges = st.integers(1, 3000)
insets = st.floats(0, 0.3)


@given(
    st.tuples(edges, edges), st.tuples(edges, edges), st.tuples(insets, insets, insets, insets),
    st.sampled_from(sorted(ANCHORS)), st.floats(0.01, 1), st.floats(0, 0.4),
)  # fmt: skip
def test_an_overlay_never_leaves_its_frame(size, logo, safe, anchor, width, clear):
    asked = {"anchor": anchor, "width": width, "clear": clear, "most_scale": 1e9, "safe": list(safe)}
    try:
        left, top, (wide, high) = place_overlay(asked, size, logo)
    except PictureError:
        assume(False)
    room = 1.5  # whole pixels, and at least one of them
    assert left >= safe[0] * size[0] - room
    assert top >= safe[1] * size[1] - room
    assert left + wide <= size[0] * (1 - safe[2]) + room
    assert top + high <= size[1] * (1 - safe[3]) + room
