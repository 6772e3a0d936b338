"""JSON Schema of a campaign file, for editors: what they complete, explain and underline.

Written from the parser's own tables. It knows one file: what a name refers to (an axis, an asset, a string), whether a
file is there, and what a model can make, is for `imagebuild check` to say.
"""

from __future__ import annotations

from collections.abc import Mapping

from imagebuild.core.asset_parser import ASSET_NAME, MOST_REFERENCES
from imagebuild.core.axis import RESERVED
from imagebuild.core.axis_parser import AXIS_NAME
from imagebuild.core.spec import (
    ASSET_KEYS,
    BACKGROUNDS,
    BUDGET_KEYS,
    CAMPAIGN_KEYS,
    FORMAT,
    MASTER_FORMATS,
    MOST_TAKES,
    QUALITIES,
    RESOLUTIONS,
    SETTING_KEYS,
)
from imagebuild.core.steps import step_schema
from imagebuild.core.strings import Missing

__all__ = ["campaign_schema"]

Schema = dict[str, object]

_SIZE = "^ *[0-9]{1,5} *[x×] *[0-9]{1,5} *$"
_RATIO = "^ *[0-9]{1,5}(\\.[0-9]{1,4})? *: *[0-9]{1,5}(\\.[0-9]{1,4})? *$"
_MONEY = "^ *(\\$ *[0-9]+(\\.[0-9]+)?( *(USD|usd|\\$))?|[0-9]+(\\.[0-9]+)? *(USD|usd|\\$)) *$"
_TEXT: Schema = {"type": "string", "pattern": "\\S"}
_SCALAR: Schema = {"type": ["string", "number"]}
_TAG: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z]{1,3}([-_][A-Za-z0-9]{1,8})*$",
    "examples": ["en-US", "de-DE", "zh-Hans-CN", "es-419"],
}
_RELATIVE = "^(?![/~\\\\]|[A-Za-z]:[\\\\/])"

_SETTINGS: Mapping[str, Schema] = {
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
        "pattern": _SIZE,
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
}


def campaign_schema() -> Schema:
    """The schema, in JSON Schema 2020-12."""
    properties = _campaign_properties()
    assert tuple(properties) == CAMPAIGN_KEYS, "the schema and the parser know the same keys"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "imagebuild campaign",
        "description": "One campaign: templated prompts × locales × ratios. Reference: schemas/README.md.",
        "type": "object",
        "required": ["imagebuild", "campaign", "model", "assets"],
        "additionalProperties": False,
        "properties": properties,
        "$defs": {
            "asset": _asset(),
            "exclude": _exclude(),
            "include": _include(),
            "link": {
                "description": "The name of an asset; of one with more axes than this, with those pinned: "
                "`scene[ratio=1:1]`.",
                "type": "string",
                "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]*(\\[[^\\[\\]]*\\])?$",
                "examples": ["scene", "scene[ratio=1:1]"],
            },
            "patterns": {
                "description": "A value of the axis, or a pattern with `*` and `?`, or a list of them.",
                "oneOf": [_SCALAR, {"type": "array", "items": _SCALAR, "minItems": 1}],
            },
            "step": step_schema(),
        },
    }


def _campaign_properties() -> dict[str, Schema]:
    return {
        "imagebuild": {"description": "The version of the format.", "const": FORMAT},
        "campaign": {
            "description": "A short name; it stands in the lock.",
            "type": "string",
            "pattern": "\\S",
            "maxLength": 100,
            "examples": ["spring-kettle"],
        },
        "model": {
            "description": "A pinned snapshot. A floating name, which draws differently from one day to the next, is "
            "refused unless `allow_floating: true`.",
            "type": "string",
            "pattern": "\\S",
            "examples": ["gpt-image-2-2026-04-21"],
        },
        "allow_floating": {
            "description": "Take a model's floating name, though what it draws changes without notice.",
            "type": "boolean",
            "default": False,
        },
        "provider": {
            "description": "Who makes the pictures. `proof` draws placeholders here, free and offline. `--provider` "
            "and IMAGEBUILD_PROVIDER override it.",
            "type": "string",
            "pattern": "\\S",
            "default": "proof",
            "examples": ["proof", "openai", "hinow", "apixo", "kie", "together"],
        },
        "budget": _budget(),
        "output_folder": {
            "description": "Where the delivered files go, below the campaign's own folder.",
            "type": "string",
            "pattern": _RELATIVE + "(?!.*(^|/)\\.\\.(/|$)).*[^./]",
            "default": "out",
        },
        "defaults": {
            "description": "Settings of every paid asset that does not say otherwise.",
            "type": "object",
            "additionalProperties": False,
            "properties": dict(_SETTINGS),
        },
        "axes": _axes(),
        "exclude": {"description": "Cells that are not made.", "type": "array", "items": {"$ref": "#/$defs/exclude"}},
        "include": {
            "description": "Cells that are different, or that are there besides.",
            "type": "array",
            "items": {"$ref": "#/$defs/include"},
        },
        "vars": _variables(),
        "assets": _assets(),
    }


