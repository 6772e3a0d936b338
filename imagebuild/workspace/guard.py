"""One build at a time in a project.

The lock is the kernel's, on an open file: it goes with the process, however that ends, so nothing is ever left to
clean. The file's text only says who has it, for the message of whoever waits; it decides nothing.
"""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, NamedTuple

from imagebuild.errors import BuildError, reason_of
from imagebuild.flock import locked, unlock, wait_for

__all__ = ["Holder", "guard"]

_POLL: Final = 0.1


class Holder(NamedTuple):
    """Who has the guard; zero and empty when that cannot be read."""

    process: int
    command: str
    started: str

    def __str__(self) -> str:
        """`another build (pid 4711, `imagebuild build`, since 2026-11-21T10:03:22Z)`"""
        known = [f"pid {self.process}"] if self.process else []
        known += [f"`{self.command}`"] if self.command else []
        known += [f"since {self.started}"] if self.started else []
        return f"another build ({', '.join(known)})" if known else "another build"


@contextmanager
def guard(
    path: str, *, command: str, on_wait: Callable[[Holder], None] | None = None, timeout: float | None = None
) -> Iterator[None]:
    """Hold the guard at `path` for the block. If another process holds it, tell `on_wait` once, and wait for it.

    Ctrl-C ends the waiting; so does the timeout (seconds), with a `BuildError`. A second guard on the same path in one
    process waits like anybody else.
    """
    descriptor = _opened(path)
    try:
        _lock(descriptor, path, on_wait, timeout)
        _sign(descriptor, command)
        try:
            yield
        finally:
            with suppress(OSError):  # the message only; the file stays, for removing it would let two in
                os.ftruncate(descriptor, 0)
            unlock(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: str) -> int:
    try:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as bad:
        raise BuildError(
            f"cannot open `{path}`: {reason_of(bad)}",
            hint="a build writes into the project: check who owns the folder",
        ) from bad


def _lock(descriptor: int, path: str, on_wait: Callable[[Holder], None] | None, timeout: float | None) -> None:
    try:
        if locked(descriptor):
            return
        holder = _holder(descriptor)
        if on_wait is not None:
            on_wait(holder)
        is_ours = wait_for(descriptor, poll=_POLL, timeout=timeout)
    except OSError as bad:
        raise BuildError(
            f"cannot lock `{path}`: {reason_of(bad)}",
            hint="two builds at once could pay twice; keep the project on a disk that can lock files",
        ) from bad
    if not is_ours:
        raise BuildError(f"{holder} is still running after {timeout:g} s", hint="let it finish, then build again")


def _sign(descriptor: int, command: str) -> None:
    started = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = json.dumps({"pid": os.getpid(), "command": command, "started": started}) + "\n"
    with suppress(OSError):  # a full disk must not stop a build that writes nothing
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, text.encode())


def _holder(descriptor: int) -> Holder:
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        said = json.loads(os.read(descriptor, 4096))
        return Holder(int(said["pid"]), str(said["command"]), str(said["started"]))
    except (OSError, ValueError, TypeError, KeyError):
        return Holder(0, "", "")
