"""What a campaign says of shapes: its own placements, what an asset keeps when it is cut, and its masters."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagebuild.core import fields
from imagebuild.core.axis import Ratio
from imagebuild.core.axis_parser import parse_ratio_entry
from imagebuild.core.document import Node, parse_yaml
from imagebuild.core.placements.parser import parse_placements
from imagebuild.core.placements.placement import Placement, Placements
from imagebuild.core.scope import Scope
from imagebuild.core.spec import AssetSpec, Focus, Masters
from imagebuild.core.steps.values import parse_anchor
from imagebuild.errors import Problems, did_you_mean

__all__ = ["MASTER_WORDS", "parse_focus", "parse_masters", "parse_own_placements", "with_inherited_focus"]

MASTER_WORDS = ("fewest", "each")
CUTTING = ("fit", "crop")
_FORMS = '`fewest`, `each`, or a list of ratios and sizes such as `["16:9", 1080x1920]`'


def parse_own_placements(
    node: Node | None, scope: Scope, shipped: Callable[[], Mapping[str, Placement]], problems: Problems
) -> Placements:
    """The campaign's own placements, inline or in a file, before those that ship."""
    if node is None:
        return Placements({}, shipped)
    before = len(problems)
    root: Node | None = node
    if isinstance(node.value, str):
        path = node.value
        root = None
        if fields.is_relative(path, node, "`placements`", problems):
            content = scope.sources.read(path)
            scope.files.append(path)
            if content is None:
                hint = "a mapping, or the path of a YAML file from the campaign's folder"
                problems.add(f"`placements`: no file `{path}`", at=node.place, hint=hint)
            elif not scope.sources.damaged(path):
                root = parse_yaml(content, file=scope.sources.label(path), problems=problems)
                if root is None and len(problems) == before:
                    problems.add(f"`placements`: `{path}` is empty", at=node.place)
    own = parse_placements(root, problems) if root is not None else {}
    return Placements(own, shipped, whole=len(problems) == before)


def parse_focus(node: Node | None, where: str, problems: Problems) -> Focus | None:
    if node is None:
        return None
    anchor = parse_anchor(node, f"{where}: `focus`", problems)
    return Focus(anchor if isinstance(anchor, str) else tuple(anchor), node.place)


def parse_masters(node: Node | None, where: str, asset: tuple[bool, bool], scope: Scope) -> Masters:
    """`asset`: whether it is paid, and whether it is over `ratio`."""
    if node is None:
        return "fewest"
    what, problems = f"{where}: `masters`", scope.problems
    if not all(asset):
        hint = "add `ratio` to `over`" if asset[0] else "it is for the asset that this one is made from"
        problems.add(f"{what} says which pictures of a ratio axis are paid for", at=node.place, hint=hint)
    elif node.is_list:
        found = [_master(each, what, scope) for each in node.elements()]
        if not found:
            problems.add(f"{what} is empty", at=node.place, hint=_FORMS)
        return tuple(each for each in found if each)
    elif node.value in MASTER_WORDS:
        return "each" if node.value == "each" else "fewest"
    else:
        near = did_you_mean(str(node.value), MASTER_WORDS) if isinstance(node.value, str) else None
        problems.add(f"{what}: {_FORMS} is wanted", at=node.place, hint=near if near and "mean" in near else None)
    return "fewest"


def _master(node: Node, what: str, scope: Scope) -> Ratio | None:
    """A ratio, a size, a placement, or the name of an entry of the ratio axis."""
    written = fields.text(node, what, scope.problems, numbers=True)
    axis = scope.axes.get("ratio")
    own = axis.find(written) if axis and written else None
    entry = own or (parse_ratio_entry(node, scope.problems, scope.placements) if written else None)
    return entry.value if entry and isinstance(entry.value, Ratio) else None


def with_inherited_focus(assets: Mapping[str, AssetSpec]) -> dict[str, AssetSpec]:
    """The assets, with the focus of the one it is made from for each local asset that has none of its own. Not of one
    that is cut by steps of its own: its picture is another."""

    def focus_of(asset: AssetSpec, seen: tuple[str, ...] = ()) -> Focus | None:
        source = assets.get(asset.source.asset) if asset.source and not asset.paid else None
        if asset.focus or source is None or source.name in seen or any(step.name in CUTTING for step in source.steps):
            return asset.focus
        return focus_of(source, (*seen, asset.name))

    return {name: asset._replace(focus=focus_of(asset)) for name, asset in assets.items()}
