"""Payments listed, picked, added up and settled, on a real journal."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, cast

import pytest

from imagebuild.build.settling import carry_out
from imagebuild.core.attempt import ENDS, Attempt, settled, total_counted
from imagebuild.core.key import key_of
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.stages.ledger import (
    GROUPS,
    STATES,
    Picked,
    drift,
    lines_of,
    pick,
    settle,
    total,
    totals,
)
from imagebuild.store.journal import LocalJournal
from tests.build.service import ScriptedWire, picture_for, service_of
from tests.build.workshop import Workshop, generate
from tests.store.journal_contract import a_payment, an_attempt

NOW = "2026-12-01T08:00:00Z"


@pytest.fixture
def journal(tmp_path: Path) -> LocalJournal:
    return LocalJournal(str(tmp_path / "store"))


def ended(journal: LocalJournal, number: int, state: str, **more) -> Attempt:
    """As a build leaves one that ended without a picture to deliver: in the ledger, and open."""
    attempt = an_attempt(number, state=state, **more)
    journal.pay(a_payment(number, state, billed=attempt.billed))
    journal.open(attempt)
    return attempt


def states(journal: LocalJournal) -> dict[str, str]:
    return {line.payment.id: line.state for line in lines_of(journal)}


# ----------------------------------------------------------------------------------------------------- what there is


def test_where_nothing_was_paid_there_is_nothing(journal: LocalJournal, tmp_path: Path):
    assert lines_of(journal) == []
    assert totals([], "month") == []
    assert not (tmp_path / "store").exists()


def test_every_attempt_is_one_line_as_it_stands_now(journal: LocalJournal):
    journal.pay(a_payment(0, "uncertain"))
    journal.pay(a_payment(0, billed=Decimal("0.04")))
    refused = ended(journal, 1, "refused")
    found = {line.payment.id: line for line in lines_of(journal)}
    assert [(line.state, line.open) for line in found.values()] == [("paid", None), ("refused", refused)]


def test_what_is_open_and_in_no_ledger_yet_says_what_it_is(journal: LocalJournal):
    for number, state in enumerate(["sent", "sent", "sent", "task"]):
        journal.open(an_attempt(number, state=state))
    Path(journal.reply_file(an_attempt(1).key)).write_bytes(b"reply")
    with journal.claim(an_attempt(2).key) as mine:
        assert mine
        assert list(states(journal).values()) == ["uncertain", "answered", "under-way", "under-way"]
    assert list(states(journal).values()) == ["uncertain", "answered", "uncertain", "under-way"]
    assert set(states(journal).values()) <= set(STATES)
    assert set(ENDS) < set(STATES)


def test_lines_stand_in_the_order_they_were_sent(journal: LocalJournal):
    journal.pay(a_payment(1, at="2026-11-09T00:00:00Z"))
    journal.pay(a_payment(2, at="2026-10-09T00:00:00Z"))
    journal.open(an_attempt(3, at="2026-10-30T00:00:00Z"))
    assert [line.payment.at[:10] for line in lines_of(journal)] == ["2026-10-09", "2026-10-30", "2026-11-09"]
    assert [line.payment.at[:10] for line in lines_of(journal, "2026-10")] == ["2026-10-09", "2026-10-30"]
    assert lines_of(journal, "2026-12") == []


@pytest.mark.parametrize("wrong", ["2026", "2026-13", "november", "2026-11-03"])
def test_a_month_is_written_as_a_month(journal: LocalJournal, wrong: str):
    with pytest.raises(ImagebuildError, match="is no month"):
        lines_of(journal, wrong)


# ------------------------------------------------------------------------------------------------- picked and added


@pytest.fixture
def mixed(journal: LocalJournal) -> LocalJournal:
    journal.pay(a_payment(0, billed=Decimal("0.0400")))
    journal.pay(a_payment(1, provider="apixo", address="poster", at="2026-12-01T00:00:00Z"))
    journal.pay(a_payment(2, "cleared", campaign="autumn"))
    journal.pay(a_payment(3, "flawed", billed=Decimal("0.0500")))
    journal.pay(a_payment(4, "refused", billed=Decimal(0)))
    journal.open(an_attempt(5, provider="apixo"))
    return journal


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Picked(), [0, 2, 3, 4, 5, 1]),
        (Picked(provider="apixo"), [5, 1]),
        (Picked(campaign="autumn"), [2]),
        (Picked(asset="hero", provider="apixo"), [5]),
        (Picked(state="flawed"), [3]),
        (Picked(month="2026-12"), [1]),
        (Picked(asset="poster", state="lost"), []),
    ],
)  # fmt: skip
def test_lines_are_picked_by_what_they_say(mixed: LocalJournal, wanted: Picked, numbers: list[int]):
    assert [line.payment.id for line in pick(lines_of(mixed), wanted)] == [an_attempt(each).id for each in numbers]


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        (Picked(provider="apixso"), "`apixo`"),
        (Picked(campaign="sprung"), "`spring`"),
        (Picked(asset="postre"), "`poster`"),
        (Picked(state="unsure"), "`uncertain`"),
    ],
)  # fmt: skip
def test_a_name_that_nothing_has_is_a_mistake(mixed: LocalJournal, wanted: Picked, hint: str):
    with pytest.raises(ImagebuildError) as caught:
        pick(lines_of(mixed), wanted)
    assert hint in (caught.value.hint or "")


def test_totals_say_what_was_billed_what_was_estimated_and_what_nobody_knows(mixed: LocalJournal):
    found = {row.name: row for row in totals(lines_of(mixed), "month")}
    november = found["2026-11"]
    assert (november.payments, november.billed, november.estimated, november.unknown) == (
        5, Decimal("0.0900"), Decimal("0.1680"), Decimal("0.0420"),
    )  # fmt: skip
    assert (found["2026-12"].billed, found["2026-12"].unknown) == (Decimal(0), Decimal("0.0420"))


@pytest.mark.parametrize("by", list(GROUPS))
def test_however_it_is_added_up_the_sum_is_what_a_budget_counts(mixed: LocalJournal, by: str):
    lines = lines_of(mixed)
    rows = totals(lines, by)
    budget = total_counted(line.payment for line in lines)
    assert sum((row.counted for row in rows), Decimal(0)) == total("in all", lines).counted == budget
    assert sum(row.payments for row in rows) == len(lines)
    assert [row.name for row in rows] == sorted(row.name for row in rows)


def test_drift_holds_the_estimate_against_the_bill_where_that_is_known(mixed: LocalJournal):
    found = drift(lines_of(mixed))
    assert found == (2, Decimal("0.0840"), Decimal("0.0900"))


# ----------------------------------------------------------------------------------------------------------- settling


def test_what_was_not_billed_is_as_if_it_had_never_been_asked_for(journal: LocalJournal):
    attempt = ended(journal, 0, "uncertain", request_id="req_1")
    Path(journal.reply_file(attempt.key)).write_bytes(b"HTTP 500")
    line = settle(journal, attempt.id, Decimal(0), NOW)
    assert (line.state, line.counted, line.open) == ("cleared", 0, None)
    assert states(journal) == {attempt.id: "cleared"}
    assert journal.attempt(attempt.key) is None
    written = list(journal.payments())
    assert [each.state for each in written] == ["uncertain", "cleared"]
    assert written[-1].extra == {"settled_at": NOW}


def test_what_was_billed_and_never_came_is_lost(journal: LocalJournal):
    attempt = ended(journal, 0, "uncertain")
    settle(journal, attempt.id, Decimal("0.05"), NOW)
    assert states(journal) == {attempt.id: "lost"}
    assert journal.attempt(attempt.key) == attempt._replace(state="lost", billed=Decimal("0.05"))
    assert total_counted(journal.payments()) == Decimal("0.05")


def test_a_request_that_was_cut_off_by_a_kill_can_be_settled_before_any_build_looks_at_it(journal: LocalJournal):
    journal.open(an_attempt())
    assert settle(journal, an_attempt().id, Decimal(0), NOW).state == "cleared"
    assert states(journal) == {an_attempt().id: "cleared"}
    assert list(journal.attempts()) == []


def test_a_refusal_stays_a_refusal_whatever_it_cost(journal: LocalJournal):
    free, dear = ended(journal, 0, "refused"), ended(journal, 1, "refused")
    settle(journal, free.id, Decimal(0), NOW)
    settle(journal, dear.id, Decimal("0.04"), NOW)
    assert set(states(journal).values()) == {"refused"}
    assert journal.attempt(free.key) == free._replace(billed=Decimal(0))
    assert total_counted(journal.payments()) == Decimal("0.04")


def test_a_settlement_can_be_corrected(journal: LocalJournal):
    attempt = ended(journal, 0, "uncertain")
    settle(journal, attempt.id, Decimal("0.05"), NOW)
    settle(journal, attempt.id, Decimal(0), NOW)
    assert journal.attempt(attempt.key) is None
    settle(journal, attempt.id, Decimal("0.04"), NOW)
    assert states(journal) == {attempt.id: "lost"}
    assert total_counted(journal.payments()) == Decimal("0.04")


def test_a_settlement_that_was_cut_off_is_finished_by_the_same_command(journal: LocalJournal):
    attempt = ended(journal, 0, "uncertain")
    journal.pay(a_payment(0, "cleared"))  # as far as it had come
    assert settle(journal, attempt.id, Decimal(0), NOW).state == "cleared"
    assert journal.attempt(attempt.key) is None


class Killed(BaseException):
    """What ends a process at once, as far as the journal can see."""


class Dying:
    """A journal whose process is killed before its so-manieth write."""

    def __init__(self, journal: LocalJournal, writes: int) -> None:
        self._journal = journal
        self._left = writes

    def __getattr__(self, name: str) -> Any:
        if name in ("open", "pay", "close"):
            self._left -= 1
            if self._left < 0:
                raise Killed
        return getattr(self._journal, name)


class Books(NamedTuple):
    """What the ledger says of a key's payments, and what is open of it."""

    ledger: list[tuple[str, Decimal | None, bool]]  # the last with: settled by a person
    open: str | None


