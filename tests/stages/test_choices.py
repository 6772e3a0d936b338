"""What is decided in a review reaches the next plan: further takes, picked variants; and a memory knows of it."""

from __future__ import annotations

import datetime
import io
import json
import os
import secrets
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import imagebuild
from imagebuild.build.make import Making
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Digest, Key, key_of
from imagebuild.errors import ApprovalsError
from imagebuild.providers.base import Picture
from imagebuild.stages.approvals import Asked, decide, read_approvals
from imagebuild.stages.people import makers_of
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.store.local import LocalStore
from tests.cli.conftest import run_imagebuild

TEXT = """\
imagebuild: 1
campaign: chosen
model: gpt-image-2-2026-04-21
defaults: {quality: low, resolution: 1k}
axes: {product: [kettle, mug]}
approvers: {brand: [ana@northwind.example, lea@northwind.example]}
assets:
  scene: {over: [product], prompt: "A {{ product }}.", size: 1024x640}
  hero: {over: [product], from: scene, steps: [fit: {cover: [320, 200]}], output: "{{ product }}.webp"}
  winter: {over: [product], from: scene, prompt: "In snow.", output: "winter/{{ product }}.png"}
  poster: {over: [product], prompt: "A poster of a {{ product }}.", variants: 3, output: "poster/{{ product }}.png"}
"""
ANA = "ana@northwind.example"
POLICY = "approvers: {brand: [ana@northwind.example, lea@northwind.example]}\n"


def build(folder: Path, *words: str, **environment: str) -> str:
    done = run_imagebuild(folder, "build", *words, IMAGEBUILD_USER="ben@northwind.example", **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "campaign.yaml").write_text(TEXT, "utf-8")
    build(tmp_path)
    return tmp_path


def plan_of(folder: Path) -> Planned:
    """The plan, which is the same without its memory."""
    project = find_project(str(folder / "campaign.yaml"), {})
    planned = plan_campaign(project)
    os.environ["IMAGEBUILD_NO_MEMORY"] = "1"
    try:
        whole = plan_campaign(project)
    finally:
        del os.environ["IMAGEBUILD_NO_MEMORY"]
    assert [step for step in whole.plan.steps if step.verdict != "reuse"] == planned.plan.work
    return whole


def lines_of(folder: Path) -> dict[str, dict[str, Any]]:
    lines = (folder / "imagebuild.lock").read_text("utf-8").splitlines()[1:]
    return {line["asset"]: line for line in map(json.loads, lines)}


def say(
    folder: Path, decision: str, asset: str, *, of: str | None = None, why: str = "", undoes: str | None = None
) -> str:
    """Ana decides about the picture that is there now; the decision's ref."""
    line = lines_of(folder)[of or asset]
    ref = secrets.token_hex(16)
    asked = Asked(
        ref=ref, decision=decision, asset=asset, digest=Digest(line["digest"]), why=why,
        key=Key(line["key"]) if decision in ("retake", "pick") else None, undoes=undoes,
    )  # fmt: skip
    planned = plan_of(folder)
    decided = decide(planned, read_approvals(planned.project), ANA, [asked], now=datetime.datetime.now(datetime.UTC))
    assert not decided.refused, decided.refused
    return ref


def work_of(folder: Path) -> dict[str, tuple[str, str]]:
    return {step.address: (step.verdict, step.why) for step in plan_of(folder).plan.work}


# -------------------------------------------------------------------------------------------------- another take


def test_another_take_is_made_by_the_next_build_with_all_that_is_made_from_it_and_once(campaign: Path) -> None:
    before = (campaign / "out" / "kettle.webp").read_bytes()
    say(campaign, "retake", "scene[product=kettle]", why="six fingers")
    assert work_of(campaign) == {
        "scene[product=kettle]": ("make", "another-take"),
        "hero[product=kettle]": ("make", "input-made"),
        "winter[product=kettle]": ("make", "input-made"),
    }
    said = run_imagebuild(campaign, "plan").stdout
    assert "another take was asked for by ana@northwind.example: “six fingers”" in said
    assert "take: nothing → “2”" in said
    assert "made 2" in build(campaign)
    assert (campaign / "out" / "kettle.webp").read_bytes() != before
    assert work_of(campaign) == {}
    assert "Nothing to do" in build(campaign)


