"""Comparisons of two of a campaign's pictures, as a page asks for them: by digest, the last ones kept."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from imagebuild.picture.compare import compare_pictures, difference_picture

__all__ = ["Comparisons"]

_MOST_KEPT: Final = 32


class Comparisons:
    """The last ones, kept: a page asks for the same pair again and again. May be asked from any thread."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        self._read = read
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()

    def figures(self, before: str, after: str) -> bytes | None:
        """As JSON; None when one of the pictures is not known."""
        return self._of("figures", before, after, _figures)

    def difference(self, before: str, after: str) -> bytes | None:
        """As PNG."""
        return self._of("difference", before, after, difference_picture)

    def _of(self, kind: str, before: str, after: str, make: Callable[[bytes, bytes], bytes]) -> bytes | None:
        key = (kind, before, after)
        with self._turn:
            found = self._kept.pop(key, None)
        if found is None:
            old, new = self._read(before), self._read(after)
            if old is None or new is None:
                return None
            found = make(old, new)
        with self._turn:
            self._kept[key] = found
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _figures(before: bytes, after: bytes) -> bytes:
    found = compare_pictures(before, after)
    return json.dumps(
        {
            "changed": round(found.changed, 6), "pixels": found.pixels, "of": found.of,
            "same_size": found.same_size, "box": found.box, "before": found.sizes[0], "after": found.sizes[1],
        }
    ).encode()  # fmt: skip
