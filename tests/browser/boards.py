"""Pages of the review in a real browser: opened at a desk in memory, and listened to for errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.kettles import ANA, FakeDesk
from tests.browser.serving import Serving, serving

WIDE = {"viewport": {"width": 1280, "height": 800}}
DARK = {**WIDE, "color_scheme": "dark"}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}


class Pages:
    """Opens pages; what a page logs as an error is kept in `errors`."""

    def __init__(self, browser: Browser, served: Serving) -> None:
        self.browser, self.served, self.errors, self.contexts = browser, served, [], []
        self.server_is_gone = False

    @property
    def desk(self) -> FakeDesk:
        return self.served.desk

    def open(self, who: str = ANA, hash: str = "", **options: Any) -> Page:
        context = self.browser.new_context(reduced_motion="reduce", **(options or WIDE))
        self.contexts.append(context)
        return self.tab(context, who, hash)

    def tab(self, context: Any, who: str = ANA, hash: str = "") -> Page:
        page: Page = context.new_page()
        page.set_default_timeout(15000)
        self.listen(page)
        page.goto(self.served.urls[who] + hash)
        page.wait_for_selector("#totals .all")
        return page

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.errors.append(f"error: {error}"))
        page.on("dialog", lambda shown: (self.errors.append(f"dialog: {shown.message}"), shown.dismiss()))
        page.on("console", lambda said: self._heard(said.type, said.text))

    def _heard(self, kind: str, text: str) -> None:
        if kind == "error" and not (self.server_is_gone and "Failed to load resource" in text):
            self.errors.append(text)


@contextmanager
def pages_of(browser: Browser, desk: FakeDesk) -> Iterator[Pages]:
    with serving(desk) as served:
        pages = Pages(browser, served)
        yield pages
        for context in pages.contexts:
            context.close()
        assert pages.errors == [], pages.errors


def slot(page: Page, address: str) -> Any:
    return page.locator(f'.slot[data-address="{address}"]')


def tick(page: Page, address: str) -> None:
    """Its box, which is there when the pointer is over the picture."""
    slot(page, address).hover()
    slot(page, address).locator(".tick").click()


def state_of(page: Page, address: str) -> str:
    return slot(page, address).locator(".state").inner_text()


def until(page: Page, expression: str, arg: Any = None) -> None:
    """Wait until this is true; the page's policy forbids Playwright to ask again from inside it."""
    for _ in range(300):
        if page.evaluate(expression, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


def hears(page: Page, words: str) -> None:
    until(page, "words => document.getElementById('heard-0').parentElement.textContent.includes(words)", words)


def serious(page: Page) -> list[str]:
    """What axe finds that is serious or critical."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:160]} ({one['nodes'][0]['failureSummary'][:200]})"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
