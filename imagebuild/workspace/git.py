"""What git says of a project: who its user is, what a file was at a revision, which commit a tag or a date means.

Only asks: it writes nothing, fetches nothing, runs no hook and waits for nobody. Paths are relative to the folder that
is asked about, with `/`. Knows nothing of campaigns; that git is absent, or has no such revision, is told as a
`GitError`, never taken for "nothing there".
"""

from __future__ import annotations

import datetime
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

from imagebuild.errors import ImagebuildError

__all__ = [
    "GitError",
    "NoGit",
    "Revision",
    "attribute",
    "branch_point",
    "bytes_at",
    "files_at",
    "repository",
    "resolve",
    "text_at",
    "user_email",
    "work_tree",
]

TIMEOUT: Final = 60.0  # seconds for one answer
_AT_ONCE: Final = 500  # paths of one command line
# Of a hook that we may run in: they would have git look at another repository than the folder's.
_OF_A_HOOK: Final = frozenset(
    (
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
        "GIT_NAMESPACE", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CEILING_DIRECTORIES",
    )
)  # fmt: skip
_ASKING: Final = {
    "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "cat", "LC_ALL": "C",
}  # fmt: skip
# A repository's own settings may name programs to run: none is run to answer.
_QUIET: Final = ("-c", "core.fsmonitor=false", "-c", "log.showSignature=false")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?")
_FILES: Final = ("100644", "100755")


class GitError(ImagebuildError):
    """Git could not answer."""


class NoGit(GitError):
    """There is no git here: it is not installed, or the folder is in no repository."""


class Revision(NamedTuple):
    """A commit, as it was asked for, and when it was made (UTC)."""

    said: str
    commit: str
    at: str

    def __str__(self) -> str:
        """`v1.0 (3f2a9c01d2e4, 2026-11-21)`"""
        shown = self.commit[:12]
        return f"{self.said} ({shown}, {self.at[:10]})" if self.said != self.commit else f"{shown} ({self.at[:10]})"


# --------------------------------------------------------------------------------------------------- where and who


def work_tree(folder: str) -> str | None:
    """The top of the work tree that the folder is in; None where it is in none. `NoGit` where git is not installed."""
    if repository(folder) is None:
        return None
    top = _said(folder, "rev-parse", "--show-toplevel").rstrip("\n")
    return os.path.realpath(top) if top else None


def user_email(folder: str) -> str | None:
    """The user's e-mail, as git would write it into a commit made in the folder; None where none is set, or no git is
    installed. One that git would make up from the machine's name is none."""
    with suppress(GitError):
        return _said(folder, "config", "--get", "user.email", codes=(0, 1)).strip() or None
    return None


def attribute(folder: str, path: str, name: str) -> str | None:
    """What `.gitattributes` says of a path: `set`, `unset` or a value; None where nothing says."""
    fields = _said(folder, "check-attr", "-z", name, "--", path).split("\0")
    value = fields[2] if len(fields) > 2 else "unspecified"
    return None if value == "unspecified" else value


# -------------------------------------------------------------------------------------------------------- revisions


def resolve(folder: str, said: str) -> Revision:
    """The commit that a tag, a branch, a commit's name or a date means. A date (`2026-11-01`, or with a time; UTC where
    it says nothing else) means the last commit of this branch before it."""
    if not said.strip() or said.startswith("-") or any(ord(each) < 0x20 or ord(each) == 0x7F for each in said):
        raise GitError(f"`{said}` is no revision", hint="a tag, a branch, a commit, or a date such as `2026-11-01`")
    _need_repository(folder)
    # Asked first, for it fails where all would fail: a repository that git does not trust, or cannot read.
    is_shallow = _said(folder, "rev-parse", "--is-shallow-repository").strip() == "true"
    found = _said(folder, "rev-parse", "--verify", "--quiet", f"{said}^{{commit}}", codes=(0, 1, 128)).strip()
    if not _COMMIT.fullmatch(found):
        hint = "this clone is shallow: `git fetch --unshallow --tags`" if is_shallow else None
        if not _DATE.fullmatch(said):
            raise _no_revision(said, hint)
        found = _commit_before(folder, said, hint)
    return _revision(folder, said, found)


def _revision(folder: str, said: str, commit: str) -> Revision:
    seconds = _said(folder, "log", "-1", "--format=%ct", commit, "--").strip()
    at = datetime.datetime.fromtimestamp(int(seconds), datetime.UTC)
    return Revision(said, commit, at.strftime("%Y-%m-%dT%H:%M:%SZ"))


