"""What the desk takes and tells: decisions of several people, a build beside it, and every change on disk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from imagebuild.build.report import Event, Listener
from imagebuild.core.plan import PlanStep
from imagebuild.errors import ImagebuildError, Problem
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.feed import telling
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.stages.review.desk import ProjectDesk, Showing
from tests.cli.conftest import edit
from tests.stages.review.campaign import (
    ANA,
    BEN,
    LEA,
    NOW,
    asked,
    asset,
    board,
    build,
    cells,
    desk_of,
    kinds,
    say,
    write_shown,
)

GERMAN = "hero[locale=de-DE,ratio=wide]"
ARABIC = "hero[locale=ar-EG,ratio=wide]"


def told(desk: ProjectDesk) -> list[dict[str, Any]]:
    """What is new, until nothing is: a file that was written this very moment is looked at twice."""
    found: list[dict[str, Any]] = []
    for _ in range(4):
        found += desk.news()
        time.sleep(0.03)
    return found


def test_nothing_is_new_when_nothing_happens(shown: Path) -> None:
    desk = desk_of(shown)
    assert told(desk) == []


def test_who_asks_is_named_and_may_decide_and_nobody_may_not(shown: Path) -> None:
    desk = desk_of(shown)
    assert board(desk, ANA)["you"] == {"name": ANA, "person": ANA, "decides": True, "why_not": ""}
    nobody = board(desk, "")["you"]
    assert (nobody["name"], nobody["decides"]) == ("", False)
    assert "--as" in nobody["why_not"]
    answer = desk.decide("", [asked("approve", cells(desk)[GERMAN])])
    assert answer["accepted"] == []
    assert not (shown / "imagebuild.approvals").exists()


def test_a_decision_is_on_disk_when_it_is_accepted_and_others_hear_of_it(shown: Path) -> None:
    desk, other = desk_of(shown), desk_of(shown)
    cell = cells(desk)[GERMAN]
    say(desk, ANA, asked("approve", cell))
    (decision,) = read_approvals(find_project(None, {}, str(shown))).decisions
    assert (decision.by, decision.asset, decision.digest) == (ANA, GERMAN, cell["digest"])
    assert decision.at == "2026-11-21T22:54:29Z"
    (here,) = told(desk)
    assert here["kind"] == "decisions"
    assert "yours" not in json.dumps(here), "it goes to everybody"
    (there,) = told(other)
    assert [each["state"] for each in there["cells"]] == ["approved"]
    assert cells(other)[GERMAN]["state"] == "approved"


def test_the_same_decision_twice_is_one_and_told_once(shown: Path) -> None:
    desk = desk_of(shown)
    entry = asked("approve", cells(desk)[GERMAN])
    say(desk, ANA, entry)
    told(desk)
    say(desk, ANA, entry)
    assert told(desk) == []
    assert board(desk)["approvals"]["count"] == 1


def test_what_is_malformed_or_not_allowed_is_refused_one_by_one_and_the_rest_is_taken(shown: Path) -> None:
    desk = desk_of(shown)
    found = cells(desk)
    good = asked("approve", found[GERMAN])
    entries: list[object] = [
        good,
        {**asked("approve", found[ARABIC]), "digest": "0" * 64},
        {**asked("approve", found[ARABIC]), "asset": "../campaign.yaml"},
        {**asked("approve", found[ARABIC]), "ref": 7},
        {**asked("approve", found[ARABIC]), "decision": "delete"},
        asked("reject", found[ARABIC]),
        asked("comment", found[ARABIC], "\x1b[2J"),
        "approve everything",
    ]
    answer = desk.decide(ANA, entries)
    assert answer["accepted"] == [good["ref"]]
    assert len(answer["refused"]) == 7
    assert all(each["what"] for each in answer["refused"])


def test_whoever_decides_is_who_asked_whatever_the_entry_says(shown: Path) -> None:
    desk = desk_of(shown)
    say(desk, LEA, {**asked("approve", cells(desk)[ARABIC]), "by": ANA, "at": "2020-01-01T00:00:00Z"})
    (decision,) = read_approvals(find_project(None, {}, str(shown))).decisions
    assert (decision.by, decision.at, decision.entered) == (LEA, "2026-11-21T22:54:29Z", None)


def test_whoever_lets_others_decide_by_their_own_name_stands_beside_what_is_decided(shown: Path) -> None:
    project = find_project(None, {}, str(shown))
    desk = ProjectDesk(project, Showing(), clock=lambda: NOW, entering=BEN)
    found = cells(desk)
    say(desk, LEA, asked("approve", found[ARABIC]))
    say(desk, BEN, asked("approve", found[GERMAN]))
    decisions = read_approvals(project).decisions
    assert [(each.by, each.entered) for each in decisions] == [(LEA, f"as said by {BEN}"), (BEN, None)]


def test_whoever_had_it_made_enters_no_approval_for_others_and_is_told_so(shown: Path) -> None:
    """Ben built it, and has opened the page in Ana's name."""
    edit(shown, "campaign.yaml", "by_others: false", "by_others: true")
    project = find_project(None, {}, str(shown))
    desk = ProjectDesk(project, Showing(), clock=lambda: NOW, entering=BEN)
    found = cells(desk)
    assert desk.void_for(ANA) == len(found) - 1  # of the swatch nobody is asked
    assert desk.void_for(BEN) == 0
    answer = desk.decide(ANA, [asked("approve", found[GERMAN]), asked("comment", found[GERMAN], "hm")])
    (refused,) = answer["refused"]  # type: ignore[misc]
    assert refused["what"] == f"whoever had it made, `{BEN}`, enters this: it would not count as an approval"
    assert "--for" in refused["hint"]
    assert len(answer["accepted"]) == 1  # type: ignore[arg-type]
    slip = asked("reject", found[GERMAN], "a slip")
    say(desk, ANA, slip)
    assert cells(desk)[GERMAN]["state"] == "rejected"
    say(desk, ANA, asked("withdraw", {"asset": GERMAN, "digest": slip["digest"]}, undoes=slip["ref"]))
    assert cells(desk)[GERMAN]["state"] == "open"


