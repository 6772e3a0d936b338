"""Paying: what is sent, what is written down, what is counted, whatever the service does."""

from __future__ import annotations

import asyncio
import threading
import time
from decimal import Decimal

import pytest

from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt, settled
from imagebuild.core.key import key_of
from imagebuild.core.lock import Lock
from imagebuild.core.plan import USUAL, Policy
from imagebuild.core.spec import Budget
from imagebuild.providers.base import Cut, NotSent, Reply
from imagebuild.providers.spool import SpoolWriter
from tests.build.service import ScriptedWire, Shop, picture_for, says, service_of
from tests.build.workshop import Workshop, change, cut, generate


@pytest.fixture
def shop(tmp_path):
    return Workshop(tmp_path)


def buy(shop, wire, actions, *, provider=None, policy=USUAL, budget=None, price="0.10"):
    service = service_of(wire, shop.journal, provider, policy=policy)
    return shop.build(actions, None, service=service, policy=policy, budget=budget, price=price, clock=time.monotonic)


def ledger(shop):
    return [(each.address, each.state, each.billed, each.estimate) for each in settled(shop.journal.payments())]


def open_states(shop):
    return {each.address: each.state for each in shop.journal.attempts()}


def left_open(shop, action: Action, state: str = "sent", **more) -> Attempt:
    """What a build that was killed leaves in the journal."""
    attempt = Attempt(
        id="before", key=key_of(action.manifest), state=state, provider="shop", model="m", campaign="test",
        address=action.address, estimate=Decimal("0.10"), at="2026-11-21T09:00:00Z", manifest=action.manifest,
    )._replace(**more)  # fmt: skip
    shop.journal.open(attempt)
    return attempt


def spooled(shop, action: Action, reply: Reply, *, whole: bool = True) -> None:
    writer = SpoolWriter(
        shop.journal.reply_file(key_of(action.manifest)), status=reply.status, headers=reply.headers, url="",
        length=len(reply.body) if whole else None,
    )  # fmt: skip
    writer.write(reply.body)
    if whole:
        writer.finish()
    writer.close()


# ------------------------------------------------------------------------------------------------------ it goes well


def test_a_picture_is_paid_once_recorded_with_its_true_cost_and_entered_into_the_ledger(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt, **{"x-cost": "0.07"}))
    summary = buy(shop, wire, [generate("poster")])
    record = shop.store.record(key_of(generate("poster").manifest))
    assert (summary.made, summary.spent, summary.unknown) == (1, Decimal("0.07"), 0)
    assert (record.cost, record.estimate, record.request_id, record.provider) == (
        Decimal("0.07"), Decimal("0.10"), "req-poster", "shop",
    )  # fmt: skip
    assert ledger(shop) == [("poster", "paid", Decimal("0.07"), Decimal("0.10"))]
    assert open_states(shop) == {}
    assert (shop.root / "out/poster.png").exists()


