"""The words of a proof: copy that the prompt gives in quotes, set in its own script and direction.

Knows prompts, boxes and pictures; the scene under the words is `scenes`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageStat

from imagebuild.picture import bidi
from imagebuild.picture.block import Align, Block, draw_block, fit_text
from imagebuild.picture.fonts import bundled_fonts, script_of
from imagebuild.picture.proof.brush import Box, paste_color
from imagebuild.picture.proof.color import RGB, Palette, contrast, mix

__all__ = ["draw_copy", "is_right_to_left", "language_of", "legibility", "quoted", "readable_on", "without_quotes"]

MOST_STRINGS: Final = 5
_ENOUGH: Final = 4.2  # contrast
_QUOTED: Final = re.compile(
    r'(?<!\w)"(?=\S)([^"]{1,240})"(?!\w)|[“”]([^“”„]{1,240})”|„([^“”„]{1,240})[“”]|«([^»«]{1,240})»|»([^»«]{1,240})«'
    r"|‹([^›‹]{1,240})›|「([^」]{1,240})」|『([^』]{1,240})』|《([^》]{1,240})》"
)
_LANGUAGES: Final = {
    "Arab": "ar", "Hebr": "he", "Deva": "hi", "Beng": "bn", "Thai": "th", "Hang": "ko", "Hira": "ja", "Kana": "ja",
    "Grek": "el", "Cyrl": "ru", "Taml": "ta", "Telu": "te", "Gujr": "gu", "Guru": "pa", "Knda": "kn", "Mlym": "ml",
    "Khmr": "km", "Laoo": "lo", "Mymr": "my", "Geor": "ka", "Armn": "hy", "Ethi": "am", "Sinh": "si", "Orya": "or",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A block of the copy and where its top is, from the top of all of it; `button`: drawn on a pill."""

    block: Block
    top: float
    button: bool


def quoted(prompt: str) -> tuple[str, ...]:
    """The strings in quotes, of whatever kind, in the prompt's order."""
    found = (" ".join(next(group for group in match if group).split()) for match in _QUOTED.findall(prompt))
    return tuple(dict.fromkeys(text for text in found if text))[:MOST_STRINGS]


def without_quotes(prompt: str) -> str:
    """The prompt less its copy: what all languages of one poster have in common."""
    return _QUOTED.sub("“”", prompt)


def language_of(text: str, context: str = "") -> str:
    """A BCP-47 tag by the script; ideographs are Japanese where kana are near, else told apart by the charsets."""
    scripts = [script_of(c) for c in text]
    for script in scripts:
        if script in _LANGUAGES:
            return _LANGUAGES[script]
    if "Hani" in scripts:
        if any(script_of(c) in ("Hira", "Kana") for c in context):
            return "ja"
        ideographs = "".join(c for c, script in zip(text, scripts, strict=True) if script == "Hani")
        return "zh-Hant" if not _encodes(ideographs, "gb2312") and _encodes(ideographs, "big5") else "zh-Hans"
    return "en"


