"""What is known of paying for a key: the attempt that is still open, and the payments there ever were.

An attempt is written down before its request leaves, and forgotten when its result is stored. What stays open says so
by its state, once and for all below. Payments are the lines of the ledger. Both are values; the journal keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from imagebuild.core.key import Digest, Key

__all__ = ["ENDS", "STATES", "Attempt", "Payment", "payment_of", "settled", "total_counted"]

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

STATES: Final[Mapping[str, str]] = {
    "sent": "its request left, and no reply was seen",
    "task": "the service has taken it; what comes of it is fetched, not asked for again",
    "uncertain": "its request left, and whether the service made and billed it is not known",
    "refused": "the service said no to exactly this request",
    "flawed": "what came is not what was asked for; it is kept, and not delivered",
    "lost": "paid for, and the service cannot deliver it",
}

# How a payment ended, as the ledger says it.
ENDS: Final[Mapping[str, str]] = {
    "paid": "made, and in the store",
    "uncertain": "its outcome is not known; counted as if it were billed",
    "refused": "the service said no",
    "flawed": "made otherwise than asked; kept",
    "lost": "made, and not delivered",
    "cleared": "somebody looked at the service's own books: it was not billed",
}


class Attempt(NamedTuple):
    """One try at paying for one key. `task` is the provider's own note of how to go on; `digest` what a flawed one
    gave. Complete in itself: its result can be stored though the campaign no longer asks for it."""

    id: str
    key: Key
    state: str
    provider: str
    model: str
    campaign: str
    address: str
    estimate: Decimal
    at: str  # when it was sent, ISO 8601, UTC
    manifest: Mapping[str, Any]
    sources: Mapping[str, Any] = _NOTHING
    task: Mapping[str, Any] = _NOTHING
    request_id: str | None = None
    words: str = ""  # what the service said, or what went wrong
    digest: Digest | None = None
    billed: Decimal | None = None
    floating: bool = False
    account: str = ""  # a mark of the account it was sent from: another one's "unknown" says nothing of it
    held: bool = False  # a build that is running has it in hand
    answered: bool = False  # its reply is on disk, whole, and only has to be read
    extra: Mapping[str, Any] = _NOTHING


class Payment(NamedTuple):
    """One line of the ledger. `billed` is what the service's own reply says it took, None where it did not say."""

    id: str  # of the attempt; a later line of the same id replaces an earlier one
    key: Key
    state: str  # of ENDS
    at: str
    provider: str
    model: str
    campaign: str
    address: str
    estimate: Decimal
    billed: Decimal | None = None
    request_id: str | None = None
    digest: Digest | None = None
    words: str = ""
    batch: str | None = None
    extra: Mapping[str, Any] = _NOTHING

    @property
    def counted(self) -> Decimal:
        """What it takes from a budget: what was billed; where that is not known, the estimate."""
        if self.state == "cleared":
            return Decimal(0)
        return self.estimate if self.billed is None else self.billed


def payment_of(attempt: Attempt, state: str, **changes: Any) -> Payment:
    """The ledger's line of an attempt that ended so. `changes` replace what is copied from the attempt."""
    return Payment(
        id=attempt.id, key=attempt.key, state=state, at=attempt.at, provider=attempt.provider, model=attempt.model,
        campaign=attempt.campaign, address=attempt.address, estimate=attempt.estimate, billed=attempt.billed,
        request_id=attempt.request_id, digest=attempt.digest, words=attempt.words,
    )._replace(**changes)  # fmt: skip


def settled(payments: Iterable[Payment]) -> list[Payment]:
    """The payments with each attempt once, as its last line has it, in the order of their first lines."""
    found: dict[str, Payment] = {}
    for payment in payments:
        found[payment.id] = payment
    return list(found.values())


def total_counted(payments: Iterable[Payment], *, campaign: str | None = None, month: str | None = None) -> Decimal:
    """What payments take from a budget, in all, or of a campaign, or of a month (`2026-11`)."""
    return sum(
        (
            payment.counted
            for payment in settled(payments)
            if campaign in (None, payment.campaign) and (month is None or payment.at.startswith(month))
        ),
        Decimal(0),
    )
