"""The project's output folder: looking at deliverables, putting them in place, setting aside what a person made.

A deliverable appears whole or not at all, and is a file of its own: a clone where the file system can, else a copy,
never a link, so that no edit of it can reach the store. Paths are relative to the project's root, with `/`. Knows
nothing of assets and keys.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from imagebuild.core.key import Digest, digest_of, short
from imagebuild.errors import BuildError, StoreError, reason_of
from imagebuild.lazy import lazy
from imagebuild.workspace.private import PRIVATE, name_beside, private_folder, temporary_folder

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    import shutil
else:
    shutil = lazy("shutil")  # it loads every archive format

__all__ = ["DamagedSource", "OutputState", "Outputs", "look", "share_blocks"]

_DIRECTORY: Final = getattr(os, "O_DIRECTORY", 0)
_BINARY: Final = getattr(os, "O_BINARY", 0)
_BY_FOLDER: Final = os.stat in os.supports_dir_fd
_FICLONE: Final = 0x40049409  # Linux: make one file share another's blocks, copied when written


class OutputState(NamedTuple):
    """A deliverable as it lies there. Its digest costs reading it: `Outputs.digest`."""

    size: int
    modified: int  # nanoseconds


class DamagedSource(StoreError):
    """What was to be delivered is gone, or not what its digest says; nothing was delivered. `Store.get` tells which."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(
            f"the store's object `{short(digest)}` is damaged or gone", hint="build again to restore or remake it"
        )
        self.digest = digest


def look(root: str, paths: Iterable[str]) -> dict[str, OutputState]:
    """The state of every path that is a regular file; the others are left out. Reads no file."""
    by_folder: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        by_folder.setdefault(folder, []).append(name)
    found: dict[str, OutputState] = {}
    for folder, names in by_folder.items():
        place = os.path.join(root, folder)
        prefix = f"{folder}/" if folder else ""
        if _BY_FOLDER:
            _look_into(place, prefix, names, found)
        else:
            for name in names:
                with suppress(OSError):
                    status = os.lstat(os.path.join(place, name))
                    if stat.S_ISREG(status.st_mode):
                        found[prefix + name] = OutputState(status.st_size, status.st_mtime_ns)
    return found


def _look_into(place: str, prefix: str, names: list[str], found: dict[str, OutputState]) -> None:
    try:
        descriptor = os.open(place, os.O_RDONLY | _DIRECTORY)
    except OSError:
        return
    try:
        # Names that are not there are told by one listing: cheaper than an exception each.
        present = set(os.listdir(descriptor)) if len(names) > 4 else set(names)
        for name in names:
            if name in present:
                try:
                    status = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    found[prefix + name] = OutputState(status.st_size, status.st_mtime_ns)
    finally:
        os.close(descriptor)


def share_blocks(source: int, target: int) -> None:
    """Make the target file a clone of the source file, or raise OSError where the file system cannot."""
    if sys.platform == "linux":
        fcntl.ioctl(target, _FICLONE, source)
    else:
        raise OSError(errno.ENOTSUP, "no cloning here")


