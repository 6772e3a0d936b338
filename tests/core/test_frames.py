"""Sizes as a ratio and a tier, and whether what came is what could be asked for."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from imagebuild.core.frames import make_framing
from imagebuild.core.offer import differs, framed
from imagebuild.core.sizes import parse_ratio, size_for_ratio
from tests.core.reading import offer_of

HINOW, APIXO, KIE = (offer_of(name, floating=True) for name in ("hinow", "apixo", "kie"))


@pytest.mark.parametrize("offer", [HINOW, APIXO, KIE], ids=lambda offer: offer.provider)
def test_every_ratio_at_every_tier_is_said_as_itself(offer):
    for ratio in offer.framing.ratios:
        for tier in offer.framing.tiers:
            size = size_for_ratio(parse_ratio(ratio), tier, offer.sizes)
            missing = (ratio, tier) in offer.framing.missing
            assert framed(size, offer) == (None if missing else (ratio, tier))


@pytest.mark.parametrize(
    ("size", "frame"),
    [
        ((1024, 1024), ("1:1", "1k")),
        ((1040, 1040), ("1:1", "2k")),
        ((1024, 1008), ("1:1", "1k")),  # 1.6 % off
        ((1920, 1088), ("16:9", "2k")),
        ((1200, 640), None),  # 5 % off 16:9
        ((1024, 640), None),
        ((3000, 2960), None),  # larger than the largest square
    ],
)
def test_a_size_is_said_by_the_nearest_ratio_at_the_smallest_tier_that_covers_it(size, frame):
    assert framed(size, HINOW) == frame


@given(some.integers(40, 240).map(lambda n: n * 16), some.integers(40, 240).map(lambda n: n * 16))
def test_what_a_size_is_said_as_covers_it_and_has_its_shape(width, height):
    frame = framed((width, height), HINOW)
    if frame is None:
        return
    ratio, tier = frame
    there = size_for_ratio(parse_ratio(ratio), tier, HINOW.sizes)
    assert there[0] >= width
    assert there[1] >= height
    assert abs(Fraction(width, height) / parse_ratio(ratio) - 1) <= 0.031
    smaller = HINOW.framing.tiers[: HINOW.framing.tiers.index(tier)]
    for each in smaller:
        other = size_for_ratio(parse_ratio(ratio), each, HINOW.sizes)
        assert other[0] < width or other[1] < height


@pytest.mark.parametrize(
    ("asked", "real", "wrong"),
    [
        ((2048, 1152), (2048, 1152), False),
        ((2048, 1152), (1920, 1080), False),
        ((2048, 1152), (1741, 980), False),
        ((2048, 1152), (1740, 980), True),  # 15 % smaller
        ((2048, 1152), (3840, 2160), False),
        ((2048, 1152), (2048, 1184), True),  # 2.7 % off the shape
        ((2048, 1152), (1152, 2048), True),
        ((1024, 1008), (1024, 1024), False),  # what could be asked for was a square
    ],
)
def test_what_came_is_held_against_what_the_service_could_be_told(asked, real, wrong):
    assert differs(asked, real, HINOW) is wrong


def test_a_service_that_is_told_pixels_is_held_to_each_of_them():
    openai = offer_of("openai")
    assert framed((1024, 1024), openai) is None
    assert not differs((1024, 1024), (1024, 1024), openai)
    assert differs((1024, 1024), (1024, 1025), openai)


@pytest.mark.parametrize(
    ("ratios", "tiers", "told"),
    [(["wide"], ["1k"], "`wide` is no ratio"), ([], ["1k"], "tiers of 1k"), (["1:1"], ["8k"], "tiers of 1k")],
)
def test_a_row_that_says_no_framing_is_refused(ratios, tiers, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        make_framing(ratios, tiers, [])


def test_what_a_service_has_is_told_with_what_it_has_not():
    assert str(KIE.framing) == "1:1, 4:3, 3:4, 16:9, 9:16 at 1k, 2k, 4k, not 1:1 at 4k"
