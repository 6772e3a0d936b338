"""What `why` and `show` say about an asset: as JSON, and the lines that both print for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from imagebuild.cli.plan_data import reason_json
from imagebuild.cli.terminal import Ink, isolated, printable
from imagebuild.core.key import readable, short
from imagebuild.core.offer import dollars
from imagebuild.stages.about import About, Origin, Part, Payment, Written

__all__ = [
    "about_json", "heading", "kind_text", "label", "origin_lines", "payment_line", "report_lines", "request_lines",
]  # fmt: skip

WIDTH = 10
_LAID = re.compile(r"(?:^|\.)typeset[.\[]")
KINDS = {"generate": "generate (paid)", "edit": "edit (paid)", "local": "drawn here", "check": "checked here"}


def label(name: str, text: str, ink: Ink) -> str:
    return f"  {ink.dim(f'{name:<{WIDTH}}')}{text}"


def heading(about: About, part: Part, ink: Ink) -> list[str]:
    """Which of an asset's actions the lines below speak of; nothing when it has but one."""
    if len(about.parts) == 1:
        return []
    name = part.action.address.rpartition(":")[2]
    variant = f", {name.replace('-', ' ')}" if name.startswith("variant-") else ""
    return [f"  {ink.dim('—')} {_HEADINGS[part.action.kind]}{variant}"]


_HEADINGS = {
    "generate": "its paid picture",
    "edit": "its paid picture",
    "local": "what is drawn from it",
    "check": "its checks: what passes is delivered",
}


def report_lines(part: Part, ink: Ink) -> list[str]:
    """What its check found."""
    report = part.record.report if part.record is not None and part.record.key == part.key else None
    if report is None:
        return []
    lines = [label("checks", " · ".join(f"{name} {verdict}" for name, verdict in report["checks"].items()), ink)]
    lines.extend(f"      {each['verdict']}: {isolated(printable(each['what']))}" for each in report["findings"])
    return lines


def kind_text(part: Part) -> str:
    action = part.action
    size = f"{action.size[0]}x{action.size[1]}" if action.size else ""
    return " · ".join(filter(None, (KINDS[action.kind], size)))


def origin_lines(origins: Iterable[Origin], ink: Ink) -> list[str]:
    lines = []
    for each in origins:
        name = each.address or each.path or "a picture"
        digest = f"  {short(each.digest)}" if each.digest else ""
        verdict = f"  {each.verdict}" if each.verdict else ""
        slot = each.slot if len(each.slot) < WIDTH else each.slot + " "
        lines.append(label(slot, isolated(name) + verdict + digest, ink))
    return lines


def request_lines(part: Part, *, prompt: bool) -> list[str]:
    """The manifest, a field a line; what is not known before the inputs are made is said to be so."""
    unknown = {slot for slot, _ in part.action.inputs} - {each.slot for each in part.origins if each.digest}
    lines = []
    folded = 0
    for line in readable(part.manifest).removesuffix("\n").split("\n"):  # a text may hold other line breaks
        path, _, value = line.partition(": ")
        if path == "prompt" and not prompt:
            continue
        if _LAID.search(path) and not path.endswith((".text", ".language", ".direction")):
            folded += 1
            continue
        shown = "not known before its input is made" if path in unknown else isolated(printable(value))
        lines.append(f"    {path}: {shown}")
    if folded:
        lines.append(f"    … and {folded} more of how the layout sets it (`--json` has them)")
    return lines


def payment_line(payment: Payment) -> str:
    """One paid picture: what it cost, and how many outputs share that."""
    cost = payment.billed
    if cost == 0 or (cost is None and payment.estimate == 0):
        text = "free"
    elif cost is None:
        text = f"about {dollars(payment.estimate)}, not paid for yet" if payment.estimate else "not paid for yet"
    else:
        text = f"{dollars(cost)} billed"
    if cost and payment.estimate is not None:
        text += f", {dollars(payment.estimate)} estimated"
    return f"{text}{_shared(payment, cost)}"


def _shared(payment: Payment, cost: Decimal | None) -> str:
    others = payment.uses - 1
    if others < 1:
        return ""
    each = f": {dollars(cost / payment.uses)} each" if cost else ""
    return f", shared with {others} other{'s' if others > 1 else ''}{each}"


# ------------------------------------------------------------------------------------------------------------- JSON


def about_json(about: About) -> dict[str, Any]:
    """What `why` and `show` both say."""
    return {
        "address": about.address,
        "asset": about.final.action.asset,
        "cell": dict(about.final.action.cell),
        "output": about.output,
        "output_is": about.in_place or None,
        "parts": [_part_json(part) for part in about.parts],
        "paid_for": [
            {
                "address": each.address, "verdict": each.verdict, "billed": _amount(each.billed),
                "estimate": _amount(each.estimate), "outputs": each.uses,
            }
            for each in about.payments
        ],
    }  # fmt: skip


def _part_json(part: Part) -> dict[str, Any]:
    action = part.action
    return {
        "address": action.address,
        "kind": action.kind,
        "size": f"{action.size[0]}x{action.size[1]}" if action.size else None,
        "verdict": part.verdict,
        "reason": reason_json(part.reason),
        "key": part.key,
        "digest": part.digest,
        "estimate": _amount(part.price),
        "prompt": action.manifest.get("prompt"),
        "manifest": json.loads(json.dumps(part.manifest)),
        "inputs": [
            {name: getattr(each, name) for name in ("slot", "address", "path", "digest", "verdict")}
            for each in part.origins
        ],
        "written_from": [_written_json(each) for each in part.written],
        "same_request_as": list(part.alike),
        "made": _made_json(part),
        "report": json.loads(json.dumps(part.record.report)) if part.record is not None else None,
    }


def _written_json(each: Written) -> Mapping[str, object]:
    kind = "file" if each.is_file else "value"
    return {"name": each.name, kind: each.value, "at": str(each.at) if each.at else None}


def _made_json(part: Part) -> dict[str, Any] | None:
    """The latest result: from its record, else from the lock, which remembers less."""
    record, entry = part.record, part.entry
    if record is not None:
        return {
            "key": record.key, "digest": record.digest, "at": record.made_at, "seconds": record.seconds,
            "provider": record.provider, "model": record.model, "request_id": record.request_id,
            "billed": _amount(record.cost), "estimate": _amount(record.estimate), "address": record.address,
        }  # fmt: skip
    if entry is not None:
        return {
            "key": entry.key, "digest": entry.digest, "at": None, "seconds": None,
            "provider": entry.provider, "model": entry.model, "request_id": None,
            "billed": _amount(entry.cost), "estimate": None, "address": entry.address,
        }  # fmt: skip
    return None


def _amount(value: Decimal | None) -> str | None:
    return f"{value:f}" if value is not None else None