def books_of(journal: LocalJournal) -> Books:
    paid = [(each.state, each.billed, "settled_at" in each.extra) for each in settled(journal.payments())]
    return Books(paid, next((each.state for each in journal.attempts()), None))


@pytest.mark.parametrize("writes", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("state", "billed", "after"),
    [
        ("sent", "0", Books([("cleared", None, True)], None)),
        ("sent", "0.05", Books([("lost", Decimal("0.05"), True)], "lost")),
        ("uncertain", "0", Books([("cleared", None, True)], None)),
        ("uncertain", "0.05", Books([("lost", Decimal("0.05"), True)], "lost")),
        ("lost", "0", Books([("cleared", None, True)], None)),
        ("refused", "0.05", Books([("refused", Decimal("0.05"), True)], "refused")),
    ],
)  # fmt: skip
def test_killed_at_any_moment_a_settlement_is_not_begun_or_carried_out_by_the_next_build(
    tmp_path: Path, state: str, billed: str, after: Books, writes: int
):
    shop, poster = Workshop(tmp_path), generate("poster")
    manifest = dict(poster.manifest)
    mine = {"key": key_of(manifest), "manifest": manifest, "address": "poster", "provider": "shop"}
    if state == "sent":
        shop.journal.open(an_attempt(**mine))
    else:
        ended(shop.journal, 0, state, **mine)
    before = books_of(shop.journal)
    with suppress(Killed):
        settle(cast(LocalJournal, Dying(shop.journal, writes)), an_attempt().id, Decimal(billed), NOW)
    wire = ScriptedWire(lambda prompt, turn: picture_for(prompt))
    if writes == 0:
        assert books_of(shop.journal) == before
        return
    if writes < 3:
        shop.build([poster], None, service=service_of(wire, shop.journal), price="0.10")
    assert books_of(shop.journal) == after
    assert wire.billed == []
    shop.build([poster], None, service=service_of(wire, shop.journal), price="0.10")
    assert wire.billed == (["poster"] if after.open is None else [])
    assert books_of(shop.journal).ledger[0] == after.ledger[0]


