"""Two people at once, a server that is killed under their hands, and what is left on disk: every decision, once."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import real
from tests.browser.acting import focus, opened, saved, slot, state, until, wrote
from tests.browser.conftest import Pages
from tests.browser.real import ANA, BEN, Reviewing, commit, decisions, eventually, git
from tests.cli.conftest import run_imagebuild

HEROES = [f"hero[locale={tag},ratio={ratio}]" for ratio in ("wide", "story") for tag in ("en-US", "de-DE", "ar-EG")]
POSTERS = [f"poster[locale={tag}]" for tag in ("en-US", "de-DE", "ar-EG")]


@pytest.fixture
def both(campaign: Path) -> Iterator[Reviewing]:
    with real.reviewing(campaign, "--for", ANA, "--for", BEN) as served:
        yield served


def verified(folder: Path) -> None:
    done = run_imagebuild(folder, "approvals", "verify")
    assert done.returncode == 0, done.stdout + done.stderr


def asked_refs(page: Page) -> list[str]:
    """What the page has put into its outbox, ever: also what has been sent since."""
    found: list[str] = page.evaluate("window.__asked")
    return found


def noting(page: Page) -> None:
    """From now on the page's decisions are noted as they are made, before anything is sent."""
    page.evaluate(
        """() => {
            window.__asked = [];
            const refs = (asked) => asked.map((each) => each.ref);
            review.on("decisions", (one) => one.optimistic && window.__asked.push(...refs(one.asked)));
        }"""
    )


def test_each_sees_what_the_other_decides_and_whose_word_it_was(both: Reviewing, campaign: Path, pages: Pages) -> None:
    before = len(decisions(campaign))
    ana, ben = pages(both.url(ANA)), pages(both.url(BEN))
    focus(ana, HEROES[0])
    ana.keyboard.press("a")
    expect(state(ben, HEROES[0])).to_have_text("approved")
    expect(ben.locator("#news")).to_have_text(f"{ANA} approved {HEROES[0]}")
    view = opened(ben, HEROES[0])
    expect(view.locator('.fact[data-fact="history"]')).to_contain_text(f"{ANA} approved")
    ben.keyboard.press("r")
    ben.keyboard.type("The lid")
    ben.keyboard.press("Control+Enter")
    expect(state(ana, HEROES[0])).to_have_text("rejected")
    expect(ana.locator("#news")).to_have_text(f"{BEN} rejected {HEROES[0]}")
    wrote(campaign, before, (ANA, "approve", HEROES[0]), (BEN, "reject", HEROES[0], "The lid"))
    verified(campaign)


def test_deciding_at_the_same_moment_on_the_same_and_on_other_pictures_keeps_every_word(
    both: Reviewing, campaign: Path, pages: Pages
) -> None:
    before = len(decisions(campaign))
    ana, ben = pages(both.url(ANA)), pages(both.url(BEN))
    for page in (ana, ben):  # without waiting for one another, or for an answer
        page.evaluate("addresses => { for (const each of addresses) review.decide('approve', [each]); }", HEROES)
        page.evaluate(
            "addresses => { for (const each of addresses) review.decide('comment', [each], {why: 'seen'}); }", POSTERS
        )
    wanted = [(who, "approve", address) for who in (ANA, BEN) for address in HEROES]
    wanted += [(who, "comment", address, "seen") for who in (ANA, BEN) for address in POSTERS]  # fmt: skip
    wrote(campaign, before, *wanted)
    for page in (ana, ben):
        saved(page)
        for address in HEROES:
            expect(state(page, address)).to_have_text("approved")
        for address in POSTERS[:2]:
            expect(slot(page, address).locator(".comments")).to_have_text("2")
    verified(campaign)


# Thirty times: a comment on each picture, without waiting for anything.
BURST = """addresses => { (async () => {
    for (let turn = 0; turn < 30; turn += 1) {
        for (const address of addresses) review.decide("comment", [address], {why: `no ${turn}`, quiet: true});
        await new Promise((done) => setTimeout(done, 10));
    }
    window.__done = true;
})(); }"""


