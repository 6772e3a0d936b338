"""A provider that works here: nothing is sent, so nothing has to be written down before. Spends nothing but time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from decimal import Decimal
from typing import Any

from imagebuild.build.books import Flawed, Left
from imagebuild.build.drive import Hooks, drive, picture_of
from imagebuild.build.make import Making
from imagebuild.build.terms import Money
from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key, short
from imagebuild.core.plan import PlanStep
from imagebuild.providers.base import Glimpse, Provider
from imagebuild.store.base import Record

__all__ = ["Drawer"]


class Drawer:
    """As a `Payer`, for a provider without a wire."""

    def __init__(
        self, provider: Provider, making: Making, money: Money, executor: Executor, *, clock: Callable[[], float]
    ) -> None:
        self.provider = provider
        self.money = money
        self._making = making
        self._executor = executor
        self._clock = clock

    async def obtain(
        self, step: PlanStep, action: Action, manifest: Mapping[str, Any], key: Key, show: Callable[[Glimpse], None]
    ) -> tuple[Record, str]:
        """The result of a key."""
        money = self.money
        money.check_open()
        if not money.purse.reserve(step.price):
            money.broke = money.broke or f"`{money.purse.name}` is reached"
            raise Left(money.broke)
        cost = Decimal(0)
        began = self._clock()
        loop = asyncio.get_running_loop()
        attempt = Attempt(
            id="", key=key, state="sent", provider=self.provider.name, model=str(manifest["model"]), campaign="",
            address=action.address, estimate=step.price, at="", manifest=manifest,
            sources=self._making.sources(action.address), extra=self._making.by,
        )  # fmt: skip
        try:
            request = await loop.run_in_executor(self._executor, self._making.request, action.address, manifest, key)
            hooks = Hooks(leaving=_nothing, note=_nothing_of, show=show)
            found = await drive(self.provider.flow(request), wire=None, executor=self._executor, hooks=hooks)
            picture = picture_of(found, self.provider.name)
            cost = picture.cost or Decimal(0)
            seconds = self._clock() - began
            kept = await loop.run_in_executor(self._executor, self._making.keep, attempt, picture, seconds)
            if kept.flaw is not None:
                raise Flawed(kept.flaw, hint=f"it is kept as {short(kept.record.digest)}, and not delivered")
            return kept.record, "made"
        finally:
            money.purse.settle(step.price, cost)


async def _nothing() -> None:
    return


async def _nothing_of(_: Mapping[str, Any]) -> None:
    return
