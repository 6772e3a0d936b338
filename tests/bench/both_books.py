"""Holds a sandbox's books against a campaign's own: what was charged, answered and played, and what was kept of it.

For each picture that was to be paid for, the evidence says what may be true of it: made once and kept, or ended badly
in the way of a fault that was played on it, or unknown because its build died while its request was under way. Anything
else is a `Violation`. Reads; changes nothing.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from imagebuild.core.address import base_of, is_inner
from imagebuild.core.attempt import Payment, settled
from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.core.lock import Lock, parse_lock
from imagebuild.store.journal import LocalJournal
from imagebuild.store.local import LocalStore

__all__ = ["Death", "Evidence", "Sent", "Violation", "compare", "prompt_id"]

# What each fault makes of a picture, whoever looks at it.
UNKNOWN: Final = frozenset(
    {"error", "cut", "error-charged", "cut-charged", "truncated", "sse-error", "sse-cut", "task-failed",
     "task-timeout", "batch-partial"}
)  # fmt: skip
FULL: Final = "overloaded"  # 503: at some nobody knows what was done, others say that nothing was
SAYS_FULL: Final = frozenset({"together", "kie"})
LOST: Final = frozenset({"garbage", "url-expired"})
FLAWED: Final = frozenset({"wrong-size", "wrong-format"})
BY_RATIO: Final = frozenset({"hinow", "apixo", "kie"})  # a few pixels less are not wrong there
REFUSED: Final = frozenset(
    {"bad-request", "bad-size", "moderation-input", "moderation-input-bare", "moderation-output",
     "moderation-output-bare", "task-moderated"}
)  # fmt: skip

# A client that lived so much longer than its reply was sent has read it, however busy the machine; one that died so
# much earlier has not.
SURELY_READ: Final = 0.25
SURELY_UNREAD: Final = 0.02


class Violation(Exception):
    """What must never be."""


class Death(NamedTuple):
    """A build that was killed: when it began and when it was gone."""

    began: float
    ended: float


class Sent(NamedTuple):
    """A paid request as the sandbox saw it. Without `answered`, its whole reply never left."""

    prompt: str
    at: float
    answered: int | None
    answered_at: float | None


class Evidence(NamedTuple):
    """All there is to look at after a run. `asked_again`: the run as it was, before everything was asked for again."""

    folder: Path
    run: str
    way: str
    paid: tuple[str, ...]
    charges: list[dict[str, Any]]
    sent: list[Sent]
    plays: list[dict[str, Any]]
    deaths: tuple[Death, ...]
    kept_replies: frozenset[str]
    outputs: tuple[bytes, ...]
    secret: str
    asked_again: Evidence | None = None
    states: Mapping[str, str] = MappingProxyType({})  # of all that was to be paid for, when the evidence was taken

    @property
    def provider(self) -> str:
        return self.way.partition("-")[0]

    @staticmethod
    def states_in(folder: Path, paid: Iterable[str]) -> dict[str, str]:
        """What each picture is by its own books: `stored`, or the state of what is open, or `nothing`."""
        masters, open_states = _masters_in(_lock_in(folder)), Evidence.journal_states(folder)
        return {each: open_states.get(each) or ("stored" if each in masters else "nothing") for each in paid}

    @staticmethod
    def journal_states(folder: Path) -> dict[str, str]:
        attempts = LocalJournal(str(folder / ".imagebuild/store")).attempts()
        return {_picture(each.address): each.state for each in attempts}

    @staticmethod
    def whole_replies(folder: Path) -> set[str]:
        """The attempts whose reply was on disk. One of an earlier attempt, since sent anew, proves nothing."""
        journal = folder / ".imagebuild/store/journal"
        entries = [path.with_suffix(".json") for path in journal.glob("*.reply")]
        return {json.loads(each.read_text(encoding="utf-8"))["id"] for each in entries if each.exists()}

    @staticmethod
    def sent_in(requests: Iterable[Mapping[str, Any]], run: str) -> list[Sent]:
        found = []
        for each in requests:
            named = re.search(rf"id-{run}-\w+-\w", each["body"]) if each["method"] == "POST" else None
            if named is not None:
                found.append(Sent(named[0], each["at"], each["answered"], each["answered_at"]))
        return found

    def charged(self, prompt: str) -> list[dict[str, Any]]:
        return [each for each in self.charges if each["prompt"].startswith(f"{prompt}:") and not each["refunded"]]

    def played(self, prompt: str) -> set[str]:
        return {each["fault"] for each in self.plays if (each["prompt"] or "").startswith(f"{prompt}:")}

    def played_on_all(self) -> set[str]:
        """On what is of no one picture: a batch, or its files."""
        return {each["fault"] for each in self.plays if each["prompt"] is None}


def prompt_id(address: str, run: str) -> str:
    asset, _, rest = address.partition("[n=")
    return f"id-{run}-{asset}-{rest.rstrip(']')}"


class Books(NamedTuple):
    """What the campaign's own books say."""

    masters: Mapping[str, Digest]  # address → what is locked
    states: dict[str, str]  # address → state of what is open
    keys: dict[str, Key]  # address → key of what is open
    digests: dict[str, Digest | None]  # of what is open: of a flawed picture
    payments: list[Payment]
    stored: set[Digest]


