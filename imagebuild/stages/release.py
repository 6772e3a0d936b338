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
    earlier_release,
    manifest_text,
    mistakes_in,
    sorted_out,
    sums_text,
    taken_back,
    unvouched,
)
from imagebuild.core.sizes import parse_size
from imagebuild.errors import StoreError
from imagebuild.stages.approvals import Makers
from imagebuild.stages.facts import read_lock
from imagebuild.stages.plan import Planned
from imagebuild.stages.project import Project
from imagebuild.store.base import Record
from imagebuild.workspace.guard import Holder, guard
from imagebuild.workspace.outputs import Outputs
from imagebuild.workspace.private import private_folder
from imagebuild.workspace.release_folder import digest_in, files_in, new_folder, read_in, recover

__all__ = ["Released", "Verified", "candidates_of", "release", "verify_release"]

BUILT = frozenset(("reuse", "restore", "adopt"))


class Released(NamedTuple):
    """What was put together. Not `written`: nothing was, for something is left out and all was asked for."""

    folder: str
    release: Release
    written: bool

    @property
    def damaged(self) -> tuple[Left, ...]:
        return tuple(each for each in self.release.left if each.reason == "damaged")


class Verified(NamedTuple):
    """What is wrong with a release, and what has happened since that it does not say; (path, words) each."""

    folder: str
    campaign: str
    pictures: int
    wrong: tuple[tuple[str, str], ...]
    since: tuple[tuple[str, str], ...]


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
    return step.output.removeprefix(planned.loaded.campaign.output_folder + "/")


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
    command: str = "imagebuild release",
    on_wait: Callable[[Holder], None] | None = None,
) -> Released:
    """Write the release into the folder, which is new, empty, or an earlier release of the campaign. `asked` is what
    the selection was written as."""
    history.check()
    project, lock = planned.project, planned.facts.lock
    if lock.conflicted or lock.alternatives:
        raise ReleaseError("the lock is in the middle of a merge", hint="`imagebuild build` settles it")
    place = _place_of(planned, folder)
    candidates = candidates_of(planned, history, selection)
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
        _check_replaceable(place, folder, planned.plan.campaign)
        return _written(planned, place, folder, Release(head, (), left), going, require_complete)


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
        _check_replaceable(place, folder, planned.plan.campaign)  # again: writing took a while
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


# -------------------------------------------------------------------------------------------------------- the folder


def _place_of(planned: Planned, folder: str) -> str:
    """The folder's path with every link on the way followed; refused where a release must not be."""
    project = planned.project
    plain = os.path.abspath(os.path.join(project.here, folder))
    if os.path.islink(plain):
        raise ReleaseError(f"`{folder}` is a link", hint="name the folder that it leads to")
    place = os.path.realpath(plain)
    if os.path.lexists(place) and not os.path.isdir(place):
        raise ReleaseError(f"`{folder}` is a file", hint="name a folder")
    outputs = os.path.realpath(os.path.join(project.folder, planned.loaded.campaign.output_folder))
    private = {os.path.realpath(path) for path in (project.private, project.store)}
    for taken in (*sorted(private), outputs):
        if _is_within(place, taken):
            what = "the output folder" if taken == outputs else "what imagebuild keeps for itself"
            raise ReleaseError(f"`{folder}` is in {what}", hint="a release is a folder of its own, e.g. `release`")
    for needed in (project.folder, project.root, outputs, *sorted(private)):
        if _is_within(os.path.realpath(needed), place):
            raise ReleaseError(
                f"`{folder}` has the campaign in it", hint="a release is a folder of its own, e.g. `release`"
            )
    return place


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _check_replaceable(place: str, folder: str, campaign: str) -> None:
    """Nothing but an earlier release of the campaign, as it was put there, is replaced."""
    if not files_in(place):
        return
    earlier, wrong = _looked_at(place, folder)
    if earlier is None:
        raise ReleaseError(
            f"`{folder}` is not empty, and no release: there is `{wrong[0][0]}`",
            hint="name a new folder, or move away what is there",
        )
    if earlier.campaign != campaign:
        raise ReleaseError(
            f"`{folder}` is a release of the campaign `{earlier.campaign}`", hint="name another folder for this one"
        )
    kept = [(path, what) for path, what in wrong if what != "is missing"]
    if kept:
        path, what = kept[0]
        more = f" (and {len(kept) - 1} more)" if len(kept) > 1 else ""
        raise ReleaseError(
            f"`{folder}/{path}` {what}: it would be lost{more}", hint="move it away, or name another folder"
        )


def _looked_at(place: str, folder: str) -> tuple[Earlier | None, list[tuple[str, str]]]:
    """The release in a folder, and what of it is not as it was put there; None, and what is there, when it is none."""
    files = files_in(place) or []
    manifest, sums = read_in(place, MANIFEST), read_in(place, SUMS)
    if manifest is None or sums is None:
        return None, [(path, "") for path in files]
    earlier = earlier_release(_text(manifest, folder), _text(sums, folder), folder=folder)
    found = {path: digest_in(place, path) for path in files if path != SUMS}
    return earlier, mistakes_in(earlier, digest_of(manifest), found)


def _text(data: bytes, folder: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ReleaseError(f"the texts of the release `{folder}` are damaged", hint="name another folder") from None


# ------------------------------------------------------------------------------------------------------- looking back


def verify_release(project: Project, history: History, folder: str) -> Verified:
    """Compare a release with its own texts, and with the decisions as they are now."""
    history.check()
    place = os.path.realpath(os.path.join(project.here, folder))
    files = files_in(place)
    earlier, wrong = _looked_at(place, folder) if files else (None, [])
    if earlier is None:
        raise ReleaseError(f"there is no release in `{folder}`", hint=f"`imagebuild release {folder}` puts one there")
    if history.campaign and earlier.campaign != history.campaign:
        raise ReleaseError(f"`{folder}` is a release of the campaign `{earlier.campaign}`", hint="`-f` names that one")
    found = (*wrong, *unvouched(earlier, history))
    return Verified(folder, earlier.campaign, len(earlier.pictures), found, tuple(taken_back(earlier, history)))
