"""What a build that ended well leaves for the next one, and what of it still holds.

The planner asks `recall` which parts of a campaign cannot have changed; those are answered from the lock. Leaving the
memory out changes nothing but the time a plan takes.
"""

from __future__ import annotations

import os
import time
from array import array
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec

import PIL

from imagebuild.core.action import Result
from imagebuild.core.address import asset_of, base_of, is_inner
from imagebuild.core.cells import Reach
from imagebuild.core.key import digest_of
from imagebuild.core.lock import Lock
from imagebuild.core.sizes import parse_size
from imagebuild.stages.glance import (
    HEADER,
    NOTHING,
    Memory,
    Stamp,
    changed_outputs,
    changed_places,
    settings_of,
    stamp,
)
from imagebuild.stages.project import Project
from imagebuild.workspace.files import UNSETTLED, Files, Remembered
from imagebuild.workspace.outputs import look
from imagebuild.workspace.private import temporary_folder

__all__ = ["Recall", "recall", "remember", "write_memory"]

MOST_CELLS = 100  # beyond so many changed outputs, their assets are planned whole
# What a prompt says, and how text is drawn, depends on them too.
LIBRARIES = (
    "babel", "budoux", "jinja2", "manimgx_fonts", "manimgx_fonts_cjk", "markupsafe", "polib", "uharfbuzz", "yaml",
)  # fmt: skip
TICK = 0.02  # seconds within which two writes may leave the same time


@dataclass(slots=True)
class Recall:
    """What still holds. `usable`: parts of the plan may be answered from the lock; then `assets`, `locales` and
    `addresses` say which may not."""

    inputs: dict[str, tuple[Stamp, str]] = field(default_factory=dict)
    facts: Mapping[str, list[list[str]]] = field(default_factory=dict)
    outputs_hold: bool = False  # every output not in `changed` has the digest that the lock says
    changed: frozenset[str] = frozenset()
    orphans: frozenset[str] = frozenset()
    usable: bool = False
    assets: frozenset[str] = frozenset()
    locales: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()

    @property
    def remembered(self) -> Remembered:
        return {path: (seen, digest) for path, (seen, digest) in self.inputs.items() if digest and seen != UNSETTLED}

    @property
    def tags(self) -> set[str] | None:
        """The locales whose strings are needed; None for all."""
        if self.assets:
            return None
        return set(self.locales) | {tag for address in self.addresses if (tag := _locale_of(address))}

    def clean(self, addresses: Iterable[str]) -> list[str]:
        """Those addresses of the lock that need not be planned anew. (Every line of a lock passes through here.)"""
        kept = [address for address in addresses if address not in self.orphans]
        for tag in self.locales:
            for part in (f"[locale={tag}]", f"[locale={tag},", f",locale={tag},", f",locale={tag}]"):
                kept = [address for address in kept if part not in address]
        if self.addresses:
            kept = [address for address in kept if base_of(address) not in self.addresses]
        if self.assets:
            kept = [address for address in kept if asset_of(address) not in self.assets]
        return kept

    def touches(self, asset: str, over: Sequence[str]) -> bool:
        """Whether any cell of an asset has to be planned anew."""
        if asset in self.assets or ("locale" in over and self.locales):
            return True
        return any(address.partition("[")[0] == asset for address in self.addresses)

    def reach(self, asset: str, over: Sequence[str]) -> Reach | None:
        """Which cells of an asset to expand: None for all."""
        if asset in self.assets:
            return None
        boxes: list[Mapping[str, Collection[str]]] = []
        if self.locales and "locale" in over:
            boxes.append({"locale": self.locales})
        for address in self.addresses:
            name, _, inside = address.partition("[")
            if name == asset:
                boxes.append({pair.partition("=")[0]: (pair.partition("=")[2],) for pair in inside[:-1].split(",")})
        return boxes

    def paths(self, lock: Lock, dirty: Collection[str]) -> dict[str, str]:
        """The output paths of cells that are planned anew only because a text changed: a text is in no path
        (otherwise nothing is `usable`), so they are as they were."""
        if self.assets:
            return {}
        return {address: output for address in dirty if (output := lock.entries[address].output)}

    def known(self, lock: Lock, kept: Collection[str]) -> dict[str, Result]:
        """Size and format of what kept actions gave, for those assets that others are made from."""
        formats = {words[0]: words[1] for words in self.facts.get("format", ())}
        found: dict[str, Result] = {}
        for address in kept if formats else ():
            form = formats.get(address.partition("[")[0])
            if form and not is_inner(address):
                found[address] = (parse_size(lock.entries[address].size or ""), form)
        return found


