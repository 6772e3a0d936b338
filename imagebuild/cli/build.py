"""`imagebuild build`: hold the project, plan, and run the plan."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from imagebuild.build.report import Event, Summary
from imagebuild.build.run import Stop
from imagebuild.cli.outcome import end, summary_line
from imagebuild.cli.plan import asked_of, policy_asked, policy_of, provider_of
from imagebuild.cli.plan_data import check_fresh, read_plan
from imagebuild.cli.plan_text import plan_text, price_line
from imagebuild.cli.terminal import Ink, fail, ink_for, say
from imagebuild.core.address import is_inner, parse_selection
from imagebuild.core.offer import dollars
from imagebuild.core.plan import Plan
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.stages.build import Built, finish, owed, prune, run_build
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project, find_project
from imagebuild.workspace.guard import guard
from imagebuild.workspace.private import private_folder

__all__ = ["describe", "run"]

ROUNDS = 3  # damage found on the way is planned around, so often
MOST_SHOWN = 400  # steps: a longer plan is told by its price
STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run(options: argparse.Namespace) -> int:
    project = find_project(options.file, os.environ)
    saved = read_plan(options.plan) if options.plan else None
    if saved is not None:
        _check_own(saved["asked"], options)
    planned = _fresh(project, options, saved)  # before anything is written: a mistake leaves no trace
    if _is_done(planned, options):
        return _done(planned, options)
    planned = _answered(project, planned, options, saved)
    _may_run(planned.plan, options)
    with guard(
        os.path.join(private_folder(project.root), "build.lock"),
        command=_command(),
        on_wait=lambda holder: say(f"waiting for {holder}"),
    ):
        planned = _fresh(project, options, saved)
        if _is_done(planned, options):
            return _done(planned, options)
        _may_run(planned.plan, options)
        return _build(planned, options, saved)


def _check_own(asked: Mapping[str, Any], options: argparse.Namespace) -> None:
    """A saved plan says what to build and what may be paid again: what else is said would be passed over."""
    if options.select or options.exclude or options.provider:
        raise ImagebuildError("`--plan` says already what to build", hint="leave out the selection and `--provider`")
    own, given = policy_of(asked), options.on_uncertain
    if given == "ask":
        raise ImagebuildError("`--plan` asks nothing", hint="leave out `--on-uncertain ask`, or leave out `--plan`")
    if given is not None and (given == "retry") != own.retry_uncertain:
        word, other = ("without", "retry") if given == "retry" else ("with", "skip")
        what = f"the plan was saved {word} `--on-uncertain retry`"
        raise ImagebuildError(what, hint=f"`imagebuild plan --on-uncertain {other} --out {options.plan}`, look, build")
    for name, is_own, is_given in (
        ("--retry-refused", own.retry_refused, options.retry_refused),
        ("--accept-flawed", own.accept_flawed, options.accept_flawed),
        ("--batch", own.batch, options.batch),
    ):
        if is_given and not is_own:
            what = f"the plan was saved without `{name}`"
            raise ImagebuildError(what, hint=f"`imagebuild plan {name} --out {options.plan}`, look, build")


def _is_done(planned: Planned, options: argparse.Namespace) -> bool:
    """Whether everything is as the campaign says, and nothing that was paid for is still to be fetched."""
    return not planned.plan.work and planned.locked and not options.prune and (options.frozen or not owed(planned))


def _answered(project: Project, planned: Planned, options: argparse.Namespace, saved: dict[str, Any] | None) -> Planned:
    """With `--on-uncertain ask`: show what nobody knows the outcome of, and ask what to do about it."""
    steps = [step for step in planned.plan.steps if step.verdict == "uncertain"]
    if options.on_uncertain != "ask" or not steps:
        return planned
    if not sys.stdin.isatty():
        raise BuildError(
            f"`--on-uncertain ask` needs a terminal: the outcome of {_counted(len(steps), 'request')} is not known",
            hint="say `--on-uncertain retry` (it may pay twice) or `--on-uncertain skip`",
        )
    say(plan_text(planned, ink_for(sys.stderr)))
    options.on_uncertain = "skip"
    retried = plan_campaign(
        project, provider=provider_of(options), selection=parse_selection(options.select, options.exclude),
        policy=policy_asked(options)._replace(retry_uncertain=True),
    )  # fmt: skip
    more = retried.plan.price - planned.plan.price
    again = _counted(len(steps), "picture")
    sys.stderr.write(f"ask again for {again}, for {dollars(more)}, which may be paid twice? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        options.on_uncertain = "retry"
    return _fresh(project, options, saved)


def _counted(number: int, word: str) -> str:
    return f"1 {word}" if number == 1 else f"{number} {word}s"


def _fresh(project: Project, options: argparse.Namespace, saved: dict[str, Any] | None) -> Planned:
    planned = _planned(project, options, saved)
    if saved is not None:
        check_fresh(saved, planned, options.plan)
    return planned


def _planned(
    project: Project, options: argparse.Namespace, saved: dict[str, Any] | None, *, once_more: bool = False
) -> Planned:
    """The plan of what was asked. `once_more`: in a further round of a build. What was agreed to be asked again
    has been by then: what came of that is not to be repeated."""
    asked: dict[str, Any] = saved["asked"] if saved is not None else asked_of(options)
    selection = parse_selection(asked["select"], asked["exclude"])
    policy = policy_of(asked)
    if once_more:
        policy = policy._replace(retry_uncertain=False, retry_refused=False)
    return plan_campaign(project, provider=asked["provider"], selection=selection, policy=policy)


def _command() -> str:
    return " ".join(["imagebuild", *sys.argv[1:3]])


def _build(planned: Planned, options: argparse.Namespace, saved: dict[str, Any] | None) -> int:
    """Run the plan; when damage is found on the way, plan around it and go on, in the same command."""
    tally = _Tally()
    stop = Stop()
    had_work = bool(planned.plan.work)
    if not options.quiet and not options.json:
        ink = ink_for(sys.stderr)
        say(plan_text(planned, ink) if len(planned.plan.work) <= MOST_SHOWN else price_line(planned.plan, ink))
    for turn in range(ROUNDS):
        built = _run(planned, options, stop, tally)
        tally.add(built.summary)
        if not built.summary.damaged or stop.reason or turn == ROUNDS - 1:
            break
        again = _planned(planned.project, options, saved, once_more=True)
        refused = _refusal(again.plan, options) or _costs_again(again.plan, options, tally.spent)
        if refused is not None:
            fail(refused)
            break
        for address, problem, _ in built.summary.problems if options.quiet else ():  # else it was told on the way
            say(f"{address}: {problem.what}")
        say("planning again around the damage")
        planned = again
    if options.prune and tally.total.complete:
        removed, lock = prune(planned, built.lock)
        for path in removed:
            say(f"removed {path}")
        planned.plan = replace(planned.plan, orphans=())
        built = replace(built, lock=lock)
    finish(planned, built, describe)
    if built.unfetched:
        name = planned.plan.provider
        say(f"what is under way at `{name}` was not fetched: there is no key for it (`imagebuild doctor {name}`)")
    for output, place in tally.total.aside:
        say(f"what was at {output} is kept as {_near(os.path.join(planned.project.root, place))}")
    return end(tally.total, as_json=options.json, had_work=had_work)


def _near(path: str) -> str:
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown


class _Tally:
    """The rounds of one build as a person counts them: a picture made in the first is not `reused` in the second."""

    def __init__(self) -> None:
        self.total = Summary()
        self._before: set[str] = set()
        self._now: set[str] = set()

    @property
    def spent(self) -> Decimal:
        """With what may have been billed."""
        return self.total.spent + self.total.unknown

    def note(self, event: Event) -> None:
        if event.kind in ("made", "collected", "restored", "adopted") and not is_inner(event.step.address):
            self._now.add(event.step.address)

    def add(self, summary: Summary) -> None:
        total = self.total
        for name in (
            "made", "collected", "drawn", "checked", "restored", "adopted", "strays", "spent", "unknown", "seconds",
        ):  # fmt: skip
            setattr(total, name, getattr(total, name) + getattr(summary, name))
        for name in (
            "failed", "uncertain", "refused", "flawed", "rejected", "blocked", "left", "left_price", "submitted",
            "stopped", "stopped_hint", "problems", "unverified",
        ):  # fmt: skip
            setattr(total, name, getattr(summary, name))
        total.reused = summary.reused - len(self._before - self._now)
        total.aside.extend(summary.aside)
        self._before |= self._now
        self._now = set()


def _may_run(plan: Plan, options: argparse.Namespace) -> None:
    refused = _refusal(plan, options)
    if refused is not None:
        raise refused


def _refusal(plan: Plan, options: argparse.Namespace) -> BuildError | None:
    """What has to be said before money is spent, if anything."""
    at_hand = ("reuse", "restore", "adopt", "orphan")
    missing = [step for step in plan.steps if step.verdict not in at_hand] if options.frozen else []
    if missing:
        named = "\n".join(f"{step.address}" + (f" → {step.output}" if step.output else "") for step in missing[:10])
        more = f"\nand {len(missing) - 10} more" if len(missing) > 10 else ""
        pictures = "1 picture is" if len(missing) == 1 else f"{len(missing)} pictures are"
        return BuildError(
            f"`--frozen`: {pictures} neither in place nor in the store",
            hint=f"fetch the store, or build without `--frozen`:\n{named}{more}",
        )
    if plan.over_budget and not options.within_budget:
        return BuildError(
            f"the plan costs {dollars(plan.price)}, over budget: {plan.over_budget}",
            hint="raise the budget, select fewer assets, or `--within-budget`: the dearest first, as far as it goes",
        )
    if plan.hold and not options.yes:
        return BuildError(plan.hold, hint="`imagebuild plan` says why; `imagebuild build --yes` goes on")
    return None


def _costs_again(plan: Plan, options: argparse.Namespace, spent: Decimal) -> BuildError | None:
    """Damage may not raise the price that was looked at unless that was agreed to, and never over the build's limit."""
    limit = plan.budget.build
    if plan.price and (not options.yes or (limit is not None and spent + plan.price > limit)):
        return BuildError(
            f"damaged pictures would have to be paid again, for {dollars(plan.price)}",
            hint="`imagebuild plan` shows which; `imagebuild build` pays for them",
        )
    return None