def test_what_the_service_does_not_bill_by_word_counts_as_estimated(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    assert buy(shop, wire, [generate("poster")]).spent == Decimal("0.10")
    assert ledger(shop) == [("poster", "paid", None, Decimal("0.10"))]


def test_the_attempt_is_on_disk_before_anything_leaves(shop):
    seen = []

    class Looking(ScriptedWire):
        async def send(self, ask, *, leaving=None, spool=None, show=None):
            async def looked():
                await leaving()
                seen.append(open_states(shop))

            return await super().send(ask, leaving=looked, spool=spool, show=show)

    buy(shop, Looking(lambda prompt, turn: picture_for(prompt)), [generate("poster")])
    assert seen == [{"poster": "sent"}]


def test_an_edit_waits_for_its_source_and_both_are_paid(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = buy(shop, wire, [generate("scene"), change("winter", "scene"), cut("hero", "scene")])
    assert (summary.made, summary.drawn, sorted(wire.billed)) == (2, 1, ["scene", "snow"])


def test_a_second_build_sends_nothing(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    buy(shop, wire, [generate("poster")])
    buy(shop, wire, [generate("poster")])
    assert wire.billed == ["poster"]


# --------------------------------------------------------------------------------------------- sent twice, or never


def test_what_never_reached_the_service_is_tried_again_by_itself(shop):
    def answer(prompt, turn):
        if turn < 3:
            raise NotSent("connection refused")
        return picture_for(prompt)

    wire = ScriptedWire(answer)
    assert buy(shop, wire, [generate("poster")]).made == 1
    assert wire.billed == ["poster"]
    assert len(wire.waited) == 2


def test_a_service_that_cannot_be_reached_is_told_once_and_everything_else_is_left(shop):
    def answer(prompt, turn):
        raise NotSent("cannot reach `shop`: connection refused")

    summary = buy(shop, ScriptedWire(answer), [generate(f"p{n}") for n in range(20)], provider=Shop(concurrency=4))
    assert (summary.failed, summary.left, summary.spent) == (1, 19, 0)
    assert [problem.what for _, problem, _ in summary.problems] == ["cannot reach `shop`: connection refused"]
    assert open_states(shop) == {}
    assert ledger(shop) == []


def test_too_fast_is_asked_again_after_the_stated_time_and_billed_once(shop):
    def answer(prompt, turn):
        return says(429, retry_after="3") if turn < 3 else picture_for(prompt)

    wire = ScriptedWire(answer)
    summary = buy(shop, wire, [generate("poster")])
    assert (summary.made, wire.billed, wire.asked) == (1, ["poster"], ["poster"] * 3)
    assert ledger(shop) == [("poster", "paid", None, Decimal("0.10"))]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 409])
def test_an_outcome_that_is_not_known_is_written_down_counted_and_never_sent_again(shop, status):
    wire = ScriptedWire(lambda prompt, turn: says(status, '{"error": {"message": "sorry"}}'))
    summary = buy(shop, wire, [generate("poster"), cut("small", "poster")])
    assert (summary.uncertain, summary.blocked, summary.spent, summary.unknown) == (1, 1, 0, Decimal("0.10"))
    assert ledger(shop) == [("poster", "uncertain", None, Decimal("0.10"))]
    assert open_states(shop) == {"poster": "uncertain"}
    again = buy(shop, wire, [generate("poster"), cut("small", "poster")])
    assert (again.uncertain, again.blocked, wire.asked) == (1, 1, ["poster"])
    assert again.unknown == 0


def test_a_cut_connection_is_an_unknown_outcome(shop):
    def answer(prompt, turn):
        raise Cut("cut")

    wire = ScriptedWire(answer)
    summary = buy(shop, wire, [generate("poster")])
    assert (summary.uncertain, open_states(shop)) == (1, {"poster": "uncertain"})
    assert buy(shop, wire, [generate("poster")]).uncertain == 1
    assert wire.billed == ["poster"]


def test_an_unknown_outcome_is_asked_for_again_when_a_person_says_so_and_both_count(shop):
    def answer(prompt, turn):
        if turn == 1:
            raise Cut("cut")
        return picture_for(prompt)

    wire = ScriptedWire(answer)
    buy(shop, wire, [generate("poster")])
    summary = buy(shop, wire, [generate("poster")], policy=Policy(retry_uncertain=True))
    assert (summary.made, wire.billed, open_states(shop)) == (1, ["poster", "poster"], {})
    assert [state for _, state, _, _ in ledger(shop)] == ["uncertain", "paid"]


def test_an_unknown_outcome_stays_one_when_the_second_request_never_arrives(shop):
    def answer(prompt, turn):
        if turn == 1:
            raise Cut("cut")
        raise NotSent("refused")

    wire = ScriptedWire(answer)
    buy(shop, wire, [generate("poster")])
    buy(shop, wire, [generate("poster")], policy=Policy(retry_uncertain=True))
    assert open_states(shop) == {"poster": "uncertain"}


def test_a_service_that_answers_nothing_is_not_asked_for_ever(shop):
    wire = ScriptedWire(lambda prompt, turn: says(500))
    summary = buy(shop, wire, [generate(f"p{n:02}") for n in range(30)], provider=Shop(concurrency=1))
    assert (summary.uncertain, summary.left, len(wire.asked)) == (5, 25, 5)
    assert "5 requests in a row" in summary.stopped


# ------------------------------------------------------------------------------------------------------- it says no


def test_a_refusal_is_remembered_with_the_services_words_and_not_repeated(shop):
    body = '{"error": {"message": "Your request was rejected", "code": "moderation_blocked"}}'
    wire = ScriptedWire(lambda prompt, turn: says(400, body))
    first = buy(shop, wire, [generate("poster")])
    second = buy(shop, wire, [generate("poster")])
    assert (first.refused, second.refused, wire.asked) == (1, 1, ["poster"])
    assert "rejected" in next(shop.journal.attempts()).words


def test_a_refusal_is_asked_again_when_a_person_says_so(shop):
    wire = ScriptedWire(lambda prompt, turn: says(400) if turn == 1 else picture_for(prompt))
    buy(shop, wire, [generate("poster")])
    assert buy(shop, wire, [generate("poster")], policy=Policy(retry_refused=True)).made == 1
    assert open_states(shop) == {}


@pytest.mark.parametrize(("status", "body"), [(401, "{}"), (402, "{}"), (403, "{}"), (404, "{}"), (
    429, '{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}')])  # fmt: skip
def test_what_the_service_would_say_to_everybody_is_said_once_and_the_rest_is_left(shop, status, body):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt) if prompt < "p03" else says(status, body))
    summary = buy(shop, wire, [generate(f"p{n:02}") for n in range(20)], provider=Shop(concurrency=4))
    assert (summary.failed, summary.left) == (1, 19 - summary.made)
    assert len(wire.asked) <= 3 + 4
    assert sum(1 for _, problem, ended in summary.problems if ended == "failed") == 1
    assert open_states(shop) == {}
    assert [state for _, state, _, _ in ledger(shop)] == ["paid"] * summary.made


