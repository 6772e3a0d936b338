"""OpenAI's Files API, as far as pictures and batches need it. Files lie in a folder of the sandbox's own."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from imagebuild.sandbox.desk import Desk, cut
from imagebuild.sandbox.openai_errors import ApiError, bad_value, missing

__all__ = ["MOST_BYTES", "FileRoom", "StoredFile", "page_of"]

MOST_BYTES: Final = 200 * 1024 * 1024
_PURPOSES: Final = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
_BLOCK = 1 << 20


@dataclass(slots=True, kw_only=True)
class StoredFile:
    """A file of a client's, or of a batch. `charges`: whose results are in it."""

    id: str
    path: str
    name: str
    purpose: str
    created: int
    charges: list[str] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.id, "object": "file", "bytes": os.path.getsize(self.path), "created_at": self.created,
            "expires_at": None, "filename": self.name, "purpose": self.purpose, "status": "processed",
            "status_details": None,
        }  # fmt: skip


class FileRoom:
    """All files, by id."""

    def __init__(self, desk: Desk, most_bytes: int = MOST_BYTES) -> None:
        self._desk = desk
        self._files: dict[str, StoredFile] = {}
        self.most_bytes = most_bytes

    def new(self, name: str, purpose: str) -> StoredFile:
        number = self._desk.number("file-")
        stored = StoredFile(
            id=number, path=os.path.join(self._desk.folder(), number), name=name, purpose=purpose,
            created=int(time.time()),
        )  # fmt: skip
        with open(stored.path, "xb"):
            pass
        self._files[number] = stored
        return stored

    def find(self, number: str) -> StoredFile:
        found = self._files.get(number)
        if found is None:
            raise ApiError(404, f"No such File object: {number}", param="id")
        return found

    def all(self) -> list[StoredFile]:
        return list(self._files.values())

    def drop(self, number: str) -> None:
        os.unlink(self.find(number).path)
        del self._files[number]

    def pictures(self) -> Mapping[str, bytes]:
        """What has been uploaded for models to look at."""
        found: dict[str, bytes] = {}
        for stored in self._files.values():
            if stored.purpose in ("vision", "user_data"):
                with open(stored.path, "rb") as file:
                    found[stored.id] = file.read()
        return found

    async def receive(self, request: web.Request) -> StoredFile:
        """An upload. It goes to disk as it comes in; what is too large is refused when it is."""
        if request.content_type != "multipart/form-data":
            raise ApiError(400, "Invalid Content-Type: expected multipart/form-data.")
        purpose: str | None = None
        stored: StoredFile | None = None
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader):
                raise ApiError(400, "Invalid multipart form: a form within a form.")
            if part.name == "purpose":
                purpose = (await part.text()).strip()
            elif part.name == "file":
                stored = self.new(part.filename or "upload.jsonl", "batch")
                await self._write(part, stored)
            else:
                await part.read()
        if stored is None:
            raise missing("file")
        if purpose not in _PURPOSES:
            self.drop(stored.id)
            if purpose is None:
                raise missing("purpose")
            *others, last = (f"'{each}'" for each in _PURPOSES)
            raise bad_value(
                "purpose", f"Invalid value: '{purpose}'. Supported values are: {', '.join(others)}, and {last}."
            )
        stored.purpose = purpose
        return stored

    async def _write(self, part: BodyPartReader, stored: StoredFile) -> None:
        length = 0
        with open(stored.path, "wb") as file:
            while block := await part.read_chunk(_BLOCK):
                length += len(block)
                if length <= self.most_bytes:  # the rest is read all the same: the client is still writing
                    file.write(block)
        if length > self.most_bytes:
            self.drop(stored.id)
            raise ApiError(400, "File is too large.")

    async def send(self, request: web.Request, stored: StoredFile, headers: Mapping[str, str]) -> web.StreamResponse:
        """A file's content. When the last of it has left, the charges of its results are delivered."""
        fault = self._desk.fault(None, "openai", "file")
        if fault == "file-error":
            raise ApiError(
                500, "The server had an error while processing your request. Sorry about that!", "server_error"
            )
        if fault == "url-expired":
            raise ApiError(404, f"No such File object: {stored.id}", param="id")
        length = os.path.getsize(stored.path)
        end = length // 2 if fault == "file-cut" else length
        response = web.StreamResponse(headers=headers)
        response.content_type = "application/octet-stream"
        response.content_length = length
        await response.prepare(request)
        if request.transport is not None:
            request.transport.set_write_buffer_limits(0)
        with open(stored.path, "rb") as file:
            while end > 0 and (block := file.read(min(_BLOCK, end))):
                end -= len(block)
                await response.write(block)
        if fault == "file-cut":
            cut(request)
        await response.write_eof()
        for charge in stored.charges:
            self._desk.delivered(charge)
        return response


def page_of(request: web.Request, things: list[dict[str, Any]], *, most: int) -> dict[str, Any]:
    """One page of a list: what comes `after` an id, at most `limit`."""
    try:
        limit = int(request.query.get("limit", "20"))
    except ValueError:
        limit = 0
    if not 1 <= limit <= most:
        raise bad_value("limit", f"Invalid 'limit': expected an integer between 1 and {most}.")
    after = request.query.get("after")
    start = 0
    if after is not None:
        start = next((i + 1 for i, each in enumerate(things) if each["id"] == after), len(things))
    page = things[start : start + limit]
    return {
        "object": "list", "data": page, "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None, "has_more": start + limit < len(things),
    }  # fmt: skip
