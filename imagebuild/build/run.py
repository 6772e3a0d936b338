"""The runner: takes a plan and makes it so. With `pay` and `batch`, the only place that spends money.

A step waits for its inputs (`schedule`), is done by a worker (`work`), and ends in one of the states of `ends`, which
wakes or blocks what waits for it. Bytes go to the store, then the record, then the output folder, then the lock: a kill
at any instant loses nothing that was stored, and the next run finds it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from imagebuild.build.batch import NotForBatch, Order, Submitted
from imagebuild.build.books import Left
from imagebuild.build.budget import Purse
from imagebuild.build.ends import STATES, Ends
from imagebuild.build.exchange import READ_AT_ONCE
from imagebuild.build.lock_writer import LockWriter
from imagebuild.build.make import Making
from imagebuild.build.pay import Payer
from imagebuild.build.pool import Workers
from imagebuild.build.report import Event, Listener, Summary
from imagebuild.build.schedule import Schedule
from imagebuild.build.service import Counter, Service, open_counter
from imagebuild.build.stop import Stop
from imagebuild.build.terms import Money
from imagebuild.build.work import OPEN, Delivery, Work
from imagebuild.core.action import Action
from imagebuild.core.address import is_inner
from imagebuild.core.lock import Lock
from imagebuild.core.plan import Plan, PlanStep
from imagebuild.errors import ImagebuildError
from imagebuild.store.base import DamagedObject, MissingObject, Store

__all__ = ["STATES", "Delivery", "Service", "Stop", "run_plan"]

DISK_THREADS = 8  # they wait for the disk, and work little
TAKEN_UP = 64  # of what earlier builds left open, at once
IDLE_GLANCE = 0.02
CHECKS = 4  # steps that are looked up in the store at once
MUCH = 24  # pictures to draw or to check, a tenth of a second each: with fewer the processes' beginning would show
IN_HAND = 2  # steps for each worker: while one is drawn, another is stored and delivered, or waits


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
    names_makers: bool = False,
) -> tuple[Summary, Lock]:
    """Do what the plan says. Keeps going past failures; the summary says how everything ended.

    `service` may be None where the plan asks nothing of a provider. `spent` is what the same build has spent before, in
    an earlier round; with `names_makers` the lock says who had pictures made. When this is cancelled, what is in
    flight is given up; what ended by then is in the lock.
    """
    writer = LockWriter(lock, save_lock, clock, floating=plan.floating, names_makers=names_makers)
    count = jobs or os.cpu_count() or 1
    workers = Workers(making, count, apart=_is_much(plan))
    drawing = ThreadPoolExecutor(max_workers=count * IN_HAND, thread_name_prefix="imagebuild-drawing")
    executor = ThreadPoolExecutor(max_workers=count, thread_name_prefix="imagebuild")
    disk = ThreadPoolExecutor(max_workers=DISK_THREADS, thread_name_prefix="imagebuild-disk")
    reader = ThreadPoolExecutor(max_workers=READ_AT_ONCE, thread_name_prefix="imagebuild-reader")
    money = Money(Purse(plan.budget, plan.spent, plan.spent_month, spent))
    schedule = Schedule()
    ends = Ends(plan, actions, schedule, writer, listener, money, clock)

    def stopped() -> bool:
        return stop.reason is not None or ends.failure is not None

    is_over = False
    try:
        counter = open_counter(
            service, making, money, executor=executor, disk=disk, reader=reader, clock=clock, stopped=stopped,
            pictures=sum(step.paid and step.verdict == "make" and not step.merged for step in plan.steps),
        )  # fmt: skip
        work = Work(
            plan, actions, schedule, ends, counter, making, delivery, store, lock, workers=workers, drawing=drawing,
            executor=executor, disk=disk,
        )  # fmt: skip
        run = _Run(plan, schedule, ends, work, counter, stopped)
        todo = [step for step in plan.steps if step.verdict != "reuse" or not _in_place(step, making, ends, lock)]
        merged = {step.address: step.merged for step in plan.steps if step.merged}
        schedule.begin(todo, actions, apart=OPEN, merged=merged)
        began = clock()
        await run.all(todo, count)
        is_over = True
    finally:
        for pool in (drawing, executor, disk, reader):
            pool.shutdown(wait=is_over, cancel_futures=not is_over)
        workers.close(at_once=not is_over)
        writer.write()
    _count_up(ends.summary, money, stop)
    ends.summary.seconds = clock() - began
    return ends.summary, writer.lock


def _count_up(summary: Summary, money: Money, stop: Stop) -> None:
    """What was spent in all, and what ended the build."""
    summary.unknown = money.unknown
    summary.spent = money.purse.spent - money.unknown
    summary.stopped = stop.reason or money.broke or (money.halted.what if money.halted else None)
    summary.stopped_hint = money.halted.hint if money.halted and summary.stopped == money.halted.what else None


def _is_much(plan: Plan) -> bool:
    """Whether there is so much to do here that processes of their own are worth their beginning."""
    count = sum(step.verdict == "make" and not step.paid and not step.merged for step in plan.steps)
    is_python = bool(sys.executable) and not getattr(sys, "frozen", False)  # else it would begin the program again
    return is_python and count >= MUCH


def _in_place(step: PlanStep, making: Making, ends: Ends, lock: Lock) -> bool:
    """Note what needs nothing done. False when its bytes are damaged: then it is tried, and fails, as others do."""
    try:
        ends.note(step, making.known(step, lock))
    except MissingObject:
        pass  # nothing needs its bytes, or the plan would say so
    except DamagedObject:
        return False
    ends.summary.reused += not is_inner(step.address)
    return True


class _Run:
    """The workers of one build."""

    def __init__(
        self, plan: Plan, schedule: Schedule, ends: Ends, work: Work, counter: Counter, stopped: Callable[[], bool]
    ) -> None:
        self.plan = plan
        self.schedule = schedule
        self.ends = ends
        self.work = work
        self.counter = counter
        self.stopped = stopped
        self.busy = 0  # steps being looked up or drawn: what they end may let others be paid for
        self.gate = asyncio.Semaphore(TAKEN_UP)

    async def all(self, todo: list[PlanStep], lanes: int) -> None:
        by_batch = self.plan.policy.batch and self.counter.desk is not None
        tasks = [asyncio.create_task(self._worker(lane)) for lane in [*range(lanes)] * IN_HAND]
        tasks += [asyncio.create_task(self._payer()) for _ in range(0 if by_batch else self.counter.workers)]
        tasks += [asyncio.create_task(self._checker()) for _ in range(CHECKS)]
        tasks += [asyncio.create_task(self._take_up(each)) for each in todo if each.verdict in OPEN and not each.merged]
        if by_batch:
            tasks.append(asyncio.create_task(self._hand_in()))
        strays = asyncio.create_task(self._strays())
        await self.schedule.over.wait()
        if self.ends.failure is None:
            self.ends.summary.strays = await strays
        for task in (*tasks, strays):
            task.cancel()
        await asyncio.gather(*tasks, strays, return_exceptions=True)
        if self.ends.failure is not None:
            raise self.ends.failure

    async def _strays(self) -> int:
        if not isinstance(self.counter.payer, Payer):
            return 0
        taken_up = OPEN | {"make"}  # every other verdict leaves an attempt as it is, though its key is in the plan
        planned = {step.key for step in self.plan.steps if step.key is not None and step.verdict in taken_up}
        return await self.counter.payer.owed.strays(planned)

    async def _worker(self, lane: int) -> None:
        while True:
            step = await self.schedule.local.get(lane)
            if self.stopped():
                self.ends.end(step, "left")
            else:
                await self._do(step, lane=lane)

    async def _payer(self) -> None:
        while True:
            step = (await self.schedule.paid.get())[2]
            if self.stopped():
                self.ends.end(step, "left")
            else:
                await self._do(step, paid=True)

    async def _checker(self) -> None:
        while True:
            step = await self.schedule.next_check()
            if self.stopped():
                self.ends.end(step, "left")
            else:
                await self._do(step)

    async def _take_up(self, step: PlanStep) -> None:
        """What an earlier build left open waits for the service, not for a worker."""
        async with self.gate:
            if self.stopped():
                self.ends.end(step, "left")
            else:
                await self._do(step)

    async def _do(self, step: PlanStep, *, paid: bool = False, lane: int = 0) -> None:
        """Do a step, and end it however it ends. `paid`: it is known that the store has no result of it."""
        began = self.ends.clock()
        adds = not paid and step.verdict not in OPEN  # what waits for the service may take minutes
        self.busy += adds
        try:
            await self.work.perform(step, began, paid, lane)
        except ImagebuildError as bad:
            self.ends.badly(step, bad, self.ends.clock() - began)
        except Exception as bad:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # the build is being broken off: nothing goes on after this
                raise asyncio.CancelledError from bad
            self.ends.unforeseen(step, bad, self.ends.clock() - began)
        finally:
            self.busy -= adds

    async def _hand_in(self) -> None:
        """Send what is ready in batches, once nothing that runs here can make more of it ready."""
        assert self.counter.desk is not None
        queue, ends = self.schedule.paid, self.ends
        taken_up: set[str] = set()
        while True:
            steps = [(await queue.get())[2]]
            while self.busy or not self.schedule.checks.empty() or not self.schedule.local.empty() or not queue.empty():
                await asyncio.sleep(IDLE_GLANCE)
                while not queue.empty():
                    steps.append(queue.get_nowait()[2])
            if self.stopped():
                for step in steps:
                    ends.end(step, "left")
                continue
            for step in steps:
                ends.tell(Event("start", step))
            orders = [Order(step, *self.work.request(step)) for step in steps]
            try:
                said = await self.counter.desk.submit(orders)
            except Exception as bad:
                ends.failure = bad
                said = {}
            for step in steps:
                outcome = said.get(step.address) or Left("it was not handed in")
                if isinstance(outcome, NotForBatch) and step.address not in taken_up:
                    taken_up.add(step.address)
                    await self._hand_in_later(step)
                    continue
                ends.badly(step, outcome, 0.0)
                if isinstance(outcome, Submitted):  # its price is in what is spent, and takes nothing further
                    ends.summary.submitted += 1
                    ends.summary.left_price -= step.price

    async def _hand_in_later(self, step: PlanStep) -> None:
        """What an earlier build left open of it goes first; if nothing comes of that, it is handed in."""
        began = self.ends.clock()
        try:
            if not await self.work.take_up(step, began):
                self.schedule.to_pay(step)
        except ImagebuildError as bad:
            self.ends.badly(step, bad, self.ends.clock() - began)
        except Exception as bad:
            self.ends.unforeseen(step, bad, self.ends.clock() - began)
