"""What the store has, what the locks name, and what may go: on a real store, with results that were really paid for."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from imagebuild.core.approvals.decision import Decision, written
from imagebuild.core.approvals.history import written_header
from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.core.lock import Lock, LockEntry, write_lock
from imagebuild.errors import BuildError
from imagebuild.stages.cache import (
    contents_of,
    drop,
    named_by_locks,
    piles,
    require_all_locks,
    sweep,
    verify,
)
from imagebuild.store.base import Record
from imagebuild.store.journal import LocalJournal
from imagebuild.store.local import LocalStore
from tests.store.journal_contract import a_payment, an_attempt

DAY = 24 * 3600.0


@dataclass
class Yard:
    """A project's folder with its store, and the short ways to fill both."""

    root: Path
    store: LocalStore

    def keep(self, name: str, *, cost: str | None = None, provider: str = "openai") -> Record:
        """A stored result: paid for when it has a cost, else drawn here."""
        digest = self.store.put(f"the bytes of {name}".encode(), durable=True)
        record = Record(
            key=Key(digest_of(f"the key of {name}".encode())), manifest={"name": name}, digest=digest,
            media_type="image/png", size=(1, 1), bytes=20, made_at="2026-03-01T00:00:00Z", seconds=1.0, address=name,
            paid=cost is not None,
            model="gpt-image-2" if cost else None, provider=provider if cost else None,
            cost=Decimal(cost) if cost else None,
        )  # fmt: skip
        self.store.put_record(record)
        return record

    def lock(self, *records: Record, path: str = "imagebuild.lock", output: str | None = None) -> None:
        entries = {each.address: LockEntry(each.address, each.key, each.digest, output) for each in records}
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(write_lock(Lock("c", entries)), encoding="utf-8")

    def sweep(self, *, now: float | None = None, shared: bool = False):
        named = named_by_locks([str(self.root)])
        return sweep(contents_of(self.store), named, now=time.time() if now is None else now, shared=shared)

    def path_of(self, digest: Digest) -> Path:
        return Path(self.store.root) / "objects" / digest[:2] / digest

    def damage(self, digest: Digest) -> None:
        self.path_of(digest).chmod(0o644)
        self.path_of(digest).write_bytes(b"rotten")

    def git(self, *words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"]
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *identity, *words], cwd=self.root, check=True, capture_output=True, env=environment)


@pytest.fixture
def yard(tmp_path: Path) -> Yard:
    return Yard(tmp_path, LocalStore(str(tmp_path / ".imagebuild" / "store")))


def test_what_a_lock_names_by_key_or_by_digest_stays(yard: Yard) -> None:
    by_key, by_digest, free = yard.keep("a"), yard.keep("b"), yard.keep("c")
    other = Key("0" * 64)
    entries = {
        "a": LockEntry("a", by_key.key, Digest("1" * 64)),
        "b": LockEntry("b", other, by_digest.digest),
    }
    (yard.root / "imagebuild.lock").write_text(write_lock(Lock("c", entries)), encoding="utf-8")
    found = yard.sweep()
    assert [each.digest for each in found.drawn] == [free.digest]
    assert found.paid == ()


def test_every_campaign_of_the_project_counts(yard: Yard) -> None:
    first, second = yard.keep("a"), yard.keep("b")
    yard.lock(first)
    yard.lock(second, path="ads/spring.imagebuild.lock")
    assert yard.sweep().drawn == ()


def test_every_branch_tag_and_stash_counts(yard: Yard) -> None:
    records = {name: yard.keep(name) for name in ("branch", "tag", "stash", "free")}
    (yard.root / ".gitignore").write_text(".imagebuild/\n", encoding="utf-8")
    yard.git("init", "-q", "-b", "main")
    for name in ("branch", "tag"):
        yard.lock(records[name])
        yard.git("add", ".")
        yard.git("commit", "-q", "-m", name)
        yard.git(name, f"keep-{name}")
    yard.lock(records["stash"])
    yard.git("stash")
    yard.git("checkout", "-q", "--orphan", "empty")
    yard.git("rm", "-q", "-rf", ".")
    assert [each.digest for each in yard.sweep().drawn] == [records["free"].digest]


