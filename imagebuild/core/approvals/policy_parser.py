"""The keys `approvers` and `approval` of a campaign file, and `approval` of an asset → who has to approve what.

That there are fewer people than are asked for is told here: otherwise the last picture would wait for somebody who does
not exist.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from imagebuild.core import fields
from imagebuild.core.approvals.decision import person
from imagebuild.core.approvals.policy import ANYBODY, NOBODY, Need, Policy, Rule
from imagebuild.core.cell_parser import axis_patterns
from imagebuild.core.document import Node
from imagebuild.core.scope import Scope
from imagebuild.core.spec import APPROVAL_KEYS, AssetSpec
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = ["GROUP_NAME", "LONGEST_PERSON", "MOST_PEOPLE", "check_rules", "parse_own_need", "parse_policy"]

GROUP_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
LONGEST_PERSON: Final = 200
MOST_PEOPLE: Final = 100  # people that one picture could ask for
_GROUPS: Final = "e.g. `approvers: {legal: [lea@northwind.example, luc@northwind.example]}`"
_NEED: Final = "e.g. `need: {legal: 1}`, `need: 2` for two people of any group, or `need: none`"
_RULE: Final = "e.g. `- {locale: de-DE, need: {legal: 1}}`"


def parse_policy(
    approvers: Node | None, approval: Node | None, scope: Scope, *, axes_known: bool = True
) -> Policy | None:
    """The campaign's policy, but for what assets say themselves; None when it says nothing. What it says of axes is
    looked at only when these could be read."""
    if approvers is None and approval is None:
        return None
    problems = scope.problems
    before = len(problems)
    groups = _groups(approvers, problems)
    policy = Policy(groups, by_others=bool(groups), whole=len(problems) == before)
    said = _said(approval, problems)
    if "by_others" in said:
        others = fields.boolean(said["by_others"], "`approval.by_others`", problems)
        policy = policy._replace(by_others=policy.by_others if others is None else others)
    if "need" in said:
        policy = policy._replace(need=_need(said["need"], "`approval.need`", policy, problems) or NOBODY)
    elif approvers is not None and groups:
        policy = policy._replace(need=Need(dict.fromkeys(groups, 1), approvers.place))
        for name, key, _ in approvers.items():
            if name in groups:
                _check_count(name, 1, key.place, "`approvers`", policy, problems)
    if "for" in said and axes_known:
        policy = policy._replace(rules=_rules(said["for"], policy, scope))
    return policy


def _said(approval: Node | None, problems: Problems) -> dict[str, Node]:
    if approval is None or not fields.mapping(approval, "`approval`", problems, hint="e.g. `approval: {need: 1}`"):
        return {}
    fields.check_keys(approval, APPROVAL_KEYS, "`approval`", problems)
    return {name: value for name, _, value in approval.items()}


def parse_own_need(node: Node | None, where: str, scope: Scope) -> Need | None:
    """What an asset says for itself."""
    what = f"{where}: `approval`"
    if node is None or not fields.mapping(node, what, scope.problems, hint="e.g. `approval: {need: none}`"):
        return None
    fields.check_keys(node, ("need",), f"`approval` of {where}", scope.problems)
    need = node.get("need")
    if need is None:
        scope.problems.add(f"{what} does not say what it needs", at=node.place, hint=_NEED)
        return None
    return _need(need, f"{where}: `approval.need`", scope.policy, scope.problems)


# ------------------------------------------------------------------------------------------------------- people


def _groups(node: Node | None, problems: Problems) -> dict[str, tuple[str, ...]]:
    if node is None or not fields.mapping(node, "`approvers`", problems, hint=_GROUPS):
        return {}
    if not node.value:
        problems.add("`approvers` is empty", at=node.place, hint=_GROUPS)
    found: dict[str, tuple[str, ...]] = {}
    for name, key, value in node.items():
        if not GROUP_NAME.match(name):
            hint = "letters, digits, `_`, `-` and `.`"
            problems.add(f"`{name}` cannot be the name of a group", at=key.place, hint=hint)
            continue
        found[name] = _people(name, key, value, problems)
    return found


def _people(group: str, key: Node, node: Node, problems: Problems) -> tuple[str, ...]:
    what = f"`approvers.{group}`"
    found: dict[str, str] = {}
    if node.value is None or (node.is_list and not node.value):
        hint = f"name who is in it, or take it out: {_GROUPS}"
        problems.add(f"group `{group}` has no people", at=key.place, hint=hint)
        return ()
    for name, element in fields.texts(node, what, problems):
        if person(name) in found:
            hint = "each name once; neither case nor blanks tell two people apart"
            problems.add(f"{what}: `{name}` stands twice", at=element.place, hint=hint)
        elif not name.isprintable() or len(name) > LONGEST_PERSON:
            hint = "a name as git knows it, e.g. `lea@northwind.example`"
            problems.add(f"{what}: no name: one line, at most {LONGEST_PERSON} characters", at=element.place, hint=hint)
        found[person(name)] = name.strip()
    return tuple(found.values())


# -------------------------------------------------------------------------------------------------------- needs


def _need(node: Node, what: str, policy: Policy, problems: Problems) -> Need | None:
    if node.is_mapping:
        if not node.value:
            problems.add(f"{what} is empty", at=node.place, hint=_NEED)
            return None
        counts: dict[str, int] = {}
        for name, key, value in node.items():
            if name not in policy.groups:
                if policy.whole:
                    hint = did_you_mean(name, policy.groups) or "name its people under `approvers`"
                    problems.add(f"{what}: no group `{name}`", at=key.place, hint=hint)
                continue
            count = fields.whole_number(value, f"{what}: `{name}`", problems, most=MOST_PEOPLE)
            if count is not None and _check_count(name, count, value.place, what, policy, problems):
                counts[name] = count
        return Need(counts, node.place)
    if node.value == "none":
        return NOBODY
    if isinstance(node.value, int) and not isinstance(node.value, bool):
        count = fields.whole_number(node, what, problems, most=MOST_PEOPLE)
        if count is None or not _check_count(ANYBODY, count, node.place, what, policy, problems):
            return None
        return Need({ANYBODY: count}, node.place)
    hint = f"write `{{{node.value}: 1}}`" if isinstance(node.value, str) and node.value in policy.groups else _NEED
    fields.wrong(node, what, "a number, groups with numbers, or `none`", problems, hint)
    return None


def _check_count(group: str, count: int, at: Place, what: str, policy: Policy, problems: Problems) -> bool:
    """Whether there are so many. Who of them had a picture made is not known yet, if anybody: that is no mistake."""
    people = policy.people(group)
    if not policy.whole or (group == ANYBODY and not policy.groups) or count <= len(people):
        return True
    named = f"`{group}`" if group else "all approvers"
    where = f"`approvers.{group}`" if group else "`approvers`"
    there = f"there {'is' if len(people) == 1 else 'are'} {len(people)}"
    what = f"{what}: {count} of {named} {'is' if count == 1 else 'are'} asked for, {there}"
    problems.add(what, at=at, hint=f"add people to {where}")
    return False


# -------------------------------------------------------------------------------------------------------- rules


def _rules(node: Node, policy: Policy, scope: Scope) -> tuple[Rule, ...]:
    found: list[Rule] = []
    what = "`approval.for`"
    for element in fields.list_of(node, what, scope.problems):
        if not fields.mapping(element, f"an entry of {what}", scope.problems, hint=_RULE):
            continue
        before = len(scope.problems)
        fields.check_keys(element, [*scope.axes, "asset", "need"], what, scope.problems)
        patterns = {
            name: axis_patterns(name, value, scope, "`approval.for`")
            for name, _, value in element.items()
            if name in scope.axes and name != "need"
        }
        assets = _assets(element.get("asset"), scope)
        need_node = element.get("need")
        need: Need | None = None
        if need_node is None:
            scope.problems.add(f"an entry of {what} has no `need`", at=element.place, hint=_RULE)
        elif need_node.value == "none":
            hint = "needs add up; for none at all, give the asset its own: `approval: {need: none}`"
            scope.problems.add(f"{what}: `need: none` takes nothing away", at=need_node.place, hint=hint)
        else:
            need = _need(need_node, f"{what}: `need`", policy, scope.problems)
        if not patterns and not assets and len(scope.problems) == before:
            hint = "what every picture needs stands in `approval.need`"
            scope.problems.add(f"an entry of {what} names neither an axis nor `asset`", at=element.place, hint=hint)
        if need is not None and len(scope.problems) == before:
            found.append(Rule(assets, patterns, need, element.place))
    return tuple(found)


def _assets(node: Node | None, scope: Scope) -> tuple[str, ...]:
    if node is None:
        return ()
    names = fields.texts(node, "`approval.for`: `asset`", scope.problems)
    for name, element in names:
        if scope.asset_names and name not in scope.asset_names:  # none: the assets could not be read
            hint = did_you_mean(name, scope.asset_names)
            scope.problems.add(f"`approval.for`: no asset `{name}`", at=element.place, hint=hint)
    return tuple(name for name, _ in names)


def check_rules(policy: Policy, assets: Mapping[str, AssetSpec], problems: Problems) -> None:
    """A rule that no picture can match is a mistake."""
    for rule in policy.rules:
        meant = [asset for name, asset in assets.items() if not rule.assets or name in rule.assets]
        if not meant:  # its asset could not be read
            continue
        fitting = [asset for asset in meant if asset.broken or set(rule.patterns) <= set(asset.over)]
        if not fitting:
            axes = " and ".join(f"`{name}`" for name in rule.patterns)
            whose = f"asset `{meant[0].name}` is not" if len(meant) == 1 else "no asset is"
            hint = "take it out, or name an axis that the asset has in `over`"
            problems.add(f"`approval.for`: {whose} over {axes}", at=rule.place, hint=hint)
        elif all(asset.approval is not None for asset in fitting):
            what = f"`approval.for`: asset `{fitting[0].name}` has an `approval` of its own, which counts instead"
            problems.add(what, at=rule.place, hint="take one of the two out")
