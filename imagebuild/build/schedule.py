"""Which step comes next: what waits for what, and two queues, paid and local, each with the dearest first.

Decides the order of work; does none of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from imagebuild.core.expand import Action
from imagebuild.core.plan import PlanStep

__all__ = ["Queue", "Schedule"]

Queue = asyncio.PriorityQueue[tuple[Decimal, int, PlanStep]]


class Schedule:
    """The steps still to be done. `over` is set when none is left."""

    def __init__(self) -> None:
        self.paid: Queue = asyncio.PriorityQueue()
        self.local: Queue = asyncio.PriorityQueue()
        self.over = asyncio.Event()
        self._steps: dict[str, PlanStep] = {}
        self._order: dict[str, int] = {}
        self._waits: dict[str, int] = {}
        self._dependents: dict[str, list[str]] = {}
        self._open = 0

    def begin(self, steps: Collection[PlanStep], actions: Mapping[str, Action]) -> None:
        """Count what each step waits for, and queue those that wait for nothing."""
        self._steps = {step.address: step for step in steps}
        self._order = {address: index for index, address in enumerate(self._steps)}
        self._open = len(steps)
        for address, step in self._steps.items():
            inputs = [source for _, source in actions[address].inputs] if step.verdict == "make" else []
            if step.merged:
                inputs = [step.merged]
            waiting = [source for source in inputs if source in self._steps]
            self._waits[address] = len(waiting)
            for source in waiting:
                self._dependents.setdefault(source, []).append(address)
        for address, count in self._waits.items():
            if count == 0:
                self._ready(self._steps[address])
        if not self._open:
            self.over.set()

    def _ready(self, step: PlanStep) -> None:
        paid = step.kind != "local" and step.verdict == "make" and not step.merged
        (self.paid if paid else self.local).put_nowait((-step.price, self._order[step.address], step))

    def end(self, step: PlanStep, state: str) -> Iterator[tuple[PlanStep, str]]:
        """A step is over: wake what waits for it. Yields it, and when it was not done everything that cannot be done
        without it either, with the states they end in."""
        self._open -= 1
        yield step, state
        for address in self._dependents.get(step.address, ()):
            if address not in self._waits:
                continue
            if state == "done":
                self._waits[address] -= 1
                if self._waits[address] == 0:
                    self._ready(self._steps[address])
            else:
                del self._waits[address]
                yield from self.end(self._steps[address], "left" if state == "left" else "blocked")
        if self._open == 0:
            self.over.set()
