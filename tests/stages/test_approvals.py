"""Recording decisions: what is taken, what is refused and in which words; who is asking; how pictures stand."""

from __future__ import annotations

import datetime
import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from imagebuild.core.lock import parse_lock, write_lock
from imagebuild.errors import ApprovalsError
from imagebuild.stages.approvals import Asked, Decided, decide, read_approvals
from imagebuild.stages.asked import MOST_BYTES, Refused, asked_of, read_exported
from imagebuild.stages.people import identity, makers_of
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.stages.standings import missing_of, select, standings
from imagebuild.stages.takes import takes
from tests.cli.conftest import edit, run_imagebuild

ANA, BEN, LEA, LUC, EVE = (f"{name}@northwind.example" for name in ("ana", "ben", "lea", "luc", "eve"))
NOW = datetime.datetime(2026, 11, 21, 22, 54, 29, tzinfo=datetime.UTC)
CAMPAIGN = f"""\
imagebuild: 1
campaign: small
model: gpt-image-2-2026-04-21
defaults: {{quality: low, resolution: 1k}}
axes: {{locale: {{source: en-US, targets: [de-DE]}}}}
approvers: {{brand: [{ANA}, {BEN}], legal: [{LEA}, {LUC}]}}
approval:
  need: {{brand: 1}}
  for: [{{locale: de-DE, need: {{legal: 1}}}}]
assets:
  scene: {{prompt: "A kettle.", size: 1024x640}}
  hero: {{over: [locale], from: scene, steps: [fit: {{cover: [320, 200]}}], output: "{{{{ locale }}}}/hero.webp"}}
  green:
    from: scene
    checks: {{palette: {{colors: ['#00ff00'], most: 1, share: 0.9}}}}
    steps: [fit: {{cover: [64, 40]}}]
    output: green.png
  poster: {{prompt: "A poster.", size: 1024x640, variants: 2, output: poster.png}}
  fixed: {{prompt: "Fixed.", size: 1024x640, variants: 2, pick: 2, output: fixed.png, approval: {{need: none}}}}
"""


@pytest.fixture(scope="module")
def master_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("approved") / "master"
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "campaign.yaml").write_text(CAMPAIGN, "utf-8")
    done = run_imagebuild(folder, "build", IMAGEBUILD_USER=ANA)
    assert "rejected 1" in done.stdout, done.stdout + done.stderr
    return folder


@pytest.fixture
def folder(master_copy: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(master_copy, tmp_path / "built", ignore=shutil.ignore_patterns("memory")))


@pytest.fixture
def planned(folder: Path) -> Planned:
    return plan(folder)


def plan(folder: Path) -> Planned:
    return plan_campaign(find_project(None, {}, str(folder)), whole=True)


def asked(planned: Planned, address: str, decision: str = "approve", number: int = 1, **others: Any) -> Asked:
    entry = planned.facts.lock.entries.get(others.pop("of", address))
    digest = others.pop("digest", entry.digest if entry else "0" * 64)
    return Asked(f"{number:032x}", decision, address, digest, **others)


def say(planned: Planned, who: str, *several: Asked, entering: str | None = None) -> Decided:
    return decide(planned, read_approvals(planned.project), who, several, now=NOW, entering=entering)


def refusal(planned: Planned, who: str, one: Asked) -> str:
    """Why it is refused; nothing is written."""
    before = read_approvals(planned.project)
    found = say(planned, who, one)
    assert found.accepted == ()
    assert read_approvals(planned.project) == before
    (refused,) = found.refused
    assert refused.ref == one.ref
    return refused.what


def kept_back(planned: Planned) -> str:
    """The digest of the picture that its check rejected."""
    (step,) = [each for each in planned.plan.steps if each.address == "green"]
    assert step.verdict == "rejected"
    known = planned.facts.result(step.key)
    assert known is not None
    return known.digest


# ---------------------------------------------------------------------------------------------------- what is taken


