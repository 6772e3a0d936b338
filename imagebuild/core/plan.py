"""What a plan is: one verdict an action, with its reason and its price; and the facts that deciding asks for.

`planner` decides. A dry run prints a plan, a build runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, NamedTuple, Protocol

from imagebuild.core.action import PAID, Action, filled
from imagebuild.core.address import base_of, is_inner
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.offer import Offer
from imagebuild.core.spec import Budget

__all__ = [
    "CHANGING",
    "USUAL",
    "VERDICTS",
    "Facts",
    "Known",
    "Plan",
    "PlanStep",
    "Policy",
    "Spent",
    "complete",
    "price_of",
    "tools_of",
    "tools_text",
    "unknown_price",
]

VERDICTS = (
    "make", "restore", "adopt", "reuse", "wait", "uncertain", "blocked", "refused", "flawed", "rejected", "orphan",
)  # fmt: skip
CHANGING = frozenset(VERDICTS) - {"reuse", "orphan"}


class Known(NamedTuple):
    """What the store remembers of a key's result."""

    digest: Digest
    size: str
    bytes: int
    cost: Decimal
    model: str | None
    provider: str | None
    rejected: str | None = None  # why its check rejected it: then it is nobody's result


class Policy(NamedTuple):
    """What may be done about requests that ended badly, and whether to send what is paid for in batches."""

    retry_uncertain: bool = False
    retry_refused: bool = False
    accept_flawed: bool = False
    batch: bool = False


USUAL: Final = Policy()


class Spent(NamedTuple):
    """What was spent already, in US dollars: for the campaign ever, and in this month by whatever campaign."""

    campaign: Decimal
    month: Decimal


class Facts(Protocol):
    """What is on disk. Every answer is a value; asking changes nothing."""

    lock: Lock

    def result(self, key: Key) -> Known | None:
        """The stored result of a key."""
        ...

    def has(self, digest: Digest) -> bool:
        """Whether the store holds these bytes."""
        ...

    def output(self, path: str) -> Digest | None:
        """The digest of the file at an output path, None when there is none."""
        ...

    def attempt(self, key: Key) -> Attempt | None:
        """The attempt at paying for a key that is still open. Asked of every key that would be paid for."""
        ...

    def spent(self, campaign: str) -> Spent:
        """What a campaign cost so far, and what this month did, with what is still open at its estimate. Asked only
        when something is to be paid for."""
        ...


