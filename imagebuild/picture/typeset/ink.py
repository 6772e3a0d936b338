"""Which ink makes words stand out enough from what is behind them, and the weakest shade that helps when none does.

Knows grounds as luminances (`ground`) and inks as layouts name them; draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL import Image, ImageStat

from imagebuild.core.layouts.canonical import Scrim, TextItem
from imagebuild.errors import PictureError
from imagebuild.picture.typeset.color import color_of, luminance
from imagebuild.picture.typeset.ground import Ground, Veil, ratio_on
from imagebuild.picture.typeset.setting import PlacedText, Rectangle

__all__ = ["Shade", "choose_inks", "choose_shade", "core_of", "stronger", "too_low"]

_SPARE: Final = 1.05  # more than is asked for, that a lossy file keeps what is asked for
_SEARCHES: Final = 10
_STRONGER: Final = 0.05
# So much stronger a shade may be to keep the first ink, or to be as dark or light as the others.
_OTHER_INK, _OTHER_TONE = 0.08, 0.25
_DARK_SHADE, _LIGHT_SHADE = 0.16, 0.9  # how much of the picture's own tone is left


class Shade(NamedTuple):
    color: tuple[int, int, int]
    opacity: float


def choose_inks(
    items: Sequence[TextItem], grounds: Sequence[Ground], *, apart: bool, veil: Veil | None = None
) -> list[str] | None:
    """The first ink of each item with enough contrast. Items with the same inks take the same one, or each its own
    when `apart`; None when there is none."""
    chosen: list[str] = []
    for item, ground in zip(items, grounds, strict=True):
        together = [
            (other, behind) for other, behind in zip(items, grounds, strict=True)
            if other.inks == item.inks and not apart
        ] or [(item, ground)]  # fmt: skip
        ink = next(
            (
                ink for ink in item.inks
                if all(ratio_on(behind, _light(ink), veil) >= other.contrast for other, behind in together)
            ),
            None,
        )  # fmt: skip
        if ink is None:
            return None
        chosen.append(ink)
    return chosen


def choose_shade(
    image: Image.Image, core: Rectangle, scrim: Scrim, items: Sequence[TextItem], grounds: Sequence[Ground],
    before: Sequence[Shade],
) -> Shade | None:  # fmt: skip
    """The weakest shade with which all items have an ink that stands out; None when `most` is not enough. One that
    keeps the first ink, or is as dark or light as the shades `before` it, may be a little stronger than another."""
    best: tuple[float, Shade] | None = None
    for color in [color_of(scrim.color)[:3]] if scrim.color else _tones(image, core):
        opacity = _least_opacity(luminance(color), scrim.most, items, grounds)
        if opacity is None:
            continue
        inks = choose_inks(items, grounds, apart=False, veil=(luminance(color), opacity)) or []
        changed = sum(ink != item.inks[0] for ink, item in zip(inks, items, strict=True))
        cost = opacity + _OTHER_INK * changed / max(len(inks), 1)
        cost += _OTHER_TONE * any(_is_dark(shade.color) != _is_dark(color) for shade in before)
        if best is None or cost < best[0]:
            best = (cost, Shade(color, opacity))
    return best[1] if best else None


def stronger(shade: Shade | None, scrim: Scrim | None) -> Shade | None:
    """The next stronger one, for what the shape of a shade or of another group's left too weak; None at `most`."""
    if shade is None or scrim is None or shade.opacity >= scrim.most:
        return None
    return Shade(shade.color, min(shade.opacity + _STRONGER, scrim.most))


def too_low(
    items: Sequence[TextItem], grounds: Sequence[Ground], language: str, scrim: Scrim | None, core: Rectangle,
    image: Image.Image,
) -> PictureError:  # fmt: skip
    """The error for the item that is furthest from the contrast it needs."""
    veils: list[Veil | None] = [None]
    if scrim:
        tones = [color_of(scrim.color)[:3]] if scrim.color else _tones(image, core)
        veils += [(luminance(tone), scrim.most) for tone in tones]
    reached: list[tuple[float, float, TextItem]] = []
    for item, ground in zip(items, grounds, strict=True):
        ratio = max(ratio_on(ground, _light(ink), veil) for ink in item.inks for veil in veils)
        reached.append((ratio / item.contrast, ratio, item))
    _, ratio, item = min(reached, key=lambda each: each[0])
    with_scrim = " even with the strongest scrim allowed" if scrim else ""
    hint = "give it an ink further from what is behind it, or allow a stronger scrim (`most`)"
    return PictureError(
        f"`{item.role}` in `{language}` would reach a contrast of {ratio:.1f}{with_scrim}, {item.contrast:g} is wanted",
        hint=hint if scrim else "allow a `scrim` for its group, or give it another ink in `color`",
    )


def _least_opacity(
    color: float, most: float, items: Sequence[TextItem], grounds: Sequence[Ground]
) -> float | None:  # fmt: skip
    wanted = [item._replace(contrast=item.contrast * _SPARE) for item in items]

    def reaches(opacity: float) -> bool:
        return choose_inks(wanted, grounds, apart=False, veil=(color, opacity)) is not None

    if not reaches(most):
        return None
    low, high = 0.0, most
    for _ in range(_SEARCHES):
        middle = (low + high) / 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _tones(image: Image.Image, core: Rectangle) -> list[tuple[int, int, int]]:
    """The picture's own tone there, very dark and very light."""
    box = (max(core[0], 0), max(core[1], 0), min(core[2], image.width), min(core[3], image.height))
    mean = ImageStat.Stat(image.resize((16, 16), Image.Resampling.BOX, box).convert("RGB")).mean
    dark = tuple(round(value * _DARK_SHADE) for value in mean)
    light = tuple(round(value + (255 - value) * _LIGHT_SHADE) for value in mean)
    return [(dark[0], dark[1], dark[2]), (light[0], light[1], light[2])]


def _is_dark(color: tuple[int, int, int]) -> bool:
    return luminance(color) < 0.18


def _light(ink: str) -> float:
    return luminance(color_of(ink))


def core_of(texts: Sequence[PlacedText], edge: int) -> Rectangle:
    """What a shade covers fully: the texts that stand on no button, and a little around them."""
    around = round(edge * 0.03)
    boxes = [text.ink for text in texts]
    return (
        min(box[0] for box in boxes) - around,
        min(box[1] for box in boxes) - around,
        max(box[2] for box in boxes) + around,
        max(box[3] for box in boxes) + around,
    )
