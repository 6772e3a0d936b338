"""The file as it will be delivered: its pixels, format and bytes, as its own headers say them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from imagebuild.core.sizes import size_text
from imagebuild.picture.checks.finding import Finding
from imagebuild.picture.checks.subject import Subject
from imagebuild.picture.measure import measure

__all__ = ["check_file"]

_SMALLER: Final = {
    "png": "deliver jpeg or webp; or fewer colours, `encode: {format: png, colors: 256}`",
    "jpeg": "say `encode: {format: jpeg, max_bytes: …}`, which lowers the quality until it fits",
    "webp": "say `encode: {format: webp, max_bytes: …}`, which lowers the quality until it fits",
    "avif": "say `encode: {format: avif, max_bytes: …}`, which lowers the quality until it fits",
}


def check_file(subject: Subject, limits: Mapping[str, Any]) -> Iterator[Finding]:
    found = measure(subject.data, source="the picture to check")
    asker = f"`{limits['placement']}`" if "placement" in limits else "`checks.file`"
    size, formats, most = limits.get("size"), limits.get("formats"), limits.get("max_bytes")
    if size and found.size != tuple(size):
        what = f"the file is {size_text(found.size)}, {asker} wants {size_text(tuple(size))}"
        yield Finding("file", "failed", what, f"`fit: {{cover: [{size[0]}, {size[1]}]}}` makes it so")
    if formats and found.format not in formats:
        what = f"the file is {found.format}, {asker} wants {' or '.join(formats)}"
        yield Finding("file", "failed", what, "change the ending of `output`, or `format` of `encode`")
    if most and found.bytes > most:
        what = f"the file is {found.bytes:,} bytes, {asker} allows {most:,}"
        hint = _SMALLER.get(found.format, "deliver another format")
        yield Finding("file", "failed", what, hint, measured=found.bytes, limit=most)
