"""The contract of a store, and the record of one result.

A store keeps bytes by their digest and, by the key of the work, a record of what made them. Every backend holds to the
paragraphs of `Store` and passes the one suite of tests in `tests/store/contract.py`. Knows no backend.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, Protocol

from imagebuild.core.attempt import Attempt, Payment
from imagebuild.core.key import Digest, Key, short
from imagebuild.errors import StoreError

__all__ = [
    "DamagedObject",
    "Journal",
    "MissingObject",
    "Record",
    "Store",
    "StoredObject",
    "decode_record",
    "encode_record",
    "json_text",
]


class MissingObject(StoreError):
    """The store has no object of this digest."""

    def __init__(self, digest: Digest) -> None:
        super().__init__(f"the store has no object `{short(digest)}`", hint="build again to make it")
        self.digest = digest


class DamagedObject(StoreError):
    """The object's bytes are not what its name says. It has been set aside; the store no longer has the digest."""

    def __init__(self, digest: Digest, aside: str) -> None:
        super().__init__(
            f"the store's object `{short(digest)}` is damaged, and was set aside as `{aside}`",
            hint="build again: it is restored from the output folder if that has it, else made anew",
        )
        self.digest = digest
        self.aside = aside


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What is known of one result: what made it, from what, for how much. `extra` keeps a newer version's fields."""

    key: Key
    manifest: Mapping[str, Any]
    digest: Digest
    media_type: str
    size: tuple[int, int]
    bytes: int
    made_at: str  # ISO 8601, UTC; given by the caller, who has the clock
    seconds: float
    address: str  # of the first asset it was made for
    paid: bool
    model: str | None = None
    provider: str | None = None
    cost: Decimal | None = None
    estimate: Decimal | None = None
    request_id: str | None = None
    answered: Mapping[str, Any] = field(default_factory=dict)  # what the service said beside the picture
    sources: Mapping[str, Any] = field(default_factory=dict)  # every template, string and variable used, by name
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def report(self) -> Mapping[str, Any] | None:
        """Of a check: what it found, `deliver` first of all. The digest is that of the picture it looked at."""
        found = self.extra.get("report")
        return found if isinstance(found, Mapping) else None

    @property
    def rejection(self) -> str | None:
        """Why a picture did not pass its check, in a sentence; None of everything else."""
        report = self.report
        if report is None or report.get("deliver") is True:
            return None
        findings = report.get("findings") or []
        failed = [each for each in findings if each["verdict"] == "failed"]
        word = "" if failed else "cannot be verified: "
        return word + ("; ".join(each["what"] for each in failed or findings) or "it did not pass")

    @property
    def is_result(self) -> bool:
        """Whether it has the result of its key: a picture that did not pass its check is none."""
        report = self.report
        return report is None or report.get("deliver") is True


class StoredObject(NamedTuple):
    """One object as a listing shows it."""

    digest: Digest
    bytes: int
    modified: float  # seconds since 1970


class Store(Protocol):
    """Where results live. All methods may be called from several threads and several processes at once.

    Whatever cannot be done because of the place itself (full, not writable, not reachable) is a `StoreError` whose hint
    says what to do about it; reading never writes, except to set damage aside.
    """

    def put(self, data: bytes, *, durable: bool) -> Digest:
        """Keep the bytes and return their digest. When it returns, every reader sees all of them or, before, none.
        Bytes that are there already are not written again. `durable`: they survive a power cut from here on; for
        what was paid for. What a killed writer leaves behind is invisible to readers and swept up by a later one."""
        ...

    def get(self, digest: Digest) -> bytes:
        """The bytes, checked against the digest at every read. Raises `MissingObject`; raises `DamagedObject` after
        setting the damaged bytes aside, so that a damaged object is named once and then simply absent."""
        ...

    def has(self, digest: Digest) -> bool:
        """Whether an object of this name is there: cheap, so its bytes are not looked at."""
        ...

    def file(self, digest: Digest) -> str | None:
        """The path of a file on this machine that holds the object, for cloning it; None where there is no such file.
        Unchecked: whoever clones it checks the clone, and calls `get` when it is wrong, which sets it aside. Never
        to be written to, linked to, or handed to a person."""
        ...

    def digests(self) -> set[Digest]:
        """The digests of all objects, by one listing."""
        ...

    def objects(self) -> Iterator[StoredObject]:
        """All objects with their sizes and times, in no order; for the size of the store and for dropping what nothing
        names. An object that goes away meanwhile is left out."""
        ...

    def remove_object(self, digest: Digest) -> None:
        """Drop an object; one that is not there is no error."""
        ...

    def put_record(self, record: Record) -> None:
        """Keep the record under its key, in place of an earlier one; readers see the old one or the new one, whole.
        Durable when the result was paid for. Its object must have been put before it."""
        ...

    def record(self, key: Key) -> Record | None:
        """The record of a key, or None. A damaged one is set aside and counts as absent."""
        ...

    def keys(self) -> set[Key]:
        """The keys of all records, by one listing."""
        ...

    def remove_record(self, key: Key) -> None:
        """Drop a record; one that is not there is no error."""
        ...


