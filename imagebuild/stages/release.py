"""Put together what may go out: the pictures that are built, checked and approved, in a folder of their own.

Asks the plan what is built, the lock and the store what the checks said, the decisions what is approved; writes the
folder whole, beside its place, and puts it there in one go. What it leaves out, it says. Makes no picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from imagebuild.core.address import Selectable, Selection, is_inner
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import Requirement, requirement_of
from imagebuild.core.approvals.standing import standing_of
from imagebuild.core.axis import Ratio
from imagebuild.core.key import Digest, digest_of
from imagebuild.core.lock import LockEntry
from imagebuild.core.plan import PlanStep
from imagebuild.core.reason import WHY
from imagebuild.core.release import (
    MANIFEST,
    SUMS,
    Candidate,
    Earlier,
    Left,
    Release,
    ReleaseError,
    about_release,
    clashes,
    manifest_text,
    sorted_out,
    sums_text,
)
from imagebuild.core.sizes import parse_size
from imagebuild.errors import StoreError
from imagebuild.stages.facts import read_lock
from imagebuild.stages.people import Makers
from imagebuild.stages.plan import Planned
from imagebuild.stages.release_place import check_selected, place_of, replaceable
from imagebuild.store.base import Record
from imagebuild.workspace.guard import Holder, guard
from imagebuild.workspace.outputs import Outputs
from imagebuild.workspace.private import private_folder
from imagebuild.workspace.release_folder import new_folder, recover

__all__ = ["Released", "candidates_of", "release", "released_as"]

BUILT = frozenset(("reuse", "restore", "adopt"))


class Released(NamedTuple):
    """What was put together. Not `written`: nothing was, for something is left out and all was asked for. `removed`:
    the paths of pictures that the release before had in the folder, and this one has not."""

    folder: str
    release: Release
    written: bool
    removed: tuple[str, ...] = ()

    @property
    def damaged(self) -> tuple[Left, ...]:
        return tuple(each for each in self.release.left if each.reason == "damaged")


# ----------------------------------------------------------------------------------------------- what there is to go


def candidates_of(planned: Planned, history: History, selection: Selection | None = None) -> list[Candidate]:
    """Every picture that the campaign delivers, or of those the ones selected. The plan is of the whole campaign."""
    steps = [step for step in planned.plan.steps if step.output is not None and not is_inner(step.address)]
    if selection is not None:
        items = [Selectable(step.address, step.asset, step.cell, step.output) for step in steps]
        chosen = selection.pick(items)
        steps = [step for step in steps if step.address in chosen]
    makers = Makers(planned)
    return [_candidate(planned, history, step, makers) for step in steps]


def _candidate(planned: Planned, history: History, step: PlanStep, known: Makers) -> Candidate:
    built = step.verdict in BUILT and step.digest is not None
    digest = step.digest if built else None
    cell = dict(step.cell)
    requirement = requirement_of(planned.loaded.campaign.approval, step.asset, cell)
    makers = known.of(step.address) if requirement.others else None  # else it is asked nowhere
    standing = standing_of(step.address, digest, history, requirement, makers)
    entry = planned.facts.lock.entries.get(step.address)
    entry = entry if entry is not None and (entry.key, entry.digest) == (step.key, step.digest) else None
    told = entry is not None and (step.kind != "check" or entry.extra.get("checked") == "passed")
    record = planned.store.record(step.key) if step.key is not None and not told else None
    checked, flaws = _checked(step, entry, record)
    if step.verdict == "rejected":
        digest, checked, flaws = step.digest or Digest(""), "failed", _rejected(planned, step)
    return Candidate(
        step.address, _own_path(planned, step), digest, WHY[step.why], checked, flaws, standing,
        None if makers is None else tuple(sorted(makers)), _about(planned, step, cell, entry, record, requirement),
    )  # fmt: skip


def _own_path(planned: Planned, step: PlanStep) -> str:
    """The path that the campaign gives it, below the output folder."""
    assert step.output is not None
    return released_as(planned, step.output)


def released_as(planned: Planned, output: str) -> str:
    """The path in a release of what is delivered to an output path."""
    return output.removeprefix(planned.loaded.campaign.output_folder + "/")


def _checked(step: PlanStep, entry: LockEntry | None, record: Record | None) -> tuple[str | None, str]:
    """What the checks said, and why not more. What nobody remembers is not verified."""
    if step.kind != "check":
        return None, ""
    report: Mapping[str, Any] = (record.report or {}) if record is not None else {}
    said = (entry.extra.get("checked") if entry is not None else None) or report.get("verdict") or "unverified"
    words = [str(each.get("what", "")) for each in report.get("findings", ()) if each.get("verdict") != "passed"]
    return str(said), "; ".join(words) if said != "passed" else ""


def _rejected(planned: Planned, step: PlanStep) -> str:
    known = planned.facts.result(step.key) if step.key is not None else None
    return (known.rejected if known else None) or WHY["rejected"]


def _about(
    planned: Planned,
    step: PlanStep,
    cell: Mapping[str, str],
    entry: LockEntry | None,
    record: Record | None,
    requirement: Requirement,
) -> dict[str, Any]:
    """What is told of a picture whoever looks at it: nothing that depends on the machine or the day."""
    expansion = planned.loaded.expansion
    size, form = expansion.results.get(step.address, (None, step.output.rpartition(".")[2] if step.output else ""))
    size = parse_size((entry.size if entry is not None else None) or "") or (record.size if record else None) or size
    return {
        "asset": step.asset,
        "cell": dict(cell),
        "placement": _placement(planned, cell),
        "language": cell.get("locale"),
        "alt": expansion.alts.get(step.address),
        "size": list(size) if size else None,
        "format": form,
        "policy": requirement.stamp,
    }


def _placement(planned: Planned, cell: Mapping[str, str]) -> str | None:
    axis = planned.loaded.campaign.axes.get("ratio")
    entry = axis.find(cell["ratio"]) if axis is not None and "ratio" in cell else None
    value = entry.value if entry is not None else None
    return value.placement.name if isinstance(value, Ratio) and value.placement is not None else None


# --------------------------------------------------------------------------------------------------- putting together


def release(
    planned: Planned,
    history: History,
    folder: str,
    *,
    selection: Selection | None = None,
    asked: Sequence[Sequence[str]] = ((), ()),
    accept_unverified: bool = False,
    require_complete: bool = False,
    replace: bool = False,
    command: str = "imagebuild release",
    on_wait: Callable[[Holder], None] | None = None,
) -> Released:
    """Write the release into the folder, which is new, empty, or an earlier release of the campaign. `asked` is what
    the selection was written as. A selection takes nothing from a release that has more, unless it may `replace`
    it."""
    history.check()
    project, lock = planned.project, planned.facts.lock
    if lock.conflicted or lock.alternatives:
        raise ReleaseError("the lock is in the middle of a merge", hint="`imagebuild build` settles it")
    place = place_of(planned.project, planned.loaded.campaign.output_folder, folder)
    candidates = candidates_of(planned, history, selection)
    if not candidates:
        what = "the campaign delivers no picture" if selection is None else "nothing that is selected is delivered"
        raise ReleaseError(f"there is nothing to release: {what}", hint="an asset with an `output` is delivered")
    clash = clashes([each.path for each in candidates])
    if clash:
        raise ReleaseError(f"the picture `{clash[0]}` has a name that a release needs itself", hint="rename its output")
    going, left = sorted_out(candidates, accept_unverified=accept_unverified)
    policies = sorted({str(each.about["policy"]) for each in candidates})
    head = _head(planned, history, asked, accept_unverified) | {"policies": policies}
    if not going or (left and require_complete):
        return Released(folder, Release(head, (), left), False)
    turn = os.path.join(private_folder(project.root), "release.lock")
    with guard(turn, command=command, on_wait=on_wait):
        recover(place)
        earlier = replaceable(place, folder, planned.plan.campaign)
        if earlier is not None and selection is not None and not replace:
            check_selected(earlier, candidates, folder)
        done = _written(planned, place, folder, Release(head, (), left), going, require_complete)
        return done._replace(removed=_removed(earlier, done)) if done.written else done


def _head(
    planned: Planned, history: History, asked: Sequence[Sequence[str]], accept_unverified: bool
) -> dict[str, Any]:
    plan = planned.plan
    _, lock_digest = read_lock(planned.project, plan.campaign)
    return {
        "campaign": plan.campaign,
        "model": plan.model,
        "lock": lock_digest or None,
        "approvals": {"heads": list(history.heads), "decisions": len(history.decisions)},
        "unverified_accepted": accept_unverified,
        "selected": {"what": list(asked[0]), "exclude": list(asked[1])},
    }


def _written(
    planned: Planned, place: str, folder: str, release: Release, going: Sequence[Candidate], require_complete: bool
) -> Released:
    outputs = Outputs(planned.project.root)
    pictures: list[dict[str, Any]] = []
    left = list(release.left)
    digests: dict[str, str] = {}
    with new_folder(place) as new:
        for each in going:
            assert each.digest is not None
            data = _bytes(planned, outputs, each)
            if data is None:
                why = "its bytes are neither in the store nor, as they were, in the output folder"
                left.append(Left(each.address, each.path, "damaged", why))
                continue
            new.write(each.path, data)
            digests[each.path] = each.digest
            pictures.append(about_release(each, len(data)))
        whole = release._replace(pictures=tuple(pictures), left=tuple(sorted(left)))
        if not pictures or (left and require_complete):
            return Released(folder, whole, False)
        manifest = manifest_text(whole).encode()
        new.write(MANIFEST, manifest)
        digests[MANIFEST] = digest_of(manifest)
        new.write(SUMS, sums_text(digests).encode())
        replaceable(place, folder, planned.plan.campaign)  # again: writing took a while
        new.put_in_place()
    return Released(folder, whole, True)


def _bytes(planned: Planned, outputs: Outputs, each: Candidate) -> bytes | None:
    """The picture's bytes: the store's, else the deliverable's, if they are what the digest says."""
    digest = each.digest
    assert digest is not None
    try:
        return planned.store.get(digest)
    except StoreError:
        entry = planned.facts.lock.entries.get(each.address)
        folder = planned.loaded.campaign.output_folder
        paths = dict.fromkeys(filter(None, (f"{folder}/{each.path}", entry.output if entry else None)))
        for path in paths:
            inside = planned.project.prefix + path
            if outputs.digest(inside) == digest:
                data = outputs.read(inside)
                return data if digest_of(data) == digest else None
        return None


def _removed(earlier: Earlier | None, done: Released) -> tuple[str, ...]:
    now = {each["path"] for each in done.release.pictures}
    return tuple(sorted({each["path"] for each in earlier.pictures} - now)) if earlier is not None else ()
