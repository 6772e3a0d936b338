"""What a test of the view of one picture does there: opens it, looks, chooses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.asset_serving import MadeUp

STORY = "hero[locale=ar-EG,ratio=story]"
UNBUILT = "hero[locale=fr-FR,ratio=story]"
FORBIDDEN = "hero[locale=de-DE,ratio=story]"
POSTER, BADGE, SEAL, BANNER = (
    "poster[locale=de-DE]",
    "badge[product=kettle]",
    "seal[product=kettle]",
    "banner[locale=en-US]",
)
BROKEN_OUT = "hero[locale=en-GB]"
ALL = (STORY, UNBUILT, FORBIDDEN, POSTER, BADGE, SEAL, BANNER, BROKEN_OUT)
LEA = "lea@northwind.example"


def opened(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page; whatever it complains of (its own mistakes, what the policy of the server forbids) fails the test."""
    context = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(15000)
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: (said.append(f"a dialog of the browser: {dialog.message}"), dialog.dismiss()))
    page.on(
        "console",
        lambda line: said.append(line.text) if line.type == "error" and "Failed to load" not in line.text else None,
    )
    yield page
    context.close()
    assert said == []


def show(page: Page, desk: MadeUp, address: str) -> Locator:
    page.goto(f"{desk.url}#a={quote(address, safe='')}")
    view = page.get_by_role("dialog")
    expect(view.get_by_role("heading", name="In short")).to_be_visible()
    return view


def choose(view: Locator, mode: str) -> None:
    view.get_by_role("radio", name=mode, exact=True).check(force=True)


def fact(view: Locator, title: str) -> Locator:
    return view.get_by_role("region", name=title, exact=True)


def bar(view: Locator) -> Locator:
    return view.get_by_role("group", name="Decide")


def in_picture(view: Locator) -> dict[str, float]:
    """How large the picture is shown, and which point of it (in shares) is in the middle of its pane."""
    frame, pane = (view.locator(name).last.bounding_box() for name in (".frame", ".pane"))
    assert frame
    assert pane
    return {
        "width": round(frame["width"]),
        "x": round((pane["x"] + pane["width"] / 2 - frame["x"]) / frame["width"], 3),
        "y": round((pane["y"] + pane["height"] / 2 - frame["y"]) / frame["height"], 3),
    }


def saved(page: Page) -> None:
    """What was decided here has been answered: until then it is only seen here."""
    page.wait_for_function("() => !review.state.saving.waiting && !review.state.saving.sending")
