"""All about one picture, of a campaign that was really built."""

from __future__ import annotations

import json
from pathlib import Path

from imagebuild.stages.review.desk import Showing
from tests.cli.conftest import edit
from tests.stages.review.campaign import (
    ANA,
    ATTACK,
    BEN,
    LEA,
    asked,
    asset,
    build,
    cells,
    desk_of,
    say,
    write_shown,
)

ARABIC = "hero[locale=ar-EG,ratio=story]"
GERMAN = "hero[locale=de-DE,ratio=wide]"


def test_copy_is_shown_where_it_stands_and_the_way_it_is_read(shown: Path) -> None:
    found = asset(desk_of(shown), ARABIC)
    (text,) = found["texts"]
    assert (text["role"], text["text"], text["dir"], text["lang"]) == ("headline", "صباحات دافئة", "rtl", "ar-EG")
    left, top, right, bottom = text["box"]
    assert 540 < right <= 1080, "mirrored: it stands on the right"
    assert 0.3 * 1920 < top < bottom < 0.6 * 1920
    assert left < right
    assert (found["dir"], found["lang"], found["locale_name"]) == ("rtl", "ar-EG", "Arabic (Egypt)")
    assert found["alt"] == "صباحات دافئة"


def test_what_the_placement_covers_is_told_in_pixels(shown: Path) -> None:
    desk = desk_of(shown)
    placement = asset(desk, ARABIC)["placement"]
    assert placement["name"] == "meta/story"
    left, top, right, bottom = placement["safe"]
    assert left >= 0
    assert right >= 0
    assert 100 < top < 500
    assert 100 < bottom < 600
    assert asset(desk, GERMAN)["placement"] is None


def test_what_was_read_stands_beside_what_was_expected(shown: Path) -> None:
    checks = asset(desk_of(shown), GERMAN)["checks"]
    assert checks["verdict"] == "unverified"
    assert {row["name"]: row["verdict"] for row in checks["rows"]}["text"] == "unverified"
    (finding,) = checks["findings"]
    assert (finding["expected"], finding["read"]) == ("Warme Morgen", "")
    assert finding["diff"] == [["-", "Warme Morgen"]]
    assert len(finding["box"]) == 4


def test_a_picture_that_did_not_pass_is_shown_and_not_to_be_approved(shown: Path) -> None:
    desk = desk_of(shown)
    found = asset(desk, "tile")
    assert found["verdict"] == "rejected"
    assert found["checks"]["verdict"] == "failed"
    assert found["now"]["size"] == [60, 40]
    assert "did not pass" in found["standing"]["may"]["approve"]
    assert found["standing"]["may"]["reject"] == ""
    answer = desk.decide(ANA, [asked("approve", cells(desk)["tile"])])
    assert answer["accepted"] == []


def test_who_may_decide_is_told_with_the_reason(shown: Path) -> None:
    desk = desk_of(shown)
    assert asset(desk, GERMAN)["standing"]["may"] == {"approve": "", "reject": ""}
    assert "not among those who decide" in asset(desk, GERMAN, LEA)["standing"]["may"]["approve"]
    assert asset(desk, ARABIC, LEA)["standing"]["may"]["approve"] == ""
    assert "--as" in asset(desk, GERMAN, "")["standing"]["may"]["approve"]
    assert asset(desk, ARABIC)["standing"]["policy"] == "1 of brand, 1 of legal"


def test_the_parts_say_what_made_them_of_what_and_who_had_it_made(shown: Path) -> None:
    parts = asset(desk_of(shown), GERMAN)["parts"]
    assert [(part["kind"], part["address"]) for part in parts] == [
        ("generate", "scene"), ("local", f"{GERMAN}:drawn"), ("check", GERMAN),
    ]  # fmt: skip
    paid, drawn, _ = parts
    assert paid["made"]["provider"] == "proof"
    assert paid["inputs"][0]["path"] == "brand.png"
    assert drawn["inputs"][0]["address"] == "scene"
    assert drawn["written"] == [
        {"name": "t.headline", "value": "Warme Morgen", "at": "strings/de-DE.yaml:1:11", "is_file": False}
    ]
    assert drawn["made"]["made_by"] == BEN
    assert ["steps[0].fit.cover[0]", "480"] in drawn["manifest"]
    assert not any(name == "prompt" for name, _ in drawn["manifest"])


