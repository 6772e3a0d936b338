"""What a person says of an attempt after a look at the service's own books, and how it is carried out.

The word is written down before anything is done about it: whoever is killed in between, the next build carries it out.
"""

from __future__ import annotations

from decimal import Decimal

from imagebuild.core.attempt import Attempt, Payment, payment_of
from imagebuild.store.base import Journal

__all__ = ["carry_out", "is_settled", "to_be_settled"]

_SETTLING = "settling"  # in an attempt's `extra`: what was said of it


def to_be_settled(attempt: Attempt, payment: Payment) -> Attempt:
    """An open attempt, with the ledger's line that is to become of it. As `sent`: every build looks at those."""
    line = {"state": payment.state, "batch": payment.batch, "extra": dict(payment.extra)}
    if payment.billed is not None:
        line["billed"] = f"{payment.billed:f}"
    return attempt._replace(
        state="sent", extra={**attempt.extra, _SETTLING: {**line, "task": dict(attempt.task)}}, task={}
    )


def is_settled(attempt: Attempt) -> bool:
    return _SETTLING in attempt.extra


def carry_out(journal: Journal, attempt: Attempt) -> Attempt | None:
    """The ledger's line; then what was not billed is forgotten, and anything else stays open as what it is now."""
    line = attempt.extra[_SETTLING]
    state, billed = line["state"], Decimal(line["billed"]) if "billed" in line else None
    extra = {name: value for name, value in attempt.extra.items() if name != _SETTLING}
    ended = attempt._replace(state=state, billed=billed, task=line["task"], extra=extra)
    journal.pay(payment_of(ended, state, batch=line["batch"], extra=line["extra"]))
    if state == "cleared":
        journal.close(attempt.key)
        return None
    journal.open(ended)
    return ended
