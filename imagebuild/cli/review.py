"""`imagebuild review`: look at the pictures, compare them and decide, in a browser; or write the same page as files."""

from __future__ import annotations

import argparse
import datetime
import gc
import json
import os
import sys
import webbrowser
from collections import Counter
from contextlib import ExitStack

from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import isolated, printable, say
from imagebuild.core.approvals.decision import same_person
from imagebuild.review.desk import ReviewError
from imagebuild.stages.asked import name_fault
from imagebuild.stages.people import Who, entered_as, who_decides
from imagebuild.stages.project import find_project
from imagebuild.stages.review.desk import VOID, ProjectDesk, Showing
from imagebuild.stages.review.export import export_review
from imagebuild.stages.review.serve import Serving, Started, opening_page, serve_review
from imagebuild.stages.since import compare_with

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    project = find_project(options.file, os.environ)
    who = who_decides(options.who, os.environ, project.folder)
    people = _people(options, who)
    entering = None if options.people else who.at_work  # who gets an address of their own decides by it themselves
    since = compare_with(project, options.since) if options.since else None
    showing = Showing(options.select, options.exclude, provider=provider_of(options), since=since)
    desk = ProjectDesk(project, showing, clock=lambda: datetime.datetime.now(datetime.UTC), entering=entering)
    gc.freeze()  # a campaign is many values, which stay: they are not looked through again and again
    gc.enable()
    if options.export is not None:
        return _export(desk, people, options)
    serving = Serving(
        people=people, host=options.host, port=options.port, allowed_hosts=tuple(options.allow_host)
    )  # fmt: skip

    def started(found: Started) -> None:
        if options.json:
            addresses = [{"name": name or None, "url": url} for name, url in found.addresses.items()]
            print(json.dumps({"campaign": desk.view.planned.plan.campaign, "people": addresses, "pid": os.getpid()}))
        else:
            _say_started(found, desk, options, entering)
        if options.open:  # by way of a file: what is on a command line, everybody at this machine can read
            webbrowser.open(ends.enter_context(opening_page(project, next(iter(found.addresses.values())))))

    with ExitStack() as ends:
        serve_review(desk, project, serving, started)
    if not options.json:
        say("the review has stopped; every decision it confirmed is on disk")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # at once: threads that still draw or compare pictures would be waited for


def _people(options: argparse.Namespace, who: Who) -> tuple[str, ...]:
    """Who decides: those who are named, else whoever is at work here; nobody when that is not known."""
    names = tuple(options.people) or ((who.name,) if who.name else ())
    for name in names:
        fault = name_fault("--for" if options.people else "--as", name)
        if fault is not None:
            raise ReviewError(fault, hint="a name that others know, such as `ana@example.com`")
    found: list[str] = []
    for name in names:
        if not any(same_person(name, other) for other in found):
            found.append(name.strip())
    if options.export is not None and len(found) > 1:
        raise ReviewError("an export is for one person", hint="`--as NAME`; write one for each")
    return tuple(found)


def _say_started(found: Started, desk: ProjectDesk, options: argparse.Namespace, entering: str | None) -> None:
    say(_summary(desk))
    several = len(found.addresses) > 1
    for name, url in found.addresses.items():
        print(f"{isolated(printable(name))}  {url}" if several else url, flush=True)
    if "" in found.addresses:
        say("nobody is named: the page shows, and takes no decisions; `--as you@example.com` says who decides")
    elif several:
        say("each address is that person's own: whoever has it decides in that name")
    else:
        name = next(iter(found.addresses))
        entered = entered_as(name, entering)
        trace = f"; beside each decision stands: {isolated(printable(entered))}" if entered else ""
        say(f"whoever has the address decides as {isolated(printable(name))}{trace}")
        say(_waiting(desk.waiting_for(name)))
        void = desk.void_for(name)
        if void:
            say(f"{_counted(void)} cannot be approved so: whoever had a picture made enters nobody's approval; {VOID}")
    if options.allow_host:
        say(
            "the connection is not encrypted: anybody on the way can read it, and decide; safer, from where you look: "
            "`ssh -L PORT:127.0.0.1:PORT THIS-MACHINE`, without `--host`"
        )
    say("Ctrl-C stops it")


def _waiting(count: int | None) -> str:
    if count is None:
        return "no `approvers` names them, so they approve and reject nothing; they may comment and ask for other takes"
    if not count:
        return "no picture waits for their approval"
    return f"{_counted(count)} {'waits' if count == 1 else 'wait'} for their approval"


def _counted(count: int) -> str:
    return f"{count} {'picture' if count == 1 else 'pictures'}"


def _summary(desk: ProjectDesk) -> str:
    """What is shown, in a line or two."""
    view = desk.view
    cells = desk.cells()
    made = sum(cell["digest"] is not None for cell in cells)
    states = Counter(cell["state"] for cell in cells if cell["digest"] is not None)
    noun = "picture" if len(cells) == 1 else "pictures"
    parts = [f"{count} {state}" for state, count in states.most_common()]
    line = f"reviewing {view.planned.plan.campaign}: {len(cells)} {noun}" + (f" ({', '.join(parts)})" if parts else "")
    if not cells:
        line += "; no asset has an `output`"
    elif not made:
        line += "; nothing is built yet: they appear while `imagebuild build` makes them"
    elif made < len(cells):
        line += f"; {len(cells) - made} not built yet"
    if view.since is not None:
        changed = sum(bool(cell["changed"]) for cell in cells)
        line += f"; {changed} changed since {view.since.name} ({view.since.at[:10]})"
    if view.history.faults:
        line += "\nthe history of decisions was edited: none is taken; `imagebuild approvals verify` tells more"
    return line


def _export(desk: ProjectDesk, people: tuple[str, ...], options: argparse.Namespace) -> int:
    found = export_review(desk, people[0] if people else "", options.export)
    if options.json:
        print(json.dumps({"page": found.page, "pictures": found.pictures, "files": found.files, "bytes": found.bytes}))
        return 0
    size = f"{found.bytes / 1e6:,.1f} MB"
    print(found.page)
    say(
        f"{found.pictures} {'picture' if found.pictures == 1 else 'pictures'}, {size}: opens from disk, needs no server"
    )
    if found.missing:
        say(f"{found.missing} of them without a picture: not built, gone from the store, or none that a browser shows")
    if found.cut:
        say("it is large: the requests in full are left out; `imagebuild show` has them")
    if people:
        say("what is decided on it is downloaded as `decisions.json`: `imagebuild approve --from decisions.json`")
    else:
        say("nobody is named, so nothing can be decided on it: `--as you@example.com`")
    say("prompts, costs and names are in it: whoever gets it can read them")
    return 0
