"""What the lock will say: the entries it had, and those of the steps that ended well.

Written now and then and at the end; saving is handed in, so this knows no files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.action import Action
from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.plan import PlanStep, tools_text
from imagebuild.errors import ImagebuildError
from imagebuild.store.base import Record

__all__ = ["LockWriter", "Result", "result_of"]

SAVE_EVERY = 5.0  # seconds between savings of the lock while a build runs


class Result(NamedTuple):
    """What is known of a step's picture."""

    key: Key
    digest: Digest
    size: str
    bytes: int
    cost: Decimal | None = None
    model: str | None = None
    provider: str | None = None
    checked: str | None = None  # what its check says of it: passed, or unverified
    made_by: str | None = None


def result_of(found: Record | LockEntry, step: PlanStep | None = None) -> Result:
    """What a record, or a line of the lock, says of a result."""
    checked: str | None = None
    made_by = found.extra.get("made_by")
    if isinstance(found, Record):
        size = f"{found.size[0]}x{found.size[1]}"
        checked = found.report["verdict"] if found.report is not None else None
    else:
        size = found.size or (step.size if step else None) or ""
    said = (found.cost, found.model, found.provider, checked, made_by if isinstance(made_by, str) else None)
    return Result(found.key, found.digest, size, found.bytes or 0, *said)


class LockWriter:
    """Gathers entries; `lock` is what was last saved, or what there was before. `names_makers`: entries say who
    had them made."""

    def __init__(
        self, lock: Lock, save: Callable[[Lock], None], clock: Callable[[], float], *, floating: bool = False,
        names_makers: bool = False,
    ) -> None:  # fmt: skip
        self.lock = lock
        self._save = save
        self._clock = clock
        self._floating = floating
        self._names_makers = names_makers
        self._fresh: dict[str, LockEntry] = {}
        self._drawn: dict[Key, str] | None = None
        self._saved_at = clock()
        self._pause = SAVE_EVERY

    def note(self, step: PlanStep, action: Action, result: Result) -> None:
        """A step ended well, with this result."""
        entry = self._entry(step, action.manifest, result)
        if self.lock.entries.get(entry.address) == entry:
            return
        self._fresh[entry.address] = entry
        now = self._clock()
        if now - self._saved_at > self._pause:
            with suppress(ImagebuildError):  # no fault of this step's; if it cannot be written at the end, that is told
                self.write()
            self._saved_at = self._clock()
            self._pause = max(SAVE_EVERY, 20 * (self._saved_at - now))

    def write(self) -> Lock:
        """Save what is new; the lock as it is now."""
        if self._fresh or self.lock.conflicted or self.lock.alternatives:
            entries = {**self.lock.entries, **self._fresh}
            lock = self.lock._replace(entries=entries, alternatives={}, conflicted=False)
            self._save(lock)
            self.lock = lock
            self._fresh = {}
        return self.lock

    def _tools(self, key: Key, manifest: Mapping[str, object]) -> str | None:
        """What drew a key's result: as the lock says, for one that was drawn before; else the libraries of today."""
        if self._drawn is None:
            self._drawn = {entry.key: entry.tools for entry in self.lock.entries.values() if entry.tools}
        return self._drawn.get(key) or tools_text(manifest)

    def _entry(self, step: PlanStep, manifest: Mapping[str, object], result: Result) -> LockEntry:
        old = self.lock.entries.get(step.address)
        same = old is not None and old.key == result.key
        paid = step.paid
        return LockEntry(
            address=step.address,
            key=result.key,
            digest=result.digest,
            output=step.output,
            size=result.size,
            bytes=result.bytes,
            model=result.model if paid else None,
            provider=result.provider if paid else None,
            cost=result.cost if paid else None,
            tools=None if paid else self._tools(result.key, manifest),
            floating=self._floating and paid,
            extra={**(old.extra if old is not None and same else {}), **self._remarks(result, old)},
        )

    def _remarks(self, result: Result, old: LockEntry | None) -> dict[str, str]:
        """What its check says, and who had it made: where the campaign asks for that, for whoever made a picture may
        not approve it. Who only had the same bytes drawn again has not made them."""
        again = old is not None and (old.key, old.digest) == (result.key, result.digest) and "made_by" in old.extra
        made_by = result.made_by if self._names_makers and not again else None
        said = {"checked": result.checked, "made_by": made_by}
        return {name: value for name, value in said.items() if value is not None}
