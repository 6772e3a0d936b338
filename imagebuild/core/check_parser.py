"""The `checks:` of a campaign or an asset → `Check`s: every default filled in, every mistake noted with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from imagebuild.core import fields
from imagebuild.core.checks import CHECK_NAMES, UNKNOWN_LANGUAGE, Check
from imagebuild.core.colors import COLOR_HINT, canonical_color
from imagebuild.core.document import Node
from imagebuild.core.layouts.values import Entry
from imagebuild.core.link_parser import inline_text
from imagebuild.core.locale import canonical_tag
from imagebuild.core.scope import Scope
from imagebuild.core.sizes import parse_size
from imagebuild.core.steps.encode import FORMATS
from imagebuild.core.steps.values import BYTES_SCHEMA, MOST_EDGE, UNITS
from imagebuild.core.written import SourceText
from imagebuild.errors import did_you_mean

__all__ = ["check_schema", "parse_checks"]

LEAST_AGREEMENT: Final = 1.0
MOST_DISTANCE: Final = 10.0  # ΔE of CIEDE2000: another shade of the same colour, seen side by side
LEAST_SHARE: Final = 0.5
LEAST_DIFFERENCE: Final = 0.01
MOST_COLORS: Final = 32
NO_TEXT: Final = "none"

Options = dict[str, object]

_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmM]?i?[bB])\Z")


def parse_checks(node: Node, scope: Scope, where: str) -> dict[str, Check]:
    """The checks by name; one with a mistake is left out. `where` is whose they are: "asset `hero`"."""
    found: dict[str, Check] = {}
    what = f"{where}: `checks`"
    if not fields.mapping(node, what, scope.problems, hint="e.g. `checks: {text: true, contrast: true}`"):
        return found
    for name, key, value in node.items():
        if name not in CHECK_NAMES:
            scope.problems.add(f"{where}: unknown check `{name}`", at=key.place, hint=did_you_mean(name, CHECK_NAMES))
            continue
        if value.value is False:
            found[name] = Check(name=name, options={}, place=key.place, off=True)
            continue
        before = len(scope.problems)
        options = _OPTIONS[name](value, f"{where}: check `{name}`", scope)
        if len(scope.problems) == before:
            found[name] = Check(name=name, options=options, place=key.place)
    return found


def _entry(node: Node, where: str, known: tuple[str, ...], scope: Scope) -> Entry | None:
    """The options of a check; None for the bare `true`."""
    if node.value is True:
        return None
    if not node.is_mapping:
        hint = f"`true`, `false`, or `{{{known[0]}: …}}`" if known else "`true` or `false`"
        fields.wrong(node, where, "true, false or a mapping" if known else "true or false", scope.problems, hint)
        return None
    return Entry(node, where, known, scope.problems)


def _text(node: Node, where: str, scope: Scope) -> Options:
    options: Options = {"least": LEAST_AGREEMENT, "unverified": "hold"}
    if node.value == NO_TEXT:
        return options | {"expect": NO_TEXT}
    entry = _entry(node, where, ("expect", "allow", "least", "unverified", "language"), scope)
    if entry is None:
        return options
    share = "a share of a text's letters, above 0 and up to 1, e.g. `0.98`"
    options["least"] = entry.number("least", 0, 1, share) or LEAST_AGREEMENT
    options["unverified"] = _unverified(entry)
    expect = node.get("expect")
    if expect is not None:
        options["expect"] = NO_TEXT if expect.value == NO_TEXT else _templates("expect", expect, entry, scope)
    allow = node.get("allow")
    if allow is not None:
        options["allow"] = _templates("allow", allow, entry, scope)
    language = _language(node.get("language"), entry)
    return options | {"language": language} if language else options


def _templates(name: str, node: Node, entry: Entry, scope: Scope) -> tuple[SourceText, ...]:
    if node.is_list and not node.elements():
        entry.unfit(name, node, '`["{{ t.headline }}"]`; `expect: none` for a picture without words')
    elements = node.elements() if node.is_list else [node]
    found = [inline_text(each, entry.what(name), scope) for each in elements]
    return tuple(each for each in found if each is not None)


def _language(node: Node | None, entry: Entry) -> str | None:
    if node is None:
        return None
    tag = canonical_tag(node.value) if isinstance(node.value, str) else None
    if tag is None or tag == UNKNOWN_LANGUAGE:
        entry.unfit("language", node, "the language that the picture's words are in, e.g. `en` or `pt-BR`")
    return tag


def _unverified(entry: Entry | None) -> str:
    return (entry.choice("unverified", ("hold", "deliver")) if entry else None) or "hold"


def _contrast(node: Node, where: str, scope: Scope) -> Options:
    hint = "WCAG's ratio, from 1 to 21: `4.5` for text, `3` for large text; `true` for what the layout says"
    value = node.value
    if value is True:
        return {}
    entry = Entry(node, where, ("least",), scope.problems) if node.is_mapping else None
    if entry is not None:
        least = entry.number("least", 1, 21, hint)
        return {} if least is None else {"least": least}
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= 21:
        return {"least": float(value)}
    scope.problems.add(f"{where}: {_shown(node)} will not do", at=node.place, hint=hint)
    return {}


def _safe_zones(node: Node, where: str, scope: Scope) -> Options:
    return {"unverified": _unverified(_entry(node, where, ("unverified",), scope))}


def _palette(node: Node, where: str, scope: Scope) -> Options:
    example = '`palette: {colors: ["#0b3954", "#ff6663"], most: 10, share: 0.5}`'
    if node.is_list:  # the colours alone
        return {"colors": _colors(node, where, scope), "most": MOST_DISTANCE, "share": LEAST_SHARE}
    entry = Entry(node, where, ("colors", "most", "share"), scope.problems) if node.is_mapping else None
    colors = node.get("colors")
    if entry is None or colors is None:
        scope.problems.add(f"{where} does not say its `colors`", at=node.place, hint=f"e.g. {example}")
        return {}
    distance = "a colour distance (ΔE, CIEDE2000), above 0 and up to 100: 2 is hardly seen, 10 is another shade"
    share = "a share of the picture, above 0 and up to 1, e.g. `0.5`"
    return {
        "colors": _colors(colors, f"{where}: `colors`", scope),
        "most": entry.number("most", 0, 100, distance) or MOST_DISTANCE,
        "share": entry.number("share", 0, 1, share) or LEAST_SHARE,
    }


def _colors(node: Node, what: str, scope: Scope) -> list[str]:
    """Opaque colours, each once, in an order of their own: it makes no difference."""
    elements = node.elements() if node.is_list else [node]
    if not 0 < len(elements) <= MOST_COLORS:
        scope.problems.add(f"{what}: from 1 to {MOST_COLORS} colours are wanted", at=node.place, hint=COLOR_HINT)
    found = set()
    for each in elements:
        color = canonical_color(each.value) if isinstance(each.value, str) else None
        if color is None or len(color) != 7:
            hint = COLOR_HINT if color is None else 'an opaque colour is wanted here, e.g. `"#ffffff"`'
            scope.problems.add(f"{what}: {_shown(each)} will not do", at=each.place, hint=hint)
        else:
            found.add(color)
    return sorted(found)


def _duplicates(node: Node, where: str, scope: Scope) -> Options:
    entry = _entry(node, where, ("least",), scope)
    hint = "how much two locales' pictures differ at least where they differ most, above 0 and up to 1, e.g. `0.01`"
    return {"least": (entry.number("least", 0, 1, hint) if entry else None) or LEAST_DIFFERENCE}


def _file(node: Node, where: str, scope: Scope) -> Options:
    entry = _entry(node, where, ("max_bytes", "formats", "size"), scope)
    if entry is None:
        return {}
    options: Options = {}
    most, formats, size = (node.get(name) for name in ("max_bytes", "formats", "size"))
    if most is not None and (count := _byte_count(most, entry)):
        options["max_bytes"] = count
    if formats is not None:
        elements = formats.elements() if formats.is_list else [formats]
        found = {fields.choice(each, entry.what("formats"), FORMATS, scope.problems) for each in elements}
        options["formats"] = [form for form in FORMATS if form in found]
        if not elements:
            entry.unfit("formats", formats, "one or more of " + ", ".join(FORMATS))
    if size is not None:
        parsed = parse_size(size.value) if isinstance(size.value, str) else None
        if parsed is None or max(parsed) > MOST_EDGE:
            entry.unfit("size", size, "a size is `1200x630`, in pixels")
        else:
            options["size"] = list(parsed)
    return options


def _byte_count(node: Node, entry: Entry) -> int | None:
    match = _BYTES.match(node.value.strip()) if isinstance(node.value, str) else None
    count = node.value if isinstance(node.value, int) and not isinstance(node.value, bool) else 0
    if match:
        count = int(Decimal(match[1]) * UNITS.get(match[2].lower(), 0))
    if count < 1:
        entry.unfit("max_bytes", node, "write `300kB`, `0.3 MB`, `1 MiB` or a whole number of bytes")
        return None
    return count


def _shown(node: Node) -> str:
    return f"`{fields.written(node)}`" if node.is_scalar and node.value is not None else node.kind


_OPTIONS: Final[Mapping[str, Callable[[Node, str, Scope], Options]]] = {
    "file": _file,
    "text": _text,
    "contrast": _contrast,
    "safe_zones": _safe_zones,
    "palette": _palette,
    "duplicates": _duplicates,
}


# ----------------------------------------------------------------------------------------------------- for editors


def _share(description: str, most: float = 1) -> dict[str, object]:
    return {"description": description, "type": "number", "exclusiveMinimum": 0, "maximum": most}


def _either(description: str, properties: Mapping[str, object], *others: object, required: str = "") -> object:
    mapping: dict[str, object] = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        mapping["required"] = [required]
    return {"description": description, "oneOf": [*others, mapping]}


_SWITCH: Final = {"type": "boolean"}
_UNVERIFIED: Final = {"description": "What becomes of a picture that cannot be read.", "enum": ["hold", "deliver"]}


def check_schema() -> dict[str, object]:
    """JSON Schema of the value of `checks:`."""
    ratio = {"type": "number", "minimum": 1, "maximum": 21}
    apart = f"How much they differ where they differ most. Default: {LEAST_DIFFERENCE:g}."
    return {
        "description": "What is checked before a picture is delivered; `false` takes one away.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "file": _file_schema(),
            "text": _text_schema(),
            "contrast": _either(
                "Of typeset words with what is behind them, as WCAG counts.", {"least": ratio}, _SWITCH, ratio
            ),
            "safe_zones": _either(
                "Copy keeps clear of edges and of what the placement covers.", {"unverified": _UNVERIFIED}, _SWITCH
            ),
            "palette": _palette_schema(),
            "duplicates": _either(
                "No locale's picture is another locale's, though the copy differs.", {"least": _share(apart)}, _SWITCH
            ),
        },
    }


def _file_schema() -> object:
    form = {"enum": list(FORMATS)}
    return _either(
        "Size, format and bytes of the file. A placement brings its own along.",
        {
            "size": {"type": "string", "pattern": "^ *[0-9]{1,5} *[x×] *[0-9]{1,5} *$"},
            "formats": {"oneOf": [form, {"type": "array", "items": form, "minItems": 1}]},
            "max_bytes": {"oneOf": BYTES_SCHEMA["oneOf"]},
        },
        _SWITCH,
    )


def _text_schema() -> object:
    text = {"type": "string", "pattern": "\\S"}
    texts = [text, {"type": "array", "items": text, "minItems": 1}]
    return _either(
        "What is read in the picture is what it shall say. `none`: it shall say nothing.",
        {
            "expect": {
                "description": "Templates of what the picture shows, or `none`. Default: what is typeset.",
                "oneOf": texts,
            },
            "allow": {"description": "Templates of what may be read besides: a name on the product.", "oneOf": texts},
            "least": _share("How much of a text must be read as it is written. Default: all of it."),
            "unverified": _UNVERIFIED,
            "language": {"description": "Of the words, where the asset has no locale.", "type": "string"},
        },
        _SWITCH,
        {"const": NO_TEXT},
    )


def _palette_schema() -> object:
    color = {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"}
    colors = {"type": "array", "items": color, "minItems": 1, "maxItems": MOST_COLORS}
    return _either(
        "The picture keeps to the brand's colours.",
        {
            "colors": {"oneOf": [color, colors]},
            "most": _share(f"How far from one of them (ΔE, CIEDE2000). Default: {MOST_DISTANCE:g}.", 100),
            "share": _share(f"For at least this share of the picture. Default: {LEAST_SHARE:g}."),
        },
        {"const": False},
        colors,
        required="colors",
    )
