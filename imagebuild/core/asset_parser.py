"""One asset of a campaign file → `AssetSpec`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from imagebuild.core import fields
from imagebuild.core.approvals.policy_parser import parse_own_need
from imagebuild.core.cell_parser import parse_exclusions, parse_inclusions
from imagebuild.core.check_parser import parse_checks
from imagebuild.core.checks import Check, merged
from imagebuild.core.document import Node
from imagebuild.core.edit_parser import parse_mask, parse_outside
from imagebuild.core.link_parser import inline_text, parse_link, parse_reference
from imagebuild.core.scope import Scope
from imagebuild.core.setting_parser import parse_settings
from imagebuild.core.shape_parser import parse_focus, parse_masters
from imagebuild.core.spec import SETTING_KEYS, AssetSpec, Exclusion, Inclusion, Settings, SheetSpec
from imagebuild.core.steps.registry import STEPS, parse_steps
from imagebuild.core.steps.sheet import parse_sheet
from imagebuild.core.written import Link, SourceText
from imagebuild.errors import Place, did_you_mean

__all__ = ["ASSET_NAME", "MOST_REFERENCES", "PROMPT_FILE", "parse_asset"]

ASSET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
PROMPT_FILE = re.compile(r"[^\s{}]+\.(j2|jinja|jinja2|txt|md|prompt)\Z")
MOST_REFERENCES = 16


def parse_asset(
    name: str,
    key: Node,
    node: Node,
    below: Settings,
    cells: tuple[tuple[Exclusion, ...], tuple[Inclusion, ...]],
    general: Mapping[str, Check],
    scope: Scope,
) -> AssetSpec:
    """The asset; `below` are the campaign's defaults, `cells` its exclusions and inclusions, `general` its checks."""
    where = f"asset `{name}`"
    prompt_node, from_node, mask_node, output_node = (node.get(each) for each in ("prompt", "from", "mask", "output"))
    own = parse_settings(node, where, scope.problems)
    before = len(scope.problems)
    _check_kind(where, key, node, own, scope)
    over = _over(node.get("over"), where, scope)
    prompt = _prompt(prompt_node, f"{where}: `prompt`", scope) if prompt_node else None
    source = _from(from_node, f"{where}: `from`", scope) if from_node else None
    references = _references(node.get("references"), f"{where}: `references`", scope)
    sheet = _sheet(node, scope)
    mask = parse_mask(mask_node, f"{where}: `mask`", scope)
    keep_outside = parse_outside(node.get("outside"), mask_node is not None, f"{where}: `outside`", scope)
    steps_node = node.get("steps")
    kinds = {"encode": STEPS["encode"]} if node.get("sheet") else STEPS
    steps = parse_steps(steps_node, scope, kinds) if steps_node else ()
    checks = _checks(node.get("checks"), sheet, where, scope)
    output = inline_text(output_node, f"{where}: `output`", scope) if output_node else None
    alt = _alt(node, where, scope)
    approval = parse_own_need(node.get("approval"), where, scope)
    masters_node, paid_over_ratio = node.get("masters"), (prompt_node is not None, "ratio" in over)
    masters = parse_masters(masters_node, where, paid_over_ratio, scope)
    focus = parse_focus(node.get("focus"), where, scope.problems)
    unread = (prompt_node is not None and prompt is None) or (node.get("sheet") is not None and sheet is None)
    broken = len(scope.problems) > before or unread
    return AssetSpec(
        name=name,
        over=over,
        prompt=prompt,
        source=source,
        references=references,
        mask=mask,
        steps=steps,
        output=output,
        keep_outside=keep_outside,
        sheet=sheet,
        checks=merged(general, checks),
        settings=own.over(below),
        exclude=cells[0] + parse_exclusions(node.get("exclude"), (name,), scope),
        include=cells[1] + parse_inclusions(node.get("include"), (name,), scope),
        place=key.place,
        broken=broken,
        focus=focus,
        masters=masters,
        masters_place=masters_node.place if masters_node else None,
        alt=alt,
        approval=approval,
    )


def _checks(node: Node | None, sheet: SheetSpec | None, where: str, scope: Scope) -> dict[str, Check]:
    if node is not None and sheet is not None:
        hint = "check the pictures that are on it"
        scope.problems.add(f"{where}: a sheet is not checked", at=node.place, hint=hint)
    return parse_checks(node, scope, where) if node else {}


