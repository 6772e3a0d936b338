"""What draws the local steps, for their keys: read from Pillow's compiled modules, without loading Pillow itself.

`PIL.Image` takes about 30 ms to load, the compiled modules asked here about 4 ms together, so that planning may ask.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

import PIL

from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.picture import fonts
else:
    fonts = lazy("imagebuild.picture.fonts")  # asking packages for their versions takes 40 ms, and is for text only

__all__ = ["DRAWING", "tool_versions", "tools_for"]

# Raised by hand whenever `picture/` would draw other pixels, or write other bytes, from the same parameters.
DRAWING = "1"

CODECS: dict[str, tuple[tuple[str, str, str], ...]] = {  # format → (name, module, attribute)
    "png": (("zlib", "PIL._imaging", "zlib_version"), ("zlib-ng", "PIL._imaging", "zlib_ng_version")),
    "jpeg": (
        ("libjpeg", "PIL._imaging", "jpeglib_version"),
        ("libjpeg-turbo", "PIL._imaging", "libjpeg_turbo_version"),
    ),
    "webp": (("libwebp", "PIL._webp", "webpdecoder_version"),),
    "avif": (("libavif", "PIL._avif", "libavif_version"), ("avif-codecs", "PIL._avif", "codec_versions")),
}
DRAWS_TEXT = frozenset({"typeset", "sheet"})
READS_PICTURES = frozenset({"overlay", "put_back", "typeset"})  # of any format that a campaign may name
RUNS_CODE = frozenset({"python"})


@cache
def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ImportError:  # this Pillow was built without the format
        return None


def tool_versions(formats: Iterable[str] = tuple(CODECS)) -> dict[str, str]:
    """Pillow's version and those of the libraries that read and write these formats, by name.

    Ask for the formats that an action reads and writes: a new libavif then remakes no WebP file.
    """
    found = {"drawing": DRAWING, "pillow": PIL.__version__}
    for form in formats:
        for name, module, attribute in CODECS.get(form, ()):
            value = getattr(_module(module), attribute, None)
            version = value() if callable(value) else value
            if version:
                found[name] = str(version)
    return found


def tools_for(steps: Iterable[str], formats: Iterable[str]) -> dict[str, str]:
    """What takes part in these steps, on pictures of these formats, by name. What no step of an action uses is not in
    its key, and remakes nothing when it changes."""
    names = frozenset(steps)
    found = tool_versions((*formats, "png", "jpeg", "webp") if names & READS_PICTURES else formats)
    if names & DRAWS_TEXT:
        found |= fonts.font_versions()
    if names & RUNS_CODE:
        found["python"] = platform.python_version()
    return found
