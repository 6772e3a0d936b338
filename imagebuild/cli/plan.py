"""`imagebuild plan`: stop after deciding, and print."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from imagebuild.cli.plan_data import plan_json, plan_markdown
from imagebuild.cli.plan_text import plan_text
from imagebuild.cli.terminal import ink_for, say
from imagebuild.core.address import parse_selection
from imagebuild.core.plan import Policy
from imagebuild.errors import ImagebuildError, reason_of
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project

__all__ = ["asked_of", "policy_asked", "policy_of", "provider_of", "run"]


def asked_of(options: argparse.Namespace) -> dict[str, Any]:
    """What of the command line decides a plan."""
    return {
        "select": list(options.select),
        "exclude": list(options.exclude),
        "provider": provider_of(options),
        **policy_asked(options)._asdict(),
    }


def policy_asked(options: argparse.Namespace) -> Policy:
    """The policy that the options say. `ask` is no policy of a plan: whoever asks plans again with the answer."""
    return Policy(options.on_uncertain == "retry", options.retry_refused, options.accept_flawed, options.batch)


def policy_of(asked: Mapping[str, Any]) -> Policy:
    """The policy in what was asked; a plan that an earlier version saved has none, which is the usual one."""
    return Policy(**{name: bool(asked[name]) for name in Policy._fields if name in asked})


def provider_of(options: argparse.Namespace) -> str | None:
    return options.provider or os.environ.get("IMAGEBUILD_PROVIDER") or None


def run(options: argparse.Namespace) -> int:
    project, asked = find_project(options.file, os.environ), asked_of(options)
    planned = plan_campaign(
        project, provider=asked["provider"], selection=parse_selection(options.select, options.exclude),
        whole=bool(options.json or options.out or options.markdown), policy=policy_of(asked),
    )  # fmt: skip
    if options.out:
        _save(options.out, json.dumps(plan_json(planned, asked), ensure_ascii=False, indent=1))
    if options.json:
        json.dump(plan_json(planned, asked), sys.stdout, ensure_ascii=False, indent=1)
        print()
    elif options.markdown:
        print(plan_markdown(planned))
    else:
        print(plan_text(planned, ink_for(sys.stdout), everything=options.all))
    if options.out:
        say(f"saved as {options.out}: `imagebuild build --plan {options.out}` does exactly this")
    return 2 if options.detailed_exitcode and planned.plan.work else 0


def _save(path: str, text: str) -> None:
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    except OSError as bad:
        raise ImagebuildError(f"cannot write `{path}`: {reason_of(bad)}") from bad
