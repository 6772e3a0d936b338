"""What a `typeset` step draws on one picture: its copy, boxes, inks and fonts, complete and canonical.

Everything that decides a pixel is in here, and nothing else: the shape that fits the picture is chosen, the copy is
written out, files are named by digest, defaults are filled in. It is the step's parameters, and so in its key.
`parser` reads layouts, `typeset` makes one of these from a layout and a cell, `picture/typeset` draws it.
Knows no pixels: boxes are shares of a frame, lengths are shares of the picture's shorter edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple, cast

__all__ = [
    "LEAST_CONTRAST",
    "Align",
    "Area",
    "Box",
    "Button",
    "FontChoice",
    "Frame",
    "Group",
    "Item",
    "PictureItem",
    "RuleItem",
    "Scrim",
    "TextItem",
    "Toward",
    "Typeset",
    "Valign",
    "canonical_typeset",
    "typeset_of",
]

Box = tuple[float, float, float, float]  # x, y, width, height, from 0 to 1 of the frame
Align = Literal["start", "center", "end"]  # of the direction that is read in
Valign = Literal["top", "middle", "bottom"]
Frame = Literal["safe", "picture"]  # what a box is a share of: the part that a placement leaves clear, or all of it
Toward = Literal["start", "end", "top", "bottom"]

LEAST_CONTRAST: Final = 4.5  # WCAG 2, level AA


class FontChoice(NamedTuple):
    """A brand's own font file by digest. `scripts` (ISO 15924: `Latn`, `Arab`) narrow what it is used for; none: for
    every character it has."""

    digest: str
    scripts: tuple[str, ...] = ()


class Button(NamedTuple):
    """The surface a button's words stand on. Padding and radius are in ems of the words."""

    fill: str
    padding: tuple[float, float]  # across, down
    radius: float


class TextItem(NamedTuple):
    """A string and how it is set. `inks` are tried in their order: the first with enough contrast on what is really
    behind the words is taken."""

    role: str
    text: str
    sizes: tuple[float, float]  # least and greatest, of the shorter edge
    lines: int  # at most
    weight: int
    family: str  # of `Typeset.fonts`; empty: the fonts that come with pip alone
    align: Align
    inks: tuple[str, ...]
    contrast: float
    leading: float  # times the script's own
    button: Button | None = None


class PictureItem(NamedTuple):
    """A logo or badge: a picture by digest, scaled to a height, or less where the box is narrower."""

    role: str
    picture: str
    height: float  # of the shorter edge
    align: Align


class RuleItem(NamedTuple):
    """A line between items."""

    length: float  # of the box's width
    thickness: float  # of the shorter edge
    color: str
    align: Align


Item = TextItem | PictureItem | RuleItem


class Scrim(NamedTuple):
    """What is laid behind a group whose words would not stand out enough: a soft shade, as strong as it takes and no
    stronger than `most`. `color` None: dark behind light inks, light behind dark ones."""

    color: str | None = None
    most: float = 0.85


class Group(NamedTuple):
    """Items one below the other in a box, as large as all of them together can be. `scrim` None: none is allowed."""

    box: Box
    frame: Frame
    valign: Valign
    gap: float  # of the shorter edge
    items: tuple[Item, ...]
    scrim: Scrim | None


class Area(NamedTuple):
    """A coloured surface below all copy; with `to` it passes over to another colour towards that side."""

    box: Box
    frame: Frame
    color: str
    to: str | None
    toward: Toward
    radius: float  # of the shorter edge


class Typeset(NamedTuple):
    """`safe` is what a placement covers with its own controls: left, top, right, bottom, as shares of the picture.
    `mirrored`: left and right change places, for what is read from right to left."""

    language: str
    direction: Literal["ltr", "rtl"]
    mirrored: bool
    safe: tuple[float, float, float, float]
    fonts: Mapping[str, tuple[FontChoice, ...]]
    areas: tuple[Area, ...]
    groups: tuple[Group, ...]

    @property
    def texts(self) -> tuple[TextItem, ...]:
        return tuple(item for group in self.groups for item in group.items if isinstance(item, TextItem))


_KINDS: Final[Mapping[str, type[Any]]] = {"text": TextItem, "picture": PictureItem, "rule": RuleItem}


def canonical_typeset(typeset: Typeset) -> dict[str, object]:
    """The step's parameters: JSON-able, by name."""
    return cast("dict[str, object]", _plain(typeset))


def _plain(value: object) -> object:
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        plain: dict[str, object] = {name: _plain(getattr(value, name)) for name in value._fields}
        kind = next((name for name, each in _KINDS.items() if type(value) is each), None)
        return {"kind": kind, **plain} if kind else plain
    if isinstance(value, Mapping):
        return {name: _plain(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(child) for child in value]
    return value


def typeset_of(parameters: Mapping[str, Any]) -> Typeset:
    """What `canonical_typeset` wrote."""
    fonts = {name: tuple(_font(each) for each in found) for name, found in parameters["fonts"].items()}
    return Typeset(
        language=parameters["language"],
        direction=parameters["direction"],
        mirrored=parameters["mirrored"],
        safe=_numbers(parameters["safe"]),
        fonts=fonts,
        areas=tuple(Area(**{**each, "box": _numbers(each["box"])}) for each in parameters["areas"]),
        groups=tuple(_group(each) for each in parameters["groups"]),
    )


def _numbers(values: Sequence[float]) -> Any:
    return tuple(float(value) for value in values)


def _font(given: Mapping[str, Any]) -> FontChoice:
    return FontChoice(given["digest"], tuple(given["scripts"]))


def _group(given: Mapping[str, Any]) -> Group:
    scrim = Scrim(**given["scrim"]) if given["scrim"] is not None else None
    items = tuple(_item(each) for each in given["items"])
    return Group(**{**given, "box": _numbers(given["box"]), "scrim": scrim, "items": items})


def _item(given: Mapping[str, Any]) -> Item:
    said = {name: value for name, value in given.items() if name != "kind"}
    if given["kind"] == "text":
        said |= {"sizes": _numbers(given["sizes"]), "inks": tuple(given["inks"])}
        button = given["button"]
        if button is not None:
            said["button"] = Button(**{**button, "padding": _numbers(button["padding"])})
    found: Item = _KINDS[given["kind"]](**said)
    return found
