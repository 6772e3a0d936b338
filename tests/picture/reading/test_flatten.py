from __future__ import annotations

import pytest

from imagebuild.picture.reading.base import grown, overlap
from imagebuild.picture.reading.flatten import BORDER, Ground, bands, flattened
from tests.picture.reading.planted import BACKGROUNDS, draw, plate


@pytest.mark.parametrize("ground", BACKGROUNDS)
def test_on_every_ground_letters_come_out_dark_on_white_and_of_one_height(ground):
    image, boxes = draw("en-US", {"headline": "Steam rises", "legal": "Terms apply."}, ground)
    for box in boxes.values():
        page = flattened(image, box, Ground("hard", 40, hard=True))
        assert page.getpixel((0, 0)) == 255
        share = page.histogram()[0] / (page.width * page.height)
        assert 0.05 < share < 0.5  # letters are the smaller part
        assert page.height < 40 * 2 + 2 * BORDER


def test_lines_are_told_apart():
    image, boxes = draw("en-US", {"headline": "Steam rises before you do"})
    page = flattened(image, boxes["headline"], Ground("plain", 40))
    assert [round((bottom - top) / 40) for top, bottom in bands(page)] == [1, 1]


def test_a_place_too_small_for_letters_is_none():
    assert flattened(plate("plain")[0], (10, 10, 13, 12), Ground("plain", 40)) is None


def test_a_place_of_one_tone_does_not_stop_it():
    page = flattened(plate("plain")[0], (10, 10, 300, 60), Ground("plain", 40, local=True, hard=True))
    assert page.mode == "L"


def test_a_margin_ends_at_the_picture_s_edge():
    assert grown((0, 5, 100, 25), 0.5, (100, 100)) == (0, 0, 100, 35)
    assert overlap((0, 0, 10, 10), (5, 0, 30, 10)) == 0.5
    assert overlap((0, 0, 10, 10), (20, 0, 30, 10)) == 0
