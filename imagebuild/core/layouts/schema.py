"""JSON Schema of a layout file, for editors: what they complete, explain and underline.

Written from the parser's own tables. It knows one file: whether a role or font that is named is there, whether boxes
leave their frame or a shape is never used, is for the parser to say.
"""

from __future__ import annotations

from imagebuild.core.layouts.canonical import LEAST_CONTRAST
from imagebuild.core.layouts.parser import (
    AREA_KEYS,
    FONT_ENDINGS,
    FONT_KEYS,
    FRAMES,
    GROUP_KEYS,
    LAYOUT_FORMAT,
    LAYOUT_KEYS,
    SCRIM_KEYS,
    SHAPE_KEYS,
    TOWARDS,
    VALIGNS,
)
from imagebuild.core.layouts.roles import (
    ALIGNS,
    BUTTON_KEYS,
    MOST_LINES,
    PICTURE_ENDINGS,
    PICTURE_KEYS,
    RULE_KEYS,
    TEXT_KEYS,
)
from imagebuild.core.layouts.spec import BUILT_IN_ROLES, SHAPES

__all__ = ["layout_schema"]

Schema = dict[str, object]

_OPAQUE: Schema = {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{3}[fF]|[0-9a-fA-F]{6}([fF]{2})?)$"}
_COLOR: Schema = {
    "type": "string",
    "pattern": "^(transparent|#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}))$",
}
_SHARE: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": 1}
_FLAT: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_SCRIPT: Schema = {"type": "string", "pattern": "^[A-Z][a-z]{3}$"}


def layout_schema() -> Schema:
    """The schema, in JSON Schema 2020-12."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "imagebuild layout",
        "description": "Where a `typeset` step puts copy, logo and surfaces. Reference: schemas/README.md, Layouts.",
        "type": "object",
        "required": ["layout", "shapes"],
        "additionalProperties": False,
        "properties": _keyed(LAYOUT_KEYS, _layout()),
        "$defs": {
            "align": {
                "description": "In the direction that is read in. Default: as the group, and of that `start`.",
                "enum": list(ALIGNS),
            },
            "area": _mapping(AREA_KEYS, _area(), "A coloured surface below all copy.", "color"),
            "box": {
                "description": "[x, y, width, height], shares of the frame from 0 to 1.",
                "type": "array",
                "items": _FLAT,
                "minItems": 4,
                "maxItems": 4,
                "examples": [[0.06, 0.1, 0.44, 0.62]],
            },
            "button": _button(),
            "frame": {
                "description": "What a box is a share of: the part that the placement leaves clear, or the picture.",
                "enum": list(FRAMES),
            },
            "group": _mapping(GROUP_KEYS, _group(), "Items one below the other, as large as they all fit.", "items"),
            "item": _item(),
            "role": _role(),
            "shape": {
                **_mapping(SHAPE_KEYS, _shape(), "One arrangement, for some pictures."),
                "anyOf": [{"required": ["groups"]}, {"required": ["areas"]}],
            },
        },
    }


def _keyed(keys: tuple[str, ...], properties: Schema) -> Schema:
    assert tuple(properties) == keys, f"the schema and the parser know the same keys, not {tuple(properties)}"
    return properties


def _mapping(keys: tuple[str, ...], properties: Schema, description: str, *required: str) -> Schema:
    return {
        "description": description,
        "type": "object",
        **({"required": list(required)} if required else {}),
        "additionalProperties": False,
        "properties": _keyed(keys, properties),
    }


def _path(endings: tuple[str, ...]) -> Schema:
    """A path from the campaign's folder with one of these endings in any case, or a template."""
    any_case = ["".join(f"[{c}{c.upper()}]" if c.isalpha() else f"\\{c}" for c in ending) for ending in endings]
    return {
        "type": "string",
        "pattern": "^(?![/~\\\\]|[A-Za-z]:[\\\\/]).*(" + "|".join(any_case) + "|[}%]\\}\\s*)$",
    }


