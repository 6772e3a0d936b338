"""JSON Schema of what a campaign says of shapes: placements, the ratio axis, `focus` and `masters`."""

from __future__ import annotations

from typing import Final

from imagebuild.core.placements.parser import EVIDENCE, PLACEMENT_KEYS, PLACEMENT_NAME, SIDES
from imagebuild.core.shape_parser import MASTER_WORDS
from imagebuild.core.steps.encode import FORMATS
from imagebuild.core.steps.values import ANCHOR_SCHEMA, BYTES_SCHEMA

__all__ = [
    "RATIO",
    "RELATIVE",
    "SIZE",
    "anchored",
    "focus_schema",
    "masters_schema",
    "placements_schema",
    "ratio_schema",
]

Schema = dict[str, object]

SIZE: Final = "^ *[0-9]{1,5} *[x×] *[0-9]{1,5} *$"
RATIO: Final = "^ *[0-9]{1,5}(\\.[0-9]{1,4})? *: *[0-9]{1,5}(\\.[0-9]{1,4})? *$"
RELATIVE: Final = "^(?![/~\\\\]|[A-Za-z]:[\\\\/])"
_TEXT: Final[Schema] = {"type": "string", "pattern": "\\S"}
_SCALAR: Final[Schema] = {"type": ["string", "number"]}


def anchored(pattern: str) -> str:
    """A pattern of Python's `match` as JSON Schema's search has it."""
    return "^" + pattern.removesuffix(r"\Z") + "$"


def placements_schema() -> Schema:
    size: Schema = {"type": "string", "pattern": SIZE}
    share: Schema = {
        "oneOf": [
            {"type": "string", "pattern": "^ *[0-9]+(\\.[0-9]+)? *%$"},
            {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
        ]
    }
    form: Schema = {"enum": list(FORMATS)}
    sides: Schema = {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(SIDES, share)}
    properties: dict[str, Schema] = {
        "size": {"description": "What is made, exactly.", **size},
        "least": {"description": "The smallest that is taken.", **size},
        "tolerance": {"description": "How far the ratio of another size may be off.", **share},
        "max_bytes": dict(BYTES_SCHEMA),
        "formats": {
            "description": "Those that are taken. Default: any.",
            "oneOf": [form, {"type": "array", "items": form, "minItems": 1}],
        },
        "safe": {"description": "What is covered there, from each side, as shares of the picture.", **sides},
        "source": {"description": "Where this is written.", **_TEXT},
        "evidence": {"description": "Whether it was seen there, or somebody else says so.", "enum": list(EVIDENCE)},
        "dated": {"description": "When it was looked up.", **_SCALAR},
    }
    assert tuple(properties) == PLACEMENT_KEYS, "the schema and the parser know the same keys"
    return {
        "description": "Placements of your own, by name, for the ratio axis; one with a name of the catalogue's goes "
        "before it (`imagebuild placements` lists those). Or the path of a YAML file that holds them.",
        "oneOf": [
            {"type": "string", "pattern": RELATIVE + ".*\\S"},
            {
                "type": "object",
                "propertyNames": {"pattern": anchored(PLACEMENT_NAME.pattern)},
                "additionalProperties": {
                    "type": "object",
                    "required": ["size"],
                    "additionalProperties": False,
                    "properties": properties,
                },
            },
        ],
        "examples": [{"shop/header": {"size": "1600x400", "max_bytes": "200kB", "formats": ["webp"]}}],
    }


def ratio_schema() -> Schema:
    placement: Schema = {"type": "string", "pattern": anchored(PLACEMENT_NAME.pattern)}
    either: Schema = {"type": "string", "pattern": f"{RATIO}|{SIZE}|{placement['pattern']}"}
    named: Schema = {
        "type": "object",
        "required": ["name"],
        "oneOf": [{"required": ["size"]}, {"required": ["ratio"]}, {"required": ["placement"]}],
        "additionalProperties": False,
        "properties": {"name": _SCALAR, "size": either, "ratio": either, "placement": placement},
    }
    return {
        "description": "The shapes: ratios, exact pixels, placements (`imagebuild placements` lists them), or one of "
        "these under a name.",
        "type": "array",
        "minItems": 1,
        "items": {"oneOf": [either, named]},
        "examples": [["1:1", "16:9", "meta/story", {"name": "og", "size": "1200x630"}]],
    }


def focus_schema() -> Schema:
    return {
        **ANCHOR_SCHEMA,
        "description": "What a fit or a crop that follows from the ratio axis keeps: a side, a corner, a focal "
        "point [x, y], or a box [x, y, width, height] that stays whole, as shares of the picture. Default: that of "
        "the asset it is made from, else the centre.",
        "examples": [[0.5, 0.3], [0.05, 0.6, 0.5, 0.3]],
    }


def masters_schema() -> Schema:
    return {
        "description": "Which pictures are paid for, for the exact pixels of the ratio axis: the fewest that all "
        "can be cut from (default), one for each, or those of this list.",
        "oneOf": [{"enum": list(MASTER_WORDS)}, {"type": "array", "items": _SCALAR, "minItems": 1}],
        "examples": ["each", ["16:9", "1:1", "1080x1920"]],
    }
