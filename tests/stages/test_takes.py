"""What another take costs and reaches: as it is told first, as the plan has it then, and as a report adds it up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.report import beside, report_of
from imagebuild.stages.takes import Effect, Reach, effect_between
from tests.cli.conftest import run_imagebuild
from tests.sandboxes import RunningSandbox, start_sandbox
from tests.stages.reviewing import ANA, BEN, project_of

CAMPAIGN = """\
imagebuild: 1
campaign: takes
model: gpt-image-2-2026-04-21
provider: openai
budget: {build: 1 USD}
defaults: {quality: low, resolution: 1k}
assets:
  scene: {prompt: "A bench.", size: 1024x1024}
  night: {from: scene, prompt: "At night.", output: night.png}
  card: {from: scene, steps: [{fit: {cover: [60, 40]}}], output: card.webp}
  twin: {prompt: "A bench.", size: 1024x1024, output: twin.png}
  other: {prompt: "A pond.", size: 1024x1024, output: other.png}
"""

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox(speed=2000) as running:
        yield running


@pytest.fixture(scope="module")
def built_once(sandbox: RunningSandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("takes") / "campaign"
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "campaign.yaml").write_text(CAMPAIGN, "utf-8")
    done = run_imagebuild(folder, "build", "-q", **around(sandbox))
    assert done.returncode == 0, done.stderr
    return folder


def around(sandbox: RunningSandbox) -> dict[str, str]:
    return sandbox.environment() | {"IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE": "none", "IMAGEBUILD_USER": ANA}


@pytest.fixture
def campaign(built_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_once, tmp_path / "campaign", ignore=shutil.ignore_patterns("memory")))


@pytest.fixture
def run(campaign: Path, sandbox: RunningSandbox) -> Run:
    """What `--json` prints of a verb, or nothing."""

    def run(*words: str) -> Any:
        done = run_imagebuild(campaign, *words, **around(sandbox))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if "--json" in words else done.stdout

    return run


def planned_in(folder: Path) -> Planned:
    return plan_campaign(project_of(folder), whole=True)


def test_the_price_is_what_the_next_build_pays_more_and_the_reach_all_that_it_remakes(
    campaign: Path, run: Run
) -> None:  # fmt: skip
    """An edit of it is paid for anew, and a picture that is the same request gets the other take too."""
    before = planned_in(campaign)
    assert before.plan.price == 0
    told = run("approve", "card", "--another-take", "--json")["next_build"]
    after = planned_in(campaign)
    assert told["pictures"] == ["twin", "night", "card"]
    assert Decimal(told["price"]) == after.plan.price > 0
    prices = {step.address: step.price for step in after.plan.steps if step.price}
    assert prices.keys() == {"scene", "night"}
    assert Reach(before).of("scene") == effect_between(before, after)  # as the page tells it
    assert Reach(before).of("night") == Effect(prices["night"], ("night",))
    assert Reach(before).of("card") == Effect(Decimal(0), ("card",))


def test_of_an_edit_whose_own_picture_is_made_anew_no_take_is_asked_for(campaign: Path, run: Run) -> None:
    run("approve", "card", "--another-take")
    done = run_imagebuild(campaign, "approve", "night", "twin", "--another-take", IMAGEBUILD_USER=BEN)
    assert done.returncode == 1
    assert "refused 1 picture: its request changed\n  night\n" in done.stdout
    assert f"left out 1 picture: another take is asked for already, by {ANA}\n  twin\n" in done.stdout


def test_what_a_take_cost_that_made_place_for_another_is_in_what_was_spent_since(campaign: Path, run: Run) -> None:
    git(campaign, "init", "-q")
    git(campaign, "add", "-A")
    git(campaign, "commit", "-qm", "v1")
    assert spent(campaign) == {}
    prices = []
    for _ in range(2):
        prices.append(Decimal(run("approve", "other", "--another-take", "--json")["next_build"]["price"]))
        run("build", "-q")
    assert spent(campaign) == {"other": sum(prices)}
    assert prices[0] == prices[1] > 0


def spent(campaign: Path) -> dict[str, Decimal]:
    planned = planned_in(campaign)
    report = report_of(planned, read_approvals(planned.project), beside(planned, "HEAD"), pictured=False)
    found = {each.asset: each.spent for each in report.tallies if each.spent}
    assert report.spent_since == sum(found.values())
    return found


def git(folder: Path, *words: str) -> None:
    # A commit of long ago: everything that is paid for in this test came after it.
    moment = {"GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    who = ("-c", "user.name=A", "-c", f"user.email={BEN}", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *who, *words], cwd=folder, env={**os.environ, **moment}, capture_output=True, check=True)
