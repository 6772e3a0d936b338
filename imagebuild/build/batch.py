"""Paying by the batch: what is ready is sent in one file, and a later build fetches what came of it.

Every attempt is on disk, with the batch's label, before anything leaves; so that whether a submission arrived is never
a guess: the service is asked for the label. What comes back is kept one picture at a time, each as any other payment.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, suppress
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from imagebuild.build.books import Books, Flawed, Left, may_be_billed
from imagebuild.build.drive import Hooks, drive
from imagebuild.build.held import held
from imagebuild.build.terms import Money, Terms
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key, digest_of
from imagebuild.core.plan import PlanStep
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.providers.base import (
    AccountFailure,
    Lost,
    NotSent,
    Refused,
    Request,
    Throttled,
    Unknown,
    Wire,
)
from imagebuild.providers.batches import Batching, BatchResult, BatchTicket, Doing, Lot

__all__ = ["BatchDesk", "Order", "Submitted"]

Value = TypeVar("Value")

MOST_BYTES = 40_000_000  # of reference pictures in memory at once
MOST_ORDERS = 50_000
CLAIMED_AT_ONCE = 100
LISTED_LATE = 600.0  # seconds after which a batch that the service does not list was never begun


class Order(NamedTuple):
    """One step that goes into a batch."""

    step: PlanStep
    manifest: Mapping[str, Any]
    key: Key


class Submitted(Left):
    """It is in a batch now."""


class BatchDesk:
    """Hands batches in, and fetches what came of them."""

    def __init__(
        self, batching: Batching, wire: Wire, books: Books, money: Money, disk: Executor, *, terms: Terms,
        age: Callable[[str], float],
    ) -> None:  # fmt: skip
        self._batching = batching
        self._wire = wire
        self._books = books
        self._money = money
        self._disk = disk
        self._terms = terms
        self._age = age  # of a date, in seconds
        self._fetching: dict[str, asyncio.Lock] = {}
        self._fetched: dict[str, ImagebuildError | None] = {}

    # ----------------------------------------------------------------------------------------------------- handing in

    async def submit(self, orders: Sequence[Order]) -> dict[str, ImagebuildError]:
        """Hand in what is asked for; by address, how each ended."""
        ended: dict[str, ImagebuildError] = {}
        for some in await self._on_disk(lambda: list(self._sliced(orders, ended))):
            await self._submit(some, ended)
        return ended

    def _sliced(self, orders: Sequence[Order], ended: dict[str, ImagebuildError]) -> Iterator[list[Order]]:
        """The orders, so many together as memory holds with their pictures."""
        taken: list[Order] = []
        size = 0
        for order in orders:
            try:
                request = self._request(order)
            except ImagebuildError as bad:
                ended[order.step.address] = bad
                continue
            if not self._batching.fits(request):
                ended[order.step.address] = BuildError(
                    "it is too large for a batch: its pictures go into the batch's file",
                    hint="build it without `--batch`, or with smaller reference pictures",
                )
                continue
            own = sum(len(each.data) for each in request.references)
            if taken and (size + own > MOST_BYTES or len(taken) == MOST_ORDERS):
                yield taken
                taken, size = [], 0
            taken.append(order)
            size += own
        if taken:
            yield taken

    def _request(self, order: Order) -> Request:
        return self._books.request_of(order.step.address, order.manifest, order.key)

    async def _submit(self, orders: Sequence[Order], ended: dict[str, ImagebuildError]) -> None:
        by_key = {str(order.key): order for order in orders}
        requests = await self._on_disk(lambda: [self._request(order) for order in orders])
        for lot in await self._on_disk(self._batching.lots, requests):
            chosen = [by_key[request.key] for request in lot.requests]
            try:
                said: ImagebuildError = await self._hand_in(lot, chosen, ended)
            except ImagebuildError as bad:
                said = bad
            for order in chosen:
                ended.setdefault(order.step.address, said)

    async def _hand_in(self, lot: Lot, orders: Sequence[Order], ended: dict[str, ImagebuildError]) -> Submitted:
        """One batch: written down, uploaded, begun."""
        self._money.check_open()
        label = self._terms.new_id()
        async with held(self._books.journal.claim(_key_of(label)), self._disk) as is_mine:
            if not is_mine:
                raise BuildError(f"the label `{label}` is taken")  # it is new and random: nobody else can have it
            return await self._begin(lot, orders, label, ended)

    async def _begin(
        self, lot: Lot, orders: Sequence[Order], label: str, ended: dict[str, ImagebuildError]
    ) -> Submitted:
        money = self._money
        reserved: dict[str, Decimal] = {}
        begun = True  # or it may be: then what is reserved is spent
        try:
            mine = await self._on_disk(self._write_down, orders, label, reserved, ended)
            lot = lot._replace(requests=tuple(each for each in lot.requests if each.key in mine))
            if not lot.requests:
                raise Left("another build is paying for it")
            price = sum((attempt.estimate for attempt in mine.values()), Decimal(0))
            ticket = await self._sent(lot, label, mine)
            money.submitted += price
            return Submitted(
                f"in batch `{ticket.batch}` with {len(mine)} pictures, for about {price:f} USD",
                hint="`imagebuild build` fetches what came of it, within a day",
            )
        except (AccountFailure, NotSent, Throttled):
            begun = False
            raise
        finally:
            for amount in reserved.values():
                money.purse.settle(amount, amount if begun else Decimal(0))

    def _write_down(
        self, orders: Sequence[Order], label: str, reserved: dict[str, Decimal], ended: dict[str, ImagebuildError]
    ) -> dict[str, Attempt]:
        """The attempts of a batch, reserved and in the journal; without those that are somebody else's by now."""
        found: dict[str, Attempt] = {}
        for start in range(0, len(orders), CLAIMED_AT_ONCE):
            with ExitStack() as claims:
                mine: list[Attempt] = []
                for order in orders[start : start + CLAIMED_AT_ONCE]:
                    why = self._why_not(order, claims)
                    if why is None and not self._money.purse.reserve(order.step.price):
                        self._money.broke = self._money.broke or f"`{self._money.purse.name}` is reached"
                        why = self._money.broke
                    if why is not None:
                        ended[order.step.address] = Left(why)
                        continue
                    reserved[order.step.address] = order.step.price
                    mine.append(self._attempt(order, label))
                self._books.journal.open_many(mine)
                found.update((str(each.key), each) for each in mine)
        return found

    def _why_not(self, order: Order, claims: ExitStack) -> str | None:
        if not claims.enter_context(self._books.journal.claim(order.key)):
            return "another build is paying for it"
        if self._books.recorded(order.key) is not None:
            return "another build has made it meanwhile: build again"
        before = self._books.journal.attempt(order.key)
        policy = self._terms.policy
        again = before is None or (
            (before.state in ("uncertain", "lost") and policy.retry_uncertain)
            or (before.state == "refused" and (policy.retry_refused or before.provider != self._batching.name))
        )
        return None if again else "an earlier request for it is still open"

    def _attempt(self, order: Order, label: str) -> Attempt:
        return Attempt(
            id=self._terms.new_id(), key=order.key, state="task", provider=self._batching.name,
            model=str(order.manifest["model"]), campaign=self._terms.campaign, address=order.step.address,
            estimate=order.step.price, at=self._terms.now(), manifest=dict(order.manifest),
            sources=self._books.sources(order.step.address), task={"label": label}, floating=self._terms.floating,
        )  # fmt: skip

    async def _sent(self, lot: Lot, label: str, mine: Mapping[str, Attempt]) -> BatchTicket:
        keys = [attempt.key for attempt in mine.values()]
        try:
            ticket = await self._drive(self._batching.submit(lot, label=label))
        except (AccountFailure, NotSent, Throttled) as bad:  # turned down: nothing of it is made
            await self._on_disk(self._books.journal.close_many, keys)
            self._money.halted = self._money.halted or bad.problems[0]
            raise
        except Unknown as bad:
            raise Left(
                f"{bad.what}: whether the batch was begun shows when the service is asked for its label",
                hint="`imagebuild build` asks",
            ) from bad
        noted = {"label": label, "batch": ticket.batch, "endpoint": ticket.endpoint, "file": ticket.file}
        begun = [attempt._replace(task=noted) for attempt in mine.values()]
        await self._on_disk(self._books.journal.open_many, begun)
        return ticket

    # ------------------------------------------------------------------------------------------------------- fetching

    async def fetch(self, attempt: Attempt) -> None:
        """See to the batch that an attempt is in, once in a build. When it is over, every attempt of it is settled;
        raises `Left` while it is not."""
        label = str(attempt.task["label"])
        async with self._fetching.setdefault(label, asyncio.Lock()):
            if label not in self._fetched:
                try:
                    await self._fetch(label, attempt)
                    self._fetched[label] = None
                except ImagebuildError as bad:
                    self._fetched[label] = bad
        said = self._fetched[label]
        if said is not None:
            raise said

    async def _fetch(self, label: str, attempt: Attempt) -> None:
        async with held(self._books.journal.claim(_key_of(label)), self._disk) as is_mine:
            if not is_mine:
                raise Left("another build is at its batch")
            attempts = {each.key: each for each in await self._on_disk(self._of_label, label)}
            ticket = await self._ticket(label, attempt, attempts)
            if ticket is not None:
                await self._collect(label, ticket, attempts)

    async def _collect(self, label: str, ticket: BatchTicket, attempts: dict[Key, Attempt]) -> None:
        """What came of a batch, if it is over."""
        state = await self._drive(self._batching.poll(ticket))
        if not state.done:
            made = f"{state.completed} of {state.total} done" if state.total else state.status
            raise Left(f"batch `{ticket.batch}` is not over: {made}", hint="`imagebuild build` looks again")
        if state.failure is not None:
            await self._on_disk(self._books.journal.close_many, list(attempts))
            raise state.failure
        to = f"{self._books.journal.reply_file(_key_of(label))}.batch"
        try:
            paths = await self._drive(self._batching.collect(state, to))
        except Lost as gone:  # which of them were made, only the files could tell
            await self._on_disk(self._mark_all, attempts, "lost", gone)
        else:
            await self._on_disk(self._settle, paths, attempts, ticket.batch, state.completed)

    def _of_label(self, label: str) -> list[Attempt]:
        return [each for each in self._books.attempts() if each.state == "task" and each.task.get("label") == label]

    async def _ticket(self, label: str, attempt: Attempt, attempts: Mapping[Key, Attempt]) -> BatchTicket | None:
        """The batch of a label. None: it was never begun, and its attempts are forgotten."""
        task, keys = attempt.task, tuple(str(key) for key in attempts)
        if "batch" in task:
            return BatchTicket(str(task["batch"]), str(task["endpoint"]), str(task["file"]), keys, label)
        found = await self._drive(self._batching.find(label, keys=keys))
        if found is not None:
            noted = {"label": label, "batch": found.batch, "endpoint": found.endpoint, "file": found.file}
            begun = [each._replace(task=noted) for each in attempts.values()]
            await self._on_disk(self._books.journal.open_many, begun)
            return found
        if self._age(attempt.at) < LISTED_LATE * self._terms.scale:
            raise Left("whether its batch was begun is not clear yet", hint="build again in a few minutes")
        await self._on_disk(self._books.journal.close_many, list(attempts))
        return None

    def _settle(self, paths: Sequence[str], attempts: dict[Key, Attempt], batch: str, completed: int) -> None:
        """Keep what came, one picture at a time. What the files do not speak of was not made, if they are whole: if
        they can be read to the end, and have as many pictures as the service counted."""
        left = dict(attempts)
        made = 0
        trouble: Unknown | None = None
        for path in paths:
            try:
                for result in self._batching.lines(path, form_of=lambda key: _format_of(attempts, key)):
                    made += result.failure is None or isinstance(result.failure, Lost)
                    attempt = left.pop(Key(result.key), None)
                    if attempt is not None:
                        self._settle_one(attempt, result, batch)
            except Unknown as bad:
                trouble = bad
        if made < completed and trouble is None:
            trouble = Unknown(f"`{self._batching.name}` made {completed} pictures of the batch, and sent {made}")
        if trouble is None:
            self._books.journal.close_many(list(left))
        else:
            self._mark_all(left, "uncertain", trouble)
        for path in paths:
            with suppress(OSError):
                os.unlink(path)

    def _mark_all(self, attempts: Mapping[Key, Attempt], state: str, bad: Unknown | Lost) -> None:
        for attempt in attempts.values():
            self._books.mark(attempt, state, bad.words or bad.what, bad.request_id)

    def _settle_one(self, attempt: Attempt, result: BatchResult, batch: str) -> None:
        failure = result.failure
        record = self._books.recorded(attempt.key)
        if record is not None:  # killed between keeping it and forgetting the attempt
            self._books.finish(attempt, record, batch)
        elif result.picture is not None:
            with suppress(Flawed):  # it is remembered as that
                self._books.keep(attempt, result.picture, 0.0, batch)
        elif isinstance(failure, Refused):
            billed = None if may_be_billed(failure) else Decimal(0)
            self._books.mark(attempt, "refused", failure.words or failure.what, failure.request_id, billed)
        elif isinstance(failure, Lost):
            self._books.mark(attempt, "lost", failure.words or failure.what, failure.request_id)
        elif isinstance(failure, Unknown):
            self._books.mark(attempt, "uncertain", failure.words or failure.what, failure.request_id)
        elif failure is not None:  # sent away before anything was done
            self._books.journal.close(attempt.key)

    # ------------------------------------------------------------------------------------------------------- the means

    async def _drive(self, flow: Doing[Value]) -> Value:
        """Do what a flow of the batch service wants. Its notes need no keeping: the label is on disk."""

        async def leaving() -> None:
            return

        async def note(_: Mapping[str, Any]) -> None:
            return

        return await drive(flow, wire=self._wire, executor=self._disk, hooks=Hooks(leaving=leaving, note=note))

    async def _on_disk(self, call: Callable[..., Value], *arguments: object) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call, *arguments)


def _key_of(label: str) -> Key:
    """The key under which a label is claimed."""
    return Key(digest_of(label.encode()))


def _format_of(attempts: Mapping[Key, Attempt], key: str) -> str:
    """The format that was asked for under a key; of one that is not ours, something to go by."""
    attempt = attempts.get(Key(key))
    return str(attempt.manifest["format"]) if attempt is not None else "png"
