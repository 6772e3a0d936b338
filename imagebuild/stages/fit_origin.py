"""Where the copy of a typeset step comes from: the strings behind a text, and where the layout says how it is set.

Looks at what is read already, and at layout files again; knows nothing of whether copy fits.
"""

from __future__ import annotations

from typing import NamedTuple

from imagebuild.core.action import Action
from imagebuild.core.address import base_of
from imagebuild.core.cells import Cell, cells_of
from imagebuild.core.layouts.parser import Layout, parse_layout
from imagebuild.core.prompts import Prompts
from imagebuild.core.sizes import Size
from imagebuild.core.spec import AssetSpec
from imagebuild.core.steps.kind import Step
from imagebuild.core.steps.typeset import tidy_copy
from imagebuild.core.strings import Strings
from imagebuild.core.template import Template, Templates
from imagebuild.core.written import SourceText
from imagebuild.errors import Place, Problems
from imagebuild.stages.read import Loaded, Spec

__all__ = ["Origin", "Origins", "Use"]


class Use(NamedTuple):
    """A picture that copy is set into. `step`: which of its typeset steps it is, from 0."""

    action: Action
    step: int

    @property
    def address(self) -> str:
        return base_of(self.action.address)

    @property
    def locale(self) -> str:
        """Empty where the asset has no locale axis."""
        return dict(self.action.cell).get("locale", "")


class Origin(NamedTuple):
    """A text's strings, the place of the first of them (or of the text in the campaign), and the text as it stands
    there when it is that string alone."""

    keys: tuple[str, ...]
    place: Place | None
    raw: str | None


class Origins:
    """Asked only about assets that could be worked out: their templates compile, their layouts are whole."""

    def __init__(self, spec: Spec, loaded: Loaded) -> None:
        self._campaign = spec.campaign
        self._sources = spec.sources
        self._strings: Strings | None = loaded.strings
        self._templates = Templates(spec.sources, Problems())
        self._prompts = Prompts(spec.campaign, loaded.strings, Problems())
        self._layouts: dict[str, Layout | None] = {}

    def of(self, use: Use, role: str, text: str) -> Origin:
        """Where a text comes from."""
        written = self._texts(use).get(role)
        template = self._templates.compile(written) if written is not None else None
        if written is None or template is None:
            return Origin((), None, None)
        keys = self._keys(use, template)
        strings = self._strings
        if strings is None or not keys or not use.locale:
            return Origin((), written.place, None)
        found = [strings.lookup(use.locale, key) for key in keys]
        place = next((each.text.place for each in found if each is not None), written.place)
        values = [each.text.value for each in found if each is not None and isinstance(each.text.value, str)]
        return Origin(keys, place, next((each for each in values if tidy_copy(each) == text), None))

    def layout(self, use: Use) -> Layout | None:
        """The layout of a picture's step, None where it cannot be told."""
        path = self._step(use).parameters["layout"]
        template = self._templates.compile(path) if isinstance(path, SourceText) else None
        if template is None:
            return None
        written = self._prompts.render_path(template, self._asset(use), self._cell(use))
        if written is not None and written not in self._layouts:
            text, label = self._sources.read(written), self._sources.label(written)
            self._layouts[written] = parse_layout(text, file=label, problems=Problems()) if text is not None else None
        return self._layouts[written] if written is not None else None

    def shape(self, use: Use, size: Size) -> tuple[str, dict[str, float], dict[str, Place]]:
        """The name of a picture's shape; of each role in it, what its sizes are multiplied with, and where it says
        so."""
        layout = self.layout(use)
        shape = layout.shape_for(size) if layout is not None else None
        if shape is None:
            return "", {}, {}
        scale = shape.scale_for(size)
        scales = {text.role: scale if text.scaled else 1.0 for text in shape.texts}
        return shape.name, scales, {text.role: text.place for text in shape.texts}

    def _asset(self, use: Use) -> AssetSpec:
        return self._campaign.assets[use.action.asset]

    def _step(self, use: Use) -> Step:
        return [step for step in self._asset(use).steps if step.name == "typeset"][use.step]

    def _texts(self, use: Use) -> dict[str, SourceText]:
        texts = self._step(use).parameters["text"]
        assert isinstance(texts, dict)
        return texts

    def _cell(self, use: Use) -> Cell:
        box = {axis: (identity,) for axis, identity in use.action.cell}
        return next(cells_of(self._asset(use), self._campaign.axes, set(), (box,)))

    def _keys(self, use: Use, template: Template) -> tuple[str, ...]:
        """The strings that a template reads; which ones, where it works out their names, its cell says."""
        if self._strings is None:
            return ()
        found: set[str] = set()
        for chain in template.chains:
            if chain[0] != "t":
                continue
            names = (".".join(chain[1:length]) for length in range(len(chain), 1, -1))
            key = next((name for name in names if name in self._strings.keys), None)
            if key is None:
                values = self._prompts.values_read(template, self._asset(use), self._cell(use))
                return tuple(sorted(name[2:] for name in values if name.startswith("t.")))
            found.add(key)
        return tuple(sorted(found))
