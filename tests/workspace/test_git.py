"""What git says, asked of real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from imagebuild.workspace.git import (
    GitError,
    NoGit,
    attribute,
    bytes_at,
    files_at,
    resolve,
    text_at,
    user_email,
    work_tree,
)

EARLY, LATE = "2026-03-01T10:00:00Z", "2026-05-01T10:00:00Z"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path_factory.mktemp("home") / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in ("EMAIL", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        monkeypatch.delenv(name, raising=False)


def git(folder: Path, *words: str, at: str = LATE) -> str:
    by = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    who = ("-c", "user.name=Ana", "-c", "user.email=ana@northwind.example")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env={**os.environ, **by}, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: in March, tagged v1, and in May."""
    git(tmp_path, "init", "-q", "-b", "main", ".")
    folder = tmp_path / "ads"
    folder.mkdir()
    (folder / "a.txt").write_text("one\n", "utf-8")
    (folder / "with space é.bin").write_bytes(b"\x00\xff\n\r\n")
    (folder / "empty").write_bytes(b"")
    (tmp_path / "shared.txt").write_text("shared\n", "utf-8")
    (folder / "link").symlink_to("a.txt")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "one", at=EARLY)
    git(tmp_path, "tag", "-a", "v1", "-m", "v1", at=LATE)
    (folder / "a.txt").write_text("two\n", "utf-8")
    git(tmp_path, "commit", "-q", "-a", "-m", "two", at=LATE)
    return folder


def test_a_tag_a_branch_and_a_commit_are_resolved_to_the_commit_and_its_time(repository):
    early, late = git(repository, "rev-parse", "v1^{commit}"), git(repository, "rev-parse", "HEAD")
    found = resolve(str(repository), "v1")
    assert (found.commit, found.at, str(found)) == (early, EARLY, f"v1 ({early[:12]}, 2026-03-01)")
    assert resolve(str(repository), "main").commit == late
    assert resolve(str(repository), early[:10]).commit == early
    assert resolve(str(repository), "HEAD~1").at == EARLY


@pytest.mark.parametrize(
    ("said", "commit"),
    [("2026-04-01", "v1"), ("2026-05-02", "main"), ("2026-03-01T10:00:01Z", "v1"), ("2026-05-01T12:30+02:00", "main"),
     ("2026-05-01 10:00Z", "v1")],
)  # fmt: skip
def test_a_date_means_the_last_commit_before_it(repository, said, commit):
    assert resolve(str(repository), said).commit == git(repository, "rev-parse", f"{commit}^{{commit}}")


def test_a_name_goes_before_a_date(repository):
    git(repository, "branch", "2026-05-02", "v1")
    assert resolve(str(repository), "2026-05-02").at == EARLY


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ("-x", "`-x` is no revision"),
        ("--output=/tmp/x", "`--output=/tmp/x` is no revision"),
        ("", "`` is no revision"),
        ("a\nb", "is no revision"),
        ("v2", "git knows no `v2`"),
        ("yesterday", "git knows no `yesterday`"),
        ("HEAD:ads/a.txt", "git knows no `HEAD:ads/a.txt`"),
        ("v1..main", "git knows no `v1..main`"),
        ("2026-02-30", "`2026-02-30` is no date"),
        ("2026-01-01", "there is no commit before 2026-01-01"),
        ("0001-01-01", "there is no commit before 0001-01-01"),
    ],
)
def test_what_is_no_revision_is_told(repository, said, what):
    with pytest.raises(GitError) as caught:
        resolve(str(repository), said)
    assert what in caught.value.what


def test_a_shallow_clone_is_told_as_such(repository, tmp_path_factory):
    clone = tmp_path_factory.mktemp("clone") / "shallow"
    git(repository, "clone", "-q", "--depth", "1", "--no-tags", f"file://{repository.parent}", str(clone))
    with pytest.raises(GitError) as caught:
        resolve(str(clone), "v1")
    assert caught.value.hint == "this clone is shallow: `git fetch --unshallow --tags`"


