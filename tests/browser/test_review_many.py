"""Five thousand real pictures on one page: how soon they are there, how it scrolls, and all decided on at once.

Times are told in terms of this machine: of what a page with nothing on it takes, and of a loop that always does the
same work. What the figures are in milliseconds is for `tests/bench/review.py` to say.
"""

from __future__ import annotations

import shutil
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import real
from tests.browser.acting import addresses, saved, serious_faults, slot, state, until
from tests.browser.conftest import Pages
from tests.browser.measuring import MARKS, busy_loop, first_paint, latency, memory, scrolled, trace_categories, traced
from tests.browser.real import ANA, BEN, Reviewing, decisions, eventually
from tests.cli.conftest import run_imagebuild

COUNT = 5_000
NOTHING = (
    "data:text/html,<title>nothing</title><p>nothing"
    "<img src='data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'>"
)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "many"
    real.write_many(folder, COUNT)
    real.build(folder)
    return folder


@pytest.fixture(scope="module")
def looked_at(many: Path) -> Iterator[Reviewing]:
    with real.reviewing(many, "--as", ANA) as served:
        yield served


@pytest.fixture
def page(looked_at: Reviewing, pages: Pages) -> Page:
    context = pages.context(viewport={"width": 1280, "height": 800})
    context.add_init_script(MARKS)
    return pages(looked_at.url(), context=context)


def test_the_first_pictures_are_there_in_a_few_times_what_an_empty_page_takes(
    looked_at: Reviewing, browser: Browser
) -> None:
    first_paint(browser, looked_at.url())  # thumbnails are made once
    nothing = min(first_paint(browser, NOTHING, thumbs=1).painted for _ in range(3))
    found = [first_paint(browser, looked_at.url()) for _ in range(3)]
    assert min(each.painted for each in found) < 8 * nothing
    assert min(each.thumbs for each in found) < 25 * nothing


def test_scrolling_through_all_of_it_keeps_few_elements_and_no_task_is_long(page: Page, browser: Browser) -> None:
    browser.start_tracing(page=page, categories=trace_categories)
    busy_loop(page, times=1)
    loop = traced(browser.stop_tracing())["cpu"][0]
    browser.start_tracing(page=page, categories=trace_categories)
    found = scrolled(page, frames=300)
    tasks = traced(browser.stop_tracing())
    assert found.pixels > 50_000
    assert found.nodes < 3_000  # of 5,000 pictures
    assert tasks["cpu"][0] < loop, (tasks["cpu"][:5], loop)
    assert sum(tasks["cpu"]) / 300 < loop / 3  # a frame


def test_it_scrolls_to_the_last_picture_and_shows_it(page: Page) -> None:
    last = page.evaluate("review.state.order[review.state.order.length - 1]")
    page.locator("#grid .slot[data-address]").first.focus()
    page.keyboard.press("Control+End")
    expect(slot(page, last)).to_be_focused()
    expect(slot(page, last).locator("img.there")).to_be_visible()
    page.keyboard.press("Control+Home")
    first = page.evaluate("review.state.order[0]")
    expect(slot(page, first)).to_be_focused()


def test_searching_filtering_and_sorting_take_a_few_frames(page: Page) -> None:
    loop = busy_loop(page)
    acts = {
        "filter": "review.filters.toggle('axis.locale', 'de-DE')",
        "search": "(review.place.write({q: 'kettle-07 german'}), review.filters.apply())",
        "clear": "review.filters.clear()",
        "sort": "(review.place.write({sort: 'address'}), review.filters.apply())",
    }
    took = {name: statistics.median(latency(page, act) for _ in range(3)) for name, act in acts.items()}
    assert max(took.values()) < 8 * loop, took


def test_filters_find_what_they_should_among_thousands(page: Page) -> None:
    page.locator("#search").fill("kettle-07 german")
    expect(page.locator("#totals .all")).to_have_text("40 of 5,000")
    page.locator("#search").fill("kettle-077 arabic tall")
    expect(page.locator("#totals .all")).to_have_text("1 of 5,000")
    expect(slot(page, "ad[product=kettle-077,locale=ar-EG,ratio=tall]").locator("img.there")).to_be_visible()
    assert addresses(page) == ["ad[product=kettle-077,locale=ar-EG,ratio=tall]"]


def test_looking_at_all_of_it_does_not_fill_the_memory(page: Page) -> None:
    before = memory(page)
    for _ in range(3):
        scrolled(page, frames=150)
    after = memory(page)
    assert after["nodes"] < 3 * before["nodes"] + 3_000
    assert after["megabytes"] < 2 * before["megabytes"] + 20


def test_axe_finds_nothing_serious_among_thousands(page: Page) -> None:
    assert serious_faults(page) == []


def test_all_of_them_are_approved_at_once_seen_by_another_and_taken_back(
    many: Path, tmp_path: Path, pages: Pages
) -> None:
    folder = Path(
        shutil.copytree(many, tmp_path / "many", copy_function=shutil.copy2, ignore=shutil.ignore_patterns("memory"))
    )
    with pages.serving(folder, "--for", ANA, "--for", BEN) as served:
        ana, ben = pages(served.url(ANA)), pages(served.url(BEN))
        ana.locator("#select-all").click()
        expect(ana.locator("#selection .said")).to_have_text("5,000 selected")
        ana.keyboard.press("a")
        ana.get_by_role("dialog").get_by_role("button", name="Approve 5,000").click()
        eventually(lambda: len(decisions(folder)) == COUNT)
        saved(ana)
        until(ben, "[...review.state.cells.values()].every((cell) => cell.state === 'approved')")
        found = decisions(folder)
        assert Counter(each["decision"] for each in found) == {"approve": COUNT}
        assert len({each["asset"] for each in found}) == len({each["ref"] for each in found}) == COUNT
        ana.keyboard.press("z")
        eventually(lambda: len(decisions(folder)) == 2 * COUNT)
        saved(ana)
        first = ana.evaluate("review.state.order[0]")
        expect(state(ana, first)).to_have_text("open")
        until(ben, "[...review.state.cells.values()].every((cell) => cell.state === 'open')")
    assert run_imagebuild(folder, "approvals", "verify").returncode == 0
