"""A layout file → `Layout`: format 1's keys, every mistake at once with its place.

Reads the form of the file; what it comes to on a picture is for `typeset`.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, cast

from imagebuild.core import fields
from imagebuild.core.document import Node, parse_yaml
from imagebuild.core.layouts.canonical import Align, Area, Frame, Scrim, Toward, Valign
from imagebuild.core.layouts.roles import ALIGNS, Roles
from imagebuild.core.layouts.spec import SHAPES, BrandFont, GroupSpec, ItemSpec, Layout, ShapeSpec, Span
from imagebuild.core.layouts.values import Entry, path_of
from imagebuild.core.sizes import SAME_RATIO, Size, parse_ratio, parse_size, size_text
from imagebuild.core.writing import JOINT_SCRIPTS, SCRIPTS
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = [
    "AREA_KEYS",
    "FONT_ENDINGS",
    "FONT_KEYS",
    "FRAMES",
    "GROUP_KEYS",
    "LAYOUT_FORMAT",
    "LAYOUT_KEYS",
    "SCRIM_KEYS",
    "SHAPE_KEYS",
    "TOWARDS",
    "VALIGNS",
    "Layout",
    "parse_layout",
]

LAYOUT_FORMAT: Final = 1
LAYOUT_KEYS: Final = ("layout", "fonts", "roles", "mirror", "nearest", "shapes")
FONT_KEYS: Final = ("file", "scripts")
SHAPE_KEYS: Final = ("for", "scale", "roles", "areas", "groups")
AREA_KEYS: Final = ("box", "frame", "color", "to", "toward", "radius")
GROUP_KEYS: Final = ("box", "frame", "align", "valign", "gap", "items", "scrim")
SCRIM_KEYS: Final = ("color", "most")
FRAMES: Final = ("safe", "picture")
VALIGNS: Final = ("top", "middle", "bottom")
TOWARDS: Final = ("start", "end", "top", "bottom")
FONT_ENDINGS: Final = (".ttf", ".otf")

_WHOLE: Final = (0.0, 0.0, 1.0, 1.0)
_WITHIN: Final = (0.06, 0.06, 0.88, 0.88)
_FOR_HINT: Final = (
    "built-in shapes (" + ", ".join(SHAPES) + "), a ratio or two to lie between (`[1.2:1, 2:1]`), or sizes (`728x90`)"
)
_SAME: Final = Fraction(str(SAME_RATIO))
_SCRIPT: Final = re.compile(r"[A-Z][a-z]{3}\Z")


def parse_layout(text: str, *, file: str, problems: Problems) -> Layout | None:
    """The layout, or None after noting what is wrong with it."""
    before = len(problems)
    root = parse_yaml(text, file=file, problems=problems)
    if root is None:
        if len(problems) == before:
            problems.add("the layout is empty", at=Place(file, 1, 1), hint="it begins with `layout: 1`")
        return None
    found = _Reader(file, problems).layout(root)
    return found if len(problems) == before else None


class _Reader:
    def __init__(self, label: str, problems: Problems) -> None:
        self.label = label
        self.problems = problems

    def layout(self, root: Node) -> Layout | None:
        if not fields.mapping(root, "a layout", self.problems):
            return None
        entry = Entry(root, "the layout", LAYOUT_KEYS, self.problems)
        self._check_format(root)
        fonts = self._fonts(root.get("fonts"))
        roles = Roles(root.get("roles"), "`roles`", fonts, self.problems)
        shapes = self._shapes(root, roles)
        mirror, nearest = entry.flag("mirror"), entry.flag("nearest")
        return Layout(self.label, fonts, shapes, mirror is not False, bool(nearest))

    def _check_format(self, root: Node) -> None:
        node = root.get("layout")
        if node is None:
            self.problems.add("the layout does not say its format", at=root.place, hint="begin with `layout: 1`")
        elif node.value != LAYOUT_FORMAT or isinstance(node.value, bool | float):
            self.problems.add(
                f"`layout`: this imagebuild reads format {LAYOUT_FORMAT}", at=node.place, hint="write `layout: 1`"
            )

    def _fonts(self, node: Node | None) -> dict[str, tuple[BrandFont, ...]]:
        if node is None or not fields.mapping(node, "`fonts`", self.problems):
            return {}
        found = {}
        for name, key, value in node.items():
            elements = value.elements() if value.is_list else [value]
            if not name.strip() or not elements:
                self.problems.add(
                    f"font `{name}` has no file", at=key.place, hint=f"`{name or 'brand'}: brand/Font.ttf`"
                )
            files = [self._font(each, f"font `{name}`") for each in elements]
            found[name] = tuple(each for each in files if each is not None)
        return found

    def _font(self, node: Node, where: str) -> BrandFont | None:
        scripts: tuple[str, ...] = ()
        path_node: Node | None = node
        if node.is_mapping:
            fields.check_keys(node, FONT_KEYS, where, self.problems)
            path_node = node.get("file")
            scripts = self._scripts(node.get("scripts"), f"{where}: `scripts`")
        if path_node is None:
            hint = "`{file: brand/Arabic.ttf, scripts: [Arab]}`"
            self.problems.add(f"{where} has no `file`", at=node.place, hint=hint)
            return None
        path = path_of(path_node, where, FONT_ENDINGS, self.problems)
        return BrandFont(path, scripts) if path else None

    def _scripts(self, node: Node | None, what: str) -> tuple[str, ...]:
        found = fields.texts(node, what, self.problems) if node else []
        for name, element in found:
            if name not in SCRIPTS and name not in JOINT_SCRIPTS:
                near = did_you_mean(name, (*SCRIPTS, *JOINT_SCRIPTS)) if _SCRIPT.match(name) else None
                hint = near or "ISO 15924 has four letters: `Latn`, `Arab`, `Deva`, `Hans`, `Jpan`"
                self.problems.add(f"{what}: no script `{name}`", at=element.place, hint=hint)
        return tuple(sorted({name for name, _ in found}))

    def _shapes(self, root: Node, roles: Roles) -> tuple[ShapeSpec, ...]:
        node = root.get("shapes")
        if node is None and any(name not in LAYOUT_KEYS for name, _, _ in root.items()):
            return ()  # a misspelt key is told already
        if node is None:
            hint = "e.g. `shapes: {landscape: {groups: [{box: [0.06, 0.1, 0.44, 0.8], items: [headline]}]}}`"
            self.problems.add("the layout has no `shapes`", at=root.place, hint=hint)
            return ()
        if not fields.mapping(node, "`shapes`", self.problems):
            return ()
        if not node.value:
            self.problems.add("`shapes` is empty", at=node.place, hint="built-in ones are " + ", ".join(SHAPES))
        found: list[ShapeSpec] = []
        for name, key, value in node.items():
            shape = self._shape(name, key, value, roles)
            if shape is not None:
                self._check_reach(shape, found)
                found.append(shape)
        return tuple(found)

    def _shape(self, name: str, key: Node, node: Node, roles: Roles) -> ShapeSpec | None:
        where = f"shape `{name}`"
        entry = Entry(node, where, SHAPE_KEYS, self.problems)
        if not node.is_mapping:
            return None
        sizes, spans, shapes = self._for(name, key, node.get("for"), where)
        own = roles.within(node.get("roles"), where)
        areas = self._list(node.get("areas"), f"{where}: `areas`")
        groups = self._list(node.get("groups"), f"{where}: `groups`")
        if (
            not areas
            and not groups
            and all(each is None or each.is_list for each in map(node.get, ("areas", "groups")))
        ):
            hint = "`groups: [{box: [0.06, 0.1, 0.44, 0.8], items: [headline]}]`"
            self.problems.add(f"{where} has neither `groups` nor `areas`", at=key.place, hint=hint)
        found_areas = [self._area(each, f"area {i} of {where}") for i, each in enumerate(areas, 1)]
        found_groups = [self._group(each, f"group {i} of {where}", own) for i, each in enumerate(groups, 1)]
        shape = ShapeSpec(
            name=name,
            sizes=sizes,
            spans=spans,
            shapes=shapes,
            scale=entry.number("scale", 0.1, 20, "what the roles' sizes are multiplied by, e.g. `3`"),
            areas=tuple(each for each in found_areas if each is not None),
            groups=tuple(each for each in found_groups if each is not None),
            place=key.place,
        )
        self._check_once(shape)
        return shape

    def _check_once(self, shape: ShapeSpec) -> None:
        seen: set[str] = set()
        for item in shape.texts:
            if item.role in seen:
                what = f"role `{item.role}` stands twice in shape `{shape.name}`"
                self.problems.add(what, at=item.place, hint="each text is shown once; a second needs a role of its own")
            seen.add(item.role)

    def _check_reach(self, shape: ShapeSpec, before: list[ShapeSpec]) -> None:
        """What an earlier shape takes already would never be used."""
        for earlier in before:
            again = [size_text(size) for size in shape.sizes if size in earlier.sizes]
            again += [name for name in shape.shapes if name in earlier.shapes]
            again += [
                "its ratios"
                for low, high in shape.spans
                for first, last in earlier.spans
                if first <= low and high <= last
            ]
            if again:
                what = f"shape `{shape.name}` is never used for {', '.join(again)}: shape `{earlier.name}` is first"
                self.problems.add(what, at=shape.place, hint="put the narrower one first, or change its `for`")

    def _for(
        self, name: str, key: Node, node: Node | None, where: str
    ) -> tuple[tuple[Size, ...], tuple[Span, ...], tuple[str, ...]]:
        nothing: tuple[tuple[Size, ...], tuple[Span, ...], tuple[str, ...]] = ((), (), ())
        if node is None:
            if name in SHAPES:
                return (), (), (name,)
            near = did_you_mean(name, SHAPES)
            hint = near if near and "mean" in near else f"`for`: {_FOR_HINT}"
            self.problems.add(f"{where} does not say what it is `for`", at=key.place, hint=hint)
            return nothing
        what = f"{where}: `for`"
        given = fields.texts(node, what, self.problems)
        sizes = [size for size in (parse_size(text) for text, _ in given) if size]
        ratios = [ratio for ratio in (parse_ratio(text) for text, _ in given) if ratio]
        names = [text for text, _ in given if text in SHAPES]
        if given and len(sizes) == len(given):
            return tuple(dict.fromkeys(sizes)), (), ()
        if given and len(names) == len(given):
            return (), (), tuple(dict.fromkeys(names))
        if given and len(ratios) == len(given) <= 2:
            span = (ratios[0] / _SAME, ratios[0] * _SAME) if len(ratios) == 1 else (min(ratios), max(ratios))
            return (), (span,), ()
        for text, element in given:
            if not (parse_size(text) or parse_ratio(text) or text in SHAPES):
                near = did_you_mean(text, SHAPES)
                hint = near if near and "mean" in near else _FOR_HINT
                self.problems.add(f"{what}: `{text}` will not do", at=element.place, hint=hint)
                return nothing
        if given or node.is_list:
            self.problems.add(f"{what}: one kind of these is wanted", at=node.place, hint=_FOR_HINT)
        return nothing

    def _list(self, node: Node | None, what: str) -> list[Node]:
        return fields.list_of(node, what, self.problems) if node else []

    def _area(self, node: Node, where: str) -> Area | None:
        entry = Entry(node, where, AREA_KEYS, self.problems)
        if not node.is_mapping:
            return None
        if not entry.has("color"):
            hint = '`{color: "#0b3954d0", to: transparent, toward: end}`'
            self.problems.add(f"{where} has no `color`", at=node.place, hint=hint)
        to = entry.color("to")
        toward = entry.side("toward", TOWARDS)
        if toward and not entry.has("to"):
            entry.wrong("toward", "it goes with `to`", "`to` says what the colour passes over to")
        return Area(
            box=entry.box() or _WHOLE,
            frame=cast("Frame", entry.choice("frame", FRAMES) or "picture"),
            color=entry.color("color") or "transparent",
            to=to,
            toward=cast("Toward", toward or "end"),
            radius=entry.share("radius", zero=True) or 0.0,
        )

    def _group(self, node: Node, where: str, roles: Roles) -> GroupSpec | None:
        entry = Entry(node, where, GROUP_KEYS, self.problems)
        if not node.is_mapping:
            return None
        align = cast("Align", entry.side("align", ALIGNS) or "start")
        elements = self._list(node.get("items"), f"{where}: `items`")
        if not elements and (node.get("items") is None or cast("Node", node.get("items")).is_list):
            self.problems.add(f"{where} has no `items`", at=node.place, hint="e.g. `items: [headline, body, cta]`")
        items = [roles.item(each, f"item {i} of {where}", align) for i, each in enumerate(elements, 1)]
        return GroupSpec(
            box=entry.box() or _WITHIN,
            frame=cast("Frame", entry.choice("frame", FRAMES) or "safe"),
            valign=cast("Valign", entry.side("valign", VALIGNS) or "top"),
            gap=entry.share("gap", zero=True),
            items=tuple(cast("list[ItemSpec]", [each for each in items if each is not None])),
            scrim=self._scrim(entry),
        )

    def _scrim(self, entry: Entry) -> Scrim | None:
        """`true` (as when nothing is said), `false`, a colour, or a mapping."""
        node = entry.node.get("scrim")
        if node is None or node.value is True:
            return Scrim()
        if node.value is False:
            return None
        if node.is_scalar:
            return Scrim(color=entry.color("scrim", opaque=True))
        own = Entry(node, f"`scrim` of {entry.where}", SCRIM_KEYS, self.problems)
        most = own.number("most", 0, 1, "how strong it may be, from above 0 to 1")
        color = own.color("color", opaque=True)
        return Scrim(color=color) if most is None else Scrim(color=color, most=most)
