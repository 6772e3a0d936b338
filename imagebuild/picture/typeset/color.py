"""Colours as layouts write them, and WCAG's measure of how far two stand apart.

Knows colours only; which is behind which word is `ink`'s.
"""

from __future__ import annotations

import re
from typing import Final

from imagebuild.errors import PictureError

__all__ = ["CHANNELS", "RGBA", "color_of", "encoded", "luminance", "mixed", "ratio_of"]

RGBA = tuple[int, int, int, int]

_HEX: Final = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


_LINEAR: Final = tuple(_linear(value / 255) for value in range(256))
# What each channel's value adds to the luminance.
CHANNELS: Final = tuple(tuple(part * value for value in _LINEAR) for part in (0.2126, 0.7152, 0.0722))


def color_of(text: str) -> RGBA:
    """`#rgb`, `#rgba`, `#rrggbb`, `#rrggbbaa` or `transparent`."""
    if text == "transparent":
        return 0, 0, 0, 0
    if not _HEX.fullmatch(text):
        raise PictureError(f"`{text}` is no colour", hint="write it as `#0b3954`, or `#0b3954d0` with its opacity")
    digits = text[1:] if len(text) > 5 else "".join(c * 2 for c in text[1:])
    red, green, blue, alpha = (int(digits[i : i + 2] or "ff", 16) for i in (0, 2, 4, 6))
    return red, green, blue, alpha


def luminance(color: tuple[int, ...]) -> float:
    return CHANNELS[0][color[0]] + CHANNELS[1][color[1]] + CHANNELS[2][color[2]]


def encoded(light: float) -> float:
    """The grey, 0 to 1 as sRGB writes it, of a luminance."""
    return 12.92 * light if light <= 0.0031308 else float(1.055 * light ** (1 / 2.4) - 0.055)


def mixed(light: float, other: float, share: float) -> float:
    """The luminance of a surface with so much of another laid over it."""
    grey = encoded(light)
    return _linear(grey + (encoded(other) - grey) * share)


def ratio_of(one: float, two: float) -> float:
    """WCAG 2's contrast of two luminances, 1 to 21."""
    return (max(one, two) + 0.05) / (min(one, two) + 0.05)
