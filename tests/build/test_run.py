"""The runner: keeps going, pays once, loses nothing, and ends whatever happens."""

from __future__ import annotations

import asyncio
import io
import os
import random
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from PIL import Image

from imagebuild.build.run import Stop
from imagebuild.core.key import digest_of
from imagebuild.core.spec import Budget
from imagebuild.errors import BuildError, ProviderError, StoreError
from imagebuild.store.local import LocalStore
from tests.build.workshop import Clock, Folder, Painter, Workshop, change, cut, generate, paint

CAMPAIGN = [
    generate("scene", output=False), cut("hero", "scene"), cut("badge", "scene", 8), generate("poster"),
    change("winter", "scene"),
]  # fmt: skip


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_everything_is_made_delivered_and_locked_once(workshop):
    painter = Painter()
    summary = workshop.build(CAMPAIGN, painter)
    assert (summary.made, summary.drawn, summary.complete) == (3, 2, True)
    assert sorted(painter.asked) == ["poster", "scene", "winter"]
    assert set(workshop.lock.entries) == {action.address for action in CAMPAIGN}
    assert all(digest_of(workshop.out(name)) == workshop.lock.entries[name].digest for name in ("hero", "poster"))
    assert workshop.plan(CAMPAIGN).work == []


def test_a_failure_blocks_what_is_made_from_it_and_nothing_else(workshop):
    def draw(request):
        if request.label == "scene":
            raise ProviderError("the service is closed", hint="come back tomorrow")
        return paint(request)

    summary = workshop.build(CAMPAIGN, Painter(draw))
    assert workshop.ends() == {
        "scene": "failed", "hero": "blocked", "badge": "blocked", "winter": "blocked", "poster": "made"
    }  # fmt: skip
    assert (summary.failed, summary.blocked, summary.made, summary.complete) == (1, 3, 1, False)
    assert [(address, problem.what, problem.hint) for address, problem, _ in summary.problems] == [
        ("scene", "the service is closed", "come back tomorrow")
    ]
    again = Painter()
    assert workshop.build(CAMPAIGN, again).complete
    assert sorted(again.asked) == ["scene", "winter"]


def test_equal_requests_are_paid_once_and_delivered_twice(workshop):
    twins = [generate("left", "the same words"), generate("right", "the same words")]
    painter = Painter()
    summary = workshop.build(twins, painter)
    assert (summary.made, summary.reused) == (1, 1)
    assert painter.asked == ["left"]
    assert workshop.out("left") == workshop.out("right")


def test_requests_that_turn_out_equal_only_when_their_inputs_are_there_are_paid_once(workshop):
    """Two scenes come out as the same bytes: then their edits are one request, though no plan could know."""

    def draw(request):
        return paint(request) if request.operation == "edit" else grey()

    painter = Painter(draw)
    actions = [generate("dawn"), generate("dusk"), change("one", "dawn"), change("two", "dusk")]
    summary = workshop.build(actions, painter)
    assert (summary.made, summary.reused) == (3, 1)
    assert sorted(painter.asked)[:2] == ["dawn", "dusk"]
    assert len(painter.asked) == 3


def grey() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(buffer, "PNG")
    return buffer.getvalue()


def test_nothing_is_drawn_below_an_input_that_was_remade_to_the_same_bytes(workshop):
    painter = Painter(lambda request: grey())
    workshop.build([generate("scene", "one"), cut("hero", "scene")], painter)
    summary = workshop.build([generate("scene", "another"), cut("hero", "scene")], painter)
    assert painter.asked == ["scene", "scene"]
    assert workshop.ends() == {"scene": "made", "hero": "reused"}
    assert summary.drawn == 0


def test_the_dearest_requests_are_begun_first(workshop):
    painter = Painter(concurrency=1)
    prices = {"a": Decimal("0.01"), "b": Decimal("0.20"), "c": Decimal("0.05")}
    workshop.build([generate(name) for name in "abc"], painter, prices=prices)
    assert painter.asked == ["b", "c", "a"]


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_requests_are_under_way_than_the_provider_takes(workshop, limit):
    painter = Painter(concurrency=limit)
    workshop.build([generate(f"a{number}") for number in range(12)], painter, jobs=8)
    assert painter.most == limit


