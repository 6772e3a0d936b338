"""Decisions as they are asked for, by a page, a command line or a file of exported ones: read, and of a right form.

Whoever asks may be mistaken, or mean harm: what is wrong is refused one by one, in words, and nothing here raises for
one entry. Does not know the campaign: whether a decision may be taken is for `stages.approvals` to say.
"""

from __future__ import annotations

import datetime
import json
import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from imagebuild.core.approvals.decision import DECISIONS
from imagebuild.core.key import Digest, Key
from imagebuild.errors import ApprovalsError, Place, did_you_mean

__all__ = [
    "MOST_BYTES", "Asked", "Exported", "Refused", "asked_of", "form_fault", "moment_of", "name_fault", "read_exported",
    "shown",
]  # fmt: skip

MOST_BYTES: Final = 20 * 2**20
DECISIONS_FORMAT: Final = 1
_HEADER: Final = "imagebuild.decisions"
_MOST_WHY: Final = 4_000
_MOST_NAME: Final = 200
_MOST_ADDRESS: Final = 2_000
_FIELDS: Final = ("ref", "decision", "asset", "digest", "why", "key", "undoes")
_NEEDED: Final = ("ref", "decision", "asset", "digest")
_REF: Final = re.compile("[0-9a-f]{32}")
_DIGEST: Final = re.compile("[0-9a-f]{64}")
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z")
_UNSEEN: Final = ("Cc", "Cf", "Cs", "Zl", "Zp")  # bidirectional controls are among them, and what has no width
_GRACE: Final = datetime.timedelta(minutes=1)  # two clocks never agree


class Asked(NamedTuple):
    """A decision that somebody wants recorded. `at` and `by` only come from a file of exported decisions."""

    ref: str
    decision: str
    asset: str
    digest: Digest
    why: str = ""
    key: Key | None = None
    undoes: str | None = None
    at: str | None = None
    by: str | None = None


class Refused(NamedTuple):
    """One that is not recorded, and why not."""

    ref: str
    what: str
    hint: str | None = None
    asset: str = ""


class Exported(NamedTuple):
    """What a file of decisions asks for, in whose name; and what of it could not be read."""

    by: str
    asked: tuple[Asked, ...]
    refused: tuple[Refused, ...]


# ------------------------------------------------------------------------------------------------------- one entry


def asked_of(entry: object, *, by: str | None = None) -> Asked | Refused:
    """What an entry of JSON asks for. With `by` it is of an exported file: it says when it was decided, and nothing
    that is not its to say; else what it does not need is passed over."""
    if not isinstance(entry, Mapping):
        return Refused("", "a decision must be an object with names and values")
    ref = entry.get("ref")
    refused = Refused(ref if isinstance(ref, str) and _REF.fullmatch(ref) else "", "", None, shown(entry.get("asset")))
    names = (*_FIELDS, "at") if by is not None else _FIELDS
    needed = (*_NEEDED, "at") if by is not None else _NEEDED
    for name in entry if by is not None else ():
        if name not in names:
            return refused._replace(what=f"`{shown(name)}` is not for the file to say", hint=did_you_mean(name, names))
    for name in names:
        value = entry.get(name)
        if name in needed and value is None:
            return refused._replace(what=f"`{name}` is missing")
        if value is not None and not (isinstance(value, str) and _is_text(value)):
            return refused._replace(what=f"`{name}` must be a text")
    values = {name: entry.get(name) for name in names}
    return Asked(
        ref=str(values["ref"]), decision=str(values["decision"]), asset=str(values["asset"]),
        digest=Digest(str(values["digest"])), why=values["why"] or "",
        key=Key(values["key"]) if values["key"] else None, undoes=values["undoes"] or None,
        at=values.get("at"), by=by,
    )  # fmt: skip


