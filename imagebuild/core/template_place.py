"""Where something stands in a template: in a file of its own, or in a text of the campaign file, over several lines,
folded or not.

Finds words; knows nothing of what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from imagebuild.core.written import SourceText
from imagebuild.errors import Place

__all__ = ["find_place", "first_use", "line_place", "template_name"]

_EXPRESSION = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)")


def template_name(source: SourceText) -> str:
    """What Jinja is told that the template is called."""
    return source.file or f"<template>{source.place}"


def line_place(source: SourceText, line: int, word: str = "") -> Place:
    """Line `line` of a template, with the caret under `word` where it is found in an expression of that line; of a
    text that is folded or starts beside its key, in one of the lines below."""
    if word:
        pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
        found = find_place(source, pattern, line)
        if found is not None:
            return found
    number = source.first_line + line - 1
    text = source.lines[number - 1] if 0 < number <= len(source.lines) else ""
    if source.file is None and number == source.place.line:
        return source.place
    start = len(text) - len(text.lstrip()) + 1
    return Place(source.place.file, number, start, max(len(text.strip()), 1), text)


def find_place(source: SourceText, pattern: re.Pattern[str], line: int | None = None) -> Place | None:
    """Where a pattern is first found in an expression, else anywhere; on that line first, if one is named."""
    rows = list(_rows(source))
    if line is not None:
        wanted = [row for row in rows if row[0] == source.first_line + line - 1]
        rows = wanted if source.file else wanted + [row for row in rows if row not in wanted]
    for only_expressions in (True, False):
        for number, text, begin in rows:
            span = _search(pattern, text, begin, only_expressions)
            if span is not None:
                return Place(source.place.file, number, span[0] + 1, max(span[1] - span[0], 1), text)
    return None


def first_use(sources: Sequence[SourceText], chain: Sequence[str], *, whole: bool = False) -> Place:
    """Where the first of these templates reads a value, such as `product.name`; `whole`: and nothing beyond it."""
    parts = [rf"(?:\s*\.\s*{re.escape(part)}(?!\w)|\[\s*['\"]{re.escape(part)}['\"]\s*\])" for part in chain[1:]]
    exact = rf"(?<![\w.'\"]){re.escape(chain[0])}(?!\w)" + "".join(parts)
    patterns = [exact + r"(?!\s*[.\[(])", exact] if whole else [exact]
    if len(chain) > 1:
        patterns.append(rf"(?<!\w){re.escape(chain[-1].rsplit('.', 1)[-1])}(?!\w)")
    for pattern in patterns:
        for source in sources:
            found = find_place(source, re.compile(pattern))
            if found is not None:
                return found
    return line_place(sources[0], 1)


def _rows(source: SourceText) -> Iterator[tuple[int, str, int]]:
    """(line number, line, where to begin looking) of every line that the template takes."""
    if source.file is not None:
        yield from ((number, text, 0) for number, text in enumerate(source.lines, 1))
        return
    first = source.place.line
    beside = source.lines[first - 1] if first <= len(source.lines) else ""
    yield first, beside, source.place.column - 1
    indent = len(beside) - len(beside.lstrip(" -"))
    for number in range(first + 1, len(source.lines) + 1):
        text = source.lines[number - 1]
        if text.strip() and len(text) - len(text.lstrip()) <= indent:
            return
        yield number, text, 0


def _search(pattern: re.Pattern[str], text: str, begin: int, only_expressions: bool) -> tuple[int, int] | None:
    if not only_expressions:
        found = pattern.search(text, begin)
        return found.span() if found else None
    for expression in _EXPRESSION.finditer(text, begin):
        found = pattern.search(text, *expression.span())
        if found:
            return found.span()
    return None
