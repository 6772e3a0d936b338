"""Plain HTTP calls, written by hand, so that also what no client library would send can be sent."""

from __future__ import annotations

import http.client
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.sandboxes import WAIT

KEY = {"Authorization": "Bearer sandbox-key", "User-Agent": "a test"}


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = self.json["error"]
        return found


def call(
    method: str,
    url: str,
    *,
    data: bytes | Iterable[bytes] | None = None,
    body: object = None,
    headers: Mapping[str, str] = KEY,
) -> Answer:
    """One request on a connection of its own. `body` is sent as JSON."""
    where = urlsplit(url)
    sent = dict(headers)
    if body is not None:
        data = json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=WAIT)
    try:
        connection.request(method, where.path + (f"?{where.query}" if where.query else ""), body=data, headers=sent)
        reply = connection.getresponse()
        return Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


class Part(NamedTuple):
    name: str
    data: bytes
    file_name: str | None = None
    media_type: str | None = None


def form(parts: Sequence[Part]) -> tuple[bytes, dict[str, str]]:
    """A multipart body, and the headers that go with it."""
    boundary = secrets.token_hex(16)
    out = b""
    for part in parts:
        file_name = f'; filename="{part.file_name}"' if part.file_name else ""
        media_type = f"Content-Type: {part.media_type}\r\n" if part.media_type else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"{file_name}\r\n{media_type}\r\n'
        out += head.encode() + part.data + b"\r\n"
    return out + f"--{boundary}--\r\n".encode(), KEY | {"Content-Type": f"multipart/form-data; boundary={boundary}"}
