"""The glance: from one small file, see whether anything at all has changed since the last build that ended well.

This is the most frequent build there is, so the module loads nothing but `os`, `sys` and `array`. What a build
depended on is compared with what is there now: every input's size, time and inode (also of files that were absent),
every output's size and time, the store's folders, the lock, the program's own files. It is a pure speed-up: when
anything differs, the planner looks itself, helped by what is still known to be as it was.
"""

from __future__ import annotations

import os
import sys
from array import array

from imagebuild.workspace.place import memory_of, root_of, spec_of

TYPE_CHECKING = False  # as typing's, without loading typing
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Memory", "changed_outputs", "changed_places", "nothing_to_do", "read_memory", "settings_of", "stamp"]

HEADER = "imagebuild memory 1"
Stamp = tuple[int, int, int]  # size, mtime in nanoseconds, inode
NOTHING: Stamp = (0, 0, 0)  # of a file that is not there


class Memory:
    """What the last build that ended well saw. Paths of inputs, outputs and `asset_files` start at the campaign's
    folder; those of `places` (the store's folders, the lock, the program) are absolute."""

    __slots__ = ("answer", "facts", "inputs", "outputs", "places", "table")

    def __init__(self) -> None:
        self.inputs: dict[str, tuple[Stamp, str]] = {}  # path → stamp, digest
        self.places: dict[str, int] = {}  # path → mtime
        self.outputs: dict[str, tuple[list[str], array[int], array[int]]] = {}  # folder → names, sizes, mtimes
        self.facts: dict[str, list[list[str]]] = {}  # further knowledge for the planner: name → rows of words
        self.answer = ""  # what `build` says when nothing changed
        self.table = ""  # what `plan` says then

    def fact(self, name: str) -> str:
        rows = self.facts.get(name)
        return rows[0][0] if rows and rows[0] else ""


def stamp(path: str) -> Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return NOTHING
    return (found.st_size, found.st_mtime_ns, found.st_ino)


def read_memory(path: str) -> Memory | None:
    """The memory in a file; None when there is none, or it is not whole."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        return _decode(data)
    except (OSError, ValueError, IndexError):
        return None


def _decode(data: bytes) -> Memory | None:
    end = data.index(b"\n\n")
    lines = data[:end].decode().split("\n")
    if lines[0] != HEADER or int(lines[1]) != len(data):
        return None
    memory = Memory()
    folders: list[tuple[str, int]] = []
    for line in lines[2:]:
        kind, _, rest = line.partition(" ")
        if kind == "input":
            size, modified, inode, digest, name = rest.split(" ", 4)
            memory.inputs[name] = ((int(size), int(modified), int(inode)), digest.rstrip("-"))
        elif kind == "place":
            modified, _, name = rest.partition(" ")
            memory.places[name] = int(modified)
        elif kind == "folder":
            count, _, name = rest.partition(" ")
            folders.append((name, int(count)))
        elif kind == "fact":
            name, *words = rest.split("\t")
            memory.facts.setdefault(name, []).append(words)
        elif kind == "answer":
            memory.answer = rest
        elif kind == "table":
            memory.table += rest + "\n"
    total = sum(count for _, count in folders)
    numbers = array("q")
    numbers.frombytes(data[end + 2 : end + 2 + 16 * total])
    names = data[end + 2 + 16 * total :].decode().split("\n") if total else []
    at = 0
    for folder, held in folders:
        end = at + held
        memory.outputs[folder] = (names[at:end], numbers[at:end], numbers[total + at : total + end])
        at = end
    return memory


def changed_outputs(root: str, memory: Memory, *, first_only: bool = False) -> list[str]:
    """The outputs whose size or time is not as remembered, or that are gone."""
    changed: list[str] = []
    look = os.stat
    for folder, (names, sizes, modified) in memory.outputs.items():
        prefix = folder + "/" if folder else ""
        try:
            descriptor = os.open(os.path.join(root, folder), os.O_RDONLY)
        except OSError:
            changed.extend(prefix + name for name in names)
            if first_only:
                return changed
            continue
        try:
            for name, size, time in zip(names, sizes, modified, strict=True):
                try:
                    found = look(name, dir_fd=descriptor, follow_symlinks=False)
                except OSError:
                    changed.append(prefix + name)
                else:
                    if found.st_mtime_ns == time and found.st_size == size:
                        continue
                    changed.append(prefix + name)
                if first_only:
                    return changed
        finally:
            os.close(descriptor)
    return changed


def changed_places(memory: Memory) -> list[str]:
    """The remembered places whose time is another now."""
    return [path for path, modified in memory.places.items() if stamp(path)[1] != modified]


def settings_of(spec: str, provider: str | None, environment: Mapping[str, str]) -> str:
    """Everything outside files that decides a plan, and which program decides it; and which campaign it is, for a
    folder may be copied whole."""
    store = environment.get("IMAGEBUILD_STORE")
    named = (provider or environment.get("IMAGEBUILD_PROVIDER") or "", os.path.abspath(store) if store else "")
    return " ".join((spec, *named, sys.version, sys.prefix, __file__)).replace("\t", " ").replace("\n", " ")


def nothing_to_do(arguments: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What to print when a plain `build` or `plan` has nothing to do; None when that cannot be said at a glance."""
    file: str | None = None
    rest = list(arguments[1:])
    while rest:
        option = rest.pop(0)
        if option in ("-f", "--file") and rest:
            file = rest.pop(0)
        elif option.startswith("--file="):
            file = option[7:]
        elif option not in ("-q", "--quiet") or arguments[0] != "build":
            return None
    spec = spec_of(file, os.getcwd())
    if spec is None or environment.get("IMAGEBUILD_NO_MEMORY"):
        return None
    memory = read_memory(memory_of(root_of(os.path.dirname(spec)), spec))
    if memory is None or not memory.answer or memory.fact("settings") != settings_of(spec, None, environment):
        return None
    folder = os.path.dirname(spec)
    if any(stamp(os.path.join(folder, path)) != seen for path, (seen, _) in memory.inputs.items()):
        return None
    if changed_places(memory) or (hasattr(os, "O_DIRECTORY") and changed_outputs(folder, memory, first_only=True)):
        return None
    if not hasattr(os, "O_DIRECTORY"):  # no looking relative to an open folder here: leave it to the planner
        return None
    return memory.answer if arguments[0] == "build" else memory.table.rstrip("\n")
