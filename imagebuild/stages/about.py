"""Everything there is to say about one asset: its verdict, its request, what it is made from, its history, its cost.

Gathers from a plan, the lock and the store; decides nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.action import Action
from imagebuild.core.address import Selectable, base_of, is_inner, parse_selection
from imagebuild.core.graph import down_to, uses_of
from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.plan import complete, price_of
from imagebuild.core.reason import Past, Reason, explain
from imagebuild.errors import Place
from imagebuild.stages.plan import Planned
from imagebuild.store.base import Record

__all__ = ["About", "Inquiry", "LastChange", "Origin", "Part", "Payment", "Written", "picked"]

Actions = Mapping[str, Action]


class Origin(NamedTuple):
    """One picture that something is made from: another action's, or a file. `slot`: where in the request it stands."""

    slot: str
    address: str | None
    path: str | None
    digest: Digest | None
    verdict: str | None
    reason: Reason | None


class Written(NamedTuple):
    """One thing that a prompt was written from: a template's file (its value is the digest), a string, a variable."""

    name: str
    value: str
    at: Place | None
    is_file: bool


class Payment(NamedTuple):
    """A paid picture that an asset has in it. `uses`: how many outputs it goes into."""

    address: str
    verdict: str
    billed: Decimal | None
    estimate: Decimal | None
    uses: int


class LastChange(NamedTuple):
    """How the request differs from the one that was made for this address before it."""

    made_at: str
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One action of an asset. `record` and `entry` speak of its latest result, which may be an earlier request's."""

    action: Action
    verdict: str
    reason: Reason
    key: Key | None
    digest: Digest | None
    manifest: Mapping[str, object]
    origins: tuple[Origin, ...]
    written: tuple[Written, ...]
    record: Record | None
    entry: LockEntry | None
    price: Decimal | None
    alike: tuple[str, ...]
    uses: int


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """An asset: the actions on the way to its picture, in their order; last the one whose result is delivered."""

    address: str
    parts: tuple[Part, ...]
    output: str | None
    in_place: str
    payments: tuple[Payment, ...]

    @property
    def final(self) -> Part:
        return self.parts[-1]


def picked(actions: Actions, terms: Sequence[str], excluded: Sequence[str] = ()) -> list[str]:
    """The addresses that selectors pick, in the campaign's order; all of them when nothing narrows."""
    if terms and not excluded and all(term in actions for term in terms):  # masters too, by their own address
        wanted = set(terms)
        return [address for address in actions if address in wanted]
    assets = [action for action in actions.values() if not is_inner(action.address)]
    selection = parse_selection(terms, excluded)
    if selection is None:
        return [action.address for action in assets]
    chosen = selection.pick([Selectable(each.address, each.asset, each.cell, each.output) for each in assets])
    return [action.address for action in assets if action.address in chosen]


