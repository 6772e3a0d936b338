"""What has changed, told to every open page as it happens (Server-Sent Events).

One poller asks the desk for news, and only while a page is open; each page has a queue with an end, so that a page that
does not read costs little and hinders nobody. An event's id says how far a page has come: one that comes back having
missed something is told to fetch everything again (`reload`). It knows nothing of what the events are about.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Final, NamedTuple

from aiohttp import web

from imagebuild.review.desk import Desk
from imagebuild.review.safety import Refusal

__all__ = ["Live", "Pace"]

_log: Final = logging.getLogger(__name__)


class Pace(NamedTuple):
    """How often, how long, how much."""

    news: float = 0.5  # seconds between two questions to the desk
    heartbeat: float = 15.0  # seconds of silence after which a page is shown that we are there
    patience: float = 30.0  # seconds that a page may take to read what it was sent
    queue: int = 256  # events that wait for one page …
    queue_bytes: int = 16 << 20  # … and their size
    streams: int = 256  # pages at once


def _data(event: Mapping[str, object]) -> bytes:
    # JSON in ASCII holds no line break, so an event is always one line
    return b"data: %s\n\n" % json.dumps(event, separators=(",", ":"), allow_nan=False).encode("ascii")


_RELOAD: Final = _data({"kind": "reload"})
_STILL: Final = _data({"kind": "still"})  # an event, not a comment: a page never hears of those


class _Stream:
    """One open page."""

    def __init__(self, transport: asyncio.Transport | None, pace: Pace) -> None:
        self._transport = transport
        self._pace = pace
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._stirred = asyncio.Event()
        self.is_over = False
        self.is_writing = False

    def tell(self, frame: bytes, instead: bytes) -> None:
        """Queue an event, or `instead` of all that waits when the page has fallen too far behind."""
        is_full = len(self._waiting) >= self._pace.queue or self._bytes + len(frame) > self._pace.queue_bytes
        if is_full and self._waiting:
            self._waiting.clear()
            self._bytes = 0
            frame = instead
        self._waiting.append(frame)
        self._bytes += len(frame)
        self._stirred.set()

    async def next(self) -> bytes:
        """The next event; after a silence, that we are there still; nothing when it is over."""
        if not self._waiting and not self.is_over:
            self._stirred.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.heartbeat):
                    await self._stirred.wait()
        if self.is_over:
            return b""
        if not self._waiting:
            return _STILL
        frame = self._waiting.popleft()
        self._bytes -= len(frame)
        return frame

    async def write(self, response: web.StreamResponse, frame: bytes) -> None:
        self.is_writing = True
        async with asyncio.timeout(self._pace.patience):
            await response.write(frame)
        self.is_writing = False

    def end(self) -> None:
        """No more of it. A page that is in the middle of not reading is cut off."""
        self.is_over = True
        self._stirred.set()
        if self.is_writing:
            self.cut()

    def cut(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    @property
    def is_gone(self) -> bool:
        return self._transport is None or self._transport.is_closing()


class Live:
    """Every open page, and the one poller."""

    def __init__(self, desk: Desk, threads: Executor, pace: Pace) -> None:
        self._desk = desk
        self._threads = threads
        self._pace = pace
        self.started = secrets.token_hex(16)  # says to a page which server it hears: nobody else can say it
        self._told = 0
        self._streams: set[_Stream] = set()
        self._wanted = asyncio.Event()
        self._is_closed = False
        self._trouble = ""
        self._poller = asyncio.create_task(self._poll())

    def ask_now(self) -> None:
        """Something was decided: the other pages hear of it at once."""
        self._wanted.set()

    async def serve(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Tell this page everything from now on, until it goes or the server stops."""
        if self._is_closed or len(self._streams) >= self._pace.streams:
            raise Refusal(503, "too many pages are open", "close some of them")
        stream = _Stream(request.transport, self._pace)
        mark = self._mark()
        stream.tell(mark + _data({"kind": "hello", "started": self.started}), mark + _RELOAD)
        if request.headers.get("Last-Event-ID", self._last) != self._last:
            stream.tell(mark + _RELOAD, mark + _RELOAD)
        self._streams.add(stream)
        self._wanted.set()
        try:
            await response.prepare(request)
            await stream.write(response, b"retry: 1000\n\n")
            while frame := await stream.next():
                await stream.write(response, frame)
        except (TimeoutError, ConnectionError):
            stream.cut()
        finally:
            self._streams.discard(stream)

    async def close(self) -> None:
        """End every stream; nothing is asked any more."""
        self._is_closed = True
        self._poller.cancel()
        for stream in self._streams:
            stream.end()
        await asyncio.gather(self._poller, return_exceptions=True)

    async def _poll(self) -> None:
        while not self._is_closed:
            self._wanted.clear()
            for stream in [each for each in self._streams if each.is_gone]:
                self._streams.discard(stream)
                stream.end()
            if self._streams:
                await self._tell_news()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pace.news if self._streams else None):
                    await self._wanted.wait()

    async def _tell_news(self) -> None:
        try:
            news = await asyncio.get_running_loop().run_in_executor(self._threads, self._news)
        except Exception as bad:
            if repr(bad) != self._trouble:  # it is asked twice a second: one trouble is told once
                self._trouble = repr(bad)
                _log.exception("the news of the review cannot be told")
            return
        if self._trouble:  # what was new meanwhile is lost
            self._trouble = ""
            news.insert(0, _RELOAD)
        for data in news:
            self._told += 1
            mark = self._mark()
            event, instead = mark + data, mark + _RELOAD
            for stream in self._streams:
                stream.tell(event, instead)

    def _news(self) -> list[bytes]:
        """In a thread, for it may be long."""
        return [_data(event) for event in self._desk.news()]

    @property
    def _last(self) -> str:
        return f"{self.started}-{self._told}"

    def _mark(self) -> bytes:
        return f"id: {self._last}\n".encode("ascii")
