"""Handing batches in: what is ready is written down, uploaded in one file, begun.

Every attempt is on disk, with the batch's label, before anything leaves, and again, as one that left, before what
begins the batch does: so that whether it may have been begun is never a guess. Fetches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, NamedTuple

from imagebuild.build.batch_entry import begun, key_of_label, leaving, replacing, withdraw
from imagebuild.build.batch_link import BatchLink
from imagebuild.build.books import Books, Left
from imagebuild.build.held import held
from imagebuild.build.room import lack_of_room
from imagebuild.build.terms import Money, Terms
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key
from imagebuild.core.offer import dollars
from imagebuild.core.plan import PlanStep
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.providers.base import AccountFailure, NotSent, Request, Throttled, Unknown
from imagebuild.providers.batches import BatchTicket, Lot

__all__ = ["BatchesIn", "NotForBatch", "Order", "Submitted"]

MOST_BYTES = 40_000_000  # of reference pictures in memory at once
MOST_ORDERS = 50_000
CLAIMED_AT_ONCE = 100


class Order(NamedTuple):
    """One step that goes into a batch."""

    step: PlanStep
    manifest: Mapping[str, Any]
    key: Key


class Submitted(Left):
    """It is in a batch now."""


class NotForBatch(Left):
    """There is something of its key already, a result or an open attempt: that is taken up, and nothing is asked."""


class _Going:
    """A batch that is being handed in. `left`: it may have been begun."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.attempts: dict[str, Attempt] = {}  # by key
        self.reserved = Decimal(0)
        self.file = ""
        self.left = False


class BatchesIn:
    """Hands batches in."""

    def __init__(self, link: BatchLink, books: Books, money: Money, terms: Terms) -> None:
        self._link = link
        self._books = books
        self._money = money
        self._terms = terms

    async def submit(self, orders: Sequence[Order]) -> dict[str, ImagebuildError]:
        """Hand in what is asked for; by address, how each ended. Orders of one key are one line."""
        firsts: dict[Key, Order] = {}
        for order in orders:
            firsts.setdefault(order.key, order)
        ended: dict[str, ImagebuildError] = {}
        for some in await self._link.on_disk(lambda: list(self._sliced(firsts.values(), ended))):
            await self._submit(some, ended)
        named = ((order.step.address, firsts[order.key].step.address) for order in orders)
        return {address: ended[first] for address, first in named if first in ended}

    def _sliced(self, orders: Iterable[Order], ended: dict[str, ImagebuildError]) -> Iterator[list[Order]]:
        """The orders, so many together as memory holds with their pictures."""
        taken: list[Order] = []
        size = 0
        for order in orders:
            try:
                request = self._request(order)
            except ImagebuildError as bad:
                ended[order.step.address] = bad
                continue
            if not self._link.batching.fits(request):
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
        requests = await self._link.on_disk(lambda: [self._request(order) for order in orders])
        for lot in await self._link.on_disk(self._link.batching.lots, requests):
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
        lack = await self._link.on_disk(lack_of_room, self._terms.free_bytes, (0, 0), 0)  # it comes days later
        self._money.halted = self._money.halted or lack
        self._money.check_halted()
        going = _Going(self._terms.new_id())
        async with held(self._books.journal.claim(key_of_label(going.label)), self._link.disk) as is_mine:
            if not is_mine:
                raise BuildError(f"the label `{going.label}` is taken")  # it is new and random: nobody else can have it
            try:
                await self._link.on_disk(self._write_down, orders, going, ended)
                return await self._begin(lot, going)
            except (AccountFailure, NotSent, Throttled) as bad:  # turned down: nothing of it is made
                going.left = False
                await self._link.on_disk(withdraw, self._books, going.attempts.values())
                self._money.halted = self._money.halted or bad.problems[0]
                raise
            finally:
                self._money.purse.settle(going.reserved, going.reserved if going.left else Decimal(0))

    # --------------------------------------------------------------------------------------------------- written down

    def _write_down(self, orders: Sequence[Order], going: _Going, ended: dict[str, ImagebuildError]) -> None:
        """The attempts of a batch, reserved and in the journal; without those that are not to be asked for now."""
        for start in range(0, len(orders), CLAIMED_AT_ONCE):
            with ExitStack() as claims:
                mine: list[Attempt] = []
                for order in orders[start : start + CLAIMED_AT_ONCE]:
                    try:
                        before = self._replaced(order, claims)
                        self._reserve(order, going)
                    except Left as why:
                        ended[order.step.address] = why
                    else:
                        mine.append(replacing(self._attempt(order, going.label), before))
                self._books.journal.open_many(mine)
                going.attempts.update((str(each.key), each) for each in mine)

    def _replaced(self, order: Order, claims: ExitStack) -> Attempt | None:
        """The earlier attempt that this one takes the place of, if any. Raises `Left` where nothing is to be asked."""
        if not claims.enter_context(self._books.journal.claim(order.key)):
            raise Left("another build is paying for it")
        if self._books.recorded(order.key) is not None:
            raise NotForBatch("another build has made it meanwhile: build again")
        before = self._books.journal.attempt(order.key)
        if before is not None and not self._terms.may_ask_again(before, self._link.batching.name):
            raise NotForBatch("an earlier request for it is still open", hint="`imagebuild build` takes it up")
        return before

    def _reserve(self, order: Order, going: _Going) -> None:
        money = self._money
        if not money.purse.reserve(order.step.price):
            money.broke = money.broke or f"`{money.purse.name}` is reached"
            raise Left(money.broke)
        going.reserved += order.step.price

    def _attempt(self, order: Order, label: str) -> Attempt:
        terms = self._terms
        return Attempt(
            id=terms.new_id(), key=order.key, state="task", provider=self._link.batching.name,
            model=str(order.manifest["model"]), campaign=terms.campaign, address=order.step.address,
            estimate=order.step.price, at=terms.now(), manifest=dict(order.manifest),
            sources=self._books.sources(order.step.address), task={"label": label}, floating=terms.floating,
            account=terms.account, extra=terms.by,
        )  # fmt: skip

    # ---------------------------------------------------------------------------------------------------------- begun

    async def _begin(self, lot: Lot, going: _Going) -> Submitted:
        lot = lot._replace(requests=tuple(each for each in lot.requests if each.key in going.attempts))
        if not lot.requests:
            raise Left("another build is paying for it")
        ticket = await self._sent(lot, going)
        named = [begun(each, ticket) for each in going.attempts.values()]
        await self._link.on_disk(self._books.journal.open_many, named)
        pictures = f"{len(named)} pictures" if len(named) > 1 else "1 picture"
        return Submitted(
            f"in batch `{ticket.batch}` with {pictures}, about {dollars(going.reserved)}",
            hint="`imagebuild build` fetches what came of it, within a day",
        )

    async def _sent(self, lot: Lot, going: _Going) -> BatchTicket:
        async def note(task: Mapping[str, Any]) -> None:
            going.file = str(task["file"])

        async def leave() -> None:
            if going.left:
                raise BuildError(f"`{self._link.batching.name}` wanted to begin a batch a second time")
            at = self._terms.now()
            left = {key: leaving(each, going.label, going.file, at) for key, each in going.attempts.items()}
            await self._link.on_disk(self._books.journal.open_many, left.values())
            going.attempts, going.left = left, True

        try:
            flow = self._link.batching.submit(lot, label=going.label)
            return await self._link.begin(flow, leaving=leave, note=note)
        except Unknown as bad:
            raise Left(
                f"{bad.what}: whether the batch was begun shows when the service is asked for its label",
                hint="`imagebuild build` asks",
            ) from bad
