"""Takes a reply's body as it comes: into memory, into its spool, into a file, and an event stream's events to a look.

Once the service has answered, what it sends is money's worth: neither a full disk nor a mistake in what looks at the
partial pictures ends the reading. Knows no connection.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, Final

from imagebuild.errors import ProviderError, reason_of
from imagebuild.providers.account import Secret
from imagebuild.providers.base import Glimpse, Reply, ServiceFailure
from imagebuild.providers.events import EventReader
from imagebuild.providers.spool import SpoolWriter

__all__ = ["MOST_IN_MEMORY", "Incoming", "Sinks"]

MOST_IN_MEMORY: Final = 256 << 20
_WORDS: Final = 16 << 10  # so short a body is words, not a picture: it goes to its spool when it is whole
_MOST_OF_A_KEY: Final = 8  # characters of its beginning that may be shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Sinks:
    """Where the body goes."""

    spool: str | None = None
    to_file: str | None = None
    glimpse: Callable[[str, bytes], Glimpse | None] | None = None
    show: Callable[[Glimpse], None] | None = None
    most: int = MOST_IN_MEMORY


class _Clearing:
    """Clears a body of the key, piece by piece, before anybody sees it: services that say 200 and mean an error echo
    requests too. What may be the beginning of the key waits for the next piece."""

    def __init__(self, secret: Secret | None) -> None:
        self._secret = secret
        self._held = b""

    def take(self, piece: bytes) -> bytes:
        if self._secret is None:
            return piece
        data = self._secret.blotted_bytes(self._held + piece if self._held else piece)
        at = len(data) - self._secret.begun_at_end(data)
        self._held = data[at:]
        return data[:at] if self._held else data

    def rest(self) -> bytes:
        """What had to wait; a good part of a key that broke off does not go on."""
        held, self._held = self._held, b""
        return held if len(held) < _MOST_OF_A_KEY else b"***"


class Incoming:
    """One reply. `take` each piece, then `finish`; `abandon` at last. A body that goes to a spool is not kept: the
    spool has it."""

    def __init__(
        self,
        *,
        status: int,
        headers: Mapping[str, str],
        url: str,
        length: int | None,
        secret: Secret | None,
        sinks: Sinks,
    ) -> None:
        self.size = 0
        self._status = status
        self._headers = headers
        self._url = url
        self._length = length
        self._clearing = _Clearing(secret)
        self._sinks = sinks
        self._pieces: list[bytes] = []
        self._spool_path = sinks.spool if sinks.to_file is None else None
        self._spool: SpoolWriter | None = None
        self._file: BinaryIO | None = None
        self._wrong: Exception | None = None
        events = status < 400 and headers.get("content-type", "").lower().startswith("text/event-stream")
        self._reader = EventReader() if events and sinks.glimpse is not None else None
        if events:  # its pictures come bit by bit: nothing is held back
            self._begin_spool(length)
        if sinks.to_file is not None and 200 <= status < 300:  # what an error says is for the flow, not for the file
            self._file = _opened(_part(sinks.to_file))

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        self._keep(self._clearing.take(piece))

    def _keep(self, piece: bytes) -> None:
        if self._file is not None:
            _written(self._file, piece)
            return
        if self.size > self._sinks.most:
            raise ServiceFailure(f"the service sent more than {self._sinks.most >> 20} MB, which no picture takes")
        if self._reader is not None:
            self._look(self._reader, piece)
        if self._spool is not None:
            self._copy(piece)
            return
        self._pieces.append(piece)
        if self._status < 400 and self.size > _WORDS:
            self._begin_spool(self._length)

    async def finish(self, whole: bool) -> Reply:
        """No more comes: the reply."""
        self._keep(self._clearing.rest())
        if self._file is not None:
            return self._filed(self._file, whole)
        body = b"".join(self._pieces)
        if self._spool is None and (self._status >= 400 or self.size <= _WORDS):
            self._pieces = [body] if body else []
            self._begin_spool(len(body) if whole else None)
            await self._end_spool(whole)
        elif self._spool is not None:
            await self._end_spool(whole)
            body = b"".join(self._pieces)  # only where the spool failed
        if self._wrong is not None:
            raise self._wrong
        return Reply(status=self._status, headers=self._headers, body=body, whole=whole, url=self._url)

    def abandon(self) -> None:
        """Let go of the files, as far as they came."""
        if self._spool is not None:
            self._spool.close()
            self._spool = None
        if self._file is not None and self._sinks.to_file is not None:
            self._file.close()
            self._file = None
            with suppress(OSError):
                os.unlink(_part(self._sinks.to_file))

    def _look(self, reader: EventReader, piece: bytes) -> None:
        """Show the partial pictures. What goes wrong here is raised when the reply is safe."""
        if self._wrong is not None or self._sinks.glimpse is None:
            return
        try:
            for name, data in reader.feed(piece):
                glimpse = self._sinks.glimpse(name, data)
                if glimpse is not None and self._sinks.show is not None:
                    self._sinks.show(glimpse)
        except Exception as wrong:
            self._wrong = wrong

    def _begin_spool(self, length: int | None) -> None:
        """From here on the body is the spool's, with what has come so far."""
        if self._spool_path is None:
            return
        pieces = list(self._pieces)
        try:
            self._spool = SpoolWriter(
                self._spool_path, status=self._status, headers=self._headers, url=self._url, length=length
            )
        except OSError:
            self._spool_path = None  # it stays in memory
            return
        self._pieces.clear()
        for piece in pieces:
            self._copy(piece)

    def _copy(self, piece: bytes) -> None:
        if self._spool is None:  # it failed at an earlier piece
            self._pieces.append(piece)
            return
        try:
            self._spool.write(piece)
        except OSError:
            self._take_back(self._spool)
            self._pieces.append(piece)

    async def _end_spool(self, whole: bool) -> None:
        spool = self._spool
        if spool is None:
            return
        if not whole:
            spool.close()
        else:
            try:
                await asyncio.to_thread(spool.finish)
            except OSError:
                self._take_back(spool)
        self._spool = None

    def _take_back(self, spool: SpoolWriter) -> None:
        """The disk is full, or broken: what the spool has so far goes on in memory."""
        self._spool, path, self._spool_path = None, self._spool_path, None
        try:
            self._pieces = [spool.taken_back()]
        except OSError as bad:
            raise _unwritable(path or "", bad) from bad

    def _filed(self, file: BinaryIO, whole: bool) -> Reply:
        path = self._sinks.to_file or ""
        if whole:
            _closed(file, path)
            self._file = None
        else:
            self.abandon()
        return Reply(status=self._status, headers=self._headers, whole=whole, url=self._url)


def _part(path: str) -> str:
    return path + ".part"


def _opened(path: str) -> BinaryIO:
    try:
        return open(path, "wb")
    except OSError as bad:
        raise _unwritable(path, bad) from bad


def _written(file: BinaryIO, piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as bad:
        raise _unwritable(file.name, bad) from bad


def _closed(file: BinaryIO, path: str) -> None:
    try:
        file.close()
        os.replace(_part(path), path)
    except OSError as bad:
        raise _unwritable(path, bad) from bad


def _unwritable(path: str, bad: OSError) -> ProviderError:
    return ProviderError(
        f"cannot write `{path}`: {reason_of(bad)}",
        hint="check who owns the folder, and that the disk is not full",
    )
