"""The colour profile that says of a file that its colours are sRGB: a small one, the same bytes always.

Written here, since what a library would write names the hour at which it did.
"""

from __future__ import annotations

import struct
from functools import cache
from typing import Final

__all__ = ["srgb_profile"]

# sRGB's primaries and white as ICC wants them: adapted to D50, as fixed-point numbers of sixteen binary places.
_WHITE: Final = (0xF6D6, 0x10000, 0xD32D)
_RED: Final = (0x6FA0, 0x38F5, 0x0390)
_GREEN: Final = (0x6297, 0xB787, 0x18D9)
_BLUE: Final = (0x249F, 0x0F84, 0xB6CF)
_CURVE: Final = (0x26666, 0xF2A7, 0x0D59, 0x13D0, 0x0A5B)  # gamma 2.4, a, b, c, d of IEC 61966-2-1
_ADAPTATION: Final = (0x10C42, 0x05DE, -0xCDA, 0x0793, 0xFD8A, -0x45A, -0x25D, 0x3DA, 0xC06D)


@cache
def srgb_profile() -> bytes:
    """An ICC profile, version 4."""
    tags = {
        b"desc": _text("sRGB"),
        b"cprt": _text("No copyright, use freely"),
        b"wtpt": _xyz(_WHITE),
        b"chad": b"sf32" + bytes(4) + struct.pack(">9i", *_ADAPTATION),
        b"rXYZ": _xyz(_RED),
        b"gXYZ": _xyz(_GREEN),
        b"bXYZ": _xyz(_BLUE),
        b"rTRC": b"para" + bytes(4) + struct.pack(">HH5i", 3, 0, *_CURVE),
    }
    start = 128 + 4 + 12 * (len(tags) + 2)
    table, body = b"", b""
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        if name == b"rTRC":  # one curve for all three
            table += b"gTRC" + table[-8:] + b"bTRC" + table[-8:]
        body += data + bytes(-len(data) % 4)
    rest = struct.pack(">I", len(tags) + 2) + table + body
    return _header(128 + len(rest)) + rest


def _header(size: int) -> bytes:
    made = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x04200000, b"mntr", b"RGB ", b"XYZ ")
    return head + made + b"acsp" + bytes(4 + 4 + 4 + 4 + 8 + 4) + struct.pack(">3i", *_WHITE) + bytes(48)


def _text(text: str) -> bytes:
    encoded = text.encode("utf-16-be")
    return b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(encoded), 28) + encoded


def _xyz(value: tuple[int, int, int]) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *value)
