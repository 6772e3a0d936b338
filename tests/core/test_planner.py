"""Verdicts, one by one: what a plan says of an action, given what is in the lock, the store and the output folder."""

from __future__ import annotations

from decimal import Decimal

import pytest

from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt, Payment, payment_of
from imagebuild.core.key import Digest, Key, digest_of, key_of
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.offer import Offer, Price
from imagebuild.core.plan import Known, Policy, Spent, complete, tools_text
from imagebuild.core.planner import make_plan
from imagebuild.core.settled import costs_in
from imagebuild.core.sizes import SizeRules
from imagebuild.core.spec import Budget
from imagebuild.core.spent import spent_so_far
from imagebuild.errors import ProviderError

TOOLS = {"pillow": "13.0.0"}


class World:
    """Facts as plain dicts."""

    def __init__(self) -> None:
        self.lock = Lock("test")
        self.store: set[Digest] = set()
        self.records: dict[Key, Known] = {}
        self.files: dict[str, Digest] = {}
        self.open: dict[Key, Attempt] = {}
        self.payments: list[Payment] = []

    def result(self, key: Key) -> Known | None:
        return self.records.get(key)

    def has(self, digest: Digest) -> bool:
        return digest in self.store

    def output(self, path: str) -> Digest | None:
        return self.files.get(path)

    def attempt(self, key: Key) -> Attempt | None:
        return self.open.get(key)

    def spent(self, campaign: str) -> Spent:
        costs = costs_in(self.lock.entries)
        return spent_so_far(campaign, "2026-11", self.payments, self.open.values(), costs)

    def opened(self, action, state, provider="hinow", **more):
        """An attempt at paying for an action that is still open."""
        values = {
            "id": "a" * 8, "key": key_of(action.manifest), "state": state, "provider": provider, "model": "m",
            "campaign": "test", "address": action.address, "estimate": Decimal("0.05"), "at": "2026-11-20T10:00:00Z",
            "manifest": action.manifest,
        }  # fmt: skip
        self.open[values["key"]] = attempt = Attempt(**{**values, **more})
        return attempt

    def locked(self, address, key, digest, output=None, **more):
        entry = LockEntry(address, key, digest, output, **more)
        self.lock = self.lock._replace(entries={**self.lock.entries, address: entry})

    def recorded(self, key, digest):
        self.records[key] = Known(digest, "1024x1024", 9, Decimal(0), None, None)


def offer(flat: str | None = "0.05") -> Offer:
    return Offer(
        provider="hinow",
        model="m",
        floating=False,
        id="m",
        sizes=SizeRules(),
        qualities=("low",),
        backgrounds=("auto",),
        formats=("png",),
        references=16,
        prompt_characters=1000,
        price=Price(flat=Decimal(flat) if flat else None),
        catalog_date="2026-11-21",
    )


def paid(address: str, prompt: str = "a kettle", output: str | None = None, **more: object) -> Action:
    manifest = {"operation": "generate", "model": "m", "prompt": prompt, "quality": "low", "size": "1024x1024", **more}
    return Action(address, address.partition("[")[0], "generate", (), manifest, (), output, (1024, 1024), "1k")


def cut(address: str, source: str, output: str | None = None, quality: int = 80, tools=TOOLS) -> Action:
    steps = [{"encode": {"format": "webp", "quality": quality}}]
    manifest = {"operation": "local", "input": None, "steps": steps, "tools": tools}
    return Action(address, address, "local", (), manifest, (("input", source),), output, (1024, 1024), None)


def planned(world: World, *actions: Action, flat: str | None = "0.05", budget: Budget | None = None, **more):
    table = {action.address: action for action in actions}
    plan = make_plan(table, world, offer(flat), campaign="test", budget=budget or Budget(), **more)
    return plan, {step.address: step for step in plan.steps}


def verdicts(steps) -> dict[str, tuple[str, str]]:
    return {address: (step.verdict, step.why) for address, step in steps.items()}


