"""Strings in gettext PO files.

The key is the `msgid` (`msgid "hero.headline"`, or the source text itself: `t["Warm evenings"]`); with a context it is
`context.msgid`. Where every entry has a context of its own, as in the files that translation tools write for keyed
strings, the context is the key. Empty, fuzzy and obsolete entries are missing texts. Plural forms are matched to CLDR's
categories by trying which numbers each is for.
"""

from __future__ import annotations

import gettext
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from imagebuild.core.locale import canonical_tag, fallback_chain
from imagebuild.core.strings import Text
from imagebuild.errors import Place, Problems
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    import polib

    from imagebuild.core import cldr
else:
    polib = lazy("polib")
    cldr = lazy("imagebuild.core.cldr")

__all__ = ["read_po"]

_FAULT = re.compile(r"\(line (\d+)\)(?::? *(.*))?")
_PLURAL_RULE = re.compile(r"plural\s*=\s*([^;]+)")
_LINE_BREAK = re.compile("\r\n|\r|\n")
_QUOTED = re.compile(r'\s*(?:msg\w+(?:\[\d+\])?\s*)?"')
_CLOSED = re.compile(r'[^"]*"(?:[^"\\]|\\.)*"\s*\Z')
_ORDER = ("zero", "one", "two", "few", "many", "other")


def read_po(text: str, file: str, tag: str, problems: Problems) -> dict[str, dict[str, Text]]:
    """The file's one catalogue, under the tag of its header (or "" if it has none)."""
    lines = _LINE_BREAK.split(text)

    def place(number: int) -> Place:
        line = lines[number - 1] if 0 < number <= len(lines) else ""
        return Place(file, number, 1, max(len(line), 1), line)

    entries = _parse(lines, place, problems)
    if entries is None:
        return {}
    stated = entries.metadata.get("Language", "").strip()
    language = canonical_tag(stated) if stated else None
    if stated and language is None:
        problems.add(f"`{stated}` is not a language tag", at=place(1), hint="`Language: de_DE`")
    found: dict[str, Text] = {}
    seen: dict[str, int] = {}
    categories: dict[str, int] = {}
    for key, entry in _keyed([entry for entry in entries if not entry.obsolete]):
        at = place(_first_line(lines, entry.linenum or 1))
        if key in seen:
            problems.add(f"string `{key}` stands twice", at=at, hint=f"line {seen[key]} has it already")
            continue
        seen[key] = at.line
        value: str | dict[str, str] = entry.msgstr
        if entry.msgid_plural:
            rule = entries.metadata.get("Plural-Forms", "")
            categories = categories or _forms(language or tag, rule, place(1), problems)
            value = {each: form for each, index in categories.items() if (form := entry.msgstr_plural.get(index))}
            value = value if "other" in value else ""
        if value and not entry.fuzzy:
            found[key] = Text(value=value, place=at, note=entry.comment or entry.tcomment or None)
    return {language or "": found}


def _parse(lines: list[str], place: Callable[[int], Place], problems: Problems) -> polib.POFile | None:
    open_ended = [number for number, line in enumerate(lines, 1) if _QUOTED.match(line) and not _CLOSED.match(line)]
    for number in open_ended:  # polib would cut off the last character
        hint = 'one text in quotes a line; within it, write `\\"`'
        problems.add("not a valid PO file: a quote is not closed, or not escaped", at=place(number), hint=hint)
    if open_ended:
        return None
    try:
        return polib.pofile("\n".join(lines) + "\n")  # with a line's end it cannot be taken for a path
    except (OSError, ValueError, UnicodeError) as bad:
        fault = _FAULT.search(str(bad))
        what = (fault[2] or "" if fault else str(bad)).strip() or "syntax error"
        at = place(int(fault[1]) if fault else 0)
        problems.add(f"not a valid PO file: {what}", at=at, hint="check it with `msgfmt --check`")
    return None


def _keyed(entries: list[polib.POEntry]) -> Iterator[tuple[str, polib.POEntry]]:
    """Each entry with its key: the context where each has one of its own, else the `msgid` (after its context)."""
    contexts = Counter(entry.msgctxt for entry in entries)
    by_context = all(entry.msgctxt and contexts[entry.msgctxt] == 1 for entry in entries)
    for entry in entries:
        named = f"{entry.msgctxt}.{entry.msgid}" if entry.msgctxt else entry.msgid
        yield (entry.msgctxt or "") if by_context else named, entry


def _first_line(lines: list[str], number: int) -> int:
    """The line of an entry's `msgctxt` or `msgid`: polib gives that of the comments above it."""
    while number < len(lines) and not lines[number - 1].lstrip().startswith("msg"):
        number += 1
    return number


def _forms(tag: str, rule: str, at: Place, problems: Problems) -> dict[str, int]:
    """CLDR category → index of the `msgstr[…]` that says it."""
    chain = fallback_chain(tag or "en")
    samples: dict[str, int] = {}
    for number in (*range(201), 1_000_000):
        samples.setdefault(cldr.plural_category(number, chain), number)
    stated = _PLURAL_RULE.search(rule)
    index_of: Callable[[int], int]
    try:
        in_order = [samples[category] for category in _ORDER if category in samples]
        index_of = gettext.c2py(stated[1]) if stated else in_order.index
        found = {category: int(index_of(number)) for category, number in samples.items()}
    except (ValueError, ZeroDivisionError, OverflowError, RecursionError) as bad:
        problems.add(f"not a plural rule: {bad}", at=at, hint="`Plural-Forms: nplurals=2; plural=(n != 1);`")
        return {"other": 0}
    if "other" not in found:  # only for fractions, in Polish and others: the last form is the nearest
        found["other"] = max(found.values())
    return found
