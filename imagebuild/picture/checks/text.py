"""Whether a picture says what it should, and nothing else, by the readers that are installed here.

How a reading becomes a verdict is `picture/reading`'s; this module says what was expected where, and tells what was
found. What no reader here can read is unverified, never passed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from imagebuild.core.key import shown_diff
from imagebuild.picture.checks.finding import Finding, copy_named, place_of, shortened
from imagebuild.picture.checks.subject import Subject
from imagebuild.picture.reading.base import overlap
from imagebuild.picture.reading.check import Extra
from imagebuild.picture.reading.compare import Finding as Item

__all__ = ["check_plate", "check_words"]

_INSIDE = 0.5  # of a text that is a logo's own


def check_words(subject: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """Every string is read as it should be, and nothing besides; of a placeholder that has a caption: the strings."""
    for item in subject.reading.items:
        if item.verdict != "passed":
            yield _of_item(item, subject)
    if wanted.get("extra", True):
        yield from _extras(subject, "text")


def check_plate(subject: Subject, _wanted: Mapping[str, Any]) -> Iterator[Finding]:
    """Nothing is read at all."""
    yield from _extras(subject, "plate")
    if subject.reading.verdict == "unverified":
        hint = subject.reading.hint or "look at the picture; `unverified: deliver` lets it pass unread"
        yield Finding("plate", "unverified", "nobody here can tell whether there are words in the picture", hint)


def _of_item(item: Item, subject: Subject) -> Finding:
    where = f", {place_of(item.box, subject.size)}" if item.box else ""
    named = copy_named(item.role, item.expected)
    if item.verdict == "failed":
        differs = shown_diff(item.difference) if item.read else "it is not there"
        what = f"{named} is not what the picture says: {differs}{where}"
        hint = "make another take (`take: 2`), or let `typeset` draw the words"
        if subject.typesets:
            hint = "look at what lies over it, or behind it"
    else:
        read = f"; it was read “{shortened(item.read)}”" if item.read else ""
        what = f"{named} is not verified: {item.reason}{read}{where}"
        hint = subject.reading.hint or "let a person read it there; `unverified: deliver` lets it pass unread"
    return Finding(
        "text", "failed" if item.verdict == "failed" else "unverified", what, hint, role=item.role or None,
        box=item.box, expected=item.expected, read=item.read, measured=item.share,
    )  # fmt: skip


def _extras(subject: Subject, check: str) -> Iterator[Finding]:
    for extra in subject.reading.extra:
        if not _is_of_logo(extra, subject):
            what = f"nobody asked for the words “{shortened(extra.text)}”, {place_of(extra.box, subject.size)}"
            hint = 'ask for no words in the prompt and make another take; `allow: ["…"]` for a name on the product'
            yield Finding(check, "failed", what, hint, box=extra.box, read=extra.text)


def _is_of_logo(extra: Extra, subject: Subject) -> bool:
    return any(overlap(extra.box, logo) > _INSIDE for logo in subject.logos)
