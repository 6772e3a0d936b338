"""How long the page keeps the browser busy at thousands of pictures, traced: `python -m tests.browser.trace 5000 4`.

Told are the longest tasks of the page's main thread, by the time the processor spent on them (another program on the
same machine does not count) and by the clock. The second number slows the page's processor down so many times.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.browser.conftest import launched
from tests.browser.kettles import ANA, FakeDesk
from tests.browser.serving import serving

SCROLL = """async () => {
  const grid = document.getElementById('grid');
  for (let step = 0; step < 160; step += 1) {
    grid.scrollTop += step < 80 ? 90 : step < 130 ? 900 : -2500;
    await new Promise(requestAnimationFrame);
  }
}"""
PAINTS = "Object.fromEntries(performance.getEntriesByType('paint').map(one => [one.name, Math.round(one.startTime)]))"


def traced(page: Page, session: CDPSession, name: str, work: Callable[[], object]) -> None:
    events: list[dict[str, Any]] = []
    ended: list[object] = []
    session.on("Tracing.dataCollected", lambda told: ended or events.extend(told["value"]))
    session.once("Tracing.tracingComplete", lambda told: ended.append(told))
    wanted = {"includedCategories": ["toplevel", "devtools.timeline"]}
    session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": wanted})
    work()
    session.send("Tracing.end")
    while not ended:
        page.wait_for_timeout(50)
    mains = {
        (one["pid"], one["tid"])
        for one in events
        if one.get("name") == "thread_name" and one["args"].get("name") == "CrRendererMain"
    }
    tasks = sorted(
        (
            (one.get("tdur", 0) / 1000, one.get("dur", 0) / 1000)
            for one in events
            if one.get("name", "").endswith("RunTask") and (one["pid"], one["tid"]) in mains
        ),
        reverse=True,
    )
    longest = ", ".join(f"{spent:.0f} ({clock:.0f})" for spent, clock in tasks[:6])
    print(f"{name}: longest tasks {longest} ms, all {sum(spent for spent, _ in tasks):.0f} ms")


def main(count: int, slower: float) -> None:
    with sync_playwright() as playwright, serving(FakeDesk(count)) as served:
        browser = launched(playwright)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        session = page.context.new_cdp_session(page)

        def start() -> None:
            page.goto(served.urls[ANA])
            page.wait_for_selector(".slot img.there")
            page.wait_for_timeout(400)

        start()  # the first time the server draws the pictures and packs the board
        traced(page, session, "start", start)
        print("paints", page.evaluate(PAINTS), "cells at", page.evaluate("Math.round(review.matrix.firstDrawn)"), "ms")
        session.send("Emulation.setCPUThrottlingRate", {"rate": slower})
        traced(page, session, f"scroll, {slower:g} times slower", lambda: page.evaluate(SCROLL))
        traced(page, session, "search", lambda: (page.fill("#search", "teapot"), page.wait_for_timeout(1500)))
        traced(page, session, "select all", lambda: (page.click("#select-all"), page.wait_for_timeout(800)))
        browser.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000, float(sys.argv[2]) if len(sys.argv) > 2 else 1)
