"""How fast a service is asked: the limits hold in every minute, it is listened to, nobody waits for a stopped build."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from imagebuild.build.pace import FIRST_PAUSE, LONGEST_PAUSE, Pace
from imagebuild.providers.base import Limits


class Time:
    """Passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        self.on_sleep()
        await asyncio.sleep(0)


class Switch:
    is_on = False

    def __call__(self) -> bool:
        return self.is_on


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def stopped():
    return Switch()


@pytest.fixture
def pace_of(time, stopped):
    def made(scale: float = 1.0, **limits) -> Pace:
        known = Limits(**{"concurrency": 1000, **limits})
        return Pace(known, clock=time.clock, sleep=time.sleep, stopped=stopped, scale=scale)

    return made


def run(work: Awaitable[object]) -> None:
    async def main() -> None:
        async with asyncio.timeout(20):
            await work

    asyncio.run(main())


def granted(pace: Pace, time: Time, weights: list[int], between: Callable[[], float] = lambda: 0.0):
    """When each of these requests, which come one after the other, was let go."""
    times: list[float] = []

    async def work() -> None:
        for weight in weights:
            time.now += between()
            async with pace.slot(weight) as mine:
                assert mine
                times.append(time.now)

    run(work())
    return times


def most_in_a_minute(times: list[float], weights: list[int], minute: float = 60.0) -> int:
    """The most there ever was in a window of a minute, wherever it begins."""
    return max(
        sum(weight for at, weight in zip(times, weights, strict=True) if start <= at < start + minute)
        for start in times
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- a minute


@pytest.mark.parametrize("seed", range(8))
def test_in_no_window_of_a_minute_are_there_more_images_or_requests_than_the_limits_say(pace_of, time, seed):
    chance = random.Random(seed)
    limit, requests = chance.choice([5, 7, 20]), chance.choice([3, 6, 50])
    weights = [chance.choice([1, 1, 1, 2, 5]) for _ in range(120)]
    pace = pace_of(images_per_minute=limit, requests_per_minute=requests)
    times = granted(pace, time, weights, lambda: chance.choice([0.0, 0.0, 0.1, 3.0, 40.0]))
    assert most_in_a_minute(times, weights) <= limit
    assert most_in_a_minute(times, [1] * len(times)) <= requests


def test_the_whole_of_a_limit_is_used_and_at_once(pace_of, time):
    times = granted(pace_of(images_per_minute=5), time, [1] * 15)
    assert [round(at - times[0], 6) for at in times] == [0.0] * 5 + [60.0] * 5 + [120.0] * 5


def test_references_count_as_images(pace_of, time):
    times = granted(pace_of(images_per_minute=6), time, [3, 3, 3])
    assert [at - times[0] for at in times] == [0.0, 0.0, pytest.approx(60.0)]


def test_what_is_heavier_than_the_limit_goes_alone(pace_of, time):
    times = granted(pace_of(images_per_minute=5), time, [2, 17, 1])
    assert [at - times[0] for at in times] == [0.0, pytest.approx(60.0), pytest.approx(120.0)]


def test_a_minute_of_a_service_whose_time_runs_faster_is_as_much_shorter(pace_of, time):
    times = granted(pace_of(scale=0.01, images_per_minute=5), time, [1] * 15)
    assert most_in_a_minute(times, [1] * 15, minute=0.6) == 5
    assert times[-1] - times[0] == pytest.approx(1.2)


def test_a_limit_below_one_a_minute_lets_one_go_a_minute(pace_of, time):
    times = granted(pace_of(images_per_minute=0.5), time, [1, 1, 1])
    assert [round(at - times[0]) for at in times] == [0, 60, 120]


# ------------------------------------------------------------------------------------------------------------- slots


class Crowd:
    """Requests that hold their slot until they are let go."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.inside: list[int] = []
        self.entered: list[int] = []
        self.most = 0
        self.doors: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def come(self, *numbers: int) -> None:
        for number in numbers:
            self.doors[number] = asyncio.Event()
            self.tasks.append(asyncio.create_task(self._be(number)))

    async def _be(self, number: int) -> None:
        async with self.pace.slot(1) as mine:
            if mine:
                self.inside.append(number)
                self.entered.append(number)
                self.most = max(self.most, len(self.inside))
                await self.doors[number].wait()
                self.inside.remove(number)

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async def leave(self, *numbers: int) -> None:
        for number in numbers:
            self.doors[number].set()
        await self.settle()


def test_only_so_many_are_under_way_at_once_and_they_go_in_the_order_they_came(pace_of):
    async def work() -> None:
        crowd = Crowd(pace_of(concurrency=3))
        crowd.come(*range(8))
        await crowd.settle()
        assert crowd.inside == [0, 1, 2]
        await crowd.leave(1)
        assert crowd.inside == [0, 2, 3]
        for number in range(8):
            await crowd.leave(number)
        await asyncio.gather(*crowd.tasks)
        assert (crowd.entered, crowd.most) == (list(range(8)), 3)

    run(work())


def test_a_slot_comes_back_when_its_request_fails(pace_of):
    pace = pace_of(concurrency=1)

    async def work() -> None:
        with pytest.raises(RuntimeError):
            async with pace.slot(1):
                raise RuntimeError
        async with pace.slot(1) as mine:
            assert mine

    run(work())


def test_too_fast_halves_the_slots_and_successes_bring_them_back(pace_of, time):
    pace = pace_of(concurrency=16)
    pace.slow_down(1)
    assert pace.allowed == 8
    time.now += 1
    pace.slow_down(1)
    assert pace.allowed == 4
    for _ in range(4 + 5):  # about one more for as many successes as there are slots
        pace.went_well()
    assert pace.allowed == 5
    for _ in range(300):
        pace.went_well()
    assert pace.allowed == 16


def test_several_that_are_sent_away_together_halve_the_slots_once(pace_of):
    pace = pace_of(concurrency=16)
    for _ in range(10):
        pace.slow_down(12)
    assert pace.allowed == 8


def test_one_slot_always_stays(pace_of, time):
    pace = pace_of(concurrency=4)
    for _ in range(10):
        pace.slow_down(1)
        time.now += 1
    assert pace.allowed == 1


def test_with_fewer_slots_nobody_enters_until_enough_have_left(pace_of, time):
    async def work() -> None:
        pace = pace_of(concurrency=4)
        crowd = Crowd(pace)
        crowd.come(*range(6))
        await crowd.settle()
        pace.slow_down(0)
        await crowd.leave(0, 1)
        assert crowd.inside == [2, 3]  # two are allowed now
        await crowd.leave(2)
        assert crowd.inside == [3, 4]
        await crowd.leave(3, 4)
        await crowd.leave(5)
        await asyncio.gather(*crowd.tasks)

    run(work())


# ------------------------------------------------------------------------------------------------------ being told so


def test_everybody_waits_as_long_as_the_service_says(pace_of, time):
    pace = pace_of()
    pace.slow_down(30)
    assert granted(pace, time, [1, 1]) == [pytest.approx(1030.0)] * 2


def test_of_two_waits_the_longer_holds(pace_of, time):
    pace = pace_of()
    pace.slow_down(30)
    pace.slow_down(5)
    assert granted(pace, time, [1]) == [pytest.approx(1030.0)]


def test_a_service_that_does_not_say_how_long_is_given_twice_as_long_each_time(pace_of, time):
    pace = pace_of()
    waits = []
    for _ in range(8):
        before = time.now
        pace.slow_down(None)
        waits.append(granted(pace, time, [1])[0] - before)
    assert waits == pytest.approx([2, 4, 8, 16, 32, 60, 60, 60])
    assert (FIRST_PAUSE, LONGEST_PAUSE) == (2.0, 60.0)
    pace.went_well()
    before = time.now
    pace.slow_down(None)
    assert granted(pace, time, [1])[0] - before == pytest.approx(2)


def test_a_wait_is_as_much_shorter_as_the_services_time_runs_faster(pace_of, time):
    pace = pace_of(scale=0.001)
    pace.slow_down(30)
    assert granted(pace, time, [1]) == [pytest.approx(1000.03)]


# ------------------------------------------------------------------------------------------------------------ stopping


def test_a_stop_ends_a_wait_for_the_minute(pace_of, time, stopped):
    pace = pace_of(images_per_minute=1)
    outcomes = []

    def stop_soon() -> None:
        stopped.is_on = time.now > 1003

    time.on_sleep = stop_soon

    async def work() -> None:
        for _ in range(2):
            async with pace.slot(1) as mine:
                outcomes.append(mine)

    run(work())
    assert outcomes == [True, False]
    assert time.now < 1004


def test_a_stop_ends_a_wait_for_a_slot_and_takes_none(pace_of, stopped):
    async def work() -> None:
        pace = pace_of(concurrency=1)
        crowd = Crowd(pace)
        crowd.come(0, 1, 2)
        await crowd.settle()
        stopped.is_on = True
        await asyncio.gather(*crowd.tasks[1:])
        assert crowd.entered == [0]
        await crowd.leave(0)
        stopped.is_on = False
        async with pace.slot(1) as mine:
            assert mine

    run(work())


def test_one_who_is_cancelled_while_he_waits_leaves_his_turn_to_the_next(pace_of):
    async def work() -> None:
        crowd = Crowd(pace_of(concurrency=1))
        crowd.come(0, 1, 2)
        await crowd.settle()
        crowd.tasks[1].cancel()
        await crowd.leave(0)
        await crowd.settle()
        assert crowd.inside == [2]
        await crowd.leave(2)

    run(work())
