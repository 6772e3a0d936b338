"""YAML and JSON text → a tree of nodes that know their places.

Reads with libyaml's C parser, but by YAML 1.2's core rules: `no` and `16:9` are strings, `0o17` is octal and `017` is
seventeen. A duplicate key is a mistake; so are merge keys, tags, several documents, a self-containing alias, and
aliases that multiply into more nodes than any campaign needs. Knows nothing of campaigns, and reads no files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import yaml

from imagebuild.errors import Place, Problem, Problems
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import yaml_mistakes
else:
    yaml_mistakes = lazy("imagebuild.core.yaml_mistakes")

__all__ = ["Node", "Scalar", "parse_json", "parse_yaml", "plain"]

Scalar = str | int | float | bool | None

MOST_NODES = 2_000_000
MOST_DEPTH = 100
_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OCT = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_INF = re.compile(r"([-+]?)\.(inf|Inf|INF)\Z")
_NAN = {".nan", ".NaN", ".NAN"}
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # as libyaml counts lines
_NOT_YAML = re.compile(
    "[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]"
)  # line breaks to YAML or forbidden in it, fine in JSON
_PAIR = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_NUMERIC_START = frozenset("0123456789+-.")


class Node:
    """A value with its place. `value` is a scalar, a list of nodes, or a dict of `str` → (key node, value node)."""

    __slots__ = ("column", "file", "length", "line", "lines", "plain_style", "value")

    def __init__(
        self,
        value: Scalar | list[Node] | dict[str, tuple[Node, Node]],
        file: str,
        lines: list[str],
        line: int,
        column: int,
        length: int,
        plain_style: bool = False,
    ) -> None:
        self.value = value
        self.file = file
        self.lines = lines
        self.line = line
        self.column = column
        self.length = length
        self.plain_style = plain_style

    @property
    def place(self) -> Place:
        text = self.lines[self.line - 1] if 0 < self.line <= len(self.lines) else ""
        return Place(self.file, self.line, self.column, self.length, text)

    @property
    def is_mapping(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def is_scalar(self) -> bool:
        return not isinstance(self.value, dict | list)

    @property
    def kind(self) -> str:
        """The node's type in words, for messages."""
        value = self.value
        if isinstance(value, dict):
            return "a mapping"
        if isinstance(value, list):
            return "a list"
        if value is None:
            return "nothing"
        if isinstance(value, bool):
            return f"the boolean `{str(value).lower()}`"
        if isinstance(value, int | float):
            return f"the number `{value}`"
        return "a text"

    def items(self) -> Iterator[tuple[str, Node, Node]]:
        """(name, key node, value node) of a mapping; nothing for any other node."""
        if isinstance(self.value, dict):
            for name, (key, value) in self.value.items():
                yield name, key, value

    def get(self, name: str) -> Node | None:
        if isinstance(self.value, dict) and name in self.value:
            return self.value[name][1]
        return None

    def key(self, name: str) -> Node | None:
        """The node of a key itself, for saying where it stands."""
        return self.value[name][0] if isinstance(self.value, dict) and name in self.value else None

    def elements(self) -> list[Node]:
        """The nodes of a list; nothing for any other node."""
        return self.value if isinstance(self.value, list) else []


def plain(node: Node) -> object:
    """The node as ordinary Python values, places dropped."""
    value = node.value
    if isinstance(value, dict):
        return {name: plain(child) for name, (_, child) in value.items()}
    if isinstance(value, list):
        return [plain(child) for child in value]
    return value


def parse_yaml(text: str, *, file: str, problems: Problems) -> Node | None:
    """The document's root, or None when it is empty or cannot be read (then `problems` says why)."""
    lines = _LINE_BREAK.split(text)
    builder: _Builder | None = None
    try:
        builder = _Builder(text, file, lines, problems)
        return builder.build()
    except _Stop as stop:
        found = stop.problem
    except yaml.MarkedYAMLError as bad:
        found = yaml_mistakes.explain_syntax(bad, file, lines, builder.long_text(bad.problem_mark) if builder else None)
    except yaml.YAMLError as bad:
        found = yaml_mistakes.explain_unreadable(bad, file, lines)
    problems.add(found.what, at=found.at, hint=found.hint)
    return None


