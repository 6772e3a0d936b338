"""Whether what was typeset can be read where it stands, measured again on the delivered bytes: after every later step
and after the encoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from imagebuild.picture.checks.finding import Finding, copy_named, place_of
from imagebuild.picture.checks.subject import Subject
from imagebuild.picture.typeset.ground import measured_contrast

__all__ = ["check_contrast"]

# Of the ratio that is wanted: what is left of it, at least, when words of ten pixels that had just enough go through an
# encoder at a low quality (0.86 was measured; larger words keep all of it).
_KEPT: Final = 0.8


def check_contrast(subject: Subject, wanted: Mapping[str, Any]) -> Iterator[Finding]:
    for setting in subject.settings:
        measured = measured_contrast(subject.image, setting)
        missed = {(text.role, text.text) for text in setting.texts} - {(each.role, each.text) for each in measured}
        for role, text in sorted(missed):
            what = f"the contrast of {copy_named(role, text)} cannot be measured: what is behind it is transparent"
            hint = "lay it on a colour, e.g. with `encode: {background: …}` in a format without transparency"
            yield Finding("contrast", "unverified", what, hint, role=role, expected=text)
        for found in measured:
            limit = float(wanted["least"] or found.wanted)
            if found.ratio >= limit * _KEPT:
                continue
            what = (
                f"{copy_named(found.role, found.text)} has a contrast of {found.ratio:.2f} with what is behind it, "
                f"{limit:g} is wanted, {place_of(found.box, subject.size)}"
            )
            hint = "allow its group a `scrim` in the layout, give it another `color`, or ask for a calmer picture there"
            yield Finding(
                "contrast", "failed", what, hint, role=found.role, box=found.box, expected=found.text,
                measured=round(found.ratio, 2), limit=limit,
            )  # fmt: skip
