"""The approvals file's text ↔ its value: every decision that was ever taken about a campaign's pictures.

JSON Lines: a header, then a decision a line, only ever added. Each names those before it, so that the order of the
lines means nothing, git may merge two branches line by line, and what was changed or taken out shows: as a fault with
its line. Reads and writes no files, and does not know what the decisions come to (`standing` does).
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from imagebuild.core.approvals.decision import Decision, decision_of, same_person
from imagebuild.errors import ApprovalsError, Place

__all__ = ["APPROVALS_FORMAT", "Fault", "History", "appended", "approvals_name", "parse_history", "written_header"]

APPROVALS_FORMAT: Final = 1
_HEADER: Final = "imagebuild.approvals"
_MARKERS: Final = ("<<<<<<<", "=======", "|||||||", ">>>>>>>")
_RESTORE: Final = (
    "decisions are only ever added: `git diff` shows what was changed; put those lines back, and keep those that were "
    "added since"
)
_UPGRADE: Final = "upgrade imagebuild: pip install --upgrade imagebuild-campaigns"


class Fault(NamedTuple):
    """What shows that a history was edited: the line's number, what is wrong, what to do, and the line itself."""

    line: int
    what: str
    hint: str = _RESTORE
    text: str = ""


class Link(NamedTuple):
    """One line's place in the chain."""

    id: str
    ref: str
    after: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All decisions in order, each ref once, those that were taken back (`undone`, by ref) included. `heads` are the
    ids of all that nothing came after: the next decision names them. `torn`: the text ends in a line that was never
    wholly written; the next writing drops it. `conflicted`: it held git's conflict markers."""

    file: str = ""
    campaign: str = ""  # empty: there is no header yet
    decisions: tuple[Decision, ...] = ()
    heads: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    undone: frozenset[str] = frozenset()
    withdrawals: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict, hash=False)  # by the ref they undo
    by_asset: Mapping[str, tuple[Decision, ...]] = field(default_factory=dict, hash=False)
    by_ref: Mapping[str, Decision] = field(default_factory=dict, hash=False)
    chain: Mapping[str, Link] = field(default_factory=dict, hash=False)  # by id, also of what came twice
    conflicted: bool = False
    torn: bool = False

    def follows(self, later: Decision, earlier: Decision) -> bool:
        """Whether one was made in the knowledge of the other; of two branches' decisions neither was."""
        waiting, seen = list(later.after), set[str]()
        while waiting:
            link = self.chain.get(waiting.pop())
            if link is None or link.id in seen:
                continue
            if link.ref == earlier.ref:
                return True
            seen.add(link.id)
            waiting.extend(link.after)
        return False

    def check(self) -> None:
        """Raise when the history was edited."""
        if not self.faults:
            return
        fault, *others = self.faults
        more = f" (and {len(others)} more)" if others else ""
        at = Place(self.file, fault.line, 1, len(fault.text), fault.text)
        raise ApprovalsError(fault.what + more, at=at, hint=fault.hint)


def approvals_name(spec_name: str) -> str:
    """The file beside its spec, named as the lock is: `campaign.yaml` → `imagebuild.approvals`, `ads/x.yaml` →
    `ads/x.imagebuild.approvals`."""
    folder, slash, name = spec_name.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{folder}{slash}" + ("imagebuild.approvals" if stem == "campaign" else f"{stem}.imagebuild.approvals")


def written_header(campaign: str) -> str:
    """The first line, without the line break."""
    return json.dumps({_HEADER: APPROVALS_FORMAT, "campaign": campaign}, ensure_ascii=False, separators=(",", ":"))


# ------------------------------------------------------------------------------------------------------- reading


def parse_history(text: str, *, file: str) -> History:
    """The history; what shows that it was edited is in its `faults`."""
    reading = _Reading(text)
    order = _in_order(reading.found)
    faults = [*reading.faults, *_lost(reading), *_doubled(order, reading.numbers, reading.lines)]
    decisions = tuple({each.ref: each for each in reversed(order)}.values())[::-1]
    named = {each for decision in order for each in decision.after}
    return _whole(
        History(
            file=file,
            campaign=reading.campaign,
            decisions=decisions,
            heads=tuple(sorted(each.id for each in order if each.id not in named)),
            faults=tuple(sorted(faults)),
            chain={identity: Link(identity, each.ref, each.after) for identity, each in reading.found.items()},
            conflicted=reading.conflicted,
            torn=reading.torn,
        )
    )


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):  # which of the two would count is anybody's guess
        raise ValueError("a name stands twice")
    return row


_read_line = json.JSONDecoder(object_pairs_hook=_only_once).decode