class Inquiry:
    """Answers about the assets of a whole plan."""

    def __init__(self, planned: Planned) -> None:
        self._planned = planned
        self._actions: Actions = planned.loaded.expansion.actions
        self._steps = {step.address: step for step in planned.plan.steps}
        self._uses = uses_of(self._actions)
        self._alike: dict[str, list[str]] = {}
        for step in planned.plan.steps:
            self._alike.setdefault(step.identity, []).append(step.address)
        self._made: dict[str, list[Record]] | None = None
        self._by_picture: dict[str, list[str]] = {}
        for each in self._actions:
            self._by_picture.setdefault(base_of(each), []).append(each)

    def about(self, address: str) -> About:
        parts = tuple(self.part(each) for each in self._by_picture[base_of(address)])
        output = self._actions[address].output
        paid = [each for each in down_to(self._actions, [address]) if self._actions[each].paid]
        return About(
            address=address, parts=parts, output=output, in_place=self._in_place(parts[-1], output),
            payments=tuple(self._payment(each) for each in paid),
        )  # fmt: skip

    def last_change(self, part: Part) -> LastChange | None:
        """What changed when the picture that is there now was made; reads every record of the store, once."""
        record, step = part.record, self._steps.get(part.action.address)
        if record is None or step is None or record.key != part.key:
            return None
        earlier = [
            each
            for each in self._records_of(part.action.address)
            if each.key != record.key and each.made_at <= record.made_at
        ]
        if not earlier:
            return None
        before = max(earlier, key=lambda each: each.made_at)
        asked = step._replace(verdict="make", why="changed", merged=None)
        archive = _Before(before, part.action.address)
        place_of, sources = self._planned.place_of, record.sources
        reason = explain(asked, part.action, record.manifest, archive, lambda _: sources, place_of)
        return LastChange(before.made_at, reason)

    def _records_of(self, address: str) -> Sequence[Record]:
        if self._made is None:
            self._made = {}
            store = self._planned.store
            keys = store.keys()
            for key in keys:
                record = store.record(key)
                if record is not None:
                    self._made.setdefault(record.address, []).append(record)
        return self._made.get(address, ())

    def part(self, address: str) -> Part:
        """All there is to say about one action."""
        planned, action, step = self._planned, self._actions[address], self._steps.get(address)
        record, entry = self._latest(address)
        alike = self._alike.get(step.identity, ()) if step is not None else ()
        return Part(
            action=action,
            verdict=step.verdict if step is not None else "not needed",
            reason=planned.explain(step) if step is not None else Reason("nothing that is delivered needs it now"),
            key=step.key if step is not None else None,
            digest=step.digest if step is not None else None,
            manifest=self._manifest(action),
            origins=self._origins(action),
            written=self._written(address),
            record=record,
            entry=entry,
            price=price_of(action, self._planned.loaded.offer),
            alike=tuple(each for each in alike if each != address),
            uses=self._uses[address],
        )

    def _latest(self, address: str) -> tuple[Record | None, LockEntry | None]:
        step, entry = self._steps.get(address), self._planned.facts.lock.entries.get(address)
        store = self._planned.store
        if step is not None and step.key is not None and (step.digest is not None or step.verdict == "rejected"):
            own = store.record(step.key)
            if own is not None:
                return own, entry
        return (store.record(entry.key) if entry is not None else None), entry

    def _digest(self, address: str) -> Digest | None:
        step = self._steps.get(address)
        return step.digest if step is not None else None

    def _manifest(self, action: Action) -> Mapping[str, object]:
        known = {slot: digest for slot, source in action.inputs if (digest := self._digest(source)) is not None}
        return complete(action, known)

    def _origins(self, action: Action) -> tuple[Origin, ...]:
        found: list[Origin] = []
        inputs = dict(action.inputs)
        references = action.manifest.get("references")
        slots: list[tuple[str, object]] = [(slot, None) for slot in inputs if not slot.startswith("references")]
        listed = references if isinstance(references, list) else []
        slots += [(f"references[{index}]", each) for index, each in enumerate(listed)]
        if isinstance(action.manifest.get("mask"), str):
            slots.append(("mask", action.manifest["mask"]))
        for slot, value in slots:
            source = inputs.get(slot)
            if source is None:
                digest = Digest(str(value))
                path = self._planned.loaded.expansion.file_of.get(digest)
                found.append(Origin(slot, None, path, digest, None, None))
                continue
            step = self._steps.get(source)
            reason = self._planned.explain(step) if step is not None and step.verdict != "reuse" else None
            verdict = step.verdict if step is not None else "not needed"
            found.append(Origin(slot, source, None, self._digest(source), verdict, reason))
        return tuple(found)

    def _written(self, address: str) -> tuple[Written, ...]:
        expansion, loaded = self._planned.loaded.expansion, self._planned.loaded
        cell = dict(self._actions[address].cell)
        found: list[Written] = []
        for name, value in expansion.sources_of(address).items():
            first = name.split(".", 1)[0]
            axis = loaded.campaign.axes.get(first) if first in cell else None
            if name.startswith("t.") and "locale" in cell:
                found.append(Written(name, value, self._planned.place_of(cell["locale"], name[2:]), False))
            elif axis is not None and (entry := axis.find(cell[first])) is not None:
                found.append(Written(name, value, entry.place, False))
            else:
                is_file = len(value) == 64 and loaded.files.digest(name) == value
                found.append(Written(name, value, None, is_file))
        return tuple(found)

    def _payment(self, address: str) -> Payment:
        step = self._steps.get(address)
        record, entry = self._latest(address)
        billed = entry.cost if entry is not None and step is not None and entry.digest == step.digest else None
        if billed is None and record is not None and step is not None and record.key == step.key:
            billed = record.cost
        estimate = price_of(self._actions[address], self._planned.loaded.offer)
        return Payment(address, step.verdict if step else "not needed", billed, estimate, self._uses[address])

    def _in_place(self, part: Part, output: str | None) -> str:
        """How the output is, in words."""
        if output is None:
            return ""
        there = self._planned.facts.output(output)
        if there is None:
            return "missing"
        if part.digest is not None:
            return "in place" if there == part.digest else "other bytes are there"
        is_earlier = part.entry is not None and there == part.entry.digest
        return "the earlier picture is there" if is_earlier else "other bytes are there"


class _Before:
    """An archive that remembers one result: the one before."""

    def __init__(self, record: Record, address: str) -> None:
        self.lock = Lock("", {address: LockEntry(address, record.key, record.digest)})
        self._record = record

    def past(self, key: Key) -> Past | None:
        record = self._record
        return Past(record.manifest, record.sources, record.address, record.made_at) if key == record.key else None
