"""Build a campaign: hold the project, plan, see that the plan may be run, run it, write the lock."""

from __future__ import annotations

import asyncio
import datetime
import os
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from imagebuild.build.make import Making
from imagebuild.build.report import Listener, Summary
from imagebuild.build.run import Service, Stop, run_plan
from imagebuild.build.terms import Terms
from imagebuild.core.address import is_inner
from imagebuild.core.key import Digest
from imagebuild.core.locale import PSEUDO_LOCALES
from imagebuild.core.lock import Lock, write_lock
from imagebuild.core.offer import differs
from imagebuild.core.plan import Plan
from imagebuild.core.strings import Missing
from imagebuild.errors import BuildError, reason_of
from imagebuild.lazy import lazy
from imagebuild.providers.base import Provider
from imagebuild.stages.feed import telling
from imagebuild.stages.glance import settings_of, stamp
from imagebuild.stages.limits import shared_limits
from imagebuild.stages.memory import remember
from imagebuild.stages.people import identity
from imagebuild.stages.plan import Planned
from imagebuild.stages.project import Project
from imagebuild.stages.services import NoKey, service_of, setting_of
from imagebuild.store.local import LocalStore
from imagebuild.workspace.outputs import DamagedSource, Outputs
from imagebuild.workspace.private import replace_file

if TYPE_CHECKING:
    from imagebuild.stages import preflight
else:
    preflight = lazy("imagebuild.stages.preflight")  # loads what sets text

__all__ = ["Built", "finish", "owed", "prune", "run_build", "save_lock"]

REJECTED = ".imagebuild/rejected"  # where pictures that did not pass their checks can be looked at
TABLES = (".yaml", ".yml", ".json", ".csv")  # the files that hold an axis


@dataclass(slots=True)
class Built:
    """How a build ended, and the lock it left. `unfetched`: what earlier builds have begun at the service could not be
    asked for, without a key."""

    summary: Summary
    lock: Lock
    unfetched: bool = False


class _Delivery:
    """Puts stored bytes into the output folder, and brings back into the store what only the output folder has."""

    def __init__(
        self,
        project: Project,
        store: LocalStore,
        delivered: Mapping[str, Collection[Digest]],
        find_file: Callable[[Digest], str | None],
        stamp: str,
    ) -> None:
        self._prefix = project.prefix
        self._outputs = Outputs(project.root)
        self._store = store
        self._delivered = delivered  # by the lock: what may be replaced, though the store may have lost it
        self._find_file = find_file
        self._stamp = stamp

    def put(self, digest: Digest, path: str) -> str | None:
        place = self._prefix + path
        kept_back = f"{self._prefix}{REJECTED}/{path}"
        if os.path.exists(os.path.join(self._outputs.root, kept_back)):  # what stood there is decided
            self._outputs.remove(kept_back, self._prefix + REJECTED)
        there = self._outputs.digest(place)
        if there == digest:
            return None
        unknown = there is not None and not self._store.has(there)
        if unknown and there in self._delivered.get(path, ()):
            self._store.put(self._outputs.read(place), durable=True)  # the last of what may have been paid for
        elif unknown:
            data = self._store.get(digest)  # first, so that nothing is moved away for a picture that is damaged
            aside = self._outputs.set_aside(place, self._stamp)
            self._outputs.deliver(data, place, digest)
            return aside
        self._deliver(digest, place)
        return None

    def _deliver(self, digest: Digest, place: str) -> None:
        source = self._store.file(digest)
        if source is not None:
            with suppress(DamagedSource):
                self._outputs.deliver(source, place, digest)
                return
        self._outputs.deliver(self._store.get(digest), place, digest)  # sets damage aside, and says so

    def keep_back(self, digest: Digest, path: str) -> tuple[str, bool]:
        place = f"{REJECTED}/{path}"
        self._outputs.deliver(self._store.get(digest), self._prefix + place, digest)
        return place, self._outputs.digest(self._prefix + path) is not None

    def take_in(self, digest: Digest, path: str | None) -> None:
        place = path or self._find_file(digest)
        if place is None:
            raise BuildError(f"no file has the bytes {digest[:12]} any more", hint="build again")
        data = self._outputs.read(self._prefix + place)
        # A delivery that wrote over the file in the meantime has taken it in before.
        if self._store.put(data, durable=True) != digest and not self._store.has(digest):
            raise BuildError(f"`{place}` changed while the build was running", hint="build again")


def save_lock(project: Project, lock: Lock) -> None:
    """Write the lock, whole or not at all."""
    try:
        replace_file(project.root, project.lock, write_lock(lock).encode())
    except OSError as bad:
        raise BuildError(
            f"cannot write `{project.label(os.path.basename(project.lock))}`: {reason_of(bad)}",
            hint="what was made is in the store: mend that, then run the same command again; nothing is paid twice",
        ) from bad


