"""`imagebuild fit`: set all copy in every locale, layout and shape without making a picture, and tell what is found."""

from __future__ import annotations

import argparse
import json
import os
import sys

from imagebuild.cli.check import as_json
from imagebuild.cli.fit_text import fit_text
from imagebuild.cli.plan import provider_of
from imagebuild.cli.terminal import fail, ink_for
from imagebuild.core.address import parse_selection
from imagebuild.core.fit_report import FitReport, report_data
from imagebuild.errors import ImagebuildError, SpecErrors
from imagebuild.stages.fit import fit_campaign
from imagebuild.stages.project import find_project

__all__ = ["run"]


def run(options: argparse.Namespace) -> int:
    file = options.file or "campaign.yaml"
    try:
        report = fit_campaign(
            find_project(options.file, os.environ), provider=provider_of(options),
            selection=parse_selection(options.select, options.exclude), pseudo=options.pseudo,
        )  # fmt: skip
    except ImagebuildError as bad:
        if not options.json:
            raise
        report = FitReport(campaign="", mistakes=bad.problems)
    if options.json:
        data = report_data(report, [as_json(each, file) for each in report.mistakes])
        json.dump(data, sys.stdout, ensure_ascii=False, indent=1)
        print()
    else:
        print(fit_text(report, ink_for(sys.stdout)))
        sys.stdout.flush()
        if report.mistakes:
            fail(SpecErrors(report.mistakes))
    return 1 if not report.fits or (options.strict and report.findings) else 0
