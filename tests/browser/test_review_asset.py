"""One picture of a real campaign: looked at closely, compared, explained, chosen among variants."""

from __future__ import annotations

import io
import re
import urllib.request
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser import real
from tests.browser.acting import focus, looking_at, opened, saved, serious_faults, state, wrote, zoom
from tests.browser.conftest import Pages
from tests.browser.real import ANA, BEN, LEA, Reviewing, decisions, eventually, locked
from tests.cli.conftest import run_imagebuild

POSTER, STORY, PLAIN, CHOICE = "poster[locale=de-DE]", "hero[locale=ar-EG,ratio=story]", "plain[ratio=wide]", "choice"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def looked_at(small_campaign: Path):
    """Served for tests that only look."""
    with real.reviewing(small_campaign, "--as", ANA, "--since", "v1") as found:
        yield found


@pytest.fixture
def page(looked_at: Reviewing, pages: Pages) -> Page:
    return pages(looked_at.url(), viewport={"width": 1280, "height": 900})


def at(page: Page, address: str) -> Locator:
    """The view of a picture, by its link."""
    page.evaluate("address => (location.hash = new URLSearchParams({a: address}))", address)
    return looking_at(page, address)


def mode(view: Locator, name: str) -> None:
    view.get_by_role("radio", name=name, exact=True).check()


def fact(view: Locator, name: str) -> Locator:
    return view.locator(f'.fact[data-fact="{name}"]')


def pixels(served: Reviewing, url: str) -> Image.Image:
    with urllib.request.urlopen(served.url() + url) as reply:
        return Image.open(io.BytesIO(reply.read())).convert("RGB")


# ------------------------------------------------------------------------------------------------------------ looking


def test_a_picture_opens_from_its_place_and_from_its_link_and_back_closes_it(page: Page) -> None:
    page.evaluate("review.matrix.focusAddress('poster[locale=de-DE]')")
    opened(page, POSTER)
    assert "a=poster" in page.url
    page.go_back()
    expect(page.locator(".asset-view")).to_have_count(0)
    page.go_forward()
    looking_at(page, POSTER)
    page.reload()
    looking_at(page, POSTER)
    page.get_by_role("button", name="Close (Esc)").click()
    expect(page.locator(".asset-view")).to_have_count(0)
    assert page.evaluate("document.activeElement.closest('.slot').dataset.address") == POSTER


def test_zooming_by_key_by_button_and_by_wheel_shows_the_pixels(page: Page) -> None:
    view = at(page, POSTER)
    view.locator(".frame img.there").wait_for()
    page.wait_for_timeout(300)  # until what stands around the picture has its size
    page.keyboard.press("0")
    fitting = zoom(view)
    assert 20 < fitting < 100
    page.keyboard.press("1")
    assert zoom(view) == 100
    width = view.locator(".frame").first.evaluate("node => node.getBoundingClientRect().width")
    assert width == pytest.approx(1024, abs=1)
    page.keyboard.press("+")
    assert zoom(view) == 125
    page.keyboard.press("0")
    eventually(lambda: zoom(view) == fitting)  # a frame later: a fitted picture has a margin
    view.get_by_role("button", name="Zoom in").click()
    assert zoom(view) == pytest.approx(fitting * 1.25, abs=1)
    view.locator(".stage").hover()
    page.mouse.wheel(0, -400)
    eventually(lambda: zoom(view) > fitting * 1.5)
    left = "document.querySelector('.asset-view .frame').getBoundingClientRect().left"
    page.wait_for_timeout(300)  # until the wheel has come to rest
    before = page.evaluate(left)
    page.keyboard.press("ArrowRight")
    eventually(lambda: page.evaluate(left) == pytest.approx(before - 64, abs=1), seconds=10)
    page.keyboard.press("0")
    page.keyboard.press("j")
    expect(page.locator(".asset-view")).not_to_have_attribute("data-address", POSTER)


