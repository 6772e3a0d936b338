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
from collections.abc import Callable
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

    open_ended = [number for number, line in enumerate(lines, 1) if _QUOTED.match(line) and not _CLOSED.match(line)]
    if open_ended:  # polib would cut off the last character
        for number in open_ended:
            hint = "one text in quotes a line; within it, write `\\\"`"
            problems.add("not a valid PO file: a quote is not closed, or not escaped", at=place(number), hint=hint)
        return {}
    try:
        entries = polib.pofile("\n".join(lines) + "\n")  # with a line's end it cannot be taken for a path
    except (OSError, ValueError, UnicodeError) as bad:
        fault = _FAULT.search(str(bad))
        at = place(int(fault[1])) if fault else Place(file)
        what = (fault[2] or "" if fault else str(bad)).strip() or "syntax error"
        problems.add(f"not a valid PO file: {what}", at=at, hint="check it with `msgfmt --check`")
        return {}
    stated = entries.metadata.get("Language", "").strip()
    language = canonical_tag(stated) if stated else None
    if stated and language is None:
        problems.add(f"`{stated}` is not a language tag", at=place(1), hint="`Language: de_DE`")
    found: dict[str, dict[str, Text]] = {language or "": {}}
    living = [entry for entry in entries if not entry.obsolete]
    contexts = Counter(entry.msgctxt for entry in living)
    by_context = bool(living) and all(entry.msgctxt and contexts[entry.msgctxt] == 1 for entry in living)
    seen: dict[str, int] = {}
    categories: dict[str, int] = {}
    for entry in living:
        key = entry.msgctxt if by_context else f"{entry.msgctxt}.{entry.msgid}" if entry.msgctxt else entry.msgid
        at = place(_first_line(lines, entry.linenum or 1))
        if key in seen:
            problems.add(f"string `{key}` stands twice", at=at, hint=f"line {seen[key]} has it already")
            continue
        seen[key] = at.line
        if entry.fuzzy:
            continue
        value: str | dict[str, str] = entry.msgstr
        if entry.msgid_plural:
            rule = entries.metadata.get("Plural-Forms", "")
            categories = categories or _forms(language or tag, rule, place(1), problems)
            value = {each: form for each, index in categories.items() if (form := entry.msgstr_plural.get(index))}
            value = value if "other" in value else ""
        if value:
            found[language or ""][key] = Text(value=value, place=at, note=entry.comment or entry.tcomment or None)
    return found


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
