"""Whether the store's disk has room for what is about to be paid for: a picture that cannot be kept is paid in vain.

Arithmetic on what it is told is free; looks at no disk itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from imagebuild.core.sizes import Size
from imagebuild.errors import Problem

__all__ = ["lack_of_room"]

LEAST: Final = 200_000_000  # bytes that are free, however little is under way
COPIES: Final = 4  # the reply as it comes, a third larger; in the store; delivered; what is cut from it
BYTES_A_PIXEL: Final = 2  # of a photograph without loss


def lack_of_room(free_bytes: Callable[[], int | None], size: Size, pictures: int) -> Problem | None:
    """Why nothing more is paid for, when so many pictures of a size, on their way at once, might not fit on the disk.
    `free_bytes` gives None where that cannot be known."""
    wanted = max(LEAST, pictures * COPIES * BYTES_A_PIXEL * size[0] * size[1])
    free = free_bytes()
    if free is None or free >= wanted:
        return None
    what = f"{free // 1_000_000:,} MB are free on the store's disk, and what is asked for next may take"
    return Problem(
        f"{what} {-(-wanted // 1_000_000):,} MB, so nothing more is paid for",
        hint="free some space, then run the same command again; `imagebuild cache gc` shows what no lock needs",
    )
