"""A plan for people: a row an asset, then what changes and why, cells that change alike gathered, and the price."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from imagebuild.cli.attempt_text import attempts_lines, next_command
from imagebuild.cli.terminal import Ink, isolated, printable
from imagebuild.core.key import shown_diff
from imagebuild.core.offer import dollars
from imagebuild.core.plan import VERDICTS, Plan, PlanStep
from imagebuild.core.reason import Change, Reason
from imagebuild.stages.groups import Group, attempt_of, groups_of
from imagebuild.stages.plan import Planned

__all__ = ["attempt_lines", "cells_text", "plan_text", "price_line", "reason_lines"]

SIGNS = {
    "make": "+", "restore": "<", "adopt": ">", "refused": "x", "flawed": "x", "rejected": "x", "blocked": "x",
    "uncertain": "?", "wait": "…",
}  # fmt: skip


def attempt_lines(group: Group, plan: Plan) -> list[str]:
    """What is known of the attempts a group speaks of, and the command that goes on."""
    if group.reason.attempt is None:
        return []
    attempts = {attempt.key: attempt for attempt in (attempt_of(plan, step) for step in group.steps)}
    lines = attempts_lines(list(attempts.values()))
    command = next_command(group.steps[0].why, group.reason.attempt)
    return [*lines, command] if command else lines


def plan_text(planned: Planned, ink: Ink, *, everything: bool = False) -> str:
    plan = planned.plan
    lines = [_head(plan, ink), ""]
    lines.extend(_table(planned, ink))
    for group in groups_of(planned, everything=everything):
        lines.append("")
        lines.extend(_group_lines(group, planned, ink, everything))
    lines.extend(_tail(plan, ink))
    return "\n".join(lines)


def _head(plan: Plan, ink: Ink) -> str:
    floating = " (floating)" if plan.floating else ""
    return f"{ink.bold(plan.campaign)} · {plan.provider} · {plan.model}{floating} · prices of {plan.prices_of}"


def _table(planned: Planned, ink: Ink) -> list[str]:
    plan, counts = planned.plan, planned.counts()
    order = ("make", "check", *VERDICTS[1:])
    shown = [verdict for verdict in order if any(row.get(verdict) for row in counts.values())] or ["reuse"]
    prices: dict[str, Decimal] = {}
    for step in plan.steps:
        prices[step.asset] = prices.get(step.asset, Decimal(0)) + step.price
    width = max([len("asset"), *(len(asset) for asset in counts)])
    lines = [ink.dim("  ".join([f"{'asset':<{width}}", *(f"{verdict:>7}" for verdict in shown), f"{'price':>9}"]))]
    for asset, row in counts.items():
        numbers = [f"{row.get(verdict) or '·':>7}" for verdict in shown]
        cost = dollars(prices[asset]) if prices.get(asset) else "·"
        lines.append("  ".join([f"{asset:<{width}}", *numbers, f"{cost:>9}"]))
    return lines


def _group_lines(group: Group, planned: Planned, ink: Ink, everything: bool) -> list[str]:
    sign = SIGNS.get(group.verdict, "·")
    colour = {"make": ink.green, "restore": ink.cyan, "adopt": ink.cyan}.get(group.verdict, ink.yellow)
    total = len(group.all)
    price = sum((step.price for step in group.all), Decimal(0))
    cost = f" · {dollars(price)}" if price else ""
    head = f"{colour(f'{sign} {group.verdict}')} {ink.bold(group.asset)} × {total}: {_sentence(group.reason)}{cost}"
    lines = [head]
    lines.extend("    " + line for line in reason_lines(group.reason, ink))
    lines.extend("    " + line for line in attempt_lines(group, planned.plan))
    lines.extend("    " + line for line in cells_text(group.steps, planned, everything))
    if group.rest:
        lines.append(ink.dim(f"    … and {len(group.rest)} more not compared one by one (`--all` compares them)"))
    return lines


def _sentence(reason: Reason) -> str:
    """It may quote a service, or a person."""
    return isolated(printable(reason.sentence))


def reason_lines(reason: Reason, ink: Ink) -> list[str]:
    lines = [f"{change.field}: {_change_text(change, ink)}" for change in reason.changes]
    for cause in reason.causes:
        at = f" ({cause.at})" if cause.at else ""
        if "/" in cause.name or cause.name.endswith((".j2", ".txt", ".md")):
            lines.append(f"because {ink.bold(cause.name)} changed")
        else:
            lines.append(f"because {ink.bold(cause.name)}{at}: {_quoted(cause.old)} → {_quoted(cause.new)}")
    return lines


def _change_text(change: Change, ink: Ink) -> str:
    if change.diff:
        text = printable(
            shown_diff(tuple((sign, text if sign == "=" else isolated(text)) for sign, text in change.diff))
        )
        return text.replace("[-", ink.red("[-")).replace("{+", ink.green("{+")) if ink.on else text
    if change.old is None and (change.field == "input" or change.field.startswith("references")):
        return f"{change.new}"
    return f"{_quoted(change.old)} → {_quoted(change.new)}"


def _quoted(value: object) -> str:
    if value is None:
        return "nothing"
    text = " ".join(str(value).split())
    if len(text) == 64 and all(letter in "0123456789abcdef" for letter in text):
        return text[:12]
    return isolated(printable(f"“{text[:90]}…”" if len(text) > 90 else f"“{text}”"))


def cells_text(steps: Sequence[PlanStep], planned: Planned, everything: bool = False, most: int = 6) -> list[str]:
    """Which cells: as a product of axis values where they are one, else their addresses."""
    if len(steps) == 1 or everything:
        return [_one(step) for step in steps]
    axes = [name for name, _ in steps[0].cell]
    values: dict[str, dict[str, None]] = {name: {} for name in axes}
    for step in steps:
        for name, value in step.cell:
            values[name][value] = None
    product = 1
    for found in values.values():
        product *= len(found)
    if axes and product == len({step.cell for step in steps}):
        return [" · ".join(f"{name}: {_values(name, values[name], planned)}" for name in axes)]
    lines = [_one(step) for step in steps[:most]]
    if len(steps) > most:
        lines.append(f"… and {len(steps) - most} more")
    return lines


def _values(axis: str, values: Iterable[str], planned: Planned) -> str:
    found = list(values)
    entries = planned.loaded.campaign.axes[axis].entries
    if len(found) == len(entries) and len(found) > 1:
        return f"all {len(found)}"
    return ", ".join(found[:8]) + (f" and {len(found) - 8} more" if len(found) > 8 else "")


def _one(step: PlanStep) -> str:
    parts = [step.address]
    if step.size:
        parts.append(step.size)
    if step.output:
        parts.append(step.output)
    if step.price:
        parts.append(dollars(step.price))
    return "  ".join(parts)


def _tail(plan: Plan, ink: Ink) -> list[str]:
    lines: list[str] = []
    for address, why in list(plan.skipped)[:8]:
        lines.append(f"skipped {address}: {why}")
    if len(plan.skipped) > 8:
        lines.append(f"skipped: … and {len(plan.skipped) - 8} more")
    if plan.orphans:
        names = ", ".join(entry.address for entry in list(plan.orphans)[:3]) + (" …" if len(plan.orphans) > 3 else "")
        lines.append(f"{len(plan.orphans)} no longer in the campaign: {names} (`build --prune` removes their files)")
    lines.extend(f"{ink.yellow('note:')} {note}" for note in (*plan.notes, *plan.remarks))
    if plan.over_budget:
        lines.append(f"{ink.red('over budget:')} {plan.over_budget}")
    if plan.hold:
        lines.append(f"{ink.yellow('held back:')} {plan.hold}; `build --yes` goes on")
    if lines:
        lines.insert(0, "")
    lines.extend(["", price_line(plan, ink)])
    return lines


def price_line(plan: Plan, ink: Ink) -> str:
    """The whole plan in a sentence."""
    work, kept = plan.work, plan.in_place
    if not work:
        return f"Nothing to do: all {kept} in place."
    own = [step for step in work if not step.merged]
    making = [step for step in own if step.verdict == "make"]
    accepted = sum(step.why == "flawed-accepted" for step in making)
    paid = sum(step.paid for step in making) - accepted
    checks = sum(step.kind == "check" for step in making)
    found = Counter(step.verdict for step in own)
    told = {
        "to make": paid,
        "to accept as they are": accepted,
        "to draw here": len(making) - paid - accepted - checks,
        "to check": checks,
        "the same as another": len(work) - len(own),
        "to restore": found["restore"],
        "to adopt": found["adopt"],
        "uncertain": found["uncertain"],
        "refused": found["refused"],
        "flawed": found["flawed"],
        "rejected": found["rejected"],
        "blocked": found["blocked"],
        "under way": found["wait"],
        "in place": kept,
    }
    counted = ", ".join(f"{count} {words}" for words, count in told.items() if count)
    budget = f" of {dollars(plan.budget.build)} for a build" if plan.budget.build is not None else ""
    batch = " in batches" if plan.policy.batch and plan.price else ""
    return f"{ink.bold('Plan:')} {counted}. Price: {ink.bold(dollars(plan.price))}{batch}{budget}."
