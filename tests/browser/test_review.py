"""The matrix of a real campaign over the real server: arranged, searched, filtered, sorted, and decided on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import (
    addresses,
    arranged_as_list,
    focus,
    looking_at,
    said,
    saved,
    serious_faults,
    slot,
    state,
    tick,
    wrote,
)
from tests.browser.conftest import Pages
from tests.browser.real import ANA, LEA, Reviewing, decisions, locked, reviewing
from tests.cli.conftest import run_imagebuild

CHOICE, PLAIN = "choice", "plain[ratio=wide]"
POSTERS = [f"poster[locale={tag}]" for tag in ("en-US", "de-DE", "ar-EG")]
HEROES = [f"hero[locale={tag},ratio={ratio}]" for ratio in ("wide", "story") for tag in ("en-US", "de-DE", "ar-EG")]
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


@pytest.fixture
def page(served: Reviewing, pages: Pages) -> Page:
    return pages(served.url())


def heads(page: Page, kind: str) -> list[str]:
    return [each.split("\n")[0] for each in page.locator(f"#grid [role={kind}] button").all_inner_texts()]


# ------------------------------------------------------------------------------------------------- arranging, finding


def test_any_axis_may_be_rows_or_columns(page: Page) -> None:
    locales = ["English (United States)", "German (Germany)", "Arabic (Egypt)", "any locale"]
    assert heads(page, "columnheader") == locales
    assert len(addresses(page)) == 11
    page.locator("#swap").click()
    assert "English (United States)" in heads(page, "rowheader")
    page.locator("#arrangement").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("ratio: columns").check()
    dialog.get_by_label("locale: rows").check()
    dialog.get_by_label("asset: not used").check()
    dialog.get_by_role("button", name="Arrange").click()
    assert heads(page, "columnheader") == ["wide", "story", "any ratio"]
    assert heads(page, "rowheader") == locales
    page.locator("#arrangement").click()
    page.get_by_role("dialog").get_by_role("button", name="As usual").click()
    assert "German (Germany)" in heads(page, "columnheader")
    arranged_as_list(page)
    assert sorted(addresses(page)) == sorted([*POSTERS, *HEROES, CHOICE, PLAIN])


def test_a_link_shows_the_same_to_somebody_else(served: Reviewing, page: Page, pages: Pages) -> None:
    page.locator("#search").fill("hero arabic")
    expect(slot(page, HEROES[0])).to_have_count(0)
    arranged_as_list(page)
    other = pages(page.url)
    assert addresses(other) == addresses(page) == [HEROES[2], HEROES[5]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("story", [HEROES[3], HEROES[4], HEROES[5]]),
        ("POSTER german", [POSTERS[1]]),
        ("ar-EG/hero", [HEROES[2], HEROES[5]]),  # by its file
        ("lapsed poster", [POSTERS[1]]),
        ("choice", [CHOICE]),
    ],
)
def test_search_finds_by_address_file_language_and_state(page: Page, words: str, found: list[str]) -> None:
    arranged_as_list(page)
    page.keyboard.press("/")
    page.keyboard.type(words)
    expect(page.locator("#grid .slot[data-address]")).to_have_count(len(found))
    assert sorted(addresses(page)) == sorted(found)


def test_what_nothing_matches_says_how_to_get_back(page: Page) -> None:
    page.locator("#search").fill("no such thing")
    expect(page.locator("#empty")).to_contain_text("No picture matches")
    page.get_by_role("button", name="Clear all filters").click()
    expect(page.locator("#grid .slot[data-address]")).to_have_count(11)


def matching(cell: dict[str, Any], facet: str, value: str, waiting: set[str]) -> bool:
    """What a filter means, told apart from how the page works it out. `waiting`: what waits for who looks."""
    if facet == "mine":
        return cell["address"] in waiting
    flags = {"changed": "changed", "comments": "comments", "take": "retake", "variants": "variants"}
    if facet in flags:
        return bool(cell[flags[facet]])
    if facet.startswith("axis."):
        return cell["cell"].get(facet.removeprefix("axis.")) == value
    return cell[facet] == value


def test_every_filter_shows_what_it_says_and_counts_it(page: Page, served: Reviewing) -> None:
    cells = served.ask("api/board")["cells"]
    listed = run_imagebuild(served.folder, "approvals", "--for", ANA, "--json")
    waiting = {each["address"] for each in json.loads(listed.stdout)["assets"]}
    assert 0 < len(waiting) < len(cells)
    arranged_as_list(page)
    page.keyboard.press("f")
    for summary in page.locator("#facets details:not([open]) summary").all():
        summary.click()
    boxes = page.locator("#facets input[type=checkbox]")
    names = [(each.get_attribute("data-facet"), each.get_attribute("data-value")) for each in boxes.all()]
    assert {name for name, _ in names} == {
        "state", "gate", "verdict", "mine", "changed", "comments", "take", "variants", "asset", "axis.locale",
        "axis.ratio",
    }  # fmt: skip
    for facet, value in names:
        box = page.locator(f'#facets input[data-facet="{facet}"][data-value="{value}"]')
        wanted = sorted(cell["address"] for cell in cells if matching(cell, str(facet), str(value), waiting))
        assert box.locator("..").locator(".count").inner_text() == str(len(wanted)), (facet, value)
        box.check()
        expect(page.locator("#grid .slot[data-address]")).to_have_count(len(wanted))
        assert sorted(addresses(page)) == wanted, (facet, value)
        box.uncheck()
    expect(page.locator("#grid .slot[data-address]")).to_have_count(11)


def test_filters_narrow_one_another_and_are_taken_away_one_by_one(page: Page) -> None:
    arranged_as_list(page)
    page.keyboard.press("f")
    page.locator('#facets input[data-facet="axis.locale"][data-value="de-DE"]').check()
    page.locator('#facets input[data-facet="axis.ratio"][data-value="story"]').check()
    expect(page.locator("#grid .slot[data-address]")).to_have_count(1)
    assert addresses(page) == [HEROES[4]]
    page.locator("#chips").get_by_role("button", name="ratio: story").click()
    expect(page.locator("#grid .slot[data-address]")).to_have_count(3)


def test_what_changed_since_a_tag_is_marked_and_can_be_shown_alone(page: Page) -> None:
    expect(page.locator("#made-with")).to_contain_text("compared with v1")
    for address in (POSTERS[1], HEROES[1], HEROES[4]):
        expect(slot(page, address).locator(".marks")).to_contain_text("changed")
    for address in (POSTERS[0], HEROES[0], HEROES[5], CHOICE):
        expect(slot(page, address).get_by_text("changed", exact=True)).to_have_count(0)
    page.locator('#totals button[data-flag="changed"]').click()
    expect(slot(page, POSTERS[0])).to_have_count(0)
    expect(slot(page, POSTERS[1])).to_have_count(1)


# --------------------------------------------------------------------------------------------------------- deciding


def test_approving_and_taking_it_back_is_written_down_as_it_was_decided(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[0])
    page.keyboard.press("a")
    expect(state(page, HEROES[0])).to_have_text("approved")
    (approval,) = wrote(campaign, before, (ANA, "approve", HEROES[0]))
    assert approval["digest"] == locked(campaign)[HEROES[0]]["digest"]
    assert approval["policy"].endswith(": 1 of brand")
    page.keyboard.press("u")
    expect(state(page, HEROES[0])).to_have_text("open")
    _, back = wrote(campaign, before, (ANA, "approve", HEROES[0]), (ANA, "withdraw", HEROES[0]))
    assert back["undoes"] == approval["ref"]


def test_a_rejection_needs_a_reason_and_keeps_it(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[2])
    page.keyboard.press("r")
    dialog = page.get_by_role("dialog", name="Reject this picture")
    dialog.get_by_role("button", name="Reject").click()
    expect(dialog.get_by_role("alert")).to_have_text("A rejection needs a reason.")
    assert len(decisions(campaign)) == before
    why = "الخط مقطوع\n<script>alert(1)</script> & “cut off”"
    page.keyboard.type(why)
    page.keyboard.press("Control+Enter")
    expect(state(page, HEROES[2])).to_have_text("rejected")
    wrote(campaign, before, (ANA, "reject", HEROES[2], why))
    page.keyboard.press("Enter")
    shown = looking_at(page, HEROES[2]).locator(".timeline .why").first
    assert shown.evaluate("node => node.textContent") == why
    assert shown.evaluate("node => node.children.length") == 0


def test_a_comment_is_counted_and_changes_no_standing(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[3])
    page.keyboard.press("c")
    page.keyboard.type("Lovely steam.")
    page.keyboard.press("Control+Enter")
    expect(slot(page, HEROES[3]).locator(".comments")).to_have_text("1")
    expect(state(page, HEROES[3])).to_have_text("open")
    wrote(campaign, before, (ANA, "comment", HEROES[3], "Lovely steam."))


def test_a_selection_is_decided_on_at_once_and_undone_at_once(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    chosen = [POSTERS[0], HEROES[0], HEROES[5]]
    for address in chosen:
        tick(page, address)
    expect(page.locator("#selection .said")).to_have_text("3 selected")
    page.locator('#selection [data-decision="approve"]').click()
    for address in chosen:
        expect(state(page, address)).to_have_text("approved")
    approvals = [(ANA, "approve", address) for address in chosen]
    wrote(campaign, before, *approvals)
    page.keyboard.press("z")
    for address in chosen:
        expect(state(page, address)).to_have_text("open")
    found = wrote(campaign, before, *approvals, *((ANA, "withdraw", address) for address in chosen))
    assert {each["undoes"] for each in found[3:]} == {each["ref"] for each in found[:3]}


def test_undo_of_a_taking_back_approves_again(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    focus(page, POSTERS[2])
    page.keyboard.press("a")
    expect(state(page, POSTERS[2])).to_have_text("approved")
    page.keyboard.press("u")
    expect(state(page, POSTERS[2])).to_have_text("open")
    page.keyboard.press("z")
    expect(state(page, POSTERS[2])).to_have_text("approved")
    assert [
        each["decision"]
        for each in wrote(
            campaign, before, (ANA, "approve", POSTERS[2]), (ANA, "withdraw", POSTERS[2]), (ANA, "approve", POSTERS[2])
        )
    ] == ["approve", "withdraw", "approve"]


def test_a_whole_row_is_decided_on(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[0])
    page.keyboard.press("x")
    expect(page.locator("#selection .said")).to_have_text("3 selected")
    page.keyboard.press("r")
    page.keyboard.type("The steam hides the lid.")
    page.keyboard.press("Control+Enter")
    for address in HEROES[:3]:
        expect(state(page, address)).to_have_text("rejected")
    wrote(campaign, before, *((ANA, "reject", address, "The steam hides the lid.") for address in HEROES[:3]))
    page.locator("#selection").get_by_role("button", name="Take back").click()
    for address in (HEROES[0], HEROES[2]):
        expect(state(page, address)).to_have_text("open")
    expect(state(page, HEROES[1])).to_have_text("lapsed")


def test_a_row_s_own_head_selects_it(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    page.get_by_role("button", name="poster, any ratio").click()
    page.locator("#selection").get_by_role("button", name="Comment").click()
    page.keyboard.type("All three in one go")
    page.keyboard.press("Control+Enter")
    wrote(campaign, before, *((ANA, "comment", address, "All three in one go") for address in POSTERS))


def test_what_the_policy_forbids_is_said_and_not_written(page: Page, campaign: Path) -> None:
    """Lea alone may approve for Germany's law, and Ana is of the brand: one more is missing after her."""
    before = len(decisions(campaign))
    focus(page, POSTERS[1])
    page.keyboard.press("a")
    expect(state(page, POSTERS[1])).to_have_text("partly")
    expect(state(page, POSTERS[1])).to_have_attribute("title", "missing: 1 of legal")
    wrote(campaign, before, (ANA, "approve", POSTERS[1]))
    focus(page, PLAIN)
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Not taken")
    saved(page)
    assert len(decisions(campaign)) == before + 1


