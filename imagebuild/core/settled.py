"""A lock whose text this program is known to have written, read line by line as it is asked for.

For a plan that looks at a few entries of very many; only for a text whose digest is remembered: it is not checked
again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, ValuesView
from decimal import Decimal

from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, LockEntry, parse_lock

__all__ = ["SettledEntries", "costs_in", "finder_of", "parse_settled", "spent_in", "tools_in"]

_HEAD = '{"asset":"'
_KEY = '","key":"'
_TOOLS = re.compile(r',"tools":"((?:[^"\\]|\\.)*)"')
_KEYS = re.compile('","key":"([0-9a-f]{64})"')
_COST = '"cost":"'


class SettledEntries(Mapping[str, LockEntry]):
    """Address → entry, each line parsed when it is first asked for."""

    __slots__ = ("_header", "_keys", "_lines", "_parsed", "_text")

    def __init__(self, text: str, header: str, lines: dict[str, str]) -> None:
        self._text = text
        self._header = header
        self._lines = lines
        self._parsed: dict[str, LockEntry] = {}
        self._keys: set[str] | None = None

    def load(self, addresses: Iterable[str]) -> None:
        """Parse many lines together, which is much faster than one by one."""
        wanted = [self._lines[address] for address in addresses if address in self._lines]
        self._parsed.update(parse_lock("\n".join([self._header, *wanted]), file="").entries)

    def __getitem__(self, address: str) -> LockEntry:
        if address not in self._parsed:
            self.load([address] if address in self._lines else [])
        return self._parsed[address]

    def __contains__(self, address: object) -> bool:
        return address in self._lines

    def __iter__(self) -> Iterator[str]:
        if len(self._parsed) < len(self._lines):
            return iter(self._lines)
        return iter(self._parsed)

    def __len__(self) -> int:
        return len(self._lines)

    def values(self) -> ValuesView[LockEntry]:
        self.load(address for address in self._lines if address not in self._parsed)
        return super().values()

    def digests_of(self, key: Key) -> Sequence[Digest]:
        """The digests of the entries of this key; that there are none is found without parsing any."""
        if self._keys is None:
            skip = len(_HEAD) + len(_KEY)
            self._keys = {line[len(address) + skip :][:64] for address, line in self._lines.items()}
            if "\\" in self._text:  # an address written with an escape is longer than it is
                self._keys.update(_KEYS.findall(self._text))
        if key not in self._keys:
            return ()
        return _digests(entry for entry in self.values() if entry.key == key)

    def tools(self) -> list[str]:
        """Which library versions the entries were drawn with, each once."""
        return sorted({json.loads(f'"{found}"') for found in set(_TOOLS.findall(self._text))})

    def costs(self) -> dict[Key, Decimal]:
        if self._text.count(_COST) == self._text.count(_COST + '0"'):
            return {}
        return _costs(self.values())


def parse_settled(text: str) -> Lock:
    """The lock of a text that `write_lock` wrote."""
    header, *rest = text.split("\n")
    lines: dict[str, str] = {}
    start = len(_HEAD)
    for line in rest:
        end = line.find(_KEY)
        if end > 0:
            lines[line[start:end]] = line
    if "\\" in text:  # some address may be written with an escape
        lines = {json.loads(f'"{address}"'): line for address, line in lines.items()}
    return Lock(parse_lock(header, file="").campaign, SettledEntries(text, header, lines))


def finder_of(entries: Mapping[str, LockEntry]) -> Callable[[Key], Sequence[Digest]]:
    """Answers: the digests of the entries of a key, whichever address has it; in the order of their addresses."""
    if isinstance(entries, SettledEntries):
        return entries.digests_of
    by_key: dict[Key, list[LockEntry]] = {}
    for entry in entries.values():
        by_key.setdefault(entry.key, []).append(entry)
    return lambda key: _digests(by_key.get(key, ()))


def _address(entry: LockEntry) -> str:
    return entry.address


def _digests(entries: Iterable[LockEntry]) -> Sequence[Digest]:
    return tuple(dict.fromkeys(entry.digest for entry in sorted(entries, key=_address)))


def tools_in(entries: Mapping[str, LockEntry]) -> list[str]:
    """Which library versions a lock's entries were drawn with, each once."""
    if isinstance(entries, SettledEntries):
        return entries.tools()
    return sorted({entry.tools for entry in entries.values() if entry.tools})


def costs_in(entries: Mapping[str, LockEntry]) -> dict[Key, Decimal]:
    """What the pictures of a lock cost, by key; what cost nothing is left out."""
    return entries.costs() if isinstance(entries, SettledEntries) else _costs(entries.values())


def spent_in(entries: Mapping[str, LockEntry]) -> Decimal:
    """What the pictures of a lock cost, each key once."""
    return sum(costs_in(entries).values(), Decimal(0))


def _costs(entries: Iterable[LockEntry]) -> dict[Key, Decimal]:
    return {entry.key: entry.cost for entry in entries if entry.cost}
