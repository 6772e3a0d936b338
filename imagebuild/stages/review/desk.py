"""Answers the review server over a project: plans once, takes decisions, and notices what changes around it.

Nobody waits for anybody: a plan is made anew beside the one that is shown. A campaign that has become unreadable is
told, and the last good board stays.
"""

from __future__ import annotations

import datetime
import json
import os
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from imagebuild.core.approvals.decision import person
from imagebuild.core.approvals.history import History
from imagebuild.errors import ImagebuildError
from imagebuild.review.desk import ReviewError, Served
from imagebuild.stages.about import picked
from imagebuild.stages.approvals import decide, read_approvals
from imagebuild.stages.asked import Asked, Refused, asked_of
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project
from imagebuild.stages.review.compare import Comparisons
from imagebuild.stages.review.detail import Details, own_json
from imagebuild.stages.review.library import Library
from imagebuild.stages.review.moment import Moment
from imagebuild.stages.review.others import Gallery
from imagebuild.stages.review.shown import Shown, told_problem
from imagebuild.stages.review.view import WRITING, View, view_of
from imagebuild.stages.review.watch import Building, Sources
from imagebuild.stages.since import Since
from imagebuild.workspace.files import stat_of

_DECIDING: Final = frozenset(("approve", "reject"))  # what the policy has a say in

__all__ = ["VOID", "Clock", "ProjectDesk", "Showing"]

Clock = Callable[[], datetime.datetime]

NOBODY: Final = (
    "nobody is named, so nothing can be decided: start it with `--as you@example.com`, or set `git config user.email`"
)


VOID: Final = "`review --for NAME` gives them an address of their own"


class Showing:
    """What of a campaign is shown: selected how, made by which provider, compared with which revision."""

    def __init__(
        self, terms: Sequence[str] = (), excluded: Sequence[str] = (), *, provider: str | None = None,
        since: Since | None = None,
    ) -> None:  # fmt: skip
        self.terms = tuple(terms)
        self.excluded = tuple(excluded)
        self.provider = provider
        self.since = since

    def selected(self, planned: Planned) -> Collection[str] | None:
        if not self.terms and not self.excluded:
            return None
        return frozenset(picked(planned.loaded.expansion.actions, self.terms, self.excluded))