def test_a_repository_without_a_commit_is_told(tmp_path):
    git(tmp_path, "init", "-q", ".")
    with pytest.raises(GitError, match="nothing is committed yet"):
        resolve(str(tmp_path), "HEAD")


def test_a_file_is_read_as_it_was_committed(repository):
    folder, then = str(repository), resolve(str(repository), "v1").commit
    assert text_at(folder, then, "a.txt") == "one\n"
    assert text_at(folder, resolve(folder, "HEAD").commit, "a.txt") == "two\n"
    assert bytes_at(folder, then, "with space é.bin") == b"\x00\xff\n\r\n"
    assert bytes_at(folder, then, "../shared.txt") == b"shared\n"
    (repository / "a.txt").unlink()
    assert text_at(folder, then, "a.txt") == "one\n"


def test_what_a_commit_does_not_have_as_a_file_is_none(repository):
    folder, then = str(repository), resolve(str(repository), "v1").commit
    paths = ["none.txt", "link", ".", "..", "", "a.txt\0", "../../outside", "/etc/passwd", "*.txt", ":(top)shared.txt"]
    assert files_at(folder, then, paths) == {}


def test_many_files_come_at_once_also_the_same_by_two_names(repository):
    then = resolve(str(repository), "v1").commit
    found = files_at(str(repository), then, ["a.txt", "./a.txt", "empty", "none", "../shared.txt"])
    assert found == {"a.txt": b"one\n", "./a.txt": b"one\n", "empty": b"", "../shared.txt": b"shared\n"}
    assert files_at(str(repository), then, []) == {}


def test_a_file_that_is_no_text_is_not_read_as_one(repository):
    with pytest.raises(GitError, match="is not UTF-8"):
        text_at(str(repository), resolve(str(repository), "v1").commit, "with space é.bin")


def test_only_a_whole_commit_is_looked_into(repository):
    with pytest.raises(GitError, match="no commit's whole name"):
        files_at(str(repository), "--all", ["a.txt"])


def test_the_work_tree_is_the_nearest_repository(repository, tmp_path_factory):
    assert work_tree(str(repository)) == str(repository.parent)
    assert work_tree(str(tmp_path_factory.mktemp("elsewhere"))) is None


def test_outside_a_repository_there_is_no_git(tmp_path):
    with pytest.raises(NoGit) as caught:
        resolve(str(tmp_path), "HEAD")
    assert (caught.value.what, caught.value.hint) == ("the campaign is in no git repository", "`git init` begins one")


def test_git_that_is_not_installed_is_told_as_such(repository, monkeypatch, tmp_path_factory):
    monkeypatch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
    for ask in (work_tree, lambda folder: resolve(folder, "HEAD")):
        with pytest.raises(NoGit, match="git is not installed"):
            ask(str(repository))
    assert user_email(str(repository)) is None


def test_a_hooks_environment_does_not_turn_the_eye_elsewhere(repository, monkeypatch, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q", ".")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert resolve(str(repository), "v1").at == EARLY


def test_the_users_e_mail_is_the_one_that_is_configured(repository, tmp_path_factory):
    assert user_email(str(repository)) is None
    git(repository, "config", "user.email", "ben@northwind.example")
    assert user_email(str(repository)) == "ben@northwind.example"


def test_attributes_are_those_that_git_finds(repository):
    assert attribute(str(repository), "x.approvals", "merge") is None
    (repository / ".gitattributes").write_text("*.approvals merge=union -text\n", "utf-8")
    assert attribute(str(repository), "x.approvals", "merge") == "union"
    assert attribute(str(repository), "x.approvals", "text") == "unset"
    assert attribute(str(repository), "-x", "merge") is None


def test_a_repositorys_own_settings_run_no_program(repository):
    sign = repository.parent / "ran"
    git(repository, "config", "core.fsmonitor", f"touch '{sign}'")
    git(repository, "config", "log.showSignature", "true")
    git(repository, "config", "gpg.program", f"touch '{sign}'")
    assert text_at(str(repository), resolve(str(repository), "v1").commit, "a.txt") == "one\n"
    assert not sign.exists()