def _encodes(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def is_right_to_left(text: str) -> bool:
    return bidi.resolve(text, "auto").base == 1


def _seen(image: Image.Image, box: Box) -> tuple[RGB, float]:
    """The mean colour of a part of the picture, and how busy it is."""
    left, top, right, bottom = (round(value) for value in box)
    part = image.crop((left, top, max(right, left + 1), max(bottom, top + 1))).convert("RGB")
    part.thumbnail((64, 64))
    stat = ImageStat.Stat(part)
    red, green, blue = (round(value) for value in stat.mean)
    return (red, green, blue), sum(stat.stddev) / 3


def legibility(image: Image.Image, box: Box, ink: RGB) -> float:
    """The contrast of an ink with the mean of what is under it, less where that is busy."""
    under, busy = _seen(image, box)
    return contrast(ink, under) * (1 - min(busy / 110, 0.6))


def readable_on(image: Image.Image, box: Box, palette: Palette) -> tuple[RGB, RGB]:
    """The ink, of the palette's darkest and lightest, that reads best there; and the mean of what it is read on."""
    under, _ = _seen(image, box)
    dark, bright = mix(palette.deep, (0, 0, 0), 0.25), mix(palette.paper, (255, 255, 255), 0.5)
    return max((dark, bright), key=lambda color: contrast(color, under)), under


def draw_copy(image: Image.Image, texts: tuple[str, ...], box: Box, palette: Palette, *, centered: bool) -> None:
    """Headline, lines under it, and a short last one as a button; right-to-left copy stands at the right."""
    left, top, right, bottom = box
    parts = _compose(texts, right - left, bottom - top)
    if not parts:
        return
    last = parts[-1]
    height = last.top + last.block.height + (last.block.size * 0.75 if last.button else 0)
    start = top + max((bottom - top - height) / 2, 0) if centered else top
    area = (left, start, right, min(start + height, bottom))
    transparent = image.mode == "RGBA"
    ink, under = readable_on(image, area, palette) if not transparent else (palette.deep, palette.paper)
    if not transparent and min(_clear(image, part, box, start, ink) for part in parts) < _ENOUGH:
        _veil(image, area, ink, under)
    rtl = is_right_to_left(texts[0])
    headline = parts[0].block
    accent = palette.accent if contrast(palette.accent, under) > 1.7 else ink
    bar = (headline.size * 0.62, max(headline.size * 0.07, 2))
    if start - bar[1] * 5 > 0:
        x = right - bar[0] if rtl else left
        ImageDraw.Draw(image).rectangle((x, start - bar[1] * 5, x + bar[0], start - bar[1] * 4), fill=accent)
    for part in parts:
        if part.button:
            _button(image, part, box, start, accent, palette, rtl=rtl)
        else:
            color = ink if part is parts[0] else mix(ink, under, 0.14)
            draw_block(image, part.block, left, start + part.top, color)


def _clear(image: Image.Image, part: _Part, box: Box, start: float, ink: RGB) -> float:
    """How well one part would read in this ink, where it stands."""
    top = start + part.top
    return legibility(image, (box[0], top, box[2], top + part.block.height), ink)


def _compose(texts: tuple[str, ...], width: float, height: float) -> list[_Part]:
    rtl = is_right_to_left(texts[0])
    smallest = 9.0
    share = (0.95, 0.6, 0.46)[min(len(texts), 3) - 1]
    headline = _fit(texts[0], width, height * share, min(width * 0.2, height * 0.4), smallest, 4, 700, "start", rtl)
    if headline is None:
        headline = _fit(_shortened(texts[0]), width, height, height, 5.0, 6, 700, "start", rtl)
    if headline is None:
        return []
    parts = [_Part(block=headline, top=0.0, button=False)]
    below = headline.height + headline.size * 0.5
    rest = texts[1:]
    for number, text in enumerate(rest):
        button = number == len(rest) - 1 and number > 0 and len(text) <= 28
        room = (height - below) / (len(rest) - number)
        largest = min(headline.size * (0.4 if button else 0.44), room if not button else room * 0.55)
        weight = 600 if button else 400
        if largest < smallest:
            break
        block = _fit(
            text, width * (0.8 if button else 1), room, largest, smallest, 1 if button else 3, weight, "start", rtl
        )
        if block is None:
            break
        if button:
            below += block.size * 0.95
        parts.append(_Part(block=block, top=below, button=button))
        below += block.height + block.size * 0.7
    return parts


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:60].rstrip() + "…"


def _fit(
    text: str,
    width: float,
    height: float,
    largest: float,
    smallest: float,
    lines: int,
    weight: int,
    align: Align,
    rtl: bool,
) -> Block | None:
    """As `fit_text`, in the text's language. Left-to-right words in right-to-left copy stand with the rest of it."""
    own = is_right_to_left(text)
    return fit_text(
        text, width=width, height=height, largest=max(largest, smallest), smallest=smallest, most_lines=lines,
        language=language_of(text), direction="auto", weight=weight, align=align if own == rtl else "end",
        fonts=bundled_fonts(), missing="show",
    )  # fmt: skip


def _veil(image: Image.Image, area: Box, ink: RGB, under: RGB) -> None:
    """A fall of the ground's own tone from the edge where the words stand, for those that would not read without it."""
    ground = mix(under, (0, 0, 0) if sum(ink) > 382 else (255, 255, 255), 0.5)
    left, top, right, bottom = area
    width, height = image.size
    beside = right - left < width * 0.6
    near, far = (left, right) if beside else (top, bottom)
    length = width if beside else height
    if beside and left > width - right:
        near, far = width - right, width - left
    steps = bytearray()
    for i in range(256):
        place = (i + 0.5) / 256 * length
        share = 1 - min(max((place - far) / (length * 0.16 + (far - near) * 0.25) + 0.45, 0), 1)
        steps.append(round(225 * share * share * (3 - 2 * share)))
    ramp = Image.frombytes("L", (256, 1) if beside else (1, 256), bytes(steps))
    if beside and left > width - right:
        ramp = ramp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    paste_color(image, ground, ramp.resize(image.size, Image.Resampling.BICUBIC), (0, 0))


def _button(
    image: Image.Image, part: _Part, box: Box, start: float, color: RGB, palette: Palette, *, rtl: bool
) -> None:
    block = part.block
    across, down = block.size * 0.95, block.size * 0.6
    x = box[2] - block.width - across if rtl else box[0] + across
    top = start + part.top
    pill = (x - across, top - down, x + block.width + across, top + block.height + down)
    size = (round(pill[2] - pill[0]), round(pill[3] - pill[1]))
    large = Image.new("L", (size[0] * 3, size[1] * 3))
    ImageDraw.Draw(large).rounded_rectangle((0, 0, large.width - 1, large.height - 1), large.height / 2, fill=255)
    paste_color(image, color, large.reduce(3), (round(pill[0]), round(pill[1])))
    ink = max(((16, 18, 24), (255, 255, 255), palette.deep), key=lambda ink: contrast(ink, color))
    shift = block.places[0][0]
    draw_block(image, block, x - shift, top, ink)
