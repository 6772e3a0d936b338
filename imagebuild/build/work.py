"""Doing one step: making its picture or putting it in place. When it is its turn is for others to decide."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Protocol, TypeVar

from imagebuild.build.books import ended
from imagebuild.build.check import rejection
from imagebuild.build.ends import Ends
from imagebuild.build.lock_writer import result_of
from imagebuild.build.make import Making
from imagebuild.build.pay import Payer
from imagebuild.build.pool import Workers
from imagebuild.build.report import Event
from imagebuild.build.schedule import Schedule
from imagebuild.build.service import Counter
from imagebuild.core.action import Action, is_soft
from imagebuild.core.key import Digest, Key, key_of
from imagebuild.core.lock import Lock
from imagebuild.core.plan import Plan, PlanStep, complete
from imagebuild.errors import BuildError
from imagebuild.store.base import Record, Store

__all__ = ["OPEN", "Delivery", "Work"]

Value = TypeVar("Value")

OPEN = frozenset({"wait", "uncertain", "refused", "flawed"})  # verdicts on what an earlier build left open


class Delivery(Protocol):
    """The hand that puts files into the output folder."""

    def put(self, digest: Digest, path: str) -> str | None:
        """Deliver stored bytes to a path. What a person had put there, or edited, is moved out of the way; where to."""
        ...

    def keep_back(self, digest: Digest, path: str) -> tuple[str, bool]:
        """Put what is not delivered where a person can look at it: where that is, and whether an earlier file is still
        at the output's own path."""
        ...

    def take_in(self, digest: Digest, path: str | None) -> None:
        """Bring bytes that only the output folder has back into the store."""
        ...


