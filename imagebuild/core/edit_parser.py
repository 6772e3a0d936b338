"""What an edit says beside its prompt: which part of the picture may change, and what becomes of the rest."""

from __future__ import annotations

from imagebuild.core import fields
from imagebuild.core.document import Node
from imagebuild.core.link_parser import inline_text
from imagebuild.core.scope import Scope
from imagebuild.core.spec import MaskBox
from imagebuild.core.steps.values import Given
from imagebuild.core.written import SourceText

__all__ = ["MASK_KEYS", "MOST_FEATHER", "OUTSIDE", "parse_mask", "parse_outside"]

MASK_KEYS = ("box", "unit", "feather")
OUTSIDE = ("keep", "free")
MOST_FEATHER = 512


def parse_mask(node: Node | None, where: str, scope: Scope) -> SourceText | MaskBox | None:
    """A mask file (its path may be a template), or `{box: [x, y, width, height]}` with a soft edge of `feather`."""
    if node is None:
        return None
    if not node.is_mapping:
        return inline_text(node, where, scope)
    if not fields.check_keys(node, MASK_KEYS, where, scope.problems):
        return None
    if node.get("box") is None:
        hint = "`mask: brand/mask.png`, or `mask: {box: [0.5, 0.0, 0.5, 1.0]}`: the part that may change"
        scope.problems.add(f"{where} has no `box`", at=node.place, hint=hint)
        return None
    box = dict(Given("mask", node, node.place, scope).box())
    feather = node.get("feather")
    if feather is not None and feather.value != 0:
        box["feather"] = fields.whole_number(feather, f"{where}: `feather`", scope.problems, most=MOST_FEATHER) or 0
    return MaskBox(box, node.place) if "box" in box else None


def parse_outside(node: Node | None, has_mask: bool, where: str, scope: Scope) -> bool:
    """Whether the pixels outside the mask are to be the source's own again."""
    if node is None:
        return False
    kept = fields.choice(node, where, OUTSIDE, scope.problems) == "keep"
    if kept and not has_mask:
        hint = "a `mask` says what may change; outside of it the source's pixels are put back"
        scope.problems.add(f"{where}: there is no `mask`", at=node.place, hint=hint)
    return kept
