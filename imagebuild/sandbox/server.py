"""The sandbox's server: every protocol on one port of this machine, and of no other."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from imagebuild.errors import reason_of
from imagebuild.sandbox import admin, files, hinow, openai, openai_batch, tasks, together
from imagebuild.sandbox.desk import Desk, cut
from imagebuild.sandbox.faults import SandboxError
from imagebuild.sandbox.openai_batch import BatchRoom
from imagebuild.sandbox.openai_files import FileRoom

__all__ = ["BASES", "environment", "running"]

# Where each provider's protocol begins, by the first part of its variables' names.
BASES: Final = {
    "OPENAI": "/openai/v1",
    "HINOW": "/hinow/v1",
    "APIXO": "/apixo/api/v1",
    "KIE": "/kie/api/v1",
    "TOGETHER": "/together/v1",
}
_LARGEST_BODY: Final = 1 << 30
_LAST_SECONDS: Final = 0.5  # for replies on their way when the sandbox is stopped


def environment(base: str, desk: Desk) -> dict[str, str]:
    """The variables that point clients at a sandbox."""
    found: dict[str, str] = {}
    for name, path in BASES.items():
        found[f"{name}_BASE_URL"] = base + path
        found[f"{name}_API_KEY"] = desk.key
    found["IMAGEBUILD_TIME_SCALE"] = f"{1 / desk.speed:.6g}"
    return found


@asynccontextmanager
async def running(desk: Desk, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """A server that answers at the address it gives, for as long as the block lasts."""
    _check_loopback(host)
    file_room = FileRoom(desk)
    batches = BatchRoom(desk, file_room)
    application = web.Application(middlewares=[_noting(desk), _refuse_the_nameless], client_max_size=_LARGEST_BODY)
    for found in (
        openai.routes(desk, file_room), openai_batch.routes(desk, file_room, batches), hinow.routes(desk),
        tasks.routes(desk), together.routes(desk), files.routes(desk), admin.routes(desk),
    ):  # fmt: skip
        application.add_routes(found)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=_LAST_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=1024)
        try:
            await site.start()
        except OSError as bad:
            raise SandboxError(
                f"cannot listen at `{host}:{port}`: {reason_of(bad)}", hint="`--port 0` takes a free one"
            ) from None
        address = runner.addresses[0]
        shown = f"[{address[0]}]" if ":" in address[0] else address[0]
        yield f"http://{shown}:{address[1]}"
    finally:
        await batches.close()
        await runner.cleanup()


def _check_loopback(host: str) -> None:
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        raise SandboxError(
            f"host `{host}` is not this machine alone: the sandbox listens on loopback only",
            hint="`--host 127.0.0.1`, or leave it out",
        )


def _noting(desk: Desk) -> Middleware:
    """Notes of each request how it was answered."""

    @web.middleware
    async def note_the_end(request: web.Request, handler: Handler) -> web.StreamResponse:
        status = None
        try:
            response = await handler(request)
            status = response.status
            return response
        except ConnectionError:  # the client has gone
            cut(request)
        finally:
            desk.answered(request, status)

    return note_the_end


@web.middleware
async def _refuse_the_nameless(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The services' front doors refuse whoever sends no User-Agent."""
    if not request.headers.get("User-Agent", "").strip() and not request.path.startswith(admin.PREFIX):
        body = b'{"error":{"message":"Forbidden","type":"forbidden","param":null,"code":null}}'
        return web.Response(status=403, body=body, content_type="application/json")
    return await handler(request)
