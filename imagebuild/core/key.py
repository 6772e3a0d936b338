"""Manifest → key, and what changed between two manifests.

A manifest is everything that may change an action's result, by name; its key is the sha256 of one canonical writing of
it. What people are shown (`readable`, `differences`) is read back from those same canonical bytes, so the reason shown
can never differ from the reason used. Knows nothing of what the fields mean, and reads no files.

`KEY_SCHEMA` belongs into every manifest, so that a change of what the fields mean is a visible change of the key.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, NewType

__all__ = [
    "ABSENT",
    "KEY_SCHEMA",
    "Absent",
    "Difference",
    "Digest",
    "Key",
    "Part",
    "canonical",
    "differences",
    "digest_of",
    "elide",
    "key_of",
    "readable",
    "short",
    "shown_diff",
    "word_diff",
]

Key = NewType("Key", str)  # 64 hex characters: the identity of the work
Digest = NewType("Digest", str)  # 64 hex characters: the identity of the bytes

KEY_SCHEMA: Final = 1

_sha256 = hashlib.sha256
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode
_MOST_EXACT = 2**53  # up to here a whole float and its integer are the same number
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\Z")


def canonical(manifest: Mapping[str, object]) -> bytes:
    """The one writing of a manifest: JSON, names sorted, no spaces, UTF-8, texts exactly as given.

    `82.0` is written `82`, other floats in the shortest form that reads back the same. Anything that could be written
    in two ways, or not at all, is refused: NaN, infinities, names that are not texts, decimals, fractions, sets.
    """
    plain = manifest if all(type(value) in (str, int) for value in manifest.values()) else _plain(manifest)
    return _encode(plain).encode()


def key_of(manifest: Mapping[str, object]) -> Key:
    return Key(_sha256(canonical(manifest)).hexdigest())


def digest_of(data: bytes) -> Digest:
    return Digest(_sha256(data).hexdigest())


def short(identity: Key | Digest) -> str:
    """The first twelve characters, for people."""
    return identity[:12]


_LIKE: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (str, str.__str__), (int, int), (float, float), (Mapping, dict), (list, list), (tuple, list),
)  # fmt: skip


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if kind is dict:
        return {_name(name): _plain(child) for name, child in value.items()}
    if kind is list or kind is tuple:
        return [_plain(child) for child in value]
    if kind is float:
        if not math.isfinite(value):
            raise ValueError(f"a manifest cannot hold the number {value}")
        return int(value) if value.is_integer() and abs(value) <= _MOST_EXACT else value
    for base, plain in _LIKE:
        if isinstance(value, base):
            return _plain(plain(value))
    raise TypeError(f"a manifest cannot hold a {kind.__name__}: {value!r}")


def _name(name: Any) -> str:
    if type(name) is str or isinstance(name, str):
        return str.__str__(name)  # a text's own value, also for an enumeration's member
    raise TypeError(f"the names of a manifest are texts, not {type(name).__name__}: {name!r}")


def _member(path: str, name: str) -> str:
    if not _PLAIN_NAME.match(name):
        return f"{path}[{json.dumps(name, ensure_ascii=False)}]"
    return f"{path}.{name}" if path else name


# ---------------------------------------------------------------------------------------------- shown to people


class Absent:
    """Stands where one of two manifests has no such field; `None` is a value like any other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = Absent()


class Difference(NamedTuple):
    """One field that differs: its path (`references[1]`, `steps[0].cover`), and both values or `ABSENT`."""

    path: str
    old: object
    new: object


def readable(manifest: Mapping[str, object]) -> str:
    """What the key was made from, one field a line, in the canonical order; values as JSON, so `1` is not `"1"`."""
    fields = _leaves(json.loads(canonical(manifest)), "")
    return "".join(f"{path}: {json.dumps(value, ensure_ascii=False)}\n" for path, value in fields)


