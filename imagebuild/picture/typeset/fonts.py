"""The fonts of a typeset step: a family's own files by digest, and the packages' fonts behind them.

Knows digests and `read`; nothing of texts and boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import uharfbuzz

from imagebuild.core.layouts.canonical import FontChoice
from imagebuild.errors import PictureError
from imagebuild.picture.fonts import FontFile, FontSet, bundled_fonts, damage_of
from imagebuild.picture.kept import Kept

__all__ = ["Read", "fonts_of"]

Read = Callable[[str], bytes]  # the bytes of a digest, already checked

_FILES: Final[Kept[FontChoice, tuple[FontFile, float]]] = Kept(32)
_SETS: Final[Kept[tuple[tuple[FontChoice, ...], int], FontSet]] = Kept(32)


def fonts_of(families: Mapping[str, tuple[FontChoice, ...]], family: str, weight: int, read: Read) -> FontSet:
    """A family's fonts in the order to try for a weight. Of files that have one weight each, the nearest leads."""
    choices = tuple(families.get(family, ())) if family else ()
    if not choices:
        return bundled_fonts()
    return _SETS.get((choices, weight), lambda: _font_set(family, choices, weight, read))


def _font_set(family: str, choices: Sequence[FontChoice], weight: int, read: Read) -> FontSet:
    found = [_kept_file(family, choice, read) for choice in choices]
    found.sort(key=lambda each: abs(each[1] - weight) if each[1] else 0)
    return FontSet([file for file, _ in found], behind=bundled_fonts())


def _kept_file(family: str, choice: FontChoice, read: Read) -> tuple[FontFile, float]:
    return _FILES.get(choice, lambda: _file(family, choice, read))


def _file(family: str, choice: FontChoice, read: Read) -> tuple[FontFile, float]:
    """The file and its weight; 0 for one that can take several."""
    digest, scripts = choice
    file = FontFile(path=Path(digest), scripts=scripts, data=read(digest))
    wrong = damage_of(file)
    if wrong:
        raise PictureError(
            f"cannot set words in font family `{family}`: its file `{digest[:19]}…` cannot be used: {wrong}",
            hint="give a .ttf, .otf or .ttc file, whole",
        )
    face = uharfbuzz.Face(file.blob())
    if face.has_var_data and any(axis.tag == "wght" for axis in face.axis_infos):
        return file, 0.0
    return file, float(uharfbuzz.Font(face).get_style_value(uharfbuzz.StyleTag.WEIGHT))
