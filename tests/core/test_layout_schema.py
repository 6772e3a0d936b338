"""The layouts' schema for editors: in step with the parser, and as strict as one file allows."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.layouts.parser import (
    AREA_KEYS,
    FONT_KEYS,
    GROUP_KEYS,
    LAYOUT_KEYS,
    SCRIM_KEYS,
    SHAPE_KEYS,
    parse_layout,
)
from imagebuild.core.layouts.roles import BUTTON_KEYS, PICTURE_KEYS, RULE_KEYS, TEXT_KEYS
from imagebuild.core.layouts.schema import layout_schema
from imagebuild.core.layouts.spec import BUILT_IN_ROLES, SHAPES
from imagebuild.core.steps.typeset import TYPESET
from imagebuild.errors import Problems
from tests.core.test_layout_parser import BUTTONS, FORMATS, MANY, MISTAKES, SCRIMS, SHAPE
from tests.core.test_typeset import LAYOUT

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schemas" / "layout.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(layout_schema())
REFERENCE = (ROOT / "schemas" / "README.md").read_text("utf-8")


def content_of(text):
    problems = Problems()
    root = parse_yaml(text, file="layout.yaml", problems=problems)
    problems.check()
    return None if root is None else plain(root)


def test_the_committed_file_is_what_the_code_says():
    assert json.loads(COMMITTED.read_text("utf-8")) == layout_schema()


def write_schema():
    """Writes it anew: `python -c 'from tests.core.test_layout_schema import write_schema; write_schema()'`."""
    COMMITTED.write_text(json.dumps(layout_schema(), indent=2, ensure_ascii=False) + "\n", "utf-8")


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(layout_schema())
    jsonschema.Draft202012Validator.check_schema(TYPESET.schema)


def every_schema(node):
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from every_schema(child)
    elif isinstance(node, list):
        for child in node:
            yield from every_schema(child)


def test_every_example_of_the_schema_is_valid():
    found = 0
    for schema in (layout_schema(), TYPESET.schema):
        for node in every_schema(schema):
            for example in node.get("examples", []) if isinstance(node.get("examples"), list) else []:
                jsonschema.Draft202012Validator({"$defs": layout_schema()["$defs"], **node}).validate(example)
                found += 1
    assert found > 15


GOOD = [
    "layout: 1\n" + SHAPE,
    "layout: 1\n" + MANY,
    "layout: 1\n" + LAYOUT,
    *(f"layout: 1\nroles: {{cta: {{button: {written}}}}}\n" + SHAPE for written, _ in BUTTONS),
    *(f"layout: 1\nshapes: {{square: {{groups: [{{scrim: {each}, items: [body]}}]}}}}" for each, _ in SCRIMS),
    "layout: 1\nshapes: {square: {groups: [{items: [body, {rule: true}, {rule: }, {rule: {}}, headline]}]}}",
    "layout: 1\nshapes: {square: {areas: [{color: '#FFF8', to: transparent, toward: top, radius: 0}]}}",
    "layout: 1\nroles: {a: {color: ['#ffff', '#FFFFFFFF']}}\n" + SHAPE,
    "layout: 1\nfonts: {a: '{{ x }}', b: [A.TTF, {file: b.OtF, scripts: Arab}], c: '{% if x %}a.ttf{% endif %} '}\n"
    + SHAPE,
]


@pytest.mark.parametrize("text", GOOD)
def test_what_the_parser_reads_is_valid(text):
    problems = Problems()
    assert parse_layout(text, file="a.yaml", problems=problems), [each.what for each in problems.found]
    assert [error.message for error in VALIDATOR.iter_errors(content_of(text))] == []


# What an editor cannot see.
BEYOND = re.compile(
    r"no font|no role `(?!rule)|no script `Arba|the least size is above|leaves its frame|stands twice|is never used"
    r"|has neither `groups`|`toward`: it goes with|\[0.5, 0, 0.6, 1\]|\[0.1, nan\]"
)


@pytest.mark.parametrize(
    "text",
    [
        *("layout: 1\n" + text for text, what, _, _ in MISTAKES if not BEYOND.search(what)),
        *(text for text, _, _ in FORMATS if text),
    ],
)
def test_a_mistake_that_can_be_seen_is_not_valid(text):
    assert not VALIDATOR.is_valid(content_of(text))


def test_what_is_left_to_the_parser_is_little():
    assert sum(1 for _, what, _, _ in MISTAKES if BEYOND.search(what)) < len(MISTAKES) / 4


SECTION = REFERENCE.partition("\n## Layouts\n")[2].partition("\n## ")[0]


def test_the_reference_explains_every_key():
    keys = (LAYOUT_KEYS, FONT_KEYS, SHAPE_KEYS, AREA_KEYS, GROUP_KEYS, SCRIM_KEYS, TEXT_KEYS, PICTURE_KEYS, RULE_KEYS)
    for name in (*(name for each in keys for name in each), *BUTTON_KEYS, *SHAPES, *BUILT_IN_ROLES):
        assert re.search(rf"`[^`\n]*\b{name}\b", SECTION), name
    for name in TYPESET.schema["properties"]:
        assert f"`{name}" in SECTION, name


def test_the_layouts_of_the_reference_have_no_mistake():
    layouts = re.findall(r"```yml\n(.*?)```", SECTION, re.DOTALL)
    assert len(layouts) == 2
    for text in layouts:
        problems = Problems()
        parse_layout(text, file="README.md", problems=problems)
        problems.check()
        assert [error.message for error in VALIDATOR.iter_errors(content_of(text))] == []


def test_the_figures_of_the_reference_are_those_of_the_code():
    for role, look in BUILT_IN_ROLES.items():
        least, greatest = look["size"]
        assert f"| `{role}` | {least:g} to {greatest:g} | {look['lines']} | {look['weight']} |" in SECTION
