"""The step `typeset`: what a campaign writes, and what it comes to in one cell.

Chooses the layout's shape for the picture, fills in the copy, names files by digest, and keeps only what that shape
uses, so that editing another shape, or a role it does not show, leaves the key as it is. Draws nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, cast

from imagebuild.core.layouts.canonical import (
    FontChoice,
    Group,
    Item,
    PictureItem,
    RuleItem,
    TextItem,
    Typeset,
    canonical_typeset,
)
from imagebuild.core.layouts.spec import (
    BrandFont,
    GroupSpec,
    ItemSpec,
    Layout,
    PictureSpec,
    RuleSpec,
    ShapeSpec,
    TextSpec,
    built_in_shape,
)
from imagebuild.core.locale import Locale, canonical_tag
from imagebuild.core.sizes import size_text
from imagebuild.core.steps.kind import StepCell, StepKind, Unresolved
from imagebuild.core.steps.values import Given, Parameters
from imagebuild.core.writing import JOINT_SCRIPTS, scripts_in
from imagebuild.core.written import SourceText
from imagebuild.errors import did_you_mean

__all__ = ["TYPESET", "tidy_copy"]

GAP: Final = 0.035  # between items, of the shorter edge, where a group does not say it

_BREAKS = re.compile("[ \t]*(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])[ \t]*")
_BLANKS = re.compile("[ \t]+")


def _parse(given: Given) -> Parameters:
    layout, text, language = given.template("layout"), given.templates("text"), given.template("language")
    if layout is None and "layout" not in given.nodes and not given.problems:
        hint = "e.g. `layout: layouts/hero.yaml`"
        given.problems.add("step `typeset` needs `layout`", at=given.place, hint=hint)
    mirror = given.boolean("mirror") if "mirror" in given.nodes else None
    return {"layout": layout, "text": text, "mirror": mirror, "language": language}


def _resolve(parameters: Parameters, cell: StepCell) -> Parameters:
    return _Resolving(parameters, cell).parameters()


class _Resolving:
    """One step in one cell. What is wrong is noted, all of it, before `Unresolved` is raised."""

    def __init__(self, parameters: Parameters, cell: StepCell) -> None:
        self.cell = cell
        self.path = cast("SourceText", parameters["layout"])
        self.texts = cast("dict[str, SourceText]", parameters["text"])
        self.said_mirror = cast("bool | None", parameters["mirror"])
        self.said_language = cast("SourceText | None", parameters["language"])
        self.label = self.path.text
        self.scale, self.lines = 1.0, 1  # of the shape
        self.wrong: Unresolved | None = None

    def parameters(self) -> Parameters:
        layout = self.cell.layout(self.path)
        self.label = layout.label
        language = self._language()
        self._check_texts(layout)
        shape = self._shape(layout)
        self.scale, self.lines = shape.scale_for(self.cell.size), shape.lines_for(self.cell.size)
        groups = [group for each in shape.groups if (group := self._group(each)) is not None]
        if self.wrong is not None:
            raise self.wrong
        direction, script = _way_of(language)
        fonts = self._fonts(layout, [item for group in groups for item in group.items], script)
        mirror = layout.mirror if self.said_mirror is None else self.said_mirror
        groups = [group._replace(items=tuple(_with_family(item, fonts) for item in group.items)) for group in groups]
        in_safe = "safe" in [*(area.frame for area in shape.areas), *(group.frame for group in groups)]
        typeset = Typeset(
            language=language,
            direction=direction,
            mirrored=mirror and direction == "rtl",
            safe=self.cell.safe if in_safe else (0.0, 0.0, 0.0, 0.0),
            fonts=fonts,
            areas=shape.areas,
            groups=tuple(groups),
        )
        return canonical_typeset(typeset)

    def _language(self) -> str:
        if self.said_language is None:
            return self.cell.language
        written = self.cell.render(self.said_language)
        tag = canonical_tag(written)
        if tag is None:
            hint = "BCP 47, e.g. `de-DE`, `ja`"
            self._note(f"`language` of step `typeset`: `{written}` is not a language tag", self.said_language, hint)
        return tag or self.cell.language

    def _note(self, what: str, at: SourceText, hint: str | None = None) -> None:
        self.wrong = self.cell.problem(what, at.place, hint)

    def _check_texts(self, layout: Layout) -> None:
        """A text that no shape shows is a slip of the pen; one that only this shape leaves out is not."""
        for role, text in self.texts.items():
            if role not in layout.roles:
                near = did_you_mean(role, layout.roles)
                self._note(f"`text.{role}`: no shape of `{layout.label}` shows the role `{role}`", text, near)

    def _shape(self, layout: Layout) -> ShapeSpec:
        size = self.cell.size
        shape = layout.shape_for(size)
        if shape is None:
            built_in = built_in_shape(size)
            known = ", ".join(f"`{each.name}`" for each in layout.shapes)
            what = f"`{layout.label}` has no shape for a picture of {size_text(size)}, which is a {built_in}"
            hint = f"it has {known}; add `{built_in}`, or say `nearest: true`"
            raise self.cell.problem(what, self.path.place, hint)
        return shape

    def _group(self, group: GroupSpec) -> Group | None:
        """The group, None when its texts are left out and nothing but lines remains."""
        items = [self._item(spec) for spec in group.items]
        kept = _without_stray_lines(items)
        if None in items and all(isinstance(item, RuleItem) for item in kept):
            return None
        gap = GAP * self.scale if group.gap is None else group.gap
        return Group(
            box=group.box,
            frame=group.frame,
            valign=group.valign,
            gap=_rounded(gap) if len(kept) > 1 else 0.0,
            items=kept,
            scrim=group.scrim if any(isinstance(item, TextItem) for item in kept) else None,
        )

    def _item(self, spec: ItemSpec) -> Item | None:
        """None for a text that is left out."""
        factor = self.scale if spec.scaled else 1
        if isinstance(spec, RuleSpec):
            return RuleItem(spec.length, _rounded(spec.thickness * factor), spec.color, spec.align)
        if isinstance(spec, PictureSpec):
            return PictureItem(spec.role, self.cell.file(spec.picture), _rounded(spec.height * factor), spec.align)
        text = self._text(spec)
        if not text:
            return None
        least, greatest = (_rounded(size * factor) for size in spec.sizes)
        return TextItem(
            role=spec.role,
            text=text,
            sizes=(least, greatest),
            lines=spec.lines * (self.lines if spec.lines_scaled else 1),
            weight=spec.weight,
            family=spec.family,
            align=spec.align,
            inks=spec.inks,
            contrast=spec.contrast,
            leading=spec.leading,
            button=spec.button,
        )

    def _text(self, spec: TextSpec) -> str:
        template = self.texts.get(spec.role)
        if template is None:
            if not spec.optional:
                what = f"`{self.label}` shows the role `{spec.role}` here, and the step has no text for it"
                hint = f"add `{spec.role}: …` to `text`, or say `optional: true` at {spec.place}"
                self._note(what, self.path, hint)
            return ""
        text = tidy_copy(self.cell.render(template))
        if not text and not spec.optional:
            hint = "an item that says `optional: true` in the layout is left out then"
            self._note(f"`text.{spec.role}` is empty", template, hint)
        return text

    def _fonts(self, layout: Layout, items: Iterable[Item], own: str) -> dict[str, tuple[FontChoice, ...]]:
        """The families that the items use, and of each the files that can come to be used for their copy: in `own`,
        the script of the language, or in those of its characters."""
        texts: dict[str, list[str]] = {}
        for item in items:
            if isinstance(item, TextItem) and item.family:
                texts.setdefault(item.family, []).append(item.text)
        found = {}
        for family, of_family in sorted(texts.items()):
            used = scripts_in(of_family)
            files = [choice for font in layout.fonts[family] if (choice := self._font(font, used, own)) is not None]
            if files:
                found[family] = tuple(files)
        return found

    def _font(self, font: BrandFont, used: frozenset[str], own: str) -> FontChoice | None:
        scripts = _scripts_of(font.scripts, own)
        if font.scripts and not scripts & (used | _scripts_of((own,), own)):
            return None
        return FontChoice(self.cell.file(font.path), tuple(sorted(scripts)))


def _way_of(language: str) -> tuple[Literal["ltr", "rtl"], str]:
    """The direction and script of a language; of none that is said, what most are read in."""
    if language == "und":
        return "ltr", ""
    locale = Locale(language)
    return cast("Literal['ltr', 'rtl']", locale.direction), locale.script


def _without_stray_lines(items: Sequence[Item | None]) -> tuple[Item, ...]:
    """The line before an item that is left out goes with it; of a group's first item, the line after it."""
    kept: list[Item] = []
    first_is_out = False
    for item in items:
        if item is None:
            first_is_out = not kept
            if kept and isinstance(kept[-1], RuleItem):
                kept.pop()
        elif isinstance(item, RuleItem) and first_is_out:
            first_is_out = False
        else:
            kept.append(item)
            first_is_out = False
    return tuple(kept)


