"""The things that stand in a proof: turned bodies on pedestals, with their shadows; and the stage they stand on.

Knows where the subject goes and what its colours are; the backdrop is `scenes`'s.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from PIL import Image

from imagebuild.picture.proof.brush import Box, Solid, draw_solid, soft_shadow
from imagebuild.picture.proof.color import RGB, Palette, mix, shade

__all__ = ["Stage", "paint_objects"]

_SPHERE: Final = tuple(math.sqrt(max(1 - (i / 16 - 1) ** 2, 0)) for i in range(33))
_HEROES: Final[tuple[tuple[float, tuple[float, ...], bool], ...]] = (  # height in units, profile, open at the top
    (0.46, (0.30, 0.30, 0.31, 0.44, 0.74, 0.92, 1.0, 1.0, 0.96), True),  # bottle
    (0.40, (0.52, 0.44, 0.50, 0.78, 0.98, 1.0, 0.88, 0.66, 0.5), True),  # vase
    (0.30, _SPHERE, False),
    (0.34, (0.86, 0.86, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.97), True),  # jar
    (0.44, (0.34, 0.50, 0.46, 0.40, 0.52, 0.80, 1.0, 0.96, 0.72), True),  # carafe
)
_HERO_WIDTHS: Final = (0.21, 0.30, 0.30, 0.28, 0.26)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What a composition has to fill. `empty`: reference pictures will stand where the hero would."""

    size: tuple[int, int]
    subject: Box
    copy: Box | None
    palette: Palette
    dark: bool
    light: float
    empty: bool

    @property
    def unit(self) -> float:
        """The size of things: what fits the subject's box whichever way it is longer."""
        left, top, right, bottom = self.subject
        return min((right - left) * 0.86, (bottom - top) * 0.98)

    @property
    def ratio(self) -> float:
        return self.size[0] / self.size[1]


def paint_objects(image: Image.Image, stage: Stage, random: Random) -> None:
    """The things of a still life, on whatever is there: pedestals, a hero upon the tallest, small companions."""
    unit = stage.unit
    left, _, right, bottom = stage.subject
    center, ground = (left + right) / 2, bottom - unit * 0.1
    side = -math.copysign(1, stage.light) * (1 if random.random() < 0.7 else -1)
    colors = _object_colors(stage, random)
    tall = 0.13 + 0.1 * random.random()
    wide = 0.30 + 0.05 * random.random()
    pedestal = _standing(center, ground, wide * unit, tall * unit, (1.0, 1.0), colors[0])
    low = 0.07 + 0.05 * random.random()
    second = _standing(
        center + side * unit * (wide + 0.06), ground + unit * 0.045, unit * 0.19, low * unit, (1.0, 1.0), colors[1]
    )
    ball_size = 0.055 + 0.035 * random.random()
    ball_x = center - side * unit * (wide + 0.02)
    ball = _standing(ball_x, ground + unit * 0.05, ball_size * unit, ball_size * 2 * unit, _SPHERE, colors[3])
    things = [pedestal, second, ball]
    _cast_shadows(image, stage, things)
    draw_solid(image, pedestal, stage.light, gloss=0.08)
    index = int(random.random() * len(_HEROES))
    if not stage.empty:
        height, profile, is_open = _HEROES[index]
        width = _HERO_WIDTHS[index]
        _stand_on(image, stage, pedestal, (width * unit / 2 * 1.15, height * unit * 1.15), profile, colors[2], is_open)
    draw_solid(image, second, stage.light, gloss=0.08)
    height, profile, is_open = _HEROES[(index + 1 + int(random.random() * (len(_HEROES) - 1))) % len(_HEROES)]
    small = (unit * 0.105 * (1.1 if profile is _SPHERE else 1), unit * (0.21 if profile is _SPHERE else height * 0.62))
    if not stage.empty or random.random() < 0.5:
        _stand_on(image, stage, second, small, profile, colors[3], is_open)
    draw_solid(image, ball, stage.light, gloss=0.5)


def _object_colors(stage: Stage, random: Random) -> tuple[RGB, RGB, RGB, RGB]:
    palette = stage.palette
    stone = mix(palette.deep, palette.main, 0.45) if stage.dark else mix(palette.paper, palette.soft, 0.6)
    other = mix(palette.main, palette.deep, 0.2) if stage.dark else mix(palette.soft, palette.main, 0.45)
    hero, small = palette.accent, palette.main
    if random.random() < 0.35:
        hero, small = mix(palette.main, palette.deep, 0.15), palette.accent
    return stone, other, hero, small


def _standing(x: float, ground: float, half: float, height: float, profile: Sequence[float], color: RGB) -> Solid:
    round_foot = profile is _SPHERE
    return Solid(
        box=(x - half, ground - height, x + half, ground + (0 if round_foot else half * 0.16)),
        profile=tuple(profile),
        color=color,
        open_top=not round_foot,
    )


def _stand_on(
    image: Image.Image,
    stage: Stage,
    below: Solid,
    size: tuple[float, float],
    profile: tuple[float, ...],
    color: RGB,
    is_open: bool,
) -> None:
    left, top, right, _ = below.box
    half, height = size
    rim = (right - left) / 2 * below.tilt
    x, foot = (left + right) / 2, top + rim * 1.25
    drift = -math.copysign(half * 0.3, stage.light)
    flat = min(half * 0.95, (right - left) / 2 * 0.85)
    near = (x - flat + drift * 0.6, foot - rim * 0.5, x + flat + drift * 0.6, foot + rim * 0.42)
    soft_shadow(image, [near], shade(stage.palette.deep, -0.1), strength=0.5, blur=0.008)
    solid = Solid(
        box=(x - half, foot - height, x + half, foot + half * 0.08), profile=profile, color=color, open_top=is_open
    )
    draw_solid(image, solid, stage.light, gloss=0.42)


def _cast_shadows(image: Image.Image, stage: Stage, things: Sequence[Solid]) -> None:
    away = -math.copysign(1, stage.light)
    long: list[Box] = []
    close: list[Box] = []
    for thing in things:
        left, top, right, bottom = thing.box
        half, height = (right - left) / 2, bottom - top
        foot = bottom - half * 0.16
        x = (left + right) / 2
        reach = height * 0.9 + half
        long.append(
            (min(x, x + away * reach) - half * 0.6, foot - half * 0.2, max(x, x + away * reach), foot + half * 0.2)
        )
        close.append((x - half * 1.06, foot - half * 0.12, x + half * 1.06, foot + half * 0.24))
    dark = shade(stage.palette.deep, -0.12)
    soft_shadow(image, long, dark, strength=0.34, blur=0.035)
    soft_shadow(image, close, dark, strength=0.5, blur=0.012)
