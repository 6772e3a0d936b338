"""The fonts that text is drawn with: files that came with pip, opened once, chosen by what they cover.

Knows font files, weights and coverage. Knows nothing of lines, positions or pictures. No font of the system is ever
looked at, so that a picture does not depend on the machine it is made on.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import threading
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imagebuild.core.locale import likely_script
from imagebuild.errors import PictureError
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    import uharfbuzz
else:
    uharfbuzz = lazy("uharfbuzz")  # `font_versions` is asked by runs that draw nothing

__all__ = [
    "Face",
    "FontFile",
    "FontSet",
    "bundled_fonts",
    "damage_of",
    "font_versions",
    "is_ignorable",
    "script_of",
    "script_of_language",
]

_MODULES: Final = {"pillow": "PIL"}
PACKAGES: Final = ("pillow", "uharfbuzz", "budoux", "manimgx-fonts", "manimgx-fonts-cjk")
# Raised when the same text would be laid out differently by the same libraries.
LAYOUT_VERSION: Final = "2"
_CJK_FACES: Final = {"ja": 0, "ko": 1, "zh-Hans": 2, "zh-Hant": 3, "zh-HK": 4}
_CJK_SCRIPTS: Final = {"Hira": "ja", "Kana": "ja", "Hang": "ko", "Bopo": "zh-Hant"}
_TOGETHER: Final = {  # codes of ISO 15924 for what is written in several scripts
    "Jpan": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"),
    "Hans": ("Hani", "Bopo"),
    "Hant": ("Hani", "Bopo"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FontFile:
    """One font of a file: a collection holds several, by index. `cjk` names the language its ideographs are for.
    A brand's own font brings its bytes along, `path` is then its digest; `scripts` narrow what it draws."""

    path: Path
    index: int = 0
    cjk: str = ""
    scripts: tuple[str, ...] = ()
    data: bytes | None = field(default=None, repr=False, compare=False)

    @property
    def is_own(self) -> bool:
        return self.data is not None

    def blob(self) -> Any:
        return uharfbuzz.Blob(self.data) if self.data is not None else uharfbuzz.Blob.from_file_path(str(self.path))

    def draws(self, scripts: Iterable[str]) -> bool:
        """Whether it may draw any of the scripts."""
        return not self.scripts or bool(_scripts(self.scripts) & {*scripts})


class Face:
    """A font file at one weight, ready to shape and draw. Two faces are equal when file, index and weight are."""

    __slots__ = ("ascent", "descent", "file", "font", "units", "weight")

    def __init__(self, file: FontFile, weight: int) -> None:
        self.file = file
        try:
            face = uharfbuzz.Face(file.blob(), file.index)
        except uharfbuzz.HarfBuzzError as bad:
            raise PictureError(f"cannot read font `{file.path}`: no such file, or not readable") from bad
        if not face.glyph_count:
            raise PictureError(f"cannot read font `{file.path}`: not a font", hint="give a .ttf, .otf or .ttc file")
        self.font: Any = uharfbuzz.Font(face)
        self.units = int(face.upem)
        axis = next((axis for axis in face.axis_infos if axis.tag == "wght"), None) if face.has_var_data else None
        self.weight = int(min(max(weight, axis.min_value), axis.max_value)) if axis else 0
        if axis:
            self.font.set_variations({"wght": float(self.weight)})
        extents = self.font.get_font_extents("ltr")
        self.ascent = extents.ascender / self.units
        self.descent = -extents.descender / self.units

    def _values(self) -> tuple[FontFile, int]:
        return (self.file, self.weight)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Face) and self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def __repr__(self) -> str:
        return f"Face({self.file.path.name!r}, {self.file.index}, {self.weight})"


