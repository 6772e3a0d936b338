"""Money and the page: what another take would cost, that this is what is then paid, and pictures that arrive while
somebody looks.

The services are the sandbox's; its own books say what would have been billed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from imagebuild.core.offer import dollars
from tests.browser import real
from tests.browser.acting import addresses, arranged_as_list, focus, looking_at, slot, tick, wrote
from tests.browser.conftest import Pages
from tests.browser.real import ANA, decisions, eventually, locked
from tests.cli.conftest import run_imagebuild
from tests.sandboxes import RunningSandbox, start_sandbox

COUNT = 8
POSTERS = [f"poster[n=n{number:02}]" for number in range(COUNT)]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox(speed=100, latency="80", pictures="proof") as found:
        yield found


@pytest.fixture
def services(sandbox: RunningSandbox) -> dict[str, str]:
    sandbox.reset()
    return sandbox.environment() | {"IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE": "none", "IMAGEBUILD_OPENAI_CONCURRENCY": "2"}


@pytest.fixture
def unbuilt(tmp_path: Path) -> Path:
    real.write_paid(tmp_path / "paid", COUNT)
    return tmp_path / "paid"


def building(folder: Path, services: Mapping[str, str]) -> subprocess.Popen[str]:
    """A build in the background."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEBUILD_")}
    return subprocess.Popen(
        [sys.executable, "-m", "imagebuild", "build", "-q"], cwd=folder, env={**kept, **services}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def planned_price(folder: Path, services: Mapping[str, str]) -> Decimal:
    done = run_imagebuild(folder, "plan", "--json", **services)
    assert done.returncode == 0, done.stderr
    return Decimal(str(json.loads(done.stdout)["price"]))


def is_told(price: Decimal, words: str) -> bool:
    """The amount in words like `next build $0.34`: as the command line shows it, to the letter."""
    return dollars(price) in re.findall(r"\$[0-9.,]*[0-9]", words)


def next_build(page: Page, price: Decimal) -> None:
    eventually(lambda: is_told(price, page.locator("#totals .money").inner_text()), seconds=20)


def test_pictures_come_while_somebody_looks_and_money_is_counted_beside_them(
    unbuilt: Path, services: dict[str, str], sandbox: RunningSandbox, pages: Pages
) -> None:
    with pages.serving(unbuilt, "--as", ANA, **services) as served:
        page = pages(served.url())
        arranged_as_list(page)
        everything = set(addresses(page))
        assert len(everything) == 2 * COUNT + 1
        expect(page.locator(".slot .unbuilt")).to_have_count(len(everything))
        price = planned_price(unbuilt, services)
        next_build(page, price)
        prices = [Decimal(cell["price"] or 0) for cell in served.ask("api/board")["cells"]]
        paid = [each for each in prices if each]
        assert (len(paid), sum(paid)) == (COUNT + 1, price)  # a picture that is shared is paid for once
        told = page.locator(".slot .sums .money").all_inner_texts()
        assert sorted(told) == sorted(f"+{dollars(each)}" for each in paid)
        seen: list[tuple[int, int]] = []  # pictures shown, and what the page says of the build
        process = building(unbuilt, services)
        try:
            while process.poll() is None:
                progress = page.locator("#progress:not([hidden])")
                now = progress.get_attribute("aria-valuenow") if progress.count() else "-1"
                seen.append((page.locator(".slot img.there").count(), int(now or 0)))
                page.wait_for_timeout(100)
            output = process.communicate()[0]
            assert process.returncode == 0, output
        finally:
            process.kill()
            process.wait()
        shown, told_made = [each[0] for each in seen], [each[1] for each in seen]
        assert len({each for each in shown if 0 < each < len(everything)}) >= 3, shown  # they came one by one
        assert max(told_made) >= 3
        expect(page.locator("#progress")).to_be_hidden()
        expect(page.locator(".slot img.there")).to_have_count(len(everything))
        assert set(addresses(page)) == everything
        expect(page.locator("#totals .money")).to_have_text("next build free")
        payments = json.loads(run_imagebuild(unbuilt, "ledger", "--json", **services).stdout)["payments"]
        billed = sum(Decimal(each["billed"]) for each in payments)
        assert billed > 0
        page.locator("#sort").select_option("cost")
        page.wait_for_timeout(200)
        board = {cell["address"]: Decimal(cell["cost"]) for cell in served.ask("api/board")["cells"]}
        assert sum(board.values()) == pytest.approx(billed, rel=Decimal("0.001"))
        costs = [board[address] for address in addresses(page)]
        assert costs == sorted(costs, reverse=True)
        assert addresses(page)[0] == "cover"
        assert len(sandbox.charges()) == COUNT + 1


def test_another_take_is_asked_for_at_its_price_paid_at_that_price_and_seen_when_it_comes(
    unbuilt: Path, services: dict[str, str], sandbox: RunningSandbox, pages: Pages
) -> None:
    done = run_imagebuild(unbuilt, "build", "-q", **services)
    assert done.returncode == 0, done.stderr
    before = locked(unbuilt)
    assert planned_price(unbuilt, services) == 0
    sandbox.reset()
    with pages.serving(unbuilt, "--as", ANA, **services) as served:
        page = pages(served.url())
        focus(page, POSTERS[2])
        page.keyboard.press("t")
        dialog = page.get_by_role("dialog", name="Ask for another take")
        said = dialog.locator(".option .dim").inner_text()
        assert "remakes 2 pictures" in said
        dialog.get_by_label("Reason").fill("The lid is on backwards")
        dialog.get_by_role("button", name="Ask for it").click()
        (asked,) = wrote(unbuilt, 0, (ANA, "retake", POSTERS[2], "The lid is on backwards"))
        assert (asked["digest"], asked["key"]) == (before[POSTERS[2]]["digest"], before[POSTERS[2]]["key"])
        expect(slot(page, POSTERS[2]).locator(".marks")).to_contain_text("take asked for")
        price = planned_price(unbuilt, services)
        assert is_told(price, said), (price, said)
        next_build(page, price)
        page.keyboard.press("Enter")
        view = looking_at(page, POSTERS[2])
        expect(view.locator('.fact[data-fact="paid"]')).to_contain_text(
            "Another take was asked for by ana@northwind.example"
        )
        old = view.locator(".frame img.picture").first.get_attribute("src")
        assert run_imagebuild(unbuilt, "build", "-q", **services).returncode == 0
        expect(view.locator(".frame img.picture").first).not_to_have_attribute("src", str(old))
        new = locked(unbuilt)
        assert new[POSTERS[2]]["digest"] != before[POSTERS[2]]["digest"]
        expect(view.locator(f'.frame img.picture[src*="{new[POSTERS[2]]["digest"]}"]')).to_be_visible()
        assert {name for name in new if new[name]["digest"] != before[name]["digest"]} == {POSTERS[2], "card[n=n02]"}
        assert len(sandbox.charges()) == 1
        made = view.locator('.fact[data-fact="parts"] details').first
        made.locator("summary").click()
        expect(made).to_contain_text("req")
        expect(view.locator('.fact[data-fact="history"]')).to_contain_text("The lid is on backwards")
        view.get_by_role("radio", name="Side by side").check()
        expect(view.locator(".pane")).to_have_count(2)  # the take before is still there to compare with
        assert planned_price(unbuilt, services) == 0


def test_takes_of_several_pictures_add_up_and_can_be_taken_back(
    unbuilt: Path, services: dict[str, str], pages: Pages
) -> None:
    assert run_imagebuild(unbuilt, "build", "-q", **services).returncode == 0
    with pages.serving(unbuilt, "--as", ANA, **services) as served:
        page = pages(served.url())
        for address in (POSTERS[0], "card[n=n00]", POSTERS[5]):  # two of them are one paid picture
            tick(page, address)
        page.locator("#selection").get_by_role("button", name="Another take").click()
        dialog = page.get_by_role("dialog", name="Another take of 2 paid pictures")
        dialog.get_by_role("button", name="Ask for it").click()
        wrote(unbuilt, 0, (ANA, "retake", POSTERS[0]), (ANA, "retake", POSTERS[5]))
        price = planned_price(unbuilt, services)
        assert price > 0
        next_build(page, price)
        expect(slot(page, "card[n=n05]").locator(".marks")).to_contain_text("take asked for")
        page.keyboard.press("z")
        expect(page.locator("#totals .money")).to_have_text("next build free")
        wrote(
            unbuilt,
            0,
            *((ANA, kind, address) for kind in ("retake", "withdraw") for address in (POSTERS[0], POSTERS[5])),
        )
        assert planned_price(unbuilt, services) == 0
        assert len(decisions(unbuilt)) == 4
