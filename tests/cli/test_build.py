"""`imagebuild build`: what it prints and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.cli.conftest import Run, edit, say_in, tree


def test_the_first_build_makes_everything_and_tells_it_as_events(first_build: list[dict[str, Any]]) -> None:
    end = first_build[-1]
    assert end["event"] == "end"
    assert (end["made"], end["drawn"], end["reused"], end["failed"], end["exit"]) == (5, 3, 2, 0, 0)
    made = {event["address"] for event in first_build if event["event"] in ("made", "reused")}
    assert {"scene", "hero", "winter", "winter:master", "poster[locale=ar-EG]", "badge[locale=de-DE]"} <= made


def test_every_output_is_a_picture_of_the_right_size(built: Path) -> None:
    sizes = {}
    for path in sorted((built / "out").rglob("*.*")):
        with Image.open(path) as picture:
            sizes[str(path.relative_to(built / "out"))] = picture.size
    assert sizes == {
        "hero.webp": (320, 200),
        "winter.jpg": (1024, 640),
        **{f"{tag}/poster.png": (1024, 640) for tag in ("en-US", "de-DE", "ar-EG")},
        **{f"{tag}/badge.png": (64, 40) for tag in ("en-US", "de-DE", "ar-EG")},
    }


def test_a_second_build_has_nothing_to_do_and_leaves_the_lock_as_it_was(built: Path, imagebuild: Run) -> None:
    lock = (built / "imagebuild.lock").read_bytes()
    done = imagebuild(built, "build")
    assert done.returncode == 0
    assert done.stdout == "Nothing to do: all 9 in place.\n"
    assert (built / "imagebuild.lock").read_bytes() == lock


def test_a_renamed_asset_is_locked_under_its_new_name_though_there_is_nothing_to_make(
    built: Path, imagebuild: Run
) -> None:
    spec = built / "campaign.yaml"
    text = spec.read_text("utf-8")
    spec.write_text(text.replace("  scene:", "  plate:").replace("from: scene", "from: plate"), "utf-8")
    assert imagebuild(built, "build").stdout.startswith("Nothing to do")
    locked = {json.loads(line).get("asset") for line in (built / "imagebuild.lock").read_text("utf-8").splitlines()}
    assert {"plate", "scene"} <= locked  # the old name stays, as an orphan, until `--prune`
    assert imagebuild(built, "build", "--prune").returncode == 0
    assert '"scene"' not in (built / "imagebuild.lock").read_text("utf-8")


def test_one_changed_string_remakes_one_picture(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    done = imagebuild(built, "build", "--json")
    end = json.loads(done.stdout.splitlines()[-1])
    assert (end["made"], end["drawn"], end["reused"]) == (1, 0, 8)


def test_the_log_has_a_line_a_result_and_the_summary_last(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    done = imagebuild(built, "build")
    assert "[1/1] made poster[locale=de-DE] out/de-DE/poster.png" in done.stderr
    assert done.stdout.startswith("Done: made 1 · reused 8 · restored 0 · failed 0 · spent $0.00 · ")


def test_quiet_prints_the_summary_and_nothing_else(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    done = imagebuild(built, "build", "--quiet")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_an_edited_output_is_put_right_and_the_edit_kept(built: Path, imagebuild: Run) -> None:
    good = (built / "out" / "hero.webp").read_bytes()
    (built / "out" / "hero.webp").write_bytes(b"scribbled over")
    done = imagebuild(built, "build")
    assert "restored 1" in done.stdout
    assert (built / "out" / "hero.webp").read_bytes() == good
    kept = list((built / ".imagebuild" / "aside").rglob("hero.webp"))
    assert [path.read_bytes() for path in kept] == [b"scribbled over"]


def test_frozen_puts_locked_pictures_in_place_and_makes_nothing(built: Path, imagebuild: Run) -> None:
    (built / "out" / "winter.jpg").unlink()
    done = imagebuild(built, "build", "--frozen")
    assert done.returncode == 0
    assert "restored 1" in done.stdout
    assert (built / "out" / "winter.jpg").stat().st_size > 0


def test_frozen_names_what_would_have_to_be_made(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    before = tree(built / "out")
    done = imagebuild(built, "build", "--frozen")
    assert done.returncode == 1
    assert "poster[locale=de-DE] → out/de-DE/poster.png" in done.stderr
    assert tree(built / "out") == before


def test_a_saved_plan_is_done_as_it_was_looked_at(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    assert imagebuild(built, "plan", "--out", "plan.json").returncode == 0
    done = imagebuild(built, "build", "--plan", "plan.json")
    assert done.returncode == 0
    assert "made 1" in done.stdout


def test_a_saved_plan_is_refused_once_it_is_stale(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    imagebuild(built, "plan", "--out", "plan.json")
    say_in(built, "de-DE", "Kühle Morgen")
    before = tree(built / "out")
    done = imagebuild(built, "build", "--plan", "plan.json")
    assert done.returncode == 1
    assert "the plan `plan.json` is stale" in done.stderr
    assert "poster[locale=de-DE]" in done.stderr
    assert tree(built / "out") == before


def test_a_plan_over_the_budget_is_not_begun(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", "{build: 5 USD}", "{build: 0.01 USD}")
    done = imagebuild(fresh, "build", "--provider", "openai")
    assert done.returncode == 1
    assert "over budget" in done.stderr
    assert not (fresh / "out").exists()


def test_a_mistake_in_the_campaign_is_told_and_nothing_is_written(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", "from: scene\n    prompt", "from: scen\n    prompt")
    before = tree(fresh)
    done = imagebuild(fresh, "build")
    assert done.returncode == 1
    assert "campaign.yaml:29:11: error: asset `winter`: `from`: no asset `scen`" in done.stderr
    assert "hint: did you mean `scene`?" in done.stderr
    assert tree(fresh) == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
def test_ctrl_c_saves_what_was_made_and_ends_with_2(fresh: Path, imagebuild: Run) -> None:
    words = [sys.executable, "-m", "imagebuild", "build", "--json", "--jobs", "1"]
    environment = {**os.environ, "NO_COLOR": "1"}
    with subprocess.Popen(words, cwd=fresh, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["event"] == "made" and len([each for each in lines if each["event"] == "made"]) == 1:
                process.send_signal(signal.SIGINT)
        code = process.wait(timeout=60)
    end = lines[-1]
    assert code == 2
    assert end["exit"] == 2
    assert end["left"] > 0
    again = imagebuild(fresh, "build", "--json")
    made_again = {json.loads(line)["address"] for line in again.stdout.splitlines() if '"made"' in line[:20]}
    assert again.returncode == 0
    assert made_again.isdisjoint(each["address"] for each in lines if each["event"] == "made")
