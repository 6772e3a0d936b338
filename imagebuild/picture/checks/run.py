"""The checks of one picture, by their canonical parameters (`core/checks`): what each finds, and the report of all.

The same bytes and parameters give the same report in every process with the same readers. Knows no campaign, and not
what becomes of the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from imagebuild.picture.checks.contrast import check_contrast
from imagebuild.picture.checks.duplicates import check_duplicates
from imagebuild.picture.checks.file import check_file
from imagebuild.picture.checks.finding import Finding, report_of
from imagebuild.picture.checks.palette import check_palette
from imagebuild.picture.checks.subject import Subject
from imagebuild.picture.checks.text import check_plate, check_words
from imagebuild.picture.checks.zones import check_zones
from imagebuild.picture.read import Read
from imagebuild.picture.reading.base import Reader

__all__ = ["CHECKS", "run_checks"]

Run = Callable[[Subject, Mapping[str, Any]], Iterator[Finding]]

# In the order in which they are told: what is cheap to put right comes first.
CHECKS: Final[Mapping[str, Run]] = {
    "file": check_file,
    "text": check_words,
    "plate": check_plate,
    "contrast": check_contrast,
    "safe_zones": check_zones,
    "palette": check_palette,
    "duplicates": check_duplicates,
}


def run_checks(
    data: bytes, checks: Mapping[str, Any], read: Read, *, readers: Sequence[Reader] | None = None
) -> dict[str, object]:
    """The report, JSON-able. `read` gives the bytes of digests that the parameters name; `readers` None: those that are
    installed here. Raises a PictureError when the bytes are no picture."""
    subject = Subject(data, checks, read, readers)
    wanted = {name: checks[name] for name in CHECKS if name in checks}
    findings = [finding for name, each in wanted.items() for finding in CHECKS[name](subject, each)]
    return report_of(wanted, findings)
