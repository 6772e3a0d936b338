"""Strings in a table: a row a key, a column a locale.

The first row names the columns: `key`, then `text` (the file's own locale) or tags (`key,en-US,de-DE`). Columns for
people (`note`, `context`, …) are passed over. Comma, semicolon or tab; a blank cell is a missing text.
"""

from __future__ import annotations

from imagebuild.core.locale import canonical_tag
from imagebuild.core.strings import Text
from imagebuild.core.table import read_rows
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = ["read_csv"]

KEY_NAMES = ("key", "id", "identifier", "name")
TEXT_NAMES = ("text", "value", "translation", "target", "string")
_FOR_PEOPLE = (
    "note notes comment comments context description developer_comments character_limit labels location screenshot "
    "fuzzy state status max max_chars source"
)
PASSED_OVER = frozenset(["", *_FOR_PEOPLE.split()])


def read_csv(text: str, file: str, problems: Problems) -> dict[str, dict[str, Text]]:
    """The catalogues by tag; the column `text` stands under ""."""
    rows = read_rows(text, file, problems)
    header = next(rows, None)
    if header is None:
        return {}
    columns, at = header
    key_column = next((index for index, name in enumerate(columns) if name.strip().lower() in KEY_NAMES), None)
    if key_column is None:
        hint = "the first row names the columns: `key,en-US,de-DE`"
        problems.add("the table has no column `key`", at=at[0], hint=hint)
        return {}
    tags = _locales(columns, at, key_column, problems)
    found: dict[str, dict[str, Text]] = {tag: {} for tag in tags.values()}
    seen: dict[str, int] = {}
    for cells, places in rows:
        if not any(cell.strip() for cell in cells):
            continue
        key = cells[key_column].strip() if key_column < len(cells) else ""
        place = places[key_column] if key_column < len(cells) else places[0]
        if len(cells) > len(columns):
            hint = "quote a text that holds the separator, and double the quotes within it"
            problems.add(f"row has {len(cells)} cells, but the table has {len(columns)} columns", at=place, hint=hint)
        elif not key:
            problems.add("row without a key", at=place)
        elif key in seen:
            problems.add(f"string `{key}` stands twice", at=place, hint=f"line {seen[key]} has it already")
        else:
            seen[key] = place.line
            for index, tag in tags.items():
                if index < len(cells) and cells[index].strip():
                    found[tag][key] = Text(value=cells[index], place=places[index])
    return found


def _locales(columns: list[str], at: list[Place], key_column: int, problems: Problems) -> dict[int, str]:
    """Column → tag, for those columns that hold texts."""
    found: dict[int, str] = {}
    for index, column in enumerate(columns):
        name = column.strip()
        if index == key_column or (name.lower() in PASSED_OVER):
            continue
        tag = "" if name.lower() in TEXT_NAMES else canonical_tag(name)
        if tag is None:
            hint = did_you_mean(name.lower(), [*KEY_NAMES, *TEXT_NAMES, "note", "context"])
            problems.add(f"column `{name}` is neither a locale nor known", at=at[index], hint=hint)
        elif tag in found.values():
            problems.add(f"column `{name}` stands twice", at=at[index])
        else:
            found[index] = tag
    if not found:
        hint = "`key,text`, or a column a locale: `key,en-US,de-DE`"
        problems.add("the table has no column with texts", at=at[0], hint=hint)
    return found