def test_what_a_batch_was_called_outlives_a_killed_settlement(journal: LocalJournal):
    attempt = an_attempt(state="uncertain", task={"label": "batch-1"})
    journal.pay(a_payment(0, "uncertain", batch="batch-1"))
    journal.open(attempt)
    with suppress(Killed):
        settle(cast(LocalJournal, Dying(journal, 2)), attempt.id, Decimal("0.05"), NOW)
    (half,) = journal.attempts()
    assert carry_out(journal, half) == journal.attempt(attempt.key)
    assert journal.attempt(attempt.key) == attempt._replace(state="lost", billed=Decimal("0.05"))
    assert settled(journal.payments())[-1].batch == "batch-1"


def test_a_later_attempt_of_the_same_key_stays_open(journal: LocalJournal):
    journal.pay(a_payment(0, "uncertain"))
    later = an_attempt(0, id="20261104T000000Z-00000000ff", state="task")
    journal.open(later)
    settle(journal, an_attempt(0).id, Decimal(0), NOW)
    assert journal.attempt(later.key) == later


@pytest.mark.parametrize(
    ("state", "says", "hint"),
    [
        ("paid", "made, and in the store", "nobody knows"),
        ("flawed", "made otherwise than asked", "nobody knows"),
        ("task", "at the service", "imagebuild build"),
        ("answered", "its reply is on disk", "imagebuild build"),
    ],
)  # fmt: skip
def test_what_is_known_or_can_be_found_out_is_not_settled(journal: LocalJournal, state: str, says: str, hint: str):
    if state in ("task", "answered"):
        journal.open(an_attempt(state="task" if state == "task" else "sent"))
        if state == "answered":
            Path(journal.reply_file(an_attempt().key)).write_bytes(b"reply")
    else:
        journal.pay(a_payment(0, state))
    before = states(journal)
    with pytest.raises(BuildError, match=says) as caught:
        settle(journal, an_attempt().id, Decimal(0), NOW)
    assert hint in (caught.value.hint or "")
    assert states(journal) == before


def test_nothing_is_settled_under_a_running_build(journal: LocalJournal):
    attempt = ended(journal, 0, "uncertain")
    with journal.claim(attempt.key), pytest.raises(BuildError, match="a build is at"):
        settle(journal, attempt.id, Decimal(0), NOW)
    assert states(journal) == {attempt.id: "uncertain"}


def test_an_id_may_be_named_by_its_end(journal: LocalJournal):
    ended(journal, 0xABCDEF, "uncertain")
    ended(journal, 0x1ABCDEF, "uncertain")
    assert settle(journal, "0001abcdef", Decimal(0), NOW).payment.id == an_attempt(0x1ABCDEF).id
    with pytest.raises(ImagebuildError, match="ends the ids of 2 payments") as caught:
        settle(journal, "abcdef", Decimal(0), NOW)
    assert an_attempt(0xABCDEF).id in (caught.value.hint or "")
    with pytest.raises(ImagebuildError, match="no payment has the id"):
        settle(journal, "def", Decimal(0), NOW)


@pytest.mark.parametrize("word", ["0000abcdfe", "20261103T100000Z-0000abcdfe"])
def test_a_wrong_id_is_told_with_the_nearest_that_can_be_settled(journal: LocalJournal, word: str):
    ended(journal, 0xABCDEF, "uncertain")
    journal.pay(a_payment(0xABCDFF))
    with pytest.raises(ImagebuildError, match="no payment has the id") as caught:
        settle(journal, word, Decimal(0), NOW)
    assert "0000abcdef`" in (caught.value.hint or "")