def compare(evidence: Evidence, figures: Counter[str]) -> None:
    """Raises `Violation`, or counts."""
    books = _read(evidence)
    check = _again if evidence.asked_again is not None else _action
    for address in evidence.paid:
        try:
            check(evidence, books, address, figures)
        except AssertionError as bad:
            raise Violation(f"{address} ({_state(books, address)}): {bad}") from None
    if evidence.asked_again is None:
        figures["charges"] += sum(len(evidence.charged(prompt_id(each, evidence.run))) for each in evidence.paid)
    else:
        figures["runs asked again"] += 1
        if books.states:
            raise Violation(f"still open, after all was asked for again: {books.states}")


def _read(evidence: Evidence) -> Books:
    """The books, whole."""
    folder = evidence.folder
    place = folder / ".imagebuild" / "store"
    store, journal = LocalStore(str(place)), LocalJournal(str(place))
    stored = store.digests()
    for digest in stored:
        store.get(digest)  # raises when damaged
    for key in list(store.keys()):
        record = store.record(key)
        if record is None or record.digest not in stored:
            raise Violation(f"the record of {key} is damaged, or has no picture")
    lock = _lock_in(folder)
    for entry in lock.entries.values():
        if entry.output and digest_of((folder / entry.output).read_bytes()) != entry.digest:
            raise Violation(f"{entry.output} is not as locked")
    attempts = list(journal.attempts())
    for name in (place / "claims").iterdir() if (place / "claims").exists() else ():
        if len(name.name) == 64 and journal.is_claimed(Key(name.name)):
            raise Violation(f"{name.name} is still claimed")
    _check_secret(evidence)
    return Books(
        _masters_in(lock), {_picture(each.address): each.state for each in attempts},
        {_picture(each.address): each.key for each in attempts},
        {_picture(each.address): each.digest for each in attempts}, settled(journal.payments()), stored,
    )  # fmt: skip


def _lock_in(folder: Path) -> Lock:
    path = folder / "imagebuild.lock"
    return parse_lock(path.read_text(), file=path.name) if path.exists() else Lock("once")


def _masters_in(lock: Lock) -> dict[str, Digest]:
    """Picture → the digest of what was paid for: of what was cut from it, only where nothing was."""
    found = {address: entry.digest for address, entry in lock.entries.items() if not is_inner(address)}
    return found | {_picture(each): entry.digest for each, entry in lock.entries.items() if is_inner(each)}


def _picture(address: str) -> str:
    return base_of(address)


def _check_secret(evidence: Evidence) -> None:
    secret = evidence.secret.encode()
    for path in evidence.folder.rglob("*"):
        if path.is_file() and secret in path.read_bytes():
            raise Violation(f"the key is in {path}")
    if any(secret in output for output in evidence.outputs):
        raise Violation("the key is in what a command said")


def _state(books: Books, address: str) -> str:
    return books.states.get(address) or ("stored" if address in books.masters else "nothing")


