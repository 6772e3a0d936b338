"""What a build tells while it runs: small values, handed to whoever draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.key import Digest
from imagebuild.core.plan import PlanStep
from imagebuild.errors import Problem
from imagebuild.providers.base import Glimpse

__all__ = ["KINDS", "Event", "Listener", "Summary"]

KINDS = (
    "start", "partial", "made", "collected", "restored", "adopted", "reused", "failed", "uncertain", "refused",
    "flawed", "rejected", "blocked", "left",
)  # fmt: skip


class Event(NamedTuple):
    """Something happened to a step: one of `KINDS`. `collected`: it was paid for by an earlier build."""

    kind: str
    step: PlanStep
    problem: Problem | None = None
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    aside: str | None = None  # where the file is that a person had put, or edited, in the output's place
    glimpse: Glimpse | None = None
    digest: Digest | None = None  # of what it came to


Listener = Callable[[Event], None]


@dataclass(slots=True)
class Summary:
    """How a build ended. `left`: steps not begun because it was stopped or the budget was reached, or that are under
    way at the service; `left_price`: what they would take; `unknown`: what may have been billed besides `spent`;
    `strays`: pictures that were paid for, fetched though the campaign no longer asks for them."""

    made: int = 0
    collected: int = 0
    drawn: int = 0
    reused: int = 0
    restored: int = 0
    adopted: int = 0
    failed: int = 0
    uncertain: int = 0
    refused: int = 0
    flawed: int = 0
    rejected: int = 0
    checked: int = 0
    blocked: int = 0
    left: int = 0
    submitted: int = 0
    strays: int = 0
    unverified: list[tuple[str, str]] = field(default_factory=list)  # delivered: address, what could not be looked at
    left_price: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    unknown: Decimal = Decimal(0)
    stopped: str | None = None
    stopped_hint: str | None = None
    seconds: float = 0.0
    damaged: bool = False
    aside: list[tuple[str, str]] = field(default_factory=list)  # output → where what a person had there is kept
    problems: list[tuple[str, Problem, str]] = field(default_factory=list)  # address, why, how it ended

    @property
    def complete(self) -> bool:
        return not (self.wrong or self.blocked or self.left)

    @property
    def wrong(self) -> int:
        """How many steps ended in a way that another build does not mend by itself."""
        return self.failed + self.uncertain + self.refused + self.flawed + self.rejected
