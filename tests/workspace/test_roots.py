"""Every lock that somebody can still get at, and honesty about what could not be read."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from imagebuild.workspace.roots import FoundLock, Unreadable, roots_in

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


@pytest.fixture
def root(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    return project


def git(root, *arguments, **more):
    who = {f"GIT_{role}_{what}": "a@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= who | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"} | more
    done = subprocess.run(["git", *arguments], cwd=root, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(root, path, text):
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def commit(root, text, path="imagebuild.lock"):
    write(root, path, text)
    git(root, "add", "-A")
    git(root, "commit", "-m", text)
    return git(root, "rev-parse", "HEAD")


def texts(root):
    found = list(roots_in(str(root)))
    assert not [each for each in found if isinstance(each, Unreadable)]
    return {each.text for each in found}


@pytest.fixture
def repository(root):
    git(root, "init", "-b", "main")
    return root


def test_locks_of_all_folders_are_found_but_not_those_of_tools(root):
    write(root, "imagebuild.lock", "one")
    write(root, "ads/spring.imagebuild.lock", "two")
    write(root, "ads/poetry.lock", "no")
    write(root, "ads/myimagebuild.lock", "no")
    for folder in (".imagebuild/x", "node_modules/x", ".venv/lib"):
        write(root, f"{folder}/imagebuild.lock", "no")
    write(root, ".venv/pyvenv.cfg", "")
    assert list(roots_in(str(root))) == [
        FoundLock("imagebuild.lock", "one"),
        FoundLock("ads/spring.imagebuild.lock", "two"),
    ]


def test_a_lock_that_is_no_text_is_handed_out_as_unreadable(root):
    (root / "imagebuild.lock").write_bytes(b"\xff\xfe")
    assert list(roots_in(str(root))) == [Unreadable("imagebuild.lock", "it is not UTF-8")]


@needs_git
def test_a_repository_without_a_commit_has_only_its_folders(repository):
    write(repository, "imagebuild.lock", "one")
    assert list(roots_in(str(repository))) == [FoundLock("imagebuild.lock", "one")]


@needs_git
def test_branches_remote_branches_tags_stashes_and_detached_heads_are_looked_through(repository, tmp_path):
    commit(repository, "base")
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, "topic", "söme folder/x.imagebuild.lock")
    git(repository, "checkout", "-q", "-b", "tagged", "main")
    commit(repository, "tagged")
    git(repository, "tag", "-a", "v1", "-m", "v1")
    git(repository, "tag", "-a", "v1-signed-off", "-m", "a tag of a tag", "v1")
    git(repository, "tag", "a-file", git(repository, "rev-parse", "v1:imagebuild.lock"))
    git(repository, "checkout", "-q", "--detach")
    git(repository, "branch", "-q", "-D", "tagged")
    commit(repository, "detached")
    for number in (1, 2):
        write(repository, "imagebuild.lock", f"stash {number}")
        git(repository, "stash")
    write(repository, "new.imagebuild.lock", "stashed, untracked")
    git(repository, "stash", "-u")
    other = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(repository), str(other))
    git(other, "checkout", "-q", "-b", "theirs", "origin/main")
    commit(other, "theirs")
    git(other, "push", "-q", "origin", "theirs:refs/remotes/origin/theirs")
    git(repository, "checkout", "-q", "main")
    detached = {"detached"}  # a detached head that was left is out of reach, but for its stashes' parents
    assert texts(repository) == {
        "base", "topic", "tagged", "stash 1", "stash 2", "stashed, untracked", "theirs"
    } | detached  # fmt: skip


@needs_git
def test_heads_of_other_worktrees_count_and_a_project_may_lie_deep_in_its_repository(repository, tmp_path):
    first = commit(repository, "one", "ads/imagebuild.lock")
    git(repository, "worktree", "add", "-q", "--detach", str(tmp_path / "other"), first)
    commit(tmp_path / "other", "two", "ads/imagebuild.lock")
    assert texts(repository / "ads") == {"one", "two"}
    assert texts(tmp_path / "other" / "ads") == {"one", "two"}


@needs_git
def test_a_lock_shared_by_many_branches_comes_once_from_git(repository):
    commit(repository, "one")
    for number in range(5):
        git(repository, "branch", f"b{number}")
    assert [each.text for each in roots_in(str(repository))] == ["one", "one"]


@needs_git
def test_a_git_that_fails_is_not_taken_for_one_without_locks(repository):
    commit(repository, "one")
    (repository / ".git/HEAD").write_text("rubbish")
    found = list(roots_in(str(repository)))
    assert found[0] == FoundLock("imagebuild.lock", "one")
    assert isinstance(found[-1], Unreadable)
    assert "`git for-each-ref` failed" in found[-1].why


@needs_git
def test_a_missing_object_is_not_taken_for_one_without_locks(repository):
    commit(repository, "one")
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, "two")
    blob = git(repository, "rev-parse", "topic:imagebuild.lock")
    git(repository, "checkout", "-q", "main")
    (repository / ".git/objects" / blob[:2] / blob[2:]).unlink()
    found = list(roots_in(str(repository)))
    assert isinstance(found[-1], Unreadable)
    assert "`git cat-file` failed" in found[-1].why