D1, D2, D3 = (digest_of(text.encode()) for text in ("one", "two", "three"))
HERO = paid("hero", output="out/hero.png")
KEY = key_of(HERO.manifest)


def test_what_nobody_has_made_is_made_and_priced():
    plan, steps = planned(World(), HERO)
    assert verdicts(steps) == {"hero": ("make", "new")}
    assert plan.price == Decimal("0.05")


def test_what_is_stored_locked_and_in_place_is_reused():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.store, world.files = {D1}, {"out/hero.png": D1}
    plan, steps = planned(world, HERO)
    assert verdicts(steps) == {"hero": ("reuse", "")}
    assert plan.price == 0
    assert not plan.work


def test_a_file_that_is_right_while_the_store_lost_it_is_adopted():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.files = {"out/hero.png": D1}
    assert verdicts(planned(world, HERO)[1]) == {"hero": ("adopt", "store-lost")}


@pytest.mark.parametrize(
    ("files", "why"),
    [({}, "file-missing"), ({"out/hero.png": D2}, "file-edited")],
)
def test_a_missing_or_edited_file_is_restored_from_the_store(files, why):
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.store, world.files = {D1}, files
    assert verdicts(planned(world, HERO)[1]) == {"hero": ("restore", why)}


def test_a_file_nobody_delivered_there_is_called_foreign():
    world = World()
    world.recorded(KEY, D1)
    world.store, world.files = {D1}, {"out/hero.png": D2}
    assert verdicts(planned(world, HERO)[1]) == {"hero": ("restore", "file-foreign")}


def test_a_request_that_was_made_before_is_restored_when_it_is_wanted_again():
    world = World()
    world.locked("hero", Key("0" * 64), D2, "out/hero.png")
    world.recorded(KEY, D1)
    world.store, world.files = {D1, D2}, {"out/hero.png": D2}
    assert verdicts(planned(world, HERO)[1]) == {"hero": ("restore", "made-before")}


def test_a_renamed_asset_costs_nothing():
    world = World()
    world.locked("old-name", KEY, D1, "out/old.png")
    world.store, world.files = {D1}, {"out/old.png": D1}
    plan, steps = planned(world, HERO)
    assert verdicts(steps) == {"hero": ("restore", "new-path")}
    assert [entry.address for entry in plan.orphans] == ["old-name"]


def test_a_renamed_asset_costs_nothing_in_a_clone_that_has_only_the_old_file():
    world = World()
    world.locked("old-name", KEY, D1, "out/old.png")
    world.files = {"out/old.png": D1}
    assert verdicts(planned(world, HERO)[1]) == {"hero": ("restore", "new-path")}


def test_of_a_renamed_asset_the_locked_picture_stands_though_the_store_has_another_of_the_same_request():
    world = World()
    world.locked("old-name", KEY, D1)  # which other pictures were made from; nobody wants its bytes now
    world.recorded(KEY, D2)
    world.store = {D2}
    scene = paid("scene")
    edited = Action(
        "winter", "winter", "edit", (), {**scene.manifest, "references": [None]}, (("references[0]", "scene"),),
        "out/winter.png", (1024, 1024), "1k",
    )  # fmt: skip
    world.locked("winter", key_of({**scene.manifest, "references": [D1]}), D2, "out/winter.png")
    world.files = {"out/winter.png": D2}
    assert verdicts(planned(world, scene, edited)[1])["winter"] == ("reuse", "")


def test_bytes_that_are_nowhere_are_made_again_and_it_is_said_that_they_were_made_before():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    plan, steps = planned(world, HERO)
    assert verdicts(steps) == {"hero": ("make", "bytes-lost")}
    assert plan.price == Decimal("0.05")


def test_equal_requests_are_one_action_paid_once():
    twin = paid("twin", output="out/twin.png")
    plan, steps = planned(World(), HERO, twin)
    assert plan.price == Decimal("0.05")
    assert steps["twin"].merged == "hero"


