"""Files of a store's folder: put in place whole, added to line by line, swept; what goes wrong is a `StoreError`.

Written as restic's local backend writes: a temporary name in the same file system, then (durable) fsync, rename, fsync
of the folder. Nothing is made until the first write. Knows nothing of what the files hold.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from imagebuild.errors import StoreError, reason_of
from imagebuild.flock import unlock, wait_for
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    import shutil
else:
    shutil = lazy("shutil")  # it loads every archive format

__all__ = ["BINARY", "Writer", "cannot", "free", "listed", "read", "size", "sync", "unlink"]

BINARY = getattr(os, "O_BINARY", 0)
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EACCES, errno.EPERM, errno.EROFS}
_DAY = 24 * 3600.0
_PATIENCE = 60.0  # seconds for a line that another process writes; it takes milliseconds


class Writer:
    """Puts whole files in place: what a reader sees under a name is always all of it."""

    def __init__(self, root: str, *, patience: float = _PATIENCE) -> None:
        self.root = root
        self.patience = patience
        self.temporary = os.path.join(root, "tmp")
        self.aside = os.path.join(root, "aside")
        self.host = f"{_host_name()}-{_process_space()}"
        self.token = os.urandom(4).hex()  # a process's number comes again, in a restarted container at once
        self.numbers = itertools.count()  # next() on it is atomic
        self.threads = threading.Lock()  # fair among this process's, where the lock of a file is not
        self.lined: set[str] = set()  # the files of lines whose place in their folder is on the disk
        self.is_ready = False

    def write(self, path: str, data: bytes, *, mode: int, durable: bool) -> None:
        try:
            self.prepare()
            try:
                self._publish(path, data, mode, durable)
            except FileNotFoundError:  # a folder, or the temporary file, was swept away under us: once more
                os.makedirs(self.temporary, exist_ok=True)
                self._publish(path, data, mode, durable)
        except OSError as bad:
            raise cannot("write to", self.root, bad) from bad

    def add_line(self, path: str, line: bytes) -> None:
        """Add a line, which ends in a line break, to a file of lines; it is on the disk when this returns. Lines of
        several processes never mix; what a killed one left half is ended first, so that it spoils no other."""
        try:
            with self.threads:
                self._add_line(path, line)
        except OSError as bad:
            raise cannot("write to", self.root, bad) from bad

    def set_aside(self, path: str) -> str | None:
        try:
            os.makedirs(self.aside, exist_ok=True)
            place = os.path.join(self.aside, f"{os.path.basename(path)}.{time.time_ns():x}{next(self.numbers)}")
            os.rename(path, place)
        except FileNotFoundError:
            return None
        except OSError as bad:
            raise cannot("set a damaged file aside in", self.root, bad) from bad
        return place

    def _publish(self, path: str, data: bytes, mode: int, durable: bool) -> None:
        temporary = os.path.join(self.temporary, f"{self.host}.{os.getpid()}.{self.token}{next(self.numbers)}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, mode)
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
                    sync(os.path.dirname(folder))
                    sync(self.root)
            _replace(temporary, path)
            if durable:
                sync(folder)
        except BaseException:  # Ctrl-C too
            with suppress(OSError):
                unlink(temporary)
            raise

    def _add_line(self, path: str, line: bytes) -> None:
        folder = os.path.dirname(path)
        if not os.path.exists(path):
            self.lined.discard(path)
            self.prepare()
            os.makedirs(folder, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | BINARY, 0o644)
        try:
            if not wait_for(descriptor, poll=0.002, timeout=self.patience):
                raise StoreError(
                    f"`{path}` has been locked for {self.patience:g} s",
                    hint="an imagebuild that was stopped in the middle (Ctrl-Z) holds it: let it go on, or end it",
                )
            try:
                _added(descriptor, line)
            finally:
                unlock(descriptor)
        finally:
            os.close(descriptor)
        if path not in self.lined:  # whoever made the file may have been killed before it said so
            sync(folder)
            sync(os.path.dirname(folder))
            self.lined.add(path)

    def prepare(self) -> None:
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
        for name in listed(self.temporary):
            path = os.path.join(self.temporary, name)
            host, _, process = name.rpartition(".")[0].rpartition(".")
            with suppress(OSError):  # another sweeper may be faster
                gone = host == self.host and process.isdigit() and not _is_running(int(process))
                if gone or time.time() - os.stat(path).st_mtime > _DAY:
                    unlink(path)


def _added(descriptor: int, line: bytes) -> None:
    """All of the line, or nothing of it."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    if end:
        os.lseek(descriptor, end - 1, os.SEEK_SET)
        if os.read(descriptor, 1) != b"\n":
            line = b"\n" + line
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except BaseException:
        with suppress(OSError):
            os.ftruncate(descriptor, end)
        raise


# ------------------------------------------------------------------------------------------- the operating system


def size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None


def free(path: str) -> int | None:
    """The bytes that this user may still write to the disk a file is on, or would be on; None where the operating
    system does not say."""
    while not os.path.exists(path) and os.path.dirname(path) != path:
        path = os.path.dirname(path)
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def listed(folder: str) -> list[str]:
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


def unlink(path: str) -> None:
    if sys.platform == "win32" and os.path.exists(path):
        os.chmod(path, 0o666)  # nor removes one
    os.unlink(path)


def sync(path: str) -> None:
    folder = os.path.isdir(path)
    if folder and sys.platform == "win32":
        return  # Windows has no such thing for a folder
    descriptor = os.open(path, os.O_RDONLY | BINARY)
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


def cannot(verb: str, root: str, bad: OSError) -> StoreError:
    reason = reason_of(bad)
    hint = None
    if bad.errno in _FULL:
        hint = "free some space, then run the same command again; `imagebuild cache gc` shows what no lock needs"
    elif bad.errno in _CLOSED:
        hint = "check who owns the folder and whether it may be written to"
    return StoreError(f"cannot {verb} the store `{root}`: {reason}", hint=hint)
