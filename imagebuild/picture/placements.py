"""Reads the dated catalogue of placements that ships with the package. What a placement is, `core/placement` says."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from imagebuild.core.document import parse_yaml
from imagebuild.core.placements.parser import parse_placements
from imagebuild.core.placements.placement import Placement
from imagebuild.errors import Problems

__all__ = ["PLACEMENTS_FILE", "shipped_placements"]

PLACEMENTS_FILE = os.path.join(os.path.dirname(__file__), "placements.yaml")


@cache
def shipped_placements() -> Mapping[str, Placement]:
    """Every placement of the catalogue, by name, in its order."""
    problems = Problems()
    with open(PLACEMENTS_FILE, encoding="utf-8") as file:
        root = parse_yaml(file.read(), file=PLACEMENTS_FILE, problems=problems)
    rows, dated = (root.get("placements"), root.get("dated")) if root else (None, None)
    assert rows is not None
    assert dated is not None
    found = parse_placements(rows, problems, dated=str(dated.value))
    problems.check()
    return found
