"""Limits that builds share hold for two builds at once."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path

import pytest

from imagebuild.build.run import Stop
from imagebuild.core.attempt import Payment
from imagebuild.core.key import Key
from imagebuild.errors import BuildError
from imagebuild.stages.limits import shared_limits
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import find_project

CAMPAIGN = """\
imagebuild: 1
campaign: NAME
model: gpt-image-2-2026-04-21
provider: openai
budget: {LIMIT: 1 USD}
assets:
  poster: {prompt: A kettle., output: poster.png}
"""


def planned_in(folder: Path, limit: str, store: Path, name: str = "kettles") -> Planned:
    folder.mkdir(exist_ok=True)
    (folder / ".imagebuild").mkdir(exist_ok=True)
    (folder / "campaign.yaml").write_text(CAMPAIGN.replace("LIMIT", limit).replace("NAME", name), encoding="utf-8")
    return plan_campaign(find_project(None, {"IMAGEBUILD_STORE": str(store)}, str(folder)))


def pay(planned: Planned, number: int, campaign: str, amount: str) -> None:
    at = planned.facts.month + "-03T10:00:00Z"
    payment = Payment(
        id=f"a{number}", key=Key(f"{number:064}"), state="paid", at=at, provider="openai", model="m", campaign=campaign,
        address="x", estimate=Decimal(amount), billed=Decimal(amount),
    )  # fmt: skip
    planned.journal.pay(payment)


@pytest.mark.parametrize(
    ("limit", "name", "counted"), [("month", "teapots", "spent_month"), ("campaign", "kettles", "spent")]
)
def test_the_second_build_waits_and_then_knows_what_the_first_has_spent(tmp_path, limit, name, counted):
    first = planned_in(tmp_path / "one", limit, tmp_path / "store", name)
    second = planned_in(tmp_path / "two", limit, tmp_path / "store")
    seen: list[Decimal] = []
    entered = threading.Event()

    def build() -> None:
        entered.set()
        with shared_limits(second, Stop()) as plan:
            seen.append(getattr(plan, counted))

    with shared_limits(first, Stop()):
        thread = threading.Thread(target=build)
        thread.start()
        entered.wait()
        pay(first, 1, name, "0.75")
        thread.join(0.4)
        assert seen == []
    thread.join()
    assert seen == [Decimal("0.75")]


def test_a_stop_ends_the_waiting(tmp_path):
    first = planned_in(tmp_path / "one", "month", tmp_path / "store")
    second = planned_in(tmp_path / "two", "month", tmp_path / "store")
    stop = Stop()
    stop.request("stopped")
    with shared_limits(first, Stop()), pytest.raises(BuildError, match="another build"), shared_limits(second, stop):
        pytest.fail("two at once")


def test_a_limit_of_the_build_alone_makes_nobody_wait(tmp_path):
    first = planned_in(tmp_path / "one", "build", tmp_path / "store")
    second = planned_in(tmp_path / "two", "build", tmp_path / "store")
    with shared_limits(first, Stop()) as one, shared_limits(second, Stop()) as two:
        assert (one, two) == (first.plan, second.plan)
