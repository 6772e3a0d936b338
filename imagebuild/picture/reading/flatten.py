"""A place in a picture made easy to read: black letters on white, at the height that recognisers were taught.

Letters of an advertisement are far larger than those of a scanned page, light on dark, and stand on photographs;
without this Tesseract misreads a third of them. Knows nothing of engines or languages. Pillow only.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from PIL import Image, ImageChops, ImageFilter, ImageOps, ImageStat

from imagebuild.picture.reading.base import Box, grown

__all__ = ["BORDER", "Ground", "apart_from_ground", "bands", "flattened"]

BORDER: Final = 20
_LEAST_INK: Final = 2  # of 255, in a row, for the row to belong to a line
_LARGEST: Final = 8000
_MARGIN: Final = 0.08
_LEAST_HEIGHT: Final = 6
_NEIGHBOURHOOD: Final = 24


class Ground(NamedTuple):
    """How letters are told from what is behind them. `local`: the neighbourhood's own tone is taken away first, for a
    ground that changes under the words. `hard`: nothing between black and white is left."""

    name: str
    height: int  # of a line, in pixels, afterwards
    local: bool = False
    hard: bool = False


def flattened(image: Image.Image, box: Box, ground: Ground) -> Image.Image | None:
    """The place as an `L` picture, dark letters on white; None when it is too small to hold any."""
    left, top, right, bottom = grown(box, _MARGIN, image.size)
    if right - left < _LEAST_HEIGHT or bottom - top < _LEAST_HEIGHT:
        return None
    grey = image.crop((left, top, right, bottom)).convert("L")
    if ground.local:
        grey = _without_ground(grey)
    threshold = _otsu(grey)
    if _edge_tone(grey) < threshold:
        grey = ImageOps.invert(grey)
        threshold = 255 - threshold
    ink, paper = _tones(grey, threshold)
    span = max(paper - ink, 1.0)
    grey = grey.point([min(max(round((tone - ink) / span * 255), 0), 255) for tone in range(256)])
    tallest = max((end - start for start, end in bands(grey)), default=grey.height)
    scale = min(ground.height / max(tallest, 1), _LARGEST / max(grey.size))
    size = (max(round(grey.width * scale), 1), max(round(grey.height * scale), 1))
    grey = grey.resize(size, Image.Resampling.LANCZOS)
    if ground.hard:
        grey = grey.point([0] * 128 + [255] * 128)
    return ImageOps.expand(grey, border=BORDER, fill=255)


def apart_from_ground(grey: Image.Image) -> tuple[Image.Image, Image.Image]:
    """A whole picture twice, dark on white: what is lighter than around it, and what is darker."""
    around = grey.filter(ImageFilter.GaussianBlur(_NEIGHBOURHOOD))
    lighter, darker = ImageChops.subtract(grey, around), ImageChops.subtract(around, grey)
    both = [ImageOps.invert(ImageOps.autocontrast(each, cutoff=(0, 0.2))) for each in (lighter, darker)]
    return both[0], both[1]


def bands(grey: Image.Image) -> list[tuple[int, int]]:
    """The rows of each line of dark letters on white, from top to bottom."""
    dark = grey.point([255] * 128 + [0] * 128).resize((1, grey.height), Image.Resampling.BOX).tobytes()
    found: list[tuple[int, int]] = []
    start = None
    for row, ink in enumerate([*dark, 0]):
        if ink > _LEAST_INK and start is None:
            start = row
        elif ink <= _LEAST_INK and start is not None:
            found.append((start, row))
            start = None
    return found


def _without_ground(grey: Image.Image) -> Image.Image:
    """The difference from the tone around, about as wide as a letter is high."""
    radius = max(grey.height // 3, 8)
    around = grey.filter(ImageFilter.GaussianBlur(radius))
    return ImageOps.autocontrast(ImageChops.subtract(grey, around, 1, 128), cutoff=(0.5, 0.5))


def _edge_tone(grey: Image.Image) -> float:
    """The mean tone of the outermost rows, where the ground is and letters are not."""
    rows = [grey.crop((0, 0, grey.width, 2)), grey.crop((0, grey.height - 2, grey.width, grey.height))]
    return sum(ImageStat.Stat(row).mean[0] for row in rows) / len(rows)


def _otsu(grey: Image.Image) -> int:
    """The tone that parts dark from light best (Otsu)."""
    counts = grey.histogram()
    total = sum(counts)
    weighted = sum(tone * count for tone, count in enumerate(counts))
    best, found, below, sum_below = -1.0, 128, 0, 0
    for tone, count in enumerate(counts):
        below += count
        sum_below += tone * count
        above = total - below
        if below and above:
            apart = below * above * (sum_below / below - (weighted - sum_below) / above) ** 2
            if apart > best:
                best, found = apart, tone + 1
    return found


def _tones(grey: Image.Image, threshold: int) -> tuple[float, float]:
    """The mean tone of what is darker than the threshold, and of the rest."""
    counts = grey.histogram()

    def mean(start: int, end: int) -> float:
        number = sum(counts[start:end])
        return sum(tone * counts[tone] for tone in range(start, end)) / number if number else float(start)

    return mean(0, threshold), mean(threshold, 256)
