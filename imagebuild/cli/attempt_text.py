"""Open attempts for people: what is known of them, and the command that goes on."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from imagebuild.cli.terminal import isolated, printable
from imagebuild.core.attempt import Attempt
from imagebuild.core.offer import dollars

__all__ = ["attempt_facts", "attempts_lines", "next_command"]

MOST = 4  # request numbers in a line


def attempts_lines(attempts: Sequence[Attempt]) -> list[str]:
    """What is known of attempts that ended alike: at one service, in the same words."""
    first = attempts[0]
    sent = sorted(attempt.at for attempt in attempts)
    when = sent[0] if sent[0] == sent[-1] else f"{sent[0]} to {sent[-1]}"
    known = all(attempt.billed is not None for attempt in attempts)
    cost = dollars(sum(map(_amount, attempts), Decimal(0)))
    lines = [f"sent {when} to {first.provider} · " + (f"{cost} billed" if known else f"about {cost}")]
    if first.words:
        lines.append(f"it says: “{_shown(first.words)}”")
    numbers = [attempt.request_id for attempt in attempts if attempt.request_id]
    if numbers:
        more = f" and {len(numbers) - MOST} more" if len(numbers) > MOST else ""
        lines.append(f"request {', '.join(_shown(number) for number in numbers[:MOST])}{more}")
    return lines


def attempt_facts(attempt: Attempt) -> list[tuple[str, str]]:
    """All that is known of one, by name."""
    number = f", request {_shown(attempt.request_id)}" if attempt.request_id else ""
    facts = [("attempt", f"{attempt.id} · {attempt.state}"), ("sent", f"{attempt.at} to {attempt.provider}{number}")]
    if attempt.model:
        facts.append(("model", attempt.model + (" (floating)" if attempt.floating else "")))
    if attempt.words:
        facts.append(("words", f"“{_shown(attempt.words)}”"))
    amount = dollars(_amount(attempt))
    facts.append(("amount", f"about {amount}" if attempt.billed is None else f"{amount} billed"))
    if attempt.digest:
        facts.append(("kept as", attempt.digest))
    return facts


def next_command(why: str, attempt: Attempt) -> str | None:
    """What to type to go on, None where the next build does by itself what can be done."""
    if why == "lost":
        return (
            f"`imagebuild ledger settle {attempt.id} --billed AMOUNT` (or `--not-billed`) takes what the service's own "
            "books say; `imagebuild build --on-uncertain retry` pays for it again"
        )
    if why in ("sent", "uncertain"):
        return (
            f"`imagebuild ledger settle {attempt.id} --not-billed` when the service's own books say that it was not; "
            "`imagebuild build --on-uncertain retry` asks again, and may pay twice"
        )
    if why == "elsewhere":
        return f"`imagebuild build --provider {attempt.provider}` fetches it"
    if why == "refused":
        return "change what is asked for; or `imagebuild build --retry-refused` asks the same again"
    if why == "flawed":
        return "`imagebuild build --accept-flawed` delivers it as it is; `take: 2` in the campaign pays for another"
    if why in ("answered", "under-way"):
        return "`imagebuild build` goes on with it"
    return None


def _amount(attempt: Attempt) -> Decimal:
    return attempt.estimate if attempt.billed is None else attempt.billed


def _shown(text: str) -> str:
    return isolated(printable(" ".join(text.split())))