def test_a_server_that_is_killed_amid_a_burst_loses_nothing_and_doubles_nothing(
    both: Reviewing, campaign: Path, pages: Pages
) -> None:
    """Three times over: decisions come while it dies, is gone, and is back at the same port. Its addresses are new
    then: what a page could not send is sent by the next one that is opened."""
    pages.server_dies = True
    before = len(decisions(campaign))
    contexts = {who: pages.context() for who in (ANA, BEN)}
    asked: list[str] = []
    written: list[int] = []
    for turn in range(3):
        there = {who: pages(both.url(who), context=contexts[who]) for who in contexts}
        had = len(decisions(campaign))
        for page in there.values():
            noting(page)
            page.evaluate(BURST, POSTERS)
        eventually(lambda had=had: len(decisions(campaign)) > had)
        both.kill()
        written.append(len(decisions(campaign)) - had)
        for page in there.values():
            until(page, "window.__done === true")
            expect(page.locator("#banners .warn")).to_contain_text("The review server does not answer")
        if turn == 1:  # and one that is made while it is gone
            focus(there[ANA], HEROES[2])
            there[ANA].keyboard.press("a")
            expect(state(there[ANA], HEROES[2])).to_have_text("approving …")
        asked += [ref for page in there.values() for ref in asked_refs(page)]
        both.start()
        for page in there.values():
            page.close()
        for who in contexts:
            page = pages(both.url(who), context=contexts[who])
            saved(page)
            page.close()
    found = decisions(campaign)[before:]
    assert any(0 < each < 180 for each in written), written  # it died in the middle
    assert len(asked) == len(set(asked)) == 3 * 2 * 90 + 1
    assert Counter(each["ref"] for each in found) == Counter(asked)
    assert Counter(each["by"] for each in found) == {ANA: 271, BEN: 270}
    assert len({each["id"] for each in decisions(campaign)}) == before + len(asked)
    verified(campaign)


def test_a_page_of_a_server_that_was_started_again_says_how_to_go_on(
    both: Reviewing, campaign: Path, pages: Pages
) -> None:
    pages.server_dies = True
    before = len(decisions(campaign))
    context = pages.context()
    page = pages(both.url(ANA), context=context)
    both.kill()
    focus(page, HEROES[0])
    page.keyboard.press("a")
    expect(page.locator("#status")).to_contain_text("1 unsent")
    both.start()
    expect(page.locator("#banners")).to_contain_text("no longer valid", timeout=30_000)
    page.close()
    page = pages(both.url(ANA), context=context)
    expect(state(page, HEROES[0])).to_have_text("approved")
    wrote(campaign, before, (ANA, "approve", HEROES[0]))


def test_a_reply_that_is_lost_after_it_was_written_down_doubles_nothing(
    both: Reviewing, campaign: Path, pages: Pages
) -> None:
    pages.server_dies = True
    before = len(decisions(campaign))
    page = pages(both.url(ANA))
    lost: list[Any] = []

    def lose(route: Any) -> None:
        if len(lost) < 2:
            lost.append(route.fetch())  # it came to the server, and was taken
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/decisions", lose)
    focus(page, HEROES[0])
    page.keyboard.press("a")
    while len(lost) < 2:
        page.wait_for_timeout(50)
    saved(page)
    expect(state(page, HEROES[0])).to_have_text("approved")
    wrote(campaign, before, (ANA, "approve", HEROES[0]))
    verified(campaign)


def test_two_tabs_of_one_person_send_what_waits_once(both: Reviewing, campaign: Path, pages: Pages) -> None:
    before = len(decisions(campaign))
    context = pages.context()
    first, second = pages(both.url(ANA), context=context), pages(both.url(ANA), context=context)
    for page in (first, second):
        page.evaluate(
            "addresses => { for (const each of addresses) review.decide('approve', [each]); }",
            HEROES[:3] if page is first else HEROES[3:],
        )
    wrote(campaign, before, *((ANA, "approve", address) for address in HEROES))
    for page in (first, second):
        saved(page)
        for address in HEROES:
            expect(state(page, address)).to_have_text("approved")


def test_two_clones_that_were_decided_on_apart_are_merged_by_git_and_nothing_is_lost(
    campaign: Path, tmp_path: Path, pages: Pages
) -> None:
    git(campaign, "add", "-A")
    git(campaign, "commit", "-q", "-m", "built")
    other = tmp_path / "other"
    shutil.copytree(campaign, other, symlinks=True)
    before = len(decisions(campaign))
    for folder, who, address in ((campaign, ANA, HEROES[0]), (other, BEN, HEROES[0]), (other, BEN, HEROES[5])):
        with pages.serving(folder, "--as", who) as served:
            page = pages(served.url(who))
            focus(page, address)
            page.keyboard.press("a")
            expect(state(page, address)).to_have_text("approved")
            page.close()
    for folder, tag in ((campaign, "ana"), (other, "ben")):
        commit(folder, tag)
    git(campaign, "pull", "-q", "--no-rebase", "--no-edit", str(other), "main")
    found = wrote(
        campaign, before, (ANA, "approve", HEROES[0]), (BEN, "approve", HEROES[0]), (BEN, "approve", HEROES[5])
    )
    verified(campaign)
    with pages.serving(campaign, "--as", ANA) as served:
        page = pages(served.url())
        expect(state(page, HEROES[5])).to_have_text("approved")
        focus(page, HEROES[3])
        page.keyboard.press("a")
        expect(state(page, HEROES[3])).to_have_text("approved")
    last = decisions(campaign)[-1]
    assert len(last["after"]) == 2  # it ties both histories together
    assert set(last["after"]) <= {each["id"] for each in found}
    verified(campaign)
