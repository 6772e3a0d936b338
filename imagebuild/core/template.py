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
from imagebuild.core.strings import MissingText, SkipCell
from imagebuild.core.template_mistakes import NO_OWNER, NoPart, explain_failure, explain_syntax, explain_value, no_part
from imagebuild.core.template_place import find_place, first_use, line_place, template_name
from imagebuild.core.written import SourceText
from imagebuild.errors import Place, Problems, did_you_mean
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import jinja
else:
    jinja = lazy("imagebuild.core.jinja")

__all__ = ["Template", "TemplateFault", "Templates", "resolve"]

Chain = tuple[str, ...]
_LINE_ENDS = re.compile(r"[ \t]+\n")
_SIMPLE = re.compile(r"\{\{\s*([A-Za-z_]\w*(?:\.[A-Za-z]\w*)*)\s*\}\}")
_INCLUDES = re.compile(r"(?<=%)[-+\s]*(?:include|import|extends)\s[^%]*")
_MARKS = ("{{", "{%", "{#")
# Words that Jinja reads as something else than a name of ours.
_JINJA_WORDS = frozenset(
    (
        *("true", "false", "none", "True", "False", "None", "not", "and", "or", "in", "is", "if", "else"),
        *("loop", "self", "super", "caller"),
    )
)


