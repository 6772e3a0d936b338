"""What of one group of copy does not fit on a picture, what only just does, and what a translation would not.

Knows one group on one size; which campaign, string or file it comes from is `fit`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final, NamedTuple

from imagebuild.core.copy_lint import expanded
from imagebuild.core.fit_report import Advice
from imagebuild.core.layouts.canonical import Group, TextItem
from imagebuild.picture.typeset.misfit import Misfit
from imagebuild.picture.typeset.setting import PlacedGroup, PlacedText
from imagebuild.stages.fit_advice import Advising, Scales
from imagebuild.stages.fit_trial import LEAST, Trial, beginning, nearest_that_fits, texts_of, with_least, with_text

__all__ = ["GroupFit", "Near"]

NEAR: Final = 1.05  # times the least size: what is no larger is nearly too long
_SHORTER: Final = (0.85, 0.6)  # of a text: a group that this makes larger is held back by that text
_LARGER: Final = 0.02


class Near(NamedTuple):
    """A text that fits, and leaves `low`, itself or another of its group, at nearly the least size."""

    item: TextItem
    low: TextItem
    pixels: float
    least: float


class GroupFit:
    """One group of a typeset step. `placed` is None when something of it does not fit."""

    def __init__(self, trial: Trial, group: Group, scales: Scales) -> None:
        self.group = group
        self.placed = trial.place(group)
        self._trial = trial
        self._scales = scales
        self._advising: Advising | None = None

    @property
    def texts(self) -> tuple[TextItem, ...]:
        return texts_of(self.group)

    def misfits(self) -> tuple[Misfit, ...]:
        """All that does not fit. A text that cannot be drawn at all hides none of the others."""
        found = self._trial.misfits(self.group)
        rest = self._drawable(found)
        return (*found, *self._trial.misfits(rest)) if rest != self.group and texts_of(rest) else found

    def _drawable(self, found: Iterable[Misfit]) -> Group:
        """The group without the texts that cannot be drawn at all."""
        unable = {(each.role, each.text) for each in found if each.reason == "glyph"}
        kept = [each for each in self.group.items if not isinstance(each, TextItem) or each[:2] not in unable]
        return self.group._replace(items=tuple(kept))

    def advice(self, misfit: Misfit) -> tuple[Advice, ...]:
        """What would make a text fit."""
        if self._advising is None:
            group = self._drawable(self._trial.misfits(self.group))
            self._advising = Advising(self._trial, group, self._scales)
        return () if misfit.reason == "glyph" else self._advising.advice(misfit)

    def near(self) -> tuple[Near, ...]:
        """The texts that keep a group, which fits, at nearly its least sizes."""
        placed = self.placed
        if placed is None or placed.largeness >= 1:
            return ()
        low = [each for each in placed.texts if each.greatest > NEAR * each.least and each.size <= NEAR * each.least]
        if not low:
            return ()
        held: list[PlacedText] = []
        for share in _SHORTER:
            held = held or [each for each in placed.texts if self._holds_back(placed, each.item, share)]
        held = held or low
        pairs = [(each, each if each in low else low[0]) for each in held]
        return tuple(Near(each.item, other.item, other.size, other.least) for each, other in pairs)

    def _holds_back(self, placed: PlacedGroup, item: TextItem, share: float) -> bool:
        shorter = beginning(item.text, math.ceil(len(item.text) * share))
        again = self._trial.place(with_text(self.group, item, text=shorter)) if shorter != item.text else None
        return again is not None and again.largeness > placed.largeness + _LARGER

    def too_large(self, misfit: Misfit) -> float:
        """How much too large the least size of a text is for its lines, as a share of what would do."""
        same = [each for each in texts_of(self.group) if each.role == misfit.role]
        item = next((each for each in same if each.text == misfit.text), same[0])._replace(text=misfit.text)
        alone = self.group._replace(items=(item,))

        def fits(times: float) -> bool:
            smaller = texts_of(with_least(alone, item, item.sizes[0] * times))
            return self._trial.across(alone, smaller[0]) is None

        times = nearest_that_fits(1.0, LEAST / 4, fits)
        return 1 / times - 1 if times else misfit.over

    def no_room(self, language: str) -> tuple[tuple[TextItem, Misfit], ...]:
        """The texts of this group, which fits, that would not if all of them were as long as translations are."""
        longer = self.group
        meant: dict[tuple[str, str], TextItem] = {}
        for item in texts_of(self.group):
            text = expanded(item.text, language)
            if text != item.text:
                longer = with_text(longer, item, text=text)
                meant[item.role, text] = item
        found = self._trial.misfits(longer) if meant else ()
        return tuple(
            (meant[each.role, each.text], each)
            for each in found
            if each.reason != "glyph" and (each.role, each.text) in meant
        )
