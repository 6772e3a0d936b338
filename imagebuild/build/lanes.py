"""Local work that is ready, by what it is made from: which worker takes which step.

A worker that has decoded a picture goes on with what else is made from it; a picture that nobody works from goes to
the worker who is free first; when there is none left, he helps where most is left. So a picture is decoded by as few
workers as can be while none has nothing to do. Decides the order; does no work.
"""

from __future__ import annotations

import asyncio
import heapq
from decimal import Decimal

from imagebuild.core.plan import PlanStep

__all__ = ["Entry", "LocalQueue"]

Entry = tuple[Decimal, int, PlanStep]


class LocalQueue:
    """Steps that are ready, least entry first within what is made from one picture, and among pictures."""

    def __init__(self) -> None:
        self._ready = asyncio.Semaphore(0)
        self._groups: dict[str, list[Entry]] = {}
        self._heads: list[tuple[Decimal, int, str]] = []  # each group's least entry, and some that are gone by now
        self._taken: dict[int, str] = {}  # worker → the group he works on

    def put_nowait(self, entry: Entry, group: str) -> None:
        steps = self._groups.setdefault(group, [])
        heapq.heappush(steps, entry)
        if steps[0] is entry:
            heapq.heappush(self._heads, (entry[0], entry[1], group))
        self._ready.release()

    async def get(self, lane: int) -> PlanStep:
        """The next step for a worker."""
        await self._ready.acquire()
        group = self._taken.get(lane)
        if group not in self._groups:
            group = self._untaken() or self._fullest()
            self._taken[lane] = group
        steps = self._groups[group]
        step = heapq.heappop(steps)[2]
        if not steps:
            del self._groups[group]
        return step

    def empty(self) -> bool:
        return not self._groups

    def _untaken(self) -> str | None:
        taken = set(self._taken.values())
        while self._heads:
            group = heapq.heappop(self._heads)[2]
            if group in self._groups and group not in taken:
                return group
        return None

    def _fullest(self) -> str:
        """Of the groups that somebody works on, the one with most left; of equal ones the first."""
        groups = [group for group in self._taken.values() if group in self._groups]
        return max(groups, key=lambda group: len(self._groups[group]))
