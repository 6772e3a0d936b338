"""`imagebuild approve` and `imagebuild approvals`: what a person types, and what they are told."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import edit, say_in, tree
from tests.cli.inside import Done, Inside, inside
from tests.cli.test_parser import _completed

ANA, BEN, LEA, LUC, EVE = (f"{name}@northwind.example" for name in ("ana", "ben", "lea", "luc", "eve"))
POLICY = f"""\
approvers: {{brand: [{ANA}, {BEN}], legal: [{LEA}, {LUC}]}}
approval: {{need: {{brand: 1}}, by_others: false, for: [{{locale: de-DE, need: {{legal: 1}}}}]}}
"""

FIRST = "decisions are in `imagebuild.approvals` from now on: commit it beside the lock\n"

Say = Callable[..., Done]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path_factory.mktemp("home") / "none"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    return inside(monkeypatch, capsys)


@pytest.fixture
def say(built: Path, run: Inside) -> Say:
    """`say("approve", "hero")`, by Ben."""
    with (built / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(POLICY)
    return lambda *words, by=BEN: run(built, *words, IMAGEBUILD_USER=by)


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=Ana", "-c", f"user.email={ANA}")
    return subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True).stdout


def committed(folder: Path) -> None:
    if not (folder / ".git").exists():
        git(folder, "init", "-q", ".")
    git(folder, "add", "imagebuild.approvals", "campaign.yaml")
    git(folder, "commit", "-q", "-m", "decided")


def lines_of(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "imagebuild.approvals").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()][1:]


def locked(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "imagebuild.lock").read_text("utf-8").splitlines()][1:]


# ------------------------------------------------------------------------------------------------------- approve


def test_pictures_are_approved_and_it_is_told_what_is_still_missing_from_whom(say: Say, built: Path) -> None:
    done = say("approve", "badge")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"approved 3 pictures, as {BEN}\n"
        "  badge[locale=en-US]\n  badge[locale=de-DE]\n  badge[locale=ar-EG]\n"
        "approved in full: 2 of 3\n"
        f"  missing 1 of legal ({LEA}, {LUC}): 1 picture\n" + FIRST
    )
    assert [(each["by"], each["decision"], each["asset"]) for each in lines_of(built)] == [
        (BEN, "approve", f"badge[locale={tag}]") for tag in ("en-US", "de-DE", "ar-EG")
    ]
    assert FIRST not in say("approve", "winter").stdout


def test_what_is_approved_already_is_left_out_and_nothing_is_wrong(say: Say) -> None:
    say("approve", "hero")
    done = say("approve", "hero")
    assert (done.returncode, done.stdout) == (
        0, "left out 1 picture: you have approved it already\n  hero\nnothing was recorded\n"
    )  # fmt: skip


def test_what_waits_for_somebody_is_listed_until_they_have_said_their_word(say: Say) -> None:
    told = say("approvals", "--for", LEA, "badge").stdout
    assert told == f"1 picture waits for {LEA}\n  badge[locale=de-DE]  open  missing 1 of brand, 1 of legal\n"
    assert say("approvals", "--for", "me", "winter", by=LEA).stdout == f"nothing waits for {LEA}\n"
    assert say("approvals", "--for", "me", "badge").stdout.startswith(f"3 pictures wait for {BEN}\n")
    assert say("approvals", "--for", ANA.upper(), "badge").stdout.startswith("3 pictures wait for")
    say("approve", "badge")
    assert say("approvals", "--for", "me", "badge").stdout == f"nothing waits for {BEN}\n"
    assert say("approvals", "--for", ANA, "badge").stdout == f"nothing waits for {ANA}\n", "one of brand is enough"
    (row,) = json.loads(say("approvals", "--for", LUC, "badge", "--json").stdout)["assets"]
    assert (row["address"], row["state"]) == ("badge[locale=de-DE]", "partly")
    assert row["waits_for"] == {"people": sorted((LEA, LUC))}
    say("approve", "badge[locale=de-DE]", "--reject", "--why", "crooked", by=LEA)
    assert say("approvals", "--for", LUC, "badge").stdout == f"nothing waits for {LUC}\n"
    wrong = say("approvals", "log", "--for", LUC)
    assert (wrong.returncode, "goes with the list" in wrong.stderr) == (1, True)


def test_what_waits_for_whoever_decides_is_approved_in_one_go(say: Say, built: Path) -> None:
    done = say("approve", "--waiting", by=LEA)
    assert done.returncode == 0
    assert "approved 2 pictures" in done.stdout
    assert [each["asset"] for each in lines_of(built)] == ["poster[locale=de-DE]", "badge[locale=de-DE]"]
    again = say("approve", "--waiting", by=LEA)
    assert (again.returncode, again.stdout) == (0, f"nothing waits for {LEA}: nothing was recorded\n")
    assert "approved 3 pictures" in say("approve", "badge", "--waiting").stdout
    wrong = say("approvals", "--for", "laa@northwind.example")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert f"no `approvers` names `laa@northwind.example`\n  hint: did you mean `{LEA}`?" in wrong.stderr
    assert say("approve", "--waiting", "--all").returncode == 1
    wrong = say("approve", "--waiting", "--another-take")
    assert (wrong.returncode, "what waits for approval" in wrong.stderr) == (1, True)


def test_what_is_not_built_or_did_not_pass_waits_for_nobodys_approval(say: Say, built: Path) -> None:
    say_in(built, "de-DE", "Neue Worte")
    waiting = say("approvals", "--for", BEN).stdout
    assert "poster[locale=en-US]" in waiting
    assert "poster[locale=de-DE]" not in waiting


def test_all_is_every_picture_that_is_delivered(say: Say, built: Path) -> None:
    done = say("approve", "--all", "--exclude", "winter")
    assert done.returncode == 0
    assert "approved 7 pictures" in done.stdout
    assert {each["asset"].partition("[")[0] for each in lines_of(built)} == {"hero", "badge", "poster"}


def test_what_is_not_built_is_refused(say: Say, built: Path) -> None:
    say_in(built, "de-DE", "Neue Worte")
    done = say("approve", "poster")
    assert done.returncode == 1
    assert "approved 2 pictures" in done.stdout
    refused = "refused 1 picture: it is not built\n  poster[locale=de-DE]\n  hint: `imagebuild build` makes it\n"
    assert refused in done.stdout


def test_what_the_policy_does_not_allow_is_refused(say: Say, built: Path) -> None:
    done = say("approve", "hero", by="eve@northwind.example")
    assert done.returncode == 1
    assert "refused 1 picture: `eve@northwind.example` is not among those who decide here" in done.stdout
    assert not (built / "imagebuild.approvals").exists()


def test_a_picture_is_rejected_with_a_reason_and_its_approval_does_not_help(say: Say) -> None:
    say("approve", "hero", by=ANA)
    done = say("approve", "hero", "--reject", "--why", "<script>alert(1)</script>\nno")
    assert (done.returncode, done.stdout) == (0, f"rejected 1 picture, as {BEN}\n  hero\napproved in full: 0 of 1\n")
    shown = say("approvals", "hero").stdout
    assert f"rejected hero by {BEN}: <script>alert(1)</script> no\n" in shown
    assert json.loads(say("approvals", "--json", "hero").stdout)["assets"][0]["state"] == "rejected"


def test_what_was_said_is_taken_back(say: Say) -> None:
    say("approve", "hero")
    assert say("approve", "hero", "--withdraw").stdout.startswith(f"took back what was said of 1 picture, as {BEN}\n")
    done = say("approve", "hero", "--withdraw")
    assert done.returncode == 0
    assert "left out 1 picture: there is nothing of yours to take back" in done.stdout
    assert "open" in say("approvals", "hero").stdout


def test_a_comment_is_anybodys(say: Say, built: Path) -> None:
    done = say("approve", "hero", "--comment", "the steam hides the logo", by="eve@northwind.example")
    assert done.returncode == 0, done.stderr
    assert (lines_of(built)[0]["decision"], lines_of(built)[0]["why"]) == ("comment", "the steam hides the logo")


def test_another_take_says_its_price_and_for_how_many_pictures_and_pays_nothing(say: Say, built: Path) -> None:
    before = tree(built / ".imagebuild" / "store")
    done = say("approve", "hero", "badge", "--another-take", "--why", "a second kettle")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"asked for another take of 1 picture, as {BEN}\n  scene\n"
        "the next build pays nothing more, and makes 5 pictures anew; nothing was paid now\n"
        "  hero\n  badge[locale=en-US]\n  badge[locale=de-DE]\n  badge[locale=ar-EG]\n  winter\n" + FIRST
    )
    assert tree(built / ".imagebuild" / "store") == before
    again = say("approve", "hero", "--another-take")
    assert f"left out 1 picture: another take is asked for already, by {BEN}\n  scene\n" in again.stdout
    assert "make" in say("plan").stdout
    back = say("approve", "hero", "--another-take", "--withdraw", by=LEA)
    assert "took back what was said of 1 picture" in back.stdout
    assert "no other take is asked for" in say("approve", "hero", "--another-take", "--withdraw").stdout


def test_another_take_is_taken_back_also_after_it_was_made(say: Say, built: Path) -> None:
    before = {each["asset"]: each["digest"] for each in locked(built)}
    say("approve", "hero", "--another-take")
    assert say("build", "-q").returncode == 0
    assert {each["asset"]: each["digest"] for each in locked(built)}["scene"] != before["scene"]
    done = say("approve", "hero", "--another-take", "--withdraw", by=LEA)
    assert done.stdout == f"took back what was said of 1 picture, as {LEA}\n  scene\n"
    assert say("build", "-q").returncode == 0
    assert {each["asset"]: each["digest"] for each in locked(built)} == before


def test_another_take_of_what_is_no_longer_asked_for_so_is_refused(say: Say, built: Path) -> None:
    edit(built, "campaign.yaml", '"A kettle on a table."', '"A mug on a table."')
    done = say("approve", "hero", "--another-take")
    assert done.returncode == 1
    told = "refused 1 picture: its request changed\n  scene\n  hint: build first: `imagebuild build`\n"
    assert done.stdout == told + "nothing was recorded\n"


def test_who_is_at_work_stays_beside_what_is_said_in_anothers_name(say: Say, built: Path) -> None:
    done = say("approve", "hero", "--as", ANA, by=BEN)
    assert done.stdout.startswith(f"approved 1 picture, as {ANA} (as said by {BEN})\n")
    (line,) = lines_of(built)
    assert (line["by"], line["entered"]) == (ANA, f"as said by {BEN}")
    assert f"(as said by {BEN})" in say("approvals", "log").stdout
    say("approve", "winter", "--as", BEN.upper(), by=BEN)
    assert "entered" not in lines_of(built)[-1]
    exported(built, an_entry(built, "badge[locale=de-DE]"))
    say("approve", "--from", "decisions.json", "--as", ANA, by=BEN)
    assert (lines_of(built)[-1]["by"], lines_of(built)[-1]["entered"]) == (LEA, f"import by {BEN}")
    say("release", "dist", by=BEN)
    released = json.loads((built / "dist" / "release.json").read_text("utf-8"))["pictures"]
    assert [yes["entered"] for each in released if each["address"] == "hero" for yes in each["approvals"]] == [
        f"as said by {BEN}"
    ]


def test_an_approval_that_the_maker_enters_for_another_is_told_not_to_count(say: Say, built: Path) -> None:
    edit(built, "campaign.yaml", "by_others: false", "by_others: true")
    edit(built, "campaign.yaml", '"A kettle on a table."', '"A mug on a table."')
    assert say("build", "-q", by=EVE).returncode == 0
    done = say("approve", "hero", "--as", BEN, by=EVE)
    assert "approved in full: 0 of 1" in done.stdout
    assert f"  not counted: 1 approval of {BEN}, entered by whoever had the pictures made" in done.stdout


def test_an_asset_without_an_output_is_not_approved(say: Say) -> None:
    done = say("approve", "scene")
    assert (done.returncode, done.stdout) == (
        0, "left out 1 picture: it is not delivered\n  scene\nnothing was recorded\n"
    )  # fmt: skip


def test_json_says_what_was_recorded_and_what_was_not(say: Say, built: Path) -> None:
    done = say("approve", "badge", "--json", by=LEA)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["campaign"], found["by"]) == ("small", LEA)
    assert [{**each, "after": lines_of(built)[0]["after"]} for each in found["recorded"]] == lines_of(built)
    assert {(each["asset"], each["refused"]) for each in found["left_out"]} == {
        ("badge[locale=en-US]", True), ("badge[locale=ar-EG]", True)
    }  # fmt: skip


def test_without_a_name_nothing_is_recorded_and_it_is_told_how_to_say_who_one_is(built: Path, run: Inside) -> None:
    done = run(built, "approve", "hero")
    assert done.returncode == 1
    assert done.stderr == (
        "error: nobody knows who decides\n  hint: `--as you@example.com`, or `git config user.email you@example.com`, "
        "or set IMAGEBUILD_USER\n"
    )
    assert not (built / "imagebuild.approvals").exists()
    git(built, "init", "-q", ".")
    git(built, "config", "user.email", LEA)
    assert f"as {LEA}" in run(built, "approve", "hero").stdout
    assert f"as {ANA}" in run(built, "approve", "hero", "--as", ANA, IMAGEBUILD_USER=BEN).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "error: which pictures?"),
        (["--reject", "hero"], "error: to reject takes a reason"),
        (["--all", "hero"], "error: `--all` and a selection contradict each other"),
        (["--withdraw", "--reject", "--why", "x", "hero"], "error: `--withdraw` goes with `--another-take`"),
        (["--comment", "x", "--why", "y", "hero"], "error: a comment needs no `--why`"),
        (["--comment", " ", "hero"], "error: the comment is empty"),
        (["--from", "d.json", "hero"], "error: `--from` says itself what is decided"),
        (["--from", "d.json"], "error: cannot read `d.json`: no such file or directory"),
        (["--reject", "--another-take", "hero"], "error: argument --another-take: not allowed with argument --reject"),
        (["nero"], "error: nothing matches `nero`\n  hint: did you mean `hero`?"),
    ],
)
def test_a_command_that_says_too_little_or_too_much_is_told(say: Say, built: Path, words: list[str], said: str) -> None:
    done = say("approve", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(said)
    assert not (built / "imagebuild.approvals").exists()


def test_a_name_that_would_command_the_terminal_is_refused_and_shown_harmless(say: Say) -> None:
    done = say("approve", "hero", "--as", "\x1b[2Jana")
    assert done.returncode == 1
    assert "refused 1 picture: `by` holds characters that cannot be seen" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr


# ------------------------------------------------------------------------------------------------------ --from


def exported(built: Path, *entries: dict[str, Any], **others: Any) -> Path:
    content = {"imagebuild.decisions": 1, "campaign": "small", "by": LEA, "decisions": list(entries), **others}
    path = built / "decisions.json"
    path.write_text(json.dumps(content), "utf-8")
    return path


def an_entry(built: Path, asset: str, number: int = 1, **others: Any) -> dict[str, Any]:
    rows = [json.loads(line) for line in (built / "imagebuild.lock").read_text("utf-8").splitlines()]
    (digest,) = [row["digest"] for row in rows if row.get("asset") == asset]
    entry = {"ref": f"{number:032x}", "at": "2026-11-20T10:00:00Z", "decision": "approve", "asset": asset}
    return {**entry, "digest": digest, **others}


def test_what_was_decided_on_an_exported_page_is_recorded_once_in_the_name_of_who_decided(
    say: Say, built: Path
) -> None:  # fmt: skip
    exported(built, an_entry(built, "poster[locale=de-DE]"), an_entry(built, "badge[locale=de-DE]", 2))
    first = say("approve", "--from", "decisions.json")
    assert (first.returncode, first.stderr) == (0, "")
    assert f"approved 2 pictures, as {LEA}" in first.stdout
    found = [(each["by"], each["at"], each["entered"]) for each in lines_of(built)]
    assert found == [(LEA, "2026-11-20T10:00:00Z", f"import by {BEN}")] * 2
    second = say("approve", "--from", "decisions.json")
    assert (second.returncode, second.stdout) == (0, "2 of them were recorded before\nnothing was recorded\n")
    assert len(lines_of(built)) == 2


def test_of_an_exported_page_each_decision_that_is_refused_is_told(say: Say, built: Path) -> None:
    exported(
        built, an_entry(built, "poster[locale=de-DE]"), an_entry(built, "hero", 2),
        an_entry(built, "hero", 3, decision="comment", why="\u202egood\x00"),
        {**an_entry(built, "hero", 4), "digest": "0" * 64, "decision": "comment", "why": "old"},
        {**an_entry(built, "hero", 5), "asset": "../../etc/passwd"}, {**an_entry(built, "hero", 6), "id": "0" * 64},
        {**an_entry(built, "hero", 7), "asset": "\ud800"}, {**an_entry(built, "hero", 8), "asset": "\u202eoreh"},
    )  # fmt: skip
    done = say("approve", "--from", "decisions.json")
    assert done.returncode == 1
    assert len(lines_of(built)) == 1
    for what in (
        f"`{LEA}` is not among those who decide here", "`why` holds control characters", "another picture is there now",
        "the campaign has no `../../etc/passwd`", "`id` is not for the file to say",
        "`asset` must be a text", "`asset` holds characters that cannot be seen",
    ):  # fmt: skip
        assert what in done.stdout


def test_a_file_of_another_campaign_is_refused(say: Say, built: Path) -> None:
    exported(built, an_entry(built, "hero"), campaign="winter")
    done = say("approve", "--from", "decisions.json")
    assert (done.returncode, done.stderr) == (
        1,
        "error: `decisions.json` is of the campaign `winter`, this is `small`\n",
    )


def test_a_file_too_large_for_decisions_is_not_read_whole(say: Say, built: Path) -> None:
    with (built / "huge.json").open("wb") as file:
        file.truncate(3 * 2**30)
    done = say("approve", "--from", "huge.json")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: `huge.json` is larger than 20 MB")


# ------------------------------------------------------------------------------------------------------ approvals


def test_the_list_counts_by_asset_and_state_and_says_what_is_missing_from_whom(say: Say) -> None:
    say("approve", "--all")
    say("approve", "poster", by=LEA)
    done = say("approvals")
    assert done.returncode == 0
    assert done.stdout == (
        "          partly  approved\n"
        "poster         ·         3\n"
        "hero           ·         1\n"
        "badge          1         2\n"
        "winter         ·         1\n"
        f"missing 1 of legal ({LEA}, {LUC}): 1 picture\n"
        "  badge[locale=de-DE]\n"
    )
    chosen = say("approvals", "badge", "--state", "partly", "--state", "open").stdout.splitlines()
    assert chosen[-1] == "  badge[locale=de-DE]  partly  missing 1 of legal"
    assert say("approvals", "hero", "--state", "lapsed").stdout == "no picture is lapsed\n"


def test_an_approval_lapses_visibly_when_the_picture_changes(say: Say, built: Path) -> None:
    say("approve", "poster[locale=en-US]")
    say_in(built, "en-US", "Other words")
    not_built = say("approvals", "poster[locale=en-US]").stdout
    assert "1 picture not built as the campaign is now: `imagebuild build`" in not_built
    assert say("build", "poster", "-q").returncode == 0
    rows = json.loads(say("approvals", "--json", "poster[locale=en-US]").stdout)["assets"]
    assert [(row["state"], [each["by"] for each in row["lapsed"]]) for row in rows] == [("lapsed", [BEN])]


def test_the_log_has_everything_that_was_decided_the_newest_last(say: Say) -> None:
    say("approve", "hero", "badge")
    say("approve", "hero", "--withdraw", "--why", "wrong\none")
    lines = say("approvals", "log", "hero").stdout.splitlines()
    assert len(lines) == 2
    assert "  approve   hero  " in lines[0]
    assert lines[0].endswith(f"  {BEN}  (taken back)")
    assert "  withdraw  hero  " in lines[1]
    assert "“wrong one”  (the approve of 20" in lines[1]
    found = json.loads(say("approvals", "log", "--json").stdout)
    assert [each["taken_back"] for each in found["decisions"]] == [True, False, False, False, False]
    assert say("approvals", "log", "winter").stdout == "nothing was decided about these\n"


def test_the_log_is_read_also_when_the_campaign_cannot_be(say: Say, built: Path) -> None:
    say("approve", "badge")
    (built / "campaign.yaml").write_text("imagebuild: [", "utf-8")
    assert len(say("approvals", "log", "locale=de-DE").stdout.splitlines()) == 1
    assert say("approvals").returncode == 1


def test_options_that_do_not_go_together_are_told(say: Say) -> None:
    assert say("approvals", "--against", "v1").stderr.startswith("error: `--against` goes with `verify`")
    assert say("approvals", "log", "--state", "open").stderr.startswith("error: `--state` goes with the list")
    assert say("approvals", "verify", "hero").stderr.startswith("error: `verify` looks at the whole history")


# ------------------------------------------------------------------------------------------------------- verify


def test_a_whole_history_is_verified_against_the_last_commit(say: Say, built: Path) -> None:
    say("approve", "hero")
    committed(built)
    say("approve", "badge")
    done = say("approvals", "verify")
    assert done.returncode == 0
    assert done.stdout.startswith("verified: 4 decisions, the chain is whole; all 1 that HEAD (")
    assert json.loads(say("approvals", "verify", "--json").stdout)["verified"] is True


def test_what_could_not_be_looked_at_is_told_and_not_called_verified(say: Say, built: Path) -> None:
    say("approve", "hero")
    for why in ("the campaign is in no git repository", "nothing is committed yet"):
        done = say("approvals", "verify")
        assert (done.returncode, done.stdout) == (
            0, f"the chain of 1 decision is whole; whether any was taken off its end was not seen: {why}\n"
        )  # fmt: skip
        assert json.loads(say("approvals", "verify", "--json").stdout)["verified"] is False
        git(built, "init", "-q", ".") if not (built / ".git").exists() else None
    git(built, "add", "campaign.yaml")
    git(built, "commit", "-q", "-m", "without")
    assert "`imagebuild.approvals` is not committed at HEAD (" in say("approvals", "verify").stdout
    asked = say("approvals", "verify", "--against", "v7")
    assert (asked.returncode, asked.stderr.splitlines()[0]) == (1, "error: git knows no `v7`")


def test_where_nothing_was_decided_nothing_is_called_verified(say: Say) -> None:
    done = say("approvals", "verify")
    told = "nothing was decided yet, as far as can be seen here: the campaign is in no git repository\n"
    assert (done.returncode, done.stdout) == (0, told)


def test_git_that_is_not_there_is_told(say: Say, built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    say("approve", "hero")
    committed(built)
    monkeypatch.setenv("PATH", str(built / "strings"))
    done = say("approvals", "verify")
    assert done.returncode == 0
    assert done.stdout.endswith("was not seen: git is not installed\n")


@pytest.fixture
def decided(say: Say, built: Path) -> Path:
    """Four decisions, committed; the path of their file."""
    say("approve", "hero", "badge")
    committed(built)
    return built / "imagebuild.approvals"


def rewritten(path: Path, change: Callable[[list[str]], list[str]]) -> None:
    header, *lines = path.read_text("utf-8").splitlines()
    path.write_text("".join(f"{line}\n" for line in [header, *change(lines)]), "utf-8")


@pytest.mark.parametrize(
    ("change", "line", "what"),
    [
        (lambda lines: [lines[0].replace("hero", "nero"), *lines[1:]], 2, "the line was edited"),
        (lambda lines: [lines[0].replace(BEN, LEA), *lines[1:]], 2, "the line was edited"),
        (lambda lines: [lines[0], *lines[2:]], 3, "the decision before this one is gone"),
        (lambda lines: lines[1:], 2, "the decision before this one is gone"),
        (lambda lines: [*lines[:2], "{", *lines[2:]], 4, "a damaged line"),
        (lambda lines: [*lines[:3], lines[3].replace('"after":["', '"after":["0', 1)], 5, "a damaged line"),
    ],
    ids=["edited", "somebody else's", "removed", "the first removed", "damaged", "its place changed"],
)
def test_an_edited_history_is_not_whole_and_nothing_is_added_to_it(
    say: Say, decided: Path, change: Callable[[list[str]], list[str]], line: int, what: str
) -> None:
    rewritten(decided, change)
    before = decided.read_bytes()
    done = say("approvals", "verify")
    assert done.returncode == 1
    assert f"imagebuild.approvals:{line}:1: error: {what}" in done.stdout
    assert "not whole: " in done.stdout.splitlines()[-1]
    for words in (["approve", "winter"], ["approvals"]):
        refused = say(*words)
        assert refused.returncode == 1
        assert f"imagebuild.approvals:{line}:1: error: {what}" in refused.stderr
    assert say("approvals", "log").returncode == 1
    assert decided.read_bytes() == before


def test_lines_in_another_order_are_the_same_history_as_after_a_merge(say: Say, decided: Path) -> None:
    before = say("approvals", "log", "--json").stdout
    rewritten(decided, lambda lines: lines[::-1])
    assert say("approvals", "verify").returncode == 0
    assert say("approvals", "log", "--json").stdout == before


def test_a_decision_taken_off_the_end_shows_against_git(say: Say, decided: Path) -> None:
    rewritten(decided, lambda lines: lines[:-1])
    done = say("approvals", "verify")
    assert done.returncode == 1
    first, hint, last = done.stdout.splitlines()
    assert first.startswith("error: a decision that HEAD (")
    assert "badge[locale=ar-EG]" in first
    assert hint == "  hint: decisions are only ever added: put the line back as git has it"
    assert last == "not whole: 1 fault in the history of 3 decisions"
    found = json.loads(say("approvals", "verify", "--json").stdout)
    assert (found["verified"], [each["asset"] for each in found["lost"]]) == (False, ["badge[locale=ar-EG]"])


def test_a_history_that_was_written_anew_with_a_chain_of_its_own_shows_against_git(
    say: Say, decided: Path, built: Path
) -> None:  # fmt: skip
    decided.unlink()
    say("approve", "hero", "badge", by=ANA)
    done = say("approvals", "verify", "--against", "HEAD")
    assert done.returncode == 1
    assert done.stdout.count("is gone") == 4
    (built / "imagebuild.approvals").unlink()
    assert say("approvals", "verify").stdout.count("is gone") == 4


def test_an_earlier_revision_is_compared_with_as_well(say: Say, decided: Path, built: Path) -> None:
    git(built, "tag", "v1")
    rewritten(decided, lambda lines: lines[:-1])
    committed(built)
    assert say("approvals", "verify").returncode == 0
    assert say("approvals", "verify", "--against", "v1").returncode == 1


def test_two_branches_of_decisions_are_merged_by_git_and_verified(say: Say, built: Path) -> None:
    say("approve", "hero")
    git(built, "init", "-q", "-b", "main", ".")
    git(built, "add", "imagebuild.approvals", "campaign.yaml")
    git(built, "commit", "-q", "-m", "first")
    git(built, "checkout", "-q", "-b", "legal")
    say("approve", "poster", "badge", "--exclude", "locale=*G", "--exclude", "locale=en*", by=LEA)
    committed(built)
    git(built, "checkout", "-q", "main")
    say("approve", "poster", by=ANA)
    committed(built)
    merged = subprocess.run(
        ["git", "-c", "user.name=Ana", "-c", f"user.email={ANA}", "merge", "-q", "legal"], cwd=built, check=False
    )
    assert merged.returncode == 1, "the file was there before git was: nobody told git how to merge it"
    assert "approved 1 picture" in say("approve", "winter").stdout
    committed(built)
    assert say("approvals", "verify").stdout.startswith("verified: 7 decisions, the chain is whole; all 7 that HEAD (")
    assert say("approvals", "verify", "--against", "legal").returncode == 0
    states = json.loads(say("approvals", "--json").stdout)["states"]
    assert (states["poster"]["approved"], states["badge"]["partly"]) == (3, 1)


# ------------------------------------------------------------------------------------------------------ completion


def test_what_to_do_and_what_about_complete(built: Path) -> None:
    assert set(_completed(built, "imagebuild approv")) == {"approve", "approvals"}
    assert _completed(built, "imagebuild approvals ver") == ["verify"]
    assert "hero" in _completed(built, "imagebuild approve h")
    assert _completed(built, "imagebuild approve --another") == ["--another-take"]
