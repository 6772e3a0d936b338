"""What a campaign writes down and is worked out cell by cell: templates' texts, and links to other assets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from imagebuild.errors import Place

__all__ = ["Link", "SourceText", "links_in", "texts_in"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A template's text and where it stands: in a file of its own, or inline in the campaign at `place`.

    `lines` are those of the file that holds it, `first_line` the one where the text starts: for messages.
    """

    text: str
    file: str | None
    place: Place
    lines: list[str] = field(compare=False, repr=False)
    first_line: int = 1


class Link(NamedTuple):
    """`scene`, or `scene[ratio=1:1]`: another asset of the campaign, in the same cell but for the axes pinned here."""

    asset: str
    pins: Mapping[str, str]
    place: Place


def texts_in(value: object) -> Iterator[SourceText]:
    """Every template in a step's parameters, as they were written."""
    return (each for each in _leaves(value) if isinstance(each, SourceText))


def links_in(value: object) -> Iterator[Link]:
    """Every link in a step's parameters."""
    return (each for each in _leaves(value) if isinstance(each, Link))


def _leaves(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        for child in value.values():
            yield from _leaves(child)
    elif isinstance(value, list | tuple) and not isinstance(value, Link):
        for child in value:
            yield from _leaves(child)
    else:
        yield value
