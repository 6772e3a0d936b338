"""The schema for editors: in step with the parser, and as strict as one file allows."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.schema import campaign_schema
from imagebuild.core.spec import ASSET_KEYS, CAMPAIGN_KEYS
from imagebuild.errors import Problems
from tests.mistakes.cases import BASE, all_cases, read_cases

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schemas" / "campaign.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(campaign_schema())


def campaign_at(path):
    problems = Problems()
    root = parse_yaml(path.read_text("utf-8"), file=str(path), problems=problems)
    return None if problems or root is None else plain(root)


def test_the_committed_file_is_what_the_code_says():
    assert json.loads(COMMITTED.read_text("utf-8")) == campaign_schema()


def write_schema():
    """Writes it anew: `python -c 'from tests.core.test_schema import write_schema; write_schema()'`."""
    COMMITTED.write_text(json.dumps(campaign_schema(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(campaign_schema())


def every_schema(node):
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from every_schema(child)
    elif isinstance(node, list):
        for child in node:
            yield from every_schema(child)


def test_every_key_is_explained():
    schema = campaign_schema()
    for name in CAMPAIGN_KEYS:
        assert len(schema["properties"][name]["description"]) > 10, name
    for name in ASSET_KEYS:
        found = schema["$defs"]["asset"]["properties"][name]
        assert "description" in found or found["$ref"] == "#/$defs/link", name


def test_every_example_of_the_schema_is_valid():
    for node in every_schema(campaign_schema()):
        for example in node.get("examples", []) if isinstance(node.get("examples"), list) else []:
            rules = {key: value for key, value in node.items() if key != "$ref"}
            jsonschema.Draft202012Validator({"$defs": campaign_schema()["$defs"], **rules}).validate(example)


CAMPAIGNS = [*sorted(ROOT.glob("examples/**/*campaign*.yaml")), BASE / "campaign.yaml"]


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_example_campaign_is_valid(path):
    assert [error.message for error in VALIDATOR.iter_errors(campaign_at(path))] == []


FORMS = """
imagebuild: 1
campaign: forms
model: gpt-image-2-2026-04-21
budget: {build: $10, campaign: 0.50 USD, month: 10$}
axes:
  locale: [en-US, de-DE]
  ratio: [16:9, 1200x630, {name: wide, ratio: "21:9"}, {name: og, size: 1200x630}]
  mood: [calm, 3, {id: loud, words: [a, b]}]
  product: data/products.CSV
include: [{asset: [a, b], locale: de-DE, quality: high, extra: 1}]
exclude: [{locale: [de-DE, "*"], mood: 3}]
assets:
  a: {prompt: {text: A kettle}, over: locale, references: [{asset: "b[mood=3]"}, {file: a.png}, c.png], take: 2}
  b: {prompt: {file: b.j2}, references: a.png, from: c, mask: m.png, exclude: [{locale: de-DE}]}
  c: {from: a, steps: [{crop: {ratio: "1:1"}}, {encode: {format: avif}}], output: c.avif}
"""


def test_every_way_of_writing_a_value_is_valid():
    root = parse_yaml(FORMS, file="forms.yaml", problems=Problems())
    assert [error.message for error in VALIDATOR.iter_errors(plain(root))] == []


# What an editor cannot see, of the groups whose mistakes one file shows.
BEYOND = {
    "keys": {
        "a prompt file that is not there", "a prompt file that is empty", "a prompt file that is a folder",
        "a reference that is not there", "a reference that is a misspelt asset", "a reference that is no picture",
        "a reference that is a folder", "a reference outside the campaign", "over names no axis",
        "a variable with the name of an axis", "the name holds a line break", "an unknown key of exclude",
        "a version with a point",
    },
    "steps": {
        "an encode that is not the last", "a png with a quality", "a fit that would distort",
        "a crop larger than the picture", "a crop that leaves the picture", "a step without its parameter",
    },
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [case for case in all_cases() if case.group in BEYOND and case.title not in BEYOND[case.group]],
    ids=lambda case: f"{case.group}: {case.title}",
)
def test_a_mistake_that_one_file_shows_is_not_valid(case, tmp_path):
    case.prepare(tmp_path)
    assert list(VALIDATOR.iter_errors(campaign_at(tmp_path / "campaign.yaml")))


def test_the_mistakes_that_are_left_to_check_are_ones_that_are_told():
    for group, titles in BEYOND.items():
        known = {case.title for case in read_cases(BASE.parent / f"{group}.txt")}
        assert titles <= known
