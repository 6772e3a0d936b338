"""Every verb's options and help. What the verbs do is in their own modules, which are loaded when they are called."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from imagebuild.cli.complete import complete_approvals, complete_provider, complete_selector

__all__ = ["VERBS"]

Parser = argparse.ArgumentParser


def _name(text: str) -> str:
    """A blank one is a variable that was not set: nobody may decide in a name that happens to be there."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: say a name, or leave it out")
    return text.strip()


def _jobs(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"`{text}` is no number of workers: 1, 2, …")
    return number


def _plan(add: Callable[..., Parser]) -> None:
    parser = add("plan", "show what a build would do, why, and what it would cost")
    _selecting(parser)
    _paying(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the whole plan as JSON (schemas/plan.schema.json)")
    form.add_argument("--markdown", action="store_true", help="for a pull-request comment")
    parser.add_argument("--out", metavar="FILE", help="save the plan, for `build --plan FILE`")
    parser.add_argument("--all", action="store_true", help="every change of every cell, none summarized")
    parser.add_argument("--detailed-exitcode", action="store_true", help="0 nothing to do · 1 an error · 2 changes")


def _build(add: Callable[..., Parser]) -> None:
    parser = add("build", "make what changed, put it in place, write the lock")
    _selecting(parser)
    _paying(parser, ("skip", "retry", "ask"))
    parser.add_argument("--plan", metavar="FILE", help="do exactly this saved plan, or refuse if it is stale")
    parser.add_argument(
        "--frozen", action="store_true", help="make nothing: put the locked pictures in place, or say what is missing"
    )
    parser.add_argument(
        "--yes", action="store_true", help="go on although most of what is paid for would be paid again"
    )
    parser.add_argument(
        "--within-budget", action="store_true",
        help="when the plan is over budget: the dearest first, as far as the budget goes",
    )  # fmt: skip
    parser.add_argument(
        "--prune", action="store_true", help="remove the files of assets that are no longer in the campaign"
    )
    parser.add_argument(
        "--jobs", "-j", type=_jobs, metavar="N", help="how many pictures to draw at once (default: one a core)"
    )
    parser.add_argument("--json", action="store_true", help="events as JSON lines on stdout")
    parser.add_argument("--quiet", "-q", action="store_true", help="only problems and the last line")


def _why(add: Callable[..., Parser]) -> None:
    parser = add("why", "say why an asset is as it is: verdict, what changed since last time, request, cost")
    _selecting(parser, what="asset")
    _paying(parser)
    parser.add_argument("--json", action="store_true", help="as JSON, all of the assets selected")


def _show(add: Callable[..., Parser]) -> None:
    parser = add("show", "show what is asked for to make an asset: its final prompt, its request, its inputs")
    _selecting(parser, what="asset")
    parser.add_argument("--json", action="store_true", help="as JSON, all of the assets selected")


def _graph(add: Callable[..., Parser]) -> None:
    parser = add("graph", "draw what is made from what")
    _selecting(parser)
    parser.add_argument(
        "--format", choices=("mermaid", "dot"), default="mermaid", help="mermaid (the default; GitHub draws it) or dot"
    )
    parser.add_argument("--cells", action="store_true", help="a node for every picture, not one for every asset")


def _placements(add: Callable[..., Parser]) -> None:
    parser = add(
        "placements", "list what each picture of a ratio is cut from; without a campaign, the placements known"
    )
    parser.add_argument("--catalogue", action="store_true", help="the placements known, though there is a campaign")
    provider = parser.add_argument("--provider", metavar="NAME", help="as this provider makes it")
    provider.completer = complete_provider  # type: ignore[attr-defined]
    parser.add_argument("--json", action="store_true", help="as JSON, the catalogue with its sources")


def _cache(add: Callable[..., Parser]) -> None:
    parser = add("cache", "the store: its size, what no lock names, whether it is whole")
    parser.add_argument(
        "action", nargs="?", choices=("size", "gc", "verify"), default="size",
        help="size (the default); gc: what no lock names; verify: is everything as it was stored?",
    )  # fmt: skip
    parser.add_argument("--drop", action="store_true", help="gc: drop what it lists")
    parser.add_argument("--paid", action="store_true", help="gc: also pictures that were paid for")
    parser.add_argument(
        "--also", action="append", default=[], metavar="FOLDER",
        help="gc: another project that uses this store; what its locks name stays too; may be repeated",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="as JSON")


def _sandbox(add: Callable[..., Parser]) -> None:
    parser = add("sandbox", "serve the providers' protocols on this machine, to try everything without a key")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: 0, a free one")
    parser.add_argument("--host", default="127.0.0.1", help="an address of this machine alone (default: 127.0.0.1)")
    parser.add_argument(
        "--speed", type=float, default=100.0, metavar="N", help="how many times as fast as real services (default: 100)"
    )
    parser.add_argument(
        "--latency", default="30-240", metavar="SECONDS",
        help="how long services take, before --speed: 60, 30-240 (the default), lognormal:90:0.5",
    )  # fmt: skip
    parser.add_argument("--faults", metavar="FILE", help="a script of what goes wrong, YAML or JSON")
    parser.add_argument(
        "--rate", action="append", default=[], metavar="NAME=P",
        help="a fault that this share of the requests meets; may be repeated",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that chance decides (default: 0)")
    parser.add_argument(
        "--pictures", choices=("proof", "plain"), default="proof",
        help="what it answers with: proofs (the default), or pictures of one colour, which take no time",
    )  # fmt: skip
    parser.add_argument("--picture-bytes", type=int, default=0, metavar="N", help="pad every picture to about N bytes")
    parser.add_argument("--ledger", metavar="FILE", help="append every charge to this file, as JSON lines")
    parser.add_argument("--env", metavar="FILE", help="write the variables to this file as well, once it listens")
    parser.add_argument("--json", action="store_true", help="say where it listens as one line of JSON")


def _ledger(add: Callable[..., Parser]) -> None:
    parser = add("ledger", "every payment ever made: what, when, for which asset, estimated and billed")
    parser.add_argument(
        "action", nargs="?", choices=("list", "settle"), default="list",
        help="list (the default); settle: write down what the service's own books say of an uncertain one",
    )  # fmt: skip
    parser.add_argument("id", nargs="?", metavar="ID", help="settle: the payment's id, or the end of it")
    outcome = parser.add_mutually_exclusive_group()
    outcome.add_argument("--not-billed", action="store_true", help="settle: it was not; it may be asked for again")
    outcome.add_argument("--billed", metavar="AMOUNT", help="settle: it was, in US dollars")
    parser.add_argument("--month", metavar="YYYY-MM", help="only what was sent in this month")
    parser.add_argument("--provider", metavar="NAME", help="only this provider's")
    parser.add_argument("--campaign", metavar="NAME", help="only this campaign's")
    parser.add_argument("--asset", metavar="NAME", help="only this asset's")
    parser.add_argument("--state", metavar="STATE", help="paid, uncertain, refused, lost, cleared, under-way, …")
    parser.add_argument("--by", choices=("month", "provider", "campaign", "asset"), help="only the totals, by this")
    parser.add_argument("--all", action="store_true", help="every line, not only the last 20")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON (schemas/ledger.schema.json)")
    form.add_argument("--csv", action="store_true", help="as CSV, every line; with --by the totals")


def _check(add: Callable[..., Parser]) -> None:
    parser = add("check", "tell every mistake of a campaign; for editors and pre-commit")
    parser.add_argument("files", nargs="*", metavar="FILE", help="campaign files (default: campaign.yaml)")
    parser.add_argument("--json", action="store_true", help="one JSON object a mistake, one a line")


def _fit(add: Callable[..., Parser]) -> None:
    parser = add("fit", "set all copy in every locale, layout and shape, and say what does not fit; makes no picture")
    _selecting(parser)
    parser.add_argument("--pseudo", action="store_true", help="in the pseudo-locales en-XA and ar-XB as well")
    parser.add_argument("--strict", action="store_true", help="exit code 1 for warnings too")
    parser.add_argument("--json", action="store_true", help="all that is found, as JSON")


def _release(add: Callable[..., Parser]) -> None:
    parser = add("release", "put the pictures that are built, checked and approved into a folder of their own")
    parser.add_argument("folder", metavar="DIR", help="new, empty, or an earlier release, which it replaces")
    _selecting(parser)
    parser.add_argument(
        "--require-complete", action="store_true", help="write nothing, and exit 1, when any picture is left out"
    )
    parser.add_argument(
        "--accept-unverified", action="store_true", help="also pictures whose checks could not tell; marked as that"
    )
    parser.add_argument(
        "--replace", action="store_true", help="with a selection: what is not selected goes from DIR too"
    )
    parser.add_argument(
        "--verify", action="store_true", help="write nothing: is DIR as it was released, and approved still?"
    )
    parser.add_argument("--json", action="store_true", help="as JSON (schemas/release.schema.json)")


def _report(add: Callable[..., Parser]) -> None:
    parser = add("report", "say what changed since a revision, what it cost, and who is still to decide")
    _selecting(parser)
    parser.add_argument(
        "--since", metavar="REV", help="a tag, branch, commit or date (default: where this branch left the default one)"
    )
    parser.add_argument("--html", metavar="FILE", help="write one page with everything in it")
    parser.add_argument(
        "--markdown", action="store_true", help="for a pull request (the default; with --html: that as well)"
    )
    parser.add_argument("--out", metavar="FILE", help="write the Markdown to this file")


def _doctor(add: Callable[..., Parser]) -> None:
    parser = add("doctor", "say which providers are ready, at what limits, and what is missing; spends nothing")
    name = parser.add_argument("provider_name", nargs="?", metavar="PROVIDER", help="this one only")
    name.completer = complete_provider  # type: ignore[attr-defined]
    parser.add_argument("--offline", action="store_true", help="ask no service whether it knows the key")
    parser.add_argument("--json", action="store_true", help="as JSON")


def _init(add: Callable[..., Parser]) -> None:
    parser = add("init", "write a small working campaign into a folder")
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER",
        help="made if need be; no file in it is overwritten (default: here)",
    )  # fmt: skip


def _completion(add: Callable[..., Parser]) -> None:
    parser = add("completion", "print the lines that switch on completion in your shell")
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def _deciding(parser: argparse.ArgumentParser) -> None:
    whose = "who decides (default: IMAGEBUILD_USER, else git's user.email)"
    parser.add_argument("--as", type=_name, dest="who", metavar="NAME", help=whose)


def _review(add: Callable[..., Parser]) -> None:
    parser = add("review", "a page on which people look, compare and decide; serves it until Ctrl-C")
    _selecting(parser)
    parser.add_argument(
        "--since", metavar="REV", help="also say what changed since a tag, a branch, a commit or a date"
    )
    _deciding(parser)
    parser.add_argument(
        "--for", dest="people", action="append", default=[], metavar="NAME",
        help="an address of their own for this person, who decides in that name; may be repeated",
    )  # fmt: skip
    parser.add_argument("--open", action="store_true", help="open it in the browser")
    parser.add_argument("--port", type=int, metavar="N", help="default: the campaign's own; 0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine alone)")
    parser.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME",
        help="with --host: a name by which others reach this machine; nothing is encrypted on the way",
    )  # fmt: skip
    parser.add_argument("--export", metavar="DIR", help="serve nothing: write the page as files, which open from disk")
    parser.add_argument("--json", action="store_true", help="say the addresses as one line of JSON")


