"""The action of a sheet: one picture of another asset's pictures, in every cell that agrees with the sheet's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imagebuild.core.action import Action
from imagebuild.core.address import address_of
from imagebuild.core.axis import Entry
from imagebuild.core.cell_steps import CellOf, Compiled, resolve_steps
from imagebuild.core.cells import Cell, cells_of
from imagebuild.core.expanding import Expanding
from imagebuild.core.key import KEY_SCHEMA
from imagebuild.core.sizes import Size
from imagebuild.core.spec import AssetSpec, SheetSpec
from imagebuild.core.steps.encode import default_encode, format_of_path, output_format
from imagebuild.core.steps.kind import Unresolved
from imagebuild.core.steps.sheet import (
    Label,
    SheetCell,
    check_sheet_format,
    locale_label,
    sheet_parameters,
    sheet_size,
)

__all__ = ["add_sheet"]


def add_sheet(
    expanding: Expanding, asset: AssetSpec, cell: Cell, address: str, compiled: Compiled, output: str | None
) -> bool:  # fmt: skip
    """Add the action of one sheet. False when something is wrong, which is noted."""
    sheet = asset.sheet
    assert sheet is not None
    pictures = list(_pictures(expanding, sheet, cell))
    if not pictures and expanding.problems:
        return False  # what is wrong with them is told
    if not pictures and any(each.startswith(f"{sheet.of.asset}[") for each in expanding.skipped):
        expanding.skipped.add(address)
        expanding.found.skipped.append((address, f"the pictures of `{sheet.of.asset}` on it are skipped"))
        return False
    if not pictures:
        what = f"`{address}` is a sheet of no pictures: `{sheet.of.asset}` has none in this cell"
        expanding.problems.add(what, at=sheet.place, hint="exclude this cell, or widen the sheet's `of`")
        return False
    title_of = CellOf(expanding, asset, cell, address, compiled, (1, 1))
    title = sheet.options.get("title")
    try:
        said = title_of.render(title) if title is not None else None  # type: ignore[arg-type]
    except Unresolved:
        return False
    ordered = _ordered(pictures, sheet, expanding)
    cells = [_cell(entries, sheet, asset) for entries, _ in ordered]
    parameters = sheet_parameters(sheet.options, said, title_of.language, cells)
    sizes = [expanding.results[each][0] for _, each in ordered]
    size = sheet_size(parameters, [each for each in sizes if each]) if all(sizes) else None
    form = output_format(asset.steps, (format_of_path(output) if output else None) or "png")
    wrong = check_sheet_format(sheet.options, form)
    if wrong is not None:
        at = asset.output.place if asset.output else asset.place
        expanding.problems.add(f"asset `{asset.name}`: {wrong}", at=at, once=("sheet format", asset.name))
        return False
    try:
        encode = resolve_steps(asset.steps, title_of).steps[-1].parameters if asset.steps else default_encode(form)
    except Unresolved:
        return False
    _add(expanding, asset, cell, address, output, parameters, encode, [each for _, each in ordered], size, form)
    return True


def _add(
    expanding: Expanding, asset: AssetSpec, cell: Cell, address: str, output: str | None,
    parameters: Mapping[str, object], encode: Mapping[str, object], sources: list[str], size: Size | None, form: str,
) -> None:  # fmt: skip
    formats = tuple(dict.fromkeys((*(expanding.results[each][1] for each in sources), form)))
    manifest: dict[str, object] = {
        "schema": KEY_SCHEMA,
        "operation": "local",
        "input": None,
        "steps": [{"sheet": parameters}, {"encode": encode}],
        "tools": expanding.tools.of_steps(("sheet", "encode"), formats),
    }
    inputs = tuple((f"steps[0].sheet.cells[{index}].picture", each) for index, each in enumerate(sources))
    pairs = tuple((name, entry.id) for name, entry in zip(asset.over, cell.entries, strict=True))
    expanding.found.actions[address] = Action(address, asset.name, "local", pairs, manifest, inputs, output, size, None)
    expanding.results[address] = (size, form)


def _pictures(expanding: Expanding, sheet: SheetSpec, cell: Cell) -> Iterator[tuple[tuple[Entry, ...], str]]:
    """The entries and the action of every picture that belongs on the sheet; skipped ones are left out."""
    target = expanding.campaign.assets[sheet.of.asset]
    own = {entry.axis: entry.id for entry in cell.entries} | dict(sheet.of.pins)
    for each in cells_of(target, expanding.campaign.axes, set()):
        if any(entry.axis in own and own[entry.axis] != entry.id for entry in each.entries):
            continue
        address = address_of(target.name, [f"{entry.axis}={entry.id}" for entry in each.entries])
        if address in expanding.found.finished:
            yield each.entries, expanding.stages.get(address, address)


def _ordered(
    pictures: list[tuple[tuple[Entry, ...], str]], sheet: SheetSpec, expanding: Expanding
) -> list[tuple[tuple[Entry, ...], str]]:
    """Row by row, in the order of the axes."""
    axes = [axis for axis in (sheet.options.get("rows"), sheet.options.get("columns")) if isinstance(axis, str)]
    order = {axis: {entry.id: at for at, entry in enumerate(expanding.campaign.axes[axis].entries)} for axis in axes}

    def place(picture: tuple[tuple[Entry, ...], str]) -> list[int]:
        ids = {entry.axis: entry.id for entry in picture[0]}
        return [order[axis].get(ids.get(axis, ""), len(order[axis])) for axis in axes]

    return sorted(pictures, key=place)


def _cell(entries: tuple[Entry, ...], sheet: SheetSpec, asset: AssetSpec) -> SheetCell:
    by_axis = {entry.axis: entry for entry in entries}

    def named(axis: Any) -> Label | None:
        return _label(by_axis[axis]) if isinstance(axis, str) and axis in by_axis else None

    varying = [entry for entry in entries if entry.axis not in asset.over and entry.axis not in sheet.of.pins]
    labels = [_label(entry) for entry in varying or entries[-1:]]
    if len(labels) == 1:
        label = labels[0]
        return SheetCell(None, label, named(sheet.options.get("rows")), named(sheet.options.get("columns")))
    language = next((label.language for label in labels if label.language != "und"), "und")
    label = Label(" · ".join(each.text for each in labels), language)
    return SheetCell(None, label, named(sheet.options.get("rows")), named(sheet.options.get("columns")))


def _label(entry: Entry) -> Label:
    return locale_label(entry.id) if entry.axis == "locale" else Label(str(entry.id), "und")
