"""Why pictures are others than they were, and why the next build makes what it makes; each reason once.

Compares requests as the store remembers them: those that the lock named at a revision with those that it names now.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Final

from imagebuild.core.address import base_of
from imagebuild.core.key import Key
from imagebuild.core.locale import Locale
from imagebuild.core.lock import Lock
from imagebuild.core.plan import PlanStep
from imagebuild.core.reason import Past, Reason, explain
from imagebuild.core.reporting.report import Part, Work
from imagebuild.stages.groups import groups_of
from imagebuild.stages.plan import Planned
from imagebuild.stages.review.view import View

__all__ = ["Reasons", "direction_of", "language_of", "work_of"]

MOST_PARTS: Final = 3  # of one picture, that changed each for a reason of its own
MOST_EXPLAINED: Final = 200  # steps of one kind that are compared field by field


def language_of(address: str) -> str | None:
    """The locale in an address, also in one that the campaign no longer has."""
    inside = address.partition("[")[2].rpartition("]")[0]
    return next((pair.partition("=")[2] for pair in inside.split(",") if pair.startswith("locale=")), None)


def direction_of(language: str | None) -> str:
    return Locale(language).direction if language else "ltr"


class _Then:
    """What is remembered of the revision: its lock, and the store's records of what that names."""

    def __init__(self, lock: Lock, planned: Planned) -> None:
        self.lock = lock
        self._planned = planned

    def past(self, key: Key) -> Past | None:
        return self._planned.facts.past(key)


class Reasons:
    """Where changes since a revision began."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._planned = view.planned
        self._before = view.since.entries if view.since is not None else {}
        self._then = _Then(Lock(self._planned.plan.campaign, self._before), self._planned)
        self._rank = {address: index for index, address in enumerate(view.actions)}
        self._reason = cache(self._reason_of)  # many pictures are made from one

    def parts(self, address: str) -> tuple[Part, ...]:
        """Where the change began: the parts of a picture that changed though nothing they are made from did, and those
        that changed in more than that."""
        found = [self._reason(each) for each in self._way_down(address)]
        return tuple(part for part in found if part is not None)[:MOST_PARTS]

    def _way_down(self, address: str) -> list[str]:
        """The address and all that it is made from, inputs first: as `down_to`, without a look at all other actions."""
        found = {address}
        waiting = [address]
        while waiting:
            for _, source in self._view.actions[waiting.pop()].inputs:
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return sorted(found, key=self._rank.__getitem__)

    def _reason_of(self, address: str) -> Part | None:
        before, step = self._before.get(address), self._view.steps.get(address)
        now = self._planned.facts.lock.entries.get(address)
        if before is None or now is None or step is None or now.digest == before.digest:
            return None
        action = self._view.actions[address]
        slots = {slot for slot, _ in action.inputs}
        if now.key == before.key:
            anew = Part(address, Reason("made anew, for the same request"))
            return None if self._has_changed_input(address) else anew
        made = self._planned.facts.past(now.key)  # of what it was made from: the campaign may have changed since
        manifest = made.manifest if made is not None else self._planned.manifest(action)
        sources = made.sources if made is not None else self._planned.loaded.expansion.sources_of(address)
        reason = explain(
            step._replace(verdict="make", why="changed", merged=None), action, manifest, self._then,
            lambda _address: sources, self._planned.place_of,
        )  # fmt: skip
        own = tuple(change for change in reason.changes if change.field not in slots)
        if not own and not reason.causes and self._has_changed_input(address):
            return None
        return Part(address, reason._replace(changes=own))

    def _has_changed_input(self, address: str) -> bool:
        entries = self._planned.facts.lock.entries
        for _, source in self._view.actions[address].inputs:
            before, now = self._before.get(source), entries.get(source)
            if before is None or now is None or before.digest != now.digest:
                return True
        return False


# ------------------------------------------------------------------------------------------------ what is to be done


def work_of(planned: Planned, steps: Sequence[PlanStep]) -> list[Work]:
    """What the next build does of these steps, gathered by asset, verdict and reason."""
    found: list[Work] = []
    for group in groups_of(planned, explained=MOST_EXPLAINED, among={step.address for step in steps}):
        found.append(_work(group.reason, group.steps))
        if group.rest:
            found.append(_work(Reason("as above, in more cells"), group.rest))
    return found


def _work(reason: Reason, steps: Sequence[PlanStep]) -> Work:
    first = steps[0]
    languages = {language_of(step.address) for step in steps}
    language = next(iter(languages)) if len(languages) == 1 else None
    price = sum((step.price for step in steps), Decimal(0))
    return Work(
        first.asset, first.verdict, reason, tuple(dict.fromkeys(base_of(step.address) for step in steps)), price,
        language, direction_of(language),
    )  # fmt: skip