def test_what_was_decided_about_stays_to_be_compared_with_and_an_edited_history_forbids_dropping(yard: Yard) -> None:
    approved, free = yard.keep("approved"), yard.keep("free")
    decision = Decision(
        ref="1" * 32, at="2026-11-21T10:00:00Z", by="ana@example.org", decision="approve", asset="a",
        digest=approved.digest,
    )  # fmt: skip
    path = yard.root / "imagebuild.approvals"
    path.write_text(f"{written_header('c')}\n{written(decision)}\n", encoding="utf-8")
    assert [each.digest for each in yard.sweep().drawn] == [free.digest]
    path.write_text(f"{written_header('c')}\n{written(decision).replace('ana', 'eve')}\n", encoding="utf-8")
    with pytest.raises(BuildError, match="nothing is dropped") as told:
        require_all_locks(named_by_locks([str(yard.root)]))
    assert "the line was edited" in str(told.value.hint)


def test_both_sides_of_a_merge_count(yard: Yard) -> None:
    ours, theirs = yard.keep("x"), yard.keep("y")
    yard.lock(ours)
    line = write_lock(Lock("c", {"x": LockEntry("x", theirs.key, theirs.digest)})).splitlines()[1]
    lock = yard.root / "imagebuild.lock"
    head, mine = lock.read_text(encoding="utf-8").splitlines()
    lock.write_text(f"{head}\n<<<<<<< HEAD\n{mine}\n=======\n{line}\n>>>>>>> other\n", encoding="utf-8")
    assert yard.sweep().drawn == ()


def test_a_lock_that_cannot_be_read_forbids_dropping_anything(yard: Yard) -> None:
    yard.keep("a")
    (yard.root / "imagebuild.lock").write_text("not a lock\n", encoding="utf-8")
    with pytest.raises(BuildError, match="could not be read, so nothing is dropped") as raised:
        require_all_locks(named_by_locks([str(yard.root)]))
    assert "imagebuild.lock: " in str(raised.value.hint)


def test_paid_pictures_are_told_apart_with_what_they_cost(yard: Yard) -> None:
    yard.keep("drawn")
    yard.keep("paid", cost="0.25")
    yard.keep("placeholder", cost="0", provider="proof")
    yard.store.put(b"nobody knows", durable=True)
    found = piles(contents_of(yard.store).holdings)
    assert (found["paid"].objects, found["paid"].cost) == (1, Decimal("0.25"))
    assert found["drawn"].objects == 2  # what the provider inside drew is drawn again for nothing
    assert found["unrecorded"].objects == 1


def test_bytes_without_a_record_may_have_been_paid_for_and_are_handled_so(yard: Yard) -> None:
    digest = yard.store.put(b"nobody knows", durable=True)
    assert yard.sweep().young == 1  # somebody may be about to write its record
    found = yard.sweep(now=time.time() + DAY)
    assert found.young == 0
    assert found.drawn == ()
    assert [each.digest for each in found.paid] == [digest]


def test_a_paid_picture_whose_record_was_damaged_is_not_taken_for_a_drawn_one(yard: Yard) -> None:
    record = yard.keep("paid", cost="0.25")
    path = Path(yard.store.root) / "results" / record.key[:2] / f"{record.key}.json"
    path.write_text("{", encoding="utf-8")
    found = yard.sweep(now=time.time() + DAY)
    assert found.drawn == ()
    assert [each.digest for each in found.paid] == [record.digest]


def test_in_a_shared_store_what_is_young_stays_even_with_a_record(yard: Yard) -> None:
    yard.keep("a")
    assert len(yard.sweep().drawn) == 1
    assert yard.sweep(shared=True).drawn == ()
    assert len(yard.sweep(shared=True, now=time.time() + DAY).drawn) == 1


def test_bytes_that_a_kept_result_shares_stay_with_all_their_records(yard: Yard) -> None:
    first = yard.keep("same")
    second = Record(
        key=Key("2" * 64), manifest={}, digest=first.digest, media_type="image/png", size=(1, 1), bytes=20,
        made_at="2026-03-01T00:00:00Z", seconds=1.0, address="other", paid=False,
    )  # fmt: skip
    yard.store.put_record(second)
    yard.lock(first)
    found = yard.sweep()
    assert found.drawn == ()
    assert found.lonely == ()


def test_dropping_takes_the_object_and_its_records(yard: Yard) -> None:
    kept, free = yard.keep("kept"), yard.keep("free")
    yard.lock(kept)
    found = yard.sweep()
    drop(yard.store, found.drawn, found.lonely)
    assert yard.store.digests() == {kept.digest}
    assert yard.store.keys() == {kept.key}
    assert yard.store.record(free.key) is None


def test_what_a_kill_in_the_middle_of_dropping_leaves_is_swept_up_by_the_next(yard: Yard) -> None:
    free = yard.keep("free")
    yard.store.remove_object(free.digest)
    found = yard.sweep()
    assert [each.key for each in found.lonely] == [free.key]
    drop(yard.store, found.drawn, found.lonely)
    assert yard.store.keys() == set()


