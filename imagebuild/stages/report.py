"""What changed in a campaign since a revision, what it cost, what its checks say and who is still to decide.

Gathers: the plan, the decisions, the lock as it was committed, the pictures themselves. How it is written out is
`core.reporting`'s. Makes nothing, decides nothing; the thumbnails it has made are kept as the page's are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.address import Selectable, Selection, asset_of, is_inner
from imagebuild.core.approvals.decision import Decision
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.standing import STATES, Standing, standing_of
from imagebuild.core.graph import down_to
from imagebuild.core.key import Digest
from imagebuild.core.lock import LockEntry
from imagebuild.core.plan import PlanStep
from imagebuild.core.reporting.report import Change, Gate, Kind, Open, Report, Shown
from imagebuild.errors import ImagebuildError
from imagebuild.stages.plan import Planned
from imagebuild.stages.report_pictures import Smalls, committed_links, shared_out
from imagebuild.stages.report_reasons import Reasons, direction_of, language_of, work_of
from imagebuild.stages.report_sums import paid_since, tallies_of
from imagebuild.stages.review.board import gate_of
from imagebuild.stages.review.view import View, view_of
from imagebuild.stages.since import Since, compare_with
from imagebuild.stages.standings import digest_now
from imagebuild.workspace.git import branch_point

__all__ = ["Beside", "beside", "report_of"]


class Beside(NamedTuple):
    """What a campaign is compared with, in words; without a `since`, why with nothing."""

    since: Since | None
    words: str


def beside(planned: Planned, said: str | None) -> Beside:
    """The revision that was asked for; else where this branch left the default one, else the last commit."""
    project = planned.project
    if said is not None:
        since = compare_with(project, said)
        return Beside(since, f"{said} ({since.commit[:12]}, {since.at[:10]})" if said != since.commit else said[:12])
    try:
        point = branch_point(project.folder)
        commit, words = (point.commit, f"where this branch left `{point.said}`") if point is not None else ("HEAD", "")
        since = compare_with(project, commit)
    except ImagebuildError as bad:
        return Beside(None, bad.what)
    return Beside(since, f"{since.commit[:12]} ({words or 'the last commit'}, {since.at[:10]})")


def report_of(
    planned: Planned,
    history: History,
    compared: Beside,
    *,
    selection: Selection | None = None,
    selected: str = "",
    pictured: bool = True,
    links_from: str | None = None,
) -> Report:
    """The report. The plan is of the whole campaign. `pictured`: with thumbnails. `links_from`: the folder that the
    report will be in, where its links to committed pictures start."""
    view = view_of(planned, history, compared.since)
    gathering = _Gathering(view, _chosen(view, selection), links_from)
    changes = gathering.changes(pictured)
    standings = {address: gathering.standing(address) for address in gathering.cells}
    plan = planned.plan
    spent = sum((cost for _, cost in paid_since(view, gathering.cells)), Decimal(0))
    states = Counter(standing.state for standing in standings.values())
    return Report(
        campaign=plan.campaign,
        provider=plan.provider,
        model=plan.model + (" (floating)" if plan.floating else ""),
        prices_of=plan.prices_of,
        since=compared.words if compared.since is not None else None,
        alone="" if compared.since is not None else compared.words,
        tallies=tallies_of(view, gathering.cells, gathering.steps, changes),
        changes=tuple(changes),
        work=tuple(work_of(planned, gathering.steps)),
        gates=tuple(_gates(view, gathering.cells)),
        decisions=tuple(_open(standings, gathering.is_built)),
        states={state: states[state] for state in STATES if states[state]},
        spent=plan.spent,
        spent_since=spent if compared.since is not None else None,
        price=sum((step.price for step in gathering.steps), Decimal(0)),
        limits=tuple(filter(None, (plan.over_budget, plan.hold))),
        faults=tuple(f"line {fault.line}: {fault.what}" for fault in history.faults),
        selected=selected,
    )


def _chosen(view: View, selection: Selection | None) -> list[str]:
    if selection is None:
        return list(view.cells)
    items = [
        Selectable(each.address, each.asset, each.cell, each.output)
        for each in (view.actions[address] for address in view.cells)
    ]
    chosen = selection.pick(items)
    return [address for address in view.cells if address in chosen]


class _Gathering:
    def __init__(self, view: View, cells: list[str], links_from: str | None) -> None:
        self.view = view
        self.cells = cells
        self.planned = view.planned
        self._whole = len(cells) == len(view.cells)
        reached = set(down_to(view.actions, cells))
        self.steps = [
            step for step in self.planned.plan.steps if self._whole or step.address in reached or self._is_of(step)
        ]
        self._links_from = links_from
        self._before: Mapping[str, LockEntry] = view.since.entries if view.since is not None else {}
        self._reasons = Reasons(view)

    def _is_of(self, step: PlanStep) -> bool:
        """A variant of a picture that is reported."""
        return is_inner(step.address) and step.address.rpartition(":")[0] in self.cells

    # ------------------------------------------------------------------------------------------------ what changed

    def changes(self, pictured: bool) -> list[Change]:
        if self.view.since is None:
            return []
        found: list[tuple[Kind, str]] = []
        for address in self.cells:
            now, before = self._now(address), self._before.get(address)
            if now is not None and before is None:
                found.append(("new", address))
            elif now is not None and before is not None and now != before.digest:
                found.append(("changed", address))
        rank = {asset: index for index, asset in enumerate(self.planned.loaded.campaign.assets)}
        found.sort(key=lambda each: rank[asset_of(each[1])])  # as the campaign lists them
        if self._whole:
            found.extend(("gone", address) for address in sorted(self._before) if self._is_gone(address))
        small = Smalls(self.view) if pictured else None
        shown = shared_out(found) if pictured else set()
        committed = committed_links(self.view, [address for _, address in found], self._links_from)
        return [self._change(kind, address, small if address in shown else None, committed) for kind, address in found]

    def _is_gone(self, address: str) -> bool:
        return self._before[address].output is not None and not is_inner(address) and address not in self.view.actions

    def _now(self, address: str) -> Digest | None:
        """The picture that there is: the one that the lock names last, if what the campaign asks for is not made."""
        return self.view.digest(address)

    def _change(self, kind: Kind, address: str, smalls: Smalls | None, committed: Mapping[str, str]) -> Change:
        before, entry = self._before.get(address), self.planned.facts.lock.entries.get(address)
        now = self._now(address) if kind != "gone" else None
        action = self.view.actions.get(address)
        output = (action.output if action is not None else before.output if before is not None else "") or ""
        language = language_of(address)
        after = self._shown(now, entry, smalls, committed.get(address)) if now is not None else None
        earlier = self._shown(before.digest, before, smalls, None) if before is not None else None
        standing = self.standing(address) if kind != "gone" else None
        return Change(
            kind, address, asset_of(address), output, language, direction_of(language),
            earlier, after, self._reasons.parts(address) if kind == "changed" else (),
            gate_of(self.view, address) if kind != "gone" else "none",
            standing.state if standing is not None else "",
            "needs " + ", ".join(standing.missing) if standing is not None and standing.missing else "",
        )  # fmt: skip

    @staticmethod
    def _shown(digest: Digest, entry: LockEntry | None, smalls: Smalls | None, committed: str | None) -> Shown:
        entry = entry if entry is not None and entry.digest == digest else None
        small = smalls.small(digest) if smalls is not None else None
        return Shown(digest, entry.size if entry else None, entry.bytes if entry else None, small, committed)

    def standing(self, address: str) -> Standing:
        requirement = self.view.requirement(address)
        makers = self.view.makers(address) if requirement.others else None
        digest = digest_now(self.planned, self.view.steps.get(address))  # of what is to be made nobody has decided
        return standing_of(address, digest, self.view.history, requirement, makers)

    def is_built(self, address: str) -> bool:
        return digest_now(self.planned, self.view.steps.get(address)) is not None


def _gates(view: View, cells: Iterable[str]) -> Iterable[Gate]:
    """The pictures whose checks say no, or cannot say: as the lock or the record of the check has it."""
    for address in cells:
        verdict = gate_of(view, address)
        if verdict not in ("failed", "unverified"):
            continue
        step = view.steps.get(address)
        record = view.planned.store.record(step.key) if step is not None and step.key is not None else None
        found = (record.report or {}).get("findings", ()) if record is not None else ()
        told = [each for each in found if each.get("verdict") == verdict] or list(found)
        words = tuple(dict.fromkeys(str(each.get("what", "")) for each in told))
        hints = tuple(dict.fromkeys(str(each["hint"]) for each in told if each.get("hint")))
        yield Gate(address, verdict, words, hints)


def _open(standings: Mapping[str, Standing], is_built: Callable[[str], bool]) -> list[Open]:
    """What is still to be decided, gathered by what is missing."""
    found: dict[tuple[str, str], list[str]] = {}
    for address, standing in standings.items():
        if not standing.released:
            words = _waits(standing) if is_built(address) else f"is not built yet; {_waits(standing)}"
            found.setdefault((standing.state, words), []).append(address)
    order = ("rejected", "lapsed", "partly", "open")
    rank = {state: index for index, state in enumerate(order)}
    return [
        Open(state, words, tuple(addresses))
        for (state, words), addresses in sorted(found.items(), key=lambda item: rank.get(item[0][0], len(order)))
    ]


def _waits(standing: Standing) -> str:
    missing = ", ".join(standing.missing)
    if standing.state == "rejected":
        return "; ".join(f"{no.by}: “{' '.join(no.why.split())}”" for no in standing.rejections)
    if standing.state == "lapsed":
        return f"{_people(standing.lapsed)} approved the picture before; waits for {missing}"
    if standing.approvals:
        return f"approved by {_people(standing.approvals)}; waits for {missing}"
    return f"waits for {missing}"


def _people(decisions: Iterable[Decision]) -> str:
    return ", ".join(dict.fromkeys(decision.by for decision in decisions))
