"""Reads the dated catalogue that ships with the package, and adds to it what plugins bring."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from imagebuild.core.document import parse_yaml, plain
from imagebuild.core.offer import Catalog, parse_catalog
from imagebuild.errors import Problems, ProviderError

__all__ = ["CATALOG_FILE", "load_catalog"]

CATALOG_FILE = os.path.join(os.path.dirname(__file__), "catalog.yaml")
_NO_ROWS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})


def load_catalog(extra_rows: Mapping[str, Mapping[str, Any]] = _NO_ROWS) -> Catalog:
    """The catalogue: models, providers, limits, prices. `extra_rows` are further providers, by name, in the form that
    the rows of the file have."""
    catalog = _shipped()
    if not extra_rows:
        return catalog
    for name, row in extra_rows.items():
        _check_row(name, row, catalog)
    return catalog._replace(providers={**catalog.providers, **extra_rows})


@cache
def _shipped() -> Catalog:
    problems = Problems()
    with open(CATALOG_FILE, encoding="utf-8") as file:
        root = parse_yaml(file.read(), file=CATALOG_FILE, problems=problems)
    problems.check()
    data = plain(root) if root else None
    assert isinstance(data, dict)
    return parse_catalog(data)


def _check_row(name: str, row: Mapping[str, Any], catalog: Catalog) -> None:
    """Refuse a row that would break plans that do not name it, or stand in for a provider that is there already."""
    if name in catalog.providers:
        raise ProviderError(f"a plugin brings a provider `{name}`, which is there already", hint="uninstall the plugin")
    known = {*catalog.models, *(model.get("floating") for model in catalog.models.values())}
    models = row.get("models") if isinstance(row, Mapping) else None
    right = isinstance(models, Mapping) and all(
        isinstance(entry, Mapping) and "id" in entry for entry in models.values()
    )
    if not right or not models or not known.issuperset(models):
        raise ProviderError(
            f"the plugin for the provider `{name}` has no row that this version can read",
            hint="`models` maps names such as "
            + " and ".join(f"`{model}`" for model in sorted(filter(None, known)))
            + " to an `id` and a `price`; ask whoever wrote the plugin",
        )
