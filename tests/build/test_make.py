"""Making one result: the request is what the key speaks of, and the record says everything that was known."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from imagebuild.build.make import Making
from imagebuild.build.pool import Workers
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key, digest_of, key_of
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.plan import PlanStep, complete
from imagebuild.errors import BuildError
from imagebuild.providers.base import Picture
from imagebuild.store.base import DamagedObject
from imagebuild.store.local import LocalStore
from tests.build.workshop import Clock, change, cut, generate


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(str(tmp_path / "store"))


def making_in(store: LocalStore, *, files=None, locked=lambda key, digest: None) -> Making:
    return Making(
        store, file_of=files or {}, read_file=lambda path: Path(path).read_bytes(),
        sources_of=lambda address: {"t.headline": f"words of {address}"}, kept=lambda address: digest_of(b""),
        locked=locked, now=lambda: "2026-11-21T10:00:00Z", clock=Clock(1.0),
    )  # fmt: skip


def drawn(making: Making, action, source, **more):
    """The record of a drawing, made by one worker in this process."""
    manifest = complete(action, {"input": source}) | more
    return making.draw(action, manifest, key_of(manifest), partial(Workers(making, 1, apart=False).do, 0))


def picture_bytes(size=(64, 64), color="red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def kept(store: LocalStore, action, data: bytes):
    picture = Picture(
        data=data, media_type="image/png", cost=Decimal("0.031"), request_id="req_7", answered={"usage": {"output": 7}}
    )
    key = key_of(action.manifest)
    attempt = Attempt(
        id="a1", key=key, state="sent", provider="proof", model="m", campaign="test", address=action.address,
        estimate=Decimal("0.04"), at="2026-11-21T10:00:00Z", manifest=action.manifest,
        sources={"t.headline": f"words of {action.address}"},
    )  # fmt: skip
    return making_in(store).keep(attempt, picture, 12.3456)


def test_a_request_says_what_the_manifest_says(store):
    action = generate("poster", "A kettle.")
    manifest = {**action.manifest, "background": "transparent", "take": 3}
    request = making_in(store).request(action.address, manifest, key_of(manifest))
    assert (request.prompt, request.size, request.quality, request.format) == ("A kettle.", (64, 64), "low", "png")
    assert (request.background, request.take, request.label) == ("transparent", 3, "poster")
    assert request.key == key_of(manifest)


def test_pictures_made_before_go_with_a_request_as_their_bytes(store):
    digest = store.put(picture_bytes(), durable=True)
    action = change("winter", "scene")
    manifest = complete(action, {"references[0]": digest})
    (attachment,) = making_in(store).request(action.address, manifest, key_of(manifest)).references
    assert (attachment.data, attachment.media_type) == (picture_bytes(), "image/png")


def test_a_file_and_a_mask_go_with_a_request(store, tmp_path):
    photo = tmp_path / "kettle.png"
    photo.write_bytes(picture_bytes())
    digest = digest_of(picture_bytes())
    action = generate("poster", references=[digest])
    manifest = {**action.manifest, "mask": digest}
    request = making_in(store, files={digest: str(photo)}).request(action.address, manifest, key_of(manifest))
    assert request.references[0].name == str(photo)
    assert request.mask is not None
    assert request.mask.data == picture_bytes()


def test_a_file_that_changed_since_is_no_part_of_this_request(store, tmp_path):
    photo = tmp_path / "kettle.png"
    photo.write_bytes(picture_bytes(color="blue"))
    digest = digest_of(picture_bytes())
    action = generate("poster", references=[digest])
    with pytest.raises(BuildError, match="changed while the build was running"):
        making_in(store, files={digest: str(photo)}).request(action.address, action.manifest, key_of(action.manifest))


def test_what_came_back_is_stored_as_received_and_its_record_says_all_that_is_known(store):
    action = generate("poster")
    data = picture_bytes()
    record = kept(store, action, data).record
    assert store.get(record.digest) == data
    assert store.record(record.key) == record
    assert (record.manifest, record.size, record.bytes) == (action.manifest, (64, 64), len(data))
    assert (record.paid, record.model, record.provider) == (True, "m", "proof")
    assert (record.cost, record.estimate, record.request_id) == (Decimal("0.031"), Decimal("0.04"), "req_7")
    assert (record.made_at, record.seconds) == ("2026-11-21T10:00:00Z", 12.346)
    assert record.answered == {"usage": {"output": 7}}
    assert record.sources == {"t.headline": "words of poster"}


def test_a_picture_that_is_not_what_was_asked_for_is_stored_without_a_record(store):
    action = generate("poster")
    assert kept(store, action, picture_bytes((32, 32))).flaw == "`proof` sent 32x32 png for 64x64 png"
    assert store.get(digest_of(picture_bytes((32, 32))))
    assert store.keys() == set()


def test_a_drawing_is_stored_with_the_manifest_it_was_drawn_by(store):
    source = store.put(picture_bytes(), durable=True)
    action = cut("hero", "scene")
    record = drawn(making_in(store), action, source)
    assert (record.size, record.paid, record.media_type, record.cost) == ((16, 16), False, "image/png", None)
    assert store.record(record.key) == record


def test_an_action_without_steps_delivers_the_very_bytes_it_is_made_from(store):
    source = store.put(picture_bytes(), durable=True)
    action = cut("hero", "scene")
    record = drawn(making_in(store), action, source, steps=[])
    assert record.digest == source
    assert record.size == (64, 64)


def test_nothing_is_drawn_from_a_damaged_picture(store):
    source = store.put(picture_bytes(), durable=True)
    path = Path(store.file(source))
    path.chmod(0o644)
    path.write_bytes(picture_bytes(color="blue"))
    with pytest.raises(DamagedObject):
        drawn(making_in(store), cut("hero", "scene"), source)


class CountingStore(LocalStore):
    def __init__(self, root):
        super().__init__(root)
        self.read = []

    def get(self, digest):
        self.read.append(digest)
        return super().get(digest)


def test_many_drawings_of_one_master_at_once_read_it_once(tmp_path):
    store = CountingStore(str(tmp_path / "store"))
    source = store.put(picture_bytes((64, 64)), durable=True)
    making = making_in(store)
    workers = Workers(making, 8, apart=False)
    actions = [cut(f"hero{side}", "scene", side) for side in range(8, 24)]

    def draw(numbered):
        lane, action = numbered
        manifest = complete(action, {"input": source})
        return making.draw(action, manifest, key_of(manifest), partial(workers.do, lane % 8)).size

    with ThreadPoolExecutor(8) as executor:
        sizes = list(executor.map(draw, enumerate(actions)))
    assert sizes == [(side, side) for side in range(8, 24)]
    assert store.read == [source]


def step_of(key: Key, digest) -> PlanStep:
    return PlanStep(
        "poster", "poster", "generate", (), "restore", "file-missing", key, key, digest, "out/poster.png", "64x64",
        Decimal(0),
    )  # fmt: skip


def test_a_known_result_is_told_as_the_lock_has_it(store):
    key, digest = key_of({"a": 1}), digest_of(b"x")
    entry = LockEntry("poster", key, digest, "out/poster.png", "64x64", 123, "m", "openai", Decimal("0.05"))
    found = making_in(store).known(step_of(key, digest), Lock("test", {"poster": entry}))
    assert (found.bytes, found.cost, found.provider) == (123, Decimal("0.05"), "openai")


def test_a_known_result_is_told_as_another_line_of_the_lock_has_it(store):
    key, digest = key_of({"a": 1}), digest_of(b"x")
    entry = LockEntry("old-name", key, digest, None, None, 123, "m", "openai", Decimal("0.05"))
    making = making_in(store, locked=lambda *asked: entry if asked == (key, digest) else None)
    found = making.known(step_of(key, digest), Lock("test"))
    assert (found.bytes, found.cost, found.size) == (123, Decimal("0.05"), "64x64")


def test_a_known_result_that_no_lock_names_is_told_as_the_store_has_it(store):
    record = kept(store, generate("poster"), picture_bytes()).record
    found = making_in(store).known(step_of(record.key, record.digest), Lock("test"))
    assert (found.cost, found.size, found.bytes) == (record.cost, "64x64", record.bytes)


def test_of_bytes_without_a_record_only_their_length_is_known(store):
    digest = store.put(picture_bytes(color="green"), durable=True)
    found = making_in(store).known(step_of(key_of({"a": 1}), digest), Lock("test"))
    assert (found.bytes, found.cost, found.size) == (len(picture_bytes(color="green")), None, "64x64")
