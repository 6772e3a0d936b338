"""JSON Schema of one asset of a campaign file."""

from __future__ import annotations

from collections.abc import Mapping

from imagebuild.core.address import MOST_VARIANTS
from imagebuild.core.approvals.policy_schema import own_approval_schema
from imagebuild.core.asset_parser import MOST_REFERENCES
from imagebuild.core.check_parser import check_schema
from imagebuild.core.edit_parser import MOST_FEATHER, OUTSIDE
from imagebuild.core.shape_schema import SIZE, focus_schema, masters_schema
from imagebuild.core.spec import (
    ASSET_KEYS,
    BACKGROUNDS,
    MASTER_FORMATS,
    MOST_TAKES,
    QUALITIES,
    RESOLUTIONS,
    SETTING_KEYS,
)
from imagebuild.core.steps.sheet import SHEET_SCHEMA

__all__ = ["SETTING_SCHEMAS", "SIZE", "TEXT", "Schema", "asset_schema"]

Schema = dict[str, object]

TEXT: Schema = {"type": "string", "pattern": "\\S"}

SETTING_SCHEMAS: Mapping[str, Schema] = {
    "quality": {
        "description": "How much work the model puts into the picture; it decides most of the price. Default: medium.",
        "enum": list(QUALITIES),
    },
    "resolution": {
        "description": "How large a picture of a ratio is: about 1280, 2048 or 3840 pixels on the long edge. "
        "Default: 2k. A `size` here, or the ratio axis's own, says it exactly.",
        "enum": list(RESOLUTIONS),
    },
    "size": {
        "description": "Exact pixels, width x height. Only sizes that the model makes; the message for another names "
        "the nearest.",
        "type": "string",
        "pattern": SIZE,
        "examples": ["1024x1024", "1536x1024", "1024x1536"],
    },
    "background": {
        "description": "Default: auto, the model decides. Not every model makes transparent ones.",
        "enum": list(BACKGROUNDS),
    },
    "format": {
        "description": "What the model is asked for, and how the paid picture is kept. Default: what the provider "
        "makes first, png or jpeg. The file that is delivered has the format its `output` ends in.",
        "enum": list(MASTER_FORMATS),
    },
    "take": {
        "description": "Ask for another picture of the same request: 2 pays for a second take, and 1 is still there.",
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_TAKES,
        "examples": [2],
    },
    "variants": {
        "description": "Pay for so many pictures of one request, to pick from; `pick` says which one is delivered.",
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_VARIANTS,
        "examples": [4],
    },
    "pick": {
        "description": "Which of the `variants` is delivered. Changing it costs nothing.",
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_VARIANTS,
        "examples": [2],
    },
}


def asset_schema() -> Schema:
    properties: dict[str, Schema] = {
        "over": {
            "description": "The axes it is made for: one picture for each combination. Without it, one picture.",
            "oneOf": [TEXT, {"type": "array", "items": TEXT, "uniqueItems": True}],
            "examples": [["product", "locale", "ratio"]],
        },
        "prompt": _prompt(),
        "from": {"$ref": "#/$defs/link"},
        "references": {
            "description": "Pictures that the model is shown: .png, .jpg or .webp files (their paths may be "
            "templates), or other assets.",
            "oneOf": [
                TEXT,
                {"type": "array", "items": _reference(), "maxItems": MOST_REFERENCES},
            ],
            "examples": [["brand/kettle.png", "scene"]],
        },
        "mask": {
            "description": "With `from` and `prompt`: which part the edit may change. A PNG, where it is transparent; "
            "or a box [x, y, width, height], with a soft edge of `feather` pixels.",
            "oneOf": [TEXT, _mask_box()],
            "examples": ["masks/sky.png", {"box": [0.0, 0.0, 1.0, 0.4]}],
        },
        "outside": {
            "description": "keep: outside of the mask every pixel is the source's own again, which is proved. free "
            "(default): as the model left them.",
            "enum": list(OUTSIDE),
        },
        "sheet": dict(SHEET_SCHEMA),
        "focus": focus_schema(),
        "masters": masters_schema(),
        "steps": _steps(),
        "checks": {"description": "What its pictures have to pass before they are delivered.", **check_schema()},
        "output": {
            "description": "The delivered file, below the output folder: a template that differs in every cell, with "
            "the ending of its format (.png, .jpg, .webp, .avif, .gif, .pdf). Without it the asset is only for others.",
            **TEXT,
            "examples": ["{{ locale }}/{{ product.id }}-{{ ratio }}.webp"],
        },
        "alt": {
            "description": "What a delivered picture says to those who do not see it: a template as `output` is. It "
            "goes into a release's manifest, and causes no picture to be made.",
            **TEXT,
            "examples": ["{{ t.alt }}"],
        },
        "approval": own_approval_schema(),
        "exclude": {
            "description": "Cells of this asset that are not made.",
            "type": "array",
            "items": {"$ref": "#/$defs/exclude"},
        },
        "include": {
            "description": "Cells of this asset that are different, or that are there besides.",
            "type": "array",
            "items": {"$ref": "#/$defs/include"},
        },
        **SETTING_SCHEMAS,
    }
    assert tuple(properties) == ASSET_KEYS, "the schema and the parser know the same keys"
    paid = dict.fromkeys((*SETTING_KEYS, "references", "mask", "masters"), False)
    return {
        "description": "One picture in all its cells.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "anyOf": [{"required": ["prompt"]}, {"required": ["from"]}, {"required": ["sheet"]}],
        "dependentRequired": {"mask": ["from", "prompt"], "outside": ["mask"], "alt": ["output"]},
        "if": {"not": {"required": ["prompt"]}},
        "then": {"properties": paid},
    }


def _mask_box() -> Schema:
    number: Schema = {"type": "number", "minimum": 0}
    return {
        "type": "object",
        "required": ["box"],
        "additionalProperties": False,
        "properties": {
            "box": {"type": "array", "items": number, "minItems": 4, "maxItems": 4},
            "unit": {"enum": ["pixels", "relative"]},
            "feather": {"type": "integer", "minimum": 0, "maximum": MOST_FEATHER},
        },
    }


def _prompt() -> Schema:
    return {
        "description": "A template (Jinja2): a file (.j2, .jinja, .jinja2, .txt, .md, .prompt), or the text "
        "itself. `{file: …}` and `{text: …}` say which.",
        "oneOf": [
            TEXT,
            {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": TEXT}},
            {"type": "object", "required": ["text"], "additionalProperties": False, "properties": {"text": TEXT}},
        ],
        "examples": ["prompts/scene.j2", "A {{ product.name }} on a table, soft light."],
    }


def _steps() -> Schema:
    return {
        "description": "What is done here to the picture, in order, for nothing.",
        "type": "array",
        "items": {"$ref": "#/$defs/step"},
        "examples": [[{"fit": {"cover": [1600, 900]}}, {"encode": {"format": "webp", "quality": 82}}]],
    }


def _reference() -> Schema:
    return {
        "oneOf": [
            TEXT,
            {
                "type": "object",
                "required": ["asset"],
                "additionalProperties": False,
                "properties": {"asset": {"$ref": "#/$defs/link"}},
            },
            {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": TEXT}},
        ]
    }