def differences(old: Mapping[str, object], new: Mapping[str, object]) -> tuple[Difference, ...]:
    """Every field that differs, in the canonical order; empty exactly when the keys are equal."""
    return tuple(_differences(json.loads(canonical(old)), json.loads(canonical(new)), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict) and (value or not path):
        for name, child in value.items():
            yield from _leaves(child, _member(path, name))
    elif isinstance(value, list) and value:
        for index, child in enumerate(value):
            yield from _leaves(child, f"{path}[{index}]")
    else:
        yield path, value


def _differences(old: Any, new: Any, path: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(old.keys() | new.keys()):
            yield from _differences(old.get(name, ABSENT), new.get(name, ABSENT), _member(path, name))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else ABSENT
            after = new[index] if index < len(new) else ABSENT
            yield from _differences(before, after, f"{path}[{index}]")
    elif type(old) is not type(new) or old != new:  # `True == 1` in Python, not in a manifest
        yield Difference(path, old, new)


# -------------------------------------------------------------------------------------------------- word by word

Part = tuple[Literal["=", "-", "+"], str]
_JOINERS = "\u200c\u200d"
_LARGE = 2_000
# Written without spaces between words: compared character by character.
_UNSPACED = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF66, 0xFF9F), (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip


def word_diff(old: str, new: str) -> tuple[Part, ...]:
    """What was taken out (`-`), put in (`+`) and kept (`=`), in whole words.

    The `=` and `-` parts, joined, are `old`; the `=` and `+` parts are `new`.
    """
    before, after = _tokens(old), _tokens(new)
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle_before = before[head : len(before) - tail]
    middle_after = after[head : len(after) - tail]
    parts: list[tuple[str, str]] = [("=", "".join(before[:head]))]
    # Without its shortcut for frequent words the matcher is quadratic, which only a very long prompt would feel.
    frequent = len(middle_before) + len(middle_after) > _LARGE
    matcher = difflib.SequenceMatcher(None, middle_before, middle_after, autojunk=frequent)
    for operation, from_a, to_a, from_b, to_b in matcher.get_opcodes():
        if operation == "equal":
            parts.append(("=", "".join(middle_before[from_a:to_a])))
        else:
            parts.append(("-", "".join(middle_before[from_a:to_a])))
            parts.append(("+", "".join(middle_after[from_b:to_b])))
    parts.append(("=", "".join(before[len(before) - tail :])))
    return _merged(parts)


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count


def _tokens(text: str) -> list[str]:
    """Words, runs of spaces, single characters of unspaced scripts, single signs; marks stay with what they mark."""
    found: list[str] = []
    last = ""
    for character in text:
        kind = _kind(character)
        joined = kind == "mark" and last not in ("", "space")
        if joined or (found and found[-1][-1] == "\u200d" and kind == "sign"):
            found[-1] += character
            continue
        if kind == last and kind in ("word", "space"):
            found[-1] += character
        else:
            found.append(character)
        last = kind
    return found


def _kind(character: str) -> str:
    if character.isspace():
        return "space"
    category = unicodedata.category(character)
    if category[0] == "M" or character in _JOINERS:
        return "mark"
    code = ord(character)
    if category[0] in "LN" or character == "_":
        return "single" if code >= 0x0E00 and any(low <= code <= high for low, high in _UNSPACED) else "word"
    return "sign"


def _merged(parts: Iterable[tuple[str, str]]) -> tuple[Part, ...]:
    """Neighbours joined; a mere space between two changes belongs to both, so that a changed phrase reads as one."""
    runs: list[tuple[str, str, str]] = []  # (kept, taken out, put in): either the first, or the other two
    for operation, text in parts:
        if not text:
            continue
        kept, out, put = (text if operation == sign else "" for sign in "=-+")
        if runs and bool(kept) == bool(runs[-1][0]):
            runs[-1] = (runs[-1][0] + kept, runs[-1][1] + out, runs[-1][2] + put)
        else:
            runs.append((kept, out, put))
    joined: list[tuple[str, str, str]] = []
    for kept, out, put in runs:
        if not kept and len(joined) >= 2 and joined[-1][0].isspace() and not joined[-2][0]:
            space = joined.pop()[0]
            joined[-1] = ("", joined[-1][1] + space + out, joined[-1][2] + space + put)
        else:
            joined.append((kept, out, put))
    signs: tuple[Literal["=", "-", "+"], ...] = ("=", "-", "+")
    return tuple((sign, text) for run in joined for sign, text in zip(signs, run, strict=True) if text)


def elide(parts: Iterable[Part], context: int = 6) -> tuple[Part, ...]:
    """The parts with long unchanged stretches cut to `context` words beside a change; `…` stands for the rest."""
    listed = tuple(parts)
    shown: list[Part] = []
    for index, (operation, text) in enumerate(listed):
        if operation == "=":
            text = _cut(text, context if index else 0, context if index < len(listed) - 1 else 0)
        shown.append((operation, text))
    return tuple(shown)


def _cut(text: str, first: int, last: int) -> str:
    tokens = _tokens(text)
    words = [index for index, token in enumerate(tokens) if _kind(token[0]) in ("word", "single")]
    if len(words) <= first + last + 1:
        return text
    head = "".join(tokens[: words[first]]).rstrip() if first else ""
    tail = "".join(tokens[words[-last] :]).lstrip() if last else ""
    return f"{head} … {tail}".lstrip(" " if not head else "").rstrip(" " if not tail else "")


def shown_diff(parts: Iterable[Part], context: int = 6, style: Literal["plain", "markdown"] = "plain") -> str:
    """`… steam rises, [-morning-]{+evening+} light …` on one line; in Markdown with `<del>` and `<ins>`."""
    shown = []
    for operation, text in elide(parts, context):
        if operation == "=":
            line = "".join(" " if _kind(token[0]) == "space" else token for token in _tokens(text))
            shown.append(line if style == "plain" else _escaped(line))
            continue
        line = text.replace("\r\n", "\n").replace("\n", "⏎").replace("\t", "⇥")
        if style == "plain":
            shown.append(f"[-{line}-]" if operation == "-" else f"{{+{line}+}}")
        else:
            tag = "del" if operation == "-" else "ins"
            shown.append(f"<{tag}>{_escaped(line)}</{tag}>")
    return "".join(shown)


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_~|\[\]])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
