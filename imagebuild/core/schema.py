"""JSON Schema of a campaign file, for editors: what they complete, explain and underline.

Written from the parser's own tables. It knows one file: what a name refers to (an axis, an asset, a string), whether a
file is there, and what a model can make, is for `imagebuild check` to say.
"""

from __future__ import annotations

from imagebuild.core.approvals.policy_schema import approval_schema, approvers_schema
from imagebuild.core.asset_parser import ASSET_NAME
from imagebuild.core.axis import RESERVED
from imagebuild.core.axis_parser import AXIS_NAME
from imagebuild.core.check_parser import check_schema
from imagebuild.core.schema_asset import SETTING_SCHEMAS, TEXT, Schema, asset_schema
from imagebuild.core.shape_schema import RELATIVE, anchored, placements_schema, ratio_schema
from imagebuild.core.spec import (
    BUDGET_KEYS,
    CAMPAIGN_KEYS,
    FORMAT,
)
from imagebuild.core.steps.registry import step_schema
from imagebuild.core.strings import Missing

__all__ = ["campaign_schema"]

_MONEY = "^ *(\\$ *[0-9]+(\\.[0-9]+)?( *(USD|usd|\\$))?|[0-9]+(\\.[0-9]+)? *(USD|usd|\\$)) *$"
_SCALAR: Schema = {"type": ["string", "number"]}
_TAG: Schema = {
    "type": "string",
    "pattern": "^[A-Za-z]{1,3}([-_][A-Za-z0-9]{1,8})*$",
    "examples": ["en-US", "de-DE", "zh-Hans-CN", "es-419"],
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
            "asset": asset_schema(),
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
            "pattern": RELATIVE + "(?!.*(^|/)\\.\\.(/|$)).*[^./]",
            "default": "out",
        },
        "defaults": {
            "description": "Settings of every paid asset that does not say otherwise.",
            "type": "object",
            "additionalProperties": False,
            "properties": dict(SETTING_SCHEMAS),
        },
        "checks": {"description": "What every delivered picture has to pass before it is delivered.", **check_schema()},
        "placements": placements_schema(),
        "approvers": approvers_schema(),
        "approval": approval_schema(),
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
        "propertyNames": {"pattern": anchored(ASSET_NAME.pattern)},
        "additionalProperties": {"$ref": "#/$defs/asset"},
    }


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
        "propertyNames": {"pattern": anchored(AXIS_NAME.pattern), "not": {"enum": sorted(RESERVED)}},
        "properties": {"locale": _locale_axis(), "ratio": ratio_schema()},
        "additionalProperties": {
            "description": "An axis of your own: a list of texts, or of mappings with an `id`, or `id: {…}` pairs in a "
            "file; or the path of a YAML, JSON or CSV file.",
            "oneOf": [
                {
                    "type": "string",
                    "pattern": RELATIVE + ".*\\.([yY][aA]?[mM][lL]|[jJ][sS][oO][nN]|[cC][sS][vV])$",
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
    path: Schema = {"type": "string", "pattern": RELATIVE + ".*\\.(yaml|yml|json|csv|po|xlf|xliff)$"}
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
        "properties": {"asset": {"oneOf": [TEXT, {"type": "array", "items": TEXT}]}, **SETTING_SCHEMAS},
        "examples": [{"locale": "de-DE", "quality": "high"}],
    }
