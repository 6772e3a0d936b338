"""Whether what an earlier release has in it is approved: its own texts beside the decisions and the policy of now.

What a manifest says of its pictures is not believed: a decision that is in the history, of that address and those
bytes, is. What was decided after the release is told, and does not make it wrong. Knows no folder and no store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from imagebuild.core.approvals.decision import Decision, same_person
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import Requirement
from imagebuild.core.approvals.standing import Standing, standing_of
from imagebuild.core.key import Digest, short
from imagebuild.core.release import MANIFEST, Earlier

__all__ = ["Asking", "Vouched", "vouched"]


class Asking(NamedTuple):
    """What the campaign, as it is now, says of an address of the release: by whom its picture has to be approved; which
    one the lock has there, and at which path of a release; who had that one made, None where it is not known."""

    requirement: Requirement
    locked: Digest | None = None
    path: str | None = None
    makers: frozenset[str] | None = None


class Vouched(NamedTuple):
    """`approved` and `unneeded`: how many pictures are approved as things stand, and of how many nobody is asked.
    (path, words) each of what is wrong, and of what has happened since."""

    approved: int
    unneeded: int
    wrong: tuple[tuple[str, str], ...]
    since: tuple[tuple[str, str], ...]


def vouched(
    earlier: Earlier, history: History, asking: Mapping[str, Asking] | None, *, lock: str | None = None
) -> Vouched:  # fmt: skip
    """`asking` by address; None when the campaign cannot be read: then only what the manifest names is looked up in the
    history. `lock` is the digest of the campaign's lock."""
    looking = _Looking(earlier, history, is_same_lock=lock is not None and lock == earlier.lock)
    states: list[str] = []
    for picture in earlier.pictures:
        backing = looking.backing(picture)
        if asking is not None:
            states.append(looking.state(picture, backing, asking[picture["address"]]))
    return Vouched(
        states.count("approved"), states.count("unneeded"), tuple(looking.wrong), tuple(dict.fromkeys(looking.since))
    )


