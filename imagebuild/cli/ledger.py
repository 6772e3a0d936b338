"""`imagebuild ledger`: every payment ever made, and what is still open; `settle`: what the service's own books say."""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import re
import sys
from collections.abc import Sequence
from decimal import Decimal

from imagebuild.cli.terminal import Ink, ink_for, isolated, printable
from imagebuild.core.offer import dollars
from imagebuild.errors import ImagebuildError
from imagebuild.stages.cache import find_store
from imagebuild.stages.ledger import (
    Drift,
    Line,
    Picked,
    Total,
    drift,
    lines_of,
    pick,
    settle,
    total,
    totals,
)
from imagebuild.store.journal import LocalJournal

__all__ = ["run"]

LISTED = 20
WIDEST = 44  # characters of an address
_AMOUNT = re.compile(r"\$?\s*([0-9]+(?:\.[0-9]+)?)\s*(?:USD)?\Z", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    "id", "state", "at", "provider", "model", "campaign", "asset", "address", "estimate", "billed", "counted",
    "request_id", "key", "digest", "batch", "settled_at", "words",
)  # fmt: skip
_TOTALS = ("payments", "billed", "estimated", "not_known")


def run(options: argparse.Namespace) -> int:
    project = find_store(options.file, os.environ, os.getcwd())
    journal = LocalJournal(project.store)
    if options.action == "settle":
        return _settle(journal, options)
    _check_listing(options)
    wanted = Picked(options.month, options.provider, options.campaign, options.asset, options.state)
    lines = pick(lines_of(journal, options.month), wanted)
    if options.json:
        print(json.dumps(_json(project.store, lines, options.by or "month"), ensure_ascii=False))
    elif options.csv:
        _print_csv(lines, options.by)
    elif not lines:
        print("nothing was ever paid here" if wanted == Picked() else "nothing of that was paid here")
    else:
        print("\n".join(_text(lines, options, ink_for(sys.stdout))))
    return 0


def _check_listing(options: argparse.Namespace) -> None:
    if options.id is not None or options.not_billed or options.billed is not None:
        raise ImagebuildError(
            "an id, `--not-billed` and `--billed` go with `settle`", hint="`imagebuild ledger settle ID --not-billed`"
        )


# ------------------------------------------------------------------------------------------------------ for people


def _text(lines: Sequence[Line], options: argparse.Namespace, ink: Ink) -> list[str]:
    if options.by is not None:
        return [*_total_rows(lines, options.by, ink), *_tail(lines)]
    shown = lines if options.all else lines[-LISTED:]
    rest = len(lines) - len(shown)
    more = [ink.dim(f"… {rest:,} earlier ones (`--all` shows them)")] if rest else []
    return [*more, *_line_rows(shown, ink), "", *_total_rows(lines, "month", ink), *_tail(lines)]


def _line_rows(lines: Sequence[Line], ink: Ink) -> list[str]:
    addresses = [_cut(each.payment.address) for each in lines]
    wide = max(len("asset"), *(len(each) for each in addresses))
    service = max(len("provider"), *(len(each.payment.provider) for each in lines))
    heads = [f"{'sent':<16}", f"{'state':<9}", f"{'asset':<{wide}}", f"{'provider':<{service}}", "estimate".rjust(9)]
    rows = [ink.dim("  ".join([*heads, "billed".rjust(9), f"{'id':<10}", "request"]))]
    for line, address in zip(lines, addresses, strict=True):
        payment = line.payment
        state = f"{line.state:<9}"
        words = [
            f"{payment.at[:16].replace('T', ' '):<16}",
            state if line.state == "paid" else ink.yellow(state),
            isolated(f"{address:<{wide}}"),
            f"{payment.provider:<{service}}",
            f"{dollars(payment.estimate):>9}",
            f"{_billed(line):>9}",
            f"{line.short:<10}",
            isolated(printable(payment.request_id or "")),
        ]
        rows.append("  ".join(words).rstrip())
    return rows


def _billed(line: Line) -> str:
    if line.state == "cleared":
        return "nothing"
    return "not known" if line.payment.billed is None else dollars(line.payment.billed)


def _total_rows(lines: Sequence[Line], by: str, ink: Ink) -> list[str]:
    rows = totals(lines, by)
    if len(rows) > 1:
        rows.append(total("in all", lines))
    wide = max(len(by), *(len(row.name) for row in rows))
    heads = "  ".join([f"{by:<{wide}}", "payments", f"{'billed':>10}", f"{'estimated':>10}", f"{'not known':>10}"])
    return [ink.dim(heads), *(_total_row(row, wide) for row in rows)]


