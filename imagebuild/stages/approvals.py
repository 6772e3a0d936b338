"""Recording what people decide: whether they may, and about which picture; then into the approvals file.

Every decision is judged against the file and the lock as they are at that moment, while nobody else can write: what
two people do at once is decided one after the other. Nothing here says what decisions come to (`core.approvals` does).
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from imagebuild.core.action import Action
from imagebuild.core.address import MOST_VARIANTS, VARIANT, base_of, is_inner
from imagebuild.core.approvals.decision import Decision, same_person
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import NOTHING_ASKED, Requirement, requirement_of
from imagebuild.core.approvals.standing import may_decide, may_take_back, taken_back
from imagebuild.core.cells import cells_of
from imagebuild.core.key import Digest, short
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.errors import Place
from imagebuild.stages.asked import Asked, Refused, form_fault, moment_of, name_fault, shown
from imagebuild.stages.facts import read_lock
from imagebuild.stages.people import Makers, entered_as
from imagebuild.stages.plan import Planned
from imagebuild.stages.project import Project
from imagebuild.workspace.approvals import add, read

__all__ = ["Asked", "Decided", "Refused", "decide", "read_approvals", "said_pick"]


class Decided(NamedTuple):
    """What became of what was asked. `accepted` has also what was recorded before; `history` is with all of them."""

    accepted: tuple[Decision, ...]
    refused: tuple[Refused, ...]
    history: History


def read_approvals(project: Project) -> History:
    """Every decision there is; an empty history where there is no file."""
    return read(project.approvals, file=_label(project))


def _label(project: Project) -> str:
    return project.label(os.path.basename(project.approvals))


# ------------------------------------------------------------------------------------------------------- deciding


def decide(
    planned: Planned, history: History, who: str, asked: Sequence[Asked], *, now: datetime.datetime,
    entering: str | None = None,
) -> Decided:  # fmt: skip
    """Record what `who` decides, or say why not; what returns as accepted is on disk. `history` is what they saw: one
    that was edited is refused without a look at the file; what counts is the file as it is when it is their turn.
    `entering`: who is at work, where that is known; another one than decides is written beside what was decided."""
    refused: list[Refused] = []
    taken: dict[str, None] = {}

    def choose(current: History) -> list[Decision]:
        refused.clear()
        taken.clear()
        if current.faults or history.faults:
            refused.extend(_faulty(current if current.faults else history, asked))
            return []
        lock, _ = read_lock(planned.project, planned.plan.campaign)
        judge = _Judge(planned, lock, current, who, entering or who, now)
        for each in asked:
            answer = judge.judge(each)
            if answer is not None:
                refused.append(answer)
            else:
                taken[each.ref] = None
        return list(judge.fresh.values())

    if not asked:
        return Decided((), (), history)
    project = planned.project
    after = add(project.root, project.approvals, choose, file=_label(project), campaign=planned.plan.campaign)
    return Decided(tuple(after.by_ref[ref] for ref in taken), tuple(refused), after)


def _faulty(history: History, asked: Sequence[Asked]) -> list[Refused]:
    fault = history.faults[0]
    what = f"the history of decisions was edited: {Place(history.file, fault.line)}: {fault.what}"
    return [Refused(each.ref, what, fault.hint, each.asset) for each in asked]


class _Judge:
    """Says of each decision why it may not be taken; those that may are in `fresh`, by ref."""

    def __init__(
        self, planned: Planned, lock: Lock, history: History, who: str, entering: str, now: datetime.datetime
    ) -> None:  # fmt: skip
        self._planned = planned
        self._lock = lock
        self._history = history
        self._who = who
        self._entering = entering
        self._now = now
        self._actions: Mapping[str, Action] = planned.loaded.expansion.actions
        self._makers = Makers(planned)
        self._taken_back: set[str] = set()
        self.fresh: dict[str, Decision] = {}

    @cached_property
    def _steps(self) -> Mapping[str, tuple[str, Digest | None]]:
        """Address → the verdict, and of what its check rejected the digest."""
        found: dict[str, tuple[str, Digest | None]] = {}
        for step in self._planned.plan.steps:
            known = None
            if step.verdict == "rejected" and step.key is not None:
                known = self._planned.facts.result(step.key)
            found[step.address] = (step.verdict, known.digest if known is not None else None)
        return found

    @cached_property
    def _keys(self) -> Mapping[str, str | None]:
        return {step.address: step.key for step in self._planned.plan.steps}

    def judge(self, asked: Asked) -> Refused | None:
        by = asked.by or self._who
        fault = form_fault(asked, self._now) or name_fault("by", by)
        if fault is not None:
            return Refused(asked.ref, fault, None, shown(asked.asset))
        known = self._history.by_ref.get(asked.ref) or self.fresh.get(asked.ref)
        if known is not None:
            same = (known.decision, known.asset, known.digest) == (asked.decision, asked.asset, asked.digest)
            if same and same_person(known.by, by):
                return None
            return Refused(asked.ref, "another decision bears this ref already", "decide again", asked.asset)
        if asked.decision == "withdraw":
            answer, policy = self._withdrawal(asked, by), ""
        elif asked.asset not in self._actions:
            answer, policy = Refused(asked.ref, f"the campaign has no `{asked.asset}`", None, asked.asset), ""
        else:
            answer, policy = self._about_picture(asked, by)
        if answer is None:
            self._take(asked, by, policy)
        return answer

    def _take(self, asked: Asked, by: str, policy: str) -> None:
        when = (moment_of(asked.at) if asked.at is not None else None) or self._now.astimezone(datetime.UTC)
        self.fresh[asked.ref] = Decision(
            ref=asked.ref,
            at=when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            by=by.strip(),
            decision=asked.decision,
            asset=asked.asset,
            digest=asked.digest,
            why=asked.why if asked.why.strip() else "",
            policy=policy,
            key=asked.key if asked.decision in ("retake", "pick") else None,
            undoes=asked.undoes,
            entered=entered_as(by, self._entering, imported=asked.by is not None),
        )
        if asked.undoes is not None:
            self._taken_back.add(asked.undoes)

    # ---------------------------------------------------------------- what is taken back

    def _withdrawal(self, asked: Asked, by: str) -> Refused | None:
        undoes = asked.undoes or ""
        target = self._history.by_ref.get(undoes) or self.fresh.get(undoes)
        if target is None:
            what = (
                f"there is no decision `{undoes[:12]}` to take back" if undoes else "it does not say what to take back"
            )
        elif target.decision == "withdraw":
            return Refused(asked.ref, "what was taken back is not taken back again", "decide anew", asked.asset)
        elif (target.asset, target.digest) != (asked.asset, asked.digest):
            what = f"the decision `{undoes[:12]}` is about another picture"
        elif target.decision != "retake" and not same_person(target.by, by):
            what = f"it is `{target.by}` who decided that, and who may take it back"
        else:
            why_not = self._may_take_back(target)
            return Refused(asked.ref, why_not, None, asked.asset) if why_not else None
        return Refused(asked.ref, what, None, asked.asset)

    def _may_take_back(self, target: Decision) -> str | None:
        """Why whoever is at work here may not; of a picture that the campaign has no more, nobody is asked."""
        action = self._actions.get(target.asset)
        requirement = self._requirement(action) if action is not None else NOTHING_ASKED
        makers = self._makers.minded(target.asset, requirement)
        if target.ref in self._taken_back or taken_back(target, self._history, requirement, makers):
            return "it was taken back already"
        return may_take_back(target, self._entering, requirement, makers)

    # ---------------------------------------------------------------- what is about a picture

    def _about_picture(self, asked: Asked, by: str) -> tuple[Refused | None, str]:
        """Why not; and under which policy it is."""
        address, decision = asked.asset, asked.decision
        if asked.undoes is not None:
            return Refused(asked.ref, "only `withdraw` takes something back", None, address), ""
        if address in self._lock.alternatives:
            what = f"the lock has two pictures of `{address}` since a merge"
            return Refused(asked.ref, what, "`imagebuild build` settles that", address), ""
        if decision == "retake":
            return self._retake(asked), ""
        if decision == "pick":
            return self._pick(asked), ""
        if is_inner(address):
            return Refused(asked.ref, f"`{address}` is not a picture of its own", f"`{base_of(address)}`", address), ""
        answer = self._now_there(asked)
        if answer is None and decision == "approve":
            answer = self._outdated(asked)
        if answer is not None or decision == "comment":
            return answer, ""
        action = self._actions[address]
        if action.output is None:
            return Refused(asked.ref, f"`{address}` is not delivered: nobody has to approve it", None, address), ""
        requirement = self._requirement(action)
        makers = self._makers.minded(address, requirement)
        why_not = may_decide(by, decision, requirement, makers)
        return Refused(asked.ref, why_not, None, address) if why_not else None, requirement.stamp

    def _requirement(self, action: Action) -> Requirement:
        return requirement_of(self._planned.loaded.campaign.approval, action.asset, dict(action.cell))

    def _now_there(self, asked: Asked) -> Refused | None:
        """Why the digest is not that of the picture that is there; an approval also asks that it passed its checks."""
        address, entry = asked.asset, self._lock.entries.get(asked.asset)
        _, kept_back = self._steps.get(address, ("", None))
        if kept_back is not None and asked.digest == kept_back:
            if asked.decision != "approve":
                return None
            hint = f"`imagebuild why '{address}'` says what was found"
            return Refused(asked.ref, "its check rejected this picture: it is not delivered", hint, address)
        return self._same(asked, entry)

    def _same(self, asked: Asked, entry: LockEntry | None) -> Refused | None:
        if entry is None:
            return Refused(asked.ref, f"`{asked.asset}` is not built", "`imagebuild build` makes it", asked.asset)
        if entry.digest == asked.digest:
            return None
        what = f"another picture is there now: {short(entry.digest)}, not {short(asked.digest)}"
        return Refused(asked.ref, what, "look at it, and decide again", asked.asset)

    def _outdated(self, asked: Asked) -> Refused | None:
        """That the campaign has another picture made in its place: no release would have the one that is there."""
        planned, address = self._planned, asked.asset
        then, now = planned.facts.lock.entries.get(address), self._lock.entries.get(address)
        if then is None or now is None or (then.key, then.digest) != (now.key, now.digest):
            return None  # it was built since it was planned
        if address not in self._wanting:
            return None
        what = "another picture is to come in its place"
        return Refused(asked.ref, what, f"`imagebuild why '{address}'` says why; decide when it is there", address)

    @cached_property
    def _wanting(self) -> frozenset[str]:
        """What the next build puts another picture in place of, or makes first."""
        steps = self._planned.plan.steps
        return frozenset(step.address for step in steps if step.digest is None and step.verdict != "rejected")

    def _retake(self, asked: Asked) -> Refused | None:
        if not self._actions[asked.asset].paid:
            what = f"`{asked.asset}` is not paid for: it is drawn from what is"
            return Refused(asked.ref, what, "ask for another take of the picture it is made from", asked.asset)
        entry = self._lock.entries.get(asked.asset)
        answer = self._same(asked, entry)
        if answer is None and entry is not None and asked.key != entry.key:
            what = "another request is in its place now" if asked.key else "`key` is missing"
            return Refused(asked.ref, what, "look at it, and decide again", asked.asset)
        if answer is None and entry is not None and self._is_changed(entry):
            return Refused(asked.ref, "its request changed", "build first: `imagebuild build`", asked.asset)
        return answer

    def _is_changed(self, entry: LockEntry) -> bool:
        """Whether the campaign makes another request in its place now: another take of the old one would not come. That
        one is asked for already is no change."""
        planned, address = self._planned, entry.address
        then = planned.facts.lock.entries.get(address)
        if then is None or then.key != entry.key or address not in self._keys:  # built since it was planned
            return False
        return self._keys[address] != entry.key and entry.key not in planned.choices.unwanted

    def _pick(self, asked: Asked) -> Refused | None:
        address = asked.asset
        if asked.key is None:
            return Refused(asked.ref, "`key` is missing", None, address)
        numbered = (f"{address}{VARIANT}{number}" for number in range(1, MOST_VARIANTS + 1))
        variants = [each for each in numbered if each in self._actions]
        if not variants:
            return Refused(asked.ref, f"`{address}` has no variants to pick from", None, address)
        said = said_pick(self._planned, self._actions[address])
        if said is not None:
            hint = f"it says `pick` at {said}: change it there"
            return Refused(asked.ref, "the campaign says which variant is picked", hint, address)
        entries = [self._lock.entries[each] for each in variants if each in self._lock.entries]
        if (asked.key, asked.digest) not in [(each.key, each.digest) for each in entries]:
            what = f"`{address}` has no such variant now"
            return Refused(asked.ref, what, "look at them, and pick again", address)
        return None


def said_pick(planned: Planned, action: Action) -> Place | None:
    """Where the campaign itself says which variant of a picture is picked."""
    campaign = planned.loaded.campaign
    asset = campaign.assets[action.asset]
    for cell in cells_of(asset, campaign.axes, set(), [{name: (value,) for name, value in action.cell}]):
        settings = cell.settings.over(asset.settings) if cell.settings else asset.settings
        if settings.pick is not None:
            return settings.places.get("pick", asset.place)
    return None