# -------------------------------------------------------------------------------------------------- not as asked for


def test_a_picture_other_than_asked_for_is_kept_counted_and_not_asked_for_again(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt, size=(32, 32)))
    summary = buy(shop, wire, [generate("poster")])
    assert (summary.flawed, summary.spent, open_states(shop)) == (1, Decimal("0.10"), {"poster": "flawed"})
    assert not (shop.root / "out").exists()
    (stored,) = shop.store.digests()
    assert next(shop.journal.attempts()).digest == stored
    assert buy(shop, wire, [generate("poster")]).flawed == 1
    assert wire.billed == ["poster"]


def test_a_flawed_picture_is_taken_when_a_person_says_so_for_nothing(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt, size=(32, 32)))
    buy(shop, wire, [generate("poster")])
    summary = buy(shop, wire, [generate("poster")], policy=Policy(accept_flawed=True))
    assert (summary.collected, summary.spent, wire.billed) == (1, 0, ["poster"])
    assert (shop.root / "out/poster.png").exists()
    assert shop.store.record(key_of(generate("poster").manifest)).extra["flaw"]


# ------------------------------------------------------------------------------------------------------------ killed


def test_killed_after_sending_it_is_an_unknown_outcome_and_never_sent_again(shop):
    left_open(shop, generate("poster"))
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    assert buy(shop, wire, [generate("poster")]).uncertain == 1
    assert (wire.asked, open_states(shop)) == ([], {"poster": "uncertain"})
    assert ledger(shop) == [("poster", "uncertain", None, Decimal("0.10"))]


def test_killed_after_the_reply_came_nothing_is_lost_and_nothing_sent(shop):
    left_open(shop, generate("poster"))
    spooled(shop, generate("poster"), picture_for("poster", **{"x-cost": "0.07"}))
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = buy(shop, wire, [generate("poster")])
    assert (summary.collected, summary.spent, wire.asked, open_states(shop)) == (1, 0, [], {})
    assert ledger(shop) == [("poster", "paid", Decimal("0.07"), Decimal("0.10"))]
    assert (shop.root / "out/poster.png").exists()


