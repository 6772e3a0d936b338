"""One asset's part of an expansion: its templates, compiled and checked, and its way from cell to actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from imagebuild.core.address import address_of
from imagebuild.core.cell_actions import CellActions
from imagebuild.core.cells import Cell
from imagebuild.core.expanding import Expanding
from imagebuild.core.requests import paid_size
from imagebuild.core.sheet_actions import add_sheet
from imagebuild.core.spec import AssetSpec
from imagebuild.core.template import Template, TemplateFault
from imagebuild.core.written import Link, SourceText, texts_in
from imagebuild.errors import Place

__all__ = ["AssetWork"]


class AssetWork:
    """An asset, and what becomes of it in each cell. `broken`: part of it is wrong, which is noted."""

    def __init__(self, asset: AssetSpec, expanding: Expanding) -> None:
        self.asset = asset
        self.expanding = expanding
        self.problems = expanding.problems
        self.files: set[str] = set()
        self._compiled: dict[int, Template | None] = {}
        before = len(self.problems)
        self.prompt = self._compile(asset.prompt, "`prompt`")
        self.output = self._compile(asset.output, "`output`")
        self.alt = self._compile(asset.alt, "`alt`")
        mask = asset.mask if isinstance(asset.mask, SourceText) else None
        self.mask = self._compile(mask, "`mask`")
        self.references = [
            (each if isinstance(each, Link) else self._compile_reference(each, place), place)
            for each, place in asset.references
        ]
        written = [(f"step `{step.name}`", text) for step in asset.steps for text in texts_in(step.parameters)]
        for name, check in asset.checks.items():
            written += [(f"check `{name}`", text) for text in texts_in(check.options)]
        written += [("`sheet`", text) for text in texts_in(asset.sheet.options if asset.sheet else {})]
        unusable = any(self._compile(text, where) is None for where, text in written)
        self._check_links()
        # A template that several assets share is told of once, and is no template for any of them.
        texts = ((asset.prompt, self.prompt), (asset.output, self.output), (mask, self.mask), (asset.alt, self.alt))
        unusable = unusable or any(text is not None and template is None for text, template in texts)
        self.broken = unusable or len(self.problems) > before or asset.broken or self._made_from_broken()
        if self.output is not None and ("t" in self.output.names or self.output.files):
            expanding.found.strings_in_paths = True
        self._heads = [f"{name}=" for name in asset.over]
        self._checks: list[CellActions] = []

    def template(self, text: SourceText) -> Template | None:
        """A text's template; one of another file than the campaign's (a layout's) is compiled when it is first met."""
        if id(text) not in self._compiled:
            self._compile(text, f"`{text.place.file}`")
        return self._compiled[id(text)]

    def _compile(self, source: SourceText | None, where: str) -> Template | None:
        if source is None:
            return None
        template = self._compiled[id(source)] = self.expanding.templates.compile(source)
        if template is None:
            return None
        if template.source.file:
            self.files.add(template.source.file)
        self.files.update(template.files)
        before = len(self.problems)
        self.expanding.prompts.check(self.expanding.templates, template, self.asset, where)
        if len(self.problems) > before:
            self._compiled[id(source)] = None
        return template

    def _compile_reference(self, path: str, place: Place) -> Template | None:
        lines = [""] * (place.line - 1) + [place.text]
        return self._compile(
            SourceText(text=path, file=None, place=place, lines=lines, first_line=place.line), "`references`"
        )

    def _made_from_broken(self) -> bool:
        """Whether an asset that this one is made from cannot be worked out: that is told already, and enough."""
        targets = [self.expanding.campaign.assets.get(link.asset) for link in self.asset.links]
        return any(target is None or target.broken for target in targets)

    def _check_links(self) -> None:
        """A linked asset's cell must be the same in every axis this asset does not have, or pinned."""
        if self.asset.broken or self._made_from_broken():
            return
        for link in self.asset.links:
            target = self.expanding.campaign.assets[link.asset]
            axes = self.expanding.campaign.axes
            pins = {axis: identity for axis, identity in link.pins.items() if axis in target.over}
            if self.asset.sheet is not None:
                foreign = [axis for axis in self.asset.over if axis not in target.over]
                if foreign:
                    what = f"a sheet of `{link.asset}` cannot be over `{foreign[0]}`: `{link.asset}` is not"
                    self.problems.add(what, at=link.place, hint=f"take `{foreign[0]}` out of `over`")
                continue
            open_axes = [axis for axis in target.over if axis not in self.asset.over and axis not in link.pins]
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
            self.expanding.paths.check_text(asset)
        if asset.prompt is not None and asset.settings.size is not None and "ratio" not in asset.over:
            paid_size(asset, Cell((), None, {}), asset.settings, None, self.expanding.offer, self.problems)

    def add(self, cell: Cell) -> None:
        """The actions of a cell."""
        asset, expanding = self.asset, self.expanding
        address = address_of(asset.name, [head + each.id for head, each in zip(self._heads, cell.entries, strict=True)])
        source = expanding.target(asset.source, cell.entries, address) if asset.source else None
        references = [self.reference(each, place, cell, address) for each, place in self.references]
        if (asset.source and source is None) or None in references:
            expanding.skipped.add(address)
            return
        try:
            prompt = expanding.prompts.render(self.prompt, asset, cell) if self.prompt else None
            path = self._path(address, cell)
            alt = expanding.prompts.render_text(self.alt, asset, cell) if self.alt else None
        except TemplateFault as fault:
            expanding.prompts.note_fault(fault, address)
            return
        if (self.prompt and prompt is None) or (self.output and path is None) or (self.alt and alt is None):
            self._skip(address)
            return
        output = expanding.outputs.get(address)
        if output is None and path is not None:
            output = expanding.paths.take(path, address, asset)
        if asset.output and output is None:
            return
        if asset.sheet is not None:
            if add_sheet(expanding, asset, cell, address, self, output):
                self._finished(address, alt)
            return
        actions = CellActions(expanding, asset, cell, address, self, output)
        missed = expanding.prompts.last_skip = ""
        if not actions.build(prompt, source, [each for each in references if each]):
            if expanding.prompts.last_skip != missed:
                self._skip(address)
            return
        self._finished(address, alt)
        if actions.is_checked:
            self._checks.append(actions)

    def finish(self) -> None:
        """The checks come last: one may look at the pictures of other cells."""
        for each in self._checks:
            each.add_check(self._checks)

    def _finished(self, address: str, alt: str | None) -> None:
        self.expanding.found.finished.add(address)
        if alt is not None:
            self.expanding.found.alts[address] = alt

    def _skip(self, address: str) -> None:
        self.expanding.skipped.add(address)
        self.expanding.found.skipped.append((address, self.expanding.prompts.last_skip))

    def _path(self, address: str, cell: Cell) -> str | None:
        if self.output is None or address in self.expanding.outputs:
            return self.expanding.outputs.get(address)
        return self.expanding.prompts.render_path(self.output, self.asset, cell)

    def reference(self, each: Link | Template | None, place: Place, cell: Cell, address: str) -> tuple[str, str] | None:
        """("asset", address) or ("digest", digest of the file)."""
        expanding = self.expanding
        if isinstance(each, Link):
            target = expanding.target(each, cell.entries, address)
            return ("asset", target) if target else None
        if each is None:
            return None
        try:
            path = expanding.prompts.render_path(each, self.asset, cell)
        except TemplateFault as fault:
            expanding.prompts.note_fault(fault, address)
            return None
        if path and path.startswith(("/", "~", "\\")):
            what = f"asset `{self.asset.name}`: `{path}` is an absolute path"
            self.problems.add(what, at=place, hint="paths start at the campaign's folder", once=("absolute", place))
            return None
        if path:
            self.files.add(path)
        digest = expanding.file(path) if path else None
        if digest is None:
            what = f"asset `{self.asset.name}`: `references`: no file `{path}`"
            hint = "paths start at the campaign's folder"
            self.problems.add(what, at=place, hint=hint, once=("reference", place))
            return None
        return ("digest", digest)


def _pinned(name: str, target: AssetSpec, pins: Mapping[str, str]) -> str:
    return address_of(name, _pairs(target.over, pins))


def _pairs(over: Iterable[str], pins: Mapping[str, str]) -> list[str]:
    return [f"{axis}={pins[axis]}" for axis in over if axis in pins]
