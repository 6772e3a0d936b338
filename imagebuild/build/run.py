"""The runner: takes a plan and makes it so. The only place that spends money.

A step waits for its inputs, is done by a worker, and ends in one of the states below; one method, `_end`, moves steps to
their end and wakes or blocks what waits for them. Bytes go to the store, then the record, then the output folder, then
the lock: a kill at any instant loses nothing that was stored, and the next run finds it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from imagebuild.build.budget import Purse
from imagebuild.build.drive import drive
from imagebuild.build.make import Making
from imagebuild.build.report import Event, Listener, Summary
from imagebuild.core.expand import Action
from imagebuild.core.key import Digest, Key, key_of
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.plan import Plan, PlanStep, complete, tools_text
from imagebuild.errors import ImagebuildError, Problem
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
SAVE_EVERY = 5.0  # seconds between savings of the lock while a build runs


class Stop:
    """Asks a build to finish what is in flight and begin nothing more."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def request(self, reason: str) -> None:
        self.reason = self.reason or reason


class Delivery(Protocol):
    """The hand that puts files into the output folder."""

    def put(self, digest: Digest, path: str, *, set_aside: bool) -> None:
        """Deliver stored bytes to a path; with `set_aside`, what is there now is moved out of the way and kept."""
        ...

    def take_in(self, digest: Digest, path: str | None) -> None:
        """Bring bytes that only the output folder has back into the store."""
        ...


class _Result(NamedTuple):
    key: Key
    digest: Digest
    size: str
    bytes: int
    cost: Decimal | None
    model: str | None
    provider: str | None


@dataclass(slots=True)
class _Ledger:
    """What the lock will say: the old entries, and those of the steps that ended well."""

    lock: Lock
    save: Callable[[Lock], None]
    clock: Callable[[], float]
    fresh: dict[str, LockEntry]
    saved_at: float
    pause: float = SAVE_EVERY

    def note(self, entry: LockEntry) -> None:
        if self.lock.entries.get(entry.address) != entry:
            self.fresh[entry.address] = entry
            now = self.clock()
            if now - self.saved_at > self.pause:
                self.write()
                self.saved_at = self.clock()
                self.pause = max(SAVE_EVERY, 20 * (self.saved_at - now))

    def write(self) -> Lock:
        if self.fresh or self.lock.conflicted or self.lock.alternatives:
            entries = {**self.lock.entries, **self.fresh}
            self.lock = self.lock._replace(entries=entries, alternatives={}, conflicted=False)
            self.save(self.lock)
            self.fresh = {}
        return self.lock


async def run_plan(
    plan: Plan,
    actions: Mapping[str, Action],
    *,
    lock: Lock,
    store: Store,
    provider: Provider,
    making: Making,
    delivery: Delivery,
    save_lock: Callable[[Lock], None],
    listener: Listener,
    stop: Stop,
    clock: Callable[[], float],
    jobs: int | None = None,
) -> tuple[Summary, Lock]:
    """Do what the plan says. Keeps going past failures; the summary says how everything ended."""
    ledger = _Ledger(lock, save_lock, clock, {}, clock())
    workers = jobs or os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="imagebuild") as executor:
        run = _Run(plan, actions, ledger, store, provider, making, delivery, listener, stop, clock, executor)
        try:
            summary = await run.all(workers)
        finally:
            ledger.write()
    return summary, ledger.lock


