"""What is shown at present, and what the open pages have not been told of it yet.

One `Moment` after another, each replaced as a whole under a lock that is held for no longer than that takes.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from typing import Any, Final

from imagebuild.core.approvals.decision import Decision
from imagebuild.core.approvals.history import History
from imagebuild.core.key import Digest
from imagebuild.errors import ImagebuildError, Problem
from imagebuild.stages.review.board import amount, money_json
from imagebuild.stages.review.detail import decision_json
from imagebuild.stages.review.moment import MOST_TOLD, Moment, differing
from imagebuild.stages.review.watch import Told

__all__ = ["Shown", "told_problem"]

_MOST_WAITING: Final = 1_000  # events, while no page is open
_CHOOSING: Final = frozenset(("retake", "pick"))  # decisions that change what the next build does

Event = dict[str, object]


class Shown:
    """May be asked from any thread."""

    def __init__(self, moment: Moment, at: str) -> None:
        self.swap = threading.RLock()
        self.moment = moment
        self.stale = False  # a decision changes what the next build does
        self._at = at
        self._told = Told()
        self._problem: Problem | None = None
        self._news: list[Event] = []
        self._version = 0
        self._body = (-1, b"")

    @property
    def history(self) -> History:
        return self.moment.view.history

    def body(self) -> bytes:
        """The board as JSON, but for its opening brace and who asks."""
        with self.swap:
            moment, at, version, told = self.moment, self._at, self._version, self._told
            problem = self._problem or moment.problem
            made_of, body = self._body
        if made_of != version:
            words = None if problem is None else {"what": problem.what, "hint": problem.hint or ""}
            body = json.dumps(moment.board(at=at, build=told.json(), problem=words), separators=(",", ":")).encode()[1:]
            with self.swap:
                self._body = (version, body)
        return body

    def news(self) -> list[Event]:
        """What was not told yet."""
        with self.swap:
            found, self._news = self._news, []
        return found

    # ------------------------------------------------------------------------------------------- what changes

    def take(self, history: History) -> None:
        """Other decisions than before."""
        with self.swap:
            before, moment = self.history, self.moment
            view = moment.view.after(history)
            new = [each for each in history.decisions if each.ref not in before.by_ref]
            lost = [each for each in before.decisions if each.ref not in history.by_ref]
            undone = [before.by_ref[ref] for ref in history.undone ^ before.undone if ref in before.by_ref]
            changed = [*new, *lost, *undone]
            touched = dict.fromkeys(address for each in changed for address in view.concerned(each))
            self.moment = moment.after(view, touched)
            self.stale = self.stale or any(_chooses(each, history) for each in changed)
            if before.faults != history.faults:
                faults = [{"line": each.line, "what": each.what} for each in history.faults]
                self._tell({"kind": "faults", "faults": faults})
            if lost or len(touched) > MOST_TOLD:
                self._tell({"kind": "reload"})
            elif new:
                decisions = [decision_json(view, each, None) for each in new]
                self._tell({"kind": "decisions", "decisions": decisions, "cells": self._cells(touched)})

    def build(self, told: Told, came: Mapping[str, Digest], ended: Mapping[str, tuple[str, str]]) -> None:
        """What a running build tells: pictures that have come, and what came to nothing."""
        with self.swap:
            shown = [address for address in dict.fromkeys((*came, *ended)) if address in self.moment.cells]
            if came or ended:
                self.moment = self.moment.after(self.moment.view.during(came, ended), shown)
            if shown:
                self._tell({"kind": "cells", "cells": self._cells(shown)})
            if told != self._told:
                self._told = told
                self._tell({"kind": "build", "build": told.json(), "money": self._money()})

    def show(self, after: Moment, at: str) -> None:
        """The campaign planned anew."""
        with self.swap:
            before = self.moment
            if after.view.history is not before.view.history:  # somebody decided meanwhile
                after = Moment(after.view.after(before.view.history))
            self.moment, self._at = after, at
            self._version += 1
            had_problem, self._problem = self._problem is not None, None
            difference = None if had_problem else differing(before, after)
            if difference is None:
                self._tell({"kind": "reload"})
                return
            cells, gone = difference
            if cells:
                self._tell({"kind": "cells", "cells": cells})
            if gone:
                self._tell({"kind": "gone", "addresses": gone})
            if money_json(before.view) != money_json(after.view):
                self._tell({"kind": "build", "build": self._told.json(), "money": self._money()})

    def trouble(self, bad: ImagebuildError) -> None:
        """The campaign, or what was decided, cannot be read: the last good board stays, and says so."""
        first, *others = bad.problems
        where = f"{first.at}: " if first.at else ""
        more = f" (and {len(others)} more)" if others else ""
        with self.swap:
            self._problem = Problem(f"{where}{first.what}{more}", hint=first.hint)
            self._tell(told_problem(self._problem))

    # ------------------------------------------------------------------------------------------- telling

    def _tell(self, event: Event) -> None:
        self._version += 1
        self._news.append(event)
        if len(self._news) > _MOST_WAITING:
            self._news = [{"kind": "reload"}]

    def _cells(self, addresses: Iterable[str]) -> list[dict[str, Any]]:
        return [self.moment.cells[each] for each in addresses if each in self.moment.cells]

    def _money(self) -> Mapping[str, Any]:
        view = self.moment.view
        return {**money_json(view), "spent": amount(view.planned.plan.spent + self._told.spent)}


def told_problem(problem: Problem) -> Event:
    return {"kind": "problem", "what": problem.what, "hint": problem.hint or ""}


def _chooses(decision: Decision, history: History) -> bool:
    undone = history.by_ref.get(decision.undoes or "")
    return decision.decision in _CHOOSING or (undone is not None and undone.decision in _CHOOSING)
