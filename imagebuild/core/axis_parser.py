"""The `axes:` of a campaign, written inline or kept in YAML, JSON or CSV files → `Axis` values.

An axis with a mistake is still an axis, without what is wrong in it, so that one mistake does not become ten.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from imagebuild.core import fields
from imagebuild.core.axis import RESERVED, Axis, Entry, Fields, LocaleSetting, Ratio
from imagebuild.core.document import Node, parse_json, parse_yaml, plain
from imagebuild.core.locale import Locale, canonical_tag
from imagebuild.core.placements.placement import NO_PLACEMENTS, Placement, Placements
from imagebuild.core.sizes import parse_ratio, parse_size, size_text
from imagebuild.core.strings import Policy, parse_policy
from imagebuild.core.table import read_rows
from imagebuild.errors import Place, Problems, did_you_mean

__all__ = ["AXIS_NAME", "LOCALE_KEYS", "RATIO_KEYS", "parse_axes", "parse_entry", "parse_ratio_entry"]

AXIS_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
LOCALE_KEYS = ("source", "targets", "strings", "missing")
RATIO_KEYS = ("name", "size", "ratio", "placement")
RATIO_FORMS = "write `16:9`, `1200x630`, a placement such as `meta/story`, or `{name: og, size: 1200x630}`"
MOST_EXTREME = 3  # the widest shape any model draws
_UNSAFE_ID = re.compile(r"[\[\],=*?\x00-\x1f\x7f]")
_LIKE_A_PLACEMENT = re.compile(r"[A-Za-z][\w.-]*/[\w./-]+\Z")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def parse_axes(
    node: Node | None, sources: fields.Sources, problems: Problems, placements: Placements = NO_PLACEMENTS
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
            entries = [found for element in each if (found := parse_ratio_entry(element, problems, placements))]
        else:
            entries = _parse_entries(name, value, sources, files, problems)
        known = name != "ratio" or placements.whole  # otherwise an entry may be missing for what is told elsewhere
        if not entries and known and len(problems) == before:
            problems.add(f"axis `{name}` is empty", at=value.place, hint="give it at least one entry")
        _check_entries(name, entries, problems)
        unique = tuple({entry.id: entry for entry in entries}.values())
        axes[name] = Axis(name=name, entries=unique, place=key.place, whole=known and len(problems) == before)
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


def parse_ratio_entry(node: Node, problems: Problems, placements: Placements = NO_PLACEMENTS) -> Entry | None:
    """`16:9`, `1200x630`, `meta/story`, or one of these under a name: `{name: og, size: 1200x630}`."""
    value_node, named = node, None
    if node.is_mapping:
        if not fields.check_keys(node, RATIO_KEYS, "a ratio", problems):
            return None
        given = [each for name in RATIO_KEYS[1:] if (each := node.get(name))]
        name_node = node.get("name")
        if name_node is None or len(given) != 1:
            what = "a ratio has a `name`, and one of `size`, `ratio` and `placement`"
            problems.add(what, at=node.place, hint=RATIO_FORMS)
            return None
        (value_node,) = given
        named = fields.text(name_node, "`name` of a ratio", problems, numbers=True)
    written = fields.text(value_node, "a ratio", problems, numbers=True)
    if written is None or (node.is_mapping and named is None):
        return None
    value = _ratio(written, value_node, node.get("placement") is not None, problems, placements)
    if value is None:
        return None
    name = named or (size_text(value.size) if value.size and value.placement is None else written)
    return Entry(axis="ratio", id=name, value=replace(value, name=name), place=node.place)


def _ratio(written: str, node: Node, only_placement: bool, problems: Problems, placements: Placements) -> Ratio | None:
    size, shape = (None, None) if only_placement else (parse_size(written), parse_ratio(written))
    if size is not None:
        return Ratio(written, Fraction(*size), size)
    if shape is None:
        placement = _placement(written, node, only_placement, problems, placements)
        return Ratio(written, Fraction(*placement.size), placement.size, placement) if placement else None
    if not Fraction(1, MOST_EXTREME) <= shape <= MOST_EXTREME:
        hint = "no model draws it; give exact pixels, e.g. `{name: banner, size: 1456x180}`"
        problems.add(f"ratio `{written}` is more extreme than {MOST_EXTREME}:1", at=node.place, hint=hint)
        return None
    return Ratio(written, shape)


def _placement(
    written: str, node: Node, only_placement: bool, problems: Problems, placements: Placements
) -> Placement | None:
    """The placement of that name, or None after noting that there is none."""
    found = placements.find(written)
    if found is None and placements.whole:
        near = did_you_mean(written, placements.all()) or ""
        if only_placement or _LIKE_A_PLACEMENT.match(written) or "mean" in near:
            hint = near if "mean" in near else "`imagebuild placements` lists them; `placements:` adds your own"
            problems.add(f"no placement `{written}`", at=node.place, hint=hint)
        else:
            problems.add(f"`{written}` is neither a ratio, a size nor a placement", at=node.place, hint=RATIO_FORMS)
    return found


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


def parse_entry(name: str, element: Node, problems: Problems, placements: Placements = NO_PLACEMENTS) -> Entry | None:
    """One element of an axis: a scalar or a mapping with an `id` (or a `name`)."""
    if name == "ratio":
        return parse_ratio_entry(element, problems, placements)
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
