"""The check of a picture's text: every string that should be there, and nothing that should not.

The picture is read as a whole to find where each string stands; what was not read letter for letter there is looked at
closely by every engine that reads the script. What is left over, and is read alike twice, is extra text.
Knows pictures and readers; how a verdict comes about is `compare`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from PIL import Image

from imagebuild.errors import PictureError
from imagebuild.picture.fonts import bundled_fonts
from imagebuild.picture.reading.base import Box, Look, Reader, Reading, TextLine, around, overlap
from imagebuild.picture.reading.compare import NEAR, Expected, Finding, Verdict, compare
from imagebuild.picture.reading.leftover import Claim, Leftover, is_fragment, joined, left_over, reads_alike
from imagebuild.picture.reading.letters import best_match, letters_of
from imagebuild.picture.reading.measured import script_for
from imagebuild.picture.reading.order import in_reading_order
from imagebuild.picture.reading.rapid import find_rapidocr
from imagebuild.picture.reading.tesseract import find_tesseract
from imagebuild.picture.text import draw_line, layout_line

__all__ = ["READING_VERSION", "Extra", "TextOutcome", "check_text", "engines", "outcome_json", "reading_versions"]

# Raised whenever the same picture and the same engines would be judged differently.
READING_VERSION: Final = "2"

_ANY: Final = "en"  # read for on a picture that has no language
_SURE: Final = 0.6  # the least confidence of a text that nobody expected
_INSTALL: Final = "apt-get install tesseract-ocr, or pip install 'imagebuild-campaigns[rapidocr]', or both"
_FINDER: Final = "pip install 'imagebuild-campaigns[rapidocr]': it finds words on any ground"
_CLEAN: Final = 44  # pixels: type that is read best
_MISREAD: Final = "the reader misreads it also where it is drawn as clearly as can be"
_MOST_EXTRA: Final = 12  # places looked at closely: a picture with more is not read better by looking longer
_INSIDE: Final = 0.5
_FRAGMENTS: Final = 1.5  # times as long is a line as what was found of it in pieces
_MET: Final = 0.2  # of a line: less is a neighbour's edge
_ABOVE: Final[dict[Verdict, int]] = {"passed": 0, "unverified": 1, "failed": 2}


class Extra(NamedTuple):
    """Text that nobody asked for."""

    text: str
    box: Box


class TextOutcome(NamedTuple):
    verdict: Verdict
    items: tuple[Finding, ...]
    extra: tuple[Extra, ...]
    hint: str = ""  # what to install, where that would help
    lines: tuple[Box, ...] = ()  # where lines of text are in the whole picture, closely


def engines() -> tuple[Reader, ...]:
    """The readers that are installed here."""
    found: tuple[Reader | None, ...] = (find_rapidocr(), find_tesseract())
    return tuple(reader for reader in found if reader is not None)


def reading_versions(readers: Sequence[Reader], tag: str) -> dict[str, str]:
    """What a check's outcome depends on besides the picture and the strings, for its key."""
    found = {"reading": READING_VERSION}
    for reader in readers:
        if reader.can_read(tag or _ANY) or reader.finds_anywhere:
            found |= reader.versions(tag or _ANY)
    return found


def check_text(
    image: Image.Image,
    *,
    tag: str,
    expected: Sequence[Expected],
    readers: Sequence[Reader],
    least: float = 1.0,
    allowed: Sequence[str] = (),
) -> TextOutcome:
    """The verdict on a picture: the worst of its strings', and failed for any text beyond them and the `allowed` ones
    (a brand's name on the product). With nothing expected, any text is extra. `tag` is the strings' language, empty for
    a picture without any."""
    able = [reader for reader in readers if reader.can_read(tag or _ANY)]
    if not able:
        return _unread(tag, expected, readers)
    check = _Check(image.convert("RGB"), tag or _ANY, able, next((r for r in readers if r.finds_anywhere), None))
    return check.run(expected, least, allowed)


def _unread(tag: str, expected: Sequence[Expected], readers: Sequence[Reader]) -> TextOutcome:
    reason = f"no engine here reads `{tag}`" if readers and tag else "no engine that reads is installed here"
    items = tuple(
        Finding(each.role, each.text, "unverified", "", 0.0, (), each.box, reason, ()) for each in expected
    )  # fmt: skip
    hint = next((need for reader in readers if (need := reader.needs(tag or _ANY))), "" if readers else _INSTALL)
    return TextOutcome("unverified", items, (), hint)


