"""What was spent so far: by the ledger, by what is still open, and by a lock whose ledger is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from imagebuild.core.attempt import Attempt, Payment, payment_of, settled, total_counted
from imagebuild.core.key import Key
from imagebuild.core.plan import Spent

__all__ = ["spent_so_far"]


def spent_so_far(
    campaign: str, month: str, payments: Iterable[Payment], attempts: Iterable[Attempt], costs: Mapping[Key, Decimal]
) -> Spent:
    """What the campaign cost in all, and what the month (`2026-11`) did. An open attempt counts as if it were billed
    in the month it was sent in. `costs` are the lock's, by key: they count where the ledger does not know the key."""
    found = settled(payments)
    known = {payment.id for payment in found}
    found += [payment_of(attempt, "uncertain") for attempt in attempts if attempt.id not in known]
    keys = {payment.key for payment in found}
    elsewhere = sum((cost for key, cost in costs.items() if key not in keys), Decimal(0))
    return Spent(total_counted(found, campaign=campaign) + elsewhere, total_counted(found, month=month))
