"""How a build ended: what is said about every picture that is not there, the last line, and the exit code."""

from __future__ import annotations

import json
import re
import sys

from imagebuild.build.report import Summary
from imagebuild.cli.terminal import fail, ink_for, say
from imagebuild.core.offer import dollars
from imagebuild.errors import ImagebuildError, Problem

__all__ = ["end", "summary_line"]

COUNTED = (
    "made", "collected", "drawn", "checked", "reused", "restored", "adopted", "failed", "uncertain", "refused",
    "flawed", "rejected", "blocked", "left",
)  # fmt: skip
LABELS = {"failed": "error", "left": "left"}  # `uncertain`, `refused` and `flawed` are called that
MOST_TOLD = 20  # of one kind with the same words
LONGEST = 60  # characters of what stopped a build that fit into its last line
# What to do about it where the trouble itself does not say.
HINTS = {
    "uncertain": "look at the service's own usage page, and tell `imagebuild ledger settle` what it says; "
    "`imagebuild build --on-uncertain retry` asks again, and may pay twice",
    "refused": "change the asset as it says; `imagebuild build --retry-refused` asks the same again",
}
NUMBER = re.compile(r"\b(?=[\w-]*\d)(?:req|task|batch)_?[\w-]+|\b[0-9a-f]{12,}\b")  # of a request, in a service's words


def end(summary: Summary, *, as_json: bool, had_work: bool = False) -> int:
    """Tell it; the exit code. `had_work`: the plan had, whatever of it others did meanwhile."""
    _tell_problems(summary)
    _tell_left(summary)
    _tell_unverified(summary)
    code = 0 if summary.complete else 1 if summary.wrong else 2
    if not as_json:
        print(summary_line(summary, had_work=had_work))
        return code
    print(
        json.dumps(
            {
                "event": "end",
                **{name: getattr(summary, name) for name in COUNTED},
                "submitted": summary.submitted,
                "strays": summary.strays,
                "spent": f"{summary.spent:f}",
                "unknown": f"{summary.unknown:f}",
                "left_price": f"{summary.left_price:f}",
                "aside": [{"output": output, "kept": kept} for output, kept in summary.aside],
                "seconds": round(summary.seconds, 3),
                "unverified": [{"address": address, "what": what} for address, what in summary.unverified],
                "stopped": summary.stopped,
                "exit": code,
            }
        )
    )
    return code


def _tell_problems(summary: Summary) -> None:
    """Each kind of trouble once, with the pictures it befell: a thousand pictures with one cause are one message."""
    alike: dict[tuple[str, str, str | None], list[tuple[str, Problem]]] = {}
    for address, problem, ended in sorted(summary.problems, key=lambda each: each[0]):
        words = NUMBER.sub("", problem.what)  # the rest of what a service says is of one cause
        alike.setdefault((ended, words, problem.hint), []).append((address, problem))
    for (ended, _, _), found in alike.items():
        address, problem = found[0]
        if ended == "left":
            more = f" and {len(found) - 1} more" if len(found) > 1 else ""
            say(f"left: {address}{more}: {problem.what}" + (f"\n  hint: {problem.hint}" if problem.hint else ""))
            continue
        named = [each for each, _ in found[:MOST_TOLD]]
        others = f"\nso also: {', '.join(named[1:])}" if len(named) > 1 else ""
        others += f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
        hint = f"{problem.hint or HINTS.get(ended, '')}{others}".strip() or None
        fail(ImagebuildError(f"{address}: {problem.what}", at=problem.at, hint=hint), label=LABELS.get(ended, ended))


def _tell_unverified(summary: Summary) -> None:
    """What was delivered though nobody could look at all of it, as the campaign allows."""
    alike: dict[str, list[str]] = {}
    for address, what in sorted(summary.unverified):
        alike.setdefault(what, []).append(address)
    for what, addresses in alike.items():
        more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
        say(f"unverified: {addresses[0]}{more}: {what}; delivered, as `unverified: deliver` says")


def _tell_left(summary: Summary) -> None:
    """What was not sent because of something that befell another picture, or the build, and how it goes on."""
    said = _cause(summary)
    if said and len(said) > LONGEST:
        fail(ImagebuildError(said, hint=summary.stopped_hint), label="stopped")
    left = summary.left - sum(ended == "left" for _, _, ended in summary.problems)
    if not summary.stopped or left <= 0:
        return
    way = "the next build goes on with them"
    if summary.stopped.startswith("`budget."):
        way = "raise the limit, or build again once it allows more"
    elif summary.wrong:
        way = "build again when that is mended: what was made is not paid for again"
    price = f", for {dollars(summary.left_price)}" if summary.left_price else ""
    say(f"left: {left} not begun{price}: {way}")


def _cause(summary: Summary) -> str | None:
    """What stopped the build, unless that has been told as a picture's trouble."""
    is_told = any(problem.what == summary.stopped for _, problem, _ in summary.problems)
    return None if is_told else summary.stopped


def summary_line(summary: Summary, *, had_work: bool = False) -> str:
    """The last line: what was made, reused, restored, failed, and spent."""
    ink = ink_for(sys.stdout)
    changed = summary.made + summary.collected + summary.drawn + summary.checked
    changed += summary.restored + summary.adopted + summary.strays
    if not changed and not had_work and summary.complete:
        return f"Nothing to do: all {summary.reused} in place."
    parts = [f"made {summary.made}"]
    for word, number in (
        ("collected", summary.collected),
        ("drew", summary.drawn),
        ("checked", summary.checked),
        ("reused", summary.reused),
        ("restored", summary.restored),
        ("adopted", summary.adopted),
        ("failed", summary.failed),
        ("uncertain", summary.uncertain),
        ("refused", summary.refused),
        ("flawed", summary.flawed),
        ("rejected", summary.rejected),
        ("blocked", summary.blocked),
    ):
        if number or word in ("reused", "restored", "failed"):
            parts.append(f"{word} {number}")
    if summary.left:
        price = f" ({dollars(summary.left_price)})" if summary.left_price else ""
        parts.append(f"left {summary.left}{price}")
    if summary.submitted:
        parts.append(f"in batches {summary.submitted}")
    if summary.strays:
        parts.append(f"kept {summary.strays} that the campaign no longer asks for")
    parts.append(f"spent {dollars(summary.spent)}")
    if summary.unknown:
        parts.append(f"perhaps {dollars(summary.unknown)} more")
    state = ink.green("Done") if summary.complete else ink.red("Not done")
    cause = _cause(summary) or ""
    stopped = f" ({cause})" if 0 < len(cause) <= LONGEST else ""
    return f"{state}{stopped}: {' · '.join(parts)} · {summary.seconds:.1f} s"
