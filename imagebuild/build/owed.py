"""What earlier builds left open: requests that were sent, and whose pictures are not in the store.

A reply that is on disk is read, a task is asked after, a batch fetched; what was cut off is written down as that.
Nothing in here is paid for a second time.
"""

from __future__ import annotations

import asyncio

from imagebuild.build.batch import BatchDesk
from imagebuild.build.books import Left, ended, way_on
from imagebuild.build.exchange import Exchange, Going
from imagebuild.build.terms import Money
from imagebuild.core.attempt import STATES, Attempt
from imagebuild.core.key import KEY_SCHEMA, Key
from imagebuild.providers.base import AccountFailure, Glimpse, Reply, Throttled, Unknown
from imagebuild.store.base import DamagedObject, MissingObject, Record

__all__ = ["Owed"]

STRAYS_AT_ONCE = 16


class Owed:
    """The open attempts at one provider."""

    def __init__(self, exchange: Exchange, money: Money, batches: BatchDesk | None) -> None:
        self._exchange = exchange
        self._money = money
        self._batches = batches

    async def take_up(self, attempt: Attempt, *, asks: bool) -> Record | None:
        """What comes of an open attempt. None: nothing was billed, or the person said to ask again, of a step that
        `asks`: one with a price in the plan."""
        exchange, terms = self._exchange, self._exchange.terms
        if attempt.state not in STATES or attempt.manifest.get("schema") != KEY_SCHEMA:
            raise Left("another version of imagebuild began a request for it", hint="go on with that version")
        if asks and terms.may_ask_again(attempt, exchange.provider.name):
            return None
        if attempt.state == "task":
            return await self._fetch(attempt)
        if attempt.state == "sent":
            return await self._read_reply(attempt, asks)
        if attempt.state == "flawed" and terms.policy.accept_flawed and attempt.id in terms.agreed:
            return await self._accept(attempt)
        raise ended(attempt)

    async def _fetch(self, attempt: Attempt) -> Record | None:
        """What comes of a task, or of a batch."""
        exchange = self._exchange
        if attempt.provider != exchange.provider.name:
            raise exchange.elsewhere(attempt)
        if self._batches is None or "label" not in attempt.task:
            return await self._resume(attempt, None)
        await self._batches.fetch(attempt)
        record = await exchange.on_disk(exchange.books.recorded, attempt.key)
        now_open = await exchange.on_disk(exchange.books.journal.attempt, attempt.key)
        if record is None and now_open is not None and now_open.state != "task":
            return await self.take_up(now_open, asks=False)
        return record

    async def _read_reply(self, attempt: Attempt, asks: bool) -> Record | None:
        """What an earlier process received of a reply, if anything."""
        exchange, terms = self._exchange, self._exchange.terms
        may_ask = asks and terms.policy.retry_uncertain and attempt.id in terms.agreed
        reply = await exchange.recall(attempt.key)
        try:
            if reply is not None:
                if attempt.provider != exchange.provider.name:
                    raise exchange.elsewhere(attempt)
                return await self._resume(attempt, reply)
            unknown = ended(attempt)
            assert isinstance(unknown, Unknown)
            await exchange.mark(attempt, "uncertain", unknown)
            raise unknown
        except Unknown:
            if may_ask:
                return None
            raise

    async def _resume(self, attempt: Attempt, reply: Reply | None) -> Record | None:
        """Go on from a reply that is on disk, or from what the flow had noted. Nothing is sent that costs."""
        exchange, going = self._exchange, Going(attempt)
        try:
            picture = await exchange.drive(going, replay=reply, show=_unseen)
        except (Throttled, AccountFailure) as bad:
            if going.attempt.state == "task" and exchange.terms.is_foreign(attempt):
                raise exchange.elsewhere(attempt) from bad
            if going.attempt.state == "task" and isinstance(bad, Throttled):
                raise Left(bad.what, hint=bad.hint) from bad
            await exchange.write(exchange.books.journal.close, attempt.key)  # it said no before it did anything
            if reply is not None:
                return None
            self._money.halted = self._money.halted or bad.problems[0]
            raise
        return await exchange.write(exchange.books.keep, going.attempt, picture, 0.0)

    async def _accept(self, attempt: Attempt) -> Record:
        """Take a flawed picture after all, if it is still there."""
        exchange = self._exchange
        try:
            return await exchange.on_disk(exchange.books.accept, attempt)
        except (MissingObject, DamagedObject) as gone:
            words = f"the picture that was kept is gone: {gone.what}"
            lost = Unknown(words, words=words, request_id=attempt.request_id, hint=way_on("lost"))
            await exchange.mark(attempt, "lost", lost, attempt.billed)
            raise lost from gone

    # ------------------------------------------------------------------------------------------------------- strays

    async def strays(self, planned: set[Key]) -> int:
        """Deal with the open attempts that the plan does not speak of: what was paid for is fetched and kept, what was
        cut off is written into the ledger. How many pictures came of it."""
        exchange = self._exchange
        found = [each for each in await exchange.on_disk(exchange.books.attempts) if each.key not in planned]
        gate = asyncio.Semaphore(STRAYS_AT_ONCE)

        async def settle(attempt: Attempt) -> bool:
            async with gate:
                try:
                    return not exchange.stopped() and await self._stray(attempt)
                except Exception:
                    # It stays open as what it is, and the ledger shows it: no picture of this build hangs on it.
                    return False

        return sum(await asyncio.gather(*(settle(each) for each in found)))

    async def _stray(self, attempt: Attempt) -> bool:
        exchange = self._exchange
        if attempt.state not in ("sent", "task"):
            return False
        async with exchange.claimed(attempt.key, wait=False):
            now_open = await exchange.on_disk(exchange.books.journal.attempt, attempt.key)
            if now_open is None or now_open.id != attempt.id:
                return False
            record = await exchange.on_disk(exchange.books.recorded, attempt.key)
            if record is not None:  # killed between keeping it and forgetting the attempt
                await exchange.write(exchange.books.finish, now_open, record)
                return False
            return await self.take_up(now_open, asks=False) is not None


def _unseen(_: Glimpse) -> None:
    """Nobody looks at the partial pictures of a reply that is read from disk."""
