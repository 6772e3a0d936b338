"""The approvals file on disk: reading it, and adding to it so that nothing that was confirmed is ever lost or doubled.

The command line, several servers and their threads may all add at once: one lock of the kernel for the project makes
them take turns, and whoever has it reads the file anew before deciding what to add. What is added is one write, and on
disk before anybody is told. The file may be replaced under our hands (by git): then it is done again, in the new one.
Knows nothing of campaigns and policies.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final, NamedTuple

from imagebuild.core.approvals.decision import Decision, written
from imagebuild.core.approvals.history import History, appended, parse_history, written_header
from imagebuild.errors import ApprovalsError, ImagebuildError, reason_of
from imagebuild.flock import unlock, wait_for
from imagebuild.workspace.git import attribute, work_tree
from imagebuild.workspace.private import private_folder, replace_file

__all__ = ["add", "read", "read_bytes"]

_LOCK: Final = "approvals.lock"  # of all campaigns of a project: it is held for milliseconds
_POLL: Final = 0.005
_PATIENCE: Final = 60.0
_AGAIN: Final = 20  # git does not replace a file more often than that while we look
_BINARY: Final = getattr(os, "O_BINARY", 0)
_CLOEXEC: Final = getattr(os, "O_CLOEXEC", 0)
_MARKERS: Final = (b"<<<<<<<", b"=======", b"|||||||", b">>>>>>>")
_MOST_REMEMBERED: Final = 4


def read(path: str, *, file: str) -> History:
    """The history as it is now; an empty one where there is no file. `file` is how messages call it."""
    data = read_bytes(path, file=file)
    return History(file=file) if data is None else _known.history(path, data, file)


def read_bytes(path: str, *, file: str) -> bytes | None:
    """The text as it is on disk; None where there is none."""
    try:
        with open(path, "rb") as opened:
            return opened.read()
    except FileNotFoundError:
        return None
    except OSError as bad:
        raise _cannot("read", file, bad) from bad


def add(
    root: str,
    path: str,
    choose: Callable[[History], Iterable[Decision]],
    *,
    file: str,
    campaign: str,
    patience: float = _PATIENCE,
) -> History:
    """Add the decisions that `choose` picks when it is shown the history as it is now; the history with them in it.

    When this returns they are on disk. A decision whose ref is there already is left out. `choose` may be called more
    than once: what it says last holds. Nothing is added to a history that was edited (`ApprovalsError`).
    """
    with _turn(root, file, patience):
        for _ in range(_AGAIN):
            history = _added(root, path, choose, file, campaign)
            if history is not None:
                return history
    raise ApprovalsError(f"`{file}` is replaced all the time", hint="let git finish, then decide again")


def _added(
    root: str, path: str, choose: Callable[[History], Iterable[Decision]], file: str, campaign: str
) -> History | None:
    """One try; None when the file is another by now."""
    found = _look(path, file)
    history = _known.history(path, found.data, file)
    chosen = list(choose(history))
    if not chosen:
        return history
    new, after = appended(history, chosen)
    if not new:
        return history
    lines = [written(each) for each in new]
    if not history.campaign:
        lines.insert(0, written_header(campaign))
    text = "".join(f"{line}\n" for line in lines).encode()
    stays = found.data
    if history.torn:  # a last line that was never wholly written, so never confirmed to anybody
        stays = stays[: stays.rfind(b"\n") + 1]
    elif stays and not stays.endswith(b"\n"):  # some editors leave it so
        text = b"\n" + text
    try:
        if found.identity is None:
            _tell_git(root, path)
        if history.conflicted:
            stays = _without_markers(stays)
            text = text.lstrip()  # each line that stays has its line break by now
            if _identity(path) != found.identity:
                return None
            replace_file(root, path, stays + text)
        elif not _write(path, found, len(stays), text):
            return None
    except OSError as bad:
        raise _cannot("write", file, bad) from bad
    after = replace(after, campaign=history.campaign or campaign, torn=False, conflicted=False)
    _known.note(path, stays + text, after)
    return after


# ------------------------------------------------------------------------------------------------- the file's bytes


class _Found(NamedTuple):
    """A file as it was read: its device and inode, None where there was none."""

    data: bytes
    identity: tuple[int, int] | None


def _look(path: str, file: str) -> _Found:
    try:
        with open(path, "rb") as opened:
            status = os.fstat(opened.fileno())
            return _Found(opened.read(), (status.st_dev, status.st_ino))
    except FileNotFoundError:
        return _Found(b"", None)
    except OSError as bad:
        raise _cannot("read", file, bad) from bad


def _without_markers(data: bytes) -> bytes:
    """Both sides of a merge that git left to be settled: all their lines, each once."""
    lines = [line for line in data.split(b"\n") if line.strip() and not line.startswith(_MARKERS)]
    return b"".join(line + b"\n" for line in dict.fromkeys(lines))


def _write(path: str, found: _Found, stays: int, text: bytes) -> bool:
    """Add the text behind those bytes that stay, by one write; False when the file is not the one that was looked
    at."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _BINARY | _CLOEXEC, 0o666)
    try:
        status = os.fstat(descriptor)
        identity = (status.st_dev, status.st_ino)
        if found.identity not in (None, identity) or status.st_size != len(found.data):
            return False
        try:
            if stays < len(found.data):
                os.ftruncate(descriptor, stays)
            rest = memoryview(text)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):  # what is half there is a torn line to the next, unless it can be taken back
                os.ftruncate(descriptor, stays)
            raise
        if found.identity is None:
            _sync_folder(os.path.dirname(path))
        return _identity(path) == identity  # else it was moved away, or removed, while we wrote
    finally:
        os.close(descriptor)


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return (status.st_dev, status.st_ino)


