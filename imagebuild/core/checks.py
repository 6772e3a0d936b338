"""What is checked of a picture before it is delivered, and what that comes to in one cell.

A check stands in a campaign for every delivered asset, or in an asset for its own; `resolve_checks` gives the canonical
parameters of a cell's, with only what they need in them: a longer headline does not make its byte limit be checked
anew. Knows no pixels, and not how checks are written (`check_parser`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from imagebuild.core.layouts.canonical import typeset_of
from imagebuild.core.placements.placement import Placement
from imagebuild.core.sizes import Size, size_text
from imagebuild.core.steps.encode import PAGE_FORMATS
from imagebuild.core.steps.kind import Step, StepCell
from imagebuild.core.written import SourceText
from imagebuild.errors import Place

__all__ = ["CHECK_NAMES", "UNKNOWN_LANGUAGE", "Check", "Resolved", "merged", "resolve_checks"]

CHECK_NAMES: Final = ("file", "text", "contrast", "safe_zones", "palette", "duplicates")

UNKNOWN_LANGUAGE: Final = "und"  # of an asset without a locale
# Steps that may stand after a `typeset` without moving what it drew.
_IN_PLACE: Final = frozenset({"typeset", "overlay", "sharpen", "encode"})
_ASK_FOR_COPY: Final = 'say what it shows: `text: {expect: ["{{ t.headline }}"]}`'


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A check as it is written. `options` may hold `SourceText`s (templates). `general`: it is the campaign's, for
    every delivered asset, and is left out where it asks for nothing; `off`: taken away by `false`."""

    name: str
    options: Mapping[str, object]
    place: Place = field(compare=False)
    general: bool = False
    off: bool = False


class Resolved(NamedTuple):
    """The checks of one cell: their canonical parameters, and the copy that its picture shows as far as is known."""

    parameters: dict[str, object]
    copy: tuple[str, ...]

    @property
    def wants_siblings(self) -> bool:
        """Whether `beside` is to be filled with the digests of the same cell's pictures in other locales."""
        return "duplicates" in self.parameters


def merged(campaign: Mapping[str, Check], asset: Mapping[str, Check]) -> dict[str, Check]:
    """An asset's checks with the campaign's below them; each is taken as a whole from where it is said last."""
    return {name: replace(check, general=True) for name, check in campaign.items()} | dict(asset)


def resolve_checks(
    checks: Mapping[str, Check],
    cell: StepCell,
    *,
    steps: Sequence[Step],
    placement: Placement | None,
    size: Size | None,
    form: str,
    captioned: bool = False,
) -> Resolved | None:
    """The checks of one cell, or None when nothing is to be checked in it. `steps` are the asset's, worked out for the
    cell; `size` and `form` are what they come to. A placement brings its own limits along. `captioned`: the pictures
    are placeholders with a caption in them, so no other words than those expected are looked for. Raises `Unresolved`.
    """
    wanted = {name: check for name, check in checks.items() if not check.off}
    if form in PAGE_FORMATS:
        _refuse_unseen(wanted, cell, form)
        return None
    found: dict[str, Any] = {}
    if "file" not in checks or not checks["file"].off:
        found |= _file(wanted.get("file"), cell, placement, size, form)
    copy = _Copy(wanted.get("text"), cell, steps)
    for name in CHECK_NAMES:
        resolve = _RESOLVE.get(name)
        if resolve is not None and name in wanted:
            found |= resolve(wanted[name], cell, copy)
    if captioned:
        found.pop("plate", None)
        found |= {"text": {**found["text"], "extra": False}} if "text" in found else {}
    if not found:
        return None
    return Resolved(found | copy.parameters(found), tuple(text["text"] for text in copy.texts))


def _refuse_unseen(checks: Mapping[str, Check], cell: StepCell, form: str) -> None:
    """Of a format that is written and not read."""
    for name, check in checks.items():
        if not check.general:
            raise cell.problem(f"`checks.{name}` cannot look into a {form}", check.place, "deliver another format")


def _file(
    check: Check | None, cell: StepCell, placement: Placement | None, size: Size | None, form: str
) -> dict[str, object]:
    if check is None and placement is None:
        return {}
    said: Mapping[str, Any] = check.options if check else {}
    if check is not None:
        _agrees(check, said, cell, size, form)
    limits: dict[str, object] = {}
    planned = size if check and not said else None
    if exact := said.get("size") or planned or (placement and placement.size):
        limits["size"] = list(exact)
    formats = said.get("formats") or (placement.formats if placement else ()) or ((form,) if planned else ())
    if formats:
        limits["formats"] = list(formats)
    most = [number for number in (said.get("max_bytes"), placement and placement.max_bytes) if number]
    if most:
        limits["max_bytes"] = min(most)
    if placement:
        limits["placement"] = placement.name
    return {"file": limits}


def _agrees(check: Check, said: Mapping[str, Any], cell: StepCell, size: Size | None, form: str) -> None:
    """A limit that the planned picture cannot keep is told before anything is paid for."""
    exact, formats = said.get("size"), said.get("formats")
    if exact and size and tuple(exact) != size:
        hint = f"give it an exact size with `fit`, or in the axis `ratio`: `{size_text(exact)}`"
        what = f"`checks.file` wants {size_text(exact)}, the picture is planned as {size_text(size)}"
        raise cell.problem(what, check.place, hint)
    if formats and form not in formats:
        wanted = " or ".join(formats)
        what = f"`checks.file` wants {wanted}, the picture is planned as {form}"
        raise cell.problem(what, check.place, "change the ending of `output`; or `file: false` in the asset's checks")


