"""The local store: the contract, and what only a folder can do."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagebuild.core.key import digest_of
from imagebuild.errors import StoreError
from imagebuild.store.local import LocalStore
from tests.store.contract import PICTURE, StoreContract, Vandal, a_record

REPOSITORY = Path(__file__).parents[2]


class FolderVandal(Vandal):
    def __init__(self, root: Path) -> None:
        self.root = root

    def object_path(self, digest):
        return self.root / "objects" / digest[:2] / digest

    def record_path(self, key):
        return self.root / "results" / key[:2] / f"{key}.json"

    def object_bytes(self, digest):
        return self.object_path(digest).read_bytes()

    def overwrite_object(self, digest, data):
        path = self.object_path(digest)
        path.chmod(0o644)
        path.write_bytes(data)

    def record_bytes(self, key):
        return self.record_path(key).read_bytes()

    def overwrite_record(self, key, data):
        self.record_path(key).write_bytes(data)

    def aside(self):
        return [path.read_bytes() for path in (self.root / "aside").iterdir()]


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def store(root):
    return LocalStore(str(root))


@pytest.fixture
def vandal(root):
    return FolderVandal(root)


class TestContract(StoreContract):
    pass


def everything(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_reading_an_absent_store_makes_nothing(store, root):
    assert store.record(a_record().key) is None
    assert store.digests() == set()
    assert store.stamps() == ()
    assert not root.exists()


def test_the_first_write_hides_the_store_from_git_and_objects_are_read_only(store, root):
    digest = store.put(PICTURE, durable=True)
    path = root / "objects" / digest[:2] / digest
    assert everything(root) == [".gitignore", f"objects/{digest[:2]}/{digest}"]
    assert (root / ".gitignore").read_text() == "*\n"
    assert stat.S_IMODE(path.stat().st_mode) & 0o222 == 0


def test_what_is_no_object_is_not_listed(store, root):
    digest = store.put(PICTURE, durable=False)
    (root / "objects" / digest[:2] / "notes.txt").write_text("mine")
    (root / "objects" / "readme").write_text("mine")
    (root / "objects" / digest[:2] / (("00" if digest[:2] != "00" else "11") + digest[2:])).write_text("misplaced")
    assert store.digests() == {digest}
    assert [each.digest for each in store.objects()] == [digest]


def test_stamps_tell_of_every_coming_and_going(store):
    def settled():
        time.sleep(0.03)
        return store.stamps()

    digest = store.put(PICTURE, durable=False)
    seen = [settled()]
    assert settled() == seen[0]
    for change in (
        lambda: store.put_record(a_record()),
        lambda: store.put(b"another", durable=False),
        lambda: store.remove_object(digest),
        lambda: store.remove_record(a_record().key),
    ):
        change()
        seen.append(settled())
        assert settled() == seen[-1]
    assert len(set(seen)) == 5


def test_stamps_of_a_store_that_changed_just_now_are_never_seen_again(store):
    store.put(PICTURE, durable=False)
    assert store.stamps() != store.stamps()


def test_a_torn_write_is_invisible_and_swept_by_the_next_writer(store, root):
    store.put(PICTURE, durable=False)
    child = subprocess.Popen([sys.executable, "-c", "pass"])
    child.wait()
    mine = f"{store._objects.writer.host}.{child.pid}.x0"
    (root / "tmp" / mine).write_bytes(PICTURE[:10])
    running = f"{store._objects.writer.host}.{os.getpid()}.x0"
    (root / "tmp" / running).write_bytes(PICTURE[:10])
    (root / "tmp" / "other-host.1.x0").write_bytes(PICTURE[:10])
    old = root / "tmp" / "other-host.2.x0"
    old.write_bytes(PICTURE[:10])
    os.utime(old, (time.time() - 90_000,) * 2)
    assert len(store.digests()) == 1
    LocalStore(str(root)).put(b"another", durable=False)
    assert sorted(path.name for path in (root / "tmp").iterdir()) == sorted([running, "other-host.1.x0"])


def test_a_store_removed_under_a_running_writer_is_made_anew(store, root):
    store.put(PICTURE, durable=True)
    for path in sorted(root.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert store.get(store.put(PICTURE, durable=True)) == PICTURE


def test_a_place_that_cannot_be_written_to_is_told_with_what_to_do(tmp_path):
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(StoreError, match="cannot write to the store") as caught:
        LocalStore(str(tmp_path / "store")).put(PICTURE, durable=True)
    assert str(tmp_path) in caught.value.what


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_write_that_fails_halfway_leaves_nothing_and_is_told(store, root):
    store.put(b"first", durable=False)
    limited = (
        "import resource, signal, sys\n"
        "from imagebuild.errors import StoreError\n"
        "from imagebuild.store.local import LocalStore\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "    LocalStore(sys.argv[1]).put(b'x' * 5000, durable=True)\n"
        "except StoreError as error:\n"
        "    print(error.what)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limited, str(root)], capture_output=True, text=True, check=True, cwd=REPOSITORY
    )
    assert done.stdout == f"cannot write to the store `{root}`: file too large\n"
    assert list((root / "tmp").iterdir()) == []
    assert store.digests() == {digest_of(b"first")}


PUT_LOOP = """
import sys
from imagebuild.store.local import LocalStore
from tests.store.contract import a_record
store = LocalStore(sys.argv[1])
print("ready", flush=True)
number = 0
while number < int(sys.argv[2]):
    data = bytes([number % 251]) * (1000 + 37 * (number % 300))
    store.put(data, durable=number % 7 == 0)
    store.put_record(a_record(data, paid=number % 7 == 0))
    number += 1
"""


def put_loop(root: Path, count: int) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", PUT_LOOP, str(root), str(count)], stdout=subprocess.PIPE, cwd=REPOSITORY
    )


def assert_whole(store: LocalStore) -> None:
    for digest in store.digests():
        assert digest_of(store.get(digest)) == digest
    for key in sorted(store.keys()):
        record = store.record(key)
        assert record is not None
        assert store.has(record.digest)


def test_four_processes_putting_the_same_bytes_leave_a_whole_store(store, root):
    loops = [put_loop(root, 150) for _ in range(4)]
    for loop in loops:
        loop.communicate()
    assert [loop.returncode for loop in loops] == [0] * 4
    assert len(store.digests()) == 150
    assert_whole(store)
    assert list((root / "tmp").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_writer_killed_at_any_moment_leaves_a_whole_store(store, root):
    for delay in (0.0, 0.003, 0.011, 0.02, 0.05):
        loop = put_loop(root, 10**9)
        assert loop.stdout is not None
        assert loop.stdout.readline() == b"ready\n"
        time.sleep(delay)
        loop.send_signal(signal.SIGKILL)
        loop.communicate()
        assert_whole(LocalStore(str(root)))
    store.put(PICTURE, durable=True)
    assert list((root / "tmp").iterdir()) == []
    assert store.get(digest_of(PICTURE)) == PICTURE
