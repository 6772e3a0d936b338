"""What a build left open when it ended in the middle of things: what the next one makes of it."""

from __future__ import annotations

import asyncio
import threading
from decimal import Decimal

import pytest

from imagebuild.build.run import Stop
from imagebuild.core.attempt import settled
from imagebuild.providers.base import ServiceFailure
from tests.build.bureau import Death, Killed, mortal_shop
from tests.build.service import ScriptedWire, Shop, picture_for, says, service_of
from tests.build.workshop import Workshop, generate

POSTER = generate("poster")


def buy(shop, wire, actions, *, provider=None, **more):
    service = service_of(wire, shop.journal, provider)
    return shop.build(actions, None, service=service, price="0.10", **more)


def open_states(shop):
    return {each.address: each.state for each in shop.journal.attempts()}


def lines(shop):
    return [(each.address, each.state, each.billed) for each in settled(shop.journal.payments())]


@pytest.mark.parametrize("cost", [None, "0.10", "0.07"])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", [2, 3])  # of the writings: after the attempt comes the ledger's line, then the end
def test_killed_while_the_books_are_written_they_are_as_if_it_had_not_been(tmp_path, number, after, cost):
    headers = {"x-cost": cost} if cost else {}
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt, **headers))
    dying = mortal_shop(tmp_path, Death(number, after))
    with pytest.raises(Killed):
        buy(dying, wire, [POSTER])
    shop = Workshop(tmp_path)
    summary = buy(shop, wire, [POSTER])
    assert (summary.wrong, summary.left) == (0, 0)
    assert (shop.root / "out/poster.png").exists()
    assert lines(shop) == [("poster", "paid", Decimal(cost) if cost else None)]
    assert open_states(shop) == {}
    assert wire.billed == ["poster"]


def test_what_broke_off_in_a_way_that_nobody_foresaw_counts_as_spent_while_it_is_open(tmp_path):
    shop = Workshop(tmp_path)

    class Odd(Shop):
        def flow(self, request, task=None):
            yield from super().flow(request, task)
            raise ServiceFailure("something else")

    summary = buy(shop, ScriptedWire(lambda prompt, turn: picture_for(prompt)), [POSTER], provider=Odd())
    assert (summary.failed, summary.spent, summary.unknown) == (1, 0, Decimal("0.10"))
    assert open_states(shop) == {"poster": "sent"}


def test_a_stopped_build_takes_up_nothing_that_it_has_not_begun_to(tmp_path):
    shop = Workshop(tmp_path)
    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), lambda url, turn: says(202))
    buy(shop, wire, [POSTER], provider=Shop(tasks=True))
    wire.turns.clear()
    stop = Stop()
    stop.request("stopped by Ctrl-C")
    summary = buy(shop, wire, [POSTER], provider=Shop(tasks=True), stop=stop)
    assert (summary.left, wire.turns) == (1, {})
    assert open_states(shop) == {"poster": "task"}


@pytest.mark.parametrize("tasks", [False, True])
def test_a_build_that_is_broken_off_ends_at_once(tmp_path, tasks):
    """As at a second Ctrl-C: everything is cancelled while requests are under way."""
    under_way, ended = threading.Event(), threading.Event()

    class Endless(ScriptedWire):
        async def send(self, ask, *, leaving=None, spool=None, show=None):
            if ask.paid and not tasks:
                await leaving()
            elif ask.paid:
                return await super().send(ask, leaving=leaving, spool=spool, show=show)
            under_way.set()
            await asyncio.sleep(3600)
            raise AssertionError("nobody waits so long")

    async def broken_off():
        shop = Workshop(tmp_path)
        wire = Endless(lambda prompt, turn: says(200, "t1"))
        service = service_of(wire, shop.journal, Shop(concurrency=2, tasks=tasks))
        actions = [generate(f"p{number}") for number in range(6)]
        building = asyncio.ensure_future(shop.building(actions, None, service=service, price="0.10"))
        await asyncio.to_thread(under_way.wait, 20)
        assert not building.done()

    def run():
        asyncio.run(broken_off())
        ended.set()

    threading.Thread(target=run, daemon=True).start()
    assert ended.wait(30)
    assert set(open_states(Workshop(tmp_path)).values()) <= ({"task", "sent"} if tasks else {"sent"})
