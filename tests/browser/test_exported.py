"""The page as files: opened from disk, decided on without a server, and what was decided brought home, once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.acting import addresses, focus, opened, serious_faults, slot, state, tick, wrote
from tests.browser.conftest import Pages
from tests.browser.real import ANA, LEA, decisions, locked
from tests.cli.conftest import run_imagebuild
from tests.stages.reviewing import say

HEROES = [f"hero[locale={tag},ratio={ratio}]" for ratio in ("wide", "story") for tag in ("en-US", "de-DE", "ar-EG")]
POSTER = "poster[locale=de-DE]"
ATTACK = "</script><script>document.title = 'gone'</script><!-- <img src=x onerror=\"document.title = 'gone'\"> \u2028"


@pytest.fixture
def exported(campaign: Path, tmp_path: Path) -> Path:
    say(campaign, LEA, "comment", "poster[[]locale=en-US]", ATTACK)
    folder = tmp_path / "page"
    done = run_imagebuild(campaign, "review", "--export", str(folder), "--as", ANA, "--since", "v1")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def page(exported: Path, pages: Pages) -> Iterator[Page]:
    yield pages((exported / "index.html").as_uri(), accept_downloads=True)
    asked = {Path(unquote(urlsplit(url).path)) for url in pages.requests if url.startswith("file:")}
    assert all(path.is_relative_to(exported) for path in asked)
    assert any(path.parent.name == "thumbs" for path in asked)


def named(page: Page) -> None:
    """Nobody is asked who decides: the export was made for somebody, and it is their name that goes into the file."""
    expect(page.locator("#status .who")).to_have_text(ANA)
    expect(page.get_by_role("dialog")).to_have_count(0)


def downloaded(page: Page, folder: Path) -> Path:
    with page.expect_download() as found:
        page.locator("#download").click()
    path = folder / found.value.suggested_filename
    found.value.save_as(path)
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    return path


def test_it_shows_the_same_pictures_and_standings_without_a_server(page: Page) -> None:
    assert len(addresses(page)) == 11
    expect(state(page, POSTER)).to_have_text("lapsed")
    expect(page.locator("#banners")).to_contain_text("This is an export")
    expect(page.locator("#grid img.there").first).to_be_visible()
    view = opened(page, POSTER)
    expect(view.locator('.fact[data-fact="prompt"] del')).to_have_text("Warme")
    view.get_by_role("radio", name="Slider").check()
    expect(view.locator(".cover.slider img.there")).to_be_visible()
    view.get_by_role("radio", name="Difference").check()
    expect(view.locator(".blended img")).to_have_count(2)
    assert serious_faults(page) == []


def test_nothing_that_somebody_wrote_becomes_part_of_the_page(page: Page) -> None:
    view = opened(page, "poster[locale=en-US]")
    comment = view.locator('.fact[data-fact="history"] .why').first
    assert comment.evaluate("node => node.textContent") == ATTACK
    assert comment.evaluate("node => node.children.length") == 0
    assert page.title() == "kettles · review"


def test_what_is_decided_on_it_is_imported_once_however_often(page: Page, campaign: Path, tmp_path: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[0])
    page.keyboard.press("a")
    named(page)
    expect(state(page, HEROES[0])).to_have_text("approve, noted")
    for address in (HEROES[2], HEROES[5]):
        tick(page, address)
    page.keyboard.press("r")
    page.keyboard.type("صغير جدا & <i>")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#download")).to_have_text("Download decisions (3)")
    page.reload()  # it is kept in this browser
    expect(state(page, HEROES[0])).to_have_text("approve, noted")
    file = downloaded(page, tmp_path)
    assert file.name == "decisions.json"
    said = json.loads(file.read_text("utf-8"))
    assert (said["imagebuild.decisions"], said["campaign"], said["by"], len(said["decisions"])) == (
        1,
        "kettles",
        ANA,
        3,
    )
    rejected = ((ANA, "reject", address, "صغير جدا & <i>") for address in (HEROES[2], HEROES[5]))
    done = run_imagebuild(campaign, "approve", "--from", str(file), IMAGEBUILD_USER="ben@northwind.example")
    assert done.returncode == 0, done.stdout + done.stderr
    found = wrote(campaign, before, (ANA, "approve", HEROES[0]), *rejected)
    assert {each["ref"] for each in found} == {each["ref"] for each in said["decisions"]}
    assert all("ben@northwind.example" in each["entered"] for each in found)
    assert found[0]["digest"] == locked(campaign)[found[0]["asset"]]["digest"]
    text = (campaign / "imagebuild.approvals").read_bytes()
    again = run_imagebuild(campaign, "approve", "--from", str(file), IMAGEBUILD_USER="ben@northwind.example")
    assert again.returncode == 0, again.stdout + again.stderr
    assert (campaign / "imagebuild.approvals").read_bytes() == text
    assert run_imagebuild(campaign, "approvals", "verify").returncode == 0


def test_a_later_download_brings_what_is_new_and_a_taking_back(page: Page, campaign: Path, tmp_path: Path) -> None:
    before = len(decisions(campaign))
    focus(page, HEROES[0])
    page.keyboard.press("a")
    named(page)
    first = downloaded(page, tmp_path / "first")
    assert run_imagebuild(campaign, "approve", "--from", str(first)).returncode == 0
    wrote(campaign, before, (ANA, "approve", HEROES[0]))
    focus(page, HEROES[0])
    page.keyboard.press("u")
    focus(page, HEROES[3])
    page.keyboard.press("a")
    second = downloaded(page, tmp_path / "second")
    assert run_imagebuild(campaign, "approve", "--from", str(second)).returncode == 0
    found = wrote(
        campaign, before, (ANA, "approve", HEROES[0]), (ANA, "withdraw", HEROES[0]), (ANA, "approve", HEROES[3])
    )
    assert next(each for each in found if each["decision"] == "withdraw")["undoes"] == found[0]["ref"]


def test_what_was_undone_before_it_was_downloaded_leaves_no_trace(page: Page, tmp_path: Path) -> None:
    focus(page, HEROES[0])
    page.keyboard.press("a")
    named(page)
    focus(page, HEROES[1])
    page.keyboard.press("a")
    page.keyboard.press("z")
    expect(slot(page, HEROES[1]).locator(".state")).to_have_text("lapsed")
    said = json.loads(downloaded(page, tmp_path).read_text("utf-8"))
    assert [each["asset"] for each in said["decisions"]] == [HEROES[0]]


def test_a_file_of_decisions_about_other_pictures_changes_nothing(page: Page, campaign: Path, tmp_path: Path) -> None:
    """Somebody edits the file: a digest that is not the picture's, an address that is none, a script for a reason."""
    focus(page, HEROES[0])
    page.keyboard.press("a")
    named(page)
    file = downloaded(page, tmp_path)
    said = json.loads(file.read_text("utf-8"))
    (one,) = said["decisions"]
    said["decisions"] = [
        {**one, "ref": "1" * 32, "digest": "0" * 64},
        {**one, "ref": "2" * 32, "asset": "../../etc/passwd"},
        {**one, "ref": "3" * 32, "decision": "release"},
        {**one, "ref": "4" * 32, "decision": "comment", "why": "\u0000<script>alert(1)</script>"},
    ]
    file.write_text(json.dumps(said), "utf-8")
    before = (campaign / "imagebuild.approvals").read_bytes()
    done = run_imagebuild(campaign, "approve", "--from", str(file), "--as", ANA)
    assert done.returncode == 1
    assert (campaign / "imagebuild.approvals").read_bytes() == before
