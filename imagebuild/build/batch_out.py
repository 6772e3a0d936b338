"""Fetching what came of batches: each is looked at once in a build, and its results are kept one picture at a time.

What the files of a batch that is over do not speak of was not made, if they are whole. Where they are not, nothing of
it is asked for again by itself. Sends nothing that costs.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple, TypeVar

from imagebuild.build.batch_entry import (
    before_of,
    begun,
    has_left,
    is_in,
    key_of_label,
    mark_all,
    ticket_of,
    withdraw,
    without_before,
)
from imagebuild.build.batch_link import BatchLink
from imagebuild.build.books import Books, Flawed, Left, may_be_billed
from imagebuild.build.held import held
from imagebuild.build.terms import Terms
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key
from imagebuild.errors import ImagebuildError
from imagebuild.providers.base import AccountFailure, Lost, NotSent, Refused, ServiceFailure, StillRunning, Unknown
from imagebuild.providers.batches import BatchResult, BatchState, BatchTicket, Doing

__all__ = ["BatchesOut"]

Value = TypeVar("Value")

LISTED_LATE = 600.0  # seconds after which a batch that was begun is in the service's list
# A batch takes a day at most, and a day more is left for its files to show: before that a missing one is only late.
FILES_LATE = 2 * 86_400.0
_KEY = re.compile(r"[0-9a-f]{64}\Z")


class _Seen(NamedTuple):
    """What a look at a batch has come to. `said` does not hold for the keys that were settled all the same."""

    said: ImagebuildError | None
    settled: frozenset[Key]


@dataclass(slots=True)
class _Files:
    """The files of a batch, as far as they were fetched, and what reading them has come to."""

    paths: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # that the service does not have
    later: ImagebuildError | None = None  # why one cannot be had just now
    left: dict[Key, Attempt] = field(default_factory=dict)  # that no line has spoken of
    made: set[str] = field(default_factory=set)
    kept: set[str] = field(default_factory=set)  # for a person to look into
    trouble: str = ""


class BatchesOut:
    """Fetches what came of batches. `age` is that of a date, in seconds."""

    def __init__(self, link: BatchLink, books: Books, terms: Terms, age: Callable[[str], float]) -> None:
        self._link = link
        self._books = books
        self._terms = terms
        self._age = age
        self._turns: dict[str, asyncio.Lock] = {}
        self._seen: dict[str, _Seen] = {}

    async def fetch(self, attempt: Attempt) -> None:
        """See to the batch that an attempt is in, once in a build. When this returns, the attempt is settled; raises
        `Left` while it is not."""
        label = str(attempt.task["label"])
        async with self._turns.setdefault(label, asyncio.Lock()):
            if label not in self._seen:
                said: ImagebuildError | None = None
                settled: set[Key] = set()
                try:
                    await self._fetch(label, settled)
                except ImagebuildError as bad:
                    said = bad
                self._seen[label] = _Seen(said, frozenset(settled))
        seen = self._seen[label]
        if seen.said is not None and attempt.key not in seen.settled:
            raise seen.said

    async def _fetch(self, label: str, settled: set[Key]) -> None:
        async with held(self._books.journal.claim(key_of_label(label)), self._link.disk) as is_mine:
            if not is_mine:
                raise Left("another build is at its batch")
            attempts = {each.key: each for each in await self._link.on_disk(self._of_label, label)}
            ticket = await self._ticket(label, attempts) if attempts else None
            if ticket is not None:
                await self._collect(ticket, attempts, settled)

    def _of_label(self, label: str) -> list[Attempt]:
        return [each for each in self._books.attempts() if each.state == "task" and is_in(each, label)]

    async def _ask(self, flow: Doing[Value], attempts: Mapping[Key, Attempt]) -> Value:
        """Ask the service after a batch. That another account knows nothing of it says nothing."""
        try:
            return await self._link.ask(flow)
        except AccountFailure as bad:
            if self._is_foreign(attempts):
                raise self._elsewhere() from bad
            raise

    def _is_foreign(self, attempts: Mapping[Key, Attempt]) -> bool:
        return any(self._terms.is_foreign(each) for each in attempts.values())

    def _elsewhere(self) -> Left:
        return Left(
            f"its batch was handed in from another account of `{self._link.batching.name}`",
            hint="build with that account's key",
        )

    # ------------------------------------------------------------------------------------------- whether it was begun

    async def _ticket(self, label: str, attempts: Mapping[Key, Attempt]) -> BatchTicket | None:
        """The batch of a label. None: there is none to look at, and its attempts are settled."""
        entries = list(attempts.values())
        known = ticket_of(entries[0], attempts)
        if known is not None:
            return known
        if not has_left(entries[0]):  # what was to begin it never left this machine
            await self._link.on_disk(withdraw, self._books, entries)
            return None
        found = await self._ask(self._link.batching.find(label, keys=list(attempts)), attempts)
        if found is not None:
            await self._link.on_disk(self._books.journal.open_many, [begun(each, found) for each in entries])
            return found
        if self._is_foreign(attempts):
            raise self._elsewhere()
        if self._age(entries[0].at) < LISTED_LATE * self._terms.scale:
            raise Left("whether its batch was begun is not clear yet", hint="build again in a few minutes")
        words = f"whether the batch was begun is not known: `{self._link.batching.name}` does not list it"
        await self._link.on_disk(mark_all, self._books, entries, "uncertain", words)
        return None

    # --------------------------------------------------------------------------------------------------- what it made

    async def _collect(self, ticket: BatchTicket, attempts: dict[Key, Attempt], settled: set[Key]) -> None:
        """What came of a batch, if it is over."""
        state = await self._ask(self._link.batching.poll(ticket), attempts)
        if not state.done:
            made = f"{state.completed} of {state.total} done" if state.total else state.status
            raise Left(f"batch `{ticket.batch}` is not over: {made}", hint="`imagebuild build` looks again")
        if state.failure is not None:
            await self._link.on_disk(withdraw, self._books, attempts.values())
            raise state.failure
        files = await self._files(ticket, state)
        await self._link.on_disk(self._settle_all, files, attempts, ticket, state, settled)

    async def _files(self, ticket: BatchTicket, state: BatchState) -> _Files:
        """Have the files of a batch that is over fetched, each on its own: what one says can do without the other."""
        files = _Files()
        key = key_of_label(ticket.label)
        folder = os.path.dirname(self._books.journal.reply_file(key))
        for name, file in (("results", state.output_file), ("failures", state.error_file)):
            if file is None:
                files.gone += [name] if name == "results" and state.completed else []
                continue
            path = os.path.join(folder, f"{key}.batch.{name}.jsonl")
            try:
                is_there = await self._link.ask(self._link.batching.collect(file, path))
            except (StillRunning, AccountFailure, NotSent) as bad:
                files.later = bad
            else:
                (files.paths if is_there else files.gone).append(path if is_there else name)
        return files

    def _settle_all(
        self, files: _Files, attempts: Mapping[Key, Attempt], ticket: BatchTicket, state: BatchState, settled: set[Key]
    ) -> None:
        try:
            self._read(files, attempts, ticket)
            settled.update(attempts.keys() - files.left.keys())
            self._settle_rest(files, ticket, state)
        finally:
            for path in files.paths:
                if path not in files.kept:
                    with suppress(OSError):
                        os.unlink(path)

    def _read(self, files: _Files, attempts: Mapping[Key, Attempt], ticket: BatchTicket) -> None:
        """Keep what came, one picture at a time. A file that something is wrong with stays."""
        files.left.update(attempts)
        for path in files.paths:
            try:
                for result in self._link.batching.lines(path, form_of=lambda key: _format_of(attempts, key)):
                    key = Key(result.key)
                    if (result.failure is None or isinstance(result.failure, Lost)) and (
                        key in attempts or self._was_ours(key, ticket.label)
                    ):
                        files.made.add(key)
                    if isinstance(result.failure, Lost) or not result.readable:
                        files.kept.add(path)
                    attempt = files.left.pop(key, None)
                    if attempt is not None:
                        self._settle(attempt, result, ticket.batch, path)
            except Unknown as bad:  # lines of which nobody can say whose they are
                files.kept.add(path)
                files.trouble = bad.what

    def _was_ours(self, key: Key, label: str) -> bool:
        """Whether a key that is not open was of this batch: one that an earlier build has settled."""
        if not _KEY.match(key):
            return False
        if self._books.recorded(key) is not None:
            return True
        attempt = self._books.journal.attempt(key)
        return attempt is not None and is_in(attempt, label)

    def _settle_rest(self, files: _Files, ticket: BatchTicket, state: BatchState) -> None:
        """What no line has spoken of: not made, if the files are whole: there, readable to the end, and with as many
        pictures as the service counted."""
        if not files.left:
            return
        name, rest = self._link.batching.name, files.left.values()
        if files.later is not None:
            raise files.later
        if files.gone and min(self._age(each.at) for each in rest) < FILES_LATE * self._terms.scale:
            raise Left(
                f"`{name}` does not have the {files.gone[0]} of batch `{ticket.batch}` in place yet",
                hint="`imagebuild build` looks again",
            )
        if not files.trouble and not files.gone and len(files.made) < state.completed:
            files.kept.update(files.paths)
            where = " and ".join(f"`{path}`" for path in files.paths)
            files.trouble = (
                f"`{name}` made {state.completed} pictures of the batch, and sent {len(files.made)}, in {where}"
            )
        if files.trouble:
            mark_all(self._books, rest, "uncertain", files.trouble, ticket.batch)
        elif "results" in files.gone:  # which of them were made, only the file could tell
            mark_all(self._books, rest, "lost", f"`{name}` no longer has the results of the batch", ticket.batch)
        elif files.gone:
            words = f"`{name}` no longer says what went wrong in the batch"
            mark_all(self._books, rest, "uncertain", words, ticket.batch)
        else:
            withdraw(self._books, rest)

    def _settle(self, attempt: Attempt, result: BatchResult, batch: str, path: str) -> None:
        books, failure, ended = self._books, result.failure, without_before(attempt)
        record = books.recorded(attempt.key)
        if record is not None:  # killed between keeping it and forgetting the attempt
            books.finish(ended, record, batch)
        elif result.picture is not None:
            with suppress(Flawed):  # it is remembered as that
                books.keep(ended, result.picture, 0.0, batch)
        elif isinstance(failure, Refused):
            billed = None if may_be_billed(failure) else Decimal(0)
            books.mark(ended, "refused", _words(failure), failure.request_id, billed)
        elif isinstance(failure, Lost):
            books.mark(ended, "lost", f"{_words(failure)}; what came is in `{path}`", failure.request_id)
        elif isinstance(failure, Unknown):
            where = "" if result.readable else f", in `{path}`"
            books.mark(ended, "uncertain", _words(failure) + where, failure.request_id)
        elif failure is not None:  # sent away before anything was done
            books.withdraw(ended, before_of(attempt))


def _words(failure: ServiceFailure) -> str:
    return failure.words or failure.what


def _format_of(attempts: Mapping[Key, Attempt], key: str) -> str:
    """The format that was asked for under a key; of one that is not ours, something to go by."""
    attempt = attempts.get(Key(key))
    return str(attempt.manifest["format"]) if attempt is not None else "png"
