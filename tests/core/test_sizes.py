"""Sizes: legality, the nearest and the covering size, and the size of a ratio at a tier."""

from __future__ import annotations

import functools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.core.sizes import (
    TIERS,
    SizeRules,
    covering_legal,
    is_experimental,
    nearest_legal,
    parse_ratio,
    parse_size,
    ratio_text,
    size_for_ratio,
    size_problem,
    size_text,
)

GRID = SizeRules.from_mapping(
    {
        "multiple": 16,
        "longest": 3840,
        "least_pixels": 655_360,
        "most_pixels": 8_294_400,
        "widest": "3:1",
        "experimental_above": 3_686_400,
    }
)
FIXED = SizeRules.from_mapping({"fixed": ["1024x1024", "1024x1536", "1536x1024"]})
COARSE = SizeRules.from_mapping({"multiple": 64, "shortest": 256, "longest": 1408, "most_pixels": 1_048_576})
ALL_RULES = [GRID, FIXED, COARSE]

edges = st.integers(1, 6000)
sizes = st.tuples(edges, edges)
ratios = st.builds(Fraction, st.integers(1, 40), st.integers(1, 40))
rules = st.sampled_from(ALL_RULES)
tiers = st.sampled_from(sorted(TIERS))


@pytest.mark.parametrize(
    ("text", "size"),
    [("1536x1024", (1536, 1024)), ("1536×1024", (1536, 1024)), (" 8 x 9 ", (8, 9)), ("0x5", None), ("5", None),
     ("1x2x3", None), ("-1x5", None), ("123456x1", None), ("16:9", None), ("", None)],
)  # fmt: skip
def test_a_size_is_read_in_both_spellings_and_nothing_else_is(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "ratio"),
    [("16:9", Fraction(16, 9)), ("32:18", Fraction(16, 9)), ("1.91:1", Fraction(191, 100)), ("1:0", None),
     ("0:1", None), ("16x9", None), ("16:9:1", None), (":", None)],
)  # fmt: skip
def test_a_ratio_is_read_as_an_exact_fraction(text, ratio):
    assert parse_ratio(text) == ratio


@given(sizes)
def test_a_written_size_reads_back(size):
    assert parse_size(size_text(size)) == size


@given(ratios)
def test_a_written_ratio_reads_back(ratio):
    assert parse_ratio(ratio_text(ratio)) == ratio


@pytest.mark.parametrize(
    ("size", "problem"),
    [
        ((1920, 1080), "1,080 is not a multiple of 16"),
        ((512, 512), "262,144 pixels, fewer than 655,360"),
        ((1024, 576), "589,824 pixels, fewer than 655,360"),
        ((3840, 2176), "8,355,840 pixels, more than 8,294,400"),
        ((3856, 2160), "3,856 is longer than 3,840"),
        ((1536, 480), "ratio 3.2:1 is wider than 3:1"),
        ((480, 1536), "ratio 3.2:1 is wider than 3:1"),
        ((1024, 640), None),
        ((2880, 2880), None),
        ((3840, 2160), None),
        ((3840, 1280), None),
    ],
)
def test_the_broken_rule_is_told_with_its_figures(size, problem):
    assert size_problem(size, GRID) == problem


def test_a_fixed_list_is_told_whole():
    assert size_problem((1024, 768), FIXED) == "none of 1024x1024, 1024x1536, 1536x1024"
    assert size_problem((192, 1024), COARSE) == "192 is shorter than 256"


def test_large_sizes_are_legal_but_experimental():
    assert not is_experimental((2560, 1440), GRID)
    assert is_experimental((3840, 2160), GRID)
    assert not is_experimental((3840, 2160), FIXED)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        ("1:1", ("1024x1024", "2048x2048", "2880x2880")),
        ("16:9", ("1280x720", "2048x1152", "3840x2160")),
        ("9:16", ("720x1280", "1152x2048", "2160x3840")),
        ("4:5", ("896x1120", "1600x2000", "2560x3200")),
        ("3:2", ("1248x832", "2016x1344", "3504x2336")),
        ("2:1", ("1280x640", "2048x1024", "3840x1920")),
        ("21:9", ("1264x544", "2016x864", "3808x1632")),
        ("3:1", ("1440x480", "2016x672", "3840x1280")),
    ],
)
def test_the_sizes_of_the_usual_ratios_do_not_change_unnoticed(ratio, expected):
    parsed = parse_ratio(ratio)
    assert tuple(size_text(size_for_ratio(parsed, tier, GRID)) for tier in ("1k", "2k", "4k")) == expected


@given(st.integers(1, 12), st.integers(1, 12), tiers)
@settings(deadline=None)
def test_a_ratio_that_the_model_can_draw_is_never_off_by_more_than_one_percent(wide, high, tier):
    ratio = Fraction(wide, high)
    if Fraction(1, 3) <= ratio <= 3:
        width, height = size_for_ratio(ratio, tier, GRID)
        assert abs(width / height / float(ratio) - 1) <= 0.0101


