"""What holds for all payments of a build: what was agreed to, what may be spent, and what it has come to.

Values and sums; sends and writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from imagebuild.build.books import Left
from imagebuild.build.budget import Purse
from imagebuild.core.attempt import Attempt
from imagebuild.core.plan import Policy
from imagebuild.errors import ImagebuildError, Problem

__all__ = ["Money", "Terms"]

MOST_FOR_NOTHING = 5  # requests in a row without a picture for what they cost: then nothing more is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What every attempt of a build says, what the person agreed to, and where names and dates come from."""

    campaign: str
    floating: bool
    policy: Policy
    now: Callable[[], str]
    new_id: Callable[[], str]
    agreed: frozenset[str] = frozenset()  # the attempts that the plan showed: the policy is about these, no later ones
    account: str = ""
    scale: float = 1.0  # of a service whose time runs faster than real ones' does
    free_bytes: Callable[[], int | None] = lambda: None  # on the store's disk, where that can be known
    by: Mapping[str, str] = field(default_factory=dict)  # `made_by`: who has it all made, where that is known

    def may_ask_again(self, attempt: Attempt, provider: str) -> bool:
        """Whether a request may be sent though this attempt at it is open, and has ended without a picture."""
        if attempt.state == "refused" and attempt.provider != provider:
            return True
        wanted = {"uncertain": self.policy.retry_uncertain, "lost": self.policy.retry_uncertain}
        wanted["refused"] = self.policy.retry_refused
        return wanted.get(attempt.state, False) and attempt.id in self.agreed

    def is_foreign(self, attempt: Attempt) -> bool:
        """Whether it was sent from another account, or with another key: what this one does not know may be there."""
        return bool(attempt.account) and attempt.account != self.account


@dataclass(slots=True)
class Money:
    """What a build's payments came to. `unknown`: estimates of what may have been billed besides.
    `halted`: why nothing more is sent; `broke`: the limit that one more would have passed."""

    purse: Purse
    unknown: Decimal = Decimal(0)
    halted: Problem | None = None
    broke: str | None = None
    in_a_row: int = 0  # requests that gave nothing for what they may have cost

    def check_halted(self) -> None:
        """Raises `Left` when the service is not asked any more."""
        if self.halted is not None:
            raise Left(self.halted.what)

    def check_open(self) -> None:
        """Raises `Left` when nothing more is begun."""
        self.check_halted()
        if self.broke is not None:
            raise Left(self.broke)

    def count_for_nothing(self, bad: ImagebuildError) -> None:
        """A service that gives no picture is not asked for ever: each of these may cost."""
        self.in_a_row += 1
        if self.in_a_row >= MOST_FOR_NOTHING and self.halted is None:
            self.halted = Problem(
                f"{self.in_a_row} requests in a row gave no picture that can be used, and may have been billed, "
                f"so nothing more is sent; the last one: {bad.what}",
                hint="look at the service's status page, then build again: what was not sent is asked for then",
            )
