"""Reading the parameters of one step: each method gives a canonical value, or notes the mistake and gives None."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal

from imagebuild.core import fields
from imagebuild.core.colors import COLOR_HINT, canonical_color
from imagebuild.core.document import Node, plain
from imagebuild.core.framing import ANCHORS
from imagebuild.core.link_parser import inline_text, parse_reference
from imagebuild.core.scope import Scope
from imagebuild.core.sizes import Size, parse_ratio, parse_size, ratio_text
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import Place, Problems

__all__ = [
    "ANCHOR_SCHEMA",
    "BYTES_SCHEMA",
    "COLOR_SCHEMA",
    "FACTOR_SCHEMA",
    "MOST_EDGE",
    "POINT_SCHEMA",
    "RATIO_SCHEMA",
    "SIZE_SCHEMA",
    "Given",
    "Parameters",
    "parse_anchor",
    "parse_bytes",
]

Parameters = Mapping[str, object]

MOST_EDGE = 16_383  # the longest edge that WebP can hold
MOST_FACTOR = 10  # beyond it nothing is left of a picture
UNITS: Mapping[str, int] = {"b": 1, "kb": 1000, "mb": 1000**2, "kib": 1024, "mib": 1024**2}

_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([kKmM]?i?[bB])\Z")


def _shares(count: int) -> dict[str, object]:
    each = {"type": "number", "minimum": 0, "maximum": 1}
    return {"type": "array", "items": each, "minItems": count, "maxItems": count}


_EDGE = {"type": "integer", "minimum": 1, "maximum": MOST_EDGE}
SIZE_SCHEMA: Mapping[str, object] = {
    "oneOf": [
        {"type": "array", "items": _EDGE, "minItems": 2, "maxItems": 2},
        {"type": "string", "pattern": "^[0-9]{1,5} *[x×] *[0-9]{1,5}$"},
    ]
}
POINT_SCHEMA: Mapping[str, object] = {
    "description": "What stays in the picture: a side, a corner, or a focal point [x, y] from [0, 0] to [1, 1].",
    "oneOf": [{"enum": list(ANCHORS)}, _shares(2)],
}
ANCHOR_SCHEMA: Mapping[str, object] = {
    "description": "What stays in the picture: a side, a corner, a focal point [x, y] from [0, 0] to [1, 1], or a box "
    "[x, y, width, height] that stays whole.",
    "oneOf": [{"enum": list(ANCHORS)}, _shares(2), _shares(4)],
}
FACTOR_SCHEMA: Mapping[str, object] = {"type": "number", "minimum": 1, "maximum": MOST_FACTOR}
COLOR_SCHEMA: Mapping[str, object] = {
    "type": "string",
    "pattern": "^(transparent|#([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8}))$",
}
RATIO_SCHEMA: Mapping[str, object] = {"type": "string", "pattern": "^[0-9.]+ *: *[0-9.]+$"}
BYTES_SCHEMA: Mapping[str, object] = {
    "description": "300kB, 0.3 MB, 1 MiB, or a number of bytes. The quality is lowered until the file fits.",
    "oneOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *[kKmM]?i?[bB]$"},
    ],
}


class Given:
    """The parameters that a campaign gives to one step."""

    def __init__(self, step: str, node: Node | None, place: Place, scope: Scope) -> None:
        self.step = step
        self.place = place
        self.scope = scope
        self.problems = problems = scope.problems
        self.nodes: dict[str, tuple[Node, Node]] = {}
        if node is not None and fields.mapping(node, f"step `{step}`", problems):
            self.nodes = {name: (key, value) for name, key, value in node.items()}
        self.node = node

    def check(self, known: Collection[str], templates: Collection[str]) -> None:
        """Note unknown parameters and templates where none are read, and forget them."""
        if self.node is not None:
            fields.check_keys(self.node, known, f"step `{self.step}`", self.problems)
        self.nodes = {name: nodes for name, nodes in self.nodes.items() if name in known}
        for name, (_, value) in list(self.nodes.items()):
            for text in _template_texts(value) if name not in templates else ():
                self.problems.add(
                    f"`{name}` of step `{self.step}` must be written out here",
                    at=text.place,
                    hint="templates are not read in it; for other values in other cells use an asset for each",
                )
                del self.nodes[name]
                break

    def wrong(self, name: str, what: str, hint: str | None = None) -> None:
        self.problems.add(f"step `{self.step}`: {what}", at=self.nodes[name][0].place, hint=hint)

    def one_of(self, *names: str) -> str | None:
        """The one of these parameters that is given."""
        given = [name for name in names if name in self.nodes]
        if len(given) == 1:
            return given[0]
        wanted = ", ".join(f"`{name}`" for name in names)
        if given:
            self.wrong(given[1], f"one of {wanted} is wanted, not {len(given)}")
        elif not self.problems:
            self.problems.add(f"step `{self.step}` needs one of {wanted}", at=self.place)
        return None

    def only(self, *names: str, reason: str) -> None:
        """Note every parameter but these."""
        for name in self.nodes:
            if name not in names:
                self.wrong(name, f"`{name}` does not go with `{names[0]}`", reason)

    def _value(self, name: str) -> Node | None:
        return self.nodes[name][1] if name in self.nodes else None

    def _what(self, name: str) -> str:
        return f"`{name}` of step `{self.step}`"

    def template(self, name: str) -> SourceText | None:
        """A text that is worked out in each cell."""
        node = self._value(name)
        return inline_text(node, self._what(name), self.scope) if node else None

    def templates(self, name: str) -> dict[str, SourceText]:
        """A mapping of names to texts that are worked out in each cell."""
        node = self._value(name)
        if node is None or not fields.mapping(node, self._what(name), self.problems):
            return {}
        found = {each: inline_text(value, self._what(f"{name}.{each}"), self.scope) for each, _, value in node.items()}
        return {each: text for each, text in found.items() if text is not None}

    def picture(self, name: str) -> SourceText | Link | None:
        """A picture file, its path a template, or another asset."""
        node = self._value(name)
        found = parse_reference(node, self._what(name), self.scope) if node else None
        if isinstance(found, str) and node is not None:
            return inline_text(node.get("file") or node, self._what(name), self.scope)
        return found if isinstance(found, Link) else None

    def _unfit(self, name: str, node: Node, hint: str) -> None:
        _note_unfit(node, self._what(name), hint, self.problems)

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """A required word."""
        node = self._value(name)
        if node is not None:
            return fields.choice(node, self._what(name), choices, self.problems)
        if not self.problems:
            self.problems.add(f"step `{self.step}` needs `{name}`", at=self.place, hint="one of " + ", ".join(choices))
        return None

    def boolean(self, name: str) -> bool:
        node = self._value(name)
        return bool(node and fields.boolean(node, self._what(name), self.problems))

    def whole_number(self, name: str, *, most: int) -> int | None:
        node = self._value(name)
        return fields.whole_number(node, self._what(name), self.problems, most=most) if node else None

    def size(self, name: str) -> list[int] | None:
        node = self._value(name)
        if node is None:
            return None
        size = _size(node)
        if size is None:
            self._unfit(name, node, "a size is `[1600, 900]` or `1600x900`, in pixels")
        elif max(size) > MOST_EDGE:
            self._unfit(name, node, f"the longest edge a file can hold is {MOST_EDGE}")
        return list(size) if size else None

    def ratio(self, name: str) -> str | None:
        node = self._value(name)
        ratio = parse_ratio(node.value) if node and isinstance(node.value, str) else None
        if node and ratio is None:
            self._unfit(name, node, "a ratio is width to height, e.g. `16:9`")
        return ratio_text(ratio) if ratio else None

    def anchor(self, *, boxes: bool = True) -> str | list[float]:
        """`anchor`, by default the centre."""
        node = self._value("anchor")
        return parse_anchor(node, self._what("anchor"), self.problems, boxes=boxes) if node else "center"

    def factor(self, name: str, *, usual: float) -> float:
        """A number from 1 up."""
        node = self._value(name)
        if node is None:
            return usual
        value = plain(node)
        if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= MOST_FACTOR:
            return float(value)
        self._unfit(name, node, f"how many times its size, e.g. `1.5`, from 1 to {MOST_FACTOR}")
        return usual

    def color(self, name: str, *, opaque: bool = False) -> str | None:
        """`#rrggbb`, `#rrggbbaa` when it is not opaque, or `transparent`."""
        node = self._value(name)
        if node is None:
            return None
        text = node.value if isinstance(node.value, str) else ""
        color = canonical_color(text)
        if color is None:
            self._unfit(name, node, COLOR_HINT)
            return None
        if opaque and len(color) != 7:
            self._unfit(name, node, 'an opaque colour is wanted here, e.g. `"#ffffff"`')
        return color

    def byte_count(self, name: str) -> int | None:
        node = self._value(name)
        return parse_bytes(node, self._what(name), self.problems) if node else None

    def box(self) -> Parameters:
        """`box` and its `unit`, which is seen from the numbers when it is not said."""
        node = self._value("box")
        unit_node = self._value("unit")
        unit = (
            fields.choice(unit_node, self._what("unit"), ("pixels", "relative"), self.problems) if unit_node else None
        )
        if node is None:
            return {}
        box = _numbers(node)
        if len(box) != 4 or len(node.elements()) != 4:
            self._unfit("box", node, "a box is `[x, y, width, height]`")
            return {}
        pointed = any(isinstance(element.value, float) for element in node.elements())
        if unit is None:
            unit = "relative" if pointed and max(box) <= 1 else "pixels"
        if min(box[2:]) <= 0:
            self._unfit("box", node, "its width and height are above 0")
        elif unit == "relative" and max(box[0] + box[2], box[1] + box[3]) > 1 + 1e-9:
            self._unfit("box", node, "it leaves the picture: x + width and y + height are at most 1")
        elif unit == "pixels" and (pointed or max(box) > MOST_EDGE):
            self._unfit("box", node, f"pixels are whole numbers up to {MOST_EDGE}; relative numbers are at most 1")
        return {"box": box if unit == "relative" else [int(number) for number in box], "unit": unit}


def _note_unfit(node: Node, what: str, hint: str, problems: Problems) -> None:
    shown = f"`{fields.written(node) if node.is_scalar else plain(node)}`" if node.value is not None else node.kind
    problems.add(f"{what}: {shown} will not do", at=node.place, hint=hint)


def parse_anchor(node: Node, what: str, problems: Problems, *, boxes: bool = True) -> str | list[float]:
    """What stays in the picture: a word, a focal point (one that has a name gets it), or a box that stays whole."""
    if not node.is_list:
        return fields.choice(node, what, ANCHORS, problems) or "center"
    numbers = _numbers(node)
    if len(numbers) != len(node.elements()) or len(numbers) not in ((2, 4) if boxes else (2,)) or max(numbers) > 1:
        hint = "a focal point is `[0.5, 0.3]`: across and down, from 0 to 1"
        more = "\na box is `[0.1, 0.2, 0.5, 0.6]`: x, y, width and height, as shares of the picture"
        _note_unfit(node, what, hint + more if boxes else hint, problems)
        return "center"
    if len(numbers) == 4:
        if min(numbers[2:]) <= 0 or max(numbers[0] + numbers[2], numbers[1] + numbers[3]) > 1 + 1e-9:
            _note_unfit(node, what, "a box lies in the picture: x + width and y + height are at most 1", problems)
            return "center"
        return numbers
    names = {place: name for name, place in ANCHORS.items()}
    return names.get((numbers[0], numbers[1]), numbers)


def parse_bytes(node: Node, what: str, problems: Problems) -> int | None:
    """`300kB`, or a number of bytes."""
    value = node.value
    match = _BYTES.match(value.strip()) if isinstance(value, str) else None
    count = 0
    if match:
        count = int(Decimal(match[1]) * UNITS.get(match[2].lower(), 0))
    elif isinstance(value, int) and not isinstance(value, bool):
        count = value
    if count < 1:
        _note_unfit(node, what, "write `300kB`, `0.3 MB`, `1 MiB` or a whole number of bytes", problems)
        return None
    return count


def _template_texts(node: Node) -> Iterator[Node]:
    if isinstance(node.value, str) and ("{{" in node.value or "{%" in node.value):
        yield node
    for _, _, child in node.items():
        yield from _template_texts(child)
    for element in node.elements():
        yield from _template_texts(element)


def _size(node: Node) -> Size | None:
    if isinstance(node.value, str):
        return parse_size(node.value)
    edges = [edge for edge in map(plain, node.elements()) if isinstance(edge, int) and not isinstance(edge, bool)]
    return (edges[0], edges[1]) if len(edges) == len(node.elements()) == 2 and min(edges) > 0 else None


def _numbers(node: Node) -> list[float]:
    """The finite numbers from 0 up that a list holds."""
    values = [plain(element) for element in node.elements()]
    return [
        float(value)
        for value in values
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e9
    ]
