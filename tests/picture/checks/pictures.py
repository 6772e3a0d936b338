"""Deliverables as a campaign makes them: a proof plate, copy typeset on it, encoded; clean, and with planted faults."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping

from PIL import Image

from imagebuild.core.layouts.canonical import Area, Button, Group, Scrim, TextItem, Typeset, canonical_typeset
from imagebuild.core.locale import Locale
from imagebuild.core.steps.encode import default_encode
from imagebuild.picture.decode import decode
from imagebuild.picture.encode import encode
from imagebuild.picture.proof.painter import ProofRequest, paint
from imagebuild.picture.typeset.draw import typeset
from tests.picture.reading.planted import SAID

SIZES = {"landscape": (1200, 630), "square": (1080, 1080), "story": (1080, 1920), "banner": (728, 90)}
SAFE = {"story": (0.0, 0.14, 0.0, 0.2)}
PROMPTS = (
    "A steel kettle on a table, soft morning light. No text.",
    "A bright beach under a pale sky. No text.",
    "A dark kitchen at night, one lamp. No text.",
)
LOCALES = tuple(SAID)
SCRIM = Scrim()
_BOXES = {
    "landscape": (0.06, 0.12, 0.5, 0.76),
    "square": (0.08, 0.08, 0.84, 0.5),
    "story": (0.08, 0.05, 0.84, 0.5),
    "banner": (0.02, 0.12, 0.7, 0.76),
}


def nothing(digest: str) -> bytes:
    raise AssertionError(f"`{digest}` was not to be read")


def reading(files: Mapping[str, bytes]):
    return lambda digest: files[digest]


@functools.lru_cache(maxsize=64)
def plate(shape: str, number: int = 0, take: int = 1) -> Image.Image:
    size = SIZES[shape]
    made = paint(ProofRequest(operation="generate", prompt=PROMPTS[number], size=(1536, 1024), take=take))
    image = decode(made, source="the plate")
    ratio = max(size[0] / image.width, size[1] / image.height)
    wide, high = size[0] / ratio, size[1] / ratio
    left, top = (image.width - wide) / 2, (image.height - high) * 0.35
    return image.resize(size, Image.Resampling.LANCZOS, (left, top, left + wide, top + high))


def layout(
    tag: str, shape: str = "landscape", *, text: tuple[str, str, str] | None = None, safe=None, frame="safe",
    inks=("#ffffff", "#102030"), contrast=4.5, scrim: Scrim | None = SCRIM, areas: tuple[Area, ...] = (),
) -> Typeset:  # fmt: skip
    headline, cta, legal = text or SAID[tag]
    scale = 3.2 if shape == "banner" else 1.0
    direction = Locale(tag).direction

    def item(role, words, least, most, lines, weight, button=None, colors=inks):
        return TextItem(
            role, words, (least * scale, most * scale), lines, weight, "", "start", colors, contrast, 1.0, button
        )  # fmt: skip

    items = [item("headline", headline, 0.04, 0.1, 3, 800)]
    if shape != "banner":
        button = Button("#c8102e", (1.1, 0.55), 0.4)
        items += [
            item("cta", cta, 0.03, 0.045, 1, 700, button, ("#ffffff", "#101010")),
            item("legal", legal, 0.017, 0.022, 4, 400),
        ]
    mirrored = direction == "rtl"
    group = Group(_BOXES[shape], frame, "middle", 0.03, tuple(items), scrim)
    return Typeset(tag, direction, mirrored, safe or SAFE.get(shape, (0.0, 0.0, 0.0, 0.0)), {}, areas, (group,))


def encoded(image: Image.Image, form: str = "webp", **more: object) -> bytes:
    return encode(image, {**default_encode(form), **more})


def delivered(tag: str, shape: str = "landscape", number: int = 0, form: str = "webp", **more) -> tuple[bytes, dict]:
    """The file, and what its `typeset` step drew."""
    parameters = canonical_typeset(layout(tag, shape, **more))
    return encoded(typeset(plate(shape, number), parameters, nothing), form), parameters


def repainted(data: bytes, change, form: str = "webp", **more: object) -> bytes:
    """The picture changed by a function of it, and encoded again."""
    return encoded(change(decode(data, source="it").convert("RGB")), form, **more)


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
