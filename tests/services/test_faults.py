"""Every fault of the sandbox at every service that can meet it: how it ends, what the books say, what is sent again.

One table says what each fault comes to. A fault that is missing from it fails, and so does one that is never played.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

import pytest

from imagebuild.core.attempt import Payment
from imagebuild.core.plan import Policy
from imagebuild.sandbox.faults import FAULTS
from tests.services.conftest import WAYS, charges_of, spent


class End(NamedTuple):
    """What a build comes to, the ledger's one line of it, what of that counts, what the service charged; then what a
    second build comes to, when nothing goes wrong any more, and how often it was charged by then. `sent`: paid requests
    of the first build."""

    ended: str
    ledger: str | None
    counted: str  # nothing | estimate | price
    charges: int
    again: str
    charges_again: int
    sent: int = 1


MADE = End("made", "paid", "price", 1, "reused", 1)
SENT_AWAY = MADE._replace(sent=2)  # it was too fast; nothing was begun
DENIED = End("failed", None, "nothing", 0, "made", 1)  # it would say that to everybody
REFUSED = End("refused", "refused", "nothing", 0, "refused", 0)
HELD_BACK = End("refused", "refused", "estimate", 0, "refused", 0)  # perhaps it was made, and perhaps billed
UNKNOWN = End("uncertain", "uncertain", "estimate", 0, "uncertain", 0)
UNKNOWN_CHARGED = End("uncertain", "uncertain", "estimate", 1, "uncertain", 1)
FLAWED = End("flawed", "flawed", "price", 1, "flawed", 1)
LOST = End("uncertain", "lost", "estimate", 1, "uncertain", 1)
COLLECTED = End("left", None, "nothing", 1, "collected", 1)

TASKS = ("apixo", "kie")
STREAM = ("openai-stream",)
BATCH = ("openai-batch",)
CALLED = ("apixo-callback", "kie-callback")
DIRECT = ("openai", "openai-stream", "hinow", "hinow-chat", "together", *TASKS)
RESULT = (*DIRECT, "hinow-link")
FILE = ("hinow-link", "hinow-chat", *TASKS)

# fault → the ways that can meet it, what it comes to, and where it comes to something else.
TABLE: dict[str, tuple[tuple[str, ...], End, dict[str, End]]] = {
    "bad-request": ((*DIRECT, *BATCH), REFUSED, {}),
    "bad-size": ((*DIRECT, *BATCH), REFUSED, {}),
    "moderation-input": ((*DIRECT, *BATCH), REFUSED, {"together": HELD_BACK}),
    # OpenAI and hinow say no more than that it was refused: before, or after it was made
    "moderation-input-bare": ((*DIRECT, *BATCH), HELD_BACK, dict.fromkeys(TASKS, REFUSED)),
    "rate-seconds": (DIRECT, SENT_AWAY, {}),
    "rate-ms": (DIRECT, SENT_AWAY, {}),
    "rate-date": (DIRECT, SENT_AWAY, {}),
    "rate-text": (DIRECT, SENT_AWAY, {}),
    "quota": (DIRECT, DENIED, {}),
    "bad-key": (DIRECT, DENIED, {}),
    "balance": (DIRECT, DENIED, {}),
    "forbidden": (DIRECT, DENIED, {}),
    "no-model": (DIRECT, DENIED, {}),
    # Together and kie.ai say by it that they have taken nothing
    "overloaded": (DIRECT, UNKNOWN, dict.fromkeys(("together", "kie"), SENT_AWAY)),
    "error": (DIRECT, UNKNOWN, {}),
    "cut": (DIRECT, UNKNOWN, {}),
    "error-charged": (RESULT, UNKNOWN_CHARGED, {}),
    "cut-charged": (RESULT, UNKNOWN_CHARGED, {}),
    "truncated": (RESULT, UNKNOWN_CHARGED, {}),
    # sixteen pixels are within what a ratio and a tier leave open
    "wrong-size": (RESULT, FLAWED, dict.fromkeys(("hinow", "hinow-link", "hinow-chat", *TASKS), MADE)),
    "wrong-format": (RESULT, FLAWED, {}),
    "garbage": (RESULT, LOST, {}),
    "moderation-output": (RESULT, HELD_BACK, {}),
    "moderation-output-bare": (RESULT, HELD_BACK, {}),
    "sse-error": (STREAM, UNKNOWN_CHARGED, {}),
    "sse-cut": (STREAM, UNKNOWN_CHARGED, {}),
    "batch-partial": (BATCH, UNKNOWN, {}),
    "batch-expire": (BATCH, MADE, {}),  # half of one is the one
    "batch-fail": (BATCH, DENIED, {}),
    "task-failed": (TASKS, UNKNOWN, {}),
    "task-moderated": (TASKS, HELD_BACK, {}),
    "task-timeout": (TASKS, UNKNOWN, {}),
    "callback-lost": (CALLED, MADE, {}),
    "callback-duplicate": (CALLED, MADE, {}),
    "callback-forged": (CALLED, MADE, {}),
    "url-expired": (FILE, LOST, {}),
    "file-cut": (FILE, MADE, {}),
    "file-error": (FILE, MADE, {}),
}


def cases(*, batch: bool = False) -> Iterator[tuple[str, str, End]]:
    for fault, (ways, end, others) in TABLE.items():
        for way in ways:
            if (way in BATCH) == batch:
                yield fault, way, others.get(way, end)


def set_fault(sandbox, way: str, fault: str | None = None, times: int = 1) -> None:
    shape = {"hinow-shape": WAYS[way].shape} if WAYS[way].shape else {}
    sandbox.set_faults(*([{"fault": fault, "times": times}] if fault else []), **shape)


def ends_of(summary) -> list[str]:
    """What became of the campaign's pictures."""
    names = ("made", "collected", "reused", "failed", "uncertain", "refused", "flawed", "blocked", "left")
    drawn = summary.drawn  # a picture that is only encoded here from what was paid for
    return [name for name in names for _ in range(getattr(summary, name))] + ["drawn"] * drawn


