"""`imagebuild release`: what is printed, the exit codes, and that what programs read is what the schema says."""

from __future__ import annotations

import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from imagebuild.core.key import Digest, digest_of
from imagebuild.stages.approvals import Asked, decide, read_approvals
from tests.cli.conftest import Run, tree
from tests.stages.reviewing import ANA, BEN, build, planned_in, project_of, say, write_reviewed

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "release.schema.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviewed") / "campaign"
    write_reviewed(folder)
    build(folder)
    return folder


@pytest.fixture
def campaign(built_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_once, tmp_path / "campaign", ignore=shutil.ignore_patterns("memory")))


def wrong(value: object, part: str | None = None) -> list[str]:
    schema: dict[str, Any] = SCHEMA if part is None else {"$ref": f"#/$defs/{part}", "$defs": SCHEMA["$defs"]}
    Draft202012Validator.check_schema(schema)
    found = Draft202012Validator(schema).iter_errors(value)
    return [f"{'/'.join(map(str, error.absolute_path))}: {error.message}" for error in found]


def test_it_says_what_it_released_what_it_left_out_why_and_what_to_do(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    say(campaign, BEN, "reject", "story*", "too dark")
    done = imagebuild(campaign, "release", "dist")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("released 3 pictures, ")
    assert lines[0].endswith(", to dist")
    assert "left out: 1 that did not pass its checks" in lines
    assert "  next: `imagebuild why 'tile'` tells more" in lines
    assert f"  by {BEN}: “too dark”: story[ratio=square]" in lines
    assert "left out: 1 that waits for approval" in lines
    assert "  waits for 1 of legal: badge[locale=de-DE]" in lines
    assert lines[-1] == "3 pictures left out; `release.json` has all of them"


def test_with_nothing_approved_it_is_an_error_and_nothing_is_written(campaign: Path, imagebuild: Run) -> None:
    before = tree(campaign)
    done = imagebuild(campaign, "release", "dist", "badge", "story")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == (
        "error: there is nothing to release: 4 that wait for approval; nothing was written"
    )
    assert "waits for 1 of brand, 1 of legal: badge[locale=de-DE]" in done.stdout
    assert tree(campaign) == before


def test_require_complete_fails_and_writes_nothing(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    done = imagebuild(campaign, "release", "dist", "--require-complete")
    assert done.returncode == 1
    assert "error: 2 pictures would be left out of the release; nothing was written" in done.stderr
    assert not (campaign / "dist").exists()
    done = imagebuild(campaign, "release", "dist", "--require-complete", "story", "swatch")
    assert (done.returncode, done.stdout.splitlines()[0][:19]) == (0, "released 2 pictures")


def test_a_selection_releases_that_alone_and_says_so(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    words = ("locale=en-US", "locale=ar-EG", "--exclude", "locale=ar-EG")
    assert imagebuild(campaign, "release", "dist", *words).returncode == 0
    manifest = json.loads((campaign / "dist" / "release.json").read_text(encoding="utf-8"))
    assert [each["path"] for each in manifest["pictures"]] == ["en-US/badge.png"]
    assert manifest["selected"] == {"what": ["locale=en-US", "locale=ar-EG"], "exclude": ["locale=ar-EG"]}
    assert manifest["left_out"] == []


def test_damage_is_told_with_exit_code_1(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    story = digest_of((campaign / "out" / "story.jpg").read_bytes())
    (campaign / ".imagebuild" / "store" / "objects" / story[:2] / story).write_bytes(b"scribbled over")
    shutil.rmtree(campaign / "out")
    done = imagebuild(campaign, "release", "dist", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["written"]
    assert [each["address"] for each in found["left_out"] if each["reason"] == "damaged"] == ["story[ratio=square]"]


def test_what_programs_read_fits_the_schema(campaign: Path, imagebuild: Run) -> None:
    nothing = json.loads(imagebuild(campaign, "release", "dist", "story", "--json").stdout)
    assert (nothing["written"], wrong(nothing, "printed")) == (False, [])
    say(campaign, ANA, "approve", "*")
    done = imagebuild(campaign, "release", "dist", "--json")
    printed = json.loads(done.stdout)
    assert wrong(printed, "printed") == []
    manifest = json.loads((campaign / "dist" / "release.json").read_text(encoding="utf-8"))
    assert wrong(manifest) == []
    assert printed == {"folder": "dist", "written": True, "removed": [], **manifest}
    assert wrong({**manifest, "user": "ana"}) != []
    assert wrong({**manifest, "pictures": [{"path": "x"}]}) != []
    verified = json.loads(imagebuild(campaign, "release", "dist", "--verify", "--json").stdout)
    assert (verified["verified"], wrong(verified, "verified")) == (True, [])


def test_verify_names_what_was_altered_with_exit_code_1(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    imagebuild(campaign, "release", "dist")
    done = imagebuild(campaign, "release", "dist", "--verify")
    whole = "4 pictures of `reviewed` are as released: 3 approved, 1 that needs no approval\n"
    assert (done.returncode, done.stdout) == (0, whole)
    (campaign / "dist" / "swatch.png").write_bytes(b"retouched")
    done = imagebuild(campaign, "release", "dist", "--verify")
    assert (done.returncode, done.stdout) == (1, "swatch.png was altered\n")
    assert done.stderr.startswith("error: a file in `dist` is not as it was released")
    found = json.loads(imagebuild(campaign, "release", "dist", "--verify", "--json").stdout)
    assert found["wrong"] == [{"path": "swatch.png", "what": "was altered"}]


def test_verify_mentions_an_approval_that_was_taken_back_since(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "story*")
    imagebuild(campaign, "release", "dist")
    ref = json.loads((campaign / "imagebuild.approvals").read_text(encoding="utf-8").splitlines()[1])["ref"]
    digest = digest_of((campaign / "out" / "story.jpg").read_bytes())
    take_back(campaign, ref, digest)
    done = imagebuild(campaign, "release", "dist", "--verify")
    assert done.returncode == 0
    assert done.stdout == (
        f"note: story.jpg: {ANA} has taken the approval back since\n"
        "note: story.jpg: is no longer approved: waits for 1 of brand\n"
        "2 pictures of `reviewed` are as released: 1 that needs no approval, 1 no longer approved\n"
    )
    found = json.loads(imagebuild(campaign, "release", "dist", "--verify", "--json").stdout)
    assert (found["verified"], found["approved"], found["unneeded"], len(found["since"])) == (True, 0, 1, 2)
    assert wrong(found, "verified") == []


def take_back(campaign: Path, ref: str, digest: str) -> None:
    asked = Asked("f" * 32, "withdraw", "story[ratio=square]", Digest(digest), undoes=ref)
    now = datetime.datetime(2026, 3, 3, tzinfo=datetime.UTC)
    assert decide(planned_in(campaign), read_approvals(project_of(campaign)), ANA, [asked], now=now).refused == ()


def test_what_goes_from_the_folder_is_told(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    imagebuild(campaign, "release", "dist")
    refused = imagebuild(campaign, "release", "dist", "story")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "error: `dist` is a release of more than is selected: `ar-EG/badge.png` and 2 more"
    )
    done = imagebuild(campaign, "release", "dist", "story", "--replace")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[1:] == [
        "removed 3 pictures that the release before had", "  ar-EG/badge.png", "  en-US/badge.png", "  swatch.png",
    ]  # fmt: skip
    imagebuild(campaign, "release", "dist")
    found = json.loads(imagebuild(campaign, "release", "dist", "story", "--replace", "--json").stdout)
    assert (found["removed"], wrong(found, "printed")) == (["ar-EG/badge.png", "en-US/badge.png", "swatch.png"], [])


def test_what_could_not_be_looked_at_is_not_called_verified(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "*")
    imagebuild(campaign, "release", "dist")
    (campaign / "campaign.yaml").write_text("imagebuild: 1\ncampaign: reviewed\n", encoding="utf-8")
    done = imagebuild(campaign, "release", "dist", "--verify")
    assert (done.returncode, done.stdout) == (1, "4 pictures of `reviewed` are as released\n")
    assert done.stderr.startswith("error: whether they are approved was not looked at: the campaign cannot be read: ")
    found = json.loads(imagebuild(campaign, "release", "dist", "--verify", "--json").stdout)
    assert (found["verified"], found["approved"], wrong(found, "verified")) == (False, 0, [])
    assert found["not_seen"].startswith("the campaign cannot be read: ")


def test_words_from_people_cannot_steer_the_terminal(campaign: Path, imagebuild: Run) -> None:
    say(campaign, ANA, "approve", "badge*")
    say(campaign, BEN, "reject", "story*", "no \u202egnp.exe ألوان")
    done = imagebuild(campaign, "release", "dist")
    assert "\u202e" not in done.stdout.replace("\u2068", "").replace("\u2069", "")
