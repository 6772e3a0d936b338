"""A provider, with what it takes to pay at it; and who pays there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

from imagebuild.build.batch import BatchDesk
from imagebuild.build.books import Books
from imagebuild.build.draw import Drawer
from imagebuild.build.exchange import Exchange
from imagebuild.build.make import Making
from imagebuild.build.owed import Owed
from imagebuild.build.pace import Pace
from imagebuild.build.pay import Payer
from imagebuild.build.terms import Money, Terms
from imagebuild.providers.base import Provider, Wire
from imagebuild.providers.batches import Batching
from imagebuild.store.base import Journal

__all__ = ["Counter", "Service", "open_counter"]


KEEPING = 8  # slots for one worker more: while some keep their pictures, their slots are others'


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A provider, and what it takes to pay at it: without a wire it works here. `age` is that of a date, in seconds."""

    provider: Provider
    wire: Wire | None = None
    journal: Journal | None = None
    terms: Terms | None = None
    batching: Batching | None = None
    age: Callable[[str], float] = lambda _: 0.0


class Counter(NamedTuple):
    """Where a build pays, and how many workers it takes there."""

    payer: Payer | Drawer | None = None
    desk: BatchDesk | None = None
    workers: int = 1


def open_counter(
    service: Service | None, making: Making, money: Money, *, executor: Executor, reader: Executor, disk: Executor,
    clock: Callable[[], float], stopped: Callable[[], bool], pictures: int,
) -> Counter:  # fmt: skip
    """Get ready to ask a provider, for so many pictures."""
    if service is None:
        return Counter()
    requests = max(1, service.provider.limits.concurrency)
    if service.wire is None:
        return Counter(Drawer(service.provider, making, money, executor, clock=clock), None, requests)
    assert service.journal is not None
    assert service.terms is not None
    terms, books = service.terms, Books(service.journal, making)
    pace = Pace(service.provider.limits, clock=clock, sleep=asyncio.sleep, stopped=stopped, scale=terms.scale)
    desk = None
    if service.batching is not None:
        desk = BatchDesk(
            service.batching, service.wire, books, money, disk, terms=terms, age=service.age, stopped=stopped
        )
    exchange = Exchange(
        service.provider, service.wire, books, disk, reader, terms=terms, money=money, stopped=stopped,
        at_once=min(requests, pictures),
    )  # fmt: skip
    payer = Payer(exchange, Owed(exchange, money, desk), pace, money, clock=clock)
    return Counter(payer, desk, requests + requests // KEEPING)
