"""Why a step is in a plan: a sentence, and field by field what changed, as old → new with what caused it.

Compares stored manifests, the very ones whose keys were compared: the reason shown cannot differ from the one used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from imagebuild.core.expand import Action
from imagebuild.core.key import Absent, Difference, Key, Part, differences, word_diff
from imagebuild.core.lock import Lock
from imagebuild.core.plan import PlanStep
from imagebuild.errors import Place

__all__ = ["WHY", "Cause", "Change", "Past", "Reason", "explain"]

WHY: Mapping[str, str] = {
    "": "in place",
    "new": "never made",
    "changed": "its request changed",
    "input-made": "made from a picture that is made anew",
    "bytes-lost": "made before, but its bytes are neither in the store nor in the output folder",
    "redrawn": "the libraries that draw it changed",
    "store-lost": "the file is in place, the store lost its bytes",
    "file-missing": "the file is missing",
    "file-edited": "the file was edited by hand (the edit is kept aside)",
    "file-foreign": "a file that imagebuild did not write is in its place (it is kept aside)",
    "made-before": "made before, now wanted again",
    "new-path": "made before, delivered to a new path",
}


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
) -> Reason:
    """The reason of a step. `manifest` is complete as far as it is known; `place_of` (locale, string) finds a text."""
    sentence = WHY[step.why]
    entry = archive.lock.entries.get(step.address)
    if step.verdict == "make" and step.merged:
        return Reason(f"the same request as `{step.merged}`: made once")
    if step.why not in ("changed", "redrawn", "input-made", "made-before") or entry is None:
        return Reason(sentence)
    if step.why == "input-made":
        made = tuple(Change(slot, None, source) for slot, source in action.inputs)
        return Reason(sentence, made)
    past = archive.past(entry.key)
    if past is None:
        return Reason(f"{sentence}; the store has no record of the earlier one to compare with")
    changes = tuple(_change(each, action) for each in differences(past.manifest, manifest))
    return Reason(sentence, changes, _causes(step, past, sources_of(step.address), place_of))


def _change(each: Difference, action: Action) -> Change:
    slots = dict(action.inputs)
    if each.path in slots:
        return Change(each.path, each.old, f"{slots[each.path]} ({str(each.new)[:12]})")
    if isinstance(each.old, str) and isinstance(each.new, str) and each.path == "prompt":
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
