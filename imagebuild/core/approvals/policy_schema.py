"""JSON Schema of the keys that say who has to approve."""

from __future__ import annotations

from imagebuild.core.approvals.policy_parser import GROUP_NAME, LONGEST_PERSON, MOST_PEOPLE
from imagebuild.core.shape_schema import anchored
from imagebuild.core.spec import APPROVAL_KEYS

__all__ = ["approval_schema", "approvers_schema", "own_approval_schema"]

Schema = dict[str, object]

_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": MOST_PEOPLE}
_BY_GROUP: Schema = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": anchored(GROUP_NAME.pattern)},
    "additionalProperties": _COUNT,
}
_NEED: Schema = {
    "description": "How many people of each group; a number is for people of any group; `none`: nobody.",
    "oneOf": [_BY_GROUP, _COUNT, {"const": "none"}],
    "examples": [{"legal": 1}, 2, "none"],
}


def approvers_schema() -> Schema:
    name: Schema = {"type": "string", "pattern": "\\S", "maxLength": LONGEST_PERSON}
    return {
        "description": "Who may approve and reject: groups of people, named as git knows them.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": anchored(GROUP_NAME.pattern)},
        "additionalProperties": {
            "oneOf": [name, {"type": "array", "items": name, "minItems": 1, "uniqueItems": True}],
        },
        "examples": [{"legal": ["lea@northwind.example", "luc@northwind.example"]}],
    }


def approval_schema() -> Schema:
    properties: dict[str, Schema] = {
        "need": {**_NEED, "description": f"For every picture. {_NEED['description']} Default: one of each group."},
        "by_others": {
            "description": "Whoever had a picture made does not approve it. Default: true where there are `approvers`.",
            "type": "boolean",
        },
        "for": {
            "description": "Pictures that need more: needs add up, the highest number of each group counts.",
            "type": "array",
            "items": _rule(),
        },
    }
    assert tuple(properties) == APPROVAL_KEYS, "the schema and the parser know the same keys"
    return {
        "description": "What has to be approved, by how many, before it is released.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def own_approval_schema() -> Schema:
    return {
        "description": "What this asset's pictures need, instead of all that the campaign says.",
        "type": "object",
        "required": ["need"],
        "additionalProperties": False,
        "properties": {"need": dict(_NEED)},
        "examples": [{"need": "none"}],
    }


def _rule() -> Schema:
    text: Schema = {"type": "string", "pattern": "\\S"}
    return {
        "description": "Axes with their values or patterns, and `asset`; and what is needed where all of them match.",
        "type": "object",
        "required": ["need"],
        "minProperties": 2,
        "properties": {
            "asset": {"oneOf": [text, {"type": "array", "items": text}]},
            "need": {**_NEED, "oneOf": [_BY_GROUP, _COUNT], "examples": [{"legal": 1}, 2]},
        },
        "additionalProperties": {"$ref": "#/$defs/patterns"},
        "examples": [{"locale": ["de-DE", "fr-*"], "need": {"legal": 1}}],
    }
