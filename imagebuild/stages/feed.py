"""What a running build tells whoever looks on, in another process: a line an event in a file of the private folder.

A feed is a hint, never a record: the lock and the store say what there is. Whoever builds holds the kernel's lock on
the file, so that a feed whose build was killed is told from one that goes on. That it cannot be written stops no
build.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any, Final, NamedTuple

from imagebuild.build.report import Event, Listener
from imagebuild.core.address import is_inner
from imagebuild.core.plan import Plan
from imagebuild.errors import ImagebuildError
from imagebuild.flock import locked, unlock, wait_for
from imagebuild.stages.project import Project
from imagebuild.workspace.private import private_folder

__all__ = ["START", "Position", "feed_of", "is_building", "read_feed", "telling"]

_WAIT: Final = 1.0  # seconds, for a reader who is just looking whether anybody builds
_MOST: Final = 4_000_000  # bytes read at once


class Position(NamedTuple):
    """How far a reader has read, in which build's file: each begins a new one."""

    build: str = ""
    at: int = 0


START: Final = Position()


def feed_of(project: Project) -> str:
    """The file of a campaign's feed."""
    return os.path.join(project.private, "feed", os.path.basename(project.memory) + ".jsonl")


@contextmanager
def telling(project: Project, plan: Plan, listener: Listener, *, spent: Decimal) -> Iterator[Listener]:
    """A listener that also tells the feed, for as long as a build runs. `spent`: by the same build, before."""
    writer = _Writer(project)
    total = sum(step.verdict not in ("reuse", "orphan") and not is_inner(step.address) for step in plan.steps)
    writer.write(
        {
            "kind": "begin",
            "build": secrets.token_hex(8),
            "total": total,
            "spent": f"{spent:f}",
            "price": f"{plan.price:f}",
        }
    )
    done = 0
    costs = spent

    def listen(event: Event) -> None:
        nonlocal done, costs
        listener(event)
        if event.kind == "partial":
            return
        costs += event.cost
        done += event.kind != "start" and not is_inner(event.step.address)
        line = {
            "kind": event.kind, "address": event.step.address, "digest": event.digest, "cost": f"{event.cost:f}",
            "spent": f"{costs:f}", "made": done, "total": total,
        }  # fmt: skip
        if event.problem is not None:
            line["what"] = event.problem.what
        writer.write(line)

    try:
        yield listen
    finally:
        writer.write({"kind": "end", "made": done, "total": total, "spent": f"{costs:f}"})
        writer.close()


class _Writer:
    """The file of one build: a new one, so that a reader of the last one's notices."""

    def __init__(self, project: Project) -> None:
        self._file: int | None = None
        path = feed_of(project)
        with suppress(OSError, ImagebuildError):
            private_folder(project.root, "feed")
            with suppress(FileNotFoundError):
                os.unlink(path)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            wait_for(self._file, poll=0.01, timeout=_WAIT)

    def write(self, line: dict[str, Any]) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.write(self._file, (json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "replace"))

    def close(self) -> None:
        if self._file is not None:
            unlock(self._file)
            with suppress(OSError):
                os.close(self._file)
            self._file = None


def read_feed(project: Project, since: Position = START) -> tuple[list[dict[str, Any]], Position]:
    """The events after a position, and the position after them. A new build's are read from their beginning."""
    try:
        with open(feed_of(project), "rb") as file:
            build = _build_of(file.readline())  # not the inode: the system uses its numbers again
            at = since.at if since.build == build else 0
            file.seek(at)
            data = file.read(_MOST)
    except OSError:
        return [], since
    if not build:
        return [], since
    whole = data[: data.rfind(b"\n") + 1]
    events: list[dict[str, Any]] = []
    for line in whole.splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return events, Position(build, at + len(whole))


def _build_of(line: bytes) -> str:
    """Which build's file begins with a line; nothing while it is being written."""
    try:
        return str(json.loads(line)["build"])
    except (ValueError, KeyError, TypeError):
        return ""


def is_building(project: Project) -> bool:
    """Whether a build tells the feed at this moment."""
    try:
        file = os.open(feed_of(project), os.O_RDWR)
    except OSError:
        return False
    try:
        if not locked(file):
            return True
        unlock(file)
        return False
    except OSError:
        return False
    finally:
        os.close(file)