def _action(evidence: Evidence, books: Books, address: str, figures: Counter[str]) -> None:
    """One picture that was to be paid for."""
    prompt = prompt_id(address, evidence.run)
    state = _state(books, address)
    charges, faults = evidence.charged(prompt), evidence.played(prompt)
    payments = [each for each in books.payments if _picture(each.address) == address]
    figures["pictures"] += 1
    figures[state] += 1
    assert address not in books.masters or address not in books.states, "locked, and still open"
    assert len(charges) <= 1, f"charged {len(charges)} times"
    unknown = faults & (UNKNOWN if evidence.provider in SAYS_FULL else UNKNOWN | {FULL})
    cut, surely_cut = _died_under_way(evidence, prompt)
    if surely_cut or unknown:
        figures["truly unknown"] += 1
        ended = {"uncertain", *(["lost"] if evidence.played_on_all() & LOST else [])}
        assert state in ended, f"nobody can know it: {unknown or 'its build died meanwhile'}"
    elif state == "uncertain":
        figures["truly unknown"] += 1  # a matter of milliseconds
        figures["unknown by milliseconds"] += 1
        assert cut, "nothing happened to its request"
        assert not charges or evidence.way != "openai-batch", "a batch that was begun is listed"
    if state == "uncertain":
        figures["uncertain and charged"] += len(charges)
        last = payments[-1].id if payments else ""
        assert unknown or last not in evidence.kept_replies, "its whole reply was on disk"
    elif state == "nothing":
        assert address.startswith("winter"), "it was never made, and nothing is in its way"
        assert not charges, "charged, and nowhere in the books"
        assert not payments, f"in the ledger: {payments}"
        return
    _check_end(evidence, books, address, charges, faults)
    (payment,) = payments or [None]
    assert payment is not None, "not in the ledger"
    assert payment.state == {"stored": "paid"}.get(state, state), f"in the ledger as {payment.state}"
    if state in ("stored", "flawed"):
        price = Decimal(charges[0]["price"])
        assert payment.counted == price, f"counted {payment.counted}, and {price} were charged"
        told = payment.billed is not None  # others do not say what they took: the catalogue's price is counted
        assert told == (evidence.provider == "openai"), f"billed {payment.billed}"


def _check_end(evidence: Evidence, books: Books, address: str, charges: list[dict[str, Any]], faults: set[str]) -> None:
    state = _state(books, address)
    bad = faults & (REFUSED | LOST | FLAWED)
    tolerated = {"wrong-size"} if evidence.provider in BY_RATIO else set()
    if state == "stored":
        assert len(charges) == 1, "stored, and never charged"
        assert not bad - tolerated, f"it should have ended as {bad}"
        digest = books.masters[address]
        assert digest in charges[0]["pictures"], "what is stored is not what was sent for its prompt"
        assert digest in books.stored, "its master is not in the store"
    elif state == "flawed":
        assert faults & FLAWED, "nothing is wrong with it"
        assert len(charges) == 1, "never charged"
        assert books.digests[address] in charges[0]["pictures"], "what is kept is not what was sent for its prompt"
        assert books.digests[address] in books.stored, "what is flawed is not kept"
    elif state == "lost":
        assert (faults | evidence.played_on_all()) & LOST, "it can still be had"
        assert charges or evidence.way == "openai-batch", "never charged"  # which of a batch were made, nobody says
    elif state == "refused":
        assert faults & REFUSED, "nobody refused it"
        assert not charges, "refused, and charged"
    else:
        assert state == "uncertain", f"it is left as `{state}`"


def _died_under_way(evidence: Evidence, prompt: str) -> tuple[bool, bool]:
    """Whether a build may have died before it had the reply to its request, and whether it surely did."""
    if evidence.way == "openai-batch":
        return bool(evidence.deaths), False  # its lines are not requests of their own
    sent = [each for each in evidence.sent if each.prompt == prompt]
    may = not sent and bool(evidence.deaths)  # written down, and killed before anything left
    surely = False
    for death in evidence.deaths:
        for each in sent:
            if death.began <= each.at <= death.ended:
                may |= each.answered_at is None or each.answered_at > death.ended - SURELY_READ
                surely |= each.answered_at is None or each.answered_at > death.ended + SURELY_UNREAD
        may |= not any(death.began <= each.at for each in sent)  # its only requests were earlier: killed before another
    return may, surely


def _again(evidence: Evidence, books: Books, address: str, figures: Counter[str]) -> None:
    """After everything that was open was asked for again, by a person's word."""
    before = evidence.asked_again
    assert before is not None
    prompt = prompt_id(address, evidence.run)
    was = before.states[address]
    more = len(evidence.charged(prompt)) - len(before.charged(prompt))
    wanted = 0 if was in ("stored", "flawed") else 1
    assert more == wanted, f"it was {was}, and was charged {more} times more"
    digest = books.masters.get(address)
    assert digest is not None, "it is still not there"
    made = {digest for charge in evidence.charged(prompt) for digest in charge["pictures"]}
    assert digest in made, "what is stored is not what was sent for its prompt"