class Work:
    """The steps of one plan."""

    def __init__(
        self, plan: Plan, actions: Mapping[str, Action], schedule: Schedule, ends: Ends, counter: Counter,
        making: Making, delivery: Delivery, store: Store, lock: Lock, *, workers: Workers, drawing: Executor,
        executor: Executor, disk: Executor,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._actions = actions
        self._schedule = schedule
        self._ends = ends
        self._counter = counter
        self._making = making
        self._delivery = delivery
        self._store = store
        self._lock = lock
        self._workers = workers
        self._drawing = drawing
        self._executor = executor
        self._disk = disk
        self._turns: dict[Key, asyncio.Lock] = {}

    async def perform(self, step: PlanStep, began: float, paid: bool, lane: int) -> None:
        """Do a step. `paid`: it is known that the store has no result of it. `lane`: whose turn it is to draw."""
        if step.merged:
            result = self._ends.results[step.merged]
            aside = await self._run(self._deliver, step, result.digest)
            self._ends.well(step, result, "reused", began, aside)
        elif step.verdict == "make" or step.verdict in OPEN:
            await self._make(step, began, paid, lane)
        elif step.verdict == "restore":
            result = self._making.known(step, self._lock)
            self._ends.tell(Event("start", step))
            aside = await self._run(self._restore, step, result.digest)
            self._ends.well(step, result, "restored", began, aside)
        elif step.verdict == "blocked":
            self._ends.end(step, "blocked")
        elif step.verdict == "rejected":
            assert step.key is not None
            record = await asyncio.get_running_loop().run_in_executor(self._disk, self._store.record, step.key)
            await self._pass(step, record)
            raise BuildError(f"`{step.address}` was rejected, and its record is gone", hint="build again")
        else:
            result = self._making.known(step, self._lock)
            await self._run(self._delivery.take_in, result.digest, step.output)
            self._ends.well(step, result, "adopted", began)

    async def take_up(self, step: PlanStep, began: float) -> bool:
        """End a step by what an earlier build left open of it. False when it is to be asked for after all."""
        assert isinstance(self._counter.payer, Payer)
        record = await self._counter.payer.take_up(self.request(step)[1])
        if record is None:
            return False
        aside = await self._run(self._deliver, step, record.digest)
        self._ends.well(step, result_of(record), "collected", began, aside)
        return True

    def request(self, step: PlanStep) -> tuple[Mapping[str, object], Key]:
        """What is asked for, now that its inputs are there. What an earlier build has asked for is what that one asked
        for, whatever its inputs are by now."""
        before = self._plan.attempts.get(step.key) if step.key is not None and step.verdict in OPEN else None
        if before is not None:
            return before.manifest, before.key
        action = self._actions[step.address]
        digests = {slot: self._digest_of(source) for slot, source in action.inputs if self._is_there(slot, source)}
        manifest = complete(action, digests)
        return manifest, key_of(manifest)

    def _digest_of(self, source: str) -> Digest:
        results = self._ends.results
        return results[source].digest if source in results else self._making.kept(source)

    def _is_there(self, slot: str, source: str) -> bool:
        """Whether an input has come to something: one that is looked at for comparison only may have failed."""
        return not is_soft(slot) or source in self._ends.results or source not in self._actions

    async def _make(self, step: PlanStep, began: float, paid: bool, lane: int) -> None:
        """Make the action's result, unless its key, now that its inputs are known, has one already. Of steps that turn
        out to have one key the first makes it, the others wait for it. What has to be paid for goes into the queue for
        that, so that a result that is there never waits for a slot."""
        action = self._actions[step.address]
        manifest, key = self.request(step)
        if action.paid and step.verdict == "make" and not paid and await self._recorded(key) is None:
            self._schedule.to_pay(step)
            return
        async with self._turns.setdefault(key, asyncio.Lock()):
            record, kind = await self._obtain(step, action, manifest, key, lane)
            self._turns.pop(key, None)
        await self._pass(step, record)
        aside = await self._run(self._deliver, step, record.digest)
        self._ends.well(step, result_of(record), kind, began, aside)

    async def _pass(self, step: PlanStep, record: Record | None) -> None:
        """Raise when a picture did not pass its check; it is put where a person can look at it."""
        if record is None or record.report is None:
            return
        kept_at: str | None = None
        earlier: str | None = None
        if not record.is_result and step.output is not None:
            kept_at, is_there = await self._run(self._delivery.keep_back, record.digest, step.output)
            earlier = step.output if is_there else None
        bad = rejection(record, kept_at, earlier)
        if bad is not None:
            raise bad
        self._ends.looked(step, record)

    async def _obtain(
        self, step: PlanStep, action: Action, manifest: Mapping[str, object], key: Key, lane: int
    ) -> tuple[Record, str]:
        payer, ends = self._counter.payer, self._ends
        if not action.paid or not isinstance(payer, Payer):  # a payer looks himself, when it is his turn
            record = await self._recorded(key)
            if record is not None:
                return record, "reused"
        if not action.paid:
            ends.tell(Event("start", step))
            make = self._making.check if action.kind == "check" else self._making.draw
            do = partial(self._workers.do, lane)
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._drawing, make, action, manifest, key, do), "made"
        if payer is None and key in self._plan.attempts:  # nobody has to be asked how it ended
            raise ended(self._plan.attempts[key])
        if payer is None:
            raise BuildError(f"`{step.address}` would have to be paid for, and this build pays for nothing")
        if step.verdict == "make":
            ends.tell(Event("start", step))
        return await payer.obtain(
            step, action, manifest, key, lambda glimpse: ends.tell(Event("partial", step, glimpse=glimpse))
        )

    def _restore(self, step: PlanStep, digest: Digest) -> str | None:
        if not self._store.has(digest):
            self._delivery.take_in(digest, None)
        return self._deliver(step, digest)

    def _deliver(self, step: PlanStep, digest: Digest) -> str | None:
        return self._delivery.put(digest, step.output) if step.output is not None else None

    async def _recorded(self, key: Key) -> Record | None:
        return await asyncio.get_running_loop().run_in_executor(self._disk, self._making.recorded, key)

    async def _run(self, call: Callable[..., Value], *arguments: object) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call, *arguments)
