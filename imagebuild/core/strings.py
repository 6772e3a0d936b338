"""The copy of a campaign in all its languages: which text a key has in a locale, and what a missing one means.

`Translator` is what templates see of it (`t.hero.headline`), and remembers what they used. Knows nothing of files: the
catalogues come in parsed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from imagebuild.core.document import Node
from imagebuild.core.locale import PSEUDO_LOCALES, fallback_chain
from imagebuild.errors import ImagebuildError, Place, Problems, did_you_mean
from imagebuild.lazy import lazy

if TYPE_CHECKING:
    from imagebuild.core import pseudo
else:
    pseudo = lazy("imagebuild.core.pseudo")

__all__ = [
    "Found",
    "Missing",
    "MissingText",
    "PluralText",
    "Policy",
    "SkipCell",
    "Strings",
    "Text",
    "Translator",
    "UnfinishedKey",
    "all_keys",
    "missing_keys",
    "parse_policy",
    "plural_forms",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One string of one catalogue. `value` is the text, or its plural forms by CLDR category (`other` is always there).

    `state` is what a translation tool says of it (XLIFF's `translated`, `final`, …), `note` its remark for translators.
    """

    value: str | Mapping[str, str]
    place: Place
    state: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The text of a key in a locale, and whose catalogue it is from. A fallback is the source language's text."""

    text: Text
    from_tag: str
    is_fallback: bool = False


class Missing(Enum):
    """What to do where a text is missing."""

    ERROR = "error"
    FALLBACK = "fallback"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a missing text means: the key itself decides, else the longest glob that matches it, else `default`."""

    default: Missing = Missing.ERROR
    by_glob: Mapping[str, Missing] = field(default_factory=dict)

    def of(self, key: str) -> Missing:
        if key in self.by_glob:
            return self.by_glob[key]
        matching = [glob for glob in self.by_glob if fnmatchcase(key, glob)]
        return self.by_glob[max(matching, key=len)] if matching else self.default


def parse_policy(node: Node, problems: Problems) -> Policy:
    """`fallback`, or a mapping of keys and globs: `{"*": error, "legal.*": skip, cta: fallback}`."""
    if not node.is_mapping:
        only = _parse_missing(node, problems)
        return Policy(default=only) if only else Policy()
    by_glob = {glob: found for glob, _, value in node.items() if (found := _parse_missing(value, problems))}
    return Policy(default=by_glob.pop("*", Missing.ERROR), by_glob=by_glob)


def _parse_missing(node: Node, problems: Problems) -> Missing | None:
    words = [each.value for each in Missing]
    if node.value in words:
        return Missing(node.value)
    listed = "`error`, `fallback` or `skip`"
    if isinstance(node.value, str):
        hint = did_you_mean(node.value, words)
        problems.add(f"`{node.value}` is not {listed}", at=node.place, hint=hint)
    else:
        problems.add(f"`missing` is {listed}, not {node.kind}", at=node.place, hint="or a mapping of keys to these")
    return None


class MissingText(ImagebuildError):
    """A template asks for a text that the locale does not have. `suggestions` are the keys there are."""

    def __init__(
        self, key: str, tag: str, policy: Missing, suggestions: tuple[str, ...], *, hint: str | None = None
    ) -> None:
        super().__init__(f"no string `{key}` for `{tag}`", hint=hint or did_you_mean(key, suggestions))
        self.key = key
        self.tag = tag
        self.policy = policy
        self.suggestions = suggestions


class UnfinishedKey(MissingText):
    """A template prints a key that is only the beginning of others: `{{ t.hero }}` where there is `hero.headline`."""

    def __init__(self, key: str, tag: str, under: tuple[str, ...]) -> None:
        listed = ", ".join(f"`{name}`" for name in under[:12]) + (", …" if len(under) > 12 else "")
        super().__init__(key, tag, Missing.ERROR, under, hint=f"`{key}` goes on: {listed}")


class SkipCell(Exception):
    """The campaign wants no picture where this text is missing."""

    def __init__(self, key: str, tag: str) -> None:
        super().__init__(f"no string `{key}` for `{tag}`")
        self.key = key
        self.tag = tag


class PluralText(str):
    """A text that has plural forms, for the filter `plural`; printed as it is, it is the form `other`."""

    __slots__ = ("_forms",)
    _forms: Mapping[str, str]

    @classmethod
    def of(cls, forms: Mapping[str, str]) -> PluralText:
        text = cls(forms["other"])
        text._forms = forms
        return text

    def __getattr__(self, name: str) -> str:
        if not name.startswith("_") and name in self._forms:  # `t.days.one`
            return self._forms[name]
        raise AttributeError(name)


def plural_forms(text: object) -> Mapping[str, str]:
    """The forms of a text from a template; one without any has the same for every number."""
    if isinstance(text, _Path):
        text = text._translator.printed(text._key)
    return text._forms if isinstance(text, PluralText) else {"other": str(text)}


class Strings:
    """All catalogues of a campaign, by the tag of their file: `es-419` may be one though only `es-MX` is a target."""

    def __init__(
        self,
        catalogues: Mapping[str, Mapping[str, Text]],
        *,
        source: str,
        targets: Iterable[str] = (),
        policy: Policy | None = None,
        damaged: Iterable[str] = (),
        files: Mapping[str, str] | None = None,
    ) -> None:
        """`damaged`: the tags whose catalogues have mistakes of their own; `files`: where a tag's texts would stand."""
        self.catalogues = catalogues
        self.damaged = frozenset(damaged)
        self.files = files or {}
        self.source = source
        self.targets = tuple(targets)
        self.policy = policy or Policy()
        self.keys = frozenset(key for catalogue in catalogues.values() for key in catalogue)
        self.prefixes = frozenset(prefix for key in self.keys for prefix in _prefixes(key))
        self._found: dict[tuple[str, str], Found | None] = {}

    def is_damaged(self, tag: str) -> bool:
        """Whether a text that is missing in a locale may only be hidden by a mistake in its catalogues."""
        return not self.damaged.isdisjoint(fallback_chain(tag))

    def lookup(self, tag: str, key: str) -> Found | None:
        """The text of a key from the locale's nearest catalogue, or the source's if so wished; None if missing."""
        asked = (tag, key)
        if asked not in self._found:
            self._found[asked] = self._look_up(tag, key)
        return self._found[asked]

    def _look_up(self, tag: str, key: str) -> Found | None:
        if tag in PSEUDO_LOCALES:  # `ar` must not stand in for `ar-XB`
            own = self.catalogues.get(tag, {}).get(key)
            return Found(text=own, from_tag=tag) if own else self._pseudo(tag, key)
        found = self._in_chain(tag, key)
        if found is None and self.policy.of(key) is Missing.FALLBACK:
            source = self._in_chain(self.source, key)
            found = replace(source, is_fallback=True) if source else None
        return found

    def _in_chain(self, tag: str, key: str) -> Found | None:
        for each in fallback_chain(tag):
            text = self.catalogues.get(each, {}).get(key)
            if text is not None:
                return Found(text=text, from_tag=each)
        return None

    def _pseudo(self, tag: str, key: str) -> Found | None:
        source = self._in_chain(self.source, key)
        if source is None:
            return None
        value = source.text.value
        if isinstance(value, str):
            return replace(source, text=replace(source.text, value=pseudo.pseudo(value, tag)))
        forms = {category: pseudo.pseudo(form, tag) for category, form in value.items()}
        return replace(source, text=replace(source.text, value=forms))


