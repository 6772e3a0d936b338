"""The example of a CI job without a key: its script, run as a job runs it, from a copy of its folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from imagebuild.core.document import parse_yaml, plain
from imagebuild.errors import Problems
from tests.examples.scripts import Run, runner

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "ci-sandbox"


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A copy of the example's folder."""
    folder = tmp_path / "job"
    shutil.copytree(EXAMPLE, folder)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return runner("ci.sh", tmp_path)


def test_the_job_goes_through_every_step_and_leaves_nothing_behind(job: Path, run: Run, tmp_path: Path) -> None:
    before = sorted(path.name for path in job.iterdir())
    done = run(job)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.removeprefix("ok: ") for line in done.stdout.splitlines() if line.startswith("ok: ")]
    assert told[:-1] == [
        "charged, of four paid pictures: 4",
        "paid, by the ledger: 4",
        "charged after a second build: 4",
        "exit code of a build with an unknown outcome: 1",
        "charged: 3",
        "exit code of the next build: 1",
        "charged: it was not sent again: 3",
        "charged: the lost one a second time, and the one that is made from it: 5",
    ]
    assert re.fullmatch(r"dollars, by the ledger as by the sandbox: 0\.\d+", told[-1])
    assert done.stdout.endswith("all is as it should be\n")
    assert "uncertain: scene[season=winter]: " in done.stderr
    assert sorted(path.name for path in job.iterdir()) == before
    assert list((tmp_path / "temporary").iterdir()) == []


def test_the_job_fails_when_a_picture_is_not_made_and_stops_its_sandbox_all_the_same(
    job: Path, run: Run, tmp_path: Path
) -> None:
    spec = job / "campaign.yaml"
    spec.write_text(spec.read_text(encoding="utf-8").replace("build: 0.50 USD", "build: 0.01 USD"), encoding="utf-8")
    script = job / "ci.sh"
    noted = tmp_path / "pid"
    text = script.read_text(encoding="utf-8").replace(
        "sandbox=$!\n", f"sandbox=$!; echo $! > {shlex.quote(str(noted))}\n"
    )
    script.write_text(text, encoding="utf-8")
    done = run(job)
    assert done.returncode == 1
    assert "over budget" in done.stderr
    assert "ok: " not in done.stdout
    with pytest.raises(ProcessLookupError):
        os.kill(int(noted.read_text(encoding="utf-8")), 0)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_editor_completes_its_campaign_by_its_schema_and_finds_no_fault_in_it() -> None:
    text = (EXAMPLE / "campaign.yaml").read_text(encoding="utf-8")
    line = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert line is not None
    problems = Problems()
    root = parse_yaml(text, file="campaign.yaml", problems=problems)
    assert root is not None
    jsonschema.validate(plain(root), json.loads((EXAMPLE / line[1]).read_text(encoding="utf-8")))


def test_the_workflow_of_the_cookbook_runs_the_script_that_is_here() -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    section = text.split("\n## run the CI against the sandbox\n")[1].split("\n## ")[0]
    block = re.search(r"^```yaml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert block is not None
    steps = yaml.safe_load(block[1])["jobs"]["sandbox"]["steps"]
    words = [shlex.split(step["run"]) for step in steps if "run" in step][-1]
    assert words[0] == "bash"
    assert (ROOT / words[1]) == EXAMPLE / "ci.sh"
