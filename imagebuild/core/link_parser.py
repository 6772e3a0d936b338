"""Templates that stand in a campaign file, links to other assets, and pictures that are either a file or an asset's."""

from __future__ import annotations

import re

from imagebuild.core import fields
from imagebuild.core.document import Node
from imagebuild.core.scope import Scope
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import did_you_mean

__all__ = ["inline_text", "parse_link", "parse_reference"]

_LINK = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*)(?:\[([^\[\]]*)\])?\Z")
_PICTURE = re.compile(r"(?i).*\.(png|jpe?g|webp)\Z")
_PICTURE_HINT = "a reference is a .png, .jpg or .webp file, or the name of an asset"


def inline_text(node: Node, what: str, scope: Scope) -> SourceText | None:
    """A template that stands in the campaign file itself."""
    value = fields.text(node, what, scope.problems)
    if value is None:
        return None
    place = node.place
    block = place.text[place.column - 1 : place.column] in ("|", ">")
    return SourceText(
        text=value, file=None, place=place, lines=node.lines, first_line=node.line + 1 if block else node.line
    )


def parse_link(value: str, node: Node, what: str, scope: Scope) -> Link | None:
    match = _LINK.match(value)
    if match is None:
        hint = "`scene`, or with some axes pinned: `scene[ratio=1:1]`"
        scope.problems.add(f"{what}: `{value}` is not the name of an asset", at=node.place, hint=hint)
        return None
    name = match.group(1)
    if name not in scope.asset_names:
        near = did_you_mean(name, scope.asset_names)
        scope.problems.add(f"{what}: no asset `{name}`", at=fields.place_in(node, name), hint=near)
        return None
    pins: dict[str, str] = {}
    for part in filter(None, (match.group(2) or "").split(",")):
        axis, equals, identity = (each.strip() for each in part.partition("="))
        at = fields.place_in(node, part)
        if axis not in scope.axes:
            scope.problems.add(f"{what}: no axis `{axis}`", at=at, hint=did_you_mean(axis, scope.axes))
            continue
        known = [entry.id for entry in scope.axes[axis].entries]
        if not equals or not identity:
            hint = f"write `{axis}={known[0] if known else '…'}`"
            scope.problems.add(f"{what}: `{part}` does not say which `{axis}`", at=at, hint=hint)
        elif identity not in known and scope.axes[axis].whole:
            near = did_you_mean(identity, known)
            scope.problems.add(f"{what}: axis `{axis}` has no `{identity}`", at=at, hint=near)
        pins[axis] = identity
    return Link(asset=name, pins=pins, place=node.place)


def parse_reference(element: Node, what: str, scope: Scope) -> str | Link | None:
    """A picture's path, or another asset; an asset is meant when there is one of that name."""
    if element.is_mapping:
        if not fields.check_keys(element, ("asset", "file"), what, scope.problems):
            return None
        asset, path = element.get("asset"), element.get("file")
        if (asset is None) == (path is None):
            hint = "`{asset: scene}` or `{file: brand/kettle.png}`"
            scope.problems.add(f"{what}: a reference has either `asset` or `file`", at=element.place, hint=hint)
            return None
        if asset is not None:
            value = fields.text(asset, what, scope.problems)
            return parse_link(value, asset, what, scope) if value else None
        element = path or element
    value = fields.text(element, what, scope.problems)
    if value is None:
        return None
    match = _LINK.match(value)
    if match and match.group(1) in scope.asset_names:
        return parse_link(value, element, what, scope)
    return _picture(value, element, what, scope)


def _picture(path: str, node: Node, what: str, scope: Scope) -> str | None:
    if not fields.is_relative(path, node, what, scope.problems):
        return None
    if _PICTURE.match(path) or path.rstrip().endswith("}}"):
        return path
    if "." not in path and "/" not in path:
        near = did_you_mean(path.partition("[")[0], scope.asset_names)
        hint = near if near and "mean" in near else _PICTURE_HINT
        scope.problems.add(f"{what}: no asset `{path}`", at=node.place, hint=hint)
    else:
        scope.problems.add(f"{what}: `{path}` is not a picture", at=node.place, hint=_PICTURE_HINT)
    return None