def run_build(
    planned: Planned, *, listener: Listener, stop: Stop, jobs: int | None = None, provider: Provider | None = None,
    trace: Callable[[str], None] | None = None, offline: bool = False, spent: Decimal = Decimal(0),
) -> Built:  # fmt: skip
    """Run a plan. What can be seen to go wrong is told before anything is paid. The caller holds the project and
    has seen that the plan may be run. `provider` stands in for the plan's own. `trace` is told of every request and
    reply, a line each, without keys. `offline`: no service is asked for anything, not even for what it owes.
    `spent` is what the same build has spent before, in an earlier round."""
    project, loaded, facts, plan = planned.project, planned.loaded, planned.facts, planned.plan
    lock = facts.lock._replace(campaign=plan.campaign)
    if lock.conflicted and len(plan.steps) < len(loaded.expansion.actions):
        raise BuildError(
            "the lock is in the middle of a merge", hint="build the whole campaign once: `imagebuild build`"
        )
    if plan.price:
        preflight.check_before_paying(planned)
    names_makers = loaded.campaign.approval is not None and loaded.campaign.approval.by_others
    made_by = identity(os.environ, project.root)
    by_key = {(entry.key, entry.digest): entry for entry in lock.entries.values()}
    making = Making(
        planned.store,
        file_of=loaded.expansion.file_of,
        read_file=loaded.files.read,
        sources_of=loaded.expansion.sources_of,
        kept=lambda address: lock.entries[address].digest,
        locked=lambda key, digest: by_key.get((key, digest)),
        now=_now,
        clock=time.monotonic,
        differs=lambda asked, real: differs(asked, real, loaded.offer),
        made_by=made_by,
        names_makers=names_makers,
    )

    async def run(limited: Plan, listener: Listener) -> Built:
        async with _service(planned, provider, trace, offline, making.by) as service:
            summary, left = await run_plan(
                limited,
                loaded.expansion.actions,
                lock=lock,
                store=planned.store,
                service=service,
                making=making,
                delivery=_delivery_of(planned, lock),
                save_lock=lambda value: save_lock(project, value),
                listener=listener,
                stop=stop,
                clock=time.monotonic,
                jobs=jobs,
                spent=spent,
                names_makers=names_makers,
            )
        return Built(summary, left, unfetched=service is None and not offline and owed(planned))

    with shared_limits(planned, stop) as limited, telling(project, limited, listener, spent=spent) as told:
        return asyncio.run(run(limited, told))


def _delivery_of(planned: Planned, lock: Lock) -> _Delivery:
    by_digest: dict[Digest, list[str]] = {}
    by_output: dict[str, list[Digest]] = {}
    for entry in lock.entries.values():
        if entry.output:
            by_digest.setdefault(entry.digest, []).append(entry.output)
            by_output.setdefault(entry.output, []).append(entry.digest)

    def find_file(digest: Digest) -> str | None:
        return next((path for path in by_digest.get(digest, ()) if planned.facts.output(path) == digest), None)

    stamp = _now().replace("-", "").replace(":", "")
    return _Delivery(planned.project, planned.store, by_output, find_file, stamp)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@asynccontextmanager
async def _service(
    planned: Planned,
    provider: Provider | None,
    trace: Callable[[str], None] | None,
    offline: bool,
    by: Mapping[str, str],
) -> AsyncIterator[Service | None]:
    """What the plan asks of, if anything: what is only put in place needs no provider, and no key either."""
    if provider is not None:
        yield Service(provider=provider)
        return
    is_needed = not offline and _asks(planned)
    if offline or not (is_needed or owed(planned)):
        yield None
        return
    plan, project = planned.plan, planned.project
    terms = Terms(
        campaign=plan.campaign, floating=plan.floating, policy=plan.policy,
        agreed=frozenset(attempt.id for attempt in plan.attempts.values()), now=_now,
        free_bytes=planned.store.free_bytes,
        new_id=lambda: f"{_now().replace('-', '').replace(':', '')}-{secrets.token_hex(5)}", by=by,
    )  # fmt: skip
    setting = setting_of(project, os.environ)
    async with AsyncExitStack() as stack:
        service = None
        try:
            opened = service_of(planned.loaded.offer, setting, planned.journal, terms, trace=trace)
            service = await stack.enter_async_context(opened)
        except NoKey:
            if is_needed:
                raise
        yield service


def _asks(planned: Planned) -> bool:
    """Whether the plan asks a provider for anything: a picture, or what became of one that was paid for."""
    asking = ("make", "wait")  # how the others ended is known
    return any(step.verdict in asking and step.paid and not step.merged for step in planned.plan.steps)


def owed(planned: Planned) -> bool:
    """Whether something was begun at this provider, by an earlier build, that is not settled yet."""
    return any(
        attempt.state in ("sent", "task") and attempt.provider == planned.plan.provider
        for attempt in planned.journal.attempts()
    )


def prune(planned: Planned, lock: Lock) -> tuple[list[str], Lock]:
    """Remove the files of assets that are no longer in the campaign, where they are still as they were delivered, and
    their lines in the lock. Files that were edited since stay. What was removed, and the lock as it is now."""
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
        lock = lock._replace(entries={address: entry for address, entry in lock.entries.items() if address not in gone})
        save_lock(project, lock)
    return removed, lock


