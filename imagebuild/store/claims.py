"""Who is paying for a key now: the file `claims/<key>` of a store's folder, locked by the kernel while it is so.

The lock goes with the process that holds it, however it ends, so nothing is ever left to wait for. Knows nothing of
what is paid for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from imagebuild.core.key import Key
from imagebuild.errors import StoreError, reason_of
from imagebuild.flock import unlock
from imagebuild.store.files import BINARY, Writer, cannot, listed

__all__ = ["Claims"]

_DAY = 24 * 3600.0


class Claims:
    """See `imagebuild.store.base.Journal.claim`."""

    def __init__(self, writer: Writer, lock: Callable[[int], bool]) -> None:
        self._writer = writer
        self._folder = os.path.join(writer.root, "claims")
        self._lock = lock
        self._is_swept = False

    @contextmanager
    def of(self, key: Key) -> Iterator[bool]:
        """Whether the key is ours, until the block ends."""
        path = os.path.join(self._folder, key)
        with _told(self._writer.root):
            descriptor = self._taken(path)
        if descriptor is None:
            yield False
            return
        try:
            yield True
        finally:
            _let_go(descriptor, path)

    def has(self, key: Key) -> bool:
        """Whether anybody has the key."""
        with _told(self._writer.root):
            return self._is_live(os.path.join(self._folder, key))

    def _is_live(self, path: str) -> bool:
        """Whether somebody has it. One that nobody has is removed."""
        try:
            descriptor = os.open(path, os.O_RDWR | BINARY)
        except FileNotFoundError:
            return False
        try:
            if not self._locked(descriptor):
                return True
            if _is_still(descriptor, path) and os.name != "nt":
                os.unlink(path)
            unlock(descriptor)
            return False
        finally:
            os.close(descriptor)

    def _taken(self, path: str) -> int | None:
        """The open, locked file; None when somebody else has it."""
        self._prepare()
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | BINARY, 0o644)
            try:
                is_mine = self._locked(descriptor)
                if is_mine and _is_still(descriptor, path):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
            if not is_mine:
                return None  # else its holder removed it between our opening and our locking: once more

    def _locked(self, descriptor: int) -> bool:
        try:
            return self._lock(descriptor)
        except OSError as bad:
            raise StoreError(
                f"cannot lock files in the store `{self._writer.root}`: {reason_of(bad)}",
                hint="two builds at once could pay twice: keep the store on a disk that can lock files "
                "(IMAGEBUILD_STORE names its folder)",
            ) from bad

    def _prepare(self) -> None:
        """Also, once, remove what killed processes left, when it is a day old and nobody has it."""
        if self._is_swept and os.path.isdir(self._folder):
            return
        self._writer.prepare()
        os.makedirs(self._folder, exist_ok=True)
        self._is_swept = True
        for name in listed(self._folder):
            path = os.path.join(self._folder, name)
            with suppress(OSError):  # another sweeper may be faster
                if time.time() - os.stat(path).st_mtime > _DAY:
                    self._is_live(path)


@contextmanager
def _told(root: str) -> Iterator[None]:
    try:
        yield
    except OSError as bad:
        raise cannot("write to", root, bad) from bad


def _let_go(descriptor: int, path: str) -> None:
    """The file goes before the lock does: whoever has opened it meanwhile finds, once it is theirs, that it is no
    longer the one of that name."""
    if os.name != "nt":
        with suppress(OSError):
            os.unlink(path)
    unlock(descriptor)
    os.close(descriptor)
    if os.name == "nt":
        with suppress(OSError):  # Windows removes no file that is open: not before, nor now if another has opened it
            os.unlink(path)


def _is_still(descriptor: int, path: str) -> bool:
    """Whether the open file is the one of this name."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