@pytest.mark.parametrize("seed", range(8))
def test_however_prices_fall_the_limit_is_never_passed(workshop, seed):
    """64 at once, real costs anywhere up to the estimate; what is begun was affordable at that moment."""
    chance = random.Random(seed)
    prices = {f"a{number:02}": Decimal(chance.randint(1, 40)) / 100 for number in range(64)}
    costs = {name: price * chance.randint(0, 100) / 100 for name, price in prices.items()}
    limit = sum(prices.values()) * chance.randint(20, 90) / 100
    painter = Painter(concurrency=64, cost=lambda request: costs[request.label])
    summary = workshop.build([generate(name) for name in prices], painter, prices=prices, budget=Budget(build=limit))
    assert summary.spent == sum(costs[name] for name in painter.asked)
    assert summary.spent <= limit
    assert summary.made == len(painter.asked) == 64 - summary.left
    assert summary.failed == 0
    if summary.left:
        assert summary.stopped == "`budget.build` is reached"
        assert summary.left_price == sum(price for name, price in prices.items() if name not in painter.asked)


def test_over_the_limit_nothing_is_sent_but_what_costs_nothing_is_done(workshop):
    workshop.build([generate("scene")], Painter())
    prices = {"dear": Decimal(2)}
    painter = Painter()
    actions = [generate("scene"), cut("hero", "scene"), generate("dear")]
    summary = workshop.build(actions, painter, prices=prices, budget=Budget(build=Decimal(1)))
    assert painter.asked == []
    assert workshop.ends() == {"hero": "made", "dear": "left"}
    assert (summary.left, summary.left_price, summary.spent) == (1, Decimal(2), Decimal(0))


def test_a_failed_request_gives_back_what_was_reserved_for_it(workshop):
    def draw(request):
        if request.label == "a":
            raise ProviderError("refused")
        return paint(request)

    prices = {"a": Decimal("0.8"), "b": Decimal("0.7")}
    actions = [generate("a"), generate("b")]
    summary = workshop.build(actions, Painter(draw, concurrency=1), prices=prices, budget=Budget(build=Decimal(1)))
    assert workshop.ends() == {"a": "failed", "b": "made"}
    assert summary.spent == 0


def test_stopping_finishes_what_is_in_flight_and_the_next_build_does_the_rest_only(workshop):
    stop = Stop()
    actions = [generate(f"a{number}") for number in range(10)] + [cut("small", "a9")]

    def halt(event):
        if event.kind == "made":
            stop.request("stopped by the test")

    first = Painter(concurrency=2)
    summary = workshop.build(actions, first, stop=stop, listener=halt)
    assert 1 <= summary.made == len(first.asked) <= 3
    assert summary.left == 11 - summary.made
    assert summary.stopped == "stopped by the test"
    assert len(workshop.lock.entries) == summary.made
    second = Painter()
    assert workshop.build(actions, second).complete
    assert sorted(first.asked + second.asked) == [f"a{number}" for number in range(10)]


def test_an_unforeseen_error_comes_out_with_its_traceback_after_saving_what_was_in_flight(workshop):
    both_begun = threading.Barrier(2, timeout=20)

    def draw(request):
        if request.label in ("good", "bad"):
            both_begun.wait()
        if request.label == "bad":
            raise ZeroDivisionError("a mistake in the program")
        return paint(request)

    actions = [generate("good"), generate("bad"), *[generate(f"later{number}") for number in range(5)]]
    with pytest.raises(ZeroDivisionError, match="a mistake in the program"):
        workshop.build(actions, Painter(draw, concurrency=2))
    ends = workshop.ends()
    assert (ends["good"], ends["bad"]) == ("made", "failed")
    assert "good" in workshop.lock.entries
    assert workshop.store.record(workshop.lock.entries["good"].key) is not None
    assert {ends[f"later{number}"] for number in range(5)} == {"left"}


