"""A report as Markdown for a pull request: short enough for a comment, nothing in it that names or texts could steer.

What people or services wrote stands either between backquotes or with every sign that Markdown obeys written as an
entity. It shows no picture and links none but those that git has. The same report gives the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from imagebuild.core.key import shown_diff
from imagebuild.core.offer import dollars
from imagebuild.core.reason import Reason
from imagebuild.core.reporting.report import Change, Gate, Kind, Open, Report, Tally, Work, brief, counted
from imagebuild.errors import visible

__all__ = ["CALLING", "MOST_LETTERS", "markdown_of"]

MOST_LETTERS: Final = 60_000  # a comment takes 65,536
_ROWS: Final = (400, 150, 60, 25, 10, 4, 1)  # of each table: as many as there is room for
_MOST_TEXT: Final = 200
_MOST_NAME: Final = 300

_SIGNS: Final = {each: f"&#{ord(each)};" for each in "\\`*_[]<>|~!&"}
_BREAK: Final = "\0"  # no text has it: `visible` shows it as a sign
# After an @ or a # that would call somebody or name an issue, and before the dot of an address on the web.
CALLING: Final = re.compile(r"(?<=[@#])(?=[\w-])|(?<=[wW]{3})(?=\.)|(?<=:)(?=//)")
_KINDS: Final[Sequence[tuple[Kind, str]]] = (("changed", "changed"), ("new", "new"), ("gone", "gone"))
_STATES: Final = {
    "approved": "✅ approved", "partly": "◐ partly approved", "open": "○ open", "rejected": "❌ rejected",
    "lapsed": "↺ lapsed", "unneeded": "needs no approval",
}  # fmt: skip
_GATES: Final = {
    "passed": "✅ passed", "unverified": "⚠️ unverified", "failed": "❌ failed",
    "pending": "not checked yet", "none": "–",
}  # fmt: skip


def markdown_of(report: Report) -> str:
    """The whole text, never longer than `MOST_LETTERS`."""
    for rows in _ROWS:
        text = _whole(report, rows)
        if len(text) <= MOST_LETTERS:
            return text
    return "\n".join(
        [*_head(report), "", "The rest does not fit into a comment: `imagebuild report --html report.html`", ""]
    )


def _whole(report: Report, rows: int) -> str:
    sections = (
        _head(report), _limits(report), _assets(report.tallies[:rows], len(report.tallies)), _changes(report, rows),
        _work(report, rows), _gates(report.gates, rows), _decisions(report, rows),
    )  # fmt: skip
    foot = f"<sub>{_prose(report.provider)} · {_prose(report.model)} · prices of {_prose(report.prices_of)}</sub>"
    return "\n\n".join("\n".join(section) for section in (*sections, [foot]) if section) + "\n"


# ---------------------------------------------------------------------------------------------------------- escaping


def _prose(text: str, most: int = _MOST_TEXT) -> str:
    """A text from anywhere, within a sentence: no formatting, no link, nobody called, no issue named."""
    joined = visible(" ".join(text.split()))
    cut = joined if len(joined) <= most else joined[: most - 1].rstrip() + "…"
    quiet = CALLING.sub(_BREAK, cut)
    return "".join(_SIGNS.get(each, each) for each in quiet).replace(_BREAK, "<!-- -->")


def _code(text: str) -> str:
    """A name, as it is, between as many backquotes as it takes; a table's own sign is kept from the table."""
    joined = visible(" ".join(text.split())) or " "
    cut = joined if len(joined) <= _MOST_NAME else joined[: _MOST_NAME - 1] + "…"
    longest = max((len(run) for run in re.findall("`+", cut)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if cut.startswith("`") or cut.endswith("`") else ""
    return f"{fence}{pad}{cut}{pad}{fence}".replace("|", "\\|")


def _link(text: str, path: str) -> str:
    """A link to a file beside the report; its path can lead nowhere else."""
    kept = re.sub(r"[^A-Za-z0-9._/\-]", lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()), path)
    return f"[{_code(text)}](./{kept})"


def _folded(summary: str, lines: Iterable[str]) -> list[str]:
    return [f"<details><summary>{summary}</summary>", "", *lines, "", "</details>"]


# ---------------------------------------------------------------------------------------------------------- sections


def _head(report: Report) -> list[str]:
    lines = [f"### {_prose(report.campaign)}: what changed", ""]
    if report.since is None:
        lines.append(f"Compared with nothing: {_prose(report.alone)}.")
    else:
        kinds = [f"{report.count(kind):,} {word}" for kind, word in _KINDS if report.count(kind)]
        spent = dollars(report.spent_since) if report.spent_since is not None else "–"
        lines.append(
            f"Since {_prose(report.since)}: **{', '.join(kinds) or 'no picture changed'}**, {spent} spent for it."
        )
    making = sum(tally.making for tally in report.tallies)
    if report.work:
        lines.append(f"The next build makes **{counted(making, 'picture')}** for **{dollars(report.price)}**.")
    waiting = sum(count for state, count in report.states.items() if state not in ("approved", "unneeded"))
    lines.append(f"**{waiting:,}** of {counted(sum(report.states.values()), 'picture')} to be decided.")
    if report.selected:
        lines.append(f"Only {_prose(report.selected)}.")
    return lines


def _limits(report: Report) -> list[str]:
    lines = [f"> **The decisions were edited:** {_prose(fault)}" for fault in report.faults[:6]]
    return [*lines, *(f"> **The next build:** {_prose(limit)}" for limit in report.limits)]


def _assets(tallies: Sequence[Tally], count: int) -> list[str]:
    lines = [
        "| asset | pictures | new | changed | gone | to make | spent | next build |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in tallies:
        numbers = (each.pictures, each.new, each.changed, each.gone, each.making)
        cells = [f"{number:,}" if number else "–" for number in numbers]
        cells += [dollars(amount) if amount else "–" for amount in (each.spent, each.price)]
        lines.append(f"| {_code(each.asset)} | {' | '.join(cells)} |")
    return lines if count == len(tallies) else [*lines, "", f"… and {counted(count - len(tallies), 'further asset')}"]


def _changes(report: Report, rows: int) -> list[str]:
    if not report.changes:
        return []
    lines = ["| | picture | file | checks | decision | why |", "|---|---|---|---|---|---|"]
    above: tuple[Reason, ...] = ()
    for change in report.changes[:rows]:
        reasons = tuple(part.reason for part in change.parts)
        lines.append(_change(change, same=bool(reasons) and reasons == above))
        above = reasons
    if len(report.changes) > rows:
        lines.extend(
            ["", f"… and {len(report.changes) - rows:,} more; `imagebuild report --html report.html` shows them"]
        )
    return _folded(f"{counted(len(report.changes), 'picture')} changed", lines)


def _change(change: Change, *, same: bool) -> str:
    """`same`: it changed for the reason of the one above."""
    link = change.after.committed if change.after is not None else None
    file = _link(change.output, link) if link else _code(change.output)
    gate = _GATES.get(change.gate, "–") if change.kind != "gone" else "–"
    state = _STATES.get(change.state, "–")
    decision = f"{state}: {_prose(change.words)}" if change.words else state
    why = (
        "as above"
        if same
        else "<br>".join(
            ("" if part.address == change.address else f"{_code(part.address)}: ") + "; ".join(_reason(part.reason))
            for part in change.parts
        )
    )
    return f"| {change.kind} | {_code(change.address)} | {file} | {gate} | {decision} | {why or '–'} |"


def _work(report: Report, rows: int) -> list[str]:
    if not report.work:
        return []
    lines = ["| asset | what | why | pictures | price |", "|---|---|---|---|--:|"]
    lines.extend(_work_row(each, rows) for each in report.work[:rows])
    if len(report.work) > rows:
        lines.extend(["", f"… and for {counted(len(report.work) - rows, 'further reason')}"])
    count = sum(len(each.addresses) for each in report.work)
    return _folded(f"The next build: {counted(count, 'step')}, {dollars(report.price)}", lines)


def _work_row(each: Work, rows: int) -> str:
    why = "<br>".join(_reason(each.reason))
    price = dollars(each.price) if each.price else "–"
    return f"| {_code(each.asset)} | {each.verdict} | {why} | {_addresses(each.addresses, rows)} | {price} |"


def _addresses(addresses: Sequence[str], rows: int) -> str:
    most = max(min(rows // 8, 12), 1)
    shown = "<br>".join(_code(each) for each in addresses[:most])
    return shown if len(addresses) <= most else f"{shown}<br>… and {len(addresses) - most:,} more"


def _reason(reason: Reason) -> list[str]:
    lines = [_prose(reason.sentence)]
    for change in reason.changes[:4]:
        if change.diff:
            lines.append(f"{_code(change.field)} {_diff(change.diff)}")
        else:
            lines.append(f"{_code(change.field)} {_value(change.old)} → {_value(change.new)}")
    if len(reason.changes) > 4:
        lines.append(f"… and {counted(len(reason.changes) - 4, 'more field')}")
    for cause in reason.causes[:4]:
        at = f" ({_prose(str(cause.at))})" if cause.at else ""
        lines.append(f"because {_code(cause.name)} {_value(cause.old)} → {_value(cause.new)}{at}")
    return lines


def _diff(parts: Iterable[tuple[str, str]]) -> str:
    """Word by word, as people read it in plain text: `[-old-]{+new+}`; nothing of it is formatting here."""
    return _prose(shown_diff(parts), 400)  # type: ignore[arg-type]


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    told = brief(value)
    return f"“{_prose(told)}”" if isinstance(value, str) else _prose(told)


def _gates(gates: Sequence[Gate], rows: int) -> list[str]:
    if not gates:
        return []
    lines = ["| picture | checks | what they say |", "|---|---|---|"]
    for each in gates[:rows]:
        words = "<br>".join(_prose(word) for word in each.words[:6]) or "–"
        lines.append(f"| {_code(each.address)} | {_GATES[each.verdict]} | {words} |")
    if len(gates) > rows:
        lines.extend(["", f"… and {len(gates) - rows:,} more"])
    failed = sum(each.verdict == "failed" for each in gates)
    return _folded(f"Checks: {failed:,} failed, {len(gates) - failed:,} unverified", lines)


def _decisions(report: Report, rows: int) -> list[str]:
    if not report.decisions:
        return []
    lines = ["| decision | | pictures |", "|---|---|---|"]
    lines.extend(_decision(each, rows) for each in report.decisions[:rows])
    if len(report.decisions) > rows:
        lines.extend(["", f"… and {len(report.decisions) - rows:,} more"])
    states = ", ".join(f"{count:,} {_STATES[state].split(' ', 1)[1] if state != 'unneeded' else _STATES[state]}"
                       for state, count in report.states.items())  # fmt: skip
    return _folded(f"Decisions: {states}", lines)


def _decision(each: Open, rows: int) -> str:
    return f"| {_STATES.get(each.state, each.state)} | {_prose(each.words)} | {_addresses(each.addresses, rows)} |"