def test_a_take_of_an_edit_is_asked_for_by_itself(campaign: Path) -> None:
    say(campaign, "retake", "winter[product=mug]")
    assert work_of(campaign) == {"winter[product=mug]": ("make", "another-take")}
    build(campaign)
    assert work_of(campaign) == {}
    say(campaign, "retake", "winter[product=mug]")
    assert plan_of(campaign).plan.takes == {"winter[product=mug]": 3}


def test_a_wish_taken_back_brings_the_first_take_back_and_asks_nobody(campaign: Path) -> None:
    first = (campaign / "out" / "winter" / "mug.png").read_bytes()
    lines = lines_of(campaign)
    ref = say(campaign, "retake", "winter[product=mug]")
    build(campaign)
    planned = plan_of(campaign)
    back = Asked(
        ref=secrets.token_hex(16), decision="withdraw", asset="winter[product=mug]",
        digest=Digest(lines["winter[product=mug]"]["digest"]), undoes=ref,
    )  # fmt: skip
    decided = decide(planned, read_approvals(planned.project), ANA, [back], now=datetime.datetime.now(datetime.UTC))
    assert not decided.refused
    assert work_of(campaign) == {"winter[product=mug]": ("restore", "made-before")}
    build(campaign)
    assert (campaign / "out" / "winter" / "mug.png").read_bytes() == first


def test_a_changed_prompt_is_not_another_take_and_going_back_to_it_is(campaign: Path) -> None:
    say(campaign, "retake", "winter[product=mug]")
    text = (campaign / "campaign.yaml").read_text("utf-8")
    (campaign / "campaign.yaml").write_text(text.replace("In snow.", "In rain."), "utf-8")
    assert work_of(campaign)["winter[product=mug]"] == ("make", "changed")
    build(campaign)
    (campaign / "campaign.yaml").write_text(text, "utf-8")
    assert plan_of(campaign).plan.takes == {"winter[product=mug]": 2}


def test_approvals_do_not_make_a_plan_look_at_everything_again(campaign: Path) -> None:
    # A memory is its program's: so the one that runs here, not one that is installed beside it.
    here = {"PYTHONPATH": str(Path(imagebuild.__file__).parents[1])}
    assert "Nothing to do" in build(campaign, **here)
    say(campaign, "approve", "hero[product=kettle]")
    project = find_project(str(campaign / "campaign.yaml"), {})
    assert plan_campaign(project).kept, "the memory holds: nothing was chosen"
    assert "Nothing to do" in build(campaign, **here)
    say(campaign, "retake", "winter[product=mug]")
    assert not plan_campaign(project).kept


def test_a_history_that_was_edited_chooses_nothing_silently(campaign: Path) -> None:
    say(campaign, "retake", "winter[product=mug]", why="six fingers")
    path = campaign / "imagebuild.approvals"
    path.write_text(path.read_text("utf-8").replace("six fingers", "five fingers"), "utf-8")
    with pytest.raises(ApprovalsError, match="edited"):
        plan_campaign(find_project(str(campaign / "campaign.yaml"), {}))
    done = run_imagebuild(campaign, "build")
    assert done.returncode == 1
    assert "imagebuild.approvals:2" in done.stderr


def test_a_history_that_was_edited_is_an_error_though_nothing_of_it_chooses(campaign: Path) -> None:
    assert "Nothing to do" in build(campaign)
    say(campaign, "approve", "hero[product=kettle]", why="as it is")
    path = campaign / "imagebuild.approvals"
    path.write_text(path.read_text("utf-8").replace("as it is", "as it was"), "utf-8")
    done = run_imagebuild(campaign, "plan")
    assert done.returncode == 1
    assert "imagebuild.approvals:2" in done.stderr


def test_a_picked_variants_line_that_is_taken_out_is_not_passed_over(campaign: Path) -> None:
    say(campaign, "pick", "poster[product=mug]", of="poster[product=mug]:variant-3")
    say(campaign, "approve", "hero[product=kettle]")
    build(campaign)
    path = campaign / "imagebuild.approvals"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if '"pick"' not in line), "utf-8")
    done = run_imagebuild(campaign, "build")
    assert done.returncode == 1
    assert "is gone" in done.stderr


