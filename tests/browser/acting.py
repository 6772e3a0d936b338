"""What a person sees and does on the review's page, in a line each."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from tests.browser.real import decisions, eventually, shown_of

__all__ = [
    "addresses", "arranged_as_list", "focus", "looking_at", "opened", "said", "saved", "serious_faults", "slot",
    "state",
    "tick", "until", "wrote", "zoom",
]  # fmt: skip


def slot(page: Page, address: str) -> Locator:
    return page.locator(f'#grid .slot[data-address="{address}"]')


def state(page: Page, address: str) -> Locator:
    """The word that a picture's place says about it."""
    return slot(page, address).locator(".state")


def addresses(page: Page) -> list[str]:
    """The pictures in sight, in the order in which they stand: row by row."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("#grid .slot[data-address]")]
            .map((node) => [node, node.getBoundingClientRect()])
            .sort(([, one], [, other]) => one.top - other.top || one.left - other.left)
            .map(([node]) => node.dataset.address)"""
    )
    return found


def arranged_as_list(page: Page) -> None:
    if page.locator("#view").inner_text() == "List":
        page.locator("#view").click()
    expect(page.locator("#view")).to_have_text("Matrix")


def focus(page: Page, address: str) -> None:
    slot(page, address).focus()


def tick(page: Page, address: str) -> None:
    """Select a picture with the pointer."""
    slot(page, address).locator(".strip").click()


def saved(page: Page) -> None:
    """Nothing that was decided is on its way any more."""
    until(page, "review.state.saving.waiting === 0 && !review.state.saving.sending")


def wrote(folder: Path, before: int, *wanted: tuple[str, ...]) -> list[dict[str, Any]]:
    """The approvals file says exactly this, and nothing else, after its first `before` decisions: (by, decision,
    address, why); in any order, for several that were decided at once."""
    padded = sorted((*each, "")[:4] for each in wanted)
    eventually(lambda: len(decisions(folder)) >= before + len(padded))
    found = decisions(folder)[before:]
    assert sorted(shown_of(each) for each in found) == padded
    assert len({each["id"] for each in decisions(folder)}) == len(decisions(folder))
    return found


def opened(page: Page, address: str) -> Locator:
    """The large view of a picture, by the pointer."""
    slot(page, address).locator(".ground").click()
    return looking_at(page, address)


def looking_at(page: Page, address: str) -> Locator:
    view = page.locator(f'.asset-view[data-address="{address}"]')
    expect(view.locator(".facts .fact").first).to_be_visible()
    return view


def zoom(view: Locator) -> int:
    found = re.fullmatch(r"(\d+) %", view.locator(".zoom-figure").inner_text())
    assert found is not None
    return int(found[1])


def said(page: Page, words: str) -> None:
    """It is said to somebody who listens."""
    heard = "[0, 1].some((each) => document.getElementById(`heard-${each}`).textContent.includes(%s))"
    until(page, heard % json.dumps(words))


def until(page: Page, expression: str) -> None:
    """The expression is true. (Playwright's own way to wait needs `eval`, which the page's policy forbids.)"""
    eventually(lambda: page.evaluate(expression), seconds=30)


def serious_faults(page: Page) -> list[str]:
    """What axe finds that is serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]}: {node['failureSummary'][:300]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]
