"""Who draws what: a picture stays with one worker while others have some of their own; nobody has nothing to do."""

from __future__ import annotations

import asyncio
from decimal import Decimal

from imagebuild.build.lanes import LocalQueue
from imagebuild.core.plan import PlanStep


def step(name: str) -> PlanStep:
    return PlanStep(name, name, "local", (), "make", "new", name, None, None, None, None, Decimal(0))


def queue_of(*names: str, ranks: dict[str, int] | None = None) -> LocalQueue:
    """Steps by names such as `a1`, made from the picture `a`."""
    queue = LocalQueue()
    for order, name in enumerate(names):
        queue.put_nowait((Decimal(-(ranks or {}).get(name, 0)), order, step(name)), name[0])
    return queue


def taken(queue: LocalQueue, lanes: list[int]) -> list[str]:
    """What these workers take, one after the other."""

    async def take() -> list[str]:
        return [(await queue.get(lane)).address for lane in lanes]

    return asyncio.run(take())


def test_workers_each_keep_to_a_picture_of_their_own():
    queue = queue_of("a1", "b1", "a2", "b2", "a3", "b3")
    assert taken(queue, [0, 1, 0, 1, 0, 1]) == ["a1", "b1", "a2", "b2", "a3", "b3"]
    queue = queue_of("a1", "a2", "a3", "b1", "b2", "b3")
    assert taken(queue, [0, 1, 1, 1, 0, 0]) == ["a1", "b1", "b2", "b3", "a2", "a3"]
    assert queue.empty()


def test_whoever_is_done_helps_where_most_is_left():
    queue = queue_of("a1", "a2", "b1", "b2", "b3", "b4", "c1")
    assert taken(queue, [0, 1, 2]) == ["a1", "b1", "c1"]
    assert taken(queue, [2, 2, 2]) == ["b2", "b3", "b4"]
    assert taken(queue, [1]) == ["a2"]
    assert queue.empty()


def test_one_picture_keeps_all_workers_busy():
    assert taken(queue_of("a1", "a2", "a3", "a4"), [0, 1, 2, 3]) == ["a1", "a2", "a3", "a4"]


def test_the_dearest_comes_first_among_pictures_and_within_one():
    queue = queue_of("a1", "b1", "b2", "c1", ranks={"b2": 5, "c1": 2})
    assert taken(queue, [0, 1, 0, 1]) == ["b2", "c1", "b1", "a1"]


def test_something_dear_that_comes_late_stays_with_whoever_has_its_picture():
    queue = queue_of("a1", "a2", "b1")
    assert taken(queue, [0]) == ["a1"]
    queue.put_nowait((Decimal(-9), 3, step("a3")), "a")
    assert taken(queue, [1, 0, 0]) == ["b1", "a3", "a2"]


def test_what_becomes_ready_later_is_found_by_whoever_waits():
    async def follow() -> list[str]:
        queue = queue_of("a1")
        found = [(await queue.get(0)).address]
        waiting = [asyncio.create_task(queue.get(lane)) for lane in (0, 1)]
        await asyncio.sleep(0)
        assert queue.empty()
        for order, name in enumerate(("a2", "b1"), 1):
            queue.put_nowait((Decimal(0), order, step(name)), name[0])
        found += sorted([each.address for each in await asyncio.gather(*waiting)])
        return found

    assert asyncio.run(follow()) == ["a1", "a2", "b1"]


def test_whoever_stops_waiting_takes_nothing_with_him():
    async def give_up() -> str:
        queue = LocalQueue()
        waiting = asyncio.create_task(queue.get(0))
        await asyncio.sleep(0)
        waiting.cancel()
        queue.put_nowait((Decimal(0), 0, step("a1")), "a")
        return (await asyncio.wait_for(queue.get(1), 5)).address

    assert asyncio.run(give_up()) == "a1"
