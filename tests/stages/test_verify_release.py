"""A release is looked at again: what nobody approved is a fault, whatever its own texts say; what was decided after it
is told; and what could not be looked at is not called approved."""

from __future__ import annotations

import datetime
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagebuild.core.key import digest_of
from imagebuild.core.lock import parse_lock, write_lock
from imagebuild.core.release import ReleaseError, manifest_text
from imagebuild.stages.approvals import Asked, decide, read_approvals
from imagebuild.stages.release import release
from imagebuild.stages.verify_release import Verified, verify_release
from tests.cli.conftest import edit, run_imagebuild
from tests.stages.reviewing import ANA, BEN, LEA, build, planned_in, project_of, say, write_reviewed

STORY, LATER = "story[ratio=square]", "2026-03-02T09:00:00"


@pytest.fixture(scope="module")
def released_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ana has approved all, Lea nothing yet; what may go is released."""
    folder = tmp_path_factory.mktemp("reviewed") / "campaign"
    write_reviewed(folder)
    build(folder)
    say(folder, ANA, "approve", "*")
    release(planned_in(folder), read_approvals(project_of(folder)), "dist")
    return folder


@pytest.fixture
def campaign(released_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released_once, tmp_path / "campaign", ignore=shutil.ignore_patterns("memory")))


def verified(campaign: Path) -> Verified:
    project = project_of(campaign)
    return verify_release(project, read_approvals(project), "dist")


def resealed(campaign: Path, change: Callable[[dict[str, Any]], None], **files: bytes) -> None:
    """Somebody changes what the manifest says, puts files in place, and sees to it that all digests are right."""
    dist = campaign / "dist"
    manifest = json.loads((dist / "release.json").read_text(encoding="utf-8"))
    for path, data in files.items():
        (dist / path).parent.mkdir(exist_ok=True)
        (dist / path).write_bytes(data)
    change(manifest)
    (dist / "release.json").write_text(json.dumps(manifest), encoding="utf-8")
    sums = {each["path"]: each["sha256"] for each in manifest["pictures"]}
    sums["release.json"] = digest_of((dist / "release.json").read_bytes())
    lines = "".join(f"{digest}  {path}\n" for path, digest in sums.items())
    (dist / "SHA256SUMS").write_text(lines, encoding="utf-8")


def swapped(path: str, data: bytes, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(manifest: dict[str, Any]) -> None:
        (picture,) = [each for each in manifest["pictures"] if each["path"] == path]
        picture.update(sha256=digest_of(data), bytes=len(data), **changes)

    return change


def test_a_picture_that_nobody_approved_is_a_fault_though_it_names_no_approval(campaign: Path) -> None:
    evil = b"not a picture at all"
    resealed(campaign, swapped("story.jpg", evil, approvals=[]), **{"story.jpg": evil})
    found = verified(campaign)
    assert found.wrong == (("story.jpg", "nobody has approved it: waits for 1 of brand"),)
    assert (found.approved, found.unneeded) == (2, 1)


@pytest.mark.parametrize("policy", ["0123456789ab: 1 of brand", "4f53cda18c2b: nobody"])
def test_a_policy_under_which_nobody_has_decided_excuses_nothing(campaign: Path, policy: str) -> None:
    """In German it takes legal, too; the manifest says otherwise."""
    data = (campaign / "out" / "de-DE" / "badge.png").read_bytes()
    (approval,) = [
        each
        for each in read_approvals(project_of(campaign)).by_asset["badge[locale=de-DE]"]
        if each.decision == "approve"
    ]
    named = {"by": ANA, "at": approval.at, "policy": policy, "id": approval.id}

    def change(manifest: dict[str, Any]) -> None:
        picture = dict(manifest["pictures"][0], path="de-DE/badge.png", address="badge[locale=de-DE]", policy=policy)
        picture.update(sha256=digest_of(data), bytes=len(data), approvals=[named], cell={"locale": "de-DE"})
        manifest["pictures"].append(picture)

    resealed(campaign, change, **{"de-DE/badge.png": data})
    assert verified(campaign).wrong == (("de-DE/badge.png", "is not approved: waits for 1 of legal"),)


def test_a_rejection_after_the_release_is_told_and_is_no_fault_of_it(campaign: Path) -> None:
    say(campaign, BEN, "reject", "story*", "the trademark\nof another", at=LATER)
    found = verified(campaign)
    assert (found.wrong, found.approved, found.unneeded) == ((), 2, 1)
    assert found.since == (("story.jpg", f"{BEN} has rejected it since: “the trademark of another”"),)


def test_what_was_rejected_or_taken_back_before_it_was_released_is_a_fault(campaign: Path) -> None:
    say(campaign, BEN, "reject", "story*", "too dark", at=LATER)
    history = read_approvals(project_of(campaign))
    (badge,) = [each for each in history.by_asset["badge[locale=en-US]"] if each.decision == "approve"]
    asked = Asked("f" * 32, "withdraw", badge.asset, badge.digest, undoes=badge.ref)
    now = datetime.datetime(2026, 3, 3, tzinfo=datetime.UTC)
    history = decide(planned_in(campaign), history, ANA, [asked], now=now).history
    resealed(campaign, lambda manifest: manifest["approvals"].update(heads=list(history.heads)))
    wrong = dict(verified(campaign).wrong)
    assert wrong["story.jpg"] == f"{BEN} had rejected it before it was released: “too dark”"
    assert wrong["en-US/badge.png"] == f"{ANA} had taken the approval back before it was released"
    assert wrong.keys() == {"story.jpg", "en-US/badge.png"}


def test_a_rejection_that_a_later_policy_counts_again_is_told_and_is_no_fault_of_the_release(tmp_path: Path) -> None:
    """Ops built it, and entered that Ben takes his rejection back, while nobody minded who does."""
    folder, ops = tmp_path / "campaign", "ops@northwind.example"
    write_reviewed(folder)
    assert run_imagebuild(folder, "build", "-q", IMAGEBUILD_USER=ops).returncode == 1  # the tile does not pass
    say(folder, BEN, "reject", "story*", "too dark")
    planned, history = planned_in(folder), read_approvals(project_of(folder))
    (no,) = history.decisions
    back = Asked("f" * 32, "withdraw", no.asset, no.digest, undoes=no.ref)
    now = datetime.datetime(2026, 3, 1, 10, tzinfo=datetime.UTC)
    assert decide(planned, history, BEN, [back], now=now, entering=ops).refused == ()
    say(folder, ANA, "approve", "*", at="2026-03-01T11:00:00")
    release(planned_in(folder), read_approvals(project_of(folder)), "dist")
    assert verified(folder).since == ()
    edit(folder, "campaign.yaml", "by_others: false", "by_others: true")
    found = verified(folder)
    words = f"{BEN} had taken the rejection back, which under the policy of now does not count"
    assert (found.wrong, found.since) == ((), (("story.jpg", words),))


def test_an_approver_who_is_none_any_more_is_told_and_the_release_is_not_called_approved(campaign: Path) -> None:
    edit(campaign, "campaign.yaml", f"brand: [{ANA}, {BEN}]", f"brand: [{BEN}]")
    found = verified(campaign)
    assert (found.wrong, found.approved, found.unneeded) == ((), 0, 1)
    words = "was released under another policy; under that of now it waits for 1 of brand"
    assert found.since == tuple((path, words) for path in ("ar-EG/badge.png", "en-US/badge.png", "story.jpg"))


def test_who_needs_no_approval_must_be_the_picture_that_the_lock_has(campaign: Path) -> None:
    evil = b"anything"
    resealed(campaign, swapped("swatch.png", evil), **{"swatch.png": evil})
    told = "needs no approval, and is not the picture that the lock has"
    assert verified(campaign).wrong == (("swatch.png", told),)
    lock = campaign / "imagebuild.lock"  # another lock since: it cannot tell what was in its place then
    lock.write_text(lock.read_text(encoding="utf-8").replace('"out/story.jpg"', '"out/tale.jpg"'), encoding="utf-8")
    found = verified(campaign)
    assert (found.wrong, found.since[-1]) == ((), ("swatch.png", told))


def test_an_approved_picture_in_the_place_of_another_is_a_fault(campaign: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        arabic, english = manifest["pictures"][:2]
        for name in ("sha256", "bytes", "address", "cell", "approvals"):
            english[name] = arabic[name]

    arabic = (campaign / "dist" / "ar-EG" / "badge.png").read_bytes()
    resealed(campaign, change, **{"en-US/badge.png": arabic})
    told = "is the place of another picture: that of `badge[locale=ar-EG]` is `ar-EG/badge.png`"
    assert verified(campaign).wrong == (("en-US/badge.png", told),)


def test_a_campaign_that_cannot_be_read_says_what_was_not_looked_at(campaign: Path) -> None:
    edit(campaign, "campaign.yaml", "assets:", "assetts:")
    found = verified(campaign)
    assert (found.wrong, found.approved, found.unneeded) == ((), 0, 0)
    assert found.unseen.startswith("the campaign cannot be read: ")
    evil = b"x"
    resealed(campaign, swapped("story.jpg", evil), **{"story.jpg": evil})
    assert verified(campaign).wrong == (("story.jpg", f"what {ANA} approved is another picture"),)


def test_the_campaign_file_says_which_campaign_it_is(campaign: Path) -> None:
    edit(campaign, "campaign.yaml", "campaign: reviewed", "campaign: another")
    with pytest.raises(ReleaseError, match="`dist` is a release of the campaign `reviewed`"):
        verified(campaign)


def test_who_had_it_made_is_as_the_release_says_where_nobody_else_knows(tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    write_reviewed(folder)
    edit(folder, "campaign.yaml", "  by_others: false\n", "")
    edit(folder, "campaign.yaml", f"legal: [{LEA}]", f"legal: [{LEA}, lou@northwind.example]")
    assert run_imagebuild(folder, "build", "-q", IMAGEBUILD_USER=BEN).returncode == 1  # the tile does not pass
    say(folder, ANA, "approve", "story*")
    done = release(planned_in(folder), read_approvals(project_of(folder)), "dist")
    assert [each["makers"] for each in done.release.pictures if each["path"] == "story.jpg"] == [[BEN]]
    assert json.loads(manifest_text(done.release))["pictures"] == list(done.release.pictures)
    shutil.rmtree(folder / ".imagebuild" / "store" / "results")
    path = folder / "imagebuild.lock"
    lock = parse_lock(path.read_text("utf-8"), file="lock")
    bare = {address: entry._replace(extra={}) for address, entry in lock.entries.items()}
    path.write_text(write_lock(lock._replace(entries=bare)), "utf-8")
    found = verified(folder)
    assert (found.wrong, found.since, found.approved) == ((), (), 1)

    def silent(manifest: dict[str, Any]) -> None:
        for each in manifest["pictures"]:
            each["makers"] = None

    resealed(folder, silent)
    why = "is not approved: waits for 1 of brand (one more: it is not known who had it made)"
    assert verified(folder).wrong == (("story.jpg", why),)
