"""What the command line prints for programs is what `schemas/` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from imagebuild.core.key import Digest
from tests.cli.conftest import Run, say_in
from tests.cli.test_plan import begun

SCHEMAS = Path(__file__).parents[2] / "schemas"


def _validator(name: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture(scope="module")
def plans() -> Draft202012Validator:
    return _validator("plan.schema.json")


@pytest.fixture(scope="module")
def events() -> Draft202012Validator:
    return _validator("events.schema.json")


def _wrong(validator: Draft202012Validator, value: object) -> list[str]:
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(value)]


def test_a_plan_of_everything_fits_its_schema(fresh: Path, imagebuild: Run, plans: Draft202012Validator) -> None:
    plan = json.loads(imagebuild(fresh, "plan", "--json", "--provider", "openai").stdout)
    assert {step["verdict"] for step in plan["steps"]} == {"make"}
    assert _wrong(plans, plan) == []


def test_a_plan_with_every_kind_of_change_fits_its_schema(
    built: Path, imagebuild: Run, plans: Draft202012Validator
) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    (built / "out" / "hero.webp").unlink()
    (built / "out" / "winter.jpg").write_bytes(b"scribbled over")
    campaign = built / "campaign.yaml"
    campaign.write_text(
        campaign.read_text(encoding="utf-8").replace("  badge:", "  sign:").replace("/badge.png", "/sign.png"),
        encoding="utf-8",
    )
    plan = json.loads(imagebuild(built, "plan", "--json").stdout)
    assert {step["verdict"] for step in plan["steps"]} == {"make", "restore", "reuse"}
    assert plan["orphans"]
    assert any(step.get("reason", {}).get("causes") for step in plan["steps"])
    assert _wrong(plans, plan) == []


@pytest.mark.parametrize("state", ["uncertain", "task", "refused", "flawed"])
def test_a_plan_with_open_attempts_fits_its_schema(
    fresh: Path, imagebuild: Run, plans: Draft202012Validator, state: str
) -> None:
    digest = Digest("f" * 64) if state == "flawed" else None
    begun(fresh, imagebuild, "scene", state, digest=digest, task={"id": "t"}, request_id="req_1", words="no")
    words = ("--accept-flawed",) if state == "flawed" else ("--batch",)
    plan = json.loads(imagebuild(fresh, "plan", "--json", "--provider", "openai", *words).stdout)
    assert [step["reason"]["attempt"]["state"] for step in plan["steps"] if step["address"] == "scene"] == [state]
    assert _wrong(plans, plan) == []


def test_a_saved_plan_is_what_json_prints(built: Path, imagebuild: Run) -> None:
    printed = imagebuild(built, "plan", "--json", "--out", "plan.json").stdout
    assert json.loads((built / "plan.json").read_text(encoding="utf-8")) == json.loads(printed)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"price": 0.25}, "price"),
        ({"steps": [{"address": "hero"}]}, "steps/0"),
        ({"colour": "red"}, ""),
    ],
)  # fmt: skip
def test_the_plans_schema_refuses_what_is_no_plan(
    built: Path, imagebuild: Run, plans: Draft202012Validator, change: dict[str, Any], where: str
) -> None:
    plan = {**json.loads(imagebuild(built, "plan", "--json").stdout), **change}
    assert any(line.startswith(f"{where}:") for line in _wrong(plans, plan))


def test_every_event_of_a_build_fits_the_schema(
    first_build: list[dict[str, Any]], events: Draft202012Validator
) -> None:
    assert {event["event"] for event in first_build} == {"start", "made", "reused", "end"}
    assert [_wrong(events, event) for event in first_build if _wrong(events, event)] == []


def test_events_of_restoring_adopting_and_failing_fit_the_schema(
    built: Path, imagebuild: Run, events: Draft202012Validator
) -> None:
    (built / "out" / "hero.webp").unlink()
    poster = next(
        json.loads(line)["digest"]
        for line in (built / "imagebuild.lock").read_text(encoding="utf-8").splitlines()
        if '"poster[locale=de-DE]"' in line
    )
    (built / ".imagebuild" / "store" / "objects" / poster[:2] / poster).unlink()  # adopted from the output folder
    (built / "out" / "ar-EG" / "badge.png").unlink()
    (built / "out" / "ar-EG" / "badge.png").mkdir()  # a folder where a file should go: cannot be delivered
    (built / "out" / "ar-EG" / "badge.png" / "in-the-way").touch()
    done = imagebuild(built, "build", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert {"restored", "adopted", "failed", "end"} <= {event["event"] for event in found}
    assert [_wrong(events, event) for event in found if _wrong(events, event)] == []


def test_the_events_schema_refuses_what_is_no_event(events: Draft202012Validator) -> None:
    assert _wrong(events, {"event": "made", "address": "hero"}) != []
    assert _wrong(events, {"event": "end", "made": 1}) != []
    assert _wrong(events, {"event": "start", "address": "hero", "asset": "hero", "verdict": "make", "cost": "1"}) != []
