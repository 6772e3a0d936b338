"""What the decisions about a picture come to, under what is asked for it; and who may decide.

An approval counts for exactly one address and one digest: where the picture becomes another one it lapses, and where
it becomes the same again it counts again. Of each person the last word counts. Knows nothing of files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from imagebuild.core.approvals.decision import Decision, entered_by, person, same_person
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import Requirement, counted
from imagebuild.core.key import Digest

__all__ = [
    "STATES",
    "Lack",
    "Standing",
    "Waiting",
    "is_void",
    "may_decide",
    "may_take_back",
    "standing_of",
    "taken_back",
    "waits_for",
]

STATES: Final = ("open", "partly", "approved", "rejected", "lapsed", "unneeded")


class Lack(NamedTuple):
    """Approvals that are missing, in words; and who of the group could still give one, none where it is anybody."""

    people: tuple[str, ...]
    words: str


class Waiting(NamedTuple):
    """Whose approval a picture waits for: that of these people; or, with `anybody`, of everybody but these."""

    people: frozenset[str]
    anybody: bool = False

    def has(self, name: str) -> bool:
        return (person(name) in self.people) is not self.anybody


class Standing(NamedTuple):
    """How a picture stands. `lacks`: what it takes to be approved. `approvals` and `rejections` are those
    that count; `comments` are all about this digest; `lapsed` are the approvals of other digests at the address."""

    state: str
    lacks: tuple[Lack, ...] = ()
    approvals: tuple[Decision, ...] = ()
    rejections: tuple[Decision, ...] = ()
    comments: tuple[Decision, ...] = ()
    lapsed: tuple[Decision, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """What is missing, in words: `1 of legal`."""
        return tuple(each.words for each in self.lacks)

    @property
    def released(self) -> bool:
        """Whether a release may deliver it, as far as approvals go."""
        return self.state in ("approved", "unneeded")


def standing_of(
    address: str, digest: Digest | None, history: History, requirement: Requirement, makers: frozenset[str] | None
) -> Standing:
    """How a picture stands; `digest` is None when it is not built, `makers` when it is not known who had it made."""
    members = _Members(requirement, makers)
    said = [each for each in history.by_asset.get(address, ()) if not members.took_back(each, history)]
    own = [each for each in said if not members.slipped_in(each)]
    heard = [each for each in _last_words(own, history) if members.has(each.by)]
    now = [each for each in heard if each.digest == digest]
    approvals = tuple(each for each in now if each.decision == "approve" and not members.made(each))
    rejections = tuple(each for each in now if each.decision == "reject")
    lapsed = tuple(each for each in heard if each.decision == "approve" and each.digest != digest)
    lacks = members.lacks({person(each.by) for each in approvals})
    return Standing(
        state=_state(requirement, digest, approvals, rejections, lacks, lapsed),
        lacks=lacks,
        approvals=approvals,
        rejections=rejections,
        comments=tuple(each for each in said if each.decision == "comment" and each.digest == digest),
        lapsed=lapsed,
    )


def _last_words(said: Iterable[Decision], history: History) -> list[Decision]:
    """What each person says of each digest now. Of what the same person said on two branches, neither in the knowledge
    of the other, no clock decides: a rejection holds until it is taken back, or outdone in its knowledge."""
    words: dict[tuple[str, str], list[Decision]] = {}
    for each in said:
        if each.decision in ("approve", "reject"):
            key = (person(each.by), each.digest)
            words[key] = [*words.pop(key, ()), each]  # popped, so that the dictionary is in the order of the last
    found: list[Decision] = []
    for several in words.values():
        last = several[-1]
        if last.decision == "approve":
            rejected = [each for each in several if each.decision == "reject" and not history.follows(last, each)]
            last = rejected[-1] if rejected else last
        found.append(last)
    return found


def _state(
    requirement: Requirement,
    digest: Digest | None,
    approvals: Collection[Decision],
    rejections: Collection[Decision],
    lacks: Collection[Lack],
    lapsed: Collection[Decision],
) -> str:
    if not requirement.groups:
        return "unneeded"
    if digest is None:
        return "open"
    if rejections:
        return "rejected"
    if not lacks:
        return "approved"
    if approvals:
        return "partly"
    return "lapsed" if lapsed else "open"


class _Members:
    """The people that a requirement asks, as they are compared."""

    def __init__(self, requirement: Requirement, makers: frozenset[str] | None) -> None:
        self._groups = [
            (name, people, frozenset(map(person, people)), count) for name, people, count in requirement.groups
        ]
        self._makers = frozenset(map(person, makers or ())) if requirement.others else frozenset()
        self._unknown = requirement.others and makers is None

    def has(self, name: str) -> bool:
        return any(not people or person(name) in people for _, _, people, _ in self._groups)

    def is_maker(self, name: str) -> bool:
        return person(name) in self._makers

    def slipped_in(self, decision: Decision) -> bool:
        """Whether who had it made approved it in another's name: that is not the other's word, so not the last one."""
        return decision.decision == "approve" and self._is_makers(decision)

    def took_back(self, decision: Decision, history: History) -> bool:
        """Whether it was taken back. Whoever had a picture made takes back nobody else's rejection of it, but for one
        that they had entered themselves."""
        withdrawals = history.withdrawals.get(decision.ref, ())
        if decision.decision != "reject":
            return bool(withdrawals)
        return any(not self._is_makers(each) or _same_hand(each, decision) for each in withdrawals)

    def _is_makers(self, decision: Decision) -> bool:
        """Whether it was entered, in another's name, by somebody who had the picture made."""
        entered = entered_by(decision)
        return entered is not None and self.is_maker(entered)

    def made(self, approval: Decision) -> bool:
        """Whether who had it made approves it."""
        return self.is_maker(approval.by)

    def lacks(self, approved: Collection[str]) -> tuple[Lack, ...]:
        """What is still asked for."""
        why = " (one more: it is not known who had it made)" if self._unknown else ""
        found: list[Lack] = []
        for name, named, people, wanted in self._wanting(approved):
            left = tuple(each for each in named if person(each) not in approved)
            able = tuple(each for each in left if person(each) not in self._makers)
            found.append(Lack(able or left, counted(name, people, wanted) + why))
        return tuple(found)

    def waiting(self, approved: Collection[str]) -> Waiting | None:
        """Of whom it is asked for."""
        asked = [people for _, _, people, _ in self._wanting(approved)]
        if not all(asked):
            return Waiting(frozenset(approved) | self._makers, anybody=True)
        people = frozenset[str]().union(*asked) - self._makers - frozenset(approved)
        return Waiting(people) if people else None

    def _wanting(self, approved: Collection[str]) -> Iterable[tuple[str, tuple[str, ...], frozenset[str], int]]:
        """Each group of which approvals are missing, and how many. Where it is not known who had the picture made, of
        each group one person more: then so many as are asked for have not."""
        for name, named, people, count in self._groups:
            wanted = count + self._unknown - sum(not people or each in people for each in approved)
            if wanted > 0:
                yield name, named, people, wanted