def test_the_slider_the_onion_skin_and_side_by_side_show_both(page: Page) -> None:
    view = at(page, POSTER)
    mode(view, "Slider")
    cover = view.locator(".cover.slider")
    assert cover.evaluate("node => node.style.clipPath").startswith("inset(0px 50%")
    view.locator(".dial input").fill("20")
    assert cover.evaluate("node => node.style.clipPath").startswith("inset(0px 80%")
    view.locator(".dial input").focus()
    page.keyboard.press("ArrowRight")
    assert cover.evaluate("node => node.style.clipPath").startswith("inset(0px 79%")
    mode(view, "Onion skin")
    view.locator(".dial input").fill("25")
    assert view.locator(".cover.onion").evaluate("node => node.style.opacity") == "0.75"
    mode(view, "Side by side")
    panes = view.locator(".pane")
    expect(panes).to_have_count(2)
    page.keyboard.press("1")
    widths = "nodes => nodes.map((node) => Math.round(node.getBoundingClientRect().width))"
    eventually(lambda: panes.locator(".frame").evaluate_all(widths) == [1024, 1024])  # they move together
    expect(view.locator(".half").nth(0)).to_contain_text("approved by ben@northwind.example")
    urls = panes.locator("img.picture").evaluate_all("nodes => nodes.map((node) => node.src)")
    assert len(set(urls)) == 2
    page.keyboard.press("m")
    assert view.get_by_role("radio", name="Onion skin").is_checked()


