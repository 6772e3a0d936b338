"""Campaign → actions: every unit of work that follows from the spec, in an order in which inputs come first.

Each action carries its manifest, complete but for the digests of other actions' results. Knows nothing of what has been
made already; `plan` compares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from imagebuild.core.address import MASTER, address_of
from imagebuild.core.asset_order import asset_order
from imagebuild.core.cells import Cell, Reach, cells_of, check_inclusions
from imagebuild.core.fields import Sources
from imagebuild.core.key import KEY_SCHEMA, Digest
from imagebuild.core.offer import Offer
from imagebuild.core.outputs import OutputPaths
from imagebuild.core.prompts import Prompts
from imagebuild.core.requests import implied_steps, master_format, paid_manifest, paid_size, tier_of
from imagebuild.core.sizes import Size
from imagebuild.core.spec import AssetSpec, Campaign, Settings
from imagebuild.core.step_encode import output_format
from imagebuild.core.step_kind import Step
from imagebuild.core.steps import result_size
from imagebuild.core.strings import Strings
from imagebuild.core.template import Template, TemplateFault, Templates
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import PictureError, Place, Problems

__all__ = ["Action", "Expansion", "Result", "Tools", "expand"]

Result = tuple[Size | None, str]  # the size and the format of what an action gives
Tools = Callable[[tuple[str, ...]], Mapping[str, str]]


class Action(NamedTuple):
    """One unit of work. `inputs` are (where in the manifest, the address of the action whose result goes there)."""

    address: str
    asset: str
    kind: str  # generate · edit · local
    cell: tuple[tuple[str, str], ...]
    manifest: Mapping[str, object]
    inputs: tuple[tuple[str, str], ...]
    output: str | None
    size: Size | None
    tier: str | None

    @property
    def paid(self) -> bool:
        return self.kind != "local"


@dataclass(slots=True)
class Expansion:
    """Everything that follows from a campaign; and, for a planner's memory, what each part of it depends on."""

    actions: dict[str, Action] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)  # the addresses of assets, each the action that has its result
    skipped: list[tuple[str, str]] = field(default_factory=list)  # (address, why)
    notes: dict[str, None] = field(default_factory=dict)
    asset_files: dict[str, set[str]] = field(default_factory=dict)
    results: dict[str, Result] = field(default_factory=dict)  # address → the size and format of what comes out
    strings_in_paths: bool = False  # or other files: then a path may change with more than the campaign
    file_of: dict[str, str] = field(default_factory=dict)  # digest of a reference picture → its path
    sources_of: Callable[[str], Mapping[str, str]] = lambda _address: {}


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
) -> Expansion:
    """All actions of the campaign; with `reach`, those of the named assets only, in the cells each reach accepts
    (`known` then holds the results of the rest,
    `outputs` the paths of those that are the same as before). `tools` says which library versions draw some formats."""
    expander = _Expander(campaign, offer, strings, sources, digest_of_file, tools, problems)
    expander.outputs = outputs or {}
    return expander.run(reach, known or {})


