"""Where everything of a typeset step stands on a picture of a given size, in pixels; needs no picture.

The items of a group share one largeness, from each one's least size (0) to its greatest (1): the largest at which all
of them fit. Letters of usual height, not line boxes, decide what the eye takes for distances; ink never leaves the box.
Knows the canonical description (`core/layouts`) and fonts; inks, shades and pixels are `ink`'s and `typeset`'s.
"""

from __future__ import annotations

from typing import Final

from imagebuild.core.layouts.canonical import Area, Box, FontChoice, Group, PictureItem, RuleItem, TextItem, Typeset
from imagebuild.core.sizes import Size
from imagebuild.errors import PictureError
from imagebuild.picture.kept import Kept
from imagebuild.picture.text import NoGlyph
from imagebuild.picture.typeset.copy import Copy, direction_of
from imagebuild.picture.typeset.fitting import Fitting, Part
from imagebuild.picture.typeset.fonts import Read, fonts_of
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.picture.typeset.setting import PlacedArea, PlacedGroup, Rectangle, Setting, boxes_of

__all__ = ["Misfit", "Read", "Setting", "boxes_of", "lay_out", "misfits"]

_COPIES: Final[Kept[tuple[str, str, str, int, tuple[FontChoice, ...]], Copy]] = Kept(128)


def lay_out(typeset: Typeset, size: Size, read: Read) -> Setting:
    """Everything in its place. Raises a `Misfit` for the first copy that does not fit at its least size."""
    groups = []
    for group in typeset.groups:
        found = _lay_out_group(typeset, group, size, read)
        if not isinstance(found, PlacedGroup):
            raise found[0]
        groups.append(found)
    areas = tuple(_lay_out_area(typeset, area, size) for area in typeset.areas)
    return Setting(size, typeset.language, areas, tuple(groups))


def misfits(typeset: Typeset, size: Size, read: Read) -> tuple[Misfit, ...]:
    """All copy that does not fit, in the order of the layout."""
    found: list[Misfit] = []
    for group in typeset.groups:
        result = _lay_out_group(typeset, group, size, read)
        if not isinstance(result, PlacedGroup):
            found += result
    return tuple(found)


def _frame(typeset: Typeset, box: Box, frame: str, size: Size) -> Rectangle:
    x, y, width, height = box
    if typeset.mirrored:
        x = 1 - x - width
    left, top, right, bottom = typeset.safe if frame == "safe" else (0.0, 0.0, 0.0, 0.0)
    across, down = size[0] * (1 - left - right), size[1] * (1 - top - bottom)
    start, above = size[0] * left, size[1] * top
    return (
        round(start + x * across),
        round(above + y * down),
        round(start + (x + width) * across),
        round(above + (y + height) * down),
    )


def _lay_out_area(typeset: Typeset, area: Area, size: Size) -> PlacedArea:
    sides = {"start": "left", "end": "right", "top": "top", "bottom": "bottom"}
    toward = sides[area.toward]
    if typeset.mirrored:
        toward = {"left": "right", "right": "left"}.get(toward, toward)
    return PlacedArea(area, _frame(typeset, area.box, area.frame, size), toward, area.radius * min(size))


def _lay_out_group(typeset: Typeset, group: Group, size: Size, read: Read) -> PlacedGroup | tuple[Misfit, ...]:
    box = _frame(typeset, group.box, group.frame, size)
    parts: list[Part | PictureItem | RuleItem] = []
    unable: list[Misfit] = []
    for item in group.items:
        if not isinstance(item, TextItem):
            parts.append(item)
            continue
        if not item.text.strip():
            continue
        try:
            parts.append(_part(typeset, item, size, read))
        except NoGlyph as error:
            unable.append(Misfit.of_glyph(item, typeset.language, error))
    if unable:
        return tuple(unable)
    fitting = Fitting(typeset, group, box, min(size), tuple(parts), read)
    found = fitting.largest() or fitting.misfits()
    if isinstance(found, PlacedGroup):
        _check_ink(found, typeset.language)
    return found


def _check_ink(group: PlacedGroup, language: str) -> None:
    """Words that darken nothing are no words: a font whose letters are empty, or copy of invisible characters only."""
    for text in group.texts:
        if text.ink[0] >= text.ink[2] or text.ink[1] >= text.ink[3]:
            raise PictureError(
                f"`{text.role}` in `{language}` draws nothing: `{text.text}`",
                hint="its font has empty letters, or it is made of invisible characters only: give another of the two",
            )


def _part(typeset: Typeset, item: TextItem, size: Size, read: Read) -> Part:
    direction = direction_of(item.text, typeset.direction)
    key = (item.text, typeset.language, direction, item.weight, tuple(typeset.fonts.get(item.family, ())))

    def make() -> Copy:
        fonts = fonts_of(typeset.fonts, item.family, item.weight, read)
        return Copy(item.text, typeset.language, direction, item.weight, fonts)

    least, greatest = (share * min(size) for share in item.sizes)
    return Part(item, _COPIES.get(key, make), least, max(least, greatest))
