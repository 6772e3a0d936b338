"""The step that is a function of the user's own, in Python: keyed by its source and what it imports of the campaign.

The source is read, never run, to tell what cannot work. Planning runs no code of the user's.
"""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Mapping
from typing import Any, Final

from imagebuild.core import fields
from imagebuild.core.document import Node, plain
from imagebuild.core.framing import size_of
from imagebuild.core.key import canonical
from imagebuild.core.link_parser import inline_text
from imagebuild.core.sizes import Size
from imagebuild.core.steps.kind import StepCell, StepKind
from imagebuild.core.steps.values import SIZE_SCHEMA, Given, Parameters
from imagebuild.core.written import SourceText
from imagebuild.errors import Place, did_you_mean

__all__ = ["PYTHON", "module_name"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_FILE_HINT: Final = "a file of Python in the campaign's folder, e.g. `steps/duotone.py`"


def module_name(path: str) -> str:
    """The name by which a file is imported."""
    return posixpath.basename(path).removesuffix(".py")


def _parse(given: Given) -> Parameters:
    for name in ("file", "function"):
        if name not in given.nodes:
            given.problems.add(f"step `python` needs `{name}`", at=given.place, hint="e.g. " + _EXAMPLE)
            return {}
    file = _file(given, given.nodes["file"][1], "file")
    node = given.nodes["function"][1]
    function = fields.text(node, "`function` of step `python`", given.problems)
    if function is not None and not _NAME.match(function):
        what = f"`function` of step `python`: `{function}` is not a name"
        given.problems.add(what, at=node.place, hint="the name of a function in the file, e.g. `duotone`")
    found: dict[str, object] = {"file": file, "function": function, "with": _arguments(given), "uses": _uses(given)}
    if "size" in given.nodes:
        found["size"] = given.size("size")
    return found


def _file(given: Given, node: Node, name: str) -> SourceText | None:
    what = f"`{name}` of step `python`"
    path = fields.text(node, what, given.problems)
    if path is None or not fields.is_relative(path, node, what, given.problems):
        return None
    if not path.endswith(".py") or not _NAME.match(module_name(path)):
        given.problems.add(f"{what}: `{path}` will not do", at=node.place, hint=_FILE_HINT)
        return None
    return inline_text(node, what, given.scope)


def _uses(given: Given) -> list[SourceText | None]:
    if "uses" not in given.nodes:
        return []
    elements = fields.list_of(given.nodes["uses"][1], "`uses` of step `python`", given.problems)
    return [_file(given, element, "uses") for element in elements]


def _arguments(given: Given) -> dict[str, object]:
    if "with" not in given.nodes:
        return {}
    node = given.nodes["with"][1]
    if not fields.mapping(node, "`with` of step `python`", given.problems):
        return {}
    found: dict[str, object] = {}
    for name, key, value in node.items():
        if not _NAME.match(name):
            what = f"`with` of step `python`: `{name}` is not a name that a function can take"
            given.problems.add(what, at=key.place, hint="letters, digits and `_`")
        found[name] = _argument(given, name, value)
    return found


def _argument(given: Given, name: str, node: Node) -> object:
    """Any value that a manifest can hold; texts may be templates."""
    if isinstance(node.value, str) and "{" in node.value:
        return inline_text(node, f"`with.{name}` of step `python`", given.scope)
    if node.is_list:
        return [_argument(given, name, element) for element in node.elements()]
    if node.is_mapping:
        return {key: _argument(given, name, value) for key, _, value in node.items()}
    try:
        canonical({"value": plain(node)})
    except (TypeError, ValueError):
        what = f"`with.{name}` of step `python`: {node.kind} cannot be handed over"
        given.problems.add(what, at=node.place, hint="quote it")
        return None
    return plain(node)


def _resolve(written: Parameters, cell: StepCell) -> Parameters:
    file: Any = written["file"]
    uses: Any = written["uses"]
    function = str(written["function"])
    _check_function(function, file, _tree(file, cell), cell)
    for each in uses:
        _tree(each, cell)
    found: dict[str, object] = {
        "file": file.text,
        "source": cell.file(file),
        "function": function,
        "with": _rendered(written["with"], cell),
        "uses": [{"file": each.text, "source": cell.file(each)} for each in uses],
    }
    return {**found, "size": written["size"]} if "size" in written else found


def _rendered(value: object, cell: StepCell) -> object:
    if isinstance(value, SourceText):
        return cell.render(value)
    if isinstance(value, Mapping):
        return {name: _rendered(child, cell) for name, child in value.items()}
    return [_rendered(child, cell) for child in value] if isinstance(value, list) else value


def _tree(file: SourceText, cell: StepCell) -> ast.Module:
    """What a file holds; refused when it is not Python, or imports in a way that its key would not know of."""
    text = cell.read(file)
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as bad:
        said = getattr(bad, "msg", str(bad))
        raise cell.problem(f"`{file.text}` is not Python: {said}", _at(file, text, getattr(bad, "lineno", 1))) from None
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            hint = "list the file under `uses`, and import it by its name"
            raise cell.problem(f"`{file.text}` has a relative import", _at(file, text, node.lineno), hint)
    return tree


def _at(file: SourceText, text: str, line: int | None) -> Place:
    lines = text.splitlines()
    number = line or 1
    shown = lines[number - 1] if number <= len(lines) else ""
    return Place(file.text, number, len(shown) - len(shown.lstrip()) + 1, max(len(shown.strip()), 1), shown)


def _check_function(function: str, file: SourceText, tree: ast.Module, cell: StepCell) -> None:
    named = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            named |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
        elif isinstance(node, ast.ImportFrom):
            named |= {alias.asname or alias.name for alias in node.names}
    if function not in named:
        raise cell.problem(f"`{file.text}` has no function `{function}`", file.place, did_you_mean(function, named))


def _result(parameters: Parameters, size: Size) -> Size:
    return size_of(parameters["size"]) if "size" in parameters else size


_EXAMPLE: Final = '`python: {file: steps/duotone.py, function: duotone, with: {color: "#0b3954"}}`'
_PATH: Final = {"type": "string", "pattern": "\\.py$"}

PYTHON: Final = StepKind(
    parse=_parse,
    resolve=_resolve,
    result_size=_result,
    templates=("with",),
    schema={
        "oneOf": [
            {
                "description": "A function of your own: it gets the picture (a PIL.Image) and gives one back. It runs "
                "code from the campaign's folder.",
                "type": "object",
                "required": ["file", "function"],
                "additionalProperties": False,
                "properties": {
                    "file": _PATH,
                    "function": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
                    "with": {"type": "object", "description": "What it is called with, by name."},
                    "uses": {
                        "description": "Files of the campaign that it imports.",
                        "type": "array",
                        "items": _PATH,
                    },
                    "size": {"description": "What comes out, when it is another size than went in.", **SIZE_SCHEMA},
                },
            }
        ]
    },
)
