"""Paying for one action, from the reservation to the record; and taking up what an earlier build left open.

The order is the whole safety: claim the key; look whether somebody has paid meanwhile; look whether an attempt is open;
reserve the estimate; write the attempt down when the connection stands; send once; then the books.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

from imagebuild.build.batch import BatchDesk
from imagebuild.build.books import Books, Flawed, Left, may_be_billed, way_on
from imagebuild.build.drive import Hooks, drive, picture_of
from imagebuild.build.held import held
from imagebuild.build.pace import Pace
from imagebuild.build.terms import Money, Terms
from imagebuild.core.attempt import Attempt
from imagebuild.core.expand import Action
from imagebuild.core.key import Key
from imagebuild.core.plan import PlanStep
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.providers.base import (
    AccountFailure,
    Glimpse,
    Lost,
    NotSent,
    Picture,
    Provider,
    Refused,
    Reply,
    StillRunning,
    Throttled,
    Unknown,
    Wire,
)
from imagebuild.store.base import Record

__all__ = ["Payer"]

Value = TypeVar("Value")

MOST_THROTTLED = 50  # times that one request is sent away with "too fast" before it is given up
READ_AT_ONCE = 2  # large replies in memory together
STRAYS_AT_ONCE = 16
CLAIM_GLANCE = 0.5  # seconds between looks whether another build is done paying


class _Going:
    """An attempt as it goes on. `before`: an earlier one of its key, which it replaces. `is_open`: in the journal."""

    def __init__(self, attempt: Attempt, before: Attempt | None = None) -> None:
        self.attempt = attempt
        self.before = before
        self.is_open = False


class Payer:
    """Pays at one provider. `disk` is for short waits on files."""

    def __init__(
        self, provider: Provider, wire: Wire, books: Books, money: Money, pace: Pace, disk: Executor,
        *, terms: Terms, clock: Callable[[], float], stopped: Callable[[], bool], batches: BatchDesk | None = None,
    ) -> None:  # fmt: skip
        self.provider = provider
        self.money = money
        self._wire = wire
        self._books = books
        self._pace = pace
        self._disk = disk
        self._terms = terms
        self._clock = clock
        self._stopped = stopped
        self._batches = batches
        self._reading = asyncio.Semaphore(READ_AT_ONCE)

    async def obtain(
        self, step: PlanStep, action: Action, manifest: Mapping[str, Any], key: Key, show: Callable[[Glimpse], None]
    ) -> tuple[Record, str]:
        """The result of a key, and how it was come by: `made`, `collected` (paid for before), `reused`. Raises `Left`,
        `Unknown`, `Refused`, `Flawed`, or what else is wrong."""
        async with self._claimed(key):
            record = await self._on_disk(self._books.recorded, key)
            if record is not None:
                return record, "reused"
            before = await self._on_disk(self._books.journal.attempt, key)
            if before is not None:
                found = await self._take_up(before)
                if found is not None:
                    return found, "collected"
            if step.verdict != "make":
                raise Left("nothing was billed for it", hint="build again: then it is asked for anew")
            return await self._buy(step, action, manifest, key, before, show), "made"

    # ------------------------------------------------------------------------------- what an earlier build left open

    async def strays(self, planned: set[Key]) -> int:
        """Deal with the open attempts that the plan does not speak of: what was paid for is fetched and kept, what was
        cut off is written into the ledger. How many pictures came of it."""
        found = [each for each in await self._on_disk(self._books.attempts) if each.key not in planned]
        gate = asyncio.Semaphore(STRAYS_AT_ONCE)

        async def settle(attempt: Attempt) -> bool:
            async with gate:
                try:
                    return await self._stray(attempt)
                except ImagebuildError:
                    return False  # it stays open as what it is now; the ledger shows it

        return sum(await asyncio.gather(*(settle(each) for each in found)))

    async def _stray(self, attempt: Attempt) -> bool:
        if attempt.state not in ("sent", "task"):
            return False
        async with self._claimed(attempt.key, wait=False):
            now_open = await self._on_disk(self._books.journal.attempt, attempt.key)
            if now_open is None or now_open.id != attempt.id:
                return False
            record = await self._on_disk(self._books.recorded, attempt.key)
            if record is not None:  # killed between keeping it and forgetting the attempt
                await self._on_disk(self._books.finish, now_open, record)
                return False
            return await self._take_up(now_open) is not None

    async def _take_up(self, attempt: Attempt) -> Record | None:
        """What comes of an open attempt. None: nothing was billed, or the person said to ask again."""
        policy, words, hint = self._terms.policy, attempt.words, way_on(attempt.state)
        if attempt.state == "flawed":
            if policy.accept_flawed:
                return await self._on_disk(self._books.accept, attempt)
            raise Flawed(words, hint=hint)
        if attempt.state == "refused":
            if policy.retry_refused or attempt.provider != self.provider.name:
                return None
            raise Refused(words, words=words, request_id=attempt.request_id, hint=hint)
        if attempt.state in ("uncertain", "lost"):
            if policy.retry_uncertain:
                return None
            raise Unknown(words, words=words, request_id=attempt.request_id, hint=hint)
        reply = None
        if attempt.state == "sent":
            reply = await self._on_disk(self._wire.recall, self._books.journal.reply_file(attempt.key))
        if attempt.provider != self.provider.name and (attempt.state == "task" or reply is not None):
            raise Left(
                f"a request for it is under way at `{attempt.provider}`",
                hint=f"`imagebuild build --provider {attempt.provider}` fetches what comes of it",
            )
        if self._batches is not None and "label" in attempt.task:
            await self._batches.fetch(attempt)
            return await self._after_batch(attempt.key)
        if attempt.state == "task" or reply is not None:
            return await self._resume(attempt, reply)
        words = "the build ended before a reply came: whether it was made and billed is not known"
        await self._on_disk(self._books.mark, attempt, "uncertain", words)
        if policy.retry_uncertain:
            return None
        raise Unknown(words, words=words, hint=hint)

    async def _after_batch(self, key: Key) -> Record | None:
        """What a key's batch, which is over, has left of it."""
        record = await self._on_disk(self._books.recorded, key)
        now_open = await self._on_disk(self._books.journal.attempt, key)
        if record is None and now_open is not None and now_open.state != "task":
            return await self._take_up(now_open)
        return record

    async def _resume(self, attempt: Attempt, reply: Reply | None) -> Record | None:
        """Go on from a reply that is on disk, or from what the flow had noted. Nothing is sent that costs."""
        going = _Going(attempt)
        try:
            picture = await self._drive(going, replay=reply, show=_unseen)
        except (Throttled, AccountFailure) as bad:
            if going.attempt.state == "sent":  # it said no before it did anything
                await self._on_disk(self._books.journal.close, attempt.key)
                return None
            if isinstance(bad, AccountFailure):
                raise
            raise Left(bad.what) from bad
        return await self._on_disk(self._books.keep, going.attempt, picture, 0.0)

    # ------------------------------------------------------------------------------------------------------ buying

    async def _buy(
        self, step: PlanStep, action: Action, manifest: Mapping[str, Any], key: Key, before: Attempt | None,
        show: Callable[[Glimpse], None],
    ) -> Record:  # fmt: skip
        """Reserve, send, keep, settle."""
        money, terms = self.money, self._terms
        money.check_open()
        if not money.purse.reserve(step.price):
            money.broke = money.broke or f"`{money.purse.name}` is reached"
            raise Left(money.broke)
        spent = Decimal(0)
        attempt = Attempt(
            id=terms.new_id(), key=key, state="sent", provider=self.provider.name, model=str(manifest["model"]),
            campaign=terms.campaign, address=action.address, estimate=step.price, at=terms.now(),
            manifest=dict(manifest), sources=self._books.sources(action.address), floating=terms.floating,
        )  # fmt: skip
        going = _Going(attempt, before)
        began = self._clock()
        try:
            try:
                picture = await self._send(going, show)
            except Exception as bad:  # whatever it is, what is open may be billed
                is_free = not going.is_open or (isinstance(bad, Refused) and not may_be_billed(bad))
                spent = Decimal(0) if is_free else step.price
                money.unknown += spent
                raise
            spent = step.price if picture.cost is None else picture.cost
            return await self._on_disk(self._books.keep, going.attempt, picture, self._clock() - began)
        finally:
            money.purse.settle(step.price, spent)

    async def _send(self, going: _Going, show: Callable[[Glimpse], None]) -> Picture:
        """Send when it is its turn, as often as the service sends it away for being too fast."""
        references = going.attempt.manifest.get("references")
        images = 1 + (len(references) if isinstance(references, list | tuple) else 0)
        for turn in range(MOST_THROTTLED):
            async with self._pace.slot(images) as mine:
                if not mine:
                    raise Left("the build was stopped")
                self.money.check_open()
                try:
                    picture = await self._drive(going, replay=None, show=show)
                except (Throttled, AccountFailure, NotSent) as bad:
                    await self._not_billed(going, bad)
                    if turn == MOST_THROTTLED - 1:
                        raise
                    continue
                except Unknown as bad:
                    self.money.count_unknown(bad)
                    raise
                except Refused:
                    self.money.in_a_row = 0
                    raise
                self.money.in_a_row = 0
                self._pace.went_well()
                return picture
        raise AssertionError("the last turn returns or raises")

    async def _not_billed(self, going: _Going, bad: Throttled | AccountFailure | NotSent) -> None:
        """Sent away, or never there. Returns when it may be tried again."""
        if going.attempt.state == "task":  # it had been taken: only the asking after it went wrong
            raise StillRunning(bad.what, hint=bad.hint) from bad
        if going.is_open:
            await self._on_disk(self._books.withdraw, going.attempt, going.before)
            going.is_open = False
        if isinstance(bad, Throttled):
            self._pace.slow_down(bad.after)
            return
        if self.money.halted is not None:  # the first one has said it for all
            raise Left(bad.what) from bad
        self.money.halted = bad.problems[0]
        raise bad

    async def _drive(self, going: _Going, *, replay: Reply | None, show: Callable[[Glimpse], None]) -> Picture:
        """Drive the flow. How it ends without a picture is written down where that must outlive this process."""
        taken_up = replay is not None or going.attempt.state == "task"

        async def leaving() -> None:
            if taken_up or going.is_open:
                raise BuildError(f"`{self.provider.name}` wanted to send a paid request a second time")
            going.attempt = going.attempt._replace(at=self._terms.now())
            await self._on_disk(self._books.journal.open, going.attempt)
            going.is_open = True

        async def note(task: Mapping[str, Any]) -> None:
            going.attempt = going.attempt._replace(state="task", task=dict(task))
            await self._on_disk(self._books.journal.open, going.attempt)
            going.is_open = True

        request = await self._on_disk(self._books.request, going.attempt, not taken_up)
        task = going.attempt.task if going.attempt.state == "task" else None
        hooks = Hooks(
            leaving=leaving, note=note, spool=self._books.journal.reply_file(going.attempt.key), replay=replay,
            paid=taken_up, show=show,
        )  # fmt: skip
        flow = self.provider.flow(request, task)
        try:
            found = await drive(flow, wire=self._wire, executor=self._disk, hooks=hooks, reading=self._reading)
            return picture_of(found, self.provider.name)
        except Refused as bad:
            billed = None if may_be_billed(bad) else Decimal(0)
            await self._mark(going.attempt, "refused", bad, billed)
            raise
        except (Unknown, Lost) as bad:
            await self._mark(going.attempt, "lost" if isinstance(bad, Lost) else "uncertain", bad)
            raise

    async def _mark(
        self, attempt: Attempt, state: str, bad: Refused | Unknown | Lost, billed: Decimal | None = None
    ) -> None:
        words = bad.words or bad.what
        await self._on_disk(self._books.mark, attempt, state, words, bad.request_id, billed)

    # --------------------------------------------------------------------------------------------------- one at a time

    async def _on_disk(self, call: Callable[..., Value], *arguments: object) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call, *arguments)

    @asynccontextmanager
    async def _claimed(self, key: Key, *, wait: bool = True) -> AsyncIterator[None]:
        """Hold the right to pay for a key. Another build that has it is waited for: what it makes is ours too."""
        while True:
            async with held(self._books.journal.claim(key), self._disk) as is_mine:
                if is_mine:
                    yield
                    return
            if not wait or self._stopped():
                raise Left("another build is paying for it", hint="build again when that one is done")
            await asyncio.sleep(CLAIM_GLANCE)


def _unseen(_: Glimpse) -> None:
    """Nobody looks at the partial pictures of a reply that is read from disk."""
