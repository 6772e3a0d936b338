"""The facts a plan is made from, read from disk when they are asked for: the lock, the store, the output folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal

from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, parse_lock
from imagebuild.core.plan import Known
from imagebuild.core.reason import Past
from imagebuild.stages.project import Project
from imagebuild.store.base import Store
from imagebuild.workspace.outputs import Outputs, OutputState, look

__all__ = ["DiskFacts", "read_lock"]

SeenOutput = tuple[int, int, str]  # size, mtime in nanoseconds, digest


def read_lock(project: Project, campaign: str) -> Lock:
    """The campaign's lock; an empty one where there is none yet."""
    try:
        with open(project.lock, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return Lock(campaign)
    return parse_lock(text, file=project.label(os.path.basename(project.lock)))


class DiskFacts:
    """Answers a planner's questions. `seen` are outputs whose digest an earlier run remembers, by path."""

    def __init__(self, project: Project, lock: Lock, store: Store, seen: Mapping[str, SeenOutput] | None = None) -> None:
        self.lock = lock
        self._project = project
        self._store = store
        self._stored = store.digests()
        self._keys = store.keys()
        self._outputs = Outputs(project.root)
        self._seen = seen or {}
        self._states: dict[str, OutputState] | None = None
        self._digests: dict[str, Digest | None] = {}
        self._records: dict[Key, Known | None] = {}
        self._paths: set[str] = set()

    def expect(self, paths: set[str]) -> None:
        """The output paths that will be asked for: their states are looked up together."""
        self._paths |= paths

    def result(self, key: Key) -> Known | None:
        if key not in self._keys:
            return None
        if key not in self._records:
            record = self._store.record(key)
            self._records[key] = (
                Known(record.digest, f"{record.size[0]}x{record.size[1]}", record.bytes, record.cost or Decimal(0), record.model, record.provider)
                if record
                else None
            )
        return self._records[key]

    def past(self, key: Key) -> Past | None:
        record = self._store.record(key) if key in self._keys else None
        return Past(record.manifest, record.sources, record.address, record.made_at) if record else None

    def has(self, digest: Digest) -> bool:
        return digest in self._stored

    def output(self, path: str) -> Digest | None:
        if path not in self._digests:
            self._digests[path] = self._look(path)
        return self._digests[path]

    def _look(self, path: str) -> Digest | None:
        if self._states is None:
            wanted = self._paths | {entry.output for entry in self.lock.entries.values() if entry.output}
            self._states = look(self._project.folder, wanted)
        state = self._states.get(path)
        if state is None:
            if path in self._paths:
                return None
            return self._outputs.digest(self._project.prefix + path)
        seen = self._seen.get(path)
        if seen is not None and seen[0] == state.size and seen[1] == state.modified:
            return Digest(seen[2])
        return self._outputs.digest(self._project.prefix + path)

    def states(self) -> Mapping[str, OutputState]:
        return self._states or {}
