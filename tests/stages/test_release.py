"""What goes into a release and what stays; that the same inputs give the same bytes; that a folder is replaced whole or
not at all; that what was altered afterwards shows."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imagebuild.core.address import parse_selection
from imagebuild.core.key import digest_of
from imagebuild.core.release import ReleaseError, manifest_text
from imagebuild.errors import ApprovalsError
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.release import Released, release
from imagebuild.stages.verify_release import Verified, verify_release
from imagebuild.workspace.release_folder import exchanged, files_in, new_folder
from tests.cli.conftest import tree
from tests.stages.reviewing import ANA, BEN, LEA, build, planned_in, project_of, say, write_reviewed


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reviewed") / "campaign"
    write_reviewed(folder)
    build(folder)
    return folder


@pytest.fixture
def campaign(built_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(built_once, tmp_path / "campaign", ignore=shutil.ignore_patterns("memory")))


def released(campaign: Path, folder: str = "dist", **options: Any) -> Released:
    return release(planned_in(campaign), read_approvals(project_of(campaign)), folder, **options)


def verified(campaign: Path, folder: str = "dist") -> Verified:
    project = project_of(campaign)
    return verify_release(project, read_approvals(project), folder)


def paths(done: Released) -> list[str]:
    return [each["path"] for each in done.release.pictures]


def reasons(done: Released) -> dict[str, tuple[str, str]]:
    return {each.address: (each.reason, each.why) for each in done.release.left}


# ------------------------------------------------------------------------------------------------ what goes, what stays


def test_only_what_is_built_checked_and_approved_goes(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    done = released(campaign)
    assert paths(done) == ["ar-EG/badge.png", "en-US/badge.png", "story.jpg", "swatch.png"]
    left = reasons(done)
    assert left.keys() == {"badge[locale=de-DE]", "tile"}
    assert left["badge[locale=de-DE]"] == ("waiting", "waits for 1 of legal")
    assert left["tile"][0] == "failed"
    assert "of the picture is within" in left["tile"][1]
    assert files_in(str(campaign / "dist")) == [
        "SHA256SUMS", "ar-EG/badge.png", "en-US/badge.png", "release.json", "story.jpg", "swatch.png",
    ]  # fmt: skip


def test_what_needs_no_approval_goes_without_one(campaign: Path) -> None:
    done = released(campaign)
    assert paths(done) == ["swatch.png"]
    assert done.release.pictures[0]["approvals"] == []


def test_a_rejection_outweighs_approvals_and_is_told_with_its_reason(campaign: Path) -> None:
    say(campaign, ANA, "approve", "story*")
    say(campaign, BEN, "reject", "story*", "too\n  dark")
    assert reasons(released(campaign))["story[ratio=square]"] == ("rejected", f"by {BEN}: “too dark”")


def test_an_approval_lapses_with_the_picture(campaign: Path) -> None:
    say(campaign, ANA, "approve", "badge*en-US*")
    text = (campaign / "campaign.yaml").read_text(encoding="utf-8")
    (campaign / "campaign.yaml").write_text(text.replace("[64, 40]", "[62, 38]"), encoding="utf-8")
    assert reasons(released(campaign))["badge[locale=en-US]"][0] == "not-built"
    build(campaign, "badge")
    reason, why = reasons(released(campaign))["badge[locale=en-US]"]
    assert reason == "lapsed"
    assert why == f"{ANA} approved an earlier picture; waits for 1 of brand"


def test_the_picture_of_an_earlier_wording_is_not_released(campaign: Path) -> None:
    say(campaign, ANA, "approve", "story*")
    text = (campaign / "campaign.yaml").read_text(encoding="utf-8")
    (campaign / "campaign.yaml").write_text(text.replace("A kettle on a table", "A mug on a table"), encoding="utf-8")
    done = released(campaign)
    assert not done.written
    assert {reason for reason, _ in reasons(done).values()} == {"not-built"}
    assert not (campaign / "dist").exists()


def test_unverified_pictures_stay_unless_they_are_accepted_and_are_marked_then(campaign: Path) -> None:
    say(campaign, ANA, "approve", "story*")
    lock = campaign / "imagebuild.lock"
    text = lock.read_text(encoding="utf-8")
    lock.write_text(text.replace('"checked":"passed"', '"checked":"unverified"'), encoding="utf-8")
    assert reasons(released(campaign))["story[ratio=square]"][0] == "unverified"
    done = released(campaign, accept_unverified=True)
    assert {each["path"]: each["checked"] for each in done.release.pictures} == {
        "story.jpg": "unverified", "swatch.png": None,
    }  # fmt: skip
    assert done.release.head["unverified_accepted"] is True


def test_a_release_of_all_or_nothing_writes_nothing_when_one_is_missing(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    before = tree(campaign)
    done = released(campaign, require_complete=True)
    assert not done.written
    assert len(done.release.left) == 2
    assert tree(campaign) == before


def test_the_manifest_says_what_is_known_of_a_picture(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    say(campaign, LEA, "approve", "badge*de-DE*", at="2026-03-02T10:00:00")
    done = released(campaign)
    found = {each["path"]: each for each in done.release.pictures}
    badge, story = found["de-DE/badge.png"], found["story.jpg"]
    data = (campaign / "out" / "de-DE" / "badge.png").read_bytes()
    assert (badge["sha256"], badge["bytes"]) == (digest_of(data), len(data))
    assert (badge["language"], badge["alt"], badge["size"], badge["format"]) == (
        "de-DE", "Warme Morgen & more", [64, 40], "png",
    )  # fmt: skip
    assert [(yes["by"], yes["at"]) for yes in badge["approvals"]] == [
        (ANA, "2026-03-01T09:00:00Z"), (LEA, "2026-03-02T10:00:00Z"),
    ]  # fmt: skip
    assert badge["policy"].endswith(": 1 of brand, 1 of legal")
    assert (story["placement"], story["checked"], story["language"]) == ("meta/feed-square", "passed", None)
    written = json.loads((campaign / "dist" / "release.json").read_text(encoding="utf-8"))
    assert written == json.loads(manifest_text(done.release))
    assert written["lock"] == digest_of((campaign / "imagebuild.lock").read_bytes())
    assert written["approvals"]["heads"] == list(read_approvals(project_of(campaign)).heads)


def test_who_had_a_picture_made_is_named_where_the_policy_asks(tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    write_reviewed(folder)
    text = (folder / "campaign.yaml").read_text(encoding="utf-8")
    (folder / "campaign.yaml").write_text(
        text.replace("  by_others: false\n", "").replace("[lea@", "[lou@northwind.example, lea@"), encoding="utf-8"
    )
    from_the_desk_of_ben = {"IMAGEBUILD_USER": BEN}
    done = subprocess.run(
        [sys.executable, "-m", "imagebuild", "build", "-q"], cwd=folder, capture_output=True, check=False,
        env={**os.environ, **from_the_desk_of_ben},
    )  # fmt: skip
    assert done.returncode == 1  # the tile does not pass
    say(folder, ANA, "approve", "story*")
    done_release = released(folder)
    assert [each["makers"] for each in done_release.release.pictures if each["path"] == "story.jpg"] == [[BEN]]


# --------------------------------------------------------------------------------------------------- the same bytes


def test_the_same_inputs_give_the_same_tree_whatever_the_place_the_hour_and_the_umask(
    campaign: Path, tmp_path: Path
) -> None:
    say(campaign, ANA, "approve", "*")
    elsewhere = tmp_path / "elsewhere" / "of another name"
    shutil.copytree(campaign, elsewhere)
    old = os.umask(0o077)
    try:
        released(elsewhere)
    finally:
        os.umask(old)
    released(campaign)
    assert tree(elsewhere / "dist") == tree(campaign / "dist")
    for path in [campaign / "dist", elsewhere / "dist", *(elsewhere / "dist").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path


def test_the_bytes_may_come_from_the_output_folder(campaign: Path) -> None:
    text = (campaign / "campaign.yaml").read_text(encoding="utf-8")
    without_tile = (
        text[: text.index("  tile:")] + text[text.index("  swatch:") :]
    )  # to look at it again takes the store
    (campaign / "campaign.yaml").write_text(without_tile, encoding="utf-8")
    say(campaign, ANA, "approve", "*")
    released(campaign)
    before = tree(campaign / "dist")
    shutil.rmtree(campaign / ".imagebuild" / "store" / "objects")
    shutil.rmtree(campaign / "dist")
    released(campaign)
    assert len(before) == 6
    assert tree(campaign / "dist") == before


def test_damaged_bytes_are_left_out_and_told(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    story = digest_of((campaign / "out" / "story.jpg").read_bytes())
    planned, history = planned_in(campaign), read_approvals(project_of(campaign))
    (campaign / ".imagebuild" / "store" / "objects" / story[:2] / story).write_bytes(b"scribbled over")
    (campaign / "out" / "story.jpg").write_bytes(b"scribbled over")
    done = release(planned, history, "dist")
    assert done.written
    assert [each.address for each in done.damaged] == ["story[ratio=square]"]
    assert not (campaign / "dist" / "story.jpg").exists()
    assert verified(campaign).wrong == ()


def test_the_digests_can_be_checked_without_imagebuild(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=campaign / "dist", capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b": OK\n") == 5


# ----------------------------------------------------------------------------------------------- replacing a release


def test_an_earlier_release_is_replaced_and_what_is_no_longer_approved_goes(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    say(campaign, ANA, "reject", "story*", "no", at="2026-03-02T09:00:00")
    released(campaign)
    assert not (campaign / "dist" / "story.jpg").exists()
    assert verified(campaign).wrong == ()
    assert [name for name in os.listdir(campaign) if name.startswith(".dist")] == []


@pytest.mark.parametrize(
    ("path", "data", "what"),
    [
        ("swatch.png", b"retouched", "`dist/swatch.png` was altered: it would be lost"),
        ("notes.txt", b"mine", "`dist/notes.txt` is not of this release: it would be lost"),
        ("ar-EG/.hidden", b"mine", "`dist/ar-EG/.hidden` is not of this release: it would be lost"),
        ("release.json", b"{}", "the release's manifest is damaged"),
    ],
)
def test_what_people_put_into_the_folder_is_never_lost(campaign: Path, path: str, data: bytes, what: str) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    (campaign / "dist" / path).write_bytes(data)
    before = tree(campaign / "dist")
    with pytest.raises(ReleaseError) as told:
        released(campaign)
    assert told.value.what == what
    assert tree(campaign / "dist") == before


def test_a_file_that_somebody_removed_from_a_release_does_not_hinder_the_next(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    (campaign / "dist" / "swatch.png").unlink()
    assert released(campaign).written
    assert (campaign / "dist" / "swatch.png").exists()


def test_a_folder_with_other_things_in_it_is_refused(campaign: Path) -> None:
    (campaign / "dist").mkdir()
    (campaign / "dist" / "thesis.tex").write_text("mine", encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"`dist` is not empty, and no release: there is `thesis\.tex`"):
        released(campaign)


def test_the_release_of_another_campaign_is_refused(campaign: Path) -> None:
    released(campaign)
    manifest = campaign / "dist" / "release.json"
    text = manifest.read_text(encoding="utf-8").replace('"campaign": "reviewed"', '"campaign": "other"')
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseError, match="`dist` is a release of the campaign `other`"):
        released(campaign)


def test_a_selection_takes_nothing_from_a_release_that_has_more_unless_it_is_told_to(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    before = tree(campaign / "dist")
    with pytest.raises(ReleaseError) as told:
        released(campaign, selection=parse_selection(["story"], []))
    assert told.value.what == (
        "`dist` is a release of more than is selected: `ar-EG/badge.png` and 2 more would be removed"
    )
    assert "`--replace`" in (told.value.hint or "")
    assert tree(campaign / "dist") == before
    done = released(campaign, selection=parse_selection(["story"], []), replace=True)
    assert done.removed == ("ar-EG/badge.png", "en-US/badge.png", "swatch.png")
    assert paths(done) == ["story.jpg"]


def test_what_is_selected_and_no_longer_approved_goes_and_is_told(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign, selection=parse_selection(["badge"], []))
    say(campaign, BEN, "reject", "badge*en-US*", "no", at="2026-03-02T09:00:00")
    done = released(campaign, selection=parse_selection(["badge"], []))
    assert (paths(done), done.removed) == (["ar-EG/badge.png"], ("en-US/badge.png",))
    assert released(campaign).removed == ()


def test_a_campaign_that_delivers_nothing_has_nothing_to_release(campaign: Path) -> None:
    text = (campaign / "campaign.yaml").read_text(encoding="utf-8")
    approvers, axes, badge = (text.index(each) for each in ("approvers:", "axes:", "  badge:"))
    (campaign / "campaign.yaml").write_text(text[:approvers] + text[axes:badge], encoding="utf-8")
    with pytest.raises(ReleaseError, match="there is nothing to release: the campaign delivers no picture") as told:
        released(campaign)
    assert told.value.hint == "an asset with an `output` is delivered"


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        (".git/dist", "`.git/dist` is in what git keeps for itself"),
        ("bare/refs/dist", "`bare/refs/dist` is in what git keeps for itself"),
        (".imagebuild/dist", "`.imagebuild/dist` is in what imagebuild keeps for itself"),
        ("out", "`out` is in the output folder"),
        ("out/dist", "`out/dist` is in the output folder"),
        (".", "`.` has the campaign in it"),
        ("..", "`..` has the campaign in it"),
        ("/", "`/` has the campaign in it"),
        ("out/../.imagebuild", "`out/../.imagebuild` is in what imagebuild keeps for itself"),
        ("campaign.yaml", "`campaign.yaml` is a file"),
        ("link", "`link` is a link"),
        ("inside/dist", "`inside/dist` is in what imagebuild keeps for itself"),
    ],
)
def test_a_release_is_put_nowhere_where_it_would_do_harm(campaign: Path, folder: str, what: str) -> None:
    (campaign / "target").mkdir()
    (campaign / "link").symlink_to("target")
    (campaign / "inside").symlink_to(".imagebuild")
    (campaign / ".git").mkdir()
    (campaign / "bare" / "objects").mkdir(parents=True)
    (campaign / "bare" / "refs").mkdir()
    (campaign / "bare" / "HEAD").touch()
    before = tree(campaign)
    with pytest.raises(ReleaseError) as told:
        released(campaign, folder)
    assert told.value.what == what
    assert tree(campaign) == before


# ------------------------------------------------------------------------------------------------ killed on the way

KILLED = """
import ctypes, os, shutil, signal, sys
from imagebuild.workspace.release_folder import exchanged, new_folder

