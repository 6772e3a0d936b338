"""The page as files: what is in them, that nothing in them breaks out, and that a browser opens them from disk."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from imagebuild.review.desk import ReviewError
from imagebuild.stages.project import find_project
from imagebuild.stages.review.desk import Showing
from imagebuild.stages.review.export import export_review
from imagebuild.stages.since import compare_with
from tests.cli.conftest import edit, tree
from tests.stages.review.campaign import ANA, ATTACK, build, cells, desk_of
from tests.stages.review.test_since import git

GERMAN = "hero[locale=de-DE,ratio=wide]"


class Read(html.parser.HTMLParser):
    """Every script and style of a page, as a browser's parser would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.found.append((tag, dict(attrs), ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)


def read(folder: Path) -> Read:
    parser = Read()
    parser.feed((folder / "index.html").read_text("utf-8"))
    parser.close()
    return parser


def data_of(folder: Path, identity: str) -> Any:
    (text,) = [text for _, attributes, text in read(folder).found if attributes.get("id") == identity]
    return json.loads(text)


@pytest.fixture
def exported(shown: Path) -> Path:
    export_review(desk_of(shown), ANA, str(shown / "page"))
    return shown / "page"


def test_everything_is_inline_and_every_script_and_style_is_named_by_its_digest(exported: Path) -> None:
    page = read(exported)
    (policy,) = [
        str(each.get("content")) for tag, each in page.tags if each.get("http-equiv") == "Content-Security-Policy"
    ]
    named = set(re.findall(r"'sha256-([^']+)'", policy))
    used = {
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for _, attributes, text in page.found
        if "type" not in attributes
    }
    assert used == named
    assert len(used) > 5
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not [each for tag, each in page.tags if tag == "script" and "src" in each]
    assert not [each for tag, each in page.tags if tag == "link" and each.get("rel") == "stylesheet"]


def test_the_data_is_the_boards_and_every_picture_it_names_is_there(exported: Path) -> None:
    board, assets = data_of(exported, "board"), data_of(exported, "assets")
    assert board["export"] is True
    assert board["you"]["name"] == ANA
    assert set(assets) == {cell["address"] for cell in board["cells"]}
    named = {cell["thumb"] for cell in board["cells"]}
    for asset in assets.values():
        pictures = [asset["now"], *(each["picture"] for each in (*asset["others"], *asset["variants"]))]
        named |= {each[name] for each in pictures for name in ("url", "thumb")}
    assert {each for each in named if not (exported / each).is_file()} == set()
    files = set(tree(exported)) - {"index.html", "files.json"}
    assert named <= files
    assert all(re.fullmatch(r"(pictures|thumbs)/[0-9a-f]{64}\.(webp|jpeg|png)", each) for each in files)


def test_no_more_pictures_than_those_delivered_and_those_before_them(exported: Path) -> None:
    board, assets = data_of(exported, "board"), data_of(exported, "assets")
    delivered = {cell["digest"] for cell in board["cells"]}
    variants = {each["digest"] for asset in assets.values() for each in asset["variants"]}
    pictures = {path.stem for path in (exported / "pictures").iterdir()}
    assert pictures == delivered | variants
    kinds = {each["kind"] for asset in assets.values() for each in asset["others"]}
    assert "master" not in kinds


def test_a_picture_whose_bytes_are_gone_is_named_nowhere(shown: Path) -> None:
    digest = cells(desk_of(shown))[GERMAN]["digest"]
    (shown / ".imagebuild" / "store" / "objects" / digest[:2] / digest).unlink()
    (shown / "out" / "de-DE" / "wide.jpg").unlink()
    assert export_review(desk_of(shown), ANA, str(shown / "page")).missing == 1
    (cell,) = [each for each in data_of(shown / "page", "board")["cells"] if each["address"] == GERMAN]
    assert cell["thumb"] is None
    assert data_of(shown / "page", "assets")[GERMAN]["now"] is None


def test_an_attack_in_a_prompt_stays_a_text(exported: Path) -> None:
    assert ATTACK in data_of(exported, "assets")[GERMAN]["prompt"]
    whole = (exported / "index.html").read_bytes()
    assert b"<script>alert" not in whole
    assert b"<img" not in whole
    assert "\u2028".encode() not in whole
    scripts = [attributes for tag, attributes, _ in read(exported).found if tag == "script"]
    assert [each.get("id") for each in scripts if "type" in each] == ["board", "assets"]


def test_the_same_campaign_gives_the_same_bytes(shown: Path, exported: Path) -> None:
    export_review(desk_of(shown), ANA, str(shown / "again"))
    assert tree(shown / "again") == tree(exported)


def test_the_pictures_of_before_are_beside_those_of_now(shown: Path) -> None:
    git(shown, "init", "-q")
    git(shown, "add", "-A")
    git(shown, "commit", "-q", "-m", "first")
    then = cells(desk_of(shown))[GERMAN]["digest"]
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    build(shown, "locale=de-DE")
    since = compare_with(find_project(None, {}, str(shown)), "HEAD")
    export_review(desk_of(shown, Showing(since=since)), ANA, str(shown / "page"))
    (before,) = data_of(shown / "page", "assets")[GERMAN]["others"]
    assert (before["kind"], before["picture"]["digest"]) == ("since", then)
    assert (shown / "page" / before["picture"]["url"]).is_file()