def test_equal_requests_are_one_action_while_their_input_is_not_made_either():
    scene = paid("scene")
    plan, steps = planned(World(), scene, cut("a", "scene", "out/a.webp"), cut("b", "scene", "out/b.webp"))
    assert steps["b"].merged == "a"
    assert [step.why for step in plan.steps] == ["new", "input-made", "input-made"]


def test_an_intermediate_whose_bytes_nobody_wants_may_be_gone():
    scene = paid("scene")
    hero = cut("hero", "scene", "out/hero.webp")
    world = World()
    world.locked("scene", key_of(scene.manifest), D1)
    world.locked("hero", key_of(complete(hero, {"input": D1})), D2, "out/hero.webp")
    world.files = {"out/hero.webp": D2}
    plan, steps = planned(world, scene, hero)
    assert verdicts(steps) == {"scene": ("reuse", ""), "hero": ("adopt", "store-lost")}
    assert plan.price == 0


def test_a_lost_master_that_a_changed_step_needs_is_made_again_with_all_that_is_made_from_it():
    scene = paid("scene")
    changed, same = cut("changed", "scene", "out/c.webp", quality=70), cut("same", "scene", "out/s.webp")
    world = World()
    world.locked("scene", key_of(scene.manifest), D1)
    world.locked("changed", Key("0" * 64), D3, "out/c.webp")
    world.locked("same", key_of(complete(same, {"input": D1})), D2, "out/s.webp")
    world.store, world.files = {D2, D3}, {"out/s.webp": D2, "out/c.webp": D3}
    _, steps = planned(world, scene, changed, same)
    assert verdicts(steps) == {
        "scene": ("make", "bytes-lost"),
        "changed": ("make", "input-made"),
        "same": ("make", "input-made"),
    }


def test_an_asset_that_nothing_delivers_and_nothing_needs_is_not_made():
    plan, steps = planned(World(), paid("scene"))
    assert steps == {}
    assert plan.price == 0


def test_a_selection_takes_in_what_it_needs_and_nothing_else():
    scene = paid("scene")
    plan, steps = planned(World(), scene, cut("a", "scene", "out/a.webp"), HERO, selected={"a"})
    assert list(steps) == ["scene", "a"]
    assert plan.orphans == []


def test_newer_libraries_draw_again_what_can_be_drawn_for_nothing():
    scene = paid("scene")
    old = cut("hero", "scene", "out/hero.webp", tools={"pillow": "12.0.0"})
    world = World()
    world.locked("scene", key_of(scene.manifest), D1)
    world.locked("hero", key_of(complete(old, {"input": D1})), D2, "out/hero.webp", tools=tools_text(old.manifest))
    world.files = {"out/hero.webp": D2}
    new = cut("hero", "scene", "out/hero.webp")
    world.store = {D1, D2}
    assert verdicts(planned(world, scene, new)[1])["hero"] == ("make", "redrawn")
    world.store = set()  # the master is gone: an upgrade must not make anybody pay for it again
    plan, steps = planned(world, scene, new)
    assert verdicts(steps)["hero"] == ("adopt", "store-lost")
    assert plan.price == 0


def test_in_a_lock_with_two_sides_the_one_whose_key_is_computed_is_taken():
    world = World()
    ours, theirs = LockEntry("hero", Key("0" * 64), D2, "out/hero.png"), LockEntry("hero", KEY, D1, "out/hero.png")
    world.lock = Lock("test", {"hero": ours}, {"hero": (ours, theirs)}, conflicted=True)
    world.store, world.files = {D1}, {"out/hero.png": D1}
    assert verdicts(planned(world, HERO)[1]) == {"hero": ("reuse", "")}


def test_the_locked_picture_comes_before_another_take_of_the_same_request():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.recorded(KEY, D2)
    world.store, world.files = {D1, D2}, {"out/hero.png": D2}
    _, steps = planned(world, HERO)
    assert steps["hero"].digest == D1
    assert steps["hero"].verdict == "restore"


