"""Limits on spending: an estimate is reserved before a request leaves, and settled with the true cost after it."""

from __future__ import annotations

from decimal import Decimal

from imagebuild.core.spec import Budget

__all__ = ["Purse"]


class Purse:
    """What may still be spent: by this build, by the campaign, this month, whichever is least. Reserving is refused,
    never shortened. What is reserved counts as spent until it is settled."""

    def __init__(
        self, budget: Budget, spent: Decimal, spent_month: Decimal = Decimal(0), spent_build: Decimal = Decimal(0)
    ) -> None:
        limits = [
            (budget.build, "budget.build", spent_build),
            (budget.campaign, "budget.campaign", spent),
            (budget.month, "budget.month", spent_month),
        ]
        room = [(limit - already, name) for limit, name, already in limits if limit is not None]
        self._limit: Decimal | None = None
        self.name = ""
        if room:
            self._limit, self.name = min(room)
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
