"""The body of a request, as pieces of bytes: JSON, or a form of several parts. Does no I/O.

Pictures are not copied into one long text: a form is a list of pieces, and goes out slice by slice.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple

from imagebuild.providers.base import Ask, Part

__all__ = ["Body", "body_of", "slices"]

_SLICE: Final = 1 << 18
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})  # as browsers do


class Body(NamedTuple):
    media_type: str
    pieces: tuple[bytes, ...]

    @property
    def length(self) -> int:
        return sum(map(len, self.pieces))


def body_of(ask: Ask) -> Body | None:
    """What goes with this request, or None."""
    if ask.form:
        return _form(ask.form, secrets.token_hex(16))
    if ask.json is None:
        return None
    text = json.dumps(ask.json, ensure_ascii=False, separators=(",", ":"))
    # a lone surrogate becomes JSON's own escape
    return Body("application/json", (text.encode("utf-8", "backslashreplace"),))


async def slices(body: Body, going: Callable[[], None]) -> AsyncIterator[memoryview]:
    """The body, in slices a connection takes at once. `going` is called before each: it is still going out."""
    for piece in body.pieces:
        view = memoryview(piece)
        for start in range(0, len(view), _SLICE):
            going()
            yield view[start : start + _SLICE]


def _form(parts: Sequence[Part], boundary: str) -> Body:
    pieces: list[bytes] = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name.translate(_ESCAPES)}"'
        media_type = part.media_type
        if part.file_name is not None:
            head += f'; filename="{part.file_name.translate(_ESCAPES)}"'
            media_type = media_type or "application/octet-stream"
        if media_type is not None:
            head += f"\r\nContent-Type: {media_type.translate(_ESCAPES)}"
        value = part.value.encode("utf-8", "replace") if isinstance(part.value, str) else part.value
        pieces += [f"{head}\r\n\r\n".encode(), value, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(f"multipart/form-data; boundary={boundary}", tuple(pieces))
