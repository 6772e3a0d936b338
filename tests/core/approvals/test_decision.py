"""A decision, its line, and its id."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from imagebuild.core.approvals.decision import DECISIONS, Decision, decision_of, same_person, written
from imagebuild.core.key import canonical, digest_of
from tests.core.approvals.deciding import ANA, HERO, decided, digest, ref

TEXTS = some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)
LONG = some.text("0123456789abcdef", min_size=64, max_size=64)
SHORT = some.text("0123456789abcdef", min_size=32, max_size=32)
FINITE = some.floats(allow_nan=False, allow_infinity=False)
JSON = some.recursive(some.none() | some.booleans() | some.integers() | FINITE | TEXTS, some.lists)
KNOWN = {"id", "after", "ref", "at", "by", "decision", "asset", "digest", "why", "policy", "key", "undoes", "entered"}


@some.composite
def decisions(draw):
    maybe = draw(some.sets(some.sampled_from(["why", "policy", "key", "undoes", "entered"])))
    values = {"why": TEXTS, "policy": TEXTS, "entered": TEXTS, "key": LONG, "undoes": SHORT}
    return Decision(
        ref=draw(SHORT),
        at=draw(some.datetimes()).strftime("2026-%m-%dT%H:%M:%SZ"),
        by=draw(TEXTS),
        decision="withdraw" if "undoes" in maybe else draw(some.sampled_from(sorted({*DECISIONS} - {"withdraw"}))),
        asset=draw(TEXTS),
        digest=draw(LONG),
        after=tuple(sorted(draw(some.sets(LONG, max_size=3)))),
        extra=draw(some.dictionaries(TEXTS.filter(lambda name: name not in KNOWN), JSON, max_size=2)),
        **{name: draw(values[name]) for name in sorted(maybe)},
    )


@settings(deadline=None)  # the machine may be busy
@given(decisions())
def test_a_line_is_read_as_what_was_written(decision):
    line = written(decision)
    assert "\n" not in line
    row = json.loads(line)
    again = decision_of(row)
    assert again == decision
    assert again.id == decision.id == row["id"]
    assert written(again) == line


@settings(deadline=None)  # the machine may be busy
@given(decisions())
def test_the_id_is_the_digest_of_all_the_rest_in_its_canonical_writing(decision):
    row = json.loads(written(decision))
    identity = row.pop("id")
    assert identity == digest_of(canonical(row))


def test_the_id_of_a_decision_can_be_worked_out_by_anybody_with_json_and_sha256():
    row = json.loads(written(decided("one", why="zu dunkel – „hier“", after=(digest("before"),))))
    identity = row.pop("id")
    text = json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert identity == hashlib.sha256(text.encode()).hexdigest()


def test_a_line_has_its_fields_in_one_order_and_nothing_that_says_nothing():
    decision = decided("one", after=(digest("before"),), policy="3f2a: 1 of brand", extra={"later": 1})
    assert written(decision) == (
        f'{{"id":"{decision.id}","after":["{digest("before")}"],"ref":"{ref("one")}","at":"2026-11-21T22:00:29Z",'
        f'"by":"{ANA}","decision":"approve","asset":"{HERO}","digest":"{digest("one")}","policy":"3f2a: 1 of brand",'
        '"later":1}'
    )


ROW = json.loads(written(decided("one", why="fine", after=(digest("before"),))))
WRONG = [
    ({"ref": None}, "a damaged line: `ref` must be 32 hexadecimal characters"),
    ({"ref": ref("one").upper()}, "a damaged line: `ref` must be 32 hexadecimal characters"),
    ({"digest": digest("one")[:63]}, "a damaged line: `digest` must be 64 hexadecimal characters"),
    ({"digest": digest("one") + "\n"}, "a damaged line: `digest` must be 64 hexadecimal characters"),
    ({"key": "../../x"}, "a damaged line: `key` must be 64 hexadecimal characters"),
    ({"undoes": 7}, "a damaged line: `undoes` must be a text that is not empty"),
    ({"at": "2026-11-21T22:54:29+01:00"}, "a damaged line: `at` must be a moment such as 2026-11-21T22:54:29Z"),
    ({"at": "2026-13-21T22:54:29Z"}, "a damaged line: `at` must be a moment such as 2026-11-21T22:54:29Z"),
    ({"by": " "}, "a damaged line: `by` must be a text that is not empty"),
    ({"by": ["ana"]}, "a damaged line: `by` must be a text that is not empty"),
    ({"asset": ""}, "a damaged line: `asset` must be a text that is not empty"),
    ({"why": ""}, "a damaged line: `why` must be a text that is not empty"),
    ({"decision": "publish"}, "a damaged line: `decision` is none of " + ", ".join(DECISIONS)),
    ({"decision": {}}, "a damaged line: `decision` is none of " + ", ".join(DECISIONS)),
    ({"decision": "withdraw"}, "a damaged line: `undoes` is missing"),
    ({"after": digest("before")}, "a damaged line: `after` must be a list of ids"),
    ({"after": [1]}, "a damaged line: `after` must be a list of ids"),
    ({"after": [[]]}, "a damaged line: `after` must be a list of ids"),
    ({"after": ["b" * 64, "a" * 64]}, "a damaged line: `after` must be sorted, each id once"),
    ({"after": ["a" * 64, "a" * 64]}, "a damaged line: `after` must be sorted, each id once"),
    ({"id": "7"}, "a damaged line: `id` must be 64 hexadecimal characters"),
    ({"why": "\ud800"}, "a damaged line: it holds what no decision can"),
    ({"later": float("nan")}, "a damaged line: it holds what no decision can"),
    ({"by": "ben@northwind.example"}, "the line was edited: its id is not that of what it says"),
    ({"later": 1}, "the line was edited: its id is not that of what it says"),
    ({"id": "0" * 64}, "the line was edited: its id is not that of what it says"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "words"), WRONG, ids=[str(index) for index in range(len(WRONG))])
def test_what_is_wrong_with_a_line_is_told_in_words(change, words):
    assert decision_of({**ROW, **change}) == words


@pytest.mark.parametrize("name", ["id", "after", "ref", "at", "by", "decision", "asset", "digest"])
def test_a_line_without_a_field_that_each_has_is_damaged(name):
    row = {each: value for each, value in ROW.items() if each != name}
    assert decision_of(row) == f"a damaged line: `{name}` is missing"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ana@Northwind.example", " ana@northwind.example ", True),
        ("Zoë", "Zoe\u0308", True),
        ("STRASSE", "straße", True),
        ("ana@northwind.example", "ana@northwind.examp1e", False),
        ("ana", "аna", False),  # the second begins with a Cyrillic letter
    ],
)
def test_names_are_one_persons_whatever_their_case_and_accents_are_stored_as(one, other, same):
    assert same_person(one, other) is same