def test_a_reply_on_disk_that_says_no_is_taken_as_that(shop):
    left_open(shop, generate("poster"))
    spooled(shop, generate("poster"), says(429, retry_after="1"))
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    first = buy(shop, wire, [generate("poster")])
    assert (first.left, wire.asked, open_states(shop)) == (1, [], {})
    assert buy(shop, wire, [generate("poster")]).made == 1


def test_a_reply_on_disk_that_is_an_unknown_outcome_stays_one(shop):
    left_open(shop, generate("poster"))
    spooled(shop, generate("poster"), says(500))
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    assert [buy(shop, wire, [generate("poster")]).uncertain for _ in range(3)] == [1, 1, 1]
    assert wire.asked == []


def test_killed_between_keeping_and_forgetting_the_ledger_has_it_once(shop):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    buy(shop, wire, [generate("poster")])
    paid = next(shop.journal.payments())
    left_open(shop, generate("poster"), id=paid.id)
    buy(shop, wire, [generate("poster"), generate("other")])
    assert open_states(shop) == {}
    assert [address for address, *_ in ledger(shop)] == ["poster", "other"]
    assert wire.billed == ["poster", "other"]


def test_what_was_paid_for_is_fetched_though_the_campaign_no_longer_asks_for_it(shop):
    left_open(shop, generate("poster", "an older prompt"))
    spooled(shop, generate("poster", "an older prompt"), picture_for("an older prompt"))
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = buy(shop, wire, [generate("poster", "a newer prompt")])
    assert (summary.made, summary.strays, open_states(shop)) == (1, 1, {})
    assert shop.store.record(key_of(generate("poster", "an older prompt").manifest)) is not None
    assert buy(shop, wire, [generate("poster", "an older prompt")]).restored == 1
    assert wire.billed == ["a newer prompt"]


# ------------------------------------------------------------------------------------------------------------- tasks


def polls(answers):
    return lambda url, turn: answers[min(turn, len(answers)) - 1]


def test_a_task_is_on_disk_before_the_first_poll_and_taken_up_by_the_next_build(shop):
    seen = []

    def never(url, turn):
        seen.append(open_states(shop))
        return says(202)

    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), never)
    first = buy(shop, wire, [generate("poster")], provider=Shop(tasks=True))
    assert (first.left, first.unknown, seen[0]) == (1, Decimal("0.10"), {"poster": "task"})
    wire.free = polls([says(202), picture_for("poster")])
    wire.turns.clear()
    second = buy(shop, wire, [generate("poster")], provider=Shop(tasks=True))
    assert (second.collected, wire.asked, open_states(shop)) == (1, ["poster"], {})


def test_a_poll_that_fails_for_a_while_costs_nothing(shop):
    answers = [says(500), says(429), says(503), says(202), picture_for("poster")]
    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), polls(answers))
    assert buy(shop, wire, [generate("poster")], provider=Shop(tasks=True)).made == 1


def test_a_service_that_is_out_of_reach_while_a_task_runs_leaves_the_task(shop):
    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), lambda url, turn: says(502))
    summary = buy(shop, wire, [generate("poster")], provider=Shop(tasks=True))
    assert (summary.left, summary.wrong, open_states(shop)) == (1, 0, {"poster": "task"})


def test_a_task_of_another_service_is_not_paid_again_here(shop):
    left_open(shop, generate("poster"), "task", provider="elsewhere", task={"task": "t9"})
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = buy(shop, wire, [generate("poster")])
    assert (summary.left, wire.asked) == (1, [])
    assert "`elsewhere`" in summary.problems[0][1].what


def test_a_picture_that_the_service_lost_is_counted_and_asked_for_again_only_on_a_persons_word(shop):
    wire = ScriptedWire(lambda prompt, turn: says(200, f"t{turn}"), lambda url, turn: says(410))
    assert buy(shop, wire, [generate("poster")], provider=Shop(tasks=True)).uncertain == 1
    assert open_states(shop) == {"poster": "lost"}
    assert buy(shop, wire, [generate("poster")], provider=Shop(tasks=True)).uncertain == 1
    assert wire.asked == ["poster"]


