"""Every payment ever made, and what is still open: listed, picked, added up, and settled by hand.

A line is one attempt as it stands now: its last line in the ledger, or, where it has none yet, its entry in the
journal. Settling is for what no build can find out: somebody looked at the service's own books.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from imagebuild.build.settling import carry_out, to_be_settled
from imagebuild.core.attempt import ENDS, Attempt, Payment, payment_of, settled
from imagebuild.core.key import Key
from imagebuild.errors import BuildError, ImagebuildError, did_you_mean
from imagebuild.store.journal import LocalJournal

__all__ = ["GROUPS", "STATES", "Drift", "Line", "Picked", "Total", "drift", "lines_of", "pick", "settle", "totals"]

# What a line can say of its attempt: how it ended; or what it is, while it has not.
STATES: Final[Mapping[str, str]] = {
    **ENDS,
    "under-way": "at the service, or a build is waiting for its reply",
    "answered": "its reply is on disk, and is read by the next build",
}

_SHORT = 10  # characters of an id that are shown, and enough to name it
_LEAST = 6
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z")
_BILLED = ("paid", "flawed")  # made, so that the estimate can be held against the bill


class Line(NamedTuple):
    """One attempt. `open`: its entry in the journal, if it is still there."""

    payment: Payment
    state: str  # of STATES
    open: Attempt | None = None

    @property
    def asset(self) -> str:
        return self.payment.address.partition("[")[0]

    @property
    def short(self) -> str:
        return self.payment.id[-_SHORT:]

    @property
    def counted(self) -> Decimal:
        return self.payment.counted

    @property
    def unknown(self) -> Decimal:
        """What is counted only because nobody knows what was billed."""
        return self.payment.counted if self.payment.billed is None else Decimal(0)

    @property
    def can_be_settled(self) -> bool:
        if self.state in ("uncertain", "lost"):
            return "settled_at" not in self.payment.extra
        return self.state == "refused" and self.payment.billed is None


class Picked(NamedTuple):
    """Which lines are wanted; None: all."""

    month: str | None = None
    provider: str | None = None
    campaign: str | None = None
    asset: str | None = None
    state: str | None = None


class Total(NamedTuple):
    """Lines added up. `unknown` is the part of the estimates for which nobody knows whether, or what, was billed."""

    name: str
    payments: int
    billed: Decimal
    estimated: Decimal
    unknown: Decimal

    @property
    def counted(self) -> Decimal:
        return self.billed + self.unknown


class Drift(NamedTuple):
    """Estimate against bill, of the pictures whose bill is known."""

    pictures: int
    estimated: Decimal
    billed: Decimal


GROUPS: Final[Mapping[str, Callable[[Line], str]]] = {
    "month": lambda line: line.payment.at[:7],
    "provider": lambda line: line.payment.provider,
    "campaign": lambda line: line.payment.campaign,
    "asset": lambda line: line.asset,
}


# ----------------------------------------------------------------------------------------------------- what there is


def lines_of(journal: LocalJournal, month: str | None = None, *, ours: Key | None = None) -> list[Line]:
    """Everything, or what was sent in a month, oldest first. `ours`: a key that the caller has claimed."""
    if month is not None and not _MONTH.match(month):
        raise ImagebuildError(f"`{month}` is no month", hint="as in `--month 2026-11`")
    paid = {each.id: each for each in settled(journal.payments(since=month or ""))}
    opened = {each.id: each for each in journal.attempts()}
    found = [Line(each, each.state, opened.get(each.id)) for each in paid.values()]
    found += [_open_line(each, journal, ours) for each in opened.values() if each.id not in paid]
    if month is not None:
        found = [line for line in found if line.payment.at.startswith(month)]
    return sorted(found, key=lambda line: (line.payment.at, line.payment.id))


def _open_line(attempt: Attempt, journal: LocalJournal, ours: Key | None) -> Line:
    """One that no line of the ledger speaks of yet."""
    state = attempt.state
    if state == "sent":
        is_waited_for = attempt.key != ours and journal.is_claimed(attempt.key)
        state = "answered" if attempt.answered else "under-way" if is_waited_for else "uncertain"
    elif state == "task":
        state = "under-way"
    return Line(payment_of(attempt, attempt.state), state, attempt)


def pick(lines: Sequence[Line], wanted: Picked) -> list[Line]:
    """The lines that are wanted. A name that no line has is a mistake; one that only no picked line has is not."""
    for kind in ("provider", "campaign", "asset"):
        name, known = getattr(wanted, kind), {GROUPS[kind](line) for line in lines}
        if name is not None and lines and name not in known:
            raise ImagebuildError(f"nothing was paid for {kind} `{name}`", hint=did_you_mean(name, known))
    if wanted.state is not None and wanted.state not in STATES:
        raise ImagebuildError(f"no state `{wanted.state}`", hint=did_you_mean(wanted.state, STATES))
    tests = [(GROUPS[kind], getattr(wanted, kind)) for kind in GROUPS]
    return [
        line
        for line in lines
        if wanted.state in (None, line.state) and all(name in (None, of(line)) for of, name in tests)
    ]


# --------------------------------------------------------------------------------------------------------- added up


def total(name: str, lines: Iterable[Line]) -> Total:
    count, billed, estimated, unknown = 0, Decimal(0), Decimal(0), Decimal(0)
    for line in lines:
        count += 1
        if line.state == "cleared":
            continue
        billed += line.counted - line.unknown
        estimated += line.payment.estimate
        unknown += line.unknown
    return Total(name, count, billed, estimated, unknown)


def totals(lines: Iterable[Line], by: str) -> list[Total]:
    """A total for each month, provider, campaign or asset, in the order of their names."""
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(GROUPS[by](line), []).append(line)
    return [total(name, groups[name]) for name in sorted(groups)]


def drift(lines: Iterable[Line]) -> Drift:
    known = [line.payment for line in lines if line.state in _BILLED and line.payment.billed is not None]
    estimated = sum((each.estimate for each in known), Decimal(0))
    return Drift(len(known), estimated, sum((each.counted for each in known), Decimal(0)))


# --------------------------------------------------------------------------------------------------------- settling


def settle(journal: LocalJournal, word: str, billed: Decimal, now: str) -> Line:
    """Write down what the service's own books say of an attempt; zero: it was not billed. Returns it as it is then.

    What was not billed is as if it had never been asked for: its entry in the journal goes, and the next build may ask
    again. What was billed and not delivered is lost. A refusal stays one, whatever it cost.
    """
    key = _named(lines_of(journal), word).payment.key
    with journal.claim(key) as is_mine:
        if not is_mine:
            raise BuildError(f"a build is at `{word}` just now", hint="let it finish, then look again")
        line = _named(lines_of(journal, ours=key), word)  # a build may have changed it until the claim was ours
        _check_open_to_settling(line, word)
        state = "refused" if line.state == "refused" else "lost" if billed else "cleared"
        payment = line.payment._replace(
            state=state,
            billed=None if state == "cleared" else billed,
            extra={**line.payment.extra, "settled_at": now},
        )
        if line.open is None:
            journal.pay(payment)
            return Line(payment, state)
        attempt = to_be_settled(line.open, payment)
        journal.open(attempt)  # from here on the word holds, whatever happens to this process
        return Line(payment, state, carry_out(journal, attempt))


def _named(lines: Sequence[Line], word: str) -> Line:
    """The line of an id, or of the end of one."""
    found = [line for line in lines if line.payment.id == word]
    if not found and len(word) >= _LEAST:
        found = [line for line in lines if line.payment.id.endswith(word)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ImagebuildError(
            f"`{word}` ends the ids of {len(found)} payments",
            hint="write all of one: " + ", ".join(f"`{line.payment.id}`" for line in found[:5]),
        )
    open_to = [line for line in lines if line.can_be_settled]
    ids = [line.short for line in open_to] if len(word) <= _SHORT else [line.payment.id for line in open_to]
    hint = did_you_mean(word, ids) or "`imagebuild ledger --all` lists them"
    raise ImagebuildError(f"no payment has the id `{word}`", hint=hint)


def _check_open_to_settling(line: Line, word: str) -> None:
    if line.state in ("paid", "flawed"):
        raise BuildError(
            f"`{word}` is {line.state}: {STATES[line.state]}", hint="only what nobody knows the bill of is settled"
        )
    if line.state in ("under-way", "answered"):
        raise BuildError(
            f"`{word}` is {line.state}: {STATES[line.state]}", hint="`imagebuild build` fetches what comes of it"
        )
