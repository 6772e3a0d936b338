"""`imagebuild doctor`: which providers are ready, at what limits, and what is missing. Spends nothing."""

from __future__ import annotations

import argparse
import json
import os
import sys
import textwrap

from imagebuild.cli.terminal import Ink, ink_for
from imagebuild.errors import ImagebuildError, did_you_mean
from imagebuild.providers.account import read_dotenv
from imagebuild.stages.doctor import Finding, examine
from imagebuild.stages.plugins import full_catalog
from imagebuild.stages.project import find_project
from imagebuild.stages.services import Setting, setting_of

__all__ = ["run"]

WIDTH = 100


def run(options: argparse.Namespace) -> int:
    name = options.provider_name
    known = full_catalog().providers
    if name is not None and name not in known:
        raise ImagebuildError(f"no provider `{name}`", hint=did_you_mean(name, known))
    found = examine(_setting(options), only=name, online=not options.offline)
    if options.json:
        print(json.dumps([each._asdict() for each in found], ensure_ascii=False, indent=1))
    else:
        ink = ink_for(sys.stdout)
        print("\n".join(_lines(found, ink)))
    return 0 if any(each.ready and (name is not None or each.name != "proof") for each in found) else 1


def _setting(options: argparse.Namespace) -> Setting:
    """Of the campaign here, if there is one: its `.env` counts."""
    try:
        return setting_of(find_project(options.file, os.environ), os.environ)
    except ImagebuildError:
        if options.file is not None:
            raise
        return Setting(environment=os.environ, dotenv=read_dotenv([os.getcwd()]))


def _lines(found: list[Finding], ink: Ink) -> list[str]:
    width = max(len(each.name) for each in found)
    lines: list[str] = []
    for each in found:
        colour = ink.green if each.ready else ink.yellow if each.state == "no key" else ink.red
        lines.append(f"{ink.bold(f'{each.name:<{width}}')}  {colour(f'{each.state:<14}')}  {each.title}")
        for label, text in (
            ("", each.words),
            ("key", each.key),
            ("at", " · ".join(filter(None, (each.base_url, each.limits)))),
            ("can", " · ".join(each.can)),
            ("lacks", " · ".join(each.lacks)),
        ):
            if text:
                pad = " " * (width + 2)
                lines.extend(
                    textwrap.wrap(text, WIDTH, initial_indent=f"{pad}{label:<5} ", subsequent_indent=pad + " " * 6)
                )
        lines.append("")
    ready = sum(each.ready for each in found)
    lines.append(f"{ready} of {len(found)} can be asked; nothing was spent")
    return lines