def _layout() -> Schema:
    file = _path(FONT_ENDINGS)
    font: Schema = {
        "oneOf": [
            file,
            _mapping(
                FONT_KEYS,
                {
                    "file": file,
                    "scripts": {
                        "description": "What it is used for (ISO 15924); without it, for every character it has.",
                        "oneOf": [_SCRIPT, {"type": "array", "items": _SCRIPT}],
                        "examples": ["Arab", ["Deva", "Beng"], "Jpan"],
                    },
                },
                "A file for some scripts only.",
                "file",
            ),
        ]
    }
    return {
        "layout": {"description": "The version of the format.", "const": LAYOUT_FORMAT},
        "fonts": {
            "description": "Families of the brand's own, .ttf or .otf: a file or a list of them, tried in their order; "
            "the fonts that come with imagebuild stand behind them. Paths start at the campaign's folder.",
            "type": "object",
            "propertyNames": {"pattern": "\\S"},
            "additionalProperties": {"oneOf": [font, {"type": "array", "items": font, "minItems": 1}]},
            "examples": [{"brand": ["brand/Bold.ttf", {"file": "brand/Arabic.ttf", "scripts": ["Arab"]}]}],
        },
        "roles": {
            "description": "How roles look, whatever the shape. Built in are " + ", ".join(BUILT_IN_ROLES) + "; any "
            "other begins as `body`; one with a `picture` is a picture.",
            "type": "object",
            "propertyNames": {"not": {"const": "rule"}},
            "properties": {name: {"$ref": "#/$defs/role"} for name in BUILT_IN_ROLES},
            "additionalProperties": {"$ref": "#/$defs/role"},
            "examples": [{"headline": {"font": "brand", "weight": 800, "size": [0.05, 0.12], "lines": 3}}],
        },
        "mirror": {
            "description": "Whether left and right change places where it is read from right to left.",
            "type": "boolean",
            "default": True,
        },
        "nearest": {
            "description": "Whether a picture that no shape is for takes the nearest one, instead of being a mistake.",
            "type": "boolean",
            "default": False,
        },
        "shapes": {
            "description": "The arrangements: built-in shapes by name (" + ", ".join(SHAPES) + "), and others that "
            "say what they are `for`.",
            "type": "object",
            "minProperties": 1,
            "properties": {name: {"$ref": "#/$defs/shape"} for name in SHAPES},
            "additionalProperties": {"allOf": [{"$ref": "#/$defs/shape"}, {"required": ["for"]}]},
        },
    }


def _shape() -> Schema:
    size: Schema = {"type": "string", "pattern": "^ *[0-9]{1,5} *[x×] *[0-9]{1,5} *$"}
    ratio: Schema = {"type": "string", "pattern": "^ *[0-9.]+ *: *[0-9.]+ *$"}
    name: Schema = {"enum": list(SHAPES)}
    return {
        "for": {
            "description": "Which pictures: sizes, a ratio or two to lie between, or built-in shapes. Default: the "
            "built-in shape of its name. Sizes are tried first, then ratios, then built-in shapes.",
            "oneOf": [
                size,
                ratio,
                name,
                {"type": "array", "items": size, "minItems": 1},
                {"type": "array", "items": ratio, "minItems": 1, "maxItems": 2},
                {"type": "array", "items": name, "minItems": 1},
            ],
            "examples": ["728x90", ["1.2:1", "2:1"], ["portrait", "tower"]],
        },
        "scale": {
            "description": "What the sizes of the roles are multiplied by here; what this shape or an item says is "
            "taken as it is. Default: in a banner or tower the ratio of its edges over 2.3, so 3.52 at 728x90; else 1.",
            "type": "number",
            "minimum": 0.1,
            "maximum": 20,
        },
        "roles": {
            "description": "What is different about roles in this shape.",
            "type": "object",
            "additionalProperties": {"$ref": "#/$defs/role"},
        },
        "areas": {
            "description": "Coloured surfaces below all copy, the first lowest.",
            "type": "array",
            "items": {"$ref": "#/$defs/area"},
        },
        "groups": {"description": "Boxes with items.", "type": "array", "items": {"$ref": "#/$defs/group"}},
    }


def _area() -> Schema:
    return {
        "box": {"$ref": "#/$defs/box"},
        "frame": {"$ref": "#/$defs/frame"},
        "color": {"description": "May be translucent: `#0b3954d0`.", **_COLOR},
        "to": {"description": "A colour it passes over to.", **_COLOR, "examples": ["transparent"]},
        "toward": {"description": "The side where it has become `to`. Default: end.", "enum": list(TOWARDS)},
        "radius": {"description": "Of its corners, a share of the shorter edge. Default: 0.", **_FLAT},
    }


def _group() -> Schema:
    return {
        "box": {"$ref": "#/$defs/box"},
        "frame": {"$ref": "#/$defs/frame"},
        "align": {"description": "Of items that do not say it. Default: start.", "enum": list(ALIGNS)},
        "valign": {"description": "Default: top.", "enum": list(VALIGNS)},
        "gap": {"description": "Between items, a share of the shorter edge.", **_FLAT},
        "items": {
            "description": "From above to below: roles, roles with what is different here, lines.",
            "type": "array",
            "minItems": 1,
            "items": {"$ref": "#/$defs/item"},
            "examples": [["headline", {"rule": {"length": 0.2}}, {"role": "cta", "align": "center"}]],
        },
        "scrim": {
            "description": "A soft shade behind words that would not stand out enough, as weak as will do. Default: "
            "true. A colour, or `{color, most}`, says how; `false` forbids it.",
            "oneOf": [
                {"type": "boolean"},
                _OPAQUE,
                _mapping(
                    SCRIM_KEYS,
                    {
                        "color": {"description": "Default: dark behind light words, light behind dark.", **_OPAQUE},
                        "most": {"description": "How strong it may be. Default: 0.85.", **_SHARE},
                    },
                    "What it may be.",
                ),
            ],
        },
    }