def branch_point(folder: str) -> Revision | None:
    """The last commit that what is checked out shares with the default branch, which `said` names; None where nobody
    can say which branch that is, where it shares none, and where it is that branch's own last commit."""
    _need_repository(folder)
    named = _said(folder, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD", codes=(0, 1, 128)).strip()
    head = _said(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}", codes=(0, 1, 128)).strip()
    for name in filter(None, (named, "origin/main", "origin/master", "main", "master")):
        tip = _said(folder, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", codes=(0, 1, 128)).strip()
        if head and tip:
            found = _said(folder, "merge-base", "HEAD", tip, codes=(0, 1)).strip()
            return _revision(folder, name, found) if found and found != head else None
    return None


def _commit_before(folder: str, said: str, hint: str | None) -> str:
    try:
        when = datetime.datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError:
        raise GitError(f"`{said}` is no date", hint="e.g. `2026-11-01`, or `2026-11-01T09:30Z`") from None
    when = when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
    # Seconds, for git takes anything for a date; one less, for its `before` is "not after".
    before = f"--before={int(when.timestamp()) - 1} +0000"
    is_early = int(when.timestamp()) < 100_000_000  # 1973: git would take so few seconds for something else
    found = "" if is_early else _said(folder, "rev-list", "-1", "--first-parent", before, "HEAD", "--").strip()
    if not found:
        raise GitError(f"there is no commit before {said}", hint=hint)
    return found


def _no_revision(said: str, hint: str | None) -> GitError:
    if said == "HEAD":
        return GitError("nothing is committed yet", hint="`git commit` first")
    return GitError(f"git knows no `{said}`", hint=hint or "a tag, a branch, a commit, or a date such as `2026-11-01`")


# ------------------------------------------------------------------------------------------------------------ files


def bytes_at(folder: str, commit: str, path: str) -> bytes | None:
    """A file's bytes as they were committed, or None where the commit has no such file."""
    return files_at(folder, commit, [path]).get(path)


def text_at(folder: str, commit: str, path: str) -> str | None:
    """A file's text as it was committed, or None where the commit has no such file."""
    data = bytes_at(folder, commit, path)
    if data is None:
        return None
    try:
        return data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise GitError(f"`{path}` at {commit[:12]} is not UTF-8") from None


def files_at(folder: str, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The bytes of all of these files that the commit has. Links and folders are no files."""
    if not _COMMIT.fullmatch(commit):
        raise GitError(f"`{commit}` is no commit's whole name", hint="resolve it first")
    _need_repository(folder)
    blobs = _blobs(folder, commit, list(dict.fromkeys(paths)))
    contents = _contents(folder, list(dict.fromkeys(blobs.values())))
    return {path: contents[blob] for path, blob in blobs.items()}


def _blobs(folder: str, commit: str, paths: Sequence[str]) -> dict[str, str]:
    """Path → the name of its content."""
    here = os.path.realpath(folder)
    top = repository(here) or here
    wanted: dict[str, list[str]] = {}
    for path in paths:
        plain = os.path.normpath(path).replace(os.sep, "/") if path and "\0" not in path else ""
        if plain and not os.path.relpath(os.path.join(here, plain), top).startswith(os.pardir):  # else git gives up
            wanted.setdefault(plain, []).append(path)
    found: dict[str, str] = {}
    names = list(wanted)
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        for entry in _said(folder, "ls-tree", "-z", commit, "--", *some).split("\0"):
            about, _, path = entry.partition("\t")
            if path in wanted and about.startswith(_FILES):
                found.update(dict.fromkeys(wanted[path], about.split()[2]))
    return found


def _contents(folder: str, blobs: Sequence[str]) -> dict[str, bytes]:
    if not blobs:
        return {}
    answer = memoryview(_run(folder, "cat-file", "--batch", asked="".join(f"{each}\n" for each in blobs).encode()))
    found: dict[str, bytes] = {}
    at = 0
    for blob in blobs:
        end = at
        while answer[end] != 0x0A:
            end += 1
        words = bytes(answer[at:end]).decode("ascii", "replace").split()
        if len(words) != 3 or words[1] != "blob":
            raise GitError(f"git has lost the content `{blob[:12]}`", hint="`git fsck` tells more")
        size = int(words[2])
        found[blob] = bytes(answer[end + 1 : end + 1 + size])
        at = end + 1 + size + 1
    return found


# ----------------------------------------------------------------------------------------------------------- asking


def repository(folder: str) -> str | None:
    """The folder with `.git` at or above this one. Looked for here, so that a failing git is not taken for none."""
    at = os.path.abspath(folder)
    while not os.path.lexists(os.path.join(at, ".git")):
        above = os.path.dirname(at)
        if above == at:
            return None
        at = above
    return at


def _need_repository(folder: str) -> None:
    if repository(folder) is None:
        raise NoGit("the campaign is in no git repository", hint="`git init` begins one")


def _said(folder: str, *arguments: str, codes: Sequence[int] = (0,)) -> str:
    return _run(folder, *arguments, codes=codes).decode("utf-8", "surrogateescape")


def _run(folder: str, *arguments: str, asked: bytes = b"", codes: Sequence[int] = (0,)) -> bytes:
    """Git's answer, in the folder; an exit code that is not among `codes` is an error in git's own words."""
    environment = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK} | _ASKING
    try:
        done = subprocess.run(
            ["git", *_QUIET, "-C", folder, *arguments],
            input=asked, capture_output=True, env=environment, timeout=TIMEOUT, check=False,
        )  # fmt: skip
    except (FileNotFoundError, NotADirectoryError):  # the latter of a search path that names a file
        raise NoGit("git is not installed", hint="install git, or leave out what asks for it") from None
    except subprocess.TimeoutExpired:
        raise GitError(f"git took longer than {TIMEOUT:.0f} s", hint="see whether `git status` ends") from None
    except (OSError, ValueError) as bad:
        raise GitError(f"git could not be asked: {bad}") from bad
    if done.returncode not in codes:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        why = said[0].removeprefix("fatal: ") if said else f"exit code {done.returncode}"
        raise GitError(f"git failed: {why}", hint="\n".join(said[1:4]).strip() or None)
    return done.stdout
