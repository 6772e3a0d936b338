"""YAML by its 1.2 core rules, with the place of everything; the mistakes' texts are in `tests/mistakes`."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.document import Node, parse_json, parse_yaml, plain
from imagebuild.errors import Problems


def read(text, reader=parse_yaml):
    problems = Problems()
    node = reader(text, file="f.yaml", problems=problems)
    return (plain(node) if node is not None else None), [problem.what for problem in problems.found]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"), ("NO", "NO"),
        ("16:9", "16:9"), ("12:30:45", "12:30:45"), ("2026-03-05", "2026-03-05"),
        ("true", True), ("True", True), ("FALSE", False), ("tRue", "tRue"),
        ("null", None), ("~", None), ("Null", None), ("nULL", "nULL"),
        ("17", 17), ("017", 17), ("0o17", 15), ("0x1F", 31), ("-7", -7), ("+7", 7), ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1.50", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-3", -0.0015), (".", "."), ("1.5.2", "1.5.2"),
        (".inf", math.inf), ("-.INF", -math.inf), ("=", "="), ("1200x630", "1200x630"), ("'17'", "17"),
        ('"true"', "true"), ("!!str 17", "17"), ("! 17", "17"),
    ],
)  # fmt: skip
def test_a_plain_scalar_is_read_by_the_rules_of_yaml_1_2(written, value):
    assert read(f"a: {written}") == ({"a": value}, [])


def test_not_a_number_is_not_a_number():
    (value, _) = read("a: .nan")
    assert math.isnan(value["a"])


def test_keys_are_texts_whatever_they_look_like():
    assert read("{no: 1, 16:9: 2, 17: 3, true: 4, null: 5}") == (
        {"no": 1, "16:9": 2, "17": 3, "true": 4, "null": 5}, [],
    )  # fmt: skip


def test_everything_knows_its_place():
    node = parse_yaml("a:\n  - ä: {deep: 12345}\n", file="f.yaml", problems=Problems())
    deep = node.get("a").elements()[0].get("ä").get("deep")
    place = deep.place
    assert (place.file, place.line, place.column, place.length) == ("f.yaml", 2, 15, 5)
    assert place.text[place.column - 1 :][: place.length] == "12345"
    assert str(node.get("a").elements()[0].key("ä").place) == "f.yaml:2:5"


def test_places_count_lines_as_every_editor_does():
    for end in ("\n", "\r\n", "\r"):
        node = parse_yaml(end.join(["a: 1", "# –", "b: 2"]), file="f.yaml", problems=Problems())
        assert str(node.get("b").place) == "f.yaml:3:4"


def test_an_alias_is_the_value_of_its_anchor():
    assert read("a: &x {b: 1}\nc: *x\n") == ({"a": {"b": 1}, "c": {"b": 1}}, [])


@pytest.mark.parametrize(
    "text", ["", "# a comment\n", "---\n...\n", "\n\n"], ids=["nothing", "a comment", "an empty document", "lines"]
)
def test_a_file_without_a_value_is_none_and_no_mistake(text):
    value, mistakes = read(text)
    assert (value, mistakes) == (None, [])


def test_mistakes_that_do_not_stop_reading_are_all_told():
    value, mistakes = read("a: 1\na: 2\nb: !x 1\n<<: {c: 1}\n[d]: 1\n")
    assert value == {"a": 1, "b": "1"}
    assert mistakes == ["duplicate key `a`", "tag `!x`", "merge key `<<`", "a list as a key"]


def test_a_quoted_merge_key_is_a_key():
    assert read("'<<': 1") == ({"<<": 1}, [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(blacklist_categories=("Cs", "Cc"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcä", max_size=4), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(json_values)
def test_json_is_read_as_the_json_library_reads_it(value):
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent="\t")):
        found, mistakes = read(text, parse_json)
        assert mistakes == []
        assert found == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a\\/b"', "a/b"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\ud83d\\\\ude00"', "\\ud83d\\ude00"),
        ('"\\u2028\\t\\b"', "\u2028\t\b"),
        ('"\u2028\x85\x7f"', "\u2028\x85\x7f"),
        ("1E+2", 100.0),
        ('{"<<": 1, "no": null}', {"<<": 1, "no": None}),
    ],
)
def test_what_json_writes_differently_is_read_all_the_same(text, value):
    assert read(text, parse_json) == (value, [])


@given(st.text(st.sampled_from("{}[],:-\"'&*!|>%@`#? \n\tab1é\0\ufeff"), max_size=40))
def test_no_text_makes_the_reader_raise(text):
    for reader in (parse_yaml, parse_json):
        problems = Problems()
        node = reader(text, file="f.yaml", problems=problems)
        assert node is None or isinstance(node, Node)
        for problem in problems.found:
            assert problem.what
            assert problem.at is not None
            assert 0 <= problem.at.line <= text.count("\n") + text.count("\r") + 2


def test_a_node_says_in_words_what_it_is():
    root = parse_yaml("[{}, [], ~, true, 1.5, word]", file="f", problems=Problems())
    kinds = ["a mapping", "a list", "nothing", "the boolean `true`", "the number `1.5`", "a text"]
    assert [each.kind for each in root.elements()] == kinds
    assert list(root.items()) == []
    assert root.get("x") is None
    assert root.elements()[0].elements() == []
