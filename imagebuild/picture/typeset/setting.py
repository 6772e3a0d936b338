"""Where everything of a typeset step stands on a picture, in pixels: the values that layout makes and drawing takes."""

from __future__ import annotations

from typing import NamedTuple

from imagebuild.core.layouts.canonical import Area, Group, PictureItem, RuleItem, TextItem
from imagebuild.core.sizes import Size
from imagebuild.picture.text import Line

__all__ = [
    "Placed",
    "PlacedArea",
    "PlacedGroup",
    "PlacedPicture",
    "PlacedRule",
    "PlacedText",
    "Rectangle",
    "Setting",
    "boxes_of",
]

Rectangle = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


class PlacedText(NamedTuple):
    """`places` are the left ends of the lines' baselines, `ink` what the letters darken, `button` the surface they
    stand on. `size` is in pixels, as are the `least` and `greatest` it was chosen from."""

    item: TextItem
    lines: tuple[Line, ...]
    places: tuple[tuple[float, float], ...]
    ink: Rectangle
    size: float
    least: float
    greatest: float
    button: Rectangle | None

    @property
    def role(self) -> str:
        return self.item.role

    @property
    def text(self) -> str:
        return self.item.text

    @property
    def box(self) -> Rectangle:
        return self.button or self.ink


class PlacedPicture(NamedTuple):
    item: PictureItem
    box: Rectangle


class PlacedRule(NamedTuple):
    item: RuleItem
    box: Rectangle


Placed = PlacedText | PlacedPicture | PlacedRule


class PlacedArea(NamedTuple):
    """`toward` is left, top, right or bottom, and `radius` pixels."""

    area: Area
    box: Rectangle
    toward: str
    radius: float


class PlacedGroup(NamedTuple):
    """`largeness` is 0 where the words are at their least sizes, 1 where they are at their greatest."""

    group: Group
    box: Rectangle
    items: tuple[Placed, ...]
    largeness: float

    @property
    def texts(self) -> tuple[PlacedText, ...]:
        return tuple(item for item in self.items if isinstance(item, PlacedText))


class Setting(NamedTuple):
    size: Size
    language: str
    areas: tuple[PlacedArea, ...]
    groups: tuple[PlacedGroup, ...]

    @property
    def texts(self) -> tuple[PlacedText, ...]:
        return tuple(text for group in self.groups for text in group.texts)


def boxes_of(setting: Setting) -> tuple[tuple[str, Rectangle], ...]:
    """The role of each text and logo, and the pixels it darkens; of a button, its surface."""
    return tuple(
        (placed.item.role, placed.box)
        for group in setting.groups
        for placed in group.items
        if not isinstance(placed, PlacedRule)
    )
