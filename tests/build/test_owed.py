"""What earlier builds left open, and what must not be made of it."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal

import pytest

from imagebuild.build.run import Stop
from imagebuild.core.key import key_of
from imagebuild.core.plan import USUAL, Policy
from imagebuild.core.spec import Budget
from imagebuild.errors import StoreError
from imagebuild.providers.base import AccountFailure, Cut, NotKnown
from tests.build.service import ScriptedWire, Shop, picture_for, says, service_of
from tests.build.test_pay import ledger, left_open, open_states, spooled
from tests.build.workshop import Workshop, change, generate


@pytest.fixture
def shop(tmp_path):
    return Workshop(tmp_path)


def build(shop, wire, actions, *, provider=None, policy=USUAL, account="", **more):
    service = service_of(wire, shop.journal, provider, policy=policy, account=account)
    return shop.build(actions, None, service=service, policy=policy, price="0.10", clock=time.monotonic, **more)


def no_picture(prompt, turn):
    return picture_for(prompt, size=(32, 32))


# ------------------------------------------------------------------------------------------- what a person agreed to


def test_what_was_cut_off_in_this_very_build_is_not_asked_for_again_by_it(shop):
    """Two steps that turn out to be one request: the second hears what became of the first."""

    def answer(prompt, turn):
        if prompt == "snow":
            raise Cut("cut")
        return picture_for("the same")

    actions = [generate("a", output=False), generate("b", output=False), change("wa", "a"), change("wb", "b")]
    wire = ScriptedWire(answer)
    summary = build(shop, wire, actions, policy=Policy(retry_uncertain=True))
    assert (summary.uncertain, wire.billed.count("snow")) == (2, 1)


def test_what_the_plan_showed_is_asked_for_again_once(shop):
    wire = ScriptedWire(lambda prompt, turn: says(500))
    build(shop, wire, [generate("poster")])
    build(shop, wire, [generate("poster")], policy=Policy(retry_uncertain=True))
    assert (wire.asked, open_states(shop)) == (["poster"] * 2, {"poster": "uncertain"})


def test_half_a_reply_is_no_picture_and_is_asked_for_again_when_that_was_agreed(shop):
    left_open(shop, generate("poster"))
    whole = picture_for("poster")
    spooled(shop, generate("poster"), replace(whole, body=b"", status=502), whole=False)
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(shop, wire, [generate("poster")], policy=Policy(retry_uncertain=True))
    assert (summary.made, wire.billed, [state for _, state, _, _ in ledger(shop)]) == (
        1, ["poster"], ["uncertain", "paid"],
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ its own inputs, ours


def test_what_is_under_way_is_delivered_as_what_it_was_asked_for_whatever_its_inputs_are_by_now(shop):
    scene, winter = generate("scene"), change("winter", "scene")
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    build(shop, wire, [scene])
    record = shop.store.record(key_of(scene.manifest))
    asked = {**winter.manifest, "references": [record.digest]}
    left_open(shop, winter._replace(manifest=asked), "task", task={"task": "t1"})
    (shop.root / "out/scene.png").unlink()
    wire.free = lambda url, turn: picture_for("winter")
    shop.lock = shop.lock._replace(entries={})
    summary = build(shop, wire, [scene, winter], provider=Shop(tasks=True))
    assert (summary.restored, summary.collected, summary.complete) == (1, 1, True)
    assert shop.store.record(key_of(asked)) is not None


def test_a_picture_that_was_kept_and_is_gone_is_a_loss_that_can_be_made_good(shop):
    wire = ScriptedWire(no_picture)
    build(shop, wire, [generate("poster")])
    (digest,) = shop.store.digests()
    shop.store.remove_object(digest)
    accepted = build(shop, wire, [generate("poster")], policy=Policy(accept_flawed=True))
    assert (accepted.uncertain, open_states(shop)) == (1, {"poster": "lost"})
    wire.paid = lambda prompt, turn: picture_for(prompt)
    assert build(shop, wire, [generate("poster")], policy=Policy(retry_uncertain=True)).made == 1


# -------------------------------------------------------------------------------------------------- another account


class Forgetful(Shop):
    """Knows no task but its own account's."""

    def flow(self, request, task=None):
        if task is None:
            return (yield from super().flow(request, task))
        raise NotKnown("`shop` does not know the task", words="not found")
        yield


