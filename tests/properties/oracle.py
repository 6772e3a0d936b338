"""What a build must do, worked out by brute force from a `World` and a record of everything that ever happened.

Independent of the program: its own rendering (Jinja2 directly), its own expansion (itertools), its own notion of
identity (a tuple of what reaches the model or the drawing), and a decision that starts over after every finding.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jinja2

from tests.properties.worlds import CHAINS, SOURCE, Asset, World

__all__ = ["Cell", "Decision", "Entry", "Oracle", "cells_of"]

# Sizes that the model makes for a shape at `resolution: 1k`, and the size that covers 1200x630.
SIZES = {"1:1": "1024x1024", "16:9": "1280x720", "9:16": "720x1280", "4:3": "1152x864", "og": "1200x640"}

Identity = tuple[Any, ...]
Bytes = str | tuple[Any, ...]  # a sha256, or ("new", identity) of what is still to be made


@dataclass(slots=True)
class Cell:
    """One action: what reaches the model or the drawing, but for the bytes of its `sources`."""

    address: str
    asset: str
    paid: bool
    request: tuple[Any, ...]  # paid: operation, prompt, size, quality, take; local: the steps
    references: list[tuple[str, str]]  # ("cell", address) or ("file", sha256), in their order
    output: str | None
    format: str
    size: str

    @property
    def sources(self) -> list[str]:
        return [value for kind, value in self.references if kind == "cell"]

    def identity(self, made: dict[str, Bytes]) -> Identity:
        pictures = tuple(made[value] if kind == "cell" else value for kind, value in self.references)
        return ("paid" if self.paid else "local", self.request, pictures)


@dataclass(slots=True)
class Entry:
    """A line of the lock."""

    identity: Identity
    digest: str
    output: str | None


@dataclass(slots=True)
class Decision:
    """verdict by address; `makes`: for each identity to be made, an address that stands for it."""

    verdicts: dict[str, str] = field(default_factory=dict)
    bytes_of: dict[str, Bytes] = field(default_factory=dict)
    identities: dict[str, Identity] = field(default_factory=dict)
    makes: dict[Identity, str] = field(default_factory=dict)
    redrawn: set[str] = field(
        default_factory=set
    )  # known bytes that are nowhere, and come out the same when drawn again


# ------------------------------------------------------------------------------------------------------ expansion


class Thing:
    def __init__(self, shown: str, **values: object) -> None:
        self.__dict__.update(values)
        self._shown = shown

    def __str__(self) -> str:
        return self._shown


class Texts:
    def __init__(self, world: World, tag: str) -> None:
        self._world = world
        self._tag = tag

    def __getattr__(self, key: str) -> str:
        for tag in [*CHAINS[self._tag], *(CHAINS[SOURCE] if key == "cta" else ())]:
            if key in self._world.strings.get(tag, {}):
                return self._world.strings[tag][key]
        raise AttributeError(key)


def _value(world: World, axis: str, identity: str, in_path: bool) -> Thing:
    if axis == "locale":
        return Thing(identity, tag=identity, language=identity.split("-")[0])
    if axis == "ratio":
        return Thing(identity.replace(":", "x") if in_path else identity)
    row = next(each for each in world.products if each["id"] == identity)
    return Thing(identity, **row)


def _entries(world: World, axis: str) -> list[str]:
    lists = {
        "locale": [SOURCE, *world.targets],
        "ratio": world.ratios,
        "product": [row["id"] for row in world.products],
    }
    return lists[axis]


def combinations(world: World, asset: Asset) -> Iterable[dict[str, str]]:
    """The asset's cells: the product of its axes, less what is excluded, and what is added."""
    for values in itertools.product(*(_entries(world, axis) for axis in asset.over)):
        cell = dict(zip(asset.over, values, strict=True))
        rules = [each for each in (*world.exclude, *asset.exclude) if set(each) <= set(cell)]
        if not any(each.items() <= cell.items() for each in rules):
            yield cell
    yield from (dict(each) for each in asset.added)


def address(name: str, asset: Asset, cell: dict[str, str]) -> str:
    return f"{name}[{','.join(f'{axis}={cell[axis]}' for axis in asset.over)}]" if asset.over else name


