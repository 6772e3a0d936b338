"""`imagebuild report`: the files and texts that it writes; the page in a real browser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from tests.cli.conftest import Run, edit, say_in, tree
from tests.cli.inside import Inside, inside

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""


def git(folder: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false", *words], cwd=folder,
        capture_output=True, check=True,
    )  # fmt: skip


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    return inside(monkeypatch, capsys)


@pytest.fixture
def changed(built: Path, imagebuild: Run) -> Path:
    """Committed, then changed, in words that would be obeyed if they were not escaped; half of it built."""
    git(built, "init", "-q", "-b", "main")
    git(built, "add", "-A")
    git(built, "commit", "-qm", "v1")
    git(built, "tag", "v1")
    say_in(built, "de-DE", '"<img src=x onerror=alert(1)>"')
    say_in(built, "ar-EG", "مساء هادئ")
    assert imagebuild(built, "build", "-q").returncode == 0
    edit(built, "campaign.yaml", "falling snow", "<script>alert(1)</script> rain")
    return built


def test_the_markdown_is_printed_and_what_it_is_compared_with_is_said(changed: Path, imagebuild: Run) -> None:
    done = imagebuild(changed, "report", "--since", "v1")
    assert done.returncode == 0
    assert re.fullmatch(r"compared with v1 \([0-9a-f]{12}, \d{4}-\d\d-\d\d\)\n", done.stderr)
    assert done.stdout.startswith("### small: what changed\n")
    assert "**2 changed**" in done.stdout
    assert "| changed | `poster[locale=ar-EG]` |" in done.stdout
    assert "<script>" not in done.stdout
    assert "<img" not in done.stdout
    assert imagebuild(changed, "report", "--markdown", "--since", "v1").stdout == done.stdout


def test_the_files_are_written_whole_and_alike_each_time(changed: Path, imagebuild: Run) -> None:
    words = ("report", "--html", "report.html", "--markdown", "--out", "report.md")
    done = imagebuild(changed, *words)
    assert (done.returncode, done.stdout) == (0, "")
    first = [(changed / name).read_bytes() for name in ("report.html", "report.md")]
    imagebuild(changed, *words)
    assert [(changed / name).read_bytes() for name in ("report.html", "report.md")] == first
    assert first[0].count(b"<img ") == 4
    assert b"<img" not in first[1]


def test_a_wrong_command_is_told(changed: Path, imagebuild: Run) -> None:
    done = imagebuild(changed, "report", "--html", "report.html", "--out", "x.md")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: `--out` is for the Markdown")
    done = imagebuild(changed, "report", "--since", "v9")
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "error: git knows no `v9`")
    done = imagebuild(changed, "report", "--html", "nowhere/report.html")
    assert done.returncode == 1
    assert "error: cannot write `nowhere/report.html`" in done.stderr
    assert not (changed / "report.html").exists()


@pytest.mark.parametrize(
    ("path", "what"),
    [
        ("campaign.yaml", "the campaign itself: it would be overwritten"),
        ("strings/../campaign.yaml", "the campaign itself: it would be overwritten"),
        ("linked/campaign.yaml", "the campaign itself: it would be overwritten"),
        ("imagebuild.lock", "the campaign's lock: it would be overwritten"),
        ("imagebuild.approvals", "the approvals: they would be overwritten"),
        ("strings/de-DE.yaml", "a file that the campaign is made from"),
        ("prompts/poster.j2", "a file that the campaign is made from"),
        ("brand.png", "a file that the campaign is made from"),
        ("out/hero.webp", "a picture that the campaign delivers"),
        (".git/config", "in what git keeps for itself"),
        (".imagebuild/store/x.html", "in what imagebuild keeps for itself"),
    ],
)
@pytest.mark.parametrize("words", [("--html",), ("--markdown", "--out")])
def test_a_report_takes_the_place_of_nothing_that_the_campaign_needs(
    built: Path, run: Inside, path: str, what: str, words: tuple[str, ...]
) -> None:
    (built / ".git").mkdir()
    (built / "linked").symlink_to(".")
    before = tree(built)
    done = run(built, "report", *words, path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: `{path}` is {what}\n  hint: name another file, e.g. `report.html`\n"
    assert tree(built) == before


def test_the_page_and_the_text_are_two_files(built: Path, run: Inside) -> None:
    done = run(built, "report", "--html", "a/../report", "--markdown", "--out", "report")
    assert done.stderr.startswith("error: `--html` and `--out` name the same file")
    assert not (built / "report").exists()


def test_without_git_there_is_a_report_all_the_same(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "report")
    assert done.returncode == 0
    assert done.stderr == "compared with nothing: the campaign is in no git repository\n"
    assert "Compared with nothing" in done.stdout


# ---------------------------------------------------------------------------------------------------- in a browser


@pytest.fixture
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("no Chromium here")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"] if os.name == "posix" and os.geteuid() == 0 else []
        )
        yield running
        running.close()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_the_page_opens_from_disk_shows_its_pictures_and_runs_nothing(
    changed: Path, imagebuild: Run, browser: Any, width: int, scheme: str
) -> None:
    imagebuild(changed, "report", "--html", "report.html")
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    told: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("dialog", lambda dialog: told.append(dialog.message))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((changed / "report.html").as_uri())
    for picture in page.locator("img").all():
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("each => each.decode().then(() => each.naturalWidth)") > 0
    assert told == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("bdi[dir=rtl]").first.evaluate("each => getComputedStyle(each).direction") == "rtl"
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["help"]) for each in found if each["impact"] in ("serious", "critical")] == []
