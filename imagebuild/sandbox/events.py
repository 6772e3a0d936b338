"""An event stream, as a reply: named events, each with a line of JSON. Knows no protocol's names."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

__all__ = ["EventStream"]


class EventStream:
    """The reply's head leaves with the first event."""

    def __init__(self, request: web.Request, headers: Mapping[str, str]) -> None:
        self._request = request
        self._response = web.StreamResponse(headers=headers)
        self._response.content_type = "text/event-stream"

    async def _start(self) -> None:
        if not self._response.prepared:
            await self._response.prepare(self._request)
            if self._request.transport is not None:
                self._request.transport.set_write_buffer_limits(0)

    async def send(self, name: str, data: bytes) -> None:
        await self._start()
        await self._response.write(self._encoded(name, data))

    async def send_half(self, name: str, data: bytes) -> None:
        """Half of an event, as a connection that breaks leaves it."""
        await self._start()
        whole = self._encoded(name, data)
        await self._response.write(whole[: len(whole) // 2])

    async def end(self) -> web.StreamResponse:
        await self._start()
        await self._response.write_eof()
        return self._response

    @staticmethod
    def _encoded(name: str, data: bytes) -> bytes:
        return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"
