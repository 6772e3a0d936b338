"""What templates say in each cell: the values they see, rendering that is shared between cells which differ only in
axes a template does not read, and the strings found missing on the way, gathered into one message a string.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from imagebuild.core.axis import Entry, Fields, Ratio
from imagebuild.core.cells import Cell
from imagebuild.core.spec import SETTING_KEYS, AssetSpec, Campaign, Inclusion
from imagebuild.core.strings import MissingText, SkipCell, Strings, Translator, UnfinishedKey
from imagebuild.core.template import Template, TemplateFault, Templates, resolve
from imagebuild.core.template_mistakes import NoPart
from imagebuild.core.template_place import first_use, line_place
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = ["Prompts"]


class Prompts:
    def __init__(self, campaign: Campaign, strings: Strings | None, problems: Problems) -> None:
        self._campaign = campaign
        self._strings = strings
        self._problems = problems
        self._variables = Fields(campaign.variables, "vars")
        self._translators: dict[str, Translator] = {}
        self._rendered: dict[tuple[int, bool, str, tuple[str, ...]], str | Exception] = {}
        self._slugs: dict[str, Ratio] = {}
        self._missing: dict[tuple[str, Place], list[MissingText]] = {}
        self._read: dict[str, set[str]] = {}  # asset → the variables that its templates read
        self.last_skip = ""

    def check(self, templates: Templates, template: Template, asset: AssetSpec, where: str) -> None:
        """Every name the template reads must be there in every cell of the asset."""
        axes = self._campaign.axes
        known = {"asset", "vars", *asset.over, *self._campaign.variables}
        self._read.setdefault(asset.name, set()).update(
            chain[1] if chain[0] == "vars" and len(chain) > 1 else chain[0] for chain in template.chains
        )
        for each in asset.include:
            if not each.assets or asset.name in each.assets:
                known.update(each.variables)
        if "locale" in asset.over and (self._strings is not None or not axes["locale"].whole):
            known.add("t")
        if asset.broken:  # what its cells would have is not known
            known.update(axes, "t")

        def hint(name: str) -> str | None:
            if name == "t" and "locale" not in asset.over:
                return f"strings need a language: add `locale` to `over` of `{asset.name}`"
            if name == "t":
                return 'say where the strings are: `locale: {strings: "strings/{locale}.yaml"}`'
            if name in axes:
                return f"add `{name}` to `over` of `{asset.name}`"
            return None

        templates.check_names(template, known, f"asset `{asset.name}`: {where}", hint)

    def context(self, asset: AssetSpec, cell: Cell, *, in_path: bool = False) -> dict[str, object]:
        context: dict[str, object] = {**self._campaign.variables, **cell.variables}
        context["vars"] = (
            Fields({**self._campaign.variables, **cell.variables}, "vars") if cell.variables else self._variables
        )
        context["asset"] = asset.name
        for entry in cell.entries:
            context[entry.axis] = self._slug(entry) if in_path else entry.value
            if entry.axis == "locale" and self._strings is not None:
                context["t"] = self._translator(entry.id).t
        return context

    def _slug(self, entry: Entry) -> object:
        """A ratio in a path is written `16x9`: a colon cannot stand in a file's name everywhere."""
        if not isinstance(entry.value, Ratio):
            return entry.value
        if entry.id not in self._slugs:
            self._slugs[entry.id] = replace(entry.value, name=entry.value.slug)
        return self._slugs[entry.id]

    def _translator(self, tag: str) -> Translator:
        found = self._translators.get(tag)
        if found is None:
            assert self._strings is not None
            found = self._translators[tag] = Translator(self._strings, tag)
        return found

    def render(self, template: Template, asset: AssetSpec, cell: Cell) -> str | None:
        """The prompt; None when the cell is skipped (a string is missing, and the campaign says to skip then)."""
        text = self._shared(template, asset, cell, in_path=False)
        if text == "":
            raise TemplateFault("the prompt is empty", line_place(template.source, 1))
        return text

    def render_text(self, template: Template, asset: AssetSpec, cell: Cell) -> str | None:
        """A text, which may be empty; None when the cell is skipped."""
        return self._shared(template, asset, cell, in_path=False)

    def render_path(self, template: Template, asset: AssetSpec, cell: Cell) -> str | None:
        text = self._shared(template, asset, cell, in_path=True)
        if text is not None and "\n" in text:
            raise TemplateFault("the path runs over several lines", template.source.place, "a path is one line")
        return text

    def _shared(self, template: Template, asset: AssetSpec, cell: Cell, *, in_path: bool) -> str | None:
        names = template.names
        read = tuple(
            entry.id for entry in cell.entries if entry.axis in names or (entry.axis == "locale" and "t" in names)
        )
        identity = (id(template), in_path, asset.name, read)
        outcome = None if cell.variables else self._rendered.get(identity)
        if outcome is None:
            try:
                outcome = template.render(self.context(asset, cell, in_path=in_path))
            except (MissingText, SkipCell, TemplateFault) as bad:
                outcome = bad
            if not cell.variables:
                self._rendered[identity] = outcome
        if isinstance(outcome, str):
            return outcome
        if isinstance(outcome, MissingText):
            self._note_missing(outcome, template)
        elif isinstance(outcome, SkipCell):
            self.last_skip = f"no string `{outcome.key}`"
        else:
            raise outcome
        return None

    def _note_missing(self, missing: MissingText, template: Template) -> None:
        chain = ("t",) if missing.key == "t" else ("t", *missing.key.split("."))
        place = first_use(template.sources, chain, whole=isinstance(missing, UnfinishedKey))
        found = self._missing.setdefault((missing.key, place), [])
        if all(each.tag != missing.tag for each in found):
            found.append(missing)

    def report_missing(self) -> None:
        """One message a missing string, with all the locales that lack it. What a catalogue with mistakes of its own
        lacks is not told: it may be there once they are put right."""
        for (key, place), found in self._missing.items():
            assert self._strings is not None
            if key not in self._strings.keys and self._strings.damaged:
                continue
            tags = [each.tag for each in found if not self._strings.is_damaged(each.tag)]
            if not tags:
                continue
            named = ", ".join(tags[:6]) + (f" and {len(tags) - 6} more" if len(tags) > 6 else "")
            hint = found[0].hint
            if isinstance(found[0], UnfinishedKey):
                what = f"`{key if key == 't' else 't.' + key}` is no text but a group of texts"
            elif key not in self._strings.keys:
                what = f"no string `{key}`"
            else:
                what = f"string `{key}` is missing in {named}"
                if len(tags) > 1:
                    hint = f"add it to their strings, or let it fall back: `missing: {{{key}: fallback}}`"
            self._problems.add(what, at=place, hint=hint)

    def note_fault(self, fault: TemplateFault, address: str) -> None:
        """A template that fails in a thousand cells is told once, with the first of them."""
        met = f"first met in `{address}`" if "[" in address else None
        hint = "\n".join(filter(None, (fault.hint, met)))
        self._problems.add(fault.what, at=fault.at, hint=hint or None, once=("fault", fault.at))

    def check_variables(self, inclusions: tuple[Inclusion, ...]) -> None:
        """A variable of an inclusion that no template of its assets reads is a slip of the pen."""
        for each in inclusions:
            meant = [name for name in each.assets or self._campaign.assets if name in self._read]
            read = set().union(*(self._read[name] for name in meant))
            for name in each.variables:
                if name not in read and "vars" not in read:
                    near = did_you_mean(name, [*SETTING_KEYS, *self._campaign.axes]) or ""
                    hint = near if "mean" in near else "it is no setting and no axis, and no template reads it"
                    at = each.place
                    column = at.text.find(name)
                    if column >= 0:
                        at = Place(at.file, at.line, column + 1, len(name), at.text)
                    self._problems.add(f"`include`: nothing asks for `{name}`", at=at, hint=hint)

    def values_read(self, template: Template, asset: AssetSpec, cell: Cell) -> Mapping[str, str]:
        """Every value the template reads in this cell, by name; strings with the place they stand in."""
        context = self.context(asset, cell)
        translator: Translator | None = None
        if "t" in context:
            tag = next(entry.id for entry in cell.entries if entry.axis == "locale")
            assert self._strings is not None
            translator = Translator(self._strings, tag)
            context["t"] = translator.t
        template.render(context)
        values: dict[str, str] = {}
        for chain in sorted(template.chains):
            if chain[0] == "t":
                continue
            try:
                values[".".join(chain)] = _shown(resolve(chain, context))
            except NoPart:
                continue
        if translator is not None:
            for key, found in translator.used.items():
                values[f"t.{key}"] = _shown(found.text.value)
        return values


def _shown(value: object) -> str:
    if isinstance(value, Fields):
        return "{" + ", ".join(f"{name}: {_shown(value[name])}" for name in value) + "}"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_shown(child)}" for name, child in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_shown(child) for child in value) + "]"
    return str(value)
