"""Paying for one action, from the reservation to the record.

The order is the whole safety: claim the key; look whether somebody has paid meanwhile; look whether an attempt is open;
reserve the estimate; write the attempt down when the connection stands; send once; then the books.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from imagebuild.build.books import Flawed, Left, may_be_billed
from imagebuild.build.exchange import Exchange, Going
from imagebuild.build.owed import Owed
from imagebuild.build.pace import Pace
from imagebuild.build.terms import Money
from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key
from imagebuild.core.plan import PlanStep
from imagebuild.providers.base import (
    AccountFailure,
    Glimpse,
    Lost,
    NotSent,
    Picture,
    Refused,
    StillRunning,
    Throttled,
    Unknown,
)
from imagebuild.store.base import Record

__all__ = ["Payer"]

MOST_THROTTLED = 50  # times that one request is sent away with "too fast" before it is given up


class Payer:
    """Pays at one provider. `owed` is what earlier builds left open there."""

    def __init__(self, exchange: Exchange, owed: Owed, pace: Pace, money: Money, *, clock: Callable[[], float]) -> None:
        self.owed = owed
        self._exchange = exchange
        self._pace = pace
        self._money = money
        self._clock = clock

    async def obtain(
        self, step: PlanStep, action: Action, manifest: Mapping[str, Any], key: Key, show: Callable[[Glimpse], None]
    ) -> tuple[Record, str]:
        """The result of a key, and how it was come by: `made`, `collected` (paid for before), `reused`. Raises `Left`,
        `Unknown`, `Refused`, `Flawed`, or what else is wrong."""
        exchange, asks = self._exchange, step.verdict == "make"
        async with exchange.claimed(key):
            record = await exchange.on_disk(exchange.books.recorded, key)
            if record is not None:
                return record, "reused"
            before = await exchange.on_disk(exchange.books.journal.attempt, key)
            if before is not None:
                found = await self.owed.take_up(before, asks=asks)
                if found is not None:
                    return found, "collected"
            if not asks:
                raise Left("nothing was billed for it", hint="build again: then it is asked for anew")
            return await self._buy(step, action, manifest, key, before, show), "made"

    async def take_up(self, key: Key) -> Record | None:
        """What comes of a key's open attempt, of a step that a batch was to have. Buys nothing: None when it is to be
        asked for, by whoever hands in batches."""
        exchange = self._exchange
        async with exchange.claimed(key):
            record = await exchange.on_disk(exchange.books.recorded, key)
            before = await exchange.on_disk(exchange.books.journal.attempt, key)
            if record is not None or before is None:
                return record
            return await self.owed.take_up(before, asks=True)

    async def _buy(
        self, step: PlanStep, action: Action, manifest: Mapping[str, Any], key: Key, before: Attempt | None,
        show: Callable[[Glimpse], None],
    ) -> Record:  # fmt: skip
        """Reserve, send, keep, settle."""
        money, exchange, terms = self._money, self._exchange, self._exchange.terms
        money.check_open()
        if not money.purse.reserve(step.price):
            money.broke = money.broke or f"`{money.purse.name}` is reached"
            raise Left(money.broke)
        spent = Decimal(0)
        attempt = Attempt(
            id=terms.new_id(), key=key, state="sent", provider=exchange.provider.name, model=str(manifest["model"]),
            campaign=terms.campaign, address=action.address, estimate=step.price, at=terms.now(),
            manifest=dict(manifest), sources=exchange.books.sources(action.address), floating=terms.floating,
            account=terms.account, extra=terms.by,
        )  # fmt: skip
        going = Going(attempt, before)
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
            record = await exchange.write(exchange.books.keep, going.attempt, picture, self._clock() - began)
            money.in_a_row = 0
            return record
        except (Unknown, Lost, Flawed) as bad:
            money.count_for_nothing(bad)
            raise
        except Refused:
            money.in_a_row = 0
            raise
        finally:
            money.purse.settle(step.price, spent)

    async def _send(self, going: Going, show: Callable[[Glimpse], None]) -> Picture:
        """Send when it is its turn, as often as the service sends it away for being too fast."""
        references = going.attempt.manifest.get("references")
        images = 1 + (len(references) if isinstance(references, list | tuple) else 0)
        for turn in range(MOST_THROTTLED):
            async with self._pace.slot(images) as mine:
                if not mine:
                    raise Left("the build was stopped")
                self._money.check_halted()  # a limit does not stop it: its price is reserved
                await self._exchange.check_room(going.attempt.manifest)
                try:
                    picture = await self._exchange.drive(going, replay=None, show=show)
                except (Throttled, AccountFailure, NotSent) as bad:
                    await self._not_billed(going, bad)
                    if turn == MOST_THROTTLED - 1:
                        raise
                    continue
                self._pace.went_well()
                return picture
        raise AssertionError("the last turn returns or raises")

    async def _not_billed(self, going: Going, bad: Throttled | AccountFailure | NotSent) -> None:
        """Sent away, or never there. Returns when it may be tried again."""
        if going.attempt.state == "task" and not isinstance(bad, AccountFailure):
            raise StillRunning(bad.what, hint=bad.hint) from bad  # it was taken: only the asking after it went wrong
        if going.is_open:
            await self._exchange.write(self._exchange.books.withdraw, going.attempt, going.before)
            going.is_open = False
        if isinstance(bad, Throttled):
            self._pace.slow_down(bad.after)
            return
        if self._money.halted is not None:  # the first one has said it for all
            raise Left(bad.what) from bad
        self._money.halted = bad.problems[0]
        raise bad
