"""Actions: the units of work that follow from a campaign, and what else is known once they are worked out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Protocol

from imagebuild.core.key import Digest
from imagebuild.core.sizes import Size

__all__ = ["PAID", "Action", "Expansion", "Result", "Tools", "filled", "is_soft", "texts_within"]

_WORDS: Final = re.compile(r"[A-Za-z_]\w*|\d+")

Result = tuple[Size | None, str]  # the size and the format of what an action gives


class Tools(Protocol):
    """Which versions of libraries draw and check, for keys. Cheap to ask."""

    def of_steps(self, names: tuple[str, ...], formats: tuple[str, ...]) -> Mapping[str, str]:
        """What draws steps of these names, from and to files of these formats."""
        ...

    def of_checks(self, checks: Mapping[str, object]) -> Mapping[str, str]:
        """What these checks look with."""
        ...


PAID = frozenset(("generate", "edit"))


class Action(NamedTuple):
    """One unit of work. `inputs` are (where in the manifest, the address of the action whose result goes there).
    The result of a check is its input, the very bytes, which have passed."""

    address: str
    asset: str
    kind: str  # generate · edit · local · check
    cell: tuple[tuple[str, str], ...]
    manifest: Mapping[str, object]
    inputs: tuple[tuple[str, str], ...]
    output: str | None
    size: Size | None
    tier: str | None
    wanted: bool = False  # though it has no output and nothing is made from it

    @property
    def paid(self) -> bool:
        return self.kind in PAID


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
    alts: dict[str, str] = field(default_factory=dict)  # address of a delivered picture → its text; in no key
    sources_of: Callable[[str], Mapping[str, str]] = lambda _address: {}


def is_soft(slot: str) -> bool:
    """Whether an action can be done without this input, should it come to nothing: a picture that is looked at for
    comparison only."""
    return slot.startswith("checks.beside")


def filled(manifest: Mapping[str, object], digests: Mapping[str, Digest]) -> dict[str, object]:
    """A manifest with its inputs' digests in their places: `input`, `references[1]`, `steps[0].put_back.source`. Soft
    ones that there are not are left out."""
    whole = dict(manifest)
    for slot, digest in digests.items():
        if slot in whole:
            whole[slot] = digest
            continue
        node: Any = whole
        words = [int(word) if word.isdigit() else word for word in _WORDS.findall(slot)]
        for word in words[:-1]:  # copied on the way down: manifests are shared
            child = node[word]
            node[word] = child = dict(child) if isinstance(child, Mapping) else list(child)
            node = child
        node[words[-1]] = digest
    checks = whole.get("checks")
    if isinstance(checks, Mapping) and None in checks.get("beside", ()):
        whole["checks"] = {**checks, "beside": [each for each in checks["beside"] if each is not None]}
    return whole


def texts_within(value: object) -> Iterator[str]:
    """Every text in a manifest: the pictures, fonts and files that it names are among them, by their digests."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for child in value.values():
            yield from texts_within(child)
    elif isinstance(value, list | tuple):
        for child in value:
            yield from texts_within(child)
