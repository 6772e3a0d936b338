"""The project's private folder, `.imagebuild`: what this program keeps for itself in it; git ignores it.

Files that must appear whole are written in its `tmp` first: a killed build leaves nothing beside people's files.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from typing import Final

from imagebuild.errors import BuildError, reason_of
from imagebuild.workspace.place import PRIVATE

__all__ = ["PRIVATE", "name_beside", "private_folder", "replace_file", "temporary_folder"]

_HOUR: Final = 3600.0


def private_folder(root: str, *names: str) -> str:
    """The path of a folder inside the private one, made if need be."""
    private = os.path.join(root, PRIVATE)
    folder = os.path.join(private, *names)
    try:
        os.makedirs(folder, exist_ok=True)
        ignore = os.path.join(private, ".gitignore")
        if not os.path.exists(ignore) or not os.path.getsize(ignore):  # empty: somebody was killed while writing it
            with open(ignore, "w", encoding="utf-8") as file:
                file.write("*\n")
    except OSError as bad:
        raise BuildError(
            f"cannot make the folder `{folder}`: {reason_of(bad)}",
            hint="check who owns the project's folder, and that the disk is not full",
        ) from bad
    return folder


def temporary_folder(root: str) -> str:
    """Where files are written before they are moved into place; swept of what killed builds left."""
    folder = private_folder(root, "tmp")
    for name in os.listdir(folder):
        left = os.path.join(folder, name)
        with suppress(OSError):  # somebody else may be sweeping too
            if time.time() - os.stat(left).st_mtime > _HOUR:
                os.unlink(left)
    return folder


def name_beside(path: str) -> str:
    """A temporary name in the file's own folder, where it must be. Always the same: whoever is killed while writing to
    it did not write the file, so that the next build uses the name again, and nothing stays."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name}.imagebuild")


def replace_file(root: str, path: str, data: bytes) -> None:
    """Put a file of the project in place, whole or not at all, and so that it survives a power cut. Raises OSError."""
    try:
        _replace_by_way_of(os.path.join(temporary_folder(root), f"{os.getpid()}-{os.path.basename(path)}"), path, data)
    except OSError as bad:
        if bad.errno != errno.EXDEV:
            raise
        _replace_by_way_of(name_beside(path), path, data)  # the file is on another disk than the private folder


def _replace_by_way_of(temporary: str, path: str, data: bytes) -> None:
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            os.unlink(temporary)
        raise
