"""Addresses of assets (`hero[product=kettle,locale=de-DE]`) and the selectors that pick among them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import translate
from typing import NamedTuple

from imagebuild.errors import ImagebuildError, did_you_mean

__all__ = [
    "DRAWN",
    "MASTER",
    "MOST_VARIANTS",
    "VARIANT",
    "Selectable",
    "Selection",
    "address_of",
    "asset_of",
    "base_of",
    "cell_of",
    "is_inner",
    "parse_selection",
]

MASTER = ":master"  # what was paid for, where something is done to it before it is delivered
DRAWN = ":drawn"  # what was drawn, where it is checked before it is delivered
VARIANT = ":variant-"  # one of several paid pictures of which one is picked
MOST_VARIANTS = 16
_INNER = (MASTER, DRAWN, *(f"{VARIANT}{number}" for number in range(1, MOST_VARIANTS + 1)))
_ADDRESS = re.compile(r"([A-Za-z0-9_.*?-]+)\[(.*)\]\Z")
_PAIR = re.compile(r"([a-z][a-z0-9_]*)=(.+)\Z")


def address_of(asset: str, pairs: Iterable[str]) -> str:
    inside = ",".join(pairs)
    return f"{asset}[{inside}]" if inside else asset


def asset_of(address: str) -> str:
    """The asset's name in an address, also of its master."""
    return base_of(address).split("[", 1)[0]


def is_inner(address: str) -> bool:
    """Whether it is an action on the way to a picture, not the picture itself."""
    return address.endswith(_INNER)


def base_of(address: str) -> str:
    """The picture's address, of any action on the way to it."""
    return address.rpartition(":")[0] if is_inner(address) else address


def cell_of(address: str) -> tuple[tuple[str, str], ...]:
    """The axes and their values in an address, also in one that no campaign has any more."""
    inside = base_of(address).partition("[")[2].removesuffix("]")
    pairs = (pair.partition("=") for pair in inside.split(",") if pair)
    return tuple((axis, value) for axis, _, value in pairs)


class Selectable(NamedTuple):
    """What a selector looks at."""

    address: str
    asset: str
    cell: tuple[tuple[str, str], ...]
    output: str | None


class _Term:
    """One selector: a name or glob of names, an address, `axis=glob`, or an output's path."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.axis: str | None = None
        self.used = False
        pair = _PAIR.match(text)
        address = _ADDRESS.match(text)
        self.pairs: list[tuple[str, re.Pattern[str]]] = []
        self.name: re.Pattern[str] | None = None
        self.path = text.removeprefix("./")
        if address:
            self.name = _glob(address.group(1))
            for part in filter(None, address.group(2).split(",")):
                axis, _, value = part.partition("=")
                self.pairs.append((axis.strip(), _glob(value.strip())))
        elif pair:
            self.axis = pair.group(1)
            self.pairs.append((pair.group(1), _glob(pair.group(2))))
        else:
            self.name = _glob(text)

    def matches(self, item: Selectable) -> bool:
        values = dict(item.cell)
        if self.name is None or self.name.match(item.asset):
            found = all(axis in values and pattern.match(values[axis]) for axis, pattern in self.pairs)
        else:
            found = item.output is not None and (self.path == item.output or bool(self.name.match(item.output)))
        self.used = self.used or found
        return found


def _glob(text: str) -> re.Pattern[str]:
    return re.compile(translate(text))


class Selection(NamedTuple):
    """Names, addresses and paths add up; pairs of one axis add up; different axes narrow; exclusions take away."""

    terms: tuple[_Term, ...]
    excluded: tuple[_Term, ...]

    def pick(self, items: Sequence[Selectable]) -> set[str]:
        """The addresses selected. A selector that matches nothing is an error: it is a typing mistake."""
        places = [term for term in self.terms if term.axis is None]
        axes: dict[str, list[_Term]] = {}
        for term in self.terms:
            if term.axis is not None:
                axes.setdefault(term.axis, []).append(term)
        chosen: set[str] = set()
        for item in items:
            named = [term for term in places if term.matches(item)]
            if places and not named:
                continue
            narrowed = [[term for term in terms if term.matches(item)] for terms in axes.values()]
            if not all(narrowed):
                continue
            if [term for term in self.excluded if term.matches(item)]:
                continue
            chosen.add(item.address)
        self._check(items)
        if not chosen:
            said = " ".join(f"`{term.text}`" for term in self.terms) or "everything"
            away = "".join(f" without `{term.text}`" for term in self.excluded)
            hint = "names add up, values of one axis add up, different axes narrow"
            raise ImagebuildError(f"nothing is left of {said}{away}", hint=hint)
        return chosen

    def _check(self, items: Sequence[Selectable]) -> None:
        for term in (*self.terms, *self.excluded):
            if not term.used and not any(term.matches(item) for item in items):
                known = {item.asset for item in items} | {
                    f"{axis}={value}" for item in items for axis, value in item.cell
                }
                outputs = [item.output for item in items if item.output]
                hint = did_you_mean(term.text, known) or did_you_mean(term.text, outputs[:2000])
                raise ImagebuildError(
                    f"nothing matches `{term.text}`",
                    hint=hint or "an asset's name, `axis=value`, an address, or an output's path",
                )


def parse_selection(terms: Iterable[str], excluded: Iterable[str]) -> Selection | None:
    """None when nothing narrows the campaign."""
    chosen, away = tuple(_Term(text) for text in terms), tuple(_Term(text) for text in excluded)
    return Selection(chosen, away) if chosen or away else None
