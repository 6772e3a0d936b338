"""Gather facts, then decide: the plan of a campaign as it stands on disk."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from imagebuild.core.action import Action
from imagebuild.core.address import VARIANT, Selectable, Selection, asset_of, is_inner
from imagebuild.core.choices import NO_CHOICES, Choices
from imagebuild.core.key import Digest, key_of
from imagebuild.core.lock import Lock
from imagebuild.core.placements.cuts import cut_notes, cuts_of
from imagebuild.core.plan import USUAL, Plan, PlanStep, Policy, Spent, complete
from imagebuild.core.planner import make_plan
from imagebuild.core.reason import WHY, Reason, explain
from imagebuild.core.settled import SettledEntries
from imagebuild.core.sizes import is_experimental
from imagebuild.core.spec import Campaign
from imagebuild.errors import ApprovalsError, Place
from imagebuild.providers.catalog import load_catalog
from imagebuild.stages.choices import read_choices
from imagebuild.stages.facts import DiskFacts, read_lock
from imagebuild.stages.glance import read_memory
from imagebuild.stages.memory import Recall, recall
from imagebuild.stages.project import Project
from imagebuild.stages.read import Loaded, Part, read_campaign
from imagebuild.store.journal import LocalJournal
from imagebuild.store.local import LocalStore

__all__ = ["Planned", "plan_campaign"]

MANY = 4000  # so many actions, and listing the store is cheaper than asking it one by one


@dataclass(slots=True)
class Planned:
    """A plan with what it was made from. `kept`: addresses of the lock that a memory vouches for."""

    project: Project
    loaded: Loaded
    facts: DiskFacts
    store: LocalStore
    journal: LocalJournal
    plan: Plan
    recalled: Recall
    kept: Collection[str]
    provider: str | None
    whole: bool  # the plan is of the whole campaign
    choices: Choices = NO_CHOICES

    def explain(self, step: PlanStep) -> Reason:
        """Why a step is in the plan."""
        action = self.loaded.expansion.actions[step.address]
        sources_of = self.loaded.expansion.sources_of
        attempt = self.plan.attempts.get(step.key) if step.key is not None else None
        if step.why == "another-take":
            reason = explain(step, action, self.manifest(action), self.facts, sources_of, self.place_of, attempt)
            asked = f"{WHY['another-take']} by {self._asked_by(step, action)}"
            return reason._replace(sentence=asked + reason.sentence.removeprefix(WHY["another-take"]))
        if step.verdict == "rejected" and step.key is not None:
            known = self.facts.result(step.key)
            return Reason(f"{WHY['rejected']}: {known.rejected}" if known and known.rejected else WHY["rejected"])
        return explain(step, action, self.manifest(action), self.facts, sources_of, self.place_of, attempt)

    def _asked_by(self, step: PlanStep, action: Action) -> str:
        """Who asked for the take before the one that is to be made, and why."""
        take = self.plan.takes[step.address] - 1
        before = {**self.manifest(action), "take": take}
        if take == 1:
            del before["take"]
        return self.choices.unwanted[key_of(before)]

    def manifest(self, action: Action) -> dict[str, object]:
        """An action's manifest, complete as far as its inputs' digests are known."""
        found: dict[str, Digest] = {}
        digests = self.digests if action.inputs else {}
        for slot, source in action.inputs:
            digest = digests.get(source) or (self.facts.lock.entries[source].digest if source in self.kept else None)
            if digest is not None:
                found[slot] = digest
        return complete(action, found)

    @property
    def locked(self) -> bool:
        """Whether the lock says already what the plan says of everything that has a result."""
        lock = self.facts.lock
        if lock.alternatives or lock.conflicted:
            return False
        for step in self.plan.steps:
            entry = lock.entries.get(step.address)
            if entry is None or (entry.key, entry.digest, entry.output) != (step.key, step.digest, step.output):
                return False
        return True

    def counts(self) -> dict[str, dict[str, int]]:
        """asset → verdict → how many pictures, in the campaign's order."""
        found = self.plan.counts()
        order = [name for name in self.loaded.campaign.assets if name in found]
        return {name: found[name] for name in dict.fromkeys((*order, *found))}

    @property
    def digests(self) -> dict[str, Digest]:
        return {step.address: step.digest for step in self.plan.steps if step.digest is not None}

    def spent_now(self) -> Spent:
        """What the campaign and the month have cost by now, other builds' part included."""
        return self.facts.spent(self.plan.campaign, anew=True)

    def place_of(self, tag: str, key: str) -> Place | None:
        strings = self.loaded.strings
        found = strings.lookup(tag, key) if strings else None
        return found.text.place if found else None