def test_a_task_of_another_account_stays_under_way_though_this_one_does_not_know_it(shop):
    left_open(shop, generate("poster"), "task", task={"task": "t1"}, account="theirs")
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(shop, wire, [generate("poster")], provider=Forgetful(tasks=True), account="ours")
    assert (summary.left, open_states(shop), ledger(shop)) == (1, {"poster": "task"}, [])
    assert "another account" in summary.problems[0][1].what
    theirs = build(shop, wire, [generate("poster")], provider=Forgetful(tasks=True), account="theirs")
    assert (theirs.uncertain, open_states(shop)) == (1, {"poster": "uncertain"})


def test_an_attempt_says_which_account_it_was_sent_from(shop):
    seen = []
    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), lambda url, turn: says(502))
    build(shop, wire, [generate("poster")], provider=Shop(tasks=True), account="ours")
    seen.extend(attempt.account for attempt in shop.journal.attempts())
    assert seen == ["ours"]


# ----------------------------------------------------------------------------------------------------------- brakes


@pytest.mark.parametrize("answer", [no_picture, lambda prompt, turn: says(500)])
def test_a_service_that_gives_nothing_for_the_money_is_not_asked_for_ever(shop, answer):
    wire = ScriptedWire(answer)
    summary = build(shop, wire, [generate(f"p{n:02}") for n in range(30)], provider=Shop(concurrency=1))
    assert (len(wire.asked), summary.left) == (5, 25)
    assert "5 requests in a row" in summary.stopped


def test_a_picture_in_between_lets_it_go_on(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt) if prompt[-1] in "369" else says(500))
    summary = build(shop, wire, [generate(f"p{n:02}") for n in range(30)], provider=Shop(concurrency=1))
    assert (len(wire.asked), summary.made, summary.left) == (30, 9, 0)


def test_where_nothing_can_be_kept_nothing_more_is_paid_for(shop):
    class Full:
        """A store on a disk that is full."""

        def __init__(self, store):
            self._store = store

        def __getattr__(self, name):
            return getattr(self._store, name)

        def put(self, data, *, durable):
            raise StoreError("cannot write to the store: no space left on device", hint="free some space")

    real, shop.store = shop.store, Full(shop.store)
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(shop, wire, [generate(f"p{n:02}") for n in range(20)], provider=Shop(concurrency=2))
    assert len(wire.billed) <= 4
    assert summary.left >= 16
    assert "nothing more is paid for" in summary.stopped
    shop.store = real
    again = build(shop, wire, [generate(f"p{n:02}") for n in range(20)], provider=Shop(concurrency=2))
    assert (again.complete, len(wire.billed)) == (True, 20)  # the replies that could not be kept were on disk


def test_an_account_that_a_task_fails_for_ends_the_attempt_so_that_it_can_be_asked_again(shop):
    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), lambda url, turn: says(402))

    left_open(shop, generate("poster"), "task", task={"task": "t1"})

    class NoCredits(Shop):
        def flow(self, request, task=None):
            if task is None:
                return (yield from super().flow(request, task))
            raise AccountFailure("`shop`: insufficient credits")
            yield

    summary = build(shop, wire, [generate("poster")], provider=NoCredits())
    assert (summary.failed, open_states(shop)) == (1, {})
    wire.paid = lambda prompt, turn: picture_for(prompt)
    assert build(shop, wire, [generate("poster")]).made == 1


# ------------------------------------------------------------------------------------------------- strays, and stops


def test_an_attempt_of_another_version_harms_nobody(shop):
    left_open(shop, generate("old"), manifest={"schema": 99, "something": "else"}, key=key_of({"x": 1}))
    spooled(shop, generate("old")._replace(manifest={"x": 1}), picture_for("old"))
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(shop, wire, [generate("poster")])
    assert (summary.made, summary.complete, open_states(shop)) == (1, True, {"old": "sent"})


def test_a_stop_leaves_what_is_under_way_to_the_next_build(shop):
    stop = Stop()
    polls = []

    def poll(url, turn):
        polls.append(turn)
        stop.request("stopped")
        return says(202)

    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), poll)
    summary = build(shop, wire, [generate("poster")], provider=Shop(tasks=True), stop=stop)
    assert (summary.left, len(polls), open_states(shop)) == (1, 1, {"poster": "task"})


# -------------------------------------------------------------------------------------------------------- the rounds


def test_what_an_earlier_round_of_the_build_spent_counts_against_its_limit(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = build(
        shop, wire, [generate(f"p{n}") for n in range(5)], budget=Budget(build=Decimal("0.35")), spent=Decimal("0.20")
    )
    assert (summary.made, summary.left) == (1, 4)
