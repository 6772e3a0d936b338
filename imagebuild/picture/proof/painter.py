"""Proofs: free, deterministic stand-ins for paid pictures, good enough to judge a campaign's layout by.

`paint` turns a request into the bytes of a picture of exactly the asked size and format. The same request gives the
same bytes in any process with the same libraries: what looks like chance comes from the request's own digest.
Knows nothing of providers, campaigns, files or the network. Safe to call from several threads.
"""

from __future__ import annotations

import hashlib
import io
import re
from dataclasses import dataclass
from random import Random
from typing import Final, Literal

from PIL import Image, ImageOps

from imagebuild.errors import PictureError
from imagebuild.picture.proof.brush import Box, grain
from imagebuild.picture.proof.caption import Caption, caption_height, draw_caption, text_size
from imagebuild.picture.proof.color import Palette, palette_of
from imagebuild.picture.proof.copy import draw_copy, is_right_to_left, quoted, without_quotes
from imagebuild.picture.proof.objects import Stage, paint_objects
from imagebuild.picture.proof.references import changed, mask_area, open_picture, place_references
from imagebuild.picture.proof.scenes import FAMILIES, OPEN_SKY, paint_scene

__all__ = ["PAINTER_VERSION", "ProofRequest", "paint"]

# Raised whenever the same request would be painted differently.
PAINTER_VERSION: Final = "2"
_GRAIN: Final = {"low": 0.0, "medium": 4.0}
_FULL_GRAIN: Final = 5.0
_JPEG_QUALITY: Final = {"low": 84, "medium": 90}
_BEST_JPEG: Final = 94
_SIDE: Final = re.compile(r"(?i)\bon the (left|right)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRequest:
    """What a paid request would say, and `label`: the asset's address, which is drawn in the caption only."""

    operation: Literal["generate", "edit"]
    prompt: str
    size: tuple[int, int]
    quality: str = "medium"
    background: str = "auto"
    output_format: Literal["png", "jpeg", "webp"] = "png"
    references: tuple[bytes, ...] = ()
    mask: bytes | None = None
    take: int = 1
    variant: int = 1
    label: str = ""


def paint(request: ProofRequest) -> bytes:
    """The proof, encoded. Raises `PictureError` for what no provider could make either."""
    _check(request)
    look = _random(request, "look")
    style = Style(
        palette=palette_of(request.prompt, look),
        family=int(look.random() * len(FAMILIES)) + 2 * request.take + request.variant,
        dark=look.random() < 0.5,
        light=(0.72 if look.random() < 0.5 else -0.72),
    )
    pictures = [open_picture(data, f"reference picture {i}") for i, data in enumerate(request.references, 1)]
    if request.operation == "edit":
        return _encoded(_edited(request, style, pictures), request)
    return _encoded(_generated(request, style, pictures), request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What all sizes and languages of one picture have in common."""

    palette: Palette
    family: int
    dark: bool
    light: float


def _check(request: ProofRequest) -> None:
    if request.operation == "edit" and not request.references:
        raise PictureError("an edit without a picture to edit", hint="give the picture as the first reference")
    if request.mask is not None and request.operation != "edit":
        raise PictureError("a mask without an edit", hint="a mask says what part of an edited picture may change")
    if request.background == "transparent" and request.output_format == "jpeg":
        raise PictureError("a transparent background in a `jpeg`", hint="ask for `png` or `webp`")


def _random(request: ProofRequest, purpose: str) -> Random:
    """Chance that is the same for all sizes and languages of a picture, so that they look like one campaign."""
    parts = (purpose, request.operation, without_quotes(request.prompt), str(request.take), str(request.variant))
    return Random(int.from_bytes(hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()))


def _stage(request: ProofRequest, style: Style, texts: tuple[str, ...], strip: int, *, empty: bool) -> Stage:
    """Where subject and copy go: beside one another in a wide picture, one above the other in a tall one."""
    width, height = request.size
    ratio = width / height
    edge = 0.068 * min(width, height)
    floor = height - strip - edge * 0.35
    subject: Box = (edge, edge, width - edge, floor)
    copy: Box | None = None
    if texts and ratio > 1.25:
        split = min(0.46, 0.36 + 0.05 * ratio)
        lowest = height * 0.6 if _open_sky(style) else floor - edge * 0.8
        copy = (edge * 1.2, edge * 1.6, width * split, lowest)
        subject = (width * split + edge * 0.4, edge * 0.6, width - edge * 0.5, floor)
        if is_right_to_left(texts[0]):
            copy = (width - copy[2], copy[1], width - copy[0], copy[3])
            subject = (width - subject[2], subject[1], width - subject[0], subject[3])
    elif texts:
        below = height * (0.40 if ratio > 0.8 else 0.36 if ratio > 0.5 else 0.3)
        copy = (edge * 1.1, edge * 1.5, width - edge * 1.1, below)
        subject = (edge * 0.6, below + edge * 0.2, width - edge * 0.6, floor - max(height - width * 1.8, 0) * 0.12)
    elif side := _side_asked(request.prompt):
        if ratio > 1.25:
            split = width * min(0.46, 0.36 + 0.05 * ratio)
            subject = (split, edge * 0.6, width - edge * 0.5, floor)
        else:
            above = height * (0.38 if ratio > 0.8 else 0.34)
            subject = (edge * 0.6, above, width - edge * 0.6, floor - max(height - width * 1.8, 0) * 0.12)
        if side == "left":
            subject = (width - subject[2], subject[1], width - subject[0], subject[3])
    elif ratio < 0.8:
        subject = (edge * 0.6, edge, width - edge * 0.6, floor - (height - width) * 0.2)
    return Stage(
        size=request.size, subject=subject, copy=copy, palette=style.palette, dark=style.dark, light=style.light,
        empty=empty,
    )  # fmt: skip


def _side_asked(prompt: str) -> str:
    """The side where the prompt wants the subject, which leaves the other one for copy; empty when it says none."""
    found = _SIDE.search(prompt)
    return found.group(1).lower() if found else ""


def _generated(request: ProofRequest, style: Style, pictures: list[Image.Image]) -> Image.Image:
    texts = quoted(request.prompt)
    strip = caption_height(request.size)
    stage = _stage(request, style, texts, strip, empty=bool(pictures))
    random = _random(request, "scene")
    if request.background == "transparent":
        image = Image.new("RGBA", request.size)
        paint_objects(image, stage, random)
    else:
        image = paint_scene(style.family, stage, random)
    if pictures:
        left, top, right, bottom = stage.subject
        side, down = (right - left) * 0.04, stage.unit * (0.24 if _has_pedestal(request, style) else 0.08)
        place_references(image, pictures, (left + side, top, right - side, bottom - down), style.palette, random)
    if stage.copy:
        draw_copy(image, texts, stage.copy, style.palette, centered=_centered(request, style))
    image = _grained(image, request)
    letters = text_size(request.size)
    width, height = request.size
    inset = letters * 0.6 if image.mode == "RGBA" else 0
    box = (inset, height - strip - inset, width - inset, height - inset)
    draw_caption(image, _caption(request), box, style.palette, letters)
    return image


def _open_sky(style: Style) -> bool:
    return style.family % len(FAMILIES) in OPEN_SKY


def _centered(request: ProofRequest, style: Style) -> bool:
    return request.size[0] > request.size[1] * 1.25 and not _open_sky(style)


def _has_pedestal(request: ProofRequest, style: Style) -> bool:
    return request.background == "transparent" or style.family % len(FAMILIES) in (0, 3)


def _edited(request: ProofRequest, style: Style, pictures: list[Image.Image]) -> Image.Image:
    """The first reference, changed all over or only where the mask is transparent; the others as small prints."""
    first, others = pictures[0], pictures[1:]
    base = ImageOps.fit(first, request.size, Image.Resampling.LANCZOS) if first.size != request.size else first
    random = _random(request, "edit")
    area = mask_area(request.mask, first.size, request.size) if request.mask is not None else None
    image = changed(base, style.palette, random, within=area)
    width, height = request.size
    letters = text_size(request.size)
    room = (0, 0, width, height) if area is None else _room(area, letters)
    if room:
        edge = 0.05 * min(room[2] - room[0], room[3] - room[1])
        strip = caption_height(request.size, room[2] - room[0])
        top = room[3] - strip
        if others:
            high = (top - room[1]) * 0.3
            box = (room[0] + (room[2] - room[0]) * 0.6, top - edge - high, room[2] - edge, top - edge)
            place_references(image, others, box, style.palette, random)
        texts = quoted(request.prompt)
        if texts and top - room[1] > letters * 5:
            box = (room[0] + edge * 2, room[1] + edge * 2, room[2] - edge * 2, room[1] + (top - room[1]) * 0.42)
            draw_copy(image, texts, box, style.palette, centered=False)
        if area is None:
            image = _grained(image, request)
        draw_caption(image, _caption(request), (room[0], top, room[2], room[3]), style.palette, letters)
    if area is None:
        if base.mode == "RGBA" and request.output_format != "jpeg":
            image.putalpha(base.getchannel("A"))
        return image
    return Image.composite(image.convert(base.mode), base, area)


def _room(area: Image.Image, letters: float) -> tuple[int, int, int, int] | None:
    """A large rectangle of the area that may change, where words fit; None when there is none."""
    box = area.getbbox()
    if box is None:
        return None
    scale = max(max(area.size) / 96, 1.0)
    small = area.point([0] * 255 + [255]).resize(
        (max(int(area.width / scale), 1), max(int(area.height / scale), 1)), Image.Resampling.BOX
    )
    pixels = small.tobytes()
    best: tuple[int, tuple[int, int, int, int]] = (0, (0, 0, 0, 0))
    heights = [0] * small.width
    for y in range(small.height):
        row = pixels[y * small.width : (y + 1) * small.width]
        heights = [high + 1 if value == 255 else 0 for high, value in zip(heights, row, strict=True)]
        for x in range(small.width):
            lowest = heights[x]
            for end in range(x, small.width):
                lowest = min(lowest, heights[end])
                if not lowest:
                    break
                if (end + 1 - x) * lowest > best[0]:
                    best = ((end + 1 - x) * lowest, (x, y + 1 - lowest, end + 1, y + 1))
    x0, y0, x1, y1 = best[1]
    across, down = area.width / small.width, area.height / small.height
    found = (round(x0 * across) + 1, round(y0 * down) + 1, round(x1 * across) - 1, round(y1 * down) - 1)
    wide, high = found[2] - found[0], found[3] - found[1]
    return found if wide > letters * 18 and high > letters * 4.5 else None


def _caption(request: ProofRequest) -> Caption:
    width, height = request.size
    kind = "edit · " if request.operation == "edit" else ""
    return Caption(label=request.label, facts=f"{kind}{width}×{height} · {request.quality}", prompt=request.prompt)


def _grained(image: Image.Image, request: ProofRequest) -> Image.Image:
    strength = _GRAIN.get(request.quality, _FULL_GRAIN)
    if image.mode != "RGB" or not strength:
        return image
    return grain(image, f"grain {request.take} {request.variant}".encode(), strength)


def _encoded(image: Image.Image, request: ProofRequest) -> bytes:
    target = io.BytesIO()
    if request.output_format == "png":
        image.save(target, "PNG", compress_level=1)
    elif request.output_format == "webp":
        exact = request.mask is not None  # outside a mask no pixel may change
        image.save(target, "WEBP", lossless=exact, quality=20 if exact else 86, method=1, exact=exact)
    else:
        if image.mode == "RGBA":
            whole = Image.new("RGB", image.size, "white")
            whole.paste(image, (0, 0), image)
            image = whole
        image.save(target, "JPEG", quality=_JPEG_QUALITY.get(request.quality, _BEST_JPEG), subsampling=0)
    return target.getvalue()