def _sync_folder(folder: str) -> None:
    """The file's name survives a power cut as its bytes do, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cannot(verb: str, file: str, bad: OSError) -> ApprovalsError:
    hint = "check who owns the campaign's folder, and that the disk is not full; nothing was recorded"
    reason = reason_of(bad)
    return ApprovalsError(f"cannot {verb} `{file}`: {reason}", hint=hint if verb == "write" else None)


# -------------------------------------------------------------------------------------------------------- the turns


@contextmanager
def _turn(root: str, file: str, patience: float) -> Iterator[None]:
    """Hold the project's lock for the block. Two descriptors exclude each other in one process too: so threads wait."""
    path = os.path.join(private_folder(root), _LOCK)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _CLOEXEC, 0o666)
    except OSError as bad:
        raise _cannot("write", file, bad) from bad
    try:
        try:
            is_ours = wait_for(descriptor, poll=_POLL, timeout=patience)
        except OSError as bad:
            raise ApprovalsError(
                f"cannot lock `{path}`: {reason_of(bad)}",
                hint="who decides at once could lose a decision; keep the project on a disk that can lock files",
            ) from bad
        if not is_ours:
            raise ApprovalsError(
                f"somebody else has been writing `{file}` for {patience:g} s", hint="let it finish, then decide again"
            )
        try:
            yield
        finally:
            unlock(descriptor)
    finally:
        os.close(descriptor)


# ------------------------------------------------------------------------------------------------------ what is known


class _Known:
    """The histories of the texts that were read last: nothing is worked out twice while a file is as it was."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._by_path: dict[tuple[str, str], tuple[bytes, History]] = {}

    def history(self, path: str, data: bytes, file: str) -> History:
        with self._turn:
            then = self._by_path.get((path, file))
        if then is not None and then[0] == data:
            return then[1]
        # What is not UTF-8 cannot be a decision as it was written: its line then shows as edited, or as torn.
        history = parse_history(data.decode("utf-8", "replace"), file=file)
        self.note(path, data, history)
        return history

    def note(self, path: str, data: bytes, history: History) -> None:
        with self._turn:
            self._by_path.pop((path, history.file), None)
            self._by_path[(path, history.file)] = (data, history)
            while len(self._by_path) > _MOST_REMEMBERED:
                del self._by_path[next(iter(self._by_path))]


_known: Final = _Known()


# -------------------------------------------------------------------------------------------------------------- git

_PLAIN: Final = re.compile(r"[\w.+-]+")


def _tell_git(root: str, path: str) -> None:
    """Before the file is first written: have git merge it line by line, unless somebody has said how it is merged. A
    file that is merged otherwise is read all the same, so that nothing stops here."""
    folder, name = os.path.split(path)
    with suppress(OSError, ImagebuildError):
        if work_tree(folder) is None or attribute(folder, name, "merge") is not None:
            return
        attributes = os.path.join(folder, ".gitattributes")
        try:
            with open(attributes, "rb") as opened:
                said = opened.read()
        except FileNotFoundError:
            said = b""
        if said and not said.endswith(b"\n"):
            said += b"\n"
        replace_file(root, attributes, said + f"{_pattern(name)} merge=union\n".encode())


def _pattern(name: str) -> str:
    """A file's name as `.gitattributes` says that name and no other."""
    if _PLAIN.fullmatch(name):
        return name
    literal = re.sub(r"([\\*?\[\]!#])", r"\\\1", name)
    return '"' + literal.replace("\\", "\\\\").replace('"', '\\"') + '"'
