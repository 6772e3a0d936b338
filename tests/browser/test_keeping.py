"""What is decided in a browser is about the picture that was seen, in the name of who decided, and never lost: not when
the browser's data are cleared, another program answers, the clock is put back, or the way to the server dies silently.
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

import imagebuild
from tests.browser.boards import Pages, pages_of, slot, tick, until
from tests.browser.kettles import ANA, LEA, FakeDesk

PAGE = Path(imagebuild.__file__).parent / "review" / "page"
FIRST = "hero[product=kettle,locale=en-US,ratio=1:1]"
SECOND = "hero[product=kettle,locale=ja-JP,ratio=1:1]"
LEGAL = "hero[product=kettle,locale=de-DE,ratio=1:1]"
LONG = "The colour of the kettle is not the one that was agreed. " * 60


@pytest.fixture
def small(browser: Browser) -> Iterator[Pages]:
    with pages_of(browser, FakeDesk(56)) as pages:
        yield pages


def saved(page: Page) -> None:
    until(page, "review.outbox.waiting() === 0 && !review.state.saving.sending")


def kept(page: Page, kind: str = "outbox") -> list[str]:
    found: list[str] = page.evaluate(
        "kind => Object.keys(localStorage).filter(name => name.startsWith(`imagebuild.${kind}:`))", kind
    )
    return found


def said(desk: FakeDesk) -> list[tuple[str, str]]:
    return [(one["decision"], one["asset"]) for one in desk.decisions]


def approve(page: Page, address: str) -> None:
    slot(page, address).focus()
    page.keyboard.press("a")


def cut_off(small: Pages, page: Page) -> None:
    """Decisions do not reach the server; everything else does."""
    small.server_is_gone = True
    page.route("**/api/decisions", lambda route: route.abort())


# ---- nothing lost ----------------------------------------------------------------------------------------------------


def test_what_waits_outlives_the_clearing_of_the_browsers_data(small: Pages) -> None:
    page = small.open()
    cut_off(small, page)
    approve(page, FIRST)
    until(page, "review.state.saving.trouble !== ''")
    page.evaluate("localStorage.clear()")
    page.evaluate("review.outbox.flush()")
    until(page, "Object.keys(localStorage).some(name => name.startsWith('imagebuild.outbox:'))")
    page.evaluate("localStorage.clear()")
    page.unroute("**/api/decisions")
    page.evaluate("review.outbox.flush()")
    saved(page)
    assert said(small.desk) == [("approve", FIRST)]
    assert kept(page) == []


def test_what_waits_in_a_tab_outlives_the_clearing_by_another_tab(small: Pages) -> None:
    page = small.open()
    other = small.tab(page.context)
    for one in (page, other):
        cut_off(small, one)
    approve(page, FIRST)
    until(other, "review.outbox.waiting() === 1")
    other.evaluate("localStorage.clear()")
    until(page, "Object.keys(localStorage).some(name => name.startsWith('imagebuild.outbox:'))")
    for one in (page, other):
        one.unroute("**/api/decisions")
    page.evaluate("review.outbox.flush()")
    saved(page)
    saved(other)
    assert said(small.desk) == [("approve", FIRST)]


def test_the_order_in_which_it_was_decided_stays_when_the_clock_is_put_back(small: Pages) -> None:
    page = small.open()
    cut_off(small, page)
    page.evaluate("address => void review.decide('reject', [address], { why: 'wrong colour' })", FIRST)
    until(page, "review.outbox.waiting() === 1")
    page.add_init_script("const real = Date.now; Date.now = () => real() - 3600e3;")
    page.reload()
    page.wait_for_selector("#totals .all")
    approve(page, FIRST)
    until(page, "review.outbox.waiting() === 2")
    assert page.evaluate("review.outbox.entries().map(each => each.decision)") == ["reject", "approve"]
    page.unroute("**/api/decisions")
    page.evaluate("review.outbox.flush()")
    saved(page)
    assert said(small.desk) == [("reject", FIRST), ("approve", FIRST)]


@pytest.mark.parametrize("status", [200, 422])
def test_another_program_that_answers_for_the_server_is_believed_nothing(small: Pages, status: int) -> None:
    page = small.open()
    until(page, "review.state.connection === 'live'")
    small.server_is_gone = True

    def answered(route: Route) -> None:
        asked = route.request.post_data_json["decisions"]
        route.fulfill(status=status, json={"accepted": [each["ref"] for each in asked], "refused": []})

    page.route("**/api/decisions", answered)
    approve(page, FIRST)
    until(page, "review.state.saving.trouble !== '' && !review.state.saving.sending")
    banner = page.locator("#banners")
    expect(banner).to_contain_text("1 decision not sent yet.")
    if status == 200:
        expect(banner).to_contain_text("another program answers in place of the review")
    assert page.evaluate("review.outbox.waiting()") == len(kept(page)) == 1
    page.unroute("**/api/decisions")
    page.evaluate("review.outbox.flush()")
    saved(page)
    assert said(small.desk) == [("approve", FIRST)]
    expect(banner).not_to_contain_text("not sent yet")


def test_another_program_at_the_servers_port_is_sent_nothing(small: Pages) -> None:
    page = small.open()
    until(page, "review.state.connection === 'live'")
    small.server_is_gone = True
    small.served.stop()
    until(page, "review.state.connection === 'lost'")
    approve(page, FIRST)
    with stranger_at(small.served.port) as told:
        page.evaluate("review.outbox.flush()")
        page.evaluate("review.live.retry()")
        until(page, "address => review.pending(address).length === 1", FIRST)
        eventually_asked(page, told)
        expect(page.locator("#banners")).to_contain_text("1 decision kept in this browser and sent when it is back.")
        assert "POST" not in told
    small.served.start()
    saved(page)
    assert said(small.desk) == [("approve", FIRST)]


@contextmanager
def stranger_at(port: int) -> Iterator[list[str]]:
    """Some program that has the port now; what it was asked."""
    told: list[str] = []

    class Stranger(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing is written."""

        def answer(self) -> None:
            told.append(self.command)
            self.send_response(404)
            self.end_headers()

        do_GET = do_HEAD = do_POST = answer  # noqa: N815 (the names that http.server calls)

    with ThreadingHTTPServer(("127.0.0.1", port), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def eventually_asked(page: Page, told: list[str]) -> None:
    for _ in range(100):
        if "GET" in told and "HEAD" in told:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the program at the port was asked only {told}")


def test_a_way_to_the_server_that_dies_in_silence_is_told(small: Pages) -> None:
    page = small.open()
    until(page, "review.state.connection === 'live'")
    small.server_is_gone = True
    page.route("**/api/live", lambda route: None)  # neither answered nor refused
    page.evaluate("review.live.pace.silence = 300")
    small.desk.tell(kind="build", build=None)  # the last that is heard
    until(page, "review.state.connection === 'lost'")
    page.evaluate("review.live.pace.silence = 40000")
    page.unroute("**/api/live")
    page.evaluate("review.live.retry()")
    until(page, "review.state.connection === 'live'")


def test_a_server_that_says_that_it_is_there_still_is_not_taken_for_lost(small: Pages) -> None:
    page = small.open()
    until(page, "review.state.connection === 'live'")
    page.evaluate(
        "() => { window.words = []; review.on('connection', word => window.words.push(word));"
        " review.live.pace.silence = 1500; }"
    )
    for _ in range(8):
        small.desk.tell(kind="still")
        page.wait_for_timeout(400)
    assert page.evaluate("window.words") == []


def test_a_thousand_decisions_for_one_long_reason_are_kept_with_the_reason_once(browser: Browser) -> None:
    with pages_of(browser, FakeDesk(1120, built=1.0)) as pages:
        page = pages.open()
        other = pages.tab(page.context)
        other.evaluate("() => { window.told = 0; review.on('saving', () => window.told += 1); }")
        cut_off(pages, page)
        cut_off(pages, other)
        page.evaluate("why => void review.decide('comment', [...review.state.cells.keys()], { why })", LONG)
        page.get_by_role("button", name="Comment on 1,120", exact=True).click()
        until(page, "review.outbox.waiting() === 1120")
        assert len(kept(page)) == 3
        assert page.evaluate("JSON.stringify(localStorage).split('was agreed').length - 1") == 3 * 60
        until(other, "review.outbox.waiting() === 1120")
        assert other.evaluate("window.told") < 20
        page.reload()
        page.wait_for_selector("#totals .all")
        for one in (page, other):
            one.unroute("**/api/decisions")
        page.evaluate("review.outbox.flush()")
        saved(page)
        saved(other)
        assert len(pages.desk.decisions) == 1120
        assert {each["why"] for each in pages.desk.decisions} == {LONG.strip()}
        assert kept(other) == []


# ---- about what was seen ---------------------------------------------------------------------------------------------


def test_a_selected_picture_that_a_new_board_replaces_is_no_longer_selected(small: Pages) -> None:
    page = small.open()
    tick(page, FIRST)
    tick(page, SECOND)
    small.desk.remake(FIRST)
    small.desk.fresh.clear()  # it is not told of the picture, only that all is to be fetched anew
    small.desk.tell(kind="reload")
    expect(page.locator("#toasts")).to_contain_text("1 selected picture changed")
    page.wait_for_timeout(1100)
    page.keyboard.press("a")
    saved(page)
    assert said(small.desk) == [("approve", SECOND)]


def test_a_decision_about_a_selection_is_about_the_pictures_that_were_selected(small: Pages) -> None:
    page = small.open()
    tick(page, FIRST)
    seen = small.desk.cells[FIRST]["digest"]
    page.evaluate(
        """([address, digest]) => {
          const cell = review.state.cells.get(address);
          cell.digest = digest;
          review.decide('approve', review.select.targets());
        }""",
        [FIRST, "f" * 64],
    )
    saved(page)
    assert [one["digest"] for one in small.desk.decisions] == [seen]


# ---- taking back -----------------------------------------------------------------------------------------------------


def test_taking_back_is_about_all_that_i_said_of_the_picture_in_whichever_tab(small: Pages) -> None:
    page = small.open()
    other = small.tab(page.context)
    page.evaluate("address => void review.decide('reject', [address], { why: 'colour' })", FIRST)
    saved(page)
    approve(other, FIRST)
    saved(other)
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")
    slot(page, FIRST).focus()
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text(f"Took back {FIRST}")
    saved(page)
    expect(slot(page, FIRST).locator(".state")).to_have_text("open")
    assert [one["decision"] for one in small.desk.decisions] == ["reject", "approve", "withdraw", "withdraw"]
    page.keyboard.press("z")
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")
    assert [one["decision"] for one in small.desk.decisions][4:] == ["approve"]  # the last word, and only that


def test_what_i_have_approved_in_this_or_another_tab_is_left_out_of_approving(small: Pages) -> None:
    page = small.open()
    other = small.tab(page.context)
    approve(page, FIRST)
    saved(page)
    expect(slot(other, FIRST).locator(".state")).to_have_text("approved")
    for one in (page, other):
        approve(one, FIRST)
        expect(one.locator("#toasts")).to_contain_text(f"you have approved {FIRST} already")
    tick(other, FIRST)
    tick(other, SECOND)
    other.keyboard.press("a")
    saved(other)
    assert said(small.desk) == [("approve", FIRST), ("approve", SECOND)]


def test_what_was_said_of_an_earlier_picture_is_not_taken_back_and_its_approval_not_left_out(small: Pages) -> None:
    page = small.open()
    approve(page, FIRST)
    saved(page)
    digest = small.desk.remake(FIRST)
    until(page, "([address, digest]) => review.state.cells.get(address).digest === digest", [FIRST, digest])
    slot(page, FIRST).focus()
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("there is no decision of yours to take back")
    page.wait_for_timeout(1100)
    page.keyboard.press("a")
    saved(page)
    assert [(one["decision"], one["digest"] == digest) for one in small.desk.decisions] == [
        ("approve", False),
        ("approve", True),
    ]


def test_while_the_server_is_away_what_this_page_knows_is_taken_back(small: Pages) -> None:
    page = small.open()
    approve(page, FIRST)
    saved(page)
    small.server_is_gone = True
    small.served.stop()
    slot(page, FIRST).focus()
    page.keyboard.press("u")
    until(page, "review.outbox.waiting() === 1")
    small.served.start()
    saved(page)
    assert [one["decision"] for one in small.desk.decisions] == ["approve", "withdraw"]
    assert small.desk.decisions[1]["undoes"] == small.desk.decisions[0]["ref"]


# ---- in whose name ---------------------------------------------------------------------------------------------------


def written(folder: Path, desk: FakeDesk, *, name: str = "", generated: str = "2026-11-21T22:54:29Z") -> None:
    """The page as files, the board inside it."""
    shutil.copytree(PAGE, folder / "page", dirs_exist_ok=True)
    you = {"name": name, "decides": bool(name), "why_not": ""}
    board = {**json.loads(desk.board("")), "export": True, "you": you, "generated": generated}
    for cell in board["cells"]:
        cell["thumb"] = None
    text = json.dumps(board).replace("<", "\\u003c")
    script = '<script src="page/core.js">'
    index = (PAGE / "index.html").read_text("utf-8")
    inline = f'<script type="application/json" id="board">{text}</script>\n{script}'
    (folder / "index.html").write_text(index.replace(script, inline), "utf-8")


def tab_of(small: Pages, context: Any, folder: Path) -> Page:
    page: Page = context.new_page()
    small.listen(page)
    page.goto((folder / "index.html").as_uri())
    page.wait_for_selector(".slot")
    return page


def downloaded(page: Page) -> tuple[str, list[str]]:
    with page.expect_download() as waiting:
        page.locator("#download").click()
    found = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    page.keyboard.press("Escape")
    return found["by"], [each["asset"] for each in found["decisions"]]


@pytest.fixture
def context(small: Pages) -> Any:
    found = small.browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    small.contexts.append(found)
    return found


def test_an_export_that_was_made_for_somebody_decides_in_their_name_alone(
    small: Pages, context: Any, tmp_path: Path
) -> None:
    for folder, name in (("ana", ANA), ("lea", LEA)):
        written(tmp_path / folder, small.desk, name=name)
    for folder, address in (("ana", FIRST), ("lea", SECOND)):
        page = tab_of(small, context, tmp_path / folder)
        approve(page, address)
        expect(page.get_by_role("button", name="Download decisions (1)")).to_be_enabled()
    for folder, name, address in (("ana", ANA, FIRST), ("lea", LEA, SECOND)):
        page = tab_of(small, context, tmp_path / folder)
        expect(page.locator("#status .who")).to_have_text(name)
        assert downloaded(page) == (name, [address])


def test_notes_are_there_still_when_the_export_is_written_again(small: Pages, context: Any, tmp_path: Path) -> None:
    written(tmp_path, small.desk, name=ANA)
    page = tab_of(small, context, tmp_path)
    approve(page, FIRST)
    page.close()
    written(tmp_path, small.desk, name=ANA, generated="2026-11-22T08:00:00Z")
    page = tab_of(small, context, tmp_path)
    expect(slot(page, FIRST).locator(".state")).to_have_text("approve, noted")
    assert downloaded(page) == (ANA, [FIRST])


def test_the_name_in_an_export_for_nobody_can_be_changed_and_each_has_their_own_notes(
    small: Pages, context: Any, tmp_path: Path
) -> None:
    written(tmp_path, small.desk)
    page = tab_of(small, context, tmp_path)
    dialog = page.get_by_role("dialog", name="Who is deciding?")
    approve(page, FIRST)
    dialog.get_by_role("textbox").fill(ANA)
    dialog.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Download decisions (1)")).to_be_enabled()

    page.locator("#status").get_by_role("button", name=ANA).click()
    expect(dialog).to_contain_text(f"1 decision noted here by {ANA} stays under that name")
    dialog.get_by_role("textbox").fill(LEA)
    page.keyboard.press("Enter")
    expect(page.locator("#status .who")).to_have_text(LEA)
    expect(page.get_by_role("button", name="Download decisions (0)")).to_be_disabled()
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("there is nothing to undo")
    approve(page, LEGAL)
    assert downloaded(page) == (LEA, [LEGAL])
    assert page.evaluate("review.outbox.entries().map(each => each.by)") == [LEA]

    page.locator("#status .who").click()
    dialog.get_by_role("textbox").fill(ANA)
    page.keyboard.press("Enter")
    assert downloaded(page) == (ANA, [FIRST])


def test_notes_outlive_the_clearing_of_the_browsers_data_while_their_page_is_open(
    small: Pages, context: Any, tmp_path: Path
) -> None:
    written(tmp_path, small.desk, name=ANA)
    page = tab_of(small, context, tmp_path)
    approve(page, FIRST)
    until(page, "review.outbox.waiting() === 1")
    page.evaluate("localStorage.clear()")
    approve(page, SECOND)
    assert downloaded(page) == (ANA, [FIRST, SECOND])
    assert len(kept(page, "noted")) == 2
