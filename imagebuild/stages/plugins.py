"""Providers from elsewhere: an entry point in the group `imagebuild.providers` names a `Plugin`.

Looked for only when a name is asked for that the shipped catalogue does not have, or when all are listed: a plan of a
known provider never pays for the search, and never fails by a plugin. One that is broken is told when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from imagebuild.core.offer import Catalog, Offer
from imagebuild.errors import ProviderError
from imagebuild.lazy import lazy
from imagebuild.providers.account import Account
from imagebuild.providers.base import Provider
from imagebuild.providers.catalog import load_catalog

if TYPE_CHECKING:
    from importlib import metadata

    from imagebuild.providers import row as rows
else:  # only for a name that does not ship
    metadata = lazy("importlib.metadata")
    rows = lazy("imagebuild.providers.row")

__all__ = ["GROUP", "Found", "Plugin", "catalog_for", "examined", "full_catalog", "plugin_names", "plugins"]

GROUP = "imagebuild.providers"
MOST = 300  # characters of what a stranger's package says


@runtime_checkable
class Plugin(Protocol):
    """A provider from elsewhere. `row` is its row of the catalogue, in the form that the shipped ones have: `title`,
    `key`, `base_url`, `limits`, `models`. Without `base_url` it works on this machine, and costs nothing."""

    row: Mapping[str, Any]

    def open(self, account: Account, offer: Offer) -> Provider:
        """The provider, for one build."""
        ...


class Found(NamedTuple):
    """The plugins that are installed, by name; and those that cannot be used, with what to do about it."""

    good: Mapping[str, Plugin]
    broken: Mapping[str, ProviderError]


@cache
def plugins() -> Found:
    """All that are installed, by the names of their entry points."""
    return examined(metadata.entry_points(group=GROUP), load_catalog())


def plugin_names() -> list[str]:
    """Their names alone: none is loaded."""
    return sorted(metadata.entry_points(group=GROUP).names)


def examined(points: Iterable[metadata.EntryPoint], shipped: Catalog) -> Found:
    """Load every plugin and look at its row."""
    good: dict[str, Plugin] = {}
    broken: dict[str, ProviderError] = {}
    for point in points:
        if point.name in good or point.name in broken:
            good.pop(point.name, None)
            broken[point.name] = _error(point, "is brought by another package too")
            continue
        try:
            good[point.name] = _loaded(point, shipped)
        except ProviderError as bad:
            broken[point.name] = bad
    return Found(good, broken)


def full_catalog() -> Catalog:
    """The catalogue with the rows that plugins bring."""
    return load_catalog({name: plugin.row for name, plugin in plugins().good.items()})


def catalog_for(provider: str) -> Catalog:
    """The catalogue that has a provider, if any has. Raises what is wrong with the plugin that should bring it."""
    shipped = load_catalog()
    if provider in shipped.providers:
        return shipped
    broken = plugins().broken.get(provider)
    if broken is not None:
        raise broken
    return full_catalog()


def _loaded(point: metadata.EntryPoint, shipped: Catalog) -> Plugin:
    try:
        found = point.load()
        found = found() if isinstance(found, type) else found
    except (Exception, SystemExit) as bad:  # whatever a stranger's package does when it is imported
        words = " ".join(f"{type(bad).__name__}: {bad}".split())[:MOST]
        raise _error(point, f"cannot be loaded: {words}") from bad
    if not isinstance(found, Plugin):
        raise _error(point, "is no provider: it needs `row` and `open`")
    wrong = rows.wrong_in_row(point.name, found.row, shipped)
    if wrong is not None:
        raise _error(point, f"has a row that this version cannot use: {wrong}")
    return found


def _error(point: metadata.EntryPoint, what: str) -> ProviderError:
    package = point.dist.name if point.dist is not None else None
    return ProviderError(
        f"the plugin `{point.name}` (`{point.value}`) {what}",
        hint=f"update or remove the package it comes from: `pip uninstall {package}`"
        if package
        else "update or remove the package it comes from",
    )
