"""The small pictures of a report: of what there is, and of what there was, as the store or git still has it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress

from imagebuild.core.address import asset_of
from imagebuild.core.key import Digest, digest_of
from imagebuild.core.reporting.report import Kind, Small
from imagebuild.errors import ImagebuildError
from imagebuild.picture.measure import measure
from imagebuild.stages.review.pictures import Pictures
from imagebuild.stages.review.view import View
from imagebuild.stages.since import picture_then
from imagebuild.workspace.git import GitError, files_at, resolve, work_tree
from imagebuild.workspace.outputs import Outputs

__all__ = ["MOST_PICTURED", "Smalls", "committed_links", "shared_out"]

MOST_PICTURED = 120  # changes that are shown with pictures; the others are named
WIDTH = 320  # of a thumbnail


class Smalls:
    """Thumbnails of what the lock names now, and of what it named then."""

    def __init__(self, view: View) -> None:
        planned, since = view.planned, view.since
        known = {entry.digest for entry in planned.facts.lock.entries.values()}
        known |= {entry.digest for entry in since.entries.values()} if since is not None else set()
        known |= {digest for address in view.cells if (digest := view.digest(address)) is not None}
        outputs = Outputs(planned.project.root)
        delivered = {step.digest: step.output for step in planned.plan.steps if step.digest and step.output}

        def elsewhere(digest: Digest) -> bytes | None:
            path = delivered.get(digest)
            with suppress(ImagebuildError):
                if path is not None and outputs.digest(planned.project.prefix + path) == digest:
                    return outputs.read(planned.project.prefix + path)
            return picture_then(planned.project, since, digest) if since is not None else None

        self._pictures = Pictures(
            planned.project.root, planned.store, is_known=known.__contains__, elsewhere=elsewhere
        )  # fmt: skip

    def small(self, digest: Digest) -> Small | None:
        served = self._pictures.thumb(digest, WIDTH)
        return Small(served.data, measure(served.data).size) if served is not None else None


def shared_out(found: Sequence[tuple[Kind, str]]) -> set[str]:
    """Which changes are shown with pictures when they are too many: of every asset some."""
    by_asset: dict[str, list[str]] = {}
    for _, address in found:
        by_asset.setdefault(asset_of(address), []).append(address)
    chosen: set[str] = set()
    rank = 0
    while len(chosen) < min(MOST_PICTURED, len(found)):
        row = [several[rank] for several in by_asset.values() if rank < len(several)]
        chosen.update(row[: MOST_PICTURED - len(chosen)])
        rank += 1
    return chosen


def committed_links(view: View, addresses: Iterable[str], links_from: str | None) -> dict[str, str]:
    """Address → link, as seen from a folder, of the pictures that git has exactly as they are now; none from a folder
    outside the repository."""
    if links_from is None:
        return {}
    folder = view.planned.project.folder
    wanted = {address: view.actions[address].output for address in addresses if address in view.actions}
    paths = {address: path for address, path in list(wanted.items())[:MOST_PICTURED] if path}
    try:
        top = work_tree(folder)
        if top is None or not _is_within(os.path.realpath(links_from), top):
            return {}
        files = files_at(folder, resolve(folder, "HEAD").commit, paths.values())
    except GitError:
        return {}
    return {
        address: os.path.relpath(os.path.join(folder, path), links_from).replace(os.sep, "/")
        for address, path in paths.items()
        if path in files and digest_of(files[path]) == view.digest(address)
    }


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
