"""The steps of an asset in one of its cells: answers what they ask about it, and works them out one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from imagebuild.core.axis import Ratio
from imagebuild.core.cells import Cell
from imagebuild.core.expanding import Expanding
from imagebuild.core.key import Digest
from imagebuild.core.layouts.parser import Layout
from imagebuild.core.sizes import Size
from imagebuild.core.spec import AssetSpec
from imagebuild.core.steps.kind import Step, Unresolved
from imagebuild.core.steps.registry import resolved, result_size
from imagebuild.core.template import Template, TemplateFault
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import PictureError, Place

__all__ = ["CellOf", "Resolved", "resolve_steps"]


class Resolved(NamedTuple):
    """Steps with canonical parameters; `slots` are (where in the manifest, the action whose result goes there)."""

    steps: tuple[Step, ...]
    size: Size
    slots: tuple[tuple[str, str], ...]


class Compiled(Protocol):
    """An asset's templates."""

    files: set[str]

    def template(self, text: SourceText) -> Template | None:
        """None when there is something wrong with it, which is noted."""
        ...


class CellOf:
    """One cell of an asset, as its steps and checks ask about it."""

    def __init__(
        self, expanding: Expanding, asset: AssetSpec, cell: Cell, address: str, compiled: Compiled, size: Size
    ) -> None:  # fmt: skip
        self.size = size
        self.slots: list[tuple[str, str]] = []
        self.step = 0
        self._expanding = expanding
        self._asset = asset
        self._cell = cell
        self._address = address
        self._compiled = compiled
        self._name = ""

    def at(self, index: int, step: Step) -> None:
        """The step that asks from now on."""
        self.step, self._name = index, step.name

    @property
    def language(self) -> str:
        return next((entry.id for entry in self._cell.entries if entry.axis == "locale"), "und")

    @property
    def ratio(self) -> Ratio | None:
        return next((entry.value for entry in self._cell.entries if isinstance(entry.value, Ratio)), None)

    @property
    def safe(self) -> tuple[float, float, float, float]:
        placement = self.ratio.placement if self.ratio else None
        return (*placement.safe,) if placement is not None else (0.0, 0.0, 0.0, 0.0)

    def render(self, text: SourceText) -> str:
        found = self._rendered(text, in_path=False)
        if found is None:
            raise Unresolved
        return found

    def file(self, path: SourceText) -> Digest:
        written = self._path(path)
        digest = self._expanding.file(written)
        if digest is None:
            raise self.problem(f"no file `{written}`", path.place, "paths start at the campaign's folder")
        return digest

    def read(self, path: SourceText) -> str:
        written = self._path(path)
        text = self._expanding.sources.read(written)
        if text is None:
            raise self.problem(f"no file `{written}`", path.place, "paths start at the campaign's folder")
        return text

    def layout(self, path: SourceText) -> Layout:
        found = self._expanding.layout(self._path(path), path)
        if found is None:
            raise Unresolved
        return found

    def picture(self, what: SourceText | Link, slot: str) -> Digest | None:
        if isinstance(what, SourceText):
            return self.file(what)
        target = self._expanding.target(what, self._cell.entries, self._address)
        if target is None:
            raise Unresolved
        self.slots.append((f"steps[{self.step}].{self._name}.{slot}", target))
        return None

    def problem(self, what: str, at: Place, hint: str | None = None) -> Unresolved:
        """Told once for all cells that have it."""
        fault = TemplateFault(f"asset `{self._asset.name}`: {what}", at, hint)
        self._expanding.prompts.note_fault(fault, self._address)
        return Unresolved()

    def _path(self, path: SourceText) -> str:
        written = self._rendered(path, in_path=True)
        if written is None:
            raise Unresolved
        if written.startswith(("/", "~", "\\")):
            hint = "paths start at the campaign's folder"
            raise self.problem(f"`{written}` is an absolute path", path.place, hint)
        self._compiled.files.add(written)
        return written

    def _rendered(self, text: SourceText, *, in_path: bool) -> str | None:
        template = self._compiled.template(text)
        if template is None:
            raise Unresolved
        prompts = self._expanding.prompts
        render = prompts.render_path if in_path else prompts.render_text
        try:
            return render(template, self._asset, self._cell)
        except TemplateFault as fault:
            prompts.note_fault(fault, self._address)
            raise Unresolved from None


def resolve_steps(steps: Sequence[Step], cell: CellOf) -> Resolved:
    """The steps as they are in a cell. Raises `Unresolved` after noting what is wrong."""
    done: list[Step] = []
    for index, step in enumerate(steps):
        cell.at(index, step)
        found = resolved(step, cell)
        try:
            cell.size = result_size([found], cell.size)
        except PictureError as bad:
            raise cell.problem(bad.what, bad.at or step.place, bad.hint) from None
        done.append(found)
    return Resolved(tuple(done), cell.size, tuple(cell.slots))
