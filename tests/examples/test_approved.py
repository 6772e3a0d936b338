"""The example of approvals and releases: its script goes the whole way, in a copy."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from imagebuild.core.document import parse_yaml, plain
from imagebuild.errors import Problems
from tests.examples.scripts import runner

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "approved"


def test_the_script_goes_the_whole_way_and_leaves_nothing_behind(tmp_path: Path) -> None:
    if shutil.which("git") is None or shutil.which("sha256sum") is None:
        pytest.skip("git or sha256sum is not installed")
    folder = tmp_path / "job"
    shutil.copytree(EXAMPLE, folder)
    before = sorted(path.name for path in folder.iterdir())
    done = runner("release.sh", tmp_path)(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("all is as it should be\n")
    assert "6 pictures would be left out of the release" in done.stderr
    assert "2 pictures would be left out of the release" in done.stderr
    assert "released 7 pictures" in done.stdout
    assert "released 5 pictures" in done.stdout
    assert "lapsed" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == before
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_editor_finds_no_fault_in_its_campaign() -> None:
    problems = Problems()
    root = parse_yaml((EXAMPLE / "campaign.yaml").read_text("utf-8"), file="campaign.yaml", problems=problems)
    assert root is not None
    schema = json.loads((ROOT / "schemas" / "campaign.schema.json").read_text("utf-8"))
    jsonschema.validate(plain(root), schema)
