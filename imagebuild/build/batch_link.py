"""The connection to a service of batches: does what its flows want. Knows nothing of money."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

from imagebuild.build.drive import Hooks, drive
from imagebuild.providers.base import Wire
from imagebuild.providers.batches import Batching, Doing

__all__ = ["BatchLink"]

Value = TypeVar("Value")


class BatchLink:
    """`disk` is for waits on files."""

    def __init__(self, batching: Batching, wire: Wire, disk: Executor, stopped: Callable[[], bool]) -> None:
        self.batching = batching
        self.disk = disk
        self._wire = wire
        self._stopped = stopped

    async def begin(
        self,
        flow: Doing[Value],
        *,
        leaving: Callable[[], Awaitable[None]],
        note: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> Value:
        """Drive a flow that has something begun."""
        return await drive(flow, wire=self._wire, executor=self.disk, hooks=Hooks(leaving=leaving, note=note))

    async def ask(self, flow: Doing[Value]) -> Value:
        """Drive a flow that asks after what was begun. A service that is out of reach is asked by the next build."""
        hooks = Hooks(leaving=_never, note=_unkept, paid=True, stopped=self._stopped)
        return await drive(flow, wire=self._wire, executor=self.disk, hooks=hooks)

    async def on_disk(self, call: Callable[..., Value], *arguments: object) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self.disk, call, *arguments)


async def _never() -> None:
    raise AssertionError("what only asks has nothing to pay for")


async def _unkept(_: Mapping[str, Any]) -> None:
    """The label is on disk: by it everything else is found again."""
