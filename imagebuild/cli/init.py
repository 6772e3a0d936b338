"""`imagebuild init`: write a small, localized campaign that plans and builds at once. Overwrites nothing."""

from __future__ import annotations

import argparse
import os
from importlib import resources
from importlib.resources.abc import Traversable

from imagebuild.errors import ImagebuildError, reason_of

__all__ = ["run"]

IGNORED = ".imagebuild/"
IGNORE_LINES = f"""\
# What imagebuild keeps for itself. Commit `imagebuild.lock`: it says what every picture was made from.
{IGNORED}
"""


def run(options: argparse.Namespace) -> int:
    folder: str = options.folder
    files = dict(_files(resources.files("imagebuild.cli") / "example", ""))
    _refuse_existing(folder, files)
    try:
        for path, text in files.items():
            place = os.path.join(folder, path)
            os.makedirs(os.path.dirname(place) or ".", exist_ok=True)
            with open(place, "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        ignoring = _ignore(os.path.join(folder, ".gitignore"))
    except OSError as bad:
        raise ImagebuildError(f"cannot write into `{folder}`: {reason_of(bad)}") from bad
    for path in (*files, *([".gitignore"] if ignoring else [])):
        print(f"wrote {_shown(folder, path)}")
    print("\nNext:\n")
    if os.path.realpath(folder) != os.path.realpath("."):
        print(f"  cd {_quoted(folder)}")
    print("  imagebuild plan     what would be made, and what it would cost")
    print("  imagebuild build    make it: placeholders, drawn here for nothing")
    return 0


def _files(folder: Traversable, prefix: str) -> list[tuple[str, str]]:
    """(path, text) of every file of the example, the campaign first."""
    found: list[tuple[str, str]] = []
    for each in sorted(folder.iterdir(), key=lambda each: (each.is_dir(), each.name)):
        if each.is_dir():
            found.extend(_files(each, f"{prefix}{each.name}/"))
        elif each.name.endswith((".yaml", ".j2")):
            found.append((prefix + each.name, each.read_text(encoding="utf-8")))
    return found


def _refuse_existing(folder: str, files: dict[str, str]) -> None:
    there = [path for path in files if os.path.lexists(os.path.join(folder, path))]
    if there:
        named = ", ".join(f"`{_shown(folder, path)}`" for path in there[:6])
        more = f" and {len(there) - 6} more" if len(there) > 6 else ""
        raise ImagebuildError(
            f"{named}{more} {'exists' if len(there) == 1 else 'exist'} already; nothing was written",
            hint="`imagebuild init FOLDER` writes into another folder",
        )


def _ignore(path: str) -> bool:
    """See that git ignores the private folder; a `.gitignore` that is there already gets the lines added."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        text = ""
    if any(line.strip().rstrip("/") in (".imagebuild", "/.imagebuild") for line in text.splitlines()):
        return False
    with open(path, "a", encoding="utf-8", newline="\n") as file:
        file.write(("\n" if text and not text.endswith("\n") else "") + IGNORE_LINES)
    return True


def _shown(folder: str, path: str) -> str:
    return path if folder == "." else os.path.join(folder, path).replace(os.sep, "/")


def _quoted(text: str) -> str:
    return f"'{text}'" if any(letter.isspace() for letter in text) else text