def plan_campaign(
    project: Project,
    *,
    provider: str | None = None,
    selection: Selection | None = None,
    whole: bool = False,
    policy: Policy = USUAL,
    tries: int = 5,
) -> Planned:
    """Read everything and decide. Changes nothing. `whole`: the plan has every step, also those a memory answers, and
    what was spent though nothing is to be paid. `tries`: how often to begin anew when somebody decides meanwhile."""
    memory = read_memory(project.memory) if not os.environ.get("IMAGEBUILD_NO_MEMORY") else None
    lock, lock_digest = read_lock(project, "", settled=memory.fact("lock") if memory else None)
    choices, decided = read_choices(project, lock, whole=memory.fact("approvals") if memory else "")
    recalled = recall(project, memory, provider, os.environ, lock, lock_digest, choices=choices.identity)
    partly = recalled.usable and not whole and selection is None and not lock.alternatives
    kept = frozenset(recalled.clean(lock.entries)) if partly else frozenset[str]()
    dirty = [address for address in lock.entries if address not in kept and address not in recalled.orphans]
    if isinstance(lock.entries, SettledEntries):
        lock.entries.load(dirty)

    def narrow(campaign: Campaign) -> Part:
        touched = {name: asset for name, asset in campaign.assets.items() if recalled.touches(name, asset.over)}
        reach = {name: recalled.reach(name, asset.over) for name, asset in touched.items()}
        return Part(reach, recalled.tags, recalled.known(lock, kept), recalled.paths(lock, dirty))

    approvals = os.path.basename(project.approvals)  # an input of the plan, as it was when it was read
    remembered = {path: seen for path, seen in recalled.remembered.items() if path != approvals}

    def planned(choices: Choices) -> Planned:
        loaded = read_campaign(
            project, provider=provider, remembered=remembered, narrow=narrow if partly else None,
            picks={address: pick.number for address, pick in choices.picks.items()},
        )  # fmt: skip
        asked = _Asked(provider, selection, whole, policy, partly)
        return _decided(project, loaded, lock, recalled, kept, choices, asked)

    found = planned(choices)
    stale = _stale_picks(found)
    if stale:
        found = planned(choices.without(stale))
        found.plan = replace(found.plan, notes=(*found.plan.notes, *(_stale_note(choices, each) for each in stale)))
    if (found.loaded.files.digest(approvals) or "") != decided:
        if tries > 1:
            again = tries - 1
            return plan_campaign(
                project, provider=provider, selection=selection, whole=whole, policy=policy, tries=again
            )
        what = f"`{project.label(approvals)}` changes all the time"
        raise ApprovalsError(what, hint="let whoever decides finish, then run the same command again")
    return found


class _Asked(NamedTuple):
    provider: str | None
    selection: Selection | None
    whole: bool
    policy: Policy
    partly: bool  # of the campaign: a memory answers for the rest


def _stale_picks(planned: Planned) -> list[str]:
    """Whose chosen variant will not be the picture that was looked at: another request is made for it now."""
    keys = {step.address: step.key for step in planned.plan.steps}
    return [
        address
        for address, pick in planned.choices.picks.items()
        if keys.get(f"{address}{VARIANT}{pick.number}", pick.key) != pick.key
    ]