def test_a_rejection_that_counts_again_is_its_owners_to_take_back(shown: Path) -> None:
    """Nobody minded who takes back what while `by_others` was off."""
    project = find_project(None, {}, str(shown))
    no = asked("reject", cells(desk_of(shown))[GERMAN], "dark")
    say(desk_of(shown), ANA, no)
    makers = ProjectDesk(project, Showing(), clock=lambda: NOW, entering=BEN)
    say(makers, ANA, asked("withdraw", {"asset": GERMAN, "digest": no["digest"]}, undoes=no["ref"]))
    assert cells(makers)[GERMAN]["state"] == "open"
    edit(shown, "campaign.yaml", "by_others: false", "by_others: true")
    desk = desk_of(shown)
    assert cells(desk)[GERMAN]["state"] == "rejected"
    assert [each["undone"] for each in asset(desk, GERMAN)["decisions"]] == [False, False]
    say(desk, ANA, asked("withdraw", {"asset": GERMAN, "digest": no["digest"]}, undoes=no["ref"]))
    assert cells(desk)[GERMAN]["state"] == "open"


def test_two_people_at_once_lose_nothing_and_each_sees_all(shown: Path) -> None:
    desks = {ANA: desk_of(shown), BEN: desk_of(shown)}
    digests = {address: cell for address, cell in cells(desks[ANA]).items() if address.startswith("hero")}

    def decide(who: str) -> None:
        for cell in digests.values():
            say(desks[who], who, asked("comment", cell, f"{who} says"))

    threads = [threading.Thread(target=decide, args=(who,)) for who in desks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for desk in desks.values():
        assert {cell["comments"] for address, cell in cells(desk).items() if address in digests} == {2}
    history = read_approvals(find_project(None, {}, str(shown)))
    assert len(history.decisions) == 2 * len(digests)
    assert history.faults == ()


def test_a_decision_that_is_withdrawn_elsewhere_is_told(shown: Path) -> None:
    desk, other = desk_of(shown), desk_of(shown)
    approval = asked("approve", cells(desk)[GERMAN])
    say(desk, ANA, approval)
    told(other)
    say(desk, ANA, asked("withdraw", cells(desk)[GERMAN], undoes=approval["ref"]))
    (event,) = told(other)
    assert event["kind"] == "decisions"
    assert cells(other)[GERMAN]["state"] == "open"


def test_an_edited_history_is_told_and_takes_no_decisions(shown: Path) -> None:
    desk = desk_of(shown)
    say(desk, ANA, asked("approve", cells(desk)[GERMAN]), asked("approve", cells(desk)[ARABIC]))
    told(desk)
    path = shown / "imagebuild.approvals"
    path.write_text(path.read_text("utf-8").replace(ANA, BEN), "utf-8")
    assert "faults" in kinds(told(desk))
    shown_now = board(desk)
    assert shown_now["approvals"]["faults"][0]["line"] == 2
    assert not shown_now["you"]["decides"]
    assert "edited" in shown_now["you"]["why_not"]
    answer = desk.decide(LEA, [asked("approve", cells(desk)[ARABIC])])
    assert answer["accepted"] == []


def test_approvals_that_cannot_be_read_are_told_until_they_can(shown: Path) -> None:
    desk = desk_of(shown)
    say(desk, ANA, asked("approve", cells(desk)[GERMAN]))
    told(desk)
    path = shown / "imagebuild.approvals"
    whole = path.read_bytes()
    path.unlink()
    path.mkdir()
    assert "problem" in kinds(told(desk))
    assert board(desk)["problem"]["what"]
    assert cells(desk)[GERMAN]["state"] == "approved", "the last good one stays"
    path.rmdir()
    path.write_bytes(whole)
    assert "reload" in kinds(told(desk))
    assert board(desk)["problem"] is None


def test_a_changed_text_is_planned_anew_and_its_pictures_are_told(shown: Path) -> None:
    desk = desk_of(shown)
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    events = told(desk)
    changed = {cell["address"] for event in events for cell in event.get("cells", ())}
    assert changed == {GERMAN, "hero[locale=de-DE,ratio=story]"}
    assert {cells(desk)[address]["verdict"] for address in changed} == {"make"}
    edit(shown, "strings/de-DE.yaml", "Morgens warm", "Warme Morgen")
    told(desk)
    assert {cells(desk)[address]["verdict"] for address in changed} == {"reuse"}


def test_a_build_that_nobody_watched_shows_in_the_lock(shown: Path) -> None:
    desk = desk_of(shown)
    before = cells(desk)[GERMAN]["digest"]
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    build(shown, "locale=de-DE")
    told(desk)
    after = cells(desk)[GERMAN]
    assert after["digest"] != before
    assert after["verdict"] == "reuse"
    assert desk.picture(after["digest"]) is not None


def test_another_axis_value_has_the_page_fetch_the_board_and_one_less_is_gone(shown: Path) -> None:
    desk = desk_of(shown)
    (shown / "strings" / "fr-FR.yaml").write_text("headline: Matins chauds\n", "utf-8")
    edit(shown, "campaign.yaml", "[de-DE, ar-EG]", "[de-DE, ar-EG, fr-FR]")
    assert "reload" in kinds(told(desk))
    assert cells(desk)["hero[locale=fr-FR,ratio=wide]"]["verdict"] == "make"
    edit(shown, "campaign.yaml", "[{name: wide, size: 480x270}, ", "[")
    edit(shown, "campaign.yaml", "  swatch:\n    from: scene\n", "  swatch:\n    from: scene\n    exclude: []\n")
    assert "reload" in kinds(told(desk))
    assert GERMAN not in cells(desk)


def test_a_campaign_that_became_unreadable_is_told_and_the_last_good_board_stays(shown: Path) -> None:
    desk = desk_of(shown)
    before = cells(desk)
    edit(shown, "campaign.yaml", "    from: scene\n    steps:\n      - fit: {cover: [60, 40]}", "    form: scene\n")
    (event,) = told(desk)
    assert event["kind"] == "problem"
    assert "campaign.yaml" in str(event["what"])
    assert board(desk)["problem"]["what"] == event["what"]
    assert cells(desk) == before
    (refused,) = desk.decide(ANA, [asked("approve", before[GERMAN])])["refused"]
    assert "cannot be read as it is now" in refused["what"], "nobody knows by which policy"
    say(desk, ANA, asked("comment", before[GERMAN], "what has become of the tile?"))
    assert kinds(told(desk)) == ["decisions"], "nothing is tried again before something changes"
    edit(shown, "campaign.yaml", "    form: scene\n", "    from: scene\n    steps:\n      - fit: {cover: [60, 40]}")
    assert "reload" in kinds(told(desk))
    assert board(desk)["problem"] is None
    say(desk, ANA, asked("approve", before[GERMAN]))
    assert cells(desk)[GERMAN]["state"] == "approved"


def test_who_decides_is_judged_by_the_policy_as_it_is_now_though_no_page_asked_meanwhile(shown: Path) -> None:
    desk = desk_of(shown)
    cell = cells(desk)[GERMAN]
    before = asked("approve", cell)
    say(desk, ANA, before)
    edit(shown, "campaign.yaml", f"brand: [{ANA}, {BEN}]", f"brand: [{BEN}]")
    (refused,) = desk.decide(ANA, [asked("approve", cell)])["refused"]
    assert ANA in refused["what"] or "brand" in refused["what"]
    say(desk, BEN, asked("approve", cell))
    *_, decision = read_approvals(find_project(None, {}, str(shown))).decisions
    assert decision.policy == desk.view.requirement(GERMAN).stamp
    say(desk, ANA, before)  # the same again is what it was


def test_while_a_build_runs_nobody_decides_by_a_policy_that_was_changed_meanwhile(shown: Path) -> None:
    desk = desk_of(shown)
    cell = cells(desk)[GERMAN]
    with building(shown):
        say(desk, ANA, asked("approve", cell))
        edit(shown, "campaign.yaml", f"brand: [{ANA}, {BEN}]", f"brand: [{BEN}]")
        (refused,) = desk.decide(BEN, [asked("reject", cell, "too dark")])["refused"]
        assert "since the build began" in refused["what"]
        say(desk, BEN, asked("comment", cell, "too dark"))
    say(desk, BEN, asked("reject", cell, "too dark"))


def test_a_picture_that_the_build_has_not_written_down_is_decided_about_when_it_has_ended(
    tmp_path: Path, shown: Path
) -> None:
    fresh = tmp_path / "fresh"
    write_shown(fresh)
    desk = desk_of(fresh)
    digest = desk.view.planned.store.put((shown / "out" / "swatch.png").read_bytes(), durable=False)
    with building(fresh) as run:
        run.tell("made", "swatch", digest=digest)
        told(desk)
        (refused,) = desk.decide(ANA, [asked("approve", {"address": "swatch", "digest": digest})])["refused"]
        assert "when it has ended" in refused["what"]
        assert "when it has ended" in asset(desk, "swatch")["standing"]["may"]["approve"]
    told(desk)
    assert asset(desk, "swatch")["standing"]["may"]["approve"] == "it is not built"


def test_what_a_merge_left_twice_in_the_lock_is_open_until_a_build_settles_it(shown: Path) -> None:
    desk = desk_of(shown)
    before = cells(desk)
    say(desk, ANA, asked("approve", before[GERMAN]))
    path = shown / "imagebuild.lock"
    text = path.read_text("utf-8")
    line = next(each for each in text.splitlines() if each.startswith("{") and json.loads(each).get("asset") == GERMAN)
    entry = json.loads(line)
    other = json.dumps({**entry, "digest": before[ARABIC]["digest"], "key": "0" * 64}, separators=(",", ":"))
    path.write_text(text.replace(line, f"<<<<<<< ours\n{line}\n=======\n{other}\n>>>>>>> theirs"), "utf-8")
    assert "reload" in kinds(told(desk))
    cell = cells(desk)[GERMAN]
    assert (cell["state"], cell["verdict"]) == ("open", "make")
    assert cell["why"] == "the lock has two pictures since a merge"
    assert cells(desk)[ARABIC]["verdict"] == "reuse"
    assert GERMAN in board(desk)["problem"]["what"]
    assert "imagebuild build" in board(desk)["problem"]["hint"]
    assert "since a merge" in asset(desk, GERMAN)["standing"]["may"]["approve"]
    build(shown)
    assert "reload" in kinds(told(desk))
    assert board(desk)["problem"] is None
    assert cells(desk)[GERMAN]["verdict"] == "reuse"


def test_a_campaign_that_was_moved_away_is_told_as_such_and_nothing_is_made_in_its_place(shown: Path) -> None:
    desk = desk_of(shown)
    cell = cells(desk)[GERMAN]
    away = shown.rename(shown.parent / "away")
    (event,) = told(desk)
    assert "not there any more" in event["what"]
    assert board(desk)["problem"]["what"] == event["what"]
    with pytest.raises(ImagebuildError, match="not there any more"):
        desk.decide(ANA, [asked("approve", cell)])
    desk.thumb(cell["digest"], 160)
    assert not shown.exists()
    away.rename(shown)
    assert "reload" in kinds(told(desk))
    assert board(desk)["problem"] is None
    say(desk, ANA, asked("approve", cell))


def test_another_label_has_the_page_fetch_the_board(shown: Path) -> None:
    edit(shown, "campaign.yaml", "axes:\n", "axes:\n  product: [{id: k, name: Kettle}]\n")
    edit(shown, "campaign.yaml", "  swatch:\n", "  swatch:\n    over: [product]\n")
    desk = desk_of(shown)
    edit(shown, "campaign.yaml", "name: Kettle", "name: Boiler")
    assert "reload" in kinds(told(desk))
    (labels,) = [
        [each["label"] for each in axis["values"]] for axis in board(desk)["axes"] if axis["name"] == "product"
    ]
    assert labels == ["Boiler"]


def test_a_campaign_with_a_mistake_cannot_be_opened(shown: Path) -> None:
    edit(shown, "campaign.yaml", "campaign: shown", "campaing: shown")
    with pytest.raises(ImagebuildError):
        desk_of(shown)


class Run:
    """A build that runs, as far as its feed tells."""

    def __init__(self, steps: dict[str, PlanStep], listener: Listener) -> None:
        self._steps = steps
        self._listener = listener

    def tell(self, kind: str, address: str, **more: Any) -> None:
        self._listener(Event(kind, self._steps[address], **more))


@contextmanager
def building(folder: Path) -> Iterator[Run]:
    project = find_project(None, {}, str(folder))
    planned = plan_campaign(project, whole=True)
    steps = {step.address: step for step in planned.plan.steps}
    with telling(project, planned.plan, lambda _event: None, spent=planned.plan.price) as listener:
        yield Run(steps, listener)


def test_pictures_fill_in_as_a_build_makes_them(tmp_path: Path, shown: Path) -> None:
    fresh = tmp_path / "fresh"
    write_shown(fresh)
    desk = desk_of(fresh)
    made = (shown / "out" / "swatch.png").read_bytes()
    digest = desk.view.planned.store.put(made, durable=False)
    assert desk.picture(digest) is None
    with building(fresh) as run:
        run.tell("start", "swatch")
        events = told(desk)
        assert kinds(events) == ["build"]
        assert events[0]["build"]["running"] is True
        run.tell("made", "swatch", digest=digest)
        run.tell("failed", "tile", problem=Problem("the service said no"))
        events = told(desk)
        filled = {cell["address"]: cell for event in events for cell in event.get("cells", ())}
        assert (filled["swatch"]["digest"], filled["swatch"]["verdict"]) == (digest, "reuse")
        assert (filled["tile"]["verdict"], filled["tile"]["why"]) == ("failed", "the service said no")
        assert desk.thumb(digest, 160) is not None
        progress = board(desk)["build"]
        assert (progress["made"], progress["running"]) == (2, True)
        assert cells(desk)["swatch"]["digest"] == digest
        assert asset(desk, "swatch")["now"]["digest"] == digest
    assert told(desk)
    assert board(desk)["build"] is None
    assert cells(desk)["swatch"]["verdict"] == "make", "it is planned anew: the lock knows of nothing"


def test_a_page_that_is_opened_while_a_build_runs_sees_it(shown: Path) -> None:
    with building(shown) as run:
        run.tell("made", "swatch", digest=None)
        assert board(desk_of(shown))["build"]["running"] is True
    assert board(desk_of(shown))["build"] is None


def test_while_a_build_runs_nothing_is_planned_anew(shown: Path) -> None:
    desk = desk_of(shown)
    with building(shown):
        edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
        told(desk)
        assert cells(desk)[GERMAN]["verdict"] == "reuse"
    told(desk)
    assert cells(desk)[GERMAN]["verdict"] == "make"


def test_a_build_that_was_killed_is_over(shown: Path) -> None:
    desk = desk_of(shown)
    with building(shown) as run:
        run.tell("start", "swatch")
        told(desk)
        feed = next((shown / ".imagebuild" / "feed").iterdir())
        text = feed.read_text("utf-8")
    feed.write_text(text, "utf-8")  # as it was when it was killed: without an end, and with nobody holding it
    other = desk_of(shown)
    assert board(other)["build"] is None
    assert told(desk)
    assert board(desk)["build"] is None


def test_a_picture_chosen_among_variants_is_what_the_next_build_delivers(shown: Path) -> None:
    desk = desk_of(shown)
    second = asset(desk, "poster")["variants"][1]
    say(desk, ANA, asked("pick", {"asset": "poster", "digest": second["digest"]}, key=second["key"]))
    assert "cells" in kinds(told(desk))
    build(shown, "poster")
    told(desk)
    assert cells(desk)["poster"]["digest"] == second["digest"]


def test_many_pages_may_ask_at_once(shown: Path) -> None:
    desk = desk_of(shown)
    addresses = list(cells(desk))
    wrong: list[BaseException] = []

    def ask(number: int) -> None:
        try:
            for address in addresses[number % 3 :]:
                board(desk, f"person-{number}@x")
                found = asset(desk, address)
                desk.thumb(found["now"]["digest"], 160)
                desk.news()
        except BaseException as bad:
            wrong.append(bad)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    for thread in threads:
        thread.join()
    assert wrong == []
