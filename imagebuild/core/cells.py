"""Cells: which combinations of axis entries an asset is made for, after `exclude` and `include`."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from imagebuild.core.axis import Axis, Entry
from imagebuild.core.spec import AssetSpec, Exclusion, Inclusion, Settings
from imagebuild.errors import Problems

__all__ = ["Cell", "Reach", "cells_of"]

# Boxes of cells: in each, the ids that are meant of some axes; an axis it does not name is meant whole.
Reach = Sequence[Mapping[str, Collection[str]]]


class Cell(NamedTuple):
    """One combination. `settings` and `variables` are what an `include` overrides here, else empty."""

    entries: tuple[Entry, ...]
    settings: Settings | None
    variables: Mapping[str, object]


def cells_of(asset: AssetSpec, axes: Mapping[str, Axis], used: set[int], reach: Reach | None = None) -> Iterator[Cell]:
    """The asset's cells in the order of its axes; ids of inclusions that took effect are added to `used`.

    With `reach`, only the cells in it: the ones a planner's memory could not answer for.
    """
    exclusions = [each for each in asset.exclude if _applies(each, asset)]
    inclusions = [
        each
        for each in asset.include
        if (not each.assets or asset.name in each.assets) and set(each.cell) <= set(asset.over)
    ]
    for entries in _combinations(asset.over, axes, reach):
        if exclusions and any(_excluded(each, asset.over, entries) for each in exclusions):
            continue
        fitting = [each for each in inclusions if _matches(each, asset.over, entries)] if inclusions else ()
        used.update(id(each) for each in fitting if each.settings.places or each.variables)
        yield _cell(entries, fitting)
    for added in inclusions:
        if not asset.over or set(added.cell) != set(asset.over):
            continue
        entries = tuple(added.cell[name] for name in asset.over)
        there = all(axes[entry.axis].find(entry.id) for entry in entries)
        if there and not any(_excluded(each, asset.over, entries) for each in exclusions):
            continue  # it overrides a cell, above
        used.add(id(added))
        if reach is None or any(_inside(box, entries) for box in reach):
            yield _cell(entries, [added])


def _combinations(over: tuple[str, ...], axes: Mapping[str, Axis], reach: Reach | None) -> Iterator[tuple[Entry, ...]]:
    if reach is None:
        yield from itertools.product(*(axes[name].entries for name in over))
        return
    found: set[tuple[int, ...]] = set()
    for box in reach:
        choices = [
            [index for index, entry in enumerate(axes[name].entries) if name not in box or entry.id in box[name]]
            for name in over
        ]
        found.update(itertools.product(*choices))
    for indexes in sorted(found):  # in the order in which all of them would come
        yield tuple(axes[name].entries[index] for name, index in zip(over, indexes, strict=True))


def _inside(box: Mapping[str, Collection[str]], entries: tuple[Entry, ...]) -> bool:
    return all(entry.axis not in box or entry.id in box[entry.axis] for entry in entries)


def _applies(exclusion: Exclusion, asset: AssetSpec) -> bool:
    if exclusion.assets and asset.name not in exclusion.assets:
        return False
    return bool(exclusion.patterns) and all(name in asset.over for name in exclusion.patterns)


def _excluded(exclusion: Exclusion, over: tuple[str, ...], entries: tuple[Entry, ...]) -> bool:
    patterns = exclusion.patterns
    for name, entry in zip(over, entries, strict=True):
        if name in patterns and not any(entry.id == each or fnmatchcase(entry.id, each) for each in patterns[name]):
            return False
    return True


def _matches(inclusion: Inclusion, over: tuple[str, ...], entries: tuple[Entry, ...]) -> bool:
    wanted = inclusion.cell
    return all(wanted[name].id == entry.id for name, entry in zip(over, entries, strict=True) if name in wanted)


def _cell(entries: tuple[Entry, ...], fitting: list[Inclusion] | tuple[()]) -> Cell:
    if not fitting:
        return Cell(entries, None, {})
    settings, variables, values = Settings(), dict[str, object](), list(entries)
    for each in fitting:  # a later inclusion wins
        settings = each.settings.over(settings)
        variables.update(each.variables)
    return Cell(tuple(values), settings, variables)


def check_inclusions(inclusions: tuple[Inclusion, ...], used: set[int], problems: Problems) -> None:
    """An inclusion that neither overrides nor adds anything is a mistake."""
    for each in inclusions:
        if id(each) not in used:
            problems.add(
                "`include` neither adds a cell nor changes one", at=each.place,
                hint="to add one, name every axis of its asset; to change one, name a setting or a variable of it",
            )  # fmt: skip