def test_an_approval_is_recorded_with_who_when_and_under_which_policy(planned: Planned) -> None:
    found = say(planned, f" {BEN} ", asked(planned, "hero[locale=de-DE]", why="good\n<b>"))
    (decision,) = found.accepted
    assert (decision.by, decision.at, decision.decision) == (BEN, "2026-11-21T22:54:29Z", "approve")
    assert decision.policy.endswith(": 1 of brand, 1 of legal; not by who had it made")
    assert (decision.why, decision.entered, found.refused) == ("good\n<b>", None, ())
    assert read_approvals(planned.project).decisions == (decision,)


def test_the_same_decision_that_arrives_twice_is_accepted_twice_and_recorded_once(planned: Planned) -> None:
    one = asked(planned, "hero[locale=de-DE]")
    assert say(planned, BEN, one, one).accepted == say(planned, BEN, one).accepted
    assert len(read_approvals(planned.project).decisions) == 1


def test_a_ref_that_was_used_for_another_decision_is_refused(planned: Planned) -> None:
    say(planned, BEN, asked(planned, "hero[locale=de-DE]"))
    told = "another decision bears this ref already"
    assert refusal(planned, BEN, asked(planned, "hero[locale=en-US]")) == told
    assert refusal(planned, LEA, asked(planned, "hero[locale=de-DE]")) == told


def test_of_several_those_that_may_be_are_recorded_and_the_others_are_told_each(planned: Planned) -> None:
    found = say(
        planned, BEN, asked(planned, "hero[locale=de-DE]", number=1), asked(planned, "nero", number=2),
        asked(planned, "hero[locale=en-US]", "reject", number=3), asked(planned, "poster", number=4),
    )  # fmt: skip
    assert [each.asset for each in found.accepted] == ["hero[locale=de-DE]", "poster"]
    assert [(each.asset, each.what) for each in found.refused] == [
        ("nero", "the campaign has no `nero`"),
        ("hero[locale=en-US]", "to reject takes a reason"),
    ]


def test_a_rejected_picture_may_be_rejected_and_commented_on_but_not_approved(planned: Planned) -> None:
    digest = kept_back(planned)
    told = refusal(planned, BEN, asked(planned, "green", digest=digest))
    assert told == "its check rejected this picture: it is not delivered"
    found = say(
        planned, BEN, asked(planned, "green", "reject", digest=digest, why="too blue"),
        asked(planned, "green", "comment", 2, digest=digest, why="what of the palette?"),
    )  # fmt: skip
    assert (len(found.accepted), found.refused) == (2, ())


def test_another_take_is_of_a_paid_picture_as_the_lock_has_it(planned: Planned) -> None:
    entry = planned.facts.lock.entries["scene"]
    assert say(planned, EVE, asked(planned, "scene", "retake", key=entry.key)).accepted[0].key == entry.key
    assert "`key` is missing" in refusal(planned, EVE, asked(planned, "scene", "retake", 2))
    assert "another request" in refusal(planned, EVE, asked(planned, "scene", "retake", 2, key="0" * 64))
    drawn = asked(planned, "hero[locale=de-DE]", "retake", 2, key=entry.key)
    assert "is not paid for" in refusal(planned, EVE, drawn)


def test_a_variant_is_picked_unless_the_campaign_says_which(planned: Planned) -> None:
    entry = planned.facts.lock.entries["poster:variant-2"]
    found = say(planned, EVE, asked(planned, "poster", "pick", key=entry.key, of="poster:variant-2"))
    assert (found.accepted[0].digest, found.accepted[0].key) == (entry.digest, entry.key)
    other = planned.facts.lock.entries["fixed:variant-1"]
    fixed = asked(planned, "fixed", "pick", 2, key=other.key, of="fixed:variant-1")
    (refused,) = say(planned, EVE, fixed).refused
    assert refused.what == "the campaign says which variant is picked"
    assert refused.hint == "it says `pick` at campaign.yaml:19:64: change it there"
    assert "no such variant now" in refusal(planned, EVE, asked(planned, "poster", "pick", 2, key=other.key))
    assert "no variants" in refusal(planned, EVE, asked(planned, "scene", "pick", 2, key=other.key))
    assert "`key` is missing" in refusal(planned, EVE, asked(planned, "poster", "pick", 2))


