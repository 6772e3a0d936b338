"""Where a campaign's files are, by path arithmetic and a few looks; loads nothing, for it is on the way to a no-op."""

from __future__ import annotations

import os

__all__ = ["PRIVATE", "root_of", "spec_of"]

PRIVATE = ".imagebuild"


def spec_of(file: str | None, here: str) -> str | None:
    """The campaign file that is meant: `campaign.yaml` here, or in the folder named; None when there is none."""
    wanted = os.path.join(here, file or "campaign.yaml")
    if os.path.isdir(wanted):
        wanted = os.path.join(wanted, "campaign.yaml")
    return os.path.realpath(wanted) if os.path.isfile(wanted) else None


def root_of(folder: str) -> str:
    """The project's root: the nearest folder upwards that has `.imagebuild` or `.git`, else the folder itself."""
    at = folder
    while True:
        if os.path.isdir(os.path.join(at, PRIVATE)) or os.path.exists(os.path.join(at, ".git")):
            return at
        above = os.path.dirname(at)
        if above == at:
            return folder
        at = above


def memory_of(root: str, spec: str) -> str:
    """The file in which a campaign's last build is remembered."""
    inside = os.path.relpath(spec, root).replace(os.sep, "/")
    return os.path.join(root, PRIVATE, "memory", inside.replace("%", "%25").replace("/", "%2F"))
