"""What happens to a batch of OpenAI's once it is accepted: its states, its lines, the files of its results.

A batch goes through its states in the service's own time. Each line is charged when its picture is made. Results are
written in the order in which they happen to be ready, which is not the file's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from imagebuild.sandbox.desk import Desk, Order
from imagebuild.sandbox.embed import embedded
from imagebuild.sandbox.openai import error_of, images_body, made, usage_body
from imagebuild.sandbox.openai_batch_input import Line, Mistake, read_lines
from imagebuild.sandbox.openai_errors import ApiError
from imagebuild.sandbox.openai_files import FileRoom, StoredFile
from imagebuild.sandbox.openai_request import read_generation, read_json_edit

__all__ = ["Batch", "BatchWork"]

_AT_ONCE: Final = 16  # lines in work at the same time
_STAGE_SECONDS: Final = 20.0  # validating, finalizing, cancelling: each
_DAY: Final = 86_400
_OVER: Final = frozenset({"completed", "failed", "expired", "cancelled"})


@dataclass(slots=True, kw_only=True)
class Batch:
    """One batch; `at` holds when it reached which state."""

    id: str
    endpoint: str
    source: str
    metadata: Mapping[str, str] | None
    created: int
    status: str = "validating"
    at: dict[str, int] = field(default_factory=dict)
    errors: list[Mistake] = field(default_factory=list)
    total: int = 0
    completed: int = 0
    failed: int = 0
    output: StoredFile | None = None
    error: StoredFile | None = None
    tokens: list[Mapping[str, Any]] = field(default_factory=list)
    cancel: asyncio.Event = field(default_factory=asyncio.Event)

    def go(self, status: str) -> None:
        self.status = status
        self.at[status] = int(time.time())

    def describe(self) -> dict[str, Any]:
        over = self.status in _OVER
        errors = {"object": "list", "data": [each._asdict() for each in self.errors]} if self.errors else None
        stamps = ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
        return {
            "id": self.id, "object": "batch", "endpoint": self.endpoint, "errors": errors,
            "input_file_id": self.source, "completion_window": "24h", "status": self.status,
            "output_file_id": self.output.id if self.output and over else None,
            "error_file_id": self.error.id if self.error and over else None,
            "created_at": self.created, "expires_at": self.created + _DAY,
            **{f"{each}_at": self.at.get(each) for each in stamps},
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed},
            "metadata": self.metadata, "usage": self._usage() if over else None,
        }  # fmt: skip

    def _usage(self) -> dict[str, Any]:
        def total(name: str) -> int:
            return sum(each[name] for each in self.tokens)

        return {
            "input_tokens": total("input_tokens"), "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": total("output_tokens"), "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": total("total_tokens"),
        }  # fmt: skip


class BatchWork:
    """Does batches, one line at a time or several."""

    def __init__(self, desk: Desk, files: FileRoom) -> None:
        self._desk = desk
        self._files = files

    async def run(self, batch: Batch) -> None:
        """From `validating` to one of the states that are its end."""
        fault = self._desk.fault(None, "openai", "batch")
        await self._pause(batch)
        lines = self._lines(batch)
        if fault == "batch-fail":
            batch.errors.append(
                Mistake(
                    "token_limit_exceeded",
                    "Enqueued token limit reached for gpt-image-2 in organization org-sandbox. Limit: 90,000 enqueued "
                    "tokens. Please try again once some in_progress batches have been completed.",
                )
            )
        if batch.errors:
            batch.go("failed")
            return
        batch.total = len(lines)
        if not batch.cancel.is_set():
            batch.go("in_progress")
        Random(f"{self._desk.faults.seed}:{batch.id}").shuffle(lines)
        todo = lines[: (len(lines) + 1) // 2] if fault == "batch-expire" else lines
        await self._do(batch, todo)
        if fault == "batch-expire" and not batch.cancel.is_set():
            for line in lines[len(todo) :]:
                self._write_expired(batch, line)
            batch.go("expired")
            return
        if not batch.cancel.is_set():
            batch.go("finalizing")
        await self._pause(batch)
        batch.go("cancelled" if batch.cancel.is_set() else "completed")

    def _lines(self, batch: Batch) -> list[Line]:
        try:
            stored = self._files.find(batch.source)
        except ApiError as gone:  # dropped since the batch was accepted
            batch.errors.append(Mistake("file_not_found", gone.message, None, "input_file_id"))
            return []
        return read_lines(stored.path, batch.endpoint, batch.errors)

    async def _pause(self, batch: Batch) -> None:
        """A stage's time; cancelling ends it."""
        stage = asyncio.ensure_future(self._desk.pause(_STAGE_SECONDS))
        stop = asyncio.ensure_future(batch.cancel.wait())
        await asyncio.wait({stage, stop}, return_when=asyncio.FIRST_COMPLETED)
        stage.cancel()
        stop.cancel()

    async def _do(self, batch: Batch, lines: list[Line]) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(line: Line) -> None:
            async with slots:
                if not batch.cancel.is_set():
                    await self._do_line(batch, line)

        await asyncio.gather(*(one(line) for line in lines))

    async def _do_line(self, batch: Batch, line: Line) -> None:
        request_id = self._desk.number("req_")
        try:
            is_edit = batch.endpoint.endswith("/edits")
            asked = read_json_edit(line.body, self._files.pictures()) if is_edit else read_generation(line.body)
            order = asked.order
            fault = self._desk.fault(order, "openai", "line")
            if fault is not None:
                raise error_of("error" if fault == "batch-partial" else fault, order)
            await self._make_line(batch, line, order, request_id)
        except ApiError as error:
            self._write_failed(batch, line, error, request_id)

    async def _make_line(self, batch: Batch, line: Line, order: Order, request_id: str) -> None:
        pictures = await made(self._desk, order, None)
        charge = self._desk.charge(order, request_id, pictures, batch=True)
        batch.completed += 1
        batch.tokens.append(usage_body(order))
        reply = {"status_code": 200, "request_id": request_id, "body": images_body(order)}
        self._append(batch, line, response=reply, pictures=pictures)
        assert batch.output is not None
        batch.output.charges.append(charge)

    def _write_failed(self, batch: Batch, line: Line, error: ApiError, request_id: str) -> None:
        batch.failed += 1
        reply = {"status_code": error.status, "request_id": request_id, "body": error.body(request_id)}
        self._append(batch, line, response=reply)

    def _write_expired(self, batch: Batch, line: Line) -> None:
        batch.failed += 1
        message = "This request could not be executed before the completion window expired."
        self._append(batch, line, error={"code": "batch_expired", "message": message})

    def _append(
        self,
        batch: Batch,
        line: Line,
        *,
        response: object = None,
        error: object = None,
        pictures: Sequence[bytes] = (),
    ) -> None:
        """One line more in the output file, or in the error file where there are no pictures."""
        stored = batch.output if pictures else batch.error
        if stored is None:
            stored = self._files.new(f"{batch.id}_{'output' if pictures else 'error'}.jsonl", "batch_output")
            if pictures:
                batch.output = stored
            else:
                batch.error = stored
        entry = {
            "id": self._desk.number("batch_req_"),
            "custom_id": line.custom_id,
            "response": response,
            "error": error,
        }
        with open(stored.path, "ab") as file:
            file.write(embedded(entry, pictures) + b"\n")
