"""What a shell may complete on the command line. Loads what it takes only when it is asked."""

from __future__ import annotations

import argparse
import os
from typing import Any

from imagebuild.errors import ImagebuildError

__all__ = ["complete_approvals", "complete_provider", "complete_selector"]


def complete_selector(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Asset names, `axis=value` pairs, addresses: as the lock has them, which is quick; else as the spec has them."""
    from imagebuild.stages.facts import read_lock
    from imagebuild.stages.project import find_project
    from imagebuild.stages.read import read_spec

    found: dict[str, None] = {}
    try:
        project = find_project(parsed_args.file, os.environ)
        lock, _digest = read_lock(project, "")
        if not lock.entries:
            campaign = read_spec(project, provider=None).campaign
            found.update(dict.fromkeys(campaign.assets))
            found.update({f"{name}={entry.id}": None for name, axis in campaign.axes.items() for entry in axis.entries})
    except ImagebuildError:
        return []
    for address in lock.entries:
        name, _bracket, inside = address.partition("[")
        if address.endswith(":master"):
            continue
        found[name] = None
        found.update(dict.fromkeys(pair for pair in inside.removesuffix("]").split(",") if pair))
        if prefix.startswith(name + "["):
            found[address] = None
    return [each for each in found if each.startswith(prefix)]


def complete_approvals(prefix: str, parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    first = [] if parsed_args.select else [word for word in ("list", "log", "verify") if word.startswith(prefix)]
    return first + complete_selector(prefix, parsed_args)


def complete_provider(prefix: str, **_: Any) -> list[str]:
    from imagebuild.providers.catalog import load_catalog
    from imagebuild.stages.plugins import plugin_names

    return [name for name in (*load_catalog().providers, *plugin_names()) if name.startswith(prefix)]
