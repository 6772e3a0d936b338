"""Rows of the catalogue, and a campaign's own `placements:`, → `Placement` values: they have one form."""

from __future__ import annotations

import re
from typing import Final

from imagebuild.core import fields
from imagebuild.core.document import Node
from imagebuild.core.placements.placement import ALL_CLEAR, Placement, Safe
from imagebuild.core.sizes import Size, parse_ratio, parse_size
from imagebuild.core.steps.encode import FORMATS
from imagebuild.core.steps.values import MOST_EDGE, parse_bytes
from imagebuild.errors import Problems

__all__ = ["EVIDENCE", "PLACEMENT_KEYS", "PLACEMENT_NAME", "SIDES", "parse_placements"]

PLACEMENT_KEYS: Final = (
    "size", "least", "tolerance", "max_bytes", "formats", "safe", "source", "evidence", "dated",
)  # fmt: skip
SIDES: Final = ("left", "top", "right", "bottom")
EVIDENCE: Final = ("seen", "secondary")
PLACEMENT_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(?:/[A-Za-z0-9][A-Za-z0-9_.-]*)*\Z")
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%\Z")


def parse_placements(node: Node, problems: Problems, *, dated: str = "") -> dict[str, Placement]:
    """The placements of a mapping from name to row; one with a mistake is left out. `dated`: of rows that do not say
    when they were looked up."""
    found: dict[str, Placement] = {}
    hint = "name → `{size: 1080x1920, max_bytes: 300kB, formats: [jpeg], safe: {top: 14%}}`"
    if not fields.mapping(node, "`placements`", problems, hint=hint):
        return found
    for name, key, value in node.items():
        if parse_size(name) or parse_ratio(name) or not PLACEMENT_NAME.match(name):
            rule = "letters, digits, `_`, `-`, `.`, with `/` between parts, e.g. `acme/banner`"
            problems.add(f"`{name}` cannot be the name of a placement", at=key.place, hint=rule)
        elif fields.mapping(value, f"placement `{name}`", problems, hint=hint):
            before = len(problems)
            placement = _placement(name, value, dated, problems)
            if placement is not None and len(problems) == before:
                found[name] = placement
    return found


def _placement(name: str, node: Node, dated: str, problems: Problems) -> Placement | None:
    where = f"placement `{name}`"
    fields.check_keys(node, PLACEMENT_KEYS, where, problems)
    size_node = node.get("size")
    if size_node is None:
        problems.add(f"{where} has no `size`", at=node.place, hint="its pixels, e.g. `size: 1080x1920`")
    size = _size(size_node, f"{where}: `size`", problems) if size_node else None
    least, tolerance, safe = node.get("least"), node.get("tolerance"), node.get("safe")
    most, evidence = node.get("max_bytes"), node.get("evidence")
    texts = {each: node.get(each) for each in ("source", "dated")}
    said = {
        each: fields.text(found, f"{where}: `{each}`", problems, numbers=True) for each, found in texts.items() if found
    }
    placement = Placement(
        name=name,
        size=size or (1, 1),
        least=_size(least, f"{where}: `least`", problems) if least else None,
        tolerance=_share(tolerance, f"{where}: `tolerance`", problems) if tolerance else None,
        max_bytes=parse_bytes(most, f"{where}: `max_bytes`", problems) if most else None,
        formats=_formats(node.get("formats"), where, problems),
        safe=_safe(safe, where, problems) if safe else ALL_CLEAR,
        source=said.get("source") or "",
        evidence=(fields.choice(evidence, f"{where}: `evidence`", EVIDENCE, problems) if evidence else "") or "",
        dated=said.get("dated") or dated,
    )
    return placement if size else None


def _size(node: Node, what: str, problems: Problems) -> Size | None:
    size = parse_size(node.value) if isinstance(node.value, str) else None
    if size is None:
        written = fields.written(node) if node.is_scalar else node.kind
        problems.add(f"{what}: `{written}` is not a size", at=node.place, hint="width x height in pixels: `1080x1920`")
    elif max(size) > MOST_EDGE:
        hint = f"the longest edge a file can hold is {MOST_EDGE}"
        problems.add(f"{what}: `{node.value}` is too large", at=node.place, hint=hint)
        return None
    return size


def _formats(node: Node | None, where: str, problems: Problems) -> tuple[str, ...]:
    if node is None:
        return ()
    what = f"{where}: `formats`"
    elements = node.elements() if node.is_list else [node]
    found = [fields.choice(each, what, FORMATS, problems) for each in elements]
    if not elements:
        problems.add(f"{what} is empty", at=node.place, hint="of " + ", ".join(FORMATS))
    return tuple(dict.fromkeys(each for each in found if each))


def _safe(node: Node, where: str, problems: Problems) -> Safe:
    what = f"{where}: `safe`"
    if not fields.mapping(node, what, problems, hint="what the platform covers, e.g. `{top: 14%, bottom: 20%}`"):
        return ALL_CLEAR
    fields.check_keys(node, SIDES, what, problems)
    shares = {name: _share(value, what, problems) or 0.0 for name, _, value in node.items() if name in SIDES}
    safe = Safe(**shares)
    if safe.left + safe.right >= 1 or safe.top + safe.bottom >= 1:
        problems.add(f"{what} leaves nothing of the picture", at=node.place, hint="opposite sides are below 100 %")
    return safe


def _share(node: Node, what: str, problems: Problems) -> float | None:
    """`14%`, or 0.14."""
    value = node.value
    match = _SHARE.match(value.strip()) if isinstance(value, str) else None
    share = float(match[1]) / 100 if match else value
    if isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share < 1:
        return round(float(share), 6)
    problems.add(f"{what}: a share such as `14%` is wanted", at=node.place, hint="from 0 % to below 100 %")
    return None
