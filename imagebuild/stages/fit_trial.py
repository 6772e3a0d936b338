"""Setting one group of copy on a picture of one size, as it is or otherwise, to see what fits.

Knows nothing of campaigns and strings; `fit_group` judges with it, `fit_advice` seeks what would help.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final, NamedTuple

from imagebuild.core.layouts.canonical import Group, TextItem, Typeset
from imagebuild.core.sizes import Size
from imagebuild.errors import PictureError
from imagebuild.picture.read import Read
from imagebuild.picture.typeset.layout import lay_out, misfits
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.picture.typeset.setting import PlacedGroup

__all__ = ["LEAST", "Trial", "beginning", "nearest_that_fits", "texts_of", "with_least", "with_text"]

LEAST: Final = 0.35  # times the least size: no less is tried
_STEPS: Final = 8


class Trial(NamedTuple):
    """A typeset step, whose groups are tried one at a time."""

    typeset: Typeset
    size: Size
    read: Read

    @property
    def edge(self) -> int:
        return min(self.size)

    def _alone(self, group: Group) -> Typeset:
        return self.typeset._replace(areas=(), groups=(group,))

    def place(self, group: Group) -> PlacedGroup | None:
        """The group in its place; None when something of it does not fit."""
        try:
            return lay_out(self._alone(group), self.size, self.read).groups[0]
        except Misfit:
            return None

    def fits(self, group: Group) -> bool:
        try:
            return self.place(group) is not None
        except PictureError:  # a logo is too high for the box that is tried
            return False

    def misfits(self, group: Group) -> tuple[Misfit, ...]:
        return misfits(self._alone(group), self.size, self.read)

    def across(self, group: Group, item: TextItem) -> Misfit | None:
        """What of a text is too much whatever stands above and below it: a word, or its lines."""
        found = self.misfits(group._replace(items=(item,)))
        return next((each for each in found if each.reason in ("word", "lines")), None)


def texts_of(group: Group) -> tuple[TextItem, ...]:
    return tuple(item for item in group.items if isinstance(item, TextItem))


def with_text(group: Group, item: TextItem, **changes: object) -> Group:
    """The group with one of its texts otherwise."""
    changed = item._replace(**changes)  # type: ignore[arg-type]
    return group._replace(items=tuple(changed if each == item else each for each in group.items))


def with_least(group: Group, item: TextItem, least: float) -> Group:
    return with_text(group, item, sizes=(least, max(item.sizes[1], least)))


def beginning(text: str, length: int) -> str:
    """The beginning of a text, not between a letter and its marks, without blanks at its end."""
    while 0 < length < len(text) and unicodedata.category(text[length]).startswith("M"):
        length -= 1
    return text[:length].rstrip()


def nearest_that_fits(now: float, far: float, fits: Callable[[float], bool]) -> float | None:
    """The value nearest to what it is now that fits; None when not even the farthest does."""
    if not fits(far):
        return None
    for _ in range(_STEPS):
        middle = (now + far) / 2
        if fits(middle):
            far = middle
        else:
            now = middle
    return far