def test_a_reference_of_the_campaign_is_shown_small(shown: Path) -> None:
    edit(shown, "campaign.yaml", "size: 1024x640\n    ref", "size: 1024x640\n    output: scene.png\n    ref")
    build(shown)
    desk = desk_of(shown)
    (reference,) = asset(desk, "scene")["parts"][0]["inputs"]
    assert (reference["path"], reference["address"]) == ("brand.png", None)
    thumb = desk.thumb(reference["digest"], 160)
    assert thumb is not None
    assert thumb.data[8:12] == b"WEBP"


def test_what_is_paid_for_names_its_key_and_how_many_pictures_share_it(shown: Path) -> None:
    desk = desk_of(shown)
    (paid,) = asset(desk, GERMAN)["paid"]
    lock = desk.view.planned.facts.lock.entries["scene"]
    assert (paid["address"], paid["key"], paid["digest"]) == ("scene", lock.key, lock.digest)
    assert (paid["uses"], paid["take"], paid["retake"]) == (8, 1, None)


def test_a_take_that_is_asked_for_and_the_take_before_it(shown: Path) -> None:
    desk = desk_of(shown)
    before = asset(desk, GERMAN)
    (paid,) = before["paid"]
    say(desk, BEN, asked("retake", paid, "two moons", key=paid["key"]))
    desk.news()
    retake = asset(desk, GERMAN)["paid"][0]
    assert (retake["retake"]["by"], retake["retake"]["why"], retake["next_take"]) == (BEN, "two moons", 2)
    build(shown)
    desk.news()
    after = asset(desk, GERMAN)
    assert after["now"]["digest"] != before["now"]["digest"]
    assert (after["paid"][0]["take"], after["paid"][0]["retake"]) == (2, None)
    earlier = {each["picture"]["digest"]: each for each in after["others"] if each["kind"] == "take"}
    assert earlier[before["now"]["digest"]]["label"].startswith("drawn · ")
    assert earlier[paid["digest"]]["label"].startswith("take 1 · ")


def test_variants_are_chosen_among_where_the_campaign_does_not_say(shown: Path) -> None:
    desk = desk_of(shown)
    found = asset(desk, "poster")
    assert [each["picked"] for each in found["variants"]] == [True, False, False]
    assert found["pick_said"] is None
    third = found["variants"][2]
    say(desk, ANA, asked("pick", {"asset": "poster", "digest": third["digest"]}, key=third["key"]))
    desk.news()
    after = asset(desk, "poster")
    assert [each["picked"] for each in after["variants"]] == [False, False, True]
    assert after["decisions"][0]["decision"] == "pick"
    edit(shown, "campaign.yaml", "variants: 3", "variants: 3\n    pick: 2")
    desk.news()
    assert asset(desk, "poster")["pick_said"] == "campaign.yaml:37:11"


def test_the_prompt_is_compared_with_the_one_that_was_approved(shown: Path) -> None:
    desk = desk_of(shown)
    german = cells(desk)[GERMAN]
    say(desk, ANA, asked("approve", german))
    edit(shown, "prompts/scene.j2", "in the morning", "at night")
    build(shown)
    desk.news()
    found = asset(desk, GERMAN)
    assert found["prompt"] == f"A kettle on a table at night. {ATTACK}"
    assert found["prompt_diff"]["since"] == "approved by ana@northwind.example · 2026-11-21"
    assert ["-", "in the morning"] in found["prompt_diff"]["parts"]
    assert ["+", "at night"] in found["prompt_diff"]["parts"]
    approved = found["others"][0]
    assert (approved["kind"], approved["picture"]["digest"]) == ("approved", german["digest"])
    assert approved["prompt"] == f"A kettle on a table in the morning. {ATTACK}"