def _prefixes(key: str) -> Iterable[str]:
    parts = key.split(".")
    return (".".join(parts[:length]) for length in range(1, len(parts)))


def all_keys(strings: Strings) -> tuple[str, ...]:
    """Every key the source language has, in the order of the alphabet."""
    found: set[str] = set()
    for tag in fallback_chain(strings.source):
        found.update(strings.catalogues.get(tag, {}))
    return tuple(sorted(found))


def missing_keys(strings: Strings, keys: Iterable[str], tag: str) -> tuple[str, ...]:
    """Those of the keys that a locale has no text of its own for (a fallback to the source counts as missing)."""
    return tuple(key for key in keys if (found := strings.lookup(tag, key)) is None or found.is_fallback)


class Translator:
    """The texts of one locale: `t` is what templates see, `used` what they have asked for so far."""

    __slots__ = ("_strings", "t", "tag", "used")

    def __init__(self, strings: Strings, tag: str) -> None:
        self._strings = strings
        self.tag = tag
        self.used: dict[str, Found] = {}
        self.t = _Path(self, "")

    def get(self, key: str) -> str | _Path:
        """The text of a key, or, when the key is the beginning of others, what they are reached through."""
        if key in self._strings.prefixes:
            return _Path(self, key)
        return self.text(key)

    def text(self, key: str) -> str:
        found = self._strings.lookup(self.tag, key)
        if found is None:
            raise self._missing(key)
        self.used[key] = found
        value = found.text.value
        return value if isinstance(value, str) else PluralText.of(value)

    def has(self, key: str) -> bool:
        if self._strings.lookup(self.tag, key) is not None:
            return True
        if key not in self._strings.prefixes:
            return False
        under = (each for each in self._strings.keys if each.startswith(key + "."))
        return any(self._strings.lookup(self.tag, each) is not None for each in under)  # of this locale, not of any

    def printed(self, key: str) -> str:
        """The text of a key that is also the beginning of others, where it has one."""
        if key in self._strings.keys:
            return self.text(key)
        under = tuple(sorted(each for each in self._strings.keys if not key or each.startswith(key + ".")))
        raise UnfinishedKey(key or "t", self.tag, under)

    def _missing(self, key: str) -> Exception:
        strings = self._strings
        if key not in strings.keys:  # written wrong: no policy is meant by that
            return MissingText(key, self.tag, Missing.ERROR, tuple(sorted(strings.keys)))
        policy = strings.policy.of(key)
        if policy is Missing.SKIP:
            return SkipCell(key, self.tag)
        catalogues = [strings.catalogues.get(each, {}) for each in fallback_chain(self.tag)]
        held = next((text.place.file for catalogue in catalogues for text in catalogue.values()), None)
        file = held or strings.files.get(self.tag)
        where = f"`{file}`" if file else f"the strings of `{self.tag}`"
        hint = f"add it to {where}, or let it fall back: `missing: {{{key}: fallback}}`"
        return MissingText(key, self.tag, policy, tuple(sorted(strings.keys)), hint=hint)


class _Path:
    """`t`, `t.hero`: names of its own begin with `_`, so that any other name is a key (`t.items`, `t.format`)."""

    __slots__ = ("_key", "_translator")

    def __init__(self, translator: Translator, key: str) -> None:
        self._translator = translator
        self._key = key

    def _under(self, name: str) -> str:
        return f"{self._key}.{name}" if self._key else name

    def __getattr__(self, name: str) -> str | _Path:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._translator.get(self._under(name))

    def __getitem__(self, name: object) -> str | _Path:
        return self._translator.get(self._under(str(name)))

    def __contains__(self, name: object) -> bool:
        return self._translator.has(self._under(str(name)))

    def __str__(self) -> str:
        return str(self._translator.printed(self._key))

    def __repr__(self) -> str:
        return f"<strings of {self._translator.tag} under {self._key!r}>"

    def __bool__(self) -> bool:
        return True

    __iter__ = None  # `{% for x in t %}` and `t | join` are mistakes, not a walk over t[0], t[1], …
