"""A campaign as it was at a revision: in real git repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from imagebuild.errors import ImagebuildError, LockError
from imagebuild.stages.project import Project, find_project
from imagebuild.stages.review.desk import Showing
from imagebuild.stages.since import compare_with, picture_then
from tests.cli.conftest import edit
from tests.stages.review.campaign import asset, board, build, cells, desk_of

GERMAN = "hero[locale=de-DE,ratio=wide]"


def git(folder: Path, *words: str, at: str = "2026-11-01T12:00:00Z") -> str:
    settings = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at, "GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@northwind.example", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )  # fmt: skip
    return done.stdout.strip()


@pytest.fixture
def committed(shown: Path) -> Path:
    """Built, committed and tagged `v1.0`; then one text changed, and built again."""
    git(shown, "init", "-q")
    git(shown, "add", "-A")
    git(shown, "commit", "-q", "-m", "first")
    git(shown, "tag", "v1.0")
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    build(shown, "locale=de-DE")
    return shown


def project_of(folder: Path) -> Project:
    return find_project(None, {}, str(folder))


def test_a_tag_a_branch_a_commit_and_a_date_lead_to_the_lock_that_was_committed(committed: Path) -> None:
    commit = git(committed, "rev-parse", "HEAD")
    for said in ("v1.0", "main", commit, commit[:10], "2026-11-02"):
        found = compare_with(project_of(committed), said)
        assert (found.name, found.commit, found.at) == (said, commit, "2026-11-01T12:00:00Z")
        assert GERMAN in found.entries


def test_what_changed_since_is_told_of_every_picture(committed: Path) -> None:
    since = compare_with(project_of(committed), "v1.0")
    desk = desk_of(committed, Showing(since=since))
    changed = {address for address, cell in cells(desk).items() if cell["changed"]}
    assert changed == {"hero[locale=de-DE,ratio=wide]", "hero[locale=de-DE,ratio=story]"}, (
        "the tile is held back as it was"
    )
    assert board(desk)["since"] == {"name": "v1.0", "at": "2026-11-01T12:00:00Z", "what": "the lock of v1.0"}
    assert {cell["changed"] for cell in cells(desk_of(committed)).values()} == {None}


def test_the_picture_of_then_can_be_looked_at_though_only_git_has_it(committed: Path) -> None:
    project = project_of(committed)
    since = compare_with(project, "v1.0")
    digest = since.entries[GERMAN].digest
    (committed / ".imagebuild" / "store" / "objects" / digest[:2] / digest).unlink()
    desk = desk_of(committed, Showing(since=since))
    (then,) = [each for each in asset(desk, GERMAN)["others"] if each["kind"] == "since"]
    assert (then["label"], then["picture"]["digest"]) == ("v1.0 · 2026-11-01", digest)
    assert then["picture"]["size"] == [480, 270]
    served = desk.picture(digest)
    assert served is not None
    assert served.data == picture_then(project, since, digest)
    assert desk_of(committed).picture(digest) is None, "without the revision nobody has it"


def test_a_file_in_git_that_is_another_picture_is_not_taken_for_it(committed: Path) -> None:
    git(committed, "checkout", "-q", "-b", "other")
    (committed / "out" / "de-DE" / "wide.jpg").write_bytes(b"\xff\xd8\xff something else")
    git(committed, "add", "-A")
    git(committed, "commit", "-q", "-m", "second")
    project = project_of(committed)
    since = compare_with(project, "other")
    assert picture_then(project, since, since.entries[GERMAN].digest) is None


@pytest.mark.parametrize("said", ["v9.9", "--upload-pack=x", "", "no such thing", "1970-01-01"])
def test_a_revision_that_there_is_not_is_an_error_with_a_hint_or_a_reason(committed: Path, said: str) -> None:
    with pytest.raises(ImagebuildError) as bad:
        compare_with(project_of(committed), said)
    assert bad.value.what


def test_a_revision_without_a_lock_is_an_error_that_says_so(committed: Path) -> None:
    git(committed, "rm", "-q", "--cached", "imagebuild.lock")
    git(committed, "commit", "-q", "-m", "gone", at="2026-11-05T12:00:00Z")
    with pytest.raises(LockError, match="is not committed at `main") as bad:
        compare_with(project_of(committed), "main")
    assert bad.value.hint


def test_a_damaged_lock_of_then_is_told_with_the_revision(committed: Path) -> None:
    (committed / "imagebuild.lock").write_text('{"imagebuild.lock":1,"campaign":"shown"}\n{"asset":1}\n')
    git(committed, "add", "-A")
    git(committed, "commit", "-q", "-m", "broken")
    with pytest.raises(LockError) as bad:
        compare_with(project_of(committed), "main")
    assert "imagebuild.lock at main:2" in str(bad.value.at)


def test_where_there_is_no_git_it_says_so(shown: Path) -> None:
    with pytest.raises(ImagebuildError, match="in no git repository"):
        compare_with(project_of(shown), "v1.0")
