"""What a build tells while it runs: small values, handed to whoever draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.plan import PlanStep
from imagebuild.errors import Problem

__all__ = ["Event", "Listener", "Summary"]


class Event(NamedTuple):
    """Something happened to a step: `start`, `made`, `restored`, `adopted`, `reused`, `failed`, `blocked`, `left`."""

    kind: str
    step: PlanStep
    problem: Problem | None = None
    seconds: float = 0.0
    cost: Decimal = Decimal(0)
    aside: str | None = None  # where the file is that a person had put, or edited, in the output's place


Listener = Callable[[Event], None]


@dataclass(slots=True)
class Summary:
    """How a build ended. `left`: steps not begun because it was stopped or the budget was reached; `left_price`: what
    they would take."""

    made: int = 0
    drawn: int = 0
    reused: int = 0
    restored: int = 0
    adopted: int = 0
    failed: int = 0
    blocked: int = 0
    left: int = 0
    left_price: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    stopped: str | None = None
    seconds: float = 0.0
    damaged: bool = False
    aside: list[tuple[str, str]] = field(default_factory=list)  # output → where what a person had there is kept
    problems: list[tuple[str, Problem]] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        return not (self.failed or self.blocked or self.left)
