"""Where bytes are: which digests the lock has of a key, which were delivered to a path, and which file still has them.

Asks its questions through `Facts`; each listing is made once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from imagebuild.core.action import Action
from imagebuild.core.key import Digest, Key
from imagebuild.core.plan import Facts
from imagebuild.core.settled import finder_of

__all__ = ["Whereabouts"]


class Whereabouts:
    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._find: Callable[[Key], Sequence[Digest]] | None = None
        self._by_digest: dict[Digest, list[str]] | None = None
        self._by_output: dict[str, set[Digest]] | None = None

    def digests_of(self, key: Key) -> Sequence[Digest]:
        """The digests that the lock has of a key, for whatever address."""
        if self._find is None:
            self._find = finder_of(self._facts.lock.entries)
        return self._find(key)

    def at_hand(self, action: Action, digest: Digest) -> bool:
        """Whether an action's result can be had without making it."""
        if self._facts.has(digest):
            return True
        if action.output is not None and self._facts.output(action.output) == digest:
            return True
        return self.file_with(digest) is not None

    def locked_at(self, path: str) -> set[Digest]:
        """The digests that the lock says were delivered to a path."""
        if self._by_output is None:
            self._by_output = {}
            for entry in self._facts.lock.entries.values():
                if entry.output:
                    self._by_output.setdefault(entry.output, set()).add(entry.digest)
        return self._by_output.get(path, set())

    def file_with(self, digest: Digest) -> str | None:
        """A delivered file that still has these bytes, wherever the lock says one was put."""
        if self._by_digest is None:
            self._by_digest = {}
            for entry in self._facts.lock.entries.values():
                if entry.output:
                    self._by_digest.setdefault(entry.digest, []).append(entry.output)
        return next((path for path in self._by_digest.get(digest, ()) if self._facts.output(path) == digest), None)
