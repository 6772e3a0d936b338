"""`imagebuild plan` as people and programs see it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from imagebuild.core.attempt import Attempt, payment_of
from imagebuild.core.key import Digest, Key
from imagebuild.store.journal import LocalJournal
from tests.cli.conftest import Run, edit, say_in, tree


def test_a_campaign_never_built_is_shown_as_all_to_make_with_its_price(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "plan", "--provider", "openai")
    assert done.returncode == 0
    assert "small · openai · gpt-image-2-2026-04-21 · prices of " in done.stdout
    assert "+ make poster × 3: never made" in done.stdout
    assert "locale: all 3" in done.stdout
    last = done.stdout.rstrip().splitlines()[-1]
    assert last.startswith("Plan: 5 to make, 3 to draw here, 2 the same as another. Price: $0.")
    assert last.endswith(" of $5.00 for a build.")


def test_planning_writes_nothing(fresh: Path, imagebuild: Run) -> None:
    before = tree(fresh)
    assert imagebuild(fresh, "plan").returncode == 0
    assert tree(fresh) == before


def test_a_campaign_that_is_in_place_has_nothing_to_do(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "plan", "--detailed-exitcode")
    assert done.returncode == 0
    assert done.stdout.rstrip().endswith("Nothing to do: all 9 in place.")


def test_the_detailed_exit_code_tells_changes_from_errors(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    assert imagebuild(built, "plan", "--detailed-exitcode").returncode == 2
    assert imagebuild(built, "plan").returncode == 0
    edit(built, "campaign.yaml", "assets:", "asets:")
    assert imagebuild(built, "plan", "--detailed-exitcode").returncode == 1


def test_a_changed_string_is_named_with_its_file_and_line(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße Morgen")
    done = imagebuild(built, "plan")
    assert "make poster × 1: its request changed" in done.stdout
    assert "[-Warme-]{+Heiße+}" in done.stdout
    assert "because t.headline (strings/de-DE.yaml:1:11): “Warme Morgen” → “Heiße Morgen”" in done.stdout
    assert "poster[locale=de-DE]" in done.stdout


def test_a_group_says_the_price_of_all_its_pictures_also_of_those_that_were_not_compared(
    fresh: Path, imagebuild: Run
) -> None:
    edit(fresh, "campaign.yaml", "assets:\n", f"  number: [{', '.join(f'n{each}' for each in range(40))}]\nassets:\n")
    with (fresh / "campaign.yaml").open("a", encoding="utf-8") as file:
        file.write(
            '  tile: {over: [number], prompt: "Tile {{ number }}.", size: 1024x640, output: "{{ number }}.png"}\n'
        )
    assert imagebuild(fresh, "build", "-q").returncode == 0
    edit(fresh, "campaign.yaml", "Tile {{", "A tile {{")
    shown = imagebuild(fresh, "plan", "tile", "--provider", "openai").stdout
    (group,) = [line for line in shown.splitlines() if line.startswith("+ make tile × ")]
    (row,) = [line for line in shown.splitlines() if line.startswith("tile ")]
    assert "× 40: its request changed" in group
    assert group.rpartition(" ")[2] == row.split()[-1]


def test_a_text_that_runs_from_right_to_left_does_not_turn_the_line_around(built: Path, imagebuild: Run) -> None:
    say_in(built, "ar-EG", "صباحات هادئة")
    done = imagebuild(built, "plan")
    assert "\u2068“صباحات دافئة”\u2069 → \u2068“صباحات هادئة”\u2069" in done.stdout


def test_a_selection_narrows_the_plan(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "plan", "poster", "locale=de-*", "--json")
    steps = json.loads(done.stdout)["steps"]
    assert [step["address"] for step in steps] == ["poster[locale=de-DE]"]


def test_a_selector_may_follow_an_option(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "plan", "poster", "--json", "locale=de-DE")
    assert [step["address"] for step in json.loads(done.stdout)["steps"]] == ["poster[locale=de-DE]"]


def test_an_excluded_cell_is_left_out(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "plan", "poster", "--exclude", "locale=de-DE", "--json")
    addresses = [step["address"] for step in json.loads(done.stdout)["steps"]]
    assert addresses == ["poster[locale=en-US]", "poster[locale=ar-EG]"]


def test_a_selector_that_matches_nothing_is_a_mistake_with_a_hint(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "plan", "postr")
    assert done.returncode == 1
    assert done.stderr == "error: nothing matches `postr`\n  hint: did you mean `poster`?\n"
    assert done.stdout == ""


def test_the_markdown_form_is_a_table_with_the_reasons_folded_in(built: Path, imagebuild: Run) -> None:
    say_in(built, "de-DE", "Heiße *Morgen*")
    done = imagebuild(built, "plan", "--markdown")
    lines = done.stdout.splitlines()
    assert lines[0] == "### imagebuild: small"
    assert "| asset | make | reuse | price |" in lines
    assert "| poster | 1 | 2 | – |" in lines
    assert "<details><summary>1 changes and why</summary>" in lines
    assert any(line.startswith("- **make** `poster` × 1:") for line in lines)
    assert "\\*Morgen\\*" in done.stdout


def test_an_edited_output_is_to_be_restored_and_a_missing_one_too(built: Path, imagebuild: Run) -> None:
    (built / "out" / "hero.webp").write_bytes(b"scribbled over")
    (built / "out" / "winter.jpg").unlink()
    done = imagebuild(built, "plan")
    assert "restore hero × 1: the file was edited by hand (the edit is kept aside)" in done.stdout
    assert "restore winter × 1: the file is missing" in done.stdout


def test_a_plan_over_the_budget_says_so(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", "{build: 5 USD}", "{build: 0.01 USD}")
    done = imagebuild(fresh, "plan", "--provider", "openai")
    assert done.returncode == 0
    assert "over budget: this build may cost 0.01 USD (`budget.build`)" in done.stdout


def test_a_campaign_that_is_not_there_is_an_error_with_the_next_command(tmp_path: Path, imagebuild: Run) -> None:
    done = imagebuild(tmp_path, "plan")
    assert done.returncode == 1
    assert "error: no campaign file `campaign.yaml`\n" in done.stderr
    assert "hint: `imagebuild init` writes a working one" in done.stderr


def journal_of(folder: Path) -> LocalJournal:
    return LocalJournal(str(folder / ".imagebuild" / "store"))


def begun(folder: Path, imagebuild: Run, address: str, state: str, **more: Any) -> Attempt:
    """An attempt at paying for an asset, left open by a build that is over."""
    plan = json.loads(imagebuild(folder, "plan", "--json", "--provider", "openai").stdout)
    (step,) = [step for step in plan["steps"] if step["address"] == address]
    attempt = Attempt(
        id=f"attempt-{address}", key=Key(step["key"]), state=state, provider="openai", model=plan["model"],
        campaign="small", address=address, estimate=Decimal("0.0042"), at="2026-11-20T10:00:00Z", manifest={},
    )._replace(**more)  # fmt: skip
    journal_of(folder).open(attempt)
    return attempt


def planned(folder: Path, imagebuild: Run, *words: str) -> str:
    done = imagebuild(folder, "plan", "--provider", "openai", *words)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_an_uncertain_request_is_told_with_all_that_is_known_and_what_to_do(fresh: Path, imagebuild: Run) -> None:
    begun(fresh, imagebuild, "poster[locale=de-DE]", "uncertain", request_id="req_1", words="the reply was cut off")
    text = planned(fresh, imagebuild)
    assert (
        "? uncertain poster × 1: its request left, and whether the service made and billed it is not known\n"
        "    sent 2026-11-20T10:00:00Z to openai · about $0.0042\n"
        "    it says: “the reply was cut off”\n"
        "    request req_1\n"
        "    `imagebuild ledger settle attempt-poster[locale=de-DE] --not-billed` when the service's own books say "
        "that it was not; `imagebuild build --on-uncertain retry` asks again, and may pay twice\n"
    ) in text
    assert "Plan: 4 to make, 3 to draw here, 2 the same as another, 1 uncertain. Price: $0." in text
    again = planned(fresh, imagebuild, "--on-uncertain", "retry")
    assert "Plan: 5 to make" in again
    assert "+ make poster × 1: what became of its last request is not known; it is asked for again" in again


def test_a_lost_picture_is_told_with_both_ways_to_settle_it(fresh: Path, imagebuild: Run) -> None:
    begun(fresh, imagebuild, "poster[locale=de-DE]", "lost", words="the link has expired (404)")
    assert (
        "    `imagebuild ledger settle attempt-poster[locale=de-DE] --billed AMOUNT` (or `--not-billed`) takes what "
        "the service's own books say; `imagebuild build --on-uncertain retry` pays for it again\n"
    ) in planned(fresh, imagebuild)


def test_alike_attempts_are_told_together_and_others_apart(fresh: Path, imagebuild: Run) -> None:
    for number, tag in enumerate(("de-DE", "ar-EG", "en-US")):
        begun(
            fresh, imagebuild, f"poster[locale={tag}]", "refused", at=f"2026-11-2{number}T10:00:00Z",
            request_id=f"req_{number}", words="no" if tag != "en-US" else "never", billed=Decimal(0),
        )  # fmt: skip
    text = planned(fresh, imagebuild)
    assert "x refused poster × 2: the service said no to exactly this request\n" in text
    assert "    sent 2026-11-20T10:00:00Z to 2026-11-21T10:00:00Z to openai · $0.00 billed\n" in text
    assert "    request req_1, req_0\n" in text or "    request req_0, req_1\n" in text
    assert text.count("x refused poster × 1:") == 1
    assert ", 3 refused" in text


def test_what_is_made_from_a_refused_picture_is_blocked_and_costs_nothing(fresh: Path, imagebuild: Run) -> None:
    begun(fresh, imagebuild, "scene", "refused", words="no")
    text = planned(fresh, imagebuild)
    assert "x blocked winter × 2: made from a picture that the service refused" in text  # its master, and what is cut
    assert "Plan: 3 to make, 2 the same as another, 1 refused, 4 blocked. Price: $0." in text
    done = imagebuild(fresh, "plan", "scene", "hero", "--provider", "openai", "--detailed-exitcode")
    assert done.returncode == 2
    assert "Plan: 1 refused, 1 blocked. Price: $0.00 of $5.00 for a build." in done.stdout


@pytest.mark.parametrize(
    ("more", "said", "counted"),
    [
        (
            {},
            "… wait scene × 1: a request for it is under way: what comes of it is fetched, not paid again",
            "Plan: 4 to make, 3 to draw here, 2 the same as another, 1 under way. Price: $0.",
        ),
        (
            {"provider": "hinow"},
            "    `imagebuild build --provider hinow` fetches it",
            "4 blocked",
        ),
    ],
)
def test_what_is_under_way_is_waited_for(
    fresh: Path, imagebuild: Run, more: dict[str, Any], said: str, counted: str
) -> None:
    begun(fresh, imagebuild, "scene", "task", **more)
    text = planned(fresh, imagebuild)
    assert said in text
    assert counted in text


def test_a_reply_that_is_on_disk_is_read(fresh: Path, imagebuild: Run) -> None:
    attempt = begun(fresh, imagebuild, "scene", "sent")
    Path(journal_of(fresh).reply_file(attempt.key)).write_bytes(b"whole")
    assert "wait scene × 1: its reply is on disk: it is read, nothing is sent" in planned(fresh, imagebuild)


def test_a_flawed_picture_is_taken_as_it_is_when_somebody_says_so(fresh: Path, imagebuild: Run) -> None:
    begun(fresh, imagebuild, "scene", "flawed", digest=Digest("f" * 64), billed=Decimal("0.01"))
    assert ", 1 flawed, 4 blocked." in planned(fresh, imagebuild)
    text = planned(fresh, imagebuild, "--accept-flawed")
    assert "Plan: 4 to make, 1 to accept as they are, 3 to draw here, 2 the same as another." in text


def test_who_refused_a_picture_is_named_when_another_provider_is_asked(fresh: Path, imagebuild: Run) -> None:
    begun(fresh, imagebuild, "scene", "refused", provider="hinow", words="no")
    text = planned(fresh, imagebuild)
    assert "note: `hinow` refused `scene`: `openai` is asked now" in text
    assert "Plan: 5 to make" in text


def test_a_month_and_a_campaign_count_what_the_ledger_says(fresh: Path, imagebuild: Run) -> None:
    attempt = begun(fresh, imagebuild, "scene", "uncertain")
    journal = journal_of(fresh)
    journal.close(attempt.key)
    month = json.loads(imagebuild(fresh, "plan", "--json").stdout)
    assert (month["spent"], month["spent_month"]) == ("0", "0")
    journal.pay(payment_of(attempt, "paid", id="long-ago", key=Key("1" * 64), billed=Decimal("1.25"), at="2020-01-01T"))
    journal.pay(payment_of(attempt, "paid", id="other", key=Key("2" * 64), campaign="other", at="2999-01-01T00:00:00Z"))
    found = json.loads(imagebuild(fresh, "plan", "--json", "--provider", "openai").stdout)
    assert (found["spent"], found["spent_month"]) == ("1.25", "0")
    edit(fresh, "campaign.yaml", "{build: 5 USD}", "{campaign: 1.26 USD, month: 20 USD}")
    assert "over budget: the campaign may cost 1.26 USD (`budget.campaign`), 1.25 are spent" in planned(
        fresh, imagebuild
    )


def test_a_batch_is_half_the_price_where_there_are_batches(fresh: Path, imagebuild: Run) -> None:
    plain, half = (
        json.loads(imagebuild(fresh, "plan", "--json", "--provider", "openai", *words).stdout)
        for words in ((), ("--batch",))
    )
    assert abs(Decimal(half["price"]) * 2 - Decimal(plain["price"])) < Decimal("0.00001")
    assert (plain["batch"], half["batch"], half["asked"]["batch"]) == (False, True, True)
    assert "Price: $" in planned(fresh, imagebuild, "--batch")
    assert " in batches of $5.00 for a build." in planned(fresh, imagebuild, "--batch")
    done = imagebuild(fresh, "plan", "--batch")
    assert done.returncode == 1
    assert done.stderr == "error: `proof` has no batches\n  hint: served by `openai`\n"


def test_pictures_shown_on_the_way_are_in_the_price(fresh: Path, imagebuild: Run) -> None:
    def price(**environment: str) -> Decimal:
        text = imagebuild(fresh, "plan", "poster", "--json", "--provider", "openai", **environment).stdout
        return Decimal(json.loads(text)["price"])

    assert price(IMAGEBUILD_OPENAI_PARTIALS="2") == price() + 3 * 2 * 100 * Decimal("0.00003")


def test_a_plan_that_costs_nothing_never_opens_the_ledger(built: Path, imagebuild: Run) -> None:
    (built / "out" / "hero.webp").unlink()
    ledger = built / ".imagebuild" / "store" / "ledger"
    ledger.mkdir()
    (ledger / "2026-11.jsonl").mkdir()  # reading it would be an error
    done = imagebuild(built, "plan")
    assert done.returncode == 0
    assert "restore hero" in done.stdout


ADDRESSED = """\
imagebuild: 1
campaign: small
model: gpt-image-2
allow_floating: true
provider: apixo
assets:
  scene: {prompt: A kettle, references: [brand.png], resolution: 1k, output: scene.jpg}