def test_a_change_that_left_no_trace_on_the_file_is_seen(campaign: Path) -> None:
    say(campaign, "retake", "winter[product=mug]", why="six fingers")
    path = campaign / "imagebuild.approvals"
    build(campaign)
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"six fingers", b"ten fingers"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ApprovalsError, match="edited"):
        plan_campaign(find_project(str(campaign / "campaign.yaml"), {}))


def test_approvals_that_cannot_be_read_are_told(campaign: Path) -> None:
    (campaign / "imagebuild.approvals").mkdir()
    done = run_imagebuild(campaign, "plan")
    assert done.returncode == 1
    assert "cannot read `imagebuild.approvals`: is a directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reason_is_one_line_of_a_plan_whatever_is_in_it(campaign: Path) -> None:
    say(campaign, "retake", "winter[product=mug]", why="no\nPlan: 0 to make. Price: $0.00\n@team http://example.com")
    said = run_imagebuild(campaign, "plan").stdout
    assert "“no Plan: 0 to make. Price: $0.00 @team http://example.com”" in said
    assert sum(line.startswith("Plan:") for line in said.splitlines()) == 1
    marked = run_imagebuild(campaign, "plan", "--markdown").stdout
    assert "@team" not in marked
    assert "http://" not in marked


# ------------------------------------------------------------------------------------------------------- variants


def test_a_picked_variant_is_delivered_for_nothing_and_lapses_with_its_bytes(campaign: Path) -> None:
    variants = campaign / "out" / "variants" / "poster" / "mug"
    delivered = campaign / "out" / "poster" / "mug.png"
    assert delivered.read_bytes() == (variants / "1.png").read_bytes()
    say(campaign, "pick", "poster[product=mug]", of="poster[product=mug]:variant-3")
    assert list(work_of(campaign)) == ["poster[product=mug]"]
    assert plan_of(campaign).plan.price == 0
    build(campaign)
    assert delivered.read_bytes() == (variants / "3.png").read_bytes()
    assert work_of(campaign) == {}
    text = (campaign / "campaign.yaml").read_text("utf-8")
    (campaign / "campaign.yaml").write_text(text.replace("A poster of", "A large poster of"), "utf-8")
    note = "variant 3 of `poster[product=mug]` was picked, and is made anew: nobody has picked among the new ones"
    assert note in run_imagebuild(campaign, "plan").stdout
    build(campaign)
    assert work_of(campaign) == {}
    assert delivered.read_bytes() == (variants / "1.png").read_bytes(), "nobody has looked at the new ones"


def test_what_the_campaign_picks_is_not_picked_in_a_review(campaign: Path) -> None:
    say(campaign, "pick", "poster[product=mug]", of="poster[product=mug]:variant-3")
    text = (campaign / "campaign.yaml").read_text("utf-8")
    (campaign / "campaign.yaml").write_text(text.replace("variants: 3", "variants: 3, pick: 2"), "utf-8")
    build(campaign)
    variants = campaign / "out" / "variants" / "poster" / "mug"
    assert (campaign / "out" / "poster" / "mug.png").read_bytes() == (variants / "2.png").read_bytes()


def test_fewer_variants_than_the_picked_one_are_no_mistake(campaign: Path) -> None:
    say(campaign, "pick", "poster[product=mug]", of="poster[product=mug]:variant-3")
    text = (campaign / "campaign.yaml").read_text("utf-8")
    (campaign / "campaign.yaml").write_text(text.replace("variants: 3", "variants: 2"), "utf-8")
    build(campaign)
    variants = campaign / "out" / "variants" / "poster" / "mug"
    assert (campaign / "out" / "poster" / "mug.png").read_bytes() == (variants / "1.png").read_bytes()


# --------------------------------------------------------------------------------------------------------- makers


def test_who_had_a_picture_made_is_known_where_the_policy_asks_for_it(campaign: Path) -> None:
    assert {line["made_by"] for line in lines_of(campaign).values()} == {"ben@northwind.example"}
    planned = plan_of(campaign)
    assert makers_of(planned, "hero[product=mug]") == {"ben@northwind.example"}
    say(campaign, "retake", "scene[product=kettle]")
    done = run_imagebuild(campaign, "build", IMAGEBUILD_USER="cyd@northwind.example")
    assert done.returncode == 0, done.stderr
    assert makers_of(plan_of(campaign), "winter[product=kettle]") == {"cyd@northwind.example"}


