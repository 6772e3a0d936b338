"""Limits on spending: an estimate is reserved before a request leaves, and settled with the true cost after it."""

from __future__ import annotations

from decimal import Decimal

from imagebuild.core.spec import Budget

__all__ = ["Purse"]


class Purse:
    """What may still be spent in this build. Reserving is refused, never shortened."""

    def __init__(self, budget: Budget, spent: Decimal) -> None:
        limits: list[tuple[Decimal, str]] = []
        if budget.build is not None:
            limits.append((budget.build, "budget.build"))
        if budget.campaign is not None:
            limits.append((budget.campaign - spent, "budget.campaign"))
        self._limit: Decimal | None = None
        self.name = ""
        if limits:
            self._limit, self.name = min(limits)
        self.spent = Decimal(0)
        self.reserved = Decimal(0)

    def reserve(self, estimate: Decimal) -> bool:
        """Set the estimate aside; False when that would pass the limit."""
        if self._limit is not None and estimate and self.spent + self.reserved + estimate > self._limit:
            return False
        self.reserved += estimate
        return True

    def settle(self, estimate: Decimal, cost: Decimal) -> None:
        """The request is over: the true cost takes the place of the estimate."""
        self.reserved -= estimate
        self.spent += cost
