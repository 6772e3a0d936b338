"""Where a campaign's things are: its folder, its lock, the project it belongs to, and the store they share."""

from __future__ import annotations

import os
from collections.abc import Mapping

from imagebuild.core.approvals.history import approvals_name
from imagebuild.core.lock import lock_name
from imagebuild.errors import ImagebuildError
from imagebuild.workspace.place import PRIVATE, memory_of, root_of, spec_of

__all__ = ["Project", "find_project"]


class Project:
    """Paths, all absolute but `prefix`: the campaign's folder as seen from the project's root, ending in `/`."""

    __slots__ = (
        "approvals",
        "folder",
        "here",
        "lock",
        "memory",
        "prefix",
        "private",
        "root",
        "spec",
        "spec_name",
        "store",
    )

    def __init__(self, spec: str, root: str, store: str | None, here: str) -> None:
        self.spec = spec
        self.folder = os.path.dirname(spec)
        self.spec_name = os.path.basename(spec)
        self.root = root
        self.here = here
        self.lock = os.path.join(self.folder, lock_name(self.spec_name))
        self.approvals = os.path.join(self.folder, approvals_name(self.spec_name))
        self.private = os.path.join(root, PRIVATE)
        self.store = store or os.path.join(self.private, "store")
        inside = os.path.relpath(self.folder, root).replace(os.sep, "/")
        self.prefix = "" if inside == "." else inside + "/"
        self.memory = memory_of(root, spec)

    def label(self, path: str) -> str:
        """How messages call a file of the campaign: as seen from where the person stands."""
        shown = os.path.relpath(os.path.join(self.folder, path), self.here)
        return (
            shown.replace(os.sep, "/")
            if not shown.startswith(".." + os.sep + ".." + os.sep + "..")
            else os.path.join(self.folder, path)
        )


def find_project(file: str | None, environment: Mapping[str, str], here: str | None = None) -> Project:
    """The project of a campaign file: `campaign.yaml` here when none is named. The root is the nearest folder upwards
    that has `.imagebuild` or `.git`, else the campaign's own."""
    here = here or os.getcwd()
    spec = spec_of(file, here)
    if spec is None:
        shown = os.path.relpath(os.path.join(here, file or "campaign.yaml"), here).replace(os.sep, "/")
        hint = "`imagebuild init` writes a working one; `-f FILE` names another" if file is None else "check the path"
        raise ImagebuildError(f"no campaign file `{shown}`", hint=hint)
    store = environment.get("IMAGEBUILD_STORE") or None
    return Project(spec, root_of(os.path.dirname(spec)), store, os.path.realpath(here))
