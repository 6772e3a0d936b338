"""All about one picture: what it is, what it says, what it was made from and for how much, what its checks found, what
was decided about it, and what it can be compared with.

From a view, the store's records and an inquiry to JSON-able values; changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from imagebuild.core.action import Action
from imagebuild.core.address import is_inner
from imagebuild.core.approvals.decision import Decision, same_person
from imagebuild.core.approvals.standing import may_decide
from imagebuild.core.key import Digest, readable, word_diff
from imagebuild.core.locale import Locale
from imagebuild.core.reason import Reason
from imagebuild.stages.about import About, Inquiry, Origin, Part, Written
from imagebuild.stages.approvals import said_pick
from imagebuild.stages.review.board import amount, direction, gate_of, size_of, thumb_url
from imagebuild.stages.review.others import Gallery, day, last_approval
from imagebuild.stages.review.records import Records
from imagebuild.stages.review.texts import texts_of
from imagebuild.stages.review.view import View
from imagebuild.stages.takes import Reach

__all__ = ["Details", "decision_json", "own_json"]

_INPUT_WIDTH: Final = 160
_LAID: Final = re.compile(r"(?:^|\.)typeset[.\[]")
_KEPT: Final = (".text", ".language", ".direction")
_MOST_ROWS: Final = 200
_MOST_PAID: Final = 24
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif")


class Details:
    """Answers about the pictures of one view. `nobody`: why somebody without a name decides nothing."""

    def __init__(self, view: View, records: Records, gallery: Gallery, inquiry: Inquiry, *, nobody: str) -> None:
        self._view = view
        self._records = records
        self._gallery = gallery
        self._nobody = nobody
        self._inquiry = inquiry

    def asset_json(self, who: str, address: str) -> dict[str, Any] | None:
        """None when no picture of this address is delivered."""
        view = self._view
        action = view.actions.get(address)
        if action is None or action.output is None or is_inner(address):
            return None
        about = self._inquiry.about(address)
        tag = dict(action.cell).get("locale")
        size = size_of(view, address)
        return {
            "address": address,
            "asset": action.asset,
            "cell": dict(action.cell),
            "output": action.output,
            "output_is": about.in_place or None,
            "dir": direction(view, address),
            "lang": tag or "",
            "locale_name": Locale(tag).name if tag else "",
            "alt": view.planned.loaded.expansion.alts.get(address),
            "verdict": about.final.verdict,
            "why": about.final.reason.sentence if about.final.verdict != "reuse" else "",
            "placement": self._placement(address, size),
            "now": self._gallery.picture(view.digest(address)),
            "others": self._gallery.others(address),
            "texts": texts_of(view, address),
            "checks": self._checks(about),
            "prompt": self._prompt(address),
            "prompt_diff": self._prompt_diff(address),
            "parts": [self._part(part) for part in self._parts(about)],
            "paid": [self._paid(each) for each in view.paid[address]],
            "variants": self._variants(address),
            "pick_said": self._pick_said(action),
            "standing": self._standing(who, address),
            "decisions": self._decisions(who, address),
        }

    def _placement(self, address: str, size: list[int] | None) -> dict[str, Any] | None:
        """What the placement covers from each side, in pixels."""
        placement = self._view.placement(address)
        if placement is None:
            return None
        width, height = size or placement.size
        safe = placement.safe
        covered = (safe.left * width, safe.top * height, safe.right * width, safe.bottom * height)
        return {"name": placement.name, "safe": [round(each) for each in covered]}

    # ---------------------------------------------------------------------------------------------- checks, prompt

    def _checks(self, about: About) -> dict[str, Any] | None:
        part = about.final
        report = part.record.report if part.record is not None else None
        if part.action.kind != "check":
            return None
        if report is None or part.record is None or part.record.digest != self._view.digest(about.address):
            return {"verdict": gate_of(self._view, about.address), "rows": [], "findings": []}
        return {
            "verdict": report["verdict"],
            "rows": [{"name": name, "verdict": verdict} for name, verdict in report["checks"].items()],
            "findings": [_finding(each) for each in report["findings"]],
        }

    def _prompt(self, address: str) -> str | None:
        paid = self._prompted(address)
        prompt = self._view.actions[paid].manifest.get("prompt") if paid is not None else None
        return prompt if isinstance(prompt, str) else None

    def _prompted(self, address: str) -> str | None:
        """The paid picture that a picture is, or is made from; a sheet is made from no one picture."""
        at: str | None = address
        while at is not None and not self._view.actions[at].paid:
            at = dict(self._view.actions[at].inputs).get("input")
        return at

    def _prompt_diff(self, address: str) -> dict[str, Any] | None:
        """The words that changed since somebody approved the picture; else since the take before."""
        now, paid = self._prompt(address), self._prompted(address)
        if now is None or paid is None:
            return None
        approval = last_approval(self._view, address)
        before = self._records.prompt_of(approval.digest) if approval is not None else None
        if approval is not None and before is not None:
            return _diff(f"approved by {approval.by} · {day(approval.at)}", before, now)
        for made in self._records.of_address(paid):
            if made.prompt is not None and made.prompt != now:
                return _diff(f"made · {day(made.made_at)}", made.prompt, now)
        return None

    # ---------------------------------------------------------------------------------------------- how it is made

    def _parts(self, about: About) -> list[Part]:
        """The paid pictures that it is made from, and its own actions; of a sheet, of the first of what is on it."""
        own = {part.action.address for part in about.parts}
        paid = [each for each in self._view.paid[about.address] if each not in own]
        return [*(self._inquiry.part(each) for each in paid[:_MOST_PAID]), *about.parts]

    def _part(self, part: Part) -> dict[str, Any]:
        return {
            "address": part.action.address,
            "kind": part.action.kind,
            "verdict": part.verdict,
            "why": part.reason.sentence if part.verdict != "reuse" else "",
            "changes": _changes(part.reason) if part.verdict != "reuse" else [],
            "key": part.key,
            "digest": part.digest,
            "price": amount(part.price),
            "manifest": _rows(part.manifest),
            "inputs": [self._input(each) for each in part.origins],
            "made": _made(part),
            "written": [_written(each) for each in part.written],
        }

    def _input(self, origin: Origin) -> dict[str, Any]:
        is_picture = origin.address is not None or (origin.path or "").lower().endswith(_PICTURES)
        return {
            "slot": origin.slot, "address": origin.address, "path": origin.path, "digest": origin.digest,
            "thumb": thumb_url(origin.digest, _INPUT_WIDTH) if is_picture else None,
        }  # fmt: skip

    def _paid(self, address: str) -> dict[str, Any]:
        view = self._view
        entry, action = view.planned.facts.lock.entries.get(address), view.actions[address]
        step = view.steps.get(address)
        digest = entry.digest if entry is not None else view.digest(address)
        made = self._records.of_digest(digest) if digest is not None else None
        take = action.manifest.get("take", 1)
        retake, effect = view.retake(address), self._reach.of(address)
        return {
            "address": address,
            "key": entry.key if entry is not None else step.key if step is not None else None,
            "digest": digest,
            "billed": amount(entry.cost if entry is not None else view.billed(address)),
            "uses": len(effect.pictures),
            "take": made.take if made is not None else take if isinstance(take, int) else 1,
            "next_take": view.planned.plan.takes.get(address),
            "retake": None if retake is None else {name: getattr(retake, name) for name in ("ref", "by", "at", "why")},
            "price": amount(effect.price),
        }

    @cached_property
    def _reach(self) -> Reach:
        return Reach(self._view.planned)

    def _variants(self, address: str) -> list[dict[str, Any]]:
        view = self._view
        variants = view.variants(address)
        inner = [view.actions[each] for each in view.family[address] if each not in variants]
        used = {source for action in inner for _slot, source in action.inputs}
        found = []
        for number, each in enumerate(variants, 1):
            entry = view.planned.facts.lock.entries.get(each)
            digest = entry.digest if entry is not None else view.digest(each)
            found.append(
                {
                    "number": number, "address": each, "key": entry.key if entry is not None else None,
                    "digest": digest, "picture": self._gallery.picture(digest), "picked": each in used,
                }
            )  # fmt: skip
        return found

    def _pick_said(self, action: Action) -> str | None:
        """Where the campaign itself says which variant is delivered: then nobody picks here."""
        said = said_pick(self._view.planned, action)
        return str(said) if said is not None else None

    # ---------------------------------------------------------------------------------------------- decisions

    def _standing(self, who: str, address: str) -> dict[str, Any]:
        view = self._view
        requirement, makers = view.requirement(address), view.makers(address)
        standing = view.standing(address, view.digest(address))
        may = {
            word: self._nobody if not who else (may_decide(who, word, requirement, makers) or "")
            for word in ("approve", "reject")
        }
        step = view.steps.get(address)
        hindrance = view.hindrance(address)
        if hindrance is not None:
            may = dict.fromkeys(may, hindrance)
        elif step is not None and step.verdict == "rejected" and not may["approve"]:
            may["approve"] = "it did not pass its checks, and is not delivered"
        return {
            "state": standing.state, "missing": list(standing.missing), "policy": requirement.words, "may": may,
        }  # fmt: skip

    def _decisions(self, who: str, address: str) -> list[dict[str, Any]]:
        """Of the picture, of what is paid of it and of its variants; the latest first."""
        view = self._view
        names = _spoken_of(view, address)
        found = [each for name in names for each in view.history.by_asset.get(name, ())]
        if len(names) > 1:
            order = self._order
            found.sort(key=lambda each: order[each.ref])
        return [decision_json(view, each, who) for each in reversed(found)]

    @cached_property
    def _order(self) -> Mapping[str, int]:
        return {each.ref: number for number, each in enumerate(self._view.history.decisions)}


def _spoken_of(view: View, address: str) -> tuple[str, ...]:
    """The addresses at which a picture is decided about: its own, its variants', those of what is paid of it."""
    return tuple(dict.fromkeys((address, *view.family[address], *view.paid[address])))


