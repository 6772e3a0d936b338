"""Server-sent events: the lines of a `text/event-stream`, read as they come in or from a whole body.

Knows the format, not what the events mean.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["EventReader", "events_of"]

_LINE_END: Final = re.compile(rb"\r\n|\n|\r")
_MARK: Final = b"\xef\xbb\xbf"

Event = tuple[str, bytes]


class EventReader:
    """Takes a stream in pieces cut anywhere, gives each event when its closing empty line has come."""

    def __init__(self) -> None:
        self._line: list[bytes] = []  # pieces of the line that has not ended
        self._after_return = False  # the last piece ended in CR: an LF that follows belongs to it
        self._first = True
        self._name = ""
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> list[Event]:
        """The events that this piece completes."""
        if not piece:
            return []
        if self._after_return and piece[:1] == b"\n":
            piece = piece[1:]
            self._after_return = False
            if not piece:
                return []
        self._after_return = piece.endswith(b"\r")
        *lines, rest = _LINE_END.split(piece)
        found: list[Event] = []
        for part in lines:
            self._line.append(part)
            self._take(b"".join(self._line), found)
            self._line.clear()
        if rest:
            self._line.append(rest)
        return found

    def end(self) -> list[Event]:
        """What stands when the stream is over: an event whose empty line never came. It may be cut off in the middle,
        which its data shows; where it is not, it is what was waited for."""
        found: list[Event] = []
        if self._line:
            self._take(b"".join(self._line), found)
            self._line.clear()
        self._take(b"", found)
        return found

    def _take(self, line: bytes, found: list[Event]) -> None:
        if self._first:
            line = line.removeprefix(_MARK)
            self._first = False
        if not line:
            if self._data:
                found.append((self._name or "message", b"\n".join(self._data)))
            self._name = ""
            self._data = []
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")


def events_of(body: bytes) -> list[Event]:
    """The events of a body that is at its end: their names (`message` where none is said) and data."""
    reader = EventReader()
    return reader.feed(body) + reader.end()