def asked(sandbox, way: str) -> int:
    return sum(each["method"] == "POST" for each in sandbox.requests(WAYS[way].paid))


def assert_booked(payments: list[Payment], end: End, sandbox, estimate: Decimal) -> None:
    charges = charges_of(sandbox, end.charges)
    assert [each.state for each in payments] == ([end.ledger] if end.ledger else [])
    expected = {"nothing": Decimal(0), "estimate": estimate, "price": spent(charges)}[end.counted]
    assert sum((each.counted for each in payments), Decimal(0)) == expected
    assert len(charges) == end.charges


def test_the_table_knows_every_fault_of_the_sandbox():
    assert set(TABLE) == set(FAULTS)


def test_every_fault_stands_at_every_service_it_is_made_for():
    missing = [
        (name, provider)
        for name, fault in FAULTS.items()
        for provider in fault.providers or {way.provider for way in WAYS.values()}
        if not fault.stages <= {"file", "line", "batch"}  # not every service has those
        and provider not in {WAYS[way].provider for way in TABLE[name][0]}
    ]
    assert missing == []


@pytest.mark.parametrize(("fault", "way", "end"), [pytest.param(*each, id="-".join(each[:2])) for each in cases()])
def test_a_fault_comes_to_what_the_table_says_and_is_never_paid_twice(sandbox, site_at, fault, way, end):
    site = site_at(way)
    estimate = site.plan().plan.price
    set_fault(sandbox, way, fault)
    first = site.build()
    assert [each["fault"] for each in sandbox.plays()] == [fault]
    assert ends_of(first) == [end.ended]
    assert_booked(site.payments(), end, sandbox, estimate)
    assert first.spent + first.unknown == sum((each.counted for each in site.payments()), Decimal(0))
    assert (site.folder / "out" / f"poster.{WAYS[way].form}").exists() == (end.ended == "made")
    assert asked(sandbox, way) == end.sent

    set_fault(sandbox, way)
    second = site.build()
    assert ends_of(second) == [end.again]
    assert len(charges_of(sandbox, end.charges_again)) == end.charges_again
    assert asked(sandbox, way) == end.sent + (end.again == "made")
    assert (site.folder / "out" / f"poster.{WAYS[way].form}").exists() == (end.again in ("made", "reused"))


