"""A review server in a thread of its own, asked over real connections; its desk is a stand-in in memory.

Every reply that is read here is held against the headers that every reply must have.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from imagebuild.review.connections import Strangers
from imagebuild.review.desk import Person, Served
from imagebuild.review.live import Pace
from imagebuild.review.server import running

ANA = Person("ana@northwind.example", "A" * 43)
BEN = Person("ben@northwind.example", "B" * 43)
PNG = b"\x89PNG\r\n\x1a\n" + b"kettle" * 20
KETTLE, MUG, DRAWING, MARKUP, NOTHING = ("a" * 64, "b" * 64, "c" * 64, "d" * 64, "e" * 64)
ADDRESS = "hero[product=kettle,locale=de-DE]"
EVERYWHERE = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FOREVER = "private, max-age=31536000, immutable"


class MemoryDesk:
    """Holds a board, a few pictures and the decisions in memory; its news are the decisions."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.cells = [{"address": ADDRESS, "digest": KETTLE}]
        self.pictures = {
            KETTLE: Served(PNG, "image/png"),
            MUG: Served(b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
            DRAWING: Served(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "image/png"),
            MARKUP: Served(b"<!doctype html><script>alert(1)</script>", "image/png"),
        }
        self.decisions: dict[str, tuple[str, dict[str, Any]]] = {}  # ref -> who, what
        self.fresh: list[dict[str, object]] = []
        self.asked: list[str] = []  # of assets
        self.questions = 0  # for news
        self.trouble: Exception | None = None
        self.is_deciding = threading.Event()

    def board(self, who: str) -> bytes:
        if self.trouble:
            raise self.trouble
        return json.dumps({"you": {"name": who}, "cells": self.cells}).encode()

    def asset(self, who: str, address: str) -> bytes | None:
        self.asked.append(address)
        return json.dumps({"address": address, "for": who}).encode() if address == ADDRESS else None

    def own(self, who: str) -> bytes:
        return json.dumps([each for by, each in self.decisions.values() if by == who]).encode()

    def decide(self, who: str, asked: list[dict[str, object]]) -> dict[str, object]:
        accepted: list[object] = []
        refused: list[object] = []
        self.is_deciding.set()
        with self.turn:
            for each in asked:
                ref = each.get("ref")
                if not isinstance(ref, str):
                    refused.append({"ref": ref, "what": "a ref is a text", "hint": ""})
                    continue
                if ref not in self.decisions:
                    self.decisions[ref] = (who, dict(each))
                    self.fresh.append({"kind": "decisions", "decisions": [{"ref": ref, "by": who}]})
                accepted.append(ref)
        return {"accepted": accepted, "refused": refused}

    def thumb(self, digest: str, width: int) -> Served | None:
        return self.pictures.get(digest)

    def picture(self, digest: str) -> Served | None:
        return self.pictures.get(digest)

    def compare(self, before: str, after: str) -> bytes | None:
        return b'{"changed":0.5}' if {before, after} <= self.pictures.keys() else None

    def difference(self, before: str, after: str) -> Served | None:
        return self.pictures.get(after) if before in self.pictures else None

    def news(self) -> list[dict[str, object]]:
        with self.turn:
            self.questions += 1
            if self.trouble:
                raise self.trouble
            found, self.fresh = self.fresh, []
            return found


class Reply(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def checked(reply: Reply) -> Reply:
    """The reply, if it has all the headers that each must have, and says nothing that none may."""
    for name, value in EVERYWHERE.items():
        assert reply.headers.get(name) == value, (name, reply)
    assert reply.headers["Permissions-Policy"]
    assert reply.headers["Server"] == "imagebuild"
    assert reply.headers["Cache-Control"] == "no-store" or (reply.status, reply.headers["Cache-Control"]) == (
        200,
        FOREVER,
    )
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]
    assert "Set-Cookie" not in reply.headers
    if reply.status >= 400:
        for told in (b"Traceback", b"/work", b"/tmp", b".py", ANA.token.encode(), BEN.token.encode()):
            assert told not in reply.body
    return reply


class Running:
    """A server that is running, and the ways to ask it."""

    def __init__(self, urls: Mapping[str, str], stop: Any) -> None:
        self.urls = urls
        self.stop = stop
        self.port = int(urls[ANA.name].split(":")[2].split("/")[0])
        self.host = f"127.0.0.1:{self.port}"
        self.origin = f"http://{self.host}"
        self.base = f"/r/{ANA.token}/"

    def ask(
        self,
        path: str = "",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        whole: bool = False,
    ) -> Reply:
        """One request at ana's address, or at the `whole` path."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path if whole else self.base + path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return checked(Reply(answer.status, answer.headers, answer.read()))  # type: ignore[arg-type]
        finally:
            connection.close()

    def post(self, body: bytes, *, base: str | None = None, **changed: str | None) -> Reply:
        """Decisions as the page sends them, but for the headers that are changed (None: left out)."""
        headers = {
            "Origin": self.origin,
            "Content_Type": "application/json",
            "Sec_Fetch_Site": "same-origin",
            **changed,
        }
        sent = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        return self.ask((base or self.base) + "api/decisions", method="POST", headers=sent, body=body, whole=True)

    def decide(self, *asked: dict[str, object], base: str | None = None) -> Any:
        reply = self.post(json.dumps({"decisions": asked}).encode(), base=base)
        assert reply.status == 200, reply
        return reply.json

    def raw(self, sent: bytes, *, method: str = "GET") -> Reply:
        """The bytes as they are."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as wire:
            with contextlib.suppress(ConnectionError):  # what is refused need not be read to its end
                wire.sendall(sent)
            with http.client.HTTPResponse(wire, method=method) as answer:
                answer.begin()
                return checked(Reply(answer.status, answer.headers, answer.read()))  # type: ignore[arg-type]

    def target(self, target: str) -> Reply:
        """A GET of exactly this target."""
        return self.raw(f"GET {target} HTTP/1.1\r\nHost: {self.host}\r\nConnection: close\r\n\r\n".encode("latin-1"))

    @contextmanager
    def listening(self, *, base: str | None = None, last: str | None = None) -> Iterator[Listening]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Last-Event-ID": last} if last else {}
        connection.request("GET", (base or self.base) + "api/live", headers=headers)
        answer = connection.getresponse()
        checked(Reply(answer.status, answer.headers, b""))  # type: ignore[arg-type]
        listening = Listening(answer)
        try:
            yield listening
        finally:
            answer.close()
            connection.close()


class Event(NamedTuple):
    id: str
    data: Any


class Listening:
    """A page that listens to what happens."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.answer = answer
        self.retry = ""

    def next(self) -> Event:
        """The next event; `EOFError` when the stream has ended."""
        number = ""
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line and self.answer.isclosed():
                raise EOFError
            key, _, value = line.partition(": ")
            if key == "id":
                number = value
            elif key == "retry":
                self.retry = value
            elif key == "data":
                return Event(number, json.loads(value))

    def to_the_end(self) -> None:
        """Until the server has ended it; a timeout fails the test."""
        with contextlib.suppress(EOFError, ConnectionError):
            while True:
                self.next()

    def until(self, kind: str) -> Event:
        while (event := self.next()).data["kind"] != kind:
            pass
        return event


@contextmanager
def serving(
    desk: MemoryDesk,
    page: Path,
    *,
    pace: Pace | None = None,
    allowed: tuple[str, ...] = (),
    strangers: Strangers | None = None,
) -> Iterator[Running]:
    """A server in a thread; `stop` ends it and waits until it has."""
    said: queue.Queue[Any] = queue.Queue()

    async def serve() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        options: dict[str, Any] = {"pace": pace or Pace(news=0.05), "allowed_hosts": allowed, "strangers": strangers}
        async with running(desk, [ANA, BEN], page=page, **options) as urls:
            said.put((urls, lambda: loop.call_soon_threadsafe(over.set)))
            await over.wait()

    def work() -> None:
        try:
            asyncio.run(serve())
        except BaseException as bad:
            said.put(bad)
            raise

    thread = threading.Thread(target=work, name="review server")
    thread.start()
    found = said.get(timeout=20)
    if isinstance(found, BaseException):
        thread.join()
        raise found
    urls, end = found

    def stop() -> None:
        if thread.is_alive():
            end()
        thread.join(timeout=20)
        assert not thread.is_alive(), "the server does not end"

    try:
        yield Running(urls, stop)
    finally:
        stop()
