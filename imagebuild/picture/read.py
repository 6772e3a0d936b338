"""What a step is given to ask for the pictures and files that it takes besides its input."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["Parameters", "Read"]

Parameters = Mapping[str, object]
Read = Callable[[str], bytes]  # the bytes of a digest, already checked
