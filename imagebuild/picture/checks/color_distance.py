"""How different two colours look: CIEDE2000, the ΔE that brand handbooks and measuring instruments state.

Knows sRGB and CIE L*a*b* (D65); no pictures.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

__all__ = ["Lab", "ciede2000", "lab_of"]

Lab = tuple[float, float, float]
Rgb = tuple[int, int, int]

_WHITE: Final = (0.95047, 1.0, 1.08883)
_TO_XYZ: Final = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_LINEAR: Final = tuple(
    value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in range(256)
)
_25_TO_7: Final = 25.0**7


@lru_cache(maxsize=65536)
def lab_of(color: Rgb) -> Lab:
    linear = [_LINEAR[value] for value in color]
    x, y, z = (
        _bent(sum(factor * value for factor, value in zip(row, linear, strict=True)) / white)
        for row, white in zip(_TO_XYZ, _WHITE, strict=True)
    )
    return (116 * y - 16, 500 * (x - y), 200 * (y - z))


def _bent(share: float) -> float:
    return math.cbrt(share) if share > 216 / 24389 else (24389 / 27 * share + 16) / 116


def ciede2000(one: Lab, other: Lab) -> float:
    """ΔE00 with all weights 1; the names are those of Sharma, Wu and Dalal's paper, whose figures test it."""
    l1, a1, b1 = one
    l2, a2, b2 = other
    mean_chroma = (math.hypot(a1, b1) + math.hypot(a2, b2)) / 2
    g = 0.5 * (1 - math.sqrt(mean_chroma**7 / (mean_chroma**7 + _25_TO_7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1 = math.degrees(math.atan2(b1, a1)) % 360 if c1 else 0.0
    h2 = math.degrees(math.atan2(b2, a2)) % 360 if c2 else 0.0
    turn, mean_hue = _hues(c1 * c2, h1, h2)
    d_l, d_c, d_h = l2 - l1, c2 - c1, 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn) / 2)
    l_mean, c_mean = (l1 + l2) / 2, (c1 + c2) / 2
    t = (
        1
        - 0.17 * math.cos(math.radians(mean_hue - 30))
        + 0.24 * math.cos(math.radians(2 * mean_hue))
        + 0.32 * math.cos(math.radians(3 * mean_hue + 6))
        - 0.20 * math.cos(math.radians(4 * mean_hue - 63))
    )
    s_l = 1 + 0.015 * (l_mean - 50) ** 2 / math.sqrt(20 + (l_mean - 50) ** 2)
    s_c = 1 + 0.045 * c_mean
    s_h = 1 + 0.015 * c_mean * t
    blue = math.exp(-(((mean_hue - 275) / 25) ** 2))
    r_t = -math.sin(math.radians(60 * blue)) * 2 * math.sqrt(c_mean**7 / (c_mean**7 + _25_TO_7))
    in_l, in_c, in_h = d_l / s_l, d_c / s_c, d_h / s_h
    return math.sqrt(max(in_l**2 + in_c**2 + in_h**2 + r_t * in_c * in_h, 0.0))


def _hues(chroma: float, h1: float, h2: float) -> tuple[float, float]:
    """The angle from one hue to the other the shorter way, and the hue between; 0 and the sum where one is grey."""
    if not chroma:
        return 0.0, h1 + h2
    turn = h2 - h1
    if abs(turn) <= 180:
        return turn, (h1 + h2) / 2
    mean = (h1 + h2 + 360) / 2 if h1 + h2 < 360 else (h1 + h2 - 360) / 2
    return (turn - 360 if turn > 180 else turn + 360), mean
