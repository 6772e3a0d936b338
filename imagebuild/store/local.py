"""A store in a folder of this machine: `objects/ab/<digest>`, `results/ab/<key>.json`, `aside/`, `tmp/`.

Written as restic's local backend writes: a temporary name in the same file system, then (durable) fsync, rename, fsync
of the folder; objects are read-only. Nothing is made until the first write. Knows nothing of campaigns and locks.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.errors import StoreError
from imagebuild.store.base import (
    DamagedObject,
    MissingObject,
    Record,
    StoredObject,
    decode_record,
    encode_record,
)

__all__ = ["LocalStore"]

_BINARY = getattr(os, "O_BINARY", 0)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_DAY = 24 * 3600.0
# Two changes within one tick of the kernel's clock leave the same time on a folder; no kernel ticks slower than this.
_TICK = 20_000_000
_FANOUT = tuple(f"{number:02x}" for number in range(256))


class LocalStore:
    """See `imagebuild.store.base.Store` for what each method promises."""

    def __init__(self, root: str) -> None:
        self.root = os.path.abspath(root)
        writer = _Writer(self.root)
        self._objects = _Shelf(os.path.join(self.root, "objects"), "", 0o444, writer)
        self._results = _Shelf(os.path.join(self.root, "results"), ".json", 0o644, writer)

    def put(self, data: bytes, *, durable: bool) -> Digest:
        digest = digest_of(data)
        path = self._objects.path(digest)
        if _size(path) == len(data):
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
        moved = _read(aside)
        if moved is None or digest_of(moved) != digest:
            raise DamagedObject(digest, aside)
        self.put(moved, durable=True)  # a writer had mended it between our reading and our moving it
        _unlink(aside)
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

    def __init__(self, root: str, suffix: str, mode: int, writer: _Writer) -> None:
        self.root = root
        self.suffix = suffix
        self.mode = mode
        self.writer = writer

    def path(self, name: str) -> str:
        return f"{self.root}{os.sep}{name[:2]}{os.sep}{name}{self.suffix}"

    def names(self) -> Iterator[str]:
        for folder in _listed(self.root):
            if len(folder) == 2:
                for name in _listed(os.path.join(self.root, folder)):
                    stem = name.removesuffix(self.suffix) if name.endswith(self.suffix) else ""
                    if len(stem) == 64 and stem.startswith(folder):
                        yield stem

    def stamps(self) -> Iterator[tuple[str, int]]:
        present = set(_listed(self.root))
        label = os.path.basename(self.root)
        for folder in _FANOUT:
            if folder in present:
                with suppress(FileNotFoundError):
                    yield f"{label}/{folder}", os.stat(f"{self.root}{os.sep}{folder}").st_mtime_ns

    def read(self, name: str) -> bytes | None:
        try:
            return _read(self.path(name))
        except OSError as bad:
            raise _cannot("read", self.writer.root, bad) from bad

    def write(self, name: str, data: bytes, durable: bool) -> None:
        self.writer.write(self.path(name), data, mode=self.mode, durable=durable)

    def harden(self, name: str) -> None:
        """Make sure that something already written survives a power cut."""
        path = self.path(name)
        try:
            _sync(path)
            _sync(os.path.dirname(path))
        except OSError as bad:
            raise _cannot("write to", self.writer.root, bad) from bad

    def set_aside(self, name: str) -> str | None:
        """Move something damaged out of the way; where to, or None when it is gone already."""
        return self.writer.set_aside(self.path(name))

    def remove(self, name: str) -> None:
        path = self.path(name)
        try:
            _unlink(path)
        except FileNotFoundError:
            return
        except OSError as bad:
            raise _cannot("remove from", self.writer.root, bad) from bad


class _Writer:
    """Puts whole files in place: what a reader sees under a name is always all of it."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.temporary = os.path.join(root, "tmp")
        self.aside = os.path.join(root, "aside")
        self.host = f"{_host_name()}-{_process_space()}"
        self.token = os.urandom(4).hex()  # a process's number comes again, in a restarted container at once
        self.numbers = itertools.count()  # next() on it is atomic
        self.is_ready = False

    def write(self, path: str, data: bytes, *, mode: int, durable: bool) -> None:
        try:
            self._prepare()
            try:
                self._publish(path, data, mode, durable)
            except FileNotFoundError:  # a folder, or the temporary file, was swept away under us: once more
                os.makedirs(self.temporary, exist_ok=True)
                self._publish(path, data, mode, durable)
        except OSError as bad:
            raise _cannot("write to", self.root, bad) from bad

    def set_aside(self, path: str) -> str | None:
        try:
            os.makedirs(self.aside, exist_ok=True)
            place = os.path.join(self.aside, f"{os.path.basename(path)}.{time.time_ns():x}{next(self.numbers)}")
            os.rename(path, place)
        except FileNotFoundError:
            return None
        except OSError as bad:
            raise _cannot("set a damaged file aside in", self.root, bad) from bad
        return place

    def _publish(self, path: str, data: bytes, mode: int, durable: bool) -> None:
        temporary = os.path.join(self.temporary, f"{self.host}.{os.getpid()}.{self.token}{next(self.numbers)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, mode)
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
                if durable:
                    os.fsync(descriptor)
            folder = os.path.dirname(path)
            if not os.path.isdir(folder):
                os.makedirs(folder, exist_ok=True)
                if durable:
                    _sync(os.path.dirname(folder))
                    _sync(self.root)
            _replace(temporary, path)
            if durable:
                _sync(folder)
        except BaseException:  # Ctrl-C too
            with suppress(OSError):
                _unlink(temporary)
            raise

    def _prepare(self) -> None:
        if self.is_ready:
            return
        os.makedirs(self.temporary, exist_ok=True)
        ignore = os.path.join(self.root, ".gitignore")
        if not os.path.exists(ignore):
            with open(ignore, "w", encoding="utf-8") as file:
                file.write("*\n")
        self._sweep()
        self.is_ready = True

    def _sweep(self) -> None:
        """Remove what killed writers left: those of this machine whose process is gone, and anything a day old."""
        for name in _listed(self.temporary):
            path = os.path.join(self.temporary, name)
            host, _, process = name.rpartition(".")[0].rpartition(".")
            with suppress(OSError):  # another sweeper may be faster
                gone = host == self.host and process.isdigit() and not _is_running(int(process))
                if gone or time.time() - os.stat(path).st_mtime > _DAY:
                    _unlink(path)


# ------------------------------------------------------------------------------------------- the operating system


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _replace(source: str, target: str) -> None:
    try:
        os.replace(source, target)
    except PermissionError:
        if sys.platform != "win32" or not os.path.exists(target):
            raise
        os.chmod(target, 0o666)  # Windows does not replace a read-only file
        os.replace(source, target)


def _unlink(path: str) -> None:
    if sys.platform == "win32" and os.path.exists(path):
        os.chmod(path, 0o666)  # nor removes one
    os.unlink(path)


def _sync(path: str) -> None:
    folder = os.path.isdir(path)
    if folder and sys.platform == "win32":
        return  # Windows has no such thing for a folder
    descriptor = os.open(path, os.O_RDONLY | _BINARY)
    try:
        os.fsync(descriptor)
    except OSError as bad:
        if not folder or bad.errno not in (errno.EINVAL, errno.ENOTSUP):  # nor have some network file systems
            raise
    finally:
        os.close(descriptor)


def _host_name() -> str:
    if sys.platform == "win32":
        return os.environ.get("COMPUTERNAME", "windows")
    return os.uname().nodename  # `socket.gethostname` costs the loading of `socket`


def _process_space() -> int:
    """Tells apart containers that share a store and a host name, but not their processes' numbers."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0


def _is_running(process: int) -> bool:
    if sys.platform == "win32":
        return True  # os.kill would end it; age alone decides there
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _cannot(verb: str, root: str, bad: OSError) -> StoreError:
    reason = (bad.strerror or str(bad)).lower()
    hint = None
    if bad.errno in _FULL:
        hint = "free some space, then run the same command again; `imagebuild cache gc` shows what no lock needs"
    elif bad.errno in _CLOSED:
        hint = "check who owns the folder and whether it may be written to"
    return StoreError(f"cannot {verb} the store `{root}`: {reason}", hint=hint)
