"""`imagebuild check`: mistakes for people and for editors, and nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.cli.conftest import Run, edit, tree


def test_a_campaign_without_mistakes_is_counted(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "campaign.yaml: ok (9 pictures, 5 of them paid)\n"


def test_every_mistake_is_told_at_once(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", "from: scene\n    prompt", "from: scen\n    prompt")
    edit(fresh, "prompts/poster.j2", "t.headline", "t.headlin")
    done = imagebuild(fresh, "check")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "campaign.yaml:29:11: error: asset `winter`: `from`: no asset `scen`" in done.stderr
    assert "prompts/poster.j2:1:25: error: no string `headlin`" in done.stderr
    assert done.stderr.rstrip().endswith("2 mistakes; nothing was written")


def test_the_json_form_is_a_mistake_a_line(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", "from: scene\n    prompt", "from: scen\n    prompt")
    edit(fresh, "prompts/poster.j2", "t.headline", "t.headlin")
    done = imagebuild(fresh, "check", "--json")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (1, "")
    assert found[0] == {
        "file": "campaign.yaml", "line": 29, "column": 11, "length": 4,
        "message": "asset `winter`: `from`: no asset `scen`", "hint": "did you mean `scene`?",
    }  # fmt: skip
    assert [(each["file"], each["line"], each["column"]) for each in found[1:]] == [("prompts/poster.j2", 1, 25)]


def test_no_mistakes_are_no_lines(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "check", "--json")
    assert (done.returncode, done.stdout) == (0, "")


def test_several_campaigns_are_checked_and_one_mistake_fails_all(fresh: Path, imagebuild: Run) -> None:
    shutil.copy(fresh / "campaign.yaml", fresh / "other.yaml")
    edit(fresh, "other.yaml", "assets:", "asets:")
    done = imagebuild(fresh, "check", "campaign.yaml", "other.yaml", "gone.yaml")
    assert done.returncode == 1
    assert done.stdout == "campaign.yaml: ok (9 pictures, 5 of them paid)\n"
    assert "other.yaml:8:1: error: unknown key `asets`" in done.stderr
    assert "no campaign file `gone.yaml`" in done.stderr


def test_checking_looks_at_neither_lock_nor_store_and_writes_nothing(built: Path, imagebuild: Run) -> None:
    (built / "imagebuild.lock").write_text("this is no lock\n", encoding="utf-8")
    before = tree(built)
    assert imagebuild(built, "check").returncode == 0
    assert tree(built) == before
