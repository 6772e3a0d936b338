"""The program, driven as its command line drives it, with a stand-in for the provider that pays in colours.

Every picture the stand-in gives is of another colour, also for the same request: as with a real model, nothing that is
paid for twice comes out the same.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from imagebuild.build.report import Event, Summary
from imagebuild.build.run import Stop
from imagebuild.cli.build import describe
from imagebuild.core.address import parse_selection
from imagebuild.providers.base import Flow, Limits, Picture, Request, Work
from imagebuild.stages.build import finish, run_build
from imagebuild.stages.glance import nothing_to_do
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project, find_project

__all__ = [
    "Built",
    "Colours",
    "at_a_glance",
    "build",
    "lock_of",
    "outputs_of",
    "plan",
    "plan_without_memory",
    "project_of",
    "seen",
    "sha",
]

COST = Decimal("0.05")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Colours:
    """The stand-in: flat pictures, no two of one colour. `asked`: (label, what reached the model, answer's sha256)."""

    name = "openai"
    limits = Limits(concurrency=4)

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...], str]] = []
        self._rows: dict[tuple[int, int], bytes] = {}
        self._number = 0
        self._guard = threading.Lock()

    def skip(self, count: int) -> None:
        """Go on with other colours, as another person's requests would get."""
        self._number += count

    def flow(self, request: Request, task: object = None) -> Flow:
        data = yield Work(lambda: self._picture(request))
        return Picture(data=data, media_type="image/png", cost=COST)

    def _picture(self, request: Request) -> bytes:
        width, height = request.size
        with self._guard:
            self._number += 1
            number = self._number * 40503 % 2**24  # an odd factor: every number its own colour, neighbours far apart
            if request.size not in self._rows:
                self._rows[request.size] = zlib.compress((b"\0" + bytes((width + 7) // 8)) * height, 9)
            header = struct.pack(">IIBBBBB", width, height, 1, 3, 0, 0, 0)
            palette = bytes((number >> 16, number >> 8 & 255, number & 255, 0, 0, 0))
            parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", self._rows[request.size]), (b"IEND", b""))
            data = b"\x89PNG\r\n\x1a\n" + b"".join(
                struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
                for kind, body in parts
            )
            reached = (request.operation, request.prompt, f"{width}x{height}", request.quality, request.take)
            pictures = tuple(sha(each.data) for each in request.references)
            self.asked.append((request.label, ("paid", reached, pictures), sha(data)))
        return data


@dataclass(slots=True)
class Built:
    """What a build did: address → what the runner said of it, and what was asked of the provider."""

    summary: Summary
    events: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, tuple[Any, ...], str]] = field(default_factory=list)


def project_of(folder: Path) -> Project:
    return find_project(None, {}, str(folder))


def plan(folder: Path, select: tuple[str, ...] = (), provider: str | None = None) -> Planned:
    return plan_campaign(project_of(folder), selection=parse_selection(select, ()), provider=provider)


@contextmanager
def _without(path: Path) -> Iterator[None]:
    """The file is away for the block, and comes back as it was, times and all."""
    away = path.with_name(path.name + ".away")
    there = path.exists()
    if there:
        os.rename(path, away)
    try:
        yield
    finally:
        if there:
            os.rename(away, path)


def plan_without_memory(folder: Path, select: tuple[str, ...] = (), provider: str | None = None) -> Planned:
    with _without(Path(project_of(folder).memory)):
        return plan(folder, select, provider)


def build(planned: Planned, provider: Colours) -> Built:
    """Run a plan, and remember what it left."""
    before = len(provider.asked)
    events: dict[str, str] = {}

    def note(event: Event) -> None:
        if event.kind != "start":
            events[event.step.address] = event.kind

    built = run_build(planned, listener=note, stop=Stop(), provider=provider)
    finish(planned, built, describe)
    return Built(built.summary, events, provider.asked[before:])


def at_a_glance(folder: Path, verb: str = "build", environment: Mapping[str, str] | None = None) -> str | None:
    return nothing_to_do([verb, "--file", str(folder)], environment or {})


def seen(planned: Planned) -> dict[str, object]:
    """Everything a plan says, less the pictures that stay as they are."""
    made = planned.plan
    return {
        "work": [(step, planned.explain(step)) for step in made.work],
        "counts": dict(sorted(made.counts().items())),
        "orphans": sorted(entry.address for entry in made.orphans),
        "skipped": sorted(made.skipped),
        "notes": list(made.notes),
        "price": made.price,
        "spent": made.spent,
        "over": made.over_budget,
        "hold": made.hold,
        "in place": made.in_place,
    }


def lock_of(folder: Path) -> dict[str, dict[str, Any]]:
    """The lock's lines by address."""
    path = folder / "imagebuild.lock"
    lines = path.read_text(encoding="utf-8").split("\n")[1:] if path.exists() else []
    return {row["asset"]: row for row in map(json.loads, filter(None, lines))}


def outputs_of(folder: Path) -> dict[str, str]:
    """Every file below the output folder, and its sha256."""
    return {
        str(path.relative_to(folder)): sha(path.read_bytes()) for path in (folder / "out").rglob("*") if path.is_file()
    }