def test_one_takes_back_ones_own_word_and_anybody_that_another_take_is_asked_for(planned: Planned) -> None:
    key = planned.facts.lock.entries["scene"].key
    approval, take = asked(planned, "poster", number=1), asked(planned, "scene", "retake", 2, key=key)
    say(planned, BEN, approval, take)
    back = asked(planned, "poster", "withdraw", 3, undoes=approval.ref)
    assert refusal(planned, LEA, back) == f"it is `{BEN}` who decided that, and who may take it back"
    found = say(planned, LEA, asked(planned, "scene", "withdraw", 4, undoes=take.ref))
    assert found.history.undone == {take.ref}
    assert say(planned, BEN, back).history.undone == {approval.ref, take.ref}
    assert refusal(planned, BEN, back._replace(ref="f" * 32)) == "it was taken back already"
    undo = asked(planned, "poster", "withdraw", 5, undoes=back.ref)
    assert refusal(planned, BEN, undo) == "what was taken back is not taken back again"
    assert "there is no decision" in refusal(planned, BEN, undo._replace(undoes="e" * 32))
    assert refusal(planned, BEN, undo._replace(undoes=None)) == "it does not say what to take back"
    wrong = undo._replace(undoes=approval.ref, asset="scene")
    assert "is about another picture" in refusal(planned, BEN, wrong)


def test_what_is_decided_and_taken_back_at_once_is_in_the_order_of_what_was_asked(planned: Planned) -> None:
    approval = asked(planned, "poster", number=9)
    found = say(planned, BEN, approval, asked(planned, "poster", "withdraw", 1, undoes=approval.ref))
    assert (len(found.accepted), found.history.undone) == (2, {approval.ref})


# -------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"ref": "1"}, "`ref` must be 32 hexadecimal characters"),
        ({"ref": "G" * 32}, "`ref` must be 32 hexadecimal characters"),
        ({"digest": "A" * 64}, "`digest` must be 64 hexadecimal characters"),
        ({"digest": "0" * 63 + "\n"}, "`digest` must be 64 hexadecimal characters"),
        ({"key": "../../etc/passwd"}, "`key` must be 64 hexadecimal characters"),
        ({"undoes": "x"}, "`undoes` must be 32 hexadecimal characters"),
        ({"undoes": "0" * 32}, "only `withdraw` takes something back"),
        ({"decision": "Approve"}, "`Approve` is no decision: approve, reject, withdraw, comment, retake, pick"),
        ({"decision": "release"}, "`release` is no decision: approve, reject, withdraw, comment, retake, pick"),
        ({"asset": ""}, "`asset` is empty"),
        ({"asset": "hero\x1b[2J"}, "`asset` holds characters that cannot be seen"),
        ({"asset": "hero\u202e[eD-ed]"}, "`asset` holds characters that cannot be seen"),
        ({"asset": "\ud800"}, "`asset` holds characters that cannot be seen"),
        ({"asset": "h" * 2001}, "`asset` is longer than 2,000 characters"),
        ({"asset": "../../hero"}, "the campaign has no `../../hero`"),
        ({"asset": "hero[locale=../de-DE]"}, "the campaign has no `hero[locale=../de-DE]`"),
        ({"asset": "<script>alert(1)</script>"}, "the campaign has no `<script>alert(1)</script>`"),
        ({"asset": "winter[product=mug]"}, "the campaign has no `winter[product=mug]`"),
        ({"asset": "poster:variant-1"}, "`poster:variant-1` is not a picture of its own"),
        ({"digest": "0" * 64}, "another picture is there now: "),
        ({"why": "w" * 4001}, "`why` is longer than 4,000 characters"),
        ({"why": "a\x07b"}, "`why` holds control characters"),
        ({"why": "a\udfff"}, "`why` holds control characters"),
        ({"decision": "comment", "why": " \n"}, "to comment takes a reason"),
        ({"decision": "reject"}, "to reject takes a reason"),
    ],
)
def test_what_is_of_a_wrong_form_or_about_nothing_here_is_refused(
    planned: Planned, change: dict[str, str], what: str
) -> None:
    one = asked(planned, "hero[locale=de-DE]")._replace(**change)
    assert refusal(planned, BEN, one).startswith(what)


