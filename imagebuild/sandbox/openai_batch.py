"""OpenAI's Batch API: a file of requests, done in the background at half the price, and read back as files."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from imagebuild.sandbox.desk import Desk, deliver
from imagebuild.sandbox.openai import PREFIX, check_key, guarded, read_json, reply_headers
from imagebuild.sandbox.openai_batch_input import check_batch
from imagebuild.sandbox.openai_batch_work import Batch, BatchWork
from imagebuild.sandbox.openai_errors import ApiError
from imagebuild.sandbox.openai_files import FileRoom, page_of

__all__ = ["BatchRoom", "routes"]


class BatchRoom:
    """All batches, by id, and the work on them."""

    def __init__(self, desk: Desk, files: FileRoom) -> None:
        self._desk = desk
        self._files = files
        self._batches: dict[str, Batch] = {}
        self._work = BatchWork(desk, files)
        self._tasks: set[asyncio.Task[None]] = set()

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
        task = asyncio.get_running_loop().create_task(self._work.run(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return batch

    def stop(self, batch: Batch) -> None:
        """Ask for a batch to be cancelled: what is done by then stays done, and charged."""
        if batch.status not in ("validating", "in_progress", "finalizing"):
            message = f"Cannot cancel a batch with status '{batch.status}'."
            raise ApiError(409, message, param="id")
        batch.go("cancelling")
        batch.cancel.set()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


# -------------------------------------------------------------------------------------------------------------- routes


def routes(desk: Desk, files: FileRoom, batches: BatchRoom) -> list[web.RouteDef]:
    return [*_file_routes(desk, files), *_batch_routes(desk, batches)]


async def _reply(desk: Desk, request: web.Request, body: Mapping[str, Any]) -> web.StreamResponse:
    return await deliver(request, body, desk=desk, headers=reply_headers(desk.number("req_")))


def _file_routes(desk: Desk, files: FileRoom) -> list[web.RouteDef]:
    async def upload(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        stored = await files.receive(request)
        desk.noted("openai", request, json.dumps(stored.describe()).encode())
        return await _reply(desk, request, stored.describe())

    async def listed(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        newest_first = [each.describe() for each in reversed(files.all())]
        return await _reply(desk, request, page_of(request, newest_first, most=10_000))

    async def one(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        return await _reply(desk, request, files.find(request.match_info["id"]).describe())

    async def drop(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        files.drop(request.match_info["id"])
        return await _reply(desk, request, {"id": request.match_info["id"], "object": "file", "deleted": True})

    async def content(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        desk.noted("openai", request, b"")
        stored = files.find(request.match_info["id"])
        return await files.send(request, stored, reply_headers(desk.number("req_")))

    return [
        web.post(f"{PREFIX}/files", guarded(desk, upload)),
        web.get(f"{PREFIX}/files", guarded(desk, listed)),
        web.get(f"{PREFIX}/files/{{id}}", guarded(desk, one)),
        web.delete(f"{PREFIX}/files/{{id}}", guarded(desk, drop)),
        web.get(f"{PREFIX}/files/{{id}}/content", guarded(desk, content)),
    ]


def _batch_routes(desk: Desk, batches: BatchRoom) -> list[web.RouteDef]:
    async def create(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        desk.noted("openai", request, body)
        check_key(desk, request)
        return await _reply(desk, request, batches.create(read_json(body)).describe())

    async def listed(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        return await _reply(desk, request, page_of(request, batches.newest_first(), most=100))

    async def one(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        desk.noted("openai", request, b"")
        return await _reply(desk, request, batches.find(request.match_info["id"]).describe())

    async def cancel(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        batch = batches.find(request.match_info["id"])
        batches.stop(batch)
        return await _reply(desk, request, batch.describe())

    return [
        web.post(f"{PREFIX}/batches", guarded(desk, create)),
        web.get(f"{PREFIX}/batches", guarded(desk, listed)),
        web.get(f"{PREFIX}/batches/{{id}}", guarded(desk, one)),
        web.post(f"{PREFIX}/batches/{{id}}/cancel", guarded(desk, cancel)),
    ]
