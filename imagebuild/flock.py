"""Locks of the kernel on open files: they go with the process that holds them, however it ends.

Two descriptors of one file exclude each other also within one process, so threads are told apart as processes are.
Knows what a lock is, not what it is for: what cannot be locked is an `OSError`, for the caller to put into words.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["locked", "unlock", "wait_for"]

_BUSY: Final = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_FAR: Final = 1 << 30  # Windows locks bytes against reading too: a byte far behind any text


def locked(descriptor: int) -> bool:
    """Lock the open file if that can be done at once; whether it was. OSError where files cannot be locked."""
    try:
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as bad:
        if bad.errno in _BUSY:
            return False
        raise
    return True


def wait_for(descriptor: int, *, poll: float, timeout: float | None = None) -> bool:
    """Lock the open file, looking every `poll` seconds; False when it could not be had within `timeout` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    while not locked(descriptor):
        if end is not None and time.monotonic() >= end:
            return False
        time.sleep(poll)
    return True


def unlock(descriptor: int) -> None:
    """Let go. Said before closing, for a child of this process may have the file open as well."""
    with suppress(OSError):  # closing lets go too
        if sys.platform == "win32":
            os.lseek(descriptor, _FAR, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