def _scripts_of(named: Sequence[str], own: str) -> frozenset[str]:
    """The characters' scripts that names stand for. `Hans`, `Hant`, `Jpan` and `Kore` share characters: each stands
    for what is written in it, and for nothing in a cell of another."""
    found: set[str] = set()
    for name in named:
        if name not in JOINT_SCRIPTS:
            found.add(name)
        elif name == own or name == "Hrkt":
            found.update(JOINT_SCRIPTS[name])
    return frozenset(found - {""})


def _with_family(item: Item, fonts: dict[str, tuple[FontChoice, ...]]) -> Item:
    """A family of which no file is used is none."""
    return item._replace(family="") if isinstance(item, TextItem) and item.family not in fonts else item


def _rounded(length: float) -> float:
    """So that 0.1 times 3 is 0.3."""
    return round(length, 6)


def tidy_copy(text: str) -> str:
    """Copy as it is set: runs of blanks are one, none stand at a line's ends, no line is empty. Line breaks are kept;
    so are no-break and other spaces of a width, which somebody meant."""
    lines = (_BLANKS.sub(" ", line).strip(" ") for line in _BREAKS.split(text))
    return "\n".join(line for line in lines if line.strip())


TYPESET: Final = StepKind(
    parse=_parse,
    resolve=_resolve,
    result_size=lambda _, size: size,
    templates=("layout", "text", "language"),
    draws_text=True,
    schema={
        "description": "Copy, logo and surfaces, set into the picture as a layout says. Exact in every script; free.",
        "type": "object",
        "required": ["layout"],
        "additionalProperties": False,
        "properties": {
            "layout": {
                "description": "A layout file (schemas/layout.schema.json), its path from the campaign's folder; may "
                "be a template.",
                "type": "string",
                "pattern": "\\S",
                "examples": ["layouts/hero.yaml"],
            },
            "text": {
                "description": "The text of each role, templates. Line breaks in them are kept.",
                "type": "object",
                "additionalProperties": {"type": "string", "pattern": "\\S"},
                "examples": [{"headline": "{{ t.headline }}", "cta": "{{ t.cta }}"}],
            },
            "mirror": {
                "description": "Whether left and right change places in what is read from right to left. Default: as "
                "the layout says, and it says yes.",
                "type": "boolean",
            },
            "language": {
                "description": "The language tag of the copy, may be a template. Default: the cell's locale.",
                "type": "string",
                "pattern": "\\S",
                "examples": ["ja", "{{ product.language }}"],
            },
        },
    },
)
