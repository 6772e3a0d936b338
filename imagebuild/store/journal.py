"""The journal in a store's folder of this machine: `journal/`, `ledger/`, `claims/`.

`journal/<key>.json` is an open attempt, `journal/<key>.reply` its reply once that is whole (`.reply.part` while it
comes in); the folder holds only what is open. Attempts that were sent as one batch stand in one file: `batches`. What
was paid stands in `ledger`, who is paying in `claims`. Nothing is made until the first write. Does not know what a
reply looks like.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, suppress

from imagebuild.core.attempt import Attempt, Payment
from imagebuild.core.key import Key
from imagebuild.errors import StoreError
from imagebuild.flock import locked
from imagebuild.store.batches import Batches
from imagebuild.store.claims import Claims
from imagebuild.store.files import Writer, cannot, listed, read, sync, unlink
from imagebuild.store.journal_text import decode_attempt, encode_attempt
from imagebuild.store.ledger import LedgerFiles

__all__ = ["LocalJournal"]

_DAY = 24 * 3600.0
_REPLY = (".reply", ".reply.part")


class LocalJournal:
    """See `imagebuild.store.base.Journal` for what each method promises.

    Whoever writes or closes a key's attempt has its claim.
    """

    def __init__(self, root: str, *, lock: Callable[[int], bool] = locked) -> None:
        self.root = os.path.abspath(root)
        self._folder = os.path.join(self.root, "journal")
        self._writer = Writer(self.root)
        self._batches = Batches(self._writer, os.path.join(self._folder, "batches"))
        self._ledger = LedgerFiles(self._writer)
        self._claims = Claims(self._writer, lock)
        self._is_swept = False

    def attempt(self, key: Key) -> Attempt | None:
        found = self._read(key) or self._batches.attempt(key)
        return found and _marked(found, has_reply=os.path.exists(self._path(key, ".reply")))

    def attempts(self) -> Iterator[Attempt]:
        names = set(listed(self._folder))
        seen: set[Key] = set()
        for name in names:
            found = self._read(Key(name.removesuffix(".json"))) if name.endswith(".json") else None
            if found is not None:  # else closed since the listing, or moved to a batch
                seen.add(found.key)
                yield _marked(found, has_reply=f"{found.key}.reply" in names)
        for each in self._batches.attempts():
            if each.key not in seen:
                yield _marked(each, has_reply=f"{each.key}.reply" in names)

    def open(self, attempt: Attempt) -> None:
        """Written as `sent`, a request is about to leave: a reply that lies there is an earlier one's, and goes first.
        Else, after a kill, that earlier answer would be read as this request's."""
        self._sweep()
        if attempt.state == "sent":
            # The writing of the entry makes this last as well: it ends with the same folder.
            self._remove((self._path(attempt.key, ending) for ending in _REPLY), durable=False)
        self._writer.write(self._path(attempt.key, ".json"), encode_attempt(attempt), mode=0o644, durable=True)

    def open_many(self, attempts: Iterable[Attempt]) -> None:
        """As `open`, all of them or none, for thousands that are sent in one request."""
        batch = {each.key: each for each in attempts}
        if not batch:
            return
        self._sweep()
        self._remove(self._existing({key for key, each in batch.items() if each.state == "sent"}, _REPLY), durable=True)
        self._batches.write(batch)
        # An entry of its own holds against a batch's: until it is gone, the earlier state is the one that is read, and
        # before this returns that one is as true as the new.
        self._remove(self._existing(batch.keys(), (".json",)), durable=True)

    def close(self, key: Key) -> None:
        self.close_many((key,))

    def close_many(self, keys: Iterable[Key]) -> None:
        """The entry goes first, then the reply. A kill between them leaves a reply without an entry, which nobody
        reads: `open` removes it before the key's next request leaves, the sweep after a day. The other way round it
        would leave a `sent` entry without its reply: an uncertain outcome that is none.

        Of a key that has an entry in a batch and one of its own, the batch's goes first, for it holds less.
        """
        closed = set(keys)
        self._batches.close(closed)
        few = len(closed) < 10
        for endings, durable in (((".json",), True), (_REPLY, False)):
            paths = (self._path(key, ending) for key in closed for ending in endings)
            self._remove(paths if few else self._existing(closed, endings), durable=durable)

    def reply_file(self, key: Key) -> str:
        if not os.path.isdir(self._folder):
            try:
                self._writer.prepare()
                os.makedirs(self._folder, exist_ok=True)
            except OSError as bad:
                raise cannot("write to", self.root, bad) from bad
        return self._path(key, ".reply")

    def pay(self, payment: Payment) -> None:
        self._ledger.add(payment)

    def payments(self, *, since: str = "") -> Iterator[Payment]:
        return self._ledger.payments(since)

    def claim(self, key: Key) -> AbstractContextManager[bool]:
        return self._claims.of(key)

    def is_claimed(self, key: Key) -> bool:
        """Whether somebody is paying for the key now. Makes nothing."""
        return self._claims.has(key)

    def _path(self, key: Key, ending: str) -> str:
        return f"{self._folder}{os.sep}{key}{ending}"

    def _existing(self, keys: Collection[Key], endings: tuple[str, ...]) -> Iterator[str]:
        for name in listed(self._folder):
            key, dot, ending = name.partition(".")
            if dot + ending in endings and Key(key) in keys:
                yield os.path.join(self._folder, name)

    def _read(self, key: Key) -> Attempt | None:
        path = self._path(key, ".json")
        try:
            data = read(path)
        except OSError as bad:
            raise cannot("read", self.root, bad) from bad
        if data is None:
            return None
        try:
            attempt = decode_attempt(data)
            if attempt.key != key:
                raise ValueError("it is another key's")
        except ValueError as bad:
            raise StoreError(
                f"the journal's entry `{path}` is damaged: {bad}",
                hint="it says what was asked of a service, which may have billed it: look at the service's own list of "
                "requests, then remove the file, and build again",
            ) from bad
        return attempt

    def _remove(self, paths: Iterable[str], *, durable: bool) -> None:
        """Those that are there; durable: they stay gone after a power cut."""
        is_changed = False
        try:
            for path in paths:
                with suppress(FileNotFoundError, NotADirectoryError):
                    unlink(path)
                    is_changed = True
            if is_changed and durable:
                sync(self._folder)
        except OSError as bad:
            raise cannot("remove from", self.root, bad) from bad

    def _sweep(self) -> None:
        """Once: replies without an entry, of which nobody can say what they answer, when they are a day old."""
        if self._is_swept:
            return
        self._is_swept = True
        names = set(listed(self._folder))
        for name in names:
            key, dot, _ = name.partition(".reply")
            if dot and f"{key}.json" not in names:
                path = os.path.join(self._folder, name)
                with suppress(OSError):  # another sweeper may be faster
                    is_old = time.time() - os.stat(path).st_mtime > _DAY
                    if is_old and self._batches.attempt(Key(key)) is None:
                        unlink(path)


def _marked(attempt: Attempt, *, has_reply: bool) -> Attempt:
    """In every state but `sent` the reply has been read: the state is what came of it."""
    return attempt._replace(answered=True) if has_reply and attempt.state == "sent" else attempt