def test_another_take_that_is_at_hand_comes_before_paying_for_the_locked_one_again():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.recorded(KEY, D2)
    world.store = {D2}
    plan, steps = planned(world, HERO)
    assert (steps["hero"].verdict, steps["hero"].digest) == ("restore", D2)
    assert plan.price == 0


def test_a_price_that_is_not_known_is_an_error_and_never_zero():
    with pytest.raises(ProviderError, match="the price of `hero` at `hinow` is not known"):
        planned(World(), HERO, flat=None)


def test_a_price_is_asked_only_of_what_is_made():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.store, world.files = {D1}, {"out/hero.png": D1}
    assert planned(world, HERO, flat=None)[0].price == 0


def test_a_plan_above_a_budget_says_which():
    plan, _ = planned(World(), HERO, budget=Budget(build=Decimal("0.04")))
    assert plan.over_budget == "this build may cost 0.04 USD (`budget.build`)"
    world = World()
    world.locked("other", Key("1" * 64), D1, "out/other.png", cost=Decimal("0.96"))
    plan, _ = planned(world, HERO, budget=Budget(campaign=Decimal(1)))
    assert plan.over_budget == "the campaign may cost 1 USD (`budget.campaign`), 0.96 are spent"
    assert planned(World(), HERO, budget=Budget(build=Decimal("0.05")))[0].over_budget is None


def test_a_budget_that_is_used_up_stops_nothing_that_costs_nothing():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png", cost=Decimal(2))
    world.store = {D1}
    plan, steps = planned(world, HERO, budget=Budget(campaign=Decimal(1), month=Decimal(0)))
    assert steps["hero"].verdict == "restore"
    assert plan.over_budget is None


def test_the_month_counts_what_other_campaigns_of_the_store_spent_in_it():
    world, other = World(), paid("other", "another kettle")
    gone = world.opened(other, "sent")
    world.open = {}
    world.payments = [
        payment_of(gone, "paid", campaign="other", billed=Decimal("0.90")),
        payment_of(gone, "paid", id="b", campaign="other", billed=Decimal(7), at="2026-10-31T23:59:59Z"),
        payment_of(gone, "paid", id="c", billed=Decimal("0.02"), at="2026-09-01T00:00:00Z"),
    ]
    plan, _ = planned(world, HERO, budget=Budget(month=Decimal("0.94"), campaign=Decimal(1)))
    assert (plan.spent, plan.spent_month) == (Decimal("0.02"), Decimal("0.90"))
    assert plan.over_budget == "a month may cost 0.94 USD (`budget.month`), 0.90 are spent"
    assert planned(world, HERO, budget=Budget(month=Decimal("0.95")))[0].over_budget is None


def test_a_payment_that_the_ledger_and_the_lock_and_the_journal_know_is_counted_once():
    world = World()
    attempt = world.opened(HERO, "uncertain")
    world.payments = [payment_of(attempt, "uncertain")]
    scene = paid("scene", "a scene")
    world.locked("scene", key_of(scene.manifest), D1, cost=Decimal("0.05"))
    world.payments.append(payment_of(attempt, "paid", id="b", key=key_of(scene.manifest), billed=Decimal("0.04")))
    world.locked("cloned", Key("2" * 64), D2, cost=Decimal("0.30"))
    plan, _ = planned(world, HERO, policy=Policy(retry_uncertain=True))
    assert plan.spent == Decimal("0.05") + Decimal("0.04") + Decimal("0.30")


def test_what_was_spent_is_not_counted_when_nothing_is_to_be_paid_and_nobody_asks():
    class Silent(World):
        def spent(self, campaign):
            raise AssertionError("asked")

    world = Silent()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.store = {D1}
    assert planned(world, HERO)[0].spent == 0
    with pytest.raises(AssertionError, match="asked"):
        planned(world, HERO, count_spent=True)
    with pytest.raises(AssertionError, match="asked"):
        planned(Silent(), HERO)


RETRY, AGAIN, ACCEPT = Policy(retry_uncertain=True), Policy(retry_refused=True), Policy(accept_flawed=True)
EVERYTHING = Policy(retry_uncertain=True, retry_refused=True, accept_flawed=True)


