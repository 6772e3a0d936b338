"""Plain requests to a sandbox, one at a time, and what comes of them: also when that is half an answer, or none."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from imagebuild.sandbox.faults import FAULTS

KEY = {"Authorization": "Bearer sandbox-key"}


@dataclass(frozen=True)
class Answer:
    """A reply. With status 0 the connection was cut before there was one; not `whole`: it was cut later."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = True

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(method: str, url: str, body: object = None, *, headers: Mapping[str, str] = KEY) -> Answer:
    return asyncio.run(_ask(method, url, body, headers))


async def _ask(method: str, url: str, body: object, headers: Mapping[str, str]) -> Answer:
    status, said, received = 0, dict[str, str](), bytearray()
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, json=body, headers=headers) as reply,
        ):
            status, said = reply.status, {name.lower(): each for name, each in reply.headers.items()}
            async for each in reply.content.iter_any():
                received += each
    except aiohttp.ClientError:
        return Answer(status, said, bytes(received), whole=False)
    return Answer(status, said, bytes(received))


def faults_at(provider: str, *stages: str) -> dict[str, bool]:
    """The faults that are played at these stages of a provider, and whether the work is charged by then."""
    return {name: each.charged for name, each in FAULTS.items() if any(each.plays(stage, provider) for stage in stages)}


def data_url(picture: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(picture).decode()}"
