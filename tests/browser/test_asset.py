"""The view of one picture, in a real browser on the real server: what it tells, how one walks, who can use it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.asset_acting import (
    ALL,
    BROKEN_OUT,
    FORBIDDEN,
    POSTER,
    STORY,
    UNBUILT,
    bar,
    choose,
    fact,
    opened,
    show,
)
from tests.browser.asset_facts import ATTACK, made_up
from tests.browser.asset_serving import MadeUp, serving
from tests.browser.asset_story import ARABIC

BEYOND_THE_EDGE = """view => [...view.querySelectorAll(".side *")]
    .filter(node => node.getBoundingClientRect().right > 361 && getComputedStyle(node).overflow === "visible")
    .map(node => node.outerHTML)"""
TOO_SMALL_TO_TOUCH = """view => [...view.querySelectorAll("button:not(.spot):not(.link), select, summary")]
    .filter(node => node.getClientRects().length && node.getBoundingClientRect().height < 39.5)
    .map(node => node.outerHTML)"""


@pytest.fixture
def desk() -> Iterator[MadeUp]:
    with serving(made_up()) as desk:
        yield desk


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    yield from opened(browser, viewport={"width": 1280, "height": 860})


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    yield from opened(browser, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)


# What is told


def test_a_link_opens_the_picture_and_tells_what_is_known_of_it(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)

    expect(view.get_by_role("heading", level=2)).to_have_text(re.compile(r"hero\s+Arabic \(Egypt\)\s+story"))
    assert re.search(r"540 × 960 · \d+ kB · PNG", view.inner_text())
    expect(fact(view, "In short")).to_contain_text("meta/story")
    expect(fact(view, "Made from")).to_contain_text("14 pictures")
    expect(bar(view)).to_contain_text("still needs 1 of legal")
    picture = view.get_by_role("img", name=desk.assets[STORY]["alt"])
    assert picture.get_attribute("lang") == "ar-EG"
    assert picture.evaluate("image => image.naturalWidth") == 540


def test_how_it_was_made_is_there_with_request_manifest_inputs_and_places(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    made = fact(view, "How it was made")
    made.get_by_text("generate").click()

    for words in (
        "req_8f1c2a",
        "gpt-image-2-2026-04-21",
        "31.2 s",
        "ben@northwind.example",
        "brand/kettle.png",
        "1024x1536",
    ):
        expect(made.get_by_text(words, exact=True).first).to_be_visible()
    expect(made.locator(".inputs img")).to_have_js_property("complete", True)
    expect(fact(view, "Prompt")).to_contain_text("campaign.yaml:28:12")


def test_copy_stands_in_its_own_direction_and_language_and_a_difference_is_marked_in_it(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)

    headline = fact(view, "Copy").locator("dd").get_by_text(ARABIC["headline"], exact=True)
    assert headline.evaluate("node => [getComputedStyle(node).direction, node.lang]") == ["rtl", "ar"]
    checks = fact(view, "Checks")
    expect(checks.locator("del")).to_have_text("ثمانين")
    expect(checks.locator("ins")).to_have_text("ثمانية")
    assert checks.locator("ins").evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert "line-through" in checks.locator("del").evaluate("node => getComputedStyle(node).textDecorationLine")


def test_a_sentence_about_arabic_copy_stays_an_english_sentence(page: Page, desk: MadeUp):
    finding = desk.assets[STORY]["checks"]["findings"][0]
    for what in (f"{ARABIC['headline']} reads “{ARABIC['cta']}”, 2 words", f"“{ARABIC['headline']}” is not there"):
        finding["what"] = what
        sentence = fact(show(page, desk, STORY), "Checks").locator(".what")
        expect(sentence).to_have_text(what)
        assert sentence.evaluate("node => getComputedStyle(node).direction") == "ltr"
        assert sentence.locator("bdi").first.inner_text() in (ARABIC["headline"], ARABIC["headline"].rstrip("."))
        page.goto("about:blank")


def test_the_place_where_a_text_is_written_stands_in_one_line(page: Page, desk: MadeUp):
    where = fact(show(page, desk, STORY), "Copy").locator(".rows .where").first
    expect(where).to_have_text("strings/ar-EG.yaml:1:11")
    assert where.evaluate("node => node.getClientRects().length === 1 && node.offsetHeight < 24")


def test_a_prompt_tells_what_changed_since_the_last_approval(page: Page, desk: MadeUp):
    prompt = fact(show(page, desk, STORY), "Prompt")

    expect(prompt.locator("del")).to_have_text(["steam rising"])
    expect(prompt.locator("ins")).to_have_text(["a little steam", ", #f2b27a"])
    expect(prompt.locator(".prompt")).not_to_contain_text("A matt kettle")
    prompt.get_by_role("button", name="whole prompt").click()
    expect(prompt.locator(".prompt")).to_contain_text("A matt kettle")


def test_history_is_one_line_of_takes_and_decisions_newest_first(page: Page, desk: MadeUp):
    history = fact(show(page, desk, STORY), "History")

    times = [node.get_attribute("datetime") for node in history.locator("time").all()]
    assert times == sorted(times, reverse=True)
    assert len(times) == 8
    assert history.locator("time").first.get_attribute("title") == "2026-11-20 15:01:09 UTC"
    taken_back = history.get_by_role("listitem").filter(has_text="taken back")
    expect(taken_back.locator("del")).to_have_text("lea@northwind.example rejected")
    expect(history.get_by_role("listitem").filter(has_text="lapsed")).to_contain_text("ana@northwind.example approved")
    expect(history.get_by_text("Is the date in the small print right?\nIt was 30 May in the contract.")).to_be_visible()


def test_what_is_not_built_yet_is_told_with_its_price(page: Page, desk: MadeUp):
    view = show(page, desk, UNBUILT)

    expect(view.get_by_text("There is no picture yet. The next build makes it, for $0.05.")).to_be_visible()
    expect(bar(view)).to_contain_text("there is no picture to decide on yet")
    expect(view.get_by_role("radio", name="Slider")).to_be_disabled()


def test_what_was_kept_back_is_shown_with_what_failed_in_it(page: Page, desk: MadeUp):
    view = show(page, desk, POSTER)

    expect(view.locator(".frame img.picture.there")).to_have_count(1)
    expect(view.get_by_role("button", name=re.compile("finding 1, failed: .*Goldb"))).to_be_visible()
    expect(bar(view)).to_contain_text("its checks failed: it was kept back")


def test_a_picture_that_is_lost_and_facts_that_cannot_be_read_are_told_and_asked_for_again(page: Page, desk: MadeUp):
    desk.broken = {STORY, desk.assets[FORBIDDEN]["now"]["digest"]}
    page.goto(f"{desk.url}#a={quote(STORY, safe='')}")
    view = page.get_by_role("dialog")
    expect(view.get_by_role("alert")).to_contain_text("the store cannot be read")
    desk.broken.discard(STORY)
    view.get_by_role("button", name="Try again").click()
    expect(fact(view, "Copy")).to_be_visible()

    view = show(page, desk, FORBIDDEN)
    expect(view.get_by_text("The picture could not be loaded")).to_be_visible()


def test_a_picture_that_has_left_the_campaign_is_told(page: Page, desk: MadeUp):
    page.goto(f"{desk.url}#a={quote(STORY, safe='')}")
    view = page.get_by_role("dialog")
    expect(fact(view, "Copy")).to_be_visible()
    del desk.assets[STORY]
    desk.events.append({"kind": "cells", "cells": [desk.cells[STORY]]})
    expect(view.get_by_text("There is no such picture in this campaign any more.")).to_be_visible()


# Walking, closing, keys


def test_walking_follows_the_order_of_the_list_and_has_the_neighbours_ready(page: Page, desk: MadeUp):
    page.goto(desk.url)
    order = page.evaluate_handle(
        """async () => {
            while (!review.state.order.length) await new Promise(requestAnimationFrame);
            return review.state.order;
        }"""
    ).json_value()
    middle = order.index(STORY)
    view = show(page, desk, STORY)
    expect(view.locator(".frame img.picture.there")).to_have_count(1)
    neighbours = [order[at] for at in (middle - 1, middle + 1) if 0 <= at < len(order)]
    page.wait_for_function(
        """wanted => {
            const asked = performance.getEntriesByType("resource").map(each => each.name);
            return wanted.every(one => asked.some(name => name.includes(encodeURIComponent(one))));
        }""",
        arg=neighbours,
    )
    assert set(neighbours) <= set(desk.asked)

    page.keyboard.press("j")
    expect(view).to_have_attribute("data-address", order[middle + 1])
    assert quote(order[middle + 1].split("[")[0]) in page.url
    page.keyboard.press("k")
    expect(view).to_have_attribute("data-address", STORY)
    view.get_by_role("button", name="The next").click()
    expect(view).to_have_attribute("data-address", order[middle + 1])


def test_closing_gives_the_focus_back_to_the_cell_and_takes_it_out_of_the_link(page: Page, desk: MadeUp):
    page.goto(desk.url)
    cell = page.locator(f'[data-address="{STORY}"]').first
    cell.focus()
    page.keyboard.press("Enter")
    view = page.get_by_role("dialog")
    expect(fact(view, "Copy")).to_be_visible()
    assert "a=hero" in page.url
    assert page.evaluate("document.querySelector('main').closest('[inert]')") is not None

    page.keyboard.press("Escape")
    expect(view).to_have_count(0)
    assert "a=" not in page.url
    expect(cell).to_be_focused()
    assert page.evaluate("document.querySelector('main').closest('[inert]')") is None


def test_closing_after_a_walk_gives_the_focus_to_the_picture_that_was_seen_last(page: Page, desk: MadeUp):
    page.goto(desk.url)
    page.locator(f'[data-address="{STORY}"]').first.focus()
    page.keyboard.press("Enter")
    view = page.get_by_role("dialog")
    expect(fact(view, "Copy")).to_be_visible()
    page.keyboard.press("j")
    expect(view).not_to_have_attribute("data-address", STORY)
    last = view.get_attribute("data-address")
    page.keyboard.press("Escape")
    expect(page.locator(f'.slot[data-address="{last}"]')).to_be_focused()
    assert page.evaluate("review.state.focus") == last


def test_the_browsers_back_button_closes_what_was_opened(page: Page, desk: MadeUp):
    page.goto(desk.url)
    page.locator(f'[data-address="{STORY}"]').first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_focus_stays_inside_however_often_tab_is_pressed(page: Page, desk: MadeUp):
    show(page, desk, STORY)
    inside = "document.activeElement.closest('.asset-view, #toasts') !== null"
    for keys in ("Tab", "Shift+Tab"):
        for _ in range(60):
            page.keyboard.press(keys)
            assert page.evaluate(inside), page.evaluate("document.activeElement.outerHTML")


def test_the_keys_are_told(page: Page, desk: MadeUp):
    show(page, desk, STORY)
    page.keyboard.press("?")
    expect(page.get_by_text("each pixel one of the screen", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="In short")).to_be_visible()


# For everybody, against everybody


def test_markup_in_names_prompts_comments_and_readings_stays_text(page: Page, desk: MadeUp):
    view = show(page, desk, BROKEN_OUT)
    for node in view.locator("details").all():
        node.evaluate("node => node.open = true")
    for mode in ("Slider", "Side by side", "Onion skin", "Difference", "Picture"):
        choose(view, mode)
    view.get_by_role("button", name=re.compile("^texts")).click()
    view.locator(".spot.text").focus()

    assert view.inner_text().count(ATTACK) > 20
    assert view.locator("script, img[src='x'], [onerror], [style*='expression']").count() == 0
    assert page.evaluate("document.scripts.length") == len(re.findall("<script ", page.request.get(desk.url).text()))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_serious_stands_in_anybodys_way(browser: Browser, desk: MadeUp, scheme: Any, width: int):
    for page in opened(browser, viewport={"width": width, "height": 800}, color_scheme=scheme):
        found = []
        for address in ALL:
            view = show(page, desk, address)
            for node in view.locator("details").all():
                node.evaluate("node => node.open = true")
            if address == STORY:
                choose(view, "Slider")
                view.get_by_role("button", name=re.compile("^texts")).click()
                view.get_by_role("button", name="covered").click()
            page.wait_for_timeout(50)
            found.extend(
                (address, each["id"], each["impact"], [node["target"] for node in each["nodes"]])
                for each in Axe().run(page).response["violations"]
            )
        assert [each for each in found if each[2] in ("serious", "critical")] == []


def test_headings_are_in_order(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    levels = [int(node.evaluate("node => node.tagName[1]")) for node in view.locator("h1, h2, h3, h4").all()]
    assert levels[0] == 2
    assert set(levels[1:]) == {3}


def test_on_a_phone_nothing_is_cut_off_and_the_decision_stays_in_reach(phone: Page, desk: MadeUp):
    for address in ALL:
        view = show(phone, desk, address)
        assert phone.evaluate("document.documentElement.scrollWidth") == 360
        assert view.evaluate(BEYOND_THE_EDGE) == []
        height = view.locator(".asset-body").evaluate("node => (node.scrollTop = node.scrollHeight, node.scrollTop)")
        assert height > 0
        where = bar(view).bounding_box()
        assert where
        assert where["y"] + where["height"] == pytest.approx(740, abs=1)
    assert view.evaluate(TOO_SMALL_TO_TOUCH) == []


def test_an_export_shows_the_same_from_what_is_inside_it(page: Page, desk: MadeUp):
    board = {**desk.head, "export": True, "cells": list(desk.cells.values())}
    kept = {"board": board, "assets": {address: desk.told(address) for address in desk.assets}}
    index = page.request.get(desk.url).text()
    data = "".join(
        f'<script type="application/json" id="{name}">{json.dumps(each).replace("<", chr(92) + "u003c")}</script>'
        for name, each in kept.items()
    )
    page.route(
        re.compile(r"/r/A+/(#.*)?$"),
        lambda route: route.fulfill(body=index.replace("<script ", f"{data}<script ", 1), content_type="text/html"),
    )
    view = show(page, desk, STORY)
    asked = len(desk.asked)

    expect(fact(view, "Copy")).to_contain_text(ARABIC["headline"])
    choose(view, "Difference")
    expect(view.get_by_text("What is the same is black.")).to_be_visible()
    assert (
        view.locator(".blended img.picture.other").evaluate("node => getComputedStyle(node).mixBlendMode")
        == "difference"
    )
    assert len(desk.asked) == asked
