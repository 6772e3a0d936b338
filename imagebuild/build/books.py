"""What is written down about paying, in the order that makes a kill at any moment harmless. No network in here.

Bytes, then the record, then the ledger's line, then the attempt is forgotten. A ledger's line written twice counts
once, so whatever was cut off in between is simply done again. Runs in worker threads.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from imagebuild.build.make import Making
from imagebuild.build.settling import carry_out, is_settled
from imagebuild.core.attempt import Attempt, payment_of
from imagebuild.core.key import Key, short
from imagebuild.errors import ImagebuildError
from imagebuild.providers.base import Picture, Refused, Request, Unknown
from imagebuild.store.base import Journal, Record

__all__ = ["Books", "Flawed", "Left", "ended", "may_be_billed", "way_on"]


class Left(ImagebuildError):
    """Not done, and nothing is wrong with it: stopped, over budget, under way at the service, or with another build."""


class Flawed(ImagebuildError):
    """What came is not what was asked for. It is kept."""


class Books:
    """The journal, the ledger and the store's records, as a payment goes through them."""

    def __init__(self, journal: Journal, making: Making) -> None:
        self.journal = journal
        self._making = making

    def recorded(self, key: Key) -> Record | None:
        """The stored result of a key, if its bytes are there too."""
        return self._making.recorded(key)

    def attempts(self) -> list[Attempt]:
        return list(self.journal.attempts())

    def request(self, attempt: Attempt, attach: bool) -> Request:
        return self._making.request(attempt.address, attempt.manifest, attempt.key, attach=attach)

    def request_of(self, address: str, manifest: Mapping[str, Any], key: Key) -> Request:
        return self._making.request(address, manifest, key)

    def sources(self, address: str) -> Mapping[str, Any]:
        return dict(self._making.sources(address))

    def keep(self, attempt: Attempt, picture: Picture, seconds: float, batch: str | None = None) -> Record:
        """A picture that was paid for becomes its key's result; or it is flawed, and remembered as that."""
        kept = self._making.keep(attempt, picture, seconds)
        if kept.flaw is None:
            self.finish(attempt, kept.record, batch)
            return kept.record
        flawed = attempt._replace(
            state="flawed", words=kept.flaw, digest=kept.record.digest, billed=picture.cost,
            request_id=picture.request_id,
        )  # fmt: skip
        self.journal.pay(payment_of(flawed, "flawed", batch=batch))
        self.journal.open(flawed)
        raise Flawed(
            f"{kept.flaw}; it is kept as {short(kept.record.digest)}, and not delivered", hint=way_on("flawed")
        )

    def finish(self, attempt: Attempt, record: Record, batch: str | None = None) -> None:
        """The ledger's line of what is kept; then the attempt is forgotten. The record has all that the line says, so
        that a build that was killed in between is no reason for another line."""
        billed = None if record.extra.get("estimated") else record.cost
        changes = {"billed": billed, "request_id": record.request_id, "digest": record.digest, "batch": batch}
        self.journal.pay(payment_of(attempt, "paid", **changes))
        self.journal.close(attempt.key)

    def accept(self, attempt: Attempt) -> Record:
        """Take a flawed picture for the key's result after all."""
        record = self._making.accept(attempt)
        self.finish(attempt, record)
        return record

    def mark(
        self, attempt: Attempt, state: str, words: str, request_id: str | None = None, billed: Decimal | None = None
    ) -> None:
        """How an attempt ended without a picture: by a person's word, where there is one."""
        if is_settled(attempt):
            carry_out(self.journal, attempt)
            return
        ended = attempt._replace(state=state, words=words, request_id=request_id or attempt.request_id, billed=billed)
        self.journal.pay(payment_of(ended, state, batch=attempt.task.get("batch")))
        self.journal.open(ended)

    def withdraw(self, attempt: Attempt, before: Attempt | None) -> None:
        """The service has sent it away, or it never got there: as if it had not left. An earlier attempt that it was
        to replace stands as before."""
        if before is not None:
            self.journal.open(before)
        else:
            self.journal.close(attempt.key)


def ended(attempt: Attempt) -> ImagebuildError:
    """How an attempt ended, as it is told again."""
    words, hint = attempt.words, way_on(attempt.state)
    if attempt.state == "flawed":
        return Flawed(words, hint=hint)
    if attempt.state == "refused":
        return Refused(words, words=words, request_id=attempt.request_id, hint=hint)
    if attempt.state in ("uncertain", "lost"):
        return Unknown(words, words=words, request_id=attempt.request_id, hint=hint)
    if attempt.state == "sent":
        words = "the build ended before a reply came: whether it was made and billed is not known"
        return Unknown(words, words=words, request_id=attempt.request_id, hint=way_on("uncertain"))
    return Left(f"a request for it is under way at `{attempt.provider}`")


def may_be_billed(bad: Refused) -> bool:
    """A picture that was made and then held back may be billed; nobody says."""
    return bad.moderation and bad.stage != "input"


def way_on(state: str) -> str:
    """What a person can do about an attempt that ended so."""
    return {
        "flawed": "`imagebuild build --accept-flawed` takes it as it is; `take: 2` asks for another",
        "refused": "change the prompt, or `imagebuild build --retry-refused` asks once more",
        "lost": "`imagebuild build --on-uncertain retry` pays for it again",
    }.get(
        state,
        "`imagebuild ledger settle` takes what the service's own books say of it; "
        "`imagebuild build --on-uncertain retry` asks again, and may pay twice",
    )