def own_json(view: View, who: str) -> dict[str, list[dict[str, Any]]]:
    """What somebody has decided about the pictures that are shown, as those are now, the latest first, by address."""
    rank = {each.ref: number for number, each in enumerate(view.history.decisions)}
    found: dict[str, list[dict[str, Any]]] = {}
    for address in view.cells if who else ():
        said = [each for name in _spoken_of(view, address) for each in view.history.by_asset.get(name, ())]
        told = [decision_json(view, each, who) for each in sorted(said, key=lambda each: -rank[each.ref])]
        mine = [each for each in told if each["yours"] and each["current"]]
        if mine:
            found[address] = mine
    return found


def decision_json(view: View, decision: Decision, who: str | None) -> dict[str, Any]:
    """A decision; without whoever asks, it is for all pages alike."""
    names = ("ref", "id", "at", "by", "decision", "asset", "digest", "why", "policy", "key", "undoes", "entered")
    here = decision.asset in view.actions and view.digest(decision.asset) == decision.digest
    yours = {} if who is None else {"yours": bool(who) and same_person(decision.by, who)}
    return {
        **{name: getattr(decision, name) for name in names},
        "undone": view.took_back(decision),
        "current": here,
        **yours,
    }


def _finding(each: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(json.loads(json.dumps(each)))
    expected, read = found.get("expected"), found.get("read")
    if isinstance(expected, str) and isinstance(read, str) and expected:
        found["diff"] = [list(part) for part in word_diff(expected, read)]
    return found


def _diff(since: str, before: str, now: str) -> dict[str, Any]:
    return {"since": since, "parts": [list(part) for part in word_diff(before, now)]}


def _changes(reason: Reason) -> list[dict[str, Any]]:
    """What of the request changed, and what made it change."""
    causes = [
        {"field": each.name, "old": each.old, "new": each.new, "at": str(each.at) if each.at else None}
        for each in reason.causes
    ]
    return causes + [
        {"field": each.field, "old": _plain(each.old), "new": _plain(each.new), "at": None} for each in reason.changes
    ]


def _plain(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError:
        return str(value)


def _rows(manifest: Mapping[str, object]) -> list[list[str]]:
    """The request, a field a row, without the prompt, which has a place of its own, and how a layout sets copy."""
    rows = []
    for line in readable(manifest).rstrip("\n").split("\n"):  # not splitlines: U+2028 may stand inside a text
        path, _, value = line.partition(": ")
        if path != "prompt" and not (_LAID.search(path) and not path.endswith(_KEPT)):
            rows.append([path, _unquoted(value)])
    return rows[:_MOST_ROWS]


def _unquoted(value: str) -> str:
    found = json.loads(value)
    return found if isinstance(found, str) else value


def _made(part: Part) -> dict[str, Any] | None:
    record, entry = part.record, part.entry
    made_by = (record.extra if record is not None else entry.extra if entry is not None else {}).get("made_by")
    if record is not None:
        return {
            "at": record.made_at, "seconds": record.seconds, "provider": record.provider, "model": record.model,
            "request_id": record.request_id, "billed": amount(record.cost), "estimate": amount(record.estimate),
            "made_by": made_by,
        }  # fmt: skip
    if entry is not None:
        return {
            "at": None, "seconds": None, "provider": entry.provider, "model": entry.model, "request_id": None,
            "billed": amount(entry.cost), "estimate": None, "made_by": made_by,
        }  # fmt: skip
    return None


def _written(each: Written) -> dict[str, Any]:
    value = Digest(each.value)[:12] if each.is_file else each.value
    return {"name": each.name, "value": value, "at": str(each.at) if each.at else None, "is_file": each.is_file}
