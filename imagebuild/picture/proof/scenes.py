"""The compositions of proofs: five families, each of which fills any ratio and leaves room for copy.

Knows a stage (size, colours, where the subject and the copy go) and a source of chance; paints a picture without words.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from imagebuild.picture.proof.brush import Box, blend, field, gradient, lights, paste_color, polygon_mask
from imagebuild.picture.proof.color import RGB, mix, shade
from imagebuild.picture.proof.objects import Stage, paint_objects

__all__ = ["FAMILIES", "OPEN_SKY", "paint_scene"]


def paint_scene(family: int, stage: Stage, random: Random) -> Image.Image:
    return FAMILIES[family % len(FAMILIES)](stage, random)


def _still_life(stage: Stage, random: Random) -> Image.Image:
    """A seamless studio backdrop, a shape on the wall, turned bodies on pedestals."""
    palette = stage.palette
    wall: tuple[RGB, RGB] = (palette.paper, palette.soft)
    floor = mix(palette.soft, palette.main, 0.16)
    if stage.dark:
        wall, floor = (mix(palette.deep, palette.main, 0.28), palette.deep), mix(palette.deep, palette.main, 0.16)
    left, _, right, bottom = stage.subject
    ground = bottom - stage.unit * 0.1
    horizon = (ground - stage.unit * 0.14) / stage.size[1]

    def base(_u: float, v: float) -> RGB:
        sweep = min(max((v - horizon + 0.05) / 0.1, 0), 1)
        return mix(blend(wall, v / max(horizon, 0.1)), blend((floor, mix(floor, wall[0], 0.35)), v), sweep)

    key = (0.5 + stage.light * 0.45, 0.12, 0.75, mix(palette.paper, palette.accent, 0.12), 0.26 if stage.dark else 0.6)
    fall = (0.5 - stage.light * 0.62, 0.9, 0.62, palette.deep, 0.3)
    image = field(stage.size, lights(base, [key, fall], stage.ratio))
    _wall_shape(image, stage, random, horizon * stage.size[1], (left + right) / 2)
    paint_objects(image, stage, random)
    return image


def _wall_shape(image: Image.Image, stage: Stage, random: Random, horizon: float, center: float) -> None:
    palette, unit = stage.palette, stage.unit
    color = mix(palette.main, palette.deep, 0.35) if stage.dark else mix(palette.soft, palette.accent, 0.3)
    chance = random.random()
    center -= stage.light * unit * 0.1 * random.random()
    if chance < 0.45:  # an arch
        half, top = unit * (0.27 + 0.08 * random.random()), horizon - unit * 0.62
        turns = [math.pi * i / 60 for i in range(61)]
        points = [(center + half * math.cos(t), top + half - half * math.sin(t)) for t in turns]
        points += [(center - half, horizon), (center + half, horizon)]
    else:  # a disc
        half = unit * (0.3 + 0.1 * random.random())
        middle = horizon - half * (0.92 + 0.3 * random.random())
        points = [(center + half * math.cos(t / 40), middle + half * math.sin(t / 40)) for t in range(252)]
        points = [(x, min(y, horizon)) for x, y in points]
    found = polygon_mask(points, stage.size)
    if found:
        mask, x, y = found
        paste_color(image, gradient(mask.size, (shade(color, 0.05), shade(color, -0.05))), mask, (x, y))


def _landscape(stage: Stage, random: Random) -> Image.Image:
    """Hills behind hills under a low sun, paler with distance."""
    palette = stage.palette
    width, height = stage.size
    warm = mix(palette.accent, palette.paper, 0.45)
    sky = (palette.soft, palette.paper, warm)
    near, far = palette.deep, mix(palette.soft, palette.main, 0.35)
    if stage.dark:
        sky = (palette.deep, mix(palette.deep, palette.main, 0.55), mix(palette.main, palette.accent, 0.55))
        far = mix(palette.main, palette.deep, 0.3)
    left, top, right, bottom = stage.subject
    skyline = (top + (bottom - top) * (0.44 + 0.1 * random.random())) / height
    if stage.copy and stage.ratio > 1.25:
        skyline = max(skyline, 0.56)
    sun_x = ((left + right) / 2 + stage.light * (right - left) * 0.2) / width
    sun_y = skyline - 0.04 - 0.12 * random.random()
    glow = (sun_x, sun_y, 0.42, mix(palette.accent, palette.paper, 0.6), 0.75)
    image = field(stage.size, lights(lambda _u, v: blend(sky, v / max(skyline, 0.2)), [glow], stage.ratio))
    radius = stage.unit * (0.09 + 0.06 * random.random())
    disc = [
        (sun_x * width + radius * math.cos(t / 30), sun_y * height + radius * math.sin(t / 30)) for t in range(189)
    ]  # fmt: skip
    found = polygon_mask(disc, stage.size)
    if found:
        paste_color(image, mix(palette.paper, palette.accent, 0.22 if not stage.dark else 0.45), found[0], found[1:])
    layers = 5
    for number in range(layers):
        share = number / (layers - 1)
        level = height * (skyline + (0.98 - skyline) * share**1.25 * 0.86)
        color = mix(far, near, share**0.85)
        _hill(image, random, level, min(width, height) * (0.05 + 0.05 * share), color, mix(color, warm, 0.3), share)
    return image


def _hill(
    image: Image.Image, random: Random, level: float, rise: float, color: RGB, mist: RGB, share: float
) -> None:  # fmt: skip
    """One ridge: a few waves of chance, paler towards its foot."""
    width, height = image.size
    longest = min(width, height) * (0.9 + 0.5 * share)
    waves = [(longest / (1.7**i), rise / (1.9**i), random.random() * 7) for i in range(5)]
    points = [
        (width * i / 160, level - sum(a * math.sin(width * i / 160 / w * 6.283 + p) for w, a, p in waves))
        for i in range(161)
    ]
    found = polygon_mask([*points, (width, height), (0, height)], image.size)
    if found:
        mask, x, y = found
        paste_color(image, gradient(mask.size, (color, mix(color, mist, 0.6 * (1 - share)), color)), mask, (x, y))


def _blocks(stage: Stage, random: Random) -> Image.Image:
    """An editorial page: a grid of printed shapes beside a calm field for the words."""
    palette = stage.palette
    ground = palette.deep if stage.dark else palette.paper
    image = Image.new("RGB", stage.size, ground)
    width, height = stage.size
    count = 4 + int(random.random() * 2) if 0.5 <= stage.ratio <= 2 else 3
    columns = max(round(width / (min(width, height) / count)), 2)
    rows = max(round(height / (min(width, height) / count)), 2)
    inks = [palette.main, palette.accent, palette.soft, mix(palette.main, palette.deep, 0.5), ground]
    tiles: dict[tuple[int, RGB, RGB, int, tuple[int, int]], Image.Image] = {}
    for row in range(rows):
        for column in range(columns):
            box = (
                width * column // columns, height * row // rows,
                width * (column + 1) // columns, height * (row + 1) // rows,
            )  # fmt: skip
            motif, turn = int(random.random() * 7), int(random.random() * 4)
            under = inks[int(random.random() * len(inks))]
            over = inks[int(random.random() * (len(inks) - 1))]
            if stage.copy and _meets(box, stage.copy, min(width, height) * 0.02):
                continue
            if over == under:
                over = inks[(inks.index(over) + 1) % len(inks)]
            size = (box[2] - box[0], box[3] - box[1])
            key = (motif, under, over, turn, size)
            if key not in tiles:
                tiles[key] = _tile(motif, under, over, turn, size)
            image.paste(tiles[key], box[:2])
    wash = (0.5 + stage.light * 0.5, 0.0, 0.8, shade(ground, 0.06), 0.5)
    soft = field(stage.size, lights(lambda _u, _v: (118, 118, 118), [(*wash[:3], (150, 150, 150), 1.0)], stage.ratio))
    return ImageChops.overlay(image, soft)


def _meets(box: Box, copy: Box, margin: float) -> bool:
    """Whether a square comes nearer to the words than the margin."""
    across = box[0] < copy[2] + margin and box[2] > copy[0] - margin
    return across and box[1] < copy[3] + margin and box[3] > copy[1] - margin


def _tile(motif: int, under: RGB, over: RGB, turn: int, size: tuple[int, int]) -> Image.Image:
    """One square of the grid: quarter, half or whole disc, rings, stripes, dots, or nothing but colour."""
    side = 400
    tile = Image.new("RGB", (side, side), under)
    draw = ImageDraw.Draw(tile)
    if motif == 0:
        draw.pieslice((-side, -side, side, side), 0, 90, fill=over)
    elif motif == 1:
        draw.pieslice((0, -side // 2, side, side // 2), 0, 180, fill=over)
    elif motif == 2:
        draw.ellipse((side * 0.14, side * 0.14, side * 0.86, side * 0.86), fill=over)
    elif motif == 3:
        for ring in range(4):
            reach = side * (1 - ring * 0.25)
            draw.pieslice((-reach, -reach, reach, reach), 0, 90, fill=under if ring % 2 else over)
    elif motif == 4:
        for stripe in range(0, side, side // 5):
            draw.rectangle((stripe, 0, stripe + side // 10 - 1, side), fill=over)
    elif motif == 5:
        step, dot = side / 5, side * 0.052
        for i in range(25):
            x, y = (i % 5 + 0.5) * step, (i // 5 + 0.5) * step
            draw.ellipse((x - dot, y - dot, x + dot, y + dot), fill=over)
    turned = tile.rotate(90 * turn)
    return turned.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _spotlight(stage: Stage, random: Random) -> Image.Image:
    """A dark stage, rings of light, one thing in the middle of it."""
    palette = stage.palette
    width, height = stage.size
    left, _, right, bottom = stage.subject
    unit, center, ground = stage.unit, (left + right) / 2, bottom - stage.unit * 0.1
    night, dusk = mix(palette.deep, (6, 7, 12), 0.45), mix(palette.deep, palette.main, 0.22)
    halo = (center / width, (ground - unit * 0.42) / height, 0.5, mix(palette.main, palette.accent, 0.35), 0.85)
    pool = (center / width, ground / height, 0.3, mix(palette.main, palette.paper, 0.35), 0.35)
    image = field(stage.size, lights(lambda _u, v: blend((night, dusk, night), v), [halo, pool], stage.ratio))
    middle = ground - unit * 0.42
    rings = Image.new("L", (2 * round(unit * 0.62), 2 * round(unit * 0.62)))
    draw = ImageDraw.Draw(rings)
    count = 3 + int(random.random() * 4)
    for ring in range(count):
        reach = rings.width / 2 * (0.5 + 0.5 * (ring + 1) / count) - 2
        box = (rings.width / 2 - reach, rings.width / 2 - reach, rings.width / 2 + reach, rings.width / 2 + reach)
        draw.ellipse(box, outline=round(110 - 80 * ring / count), width=max(round(unit / 340), 1))
    at = (round(center - rings.width / 2), round(middle - rings.height / 2))
    paste_color(image, mix(palette.accent, palette.paper, 0.5), rings, at)
    _beam(image, center - stage.light * unit * 0.5, center, ground, unit, mix(palette.paper, palette.accent, 0.2))
    paint_objects(image, stage, random)
    return image


def _beam(image: Image.Image, source: float, target: float, ground: float, unit: float, color: RGB) -> None:
    """A cone of light, worked out small and blurred."""
    scale = 200 / max(image.size)
    small = Image.new("L", (max(round(image.width * scale), 1), max(round(image.height * scale), 1)))
    points = [
        (source - unit * 0.04, -20),
        (source + unit * 0.04, -20),
        (target + unit * 0.5, ground),
        (target - unit * 0.5, ground),
    ]
    ImageDraw.Draw(small).polygon([(x * scale, y * scale) for x, y in points], fill=46)
    small = small.filter(ImageFilter.GaussianBlur(5))
    paste_color(image, color, small.resize(image.size, Image.Resampling.BICUBIC), (0, 0))


def _paper_waves(stage: Stage, random: Random) -> Image.Image:
    """Sheets of cut paper, one over the other, each throwing a soft shadow on the last."""
    palette = stage.palette
    width, height = stage.size
    tones = [
        palette.paper,
        palette.soft,
        palette.main,
        palette.accent,
        mix(palette.main, palette.deep, 0.5),
        palette.deep,
    ]
    if stage.dark:
        tones = [palette.deep, mix(palette.deep, palette.main, 0.5), palette.main, palette.accent, palette.soft]
    image = gradient(stage.size, (shade(tones[0], 0.02), tones[0], mix(tones[0], tones[1], 0.5)))
    layers = 7
    lowest = 0.2 if not stage.copy else 0.36 if stage.ratio > 1.25 else stage.copy[3] / height
    for number in range(layers):
        share = (number + 1) / layers
        color = blend(tones, share)
        level = height * (lowest + 0.12 + (0.98 - lowest) * share**1.1 * 0.8)
        lean = math.copysign(height * 0.16 * (1 - share * 0.4), stage.light)
        swing = min(width, height) * (0.055 + 0.05 * random.random())
        long, phase = min(width, height) * (0.8 + 0.7 * random.random()), random.random() * 6.283
        points = []
        for i in range(121):
            x = width * i / 120
            wave = math.sin(x / long * 6.283 + phase) + 0.35 * math.sin(x / long * 14.1 + phase * 2)
            points.append((x, level - lean * (i / 120 - 0.5) - swing * wave))
        _sheet(image, [*points, (width, height), (0, height)], color, stage)
    return image


def _sheet(image: Image.Image, points: list[tuple[float, float]], color: RGB, stage: Stage) -> None:
    found = polygon_mask(points, image.size)
    if found is None:
        return
    mask, x, y = found
    scale = 220 / max(image.size)
    small = Image.new("L", (max(round(image.width * scale), 1), max(round(image.height * scale), 1)))
    ImageDraw.Draw(small).polygon([(px * scale, py * scale - 1) for px, py in points], fill=120)
    small = small.filter(ImageFilter.GaussianBlur(4))
    paste_color(
        image, shade(stage.palette.deep, -0.1), small.resize(image.size, Image.Resampling.BILINEAR), (0, 0)
    )  # fmt: skip
    tones = (shade(color, 0.06), color, shade(color, -0.05))
    paste_color(image, gradient(mask.size, tones if stage.light < 0 else tones[::-1], across=True), mask, (x, y))


FAMILIES: Final[tuple[Callable[[Stage, Random], Image.Image], ...]] = (
    _still_life,
    _landscape,
    _blocks,
    _spotlight,
    _paper_waves,
)
# The families whose upper part is calm over the whole width.
OPEN_SKY: Final = (1, 4)
