"""Where a report may be written: not over what the campaign is made from, keeps or delivers."""

from __future__ import annotations

import os
from collections.abc import Iterator

from imagebuild.core.address import is_inner
from imagebuild.errors import ImagebuildError
from imagebuild.stages.plan import Planned

__all__ = ["check_target"]


def check_target(planned: Planned, path: str) -> None:
    """Raise when a file at this path would take the place of one of the campaign's. `path` is as somebody typed it."""
    project = planned.project
    place = _place(os.path.join(project.here, path))
    what = next((what for what, taken in _taken(planned) if _is_same(place, taken)), None)
    if what is None:
        kept = (project.private, project.store)
        if any(part.casefold() == ".git" for part in place.split(os.sep)):
            what = "in what git keeps for itself"
        elif any(place.startswith(os.path.realpath(each) + os.sep) for each in kept):
            what = "in what imagebuild keeps for itself"
    if what is not None:
        raise ImagebuildError(f"`{path}` is {what}", hint="name another file, e.g. `report.html`")


def _taken(planned: Planned) -> Iterator[tuple[str, str]]:
    """What each file of the campaign is, and its path."""
    project = planned.project
    yield "the campaign itself: it would be overwritten", project.spec
    yield "the campaign's lock: it would be overwritten", project.lock
    yield "the approvals: they would be overwritten", project.approvals
    for asked in planned.loaded.files.asked:  # also what is not there: it would become part of the campaign
        yield "a file that the campaign is made from", os.path.join(project.folder, asked)
    delivered = [each.output for each in planned.plan.steps if each.output is not None and not is_inner(each.address)]
    for output in dict.fromkeys((*delivered, *(each.output for each in planned.facts.lock.entries.values()))):
        if output is not None:
            yield "a picture that the campaign delivers", os.path.join(project.folder, output)


def _place(path: str) -> str:
    """The path with every link on the way followed but the last: a link is replaced itself."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _is_same(place: str, taken: str) -> bool:
    if place in (taken, _place(taken), os.path.realpath(taken)):
        return True
    try:
        return os.path.samefile(place, taken)  # by another spelling, or by a link to it
    except OSError:
        return False
