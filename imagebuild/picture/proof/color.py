"""The colours of a proof: taken from the prompt where it names any, or else a harmony grown from its digest.

Knows colours only. Lightness and chroma are OKLCH's, so that equal steps look equal.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from random import Random
from typing import Final

__all__ = ["RGB", "Palette", "contrast", "mix", "palette_of", "shade"]

RGB = tuple[int, int, int]

_HEX: Final = re.compile(r"(?<![\w&#])#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})(?![0-9a-zA-Z])")
_SCHEMES: Final = (180.0, 150.0, -150.0, 35.0, -35.0, 120.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """From light to dark: `paper`, `soft`, `main`, `deep`; and `accent`, the one that stands out."""

    paper: RGB
    soft: RGB
    main: RGB
    accent: RGB
    deep: RGB


def palette_of(prompt: str, random: Random) -> Palette:
    named = list(dict.fromkeys(_from_hex(code) for code in _HEX.findall(prompt)))
    return _from_named(named) if named else _harmony(random)


def _harmony(random: Random) -> Palette:
    hue = random.random() * 360
    other = hue + _SCHEMES[int(random.random() * len(_SCHEMES))]
    vivid = 0.09 + 0.05 * random.random()
    return Palette(
        paper=_from_lch(0.955, 0.018, hue + 20),
        soft=_from_lch(0.86, 0.05, hue + 8),
        main=_from_lch(0.62, vivid, hue),
        accent=_from_lch(0.7, vivid + 0.05, other),
        deep=_from_lch(0.27, 0.055, hue - 12),
    )


def _from_named(named: list[RGB]) -> Palette:
    """The prompt's own colours, each in the part that suits it; parts left over are derived from them."""
    by_light = sorted(named, key=lambda color: _to_lch(color)[0])
    by_chroma = sorted(named, key=lambda color: -_to_lch(color)[1])
    darkest, lightest = by_light[0], by_light[-1]
    _, chroma, hue = _to_lch(darkest)
    deep = darkest if _to_lch(darkest)[0] < 0.42 else _from_lch(0.27, min(chroma * 0.6, 0.07), hue)
    _, chroma, hue = _to_lch(lightest)
    paper = lightest if _to_lch(lightest)[0] > 0.88 else _from_lch(0.955, min(chroma, 0.025), hue)
    middle = [color for color in by_chroma if color not in (deep, paper)]
    accent = middle[0] if middle else by_chroma[0]
    if accent == deep:
        _, chroma, hue = _to_lch(accent)
        accent = _from_lch(0.68, max(chroma, 0.12), hue + 180)
    main = middle[1] if len(middle) > 1 else mix(deep, paper, 0.42)
    return Palette(paper=paper, soft=mix(main, paper, 0.68), main=main, accent=accent, deep=deep)


def mix(one: RGB, two: RGB, share: float) -> RGB:
    """`share` of the second colour in the first."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, two, strict=True))
    return red, green, blue


def shade(color: RGB, by: float) -> RGB:
    """Lighter (`by` > 0) or darker, hue and most of the chroma kept."""
    light, chroma, hue = _to_lch(color)
    return _from_lch(min(max(light + by, 0.03), 0.99), chroma * (1 - 0.4 * abs(by)), hue)


def contrast(one: RGB, two: RGB) -> float:
    """WCAG's contrast ratio, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: RGB) -> float:
    red, green, blue = map(_linear, color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _from_hex(code: str) -> RGB:
    digits = code if len(code) == 6 else "".join(c * 2 for c in code)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def _linear(value: int) -> float:
    part = value / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _encoded(part: float) -> int:
    part = min(max(part, 0.0), 1.0)
    return round(255 * (12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055))


def _to_lch(color: RGB) -> tuple[float, float, float]:
    red, green, blue = map(_linear, color)
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    light = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return light, math.hypot(a, b), math.degrees(math.atan2(b, a))


def _from_lch(light: float, chroma: float, hue: float) -> RGB:
    """The colour, its chroma lowered until the screen can show it."""
    for _ in range(12):
        a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
        long = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
        medium = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
        short = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
        parts = (
            4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
            -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
            -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
        )
        if all(-0.002 <= part <= 1.002 for part in parts):
            break
        chroma *= 0.86
    red, green, blue = map(_encoded, parts)
    return red, green, blue
