"""The runner: takes a plan and makes it so. The only place that spends money.

A step waits for its inputs (`schedule`), is done by a worker, and ends in one of the states below; `_end` moves steps
to their end and wakes or blocks what waits for them. Bytes go to the store, then the record, then the output folder,
then the lock: a kill at any instant loses nothing that was stored, and the next run finds it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from decimal import Decimal
from typing import Protocol

from imagebuild.build.budget import Purse
from imagebuild.build.drive import drive
from imagebuild.build.ledger import Ledger, Result, result_of
from imagebuild.build.make import Making
from imagebuild.build.report import Event, Listener, Summary
from imagebuild.build.schedule import Queue, Schedule
from imagebuild.core.address import MASTER
from imagebuild.core.expand import Action
from imagebuild.core.key import Digest, Key, key_of
from imagebuild.core.lock import Lock
from imagebuild.core.plan import Plan, PlanStep, complete
from imagebuild.errors import BuildError, ImagebuildError, Problem
from imagebuild.providers.base import Provider
from imagebuild.store.base import DamagedObject, MissingObject, Record, Store

__all__ = ["STATES", "Delivery", "Stop", "run_plan"]

STATES: Mapping[str, str] = {
    "waiting": "an input is not ready",
    "ready": "everything it needs is there, a worker is not",
    "running": "a worker has it",
    "done": "its result is in the store and, if it has an output, in place",
    "failed": "it was tried and could not be done",
    "blocked": "an input of it failed",
    "left": "not begun: the build was stopped, or the budget was reached",
}


class Stop:
    """Asks a build to finish what is in flight and begin nothing more."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def request(self, reason: str) -> None:
        self.reason = self.reason or reason


class Delivery(Protocol):
    """The hand that puts files into the output folder."""

    def put(self, digest: Digest, path: str) -> str | None:
        """Deliver stored bytes to a path. What a person had put there, or edited, is moved out of the way; where to."""
        ...

    def take_in(self, digest: Digest, path: str | None) -> None:
        """Bring bytes that only the output folder has back into the store."""
        ...


async def run_plan(
    plan: Plan,
    actions: Mapping[str, Action],
    *,
    lock: Lock,
    store: Store,
    provider: Provider | None,
    making: Making,
    delivery: Delivery,
    save_lock: Callable[[Lock], None],
    listener: Listener,
    stop: Stop,
    clock: Callable[[], float],
    jobs: int | None = None,
) -> tuple[Summary, Lock]:
    """Do what the plan says. Keeps going past failures; the summary says how everything ended.

    `provider` may be None where the plan pays for nothing. When this is cancelled, what is in flight is given up; what
    ended by then is in the lock.
    """
    ledger = Ledger(lock, save_lock, clock, floating=plan.floating)
    workers = jobs or os.cpu_count() or 1
    executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="imagebuild")
    run = _Run(plan, actions, ledger, store, provider, making, delivery, listener, stop, clock, executor)
    is_over = False
    try:
        summary = await run.all(workers)
        is_over = True
    finally:
        executor.shutdown(wait=is_over, cancel_futures=not is_over)
        ledger.write()
    return summary, ledger.lock