def finish(planned: Planned, built: Built | None, describe: Callable[[Planned], tuple[str, str]]) -> None:
    """When everything is as the campaign says, remember what was seen, so that the next run need not look again.
    `describe` says what `build` and `plan` will print until something changes."""
    if not planned.whole or (built is not None and not built.summary.complete) or planned.plan.skipped:
        return
    if owed(planned):
        return  # else it would be forgotten: a build that remembers that nothing changed asks nobody
    lock = built.lock if built is not None else planned.facts.lock
    expansion, recalled = planned.loaded.expansion, planned.recalled
    if (built is None and not planned.locked) or (
        built is not None and len(planned.plan.steps) < len(expansion.actions)
    ):
        return  # what nothing needs may have become known with what was made: the next plan will tell
    addresses = {*planned.kept, *(step.address for step in planned.plan.steps)}
    entries = [lock.entries[address] for address in addresses if address in lock.entries]
    if len(entries) < len(addresses):
        return
    if any(entry.extra.get("checked") == "unverified" for entry in entries):
        return  # a reader may be installed by the next time
    others = [address for address in lock.entries if address not in addresses]
    outputs = {entry.output for entry in entries if entry.output}
    counted = Counter(entry.address.partition("[")[0] for entry in entries if not is_inner(entry.address))
    afterwards = replace(planned, plan=replace(planned.plan, steps=(), kept_by_asset=counted, hold=None))
    answer, table = describe(afterwards)
    stored = planned.store.digests()
    whole = all(entry.digest in stored for entry in entries) and not expansion.strings_in_paths
    whole = whole and len(others) == len(planned.plan.orphans)
    facts = _facts(planned)
    facts["orphan"] = [[address] for address in others]
    facts["choices"] = [[planned.choices.identity]]
    facts["approvals"] = [[planned.loaded.files.digest(os.path.basename(planned.project.approvals)) or ""]]
    facts["whole"] = [["yes" if whole and facts.pop("uneven", None) is None else "no"]]
    remember(
        planned.project,
        files=planned.loaded.files,
        before=recalled if planned.kept else None,
        settings=settings_of(planned.project.spec, planned.provider, os.environ),
        stamps=lambda: store_stamps(planned.store),
        facts=facts,
        outputs=outputs,
        answer=answer,
        table=table,
    )


def _facts(planned: Planned) -> dict[str, list[list[str]]]:
    """What a later planner needs to know to plan only what a change reaches."""
    loaded, expansion, recalled = planned.loaded, planned.loaded.expansion, planned.recalled
    campaign = loaded.campaign
    files = {name: set(paths) for name, paths in expansion.asset_files.items()}
    locales = {tag: set(paths) for tag, paths in loaded.string_files.items()}
    if planned.kept:  # what was not looked at this time depends on what it did before
        for asset, *paths in recalled.facts.get("asset", ()):
            files.setdefault(asset, set()).update(paths)
        for tag, *paths in recalled.facts.get("locale", ()):
            locales.setdefault(tag, set()).update(paths)
    if campaign.locale is not None:
        own = locales.get(campaign.locale.source, set())
        fallback = Missing.FALLBACK in {campaign.locale.policy.default, *campaign.locale.policy.by_glob.values()}
        for tag in locales:
            if fallback or tag in PSEUDO_LOCALES:
                locales[tag] |= own
    shared = {planned.project.spec_name, *(path for path in campaign.files if path.lower().endswith(TABLES))}
    for found in (*files.values(), *locales.values()):  # a template may include an axis file: that reaches further
        found.difference_update(shared)
    links = [
        [name, link.asset, "pinned" if link.pins or asset.sheet else "same"]  # pinned: any locale may change it
        for name, asset in campaign.assets.items()
        for link in asset.links
    ]
    links += [[name, name, "pinned"] for name, asset in campaign.assets.items() if "duplicates" in asset.checks]
    facts = {
        "asset": [[name, *sorted(paths)] for name, paths in files.items()],
        "locale": [[tag, *sorted(paths)] for tag, paths in locales.items()],
        "link": links,
        "note": [[note] for note in planned.plan.notes],
    }
    formats: dict[str, set[str]] = {}
    sources = {link[1] for link in links}
    for address, (_, form) in expansion.results.items():
        name = address.partition("[")[0]
        if name in sources and not is_inner(address):
            formats.setdefault(name, set()).add(form)
    facts["format"] = [[name, *found] for name, found in formats.items() if len(found) == 1]
    if any(len(found) > 1 for found in formats.values()):
        facts["uneven"] = [["yes"]]
    return facts


def store_stamps(store: LocalStore) -> dict[str, int]:
    """The times of the store's folders, and of the two they are in: a new one would show there."""
    found = {os.path.join(store.root, name): modified for name, modified in store.stamps()}
    for name in ("objects", "results", "journal"):
        found[os.path.join(store.root, name)] = stamp(os.path.join(store.root, name))[1]
    return found
