"""The small pieces of a report's page: names, values, reasons, badges, each escaped here and nowhere else."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from imagebuild.core.key import elide
from imagebuild.core.reason import Change as Field
from imagebuild.core.reason import Reason
from imagebuild.core.reporting.report import Change, Part, brief, counted
from imagebuild.errors import visible

__all__ = ["GATES", "MOST_ROWS", "STATES", "address_list", "badge", "escaped", "named", "reason_lines", "reason_list"]

MOST_ROWS: Final = 1_500  # of changes without pictures, and of addresses in a list
MOST_CHANGED: Final = 6  # fields of one reason
MOST_VALUE: Final = 240  # characters of one value

STATES: Final = {
    "approved": ("good", "✓", "approved"),
    "partly": ("wait", "◐", "partly approved"),
    "open": ("wait", "○", "open"),
    "rejected": ("bad", "✕", "rejected"),
    "lapsed": ("warn", "↺", "lapsed"),
    "unneeded": ("good", "–", "needs no approval"),
}
GATES: Final = {
    "passed": ("good", "✓", "checks passed"),
    "unverified": ("warn", "?", "unverified"),
    "failed": ("bad", "✕", "checks failed"),
    "pending": ("wait", "…", "not checked yet"),
}


def escaped(written: str) -> str:
    """A text from anywhere, on one line, with nothing in it that a browser would obey or that turns the line around."""
    return html.escape(visible(" ".join(written.split())))


def named(address: str) -> str:
    return f"<bdi>{escaped(address)}</bdi>"


def badge(known: tuple[str, str, str] | None, more: str = "") -> str:
    if known is None:
        return ""
    tone, sign, word = known
    words = f"{word}: {escaped(more)}" if more else word
    wide = " long" if more else ""
    return f'<span class="badge {tone}{wide}"><span aria-hidden="true">{sign}</span>{words}</span>'


def address_list(addresses: Sequence[str]) -> str:
    if len(addresses) <= 3:
        return "".join(f'<div class="dim small">{named(each)}</div>' for each in addresses)
    items = "".join(f"<li>{named(each)}</li>" for each in addresses[:MOST_ROWS])
    more = f"<li>… and {len(addresses) - MOST_ROWS:,} more</li>" if len(addresses) > MOST_ROWS else ""
    count = counted(len(addresses), "picture")
    return f'<details><summary>{count}</summary><ul class="names">{items}{more}</ul></details>'


def reason_list(parts: Sequence[Part], change: Change) -> str:
    items: list[str] = []
    for part in parts:
        own = part.address == change.address
        head = "" if own else f'<span class="of">{named(part.address)}:</span> '
        items.append(f"<li>{head}{escaped(part.reason.sentence)}</li>")
        items.extend(f"<li>{line}</li>" for line in reason_lines(part.reason, change.language, change.direction))
    return f'<ul class="why">{"".join(items)}</ul>' if items else ""


def reason_lines(reason: Reason, language: str | None, direction: str) -> list[str]:
    lines: list[str] = []
    copied = {cause.name for cause in reason.causes}
    for change in reason.changes[:MOST_CHANGED]:
        if change.diff:
            lines.append(f"<code>{escaped(change.field)}</code> {_diff(change, language, direction)}")
        else:
            values = f"{_value(change.old, language, direction)} → {_value(change.new, language, direction)}"
            lines.append(f"<code>{escaped(change.field)}</code> {values}")
    if len(reason.changes) > MOST_CHANGED:
        lines.append(f"… and {len(reason.changes) - MOST_CHANGED} more fields")
    for cause in reason.causes[:MOST_CHANGED]:
        at = f' <span class="dim">{escaped(str(cause.at))}</span>' if cause.at else ""
        values = f"{_value(cause.old, language, direction)} → {_value(cause.new, language, direction)}"
        lines.append(f"because <code>{escaped(cause.name)}</code> {values}{at}")
    if len(copied) > MOST_CHANGED:
        lines.append(f"… and {len(copied) - MOST_CHANGED} more that it was written from")
    return lines


def _diff(change: Field, language: str | None, direction: str) -> str:
    parts = []
    for operation, text in elide(change.diff):
        spaced = visible(text.replace("\n", " ⏎ "))
        kept = html.escape(spaced if len(spaced) <= MOST_VALUE else spaced[:MOST_VALUE] + "…")
        tag = {"-": "del", "+": "ins"}.get(operation)
        parts.append(f"<{tag}>{kept}</{tag}>" if tag else kept)
    return _in_language("".join(parts), change.field.endswith(".text"), language, direction)


def _value(value: object, language: str | None, direction: str) -> str:
    if value is None:
        return '<span class="dim">nothing</span>'
    text = brief(value)
    shown = text if len(text) <= MOST_VALUE else text[:MOST_VALUE] + "…"
    return _in_language(escaped(shown) or "“”", isinstance(value, str), language, direction)


def _in_language(inner: str, is_copy: bool, language: str | None, direction: str) -> str:
    """Copy stands in its own direction, whatever stands around it."""
    if not is_copy or language is None:
        return f"<bdi>{inner}</bdi>"
    way = direction if any("\u0590" <= each <= "\u08ff" for each in inner) else "auto"
    return f'<bdi lang="{escaped(language)}" dir="{way}">{inner}</bdi>'
