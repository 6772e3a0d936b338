"""`imagebuild report`: what changed since a revision, as a page of HTML and as Markdown for a pull request."""

from __future__ import annotations

import argparse
import os

from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import say
from imagebuild.core.address import parse_selection
from imagebuild.core.reporting.markdown import markdown_of
from imagebuild.core.reporting.page import page_of
from imagebuild.core.reporting.report import Report
from imagebuild.errors import BuildError, ImagebuildError, reason_of
from imagebuild.stages.approvals import read_approvals
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import Project, find_project
from imagebuild.stages.report import beside, report_of
from imagebuild.stages.report_target import check_target
from imagebuild.workspace.private import replace_file

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    if options.out and options.html and not options.markdown:
        hint = "`--html FILE` names the page's file; with `--markdown`, `--out` names the text's"
        raise ImagebuildError("`--out` is for the Markdown", hint=hint)
    if options.out and options.html and os.path.abspath(options.out) == os.path.abspath(options.html):
        raise ImagebuildError("`--html` and `--out` name the same file", hint="give each a file of its own")
    project = find_project(options.file, os.environ)
    planned = plan_campaign(project, provider=provider_of(options), whole=True)
    for path in filter(None, (options.html, options.out)):
        check_target(planned, path)
    history = read_approvals(project)
    selection = parse_selection(options.select, options.exclude)
    compared = beside(planned, options.since)
    selected = " ".join((*options.select, *(f"without {each}" for each in options.exclude)))
    say(f"compared with {compared.words}" if compared.since is not None else f"compared with nothing: {compared.words}")

    def made(*, pictured: bool, links_from: str | None) -> Report:
        return report_of(
            planned, history, compared,
            selection=selection, selected=selected, pictured=pictured, links_from=links_from,
        )  # fmt: skip

    if options.html:
        _save(project, options.html, page_of(made(pictured=True, links_from=None)))
    if options.markdown or not options.html:
        folder = os.path.dirname(os.path.abspath(options.out)) if options.out else os.getcwd()
        text = markdown_of(made(pictured=False, links_from=os.path.realpath(folder)))
        if options.out:
            _save(project, options.out, text)
        else:
            print(text, end="")
    return 0


def _save(project: Project, path: str, text: str) -> None:
    """Whole or not at all, so that nobody is mailed half a report."""
    try:
        replace_file(project.root, os.path.abspath(path), text.encode("utf-8", "backslashreplace"))
    except OSError as bad:
        raise BuildError(f"cannot write `{path}`: {reason_of(bad)}") from bad
    say(f"wrote {path}")