class FontSet:
    """Font files in order of preference, and those of the set `behind`. Safe to share between threads."""

    def __init__(self, files: Iterable[FontFile], *, behind: FontSet | None = None) -> None:
        self.files: tuple[FontFile, ...] = (*files, *behind.files) if behind else tuple(files)
        self._behind = behind
        self._faces: dict[tuple[FontFile, int], Face] = {}
        self._coverage: dict[FontFile, Any] = {}
        self._lock = threading.Lock()

    def face(self, file: FontFile, weight: int) -> Face:
        if self._behind and not file.is_own:
            return self._behind.face(file, weight)
        with self._lock:
            if (file, weight) not in self._faces:
                self._faces[file, weight] = Face(file, weight)
            return self._faces[file, weight]

    def covers(self, file: FontFile, cluster: str) -> bool:
        """Whether the font can draw all of a cluster, composed or taken apart; spaces and invisibles need no glyph."""
        if self._behind and not file.is_own:
            return self._behind.covers(file, cluster)
        scripts = {script_of(c) for c in cluster} - {""} if file.scripts else set()
        if scripts and not file.draws(scripts):
            return False
        with self._lock:
            if file not in self._coverage:
                self._coverage[file] = uharfbuzz.Face(file.blob(), file.index).unicodes
            coverage = self._coverage[file]
        if all(_has(coverage, c) for c in cluster):
            return True
        if cluster.isascii():
            return False
        return any(
            all(_has(coverage, c) for c in unicodedata.normalize(form, cluster)) for form in ("NFC", "NFD")
        )  # fmt: skip

    def preference(self, text: str, language: str) -> tuple[FontFile, ...]:
        """The files in the order to try for a text: in a CJK language its own font leads, for every character it has;
        in any other, ideographs take the variant that the text itself speaks for. A brand's own come before all, those
        for other scripts than the text's left out."""
        files = _preference(self.files, _cjk_language(language), _cjk_of_text(text))
        if not any(file.scripts for file in files):
            return files
        scripts = {script_of(c) for c in text} - {""} or _scripts((script_of_language(language),))
        return tuple(file for file in files if file.draws(scripts))


@functools.lru_cache(maxsize=64)
def _preference(files: tuple[FontFile, ...], language: str, spoken: str) -> tuple[FontFile, ...]:
    wanted = language or spoken
    brand = [file for file in files if file.is_own]
    own = [file for file in files if file.cjk == wanted]
    other = [file for file in files if file.cjk and file.cjk != wanted]
    rest = [file for file in files if not file.cjk and not file.is_own]
    return tuple(brand + own + rest + other) if language else tuple(brand + rest + own + other)


def _scripts(codes: Iterable[str]) -> set[str]:
    return {script for code in codes for script in _TOGETHER.get(code, (code,))}


def script_of_language(language: str) -> str:
    """The script a BCP-47 tag is written in: the tag's own, or the likely one."""
    first, *rest = language.replace("_", "-").split("-")
    said = next((part.title() for part in rest if len(part) == 4 and part.isalpha()), "")
    region = next((part.upper() for part in rest if len(part) == 2 and part.isalpha()), "")
    return said or likely_script(first.lower(), region)


def damage_of(file: FontFile) -> str:
    """What is wrong with a brand's font; empty when it can be drawn with. HarfBuzz takes a table beyond the end of the
    file for an empty one, and would draw its letters as nothing."""
    data = file.data or b""
    if data[:4] in (b"wOFF", b"wOF2"):
        return "it is a web font (WOFF)"
    face = uharfbuzz.Face(file.blob(), file.index)
    if not face.glyph_count or not len(face.unicodes):
        return "it is not a font, or has no characters"
    start = int.from_bytes(data[12 + 4 * file.index : 16 + 4 * file.index]) if data[:4] == b"ttcf" else 0
    for record in range(int.from_bytes(data[start + 4 : start + 6])):
        place = start + 12 + 16 * record
        offset, length = (int.from_bytes(data[i : i + 4]) for i in (place + 8, place + 12))
        if offset + length > len(data):
            return f"it is cut short: {len(data):,} bytes of {offset + length:,} or more"
    return ""