class Outputs:
    """Changes to a project's deliverables. Several threads may deliver at once, each its own path."""

    def __init__(self, root: str, clone: Callable[[int, int], None] = share_blocks) -> None:
        self.root = os.path.abspath(root)
        self._real_root = os.path.realpath(self.root)
        self._clone = clone
        self._can_clone = True  # until it turns out otherwise
        self._checked: set[str] = set()
        self._temporary: str | None = None
        self._numbers = itertools.count()

    def digest(self, path: str) -> Digest | None:
        """The digest of a deliverable's bytes now; None when it is not a regular file."""
        place = self._place(path)
        try:
            if not stat.S_ISREG(os.lstat(place).st_mode):
                return None
            return digest_of(_read(place))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as bad:
            raise _cannot("read", path, bad) from bad

    def read(self, path: str) -> bytes:
        """A deliverable's bytes, for adopting them into a store."""
        try:
            return _read(self._place(path))
        except OSError as bad:
            raise _cannot("read", path, bad) from bad

    def deliver(self, source: bytes | str, path: str, digest: Digest) -> OutputState:
        """Put bytes, or a clone of the file at `source`, in place; replaces whatever file is there.

        A file is checked against its digest on the way (`DamagedSource`); bytes are taken as they are.
        """
        target = self._place(path)
        try:
            self._open_folder(path)
            temporary = os.path.join(self._room(), f"{os.getpid()}-{next(self._numbers)}")
            try:
                state = self._write(source, temporary, digest)
                _move(temporary, target)
            except BaseException:  # Ctrl-C too
                with suppress(OSError):
                    os.unlink(temporary)
                raise
        except OSError as bad:
            raise _cannot("write", path, bad) from bad
        return state

    def set_aside(self, path: str, stamp: str) -> str:
        """Move a person's file to `.imagebuild/aside/<stamp>/<path>`; returns where it is now, relative to the root."""
        place = self._place(path)
        wanted = f"{PRIVATE}/aside/{stamp}/{path}"
        aside = wanted
        try:
            private_folder(self.root, "aside", stamp, *path.split("/")[:-1])
            for number in itertools.count(2):
                if not os.path.lexists(self._place(aside)):
                    break
                aside = f"{wanted}.{number}"
            shutil.move(place, self._place(aside))
        except OSError as bad:
            raise _cannot("set aside", path, bad) from bad
        return aside

    def remove(self, path: str, folder: str = "") -> None:
        """Remove a deliverable, then the folders that this leaves empty, up to `folder` (which stays)."""
        try:
            os.unlink(self._place(path))
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as bad:
            raise _cannot("remove", path, bad) from bad
        parent = path.rpartition("/")[0]
        while parent and parent != folder.rstrip("/"):
            try:
                os.rmdir(self._place(parent))
            except OSError:
                return  # not empty, or gone: both are right
            parent = parent.rpartition("/")[0]

    def _place(self, path: str) -> str:
        if path.startswith("/") or ".." in path.split("/") or os.path.isabs(path):
            raise BuildError(f"the output `{path}` is outside the project", hint="write a path inside the project")
        return os.path.join(self.root, *path.split("/"))

    def _open_folder(self, path: str) -> None:
        """Make the path's folder, and see that no link on the way leads out of the project."""
        folder = os.path.dirname(self._place(path))
        if folder in self._checked and os.path.isdir(folder):
            return
        real = os.path.realpath(folder)
        if real != self._real_root and not real.startswith(self._real_root.rstrip(os.sep) + os.sep):
            raise BuildError(
                f"the output `{path}` leads through a link to `{real}`, outside the project",
                hint="replace the link by a folder, or copy the pictures there after the build",
            )
        os.makedirs(folder, exist_ok=True)
        self._checked.add(folder)

    def _room(self) -> str:
        """Where files are written before they are moved into place: not among a person's files, if we are killed."""
        if self._temporary is None or not os.path.isdir(self._temporary):
            self._temporary = temporary_folder(self.root)
        return self._temporary

    def _write(self, source: bytes | str, temporary: str, digest: Digest) -> OutputState:
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | _BINARY, 0o666)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            if isinstance(source, str):
                try:
                    data = self._cloned(source, descriptor) or _read(source)
                except FileNotFoundError:  # somebody just set it aside
                    raise DamagedSource(digest) from None
                if digest_of(data) != digest:
                    raise DamagedSource(digest)
            else:
                data = source
            if os.fstat(descriptor).st_size != len(data):  # not a clone
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
            status = os.fstat(descriptor)
        return OutputState(status.st_size, status.st_mtime_ns)

    def _cloned(self, source: str, descriptor: int) -> bytes | None:
        """What the clone holds, or None where the file system cannot clone."""
        if not self._can_clone:
            return None
        with open(source, "rb") as original:
            try:
                self._clone(original.fileno(), descriptor)
            except OSError:  # says in many ways that it cannot
                self._can_clone = False
                return None
        os.lseek(descriptor, 0, os.SEEK_SET)
        with os.fdopen(os.dup(descriptor), "rb") as clone:
            return clone.read()


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _move(temporary: str, target: str) -> None:
    try:
        os.replace(temporary, target)
    except OSError as bad:
        if bad.errno != errno.EXDEV:
            raise
        beside = name_beside(target)  # the output folder is another file system
        try:
            shutil.copyfile(temporary, beside)
            os.replace(beside, target)
        finally:
            with suppress(OSError):
                os.unlink(beside)
        os.unlink(temporary)


def _cannot(verb: str, path: str, bad: OSError) -> BuildError:
    reason = reason_of(bad)
    hint = None
    if isinstance(bad, IsADirectoryError):
        reason, hint = "a folder is in the way", f"move the folder `{path}` away, or name another output"
    elif isinstance(bad, FileExistsError | NotADirectoryError):
        reason, hint = "a file is where a folder of it should be", "move that file away, or name another output"
    elif bad.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space, then run the same command again"
    elif isinstance(bad, PermissionError):
        hint = "check who owns the output folder and whether it may be written to"
    return BuildError(f"cannot {verb} `{path}`: {reason}", hint=hint)
