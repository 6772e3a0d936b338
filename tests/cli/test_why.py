"""`imagebuild why`: what it says of pictures in place, changed, drawn, edited and gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.conftest import Run, edit, say_in
from tests.cli.test_plan import begun


def _asked(done_text: str) -> dict[str, Any]:
    (asset,) = json.loads(done_text)["assets"]
    return asset


def test_a_picture_in_place_tells_what_made_it_and_its_identities(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "why", "poster[locale=de-DE]")
    entry = next(
        json.loads(line)
        for line in (built / "imagebuild.lock").read_text(encoding="utf-8").splitlines()
        if '"poster[locale=de-DE]"' in line
    )
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "poster[locale=de-DE]"
    assert "  output    out/de-DE/poster.png (in place)" in lines
    assert "  reuse     in place" in lines
    assert any(line.startswith("  made      20") and " by proof · gpt-image-2-2026-04-21 · " in line for line in lines)
    assert f"  key       {entry['key']}" in lines
    assert f"  digest    {entry['digest']}" in lines
    assert '    size: "1024x640"' in lines
    assert "  cost      free" in lines


def test_a_changed_string_is_shown_old_to_new_with_its_place(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    text = imagebuild(built, "why", "poster", "locale=de-DE").stdout
    assert "  make      its request changed" in text
    assert 'prompt: A poster. Headline: "[-Warme-]{+Heiße+} Morgen"' in text
    assert "because t.headline (strings/de-DE.yaml:1:11): “Warme Morgen” → “Heiße Morgen”" in text
    assert "the earlier one: 20" in text
    assert "(the earlier picture is there)" in text
    assert "  digest    not known before it is made" in text


def test_after_the_build_it_still_says_what_changed(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    assert imagebuild(built, "build").returncode == 0
    text = imagebuild(built, "why", "poster", "locale=de-DE").stdout
    assert "  reuse     in place" in text
    assert ", and since then this changed:" in text
    assert "because t.headline (strings/de-DE.yaml:1:11): “Warme Morgen” → “Heiße Morgen”" in text
    assert ", and since then this changed:" not in imagebuild(built, "why", "poster", "locale=ar-EG").stdout


def test_a_drawn_picture_is_followed_down_to_the_one_that_was_paid_for(built: Path, imagebuild: Run) -> None:
    text = imagebuild(built, "why", "hero").stdout
    assert "  cost      nothing of its own: drawn here" in text
    assert "  made from scene  reuse · free, shared with 4 others" in text
    assert "  input     scene  reuse  " in text


def test_the_cause_of_a_cascade_is_told_where_it_shows(built: Path, imagebuild: Run) -> None:
    edit(built, "campaign.yaml", "A kettle on a table.", "A teapot on a table.")
    text = imagebuild(built, "why", "hero").stdout
    assert "  make      made from a picture that is made anew" in text
    assert "[-kettle-]{+teapot+}" in text
    assert "    input: not known before its input is made" in text


def test_an_edit_shows_its_paid_picture_and_what_is_drawn_from_it(built: Path, imagebuild: Run) -> None:
    found = _asked(imagebuild(built, "why", "winter", "--json").stdout)
    master, final = found["parts"]
    assert (master["address"], master["kind"]) == ("winter:master", "edit")
    assert (final["address"], final["kind"]) == ("winter", "local")
    assert [each["address"] or each["path"] for each in master["inputs"]] == ["scene", "brand.png"]
    assert [each["address"] for each in found["paid_for"]] == ["scene", "winter:master"]
    assert found["output_is"] == "in place"


def test_a_request_shared_by_several_names_the_others(built: Path, imagebuild: Run) -> None:
    text = imagebuild(built, "why", "badge", "locale=de-DE").stdout
    assert "  same as   badge[locale=en-US], badge[locale=ar-EG]: the same request, made once" in text


def test_a_price_is_told_for_what_is_not_paid_for_yet(built: Path, imagebuild: Run) -> None:
    text = imagebuild(built, "why", "scene", "--provider", "openai").stdout
    assert "its request changed · about $0.0" in text
    assert "drawn_by: “proof-1” → nothing" in text
    assert ", not paid for yet, shared with 4 others" in text


def test_an_asset_that_is_no_longer_in_the_campaign_is_remembered(built: Path, imagebuild: Run) -> None:
    edit(built, "campaign.yaml", "  hero:\n", "  lead:\n")
    done = imagebuild(built, "why", "hero")
    assert done.returncode == 0
    assert "no longer in the campaign; the lock remembers it" in done.stdout
    assert "hero.webp (`imagebuild build --prune` removes it)" in done.stdout


def test_a_store_that_was_lost_is_no_reason_to_be_silent(built: Path, imagebuild: Run) -> None:
    for path in (built / ".imagebuild" / "store" / "results").rglob("*.json"):
        path.unlink()
    text = imagebuild(built, "why", "poster[locale=de-DE]").stdout
    assert "before by proof · gpt-image-2-2026-04-21; the store has no record of it" in text


def test_an_output_path_selects_as_with_make(built: Path, imagebuild: Run) -> None:
    assert imagebuild(built, "why", "out/hero.webp").stdout.startswith("hero\n")


def test_a_master_has_an_address_of_its_own(built: Path, imagebuild: Run) -> None:
    text = imagebuild(built, "why", "winter:master").stdout
    assert text.startswith("winter:master\n  output    none: other assets are made from it\n")


def test_of_many_assets_the_first_are_told_and_the_rest_counted(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", "  hero:\n    from: scene\n", "  hero:\n    over: [number]\n    from: scene\n")
    edit(fresh, "campaign.yaml", "output: hero.webp", 'output: "hero-{{ number }}.webp"')
    edit(fresh, "campaign.yaml", "axes:\n", f"axes:\n  number: {list(range(1, 21))}\n")
    text = imagebuild(fresh, "why", "hero").stdout
    assert text.count("  output    out/hero-") == 12
    assert text.rstrip().endswith("… and 8 more (`--json` has all of them)")
    assert len(json.loads(imagebuild(fresh, "why", "hero", "--json").stdout)["assets"]) == 20


def test_asking_writes_nothing(built: Path, imagebuild: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in built.rglob("*")}
    imagebuild(built, "why", "winter")
    imagebuild(built, "show", "winter")
    imagebuild(built, "graph")
    assert {path: path.stat().st_mtime_ns for path in built.rglob("*")} == before


def test_an_open_attempt_is_shown_whole_with_the_command_that_goes_on(fresh: Path, imagebuild: Run) -> None:
    attempt = begun(fresh, imagebuild, "scene", "uncertain", request_id="req_1", words="cut off\x1b[31m")
    text = imagebuild(fresh, "why", "scene", "--provider", "openai").stdout
    assert "  uncertain its request left, and whether the service made and billed it is not known\n" in text
    lines = text.splitlines()
    assert f"  attempt   {attempt.id} · uncertain" in lines
    assert "  sent      2026-11-20T10:00:00Z to openai, request req_1" in lines
    assert any(line.startswith("  words     “cut off") and "\x1b" not in line for line in lines)
    assert "  amount    about $0.0042" in lines
    assert any(line.startswith(f"  next      `imagebuild ledger settle {attempt.id} --not-billed`") for line in lines)
    asked_again = imagebuild(fresh, "why", "scene", "--provider", "openai", "--on-uncertain", "retry").stdout
    assert (
        "  make      what became of its last request is not known; it is asked for again, and may be billed"
        in asked_again
    )


def test_an_attempt_is_in_the_json_of_what_it_decides(fresh: Path, imagebuild: Run) -> None:
    attempt = begun(fresh, imagebuild, "scene", "refused", request_id="req_1", words="no")
    found = _asked(imagebuild(fresh, "why", "scene", "--json", "--provider", "openai").stdout)
    reason = found["parts"][0]["reason"]
    assert reason["sentence"] == (
        "the service said no to exactly this request (sent 2026-11-20T10:00:00Z to `openai`, request req_1, "
        "about $0.0042: “no”)"
    )
    assert (reason["attempt"]["id"], reason["attempt"]["state"], reason["attempt"]["billed"]) == (
        attempt.id, "refused", None,
    )  # fmt: skip
    hero = _asked(imagebuild(fresh, "why", "hero", "--json", "--provider", "openai").stdout)["parts"][0]
    assert hero["verdict"] == "blocked"
    assert [change["new"] for change in hero["reason"]["changes"]] == ["scene"]