def cells_of(world: World) -> dict[str, Cell]:
    """Every action by address, inputs first."""
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(world.templates),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    compiled = cache(environment.from_string)
    found: dict[str, Cell] = {}
    waiting = dict(world.assets)
    while waiting:
        for name, asset in list(waiting.items()):
            needed = [asset.source, *(each[1] for each in asset.references if each[0] == "asset")]
            if not any(each in waiting for each in needed if each):
                for cell in combinations(world, waiting.pop(name)):
                    for action in _actions(world, name, asset, cell, compiled, found):
                        found[action.address] = action
    return found


def _actions(
    world: World,
    name: str,
    asset: Asset,
    cell: dict[str, str],
    compiled: Callable[[str], jinja2.Template],
    found: dict[str, Cell],
) -> list[Cell]:
    own = address(name, asset, cell)
    overrides = [each for each in world.include if each.cell.items() <= cell.items()]
    variables = dict(world.variables)
    quality = asset.quality or world.quality
    for each in overrides:
        variables |= each.variables
        quality = each.quality or quality

    def render(text: str, in_path: bool) -> str:
        values: dict[str, object] = {**variables, "vars": variables}
        values |= {axis: _value(world, axis, identity, in_path) for axis, identity in cell.items()}
        if "locale" in cell:
            values["t"] = Texts(world, cell["locale"])
        return compiled(text).render(values).strip()

    def link(target: str, pins: dict[str, str]) -> tuple[str, str]:
        other = world.assets[target]
        return ("cell", address(target, other, {**cell, **pins}))

    output = "out/" + render(asset.output, in_path=True) if asset.output else None
    ending = output.rsplit(".", 1)[-1] if output else ""
    references = [link(asset.source, asset.pins)] if asset.source else []
    for each in asset.references:
        file = each[0] == "file"
        references.append(
            ("file", hashlib.sha256(world.pictures[each[1]]).hexdigest()) if file else link(each[1], each[2])
        )
    if not asset.paid:
        form = found[references[0][1]].format
        steps = ((("fit", *asset.fit),) if asset.fit else ()) + (
            ((form, "to", ending),) if asset.fit or ending != form else ()
        )
        size = f"{asset.fit[0]}x{asset.fit[1]}" if asset.fit else found[references[0][1]].size
        return [Cell(own, name, False, steps, references, output, ending or form, size)]
    text = world.templates[asset.prompt_file] if asset.prompt_file is not None else str(asset.prompt)
    size = SIZES[cell["ratio"]] if "ratio" in cell else asset.size or found[references[0][1]].size
    operation = "edit" if asset.source else "generate"
    request = (operation, render(text, in_path=False), size, quality, asset.take or 1)
    fit = (("fit", 1200, 630),) if cell.get("ratio") == "og" and output else ()
    steps = (*fit, ("png", "to", ending)) if fit or (output and ending != "png") else ()
    if not steps:
        return [Cell(own, name, True, request, references, output, "png", size)]
    master = Cell(own + ":master", name, True, request, references, None, "png", size)
    return [
        master,
        Cell(own, name, False, steps, [("cell", master.address)], output, ending, "1200x630" if fit else size),
    ]


# ------------------------------------------------------------------------------------------------------- decision