class TemplateFault(Exception):
    """A template cannot be rendered in some cell: what, where, and a hint."""

    def __init__(self, what: str, at: Place, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.at = at
        self.hint = hint


def tidy(text: str) -> str:
    """White space that says nothing must not make another request: around the text, at the ends of lines."""
    text = text.strip()
    return _LINE_ENDS.sub("\n", text) if "\n" in text else text


class Template:
    """A compiled template. `chains` are the values it reads (`("product", "name")`), `files` the ones it includes,
    `sources` its own text and theirs, `optional` the names it asks for with `is defined` or `default`, which need not
    be there."""

    __slots__ = ("_compiled", "_parts", "chains", "files", "names", "optional", "source", "sources")

    def __init__(
        self,
        sources: tuple[SourceText, ...],
        chains: frozenset[Chain],
        parts: tuple[str | Chain, ...] | None,
        compiled: jinja.Compiled | None = None,
        optional: frozenset[str] = frozenset(),
    ) -> None:
        self.source = sources[0]
        self.sources = sources
        self.chains = chains
        self.names = frozenset(chain[0] for chain in chains)
        self.optional = optional
        self.files = tuple(each.file for each in sources[1:] if each.file)
        self._parts = parts
        self._compiled = compiled

    def render(self, context: Mapping[str, object]) -> str:
        """The text in one cell, without the white space around it and at the ends of its lines.

        Raises `TemplateFault`, and as the strings are: `MissingText`, `SkipCell`.
        """
        if self._parts is None:
            return self._render_compiled(context)
        return tidy("".join(part if isinstance(part, str) else self._printed(part, context) for part in self._parts))

    def _printed(self, chain: Chain, context: Mapping[str, object]) -> str:
        try:
            value = resolve(chain, context)
        except NoPart as bad:
            raise self._no_part(bad, context) from None
        unfit = explain_value(value, ".".join(chain))
        if unfit is not None:
            raise TemplateFault(unfit[0], first_use(self.sources, chain), unfit[1])
        return str(value)

    def _render_compiled(self, context: Mapping[str, object]) -> str:
        assert self._compiled is not None
        try:
            return tidy(self._compiled.render(context))
        except (MissingText, SkipCell):
            raise
        except jinja.NoValue as bad:
            raise self._no_part(NoPart(bad.owner, bad.name), context) from None
        except jinja.NotPrintable as bad:
            raise self._not_printable(bad.value, context, self._failing_place(bad)) from None
        except jinja.FilterFault as bad:
            raise TemplateFault(f"filter `{bad.name}`: {bad.args[0]}", self._failing_place(bad, bad.name)) from None
        except RecursionError as bad:
            at = find_place(self.source, _INCLUDES) or self._failing_place(bad)
            raise TemplateFault("template: it includes or calls itself without end", at) from None
        except Exception as bad:  # whatever an expression of the template's author raises is the template's fault
            what, hint = explain_failure(bad)
            raise TemplateFault(f"template: {what}", self._failing_place(bad), hint) from bad

    def _no_part(self, bad: NoPart, context: Mapping[str, object]) -> TemplateFault:
        if bad.owner is NO_OWNER:
            hint = f"give it a value in `vars`, or write `{{{{ {bad.name} | default('') }}}}`"
            return TemplateFault(f"`{bad.name}` is not known in this cell", first_use(self.sources, (bad.name,)), hint)
        chain = self._chain_to(bad.owner, bad.name, context) or ("this", bad.name)
        what, hint_or_none = no_part(".".join(chain[:-1]), bad.owner, bad.name)
        place = first_use(self.sources, chain)
        last = place.text.find(bad.name, place.column - 1)
        if last >= 0:
            place = Place(place.file, place.line, last + 1, len(bad.name), place.text)
        return TemplateFault(what, place, hint_or_none)

    def _chain_to(self, owner: object, name: str, context: Mapping[str, object]) -> Chain | None:
        """How the template writes the value that lacks a field, seen from what it reads."""
        for chain in sorted(self.chains):
            for length in range(1, len(chain)):
                if chain[length] == name and _value_is(chain[:length], context, owner):
                    return chain[: length + 1]
        return None

    def _not_printable(self, value: object, context: Mapping[str, object], at: Place) -> TemplateFault:
        chains = [chain for chain in sorted(self.chains) if _value_is(chain, context, value)]
        if len(chains) == 1:
            at = first_use(self.sources, chains[0])
        what = explain_value(value, ".".join(chains[0]) if len(chains) == 1 else "a value that is printed")
        assert what is not None
        return TemplateFault(what[0], at, what[1] if len(chains) == 1 else None)

    def _failing_place(self, bad: BaseException, word: str = "") -> Place:
        """The line of the innermost template that the failure passed through."""
        line, name, step = 1, template_name(self.source), bad.__traceback__
        while step is not None:
            compiled = step.tb_frame.f_globals.get("__jinja_template__")
            if compiled is not None:
                line, name = compiled.get_corresponding_lineno(step.tb_lineno), compiled.name or name
            step = step.tb_next
        source = next((each for each in self.sources if template_name(each) == name), self.source)
        return line_place(source, line, word)


def resolve(chain: Chain, context: Mapping[str, object]) -> object:
    """The value of `a.b.c`; raises `NoPart`. A mapping's own keys come before anything else it has."""
    if chain[0] not in context:
        raise NoPart(NO_OWNER, chain[0])
    value = context[chain[0]]
    for name in chain[1:]:
        if isinstance(value, Mapping):
            if name not in value:
                raise NoPart(value, name)
            value = value[name]
        else:
            try:
                value = getattr(value, name)
            except AttributeError:
                raise NoPart(value, name) from None
    return value


def _value_is(chain: Chain, context: Mapping[str, object], value: object) -> bool:
    try:
        found = resolve(chain, context)
        return found is value or (callable(value) and found == value)
    except Exception:  # a text that is missing, or another part that is not there: not the one that is sought
        return False


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
            self._done[identity] = simple_template(source) or self._jinja(source)
        return self._done[identity]

    def check_names(
        self, template: Template, known: Iterable[str], where: str, hint: Callable[[str], str | None]
    ) -> None:
        """Names a template reads that its cells will not have are mistakes, all told at once."""
        allowed = frozenset(known)
        for name in sorted(template.names - template.optional - allowed):
            place = first_use(template.sources, (name,))
            nearest = hint(name) or did_you_mean(name, allowed)
            once = ("name", place, nearest)
            self._problems.add(f"{where}: `{name}` is not known here", at=place, hint=nearest, once=once)

    def _jinja(self, source: SourceText) -> Template | None:
        environment = self._jinja_environment()
        tree = self._parse(source)
        if tree is None:
            return None
        sources = [source]
        chains, optional = jinja.chains_of(tree), jinja.optional_names(tree)
        for parsed, inner in self._included(tree, source):
            chains.update(jinja.chains_of(parsed))
            optional.update(jinja.optional_names(parsed))
            sources.append(inner)
        compiled = environment.compiled(tree, template_name(source))
        return Template(tuple(sources), frozenset(chains), None, compiled, frozenset(optional))

    def _parse(self, source: SourceText) -> jinja.Tree | None:
        """The parsed template, or None after noting what is wrong in it."""
        try:
            tree = self._jinja_environment().parse(source.text, name=template_name(source))
        except jinja.TemplateSyntaxError as bad:
            found = explain_syntax(bad.message or "", bad.lineno, source)
            self._problems.add(found.what, at=found.at, hint=found.hint)
            return None
        unknown = jinja.unknown_functions(tree, self._jinja_environment())
        for kind, name, line, hint in unknown:
            self._problems.add(f"template: no {kind} `{name}`", at=line_place(source, line, name), hint=hint)
        return None if unknown else tree

    def _included(self, tree: jinja.Tree, source: SourceText) -> list[tuple[jinja.Tree, SourceText]]:
        """Every file a template includes, extends or imports, and what those read, down to the last."""
        found: list[tuple[jinja.Tree, SourceText]] = []
        seen: set[str] = set()
        waiting = [(tree, source)]
        while waiting:
            each, owner = waiting.pop()
            for name, line in jinja.referenced_templates(each):
                if name is None:
                    hint = "write the file's name out, so that a change of it is noticed"
                    at = line_place(owner, line, "include")
                    self._problems.add("template: the name of an included file is computed", at=at, hint=hint)
                    continue
                path = jinja.join_template_path(name, owner.file or "")
                if path in seen:
                    continue
                seen.add(path)
                inner = self._include(name, path, line_place(owner, line, name))
                parsed = self._parse(inner) if inner is not None else None
                if inner is not None and parsed is not None:
                    found.append((parsed, inner))
                    waiting.append((parsed, inner))
        return found

    def _include(self, name: str, path: str, at: Place) -> SourceText | None:
        hint = "paths start at the campaign's folder; with `./`, at the template's own"
        if name.startswith(("/", "~")):
            self._problems.add(f"template: `{name}` is an absolute path", at=at, hint=hint)
            return None
        text = self._sources.read(path)
        if text is None:
            self._problems.add(f"template: no file `{path}`", at=at, hint=hint)
            return None
        return SourceText(text=text, file=path, place=Place(self._sources.label(path), 1, 1), lines=text.splitlines())

    def _jinja_environment(self) -> jinja.Environment:
        if self._environment is None:
            self._environment = jinja.make_environment(self._sources.read)
        return self._environment


def simple_template(source: SourceText) -> Template | None:
    """A template that needs no Jinja: text, and plain `{{ a.b }}`; None when it needs more."""
    pieces = _SIMPLE.split(source.text)
    if any(mark in piece for piece in pieces[::2] for mark in (*_MARKS, "}}")):
        return None
    if any(piece.endswith("{") for piece in pieces[:-1:2]):  # Jinja takes the first two braces of three
        return None
    parts: list[str | Chain] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(tuple(piece.split(".")))
        elif piece:
            parts.append(piece.replace("\r\n", "\n").replace("\r", "\n"))
    chains = frozenset(part for part in parts if isinstance(part, tuple))
    if any(chain[0] in _JINJA_WORDS for chain in chains):
        return None
    return Template((source,), chains, tuple(parts))
