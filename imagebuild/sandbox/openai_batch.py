"""OpenAI's Batch API: a file of requests, done in the background at half the price, and read back as files.

A batch goes through its states in the service's own time. Each line is charged when its picture is made. Results are
written in the order in which they happen to be ready, which is not the file's.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from aiohttp import web

from imagebuild.sandbox.desk import Desk, Order, deliver
from imagebuild.sandbox.openai import (
    PREFIX,
    check_key,
    error_of,
    guarded,
    images_body,
    made,
    read_json,
    reply_headers,
)  # fmt: skip
from imagebuild.sandbox.openai_batch_input import Line, Mistake, check_batch, read_lines
from imagebuild.sandbox.openai_errors import ApiError
from imagebuild.sandbox.openai_files import FileRoom, StoredFile, page_of
from imagebuild.sandbox.openai_request import read_generation, read_json_edit

__all__ = ["BatchRoom", "routes"]

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


class BatchRoom:
    """All batches, by id, and the work on them."""

    def __init__(self, desk: Desk, files: FileRoom) -> None:
        self._desk = desk
        self._files = files
        self._batches: dict[str, Batch] = {}
        self._work: set[asyncio.Task[None]] = set()

    def find(self, number: str) -> Batch:
        found = self._batches.get(number)
        if found is None:
            raise ApiError(404, f"No batch found with id '{number}'.", param="id")
        return found

    def newest_first(self) -> list[dict[str, Any]]:
        return [each.describe() for each in reversed(self._batches.values())]

    def create(self, asked: Mapping[str, Any]) -> Batch:
        check_batch(asked, self._files)
        batch = Batch(
            id=self._desk.number("batch_"), endpoint=asked["endpoint"], source=asked["input_file_id"],
            metadata=asked.get("metadata"), created=int(time.time()),
        )  # fmt: skip
        self._batches[batch.id] = batch
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return batch

    def stop(self, batch: Batch) -> None:
        """Ask for a batch to be cancelled: what is done by then stays done, and charged."""
        if batch.status not in ("validating", "in_progress", "finalizing"):
            message = f"Cannot cancel a batch with status '{batch.status}'."
            raise ApiError(409, message, param="id")
        batch.go("cancelling")
        batch.cancel.set()

    async def close(self) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    # ------------------------------------------------------------------------------------------------------ the work

    async def _run(self, batch: Batch) -> None:
        fault = self._desk.fault(None, "openai", "batch")
        await self._pause(batch)
        lines = read_lines(self._files.find(batch.source).path, batch.endpoint, batch.errors)
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
            batch.failed += 1
            self._write(batch, line, status=error.status, request_id=request_id, body=error.body(request_id))

    async def _make_line(self, batch: Batch, line: Line, order: Order, request_id: str) -> None:
        pictures = await made(self._desk, order, None)
        charge = self._desk.charge(order, request_id, batch=True)
        batch.completed += 1
        body = images_body(order, pictures)
        batch.tokens.append(body["usage"])
        self._write(batch, line, status=200, request_id=request_id, body=body)
        assert batch.output is not None
        batch.output.charges.append(charge)

    def _write(self, batch: Batch, line: Line, *, status: int, request_id: str, body: Mapping[str, Any]) -> None:
        reply = {"status_code": status, "request_id": request_id, "body": body}
        self._append(batch, line, response=reply, error=None, good=status == 200)

    def _write_expired(self, batch: Batch, line: Line) -> None:
        batch.failed += 1
        message = "This request could not be executed before the completion window expired."
        self._append(batch, line, response=None, error={"code": "batch_expired", "message": message}, good=False)

    def _append(self, batch: Batch, line: Line, *, response: object, error: object, good: bool) -> None:
        stored = batch.output if good else batch.error
        if stored is None:
            stored = self._files.new(f"{batch.id}_{'output' if good else 'error'}.jsonl", "batch_output")
            if good:
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
            file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")


# -------------------------------------------------------------------------------------------------------------- routes


def routes(desk: Desk, files: FileRoom, batches: BatchRoom) -> list[web.RouteDef]:
    async def reply(request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
        return await deliver(request, body, desk=desk, headers=reply_headers(desk.number("req_")))

    async def upload(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        stored = await files.receive(request)
        desk.noted("openai", request, json.dumps(stored.describe()).encode())
        return await reply(request, stored.describe())

    async def list_files(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        return await reply(request, page_of(request, [each.describe() for each in reversed(files.all())], most=10_000))

    async def one_file(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        return await reply(request, files.find(request.match_info["id"]).describe())

    async def drop_file(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        files.drop(request.match_info["id"])
        return await reply(request, {"id": request.match_info["id"], "object": "file", "deleted": True})

    async def content(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        desk.noted("openai", request, b"")
        stored = files.find(request.match_info["id"])
        return await files.send(request, stored, reply_headers(desk.number("req_")))

    async def create(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        desk.noted("openai", request, body)
        check_key(desk, request)
        return await reply(request, batches.create(read_json(body)).describe())

    async def list_batches(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        return await reply(request, page_of(request, batches.newest_first(), most=100))

    async def one_batch(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        desk.noted("openai", request, b"")
        return await reply(request, batches.find(request.match_info["id"]).describe())

    async def cancel(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        batch = batches.find(request.match_info["id"])
        batches.stop(batch)
        return await reply(request, batch.describe())

    return [
        web.post(f"{PREFIX}/files", guarded(desk, upload)),
        web.get(f"{PREFIX}/files", guarded(desk, list_files)),
        web.get(f"{PREFIX}/files/{{id}}", guarded(desk, one_file)),
        web.delete(f"{PREFIX}/files/{{id}}", guarded(desk, drop_file)),
        web.get(f"{PREFIX}/files/{{id}}/content", guarded(desk, content)),
        web.post(f"{PREFIX}/batches", guarded(desk, create)),
        web.get(f"{PREFIX}/batches", guarded(desk, list_batches)),
        web.get(f"{PREFIX}/batches/{{id}}", guarded(desk, one_batch)),
        web.post(f"{PREFIX}/batches/{{id}}/cancel", guarded(desk, cancel)),
    ]
