"""A campaign's pictures as the page shows them: by digest, as they are or as thumbnails.

Hands out only what `is_known` vouches for, only pictures, and says of the bytes what the bytes themselves say. A
thumbnail is made when it is first asked for, and kept for the next start (`thumbs`).
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from imagebuild.core.key import Digest, short
from imagebuild.errors import ImagebuildError, Problem
from imagebuild.picture.measure import Measured, format_of, measure
from imagebuild.picture.thumbnail import thumbnail
from imagebuild.review.desk import THUMB_WIDTHS, Served
from imagebuild.stages.review.thumbs import Thumbs
from imagebuild.store.base import DamagedObject, MissingObject, Store

__all__ = ["Elsewhere", "Pictures", "as_digest"]

_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")
_AT_ONCE: Final = 4  # pictures decoded at one time: each may take a hundred megabytes
_STRIPES: Final = 64
_MOST_MEASURED: Final = 20_000

Elsewhere = Callable[[Digest], bytes | None]  # bytes that the store does not have, and that have this digest


def as_digest(text: str) -> Digest | None:
    """The text as a digest; None for anything else: it may come from anywhere."""
    return Digest(text) if _DIGEST.match(text) else None


class Pictures:
    """May be asked from any thread."""

    def __init__(
        self, root: str, store: Store, *, is_known: Callable[[Digest], bool], elsewhere: Elsewhere = lambda _: None
    ) -> None:
        self._thumbs = Thumbs(root)
        self._store = store
        self._is_known = is_known
        self._elsewhere = elsewhere
        self.turns = threading.BoundedSemaphore(_AT_ONCE)  # whoever decodes a picture takes one
        self._stripes = tuple(threading.Lock() for _ in range(_STRIPES))
        self._measured: dict[Digest, Measured] = {}
        self._faults: dict[Digest, Problem] = {}
        self._told: set[Digest] = set()

    def read(self, text: str) -> bytes | None:
        """The bytes of a picture that the campaign knows; None where there are none, or none that are whole."""
        digest = as_digest(text)
        return self._bytes(digest) if digest is not None and self._is_known(digest) else None

    def picture(self, text: str) -> Served | None:
        data = self.read(text)
        form = format_of(data) if data is not None else None
        return Served(data, f"image/{form}") if data is not None and form is not None else None

    def thumb(self, text: str, width: int) -> Served | None:
        """The picture as WebP, no wider than `width`; None for what cannot be shown small."""
        digest = as_digest(text)
        if digest is None or width not in THUMB_WIDTHS or not self._is_known(digest):
            return None
        with self._stripes[int(digest[:2], 16) % _STRIPES]:  # who asks for the same one waits for it
            data = self._thumbs.read(digest, width)
            if data is None:
                data = self._make(digest, width)
        return Served(data, "image/webp") if data is not None else None

    def measured(self, digest: Digest) -> Measured | None:
        """Size, bytes and type of a picture, by its headers."""
        found = self._measured.get(digest)
        data = self._bytes(digest) if found is None else None
        if data is not None:
            with suppress(ImagebuildError):
                found = measure(data)
            if found is not None and len(self._measured) < _MOST_MEASURED:
                self._measured[digest] = found
        return found

    def faults(self) -> list[Problem]:
        """What was found damaged since the last call, each once."""
        found = list(self._faults.items())
        for digest, _problem in found:
            self._faults.pop(digest, None)
        return [problem for _digest, problem in found]

    def _bytes(self, digest: Digest) -> bytes | None:
        try:
            return self._store.get(digest)
        except MissingObject:
            return self._elsewhere(digest)
        except DamagedObject as bad:
            self._note(digest, Problem(bad.what, hint=bad.hint))
            return self._elsewhere(digest)
        except ImagebuildError as bad:  # the store cannot be read: that is told, and the page goes on
            self._note(digest, Problem(bad.what, hint=bad.hint))
            return None

    def _note(self, digest: Digest, problem: Problem) -> None:
        if digest not in self._told:
            self._told.add(digest)
            self._faults[digest] = problem

    def _make(self, digest: Digest, width: int) -> bytes | None:
        data = self._bytes(digest)
        if data is None or format_of(data) is None:
            return None
        try:
            with self.turns:
                small = thumbnail(data, width)
        except ImagebuildError as bad:
            self._note(digest, Problem(f"`{short(digest)}`: {bad.what}", hint=bad.hint))
            return None
        self._thumbs.keep(digest, width, small)
        return small