class _Looking:
    """Goes from picture to picture, and gathers what there is to tell."""

    def __init__(self, earlier: Earlier, history: History, *, is_same_lock: bool) -> None:
        self._history = history
        self._is_same_lock = is_same_lock
        self._known = {each.id: each for each in history.decisions}
        self._past = _refs_before(earlier.heads, history)
        self.since: list[tuple[str, str]] = []
        self.wrong = [
            (MANIFEST, f"names the decision `{short(Digest(head))}…`, which is not in the approvals")
            for head in earlier.heads
            if head not in history.chain
        ]

    def backing(self, picture: Mapping[str, Any]) -> list[Decision]:
        """The approvals that the manifest names, as far as they are in the history, and of this picture."""
        path, found = picture["path"], []
        for named in picture["approvals"]:
            decision = self._decision(named["id"])
            if decision is None:
                self.wrong.append((path, f"the approval by {named.get('by')} is not in the approvals"))
            elif not _is_for(decision, picture) or decision.by != named.get("by"):
                self.wrong.append((path, f"what {decision.by} approved is another picture"))
            else:
                found.append(decision)
                self._tell_taken_back(path, decision)
        return found

    def _decision(self, identity: str) -> Decision | None:
        """Also one that two branches recorded, under another id."""
        link = self._history.chain.get(identity)
        return self._known.get(identity) or (self._history.by_ref.get(link.ref) if link is not None else None)

    def _tell_taken_back(self, path: str, decision: Decision) -> None:
        if decision.ref not in self._history.undone:
            return
        words = self._history.by_asset.get(decision.asset, ())
        undoing = [each for each in words if each.undoes == decision.ref and same_person(each.by, decision.by)]
        if any(each.ref in self._past for each in undoing):
            self.wrong.append((path, f"{decision.by} had taken the approval back before it was released"))
        else:
            self.since.append((path, f"{decision.by} has taken the approval back since"))

    def state(self, picture: Mapping[str, Any], backing: Sequence[Decision], asking: Asking) -> str:
        """`approved`, `unneeded`, or neither, and then why is told."""
        path, address, digest = picture["path"], picture["address"], picture["sha256"]
        is_locked = asking.locked == digest
        if asking.path is not None and asking.path != path:
            self._tell_as_locked(path, f"is the place of another picture: that of `{address}` is `{asking.path}`")
        makers = _makers_said(picture) or (asking.makers if is_locked else None)
        standing = standing_of(address, digest, self._history, asking.requirement, makers)
        if standing.state == "unneeded":  # no decision is bound to it: only the lock can say that it is the campaign's
            if not is_locked:
                self._tell_as_locked(path, "needs no approval, and is not the picture that the lock has")
            return "unneeded"
        if standing.released:
            return "approved"
        then = standing_of(address, digest, History(by_asset={address: tuple(backing)}), asking.requirement, makers)
        if then.released or (backing and self._was_other_policy(picture, asking.requirement)):
            self._tell_what_came(path, standing, asked_more=not then.released)
        elif path not in {each for each, _ in self.wrong}:  # else it is told already what does not back it
            self.wrong.append((path, _not_backed(standing)))
        return ""

    def _tell_as_locked(self, path: str, what: str) -> None:
        """Against the lock that the release was made from it is a fault; another lock may rightly differ."""
        (self.wrong if self._is_same_lock else self.since).append((path, what))

    def _was_other_policy(self, picture: Mapping[str, Any], now: Requirement) -> bool:
        """Whether something else was asked for when it was released: what somebody decided about it says so too."""
        said = picture.get("policy")
        decisions = self._history.by_asset.get(picture["address"], ())
        return said != now.stamp and any(each.policy == said for each in decisions)

    def _tell_what_came(self, path: str, standing: Standing, *, asked_more: bool) -> None:
        told = len(self.since)
        for no in standing.rejections:
            if no.ref in self._past and any(
                each.ref in self._past for each in self._history.withdrawals.get(no.ref, ())
            ):
                self.since.append(
                    (path, f"{no.by} had taken the rejection back, which under the policy of now does not count")
                )
            elif no.ref in self._past:
                self.wrong.append((path, f"{no.by} had rejected it before it was released: “{_line(no.why)}”"))
            else:
                self.since.append((path, f"{no.by} has rejected it since: “{_line(no.why)}”"))
        waits = ", ".join(standing.missing)
        if asked_more and waits:
            self.since.append((path, f"was released under another policy; under that of now it waits for {waits}"))
        elif waits and len(self.since) == told:
            self.since.append((path, f"is no longer approved: waits for {waits}"))


def _refs_before(heads: Iterable[str], history: History) -> set[str]:
    """What was decided when the release was put together: its last decisions, and all that those came after."""
    waiting, seen = list(heads), set[str]()
    while waiting:
        identity = waiting.pop()
        link = history.chain.get(identity)
        if link is not None and identity not in seen:
            seen.add(identity)
            waiting.extend(link.after)
    return {history.chain[identity].ref for identity in seen}


def _makers_said(picture: Mapping[str, Any]) -> frozenset[str] | None:
    """Who had it made, as the manifest says; None where it does not: nothing is made by nobody."""
    said = picture.get("makers")
    if not isinstance(said, list) or not said or not all(type(each) is str for each in said):
        return None
    return frozenset(said)


def _is_for(decision: Decision, picture: Mapping[str, Any]) -> bool:
    return decision.decision == "approve" and (decision.asset, decision.digest) == (
        picture["address"],
        picture["sha256"],
    )


def _not_backed(standing: Standing) -> str:
    if standing.rejections:
        return "is rejected " + _by(standing.rejections)
    waits = ", ".join(standing.missing)
    return f"is not approved: waits for {waits}" if standing.approvals else f"nobody has approved it: waits for {waits}"


def _by(decisions: Sequence[Decision]) -> str:
    return "; ".join(f"by {each.by}: “{_line(each.why)}”" for each in decisions)


def _line(text: str) -> str:
    return " ".join(text.split())
