"""One Chromium for all tests of the page, and pages that tell on themselves.

Every page that a test opens is listened to: an error in the console, a violation of the page's own policy, or a request
to anything but the review's server fails the test that opened it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, Request, sync_playwright

from tests.browser import real

# Chromium's own conversations: none of them, so that what is seen on the wire is the page's.
QUIET = (
    "--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run", "--disable-sync",
    "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--disable-default-apps",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
    "--disable-dev-shm-usage", "--no-proxy-server", "--disable-gpu",
)  # fmt: skip
WATCH = """
window.__faults = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.__faults.push(`policy: ${event.violatedDirective} ${event.blockedURI}`));
window.addEventListener("error", (event) => window.__faults.push(`error: ${event.message}`));
window.addEventListener("unhandledrejection", (event) => window.__faults.push(`rejection: ${event.reason}`));
"""
NETWORK = "Failed to load resource"  # the browser's own words about a server that is gone: only where a test kills it


def launched(playwright: Any) -> Browser:
    """Playwright's own browsers are not installed here: the system's is taken."""
    path = os.environ.get("IMAGEBUILD_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    wanted = os.environ.get("IMAGEBUILD_TEST_BROWSER") == "chromium"
    if path is None:
        message = "no Chromium is installed (`apt-get install chromium`)"
        pytest.fail(message) if wanted else pytest.skip(message)
    browser: Browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
    return browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a module: Playwright runs once at a time in a thread, and a module may want it its own way."""
    with sync_playwright() as playwright:
        found = launched(playwright)
        yield found
        found.close()


class Pages:
    """Opens pages, each as a person of their own would, and knows what went wrong in any of them. A test names what
    serves them before it names these: they are closed first, then."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.contexts: list[BrowserContext] = []
        self.faults: list[str] = []
        self.requests: list[str] = []
        self.hosts: set[str] = set()
        self.server_dies = False  # a test kills it: then requests may fail

    def context(self, **options: Any) -> BrowserContext:
        """`color_scheme="dark"`, `viewport={…}`, `has_touch=True` …"""
        options.setdefault("viewport", {"width": 1280, "height": 1500})
        options.setdefault("reduced_motion", "reduce")
        context = self.browser.new_context(**options)
        context.set_default_timeout(20_000)
        context.add_init_script(WATCH)
        context.on("request", self._asked)
        context.on("page", self._listen)
        self.contexts.append(context)
        return context

    def __call__(self, url: str, *, ready: bool = True, context: BrowserContext | None = None, **options: Any) -> Page:
        """`url`, opened; `ready`: and its pictures are there to be decided on."""
        self.hosts.add(urlsplit(url).netloc)
        page = (context or self.context(**options)).new_page()
        page.goto(url)
        if ready:
            shown(page)
        return page

    def _asked(self, request: Request) -> None:
        self.requests.append(request.url)

    def _listen(self, page: Page) -> None:
        page.on("console", self._told)
        page.on("pageerror", lambda error: self.faults.append(f"thrown: {error}"))

    def _told(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not (self.server_dies and NETWORK in message.text):
            self.faults.append(f"{message.type}: {message.text}")

    def strangers(self) -> list[str]:
        """What was asked of anybody but the servers whose pages were opened."""
        own = {"data", "blob"} | ({"file"} if "" in self.hosts else set())
        return [
            url for url in self.requests if urlsplit(url).scheme not in own and urlsplit(url).netloc not in self.hosts
        ]

    @contextmanager
    def serving(self, folder: Path, *words: str, **environment: str) -> Iterator[real.Reviewing]:
        """A review of this folder, and all pages closed before it ends."""
        with real.reviewing(folder, *words, **environment) as served:
            try:
                yield served
            finally:
                self.close()

    def close(self) -> None:
        for context in self.contexts:
            for page in context.pages:
                with contextlib.suppress(Error):  # it may be gone already
                    self.faults += page.evaluate("window.__faults || []")
            with contextlib.suppress(Error):
                context.close()
        self.contexts = []


def shown(page: Page) -> None:
    """The pictures are there, or it is said that there are none."""
    page.locator("#grid .slot[data-address], #empty:not([hidden]) h2").first.wait_for()


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    found = Pages(browser)
    yield found
    found.close()
    assert found.strangers() == []
    assert found.faults == []


@pytest.fixture(scope="session")
def small_campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small campaign, built once; nothing is written to it."""
    folder = tmp_path_factory.mktemp("review") / "small"
    real.built_small(folder)
    return folder


@pytest.fixture
def campaign(small_campaign: Path, tmp_path: Path) -> Path:
    """A copy of it, to be written to."""
    ignored = shutil.ignore_patterns("memory")
    return Path(
        shutil.copytree(
            small_campaign, tmp_path / "campaign", copy_function=shutil.copy2, ignore=ignored, symlinks=True
        )
    )


@pytest.fixture
def served(campaign: Path) -> Iterator[real.Reviewing]:
    """The copy, served for Ana, compared with `v1`."""
    with real.reviewing(campaign, "--as", real.ANA, "--since", "v1") as found:
        yield found
