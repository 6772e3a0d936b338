"""How steps end: counted, told, noted for the lock; and what cannot be done without them ends with them.

Does no work itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from imagebuild.build.books import Flawed, Left
from imagebuild.build.check import Rejected
from imagebuild.build.lock_writer import LockWriter, Result
from imagebuild.build.report import Event, Listener, Summary
from imagebuild.build.schedule import Schedule
from imagebuild.build.terms import Money
from imagebuild.core.action import Action
from imagebuild.core.address import is_inner
from imagebuild.core.plan import Plan, PlanStep
from imagebuild.errors import ImagebuildError, Problem
from imagebuild.providers.base import Lost, Refused, StillRunning, Unknown
from imagebuild.store.base import DamagedObject, MissingObject, Record

__all__ = ["STATES", "STOPPED", "Ends"]

STATES: Mapping[str, str] = {
    "waiting": "an input is not ready",
    "ready": "everything it needs is there, a worker is not",
    "running": "a worker has it",
    "done": "its result is in the store and, if it has an output, in place",
    "failed": "it was tried and could not be done",
    "uncertain": "its request left, and what became of it is not known",
    "refused": "the service said no to it",
    "flawed": "what came is not what was asked for; it is kept",
    "rejected": "it did not pass its checks; it is kept, and not delivered",
    "blocked": "an input of it failed",
    "left": "not begun, or under way at the service: the next build goes on with it",
}
ENDS: Mapping[type[ImagebuildError], str] = {
    Left: "left", StillRunning: "left", Unknown: "uncertain", Lost: "uncertain", Refused: "refused", Flawed: "flawed",
    Rejected: "rejected",
}  # fmt: skip
STOPPED = "the build was stopped"


class Ends:
    """The ends of one build's steps. `failure` is what nobody foresaw: it ends the build, and comes out of it."""

    def __init__(
        self, plan: Plan, actions: Mapping[str, Action], schedule: Schedule, writer: LockWriter, listener: Listener,
        money: Money, clock: Callable[[], float],
    ) -> None:  # fmt: skip
        self.summary = Summary(reused=sum(plan.kept_by_asset.values()))
        self.results: dict[str, Result] = {}
        self.failure: BaseException | None = None
        self.clock = clock
        self._actions = actions
        self._schedule = schedule
        self._writer = writer
        self._listener = listener
        self._money = money

    def note(self, step: PlanStep, result: Result) -> None:
        """What a step's result is."""
        self.results[step.address] = result
        self._writer.note(step, self._actions[step.address], result)

    def well(self, step: PlanStep, result: Result, kind: str, began: float, aside: str | None = None) -> None:
        """It is in the store, and in place."""
        self.note(step, result)
        if aside is not None and step.output is not None:
            self.summary.aside.append((step.output, aside))
        paid = step.paid
        name = "drawn" if kind == "made" and not paid else kind
        if kind == "made" and step.kind == "check":
            name = "checked"
        if name != "reused" or not is_inner(step.address):
            setattr(self.summary, name, getattr(self.summary, name) + 1)
        cost = result.cost if kind == "made" and paid and result.cost else Decimal(0)
        self.end(step, "done", Event(kind, step, None, self.clock() - began, cost, aside, None, result.digest))

    def looked(self, step: PlanStep, record: Record) -> None:
        """A picture was looked at, and is delivered: what could not be looked at of it is told all the same."""
        report = record.report or {}
        unverified = [each["what"] for each in report.get("findings", ()) if each["verdict"] == "unverified"]
        if unverified:
            self.summary.unverified.append((step.address, "; ".join(unverified)))

    def badly(self, step: PlanStep, bad: ImagebuildError, seconds: float) -> None:
        """It is not, for a reason that has a name."""
        if isinstance(bad, DamagedObject | MissingObject):
            self.summary.damaged = True
        state = next((state for kind, state in ENDS.items() if isinstance(bad, kind)), "failed")
        halted = self._money.halted.what if self._money.halted else None
        is_told = state == "left" and bad.what in (self._money.broke, halted, STOPPED)  # in the last line
        self.end(step, state, Event(state, step, None if is_told else bad.problems[0], seconds))

    def unforeseen(self, step: PlanStep, bad: Exception, seconds: float) -> None:
        """What is in flight is finished and saved; then the traceback comes out."""
        self.failure = bad
        problem = Problem(f"{type(bad).__name__}: {bad}")
        self.end(step, "failed", Event("failed", step, problem, seconds))

    def tell(self, event: Event) -> None:
        """What goes wrong in telling (a closed pipe) ends the build as any unforeseen thing does."""
        try:
            self._listener(event)
        except Exception as bad:
            self.failure = self.failure or bad

    def end(self, step: PlanStep, state: str, event: Event | None = None) -> None:
        """A step is over, and with it whatever cannot be done without it: count and tell them."""
        for each, ended in self._schedule.end(step, state):
            happened = event if event is not None and each is step else Event(ended, each)
            if ended != "done":
                setattr(self.summary, ended, getattr(self.summary, ended) + 1)
                self.summary.left_price += each.price if ended == "left" else 0
                if happened.problem is not None:
                    self.summary.problems.append((each.address, happened.problem, ended))
            self.tell(happened)
