"""Many attempts in one file: what is sent as one batch is written down as one, `journal/batches/<number>-<mark>.jsonl`.

Fifty thousand files, each on the disk before the batch may leave, would take a minute. The file is put in place whole
and never changed: its first line says how many attempts follow, a line each. The keys that are no longer open are added
to `….closed` beside it; when all are, both go. Where two files have a key, the later number holds.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress

from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key, short
from imagebuild.errors import StoreError
from imagebuild.store.files import Writer, cannot, listed, read, unlink
from imagebuild.store.journal_text import decode_attempt, encode_attempt

__all__ = ["Batches"]

_CLOSED = ".closed"
_NAME = re.compile(r"(\d{6,})-[0-9a-f]{8}\.jsonl\Z")
_KEY = re.compile(rb'"key":"([0-9a-f]{64})"')  # no text of another field holds this: its quotes are escaped


class Batches:
    """The attempts of all batches that are still open. Holds where each stands in its file, not the attempts."""

    def __init__(self, writer: Writer, folder: str) -> None:
        self._writer = writer
        self._folder = folder
        self._threads = threading.Lock()
        self._known: dict[str, _Batch] = {}

    def write(self, attempts: Mapping[Key, Attempt]) -> None:
        """In place of what earlier batches say of their keys."""
        number = max((_number(batch.name) for batch in self._batches()), default=0) + 1
        name = f"{number:06}-{os.urandom(4).hex()}.jsonl"
        lines = (encode_attempt(each, line=True) for each in attempts.values())
        data = _head(len(attempts)) + b"".join(lines)
        self._writer.write(os.path.join(self._folder, name), data, mode=0o644, durable=True)
        self._close(attempts.keys(), but=name)
        self._sweep()

    def attempt(self, key: Key) -> Attempt | None:
        for batches in self._until_still():
            for batch in reversed(batches):
                if batch.is_open(key) and (found := next(batch.attempts((key,)), None)) is not None:
                    return found
        return None

    def attempts(self) -> Iterator[Attempt]:
        seen: set[Key] = set()
        for batches in self._until_still():
            for batch in reversed(batches):
                wanted = [key for key in batch.open_keys() if key not in seen]
                for found in batch.attempts(wanted):
                    seen.add(found.key)
                    yield found

    def _until_still(self) -> Iterator[list[_Batch]]:
        """The batches; once more when one has come meanwhile. A key that goes from one file into another is open in the
        new one before it is closed in the old: whoever looked only at what was there before would miss it, and a key
        without an attempt may be paid for."""
        before: list[str] | None = None
        while True:
            batches = self._batches()
            names = [batch.name for batch in batches]
            if names == before:
                return
            yield batches
            before = names

    def close(self, keys: Collection[Key]) -> None:
        self._close(keys, but=None)

    def _close(self, keys: Collection[Key], *, but: str | None) -> None:
        for batch in self._batches():
            found = sorted(key for key in keys if batch.is_open(key))
            if found and batch.name != but:
                self._writer.add_line(batch.closed, "".join(f"{key}\n" for key in found).encode())
                with self._threads:
                    if not batch.refresh().count_open():
                        batch.remove()

    def _sweep(self) -> None:
        """What a kill left of a batch that was removed."""
        names = set(listed(self._folder))
        for name in names:
            if name.endswith(_CLOSED) and name.removesuffix(_CLOSED) not in names:
                with suppress(OSError):
                    unlink(os.path.join(self._folder, name))

    def _batches(self) -> list[_Batch]:
        """Earliest first. What was read once is not read again, but for what was closed since."""
        names = sorted((name for name in listed(self._folder) if _NAME.match(name)), key=_number)
        if not names and not self._known:
            return []
        with self._threads:
            self._known = {
                name: self._known.get(name) or _Batch(self._writer.root, self._folder, name) for name in names
            }
            return [each.refresh() for each in self._known.values()]


class _Batch:
    """One file, and which of its keys are closed."""

    def __init__(self, root: str, folder: str, name: str) -> None:
        self.name = name
        self.path = os.path.join(folder, name)
        self.closed = self.path + _CLOSED
        self._root = root
        self._places: dict[Key, tuple[int, int]] | None = None  # of each line: where it begins, and its length
        self._closed: set[Key] = set()
        self._read_to = 0  # of the list of closed keys, which only grows

    def is_open(self, key: Key) -> bool:
        return self._places is not None and key in self._places and key not in self._closed

    def open_keys(self) -> list[Key]:
        return [key for key in self._places or () if key not in self._closed]

    def count_open(self) -> int:
        return len(self._places or ()) - len(self._closed)

    def attempts(self, keys: Iterable[Key]) -> Iterator[Attempt]:
        places = self._places or {}
        try:
            with open(self.path, "rb") as file:
                for key in keys:
                    start, length = places[key]
                    file.seek(start)
                    yield self._decoded(file.read(length), key)
        except FileNotFoundError:  # all of them were closed since
            return
        except OSError as bad:
            raise cannot("read", self._root, bad) from bad

    def refresh(self) -> _Batch:
        try:
            if self._places is None:
                data = read(self.path)
                self._places = {} if data is None else self._found(data)
            with suppress(FileNotFoundError):  # none is closed
                if os.stat(self.closed).st_size > self._read_to:
                    self._read_closed(self._places)
        except OSError as bad:
            raise cannot("read", self._root, bad) from bad
        return self

    def remove(self) -> None:
        """The attempts first: without the list of the closed ones they would all be open again."""
        for path in (self.path, self.closed):
            with suppress(OSError):  # another process may be faster; what stays is closed all the same
                unlink(path)

    def _read_closed(self, places: Mapping[Key, object]) -> None:
        with open(self.closed, "rb") as file:
            file.seek(self._read_to)
            whole, line_break, _half = file.read().rpartition(b"\n")
        self._closed.update(key for line in whole.split(b"\n") if (key := Key(line.decode("latin-1"))) in places)
        self._read_to += len(whole) + len(line_break)

    def _found(self, data: bytes) -> dict[Key, tuple[int, int]]:
        head, *lines = data.splitlines(keepends=True) or [b""]
        found: dict[Key, tuple[int, int]] = {}
        start = len(head)
        for line in lines:
            key = _KEY.search(line)
            if key is not None:
                found[Key(key[1].decode())] = (start, len(line))
            start += len(line)
        if head != _head(len(found)) or len(found) != len(lines):
            raise self._damaged("its first line does not say how many lines follow")
        return found

    def _decoded(self, line: bytes, key: Key) -> Attempt:
        try:
            attempt = decode_attempt(line)
        except ValueError as bad:
            raise self._damaged(f"the line of key `{short(key)}`: {bad}") from bad
        if attempt.key != key:
            raise self._damaged(f"the line of key `{short(key)}` is another key's")
        return attempt

    def _damaged(self, why: str) -> StoreError:
        return StoreError(
            f"the journal's batch `{self.path}` is damaged: {why}",
            hint="it says what was asked of a service in one batch, which may be billed: look at the service's own list"
            " of batches, then remove the file, and build again",
        )


def _head(count: int) -> bytes:
    return json.dumps({"attempts": count}).encode() + b"\n"


def _number(name: str) -> int:
    return int(name.partition("-")[0])
