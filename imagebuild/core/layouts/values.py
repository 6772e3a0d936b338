"""Reading the values of one mapping of a layout: each method gives a value, or notes the mistake and gives None.

Knows the forms that values are written in (shares, boxes, colours, paths); not what they are for.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from imagebuild.core import fields
from imagebuild.core.colors import COLOR_HINT, canonical_color
from imagebuild.core.document import Node, plain
from imagebuild.core.layouts.canonical import Box
from imagebuild.core.written import SourceText
from imagebuild.errors import Problems

__all__ = ["Entry", "path_of"]

_SIDES = {"left": "start", "right": "end", "middle": "center", "center": "middle"}
_ROUNDING = 1e-9  # 0.7 + 0.3 is a little more than 1


class Entry:
    """A mapping of a layout, and how messages call it."""

    def __init__(self, node: Node, where: str, known: Iterable[str], problems: Problems) -> None:
        self.node = node
        self.where = where
        self.problems = problems
        if fields.mapping(node, where, problems):
            fields.check_keys(node, known, where, problems)

    def what(self, name: str) -> str:
        return f"{self.where}: `{name}`"

    def has(self, name: str) -> bool:
        return self.node.get(name) is not None

    def wrong(self, name: str, what: str, hint: str | None = None) -> None:
        node = self.node.get(name) or self.node
        self.problems.add(f"{self.what(name)}: {what}", at=node.place, hint=hint)

    def unfit(self, name: str, node: Node, hint: str) -> None:
        if node.value is None:
            self.problems.add(f"{self.what(name)} has no value", at=node.place, hint=hint)
            return
        shown = fields.written(node) if node.is_scalar else plain(node)
        self.problems.add(f"{self.what(name)}: `{shown}` will not do", at=node.place, hint=hint)

    def number(self, name: str, least: float, most: float, hint: str) -> float | None:
        """A number from `least` to `most`; from anything above 0 when `least` is 0."""
        node = self.node.get(name)
        if node is None:
            return None
        number = _number(node)
        if number is not None and least <= number <= most and number > 0:
            return number
        self.unfit(name, node, hint)
        return None

    def share(self, name: str, *, zero: bool = False) -> float | None:
        """A share of the picture's shorter edge."""
        node = self.node.get(name)
        if node is not None and zero and _number(node) == 0:
            return 0.0
        return self.number(name, 0, 1, "lengths are shares of the picture's shorter edge, e.g. `0.05`")

    def whole(self, name: str, most: int, hint: str) -> int | None:
        node = self.node.get(name)
        if node is None:
            return None
        if isinstance(node.value, int) and not isinstance(node.value, bool) and 1 <= node.value <= most:
            return node.value
        self.unfit(name, node, hint)
        return None

    def flag(self, name: str) -> bool | None:
        node = self.node.get(name)
        return fields.boolean(node, self.what(name), self.problems) if node else None

    def choice(self, name: str, choices: Iterable[str]) -> str | None:
        node = self.node.get(name)
        return fields.choice(node, self.what(name), choices, self.problems) if node else None

    def side(self, name: str, choices: tuple[str, ...]) -> str | None:
        """A side as it is read: `left` and `right` are no sides of a layout that is mirrored."""
        node = self.node.get(name)
        word = node.value if node and isinstance(node.value, str) else ""
        if word in choices or _SIDES.get(word) not in choices:
            return self.choice(name, choices)
        self.wrong(name, f"`{word}` is none of " + ", ".join(choices), f"did you mean `{_SIDES[word]}`?")
        return None

    def pair(self, name: str, most: float, hint: str, *, zero: bool = False) -> tuple[float, float] | None:
        """Two numbers, or one that stands for both."""
        node = self.node.get(name)
        if node is None:
            return None
        given = [_number(each) for each in (node.elements() if node.is_list else [node] * 2)]
        numbers = [each for each in given if each is not None and (each > 0 or (zero and each == 0)) and each <= most]
        if len(given) == len(numbers) == 2:
            return (numbers[0], numbers[1])
        self.unfit(name, node, hint)
        return None

    def box(self) -> Box | None:
        node = self.node.get("box")
        if node is None:
            return None
        given = [_number(each) for each in node.elements()]
        numbers = [each for each in given if each is not None]
        if len(given) != 4 or len(numbers) != 4:
            self.unfit("box", node, "a box is `[x, y, width, height]`, shares from 0 to 1 of its frame")
            return None
        x, y, width, height = numbers
        if min(width, height) <= 0 or min(x, y) < 0:
            self.unfit("box", node, "x and y are at least 0, width and height above 0")
        elif max(x + width, y + height) > 1 + _ROUNDING:
            self.unfit("box", node, "it leaves its frame: x + width and y + height are at most 1")
        else:
            return (x, y, width, height)
        return None

    def color(self, name: str, *, opaque: bool = False) -> str | None:
        node = self.node.get(name)
        return self._color(name, node, opaque) if node else None

    def inks(self, name: str) -> tuple[str, ...] | None:
        """Opaque colours, or one."""
        node = self.node.get(name)
        if node is None:
            return None
        if node.is_list and not node.elements():
            self.unfit(name, node, COLOR_HINT)
            return None
        found = [self._color(name, each, opaque=True) for each in (node.elements() if node.is_list else [node])]
        return tuple(dict.fromkeys(each for each in found if each is not None)) if all(found) else None

    def _color(self, name: str, node: Node, opaque: bool) -> str | None:
        color = canonical_color(node.value) if isinstance(node.value, str) else None
        if color is None:
            self.unfit(name, node, COLOR_HINT)
        elif opaque and len(color) != 7:
            self.unfit(name, node, 'an opaque colour is wanted here, e.g. `"#ffffff"`')
            return None
        return color

    def path(self, name: str, endings: tuple[str, ...]) -> SourceText | None:
        node = self.node.get(name)
        return path_of(node, self.what(name), endings, self.problems) if node else None


def path_of(node: Node, what: str, endings: tuple[str, ...], problems: Problems) -> SourceText | None:
    """A file's path from the campaign's folder, which may be a template."""
    value = fields.text(node, what, problems)
    if value is None or not fields.is_relative(value, node, what, problems):
        return None
    if not value.lower().endswith(endings) and not re.search(r"[}%]\}\s*\Z", value):
        problems.add(f"{what}: `{value}` will not do", at=node.place, hint="its ending is " + " or ".join(endings))
        return None
    return SourceText(text=value, file=None, place=node.place, lines=node.lines, first_line=node.line)


def _number(node: Node) -> float | None:
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) < 1e9 else None