def test_a_fixed_list_gives_the_nearest_ratio_whatever_the_tier():
    for tier in TIERS:
        assert size_for_ratio(Fraction(16, 9), tier, FIXED) == (1536, 1024)
        assert size_for_ratio(Fraction(9, 16), tier, FIXED) == (1024, 1536)
        assert size_for_ratio(Fraction(1), tier, FIXED) == (1024, 1024)


def test_when_nothing_fits_under_the_tier_the_smallest_legal_size_is_taken():
    large = SizeRules.from_mapping({"multiple": 64, "shortest": 1536, "longest": 4096})
    assert size_for_ratio(Fraction(1), "1k", large) == (1536, 1536)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [((1920, 1080), (1920, 1088)), ((512, 512), (816, 816)), ((5000, 5000), (2880, 2880)), ((1600, 900), (1600, 896))],
)
def test_the_nearest_legal_size_is_a_sensible_hint(size, nearest):
    assert nearest_legal(size, GRID) == nearest


@pytest.mark.parametrize(
    ("size", "asked"),
    [((1920, 1080), (1920, 1088)), ((1200, 630), (1200, 640)), ((1080, 1350), (1088, 1360)), ((728, 90), (1440, 480)),
     ((300, 250), (896, 736)), ((5000, 5000), (2880, 2880)), ((4000, 2000), (3840, 1920))],
)  # fmt: skip
def test_a_size_no_model_makes_is_covered_by_one_that_it_does(size, asked):
    assert covering_legal(size, GRID) == asked


@given(sizes, rules)
def test_the_nearest_size_is_legal_and_a_legal_size_is_its_own_nearest(size, rules):
    nearest = nearest_legal(size, rules)
    assert size_problem(nearest, rules) is None
    assert nearest_legal(nearest, rules) == nearest


@given(sizes, rules)
@settings(deadline=None)
def test_a_covering_size_is_legal_and_covers_whenever_a_legal_size_can(size, rules):
    asked = covering_legal(size, rules)
    assert size_problem(asked, rules) is None
    assert covering_legal(asked, rules) == asked
    if size_problem(size, rules) is None:
        assert asked == size
    covers = asked[0] >= size[0] and asked[1] >= size[1]
    wider = [legal for legal in every_legal(rules) if legal[0] >= size[0] and legal[1] >= size[1]]
    assert covers == bool(wider)


@given(ratios, tiers, rules)
def test_the_size_of_a_ratio_is_legal_and_portrait_mirrors_landscape(ratio, tier, rules):
    size = size_for_ratio(ratio, tier, rules)
    assert size_problem(size, rules) is None
    assert size_for_ratio(1 / ratio, tier, rules) == (size[1], size[0])


@given(st.integers(1, 12), st.integers(1, 12), tiers)
@settings(max_examples=60, deadline=None)
def test_no_legal_size_of_the_tier_beats_the_chosen_one(wide, high, tier):
    """Against every size the rules allow, one by one."""
    ratio = max(Fraction(wide, high), Fraction(high, wide))
    longest, pixels = TIERS[tier]
    under = [s for s in every_legal(COARSE) if max(s) <= longest and s[0] * s[1] <= (pixels or 10**9) and s[0] >= s[1]]
    chosen = size_for_ratio(ratio, tier, COARSE)
    window = min(longest, COARSE.longest, int((min(pixels or 10**9, COARSE.most_pixels) * ratio) ** 0.5))
    near = [size for size in under if size[0] >= 0.9 * window] or under

    def error(size):
        return max(Fraction(*size) / ratio, ratio / Fraction(*size))

    def pixels(size):
        return size[0] * size[1]

    least = min(map(error, near))
    same_under = [size for size in under if error(size) <= 1.01]
    same = [size for size in every_legal(COARSE) if size[0] >= size[1] and error(size) <= 1.01]
    if least > 1.01 and same_under:
        assert pixels(chosen) == max(map(pixels, same_under))
    elif least > 1.01 and same:
        assert pixels(chosen) == min(map(pixels, same))
    else:
        assert error(chosen) == least
        assert pixels(chosen) == max(pixels(s) for s in near if error(s) == least)


@functools.cache
def every_legal(rules):
    """All legal sizes by trying each one."""
    if rules.fixed:
        return rules.fixed
    grid = range(rules.multiple, rules.longest + 1, rules.multiple)
    return [(width, height) for width in grid for height in grid if size_problem((width, height), rules) is None]


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"multipel": 16}, "unknown size rule `multipel`"),
        ({"widest": "wide"}, "size rule `widest`"),
        ({"widest": "1:3"}, "size rule `widest`"),
        ({"fixed": ["large"]}, "size rule `fixed`"),
        ({"fixed": []}, "size rule `fixed`"),
        ({"longest": "3840"}, "size rule `longest`"),
        ({"most_pixels": 0}, "size rule `most_pixels`"),
        ({"longest": 64, "least_pixels": 10_000}, "no size can meet"),
    ],
)
def test_rules_that_make_no_sense_are_refused(entry, complaint):
    with pytest.raises(ValueError, match=complaint):
        SizeRules.from_mapping(entry)