def test_a_listener_that_fails_ends_the_build_and_does_not_hang_it(workshop):
    """As when the program that reads the events goes away."""

    def deaf(event):
        raise BrokenPipeError("nobody listens")

    painter = Painter(concurrency=1)
    with pytest.raises(BrokenPipeError):
        workshop.build([generate(f"a{number}") for number in range(5)], painter, listener=deaf)
    assert len(painter.asked) == 1
    assert list(workshop.lock.entries) == painter.asked


def test_a_picture_of_another_size_is_kept_in_the_store_but_not_delivered(workshop):
    def draw(request):
        buffer = io.BytesIO()
        Image.new("RGB", (32, 64), "red").save(buffer, "PNG")
        return buffer.getvalue()

    summary = workshop.build([generate("poster")], Painter(draw, cost=lambda request: Decimal("0.04")))
    ((address, problem, _),) = summary.problems
    (stored,) = workshop.store.digests()
    assert (address, problem.what) == ("poster", "`proof` sent 32x64 png for 64x64 png")
    assert stored[:12] in problem.hint
    assert summary.spent == Decimal("0.04")
    assert not (workshop.root / "out").exists()
    assert workshop.lock.entries == {}


def test_a_picture_of_another_format_is_not_delivered(workshop):
    def draw(request):
        buffer = io.BytesIO()
        Image.new("RGB", (64, 64), "red").save(buffer, "WEBP")
        return buffer.getvalue()

    summary = workshop.build([generate("poster")], Painter(draw))
    assert summary.problems[0][1].what == "`proof` sent 64x64 webp for 64x64 png"
    assert not (workshop.root / "out").exists()


def test_bytes_that_are_no_picture_are_kept_and_named(workshop):
    summary = workshop.build([generate("poster")], Painter(lambda request: b"<html>sorry</html>"))
    assert summary.flawed == 1
    assert "is no picture" in summary.problems[0][1].what
    assert workshop.store.get(digest_of(b"<html>sorry</html>"))
    assert not (workshop.root / "out").exists()


def test_a_reference_that_changed_since_the_plan_is_not_sent(workshop, tmp_path):
    photo = tmp_path / "kettle.png"
    photo.write_bytes(grey())
    action = generate("poster", references=[digest_of(grey())])
    files = {digest_of(grey()): str(photo)}
    photo.write_bytes(grey() + b"edited meanwhile")
    painter = Painter()
    summary = workshop.build([action], painter, files=files)
    assert painter.asked == []
    assert summary.problems[0][1].what == f"`{photo}` changed while the build was running"


def test_a_folder_in_an_outputs_place_fails_that_output_only_and_loses_nothing_paid(workshop):
    (workshop.root / "out" / "poster.png").mkdir(parents=True)
    painter = Painter()
    summary = workshop.build([generate("poster"), generate("banner")], painter)
    assert workshop.ends() == {"poster": "failed", "banner": "made"}
    assert summary.problems[0][1].what == "cannot write `out/poster.png`: a folder is in the way"
    (workshop.root / "out" / "poster.png").rmdir()
    again = Painter()
    assert workshop.build([generate("poster"), generate("banner")], again).complete
    assert again.asked == []


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_output_folder_is_told(workshop):
    (workshop.root / "out").mkdir()
    (workshop.root / "out").chmod(0o555)
    summary = workshop.build([generate("poster")], Painter())
    assert "permission denied" in summary.problems[0][1].what


class FullDelivery(Folder):
    """An output folder on a disk that is full."""

    def put(self, digest, path):
        raise BuildError(f"cannot write `{path}`: no space left on device", hint="free some space")


def test_a_full_output_disk_fails_the_outputs_and_keeps_what_was_paid_for(workshop):
    full = FullDelivery(workshop.root, workshop.store)
    summary = workshop.build([generate("a"), generate("b")], Painter(), delivery=full)
    assert summary.failed == 2
    again = Painter()
    assert workshop.build([generate("a"), generate("b")], again).complete
    assert again.asked == []


class FullStore(LocalStore):
    """A store whose disk fills up after a few pictures."""

    room = 2

    def put(self, data, *, durable):
        if self.room == 0:
            raise StoreError("cannot write to the store: no space left on device", hint="free some space")
        self.room -= 1
        return super().put(data, durable=durable)


