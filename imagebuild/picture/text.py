"""A line of text in any script, as positioned glyphs, and its ink on a picture.

Bidirectional order is `bidi`'s, shaping and outlines are HarfBuzz's (both from pip: nothing of the system is asked, and
Pillow's own text layout, which silently draws Arabic and Hindi wrong where FriBiDi is missing, is never used).
Knows one line; where lines break, and how large they may be, is `block`'s.
Coordinates are pixels, y downwards, from the line's left end on the baseline.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final, Literal

import uharfbuzz
from PIL import Image, ImageChops, ImageDraw

from imagebuild.errors import PictureError
from imagebuild.picture import bidi
from imagebuild.picture.bidi import Direction
from imagebuild.picture.fonts import Face, FontFile, FontSet, is_ignorable, script_of

__all__ = ["Color", "Frame", "Glyph", "Line", "Missing", "NoGlyph", "clusters", "draw_line", "layout_line", "line_mask"]

Color = tuple[int, int, int] | tuple[int, int, int, int]
Missing = Literal["error", "show"]

_REGIONAL: Final = ("\U0001f1e6", "\U0001f1ff")
_SKIN: Final = ("\U0001f3fb", "\U0001f3ff")
_FRAME_DIGITS: Final = 0.34  # the height of a code's digits in a frame, in ems


class NoGlyph(PictureError):
    """A character that no font has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """A glyph of a face at its place; `cluster` is the index in the text of the first character it stands for."""

    face: Face
    glyph_id: int
    x: float
    y: float
    size: float
    advance: float
    cluster: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The box around the code of a character that no font has."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A laid out line. `ink` is where it darkens pixels: left, top, right, bottom; all zero when it draws nothing."""

    text: str
    glyphs: tuple[Glyph, ...]
    frames: tuple[Frame, ...]
    size: float
    width: float
    ascent: float
    descent: float
    ink: tuple[float, float, float, float]
    direction: Literal["ltr", "rtl"]


def layout_line(
    text: str,
    *,
    size: float,
    language: str,
    direction: Direction = "auto",
    weight: int = 400,
    fonts: FontSet,
    missing: Missing = "error",
) -> Line:
    """The text as one line. A character that no font has is an error, or with `show` a small frame with its code."""
    paragraph = bidi.resolve(one_line(text), direction)
    return layout_slice(
        paragraph, 0, len(text), size=size, language=language, weight=weight, fonts=fonts, missing=missing
    )