def _approve(add: Callable[..., Parser]) -> None:
    parser = add("approve", "record what you decide about pictures: approve, reject, comment, ask for another take")
    _selecting(parser)
    parser.add_argument("--all", action="store_true", help="every picture that is delivered")
    parser.add_argument("--waiting", action="store_true", help="only what waits for your approval")
    parser.add_argument("--why", metavar="TEXT", help="the reason, kept with the decision")
    _deciding(parser)
    decision = parser.add_mutually_exclusive_group()
    decision.add_argument("--reject", action="store_true", help="reject them; takes `--why`")
    decision.add_argument("--comment", metavar="TEXT", help="say something about them")
    decision.add_argument(
        "--another-take", action="store_true",
        help="have what they were made from asked for again; the next build does, and pays",
    )  # fmt: skip
    parser.add_argument(
        "--withdraw", action="store_true",
        help="take back what you approved or rejected, now or before; with --another-take, that one is asked for",
    )  # fmt: skip
    parser.add_argument(
        "--from", dest="from_file", metavar="FILE", help="record what was decided on an exported page (- for stdin)"
    )
    parser.add_argument("--json", action="store_true", help="as JSON")


def _approvals(add: Callable[..., Parser]) -> None:
    parser = add("approvals", "how the pictures stand, and what is missing from whom; what was decided, by whom")
    _selecting(parser, first="list (the default), log or verify; then ", completer=complete_approvals)
    parser.add_argument(
        "--state", action="append", default=[], help="list: only pictures in this state; may be repeated",
        choices=("open", "partly", "approved", "rejected", "lapsed", "unneeded"),
    )  # fmt: skip
    parser.add_argument(
        "--for", dest="waiting", type=_name, metavar="NAME",
        help="list: only what waits for this person's approval; `me` is whoever is at work here",
    )  # fmt: skip
    parser.add_argument("--against", metavar="REV", help="verify: compare with this revision of git (default: HEAD)")
    parser.add_argument("--json", action="store_true", help="as JSON")


