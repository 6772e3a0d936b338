"""The lock as people and git meet it: whole, in the middle of a merge, damaged, newer than this program."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.core.lock import Lock, LockEntry, lock_name, parse_lock, write_lock
from imagebuild.errors import LockError

A, B, C = (digest_of(letter) for letter in (b"a", b"b", b"c"))


def entry(address: str, key: str = A, digest: str = B, **more) -> LockEntry:
    return LockEntry(address, Key(key), Digest(digest), **more)


def lock_of(*entries: LockEntry) -> Lock:
    return Lock("spring-kettle", {each.address: each for each in entries})


HERO = entry("hero[product=kettle,locale=de-DE,ratio=16:9]", output="out/kettle.webp", size="1600x900", bytes=48211,
             tools="pillow 13.0.0")  # fmt: skip
SCENE = entry("scene[product=kettle]", B, C, size="1536x1024", bytes=9, model="gpt-image-2", provider="openai",
              cost=Decimal("0.0420"), floating=True)  # fmt: skip
TEXT = (
    '{"imagebuild.lock": 1, "campaign": "spring-kettle"}\n'
    f'{{"asset":"hero[product=kettle,locale=de-DE,ratio=16:9]","key":"{A}","digest":"{B}",'
    '"output":"out/kettle.webp","size":"1600x900","bytes":48211,"tools":"pillow 13.0.0"}\n'
    f'{{"asset":"scene[product=kettle]","key":"{B}","digest":"{C}","size":"1536x1024","bytes":9,'
    '"model":"gpt-image-2","provider":"openai","cost":"0.0420","floating":true}\n'
)
HEADER, HERO_LINE, SCENE_LINE, _ = TEXT.split("\n")


def parse(*lines: str) -> Lock:
    return parse_lock("\n".join(lines) + "\n", file="imagebuild.lock")


def test_the_text_is_one_line_an_asset_sorted_by_address():
    assert write_lock(lock_of(SCENE, HERO)) == TEXT
    assert write_lock(Lock("empty")) == '{"imagebuild.lock": 1, "campaign": "empty"}\n'


def test_what_was_written_is_read_back():
    lock = parse_lock(TEXT, file="imagebuild.lock")
    assert lock == lock_of(HERO, SCENE)
    assert not lock.conflicted
    assert not lock.alternatives


@pytest.mark.parametrize(
    "text", [TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.rstrip("\n"), "\n" + TEXT + "\n  \n"]
)
def test_a_checkout_that_changed_line_ends_or_blanks_reads_the_same(text):
    assert parse_lock(text, file="imagebuild.lock") == lock_of(HERO, SCENE)


def test_fields_of_a_newer_version_survive():
    header = HEADER[:-1] + ', "policy": {"a": [1]}}'
    line = HERO_LINE[:-1] + ',"approved":{"by":"Ada"},"address":"x"}'
    lock = parse(header, line, SCENE_LINE)
    assert lock.entries[HERO.address].extra == {"approved": {"by": "Ada"}, "address": "x"}
    assert write_lock(lock) == f"{header}\n{line}\n{SCENE_LINE}\n"


def test_both_sides_of_a_conflict_are_facts():
    ours, theirs = HERO_LINE.replace(A, B), HERO_LINE.replace(A, C)
    lock = parse(
        HEADER, "<<<<<<< HEAD", ours, "||||||| base", HERO_LINE, "=======", theirs, ">>>>>>> topic", SCENE_LINE
    )
    assert lock.conflicted
    assert [each.key for each in lock.alternatives[HERO.address]] == [B, A, C]
    assert lock.entries[HERO.address].key == B
    assert lock.entries[SCENE.address] == SCENE
    assert SCENE.address not in lock.alternatives
    assert parse_lock(write_lock(lock), file="x") == Lock("spring-kettle", lock.entries)


def test_a_conflict_in_the_header_leaves_the_first_name():
    lock = parse("<<<<<<< HEAD", HEADER, "=======", HEADER.replace("spring", "summer"), ">>>>>>> topic", HERO_LINE)
    assert (lock.campaign, lock.conflicted, list(lock.entries)) == ("spring-kettle", True, [HERO.address])


def test_lines_that_a_union_merge_doubled_are_one():
    lock = parse(HEADER, HERO_LINE, HEADER, HERO_LINE, SCENE_LINE)
    assert lock == lock_of(HERO, SCENE)


def test_one_key_with_two_digests_the_first_wins():
    lock = parse(HEADER, HERO_LINE, HERO_LINE.replace(B, C))
    assert lock.entries[HERO.address].digest == B
    assert [each.digest for each in lock.alternatives[HERO.address]] == [B, C]
    assert not lock.conflicted


@pytest.mark.parametrize(
    ("damaged", "what", "column"),
    [
        (HERO_LINE[:-9], "unterminated string starting at", HERO_LINE.index('"pillow') + 1),
        ("rubbish", "expecting value", 1),
        ("[1]", "not an entry", 1),
        ("{},{}", "extra data", 3),
        (HERO_LINE.replace('"asset"', '"name"'), "`asset` is missing", 1),
        (HERO_LINE.replace(HERO.address, ""), "`asset` is empty", 1),
        (HERO_LINE.replace(A, A[:-1]), "`key` must be 64 hexadecimal characters", 1),
        (HERO_LINE.replace(A, A.upper()), "`key` must be 64 hexadecimal characters", 1),
        (HERO_LINE.replace(B, "../" * 21 + "x"), "`digest` must be 64 hexadecimal characters", 1),
        (HERO_LINE.replace(B, " " * 64), "`digest` must be 64 hexadecimal characters", 1),
        (HERO_LINE.replace("48211", "true"), "`bytes` must be a whole number", 1),
        (HERO_LINE.replace('"pillow 13.0.0"', "13"), "`tools` must be a text", 1),
        (HERO_LINE[:-1] + ',"floating":1}', "`floating` must be true or false", 1),
        (HERO_LINE[:-1] + ',"cost":"NaN"}', '`cost` must be an amount, such as "0.042"', 1),
        (HERO_LINE[:-1] + ',"cost":0.1}', "`cost` must be a text", 1),
    ],
)
def test_a_damaged_line_is_named_with_its_place_and_what_to_do(damaged, what, column):
    with pytest.raises(LockError) as caught:
        parse(HEADER, SCENE_LINE, "", damaged, SCENE_LINE)
    assert what in caught.value.what
    assert str(caught.value.at) == f"imagebuild.lock:4:{column}"
    assert caught.value.hint == "restore it with git, or delete the line: the store still has the picture"


@pytest.mark.parametrize(("text", "what"), [("", "the lock is empty"), (HERO_LINE, "does not start with its header")])
def test_a_lock_without_a_header_is_an_error(text, what):
    with pytest.raises(LockError, match=what):
        parse_lock(text, file="imagebuild.lock")


def test_a_newer_format_says_to_upgrade():
    with pytest.raises(LockError, match="lock format 2 is newer") as caught:
        parse(HEADER.replace(": 1,", ": 2,"), '{"whatever": true}')
    assert caught.value.hint is not None
    assert "pip install --upgrade" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "lock"),
    [
        ("campaign.yaml", "imagebuild.lock"),
        ("campaign.yml", "imagebuild.lock"),
        ("spring.yaml", "spring.imagebuild.lock"),
        ("ads/2026.spring.yaml", "ads/2026.spring.imagebuild.lock"),
        ("a.b/campaign.yaml", "a.b/imagebuild.lock"),
        ("a.b/spring", "a.b/spring.imagebuild.lock"),
    ],
)
def test_the_lock_lies_beside_its_spec(spec, lock):
    assert lock_name(spec) == lock


maybe_text = st.none() | st.text(max_size=8)
entries = st.builds(
    LockEntry,
    address=st.text(min_size=1, max_size=8),
    key=st.sampled_from([A, B, C]),
    digest=st.sampled_from([A, B, C]),
    output=maybe_text,
    size=maybe_text,
    bytes=st.none() | st.integers(0, 10**9),
    model=maybe_text,
    provider=maybe_text,
    cost=st.none() | st.decimals(0, 1000, places=4),
    tools=maybe_text,
    floating=st.booleans(),
    extra=st.dictionaries(
        st.sampled_from(["new", "address", "extra"]), st.none() | st.text() | st.lists(st.integers())
    ),
)
locks = st.tuples(st.text(max_size=8), st.lists(entries, max_size=5)).map(
    lambda drawn: Lock(drawn[0], {each.address: each for each in drawn[1]})
)


@given(locks)
def test_any_lock_survives_writing_and_reading(lock):
    text = write_lock(lock)
    assert parse_lock(text, file="x") == lock
    assert write_lock(parse_lock(text, file="x")) == text
    assert text.count("\n") == len(lock.entries) + 1


@given(st.dictionaries(st.sampled_from(["asset", "key", "digest", "bytes", "cost", "floating", "tools"]),
                       st.sampled_from([A, "", "x", "1.5", 7, True, None, [], {}]), min_size=2))  # fmt: skip
def test_a_line_is_refused_exactly_when_something_is_wrong_with_it(row):
    right = (
        row.get("asset") in (A, "x", "1.5")
        and row.get("key") == row.get("digest") == A
        and type(row.get("tools", "")) is str
        and type(row.get("bytes", 0)) is int
        and row.get("cost", "1.5") == "1.5"
        and type(row.get("floating", True)) is bool
    )
    if right:
        assert len(parse(HEADER, HERO_LINE, json.dumps(row)).entries) == 2
    else:
        with pytest.raises(LockError) as caught:
            parse(HEADER, HERO_LINE, json.dumps(row))
        assert str(caught.value.at) == "imagebuild.lock:3:1"
