"""Whether a picture keeps to a brand's colours: enough of it is near enough to one of them.

Looked at as one sees it from a step back: scaled down to a hundred dots across, so that grain, edges and lossy noise
are averaged away. Transparent parts do not count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from PIL import Image, ImageColor

from imagebuild.picture.checks.color_distance import Lab, ciede2000, lab_of
from imagebuild.picture.checks.finding import Finding, Rectangle, place_of
from imagebuild.picture.checks.subject import Subject

__all__ = ["check_palette"]

_DOTS: Final = 100  # the longer edge
_CELLS: Final = 4  # how finely it is said where, across and down
_SEEN: Final = 128  # of alpha
_COARSE: Final = 2  # bits of a channel that make no difference: ΔE below 1
_MOST_S_L: Final = 1.75  # what CIEDE2000 divides a difference in lightness by, at most

Color = tuple[int, int, int]


class _Brand:
    """The nearest of the brand's colours to any other; none when that is further than `most` in lightness alone."""

    def __init__(self, colors: list[str], most: float) -> None:
        self.colors = [(color, lab_of(_rgb(color))) for color in colors]
        self.most = most
        self._near: dict[Color, bool] = {}

    def is_near(self, color: Color) -> bool:
        found = self._near.get(color)
        if found is None:
            lab = lab_of(color)
            found = self._near[color] = any(
                abs(lab[0] - brand[0]) <= self.most * _MOST_S_L and ciede2000(brand, lab) <= self.most
                for _, brand in self.colors
            )
        return found

    def nearest(self, lab: Lab) -> tuple[float, str]:
        return min((ciede2000(brand, lab), color) for color, brand in self.colors)


def check_palette(subject: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    brand = _Brand(list(wanted["colors"]), float(wanted["most"]))
    dots = _dots(subject.image)
    near: list[int] = []
    far: dict[int, Color] = {}
    for index, (red, green, blue, alpha) in enumerate(_pixels(dots)):
        if alpha < _SEEN:
            continue
        color = (_coarse(red), _coarse(green), _coarse(blue))
        if brand.is_near(color):
            near.append(index)
        else:
            far[index] = color
    seen = len(near) + len(far)
    share = len(near) / seen if seen else 1.0
    if share >= wanted["share"]:
        return
    box = _worst(list(far), dots.size, subject.size)
    common = _common(list(far.values()))
    distance, nearest = brand.nearest(lab_of(common))
    what = (
        f"{_percent(share)} of the picture is within ΔE {brand.most:g} of the brand's colours, "
        f"{_percent(wanted['share'])} is wanted; most of the rest is like `{_hex(common)}`, ΔE {distance:.0f} from "
        f"`{nearest}`, {place_of(box, subject.size)}"
    )
    hint = "name the colours in the prompt, or take that one into `palette.colors`"
    yield Finding("palette", "failed", what, hint, box=box, measured=round(share, 4), limit=wanted["share"])


def _dots(image: Image.Image) -> Image.Image:
    """Averaged, never enlarged; what is transparent does not colour what is beside it."""
    scale = min(_DOTS / max(image.size), 1.0)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return image.convert("RGBA").resize(size, Image.Resampling.BOX)


def _pixels(dots: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    data = dots.tobytes()
    return ((data[i], data[i + 1], data[i + 2], data[i + 3]) for i in range(0, len(data), 4))


def _coarse(value: int) -> int:
    return (value >> _COARSE << _COARSE) + (1 << _COARSE >> 1)


def _worst(far: list[int], dots: tuple[int, int], size: tuple[int, int]) -> Rectangle:
    """The part of the picture, one of sixteen, that most of the far dots are in."""
    counts: dict[tuple[int, int], int] = {}
    for index in far:
        y, x = divmod(index, dots[0])
        cell = (x * _CELLS // dots[0], y * _CELLS // dots[1])
        counts[cell] = counts.get(cell, 0) + 1
    x, y = max(sorted(counts), key=lambda cell: counts[cell])
    return (
        x * size[0] // _CELLS,
        y * size[1] // _CELLS,
        (x + 1) * size[0] // _CELLS,
        (y + 1) * size[1] // _CELLS,
    )


def _common(colors: list[Color]) -> Color:
    """The mean of the most frequent of 64 kinds of colour."""
    kinds: dict[Color, list[Color]] = {}
    for color in colors:
        kinds.setdefault((color[0] >> 6, color[1] >> 6, color[2] >> 6), []).append(color)
    largest = kinds[max(sorted(kinds), key=lambda kind: len(kinds[kind]))]
    red, green, blue = (round(sum(color[i] for color in largest) / len(largest)) for i in range(3))
    return (red, green, blue)


def _rgb(color: str) -> Color:
    red, green, blue = ImageColor.getrgb(color)[:3]
    return (red, green, blue)


def _hex(color: Color) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
