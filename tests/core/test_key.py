"""Keys must never change by accident: a changed key is a picture paid for again."""

from __future__ import annotations

import enum
import json
import math
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.key import (
    ABSENT,
    Difference,
    canonical,
    differences,
    digest_of,
    elide,
    key_of,
    readable,
    short,
    shown_diff,
    word_diff,
)

PAID = {
    "schema": 1,
    "model": "gpt-image-2-2026-04-21",
    "operation": "generate",
    "prompt": "Ein Kessel, „heiß“ – 熱い\nmorning light",
    "size": [1536, 1024],
    "quality": "medium",
    "background": "auto",
    "references": ["0" * 64],
    "mask": None,
    "take": 0,
    "variant": 0,
}
LOCAL = {
    "schema": 1,
    "input": "f" * 64,
    "steps": [
        {"fit": {"cover": [1600, 900], "anchor": [0.5, 0.25]}},
        {"encode": {"format": "webp", "quality": 82, "lossless": False}},
    ],
    "tools": {"pillow": "13.0.0"},
}
GOLDEN = [
    (PAID, "d279955c272813019d0b5ea4d0689ce2b5f96db66aa9a9c4cedc23858f8ce16f"),
    (LOCAL, "5fd29c5b22b508b5b2a02832017dc8024cb26c6ee74be010c9674cba6c75aebf"),
    ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
manifests = st.dictionaries(st.text(max_size=5), values, max_size=4)


class Quality(enum.StrEnum):
    MEDIUM = "medium"


class Plate(str, enum.Enum):  # noqa: UP042 - the older kind, whose str() is not its value
    HERO = "hero"


@pytest.mark.parametrize(("manifest", "key"), GOLDEN)
def test_a_known_manifest_keeps_its_key(manifest, key):
    assert key_of(manifest) == key


def test_the_canonical_bytes_are_sorted_compact_and_unescaped():
    assert canonical({"b": ["é", 1], "a": {"y": None, "x": True}}) == '{"a":{"x":true,"y":null},"b":["é",1]}'.encode()


def test_the_order_of_names_does_not_matter_and_the_order_of_a_list_does():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of({"a": [1, 2]}) != key_of({"a": [2, 1]})


def test_texts_are_not_normalised():
    assert key_of({"prompt": "é"}) != key_of({"prompt": "e\u0301"})


def test_a_whole_float_is_its_integer_and_others_are_written_shortest():
    assert canonical({"quality": 82.0, "zero": -0.0, "x": 0.1}) == b'{"quality":82,"x":0.1,"zero":0}'
    assert key_of({"quality": 82.0}) == key_of({"quality": 82})
    assert key_of({"take": 1}) != key_of({"take": True}) != key_of({"take": "1"})


def test_tuples_read_only_mappings_and_enumerations_are_their_values():
    given_ = {"size": (16, 9), "vars": MappingProxyType({"a": 1}), "quality": Quality.MEDIUM, Plate.HERO: Plate.HERO}
    assert canonical(given_) == b'{"hero":"hero","quality":"medium","size":[16,9],"vars":{"a":1}}'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match="cannot hold the number"):
        key_of({"scale": [value]})


@pytest.mark.parametrize("value", [Decimal("1.0"), b"bytes", {1, 2}, object()])
def test_a_value_without_one_writing_is_refused(value):
    with pytest.raises(TypeError, match="cannot hold a"):
        key_of({"a": {"b": value}})


def test_a_name_that_is_no_text_is_refused_for_it_would_collide_with_its_text():
    with pytest.raises(TypeError, match="names of a manifest are texts, not int"):
        key_of({"sizes": {1: "a"}})


