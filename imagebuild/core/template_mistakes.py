"""What Jinja complains of, in the words of whoever wrote the template, with a caret.

Gets messages and gives problems; `template` compiles and renders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from imagebuild.core.axis import Fields, Ratio
from imagebuild.core.locale import Locale
from imagebuild.core.template_place import find_place, line_place
from imagebuild.core.written import SourceText
from imagebuild.errors import Place, Problem, did_you_mean

__all__ = ["NO_OWNER", "NoPart", "explain_failure", "explain_syntax", "explain_value", "no_part"]

NO_OWNER = object()  # the owner of a name that is not there

_STATEMENT = re.compile(r"\{%[-+]?\s*(\w+)")
_OPENING = ("if", "for", "block", "macro", "call", "filter", "with", "autoescape")
_KNOWN = (*_OPENING, "elif", "else", "set", "include", "import", "from", "extends", "raw")
_LOCALE_FIELDS = ("tag", "language", "region", "script", "direction", "name", "autonym")
_RATIO_FIELDS = ("name", "width", "height", "orientation", "slug", "shape", "size")
_GOT = re.compile(r"expected token '([^']+)', got '(.+)'\Z")
_UNKNOWN_TAG = re.compile(r"Encountered unknown tag '(\w+)'(?:.*needs to be closed is '(\w+)')?", re.DOTALL)


class NoPart(Exception):
    """A value lacks a field; `owner` is `NO_OWNER` where the name itself is not there."""

    def __init__(self, owner: object, name: str) -> None:
        super().__init__(name)
        self.owner = owner
        self.name = name


def explain_syntax(message: str, line: int, source: SourceText) -> Problem:
    """The mistake behind a TemplateSyntaxError."""
    unknown = _UNKNOWN_TAG.match(message)
    if unknown:
        return _unknown_tag(unknown.group(1), unknown.group(2), line, source)
    if message.startswith("Unexpected end of template"):
        return _unclosed(source, line)
    if message == "Missing end of comment tag":
        at = find_place(source, re.compile(r"\{#"), line) or line_place(source, line)
        return Problem("template: a comment is not closed", at=at, hint="close it with `#}`")
    if message.startswith("unexpected '"):
        token = message[len("unexpected '") : -1]
        single = r"(?<!\})\}(?!\})" if token == "}" else re.escape(token)
        at = find_place(source, re.compile(single), line) or line_place(source, line)
        hint = "an expression ends in `}}`" if token in "{}" else None
        return Problem(f"template: `{token}` where none can stand", at=at, hint=hint)
    if message.startswith("Expected an expression, got 'end of"):
        at = find_place(source, re.compile(r"\{[{%][-+]?[^{}]*?[-+]?[%}]\}"), line) or line_place(source, line)
        return Problem("template: an expression without an end, or without anything in it", at=at)
    if message == "Tag name expected":
        at = find_place(source, re.compile(r"\{%"), line) or line_place(source, line)
        return Problem("template: `{%` without a statement", at=at, hint="e.g. `{% if … %}`")
    found = _GOT.match(message)
    if found:
        return _unexpected(found.group(1), found.group(2), line, source)
    return Problem(f"template: {_lower(message)}", at=line_place(source, line))


def _unknown_tag(tag: str, within: str | None, line: int, source: SourceText) -> Problem:
    at = find_place(source, re.compile(rf"(?<=\{{%)[-+\s]*{tag}\b"), line) or line_place(source, line)
    skipped = len(at.text[at.column - 1 :]) - len(at.text[at.column - 1 :].lstrip("-+ \t"))
    at = Place(at.file, at.line, at.column + skipped, max(at.length - skipped, 1), at.text)
    if tag.startswith("end") and within:
        hint = f"close it first, with `{{% end{within} %}}`"
        return Problem(f"template: `{{% {tag} %}}` while `{{% {within} %}}` is open", at=at, hint=hint)
    if tag.startswith("end") or tag in ("else", "elif"):
        return Problem(f"template: `{{% {tag} %}}` closes nothing that is open", at=at, hint="remove it")
    return Problem(f"template: no statement `{tag}`", at=at, hint=did_you_mean(tag, _KNOWN))


def _unclosed(source: SourceText, line: int) -> Problem:
    """The statement that is open when the template ends: the last one that has no end."""
    open_tags: list[tuple[str, int, int]] = []
    for number, text in enumerate(source.text.splitlines(), 1):
        for found in _STATEMENT.finditer(text):
            word = found.group(1)
            if word in _OPENING:
                open_tags.append((word, number, found.start()))
            elif word.startswith("end") and open_tags:
                open_tags.pop()
    if not open_tags:
        return Problem("template: it ends too early", at=line_place(source, line))
    word, number, _ = open_tags[-1]
    at = find_place(source, re.compile(rf"\{{%[-+]?\s*{word}\b.*?%\}}"), number) or line_place(source, number)
    return Problem(f"template: `{{% {word} %}}` is not closed", at=at, hint=f"close it with `{{% end{word} %}}`")


def _unexpected(wanted: str, got: str, line: int, source: SourceText) -> Problem:
    opened = _open_expression(source, line) if wanted.startswith("end of") else None
    if opened is not None:
        mark = opened.text[opened.column - 1 : opened.column + 1]
        closer = {"{{": "}}", "{%": "%}"}.get(mark, "}}")
        return Problem(f"template: `{mark}` is not closed", at=opened, hint=f"close it with `{closer}`")
    ends = {"end of print statement": "}}", "end of statement block": "%}", "end of template": "the end"}
    shown = ends.get(got, got)
    word = rf"(?<!\w){re.escape(shown)}(?!\w)" if shown[:1].isalnum() else re.escape(shown)
    at = find_place(source, re.compile(rf"(?<=[\s\w)\]]){word}|{word}"), line) or line_place(source, line)
    if wanted in ("end of print statement", "end of statement block"):
        hint = f"an operator is missing before it, or `{ends[wanted]}`"
        return Problem(f"template: `{shown}` does not belong to the expression before it", at=at, hint=hint)
    return Problem(f"template: `{ends.get(wanted, wanted)}` is wanted here, this is `{shown}`", at=at)


def _open_expression(source: SourceText, line: int) -> Place | None:
    """The `{{` or `{%` of an earlier line that is still open when this line begins."""
    before = source.text.splitlines(keepends=True)[: line - 1]
    text = "".join(before)
    start = max(text.rfind("{{"), text.rfind("{%"))
    if start < 0 or "}}" in text[start:] or "%}" in text[start:]:
        return None
    number = text.count("\n", 0, start) + 1
    return find_place(source, re.compile(r"\{[{%](?!.*[}%]\})"), number)


def no_part(owner: str, value: object, name: str) -> tuple[str, str | None]:
    """What is told when a value has no such field: (what, hint). `owner` is how the template names the value."""
    known: Iterable[str] | None = None
    if isinstance(value, Fields | Mapping):
        known = [str(each) for each in value]
    elif isinstance(value, Locale):
        known = _LOCALE_FIELDS
    elif isinstance(value, Ratio):
        known = _RATIO_FIELDS
    if known is not None:
        return f"`{owner}` has no `{name}`", did_you_mean(name, known)
    return f"`{owner}` is {_kind(value)}, it has no `{name}`", None


def _kind(value: object) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return "nothing" if value is None else "no mapping"


def explain_value(value: object, owner: str) -> tuple[str, str | None] | None:
    """Why a value cannot be printed into a prompt: (what, hint); None when it can."""
    if value is None:
        return f"`{owner}` is nothing", f"give it a value, or write `{{{{ {owner} or '' }}}}`"
    if callable(value):
        return f"`{owner}` is a function", f"call it: `{{{{ {owner}() }}}}`"
    return None


_KINDS = {"str": "a text", "int": "a number", "float": "a number", "bool": "true or false", "NoneType": "nothing"}
_KINDS |= {"list": "a list", "tuple": "a list", "dict": "a mapping", "Fields": "a mapping", "_Path": "a group of texts"}
_FAILURES: tuple[tuple[str, str, str | None], ...] = (
    (r'can only concatenate (\w+) \(not "(\w+)"\)', "{0} and {1} cannot be added", "`~` joins anything as text"),
    (r"unsupported operand type\(s\) for (\S+).*?: '(\w+)' and '(\w+)'", "`{0}` does not go with {1} and {2}", None),
    (r"'(\w+)' object is not iterable", "{0} is not a list", None),
    (r"'(\w+)' object is not callable", "{0} is not a function", None),
    (r"'(\S+)' not supported between instances of '(\w+)' and '(\w+)'", "`{0}` does not go with {1} and {2}", None),
    (r"the template '(.+?)' .*does not export the requested name '(\w+)'", "`{0}` has no `{1}` to import", None),
    (r"access to attribute '(\w+)' of", "`{0}` is out of a template's reach", None),
)


def explain_failure(bad: BaseException) -> tuple[str, str | None]:
    """What an expression raised, as the end of a sentence, and a hint."""
    if isinstance(bad, ZeroDivisionError):
        return "a division by zero", None
    if isinstance(bad, MemoryError | OverflowError):
        return "a value too large", None
    text = str(bad) or type(bad).__name__
    for pattern, words, hint in _FAILURES:
        found = re.match(pattern, text)
        if found:
            return words.format(*(_KINDS.get(each, each) for each in found.groups())), hint
    return _lower(re.sub(r"'(\w+)'", r"`\1`", text)), None


def _lower(text: str) -> str:
    text = text.rstrip(".")
    return text[:1].lower() + text[1:]
