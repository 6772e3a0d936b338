"""A plan as JSON (`schemas/plan.schema.json`), as Markdown for a pull request; whether a saved one still holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from imagebuild.cli.plan_text import attempt_lines, cells_text, price_line, reason_lines
from imagebuild.cli.terminal import Ink
from imagebuild.core.attempt import Attempt
from imagebuild.core.offer import dollars
from imagebuild.core.plan import CHANGING, VERDICTS, PlanStep
from imagebuild.core.reason import Reason
from imagebuild.core.reporting.markdown import CALLING
from imagebuild.errors import ImagebuildError, StalePlan
from imagebuild.stages.groups import Group, groups_of
from imagebuild.stages.plan import Planned

__all__ = ["check_fresh", "plan_json", "plan_markdown", "read_plan", "reason_json"]

PLAN_FORMAT = 1


def plan_json(planned: Planned, asked: Mapping[str, object]) -> dict[str, Any]:
    """The whole plan. `asked` is what it was made for (selection, provider), so that it can be made again."""
    plan = planned.plan
    making = [step for step in plan.steps if step.verdict == "make" and not step.merged]
    return {
        "imagebuild_plan": PLAN_FORMAT,
        "campaign": plan.campaign,
        "provider": plan.provider,
        "model": plan.model,
        "floating": plan.floating,
        "prices_of": plan.prices_of,
        "asked": dict(asked),
        "price": _amount(plan.price),
        "batch": plan.policy.batch,
        "spent": _amount(plan.spent),
        "spent_month": _amount(plan.spent_month),
        "budget": {name: _amount(value) for name, value in plan.budget._asdict().items() if value is not None},
        "over_budget": plan.over_budget,
        "hold": plan.hold,
        "changes": bool(plan.work),
        "paid": sum(step.paid for step in making),
        "counts": planned.counts(),
        "steps": [_step(planned, step) for step in plan.steps],
        "orphans": [{"address": entry.address, "output": entry.output} for entry in plan.orphans],
        "skipped": [{"address": address, "why": why} for address, why in plan.skipped],
        "notes": [*plan.notes, *plan.remarks],
    }


def _amount(value: Decimal) -> str:
    return f"{value:f}"


def _step(planned: Planned, step: PlanStep) -> dict[str, Any]:
    found: dict[str, Any] = {
        "address": step.address,
        "asset": step.asset,
        "kind": step.kind,
        "cell": dict(step.cell),
        "verdict": step.verdict,
        "why": step.why,
        "identity": step.identity,
        "price": _amount(step.price),
    }
    for name in ("key", "digest", "output", "size", "merged"):
        value = getattr(step, name)
        if value is not None:
            found[name] = value
    if step.verdict != "reuse":
        found["reason"] = reason_json(planned.explain(step))
    return found


def reason_json(reason: Reason) -> dict[str, Any]:
    return {
        "sentence": reason.sentence,
        "changes": [
            {
                "field": change.field,
                "old": change.old,
                "new": change.new,
                **({"diff": [list(part) for part in change.diff]} if change.diff else {}),
            }
            for change in reason.changes
        ],
        "causes": [
            {"name": cause.name, "old": cause.old, "new": cause.new, "at": str(cause.at) if cause.at else None}
            for cause in reason.causes
        ],
        **({"attempt": _attempt_json(reason.attempt)} if reason.attempt else {}),
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    """All of it but the request, and the provider's own note of how to go on."""
    names = ("id", "state", "provider", "model", "at", "request_id", "words", "digest", "answered")
    billed = None if attempt.billed is None else _amount(attempt.billed)
    found = {name: getattr(attempt, name) for name in names}
    return {**found, "estimate": _amount(attempt.estimate), "billed": billed}


