"""The facts a plan is made from, read from disk when they are asked for: the lock, the store, the output folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal

from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.core.lock import Lock, parse_lock
from imagebuild.core.plan import Known, Spent
from imagebuild.core.reason import Past
from imagebuild.core.settled import costs_in, parse_settled
from imagebuild.core.spent import spent_so_far
from imagebuild.errors import LockError, Place
from imagebuild.stages.project import Project
from imagebuild.store.base import Journal, Record, Store
from imagebuild.workspace.outputs import Outputs, OutputState, look

__all__ = ["DiskFacts", "read_lock"]


def read_lock(project: Project, campaign: str, *, settled: str | None = None) -> tuple[Lock, str]:
    """The campaign's lock and its text's digest; an empty lock where there is none yet. `settled` is the digest of a
    text that is known to be whole: it is read as it is asked for."""
    try:
        with open(project.lock, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return Lock(campaign), ""
    digest = digest_of(data)
    if digest == settled:
        return parse_settled(data.decode("utf-8")), digest
    label = project.label(os.path.basename(project.lock))
    try:
        return parse_lock(data.decode("utf-8"), file=label), digest
    except UnicodeDecodeError:
        hint = "restore it with git, or delete the file"
        raise LockError("the lock is not UTF-8", at=Place(label), hint=hint) from None


class DiskFacts:
    """Answers a planner's questions. `trusted` are outputs whose digest an earlier run vouches for, by path; `month` is
    the present one."""

    def __init__(
        self,
        project: Project,
        lock: Lock,
        store: Store,
        journal: Journal,
        *,
        month: str,
        many: bool,
        trusted: Mapping[str, Digest] | None = None,
    ) -> None:
        self.lock = lock
        self._project = project
        self._store = store
        self._journal = journal
        self.month = month
        self._open: dict[Key, Attempt] | None = None
        self._stored = store.digests() if many else None
        self._keys = store.keys() if many else None
        self._outputs = Outputs(project.root)
        self._trusted = trusted or {}
        self._states: dict[str, OutputState] | None = None
        self._digests: dict[str, Digest | None] = {}
        self._records: dict[Key, Known | None] = {}
        self._has: dict[Digest, bool] = {}
        self._paths: set[str] = set()

    def expect(self, paths: set[str]) -> None:
        """The output paths that will be asked for: their states are looked up together."""
        self._paths |= paths

    def result(self, key: Key) -> Known | None:
        if self._keys is not None and key not in self._keys:
            return None
        if key not in self._records:
            record = self._store.record(key)
            self._records[key] = _known(record) if record else None
        return self._records[key]

    def past(self, key: Key) -> Past | None:
        record = self._store.record(key)
        return Past(record.manifest, record.sources, record.address, record.made_at) if record else None

    def attempt(self, key: Key) -> Attempt | None:
        found = self._attempts().get(key)
        if found is not None and found.state in ("sent", "task") and self._journal.is_claimed(key):
            return found._replace(held=True)
        return found

    def _attempts(self) -> dict[Key, Attempt]:
        if self._open is None:  # all of them by one listing: few are open, and many keys are asked for
            self._open = {attempt.key: attempt for attempt in self._journal.attempts()}
        return self._open

    def spent(self, campaign: str, *, anew: bool = False) -> Spent:
        """`anew`: also what other builds have begun since it was first asked."""
        if anew:
            self._open = None
        costs = costs_in(self.lock.entries)
        return spent_so_far(campaign, self.month, self._journal.payments(), self._attempts().values(), costs)

    def has(self, digest: Digest) -> bool:
        if self._stored is not None:
            return digest in self._stored
        if digest not in self._has:
            self._has[digest] = self._store.has(digest)
        return self._has[digest]

    def output(self, path: str) -> Digest | None:
        if path in self._trusted:
            return self._trusted[path]
        if path not in self._digests:
            self._digests[path] = self._look(path)
        return self._digests[path]

    def _look(self, path: str) -> Digest | None:
        if self._states is None:
            self._states = look(self._project.folder, self._paths)
        if path in self._paths and path not in self._states:
            return None
        return self._outputs.digest(self._project.prefix + path)


def _known(record: Record) -> Known:
    size = f"{record.size[0]}x{record.size[1]}"
    cost = record.cost or Decimal(0)
    return Known(record.digest, size, record.bytes, cost, record.model, record.provider, record.rejection)
