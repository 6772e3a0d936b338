"""What an open attempt makes of a step that would otherwise be paid for.

One table, in one place: whether money is risked a second time is decided here, and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from imagebuild.core.attempt import Attempt
from imagebuild.core.plan import Policy

__all__ = ["Ruling", "ruling_on"]


class Ruling(NamedTuple):
    """A verdict, and why. `free`: nothing is paid for it, though it may be made."""

    verdict: str
    why: str
    free: bool = True

    @property
    def stops(self) -> str | None:
        """Why everything that would be made from the picture is blocked; None when it is not."""
        if self.verdict in ("uncertain", "refused", "flawed"):
            return f"input-{self.verdict}"
        return "input-elsewhere" if self.why == "elsewhere" else None


def ruling_on(attempt: Attempt, *, provider: str, policy: Policy) -> Ruling | None:
    """The ruling on a step whose key has an open attempt, in a plan for this provider; None: it is made as usual.

    What is under way, and a reply that nobody has read yet, is taken in, whatever the policy says: it is paid for."""
    state = attempt.state
    if attempt.held:
        return Ruling("wait", "in-hand")
    if state == "task" or (state == "sent" and attempt.answered):
        here = "under-way" if state == "task" else "answered"
        return Ruling("wait", here if attempt.provider == provider else "elsewhere")
    if state == "refused":
        if attempt.provider != provider:
            return None
        return Ruling("make", "refused-again", free=False) if policy.retry_refused else Ruling("refused", "refused")
    if state == "flawed":
        return Ruling("make", "flawed-accepted") if policy.accept_flawed else Ruling("flawed", "flawed")
    if policy.retry_uncertain:
        return Ruling("make", "uncertain-again", free=False)
    return Ruling("uncertain", state if state in ("sent", "lost") else "uncertain")