def _run(planned: Planned, options: argparse.Namespace, stop: Stop, tally: _Tally) -> Built:
    from imagebuild.cli.progress import view_for

    gc.enable()
    view = view_for(planned.plan, json_lines=options.json, quiet=options.quiet)
    is_broken_off = False

    def on_signal(number: int, _frame: object) -> None:
        nonlocal is_broken_off
        if stop.reason is not None:
            is_broken_off = True
            raise KeyboardInterrupt
        stop.request("stopped by " + ("Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name))
        view.stopping("stopping: what is under way is finished and saved; once more to break off")

    def show(event: Event) -> None:
        tally.note(event)
        view.show(event)

    before = {}
    for number in STOPPING:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup, or a job in the background: as whoever began it wants
            before[number] = signal.signal(number, on_signal)
    try:
        with view:
            trace = view.trace if options.debug else None
            return run_build(
                planned, listener=show, stop=stop, jobs=options.jobs, trace=trace, offline=options.frozen,
                spent=tally.spent,
            )  # fmt: skip
    except BaseException as bad:
        # What the interrupt struck, a lock just being taken, may end in an error of its own.
        if not is_broken_off and not isinstance(bad, KeyboardInterrupt):
            raise
        say("broken off: what was finished is saved, and the next build goes on from there")
        sys.stdout.flush()
        os._exit(2)  # at once: threads that still draw, or wait for a reply, would be waited for
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _done(planned: Planned, options: argparse.Namespace) -> int:
    finish(planned, None, describe)
    return end(Summary(reused=planned.plan.in_place), as_json=options.json)


def describe(planned: Planned) -> tuple[str, str]:
    """What `build` and `plan` will say while nothing changes."""
    return summary_line(Summary(reused=planned.plan.in_place)), plan_text(planned, Ink(False))