def _looks() -> tuple[Schema, Schema]:
    """What a text may say of itself, and what a picture may."""
    text: Schema = {
        "font": {"description": "A family of `fonts`. Without it: the fonts that come with imagebuild.",
                 "type": "string", "pattern": "\\S"},
        "weight": {"description": "400 is regular, 700 bold.", "type": "integer", "minimum": 1, "maximum": 1000},
        "size": {
            "description": "From least to greatest, shares of the picture's shorter edge; or one size.",
            "oneOf": [_SHARE, {"type": "array", "items": _SHARE, "minItems": 2, "maxItems": 2}],
            "examples": [[0.05, 0.12]],
        },
        "lines": {
            "description": "At most. In a tower twice as many, where its shape does not say it.",
            "type": "integer", "minimum": 1, "maximum": MOST_LINES,
        },
        "color": {
            "description": "Inks in the order they are tried: the first that stands out enough is taken.",
            "oneOf": [_OPAQUE, {"type": "array", "items": _OPAQUE, "minItems": 1}],
            "examples": [["#ffffff", "#0b3954"]],
        },
        "contrast": {
            "description": "The least ratio to what is behind (WCAG 2).",
            "type": "number", "minimum": 1, "maximum": 21, "default": LEAST_CONTRAST,
        },
        "leading": {
            "description": "Times what the script needs. Default: 1; of `headline` 0.98, of `body` 1.08.",
            "type": "number", "minimum": 0.5, "maximum": 3,
        },
        "align": {"$ref": "#/$defs/align"},
        "button": {"$ref": "#/$defs/button"},
        "optional": {"description": "Left out when there is no text, or an empty one.", "type": "boolean"},
    }  # fmt: skip
    picture: Schema = {
        "picture": {
            "description": "A file, its path from the campaign's folder; may be a template.",
            **_path(PICTURE_ENDINGS),
            "examples": ["brand/logo.png", "brand/logo-{{ locale.language }}.png"],
        },
        "height": {"description": "A share of the shorter edge. Default: 0.09.", **_SHARE},
        "align": {"$ref": "#/$defs/align"},
    }
    return _keyed(TEXT_KEYS, text), _keyed(PICTURE_KEYS, picture)


def _role() -> Schema:
    text, picture = _looks()
    return {
        "description": "How a text or a picture looks.",
        "type": "object",
        "additionalProperties": False,
        "properties": {**text, **picture},
        "if": {"required": ["picture"]},
        "then": {"properties": dict.fromkeys((name for name in TEXT_KEYS if name not in PICTURE_KEYS), False)},
    }


def _item() -> Schema:
    text, picture = _looks()
    rule: Schema = {
        "length": {"description": "A share of the group's width. Default: 0.2.", **_SHARE},
        "thickness": {"description": "A share of the shorter edge. Default: 0.004.", **_SHARE},
        "color": {"description": "Default: #ffffff.", **_COLOR},
        "align": {"$ref": "#/$defs/align"},
    }
    return {
        "oneOf": [
            {"description": "A role.", "type": "string", "pattern": "\\S", "not": {"const": "rule"}},
            {
                "description": "A role, and what is different here.",
                "type": "object",
                "required": ["role"],
                "additionalProperties": False,
                "properties": {"role": {"type": "string", "pattern": "\\S"}, **text, **picture},
            },
            {
                "type": "object",
                "required": ["rule"],
                "additionalProperties": False,
                "properties": {
                    "rule": {"oneOf": [{"enum": [True, None]}, _mapping(RULE_KEYS, rule, "A line between items.")]}
                },
            },
        ]
    }


def _button() -> Schema:
    number: Schema = {"type": "number", "minimum": 0, "maximum": 10}
    look: Schema = {
        "fill": {"description": "Default: #ffffff.", **_COLOR},
        "padding": {
            "description": "Across and down, in ems of the words. Default: [1.1, 0.6].",
            "oneOf": [number, {"type": "array", "items": number, "minItems": 2, "maxItems": 2}],
        },
        "radius": {
            "description": "In ems of the words: 0 is square, 0.5 (default) soft, 2 round.",
            "type": "number",
            "minimum": 0,
            "maximum": 100,
        },
    }
    return {
        "description": "The surface its words stand on: yes or no, a fill, or a mapping.",
        "oneOf": [{"type": "boolean"}, _COLOR, _mapping(BUTTON_KEYS, look, "The surface.")],
        "examples": [True, "#ff6663", {"fill": "#ff6663", "padding": [1.1, 0.6], "radius": 2}],
    }
