"""A master's bytes → a deliverable's bytes: decode, draw the steps in order, encode.

The same bytes and parameters give the same file in every process, whether the master was decoded for one deliverable
or for many: nothing about decoding depends on what is drawn afterwards. Deliverables are sRGB, upright, 8 bits a
channel, and say nothing of themselves but what `encode` is asked to write. Knows canonical parameters (`core/steps`),
not how a campaign writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from imagebuild.core.sizes import Size
from imagebuild.core.steps.encode import PAGE_FORMATS, default_encode
from imagebuild.picture.code import run_function
from imagebuild.picture.decode import decode
from imagebuild.picture.encode import encode
from imagebuild.picture.fit import crop, fit
from imagebuild.picture.overlay import overlay
from imagebuild.picture.read import Parameters, Read
from imagebuild.picture.restore import put_back
from imagebuild.picture.sharpen import sharpen
from imagebuild.picture.sheet import draw_sheet
from imagebuild.picture.typeset.draw import typeset

__all__ = ["DRAWERS", "Drawn", "Read", "decode", "draw_steps", "run_steps"]


def flip(image: Image.Image, parameters: Parameters, _: Read) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if parameters["when"] == "always" else image


DRAWERS: Mapping[str, Callable[[Image.Image, Parameters, Read], Image.Image]] = {
    "fit": lambda image, parameters, _: fit(image, parameters),
    "crop": lambda image, parameters, _: crop(image, parameters),
    "flip": flip,
    "typeset": typeset,
    "overlay": overlay,
    "sharpen": lambda image, parameters, _: sharpen(image, parameters),
    "python": run_function,
    "put_back": put_back,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A finished file."""

    data: bytes
    media_type: str
    size: Size


def run_steps(
    master: bytes, steps: Sequence[tuple[str, Parameters]], *, source: str, read: Read, default_format: str = "png"
) -> Drawn:
    """The deliverable of one master. `source` is how messages call the master."""
    return draw_steps(decode(master, source=source), steps, read=read, default_format=default_format)


def draw_steps(
    image: Image.Image | None, steps: Sequence[tuple[str, Parameters]], *, read: Read, default_format: str = "png"
) -> Drawn:
    """The deliverable of a decoded master, which stays as it is and may be drawn from again, also in other threads.
    `read` gives what the steps take besides: pictures and files by their digests. Without an image, the first step is
    a `sheet`."""
    encoding = default_encode(default_format)
    more: tuple[Image.Image, ...] = ()
    seconds = 0.0
    said = {str(name): value for name, value in image.info.items()} if image is not None else {}
    for name, parameters in steps:
        if name == "encode":
            encoding = parameters
        elif name == "sheet":
            image, *rest = draw_sheet(parameters, read)
            more, seconds = tuple(rest), float(str(parameters.get("seconds", 0)))
        else:
            assert image is not None, "only a sheet is made from nothing"
            image = DRAWERS[name](image, parameters, read)
    assert image is not None, "only a sheet is made from nothing"
    data = encode(image, encoding, more=more, seconds=seconds, said=said)
    form = str(encoding["format"])
    kind = "application" if form in PAGE_FORMATS else "image"
    return Drawn(data=data, media_type=f"{kind}/{form}", size=image.size)
