"""A report as one page of HTML that opens from disk: its pictures inside it, no script, nothing from anywhere else.

Everything that people or services wrote is escaped by `pieces`. The same report gives the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from imagebuild.core.offer import dollars
from imagebuild.core.reporting.pieces import (
    GATES,
    MOST_ROWS,
    STATES,
    address_list,
    badge,
    escaped,
    named,
    reason_lines,
    reason_list,
)
from imagebuild.core.reporting.report import Change, Gate, Kind, Open, Report, Shown, Tally, Work, counted
from imagebuild.core.reporting.style import STYLE

__all__ = ["page_of"]

MOST_BYTES: Final = 6_000_000  # of pictures, written out: the page stays one that can be mailed
MOST_OPEN: Final = 12  # of an asset's; the others are there when they are asked for

_KINDS: Final[Sequence[tuple[Kind, str, str]]] = (
    ("changed", "Changed", "±"),
    ("new", "New", "+"),
    ("gone", "Gone", "−"),
)


def page_of(report: Report) -> str:
    """The whole page."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    title = f"{report.campaign}: what changed" if report.since else f"{report.campaign}: report"
    room = _Room(report.changes)
    body = "\n".join(
        [
            _header(report), "<main>", *_notes(report), _summary(report), *_changes(report, room), *_work(report),
            *_gates(report.gates), *_decisions(report), "</main>", _footer(report, room),
        ]
    )  # fmt: skip
    return (
        f'<!doctype html>\n<html lang="en" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


class _Room:
    """Which pictures there is room for."""

    def __init__(self, changes: Iterable[Change]) -> None:
        self.pictured: set[str] = set()
        self.of = 0
        left = MOST_BYTES
        for change in changes:
            self.of += 1
            size = sum(
                len(each.small.data) * 4 // 3
                for each in (change.before, change.after)
                if each is not None and each.small is not None
            )
            if size and size <= left:
                left -= size
                self.pictured.add(change.address)


# ------------------------------------------------------------------------------------------------------------- head


def _header(report: Report) -> str:
    since = (
        f"Compared with {escaped(report.since)}."
        if report.since
        else f"Compared with nothing: {escaped(report.alone)}."
    )
    part = f" Only {escaped(report.selected)}." if report.selected else ""
    facts = f"{escaped(report.model)} · {escaped(report.provider)} · prices of {escaped(report.prices_of)}"
    return (
        f'<header>\n<h1>{named(report.campaign)}</h1>\n<p class="dim">{since}{part}<br>{facts}</p>\n'
        f'<dl class="figures">\n{_figures(report)}\n</dl>\n</header>'
    )


def _figures(report: Report) -> str:
    changed = [f"{report.count(kind):,} {word.lower()}" for kind, word, _ in _KINDS if report.count(kind)]
    making = sum(tally.making for tally in report.tallies)
    waiting = sum(count for state, count in report.states.items() if state not in ("approved", "unneeded"))
    approved = sum(report.states.values()) - waiting
    failed = sum(gate.verdict == "failed" for gate in report.gates)
    unverified = len(report.gates) - failed
    gates = [f"{failed} failed"] if failed else []
    gates += [f"{unverified} unverified"] if unverified else []
    checks = (str(len(report.gates)) if gates else "✓", ", ".join(gates) or "nothing held back")
    rows = [
        ("Changed", f"{len(report.changes):,}" if report.since else "–", ", ".join(changed) or "nothing", ""),
        (
            "Spent for it", dollars(report.spent_since) if report.spent_since is not None else "–",
            f"{dollars(report.spent)} for the campaign in all", "",
        ),
        ("Next build", dollars(report.price), counted(making, "picture") + " to make", ""),
        ("Checks", *checks, "bad" if failed else ""),
        ("To decide", f"{waiting:,}", f"{approved:,} of {sum(report.states.values()):,} approved", ""),
    ]  # fmt: skip
    return "\n".join(
        f'<div class="figure"><dt>{name}</dt><dd><div class="big {tone}">{escaped(big)}</div>'
        f'<div class="dim small">{escaped(words)}</div></dd></div>'
        for name, big, words, tone in rows
    )


def _notes(report: Report) -> list[str]:
    faults = "; ".join(escaped(fault) for fault in report.faults[:6])
    notes = [f'<p class="note bad"><b>The decisions were edited.</b> {faults}</p>'] if faults else []
    return [*notes, *(f'<p class="note"><b>The next build:</b> {escaped(limit)}</p>' for limit in report.limits)]


def _summary(report: Report) -> str:
    names = ("pictures", "new", "changed", "gone", "to make", "spent", "next build")
    head = "".join(f'<th class="n" scope="col">{name}</th>' for name in names)
    rows = [
        _row(f'<th scope="row">{named(each.asset)}</th>', _counts(each), each.spent, each.price, names)
        for each in report.tallies
    ]
    sums = [sum(column) for column in zip(*(_counts(each) for each in report.tallies), strict=True)] or [0] * 5
    total = _row('<th scope="row">all</th>', sums, report.spent_since or Decimal(0), report.price, names)
    return (
        '<h2>Assets</h2>\n<div class="scroll"><table class="stack"><thead><tr><th scope="col">asset</th>'
        f"{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody>\n<tfoot>{total}</tfoot></table></div>"
    )


def _counts(tally: Tally) -> tuple[int, ...]:
    return (tally.pictures, tally.new, tally.changed, tally.gone, tally.making)


def _row(head: str, counts: Sequence[int], spent: Decimal, price: Decimal, names: Sequence[str]) -> str:
    shown = [f"{count:,}" if count else "" for count in counts]
    shown += [dollars(amount) if amount else "" for amount in (spent, price)]
    cells = "".join(
        f'<td class="n" data-name="{name}">{text}</td>' if text else '<td class="n none">–</td>'
        for name, text in zip(names, shown, strict=True)
    )
    return f"<tr>{head}{cells}</tr>\n"


# ---------------------------------------------------------------------------------------------------------- changes


def _changes(report: Report, room: _Room) -> list[str]:
    if report.since is None:
        return []
    if not report.changes:
        return ["<h2>What changed</h2>", '<p class="lead">No delivered picture is another one than it was.</p>']
    lines = [f'<h2>What changed</h2>\n<p class="lead">{_pictured(room)}</p>']
    for kind, word, sign in _KINDS:
        found = [change for change in report.changes if change.kind == kind]
        by_asset: dict[str, list[Change]] = {}
        for change in found:
            by_asset.setdefault(change.asset, []).append(change)
        for asset, several in by_asset.items():
            head = f'<span aria-hidden="true">{sign}</span> {word}: {named(asset)} <small>{len(several):,}</small>'
            lines.append(f"<h3>{head}</h3>")
            lines.extend(_asset_changes(kind, several, room))
    return lines


def _pictured(room: _Room) -> str:
    if len(room.pictured) == room.of:
        return f"{counted(room.of, 'picture')}, each as it was and as it is."
    if not room.pictured:
        return f"{counted(room.of, 'picture')}. None of them can be shown here."
    return f"{len(room.pictured):,} of {room.of:,} are shown; the others are named."


def _asset_changes(kind: Kind, changes: Sequence[Change], room: _Room) -> list[str]:
    shown = [change for change in changes if change.address in room.pictured]
    others = [change for change in changes if change.address not in room.pictured]
    lines: list[str] = []
    if shown:
        lines.append(_cards(kind, shown[:MOST_OPEN]))
    if len(shown) > MOST_OPEN:
        more = f"{len(shown) - MOST_OPEN:,} more"
        lines.append(f"<details><summary>{more}</summary>{_cards(kind, shown[MOST_OPEN:])}</details>")
    if others:
        more = "more, without pictures" if shown else "without pictures"
        items = "".join(f"<li>{_listed(change)}</li>" for change in others[:MOST_ROWS])
        rest = f"<li>… and {len(others) - MOST_ROWS:,} more</li>" if len(others) > MOST_ROWS else ""
        is_open = "" if shown or len(others) > 12 else " open"
        lines.append(
            f'<details{is_open}><summary>{len(others):,} {more}</summary><ul class="names">{items}{rest}</ul></details>'
        )
    return lines


def _cards(kind: Kind, changes: Sequence[Change]) -> str:
    cards = "\n".join(_card(change) for change in changes)
    return f'<div class="cards{"" if kind == "changed" else " single"}">\n{cards}\n</div>'


def _listed(change: Change) -> str:
    return f'{named(change.address)}<br><span class="dim">{named(change.output)}</span>'


def _card(change: Change) -> str:
    if change.kind == "changed":
        figures = _figure("before", change.before, change) + _figure("after", change.after, change)
        pair = "pair"
    else:
        shown, word = (change.after, "new") if change.kind == "new" else (change.before, "gone")
        figures, pair = _figure(word, shown, change), "pair one"
    badges = "".join(filter(None, (badge(GATES.get(change.gate)), badge(STATES.get(change.state), change.words))))
    badges = f'<div class="badges">{badges}</div>' if badges else ""
    why = reason_list(change.parts, change)
    return (
        f'<article class="card"><div class="{pair}">{figures}</div><div class="body">'
        f'<div class="name">{named(change.address)}</div><div class="where">{_place(change)}</div>'
        f"{badges}{why}</div></article>"
    )


def _place(change: Change) -> str:
    shown = change.after if change.after is not None else change.before
    facts = [named(change.output)]
    if shown is not None and shown.size:
        facts.append(escaped(shown.size.replace("x", " × ")))
    if shown is not None and shown.bytes:
        facts.append(_size(shown.bytes))
    return " · ".join(facts)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1_000_000 else f"{max(count // 1000, 1)} kB"


def _figure(word: str, shown: Shown | None, change: Change) -> str:
    if shown is None or shown.small is None:
        why = "no longer at hand" if shown is not None else "there was none"
        return f'<figure><div class="box dim small">{why}</div><figcaption><b>{word}</b></figcaption></figure>'
    width, height = shown.small.size
    source = "data:image/webp;base64," + base64.b64encode(shown.small.data).decode()
    image = (
        f'<img src="{source}" width="{width}" height="{height}" alt="{escaped(change.address)}, {word}" '
        'loading="lazy" decoding="async">'
    )
    return (
        f'<figure><div class="box">{image}</div>'
        f"<figcaption><b>{word}</b> <code>{escaped(shown.digest[:12])}</code></figcaption></figure>"
    )


# ----------------------------------------------------------------------------------- what is next, gates, decisions


def _work(report: Report) -> list[str]:
    if not report.work:
        return ["<h2>The next build</h2>", '<p class="lead">There is nothing to do: all is as the campaign says.</p>']
    count = sum(len(each.addresses) for each in report.work)
    head = "".join(f'<th scope="col">{name}</th>' for name in ("asset", "what", "why")) + '<th class="n">price</th>'
    rows = "".join(_work_row(each) for each in report.work)
    return [
        f'<h2>The next build</h2>\n<p class="lead">{counted(count, "step")}, {escaped(dollars(report.price))}.</p>',
        f'<div class="scroll"><table class="stack"><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>',
    ]


def _work_row(work: Work) -> str:
    lines = "".join(f"<br>{line}" for line in reason_lines(work.reason, work.language, work.direction))
    cells = address_list(work.addresses)
    price = dollars(work.price) if work.price else ""
    amount = f'<td class="n" data-name="price">{price}</td>' if price else '<td class="n none">–</td>'
    return (
        f'<tr><th scope="row">{named(work.asset)}</th><td>{escaped(work.verdict)}</td>'
        f"<td>{escaped(work.reason.sentence)}{lines}{cells}</td>{amount}</tr>\n"
    )


def _gates(gates: Sequence[Gate]) -> list[str]:
    if not gates:
        return []
    failed = sum(gate.verdict == "failed" for gate in gates)
    said = [f"{counted(failed, 'picture')} did not pass"] if failed else []
    said += [f"{counted(len(gates) - failed, 'picture')} could not be verified"] if failed < len(gates) else []
    words = ", ".join(said) + "."
    rows = []
    for gate in gates[:MOST_ROWS]:
        what = "<br>".join(escaped(each) for each in gate.words) or "its checks say no more"
        hints = "".join(f'<div class="dim small">{escaped(hint)}</div>' for hint in gate.hints)
        head = f'<th scope="row">{named(gate.address)}</th><td>{badge(GATES[gate.verdict])}</td>'
        rows.append(f"<tr>{head}<td>{what}{hints}</td></tr>\n")
    more = f"<p>… and {len(gates) - MOST_ROWS:,} more</p>" if len(gates) > MOST_ROWS else ""
    return [
        f'<h2>Checks</h2>\n<p class="lead">{words}</p>\n<div class="scroll"><table class="stack"><thead><tr>'
        '<th scope="col">picture</th><th scope="col">checks</th><th scope="col">what they say</th></tr></thead>'
        f"\n<tbody>{''.join(rows)}</tbody></table></div>{more}"
    ]


def _decisions(report: Report) -> list[str]:
    states = ", ".join(f"{count:,} {STATES[state][2]}" for state, count in report.states.items())
    if not report.decisions:
        return [
            "<h2>Decisions</h2>",
            f'<p class="lead">Nothing waits for anybody: {states or "there are no pictures"}.</p>',
        ]
    rows = "".join(_decision_row(each) for each in report.decisions)
    return [
        f'<h2>Decisions</h2>\n<p class="lead">{states}.</p>\n<div class="scroll"><table class="stack"><thead><tr>'
        '<th scope="col">state</th><th scope="col">who is waited for, or what was said</th>'
        f'<th scope="col">pictures</th></tr></thead>\n<tbody>{rows}</tbody></table></div>'
    ]


def _decision_row(each: Open) -> str:
    return (
        f"<tr><td>{badge(STATES.get(each.state))}</td><td><bdi>{escaped(each.words)}</bdi></td>"
        f"<td>{address_list(each.addresses)}</td></tr>\n"
    )


def _footer(report: Report, room: _Room) -> str:
    shown = f" {len(room.pictured):,} of {counted(room.of, 'change')} shown with pictures." if report.changes else ""
    return f"<footer><p>Written by <code>imagebuild report</code>.{shown} Amounts are US dollars.</p></footer>"
