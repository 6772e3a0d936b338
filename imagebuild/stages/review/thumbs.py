"""Thumbnails on disk, in the project's private folder. What is there is trusted no further than that this program put
it there, whole, for this very picture: each file ends in a seal, made with a secret that nobody else can read.

A folder of thumbnails that leads elsewhere is neither read nor written; neither is anything made where the project is
not there any more.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
import threading
from contextlib import suppress
from typing import Final

from imagebuild.core.key import Digest
from imagebuild.errors import ImagebuildError
from imagebuild.workspace.private import PRIVATE, private_folder

__all__ = ["Thumbs"]

THUMBS: Final = "thumbs"
_SECRET: Final = "thumbs.secret"
_SIZE: Final = 32  # bytes of the secret, and of a seal
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # a pipe there would be waited for


class Thumbs:
    """May be asked from any thread."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._turn = threading.Lock()
        self._secret: bytes | None = None

    def read(self, digest: Digest, width: int) -> bytes | None:
        """The thumbnail, if it is the one that was kept."""
        if self._leads_away(digest):
            return None
        sealed = _read(self._path(digest, width)) or b""
        data, seal = sealed[:-_SIZE], sealed[-_SIZE:]
        if not data or not hmac.compare_digest(seal, self._seal(digest, width, data)):
            return None
        return data

    def keep(self, digest: Digest, width: int, data: bytes) -> None:
        """Where that can be done: a full disk is no reason to show nothing."""
        if self._leads_away(digest) or not os.path.isdir(self._root):
            return
        with suppress(OSError, ImagebuildError):
            seal = self._seal(digest, width, data)
            private_folder(self._root, THUMBS, digest[:2])
            _write(self._path(digest, width), data + seal)

    def _path(self, digest: Digest, width: int) -> str:
        return os.path.join(self._root, PRIVATE, THUMBS, digest[:2], f"{digest}-{width}.webp")

    def _leads_away(self, digest: Digest) -> bool:
        folder = os.path.join(self._root, PRIVATE, THUMBS)
        return os.path.islink(folder) or os.path.islink(os.path.join(folder, digest[:2]))

    def _seal(self, digest: Digest, width: int, data: bytes) -> bytes:
        return hmac.digest(self._own(), f"{digest}-{width}\n".encode() + data, hashlib.sha256)

    def _own(self) -> bytes:
        """The project's secret; where none can be kept, one for this run."""
        with self._turn:
            if self._secret is None:
                self._secret = _kept_secret(self._root) or secrets.token_bytes(_SIZE)
            return self._secret


def _kept_secret(root: str) -> bytes | None:
    """Made at the first time, and again when anybody else could have read it."""
    path = os.path.join(root, PRIVATE, _SECRET)
    found = _read(path, private=True)
    if (found is None or len(found) != _SIZE) and os.path.isdir(root):
        with suppress(OSError, ImagebuildError):
            private_folder(root)
            _write(path, secrets.token_bytes(_SIZE))
        found = _read(path, private=True)  # of two who start at once, the later one's counts
    return found if found is not None and len(found) == _SIZE else None


def _read(path: str, *, private: bool = False) -> bytes | None:
    try:
        with open(path, "rb", opener=_no_link) as file:
            about = os.fstat(file.fileno())
            if not stat.S_ISREG(about.st_mode) or (private and about.st_mode & 0o077):
                return None
            return file.read()
    except OSError:
        return None


def _write(path: str, data: bytes) -> None:
    """Whole or not at all; for nobody else to read."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with open(temporary, "wb", opener=_new) as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_LINK)


def _new(path: str, flags: int) -> int:
    return os.open(path, flags | _NO_LINK, 0o600)
