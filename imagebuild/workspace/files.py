"""Reading a project's source files, and remembering their digests by size, time and inode, as git's index does.

A file's time tells that it did not change only once that time is well past: two writes within one tick of the clock
leave the same time. A file that young is read again the next time (git calls it racily clean). Writes nothing: the
memory goes in and out as a plain dict.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterable, Mapping
from typing import Final

from imagebuild.core.key import Digest, digest_of
from imagebuild.errors import ImagebuildError, Place

__all__ = ["UNSETTLED", "Files", "Remembered", "Stat", "moved", "stat_of"]

Stat = tuple[int, int, int]  # size, mtime in nanoseconds, inode
Remembered = dict[str, tuple[Stat, str]]

UNSETTLED: Final[Stat] = (-1, -1, -1)  # no file has it: stands for a file that changed a moment ago
_TICK: Final = 20_000_000
_SECOND: Final = 1_000_000_000
_MARK: Final = b"\xef\xbb\xbf"  # the byte order mark that some editors write


def stat_of(path: str) -> Stat | None:
    """Size, time and inode of a regular file; None for anything else, and for nothing."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):  # ValueError: a NUL in the name
        return None
    return (found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def moved(root: str, asked: Mapping[str, Stat | None]) -> list[str]:
    """Which of the files that were asked for may be different now, have gone or have come."""
    return [path for path, then in asked.items() if stat_of(os.path.join(root, path)) != then]


class Files:
    """The files under a root, by path relative to it with `/`. What was asked for stays in `asked`."""

    def __init__(self, root: str, remembered: Mapping[str, tuple[Stat, str]] | None = None) -> None:
        self.root = root
        self.asked: dict[str, Stat | None] = {}  # absent files too: a plan depends on their absence
        self._remembered: dict[str, tuple[Stat, str]] = dict(remembered or {})
        self._digests: dict[str, Digest | None] = {}

    def exists(self, path: str) -> bool:
        return self._ask(path) is not None

    def read(self, path: str) -> bytes:
        """The bytes as they are now; what is read is what is remembered, even while somebody is writing."""
        try:
            with open(self._place(path), "rb") as file:
                before = os.fstat(file.fileno())
                data = file.read()
                after = os.fstat(file.fileno())
        except (OSError, ValueError) as bad:
            self._ask(path)
            raise _cannot_read(path, bad) from bad
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns) and len(data) == after.st_size
        self._note(path, (after.st_size, after.st_mtime_ns, after.st_ino) if same else UNSETTLED, digest_of(data))
        return data

    def read_text(self, path: str) -> str:
        data = self.read(path).removeprefix(_MARK)
        try:
            return data.decode()
        except UnicodeDecodeError as bad:
            raise _not_text(path, data, bad) from bad

    def digest(self, path: str) -> Digest | None:
        """The digest of a file's bytes, or None where there is no file; the same all through a run."""
        if path in self._digests:
            return self._digests[path]
        now = self._ask(path)
        if now is None:
            self._digests[path] = None
            return None
        then = self._remembered.get(path)
        if then is not None and then[0] == now:
            digest = Digest(then[1])
            self._digests[path] = digest
            return digest
        return self._hashed(path)

    def remembered(self, paths: Iterable[str] | None = None) -> Remembered:
        """What to hand to the next run's `Files`: settled files only. `paths` keeps it to those still in use."""
        wanted = self._digests if paths is None else paths
        kept = {path: self._remembered.get(path) for path in wanted}
        return {path: entry for path, entry in kept.items() if entry is not None}

    def _hashed(self, path: str) -> Digest:
        try:
            with open(self._place(path), "rb") as file:
                before = os.fstat(file.fileno())
                digest = Digest(hashlib.file_digest(file, "sha256").hexdigest())
                after = os.fstat(file.fileno())
        except (OSError, ValueError) as bad:
            raise _cannot_read(path, bad) from bad
        same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
        self._note(path, (after.st_size, after.st_mtime_ns, after.st_ino) if same else UNSETTLED, digest)
        return digest

    def _note(self, path: str, seen: Stat, digest: Digest) -> None:
        self._digests[path] = digest
        settled = seen if _is_settled(seen) else UNSETTLED
        if self.asked.setdefault(path, settled) != settled:  # it changed since it was first asked for
            self.asked[path] = UNSETTLED
        if settled is UNSETTLED:
            self._remembered.pop(path, None)
        else:
            self._remembered[path] = (settled, digest)

    def _ask(self, path: str) -> Stat | None:
        """The file's stat now; the first answer of a run is the one that is noted."""
        now = stat_of(self._place(path))
        self.asked.setdefault(path, now if now is None or _is_settled(now) else UNSETTLED)
        return now

    def _place(self, path: str) -> str:
        return os.path.join(self.root, path)


def _is_settled(seen: Stat) -> bool:
    """Whether a later change would surely show: the time is past, by the coarseness of the file system's clock."""
    if seen is UNSETTLED:
        return False
    coarse = 2 * _SECOND if seen[1] % _SECOND == 0 else _TICK  # whole seconds: FAT, or an archive's times
    return seen[1] + coarse < time.time_ns()


def _cannot_read(path: str, bad: OSError | ValueError) -> ImagebuildError:
    if isinstance(bad, FileNotFoundError | NotADirectoryError):
        return ImagebuildError(f"there is no file `{path}`")
    if isinstance(bad, IsADirectoryError):
        return ImagebuildError(f"`{path}` is a folder, not a file")
    reason = bad.strerror if isinstance(bad, OSError) and bad.strerror else str(bad)
    return ImagebuildError(f"cannot read `{path}`: {reason.lower()}")


def _not_text(path: str, data: bytes, bad: UnicodeDecodeError) -> ImagebuildError:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ImagebuildError("not UTF-8: the file is UTF-16", at=Place(path, 1), hint="save the file as UTF-8")
    position = bad.start
    line = data.count(b"\n", 0, position) + 1
    begin = data.rfind(b"\n", 0, position) + 1
    end = data.find(b"\n", position)
    column = len(data[begin:position].decode("utf-8", "replace")) + 1
    text = data[begin : end if end >= 0 else len(data)].decode("utf-8", "replace")
    return ImagebuildError(
        f"not UTF-8: the byte 0x{data[position]:02x}", at=Place(path, line, column, 1, text),
        hint="save the file as UTF-8",
    )  # fmt: skip
