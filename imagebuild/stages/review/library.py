"""Which pictures belong to a campaign, and where their bytes are when the store does not have them."""

from __future__ import annotations

import os
from collections.abc import Callable

from imagebuild.core.key import Digest, digest_of
from imagebuild.stages.project import Project
from imagebuild.stages.review.moment import Moment
from imagebuild.stages.review.pictures import Pictures
from imagebuild.stages.review.records import Records
from imagebuild.stages.since import picture_then

__all__ = ["Library"]


class Library:
    """`now` gives what is shown at present. Whatever the campaign names by digest is known: in the lock, the plan, a
    decision, the revision it is compared with, its own files, and in what the store remembers of its addresses."""

    def __init__(self, project: Project, now: Callable[[], Moment]) -> None:
        self._project = project
        self._now = now
        self._read_for: Moment | None = None
        planned = now().view.planned
        self._records = Records(planned.store, planned.loaded.expansion.actions)
        self.pictures = Pictures(project.root, planned.store, is_known=self.knows, elsewhere=self.elsewhere)

    def records(self) -> Records:
        """What the store remembers; what has come since the campaign was planned is read first."""
        moment = self._now()
        planned = moment.view.planned
        if self._read_for is None or self._read_for.view.planned is not planned:
            self._read_for = moment
            self._records.watch(planned.loaded.expansion.actions)
            self._records.refresh()
        return self._records

    def knows(self, digest: Digest) -> bool:
        moment = self._now()
        return digest in moment.known or digest in moment.came or self.records().knows(digest)

    def elsewhere(self, digest: Digest) -> bytes | None:
        """A file of the campaign, a delivered one, or what git has; only bytes of this digest."""
        moment = self._now()
        path = moment.view.planned.loaded.expansion.file_of.get(digest) or moment.outputs.get(digest)
        data = _read(os.path.join(self._project.folder, path)) if path else None
        if data is not None and digest_of(data) == digest:
            return data
        since = moment.view.since
        return picture_then(self._project, since, digest) if since is not None else None


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        return None