@pytest.mark.parametrize("who", ["", " ", "ana\u202e@x", "ana\n@x", "a\u200bna@x", "x" * 201])
def test_nobody_decides_under_a_name_that_cannot_be_read(planned: Planned, who: str) -> None:
    assert "`by`" in refusal(planned, who, asked(planned, "hero[locale=de-DE]"))


def test_the_policy_says_who_may_approve_and_reject_and_everybody_may_comment(planned: Planned) -> None:
    one = asked(planned, "hero[locale=de-DE]")
    assert f"`{EVE}` is not among those who decide here" in refusal(planned, EVE, one)
    assert refusal(planned, ANA, one) == "whoever had a picture made does not approve it"
    assert "is not among" in refusal(planned, LEA, asked(planned, "hero[locale=en-US]"))
    assert "is not among" in refusal(planned, EVE, one._replace(decision="reject", why="no"))
    assert refusal(planned, BEN, asked(planned, "fixed")) == "no approval is asked for here"
    assert say(planned, EVE, one._replace(decision="comment", why="hm")).refused == ()
    assert say(planned, ANA, one._replace(ref="a" * 32, decision="reject", why="no")).refused == ()


def test_a_picture_that_is_not_delivered_is_not_approved(planned: Planned) -> None:
    assert "is not delivered" in refusal(planned, BEN, asked(planned, "scene"))


def test_the_lock_as_it_is_now_counts_not_the_one_that_was_planned_with(planned: Planned, folder: Path) -> None:
    one = asked(planned, "hero[locale=de-DE]")
    path = folder / "imagebuild.lock"
    lock = parse_lock(path.read_text("utf-8"), file="lock")
    changed = lock.entries[one.asset]._replace(digest="e" * 64)
    path.write_text(write_lock(lock._replace(entries={**lock.entries, one.asset: changed})), "utf-8")
    assert refusal(planned, BEN, one) == f"another picture is there now: eeeeeeeeeeee, not {one.digest[:12]}"
    path.unlink()
    assert refusal(planned, BEN, one) == "`hero[locale=de-DE]` is not built"


def test_a_lock_in_the_middle_of_a_merge_is_settled_first(planned: Planned, folder: Path) -> None:
    one = asked(planned, "hero[locale=de-DE]")
    path = folder / "imagebuild.lock"
    text = path.read_text("utf-8")
    (line,) = [each for each in text.splitlines() if '"hero[locale=de-DE]"' in each]
    other = line.replace(one.digest, "e" * 64)
    path.write_text(text.replace(line, f"<<<<<<< a\n{line}\n=======\n{other}\n>>>>>>> b"), "utf-8")
    assert "two pictures" in refusal(planned, BEN, one)


def test_nothing_is_taken_while_the_history_is_not_whole(planned: Planned, folder: Path) -> None:
    say(planned, BEN, asked(planned, "poster"), asked(planned, "hero[locale=de-DE]", number=2))
    path = folder / "imagebuild.approvals"
    header, _first, second = path.read_text("utf-8").splitlines()
    path.write_text(f"{header}\n{second}\n", "utf-8")
    told = refusal(planned, BEN, asked(planned, "hero[locale=en-US]", number=3))
    assert told.startswith("the history of decisions was edited: ")
    assert "is gone" in told