def test_an_export_replaces_an_earlier_one_as_a_whole(shown: Path, exported: Path) -> None:
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    build(shown, "locale=de-DE")
    old = {path.name for path in (exported / "pictures").iterdir()}
    export_review(desk_of(shown, Showing(["swatch"])), ANA, str(exported))
    assert len(list((exported / "pictures").iterdir())) == 1 < len(old)
    assert sorted(path.name for path in shown.iterdir() if "tmp" in path.name) == []


def test_a_folder_with_other_files_is_refused_and_stays_as_it_is(shown: Path, exported: Path) -> None:
    (exported / "notes.txt").write_text("mine", "utf-8")
    before = tree(exported)
    with pytest.raises(ReviewError, match=r"`notes\.txt`") as bad:
        export_review(desk_of(shown), ANA, str(exported))
    assert bad.value.hint
    assert tree(exported) == before
    with pytest.raises(ReviewError, match="no export wrote"):
        export_review(desk_of(shown), ANA, str(shown))
    with pytest.raises(ReviewError, match="is a file"):
        export_review(desk_of(shown), ANA, str(shown / "campaign.yaml"))


def test_a_list_of_files_makes_no_other_names_ours(shown: Path, exported: Path) -> None:
    (exported / "mine.txt").write_text("mine", "utf-8")
    (exported / "pictures" / "mine.png").write_text("mine", "utf-8")
    listed = json.loads((exported / "files.json").read_text("utf-8"))
    listed["files"] += ["mine.txt", "pictures/mine.png", "../campaign.yaml"]
    (exported / "files.json").write_text(json.dumps(listed), "utf-8")
    before = tree(exported)
    for name in ("mine.txt", "pictures/mine.png"):
        with pytest.raises(ReviewError, match=name.replace(".", r"\.")):
            export_review(desk_of(shown), ANA, str(exported))
        assert tree(exported) == before
        (exported / name).unlink()
        before = tree(exported)
    export_review(desk_of(shown), ANA, str(exported))


@pytest.mark.parametrize("name", [".git", "pictures", "notes"])
def test_somebody_elses_empty_folder_is_somebody_elses(shown: Path, name: str) -> None:
    (shown / "page" / name).mkdir(parents=True)
    with pytest.raises(ReviewError, match="no export wrote"):
        export_review(desk_of(shown), ANA, str(shown / "page"))
    assert (shown / "page" / name).is_dir()


def test_no_folder_and_the_whole_disk_are_refused_at_once(shown: Path) -> None:
    with pytest.raises(ReviewError, match="has no folder"):
        export_review(desk_of(shown), ANA, "")
    many = shown / "many"
    for number in range(3):
        (many / f"{number}" / "deep").mkdir(parents=True)
    with pytest.raises(ReviewError, match="`0`"):
        export_review(desk_of(shown), ANA, str(many))
    with pytest.raises(ReviewError, match="no export wrote"):
        export_review(desk_of(shown), ANA, "/")


def test_a_list_of_files_cannot_make_foreign_files_ours_by_a_link(shown: Path, exported: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("x", "utf-8")
    (exported / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ReviewError, match="`link`"):
        export_review(desk_of(shown), ANA, str(exported))
    assert (tmp_path / "elsewhere" / "precious").exists()


def test_an_empty_folder_is_taken_and_what_cannot_be_written_is_an_error(shown: Path) -> None:
    (shown / "empty").mkdir()
    found = export_review(desk_of(shown), "", str(shown / "empty"))
    assert (found.pictures, found.missing) == (9, 0)
    assert found.files == len(tree(shown / "empty"))
    assert data_of(shown / "empty", "board")["you"]["decides"] is False
    with pytest.raises(ReviewError, match="cannot write"):
        export_review(desk_of(shown), ANA, "/proc/nowhere/page")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


def test_it_opens_from_disk_without_a_word_in_the_console_and_nothing_breaks_out(
    exported: Path, browser: Browser
) -> None:
    page = browser.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    page.on(
        "request", lambda request: said.append(request.url) if not request.url.startswith(("file:", "data:")) else None
    )
    page.goto((exported / "index.html").as_uri())
    page.wait_for_function("document.querySelectorAll('#board-root img').length > 0")
    page.wait_for_function("[...document.querySelectorAll('#board-root img')].some((image) => image.naturalWidth > 0)")
    page.goto((exported / "index.html").as_uri() + "#a=" + "hero%5Blocale%3Dar-EG%2Cratio%3Dwide%5D")
    page.reload()
    page.wait_for_function("document.querySelector('#asset-root').textContent.includes('Arabic')")
    page.wait_for_timeout(300)
    assert said == []
    page.close()
