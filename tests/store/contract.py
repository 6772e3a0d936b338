"""What every store must do. A backend's test has the fixtures `store` and `vandal`, and subclasses `StoreContract`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal

import pytest

from imagebuild.core.key import Digest, Key, digest_of, key_of
from imagebuild.store.base import DamagedObject, MissingObject, Record, Store, encode_record

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
MANIFEST = {"schema": 1, "model": "proof-1", "prompt": "ein Kessel „heiß“ 熱い", "size": [1536, 1024]}


def a_record(data: bytes = PICTURE, **more) -> Record:
    values = {
        "key": key_of(MANIFEST),
        "manifest": MANIFEST,
        "digest": digest_of(data),
        "media_type": "image/png",
        "size": (1536, 1024),
        "bytes": len(data),
        "made_at": "2026-11-21T10:03:22Z",
        "seconds": 12.5,
        "address": "scene[product=kettle]",
        "paid": True,
        "model": "proof-1",
        "provider": "proof",
        "cost": Decimal("0.0420"),
        "estimate": Decimal("0.05"),
        "request_id": "req_1",
        "answered": {"usage": {"output_tokens": 7024}, "quality": "medium"},
        "sources": {"t.headline": "strings/de-DE.yaml:3"},
    }
    return Record(**(values | more))


class Vandal(ABC):
    """Reaches behind the store, to damage what it holds."""

    @abstractmethod
    def object_bytes(self, digest: Digest) -> bytes: ...

    @abstractmethod
    def overwrite_object(self, digest: Digest, data: bytes) -> None: ...

    @abstractmethod
    def record_bytes(self, key: Key) -> bytes: ...

    @abstractmethod
    def overwrite_record(self, key: Key, data: bytes) -> None: ...

    @abstractmethod
    def aside(self) -> list[bytes]:
        """The bytes of everything that was set aside."""


class StoreContract:
    """The suite. Damage, absence and concurrency as well as the plain way."""

    def test_what_was_put_is_got_back_under_its_digest(self, store: Store):
        digest = store.put(PICTURE, durable=True)
        assert digest == digest_of(PICTURE)
        assert store.get(digest) == PICTURE
        assert store.has(digest)
        assert store.digests() == {digest}

    def test_an_empty_object_is_an_object(self, store: Store):
        assert store.get(store.put(b"", durable=False)) == b""

    def test_putting_the_same_bytes_again_changes_nothing(self, store: Store):
        first = store.put(PICTURE, durable=False)
        before = list(store.objects())
        assert store.put(PICTURE, durable=True) == first
        assert list(store.objects()) == before

    def test_an_empty_store_has_nothing_and_says_so(self, store: Store):
        absent = digest_of(b"absent")
        assert not store.has(absent)
        assert store.file(absent) is None
        assert (store.digests(), store.keys(), list(store.objects())) == (set(), set(), [])
        assert store.record(key_of({})) is None
        with pytest.raises(MissingObject) as caught:
            store.get(absent)
        assert caught.value.digest == absent
        assert absent[:12] in caught.value.what

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: data[:-1],
            lambda data: b"",
            lambda data: data + b"\0",
            lambda data: data[:99] + b"X" + data[100:],
        ],
        ids=["truncated", "emptied", "grown", "one byte changed"],
    )
    def test_a_damaged_object_is_set_aside_once_and_can_be_put_again(self, store: Store, vandal: Vandal, damage):
        digest = store.put(PICTURE, durable=True)
        damaged = damage(PICTURE)
        vandal.overwrite_object(digest, damaged)
        with pytest.raises(DamagedObject) as caught:
            store.get(digest)
        assert caught.value.digest == digest
        assert vandal.aside() == [damaged]
        assert not store.has(digest)
        with pytest.raises(MissingObject):
            store.get(digest)
        store.put(PICTURE, durable=True)
        assert store.get(digest) == PICTURE

    def test_putting_over_a_torn_object_mends_it(self, store: Store, vandal: Vandal):
        digest = store.put(PICTURE, durable=True)
        vandal.overwrite_object(digest, PICTURE[:100])
        store.put(PICTURE, durable=False)
        assert store.get(digest) == PICTURE

    def test_a_file_of_an_object_holds_its_bytes(self, store: Store):
        path = store.file(store.put(PICTURE, durable=False))
        if path is not None:
            with open(path, "rb") as file:
                assert file.read() == PICTURE

    def test_objects_are_listed_with_their_sizes_and_removed_by_name(self, store: Store):
        one, two = store.put(b"one", durable=False), store.put(PICTURE, durable=False)
        listed = {each.digest: each for each in store.objects()}
        assert {digest: each.bytes for digest, each in listed.items()} == {one: 3, two: len(PICTURE)}
        assert all(each.modified > 1.7e9 for each in listed.values())
        store.remove_object(one)
        store.remove_object(one)
        assert store.digests() == {two}
        assert not store.has(one)

    def test_a_record_is_got_back_under_its_key(self, store: Store):
        record = a_record()
        store.put_record(record)
        assert store.record(record.key) == record
        assert store.keys() == {record.key}

    def test_a_local_result_needs_no_model_and_no_cost(self, store: Store):
        record = a_record(paid=False, model=None, provider=None, cost=None, estimate=None, request_id=None)
        store.put_record(record)
        assert store.record(record.key) == record

    def test_a_later_record_of_a_key_takes_the_place_of_the_earlier(self, store: Store):
        store.put_record(a_record())
        later = a_record(b"another", request_id="req_2")
        store.put_record(later)
        assert store.record(later.key) == later
        assert len(store.keys()) == 1

    def test_a_newer_versions_fields_survive_being_read_and_written(self, store: Store):
        record = a_record(extra={"approved": {"by": "Ada"}})
        store.put_record(record)
        read = store.record(record.key)
        assert read is not None
        store.put_record(replace(read, seconds=1.0))
        assert store.record(record.key) == replace(record, seconds=1.0)

    def test_a_paid_record_is_kept_whatever_the_service_answered(self, store: Store):
        record = a_record(answered={"revised": "\ud83d broken", "price": Decimal("0.1"), "n": float("inf")})
        store.put_record(record)
        read = store.record(record.key)
        assert read is not None
        assert read.answered == {"revised": "\ud83d broken", "price": "0.1", "n": float("inf")}

    def test_a_damaged_record_counts_as_absent_and_is_set_aside(self, store: Store, vandal: Vandal):
        record = a_record()
        for damage in (
            lambda data: data[: len(data) // 2],
            lambda data: b"",
            lambda data: data.replace(record.digest.encode(), digest_of(b"other").encode()),
            lambda data: data.replace(b'"size":[1536', b'"size":[1537'),
        ):
            store.put_record(record)
            damaged = damage(vandal.record_bytes(record.key))
            vandal.overwrite_record(record.key, damaged)
            assert store.record(record.key) is None
            assert damaged in vandal.aside()
            assert store.keys() == set()
        store.put_record(record)
        assert store.record(record.key) == record

    def test_another_keys_record_under_this_key_counts_as_absent(self, store: Store, vandal: Vandal):
        record = a_record()
        store.put_record(record)
        other = a_record(key=key_of({"schema": 1}))
        vandal.overwrite_record(record.key, encode_record(other))
        assert store.record(record.key) is None

    def test_removing_a_record_leaves_its_object(self, store: Store):
        digest = store.put(PICTURE, durable=False)
        store.put_record(a_record())
        store.remove_record(a_record().key)
        store.remove_record(a_record().key)
        assert store.keys() == set()
        assert store.get(digest) == PICTURE

    def test_eight_threads_putting_and_getting_the_same_bytes_see_them_whole(self, store: Store):
        data = [bytes([number]) * 50_000 for number in range(12)]

        def put_and_get(_: int) -> bool:
            return all(store.get(store.put(each, durable=False)) == each for each in data)

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(put_and_get, range(16)))
        assert store.digests() == {digest_of(each) for each in data}

    def test_eight_threads_writing_one_record_leave_one_whole(self, store: Store):
        records = [a_record(seconds=float(number)) for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(store.put_record, records * 5))
        assert store.record(records[0].key) in records
