"""Connections: who has shown no token gets little time and little room, so that nobody can shut the others out.

Whoever comes with a token shows it in the first bytes; whoever says nothing, or has no token, is a stranger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, cast

from aiohttp import web
from aiohttp.web_server import Server

from imagebuild.review.replies import refused

__all__ = ["Connection", "Connections", "Strangers", "quiet_accepting"]

_log: Final = logging.getLogger(__name__)
ACCEPT_FAILS: Final = "socket.accept() out of system resource"  # as asyncio words it


class Strangers(NamedTuple):
    """What those get who have shown no token."""

    seconds: float = 10.0
    most: int = 200  # the one who has been silent for longest goes first


class Connections(Server):
    """Makes connections of our own kind; each request is handed to `answer`."""

    def __init__(self, answer: Any, strangers: Strangers) -> None:
        super().__init__(answer)
        self._allowed = strangers
        self._strangers: dict[Connection, None] = {}  # the oldest first
        self._open: dict[Connection, asyncio.Transport] = {}
        self._is_over = False

    def __call__(self) -> web.RequestHandler:
        # no access log: an address holds a token; nothing is unpacked: what is sent packed is refused
        settings: dict[str, Any] = {"access_log": None, "auto_decompress": False}
        return Connection(self, loop=asyncio.get_running_loop(), **settings)

    async def shutdown(self, timeout: float | None = None) -> None:
        """Whoever is slow to read the last words, or was being accepted meanwhile, is cut off."""
        self._is_over = True
        try:
            await super().shutdown(timeout)
        finally:
            for transport in tuple(self._open.values()):
                transport.abort()
        await asyncio.sleep(0)  # until they are gone

    def came(self, connection: Connection, transport: asyncio.Transport) -> None:
        self._open[connection] = transport
        if self._is_over:
            transport.abort()
            return
        self._strangers[connection] = None
        while len(self._strangers) > self._allowed.most:
            oldest = next(iter(self._strangers))
            self.forget(oldest)
            oldest.cut()
        asyncio.get_running_loop().call_later(self._allowed.seconds, self._too_long, connection)

    def forget(self, connection: Connection) -> None:
        """It is no stranger."""
        self._strangers.pop(connection, None)

    def gone(self, connection: Connection) -> None:
        self.forget(connection)
        self._open.pop(connection, None)

    def _too_long(self, connection: Connection) -> None:
        if connection in self._strangers:
            self.forget(connection)
            connection.cut()


class Connection(web.RequestHandler):
    """Answers what is not even HTTP under the same headers as all else, and without quoting it: it may hold a token."""

    __slots__ = ("_ours",)

    def __init__(self, manager: Connections, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(manager, loop=loop, **settings)
        self._ours = manager

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._ours.came(self, cast(asyncio.Transport, transport))

    def connection_lost(self, exc: BaseException | None) -> None:
        self._ours.gone(self)
        super().connection_lost(exc)

    def let_in(self) -> None:
        """It has shown a token."""
        self._ours.forget(self)

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        if request.writer.output_size > 0:
            raise ConnectionError("a reply is on its way already")
        if status >= 500:
            _log.error("the review met a fault of its own", exc_info=exc)
            return refused(status, "the review met a fault of its own", "", as_json=False)
        return refused(status, "this is not a request that can be read", "", as_json=False)


@contextmanager
def quiet_accepting(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """That no more connections can be accepted is said once, and not with a traceback each time."""
    before = loop.get_exception_handler()
    said: list[str] = []

    def told(loop: asyncio.AbstractEventLoop, about: dict[str, Any]) -> None:
        if about.get("message") != ACCEPT_FAILS:
            (before or type(loop).default_exception_handler)(loop, about)
        elif not said:
            said.append(ACCEPT_FAILS)
            _log.warning("there are more connections than this system lets the review have: some have to wait")

    loop.set_exception_handler(told)
    try:
        yield
    finally:
        loop.set_exception_handler(before)
