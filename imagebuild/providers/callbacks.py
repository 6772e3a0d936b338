"""Receives the calls of services that say when a task is done. A call is only a hint: it ends a waiting, nothing more.

Each task has an address nobody can guess. What is in a call is not looked at: the task is asked for by a poll, with the
key, of the service itself. So lost, double and forged calls do no harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from typing import Final, Self

from aiohttp import web

from imagebuild.errors import ProviderError, reason_of

__all__ = ["Callbacks"]

_LARGEST: Final = 1 << 20


class Callbacks:
    """`async with Callbacks("https://builds.example.com/calls") as callbacks`. The user makes the port reachable under
    the public address; whatever stands before it may keep or drop that address's path."""

    def __init__(self, public_url: str, listen: str = "127.0.0.1:8787") -> None:
        self._public = public_url.rstrip("/")
        self._host, _, port = listen.rpartition(":")
        if not self._host or not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ProviderError(f"cannot listen for callbacks on `{listen}`", hint="write `127.0.0.1:8787`")
        self._port = int(port)
        self._seed = secrets.token_bytes(32)
        self._bells: dict[str, asyncio.Event] = {}
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_route("*", "/{path:.*}", self._called)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)  # the addresses are secrets: no log of them
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host.strip("[]"), self._port).start()
        except OSError as bad:
            await runner.cleanup()
            raise ProviderError(
                f"cannot listen for callbacks on `{self._host}:{self._port}`: {reason_of(bad)}",
                hint="end what uses the port, or choose another one with IMAGEBUILD_<PROVIDER>_CALLBACK_LISTEN",
            ) from None
        self._runner = runner
        self._port = runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def port(self) -> int:
        """The port that is listened on: of use when 0 was asked for."""
        return self._port

    def address(self) -> tuple[str, str]:
        """A new task's secret, and the address that rings for it."""
        return self.address_for(secrets.token_hex(16))

    def address_for(self, name: str) -> tuple[str, str]:
        """The secret and the address of a task by any name of its own: the same ones for the same name in this run."""
        secret = hmac.new(self._seed, name.encode(), hashlib.sha256).hexdigest()
        self._bells.setdefault(secret, asyncio.Event())
        return secret, f"{self._public}/{secret}"

    async def wait(self, secret: str, seconds: float) -> None:
        """Until the bell rings, or the seconds are over. A ring that came before is heard; each is heard once."""
        bell = self._bells.setdefault(secret, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return
        bell.clear()

    async def _called(self, request: web.Request) -> web.Response:
        bell = self._bells.get(request.path.rpartition("/")[2])
        if bell is None or request.method != "POST":
            return web.Response(status=404)
        await request.read()  # answers 413 by itself when there is too much of it
        bell.set()
        return web.Response(text="ok")
