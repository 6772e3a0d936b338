"""Comparisons of two of a campaign's pictures, as a page asks for them: by digest, the last ones kept."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Final

from imagebuild.picture.compare import compare_pictures, difference_picture
from imagebuild.picture.measure import measure

__all__ = ["Comparisons"]

_MOST_KEPT: Final = 64 << 20  # bytes
_LARGE: Final = 16_000_000  # pixels of both: comparing takes some ten bytes for each


class Comparisons:
    """The last ones, kept: a page asks for the same pair again and again. May be asked from any thread. `turns` is held
    while pictures are decoded; of large ones, one pair at a time is."""

    def __init__(
        self, read: Callable[[str], bytes | None], turns: AbstractContextManager[object] | None = None,
        *, most_kept: int = _MOST_KEPT,
    ) -> None:  # fmt: skip
        self._read = read
        self._turns = turns or nullcontext()
        self._large = threading.Lock()
        self._most_kept = most_kept
        self._turn = threading.Lock()
        self._kept: OrderedDict[tuple[str, str, str], bytes] = OrderedDict()
        self._bytes = 0

    def figures(self, before: str, after: str) -> bytes | None:
        """As JSON; None when one of the pictures is not known."""
        return self._of("figures", before, after, _figures)

    def difference(self, before: str, after: str) -> bytes | None:
        """As PNG."""
        return self._of("difference", before, after, difference_picture)

    def _of(self, kind: str, before: str, after: str, make: Callable[[bytes, bytes], bytes]) -> bytes | None:
        key = (kind, before, after)
        found = self._known(key)
        if found is not None:
            return found
        old, new = self._read(before), self._read(after)
        if old is None or new is None:
            return None
        with self._large if _pixels(old) + _pixels(new) > _LARGE else nullcontext():
            found = self._known(key)  # whoever waited may find it made
            if found is None:
                with self._turns:
                    found = make(old, new)
                self._keep(key, found)
        return found

    def _known(self, key: tuple[str, str, str]) -> bytes | None:
        with self._turn:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _keep(self, key: tuple[str, str, str], data: bytes) -> None:
        with self._turn:
            self._bytes += len(data) - len(self._kept.pop(key, b""))
            self._kept[key] = data
            while self._bytes > self._most_kept:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def _pixels(data: bytes) -> int:
    width, height = measure(data).size
    return width * height


def _figures(before: bytes, after: bytes) -> bytes:
    found = compare_pictures(before, after)
    return json.dumps(
        {
            "changed": round(found.changed, 6), "pixels": found.pixels, "of": found.of,
            "same_size": found.same_size, "box": found.box, "before": found.sizes[0], "after": found.sizes[1],
        }
    ).encode()  # fmt: skip
