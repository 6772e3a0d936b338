"""Gather facts, then decide: the plan of a campaign as it stands on disk."""

from __future__ import annotations

from dataclasses import dataclass

from imagebuild.core.address import Selectable, Selection, asset_of
from imagebuild.core.expand import Action
from imagebuild.core.key import Digest
from imagebuild.core.plan import Plan, PlanStep, complete, make_plan
from imagebuild.core.reason import Reason, explain
from imagebuild.errors import Place
from imagebuild.stages.facts import DiskFacts, read_lock
from imagebuild.stages.project import Project
from imagebuild.stages.read import Loaded, read_campaign
from imagebuild.store.local import LocalStore

__all__ = ["Planned", "plan_campaign", "select"]


@dataclass(slots=True)
class Planned:
    """A plan with what it was made from."""

    project: Project
    loaded: Loaded
    facts: DiskFacts
    store: LocalStore
    plan: Plan

    def explain(self, step: PlanStep) -> Reason:
        """Why a step is in the plan."""
        action = self.loaded.expansion.actions[step.address]
        return explain(step, action, self.manifest(action), self.facts, self.loaded.expansion.sources_of, self.place_of)

    def manifest(self, action: Action) -> dict[str, object]:
        """An action's manifest, complete as far as its inputs' digests are known."""
        digests = {step.address: step.digest for step in self.plan.steps if step.address in dict(action.inputs).values()}
        return complete(action, {slot: digest for slot, source in action.inputs if (digest := digests.get(source))})

    def place_of(self, tag: str, key: str) -> Place | None:
        strings = self.loaded.strings
        found = strings.lookup(tag, key) if strings else None
        return found.text.place if found else None


def select(loaded: Loaded, selection: Selection | None, prefix: str = "") -> set[str] | None:
    """The addresses a selection picks; None for all of them."""
    if selection is None:
        return None
    expansion = loaded.expansion
    items = [
        Selectable(action.address, action.asset, action.cell, action.output)
        for action in expansion.actions.values()
        if action.address in expansion.finished
    ]
    return selection.pick(items)


def plan_campaign(
    project: Project, *, provider: str | None = None, selection: Selection | None = None, whole: bool = False
) -> Planned:
    """Read everything and decide. Changes nothing. `whole`: the plan has every step, also those a memory answers for."""
    loaded = read_campaign(project, provider=provider)
    lock = read_lock(project, loaded.campaign.name)
    store = LocalStore(project.store)
    facts = DiskFacts(project, lock, store)
    expansion = loaded.expansion
    facts.expect({action.output for action in expansion.actions.values() if action.output})
    plan = make_plan(
        expansion.actions, facts, loaded.offer, campaign=loaded.campaign.name, budget=loaded.campaign.budget,
        selected=select(loaded, selection), skipped=expansion.skipped, notes=_notes(loaded),
    )  # fmt: skip
    return Planned(project, loaded, facts, store, plan)


def _notes(loaded: Loaded) -> list[str]:
    """What a person should know before building, though it is no mistake."""
    expansion = loaded.expansion
    used = {asset_of(source) for action in expansion.actions.values() for _, source in action.inputs if asset_of(source) != action.asset}
    notes = [
        f"asset `{name}` has no `output`, and nothing is made from it: it is not made"
        for name, asset in loaded.campaign.assets.items()
        if asset.output is None and name not in used
    ]
    if loaded.offer.floating:
        notes.append(f"`{loaded.offer.model}` is a floating name: what it draws may change without notice")
    above = loaded.offer.sizes.experimental_above
    large = {action.asset for action in expansion.actions.values() if action.paid and above and action.size and action.size[0] * action.size[1] > above}
    notes.extend(f"asset `{name}` asks for more pixels than the model's makers call settled (over {above:,})" for name in sorted(large))
    return notes


def digests_of(plan: Plan) -> dict[str, Digest]:
    return {step.address: step.digest for step in plan.steps if step.digest is not None}
