"""Typed reading of a node's fields: each function gives the value, or notes the mistake and gives None.

Also the one door through which core/ sees source files: `Sources`, a pair of questions that a hand answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from imagebuild.core.document import Node
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = [
    "Sources",
    "boolean",
    "check_keys",
    "choice",
    "frozen",
    "is_relative",
    "list_of",
    "mapping",
    "money",
    "place_in",
    "text",
    "texts",
    "whole_number",
    "written",
    "wrong",
]


class Sources(Protocol):
    """Where the texts that a campaign names come from. Paths are relative to the campaign's folder, with `/`."""

    def read(self, path: str) -> str | None:
        """The text of a file, or None when there is no such file."""
        ...

    def label(self, path: str) -> str:
        """How messages call the file."""
        ...

    def damaged(self, path: str) -> bool:
        """Whether the file is there but could not be read as text; that is told already."""
        ...


def check_keys(node: Node, known: Iterable[str], where: str, problems: Problems) -> bool:
    """Every key of a mapping that is not known is a mistake with a suggestion. Whether all were known."""
    allowed = frozenset(known)
    unknown = [(name, key) for name, key, _ in node.items() if name not in allowed]
    for name, key in unknown:
        problems.add(f"unknown key `{name}` in {where}", at=key.place, hint=did_you_mean(name, allowed))
    return not unknown


def wrong(node: Node, what: str, wanted: str, problems: Problems, hint: str | None = None) -> None:
    """Note that a value is of another kind than is wanted."""
    number = isinstance(node.value, int | float) and not isinstance(node.value, bool)
    kind = f"the number `{written(node)}`" if number else node.kind
    problems.add(f"{what}: {wanted} is wanted, this is {kind}", at=node.place, hint=hint)


def place_in(node: Node, part: str) -> Place:
    """Where a part of a text stands, on the line where the text begins; the text's own place when it is not there."""
    at = node.place
    column = at.text.find(part, at.column - 1, at.column - 1 + at.length) if part else -1
    return Place(at.file, at.line, column + 1, len(part), at.text) if column >= 0 else at


def is_relative(path: str, node: Node, what: str, problems: Problems) -> bool:
    """Whether a path starts at the campaign's folder, as every path does: the campaign then builds on any machine."""
    if not path.startswith(("/", "~", "\\")) and not re.match(r"[A-Za-z]:[\\/]", path):
        return True
    hint = "paths start at the campaign's folder, so that it builds on any machine"
    problems.add(f"{what}: `{path}` is an absolute path", at=node.place, hint=hint)
    return False


def text(node: Node, what: str, problems: Problems, *, numbers: bool = False) -> str | None:
    """A text that is not empty; with `numbers`, an unquoted number is taken as it was written."""
    value = node.value
    if isinstance(value, str):
        if value.strip():
            return value
        problems.add(f"{what} is empty", at=node.place)
        return None
    if numbers and isinstance(value, int | float) and not isinstance(value, bool):
        return written(node)
    hint = "quote it" if isinstance(value, int | float) else None
    wrong(node, what, "a text", problems, hint)
    return None


def written(node: Node) -> str:
    """A scalar as it stands in the file, so that `1.50` stays `1.50`."""
    if node.plain_style and 0 < node.line <= len(node.lines):
        raw = node.lines[node.line - 1][node.column - 1 : node.column - 1 + node.length].strip()
        if raw:
            return raw
    return str(node.value)


def texts(node: Node, what: str, problems: Problems, *, numbers: bool = False) -> list[tuple[str, Node]]:
    """A list of texts, or one text standing for a list of one."""
    if node.is_mapping or node.value is None:
        wrong(node, what, "a text or a list of texts", problems)
        return []
    if node.is_list:
        pairs = [(text(element, what, problems, numbers=numbers), element) for element in node.elements()]
        return [(value, element) for value, element in pairs if value is not None]
    value = text(node, what, problems, numbers=numbers)
    return [] if value is None else [(value, node)]


def list_of(node: Node, what: str, problems: Problems) -> list[Node]:
    if node.is_list:
        return node.elements()
    wrong(node, what, "a list", problems, "write it as `- item` lines, or `[a, b]`")
    return []


def mapping(node: Node, what: str, problems: Problems, *, hint: str | None = None) -> bool:
    if node.is_mapping:
        return True
    wrong(node, what, "a mapping", problems, hint or "indented lines of `key: value`, or `{key: value}`")
    return False


def choice(node: Node, what: str, choices: Iterable[str], problems: Problems) -> str | None:
    value = text(node, what, problems, numbers=True)
    if value is None:
        return None
    known = list(choices)
    if value in known:
        return value
    near = did_you_mean(value, known)
    problems.add(
        f"{what}: `{value}` is none of " + ", ".join(known),
        at=node.place,
        hint=near if near and "mean" in near else None,
    )
    return None


def boolean(node: Node, what: str, problems: Problems) -> bool | None:
    if isinstance(node.value, bool):
        return node.value
    wrong(node, what, "true or false", problems, "write `true` or `false`")
    return None


def whole_number(node: Node, what: str, problems: Problems, *, least: int = 1, most: int = 10**9) -> int | None:
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        if least <= value <= most:
            return value
        problems.add(f"{what}: {value} is not between {least} and {most}", at=node.place)
        return None
    wrong(node, what, "a whole number", problems)
    return None


_MONEY = re.compile(r"(\$)?\s*([0-9]+(?:\.[0-9]+)?)\s*(USD|usd|\$)?\Z")


def money(node: Node, what: str, problems: Problems) -> Decimal | None:
    """An amount of US dollars: `10 USD`, `$10`, `0.50 USD`."""
    raw = written(node).strip() if node.is_scalar else ""
    match = _MONEY.match(raw if node.plain_style else str(node.value).strip())
    if match and (match.group(1) or match.group(3)):
        return Decimal(match.group(2))
    hint = f"write `{match.group(2)} USD`" if match else "every price here is in US dollars"
    problems.add(f"{what}: an amount such as `10 USD` is wanted", at=node.place, hint=hint)
    return None


def frozen(value: object) -> object:
    """A plain value with its lists as tuples, so that it can be shared without being changed."""
    if isinstance(value, Mapping):
        return {str(name): frozen(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return tuple(frozen(child) for child in value)
    return value
