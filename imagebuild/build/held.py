"""Holding a claim for as long as an `async with` block lasts, without keeping the event loop waiting for the disk.

Knows nothing of what is claimed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, asynccontextmanager

__all__ = ["held"]


@asynccontextmanager
async def held(claim: AbstractContextManager[bool], disk: Executor) -> AsyncIterator[bool]:
    """Whether it is ours. `disk` does the waiting; where the build is being broken off, and its threads are gone, the
    claim is let go from here: an error instead would be taken for the step's own, and the build would go on."""
    loop = asyncio.get_running_loop()
    is_mine = await loop.run_in_executor(disk, claim.__enter__)
    try:
        yield is_mine
    finally:
        try:
            await asyncio.shield(loop.run_in_executor(disk, claim.__exit__, None, None, None))
        except RuntimeError:
            claim.__exit__(None, None, None)