class _Reading:
    """The lines of a text, each on its own: `found` is id → decision, `numbers` id → line, `claimed` all ids that any
    line bears, rightly or not."""

    def __init__(self, text: str) -> None:
        self.lines = text.removeprefix("\ufeff").split("\n")  # not splitlines: U+2028 may stand inside a text
        self.campaign = ""
        self.found: dict[str, Decision] = {}
        self.numbers: dict[str, int] = {}
        self.claimed: set[str] = set()
        self.faults: list[Fault] = []
        self.conflicted = False
        self.torn = False
        has_header = False
        last = len(self.lines)  # nothing stands there when the text ends in a line break
        for number, line in enumerate(self.lines, 1):
            if not line or line.isspace():
                continue
            if line.startswith(_MARKERS):
                self.conflicted = True
                continue
            try:
                row = _read_line(line)
            except (ValueError, RecursionError):
                self.torn = number == last
                if not self.torn:
                    self._fault(number, "a damaged line: it cannot be read")
                continue
            if type(row) is not dict:
                self._fault(number, "a damaged line: no decision")
            elif _HEADER in row:
                has_header = True
                self._header(row, number)
            else:
                self._decision(row, number)
        if self.claimed and not has_header:
            self._fault(1, f'the header is missing: a line that starts with `{{"{_HEADER}":`')

    def _fault(self, number: int, what: str, hint: str = _RESTORE) -> None:
        self.faults.append(Fault(number, what, hint, self.lines[number - 1]))

    def _header(self, row: Mapping[str, Any], number: int) -> None:
        version, campaign = row[_HEADER], row.get("campaign")
        if type(version) is int and version > APPROVALS_FORMAT:
            newest = f"(it reads up to {APPROVALS_FORMAT})"
            what = f"approvals format {version} is newer than this imagebuild can read {newest}"
            self._fault(number, what, _UPGRADE)
        elif type(version) is not int or version < 1 or type(campaign) is not str or not campaign:
            self._fault(number, "a damaged header")
        elif unknown := row.keys() - {_HEADER, "campaign"}:
            self._fault(number, f"a damaged header: it says nothing of `{min(unknown)}`")
        else:
            self.campaign = self.campaign or campaign

    def _decision(self, row: Mapping[str, Any], number: int) -> None:
        identity = row.get("id")
        if type(identity) is str:
            self.claimed.add(identity)
        decision = decision_of(row)
        if isinstance(decision, str):
            self._fault(number, decision)
        elif decision.id not in self.found:
            self.found[decision.id] = decision
            self.numbers[decision.id] = number


def _in_order(found: Mapping[str, Decision]) -> list[Decision]:
    """Each after all that it names; of those that could be next, the earliest, then the one with the lowest id."""
    waiting = {identity: sum(each in found for each in decision.after) for identity, decision in found.items()}
    nexts: dict[str, list[str]] = {}
    for identity, decision in found.items():
        for each in decision.after:
            nexts.setdefault(each, []).append(identity)
    ready = [(found[identity].at, identity) for identity, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    order: list[Decision] = []
    while ready:
        _, identity = heapq.heappop(ready)
        order.append(found[identity])
        for each in nexts.get(identity, ()):
            waiting[each] -= 1
            if waiting[each] == 0:
                heapq.heappush(ready, (found[each].at, each))
    return order  # all of them: an id is made from those it names, so none can come after itself


def _lost(reading: _Reading) -> Iterable[Fault]:
    """A decision that another one names and that no line bears was taken out. One that is there, but edited, is told
    where it is."""
    for identity, decision in reading.found.items():
        gone = [each for each in decision.after if each not in reading.claimed]
        if gone:
            number = reading.numbers[identity]
            what = f"the decision before this one is gone: no line has the id `{gone[0][:12]}…`"
            yield Fault(number, what, _RESTORE, reading.lines[number - 1])


def _doubled(order: Iterable[Decision], numbers: Mapping[str, int], lines: list[str]) -> Iterable[Fault]:
    """The same decision may arrive twice, by two branches; it says the same each time."""
    first: dict[str, Decision] = {}
    for each in order:
        earlier = first.setdefault(each.ref, each)
        if earlier is not each and _said(earlier) != _said(each):
            number = numbers[each.id]
            what = f"the decision of line {numbers[earlier.id]} stands here again and says something else"
            yield Fault(number, what, _RESTORE, lines[number - 1])


def _said(decision: Decision) -> tuple[object, ...]:
    return (
        decision.by, decision.decision, decision.asset, decision.digest, decision.why, decision.key, decision.undoes
    )  # fmt: skip


def _whole(history: History) -> History:
    """With what follows from the decisions."""
    by_asset: dict[str, list[Decision]] = {}
    for each in history.decisions:
        by_asset.setdefault(each.asset, []).append(each)
    by_ref = {each.ref: each for each in history.decisions}
    withdrawals: dict[str, tuple[Decision, ...]] = {}
    for each in history.decisions:
        if each.decision == "withdraw" and each.undoes and _may_undo(each, by_ref.get(each.undoes)):
            withdrawals[each.undoes] = (*withdrawals.get(each.undoes, ()), each)
    by_asset_whole = {address: tuple(each) for address, each in by_asset.items()}
    undone = frozenset(withdrawals)
    return replace(history, undone=undone, withdrawals=withdrawals, by_asset=by_asset_whole, by_ref=by_ref)


def _may_undo(withdrawal: Decision, target: Decision | None) -> bool:
    """One takes back one's own word; what was only asked for, another take, anybody."""
    if target is None or target.decision == "withdraw":
        return False
    if (target.asset, target.digest) != (withdrawal.asset, withdrawal.digest):
        return False
    return target.decision == "retake" or same_person(withdrawal.by, target.by)


# ------------------------------------------------------------------------------------------------------- writing


def appended(history: History, decisions: Iterable[Decision]) -> tuple[list[Decision], History]:
    """The decisions as they are to be written, each naming those before it, and the history with them. One whose ref is
    there already is left out: it was written before."""
    history.check()
    known = set(history.by_ref)
    heads = history.heads
    new: list[Decision] = []
    for each in decisions:
        if each.ref not in known:
            known.add(each.ref)
            new.append(replace(each, after=heads))
            heads = (new[-1].id,)
    if not new:
        return [], history
    chain = {**history.chain, **{each.id: Link(each.id, each.ref, each.after) for each in new}}
    return new, _whole(replace(history, decisions=(*history.decisions, *new), heads=heads, chain=chain))
