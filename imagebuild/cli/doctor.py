"""`imagebuild doctor`: which providers are ready, at what limits, what is missing; and whether this project is."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from imagebuild.cli.terminal import Ink, ink_for, printable
from imagebuild.errors import ImagebuildError, did_you_mean
from imagebuild.stages.cache import find_store
from imagebuild.stages.doctor import Finding, Premises, examine, known_names, look_around
from imagebuild.stages.services import setting_of

__all__ = ["run"]

WIDTH = 100
SHORT = 60
NO_BREAK = "\u00a0"
HERE = "project"  # what is said of this place stands under this word
SAYING = ("ready", "answers", "says-no")  # in these states its words are the service's
KEYS = {".env": "from `.env`", "command": "from its command"}  # else from a variable


def run(options: argparse.Namespace) -> int:
    name, known = options.provider_name, known_names()
    if name is not None and name not in known:
        raise ImagebuildError(f"no provider `{name}`", hint=did_you_mean(name, known))
    project = find_store(options.file, os.environ, os.getcwd())
    premises = look_around(project, os.environ)
    found = examine(setting_of(project, os.environ), only=name, online=not options.offline)
    code = 0 if _can_begin(found, premises, name) else 1
    if options.json:
        print(json.dumps(_json(found, premises, code), ensure_ascii=False, indent=1))
    else:
        print("\n".join(_text(found, premises, ink_for(sys.stdout))))
    return code


def _can_begin(found: Sequence[Finding], premises: Premises, name: str | None) -> bool:
    """Whether the one that is named, else the campaign's, else any service, can be asked, and something be kept."""
    wanted = name or premises.provider
    asked = [each for each in found if each.name == wanted or (wanted is None and each.base_url)]
    return any(each.ready for each in asked) and not (premises.store_problem or premises.journal_problem)


# ------------------------------------------------------------------------------------------------------ for people


def _text(found: Sequence[Finding], premises: Premises, ink: Ink) -> list[str]:
    width = max(len(HERE), *(len(each.name) for each in found))
    lines: list[str] = []
    for each in found:
        colour = ink.green if each.state == "ready" else ink.yellow if each.ready or _is_idle(each) else ink.red
        state = each.state.replace("-", " ")
        lines.append(f"{ink.bold(f'{each.name:<{width}}')}  {colour(f'{state:<13}')}  {each.title}")
        lines.extend(_indented(_of_provider(each), width))
        lines.append("")
    lines.append(ink.bold(HERE))
    lines.extend(_indented(_of_premises(premises, found), width))
    services = [each for each in found if each.base_url or each.state == "broken"]
    if services:
        ready = sum(each.ready for each in services)
        of = "1 service" if len(services) == 1 else f"{len(services)} services"
        lines.extend(["", f"{ready} of {of} can be asked; nothing was spent"])
    return lines


def _is_idle(finding: Finding) -> bool:
    return finding.state == "no-key"


def _of_provider(found: Finding) -> Iterator[tuple[str, str]]:
    yield "says" if found.state in SAYING else "why", printable(found.words)
    yield "do", found.hint
    if found.key_from:
        yield "key", KEYS.get(found.key_from, f"from {found.key_from}")
    where = found.base_url or ("this machine" if found.ready else "")
    yield "at", " · ".join(filter(None, (where, _limits(found))))
    yield "can", _listed(found.can)
    yield "lacks", _listed(found.lacks)


def _listed(parts: Sequence[str]) -> str:
    """Short parts stay on one line each."""
    return " · ".join(part.replace(" ", NO_BREAK) if len(part) <= SHORT else part for part in parts)


def _limits(found: Finding) -> str:
    limits = found.limits
    if limits is None:
        return ""
    parts = [f"{limits.concurrency} at once"]
    if limits.images_per_minute:
        parts.append(f"{limits.images_per_minute:g} images a minute")
    if limits.requests_per_minute:
        parts.append(f"{limits.requests_per_minute:g} requests a minute")
    return ", ".join(parts)


def _of_premises(premises: Premises, found: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    own = next((each for each in found if each.name == premises.provider), None)
    if premises.campaign is None:
        yield "spec", "there is no campaign here: `imagebuild init` writes one"
    else:
        state = f", {own.state.replace('-', ' ')}" if own is not None else ""
        by = f": made by `{premises.provider}`{state}" if premises.provider else ""
        yield "spec", f"{_near(premises.campaign)}{by}"
    if premises.campaign_problem:
        yield "", f"it has mistakes, `imagebuild check` tells them: {premises.campaign_problem}"
    if premises.store_problem:
        yield "store", f"{_near(premises.store)} cannot be written to: {premises.store_problem}"
        yield "", "mend that, or set IMAGEBUILD_STORE to another folder"
    else:
        yield "store", _near(premises.store) + ("" if premises.has_store else ", made by the first build")
    if premises.journal_problem:
        yield "open", premises.journal_problem
    elif premises.open:
        yield "open", ", ".join(f"{count} {state}" for state, count in sorted(premises.open.items()))
        yield "", "`imagebuild ledger` lists them, `imagebuild plan` says what to do about them"


def _near(path: str) -> str:
    shown = os.path.relpath(path)
    return path if shown.startswith("..") else shown


def _indented(rows: Iterator[tuple[str, str]], width: int) -> Iterator[str]:
    pad = " " * (width + 2)
    rest = pad + " " * 7
    for first, text in rows:
        label = first
        for line in textwrap.wrap(text, WIDTH - len(rest), break_long_words=False, break_on_hyphens=False):
            yield (f"{pad}{label:<5}  " if label else rest) + line.replace(NO_BREAK, " ")
            label = ""


# ---------------------------------------------------------------------------------------------------- for programs


def _json(found: Sequence[Finding], premises: Premises, code: int) -> dict[str, Any]:
    return {
        "providers": [_finding_json(each) for each in found],
        "campaign": {
            "file": premises.campaign,
            "provider": premises.provider,
            "problem": premises.campaign_problem or None,
        },
        "store": {"folder": premises.store, "made": premises.has_store, "problem": premises.store_problem or None},
        "journal": {"open": dict(sorted(premises.open.items())), "problem": premises.journal_problem or None},
        "exit": code,
    }


def _finding_json(found: Finding) -> dict[str, Any]:
    return {
        "name": found.name,
        "title": found.title,
        "state": found.state,
        "ready": found.ready,
        "key_from": found.key_from or None,
        "base_url": found.base_url or None,
        "limits": found.limits._asdict() if found.limits is not None else None,
        "can": list(found.can),
        "lacks": list(found.lacks),
        "words": found.words or None,
        "hint": found.hint or None,
    }