def test_without_a_policy_the_lock_names_nobody(tmp_path: Path) -> None:
    (tmp_path / ".imagebuild").mkdir()
    text = TEXT.replace("approvers: {brand: [ana@northwind.example, lea@northwind.example]}\n", "")
    (tmp_path / "campaign.yaml").write_text(text, "utf-8")
    build(tmp_path)
    assert not [line for line in lines_of(tmp_path).values() if "made_by" in line]
    assert makers_of(plan_of(tmp_path), "hero[product=mug]") == {"ben@northwind.example"}, "the store knows"


def test_whoever_takes_in_what_another_paid_for_has_not_made_it(tmp_path: Path) -> None:
    store = LocalStore(str(tmp_path))
    data = io.BytesIO()
    Image.new("RGB", (64, 64)).save(data, "png")
    manifest = {"model": "m", "size": "64x64", "format": "png"}
    attempt = Attempt(
        id="1", key=key_of(manifest), state="task", provider="openai", model="m", campaign="c", address="a",
        estimate=Decimal(1), at="2026-11-21T10:00:00Z", manifest=manifest, extra={"made_by": ANA},
    )  # fmt: skip
    making = Making(
        store, file_of={}, read_file=lambda _: b"", sources_of=lambda _: {}, kept=lambda _: Digest(""),
        locked=lambda key, digest: None, now=lambda: "2026-11-22T03:00:00Z", clock=lambda: 0.0, made_by="nightjob",
    )  # fmt: skip
    kept = making.keep(attempt, Picture(data=data.getvalue(), media_type="image/png", cost=None), 1.0)
    assert kept.record.extra["made_by"] == ANA


def test_whoever_has_the_same_bytes_drawn_again_has_not_made_them(campaign: Path) -> None:
    shutil.rmtree(campaign / ".imagebuild")
    (campaign / ".imagebuild").mkdir()
    (campaign / "out" / "kettle.webp").unlink()
    text = (
        (campaign / "campaign.yaml").read_text("utf-8").replace("scene: {", 'scene: {output: "s/{{ product }}.png", ')
    )
    (campaign / "campaign.yaml").write_text(text, "utf-8")
    done = run_imagebuild(campaign, "build", IMAGEBUILD_USER=ANA)
    assert done.returncode == 0, done.stderr
    assert lines_of(campaign)["hero[product=kettle]"]["made_by"] == "ben@northwind.example"


def test_a_picked_variant_is_as_well_known_as_any_other_picture(campaign: Path) -> None:
    say(campaign, "pick", "poster[product=mug]", of="poster[product=mug]:variant-3")
    build(campaign)
    assert makers_of(plan_of(campaign), "poster[product=mug]") == {"ben@northwind.example"}


def test_a_policy_that_came_later_finds_who_had_it_made_in_the_store(tmp_path: Path) -> None:
    (tmp_path / ".imagebuild").mkdir()
    before = TEXT.replace(POLICY, "")
    (tmp_path / "campaign.yaml").write_text(before, "utf-8")
    build(tmp_path)
    (tmp_path / "campaign.yaml").write_text(TEXT.replace("In snow.", "In rain."), "utf-8")
    done = run_imagebuild(tmp_path, "build", IMAGEBUILD_USER=ANA)
    assert done.returncode == 0, done.stderr
    lines = lines_of(tmp_path)
    assert lines["hero[product=mug]"]["made_by"] == "ben@northwind.example"
    assert lines["winter[product=mug]"]["made_by"] == ANA


def test_a_name_that_no_lock_can_hold_is_told_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "campaign.yaml").write_text(TEXT, "utf-8")
    for name in ("caf\udce9@example.com", "ana\u202e@example.com"):
        done = run_imagebuild(tmp_path, "build", IMAGEBUILD_USER=name)
        assert done.returncode == 1
        assert "cannot tell who is at work here" in done.stderr
        assert not (tmp_path / "out").exists()