def one_line(text: str) -> str:
    """The text with every control character (tab, line break) as a space: same length, one line."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)


def layout_slice(
    paragraph: bidi.Paragraph,
    start: int,
    end: int,
    *,
    size: float,
    language: str,
    weight: int,
    fonts: FontSet,
    missing: Missing,
) -> Line:
    """One line of a paragraph, its direction taken from the whole of it."""
    text = paragraph.text[start:end]
    items = _itemize(text, paragraph.line(start, end), language, weight, fonts)
    composer = _Composer(text, size, language, weight, fonts, missing)
    for item in items:
        composer.add(item)
    faces = {glyph.face for glyph in composer.glyphs} or {fonts.face(fonts.files[0], weight)}
    return Line(
        text=text,
        glyphs=tuple(composer.glyphs),
        frames=tuple(composer.frames),
        size=size,
        width=composer.x,
        ascent=max(face.ascent for face in faces) * size,
        descent=max(face.descent for face in faces) * size,
        ink=_ink(composer.glyphs, composer.frames),
        direction="rtl" if paragraph.base else "ltr",
    )


def clusters(text: str) -> list[tuple[int, int]]:
    """Where the text may be taken apart without tearing a letter from its marks or an emoji from its sequence."""
    found: list[tuple[int, int]] = []
    regional = 0
    for i, c in enumerate(text):
        flag = _REGIONAL[0] <= c <= _REGIONAL[1]
        joined = i > 0 and (
            unicodedata.category(c)[0] == "M"
            or c == "\u200d"
            or text[i - 1] == "\u200d"
            or _SKIN[0] <= c <= _SKIN[1]
            or "\U000e0020" <= c <= "\U000e007f"
            or (flag and regional % 2 == 1)
        )
        regional = regional + 1 if flag else 0
        if joined:
            found[-1] = (found[-1][0], i + 1)
        else:
            found.append((i, i + 1))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """Characters of one level, one script and one face: what HarfBuzz shapes in one go."""

    start: int
    end: int
    level: int
    script: str
    face: Face


def _itemize(text: str, levels: tuple[int, ...], language: str, weight: int, fonts: FontSet) -> list[_Item]:
    """The items from left to right."""
    parts = clusters(text)
    scripts = _scripts(text, parts)
    files = _files(text, parts, scripts, language, fonts)
    items: list[_Item] = []
    for run in bidi.visual_runs(levels):
        of_run: list[_Item] = []
        for (start, end), script, file in zip(parts, scripts, files, strict=True):
            first, last = max(start, run.start), min(end, run.end)
            if first >= last:
                continue
            face = fonts.face(file, weight)
            before = of_run[-1] if of_run else None
            if before and before.script == script and before.face == face:
                of_run[-1] = _Item(start=before.start, end=last, level=run.level, script=script, face=face)
            else:
                of_run.append(_Item(start=first, end=last, level=run.level, script=script, face=face))
        items += reversed(of_run) if run.level % 2 else of_run
    return items


def _scripts(text: str, parts: list[tuple[int, int]]) -> list[str]:
    """The script of each cluster; what scripts share goes with what is before it, or else after it."""
    found = [next((s for s in map(script_of, text[start:end]) if s), "") for start, end in parts]
    following = next((script for script in found if script), "")
    for i, script in enumerate(found):
        following = script or following
        found[i] = following
    return found


def _files(
    text: str, parts: list[tuple[int, int]], scripts: list[str], language: str, fonts: FontSet
) -> list[FontFile]:
    """The font file of each cluster. Shared characters stay in the font of the letters beside them when it has them."""
    order = fonts.preference(text, language)
    chosen: list[FontFile | None] = [None] * len(parts)
    for i, (start, end) in enumerate(parts):  # letters first
        if any(map(script_of, text[start:end])):
            chosen[i] = _first_covering(text[start:end], order, fonts)
    beside: FontFile | None = next((file for file in chosen if file), None)
    script = scripts[0] if scripts else ""
    for i, (start, end) in enumerate(parts):
        if scripts[i] != script:
            script = scripts[i]
            beside = next((f for f, s in zip(chosen[i:], scripts[i:], strict=True) if f and s == script), beside)
        file = chosen[i]
        if file is None:
            cluster = text[start:end]
            own = (beside, *order) if beside and not _is_picture(cluster) else order
            file = _first_covering(cluster, own, fonts)
            chosen[i] = file
            if beside is None and not cluster.isspace():
                beside = file
        else:
            beside = file
    return [file or order[0] for file in chosen]


def _is_picture(cluster: str) -> bool:
    return "\ufe0f" in cluster or cluster[0] >= "\U0001f000"


def _first_covering(cluster: str, order: tuple[FontFile, ...], fonts: FontSet) -> FontFile:
    """The first font with the whole cluster, or with its first character, or simply the first."""
    if "\ufe0f" in cluster:  # asks for the picture, where a text font may have the sign as well
        order = tuple(sorted(order, key=lambda file: "Emoji" not in file.path.name))
    for wanted in (cluster, cluster[0]):
        for file in order:
            if fonts.covers(file, wanted):
                return file
    return order[0]


class _Composer:
    """Sets items one after the other from left to right."""

    def __init__(
        self, text: str, size: float, language: str, weight: int, fonts: FontSet, missing: Missing
    ) -> None:  # fmt: skip
        self.text = text
        self.codes = [ord(c) for c in text]
        self.size = size
        self.language = language
        self.weight = weight
        self.fonts = fonts
        self.missing = missing
        self.x = 0.0
        self.glyphs: list[Glyph] = []
        self.frames: list[Frame] = []

    def add(self, item: _Item) -> None:
        buffer = shape(self.codes, item.start, item.end, item.level, item.script, self.language, item.face)
        scale = self.size / item.face.units
        shown: set[int] = set()
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            character = self.text[info.cluster]
            if info.codepoint == 0 and not is_ignorable(character):
                if info.cluster not in shown:
                    shown.add(info.cluster)
                    self._show(info.cluster)
                continue
            self.glyphs.append(
                Glyph(
                    face=item.face,
                    glyph_id=info.codepoint,
                    x=self.x + position.x_offset * scale,
                    y=-position.y_offset * scale,
                    size=self.size,
                    advance=position.x_advance * scale,
                    cluster=info.cluster,
                )
            )
            self.x += position.x_advance * scale

    def _show(self, cluster: int) -> None:
        """The code of a character in a frame: two rows of digits."""
        code = f"{self.codes[cluster]:04X}"
        if self.missing == "error":
            name = unicodedata.name(self.text[cluster], "a character without a name")
            raise NoGlyph(
                f"no font has `{self.text[cluster]}` (U+{code}, {name.lower()})",
                hint="leave the character out, or give a font that has it",
            )
        code = code.zfill(6) if len(code) > 4 else code
        half = len(code) // 2
        size = self.size * _FRAME_DIGITS
        face = self.fonts.face(self.fonts.files[0], self.weight)
        digit = face.font.get_glyph_h_advance(face.font.get_nominal_glyph(ord("0"))) / face.units * size
        edge = self.size * 0.08
        left = self.x + edge
        bottom, top = self.size * 0.12, -self.size * 0.72
        for row, digits in enumerate((code[:half], code[half:])):
            for column, character in enumerate(digits):
                self.glyphs.append(
                    Glyph(
                        face=face,
                        glyph_id=face.font.get_nominal_glyph(ord(character)) or 0,
                        x=left + edge + column * digit,
                        y=bottom - edge * 1.3 - (1 - row) * size,
                        size=size,
                        advance=digit,
                        cluster=cluster,
                    )
                )
        right = left + 2 * edge + half * digit
        self.frames.append(Frame(left=left, top=top, right=right, bottom=bottom))
        self.x = right + edge


def shape(codes: list[int], start: int, end: int, level: int, script: str, language: str, face: Face) -> Any:
    """A HarfBuzz buffer of shaped glyphs, in visual order; letters beyond the item are its context for joining."""
    buffer = uharfbuzz.Buffer()
    buffer.add_codepoints(codes, start, end - start)
    buffer.direction = "rtl" if level % 2 else "ltr"
    buffer.script = script or "Zyyy"
    buffer.language = language or "und"
    uharfbuzz.shape(face.font, buffer, {})
    return buffer


def _ink(glyphs: list[Glyph], frames: list[Frame]) -> tuple[float, float, float, float]:
    boxes = [(frame.left, frame.top, frame.right, frame.bottom) for frame in frames]
    for glyph in glyphs:
        extents = glyph.face.font.get_glyph_extents(glyph.glyph_id)
        if extents and extents.width and extents.height:
            scale = glyph.size / glyph.face.units
            left, top = glyph.x + extents.x_bearing * scale, glyph.y - extents.y_bearing * scale
            boxes.append((left, top, left + extents.width * scale, top - extents.height * scale))
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return (min(lefts), min(tops), max(rights), max(bottoms))


def line_mask(line: Line, x: float, y: float) -> tuple[Image.Image, int, int] | None:
    """The line's coverage as an `L` picture and where its top left pixel lies, with the baseline's left end at x, y;
    None when nothing is drawn. Positions are exact to the fraction of a pixel."""
    raster = uharfbuzz.RasterDraw()
    for glyph in line.glyphs:
        scale = glyph.size / glyph.face.units
        raster.transform = (scale, 0.0, 0.0, scale, x + glyph.x, -(y + glyph.y))
        raster.draw_glyph(glyph.face.font, glyph.glyph_id)
    rendered = raster.render()
    extents = rendered.extents if rendered else None
    mask: Image.Image | None = None
    left = top = 0
    if rendered and extents and extents.width and extents.height:
        size = (extents.width, extents.height)
        mask = Image.frombytes("L", size, rendered.buffer, "raw", "L", extents.stride, -1)
        left, top = extents.x_origin, -(extents.y_origin + extents.height)
    return _with_frames(line, mask, left, top, x, y) if line.frames else (mask, left, top) if mask else None


def _with_frames(
    line: Line, mask: Image.Image | None, left: int, top: int, x: float, y: float
) -> tuple[Image.Image, int, int]:
    width = max(1, round(line.size / 18))
    boxes = [(round(x + f.left), round(y + f.top), round(x + f.right), round(y + f.bottom)) for f in line.frames]
    if mask:
        boxes.append((left, top, left + mask.width, top + mask.height))
    corner = (min(box[0] for box in boxes), min(box[1] for box in boxes))
    size = (max(box[2] for box in boxes) + 1 - corner[0], max(box[3] for box in boxes) + 1 - corner[1])
    whole = Image.new("L", size)
    if mask:
        whole.paste(mask, (boxes.pop()[0] - corner[0], top - corner[1]))
    draw = ImageDraw.Draw(whole)
    for box in boxes:
        moved = (box[0] - corner[0], box[1] - corner[1], box[2] - corner[0], box[3] - corner[1])
        draw.rectangle(moved, outline=255, width=width)
    return whole, corner[0], corner[1]


def draw_line(image: Image.Image, line: Line, x: float, y_baseline: float, fill: Color) -> None:
    """Draw on an `RGB` or `RGBA` picture, blended over what is there; what falls outside is cut off."""
    drawn = line_mask(line, x, y_baseline)
    if drawn is None:
        return
    mask, left, top = drawn
    seen = (max(-left, 0), max(-top, 0), min(mask.width, image.width - left), min(mask.height, image.height - top))
    if seen[0] >= seen[2] or seen[1] >= seen[3]:
        return
    mask = mask.crop(seen)
    place = (left + seen[0], top + seen[1])
    if len(fill) == 4 and fill[3] < 255:
        mask = ImageChops.multiply(mask, Image.new("L", mask.size, fill[3]))
    if image.mode == "RGB":
        image.paste(fill[:3], (*place, place[0] + mask.width, place[1] + mask.height), mask)
    elif image.mode == "RGBA":
        layer = Image.new("RGBA", mask.size, fill[:3])
        layer.putalpha(mask)
        image.alpha_composite(layer, place)
    else:
        raise PictureError(f"cannot draw text on a picture of mode `{image.mode}`", hint="convert it to RGB or RGBA")
