"""What a test or a person asks of the sandbox itself: charges, requests, health; new faults; a fresh start."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any, Final

from aiohttp import web

from imagebuild.errors import ImagebuildError, render
from imagebuild.sandbox.desk import Desk
from imagebuild.sandbox.faults import read_faults

__all__ = ["PREFIX", "routes"]

PREFIX: Final = "/_sandbox"


def routes(desk: Desk) -> list[web.RouteDef]:
    async def charges(_: web.Request) -> web.Response:
        return _json([asdict(each) for each in desk.ledger.all()])

    async def requests(_: web.Request) -> web.Response:
        return _json(list(desk.requests))

    async def plays(_: web.Request) -> web.Response:
        return _json(list(desk.plays))

    async def health(_: web.Request) -> web.Response:
        return _json(
            {
                "ok": True, "speed": desk.speed, "seed": desk.faults.seed, "charges": len(desk.ledger.all()),
                "requests": len(desk.requests), "played": dict(desk.played),
            }
        )  # fmt: skip

    async def faults(request: web.Request) -> web.Response:
        """The whole of the faults, as a file of them has it: a script, or script, rates and seed."""
        text = (await request.read()).decode("utf-8", "replace")
        try:
            desk.faults = read_faults(text, file="faults.json", seed=desk.faults.seed)
        except ImagebuildError as bad:
            return _json({"problems": [render(each) for each in bad.problems]}, status=400)
        return _json({"ok": True})

    async def reset(_: web.Request) -> web.Response:
        desk.reset()
        return _json({"ok": True})

    return [
        web.get(f"{PREFIX}/charges", charges),
        web.get(f"{PREFIX}/requests", requests),
        web.get(f"{PREFIX}/health", health),
        web.get(f"{PREFIX}/faults", plays),
        web.post(f"{PREFIX}/faults", faults),
        web.post(f"{PREFIX}/reset", reset),
    ]


def _json(data: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=json.dumps(data).encode(), status=status, content_type="application/json")
