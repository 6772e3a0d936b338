"""What every protocol of the sandbox shares: numbers, faults, latency, charges, pictures, result files, the key.

A protocol module reads a request into an `Order`, asks the desk for the fault to play, lets it wait, has the picture
made and charged, and writes the reply with `deliver`. The desk knows no protocol, and pictures come from the painter
that is handed in.
"""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from typing import Any, Final, NamedTuple, NoReturn

from aiohttp import web

from imagebuild.sandbox.charges import Charge, Ledger, charge_of
from imagebuild.sandbox.faults import FAULTS, Faults, Latency
from imagebuild.sandbox.order import Order, Painter

__all__ = ["Charge", "Desk", "Order", "Painter", "Published", "cut", "deliver"]

MOST_NOTED: Final = 20_000  # requests kept in the log
MOST_SHOWN: Final = 65_536  # bytes of a body kept with it
_BLOCK: Final = 1 << 18
_EXTENSIONS: Final[Mapping[str, str]] = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


class _Aborted(web.HTTPException):
    """Ends a request whose connection is gone; nothing of it is ever written."""

    status_code = 499


def cut(request: web.Request) -> NoReturn:
    """Abort the connection at once. What was written and has not left is lost."""
    if request.transport is not None:
        request.transport.abort()
    raise _Aborted


class Draw(NamedTuple):
    """What chance has for one order."""

    number: int
    fault: str | None
    seconds: float


class Published(NamedTuple):
    """A result that has an address of its own."""

    file: str
    media_type: str
    expired: bool = False