def test_two_who_decide_at_once_are_both_recorded(planned: Planned) -> None:
    several = [
        asked(planned, address, number=number * 100 + index)
        for number, address in enumerate(("hero[locale=de-DE]", "hero[locale=en-US]"))
        for index in range(20)
    ]
    threads = [threading.Thread(target=say, args=(planned, BEN, each)) for each in several]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    history = read_approvals(planned.project)
    assert {each.ref for each in history.decisions} == {each.ref for each in several}
    assert (len(history.decisions), len(history.heads), history.faults) == (40, 1, ())


# ------------------------------------------------------------------------------------------------------ who it is


def test_the_environment_says_who_is_at_work_before_git_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    assert identity({}, str(tmp_path)) is None
    (tmp_path / "config").write_text(f"[user]\n\temail = {BEN}\n", "utf-8")
    assert identity({}, str(tmp_path)) == BEN
    assert identity({"IMAGEBUILD_USER": f" {ANA} "}, str(tmp_path)) == ANA
    assert identity({"IMAGEBUILD_USER": " "}, str(tmp_path)) == BEN


def test_makers_are_all_who_had_any_of_a_picture_made_and_unknown_when_one_is(planned: Planned, folder: Path) -> None:
    assert makers_of(planned, "hero[locale=de-DE]") == {ANA}
    assert makers_of(planned, "poster") == {ANA}
    path = folder / "imagebuild.lock"
    lock = parse_lock(path.read_text("utf-8"), file="lock")
    entries = dict(lock.entries)
    entries["scene"] = entries["scene"]._replace(extra={"made_by": BEN})
    path.write_text(write_lock(lock._replace(entries=entries)), "utf-8")
    assert makers_of(plan(folder), "hero[locale=de-DE]") == {ANA, BEN}
    del entries["scene"]
    path.write_text(write_lock(lock._replace(entries=entries)), "utf-8")
    assert makers_of(plan(folder), "hero[locale=de-DE]") is None
    assert makers_of(plan(folder), "poster") == {ANA}


# ------------------------------------------------------------------------------------------------ how pictures stand


def test_a_picture_stands_as_its_decisions_say_and_what_is_missing_is_told_with_who_may(planned: Planned) -> None:
    say(planned, BEN, asked(planned, "hero[locale=de-DE]"), asked(planned, "hero[locale=en-US]", number=2))
    say(planned, BEN, asked(planned, "poster", "reject", 3, why="no"))
    rows = standings(planned, read_approvals(planned.project))
    assert {row.address: row.standing.state for row in rows} == {
        "hero[locale=en-US]": "approved", "hero[locale=de-DE]": "partly", "green": "open", "poster": "rejected",
        "fixed": "unneeded",
    }  # fmt: skip
    (missing,) = missing_of(row for row in rows if row.address.startswith("hero"))
    assert missing == ("1 of legal", (LEA, LUC), ("hero[locale=de-DE]",))


def test_a_picture_that_will_be_another_one_is_open(planned: Planned, folder: Path) -> None:
    say(planned, BEN, asked(planned, "hero[locale=en-US]"))
    edit(folder, "campaign.yaml", "cover: [320, 200]", "cover: [320, 210]")
    after = plan(folder)
    rows = {row.address: row for row in standings(after, read_approvals(after.project))}
    assert rows["hero[locale=en-US]"].standing.state == "open"
    assert rows["hero[locale=en-US]"].digest is None


def test_another_take_is_of_the_nearest_paid_picture_each_once(planned: Planned) -> None:
    assert takes(planned, ["hero[locale=de-DE]", "hero[locale=en-US]", "green"]) == ["scene"]
    assert takes(planned, ["fixed"]) == ["fixed:variant-2"]


