"""The roles of a layout and the items of its groups: what each says of its look, one laid over the other.

An item's own words go before its shape's `roles`, those before the layout's, those before what is built in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from imagebuild.core import fields
from imagebuild.core.document import Node
from imagebuild.core.layouts.canonical import LEAST_CONTRAST, Align, Button
from imagebuild.core.layouts.spec import BUILT_IN_ROLES, BrandFont, ItemSpec, PictureSpec, RuleSpec, TextSpec
from imagebuild.core.layouts.values import Entry
from imagebuild.errors import Problems, did_you_mean

__all__ = ["ALIGNS", "BUTTON_KEYS", "PICTURE_ENDINGS", "PICTURE_KEYS", "RULE_KEYS", "TEXT_KEYS", "Roles"]

ALIGNS: Final = ("start", "center", "end")
TEXT_KEYS: Final = (
    "font", "weight", "size", "lines", "color", "contrast", "leading", "align", "button", "optional",
)  # fmt: skip
PICTURE_KEYS: Final = ("picture", "height", "align")
RULE_KEYS: Final = ("length", "thickness", "color", "align")
BUTTON_KEYS: Final = ("fill", "padding", "radius")
PICTURE_ENDINGS: Final = (".png", ".jpg", ".jpeg", ".webp")
MOST_LINES: Final = 100

_TEXT: Final[Mapping[str, object]] = {
    "font": "", "color": ("#ffffff", "#111111"), "contrast": LEAST_CONTRAST, "leading": 1.0, "button": None,
    "optional": False,
}  # fmt: skip
_BUTTON: Final[Mapping[str, object]] = {"fill": "#ffffff", "padding": (1.1, 0.6), "radius": 0.5}
_LOGO_HEIGHT: Final = 0.09
_RULE: Final[Mapping[str, object]] = {"length": 0.2, "thickness": 0.004, "color": "#ffffff"}

Said = dict[str, object]


class Roles:
    """The roles of a layout, and from them items. With `below`, those of one of its shapes, laid over the layout's."""

    def __init__(
        self,
        node: Node | None,
        where: str,
        fonts: Mapping[str, tuple[BrandFont, ...]],
        problems: Problems,
        below: Roles | None = None,
    ) -> None:
        self._problems = problems
        self._fonts = fonts
        self._below = below
        self._said: dict[str, Said] = {}
        if node is not None and fields.mapping(node, where, problems):
            for name, key, value in node.items():
                if name == "rule":
                    hint = "a line between items is `{rule: {length: 0.2}}` among a group's `items`"
                    problems.add(f"{where}: `rule` is no role", at=key.place, hint=hint)
                elif self._is_known(name, key):
                    picture = value.get("picture") is not None or self._is_picture(name)
                    title = f"role `{name}`" + ("" if below is None else f" in {where}")
                    self._said[name] = self._read(value, title, picture)

    def within(self, node: Node | None, where: str) -> Roles:
        """These roles with what a shape says of them."""
        return Roles(node, where, self._fonts, self._problems, self) if node else self

    def _is_known(self, name: str, key: Node) -> bool:
        """A shape lays something over roles that are there; the layout itself names new ones."""
        if self._below is None or name in self._below.names:
            return True
        self._no_role(name, key)
        return False

    @property
    def names(self) -> tuple[str, ...]:
        above = self._below.names if self._below else tuple(BUILT_IN_ROLES)
        return tuple(dict.fromkeys((*above, *self._said)))

    def item(self, node: Node, where: str, align: Align) -> ItemSpec | None:
        """One element of `items`: a role's name, or a mapping with `role` or `rule`. `align` is that of its group."""
        if node.is_mapping and node.get("rule") is not None:
            return self._rule(node, where, align)
        own: Said = {}
        name_node: Node | None = node
        if node.is_mapping:
            name_node = node.get("role")
        if name_node is None:
            hint = "name a role, `{role: headline, size: [0.05, 0.1]}`; or a line, `{rule: {length: 0.2}}`"
            self._problems.add(f"{where} has neither `role` nor `rule`", at=node.place, hint=hint)
            return None
        name = fields.text(name_node, where, self._problems)
        if name is None:
            return None
        if name not in self.names:
            self._no_role(name, name_node)
            return None
        if node.is_mapping:
            own = self._read(node, where, node.get("picture") is not None or self._is_picture(name), ("role",))
        return self._put_together(name, own, node, align)

    def _no_role(self, name: str, node: Node) -> None:
        near = did_you_mean(name, self.names)
        hint = near if near and "mean" in near else f"name it under `roles`: `{name}: {{size: [0.03, 0.05]}}`"
        if name == "rule":
            hint = "a line between items is `{rule: {length: 0.2}}`"
        self._problems.add(f"no role `{name}`", at=node.place, hint=hint)

    def _is_picture(self, name: str) -> bool:
        return "picture" in self._said.get(name, {}) or (self._below is not None and self._below._is_picture(name))

    def _of(self, name: str) -> tuple[Said, Said]:
        """What is said of a role, and which part of that one shape says."""
        said = self._said.get(name, {})
        if self._below is None:
            return _laid_over(dict(BUILT_IN_ROLES.get(name, BUILT_IN_ROLES["body"])), said), {}
        return _laid_over(self._below._of(name)[0], said), said

    def _put_together(self, name: str, own: Said, node: Node, align: Align) -> ItemSpec:
        of_role, of_shape = self._of(name)
        said: dict[str, Any] = _laid_over({**_TEXT, "align": align, **of_role}, own)
        said_here = of_shape.keys() | own.keys()
        scaled = not said_here & {"size", "height"}
        if "picture" in said:
            height = said.get("height", _LOGO_HEIGHT)
            return PictureSpec(name, said["picture"], height, scaled, said["align"])
        button = Button(**{**_BUTTON, **said["button"]}) if said["button"] is not None else None
        return TextSpec(
            role=name,
            sizes=said["size"],
            scaled=scaled,
            lines=said["lines"],
            lines_scaled="lines" not in said_here,
            weight=said["weight"],
            family=said["font"],
            align=said["align"],
            inks=said["color"],
            contrast=said["contrast"],
            leading=said["leading"],
            button=button,
            optional=said["optional"],
            place=node.place,
        )

    def _read(self, node: Node, where: str, picture: bool, besides: tuple[str, ...] = ()) -> Said:
        """What a mapping says of a role or item; what it says wrongly is noted and left out."""
        if picture:
            entry = Entry(node, where, (*PICTURE_KEYS, *besides), self._problems)
            said: Said = {"picture": entry.path("picture", PICTURE_ENDINGS), "height": entry.share("height")}
        else:
            entry = Entry(node, where, (*TEXT_KEYS, "picture", *besides), self._problems)
            said = self._read_text(entry)
        said["align"] = entry.side("align", ALIGNS)
        kept: Said = {name: value for name, value in said.items() if value is not None}
        if not picture and entry.has("button"):
            kept["button"] = self._button(entry)
        return kept

    def _read_text(self, entry: Entry) -> Said:
        sizes = entry.pair("size", 1, "a size is `0.05`, or from least to greatest `[0.03, 0.05]`, of the shorter edge")
        if sizes and sizes[0] > sizes[1]:
            entry.wrong("size", "the least size is above the greatest", f"write `[{sizes[1]:g}, {sizes[0]:g}]`")
            sizes = None
        leading = entry.number("leading", 0.5, 3, "leading is 0.5 to 3 times what the script needs; 1 is usual")
        contrast = entry.number(
            "contrast", 1, 21, "contrast is a ratio from 1 to 21; WCAG's AA is 4.5, for large text 3"
        )
        return {
            "font": self._font(entry),
            "weight": entry.whole("weight", 1000, "400 is regular, 700 bold; from 1 to 1000"),
            "size": sizes,
            "lines": entry.whole("lines", MOST_LINES, f"at most how many lines it takes, from 1 to {MOST_LINES}"),
            "color": entry.inks("color"),
            "contrast": contrast,
            "leading": leading,
            "optional": entry.flag("optional"),
        }

    def _font(self, entry: Entry) -> str | None:
        node = entry.node.get("font")
        name = fields.text(node, entry.what("font"), self._problems) if node else None
        if node is None or name is None or name in self._fonts:
            return name
        near = did_you_mean(name, self._fonts)
        hint = near or f"name it under `fonts`: `{name}: brand/Font.ttf`; without `font` the built-in fonts are used"
        self._problems.add(f"{entry.what('font')}: no font `{name}`", at=node.place, hint=hint)
        return None

    def _button(self, entry: Entry) -> Said | None:
        """`true`, a fill, or a mapping; None for `false`."""
        node = entry.node.get("button")
        if node is None or node.value is False:
            return None
        if node.value is True:
            return {}
        if node.is_scalar:
            fill = entry.color("button")
            return {"fill": fill} if fill else {}
        own = Entry(node, f"`button` of {entry.where}", BUTTON_KEYS, self._problems)
        padding = "padding is `[across, down]`, in ems of the words, e.g. `[1.1, 0.6]`"
        said: Said = {
            "fill": own.color("fill"),
            "padding": own.pair("padding", 10, padding, zero=True),
            "radius": _radius(own),
        }
        return {name: value for name, value in said.items() if value is not None}

    def _rule(self, node: Node, where: str, align: Align) -> RuleSpec:
        Entry(node, where, ("rule",), self._problems)
        rule = cast("Node", node.get("rule"))
        said: Said = {}
        if rule.value is not True and rule.value is not None:
            entry = Entry(rule, f"the `rule` of {where}", RULE_KEYS, self._problems)
            said = {
                "length": entry.number("length", 0, 1, "its length is a share of the group's width, e.g. `0.2`"),
                "thickness": entry.share("thickness"),
                "color": entry.color("color"),
                "align": entry.side("align", ALIGNS),
            }
        kept: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        return RuleSpec(**{**_RULE, "align": align, **kept}, scaled="thickness" not in kept)


def _radius(entry: Entry) -> float | None:
    node = entry.node.get("radius")
    if node is not None and node.value in (0, 0.0) and not isinstance(node.value, bool):
        return 0.0
    return entry.number("radius", 0, 100, "a radius in ems of the words: 0 is square, 0.5 soft, 2 round")


def _laid_over(below: Said, above: Said) -> Said:
    """A button is laid over a button field by field; everything else as a whole."""
    both = {**below, **above}
    ours, theirs = above.get("button"), below.get("button")
    if isinstance(ours, dict) and isinstance(theirs, dict):
        both["button"] = {**theirs, **ours}
    return both
