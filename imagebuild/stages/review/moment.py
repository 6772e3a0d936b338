"""A campaign as it is shown at one moment: the view, its cells as JSON, and which pictures belong to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final

from imagebuild.core.key import Digest
from imagebuild.errors import Problem
from imagebuild.stages.about import Inquiry
from imagebuild.stages.review.board import board_json, cell_json, frame_json
from imagebuild.stages.review.view import View

__all__ = ["MOST_TOLD", "Moment", "differing"]

MOST_TOLD: Final = 400  # cells in one event: with more of them, fetching the board is quicker


class Moment:
    """Nothing of it changes once it is shown: what changes makes another one."""

    def __init__(
        self, view: View, cells: Mapping[str, dict[str, Any]] | None = None, *, inquiry: Inquiry | None = None
    ) -> None:  # fmt: skip
        self.view = view
        self.cells = {address: cell_json(view, address) for address in view.cells} if cells is None else cells
        self._inquiry = inquiry

    @property
    def inquiry(self) -> Inquiry:
        if self._inquiry is None:
            self._inquiry = Inquiry(self.view.planned)
        return self._inquiry

    @cached_property
    def came(self) -> frozenset[Digest]:
        """The pictures that a running build has made, which no plan knows yet."""
        return frozenset(self.view.came.values())

    @cached_property
    def known(self) -> frozenset[Digest]:
        """The pictures that the lock, the plan, the decisions, the revision or the campaign's own files name."""
        view = self.view
        found: set[Digest | None] = {entry.digest for entry in view.planned.facts.lock.entries.values()}
        found.update(step.digest for step in view.planned.plan.steps)
        found.update(view.digest(each) for each in view.cells)
        found.update(each.digest for each in view.history.decisions)
        if view.since is not None:
            found.update(entry.digest for entry in view.since.entries.values())
        found.update(Digest(each) for each in view.planned.loaded.expansion.file_of)
        return frozenset(each for each in found if each is not None)

    @cached_property
    def problem(self) -> Problem | None:
        """What stands in the way of deciding, though everything can be read."""
        merged = sorted(self.view.planned.facts.lock.alternatives)
        if not merged:
            return None
        more = f" and of {len(merged) - 1} more" if len(merged) > 1 else ""
        return Problem(
            f"the lock has two pictures of `{merged[0]}`{more} since a merge", hint="`imagebuild build` settles it"
        )

    @cached_property
    def outputs(self) -> Mapping[Digest, str]:
        """Where the lock says that a picture was delivered to."""
        entries = self.view.planned.facts.lock.entries.values()
        return {entry.digest: entry.output for entry in entries if entry.output}

    def after(self, view: View, addresses: Iterable[str]) -> Moment:
        """With another view of the same plan, in which these cells may be different."""
        cells = dict(self.cells)
        cells.update({address: cell_json(view, address) for address in addresses if address in cells})
        return Moment(view, cells, inquiry=self._inquiry)

    def board(
        self, *, at: str, build: Mapping[str, Any] | None, problem: Mapping[str, str] | None
    ) -> dict[str, Any]:  # fmt: skip
        """All but who asks."""
        return {**board_json(self.view, self.cells, at=at), "build": build, "problem": problem}


def differing(before: Moment, after: Moment) -> tuple[list[dict[str, Any]], list[str]] | None:
    """The cells that are different, and the addresses that are gone; None when the whole board had better be fetched
    anew."""
    if _frame(before) != _frame(after) or set(after.cells) - set(before.cells):
        return None
    changed = [cell for address, cell in after.cells.items() if before.cells[address] != cell]
    gone = [address for address in before.cells if address not in after.cells]
    return (changed, gone) if len(changed) + len(gone) <= MOST_TOLD else None


def _frame(moment: Moment) -> tuple[object, ...]:
    """What of the board is not in its cells."""
    campaign = moment.view.planned.loaded.campaign
    return (frame_json(moment.view), campaign.approval, campaign.budget, moment.problem)
