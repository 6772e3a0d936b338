"""What a plan was made from, and whether it is still so: source files and the lock; and what a build that runs in
another process tells of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from imagebuild.core.key import Digest
from imagebuild.stages.feed import START, Position, is_building, read_feed
from imagebuild.stages.plan import Planned
from imagebuild.stages.project import Project
from imagebuild.stages.review.board import amount
from imagebuild.stages.review.pictures import as_digest
from imagebuild.workspace.files import Stat, stat_of

__all__ = ["Building", "Seen", "Sources", "Told"]

_TROUBLE: Final = frozenset(("failed", "uncertain", "refused", "flawed", "rejected", "blocked"))


class Sources:
    """The files that a plan depends on, as they were. The approvals are not among them: they are looked at apart."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files: dict[str, Stat | None] = {}
        self._lock = stat_of(project.lock)

    def begin(self) -> None:
        """A plan is about to be made: what changes from here on is a change."""
        self._lock = stat_of(self._project.lock)

    def planned(self, planned: Planned) -> None:
        approvals = os.path.basename(self._project.approvals)
        self._files = {path: seen for path, seen in planned.loaded.files.asked.items() if path != approvals}

    def failed(self) -> None:
        """It could not be made: nothing is tried again before something else changes."""
        self._files = {path: stat_of(os.path.join(self._project.folder, path)) for path in self._files}

    @property
    def have_changed(self) -> bool:
        return stat_of(self._project.lock) != self._lock or self.files_have_changed

    @property
    def files_have_changed(self) -> bool:
        """But for the lock, which a build writes that runs."""
        folder = self._project.folder
        return any(stat_of(os.path.join(folder, path)) != seen for path, seen in self._files.items())


class Told(NamedTuple):
    """How far a build is, as it tells."""

    is_running: bool = False
    made: int = 0
    total: int = 0
    spent: Decimal = Decimal(0)

    def json(self) -> dict[str, Any] | None:
        if not self.is_running:
            return None
        return {"running": True, "made": self.made, "total": self.total, "spent": amount(self.spent)}


class Seen(NamedTuple):
    """What a look showed: whose pictures have come, what came to nothing (how, and why), whether the build ended."""

    came: Mapping[str, Digest]
    ended: Mapping[str, tuple[str, str]]
    has_ended: bool


class Building:
    """Follows the feed of a campaign's builds."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._at: Position = START
        self.told = Told()

    def look(self) -> Seen:
        """What was told since the last look."""
        was_running = self.told.is_running
        came: dict[str, Digest] = {}
        ended: dict[str, tuple[str, str]] = {}
        self._read(came, ended)
        has_ended = bool(came or ended or was_running) and not self.told.is_running
        if self.told.is_running and not is_building(self._project):
            self._read(came, ended)  # its end may have come between the two questions
            self.told = Told()  # else it was killed
            has_ended = True
        return Seen(came, ended, has_ended)

    def _read(self, came: dict[str, Digest], ended: dict[str, tuple[str, str]]) -> None:
        events, self._at = read_feed(self._project, self._at)
        for event in events:
            kind, address = event.get("kind"), event.get("address")
            if kind == "begin":
                came.clear()
                ended.clear()
            self._count(event)
            if not isinstance(address, str):
                continue
            digest = as_digest(str(event.get("digest") or ""))
            if kind in _TROUBLE:
                ended[address] = (str(kind), str(event.get("what") or ""))
            elif digest is not None and kind != "start":
                came[address] = digest

    def _count(self, event: Mapping[str, Any]) -> None:
        if event.get("kind") == "end":
            self.told = Told()
            return
        before = Told(True) if event.get("kind") == "begin" else self.told
        self.told = before._replace(
            made=_number(event.get("made"), before.made), total=_number(event.get("total"), before.total),
            spent=_money(event.get("spent"), before.spent),
        )  # fmt: skip


def _number(value: object, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _money(value: object, otherwise: Decimal) -> Decimal:
    try:
        found = Decimal(str(value)) if value is not None else otherwise
    except InvalidOperation:
        return otherwise
    return found if found.is_finite() else otherwise
