"""The real review server with a desk in memory that knows a handful of pictures down to the last fact about each.

What the page is told is made up here; decisions are taken in, told to every open page, and stand in the facts from then
on. Nothing is stored; the server listens on loopback alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from PIL import Image, ImageChops

from imagebuild.errors import ImagebuildError
from imagebuild.review.desk import Person, Served
from imagebuild.review.live import Pace
from imagebuild.review.server import running
from tests.browser.kettles import own_of

ME = "ana@northwind.example"

Json = dict[str, Any]
PEOPLE = (Person(ME, "A" * 43),)


@dataclass
class MadeUp:
    """A desk: what the page is told, and what it has said."""

    cells: dict[str, Json] = field(default_factory=dict)
    head: Json = field(default_factory=dict)  # the board without its cells
    assets: dict[str, Json] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    decided: list[Json] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # the addresses that were asked for, in order
    broken: set[str] = field(default_factory=set)  # addresses and digests that cannot be read
    events: list[Json] = field(default_factory=list)
    url: str = ""

    def add(self, data: bytes) -> Json:
        digest = hashlib.sha256(data).hexdigest()
        self.pictures[digest] = data
        with Image.open(io.BytesIO(data)) as picture:
            size, kind = list(picture.size), Image.MIME[picture.format or ""]
        return {
            "digest": digest,
            "url": f"picture/{digest}",
            "thumb": f"thumb/{digest}/640.webp",
            "size": size,
            "bytes": len(data),
            "type": kind,
        }

    def board(self, who: str) -> bytes:
        return json.dumps({**self.head, "cells": list(self.cells.values())}).encode()

    def asset(self, who: str, address: str) -> bytes | None:
        self.asked.append(address)
        if address in self.broken:
            raise ImagebuildError("the store cannot be read", hint="run `imagebuild cache check`")
        return json.dumps(self.told(address)).encode() if address in self.assets else None

    def own(self, who: str) -> bytes:
        return own_of(self, who)

    def decide(self, who: str, asked: list[dict[str, object]]) -> Json:
        known = {each["ref"] for each in self.decided}
        fresh: list[Json] = [
            {"at": "2026-11-21T23:00:00Z", "by": who, **each} for each in asked if each["ref"] not in known
        ]
        self.decided.extend(fresh)
        touched = [address for address in self.assets if any(each["asset"] in self.within(address) for each in fresh)]
        self.tell(fresh, touched)
        return {"accepted": [each["ref"] for each in asked], "refused": []}

    def tell(self, decisions: list[Json], touched: list[str]) -> None:
        for address in touched:
            self.cells[address] |= {name: self.told(address)["standing"][name] for name in ("state", "missing")}
        self.events.append(
            {"kind": "decisions", "decisions": decisions, "cells": [self.cells[address] for address in touched]}
        )

    def within(self, address: str) -> set[str]:
        asset = self.assets[address]
        return {address, *(each["address"] for each in asset["paid"])}

    def told(self, address: str) -> Json:
        """The facts as they stand with what has been decided since."""
        asset: Json = json.loads(json.dumps(self.assets[address]))
        undone = {each.get("undoes") for each in self.decided if each["decision"] == "withdraw"}
        standing = [
            each for each in self.decided if each["asset"] in self.within(address) and each["ref"] not in undone
        ]
        for each in self.decided:
            if each["asset"] in self.within(address):
                row = {
                    "policy": "",
                    "why": "",
                    "entered": None,
                    **each,
                    "yours": each["by"] == ME,
                    "current": True,
                    "undone": each["ref"] in undone,
                }
                asset["decisions"].insert(0, row)
        words = {each["decision"] for each in standing if each["asset"] == address}
        if "reject" in words:
            asset["standing"].update(state="rejected", missing=[])
        elif "approve" in words:
            asset["standing"].update(state="approved", missing=[])
        for paid in asset["paid"]:
            takes = [each for each in standing if each["decision"] == "retake" and each["asset"] == paid["address"]]
            if takes:
                paid["retake"] = {name: takes[-1].get(name, "") for name in ("ref", "by", "at", "why")}
        for variant in asset["variants"]:
            picks = [each["digest"] for each in standing if each["decision"] == "pick"]
            variant["picked"] = variant["digest"] == picks[-1] if picks else variant["picked"]
        return asset

    def thumb(self, digest: str, width: int) -> Served | None:
        data = None if digest in self.broken else self.pictures.get(digest)
        return Served(thumbnail(data, width), "image/webp") if data else None

    def picture(self, digest: str) -> Served | None:
        data = None if digest in self.broken else self.pictures.get(digest)
        return Served(data, "image/png") if data else None

    def compare(self, before: str, after: str) -> bytes | None:
        if not {before, after} <= self.pictures.keys() - self.broken:
            return None
        return json.dumps(compared(self.pictures[before], self.pictures[after])[0]).encode()

    def difference(self, before: str, after: str) -> Served | None:
        if not {before, after} <= self.pictures.keys() - self.broken:
            return None
        return Served(compared(self.pictures[before], self.pictures[after])[1], "image/png")

    def news(self) -> list[dict[str, object]]:
        told, self.events = self.events, []
        return told


@cache
def thumbnail(data: bytes, width: int) -> bytes:
    with Image.open(io.BytesIO(data)) as picture:
        picture.thumbnail((width, width * 4))
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=80)
    return out.getvalue()


@cache
def compared(before: bytes, after: bytes) -> tuple[Json, bytes]:
    with Image.open(io.BytesIO(before)) as one, Image.open(io.BytesIO(after)) as other:
        later = other.convert("RGB")
        same_size = one.size == other.size
        earlier = one.convert("RGB").resize(other.size)
    changed = ImageChops.difference(earlier, later).convert("L").point(lambda value: 255 if value > 2 else 0)
    pixels = changed.histogram()[255]
    marked = Image.blend(later.convert("L").convert("RGB"), Image.new("RGB", later.size, "white"), 0.65)
    marked.paste((225, 0, 120), mask=changed)
    out = io.BytesIO()
    marked.save(out, "PNG")
    of = later.width * later.height
    box = list(changed.getbbox() or []) or None
    return {"changed": pixels / of, "pixels": pixels, "of": of, "same_size": same_size, "box": box}, out.getvalue()


@contextmanager
def serving(desk: MadeUp) -> Iterator[MadeUp]:
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with running(desk, PEOPLE, pace=Pace(news=0.05)) as urls:
            desk.url = urls[ME]
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(20), "the review server did not start"
    try:
        yield desk
    finally:
        over.set()
        thread.join(20)