class _Expander:
    def __init__(
        self, campaign: Campaign, offer: Offer, strings: Strings | None, sources: Sources,
        digest_of_file: Callable[[str], Digest | None], tools: Tools, problems: Problems,
    ) -> None:  # fmt: skip
        self.campaign = campaign
        self.offer = offer
        self.digest_of_file = digest_of_file
        self.tools = tools
        self.problems = problems
        self.templates = Templates(sources, problems)
        self.prompts = Prompts(campaign, strings, problems)
        self.paths = OutputPaths(campaign.output_folder, problems)
        self.found = Expansion()
        self.results: dict[str, Result] = {}
        self.skipped: set[str] = set()
        self.outputs: Mapping[str, str] = {}
        self.used_inclusions: set[int] = set()

    def run(self, reach: Mapping[str, Reach | None] | None, known: Mapping[str, Result]) -> Expansion:
        self.results.update(known)
        self.found.finished.update(known)
        for name in asset_order(self.campaign, self.problems):
            if name in self.campaign.assets and (reach is None or name in reach):
                self._asset(self.campaign.assets[name], reach[name] if reach else None)
        if reach is None:
            self._check_all_inclusions()
        self.prompts.report_missing()
        self.paths.check()
        self.found.sources_of = self._sources_of
        self.found.results = self.results
        return self.found

    def _check_all_inclusions(self) -> None:
        every = {id(each): each for asset in self.campaign.assets.values() for each in asset.include}
        if not self.problems:
            check_inclusions(tuple(every.values()), self.used_inclusions, self.problems)
            self.prompts.check_variables(tuple(every.values()))

    def _asset(self, asset: AssetSpec, reach: Reach | None) -> None:
        work = _AssetWork(asset, self)
        self.found.asset_files[asset.name] = work.files
        if work.broken:
            work.check_alone()
            return
        for cell in cells_of(asset, self.campaign.axes, self.used_inclusions, reach):
            work.add(cell)

    def _sources_of(self, address: str) -> Mapping[str, str]:
        """What the prompt of an action was written from, by name: templates by digest, everything else by value."""
        action = self.found.actions[address]
        asset = self.campaign.assets[action.asset]
        if not action.paid or asset.prompt is None:
            return {}
        box = {axis: (identity,) for axis, identity in action.cell}
        cell = next(cells_of(asset, self.campaign.axes, set(), (box,)))
        template = self.templates.compile(asset.prompt)
        assert template is not None
        values = dict(self.prompts.values_read(template, asset, cell))
        for path in filter(None, (asset.prompt.file, *template.files)):
            values[path] = self.digest_of_file(path) or ""
        return values


