"""Who is paying for a key now: the file `claims/<key>` of a store's folder, locked by the kernel while it is so.

A batch claims its thousands of keys with one file, `claims/many-<mark>`, for no process may open a file for each.
The lock goes with the process that holds it, however it ends, so nothing is ever left to wait for. Knows nothing of
what is paid for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress

from imagebuild.core.key import Key
from imagebuild.errors import StoreError
from imagebuild.flock import unlock
from imagebuild.store.files import BINARY, Writer, cannot, listed, read

__all__ = ["Claims"]

_DAY = 24 * 3600.0
_MANY = "many-"


class Claims:
    """See `imagebuild.store.base.Journal.claim`.

    Whoever claims one key locks its file, then looks whether a claim of many has it; whoever claims many writes them
    down in one locked file, then looks for claims of one. So of two who want a key at the same instant at least one
    sees the other.
    """

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
            with _told(self._writer.root):
                is_mine = not self._is_among_many(key)
            yield is_mine
        finally:
            _let_go(descriptor, path)

    @contextmanager
    def of_many(self, keys: Collection[Key]) -> Iterator[set[Key]]:
        """Those of the keys that are ours, until the block ends; one open file for all of them."""
        path = os.path.join(self._folder, _MANY + os.urandom(8).hex())
        with _told(self._writer.root):
            descriptor = self._taken(path)
            while descriptor is None:  # somebody looks at it
                time.sleep(0.001)
                descriptor = self._taken(path)
        try:
            with _told(self._writer.root):
                mine = self._announced(set(keys), descriptor, path)
            yield mine
        finally:
            _let_go(descriptor, path)

    def has(self, key: Key) -> bool:
        """Whether anybody has the key."""
        with _told(self._writer.root):
            return self._is_live(os.path.join(self._folder, key)) or self._is_among_many(key)

    def _announced(self, keys: set[Key], descriptor: int, path: str) -> set[Key]:
        rest = memoryview("".join(f"{key}\n" for key in keys).encode())
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        for name in listed(self._folder):
            other = os.path.join(self._folder, name)
            if name.startswith(_MANY) and other != path:
                keys -= {Key(line) for line in self._live(other).decode("ascii", "replace").split("\n")}
            elif Key(name) in keys and self._is_live(other):
                keys.discard(Key(name))
        return keys

    def _is_among_many(self, key: Key) -> bool:
        names = (name for name in listed(self._folder) if name.startswith(_MANY))
        return any(key.encode() in self._live(os.path.join(self._folder, name)) for name in names)

    def _live(self, path: str) -> bytes:
        """What a claim of many says, if anybody has it."""
        return (read(path) or b"") if self._is_live(path) else b""

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
                f"cannot lock files in the store `{self._writer.root}`: {(bad.strerror or str(bad)).lower()}",
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
