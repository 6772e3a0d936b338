"""The matrix: what of a real plan and real decisions every cell says."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from imagebuild.stages.review.board import amount
from imagebuild.stages.review.desk import Showing
from tests.cli.conftest import edit
from tests.stages.review.campaign import ANA, BEN, LEA, asked, board, build, cells, desk_of, say, write_shown

HERO = "hero[locale={},ratio={}]"


def test_only_delivered_pictures_are_cells_and_variants_are_none(shown: Path) -> None:
    found = cells(desk_of(shown))
    heroes = [HERO.format(tag, ratio) for tag in ("en-US", "de-DE", "ar-EG") for ratio in ("wide", "story")]
    assert sorted(found) == sorted([*heroes, "tile", "poster", "swatch"])
    assert found["poster"]["variants"] == 3
    assert found["swatch"]["variants"] == 0


def test_a_cell_says_its_gate_as_the_lock_and_the_plan_do(shown: Path) -> None:
    found = cells(desk_of(shown))
    gates = {address: cell["gate"] for address, cell in found.items()}
    assert gates[HERO.format("de-DE", "wide")] == "unverified"
    assert gates["tile"] == "failed"
    assert gates["swatch"] == "none"
    assert found["tile"]["verdict"] == "rejected"
    assert found["tile"]["digest"], "it is kept, to be looked at"


def test_axes_have_names_that_people_know_and_the_way_they_are_read(shown: Path) -> None:
    axes = {axis["name"]: axis["values"] for axis in board(desk_of(shown))["axes"]}
    assert axes["locale"][2] == {"id": "ar-EG", "label": "Arabic (Egypt)", "dir": "rtl"}
    assert [each["id"] for each in axes["ratio"]] == ["wide", "story"]
    found = cells(desk_of(shown))
    assert found[HERO.format("ar-EG", "story")]["dir"] == "rtl"
    assert found[HERO.format("ar-EG", "story")]["placement"] == "meta/story"
    assert found[HERO.format("de-DE", "wide")]["size"] == [480, 270]


def test_a_campaign_that_was_never_built_has_a_board_too(tmp_path: Path) -> None:
    write_shown(tmp_path / "fresh")
    found = cells(desk_of(tmp_path / "fresh"))
    assert {cell["verdict"] for cell in found.values()} == {"make"}
    assert {cell["digest"] for cell in found.values()} == {cell["thumb"] for cell in found.values()} == {None}
    assert found["swatch"]["state"] == "unneeded"
    assert {cell["state"] for address, cell in found.items() if address != "swatch"} == {"open"}
    assert found["tile"]["gate"] == "pending"


def test_what_a_shared_picture_costs_is_shared_and_its_price_stands_once(shown: Path) -> None:
    edit(shown, "prompts/scene.j2", "morning", "evening")
    desk = desk_of(shown, Showing(provider="openai"))
    whole = board(desk)
    prices = {cell["address"]: Decimal(cell["price"]) for cell in whole["cells"]}
    assert sum(prices.values()) == Decimal(whole["money"]["next_build"]) > 0
    assert sum(prices[address] > 0 for address in prices if address != "poster") == 1, (
        "the scene is in eight, paid once"
    )


def test_a_share_of_what_was_billed_adds_up_to_the_bill(shown: Path) -> None:
    lock = (shown / "imagebuild.lock").read_text("utf-8")
    scene = next(line for line in lock.splitlines() if line.startswith('{"asset":"scene"'))
    (shown / "imagebuild.lock").write_text(lock.replace(scene, scene.replace('"cost":"0"', '"cost":"0.084"')), "utf-8")
    found = cells(desk_of(shown))
    shares = [Decimal(cell["cost"]) for cell in found.values()]
    assert sum(shares) == Decimal("0.084")
    assert found["swatch"]["cost"] == "0.0105"


def test_states_follow_the_policy_of_each_cell(shown: Path) -> None:
    desk = desk_of(shown)
    found = cells(desk)
    german, arabic = found[HERO.format("de-DE", "wide")], found[HERO.format("ar-EG", "wide")]
    say(desk, ANA, asked("approve", german), asked("approve", arabic), asked("comment", arabic, "a nice one"))
    after = cells(desk)
    assert after[german["address"]]["state"] == "approved"
    assert (after[arabic["address"]]["state"], after[arabic["address"]]["missing"]) == ("partly", ["1 of legal"])
    assert after[arabic["address"]]["comments"] == 1
    say(desk, LEA, asked("reject", arabic, "the claim is not allowed there"))
    assert cells(desk)[arabic["address"]]["state"] == "rejected"
    policies = {asset["name"]: asset["policy"] for asset in board(desk)["assets"]}
    assert policies == {"hero": "1 of brand", "tile": "1 of brand", "poster": "1 of brand", "swatch": "nobody"}


def test_an_approval_lapses_where_the_picture_becomes_another(shown: Path) -> None:
    desk = desk_of(shown)
    german = cells(desk)[HERO.format("de-DE", "wide")]
    say(desk, ANA, asked("approve", german))
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    build(shown, "locale=de-DE")
    after = cells(desk)[german["address"]]
    assert after["digest"] != german["digest"]
    assert after["state"] == "lapsed"


def test_another_take_shows_in_every_picture_that_is_made_from_it_and_in_the_plan(shown: Path) -> None:
    desk = desk_of(shown)
    lock = desk.view.planned.facts.lock.entries["scene"]
    assert cells(desk)["swatch"]["verdict"] == "reuse"
    say(desk, BEN, asked("retake", {"asset": "scene", "digest": lock.digest}, "two moons", key=lock.key))
    found = {address for address, cell in cells(desk).items() if cell["retake"]}
    assert found == {address for address in cells(desk) if address != "poster"}
    assert cells(desk)["swatch"]["verdict"] == "make"
    assert cells(desk)["poster"]["verdict"] == "reuse"


def test_a_selection_shows_some_and_counts_the_cost_over_all(shown: Path) -> None:
    desk = desk_of(shown, Showing(["hero"], ["locale=ar-EG"]))
    assert {cell["cell"]["locale"] for cell in board(desk)["cells"]} == {"en-US", "de-DE"}
    assert desk.view.uses("scene") == 8


def test_amounts_are_written_without_exponents_and_zeros() -> None:
    written = [amount(Decimal(text)) for text in ("0", "0.00", "1E+1", "0.0500", "120", "0.0000004", "0.0125")]
    assert written == ["0", "0", "10", "0.05", "120", "0", "0.0125"]
    assert amount(None) is None


def test_a_picture_says_whose_approval_it_waits_for(shown: Path) -> None:
    desk = desk_of(shown)
    people = board(desk)["people"]
    assert people == [ANA, BEN, LEA]

    def of(address: str) -> list[str] | None:
        waits = cells(desk)[address]["waits"]
        return None if waits is None else [people[number] for number in waits["of"]]

    german, arabic = HERO.format("de-DE", "wide"), HERO.format("ar-EG", "wide")
    assert (of(german), of(arabic)) == ([ANA, BEN], [ANA, BEN, LEA])
    assert [of(each) for each in ("tile", "swatch")] == [None, None]  # it did not pass; nobody is asked
    assert (desk.waiting_for(LEA.upper()), desk.waiting_for("eve@northwind.example")) == (2, None)
    say(desk, ANA, asked("approve", cells(desk)[arabic]), asked("approve", cells(desk)[german]))
    assert (of(german), of(arabic)) == (None, [LEA])
    say(desk, LEA, asked("reject", cells(desk)[arabic], "a typing mistake"))
    assert of(arabic) is None
    edit(shown, "strings/de-DE.yaml", "Warme Morgen", "Morgens warm")
    desk.news()
    assert of(german) is None  # another picture is asked for


def test_where_nobody_is_named_a_picture_waits_for_everybody_but_those_who_approved(shown: Path) -> None:
    text = (shown / "campaign.yaml").read_text("utf-8")
    begin, end = text.index("approvers:"), text.index("axes:")
    (shown / "campaign.yaml").write_text(text[:begin] + "approval: {need: 2, by_others: false}\n" + text[end:], "utf-8")
    desk = desk_of(shown)
    german = HERO.format("de-DE", "wide")
    assert (board(desk)["people"], cells(desk)[german]["waits"]) == ([], {"but": []})
    before = desk.waiting_for(ANA)
    assert before is not None
    say(desk, ANA, asked("approve", cells(desk)[german]))
    assert cells(desk)[german]["waits"] == {"but": [ANA]}
    assert (desk.waiting_for(ANA), desk.waiting_for(BEN)) == (before - 1, before)
