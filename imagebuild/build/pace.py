"""How fast a service is asked: slots, images and requests a minute, and slowing down when it says so.

One `Pace` for one service and all requests of a build. A minute's limit holds for every window of a minute, not only on
the average. When the service says "too fast", everybody waits as long as it says, and the number of slots is halved;
every success gives a part of a slot back. Knows no requests, only their weights.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from imagebuild.providers.base import Limits

__all__ = ["Pace"]

MINUTE = 60.0
FIRST_PAUSE = 2.0  # when the service does not say how long
LONGEST_PAUSE = 60.0
GLANCE = 0.25  # how often a wait looks whether the build has been stopped


class _Window:
    """At most so much in any minute."""

    def __init__(self, limit: float, minute: float) -> None:
        self.limit = limit
        self.minute = minute
        self.taken: deque[tuple[float, float]] = deque()
        self.sum = 0.0

    def wait(self, weight: float, now: float) -> float:
        """How long until this weight fits. What is heavier than the limit fits when nothing else is there."""
        while self.taken and self.taken[0][0] <= now - self.minute:
            self.sum -= self.taken.popleft()[1]
        over = self.sum + weight - max(self.limit, weight)
        if over <= 1e-9:
            return 0.0
        for at, taken in self.taken:
            over -= taken
            if over <= 1e-9:
                return at + self.minute - now
        return 0.0

    def take(self, weight: float, now: float) -> None:
        self.taken.append((now, weight))
        self.sum += weight


class Pace:
    """`clock` and `sleep` are of the build; `scale` shortens a minute when a service runs faster than real ones do."""

    def __init__(
        self, limits: Limits, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]],
        stopped: Callable[[], bool], scale: float = 1.0,
    ) -> None:  # fmt: skip
        self._most = limits.concurrency
        self._allowed = float(limits.concurrency)
        self._clock = clock
        self._sleep = sleep
        self._stopped = stopped
        self._scale = scale
        minute = MINUTE * scale
        self._images = _Window(limits.images_per_minute, minute) if limits.images_per_minute else None
        self._requests = _Window(limits.requests_per_minute, minute) if limits.requests_per_minute else None
        self._running = 0
        self._resume_at = 0.0
        self._pause = FIRST_PAUSE
        self._freed = asyncio.Event()
        self._turn = asyncio.Lock()  # first come, first served: the queue in front of it has the order

    @asynccontextmanager
    async def slot(self, images: int) -> AsyncIterator[bool]:
        """`async with pace.slot(1) as mine`: a slot, when its turn and the minute's limits allow. False, and none, when
        the build was stopped meanwhile. `images`: how many pictures it counts for, references too."""
        if not await self._enter(images):
            yield False
            return
        try:
            yield True
        finally:
            self._running -= 1
            self._freed.set()

    async def _enter(self, images: int) -> bool:
        async with self._turn:
            while not self._stopped():
                wait = self._wait(images)
                if wait == 0.0:
                    now = self._clock()
                    if self._images:
                        self._images.take(images, now)
                    if self._requests:
                        self._requests.take(1, now)
                    self._running += 1
                    return True
                await self._pass(wait)
        return False

    def _wait(self, images: int) -> float:
        """Seconds until a request may leave; 0 for now, endless while all slots are taken."""
        if self._running >= max(1, int(self._allowed)):
            return float("inf")
        now = self._clock()
        waits = [self._resume_at - now]
        if self._images:
            waits.append(self._images.wait(images, now))
        if self._requests:
            waits.append(self._requests.wait(1, now))
        return max(0.0, *waits)

    async def _pass(self, wait: float) -> None:
        """Let time pass, a little at a time, or until a slot is free."""
        if wait < float("inf"):
            await self._sleep(min(wait, GLANCE))
            return
        self._freed.clear()
        if self._running < max(1, int(self._allowed)):
            return
        waiting = asyncio.ensure_future(self._freed.wait())
        await asyncio.wait({waiting}, timeout=GLANCE)
        waiting.cancel()

    def slow_down(self, after: float | None) -> None:
        """The service said "too fast": everybody waits so long, and fewer at once go on."""
        now = self._clock()
        if now >= self._resume_at:  # of several refused together the first halves
            self._allowed = max(1.0, self._allowed / 2)
        self._resume_at = max(self._resume_at, now + (self._pause if after is None else after) * self._scale)
        if after is None:
            self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def went_well(self) -> None:
        """A request was answered: a part of a slot comes back."""
        self._pause = FIRST_PAUSE
        self._allowed = min(float(self._most), self._allowed + 1 / self._allowed)
        self._freed.set()

    @property
    def allowed(self) -> int:
        """How many may be under way at once just now."""
        return max(1, int(self._allowed))
