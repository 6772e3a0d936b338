"""The `axes:` of a campaign, written inline or kept in YAML, JSON or CSV files → `Axis` values.

An axis with a mistake is still an axis, without what is wrong in it, so that one mistake does not become ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from imagebuild.core import fields
from imagebuild.core.axis import RESERVED, Axis, Entry, Fields, LocaleSetting, Ratio
from imagebuild.core.document import Node, parse_json, parse_yaml, plain
from imagebuild.core.locale import Locale, canonical_tag
from imagebuild.core.sizes import parse_ratio, parse_size, size_text
from imagebuild.core.strings import Policy, parse_policy
from imagebuild.core.table import read_rows
from imagebuild.errors import Place, Problems

__all__ = ["AXIS_NAME", "LOCALE_KEYS", "RATIO_KEYS", "parse_axes", "parse_entry"]

AXIS_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
LOCALE_KEYS = ("source", "targets", "strings", "missing")
RATIO_KEYS = ("name", "size", "ratio")
RATIO_FORMS = "write `16:9`, `1200x630` or `{name: og, size: 1200x630}`"
MOST_EXTREME = 3  # the widest shape any model draws
_UNSAFE_ID = re.compile(r"[\[\],=*?\x00-\x1f\x7f]")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def parse_axes(
    node: Node | None, sources: fields.Sources, problems: Problems
) -> tuple[dict[str, Axis], LocaleSetting | None, tuple[str, ...]]:
    """The axes, the locale setting, and the files that were read for them."""
    axes: dict[str, Axis] = {}
    locale: LocaleSetting | None = None
    files: list[str] = []
    if node is None or not fields.mapping(node, "`axes`", problems):
        return axes, locale, ()
    for written, key, value in node.items():
        before = len(problems)
        name = _axis_name(written, key, node, problems)
        if name == "locale":
            locale = _parse_locale(value, problems)
            entries = _locale_entries(value, locale)
        elif name == "ratio":
            each = fields.list_of(value, "axis `ratio`", problems)
            entries = [found for element in each if (found := parse_ratio_entry(element, problems))]
        else:
            entries = _parse_entries(name, value, sources, files, problems)
        if not entries and len(problems) == before:
            problems.add(f"axis `{name}` is empty", at=value.place, hint="give it at least one entry")
        _check_entries(name, entries, problems)
        unique = tuple({entry.id: entry for entry in entries}.values())
        axes[name] = Axis(name=name, entries=unique, place=key.place, whole=len(problems) == before)
    return axes, locale, tuple(files)


def _axis_name(written: str, key: Node, axes: Node, problems: Problems) -> str:
    if written in RESERVED:
        hint = "templates use this name already; give it another"
    elif not AXIS_NAME.match(written):
        hint = "lower-case letters, digits and `_`, a letter first"
    else:
        return written
    lower = written.lower()
    usable = AXIS_NAME.match(lower) and axes.get(lower) is None and lower not in RESERVED
    problems.add(
        f"`{written}` cannot be the name of an axis", at=key.place, hint=f"write `{lower}`" if usable else hint
    )
    return lower if usable else written


def _check_entries(name: str, entries: list[Entry], problems: Problems) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if entry.id in seen:
            hint = f"first at {seen[entry.id].place}"
            problems.add(f"`{entry.id}` stands twice in axis `{name}`", at=entry.place, hint=hint)
        seen[entry.id] = entry
        if _UNSAFE_ID.search(entry.id):
            hint = "leave out `[ ] , = * ?`; give the entry an `id` of its own"
            problems.add(f"`{entry.id}` cannot identify an entry of axis `{name}`", at=entry.place, hint=hint)


def _parse_locale(node: Node, problems: Problems) -> LocaleSetting | None:
    if node.is_list:
        tags = _tags(node, problems)
        return LocaleSetting(source=tags[0], targets=tuple(tags[1:]), strings=(), policy=Policy()) if tags else None
    if not fields.mapping(node, "axis `locale`", problems, hint="`{source: en-US, targets: [de-DE]}`, or a list"):
        return None
    fields.check_keys(node, LOCALE_KEYS, "axis `locale`", problems)
    source_node = node.get("source")
    source = None
    if source_node is None:
        hint = "the language the copy is written in, e.g. `source: en-US`"
        problems.add("axis `locale` has no `source`", at=node.place, hint=hint)
    else:
        source = _tag(source_node, problems)
    targets_node = node.get("targets")
    targets = _tags(targets_node, problems) if targets_node else []
    strings_node = node.get("strings")
    before = len(problems)
    strings = _strings(strings_node, problems) if strings_node else ()
    readable = len(problems) == before
    missing = node.get("missing")
    policy = parse_policy(missing, problems) if missing else Policy()
    if source is None or not readable:
        return None
    return LocaleSetting(
        source=source, targets=tuple(tag for tag in targets if tag != source), strings=strings, policy=policy
    )


def _strings(node: Node, problems: Problems) -> tuple[tuple[str, Place], ...]:
    found: list[tuple[str, Place]] = []
    for path, element in fields.texts(node, "`strings`", problems):
        unknown = [name for name in _PLACEHOLDER.findall(path) if name not in ("locale", "language", "posix")]
        if unknown:
            at = fields.place_in(element, f"{{{unknown[0]}}}")
            hint = "`{locale}` is the tag (de-DE), `{language}` its first part (de), `{posix}` the tag with `_` (de_DE)"
            problems.add(f"`strings`: no placeholder `{{{unknown[0]}}}`", at=at, hint=hint)
        elif fields.is_relative(path, element, "`strings`", problems):
            found.append((path, element.place))
    return tuple(found)


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
        hint = "BCP 47, e.g. `de-DE`, `zh-Hans-CN`, `es-419`"
        problems.add(f"`{value}` is not a language tag", at=node.place, hint=hint)
    return tag


def _locale_entries(node: Node, setting: LocaleSetting | None) -> list[Entry]:
    if setting is None:
        return []
    source, targets = node.get("source"), node.get("targets")
    elements = [*([source] if source else []), *(targets.elements() if targets else []), *node.elements()]
    places = {
        tag: each.place for each in elements if isinstance(each.value, str) and (tag := canonical_tag(each.value))
    }
    return [Entry(axis="locale", id=tag, value=Locale(tag), place=places.get(tag, node.place)) for tag in setting.tags]


def parse_ratio_entry(node: Node, problems: Problems) -> Entry | None:
    """`16:9`, `1200x630`, `{name: og, size: 1200x630}` or `{name: wide, ratio: 21:9}`."""
    value_node = node
    if node.is_mapping:
        if not fields.check_keys(node, RATIO_KEYS, "a ratio", problems):
            return None
        name_node, size_node, ratio_node = node.get("name"), node.get("size"), node.get("ratio")
        if name_node is None or (size_node is None) == (ratio_node is None):
            problems.add("a ratio has a `name`, and either `size` or `ratio`", at=node.place, hint=RATIO_FORMS)
            return None
        name = fields.text(name_node, "`name` of a ratio", problems, numbers=True)
        value_node = size_node or ratio_node or node
        written = fields.text(value_node, "a ratio", problems, numbers=True)
    else:
        name = written = fields.text(node, "a ratio", problems, numbers=True)
    if name is None or written is None:
        return None
    size, shape = parse_size(written), parse_ratio(written)
    if size is not None:
        shape = Fraction(*size)
    if shape is None:
        problems.add(f"`{written}` is neither a ratio nor a size", at=value_node.place, hint=RATIO_FORMS)
        return None
    if not Fraction(1, MOST_EXTREME) <= shape <= MOST_EXTREME and size is None:
        hint = "no model draws it; give exact pixels, e.g. `{name: banner, size: 1456x180}`"
        problems.add(f"ratio `{written}` is more extreme than {MOST_EXTREME}:1", at=value_node.place, hint=hint)
        return None
    canonical = size_text(size) if size and not node.is_mapping else name
    return Entry(axis="ratio", id=canonical, value=Ratio(canonical, shape, size), place=node.place)


def _parse_entries(name: str, node: Node, sources: fields.Sources, files: list[str], problems: Problems) -> list[Entry]:
    if node.is_list:
        return _entries_of(name, node, problems)
    if not isinstance(node.value, str):
        fields.wrong(node, f"axis `{name}`", "a list, or the path of a YAML, JSON or CSV file,", problems)
        return []
    path = node.value
    if not fields.is_relative(path, node, f"axis `{name}`", problems):
        return []
    ending = path.rsplit(".", 1)[-1].lower()
    content = sources.read(path)
    files.append(path)
    if content is None:
        hint = "a list, or the path of a YAML, JSON or CSV file from the campaign's folder"
        problems.add(f"axis `{name}`: no file `{path}`", at=node.place, hint=hint)
        return []
    if ending not in ("yaml", "yml", "json", "csv"):
        problems.add(f"axis `{name}`: `{path}` is neither YAML, JSON nor CSV", at=node.place)
        return []
    before = len(problems)
    found = _entries_of_file(name, content, sources.label(path), ending, problems)
    if not found and len(problems) == before and not sources.damaged(path):
        problems.add(f"axis `{name}`: `{path}` has no entries", at=node.place, hint="give it at least one")
    return found


def _entries_of_file(name: str, content: str, label: str, ending: str, problems: Problems) -> list[Entry]:
    if ending == "csv":
        return list(_entries_of_csv(name, content, label, problems))
    root = (parse_json if ending == "json" else parse_yaml)(content, file=label, problems=problems)
    return _entries_of(name, root, problems) if root is not None else []


def _entries_of(name: str, node: Node, problems: Problems) -> list[Entry]:
    if node.is_mapping:  # id → fields
        pairs = [(identity, key, value) for identity, key, value in node.items()]
        each = [
            _mapping_entry(name, value, problems, identity=identity, place=key.place) for identity, key, value in pairs
        ]
    else:
        each = [parse_entry(name, element, problems) for element in fields.list_of(node, f"axis `{name}`", problems)]
    return [entry for entry in each if entry]


def parse_entry(name: str, element: Node, problems: Problems) -> Entry | None:
    """One element of an axis: a scalar or a mapping with an `id` (or a `name`)."""
    if name == "ratio":
        return parse_ratio_entry(element, problems)
    if name == "locale":
        tag = _tag(element, problems)
        return Entry(axis="locale", id=tag, value=Locale(tag), place=element.place) if tag else None
    if element.is_mapping:
        return _mapping_entry(name, element, problems)
    if element.is_list or element.value is None:
        fields.wrong(element, f"an entry of axis `{name}`", "a text or a mapping", problems)
        return None
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
            hint = "add `id:`, a short word for addresses and paths"
            problems.add(f"an entry of axis `{name}` has neither `id` nor `name`", at=node.place, hint=hint)
            return None
        identity = fields.text(id_node, f"`id` of an entry of axis `{name}`", problems, numbers=True)
        if identity is None:
            return None
        place = id_node.place
        if node.get("id"):
            values["id"] = identity
    values.setdefault("id", identity)
    return Entry(axis=name, id=identity, value=Fields(values, identity), place=place or node.place)


def _entries_of_csv(name: str, content: str, label: str, problems: Problems) -> Iterator[Entry]:
    rows = read_rows(content, label, problems)
    header = next(rows, None)
    if header is None:
        return
    columns, at = [column.strip() for column in header[0]], header[1]
    twice = [index for index, column in enumerate(columns) if column in columns[:index]]
    for index in twice:
        problems.add(f"column `{columns[index]}` stands twice", at=at[index])
    id_column = next((columns.index(each) for each in ("id", "name") if each in columns), None)
    if id_column is None:
        hint = "the first row names the columns; one of them is `id`, a short word for addresses and paths"
        problems.add("the table has no column `id` or `name`", at=at[0], hint=hint)
        return
    for cells, places in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            what = f"row has {len(cells)} cells, the table has {len(columns)} columns"
            advice = "quote a text that holds the separator" if len(cells) > len(columns) else None
            problems.add(what, at=places[0], hint=advice)
            continue
        values: dict[str, object] = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
        identity = str(values[columns[id_column]])
        if not identity:
            problems.add(f"row without `{columns[id_column]}`", at=places[id_column])
            continue
        values.setdefault("id", identity)
        yield Entry(axis=name, id=identity, value=Fields(values, identity), place=places[id_column])
