"""One exchange with a provider: an attempt is driven on, and what must outlive this process is written down on the way.

For a request that is sent now as for one that an earlier build sent. Decides nothing about money.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, TypeVar

from imagebuild.build.books import Books, Left, may_be_billed
from imagebuild.build.drive import Hooks, drive, picture_of
from imagebuild.build.held import held
from imagebuild.build.room import lack_of_room
from imagebuild.build.terms import Money, Terms
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Key
from imagebuild.core.sizes import parse_size
from imagebuild.errors import BuildError, Problem, StoreError
from imagebuild.providers.base import Glimpse, Lost, NotKnown, Picture, Provider, Refused, Reply, Request, Unknown, Wire
from imagebuild.store.base import DamagedObject, MissingObject

__all__ = ["READ_AT_ONCE", "Exchange", "Going"]

Value = TypeVar("Value")

READ_AT_ONCE = 2  # large replies in memory together
CLAIM_GLANCE = 0.5  # seconds between looks whether another build is done paying


class Going:
    """An attempt as it goes on. `before`: an earlier one of its key, which it replaces. `is_open`: in the journal."""

    def __init__(self, attempt: Attempt, before: Attempt | None = None) -> None:
        self.attempt = attempt
        self.before = before
        self.is_open = False


class Exchange:
    """`disk` is for short waits on files, `reader` for what large replies are read with: few threads, for each keeps
    the memory of one. `at_once`: pictures that are on their way together, at most."""

    def __init__(
        self, provider: Provider, wire: Wire, books: Books, disk: Executor, reader: Executor, *, terms: Terms,
        money: Money, stopped: Callable[[], bool], at_once: int,
    ) -> None:  # fmt: skip
        self.provider = provider
        self.books = books
        self.terms = terms
        self.stopped = stopped
        self._wire = wire
        self._disk = disk
        self._reader = reader
        self._money = money
        self._reading = asyncio.Semaphore(READ_AT_ONCE)
        self._at_once = at_once

    async def check_room(self, manifest: Mapping[str, Any]) -> None:
        """Raises `Left` when what is asked for next might not fit on the disk: then nothing more is sent."""
        size = parse_size(str(manifest["size"]))
        assert size is not None
        lack = await self.on_disk(lack_of_room, self.terms.free_bytes, size, self._at_once)
        self._money.halted = self._money.halted or lack
        self._money.check_halted()

    async def drive(self, going: Going, *, replay: Reply | None, show: Callable[[Glimpse], None]) -> Picture:
        """Drive the flow, from the start, from a reply that is on disk, or from what the flow has noted."""
        taken_up = replay is not None or going.attempt.state == "task"

        async def leaving() -> None:
            if taken_up or going.is_open:
                raise BuildError(f"`{self.provider.name}` wanted to send a paid request a second time")
            going.attempt = going.attempt._replace(at=self.terms.now())
            await self.write(self.books.journal.open, going.attempt)
            going.is_open = True

        async def note(task: Mapping[str, Any]) -> None:
            going.attempt = going.attempt._replace(state="task", task=dict(task))
            await self.write(self.books.journal.open, going.attempt)
            going.is_open = True

        request = await self._request(going.attempt, attach=not taken_up)
        task = going.attempt.task if going.attempt.state == "task" else None
        hooks = Hooks(
            leaving=leaving, note=note, spool=self.books.journal.reply_file(going.attempt.key), replay=replay,
            paid=taken_up, show=show, stopped=self.stopped,
        )  # fmt: skip
        flow = self.provider.flow(request, task)
        try:
            found = await drive(flow, wire=self._wire, executor=self._reader, hooks=hooks, reading=self._reading)
            return picture_of(found, self.provider.name)
        except Refused as bad:
            await self.mark(going.attempt, "refused", bad, None if may_be_billed(bad) else Decimal(0))
            raise
        except NotKnown as bad:
            if self.terms.is_foreign(going.attempt):
                raise self.elsewhere(going.attempt) from bad
            await self.mark(going.attempt, "uncertain", bad)
            raise
        except (Unknown, Lost) as bad:
            await self.mark(going.attempt, "lost" if isinstance(bad, Lost) else "uncertain", bad)
            raise

    async def _request(self, attempt: Attempt, *, attach: bool) -> Request:
        """The request of an attempt; its pictures, if it has any, are read off the event loop."""
        has_pictures = attach and ("references" in attempt.manifest or "mask" in attempt.manifest)
        if not has_pictures:
            return self.books.request(attempt, False)
        return await self.on_disk(self.books.request, attempt, True)

    def elsewhere(self, attempt: Attempt) -> Left:
        """Under way where this build cannot fetch it."""
        if attempt.provider != self.provider.name:
            hint = f"`imagebuild build --provider {attempt.provider}` fetches what comes of it"
            return Left(f"a request for it is under way at `{attempt.provider}`", hint=hint)
        return Left(
            f"a request for it is under way in another account of `{attempt.provider}`",
            hint="build with that account's key: then what comes of it is fetched",
        )

    async def mark(
        self, attempt: Attempt, state: str, bad: Refused | Unknown | Lost, billed: Decimal | None = None
    ) -> None:
        """How it ended without a picture."""
        await self.write(self.books.mark, attempt, state, bad.words or bad.what, bad.request_id, billed)

    async def recall(self, key: Key) -> Reply | None:
        """The reply of a key's attempt, as far as it came."""
        return await self.on_disk(self._wire.recall, self.books.journal.reply_file(key))

    async def on_disk(self, call: Callable[..., Value], *arguments: object) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._disk, call, *arguments)

    async def write(self, call: Callable[..., Value], *arguments: object) -> Value:
        """As `on_disk`, for what has to be on disk: where nothing can be kept, nothing more is paid for."""
        try:
            return await self.on_disk(call, *arguments)
        except StoreError as bad:
            if not isinstance(bad, DamagedObject | MissingObject) and self._money.halted is None:
                self._money.halted = Problem(f"{bad.what}, so nothing more is paid for", hint=bad.hint)
            raise

    @asynccontextmanager
    async def claimed(self, key: Key, *, wait: bool = True) -> AsyncIterator[None]:
        """Hold the right to pay for a key. Another build that has it is waited for: what it makes is ours too."""
        while True:
            async with held(self.books.journal.claim(key), self._disk) as is_mine:
                if is_mine:
                    yield
                    return
            if not wait or self.stopped():
                raise Left("another build is paying for it", hint="build again when that one is done")
            await asyncio.sleep(CLAIM_GLANCE)
