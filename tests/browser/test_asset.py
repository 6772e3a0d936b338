"""The view of one picture, in a real browser on the real server: what it tells, how it compares, what it decides."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.asset_facts import ATTACK, made_up
from tests.browser.asset_parts import decision, drawn
from tests.browser.asset_serving import ME, MadeUp, serving
from tests.browser.asset_story import ARABIC

STORY = "hero[locale=ar-EG,ratio=story]"
UNBUILT = "hero[locale=fr-FR,ratio=story]"
FORBIDDEN = "hero[locale=de-DE,ratio=story]"
POSTER, BADGE, SEAL, BANNER = (
    "poster[locale=de-DE]",
    "badge[product=kettle]",
    "seal[product=kettle]",
    "banner[locale=en-US]",
)
BROKEN_OUT = "hero[locale=en-GB]"
ALL = (STORY, UNBUILT, FORBIDDEN, POSTER, BADGE, SEAL, BANNER, BROKEN_OUT)
LEA = "lea@northwind.example"
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


def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page; whatever it complains of (its own mistakes, what the policy of the server forbids) fails the test."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(15000)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(f"a dialog of the browser: {dialog.message}"), dialog.dismiss()))
    page.on(
        "console",
        lambda line: said.append(line.text) if line.type == "error" and "Failed to load" not in line.text else None,
    )
    yield page
    context.close()
    assert said == []


def show(page: Page, desk: MadeUp, address: str) -> Locator:
    page.goto(f"{desk.url}#a={quote(address, safe='')}")
    view = page.get_by_role("dialog")
    expect(view.get_by_role("heading", name="In short")).to_be_visible()
    return view


def choose(view: Locator, mode: str) -> None:
    view.get_by_role("radio", name=mode, exact=True).check(force=True)


def fact(view: Locator, title: str) -> Locator:
    return view.get_by_role("region", name=title, exact=True)


def bar(view: Locator) -> Locator:
    return view.get_by_role("group", name="Decide")


def in_picture(view: Locator) -> dict[str, float]:
    """How large the picture is shown, and which point of it (in shares) is in the middle of its pane."""
    frame, pane = (view.locator(name).last.bounding_box() for name in (".frame", ".pane"))
    assert frame
    assert pane
    return {
        "width": round(frame["width"]),
        "x": round((pane["x"] + pane["width"] / 2 - frame["x"]) / frame["width"], 3),
        "y": round((pane["y"] + pane["height"] / 2 - frame["y"]) / frame["height"], 3),
    }


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


# The picture


def test_zoom_by_key_and_wheel_and_pan_by_drag_and_arrow(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    fitting = in_picture(view)["width"]
    assert fitting < 540

    page.keyboard.press("1")
    expect(view.get_by_label("zoom", exact=True)).to_have_text("100 %")
    assert in_picture(view) == {"width": 540, "x": 0.5, "y": 0.5}
    page.keyboard.press("ArrowDown")
    assert in_picture(view)["y"] > 0.5
    assert not view.locator(".stage.pixelated").count()
    page.keyboard.press("0")
    assert in_picture(view)["width"] == fitting

    pane = view.locator(".pane").bounding_box()
    assert pane
    middle = (pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] / 2)
    page.mouse.move(*middle)
    for _ in range(5):
        page.mouse.wheel(0, -240)
    page.wait_for_function("document.querySelector('.stage.pixelated .frame').clientWidth > 5 * 540")
    before = in_picture(view)
    page.mouse.down()
    page.mouse.move(middle[0] - 120, middle[1] - 60, steps=4)
    page.mouse.up()
    after = in_picture(view)
    assert after["x"] > before["x"]
    assert after["y"] > before["y"]


def test_the_wheel_zooms_about_the_pointer(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    for key in "1++++":  # larger than its pane on both sides: before that it stays in the middle
        page.keyboard.press(key)
    pane, frame = view.locator(".pane").bounding_box(), view.locator(".frame").bounding_box()
    assert pane
    assert frame
    point = (pane["x"] + pane["width"] / 2 + 80, pane["y"] + pane["height"] / 2 + 100)
    under = [(point[0] - frame["x"]) / frame["width"], (point[1] - frame["y"]) / frame["height"]]
    page.mouse.move(*point)
    for _ in range(4):
        page.mouse.wheel(0, -200)
    page.wait_for_function("width => document.querySelector('.frame').clientWidth > width * 3", arg=frame["width"])
    zoomed = view.locator(".frame").bounding_box()
    assert zoomed
    assert [(point[0] - zoomed["x"]) / zoomed["width"], (point[1] - zoomed["y"]) / zoomed["height"]] == pytest.approx(
        under, abs=0.01
    )


def test_two_fingers_zoom_on_a_phone(phone: Page, desk: MadeUp):
    view = show(phone, desk, STORY)
    before = in_picture(view)["width"]
    pane = view.locator(".pane").bounding_box()
    assert pane
    x, y = pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] / 2
    touches = phone.context.new_cdp_session(phone)

    def fingers(kind: str, apart: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x - apart, "y": y, "id": 1}, {"x": x + apart, "y": y, "id": 2}]
        touches.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    fingers("touchStart", 20)
    for apart in (30, 40, 50, 60):
        fingers("touchMove", apart)
    fingers("touchEnd", 0)
    phone.wait_for_function(
        "width => document.querySelector('.frame').getBoundingClientRect().width > width * 1.8", arg=before
    )


def test_the_ground_can_be_changed_for_what_is_transparent(page: Page, desk: MadeUp):
    view = show(page, desk, BADGE)
    grounds = set()
    for name in ("light", "dark", "checks"):
        view.get_by_label("ground", exact=True).select_option(name)
        grounds.add(view.locator(".stage-holder").evaluate("node => getComputedStyle(node).background"))
    assert len(grounds) == 3


# Comparing


def test_the_last_approved_one_is_compared_with_first_and_any_other_on_request(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    choose(view, "Side by side")

    others = view.get_by_label("compare with")
    approved, since, take = (each["picture"]["digest"] for each in desk.assets[STORY]["others"])
    assert approved == since
    expect(view.locator("img.picture.other")).to_have_attribute("src", re.compile(approved))
    others.select_option(label="take 3")
    expect(view.locator("img.picture.other")).to_have_attribute("src", re.compile(take))
    expect(view.locator(".pane-name").first).to_contain_text("take 3")


def test_side_by_side_both_move_together_and_the_place_is_kept_in_every_mode(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    view.get_by_role("button", name="Each pixel one of the screen").click()
    for _ in range(3):
        view.get_by_role("button", name="Zoom in").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    place = in_picture(view)
    assert place["y"] > 0.5

    choose(view, "Side by side")
    frames = [
        node.evaluate("node => [node.style.width, node.style.height, node.style.transform]")
        for node in view.locator(".frame").all()
    ]
    assert len(frames) == 2
    assert frames[0] == frames[1]
    for mode in ("Side by side", "Slider", "Onion skin", "Difference", "Picture"):
        choose(view, mode)
        assert in_picture(view)["width"] == place["width"]
        assert in_picture(view)["y"] == pytest.approx(place["y"], abs=0.02)


def test_the_slider_is_moved_by_keys_and_by_its_grip(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    choose(view, "Slider")
    line = view.get_by_role("slider")
    shown = "() => Number(/([\\d.]+)%/.exec(document.querySelector('.cover').style.clipPath)[1])"
    assert page.evaluate(shown) == pytest.approx(50, abs=0.1)

    line.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.evaluate(shown) == pytest.approx(40, abs=0.1)
    expect(view).to_have_attribute("data-address", STORY)

    grip, frame = view.locator(".grip").bounding_box(), view.locator(".frame").bounding_box()
    assert grip
    assert frame
    page.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 4, grip["y"], steps=5)
    page.mouse.up()
    assert page.evaluate(shown) == pytest.approx(75, abs=1)
    assert int(line.input_value()) == pytest.approx(25, abs=1)


def test_the_onion_skin_fades(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    choose(view, "Onion skin")
    view.get_by_role("slider").focus()
    page.keyboard.press("Home")
    assert view.locator(".cover").evaluate("node => getComputedStyle(node).opacity") == "1"
    page.keyboard.press("End")
    assert view.locator(".cover").evaluate("node => getComputedStyle(node).opacity") == "0"


def test_the_difference_is_shown_with_a_figure_and_zoomed_to(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    choose(view, "Difference")

    expect(view.get_by_text("0.11 % of the pixels differ (576), in the box 10, 10 to 34, 34.")).to_be_visible()
    expect(view.locator("img.picture.there[src*='difference/']")).to_have_count(1)
    view.get_by_role("button", name="zoom to it").click()
    place = in_picture(view)
    assert place["width"] > 540
    assert (place["x"], place["y"]) < (0.5, 0.5)


def test_the_same_picture_and_different_sizes_are_told(page: Page, desk: MadeUp):
    view = show(page, desk, BANNER)
    choose(view, "Difference")
    expect(
        view.get_by_text("The sizes differ: 640 × 480 before, 728 × 90 now; measured at the later one.")
    ).to_be_visible()
    view.get_by_label("compare with").select_option(label="in v1.0 (the same picture)")
    expect(view.get_by_text("Identical: both are the same picture, byte for byte.")).to_be_visible()


# What is laid over it


def test_covered_parts_and_texts_lie_where_they_are(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    view.get_by_role("button", name="covered").click()
    view.get_by_role("button", name=re.compile("^texts")).click()
    frame = view.locator(".frame").bounding_box()
    top, bottom = (view.locator(f".covered.{side}").bounding_box() for side in ("top", "bottom"))
    assert frame
    assert top
    assert bottom
    _, covered_top, _, covered_bottom = desk.assets[STORY]["placement"]["safe"]
    assert top["height"] / frame["height"] == pytest.approx(covered_top / 960, abs=0.005)
    assert bottom["height"] / frame["height"] == pytest.approx(covered_bottom / 960, abs=0.005)
    assert bottom["y"] + bottom["height"] == pytest.approx(frame["y"] + frame["height"], abs=1)

    headline = view.get_by_role("button", name=f"headline: {ARABIC['headline']}")
    box, (left, above, _, _) = headline.bounding_box(), desk.assets[STORY]["texts"][0]["box"]
    assert box
    assert (box["x"] - frame["x"]) / frame["width"] == pytest.approx(left / 540, abs=0.01)
    assert (box["y"] - frame["y"]) / frame["height"] == pytest.approx(above / 960, abs=0.01)
    headline.focus()
    said = view.locator(".readout").get_by_text(ARABIC["headline"])
    expect(said).to_be_visible()
    assert said.evaluate("node => getComputedStyle(node).direction") == "rtl"


def test_a_finding_is_zoomed_to_from_the_list_and_found_in_the_list_from_the_picture(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    before = in_picture(view)["width"]
    item = fact(view, "Checks").get_by_role("button", name=re.compile("text not verified"))
    item.click()
    place = in_picture(view)
    assert place["width"] > before
    assert place["y"] == pytest.approx(0.3, abs=0.03)

    view.get_by_role("button", name=re.compile("^finding 1, not verified")).click()
    expect(item).to_be_focused()


# Deciding


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
    assert [each["decision"] for each in desk.decided] == ["approve", "withdraw"]
    assert desk.decided[1]["undoes"] == approved["ref"]


def test_a_rejection_asks_why_and_says_so_from_then_on(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    bar(view).get_by_role("button", name="Reject").click()
    page.get_by_role("textbox", name="Reason").fill("the price is last year's")
    page.get_by_role("dialog", name="Reject this picture").get_by_role("button", name="Reject", exact=True).click()

    expect(bar(view)).to_contain_text("rejected")
    expect(fact(view, "History").get_by_role("listitem").first).to_contain_text("the price is last year's")
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
    assert [each["decision"] for each in desk.decided] == ["comment"]


def test_after_a_decision_the_next_comes_where_that_is_wanted(page: Page, desk: MadeUp):
    view = show(page, desk, STORY)
    bar(view).get_by_text("then the next").click()
    page.keyboard.press("a")
    expect(view).not_to_have_attribute("data-address", STORY)
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
