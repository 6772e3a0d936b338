"""The folder that a release is put into: where none may be, and what in it may be replaced.

Nothing is lost that people put there. Reads; writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from imagebuild.core.key import digest_of
from imagebuild.core.release import MANIFEST, SUMS, Candidate, Earlier, ReleaseError, earlier_release, mistakes_in
from imagebuild.stages.project import Project
from imagebuild.workspace.release_folder import digest_in, files_in, read_in

__all__ = ["check_selected", "looked_at", "place_of", "replaceable"]


def place_of(project: Project, output_folder: str, folder: str) -> str:
    """The folder's path with every link on the way followed; refused where a release must not be."""
    plain = os.path.abspath(os.path.join(project.here, folder))
    if os.path.islink(plain):
        raise ReleaseError(f"`{folder}` is a link", hint="name the folder that it leads to")
    place = os.path.realpath(plain)
    if os.path.lexists(place) and not os.path.isdir(place):
        raise ReleaseError(f"`{folder}` is a file", hint="name a folder")
    outputs = os.path.realpath(os.path.join(project.folder, output_folder))
    private = {os.path.realpath(path) for path in (project.private, project.store)}
    for taken in (*sorted(private), outputs):
        if _is_within(place, taken):
            what = "the output folder" if taken == outputs else "what imagebuild keeps for itself"
            raise ReleaseError(f"`{folder}` is in {what}", hint="a release is a folder of its own, e.g. `release`")
    if any(_is_git(each) for each in _upwards(place)):
        raise ReleaseError(f"`{folder}` is in what git keeps for itself", hint="a release is a folder of its own")
    for needed in (project.folder, project.root, outputs, *sorted(private)):
        if _is_within(os.path.realpath(needed), place):
            raise ReleaseError(
                f"`{folder}` has the campaign in it", hint="a release is a folder of its own, e.g. `release`"
            )
    return place


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _upwards(path: str) -> Iterator[str]:
    """The path, the folder that it is in, and so on."""
    while True:
        yield path
        path, below = os.path.dirname(path), path
        if path == below:
            return


def _is_git(folder: str) -> bool:
    """Whether git keeps a repository in it, under whatever name."""
    has_all = all(os.path.exists(os.path.join(folder, each)) for each in ("HEAD", "objects", "refs"))
    return has_all or os.path.basename(folder).casefold() == ".git"


def replaceable(place: str, folder: str, campaign: str) -> Earlier | None:
    """The earlier release of the campaign, as it was put there: nothing else is replaced. None in a new folder."""
    if not files_in(place):
        return None
    earlier, wrong = looked_at(place, folder)
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
    return earlier


def check_selected(earlier: Earlier, candidates: Sequence[Candidate], folder: str) -> None:
    """What was selected may take the place of what was; of the others nobody said that they should go."""
    addresses, paths = {each.address for each in candidates}, {each.path for each in candidates}
    others = [
        each["path"] for each in earlier.pictures if each["address"] not in addresses and each["path"] not in paths
    ]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise ReleaseError(
            f"`{folder}` is a release of more than is selected: `{others[0]}`{more} would be removed",
            hint="name another folder, or release all of it; `--replace` removes what is not selected",
        )


def looked_at(place: str, folder: str) -> tuple[Earlier | None, list[tuple[str, str]]]:
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
