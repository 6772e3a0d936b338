"""`imagebuild approve`: record what a person decides about pictures, or what was decided on an exported page."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import Ink, ink_for, isolated, printable
from imagebuild.core.approvals.decision import Decision
from imagebuild.core.approvals.history import History
from imagebuild.core.offer import dollars
from imagebuild.errors import ApprovalsError, ImagebuildError, reason_of, visible
from imagebuild.stages.about import picked
from imagebuild.stages.approvals import Decided, decide, read_approvals
from imagebuild.stages.asked import MOST_BYTES, read_exported
from imagebuild.stages.people import Who, entered_as, who_decides
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project, find_project
from imagebuild.stages.standings import LeftOut, missing_of, select, standings
from imagebuild.stages.takes import Effect, effect_between

__all__ = ["decision_json", "run"]

MOST = 8  # addresses of one kind that are listed
WORDS: Mapping[str, str] = {
    "approve": "approved", "reject": "rejected", "comment": "commented on", "withdraw": "took back what was said of",
    "retake": "asked for another take of", "pick": "picked a variant of",
}  # fmt: skip


class _Outcome(NamedTuple):
    recorded: tuple[Decision, ...]
    left_out: tuple[LeftOut, ...]
    known: int  # of a file's: recorded before
    history: History
    is_first: bool  # nobody had decided anything here
    waiting_for: str = ""  # whose approval all this had to wait for, where that was asked


def run(options: argparse.Namespace) -> int:
    _check(options)
    project = find_project(options.file, os.environ)
    who = _who(options, project)
    provider = provider_of(options)
    planned = plan_campaign(project, provider=provider, whole=True)
    history = read_approvals(project)
    history.check()
    now = datetime.datetime.now(datetime.UTC)
    if options.from_file:
        outcome = _import(options, planned, history, who, now)
    else:
        outcome = _record(options, planned, history, who, now)
    effect = _effect(planned, outcome, provider)
    if options.json:
        json.dump(_as_json(planned, who.name, outcome, effect), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print("\n".join(_text(planned, outcome, effect, ink_for(sys.stdout))))
    return 1 if any(each.refused for each in outcome.left_out) else 0


def _check(options: argparse.Namespace) -> None:
    """What the parser cannot tell: which options go together."""
    selects = bool(options.select or options.exclude or options.all or options.waiting)
    decides = options.reject or options.withdraw or options.comment is not None or options.another_take
    if options.from_file:
        if selects or decides or options.why:
            raise ApprovalsError("`--from` says itself what is decided, and about what", hint="give it alone")
        return
    if options.withdraw and (options.reject or options.comment is not None):
        raise ApprovalsError("`--withdraw` goes with `--another-take`, or stands alone")
    if options.reject and not (options.why or "").strip():
        raise ApprovalsError("to reject takes a reason", hint='`--reject --why "…"`')
    if options.comment is not None and options.why:
        raise ApprovalsError("a comment needs no `--why`", hint='`--comment "…"` says it')
    if options.comment is not None and not options.comment.strip():
        raise ApprovalsError("the comment is empty", hint='`--comment "…"`')
    if not selects:
        raise ApprovalsError("which pictures?", hint="`imagebuild approve hero locale=de-DE`, `--waiting`, or `--all`")
    if options.waiting and (options.another_take or options.withdraw):
        raise ApprovalsError("`--waiting` is what waits for approval", hint="name the pictures")
    if options.waiting and options.all:
        raise ApprovalsError("`--waiting` and `--all` contradict each other", hint="give one of them")
    if options.all and options.select:
        raise ApprovalsError("`--all` and a selection contradict each other", hint="give one of them")


def _who(options: argparse.Namespace, project: Project) -> Who:
    who = who_decides(options.who, os.environ, project.folder)
    if not who.name:
        hint = "`--as you@example.com`, or `git config user.email you@example.com`, or set IMAGEBUILD_USER"
        raise ApprovalsError("nobody knows who decides", hint=hint)
    return who


# ------------------------------------------------------------------------------------------------------ recording


def _record(
    options: argparse.Namespace, planned: Planned, history: History, who: Who, now: datetime.datetime
) -> _Outcome:
    undoing = None
    if options.withdraw:
        decision, undoing = "withdraw", "retake" if options.another_take else None
    elif options.comment is not None:
        decision = "comment"
    else:
        decision = "reject" if options.reject else "retake" if options.another_take else "approve"
    actions = planned.loaded.expansion.actions
    addresses = picked(actions, options.select, options.exclude)
    if options.waiting:
        rows = standings(planned, history, set(addresses))
        addresses = [row.address for row in rows if row.waits is not None and row.waits.has(who.name)]
    delivered = [address for address in addresses if actions[address].output is not None]
    is_about_paid = "retake" in (decision, undoing)
    why = (options.comment if decision == "comment" else options.why) or ""
    chosen = select(
        planned, history, who.name, decision, addresses if is_about_paid else delivered or addresses, why=why,
        undoing=undoing, entered=entered_as(who.name, who.at_work),
    )  # fmt: skip
    decided = decide(planned, history, who.name, chosen.asked, now=now, entering=who.at_work)
    outcome = _outcome(decided, chosen.left_out, history)
    return outcome._replace(waiting_for=who.name) if options.waiting else outcome


def _import(
    options: argparse.Namespace, planned: Planned, history: History, who: Who, now: datetime.datetime
) -> _Outcome:
    exported = read_exported(
        _read(options.from_file), file=visible(options.from_file), campaign=planned.plan.campaign
    )  # fmt: skip
    malformed = [LeftOut(each.asset, each.what, each.hint) for each in exported.refused]
    decided = decide(planned, history, who.name, exported.asked, now=now, entering=who.at_work)
    return _outcome(decided, malformed, history)


def _read(path: str) -> bytes:
    try:
        if path == "-":
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with open(path, "rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as bad:
        raise ApprovalsError(f"cannot read `{path}`: {reason_of(bad)}") from bad


def _outcome(decided: Decided, left_out: Iterable[LeftOut], before: History) -> _Outcome:
    refused = [LeftOut(each.asset, each.what, each.hint) for each in decided.refused]
    recorded = tuple(each for each in decided.accepted if each.ref not in before.by_ref)
    known = len(decided.accepted) - len(recorded)
    return _Outcome(recorded, (*left_out, *refused), known, decided.history, bool(recorded) and not before.decisions)


def _effect(planned: Planned, outcome: _Outcome, provider: str | None) -> Effect | None:
    """What the takes that were asked for just now change in the plan; None when none were. They are recorded, whatever
    comes of planning now."""
    if not any(each.decision == "retake" for each in outcome.recorded):
        return None
    try:
        return effect_between(planned, plan_campaign(planned.project, provider=provider, whole=True))
    except ImagebuildError:
        return Effect(None, ())


# ------------------------------------------------------------------------------------------------------- printing


def _text(planned: Planned, outcome: _Outcome, effect: Effect | None, ink: Ink) -> list[str]:
    lines: list[str] = []
    by_kind: dict[tuple[str, str, str | None], list[Decision]] = {}
    for each in outcome.recorded:
        by_kind.setdefault((each.decision, each.by, each.entered), []).append(each)
    for (decision, by, entered), several in by_kind.items():
        assets = list(dict.fromkeys(each.asset for each in several))
        trace = f" ({_shown(entered)})" if entered else ""
        lines.append(f"{ink.green(WORDS[decision])} {_counted(len(assets))}, as {_shown(by)}{trace}")
        lines.extend(_listed(assets, ink))
    lines.extend(_effect_lines(effect, ink) if effect is not None else ())
    lines.extend(_left_lines(outcome.left_out, ink))
    if outcome.known:
        lines.append(f"{outcome.known} of them {'was' if outcome.known == 1 else 'were'} recorded before")
    if not outcome.recorded:
        waited = f"nothing waits for {_shown(outcome.waiting_for)}: " if outcome.waiting_for and not lines else ""
        lines.append(f"{waited}nothing was recorded")
    else:
        lines.extend(_missing_lines(planned, outcome, ink))
    if outcome.is_first:
        name = _shown(os.path.relpath(planned.project.approvals))
        lines.append(ink.dim(f"decisions are in `{name}` from now on: commit it beside the lock"))
    return lines


def _effect_lines(effect: Effect, ink: Ink) -> list[str]:
    if effect.price is None:
        return ["what the next build makes and pays for it cannot be told: see `imagebuild plan`"]
    pays = f"pays {dollars(effect.price)} more" if effect.price > 0 else "pays nothing more"
    made = f"the next build {pays}, and makes {_counted(len(effect.pictures))} anew; nothing was paid now"
    return [made, *_listed(effect.pictures, ink)]


def _left_lines(left_out: Iterable[LeftOut], ink: Ink) -> list[str]:
    by_reason: dict[tuple[bool, str, str | None], list[str]] = {}
    for each in left_out:
        hint = each.hint.replace(each.asset, "…") if each.hint and each.asset else each.hint
        by_reason.setdefault((each.refused, each.what, hint), []).append(each.asset)
    lines: list[str] = []
    for (refused, what, hint), assets in by_reason.items():
        named = list(dict.fromkeys(asset for asset in assets if asset))
        word = ink.red("refused") if refused else ink.dim("left out")
        many = _counted(len(named)) if named else _counted(len(assets), "entry", "entries")
        lines.append(f"{word} {many}: {_shown(what)}")
        lines.extend(_listed(named, ink))
        if hint:
            lines.append(f"  hint: {_shown(hint)}")
    return lines


def _missing_lines(planned: Planned, outcome: _Outcome, ink: Ink) -> list[str]:
    """What still is to be said of the pictures that were just decided about."""
    words = [outcome.history.by_ref.get(each.undoes or "", each) for each in outcome.recorded]
    about = {each.asset for each in words if each.decision in ("approve", "reject")}
    rows = standings(planned, outcome.history, about) if about else []
    done = sum(row.standing.state == "approved" for row in rows)
    lines = [f"approved in full: {done} of {len(rows)}"] if rows else []
    counted = {each.ref for row in rows for each in row.standing.approvals}
    entered = [each for each in outcome.recorded if each.decision == "approve" and each.entered]
    idle = [each for each in entered if each.ref not in counted]
    if idle:
        people = ", ".join(dict.fromkeys(_shown(each.by) for each in idle))
        what = f"{_counted(len(idle), 'approval')} of {people}"
        lines.append(f"  {ink.yellow('not counted')}: {what}, entered by whoever had the pictures made")
    for each in missing_of(row for row in rows if row.standing.state != "rejected"):
        people = f" ({', '.join(_shown(name) for name in each.people[:4])})" if each.people else ""
        lines.append(f"  {ink.yellow('missing')} {_shown(each.words)}{people}: {_counted(len(each.addresses))}")
    return lines


def _listed(addresses: Sequence[str], ink: Ink) -> list[str]:
    lines = [f"  {_shown(address)}" for address in addresses[:MOST]]
    return lines + ([ink.dim(f"  … and {len(addresses) - MOST} more")] if len(addresses) > MOST else [])


def _counted(count: int, one: str = "picture", many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _shown(text: str) -> str:
    return isolated(printable(text))


# ------------------------------------------------------------------------------------------------------------ JSON


def decision_json(each: Decision) -> dict[str, Any]:
    """A decision as a program reads it; what was not said is left out."""
    row = {
        "id": each.id, "ref": each.ref, "at": each.at, "by": each.by, "decision": each.decision, "asset": each.asset,
        "digest": each.digest, "key": each.key, "why": each.why, "policy": each.policy, "undoes": each.undoes,
        "entered": each.entered,
    }  # fmt: skip
    return {name: value for name, value in row.items() if value}


def _as_json(planned: Planned, who: str, outcome: _Outcome, effect: Effect | None) -> dict[str, Any]:
    return {
        "campaign": planned.plan.campaign,
        "by": who,
        "recorded": [decision_json(each) for each in outcome.recorded],
        "recorded_before": outcome.known,
        "left_out": [
            {"asset": each.asset, "what": each.what, "hint": each.hint, "refused": each.refused}
            for each in outcome.left_out
        ],
        "next_build": (
            {
                "price": f"{effect.price:f}" if effect.price is not None else None,
                "pictures": list(effect.pictures),
            }
            if effect is not None
            else None
        ),
    }  # fmt: skip
