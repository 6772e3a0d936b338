"""A service that answers from a script: a real flow, a real spool, no network. What it bills is counted."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from imagebuild.build.run import Service
from imagebuild.build.terms import Terms
from imagebuild.core.plan import USUAL, Policy
from imagebuild.providers.base import (
    Ask,
    Cut,
    Flow,
    Glimpse,
    Limits,
    Lost,
    Note,
    NotSent,
    Picture,
    Refused,
    Reply,
    Request,
    StillRunning,
    ask,
)
from imagebuild.providers.failures import failure_of
from imagebuild.providers.spool import SpoolWriter, read_spool
from imagebuild.store.base import Journal
from tests.build.workshop import paint

NUMBERS = itertools.count()


@dataclass
class ScriptedWire:
    """Answers each paid request with `paid(prompt, turn)`, and every other with `free(url, turn)`."""

    paid: Callable[[str, int], Reply]
    free: Callable[[str, int], Reply] = lambda url, turn: Reply(status=404)
    billed: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    takes: float = 0.0  # seconds a paid request is under way
    under_way: int = 0
    most: int = 0
    turns: dict[str, int] = field(default_factory=dict)

    async def send(
        self,
        ask: Ask,
        *,
        leaving: Callable[[], Awaitable[None]] | None = None,
        spool: str | None = None,
        show: Callable[[Glimpse], None] | None = None,
    ) -> Reply:
        name = str(ask.json) if ask.paid else ask.url
        turn = self.turns[name] = self.turns.get(name, 0) + 1
        if not ask.paid:
            return self.free(ask.url, turn)
        reply = None
        try:
            reply = self.paid(name, turn)
        except NotSent:
            raise
        except Cut:
            pass
        assert leaving is not None
        await leaving()
        self.asked.append(name)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(self.takes)
        self.under_way -= 1
        if reply is None or 200 <= reply.status < 300 or reply.header("x-billed"):
            self.billed.append(name)
        if reply is None:
            raise Cut("the connection to the service was cut")
        assert spool is not None
        writer = SpoolWriter(
            spool,
            status=reply.status,
            headers=reply.headers,
            url=ask.url,
            length=len(reply.body) if reply.whole else None,
        )
        writer.write(reply.body)
        if reply.whole:
            writer.finish()
        writer.close()
        return replace(reply, body=b"")

    def recall(self, spool: str) -> Reply | None:
        return read_spool(spool)

    async def wait(self, seconds: float, wake: str | None = None) -> None:
        self.waited.append(seconds)
        await asyncio.sleep(0)


class Shop:
    """A provider of one exchange a picture: the body is the picture, `x-cost` what it took. With `tasks`, the body is
    a task's name and the picture comes by a poll."""

    def __init__(self, *, name: str = "shop", concurrency: int = 4, tasks: bool = False) -> None:
        self.name = name
        self.limits = Limits(concurrency=concurrency)
        self._tasks = tasks

    def flow(self, request: Request, task: Mapping[str, object] | None = None) -> Flow:
        if task is None:
            reply = yield from ask(Ask(method="POST", url="https://shop/make", json=request.prompt, paid=True))
            if reply.status != 200:
                raise failure_of(reply, provider=self.name)
            if not self._tasks:
                return self._picture(reply)
            task = {"task": reply.body.decode()}
            yield Note(task)
        for _ in range(5):
            reply = yield from ask(Ask(method="GET", url=f"https://shop/tasks/{task['task']}", after=10))
            if reply.status == 200:
                return self._picture(reply)
            if reply.status == 410:
                raise Lost("the task is gone", words="gone")
            if reply.status == 451:
                raise Refused("no", words="not this", moderation=True, stage="output")
        raise StillRunning("the task is not over")

    def _picture(self, reply: Reply) -> Picture:
        cost = reply.header("x-cost")
        return Picture(
            data=reply.body, media_type="image/png", cost=Decimal(cost) if cost else None,
            request_id=reply.header("x-request-id"),
        )  # fmt: skip


def picture_for(prompt: str, *, size: tuple[int, int] = (64, 64), **headers: str) -> Reply:
    request = Request(key="", operation="generate", model="m", prompt=prompt, size=size, quality="low", format="png")
    return Reply(status=200, headers={"x-request-id": f"req-{prompt}", **headers}, body=paint(request))


def says(status: int, body: str = "{}", **headers: str) -> Reply:
    return Reply(
        status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=body.encode()
    )


def service_of(
    wire: ScriptedWire, journal: Journal, provider: Shop | None = None, *, policy: Policy = USUAL, account: str = ""
) -> Service:
    terms = Terms(
        campaign="test", floating=False, policy=policy, account=account, now=lambda: "2026-11-21T10:00:00Z",
        new_id=lambda: f"attempt-{next(NUMBERS)}", scale=0.001,
    )  # fmt: skip
    return Service(provider=provider or Shop(), wire=wire, journal=journal, terms=terms)