class _Place(NamedTuple):
    """Where a string was found in the whole picture's reading; `lines` are the indexes of the lines it stands in."""

    box: Box | None
    lines: frozenset[int]
    look: Look | None


class _Check:
    def __init__(self, image: Image.Image, tag: str, able: Sequence[Reader], finder: Reader | None) -> None:
        self.image = image
        self.tag = tag
        self.able = able
        self.finder = finder

    def run(self, expected: Sequence[Expected], least: float, allowed: Sequence[str]) -> TextOutcome:
        page = self._page()
        lines = in_reading_order(page.lines, script_for(self.tag))
        texts = [*expected, *(Expected("allowed", text) for text in allowed)]
        places, taken = self._places(texts, lines, page.engine)
        claims = [
            Claim(each.text, place.lines, place.box) for each, place in zip(texts, places, strict=True) if place.box
        ]
        known = [box for each, place in zip(texts, places, strict=True) if (box := each.box or place.box)]
        rest = [
            each for each in left_over(lines, claims, taken, self.tag)
            if each.beside or not any(overlap(each.box, box) > _INSIDE for box in known)
        ]  # fmt: skip
        unfound = [each.text for each, place in zip(texts, places, strict=True) if not place.box]
        extra = self._extra([each for each in rest if not is_fragment(each, unfound, self.tag)])
        # A place with unread text may be the string's: only where there is none is the string surely not there. And of
        # scripts that it cannot read a finder misses small lines.
        absent = self.finder is not None and self.finder.can_read(self.tag) and len(extra) == len(rest)
        items = self._items(expected, places, least, absent)
        verdicts: list[Verdict] = [item.verdict for item in items]
        if extra:
            verdicts.append("failed")
        blind = not texts and not extra and self.finder is None  # who looked sees words on calm ground only
        if blind:
            verdicts.append("unverified")
        boxes = tuple(line.box for line in lines)
        verdict: Verdict = max(verdicts, key=_ABOVE.__getitem__, default="passed")
        return TextOutcome(verdict, items, extra, _FINDER if blind else "", lines=boxes)

    def _page(self) -> Reading:
        """The whole picture, by the first engine: at the places that another one finds, and where it finds itself."""
        first = self.able[0]
        own = first.read(self.image, self.tag)
        if self.finder is None or self.finder is first:
            return own
        boxes = self.finder.find(self.image)
        looks = first.look(self.image, boxes, self.tag, latin=True)
        lines = [TextLine(_most_common(each), box, 1.0) for each, box in zip(looks, boxes, strict=True) if each]
        return Reading(first.name, _merged([line for line in lines if line.text.strip()], own.lines))

    def _places(
        self, texts: Sequence[Expected], lines: Sequence[TextLine], engine: str
    ) -> tuple[list[_Place], set[int]]:
        """Where each string stands, and the letters that are taken. The longest first, so that `Tea` is not found in
        the headline's `Tea time`."""
        whole, owner = joined(lines, self.tag)
        taken: set[int] = set()
        found: dict[int, _Place] = {}
        for index in sorted(range(len(texts)), key=lambda i: (-len(texts[i].text), i)):
            sought = letters_of(texts[index].text, self.tag)
            match = best_match(sought, whole, self.tag, frozenset(taken))
            if match is None or match.mistakes > NEAR * len(sought.keys):
                found[index] = _Place(None, frozenset(), None)
                continue
            taken.update(range(match.start, match.end))
            of = frozenset(owner[match.start : match.end])
            box = _with_ends([lines[number].box for number in of], self.image.size)
            found[index] = _Place(box, of, Look(engine, "whole picture", match.text))
        return [found[index] for index in range(len(texts))], taken

    def _items(
        self, expected: Sequence[Expected], places: Sequence[_Place], least: float, absent: bool
    ) -> tuple[Finding, ...]:
        items: list[Finding] = []
        for each, place in zip(expected, places, strict=False):
            given = each._replace(box=each.box or place.box)
            looks = [place.look] if place.look and _same_place(each.box, place.box) else []
            item = compare(given, looks, self.tag, least=1.0)
            if item.verdict != "passed" and given.box is not None:
                latin = any(c.isascii() and c.isalpha() for c in each.text)
                for reader in self.able:
                    looks += reader.look(self.image, [given.box], self.tag, latin=latin)[0]
                    item = compare(given, looks, self.tag, least=1.0)
                    if item.verdict == "passed":
                        break
            if item.verdict != "passed":
                item = compare(given, looks, self.tag, least=least, absent=absent)
            if item.verdict == "failed" and item.read and not self._is_readable(each):
                item = item._replace(verdict="unverified", reason=_MISREAD)
            items.append(item)
        return tuple(items)

    def _is_readable(self, expected: Expected) -> bool:
        """Whether a reader reads the string where it is drawn as clearly as can be: some letters are misread however
        they are drawn, and then a misreading says nothing about the picture."""
        try:
            line = layout_line(expected.text, size=_CLEAN, language=self.tag, fonts=bundled_fonts())
        except PictureError:
            return True
        left, top, right, bottom = (round(edge) for edge in line.ink)
        page = Image.new("RGB", (right - left + 2 * _CLEAN, bottom - top + 2 * _CLEAN), "white")
        draw_line(page, line, _CLEAN - left, _CLEAN - top, (0, 0, 0))
        box = (_CLEAN, _CLEAN, page.width - _CLEAN, page.height - _CLEAN)
        given = expected._replace(box=box)
        latin = any(c.isascii() and c.isalpha() for c in expected.text)
        looks = [look for reader in self.able for look in reader.look(page, [box], self.tag, latin=latin)[0]]
        return compare(given, looks, self.tag, least=1.0).verdict == "passed"

    def _extra(self, rest: Sequence[Leftover]) -> tuple[Extra, ...]:
        """Of what is left over, what a second look reads alike, in the script's own letters or with Latin ones."""
        sure = sorted((each for each in rest if each.confidence >= _SURE), key=lambda each: -len(each.text))
        closely = frozenset(sure[:_MOST_EXTRA])
        return tuple(
            Extra(each.text, each.box)
            for each in rest
            if each in closely and (self._is_there(each, latin=False) or self._is_there(each, latin=True))
        )

    def _is_there(self, leftover: Leftover, *, latin: bool) -> bool:
        if latin and script_for(self.tag) == "Latn":
            return False  # the same looks again
        looks = [
            look.text
            for reader in self.able
            for look in reader.look(self.image, [leftover.place], self.tag, latin=latin)[0]
        ]
        return reads_alike(leftover, looks, self.tag)


