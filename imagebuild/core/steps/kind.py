"""What a step is, what a kind of step is, and what a step may ask about the cell it is worked out for.

Knows no kind of step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from imagebuild.core.key import Digest
from imagebuild.core.sizes import Size
from imagebuild.core.steps.values import Given, Parameters
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import Place

if TYPE_CHECKING:
    from imagebuild.core.layouts.parser import Layout

__all__ = ["Step", "StepCell", "StepKind", "Unresolved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One local step. Its `parameters` are JSON-able and canonical, what goes into the key, once it is resolved for a
    cell; before, they may hold `SourceText`s (templates) and `Link`s (other assets)."""

    name: str
    parameters: Mapping[str, object]
    place: Place = field(compare=False)


class Unresolved(Exception):
    """A step cannot be worked out in a cell: that is noted already, or the campaign says to skip the cell."""


class StepCell(Protocol):
    """One cell of an asset, as its steps ask about it. What is not there is noted, and raises `Unresolved`."""

    @property
    def size(self) -> Size:
        """Of the picture when it reaches this step."""
        ...

    @property
    def language(self) -> str:
        """The tag of the cell's locale; `und` when the asset has no locale axis."""
        ...

    @property
    def safe(self) -> tuple[float, float, float, float]:
        """What the cell's placement covers: left, top, right, bottom, as shares of the picture."""
        ...

    def render(self, text: SourceText) -> str:
        """A template's text in this cell."""
        ...

    def file(self, path: SourceText) -> Digest:
        """The digest of a file of the campaign; its path may be a template."""
        ...

    def read(self, path: SourceText) -> str:
        """The text of a file of the campaign."""
        ...

    def layout(self, path: SourceText) -> Layout:
        """A layout, read once a campaign."""
        ...

    def picture(self, what: SourceText | Link, slot: str) -> Digest | None:
        """The digest of a picture that the step takes besides its input. That of another asset's is not known yet:
        None, and it is filled in at `slot` (the parameter's name) when it is made."""
        ...

    def problem(self, what: str, at: Place, hint: str | None = None) -> Unresolved:
        """Note a mistake; what comes back is to be raised."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKind:
    """What a step's parameters are, and what it does to a size.

    `parse` reads them once (mistakes go to the `Given`'s problems). `resolve` works them out for a cell: it gives the
    canonical ones, and is left out where what is written holds for every cell. `result_size` of canonical ones may
    raise a PictureError for a size that the step cannot work on. `last`: stands at the end, once. `templates`: the
    parameters that may hold Jinja. `draws_text`: what draws text is in its key.
    """

    parse: Callable[[Given], Parameters]
    result_size: Callable[[Parameters, Size], Size]
    schema: Mapping[str, object]
    resolve: Callable[[Parameters, StepCell], Parameters] | None = None
    last: bool = False
    templates: tuple[str, ...] = ()
    draws_text: bool = False