def _stale_note(choices: Choices, address: str) -> str:
    number = choices.picks[address].number
    return f"variant {number} of `{address}` was picked, and is made anew: nobody has picked among the new ones"


def _decided(
    project: Project, loaded: Loaded, lock: Lock, recalled: Recall, kept: Collection[str], choices: Choices,
    asked: _Asked,
) -> Planned:  # fmt: skip
    """The plan of what was read."""
    expansion = loaded.expansion
    store = LocalStore(project.store)
    trusted = _trusted(lock, recalled, expansion.actions if asked.partly else None) if recalled.outputs_hold else {}
    journal = LocalJournal(project.store)
    month = datetime.datetime.now(datetime.UTC).strftime("%Y-%m")
    many = len(expansion.actions) > MANY
    facts = DiskFacts(project, lock, store, journal, month=month, many=many, trusted=trusted)
    facts.expect({action.output for action in expansion.actions.values() if action.output})
    plan = make_plan(
        expansion.actions, facts, loaded.offer, campaign=loaded.campaign.name, budget=loaded.campaign.budget,
        selected=_select(loaded, asked.selection), kept=kept,
        kept_by_asset=Counter([address.partition("[")[0] for address in kept if not is_inner(address)]),
        skipped=expansion.skipped,
        notes=[words[0] for words in recalled.facts.get("note", ())] if asked.partly else _notes(loaded),
        policy=asked.policy, count_spent=asked.whole, unwanted=choices.unwanted,
    )  # fmt: skip
    for address, take in plan.takes.items():
        action = expansion.actions[address]
        expansion.actions[address] = action._replace(manifest={**action.manifest, "take": take})
    whole = asked.selection is None
    return Planned(project, loaded, facts, store, journal, plan, recalled, kept, asked.provider, whole, choices)


def _trusted(lock: Lock, recalled: Recall, among: Mapping[str, Action] | None) -> dict[str, Digest]:
    """Outputs that are as the last build left them: their digest is the lock's."""
    entries = lock.entries
    addresses = entries if among is None else [address for address in among if address in entries]
    found: dict[str, Digest] = {}
    for address in addresses:
        entry = entries[address]
        if entry.output and entry.output not in recalled.changed and address not in recalled.orphans:
            found[entry.output] = entry.digest
    return found


def _select(loaded: Loaded, selection: Selection | None) -> set[str] | None:
    """The addresses a selection picks; None for all of them."""
    if selection is None:
        return None
    expansion = loaded.expansion
    items = [
        Selectable(action.address, action.asset, action.cell, action.output)
        for action in expansion.actions.values()
        if not is_inner(action.address)
    ]
    return selection.pick(items)


def _notes(loaded: Loaded) -> list[str]:
    """What a person should know before building, though it is no mistake."""
    actions = loaded.expansion.actions.values()
    used = {asset_of(source) for action in actions for _, source in action.inputs if asset_of(source) != action.asset}
    notes = [
        f"asset `{name}` has no `output`, and nothing is made from it: it is not made"
        for name, asset in loaded.campaign.assets.items()
        if asset.output is None and name not in used and (asset.settings.variants or 1) == 1
    ]
    if loaded.offer.floating:
        offer = loaded.offer
        floating = f"`{offer.model}` is a floating name"
        if offer.model in load_catalog().models:
            floating = f"`{offer.provider}` has only a floating name for `{offer.model}`"
        notes.append(f"{floating}: what it draws may change without notice")
    notes.extend(loaded.expansion.notes)
    notes.extend(cut_notes(cuts_of(loaded.expansion.actions, loaded.campaign.axes.get("ratio"))))
    rules = loaded.offer.sizes
    large = {action.asset for action in actions if action.paid and action.size and is_experimental(action.size, rules)}
    notes.extend(
        f"asset `{name}` asks for more than {rules.experimental_above:,} pixels, which OpenAI calls experimental"
        for name in sorted(large)
    )
    return notes