class PlanStep(NamedTuple):
    """What a build will do about one action. `why` is a word of `reason.WHY`; `merged` names the step that makes it."""

    address: str
    asset: str
    kind: str
    cell: tuple[tuple[str, str], ...]
    verdict: str
    why: str
    identity: str
    key: Key | None
    digest: Digest | None
    output: str | None
    size: str | None
    price: Decimal
    merged: str | None = None

    @property
    def paid(self) -> bool:
        return self.kind in PAID


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a build will do, in an order in which inputs come first."""

    campaign: str
    provider: str
    model: str
    floating: bool
    prices_of: str
    steps: Sequence[PlanStep]
    kept_by_asset: Mapping[str, int] = field(default_factory=dict)  # further pictures, all `reuse`: a memory knows
    orphans: Sequence[LockEntry] = ()
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()
    budget: Budget = field(default_factory=Budget)
    spent: Decimal = Decimal(0)  # by the campaign, with what is still open
    spent_month: Decimal = Decimal(0)  # this month, by every campaign of the store
    hold: str | None = None
    policy: Policy = USUAL
    attempts: Mapping[Key, Attempt] = field(default_factory=dict)  # the open ones of the steps' keys
    takes: Mapping[str, int] = field(default_factory=dict)  # address → the take in place of one that is not wanted

    @property
    def work(self) -> list[PlanStep]:
        """The steps that change something."""
        return [step for step in self.steps if step.verdict in CHANGING]

    @property
    def price(self) -> Decimal:
        return sum((step.price for step in self.steps), Decimal(0))

    @property
    def over_budget(self) -> str | None:
        """Which limit the price would pass, in words; None when it stays within all of them."""
        price, budget = self.price, self.budget
        if not price:  # what costs nothing is done also when all is spent
            return None
        if budget.build is not None and price > budget.build:
            return f"this build may cost {budget.build} USD (`budget.build`)"
        if budget.campaign is not None and self.spent + price > budget.campaign:
            return f"the campaign may cost {budget.campaign} USD (`budget.campaign`), {self.spent} are spent"
        if budget.month is not None and self.spent_month + price > budget.month:
            return f"a month may cost {budget.month} USD (`budget.month`), {self.spent_month} are spent"
        return None

    @property
    def remarks(self) -> list[str]:
        """What a person should know of this one plan, beside its notes: they hold for the campaign."""
        refused: dict[str, list[PlanStep]] = {}
        for step in self.steps:
            attempt = self.attempts.get(step.key) if step.key is not None and step.merged is None else None
            if attempt is not None and step.verdict == "make" and attempt.state == "refused":
                refused.setdefault(attempt.provider, []).append(step)
        return [
            f"`{name}` refused `{steps[0].address}`"
            + (f" and {len(steps) - 1} more" if len(steps) > 1 else "")
            + (": asked again" if name == self.provider else f": `{self.provider}` is asked now")
            for name, steps in refused.items()
        ]

    @property
    def in_place(self) -> int:
        """How many pictures need nothing done."""
        return sum(self.kept_by_asset.values()) + sum(
            step.verdict == "reuse" for step in self.steps if not is_inner(step.address)
        )

    def counts(self) -> dict[str, dict[str, int]]:
        """asset → verdict → how many pictures. A master that is not delivered is counted with what is cut from it.
        `check`: pictures that are as they were, and are looked at again."""
        found = {asset: {"reuse": kept} for asset, kept in self.kept_by_asset.items()}
        made = {base_of(step.address) for step in self.steps if step.verdict == "make" and is_inner(step.address)}
        for step in self.steps:
            if not is_inner(step.address):
                row = found.setdefault(step.asset, {})
                is_check = step.kind == "check" and step.verdict == "make" and step.address not in made
                verdict = "check" if is_check else step.verdict
                row[verdict] = row.get(verdict, 0) + 1
        return found


def complete(action: Action, digests: Mapping[str, Digest]) -> dict[str, object]:
    """The action's manifest with the digests of its inputs (slot → digest) in their places."""
    return filled(action.manifest, digests)


def tools_text(manifest: Mapping[str, object]) -> str | None:
    tools = manifest.get("tools")
    return (
        "; ".join(f"{name} {version}" for name, version in sorted(tools.items())) if isinstance(tools, dict) else None
    )


def tools_of(text: str) -> dict[str, str]:
    parts = (part.partition(" ") for part in text.split("; "))
    return {name: version for name, _, version in parts}


def price_of(action: Action, offer: Offer, *, batch: bool = False) -> Decimal | None:
    """What a paid action costs, by the catalogue; None when its price is not known, and for what is drawn here.
    `batch`: sent in one, which shows no pictures on the way."""
    if not action.paid or action.size is None:
        return None
    manifest = action.manifest
    references = manifest.get("references")
    price = offer.price.estimate(
        quality=str(manifest["quality"]),
        size=action.size,
        tier=action.tier,
        prompt=str(manifest["prompt"]),
        references=len(references) if isinstance(references, list) else 0,
        partials=0 if batch else offer.partials,
    )
    if price is None or not batch or offer.batch is None:
        return price
    return (price * offer.batch).quantize(Decimal("0.000001"))


def unknown_price(action: Action, offer: Offer) -> tuple[str, str] | None:
    """What is wrong, and what to do, when nobody can say what a paid action costs; None when its price is known."""
    if not action.paid or action.size is None or price_of(action, offer) is not None:
        return None
    tiers = offer.price.by_resolution
    has = (
        f"has {' and '.join(f'`resolution: {tier}`' for tier in tiers)} only" if tiers else "has none for this request"
    )
    able = offer.able(lambda other: price_of(action, other) is not None)
    return (
        f"the price of `{action.address}` at `{offer.provider}` is not known",
        f"the catalogue of {offer.catalog_date} {has}" + (f"; {able}" if able else ""),
    )
