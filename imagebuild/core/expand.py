"""Campaign → actions: every unit of work that follows from the spec, in an order in which inputs come first.

Each action carries its manifest, complete but for the digests of other actions' results. Knows nothing of what has been
made already; `plan` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from imagebuild.core.action import Action, Expansion, Result, Tools
from imagebuild.core.asset_order import asset_order
from imagebuild.core.asset_work import AssetWork
from imagebuild.core.cells import Reach, cells_of, check_inclusions
from imagebuild.core.expanding import Expanding
from imagebuild.core.fields import Sources
from imagebuild.core.key import Digest
from imagebuild.core.offer import Offer
from imagebuild.core.spec import AssetSpec, Campaign
from imagebuild.core.strings import Strings
from imagebuild.core.written import texts_in
from imagebuild.errors import Problems

__all__ = ["expand"]


def expand(
    campaign: Campaign,
    offer: Offer,
    strings: Strings | None,
    sources: Sources,
    digest_of_file: Callable[[str], Digest | None],
    tools: Tools,
    problems: Problems,
    *,
    reach: Mapping[str, Reach | None] | None = None,
    known: Mapping[str, Result] | None = None,
    outputs: Mapping[str, str] | None = None,
    picks: Mapping[str, int] | None = None,
) -> Expansion:
    """All actions of the campaign; with `reach`, those of the named assets only, in the cells each reach accepts
    (`known` then holds the results of the rest,
    `outputs` the paths of those that are the same as before). `tools` says which library versions draw some formats;
    `picks` which variants were chosen in a review, by address."""
    expanding = Expanding(campaign, offer, strings, sources, digest_of_file, tools, problems)
    expanding.outputs = outputs or {}
    expanding.picks = picks or {}
    return _Expander(expanding).run(reach, known or {})


class _Expander:
    def __init__(self, expanding: Expanding) -> None:
        self.expanding = expanding
        self.campaign = expanding.campaign
        self.problems = expanding.problems
        self.found = expanding.found

    def run(self, reach: Mapping[str, Reach | None] | None, known: Mapping[str, Result]) -> Expansion:
        expanding = self.expanding
        expanding.results.update(known)
        self.found.finished.update(known)
        for name in asset_order(self.campaign, self.problems):
            if name in self.campaign.assets and (reach is None or name in reach):
                self._asset(self.campaign.assets[name], reach[name] if reach else None)
        if reach is None:
            self._check_all_inclusions()
        expanding.prompts.report_missing()
        expanding.paths.check()
        self.found.sources_of = self._sources_of
        self.found.results = expanding.results
        return self.found

    def _check_all_inclusions(self) -> None:
        every = {id(each): each for asset in self.campaign.assets.values() for each in asset.include}
        if not self.problems:
            check_inclusions(tuple(every.values()), self.expanding.used_inclusions, self.problems)
            self.expanding.prompts.check_variables(tuple(every.values()))

    def _asset(self, asset: AssetSpec, reach: Reach | None) -> None:
        work = AssetWork(asset, self.expanding)
        self.found.asset_files[asset.name] = work.files
        if work.broken:
            work.check_alone()
            return
        for cell in cells_of(asset, self.campaign.axes, self.expanding.used_inclusions, reach):
            work.add(cell)
        work.finish()

    def _sources_of(self, address: str) -> Mapping[str, str]:
        """What the prompt of an action was written from, by name: templates by digest, everything else by value."""
        action = self.found.actions[address]
        asset = self.campaign.assets[action.asset]
        if action.kind == "local":
            return self._copy_of(action, asset)
        if not action.paid or asset.prompt is None:
            return {}
        box = {axis: (identity,) for axis, identity in action.cell}
        cell = next(cells_of(asset, self.campaign.axes, set(), (box,)))
        template = self.expanding.templates.compile(asset.prompt)
        assert template is not None
        values = dict(self.expanding.prompts.values_read(template, asset, cell))
        for path in filter(None, (asset.prompt.file, *template.files)):
            values[path] = self.expanding.file(path) or ""
        return values

    def _copy_of(self, action: Action, asset: AssetSpec) -> Mapping[str, str]:
        """What the copy of a local picture was written from."""
        texts = [text for step in asset.steps if step.name == "typeset" for text in texts_in(step.parameters)]
        if not texts:
            return {}
        box = {axis: (identity,) for axis, identity in action.cell}
        cell = next(cells_of(asset, self.campaign.axes, set(), (box,)))
        values: dict[str, str] = {}
        for text in texts:
            template = self.expanding.templates.compile(text)
            if template is not None:
                values |= self.expanding.prompts.values_read(template, asset, cell)
        return values
