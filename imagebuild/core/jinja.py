"""Jinja2 as templates use it here: the sandboxed environment, and what a parsed template reads from outside.

The one module that loads Jinja2 (tens of milliseconds): `template` does so only for templates that need it. The sandbox
also bounds what a template may take: the rounds of its `range` loops, its text, its powers.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined, TemplateSyntaxError, UndefinedError, meta, nodes, pass_context
from jinja2 import Template as JinjaTemplate
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import missing

from imagebuild.core.filters import FILTER_NAMES, filters_for
from imagebuild.core.strings import MissingText, SkipCell
from imagebuild.core.template_mistakes import NO_OWNER, explain_value
from imagebuild.errors import did_you_mean

__all__ = [
    "Compiled",
    "Environment",
    "FilterFault",
    "NoValue",
    "NotPrintable",
    "TemplateSyntaxError",
    "Tree",
    "chains_of",
    "join_template_path",
    "make_environment",
    "optional_names",
    "referenced_templates",
    "unknown_functions",
]

Chain = tuple[str, ...]
Tree = nodes.Template

NOT_THE_SAME_TWICE = ("random",)  # filters whose result differs from one rendering to the next
MOST_CHARACTERS = 1_000_000  # what one template may write; the longest prompt any model takes is 32,000
MOST_ROUNDS = 1_000_000  # what all `range` of one rendering may hold together
MOST_POWER = 64


class NoValue(UndefinedError):
    """A name or a field is not there; `owner` is `NO_OWNER` for a name."""

    def __init__(self, owner: object, name: str) -> None:
        super().__init__(name)
        self.owner = owner
        self.name = name


class NotPrintable(Exception):
    """A value that says nothing in a prompt: nothing at all, or a function."""

    def __init__(self, value: object) -> None:
        super().__init__()
        self.value = value


class FilterFault(Exception):
    """A filter cannot take what it is given."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(what)
        self.name = name


class _Missing(StrictUndefined):
    """What is not there, remembered with its owner so that the message can name both."""

    __slots__ = ()

    def __init__(
        self, hint: str | None = None, obj: Any = missing, name: str | None = None, exc: Any = UndefinedError
    ) -> None:
        if exc is UndefinedError and hint is None:
            owner = NO_OWNER if obj is missing else obj
            super().__init__(hint, obj, name, lambda _message: NoValue(owner, str(name)))  # type: ignore[arg-type]
        else:
            super().__init__(hint, obj, name, exc)


class Compiled:
    """A template ready to be rendered."""

    __slots__ = ("_environment", "_template")

    def __init__(self, environment: Environment, template: JinjaTemplate) -> None:
        self._environment = environment
        self._template = template

    def render(self, values: Mapping[str, object]) -> str:
        """The text; raises what its expressions raise, or a SecurityError when it takes too much."""
        self._environment.rounds = 0
        pieces: list[str] = []
        length = 0
        for piece in self._template.root_render_func(self._template.new_context(dict(values))):
            length += len(piece)
            if length > MOST_CHARACTERS:
                raise _too_long()
            pieces.append(piece)
        return "".join(pieces)


_TAG = r"\{%(?:(?!%\}).)*%\}|\{#(?:(?!#\}).)*#\}"
_ONLY_TAGS = re.compile(rf"^[ \t]*(?:(?:{_TAG})[ \t]*)+$", re.MULTILINE | re.DOTALL)
_LAST_TAG = re.compile(r"(?<=[%#]\})$", re.MULTILINE)


def keep_line_ends(source: str) -> str:
    """Lines that hold nothing but tags and comments leave no line behind (`trim_blocks`); but a sentence that ends in
    one, `{% if x %}A tag.{% endif %}`, must not run into the next line."""
    if ("%}\n" not in source and "#}\n" not in source) or "{% raw" in source:
        return source
    alone = {found.end() for found in _ONLY_TAGS.finditer(source)}
    return _LAST_TAG.sub(lambda found: "" if found.start() in alone else "{{ '' }}", source)


