from __future__ import annotations

import pytest

from imagebuild.core.layouts.canonical import Button
from imagebuild.picture.typeset.stack import Extent, Piece, heights, stack

CAPITALS = Extent(100.0, 0.7, 0.0, 0.7, 0.0)
MARKED = Extent(100.0, 0.7, 0.0, 0.9, 0.25)  # an accent above, a tail below


def piece(extent, lines=1, pitch=120, button=None, script="Latn"):
    return extent.piece(lines, pitch, button, script)


def test_capitals_are_seen_as_high_as_they_are():
    found = piece(CAPITALS, lines=2)
    assert (found.head, found.baseline, found.seen, found.bottom) == (0, 70, 190, 190)


def test_marks_and_tails_are_ink_but_hardly_seen_as_height():
    found = piece(MARKED)
    assert (found.baseline, found.bottom) == (90, 115)
    assert 0 < found.head < 20
    assert 90 < found.seen < 105


def test_the_distance_between_baselines_and_letters_below_is_the_same_with_and_without_tails():
    plain, tailed = piece(CAPITALS), piece(CAPITALS._replace(ink_sink=0.2))
    assert plain.foot - plain.baseline == tailed.foot - tailed.baseline


def test_ink_never_touches_ink_where_the_gap_is_small():
    pieces = [piece(MARKED._replace(ink_sink=0.6)), piece(MARKED._replace(ink_rise=1.3))]
    tops = stack(pieces, 20, 0, 1000, "top")
    assert tops[1] - pieces[0].bottom >= 10


@pytest.mark.parametrize("valign", ["top", "middle", "bottom"])
def test_a_stack_stays_between_its_ends(valign):
    pieces = [piece(MARKED), piece(CAPITALS), Piece(0, 40, 40, 40)]
    room = heights(pieces, 30) + 60
    tops = stack(pieces, 30, 50, 50 + room, valign)
    assert tops[0] >= 50
    assert tops[-1] + pieces[-1].bottom <= 50 + room
    assert tops == sorted(tops)
    assert {"top": tops[0] == 50, "bottom": tops[-1] + 40 == 50 + room, "middle": 60 < tops[0] < 80}[valign]


def test_a_button_is_as_high_in_every_script_and_grows_for_what_reaches_far():
    button = Button("#000000", (1.0, 0.5), 1.0)
    usual = piece(CAPITALS, button=button)
    assert usual.bottom == 200
    assert usual.baseline == 135  # capitals of 70 in the middle of 200
    assert piece(MARKED, button=button).bottom == 200
    far = piece(CAPITALS._replace(ink_rise=1.5), button=button)
    assert far.bottom > 200
    assert far.baseline - 150 >= 25  # half of the padding is left above the highest mark
