"""`imagebuild approvals`: how the pictures stand, what was decided, and whether the history is whole."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from imagebuild.cli.approve import decision_json
from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import Ink, ink_for, isolated, printable, say
from imagebuild.core.address import Selectable, asset_of, base_of, cell_of, parse_selection
from imagebuild.core.approvals.decision import Decision, same_person
from imagebuild.core.approvals.history import Fault, History
from imagebuild.core.approvals.policy import ANYBODY
from imagebuild.core.approvals.standing import STATES
from imagebuild.core.key import short
from imagebuild.errors import ApprovalsError, Place, Problem, did_you_mean, render
from imagebuild.stages.about import picked
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.facts import read_lock
from imagebuild.stages.people import identity
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project, find_project
from imagebuild.stages.standings import Row, missing_of, standings
from imagebuild.stages.verify_approvals import Verified, verify_approvals

__all__ = ["ACTIONS", "run"]

ACTIONS = ("list", "log", "verify")
MOST = 8


def run(options: argparse.Namespace) -> int:
    words = list(options.select)
    action = words.pop(0) if words and words[0] in ACTIONS else "list"
    if options.against is not None and action != "verify":
        raise ApprovalsError("`--against` goes with `verify`", hint="`imagebuild approvals verify --against v1.0`")
    if options.state and action != "list":
        raise ApprovalsError("`--state` goes with the list", hint="`imagebuild approvals --state open`")
    if options.waiting is not None and action != "list":
        raise ApprovalsError("`--for` goes with the list", hint="`imagebuild approvals --for ana@example.com`")
    project = find_project(options.file, os.environ)
    if action == "verify":
        if words or options.exclude:
            raise ApprovalsError("`verify` looks at the whole history", hint="`imagebuild approvals verify`")
        return _verify(project, options)
    return _log(project, options, words) if action == "log" else _list(project, options, words)


# -------------------------------------------------------------------------------------------------------- standing


def _list(project: Project, options: argparse.Namespace, words: Sequence[str]) -> int:
    planned = plan_campaign(project, provider=provider_of(options), whole=True)
    history = read_approvals(project)
    history.check()
    addresses = picked(planned.loaded.expansion.actions, words, options.exclude)
    rows = standings(planned, history, set(addresses))
    if options.state:
        rows = [row for row in rows if row.standing.state in options.state]
    if options.waiting is not None:
        name = _name(options.waiting, project)
        rows = [row for row in rows if row.waits is not None and row.waits.has(name)]
        if not options.json:
            people = _approvers(planned)
            if not rows and people and not any(same_person(name, each) for each in people):
                raise ApprovalsError(f"no `approvers` names `{name}`", hint=did_you_mean(name, people))
            print("\n".join(_waiting_text(rows, name)))
            return 0
    if options.json:
        json.dump(_list_json(planned.plan.campaign, rows), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print("\n".join(_list_text(rows, options.state, ink_for(sys.stdout))))
    return 0


def _list_text(rows: Sequence[Row], states: Sequence[str], ink: Ink) -> list[str]:
    if not rows:
        return [f"no picture is {' or '.join(states)}" if states else "no picture is delivered here"]
    lines = _table(rows, ink)
    if states:
        for row in rows:
            missing = f"  missing {', '.join(row.standing.missing)}" if row.standing.missing else ""
            lines.append(f"  {_shown(row.address)}  {row.standing.state}{_built(row)}{_shown(missing)}")
        return lines
    for each in missing_of(row for row in rows if row.standing.state != "rejected"):
        people = f" ({', '.join(_shown(name) for name in each.people)})" if each.people else ""
        lines.append(f"{ink.yellow('missing')} {_shown(each.words)}{people}: {_pictures(len(each.addresses))}")
        lines.extend(_addresses(each.addresses, ink))
    for row in rows:
        for rejection in row.standing.rejections:
            why = _shown(_line(rejection.why))
            lines.append(f"{ink.red('rejected')} {_shown(row.address)} by {_shown(rejection.by)}: {why}")
    unbuilt = sum(row.digest is None for row in rows)
    if unbuilt:
        lines.append(f"{_pictures(unbuilt)} not built as the campaign is now: `imagebuild build`")
    return lines


def _name(said: str, project: Project) -> str:
    """Whose: `me` is whoever is at work here."""
    if said != "me":
        return said
    name = identity(os.environ, project.folder)
    if name is None:
        hint = "`--for you@example.com`, or `git config user.email you@example.com`, or set IMAGEBUILD_USER"
        raise ApprovalsError("nobody knows who `me` is here", hint=hint)
    return name


def _approvers(planned: Planned) -> tuple[str, ...]:
    policy = planned.loaded.campaign.approval
    return policy.people(ANYBODY) if policy is not None else ()


def _waiting_text(rows: Sequence[Row], name: str) -> list[str]:
    """What waits for somebody, all of it: they will go through the list."""
    if not rows:
        return [f"nothing waits for {_shown(name)}"]
    lines = [f"{_pictures(len(rows))} {'waits' if len(rows) == 1 else 'wait'} for {_shown(name)}"]
    for row in rows:
        missing = _shown(", ".join(row.standing.missing))
        lines += [f"  {_shown(row.address)}  {row.standing.state}  missing {missing}"]
    return lines


def _table(rows: Iterable[Row], ink: Ink) -> list[str]:
    """How many pictures of each asset are in each state; states that no picture is in are left out."""
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.asset, Counter())[row.standing.state] += 1
    used = [state for state in STATES if any(count[state] for count in counts.values())]
    width = max(map(len, counts))
    lines = [" " * width + "".join(f"  {state:>8}" for state in used)]
    for asset, count in counts.items():
        lines.append(f"{asset:<{width}}" + "".join(f"  {count[state] or '·':>8}" for state in used))
    return [ink.dim(lines[0]), *lines[1:]]


def _built(row: Row) -> str:
    return "" if row.digest is not None else " (not built)"


def _addresses(addresses: Sequence[str], ink: Ink) -> list[str]:
    lines = [f"  {_shown(address)}" for address in addresses[:MOST]]
    return lines + ([ink.dim(f"  … and {len(addresses) - MOST} more")] if len(addresses) > MOST else [])


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _shown(text: str) -> str:
    return isolated(printable(text))


def _line(text: str) -> str:
    """A reason on one line."""
    return " ".join(text.split())


def _list_json(campaign: str, rows: Sequence[Row]) -> dict[str, Any]:
    states: dict[str, dict[str, int]] = {}
    for row in rows:
        counts = states.setdefault(row.asset, dict.fromkeys(STATES, 0))
        counts[row.standing.state] += 1
    return {
        "campaign": campaign,
        "states": states,
        "missing": [
            {"what": each.words, "people": list(each.people), "assets": list(each.addresses)}
            for each in missing_of(row for row in rows if row.standing.state != "rejected")
        ],
        "assets": [
            {
                "address": row.address, "digest": row.digest, "state": row.standing.state,
                "missing": list(row.standing.missing), "waits_for": _waits_json(row), "policy": row.requirement.words,
                "approvals": [decision_json(each) for each in row.standing.approvals],
                "rejections": [decision_json(each) for each in row.standing.rejections],
                "lapsed": [decision_json(each) for each in row.standing.lapsed],
            }
            for row in rows
        ],
    }  # fmt: skip


def _waits_json(row: Row) -> dict[str, list[str]] | None:
    if row.waits is None:
        return None
    return {"anybody_but" if row.waits.anybody else "people": sorted(row.waits.people)}


# --------------------------------------------------------------------------------------------------------- history


def _log(project: Project, options: argparse.Namespace, words: Sequence[str]) -> int:
    history = read_approvals(project)
    chosen = _chosen(project, history, words, options.exclude)
    if options.json:
        rows = [{**decision_json(each), "taken_back": each.ref in history.undone} for each in chosen]
        faults = [{"line": each.line, "what": each.what} for each in history.faults]
        found = {"campaign": history.campaign, "decisions": rows, "faults": faults}
        json.dump(found, sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        ink = ink_for(sys.stdout)
        for each in chosen:
            print(_log_line(each, history, ink))
        if not chosen:
            print("nothing was decided" + (" about these" if words or options.exclude else " yet"))
    for fault in history.faults:
        say(_fault_text(history.file, fault))
    return 1 if history.faults else 0


def _chosen(
    project: Project, history: History, words: Sequence[str], excluded: Sequence[str]
) -> Sequence[Decision]:  # fmt: skip
    """Those about what is selected: of pictures that the lock has, and of those that were decided about."""
    selection = parse_selection(words, excluded)
    if selection is None:
        return history.decisions
    lock, _ = read_lock(project, history.campaign)
    outputs = {address: entry.output for address, entry in lock.entries.items()}
    bases = dict.fromkeys(base_of(address) for address in (*outputs, *history.by_asset))
    addresses = selection.pick([_selectable(address, outputs.get(address)) for address in bases])
    return [each for each in history.decisions if base_of(each.asset) in addresses]


def _selectable(address: str, output: str | None) -> Selectable:
    return Selectable(address, asset_of(address), cell_of(address), output)


def _log_line(each: Decision, history: History, ink: Ink) -> str:
    when = each.at.replace("T", " ").replace("Z", "")
    parts = [ink.dim(when), f"{each.decision:<8}", _shown(each.asset), ink.dim(short(each.digest)), _shown(each.by)]
    if each.why:
        parts.append(f"“{_shown(_line(each.why))}”")
    if each.entered:
        parts.append(f"({_shown(each.entered)})")
    target = history.by_ref.get(each.undoes or "")
    if target is not None:
        parts.append(f"(the {target.decision} of {target.at.replace('T', ' ').replace('Z', '')})")
    if each.ref in history.undone:
        parts.append(ink.yellow("(taken back)"))
    return "  ".join(parts)


# ----------------------------------------------------------------------------------------------------- verification


def _verify(project: Project, options: argparse.Namespace) -> int:
    found, ink = verify_approvals(project, options.against), ink_for(sys.stdout)
    if options.json:
        json.dump(_verified_json(found), sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        for fault in found.faults:
            print(_fault_text(found.history.file, fault))
        for each in found.lost:
            print(f"{ink.red('error')}: a decision that {found.against} has is gone: {_log_line(each, _NOTHING, ink)}")
            print(f"  hint: {_PUT_BACK}")
        print(_verified_text(found, ink))
    return 1 if found.faults or found.lost else 0


_NOTHING = History()
_PUT_BACK = "decisions are only ever added: put the line back as git has it"


def _fault_text(file: str, fault: Fault) -> str:
    return render(Problem(fault.what, at=Place(file, fault.line, 1, len(fault.text), fault.text), hint=fault.hint))


def _verified_text(found: Verified, ink: Ink) -> str:
    count = len(found.history.decisions)
    decisions = f"{count} decision{'' if count == 1 else 's'}"
    if found.faults or found.lost:
        wrong = len(found.faults) + len(found.lost)
        return ink.red(f"not whole: {wrong} {'fault' if wrong == 1 else 'faults'} in the history of {decisions}")
    if not count and found.unseen is not None:
        return "nothing was decided yet, as far as can be seen here: " + found.unseen
    if found.unseen is not None:
        return f"the chain of {decisions} is whole; whether any was taken off its end was not seen: {found.unseen}"
    same = f"all {found.compared} that {found.against} has are here"
    return ink.green(f"verified: {decisions}, the chain is whole; {same}")


def _verified_json(found: Verified) -> dict[str, Any]:
    return {
        "decisions": len(found.history.decisions),
        "verified": not (found.faults or found.lost or found.unseen),
        "faults": [{"line": each.line, "what": each.what, "hint": each.hint} for each in found.faults],
        "against": (
            {"revision": found.against.said, "commit": found.against.commit, "decisions": found.compared}
            if found.against is not None
            else None
        ),
        "lost": [decision_json(each) for each in found.lost],
        "not_seen": found.unseen,
    }
