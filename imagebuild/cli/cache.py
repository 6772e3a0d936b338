"""`imagebuild cache`: how big the store is (`size`), what no lock names (`gc`), and whether it is whole (`verify`)."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal

from imagebuild.cli.terminal import ink_for, isolated, say
from imagebuild.core.key import short
from imagebuild.core.offer import dollars
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.stages.cache import (
    Damage,
    Holding,
    Named,
    Pile,
    Sweep,
    Verified,
    contents_of,
    drop,
    find_store,
    named_by_locks,
    piles,
    require_all_locks,
    set_aside,
    sweep,
    verify,
)
from imagebuild.stages.project import Project
from imagebuild.store.local import LocalStore
from imagebuild.workspace.guard import guard

__all__ = ["run"]

LISTED = 20


def run(options: argparse.Namespace) -> int:
    project = find_store(options.file, os.environ, os.getcwd())
    if options.action != "gc" and (options.drop or options.paid or options.also):
        raise ImagebuildError("`--drop`, `--paid` and `--also` go with `gc`", hint="`imagebuild cache gc --drop`")
    if not os.path.isdir(project.store):
        return _no_store(project, options)
    store = LocalStore(project.store)
    roots = [project.root, *(os.path.realpath(folder) for folder in options.also)]
    for folder in roots:
        if not os.path.isdir(folder):
            raise ImagebuildError(f"no folder `{folder}`", hint="`--also` takes the folder of another project")
    if options.action == "gc":
        return _gc(project, store, roots, options)
    if options.action == "verify":
        return _verify(store, named_by_locks(roots), options)
    return _size(project, store, named_by_locks(roots), options)


def _no_store(project: Project, options: argparse.Namespace) -> int:
    if options.json:
        print(json.dumps({"store": project.store, "exists": False}, ensure_ascii=False))
    else:
        print(f"no store at {_near(project.store)}: nothing has been built here yet")
    return 0


# ------------------------------------------------------------------------------------------------------------- size


def _size(project: Project, store: LocalStore, named: Named, options: argparse.Namespace) -> int:
    contents = contents_of(store)
    found = piles(contents.holdings)
    free = piles(each for each in contents.holdings if not named.names(each))
    aside = set_aside(project)
    if options.json:
        data = {
            "store": project.store,
            "exists": True,
            "objects": {name: _pile_json(pile) for name, pile in found.items()},
            "records": contents.records,
            "not_named": {name: _pile_json(pile) for name, pile in free.items()},
            "set_aside": _pile_json(aside),
            "locks": named.locks,
            "unreadable": _unreadable_json(named),
        }
        print(json.dumps(data, ensure_ascii=False))
        return 0
    total = _sum(found.values())
    rows = [
        ("pictures paid for", found["paid"]), ("drawn here", found["drawn"]), ("without a record", found["unrecorded"]),
        ("in all", total),
    ]  # fmt: skip
    print(f"store {_near(project.store)}")
    for name, pile in rows:
        cost = f"  cost {dollars(pile.cost)}" if name in ("pictures paid for", "in all") else ""
        print(f"  {name:<18}{pile.objects:>8,}  {_bytes(pile.bytes):>9}{cost}")
    print(f"  {'records':<18}{contents.records:>8,}")
    unused = _sum(free.values())
    words = f"{unused.objects:>8,}  {_bytes(unused.bytes):>9}  (`imagebuild cache gc`)" if unused.objects else f"{0:>8}"
    print(f"  {'no lock names':<18}{words}")
    if aside.objects:
        print(f"  {'set aside':<18}{aside.objects:>8,}  {_bytes(aside.bytes):>9}")
    if contents.lonely:
        print(f"  {len(contents.lonely)} records have lost their picture (`imagebuild cache verify`)")
    _say_unreadable(named)
    return 0


def _sum(found: Iterable[Pile]) -> Pile:
    objects = size = 0
    cost = Decimal(0)
    for pile in found:
        objects, size, cost = objects + pile.objects, size + pile.bytes, cost + pile.cost
    return Pile(objects, size, cost)


# --------------------------------------------------------------------------------------------------------------- gc


def _gc(project: Project, store: LocalStore, roots: Sequence[str], options: argparse.Namespace) -> int:
    shared = os.path.commonpath([project.root, os.path.realpath(project.store)]) != project.root
    if not options.drop:
        return _swept(_sweep(store, roots, shared), options, dropped=False)
    if shared and not options.also:
        raise BuildError(
            f"the store `{project.store}` is outside the project: locks elsewhere may name what it holds",
            hint="name the other projects that use it: `--also FOLDER`, or `--also .` when there is none",
        )
    with guard(
        os.path.join(project.private, "build.lock"),
        command="imagebuild cache gc --drop",
        on_wait=lambda holder: say(f"waiting for {holder}"),
    ):
        found = _sweep(store, roots, shared)
        code = _swept(found, options, dropped=True)
        drop(store, (*found.drawn, *(found.paid if options.paid else ())), found.lonely)
    return code


def _sweep(store: LocalStore, roots: Sequence[str], shared: bool) -> Sweep:
    named = named_by_locks(roots)
    require_all_locks(named)
    return sweep(contents_of(store), named, now=time.time(), shared=shared)


def _swept(found: Sweep, options: argparse.Namespace, *, dropped: bool) -> int:
    """Say what goes and what stays, the price of what was paid for first."""
    drawn, paid = _sum(piles(found.drawn).values()), _sum(piles(found.paid).values())
    if options.json:
        data = {
            "dropped": dropped,
            "drawn": {**_pile_json(drawn), "dropped": dropped},
            "paid": {
                **_pile_json(paid),
                "dropped": dropped and options.paid,
                "pictures": [_holding_json(each) for each in found.paid],
            },
            "records": len(found.lonely),
            "young": found.young,
        }
        print(json.dumps(data, ensure_ascii=False))
        return 0
    gone = "dropped" if dropped else "would go"
    if found.paid:
        fate = gone if options.paid else "kept (`--paid` drops them too)"
        pictures = f"{_count(paid.objects, 'picture')} that cost {dollars(paid.cost)}"
        print(f"no lock names {pictures} ({_bytes(paid.bytes)}): {fate}")
        for each in found.paid[:LISTED]:
            print(f"  {_holding_text(each)}")
        if len(found.paid) > LISTED:
            print(f"  … and {len(found.paid) - LISTED} more (`--json` has all of them)")
    if found.drawn:
        files = f"{_count(drawn.objects, 'file')} drawn here ({_bytes(drawn.bytes)})"
        print(f"no lock names {files}: {gone}; drawn again for nothing when wanted")
    if found.lonely:
        print(f"{_count(len(found.lonely), 'record')} without a picture: {gone}")
    if found.young:
        print(f"{_count(found.young, 'object')} younger than an hour: kept, somebody may be writing them")
    if not (found.paid or found.drawn or found.lonely):
        print("nothing to drop: the locks name everything")
    elif not dropped:
        print("\nnothing was dropped: `imagebuild cache gc --drop` does it")
    return 0


def _holding_text(holding: Holding) -> str:
    if not holding.results:
        return f"{short(holding.digest)}  {_bytes(holding.bytes)}  no record says what it is: it may have been paid for"
    first = holding.results[0]
    return f"{short(holding.digest)}  {dollars(holding.cost)}  {first.made_at}  {isolated(first.address)}"


def _holding_json(holding: Holding) -> dict[str, object]:
    return {
        "digest": holding.digest, "bytes": holding.bytes, "cost": f"{holding.cost:f}",
        "results": [
            {"key": each.key, "address": each.address, "made_at": each.made_at, "model": each.model}
            for each in holding.results
        ],
    }  # fmt: skip


# ----------------------------------------------------------------------------------------------------------- verify


def _verify(store: LocalStore, named: Named, options: argparse.Namespace) -> int:
    found = verify(store, contents_of(store), named)
    contents = found.contents
    code = 1 if found.damaged or contents.damaged else 0
    size = sum(each.bytes for each in contents.holdings)
    if options.json:
        print(json.dumps(_verified_json(found, named, size, code), ensure_ascii=False))
        return code
    ink = ink_for(sys.stdout)
    for each in found.damaged:
        print(f"{ink.red('damaged')} {each.digest}{_of(each)}")
        print(f"  set aside as {_near(each.aside)}; {_remedy(each)}")
    for key in contents.damaged:
        fate = "a lock still names its picture" if key in named.keys else "no lock names it"
        print(f"{ink.red('damaged')} the record of {key}: set aside; {fate}")
    lonely = [each for each in contents.lonely if each.key in named.keys]
    if contents.lonely:
        print(f"{_count(len(contents.lonely), 'record')} without a picture, {len(lonely)} of them named by a lock")
    there = [each for each in found.missing if each.output is not None]
    if there:
        pictures = _count(len(there), "locked picture")
        print(f"{pictures} not in the store but in the output folder: the next build takes them in")
    gone = [each for each in found.missing if each.output is None]
    if gone:
        pictures = _count(len(gone), "locked picture")
        print(f"{pictures} neither in the store nor in the output folder: made again if something needs them")
        for missing in gone[:LISTED]:
            print(f"  {isolated(missing.address)}")
    _say_unreadable(named)
    hurt = len(found.damaged) + len(contents.damaged)
    objects = f"{_count(len(contents.holdings), 'object')} ({_bytes(size)})"
    verdict = ink.red(f"{hurt} damaged") if hurt else ink.green("all whole")
    print(f"read {objects} and {_count(contents.records, 'record')}: {verdict}")
    return code


def _of(damage: Damage) -> str:
    return f" ({', '.join(isolated(each) for each in damage.addresses[:3])})" if damage.addresses else ""


def _remedy(damage: Damage) -> str:
    if damage.remedy == "restored":
        return f"restored from {damage.source}"
    if damage.remedy == "unneeded":
        return "no lock names it: nothing needs it"
    if damage.remedy == "drawn":
        return "the next build draws it again, for nothing"
    cost = f"it cost {dollars(damage.cost)}" if damage.cost else "it was free"
    return f"the next build makes it again if something needs it: {cost}"


def _verified_json(found: Verified, named: Named, size: int, code: int) -> dict[str, object]:
    return {
        "objects": len(found.contents.holdings),
        "bytes": size,
        "records": found.contents.records,
        "damaged": [
            {
                "digest": each.digest, "set_aside": each.aside, "remedy": each.remedy, "restored_from": each.source,
                "cost": f"{each.cost:f}", "addresses": list(each.addresses),
            }
            for each in found.damaged
        ],
        "damaged_records": list(found.contents.damaged),
        "records_without_object": [each.key for each in found.contents.lonely],
        "missing": [{"address": each.address, "digest": each.digest, "output": each.output} for each in found.missing],
        "unreadable": _unreadable_json(named),
        "exit": code,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------ words


def _pile_json(pile: Pile) -> dict[str, object]:
    return {"count": pile.objects, "bytes": pile.bytes, "cost": f"{pile.cost:f}"}


def _unreadable_json(named: Named) -> list[dict[str, str]]:
    return [{"name": each.name, "why": each.why} for each in named.unreadable]


def _say_unreadable(named: Named) -> None:
    for each in named.unreadable:
        say(f"could not be read, and may name more: {each.name}: {each.why}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _bytes(count: int) -> str:
    if count < 1000:
        return f"{count} B"
    size = float(count)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.95:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} TB"


def _near(path: str) -> str:
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown
