"""What was decided in a review and changes a plan: read beside the lock, on the way to every plan, so quickly."""

from __future__ import annotations

import os

from imagebuild.core.approvals.history import parse_history
from imagebuild.core.choices import NO_CHOICES, Choices, choices_of
from imagebuild.core.key import digest_of
from imagebuild.core.lock import Lock
from imagebuild.stages.project import Project

__all__ = ["read_choices"]

_CHOOSING = (b'"retake"', b'"pick"')  # as decisions are written; words in a reason only cost a look


def read_choices(project: Project, lock: Lock) -> tuple[Choices, str]:
    """The choices that stand, and the digest of the text that says so. A history that was edited is an error here too,
    once it chooses anything."""
    try:
        with open(project.approvals, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return NO_CHOICES, ""
    digest = digest_of(data)
    if not any(word in data for word in _CHOOSING):
        return NO_CHOICES, digest
    label = project.label(os.path.basename(project.approvals))
    text = data.decode("utf-8", "surrogateescape")  # a line torn within a character is no more than a torn line
    history = parse_history(text, file=label)
    history.check()
    return choices_of(history, lock), digest
