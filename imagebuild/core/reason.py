"""Why a step is in a plan: a sentence, and field by field what changed, as old → new with what caused it.

Compares stored manifests, the very ones whose keys were compared: the reason shown cannot differ from the one used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Absent, Difference, Key, Part, differences, word_diff
from imagebuild.core.lock import Lock
from imagebuild.core.offer import dollars
from imagebuild.core.plan import PlanStep
from imagebuild.errors import Place

__all__ = ["OF_ATTEMPTS", "WHY", "Cause", "Change", "Past", "Reason", "attempt_text", "explain"]

WHY: Mapping[str, str] = {
    "": "in place",
    "new": "never made",
    "changed": "its request changed",
    "another-take": "another take was asked for",
    "input-made": "made from a picture that is made anew",
    "bytes-lost": "made before, but its bytes are neither in the store nor in the output folder",
    "redrawn": "the libraries that draw it changed",
    "store-lost": "the file is in place, the store lost its bytes",
    "file-missing": "the file is missing",
    "file-edited": "the file was edited by hand (the edit is kept aside)",
    "file-foreign": "a file that imagebuild did not write is in its place (it is kept aside)",
    "made-before": "made before, now wanted again",
    "new-path": "made before, delivered to a new path",
    "sent": "its request left, and no reply was seen: whether it was made and billed is not known",
    "uncertain": "its request left, and whether the service made and billed it is not known",
    "lost": "paid for, and the service cannot deliver it",
    "uncertain-again": "what became of its last request is not known; it is asked for again, and may be billed twice",
    "answered": "its reply is on disk: it is read, nothing is sent",
    "under-way": "a request for it is under way: what comes of it is fetched, not paid again",
    "elsewhere": "a request for it is under way at another service",
    "refused": "the service said no to exactly this request",
    "refused-again": "the service said no to exactly this request; it is asked again",
    "flawed": "what came was not what was asked for; it is kept, not delivered",
    "flawed-accepted": "what came was not what was asked for; it is taken as it is, nothing is paid",
    "input-uncertain": "made from a picture of which it is not known whether it was made",
    "input-refused": "made from a picture that the service refused",
    "input-flawed": "made from a picture that is not what was asked for",
    "rejected": "it did not pass its checks; it is kept, not delivered",
    "in-hand": "another build is paying for it now: what it makes is taken",
    "input-elsewhere": "made from a picture that another service is making",
}

# What these speak of is an attempt: when, at whom, under which number, in whose words.
OF_ATTEMPTS = frozenset({
    "sent", "uncertain", "lost", "uncertain-again", "answered", "under-way", "elsewhere", "refused", "refused-again",
    "flawed", "flawed-accepted",
})  # fmt: skip
_OF_INPUTS = ("input-made", "input-uncertain", "input-refused", "input-flawed", "input-elsewhere")


class Past(NamedTuple):
    """What is remembered of a key: the request, and what its prompt was written from."""

    manifest: Mapping[str, object]
    sources: Mapping[str, str]
    address: str
    made_at: str


class Cause(NamedTuple):
    """Something a prompt was written from that changed."""

    name: str
    old: str | None
    new: str | None
    at: Place | None


class Change(NamedTuple):
    """One field of the manifest, old → new; a text also as a word diff."""

    field: str
    old: object
    new: object
    diff: tuple[Part, ...] = ()


class Reason(NamedTuple):
    sentence: str
    changes: tuple[Change, ...] = ()
    causes: tuple[Cause, ...] = ()
    attempt: Attempt | None = None


class Archive(Protocol):
    """Where past requests are remembered."""

    lock: Lock

    def past(self, key: Key) -> Past | None: ...


def explain(
    step: PlanStep,
    action: Action,
    manifest: Mapping[str, object],
    archive: Archive,
    sources_of: Callable[[str], Mapping[str, str]],
    place_of: Callable[[str, str], Place | None],
    attempt: Attempt | None = None,
) -> Reason:
    """The reason of a step. `manifest` is complete as far as it is known; `place_of` (locale, string) finds a text;
    `attempt` is the one that is open for its key."""
    sentence = WHY[step.why]
    entry = archive.lock.entries.get(step.address)
    if step.verdict == "make" and step.merged:
        return Reason(f"the same request as `{step.merged}`: made once")
    if step.why in OF_ATTEMPTS:
        return Reason(f"{sentence} ({attempt_text(attempt)})", attempt=attempt) if attempt else Reason(sentence)
    if step.verdict == "blocked" or (step.why == "input-made" and entry is not None):
        made = tuple(Change(slot, None, source) for slot, source in action.inputs)
        return Reason(sentence, made)
    if step.why not in ("changed", "another-take", "redrawn", "made-before") or entry is None:
        return Reason(sentence)
    past = archive.past(entry.key)
    if past is None:
        return Reason(f"{sentence}; the store has no record of the earlier one to compare with")
    if past.manifest.get("operation") != manifest.get("operation"):
        return Reason("never checked" if step.kind == "check" else "never made in this way")
    changes = tuple(_change(each, action, manifest) for each in differences(past.manifest, manifest))
    return Reason(sentence, changes, _causes(step, past, sources_of(step.address), place_of))


def attempt_text(attempt: Attempt) -> str:
    """What is known of an attempt, in a line."""
    number = f", request {attempt.request_id}" if attempt.request_id else ""
    cost = f"about {dollars(attempt.estimate)}" if attempt.billed is None else f"{dollars(attempt.billed)} billed"
    words = f": “{attempt.words}”" if attempt.words else ""
    return f"sent {attempt.at} to `{attempt.provider}`{number}, {cost}{words}"


_ITEM = re.compile(r"steps\[(\d+)\]\.typeset\.groups\[(\d+)\]\.items\[(\d+)\]\.(\w+)\Z")


def _named(path: str, manifest: Mapping[str, object]) -> str:
    """A field as people call it: an item of a layout by its role."""
    found = _ITEM.match(path)
    if found is None:
        return path
    node: Any = manifest
    try:
        for word in ("steps", int(found[1]), "typeset", "groups", int(found[2]), "items", int(found[3]), "role"):
            node = node[word]
    except (KeyError, IndexError, TypeError):
        return path
    return f"steps[{found[1]}].typeset.{node}.{found[4]}"


def _change(each: Difference, action: Action, manifest: Mapping[str, object]) -> Change:
    each = each._replace(path=_named(each.path, manifest))
    slots = dict(action.inputs)
    if each.path in slots:
        return Change(each.path, each.old, f"{slots[each.path]} ({str(each.new)[:12]})")
    if isinstance(each.old, str) and isinstance(each.new, str) and each.path.endswith(("prompt", ".text")):
        return Change(each.path, each.old, each.new, word_diff(each.old, each.new))
    return Change(
        each.path,
        None if isinstance(each.old, Absent) else each.old,
        None if isinstance(each.new, Absent) else each.new,
    )


def _causes(
    step: PlanStep, past: Past, now: Mapping[str, str], place_of: Callable[[str, str], Place | None]
) -> tuple[Cause, ...]:
    if not now and not past.sources:
        return ()
    locale = dict(step.cell).get("locale")
    found: list[Cause] = []
    for name in dict.fromkeys((*past.sources, *now)):
        old, new = past.sources.get(name), now.get(name)
        if old != new:
            at = place_of(locale, name[2:]) if locale and name.startswith("t.") else None
            found.append(Cause(name, old, new, at))
    return tuple(found)
