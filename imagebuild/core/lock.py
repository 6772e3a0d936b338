"""The lock's text ↔ its value: for every asset the key and the digest it was last built with.

JSON Lines: a header, then one line an asset, sorted by address, names in a fixed order, no times: the text changes only
when a fact does, and git can merge it line by line. A lock in the middle of a merge is readable as it stands: both
sides' lines are facts, and whoever knows the keys picks among them. Reads and writes no files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from itertools import repeat
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from imagebuild.core.key import Digest, Key
from imagebuild.errors import LockError, Place

__all__ = ["LOCK_FORMAT", "Lock", "LockEntry", "lock_name", "parse_lock", "write_lock"]

LOCK_FORMAT: Final = 1
_HEADER: Final = "imagebuild.lock"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_MARKERS: Final = ("<<<<<<<", "=======", "|||||||", ">>>>>>>")
_AMOUNT: Final = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")
_HINT: Final = "restore it with git, or delete the line: the store still has the picture"


class LockEntry(NamedTuple):
    """What one asset was last built with. `extra` holds the fields that a newer version wrote; they are kept."""

    address: str
    key: Key
    digest: Digest
    output: str | None = None
    size: str | None = None
    bytes: int | None = None
    model: str | None = None
    provider: str | None = None
    cost: Decimal | None = None
    tools: str | None = None
    floating: bool = False
    extra: Mapping[str, Any] = _NOTHING


_KINDS: Final = {
    "asset": str, "key": str, "digest": str, "output": str, "size": str, "bytes": int, "model": str, "provider": str,
    "cost": str, "tools": str, "floating": bool,
}  # fmt: skip
_KIND_WORDS: Final = {str: "a text", int: "a whole number", bool: "true or false"}
_NAMES: Final = frozenset(_KINDS)
_UNREAD: Final = LockEntry("", Key(""), Digest(""))
_DEFAULTS: Final = _UNREAD._asdict()


class Lock(NamedTuple):
    """A campaign's lock. `alternatives` lists all entries of each address that has more than one, in the file's order;
    `entries` has the first of them. `conflicted`: the text held git's conflict markers."""

    campaign: str
    entries: Mapping[str, LockEntry] = _NOTHING
    alternatives: Mapping[str, tuple[LockEntry, ...]] = _NOTHING
    conflicted: bool = False
    extra: Mapping[str, Any] = _NOTHING


def lock_name(spec_name: str) -> str:
    """The lock's file, beside its spec: `campaign.yaml` → `imagebuild.lock`, `ads/x.yaml` → `ads/x.imagebuild.lock`."""
    folder, slash, name = spec_name.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{folder}{slash}" + ("imagebuild.lock" if stem == "campaign" else f"{stem}.imagebuild.lock")


# ------------------------------------------------------------------------------------------------------- reading


def parse_lock(text: str, *, file: str) -> Lock:
    """The lock, or a `LockError` that says which line is damaged."""
    lines = text.removeprefix("\ufeff").split("\n")  # not splitlines: U+2028 may stand inside an address
    odd = [(index, line) for index, line in enumerate(lines) if line[:1] != "{"]
    conflicted = False
    for index, line in odd:
        if line.startswith(_MARKERS):
            lines[index] = ""  # blank, not gone, so that the numbers of the lines stay
            conflicted = True
    rows = _rows([line for line in lines if line.strip()] if odd else lines)
    if rows is None:
        raise _damaged(lines, file)
    campaign, extra = _header(rows[0] if rows else {}, lines, file)
    found = _entries([row for row in rows if _HEADER not in row])
    if found is None:
        raise _damaged(lines, file)
    entries = {entry.address: entry for entry in reversed(found)}  # reversed: the first of an address stays
    alternatives = _alternatives(found) if len(entries) != len(found) else {}
    return Lock(campaign, entries, alternatives, conflicted, extra)


def _alternatives(entries: Iterable[LockEntry]) -> dict[str, tuple[LockEntry, ...]]:
    by_address: dict[str, list[LockEntry]] = {}
    for entry in entries:
        same = by_address.setdefault(entry.address, [])
        if entry not in same:
            same.append(entry)
    return {address: tuple(several) for address, several in by_address.items() if len(several) > 1}


def _rows(lines: list[str]) -> list[dict[str, Any]] | None:
    try:
        rows = json.loads("[" + ",".join(lines) + "]")  # one call of the C reader, not one a line
    except (ValueError, RecursionError):
        return None
    whole = len(rows) == len(lines) and all(type(row) is dict for row in rows)
    return rows if whole else None


def _header(row: Mapping[str, Any], lines: list[str], file: str) -> tuple[str, dict[str, Any]]:
    version = row.get(_HEADER)
    if type(version) is int and version > LOCK_FORMAT:
        raise LockError(
            f"lock format {version} is newer than this imagebuild can read (it reads up to {LOCK_FORMAT})",
            at=Place(file), hint="upgrade imagebuild: pip install --upgrade imagebuild-campaigns",
        )  # fmt: skip
    campaign = row.get("campaign")
    if type(version) is not int or version < 1 or type(campaign) is not str:
        number, line = next(((n, line) for n, line in enumerate(lines, 1) if line.strip()), (1, ""))
        raise LockError(
            "the lock does not start with its header" if row else "the lock is empty",
            at=Place(file, number, 1, len(line), line), hint="restore it with git, or delete the file",
        )  # fmt: skip
    return campaign, {name: value for name, value in row.items() if name not in (_HEADER, "campaign")}


