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
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from imagebuild.build.batch import BatchDesk, Order, Submitted
from imagebuild.build.books import Books, Flawed, Left
from imagebuild.build.budget import Purse
from imagebuild.build.draw import Drawer
from imagebuild.build.exchange import Exchange
from imagebuild.build.lock_writer import LockWriter, Result, result_of
from imagebuild.build.make import Making
from imagebuild.build.owed import Owed
from imagebuild.build.pace import Pace
from imagebuild.build.pay import Payer
from imagebuild.build.report import Event, Listener, Summary
from imagebuild.build.schedule import Queue, Schedule
from imagebuild.build.terms import Money, Terms
from imagebuild.core.address import MASTER
from imagebuild.core.expand import Action
from imagebuild.core.key import Digest, Key, key_of
from imagebuild.core.lock import Lock
from imagebuild.core.plan import Plan, PlanStep, complete
from imagebuild.errors import BuildError, ImagebuildError, Problem
from imagebuild.providers.base import Glimpse, Lost, Provider, Refused, StillRunning, Unknown, Wire
from imagebuild.providers.batches import Batching
from imagebuild.store.base import DamagedObject, Journal, MissingObject, Record, Store

__all__ = ["STATES", "Delivery", "Service", "Stop", "run_plan"]

STATES: Mapping[str, str] = {
    "waiting": "an input is not ready",
    "ready": "everything it needs is there, a worker is not",
    "running": "a worker has it",
    "done": "its result is in the store and, if it has an output, in place",
    "failed": "it was tried and could not be done",
    "uncertain": "its request left, and what became of it is not known",
    "refused": "the service said no to it",
    "flawed": "what came is not what was asked for; it is kept",
    "blocked": "an input of it failed",
    "left": "not begun, or under way at the service: the next build goes on with it",
}
ENDS: Mapping[type[ImagebuildError], str] = {
    Left: "left", StillRunning: "left", Unknown: "uncertain", Lost: "uncertain", Refused: "refused", Flawed: "flawed",
}  # fmt: skip
OPEN = frozenset({"wait", "uncertain", "refused", "flawed"})  # verdicts on what an earlier build left open
DISK_THREADS = 8  # they wait for the disk, and work little
TAKEN_UP = 64  # of what earlier builds left open, at once
IDLE_GLANCE = 0.02
STOPPED = "the build was stopped"
CHECKS = 4  # steps that are looked up in the store at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A provider, and what it takes to pay at it: without a wire it works here. `age` is that of a date, in seconds."""

    provider: Provider
    wire: Wire | None = None
    journal: Journal | None = None
    terms: Terms | None = None
    batching: Batching | None = None
    age: Callable[[str], float] = lambda _: 0.0


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
    service: Service | None,
    making: Making,
    delivery: Delivery,
    save_lock: Callable[[Lock], None],
    listener: Listener,
    stop: Stop,
    clock: Callable[[], float],
    jobs: int | None = None,
    spent: Decimal = Decimal(0),
) -> tuple[Summary, Lock]:
    """Do what the plan says. Keeps going past failures; the summary says how everything ended.

    `service` may be None where the plan asks nothing of a provider. `spent` is what the same build has spent before, in
    an earlier round. When this is cancelled, what is in flight is given
    up; what ended by then is in the lock.
    """
    writer = LockWriter(lock, save_lock, clock, floating=plan.floating)
    workers = jobs or os.cpu_count() or 1
    executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="imagebuild")
    disk = ThreadPoolExecutor(max_workers=DISK_THREADS, thread_name_prefix="imagebuild-disk")
    money = Money(Purse(plan.budget, plan.spent, plan.spent_month, spent))
    run = _Run(plan, actions, writer, store, making, delivery, listener, stop, clock, executor, disk, money)
    is_over = False
    try:
        run.open(service)
        summary = await run.all(workers)
        is_over = True
    finally:
        for pool in (executor, disk):
            pool.shutdown(wait=is_over, cancel_futures=not is_over)
        writer.write()
    return summary, writer.lock


class _Run:
    def __init__(
        self, plan: Plan, actions: Mapping[str, Action], writer: LockWriter, store: Store, making: Making,
        delivery: Delivery, listener: Listener, stop: Stop, clock: Callable[[], float], executor: Executor,
        disk: Executor, money: Money,
    ) -> None:  # fmt: skip
        self.plan = plan
        self.actions = actions
        self.writer = writer
        self.store = store
        self.making = making
        self.delivery = delivery
        self.listener = listener
        self.stop = stop
        self.clock = clock
        self.executor = executor
        self.disk = disk
        self.money = money
        self.payer: Payer | Drawer | None = None
        self.desk: BatchDesk | None = None
        self.requests = 1  # at the provider, at once
        self.busy = 0  # steps being looked up or drawn: what they end may let others be paid for
        self.gate = asyncio.Semaphore(TAKEN_UP)
        self.summary = Summary(reused=sum(plan.kept_by_asset.values()))
        self.results: dict[str, Result] = {}
        self.turns: dict[Key, asyncio.Lock] = {}
        self.failure: BaseException | None = None
        self.schedule = Schedule()

    def open(self, service: Service | None) -> None:
        """Get ready to ask a provider."""
        if service is None:
            return
        self.requests = max(1, service.provider.limits.concurrency)
        if service.wire is None:
            self.payer = Drawer(service.provider, self.making, self.money, self.executor, clock=self.clock)
            return
        assert service.journal is not None
        assert service.terms is not None
        books = Books(service.journal, self.making)
        pace = Pace(
            service.provider.limits, clock=self.clock, sleep=asyncio.sleep, stopped=self._is_stopping,
            scale=service.terms.scale,
        )  # fmt: skip
        if service.batching is not None:
            self.desk = BatchDesk(
                service.batching, service.wire, books, self.money, self.disk, terms=service.terms, age=service.age
            )
        exchange = Exchange(
            service.provider, service.wire, books, self.disk, terms=service.terms, money=self.money,
            stopped=self._is_stopping,
        )  # fmt: skip
        owed = Owed(exchange, self.money, self.desk)
        self.payer = Payer(exchange, owed, pace, self.money, clock=self.clock)

    async def all(self, workers: int) -> Summary:
        began = self.clock()
        # What is in place already is noted at once, and not scheduled.
        todo = [step for step in self.plan.steps if step.verdict != "reuse" or not self._in_place(step)]
        self.schedule.begin(todo, self.actions, apart=OPEN)
        by_batch = self.plan.policy.batch and self.desk is not None
        queues = [self.schedule.local] * (workers + 1) + [self.schedule.checks] * CHECKS
        queues += [] if by_batch else [self.schedule.paid] * self.requests
        tasks = [asyncio.create_task(self._worker(queue)) for queue in queues]
        tasks += [asyncio.create_task(self._take_up(each)) for each in todo if each.verdict in OPEN and not each.merged]
        if by_batch:
            tasks.append(asyncio.create_task(self._hand_in()))
        strays = asyncio.create_task(self._strays())
        await self.schedule.over.wait()
        if self.failure is None:
            self.summary.strays = await strays
        for task in (*tasks, strays):
            task.cancel()
        await asyncio.gather(*tasks, strays, return_exceptions=True)
        if self.failure is not None:
            raise self.failure
        money, summary = self.money, self.summary
        summary.unknown = money.unknown
        summary.spent = money.purse.spent - money.unknown
        summary.stopped = self.stop.reason or money.broke or (money.halted.what if money.halted else None)
        summary.seconds = self.clock() - began
        return summary

    def _is_stopping(self) -> bool:
        return self.stop.reason is not None or self.failure is not None

    async def _strays(self) -> int:
        if not isinstance(self.payer, Payer):
            return 0
        taken_up = OPEN | {"make"}  # every other verdict leaves an attempt as it is, though its key is in the plan
        planned = {step.key for step in self.plan.steps if step.key is not None and step.verdict in taken_up}
        return await self.payer.owed.strays(planned)

    def _in_place(self, step: PlanStep) -> bool:
        """Note what needs nothing done. False when its bytes are damaged: then it is tried, and fails, as others do."""
        try:
            self._note(step, self.making.known(step, self.writer.lock))
        except MissingObject:
            pass  # nothing needs its bytes, or the plan would say so
        except DamagedObject:
            return False
        self.summary.reused += not step.address.endswith(MASTER)
        return True

    async def _worker(self, queue: Queue) -> None:
        while True:
            _, _, step = await queue.get()
            if self._is_stopping():
                self._end(step, "left")
            else:
                await self._do(step, paid=queue is self.schedule.paid)

    async def _take_up(self, step: PlanStep) -> None:
        """What an earlier build left open waits for the service, not for a worker."""
        async with self.gate:
            if self._is_stopping():
                self._end(step, "left")
            else:
                await self._do(step)

    async def _hand_in(self) -> None:
        """Send what is ready in batches, once nothing that runs here can make more of it ready."""
        assert self.desk is not None
        queue = self.schedule.paid
        while True:
            steps = [(await queue.get())[2]]
            while self.busy or not self.schedule.checks.empty() or not self.schedule.local.empty() or not queue.empty():
                await asyncio.sleep(IDLE_GLANCE)
                while not queue.empty():
                    steps.append(queue.get_nowait()[2])
            if self._is_stopping():
                for step in steps:
                    self._end(step, "left")
                continue
            for step in steps:
                self._tell(Event("start", step))
            orders = [self._order(step) for step in steps]
            try:
                said = await self.desk.submit(orders)
            except Exception as bad:
                self.failure = bad
                said = {}
            for step in steps:
                outcome = said.get(step.address) or Left("it was not handed in")
                self.summary.submitted += isinstance(outcome, Submitted)
                self._end_badly(step, outcome, 0.0)

    def _order(self, step: PlanStep) -> Order:
        return Order(step, *self._request(step, self.actions[step.address]))

    async def _do(self, step: PlanStep, *, paid: bool = False) -> None:
        """Do a step, and end it however it ends. `paid`: it is known that the store has no result of it."""
        began = self.clock()
        adds = not paid and step.verdict not in OPEN  # what waits for the service may take minutes
        self.busy += adds
        try:
            await self._perform(step, began, paid)
        except ImagebuildError as bad:
            self._end_badly(step, bad, self.clock() - began)
        except Exception as bad:  # unforeseen: finish what is in flight, save it, and let the traceback out
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # the build is being broken off: nothing goes on after this
                raise asyncio.CancelledError from bad
            self.failure = bad
            problem = Problem(f"{type(bad).__name__}: {bad}")
            self._end(step, "failed", Event("failed", step, problem, self.clock() - began))
        finally:
            self.busy -= adds

    def _end_badly(self, step: PlanStep, bad: ImagebuildError, seconds: float) -> None:
        if isinstance(bad, DamagedObject | MissingObject):
            self.summary.damaged = True
        state = next((state for kind, state in ENDS.items() if isinstance(bad, kind)), "failed")
        halted = self.money.halted.what if self.money.halted else None
        is_told = state == "left" and bad.what in (self.money.broke, halted, STOPPED)  # in the last line
        self._end(step, state, Event(state, step, None if is_told else bad.problems[0], seconds))

    async def _perform(self, step: PlanStep, began: float, paid: bool) -> None:
        loop = asyncio.get_running_loop()
        if step.merged:
            result = self.results[step.merged]
            aside = await loop.run_in_executor(self.executor, self._deliver, step, result.digest)
            self._finish(step, result, "reused", began, aside)
        elif step.verdict == "make" or step.verdict in OPEN:
            await self._make(step, began, paid)
        elif step.verdict == "restore":
            result = self.making.known(step, self.writer.lock)
            self._tell(Event("start", step))
            aside = await loop.run_in_executor(self.executor, self._restore, step, result.digest)
            self._finish(step, result, "restored", began, aside)
        elif step.verdict == "blocked":
            self._end(step, "blocked")
        else:
            result = self.making.known(step, self.writer.lock)
            await loop.run_in_executor(self.executor, self.delivery.take_in, result.digest, step.output)
            self._finish(step, result, "adopted", began)

    def _restore(self, step: PlanStep, digest: Digest) -> str | None:
        if not self.store.has(digest):
            self.delivery.take_in(digest, None)
        return self._deliver(step, digest)

    def _deliver(self, step: PlanStep, digest: Digest) -> str | None:
        return self.delivery.put(digest, step.output) if step.output is not None else None

    async def _make(self, step: PlanStep, began: float, paid: bool) -> None:
        """Make the action's result, unless its key, now that its inputs are known, has one already. Of steps that turn
        out to have one key the first makes it, the others wait for it. What has to be paid for goes into the queue for
        that, so that a result that is there never waits for a slot."""
        action = self.actions[step.address]
        manifest, key = self._request(step, action)
        if action.kind != "local" and step.verdict == "make" and not paid:
            record = await asyncio.get_running_loop().run_in_executor(self.disk, self.making.recorded, key)
            if record is None:
                self.schedule.to_pay(step)
                return
        async with self.turns.setdefault(key, asyncio.Lock()):
            record, kind = await self._obtain(step, action, manifest, key)
            self.turns.pop(key, None)
        aside = await asyncio.get_running_loop().run_in_executor(self.executor, self._deliver, step, record.digest)
        self._finish(step, result_of(record), kind, began, aside)

    async def _obtain(
        self, step: PlanStep, action: Action, manifest: Mapping[str, object], key: Key
    ) -> tuple[Record, str]:
        loop = asyncio.get_running_loop()
        if action.kind == "local" or not isinstance(self.payer, Payer):  # a payer looks himself, when it is his turn
            record = await loop.run_in_executor(self.disk, self.making.recorded, key)
            if record is not None:
                return record, "reused"
        if action.kind == "local":
            self._tell(Event("start", step))
            return await loop.run_in_executor(self.executor, self.making.draw, action, manifest, key), "made"
        if self.payer is None:
            raise BuildError(f"`{step.address}` would have to be paid for, and this build pays for nothing")
        if step.verdict == "make":
            self._tell(Event("start", step))
        return await self.payer.obtain(step, action, manifest, key, lambda glimpse: self._glimpse(step, glimpse))

    def _glimpse(self, step: PlanStep, glimpse: Glimpse) -> None:
        self._tell(Event("partial", step, glimpse=glimpse))

    def _request(self, step: PlanStep, action: Action) -> tuple[Mapping[str, object], Key]:
        """What is asked for, now that its inputs are there. What an earlier build has asked for is what that one asked
        for, whatever its inputs are by now."""
        before = self.plan.attempts.get(step.key) if step.key is not None and step.verdict in OPEN else None
        if before is not None:
            return before.manifest, before.key
        manifest = complete(action, {slot: self._digest_of(source) for slot, source in action.inputs})
        return manifest, key_of(manifest)

    def _digest_of(self, source: str) -> Digest:
        return self.results[source].digest if source in self.results else self.making.kept(source)

    def _finish(self, step: PlanStep, result: Result, kind: str, began: float, aside: str | None = None) -> None:
        self._note(step, result)
        if aside is not None and step.output is not None:
            self.summary.aside.append((step.output, aside))
        paid = step.kind != "local"
        name = "drawn" if kind == "made" and not paid else kind
        if name != "reused" or not step.address.endswith(MASTER):
            setattr(self.summary, name, getattr(self.summary, name) + 1)
        cost = result.cost if kind == "made" and paid and result.cost else Decimal(0)
        self._end(step, "done", Event(kind, step, None, self.clock() - began, cost, aside))

    def _note(self, step: PlanStep, result: Result) -> None:
        self.results[step.address] = result
        self.writer.note(step, self.actions[step.address], result)

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
                    self.summary.problems.append((each.address, happened.problem, ended))
            self._tell(happened)
