"""Who is at work here, in whose name something is said, and who had a picture made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from imagebuild.core.action import is_soft
from imagebuild.core.approvals.decision import same_person
from imagebuild.core.approvals.policy import Requirement
from imagebuild.errors import ApprovalsError
from imagebuild.stages.asked import name_fault
from imagebuild.stages.plan import Planned
from imagebuild.workspace.git import user_email

__all__ = ["Makers", "Who", "entered_as", "identity", "makers_of", "who_decides"]


class Who(NamedTuple):
    """Who decides, empty when nobody is named; and who is at work, which with `--as` may be somebody else."""

    name: str
    at_work: str | None


def who_decides(said: str | None, environment: Mapping[str, str], folder: str) -> Who:
    """`said`: in whose name, where it is not that of who is at work here."""
    name = (said or "").strip()
    try:
        at_work = identity(environment, folder)
    except ApprovalsError:
        if not name:
            raise
        at_work = None
    return Who(name or at_work or "", at_work)


def identity(environment: Mapping[str, str], root: str) -> str | None:
    """Who is at work here: as the environment says, else as git would write it into a commit; None when neither
    does."""
    said = environment.get("IMAGEBUILD_USER", "").strip()
    name, source = (said, "IMAGEBUILD_USER") if said else (user_email(root), "git's `user.email`")
    fault = name_fault(source, name) if name is not None else None
    if fault is not None:
        raise ApprovalsError(f"cannot tell who is at work here: {fault}", hint=f"mend {source}, or `--as` somebody")
    return name


def entered_as(by: str, entering: str | None, *, imported: bool = False) -> str | None:
    """How a decision says that somebody else entered it: `as said by ops@northwind.example`; None: nobody else did."""
    if entering is None or same_person(by, entering):
        return None
    return f"{'import' if imported else 'as said'} by {entering}"


# ------------------------------------------------------------------------------------------------ who had it made


class Makers:
    """Who had a picture made, with all that it is made from; each action is asked about once."""

    def __init__(self, planned: Planned) -> None:
        self._actions = planned.loaded.expansion.actions
        self._lock = planned.facts.lock
        self._store = planned.store
        self._known: dict[str, frozenset[str] | None] = {}

    def of(self, address: str) -> frozenset[str] | None:
        """None when it is not known of all that was paid for or drawn on the way. What a picture is only compared with
        is no part of it."""
        waiting = [address]
        while waiting:
            at = waiting[-1]
            below = [source for slot, source in self._actions[at].inputs if not is_soft(slot)]
            missing = [source for source in below if source not in self._known]
            if at in self._known or not missing:
                waiting.pop()
                if at not in self._known:
                    self._known[at] = self._joined(at, below)
            else:
                waiting.extend(missing)
        return self._known[address]

    def minded(self, address: str, requirement: Requirement) -> frozenset[str] | None:
        """As `of`; not looked for where nobody minds who approves what they had made."""
        return self.of(address) if requirement.others else None

    def _joined(self, address: str, below: Sequence[str]) -> frozenset[str] | None:
        found = set[str]()
        action = self._actions[address]
        if action.kind != "check" and action.manifest.get("steps", True):  # else they are the very bytes of its input
            own = self._own(address)
            if own is None:
                return None
            found.add(own)
        for source in below:
            several = self._known[source]
            if several is None:
                return None
            found |= several
        return frozenset(found)

    def _own(self, address: str) -> str | None:
        """As the lock says, else as the record of what the lock names does."""
        entry = self._lock.entries.get(address)
        if entry is None:
            return None
        said = entry.extra.get("made_by")
        if said is None:
            record = self._store.record(entry.key)
            said = record.extra.get("made_by") if record is not None and record.digest == entry.digest else None
        return said if isinstance(said, str) and said else None


def makers_of(planned: Planned, address: str) -> frozenset[str] | None:
    """As `Makers.of`, for one address."""
    return Makers(planned).of(address)
