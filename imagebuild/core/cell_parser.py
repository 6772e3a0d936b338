"""The `exclude:` and `include:` lists of a campaign or of one asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from imagebuild.core import fields
from imagebuild.core.axis import RESERVED, Entry
from imagebuild.core.axis_parser import parse_entry
from imagebuild.core.document import Node, plain
from imagebuild.core.scope import Scope
from imagebuild.core.setting_parser import parse_settings
from imagebuild.core.spec import SETTING_KEYS, AssetSpec, Exclusion, Inclusion
from imagebuild.errors import Problems, did_you_mean

__all__ = ["axis_patterns", "check_exclusions", "check_variable", "parse_exclusions", "parse_inclusions"]


def parse_exclusions(node: Node | None, owner: tuple[str, ...], scope: Scope) -> tuple[Exclusion, ...]:
    """The exclusions; `owner` is the asset whose own they are, else empty."""
    if node is None:
        return ()
    found: list[Exclusion] = []
    for element in fields.list_of(node, "`exclude`", scope.problems):
        if not fields.mapping(element, "an entry of `exclude`", scope.problems, hint="e.g. `- {locale: ja-JP}`"):
            continue
        known = list(scope.axes) if owner else [*scope.axes, "asset"]
        whole = fields.check_keys(element, known, "`exclude`", scope.problems)
        patterns = {
            name: axis_patterns(name, value, scope, "`exclude`")
            for name, _, value in element.items()
            if name in scope.axes
        }
        assets = _which_assets(element, owner, "`exclude`", scope)
        if whole and not patterns:
            hint = "name an axis, e.g. `{locale: ja-JP}`; or leave the asset's value out of its axis"
            scope.problems.add("an entry of `exclude` names no axis", at=element.place, hint=hint)
        elif patterns and whole and assets is not None:
            found.append(Exclusion(assets=assets, patterns=patterns, place=element.place))
    return tuple(found)


def axis_patterns(axis: str, node: Node, scope: Scope, whose: str) -> tuple[str, ...]:
    """The values of an axis, or patterns of them, that an entry of `whose` names; each has to match something."""
    known = [entry.id for entry in scope.axes[axis].entries]
    found: list[str] = []
    for value, element in fields.texts(node, f"{whose}: `{axis}`", scope.problems, numbers=True):
        there = value in known or any(fnmatchcase(identity, value) for identity in known)
        if not there and scope.axes[axis].whole:
            what = f"{whose}: axis `{axis}` has no `{value}`"
            scope.problems.add(what, at=element.place, hint=did_you_mean(value, known))
        found.append(value)
    return tuple(found)


def check_exclusions(assets: Mapping[str, AssetSpec], problems: Problems) -> None:
    """An exclusion that no asset can have a cell for is a mistake."""
    for exclusion in {id(each): each for asset in assets.values() for each in asset.exclude}.values():
        meant = [asset for name, asset in assets.items() if not exclusion.assets or name in exclusion.assets]
        if any(asset.broken or set(exclusion.patterns) <= set(asset.over) for asset in meant):
            continue
        axes = " and ".join(f"`{name}`" for name in exclusion.patterns)
        whose = f"asset `{meant[0].name}` is not" if len(meant) == 1 else "no asset is"
        hint = "take it out, or name an axis that the asset has in `over`"
        problems.add(f"`exclude`: {whose} over {axes}", at=exclusion.place, hint=hint)


def parse_inclusions(node: Node | None, owner: tuple[str, ...], scope: Scope) -> tuple[Inclusion, ...]:
    """The inclusions; `owner` is the asset whose own they are, else empty."""
    if node is None:
        return ()
    found: list[Inclusion] = []
    for element in fields.list_of(node, "`include`", scope.problems):
        hint = "e.g. `- {locale: de-DE, quality: high}`"
        if not fields.mapping(element, "an entry of `include`", scope.problems, hint=hint):
            continue
        before = len(scope.problems)
        cell, variables = _cell_and_variables(element, scope)
        settings = parse_settings(element, "`include`", scope.problems)
        assets = _which_assets(element, owner, "`include`", scope)
        if assets is not None and len(scope.problems) == before:
            found.append(
                Inclusion(assets=assets, cell=cell, settings=settings, variables=variables, place=element.place)
            )
    return tuple(found)


def _cell_and_variables(element: Node, scope: Scope) -> tuple[dict[str, Entry], dict[str, object]]:
    cell: dict[str, Entry] = {}
    variables: dict[str, object] = {}
    for name, key, value in element.items():
        if name in scope.axes:
            entry = _cell_entry(name, value, scope)
            if entry:
                cell[name] = entry
        elif name not in SETTING_KEYS and name != "asset":
            check_variable(name, key, scope)
            variables[name] = fields.frozen(plain(value))
    return cell, variables


def check_variable(name: str, key: Node, scope: Scope) -> None:
    """A variable's name is one that templates can say, and that means nothing else to them."""
    if name in RESERVED or name in scope.axes:
        what = f"`{name}` cannot be a variable: templates use this name already"
        scope.problems.add(what, at=key.place, hint="give it another name")
    elif not name.isidentifier():
        hint = "letters, digits and `_`, a letter first"
        scope.problems.add(f"`{name}` cannot be a variable: no template could name it", at=key.place, hint=hint)


def _cell_entry(axis: str, node: Node, scope: Scope) -> Entry | None:
    """The axis's own entry when the value names one, else a new entry for a cell to be added."""
    if node.is_scalar and isinstance(node.value, str | int | float):
        own = scope.axes[axis].find(fields.written(node) if not isinstance(node.value, str) else node.value)
        if own:
            return own
    return parse_entry(axis, node, scope.problems, scope.placements)


def _which_assets(node: Node, owner: tuple[str, ...], what: str, scope: Scope) -> tuple[str, ...] | None:
    """The assets that an entry is for, none for all of them; None after noting that there is no such asset."""
    asset = node.get("asset")
    if asset is None or owner:
        return owner
    names = fields.texts(asset, f"{what}: `asset`", scope.problems)
    unknown = [(name, element) for name, element in names if name not in scope.asset_names]
    for name, element in unknown:
        hint = did_you_mean(name, scope.asset_names)
        scope.problems.add(f"{what}: no asset `{name}`", at=element.place, hint=hint)
    return None if unknown or not names else _names(names)


def _names(pairs: Iterable[tuple[str, Node]]) -> tuple[str, ...]:
    return tuple(name for name, _ in pairs)