"""


def test_where_pictures_can_be_fetched_may_be_said_in_the_environment_or_in_a_file_beside_the_campaign(
    fresh: Path, imagebuild: Run
) -> None:
    (fresh / "campaign.yaml").write_text(ADDRESSED, encoding="utf-8")
    done = imagebuild(fresh, "plan")
    assert done.returncode == 1
    assert "`apixo` takes pictures only by addresses that it can fetch them from" in done.stderr
    assert "hint: set IMAGEBUILD_REFERENCES_URL to where" in done.stderr
    assert imagebuild(fresh, "plan", IMAGEBUILD_REFERENCES_URL="https://pictures.example").returncode == 0
    (fresh / ".env").write_text("IMAGEBUILD_REFERENCES_URL=https://pictures.example\n", encoding="utf-8")
    done = imagebuild(fresh, "plan")
    assert done.returncode == 0
    assert "Plan: 1 to make. Price: $0.02." in done.stdout


def test_a_price_that_is_not_known_is_a_mistake_for_check_too(fresh: Path, imagebuild: Run) -> None:
    text = ADDRESSED.replace("references: [brand.png], resolution: 1k", "resolution: 2k")
    (fresh / "campaign.yaml").write_text(text, encoding="utf-8")
    done = imagebuild(fresh, "check")
    assert done.returncode == 1
    assert done.stderr.startswith("campaign.yaml:7:3: error: the price of `scene` at `apixo` is not known\n")
    assert "has `resolution: 1k` only; served by `openai`, `hinow`, `kie`, `together`\n" in done.stderr
    edit(fresh, "campaign.yaml", "2k", "1k")
    assert imagebuild(fresh, "check").returncode == 0