def test_digest_and_short():
    assert digest_of(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert short(digest_of(b"")) == "e3b0c44298fc"


def test_the_readable_form_lists_every_field_in_the_canonical_order():
    assert readable(LOCAL) == (
        'input: "' + "f" * 64 + '"\n'
        "schema: 1\n"
        "steps[0].fit.anchor[0]: 0.5\n"
        "steps[0].fit.anchor[1]: 0.25\n"
        "steps[0].fit.cover[0]: 1600\n"
        "steps[0].fit.cover[1]: 900\n"
        'steps[1].encode.format: "webp"\n'
        "steps[1].encode.lossless: false\n"
        "steps[1].encode.quality: 82\n"
        'tools.pillow: "13.0.0"\n'
    )


def test_a_name_that_could_be_taken_for_a_path_is_quoted():
    assert readable({"a.b": 1, "a": {"b": 2}, "": [], "x[0]": {}}) == '[""]: []\na.b: 2\n["a.b"]: 1\n["x[0]"]: {}\n'


def test_differences_go_field_by_field():
    old = {**PAID, "references": ["a", "b"], "seedless": True}
    new = {**PAID, "references": ["a", "c", "d"], "take": 1, "mask": {"digest": "m"}}
    assert differences(old, new) == (
        Difference("mask", None, {"digest": "m"}),
        Difference("references[1]", "b", "c"),
        Difference("references[2]", ABSENT, "d"),
        Difference("seedless", True, ABSENT),
        Difference("take", 0, 1),
    )


def test_a_boolean_differs_from_the_number_that_equals_it():
    assert differences({"a": True, "b": None}, {"a": 1}) == (Difference("a", True, 1), Difference("b", None, ABSENT))


@given(manifests, manifests)
def test_there_is_a_difference_exactly_when_the_keys_differ_and_it_shows(one, other):
    assert (key_of(one) == key_of(other)) == (not differences(one, other)) == (readable(one) == readable(other))


@given(manifests)
def test_a_manifest_read_back_from_json_has_the_same_key(manifest):
    assert key_of(json.loads(canonical(manifest))) == key_of(json.loads(json.dumps(manifest))) == key_of(manifest)


# ----------------------------------------------------------------------------------------------------- word by word

OLD = "A copper kettle on the stove as the first steam rises, morning light from the left, soft shadows on the wall"
NEW = OLD.replace("morning", "evening")


def diff(old: str, new: str, context: int = 6) -> str:
    return shown_diff(word_diff(old, new), context)


def test_one_word_changed_is_shown_in_its_context():
    assert word_diff("steam, morning light", "steam, evening light") == (
        ("=", "steam, "),
        ("-", "morning"),
        ("+", "evening"),
        ("=", " light"),
    )
    assert diff(OLD, NEW, 2) == "… steam rises, [-morning-]{+evening+} light from …"
    assert diff(OLD, NEW, 100) == OLD.replace("morning", "[-morning-]{+evening+}")


def test_a_changed_phrase_reads_as_one_change():
    assert diff("a big red kettle", "a small blue kettle") == "a [-big red-]{+small blue+} kettle"


def test_words_added_and_words_removed():
    assert diff("a kettle", "a red kettle") == "a {+red +}kettle"
    assert diff("a red kettle", "a kettle") == "a [-red -]kettle"
    assert diff("", "new") == "{+new+}"
    assert diff("old", "") == "[-old-]"
    assert diff("same", "same") == "same"


def test_the_stretch_between_two_changes_is_cut_in_its_middle():
    old = "one two three four five six seven eight nine ten"
    new = "ONE two three four five six seven eight nine TEN"
    assert diff(old, new, 2) == "[-one-]{+ONE+} two three … eight nine [-ten-]{+TEN+}"


def test_line_breaks_are_seen():
    assert diff("a\nb", "a b") == "a[-⏎-]{+ +}b"


@pytest.mark.parametrize(
    ("old", "new", "shown"),
    [
        ("厨房里，清晨的阳光。", "厨房里，傍晚的阳光。", "厨房里，[-清晨-]{+傍晚+}的阳光。"),
        ("朝の光のなかで", "夜の光のなかで", "[-朝-]{+夜+}の光のなかで"),
        ("गरम केतली से भाप", "गरम केतली में भाप", "गरम केतली [-से-]{+में+} भाप"),
        ("إبريق نحاسي في الصباح", "إبريق نحاسي في المساء", "إبريق نحاسي في [-الصباح-]{+المساء+}"),
        ("แสงเช้า", "แสงเย็น", "แสงเ[-ช้า-]{+ย็น+}"),
        ("아침 햇살이 든다", "저녁 햇살이 든다", "[-아침-]{+저녁+} 햇살이 든다"),
    ],
)
def test_every_script_is_cut_where_its_readers_would_cut(old, new, shown):
    assert diff(old, new) == shown


def test_markdown_is_escaped():
    parts = word_diff("a <b> *c* x", "a <b> *c* | y")
    assert shown_diff(parts, style="markdown") == "a &lt;b&gt; \\*c\\* <del>x</del><ins>\\| y</ins>"


texts = st.text(alphabet="ab ,.\n熱いก้हि\u200d👩", max_size=40)


@given(texts, texts)
def test_the_parts_join_to_both_texts(old, new):
    parts = word_diff(old, new)
    assert "".join(text for sign, text in parts if sign in "=-") == old
    assert "".join(text for sign, text in parts if sign in "=+") == new
    assert all(text for _, text in parts)
    assert [part for part in elide(parts, 3) if part[0] != "="] == [part for part in parts if part[0] != "="]


def test_two_long_and_different_prompts_are_compared_too():
    old = " ".join(f"word{number % 97} light" for number in range(3000))
    new = " ".join(f"light word{number % 89}" for number in range(3000))
    parts = word_diff(old, new)
    assert "".join(text for sign, text in parts if sign in "=+") == new