def read_plan(path: str) -> dict[str, Any]:
    """A plan saved with `--out`."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
    except FileNotFoundError:
        raise ImagebuildError(f"no plan file `{path}`", hint="`imagebuild plan --out plan.json` writes one") from None
    except (ValueError, OSError) as bad:
        raise ImagebuildError(f"cannot read the plan `{path}`: {bad}") from bad
    if (
        not isinstance(data, dict)
        or data.get("imagebuild_plan") != PLAN_FORMAT
        or not isinstance(data.get("asked"), dict)
    ):
        raise ImagebuildError(
            f"`{path}` is not a plan this version can read", hint="`imagebuild plan --out plan.json` writes one"
        )
    return data


def check_fresh(saved: Mapping[str, Any], planned: Planned, path: str) -> None:
    """Refuse a saved plan that is not, step for step and price for price, what a build would do now."""
    now = {step.address: (step.verdict, step.identity, _amount(step.price), step.merged) for step in planned.plan.work}
    then: dict[str, tuple[str, str, str, str | None]] = {}
    for step in saved.get("steps", ()):
        if step["verdict"] in CHANGING:
            then[step["address"]] = (step["verdict"], step["identity"], step["price"], step.get("merged"))
    if now == then:
        return
    differing = [address for address in {**then, **now} if then.get(address) != now.get(address)]
    first = differing[0]
    was = then.get(first, ("nothing to do",))[0]
    would = now.get(first, ("nothing to do",))[0]
    what = f"was `{was}`, is `{would}` now" if was != would else "its request or its price changed since"
    counted = "one step differs," if len(differing) == 1 else f"{len(differing)} steps differ, the first is"
    raise StalePlan(
        f"the plan `{path}` is stale: {counted} `{first}` ({what})",
        hint="plan again: `imagebuild plan --out " + path + "`; nothing was built",
    )


def plan_markdown(planned: Planned) -> str:
    """For a pull-request comment: the table, the reasons, the price."""
    plan, ink = planned.plan, Ink(False)
    floating = " (floating)" if plan.floating else ""
    counts = planned.counts()
    order = ("make", "check", *VERDICTS[1:])
    shown = [verdict for verdict in order if any(row.get(verdict) for row in counts.values())] or ["reuse"]
    prices: dict[str, Decimal] = {}
    for step in plan.steps:
        prices[step.asset] = prices.get(step.asset, Decimal(0)) + step.price
    lines = [f"### imagebuild: {_escaped(plan.campaign)}", "", _plain(price_line(plan, ink)), ""]
    lines.append("| asset | " + " | ".join(shown) + " | price |")
    lines.append("|---|" + "--:|" * (len(shown) + 1))
    for asset, row in counts.items():
        cost = dollars(prices[asset]) if prices.get(asset) else "–"
        lines.append(f"| {asset} | " + " | ".join(str(row.get(verdict) or "–") for verdict in shown) + f" | {cost} |")
    groups = groups_of(planned)
    if groups:
        lines.extend(["", f"<details><summary>{len(plan.work)} changes and why</summary>", ""])
        for group in groups:
            lines.extend(_markdown_group(group, planned, ink))
        lines.extend(["", "</details>"])
    for text in (
        plan.over_budget and f"**Over budget:** {plan.over_budget}",
        plan.hold and f"**Held back:** {plan.hold}",
    ):
        if text:
            lines.extend(["", text])
    lines.extend(
        [
            "",
            f"<sub>{plan.provider} · {plan.model}{floating} · prices of {plan.prices_of}</sub>",
        ]
    )
    return "\n".join(lines)


def _markdown_group(group: Group, planned: Planned, ink: Ink) -> list[str]:
    lines = [f"- **{group.verdict}** `{group.asset}` × {len(group.all)}: {_escaped(group.reason.sentence)}"]
    lines.extend(f"  - {_escaped(line)}" for line in reason_lines(group.reason, ink))
    lines.extend(f"  - {_escaped(line)}" for line in attempt_lines(group, planned.plan))
    lines.extend(f"  - <sub>{_escaped(line)}</sub>" for line in cells_text(group.steps, planned))
    return lines


def _escaped(text: str) -> str:
    """No formatting, nobody called, no issue named, no address that becomes a link."""
    for letter in "\\`*_[]<>|#~":
        text = (
            text.replace(letter, "\\" + letter)
            if letter not in "<>"
            else text.replace(letter, "&lt;" if letter == "<" else "&gt;")
        )
    return CALLING.sub("<!-- -->", text)


def _plain(text: str) -> str:
    return text.replace("Plan: ", "", 1)
