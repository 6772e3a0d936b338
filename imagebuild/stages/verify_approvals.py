"""Whether the history of decisions is whole: its chain, and that every decision git has of it is still here.

The chain shows what was changed or taken out between decisions; what was taken off the end only git can show, and only
as far as it was committed. What could not be looked at is said, and is not called verified.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from imagebuild.core.approvals.decision import Decision
from imagebuild.core.approvals.history import Fault, History, parse_history
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.project import Project
from imagebuild.workspace.git import GitError, Revision, resolve, text_at

__all__ = ["Verified", "verify_approvals"]


class Verified(NamedTuple):
    """`faults` of the history as it is; `lost`: decisions that git has at the revision `against`, and the file has not;
    `compared`: how many git has; `unseen`: why it was not compared with git, in words."""

    history: History
    faults: tuple[Fault, ...]
    against: Revision | None = None
    compared: int = 0
    lost: tuple[Decision, ...] = ()
    unseen: str | None = None


def verify_approvals(project: Project, against: str | None) -> Verified:
    """Compare with a revision: the last commit, where none is said. One that is said must be there to compare with."""
    history = read_approvals(project)
    name = os.path.basename(project.approvals)
    try:
        revision = resolve(project.folder, against or "HEAD")
        text = text_at(project.folder, revision.commit, name)
    except GitError as bad:
        if against is not None:
            raise
        return Verified(history, history.faults, unseen=bad.what)
    if text is None:
        return Verified(history, history.faults, revision, unseen=f"`{name}` is not committed at {revision}")
    then = parse_history(text, file=f"{history.file} at {revision.said}")
    unseen = None
    if then.faults:
        fault = then.faults[0]
        unseen = f"line {fault.line} of what {revision} has of it is damaged itself: {fault.what}"
    # One that stands twice under two ids, as two branches may record the same, counts once, and is there twice.
    lost = tuple(each for each in then.decisions if each.id not in history.chain)
    return Verified(history, history.faults, revision, len(then.decisions), lost, unseen)