def test_a_selection_leaves_out_what_says_nothing_new(planned: Planned) -> None:
    history = read_approvals(planned.project)
    everything = ["hero[locale=de-DE]", "green", "fixed", "scene"]
    found = select(planned, history, BEN, "approve", everything)
    assert [each.asset for each in found.asked] == ["hero[locale=de-DE]"]
    assert [(each.asset, each.what, each.refused) for each in found.left_out] == [
        ("green", "its checks rejected it", True),
        ("fixed", "no approval is asked for here", False),
        ("scene", "it is not delivered", False),
    ]
    after = say(planned, BEN, *found.asked).history
    again = select(planned, after, BEN, "approve", everything[:1])
    assert (again.asked, again.left_out[0].what) == ((), "you have approved it already")
    assert len(select(planned, after, BEN, "reject", everything[:1], why="no").asked) == 1


def test_to_take_back_is_to_take_back_all_that_one_said_of_a_picture(planned: Planned) -> None:
    one = asked(planned, "hero[locale=de-DE]")
    say(planned, BEN, one, one._replace(ref="a" * 32), one._replace(ref="b" * 32, decision="reject", why="no"))
    found = select(planned, read_approvals(planned.project), BEN, "withdraw", [one.asset])
    after = say(planned, BEN, *found.asked)
    assert after.refused == ()
    assert after.history.undone == {one.ref, "a" * 32, "b" * 32}
    assert select(planned, after.history, BEN, "withdraw", [one.asset]).asked == ()
    assert select(planned, after.history, LEA, "withdraw", [one.asset]).asked == ()


def test_what_was_said_of_earlier_pictures_is_taken_back_as_well(planned: Planned, folder: Path) -> None:
    """Else it would count again when such a picture comes back."""
    one = asked(planned, "hero[locale=en-US]")
    say(planned, BEN, one)
    edit(folder, "campaign.yaml", "cover: [320, 200]", "cover: [320, 210]")
    after = plan(folder)
    found = select(after, read_approvals(after.project), BEN, "withdraw", [one.asset])
    assert [(each.undoes, each.digest) for each in found.asked] == [(one.ref, one.digest)]
    assert say(after, BEN, *found.asked).history.undone == {one.ref}


def test_whoever_is_at_work_for_another_is_named_beside_what_was_decided(planned: Planned) -> None:
    one, other = asked(planned, "hero[locale=en-US]"), asked(planned, "poster", number=2)
    assert say(planned, BEN, one, entering=f" {BEN.upper()}").accepted[0].entered is None
    assert say(planned, BEN, other, entering=EVE).accepted[0].entered == f"as said by {EVE}"
    imported = asked(planned, "poster", number=3, by=BEN, at="2026-11-20T10:00:00Z")
    assert say(planned, ANA, imported, entering=EVE).accepted[0].entered == f"import by {EVE}"


def test_whoever_had_it_made_takes_back_no_rejection_in_anothers_name(planned: Planned) -> None:
    no = asked(planned, "hero[locale=en-US]", "reject", why="crooked")
    say(planned, BEN, no)
    back = asked(planned, no.asset, "withdraw", 2, undoes=no.ref)
    found = say(planned, BEN, back, entering=ANA)
    assert (found.accepted, [each.what for each in found.refused]) == (
        (), [f"whoever had a picture made takes back no rejection that stands in another's name: `{BEN}` does"]
    )  # fmt: skip
    assert len(say(planned, BEN, back).accepted) == 1


def test_what_the_campaign_asks_another_picture_for_is_not_approved(folder: Path, planned: Planned) -> None:
    """By an import of what was decided on a page from before, say: no release would have it."""
    yes, no = asked(planned, "hero[locale=en-US]"), asked(planned, "hero[locale=en-US]", "reject", 2, why="crooked")
    edit(folder, "campaign.yaml", "cover: [320, 200]", "cover: [320, 210]")
    after = plan(folder)
    assert refusal(after, BEN, yes) == "another picture is to come in its place"
    assert len(say(after, BEN, no).accepted) == 1
    edit(folder, "campaign.yaml", "cover: [320, 210]", "cover: [320, 200]")
    assert len(say(plan(folder), BEN, yes).accepted) == 1


