"""The caption of a proof: a slim strip with the asset's address, size and quality, and the prompt's first words.

It says on the picture itself that the picture is a proof, so that none is ever taken for the paid one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFilter

from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.proof.brush import Box, paste_color
from imagebuild.picture.proof.color import Palette, mix
from imagebuild.picture.proof.copy import is_right_to_left, language_of
from imagebuild.picture.text import Line, clusters, draw_line, layout_line

__all__ = ["Caption", "caption_height", "draw_caption", "text_size"]

MARK: Final = "PROOF"
_EXCERPT: Final = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    label: str
    facts: str
    prompt: str


def text_size(size: tuple[int, int]) -> float:
    """Legible in the picture itself and in a small view of it, whatever the ratio."""
    return max(13.0, 0.0148 * math.sqrt(size[0] * size[1]))


def _rows(width: float, letters: float) -> int:
    return 1 if width >= letters * 62 else 2


def caption_height(size: tuple[int, int], width: float | None = None) -> int:
    letters = text_size(size)
    return round(letters * (2.5 if _rows(width or size[0], letters) == 1 else 3.9))


def draw_caption(image: Image.Image, caption: Caption, box: Box, palette: Palette, letters: float) -> None:
    """Fill `box` (as high as `caption_height` says) with the strip."""
    left, top, right, bottom = (round(value) for value in box)
    ground = mix(palette.deep, (8, 9, 12), 0.35)
    size = (right - left, bottom - top)
    if image.mode == "RGBA":
        mask = Image.new("L", (size[0] * 2, size[1] * 2))
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), letters, fill=224)
        paste_color(image, ground, mask.reduce(2), (left, top))
    else:
        under = image.crop((left, top, right, bottom)).resize((max(size[0] // 8, 1), max(size[1] // 8, 1)))
        under = under.filter(ImageFilter.GaussianBlur(3)).resize(size, Image.Resampling.BICUBIC)
        image.paste(Image.blend(under, Image.new("RGB", size, ground), 0.8), (left, top))
        line = max(round(letters / 14), 1)
        image.paste(palette.accent, (left, top, right, top + line))
    _draw_words(image, caption, (left, top, right, bottom), palette, letters)


def _draw_words(image: Image.Image, caption: Caption, box: Box, palette: Palette, letters: float) -> None:
    left, top, right, bottom = box
    edge = letters * 1.15
    first, last = left + edge, right - edge
    bright, muted = (
        mix(palette.paper, (255, 255, 255), 0.6),
        mix(mix(palette.paper, (255, 255, 255), 0.5), palette.deep, 0.32),
    )
    rows = _rows(right - left, letters)
    middle = [(top + bottom) / 2] if rows == 1 else [top + (bottom - top) * 0.32, top + (bottom - top) * 0.70]
    baseline = [y + letters * 0.34 for y in middle]
    first += _mark(image, first, middle[0], palette, letters) + letters * 0.75
    facts = _line(caption.facts, letters * 0.92, 400, "en")
    if rows == 1:
        draw_line(image, facts, last - facts.width, baseline[0], muted)
        label = _shortened(caption.label, letters, 600, (last - first - facts.width) * 0.5, "en")
        draw_line(image, label, first, baseline[0], bright)
        start, end = first + label.width + letters * 1.2, last - facts.width - letters * 1.2
    else:
        label = _shortened(caption.label, letters, 600, last - first, "en")
        draw_line(image, label, first, baseline[0], bright)
        facts_width = min(facts.width, (last - left - edge) * 0.6)
        draw_line(image, facts, last - facts_width, baseline[1], muted)
        start, end = left + edge, last - facts_width - letters
    words = " ".join(caption.prompt.split())[:_EXCERPT]
    if words and end - start > letters * 4:
        excerpt = _shortened(words, letters * 0.92, 400, end - start, language_of(words, caption.prompt))
        x = end - excerpt.width if is_right_to_left(words) else start
        draw_line(image, excerpt, x, baseline[-1], muted)


def _mark(image: Image.Image, x: float, y: float, palette: Palette, letters: float) -> float:
    """The word PROOF on a tag of the accent colour; the width it took."""
    line = _line(MARK, letters * 0.72, 700, "en")
    across, half = letters * 0.42, letters * 0.66
    size = (round(line.width + 2 * across), round(2 * half))
    tag = Image.new("L", (size[0] * 3, size[1] * 3))
    ImageDraw.Draw(tag).rounded_rectangle((0, 0, tag.width - 1, tag.height - 1), letters * 0.75, fill=255)
    paste_color(image, palette.accent, tag.reduce(3), (round(x), round(y - half)))
    ink = palette.deep if sum(palette.accent) > 330 else palette.paper
    draw_line(image, line, round(x) + across, round(y - half) + half - (line.ink[1] + line.ink[3]) / 2, ink)
    return size[0]


def _line(text: str, size: float, weight: int, language: str) -> Line:
    return layout_line(text, size=size, language=language, weight=weight, fonts=bundled_fonts(), missing="show")


def _shortened(text: str, size: float, weight: int, width: float, language: str) -> Line:
    """As many words (or letters, in the last resort) as there is room for, with an ellipsis after them."""
    line = _line(text, size, weight, language)
    if line.width <= width:
        return line
    ends = [start for start, _ in clusters(text)][1:]
    low, high = 0, len(ends)
    best = _line("…", size, weight, language)
    while low < high:  # the longest start that fits
        middle = (low + high) // 2
        line = _line(text[: ends[middle]].rstrip() + "…", size, weight, language)
        if line.width <= width:
            best, low = line, middle + 1
        else:
            high = middle
    return best
