"""What libyaml complains of, in the words of whoever wrote the file: where the mistake was made, not where reading
stopped, and what to write instead.

Knows the parser's messages by heart; `document` reads.
"""

from __future__ import annotations

import re

import yaml

from imagebuild.errors import Place, Problem

__all__ = ["explain_syntax", "explain_unreadable", "template_place"]

_ALLOWED = "\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\ufeff"
_FORBIDDEN = re.compile(f"[^{_ALLOWED}]")
_KEY = re.compile(r"\s*(?:- +)*([\w.\"'-]+)\s*\Z")
_CLOSERS = {"[": "]", "{": "}"}


def explain_syntax(bad: yaml.MarkedYAMLError, file: str, lines: list[str], quoted: Place | None) -> Problem:
    """The mistake behind a parser's error. `quoted`: the last quoted text that ran over several lines, if it ended on
    the line where the parser stopped: then its own quote is what is missing."""
    context, problem = str(bad.context or ""), str(bad.problem or "")
    at = _place(file, lines, bad.problem_mark or bad.context_mark)
    start = _place(file, lines, bad.context_mark or bad.problem_mark)
    if quoted is not None and "scalar" not in context:
        return _unclosed_quote(quoted)
    template = template_place(at) if "flow" not in context else None
    if template is not None and problem != "mapping values are not allowed in this context":
        return Problem("a template must be quoted", at=template, hint=f"write `{_quoted(template)}`")
    if "quoted scalar" in context and "end of stream" in problem:
        return _unclosed_quote(start)
    if "quoted scalar" in context and "escape" in problem:
        hint = "in double quotes a backslash is written `\\\\`; in single quotes it stands for itself"
        return Problem("unknown escape in a quoted text", at=at, hint=hint)
    if "flow" in context:
        return _unclosed_bracket(at, start)
    if "cannot start any token" in problem:
        return _bad_start(at)
    if "mapping values are not allowed" in problem:
        return _misplaced_colon(at)
    if "simple key" in context:
        return _no_colon(start)
    if "block" in context and not at.text[: at.column - 1].strip():
        return Problem("this line begins in another column than those beside it", at=at, hint=_line_above(at, lines))
    if "block" in context:
        return Problem("text after the end of a value", at=at, hint="quote the whole value, with one pair of quotes")
    if "directive" in context + problem or at.text.startswith("%"):
        return Problem("a YAML directive", at=at, hint="remove the line: YAML 1.2 is what is read")
    what = f"{context}: {problem}" if context and problem else problem or context
    return Problem(f"not valid YAML: {what}", at=at)


def explain_unreadable(bad: yaml.YAMLError, file: str, lines: list[str]) -> Problem:
    """A character that YAML forbids: the C parser gives it no place."""
    for number, line in enumerate(lines, 1):
        found = _FORBIDDEN.search(line)
        if found:
            code = ord(found.group())
            hint = f'remove it, or write it `"\\x{code:02x}"`' if code < 0x100 else "remove it"
            what = f"the character U+{code:04X} cannot stand in a YAML file"
            return Problem(what, at=Place(file, number, found.start() + 1, 1, line), hint=hint)
    return Problem(f"not valid YAML: {str(bad).splitlines()[0]}", at=Place(file))


def template_place(at: Place) -> Place | None:
    """The `{{ … }}…` that begins an unquoted value on this line, if there is one."""
    found = re.search(r"(?:^|[:\-,\[]) *(\{\{.*)", at.text)
    if found is None or at.column < found.start(1) + 1:
        return None
    length = len(found.group(1).rstrip())
    return Place(at.file, at.line, found.start(1) + 1, length, at.text)


def _place(file: str, lines: list[str], mark: yaml.Mark | None) -> Place:
    if mark is None:
        return Place(file)
    index = min(mark.line, len(lines) - 1)
    column = mark.column if mark.line == index else len(lines[index])
    while index and not lines[index].strip() and mark.line >= len(lines) - 1:  # the end: show the last line with text
        index, column = index - 1, len(lines[index - 1])
    return Place(file, index + 1, column + 1, 1, lines[index])


def _line_above(at: Place, lines: list[str]) -> str:
    number = next((n for n in range(at.line - 1, 0, -1) if lines[n - 1].strip()), 1)
    line = lines[number - 1]
    return f"line {number} begins in column {len(line) - len(line.lstrip()) + 1}, this one in column {at.column}"


def _quoted(place: Place) -> str:
    text = place.text[place.column - 1 : place.column - 1 + place.length]
    return f"'{text}'" if '"' in text else f'"{text}"'


def _unclosed_quote(start: Place) -> Problem:
    quote = start.text[start.column - 1 : start.column]
    hint = f"put `{quote}` where the text ends"
    return Problem(
        "a quote that is not closed", at=Place(start.file, start.line, start.column, 1, start.text), hint=hint
    )


def _unclosed_bracket(at: Place, start: Place) -> Problem:
    bracket = start.text[start.column - 1 : start.column]
    closer = _CLOSERS.get(bracket, "]")
    if at.line == start.line and at.column <= len(at.text.rstrip()):
        return Problem(f"a comma or `{closer}` is missing here", at=at, hint="or quote the text, if it is one")
    rest = start.text[start.column - 1 :]
    comment = re.search(r"[ \t](#\S*)", rest)
    if comment and closer not in rest[: comment.start()]:
        column = start.column + comment.start(1)
        text = comment.group(1).rstrip("}],")
        return Problem(
            "a `#` after a blank begins a comment, and so hides the rest of the line",
            at=Place(start.file, start.line, column, len(text), start.text),
            hint=f'quote it: `"{text}"`',
        )
    return Problem(f"a `{bracket}` that is not closed", at=start, hint=f"put `{closer}` where it ends")


def _bad_start(at: Place) -> Problem:
    character = at.text[at.column - 1 : at.column]
    if character == "\t":
        return Problem("a tab where blanks are wanted", at=at, hint="indent with blanks, not with tabs")
    rest = re.split(r"\s#|,\s|[\]}]", at.text[at.column - 1 :])[0].rstrip()
    what = f"a text cannot begin with `{character}` unless it is quoted"
    return Problem(what, at=Place(at.file, at.line, at.column, len(rest) or 1, at.text), hint=f'write `"{rest}"`')


def _misplaced_colon(at: Place) -> Problem:
    before = at.text[: at.column - 1]
    key = _KEY.match(before)
    if key:
        place = Place(at.file, at.line, key.start(1) + 1, len(key.group(1)), at.text)
        hint = "begin it in the same column as the keys beside it"
        return Problem(f"the key `{key.group(1)}` is indented further than the line above allows", at=place, hint=hint)
    found = re.search(r":\s+(\S.*)", before)
    start = found.start(1) if found else len(before) - len(before.lstrip())
    place = Place(at.file, at.line, start + 1, max(len(at.text.rstrip()) - start, 1), at.text)
    return Problem("a text that holds `: ` must be quoted", at=place, hint=f"write `{_quoted(place)}`")


def _no_colon(start: Place) -> Problem:
    text = start.text[start.column - 1 :].rstrip()
    place = Place(start.file, start.line, start.column, max(len(text), 1), start.text)
    found = re.match(r"([\w-]+):(\S.*)", text) or re.match(r"([\w-]+)\s+(\S.*)", text)
    hint = f"write `{found.group(1)}: {found.group(2)}`" if found else "write `key: value`"
    return Problem("a line without `key: value`", at=place, hint=hint)