def test_a_full_store_fails_what_it_cannot_keep_and_names_the_reason(workshop):
    workshop.store = FullStore(str(workshop.root / "store"))
    summary = workshop.build([generate(f"a{number}") for number in range(4)], Painter(concurrency=1))
    assert (summary.made, summary.failed) == (2, 2)
    assert {problem.what for _, problem, _ in summary.problems} == {
        "cannot write to the store: no space left on device"
    }


def damage(workshop: Workshop, digest: str) -> None:
    path = Path(workshop.store.file(digest))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


def test_a_damaged_picture_is_not_delivered_and_asks_for_a_new_plan(workshop):
    workshop.build([generate("poster")], Painter())
    damage(workshop, workshop.lock.entries["poster"].digest)
    (workshop.root / "out" / "poster.png").unlink()
    summary = workshop.build([generate("poster")], Painter())
    assert (summary.failed, summary.damaged) == (1, True)
    assert not (workshop.root / "out" / "poster.png").exists()
    assert [step.verdict for step in workshop.plan([generate("poster")]).work] == ["make"]


def test_nothing_is_drawn_from_a_damaged_master(workshop):
    workshop.build([generate("scene", output=False), cut("hero", "scene")], Painter())
    damage(workshop, workshop.lock.entries["scene"].digest)
    summary = workshop.build([generate("scene", output=False), cut("hero", "scene"), cut("new", "scene", 8)], Painter())
    assert (workshop.ends(), summary.damaged) == ({"new": "failed"}, True)


def test_the_lock_is_saved_now_and_then_so_that_a_kill_costs_little(workshop):
    workshop.build([generate(f"a{number}") for number in range(6)], Painter(concurrency=1), clock=Clock(step=2.0))
    first, *_, last = [len(lock.entries) for lock in workshop.saved]
    assert 0 < first < last == 6


def test_a_lock_that_cannot_be_saved_on_the_way_fails_no_step(workshop):
    tries = []

    def save(lock):
        tries.append(lock)
        if len(tries) == 1:
            raise BuildError("cannot write `imagebuild.lock`: permission denied")

    actions = [generate(f"a{number}") for number in range(6)]
    summary = workshop.build(actions, Painter(), clock=Clock(2.0), save_lock=save)
    assert (summary.made, summary.failed) == (6, 0)
    assert len(workshop.lock.entries) == 6


def test_a_lock_that_cannot_be_saved_at_the_end_is_told(workshop):
    def save(lock):
        raise BuildError("cannot write `imagebuild.lock`: permission denied")

    with pytest.raises(BuildError, match="permission denied"):
        workshop.build([generate("a")], Painter(), save_lock=save)
    again = Painter()
    assert workshop.build([generate("a")], again).complete
    assert again.asked == []


def test_breaking_off_gives_up_what_is_in_flight_and_saves_what_ended(workshop):
    release = threading.Event()

    def draw(request):
        if request.label == "slow":
            release.wait(20)
        return paint(request)

    async def break_off():
        quick_is_made = asyncio.Event()
        building = asyncio.create_task(
            workshop.building(
                [generate("slow"), generate("quick")],
                Painter(draw),
                listener=lambda event: quick_is_made.set() if event.kind == "made" else None,
            )
        )
        await asyncio.wait_for(quick_is_made.wait(), 20)
        building.cancel()
        with pytest.raises(asyncio.CancelledError):
            await building

    asyncio.run(break_off())
    release.set()
    assert list(workshop.lock.entries) == ["quick"]


def test_putting_pictures_in_place_needs_no_provider(workshop):
    workshop.build(CAMPAIGN, Painter())
    for file in (workshop.root / "out").iterdir():
        file.unlink()
    summary = workshop.build(CAMPAIGN, None)
    assert (summary.restored, summary.complete) == (4, True)


def test_without_a_provider_a_paid_step_fails_and_nothing_is_sent(workshop):
    summary = workshop.build([generate("poster")], None)
    assert summary.problems[0][1].what == "`poster` would have to be paid for, and this build pays for nothing"


def test_a_build_of_nothing_ends(workshop):
    summary = workshop.build([], Painter())
    assert summary.complete
    assert workshop.saved == []
