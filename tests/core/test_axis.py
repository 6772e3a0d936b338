"""Axes inline and in files, and what templates see of their entries."""

from __future__ import annotations

from fractions import Fraction

import pytest

from imagebuild.core.axis import Fields, Ratio
from imagebuild.core.axis_parser import parse_axes
from imagebuild.core.strings import Missing
from imagebuild.errors import Problems
from tests.core.reading import Texts, node_of


def axes_of(text, files=None):
    problems = Problems()
    found = parse_axes(node_of(text), Texts(files), problems)
    problems.check()
    return found


def ids(text, files=None, name="product"):
    return [entry.id for entry in axes_of(text, files)[0][name].entries]


@pytest.mark.parametrize(
    ("written", "files", "expected"),
    [
        ("[kettle, mug]", {}, ["kettle", "mug"]),
        ("[1.50, 017, 2]", {}, ["1.50", "017", "2"]),
        ("[no, yes]", {}, ["no", "yes"]),
        ("[{id: kettle}, {name: Mug}, plain]", {}, ["kettle", "Mug", "plain"]),
        ("p.yaml", {"p.yaml": "- kettle\n- {id: mug, name: Mug}\n"}, ["kettle", "mug"]),
        ("p.yml", {"p.yml": "kettle: {name: Kettle}\nmug: {}\n"}, ["kettle", "mug"]),
        ("p.json", {"p.json": '[{"id": "kettle"}, "mug"]'}, ["kettle", "mug"]),
        ("p.csv", {"p.csv": "id,name\nkettle,Kettle\n\nmug,Mug\n"}, ["kettle", "mug"]),
        ("p.csv", {"p.csv": "sku;id\n1;kettle\n2;mug\n"}, ["kettle", "mug"]),
        ("p.csv", {"p.csv": 'name\tid\n"Two\nlines"\tkettle\n'}, ["kettle"]),
        ("P.CSV", {"P.CSV": "name\nKettle\n"}, ["Kettle"]),
    ],
)
def test_an_axis_is_a_list_or_a_file_of_entries(written, files, expected):
    assert ids(f"product: {written}", files) == expected


def test_the_files_that_axes_were_read_from_are_known():
    assert axes_of("{a: a.csv, b: [x]}", {"a.csv": "id\n1\n"})[2] == ("a.csv",)


def test_an_entry_of_a_mapping_is_seen_by_its_fields_and_printed_as_its_id():
    (entry,) = axes_of("product: [{id: kettle, name: Kettle, tags: [a, b]}]")[0]["product"].entries
    assert isinstance(entry.value, Fields)
    assert (entry.value.name, entry.value["name"], str(entry.value)) == ("Kettle", "Kettle", "kettle")
    assert entry.value.tags == ("a", "b")
    assert "name" in entry.value
    assert list(entry.value) == ["id", "name", "tags"]
    assert entry.value == "kettle"
    with pytest.raises(AttributeError, match="`kettle` has no field `nmae`"):
        _ = entry.value.nmae
    with pytest.raises(AttributeError):
        _ = entry.value.__wrapped__


def test_a_name_serves_as_the_id_and_is_still_the_name():
    (entry,) = axes_of("product: [{name: Kettle}]")[0]["product"].entries
    assert (entry.value.id, entry.value.name) == ("Kettle", "Kettle")


@pytest.mark.parametrize(
    ("written", "identity", "shape", "size"),
    [
        ("16:9", "16:9", Fraction(16, 9), None),
        ('"32:18"', "32:18", Fraction(16, 9), None),
        ("1.91:1", "1.91:1", Fraction(191, 100), None),
        ("1200x630", "1200x630", Fraction(40, 21), (1200, 630)),
        ("1200×630", "1200x630", Fraction(40, 21), (1200, 630)),
        ("{name: og, size: 1200x630}", "og", Fraction(40, 21), (1200, 630)),
        ("{name: wide, ratio: 21:9}", "wide", Fraction(7, 3), None),
        ("{name: banner, size: 1456x180}", "banner", Fraction(364, 45), (1456, 180)),
    ],
)
def test_a_ratio_is_a_shape_or_exact_pixels(written, identity, shape, size):
    (entry,) = axes_of(f"ratio: [{written}]")[0]["ratio"].entries
    assert (entry.id, entry.value) == (identity, Ratio(identity, shape, size))


def test_a_ratio_tells_templates_its_shape():
    ratio = Ratio("16:9", Fraction(16, 9))
    assert (ratio.width, ratio.height, ratio.orientation, ratio.slug, str(ratio)) == (
        16,
        9,
        "landscape",
        "16x9",
        "16:9",
    )
    exact = Ratio("og", Fraction(40, 21), (630, 1200))
    assert (exact.width, exact.height) == (630, 1200)
    assert Ratio("1:1", Fraction(1)).orientation == "square"
    assert Ratio("9:16", Fraction(9, 16)).orientation == "portrait"


def test_locales_are_a_source_and_targets_in_canonical_form():
    text = "locale: {source: en_us, targets: [de-de, zh-hans-cn], strings: 's/{locale}.yaml', missing: fallback}"
    axes, setting, _ = axes_of(text)
    assert [entry.id for entry in axes["locale"].entries] == ["en-US", "de-DE", "zh-Hans-CN"]
    assert setting.source == "en-US"
    assert setting.tags == ("en-US", "de-DE", "zh-Hans-CN")
    assert setting.policy.default is Missing.FALLBACK
    assert [path for path, _ in setting.strings] == ["s/{locale}.yaml"]
    assert str(axes["locale"].find("de-DE").value) == "de-DE"


def test_a_plain_list_of_locales_has_the_source_first():
    axes, setting, _ = axes_of("locale: [en-US, de-DE]")
    assert (setting.source, setting.targets, setting.strings) == ("en-US", ("de-DE",), ())
    assert [entry.id for entry in axes["locale"].entries] == ["en-US", "de-DE"]


def test_a_source_that_is_also_a_target_is_one_entry():
    assert ids("locale: {source: en-US, targets: [en-US, de-DE]}", name="locale") == ["en-US", "de-DE"]


@pytest.mark.parametrize(
    "text",
    ["product: nowhere.yaml", "product: [kettle, [x]]", "locale: {targets: [de]}", "ratio: [wide]", "product: ~"],
)
def test_an_axis_with_a_mistake_is_still_an_axis_but_not_whole(text):
    problems = Problems()
    axes, _, _ = parse_axes(node_of(text), Texts(), problems)
    assert len(problems) == 1
    assert [axis.whole for axis in axes.values()] == [False]


def test_an_axis_in_capitals_is_taken_for_the_one_that_is_meant():
    problems = Problems()
    axes, _, _ = parse_axes(node_of("Product: [kettle]"), Texts(), problems)
    assert [problem.hint for problem in problems.found] == ["write `product`"]
    assert [entry.id for entry in axes["product"].entries] == ["kettle"]
