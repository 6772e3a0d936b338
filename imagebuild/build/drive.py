"""Drives a provider's flow: does what it asks for, hands back the outcome, until there is a picture.

The one place that decides what is sent twice. A paid request is sent again only when it surely never reached the
service. Everything else may be repeated, and is, for as long as the flow has patience.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from imagebuild.errors import ProviderError
from imagebuild.providers.base import (
    Ask,
    Cut,
    Glimpse,
    Note,
    NotSent,
    Picture,
    Reply,
    StillRunning,
    Unknown,
    Wire,
    Wish,
    Work,
)

__all__ = ["Hooks", "drive", "picture_of"]

Result = TypeVar("Result")

TRIES = 5  # of a paid request that does not reach the service, a second apart at first
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 15.0
GLANCE = 0.2  # seconds between looks whether the build is being stopped
LARGE = 256 * 1024  # replies above this are read off the event loop


@dataclass(slots=True, kw_only=True)
class Hooks:
    """What the driver tells, and has done, on the way. `leaving`: the connection stands, the paid request is about to
    leave. `note`: keep this, before going on. `spool`: where the paid reply is written. `replay`: that reply, when an
    earlier process received it: it is read in place of sending. `paid`: the request has been paid for before."""

    leaving: Callable[[], Awaitable[None]]
    note: Callable[[Mapping[str, Any]], Awaitable[None]]
    spool: str | None = None
    replay: Reply | None = None
    paid: bool = False
    show: Callable[[Glimpse], None] | None = None
    stopped: Callable[[], bool] = lambda: False


async def drive(
    flow: Generator[Wish, Any, Result],
    *,
    wire: Wire | None,
    executor: Executor,
    hooks: Hooks,
    reading: asyncio.Semaphore | None = None,
) -> Result:
    """What a flow comes to: its picture. `reading` bounds how many large replies are in memory at once."""
    driver = _Driver(flow, wire, executor, hooks, reading or asyncio.Semaphore(1))
    try:
        return await driver.run()
    finally:
        flow.close()


def picture_of(value: object, provider: str) -> Picture:
    """What a provider's flow came to, which must be a picture."""
    if not isinstance(value, Picture):
        raise ProviderError(f"provider `{provider}` ended without a picture")
    return value


@dataclass(frozen=True, slots=True)
class _End(Generic[Result]):
    """What a flow returned."""

    value: Result


class _Driver(Generic[Result]):
    def __init__(
        self, flow: Generator[Wish, Any, Result], wire: Wire | None, executor: Executor, hooks: Hooks,
        reading: asyncio.Semaphore,
    ) -> None:  # fmt: skip
        self.flow = flow
        self.wire = wire
        self.executor = executor
        self.hooks = hooks
        self.reading = reading

    async def run(self) -> Result:
        wish = await self._step(None)
        while not isinstance(wish, _End):
            match wish:
                case Work():
                    done = await asyncio.get_running_loop().run_in_executor(self.executor, wish.call)
                    wish = await self._step(done)
                case Note():
                    await self.hooks.note(wish.task)
                    self.hooks.paid = True
                    wish = await self._step(None)
                case Ask(paid=True):
                    wish = await self._answer_paid(wish)
                case Ask():
                    wish = await self._step(await self._ask_free(wish))
                case _:
                    raise ProviderError("a provider asked for something this build cannot do")
        return wish.value

    async def _step(self, sent: object, *, large: bool = False) -> Wish | _End[Result]:
        """What the flow wants next, or what it came to."""

        def step() -> Wish | _End[Result]:
            try:
                return self.flow.send(sent)
            except StopIteration as end:  # may not leave through a future
                return _End(end.value)

        if not large:
            return step()
        return await asyncio.get_running_loop().run_in_executor(self.executor, step)

    # ------------------------------------------------------------------------------------------------------ paid

    async def _answer_paid(self, ask: Ask) -> Wish | _End[Result]:
        """Send it, and let the flow read what came. The reply goes to disk as it comes in, and is brought into memory
        only to be read, a few at a time."""
        spool, reply = self.hooks.spool, self.hooks.replay
        if reply is None:
            reply = await self._send_paid(ask)
        self.hooks.paid = True
        async with self.reading:
            if spool is not None and not reply.body and self.wire is not None:
                reply = (
                    await asyncio.get_running_loop().run_in_executor(self.executor, self.wire.recall, spool) or reply
                )
            return await self._step(reply, large=len(reply.body) > LARGE)

    async def _send_paid(self, ask: Ask) -> Reply:
        wire = self._wire()
        if ask.after:
            await wire.wait(ask.after)
        pause = FIRST_PAUSE
        for turn in range(TRIES):
            try:
                return await wire.send(ask, leaving=self.hooks.leaving, spool=self.hooks.spool, show=self.hooks.show)
            except NotSent:
                if turn == TRIES - 1:
                    raise
            except Cut as bad:
                raise Unknown(f"{bad.what}: whether it was made and billed is not known", words=bad.what) from bad
            await wire.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("the last turn returns or raises")

    # ------------------------------------------------------------------------------------------------------ free

    async def _ask_free(self, ask: Ask) -> Reply:
        """Ask until there is an answer, or the flow's patience is at its end; the last answer goes to the flow."""
        wire = self._wire()
        if ask.after or ask.wake:
            await self._wait(ask.after, ask.wake)
        pause, waited = FIRST_PAUSE, 0.0
        while True:
            reply: Reply | None = None
            problem: ProviderError | None = None
            try:
                reply = await wire.send(ask, show=self.hooks.show)
            except (NotSent, Cut) as bad:
                problem = bad
            if reply is not None and reply.whole and reply.status != 429 and reply.status < 500:
                return reply
            if waited >= ask.patience:
                break
            await self._wait(pause)
            waited += pause
            pause = min(2 * pause, LONGEST_PAUSE)
        if self.hooks.paid:
            said = f"`{ask.url.partition('?')[0]}` was answered with {reply.status}" if reply is not None else ""
            cause = problem.what if problem is not None else said
            raise StillRunning(f"{cause}: what was paid for is fetched by the next build")
        if reply is not None and reply.whole:
            return reply
        raise NotSent(problem.what if problem is not None else "the reply broke off")

    async def _wait(self, seconds: float, wake: str | None = None) -> None:
        """Let time pass. When the build is being stopped, what is paid for and noted is left to the next one."""
        waiting = asyncio.ensure_future(self._wire().wait(seconds, wake))
        try:
            while not waiting.done():
                if self.hooks.paid and self.hooks.stopped():
                    raise StillRunning("the build was stopped; what was paid for is fetched by the next one")
                await asyncio.wait({waiting}, timeout=GLANCE)
            waiting.result()
        finally:
            waiting.cancel()

    def _wire(self) -> Wire:
        if self.wire is None:
            raise ProviderError("a provider without a connection asked to send a request")
        return self.wire
