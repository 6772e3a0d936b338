"""`imagebuild build`: hold the project, plan, and run the plan."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from typing import Any

from imagebuild.build.report import Summary
from imagebuild.build.run import Stop
from imagebuild.cli.plan import asked_of, provider_of
from imagebuild.cli.plan_data import check_fresh, read_plan
from imagebuild.cli.plan_text import plan_text, price_line
from imagebuild.cli.terminal import Ink, fail, ink_for, say
from imagebuild.core.address import parse_selection
from imagebuild.core.offer import dollars
from imagebuild.core.plan import Plan
from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.stages.build import Built, finish, prune, run_build
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project, find_project
from imagebuild.workspace.guard import guard

__all__ = ["describe", "run"]

ROUNDS = 3  # damage found on the way is planned around, so often


def run(options: argparse.Namespace) -> int:
    project = find_project(options.file, os.environ)
    saved = read_plan(options.plan) if options.plan else None
    if saved is not None and (options.select or options.exclude or options.provider):
        raise ImagebuildError("`--plan` says already what to build", hint="leave out the selection and `--provider`")
    planned = _planned(project, options, saved)  # before anything is written: a mistake leaves no trace
    if not planned.plan.work and not options.prune:
        return _done(planned, options)
    with guard(
        os.path.join(project.private, "build.lock"),
        command=_command(),
        on_wait=lambda holder: say(f"waiting for {holder}"),
    ):
        planned = _planned(project, options, saved)
        return _build(planned, project, options, saved)


def _planned(project: Project, options: argparse.Namespace, saved: dict[str, Any] | None) -> Planned:
    asked = saved["asked"] if saved is not None else asked_of(options)
    planned = plan_campaign(
        project, provider=asked["provider"], selection=parse_selection(asked["select"], asked["exclude"])
    )
    if saved is not None:
        check_fresh(saved, planned, options.plan)
    return planned


def _command() -> str:
    return " ".join(["imagebuild", *sys.argv[1:3]])


def _build(planned: Planned, project: Project, options: argparse.Namespace, saved: dict[str, Any] | None) -> int:
    total = Summary()
    stop = Stop()
    built: Built | None = None
    for turn in range(ROUNDS):
        _may_run(planned.plan, options, again=turn > 0)
        if not options.quiet and not options.json:
            say(
                plan_text(planned, ink_for(sys.stderr))
                if turn == 0 and len(planned.plan.work) <= 400
                else price_line(planned.plan, ink_for(sys.stderr))
            )
        built = _run(planned, options, stop)
        _add(total, built.summary)
        if not built.summary.damaged or stop.reason:
            break
        total.failed -= built.summary.failed
        total.blocked -= built.summary.blocked
        for address, problem in built.summary.problems:
            say(f"{address}: {problem.what}; planning again")
        planned = plan_campaign(
            project, provider=provider_of(options), selection=parse_selection(options.select, options.exclude)
        )
    assert built is not None
    total.problems = built.summary.problems
    if options.prune and total.complete:
        for path in prune(planned, built.lock):
            say(f"removed {path}")
    finish(planned, built, describe)
    return _end(total, options)


def _may_run(plan: Plan, options: argparse.Namespace, *, again: bool) -> None:
    """What has to be said before money is spent."""
    if options.frozen:
        missing = [step for step in plan.steps if step.verdict == "make"]
        if missing:
            named = "\n".join(f"{step.address}" + (f" → {step.output}" if step.output else "") for step in missing[:10])
            more = f"\nand {len(missing) - 10} more" if len(missing) > 10 else ""
            raise BuildError(
                f"`--frozen`: {len(missing)} pictures are neither in place nor in the store",
                hint=f"fetch the store, or build without `--frozen`:\n{named}{more}",
            )
    if plan.over_budget:
        raise BuildError(
            f"the plan costs {dollars(plan.price)}, over budget: {plan.over_budget}",
            hint="raise the budget, or select fewer assets",
        )
    if plan.hold and not options.yes:
        raise BuildError(plan.hold, hint="`imagebuild plan` says why; `imagebuild build --yes` goes on")
    if again and plan.price:
        raise BuildError(
            f"damaged pictures would have to be paid again, for {dollars(plan.price)}",
            hint="`imagebuild plan` shows which; build again to go on",
        )


def _run(planned: Planned, options: argparse.Namespace, stop: Stop) -> Built:
    from imagebuild.cli.progress import view_for

    def on_signal(number: int, _frame: object) -> None:
        if stop.reason is not None:
            raise KeyboardInterrupt
        stop.request("stopped by " + signal.Signals(number).name)
        say("stopping: what is under way is finished and saved; once more to break off")

    gc.enable()
    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with view_for(planned.plan, json_lines=options.json, quiet=options.quiet) as view:
            return run_build(planned, listener=view.show, stop=stop, jobs=options.jobs)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _add(total: Summary, summary: Summary) -> None:
    for name in ("made", "drawn", "reused", "restored", "adopted", "failed", "blocked", "left", "spent", "seconds"):
        setattr(total, name, getattr(total, name) + getattr(summary, name))
    total.stopped = summary.stopped


def _done(planned: Planned, options: argparse.Namespace) -> int:
    finish(planned, None, describe)
    return _end(Summary(reused=planned.plan.in_place), options)


def describe(planned: Planned) -> tuple[str, str]:
    """What `build` and `plan` will say while nothing changes."""
    return summary_line(Summary(reused=planned.plan.in_place)), plan_text(planned, Ink(False))


def _end(summary: Summary, options: argparse.Namespace) -> int:
    for address, problem in summary.problems:
        fail(ImagebuildError(f"{address}: {problem.what}", at=problem.at, hint=problem.hint))
    code = 0 if summary.complete else 2 if summary.left and not summary.failed else 1
    if options.json:
        import json

        counted = {
            name: getattr(summary, name)
            for name in ("made", "drawn", "reused", "restored", "adopted", "failed", "blocked", "left")
        }
        print(
            json.dumps(
                {
                    "event": "end",
                    **counted,
                    "spent": f"{summary.spent:f}",
                    "seconds": round(summary.seconds, 3),
                    "stopped": summary.stopped,
                    "exit": code,
                }
            )
        )
        return code
    print(summary_line(summary))
    return code


def summary_line(summary: Summary) -> str:
    """The last line: what was made, reused, restored, failed, and spent."""
    ink = ink_for(sys.stdout)
    changed = summary.made + summary.drawn + summary.restored + summary.adopted
    if not changed and summary.complete:
        return f"Nothing to do: all {summary.reused} in place."
    parts = [f"made {summary.made}"]
    if summary.drawn:
        parts.append(f"drew {summary.drawn}")
    parts.append(f"reused {summary.reused}")
    parts.append(f"restored {summary.restored}")
    if summary.adopted:
        parts.append(f"adopted {summary.adopted}")
    parts.append(f"failed {summary.failed}")
    if summary.blocked:
        parts.append(f"blocked {summary.blocked}")
    if summary.left:
        parts.append(f"left {summary.left}")
    parts.append(f"spent {dollars(summary.spent)}")
    state = ink.green("Done") if summary.complete else ink.red("Not done")
    stopped = f" ({summary.stopped})" if summary.stopped else ""
    return f"{state}{stopped}: {' · '.join(parts)} · {summary.seconds:.1f} s"
