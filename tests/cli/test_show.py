"""`imagebuild show`: the prompt to the letter, and what it was written from."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Run, edit


def test_the_prompt_is_shown_to_the_letter(fresh: Path, imagebuild: Run) -> None:
    text = imagebuild(fresh, "show", "poster", "locale=de-DE").stdout
    prompt = text.split("--- prompt\n", 1)[1].split("\n--- end of prompt", 1)[0]
    assert prompt == 'A poster. Headline: "Warme Morgen"'


def test_a_text_from_right_to_left_is_kept_apart_from_its_place(fresh: Path, imagebuild: Run) -> None:
    lines = imagebuild(fresh, "show", "poster[locale=ar-EG]").stdout.splitlines()
    (written,) = [line for line in lines if line.startswith("    t.headline")]
    assert written.endswith("\u2068صباحات دافئة\u2069  (strings/ar-EG.yaml:1:11)")
    assert 'A poster. Headline: "صباحات دافئة"' in lines  # the prompt itself is left alone


def test_the_template_is_named_with_its_digest(fresh: Path, imagebuild: Run) -> None:
    text = imagebuild(fresh, "show", "poster[locale=ar-EG]").stdout
    assert "    prompts/poster.j2  the file, " in text


def test_the_price_is_the_providers(fresh: Path, imagebuild: Run) -> None:
    assert "  price     nothing at proof" in imagebuild(fresh, "show", "scene").stdout
    assert "  price     about $0.0" in imagebuild(fresh, "show", "scene", "--provider", "openai").stdout


def test_inputs_are_named_by_address_and_by_path(built: Path, imagebuild: Run) -> None:
    text = imagebuild(built, "show", "winter").stdout
    assert "  references[0] scene  reuse  " in text
    assert "  references[1] brand.png  " in text
    assert "  price     nothing: drawn here" in text


def test_characters_that_command_a_terminal_are_written_out(fresh: Path, imagebuild: Run) -> None:
    edit(fresh, "campaign.yaml", '"A kettle on a table."', '"A \\e[31mred\\e[0m kettle."')
    text = imagebuild(fresh, "show", "scene").stdout
    assert "\x1b" not in text
    assert "A \\x1b[31mred\\x1b[0m kettle." in text
    found = json.loads(imagebuild(fresh, "show", "scene", "--json").stdout)
    assert found["assets"][0]["parts"][0]["prompt"] == "A \x1b[31mred\x1b[0m kettle."


def test_the_json_form_has_the_request_as_it_is_keyed(built: Path, imagebuild: Run) -> None:
    found = json.loads(imagebuild(built, "show", "poster", "--json").stdout)
    assert found["campaign"] == "small"
    assert [each["cell"]["locale"] for each in found["assets"]] == ["en-US", "de-DE", "ar-EG"]
    part = found["assets"][1]["parts"][0]
    assert part["manifest"]["prompt"] == part["prompt"] == 'A poster. Headline: "Warme Morgen"'
    assert part["manifest"]["quality"] == "low"
    names = {each["name"]: each for each in part["written_from"]}
    assert names["t.headline"] == {"name": "t.headline", "value": "Warme Morgen", "at": "strings/de-DE.yaml:1:11"}
    assert len(names["prompts/poster.j2"]["file"]) == 64
