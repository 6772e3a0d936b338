"""One decision of a person about a picture, and the one line that it is written as.

A decision's id is made from everything that its line says, the ids of the decisions before it among them: a line that
is changed or taken out shows. Knows nothing of files, of policies, nor of what the decisions of a picture come to.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from imagebuild.core.key import Digest, Key, canonical, digest_of

__all__ = ["DECISIONS", "Decision", "decision_of", "entered_by", "person", "same_person", "written"]

DECISIONS: Final = ("approve", "reject", "withdraw", "comment", "retake", "pick")
_NEEDED: Final = ("after", "ref", "at", "by", "decision", "asset", "digest")
_OPTIONAL: Final = ("why", "policy", "key", "undoes", "entered")  # left out of the line when there is nothing to say
_NAMES: Final = frozenset(("id", *_NEEDED, *_OPTIONAL))
_USUAL: Final = frozenset(("id", *_NEEDED))
_USUAL_NAMES: Final = _USUAL | {"why", "policy"}
_LONE: Final = frozenset(DECISIONS) - {"withdraw"}  # that need no other decision
_MOMENT: Final = re.compile(
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
)
_LONG: Final = re.compile("[0-9a-f]{64}")
_SHORT: Final = re.compile("[0-9a-f]{32}")
_FORM: Final = re.compile(f"(?:{_LONG.pattern} ){{3}}{_SHORT.pattern} {_MOMENT.pattern}")

_quote = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What somebody said of one picture. `at` is UTC, `2026-11-21T22:54:29Z`; `ref` is drawn by whoever decides: the
    same ref is the same decision, however often it arrives; `after` are the ids of all that nothing came after when it
    was written; `extra` are the fields that a newer version wrote."""

    ref: str
    at: str
    by: str
    decision: str
    asset: str
    digest: Digest
    why: str = ""
    policy: str = ""
    key: Key | None = None
    undoes: str | None = None
    entered: str | None = None
    after: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict, hash=False)
    _id: str = field(default="", init=False, repr=False, compare=False)

    @property
    def id(self) -> str:
        """The digest of everything else that its line says."""
        if not self._id:
            object.__setattr__(self, "_id", digest_of(canonical(_content(self))))
        return self._id


def _content(decision: Decision) -> dict[str, Any]:
    """What a line says beside its id, in the order in which it is written."""
    row: dict[str, Any] = {name: getattr(decision, name) for name in _NEEDED}
    row["after"] = list(decision.after)
    row |= {name: value for name in _OPTIONAL if (value := getattr(decision, name))}
    row |= {name: value for name, value in decision.extra.items() if name not in _NAMES}
    return row


def written(decision: Decision) -> str:
    """Its line, without the line break."""
    return _quote({"id": decision.id, **_content(decision)})


def decision_of(row: Mapping[str, Any]) -> Decision | str:
    """The decision that a line's fields say, or what is wrong with them, in words."""
    fault = None if _is_usual(row) else _fault(row)
    if fault:
        return fault
    content = {name: value for name, value in row.items() if name != "id"}
    try:
        right = digest_of(canonical(content)) == row["id"]
    except ValueError:  # a number or a text that has no canonical writing
        return "a damaged line: it holds what no decision can"
    if not right:
        return "the line was edited: its id is not that of what it says"
    known = {name: value for name, value in content.items() if name in _NAMES}
    known["after"] = tuple(content["after"])
    decision = Decision(**known, extra={name: value for name, value in content.items() if name not in _NAMES})
    object.__setattr__(decision, "_id", row["id"])
    return decision


def _is_usual(row: Mapping[str, Any]) -> bool:
    """Whether nothing is wrong with a line that is as nearly all are; `_fault` is for the others, and has the words."""
    names = row.keys()
    if not (names >= _USUAL and names <= _USUAL_NAMES):
        return False
    after = row["after"]
    texts = [value for value in row.values() if value is not after]
    return (
        type(after) is list
        and len(after) == 1
        and type(after[0]) is str
        and set(map(type, texts)) == {str}
        and all(map(str.strip, texts))
        and row["decision"] in _LONE
        and _FORM.fullmatch(" ".join((row["id"], after[0], row["digest"], row["ref"], row["at"]))) is not None
    )


def _fault(row: Mapping[str, Any]) -> str | None:
    for name in ("id", *_NEEDED):
        if name not in row:
            return f"a damaged line: `{name}` is missing"
    for name in ("by", "asset", *(each for each in _OPTIONAL if each in row)):
        if type(row[name]) is not str or not row[name].strip():
            return f"a damaged line: `{name}` must be a text that is not empty"
    for name, form, words in (
        ("id", _LONG, "64 hexadecimal characters"),
        ("ref", _SHORT, "32 hexadecimal characters"),
        ("undoes", _SHORT, "32 hexadecimal characters"),
        ("digest", _LONG, "64 hexadecimal characters"),
        ("key", _LONG, "64 hexadecimal characters"),
        ("at", _MOMENT, "a moment such as 2026-11-21T22:54:29Z"),
    ):
        if name in row and (type(row[name]) is not str or not form.fullmatch(row[name])):
            return f"a damaged line: `{name}` must be {words}"
    if row["decision"] not in DECISIONS:
        return "a damaged line: `decision` is none of " + ", ".join(DECISIONS)
    after = row["after"]
    if type(after) is not list or not all(type(each) is str and _LONG.fullmatch(each) for each in after):
        return "a damaged line: `after` must be a list of ids"
    if len(after) > 1 and sorted(set(after)) != after:
        return "a damaged line: `after` must be sorted, each id once"
    if row["decision"] == "withdraw" and "undoes" not in row:
        return "a damaged line: `undoes` is missing"
    return None


def entered_by(decision: Decision) -> str | None:
    """Who entered it in another's name: `import by ben@northwind.example`."""
    return decision.entered.partition(" by ")[2] or None if decision.entered else None


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: neither case, blanks around it, nor how accents are stored tell apart."""
    return one == other or person(one) == person(other)


def person(name: str) -> str:
    """A name as it is compared with others."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())
