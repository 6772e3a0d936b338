"""Trying copy in a layout: what of one group does not fit, what nearly does not, and which changes would make it fit.

Every piece of advice was tried out: done alone, it makes the text fit. Knows one group on one picture's size; which
campaign, string or file it comes from is `fit`'s.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from imagebuild.core.copy_lint import expanded
from imagebuild.core.fit_report import Advice
from imagebuild.core.layout import Group, TextItem, Typeset
from imagebuild.core.sizes import Size
from imagebuild.errors import PictureError
from imagebuild.picture.read import Read
from imagebuild.picture.typeset_layout import lay_out, misfits
from imagebuild.picture.typeset_misfit import Misfit
from imagebuild.picture.typeset_setting import PlacedGroup

__all__ = ["GroupTrial", "Near", "Scales"]

NEAR: Final = 1.05  # times the least size: what is no larger is nearly too long
LEGIBLE: Final = 8.0  # pixels: no smaller size is advised
_MORE_LINES: Final = 3
_SHORTER: Final = 0.85  # of a text: a group that this makes larger is held back by that text
_LARGER: Final = 0.02
_LEAST: Final = 0.35  # times the least size: what takes more is not advised
_STEPS: Final = 8

# Role → what the layout multiplies its sizes with, for this picture.
Scales = Mapping[str, float]


class Near(NamedTuple):
    """A text that fits, and leaves `low`, itself or another of its group, at nearly the least size."""

    item: TextItem
    low: TextItem
    pixels: float
    least: float


class GroupTrial:
    """One group of a typeset step. `placed` is None when something of it does not fit."""

    def __init__(self, typeset: Typeset, group: Group, size: Size, read: Read, scales: Scales) -> None:
        self.group = group
        self._typeset = typeset
        self._size = size
        self._read = read
        self._scales = scales
        self.placed = self._place(group)
        self._found: tuple[Misfit, ...] | None = None
        self._cut: dict[TextItem, str] | None = None

    @property
    def texts(self) -> tuple[TextItem, ...]:
        return _texts(self.group)

    # ------------------------------------------------------------------------------------------------ trying

    def _alone(self, group: Group) -> Typeset:
        return self._typeset._replace(areas=(), groups=(group,))

    def _place(self, group: Group) -> PlacedGroup | None:
        try:
            return lay_out(self._alone(group), self._size, self._read).groups[0]
        except Misfit:
            return None

    def _fits(self, group: Group) -> bool:
        try:
            return self._place(group) is not None
        except PictureError:  # a logo is too high for the box that is tried
            return False

    def _misfits(self, group: Group) -> tuple[Misfit, ...]:
        return misfits(self._alone(group), self._size, self._read)

    def misfits(self) -> tuple[Misfit, ...]:
        """All that does not fit. A text that cannot be drawn at all hides none of the others."""
        if self._found is None:
            self._found = self._misfits(self.group)
            unable = [misfit for misfit in self._found if misfit.reason == "glyph"]
            rest = self._without(unable)
            if unable and _texts(rest):
                self._found = (*unable, *self._misfits(rest))
        return self._found

    def _without(self, unable: Iterable[Misfit]) -> Group:
        texts = {(misfit.role, misfit.text) for misfit in unable}
        kept = (
            item for item in self.group.items if not isinstance(item, TextItem) or (item.role, item.text) not in texts
        )
        return self.group._replace(items=tuple(kept))

    def near(self) -> tuple[Near, ...]:
        """The texts that keep a group, which fits, at nearly its least sizes."""
        placed = self.placed
        if placed is None or placed.largeness >= 1:
            return ()
        low = [each for each in placed.texts if each.greatest > NEAR * each.least and each.size <= NEAR * each.least]
        if not low:
            return ()
        held = [each for each in placed.texts if self._holds_back(placed, each.item)] or low
        pairs = [(each, each if each in low else low[0]) for each in held]
        return tuple(Near(each.item, other.item, other.size, other.least) for each, other in pairs)

    def _holds_back(self, placed: PlacedGroup, item: TextItem) -> bool:
        shorter = _prefix(item.text, math.ceil(len(item.text) * _SHORTER))
        again = self._place(_with(self.group, item, text=shorter)) if shorter != item.text else None
        return again is not None and again.largeness > placed.largeness + _LARGER

    def too_large(self, misfit: Misfit) -> float:
        """How much too large the least size of a text is for its lines, as a share of what would do."""
        same = [each for each in _texts(self.group) if each.role == misfit.role]
        item = next((each for each in same if each.text == misfit.text), same[0])._replace(text=misfit.text)
        alone = self.group._replace(items=(item,))

        def fits(times: float) -> bool:
            found = self._misfits(_with_least(alone, item, item.sizes[0] * times))
            return all(each.reason not in ("word", "lines") for each in found)

        times = _nearest(1.0, _LEAST / 4, fits)
        return 1 / times - 1 if times else misfit.over

    def no_room(self, language: str) -> tuple[tuple[TextItem, Misfit], ...]:
        """The texts of this group, which fits, that would not if all of them were as long as translations are."""
        longer = self.group
        meant: dict[tuple[str, str], TextItem] = {}
        for item in _texts(self.group):
            text = expanded(item.text, language)
            if text != item.text:
                longer = _with(longer, item, text=text)
                meant[item.role, text] = item
        found = self._misfits(longer) if meant else ()
        return tuple(
            (meant[each.role, each.text], each)
            for each in found
            if each.reason != "glyph" and (each.role, each.text) in meant
        )

    # ------------------------------------------------------------------------------------------------ advising

    def advice(self, misfit: Misfit) -> tuple[Advice, ...]:
        """What would make a text fit; of the others in its group those that are too long are thought of as cut."""
        if misfit.reason == "glyph":
            return ()
        group = self._without(each for each in self.misfits() if each.reason == "glyph")
        item = next(each for each in _texts(group) if (each.role, each.text) == (misfit.role, misfit.text))
        cuts = self._cut = self._cuts(group) if self._cut is None else self._cut
        others = group
        for each, text in cuts.items():
            if each is not item:
                others = _with(others, each, text=text)
        if misfit.reason == "height":
            return (*self._shorter_for_height(group, cuts), *self._layout_for_height(others, item, cuts))
        found = [*self._shorter(item, others, misfit), *self._layout(others, item)]
        if not found:  # the group is too high in any case: then this text is looked at alone
            alone = others._replace(items=(item,))
            found = [*self._shorter(item, alone, misfit), *self._layout(alone, item)]
        return tuple(found)

    def _shorter(self, item: TextItem, group: Group, misfit: Misfit) -> Iterator[Advice]:
        joined = " ".join(item.text.split("\n"))
        if joined != item.text and self._fits(_with(group, item, text=joined)):
            yield Advice("join", item.role, item.text.count("\n"), 0)
        text, words = self._with_shorter_words(item) if misfit.reason == "word" else (item.text, {})
        hyphened = item.text
        for word, left in words.items():
            hyphened = hyphened.replace(word, f"{_prefix(word, left - 1)}\u00ad{word[len(_prefix(word, left - 1)) :]}")
        if words and self._fits(_with(group, item, text=hyphened)):
            yield from (Advice("hyphen", item.role, len(word), left - 1, word=word) for word, left in words.items())
        cut = self._longest(text, lambda shorter: self._fits(_with(group, item, text=shorter)))
        if not cut:
            return
        if cut != text and all(len(cut) <= left for left in words.values()):  # shorter than its words: that says it all
            words = {}
        yield from (Advice("shorten-word", item.role, len(word), to, word=word) for word, to in words.items())
        if cut != text:
            yield Advice("shorten", item.role, len(item.text), len(cut))

    def _layout(self, group: Group, item: TextItem) -> Iterator[Advice]:
        for lines in range(item.lines + 1, item.lines + 1 + _MORE_LINES):
            if self._fits(_with(group, item, lines=lines)):
                yield Advice("lines", item.role, item.lines, lines)
                break
        scale = self._scales.get(item.role, 1.0)

        def smaller(times: float) -> float:
            return math.floor(item.sizes[0] * times / scale * 10_000) / 10_000

        times = _nearest(1.0, _LEAST, lambda times: self._fits(_with_least(group, item, smaller(times) * scale)))
        if times is not None:
            pixels = smaller(times) * scale * min(self._size)
            if pixels >= LEGIBLE:
                now = round(item.sizes[0] / scale, 6)
                yield Advice("size", item.role, now, smaller(times), pixels=pixels)
        yield from self._box(group, item, 2, "width")

    def _box(self, group: Group, item: TextItem, side: int, name: str) -> Iterator[Advice]:
        def larger(share: float) -> Group:
            box = list(group.box)
            box[side] = math.ceil(share * 100) / 100
            box[side - 2] = max(min(box[side - 2], 1 - box[side]), 0.0)
            return group._replace(box=(box[0], box[1], box[2], box[3]))

        share = _nearest(group.box[side], 1.0, lambda share: self._fits(larger(share)))
        if share is not None:
            done: Advice = Advice("width" if name == "width" else "height", item.role, group.box[side], 0.0)
            yield done._replace(to=larger(share).box[side])

    def _shorter_for_height(self, group: Group, cuts: Mapping[TextItem, str]) -> Iterator[Advice]:
        """The one text of which the least has to go. A single line is no lower for being shorter."""
        base = group
        for each, text in cuts.items():
            base = _with(base, each, text=text)
        found: list[tuple[int, TextItem, str]] = []
        for item, mine in zip(_texts(group), _texts(base), strict=True):
            if not self._takes_lines(mine):
                continue
            cut = self._longest(mine.text, lambda text, mine=mine: self._fits(_with(base, mine, text=text)))  # type: ignore[misc]
            if cut and cut != mine.text:
                found.append((len(mine.text) - len(cut), item, cut))
        if found:
            _, item, cut = min(found, key=lambda each: each[0])
            yield Advice("shorten", item.role, len(item.text), len(cut))

    def _takes_lines(self, item: TextItem) -> bool:
        """Whether a text takes more than one line at its least size."""
        single = self.group._replace(items=(item._replace(lines=1),))
        return any(each.reason == "lines" for each in self._misfits(single))

    def _layout_for_height(self, group: Group, item: TextItem, cuts: Mapping[TextItem, str]) -> Iterator[Advice]:
        if item in cuts:
            group = _with(group, item, text=cuts[item])

        def smaller(times: float) -> Group:
            times = math.floor(times * 100) / 100
            found = group
            for each in _texts(group):
                found = _with(found, each, sizes=(each.sizes[0] * times, max(each.sizes[1], each.sizes[0] * times)))
            return found

        times = _nearest(1.0, _LEAST, lambda times: self._fits(smaller(times)))
        if times is not None:
            times = math.floor(times * 100) / 100
            if min(each.sizes[0] for each in _texts(group)) * times * min(self._size) >= LEGIBLE:
                yield Advice("sizes", item.role, 1.0, times)
        yield from self._box(group, item, 3, "height")

    def _cuts(self, group: Group) -> dict[TextItem, str]:
        """The texts whose words or lines do not fit, cut so that they do, whatever stands above and below."""
        found: dict[TextItem, str] = {}
        for item in _texts(group):
            if self._fits_across(item, item.text):
                continue
            text, _ = self._with_shorter_words(item)
            cut = self._longest(text, lambda shorter, item=item: self._fits_across(item, shorter))  # type: ignore[misc]
            if cut:
                found[item] = cut
        return found

    def _fits_across(self, item: TextItem, text: str) -> bool:
        return self._across(item, text) is None

    def _across(self, item: TextItem, text: str) -> Misfit | None:
        """What of a text alone is too much: a word, or its lines."""
        alone = self.group._replace(items=(item._replace(text=text),))
        return next((each for each in self._misfits(alone) if each.reason in ("word", "lines")), None)

    def _with_shorter_words(self, item: TextItem) -> tuple[str, dict[str, int]]:
        """The text with every word that is too wide cut to what fits, and how much is left of each."""
        text = item.text
        words: dict[str, int] = {}
        for _ in range(len(item.text)):
            misfit = self._across(item, text)
            if misfit is None or misfit.reason != "word" or misfit.word not in text:
                break
            word = misfit.word

            def fits(shorter: str) -> bool:
                misfit = self._across(item, shorter)
                return misfit is None or misfit.reason != "word"

            cut = self._longest(word, fits)
            if not cut or cut == word:
                break
            text = text.replace(word, cut)
            words[word] = len(cut)
        return text, words

    def _longest(self, text: str, fits: Callable[[str], bool]) -> str:
        """The longest beginning of a text that fits, empty when none does."""
        if fits(text):
            return text
        low, high = 0, len(text)
        while high - low > 1:
            middle = (low + high) // 2
            cut = _prefix(text, middle)
            if cut and fits(cut):
                low = middle
            else:
                high = middle
        return _prefix(text, low)


def _texts(group: Group) -> tuple[TextItem, ...]:
    return tuple(item for item in group.items if isinstance(item, TextItem))


def _with(group: Group, item: TextItem, **changes: object) -> Group:
    """The group with one of its texts otherwise."""
    changed = item._replace(**changes)  # type: ignore[arg-type]
    return group._replace(items=tuple(changed if each is item or each == item else each for each in group.items))


def _with_least(group: Group, item: TextItem, least: float) -> Group:
    return _with(group, item, sizes=(least, max(item.sizes[1], least)))


def _prefix(text: str, length: int) -> str:
    """The beginning of a text, not between a letter and its marks, without blanks at its end."""
    while 0 < length < len(text) and unicodedata.category(text[length]).startswith("M"):
        length -= 1
    return text[:length].rstrip()


def _nearest(now: float, far: float, fits: Callable[[float], bool]) -> float | None:
    """The value nearest to what it is now that fits; None when not even the farthest does."""
    if not fits(far):
        return None
    for _ in range(_STEPS):
        middle = (now + far) / 2
        if fits(middle):
            far = middle
        else:
            now = middle
    return far