folder, moment = sys.argv[1], int(sys.argv[2])
seen = 0

def watch(event, arguments):  # every moment at which a file or a folder is about to be touched
    global seen
    if event.startswith(("open", "os.", "shutil.", "ctypes.")):
        seen += 1
        if seen == moment + 1:
            os.kill(os.getpid(), signal.SIGKILL)

with new_folder(folder, EXCHANGE) as new:
    sys.addaudithook(watch)
    for name in ("a.txt", "b/c.txt"):
        new.write(name, b"new")
    new.put_in_place()
"""


@pytest.mark.parametrize("exchange", ["exchanged", "lambda one, other: False"])
def test_whoever_is_killed_leaves_the_old_folder_or_the_new_one(tmp_path: Path, exchange: str) -> None:
    script = tmp_path / "killed.py"
    script.write_text(KILLED.replace("EXCHANGE", exchange), encoding="utf-8")
    folder = tmp_path / "place" / "dist"
    seen = set()
    for moment in range(200):
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "old.txt").write_bytes(b"old")
        done = subprocess.run([sys.executable, str(script), str(folder), str(moment)], check=False)
        with new_folder(str(folder)):
            pass  # the next one to write, who then thinks better of it
        found = tuple(files_in(str(folder)) or ())
        assert found in (("old.txt",), ("a.txt", "b/c.txt"))
        assert os.listdir(folder.parent) == ["dist"]
        seen.add(found)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL
    else:
        pytest.fail("it was killed at every moment and never ended")
    assert seen == {("old.txt",), ("a.txt", "b/c.txt")}


def test_two_folders_are_exchanged_in_one_step_where_the_system_can(tmp_path: Path) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"was-{name}").touch()
    if exchanged(str(tmp_path / "one"), str(tmp_path / "other")):
        assert os.listdir(tmp_path / "one") == ["was-other"]
        assert os.listdir(tmp_path / "other") == ["was-one"]
    else:
        assert os.listdir(tmp_path / "one") == ["was-one"]


# ------------------------------------------------------------------------------------------------------ looking back


def test_a_release_as_it_was_put_there_is_verified(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    say(campaign, BEN, "comment", "story*", "nice")  # what is decided later does not make it wrong
    assert verified(campaign) == Verified("dist", "reviewed", 4, (), (), approved=3, unneeded=1)


def test_altered_missing_and_added_files_are_named(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    dist = campaign / "dist"
    (dist / "swatch.png").write_bytes(b"retouched")
    (dist / "story.jpg").unlink()
    (dist / "ar-EG" / "badge.png").unlink()
    (dist / "ar-EG" / "badge.png").symlink_to(campaign / "out" / "ar-EG" / "badge.png")
    (dist / "extra").mkdir()
    (dist / "extra" / "poster.png").write_bytes(b"x")
    assert verified(campaign).wrong == (
        ("ar-EG/badge.png", "is no regular file"), ("extra/poster.png", "is not of this release"),
        ("story.jpg", "is missing"), ("swatch.png", "was altered"),
    )  # fmt: skip


def test_a_picture_swapped_together_with_both_lists_is_not_what_was_approved(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    dist = campaign / "dist"
    old, new = digest_of((dist / "story.jpg").read_bytes()), digest_of(b"another picture")
    manifest_before = digest_of((dist / "release.json").read_bytes())
    (dist / "story.jpg").write_bytes(b"another picture")
    manifest = (dist / "release.json").read_text(encoding="utf-8").replace(old, new)
    (dist / "release.json").write_text(manifest, encoding="utf-8")
    sums = (dist / "SHA256SUMS").read_text(encoding="utf-8").replace(old, new)
    (dist / "SHA256SUMS").write_text(sums.replace(manifest_before, digest_of(manifest.encode())), encoding="utf-8")
    assert verified(campaign).wrong == (("story.jpg", f"what {ANA} approved is another picture"),)


def test_a_release_whose_decisions_were_cut_off_the_history_is_not_vouched_for(campaign: Path) -> None:
    say(campaign, ANA, "approve", "badge*")
    earlier = (campaign / "imagebuild.approvals").read_text(encoding="utf-8")
    say(campaign, ANA, "approve", "story*")
    released(campaign)
    (campaign / "imagebuild.approvals").write_text(earlier, encoding="utf-8")
    words = [what for _, what in verified(campaign).wrong]
    assert words[0].startswith("names the decision `")
    assert words[0].endswith("…`, which is not in the approvals")
    assert words[1] == f"the approval by {ANA} is not in the approvals"


def test_a_release_is_neither_made_nor_vouched_for_on_an_edited_history(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    released(campaign)
    file = campaign / "imagebuild.approvals"
    file.write_text(file.read_text(encoding="utf-8").replace(ANA, BEN), encoding="utf-8")
    with pytest.raises(ApprovalsError):
        released(campaign, "other")
    with pytest.raises(ApprovalsError):
        verified(campaign)
    assert not (campaign / "other").exists()


def test_nothing_is_released_in_the_middle_of_a_merge(campaign: Path) -> None:
    say(campaign, ANA, "approve", "*")
    lock = campaign / "imagebuild.lock"
    lines = lock.read_text(encoding="utf-8").splitlines(keepends=True)
    lock.write_text(
        "".join([*lines[:2], "<<<<<<< ours\n", *lines[2:4], "=======\n", ">>>>>>> theirs\n", *lines[4:]]), "utf-8"
    )
    with pytest.raises(ReleaseError, match="the lock is in the middle of a merge"):
        released(campaign)
    assert not (campaign / "dist").exists()


@pytest.mark.parametrize("path", ["../outside.png", "/etc/passwd", "a//b.png", "a\\b.png", "./x"])
def test_lists_that_lead_out_of_the_folder_are_no_release(campaign: Path, path: str) -> None:
    released(campaign)
    sums = campaign / "dist" / "SHA256SUMS"
    sums.write_text(sums.read_text(encoding="utf-8") + f"{'0' * 64}  {path}\n", encoding="utf-8")
    with pytest.raises(ReleaseError, match="a damaged list of digests"):
        verified(campaign)


def test_where_there_is_no_release_none_is_verified(campaign: Path) -> None:
    with pytest.raises(ReleaseError, match="there is no release in `dist`"):
        verified(campaign)
