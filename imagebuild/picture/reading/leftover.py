"""What was read in a picture that no expected string explains: whole lines, and words at either end of one.

Knows texts and boxes; whether the words are really there is for the caller to look.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from imagebuild.picture.reading.base import Box, TextLine
from imagebuild.picture.reading.letters import Letters, Match, best_match, is_worded, letters_of, likeness
from imagebuild.picture.reading.measured import script_for

__all__ = ["Claim", "Leftover", "is_fragment", "is_text", "joined", "left_over", "reads_alike"]

_LEAST: Final = 3  # letters, of Chinese, Japanese and Korean two: less is grain or a part of the scene
_DENSE: Final = frozenset(("Hans", "Hant", "Jpan", "Kore"))
_ALIKE: Final = 0.6  # grain that is taken for letters is taken for others at each look
_AMONG_OTHERS: Final = 0.34
_EXPLAINED: Final = 0.5  # the largest share of mistakes at which a string is taken to stand in what a look read


class Claim(NamedTuple):
    """A string, the numbers of the lines that it was found in, and the box to look at for all of it."""

    text: str
    lines: frozenset[int]
    box: Box


class Leftover(NamedTuple):
    """`box` is the line it was read in; `place` where to look again, and `beside` the strings that stand there too."""

    text: str
    box: Box
    place: Box
    beside: tuple[str, ...]
    confidence: float


def joined(lines: Sequence[TextLine], tag: str) -> tuple[Letters, list[int]]:
    """All lines as one text, and the number of each letter's line."""
    parts = [letters_of(line.text, tag) for line in lines]
    keys = tuple(key for part in parts for key in part.keys)
    shown = tuple(letter for part in parts for letter in part.shown)
    gaps = tuple(gap or not index for part in parts for index, gap in enumerate(part.gaps))
    return Letters(keys, shown, gaps), [number for number, part in enumerate(parts) for _ in part.keys]


def left_over(
    lines: Sequence[TextLine], claims: Sequence[Claim], taken: Collection[int], tag: str
) -> list[Leftover]:  # fmt: skip
    """Lines that nothing was found in, and of the others what stands before and after. `taken` are the letters of
    `joined(lines)` that a string was found in."""
    found: list[Leftover] = []
    whole, owner = joined(lines, tag)
    starts = {number: owner.index(number) for number in set(owner)}
    for number, line in enumerate(lines):
        here = [index for index in range(len(owner)) if owner[index] == number]
        if not any(index in taken for index in here):
            text = " ".join(line.text.split())
            found.append(Leftover(text, line.box, line.box, (), line.confidence))
            continue
        of = [claim for claim in claims if number in claim.lines]
        first, last = starts[number], starts[number] + len(here)
        for run in _runs(range(first, last), taken):
            text = whole.text(run[0], run[-1] + 1)
            found.append(
                Leftover(text, line.box, of[0].box if of else line.box, tuple(c.text for c in of), line.confidence)
            )
    return [each for each in found if is_text(letters_of(each.text, tag), tag)]


def _runs(indexes: Sequence[int], taken: Collection[int]) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for index in indexes:
        if index not in taken:
            runs[-1].append(index)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def is_fragment(leftover: Leftover, unfound: Sequence[str], tag: str) -> bool:
    """Whether the words are a part of a string that was not found as a whole: misread, not extra."""
    words = letters_of(leftover.text, tag)
    matches = (best_match(words, letters_of(text, tag), tag) for text in unfound)
    return any(match and _mistakes_inside(match, words) <= _AMONG_OTHERS * len(words.keys) for match in matches)


def _mistakes_inside(match: Match, words: Letters) -> int:
    """Without those for what is written on to the part."""
    return match.mistakes - max(match.end - match.start - len(words.keys), 0)


def reads_alike(leftover: Leftover, looks: Sequence[str], tag: str) -> bool:
    """Whether at least half of the looks at its place read the words again, besides the strings that stand there."""
    words = letters_of(leftover.text, tag)
    rests = [_without(letters_of(look, tag), leftover.beside, tag) for look in looks]
    alike = sum(_is_again(words, rest, tag, alone=not leftover.beside) for rest in rests)
    return alike > 0 and alike >= len(looks) / 2


def _is_again(words: Letters, rest: Letters, tag: str, *, alone: bool) -> bool:
    if not is_text(rest, tag):
        return False
    if alone:
        return likeness(words, rest) >= _ALIKE
    match = best_match(words, rest, tag)  # words before a string, and others after it
    return match is not None and match.mistakes <= _AMONG_OTHERS * len(words.keys)


def _without(read: Letters, texts: Sequence[str], tag: str) -> Letters:
    for text in texts:
        sought = letters_of(text, tag)
        match = best_match(sought, read, tag)
        if match and match.mistakes <= _EXPLAINED * len(sought.keys):
            before, after = slice(None, match.start), slice(match.end, None)
            gaps = (True, *read.gaps[after][1:]) if read.gaps[after] else ()  # a string stood between
            read = Letters(
                read.keys[before] + read.keys[after], read.shown[before] + read.shown[after], read.gaps[before] + gaps
            )
    return read


def is_text(letters: Letters, tag: str) -> bool:
    """Whether there are enough letters to be more than grain."""
    least = _LEAST - 1 if script_for(tag) in _DENSE else _LEAST
    return sum(is_worded(letter) for letter in letters.shown) >= least