def _locale_of(address: str) -> str:
    """The locale in an address, or nothing."""
    _, found, rest = address.partition("[")[2].rstrip("]").partition("locale=")
    return rest.partition(",")[0] if found else ""


def recall(
    project: Project,
    memory: Memory | None,
    provider: str | None,
    environment: Mapping[str, str],
    lock: Lock,
    lock_digest: str,
    *,
    choices: str = "",
) -> Recall:
    """What of the last build still holds. `choices` identifies what was decided in a review and changes plans: of other
    decisions a plan knows nothing."""
    if memory is None:
        return Recall()
    files = Files(project.folder, {path: (seen, digest) for path, (seen, digest) in memory.inputs.items() if digest})
    changed: list[str] = []
    found = Recall(inputs=memory.inputs, facts=memory.facts)
    approvals = os.path.basename(project.approvals) if memory.fact("choices") == choices else None
    for path, (seen, digest) in memory.inputs.items():
        now = stamp(os.path.join(project.folder, path))
        if now != seen:
            if (files.digest(path) or "") != digest and path != approvals:
                changed.append(path)
            found.inputs[path] = (files.asked[path] or NOTHING, files.digest(path) or "")
    found.orphans = frozenset(words[0] for words in memory.facts.get("orphan", ()))
    found.outputs_hold = memory.fact("lock") == lock_digest
    found.changed = frozenset(changed_outputs(project.folder, memory)) if found.outputs_hold else frozenset()
    moved = [path for path in changed_places(memory) if path != project.lock]
    same_settings = memory.fact("settings") == settings_of(project.spec, provider, environment)
    if found.outputs_hold and not moved and same_settings and memory.fact("whole") == "yes":
        _spread(found, memory, lock, changed)
    return found


def _spread(found: Recall, memory: Memory, lock: Lock, changed_inputs: Iterable[str]) -> None:
    """Which assets, locales and cells the changes reach."""
    by_file: dict[str, set[str]] = {}
    locales: dict[str, set[str]] = {}
    for asset, *paths in memory.facts.get("asset", ()):
        for path in paths:
            by_file.setdefault(path, set()).add(asset)
    for locale, *paths in memory.facts.get("locale", ()):
        for path in paths:
            locales.setdefault(path, set()).add(locale)
    assets: set[str] = set()
    tags: set[str] = set()
    for path in changed_inputs:
        if path not in by_file and path not in locales:
            return  # the campaign itself, or an axis file
        assets |= by_file.get(path, set())
        tags |= locales.get(path, set())
    addresses: set[str] = set()
    if found.changed:
        changed = {address for address, entry in lock.entries.items() if entry.output in found.changed}
        addresses = {base_of(address) for address in changed - found.orphans}
        if len(addresses) > MOST_CELLS:
            assets |= {address.partition("[")[0] for address in addresses}
            addresses.clear()
    touched = assets | {address.partition("[")[0] for address in addresses}
    links = [(words[0], words[1], words[2] == "pinned") for words in memory.facts.get("link", ())]
    grown = True
    while grown:  # what is made from something that is planned anew is planned anew
        grown = False
        for asset, source, pinned in links:
            if asset not in assets and (source in touched or (pinned and tags)):
                assets.add(asset)
                touched.add(asset)
                grown = True
    found.assets, found.locales, found.addresses = frozenset(assets), frozenset(tags), frozenset(addresses)
    found.usable = True


# ---------------------------------------------------------------------------------------------- remembering


