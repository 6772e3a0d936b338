"""What the page is shown of: a plan, the decisions, and the revision it is compared with; and what follows from them
for every picture: what it is made from, what it costs, who had it made, what of it is asked for again.

Everything is worked out once, by one walk over the actions, for a campaign of many thousands.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from imagebuild.core.action import Action, is_soft
from imagebuild.core.address import VARIANT, base_of, is_inner
from imagebuild.core.approvals.decision import Decision, person
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import ANYBODY, Requirement, requirement_of
from imagebuild.core.approvals.standing import Standing, Waiting, is_void, standing_of, taken_back, waits_for
from imagebuild.core.axis import Ratio
from imagebuild.core.key import Digest
from imagebuild.core.lock import LockEntry
from imagebuild.core.placements.placement import Placement
from imagebuild.core.plan import PlanStep
from imagebuild.stages.people import Makers
from imagebuild.stages.plan import Planned
from imagebuild.stages.since import Since

__all__ = ["MERGED", "WRITING", "View", "view_of"]

_NONE: tuple[str, ...] = ()
MERGED: Final = "the lock has two pictures since a merge"
WRITING: Final = "the build is still writing it down: decide when it has ended"
OUTDATED: Final = "the campaign asks for another picture now: `imagebuild build` makes it, then decide"
UNWRITTEN: Final = "the lock does not have this picture: `imagebuild build` writes it down"


@dataclass(frozen=True, slots=True)
class View:
    """One moment of a campaign. `cells` are the addresses of what is delivered and shown, in the campaign's order;
    `paid` the paid pictures on the way to each address; `users` the pictures that are delivered with each of those in
    them; `prices` what the next build pays for a cell, a shared picture at its first; `family` the actions of each
    picture; `people` who is named as an approver, as names are compared. `came` and `ended` are what a running build
    tells, which no plan knows yet: pictures that it has made, and how others came to nothing, and why."""

    planned: Planned
    history: History
    since: Since | None
    steps: Mapping[str, PlanStep]
    cells: tuple[str, ...]
    paid: Mapping[str, tuple[str, ...]]
    users: Mapping[str, tuple[str, ...]]
    prices: Mapping[str, Decimal]
    family: Mapping[str, tuple[str, ...]]
    people: tuple[str, ...]
    _makers: Makers
    _ruled: frozenset[str]  # the axes that the policy speaks of
    _requirements: dict[tuple[str, tuple[tuple[str, str], ...]], Requirement] = field(default_factory=dict)
    _untouched: dict[tuple[Requirement, bool, bool], Standing] = field(default_factory=dict)
    _places: dict[str, Placement | None] = field(default_factory=dict)
    came: Mapping[str, Digest] = field(default_factory=dict)
    ended: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def actions(self) -> Mapping[str, Action]:
        return self.planned.loaded.expansion.actions

    def after(self, history: History) -> View:
        """The same with other decisions."""
        return replace(self, history=history)

    def during(self, came: Mapping[str, Digest], ended: Mapping[str, tuple[str, str]]) -> View:
        """The same with what a running build has told since."""
        gone = {address: how for address, how in self.ended.items() if address not in came}
        return replace(self, came={**self.came, **came}, ended={**gone, **ended})

    def concerned(self, decision: Decision) -> tuple[str, ...]:
        """The delivered pictures that a decision speaks of: that of its address, and those made from it."""
        address = decision.asset
        found = dict.fromkeys((base_of(address), *self.users.get(address, _NONE)))
        return tuple(each for each in found if each in self.actions and self.actions[each].output is not None)

    def entry(self, address: str) -> LockEntry | None:
        """What the lock says of an address, where that is what the plan says too."""
        entry, step = self.planned.facts.lock.entries.get(address), self.steps.get(address)
        return entry if entry is not None and step is not None and entry.digest == step.digest else None

    def digest(self, address: str) -> Digest | None:
        """The picture that there is to look at: the result, else one that did not pass its check, else the one from
        before."""
        if address in self.came:
            return self.came[address]
        step = self.steps.get(address)
        if step is not None and step.digest is not None:
            return step.digest
        if step is not None and step.verdict == "rejected" and step.key is not None:
            known = self.planned.facts.result(step.key)
            if known is not None:
                return known.digest
        entry = self.planned.facts.lock.entries.get(address)
        return entry.digest if entry is not None else None

    def is_merged(self, address: str) -> bool:
        """Whether the lock has more than one picture of it: the next build settles which."""
        return address in self.planned.facts.lock.alternatives

    def is_outdated(self, address: str) -> bool:
        """Whether the picture that is shown is one from before: the next build puts another in its place."""
        step = self.steps.get(address)
        return address not in self.came and step is not None and step.digest is None and step.verdict != "rejected"

    def hindrance(self, address: str) -> str | None:
        """Why nobody can decide about the picture that is shown, however much they may."""
        if self.is_merged(address):
            return MERGED
        step, digest = self.steps.get(address), self.digest(address)
        entry = self.planned.facts.lock.entries.get(address)
        if digest is None:
            return "it is not built"
        if self.is_outdated(address):
            return OUTDATED
        if entry is not None and entry.digest == digest:
            return None
        if address in self.came:
            return WRITING
        return None if step is not None and step.verdict == "rejected" else UNWRITTEN

    def billed(self, address: str) -> Decimal | None:
        """What a paid picture cost; None when it is not paid for, or nobody wrote it down."""
        entry, step = self.entry(address), self.steps.get(address)
        if entry is not None and entry.cost is not None:
            return entry.cost
        known = self.planned.facts.result(step.key) if step is not None and step.key and step.digest else None
        return known.cost if known is not None else None

    def requirement(self, address: str) -> Requirement:
        action = self.actions[address]
        key = (action.asset, tuple(pair for pair in action.cell if pair[0] in self._ruled))
        found = self._requirements.get(key)
        if found is None:
            found = requirement_of(self.planned.loaded.campaign.approval, action.asset, dict(action.cell))
            self._requirements[key] = found
        return found

    def standing(self, address: str, digest: Digest | None) -> Standing:
        """How a picture stands; of those that nobody has decided anything about, alike ones are worked out once."""
        requirement = self.requirement(address)
        makers = self._makers.minded(address, requirement)
        if self.is_merged(address) or self.is_outdated(address):  # there is none that a release could have
            digest = None
        if address in self.history.by_asset:
            return standing_of(address, digest, self.history, requirement, makers)
        key = (requirement, digest is None, makers is None)
        found = self._untouched.get(key)
        if found is None:
            found = self._untouched[key] = standing_of(address, digest, self.history, requirement, makers)
        return found

    def is_void(self, address: str, entering: str, by: str) -> bool:
        """Whether an approval of the picture would not count, because of who enters it."""
        requirement = self.requirement(address)
        return is_void(entering, by, requirement, self._makers.minded(address, requirement))

    def took_back(self, decision: Decision) -> bool:
        """Whether it was taken back, so that it counts no more."""
        if decision.ref not in self.history.undone:
            return False
        address = decision.asset
        if address not in self.actions:
            return True
        requirement = self.requirement(address)
        return taken_back(decision, self.history, requirement, self._makers.minded(address, requirement))

    def waits(self, address: str, standing: Standing) -> Waiting | None:
        """Whose approval the picture that is shown waits for, which stands so."""
        step = self.steps.get(address)
        if self.hindrance(address) is not None or (step is not None and step.verdict == "rejected"):
            return None
        requirement = self.requirement(address)
        return waits_for(standing, requirement, self._makers.minded(address, requirement))

    def placement(self, address: str) -> Placement | None:
        """Where a picture will stand, when its ratio says so."""
        name = next((value for axis, value in self.actions[address].cell if axis == "ratio"), None)
        if name is None:
            return None
        if name not in self._places:
            axis = self.planned.loaded.campaign.axes.get("ratio")
            entry = axis.find(name) if axis is not None else None
            ratio = entry.value if entry is not None else None
            self._places[name] = ratio.placement if isinstance(ratio, Ratio) else None
        return self._places[name]

    def makers(self, address: str) -> frozenset[str] | None:
        """Who had any of it made; None when that is not known of all of it."""
        return self._makers.of(address)

    def uses(self, address: str) -> int:
        return len(self.users.get(address, _NONE))

    def variants(self, address: str) -> tuple[str, ...]:
        return tuple(each for each in self.family.get(base_of(address), _NONE) if VARIANT in each)

    def retake(self, address: str) -> Decision | None:
        """Who asked for another take of a paid picture that has not been made yet."""
        entry = self.planned.facts.lock.entries.get(address)
        found = None
        for each in self.history.by_asset.get(address, ()) if entry is not None else ():
            standing = each.decision == "retake" and each.ref not in self.history.undone
            if standing and entry is not None and each.key == entry.key:
                found = each
        return found


def view_of(
    planned: Planned, history: History, since: Since | None, selected: Collection[str] | None = None
) -> View:  # fmt: skip
    """`selected`: show these only; what a picture costs is counted over all of them still."""
    actions = planned.loaded.expansion.actions
    steps = {step.address: step for step in planned.plan.steps}
    delivered = [each.address for each in actions.values() if each.output is not None and not is_inner(each.address)]
    cells = tuple(each for each in delivered if selected is None or each in selected)
    family = _family(actions)
    paid = _paid(actions, family)
    users: dict[str, list[str]] = {}
    for address in delivered:
        for each in paid[address]:
            users.setdefault(each, []).append(address)
    return View(
        planned=planned, history=history, since=since, steps=steps, cells=cells, paid=paid,
        users={address: tuple(several) for address, several in users.items()},
        prices=_prices(cells, paid, steps), family=family,
        people=_people(planned), _makers=Makers(planned), _ruled=_ruled(planned),
    )  # fmt: skip


def _people(planned: Planned) -> tuple[str, ...]:
    policy = planned.loaded.campaign.approval
    return tuple(map(person, policy.people(ANYBODY))) if policy is not None else ()


def _ruled(planned: Planned) -> frozenset[str]:
    policy = planned.loaded.campaign.approval
    return frozenset(axis for rule in (policy.rules if policy is not None else ()) for axis in rule.patterns)


def _family(actions: Mapping[str, Action]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for address in actions:
        found.setdefault(base_of(address), []).append(address)
    return {base: tuple(several) for base, several in found.items()}


def _paid(actions: Mapping[str, Action], family: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """What each address took to pay for: every variant of a picture counts, not only the one that was picked."""
    found: dict[str, tuple[str, ...]] = {}
    for address, action in actions.items():  # inputs come first
        sources = [source for slot, source in action.inputs if source in found and not is_soft(slot)]
        own = [found[source] for source in sources]
        if action.paid:
            own.append((address,))
        if not is_inner(address):
            own.extend((each,) for each in family[address] if VARIANT in each)
        if len(own) == 1:
            found[address] = own[0]
        else:
            found[address] = tuple(dict.fromkeys(each for several in own for each in several))
    return found


def _prices(
    cells: tuple[str, ...], paid: Mapping[str, tuple[str, ...]], steps: Mapping[str, PlanStep]
) -> dict[str, Decimal]:  # fmt: skip
    """What the next build pays, each picture at the first cell that needs it."""
    counted: set[str] = set()
    found: dict[str, Decimal] = {}
    for address in cells:
        for each in paid[address]:
            step = steps.get(each)
            owner = (step.merged or each) if step is not None else each
            if owner not in counted:
                counted.add(owner)
                price = steps[owner].price if owner in steps else Decimal(0)
                if price:
                    found[address] = found.get(address, Decimal(0)) + price
    return found
