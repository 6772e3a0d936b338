"""The store and the locks together: how big the store is, what of it no lock names, and whether it is whole.

A lock names a result by its key or its digest, in any campaign of the project and in any branch, tag or stash. What
could not be read might name anything: then nothing is dropped. Bytes without a record may be a paid picture that a kill
or a damaged record parted from its record, so they are handled as paid ones are.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.approvals.history import parse_history
from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import LockEntry, parse_lock
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.stages.project import Project, find_project
from imagebuild.store.base import DamagedObject, MissingObject, Record, Store
from imagebuild.store.journal import LocalJournal
from imagebuild.store.local import LocalStore
from imagebuild.workspace.outputs import Outputs
from imagebuild.workspace.place import root_of, spec_of
from imagebuild.workspace.roots import FoundApprovals, Unreadable, roots_in

__all__ = [
    "Contents", "Damage", "Holding", "Missing", "Named", "Pile", "Result", "Sweep", "Verified", "contents_of", "drop",
    "find_store", "named_by_locks", "piles", "require_all_locks", "set_aside", "sweep", "verify",
]  # fmt: skip

HOUR = 3600.0
FREE = "proof"  # draws here, the same bytes every time: nothing is lost with what it drew


class Result(NamedTuple):
    """A record, without its manifest: of a store with 100,000 of them, this is what fits."""

    key: Key
    digest: Digest
    paid: bool
    cost: Decimal
    address: str
    made_at: str
    model: str | None


class Holding(NamedTuple):
    """One object and the results it is. `origin`: paid, drawn, or unrecorded."""

    digest: Digest
    bytes: int
    modified: float
    results: tuple[Result, ...]

    @property
    def origin(self) -> str:
        if not self.results:
            return "unrecorded"
        return "paid" if any(result.paid for result in self.results) else "drawn"

    @property
    def cost(self) -> Decimal:
        return sum((result.cost for result in self.results), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The whole store. `lonely` are results whose object is gone, `damaged` the keys of records that were set aside,
    `flawed` pictures that came otherwise than asked for: no lock names them, and a person may still take them."""

    holdings: tuple[Holding, ...]
    records: int
    lonely: tuple[Result, ...]
    damaged: tuple[Key, ...]
    flawed: frozenset[Digest] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the locks name. `entries` are the lines of the locks in the folders (not in git's past); `places` are where
    a picture of a digest was delivered to, as absolute paths: (project root, path below it)."""

    keys: frozenset[Key] = frozenset()
    digests: frozenset[Digest] = frozenset()
    entries: tuple[LockEntry, ...] = ()
    places: Mapping[Digest, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    locks: int = 0
    unreadable: tuple[Unreadable, ...] = ()

    def names(self, holding: Holding) -> bool:
        return holding.digest in self.digests or any(result.key in self.keys for result in holding.results)


class Pile(NamedTuple):
    objects: int
    bytes: int
    cost: Decimal


def find_store(file: str | None, environment: Mapping[str, str], here: str) -> Project:
    """The project whose store is meant; without a campaign here, the one this folder lies in."""
    if file is not None or spec_of(None, here) is not None:
        return find_project(file, environment, here)
    here = os.path.realpath(here)
    store = environment.get("IMAGEBUILD_STORE") or None
    return Project(os.path.join(here, "campaign.yaml"), root_of(here), store, here)


# -------------------------------------------------------------------------------------------------- what there is


def contents_of(store: LocalStore) -> Contents:
    """Everything in the store, by two listings and one reading of every record, and what its journal holds on to."""
    by_digest: dict[Digest, list[Result]] = {}
    damaged: list[Key] = []
    records = 0
    for key in sorted(store.keys()):
        record = store.record(key)
        if record is None:
            damaged.append(key)
            continue
        records += 1
        by_digest.setdefault(record.digest, []).append(_result(record))
    holdings = tuple(
        Holding(each.digest, each.bytes, each.modified, tuple(by_digest.pop(each.digest, ())))
        for each in store.objects()
    )
    lonely = tuple(result for results in by_digest.values() for result in results)
    flawed = frozenset(each.digest for each in LocalJournal(store.root).attempts() if each.digest)
    return Contents(holdings=holdings, records=records, lonely=lonely, damaged=tuple(damaged), flawed=flawed)


def _result(record: Record) -> Result:
    cost = record.cost or Decimal(0)
    paid = record.paid and record.provider != FREE
    return Result(record.key, record.digest, paid, cost, record.address, record.made_at, record.model)


def piles(holdings: Iterable[Holding]) -> dict[str, Pile]:
    """How much of each origin."""
    found = {origin: Pile(0, 0, Decimal(0)) for origin in ("paid", "drawn", "unrecorded")}
    for each in holdings:
        pile = found[each.origin]
        found[each.origin] = Pile(pile.objects + 1, pile.bytes + each.bytes, pile.cost + each.cost)
    return found


def named_by_locks(roots: Iterable[str]) -> Named:
    """All locks below the roots, and in the git repositories that the roots are in; and what decisions are about."""
    keys: set[Key] = set()
    digests: set[Digest] = set()
    entries: list[LockEntry] = []
    places: dict[Digest, tuple[tuple[str, str], ...]] = {}
    unreadable: list[Unreadable] = []
    locks = 0
    for root in roots:
        for found in roots_in(root):
            if isinstance(found, Unreadable):
                unreadable.append(found)
                continue
            if isinstance(found, FoundApprovals):  # what was decided about is compared with what comes after it
                history = parse_history(found.text, file=found.name)
                digests.update(each.digest for each in history.decisions)
                unreadable.extend(Unreadable(found.name, fault.what) for fault in history.faults[:1])
                continue
            try:
                lock = parse_lock(found.text, file=found.name)
            except ImagebuildError as bad:
                unreadable.append(Unreadable(found.name, bad.what))
                continue
            locks += 1
            lines = [*lock.entries.values(), *(each for several in lock.alternatives.values() for each in several)]
            keys.update(entry.key for entry in lines)
            digests.update(entry.digest for entry in lines)
            if not os.path.isfile(os.path.join(root, found.name)):
                continue  # one of git's: what it delivered is not in the folders now
            entries.extend(lines)
            folder = found.name.rpartition("/")[0]
            for entry in lines:
                if entry.output:
                    path = f"{folder}/{entry.output}" if folder else entry.output
                    places[entry.digest] = (*places.get(entry.digest, ()), (root, path))
    return Named(
        keys=frozenset(keys), digests=frozenset(digests), entries=tuple(entries), places=places, locks=locks,
        unreadable=tuple(unreadable),
    )  # fmt: skip


def set_aside(project: Project) -> Pile:
    """Damaged objects and records of the store, and files of a person's that a build moved out of its way."""
    count = size = 0
    for folder in (os.path.join(project.store, "aside"), os.path.join(project.private, "aside")):
        for place, _, names in os.walk(folder):
            for name in names:
                count += 1
                size += os.lstat(os.path.join(place, name)).st_size
    return Pile(count, size, Decimal(0))


# ------------------------------------------------------------------------------------------------------ dropping


class Sweep(NamedTuple):
    """What no lock names: what was drawn here, and what was paid for (or might have been). `young` objects stay."""

    drawn: tuple[Holding, ...]
    paid: tuple[Holding, ...]
    lonely: tuple[Result, ...]
    young: int


def require_all_locks(named: Named) -> None:
    """Nothing may be dropped while a lock is unread."""
    if named.unreadable:
        listed = "\n".join(f"{each.name}: {each.why}" for each in named.unreadable[:10])
        raise BuildError(
            f"{len(named.unreadable)} places that may hold a lock could not be read, so nothing is dropped",
            hint=f"what they name must stay; make them readable, or remove them:\n{listed}",
        )


def sweep(contents: Contents, named: Named, *, now: float, shared: bool) -> Sweep:
    """What may be dropped. An object younger than an hour stays when it has no record yet (somebody may be about to
    write it); in a store that several projects share, also when it has one (its lock may not be written yet)."""
    drawn: list[Holding] = []
    paid: list[Holding] = []
    young = 0
    for holding in contents.holdings:
        if named.names(holding) or holding.digest in contents.flawed:
            continue
        if now - holding.modified < HOUR and (shared or not holding.results):
            young += 1
        elif holding.origin == "drawn":
            drawn.append(holding)
        else:
            paid.append(holding)
    lonely = [each for each in contents.lonely if not each.paid and each.key not in named.keys]
    return Sweep(tuple(drawn), tuple(paid), tuple(lonely), young)


def drop(store: Store, holdings: Iterable[Holding], lonely: Iterable[Result]) -> None:
    """The object first: what a kill then leaves is a record without its object, which reads as "must be made again"."""
    for holding in holdings:
        store.remove_object(holding.digest)
        for result in holding.results:
            store.remove_record(result.key)
    for result in lonely:
        store.remove_record(result.key)


# ----------------------------------------------------------------------------------------------------- verifying


class Damage(NamedTuple):
    """A damaged object, and what becomes of it: `restored` (from an output), `made` or `drawn` (by the next build),
    `unneeded` (no lock names it)."""

    digest: Digest
    aside: str
    remedy: str
    source: str | None
    cost: Decimal
    addresses: tuple[str, ...]


class Missing(NamedTuple):
    """A line of a lock whose bytes the store does not have. `output`: the file that has them, if there is one."""

    address: str
    digest: Digest
    output: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    contents: Contents
    damaged: tuple[Damage, ...]
    missing: tuple[Missing, ...]


def verify(store: LocalStore, contents: Contents, named: Named) -> Verified:
    """Read every object. What is damaged is set aside, and restored where an output still has the bytes."""
    damaged: list[Damage] = []
    for holding in contents.holdings:
        try:
            store.get(holding.digest)
        except DamagedObject as bad:
            damaged.append(_mend(store, holding, bad.aside, named))
        except MissingObject:
            continue  # dropped since the listing
    digests = store.digests()
    seen: set[Digest] = set()
    missing: list[Missing] = []
    for entry in named.entries:
        if entry.digest not in digests and entry.digest not in seen:
            seen.add(entry.digest)
            found = _delivered(entry.digest, named)
            missing.append(Missing(entry.address, entry.digest, found[1] if found else None))
    gone = {each.digest for each in damaged}
    return Verified(
        contents=contents, damaged=tuple(damaged), missing=tuple(each for each in missing if each.digest not in gone)
    )


def _mend(store: LocalStore, holding: Holding, aside: str, named: Named) -> Damage:
    addresses = tuple(dict.fromkeys(result.address for result in holding.results))
    found = _delivered(holding.digest, named)
    if found is not None and store.put(Outputs(found[0]).read(found[1]), durable=True) == holding.digest:
        return Damage(holding.digest, aside, "restored", found[1], holding.cost, addresses)
    by_origin = "drawn" if holding.origin == "drawn" else "made"
    remedy = by_origin if named.names(holding) else "unneeded"
    return Damage(holding.digest, aside, remedy, None, holding.cost, addresses)


def _delivered(digest: Digest, named: Named) -> tuple[str, str] | None:
    """(root, path) of a file that has these bytes now."""
    for root, path in named.places.get(digest, ()):
        if Outputs(root).digest(path) == digest:
            return root, path
    return None
