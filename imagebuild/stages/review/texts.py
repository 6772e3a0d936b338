"""The copy in a picture and where it stands: for a typeset one to the pixel, as it is laid out; for one that a model
drew, what it should say, for nobody knows where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from imagebuild.core.action import Action
from imagebuild.core.key import Digest, digest_of
from imagebuild.core.layouts.canonical import Typeset, typeset_of
from imagebuild.core.locale import Locale
from imagebuild.core.sizes import Size
from imagebuild.core.steps.kind import Step
from imagebuild.core.steps.registry import result_size
from imagebuild.errors import ImagebuildError, PictureError, Place
from imagebuild.picture.read import Read
from imagebuild.picture.typeset.copy import direction_of
from imagebuild.picture.typeset.layout import lay_out
from imagebuild.stages.review.view import View

__all__ = ["texts_of"]

_IN_PLACE: Final = frozenset(("typeset", "overlay", "sharpen", "encode", "put_back"))  # what moves no word


def texts_of(view: View, address: str) -> list[dict[str, Any]]:
    """Role, text, box (None: not known), direction and language of every piece of copy."""
    actions = [view.actions[each] for each in view.family[address]]
    read = _reader(view)
    set_here = [
        text
        for action in actions
        if action.kind == "local"
        for typeset, size in _typesets(view, action)
        for text in _placed(typeset, size, read)
    ]
    if set_here:
        return set_here
    return [text for action in actions if action.kind == "check" for text in _expected(action)]


def _typesets(view: View, action: Action) -> Iterator[tuple[Typeset, Size | None]]:
    """What is set, and on a picture of which size; None: what comes after it moves it."""
    steps: Any = action.manifest.get("steps", ())
    named: list[tuple[str, Any]] = [(name, value) for step in steps for name, value in step.items()]
    source = dict(action.inputs).get("input")
    size = view.planned.loaded.expansion.results.get(source or "", (None, ""))[0]
    for index, (name, parameters) in enumerate(named):
        if name == "typeset":
            moved = any(not _stays(each, said) for each, said in named[index + 1 :])
            yield typeset_of(parameters), None if moved else size
        elif name not in _IN_PLACE and size is not None:
            try:
                size = result_size([Step(name=name, parameters=parameters, place=Place(""))], size)
            except PictureError:
                size = None


def _stays(name: str, parameters: Mapping[str, Any]) -> bool:
    return name in _IN_PLACE or (name == "flip" and parameters.get("when") != "always")


def _placed(typeset: Typeset, size: Size | None, read: Read) -> list[dict[str, Any]]:
    placed = None
    if size is not None:
        try:
            placed = lay_out(typeset, size, read).texts
        except ImagebuildError:  # it does not fit, or a font is gone: the build says so
            placed = None
    if placed is not None:
        return [_text(each.role, each.text, list(each.box), typeset.direction, typeset.language) for each in placed]
    return [_text(each.role, each.text, None, typeset.direction, typeset.language) for each in typeset.texts]


def _expected(action: Action) -> list[dict[str, Any]]:
    checks: Any = action.manifest.get("checks")
    copy = checks.get("copy") if isinstance(checks, Mapping) else None
    texts: Sequence[Mapping[str, str]] = copy.get("texts", ()) if isinstance(copy, Mapping) else ()
    language = str(copy.get("language", "")) if isinstance(copy, Mapping) else ""
    way = Locale(language).direction if language else "ltr"
    return [_text(each.get("role", ""), each.get("text", ""), None, way, language) for each in texts]


def _text(role: str, text: str, box: list[int] | None, way: str, language: str) -> dict[str, Any]:
    own = direction_of(text, "rtl" if way == "rtl" else "ltr")
    return {"role": role, "text": text, "box": box, "dir": own, "lang": language if language != "und" else ""}


def _reader(view: View) -> Read:
    """The fonts that a layout names, which are files of the campaign."""
    loaded = view.planned.loaded

    def read(text: str) -> bytes:
        digest = Digest(text)
        path = loaded.expansion.file_of.get(digest)
        data = loaded.files.read(path) if path is not None else view.planned.store.get(digest)
        if digest_of(data) != digest:
            raise ImagebuildError(f"`{path}` changed while it was being read", hint="run the same command again")
        return data

    return read
