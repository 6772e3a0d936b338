"""Decisions on the review page in a browser: one, many, taken back, refused, kept while the server is gone, never lost
and never doubled, and seen by everybody else."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

import imagebuild
from imagebuild.review.desk import Person
from tests.browser.boards import PHONE, Pages, hears, pages_of, slot, state_of, tick, until
from tests.browser.kettles import ANA, LEA, LOOK, PEOPLE, FakeDesk

PAGE = Path(imagebuild.__file__).parent / "review" / "page"
FIRST = "hero[product=kettle,locale=en-US,ratio=1:1]"
SECOND = "hero[product=kettle,locale=ja-JP,ratio=1:1]"
LEGAL = "hero[product=kettle,locale=de-DE,ratio=1:1]"
MARKUP = '"><img src=x onerror=alert(1)>\n<script>alert(2)</script>'


@pytest.fixture
def small(browser: Browser) -> Iterator[Pages]:
    with pages_of(browser, FakeDesk(56)) as pages:
        yield pages


def saved(page) -> None:
    until(page, "review.outbox.waiting() === 0 && !review.state.saving.sending")


def kept(page) -> list[str]:
    return page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('imagebuild.outbox:'))")


def said(desk: FakeDesk) -> list[tuple[str, str]]:
    return [(one["decision"], one["asset"]) for one in desk.decisions]


# ---- one and many ----------------------------------------------------------------------------------------------------


def test_a_approves_the_picture_that_has_the_focus(small):
    page = small.open()
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")
    assert [(one["decision"], one["asset"], one["digest"], one["by"]) for one in small.desk.decisions] == [
        ("approve", FIRST, small.desk.cells[FIRST]["digest"], ANA)
    ]
    assert re.fullmatch("[0-9a-f]{32}", small.desk.decisions[0]["ref"])


def test_no_key_decides_anything_while_nothing_has_the_focus(small):
    page = small.open()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Choose a picture first")
    page.fill("#search", "a")
    page.keyboard.press("a")
    assert small.desk.decisions == []


def test_a_rejection_asks_for_its_reason_and_offers_those_used_lately(small):
    page = small.open()
    slot(page, FIRST).focus()
    page.keyboard.press("r")
    page.get_by_role("button", name="Reject", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text("A rejection needs a reason.")
    page.get_by_role("textbox", name="Reason").fill(MARKUP)
    page.keyboard.press("Control+Enter")
    expect(slot(page, FIRST).locator(".state")).to_have_text("rejected")
    assert small.desk.decisions[0]["why"] == MARKUP
    slot(page, SECOND).focus()
    page.keyboard.press("r")
    page.get_by_role("group", name="Used lately").get_by_role("button").click()
    page.get_by_role("button", name="Reject", exact=True).click()
    saved(page)
    assert [one["why"] for one in small.desk.decisions] == [MARKUP, MARKUP]


def test_escape_in_the_reasons_dialog_decides_nothing_and_gives_the_focus_back(small):
    page = small.open()
    slot(page, FIRST).focus()
    page.keyboard.press("c")
    page.get_by_role("textbox", name="Comment").fill("too dark")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.address") == FIRST
    assert small.desk.decisions == []
    assert kept(page) == []


def test_a_row_a_column_and_a_stretch_are_selected_by_pointer_and_by_key(small):
    page = small.open()
    page.locator(".row > .head button").first.click()
    expect(page.locator("#selection")).to_contain_text("7 selected")
    page.keyboard.press("Escape")
    page.locator("#columns [role=columnheader] button").nth(1).click()
    expect(page.locator("#selection")).to_contain_text("8 selected")
    page.keyboard.press("Escape")
    tick(page, FIRST)
    slot(page, "hero[product=kettle,locale=fr-FR,ratio=16:9]").locator(".ground").click(modifiers=["Shift"])
    expect(page.locator("#selection")).to_contain_text("6 selected")
    page.keyboard.press("Control+a")
    expect(page.locator("#selection")).to_contain_text("56 selected")
    page.keyboard.press("Escape")
    slot(page, SECOND).focus()
    page.keyboard.press("x")
    expect(page.locator("#selection")).to_contain_text("7 selected")


def test_more_than_fifty_at_once_are_asked_about_with_their_number(small):
    page = small.open()
    page.click("#select-all")
    page.locator("[data-decision=approve]").click()
    dialog = page.get_by_role("dialog")
    built = sum(1 for cell in small.desk.cells.values() if cell["digest"])
    expect(dialog).to_contain_text(f"Approve {built} pictures?")
    dialog.get_by_role("button", name="Cancel").click()
    assert small.desk.decisions == []
    page.locator("[data-decision=approve]").click()
    page.get_by_role("button", name=f"Approve {built}", exact=True).click()
    saved(page)
    assert len(small.desk.decisions) + 16 >= built > len(small.desk.decisions)  # legal's are refused
    expect(page.locator("#toasts")).to_contain_text("decisions not taken")


def test_many_are_taken_back_without_asking_about_each(small):
    page = small.open()
    page.click("#select-all")
    page.locator("[data-decision=approve]").click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.locator("#toasts")).to_contain_text("decisions not taken")  # legal's: the reply is there
    saved(page)
    approved = len(small.desk.decisions)
    assert approved > 30
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.locator("#selection").get_by_role("button", name="Take back").click()
    expect(page.locator("#toasts")).to_contain_text(f"Took back {approved} pictures")  # so they are on their way
    saved(page)
    assert [each["decision"] for each in small.desk.decisions[approved:]] == ["withdraw"] * approved
    assert sum("api/own" in each for each in requests) == 1
    assert not [each for each in requests if "api/asset" in each]


def test_what_the_server_refuses_is_told_in_its_words_and_leaves_nothing_behind(small):
    page = small.open()
    before = state_of(page, LEGAL)
    slot(page, LEGAL).focus()
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Not taken: de-DE is for legal to approve: ask Lea")
    expect(slot(page, LEGAL).locator(".state")).to_have_text(before)
    assert kept(page) == []
    page.keyboard.press("z")
    expect(page.locator("#toasts")).to_contain_text("there is nothing to undo")


def test_z_takes_the_last_thing_back_by_a_decision_of_its_own(small):
    page = small.open()
    tick(page, FIRST)
    tick(page, SECOND)
    page.keyboard.press("a")
    saved(page)
    page.keyboard.press("z")
    saved(page)
    assert [one["decision"] for one in small.desk.decisions] == ["approve", "approve", "withdraw", "withdraw"]
    assert {one["undoes"] for one in small.desk.decisions[2:]} == {one["ref"] for one in small.desk.decisions[:2]}
    expect(slot(page, FIRST).locator(".state")).to_have_text("open")


def test_u_takes_back_my_own_decision_also_one_of_another_day_and_undo_makes_it_again(small):
    page = small.open()
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    saved(page)
    page = small.open()
    slot(page, FIRST).focus()
    page.keyboard.press("u")
    expect(slot(page, FIRST).locator(".state")).to_have_text("open")
    page.get_by_role("button", name="Undo").click()
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")
    assert [one["decision"] for one in small.desk.decisions] == ["approve", "withdraw", "approve"]
    slot(page, SECOND).focus()
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("there is no decision of yours to take back")


def test_another_take_is_asked_for_of_the_paid_picture_with_its_price(small):
    page = small.open()
    slot(page, FIRST).focus()
    page.keyboard.press("t")
    dialog = page.get_by_role("dialog", name="Ask for another take")
    expect(dialog).to_contain_text("$0.05 at the next build · remakes 4 pictures")
    dialog.get_by_role("button", name="Ask for it").click()
    saved(page)
    (one,) = small.desk.decisions
    assert (one["asset"], one["key"]) == (
        "scene[product=kettle,ratio=1:1]:master",
        small.desk.key("scene[product=kettle,ratio=1:1]:master"),
    )
    expect(slot(page, SECOND)).to_contain_text("take asked for")


def test_a_picture_that_is_replaced_is_no_longer_selected_and_not_approved_in_the_same_breath(small):
    page = small.open()
    tick(page, FIRST)
    tick(page, SECOND)
    digest = small.desk.remake(FIRST)
    expect(page.locator("#toasts")).to_contain_text("1 selected picture changed")
    page.keyboard.press("a")
    saved(page)
    assert said(small.desk) == [("approve", SECOND)]
    page.keyboard.press("Escape")
    page.evaluate(
        """([address, digest]) => {
          review.takeCells([{ ...review.state.cells.get(address), digest }]);
          review.decide('approve', [address]);
        }""",
        [FIRST, "f" * 64],
    )
    expect(page.locator("#toasts")).to_contain_text("has just changed: look at it again")
    assert len(said(small.desk)) == 1
    assert digest == small.desk.cells[FIRST]["digest"]


def test_pictures_that_are_not_built_are_left_out(small):
    page = small.open()
    unbuilt = next(key for key, cell in small.desk.cells.items() if cell["digest"] is None)
    slot(page, unbuilt).locator(".strip").click()
    tick(page, FIRST)
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("1 picture not built yet: left out")
    saved(page)
    assert said(small.desk) == [("approve", FIRST)]


# ---- nothing lost, nothing doubled -----------------------------------------------------------------------------------


def test_what_is_decided_while_the_server_is_gone_is_kept_told_and_sent_once_when_it_is_back(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    hears(page, "Decisions are kept in this browser")
    for address in (FIRST, SECOND):
        slot(page, address).focus()
        page.keyboard.press("a")
    expect(page.locator("#banners")).to_contain_text("2 decisions kept in this browser and sent when it is back.")
    expect(slot(page, FIRST).locator(".state")).to_have_text("approving …")
    assert len(kept(page)) == 2
    small.served.start()
    saved(page)
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")
    expect(page.locator("#banners")).not_to_contain_text("does not answer")
    assert sorted(said(small.desk)) == [("approve", FIRST), ("approve", SECOND)]
    assert kept(page) == []


def test_a_page_of_a_server_that_was_started_again_says_that_a_new_link_is_needed_and_where_its_decisions_go(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    for address in (FIRST, SECOND):
        slot(page, address).focus()
        page.keyboard.press("a")
    small.served.people = tuple(Person(one.name, one.token.swapcase()) for one in PEOPLE)
    small.served.start()
    banner = page.locator("#banners")
    expect(banner).to_contain_text("This link is no longer valid: the review was started again.")
    expect(banner).to_contain_text("Open the link that imagebuild review printed now")
    expect(banner).to_contain_text("2 decisions kept in this browser: they are sent from there.")
    expect(banner).not_to_contain_text("does not answer")
    expect(page.locator("#status")).to_contain_text("2 unsent")
    hears(page, "This link is no longer valid")
    assert said(small.desk) == []
    saved(small.tab(page.context))
    assert sorted(said(small.desk)) == [("approve", FIRST), ("approve", SECOND)]
    expect(banner).to_contain_text("What you decide here is kept in this browser and sent from there.")


def test_a_page_whose_link_is_old_is_told_so_by_a_decision_alone(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    small.served.people = tuple(Person(one.name, one.token.swapcase()) for one in PEOPLE)
    small.served.start()
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    expect(page.locator("#banners")).to_contain_text("1 decision kept in this browser: it is sent from there.")


def test_pages_that_nobody_looks_at_let_go_of_their_stream_and_catch_up_without_a_word_of_loss(small):
    first = small.open()
    hidden = [first] + [small.tab(first.context) for _ in range(5)]  # a browser has six connections for one server
    for page in hidden:
        until(page, "review.state.connection === 'live'")
        page.evaluate(
            """() => {
              window.told = [];
              new MutationObserver(() => window.told.push(document.getElementById('banners').textContent))
                .observe(document.getElementById('banners'), { childList: true });
              review.live.pace.hidden = 50;
              Object.defineProperty(document, 'hidden', { value: true, configurable: true });
              document.dispatchEvent(new Event('visibilitychange'));
            }"""
        )
        until(page, "review.state.connection === 'resting'")
    seventh = small.tab(first.context)
    slot(seventh, FIRST).focus()
    seventh.keyboard.press("a")
    saved(seventh)
    assert first.evaluate("address => review.state.cells.get(address).state", FIRST) == "open"
    first.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(slot(first, FIRST).locator(".state")).to_have_text("approved")
    expect(first.locator("#status")).to_contain_text("live")
    assert [words for words in first.evaluate("window.told") if "answer" in words] == []


def test_a_decision_that_the_stream_tells_of_before_its_reply_has_come_is_no_longer_called_pending(small):
    page = small.open()
    small.desk.may_reply.clear()
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")
    assert page.evaluate("review.outbox.waiting()") == 1  # until the reply says so it is not given up
    small.desk.may_reply.set()
    saved(page)
    assert page.evaluate("address => review.pending(address)", FIRST) == []
    expect(slot(page, FIRST).locator(".state")).to_have_text("approved")


def test_what_is_unsent_when_the_page_is_closed_is_sent_by_the_next_page(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    assert len(kept(page)) == 1
    context = page.context
    page.close()
    small.served.start()
    saved(small.tab(context))
    assert said(small.desk) == [("approve", FIRST)]


def test_a_reply_that_is_lost_makes_the_decision_be_sent_again_and_taken_once(small):
    page = small.open()
    small.server_is_gone = True  # its errors are wanted here
    small.desk.deaf = True
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    until(page, "review.state.saving.trouble !== ''")
    assert len(kept(page)) == 1
    expect(page.locator("#banners")).to_contain_text("1 decision not sent yet.")
    small.desk.deaf = False
    saved(page)
    assert len(small.desk.calls) >= 2
    assert len(small.desk.decisions) == 1


def test_two_tabs_of_one_person_share_what_is_unsent_and_it_is_taken_once(small):
    page = small.open()
    other = small.tab(page.context)
    small.server_is_gone = True
    small.served.stop()
    for one, address in ((page, FIRST), (other, SECOND)):
        slot(one, address).focus()
        one.keyboard.press("a")
    until(page, "review.outbox.waiting() === 2")
    until(other, "review.outbox.waiting() === 2")
    small.served.start()
    saved(page)
    saved(other)
    assert sorted(said(small.desk)) == [("approve", FIRST), ("approve", SECOND)]


def test_a_second_tab_does_not_send_while_the_first_waits_for_an_answer(small):
    page = small.open()
    other = small.tab(page.context)
    small.desk.may_answer.clear()
    for one, address in ((page, FIRST), (other, SECOND)):
        slot(one, address).focus()
        one.keyboard.press("a")
    until(page, "review.outbox.waiting() === 2")
    other.wait_for_timeout(1000)
    assert len(small.desk.calls) == 1
    small.desk.may_answer.set()
    saved(page)
    saved(other)
    assert sorted(said(small.desk)) == [("approve", FIRST), ("approve", SECOND)]


def test_a_withdrawal_is_never_in_one_request_with_what_it_takes_back(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    hears(page, "Decisions are kept")
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    page.keyboard.press("z")
    small.served.start()
    saved(page)
    assert [one["decision"] for one in small.desk.decisions] == ["approve", "withdraw"]
    assert [len(call) for call in small.desk.calls] == [1, 1]


def test_a_decision_is_written_down_before_it_is_sent_and_refused_where_nothing_can_be(small):
    page = small.open()
    page.evaluate(
        """() => {
          window.order = [];
          const real = window.fetch;
          const kept = () => Object.keys(localStorage).filter((name) => name.startsWith('imagebuild.outbox:')).length;
          window.fetch = (path, options) => {
            if (options && options.method) window.order.push(kept());
            return real(path, options);
          };
        }"""
    )
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    saved(page)
    assert page.evaluate("window.order") == [1]
    page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }; }"
    )
    slot(page, SECOND).focus()
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("this browser cannot keep the decision")
    assert said(small.desk) == [("approve", FIRST)]


def test_one_decision_that_the_server_cannot_read_does_not_hold_up_the_others(small):
    page = small.open()
    page.evaluate(
        """() => {
          const real = review.api.decide;
          review.api.decide = async (list, options) => {
            const bad = list.some((one) => one.asset.includes('ja-JP'));
            if (bad) throw new review.Trouble('this cannot be read', { status: 400 });
            return real(list, options);
          };
        }"""
    )
    for address in (FIRST, SECOND, "hero[product=kettle,locale=hi-IN,ratio=1:1]"):
        tick(page, address)
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("Not taken: this cannot be read")
    saved(page)
    assert sorted(asset for _, asset in said(small.desk)) == sorted(
        [FIRST, "hero[product=kettle,locale=hi-IN,ratio=1:1]"]
    )


# ---- others ----------------------------------------------------------------------------------------------------------


def test_two_people_see_each_others_decisions_and_hear_of_them(small):
    ana, lea = small.open(), small.open(LEA)
    slot(lea, LEGAL).focus()
    lea.keyboard.press("a")
    expect(slot(ana, LEGAL).locator(".state")).to_have_text("approved")
    hears(ana, f"{LEA} approved {LEGAL}")
    expect(ana.locator("#news")).to_have_text(f"{LEA} approved {LEGAL}")
    slot(ana, FIRST).focus()
    ana.keyboard.press("c")
    ana.get_by_role("textbox", name="Comment").fill("lovely")
    ana.keyboard.press("Control+Enter")
    expect(slot(lea, FIRST).locator(".comments")).to_have_text("1")


def test_a_server_that_was_started_again_is_noticed_and_the_board_is_fetched_anew(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    small.desk.cells[FIRST] = {**small.desk.cells[FIRST], "state": "lapsed"}
    small.desk.cells.pop(SECOND)
    small.served.start()
    expect(slot(page, FIRST).locator(".state")).to_have_text("lapsed")
    expect(page.locator("#totals .all")).to_have_text("55 pictures")


def test_a_damaged_approvals_file_is_told_with_its_lines_and_switches_decisions_off(small):
    page = small.open()
    tick(page, FIRST)
    small.desk.faults = [{"line": 3, "what": MARKUP}]
    small.desk.tell(kind="faults", faults=small.desk.faults)
    expect(page.get_by_role("alert")).to_contain_text("line 3")
    expect(page.locator("[data-decision=approve]")).to_be_disabled()
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("the approvals file has faults")
    assert small.desk.decisions == []


def test_when_the_approvals_file_is_mended_one_decides_again_without_a_reload(small):
    page = small.open()
    for faults in ([{"line": 3, "what": "edited"}], []):
        small.desk.faults = faults
        small.desk.tell(kind="reload")
        small.desk.tell(kind="faults", faults=faults)
        expect(page.get_by_role("alert")).to_have_count(len(faults))
    until(page, "review.state.board.you.decides")
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    saved(page)
    assert said(small.desk) == [("approve", FIRST)]


def test_one_who_may_only_look_is_told_so_and_decides_nothing(small):
    page = small.open(LOOK)
    expect(page.locator("#banners")).to_contain_text("no approvers names you")
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    expect(page.locator("#toasts")).to_contain_text("no approvers names you")
    assert (small.desk.decisions, kept(page)) == ([], [])


def test_a_phone_selects_by_its_boxes_and_decides_in_the_bar(small):
    page = small.open(**PHONE)
    slot(page, FIRST).locator(".tick").tap()
    page.locator("[data-decision=approve]").tap()
    saved(page)
    assert said(small.desk) == [("approve", FIRST)]


# ---- an export -------------------------------------------------------------------------------------------------------


def exported(folder: Path, desk: FakeDesk) -> str:
    """The page as files, the board inside it."""
    shutil.copytree(PAGE, folder / "page")
    board = {**json.loads(desk.board("")), "export": True, "you": {"name": "", "decides": False, "why_not": ""}}
    for cell in board["cells"]:
        cell["thumb"] = None
    text = json.dumps(board).replace("<", "\\u003c")
    index = (PAGE / "index.html").read_text("utf-8")
    (folder / "index.html").write_text(
        index.replace(
            '<script src="page/core.js">',
            f'<script type="application/json" id="board">{text}</script>\n<script src="page/core.js">',
        ),
        "utf-8",
    )
    return (folder / "index.html").as_uri()


def test_an_export_keeps_decisions_and_hands_them_out_as_a_file(small, tmp_path):
    context = small.browser.new_context(viewport={"width": 1280, "height": 800})
    small.contexts.append(context)
    page = context.new_page()
    small.listen(page)
    page.goto(exported(tmp_path, small.desk))
    page.wait_for_selector(".slot")
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    page.get_by_role("textbox", name="Your name or address").fill("ana@northwind.example")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Download decisions (1)")).to_be_enabled()
    for address in (SECOND, LEGAL):
        slot(page, address).focus()
        page.keyboard.press("a")
    page.keyboard.press("z")  # it has gone nowhere: there is nothing to withdraw
    page.reload()
    expect(slot(page, FIRST).locator(".state")).to_have_text("approve, noted")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download decisions (2)").click()
    expect(page.get_by_role("dialog")).to_contain_text("imagebuild approve --from decisions.json")
    found = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    assert (found["imagebuild.decisions"], found["campaign"], found["by"]) == (
        1,
        "spring-kettle",
        "ana@northwind.example",
    )
    assert [(one["decision"], one["asset"], one["digest"]) for one in found["decisions"]] == [
        ("approve", one, small.desk.cells[one]["digest"]) for one in (FIRST, SECOND)
    ]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one["at"]) for one in found["decisions"])


def test_decisions_that_cannot_be_sent_can_be_taken_away_as_a_file_too(small):
    page = small.open()
    small.server_is_gone = True
    small.served.stop()
    slot(page, FIRST).focus()
    page.keyboard.press("a")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download them").click()
    found = json.loads(Path(waiting.value.path()).read_text("utf-8"))
    assert (found["by"], [one["asset"] for one in found["decisions"]]) == (ANA, [FIRST])
    page.keyboard.press("Escape")
    small.served.start()
    saved(page)
    assert [one["ref"] for one in small.desk.decisions] == [found["decisions"][0]["ref"]]
