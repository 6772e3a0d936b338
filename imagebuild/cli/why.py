"""`imagebuild why`: verdict and reason of an asset, what changed, what made it, from what, and where its cost went."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from imagebuild.cli.about_data import (
    about_json,
    heading,
    kind_text,
    label,
    origin_lines,
    payment_line,
    report_lines,
    request_lines,
)
from imagebuild.cli.attempt_text import attempt_facts, next_command
from imagebuild.cli.plan import policy_asked, provider_of
from imagebuild.cli.plan_data import reason_json
from imagebuild.cli.plan_text import reason_lines
from imagebuild.cli.terminal import Ink, ink_for, isolated, printable
from imagebuild.core.lock import LockEntry
from imagebuild.core.offer import dollars
from imagebuild.core.plan import PlanStep
from imagebuild.core.reason import WHY
from imagebuild.stages.about import About, Inquiry, Part, picked
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project

__all__ = ["run"]

MOST = 12


def run(options: argparse.Namespace) -> int:
    project, policy = find_project(options.file, os.environ), policy_asked(options)
    planned = plan_campaign(project, provider=provider_of(options), whole=True, policy=policy)
    orphans = {entry.address: entry for entry in planned.plan.orphans}
    gone = [orphans[term] for term in options.asset if term in orphans]
    terms = [term for term in options.asset if term not in orphans]
    actions = planned.loaded.expansion.actions
    addresses = picked(actions, terms, options.exclude) if terms else []
    inquiry = Inquiry(planned)
    if options.json:
        found = [_json(inquiry, inquiry.about(address)) for address in addresses]
        found.extend({"address": entry.address, "verdict": "orphan", "output": entry.output} for entry in gone)
        json.dump({"campaign": planned.plan.campaign, "assets": found}, sys.stdout, ensure_ascii=False, indent=1)
        print()
        return 0
    ink = ink_for(sys.stdout)
    blocks = [_orphan_text(entry, ink) for entry in gone]
    steps = {step.address: step for step in planned.plan.steps}
    blocks.extend(_text(inquiry, inquiry.about(address), steps, ink) for address in addresses[:MOST])
    print("\n\n".join(blocks))
    if len(addresses) > MOST:
        print(f"\n… and {len(addresses) - MOST} more (`--json` has all of them)")
    return 0


def _orphan_text(entry: LockEntry, ink: Ink) -> str:
    lines = [
        ink.bold(isolated(entry.address)),
        label("orphan", "no longer in the campaign; the lock remembers it", ink),
        label("output", f"{entry.output} (`imagebuild build --prune` removes it)" if entry.output else "none", ink),
    ]
    if entry.cost:
        lines.append(label("cost", f"{dollars(entry.cost)} billed", ink))
    lines.extend((label("key", entry.key, ink), label("digest", entry.digest, ink)))
    return "\n".join(lines)


def _text(inquiry: Inquiry, about: About, steps: Mapping[str, PlanStep], ink: Ink) -> str:
    lines = [ink.bold(isolated(about.address))]
    if about.output is not None:
        lines.append(label("output", f"{isolated(about.output)} ({about.in_place})", ink))
    else:
        lines.append(label("output", "none: other assets are made from it", ink))
    for part in about.parts:
        lines.extend(heading(about, part, ink))
        lines.extend(_verdict_lines(part, steps.get(part.action.address), ink))
        lines.extend(_part_lines(inquiry, part, ink))
    lines.extend(_cost_lines(about, ink))
    return "\n".join(lines)


def _verdict_lines(part: Part, step: PlanStep | None, ink: Ink) -> list[str]:
    colour = {"make": ink.green, "reuse": ink.dim}.get(part.verdict, ink.cyan)
    price = f" · about {dollars(step.price)}" if step is not None and step.price else ""
    attempt = part.reason.attempt
    if attempt is None or step is None:
        lines = [f"  {colour(f'{part.verdict:<10}')}{isolated(printable(part.reason.sentence))}{price}"]
        told = part.reason.sentence == WHY["input-made"]  # where its inputs are shown
        return lines if told else lines + ["      " + line for line in reason_lines(part.reason, ink)]
    lines = [f"  {colour(f'{part.verdict:<10}')}{WHY[step.why]}{price}"]
    lines.extend(label(name, text, ink) for name, text in attempt_facts(attempt))
    command = next_command(step.why, attempt)
    return [*lines, label("next", command, ink)] if command else lines


def _part_lines(inquiry: Inquiry, part: Part, ink: Ink) -> list[str]:
    lines = [label("made", _made_text(part), ink), *report_lines(part, ink)]
    change = inquiry.last_change(part)
    if change is not None:
        lines.append(label("before", f"{change.made_at}, and since then this changed:", ink))
        lines.extend("      " + line for line in reason_lines(change.reason, ink))
    if part.alike:
        lines.append(label("same as", _several(part.alike), ink))
    lines.append(label("kind", kind_text(part), ink))
    lines.append(label("key", part.key or "not known before its input is made", ink))
    lines.append(label("digest", part.digest or "not known before it is made", ink))
    for origin in part.origins:
        lines.extend(origin_lines([origin], ink))
        if origin.reason is not None:
            lines.append(f"      {isolated(printable(origin.reason.sentence))}")
            lines.extend("      " + line for line in reason_lines(origin.reason, ink))
    lines.append(label("request", "", ink).rstrip())
    lines.extend(request_lines(part, prompt=True))
    return lines


def _several(addresses: tuple[str, ...]) -> str:
    shown = ", ".join(isolated(address) for address in addresses[:4])
    more = f" and {len(addresses) - 4} more" if len(addresses) > 4 else ""
    return f"{shown}{more}: the same request, made once"


def _made_text(part: Part) -> str:
    record, entry = part.record, part.entry
    if record is None:
        if entry is None:
            return "never"
        by = " · ".join(filter(None, (entry.provider, entry.model)))
        return f"before{f' by {by}' if by else ''}; the store has no record of it"
    by = f" by {record.provider} · {record.model}" if record.paid else ", drawn here"
    parts = [record.made_at + by, f"{record.seconds:g} s"]
    if record.request_id:
        parts.append(f"request {record.request_id}")
    if record.address != part.action.address:
        parts.append(f"for {isolated(record.address)}")
    return ("" if record.key == part.key else "the earlier one: ") + " · ".join(parts)


def _cost_lines(about: About, ink: Ink) -> list[str]:
    """Where the money went: for what is drawn here, into the paid pictures that it is drawn from."""
    own = {part.action.address for part in about.parts if part.action.paid}
    lines = [label("cost", payment_line(each), ink) for each in about.payments if each.address in own]
    if not own:
        lines.append(label("cost", "nothing of its own: drawn here", ink))
    lines.extend(
        label("made from", f"{isolated(each.address)}  {each.verdict} · {payment_line(each)}", ink)
        for each in about.payments
        if each.address not in own
    )
    return lines


def _json(inquiry: Inquiry, about: About) -> dict[str, Any]:
    found = about_json(about)
    for part, data in zip(about.parts, found["parts"], strict=True):
        change = inquiry.last_change(part)
        data["last_change"] = {"made_at": change.made_at, **reason_json(change.reason)} if change is not None else None
    return found
