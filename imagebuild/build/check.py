"""A picture that did not pass its checks: why it is not delivered. Looks at no picture itself."""

from __future__ import annotations

from imagebuild.errors import BuildError, ImagebuildError
from imagebuild.store.base import Record

__all__ = ["Rejected", "rejection"]


class Rejected(BuildError):
    """A picture did not pass its checks: it is kept, and not delivered."""


def rejection(record: Record, kept_at: str | None) -> ImagebuildError | None:
    """Why a checked picture is not delivered; None when it is."""
    report = record.report
    if report is None or report["deliver"]:
        return None
    findings = report["findings"]
    told = [each for each in findings if each["verdict"] == "failed"] or findings
    hints = list(dict.fromkeys(each["hint"] for each in told if each.get("hint")))
    if kept_at is not None:
        hints.append(f"the picture is kept as `{kept_at}`, and not delivered")
    word = "" if any(each["verdict"] == "failed" for each in findings) else "cannot be verified: "
    return Rejected(word + "; ".join(each["what"] for each in told), hint="\n".join(hints) or None)
