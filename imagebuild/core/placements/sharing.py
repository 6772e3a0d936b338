"""Which entries of the ratio axis are asked for together, so that they can share masters.

Only requests that are equal but for their size may become one: a prompt that reads `ratio`, or pictures shown to the
model that differ from ratio to ratio, keep each entry apart. Knows the campaign; `masters` knows the arithmetic.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from imagebuild.core.axis import Axis, Ratio
from imagebuild.core.cells import Cell, cells_of
from imagebuild.core.spec import AssetSpec, Inclusion
from imagebuild.core.template import Template
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import Problems

__all__ = ["Sharing"]

AXIS = "ratio"
_READS = re.compile(rf"\b{AXIS}\b")
SHAPING = ("fit", "crop")
_NOT_ASKED = frozenset(("variants", "pick"))  # settings that no request carries


class Sharing:
    """Answers for every paid asset over `ratio`: which other entries a cell is asked for with. `compile` gives a text's
    template, or None after noting what is wrong in it."""

    def __init__(
        self,
        assets: Mapping[str, AssetSpec],
        axes: Mapping[str, Axis],
        compile: Callable[[SourceText], Template | None],
        problems: Problems,
    ) -> None:
        self._assets = assets
        self._axes = axes
        self._compile = compile
        self._problems = problems
        self._shares: dict[str, bool] = {}
        self._beside: dict[tuple[str, tuple[str, ...]], tuple[Ratio, ...]] = {}

    def beside(self, asset: AssetSpec, cell: Cell) -> tuple[Ratio, ...]:
        """The entries whose pictures are asked for with this cell's, its own among them; none when it stands alone."""
        if not self.shares(asset):
            return ()
        others = tuple(entry.id for entry in cell.entries if entry.axis != AXIS)
        together = self._together(asset, others if self._differs(asset) else ())
        own = next(entry.value for entry in cell.entries if entry.axis == AXIS)
        return together if own in together else ()

    def shares(self, asset: AssetSpec) -> bool:
        """Whether the asset's entries are asked for with one another at all."""
        if asset.name not in self._shares:
            self._shares[asset.name] = False  # of a ring of assets, which is told elsewhere
            self._shares[asset.name] = self._may_share(asset)
        return self._shares[asset.name]

    def _may_share(self, asset: AssetSpec) -> bool:
        if not asset.paid or AXIS not in asset.over or asset.masters == "each":
            return False
        if self._reads_ratio(asset):
            if asset.masters != "fewest":
                what = f"asset `{asset.name}`: what it asks for reads `{AXIS}`, so no two ratios can share a master"
                hint = "leave `masters` out, or write a prompt that holds for every ratio"
                self._problems.add(what, at=asset.masters_place or asset.place, hint=hint, once=("masters", asset.name))
            return False
        if any(step.name in SHAPING for step in asset.steps):
            return False
        shown = [picture for picture, _ in asset.references if isinstance(picture, Link)]
        return all(self._is_common(link) for link in ([asset.source] if asset.source else []) + shown)

    def _reads_ratio(self, asset: AssetSpec) -> bool:
        paths = [path for path, _ in asset.references if isinstance(path, str)]
        if any("{" in path and _READS.search(path) for path in paths):
            return True
        texts = [text for text in (asset.prompt, asset.mask) if isinstance(text, SourceText)]
        templates = [self._compile(text) for text in texts]
        return any(template is None or AXIS in template.names for template in templates)

    def _is_common(self, link: Link) -> bool:
        """Whether another asset's picture is the same one for all entries that share a master."""
        target = self._assets.get(link.asset)
        if target is None:
            return False
        if AXIS not in target.over or AXIS in link.pins:
            return True
        return target.output is None and not target.steps and self.shares(target)

    def _differs(self, asset: AssetSpec) -> bool:
        """Whether the entries differ with the cell's other axes."""
        excluded = any(AXIS in each.patterns for each in asset.exclude)
        return excluded or any(AXIS in each.cell for each in asset.include)

    def _together(self, asset: AssetSpec, others: tuple[str, ...]) -> tuple[Ratio, ...]:
        found = self._beside.get((asset.name, others))
        if found is None:
            found = self._beside[asset.name, others] = self._find(asset, others)
        return found

    def _find(self, asset: AssetSpec, others: tuple[str, ...]) -> tuple[Ratio, ...]:
        axis = self._axes[AXIS]
        if not others and not self._differs(asset):
            return tuple(entry.value for entry in axis.entries if isinstance(entry.value, Ratio))
        names = [name for name in asset.over if name != AXIS]
        box = {name: (identity,) for name, identity in zip(names, others, strict=True)}
        cells = cells_of(asset, self._axes, set(), (box,))
        return tuple(
            entry.value
            for cell in cells
            for entry in cell.entries
            if isinstance(entry.value, Ratio) and not any(_sets_apart(each, asset, cell) for each in asset.include)
        )


def _sets_apart(inclusion: Inclusion, asset: AssetSpec, cell: Cell) -> bool:
    """Whether an inclusion is for this ratio alone: what it changes, or adds, is not asked for with the others."""
    if AXIS not in inclusion.cell or (inclusion.assets and asset.name not in inclusion.assets):
        return False
    if not inclusion.variables and inclusion.settings.places and set(inclusion.settings.places) <= _NOT_ASKED:
        return False
    ids = {entry.axis: entry.id for entry in cell.entries}
    return all(ids.get(name) == entry.id for name, entry in inclusion.cell.items())
