"""Paying by the batch: nothing is begun twice, nothing that came is lost, wherever the process dies."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from imagebuild.core.attempt import settled
from imagebuild.core.key import key_of
from imagebuild.core.plan import USUAL, Policy
from imagebuild.core.spec import Budget
from imagebuild.providers.base import Cut, NotSent, Reply
from tests.build.bureau import BATCHED, BILLED, Bureau, Death, Killed, buy, mortal_shop, service_of
from tests.build.workshop import Workshop, change, generate

THREE = [generate("p0"), generate("p1"), generate("p2")]
RETRYING = Policy(retry_uncertain=True, retry_refused=True, batch=True)


@pytest.fixture
def shop(tmp_path):
    return Workshop(tmp_path)


@pytest.fixture
def bureau():
    return Bureau()


def states(shop):
    return {each.address: each.state for each in shop.journal.attempts()}


def ledger(shop):
    return {each.address: (each.state, each.billed) for each in settled(shop.journal.payments())}


def finished(shop, actions) -> bool:
    return all(shop.store.record(key_of(action.manifest)) is not None for action in actions)


# ------------------------------------------------------------------------------------------------------ it goes well


def test_what_is_ready_is_sent_as_one_batch_and_collected_by_a_later_build(shop, bureau):
    first = buy(shop, bureau, THREE)
    assert (first.left, first.submitted, len(bureau.batches)) == (3, 3, 1)
    assert states(shop) == {"p0": "task", "p1": "task", "p2": "task"}
    assert "in batch `batch_1` with 3 pictures" in first.problems[0][1].what
    bureau.work()
    second = buy(shop, bureau, THREE)
    assert (second.collected, second.made, second.left) == (3, 0, 0)
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}
    assert ledger(shop) == dict.fromkeys(("p0", "p1", "p2"), ("paid", BILLED))
    assert {each.batch for each in shop.journal.payments()} == {"batch_1"}
    assert states(shop) == {}
    assert (shop.root / "out/p0.png").exists()


def test_a_batch_that_is_not_over_is_looked_at_once_a_build_and_costs_nothing(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.asked.clear()
    summary = buy(shop, bureau, THREE)
    assert (summary.left, bureau.asked) == (3, ["GET /batches/*"])
    assert {problem.what for _, problem, _ in summary.problems} == {"batch `batch_1` is not over: 0 of 3 done"}


def test_a_build_without_batches_collects_one_all_the_same(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    assert buy(shop, bureau, THREE, policy=USUAL).collected == 3


def test_what_is_made_from_a_picture_goes_into_the_next_batch(shop, bureau):
    actions = [generate("scene"), change("winter", "scene")]
    first = buy(shop, bureau, actions)
    assert (first.submitted, first.left) == (1, 2)
    bureau.work()
    second = buy(shop, bureau, actions)
    assert (second.collected, second.submitted, len(bureau.batches)) == (1, 1, 2)
    bureau.work()
    assert buy(shop, bureau, actions).collected == 1
    assert bureau.charged == {"scene": 1, "snow": 1}


def test_what_the_campaign_no_longer_asks_for_is_fetched_and_kept(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    summary = buy(shop, bureau, [generate("other")])
    assert (summary.strays, finished(shop, THREE)) == (3, True)
    assert states(shop) == {"other": "task"}


# --------------------------------------------------------------------------------------------------- it goes otherwise


def test_a_refused_line_is_remembered_and_a_failed_one_is_an_unknown_outcome(shop):
    def end_of(prompt):
        error = {"error": {"message": "rejected by the safety system", "code": "moderation_blocked"}}
        responses = {"p0": {"status_code": 400, "body": error}, "p1": {"status_code": 500, "body": {}}}
        return {"response": responses[prompt]} if prompt in responses else None

    bureau = Bureau(end_of)
    buy(shop, bureau, THREE)
    bureau.work()
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.refused, summary.uncertain) == (1, 1, 1)
    assert states(shop) == {"p0": "refused", "p1": "uncertain"}
    buy(shop, bureau, THREE)
    assert len(bureau.batches) == 1
    bureau.end_of = lambda prompt: None
    assert buy(shop, bureau, THREE, policy=RETRYING).submitted == 2
    bureau.work()
    assert buy(shop, bureau, THREE).collected == 2


def test_what_an_expired_batch_did_not_come_to_goes_into_the_next_one_by_itself(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work(status="expired", most=1)
    second = buy(shop, bureau, THREE)
    assert (second.collected, second.left, second.wrong) == (1, 2, 0)
    assert buy(shop, bureau, THREE).submitted == 2
    bureau.work()
    assert buy(shop, bureau, THREE).collected == 2
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}


def test_a_batch_that_is_turned_down_as_a_whole_leaves_nothing_open_and_says_why(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.fail("Enqueued token limit reached")
    summary = buy(shop, bureau, THREE)
    assert any("Enqueued token limit reached" in problem.what for _, problem, _ in summary.problems)
    assert states(shop) == {}
    assert buy(shop, bureau, THREE).submitted == 3
    bureau.work()
    assert buy(shop, bureau, THREE).collected == 3
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}


def test_results_that_the_service_no_longer_has_are_lost_and_a_person_can_ask_again(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    del bureau.files["batch_1-output"]
    assert buy(shop, bureau, THREE).uncertain == 3
    assert set(states(shop).values()) == {"lost"}
    assert buy(shop, bureau, THREE).submitted == 0
    assert buy(shop, bureau, THREE, policy=RETRYING).submitted == 3


def test_a_line_of_which_nobody_can_say_whose_it_is_lets_no_key_be_taken_for_unanswered(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    first, rest = bureau.files["batch_1-output"].split(b"\n", 1)
    bureau.files["batch_1-output"] = b"garbage" + first[100:] + b"\n" + rest
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.uncertain) == (2, 1)
    assert states(shop) == {"p0": "uncertain"}
    assert buy(shop, bureau, THREE).submitted == 0


def test_a_file_that_has_fewer_pictures_than_were_counted_is_no_reason_to_pay_again(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    bureau.files["batch_1-output"] = bureau.files["batch_1-output"].split(b"\n", 1)[1]
    assert buy(shop, bureau, THREE).collected == 2
    assert states(shop) == {"p0": "uncertain"}
    assert buy(shop, bureau, THREE).submitted == 0


def test_a_picture_that_is_not_as_asked_is_flawed_and_the_others_are_kept(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    small = bureau.made(key_of(THREE[0].manifest), {"prompt": "p0", "size": "32x32"})
    lines = bureau.files["batch_1-output"].split(b"\n")
    bureau.files["batch_1-output"] = b"\n".join([json.dumps(small).encode(), *lines[1:]])
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.flawed, states(shop)) == (2, 1, {"p0": "flawed"})


# ----------------------------------------------------------------------------------------------- a submission cut off


def cut_at(what):
    def before(asked):
        if asked == what:
            raise Cut("the connection was cut")

    return before


def test_a_submission_whose_reply_was_lost_is_found_by_its_label(shop, bureau):
    bureau.after = cut_at("POST /batches")
    first = buy(shop, bureau, THREE)
    assert (first.left, first.wrong, len(bureau.batches)) == (3, 0, 1)
    bureau.after = lambda what: None
    bureau.work()
    assert buy(shop, bureau, THREE).collected == 3
    assert (len(bureau.batches), bureau.charged) == (1, {"p0": 1, "p1": 1, "p2": 1})


def test_a_submission_that_never_arrived_is_waited_for_then_made_anew(shop, bureau):
    bureau.before = cut_at("POST /batches")
    buy(shop, bureau, THREE)
    bureau.before = lambda what: None
    early = buy(shop, bureau, THREE, age=0.5)
    assert (early.left, early.submitted, len(bureau.batches)) == (3, 0, 0)
    late = buy(shop, bureau, THREE, age=0.7)  # 700 seconds, at this service's pace
    assert (late.left, states(shop)) == (3, {})
    assert buy(shop, bureau, THREE).submitted == 3


def test_a_batch_that_is_listed_late_is_not_begun_again(shop, bureau):
    bureau.after = cut_at("POST /batches")
    buy(shop, bureau, THREE)
    bureau.after = lambda what: None
    bureau.unlisted = {"batch_1"}
    assert buy(shop, bureau, THREE, age=0.1).left == 3
    bureau.unlisted = set()
    bureau.work()
    assert buy(shop, bureau, THREE, age=0.2).collected == 3
    assert len(bureau.batches) == 1


def test_an_error_after_the_batch_was_begun_is_as_a_lost_reply(shop, bureau):
    bureau.after = lambda what: Reply(status=500, body=b"{}") if what == "POST /batches" else None
    assert buy(shop, bureau, THREE).left == 3
    bureau.after = lambda what: None
    bureau.work()
    assert buy(shop, bureau, THREE).collected == 3
    assert len(bureau.batches) == 1


@pytest.mark.parametrize("what", ["POST /files", "POST /batches"])
@pytest.mark.parametrize("status", [401, 429])
def test_what_is_turned_down_before_anything_is_begun_leaves_nothing_open(shop, bureau, what, status):
    bureau.before = lambda asked: Reply(status=status, body=b"{}") if asked == what else None
    summary = buy(shop, bureau, THREE)
    assert (summary.submitted, summary.spent, summary.unknown, states(shop)) == (0, 0, 0, {})
    bureau.before = lambda asked: None
    assert buy(shop, bureau, THREE).submitted == 3


def test_a_service_out_of_reach_leaves_nothing_open(shop, bureau):
    def before(asked):
        raise NotSent("connection refused")

    bureau.before = before
    summary = buy(shop, bureau, THREE)
    assert (summary.failed, summary.spent, states(shop)) == (3, 0, {})


# -------------------------------------------------------------------------------------------------------- killed


def until_done(shop, bureau, actions) -> int:
    """Build, as a person would, until everything is there; how many builds it took."""
    for number in range(1, 12):
        bureau.work()
        buy(shop, bureau, actions, age=1.0)
        if finished(shop, actions) and not states(shop):
            return number
    raise AssertionError(f"it does not end: {states(shop)}")


def dying(bureau, what):
    def die(asked):
        if asked == what:
            bureau.death.strike()

    return die


def reborn(bureau):
    """The service goes on; another process asks it."""
    return replace(bureau, death=Death(), before=lambda what: None, after=lambda what: None)


@pytest.mark.parametrize("what", ["POST /files", "POST /batches"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_each_step_of_handing_in(tmp_path, bureau, what, when):
    setattr(bureau, when, dying(bureau, what))
    with pytest.raises(Killed):
        buy(mortal_shop(tmp_path, bureau.death), bureau, THREE)
    shop = Workshop(tmp_path)
    until_done(shop, reborn(bureau), THREE)
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}
    assert {state for state, _ in ledger(shop).values()} == {"paid"}


@pytest.mark.parametrize("what", ["GET /batches/*", "GET /files/*/content"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_each_step_of_fetching(tmp_path, bureau, what, when):
    buy(Workshop(tmp_path), bureau, THREE)
    bureau.work()
    setattr(bureau, when, dying(bureau, what))
    with pytest.raises(Killed):
        buy(mortal_shop(tmp_path, bureau.death), bureau, THREE)
    assert until_done(Workshop(tmp_path), reborn(bureau), THREE) == 1
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}


@pytest.mark.parametrize("after", [False, True])
def test_killed_around_each_writing_of_the_journal_from_the_first_build_to_the_last(tmp_path, after):
    for number in range(1, 40):
        root, bureau = tmp_path / str(number), Bureau(death=Death(number, after))
        shop = mortal_shop(root, bureau.death)
        try:
            for _ in range(3):
                buy(shop, bureau, THREE, age=1.0)
                bureau.work()
        except Killed:
            until_done(Workshop(root), reborn(bureau), THREE)
        assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}, f"killed at writing {number}"
        assert ledger(shop) == dict.fromkeys(("p0", "p1", "p2"), ("paid", BILLED))
        if not bureau.death.is_over:
            break
    assert number > 8  # two writings for the batch, two for each picture


# ------------------------------------------------------------------------------------------------------- budgets


def test_of_a_batch_that_the_budget_does_not_hold_as_much_is_sent_as_it_does(shop, bureau):
    actions = [generate(f"p{number:02}") for number in range(10)]
    summary = buy(shop, bureau, actions, budget=Budget(build=Decimal("0.22")))  # five cents each in a batch
    assert (summary.submitted, summary.left, summary.stopped) == (4, 10, "`budget.build` is reached")
    bureau.work()
    assert sum(bureau.charged.values()) == 4


# ---------------------------------------------------------------------------------------------------- many, and two


def test_a_batch_of_3000_pictures_is_handed_in_quickly(shop, bureau):
    actions = [generate(f"p{number:04}") for number in range(3000)]
    began = time.process_time()
    assert buy(shop, bureau, actions).submitted == 3000
    assert time.process_time() - began < 30
    assert len(bureau.batches) == 1
    assert len(states(shop)) == 3000


def test_two_builds_at_once_begin_one_batch(tmp_path, bureau):
    shops = [Workshop(tmp_path), Workshop(tmp_path)]

    async def both():
        return await asyncio.gather(
            *(
                each.building(
                    THREE, None, service=service_of(bureau, each.journal), policy=BATCHED, clock=time.monotonic,
                    price="0.10",
                )
                for each in shops
            )
        )  # fmt: skip

    summaries = asyncio.run(both())
    assert sum(summary.submitted for summary in summaries) == 3
    bureau.work()
    assert asyncio.run(both())
    until_done(Workshop(tmp_path), bureau, THREE)
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}