class _Copy:
    """What a cell's picture shows: what `expect` says, else what its `typeset` steps draw."""

    def __init__(self, check: Check | None, cell: StepCell, steps: Sequence[Step]) -> None:
        self.drawn = [step.parameters for step in steps if step.name == "typeset"]
        self.moved = _moved(steps)
        set_texts = [(text.role, text.text) for each in self.drawn for text in typeset_of(each).texts]
        said = check.options if check else {}
        expect = said.get("expect")
        texts = [("", text) for text in _rendered(expect, cell)] if isinstance(expect, tuple) else set_texts
        self.allowed = _rendered(said.get("allow"), cell)
        self.texts = [{"role": role, "text": text} for role, text in texts]
        inked = {_folded(text) for _, text in set_texts} if self.moved is None else set()
        self.all_drawn = all(_folded(text) in inked for _, text in texts)
        self.language = str(said.get("language") or (self.drawn[0]["language"] if self.drawn else cell.language))

    @property
    def placed(self) -> bool:
        """Whether it is known to the pixel where a `typeset` step drew."""
        return bool(self.drawn) and self.moved is None

    def parameters(self, found: Mapping[str, object]) -> dict[str, object]:
        """What the checks that were found need of the copy."""
        reads = "text" in found or "plate" in found or ("safe_zones" in found and not self.all_drawn)
        needs: dict[str, object] = {}
        if reads:
            texts = [] if "plate" in found else self.texts
            needs["copy"] = {"language": self.language, "texts": texts, "allowed": self.allowed}
        if self.placed and any(name in found for name in ("text", "contrast", "safe_zones")):
            needs["typeset"] = self.drawn
        return needs


def _rendered(texts: object, cell: StepCell) -> list[str]:
    """Templates' texts in a cell; those that come out empty are left out."""
    given = texts if isinstance(texts, tuple) else ()
    rendered = [_folded(cell.render(each)) for each in given if isinstance(each, SourceText)]
    return [text for text in rendered if text]


def _folded(text: str) -> str:
    return " ".join(text.split())


def _moved(steps: Sequence[Step]) -> Step | None:
    """The step after a `typeset` that moves what was drawn, so that nobody can say where it is."""
    names = [step.name for step in steps]
    after = steps[names.index("typeset") :] if "typeset" in names else ()
    for step in after:
        own_code = step.name == "python" and not step.parameters.get("size")
        if step.name not in _IN_PLACE and not own_code:
            return step
    return None


def _text(check: Check, cell: StepCell, copy: _Copy) -> dict[str, object]:
    unverified = {"unverified": check.options["unverified"]}
    if check.options.get("expect") == "none":
        if copy.drawn:
            hint = "`text: none` is for pictures without words; `text: true` reads what is typeset"
            raise cell.problem("it has a `typeset` step, and `text: none`", check.place, hint)
        return {"plate": unverified}
    if check.options.get("expect") is None and not copy.drawn:
        what = "`checks.text` does not know what the picture shall say"
        hint = f"{_ASK_FOR_COPY}; `text: none` for a picture without words; `text: false` for no check"
        raise cell.problem(what, check.place, hint)
    return {"text": {"least": check.options["least"], **unverified}}


def _contrast(check: Check, cell: StepCell, copy: _Copy) -> dict[str, object]:
    if not copy.drawn and check.general:
        return {}
    if not copy.drawn:
        what = "`checks.contrast` is of what a `typeset` step draws, and there is none"
        raise cell.problem(what, check.place, "take `contrast` out")
    _check_unmoved(check, cell, copy)
    return {"contrast": {"least": check.options.get("least")}}


def _safe_zones(check: Check, cell: StepCell, copy: _Copy) -> dict[str, object]:
    if not copy.texts and not copy.drawn and check.general:
        return {}
    if not copy.texts and not copy.drawn:
        what = "`checks.safe_zones` does not know what the picture shall say"
        raise cell.problem(what, check.place, _ASK_FOR_COPY)
    _check_unmoved(check, cell, copy)
    unread = {} if copy.all_drawn else {"unverified": check.options["unverified"]}
    return {"safe_zones": {"safe": list(cell.safe), **unread}}


def _check_unmoved(check: Check, cell: StepCell, copy: _Copy) -> None:
    if copy.moved is not None:
        what = f"step `{copy.moved.name}` moves what `typeset` drew, so `checks.{check.name}` cannot find it"
        raise cell.problem(what, copy.moved.place, f"let `typeset` stand after `{copy.moved.name}`")


def _palette(check: Check, _cell: StepCell, _copy: _Copy) -> dict[str, object]:
    return {"palette": dict(check.options)}


def _duplicates(check: Check, cell: StepCell, _copy: _Copy) -> dict[str, object]:
    if cell.language == UNKNOWN_LANGUAGE and check.general:
        return {}
    if cell.language == UNKNOWN_LANGUAGE:
        what = "`checks.duplicates` compares locales, and the asset has none"
        raise cell.problem(what, check.place, "add `locale` to `over`, or take `duplicates` out")
    return {"duplicates": dict(check.options)}


_RESOLVE: Final = {
    "text": _text,
    "contrast": _contrast,
    "safe_zones": _safe_zones,
    "palette": _palette,
    "duplicates": _duplicates,
}
