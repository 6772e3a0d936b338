"""Jinja2 as templates use it here: the sandboxed environment, and what a parsed template reads from outside.

The one module that loads Jinja2 (tens of milliseconds): `template` does so only for templates that need it. The sandbox
also bounds what a template may take: the rounds of its `range` loops, its text, its powers.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, Template, TemplateSyntaxError, meta, nodes, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError

from imagebuild.core.filters import FILTER_NAMES, filters_for

__all__ = [
    "Environment",
    "TemplateSyntaxError",
    "chains_of",
    "join_template_path",
    "make_environment",
    "optional_names",
    "referenced_templates",
]

Chain = tuple[str, ...]
referenced_templates = meta.find_referenced_templates

NOT_THE_SAME_TWICE = ("random",)  # filters whose result differs from one rendering to the next
MOST_CHARACTERS = 1_000_000  # what one template may write; the longest prompt any model takes is 32,000
MOST_ROUNDS = 1_000_000  # what all `range` of one rendering may hold together


def join_template_path(name: str, parent: str) -> str:
    """`./style.j2` and `../style.j2` start at the including template's folder, all else at the campaign's."""
    if name.startswith(("./", "../")):
        return posixpath.normpath(posixpath.join(posixpath.dirname(parent), name))
    return posixpath.normpath(name)


class Environment(ImmutableSandboxedEnvironment):
    """Includes are found from the campaign's folder, or from the including template's with `./`."""

    intercepted_binops = frozenset(["*", "**"])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._rounds = 0
        self.globals["range"] = self._range

    def join_path(self, template: str, parent: str) -> str:
        return join_template_path(template, "" if parent.startswith("<template>") else parent)

    def render(self, template: Template, values: dict[str, object]) -> str:
        """The template's text; raises what its expressions raise, or a SecurityError when it takes too much."""
        self._rounds = 0
        pieces: list[str] = []
        length = 0
        for piece in template.root_render_func(template.new_context(values)):
            length += len(piece)
            if length > MOST_CHARACTERS:
                raise SecurityError(f"the text is longer than {MOST_CHARACTERS:,} characters")
            pieces.append(piece)
        return "".join(pieces)

    def _range(self, *bounds: int) -> range:
        rounds = range(*bounds)
        self._rounds += len(rounds)
        if self._rounds > MOST_ROUNDS:
            raise SecurityError(f"its loops take more than {MOST_ROUNDS:,} rounds")
        return rounds

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Products and powers, but none that would fill the memory."""
        if operator == "**":
            if abs(right) > 64 or abs(left) > 10**9:
                raise SecurityError("the power is too large")
        elif not isinstance(left, int | float) or not isinstance(right, int | float):
            texts = [len(value) for value in (left, right) if isinstance(value, str | list | tuple)]
            times = [value for value in (left, right) if isinstance(value, int)]
            if texts and times and texts[0] * times[0] > MOST_CHARACTERS:
                raise SecurityError(f"the text is longer than {MOST_CHARACTERS:,} characters")
        return super().call_binop(context, operator, left, right)


def make_environment(read: Callable[[str], str | None]) -> Environment:
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, auto_reload=False, cache_size=-1,
        loader=FunctionLoader(read),
    )  # fmt: skip
    for name in NOT_THE_SAME_TWICE:
        environment.filters.pop(name, None)
    environment.globals.pop("lipsum", None)
    for name in FILTER_NAMES:
        environment.filters[name] = _localized(name)
    return environment


def _localized(name: str) -> Callable[..., object]:
    """A filter that speaks the language of the cell it is rendered in."""

    @pass_context
    def apply(context: Context, *arguments: object, **options: object) -> object:
        return filters_for(context.get("locale"))[name](*arguments, **options)

    return apply


def chains_of(tree: nodes.Node) -> set[Chain]:
    """The values a template reads from outside, as attribute chains."""
    outside = meta.find_undeclared_variables(tree)  # type: ignore[arg-type]
    found: set[Chain] = set()

    def chain_of(node: nodes.Node) -> Chain | None:
        if isinstance(node, nodes.Name):
            return (node.name,) if node.name in outside else None
        if isinstance(node, nodes.Getattr):
            inner = chain_of(node.node)
            return (*inner, node.attr) if inner else None
        if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            inner = chain_of(node.node)
            return (*inner, node.arg.value) if inner else None
        return None

    def walk(node: nodes.Node) -> None:
        chain = chain_of(node)
        if chain:
            found.add(chain)
            return
        for child in node.iter_child_nodes():
            walk(child)

    walk(tree)
    return found


def optional_names(tree: nodes.Node) -> set[str]:
    return {
        test.node.name
        for test in tree.find_all((nodes.Test, nodes.Filter))
        if test.name in ("defined", "undefined", "default", "d") and isinstance(test.node, nodes.Name)
    }