def parse_json(text: str, *, file: str, problems: Problems) -> Node | None:
    """JSON is read by the YAML reader, for its places, once the strict JSON reader has accepted it."""
    if not text.strip():
        return None
    try:
        json.loads(text)
    except json.JSONDecodeError as bad:
        _note_json(bad, text, file, problems)
        return None
    except RecursionError:
        problems.add(f"nested deeper than {MOST_DEPTH} levels", at=Place(file, 1, 1))
        return None
    text = _PAIR.sub(_joined, text)
    text = _NOT_YAML.sub(lambda found: f"\\u{ord(found.group()):04x}", text)
    return parse_yaml(text.replace("\t", " "), file=file, problems=problems)


def _joined(escape: re.Match[str]) -> str:
    """JSON writes a character beyond U+FFFF as two escapes, which YAML does not know."""
    if escape.group(1) is None:
        return escape.group()
    return (bytes.fromhex(escape.group(1)) + bytes.fromhex(escape.group(2))).decode("utf-16-be")


def _note_json(bad: json.JSONDecodeError, text: str, file: str, problems: Problems) -> None:
    lines = text.splitlines() or [""]
    line = lines[bad.lineno - 1] if bad.lineno <= len(lines) else ""
    at = Place(file, bad.lineno, bad.colno, 1, line)
    before = text[: bad.pos].rstrip()
    if before.endswith(",") and text[bad.pos : bad.pos + 1] in ("]", "}", ""):
        number = before.count("\n") + 1
        column = len(before) - before.rfind("\n") - 1
        at = Place(file, number, column, 1, lines[number - 1])
        problems.add("not valid JSON: a comma before the end", at=at, hint="remove the comma")
    elif text[bad.pos : bad.pos + 1] == "'":
        problems.add("not valid JSON: a text in single quotes", at=at, hint="JSON's quotes are `\"`")
    else:
        problems.add(f"not valid JSON: {bad.msg[:1].lower()}{bad.msg[1:]}", at=at)


