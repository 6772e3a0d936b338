"""A reply on disk, as it comes in: so that what was paid for outlives the process that asked for it.

One line of JSON (status, headers, url, length of the body where it is known), then the body as received. It is written
to `<path>.part` and renamed to `<path>` when its last byte has come: that name says that it is whole, whatever the
length said: a body that is cleared of a key is shorter than it was sent. Knows neither journal nor protocol.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from io import FileIO
from typing import Any, BinaryIO, Final, NamedTuple

from imagebuild.providers.base import Reply

__all__ = ["SpoolWriter", "is_whole", "read_spool", "remove_spool"]

_PART: Final = ".part"
_LONGEST_HEAD: Final = 1 << 20


class _Head(NamedTuple):
    status: int
    headers: Mapping[str, str]
    url: str
    length: int | None
    begins: int  # where in the file the body begins


class SpoolWriter:
    """Writes one reply. Unbuffered: what was handed over is the operating system's, whatever happens to this process.
    May raise OSError."""

    def __init__(self, path: str, *, status: int, headers: Mapping[str, str], url: str, length: int | None) -> None:
        self._path = path
        self._size = 0
        head = {"status": status, "headers": dict(headers), "url": url, "length": length}
        line = json.dumps(head, separators=(",", ":")).encode() + b"\n"
        self._begins = len(line)
        self._file = open(path + _PART, "wb", buffering=0)  # noqa: SIM115  (closed by finish or close)
        try:
            self._push(line)
        except BaseException:
            self._file.close()
            raise

    def write(self, data: bytes) -> None:
        self._push(data)
        self._size += len(data)

    def finish(self) -> None:
        """The last byte has come. When this returns, the reply is on disk under its final name, also after a power
        cut. Takes milliseconds: not for the event loop."""
        with self._file:
            os.fsync(self._file.fileno())
        os.replace(self._path + _PART, self._path)
        _sync_folder(os.path.dirname(self._path) or ".")

    def close(self) -> None:
        """Leave it as far as it came."""
        self._file.close()

    def taken_back(self) -> bytes:
        """Something failed: the body as far as it was handed over, without what failed. The file stays as it is."""
        self._file.close()
        with open(self._path + _PART if os.path.exists(self._path + _PART) else self._path, "rb") as file:
            file.seek(self._begins)
            return file.read(self._size)

    def _push(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]


def read_spool(path: str) -> Reply | None:
    """The reply at this path, finished or as far as it came; None when there is none, or not even its head."""
    for name, finished in ((path, True), (path + _PART, False)):
        with suppress(FileNotFoundError), open(name, "rb") as file:
            head = _head(file)
            if head is None:
                continue
            rest = FileIO(file.fileno(), closefd=False)  # past the buffer, which would hold most of the body twice
            rest.seek(head.begins)
            body = rest.readall()
            whole = finished or (head.length is not None and len(body) >= head.length)
            return Reply(status=head.status, headers=head.headers, body=body, whole=whole, url=head.url)
    return None


def is_whole(path: str) -> bool:
    """Whether the whole reply is there. Cheap: its body is not read."""
    for name, finished in ((path, True), (path + _PART, False)):
        with suppress(FileNotFoundError), open(name, "rb") as file:
            head = _head(file)
            if head is None:
                continue
            if finished or head.length is None:
                return finished
            return os.fstat(file.fileno()).st_size - head.begins >= head.length
    return False


def remove_spool(path: str) -> None:
    """Drop a reply, however far it came; none is no error."""
    for name in (path, path + _PART):  # in this order: what is left by a kill in between does not pass for whole
        with suppress(FileNotFoundError):
            os.unlink(name)


def _head(file: BinaryIO) -> _Head | None:
    line = file.readline(_LONGEST_HEAD)
    if not line.endswith(b"\n"):
        return None
    try:
        values: Any = json.loads(line)
        status, headers, url, length = values["status"], values["headers"], values["url"], values["length"]
    except (ValueError, KeyError, TypeError):
        return None
    known = isinstance(status, int) and isinstance(headers, dict) and isinstance(url, str)
    if not known or not (length is None or isinstance(length, int)):
        return None
    return _Head(status, {str(name): str(value) for name, value in headers.items()}, url, length, len(line))


def _sync_folder(folder: str) -> None:
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
