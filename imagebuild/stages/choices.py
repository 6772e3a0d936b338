"""What was decided in a review and changes a plan: read beside the lock, on the way to every plan, so quickly."""

from __future__ import annotations

import os

from imagebuild.core.choices import NO_CHOICES, Choices, choices_of
from imagebuild.core.key import digest_of
from imagebuild.core.lock import Lock
from imagebuild.stages.project import Project
from imagebuild.workspace.approvals import read, read_bytes

__all__ = ["read_choices"]

_CHOOSING = (b'"retake"', b'"pick"')  # as decisions are written; words in a reason only cost a look


def read_choices(project: Project, lock: Lock, *, whole: str = "") -> tuple[Choices, str]:
    """The choices that stand, and the digest of the text that says so. A history that was edited is an error here too.
    `whole` is the digest of a text that is known not to have been."""
    label = project.label(os.path.basename(project.approvals))
    data = read_bytes(project.approvals, file=label)
    if data is None:
        return NO_CHOICES, ""
    digest = digest_of(data)
    if digest == whole and not any(word in data for word in _CHOOSING):
        return NO_CHOICES, digest
    history = read(project.approvals, file=label)
    history.check()
    return choices_of(history, lock), digest
