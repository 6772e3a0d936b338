"""Build a campaign: hold the project, plan, see that the plan may be run, run it, write the lock."""

from __future__ import annotations

import asyncio
import datetime
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

from imagebuild.build.make import Making
from imagebuild.build.report import Listener, Summary
from imagebuild.build.run import Stop, run_plan
from imagebuild.core.key import Digest, Key
from imagebuild.core.lock import Lock, LockEntry, write_lock
from imagebuild.errors import BuildError
from imagebuild.stages.plan import Planned
from imagebuild.stages.project import Project
from imagebuild.stages.services import open_provider
from imagebuild.store.local import LocalStore
from imagebuild.workspace.outputs import DamagedSource, Outputs

__all__ = ["Built", "finish", "prune", "run_build", "save_lock"]


@dataclass(slots=True)
class Built:
    """How a build ended, and the lock it left."""

    summary: Summary
    lock: Lock


class _Delivery:
    """Puts stored bytes into the output folder, and brings back into the store what only the output folder has."""

    def __init__(self, project: Project, store: LocalStore, find_file: Callable[[Digest], str | None], stamp: str) -> None:
        self._prefix = project.prefix
        self._outputs = Outputs(project.root)
        self._store = store
        self._find_file = find_file
        self._stamp = stamp

    def put(self, digest: Digest, path: str, *, set_aside: bool) -> None:
        place = self._prefix + path
        if set_aside:
            self._outputs.set_aside(place, self._stamp)
        source = self._store.file(digest)
        try:
            self._outputs.deliver(source if source is not None else self._store.get(digest), place, digest)
        except DamagedSource:
            self._store.get(digest)  # sets the damage aside, and says so
            raise

    def take_in(self, digest: Digest, path: str | None) -> None:
        place = path or self._find_file(digest)
        if place is None:
            raise BuildError(f"no file has the bytes {digest[:12]} any more", hint="build again")
        data = self._outputs.read(self._prefix + place)
        if self._store.put(data, durable=True) != digest:
            raise BuildError(f"`{place}` changed while the build was running", hint="build again")


def save_lock(project: Project, lock: Lock) -> None:
    """Write the lock, whole or not at all."""
    text = write_lock(lock).encode()
    temporary = f"{project.lock}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, project.lock)
    except OSError as bad:
        raise BuildError(f"cannot write `{project.label(os.path.basename(project.lock))}`: {(bad.strerror or str(bad)).lower()}") from bad


def run_build(planned: Planned, *, listener: Listener, stop: Stop, jobs: int | None = None) -> Built:
    """Run a plan. The caller holds the project and has seen that the plan may be run."""
    project, loaded, facts, plan = planned.project, planned.loaded, planned.facts, planned.plan
    lock = facts.lock
    if lock.conflicted and len(plan.steps) < len(loaded.expansion.actions):
        raise BuildError("the lock is in the middle of a merge", hint="build the whole campaign once: `imagebuild build`")
    by_key = {(entry.key, entry.digest): entry for entry in lock.entries.values()}
    by_digest: dict[Digest, list[str]] = {}
    for entry in lock.entries.values():
        if entry.output:
            by_digest.setdefault(entry.digest, []).append(entry.output)

    def find_file(digest: Digest) -> str | None:
        return next((path for path in by_digest.get(digest, ()) if facts.output(path) == digest), None)

    def locked(key: Key, digest: Digest) -> LockEntry | None:
        return by_key.get((key, digest))

    stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    making = Making(
        planned.store,
        file_of=loaded.expansion.file_of,
        read_file=loaded.files.read,
        sources_of=loaded.expansion.sources_of,
        kept=lambda address: lock.entries[address].digest,
        locked=locked,
        now=lambda: datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        clock=time.monotonic,
        provider=plan.provider,
    )
    summary, lock = asyncio.run(
        run_plan(
            plan, loaded.expansion.actions, lock=lock, store=planned.store, provider=open_provider(plan.provider), making=making,
            delivery=_Delivery(project, planned.store, find_file, stamp), save_lock=lambda value: save_lock(project, value),
            listener=listener, stop=stop, clock=time.monotonic, jobs=jobs,
        )  # fmt: skip
    )
    return Built(summary, lock)


def prune(planned: Planned, lock: Lock) -> list[str]:
    """Remove the files of assets that are no longer in the campaign, where they are still as they were delivered, and
    their lines in the lock. Files that were edited since stay."""
    project, plan = planned.project, planned.plan
    outputs = Outputs(project.root)
    named = {entry.output for address, entry in lock.entries.items() if address in planned.loaded.expansion.actions}
    removed: list[str] = []
    for entry in plan.orphans:
        if entry.output and entry.output not in named and outputs.digest(project.prefix + entry.output) == entry.digest:
            outputs.remove(project.prefix + entry.output, project.prefix + planned.loaded.campaign.output_folder)
            removed.append(entry.output)
    gone = {entry.address for entry in plan.orphans}
    if gone:
        kept = {address: entry for address, entry in lock.entries.items() if address not in gone}
        save_lock(project, lock._replace(entries=kept))
    return removed


def finish(planned: Planned, built: Built | None) -> None:
    """Remember what was seen, so that the next run need not look again."""
