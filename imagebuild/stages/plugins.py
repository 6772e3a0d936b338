"""Providers from elsewhere: an entry point in the group `imagebuild.providers` names a `Plugin`.

Looked for only when a name is asked for that the shipped catalogue does not have, or when all are listed: a plan of a
known provider never pays for the search.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol, runtime_checkable

from imagebuild.core.offer import Catalog, Offer
from imagebuild.errors import ProviderError
from imagebuild.providers.account import Account
from imagebuild.providers.base import Provider
from imagebuild.providers.catalog import load_catalog

__all__ = ["GROUP", "Plugin", "catalog_for", "full_catalog", "plugins"]

GROUP = "imagebuild.providers"


@runtime_checkable
class Plugin(Protocol):
    """A provider from elsewhere. `row` is its row of the catalogue: `title`, `key`, `base_url`, `limits`, `models`."""

    row: Mapping[str, Any]

    def open(self, account: Account, offer: Offer) -> Provider:
        """The provider, for one build."""
        ...


@cache
def plugins() -> Mapping[str, Plugin]:
    """All that are installed, by the names of their entry points."""
    found: dict[str, Plugin] = {}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception as bad:  # whatever a stranger's package does when it is imported
            raise ProviderError(
                f"the plugin `{point.name}` ({point.value}) cannot be loaded: {type(bad).__name__}: {bad}",
                hint="reinstall the package it comes from, or uninstall it",
            ) from bad
        if not isinstance(loaded, Plugin):
            raise ProviderError(
                f"the plugin `{point.name}` ({point.value}) is no provider", hint="it needs `row` and `open`"
            )
        found[point.name] = loaded
    return found


def full_catalog() -> Catalog:
    """The catalogue with the rows that plugins bring."""
    return load_catalog({name: plugin.row for name, plugin in plugins().items()})


def catalog_for(provider: str) -> Catalog:
    """The catalogue that has a provider, if any has."""
    shipped = load_catalog()
    return shipped if provider in shipped.providers else full_catalog()