def _is_text(value: str) -> bool:
    """JSON can say halves of characters, which no file and no terminal can hold."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(value: object) -> str:
    """A text of a stranger as far as a message may hold it."""
    text = value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
    return text if len(text) <= _MOST_NAME else text[:_MOST_NAME] + "…"


def form_fault(asked: Asked, now: datetime.datetime) -> str | None:
    """What is wrong with the form of a decision, in words; None when nothing is."""
    if asked.decision not in DECISIONS:
        return f"`{shown(asked.decision)}` is no decision: " + ", ".join(DECISIONS)
    for name, value, form, words in (
        ("ref", asked.ref, _REF, "32 hexadecimal characters"),
        ("digest", asked.digest, _DIGEST, "64 hexadecimal characters"),
        ("key", asked.key, _DIGEST, "64 hexadecimal characters"),
        ("undoes", asked.undoes, _REF, "32 hexadecimal characters"),
    ):
        if value is not None and not form.fullmatch(value):
            return f"`{name}` must be {words}"
    fault = name_fault("asset", asked.asset, _MOST_ADDRESS) or _why_fault(asked)
    if fault is None and asked.by is not None:
        fault = name_fault("by", asked.by, _MOST_NAME)
    return fault or (_moment_fault(asked.at, now) if asked.at is not None else None)


def name_fault(name: str, value: str, most: int = _MOST_NAME) -> str | None:
    """What is wrong with a name or an address: nothing in it may be unseen, or turn around what stands beside it."""
    if not value.strip():
        return f"`{name}` is empty"
    if len(value) > most:
        return f"`{name}` is longer than {most:,} characters"
    if not value.isprintable() and any(unicodedata.category(each) in _UNSEEN for each in value):
        return f"`{name}` holds characters that cannot be seen"
    return None


def _why_fault(asked: Asked) -> str | None:
    """A reason is data, markup and line breaks too; but it is a text, and not one that commands a terminal."""
    if len(asked.why) > _MOST_WHY:
        return f"`why` is longer than {_MOST_WHY:,} characters"
    if any(unicodedata.category(each) in ("Cc", "Cs") and each not in "\n\t" for each in asked.why):
        return "`why` holds control characters"
    if asked.decision in ("reject", "comment") and not asked.why.strip():
        return f"to {asked.decision} takes a reason"
    return None


def _moment_fault(at: str, now: datetime.datetime) -> str | None:
    when = moment_of(at)
    if when is None:
        return "`at` must be a moment in UTC such as 2026-11-21T22:54:29Z"
    return "`at` is in the future" if when > now + _GRACE else None


def moment_of(at: str) -> datetime.datetime | None:
    found = _MOMENT.fullmatch(at) if at.isascii() else None
    try:
        return datetime.datetime.fromisoformat(found.group(1) + "+00:00") if found else None
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------- a file of them


def read_exported(data: bytes, *, file: str, campaign: str) -> Exported:
    """The decisions of a page that was exported. A file that is none, or another campaign's, is an error; an entry
    that is wrong is refused by itself."""
    if len(data) > MOST_BYTES:
        raise ApprovalsError(f"`{file}` is larger than {MOST_BYTES // 2**20} MB: no file of decisions is", hint=_HINT)
    content = _parsed(data, file)
    version = content.get(_HEADER)
    if type(version) is int and version > DECISIONS_FORMAT:
        hint = "upgrade imagebuild: pip install --upgrade imagebuild-campaigns"
        raise ApprovalsError(f"`{file}` is of a newer imagebuild (format {version})", hint=hint)
    if version != DECISIONS_FORMAT or type(version) is not int:
        raise ApprovalsError(f"`{file}` is no file of decisions", hint=_HINT)
    whose, by, entries = content.get("campaign"), content.get("by"), content.get("decisions")
    if not isinstance(whose, str) or not isinstance(by, str) or not isinstance(entries, list):
        raise ApprovalsError(f"`{file}` lacks `campaign`, `by` or `decisions`", hint=_HINT)
    if whose != campaign:
        raise ApprovalsError(f"`{file}` is of the campaign `{shown(whose)}`, this is `{campaign}`")
    fault = name_fault("by", by)
    if fault is not None:
        raise ApprovalsError(f"`{file}`: {fault}")
    _check_names(content, ("campaign", "by", "decisions", _HEADER), file)
    found = [asked_of(entry, by=by) for entry in entries]
    return Exported(
        by,
        tuple(each for each in found if isinstance(each, Asked)),
        tuple(each for each in found if isinstance(each, Refused)),
    )


_HINT: Final = "the page that `imagebuild review --export` writes has a button that saves them"


def _parsed(data: bytes, file: str) -> Mapping[str, Any]:
    try:
        content = json.loads(data.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_only_once)
    except UnicodeDecodeError:
        raise ApprovalsError(f"`{file}` is not UTF-8", hint=_HINT) from None
    except json.JSONDecodeError as bad:
        at = Place(file, bad.lineno, bad.colno)
        raise ApprovalsError(f"not JSON: {bad.msg[0].lower()}{bad.msg[1:]}", at=at, hint=_HINT) from None
    except RecursionError:
        raise ApprovalsError(f"`{file}` is nested too deep: no file of decisions is", hint=_HINT) from None
    except ValueError as bad:
        raise ApprovalsError(f"`{file}` cannot be read: {bad}", hint=_HINT) from None
    if not isinstance(content, Mapping):
        raise ApprovalsError(f"`{file}` is no file of decisions", hint=_HINT)
    return content


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return row


def _check_names(content: Mapping[str, Any], known: Collection[str], file: str) -> None:
    for name in content:
        if name not in known:
            raise ApprovalsError(f"`{file}`: unknown name `{shown(name)}`", hint=did_you_mean(name, known))