def remember(
    project: Project,
    *,
    files: Files,
    before: Recall | None,
    settings: str,
    stamps: Callable[[], Mapping[str, int]],
    facts: dict[str, list[list[str]]],
    outputs: Collection[str],
    answer: str,
    table: str,
) -> None:
    """Write down what the build that just ended depended on and left. `before`: what a partial plan did not look at."""
    states = look(project.folder, outputs)
    newest = max((state.modified for state in states.values()), default=0)
    newest = max(newest, stamp(project.lock)[1])
    rest = TICK - (time.time_ns() - newest) / 1e9
    if rest > 0:  # a change within the same tick of the clock would not show
        time.sleep(rest)
        states = look(project.folder, outputs)
    if len(states) != len(outputs):
        return
    memory = Memory()
    memory.inputs = {**(before.inputs if before else {}), **_settled_inputs(project, files)}
    memory.places = {project.lock: stamp(project.lock)[1], **stamps(), **_program()}
    for path, state in states.items():
        folder, _, name = path.rpartition("/")
        names, sizes, modified = memory.outputs.setdefault(folder, ([], array("q"), array("q")))
        names.append(name)
        sizes.append(state.size)
        modified.append(state.modified)
    memory.facts = {**facts, "settings": [[settings]], "lock": [[digest_of_file(project.lock)]]}
    memory.answer, memory.table = answer, table
    write_memory(project, memory)


def _encode(memory: Memory) -> bytes | None:
    """The memory as `glance.read_memory` reads it; None when some name holds a line break or a tab."""
    lines = [
        *(f"input {s[0]} {s[1]} {s[2]} {digest or '-'} {name}" for name, (s, digest) in memory.inputs.items()),
        *(f"place {modified} {name}" for name, modified in memory.places.items()),
        *(f"folder {len(names)} {name}" for name, (names, _, _) in memory.outputs.items()),
        *("\t".join([f"fact {name}", *words]) for name, rows in memory.facts.items() for words in rows),
        f"answer {memory.answer}",
        *(f"table {line}" for line in memory.table.split("\n")),
    ]
    names = [name for found, _, _ in memory.outputs.values() for name in found]
    words = (word for rows in memory.facts.values() for row in rows for word in row)
    if any("\n" in line for line in (*lines, *names)) or any("\t" in word for word in words):
        return None
    numbers = array("q")
    for _, sizes, _ in memory.outputs.values():
        numbers.extend(sizes)
    for _, _, modified in memory.outputs.values():
        numbers.extend(modified)
    body = "\n".join(lines).encode() + b"\n\n" + numbers.tobytes() + "\n".join(names).encode()
    length = len(HEADER) + 2 + len(body)
    total = length + len(str(length + len(str(length))))  # the whole length, its own digits included
    return f"{HEADER}\n{total}\n".encode() + body


def write_memory(project: Project, memory: Memory) -> None:
    """Put the memory in place, whole or not at all. One that cannot be kept costs time, nothing else."""
    data = _encode(memory)
    if data is None:
        return
    with suppress(OSError):
        temporary = os.path.join(temporary_folder(project.root), f"{os.getpid()}-memory")
        os.makedirs(os.path.dirname(project.memory), exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
        os.replace(temporary, project.memory)


def digest_of_file(path: str) -> str:
    """The digest of the lock's text; nothing where there is none."""
    try:
        with open(path, "rb") as file:
            return digest_of(file.read())
    except OSError:
        return ""


def _settled_inputs(project: Project, files: Files) -> dict[str, tuple[Stamp, str]]:
    """Every input with its stamp and digest. One that was too young to trust when it was read is looked at again."""
    digests = files.remembered()
    again = Files(project.folder)
    found: dict[str, tuple[Stamp, str]] = {}
    for path, seen in files.asked.items():
        digest = digests.get(path, (seen, ""))[1]
        if seen is None:
            found[path] = (NOTHING, "")
        elif seen == UNSETTLED or not digest:
            read = files.digest(path)
            now = again.digest(path)
            settled = again.asked[path]
            found[path] = (settled if settled and now == read else UNSETTLED, read or "")
        else:
            found[path] = (seen, digest)
    return found


@cache
def _program() -> dict[str, int]:
    """The program's own files, the library that draws, those that write prompts: a change of any may change a plan."""
    own = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
    files = [
        os.path.join(at, name)
        for at, _, names in os.walk(own)
        for name in names
        if name.endswith((".py", ".yaml")) and "__pycache__" not in at
    ]
    pillow = os.path.dirname(os.path.realpath(PIL.__file__ or ""))
    files += [
        os.path.join(pillow, name)
        for name in os.listdir(pillow)
        if name == "_version.py" or name.startswith(("_imaging.", "_webp.", "_avif."))
    ]
    files += [library.origin for name in LIBRARIES if (library := find_spec(name)) and library.origin]
    return {path: stamp(path)[1] for path in files}