def _total_row(row: Total, wide: int) -> str:
    unknown = dollars(row.unknown) if row.unknown else "·"
    amounts = f"{dollars(row.billed):>10}  {dollars(row.estimated):>10}  {unknown:>10}"
    return f"{isolated(f'{printable(row.name):<{wide}}')}  {row.payments:>8,}  {amounts}"


def _tail(lines: Sequence[Line]) -> list[str]:
    found = [_drift_text(drift(lines))]
    unsure = [line for line in lines if line.can_be_settled]
    if unsure:
        amount = dollars(sum((line.counted for line in unsure), Decimal(0)))
        one = "payment is" if len(unsure) == 1 else "payments are"
        found.append(f"{len(unsure):,} {one} not certain, {amount} in all. When the service's own books say more:")
        found.append(f"  imagebuild ledger settle {unsure[-1].short} --not-billed   (or --billed AMOUNT)")
    found = [each for each in found if each]
    return ["", *found] if found else []


def _drift_text(found: Drift) -> str:
    if not found.estimated:
        return ""
    share = 100 * (found.billed - found.estimated) / found.estimated
    of = f"{dollars(found.billed)} for an estimated {dollars(found.estimated)}"
    if abs(share) < Decimal("0.5"):
        return f"billed as estimated: {of}"
    return f"billed {abs(share):.0f}% {'over' if share > 0 else 'under'} the estimate: {of}"


def _cut(address: str) -> str:
    address = printable(address)
    return address if len(address) <= WIDEST else f"{address[: WIDEST - 1]}…"


# ---------------------------------------------------------------------------------------------------- for programs


def _json(store: str, lines: Sequence[Line], by: str) -> dict[str, object]:
    found = drift(lines)
    return {
        "store": store,
        "payments": [_line_json(line) for line in lines],
        "by": by,
        "totals": [{"name": row.name, **_total_json(row)} for row in totals(lines, by)],
        "total": _total_json(total("", lines)),
        "drift": {
            "pictures": found.pictures, "estimated": f"{found.estimated:f}", "billed": f"{found.billed:f}",
        },
    }  # fmt: skip


def _line_json(line: Line) -> dict[str, object]:
    payment = line.payment
    return {
        "id": payment.id, "state": line.state, "at": payment.at, "provider": payment.provider, "model": payment.model,
        "campaign": payment.campaign, "asset": line.asset, "address": payment.address,
        "estimate": f"{payment.estimate:f}", "billed": None if payment.billed is None else f"{payment.billed:f}",
        "counted": f"{line.counted:f}", "request_id": payment.request_id, "key": payment.key, "digest": payment.digest,
        "batch": payment.batch, "settled_at": payment.extra.get("settled_at"), "words": payment.words,
    }  # fmt: skip


def _total_json(row: Total) -> dict[str, object]:
    return {
        "payments": row.payments, "billed": f"{row.billed:f}", "estimated": f"{row.estimated:f}",
        "not_known": f"{row.unknown:f}",
    }  # fmt: skip


def _print_csv(lines: Sequence[Line], by: str | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if by is not None:
        writer.writerow((by, *_TOTALS))
        for row in totals(lines, by):
            values = _total_json(row)
            writer.writerow([_cell(row.name), *(values[name] for name in _TOTALS)])
        return
    writer.writerow(_COLUMNS)
    for line in lines:
        found = _line_json(line)
        writer.writerow([_cell(found[name]) for name in _COLUMNS])


def _cell(value: object) -> str:
    """A text for a spreadsheet. What a service said may begin as a formula does: it must not become one."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


# -------------------------------------------------------------------------------------------------------- settling


def _settle(journal: LocalJournal, options: argparse.Namespace) -> int:
    if options.id is None or (options.billed is None) == (not options.not_billed):
        raise ImagebuildError(
            "`settle` wants an id, and what the service's own books say of it",
            hint="`imagebuild ledger settle ID --not-billed`, or `--billed 0.05`",
        )
    amount = Decimal(0) if options.billed is None else _amount(options.billed)
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    line = settle(journal, options.id, amount, now)
    name = f"{isolated(printable(line.payment.address))} ({line.payment.id})"
    if line.state == "cleared":
        print(f"{name}: not billed; the next build may ask for it again")
    elif line.state == "lost":
        print(f"{name}: {dollars(amount)} billed, and lost; `imagebuild build --on-uncertain retry` pays for it again")
    else:
        print(f"{name}: {dollars(amount)} billed; it stays refused")
    return 0


def _amount(text: str) -> Decimal:
    match = _AMOUNT.match(text.strip())
    if match is None:
        raise ImagebuildError(f"`{text}` is no amount", hint="in US dollars: `--billed 0.05`")
    amount = Decimal(match[1])
    if not amount:
        raise ImagebuildError("nothing billed is `--not-billed`", hint="`imagebuild ledger settle ID --not-billed`")
    return amount
