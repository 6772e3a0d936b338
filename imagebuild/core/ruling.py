"""What an open attempt makes of a step that would otherwise be paid for.

One table, in one place: whether money is risked a second time is decided here, and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from imagebuild.core.attempt import Attempt
from imagebuild.core.plan import Policy

__all__ = ["STOPPING", "Ruling", "ruling_on"]

# What a verdict makes of everything that would be made from the picture.
STOPPING = {"uncertain": "input-uncertain", "refused": "input-refused", "flawed": "input-flawed"}


class Ruling(NamedTuple):
    """A verdict, and why. `free`: nothing is paid for it, though it may be made."""

    verdict: str
    why: str
    free: bool = True


def ruling_on(attempt: Attempt, *, provider: str, policy: Policy) -> Ruling | None:
    """The ruling on a step whose key has an open attempt, in a plan for this provider; None: it is made as usual.

    What is under way, and a reply that nobody has read yet, is taken in, whatever the policy says: it is paid for."""
    state = attempt.state
    if state == "task":
        return Ruling("wait", "under-way" if attempt.provider == provider else "elsewhere")
    if state == "refused":
        if attempt.provider != provider:
            return None
        return Ruling("make", "refused-again", free=False) if policy.retry_refused else Ruling("refused", "refused")
    if state == "flawed":
        return Ruling("make", "flawed-accepted") if policy.accept_flawed else Ruling("flawed", "flawed")
    if attempt.answered and (state == "sent" or not policy.retry_uncertain):
        return Ruling("wait", "answered")
    if policy.retry_uncertain:
        return Ruling("make", "uncertain-again", free=False)
    return Ruling("uncertain", state if state in ("sent", "lost") else "uncertain")
