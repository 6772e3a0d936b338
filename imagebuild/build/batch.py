"""Paying by the batch: what is ready is sent in one file, and a later build fetches what came of it.

The desk where batches go in (`batch_in`) and come out (`batch_out`), over one connection.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor

from imagebuild.build.batch_in import BatchesIn, NotForBatch, Order, Submitted
from imagebuild.build.batch_link import BatchLink
from imagebuild.build.batch_out import BatchesOut
from imagebuild.build.books import Books
from imagebuild.build.terms import Money, Terms
from imagebuild.core.attempt import Attempt
from imagebuild.errors import ImagebuildError
from imagebuild.providers.base import Wire
from imagebuild.providers.batches import Batching

__all__ = ["BatchDesk", "NotForBatch", "Order", "Submitted"]


class BatchDesk:
    """Hands batches in, and fetches what came of them. `age` is that of a date, in seconds."""

    def __init__(
        self, batching: Batching, wire: Wire, books: Books, money: Money, disk: Executor, *, terms: Terms,
        age: Callable[[str], float], stopped: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        link = BatchLink(batching, wire, disk, stopped)
        self._in = BatchesIn(link, books, money, terms)
        self._out = BatchesOut(link, books, terms, age)

    async def submit(self, orders: Sequence[Order]) -> dict[str, ImagebuildError]:
        """Hand in what is asked for; by address, how each ended: `Submitted`, `NotForBatch` where something of its key
        has to be taken up first, `Left`, or what is wrong."""
        return await self._in.submit(orders)

    async def fetch(self, attempt: Attempt) -> None:
        """See to the batch that an attempt is in, once in a build. When this returns, the attempt is settled; raises
        `Left` while it is not."""
        await self._out.fetch(attempt)