class _Follower:
    """Keeps what is shown in step with the disk: approvals, a running build, sources, the lock."""

    def __init__(self, project: Project, showing: Showing, clock: Clock) -> None:
        self._project = project
        self._showing = showing
        self._clock = clock
        self._looking = threading.Lock()  # one looks at the disk, and plans anew
        self._sources = Sources(project)
        self._building = Building(project)
        self._decided = stat_of(project.approvals)
        self._is_unread = False  # what was decided: it cannot be read just now
        self._is_behind: ImagebuildError | None = None  # why the campaign as it is now could not be planned
        self._gone: ReviewError | None = None
        self.shown = Shown(self._plan(read_approvals(project)), self._now())
        seen = self._building.look()
        if self._building.told.is_running:
            self.shown.build(self._building.told, seen.came, seen.ended)

    def look(self) -> None:
        """Notice what changed. Whoever finds another looking goes on with what is shown."""
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._look(also_stale=True)
        finally:
            self._looking.release()

    def settle(self) -> str | None:
        """Have what is shown be of the campaign as it is now, before somebody decides by its policy; in words why that
        cannot be. A campaign that is not there any more is an error."""
        with self._looking:
            self._look(also_stale=False)
            if self._gone is not None:
                raise self._gone
            if self._is_behind is not None:
                return f"the campaign cannot be read as it is now: {self._is_behind.problems[0].what}"
            if self._building.told.is_running and self._sources.files_have_changed:
                return "the campaign has changed since the build began that runs: decide when it has ended"
            return None

    def _look(self, *, also_stale: bool) -> None:
        if not self._is_there():
            return
        self._look_at_approvals()
        seen = self._building.look()
        self.shown.build(self._building.told, seen.came, seen.ended)
        if self._building.told.is_running:
            return
        if seen.has_ended or (also_stale and self.shown.stale) or self._sources.have_changed:
            self._plan_anew()

    def _is_there(self) -> bool:
        """A campaign that was moved away is told; nothing is looked at, and nothing written, where it was."""
        if os.path.lexists(self._project.spec):
            self.shown.stale = self.shown.stale or self._gone is not None
            self._gone = None
            return True
        if self._gone is None:
            hint = "put it back, or stop this review and start it where the campaign is now"
            self._gone = ReviewError(
                f"the campaign is not there any more: `{self._project.spec_name}` was moved or removed", hint=hint
            )
            self.shown.trouble(self._gone)
        return False

    def _look_at_approvals(self) -> None:
        now = stat_of(self._project.approvals)
        if now == self._decided:
            return
        self._decided = now
        with self.shown.swap:  # so that what was published before is in the file that is read
            try:
                self.shown.take(read_approvals(self._project))
            except ImagebuildError as bad:
                self._is_unread = True
                self.shown.trouble(bad)
            else:
                self.shown.stale = self.shown.stale or self._is_unread  # so that the trouble is not told any more
                self._is_unread = False

    def _plan_anew(self) -> None:
        self.shown.stale = False
        try:
            moment = self._plan(self.shown.history)
        except ImagebuildError as bad:
            self._is_behind = bad
            self._sources.failed()
            self.shown.trouble(bad)
        else:
            self._is_behind = None
            self.shown.show(moment, self._now())

    def _plan(self, history: History) -> Moment:
        self._sources.begin()
        planned = plan_campaign(self._project, provider=self._showing.provider, whole=True)
        selected = self._showing.selected(planned)
        self._sources.planned(planned)
        return Moment(view_of(planned, history, self._showing.since, selected))

    def _now(self) -> str:
        return self._clock().astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class ProjectDesk:
    """See `imagebuild.review.desk.Desk` for what each method promises."""

    def __init__(self, project: Project, showing: Showing, *, clock: Clock, entering: str | None = None) -> None:
        """`entering`: who decides here in the name of those who ask, where that is known and not they themselves."""
        self._clock = clock
        self._entering = entering
        self._follower = _Follower(project, showing, clock)
        self._shown = self._follower.shown
        self._library = Library(project, lambda: self._shown.moment)
        self._comparisons = Comparisons(self._library.pictures.read, self._library.pictures.turns)
        self._asking = threading.Lock()  # what answers about one picture keeps what it has read

    @property
    def view(self) -> View:
        return self._shown.moment.view

    def cells(self) -> Sequence[Mapping[str, Any]]:
        return list(self._shown.moment.cells.values())

    def waiting_for(self, who: str) -> int | None:
        """How many of the pictures that are shown wait for somebody's approval; None: they are nobody's to ask."""
        view = self.view
        if view.people and person(who) not in view.people:
            return None
        found = (view.waits(each, view.standing(each, view.digest(each))) for each in view.cells)
        return sum(waits is not None and waits.has(who) for waits in found)

    def void_for(self, who: str) -> int:
        """How many of the pictures that are shown nobody approves here for somebody, because of who is at work."""
        return sum(self._is_void(who, address) for address in self.view.cells)

    def warm(self) -> None:
        """Read what the store remembers, so that the first picture that is opened need not wait for it."""
        self._library.records()

    def board(self, who: str) -> bytes:
        self._follower.look()
        faults = self._shown.history.faults
        why_not = "" if who else NOBODY
        if faults:
            why_not = f"the history of decisions was edited (line {faults[0].line}): {faults[0].what}"
        you = {"name": who, "person": person(who), "decides": not why_not, "why_not": why_not}
        return b'{"you":' + json.dumps(you).encode() + b"," + self._shown.body()

    def asset(self, who: str, address: str) -> bytes | None:
        moment, records = self._shown.moment, self._library.records()
        with self._asking:
            gallery = Gallery(moment.view, records, self._library.pictures)
            details = Details(moment.view, records, gallery, moment.inquiry, nobody=NOBODY)
            found = details.asset_json(who, address)
        return None if found is None else json.dumps(found, separators=(",", ":")).encode()

    def own(self, who: str) -> bytes:
        return json.dumps(own_json(self.view, who), separators=(",", ":")).encode()

    def decide(self, who: str, asked: list[dict[str, object]]) -> dict[str, object]:
        found = [asked_of(each) for each in asked]
        wanted = [each for each in found if isinstance(each, Asked)]
        refused = [each for each in found if isinstance(each, Refused)]
        accepted: list[str] = []
        if not who:
            refused += [Refused(each.ref, "nobody is named", NOBODY) for each in wanted]
        else:
            late = self._follower.settle()
            hindered = [(each, self._hindered(who, each, late)) for each in wanted]
            refused += [no for _each, no in hindered if no is not None]
            wanted = [each for each, no in hindered if no is None]
            decided = decide(
                self.view.planned, self._shown.history, who, wanted, now=self._clock(), entering=self._entering
            )
            with self._shown.swap:
                if decided.history.by_ref.keys() >= self._shown.history.by_ref.keys():  # else a later one is shown
                    self._shown.take(decided.history)
            refused += decided.refused
            accepted = [each.ref for each in decided.accepted]
        told = [{"ref": each.ref, "what": each.what, "hint": each.hint or ""} for each in refused]
        return {"accepted": accepted, "refused": told}

    def _hindered(self, who: str, asked: Asked, late: str | None) -> Refused | None:
        """Why this cannot be decided just now. `late`: why what is shown is not of the campaign as it is."""
        view = self.view
        if asked.decision == "withdraw" or asked.ref in view.history.by_ref:  # what was taken before stays taken
            return None
        if late is not None and asked.decision in _DECIDING:
            return Refused(asked.ref, late, "then decide again", asked.asset)
        if asked.decision == "approve" and self._is_void(who, asked.asset):
            what = f"whoever had it made, `{self._entering}`, enters this: it would not count as an approval"
            return Refused(asked.ref, what, VOID, asked.asset)
        if view.came.get(asked.asset) == asked.digest and view.hindrance(asked.asset) == WRITING:
            return Refused(asked.ref, WRITING, None, asked.asset)
        return None

    def _is_void(self, who: str, address: str) -> bool:
        view, entering = self.view, self._entering
        return entering is not None and address in view.actions and view.is_void(address, entering, who)

    def thumb(self, digest: str, width: int) -> Served | None:
        return self._library.pictures.thumb(digest, width)

    def picture(self, digest: str) -> Served | None:
        return self._library.pictures.picture(digest)

    def compare(self, before: str, after: str) -> bytes | None:
        return self._comparisons.figures(before, after)

    def difference(self, before: str, after: str) -> Served | None:
        data = self._comparisons.difference(before, after)
        return Served(data, "image/png") if data is not None else None

    def news(self) -> list[dict[str, object]]:
        self._follower.look()
        return [*self._shown.news(), *(told_problem(each) for each in self._library.pictures.faults())]
