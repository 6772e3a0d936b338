"""Output paths: inside the output folder, writable on every system, and no two assets at one path."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import NamedTuple

from imagebuild.core.address import asset_of
from imagebuild.core.spec import AssetSpec
from imagebuild.core.steps.encode import format_of_path
from imagebuild.errors import Place, Problems

__all__ = ["LONGEST_NAME", "OutputPaths"]

LONGEST_NAME = 255  # bytes; the most that file systems in use take for a file or a folder
_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
# What nearly every path is: nothing in it to put right, nothing that could be wrong. Four bytes a letter at most.
_PLAIN = re.compile(
    r"(?:(?!(?i:con|prn|aux|nul|com[1-9]|lpt[1-9])[./])[\w-]{1,60}/)*"
    r"(?!(?i:con|prn|aux|nul|com[1-9]|lpt[1-9])\.)[\w-]{1,60}\.(?:png|jpg|jpeg|webp|avif)\Z"
)
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|\Z)")

_EXPRESSION = re.compile(r"\{\{.*?\}\}")


class _Taken(NamedTuple):
    path: str
    address: str
    at: Place


class OutputPaths:
    """Hands out paths below the output folder, each once."""

    def __init__(self, folder: str, problems: Problems) -> None:
        self._folder = folder
        self._problems = problems
        self._taken: dict[str, _Taken] = {}  # by what systems that fold case and accents take the path for

    def take(self, written: str, address: str, asset: AssetSpec) -> str | None:
        """The path from the campaign's folder, or None after noting why it cannot be. A mistake that shows in each of
        an asset's thousand cells is told once."""
        assert asset.output is not None
        at = asset.output.place
        plain = _PLAIN.match(written) is not None
        inner = written if plain else posixpath.normpath(written)
        wrong = None if plain else _mistake(written, inner)
        if wrong is not None:
            shown = written if len(written) <= 120 else f"{written[:60]}…{written[-20:]}"
            what = f"`output` of `{address}`: `{shown}` {wrong[0]}"
            self._problems.add(what, at=at, hint=wrong[1], once=("output", asset.name, wrong[1]))
            return None
        path = f"{self._folder}/{inner}"
        identity = unicodedata.normalize("NFC", path).casefold()
        other = self._taken.get(identity)
        if other is not None:
            self._collision(_Taken(path, address, at), other)
            return None
        self._taken[identity] = _Taken(path, address, at)
        return path

    def check_text(self, asset: AssetSpec) -> None:
        """What can be said of a path when the asset's cells cannot be worked out: a name stands for each expression."""
        assert asset.output is not None
        text = asset.output.text.strip()
        if "{%" in text or "{#" in text:
            return
        named = _EXPRESSION.sub(lambda found: "x.png" if found.end() == len(text) else "x", text)
        wrong = _mistake(named, posixpath.normpath(named))
        if wrong is not None:
            what = f"`output` of `{asset.name}`: `{text}` {wrong[0]}"
            self._problems.add(what, at=asset.output.place, hint=wrong[1], once=("output", asset.name, wrong[1]))

    def _collision(self, new: _Taken, old: _Taken) -> None:
        one, two = _pairs(new.address), _pairs(old.address)
        differing = [axis for axis in one if one[axis] != two.get(axis)]
        names = (asset_of(old.address), asset_of(new.address))
        hint = "give each its own path"
        if names[0] == names[1] and differing:
            hint = "name what differs in it: " + ", ".join(f"`{{{{ {axis} }}}}`" for axis in differing)
        what = f"`{old.address}` and `{new.address}` are both written to `{new.path}`"
        if new.path != old.path:
            what = f"`{new.path}` of `{new.address}` and `{old.path}` of `{old.address}` are one file on many systems"
        self._problems.add(what, at=new.at, hint=hint, once=("collision", *names))

    def check(self) -> None:
        """A path cannot be a file and a folder at once."""
        folders: dict[str, _Taken] = {}
        for identity, taken in self._taken.items():
            parent = identity.rpartition("/")[0]
            while parent and parent not in folders:
                folders[parent] = taken
                parent = parent.rpartition("/")[0]
        for identity, taken in self._taken.items():
            inner = folders.get(identity)
            if inner is not None:
                what = f"`{taken.address}` is written to `{taken.path}`, which is a folder of `{inner.address}`"
                once = ("folder", asset_of(taken.address), asset_of(inner.address))
                self._problems.add(what, at=taken.at, hint="give one of them another path", once=once)


def _mistake(written: str, path: str) -> tuple[str, str] | None:
    """Why a path, as it is written and in its shortest form, cannot be: the end of a sentence, and a hint."""
    if written.startswith(("/", "~")) or re.match(r"[A-Za-z]:", written):
        return "is an absolute path", "paths start at the output folder; `output_folder` names it"
    bad = _FORBIDDEN.search(written)
    if bad:
        return f"holds `{bad.group()}`, which some systems cannot write", "use letters, digits, `-`, `_`, `.` and `/`"
    if path == ".." or path.startswith("../"):
        return "leaves the output folder", "leave out the `..`; `output_folder` names the folder itself"
    parts = path.split("/")
    if any(_DEVICE.match(part) or part != part.strip(" ") or part.endswith(".") for part in parts if part != "."):
        return "cannot be written on Windows", "no device names such as `aux`, and no blank or dot at an end"
    if any(len(part.encode()) > LONGEST_NAME for part in parts):
        return f"has a part of more than {LONGEST_NAME} bytes, which no file system takes", "shorten it"
    if format_of_path(path) is None or written.endswith("/"):
        return "does not end in a picture format", "end it in .png, .jpg, .webp or .avif"
    if parts[-1].startswith(".") and parts[-1].count(".") == 1:
        return "has no name before its ending", "e.g. `poster.png`"
    return None


def _pairs(address: str) -> dict[str, str]:
    inside = address.partition("[")[2].rstrip("]")
    return dict(part.split("=", 1) for part in inside.split(",") if "=" in part)
