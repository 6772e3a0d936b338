"""A layout as it is written: shapes, their groups and areas, the roles' looks with every default filled in.

Knows which shape a picture has; not how a layout is read (`parser`), nor what it comes to in a cell (`typeset`).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

from imagebuild.core.layouts.canonical import Align, Area, Box, Button, Frame, Scrim, Valign
from imagebuild.core.sizes import Size
from imagebuild.core.written import SourceText
from imagebuild.errors import Place

__all__ = [
    "BUILT_IN_ROLES",
    "SCALED_BY",
    "SHAPES",
    "BrandFont",
    "GroupSpec",
    "ItemSpec",
    "Layout",
    "PictureSpec",
    "RuleSpec",
    "ShapeSpec",
    "Span",
    "TextSpec",
    "built_in_shape",
]

Span = tuple[Fraction, Fraction]  # from the narrower ratio to the wider, both included

_ENDS: Final = (Fraction(1, 100_000), Fraction(100_000))
_SQUARE: Final = Fraction(23, 20)
_BANNER: Final = Fraction(13, 5)

# The built-in shapes, by width to height. A ratio on a border is of the shape nearer to the square.
SHAPES: Final[Mapping[str, Span]] = {
    "tower": (_ENDS[0], 1 / _BANNER),
    "portrait": (1 / _BANNER, 1 / _SQUARE),
    "square": (1 / _SQUARE, _SQUARE),
    "landscape": (_SQUARE, _BANNER),
    "banner": (_BANNER, _ENDS[1]),
}

# Lengths are shares of the shorter edge, which in a banner of 728x90 is little: there, and in a tower, what the roles
# say of their sizes is multiplied by the ratio of the edges over this, so that it can be said once for every shape.
SCALED_BY: Final = Fraction(23, 10)
TOWER_LINES: Final = 2  # times as many lines: a tower is narrow, and has room below

# What a role is when a layout says no more. Other names begin as `body`.
BUILT_IN_ROLES: Final[Mapping[str, Mapping[str, object]]] = {
    "headline": {"size": (0.06, 0.11), "lines": 3, "weight": 700, "leading": 0.98},
    "body": {"size": (0.03, 0.044), "lines": 5, "weight": 400, "leading": 1.08},
    "cta": {"size": (0.032, 0.044), "lines": 1, "weight": 600, "button": {}},
    "price": {"size": (0.05, 0.09), "lines": 1, "weight": 700},
    "legal": {"size": (0.017, 0.022), "lines": 4, "weight": 400},
}


@lru_cache(maxsize=1024)
def built_in_shape(size: Size) -> str:
    """The built-in shape of a picture."""
    ratio = Fraction(*size)
    nearest_to_square = ("square", "landscape", "portrait", "banner", "tower")
    return next(name for name in nearest_to_square if SHAPES[name][0] <= ratio <= SHAPES[name][1])


class BrandFont(NamedTuple):
    """A font file of the campaign's own, its path a template; `scripts` narrow what it is used for."""

    path: SourceText
    scripts: tuple[str, ...]


class TextSpec(NamedTuple):
    """A text item but for its text. `scaled`, `lines_scaled`: its sizes and lines are those of its role, said for
    every shape."""

    role: str
    sizes: tuple[float, float]
    scaled: bool
    lines: int
    lines_scaled: bool
    weight: int
    family: str
    align: Align
    inks: tuple[str, ...]
    contrast: float
    leading: float
    button: Button | None
    optional: bool
    place: Place


class PictureSpec(NamedTuple):
    """A picture item; its path is a template."""

    role: str
    picture: SourceText
    height: float
    scaled: bool
    align: Align


class RuleSpec(NamedTuple):
    length: float
    thickness: float
    scaled: bool
    color: str
    align: Align


ItemSpec = TextSpec | PictureSpec | RuleSpec


class GroupSpec(NamedTuple):
    """A group; `gap` None: the usual one."""

    box: Box
    frame: Frame
    valign: Valign
    gap: float | None
    items: tuple[ItemSpec, ...]
    scrim: Scrim | None


class ShapeSpec(NamedTuple):
    """One arrangement, and the pictures it is for: of exact sizes, of ratios, or of built-in shapes."""

    name: str
    sizes: tuple[Size, ...]
    spans: tuple[Span, ...]
    shapes: tuple[str, ...]
    scale: float | None
    areas: tuple[Area, ...]
    groups: tuple[GroupSpec, ...]
    place: Place

    @property
    def texts(self) -> tuple[TextSpec, ...]:
        return tuple(item for group in self.groups for item in group.items if isinstance(item, TextSpec))

    def lines_for(self, size: Size) -> int:
        """Times as many lines as the roles say."""
        return TOWER_LINES if built_in_shape(size) == "tower" else 1

    def scale_for(self, size: Size) -> float:
        """Times as large as the roles say."""
        if self.scale is not None:
            return self.scale
        if built_in_shape(size) not in ("banner", "tower"):
            return 1.0
        return float(round(Fraction(max(size), min(size)) / SCALED_BY, 2))


class Layout(NamedTuple):
    """One layout file. `label` is how messages call it; `nearest`: a picture that no shape is for takes the nearest."""

    label: str
    fonts: Mapping[str, tuple[BrandFont, ...]]
    shapes: tuple[ShapeSpec, ...]
    mirror: bool
    nearest: bool

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose text some shape shows."""
        return tuple(dict.fromkeys(item.role for shape in self.shapes for item in shape.texts))

    def shape_for(self, size: Size) -> ShapeSpec | None:
        """The shape of a picture: one for exactly its size, else for its ratio, else for its built-in shape."""
        ratio, built_in = Fraction(*size), built_in_shape(size)
        for fits in (
            [shape for shape in self.shapes if size in shape.sizes],
            [shape for shape in self.shapes if any(low <= ratio <= high for low, high in shape.spans)],
            [shape for shape in self.shapes if built_in in shape.shapes],
        ):
            if fits:
                return fits[0]
        spanning = [shape for shape in self.shapes if shape.spans or shape.shapes] if self.nearest else []
        return min(spanning, key=lambda shape: _times_away(shape, ratio), default=None)


def _times_away(shape: ShapeSpec, ratio: Fraction) -> Fraction:
    """How many times wider or narrower a ratio is than the nearest that the shape is for."""
    spans = (*shape.spans, *(SHAPES[name] for name in shape.shapes))
    return min(max(low / ratio, ratio / high) for low, high in spans)