class Journal(Protocol):
    """What was begun and not ended, and what was ever paid. Beside a store, for it speaks of the same keys.

    All methods may be called from several threads and processes at once; what returned is on disk, also after a power
    cut. A damaged entry is never dropped silently: money may hang on it, so reading it is a `StoreError` that names the
    file.
    """

    def attempt(self, key: Key) -> Attempt | None:
        """The open attempt of a key. One that is `sent`, and whose reply is on disk, whole, has `answered` set."""
        ...

    def attempts(self) -> Iterator[Attempt]:
        """All open attempts, in no order. Cheap when there are none."""
        ...

    def open(self, attempt: Attempt) -> None:
        """Write the attempt down under its key, in place of what is there. As `sent`, it drops an earlier reply: that
        must not pass for this one's. Whoever opens or closes has the key's claim."""
        ...

    def close(self, key: Key) -> None:
        """Forget a key's attempt, and its reply; none is no error."""
        ...

    def open_many(self, attempts: Iterable[Attempt]) -> None:
        """As `open`, all of them or none, for thousands that are sent in one request."""
        ...

    def close_many(self, keys: Iterable[Key]) -> None:
        """As `close`, of thousands."""
        ...

    def reply_file(self, key: Key) -> str:
        """Where the reply of a key's attempt is written as it comes in (its folder is there)."""
        ...

    def pay(self, payment: Payment) -> None:
        """Add a line to the ledger."""
        ...

    def payments(self, *, since: str = "") -> Iterator[Payment]:
        """The ledger's lines, oldest first, from the month `since` (`2026-11`) on. A line that a killed writer left
        half is passed over: what it speaks of is still open in the journal."""
        ...

    def is_claimed(self, key: Key) -> bool:
        """Whether somebody has the key's claim just now; for telling, not for deciding."""
        ...

    def claim(self, key: Key) -> AbstractContextManager[bool]:
        """`with journal.claim(key) as mine`: whether this process, and this part of it, alone may pay for the key now.
        Held until the block ends or the process does, however that ends."""
        ...


# ------------------------------------------------------------------------------------------- a record's own bytes

_CHECK = b'\n"check":"'
_OWN = tuple(each.name for each in fields(Record) if each.name != "extra")


def encode_record(record: Record) -> bytes:
    """The record as JSON, one field a line, closed by a sha256 of all lines before it.

    Never fails on what a service answered: a value JSON has no form for is written as text, a broken character escaped.
    """
    values = {name: getattr(record, name) for name in _OWN}
    values = {name: value for name, value in values.items() if value is not None}
    for name in ("cost", "estimate"):
        if name in values:
            values[name] = f"{values[name]:f}"
    for name, value in record.extra.items():
        values.setdefault(name, value)
    lines = ",\n".join(f"{json_text(name)}:{json_text(value)}" for name, value in values.items() if name != "check")
    body = ("{\n" + lines + ",").encode("utf-8", "backslashreplace")  # a lone surrogate becomes JSON's own escape
    return body + _CHECK + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'


def decode_record(data: bytes, key: Key) -> Record:
    """The record; ValueError when its bytes are not whole, or it is not the record of this key."""
    body, check, rest = data.rpartition(_CHECK)
    if not check or rest != hashlib.sha256(body).hexdigest().encode() + b'"\n}\n':
        raise ValueError("the record is damaged")
    try:
        values = json.loads(body[:-1] + b"}")
        if values["key"] != key:
            raise ValueError("the record is another key's")
        values["size"] = tuple(values["size"])
        for name in ("cost", "estimate"):
            if name in values:
                values[name] = Decimal(values[name])
        own = {name: values.pop(name) for name in _OWN if name in values}
        return Record(**own, extra=values)
    except (KeyError, TypeError, InvalidOperation) as bad:
        raise ValueError(f"the record lacks a field or has a wrong one: {bad}") from bad


def _as_json(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


# Never fails on what a service said: what JSON has no form for is written as text.
json_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_as_json).encode
