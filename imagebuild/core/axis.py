"""Axes: the lists that multiply. `locale` and `ratio` have a form of their own; any other axis is a list of texts or
of mappings (whose fields templates use), written inline or kept in a YAML, JSON or CSV file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from imagebuild.core import fields
from imagebuild.core.document import Node, parse_json, parse_yaml, plain
from imagebuild.core.locale import Locale, canonical_tag
from imagebuild.core.sizes import Size, parse_ratio, parse_size, size_text
from imagebuild.core.strings import Policy, parse_policy
from imagebuild.errors import Place, Problems

__all__ = ["Axis", "Entry", "Fields", "LocaleSetting", "Ratio", "parse_axes"]

RESERVED = frozenset({"t", "vars", "asset", "loop", "self", "super", "true", "false", "none"})
_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_UNSAFE_ID = re.compile(r"[\[\],=*?\x00-\x1f\x7f]")


class Fields:
    """A mapping entry as templates see it: `product.name`, `product["name"]`; printed, it is its id."""

    __slots__ = ("_fields", "_id")

    def __init__(self, fields: Mapping[str, object], identity: str) -> None:
        self._fields = fields
        self._id = identity

    def __getattr__(self, name: str) -> object:
        if not name.startswith("_") and name in self._fields:
            return self._fields[name]
        known = ", ".join(sorted(self._fields))
        raise AttributeError(f"`{self._id}` has no field `{name}` (it has {known})")

    def __getitem__(self, name: str) -> object:
        return self._fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __str__(self) -> str:
        return self._id

    def __eq__(self, other: object) -> bool:
        return str(other) == self._id

    def __hash__(self) -> int:
        return hash(self._id)


@dataclass(frozen=True, slots=True)
class Ratio:
    """An entry of the ratio axis: a shape (`16:9`), or exact pixels under a name (`og`, 1200x630)."""

    name: str
    shape: Fraction
    size: Size | None = None

    @property
    def width(self) -> int:
        return self.size[0] if self.size else self.shape.numerator

    @property
    def height(self) -> int:
        return self.size[1] if self.size else self.shape.denominator

    @property
    def orientation(self) -> str:
        return "square" if self.shape == 1 else "landscape" if self.shape > 1 else "portrait"

    @property
    def slug(self) -> str:
        """The name as it may stand in a file's path."""
        return self.name.replace(":", "x")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One value of an axis. `id` stands in addresses; `value` is what templates see."""

    axis: str
    id: str
    value: object
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    name: str
    entries: tuple[Entry, ...]
    place: Place

    def find(self, identity: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.id == identity), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocaleSetting:
    """What the locale axis says beyond its list: the source language, where the strings are, what a missing one means."""

    source: str
    targets: tuple[str, ...]
    strings: tuple[tuple[str, Place], ...]
    policy: Policy

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.source, *self.targets)))


def parse_axes(
    node: Node | None, sources: fields.Sources, problems: Problems
) -> tuple[dict[str, Axis], LocaleSetting | None, tuple[str, ...]]:
    """The axes, the locale setting, and the files that were read for them."""
    axes: dict[str, Axis] = {}
    locale: LocaleSetting | None = None
    files: list[str] = []
    if node is None or not fields.mapping(node, "`axes`", problems):
        return axes, locale, ()
    for name, key, value in node.items():
        if not _NAME.match(name) or name in RESERVED:
            hint = "lower-case letters, digits and `_`" if name not in RESERVED else "templates use this name already"
            problems.add(f"`{name}` cannot be the name of an axis", at=key.place, hint=hint)
            continue
        if name == "locale":
            locale = _parse_locale(value, problems)
            if locale is None:
                continue
            places = _tag_places(value)
            entries = [
                Entry(axis="locale", id=tag, value=Locale(tag), place=places.get(tag, value.place))
                for tag in locale.tags
            ]
        elif name == "ratio":
            entries = [
                found
                for each in fields.list_of(value, "axis `ratio`", problems)
                if (found := parse_ratio_entry(each, problems))
            ]
        else:
            entries = _parse_entries(name, value, sources, files, problems)
        _check_entries(name, entries, key.place, problems)
        axes[name] = Axis(name=name, entries=tuple({entry.id: entry for entry in entries}.values()), place=key.place)
    return axes, locale, tuple(files)


def _check_entries(name: str, entries: list[Entry], place: Place, problems: Problems) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.id in seen:
            problems.add(
                f"`{entry.id}` stands twice in axis `{name}`", at=entry.place, hint=f"first at {seen[entry.id].place}"
            )
        seen[entry.id] = entry
        if _UNSAFE_ID.search(entry.id):
            problems.add(
                f"`{entry.id}` cannot identify an entry of axis `{name}`", at=entry.place,
                hint="leave out `[ ] , = * ?`; give the entry an `id` of its own",
            )  # fmt: skip
    if not entries and not problems:
        problems.add(f"axis `{name}` is empty", at=place)


def _parse_locale(node: Node, problems: Problems) -> LocaleSetting | None:
    if node.is_list:
        tags = _tags(node, problems)
        return LocaleSetting(source=tags[0], targets=tuple(tags[1:]), strings=(), policy=Policy()) if tags else None
    if not fields.mapping(node, "axis `locale`", problems):
        return None
    fields.check_keys(node, ("source", "targets", "strings", "missing"), "axis `locale`", problems)
    source_node = node.get("source")
    if source_node is None:
        problems.add(
            "axis `locale` has no `source`",
            at=node.place,
            hint="the language the copy is written in, e.g. `source: en-US`",
        )
        return None
    source = _tag(source_node, problems)
    targets_node = node.get("targets")
    targets = _tags(targets_node, problems) if targets_node else []
    strings_node = node.get("strings")
    strings = fields.texts(strings_node, "`strings`", problems) if strings_node else []
    missing = node.get("missing")
    policy = parse_policy(missing, problems) if missing else Policy()
    if source is None:
        return None
    return LocaleSetting(
        source=source,
        targets=tuple(tag for tag in targets if tag != source),
        strings=tuple((path, element.place) for path, element in strings),
        policy=policy,
    )


def _tags(node: Node, problems: Problems) -> list[str]:
    found: list[str] = []
    for element in fields.list_of(node, "locales", problems):
        tag = _tag(element, problems)
        if tag in found:
            problems.add(f"`{tag}` stands twice in axis `locale`", at=element.place)
        elif tag:
            found.append(tag)
    return found


def _tag(node: Node, problems: Problems) -> str | None:
    value = fields.text(node, "a locale", problems)
    if value is None:
        return None
    tag = canonical_tag(value)
    if tag is None:
        problems.add(
            f"`{value}` is not a language tag", at=node.place, hint="BCP 47, e.g. `de-DE`, `zh-Hans-CN`, `es-419`"
        )
    return tag


def _tag_places(node: Node) -> dict[str, Place]:
    source, targets = node.get("source"), node.get("targets")
    elements = [*([source] if source else []), *(targets.elements() if targets else []), *node.elements()]
    return {tag: each.place for each in elements if isinstance(each.value, str) and (tag := canonical_tag(each.value))}


def parse_ratio_entry(node: Node, problems: Problems) -> Entry | None:
    """`16:9`, `1200x630`, `{name: og, size: 1200x630}` or `{name: wide, ratio: 21:9}`."""
    hint = "write `16:9`, `1200x630` or `{name: og, size: 1200x630}`"
    if node.is_mapping:
        fields.check_keys(node, ("name", "size", "ratio"), "a ratio", problems)
        name_node, size_node, ratio_node = node.get("name"), node.get("size"), node.get("ratio")
        if name_node is None or (size_node is None) == (ratio_node is None):
            problems.add("a ratio has a `name`, and either `size` or `ratio`", at=node.place, hint=hint)
            return None
        name = fields.text(name_node, "`name` of a ratio", problems, numbers=True)
        written = fields.text(size_node or ratio_node or node, "a ratio", problems, numbers=True)
    else:
        written = fields.text(node, "a ratio", problems, numbers=True)
        name = written
    if name is None or written is None:
        return None
    size, shape = parse_size(written), parse_ratio(written)
    if size is not None:
        shape = Fraction(*size)
    if shape is None:
        problems.add(f"`{written}` is neither a ratio nor a size", at=node.place, hint=hint)
        return None
    if not Fraction(1, 3) <= shape <= 3 and size is None:
        problems.add(
            f"ratio `{written}` is more extreme than 3:1",
            at=node.place,
            hint="no model draws it; give exact pixels, e.g. `{name: banner, size: 1456x180}`",
        )
        return None
    canonical = size_text(size) if size and not node.is_mapping else name
    return Entry(axis="ratio", id=canonical, value=Ratio(canonical, shape, size), place=node.place)


def _parse_entries(name: str, node: Node, sources: fields.Sources, files: list[str], problems: Problems) -> list[Entry]:
    if node.is_list:
        return _entries_of(name, node, problems)
    path = fields.text(node, f"axis `{name}`", problems)
    if path is None:
        return []
    content = sources.read(path)
    files.append(path)
    if content is None:
        problems.add(
            f"axis `{name}`: no file `{path}`", at=node.place, hint="a list, or the path of a YAML, JSON or CSV file"
        )
        return []
    label = sources.label(path)
    ending = path.rsplit(".", 1)[-1].lower()
    if ending == "csv":
        return _entries_of_csv(name, content, label, problems)
    if ending not in ("yaml", "yml", "json"):
        problems.add(f"axis `{name}`: `{path}` is neither YAML, JSON nor CSV", at=node.place)
        return []
    root = (parse_json if ending == "json" else parse_yaml)(content, file=label, problems=problems)
    if root is None:
        if not problems:
            problems.add(f"axis `{name}`: the file is empty", at=Place(label))
        return []
    return _entries_of(name, root, problems)


def _entries_of(name: str, node: Node, problems: Problems) -> list[Entry]:
    if node.is_mapping:  # id → fields
        return [
            entry for identity, key, value in node.items()
            if (entry := _mapping_entry(name, value, problems, identity=identity, place=key.place))
        ]  # fmt: skip
    found: list[Entry] = []
    for element in fields.list_of(node, f"axis `{name}`", problems):
        entry = parse_entry(name, element, problems)
        if entry:
            found.append(entry)
    return found


def parse_entry(name: str, element: Node, problems: Problems) -> Entry | None:
    """One element of an axis: a scalar or a mapping with an `id` (or a `name`)."""
    if name == "ratio":
        return parse_ratio_entry(element, problems)
    if name == "locale":
        tag = _tag(element, problems)
        return Entry(axis="locale", id=tag, value=Locale(tag), place=element.place) if tag else None
    if element.is_mapping:
        return _mapping_entry(name, element, problems)
    value = fields.text(element, f"an entry of axis `{name}`", problems, numbers=True)
    return Entry(axis=name, id=value, value=value, place=element.place) if value is not None else None


def _mapping_entry(
    name: str, node: Node, problems: Problems, *, identity: str | None = None, place: Place | None = None
) -> Entry | None:
    if not fields.mapping(node, f"an entry of axis `{name}`", problems):
        return None
    values = fields.frozen(plain(node))
    assert isinstance(values, dict)
    if identity is None:
        id_node = node.get("id") or node.get("name")
        if id_node is None:
            problems.add(
                f"an entry of axis `{name}` has neither `id` nor `name`",
                at=node.place,
                hint="add `id:`, a short word for addresses and paths",
            )
            return None
        identity = fields.text(id_node, "`id`", problems, numbers=True)
        if identity is None:
            return None
        if node.get("id"):
            values["id"] = identity
    values.setdefault("id", identity)
    return Entry(axis=name, id=identity, value=Fields(values, identity), place=place or node.place)


def _entries_of_csv(name: str, content: str, label: str, problems: Problems) -> list[Entry]:
    lines = content.splitlines()
    reader = csv.DictReader(io.StringIO(content.lstrip("\ufeff")), strict=True)
    found: list[Entry] = []
    try:
        for row in reader:
            number = reader.line_num
            place = Place(label, number, 1, 1, lines[number - 1] if number <= len(lines) else "")
            if None in row or None in row.values():
                problems.add(
                    f"this row does not have the {len(reader.fieldnames or [])} columns of the header", at=place
                )
                continue
            values = {column.strip(): (text or "").strip() for column, text in row.items()}
            identity = values.get("id") or values.get("name")
            if not identity:
                problems.add(
                    f"an entry of axis `{name}` has neither `id` nor `name`",
                    at=place,
                    hint="give the table a column `id`",
                )
                continue
            values.setdefault("id", identity)
            found.append(Entry(axis=name, id=identity, value=Fields(values, identity), place=place))
    except csv.Error as bad:
        problems.add(f"not valid CSV: {bad}", at=Place(label, reader.line_num))
    return found
