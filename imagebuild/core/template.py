"""Prompt and path templates: Jinja2, sandboxed; an undefined name is a mistake with the template's own file and line.

A template also tells what it depends on (names, attributes, included files), so that a change can be traced to its
cause and only what depends on it is rendered again. What would make two renderings differ (`random`, `lipsum`) is
taken out. Text without expressions, or with plain `{{ a.b }}` ones only, is rendered without loading Jinja.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from imagebuild.core.fields import Sources
from imagebuild.core.filters import FILTER_NAMES
from imagebuild.core.spec import SourceText
from imagebuild.core.strings import MissingText, SkipCell
from imagebuild.errors import Place, Problems, did_you_mean
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from jinja2 import Template as Compiled
    from jinja2 import nodes

    from imagebuild.core import jinja
else:
    jinja = lazy("imagebuild.core.jinja")

__all__ = ["Template", "TemplateFault", "Templates"]

Chain = tuple[str, ...]
_SIMPLE = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z]\w*)*)\s*\}\}")
_MARKS = ("{{", "{%", "{#")


class TemplateFault(Exception):
    """A template cannot be rendered in some cell: what, where, and a hint."""

    def __init__(self, what: str, at: Place, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.hint = hint


class Template:
    """A compiled template. `chains` are the values it reads (`("product", "name")`), `files` the ones it includes,
    `optional` the names it asks for with `is defined` or `default`, which need not be there."""

    __slots__ = ("_compiled", "_parts", "chains", "files", "names", "optional", "source")

    def __init__(
        self,
        source: SourceText,
        chains: frozenset[Chain],
        files: tuple[str, ...],
        parts: tuple[str | Chain, ...] | None,
        compiled: Compiled | None,
        optional: frozenset[str] = frozenset(),
    ) -> None:
        self.source = source
        self.chains = chains
        self.names = frozenset(chain[0] for chain in chains)
        self.optional = optional
        self.files = files
        self._parts = parts
        self._compiled = compiled

    def render(self, context: Mapping[str, object]) -> str:
        """The text in one cell, without the white space around it; raises `TemplateFault`, `MissingText`, `SkipCell`."""
        if self._parts is None:
            return self._render_compiled(context)
        shown: list[str] = []
        for part in self._parts:
            shown.append(part if isinstance(part, str) else str(self._look_up(part, context)))
        return "".join(shown).strip()

    def _look_up(self, chain: Chain, context: Mapping[str, object]) -> object:
        try:
            return resolve(chain, context)
        except (KeyError, AttributeError) as bad:
            text = ".".join(chain)
            what = str(bad.args[0]) if isinstance(bad, AttributeError) else f"`{text}` is not known here"
            raise TemplateFault(what, place_of(self.source, 1, chain[-1])) from bad

    def _render_compiled(self, context: Mapping[str, object]) -> str:
        assert self._compiled is not None
        try:
            return self._compiled.environment.render(self._compiled, dict(context)).strip()
        except (MissingText, SkipCell):
            raise
        except jinja.TemplateSyntaxError as bad:
            at = place_of(self.source, bad.lineno, "")
            raise TemplateFault(f"template: {_lower(bad.message)}", at) from bad
        except Exception as bad:  # whatever an expression of the template's author raises is the template's fault
            raise TemplateFault(_what(bad), self._failing_place(bad)) from bad

    def _failing_place(self, bad: BaseException) -> Place:
        """The template line the failure came from: Jinja rewrites its frames to the template's own lines."""
        line, file, step = 1, "", bad.__traceback__
        while step is not None:
            name = step.tb_frame.f_code.co_filename
            if step.tb_frame.f_globals.get("__jinja_template__") is not None or name.startswith("<template>"):
                line, file = step.tb_lineno, name
            step = step.tb_next
        word = re.search(r"(?:attribute|field) [`'](\w+)['`]|['`](\w+)['`] is (?:undefined|not)", str(bad))
        if file and file != template_name(self.source):
            return Place(file.removeprefix("<template>"), line)
        return place_of(self.source, line, next(filter(None, word.groups()), "") if word else "")


def resolve(chain: Chain, context: Mapping[str, object]) -> object:
    """The value of `a.b.c`, looked up as Jinja does: attribute first, then item."""
    value = context[chain[0]]
    for name in chain[1:]:
        if isinstance(value, Mapping):
            if name not in value:
                known = ", ".join(sorted(map(str, value)))
                raise AttributeError(f"`{chain[0]}` has no `{name}` (it has {known})")
            value = value[name]
        else:
            value = getattr(value, name)
    return value


def _what(bad: BaseException) -> str:
    text = str(bad) or type(bad).__name__
    undefined = re.match(r"'(.+?)' is undefined", text)
    if undefined:
        return f"`{undefined.group(1)}` is not known here"
    missing = re.match(r"'(?:.*) object' has no attribute '(.+?)'", text)
    if missing:
        return f"there is no `{missing.group(1)}` here"
    return f"template: {_lower(text)}"


def _lower(text: str | None) -> str:
    text = (text or "").rstrip(".")
    return text[:1].lower() + text[1:]


def template_name(source: SourceText) -> str:
    return source.file or f"<template>{source.place}"


