"""Pixels → the bytes of a file, in the formats of deliverables, also within a given number of bytes.

Every setting of every encoder is said here, none left to a library's default, and AVIF is written by one thread: how
many threads write it would show in the bytes, and builds draw many pictures at once anyway. A file says nothing of
itself but what it is asked to: no date, no program, no profile, no metadata.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from imagebuild.core.sizes import size_text
from imagebuild.errors import PictureError
from imagebuild.picture.fit import flatten
from imagebuild.picture.metadata import Metadata, metadata_of, xmp_packet
from imagebuild.picture.palette import reduced
from imagebuild.picture.profile import srgb_profile

__all__ = ["LEAST_COLORS", "LEAST_QUALITY", "encode", "highest_fitting"]

LEAST_QUALITY = 30  # below it every format shows blocks; a smaller picture looks better at the same size
LEAST_COLORS = 32  # below it faces and skies become maps
FULL_CHROMA_FROM = 90  # from this quality on, JPEG keeps colour at full resolution
PAGE_RESOLUTION = 144.0  # pixels an inch on a page
ADVICE = "raise `max_bytes`, or make the picture smaller with `fit`"

Settings = Mapping[str, object]


class _Pages(NamedTuple):
    """The pictures of a file (most have one), how long each is shown, and what the file says of itself."""

    images: tuple[Image.Image, ...]
    seconds: float
    about: Metadata
    profile: bytes | None


def encode(
    image: Image.Image,
    parameters: Mapping[str, object],
    *,
    more: Sequence[Image.Image] = (),
    seconds: float = 0.0,
    said: Mapping[str, object] | None = None,
) -> bytes:
    """The file, by the canonical parameters of an `encode` step. `more` are the pages, or the frames, each shown for
    so many seconds, that follow; `said` is what the master says of itself."""
    form = str(parameters["format"])
    background = parameters.get("background")
    images = tuple(_bare(flatten(each, background) if isinstance(background, str) else each) for each in (image, *more))
    asked = parameters.get("metadata")
    about = metadata_of(asked, said or {}) if isinstance(asked, Mapping) else {}
    pages = _Pages(images, seconds, about, srgb_profile() if parameters.get("profile") == "srgb" else None)
    most = parameters.get("max_bytes")
    limit = most if isinstance(most, int) else None
    quality, colors = parameters.get("quality"), parameters.get("colors")
    if isinstance(quality, int):
        return _within(limit, quality, LEAST_QUALITY, pages, form, lambda each: _lossy(pages, form, each))
    if isinstance(colors, int):
        return _within(limit, colors, LEAST_COLORS, pages, form, lambda each: _few_colors(pages, form, each))
    return _lossless(pages, form, limit)


def _bare(image: Image.Image) -> Image.Image:
    """Some of Pillow's writers would write what a reader found."""
    if image.info:
        image = image.copy()
        image.info = {}
    return image


def _within(
    most: int | None, asked: int, least: int, pages: _Pages, form: str, at: Callable[[int], bytes]
) -> bytes:  # fmt: skip
    """The best that fits: as asked, or with the quality (or so many colours) lowered as far as it takes."""
    data = at(asked)
    if most is None or len(data) <= most:
        return data
    floor = min(least, asked)
    smallest = at(floor) if floor < asked else data
    if len(smallest) > most:
        out, limit = _sizes(len(smallest), most)
        unit = f"with {floor} colours" if least == LEAST_COLORS else f"at quality {floor}"
        raise PictureError(
            f"{form} of {size_text(pages.images[0].size)} cannot be that small: {out} {unit}, over {limit}", hint=ADVICE
        )
    return highest_fitting(at, floor, smallest, asked, data, most)


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


def _lossless(pages: _Pages, form: str, most: int | None) -> bytes:
    if form == "webp":
        data = _saved(pages, form, {"lossless": True, "quality": 80, "method": 4, "exact": False})
    else:
        data = _saved(pages, form, {"compress_level": 6})
        if most is not None and len(data) > most:
            data = _saved(pages, form, {"optimize": True})
    if most is not None and len(data) > most:
        out, limit = _sizes(len(data), most)
        what = "png" if form == "png" else "lossless webp"
        fewer = ", or `colors: 256`" if form == "png" else ""
        raise PictureError(
            f"{what} of {size_text(pages.images[0].size)} has no quality to lower: {out}, over {limit}",
            hint=f"write `format: webp` with a `quality`{fewer}, or {ADVICE}",
        )
    return data


def _few_colors(pages: _Pages, form: str, colors: int) -> bytes:
    images = tuple(reduced(image, colors) for image in pages.images)
    return _saved(pages._replace(images=images), form, {"optimize": True} if form == "png" else {"optimize": False})


def _lossy(pages: _Pages, form: str, quality: int) -> bytes:
    if form in ("jpeg", "pdf"):
        chroma = "4:4:4" if quality >= FULL_CHROMA_FROM else "4:2:0"
        settings: Settings = {"quality": quality, "subsampling": chroma, "optimize": True, "progressive": True}
    elif form == "webp":
        settings = {"quality": quality, "method": 4, "alpha_quality": 100, "exact": False, "lossless": False}
    else:
        settings = {
            "quality": quality, "speed": 6, "subsampling": "4:2:0", "range": "full", "max_threads": 1,
            "autotiling": False,
        }  # fmt: skip
    return _saved(pages, form, settings)


def _about(pages: _Pages, form: str) -> Settings:
    """How Pillow is told what a file says of itself."""
    found: dict[str, object] = {}
    if form == "pdf":
        texts = {name: "; ".join(values) for name, values in pages.about.items()}
        names = {"title": "title", "description": "subject", "creator": "author", "keywords": "keywords"}
        found = {theirs: texts.get(ours, "") for ours, theirs in names.items()}
        return {**found, "creationDate": None, "modDate": None, "resolution": PAGE_RESOLUTION}
    if pages.profile:
        found["icc_profile"] = pages.profile
    if pages.about and form == "png":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp_packet(pages.about).decode())
        found["pnginfo"] = info
    elif pages.about:
        found["xmp"] = xmp_packet(pages.about)
    return found


def _more(pages: _Pages, form: str) -> Settings:
    """How Pillow is told of the pages, or frames, after the first."""
    if len(pages.images) == 1:
        return {}
    found: dict[str, object] = {"save_all": True, "append_images": list(pages.images[1:])}
    if form != "pdf":
        found |= {"duration": round(pages.seconds * 1000), "loop": 0}
    if form == "gif":
        found["disposal"] = 1
    if form == "webp":
        found |= {"minimize_size": False, "kmin": 1, "kmax": 1}  # whole frames: none shows what was left of another
    return found


def _saved(pages: _Pages, form: str, settings: Settings) -> bytes:
    file = io.BytesIO()
    image = pages.images[0]
    try:
        image.save(file, format=form.upper(), **settings, **_about(pages, form), **_more(pages, form))
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