class _Builder:
    """Builds the tree from libyaml's events, within bounds; an alias shares the node of its anchor."""

    def __init__(self, text: str, file: str, lines: list[str], problems: Problems) -> None:
        self.next_event: Callable[[], Any] = yaml.CSafeLoader(text).get_event  # the stubs know less of events
        self.file = file
        self.lines = lines
        self.problems = problems
        self.anchors: dict[str, tuple[Node | None, int]] = {}
        self.count = 0
        self.long: Any = None

    def long_text(self, stopped: Any) -> Place | None:
        """The start of the last quoted text over several lines, when it ended where reading stopped."""
        if self.long is None or stopped is None or stopped.line not in (self.long.end_mark.line, len(self.lines)):
            return None
        return self._at(self.long).place

    def build(self) -> Node | None:
        next_event = self.next_event
        next_event()  # the stream starts
        if isinstance(next_event(), yaml.StreamEndEvent):
            return None
        root = self._node(next_event(), 0)
        next_event()  # the document ends
        after = next_event()
        if not isinstance(after, yaml.StreamEndEvent):
            hint = "a file holds one; put the second in a file of its own"
            raise _Stop("a second document in the file", self._at(after).place, hint)
        return root

    def _at(self, event: Any) -> Node:
        start, end = event.start_mark, event.end_mark
        rest = len(self.lines[start.line]) - start.column if start.line < len(self.lines) else 1
        length = end.column - start.column if end.line == start.line else rest
        return Node(None, self.file, self.lines, start.line + 1, start.column + 1, max(length, 1))

    def _node(self, event: Any, depth: int) -> Node:
        before = self.count
        self.count += 1
        if self.count > MOST_NODES:
            raise _Stop("too many values", self._at(event).place, "aliases multiply; write the values out")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        node = self._at(event)
        if depth > MOST_DEPTH:
            raise _Stop(f"nested deeper than {MOST_DEPTH} levels", node.place, "a campaign needs about six")
        if event.anchor:
            self.anchors[event.anchor] = (None, 0)
        if isinstance(event, yaml.ScalarEvent):
            node.plain_style = not event.style
            node.value = self._scalar(event, node)
        else:
            self._tag(event.tag, node)
            node.value = self._list(depth) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(depth)
        if event.anchor:
            self.anchors[event.anchor] = (node, self.count - before)
        return node

    def _alias(self, event: Any) -> Node:
        at = self._at(event).place
        if event.anchor not in self.anchors:
            hint = f"quote a text that begins with `*`; or write `&{event.anchor}` before the value that is meant"
            raise _Stop(f"`*{event.anchor}` names nothing", at, hint)
        node, size = self.anchors[event.anchor]
        if node is None:
            raise _Stop("an alias that contains itself", at, "remove the alias")
        self.count += size
        if self.count > MOST_NODES:
            raise _Stop("aliases multiply into too many values", at, "write the values out, or use fewer aliases")
        return node

    def _list(self, depth: int) -> list[Node]:
        found: list[Node] = []
        while not isinstance(event := self.next_event(), yaml.SequenceEndEvent):
            found.append(self._node(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, tuple[Node, Node]]:
        found: dict[str, tuple[Node, Node]] = {}
        while not isinstance(event := self.next_event(), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            value = self._node(self.next_event(), depth + 1)
            name = event.value if isinstance(event, yaml.ScalarEvent) else key.value
            if not isinstance(name, str):
                self._strange_key(key)
            elif name == "<<" and key.plain_style:
                self.problems.add(
                    "merge key `<<`", at=key.place,
                    hint="YAML 1.2 has no merge keys; use `defaults`, or write the values out",
                )  # fmt: skip
            elif name in found:
                first = found[name][0].line
                self.problems.add(
                    f"duplicate key `{name}`", at=key.place, hint=f"line {first} has it already; keep one of the two"
                )
            else:
                found[name] = (key, value)
        return found

    def _strange_key(self, key: Node) -> None:
        template = yaml_mistakes.template_place(key.place)
        if template is not None:
            text = template.text[template.column - 1 : template.column - 1 + template.length]
            raise _Stop("a template must be quoted", template, f'write `"{text}"`')
        self.problems.add(f"{key.kind} as a key", at=key.place, hint="a key is a text; quote it")

    def _scalar(self, event: Any, node: Node) -> Scalar:
        self._tag(event.tag, node)
        if event.style in ("'", '"') and event.end_mark.line > event.start_mark.line:
            self.long = event
        return str(event.value) if event.style or event.tag else resolve(event.value)

    def _tag(self, tag: str | None, node: Node) -> None:
        if tag and tag not in ("!", "tag:yaml.org,2002:str"):
            self.problems.add(
                f"tag `{tag}`", at=node.place, hint="tags are not used here; quote a text that begins with `!`"
            )


class _Stop(Exception):
    """Reading cannot go on."""

    def __init__(self, what: str, at: Place, hint: str) -> None:
        super().__init__(what)
        self.problem = Problem(what, at=at, hint=hint)


def resolve(text: str) -> Scalar:
    """A plain (unquoted) scalar by YAML 1.2's core schema."""
    if text in _NULL:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] in _NUMERIC_START:
        if _INT.match(text):
            return int(text) if len(text) <= 4000 else text
        if _OCT.match(text):
            return int(text[2:], 8)
        if _HEX.match(text):
            return int(text, 16)
        if _FLOAT.match(text):
            return float(text)
        infinite = _INF.match(text)
        if infinite:
            return float(infinite.group(1) + "inf")
        if text in _NAN:
            return float("nan")
    return text
