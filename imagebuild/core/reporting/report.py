"""What a report says: values alone, which `page` and `markdown` write out.

A report is of a campaign as it stands, beside what it was at an earlier revision. Knows no files, and no form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from imagebuild.core.key import Digest, short
from imagebuild.core.reason import Reason
from imagebuild.core.sizes import Size

__all__ = ["Change", "Gate", "Kind", "Open", "Part", "Report", "Shown", "Small", "Tally", "Work", "brief", "counted"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")

Kind = Literal["new", "changed", "gone"]


class Small(NamedTuple):
    """A small picture, as WebP."""

    data: bytes
    size: Size


class Shown(NamedTuple):
    """A picture as a report shows it. `committed`: where git has exactly it, relative to where the report will be."""

    digest: Digest
    size: str | None
    bytes: int | None
    small: Small | None = None
    committed: str | None = None


class Part(NamedTuple):
    """Why a part of a picture is another one now. `times`: how many further parts changed for the same reason."""

    address: str
    reason: Reason


class Change(NamedTuple):
    """A delivered picture that was not, or not so, or is no longer."""

    kind: Kind
    address: str
    asset: str
    output: str
    language: str | None
    direction: str
    before: Shown | None
    after: Shown | None
    parts: tuple[Part, ...]
    gate: str
    state: str
    words: str


class Work(NamedTuple):
    """What the next build does, for one reason: pictures of one asset."""

    asset: str
    verdict: str
    reason: Reason
    addresses: tuple[str, ...]
    price: Decimal
    language: str | None
    direction: str


class Gate(NamedTuple):
    """A picture whose checks say no, or cannot say."""

    address: str
    verdict: str
    words: tuple[str, ...]
    hints: tuple[str, ...]


class Open(NamedTuple):
    """Pictures of which something is still to be decided, and what, in words."""

    state: str
    words: str
    addresses: tuple[str, ...]


class Tally(NamedTuple):
    """An asset's row: how many of its pictures, what was spent for those that are new or changed, what is next."""

    asset: str
    pictures: int
    new: int
    changed: int
    gone: int
    making: int
    spent: Decimal
    price: Decimal


class Report(NamedTuple):
    """`since`: in words, what it is compared with; None when there is nothing to compare with, and `alone` says why."""

    campaign: str
    provider: str
    model: str
    prices_of: str
    since: str | None
    alone: str
    tallies: tuple[Tally, ...]
    changes: tuple[Change, ...]
    work: tuple[Work, ...]
    gates: tuple[Gate, ...]
    decisions: tuple[Open, ...]
    states: Mapping[str, int]
    spent: Decimal
    spent_since: Decimal | None
    price: Decimal
    limits: tuple[str, ...]  # what of a budget is passed, or why a build would ask first
    faults: tuple[str, ...]  # what shows that the decisions were edited
    selected: str = ""  # what the report is of, where it is not all of the campaign

    def count(self, kind: Kind) -> int:
        return sum(each.kind == kind for each in self.changes)


def counted(number: int, one: str, many: str = "") -> str:
    """`1 picture`, `2 pictures`, `1,200 pictures`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def brief(value: object) -> str:
    """A value for people; of a digest the first characters."""
    text = str(value)
    return short(Digest(text)) if _DIGEST.fullmatch(text) else text
