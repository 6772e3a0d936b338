"""Whether a picture says what it should: one string, several looks, one verdict.

How it is decided. Readers misread; a threshold on likeness would pass `Kettlc` for `Kettle`, or fail clean pictures. So
no single reading decides against a picture, and only a reading letter for letter decides for it:

- *passed*: a look reads the string letter for letter (as `letters` counts them). Readers are asked without
  dictionaries, so a drawn mistake is not put right: of all planted mistakes none was read as the right string.
- *failed*: two looks agree on the same other words, and the difference is one that the engine can be believed in
  (`measured.Trust`): a letter, or a third of the string where single letters are misread. Or there is no such text,
  by the word of a reader that finds text on any ground.
- *unverified*: everything else. The looks disagree, the difference is a sign or a letter that the engine misreads, or
  no engine here reads the script. A person has to look; the place is given. Unverified is never passed.

Knows no picture and no engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from imagebuild.core.key import Part, word_diff
from imagebuild.picture.reading.base import Box, Look
from imagebuild.picture.reading.letters import Letters, Match, best_match, is_worded, letters_of
from imagebuild.picture.reading.measured import trust_of

__all__ = ["NEAR", "Expected", "Finding", "Verdict", "compare"]

Verdict = Literal["passed", "failed", "unverified"]

NEAR: Final = 0.5  # the largest share of mistakes at which a text is still taken for the string that is sought
_PROOF_IN_WORDS: Final = 0.34  # the least share that proves another text where single letters are misread
_VOTES: Final = 2


class Expected(NamedTuple):
    """A string that the picture should say; `box` where it was typeset, None when it may be anywhere."""

    role: str
    text: str
    box: Box | None = None


class Finding(NamedTuple):
    """What became of one expected string. `read` is the reading that was nearest, `share` how much of the string it has
    right, `difference` word by word, `box` where it stands or was looked for."""

    role: str
    expected: str
    verdict: Verdict
    read: str
    share: float
    difference: tuple[Part, ...]
    box: Box | None
    reason: str
    looks: tuple[Look, ...]


class _Seen(NamedTuple):
    look: Look
    match: Match
    keys: tuple[str, ...]


def compare(
    expected: Expected, looks: Sequence[Look], tag: str, *, least: float = 1.0, absent: bool = False
) -> Finding:
    """The verdict on one string. `least` below 1 takes a string for right when so much of it is; `absent`: a reader
    that finds text on any ground found none that this could be."""
    sought = letters_of(expected.text, tag)
    seen = sorted(_matches(sought, looks, tag), key=lambda each: each.match.mistakes)
    best = seen[0].match if seen else None
    share = max(1 - best.mistakes / len(sought.keys), 0.0) if best and sought.keys else 0.0
    read = best.text if best and share > 1 - NEAR else _longest(looks)
    verdict, reason = _verdict(sought, seen, tag, share, least, absent)
    difference = word_diff(expected.text, read) if verdict != "passed" or share < 1 else ()
    return Finding(
        expected.role, expected.text, verdict, read, round(share, 4), difference, expected.box, reason, tuple(looks)
    )


def _matches(sought: Letters, looks: Iterable[Look], tag: str) -> Iterable[_Seen]:
    for look in looks:
        read = letters_of(look.text, tag)
        match = best_match(sought, read, tag)
        if match is not None:
            yield _Seen(look, match, read.keys[match.start : match.end])


def _verdict(
    sought: Letters, seen: Sequence[_Seen], tag: str, share: float, least: float, absent: bool
) -> tuple[Verdict, str]:
    if not sought.keys:
        return "passed", "there is nothing to read"
    if seen and seen[0].match.mistakes == 0:
        return "passed", f"read by {seen[0].look.engine}"
    if share >= least:
        return "passed", f"{share:.1%} of its letters, {least:.1%} are enough"
    unread = _unread(sought, seen, tag)
    if unread:
        return "unverified", f"no engine here reads `{unread}`"
    agreed = _agreed(seen)
    if agreed is None:
        if absent and 1 - share > NEAR:
            return "failed", "no such text in the picture"
        return "unverified", "the readings disagree" if seen else "nothing could be read"
    return _believed(sought, agreed, tag)


def _unread(sought: Letters, seen: Sequence[_Seen], tag: str) -> str:
    """The characters of the string that every engine that looked misreads."""
    known = [trust.unread for engine in {each.look.engine for each in seen} if (trust := trust_of(engine, tag))]
    if not known:
        return ""
    return "".join(dict.fromkeys(key for key in sought.shown if all(key[0] in unread for unread in known)))


def _agreed(seen: Sequence[_Seen]) -> _Seen | None:
    """The reading that most looks agree on; None when no two do."""
    votes = Counter(each.keys for each in seen)
    most = max(votes.values(), default=0)
    if most < _VOTES:
        return None
    return next(each for each in seen if votes[each.keys] == most)


def _believed(sought: Letters, agreed: _Seen, tag: str) -> tuple[Verdict, str]:
    trust = trust_of(agreed.look.engine, tag)
    if trust is None:
        return "unverified", f"{agreed.look.engine} is not known to read this script"
    words = [tuple(key for key in keys if is_worded(key)) for keys in (sought.keys, agreed.keys)]
    if words[0] == words[1]:
        return "unverified", "only signs or spaces were read otherwise"
    if trust.grade == "words" and agreed.match.mistakes < _PROOF_IN_WORDS * len(sought.keys):
        return "unverified", f"{agreed.look.engine} misreads single letters of this script"
    return "failed", f"read otherwise, twice, by {agreed.look.engine}"


def _longest(looks: Iterable[Look]) -> str:
    return max((" ".join(look.text.split()) for look in looks), key=len, default="")
