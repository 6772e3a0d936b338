"""The actions of one cell of an asset, from what is paid for to what is delivered.

In their order, and each only where it is asked for: the paid picture (or several, of which one is picked), the local
steps, the check. The last one carries the cell's plain address and its output; those before it are inner ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuild.core.action import Action, Result
from imagebuild.core.address import DRAWN, MASTER, VARIANT
from imagebuild.core.cell_steps import CellOf, Compiled, resolve_steps
from imagebuild.core.cells import Cell
from imagebuild.core.checks import Resolved as Checked
from imagebuild.core.checks import resolve_checks
from imagebuild.core.edits import boxed, put_back
from imagebuild.core.expanding import Expanding
from imagebuild.core.key import KEY_SCHEMA
from imagebuild.core.requests import implied_steps, master_format, paid_manifest, paid_size, tier_of
from imagebuild.core.sizes import Size
from imagebuild.core.spec import AssetSpec, MaskBox
from imagebuild.core.steps.encode import output_format
from imagebuild.core.steps.kind import Step, Unresolved
from imagebuild.core.template import Template
from imagebuild.core.variants import picked, variant_path
from imagebuild.errors import Place

if TYPE_CHECKING:
    from typing import Protocol

    from imagebuild.core.written import Link

    class Work(Compiled, Protocol):
        """What of an asset's part of the expansion its cells ask for."""

        mask: Template | None

        def reference(
            self, each: Link | Template | None, place: Place, cell: Cell, address: str
        ) -> tuple[str, str] | None: ...


__all__ = ["CellActions"]


