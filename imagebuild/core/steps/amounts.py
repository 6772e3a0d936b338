"""Reading the numbers of a step's parameters that need saying in what they count: shares, lengths, seconds.

Each function gives a canonical value, or notes the mistake and gives what is usual.
"""

from __future__ import annotations

from collections.abc import Mapping

from imagebuild.core import fields
from imagebuild.core.document import plain
from imagebuild.core.steps.values import MOST_EDGE, Given

__all__ = ["BOX_SCHEMA", "LENGTH_SCHEMA", "UNIT_SCHEMA", "length", "number", "number_schema", "whole"]

_LENGTH_HINT = f"up to 1 it is a share of the picture, e.g. `0.25`; above, whole pixels up to {MOST_EDGE}"
LENGTH_SCHEMA: Mapping[str, object] = {
    "description": "Up to 1 a share of the picture, above 1 whole pixels.",
    "oneOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        {"type": "integer", "minimum": 2, "maximum": MOST_EDGE},
    ],
}
BOX_SCHEMA: Mapping[str, object] = {
    "description": "[x, y, width, height]; shares when all four are at most 1 and one is written with a point, "
    "else pixels.",
    "type": "array",
    "items": {"type": "number", "minimum": 0},
    "minItems": 4,
    "maxItems": 4,
}
UNIT_SCHEMA: Mapping[str, object] = {"enum": ["pixels", "relative"]}


def number_schema(least: float, most: float, description: str) -> dict[str, object]:
    return {"type": "number", "minimum": least, "maximum": most, "description": description}


def number(given: Given, name: str, least: float, most: float, usual: float) -> float:
    """A number from `least` to `most`; `usual` when it is not said."""
    if name not in given.nodes:
        return usual
    value = plain(given.nodes[name][1])
    if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
        return float(value)
    _note(given, name, f"a number from {least:g} to {most:g}, e.g. `{usual:g}`")
    return usual


def whole(given: Given, name: str, least: int, most: int, usual: int) -> int:
    if name not in given.nodes:
        return usual
    what = f"`{name}` of step `{given.step}`"
    value = fields.whole_number(given.nodes[name][1], what, given.problems, least=least, most=most)
    return usual if value is None else value


def length(given: Given, name: str) -> float | int | None:
    """A length: up to 1 a share, above whole pixels."""
    if name not in given.nodes:
        return None
    value = plain(given.nodes[name][1])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MOST_EDGE:
        if value <= 1:
            return float(value)
        if isinstance(value, int):
            return value
    _note(given, name, _LENGTH_HINT)
    return None


def _note(given: Given, name: str, hint: str) -> None:
    node = given.nodes[name][1]
    shown = f"`{fields.written(node)}`" if node.is_scalar and node.value is not None else node.kind
    given.problems.add(f"`{name}` of step `{given.step}`: {shown} will not do", at=node.place, hint=hint)
