"""How fast the page is, as the browser itself measures it: paints, tasks, frames, memory.

`cpu` is what a task took of the processor: that says the same however busy the machine is. Everything else is time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

__all__ = [
    "MARKS",
    "Scrolled",
    "Started",
    "busy_loop",
    "first_paint",
    "latency",
    "memory",
    "scrolled",
    "trace_categories",
    "traced",
]

trace_categories = ["disabled-by-default-devtools.timeline"]

# Before the page's own scripts: what the browser says of long tasks, and when thumbnails have come.
MARKS = """
window.__long = [];
new PerformanceObserver((list) => window.__long.push(...list.getEntries().map((each) => each.duration)))
  .observe({type: "longtask", buffered: true});
window.__came = [];
document.addEventListener("load", (event) => {
  if (event.target.tagName === "IMG") window.__came.push(performance.now());
}, true);
"""
_BUSY = """() => {
  const began = performance.now();
  let sum = 0;
  for (let at = 0; at < 3e7; at += 1) sum = (sum * 31 + at) | 0;
  return [performance.now() - began, sum];
}"""
_SCROLL = """
async ({frames, whole}) => {
  const grid = document.getElementById("grid");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const end = Math.min(grid.scrollHeight - grid.clientHeight, whole);
  window.__long.length = 0;
  const gaps = [];
  let nodes = 0, last = performance.now();
  for (let at = 0; at <= frames; at += 1) {
    grid.scrollTop = (end * at) / frames;
    await frame();
    const now = performance.now();
    gaps.push(now - last);
    last = now;
    if (at % 10 === 0) nodes = Math.max(nodes, document.getElementsByTagName("*").length);
  }
  await new Promise((done) => setTimeout(done, 300));
  return {gaps, nodes, end, long: window.__long, seen: document.querySelectorAll("#grid .slot[data-address]").length};
}
"""
_LATENCY = """
async (act) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame();
  const began = performance.now();
  (0, act)();
  await frame();
  await frame();
  return performance.now() - began;
}
"""


@dataclass(frozen=True, slots=True)
class Started:
    """Milliseconds from the navigation on: something was painted; one thumbnail came; several of them were there."""

    painted: float
    first_thumb: float
    thumbs: float


@dataclass(frozen=True, slots=True)
class Scrolled:
    """`gaps`: between frames; `long`: tasks of over 50 ms; both in milliseconds. `nodes`: the most elements at once."""

    gaps: tuple[float, ...]
    long: tuple[float, ...]
    nodes: int
    pixels: float


def busy_loop(page: Page, times: int = 3) -> float:
    """How long this machine takes for the same work each time, in milliseconds: the best of a few."""
    return min(float(page.evaluate(_BUSY)[0]) for _ in range(times))


def first_paint(browser: Browser, url: str, thumbs: int = 12, **options: Any) -> Started:
    """A page in a browser that has seen nothing of it before."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    try:
        context.add_init_script(MARKS)
        page = context.new_page()
        page.goto(url, wait_until="commit")
        while len(came := page.evaluate("window.__came || []")) < thumbs:
            page.wait_for_timeout(20)
        paints = "performance.getEntriesByName('first-contentful-paint').map((each) => each.startTime)"
        while not (painted := page.evaluate(paints)):
            page.wait_for_timeout(20)
        return Started(painted[0], came[0], came[thumbs - 1])
    finally:
        context.close()


def scrolled(page: Page, frames: int, pixels: float = 1e12) -> Scrolled:
    """Scrolled from the top to the end, so much in each frame that it takes `frames` of them."""
    found = page.evaluate(_SCROLL, {"frames": frames, "whole": pixels})
    assert found["seen"] > 0
    return Scrolled(tuple(found["gaps"]), tuple(found["long"]), found["nodes"], found["end"])


def latency(page: Page, act: str) -> float:
    """From doing it until the frame that shows it, in milliseconds. `act`: an expression that does it."""
    return float(page.evaluate(_LATENCY.replace("(0, act)();", f"{act};")))


def memory(page: Page) -> dict[str, float]:
    """After what is not needed has been thrown away: megabytes of script values, elements (also those held apart)."""
    session = page.context.new_cdp_session(page)
    try:
        session.send("HeapProfiler.collectGarbage")
        session.send("Performance.enable")
        found = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    finally:
        session.detach()
    return {"megabytes": found["JSHeapUsedSize"] / 1e6, "nodes": found["Nodes"]}


def traced(trace: bytes) -> dict[str, list[float]]:
    """The tasks of the page's own thread in a trace of Chromium, longest first: their `time` and their `cpu`, in
    milliseconds."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (each["pid"], each["tid"])
        for each in events
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        each
        for each in events
        if each["name"] == "RunTask" and each["ph"] == "X" and (each["pid"], each["tid"]) in main
    ]
    return {
        "time": sorted((each["dur"] / 1000 for each in tasks), reverse=True),
        "cpu": sorted((each.get("tdur", each["dur"]) / 1000 for each in tasks), reverse=True),
    }