def _variables() -> Schema:
    return {
        "description": "Values that templates name: `{{ brand }}`, or `{{ vars.brand }}`.",
        "type": "object",
        "propertyNames": {"not": {"enum": sorted(RESERVED)}, "pattern": "^[^\\W\\d]\\w*$"},
        "examples": [{"brand": "Northwind", "palette": ["#0b3954", "#ff6663"]}],
    }


def _assets() -> Schema:
    return {
        "description": "What to make. An asset with a `prompt` is paid for; one with only `from` is worked out "
        "here, for nothing.",
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": _anchored(ASSET_NAME.pattern)},
        "additionalProperties": {"$ref": "#/$defs/asset"},
    }


def _anchored(pattern: str) -> str:
    """A pattern of Python's `match` as JSON Schema's search has it."""
    return "^" + pattern.removesuffix(r"\Z") + "$"


def _budget() -> Schema:
    meanings = {
        "build": "The most that one build may cost.",
        "campaign": "The most that the campaign may cost in all, over all its builds.",
        "month": "The most that a calendar month (UTC) may cost, with every other campaign that shares the store.",
    }
    assert tuple(meanings) == BUDGET_KEYS, "the schema and the parser know the same keys"
    amount: Schema = {"type": "string", "pattern": _MONEY, "examples": ["10 USD"]}
    return {
        "description": "Hard limits, in US dollars: a build that would cost more does not start.",
        "type": "object",
        "additionalProperties": False,
        "properties": {name: {"description": meaning, **amount} for name, meaning in meanings.items()},
    }


def _axes() -> Schema:
    return {
        "description": "The lists that multiply. An asset names those it is made for in `over`.",
        "type": "object",
        "propertyNames": {"pattern": _anchored(AXIS_NAME.pattern), "not": {"enum": sorted(RESERVED)}},
        "properties": {"locale": _locale_axis(), "ratio": _ratio_axis()},
        "additionalProperties": {
            "description": "An axis of your own: a list of texts, or of mappings with an `id`, or `id: {…}` pairs in a "
            "file; or the path of a YAML, JSON or CSV file.",
            "oneOf": [
                {
                    "type": "string",
                    "pattern": _RELATIVE + ".*\\.([yY][aA]?[mM][lL]|[jJ][sS][oO][nN]|[cC][sS][vV])$",
                    "examples": ["data/products.yaml"],
                },
                {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "oneOf": [
                            _SCALAR,
                            {"type": "object", "anyOf": [{"required": ["id"]}, {"required": ["name"]}]},
                        ]
                    },
                    "examples": [["young", "settled"], [{"id": "kettle", "name": "Kettle"}]],
                },
            ],
        },
    }


def _locale_axis() -> Schema:
    words: Schema = {"enum": [each.value for each in Missing]}
    path: Schema = {"type": "string", "pattern": _RELATIVE + ".*\\.(yaml|yml|json|csv|po|xlf|xliff)$"}
    return {
        "description": "The languages. Templates see the entry as `locale`, and its texts as `t`.",
        "oneOf": [
            {"type": "array", "items": _TAG, "minItems": 1},
            {
                "type": "object",
                "required": ["source"],
                "additionalProperties": False,
                "properties": {
                    "source": {"description": "The language the copy is written in.", **_TAG},
                    "targets": {"description": "The languages it is translated to.", "type": "array", "items": _TAG},
                    "strings": {
                        "description": "Where the texts are: YAML, JSON, CSV, PO or XLIFF, a file a locale or one for "
                        "all. `{locale}` is the tag, `{language}` its first part, `{posix}` the tag with `_`.",
                        "oneOf": [path, {"type": "array", "items": path, "minItems": 1}],
                        "examples": ["strings/{locale}.yaml"],
                    },
                    "missing": {
                        "description": "What a missing text means, in all or by key: an error (default), the source's "
                        "text, or no such picture.",
                        "oneOf": [words, {"type": "object", "additionalProperties": words}],
                        "examples": ["fallback", {"*": "error", "legal.*": "skip", "cta": "fallback"}],
                    },
                },
            },
        ],
    }


