"""How a running build looks: a live view on a terminal, plain lines in a log, JSON lines for a program."""

from __future__ import annotations

import json
import sys
import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from imagebuild.build.report import Event
from imagebuild.cli.terminal import Ink, ink_for, say
from imagebuild.core.offer import dollars
from imagebuild.core.plan import Plan

__all__ = ["JsonLines", "LiveView", "PlainLines", "Quiet", "View"]

WORDS = {
    "made": "made", "restored": "restored", "adopted": "adopted", "reused": "reused", "failed": "FAILED",
    "blocked": "blocked", "left": "left",
}  # fmt: skip


class View(Protocol):
    """Something that shows a build while it runs."""

    def __enter__(self) -> View: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None: ...


class Quiet:
    def __enter__(self) -> Quiet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        """Problems are told at the end."""


class JsonLines(Quiet):
    """One object an event on stdout."""

    def show(self, event: Event) -> None:
        step = event.step
        line: dict[str, object] = {
            "event": event.kind,
            "address": step.address,
            "asset": step.asset,
            "verdict": step.verdict,
        }
        if step.output:
            line["output"] = step.output
        if event.kind not in ("start", "left", "blocked"):
            line["seconds"] = round(event.seconds, 3)
        if event.cost:
            line["cost"] = f"{event.cost:f}"
        if event.problem is not None:
            line["error"] = event.problem.what
            if event.problem.hint:
                line["hint"] = event.problem.hint
        print(json.dumps(line, ensure_ascii=False), flush=True)


class PlainLines(Quiet):
    """A line a result; in a long build, a line now and then."""

    MOST = 200  # beyond so many steps, only every n-th and every failure

    def __init__(self, plan: Plan) -> None:
        self.total = len(plan.work)
        self.every = max(1, self.total // self.MOST)
        self.count = 0
        self.began = time.monotonic()

    def show(self, event: Event) -> None:
        if event.kind == "start":
            return
        self.count += 1
        if self.count % self.every and event.kind != "failed":
            return
        step = event.step
        where = f" {step.output}" if step.output else ""
        cost = f" {dollars(event.cost)}" if event.cost else ""
        say(
            f"[{self.count:>{len(str(self.total))}}/{self.total}] {WORDS.get(event.kind, event.kind)} {step.address}{where}{cost} {event.seconds:.1f}s"
        )


class LiveView(Quiet):
    """A bar with the time left, and what is being made right now."""

    def __init__(self, plan: Plan) -> None:
        self.console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=None), MofNCompleteColumn(), TimeElapsedColumn(),
            TextColumn("left"), TimeRemainingColumn(), console=self.console, expand=True,
        )  # fmt: skip
        self.task = self.progress.add_task("building", total=len(plan.work))
        self.running: dict[str, float] = {}
        self.spent = plan.price * 0
        self.live = Live(self, console=self.console, refresh_per_second=8, transient=True)

    def __rich_console__(self, console: Console, options: object) -> object:
        yield self.progress
        now = time.monotonic()
        for address, began in list(self.running.items())[: max(2, min(8, console.height - 4))]:
            yield Text(f"  {address}  {now - began:.0f}s", style="dim", overflow="ellipsis", no_wrap=True)
        if self.spent:
            yield Text(f"  spent {dollars(self.spent)}", style="bold")

    def __enter__(self) -> LiveView:
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, error, trace)

    def show(self, event: Event) -> None:
        address = event.step.address
        if event.kind == "start":
            self.running[address] = time.monotonic()
            return
        self.running.pop(address, None)
        self.spent += event.cost
        self.progress.advance(self.task)
        if event.kind == "failed" and event.problem is not None:
            self.console.print(Text(f"failed {address}: {event.problem.what}", style="red"))


def view_for(plan: Plan, *, json_lines: bool, quiet: bool) -> View:
    if json_lines:
        return JsonLines()
    if quiet:
        return Quiet()
    return LiveView(plan) if sys.stderr.isatty() else PlainLines(plan)


def ink() -> Ink:
    return ink_for(sys.stdout)
