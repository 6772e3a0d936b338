"""What can be seen to go wrong before a build pays: copy that will not fit, a mask of another size than its picture, a
picture file that is none. Looks at what the plan makes and nothing else; makes nothing itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from imagebuild.core.action import Action, texts_within
from imagebuild.core.key import Digest
from imagebuild.core.layouts.canonical import typeset_of
from imagebuild.core.sizes import Size, size_text
from imagebuild.core.steps.kind import Step
from imagebuild.core.steps.registry import result_size
from imagebuild.errors import PictureError, Place, Problems
from imagebuild.picture.measure import format_of, measure
from imagebuild.picture.typeset.layout import misfits
from imagebuild.stages.plan import Planned

__all__ = ["check_before_paying"]

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def check_before_paying(planned: Planned) -> None:
    """Raise with everything that is wrong, if anything is. Nothing has been sent by then."""
    problems = Problems()
    look = _Look(planned, problems)
    for step in planned.plan.steps:
        if step.verdict == "make" and not step.merged:
            look.at(planned.loaded.expansion.actions[step.address])
    problems.check()


class _Look:
    def __init__(self, planned: Planned, problems: Problems) -> None:
        self._planned = planned
        self._problems = problems
        self._expansion = planned.loaded.expansion
        self._seen: set[str] = set()
        self._sizes: dict[str, Size | None] = {}

    def at(self, action: Action) -> None:
        place = self._planned.loaded.campaign.assets[action.asset].place
        for digest in dict.fromkeys(texts_within(action.manifest)):
            path = self._expansion.file_of.get(Digest(digest))
            if path is not None and path.lower().endswith(_PICTURES):
                self._size_of_file(path, digest, place)
        self._mask(action, place)
        for parameters, size in self._copy(action):
            self._fits(action, parameters, size, place)

    def _size_of_file(self, path: str, digest: str, place: Place) -> Size | None:
        """The size of a picture of the campaign's; that it is none is told once."""
        if digest not in self._sizes:
            try:
                self._sizes[digest] = measure(self._read(digest), source=f"`{path}`").size
            except PictureError as bad:
                self._sizes[digest] = None
                self._problems.add(bad.what, at=place, hint=bad.hint)
        return self._sizes[digest]

    def _read(self, digest: str) -> bytes:
        path = self._expansion.file_of.get(Digest(digest))
        return self._planned.loaded.files.read(path) if path else self._planned.store.get(Digest(digest))

    def _mask(self, action: Action, place: Place) -> None:
        mask = action.manifest.get("mask")
        path = self._expansion.file_of.get(Digest(mask)) if isinstance(mask, str) else None
        source = dict(action.inputs).get("references[0]")
        if path is None or source is None or not isinstance(mask, str):
            return
        size, wanted = self._size_of_file(path, mask, place), self._expansion.results[source][0]
        if size is not None and wanted is not None and size != wanted:
            what = f"the mask `{path}` is {size_text(size)}, the picture it is for {size_text(wanted)}"
            hint = "make it the picture's size, or say what may change as a box: `mask: {box: [0.0, 0.0, 1.0, 0.4]}`"
            self._problems.add(what, at=place, hint=hint, once=("mask", path))

    def _copy(self, action: Action) -> Iterator[tuple[Mapping[str, Any], Size]]:
        """Every setting of copy, and the size of the picture when it is set."""
        steps = action.manifest.get("steps")
        source = dict(action.inputs).get("input")
        size = self._expansion.results[source][0] if source in self._expansion.results else None
        for step in steps if isinstance(steps, list) else ():
            name, parameters = next(iter(step.items()))
            if size is None:
                return
            if name == "typeset":
                yield parameters, size
            try:
                size = result_size([Step(name=name, parameters=parameters, place=Place(""))], size)
            except PictureError:
                return

    def _fits(self, action: Action, parameters: Mapping[str, Any], size: Size, place: Place) -> None:
        identity = json.dumps([parameters, size], sort_keys=True)
        pictures = [item["picture"] for group in parameters["groups"] for item in group["items"] if "picture" in item]
        if identity in self._seen or not all(self._is_picture(each) for each in pictures):
            return
        self._seen.add(identity)
        for misfit in misfits(typeset_of(parameters), size, self._read):
            what = f"`{action.address.removesuffix(':drawn')}` ({size_text(size)}): {misfit.what}"
            hint = f"{misfit.hint}\n`imagebuild fit` says what would help; nothing has been paid"
            self._problems.add(what, at=place, hint=hint)

    def _is_picture(self, digest: str | None) -> bool:
        """Whether a logo can be looked at: another asset's is not made yet, and a damaged one is told."""
        return digest is not None and format_of(self._read(digest)) is not None
