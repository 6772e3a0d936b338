"""Reads the dated catalogue that ships with the package."""

from __future__ import annotations

import os
from functools import cache

from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.offer import Catalog, parse_catalog
from imagebuild.errors import Problems

__all__ = ["CATALOG_FILE", "load_catalog"]

CATALOG_FILE = os.path.join(os.path.dirname(__file__), "catalog.yaml")


@cache
def load_catalog(path: str = CATALOG_FILE) -> Catalog:
    """The catalogue: models, providers, limits, prices."""
    problems = Problems()
    with open(path, encoding="utf-8") as file:
        root = parse_yaml(file.read(), file=path, problems=problems)
    problems.check()
    data = plain(root) if root else None
    assert isinstance(data, dict)
    return parse_catalog(data)