class _Run:
    def __init__(
        self, plan: Plan, actions: Mapping[str, Action], ledger: _Ledger, store: Store, provider: Provider, making: Making,
        delivery: Delivery, listener: Listener, stop: Stop, clock: Callable[[], float], executor: Executor,
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
        self.summary = Summary()
        self.results: dict[str, _Result] = {}
        self.steps = {step.address: step for step in plan.steps}
        self.waits: dict[str, int] = {}
        self.dependents: dict[str, list[str]] = {}
        self.open = 0
        self.over = asyncio.Event()
        self.failure: BaseException | None = None
        self.paid: asyncio.PriorityQueue[tuple[Decimal, int, PlanStep]] = asyncio.PriorityQueue()
        self.local: asyncio.PriorityQueue[tuple[Decimal, int, PlanStep]] = asyncio.PriorityQueue()
        self.order = {step.address: index for index, step in enumerate(plan.steps)}

    async def all(self, workers: int) -> Summary:
        began = self.clock()
        self._begin()
        queues = [self.paid] * max(self.provider.concurrency, 1) + [self.local] * (workers + 1)
        tasks = [asyncio.create_task(self._worker(queue)) for queue in queues]
        if self.open:
            await self.over.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.failure is not None:
            raise self.failure
        self.summary.spent = self.purse.spent
        self.summary.stopped = self.stop.reason
        self.summary.seconds = self.clock() - began
        return self.summary

    def _begin(self) -> None:
        """Count what each step waits for; what is in place already is done at once."""
        todo = {address: step for address, step in self.steps.items() if step.verdict != "reuse"}
        for address, step in self.steps.items():
            if step.verdict == "reuse":
                self._note(step, self._known(step))
                self.summary.reused += 1
        self.open = len(todo)
        for address, step in todo.items():
            inputs = [source for _, source in self.actions[address].inputs] if step.verdict == "make" else []
            if step.merged:
                inputs = [step.merged]
            waiting = [source for source in inputs if source in todo]
            self.waits[address] = len(waiting)
            for source in waiting:
                self.dependents.setdefault(source, []).append(address)
        for address, count in self.waits.items():
            if count == 0:
                self._ready(todo[address])

    def _ready(self, step: PlanStep) -> None:
        paid = step.kind != "local" and step.verdict == "make" and not step.merged
        (self.paid if paid else self.local).put_nowait((-step.price, self.order[step.address], step))

    async def _worker(self, queue: asyncio.PriorityQueue[tuple[Decimal, int, PlanStep]]) -> None:
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
                self._end(step, "failed", problem=bad.problems[0], seconds=self.clock() - began)
            except Exception as bad:  # unforeseen: finish what is in flight, save it, and let the traceback out
                self.failure = bad
                self._end(step, "failed", problem=Problem(f"{type(bad).__name__}: {bad}"))

    async def _do(self, step: PlanStep, began: float) -> None:
        loop = asyncio.get_running_loop()
        if step.verdict == "make" and step.merged:
            result = self.results[step.merged]
            await loop.run_in_executor(self.executor, self._deliver, step, result.digest)
            self._finish(step, result, "reused", began)
        elif step.verdict == "make":
            await self._make(step, began)
        elif step.verdict == "restore":
            result = self._known(step)
            self.listener(Event("start", step))
            await loop.run_in_executor(self.executor, self._restore, step, result.digest)
            self._finish(step, result, "restored", began)
        else:
            result = self._known(step)
            await loop.run_in_executor(self.executor, self.delivery.take_in, result.digest, step.output)
            self._finish(step, result, "adopted", began)

    def _restore(self, step: PlanStep, digest: Digest) -> None:
        if not self.store.has(digest):
            self.delivery.take_in(digest, None)
        self._deliver(step, digest)

    def _deliver(self, step: PlanStep, digest: Digest) -> None:
        if step.output is not None:
            self.delivery.put(digest, step.output, set_aside=step.why in ("file-edited", "file-foreign"))

    async def _make(self, step: PlanStep, began: float) -> None:
        """Make the action's result, unless its key, now that its inputs are known, has one already."""
        loop = asyncio.get_running_loop()
        action = self.actions[step.address]
        manifest = complete(action, {slot: self._digest_of(source) for slot, source in action.inputs})
        key = key_of(manifest)
        record = await loop.run_in_executor(self.executor, self._recorded, key)
        if record is not None:
            await loop.run_in_executor(self.executor, self._deliver, step, record.digest)
            self._finish(step, _of_record(record), "reused", began)
            return
        self.listener(Event("start", step))
        if action.kind == "local":
            record = await loop.run_in_executor(self.executor, self.making.draw, action, manifest, key)
        else:
            record = await self._pay(step, action, manifest, key)
            if record is None:
                return
        await loop.run_in_executor(self.executor, self._deliver, step, record.digest)
        self._finish(step, _of_record(record), "made", began)

    def _recorded(self, key: Key) -> Record | None:
        record = self.store.record(key)
        return record if record is not None and self.store.has(record.digest) else None

    async def _pay(self, step: PlanStep, action: Action, manifest: Mapping[str, object], key: Key) -> Record | None:
        """Reserve, send, store, settle. None when the budget does not allow it: then nothing was sent."""
        if not self.purse.reserve(step.price):
            self.stop.request(f"`{self.purse.name}` is reached")
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

    def _digest_of(self, source: str) -> Digest:
        return self.results[source].digest if source in self.results else self.making.kept(source)

    def _known(self, step: PlanStep) -> _Result:
        """The result of a step that has one: as the lock has it, else as the store does."""
        assert step.key is not None and step.digest is not None
        lock = self.ledger.lock
        entry = lock.entries.get(step.address)
        if entry is None or entry.key != step.key or entry.digest != step.digest:
            entry = self.making.locked(step.key, step.digest)
        if entry is not None:
            return _Result(
                step.key,
                step.digest,
                entry.size or step.size or "",
                entry.bytes or 0,
                entry.cost,
                entry.model,
                entry.provider,
            )
        record = self.store.record(step.key)
        if record is not None and record.digest == step.digest:
            return _of_record(record)
        return _Result(step.key, step.digest, step.size or "", self.making.bytes_of(step.digest), None, None, None)

    def _finish(self, step: PlanStep, result: _Result, kind: str, began: float) -> None:
        self._note(step, result)
        paid = step.kind != "local"
        name = {"made": "made" if paid else "drawn"}.get(kind, kind)
        setattr(self.summary, name, getattr(self.summary, name) + 1)
        cost = result.cost if kind == "made" and paid and result.cost else Decimal(0)
        self._end(step, "done", kind=kind, seconds=self.clock() - began, cost=cost)

    def _note(self, step: PlanStep, result: _Result) -> None:
        self.results[step.address] = result
        action = self.actions[step.address]
        old = self.ledger.lock.entries.get(step.address)
        paid = step.kind != "local"
        self.ledger.note(
            LockEntry(
                address=step.address,
                key=result.key,
                digest=result.digest,
                output=step.output,
                size=result.size,
                bytes=result.bytes,
                model=result.model if paid else None,
                provider=result.provider if paid else None,
                cost=result.cost if paid else None,
                tools=old.tools if old is not None and old.key == result.key else tools_text(action.manifest),
                floating=self.plan.floating and paid,
                extra=old.extra if old is not None and old.key == result.key else {},
            )  # fmt: skip
        )

    def _end(
        self, step: PlanStep, state: str, *, kind: str = "", problem: Problem | None = None, seconds: float = 0.0,
        cost: Decimal = Decimal(0),
    ) -> None:  # fmt: skip
        """A step is over: count it, tell it, and wake or block what waits for it."""
        self.open -= 1
        if state != "done":
            setattr(self.summary, state, getattr(self.summary, state) + 1)
            if problem is not None:
                self.summary.problems.append((step.address, problem))
        self.listener(Event(kind or state, step, problem, seconds, cost))
        for address in self.dependents.get(step.address, ()):
            if address not in self.waits:
                continue
            if state == "done":
                self.waits[address] -= 1
                if self.waits[address] == 0:
                    self._ready(self.steps[address])
            else:
                del self.waits[address]
                self._end(self.steps[address], "left" if state == "left" else "blocked")
        if self.open == 0:
            self.over.set()


def _of_record(record: Record) -> _Result:
    return _Result(
        record.key,
        record.digest,
        f"{record.size[0]}x{record.size[1]}",
        record.bytes,
        record.cost,
        record.model,
        record.provider,
    )
