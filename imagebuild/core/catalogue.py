"""Catalogues: the strings of a campaign as translators keep them, in YAML, JSON, CSV, gettext PO or XLIFF.

A file holds one locale (`strings/{locale}.yaml`) or several (a table with a column each). Whatever the format, what
comes out is key → `Text`, each with the place it stands in; a text that is not there yet is left out. Every mistake of
a file is told. Gets text and gives values: reads no files.

Keys of nested YAML and JSON are joined with dots. A plain scalar is its written text (`1.50` stays `1.50`, `no` is a
word); `""` is an empty text, and `null` or nothing a missing one. A mapping of plural categories with `other` among
them is one text with plural forms; so are JSON's `days_one`, `days_other` (i18next).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from imagebuild.core.document import Node, parse_json, parse_yaml, resolve
from imagebuild.core.locale import canonical_tag, fallback_chain, language_of
from imagebuild.core.strings import Text
from imagebuild.errors import Place, Problems
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import catalogue_csv, catalogue_po, catalogue_xliff
else:
    catalogue_csv = lazy("imagebuild.core.catalogue_csv")
    catalogue_po = lazy("imagebuild.core.catalogue_po")
    catalogue_xliff = lazy("imagebuild.core.catalogue_xliff")

__all__ = ["Catalogue", "parse_catalogue", "parse_catalogues", "strings_files"]

Catalogue = dict[str, Text]

CATEGORIES = frozenset(["zero", "one", "two", "few", "many", "other"])
_MISSING = frozenset(["", "~", "null"])
_ANCHOR = re.compile(r"(?:[&!]\S*\s+)+")
_SUFFIX = re.compile(r"(.+)_(zero|one|two|few|many|other)\Z")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


def parse_catalogue(text: str, *, file: str, tag: str, problems: Problems) -> Catalogue:
    """The strings of one locale. From a file with several, those of `tag`."""
    text = text.removeprefix("\ufeff")
    ending = _ending(file)
    if ending in ("yaml", "yml", "json"):
        root = _parse_tree(text, file, problems)
        return _catalogue_of(root, file, problems) if root else {}
    several = _parse_several(text, file, tag, problems)
    return _choose(several, file, tag, problems) if several else {}


def parse_catalogues(text: str, *, file: str, problems: Problems) -> dict[str, Catalogue]:
    """The strings of every locale a file holds, by tag."""
    text = text.removeprefix("\ufeff")
    if _ending(file) in ("yaml", "yml", "json"):
        root = _parse_tree(text, file, problems)
        return _catalogues_of(root, file, problems) if root else {}
    several = _parse_several(text, file, "", problems)
    if several.pop("", None):
        problems.add(
            "the file does not say what language it is in", at=Place(file, 1, 1),
            hint="put `{locale}` into its name, or name the language in the file",
        )  # fmt: skip
    return several


def strings_files(pattern: str, tags: Sequence[str]) -> list[tuple[str | None, str]]:
    """The files a pattern names for these locales and all they fall back to: (tag, path), each once, in order.

    `{locale}` is the tag, `{posix}` is it with `_`, `{language}` its first part. A file that is named by the language
    alone is only for locales that fall back to it: zh-TW does not read `zh.yaml`. A pattern without any of them is one
    file with several locales: its tag is None. Not every path needs to exist.
    """
    names = set(_PLACEHOLDER.findall(pattern))
    if not names & {"locale", "posix", "language"}:
        return [(None, pattern)]
    found: dict[tuple[str | None, str], None] = {}
    for tag in dict.fromkeys(parent for each in tags for parent in fallback_chain(each)):
        if names & {"locale", "posix"} or tag == language_of(tag):
            path = pattern.replace("{locale}", tag).replace("{posix}", tag.replace("-", "_"))
            found[tag, path.replace("{language}", language_of(tag))] = None
    return list(found)


def _ending(file: str) -> str:
    return file.rsplit(".", 1)[-1].lower() if "." in file else ""


def _parse_tree(text: str, file: str, problems: Problems) -> Node | None:
    root = (parse_json if _ending(file) == "json" else parse_yaml)(text, file=file, problems=problems)
    if root is None or root.is_mapping or root.value is None:
        return root
    what = f"a catalogue is a mapping of keys to texts, not {root.kind}"
    problems.add(what, at=root.place, hint="headline: Warm evenings")
    return None


def _parse_several(text: str, file: str, tag: str, problems: Problems) -> dict[str, Catalogue]:
    """The locales of a file that says itself which it holds; the one it does not name stands under ""."""
    readers: Mapping[str, Callable[..., dict[str, Catalogue]]] = {
        "csv": lambda: catalogue_csv.read_csv(text, file, problems),
        "po": lambda: catalogue_po.read_po(text, file, tag, problems),
        "xlf": lambda: catalogue_xliff.read_xliff(text, file, problems),
        "xliff": lambda: catalogue_xliff.read_xliff(text, file, problems),
    }
    reader = readers.get(_ending(file))
    if reader is None:
        problems.add(
            f"strings cannot be read from `{file}`", at=Place(file),
            hint="use .yaml, .json, .csv, .po, .xlf or .xliff",
        )  # fmt: skip
        return {}
    return reader()


def _choose(several: dict[str, Catalogue], file: str, tag: str, problems: Problems) -> Catalogue:
    """The locale that was asked for, or the one that differs from it only in how much it says (`de`, `de-DE`)."""
    for each in (tag, ""):
        if each in several:
            return several[each]
    for each, catalogue in several.items():
        if each in fallback_chain(tag) or tag in fallback_chain(each):
            return catalogue
    held = ", ".join(f"`{each}`" for each in several)
    problems.add(f"the file has no strings in `{tag}`", at=Place(file, 1, 1), hint=f"it has {held}")
    return {}


def _catalogues_of(root: Node, file: str, problems: Problems) -> dict[str, Catalogue]:
    found: dict[str, Catalogue] = {}
    for name, key, value in root.items():
        tag = canonical_tag(name)
        if tag is None or not (value.is_mapping or value.value is None):
            problems.add(
                f"a file with several locales has them at the top, but `{name}` is none", at=key.place,
                hint="`en-US: {headline: …}`, or one file a locale: `strings/{locale}.yaml`",
            )  # fmt: skip
        elif tag in found:
            problems.add(f"`{tag}` stands twice in the file", at=key.place)
        else:
            found[tag] = _catalogue_of(value, file, problems)
    return found


def _catalogue_of(root: Node, file: str, problems: Problems) -> Catalogue:
    found: Catalogue = {}
    for key, node, value in _leaves(root, "", problems):
        if key in found:
            first = found[key].place.line
            problems.add(f"string `{key}` stands twice", at=node.place, hint=f"line {first} has it already")
        else:
            found[key] = Text(value=value, place=node.place)
    return _joined_suffixes(found, problems) if _ending(file) == "json" else found


def _leaves(node: Node, prefix: str, problems: Problems) -> Iterator[tuple[str, Node, str | dict[str, str]]]:
    """(key, the text's node, text or plural forms) of everything below a mapping."""
    for name, key_node, child in node.items():
        key = prefix + name
        if not name.strip():
            problems.add("an empty key", at=key_node.place)
        elif child.is_list:
            what = f"string `{key}` is a list, not a text"
            problems.add(what, at=child.place, hint="give each text a key of its own")
        elif child.is_mapping and _is_plural(child):
            forms = {each: form for each, _, leaf in child.items() if (form := _written(leaf)) is not None}
            if "other" in forms:
                yield key, child, forms
        elif child.is_mapping:
            yield from _leaves(child, key + ".", problems)
        elif (text := _written(child)) is not None:
            yield key, child, text


def _is_plural(node: Node) -> bool:
    names = {name for name, _, _ in node.items()}
    return "other" in names and names <= CATEGORIES and all(leaf.is_scalar for _, _, leaf in node.items())


def _written(node: Node) -> str | None:
    """A scalar as it is written; None where there is no text yet."""
    if isinstance(node.value, str):
        return node.value
    line = node.lines[node.line - 1] if 0 < node.line <= len(node.lines) else ""
    start = node.column - 1
    raw = _ANCHOR.sub("", line[start : start + node.length], count=1)
    if node.value is None:
        return None if raw in _MISSING or not node.plain_style else raw
    return raw if resolve(raw or "~") == node.value else str(node.value)


def _joined_suffixes(found: Catalogue, problems: Problems) -> Catalogue:
    """i18next's plurals: `days_one` and `days_other` are the forms of `days`."""
    joined: Catalogue = {}
    for key, text in found.items():
        match = _SUFFIX.match(key)
        base = match[1] if match else ""
        if match is None or f"{base}_other" not in found or not isinstance(text.value, str):
            joined[key] = text
        elif match[2] == "other":
            if base in found:
                hint = f"line {found[base].place.line} has it as a text without plural forms"
                problems.add(f"string `{base}` stands twice", at=text.place, hint=hint)
            siblings = {each: found.get(f"{base}_{each}") for each in ("zero", "one", "two", "few", "many", "other")}
            forms = {each: form.value for each, form in siblings.items() if form and isinstance(form.value, str)}
            joined[base] = Text(value=forms, place=text.place)
    return joined
