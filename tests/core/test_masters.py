"""The fewest masters that every exact size can be cut from: against every other way of dividing them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from imagebuild.core.frames import frame_of
from imagebuild.core.placements.masters import MOST_CUT, Supply, fewest_masters, is_cut_from, nearest_master, share_cut
from imagebuild.core.sizes import covering_legal, covering_shape, parse_ratio, size_for_ratio, size_problem
from imagebuild.picture.placements import shipped_placements
from tests.core.reading import offer_of

PIXELS = offer_of("openai")
HINOW, APIXO, KIE = (offer_of(name, floating=True) for name in ("hinow", "apixo", "kie"))
SUPPLIES = {offer.provider: Supply(offer.sizes, offer.framing) for offer in (PIXELS, HINOW, APIXO, KIE)}
OPEN = SUPPLIES["openai"]
WIDEST = Fraction(3)
CATALOGUE = tuple(dict.fromkeys(placement.size for placement in shipped_placements().values()))

EDGES = some.integers(50, 1600)
SIZES = some.tuples(EDGES, EDGES)
ALIKE = some.tuples(some.integers(700, 1000), some.integers(700, 1000))  # of which many can share


def divisions(items: list) -> Iterator[list[list]]:
    """Every way of dividing a list into groups, not only into neighbours."""
    if not items:
        yield []
        return
    first, *rest = items
    for groups in divisions(rest):
        yield [[first], *groups]
        for index in range(len(groups)):
            yield [*groups[:index], [first, *groups[index]], *groups[index + 1 :]]


def clamped(size):
    return min(max(Fraction(*size), 1 / WIDEST), WIDEST)


def can_share(group) -> bool:
    return len(group) == 1 or has_master(tuple(sorted(group)))


@cache
def has_master(group) -> bool:
    """Written down anew from what is promised: one of them gives its shape; a legal size of it covers all of them, and
    none loses more of it than it may."""
    box = (max(width for width, _ in group), max(height for _, height in group))
    for shape in {clamped(size) for size in group}:
        ideal = [1 - float(min(shape / Fraction(*size), Fraction(*size) / shape)) for size in group]
        own = [1 - float(min(clamped(size) / Fraction(*size), Fraction(*size) / clamped(size))) for size in group]
        most = [max(MOST_CUT, each) for each in own]
        if any(best > limit + 1e-9 for best, limit in zip(ideal, most, strict=True)):
            continue
        slack = [0.005 if each > MOST_CUT else 0 for each in own]
        for master in covering_shape(shape, box, PIXELS.sizes):
            lost = [share_cut(master, size) for size in group]
            if all(part <= limit + more + 1e-9 for part, limit, more in zip(lost, most, slack, strict=True)):
                return True
    return False


@settings(max_examples=40, deadline=None)
@given(some.lists(SIZES, min_size=1, max_size=6, unique=True) | some.lists(ALIKE, min_size=2, max_size=6, unique=True))
def test_no_division_into_groups_has_fewer_masters(sizes):
    found = fewest_masters(tuple(sizes), (), OPEN)
    fewest = min(len(groups) for groups in divisions(sizes) if all(map(can_share, groups)))
    assert len(set(found.values())) <= fewest


@settings(max_examples=40, deadline=None)
@given(some.lists(SIZES, min_size=1, max_size=8, unique=True), some.sampled_from(sorted(SUPPLIES)))
def test_a_master_can_be_asked_for_covers_what_is_cut_from_it_and_loses_little(sizes, name):
    supply = SUPPLIES[name]
    for size, master in fewest_masters(tuple(sizes), (), supply).items():
        assert size_problem(master, supply.rules) is None
        if supply.framing is not None:
            assert frame_of(master, supply.framing, supply.rules) is not None
        if max(size) < 1400:  # every shape of every service is there that large
            assert master[0] >= size[0]
            assert master[1] >= size[1]
        if supply.framing is None and 1 / WIDEST <= Fraction(*size) <= WIDEST:
            assert share_cut(master, size) <= MOST_CUT + 1e-9


@given(some.lists(SIZES, min_size=1, max_size=8, unique=True), some.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_in_which_entries_are_written_decides_nothing(sizes, chance: random.Random):
    mixed = list(sizes)
    chance.shuffle(mixed)
    assert fewest_masters(tuple(sizes), (), OPEN) == fewest_masters(tuple(mixed), (), OPEN)


def test_the_catalogue_takes_the_fewest_masters_at_every_service():
    counts = {name: len(set(fewest_masters(CATALOGUE, (), supply).values())) for name, supply in SUPPLIES.items()}
    assert counts == {"openai": 7, "hinow": 5, "apixo": 5, "kie": 5}


def test_the_catalogue_takes_as_few_masters_as_the_best_of_all_divisions():
    """All divisions of seventeen sizes are too many: of those that could share at all, by shape, each cluster alone."""
    line = sorted(CATALOGUE, key=lambda size: Fraction(*size))
    clusters = [[line[0]]]
    for size in line[1:]:
        near = any(can_share([other, size]) for other in clusters[-1])
        clusters[-1].append(size) if near else clusters.append([size])
    fewest = sum(
        min(len(groups) for groups in divisions(cluster) if all(map(can_share, groups))) for cluster in clusters
    )
    assert len(set(fewest_masters(CATALOGUE, (), OPEN).values())) == fewest == 7


@pytest.mark.parametrize("size", [(1080, 1080), (1920, 1080), (1200, 630), (300, 250), (728, 90), (160, 600)])
def test_a_size_alone_is_asked_for_as_before(size):
    assert fewest_masters((size,), (), OPEN) == {size: covering_legal(size, PIXELS.sizes)}


def test_a_picture_that_is_made_anyway_serves_an_exact_size_when_it_is_large_enough():
    wide = size_for_ratio(Fraction(16, 9), "1k", PIXELS.sizes)
    assert wide == (1280, 720)
    assert fewest_masters(((1200, 630),), (wide,), OPEN) == {(1200, 630): wide}
    assert fewest_masters(((1920, 1080),), (wide,), OPEN) == {(1920, 1080): (1920, 1088)}  # it would be enlarged
    assert fewest_masters(((300, 250),), (wide,), OPEN) == {(300, 250): (896, 736)}  # too much would be lost


def test_what_is_wider_than_any_picture_is_cut_from_the_widest():
    banners = ((728, 90), (970, 90), (320, 50), (970, 250))
    assert set(fewest_masters(banners, (), OPEN).values()) == {(1440, 480)}
    towers = ((160, 600), (300, 1050))
    assert set(fewest_masters(towers, (), OPEN).values()) == {(480, 1440)}


def test_a_size_that_no_picture_covers_stands_alone():
    found = fewest_masters(((5000, 5000), (5000, 4900), (1000, 1000)), (), OPEN)
    assert found == {(5000, 5000): (2880, 2880), (5000, 4900): found[5000, 4900], (1000, 1000): (1008, 1008)}
    assert size_problem(found[5000, 4900], PIXELS.sizes) is None


def test_another_entry_of_the_same_shape_and_size_changes_nothing():
    before = fewest_masters(CATALOGUE, (), OPEN)
    after = fewest_masters((*CATALOGUE, (600, 314), (250, 250)), (), OPEN)
    assert {size: after[size] for size in before} == before


@pytest.mark.parametrize("name", ["hinow", "apixo", "kie"])
def test_a_service_of_ratios_and_tiers_is_asked_the_nearest_frame_that_covers(name):
    supply = SUPPLIES[name]
    found = {size: fewest_masters((size,), (), supply)[size] for size in ((1200, 630), (728, 90), (300, 1050))}
    assert found == {(1200, 630): (1280, 720), (728, 90): (1280, 720), (300, 1050): (720, 1280)}


def test_a_service_of_ratios_is_asked_what_others_are_asked_where_it_has_words_for_it():
    sizes = ((1920, 1080), (1080, 1920))
    assert fewest_masters(sizes, (), SUPPLIES["hinow"]) == fewest_masters(sizes, (), OPEN)


def test_a_frame_that_a_service_lacks_is_not_asked_for():
    square = ((2600, 2600),)
    assert fewest_masters(square, (), SUPPLIES["apixo"])[square[0]][0] >= 2600
    missing = size_for_ratio(parse_ratio("1:1"), "4k", KIE.sizes)
    assert fewest_masters(square, (), SUPPLIES["kie"])[square[0]] != missing


def test_of_listed_masters_the_one_is_taken_that_loses_least():
    masters = [(2048, 1152), (1280, 720), (2048, 2048)]
    assert nearest_master((1200, 630), masters) == (1280, 720)
    assert nearest_master((1920, 1080), masters) == (2048, 1152)
    assert nearest_master((1080, 1080), masters) == (2048, 2048)
    assert not is_cut_from((1080, 1080), (2048, 1152), OPEN)


@given(SIZES, SIZES)
def test_what_is_cut_away_is_what_is_not_in_the_largest_part_of_the_shape(master, size):
    times = min(Fraction(master[0], size[0]), Fraction(master[1], size[1]))
    kept = times * times * size[0] * size[1] / (master[0] * master[1])
    assert share_cut(master, size) == pytest.approx(1 - float(kept))