class Desk:
    """One sandbox's state. Everything of it belongs to one event loop."""

    def __init__(
        self,
        paint: Painter,
        *,
        faults: Faults,
        latency: Latency,
        executor: Executor | None = None,
        key: str = "sandbox-key",
        speed: float = 1.0,
        ledger: str | None = None,
    ) -> None:
        self.faults = faults
        self.latency = latency
        self.key = key
        self.speed = speed
        self.ledger = Ledger(ledger)
        self.requests: deque[dict[str, Any]] = deque(maxlen=MOST_NOTED)
        self.published: dict[str, Published] = {}
        self.played: Counter[str] = Counter()  # faults, by name
        self.plays: deque[dict[str, Any]] = deque(maxlen=MOST_NOTED)  # each of them
        self._noted: dict[int, dict[str, Any]] = {}  # requests that are not over
        self._paint = paint
        self._executor = executor
        self._draws: dict[int, Draw] = {}
        self._asked = 0  # faults asked for without an order
        self._number = 0
        self._folder: str | None = None

    # ------------------------------------------------------------------------------------------ numbers and requests

    def number(self, prefix: str) -> str:
        """A fresh id, such as `req_0000001c`: it begins with the prefix."""
        self._number += 1
        return f"{prefix}{self._number:08x}"

    def noted(self, provider: str, request: web.Request, body: bytes) -> None:
        """Put a request into the log, without the key it carried."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = headers.pop("authorization", None)
        text = body[:MOST_SHOWN].decode("utf-8", "replace").replace(self.key, "…")
        note = self._noted[id(request)] = {
            "at": time.time(), "provider": provider, "method": request.method, "path": request.path,
            "query": dict(request.query), "headers": headers, "authorization": _said(sent, self.key),
            "length": len(body), "digest": hashlib.sha256(body).hexdigest(), "body": text,
            "answered": None, "answered_at": None,
        }  # fmt: skip
        self.requests.append(note)

    def answered(self, request: web.Request, status: int | None) -> None:
        """A request is over: its whole reply has left, or (None) it has not."""
        note = self._noted.pop(id(request), None)
        if note is not None and status is not None:
            note.update(answered=status, answered_at=time.time())

    def authorized(self, request: web.Request) -> bool:
        """Whether the right key came as a bearer token."""
        sent = request.headers.get("Authorization", "")
        return secrets.compare_digest(sent.encode(), f"Bearer {self.key}".encode())

    # ------------------------------------------------------------------------------------------------ chance and time

    def _draw(self, order: Order) -> Draw:
        found = self._draws.get(order.serial)
        if found is None:
            number = len(self._draws) + 1
            fault, seconds = self.faults.drawn(str(number)), self.latency.seconds(self.faults.seed, str(number))
            found = self._draws[order.serial] = Draw(number, fault, seconds)
        return found

    def fault(self, order: Order | None, provider: str, stage: str) -> str | None:
        """The fault to play at this stage, or None. The script goes first, and counts what it plays; what chance has
        for an order is drawn once, and played at the stage it belongs to."""
        found = self.faults.scripted(stage, provider, order.prompt if order else None)
        if found is None:
            drawn = self._draw(order).fault if order else self._drawn_without_order()
            found = drawn if drawn is not None and FAULTS[drawn].plays(stage, provider) else None
        if found is not None:
            self.note_play(found, provider, stage, order.prompt if order else None)
        return found

    def note_play(self, fault: str, provider: str, stage: str, prompt: str | None) -> None:
        self.played[fault] += 1
        self.plays.append({"at": time.time(), "fault": fault, "provider": provider, "stage": stage, "prompt": prompt})

    def _drawn_without_order(self) -> str | None:
        self._asked += 1
        return self.faults.drawn(f"without-order-{self._asked}")

    async def wait(self, order: Order) -> None:
        """Let the latency drawn for this order pass."""
        await self.pause(self._draw(order).seconds)

    async def pause(self, seconds: float) -> None:
        """Let so much of the service's own time pass."""
        await asyncio.sleep(seconds / self.speed)

    def seconds(self, order: Order) -> float:
        """The latency drawn for this order, in the service's own seconds."""
        return self._draw(order).seconds

    # ----------------------------------------------------------------------------------------------- money and pictures

    def charge(
        self, order: Order, request_id: str, pictures: Iterable[bytes] = (), *, batch: bool = False,
        fault: str | None = None,
    ) -> str:  # fmt: skip
        """Bill an order, once its picture is made and before its reply is written. Gives the charge's id."""
        seconds = round(self._draw(order).seconds, 3)
        charge = charge_of(
            order, self.number("ch_"), time.time(), request_id, batch=batch, fault=fault, seconds=seconds,
            pictures=pictures,
        )  # fmt: skip
        self.ledger.put(charge)
        return charge.id

    def refund(self, charge: str) -> None:
        self.ledger.change(charge, refunded=True)

    def delivered(self, charge: str) -> None:
        self.ledger.change(charge, delivered=True, delivered_at=time.time())

    async def picture(self, order: Order, fault: str | None = None) -> bytes:
        """A picture for the order, painted off the loop. `wrong-size` and `wrong-format` change it."""
        if fault == "wrong-size":
            order = dataclasses.replace(order, size=(order.size[0] - 16, order.size[1]))
        if fault == "wrong-format":
            order = dataclasses.replace(order, format="jpeg" if order.format == "png" else "png")
            if order.format == "jpeg" and order.background == "transparent":
                order = dataclasses.replace(order, background="opaque")
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._paint, order)

    def folder(self) -> str:
        """A folder for what is too much to be kept in memory; gone with the sandbox."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="imagebuild-sandbox-")
        return self._folder

    def publish(self, data: bytes, media_type: str) -> str:
        """Keep a result at an address that cannot be guessed: its path under /files/."""
        name = f"{secrets.token_hex(16)}.{_EXTENSIONS.get(media_type, 'bin')}"
        file = os.path.join(self.folder(), name)
        with open(file, "wb") as out:
            out.write(data)
        self.published[name] = Published(file, media_type)
        return f"/files/{name}"

    def expire(self, name: str) -> None:
        """From now on the address of this result has expired."""
        self.published[name] = self.published[name]._replace(expired=True)

    def reset(self) -> None:
        """Forget charges, requests and what chance has drawn; results keep their addresses."""
        self.ledger.clear()
        self.requests.clear()
        self.played.clear()
        self.plays.clear()
        self._draws.clear()
        self._asked = 0

    def close(self) -> None:
        self.ledger.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _said(sent: str | None, key: str) -> str | None:
    """What the log says of a key: never the key."""
    if sent is None:
        return None
    return "right" if sent == f"Bearer {key}" else "wrong"


async def deliver(
    request: web.Request,
    body: bytes | Mapping[str, Any],
    *,
    desk: Desk,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
    charge: str | None = None,
    fault: str | None = None,
) -> web.StreamResponse:
    """Write a reply. `truncated` and `file-cut` abort it halfway. When it has left whole, its charge is delivered."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = web.StreamResponse(status=status, headers=headers)
    response.content_type = content_type
    response.content_length = len(data)
    await response.prepare(request)
    if request.transport is not None:
        request.transport.set_write_buffer_limits(0)  # a write then ends when the system has all of it
    if fault in ("truncated", "file-cut"):
        await response.write(data[: len(data) // 2])
        await asyncio.sleep(0.05)
        cut(request)
    for start in range(0, len(data), _BLOCK):
        await response.write(memoryview(data)[start : start + _BLOCK])
    await response.write_eof()
    if charge is not None:
        desk.delivered(charge)
    return response
