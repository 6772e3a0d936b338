"""The matrix: every delivered picture with its verdict, gate, approval, share of the cost; the axes; the money.

From values to JSON-able values; reads nothing but what the plan has read.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, Final

from imagebuild.core.approvals.policy import requirement_of
from imagebuild.core.approvals.standing import Waiting
from imagebuild.core.axis import Axis, Entry, Fields
from imagebuild.core.key import Digest
from imagebuild.core.locale import Locale
from imagebuild.core.reason import WHY
from imagebuild.core.steps.encode import PAGE_FORMATS
from imagebuild.stages.review.view import MERGED, View

__all__ = ["amount", "board_json", "cell_json", "frame_json", "gate_of", "money_json", "size_of", "thumb_url"]

CELL_WIDTH: Final = 320
_SHARE: Final = Decimal("0.000001")
_PAGES: Final = tuple(f".{form}" for form in PAGE_FORMATS)


def board_json(view: View, cells: Mapping[str, Mapping[str, Any]], *, at: str) -> dict[str, Any]:
    """The board, without who asks for it. `cells` are those of `cell_json`, by address."""
    since = view.since
    return {
        **frame_json(view),
        "generated": at,
        "cells": list(cells.values()),
        "money": money_json(view),
        "since": None if since is None else {"name": since.name, "at": since.at, "what": f"the lock of {since.name}"},
        "approvals": {
            "count": len(view.history.decisions),
            "faults": [{"line": each.line, "what": each.what} for each in view.history.faults],
        },
        "export": False,
    }


def frame_json(view: View) -> dict[str, Any]:
    """What of the board follows from the campaign alone, and from which of its pictures are shown."""
    planned = view.planned
    campaign = planned.loaded.campaign
    assets = {view.actions[address].asset for address in view.cells}
    return {
        "campaign": campaign.name,
        "model": planned.plan.model,
        "provider": planned.plan.provider,
        "people": list(view.people),
        "axes": [_axis_json(axis, view) for axis in campaign.axes.values()],
        "assets": [
            {
                "name": name, "over": list(campaign.assets[name].over), "paid": campaign.assets[name].paid,
                "policy": requirement_of(campaign.approval, name, {}).words,
            }
            for name in campaign.assets
            if name in assets
        ],
    }  # fmt: skip


def money_json(view: View) -> dict[str, Any]:
    budget, plan = view.planned.plan.budget, view.planned.plan
    return {
        "spent": amount(plan.spent),
        "campaign_limit": amount(budget.campaign),
        "build_limit": amount(budget.build),
        "next_build": amount(plan.price),
    }


def cell_json(view: View, address: str) -> dict[str, Any]:
    """One picture."""
    action, shown = view.actions[address], view.digest(address)
    verdict, why = _verdict(view, address)
    standing = view.standing(address, shown)
    placement = view.placement(address)
    entry = view.planned.facts.lock.entries.get(address)
    price = view.prices.get(address)
    return {
        "address": address,
        "asset": action.asset,
        "cell": dict(action.cell),
        "verdict": verdict,
        "why": why,
        "digest": shown,
        "thumb": thumb_url(shown, CELL_WIDTH, action.output),
        "size": size_of(view, address),
        "bytes": entry.bytes if entry is not None and entry.digest == shown else None,
        "cost": _cost(view, address),
        "price": amount(price or Decimal(0)),
        "gate": gate_of(view, address),
        "state": standing.state,
        "missing": list(standing.missing),
        "waits": _waits_json(view, view.waits(address, standing)),
        "placement": placement.name if placement is not None else None,
        "output": action.output,
        "changed": _is_changed(view, address, shown),
        "comments": len(standing.comments),
        "retake": any(view.retake(each) is not None for each in view.paid[address]),
        "variants": len(view.variants(address)),
        "dir": direction(view, address),
    }


def _waits_json(view: View, waits: Waiting | None) -> dict[str, Any] | None:
    """Of whom: people by their number on the board; or of everybody but these, by name."""
    if waits is None:
        return None
    if waits.anybody:
        return {"but": sorted(waits.people)}
    return {"of": [number for number, name in enumerate(view.people) if name in waits.people]}


def _is_changed(view: View, address: str, shown: Digest | None) -> bool | None:
    """Whether another picture was there at the revision that is compared with. One that its check held back is in no
    lock: what was drawn for it is."""
    if view.since is None:
        return None
    entry, action = view.since.entries.get(address), view.actions[address]
    if entry is None and action.kind == "check":
        entry = view.since.entries.get(dict(action.inputs)["input"])
    return shown != (entry.digest if entry is not None else None)


def _verdict(view: View, address: str) -> tuple[str, str]:
    """What the next build does about it, and why; of a build that runs, what has become of it."""
    if address in view.ended:
        return view.ended[address]
    if view.is_merged(address):
        return ("make", MERGED)
    step = view.steps.get(address)
    if step is None or address in view.came:
        return ("reuse", "")
    return (step.verdict, WHY.get(step.why, step.why) if step.why else "")


def thumb_url(digest: Digest | None, width: int, output: str | None = None) -> str | None:
    """Where the page asks for a small picture; None where none can be made of it."""
    if digest is None or (output or "").lower().endswith(_PAGES):
        return None
    return f"thumb/{digest}/{width}.webp"


def gate_of(view: View, address: str) -> str:
    """What the checks of the picture that is shown came to: passed, unverified, failed; none: it has none; pending: it
    is not looked at yet."""
    action, step = view.actions[address], view.steps.get(address)
    if action.kind != "check":
        return "none"
    if step is not None and step.verdict == "rejected" and address not in view.came:
        return "failed"
    entry, digest = view.planned.facts.lock.entries.get(address), view.digest(address)
    if digest is None:
        return "pending"
    said = entry.extra.get("checked") if entry is not None and entry.digest == digest else None
    if not isinstance(said, str) and step is not None and step.key is not None and address not in view.came:
        record = view.planned.store.record(step.key)
        said = record.report["verdict"] if record is not None and record.report is not None else None
    return said if said in ("passed", "unverified", "failed") else "pending"


def direction(view: View, address: str) -> str:
    tag = next((value for axis, value in view.actions[address].cell if axis == "locale"), None)
    return _direction(tag) if tag else "ltr"


@cache
def _direction(tag: str) -> str:
    return Locale(tag).direction


def size_of(view: View, address: str) -> list[int] | None:
    """Width and height in pixels, as far as is known before it is made."""
    entry, step = view.planned.facts.lock.entries.get(address), view.steps.get(address)
    text = (entry.size if entry is not None else None) or (step.size if step is not None else None)
    width, _, height = (text or "").partition("x")
    if width.isdigit() and height.isdigit():
        return [int(width), int(height)]
    size = view.actions[address].size
    return list(size) if size is not None else None


def amount(value: Decimal | None) -> str | None:
    """Dollars as a text: no exponent, no zeros at the end."""
    if not value:
        return None if value is None else "0"
    text = f"{value.quantize(_SHARE) if value != value.to_integral_value() else value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _cost(view: View, address: str) -> str | None:
    """The picture's share of what was billed; None when nothing of it is paid for."""
    found = [(view.billed(each), view.uses(each)) for each in view.paid[address]]
    shares = [billed / uses for billed, uses in found if billed is not None and uses]
    return amount(sum(shares, Decimal(0))) if shares else None


def _axis_json(axis: Axis, view: View) -> dict[str, Any]:
    used = {value for address in view.cells for name, value in view.actions[address].cell if name == axis.name}
    entries = [_entry_json(entry) for entry in axis.entries if entry.id in used]
    known = {entry["id"] for entry in entries}
    entries += [{"id": each, "label": each, "dir": "ltr"} for each in sorted(used - known)]  # named by an `include`
    return {"name": axis.name, "values": entries}


def _entry_json(entry: Entry) -> dict[str, str]:
    label, way = entry.id, "ltr"
    if entry.axis == "locale":
        locale = Locale(entry.id)
        label, way = locale.name, locale.direction
    elif isinstance(entry.value, Fields) and "name" in entry.value:
        label = str(entry.value["name"]) or entry.id
    return {"id": entry.id, "label": label, "dir": way}
