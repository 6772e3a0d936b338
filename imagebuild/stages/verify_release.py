"""Whether a release is as it was put together, and whether what is in it is approved as things stand.

What could not be looked at is said, and is not called verified.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from imagebuild.core.address import asset_of, cell_of
from imagebuild.core.approvals.history import History
from imagebuild.core.approvals.policy import requirement_of
from imagebuild.core.release import Earlier, ReleaseError
from imagebuild.core.vouching import Asking, vouched
from imagebuild.errors import ImagebuildError
from imagebuild.stages.facts import read_lock
from imagebuild.stages.people import Makers
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project
from imagebuild.stages.release import released_as
from imagebuild.stages.release_place import looked_at
from imagebuild.workspace.release_folder import files_in

__all__ = ["Verified", "verify_release"]


class Verified(NamedTuple):
    """What is wrong with a release, and what has happened since that it does not say; (path, words) each. Of its
    pictures so many are `approved` as things stand, and of so many nobody is asked; `unseen` says why that was not
    looked at, where it was not."""

    folder: str
    campaign: str
    pictures: int
    wrong: tuple[tuple[str, str], ...]
    since: tuple[tuple[str, str], ...]
    approved: int = 0
    unneeded: int = 0
    unseen: str = ""


def verify_release(project: Project, history: History, folder: str, *, provider: str | None = None) -> Verified:
    """Compare a release with its own texts, and with the decisions and the policy as they are now."""
    history.check()
    place = os.path.realpath(os.path.join(project.here, folder))
    files = files_in(place)
    earlier, wrong = looked_at(place, folder) if files else (None, [])
    if earlier is None:
        raise ReleaseError(f"there is no release in `{folder}`", hint=f"`imagebuild release {folder}` puts one there")
    planned, unseen = None, ""
    try:
        planned = plan_campaign(project, provider=provider, whole=True)
    except ImagebuildError as bad:
        unseen = f"the campaign cannot be read: {bad}"
    campaign = planned.plan.campaign if planned is not None else history.campaign
    if campaign and earlier.campaign != campaign:
        raise ReleaseError(f"`{folder}` is a release of the campaign `{earlier.campaign}`", hint="`-f` names that one")
    asking = _asking(planned, earlier) if planned is not None else None
    _, lock = read_lock(project, campaign) if planned is not None else (None, None)
    found = vouched(earlier, history, asking, lock=lock)
    return Verified(
        folder, earlier.campaign, len(earlier.pictures), (*wrong, *found.wrong), found.since, found.approved,
        found.unneeded, unseen,
    )  # fmt: skip


def _asking(planned: Planned, earlier: Earlier) -> dict[str, Asking]:
    """What the campaign says now of every address that a release has, those that it no longer makes among them."""
    actions, entries, makers = planned.loaded.expansion.actions, planned.facts.lock.entries, Makers(planned)
    found: dict[str, Asking] = {}
    for picture in earlier.pictures:
        address = picture["address"]
        action = actions.get(address)
        cell = dict(action.cell if action is not None else cell_of(address))
        requirement = requirement_of(planned.loaded.campaign.approval, asset_of(address), cell)
        entry = entries.get(address)
        path = released_as(planned, entry.output) if entry is not None and entry.output else None
        known = makers.of(address) if requirement.others and action is not None else None
        found[address] = Asking(requirement, entry.digest if entry is not None else None, path, known)
    return found