class CellActions:
    """One cell. `last` is the action whose bytes are delivered, once they are checked where that is asked for."""

    def __init__(
        self, expanding: Expanding, asset: AssetSpec, cell: Cell, address: str, work: Work, output: str | None
    ) -> None:  # fmt: skip
        self.expanding = expanding
        self.asset = asset
        self.cell = cell
        self.address = address
        self.output = output
        self.last = ""
        self.checked: Checked | None = None
        self.prompt: str | None = None
        self._work = work
        self._pairs = tuple((name, entry.id) for name, entry in zip(asset.over, cell.entries, strict=True))
        self._settings = cell.settings.over(asset.settings) if cell.settings else asset.settings

    @property
    def is_checked(self) -> bool:
        return self.checked is not None

    def build(self, prompt: str | None, source: str | None, references: Sequence[tuple[str, str]]) -> bool:
        """Add the actions up to the check. False when something is wrong, which is noted."""
        self.prompt = prompt
        try:
            if prompt is None:
                assert source is not None
                size, form = self.expanding.results.get(source, (None, ""))
                steps = implied_steps(self.asset, self.cell, size, form, self.output, self.expanding.problems)
                self._draw(source, size, form, steps)
            else:
                self._pay(prompt, source, references)
        except Unresolved:
            return False
        return bool(self.last)

    # ---------------------------------------------------------------------------------------------- paid

    def _pay(self, prompt: str, source: str | None, references: Sequence[tuple[str, str]]) -> None:
        expanding, asset, settings = self.expanding, self.asset, self._settings
        source_size = expanding.results[source][0] if source in expanding.results else None
        beside = expanding.sharing.beside(asset, self.cell)
        size = paid_size(asset, self.cell, settings, source_size, expanding.offer, expanding.problems, beside)
        if size is None:
            raise Unresolved
        form = master_format(settings, expanding.offer)
        pictures = ([("asset", source)] if source else []) + list(references)
        mask = self._mask(source_size or size)
        manifest = paid_manifest(
            asset, settings, expanding.offer, prompt=prompt, size=size, pictures=pictures, mask=mask,
            problems=expanding.problems,
        )  # fmt: skip
        inputs = tuple((f"references[{i}]", value) for i, (kind, value) in enumerate(pictures) if kind == "asset")
        restored = put_back(expanding, asset, source, size, source_size, mask)
        steps = implied_steps(asset, self.cell, size, form, self.output, expanding.problems)
        variants = settings.variants or 1
        pick = picked(expanding, asset, settings, self.address)
        if variants == 1:
            is_all = not (restored or steps or self._wants_check())
            own = self.address if is_all else self.address + MASTER
            self._add_paid(own, manifest, inputs, size, form, self.output if is_all else None)
            self.last = own
        else:
            for number in range(1, variants + 1):
                said = {**manifest, "variant": number} if number > 1 else manifest
                path = variant_path(expanding.campaign.output_folder, asset.name, self._pairs, number, form)
                self._add_paid(f"{self.address}{VARIANT}{number}", said, inputs, size, form, path)
            self.last = f"{self.address}{VARIANT}{pick}"
        if restored or steps or variants > 1 or self._wants_check():
            self._draw(self.last, size, form, steps, restored)

    def _mask(self, size: Size) -> object:
        """A mask file's digest, or the box of the picture that may change."""
        mask = self.asset.mask
        if mask is None or isinstance(mask, MaskBox):
            return boxed(self.expanding, self.asset, mask, size) if mask is not None else None
        found = self._work.reference(self._work.mask, mask.place, self.cell, self.address)
        return found[1] if found else None

    def _add_paid(
        self, own: str, manifest: Mapping[str, object], inputs: tuple[tuple[str, str], ...], size: Size, form: str,
        output: str | None,
    ) -> None:  # fmt: skip
        kind = "edit" if self.asset.source else "generate"
        tier = tier_of(self._settings, size, self.expanding.offer)
        self._add(Action(own, self.asset.name, kind, self._pairs, manifest, inputs, output, size, tier), (size, form))

    # ---------------------------------------------------------------------------------------------- drawn

    def _draw(
        self, source: str, size: Size | None, form: str, written: tuple[Step, ...], first: tuple[Step, ...] = ()
    ) -> None:  # fmt: skip
        """The local steps on `source`, where there are any, and what is to be checked of their picture."""
        expanding, asset = self.expanding, self.asset
        if first and not written:
            written = (Step(name="encode", parameters={"format": "png"}, place=asset.place),)
        if size is None:
            self._note(f"the size of `{source}` is not known", asset.place, "build it first")
            raise Unresolved
        cell = CellOf(expanding, asset, self.cell, self.address, self._work, size)
        found = resolve_steps((*first, *written), cell)
        slots = list(found.slots)
        if first:
            paid = expanding.found.actions[source]
            slots.append(("steps[0].put_back.source", dict(paid.inputs)["references[0]"]))
        written_as = output_format(found.steps, form)
        self.checked = self._checks(found.steps, cell, written_as)
        needs_action = bool(found.steps) or not self.is_checked
        if not needs_action:  # the very bytes are checked
            self.last = source
        else:
            own = self.address + DRAWN if self.is_checked else self.address
            output = None if self.is_checked else self.output
            self._add_local(own, source, found.steps, slots, found.size, (form, written_as), output)
            self.last = own
        expanding.results[self.address] = (found.size, written_as)
        if self.last != self.address and self.output is not None:
            expanding.stages[self.address] = self.last  # others need not wait for the check

    def _add_local(
        self, own: str, source: str, steps: tuple[Step, ...], slots: Sequence[tuple[str, str]], size: Size,
        forms: tuple[str, str], output: str | None,
    ) -> None:  # fmt: skip
        manifest: dict[str, object] = {
            "schema": KEY_SCHEMA,
            "operation": "local",
            "input": None,
            "steps": [{step.name: step.parameters} for step in steps],
        }
        if steps:
            names = tuple(step.name for step in steps)
            manifest["tools"] = self.expanding.tools.of_steps(names, forms)
        inputs = (("input", source), *slots)
        action = Action(own, self.asset.name, "local", self._pairs, manifest, inputs, output, size, None)
        self._add(action, (size, forms[1]))

    def _add(self, action: Action, result: Result) -> None:
        self.expanding.found.actions[action.address] = action
        self.expanding.results[action.address] = result

    def _note(self, what: str, at: Place, hint: str | None) -> None:
        problem = f"asset `{self.asset.name}`: {what}"
        self.expanding.problems.add(problem, at=at, hint=hint, once=("cell", self.asset.name, what))

    # ---------------------------------------------------------------------------------------------- checked

    def _wants_check(self) -> bool:
        """Whether there will be a check: known before the picture's steps are worked out."""
        if self.output is None:  # it is only there for others: they wait for what was asked for it, and only for that
            return any(not check.general and not check.off for check in self.asset.checks.values())
        ratio = next((entry.value for entry in self.cell.entries if entry.axis == "ratio"), None)
        return bool(self.asset.checks) or getattr(ratio, "placement", None) is not None

    def _checks(self, steps: tuple[Step, ...], cell: CellOf, form: str) -> Checked | None:
        if not self._wants_check():
            return None
        placement = cell.ratio.placement if cell.ratio and self.output is not None else None
        asked = self.asset.checks.items()
        checks = {name: check for name, check in asked if self.output is not None or not check.general}
        return resolve_checks(
            checks, cell, steps=steps, placement=placement, size=cell.size, form=form,
            captioned=self.expanding.offer.provider == "proof",
        )  # fmt: skip

    def add_check(self, all_cells: Sequence[CellActions]) -> None:
        """The check, which delivers what passes. It may look at pictures of other cells."""
        checked = self.checked
        assert checked is not None
        parameters = dict(checked.parameters)
        inputs = [("input", self.last)]
        if checked.wants_siblings:
            siblings = [other.last for other in all_cells if self._is_earlier_sibling(other)]
            parameters["beside"] = [None] * len(siblings)
            inputs += [(f"checks.beside[{index}]", address) for index, address in enumerate(siblings)]
        manifest: dict[str, object] = {
            "schema": KEY_SCHEMA,
            "operation": "check",
            "input": None,
            "checks": parameters,
            "tools": self.expanding.tools.of_checks(parameters),
        }
        size, form = self.expanding.results[self.last]
        action = Action(
            self.address, self.asset.name, "check", self._pairs, manifest, tuple(inputs), self.output, size, None
        )
        self._add(action, (size, form))

    def _is_earlier_sibling(self, other: CellActions) -> bool:
        """Whether the other is this picture in a language that stands earlier, with other copy."""
        if other is self or self.last == other.last or other.checked is None or self.checked is None:
            return False
        mine, theirs = dict(self._pairs), dict(other._pairs)
        if mine.pop("locale", None) == theirs.pop("locale", None) or mine != theirs:
            return False
        order = [entry.id for entry in self.expanding.campaign.axes["locale"].entries]
        here, there = (dict(each._pairs)["locale"] for each in (self, other))
        if (order.index(there) if there in order else 0) >= (order.index(here) if here in order else len(order)):
            return False
        copy = (self.checked.copy, other.checked.copy)
        return (self.prompt != other.prompt) if not any(copy) else copy[0] != copy[1]