def test_what_another_entered_in_ones_name_one_may_still_say_oneself(planned: Planned) -> None:
    """Ana had the pictures made: that she says Ben approves does not count, and is not in Ben's way."""
    address = "hero[locale=en-US]"
    history = say(planned, BEN, asked(planned, address), entering=ANA).history
    (row,) = standings(planned, history, {address})
    assert row.standing.state == "open"
    again = select(planned, history, BEN, "approve", [address], entered=f"as said by {ANA}")
    what = "its approval was entered by whoever had it made, and does not count"
    assert (again.asked, again.left_out[0].what) == ((), what)
    (mine,) = select(planned, history, BEN, "approve", [address]).asked
    (row,) = standings(planned, say(planned, BEN, mine).history, {address})
    assert row.standing.state == "approved"


# ------------------------------------------------------------------------------------------ exported decisions: form


def exported(*entries: object, **others: object) -> bytes:
    content = {"imagebuild.decisions": 1, "campaign": "small", "by": LEA, "decisions": list(entries), **others}
    return json.dumps(content).encode()


def an_entry(**others: object) -> dict[str, object]:
    entry = {
        "ref": "1" * 32, "at": "2026-11-20T10:00:00.123Z", "decision": "approve", "asset": "hero[locale=de-DE]",
        "digest": "d" * 64, "why": "", "key": None, "undoes": None,
    }  # fmt: skip
    return {**entry, **others}


def test_an_exported_decision_is_read_with_whose_it_is_and_when(planned: Planned) -> None:
    digest = planned.facts.lock.entries["hero[locale=de-DE]"].digest
    found = read_exported(exported(an_entry(digest=digest)), file="d.json", campaign="small")
    assert (found.by, found.refused) == (LEA, ())
    (decision,) = say(planned, BEN, *found.asked).accepted
    assert (decision.by, decision.at, decision.entered) == (LEA, "2026-11-20T10:00:00Z", f"import by {BEN}")
    twice = say(planned, BEN, *found.asked)
    assert (twice.accepted, len(twice.history.decisions)) == ((decision,), 1)


def test_who_enters_ones_own_exported_decisions_is_not_named_twice(planned: Planned) -> None:
    digest = planned.facts.lock.entries["hero[locale=de-DE]"].digest
    found = read_exported(exported(an_entry(digest=digest), by=LEA.upper()), file="d.json", campaign="small")
    assert say(planned, LEA, *found.asked).accepted[0].entered is None


def test_an_exported_decision_is_judged_by_who_decided_not_by_who_enters_it(planned: Planned) -> None:
    digest = planned.facts.lock.entries["hero[locale=de-DE]"].digest
    found = read_exported(exported(an_entry(digest=digest), by=EVE), file="d.json", campaign="small")
    assert f"`{EVE}` is not among those who decide here" in refusal(planned, BEN, found.asked[0])


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ("approve", "a decision must be an object with names and values"),
        ([], "a decision must be an object with names and values"),
        (an_entry(id="0" * 64), "`id` is not for the file to say"),
        (an_entry(after=[]), "`after` is not for the file to say"),
        (an_entry(by=BEN), "`by` is not for the file to say"),
        (an_entry(policy="x"), "`policy` is not for the file to say"),
        (an_entry(entered="x"), "`entered` is not for the file to say"),
        (an_entry(ref=None), "`ref` is missing"),
        (an_entry(at=None), "`at` is missing"),
        (an_entry(digest=7), "`digest` must be a text"),
        (an_entry(why={"a": 1}), "`why` must be a text"),
        (an_entry(asset=["hero"]), "`asset` must be a text"),
        (an_entry(why="\udfff"), "`why` must be a text"),
    ],
)
def test_an_exported_entry_that_is_wrong_is_refused_by_itself(entry: object, what: str) -> None:
    found = read_exported(exported(entry, an_entry(ref="2" * 32)), file="d.json", campaign="small")
    assert [each.what for each in found.refused] == [what]
    assert [each.ref for each in found.asked] == ["2" * 32]


