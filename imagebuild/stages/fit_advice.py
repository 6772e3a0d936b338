"""What would make copy fit that does not: shorter, on more lines, smaller, in a larger box.

Every advice was tried out: followed alone, it makes its text fit, beside texts of its group that follow theirs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from imagebuild.core.fit_report import Advice
from imagebuild.core.layouts.canonical import Group, TextItem
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.stages.fit_trial import LEAST, Trial, beginning, nearest_that_fits, texts_of, with_least, with_text

__all__ = ["LEGIBLE", "Advising", "Scales"]

LEGIBLE: Final = 8.0  # pixels: no smaller size is advised
_MORE_LINES: Final = 3

Scales = Mapping[str, float]  # role → what the layout multiplies its sizes with, for this picture


class Advising:
    """One group of which something does not fit, and all of which can be drawn."""

    def __init__(self, trial: Trial, group: Group, scales: Scales) -> None:
        self._trial = trial
        self._group = group
        self._scales = scales
        self._cuts = dict(self._too_long())

    def advice(self, misfit: Misfit) -> tuple[Advice, ...]:
        """For one text; the others that are too long are thought of as cut."""
        item = next(each for each in texts_of(self._group) if (each.role, each.text) == (misfit.role, misfit.text))
        others = self._group
        for each, text in self._cuts.items():
            if each != item or misfit.reason == "height":
                others = with_text(others, each, text=text)
        if misfit.reason == "height":
            return (*self._shorter_for_height(others), *self._layout_for_height(others, item.role))
        found = [*self._shorter(item, others, misfit), *self._layout(others, item)]
        if not found:  # the group is too high in any case: then this text is looked at alone
            alone = others._replace(items=(item,))
            found = [*self._shorter(item, alone, misfit), *self._layout(alone, item)]
        return tuple(found)

    def _shorter(self, item: TextItem, group: Group, misfit: Misfit) -> Iterator[Advice]:
        joined = " ".join(item.text.split("\n"))
        if joined != item.text and self._trial.fits(with_text(group, item, text=joined)):
            yield Advice("join", item.role, item.text.count("\n"), 0)
        text, words = self._with_shorter_words(item) if misfit.reason == "word" else (item.text, {})
        if words and self._trial.fits(with_text(group, item, text=_hyphened(item.text, words))):
            yield from (Advice("hyphen", item.role, len(word), left - 1, word=word) for word, left in words.items())
        cut = _longest(text, lambda shorter: self._trial.fits(with_text(group, item, text=shorter)))
        if not cut:
            return
        if cut != text and all(len(cut) <= left for left in words.values()):  # shorter than its words: that says it all
            words = {}
        yield from (Advice("shorten-word", item.role, len(word), to, word=word) for word, to in words.items())
        if cut != text:
            yield Advice("shorten", item.role, len(item.text), len(cut))

    def _layout(self, group: Group, item: TextItem) -> Iterator[Advice]:
        for lines in range(item.lines + 1, item.lines + 1 + _MORE_LINES):
            if self._trial.fits(with_text(group, item, lines=lines)):
                yield Advice("lines", item.role, item.lines, lines)
                break
        scale = self._scales.get(item.role, 1.0)

        def smaller(times: float) -> float:
            return math.floor(item.sizes[0] * times / scale * 10_000) / 10_000

        def fits(times: float) -> bool:
            return self._trial.fits(with_least(group, item, smaller(times) * scale))

        times = nearest_that_fits(1.0, LEAST, fits)
        pixels = smaller(times) * scale * self._trial.edge if times is not None else 0.0
        if times is not None and pixels >= LEGIBLE:
            yield Advice("size", item.role, round(item.sizes[0] / scale, 6), smaller(times), pixels=pixels)
        yield from self._box(group, item.role, "width")

    def _box(self, group: Group, role: str, way: Literal["width", "height"]) -> Iterator[Advice]:
        """A larger box, as far as there is room beside the other groups; first with its start or top where it is."""
        along = 0 if way == "width" else 1
        now = group.box[along + 2]
        for keeps_end, most in enumerate(self._room(along)):

            def larger(share: float, keeps_end: int = keeps_end, most: float = most) -> Group:
                box = list(group.box)
                box[along + 2] = min(math.ceil(round(share * 100, 6)) / 100, most)
                if keeps_end:
                    box[along] = round(group.box[along] + now - box[along + 2], 6)
                return group._replace(box=(box[0], box[1], box[2], box[3]))

            share = nearest_that_fits(now, most, lambda share, larger=larger: self._trial.fits(larger(share)))  # type: ignore[misc]
            if share is not None:
                box = larger(share).box
                yield Advice(way, role, now, box[along + 2], box=box)
                return

    def _room(self, along: int) -> tuple[float, float]:
        """How large the box can be at most from where it begins, and up to where it ends."""
        mine, across = self._group.box, 1 - along
        first, last = mine[along], mine[along] + mine[along + 2]
        before, after = 0.0, 1.0
        for other in self._trial.typeset.groups:
            box = other.box
            apart = box[across] >= mine[across] + mine[across + 2] or box[across] + box[across + 2] <= mine[across]
            if apart or (other.frame != self._group.frame and any(self._trial.typeset.safe)):
                continue
            if box[along] >= last:
                after = min(after, box[along])
            elif box[along] + box[along + 2] <= first:
                before = max(before, box[along] + box[along + 2])
        return round(after - first, 6), round(last - before, 6)

    def _shorter_for_height(self, cut: Group) -> Iterator[Advice]:
        """The one text of which the least has to go. A single line is no lower for being shorter."""
        found: list[tuple[int, Advice]] = []
        for item, mine in zip(texts_of(self._group), texts_of(cut), strict=True):
            if not self._takes_lines(mine):
                continue
            short = _longest(mine.text, lambda text, mine=mine: self._trial.fits(with_text(cut, mine, text=text)))  # type: ignore[misc]
            if short and short != mine.text:
                found.append((len(mine.text) - len(short), Advice("shorten", item.role, len(item.text), len(short))))
        yield from (each for _, each in sorted(found, key=lambda each: each[0])[:1])

    def _takes_lines(self, item: TextItem) -> bool:
        """Whether a text takes more than one line at its least size."""
        single = self._group._replace(items=(item._replace(lines=1),))
        return any(each.reason == "lines" for each in self._trial.misfits(single))

    def _layout_for_height(self, group: Group, role: str) -> Iterator[Advice]:
        def smaller(times: float) -> Group:
            times = math.floor(times * 100) / 100
            found = group
            for each in texts_of(group):
                found = with_text(found, each, sizes=(each.sizes[0] * times, max(each.sizes[1], each.sizes[0] * times)))
            return found

        times = nearest_that_fits(1.0, LEAST, lambda times: self._trial.fits(smaller(times)))
        if times is not None:
            times = math.floor(times * 100) / 100
            if min(each.sizes[0] for each in texts_of(group)) * times * self._trial.edge >= LEGIBLE:
                yield Advice("sizes", role, 1.0, times)
        yield from self._box(group, role, "height")

    def _too_long(self) -> Iterator[tuple[TextItem, str]]:
        """The texts whose words or lines do not fit, and as much of each as does."""
        for item in texts_of(self._group):
            if self._trial.across(self._group, item) is not None:
                text, _ = self._with_shorter_words(item)
                cut = _longest(text, lambda shorter, item=item: self._across(item, shorter) is None)  # type: ignore[misc]
                if cut:
                    yield item, cut

    def _across(self, item: TextItem, text: str) -> Misfit | None:
        return self._trial.across(self._group, item._replace(text=text))

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

            cut = _longest(word, fits)
            if not cut or cut == word:
                break
            text = text.replace(word, cut)
            words[word] = len(cut)
        return text, words


def _hyphened(text: str, words: Mapping[str, int]) -> str:
    """A text with a soft hyphen in each of the words, before the last character that fits."""
    for word, left in words.items():
        head = beginning(word, left - 1)
        text = text.replace(word, f"{head}\u00ad{word[len(head) :]}") if head else text
    return text


def _longest(text: str, fits: Callable[[str], bool]) -> str:
    """The longest beginning of a text that fits, empty when none does."""
    if fits(text):
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        cut = beginning(text, middle)
        if cut and fits(cut):
            low = middle
        else:
            high = middle
    return beginning(text, low)
