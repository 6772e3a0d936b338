"""The picture in the view of one: zoomed and moved, held against others, and what is laid over it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.asset_acting import BADGE, BANNER, STORY, choose, fact, in_picture, opened, show
from tests.browser.asset_facts import made_up
from tests.browser.asset_serving import MadeUp, serving
from tests.browser.asset_story import ARABIC


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
