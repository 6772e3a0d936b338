"""Drawing a sheet: one picture of many, or a page or frame of each. Where all lies is `core/sheet_frame`'s.

One picture after another is decoded, scaled and laid down, so that memory does not grow with their number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from PIL import Image, ImageColor, ImageDraw

from imagebuild.core.key import Digest, short
from imagebuild.core.sizes import Size
from imagebuild.core.steps.sheet_frame import Area, Words, sheet_frame
from imagebuild.picture.decode import decode
from imagebuild.picture.fit import scaled
from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.measure import measure
from imagebuild.picture.read import Parameters, Read
from imagebuild.picture.text import Line, draw_line, layout_line

__all__ = ["draw_sheet"]

_WEIGHTS: Final = {"title": 700, "label": 500, "note": 400}
_STRENGTH: Final = {"title": 0.92, "label": 0.82, "note": 0.6}  # of the ink, over the background
_LEAST: Final = 6  # pixels: below, letters are specks
_EDGE: Final = 0.14  # the strength of the line around a picture


def draw_sheet(parameters: Parameters, read: Read) -> tuple[Image.Image, ...]:
    """The sheet, or its pages or frames, all of one size."""
    cells: Any = parameters["cells"]
    digests = [str(cell["picture"]) for cell in cells]
    sizes = [_size(digest, read) for digest in digests]
    frame = sheet_frame(parameters, sizes)
    background = ImageColor.getrgb(str(parameters["background"]))[:3]
    if parameters["pages"] == "one":
        page = _page(frame.size, background, frame.words)
        for digest, area in zip(digests, frame.pictures, strict=True):
            _lay(page, digest, area, background, read)
        return (page,)
    return tuple(_each(frame.size, background, frame.words, digests, frame.pictures, frame.page_words, read))


def _each(
    size: Size, background: tuple[int, ...], words: Sequence[Words], digests: Sequence[str], areas: Sequence[Area],
    own: Sequence[Sequence[Words]], read: Read,
) -> Iterator[Image.Image]:  # fmt: skip
    for digest, area, said in zip(digests, areas, own, strict=True):
        page = _page(size, background, (*words, *said))
        _lay(page, digest, area, background, read)
        yield page


def _size(digest: str, read: Read) -> Size:
    return measure(read(digest), source=_name(digest)).size


def _name(digest: str) -> str:
    return f"the picture {short(Digest(digest))}"


def _page(size: Size, background: tuple[int, ...], words: Sequence[Words]) -> Image.Image:
    page = Image.new("RGB", size, background)
    for each in words:
        line = _line(each)
        left = each.left + each.width - line.width if each.at_end else each.left
        draw_line(page, line, left, each.baseline, _ink(background, _STRENGTH[each.role]))
    return page


def _line(words: Words) -> Line:
    """The words on one line, smaller where they would be too long."""

    def at(size: float) -> Line:
        return layout_line(
            words.text, size=size, language=words.language, weight=_WEIGHTS[words.role], fonts=bundled_fonts(),
            missing="show",
        )  # fmt: skip

    line = at(words.size)
    if line.width <= words.width:
        return line
    return at(max(_LEAST, words.size * words.width / line.width))


def _ink(background: tuple[int, ...], strength: float) -> tuple[int, int, int]:
    """Dark on light, light on dark."""
    red, green, blue = background
    ink = 0 if red * 299 + green * 587 + blue * 114 > 127_500 else 255
    mixed = [round(ink * strength + each * (1 - strength)) for each in (red, green, blue)]
    return (mixed[0], mixed[1], mixed[2])


def _lay(page: Image.Image, digest: str, area: Area, background: tuple[int, ...], read: Read) -> None:
    """A picture, with a hair line around it: a white one would otherwise have no edge."""
    image = decode(read(digest), source=_name(digest))
    image = scaled(image, (area.width, area.height), (0.0, 0.0, float(image.width), float(image.height)))
    right, bottom = area.left + area.width, area.top + area.height
    edge = (area.left - 1, area.top - 1, right, bottom)
    ImageDraw.Draw(page).rectangle(edge, outline=_ink(background, _EDGE))
    page.paste(image.convert("RGB"), (area.left, area.top), image.getchannel("A") if image.mode == "RGBA" else None)
