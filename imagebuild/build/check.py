"""Checks as they are done: reading apart from all that is quick, so that nothing is read twice; and why a picture that
did not pass is not delivered. Looks at no picture itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.store.base import Record

__all__ = ["Rejected", "merged_report", "parts_of", "rejection"]

_READ: Final = ("text", "plate")  # by whoever reads: seconds, where the others take milliseconds
_SHARED: Final = ("copy", "typeset")  # what checks look up, and are not themselves
_VERDICTS: Final = ("passed", "unverified", "failed")


class Rejected(BuildError):
    """A picture did not pass its checks: it is kept, and not delivered."""


def rejection(record: Record, kept_at: str | None, earlier: str | None = None) -> ImagebuildError | None:
    """Why a checked picture is not delivered; None when it is. `kept_at` is where it can be looked at, `earlier` the
    path at which there is still another file."""
    report = record.report
    if report is None or report["deliver"]:
        return None
    findings = report["findings"]
    told = [each for each in findings if each["verdict"] == "failed"] or findings
    what = record.rejection or ""
    hints = list(dict.fromkeys(each["hint"] for each in told if each.get("hint")))
    if kept_at is not None:
        hints.append(f"the picture is kept as `{kept_at}`, and not delivered")
    if earlier is not None:
        hints.append(f"the file at `{earlier}` is an earlier one")
    return Rejected(what, hint="\n".join(hints) or None)


def parts_of(checks: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The checks in one or two parts, each with what it looks up: what is read has a result of its own, so that a
    changed sibling, or a changed limit, has nothing read again."""
    read = [name for name in _READ if name in checks]
    if not read or len(read) == len([name for name in checks if name not in (*_SHARED, "beside")]):
        return [dict(checks)]
    shared = {name: checks[name] for name in _SHARED if name in checks}
    return [
        {**{name: checks[name] for name in read}, **shared},
        {name: value for name, value in checks.items() if name not in read},
    ]


def merged_report(reports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One report of several: as bad as the worst, delivered if all of them say so."""
    if len(reports) == 1:
        return dict(reports[0])
    return {
        "verdict": max((report["verdict"] for report in reports), key=_VERDICTS.index),
        "deliver": all(report["deliver"] for report in reports),
        "checks": {name: verdict for report in reports for name, verdict in report["checks"].items()},
        "findings": [finding for report in reports for finding in report["findings"]],
    }
