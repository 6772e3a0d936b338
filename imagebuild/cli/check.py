"""`imagebuild check`: read campaigns and tell their mistakes. Looks at no lock, store or output; writes nothing."""

from __future__ import annotations

import argparse
import json
import os

from imagebuild.cli.terminal import fail
from imagebuild.errors import ImagebuildError, Problem
from imagebuild.stages.project import find_project
from imagebuild.stages.read import Loaded, read_campaign

__all__ = ["as_json", "run"]


def run(options: argparse.Namespace) -> int:
    code = 0
    for file in options.files or [None]:
        try:
            loaded = read_campaign(find_project(file, os.environ), priced=True)
        except ImagebuildError as bad:
            code = 1
            if options.json:
                for problem in bad.problems:
                    print(json.dumps(as_json(problem, file or "campaign.yaml"), ensure_ascii=False))
            else:
                fail(bad)
        else:
            if not options.json:
                print(_fine(loaded))
    return code


def _fine(loaded: Loaded) -> str:
    expansion = loaded.expansion
    pictures = len(expansion.finished)
    paid = sum(action.paid for action in expansion.actions.values())
    counted = f"{pictures} {'picture' if pictures == 1 else 'pictures'}, {paid} of them paid"
    skipped = f"; {len(expansion.skipped)} skipped" if expansion.skipped else ""
    return f"{loaded.project.label(loaded.project.spec_name)}: ok ({counted}{skipped})"


def as_json(problem: Problem, file: str) -> dict[str, object]:
    """One mistake, as editors take it. A line and a column are null where a mistake has no spot of its own."""
    at = problem.at
    spot = at is not None and at.line > 0
    return {
        "file": at.file if at else file,
        "line": at.line if at and spot else None,
        "column": at.column if at and spot else None,
        "length": at.length if at and spot else None,
        "message": problem.what,
        "hint": problem.hint,
    }
