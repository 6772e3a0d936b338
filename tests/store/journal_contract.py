"""What every journal must do. A test of one has the fixture `reopen` (another journal of the same place, as another
process would have it), and subclasses `JournalContract`."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from imagebuild.core.attempt import Attempt, Payment, payment_of, settled
from imagebuild.core.key import Key, digest_of, key_of
from imagebuild.store.base import Journal

Reopen = Callable[[], Journal]
MANIFEST = {"schema": 1, "model": "gpt-image-2-2026-04-21", "prompt": "ein Kessel „heiß“ 熱い", "size": "1536x1024"}


def an_attempt(number: int = 0, **more) -> Attempt:
    manifest = {**MANIFEST, "take": number}
    values = {
        "id": f"20261103T100000Z-{number:010x}",
        "key": key_of(manifest),
        "state": "sent",
        "provider": "openai",
        "model": "gpt-image-2-2026-04-21",
        "campaign": "spring",
        "address": f"hero[locale=de-DE,n={number}]",
        "estimate": Decimal("0.0420"),
        "at": "2026-11-03T10:00:00Z",
        "manifest": manifest,
    }
    return Attempt(**(values | more))


def a_payment(number: int = 0, state: str = "paid", **more) -> Payment:
    return payment_of(an_attempt(number), state, **more)


class JournalContract:
    """The suite."""

    @pytest.fixture
    def journal(self, reopen: Reopen) -> Journal:
        return reopen()

    # ------------------------------------------------------------------------------------------------- attempts

    def test_an_empty_journal_has_nothing(self, journal: Journal):
        assert journal.attempt(an_attempt().key) is None
        assert list(journal.attempts()) == []
        assert list(journal.payments()) == []
        journal.close(an_attempt().key)

    def test_an_attempt_that_is_written_down_is_there_for_everybody(self, journal: Journal, reopen: Reopen):
        attempt = an_attempt()
        journal.open(attempt)
        for each in (journal, reopen()):
            assert each.attempt(attempt.key) == attempt
            assert list(each.attempts()) == [attempt]
            assert each.attempt(an_attempt(1).key) is None

    def test_every_field_comes_back_as_it_was_written(self, journal: Journal, reopen: Reopen):
        attempt = an_attempt(
            state="flawed",
            sources={"t.headline": "strings/de-DE.yaml:3"},
            task={"id": "task_1", "poll": {"url": "https://example.org/1"}},
            request_id="req_1",
            words="“no”\n\x1b[31m",
            digest=digest_of(b"picture"),
            billed=Decimal("0.041230"),
            floating=True,
            extra={"approved": {"by": "Ada"}},
        )
        journal.open(attempt)
        read = reopen().attempt(attempt.key)
        assert read == attempt
        assert str(read.billed) == "0.041230"
        assert read.extra == {"approved": {"by": "Ada"}}

    def test_an_attempt_is_kept_whatever_the_service_said(self, journal: Journal):
        attempt = an_attempt(words="\ud83d broken", task={"price": Decimal("0.1"), "n": float("inf")})
        journal.open(attempt)
        assert journal.attempt(attempt.key) == attempt._replace(task={"price": "0.1", "n": float("inf")})

    def test_a_later_state_takes_the_place_of_the_earlier(self, journal: Journal):
        for state in ("sent", "task", "lost"):
            journal.open(an_attempt(state=state))
        assert [each.state for each in journal.attempts()] == ["lost"]

    def test_closing_forgets_one_key_and_no_other(self, journal: Journal, reopen: Reopen):
        for number in range(3):
            journal.open(an_attempt(number))
        journal.close(an_attempt(1).key)
        journal.close(an_attempt(1).key)
        assert {each.id for each in reopen().attempts()} == {an_attempt(0).id, an_attempt(2).id}

    def test_a_whole_reply_makes_an_attempt_answered_and_half_a_reply_does_not(self, journal: Journal, reopen: Reopen):
        attempt = an_attempt()
        journal.open(attempt)
        path = Path(journal.reply_file(attempt.key))
        half = path.with_name(path.name + ".part")
        half.write_bytes(b"half")
        assert reopen().attempt(attempt.key) == attempt
        half.rename(path)
        for each in (reopen().attempt(attempt.key), *reopen().attempts()):
            assert each == attempt._replace(answered=True)

    @pytest.mark.parametrize("state", ["task", "uncertain", "refused", "flawed", "lost"])
    def test_a_reply_that_has_been_read_answers_nothing_more(self, journal: Journal, state: str):
        attempt = an_attempt(state=state)
        journal.open(an_attempt())
        Path(journal.reply_file(attempt.key)).write_bytes(b"read")
        journal.open(attempt)
        assert journal.attempt(attempt.key) == attempt
        assert list(journal.attempts()) == [attempt]

    def test_the_reply_to_an_earlier_request_never_answers_a_later_one(self, journal: Journal):
        first, second = an_attempt(), an_attempt(id="second")
        journal.open(first)
        path = Path(journal.reply_file(first.key))
        for name in (path, path.with_name(path.name + ".part")):
            name.write_bytes(b"429")
        journal.open(second)
        assert journal.attempt(first.key) == second
        assert not path.exists()
        assert not path.with_name(path.name + ".part").exists()

    def test_closing_forgets_the_reply_too(self, journal: Journal):
        attempt = an_attempt()
        journal.open(attempt)
        path = Path(journal.reply_file(attempt.key))
        path.write_bytes(b"reply")
        journal.close(attempt.key)
        assert not path.exists()

    def test_a_reply_may_be_written_before_anything_else(self, journal: Journal):
        Path(journal.reply_file(an_attempt().key)).write_bytes(b"reply")
        assert list(journal.attempts()) == []

    # --------------------------------------------------------------------------------------------------- ledger

    def test_payments_come_back_in_their_order(self, journal: Journal, reopen: Reopen):
        payments = [a_payment(number, billed=Decimal("0.0410"), words=f"第{number}") for number in range(5)]
        for each in payments:
            journal.pay(each)
        assert list(journal.payments()) == list(reopen().payments()) == payments

    def test_a_later_line_of_an_attempt_counts_and_the_earlier_stays(self, journal: Journal):
        journal.pay(a_payment(0, "uncertain"))
        journal.pay(a_payment(1))
        journal.pay(a_payment(0, "cleared", extra={"settled_at": "2026-12-01T00:00:00Z"}))
        assert len(list(journal.payments())) == 3
        assert [each.state for each in settled(journal.payments())] == ["cleared", "paid"]

    def test_months_are_read_from_the_one_that_is_asked_for(self, journal: Journal):
        for month in ("2026-12", "2026-09", "2027-01"):
            journal.pay(a_payment(at=f"{month}-03T10:00:00Z"))
        assert [each.at[:7] for each in journal.payments()] == ["2026-09", "2026-12", "2027-01"]
        assert [each.at[:7] for each in journal.payments(since="2026-10")] == ["2026-12", "2027-01"]
        assert list(journal.payments(since="2027-02")) == []

    def test_sixteen_threads_paying_mix_no_lines(self, reopen: Reopen):
        journals = [reopen(), reopen()]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: journals[number % 2].pay(a_payment(number, words="x" * 5000)), range(160)))
        assert {each.id for each in reopen().payments()} == {a_payment(number).id for number in range(160)}

    # --------------------------------------------------------------------------------------------------- claims

    def test_a_key_is_claimed_once_at_a_time(self, reopen: Reopen):
        one, other, key = reopen(), reopen(), an_attempt().key
        with one.claim(key) as first:
            with one.claim(key) as again, other.claim(key) as second, other.claim(an_attempt(1).key) as third:
                assert (first, again, second, third) == (True, False, False, True)
            with other.claim(key) as still:
                assert not still
        with other.claim(key) as later:
            assert later

    def test_a_claim_is_given_back_when_the_block_fails(self, journal: Journal):
        with pytest.raises(ZeroDivisionError), journal.claim(an_attempt().key):
            raise ZeroDivisionError
        with journal.claim(an_attempt().key) as mine:
            assert mine

    def test_of_many_threads_that_claim_a_key_one_has_it(self, reopen: Reopen):
        key, inside, found = an_attempt().key, [], []

        def claim(_: int) -> None:
            with reopen().claim(key) as mine:
                if mine:
                    inside.append(1)
                    found.append(len(inside))
                    inside.pop()

        with ThreadPoolExecutor(12) as pool:
            list(pool.map(claim, range(600)))
        assert set(found) == {1}

    def test_keys_are_claimed_by_name(self, journal: Journal):
        keys = [Key(digest_of(bytes([number]))) for number in range(40)]
        claims = [journal.claim(key) for key in keys]
        assert all(claim.__enter__() for claim in claims)
        for claim in claims:
            claim.__exit__(None, None, None)
