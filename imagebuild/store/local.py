"""A store in a folder of this machine: `objects/ab/<digest>`, `results/ab/<key>.json`, `aside/`, `tmp/`.

Objects are read-only. Nothing is made until the first write. Knows nothing of campaigns and locks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress

from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.store.base import (
    DamagedObject,
    MissingObject,
    Record,
    StoredObject,
    decode_record,
    encode_record,
)
from imagebuild.store.files import Writer, cannot, free, listed, read, size, sync, unlink

__all__ = ["LocalStore"]

# Two changes within one tick of the kernel's clock leave the same time on a folder; no kernel ticks slower than this.
_TICK = 20_000_000
_FANOUT = tuple(f"{number:02x}" for number in range(256))


class LocalStore:
    """See `imagebuild.store.base.Store` for what each method promises."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        writer = Writer(self.root)
        self._objects = _Shelf(os.path.join(self.root, "objects"), "", 0o444, writer)
        self._results = _Shelf(os.path.join(self.root, "results"), ".json", 0o644, writer)

    def put(self, data: bytes, *, durable: bool) -> Digest:
        digest = digest_of(data)
        path = self._objects.path(digest)
        if size(path) == len(data):
            if durable:  # it may have been put without
                self._objects.harden(digest)
        else:
            self._objects.write(digest, data, durable)
        return digest

    def get(self, digest: Digest) -> bytes:
        data = self._objects.read(digest)
        if data is None:
            raise MissingObject(digest)
        if digest_of(data) == digest:
            return data
        aside = self._objects.set_aside(digest)
        if aside is None:  # another reader was faster
            raise MissingObject(digest)
        moved = read(aside)
        if moved is None or digest_of(moved) != digest:
            raise DamagedObject(digest, aside)
        self.put(moved, durable=True)  # a writer had mended it between our reading and our moving it
        unlink(aside)
        return moved

    def has(self, digest: Digest) -> bool:
        return os.path.exists(self._objects.path(digest))

    def file(self, digest: Digest) -> str | None:
        path = self._objects.path(digest)
        return path if os.path.exists(path) else None

    def digests(self) -> set[Digest]:
        return {Digest(name) for name in self._objects.names()}

    def objects(self) -> Iterator[StoredObject]:
        for name in sorted(self._objects.names()):
            with suppress(FileNotFoundError):
                status = os.stat(self._objects.path(name))
                yield StoredObject(Digest(name), status.st_size, status.st_mtime)

    def remove_object(self, digest: Digest) -> None:
        self._objects.remove(digest)

    def put_record(self, record: Record) -> None:
        self._results.write(record.key, encode_record(record), record.paid)

    def record(self, key: Key) -> Record | None:
        data = self._results.read(key)
        if data is None:
            return None
        try:
            return decode_record(data, key)
        except ValueError:
            self._results.set_aside(key)
            return None

    def keys(self) -> set[Key]:
        return {Key(name) for name in self._results.names()}

    def remove_record(self, key: Key) -> None:
        self._results.remove(key)

    def free_bytes(self) -> int | None:
        """What may still be written to the disk that the store is on, or will be on; None where that is not known."""
        return free(self.root)

    def stamps(self) -> tuple[tuple[str, int], ...]:
        """A value that differs whenever an object or a record came or went; a few hundred `stat` calls.

        A folder that changed just now gets a value of its own, never to be seen again: its next change might leave
        the same time on it.
        """
        now = time.time_ns()
        found: list[tuple[str, int]] = []
        for shelf in (self._objects, self._results):
            found.extend((name, stamp if stamp < now - _TICK else -now) for name, stamp in shelf.stamps())
        return tuple(found)


class _Shelf:
    """One kind of thing, spread over 256 folders by the first two characters of its name."""

    def __init__(self, root: str, suffix: str, mode: int, writer: Writer) -> None:
        self.root = root
        self.suffix = suffix
        self.mode = mode
        self.writer = writer

    def path(self, name: str) -> str:
        return f"{self.root}{os.sep}{name[:2]}{os.sep}{name}{self.suffix}"

    def names(self) -> Iterator[str]:
        for folder in listed(self.root):
            if len(folder) == 2:
                for name in listed(os.path.join(self.root, folder)):
                    stem = name.removesuffix(self.suffix) if name.endswith(self.suffix) else ""
                    if len(stem) == 64 and stem.startswith(folder):
                        yield stem

    def stamps(self) -> Iterator[tuple[str, int]]:
        present = set(listed(self.root))
        label = os.path.basename(self.root)
        for folder in _FANOUT:
            if folder in present:
                with suppress(FileNotFoundError):
                    yield f"{label}/{folder}", os.stat(f"{self.root}{os.sep}{folder}").st_mtime_ns

    def read(self, name: str) -> bytes | None:
        try:
            return read(self.path(name))
        except OSError as bad:
            raise cannot("read", self.writer.root, bad) from bad

    def write(self, name: str, data: bytes, durable: bool) -> None:
        self.writer.write(self.path(name), data, mode=self.mode, durable=durable)

    def harden(self, name: str) -> None:
        """Make sure that something already written survives a power cut."""
        path = self.path(name)
        try:
            sync(path)
            sync(os.path.dirname(path))
        except OSError as bad:
            raise cannot("write to", self.writer.root, bad) from bad

    def set_aside(self, name: str) -> str | None:
        """Move something damaged out of the way; where to, or None when it is gone already."""
        return self.writer.set_aside(self.path(name))

    def remove(self, name: str) -> None:
        path = self.path(name)
        try:
            unlink(path)
        except FileNotFoundError:
            return
        except OSError as bad:
            raise cannot("remove from", self.writer.root, bad) from bad
