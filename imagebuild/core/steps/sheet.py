"""A sheet: one picture of many, as a designer lays out a contact sheet. What is written under `sheet:`, and what it
comes to in canonical form.

Where everything lies is `sheet_frame`'s. Knows no pixels, and not which pictures a sheet is of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from imagebuild.core import fields
from imagebuild.core.colors import COLOR_HINT, canonical_color
from imagebuild.core.document import Node, plain
from imagebuild.core.key import Digest
from imagebuild.core.link_parser import inline_text, parse_link
from imagebuild.core.locale import canonical_tag, fallback_chain
from imagebuild.core.scope import Scope
from imagebuild.core.sizes import Size
from imagebuild.core.steps.sheet_frame import sheet_frame
from imagebuild.core.steps.values import COLOR_SCHEMA, Parameters
from imagebuild.errors import Problems, did_you_mean
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import cldr
else:
    cldr = lazy("imagebuild.core.cldr")  # a campaign without a sheet needs no names of languages

__all__ = [
    "SHEET_SCHEMA",
    "Label",
    "SheetCell",
    "check_sheet_format",
    "locale_label",
    "parse_sheet",
    "sheet_parameters",
    "sheet_size",
]

PAGES: Final = ("one", "paged", "animated")
FORMATS: Final[Mapping[str, tuple[str, ...]]] = {
    "one": ("png", "jpeg", "webp", "avif", "gif", "pdf"),
    "paged": ("pdf",),
    "animated": ("webp", "gif"),
}
_KEYS: Final = (
    "of", "rows", "columns", "title", "labels", "gap", "background", "cell", "width", "pages", "seconds",
)  # fmt: skip
_CELL: Final[Mapping[str, int]] = {"one": 320, "paged": 1200, "animated": 800}


class Label(NamedTuple):
    """Words of a sheet in their language, and a smaller word beside them."""

    text: str
    language: str
    note: str = ""


class SheetCell(NamedTuple):
    """A picture of a sheet; None: another asset's, not made yet. Its row's and column's names where the sheet has them;
    otherwise its own label stands below it."""

    picture: Digest | None
    label: Label
    row: Label | None
    column: Label | None


def locale_label(tag: str) -> Label:
    """`Deutsch`, and its tag beside it; a tag that nobody knows is its own name."""
    canonical = canonical_tag(tag) or tag
    language, *rest = canonical.split("-")
    script = next((part for part in rest if len(part) == 4 and part.isalpha()), "")
    name = cldr.display_name((language, script, "", ()), fallback_chain(canonical))
    return Label(name[:1].upper() + name[1:], canonical, canonical) if name else Label(tag, "und")


def parse_sheet(key: Node, node: Node, scope: Scope) -> Parameters | None:
    """What is written under `sheet:`; None after noting what is wrong. `of` is a `Link`, `title` a `SourceText`."""
    before = len(scope.problems)
    problems = scope.problems
    if not fields.mapping(node, "`sheet`", problems, hint="e.g. `sheet: {of: hero, rows: locale, columns: ratio}`"):
        return None
    fields.check_keys(node, _KEYS, "`sheet`", problems)
    of = node.get("of")
    if of is None:
        problems.add("`sheet` needs `of`", at=key.place, hint="the asset whose pictures it shows, e.g. `of: hero`")
        return None
    name = fields.text(of, "`of` of `sheet`", problems)
    title = node.get("title")
    pages = _choice(node, "pages", PAGES, problems) or "one"
    found: dict[str, object] = {
        "of": parse_link(name, of, "`of` of `sheet`", scope) if name else None,
        "rows": _axis(node.get("rows"), "rows", scope),
        "columns": _columns(node.get("columns"), scope),
        "title": inline_text(title, "`title` of `sheet`", scope) if title else None,
        "labels": _labels(node, problems),
        "gap": _whole(node, "gap", 0, 400, 24, problems),
        "background": _background(node, problems),
        "cell": _whole(node, "cell", 32, 4000, _CELL[pages], problems),
        "width": _whole(node, "width", 200, 16_000, 2400, problems),
        "pages": pages,
        "seconds": _seconds(node, problems),
    }
    _check_together(node, pages, problems)
    return found if len(problems) == before else None


def _check_together(node: Node, pages: str, problems: Problems) -> None:
    for name in ("rows", "columns", "width") if pages != "one" else ():
        key = node.key(name)
        if key is not None:
            hint = "remove it: a page, or a frame, shows one picture"
            problems.add(f"`{name}` of `sheet` does not go with `pages: {pages}`", at=key.place, hint=hint)
    seconds = node.key("seconds")
    if seconds is not None and pages != "animated":
        problems.add("`seconds` of `sheet` goes with `pages: animated`", at=seconds.place, hint="remove it")
    rows, columns = node.get("rows"), node.get("columns")
    if rows is not None and columns is not None and rows.value == columns.value:
        what = f"`rows` and `columns` of `sheet` are both `{rows.value}`"
        problems.add(what, at=columns.place, hint="leave one of them out")
    elif rows is not None and (columns is None or isinstance(columns.value, int)):
        hint = "name the axis that goes across, e.g. `columns: ratio`; for one axis `columns: 5` is enough"
        problems.add("`rows` of `sheet` needs an axis for `columns`", at=rows.place, hint=hint)


def _axis(node: Node | None, name: str, scope: Scope) -> str | None:
    value = fields.text(node, f"`{name}` of `sheet`", scope.problems) if node else None
    if node is not None and value is not None and value not in scope.axes:
        near = did_you_mean(value, scope.axes) or "name it under `axes`"
        scope.problems.add(f"`{name}` of `sheet`: no axis `{value}`", at=node.place, hint=near)
    return value


def _columns(node: Node | None, scope: Scope) -> str | int | None:
    if node is not None and isinstance(node.value, int):
        return fields.whole_number(node, "`columns` of `sheet`", scope.problems, most=100)
    return _axis(node, "columns", scope)


def _choice(node: Node, name: str, choices: Iterable[str], problems: Problems) -> str | None:
    given = node.get(name)
    return fields.choice(given, f"`{name}` of `sheet`", choices, problems) if given else None


def _labels(node: Node, problems: Problems) -> bool:
    given = node.get("labels")
    said = fields.boolean(given, "`labels` of `sheet`", problems) if given else True
    return said is not False


def _whole(node: Node, name: str, least: int, most: int, usual: int, problems: Problems) -> int:
    given = node.get(name)
    found = fields.whole_number(given, f"`{name}` of `sheet`", problems, least=least, most=most) if given else None
    return usual if found is None else found


def _background(node: Node, problems: Problems) -> str:
    given = node.get("background")
    if given is None:
        return "#ffffff"
    color = canonical_color(given.value) if isinstance(given.value, str) else None
    if color is None or len(color) != 7:
        problems.add("`background` of `sheet` is no opaque colour", at=given.place, hint=COLOR_HINT)
    return color or "#ffffff"


def _seconds(node: Node, problems: Problems) -> float:
    given = node.get("seconds")
    value = plain(given) if given else 1.5
    if isinstance(value, int | float) and not isinstance(value, bool) and 0.1 <= value <= 60:
        return float(value)
    assert given is not None
    problems.add("`seconds` of `sheet` will not do", at=given.place, hint="a number from 0.1 to 60, e.g. `1.5`")
    return 1.5


def sheet_parameters(
    options: Parameters, title: str | None, language: str, cells: Sequence[SheetCell]
) -> dict[str, object]:
    """The canonical parameters of a sheet of these pictures, in the order in which they are read."""
    rows, columns = (_distinct(getattr(each, name) for each in cells) for name in ("row", "column"))
    placed: list[dict[str, object]] = []
    for cell in cells:
        row = rows.index(cell.row) if cell.row else 0
        column = columns.index(cell.column) if cell.column else 0
        placed.append({"picture": cell.picture, "row": row, "column": column, **_said(cell.label)})
    pages = options["pages"]
    found = {name: options[name] for name in ("pages", "labels", "gap", "background", "cell")}
    if pages == "one":
        found |= {"width": options["width"], "rows": [_said(each) for each in rows]}
        found |= {"columns": [_said(each) for each in columns]}
        found["wrap"] = options["columns"] if isinstance(options["columns"], int) else 0
    elif pages == "animated":
        found["seconds"] = options["seconds"]
    if title and title.strip():
        found |= {"title": title.strip(), "language": language}
    return {**found, "cells": placed}


def _distinct(labels: Iterable[Label | None]) -> list[Label]:
    return list(dict.fromkeys(label for label in labels if label is not None))


def _said(label: Label) -> dict[str, object]:
    return {"label": label.text, "language": label.language, "note": label.note}


def sheet_size(parameters: Parameters, sizes: Sequence[Size]) -> Size:
    """The size of a sheet (of each of its pages) of pictures of these sizes. May raise a PictureError."""
    return sheet_frame(parameters, sizes).size


def check_sheet_format(options: Parameters, form: str) -> str | None:
    """What is wrong with writing a sheet in a format."""
    pages = str(options["pages"])
    if form in FORMATS[pages]:
        return None
    wanted = " or ".join(FORMATS[pages])
    return f"a sheet with `pages: {pages}` is written as {wanted}, not {form}"


SHEET_SCHEMA: Final = {
    "description": "One picture of many: those of another asset, as a contact sheet.",
    "type": "object",
    "required": ["of"],
    "additionalProperties": False,
    "properties": {
        "of": {"$ref": "#/$defs/link"},
        "rows": {"description": "The axis that goes down.", "type": "string"},
        "columns": {
            "description": "The axis that goes across; or how many pictures stand in a row.",
            "oneOf": [{"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 100}],
        },
        "title": {"description": "What stands above; a template.", "type": "string", "pattern": "\\S"},
        "labels": {"description": "Whether names are written. Default: true.", "type": "boolean"},
        "gap": {"description": "Between pictures, in pixels. Default: 24.", "type": "integer", "minimum": 0,
                "maximum": 400},
        "background": COLOR_SCHEMA,
        "cell": {
            "description": "How large a picture is drawn: the height of a row, or the width of a column where the "
            "shape changes downwards; of pages and frames the longer edge. Default: 320; 1200 paged, 800 animated.",
            "type": "integer",
            "minimum": 32,
            "maximum": 4000,
        },
        "width": {
            "description": "How wide a sheet may become before it wraps. Default: 2400.",
            "type": "integer",
            "minimum": 200,
            "maximum": 16000,
        },
        "pages": {
            "description": "one picture of all (the default), a page each (pdf), or a frame each (webp, gif).",
            "enum": list(PAGES),
        },
        "seconds": {
            "description": "How long a frame is shown. Default: 1.5.",
            "type": "number",
            "minimum": 0.1,
            "maximum": 60,
        },
    },
}  # fmt: skip
