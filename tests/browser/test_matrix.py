"""The board of the review page in a browser: the matrix, what is filtered, thousands of pictures, who cannot see."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from imagebuild.core.offer import dollars
from tests.browser.boards import DARK, PHONE, Pages, hears, pages_of, serious, slot, tick, until
from tests.browser.kettles import ANA, FakeDesk

FIRST = "hero[product=kettle,locale=en-US,ratio=1:1]"
MARKUP = '"><img src=x onerror=alert(1)><script>alert(2)</script>'


@pytest.fixture
def small(browser: Browser) -> Iterator[Pages]:
    with pages_of(browser, FakeDesk(56)) as pages:
        yield pages


@pytest.fixture
def large(browser: Browser) -> Iterator[Pages]:
    with pages_of(browser, FakeDesk(5000)) as pages:
        yield pages


def words_of(page: Any) -> dict[str, str]:
    return page.evaluate("review.place.read()")


# ---- arrangement -----------------------------------------------------------------------------------------------------


def test_locales_are_the_columns_and_the_other_axes_the_rows(small):
    page = small.open()
    heads = page.locator("#columns [role=columnheader]").all_inner_texts()
    assert [head.splitlines()[0] for head in heads[1:4]] == [
        "English (United States)",
        "German (Germany)",
        "French (France)",
    ]
    rows = page.locator(".row > .head").all_inner_texts()
    assert rows[0].splitlines()[:2] == ["kettle", "1:1"]
    assert rows[1].splitlines()[:2] == ["kettle", "16:9"]


def test_each_picture_stands_where_its_axes_meet(small):
    page = small.open()
    address = "hero[product=kettle,locale=fr-FR,ratio=9:16]"
    assert slot(page, address).get_attribute("aria-colindex") == "4"
    assert slot(page, address).locator("xpath=..").get_attribute("aria-rowindex") == "4"


def test_axes_of_more_values_than_fit_become_rows(browser):
    desk = FakeDesk(80)
    desk.locales += [f"x{number}-XX" for number in range(10)]
    lot = [json.loads(json.dumps(cell)) for cell in desk.cells.values()]
    for number, cell in enumerate(lot):
        cell["cell"]["locale"] = desk.locales[number % len(desk.locales)]
        cell["address"] = f"hero[{number}]"
    desk.cells = {cell["address"]: cell for cell in lot}
    with pages_of(browser, desk) as pages:
        page = pages.open()
        assert page.evaluate("review.state.layout.colAxes") == ["ratio"]
        assert "locale" in page.evaluate("review.state.layout.rowAxes")


def mixed(*kinds: tuple[str, dict[str, list[str]]]) -> FakeDesk:
    """A desk with assets over axes of their own."""
    desk = FakeDesk(1)
    (some,) = desk.cells.values()
    desk.cells = {}
    axes: dict[str, dict[str, None]] = {}
    for asset, over in kinds:
        for values in itertools.product(*over.values()):
            cell = dict(zip(over, values, strict=True))
            address = f"{asset}[{','.join(f'{name}={value}' for name, value in cell.items())}]"
            desk.cells[address] = {**some, "address": address, "asset": asset, "cell": cell}
        for name, values in over.items():
            axes.setdefault(name, {}).update(dict.fromkeys(values))
    whole = json.loads(desk.board(ANA)) | {
        "axes": [
            {"name": name, "values": [{"id": each, "label": each, "dir": "ltr"} for each in values]}
            for name, values in axes.items()
        ],
        "assets": [{"name": asset, "over": list(over), "paid": False, "policy": ""} for asset, over in kinds],
    }
    desk.board = lambda who: json.dumps(whole).encode()  # type: ignore[method-assign]
    return desk


TEAS, LOCALES, RATIOS = ["chai", "sencha"], ["en-US", "de-DE", "ja-JP", "ar-EG"], ["1:1", "16:9", "og"]


@pytest.mark.parametrize(
    ("kinds", "heads"),
    [
        # half of the assets know no locale: four columns of nothing beside them
        ([("poster", {"product": TEAS, "locale": LOCALES}), ("hero", {"product": TEAS, "ratio": RATIOS}),
          ("thumbnail", {"product": TEAS})], TEAS),
        # one of many does not
        ([("poster", {"product": TEAS, "locale": LOCALES, "ratio": RATIOS}), ("window", {"product": TEAS})],
         [*LOCALES, "any locale"]),
        # nothing in common: no matrix of it would be worth looking at
        ([(f"asset-{name}", {name: [f"{name}{number}" for number in range(4)]}) for name in "abcdef"], []),
    ],
)  # fmt: skip
def test_assets_over_different_axes_are_arranged_so_that_little_is_empty(browser, kinds, heads):
    with pages_of(browser, mixed(*kinds)) as pages:
        page = pages.open()
        columns = page.locator("#grid [role=columnheader] button")
        expect(columns).to_have_count(len(heads))
        assert [each.split("\n")[0] for each in columns.all_inner_texts()] == heads
        rows = page.locator("#grid [role=rowheader] button").all_inner_texts()
        assert not any("any " in words for words in rows)  # of what an asset is not over, nothing is said


def test_rows_and_columns_are_chosen_and_stay_in_the_location(small):
    page = small.open()
    page.click("#arrangement")
    page.get_by_label("locale: rows").check()
    page.get_by_label("product: columns").check()
    page.get_by_role("button", name="Arrange", exact=True).click()
    assert page.evaluate("[review.state.layout.rowAxes, review.state.layout.colAxes]") == [
        ["ratio", "locale"],
        ["product"],
    ]
    link = page.url.split("/")[-1]
    again = small.open(hash=link)
    assert again.evaluate("[review.state.layout.rowAxes, review.state.layout.colAxes]") == [
        ["ratio", "locale"],
        ["product"],
    ]


def test_an_axis_on_neither_side_gathers_its_pictures_in_one_place_that_opens_as_a_list(small):
    page = small.open(hash="#rows=product&cols=locale")
    first = slot(page, FIRST)
    expect(first).to_have_attribute("aria-label", re.compile(r"^4 pictures"))
    first.locator(".ground").click()
    assert page.evaluate("review.state.layout.kind") == "flow"
    assert page.evaluate("review.state.order.length") == 4
    page.go_back()
    expect(page.locator("#totals .all")).to_have_text("56 pictures")


def test_the_size_of_pictures_is_changed_and_remembered(small):
    page = small.open()
    before = slot(page, FIRST).bounding_box()["width"]
    page.locator("#size").fill("4")
    assert slot(page, FIRST).bounding_box()["width"] > before
    page.reload()
    page.wait_for_selector(".slot")
    assert page.locator("#size").input_value() == "4"


def test_a_label_is_shown_as_text_whatever_is_in_it(browser):
    desk = FakeDesk(12)
    cell = desk.cells.pop("hero[product=kettle,locale=en-US,ratio=1:1]")
    cell["cell"]["product"] = MARKUP
    cell["missing"], cell["why"], cell["address"] = [MARKUP], MARKUP, f"hero[{MARKUP}]"
    desk.cells[cell["address"]] = cell
    desk.products.append(MARKUP)
    with pages_of(browser, desk) as pages:
        page = pages.open()
        assert MARKUP in page.locator(".row > .head").last.inner_text()
        page.fill("#search", "<script>")
        expect(page.locator("#chips")).to_contain_text("“<script>”")
        expect(page.locator("#totals .all")).to_have_text("1 of 12")
        assert page.evaluate("document.querySelectorAll('main script, main img[onerror]').length") == 0


# ---- search and filters ----------------------------------------------------------------------------------------------


def test_search_finds_addresses_and_the_labels_of_values(small):
    page = small.open()
    page.fill("#search", "teapot arabic")
    expect(page.locator("#totals .all")).to_have_text("4 of 56")
    assert words_of(page)["q"] == "teapot arabic"


def test_filters_count_what_they_would_show_and_become_chips_that_can_be_taken_away(small):
    page = small.open()
    page.click("#filters-button")
    label = page.locator("#facets label", has_text="rejected")
    count = int(label.locator(".count").inner_text())
    label.click()
    expect(page.locator("#totals .all")).to_have_text(f"{count} of 56")
    page.locator("#facets label", has_text="teapot").click()
    assert all("product=teapot" in address for address in page.evaluate("review.state.order"))
    assert words_of(page) == {"state": "rejected", "axis.product": "teapot"}
    page.get_by_role("button", name="Take the filter product: teapot away").click()
    expect(page.locator("#totals .all")).to_have_text(f"{count} of 56")


def test_a_link_shows_the_same_pictures_in_the_same_order(small):
    page = small.open()
    page.get_by_role("group", name="Totals").get_by_role("button", name="changed").click()
    page.select_option("#sort", "price")
    order = page.evaluate("review.state.order")
    assert 0 < len(order) < 56
    assert small.open(hash="#" + page.url.split("#")[1]).evaluate("review.state.order") == order


def test_a_result_of_nothing_says_what_to_loosen(small):
    page = small.open(hash="#q=teapot&axis.product=kettle")
    expect(page.locator("#empty")).to_contain_text("No picture matches")
    page.locator("#empty button", has_text="product: kettle").click()
    expect(page.locator("#totals .all")).to_have_text("28 of 56")


def test_sorting_by_price_puts_what_will_cost_first(small):
    page = small.open()
    page.select_option("#sort", "price")
    prices = page.evaluate("review.state.order.map(a => parseFloat(review.state.cells.get(a).price))")
    assert prices == sorted(prices, reverse=True)
    assert prices[0] > 0 == prices[-1]


def test_what_no_longer_matches_stays_until_the_list_is_brought_up_to_date(small):
    page = small.open(hash="#state=open")
    shown = page.evaluate("review.state.order")
    address = next(one for one in shown if small.desk.cells[one]["digest"] and "en-US" in one)
    slot(page, address).focus()
    page.keyboard.press("a")
    button = page.get_by_role("button", name="1 change: bring the list up to date")
    expect(button).to_be_visible()
    assert page.evaluate("review.state.order") == shown
    button.click()
    assert address not in page.evaluate("review.state.order")


def test_another_list_begins_at_its_beginning_and_another_arrangement_keeps_in_sight_what_was_looked_at(large):
    page = large.open()
    top = "document.getElementById('grid').scrollTop"
    page.evaluate("document.getElementById('grid').scrollTop = 9000")
    page.fill("#search", "teapot")
    until(page, "review.filters.read().text === 'teapot'")
    until(page, f"{top} === 0")
    page.fill("#search", "")
    until(page, "review.state.order.length === 5000")
    seen = page.evaluate("review.state.order[2100]")
    page.evaluate("address => review.matrix.focusAddress(address)", seen)
    page.click("#swap")
    until(page, "review.state.layout.colAxes.length === 2")
    box, grid = slot(page, seen).bounding_box(), page.locator("#grid").bounding_box()
    assert box["x"] >= grid["x"]
    assert grid["y"] <= box["y"] <= box["y"] + box["height"] <= grid["y"] + grid["height"] + 1
    page.select_option("#sort", "address")
    until(page, f"{top} === 0")


def test_in_a_list_captions_tell_neighbours_apart_and_leave_out_what_is_the_same(large):
    page = large.open(hash="#view=flow&axis.product=teapot")
    captions = page.locator(".slot .caption").all_inner_texts()
    assert len(set(captions)) == len(captions) > 10
    assert not any("teapot" in one for one in captions)
    cut = """() => [...document.querySelectorAll('.caption .values')]
        .filter(one => one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1)
        .map(one => one.textContent)"""
    for hash in ("#view=flow&axis.product=teapot", "#view=flow"):
        page.goto(page.url.split("#")[0] + hash)
        for size in ("0", "2", "4"):
            page.evaluate("step => review.matrix.resize(Number(step))", size)
            until(page, "[...document.querySelectorAll('.slot')].every(one => one.bound)")
            assert page.evaluate(cut) == []


def test_the_name_of_a_row_stays_in_sight_while_its_pictures_are(small):
    page = small.open()
    page.evaluate("document.getElementById('grid').scrollTop = 100")
    name = page.locator(".row.topmost > .head bdi").first
    expect(name).to_have_text("kettle")
    page.wait_for_timeout(100)
    box, heads = name.bounding_box(), page.locator("#columns").bounding_box()
    assert heads["y"] + heads["height"] <= box["y"] < heads["y"] + heads["height"] + 20


def test_what_has_no_value_on_an_axis_stands_last(small):
    page = small.open()
    page.evaluate(
        """() => {
          const cells = review.state.board.cells.map((cell) => ({ ...cell }));
          cells[0].cell = { product: 'kettle' };
          review.takeBoard({ ...review.state.board, cells });
        }"""
    )
    lines = page.evaluate(
        "['rows', 'cols'].map(side => review.state.layout[side].map(line => line.labels.at(-1).label))"
    )
    assert lines[1].index("any locale") == len(lines[1]) - 1 == 7
    assert lines[0][4] == "any ratio"  # after the kettle's four, before what is another product's


def test_money_is_written_as_the_command_line_writes_it(small):
    page = small.open()
    amounts = ["0", "0.02", "0.0125", "0.02879", "0.3444", "0.345", "0.335", "0.1", "1", "12", "1234.5", "1234567.895"]
    amounts += ["0.001", "0.0009", "0.00004", "0.00125", "0.99999", "0.05", "19.995"]
    assert page.evaluate("amounts => amounts.map(review.money)", amounts) == [dollars(Decimal(one)) for one in amounts]
    assert page.evaluate("[null, '', undefined].map(review.money)") == ["", "", ""]


# ---- thousands -------------------------------------------------------------------------------------------------------


def test_of_five_thousand_pictures_only_those_in_sight_are_in_the_document(large):
    page = large.open()
    expect(page.locator("#totals .all")).to_have_text("5,000 pictures")
    most = page.evaluate(
        """async () => {
          const grid = document.getElementById('grid');
          let most = 0;
          for (let step = 0; step < 60; step += 1) {
            grid.scrollTop += 1500;
            await new Promise(requestAnimationFrame);
            most = Math.max(most, document.querySelectorAll('.slot').length);
          }
          return most;
        }"""
    )
    assert 20 < most < 150
    until(page, "[...document.querySelectorAll('.slot')].every(one => one.bound)")
    wrong = page.evaluate(
        """() => [...document.querySelectorAll('.slot[data-address]')].filter((one) => {
          const at = review.state.layout.at(one.dataset.address);
          const row = one.parentElement.getAttribute('aria-rowindex');
          return row != at.row + 2 || one.getAttribute('aria-colindex') != at.col + 2;
        }).length"""
    )
    assert wrong == 0


def test_rows_stand_in_the_document_in_their_own_order_after_scrolling(large):
    page = large.open()
    for amount in (4000, -900, 30000, -12000):
        page.evaluate("amount => { document.getElementById('grid').scrollTop += amount; }", amount)
        page.wait_for_timeout(40)
    numbers = "[...document.querySelectorAll('.row')].map(one => Number(one.getAttribute('aria-rowindex')))"
    until(page, f"(() => {{ const all = {numbers}; return all.every((one, at) => at === 0 || all[at - 1] < one); }})()")


def test_a_recycled_place_never_shows_the_picture_of_another_address(large):
    page = large.open()
    page.evaluate(
        """async () => {
          const grid = document.getElementById('grid');
          window.wrong = 0;
          for (let step = 0; step < 80; step += 1) {
            grid.scrollTop += step % 3 ? 700 : 3000;
            await new Promise(requestAnimationFrame);
            for (const slot of document.querySelectorAll('.slot')) {
              const image = slot.querySelector('img');
              if (!image) continue;
              const cell = review.state.cells.get(slot.dataset.address);
              const source = image.getAttribute('src') || image.dataset.later || '';
              if (!cell || !source.includes(cell.digest)) window.wrong += 1;
            }
          }
        }"""
    )
    assert page.evaluate("window.wrong") == 0


def test_the_place_with_the_focus_keeps_it_when_it_is_scrolled_away(large):
    page = large.open()
    slot(page, FIRST).focus()
    page.evaluate("document.getElementById('grid').scrollTop = 60000")
    page.wait_for_timeout(300)
    assert page.evaluate("document.activeElement.dataset.address") == FIRST
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.address") == FIRST.replace("en-US", "de-DE")
    assert page.evaluate("document.getElementById('grid').scrollTop") == 0


def test_arrows_and_j_walk_over_pictures_that_are_not_in_the_document_yet(large):
    page = large.open()
    slot(page, FIRST).focus()
    for _ in range(3):
        page.keyboard.press("PageDown")
    row = int(page.evaluate("document.activeElement.parentElement.getAttribute('aria-rowindex')"))
    assert row > 6
    page.keyboard.press("Control+End")
    assert page.evaluate("document.activeElement.dataset.address") == page.evaluate("review.state.order.at(-1)")
    page.keyboard.press("k")
    assert page.evaluate("document.activeElement.dataset.address") == page.evaluate("review.state.order.at(-2)")


# ---- everybody -------------------------------------------------------------------------------------------------------


def test_the_grid_tells_its_size_and_what_each_place_holds(small):
    page = small.open()
    grid = page.get_by_role("grid")
    assert (grid.get_attribute("aria-rowcount"), grid.get_attribute("aria-colcount")) == ("9", "8")
    assert page.locator(".slot[tabindex='0']").count() == 1
    spoken = slot(page, "hero[product=kettle,locale=de-DE,ratio=16:9]").get_attribute("aria-label")
    assert spoken.startswith("hero, kettle, German (Germany), 16:9, partly, missing 1 of legal, checks passed")


@pytest.mark.parametrize("look", [{}, DARK, PHONE], ids=["light", "dark", "phone"])
def test_axe_finds_nothing_serious_in_any_view(small, look):
    page = small.open(**look)
    assert serious(page) == []
    page.click("#view")
    page.wait_for_timeout(200)
    tick(page, FIRST)
    assert serious(page) == []
    page.click("#filters-button")
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.locator("[data-decision=reject]").click()
    assert serious(page) == []


def test_a_damaged_approvals_file_a_build_and_one_who_may_only_look_are_accessible_too(small):
    small.desk.faults = [{"line": 3, "what": "its id is not that of its content"}]
    small.desk.build = {"running": True, "made": 3, "total": 9, "spent": "0.10"}
    assert serious(small.open()) == []
    assert serious(small.open(hash="#q=nothing-has-this")) == []


def test_a_phone_scrolls_down_and_not_sideways_and_its_targets_are_large_enough(small):
    page = small.open(**PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".slot .tick").first.tap()
    small_ones = page.evaluate(
        """() => [...document.querySelectorAll('button, select, #search, .tick')].filter((one) => {
          const box = one.getBoundingClientRect();
          return box.width && (box.height < 40 || box.width < 40);
        }).map(one => one.outerHTML.slice(0, 80))"""
    )
    assert small_ones == []
    assert page.evaluate("document.getElementById('grid').scrollWidth <= document.getElementById('grid').clientWidth")


def test_everything_can_be_reached_by_keyboard_alone(small):
    page = small.open()
    reached = set()
    for _ in range(30):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert {"search", "filters-button", "arrangement", "sort", "size", "slot"} <= reached
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"


def test_a_build_is_shown_as_it_goes_and_pictures_arrive_in_their_places(small):
    page = small.open()
    address = next(key for key, cell in small.desk.cells.items() if cell["digest"] is None)
    expect(slot(page, address)).to_contain_text("to be made")
    small.desk.tell(
        kind="build", build={"running": True, "made": 1, "total": 4, "spent": "0.05"}, money={"build_limit": "10"}
    )
    expect(page.locator("#status")).to_contain_text("building 1 of 4 · $0.05 of $10.00")
    digest = small.desk.remake(address)
    expect(slot(page, address).locator(f"img[src*='{digest}'].there")).to_be_visible()
    small.desk.tell(kind="build", build=None, money={"next_build": "0"})
    hears(page, "The build has ended.")
    expect(page.locator("#totals")).to_contain_text("next build free")