def _check_kind(where: str, key: Node, node: Node, own: Settings, scope: Scope) -> None:
    """An asset is paid (it has a prompt) or local; what belongs to the one kind is a mistake in the other."""
    paid, source, mask, sheet = (node.get(each) for each in ("prompt", "from", "mask", "sheet"))
    if paid is None and source is None and sheet is None:
        hint = "`prompt` makes a picture; `from` with `steps` works on another asset's; `sheet` is one picture of many"
        scope.problems.add(f"{where} has neither `prompt`, `from` nor `sheet`", at=key.place, hint=hint)
        return
    both = next((each for each in ("prompt", "from") if sheet is not None and node.get(each) is not None), None)
    if both is not None and sheet is not None:
        hint = f"take out one of them: a sheet is made of what `of` names, and has no `{both}`"
        scope.problems.add(f"{where} has `sheet` and `{both}`", at=sheet.place, hint=hint)
    if mask is not None and not (paid and source):
        hint = "a mask says which part of a picture an edit may change"
        scope.problems.add(f"{where}: a `mask` needs `from` and `prompt`", at=mask.place, hint=hint)
    if paid is not None:
        return
    for setting in SETTING_KEYS:
        if setting in own.places:
            shapes = "for the pixels of a local picture use `steps: [fit: …]`"
            writes = "for how the file is written use `steps: [encode: {format: webp, quality: 82}]`"
            advice = {"size": shapes, "resolution": shapes, "quality": writes, "format": writes}.get(setting)
            what = f"{where}: `{setting}` is for a paid picture, this asset has no `prompt`"
            scope.problems.add(what, at=own.places[setting], hint=advice)
    references = node.key("references")
    if references is not None:
        hint = "add a `prompt`, or take them out"
        scope.problems.add(f"{where}: `references` go with a `prompt`", at=references.place, hint=hint)


def _alt(node: Node, where: str, scope: Scope) -> SourceText | None:
    alt = node.get("alt")
    if alt is None:
        return None
    if node.get("output") is None:
        hint = "only a picture that is delivered is described; add an `output`, or take it out"
        scope.problems.add(f"{where}: `alt` goes with an `output`", at=alt.place, hint=hint)
    return inline_text(alt, f"{where}: `alt`", scope)


def _sheet(node: Node, scope: Scope) -> SheetSpec | None:
    key, value = node.key("sheet"), node.get("sheet")
    if key is None or value is None:
        return None
    options = parse_sheet(key, value, scope)
    of = options.get("of") if options is not None else None
    return SheetSpec(of, options, value.place) if options is not None and isinstance(of, Link) else None


def _over(node: Node | None, where: str, scope: Scope) -> tuple[str, ...]:
    if node is None:
        return ()
    found: list[str] = []
    for name, element in fields.texts(node, f"{where}: `over`", scope.problems):
        if name not in scope.axes:
            hint = did_you_mean(name, scope.axes) or "name it under `axes`"
            scope.problems.add(f"{where}: no axis `{name}`", at=element.place, hint=hint)
        elif name in found:
            scope.problems.add(f"{where}: axis `{name}` stands twice in `over`", at=element.place)
        else:
            found.append(name)
    return tuple(found)


def _prompt(node: Node, what: str, scope: Scope) -> SourceText | None:
    if node.is_mapping:
        if not fields.check_keys(node, ("file", "text"), what, scope.problems):
            return None
        file_node, text_node = node.get("file"), node.get("text")
        if (file_node is None) == (text_node is None):
            hint = "`{file: prompts/scene.j2}` or `{text: A kettle}`"
            scope.problems.add(f"{what} has either `file` or `text`", at=node.place, hint=hint)
            return None
        if text_node:
            return inline_text(text_node, what, scope)
        node = file_node or node
        path = fields.text(node, what, scope.problems)
    else:
        path = fields.text(node, what, scope.problems)
        if path is not None and not PROMPT_FILE.match(path):
            return inline_text(node, what, scope)
    if path is None or not fields.is_relative(path, node, what, scope.problems):
        return None
    return _prompt_file(path, node, what, scope)


def _prompt_file(path: str, node: Node, what: str, scope: Scope) -> SourceText | None:
    content = scope.sources.read(path)
    scope.files.append(path)
    if content is None:
        hint = "paths start at the campaign's folder; `{text: …}` for a prompt that looks like a path"
        scope.problems.add(f"{what}: no file `{path}`", at=node.place, hint=hint)
        return None
    if scope.sources.damaged(path):
        return None
    if not content.strip():
        scope.problems.add(f"{what}: `{path}` is empty", at=node.place, hint="write the prompt into it")
        return None
    place = Place(scope.sources.label(path), 1, 1)
    return SourceText(text=content, file=path, place=place, lines=content.splitlines())


def _from(node: Node, what: str, scope: Scope) -> Link | None:
    value = fields.text(node, what, scope.problems)
    return parse_link(value, node, what, scope) if value else None


def _references(node: Node | None, what: str, scope: Scope) -> tuple[tuple[str | Link, Place], ...]:
    if node is None:
        return ()
    elements = node.elements() if node.is_list else [node]
    if len(elements) > MOST_REFERENCES:
        counted = f"{what}: {len(elements)} pictures, more than the {MOST_REFERENCES} a request may carry"
        scope.problems.add(counted, at=elements[MOST_REFERENCES].place)
        return ()
    found = [(parse_reference(element, what, scope), element.place) for element in elements]
    return tuple((reference, place) for reference, place in found if reference is not None)
