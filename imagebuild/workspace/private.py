"""The project's private folder, `.imagebuild`: what this program keeps for itself in it; git ignores it."""

from __future__ import annotations

import os

from imagebuild.errors import BuildError

__all__ = ["PRIVATE", "private_folder"]

PRIVATE = ".imagebuild"


def private_folder(root: str, *names: str) -> str:
    """The path of a folder inside the private one, made if need be."""
    private = os.path.join(root, PRIVATE)
    folder = os.path.join(private, *names)
    try:
        os.makedirs(folder, exist_ok=True)
        ignore = os.path.join(private, ".gitignore")
        if not os.path.exists(ignore):
            with open(ignore, "w", encoding="utf-8") as file:
                file.write("*\n")
    except OSError as bad:
        raise BuildError(
            f"cannot make the folder `{folder}`: {(bad.strerror or str(bad)).lower()}",
            hint="check who owns the project's folder, and that the disk is not full",
        ) from bad
    return folder