def place_of(source: SourceText, line: int, word: str) -> Place:
    """Line `line` of a template, in the file that holds it, with the caret under `word` when it is found there."""
    number = source.first_line + line - 1
    text = source.lines[number - 1] if 0 < number <= len(source.lines) else ""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) if word else None
    if not found and word and source.file is None:  # folded text: look below
        for further in range(number, min(number + 12, len(source.lines))):
            found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", source.lines[further])
            if found:
                number, text = further + 1, source.lines[further]
                break
    if found:
        return Place(source.place.file, number, found.start() + 1, len(word), text)
    start = len(text) - len(text.lstrip()) + 1
    return Place(source.place.file, number, start, max(len(text.strip()), 1), text)


def first_use(source: SourceText, name: str) -> Place:
    """Where a template first reads a name."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", line):
            return place_of(source, number, name)
    return source.place


class Templates:
    """Compiles templates, each once."""

    def __init__(self, sources: Sources, problems: Problems) -> None:
        self._sources = sources
        self._problems = problems
        self._environment: jinja.Environment | None = None
        self._done: dict[tuple[str, str], Template | None] = {}

    def compile(self, source: SourceText) -> Template | None:
        """The template, or None after noting why it cannot be one."""
        identity = (template_name(source), source.text)
        if identity not in self._done:
            self._done[identity] = self._simple(source) or self._jinja(source)
        return self._done[identity]

    def check_names(
        self, template: Template, known: Iterable[str], where: str, hint: Callable[[str], str | None]
    ) -> None:
        """Names a template reads that its cells will not have are mistakes, all told at once."""
        allowed = frozenset(known)
        for name in sorted(template.names - template.optional - allowed):
            place = first_use(template.source, name)
            self._problems.add(
                f"{where}: `{name}` is not known here", at=place, hint=hint(name) or did_you_mean(name, allowed)
            )

    @staticmethod
    def _simple(source: SourceText) -> Template | None:
        text = source.text
        pieces = _SIMPLE.split(text)
        if any(mark in piece for piece in pieces[::2] for mark in _MARKS) or any(
            "}}" in piece for piece in pieces[::2]
        ):
            return None
        parts: list[str | Chain] = []
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append(tuple(piece.split(".")))
            elif piece:
                parts.append(piece.replace("\r\n", "\n").replace("\r", "\n"))
        chains = frozenset(part for part in parts if isinstance(part, tuple))
        return Template(source, chains, (), tuple(parts), None)

    def _jinja(self, source: SourceText) -> Template | None:
        environment = self._jinja_environment()
        try:
            tree = environment.parse(source.text, name=template_name(source))
            code = environment.compile(tree, name=template_name(source), filename=template_name(source))
        except jinja.TemplateSyntaxError as bad:
            self._problems.add(
                f"template: {_lower(bad.message)}",
                at=place_of(source, bad.lineno, ""),
                hint=_syntax_hint(bad.message or ""),
            )
            return None
        chains, optional = jinja.chains_of(tree), jinja.optional_names(tree)
        files = self._included(tree, source, chains, optional)
        compiled = environment.template_class.from_code(environment, code, environment.make_globals(None))
        return Template(source, frozenset(chains), files, None, compiled, frozenset(optional))

    def _included(
        self, tree: nodes.Template, source: SourceText, chains: set[Chain], optional: set[str]
    ) -> tuple[str, ...]:
        """Every file a template includes, extends or imports, and what those read, down to the last."""
        found: dict[str, None] = {}
        waiting: list[tuple[nodes.Template, SourceText]] = [(tree, source)]
        while waiting:
            each, owner = waiting.pop()
            for name in jinja.referenced_templates(each):
                if name is None:
                    self._problems.add(
                        "template: the name of an included file is computed", at=place_of(owner, 1, "include"),
                        hint="write the file's name out, so that a change of it is noticed",
                    )  # fmt: skip
                    continue
                path = jinja.join_template_path(name, owner.file or "")
                if path in found:
                    continue
                found[path] = None
                text = self._sources.read(path)
                if text is None:
                    line = next((n for n, t in enumerate(owner.text.splitlines(), 1) if name in t), 1)
                    self._problems.add(
                        f"template: no file `{path}`",
                        at=place_of(owner, line, name),
                        hint="paths start at the campaign's folder; `./` at the template's own",
                    )
                    continue
                place = Place(self._sources.label(path), 1, 1)
                inner = SourceText(text=text, file=path, place=place, lines=text.splitlines())
                try:
                    parsed = self._jinja_environment().parse(text, name=path)
                except jinja.TemplateSyntaxError as bad:
                    self._problems.add(f"template: {_lower(bad.message)}", at=place_of(inner, bad.lineno, ""))
                    continue
                chains.update(jinja.chains_of(parsed))
                optional.update(jinja.optional_names(parsed))
                waiting.append((parsed, inner))
        return tuple(found)

    def _jinja_environment(self) -> jinja.Environment:
        if self._environment is None:
            self._environment = jinja.make_environment(self._sources.read)
        return self._environment


def _syntax_hint(message: str) -> str | None:
    if "Encountered unknown tag" in message or "end of template" in message.lower():
        return "every `{% if %}` and `{% for %}` needs its `{% endif %}` or `{% endfor %}`"
    unknown = re.search(r"No filter named '(\w+)'", message)
    if unknown:
        return did_you_mean(
            unknown.group(1), ["upper", "lower", "title", "join", "replace", "default", "length", "trim", *FILTER_NAMES]
        )
    return None
