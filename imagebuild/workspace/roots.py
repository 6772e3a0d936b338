"""Every lock and every approvals file that may name a picture: in the project's folders, and in every branch, tag and
stash in git.

What they name must not be dropped from the store. Whatever could not be read is handed out too, as `Unreadable`:
who drops things must then refuse, rather than believe that nothing was there. Does not read what they say.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from typing import Final, NamedTuple

from imagebuild.errors import reason_of
from imagebuild.workspace.git import repository

__all__ = ["FoundApprovals", "FoundLock", "Unreadable", "roots_in"]

_LOCK: Final = "imagebuild.lock"
_APPROVALS: Final = "imagebuild.approvals"
_SKIPPED: Final = frozenset((".git", ".hg", ".imagebuild", "node_modules", "__pycache__", ".tox", ".nox"))
_MOST_COMMITS: Final = 5_000
_MOST_SECONDS: Final = 120.0


class FoundLock(NamedTuple):
    """A lock's text, and where it is: a path, or `<commit>:<path>`."""

    name: str
    text: str


class FoundApprovals(NamedTuple):
    """As `FoundLock`, of a file of decisions: the pictures they are about are wanted for comparison."""

    name: str
    text: str


class Unreadable(NamedTuple):
    """Something that may be one of them, and why it could not be read."""

    name: str
    why: str


Found = FoundLock | FoundApprovals | Unreadable


def roots_in(root: str) -> Iterator[Found]:
    """Those under the root, then those that git's names lead to; one that several of them share comes once."""
    yield from _in_folders(root)
    at = repository(root)
    if at is not None:
        yield from _in_git(at)


def _in_folders(root: str) -> Iterator[Found]:
    failures: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=failures.append):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            if _kind(name):
                path = os.path.join(folder, name)
                shown = os.path.relpath(path, root).replace(os.sep, "/")
                try:
                    with open(path, "rb") as file:
                        yield _found(shown, shown, file.read())
                except OSError as bad:
                    yield Unreadable(shown, reason_of(bad))
    for failure in failures:
        yield Unreadable(str(failure.filename), reason_of(failure))


def _kind(name: str) -> type[FoundLock] | type[FoundApprovals] | None:
    """What a file of this name is, if it is one."""
    for own, kind in ((_LOCK, FoundLock), (_APPROVALS, FoundApprovals)):
        if name == own or name.endswith("." + own):
            return kind
    return None


def _found(path: str, name: str, data: bytes) -> Found:
    kind = _kind(path.rpartition("/")[2])
    assert kind is not None
    try:
        return kind(name, data.decode())
    except UnicodeDecodeError:
        return Unreadable(name, "it is not UTF-8")


# ----------------------------------------------------------------------------------------------------------- git


class _GitFailed(Exception):
    """A git command failed: its arguments say which, and why."""


def _in_git(repository: str) -> Iterator[Found]:
    end = time.monotonic() + _MOST_SECONDS
    try:
        blobs = _blobs(repository, _tips(repository, end), end)
        yield from _texts(repository, blobs, end)
    except (_GitFailed, OSError, subprocess.SubprocessError, ValueError) as bad:
        why = str(bad)
        if isinstance(bad, subprocess.TimeoutExpired):
            why = f"git took longer than {_MOST_SECONDS:.0f} s"
        elif isinstance(bad, FileNotFoundError):
            why = "git is not installed"
        yield Unreadable(f"git repository `{repository}`", why)


def _tips(repository: str, end: float) -> list[str]:
    """What a person can still get at by name: branches, remote branches, tags, stashes, the heads of worktrees."""
    commits: dict[str, None] = {}
    kinds = "--format=%(objectname) %(objecttype)%(*objecttype)"
    for line in _git(repository, end, "for-each-ref", kinds).splitlines():
        identity, _, kind = line.partition(" ")
        if not kind.endswith("blob"):  # a name may stand for a mere file
            commits[identity] = None
    for line in _git(repository, end, "worktree", "list", "--porcelain").splitlines():
        if line.startswith("HEAD ") and line[5:].strip("0"):  # all zeros: no commit yet
            commits[line[5:]] = None
    if _git(repository, end, "for-each-ref", "refs/stash"):
        stashed = _git(repository, end, "log", "-g", "--format=%H %P", "refs/stash", "--")
        commits.update(dict.fromkeys(stashed.split()))  # with parents: a stash keeps untracked files in one
    if len(commits) > _MOST_COMMITS:
        raise _GitFailed(f"{len(commits)} branches and tags are more than the {_MOST_COMMITS} that are looked through")
    return list(commits)


def _blobs(repository: str, commits: list[str], end: float) -> dict[str, str]:
    """Blob → name of every one of them in the commits' trees; each tree is listed once."""
    if not commits:
        return {}
    asked = "".join(f"{commit}^{{tree}}\n" for commit in commits)
    answers = _git(repository, end, "cat-file", "--batch-check=%(objectname) %(objecttype)", asked=asked).splitlines()
    trees: dict[str, str] = {}
    for commit, answer in zip(commits, answers, strict=True):
        tree, _, kind = answer.partition(" ")
        if kind != "tree":
            raise _GitFailed(f"the commit {commit[:12]} cannot be read")
        trees.setdefault(tree, commit)
    blobs: dict[str, str] = {}
    for tree, commit in trees.items():
        for entry in _git(repository, end, "ls-tree", "-r", "-z", tree).split("\0"):
            about, _, path = entry.partition("\t")
            if _kind(path.rpartition("/")[2]) and about.split()[1] == "blob":
                blobs.setdefault(about.split()[2], f"{commit[:12]}:{path}")
    return blobs


def _texts(repository: str, blobs: dict[str, str], end: float) -> Iterator[Found]:
    """One blob at a time, so that one file at a time is in memory."""
    for blob, name in blobs.items():
        yield _found(name.partition(":")[2], name, _run(repository, end, "cat-file", "blob", blob))


def _git(repository: str, end: float, *arguments: str, asked: str = "") -> str:
    return _run(repository, end, *arguments, asked=asked).decode("utf-8", "surrogateescape")


def _run(repository: str, end: float, *arguments: str, asked: str = "") -> bytes:
    """Git's answer. It fetches nothing, asks nothing, and hears nothing of a hook that we may run in."""
    hook = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"}
    environment = {name: value for name, value in os.environ.items() if name not in hook}
    environment |= {"GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    left = max(end - time.monotonic(), 0.001)
    done = subprocess.run(
        ["git", "-C", repository, *arguments],
        input=asked.encode(), capture_output=True, env=environment, timeout=left, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _GitFailed(f"`git {arguments[0]}` failed: {said[0] if said else f'exit code {done.returncode}'}")
    return done.stdout