@pytest.mark.parametrize(
    ("state", "more", "policy", "verdict", "why", "price"),
    [
        ("sent", {}, Policy(), "uncertain", "sent", "0"),
        ("uncertain", {}, Policy(), "uncertain", "uncertain", "0"),
        ("lost", {}, Policy(), "uncertain", "lost", "0"),
        ("of-a-later-version", {}, Policy(), "uncertain", "uncertain", "0"),
        ("sent", {}, AGAIN, "uncertain", "sent", "0"),
        ("sent", {}, RETRY, "make", "uncertain-again", "0.05"),
        ("lost", {"provider": "apixo"}, RETRY, "make", "uncertain-again", "0.05"),
        ("sent", {"answered": True}, Policy(), "wait", "answered", "0"),
        ("sent", {"answered": True}, EVERYTHING, "wait", "answered", "0"),
        ("sent", {"answered": True, "provider": "apixo"}, EVERYTHING, "wait", "elsewhere", "0"),
        ("task", {}, Policy(), "wait", "under-way", "0"),
        ("task", {}, EVERYTHING, "wait", "under-way", "0"),
        ("task", {"provider": "apixo"}, EVERYTHING, "wait", "elsewhere", "0"),
        ("refused", {}, Policy(), "refused", "refused", "0"),
        ("refused", {}, RETRY, "refused", "refused", "0"),
        ("refused", {}, AGAIN, "make", "refused-again", "0.05"),
        ("refused", {"provider": "apixo"}, Policy(), "make", "new", "0.05"),
        ("flawed", {"digest": D3}, Policy(), "flawed", "flawed", "0"),
        ("flawed", {"digest": D3}, AGAIN, "flawed", "flawed", "0"),
        ("flawed", {"digest": D3, "provider": "apixo"}, ACCEPT, "make", "flawed-accepted", "0"),
    ],
)
def test_what_an_open_attempt_makes_of_a_step(state, more, policy, verdict, why, price):
    world = World()
    attempt = world.opened(HERO, state, **more)
    plan, steps = planned(world, HERO, policy=policy)
    assert verdicts(steps) == {"hero": (verdict, why)}
    assert plan.price == Decimal(price)
    assert plan.attempts == {KEY: attempt}
    assert plan.work
    assert plan.policy == policy


def test_an_open_attempt_is_no_matter_once_there_is_a_result():
    world = World()
    world.opened(HERO, "uncertain")
    world.locked("hero", KEY, D1, "out/hero.png")
    world.store, world.files = {D1}, {"out/hero.png": D1}
    plan, steps = planned(world, HERO)
    assert verdicts(steps) == {"hero": ("reuse", "")}
    assert plan.attempts == {}


def test_equal_requests_share_the_verdict_and_are_paid_once_when_asked_again():
    twin, world = paid("twin", output="out/twin.png"), World()
    world.opened(HERO, "uncertain")
    _, steps = planned(world, HERO, twin)
    assert verdicts(steps) == {"hero": ("uncertain", "uncertain"), "twin": ("uncertain", "uncertain")}
    assert steps["twin"].merged == "hero"
    assert planned(world, HERO, twin, policy=RETRY)[0].price == Decimal("0.05")


def edited(address: str, *sources: str, output: str | None = None) -> Action:
    base = paid(address, f"an edit: {address}", output, references=[None] * len(sources))
    slots = tuple((f"references[{index}]", source) for index, source in enumerate(sources))
    return base._replace(kind="edit", inputs=slots)


@pytest.mark.parametrize("state", ["uncertain", "refused", "flawed"])
def test_everything_made_from_what_will_not_come_is_blocked_and_costs_nothing(state):
    scene, other = paid("scene"), paid("other", "something else", "out/other.png")
    winter = edited("winter", "other", "scene")
    world = World()
    world.opened(scene, state)
    plan, steps = planned(world, scene, other, winter, cut("hero", "winter", "out/hero.webp"))
    assert verdicts(steps) == {
        "scene": (state, state),
        "other": ("make", "new"),
        "winter": ("blocked", f"input-{state}"),
        "hero": ("blocked", f"input-{state}"),
    }
    assert plan.price == Decimal("0.05")