class _Run:
    def __init__(
        self, plan: Plan, actions: Mapping[str, Action], ledger: Ledger, store: Store, provider: Provider | None,
        making: Making, delivery: Delivery, listener: Listener, stop: Stop, clock: Callable[[], float],
        executor: Executor,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.actions = actions
        self.ledger = ledger
        self.store = store
        self.provider = provider
        self.making = making
        self.delivery = delivery
        self.listener = listener
        self.stop = stop
        self.clock = clock
        self.executor = executor
        self.purse = Purse(plan.budget, plan.spent)
        self.broke: str | None = None  # the limit that a request would have passed: nothing is sent from then on
        self.summary = Summary(reused=sum(plan.kept_by_asset.values()))
        self.results: dict[str, Result] = {}
        self.turns: dict[Key, asyncio.Lock] = {}
        self.failure: BaseException | None = None
        self.schedule = Schedule()

    async def all(self, workers: int) -> Summary:
        began = self.clock()
        # What is in place already is noted at once, and not scheduled.
        todo = [step for step in self.plan.steps if step.verdict != "reuse" or not self._in_place(step)]
        self.schedule.begin(todo, self.actions)
        requests = self.provider.concurrency if self.provider is not None else 1
        queues = [self.schedule.paid] * max(requests, 1) + [self.schedule.local] * (workers + 1)
        tasks = [asyncio.create_task(self._worker(queue)) for queue in queues]
        await self.schedule.over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.failure is not None:
            raise self.failure
        self.summary.spent = self.purse.spent
        self.summary.stopped = self.stop.reason or self.broke
        self.summary.seconds = self.clock() - began
        return self.summary

    def _in_place(self, step: PlanStep) -> bool:
        """Note what needs nothing done. False when its bytes are damaged: then it is tried, and fails, as others do."""
        try:
            self._note(step, self.making.known(step, self.ledger.lock))
        except MissingObject:
            pass  # nothing needs its bytes, or the plan would say so
        except DamagedObject:
            return False
        self.summary.reused += not step.address.endswith(MASTER)
        return True

    async def _worker(self, queue: Queue) -> None:
        while True:
            _, _, step = await queue.get()
            if self.stop.reason is not None or self.failure is not None:
                self._end(step, "left")
                continue
            began = self.clock()
            try:
                await self._do(step, began)
            except ImagebuildError as bad:
                if isinstance(bad, DamagedObject | MissingObject):
                    self.summary.damaged = True
                self._end(step, "failed", Event("failed", step, bad.problems[0], self.clock() - began))
            except Exception as bad:  # unforeseen: finish what is in flight, save it, and let the traceback out
                self.failure = bad
                problem = Problem(f"{type(bad).__name__}: {bad}")
                self._end(step, "failed", Event("failed", step, problem, self.clock() - began))

    async def _do(self, step: PlanStep, began: float) -> None:
        loop = asyncio.get_running_loop()
        if step.verdict == "make" and step.merged:
            result = self.results[step.merged]
            aside = await loop.run_in_executor(self.executor, self._deliver, step, result.digest)
            self._finish(step, result, "reused", began, aside)
        elif step.verdict == "make":
            await self._make(step, began)
        elif step.verdict == "restore":
            result = self.making.known(step, self.ledger.lock)
            self._tell(Event("start", step))
            aside = await loop.run_in_executor(self.executor, self._restore, step, result.digest)
            self._finish(step, result, "restored", began, aside)
        else:
            result = self.making.known(step, self.ledger.lock)
            await loop.run_in_executor(self.executor, self.delivery.take_in, result.digest, step.output)
            self._finish(step, result, "adopted", began)

    def _restore(self, step: PlanStep, digest: Digest) -> str | None:
        if not self.store.has(digest):
            self.delivery.take_in(digest, None)
        return self._deliver(step, digest)

    def _deliver(self, step: PlanStep, digest: Digest) -> str | None:
        return self.delivery.put(digest, step.output) if step.output is not None else None

    async def _make(self, step: PlanStep, began: float) -> None:
        """Make the action's result, unless its key, now that its inputs are known, has one already. Of steps that turn
        out to have one key the first makes it, the others wait for it."""
        action = self.actions[step.address]
        manifest = complete(action, {slot: self._digest_of(source) for slot, source in action.inputs})
        key = key_of(manifest)
        async with self.turns.setdefault(key, asyncio.Lock()):
            loop = asyncio.get_running_loop()
            record = await loop.run_in_executor(self.executor, self.making.recorded, key)
            kind = "reused"
            if record is None:
                kind = "made"
                self._tell(Event("start", step))
                if action.kind == "local":
                    record = await loop.run_in_executor(self.executor, self.making.draw, action, manifest, key)
                else:
                    record = await self._pay(step, action, manifest, key)
            self.turns.pop(key, None)
        if record is not None:
            aside = await loop.run_in_executor(self.executor, self._deliver, step, record.digest)
            self._finish(step, result_of(record), kind, began, aside)

    def _digest_of(self, source: str) -> Digest:
        return self.results[source].digest if source in self.results else self.making.kept(source)

    async def _pay(self, step: PlanStep, action: Action, manifest: Mapping[str, object], key: Key) -> Record | None:
        """Reserve, send, store, settle. None when the budget does not allow it: then nothing was sent."""
        if self.provider is None:
            raise BuildError(f"`{step.address}` would have to be paid for, and this build pays for nothing")
        if self.broke is not None or not self.purse.reserve(step.price):
            self.broke = f"`{self.purse.name}` is reached"
            self._end(step, "left")
            return None
        loop = asyncio.get_running_loop()
        cost = Decimal(0)
        began = self.clock()
        try:
            request = await loop.run_in_executor(self.executor, self.making.request, action, manifest, key)
            picture = await drive(self.provider, request, self.executor)
            cost = picture.cost
            seconds = self.clock() - began
            return await loop.run_in_executor(
                self.executor, lambda: self.making.keep(action, manifest, key, picture, step.price, seconds)
            )
        finally:
            self.purse.settle(step.price, cost)

    def _finish(self, step: PlanStep, result: Result, kind: str, began: float, aside: str | None = None) -> None:
        self._note(step, result)
        if aside is not None and step.output is not None:
            self.summary.aside.append((step.output, aside))
        paid = step.kind != "local"
        name = {"made": "made" if paid else "drawn"}.get(kind, kind)
        if name != "reused" or not step.address.endswith(MASTER):
            setattr(self.summary, name, getattr(self.summary, name) + 1)
        cost = result.cost if kind == "made" and paid and result.cost else Decimal(0)
        self._end(step, "done", Event(kind, step, None, self.clock() - began, cost, aside))

    def _note(self, step: PlanStep, result: Result) -> None:
        self.results[step.address] = result
        self.ledger.note(step, self.actions[step.address], result)

    def _tell(self, event: Event) -> None:
        """What goes wrong in telling (a closed pipe) ends the build as any unforeseen thing does."""
        try:
            self.listener(event)
        except Exception as bad:
            self.failure = self.failure or bad

    def _end(self, step: PlanStep, state: str, event: Event | None = None) -> None:
        """A step is over, and with it whatever cannot be done without it: count and tell them."""
        for each, ended in self.schedule.end(step, state):
            happened = event if event is not None and each is step else Event(ended, each)
            if ended != "done":
                setattr(self.summary, ended, getattr(self.summary, ended) + 1)
                self.summary.left_price += each.price if ended == "left" else 0
                if happened.problem is not None:
                    self.summary.problems.append((each.address, happened.problem))
            self._tell(happened)