VERBS: dict[str, Callable[[Callable[..., Parser]], None]] = {
    "init": _init,
    "check": _check,
    "fit": _fit,
    "plan": _plan,
    "build": _build,
    "why": _why,
    "show": _show,
    "graph": _graph,
    "review": _review,
    "release": _release,
    "report": _report,
    "placements": _placements,
    "approve": _approve,
    "approvals": _approvals,
    "cache": _cache,
    "ledger": _ledger,
    "doctor": _doctor,
    "sandbox": _sandbox,
    "completion": _completion,
}


def _selecting(
    parser: Parser, what: str = "select", *, first: str = "", completer: Callable[..., list[str]] | None = None
) -> None:  # fmt: skip
    chosen = parser.add_argument(
        what, nargs="*" if what == "select" else "+", metavar="WHAT",
        help=f"{first}asset names, `axis=value` pairs (with * and ?), addresses, or output paths",
    )  # fmt: skip
    chosen.completer = completer or complete_selector  # type: ignore[attr-defined]
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="WHAT", help="leave these out; may be repeated"
    )
    provider = parser.add_argument(
        "--provider", metavar="NAME", help="make pictures with this provider (default: the campaign's, else proof)"
    )
    provider.completer = complete_provider  # type: ignore[attr-defined]


def _paying(parser: Parser, choices: tuple[str, ...] = ("skip", "retry")) -> None:
    parser.add_argument(
        "--on-uncertain", choices=choices,
        help="requests that left, and nobody knows whether they were made and billed: skip them (the default), or "
        "retry them, which may pay twice" + (", or ask" if "ask" in choices else ""),
    )  # fmt: skip
    parser.add_argument("--retry-refused", action="store_true", help="ask again for what the service refused")
    parser.add_argument(
        "--accept-flawed", action="store_true", help="take pictures that came otherwise than asked for as they are"
    )
    parser.add_argument(
        "--batch", action="store_true", help="send what is paid for in batches: cheaper, and done within a day"
    )
