"""A campaign as it was at a revision: what the lock that is committed there says, and the pictures as git has them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from imagebuild.core.key import Digest, digest_of
from imagebuild.core.lock import LockEntry, parse_lock
from imagebuild.errors import LockError
from imagebuild.stages.project import Project
from imagebuild.workspace.git import GitError, bytes_at, resolve, text_at

__all__ = ["Since", "compare_with", "picture_then"]


@dataclass(frozen=True, slots=True)
class Since:
    """`name` as it was asked for; `at` is when its commit was made, UTC; `outputs` is where a picture was delivered to
    then."""

    name: str
    commit: str
    at: str
    entries: Mapping[str, LockEntry]
    outputs: Mapping[Digest, str]


def compare_with(project: Project, said: str) -> Since:
    """What the lock said at a tag, a branch, a commit or a date. Raises what git says when there is no such revision,
    and a `LockError` when no lock was committed by then, or it is damaged."""
    revision = resolve(project.folder, said)
    name = os.path.basename(project.lock)
    label = f"{project.label(name)} at {said}"
    text = text_at(project.folder, revision.commit, name)
    if text is None:
        raise LockError(
            f"`{project.label(name)}` is not committed at `{revision}`",
            hint="the lock belongs beside the campaign in git; name a revision that has it",
        )
    entries = parse_lock(text, file=label).entries
    outputs = {entry.digest: entry.output for entry in entries.values() if entry.output}
    return Since(said, revision.commit, revision.at, entries, outputs)


def picture_then(project: Project, since: Since, digest: Digest) -> bytes | None:
    """The bytes of a picture that the lock named then, where git has it as it was delivered; None where it does not."""
    output = since.outputs.get(digest)
    if output is None:
        return None
    try:
        data = bytes_at(project.folder, since.commit, output)
    except GitError:  # the lock is there, the pictures need not be
        return None
    return data if data is not None and digest_of(data) == digest else None