def test_the_difference_says_how_many_pixels_changed_and_where(page: Page, looked_at: Reviewing) -> None:
    asset = looked_at.ask("api/asset?address=poster%5Blocale%3Dde-DE%5D")
    before = next(each for each in asset["others"] if each["kind"] == "approved")["picture"]
    old, new = pixels(looked_at, before["url"]), pixels(looked_at, asset["now"]["url"])
    apart = [
        abs(one - other) for one, other in zip(old.tobytes(), new.tobytes(), strict=True)
    ]  # red, green, blue, red …
    changed = [place for place in range(len(apart) // 3) if max(apart[3 * place : 3 * place + 3]) > 2]
    across, down = [place % new.width for place in changed], [place // new.width for place in changed]
    assert 0 < len(changed) < new.width * new.height / 2
    view = at(page, POSTER)
    mode(view, "Difference")
    figure = view.locator(".figure")
    expect(figure).to_contain_text("of the pixels differ")
    words = figure.inner_text()
    share = re.match(r"([0-9.]+) % of the pixels differ \(([0-9,]+)\), in the box (\d+), (\d+) to (\d+), (\d+)", words)
    assert share is not None, words
    assert int(share[2].replace(",", "")) == len(changed)
    assert float(share[1]) == pytest.approx(100 * len(changed) / (new.width * new.height), rel=0.06)
    assert [int(each) for each in share.groups()[2:]] == [min(across), min(down), max(across) + 1, max(down) + 1]
    eventually(
        lambda: view.locator(".frame img.picture").evaluate("node => node.complete && node.naturalWidth") == new.width
    )
    marked = pixels(looked_at, view.locator(".frame img.picture").get_attribute("src").removeprefix(looked_at.url()))
    assert marked.getpixel((across[0], down[0])) == (255, 0, 168)
    assert marked.getpixel((new.width - 3, 3)) != (255, 0, 168)
    asked = zoom(view)
    view.get_by_role("button", name="zoom to it").click()
    assert zoom(view) >= asked


def test_what_a_placement_covers_and_where_copy_stands_lie_over_the_picture(page: Page) -> None:
    view = at(page, STORY)
    view.get_by_role("button", name="covered").click()
    covered = view.locator(".covered")
    expect(covered.filter(has_text="meta/story covers")).to_have_count(covered.count())
    assert covered.count() >= 2
    view.get_by_role("button", name="texts 2").click()
    headline = view.locator(".spot.text").first
    expect(headline).to_be_visible()
    box, frame = headline.bounding_box(), view.locator(".frame").bounding_box()
    assert box is not None
    assert frame is not None
    assert frame["x"] <= box["x"]
    assert box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
    assert (box["x"] + box["width"] - frame["x"]) / frame["width"] > 0.8  # Arabic begins at the right
    headline.hover()
    readout = view.locator(".readout")
    expect(readout).to_contain_text(real.STRINGS["ar-EG"]["headline"])
    expect(readout.locator("[dir=rtl]")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(looking_at(page, STORY).get_by_role("button", name="covered")).to_have_attribute("aria-pressed", "true")


def test_right_to_left_copy_is_shown_right_to_left(page: Page) -> None:
    view = at(page, STORY)
    copy = fact(view, "copy").locator("dd.copy")
    assert [each.get_attribute("dir") for each in copy.all()] == ["rtl"] * 3
    assert copy.first.get_attribute("lang") == "ar-EG"
    edges = copy.first.evaluate(
        """node => {
            const range = document.createRange();
            range.selectNodeContents(node);
            const text = range.getBoundingClientRect(), box = node.getBoundingClientRect();
            return [box.right - text.right, text.left - box.left];
        }"""
    )
    assert edges[0] < 4 < edges[1]
    comment = fact(at(page, "poster[locale=ar-EG]"), "history").locator(".why")
    assert comment.evaluate("node => getComputedStyle(node).direction") == "rtl"
    assert comment.evaluate("node => node.textContent") == "من فضلك راجع العنوان & <b>bold</b>"


# ------------------------------------------------------------------------------------------------------- what is told


def test_a_prompt_shows_its_words_that_changed_since_the_approval(page: Page) -> None:
    prompt = fact(at(page, POSTER), "prompt")
    expect(prompt).to_contain_text("Compared with “approved by ben@northwind.example")
    assert prompt.locator("del").all_inner_texts() == ["Warme"]
    assert prompt.locator("ins").all_inner_texts() == ["Goldene"]
    expect(prompt).to_contain_text("strings/de-DE.yaml:1:11")


def test_how_it_was_made_tells_the_request_its_references_and_its_key(page: Page, small_campaign: Path) -> None:
    view = at(page, POSTER)
    part = fact(view, "parts").locator("details").first
    part.locator("summary").click()
    entry = locked(small_campaign)[POSTER]
    expect(part).to_contain_text(entry["key"][:8])
    expect(part).to_contain_text("brand.png")
    thumb = part.locator(".inputs img")
    eventually(lambda: thumb.first.evaluate("node => node.complete && node.naturalWidth > 0"))
    rows = dict(
        zip(
            part.locator("caption:has-text('manifest') ~ tbody th").all_inner_texts(),
            part.locator("caption:has-text('manifest') ~ tbody td").all_inner_texts(),
            strict=True,
        )
    )
    assert rows["model"] == "gpt-image-2-2026-04-21"
    assert "1024x640" in rows.values()


def test_the_history_has_takes_decisions_and_what_lapsed_newest_first(page: Page) -> None:
    events = fact(at(page, POSTER), "history").locator(".event")
    texts = events.all_inner_texts()
    approved = next(each for each in texts if "approved" in each)
    assert "lapsed · an earlier picture" in approved
    assert any("this picture was made" in each for each in texts)
    times = events.locator("time").evaluate_all("nodes => nodes.map((node) => node.dateTime)")
    assert times == sorted(times, reverse=True)


def test_what_its_checks_held_back_is_shown_with_what_was_found(page: Page) -> None:
    view = at(page, PLAIN)
    expect(fact(view, "checks")).to_contain_text("palette")
    finding = fact(view, "checks").locator(".finding-item").first
    expect(finding).to_contain_text("failed")
    expect(view.locator(".frame img.picture")).to_be_visible()
    expect(view.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")


# ------------------------------------------------------------------------------------------------ choosing and saying


def test_a_variant_that_is_chosen_is_what_the_next_build_delivers(
    served: Reviewing, campaign: Path, pages: Pages
) -> None:
    page = pages(served.url())
    before = len(decisions(campaign))
    lock = locked(campaign)
    delivered = (campaign / "out" / "choice.png").read_bytes()
    view = opened(page, CHOICE)
    expect(view.locator(".variant")).to_have_count(3)
    view.get_by_role("button", name="choose variant 2").click()
    (picked,) = wrote(campaign, before, (ANA, "pick", CHOICE))
    second = lock["choice:variant-2"]
    assert (picked["digest"], picked["key"]) == (second["digest"], second["key"])
    expect(view.get_by_role("button", name="chosen variant 2")).to_be_visible()
    done = run_imagebuild(campaign, "build", "-q")
    assert done.returncode == 1, done.stderr  # what its checks hold back
    assert (campaign / "out" / "choice.png").read_bytes() != delivered
    expect(view.locator(f'img.picture[src*="{second["digest"]}"]')).to_be_visible()


def test_in_the_large_view_who_decides_goes_on_to_the_next_and_can_undo(
    served: Reviewing, campaign: Path, pages: Pages
) -> None:
    page = pages(served.url())
    before = len(decisions(campaign))
    first, second = page.evaluate("review.state.order.slice(0, 2)")
    focus(page, first)
    page.keyboard.press("o")
    view = looking_at(page, first)
    view.get_by_label("then the next").check()
    page.keyboard.press("a")
    looking_at(page, second)
    wrote(campaign, before, (ANA, "approve", first))
    page.keyboard.press("z")
    wrote(campaign, before, (ANA, "approve", first), (ANA, "withdraw", first))
    page.keyboard.press("k")
    expect(looking_at(page, first).locator(".badge")).to_have_text("open")


def test_several_groups_have_to_agree_and_each_sees_what_is_missing(campaign: Path, pages: Pages) -> None:
    before = len(decisions(campaign))
    with pages.serving(campaign, "--for", BEN, "--for", LEA) as served:
        ben, lea = pages(served.url(BEN)), pages(served.url(LEA))
        view, other = opened(ben, POSTER), opened(lea, POSTER)
        ben.keyboard.press("a")
        expect(other.locator(".decision-bar")).to_contain_text("still needs 1 of legal")
        lea.keyboard.press("a")
        for each in (view, other):
            expect(each.locator(".badge")).to_have_text("approved")
        wrote(campaign, before, (BEN, "approve", POSTER), (LEA, "approve", POSTER))
        lea.keyboard.press("Escape")
        focus(lea, STORY)
        lea.keyboard.press("a")
        expect(lea.locator("#toasts")).to_contain_text("Not taken")
        saved(lea)
        expect(state(lea, STORY)).to_have_text("open")
        assert len(decisions(campaign)) == before + 2


@pytest.mark.parametrize("looks", ["light", "dark"])
@pytest.mark.parametrize("shape", ["desktop", "phone"])
def test_axe_finds_nothing_serious_in_the_view_of_one_picture(
    looked_at: Reviewing, pages: Pages, looks: str, shape: str
) -> None:
    page = pages(looked_at.url(), color_scheme=looks, **(PHONE if shape == "phone" else {}))
    for address in (POSTER, STORY, PLAIN):
        view = at(page, address)
        assert serious_faults(page) == [], address
        if address == POSTER:
            for name in ("Slider", "Side by side", "Difference"):
                mode(view, name)
                assert serious_faults(page) == [], name
            mode(view, "Picture")


def test_a_phone_sees_the_picture_first_and_can_decide_without_scrolling_to_it(
    looked_at: Reviewing, pages: Pages
) -> None:
    page = pages(looked_at.url(), **{**PHONE, "viewport": {"width": 360, "height": 740}})
    view = at(page, STORY)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    picture, approve = view.locator(".frame").bounding_box(), view.get_by_role("button", name="Approve").bounding_box()
    assert picture is not None
    assert approve is not None
    assert picture["height"] > 200
    assert approve["y"] + approve["height"] <= 740
    assert approve["height"] >= 39.5