def test_a_record_of_a_paid_picture_that_is_gone_is_kept(yard: Yard) -> None:
    paid = yard.keep("paid", cost="0.25")
    yard.store.remove_object(paid.digest)
    assert yard.sweep().lonely == ()


# ----------------------------------------------------------------------------------------------------------- verify


def _verified(yard: Yard):
    return verify(yard.store, contents_of(yard.store), named_by_locks([str(yard.root)]))


def test_a_whole_store_has_nothing_to_tell(yard: Yard) -> None:
    yard.lock(yard.keep("a"), yard.keep("b", cost="0.25"))
    found = _verified(yard)
    assert (found.damaged, found.missing) == ((), ())
    assert (len(found.contents.holdings), found.contents.records) == (2, 2)


def test_a_damaged_object_is_restored_from_an_output_with_its_bytes(yard: Yard) -> None:
    record = yard.keep("a", cost="0.25")
    yard.lock(record, path="ads/imagebuild.lock", output="out/a.png")
    (yard.root / "ads" / "out").mkdir(parents=True)
    (yard.root / "ads" / "out" / "a.png").write_bytes(b"the bytes of a")
    yard.damage(record.digest)
    (damage,) = _verified(yard).damaged
    assert (damage.remedy, damage.source, damage.addresses) == ("restored", "ads/out/a.png", ("a",))
    assert yard.store.get(record.digest) == b"the bytes of a"
    assert Path(damage.aside).read_bytes() == b"rotten"


def test_an_output_that_was_edited_restores_nothing(yard: Yard) -> None:
    record = yard.keep("a", cost="0.25")
    yard.lock(record, output="a.png")
    (yard.root / "a.png").write_bytes(b"edited")
    yard.damage(record.digest)
    (damage,) = _verified(yard).damaged
    assert (damage.remedy, damage.cost) == ("made", Decimal("0.25"))
    assert not yard.store.has(record.digest)


def test_what_becomes_of_damage_depends_on_what_it_was(yard: Yard) -> None:
    drawn, free = yard.keep("drawn"), yard.keep("free", cost="0.25")
    yard.lock(drawn)
    yard.damage(drawn.digest)
    yard.damage(free.digest)
    remedies = {each.addresses[0]: each.remedy for each in _verified(yard).damaged}
    assert remedies == {"drawn": "drawn", "free": "unneeded"}


def test_locked_pictures_the_store_has_not_are_told_with_where_they_are(yard: Yard) -> None:
    here, gone = yard.keep("here"), yard.keep("gone")
    lines = [LockEntry(each.address, each.key, each.digest, f"{each.address}.png") for each in (here, gone)]
    entries = {each.address: each for each in lines}
    (yard.root / "imagebuild.lock").write_text(write_lock(Lock("c", entries)), encoding="utf-8")
    (yard.root / "here.png").write_bytes(b"the bytes of here")
    for record in (here, gone):
        yard.store.remove_object(record.digest)
    found = _verified(yard)
    assert {each.address: each.output for each in found.missing} == {"here": "here.png", "gone": None}
    assert {each.address for each in found.contents.lonely} == {"here", "gone"}


# ------------------------------------------------------------------------------------------------ beside the journal


def test_a_flawed_picture_stays_as_long_as_somebody_may_still_take_it(yard: Yard) -> None:
    flawed = yard.store.put(b"came otherwise than asked", durable=True)
    os.utime(yard.path_of(flawed), (time.time() - DAY, time.time() - DAY))
    journal = LocalJournal(yard.store.root)
    journal.open(an_attempt(state="flawed", digest=flawed))
    assert yard.sweep().paid == ()
    journal.close(an_attempt().key)
    assert [each.digest for each in yard.sweep().paid] == [flawed]


def test_dropping_leaves_what_was_begun_and_what_was_paid(yard: Yard) -> None:
    journal = LocalJournal(yard.store.root)
    journal.open(an_attempt())
    journal.pay(a_payment())
    Path(journal.reply_file(an_attempt().key)).write_bytes(b"reply")
    yard.keep("scene", cost="0.04")
    yard.lock()
    found = yard.sweep()
    drop(yard.store, (*found.drawn, *found.paid), found.lonely)
    assert yard.store.digests() == set()
    assert [each.answered for each in LocalJournal(yard.store.root).attempts()] == [True]
    assert list(journal.payments()) == [a_payment()]