def _ratio_axis() -> Schema:
    either: Schema = {"type": "string", "pattern": f"{_RATIO}|{_SIZE}"}
    named: Schema = {
        "type": "object",
        "required": ["name"],
        "oneOf": [{"required": ["size"]}, {"required": ["ratio"]}],
        "additionalProperties": False,
        "properties": {"name": _SCALAR, "size": either, "ratio": either},
    }
    return {
        "description": "The shapes: ratios, exact pixels, or either under a name.",
        "type": "array",
        "minItems": 1,
        "items": {"oneOf": [either, named]},
        "examples": [["1:1", "16:9", {"name": "og", "size": "1200x630"}]],
    }


def _asset() -> Schema:
    properties: dict[str, Schema] = {
        "over": {
            "description": "The axes it is made for: one picture for each combination. Without it, one picture.",
            "oneOf": [_TEXT, {"type": "array", "items": _TEXT, "uniqueItems": True}],
            "examples": [["product", "locale", "ratio"]],
        },
        "prompt": _prompt(),
        "from": {"$ref": "#/$defs/link"},
        "references": {
            "description": "Pictures that the model is shown: .png, .jpg or .webp files (their paths may be "
            "templates), or other assets.",
            "oneOf": [
                _TEXT,
                {"type": "array", "items": _reference(), "maxItems": MOST_REFERENCES},
            ],
            "examples": [["brand/kettle.png", "scene"]],
        },
        "mask": {
            "description": "With `from` and `prompt`: a PNG whose transparent part the edit may change.",
            **_TEXT,
            "examples": ["masks/sky.png"],
        },
        "steps": _steps(),
        "output": {
            "description": "The delivered file, below the output folder: a template that differs in every cell, with "
            "the ending of its format (.png, .jpg, .webp, .avif). Without it the asset is only there for others.",
            **_TEXT,
            "examples": ["{{ locale }}/{{ product.id }}-{{ ratio }}.webp"],
        },
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
        **_SETTINGS,
    }
    assert tuple(properties) == ASSET_KEYS, "the schema and the parser know the same keys"
    paid = dict.fromkeys((*SETTING_KEYS, "references", "mask"), False)
    return {
        "description": "One picture in all its cells.",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "anyOf": [{"required": ["prompt"]}, {"required": ["from"]}],
        "dependentRequired": {"mask": ["from", "prompt"]},
        "if": {"not": {"required": ["prompt"]}},
        "then": {"properties": paid},
    }


def _prompt() -> Schema:
    return {
        "description": "A template (Jinja2): a file (.j2, .jinja, .jinja2, .txt, .md, .prompt), or the text "
        "itself. `{file: …}` and `{text: …}` say which.",
        "oneOf": [
            _TEXT,
            {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": _TEXT}},
            {"type": "object", "required": ["text"], "additionalProperties": False, "properties": {"text": _TEXT}},
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
            _TEXT,
            {
                "type": "object",
                "required": ["asset"],
                "additionalProperties": False,
                "properties": {"asset": {"$ref": "#/$defs/link"}},
            },
            {"type": "object", "required": ["file"], "additionalProperties": False, "properties": {"file": _TEXT}},
        ]
    }


def _exclude() -> Schema:
    return {
        "description": "Cells that match all of these: axes with their values or patterns; at the top, `asset` too.",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/$defs/patterns"},
        "examples": [{"locale": "ja-JP", "ratio": "9:16"}],
    }


def _include() -> Schema:
    return {
        "description": "Axes with their values, and what is different there: settings, or variables of your own. An "
        "entry that names every axis of its asset adds a cell where there is none.",
        "type": "object",
        "minProperties": 1,
        "properties": {"asset": {"oneOf": [_TEXT, {"type": "array", "items": _TEXT}]}, **_SETTINGS},
        "examples": [{"locale": "de-DE", "quality": "high"}],
    }