def _merged(found: Sequence[TextLine], own: Sequence[TextLine]) -> tuple[TextLine, ...]:
    """The lines at the places that were found, and those of the reader's own that were not, or only in fragments."""
    lines = list(found)
    for line in own:
        met = [
            each for each in lines
            if overlap(line.box, each.box) > _MET or overlap(each.box, line.box) > _MET
        ]  # fmt: skip
        seen = sum(len(each.text) for each in met)
        if not met or (line.confidence >= _SURE and len(line.text) > _FRAGMENTS * seen):
            lines = [each for each in lines if each not in met] + [line]
    return tuple(lines)


def _same_place(asked: Box | None, found: Box | None) -> bool:
    return asked is None or (found is not None and overlap(found, asked) > _INSIDE)


def _with_ends(boxes: Sequence[Box], size: tuple[int, int]) -> Box:
    """All of the lines, with room for a letter that was not seen at either end."""
    left, top, right, bottom = around(boxes)
    letter = min(box[3] - box[1] for box in boxes)
    return (
        max(left - letter, 0),
        max(top - letter // 8, 0),
        min(right + letter, size[0]),
        min(bottom + letter // 8, size[1]),
    )


def _most_common(looks: Sequence[Look]) -> str:
    texts = [look.text for look in looks]
    return max(texts, key=lambda text: (texts.count(text), -texts.index(text)))


def outcome_json(outcome: TextOutcome) -> Mapping[str, Any]:
    """The outcome as plain lists and mappings."""
    items = [
        {**item._asdict(), "looks": [look._asdict() for look in item.looks]} for item in outcome.items
    ]  # fmt: skip
    return {**outcome._asdict(), "items": items, "extra": [extra._asdict() for extra in outcome.extra]}
