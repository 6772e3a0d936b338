"""What a report gathers: what changed since a revision and why, what it cost, what is next, who is still to decide."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from imagebuild.core.address import parse_selection
from imagebuild.core.key import digest_of
from imagebuild.core.reporting.report import Report
from imagebuild.errors import ImagebuildError
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.report import beside, report_of
from tests.cli.conftest import edit, run_imagebuild, say_in, write_campaign
from tests.stages.reviewing import ANA, BEN, project_of, say


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false", *words], cwd=folder,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def build(folder: Path) -> None:
    done = run_imagebuild(folder, "build", "-q")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def committed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built and committed as v1, pictures too; then, on a branch: another German headline, no badges but a tile,
    built; and a new prompt for winter, not built."""
    folder = tmp_path_factory.mktemp("reported") / "campaign"
    write_campaign(folder)
    build(folder)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "v1")
    git(folder, "tag", "v1")
    git(folder, "checkout", "-qb", "autumn")
    say_in(folder, "de-DE", "Stille Abende")
    edit(folder, "campaign.yaml", "  badge:", "  tile:")
    edit(folder, "campaign.yaml", "/badge.png", "/tile.png")
    edit(folder, "campaign.yaml", "cover: [64, 40]", "cover: [66, 44]")
    build(folder)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "autumn")
    edit(folder, "campaign.yaml", "in falling snow", "in pouring rain")
    return folder


@pytest.fixture
def campaign(committed_once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(committed_once, tmp_path / "campaign", ignore=shutil.ignore_patterns("memory")))


def reported(
    folder: Path, since: str | None = None, *words: str, pictured: bool = True, links_from: Path | None = None
) -> Report:
    project = project_of(folder)
    planned = plan_campaign(project, whole=True)
    return report_of(
        planned, read_approvals(project), beside(planned, since), selection=parse_selection(words, ()),
        pictured=pictured, links_from=str(links_from) if links_from else None,
    )  # fmt: skip


def kinds(report: Report) -> dict[str, str]:
    return {change.address: change.kind for change in report.changes}


def test_what_is_new_changed_and_gone_since_the_revision(campaign: Path) -> None:
    report = reported(campaign, "v1")
    assert kinds(report) == {
        "poster[locale=de-DE]": "changed",
        **{f"tile[locale={tag}]": "new" for tag in ("en-US", "de-DE", "ar-EG")},
        **{f"badge[locale={tag}]": "gone" for tag in ("en-US", "de-DE", "ar-EG")},
    }
    assert [(each.asset, each.new, each.changed, each.gone) for each in report.tallies] == [
        ("hero", 0, 0, 0), ("tile", 3, 0, 0), ("poster", 0, 1, 0), ("winter", 0, 0, 0), ("badge", 0, 0, 3),
    ]  # fmt: skip


def test_a_change_is_told_with_its_cause_and_shown_before_and_after(campaign: Path) -> None:
    (change,) = [each for each in reported(campaign, "v1").changes if each.kind == "changed"]
    (part,) = change.parts
    (cause,) = part.reason.causes
    assert (cause.name, cause.old, cause.new) == ("t.headline", "Warme Morgen", "Stille Abende")
    assert str(cause.at).endswith("strings/de-DE.yaml:1:11")
    assert part.reason.changes[0].field == "prompt"
    assert change.before is not None
    assert change.before.small is not None
    assert change.after is not None
    assert change.after.small is not None
    assert change.before.small.data != change.after.small.data
    assert change.after.small.size == (320, 200)
    assert change.after.digest == digest_of((campaign / "out" / "de-DE" / "poster.png").read_bytes())


def test_what_the_campaign_says_since_the_picture_was_made_is_no_reason_for_it(campaign: Path) -> None:
    say_in(campaign, "de-DE", "Laute Tage")  # not built
    (change,) = [each for each in reported(campaign, "v1").changes if each.kind == "changed"]
    (cause,) = change.parts[0].reason.causes
    assert (cause.old, cause.new) == ("Warme Morgen", "Stille Abende")


def test_a_change_far_down_is_told_where_it_began(campaign: Path) -> None:
    edit(campaign, "campaign.yaml", '"A kettle on a table."', '"A mug on a table."')
    build(campaign)
    changes = {each.address: each for each in reported(campaign, "v1").changes}
    hero = changes["hero"]
    assert [part.address for part in hero.parts] == ["scene"]
    assert [change.field for change in hero.parts[0].reason.changes] == ["prompt"]
    winter = [part.address for part in changes["winter"].parts]
    assert winter[0] == "scene"
    assert len(winter) == 2  # its own prompt changed as well


def test_a_picture_that_the_store_lost_is_shown_as_git_has_it(campaign: Path) -> None:
    before = next(each.before for each in reported(campaign, "v1").changes if each.kind == "changed")
    assert before is not None
    (campaign / ".imagebuild" / "store" / "objects" / before.digest[:2] / before.digest).unlink()
    shutil.rmtree(campaign / ".imagebuild" / "thumbs")
    again = next(each.before for each in reported(campaign, "v1").changes if each.kind == "changed")
    assert again == before


