"""The drawing of a `typeset` step: areas, shades, buttons, logos, rules and words on a picture.

Places come from `layout`, inks and shades from `ink`; the same parameters and picture give the same
pixels in every process. Knows canonical parameters and `read`; not how a campaign writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from PIL import Image

from imagebuild.core.layouts.canonical import Typeset, typeset_of
from imagebuild.errors import PictureError
from imagebuild.picture.decode import decode
from imagebuild.picture.kept import Kept
from imagebuild.picture.typeset.color import color_of
from imagebuild.picture.typeset.fonts import Read
from imagebuild.picture.typeset.ground import DrawnLine, Ground, Measured, drawn_lines, ground_of, measured_contrast
from imagebuild.picture.typeset.ink import Shade, choose_inks, choose_shade, core_of, stronger, too_low
from imagebuild.picture.typeset.layout import lay_out
from imagebuild.picture.typeset.setting import PlacedGroup, PlacedPicture, PlacedRule, PlacedText, Setting
from imagebuild.picture.typeset.shade import draw_area, draw_surface, lay, shade_of

__all__ = ["Measured", "Read", "contrast_of", "typeset"]

_PICTURES: Final[Kept[tuple[str, int, int], Image.Image]] = Kept(16)


def typeset(image: Image.Image, parameters: Mapping[str, object], read: Read) -> Image.Image:
    """The picture with its copy; the given one stays as it is. Raises `Misfit` when copy does not fit, `PictureError`
    when it could not be read where it stands."""
    if image.mode not in ("RGB", "RGBA"):
        raise PictureError(f"cannot set words on a picture of mode `{image.mode}`", hint="convert it to RGB or RGBA")
    setting = lay_out(typeset_of(cast("Mapping[str, Any]", parameters)), image.size, read)
    drawn = image.copy()
    for area in setting.areas:
        draw_area(drawn, area)
    words = [[_Words(text, drawn_lines(text, image.size)) for text in group.texts] for group in setting.groups]
    plain = [[each for each in of_group if not each.text.button] for of_group in words]
    trial = drawn.copy()  # as words may stand on a badge, it is there when their inks are chosen; shades lie below it
    for group in setting.groups:
        _draw_still(trial, group, read)
    inks, shades = _inked(trial, setting, plain)
    for number, shade in shades.items():
        _draw_shade(drawn, plain[number], shade)
    for group in setting.groups:
        _draw_still(drawn, group, read)
    for of_group, chosen in zip(words, inks, strict=True):
        following = iter(chosen)
        for each in of_group:
            ink = _on_button(drawn, each, setting.language) if each.text.button else next(following)
            _draw_words(drawn, each, ink)
    return drawn


def contrast_of(image: Image.Image, typeset: Typeset, read: Read) -> tuple[Measured, ...]:
    """The contrast of each text as it really is on a finished picture, also one that was written and read again."""
    return measured_contrast(image, lay_out(typeset, image.size, read))


class _Words(NamedTuple):
    """A text in its place, and the coverage of its lines."""

    text: PlacedText
    lines: tuple[DrawnLine, ...]


def _inked(
    image: Image.Image, setting: Setting, words: list[list[_Words]]
) -> tuple[list[list[str]], dict[int, Shade]]:  # fmt: skip
    """The ink of every text that stands on the picture itself, with the shades drawn that it takes. All shades come
    before all words, and one that is drawn for a group may change what is behind another: inks stand when no shade was
    added or made stronger."""
    shades: dict[int, Shade] = {}
    before = image.copy()
    while True:
        inks: list[list[str]] = []
        for number, (group, of_group) in enumerate(zip(setting.groups, words, strict=True)):
            items = [each.text.item for each in of_group]
            grounds: list[Ground] = [ground_of(image, each.lines) for each in of_group]
            scrim, old = group.group.scrim, shades.get(number)
            chosen = choose_inks(items, grounds, apart=scrim is None)
            if chosen is not None:
                inks.append(chosen)
                continue
            core = core_of([each.text for each in of_group], min(image.size))
            others = tuple(shades.values())
            shade = (
                choose_shade(image, core, scrim, items, grounds, others) if scrim and not old else stronger(old, scrim)
            )
            if shade is None:
                raise too_low(items, grounds, setting.language, scrim, core, image)
            shades[number] = shade
            if old:
                image.paste(before)
            for each_number in shades if old else (number,):
                _draw_shade(image, words[each_number], shades[each_number])
        if len(inks) == len(setting.groups):
            return inks, shades


def _draw_shade(image: Image.Image, words: list[_Words], shade: Shade) -> None:
    mask, box = shade_of(image.size, core_of([each.text for each in words], min(image.size)))
    lay(image, shade.color, mask.point([round(value * shade.opacity) for value in range(256)]), box[0], box[1])


def _on_button(image: Image.Image, words: _Words, language: str) -> str:
    """Draw the button's surface, and choose the ink by what is then behind the words."""
    text = words.text
    if text.item.button and text.button:
        draw_surface(image, text.button, color_of(text.item.button.fill), text.item.button.radius * text.size)
    items, grounds = [text.item], [ground_of(image, words.lines)]
    inks = choose_inks(items, grounds, apart=True)
    if inks is None:
        raise too_low(items, grounds, language, None, text.box, image)
    return inks[0]


def _draw_words(image: Image.Image, words: _Words, ink: str) -> None:
    color = color_of(ink)
    for line in words.lines:
        mask = line.mask
        if color[3] < 255:
            mask = mask.point([round(value * color[3] / 255) for value in range(256)])
        lay(image, color[:3], mask, *line.box[:2])


def _draw_still(image: Image.Image, group: PlacedGroup, read: Read) -> None:
    for placed in group.items:
        if isinstance(placed, PlacedPicture):
            _draw_picture(image, placed, read)
        elif isinstance(placed, PlacedRule):
            draw_surface(image, placed.box, color_of(placed.item.color), 0)


def _draw_picture(image: Image.Image, placed: PlacedPicture, read: Read) -> None:
    left, top, right, bottom = placed.box
    size = (right - left, bottom - top)

    def scaled() -> Image.Image:
        found = decode(read(placed.item.picture), source=f"the picture of `{placed.item.role}`").convert("RGBA")
        return found.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)

    logo = _PICTURES.get((placed.item.picture, *size), scaled)
    lay(image, logo.convert("RGB"), logo.getchannel("A"), left, top)
