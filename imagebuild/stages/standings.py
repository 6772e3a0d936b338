"""How the pictures of a campaign stand: what their decisions come to, and what is missing from whom; and what decisions
a selection of pictures would take. Reads a plan and the history; records nothing."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from imagebuild.core.address import is_inner
from imagebuild.core.approvals.decision import Decision, entered_by, same_person
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import Requirement, requirement_of
from imagebuild.core.approvals.standing import Standing, Waiting, is_void, standing_of, taken_back, waits_for
from imagebuild.core.key import Digest
from imagebuild.core.plan import PlanStep
from imagebuild.stages.approvals import Asked
from imagebuild.stages.people import Makers
from imagebuild.stages.plan import Planned
from imagebuild.stages.takes import takes

__all__ = ["LeftOut", "Missing", "Row", "Selected", "digest_now", "missing_of", "select", "standings"]


IDLE: Final = "its approval was entered by whoever had it made, and does not count"


class Row(NamedTuple):
    """One delivered picture. `digest` is None while it is not built as the campaign says now; `waits` is whose approval
    it waits for."""

    address: str
    asset: str
    digest: Digest | None
    requirement: Requirement
    standing: Standing
    waits: Waiting | None


class Missing(NamedTuple):
    """An approval that is missing, from any of these people (nobody named: from anybody), and of which pictures."""

    words: str
    people: tuple[str, ...]
    addresses: tuple[str, ...]


class LeftOut(NamedTuple):
    """A picture about which nothing is to be recorded, and why. `refused`: it was asked for, and cannot be."""

    asset: str
    what: str
    hint: str | None = None
    refused: bool = True


class Selected(NamedTuple):
    """What a selection comes to."""

    asked: tuple[Asked, ...]
    left_out: tuple[LeftOut, ...]


# ------------------------------------------------------------------------------------------------------ standings


def standings(planned: Planned, history: History, addresses: Collection[str] | None = None) -> list[Row]:
    """Every delivered picture, or those of these addresses that are, in the campaign's order."""
    actions, makers = planned.loaded.expansion.actions, Makers(planned)
    steps = _steps(planned)
    found: list[Row] = []
    for action in actions.values():
        if action.output is None or is_inner(action.address):
            continue
        if addresses is not None and action.address not in addresses:
            continue
        requirement = requirement_of(planned.loaded.campaign.approval, action.asset, dict(action.cell))
        who = makers.minded(action.address, requirement)
        step = steps.get(action.address)
        digest = digest_now(planned, step)
        standing = standing_of(action.address, digest, history, requirement, who)
        waits = waits_for(standing, requirement, who) if _can_be_approved(planned, step, digest) else None
        found.append(Row(action.address, action.asset, digest, requirement, standing, waits))
    return found


def _can_be_approved(planned: Planned, step: PlanStep | None, digest: Digest | None) -> bool:
    """Whether there is a picture that its checks let through, and the lock has."""
    if step is None or digest is None or step.verdict == "rejected" or step.address in planned.facts.lock.alternatives:
        return False
    entry = planned.facts.lock.entries.get(step.address)
    return entry is not None and entry.digest == digest


