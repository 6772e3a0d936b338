"""The schema for editors: in step with the parser, and as strict as one file allows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from imagebuild.core.approvals.policy import requirement_of
from imagebuild.core.axis_parser import LOCALE_KEYS
from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.filters import FILTER_NAMES
from imagebuild.core.schema import campaign_schema
from imagebuild.core.spec import APPROVAL_KEYS, ASSET_KEYS, BUDGET_KEYS, CAMPAIGN_KEYS
from imagebuild.core.steps.registry import STEPS
from imagebuild.core.strings import Missing
from imagebuild.errors import Problems
from tests.core.reading import campaign_of, expansion_of, node_of
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


REFERENCE = (ROOT / "schemas" / "README.md").read_text("utf-8")


def test_the_reference_explains_every_key_and_filter():
    for name in (*CAMPAIGN_KEYS, *ASSET_KEYS, *LOCALE_KEYS, *BUDGET_KEYS, *APPROVAL_KEYS):
        assert f"`{name}`" in REFERENCE, name
    for name in (*STEPS, *FILTER_NAMES, *(each.value for each in Missing)):
        assert f"`{name}" in REFERENCE, name


def test_the_campaigns_of_the_reference_have_no_mistake():
    first, approvals, second = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    strings = {f"strings/{tag}.yaml": "headline: Warm\n" for tag in ("en-US", "de-DE", "ar-EG")}
    head = first.split("axes:")[0]
    assert VALIDATOR.is_valid(plain(node_of(first)))
    assert len(expansion_of(first.removeprefix(head), strings).actions) == 2 + 6 + 3
    axes = "axes: {locale: [en-US, ja-JP, ar-EG, zh-TW], ratio: ['9:16'], product: [kettle, mug]}\n"
    assets = (
        "assets: {hero: {over: [locale, ratio], prompt: A}, poster: {over: locale, prompt: B},"
        " scene: {over: [product, ratio], prompt: '{{ light | default(1) }}'}}\n"
    )
    assert VALIDATOR.is_valid(plain(node_of(head + approvals + assets)))
    rules = f"{approvals}{axes.replace('ar-EG', 'de-DE, fr-FR')}{assets}"
    policy = campaign_of(rules).approval
    assert requirement_of(policy, "poster", {"locale": "de-DE"}).words == (
        "2 of brand, 1 of legal; not by who had it made"
    )
    addresses = set(expansion_of(axes + second + assets).actions)
    assert addresses == {
        "hero[locale=en-US,ratio=9:16]",
        *(f"poster[locale={tag}]" for tag in ("en-US", "ja-JP", "ar-EG", "zh-TW")),
        *(f"scene[product={each}]" for each in ("kettle,ratio=9:16", "mug,ratio=9:16", "kettle,ratio=banner")),
    }


GERMAN = [
    ("1299.5 | number", "1.299,5"),
    ("1299.5 | decimal", "1.299,50"),
    ("0.125 | percent", "12,5\u00a0%"),
    ('1299.5 | currency("EUR")', "1.299,50\u00a0€"),
    ('"2026-03-05" | date("long")', "5. März 2026"),
    ('["a", "b", "c"] | join_list', "a, b und c"),
    ('"groß" | upper', "GROSS"),
]


@pytest.mark.parametrize(("expression", "written"), GERMAN)
def test_the_filters_write_what_the_reference_says(expression, written):
    shown = expression.replace("|", "\\|")
    assert f"`{{{{ {shown} }}}}` | {written.replace(chr(0xA0), ' ')} |" in REFERENCE
    axes = "axes: {locale: [de-DE]}\n"
    (action,) = expansion_of(
        f"{axes}assets: {{a: {{over: locale, prompt: '{{{{ {expression} }}}}'}}}}"
    ).actions.values()
    assert action.manifest["prompt"] == written


CAMPAIGNS = [*sorted(ROOT.glob("examples/**/*campaign*.yaml")), BASE / "campaign.yaml"]


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_example_campaign_is_valid(path):
    assert [error.message for error in VALIDATOR.iter_errors(campaign_at(path))] == []


FORMS = """
imagebuild: 1
campaign: forms
model: gpt-image-2-2026-04-21
budget: {build: $10, campaign: 0.50 USD}
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
  c: {from: a, steps: [{crop: {ratio: "1:1"}}, {encode: {format: avif}}], output: c.avif, alt: A kettle}
  d: {from: a, output: d.png, approval: {need: none}}
  e: {from: a, output: e.png, approval: {need: 2}}
approvers: {brand: [ana, ben, cleo], legal: lea}
approval: {need: {brand: 2}, by_others: false, for: [{locale: [de-DE, "en-*"], asset: b, need: {legal: 1}}]}
"""


def test_every_way_of_writing_a_value_is_valid():
    root = parse_yaml(FORMS, file="forms.yaml", problems=Problems())
    assert [error.message for error in VALIDATOR.iter_errors(plain(root))] == []


# What an editor cannot see, of the groups whose mistakes one file shows.
BEYOND = {
    "approvals": {
        "a person stands twice in a group", "a person's name over two lines", "a need of an unknown group",
        "a need of a group where there are no approvers", "a need larger than its group",
        "a need larger than all groups",
        "a rule with a value that the axis has not", "a rule with a pattern that matches nothing",
        "a rule with an unknown axis", "a rule for an unknown asset", "a rule that needs an unknown group",
        "a rule that needs more than there are", "a rule for an asset that is not over its axis",
        "a rule for an asset that says it itself", "an asset's approval by an unknown group",
        "an asset's approval by more than there are", "an asset's approval where there are no approvers",
        "an alt text with an unknown name", "an alt text with an axis that the asset is not over",
        "an alt text with a string that no locale has", "an alt text with a string that one locale lacks",
        "an alt text that includes a file that is not there", "an alt text that is not closed",
        "strings in the alt text of an asset without a language",
    },
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
        "an overlay of a picture that is not there", "a function that is not in its file",
        "a file of steps that is not Python", "a file of steps that imports its neighbour",
        "a file of steps that is not there", "metadata with a name nobody knows in its template",
        "colours in a photograph's format",
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
