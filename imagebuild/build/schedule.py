"""Which step comes next: what waits for what, and two queues, paid and local, the dearest first.

Decides the order of work; does none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from imagebuild.build.lanes import Entry, LocalQueue
from imagebuild.core.action import Action, is_soft
from imagebuild.core.plan import PlanStep

__all__ = ["Queue", "Schedule"]

Queue = asyncio.PriorityQueue[Entry]


class Schedule:
    """The steps still to be done. `over` is set when none is left. Paid work passes through `checks`, where it is seen
    whether its result is there after all, before it queues for a slot."""

    def __init__(self) -> None:
        self.checks: Queue = asyncio.PriorityQueue()
        self.paid: Queue = asyncio.PriorityQueue()
        self.local = LocalQueue()
        self.over = asyncio.Event()
        self._steps: dict[str, PlanStep] = {}
        self._order: dict[str, int] = {}
        self._ranks: dict[str, Decimal] = {}
        self._sources: dict[str, str] = {}
        self._soft: set[tuple[str, str]] = set()  # (source, address): done without it, should it come to nothing
        self._waits: dict[str, int] = {}
        self._dependents: dict[str, list[str]] = {}
        self._apart: frozenset[str] = frozenset()
        self._checking: dict[str, PlanStep | None] = {}  # in the order in which they were taken
        self._open = 0

    def begin(
        self, steps: Collection[PlanStep], actions: Mapping[str, Action], *, apart: frozenset[str] = frozenset(),
        merged: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Count what each step waits for, and queue those that wait for nothing; but not the verdicts `apart`, which
        the caller sees to himself. `merged`: the address whose picture another one has as well."""
        self._steps = {step.address: step for step in steps}
        self._order = {address: index for index, address in enumerate(self._steps)}
        self._open = len(steps)
        self._apart = apart
        for address, step in self._steps.items():
            inputs = [source for _, source in actions[address].inputs] if step.verdict == "make" else []
            if step.merged:
                inputs = [step.merged]
            waiting = [source for source in inputs if source in self._steps]
            self._waits[address] = len(waiting)
            if inputs and not step.merged:
                self._sources[address] = merged.get(inputs[0], inputs[0])
            for source in waiting:
                self._dependents.setdefault(source, []).append(address)
            self._soft.update((source, address) for slot, source in actions[address].inputs if is_soft(slot))
        self._rank()
        for address, count in self._waits.items():
            if count == 0:
                self._ready(self._steps[address])
        if not self._open:
            self.over.set()

    def _rank(self) -> None:
        """What a step costs with the dearest line of what is made from it: what costs more takes longer, too, and
        whatever much depends on must not come last. Inputs stand before what is made from them."""
        if not any(step.price for step in self._steps.values()):
            return
        for address, step in reversed(self._steps.items()):
            after = (self._ranks[each] for each in self._dependents.get(address, ()) if each in self._ranks)
            self._ranks[address] = step.price + max(after, default=Decimal(0))

    def _ready(self, step: PlanStep) -> None:
        if not step.merged and step.verdict in self._apart:
            return
        if step.paid and step.verdict == "make" and not step.merged:
            self._put(self.checks, step)
        else:
            self.local.put_nowait(self._entry(step), self._sources.get(step.address, step.address))

    async def next_check(self) -> PlanStep:
        """The next step to look up. Several may be looked up at once: they queue for a slot in the order in which they
        were taken, whichever is found out first."""
        step = (await self.checks.get())[2]
        self._checking[step.address] = None
        return step

    def to_pay(self, step: PlanStep) -> None:
        """A step that nothing but the provider can give."""
        self._checking[step.address] = step
        self._let_on()

    def _let_on(self) -> None:
        while self._checking:
            address, step = next(iter(self._checking.items()))
            if step is None:
                return
            del self._checking[address]
            self._put(self.paid, step)

    def _put(self, queue: Queue, step: PlanStep) -> None:
        queue.put_nowait(self._entry(step))

    def _entry(self, step: PlanStep) -> Entry:
        return (-self._ranks.get(step.address, step.price), self._order[step.address], step)

    def end(self, step: PlanStep, state: str) -> Iterator[tuple[PlanStep, str]]:
        """A step is over: wake what waits for it. Yields it, and when it was not done everything that cannot be done
        without it either, with the states they end in."""
        self._open -= 1
        if step.address in self._checking:
            del self._checking[step.address]
            self._let_on()
        yield step, state
        for address in self._dependents.get(step.address, ()):
            if address not in self._waits:
                continue
            if state == "done" or (step.address, address) in self._soft:
                self._waits[address] -= 1
                if self._waits[address] == 0:
                    self._ready(self._steps[address])
            else:
                del self._waits[address]
                yield from self.end(self._steps[address], "left" if state == "left" else "blocked")
        if self._open == 0:
            self.over.set()
