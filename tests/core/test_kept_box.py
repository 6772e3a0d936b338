"""A box that a fit or a crop must keep stays whole in the cut, or is refused with figures."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from imagebuild.core.framing import anchor_point, check_cover, cover_box, crop_box
from imagebuild.errors import PictureError

EDGE = some.integers(20, 4000)
SIZE = some.tuples(EDGE, EDGE)
SHARE = some.floats(0, 1, allow_nan=False)


@some.composite
def boxes(draw):
    width, height = draw(some.floats(0.01, 1)), draw(some.floats(0.01, 1))
    return [draw(some.floats(0, 1 - width)), draw(some.floats(0, 1 - height)), width, height]


def holds(cut, box, size, slack):
    left, top = box[0] * size[0], box[1] * size[1]
    right, bottom = left + box[2] * size[0], top + box[3] * size[1]
    return cut[0] <= left + slack and cut[1] <= top + slack and cut[2] >= right - slack and cut[3] >= bottom - slack


@given(SIZE, SIZE, boxes())
def test_the_whole_box_is_in_the_part_that_a_cover_takes(size, target, box):
    try:
        check_cover(size, target, box)
    except PictureError:
        assume(False)
    assert holds(cover_box(size, target, anchor_point(box)), box, size, 1.001)


@given(SIZE, SIZE, boxes())
def test_a_cover_is_refused_only_when_no_cut_could_hold_the_box(size, target, box):
    left, top, right, bottom = cover_box(size, target, (0.5, 0.5))
    fits = box[2] * size[0] <= right - left and box[3] * size[1] <= bottom - top
    if fits:
        check_cover(size, target, box)


@given(SIZE, some.tuples(some.integers(1, 12), some.integers(1, 12)), boxes())
def test_the_whole_box_is_in_a_crop_to_a_ratio(size, ratio, box):
    try:
        cut = crop_box({"ratio": f"{ratio[0]}:{ratio[1]}", "anchor": box}, size)
    except PictureError:
        assume(False)
    assert holds(cut, box, size, 1.501)  # a crop is of whole pixels


def test_a_crop_smaller_than_the_box_it_must_keep_is_refused_with_figures():
    with pytest.raises(PictureError) as caught:
        crop_box({"size": [400, 400], "anchor": [0.1, 0.1, 0.6, 0.3]}, (1000, 1000))
    assert caught.value.what == "a cut of 400x400 from 1000x1000 cannot hold the box of 600x300 that it must keep"
    assert "`[…, …, 0.4, 0.3]`" in (caught.value.hint or "")
