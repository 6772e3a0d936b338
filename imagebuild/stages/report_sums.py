"""What a report adds up: how many pictures of each asset, what was spent for what changed, what is next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal

from imagebuild.core.address import asset_of, is_inner
from imagebuild.core.attempt import settled
from imagebuild.core.plan import PlanStep
from imagebuild.core.reporting.report import Change, Tally
from imagebuild.stages.review.view import View

__all__ = ["paid_since", "tallies_of"]


def paid_since(view: View, cells: Iterable[str]) -> Iterable[tuple[str, Decimal]]:
    """(address, what was billed) of the paid pictures of these cells that the earlier lock does not have, each request
    once; and of what has made place for another take or another request since, as far as the ledger here knows."""
    since, planned = view.since, view.planned
    if since is None:
        return
    counted = {entry.key for entry in since.entries.values()}
    addresses = dict.fromkeys(each for cell in cells for each in view.paid[cell])
    for address in addresses:
        entry = planned.facts.lock.entries.get(address)
        if entry is not None and entry.cost and entry.key not in counted:
            counted.add(entry.key)
            yield address, entry.cost
    for payment in settled(planned.journal.payments(since=since.at[:7])):
        is_here = payment.campaign == planned.plan.campaign and payment.address in addresses
        if is_here and payment.key not in counted and payment.at >= since.at and payment.counted:
            yield payment.address, payment.counted


def tallies_of(
    view: View, cells: Sequence[str], steps: Sequence[PlanStep], changes: Sequence[Change]
) -> tuple[Tally, ...]:  # fmt: skip
    """A row an asset: those of the cells, those that something is paid for, and those that are gone."""
    kinds = Counter((change.asset, change.kind) for change in changes)
    pictures = Counter(view.actions[address].asset for address in cells)
    making = Counter(
        step.asset
        for step in steps
        if step.verdict == "make" and step.output is not None and not is_inner(step.address)
    )
    prices: dict[str, Decimal] = {}
    spent: dict[str, Decimal] = {}
    for step in steps:
        prices[step.asset] = prices.get(step.asset, Decimal(0)) + step.price
    for address, cost in paid_since(view, cells):
        spent[asset_of(address)] = spent.get(asset_of(address), Decimal(0)) + cost
    gone = [asset for asset, kind in kinds if kind == "gone"]
    paying = [asset for asset in (*prices, *spent) if prices.get(asset) or spent.get(asset)]
    return tuple(
        Tally(
            asset, pictures[asset], kinds[asset, "new"], kinds[asset, "changed"], kinds[asset, "gone"], making[asset],
            spent.get(asset, Decimal(0)), prices.get(asset, Decimal(0)),
        )
        for asset in _in_order(view, {*pictures, *gone, *paying})
    )  # fmt: skip


def _in_order(view: View, assets: Collection[str]) -> list[str]:
    """As the campaign lists them; then those that it no longer has."""
    known = [name for name in view.planned.loaded.campaign.assets if name in assets]
    return [*known, *sorted(set(assets) - set(known))]
