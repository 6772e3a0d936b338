"""The check of a picture's text: every string that should be there, and nothing that should not.

The picture is read as a whole to find where each string stands; what was not read letter for letter there is looked at
closely by every engine that reads the script. What is left over, and is read alike twice, is extra text.
Knows pictures and readers; how a verdict comes about is `compare`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from PIL import Image

from imagebuild.picture.reading.base import Box, Look, Reader, Reading, TextLine, around, overlap
from imagebuild.picture.reading.compare import NEAR, Expected, Finding, Verdict, compare
from imagebuild.picture.reading.letters import Letters, best_match, is_worded, letters_of, likeness
from imagebuild.picture.reading.measured import script_for
from imagebuild.picture.reading.order import in_reading_order
from imagebuild.picture.reading.rapid import find_rapidocr
from imagebuild.picture.reading.tesseract import find_tesseract

__all__ = ["READING_VERSION", "Extra", "TextOutcome", "check_text", "engines", "outcome_json", "reading_versions"]

# Raised whenever the same picture and the same engines would be judged differently.
READING_VERSION: Final = "1"

_ANY: Final = "en"  # read for on a picture that has no language
_SURE: Final = 0.6  # the least confidence of a text that nobody expected
_ALIKE: Final = 0.6  # grain that is taken for letters is taken for others at each look
_INSTALL: Final = "apt-get install tesseract-ocr, or pip install 'imagebuild-campaigns[rapidocr]', or both"
_MOST_EXTRA: Final = 12  # places looked at closely: a picture with more is not read better by looking longer
_LEAST_EXTRA: Final = 3  # letters; of Chinese and Japanese two
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
        places = self._places(texts, lines, page.engine)
        known = [box for each, place in zip(texts, places, strict=True) if (box := each.box or place.box)]
        claimed = frozenset().union(*(place.lines for place in places)) if places else frozenset()
        rest = [
            line for index, line in enumerate(lines)
            if index not in claimed and not any(overlap(line.box, box) > 0.5 for box in known)
        ]  # fmt: skip
        extra = self._extra(rest)
        # A place with unread text may be the string's: only where there is none is the string surely not there.
        absent = self.finder is not None and not rest
        items = self._items(expected, places, least, absent or bool(extra))
        verdicts: list[Verdict] = [item.verdict for item in items]
        if extra:
            verdicts.append("failed")
        return TextOutcome(max(verdicts, key=_ABOVE.__getitem__, default="passed"), items, extra)

    def _page(self) -> Reading:
        """The whole picture, by the first engine; where another one finds better, at the places that it finds."""
        first = self.able[0]
        if self.finder is None or self.finder is first:
            return first.read(self.image, self.tag)
        boxes = self.finder.find(self.image)
        looks = first.look(self.image, boxes, self.tag, latin=True)
        lines = [TextLine(_most_common(each), box, 1.0) for each, box in zip(looks, boxes, strict=True) if each]
        return Reading(first.name, tuple(line for line in lines if line.text.strip()))

    def _places(self, texts: Sequence[Expected], lines: Sequence[TextLine], engine: str) -> list[_Place]:
        """Where each string stands. The longest first, so that `Tea` is not found in the headline's `Tea time`."""
        whole, owner = _joined(lines, self.tag)
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
        return [found[index] for index in range(len(texts))]

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
            items.append(item)
        return tuple(items)

    def _extra(self, rest: Sequence[TextLine]) -> tuple[Extra, ...]:
        """Of what is left over, what a second look reads alike."""
        places = [line for line in rest if line.confidence >= _SURE and self._is_text(letters_of(line.text, self.tag))]
        places = sorted(places, key=lambda line: -len(line.text))[:_MOST_EXTRA]
        found: list[Extra] = []
        for line in sorted(places, key=lambda line: (line.box[1], line.box[0])):
            first = letters_of(line.text, self.tag)
            looks = [
                letters_of(look.text, self.tag)
                for reader in self.able
                for look in reader.look(self.image, [line.box], self.tag, latin=True)[0]
            ]
            alike = [look for look in looks if self._is_text(look) and likeness(first, look) >= _ALIKE]
            if alike and len(alike) >= len(looks) / 2:
                found.append(Extra(" ".join(line.text.split()), line.box))
        return tuple(found)

    def _is_text(self, letters: Letters) -> bool:
        worded = sum(is_worded(letter) for letter in letters.shown)
        dense = script_for(self.tag) in ("Hans", "Hant", "Jpan", "Kore")
        return worded >= (_LEAST_EXTRA - 1 if dense else _LEAST_EXTRA)


def _same_place(asked: Box | None, found: Box | None) -> bool:
    return asked is None or (found is not None and overlap(found, asked) > 0.5)


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


def _joined(lines: Sequence[TextLine], tag: str) -> tuple[Letters, list[int]]:
    """All lines as one text, and the line of each of its letters."""
    parts = [letters_of(line.text, tag) for line in lines]
    keys = tuple(key for part in parts for key in part.keys)
    shown = tuple(letter for part in parts for letter in part.shown)
    gaps = tuple(gap or not index for part in parts for index, gap in enumerate(part.gaps))
    return Letters(keys, shown, gaps), [number for number, part in enumerate(parts) for _ in part.keys]


def outcome_json(outcome: TextOutcome) -> Mapping[str, Any]:
    """The outcome as plain lists and mappings."""
    items = [
        {**item._asdict(), "looks": [look._asdict() for look in item.looks]} for item in outcome.items
    ]  # fmt: skip
    return {**outcome._asdict(), "items": items, "extra": [extra._asdict() for extra in outcome.extra]}
