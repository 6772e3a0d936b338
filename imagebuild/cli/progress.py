"""How a running build looks: a live view on a terminal, plain lines in a log, JSON lines for a program."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import suppress
from types import TracebackType
from typing import Protocol

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from imagebuild.build.report import Event
from imagebuild.cli.terminal import isolated, say
from imagebuild.core.offer import dollars
from imagebuild.core.plan import Plan

__all__ = ["JsonLines", "LiveView", "PlainLines", "Quiet", "View", "view_for"]


DONE = {"local": "drew", "check": "checked"}


class View(Protocol):
    """Something that shows a build while it runs."""

    def __enter__(self) -> View: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, event: Event) -> None: ...

    def stopping(self, text: str) -> None:
        """Called by a signal, in the middle of anything: may not write through a buffer that is being written."""
        ...

    def trace(self, line: str) -> None:
        """A request or a reply, for whoever looks for a fault."""
        ...


class Quiet:
    def __enter__(self) -> Quiet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event) -> None:
        """Problems are told at the end."""

    def stopping(self, text: str) -> None:
        with suppress(OSError):
            os.write(2, f"{text}\n".encode())

    def trace(self, line: str) -> None:
        say(line)


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
        if event.glimpse is not None:
            line["partial"] = {"index": event.glimpse.index, "of": event.glimpse.of, "bytes": len(event.glimpse.data)}
        if event.kind not in ("start", "partial", "left", "blocked"):
            line["seconds"] = round(event.seconds, 3)
        if event.aside is not None:
            line["aside"] = event.aside
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
        if event.kind in ("start", "partial", "left"):  # what is left is counted at the end
            return
        self.count += 1
        if self.count % self.every and event.problem is None:
            return
        step = event.step
        number = f"[{self.count:>{len(str(self.total))}}/{self.total}]"
        if event.problem is not None:
            say(f"{number} {event.kind.upper()} {isolated(step.address)}: {event.problem.what}")
            return
        word = DONE.get(step.kind, event.kind) if event.kind == "made" else event.kind
        where = f" {isolated(step.output)}" if step.output else ""
        cost = f" {dollars(event.cost)}" if event.cost else ""
        took = f" {event.seconds:.1f}s" if event.kind != "blocked" else ""
        say(f"{number} {word} {isolated(step.address)}{where}{cost}{took}")


class LiveView(Quiet):
    """A bar with the time left, and what is being made right now."""

    def __init__(self, plan: Plan) -> None:
        self.console = Console(stderr=True)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None, complete_style="cyan", finished_style="green"), MofNCompleteColumn(),
            TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(), console=self.console, expand=True,
        )  # fmt: skip
        self.task = self.progress.add_task("building", total=len(plan.work))
        self.running: dict[str, float] = {}
        self.partials: dict[str, str] = {}
        self.note = ""
        self.spent = plan.price * 0
        self.live = Live(self, console=self.console, refresh_per_second=8, transient=True)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self.progress
        now = time.monotonic()
        for address, began in list(self.running.items())[: max(2, min(8, console.height - 4))]:
            seen = self.partials.get(address, "")
            yield Text(f"  {address}  {now - began:.0f}s{seen}", style="dim", overflow="ellipsis", no_wrap=True)
        if self.note:
            yield Text(f"  {self.note}", style="yellow", overflow="ellipsis", no_wrap=True)
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
        if event.glimpse is not None:
            self.partials[address] = f"  partial {event.glimpse.index + 1} of {event.glimpse.of}"
            return
        self.running.pop(address, None)
        self.partials.pop(address, None)
        self.spent += event.cost
        if event.kind == "left":
            return
        self.progress.advance(self.task)
        if event.problem is not None:
            self.console.print(Text(f"{event.kind} {address}: {event.problem.what}", style="red"))

    def stopping(self, text: str) -> None:
        self.note = text  # the next frame has it


def view_for(plan: Plan, *, json_lines: bool, quiet: bool) -> View:
    if json_lines:
        return JsonLines()
    if quiet:
        return Quiet()
    alive = sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return LiveView(plan) if alive else PlainLines(plan)