@pytest.fixture
def both(campaign: Path) -> Iterator[Reviewing]:
    with reviewing(campaign, "--for", ANA, "--for", LEA) as found:
        yield found


def test_what_waits_for_whoever_looks_is_counted_found_and_done(both: Reviewing, pages: Pages) -> None:
    page, lea = pages(both.url(ANA)), pages(both.url(LEA))
    mine = page.locator('#totals [data-flag="mine"]')
    hers = lea.locator('#totals [data-flag="mine"]')
    expect(hers).to_have_text("1 waiting for you")
    hers.click()
    expect(slot(lea, POSTERS[1])).to_be_visible()
    assert addresses(lea) == [POSTERS[1]]
    before = int(mine.inner_text().split()[0])
    lea.keyboard.press("Escape")
    lea.locator("#search").fill("no such thing")
    expect(lea.locator("#totals")).not_to_contain_text("nothing waits for you")  # it is only out of sight
    lea.locator("#search").fill("")
    focus(page, POSTERS[1])
    page.keyboard.press("a")  # brand's yes: legal's is still missing
    expect(state(page, POSTERS[1])).to_have_text("partly")
    expect(mine).to_have_text(f"{before - 1} waiting for you")
    expect(hers).to_have_text("1 waiting for you")
    focus(lea, POSTERS[1])
    lea.keyboard.press("a")
    expect(state(lea, POSTERS[1])).to_have_text("approved")
    lea.get_by_role("button", name="bring the list up to date").click()
    expect(lea.get_by_role("heading", name="No picture matches")).to_be_visible()
    lea.get_by_role("button", name="Clear all filters").click()
    expect(lea.locator("#totals")).to_contain_text("nothing waits for you")


