"""What is really behind the words of a picture, before and after they are drawn, and how far they stand out from it.

The ground is measured by neighbourhoods about a letter wide and a line high, in which the picture is seen about as
finely as strokes are thick, and only right beside letters: what is there is there after drawing as well, so that the
same is measured when an ink is chosen and when a finished picture is judged. What counts in a neighbourhood is its
nearly darkest and its nearly brightest part (the 20th and the 80th of 100), whichever is nearer to the ink; what counts
for a text is its worst neighbourhood. So a word that stands half over a bright sky is found out, though the mean over
all of its box would do, while grain, edges and the noise of a lossy file change little. Where a picture is transparent
nothing is known to be behind, and nothing is measured.

On a finished picture the glyphs tell which pixels are ink and which are ground: the ink's colour is the one that,
blended by the glyphs' coverage with the ground beside them, gives the pixels that are there (least squares over what
is at least half covered, line by line).
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageFilter, ImageStat

from imagebuild.core.sizes import Size
from imagebuild.picture.text import line_mask
from imagebuild.picture.typeset.color import CHANNELS, luminance, mixed, ratio_of
from imagebuild.picture.typeset.setting import PlacedText, Rectangle, Setting

__all__ = ["DrawnLine", "Ground", "Measured", "Veil", "drawn_lines", "ground_of", "measured_contrast", "ratio_on"]

_CELLS: Final = 8  # to an em
_DARK, _BRIGHT = 0.2, 0.8  # which parts of a neighbourhood count
_FEWEST: Final = 5  # cells that make a neighbourhood
_OPAQUE: Final = 128
_FREE: Final = 12  # of 255: a cell with no more ink than this is ground
_EDGE: Final = 0.03  # ems: what is so near to ink is edge, and what a lossy file smears
_ANY: Final = [0] + [255] * 255
_NONE: Final = [255] * _FREE + [0] * (256 - _FREE)
_SOLID: Final = [0] * 128 + list(range(128, 256))

Ground = tuple[float, ...]  # luminances from dark to bright: two of each neighbourhood, nearly its least and greatest
Veil = tuple[float, float]  # the luminance and the opacity of what may be laid over a ground


class DrawnLine(NamedTuple):
    """A line's coverage of a part of the picture, and which cells of that part (column by column) are the ground that
    its letters are seen against; `cuts` part them into neighbourhoods."""

    box: Rectangle
    mask: Image.Image
    cells: tuple[int, int]
    counted: bytes
    cuts: tuple[int, ...]


class Measured(NamedTuple):
    """The contrast a text really has on a picture; `wanted` is what its layout asks for."""

    role: str
    text: str
    ratio: float
    wanted: float
    box: Rectangle


def drawn_lines(placed: PlacedText, size: Size) -> tuple[DrawnLine, ...]:
    """The lines of a text on a picture of a size; those that lie on it."""
    found = []
    for line, (x, y) in zip(placed.lines, placed.places, strict=True):
        drawn = line_mask(line, x, y)
        if drawn and (seen := _seen(*drawn, line.size, size)):
            found.append(seen)
    return tuple(found)


def _seen(letters: Image.Image, left: int, top: int, em: float, size: Size) -> DrawnLine | None:
    around = max(round(em * 0.14), 2)
    box = (
        max(left - around, 0),
        max(top - around, 0),
        min(left + letters.width + around, size[0]),
        min(top + letters.height + around, size[1]),
    )
    width, height = box[2] - box[0], box[3] - box[1]
    if width <= 0 or height <= 0:
        return None
    mask = Image.new("L", (width, height))
    mask.paste(letters, (left - box[0], top - box[1]))
    step = max(em / _CELLS, 1.0)
    cells = (max(round(width / step), 1), max(round(height / step), 1))
    spread = mask.filter(ImageFilter.BoxBlur(max(round(em * _EDGE), 1))).point(_ANY)
    covered = spread.resize(cells, Image.Resampling.BOX)
    free = ImageChops.multiply(covered.point(_ANY).filter(ImageFilter.MaxFilter(3)), covered.point(_NONE))
    counted = free.transpose(Image.Transpose.TRANSPOSE).tobytes()
    columns = max(round(width / em), 1)
    edges = [round(i * cells[0] / columns) * cells[1] for i in range(columns + 1)]
    sums = list(itertools.accumulate((value > 0 for value in counted), initial=0))
    return DrawnLine(box, mask, cells, counted, tuple(sums[edge] for edge in edges))


def ground_of(image: Image.Image, lines: Sequence[DrawnLine]) -> Ground:
    """What a text is seen against, whether it is drawn already or not."""
    red, green, blue = CHANNELS
    found: list[float] = []
    for line in lines:
        small = image.resize(line.cells, Image.Resampling.BOX, line.box).transpose(Image.Transpose.TRANSPOSE)
        bands = [band.tobytes() for band in small.split()]
        cells = itertools.compress(zip(*bands[:3], strict=True), line.counted)
        lights = [red[r] + green[g] + blue[b] for r, g, b in cells]
        opaque = list(itertools.compress(bands[3], line.counted)) if len(bands) == 4 else []
        for first, last in itertools.pairwise(line.cuts):
            values = sorted(lights[first:last])
            if opaque:
                seen = zip(lights[first:last], opaque[first:last], strict=True)
                values = sorted(light for light, alpha in seen if alpha >= _OPAQUE)
            if len(values) >= _FEWEST:
                found += (values[int(len(values) * _DARK)], values[int(len(values) * _BRIGHT)])
    return tuple(sorted(found))


def ratio_on(ground: Ground, ink: float, veil: Veil | None = None) -> float:
    """The contrast of an ink's luminance in the worst neighbourhood, with a shade laid over the ground if one is given;
    21 where nothing is known to be behind."""

    def seen(light: float) -> float:
        return mixed(light, *veil) if veil else light

    place = bisect.bisect(ground, ink, key=seen)  # a shade keeps dark and bright in their order
    return min((ratio_of(ink, seen(light)) for light in ground[max(place - 1, 0) : place + 1]), default=21.0)


def measured_contrast(image: Image.Image, setting: Setting) -> tuple[Measured, ...]:
    """The contrast of every text of a finished picture; a text whose ground is transparent is left out."""
    found = []
    for placed in setting.texts:
        lines = drawn_lines(placed, image.size)
        ratios = [ratio for line in lines if (ratio := _measured_line(image, line)) is not None]
        if ratios:
            found.append(Measured(placed.role, placed.text, min(ratios), placed.item.contrast, placed.ink))
    return tuple(found)


def _measured_line(image: Image.Image, line: DrawnLine) -> float | None:
    ground = ground_of(image, [line])
    ink = _ink_color(image.crop(line.box).convert("RGB"), line.mask) if ground else None
    return ratio_on(ground, luminance(ink)) if ink else None


def _ink_color(part: Image.Image, mask: Image.Image) -> tuple[int, int, int] | None:
    solid = mask.point(_SOLID)
    beside = mask.filter(ImageFilter.BoxBlur(1)).point(_NONE)
    covered = ImageStat.Stat(solid).sum[0] / 255
    squared = ImageStat.Stat(ImageChops.multiply(solid, solid)).sum[0] / 255
    if squared < 1 or not beside.getbbox():
        return None
    values = []
    for band, ground in zip(part.split(), ImageStat.Stat(part, beside).mean, strict=True):
        seen = ImageStat.Stat(ImageChops.multiply(band, solid)).sum[0]
        values.append(min(max(round((seen - ground * (covered - squared)) / squared), 0), 255))
    return values[0], values[1], values[2]
