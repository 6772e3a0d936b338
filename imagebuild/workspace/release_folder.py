"""A folder that is replaced whole: written beside its place, then put there in one go.

Whoever is killed at any moment leaves the old folder or the new one, and beside it at most one folder of a known name,
which the next one to write removes. Knows files and folders; not what a release is.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from imagebuild.core.key import Digest
from imagebuild.errors import BuildError, reason_of
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    import ctypes
    import shutil
else:
    ctypes = lazy("ctypes")
    shutil = lazy("shutil")

__all__ = ["NewFolder", "digest_in", "exchanged", "files_in", "new_folder", "read_in", "recover"]

_CHUNK: Final = 1 << 20
_HERE: Final = -100  # AT_FDCWD
_SWAP: Final = 2  # Linux's RENAME_EXCHANGE and macOS's RENAME_SWAP
# What says that two folders cannot be exchanged here, as against that something is wrong.
_UNABLE: Final = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


def files_in(folder: str) -> list[str] | None:
    """Every path below a folder that is no folder itself, with `/`, sorted; None when there is no such folder. A link
    is a path like a file, wherever it leads."""
    if not os.path.isdir(folder):
        return None
    found: list[str] = []

    def broken(bad: OSError) -> None:
        raise _cannot("read", str(bad.filename or folder), bad) from bad

    for at, folders, names in os.walk(folder, onerror=broken):
        inside = os.path.relpath(at, folder).replace(os.sep, "/")
        prefix = "" if inside == "." else inside + "/"
        links = [name for name in folders if os.path.islink(os.path.join(at, name))]
        found.extend(prefix + name for name in (*names, *links))
    return sorted(found)


def digest_in(folder: str, path: str) -> Digest | None:
    """The digest of a regular file in a folder; None of anything else."""
    place = os.path.join(folder, *path.split("/"))
    try:
        if not stat.S_ISREG(os.lstat(place).st_mode):
            return None
        digest = hashlib.sha256()
        with open(place, "rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as bad:
        raise _cannot("read", place, bad) from bad
    return Digest(digest.hexdigest())


def read_in(folder: str, path: str) -> bytes | None:
    """A small file of a folder; None where there is no regular file of that name."""
    place = os.path.join(folder, *path.split("/"))
    try:
        if not stat.S_ISREG(os.lstat(place).st_mode):
            return None
        with open(place, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as bad:
        raise _cannot("read", place, bad) from bad


class NewFolder:
    """A folder that is being written, beside the one that it will replace."""

    def __init__(self, folder: str, beside: str, exchange: Callable[[str, str], bool]) -> None:
        self._folder = folder
        self._beside = beside
        self._exchange = exchange
        self._made = {beside}

    def write(self, path: str, data: bytes) -> None:
        """Add a file. Everybody may read it, whoever writes it on whatever machine."""
        place = os.path.join(self._beside, *path.split("/"))
        try:
            self._make(os.path.dirname(place))
            with open(place, "xb") as file:
                file.write(data)
            os.chmod(place, 0o644)
        except OSError as bad:
            raise _cannot("write", place, bad) from bad

    def _make(self, folder: str) -> None:
        if folder in self._made:
            return
        self._make(os.path.dirname(folder))
        os.mkdir(folder)
        os.chmod(folder, 0o755)
        self._made.add(folder)

    def put_in_place(self) -> None:
        """The folder is the new one from here on; the old one is gone."""
        try:
            if not os.path.isdir(self._folder) or not os.listdir(self._folder):
                if sys.platform == "win32":  # elsewhere an empty folder is replaced by renaming
                    with suppress(FileNotFoundError):
                        os.rmdir(self._folder)
                os.rename(self._beside, self._folder)
                return
            if self._exchange(self._beside, self._folder):
                shutil.rmtree(self._beside)
            else:
                _by_way_of(self._beside, self._folder)
        except OSError as bad:
            raise _cannot("write", self._folder, bad) from bad


def exchanged(one: str, other: str) -> bool:
    """Exchange two folders in one step of the file system's own; False where it has none."""
    if sys.platform == "win32":
        return False
    library = ctypes.CDLL(None, use_errno=True)
    swap = getattr(library, "renameat2", None) or getattr(library, "renameatx_np", None)
    if swap is None:
        return False
    here = _HERE if sys.platform == "linux" else -2
    if swap(here, os.fsencode(one), here, os.fsencode(other), _SWAP) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNABLE:
        return False
    raise OSError(number, os.strerror(number), other)


def _old_of(beside: str) -> str:
    return beside + "-old"


def _by_way_of(new: str, folder: str) -> None:
    """In two steps. Whoever is killed between them leaves the old folder under its other name: `recover` puts it
    back."""
    old = _old_of(new)
    os.rename(folder, old)
    os.rename(new, folder)
    shutil.rmtree(old)


def recover(folder: str) -> None:
    """Remove what a killed writer left; put back the old folder where there is none. One process at a time."""
    beside = _beside(folder)
    old = _old_of(beside)
    try:
        if os.path.isdir(old) and not os.path.lexists(folder):
            os.rename(old, folder)
        for left in (beside, old):
            if os.path.islink(left):
                os.unlink(left)
            elif os.path.isdir(left):
                shutil.rmtree(left)
    except OSError as bad:
        raise _cannot("write", folder, bad) from bad


def _beside(folder: str) -> str:
    above, name = os.path.split(folder)
    return os.path.join(above, f".{name}.imagebuild")


@contextmanager
def new_folder(folder: str, exchange: Callable[[str, str], bool] = exchanged) -> Iterator[NewFolder]:
    """A folder to be written in place of the one at `folder`; nothing is there, or changed, until `put_in_place`. One
    process at a time: the caller sees to that."""
    recover(folder)
    beside = _beside(folder)
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        os.mkdir(beside)
        os.chmod(beside, 0o755)
    except OSError as bad:
        raise _cannot("write", folder, bad) from bad
    try:
        yield NewFolder(folder, beside, exchange)
    finally:
        with suppress(OSError):  # what could not be removed now is removed by the next one
            shutil.rmtree(beside)


def _cannot(verb: str, path: str, bad: OSError) -> BuildError:
    reason = reason_of(bad)
    hint = "check who owns the folder, and whether it may be written to" if isinstance(bad, PermissionError) else None
    if bad.errno in (errno.ENOSPC, errno.EDQUOT):
        hint = "free some space, then run the same command again"
    if bad.errno == errno.EBUSY:
        hint = "something is mounted there: name a folder inside it"
    return BuildError(f"cannot {verb} `{path}`: {reason}", hint=hint)
