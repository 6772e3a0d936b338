"""Tesseract as a reader: its command, asked through pipes, several places in one go.

The `tesseract` on PATH, or the one that TESSERACT names; languages are those it lists. Its dictionaries are switched
off: they would put a misspelt word right. Several pictures go in as the pages of one TIFF, since starting the command
costs as much as reading a line. Knows nothing of what the text should say.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from PIL import Image

from imagebuild.core.locale import Locale
from imagebuild.errors import PictureError
from imagebuild.picture.reading.base import Box, Look, Reading, TextLine, around, overlap
from imagebuild.picture.reading.flatten import Ground, apart_from_ground, flattened
from imagebuild.picture.reading.measured import TESSERACT, script_for

__all__ = ["TesseractReader", "find_tesseract"]

_DATA_BY_SCRIPT: Final = {"Hans": "chi_sim", "Hant": "chi_tra"}
_NAMED: Final = (  # what Debian's packages and Tesseract's data are called
    "af=afr ar=ara az=aze be=bel bg=bul bn=ben ca=cat cs=ces cy=cym da=dan de=deu el=ell en=eng es=spa et=est eu=eus "
    "fa=fas fi=fin fil=fil fr=fra ga=gle gl=glg he=heb hi=hin hr=hrv hu=hun id=ind is=isl it=ita ja=jpn ko=kor lt=lit "
    "lv=lav mk=mkd mr=mar ms=msa mt=mlt nb=nor ne=nep nl=nld no=nor pl=pol pt=por ro=ron ru=rus sk=slk sl=slv sq=sqi "
    "sr=srp sv=swe sw=swa th=tha tr=tur uk=ukr ur=urd vi=vie"
)
_DATA: Final = {each.partition("=")[0]: each.partition("=")[2] for each in _NAMED.split()}
_WITHOUT_WORDS: Final = ("load_system_dawg=0", "load_freq_dawg=0", "load_punc_dawg=0", "load_number_dawg=0")
_GROUNDS: Final = (
    Ground("plain 40", 40), Ground("plain 32", 32), Ground("plain 48", 48), Ground("local 40", 40, local=True),
    Ground("hard 40", 40, hard=True),
)  # fmt: skip
_LONGEST: Final = 180  # seconds for one picture: beyond any that was seen
_UNSPACED: Final = frozenset(("chi_sim", "chi_tra", "jpn", "tha"))  # words of these come apart without a space
_LETTER: Final = 0.7  # of a line's height
_PAGE: Final = "11"  # words wherever they are
_COLUMNS: Final = "3"
_BLOCK: Final = "6"
_LEAST_PAGE: Final = 1000  # pixels of the shorter edge: smaller pictures are enlarged for reading
_LARGEST_PAGE: Final = 2600  # of the longer: what larger ones are made; looks are taken at the picture itself
_LISTED: Final = re.compile(r'in "(.*)"')


def find_tesseract(named: str | None = None) -> TesseractReader | None:
    """The engine, when the command is there (`named`, else TESSERACT, else on PATH) and answers."""
    command = shutil.which(named or os.environ.get("TESSERACT") or "tesseract")
    return _answering(command) if command is not None else None


@cache  # by the command, not by what named it: the environment may name another one later
def _answering(command: str) -> TesseractReader | None:
    version = _say([command, "--version"]).splitlines()
    listed = _say([command, "--list-langs"]).splitlines()
    if not version or not listed:
        return None
    folder = _LISTED.search(listed[0])
    return TesseractReader(
        command, version[0].removeprefix("tesseract").strip(), frozenset(listed[1:]), folder[1] if folder else ""
    )  # fmt: skip


def _say(command: list[str]) -> str:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).decode("utf-8", "replace") if done.returncode == 0 else ""


class TesseractReader:
    """See `Reader`."""

    name = "tesseract"
    finds_anywhere = False

    def __init__(self, command: str, version: str, languages: frozenset[str], folder: str) -> None:
        self._command = command
        self._version = version
        self._languages = languages
        self._folder = folder

    def scripts(self) -> frozenset[str]:
        named = {language: _DATA.get(language) for language in _DATA}
        found = {script_for(language) for language, data in named.items() if data in self._languages}
        found |= {script for script, data in _DATA_BY_SCRIPT.items() if data in self._languages}
        return frozenset(found & TESSERACT.keys())

    def can_read(self, tag: str) -> bool:
        return script_for(tag) in TESSERACT and _data_for(tag) in self._languages

    def needs(self, tag: str) -> str | None:
        data = _data_for(tag)
        if script_for(tag) not in TESSERACT or not data or data in self._languages:
            return None
        return f"apt-get install tesseract-ocr-{data.replace('_', '-')}"

    def versions(self, tag: str) -> Mapping[str, str]:
        found = {"tesseract": self._version}
        for data in self._model(tag, latin=True).split("+"):
            file = Path(self._folder) / f"{data}.traineddata"
            if file.is_file():
                found[f"tesseract {data}"] = f"{file.stat().st_size} bytes"
        return found

    def find(self, image: Image.Image) -> tuple[Box, ...]:  # noqa: ARG002
        return ()

    def read(self, image: Image.Image, tag: str) -> Reading:
        scale = min(max(1.0, _LEAST_PAGE / min(image.size)), _LARGEST_PAGE / max(image.size))
        grey = image.convert("L")
        if scale != 1:
            grey = grey.resize((round(grey.width * scale), round(grey.height * scale)), Image.Resampling.LANCZOS)
        pages = [grey, *apart_from_ground(grey)]
        layouts = (_PAGE, _COLUMNS) if script_for(tag) == "Arab" else (_PAGE,)  # whole words of it are not found else
        found = [page for layout in layouts for page in self._pages(pages, self._model(tag, latin=False), layout)]
        lines = _surest([line for page in found for line in page])
        return Reading(self.name, tuple(_scaled(line, 1 / scale, image.size) for line in lines))

    def look(self, image: Image.Image, boxes: Sequence[Box], tag: str, *, latin: bool) -> list[tuple[Look, ...]]:
        pages: list[Image.Image] = []
        owners: list[tuple[int, Ground]] = []
        for index, box in enumerate(boxes):
            for ground in _GROUNDS:
                page = flattened(image, box, ground)
                if page is not None:
                    pages.append(page)
                    owners.append((index, ground))
        found: list[list[Look]] = [[] for _ in boxes]
        if pages:
            read = self._pages(pages, self._model(tag, latin=latin), _BLOCK)
            for (index, ground), lines in zip(owners, read, strict=True):
                text = "\n".join(line.text for line in lines)
                found[index].append(Look(self.name, ground.name, text))
        return [tuple(looks) for looks in found]

    def _model(self, tag: str, *, latin: bool) -> str:
        data = _data_for(tag) or "eng"
        if latin and "eng" in self._languages and Locale(tag).script != "Latn":
            return f"{data}+eng"
        return data

    def _pages(self, pages: Sequence[Image.Image], model: str, layout: str) -> list[list[TextLine]]:
        """The lines of each page, in one run of the command."""
        first, *rest = pages
        sent = io.BytesIO()
        first.save(sent, "TIFF", save_all=True, append_images=rest, dpi=(300, 300))
        command = [self._command, "stdin", "stdout", "-l", model, "--psm", layout]
        for setting in (*_WITHOUT_WORDS, "tessedit_create_tsv=1"):
            command += ["-c", setting]
        quiet = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # several threads are slower than one
        try:
            done = subprocess.run(
                command, input=sent.getvalue(), capture_output=True, timeout=_LONGEST, check=False, env=quiet
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as failed:
            raise PictureError(f"`{self._command}` did not read the picture: {failed}") from failed
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            raise PictureError(f"`{self._command}` failed: {said[-1] if said else done.returncode}")
        return _parsed(done.stdout.decode("utf-8", "replace"), len(pages), worded=model.split("+")[0] not in _UNSPACED)


def _data_for(tag: str) -> str | None:
    locale = Locale(tag)
    return _DATA_BY_SCRIPT.get(locale.script) or _DATA.get(locale.language)


def _parsed(table: str, pages: int, *, worded: bool) -> list[list[TextLine]]:
    """The words of Tesseract's table, put together to lines."""
    words: list[dict[tuple[str, str, str], list[tuple[str, Box, float]]]] = [{} for _ in range(pages)]
    for row in table.splitlines():
        cells = row.split("\t")
        if len(cells) < 12 or cells[0] != "5" or not cells[11].strip():
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        word = (cells[11], (left, top, left + width, top + height), float(cells[10]) / 100)
        words[int(cells[1]) - 1].setdefault((cells[2], cells[3], cells[4]), []).append(word)
    return [[_line(found, worded) for found in page.values()] for page in words]


def _line(words: Sequence[tuple[str, Box, float]], worded: bool) -> TextLine:
    """The words with their spaces; where a script has none, only a gap about as wide as a letter is one."""
    texts, boxes, confidences = zip(*words, strict=True)
    whole = around(boxes)
    text = texts[0]
    for word, box, before in zip(texts[1:], boxes[1:], boxes, strict=False):
        apart = max(box[0] - before[2], before[0] - box[2])
        text += (" " if worded or apart > (whole[3] - whole[1]) * _LETTER else "") + word
    return TextLine(text, whole, max(sum(confidences) / len(confidences), 0.0))


def _surest(lines: Sequence[TextLine]) -> list[TextLine]:
    """Of lines at the same place, read on several grounds, the one that most letters were read in with confidence."""
    kept: list[TextLine] = []
    for line in sorted(lines, key=lambda line: -line.confidence * len(line.text)):
        if not any(overlap(line.box, other.box) > 0.3 or overlap(other.box, line.box) > 0.3 for other in kept):
            kept.append(line)
    return kept


def _scaled(line: TextLine, by: float, size: tuple[int, int]) -> TextLine:
    left, top, right, bottom = (round(edge * by) for edge in line.box)
    return line._replace(box=(max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])))
