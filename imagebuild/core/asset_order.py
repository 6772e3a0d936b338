"""In which order assets are worked out: what others are made from comes first; rings are mistakes, and are named."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

from imagebuild.core.spec import Campaign
from imagebuild.errors import Problems

__all__ = ["asset_order"]


def asset_order(campaign: Campaign, problems: Problems) -> list[str]:
    """Assets with what they are made from first; a ring of assets is a mistake, and is named."""
    graph = {
        name: {link.asset for link in asset.links if link.asset in campaign.assets}
        for name, asset in campaign.assets.items()
    }
    whole = True
    while True:
        try:
            order = list(TopologicalSorter(graph).static_order())
            return order if whole else []
        except CycleError as bad:
            whole = False
            ring: list[str] = list(reversed(bad.args[1]))
            graph[ring[0]].discard(ring[1])  # to find the next ring, too
            _note_ring(ring, campaign, problems)


def _note_ring(ring: list[str], campaign: Campaign, problems: Problems) -> None:
    first = campaign.assets[ring[0]]
    at = next((link.place for link in first.links if link.asset == ring[1]), first.place)
    what = "assets are made from one another in a ring: " + " → ".join(f"`{name}`" for name in ring)
    if len(ring) == 2:
        what = f"asset `{ring[0]}` is made from itself"
    problems.add(what, at=at, hint="one of them has to start from a `prompt` alone" if len(ring) > 2 else None)