def test_without_an_approval_the_prompt_is_compared_with_the_one_before(shown: Path) -> None:
    edit(shown, "prompts/scene.j2", "in the morning", "at night")
    build(shown)
    diff = asset(desk_of(shown), GERMAN)["prompt_diff"]
    assert diff["since"].startswith("made · ")
    assert ["-", "in the morning"] in diff["parts"]


def test_decisions_come_the_latest_first_and_say_whether_they_speak_of_this_picture(shown: Path) -> None:
    desk = desk_of(shown)
    german = cells(desk)[GERMAN]
    approval = asked("approve", german)
    say(desk, ANA, approval, asked("comment", german, "<b>bold</b>"))
    say(desk, ANA, asked("withdraw", german, undoes=approval["ref"]))
    found = asset(desk, GERMAN)["decisions"]
    assert [each["decision"] for each in found] == ["withdraw", "comment", "approve"]
    assert [each["undone"] for each in found] == [False, False, True]
    assert {each["current"] for each in found} == {each["yours"] for each in found} == {True}
    assert found[1]["why"] == "<b>bold</b>"
    assert {each["yours"] for each in asset(desk, GERMAN, BEN)["decisions"]} == {False}


def test_what_somebody_has_said_of_all_pictures_is_what_is_told_of_each(shown: Path) -> None:
    desk = desk_of(shown)
    found = cells(desk)
    paid = asset(desk, "poster")["paid"][0]
    again = {"address": paid["address"], "digest": paid["digest"], "key": paid["key"]}
    yes, no = asked("approve", found[GERMAN]), asked("reject", found["tile"], "not green")
    say(desk, ANA, yes, no, asked("retake", again, "a kettle", key=paid["key"]), asked("comment", found[GERMAN], "hm"))
    say(desk, BEN, asked("approve", found[GERMAN]))
    say(desk, ANA, asked("withdraw", {"asset": GERMAN, "digest": yes["digest"]}, undoes=yes["ref"]))
    told = json.loads(desk.own(ANA))
    assert set(told) == {GERMAN, "tile", "poster"}
    for address in found:
        each = [one for one in asset(desk, address)["decisions"] if one["yours"] and one["current"]]
        assert told.get(address, []) == each
    assert [one["undone"] for one in told[GERMAN] if one["decision"] == "approve"] == [True]
    assert list(json.loads(desk.own(BEN))) == [GERMAN]
    assert json.loads(desk.own("")) == {}


def test_a_sheet_as_pdf_has_no_picture_to_show_and_no_prompt_of_its_own(shown: Path) -> None:
    edit(shown, "campaign.yaml", "  swatch:\n", "  book:\n    sheet: {of: poster}\n    output: book.pdf\n  swatch:\n")
    build(shown, "book")
    desk = desk_of(shown)
    cell = cells(desk)["book"]
    assert cell["digest"]
    assert cell["thumb"] is None
    found = asset(desk, "book")
    assert (found["now"], found["prompt"], found["prompt_diff"]) == (None, None, None)
    assert [each["label"] for each in found["others"]] == ["made from poster"] * 3
    assert desk.picture(cell["digest"]) is None


def test_there_is_nothing_of_an_address_that_is_not_delivered(shown: Path) -> None:
    desk = desk_of(shown)
    for address in ("scene", "poster:variant-1", "hero[locale=xx]", "", "../campaign.yaml", ARABIC + ":drawn"):
        assert desk.asset(ANA, address) is None, address


def test_a_picture_that_was_never_made_says_so(tmp_path: Path) -> None:
    write_shown(tmp_path / "fresh")
    found = asset(desk_of(tmp_path / "fresh"), GERMAN)
    assert (found["now"], found["others"], found["verdict"]) == (None, [], "make")
    assert found["standing"]["may"]["approve"] == "it is not built"
    assert found["texts"][0]["text"] == "Warme Morgen"
    assert found["checks"] == {"verdict": "pending", "rows": [], "findings": []}
    priced = asset(desk_of(tmp_path / "fresh", Showing(provider="openai")), GERMAN)
    assert float(priced["paid"][0]["price"]) > 0