def waits_for(standing: Standing, requirement: Requirement, makers: frozenset[str] | None) -> Waiting | None:
    """Who can bring a picture closer to being approved; None when it waits for nobody. What is rejected waits for
    another picture, or for whoever rejected it to think again."""
    if standing.state not in ("open", "partly", "lapsed"):
        return None
    return _Members(requirement, makers).waiting({person(each.by) for each in standing.approvals})


def may_decide(who: str, decision: str, requirement: Requirement, makers: frozenset[str] | None) -> str | None:
    """Why somebody may not decide so, in words; None: they may. To comment, to ask for another take, to pick a variant
    and to take back one's own word is anybody's."""
    if decision not in ("approve", "reject"):
        return None
    if not requirement.groups:
        return "no approval is asked for here"
    members = _Members(requirement, makers)
    if not members.has(who):
        named = _listed(dict.fromkeys(each for _, people, _ in requirement.groups for each in people))
        return f"`{who}` is not among those who decide here: {named}"
    if decision == "approve" and members.is_maker(who):
        return "whoever had a picture made does not approve it"
    return None


def is_void(entering: str, by: str, requirement: Requirement, makers: frozenset[str] | None) -> bool:
    """Whether an approval of somebody's would not count, because another enters it who had the picture made."""
    return not same_person(entering, by) and _Members(requirement, makers).is_maker(entering)


def may_take_back(
    target: Decision, entering: str, requirement: Requirement, makers: frozenset[str] | None
) -> str | None:
    """Why somebody may not enter, in another's name, that what they said is taken back; None: they may."""
    hands = (target.by, entered_by(target) or target.by)
    if target.decision != "reject" or any(same_person(entering, each) for each in hands):
        return None
    if _Members(requirement, makers).is_maker(entering):
        return f"whoever had a picture made takes back no rejection that stands in another's name: `{target.by}` does"
    return None


def taken_back(
    decision: Decision, history: History, requirement: Requirement, makers: frozenset[str] | None
) -> bool:  # fmt: skip
    """Whether a decision about a picture was taken back, so that it counts no more."""
    return _Members(requirement, makers).took_back(decision, history)


def _same_hand(withdrawal: Decision, decision: Decision) -> bool:
    one, other = entered_by(withdrawal), entered_by(decision)
    return one is not None and other is not None and same_person(one, other)


def _listed(names: Iterable[str]) -> str:
    shown = [f"`{each}`" for each in names]
    return ", ".join(shown[:6]) + (f" and {len(shown) - 6} more" if len(shown) > 6 else "")
