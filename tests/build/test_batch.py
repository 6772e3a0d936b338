"""Paying by the batch: nothing is begun twice, nothing that came is lost, wherever the process dies."""

from __future__ import annotations

import asyncio
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from imagebuild.build.batch import BatchDesk, NotForBatch, Order, Submitted
from imagebuild.build.books import Books
from imagebuild.build.budget import Purse
from imagebuild.build.terms import Money
from imagebuild.core.attempt import Attempt, settled
from imagebuild.core.key import key_of
from imagebuild.core.plan import USUAL, Policy
from imagebuild.core.spec import Budget
from imagebuild.providers.base import Cut, NotSent, Reply, Request
from tests.build.bureau import BATCHED, BILLED, Bureau, Death, Killed, buy, mortal_shop, service_of
from tests.build.workshop import Workshop, change, cut, generate

THREE = [generate("p0"), generate("p1"), generate("p2")]
RETRYING = Policy(retry_uncertain=True, retry_refused=True, batch=True)
OLD = 173.0  # two days and a little, at this service's pace


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
    assert {problem.what for _, problem, _ in first.problems} == {"in batch `batch_1` with 3 pictures, about $0.15"}
    bureau.work()
    second = buy(shop, bureau, THREE)
    assert (second.collected, second.made, second.left) == (3, 0, 0)
    assert bureau.charged == {"p0": 1, "p1": 1, "p2": 1}
    assert ledger(shop) == dict.fromkeys(("p0", "p1", "p2"), ("paid", BILLED))
    assert {each.batch for each in shop.journal.payments()} == {"batch_1"}
    assert states(shop) == {}
    assert (shop.root / "out/p0.png").exists()


def test_what_a_single_request_left_open_goes_before_the_batch(shop, bureau):
    action = THREE[0]
    attempt = Attempt(
        id="before", key=key_of(action.manifest), state="sent", provider="openai", model="m", campaign="test",
        address=action.address, estimate=Decimal("0.10"), at="2026-11-21T09:00:00Z", manifest=action.manifest,
    )  # fmt: skip
    shop.journal.open(attempt)
    assert buy(shop, bureau, [action]).uncertain == 1
    assert states(shop) == {"p0": "uncertain"}
    again = buy(shop, bureau, [action], policy=RETRYING)
    assert (again.submitted, states(shop)) == (1, {"p0": "task"})
    bureau.work()
    assert buy(shop, bureau, [action]).collected == 1
    assert [each.state for each in settled(shop.journal.payments())] == ["uncertain", "paid"]


def test_a_killed_single_request_that_may_be_repeated_is_handed_in_in_the_same_build(shop, bureau):
    action = THREE[0]
    attempt = Attempt(
        id="before", key=key_of(action.manifest), state="sent", provider="openai", model="m", campaign="test",
        address=action.address, estimate=Decimal("0.10"), at="2026-11-21T09:00:00Z", manifest=action.manifest,
    )  # fmt: skip
    shop.journal.open(attempt)
    assert buy(shop, bureau, [action], policy=RETRYING).submitted == 1
    assert [each.state for each in settled(shop.journal.payments())] == ["uncertain"]


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
    assert (buy(shop, bureau, THREE, age=150).left, set(states(shop).values())) == (3, {"task"})  # it may be late
    assert buy(shop, bureau, THREE, age=OLD).uncertain == 3
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
    [(_, problem, _)] = summary.problems
    [path] = re.findall(r"in `([^`]+)`", problem.what)
    assert Path(path).read_bytes() == bureau.files["batch_1-output"]  # a person can look into it


