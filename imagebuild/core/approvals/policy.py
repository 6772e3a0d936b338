"""Who has to approve a picture: what a campaign says of it, and what that asks for in one cell.

Knows people only by their names, and nothing of what they decided (`standing` does), nor how it is written in a
campaign (`policy_parser`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Final, NamedTuple

from imagebuild.core.approvals.decision import person
from imagebuild.core.key import canonical, digest_of
from imagebuild.errors import Place

__all__ = ["ANYBODY", "NOBODY", "NO_POLICY", "Need", "Policy", "Requirement", "Rule", "counted", "requirement_of"]

ANYBODY: Final = ""  # the group that everybody is in who may approve at all


class Need(NamedTuple):
    """How many people of each group have to approve; of `ANYBODY`, whatever group they are in."""

    counts: Mapping[str, int]
    place: Place

    def over(self, other: Need) -> Need:
        """Both: of each group the higher number."""
        both = dict(self.counts)
        for group, count in other.counts.items():
            both[group] = max(count, both.get(group, 0))
        return Need(both, self.place)


NOBODY: Final = Need(MappingProxyType({}), Place(""))
_ONE: Final = Need(MappingProxyType({ANYBODY: 1}), Place(""))


class Rule(NamedTuple):
    """Cells that match every pattern need this besides. `assets` is empty for all."""

    assets: tuple[str, ...]
    patterns: Mapping[str, tuple[str, ...]]
    need: Need
    place: Place

    def matches(self, asset: str, cell: Mapping[str, str]) -> bool:
        return (not self.assets or asset in self.assets) and all(
            axis in cell and any(cell[axis] == each or fnmatchcase(cell[axis], each) for each in patterns)
            for axis, patterns in self.patterns.items()
        )


class Policy(NamedTuple):
    """What a campaign says of approvals. `own` is what an asset says for itself, instead of all the rest. Not `whole`:
    the groups could not all be read, so nobody can say who is not in them."""

    groups: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    need: Need = _ONE
    by_others: bool = False
    rules: tuple[Rule, ...] = ()
    own: Mapping[str, Need] = MappingProxyType({})
    whole: bool = True

    def people(self, group: str) -> tuple[str, ...]:
        """Who is in a group, each once; for `ANYBODY` who is in any. None named: anybody at all."""
        if group != ANYBODY:
            return self.groups[group]
        everybody: dict[str, str] = {}
        for people in self.groups.values():
            for each in people:
                everybody.setdefault(person(each), each)
        return tuple(everybody.values())


NO_POLICY: Final = Policy()


class Requirement(NamedTuple):
    """What is asked for one picture: of each group so many. No people stand for anybody at all. `others`: not by who
    had the picture made."""

    groups: tuple[tuple[str, tuple[str, ...], int], ...]
    others: bool

    @property
    def words(self) -> str:
        if not self.groups:
            return "nobody"
        return ", ".join(counted(*each) for each in self.groups) + ("; not by who had it made" if self.others else "")

    @property
    def digest(self) -> str:
        """Changes with whatever is asked for, and of whom; in the words it cannot be seen who is in a group."""
        groups = [[name, sorted(map(person, people)), count] for name, people, count in self.groups]
        return digest_of(canonical({"groups": groups, "others": self.others}))[:12]

    @property
    def stamp(self) -> str:
        """Under which policy a decision was taken, as it is written beside it."""
        return f"{self.digest}: {self.words}"


NOTHING_ASKED: Final = Requirement((), others=False)


def counted(group: str, people: Collection[str], count: int) -> str:
    """`1 of legal`."""
    return f"{count} of {group or ('all approvers' if people else 'anybody')}"


def requirement_of(policy: Policy | None, asset: str, cell: Mapping[str, str]) -> Requirement:
    """What the policy asks for in a cell of an asset; without one, the approval of anybody."""
    policy = policy or NO_POLICY
    need = policy.own.get(asset)
    if need is None:
        need = policy.need
        for rule in policy.rules:
            if rule.matches(asset, cell):
                need = need.over(rule.need)
    order = (*policy.groups, ANYBODY)  # as the campaign lists them
    groups = tuple((name, policy.people(name), need.counts[name]) for name in order if need.counts.get(name))
    return Requirement(groups, policy.by_others and bool(groups))
