"""Output paths: inside the output folder, writable on every system, and no two assets at one path."""

from __future__ import annotations

import posixpath
import re
import unicodedata

from imagebuild.core.spec import AssetSpec
from imagebuild.core.steps import format_of_path
from imagebuild.errors import Place, Problems

__all__ = ["OutputPaths"]

_FORBIDDEN = re.compile(r'[<>:"|?*\\\x00-\x1f\x7f]')
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com[1-9]|lpt[1-9])(\.|\Z)")


class OutputPaths:
    """Hands out paths below the output folder; `taken` may be filled with those of a remembered plan."""

    def __init__(self, folder: str, problems: Problems) -> None:
        self._folder = folder
        self._problems = problems
        self._taken: dict[str, tuple[str, Place]] = {}
        self._told: set[tuple[str, str]] = set()
        self._last_folder = ""

    def take(self, written: str, address: str, asset: AssetSpec) -> str | None:
        """The path from the campaign's folder, or None after noting why it cannot be."""
        assert asset.output is not None
        at = asset.output.place
        path = self._inside(written, address, at)
        if path is None:
            return None
        if format_of_path(path) is None:
            self._tell(
                "ending",
                asset.name,
                f"asset `{asset.name}`: `{written}` does not end in a picture format",
                at,
                "end it in .png, .jpg, .webp or .avif",
            )
            return None
        identity = unicodedata.normalize("NFC", path).casefold()
        if identity in self._taken:
            other, _ = self._taken[identity]
            self._collision(path, address, other, asset, at)
            return None
        self._taken[identity] = (address, at)
        return path

    def _inside(self, written: str, address: str, at: Place) -> str | None:
        what = f"`output` of `{address}`"
        if written.startswith(("/", "~")) or re.match(r"[A-Za-z]:", written):
            self._tell(
                "absolute", address, f"{what}: `{written}` is an absolute path", at, "paths start at the output folder"
            )
            return None
        bad = _FORBIDDEN.search(written)
        if bad:
            self._tell(
                "character",
                address.split("[")[0],
                f"{what}: `{written}` holds `{bad.group()}`, which some systems cannot write",
                at,
                "use letters, digits, `-`, `_`, `.` and `/`",
            )
            return None
        path = posixpath.normpath(written)
        if path in (".", "") or path.startswith("../") or path == "..":
            self._tell(
                "leaves",
                address.split("[")[0],
                f"{what}: `{written}` leaves the output folder",
                at,
                "leave out the `..`; `output_folder` names the folder itself",
            )
            return None
        if any(_DEVICE.match(part) or part != part.strip(" ") or part.endswith(".") for part in path.split("/")):
            self._tell(
                "device",
                address.split("[")[0],
                f"{what}: `{written}` cannot be written on Windows",
                at,
                "no device names, and no blank or dot at an end",
            )
            return None
        return f"{self._folder}/{path}"

    def _collision(self, path: str, address: str, other: str, asset: AssetSpec, at: Place) -> None:
        one, two = _pairs(address), _pairs(other)
        differing = [axis for axis in one if one[axis] != two.get(axis)]
        hint = "give each its own path"
        if address.split("[")[0] == other.split("[")[0] and differing:
            hint = "name what differs in it: " + ", ".join(f"`{{{{ {axis} }}}}`" for axis in differing)
        self._tell(
            "collision",
            address.split("[")[0] + other.split("[")[0],
            f"`{other}` and `{address}` are both written to `{path}`",
            at,
            hint,
        )

    def check(self) -> None:
        """A path cannot be a file and a folder at once."""
        folders: dict[str, str] = {}
        for path, (address, _) in self._taken.items():
            parent = path.rsplit("/", 1)[0]
            while parent and parent not in folders:
                folders[parent] = address
                parent = parent.rsplit("/", 1)[0] if "/" in parent else ""
        for path, (address, at) in self._taken.items():
            if path in folders:
                self._tell(
                    "folder",
                    address,
                    f"`{address}` is written to `{path}`, which is a folder of `{folders[path]}`",
                    at,
                    "give one of them another path",
                )

    def _tell(self, kind: str, which: str, what: str, at: Place, hint: str) -> None:
        """Say a mistake once for an asset, not once for each of its thousand cells."""
        if (kind, which) not in self._told:
            self._told.add((kind, which))
            self._problems.add(what, at=at, hint=hint)


def _pairs(address: str) -> dict[str, str]:
    inside = address.partition("[")[2].rstrip("]")
    return dict(part.split("=", 1) for part in inside.split(",") if "=" in part)