@dataclass(slots=True)
class Oracle:
    """Everything that is on disk and everything that ever happened, as far as it decides what a build must do."""

    lock: dict[str, Entry] = field(default_factory=dict)
    objects: set[str] = field(default_factory=set)
    records: dict[Identity, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)  # path → sha256 of what lies there
    drawn: dict[Identity, str] = field(default_factory=dict)  # what a drawing gave: the same every time

    def at_hand(self, digest: str, output: str | None) -> bool:
        places = {entry.output for entry in self.lock.values() if entry.digest == digest} | {output}
        return digest in self.objects or any(self.outputs.get(place or "") == digest for place in places)

    def _candidates(self, cell: Cell, identity: Identity) -> list[str]:
        """Bytes that are a result of this identity: as locked here, as locked elsewhere, as the store remembers."""
        if not cell.paid and not cell.request:
            return [identity[2][0]]
        own = [self.lock[cell.address]] if cell.address in self.lock else []
        entries = own + [self.lock[each] for each in sorted(self.lock)]
        found = [entry.digest for entry in entries if entry.identity == identity]
        return found + ([self.records[identity]] if identity in self.records else [])

    def decide(self, cells: dict[str, Cell], selected: set[str] | None = None) -> Decision:
        lost: set[tuple[str, str]] = set()
        while True:
            decision = self._with(cells, lost)
            violation = self._violation(cells, decision, selected)
            if violation is None:
                break
            lost.add(violation)
        needed = _needed(cells, decision, selected)
        for name, cell in cells.items():
            there = decision.bytes_of[name]
            if _is_made(name, decision):
                if name in needed:
                    decision.makes.setdefault(decision.identities[name], name)
                    decision.verdicts[name] = "make"
            elif name in needed or selected is None:
                decision.verdicts[name] = self._kept(cell, there, name in needed)
        return decision

    def _with(self, cells: dict[str, Cell], lost: set[tuple[str, str]]) -> Decision:
        """The bytes of everything, when those that are lost must not be thought of."""
        decision = Decision()
        for name, cell in cells.items():
            identity = decision.identities[name] = cell.identity(decision.bytes_of)
            pending = any(isinstance(decision.bytes_of[source], tuple) for source in cell.sources)
            candidates = [] if pending else self._candidates(cell, identity)
            known = [each for each in candidates if (name, each) not in lost]
            if candidates and not known and not cell.paid:
                known = candidates
                decision.redrawn.add(name)
            decision.bytes_of[name] = known[0] if known else ("new", identity)
        return decision

    def _violation(
        self, cells: dict[str, Cell], decision: Decision, selected: set[str] | None
    ) -> tuple[str, str] | None:
        """Something whose bytes are needed, and are nowhere."""
        read = {source for name in _made(cells, decision, selected) for source in cells[name].sources}
        for name in _needed(cells, decision, selected):
            there, output = decision.bytes_of[name], cells[name].output
            if isinstance(there, tuple) or name in decision.redrawn:
                continue
            delivered = output is None or (name not in _targets(cells, selected)) or self.outputs.get(output) == there
            if (name in read or not delivered) and not self.at_hand(there, output):
                return (name, there)
        return None

    def _kept(self, cell: Cell, digest: str, needed: bool) -> str:
        if not needed:
            return "reuse"
        in_place = cell.output is None or self.outputs.get(cell.output) == digest
        if not in_place:
            return "restore"
        return "reuse" if digest in self.objects or not self.at_hand(digest, cell.output) else "adopt"

    # -------------------------------------------------------------------------------------------------- afterwards

    def apply(self, cells: dict[str, Cell], decision: Decision, made: dict[str, str]) -> None:
        """What is on disk after the build. `made`: address → sha256 of what was made."""
        fresh = {("new", identity): made[owner] for identity, owner in decision.makes.items()}

        def settled(value: Any) -> Any:
            if isinstance(value, tuple):
                return fresh[value] if value in fresh else tuple(settled(each) for each in value)
            return value

        before = dict(self.lock)
        files = dict(self.outputs)
        for name, verdict in decision.verdicts.items():
            identity, digest = settled(decision.identities[name]), settled(decision.bytes_of[name])
            cell = cells[name]
            if verdict in ("make", "restore", "adopt"):
                self.objects.add(digest)
            if verdict == "make":
                self.records[identity] = digest
                if not cell.paid:
                    assert self.drawn.setdefault(identity, digest) == digest, f"{name} was drawn in two ways"
            if cell.output is not None and verdict in ("make", "restore"):
                self._overwrite(cell.output, files, before)
                self.outputs[cell.output] = digest
            self.lock[name] = Entry(identity, digest, cell.output)

    def _overwrite(self, path: str, files: dict[str, str], lock: dict[str, Entry]) -> None:
        """A picture that was delivered here and is nowhere else is kept in the store."""
        there = files.get(path)
        if any(entry.output == path and entry.digest == there for entry in lock.values()):
            self.objects.add(str(there))


def _targets(cells: dict[str, Cell], selected: set[str] | None) -> set[str]:
    return {name for name, cell in cells.items() if cell.output is not None} if selected is None else selected


def _needed(cells: dict[str, Cell], decision: Decision, selected: set[str] | None) -> set[str]:
    """What must be delivered, and what anything that is made is made from."""
    needed = set(_targets(cells, selected))
    while True:
        more = {source for name in needed if _is_made(name, decision) for source in cells[name].sources}
        if more <= needed:
            return needed
        needed |= more


def _made(cells: dict[str, Cell], decision: Decision, selected: set[str] | None) -> set[str]:
    return {name for name in _needed(cells, decision, selected) if _is_made(name, decision)}


def _is_made(name: str, decision: Decision) -> bool:
    return isinstance(decision.bytes_of[name], tuple) or name in decision.redrawn