def test_everything_can_be_done_by_the_keyboard_alone(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    press = page.keyboard.press
    press("j")
    first = page.evaluate("review.state.focus")
    press("j")
    second = page.evaluate("review.state.focus")
    assert [first, second] == page.evaluate("review.state.order.slice(0, 2)")
    press("k")
    assert page.evaluate("review.state.focus") == first
    press("ArrowDown")
    assert page.evaluate("review.state.focus") not in (first, second)
    press("ArrowUp")
    focused = "document.activeElement.closest('.slot').dataset.address"
    press("/")
    page.keyboard.type("hero english")
    expect(page.locator("#grid .slot[data-address]")).to_have_count(2)
    press("Escape")
    assert page.evaluate(focused) == HEROES[0]
    press("Space")
    press("ArrowDown")
    press("Shift+Space")
    expect(page.locator("#selection .said")).to_have_text("2 selected")
    press("a")
    wrote(campaign, before, (ANA, "approve", HEROES[0]), (ANA, "approve", HEROES[3]))
    press("Escape")
    expect(page.locator("#selection")).to_be_hidden()
    press("Enter")
    looking_at(page, HEROES[3])
    press("k")
    view = looking_at(page, HEROES[0])
    expect(view.locator(".badge")).to_have_text("approved")
    press("u")
    expect(view.locator(".badge")).to_have_text("open")
    press("r")
    page.keyboard.type("Too dark")
    press("Control+Enter")
    expect(view.locator(".badge")).to_have_text("rejected")
    press("Escape")
    expect(page.locator(".asset-view")).to_have_count(0)
    assert page.evaluate(focused) == HEROES[0]
    assert [each["decision"] for each in decisions(campaign)[before + 2 :]] == ["withdraw", "reject"]
    press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_single_letter_decides_nothing_while_somebody_types(page: Page, campaign: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[0])
    page.keyboard.press("/")
    page.keyboard.type("aruxzt")
    expect(page.locator("#empty")).to_be_visible()
    assert len(decisions(campaign)) == before


def test_who_listens_is_told_what_was_decided(page: Page) -> None:
    expect(slot(page, HEROES[0])).to_have_attribute(
        "aria-label", "hero, English (United States), wide, open, missing 1 of brand, checks passed"
    )
    focus(page, HEROES[0])
    page.keyboard.press("a")
    said(page, f"Approved {HEROES[0]}. Press z to undo.")


# ----------------------------------------------------------------------------------- what others do to the same files


def test_a_decision_made_on_the_command_line_is_seen_at_once(page: Page, campaign: Path) -> None:
    done = run_imagebuild(campaign, "approve", HEROES[5], "--as", "ben@northwind.example", "--why", "seen on paper")
    assert done.returncode == 0, done.stderr
    expect(state(page, HEROES[5])).to_have_text("approved")
    expect(page.locator("#news")).to_contain_text("ben@northwind.example approved")


def test_an_edited_history_is_told_on_top_and_nothing_more_is_taken(page: Page, campaign: Path) -> None:
    path = campaign / "imagebuild.approvals"
    text = path.read_text("utf-8")
    edited = text.replace('"approve"', '"reject"', 1)
    assert edited != text
    path.write_text(edited, "utf-8")
    expect(page.locator("#banners .bad")).to_contain_text("The approvals file has been damaged or edited")
    focus(page, HEROES[0])
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("has faults")
    assert path.read_text("utf-8") == edited
    path.write_text(text, "utf-8")
    expect(page.locator("#banners .bad")).to_have_count(0)
    page.keyboard.press("a")
    expect(state(page, HEROES[0])).to_have_text("approved")


def test_who_decides_follows_from_the_address_and_from_nothing_a_request_says(
    served: Reviewing, campaign: Path, pages: Pages
) -> None:
    before = len(decisions(campaign))
    body = json.dumps(
        {
            "decisions": [
                {
                    "ref": "0" * 32,
                    "decision": "approve",
                    "asset": HEROES[0],
                    "digest": locked(campaign)[HEROES[0]]["digest"],
                    "by": "lea@northwind.example",
                }
            ]
        }
    )
    page = pages(served.url())
    reply = page.evaluate(
        """body => fetch("api/decisions", {method: "POST", headers: {"Content-Type": "application/json"}, body})
            .then((reply) => reply.json())""",
        body,
    )
    assert reply["accepted"] == ["0" * 32]
    wrote(campaign, before, (ANA, "approve", HEROES[0]))  # who she says she is in a request is nobody's word


# ------------------------------------------------------------------------------------------------------ for everybody


@pytest.mark.parametrize("looks", ["light", "dark"])
@pytest.mark.parametrize("shape", ["desktop", "phone"])
def test_axe_finds_nothing_serious(served: Reviewing, pages: Pages, looks: str, shape: str) -> None:
    page = pages(served.url(), color_scheme=looks, **(PHONE if shape == "phone" else {}))
    assert serious_faults(page) == []
    page.keyboard.press("f")
    expect(page.locator("#facets")).to_be_visible()
    assert serious_faults(page) == []
    page.locator("#facets").get_by_label("Close the filters").click()
    focus(page, addresses(page)[0])
    page.keyboard.press("Space")
    expect(page.locator("#selection")).to_be_visible()
    assert serious_faults(page) == []
    page.keyboard.press("r")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert serious_faults(page) == []


def test_a_phone_scrolls_down_and_never_sideways(served: Reviewing, pages: Pages) -> None:
    page = pages(served.url(), **{**PHONE, "viewport": {"width": 360, "height": 740}})
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate("getComputedStyle(document.body).direction") == "ltr"
    small = page.evaluate(
        """[...document.querySelectorAll("button, select, input:not([type=range])")]
            .filter((node) => node.offsetParent && node.getBoundingClientRect().height < 39.5)
            .map((node) => node.outerHTML.slice(0, 120))"""
    )
    assert small == []