@pytest.mark.parametrize(("state", "more"), [("task", {}), ("sent", {"answered": True})])
def test_what_is_made_from_something_under_way_is_made_for_it_will_come(state, more):
    scene, world = paid("scene"), World()
    world.opened(scene, state, **more)
    plan, steps = planned(world, scene, edited("winter", "scene", output="out/winter.png"))
    assert steps["scene"].verdict == "wait"
    assert verdicts(steps)["winter"] == ("make", "input-made")
    assert plan.price == Decimal("0.05")


def test_nothing_is_bought_for_a_picture_that_another_service_is_making():
    scene, world = paid("scene"), World()
    world.opened(scene, "task", provider="elsewhere")
    plan, steps = planned(world, scene, edited("winter", "scene", output="out/winter.png"))
    assert verdicts(steps) == {"scene": ("wait", "elsewhere"), "winter": ("blocked", "input-elsewhere")}
    assert plan.price == 0


def test_an_earlier_picture_in_place_is_left_where_it_is():
    scene, hero, world = paid("scene", "new words"), cut("hero", "scene", "out/hero.webp"), World()
    world.locked("scene", Key("0" * 64), D1)
    world.locked("hero", Key("1" * 64), D2, "out/hero.webp")
    world.store, world.files = {D1, D2}, {"out/hero.webp": D2}
    world.opened(scene, "refused", words="no")
    _, steps = planned(world, scene, hero)
    assert {step.verdict for step in steps.values()} == {"refused", "blocked"}


def test_a_batch_costs_its_share_of_the_price_and_is_asked_only_of_who_has_it():
    half = offer()._replace(batch=Decimal("0.5"))
    plan = make_plan({"hero": HERO}, World(), half, campaign="test", budget=Budget(), policy=Policy(batch=True))
    assert plan.price == Decimal("0.025")
    other = offer()._replace(others=(half._replace(provider="openai"),))
    with pytest.raises(ProviderError, match="`hinow` has no batches") as caught:
        make_plan({"hero": HERO}, World(), other, campaign="test", budget=Budget(), policy=Policy(batch=True))
    assert caught.value.hint == "served by `openai`"


def test_who_refused_it_before_is_named_when_another_is_asked():
    world = World()
    world.opened(HERO, "refused", provider="apixo")
    plan, _ = planned(world, HERO, paid("twin", output="out/twin.png"))
    assert plan.remarks == ["`apixo` refused `hero`: `hinow` is asked now"]
    assert plan.notes == ()  # those hold for the campaign, whatever happens to one plan


def test_what_is_taken_as_it_is_is_not_held_back_as_paid_again():
    world = World()
    world.locked("hero", Key("0" * 64), D1, "out/hero.png", cost=Decimal(5))
    world.opened(HERO, "flawed", digest=D3)
    assert planned(world, HERO, policy=ACCEPT)[0].hold is None
    world.open = {}
    assert planned(world, HERO)[0].hold is not None


def test_paying_again_for_most_of_a_campaign_is_held_back():
    world = World()
    for number in range(30):
        world.locked(f"hero[n={number}]", Key(f"{number:064}"), D1, cost=Decimal("0.05"))
    again = [paid(f"hero[n={number}]", prompt=f"new {number}", output=f"out/{number}.png") for number in range(30)]
    plan, _ = planned(world, *again)
    assert plan.hold == "this would pay again for 30 pictures that cost 1.50 USD, of 1.50 USD paid for in this lock"
    assert planned(world, *again[:10])[0].hold is None  # a third of it
    world.lock = Lock(
        "test", {address: entry._replace(cost=Decimal(0)) for address, entry in world.lock.entries.items()}
    )
    assert planned(world, *again)[0].hold is None  # nothing was paid
