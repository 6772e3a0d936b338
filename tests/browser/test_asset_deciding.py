"""What is decided in the view of one picture, and what others decide while it is open."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.asset_acting import BADGE, FORBIDDEN, LEA, SEAL, STORY, bar, fact, opened, saved, show
from tests.browser.asset_facts import made_up
from tests.browser.asset_parts import decision, drawn
from tests.browser.asset_serving import ME, MadeUp, serving


@pytest.fixture
def desk() -> Iterator[MadeUp]:
    with serving(made_up()) as desk:
        yield desk


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from opened(browser, viewport={"width": 1280, "height": 860})


def test_a_key_approves_exactly_the_picture_that_is_seen_and_another_takes_it_back(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    page.keyboard.press("a")
    expect(bar(view).get_by_role("button", name="Withdraw approval")).to_be_visible()
    expect(fact(view, "History").get_by_role("listitem").first).to_contain_text(f"{ME} approved")
    approved = desk.decided[0]
    assert (approved["decision"], approved["asset"], approved["digest"]) == (
        "approve",
        STORY,
        desk.assets[STORY]["now"]["digest"],
    )

    page.keyboard.press("a")
    expect(bar(view).get_by_role("button", name="Withdraw approval")).to_be_visible()
    page.keyboard.press("u")
    expect(bar(view).get_by_role("button", name="Approve")).to_be_visible()
    expect(bar(view)).to_contain_text("still needs 1 of legal")
    saved(page)
    assert [each["decision"] for each in desk.decided] == ["approve", "withdraw"]
    assert desk.decided[1]["undoes"] == approved["ref"]


def test_a_rejection_asks_why_and_says_so_from_then_on(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    bar(view).get_by_role("button", name="Reject").click()
    page.get_by_role("textbox", name="Reason").fill("the price is last year's")
    page.get_by_role("dialog", name="Reject this picture").get_by_role("button", name="Reject", exact=True).click()

    expect(bar(view)).to_contain_text("rejected")
    expect(fact(view, "History").get_by_role("listitem").first).to_contain_text("the price is last year's")
    saved(page)
    assert desk.decided[0]["why"] == "the price is last year's"


def test_who_may_not_approve_is_told_why_and_neither_key_nor_button_does_it(page: Page, desk: MadeUp):
    view = show(page, desk, FORBIDDEN)
    expect(bar(view)).to_contain_text("you had it made, and the policy asks for somebody else")
    approve = bar(view).get_by_role("button", name="Approve")
    expect(approve).to_be_disabled()
    page.keyboard.press("a")
    approve.click(force=True)
    page.keyboard.press("c")
    page.get_by_role("textbox", name="Comment").fill("look at the handle")
    page.get_by_role("dialog", name="Comment on this picture").get_by_role("button", name="Comment", exact=True).click()
    expect(fact(view, "History")).to_contain_text("look at the handle")
    saved(page)
    assert [each["decision"] for each in desk.decided] == ["comment"]


def test_after_a_decision_the_next_comes_where_that_is_wanted(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    bar(view).get_by_text("then the next").click()
    page.keyboard.press("a")
    expect(view).not_to_have_attribute("data-address", STORY)
    saved(page)
    assert desk.decided[0]["asset"] == STORY


def test_what_others_decide_appears_while_what_is_open_stays_open(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    part = fact(view, "How it was made").locator("details").first
    part.locator("summary").click()
    bar(view).get_by_role("button", name="Comment").focus()
    desk.assets[STORY]["standing"].update(state="approved", missing=[])
    news = decision("approve", STORY, desk.assets[STORY]["now"]["digest"], "2026-11-21T12:00:00Z", LEA)
    desk.assets[STORY]["decisions"].insert(0, news)
    desk.tell([news], [STORY])

    expect(fact(view, "History").get_by_role("listitem").first).to_contain_text(f"{LEA} approved")
    expect(bar(view)).not_to_contain_text("still needs")
    expect(part).to_have_attribute("open", "")
    expect(bar(view).get_by_role("button", name="Comment")).to_be_focused()


def test_a_picture_that_is_made_anew_under_ones_eyes_is_shown_and_said(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    new = desk.add(drawn((540, 960), 220))
    desk.assets[STORY]["now"] = new
    desk.cells[STORY].update(digest=new["digest"], thumb=new["thumb"])
    desk.events.append({"kind": "cells", "cells": [desk.cells[STORY]]})

    expect(page.get_by_role("region", name="Messages").get_by_text("made anew")).to_be_visible()
    expect(view.locator("img.picture.there")).to_have_attribute("src", re.compile(new["digest"]))


def test_another_take_is_asked_for_with_its_price_and_taken_back(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    expect(fact(view, "Made from")).to_contain_text("$0.05 at the next build; it changes 14 pictures")
    page.keyboard.press("t")
    asking = page.get_by_role("dialog", name="Ask for another take")
    expect(asking).to_contain_text("$0.05 at the next build")
    asking.get_by_role("textbox").fill("less steam")
    asking.get_by_role("button", name="Ask for it").click()

    expect(fact(view, "Made from")).to_contain_text(f"Another take was asked for by {ME}")
    paid = desk.assets[STORY]["paid"][0]
    asked = desk.decided[0]
    assert (asked["decision"], asked["why"]) == ("retake", "less steam")
    assert [asked[name] for name in ("asset", "digest", "key")] == [paid[name] for name in ("address", "digest", "key")]
    fact(view, "Made from").get_by_role("button", name="Take that back").click()
    expect(fact(view, "Made from").get_by_role("button", name="Ask for another take")).to_be_visible()
    assert desk.decided[1]["undoes"] == desk.decided[0]["ref"]


def test_a_variant_is_looked_at_and_chosen(page: Page, desk: MadeUp):
    view = show(page, desk, BADGE)
    variants = fact(view, "Variants")
    third = desk.assets[BADGE]["variants"][2]
    variants.get_by_role("button", name="Look at variant 3").click()
    expect(view.locator("img.picture.there")).to_have_attribute("src", re.compile(third["digest"]))
    variants.get_by_role("button", name="choose variant 3").click()

    expect(variants.get_by_role("button", name="chosen variant 3")).to_have_attribute("aria-pressed", "true")
    picked = desk.decided[0]
    assert (picked["decision"], picked["asset"], picked["digest"], picked["key"]) == (
        "pick",
        BADGE,
        third["digest"],
        third["key"],
    )


def test_no_variant_is_chosen_where_the_campaign_says_which(page: Page, desk: MadeUp):
    view = show(page, desk, SEAL)
    variants = fact(view, "Variants")
    expect(variants).to_contain_text("campaign.yaml:12:7")
    variants.get_by_role("button", name="choose variant 3").click(force=True)
    page.keyboard.press("c")
    expect(page.get_by_role("textbox", name="Comment")).to_be_visible()
    assert desk.decided == []
