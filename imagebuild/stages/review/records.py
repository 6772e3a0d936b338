"""What the store remembers of a campaign's addresses: every picture ever made for one, by address and by digest.

A store may have many thousands of records, of several campaigns: each is read once, and only what the page shows of it
is kept.
"""

from __future__ import annotations

import threading
from collections.abc import Container, Mapping
from typing import NamedTuple

from imagebuild.core.key import Digest, Key
from imagebuild.store.base import Record, Store

__all__ = ["Made", "Records"]

_DEEP = 12  # pictures that are made from one another; more is a ring, which a damaged store could hold


class Made(NamedTuple):
    """One result. `source` is the picture it was made from, `take` of a paid one; `rejected` why it did not pass."""

    key: Key
    digest: Digest
    address: str
    made_at: str
    paid: bool
    size: tuple[int, int]
    bytes: int
    media_type: str
    prompt: str | None
    source: Digest | None
    take: int
    rejected: str | None
    is_check: bool


class Records:
    """May be asked from any thread. `addresses` are the campaign's: others' records are not kept."""

    def __init__(self, store: Store, addresses: Container[str]) -> None:
        self._store = store
        self._addresses = addresses
        self._turn = threading.Lock()
        self._seen: set[Key] = set()
        self._passed: set[Key] = set()
        self._by_address: dict[str, list[Made]] = {}
        self._by_digest: dict[Digest, list[Made]] = {}

    def watch(self, addresses: Container[str]) -> None:
        """The campaign has other addresses now: what was passed over may be wanted."""
        with self._turn:
            if addresses is not self._addresses:
                self._addresses = addresses
                self._seen -= self._passed
                self._passed = set()

    def refresh(self) -> None:
        """Read what came since the last time."""
        with self._turn:
            for key in sorted(self._store.keys() - self._seen):
                self._seen.add(key)
                record = self._store.record(key)
                if record is None or record.address not in self._addresses:
                    self._passed.add(key)
                else:
                    made = _made(record)
                    self._by_address.setdefault(made.address, []).append(made)
                    self._by_digest.setdefault(made.digest, []).append(made)

    def of_address(self, address: str) -> list[Made]:
        """Everything that was made for an address, the latest first."""
        with self._turn:
            return sorted(self._by_address.get(address, ()), key=lambda each: (each.made_at, each.key), reverse=True)

    def of_digest(self, digest: Digest) -> Made | None:
        """How a picture came about: what made it rather than what looked at it."""
        with self._turn:
            found = self._by_digest.get(digest, ())
            return min(found, key=lambda each: (each.is_check, each.made_at, each.key), default=None)

    def knows(self, digest: Digest) -> bool:
        with self._turn:
            return digest in self._by_digest

    def prompt_of(self, digest: Digest) -> str | None:
        """The prompt of the paid picture that a picture is, or is made from."""
        at: Digest | None = digest
        for _ in range(_DEEP):
            made = self.of_digest(at) if at is not None else None
            if made is None or made.prompt is not None:
                return made.prompt if made is not None else None
            at = made.source
        return None


def _made(record: Record) -> Made:
    manifest = record.manifest
    prompt, take, source = manifest.get("prompt"), manifest.get("take", 1), _source_of(manifest)
    return Made(
        key=record.key, digest=record.digest, address=record.address, made_at=record.made_at, paid=record.paid,
        size=record.size, bytes=record.bytes, media_type=record.media_type,
        prompt=prompt if isinstance(prompt, str) else None,
        source=source, take=take if isinstance(take, int) else 1, rejected=record.rejection,
        is_check=manifest.get("operation") == "check",
    )  # fmt: skip


def _source_of(manifest: Mapping[str, object]) -> Digest | None:
    source = manifest.get("input")
    return Digest(source) if isinstance(source, str) else None