@pytest.mark.parametrize(
    ("at", "what"),
    [
        ("2026-11-21T22:55:29Z", None),
        ("2026-11-21T22:55:30Z", "`at` is in the future"),
        ("2026-11-21T22:54:29+00:00", "`at` must be a moment in UTC such as 2026-11-21T22:54:29Z"),
        ("2026-11-21 22:54:29Z", "`at` must be a moment in UTC such as 2026-11-21T22:54:29Z"),
        ("2026-02-30T22:54:29Z", "`at` must be a moment in UTC such as 2026-11-21T22:54:29Z"),
        ("٢٠٢٦-11-21T22:54:29Z", "`at` must be a moment in UTC such as 2026-11-21T22:54:29Z"),
        ("yesterday", "`at` must be a moment in UTC such as 2026-11-21T22:54:29Z"),
    ],
)
def test_when_it_was_decided_is_a_moment_that_has_been(planned: Planned, at: str, what: str | None) -> None:
    one = asked(planned, "hero[locale=de-DE]", at=at, by=LEA)
    found = say(planned, BEN, one)
    assert [each.what for each in found.refused] == ([what] if what else [])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "not JSON: expecting value"),
        (b"\xff\xfe{}", "`d.json` is not UTF-8"),
        (b"[" * 200_000, "`d.json` is nested too deep: no file of decisions is"),
        (b'{"a":' * 200_000, "`d.json` is nested too deep: no file of decisions is"),
        (b"[]", "`d.json` is no file of decisions"),
        (b"{}", "`d.json` is no file of decisions"),
        (b'{"imagebuild.decisions": NaN}', "`d.json` cannot be read: NaN is no number"),
        (b'{"by": "a", "by": "b"}', "`d.json` cannot be read: a name stands twice in one object"),
        (b'{"imagebuild.decisions": true}', "`d.json` is no file of decisions"),
        (b'{"imagebuild.decisions": 2}', "`d.json` is of a newer imagebuild (format 2)"),
        (exported(campaign="winter"), "`d.json` is of the campaign `winter`, this is `small`"),
        (exported(campaign=None), "`d.json` lacks `campaign`, `by` or `decisions`"),
        (exported(by=7), "`d.json` lacks `campaign`, `by` or `decisions`"),
        (exported(decisions={}), "`d.json` lacks `campaign`, `by` or `decisions`"),
        (exported(by="lea\u2066@x"), "`d.json`: `by` holds characters that cannot be seen"),
        (exported(by=" "), "`d.json`: `by` is empty"),
        (exported(policy="none"), "`d.json`: unknown name `policy`"),
        (b" " * (MOST_BYTES + 1), "`d.json` is larger than 20 MB: no file of decisions is"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_a_file_that_is_no_file_of_this_campaigns_decisions_is_refused_whole(data: bytes, what: str) -> None:
    with pytest.raises(ApprovalsError) as caught:
        read_exported(data, file="d.json", campaign="small")
    assert caught.value.what == what


def test_of_a_pages_entry_only_what_a_page_may_say_is_heard() -> None:
    entry = an_entry(by=EVE, id="0" * 64, entered="x", key="", undoes="")
    found = asked_of(entry)
    assert isinstance(found, Asked)
    assert (found.by, found.at, found.key, found.undoes) == (None, None, None, None)
    assert asked_of({**entry, "digest": None}) == Refused("1" * 32, "`digest` is missing", None, "hero[locale=de-DE]")
    assert asked_of(["x"]) == Refused("", "a decision must be an object with names and values")