def test_a_picture_held_back_after_it_was_made_may_be_billed_and_is_counted(shop):
    wire = ScriptedWire(lambda prompt, turn: says(200, "t1"), lambda url, turn: says(451))
    summary = buy(shop, wire, [generate("poster")], provider=Shop(tasks=True))
    assert (summary.refused, summary.unknown) == (1, Decimal("0.10"))


# ------------------------------------------------------------------------------------------------------------ budgets


@pytest.mark.parametrize(("budget", "name"), [
    (Budget(build=Decimal("0.35")), "budget.build"), (Budget(campaign=Decimal("0.35")), "budget.campaign"),
    (Budget(month=Decimal("0.35")), "budget.month"),
])  # fmt: skip
def test_nothing_is_sent_beyond_a_budget_and_the_summary_says_what_is_left(shop, budget, name):
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    summary = buy(shop, wire, [generate(f"p{n}") for n in range(9)], budget=budget, provider=Shop(concurrency=9))
    assert (summary.made, summary.left, summary.left_price) == (3, 6, Decimal("0.60"))
    assert summary.stopped == f"`{name}` is reached"


def test_what_an_unknown_outcome_may_have_cost_counts_against_the_budget(shop):
    wire = ScriptedWire(lambda prompt, turn: says(500) if prompt == "p0" else picture_for(prompt))
    budget = Budget(campaign=Decimal("0.25"))
    first = buy(shop, wire, [generate("p0")], budget=budget)
    second = buy(shop, wire, [generate(f"p{n}") for n in range(5)], budget=budget, provider=Shop(concurrency=1))
    assert (first.uncertain, second.made, second.left) == (1, 1, 3)


def test_with_64_at_once_and_any_prices_no_reservation_passes_the_limit(shop):
    costs = {f"p{n:03}": Decimal(1 + n * 37 % 23) / 100 for n in range(200)}
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt, **{"x-cost": str(costs[prompt])}), takes=0.05)
    summary = buy(
        shop, wire, [generate(name) for name in costs], budget=Budget(build=Decimal(7)), price="0.23",
        provider=Shop(concurrency=64),
    )  # fmt: skip
    assert wire.most > 8
    assert summary.spent == sum(costs[name] for name in wire.billed)
    assert summary.spent <= Decimal(7)
    assert summary.left == 200 - summary.made
    assert summary.stopped == "`budget.build` is reached"


# ------------------------------------------------------------------------------------------------------ two at once


def test_what_another_build_is_paying_for_is_waited_for_and_taken(shop):
    action = generate("poster")
    other = Workshop(shop.root)
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    claim = shop.journal.claim(key_of(action.manifest))
    assert claim.__enter__()

    def finish():
        time.sleep(0.3)
        claim.__exit__(None, None, None)

    thread = threading.Thread(target=finish)
    thread.start()
    summary = buy(other, wire, [action])
    thread.join()
    assert summary.made == 1
    assert wire.billed == ["poster"]


# -------------------------------------------------------------------------------------------------------------- slots


def test_a_result_that_is_in_the_store_after_all_never_waits_for_a_slot(shop):
    actions = [generate("scene", output=False), change("winter", "scene")]
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    buy(shop, wire, actions)
    scene = shop.store.record(key_of(actions[0].manifest))
    shop.store.remove_record(scene.key)  # it is made again, and comes out as it was: the winter is in the store
    (shop.root / "out/winter.png").unlink()
    shop.lock = Lock("test")  # nothing is known of the winter before its input is there

    class Slow(ScriptedWire):
        async def send(self, ask, **more):
            if ask.json == "slow":
                for _ in range(500):
                    if (shop.root / "out/winter.png").exists():
                        break
                    await asyncio.sleep(0.01)
                else:
                    pytest.fail("the winter waited for the slot")
            return await super().send(ask, **more)

    slow = Slow(lambda prompt, turn: picture_for(prompt))
    summary = buy(shop, slow, [*actions, generate("slow")], provider=Shop(concurrency=1))
    assert (summary.failed, slow.billed) == (0, ["scene", "slow"])
