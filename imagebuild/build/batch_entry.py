"""What the journal says of an attempt that is in a batch: its label, how far that had got, and what it replaces.

An entry is written before anything leaves, again at the moment the batch is to be begun (`left`), and again when the
service has named it. Until then an earlier attempt of its key goes along in the entry, and is put back when it turns
out that nothing was made. No network in here. Runs in worker threads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from imagebuild.build.books import Books
from imagebuild.core.attempt import Attempt, payment_of
from imagebuild.core.key import Key, digest_of
from imagebuild.providers.batches import BatchTicket

__all__ = [
    "before_of",
    "begun",
    "has_left",
    "is_in",
    "key_of_label",
    "leaving",
    "mark_all",
    "replacing",
    "ticket_of",
    "withdraw",
    "without_before",
]  # fmt: skip

_BEFORE: Final = "before"
_MONEY: Final = ("estimate", "billed")
# What two attempts of one key mostly share, and an entry never changes: it is not said twice.
_SHARED: Final = ("key", "provider", "model", "campaign", "address", "manifest", "sources")
_OWN: Final = tuple(name for name in Attempt._fields if name not in ("answered", "extra"))


def key_of_label(label: str) -> Key:
    """The key under which a label is claimed."""
    return Key(digest_of(label.encode()))


def is_in(attempt: Attempt, label: str) -> bool:
    return attempt.task.get("label") == label


# --------------------------------------------------------------------------------------------------- how far it has got


def leaving(attempt: Attempt, label: str, file: str, at: str) -> Attempt:
    """Its file is at the service; what begins the batch is about to leave."""
    return attempt._replace(at=at, task={"label": label, "file": file, "left": True})


def has_left(attempt: Attempt) -> bool:
    """Whether its batch may have been begun."""
    return attempt.task.get("left") is True or "batch" in attempt.task


def begun(attempt: Attempt, ticket: BatchTicket) -> Attempt:
    """The service has named its batch."""
    task = {"label": ticket.label, "batch": ticket.batch, "endpoint": ticket.endpoint, "file": ticket.file}
    return attempt._replace(task=task)


def ticket_of(attempt: Attempt, keys: Iterable[Key]) -> BatchTicket | None:
    """The batch it is in, as far as the service has named it."""
    task = attempt.task
    if "batch" not in task:
        return None
    label, batch, endpoint, file = (str(task[name]) for name in ("label", "batch", "endpoint", "file"))
    return BatchTicket(batch, endpoint, file, tuple(keys), label)


# ----------------------------------------------------------------------------------------------------- what it replaces


def replacing(attempt: Attempt, before: Attempt | None) -> Attempt:
    """The attempt, with the earlier one of its key inside."""
    if before is None:
        return attempt
    unsaid = Attempt._field_defaults
    said: dict[str, Any] = {}
    for name in _OWN:
        value = getattr(before, name)
        is_shared = name in _SHARED and value == getattr(attempt, name)
        if not is_shared and (name in _SHARED or name not in unsaid or value != unsaid[name]):
            said[name] = f"{value:f}" if name in _MONEY else value
    extra = without_before(before).extra
    return attempt._replace(extra={**attempt.extra, _BEFORE: {**said, **({"extra": dict(extra)} if extra else {})}})


def before_of(attempt: Attempt) -> Attempt | None:
    """The earlier attempt of its key, as that stood."""
    said = attempt.extra.get(_BEFORE)
    if not isinstance(said, Mapping):
        return None
    values = {name: getattr(attempt, name) for name in _SHARED}
    values |= {name: said[name] for name in (*_OWN, "extra") if name in said}
    return Attempt(**values | {name: Decimal(values[name]) for name in _MONEY if name in values})


def without_before(attempt: Attempt) -> Attempt:
    """It has come to something: what was before it is over."""
    return attempt._replace(extra={name: each for name, each in attempt.extra.items() if name != _BEFORE})


# ------------------------------------------------------------------------------------------------- how it ends, of many


def withdraw(books: Books, attempts: Collection[Attempt]) -> None:
    """Nothing of it was made: as if it had not left. What it was to replace stands as before."""
    earlier = [before for each in attempts if (before := before_of(each)) is not None]
    books.journal.open_many(earlier)
    books.journal.close_many({each.key for each in attempts} - {each.key for each in earlier})


def mark_all(books: Books, attempts: Collection[Attempt], state: str, words: str, batch: str | None = None) -> None:
    """They ended so, all for one reason."""
    ended = [without_before(each)._replace(state=state, words=words) for each in attempts]
    for each in ended:
        books.journal.pay(payment_of(each, state, batch=batch))
    books.journal.open_many(ended)
