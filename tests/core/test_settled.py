"""A lock read line by line is the lock read whole."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, LockEntry, parse_lock, write_lock
from imagebuild.core.settled import finder_of, parse_settled, spent_in

IDENTITY = st.text("0123456789abcdef", min_size=64, max_size=64)
ENTRIES = st.lists(
    st.builds(
        LockEntry,
        address=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        key=IDENTITY.map(Key),
        digest=IDENTITY.map(Digest),
        output=st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        size=st.none() | st.just("8x9"),
        bytes=st.none() | st.integers(0, 10**9),
        model=st.none() | st.just('a "model"'),
        provider=st.none() | st.just("proof"),
        cost=st.none() | st.sampled_from([Decimal(0), Decimal("0.0"), Decimal("0.042"), Decimal(12)]),
        tools=st.none() | st.just('"key":"' + "0" * 64 + '"'),
        floating=st.booleans(),
        extra=st.just({}),
    ),
    max_size=8,
    unique_by=lambda entry: entry.address,
)


@given(ENTRIES)
def test_every_answer_is_the_same_as_of_the_lock_read_whole(entries):
    text = write_lock(Lock("spring", {entry.address: entry for entry in entries}))
    whole, settled = parse_lock(text, file="x"), parse_settled(text)
    assert settled.campaign == whole.campaign
    assert sorted(settled.entries) == sorted(whole.entries)
    assert len(settled.entries) == len(whole.entries)
    assert spent_in(settled.entries) == spent_in(whole.entries)
    keys = [*(entry.key for entry in entries), Key("f" * 64)]
    assert [sorted(set(finder_of(settled.entries)(key))) for key in keys] == [
        sorted(set(finder_of(whole.entries)(key))) for key in keys
    ]
    again = parse_settled(text)
    assert {address: again.entries[address] for address in again.entries} == dict(whole.entries)
    assert dict(parse_settled(text).entries) == dict(whole.entries)
