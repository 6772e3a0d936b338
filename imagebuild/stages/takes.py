"""What another take of a paid picture leads to: which paid pictures others are made from, what the next build pays more
when one of them is not wanted, and which pictures it makes anew. Reads plans; asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from imagebuild.core.action import Action, is_soft
from imagebuild.core.address import is_inner
from imagebuild.core.plan import PlanStep, price_of
from imagebuild.stages.plan import Planned

__all__ = ["Effect", "Reach", "effect_between", "takes"]


class Effect(NamedTuple):
    """`price`: what the next build pays more, None where it is not known; `pictures`: what is delivered and becomes
    another one."""

    price: Decimal | None
    pictures: tuple[str, ...]


def takes(planned: Planned, addresses: Iterable[str]) -> list[str]:
    """The paid pictures that these are made from, the nearest on each way down: an edit, not what was edited."""
    actions = planned.loaded.expansion.actions
    found: set[str] = set()
    for address in addresses:
        waiting, seen = [address], set[str]()
        while waiting:
            at = waiting.pop()
            if at in seen:
                continue
            seen.add(at)
            if actions[at].paid:
                found.add(at)
            else:
                waiting.extend(source for slot, source in actions[at].inputs if not is_soft(slot))
    return [at for at in actions if at in found]


def effect_between(before: Planned, after: Planned) -> Effect:
    """What is different in the plan once takes are asked for. Both plans are of the whole campaign."""
    earlier = {step.address: (step.verdict, step.digest) for step in before.plan.steps}
    changed = [
        step.address
        for step in after.plan.steps
        if _is_delivered(step) and earlier.get(step.address) != (step.verdict, step.digest)
    ]
    return Effect(after.plan.price - before.plan.price, tuple(changed))


def _is_delivered(each: PlanStep | Action) -> bool:
    return each.output is not None and not is_inner(each.address)


class Reach:
    """How far another take of any one paid picture reaches, answered without a plan for each. What it and those made
    from it cost is by the catalogue: that one of them may be in the store already is not looked at."""

    def __init__(self, planned: Planned) -> None:
        self._actions = planned.loaded.expansion.actions
        self._offer = planned.loaded.offer
        self._batch = planned.plan.policy.batch
        self._steps = {step.address: step for step in planned.plan.steps}
        self._rank = {address: index for index, address in enumerate(self._actions)}

    @cached_property
    def _alike(self) -> dict[str, list[str]]:
        """The addresses of one request: it is made once for all of them."""
        found: dict[str, list[str]] = {}
        for step in self._steps.values():
            found.setdefault(step.identity, []).append(step.address)
        return found

    @cached_property
    def _users(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for address, action in self._actions.items():
            for slot, source in action.inputs:
                if not is_soft(slot):
                    found.setdefault(source, []).append(address)
        return found

    def of(self, address: str) -> Effect:
        """Of another take at this address."""
        step = self._steps.get(address)
        waiting = list(self._alike.get(step.identity, ())) if step is not None and self._actions[address].paid else []
        reached = {address, *waiting}
        while waiting:
            for user in self._users.get(waiting.pop(), ()):
                if user not in reached:
                    reached.add(user)
                    waiting.append(user)
        order = sorted(reached, key=self._rank.__getitem__)
        pictures = [each for each in order if _is_delivered(self._actions[each])]
        return Effect(self._price(address, order), tuple(pictures))

    def _price(self, root: str, order: Iterable[str]) -> Decimal | None:
        """Each request once; what else the next build pays anyway is not paid for the take."""
        total, counted = Decimal(0), set[str]()
        needed = self._needed(order)
        for each in order:
            step, action = self._steps.get(each), self._actions[each]
            if not action.paid or each not in needed or step is None or step.identity in counted:
                continue
            counted.add(step.identity)
            if step.verdict == "make" and step.identity != self._steps[root].identity:
                continue
            price = price_of(action, self._offer, batch=self._batch)
            if price is None:
                return None
            total += price
        return total

    def _needed(self, order: Iterable[str]) -> set[str]:
        """Those of them that something delivered is made from: the others are not made anew."""
        found: set[str] = set()
        for each in reversed(list(order)):
            if self._actions[each].output is not None or any(user in found for user in self._users.get(each, ())):
                found.add(each)
        return found