def missing_of(rows: Iterable[Row]) -> list[Missing]:
    """What is missing from whom, the same of several pictures together."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in rows:
        for lack in row.standing.lacks:
            found.setdefault((lack.words, lack.people), []).append(row.address)
    return [Missing(words, people, tuple(addresses)) for (words, people), addresses in found.items()]


def _steps(planned: Planned) -> Mapping[str, PlanStep]:
    return {step.address: step for step in planned.plan.steps}


def digest_now(planned: Planned, step: PlanStep | None) -> Digest | None:
    """The picture that the campaign as it is now has there; None when it is not built. Also one that its check
    rejected, to be decided about."""
    if step is not None and step.verdict == "rejected" and step.key is not None:
        known = planned.facts.result(step.key)
        return known.digest if known is not None else None
    return step.digest if step is not None else None


# ---------------------------------------------------------------------------------------- what a selection comes to


def select(
    planned: Planned, history: History, who: str, decision: str, addresses: Sequence[str], *, why: str = "",
    undoing: str | None = None, entered: str | None = None,
) -> Selected:  # fmt: skip
    """The decisions that somebody asks for who decides so about these addresses. To `withdraw` takes back one's own
    approvals and rejections, of earlier pictures too; with `undoing="retake"`, that another take is asked for, by
    whomever. `entered`: it is somebody else who enters them, as a decision has it."""
    choosing = _Choosing(planned, history, who, decision, why, entered)
    if decision == "retake" or undoing == "retake":
        for address in takes(planned, addresses):
            choosing.take(address)
    else:
        for address in addresses:
            choosing.picture(address)
    return Selected(tuple(choosing.asked), tuple(choosing.left_out))


class _Choosing:
    """Gathers what is asked for, address by address, and what is left out."""

    def __init__(
        self, planned: Planned, history: History, who: str, decision: str, why: str, entered: str | None
    ) -> None:  # fmt: skip
        self._planned = planned
        self._history = history
        self._who = who
        self._decision = decision
        self._why = why
        self._entered = entered
        self._steps = _steps(planned)
        self._makers = Makers(planned)
        self.asked: list[Asked] = []
        self.left_out: list[LeftOut] = []

    def picture(self, address: str) -> None:
        planned = self._planned
        action, step = planned.loaded.expansion.actions[address], self._steps.get(address)
        digest, entry = digest_now(planned, step), planned.facts.lock.entries.get(address)
        is_rejected = step is not None and step.verdict == "rejected"
        if self._decision == "withdraw":
            self._take_back(address, self._own_words(address), "there is nothing of yours to take back")
        elif self._decision == "approve" and is_rejected:
            self._leave(address, "its checks rejected it", f"`imagebuild why '{address}'` says what was found")
        elif digest is None or not (is_rejected or (entry is not None and entry.digest == digest)):
            self._leave(address, "it is not built", "`imagebuild build` makes it")
        elif self._decision == "comment":
            self._ask(address, digest)
        elif action.output is None:
            self._leave(address, "it is not delivered", refused=False)
        else:
            self._word(address, digest)

    def _word(self, address: str, digest: Digest) -> None:
        """An approval or a rejection, unless that is what they say already."""
        requirement, makers = self._asked_of(address)
        words = [each for each in self._own_words(address) if each.digest == digest]
        if words and words[-1].entered not in (None, self._entered):
            words = []  # somebody else has entered it: now they say so themselves
        if not requirement.groups:
            self._leave(address, "no approval is asked for here", refused=False)
        elif words and words[-1].decision == self._decision == "approve":
            entered = entered_by(words[-1])
            is_idle = entered is not None and is_void(entered, words[-1].by, requirement, makers)
            self._leave(address, IDLE if is_idle else "you have approved it already", refused=False)
        elif words and (words[-1].decision, words[-1].why) == ("reject", self._why) and self._decision == "reject":
            self._leave(address, "you have rejected it already", refused=False)
        else:
            self._ask(address, digest)

    def _asked_of(self, address: str) -> tuple[Requirement, frozenset[str] | None]:
        """What is asked for a picture, and who had it made, where that matters."""
        action = self._planned.loaded.expansion.actions[address]
        requirement = requirement_of(self._planned.loaded.campaign.approval, action.asset, dict(action.cell))
        return requirement, self._makers.minded(address, requirement)

    def take(self, address: str) -> None:
        """Another take of a paid picture, or that it is no longer asked for."""
        entry, step = self._planned.facts.lock.entries.get(address), self._steps.get(address)
        standing = _retakes(self._history, address)
        if self._decision == "withdraw":
            self._take_back(address, standing, "no other take is asked for")
            return
        if entry is None:
            self._leave(address, "it is not paid for yet", "`imagebuild build` makes it")
            return
        by = next((each.by for each in reversed(standing) if each.key == entry.key), None)
        by = by or self._planned.choices.unwanted.get(entry.key)  # an equal request's
        if by is not None:
            self._leave(address, f"another take is asked for already, by {by}", refused=False)
        elif step is not None and step.key != entry.key:
            self._leave(address, "its request changed", "build first: `imagebuild build`")
        else:
            self.asked.append(Asked(_ref(), "retake", address, entry.digest, self._why, entry.key))

    def _own_words(self, address: str) -> list[Decision]:
        """What they have said of the pictures that were ever here, and not taken back, oldest first."""
        requirement, makers = self._asked_of(address)
        return [
            each
            for each in self._history.by_asset.get(address, ())
            if each.decision in ("approve", "reject") and same_person(each.by, self._who)
            if not taken_back(each, self._history, requirement, makers)
        ]

    def _take_back(self, address: str, decisions: Sequence[Decision], otherwise: str) -> None:
        if not decisions:
            self._leave(address, otherwise, refused=False)
        for each in decisions:  # all of them: else what they said before the last word would hold again
            self.asked.append(Asked(_ref(), "withdraw", each.asset, each.digest, self._why, undoes=each.ref))

    def _ask(self, address: str, digest: Digest) -> None:
        self.asked.append(Asked(_ref(), self._decision, address, digest, self._why))

    def _leave(self, address: str, what: str, hint: str | None = None, *, refused: bool = True) -> None:
        self.left_out.append(LeftOut(address, what, hint, refused))


def _ref() -> str:
    return secrets.token_hex(16)


def _retakes(history: History, address: str) -> list[Decision]:
    """Every other take that was asked for here and not taken back, also of pictures that have made place since."""
    return [
        each
        for each in history.by_asset.get(address, ())
        if each.decision == "retake" and each.ref not in history.undone
    ]