def _entries(rows: list[dict[str, Any]]) -> list[LockEntry] | None:
    """The entries, or None when a line is damaged.

    Lines with the same names are checked and turned into entries together, a column at a time: nearly all the work is
    then done by C, and a lock of 100,000 lines is read in half the time that a line at a time takes.
    """
    by_names: dict[tuple[str, ...], list[int]] = {}
    for index, row in enumerate(rows):
        by_names.setdefault(tuple(row), []).append(index)
    found: list[LockEntry] = [_UNREAD] * len(rows)
    for names, indexes in by_names.items():
        some = [rows[index] for index in indexes]
        columns: dict[str, Iterable[Any]] = {name: [row[name] for row in some] for name in names}
        if not _are_right(columns):
            return None
        columns["address"] = columns.pop("asset")
        if "cost" in columns:
            columns["cost"] = map(Decimal, columns["cost"])
        others = [name for name in names if name not in _NAMES]
        if others:
            columns["extra"] = [{name: row[name] for name in others} for row in some]
        values = [columns.get(name, repeat(default, len(some))) for name, default in _DEFAULTS.items()]
        for index, entry in zip(indexes, map(LockEntry._make, zip(*values, strict=True)), strict=True):
            found[index] = entry
    return found


def _are_right(columns: Mapping[str, Any]) -> bool:
    """Whether every value of every column may stand there; `_fault` says the same of one line, in words."""
    if not all(name in columns for name in ("asset", "key", "digest")):
        return False
    for name, kind in _KINDS.items():
        if name in columns and set(map(type, columns[name])) != {kind}:
            return False
    return (
        all(columns["asset"])
        and _are_identities(columns["key"])
        and _are_identities(columns["digest"])
        and all(map(_AMOUNT.fullmatch, columns.get("cost", ())))
    )


def _are_identities(texts: Collection[str]) -> bool:
    joined = "".join(texts)
    try:
        length = len(bytes.fromhex(joined))  # much faster than a pattern, but takes spaces and capitals too
    except ValueError:
        return False
    return set(map(len, texts)) == {64} and length == 32 * len(texts) and joined == joined.lower()


def _damaged(lines: list[str], file: str) -> LockError:
    """Only when something is wrong: which line it is, and what is wrong with it."""
    for number, line in enumerate(lines, 1):
        if not line or line.isspace():
            continue
        place = Place(file, number, 1, len(line), line)
        try:
            row = json.loads(line)
        except json.JSONDecodeError as bad:
            place = Place(file, number, bad.colno, 1, line)
            return LockError(f"a damaged line: {bad.msg[0].lower()}{bad.msg[1:]}", at=place, hint=_HINT)
        except (ValueError, RecursionError):
            return LockError("a damaged line", at=place, hint=_HINT)
        if type(row) is not dict:
            return LockError("a damaged line: not an entry", at=place, hint=_HINT)
        fault = None if _HEADER in row else _fault(row)
        if fault:
            return LockError(f"a damaged line: {fault}", at=place, hint=_HINT)
    return LockError("the lock is damaged", at=Place(file), hint="restore it with git, or delete the file")


def _fault(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a line, in words."""
    for name, kind in _KINDS.items():
        needed = name in ("asset", "key", "digest")
        if needed and name not in row:
            return f"`{name}` is missing"
        if name in row and type(row[name]) is not kind:
            return f"`{name}` must be {_KIND_WORDS[kind]}"
    if not row["asset"]:
        return "`asset` is empty"
    for name in ("key", "digest"):
        if not _are_identities([row[name]]):
            return f"`{name}` must be 64 hexadecimal characters"
    if not _AMOUNT.fullmatch(row.get("cost", "0")):
        return '`cost` must be an amount, such as "0.042"'
    return None


# ------------------------------------------------------------------------------------------------------- writing

_quote = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def write_lock(lock: Lock) -> str:
    """The text: only what is settled, so `alternatives` and conflict markers are gone from it."""
    header = {_HEADER: LOCK_FORMAT, "campaign": lock.campaign, **lock.extra}
    lines = [json.dumps(header, ensure_ascii=False)]
    entries = lock.entries
    lines.extend(_lines(entries[address] for address in sorted(entries)))
    lines.append("")
    return "\n".join(lines)


def _lines(entries: Iterable[LockEntry]) -> Iterable[str]:
    for address, key, digest, output, size, count, model, provider, cost, tools, floating, extra in entries:
        line = f'{{"asset":{_quote(address)},"key":"{key}","digest":"{digest}"'
        if output is not None:
            line += f',"output":{_quote(output)}'
        if size is not None:
            line += f',"size":{_quote(size)}'
        if count is not None:
            line += f',"bytes":{count}'
        if model is not None:
            line += f',"model":{_quote(model)}'
        if provider is not None:
            line += f',"provider":{_quote(provider)}'
        if cost is not None:
            line += f',"cost":"{cost:f}"'
        if tools is not None:
            line += f',"tools":{_quote(tools)}'
        if floating:
            line += ',"floating":true'
        if extra:
            line += "," + _quote(dict(extra))[1:-1]
        yield line + "}"