def test_a_file_with_which_nothing_is_wrong_is_not_kept(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    buy(shop, bureau, THREE)
    assert list(shop.root.rglob("*.batch.*")) == []


def test_a_line_that_is_there_twice_counts_once(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    first, second, _ = bureau.files["batch_1-output"].splitlines(keepends=True)
    bureau.files["batch_1-output"] = first + first + second
    assert buy(shop, bureau, THREE).collected == 2
    assert states(shop) == {"p2": "uncertain"}
    assert buy(shop, bureau, THREE).submitted == 0


def test_a_picture_that_is_nobodys_counts_for_none_of_ours(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    foreign = bureau.made("0" * 64, {"prompt": "other", "size": "64x64"})
    lines = bureau.files["batch_1-output"].splitlines(keepends=True)
    bureau.files["batch_1-output"] = b"".join(lines[:2]) + json.dumps(foreign).encode() + b"\n"
    assert (buy(shop, bureau, THREE).collected, states(shop)) == (2, {"p2": "uncertain"})


def test_a_batch_that_failed_when_some_of_it_was_made_gives_what_it_made(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work(status="failed", most=2)
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.left, states(shop)) == (2, 1, {})
    assert buy(shop, bureau, THREE).submitted == 1
    assert bureau.charged == {"p0": 1, "p1": 1}


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


def test_a_submission_that_never_arrived_is_waited_for_and_made_anew_when_a_person_says_so(shop, bureau):
    bureau.before = cut_at("POST /batches")
    buy(shop, bureau, THREE)
    bureau.before = lambda what: None
    early = buy(shop, bureau, THREE, age=0.5)
    assert (early.left, early.submitted, len(bureau.batches)) == (3, 0, 0)
    late = buy(shop, bureau, THREE, age=0.7)  # 700 seconds, at this service's pace
    assert (late.uncertain, set(states(shop).values())) == (3, {"uncertain"})
    assert all("whether the batch was begun is not known" in problem.what for _, problem, _ in late.problems)
    assert ledger(shop) == dict.fromkeys(("p0", "p1", "p2"), ("uncertain", None))
    assert buy(shop, bureau, THREE).submitted == 0
    assert buy(shop, bureau, THREE, policy=RETRYING).submitted == 3


def test_the_time_in_which_a_batch_is_listed_begins_when_it_leaves(shop, bureau):
    now = datetime.fromisoformat("2026-11-21T10:00:00Z")

    def after(what):
        nonlocal now
        now += timedelta(seconds=660 if what == "POST /files" else 0)  # a slow line
        cut_at("POST /batches")(what)

    def build():
        service = service_of(bureau, shop.journal)
        terms = replace(service.terms, now=lambda: now.isoformat(), scale=1.0)
        service = replace(service, terms=terms, age=lambda at: (now - datetime.fromisoformat(at)).total_seconds())
        return shop.build(THREE, None, service=service, policy=BATCHED, price="0.10", clock=time.monotonic)

    bureau.after, bureau.unlisted = after, {"batch_1"}
    build()
    bureau.after = lambda what: None
    now += timedelta(seconds=5)
    assert (build().left, set(states(shop).values()), len(bureau.batches)) == (3, {"task"}, 1)
    now += timedelta(seconds=590)
    assert (build().left, set(states(shop).values())) == (3, {"task"})
    now += timedelta(seconds=10)
    assert (build().uncertain, len(bureau.batches)) == (3, 1)


def test_what_never_left_is_forgotten_at_once_and_without_asking(tmp_path, bureau):
    bureau.after = dying(bureau, "POST /files")
    with pytest.raises(Killed):
        buy(mortal_shop(tmp_path, bureau.death), bureau, THREE)
    shop, again = Workshop(tmp_path), reborn(bureau)
    again.asked.clear()
    assert (buy(shop, again, THREE).left, again.asked, states(shop)) == (3, [], {})
    assert buy(shop, again, THREE).submitted == 3


# ------------------------------------------------------------------------------------------------- another account


def test_what_another_account_does_not_list_is_not_forgotten(shop, bureau):
    bureau.after = cut_at("POST /batches")
    buy(shop, bureau, THREE)
    bureau.after = lambda what: None
    other = Bureau()
    summary = buy(shop, other, THREE, account="two", age=OLD)
    assert (summary.left, summary.submitted, set(states(shop).values())) == (3, 0, {"task"})
    assert {(problem.what, problem.hint) for _, problem, _ in summary.problems} == {
        ("its batch was handed in from another account of `openai`", "build with that account's key")
    }
    bureau.work()
    assert buy(shop, bureau, THREE).collected == 3
    assert other.batches == {}


def test_a_batch_that_another_account_cannot_see_is_left_to_its_own(shop, bureau):
    buy(shop, bureau, THREE)
    summary = buy(shop, Bureau(), THREE, account="two", age=OLD)
    assert (summary.left, summary.failed, set(states(shop).values())) == (3, 0, {"task"})
    bureau.work()
    assert buy(shop, bureau, THREE, account="three").collected == 3  # another key of the same account sees it


# --------------------------------------------------------------------------------------------- files that are not there


def failing(prompt):
    return {"response": {"status_code": 500, "body": {}}} if prompt == "p0" else None


def test_a_file_that_is_not_found_at_first_is_asked_for_again(shop):
    bureau = Bureau(failing)
    buy(shop, bureau, THREE)
    bureau.work()
    bureau.late |= {"batch_1-output": 2, "batch_1-error": 4}
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.uncertain, states(shop)) == (2, 1, {"p0": "uncertain"})


def test_pictures_are_kept_though_the_list_of_failures_is_not_there(shop):
    bureau = Bureau(failing)
    buy(shop, bureau, THREE)
    bureau.work()
    missing = bureau.files.pop("batch_1-error")
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.left, states(shop)) == (2, 1, {"p0": "task"})
    bureau.files["batch_1-error"] = missing
    assert (buy(shop, bureau, THREE).uncertain, states(shop)) == (1, {"p0": "uncertain"})
    assert ledger(shop)["p0"] == ("uncertain", None)


def test_without_the_list_of_failures_what_is_unanswered_is_an_unknown_outcome(shop):
    bureau = Bureau(failing)
    buy(shop, bureau, THREE)
    bureau.work()
    del bureau.files["batch_1-error"]
    summary = buy(shop, bureau, THREE, age=OLD)
    assert (summary.collected, summary.uncertain, states(shop)) == (2, 1, {"p0": "uncertain"})


def test_pictures_that_an_earlier_build_has_kept_are_counted_with_the_others(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work(status="cancelled", most=2)
    del bureau.files["batch_1-error"]
    assert (buy(shop, bureau, THREE).collected, states(shop)) == (2, {"p2": "task"})
    bureau.files["batch_1-error"] = b""  # it speaks of nothing: what has no line in a whole pair of files was not made
    assert (buy(shop, bureau, THREE).left, states(shop)) == (1, {})


def test_a_list_of_failures_that_nobody_needs_is_not_waited_for(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    bureau.batches["batch_1"]["error_file_id"] = "file-99"
    assert (buy(shop, bureau, THREE).collected, states(shop)) == (3, {})


def test_pictures_are_kept_though_the_other_file_cannot_be_had_just_now(shop):
    bureau = Bureau(failing)
    buy(shop, bureau, THREE)
    bureau.work()
    asked = iter([None, *[Reply(status=503)] * 200])
    bureau.before = lambda what: next(asked) if what == "GET /files/*/content" else None
    summary = buy(shop, bureau, THREE)
    assert (summary.collected, summary.left, states(shop)) == (2, 1, {"p0": "task"})
    bureau.before = lambda what: None
    assert buy(shop, bureau, THREE).uncertain == 1


def test_results_of_which_the_service_does_not_say_where_they_are_are_waited_for(shop, bureau):
    buy(shop, bureau, THREE)
    bureau.work()
    file = bureau.batches["batch_1"].pop("output_file_id")
    assert (buy(shop, bureau, THREE).left, set(states(shop).values())) == (3, {"task"})
    bureau.batches["batch_1"]["output_file_id"] = file
    assert buy(shop, bureau, THREE).collected == 3


# ------------------------------------------------------------------------------------------------- what was before


def earlier(shop, action, state="uncertain", **more):
    """An attempt at an action's key that an earlier build has left open."""
    attempt = Attempt(
        id="before", key=key_of(action.manifest), state=state, provider="openai", model="m", campaign="test",
        address=action.address, estimate=Decimal("0.10"), at="2026-11-20T09:00:00Z", manifest=dict(action.manifest),
        account="one", **more,
    )  # fmt: skip
    shop.journal.open(attempt)
    return shop.journal.attempt(attempt.key)


def turned_down(shop, bureau, actions):
    bureau.before = lambda what: Reply(status=401, body=b"{}") if what == "POST /batches" else None
    buy(shop, bureau, actions, policy=RETRYING)
    bureau.before = lambda what: None


def failed(shop, bureau, actions):
    buy(shop, bureau, actions, policy=RETRYING)
    bureau.fail("Enqueued token limit reached")
    buy(shop, bureau, actions)


def expired(shop, bureau, actions):
    buy(shop, bureau, actions, policy=RETRYING)
    bureau.work(status="expired", most=0)
    buy(shop, bureau, actions)


def unanswered(shop, bureau, actions):
    buy(shop, bureau, actions, policy=RETRYING)
    bureau.batches["batch_1"]["status"] = "cancelled"
    buy(shop, bureau, actions)


def killed(shop, bureau, actions):
    bureau.after = dying(bureau, "POST /files")
    with pytest.raises(Killed):
        buy(mortal_shop(shop.root, bureau.death), bureau, actions, policy=RETRYING)
    buy(shop, reborn(bureau), actions)


@pytest.mark.parametrize("how", [turned_down, failed, expired, unanswered, killed])
def test_when_nothing_was_made_an_earlier_attempt_stands_as_before(shop, bureau, how):
    before = [
        earlier(shop, THREE[0], words="the line was cut", request_id="r-1", extra={"newer": [1]}),
        earlier(shop, THREE[1], "refused", words="no", billed=Decimal("0.02")),
    ]
    how(shop, bureau, THREE)
    assert [shop.journal.attempt(each.key) for each in before] == before
    assert states(shop) == {"p0": "uncertain", "p1": "refused"}
    again = reborn(bureau)
    assert buy(shop, again, THREE).submitted == 1  # of the two nobody has said that they are asked for again
    assert bureau.charged == {}


def test_when_it_came_to_something_the_earlier_attempt_is_over(shop, bureau):
    earlier(shop, THREE[0])
    earlier(shop, THREE[1], "refused")
    bureau.end_of = failing
    assert buy(shop, bureau, THREE, policy=RETRYING).submitted == 3
    bureau.work()
    buy(shop, bureau, THREE)
    [left] = shop.journal.attempts()
    assert (left.address, left.state, left.extra, left.id != "before") == ("p0", "uncertain", {}, True)


class Unmade:
    """Has made nothing; knows what to ask for."""

    def recorded(self, key):
        return None

    def sources(self, address):
        return {}

    def request(self, address, manifest, key):
        return Request(
            key=key, operation="generate", model="m", prompt=address, size=(64, 64), quality="low", format="png"
        )


@pytest.mark.parametrize(
    ("state", "policy"),
    [
        ("sent", RETRYING), ("task", RETRYING), ("flawed", Policy(batch=True, accept_flawed=True)), ("flawed", BATCHED),
        ("uncertain", BATCHED), ("refused", BATCHED),
    ],
)  # fmt: skip
def test_what_is_open_and_not_asked_for_again_is_no_matter_of_batches(shop, bureau, state, policy):
    before = earlier(shop, THREE[0], state)
    service = service_of(bureau, shop.journal, policy=policy)
    purse = Purse(Budget(), Decimal(0))
    with ThreadPoolExecutor(1) as disk:
        desk = BatchDesk(
            service.batching, bureau, Books(shop.journal, Unmade()), Money(purse), disk, terms=service.terms,
            age=service.age,
        )  # fmt: skip
        steps = shop.plan([generate("p0"), generate("p9")], provider="openai", price="0.10").steps
        manifests = [dict(THREE[0].manifest), {**THREE[0].manifest, "prompt": "p9"}]
        said = asyncio.run(
            desk.submit([Order(step, each, key_of(each)) for step, each in zip(steps, manifests, strict=True)])
        )
    assert {name: type(each) for name, each in said.items()} == {"p0": NotForBatch, "p9": Submitted}
    assert said["p9"].what == "in batch `batch_1` with 1 picture, about $0.10"
    assert shop.journal.attempt(before.key) == before
    assert purse.spent == Decimal("0.10")


def test_steps_that_turn_out_to_be_one_picture_are_one_line_and_paid_once(shop, bureau):
    steps = [{"fit": {"cover": [16, 16], "anchor": "top"}}, {"encode": {"format": "png"}}]
    second = cut("c2", "scene")
    second = second._replace(manifest={**second.manifest, "steps": steps})  # of a flat picture it gives the same
    actions = [generate("scene"), cut("c1", "scene"), second, change("w1", "c1"), change("w2", "c2")]
    buy(shop, bureau, actions)
    bureau.work()
    summary = buy(shop, bureau, actions)
    said = {address: problem.what for address, problem, _ in summary.problems}
    assert said == dict.fromkeys(("w1", "w2"), "in batch `batch_2` with 1 picture, about $0.05")
    assert summary.spent == Decimal("0.05")
    bureau.work()
    buy(shop, bureau, actions)
    assert bureau.charged == {"scene": 1, "snow": 1}
    assert shop.out("w1") == shop.out("w2")
    assert states(shop) == {}


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
        policy = RETRYING if "uncertain" in states(shop).values() else BATCHED
        buy(shop, bureau, actions, age=1.0, policy=policy)
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
    unknown = 0
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
        unknown += any(each.state == "uncertain" for each in shop.journal.payments())
        if not bureau.death.is_over:
            break
    assert unknown == after  # only of what may have left, and has not arrived, is nothing known
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
