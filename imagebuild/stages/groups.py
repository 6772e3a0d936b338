"""What is to be done, gathered: the steps of a plan that change for one reason, as people are told of them."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Final, NamedTuple

from imagebuild.core.attempt import Attempt
from imagebuild.core.plan import Plan, PlanStep
from imagebuild.core.reason import OF_ATTEMPTS, WHY, Reason
from imagebuild.stages.plan import Planned

__all__ = ["Group", "attempt_of", "groups_of"]

EXPLAINED: Final = 12  # how many steps of one kind are compared field by field, unless all are asked for


class Group(NamedTuple):
    """Steps of one asset that change for one reason."""

    asset: str
    verdict: str
    reason: Reason
    steps: tuple[PlanStep, ...]
    rest: tuple[PlanStep, ...]  # further steps, not compared one by one

    @property
    def all(self) -> tuple[PlanStep, ...]:
        return (*self.steps, *self.rest)


def groups_of(
    planned: Planned, *, everything: bool = False, explained: int = EXPLAINED, among: Container[str] | None = None
) -> list[Group]:  # fmt: skip
    """The changing steps, or those of them at these addresses, gathered by asset, verdict and reason. `explained`: how
    many of one kind are compared field by field, unless `everything` is."""
    by_why: dict[tuple[str, str, str], list[PlanStep]] = {}
    for step in planned.plan.work:
        if step.kind == "check" and step.why == "input-made" and not everything:
            continue  # it goes without saying with what is drawn
        if among is not None and step.address not in among:
            continue
        why = "merged" if step.merged and step.verdict == "make" else step.why
        by_why.setdefault((step.asset, step.verdict, why), []).append(step)
    groups: list[Group] = []
    for (asset, verdict, why), steps in by_why.items():
        if why in OF_ATTEMPTS:
            groups.extend(_by_attempt(planned.plan, asset, verdict, why, steps))
            continue
        if why not in ("changed", "another-take", "redrawn", "made-before", "rejected"):
            reason = Reason(WHY.get(why, "the same request as another: made once"))
            groups.append(Group(asset, verdict, reason, tuple(steps), ()))
            continue
        compared = steps if everything else steps[:explained]
        alike: dict[tuple[object, ...], list[PlanStep]] = {}
        reasons: dict[tuple[object, ...], Reason] = {}
        for step in compared:
            reason = planned.explain(step)
            signature = _signature(reason)
            alike.setdefault(signature, []).append(step)
            reasons.setdefault(signature, reason)
        rest = tuple(steps[len(compared) :])
        for index, (signature, found) in enumerate(alike.items()):
            last = index == len(alike) - 1
            groups.append(Group(asset, verdict, reasons[signature], tuple(found), rest if last else ()))
    return groups


def _by_attempt(plan: Plan, asset: str, verdict: str, why: str, steps: Sequence[PlanStep]) -> Iterator[Group]:
    """A group for the attempts that ended alike: at one service, in the same words."""
    alike: dict[tuple[str, str], list[PlanStep]] = {}
    for step in steps:
        attempt = attempt_of(plan, step)
        alike.setdefault((attempt.provider, attempt.words), []).append(step)
    for found in alike.values():
        yield Group(asset, verdict, Reason(WHY[why], attempt=attempt_of(plan, found[0])), tuple(found), ())


def attempt_of(plan: Plan, step: PlanStep) -> Attempt:
    assert step.key is not None
    return plan.attempts[step.key]


def _signature(reason: Reason) -> tuple[object, ...]:
    """What makes two reasons the same for a reader: the words that changed, not the text around them."""
    fields: list[object] = []
    for change in reason.changes:
        if change.diff:
            fields.append((change.field, tuple(part for part in change.diff if part[0] != "=")))
        elif change.field == "input" or change.field.startswith("references"):
            fields.append(change.field)
        else:
            fields.append((change.field, str(change.old), str(change.new)))
    causes = tuple((cause.name, cause.old, cause.new) for cause in reason.causes)
    return (reason.sentence, tuple(fields), causes)
