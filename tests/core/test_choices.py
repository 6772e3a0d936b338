"""What decisions change in a plan: further takes, and the variant that is delivered."""

from __future__ import annotations

from decimal import Decimal

from imagebuild.core.approvals.decision import Decision
from imagebuild.core.approvals.history import appended, parse_history
from imagebuild.core.choices import NO_CHOICES, choices_of, next_take
from imagebuild.core.key import Digest, Key, key_of
from imagebuild.core.lock import Lock, LockEntry
from tests.core.test_planner import HERO, KEY, World, cut, paid, planned, verdicts

D1, D2, D3 = (Digest(digit * 64) for digit in "123")


def decided(kind: str, asset: str, digest: Digest, key: Key, number: int = 1, **more: str) -> Decision:
    return Decision(
        ref=f"{number:032x}", at=f"2026-11-21T10:00:{number:02}Z", by="ana@northwind.example", decision=kind,
        asset=asset, digest=digest, key=key, **more,
    )  # fmt: skip


def history_of(*decisions: Decision):
    return appended(parse_history("", file="imagebuild.approvals"), decisions)[1]


def lock_of(*entries: LockEntry) -> Lock:
    return Lock("test", {entry.address: entry for entry in entries})


def withdrawal(of: Decision, number: int) -> Decision:
    return Decision(
        ref=f"{number:032x}", at=f"2026-11-21T11:00:{number:02}Z", by=of.by, decision="withdraw", asset=of.asset,
        digest=of.digest, undoes=of.ref,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ what is chosen


def test_another_take_is_of_the_request_whose_picture_was_looked_at():
    asked = decided("retake", "hero", D1, KEY, why="six fingers")
    assert choices_of(history_of(asked), lock_of()).unwanted == {KEY: "ana@northwind.example: “six fingers”"}
    assert not choices_of(history_of(asked, withdrawal(asked, 2)), lock_of())


def test_words_of_other_decisions_choose_nothing():
    approval = decided("approve", "hero", D1, KEY, why='"retake"')
    assert not choices_of(history_of(approval), lock_of())


def test_a_pick_holds_as_long_as_the_bytes_are_a_variant_of_that_picture():
    lock = lock_of(LockEntry("hero:variant-2", KEY, D2), LockEntry("hero:variant-1", KEY, D1))
    pick = decided("pick", "hero", D2, KEY)
    assert choices_of(history_of(pick), lock).picks["hero"].number == 2
    remade = lock_of(LockEntry("hero:variant-2", KEY, D3))
    assert choices_of(history_of(pick), remade).picks == {}
    assert choices_of(history_of(pick, withdrawal(pick, 2)), lock).picks == {}


def test_of_two_picks_the_later_counts():
    lock = lock_of(LockEntry("hero:variant-2", KEY, D2), LockEntry("hero:variant-1", KEY, D1))
    first, second = decided("pick", "hero", D2, KEY, 1), decided("pick", "hero", D1, KEY, 2)
    assert choices_of(history_of(first, second), lock).picks["hero"].number == 1


def test_the_same_choices_have_one_identity_and_none_has_no_other():
    asked = decided("retake", "hero", D1, KEY)
    again = decided("retake", "hero", D1, KEY, 7, why="in other words")
    assert choices_of(history_of(asked), lock_of()).identity == choices_of(history_of(again), lock_of()).identity
    assert NO_CHOICES.identity == "" != choices_of(history_of(asked), lock_of()).identity


def test_the_next_take_is_the_first_that_nobody_has_turned_down():
    second = {**HERO.manifest, "take": 2}
    assert next_take(HERO.manifest, {}) == (HERO.manifest, KEY)
    assert next_take(HERO.manifest, {KEY: ""})[0]["take"] == 2
    assert next_take(HERO.manifest, {KEY: "", key_of(second): ""})[0]["take"] == 3


# ------------------------------------------------------------------------------------------------------- planned


def test_an_unwanted_picture_is_made_again_as_another_take_at_its_price():
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    world.store, world.files = {D1}, {"out/hero.png": D1}
    plan, steps = planned(world, HERO, unwanted={KEY: "ana"})
    assert verdicts(steps) == {"hero": ("make", "another-take")}
    assert plan.takes == {"hero": 2}
    assert plan.price == Decimal("0.05")
    assert steps["hero"].key == key_of({**HERO.manifest, "take": 2})


def test_once_the_other_take_is_made_nothing_is_made_again():
    second = key_of({**HERO.manifest, "take": 2})
    world = World()
    world.locked("hero", second, D2, "out/hero.png")
    world.recorded(KEY, D1)
    world.store, world.files = {D1, D2}, {"out/hero.png": D2}
    plan, steps = planned(world, HERO, unwanted={KEY: "ana"})
    assert verdicts(steps) == {"hero": ("reuse", "")}
    assert plan.price == 0


def test_a_request_that_changed_since_is_not_another_take():
    changed = paid("hero", prompt="another prompt", output="out/hero.png")
    world = World()
    world.locked("hero", KEY, D1, "out/hero.png")
    plan, steps = planned(world, changed, unwanted={KEY: "ana"})
    assert verdicts(steps) == {"hero": ("make", "changed")}
    assert plan.takes == {}


def test_taking_the_wish_back_brings_the_first_take_back_for_nothing():
    world = World()
    world.locked("hero", key_of({**HERO.manifest, "take": 2}), D2, "out/hero.png")
    world.recorded(KEY, D1)
    world.store, world.files = {D1, D2}, {"out/hero.png": D2}
    plan, steps = planned(world, HERO)
    assert verdicts(steps) == {"hero": ("restore", "made-before")}
    assert plan.price == 0


def test_equal_requests_get_their_other_take_together():
    twin = paid("twin", output="out/twin.png")
    plan, steps = planned(World(), HERO, twin, unwanted={KEY: "ana"})
    assert steps["twin"].merged == "hero"
    assert plan.takes == {"hero": 2, "twin": 2}
    assert plan.price == Decimal("0.05")


def test_what_is_drawn_is_not_turned_down_by_a_key_of_its_own():
    small = cut("small", "hero", "out/small.webp")
    world = World()
    world.locked("hero", KEY, D1)
    key = key_of({**small.manifest, "input": D1})
    world.locked("small", key, D2, "out/small.webp")
    world.store, world.files = {D1, D2}, {"out/small.webp": D2}
    plan, steps = planned(world, HERO._replace(output=None), small, unwanted={key: "ana"})
    assert verdicts(steps)["small"] == ("reuse", "")
    assert plan.takes == {}