class _AssetWork:
    """One asset's templates, compiled and checked, and what becomes of them in each cell."""

    def __init__(self, asset: AssetSpec, expander: _Expander) -> None:
        self.asset = asset
        self.expander = expander
        self.campaign = expander.campaign
        self.problems = expander.problems
        self.files: set[str] = set()
        before = len(self.problems)
        self.prompt = self._compile(asset.prompt, "`prompt`")
        self.output = self._compile(asset.output, "`output`")
        self.mask = self._compile(asset.mask, "`mask`")
        self.references = [
            (each if isinstance(each, Link) else self._compile_reference(each, place), place)
            for each, place in asset.references
        ]
        self._check_links()
        # A template that several assets share is told of once, and is no template for any of them.
        texts = ((asset.prompt, self.prompt), (asset.output, self.output), (asset.mask, self.mask))
        unusable = any(text is not None and template is None for text, template in texts)
        self.broken = unusable or len(self.problems) > before or asset.broken or self._made_from_broken()
        if self.output is not None and ("t" in self.output.names or self.output.files):
            expander.found.strings_in_paths = True
        self.heads = [f"{name}=" for name in asset.over]

    def _compile(self, source: SourceText | None, where: str) -> Template | None:
        if source is None:
            return None
        template = self.expander.templates.compile(source)
        if template is None:
            return None
        if template.source.file:
            self.files.add(template.source.file)
        self.files.update(template.files)
        self.expander.prompts.check(self.expander.templates, template, self.asset, where)
        return template

    def _compile_reference(self, path: str, place: Place) -> Template | None:
        lines = [""] * (place.line - 1) + [place.text]
        return self._compile(
            SourceText(text=path, file=None, place=place, lines=lines, first_line=place.line), "`references`"
        )

    def _made_from_broken(self) -> bool:
        """Whether an asset that this one is made from cannot be worked out: that is told already, and enough."""
        targets = [self.campaign.assets.get(link.asset) for link in self.asset.links]
        return any(target is None or target.broken for target in targets)

    def _check_links(self) -> None:
        """A linked asset's cell must be the same in every axis this asset does not have, or pinned."""
        if self.asset.broken or self._made_from_broken():
            return
        for link in self.asset.links:
            target = self.campaign.assets[link.asset]
            axes = self.campaign.axes
            open_axes = [axis for axis in target.over if axis not in self.asset.over and axis not in link.pins]
            pins = {axis: identity for axis, identity in link.pins.items() if axis in target.over}
            if open_axes:
                names = " and ".join(f"`{axis}`" for axis in open_axes)
                pins |= {axis: axes[axis].entries[0].id if axes[axis].entries else "…" for axis in open_axes}
                what = f"asset `{self.asset.name}` is made from `{link.asset}`, which is over {names}: which one?"
                hint = f"add {names} to `over`, or pin: `{_pinned(link.asset, target, pins)}`"
                self.problems.add(what, at=link.place, hint=hint)
            for axis in link.pins:
                if axis not in target.over:
                    hint = f"write `{_pinned(link.asset, target, pins)}`"
                    self.problems.add(f"asset `{link.asset}` is not over `{axis}`", at=link.place, hint=hint)

    def check_alone(self) -> None:
        """What can be told of an asset whose cells cannot be worked out, so that all its mistakes come at once."""
        asset = self.asset
        if asset.output is not None:
            self.expander.paths.check_text(asset)
        if asset.prompt is not None and asset.settings.size is not None and "ratio" not in asset.over:
            paid_size(asset, Cell((), None, {}), asset.settings, None, self.expander.offer, self.problems)

    def add(self, cell: Cell) -> None:
        asset, expander = self.asset, self.expander
        entries = cell.entries
        address = address_of(asset.name, [head + entry.id for head, entry in zip(self.heads, entries, strict=True)])
        pairs = tuple((name, entry.id) for name, entry in zip(asset.over, entries, strict=True))
        source = self._target(asset.source, cell, address) if asset.source else None
        references = [self._reference(each, place, cell, address) for each, place in self.references]
        if (asset.source and source is None) or None in references:
            expander.skipped.add(address)
            return
        try:
            prompt = expander.prompts.render(self.prompt, asset, cell) if self.prompt else None
            path = self._path(address, cell)
        except TemplateFault as fault:
            expander.prompts.note_fault(fault, address)
            return
        if (self.prompt and prompt is None) or (self.output and path is None):
            expander.skipped.add(address)
            expander.found.skipped.append((address, expander.prompts.last_skip))
            return
        output = expander.outputs.get(address)
        if output is None and path is not None:
            output = expander.paths.take(path, address, asset)
        if asset.output and output is None:
            return
        settings = cell.settings.over(asset.settings) if cell.settings else asset.settings
        size, form = expander.results.get(source or "", (None, ""))
        if prompt is None:
            assert source is not None
            self._local(address, pairs, source, self._steps(cell, size, form, output), size, form, output)
        else:
            self._paid(address, pairs, cell, settings, prompt, source, [each for each in references if each], output)
        expander.found.finished.add(address)

    def _path(self, address: str, cell: Cell) -> str | None:
        if self.output is None or address in self.expander.outputs:
            return self.expander.outputs.get(address)
        return self.expander.prompts.render_path(self.output, self.asset, cell)

    def _steps(self, cell: Cell, size: Size | None, form: str, output: str | None) -> tuple[Step, ...]:
        return implied_steps(self.asset, cell, size, form, output, self.problems)

    def _target(self, link: Link | None, cell: Cell, address: str) -> str | None:
        """The address a link means in this cell; None when that cell is skipped or excluded."""
        assert link is not None
        target = self.campaign.assets[link.asset]
        own = {entry.axis: entry.id for entry in cell.entries}
        wanted = address_of(link.asset, [f"{axis}={link.pins.get(axis) or own[axis]}" for axis in target.over])
        expander = self.expander
        if wanted in expander.found.finished:
            return wanted
        if wanted in expander.skipped:
            expander.found.skipped.append((address, f"`{wanted}` is skipped"))
        elif not self.problems:
            self.problems.add(
                f"`{address}` is made from `{wanted}`, which is excluded",
                at=link.place,
                hint="exclude both, or neither",
            )
        return None

    def _file(self, path: str) -> Digest | None:
        """The digest of a picture that the campaign names, remembered so that a build finds the file again."""
        digest = self.expander.digest_of_file(path)
        self.files.add(path)
        if digest is not None:
            self.expander.found.file_of[digest] = path
        return digest

    def _reference(
        self, each: Link | Template | None, place: Place, cell: Cell, address: str
    ) -> tuple[str, str] | None:
        """("asset", address) or ("digest", digest of the file)."""
        if isinstance(each, Link):
            target = self._target(each, cell, address)
            return ("asset", target) if target else None
        if each is None:
            return None
        try:
            path = self.expander.prompts.render_path(each, self.asset, cell)
        except TemplateFault as fault:
            self.expander.prompts.note_fault(fault, address)
            return None
        digest = self._file(path) if path else None
        if digest is None:
            what = f"asset `{self.asset.name}`: `references`: no file `{path}`"
            hint = "paths start at the campaign's folder"
            self.problems.add(what, at=place, hint=hint, once=("reference", place))
            return None
        return ("digest", digest)

    def _paid(
        self, address: str, pairs: tuple[tuple[str, str], ...], cell: Cell, settings: Settings, prompt: str,
        source: str | None, references: list[tuple[str, str]], output: str | None,
    ) -> None:  # fmt: skip
        """The paid action; when something is done to its picture before it is delivered, as a master of its own."""
        expander, asset = self.expander, self.asset
        source_size = expander.results[source][0] if source in expander.results else None
        size = paid_size(asset, cell, settings, source_size, expander.offer, self.problems)
        if size is None:
            return
        form = master_format(settings, expander.offer)
        steps = self._steps(cell, size, form, output)
        pictures = ([("asset", source)] if source else []) + references
        mask = self._mask_digest(cell, address)
        manifest = paid_manifest(
            asset,
            settings,
            expander.offer,
            prompt=prompt,
            size=size,
            pictures=pictures,
            mask=mask,
            problems=self.problems,
        )
        inputs = tuple(
            (f"references[{index}]", value) for index, (kind, value) in enumerate(pictures) if kind == "asset"
        )
        own = address + MASTER if steps else address
        kind = "edit" if asset.source else "generate"
        tier = tier_of(settings, size, expander.offer)
        expander.found.actions[own] = Action(
            own, asset.name, kind, pairs, manifest, inputs, None if steps else output, size, tier
        )
        expander.results[own] = (size, form)
        if steps:
            self._local(address, pairs, own, steps, size, form, output)

    def _mask_digest(self, cell: Cell, address: str) -> str | None:
        if self.mask is None:
            return None
        reference = self._reference(self.mask, self.mask.source.place, cell, address)
        return reference[1] if reference else None

    def _local(
        self, address: str, pairs: tuple[tuple[str, str], ...], source: str, steps: tuple[Step, ...],
        size: Size | None, form: str, output: str | None,
    ) -> None:  # fmt: skip
        expander = self.expander
        manifest = {
            "schema": KEY_SCHEMA,
            "operation": "local",
            "input": None,
            "steps": [{step.name: step.parameters} for step in steps],
        }
        if steps:
            manifest["tools"] = expander.tools((form, output_format(steps, form)))
        try:
            result = result_size(steps, size) if size else None
        except PictureError as bad:
            at = bad.at or self.asset.place
            expander.prompts.note_fault(TemplateFault(f"asset `{self.asset.name}`: {bad.what}", at, bad.hint), address)
            return
        expander.found.actions[address] = Action(
            address, self.asset.name, "local", pairs, manifest, (("input", source),), output, result, None
        )
        expander.results[address] = (result, output_format(steps, form))


def _pinned(name: str, target: AssetSpec, pins: Mapping[str, str]) -> str:
    return address_of(name, [f"{axis}={pins[axis]}" for axis in target.over if axis in pins])
