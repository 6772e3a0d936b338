"""How fast the review is with thousands of pictures, in a real browser over the real server; medians of several runs.

    python tests/bench/review.py [--pictures 5000] [--runs 5] [--folder BUILT] [--trace FILE]

The campaign is built by proof, in a temporary folder or, to be used again, in `--folder`. Two targets are held: the
first pictures within a second of opening the page, and no task of more than 100 ms of processor time while scrolling
through all of them; exits 1 where one is missed. `--trace` keeps Chromium's own trace of the scrolling. Needs Chromium.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import real
from tests.browser.conftest import launched
from tests.browser.measuring import MARKS, first_paint, latency, memory, scrolled, trace_categories, traced

PAINTED, TASK = 1000.0, 100.0
EVERY = "[...review.state.cells.values()].every((cell) => cell.state === '%s')"


def say(what: str, *figures: str) -> None:
    print(f"{what:<34}{'  '.join(figures)}", flush=True)


def median(found: Sequence[float], unit: str = "ms") -> str:
    return f"{statistics.median(found):8.0f} {unit}  ({min(found):.0f} to {max(found):.0f})"


def clocked(do: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    do()
    return (time.perf_counter() - began) * 1000


def fetched(url: str, **headers: str) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=120) as reply:
        return bytes(reply.read())


def start(folder: Path, runs: int) -> None:
    """From the command to the line that says where it listens."""
    found = []
    for _ in range(runs):
        with real.reviewing(folder, "--as", real.ANA) as served:
            found.append(served.seconds * 1000)
    say("plan and start the server", median(found))


def board(served: real.Reviewing, runs: int) -> None:
    url = served.url() + "api/board"
    packed = fetched(url, **{"Accept-Encoding": "gzip"})
    plain = gzip.decompress(packed)
    say("the board", f"{len(plain) / 1e6:8.2f} MB, packed {len(packed) / 1e3:.0f} kB")
    say("  asked for", median([clocked(lambda: fetched(url, **{"Accept-Encoding": "gzip"})) for _ in range(runs)]))


def thumbs(folder: Path, served: real.Reviewing, count: int) -> None:
    """Thumbnails that are not there yet, as many at once as a browser asks for."""
    shutil.rmtree(folder / ".imagebuild" / "thumbs", ignore_errors=True)
    urls = [served.url() + cell["thumb"] for cell in served.ask("api/board")["cells"][:count]]
    with ThreadPoolExecutor(6) as threads:
        for what in ("made", "kept"):
            took = clocked(lambda: list(threads.map(fetched, urls)))
            say(f"thumbnails, {what}", f"{len(urls) / took * 1000:8.0f} a second")


def paint(folder: Path, served: real.Reviewing, browser: Browser, runs: int) -> float:
    cold = []
    for _ in range(runs):
        shutil.rmtree(folder / ".imagebuild" / "thumbs", ignore_errors=True)
        cold.append(first_paint(browser, served.url()))
    warm = [first_paint(browser, served.url()) for _ in range(runs)]
    for words, found in (("no thumbnail is made yet", cold), ("thumbnails are made", warm)):
        say(f"first paint, {words}"[:34], median([each.painted for each in found]))
        say("  the first picture", median([each.first_thumb for each in found]))
        say("  twelve pictures", median([each.thumbs for each in found]))
    return statistics.median(each.thumbs for each in warm)


def opened(browser: Browser, url: str) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(MARKS)
    page = context.new_page()
    page.goto(url)
    page.locator("#grid img.there").first.wait_for()
    return page


def scroll(page: Page, browser: Browser, runs: int, keep: str | None) -> float:
    """Through everything in 300 frames (as somebody who drags the bar down in five seconds), and in 60."""
    worst = 0.0
    for frames in (300, 60):
        found, cpu, clock = [], [], []
        for _ in range(runs):
            browser.start_tracing(page=page, categories=trace_categories)
            found.append(scrolled(page, frames))
            trace = browser.stop_tracing()
            if keep:
                Path(keep).write_bytes(trace)
            tasks = traced(trace)
            cpu.append(tasks["cpu"][0])
            clock.append(tasks["time"][0])
        say(
            f"scroll all of it in {frames} frames",
            f"{found[0].pixels:8.0f} pixels, at most {max(each.nodes for each in found)} elements",
        )
        say(
            "  between two frames",
            median([statistics.median(each.gaps) for each in found]),
            f"at worst {max(max(each.gaps) for each in found):.0f} ms",
        )
        say("  longest task, processor", median(cpu))
        say("  longest task, clock", median(clock))
        say(
            "  long tasks (over 50 ms) a run",
            f"{statistics.median(len(each.long) for each in found):8.0f}",
            f"over 100 ms: {statistics.median(sum(one > TASK for one in each.long) for each in found):.0f}",
        )
        worst = max(worst, statistics.median(cpu))
    return worst


def changes(page: Page, runs: int) -> None:
    placed = "(review.place.write(%s), review.filters.apply())"
    for words, act, undo in (
        ("filter by a locale", "review.filters.toggle('axis.locale', 'de-DE')", "review.filters.clear()"),
        ("search", placed % "{q: 'kettle-07 german'}", "review.filters.clear()"),
        ("sort by cost", placed % "{sort: 'cost'}", placed % "{sort: null}"),
        ("swap rows and columns", "review.arrange.swap()", "review.arrange.swap()"),
    ):  # fmt: skip
        found = []
        for _ in range(runs):
            found.append(latency(page, act))
            latency(page, undo)
        say(words, median(found))
    kept = memory(page)
    say("memory of the page", f"{kept['megabytes']:8.1f} MB of values, {kept['nodes']:.0f} elements")


def wait(page: Page, expression: str) -> None:
    while not page.evaluate(expression):
        page.wait_for_timeout(5)


def news(ana: Page, ben: Page, runs: int) -> None:
    """From the key in one page to the word in the other, by the clock that both share."""
    ben.evaluate(
        "window.__seen = 0; review.on('decisions', (one) => { if (!one.optimistic) window.__seen = Date.now(); }); null"
    )
    found = []
    for turn in range(runs * 2):
        ben.evaluate("window.__seen = 0")
        began = ana.evaluate(
            "at => [Date.now(), review.decide('comment', [review.state.order[at]], {why: 'x', quiet: true}) && 0][0]",
            turn,
        )
        wait(ben, "window.__seen > 0")
        found.append(ben.evaluate("window.__seen") - began)
    say("news from one page to another", median(found))


def all_at_once(folder: Path, ana: Page, ben: Page, kind: str, button: str, state: str) -> None:
    before = len(real.decisions(folder))
    count = ana.evaluate("review.state.order.length")
    began = time.perf_counter()
    ana.evaluate("kind => (review.decide(kind, review.state.order), null)", kind)
    ana.locator("dialog").get_by_role("button", name=button).click()
    wait(
        ana,
        "review.state.saving.waiting === 0 && !review.state.saving.sending && review.state.cells.size > 0 && "
        + EVERY % state,
    )
    mine = time.perf_counter() - began
    wait(ben, EVERY % state)
    theirs = time.perf_counter() - began
    written = len(real.decisions(folder)) - before
    assert written == count, (written, count)
    say(
        f"{kind} {count:,} in one go",
        f"{mine:8.1f} s until they are written and shown, {theirs:.1f} s until they are on the other page",
    )


def measure(folder: Path, options: argparse.Namespace) -> bool:
    start(folder, options.runs)
    with sync_playwright() as playwright, real.reviewing(folder, "--for", real.ANA, "--for", real.BEN) as served:
        browser = launched(playwright)
        board(served, options.runs)
        thumbs(folder, served, min(600, options.pictures))
        painted = paint(folder, served, browser, options.runs)
        ana = opened(browser, served.url())
        worst = scroll(ana, browser, options.runs, options.trace)
        changes(ana, options.runs)
        ben = opened(browser, served.url(real.BEN))
        news(ana, ben, options.runs)
        all_at_once(folder, ana, ben, "approve", "Approve", "approved")
        all_at_once(folder, ana, ben, "withdraw", "Take back", "open")
        browser.close()
    held = painted <= PAINTED and worst <= TASK
    say("targets", "held" if held else f"MISSED: twelve pictures after {painted:.0f} ms, a task of {worst:.0f} ms")
    return held


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=5000, help="a multiple of 40")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="build it here, or take what is built here")
    parser.add_argument("--trace", help="keep the trace of the last scrolling in this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        built = options.folder or Path(temporary) / "many"
        if not (built / "imagebuild.lock").exists():
            real.write_many(built, options.pictures)
            say(f"build {options.pictures:,} pictures", f"{clocked(lambda: real.build(built)) / 1000:8.1f} s")
        folder = Path(temporary) / "copy"
        shutil.copytree(built, folder, ignore=shutil.ignore_patterns("thumbs", "memory", "imagebuild.approvals"))
        say("load of the machine", f"{os.getloadavg()[0]:8.1f}")
        return 0 if measure(folder, options) else 1


if __name__ == "__main__":
    sys.exit(main())
