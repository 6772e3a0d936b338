"""What a client asked for, read from whichever protocol: the one value that every part of the sandbox speaks of."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Order", "Painter"]

_SERIALS = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request for pictures. Two equal orders are two orders: `serial` tells them apart."""

    provider: str
    operation: str  # generate | edit
    model: str
    prompt: str
    size: tuple[int, int]
    quality: str
    format: str  # png | jpeg | webp
    background: str = "auto"
    references: tuple[bytes, ...] = ()
    mask: bytes | None = None
    count: int = 1
    partials: int = 0  # how many partial pictures are streamed before the whole one
    serial: int = field(default_factory=lambda: next(_SERIALS), compare=False)


Painter = Callable[[Order], bytes]
