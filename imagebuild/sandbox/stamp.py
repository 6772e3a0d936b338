"""Makes the bytes of a picture its own without touching its pixels: a text goes into the file, and padding if wanted.

No two requests to a real model give the same bytes; of a stand-in's pictures this makes it true, cheaply. Knows PNG,
JPEG and WebP as containers, and decodes nothing.
"""

from __future__ import annotations

import struct
import zlib

__all__ = ["stamped"]

_PNG_HEAD = 33  # the signature and the IHDR chunk
_MOST_IN_SEGMENT = 65_533
_WEBP_ALPHA = 0x10


def stamped(data: bytes, text: str, *, at_least: int = 0) -> bytes:
    """The same picture with `text` in its file, padded to about `at_least` bytes."""
    note = text.encode()
    room = max(0, at_least - len(data) - len(note))
    if data.startswith(b"\x89PNG"):
        added = _png_chunk(b"tEXt", b"Comment\0" + note) + (_png_chunk(b"paDd", bytes(room)) if room else b"")
        return data[:_PNG_HEAD] + added + data[_PNG_HEAD:]
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data, note, room)
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data, note, room)
    raise ValueError("a PNG, JPEG or WebP is wanted")


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _jpeg(data: bytes, note: bytes, room: int) -> bytes:
    start = 2
    if data[2:4] == b"\xff\xe0":  # JFIF wants to be the first segment
        start = 4 + int.from_bytes(data[4:6], "big")
    segments = [note]
    while room > 0:
        segments.append(bytes(min(room, _MOST_IN_SEGMENT)))
        room -= _MOST_IN_SEGMENT
    added = b"".join(b"\xff\xfe" + struct.pack(">H", len(each) + 2) + each for each in segments)
    return data[:start] + added + data[start:]


def _webp(data: bytes, note: bytes, room: int) -> bytes:
    body = data[12:]
    if body[:4] == b"VP8X":
        extended = bytearray(body[:18])
        body = body[18:]
    else:
        width, height, alpha = _webp_frame(body)
        extended = bytearray(
            _riff_chunk(
                b"VP8X",
                bytes([_WEBP_ALPHA if alpha else 0, 0, 0, 0])
                + (width - 1).to_bytes(3, "little")
                + (height - 1).to_bytes(3, "little"),
            )
        )
    added = _riff_chunk(b"noTe", note) + (_riff_chunk(b"paDd", bytes(room)) if room else b"")
    whole = b"WEBP" + bytes(extended) + body + added
    return b"RIFF" + struct.pack("<I", len(whole)) + whole


def _riff_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _webp_frame(body: bytes) -> tuple[int, int, bool]:
    """Width, height and whether there is an alpha channel, of a file that is a single frame."""
    if body[:4] == b"VP8L":
        bits = int.from_bytes(body[9:13], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    return int.from_bytes(body[14:16], "little") & 0x3FFF, int.from_bytes(body[16:18], "little") & 0x3FFF, False
