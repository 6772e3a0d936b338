"""Pixels → the bytes of a file, in the four formats of deliverables, also within a given number of bytes.

Every setting of every encoder is said here, none left to a library's default, and AVIF is written by one thread: how
many threads write it would show in the bytes, and builds draw many pictures at once anyway. No metadata is written.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping

from PIL import Image

from imagebuild.core.sizes import size_text
from imagebuild.errors import PictureError
from imagebuild.picture.fit import flatten

__all__ = ["LEAST_QUALITY", "encode", "highest_fitting"]

LEAST_QUALITY = 30  # below it every format shows blocks; a smaller picture looks better at the same size
FULL_CHROMA_FROM = 90  # from this quality on, JPEG keeps colour at full resolution
ADVICE = "raise `max_bytes`, or make the picture smaller with `fit`"


def encode(image: Image.Image, parameters: Mapping[str, object]) -> bytes:
    """The file, by the canonical parameters of an `encode` step."""
    form = str(parameters["format"])
    background = parameters.get("background")
    if isinstance(background, str):
        image = flatten(image, background)
    if image.info:  # some of Pillow's writers would write what a reader found
        image = image.copy()
        image.info = {}
    most = parameters.get("max_bytes")
    quality = parameters.get("quality")
    if not isinstance(quality, int):
        return _lossless(image, form, most if isinstance(most, int) else None)

    def at(each: int) -> bytes:
        return _saved(image, form, _lossy_settings(form, each))

    data = at(quality)
    if not isinstance(most, int) or len(data) <= most:
        return data
    floor = min(LEAST_QUALITY, quality)
    least = at(floor) if floor < quality else data
    if len(least) > most:
        out, limit = _sizes(len(least), most)
        raise PictureError(
            f"{form} of {size_text(image.size)} cannot be that small: {out} at quality {floor}, over {limit}",
            hint=ADVICE,
        )
    return highest_fitting(at, floor, least, quality, data, most)


def highest_fitting(at: Callable[[int], bytes], low: int, fits: bytes, high: int, too_big: bytes, most: int) -> bytes:
    """The bytes of a quality that fits while the next does not, given one that fits and one that does not.

    File sizes grow about as a power of the quality's steps, so the guess follows the line between the two ends on a
    logarithmic scale; after two guesses that leave more than half of the range, the middle is tried, so that odd
    sizes cost a few tries more and never many. On pictures about four tries, where halving takes six.
    """
    wanted, below, above = math.log(most), math.log(len(fits)), math.log(len(too_big))
    poor = 0
    while high - low > 1:
        share = (wanted - below) / (above - below) if poor < 2 else 0.5
        guess = min(max(low + int((high - low) * share + 1e-9), low + 1), high - 1)
        before = high - low
        data = at(guess)
        if len(data) <= most:
            low, fits, below = guess, data, math.log(len(data))
        else:
            high, above = guess, math.log(len(data))
        poor = poor + 1 if poor < 2 and (high - low) * 2 > before else 0
    return fits


def _lossless(image: Image.Image, form: str, most: int | None) -> bytes:
    if form == "webp":
        data = _saved(image, form, {"lossless": True, "quality": 80, "method": 4, "exact": False})
    else:
        data = _saved(image, form, {"compress_level": 6})
        if most is not None and len(data) > most:
            data = _saved(image, form, {"optimize": True})
    if most is not None and len(data) > most:
        out, limit = _sizes(len(data), most)
        what = "png" if form == "png" else "lossless webp"
        raise PictureError(
            f"{what} of {size_text(image.size)} has no quality to lower: {out}, over {limit}",
            hint=f"write `format: webp` with a `quality`, or {ADVICE}",
        )
    return data


def _lossy_settings(form: str, quality: int) -> dict[str, object]:
    if form == "jpeg":
        chroma = "4:4:4" if quality >= FULL_CHROMA_FROM else "4:2:0"
        return {"quality": quality, "subsampling": chroma, "optimize": True, "progressive": True}
    if form == "webp":
        return {"quality": quality, "method": 4, "alpha_quality": 100, "exact": False, "lossless": False}
    return {
        "quality": quality, "speed": 6, "subsampling": "4:2:0", "range": "full", "max_threads": 1, "autotiling": False
    }  # fmt: skip


def _saved(image: Image.Image, form: str, settings: Mapping[str, object]) -> bytes:
    file = io.BytesIO()
    try:
        image.save(file, format=form.upper(), **settings)
    except (OSError, ValueError, KeyError, RuntimeError, MemoryError) as error:
        raise PictureError(
            f"{form} of {size_text(image.size)} cannot be written: {error}",
            hint="`imagebuild` needs a Pillow that writes this format; its wheels do"
            if isinstance(error, KeyError)
            else None,
        ) from error
    return file.getvalue()


def _sizes(count: int, most: int) -> tuple[str, str]:
    """What came out and the limit, in kB as people say them, or in bytes where kB would not tell them apart."""
    if most < 10_000 or round(count / 1000) == round(most / 1000):
        return (f"{count:,} bytes", f"{most:,} bytes")
    return (f"{count / 1000:,.0f} kB", f"{most / 1000:,.0f} kB")