class Environment(ImmutableSandboxedEnvironment):
    """Includes are found from the campaign's folder, or from the including template's with `./`."""

    intercepted_binops = frozenset(["*", "**"])

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.rounds = 0
        self.globals["range"] = self._range

    def preprocess(self, source: str, name: str | None = None, filename: str | None = None) -> str:
        return super().preprocess(keep_line_ends(source), name, filename)

    def join_path(self, template: str, parent: str) -> str:
        return join_template_path(template, "" if parent.startswith("<template>") else parent)

    def compiled(self, tree: Tree, name: str) -> Compiled:
        code = self.compile(tree, name=name, filename=name)
        return Compiled(self, JinjaTemplate.from_code(self, code, self.make_globals(None)))

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`a.b`: a mapping's own keys come before its methods."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def _range(self, *bounds: int) -> range:
        counted = range(*bounds)
        self.rounds += len(counted)
        if self.rounds > MOST_ROUNDS:
            raise SecurityError(f"its loops take more than {MOST_ROUNDS:,} rounds")
        return counted

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Products and powers, but none that would fill the memory."""
        if operator == "**":
            if abs(right) > MOST_POWER or abs(left) > 10**9:
                raise SecurityError("the power is too large")
        else:
            for text, times in ((left, right), (right, left)):
                if hasattr(text, "__len__") and isinstance(times, int) and len(text) * times > MOST_CHARACTERS:
                    raise _too_long()
        return super().call_binop(context, operator, left, right)


def _too_long() -> SecurityError:
    return SecurityError(f"its text is longer than {MOST_CHARACTERS:,} characters")


def _printable(value: object) -> object:
    if isinstance(value, StrictUndefined):
        return str(value)  # raises what it was made with
    if explain_value(value, "") is not None:
        raise NotPrintable(value)
    return value


def join_template_path(name: str, parent: str) -> str:
    """`./style.j2` and `../style.j2` start at the including template's folder, all else at the campaign's."""
    if name.startswith(("./", "../")):
        return posixpath.normpath(posixpath.join(posixpath.dirname(parent), name))
    return posixpath.normpath(name)


def make_environment(read: Callable[[str], str | None]) -> Environment:
    environment = Environment(
        undefined=_Missing,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        loader=FunctionLoader(read),
    )
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
        apply_to = filters_for(context.get("locale"))[name]
        try:
            return apply_to(*arguments, **options)
        except (MissingText, SkipCell, UndefinedError):
            raise
        except TypeError as bad:
            raise FilterFault(name, str(bad).partition("() ")[2] or str(bad)) from bad
        except ValueError as bad:
            raise FilterFault(name, str(bad)) from bad

    return apply


def referenced_templates(tree: Tree) -> Iterator[tuple[str | None, int]]:
    """(name, line) of every file that is included, extended or imported; None for a name that is computed."""
    for node in tree.find_all((nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)):
        template: nodes.Expr = node.template  # type: ignore[attr-defined]
        for each in template.items if isinstance(template, nodes.List | nodes.Tuple) else [template]:
            value = each.value if isinstance(each, nodes.Const) else None
            yield (value if isinstance(value, str) else None, node.lineno)


def unknown_functions(tree: Tree, environment: Environment) -> list[tuple[str, str, int, str | None]]:
    """(filter or test, its name, line, hint) of every filter and test that there is not."""
    found: list[tuple[str, str, int, str | None]] = []
    for node in tree.find_all((nodes.Filter, nodes.Test)):
        kind, known = ("filter", environment.filters) if isinstance(node, nodes.Filter) else ("test", environment.tests)
        if node.name in NOT_THE_SAME_TWICE:
            found.append((kind, node.name, node.lineno, "it would write another prompt at every run"))
        elif node.name not in known:
            hint = did_you_mean(node.name, known)
            found.append((kind, node.name, node.lineno, hint if hint and "mean" in hint else None))
    return found


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
