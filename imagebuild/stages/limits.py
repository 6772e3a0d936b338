"""Limits that builds share: a month's, and a campaign's, hold for every build on one store, also two at once.

One build at a time spends from a shared limit. The others wait, and then count anew what is left of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from imagebuild.build.run import Stop
from imagebuild.core.key import Key, digest_of
from imagebuild.core.plan import Plan
from imagebuild.errors import BuildError
from imagebuild.stages.plan import Planned

__all__ = ["shared_limits"]

GLANCE = 0.25


@contextmanager
def shared_limits(planned: Planned, stop: Stop) -> Iterator[Plan]:
    """The plan, with what is spent by now, while nobody else spends from the same limits."""
    plan = planned.plan
    names = [f"campaign {plan.campaign}"] if plan.budget.campaign is not None else []
    names += ["month"] if plan.budget.month is not None else []
    if not names or not plan.price:
        yield plan
        return
    with ExitStack() as held:
        for name in names:  # always in this order, so that no two wait for each other
            _hold(planned, f"budget {name}", held, stop)
        spent = planned.spent_now()
        yield replace(plan, spent=spent.campaign, spent_month=spent.month)


def _hold(planned: Planned, name: str, held: ExitStack, stop: Stop) -> None:
    key = Key(digest_of(name.encode()))
    while True:
        claim = planned.journal.claim(key)
        if claim.__enter__():
            held.push(claim.__exit__)
            return
        claim.__exit__(None, None, None)
        if stop.reason is not None:
            raise BuildError("another build spends from the same budget", hint="build again when that one is done")
        time.sleep(GLANCE)