@pytest.mark.parametrize(("fault", "way", "end"), [pytest.param(*each, id=each[0]) for each in cases(batch=True)])
def test_a_fault_of_a_batch_comes_to_what_the_table_says(sandbox, site_at, fault, way, end):
    site, batch = site_at(way), Policy(batch=True)
    estimate = site.plan(batch).plan.price
    set_fault(sandbox, way, fault)
    summary = site.build(batch)
    assert (ends_of(summary), summary.submitted) == (["left"], 1)
    for _ in range(200):
        summary = site.build(batch)
        if ends_of(summary) != ["left"]:  # the batch is over
            break
    assert [each["fault"] for each in sandbox.plays()] == [fault]
    assert ends_of(summary) == ["collected" if end is MADE else end.ended]
    assert_booked(site.payments(), end, sandbox, estimate)
    sent = asked(sandbox, way)
    assert sent == 1

    set_fault(sandbox, way)
    again = site.build(batch)
    assert asked(sandbox, way) == sent + (end is DENIED)
    assert ends_of(again) == ["left" if end is DENIED else end.again]
    for _ in range(200):  # what it has begun is not left to the next test
        if ends_of(again) != ["left"]:
            break
        again = site.build(batch)
    assert len(sandbox.charges()) == end.charges_again


@pytest.mark.parametrize("way", RESULT)
def test_what_the_ledger_calls_billed_is_the_services_own_word_and_never_the_price_list(sandbox, site_at, way):
    """OpenAI counts the tokens; the others do not say what they took."""
    site = site_at(way)
    set_fault(sandbox, way)
    assert site.build().spent == spent(sandbox.charges())
    (payment,) = site.payments()
    assert payment.billed == (spent(sandbox.charges()) if WAYS[way].provider == "openai" else None)
    assert payment.counted == spent(sandbox.charges())


# ------------------------------------------------------------------------------------------- as long as it lasts


@pytest.mark.parametrize("fault", ["file-cut", "file-error"])
@pytest.mark.parametrize("way", FILE)
def test_a_picture_whose_host_is_broken_is_fetched_by_the_next_build_for_nothing(sandbox, site_at, fault, way):
    site = site_at(way)
    set_fault(sandbox, way, fault, times=100_000)
    first = site.build()
    assert (ends_of(first), first.wrong, site.open_states()) == (["left"], 0, dict.fromkeys(site.open_states(), "task"))
    assert first.unknown == site.plan().plan.spent
    assert ends_of(site.build()) == ["left"]
    set_fault(sandbox, way)
    last = site.build()
    assert (ends_of(last), last.spent) == (["collected"], 0)
    assert (asked(sandbox, way), len(sandbox.charges())) == (1, 1)
    assert [each.state for each in site.payments()] == ["paid"]
    assert (site.folder / "out" / f"poster.{WAYS[way].form}").exists()


@pytest.mark.parametrize("way", ["openai", "kie", "together"])
def test_a_service_that_is_too_busy_for_ever_is_given_up_with_nothing_paid(sandbox, site_at, way):
    site = site_at(way)
    set_fault(sandbox, way, "rate-ms", times=100_000)
    assert ends_of(site.build()) == ["failed"]
    assert (site.payments(), site.open_states(), sandbox.charges()) == ([], {}, [])
    set_fault(sandbox, way)
    assert ends_of(site.build()) == ["made"]
    assert len(sandbox.charges()) == 1


# ------------------------------------------------------------------------------------------ on a person's word


@pytest.mark.parametrize("way", [each for each in DIRECT if each != "openai-stream"])
def test_an_unknown_outcome_is_asked_again_on_a_persons_word_and_both_are_in_the_ledger(sandbox, site_at, way):
    site = site_at(way)
    set_fault(sandbox, way, "cut-charged")
    assert ends_of(site.build()) == ["uncertain"]
    set_fault(sandbox, way)
    assert ends_of(site.build(Policy(retry_uncertain=True))) == ["made"]
    assert [each.state for each in site.payments()] == ["uncertain", "paid"]
    assert (len(charges_of(sandbox, 2)), site.open_states()) == (2, {})


@pytest.mark.parametrize("way", ["openai", "apixo", "together"])
def test_a_refusal_is_asked_again_and_a_flawed_picture_taken_on_a_persons_word(sandbox, site_at, way):
    site = site_at(way)
    set_fault(sandbox, way, "bad-request")
    assert ends_of(site.build()) == ["refused"]
    set_fault(sandbox, way, "wrong-format")
    assert ends_of(site.build(Policy(retry_refused=True))) == ["flawed"]
    set_fault(sandbox, way)
    assert ends_of(site.build(Policy(accept_flawed=True))) == ["collected"]
    assert (len(sandbox.charges()), site.open_states()) == (1, {})
