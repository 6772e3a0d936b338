"""`imagebuild plan` as people and programs see it."""

from __future__ import annotations

import json
from pathlib import Path

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