def _has(coverage: Any, character: str) -> bool:
    return ord(character) in coverage or is_ignorable(character) or unicodedata.category(character) == "Zs"


def is_ignorable(character: str) -> bool:
    """Characters that draw nothing where a font does not know them: joiners, variation selectors, bidi controls."""
    return (
        unicodedata.category(character) in ("Cf", "Cc", "Zl", "Zp")
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0000" <= character <= "\U000e0fff"
        or character in "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
    )


@functools.lru_cache(maxsize=8192)
def script_of(character: str) -> str:
    """The script (ISO 15924: `Latn`, `Arab`, `Hani`…) of a character; empty for what several scripts share."""
    buffer = uharfbuzz.Buffer()
    buffer.add_str(character)
    buffer.guess_segment_properties()
    return str(buffer.script or "")


def _cjk_language(language: str) -> str:
    """Which of the five CJK faces a BCP-47 tag asks for; empty for any other language."""
    parts = language.replace("_", "-").split("-")
    first, rest = parts[0].lower(), {part.lower() for part in parts[1:]}
    if first in ("ja", "ko"):
        return first
    if first == "yue" or (first == "zh" and rest & {"hk", "mo"} and "hans" not in rest):
        return "zh-Hans" if "hans" in rest else "zh-HK"
    if first == "zh":
        return "zh-Hant" if rest & {"hant", "tw"} else "zh-Hans"
    return ""


def _cjk_of_text(text: str) -> str:
    if text.isascii():
        return "zh-Hans"
    return next((_CJK_SCRIPTS[s] for s in map(script_of, text) if s in _CJK_SCRIPTS), "zh-Hans")


@functools.cache
def bundled_fonts() -> FontSet:
    """The fonts of the two font packages: Latin, Greek, Cyrillic; the other scripts; CJK; emoji and symbols."""
    folder = _package_folder("manimgx_fonts")
    found = sorted(path for path in folder.glob("Noto*.ttf") if "Italic" not in path.name)
    last = {"NotoSans": -1, "NotoEmoji": 1, "NotoSansSymbols": 2}
    found.sort(key=lambda path: last.get(path.name.partition("[")[0], 0))
    files = [FontFile(path=path) for path in found]
    collection = _package_folder("manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc"
    cjk = [FontFile(path=collection, index=index, cjk=language) for language, index in _CJK_FACES.items()]
    return FontSet([*files[:-2], *cjk, *files[-2:]])


def _package_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        package = name.replace("_", "-")
        raise PictureError(f"font package `{package}` is not installed", hint=f"pip install {package}")
    return Path(next(iter(spec.submodule_search_locations)))


@functools.cache
def font_versions() -> dict[str, str]:
    """What draws text, by version: a key that holds this changes whenever the pixels may."""
    versions = {name: _version(name) for name in PACKAGES}
    return {**versions, "unicode": unicodedata.unidata_version, "layout": LAYOUT_VERSION}


def _version(package: str) -> str:
    """A package's version, from the name of the folder that pip leaves beside it: planning asks this, and
    `importlib.metadata` takes a tenth of a second to say the same."""
    module = _MODULES.get(package, package.replace("-", "_"))
    spec = importlib.machinery.PathFinder.find_spec(module)  # the other one would load a module that is lazy
    beside = os.path.dirname(os.path.dirname(spec.origin)) if spec is not None and spec.origin else ""
    start = package.replace("-", "_") + "-"
    found = [name for name in _listed(beside) if name.endswith(".dist-info") and name.lower().startswith(start)]
    if len(found) == 1:
        return found[0][len(start) : -len(".dist-info")]
    return importlib.metadata.version(package)


@functools.cache
def _listed(folder: str) -> tuple[str, ...]:
    try:
        return tuple(os.listdir(folder))
    except OSError:
        return ()