def test_the_next_build_is_told_with_its_reasons_and_prices(campaign: Path) -> None:
    (work,) = [each for each in reported(campaign, "v1").work if each.reason.changes]
    assert (work.asset, work.verdict, work.addresses) == ("winter", "make", ("winter",))
    assert work.reason.changes[0].field == "prompt"
    planned = plan_campaign(project_of(campaign), provider="openai", whole=True)
    report = report_of(planned, read_approvals(project_of(campaign)), beside(planned, "v1"))
    assert report.price == planned.plan.price > 0
    assert sum(each.price for each in report.work) == report.price
    assert sum(each.price for each in report.tallies) == report.price


def test_decisions_that_are_open_rejected_and_lapsed_are_gathered_by_what_is_waited_for(campaign: Path) -> None:
    git(campaign, "checkout", "-q", "-f", "v1")
    say(campaign, ANA, "approve", "poster*")
    git(campaign, "checkout", "-q", "-f", "autumn")
    say(campaign, BEN, "reject", "hero", "<b>too dark</b>")
    report = reported(campaign, "v1")
    found = {(each.state, each.words): each.addresses for each in report.decisions}
    assert found["rejected", f"{BEN}: “<b>too dark</b>”"] == ("hero",)
    assert found["lapsed", f"{ANA} approved the picture before; waits for 1 of anybody"] == ("poster[locale=de-DE]",)
    assert found["open", "waits for 1 of anybody"] == (
        "tile[locale=en-US]", "tile[locale=de-DE]", "tile[locale=ar-EG]", "winter",
    )  # fmt: skip
    assert report.states == {"open": 4, "approved": 2, "rejected": 1, "lapsed": 1}


def test_of_what_is_not_built_as_the_campaign_is_now_nobody_has_decided(campaign: Path) -> None:
    """The picture of the earlier words is approved still, and is not what is to be decided about."""
    say(campaign, ANA, "approve", "*")
    assert reported(campaign, "v1").states == {"open": 1, "approved": 7}
    say_in(campaign, "en-US", "Other words")
    report = reported(campaign, "v1")
    assert report.states == {"open": 2, "approved": 6}
    (waits,) = report.decisions
    assert (waits.words, waits.addresses) == (
        "is not built yet; waits for 1 of anybody", ("poster[locale=en-US]", "winter"),
    )  # fmt: skip


def test_by_default_it_is_compared_with_where_the_branch_left_the_default_one(campaign: Path) -> None:
    planned = plan_campaign(project_of(campaign), whole=True)
    found = beside(planned, None)
    assert found.since is not None
    assert found.since.commit == git(campaign, "rev-parse", "v1")
    assert "where this branch left `main`" in found.words
    git(campaign, "checkout", "-q", "-f", "main")
    git(campaign, "merge", "-q", "autumn")
    found = beside(plan_campaign(project_of(campaign), whole=True), None)
    assert found.since is not None
    assert found.since.commit == git(campaign, "rev-parse", "HEAD")
    assert "the last commit" in found.words


def test_without_git_it_tells_what_there_is_and_why_no_more(campaign: Path) -> None:
    shutil.rmtree(campaign / ".git")
    report = reported(campaign)
    assert (report.since, report.changes, report.spent_since) == (None, (), None)
    assert report.alone == "the campaign is in no git repository"
    assert report.work
    assert report.decisions
    with pytest.raises(ImagebuildError, match="no git repository"):
        reported(campaign, "v1")


def test_a_selection_reports_that_alone(campaign: Path) -> None:
    report = reported(campaign, "v1", "poster", "locale=de-DE")
    assert kinds(report) == {"poster[locale=de-DE]": "changed"}
    assert [each.asset for each in report.tallies] == ["poster"]
    assert report.work == ()
    assert report.states == {"open": 1}


def test_pictures_are_linked_where_git_has_them_as_they_are(campaign: Path) -> None:
    def link(address: str, links_from: Path | None) -> str | None:
        report = reported(campaign, "v1", pictured=False, links_from=links_from)
        (after,) = [each.after for each in report.changes if each.address == address]
        assert after is not None
        assert after.small is None
        return after.committed

    (campaign / "docs").mkdir()
    assert link("poster[locale=de-DE]", campaign) == "out/de-DE/poster.png"
    assert link("poster[locale=de-DE]", campaign / "docs") == "../out/de-DE/poster.png"
    assert link("poster[locale=de-DE]", campaign.parent) is None  # it would lead out of the repository's own folder
    assert link("poster[locale=de-DE]", None) is None
    git(campaign, "rm", "-q", "--cached", "out/de-DE/poster.png")
    git(campaign, "commit", "-qm", "not the poster")
    assert link("poster[locale=de-DE]", campaign) is None


def test_the_same_campaign_is_reported_alike(campaign: Path) -> None:
    assert reported(campaign, "v1") == reported(campaign, "v1")
