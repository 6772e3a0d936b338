"""Results at addresses of their own, as a content network serves them: without a key, for a day.

It refuses a request that bears a key: signed addresses of real networks do so, and a key must not leak there. One
without a user agent is refused for all protocols alike, where they are served.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import time
from pathlib import Path
from typing import Final, NamedTuple
from weakref import WeakKeyDictionary

from aiohttp import web

from imagebuild.sandbox.desk import Desk, Order, Published, deliver

__all__ = ["keep", "link", "routes"]

LIFETIME: Final = 86_400.0  # seconds of the service's own
AT_LEAST: Final = 600.0  # seconds: however fast the service's time passes, a result can be fetched by hand
_GONE: Final = (403, 410)  # how an address that has expired answers: networks differ


class _Kept(NamedTuple):
    """Whose result it is. The order comes without its references: it lives as long as the desk."""

    order: Order
    charge: str | None
    until: float


_KEPT: WeakKeyDictionary[Desk, dict[str, _Kept]] = WeakKeyDictionary()


def keep(
    desk: Desk, data: bytes, order: Order, charge: str | None, *, lifetime: float = LIFETIME, least: float = AT_LEAST
) -> str:
    """Publish a picture as what its order asked for, whatever it is. Its charge is delivered when the file has left
    whole. Gives the path."""
    path = desk.publish(data, f"image/{order.format}")
    owner = dataclasses.replace(order, references=(), mask=None)
    until = time.monotonic() + max(lifetime / desk.speed, least)
    _KEPT.setdefault(desk, {})[path.rpartition("/")[2]] = _Kept(owner, charge, until)
    return path


def link(request: web.Request, path: str) -> str:
    """The address of a path, at the host the client came to."""
    return f"{request.scheme}://{request.host}{path}"


class _Files:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked: set[str] = set()
        self._expiries = itertools.cycle(_GONE)

    async def get(self, request: web.Request) -> web.StreamResponse:
        desk, name = self._desk, request.match_info["name"]
        kept, published = _KEPT.get(desk, {}).get(name), desk.published.get(name)
        desk.noted(kept.order.provider if kept else "files", request, b"")
        if "Authorization" in request.headers:
            return await self._refuse(request, 400, "Only one auth mechanism allowed: the address is signed.")
        if published is None:
            return await self._refuse(request, 404, "No such file.")
        fault = self._fault(name, kept)
        if fault == "url-expired" or (kept is not None and time.monotonic() > kept.until):
            desk.expire(name)
        if desk.published[name].expired:
            return await self._refuse(request, next(self._expiries), "The address has expired.")
        if fault == "file-error":
            return await self._refuse(request, 500, "Internal error.")
        return await self._deliver(request, published, kept, fault)

    def _fault(self, name: str, kept: _Kept | None) -> str | None:
        """What chance has for an order is played at the first request for its file; the script counts every request."""
        if kept is None:
            return self._desk.fault(None, "files", "file")
        order = kept.order
        if name in self._asked:
            fault = self._desk.faults.scripted("file", order.provider, order.prompt)
            if fault is not None:
                self._desk.note_play(fault, order.provider, "file", order.prompt)
            return fault
        self._asked.add(name)
        return self._desk.fault(order, order.provider, "file")

    async def _deliver(
        self, request: web.Request, published: Published, kept: _Kept | None, fault: str | None
    ) -> web.StreamResponse:
        data = await asyncio.to_thread(Path(published.file).read_bytes)
        return await deliver(
            request, data, desk=self._desk, content_type=published.media_type,
            charge=kept.charge if kept else None, fault=fault,
        )  # fmt: skip

    async def _refuse(self, request: web.Request, status: int, words: str) -> web.StreamResponse:
        body = f"<?xml version='1.0'?><Error><Code>{status}</Code><Message>{words}</Message></Error>".encode()
        return await deliver(request, body, desk=self._desk, status=status, content_type="application/xml")


def routes(desk: Desk) -> list[web.RouteDef]:
    return [web.get("/files/{name}", _Files(desk).get)]
