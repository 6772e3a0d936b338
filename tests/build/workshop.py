"""A small place to build in: real store, real pictures, real files; provider, time and prices are the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import io
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from PIL import Image

from imagebuild.build.make import Making
from imagebuild.build.report import Event, Summary
from imagebuild.build.run import Service, Stop, run_plan
from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt, total_counted
from imagebuild.core.key import Digest, Key, digest_of
from imagebuild.core.lock import Lock
from imagebuild.core.offer import Offer, Price
from imagebuild.core.plan import USUAL, Known, Plan, Policy, Spent
from imagebuild.core.planner import make_plan
from imagebuild.core.sizes import SizeRules
from imagebuild.core.spec import Budget
from imagebuild.providers.base import Flow, Limits, Picture, Request, Work
from imagebuild.store.base import Journal, Store
from imagebuild.store.journal import LocalJournal
from imagebuild.store.local import LocalStore
from imagebuild.workspace.outputs import Outputs

SIZE = (64, 64)


def generate(name: str, prompt: str = "", *, output: bool = True, references: Iterable[str] = ()) -> Action:
    """A paid action. `references`: digests of files."""
    manifest: dict[str, object] = {
        "schema": 1, "operation": "generate", "model": "m", "prompt": prompt or name, "size": "64x64", "quality": "low",
        "format": "png",
    }  # fmt: skip
    if references:
        manifest["references"] = list(references)
    return Action(name, name, "generate", (), manifest, (), f"out/{name}.png" if output else None, SIZE, None)


def change(name: str, source: str, prompt: str = "snow") -> Action:
    """A paid edit of another action's picture."""
    own = generate(name, prompt)
    manifest = {**own.manifest, "operation": "edit", "references": [None]}
    return own._replace(kind="edit", manifest=manifest, inputs=(("references[0]", source),))


def cut(name: str, source: str, side: int = 16) -> Action:
    """A local action: a smaller picture of another action's."""
    steps = [{"fit": {"cover": [side, side], "anchor": "center"}}, {"encode": {"format": "png"}}]
    manifest: dict[str, object] = {"schema": 1, "operation": "local", "input": None, "steps": steps}
    return Action(name, name, "local", (), manifest, (("input", source),), f"out/{name}.png", (side, side), None)


def paint(request: Request) -> bytes:
    """A flat picture whose colour is the request's prompt."""
    color = tuple(hashlib.sha256(request.prompt.encode()).digest()[:3])
    buffer = io.BytesIO()
    Image.new("RGB", request.size, color).save(buffer, "PNG")
    return buffer.getvalue()


class Painter:
    """A provider that notes what it is asked, and how many requests are under way at once."""

    name = "proof"

    def __init__(
        self,
        draw: Callable[[Request], bytes] = paint,
        *,
        concurrency: int = 8,
        cost: Callable[[Request], Decimal] = lambda request: Decimal(0),
    ) -> None:
        self.limits = Limits(concurrency=concurrency)
        self.asked: list[str] = []
        self.under_way = 0
        self.most = 0
        self._draw = draw
        self._cost = cost

    def flow(self, request: Request, task: Mapping[str, object] | None = None) -> Flow:
        self.asked.append(request.label)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            data = yield Work(lambda: self._draw(request))
        finally:
            self.under_way -= 1
        return Picture(data=data, media_type="image/png", cost=self._cost(request))


class Clock:
    """Time that passes only when it is looked at."""

    def __init__(self, step: float = 0.0) -> None:
        self.now = 0.0
        self.step = step
        self._guard = threading.Lock()

    def __call__(self) -> float:
        with self._guard:
            self.now += self.step
            return self.now


class Folder:
    """Delivers into a folder; keeps nothing aside."""

    def __init__(self, root: Path, store: Store) -> None:
        self.outputs = Outputs(str(root))
        self.store = store

    def put(self, digest: Digest, path: str) -> str | None:
        self.outputs.deliver(self.store.get(digest), path, digest)
        return None

    def take_in(self, digest: Digest, path: str | None) -> None:
        assert path is not None
        self.store.put(self.outputs.read(path), durable=True)


class Facts:
    def __init__(self, root: Path, lock: Lock, store: Store, journal: Journal) -> None:
        self.root = root
        self.lock = lock
        self.store = store
        self.journal = journal

    def result(self, key: Key) -> Known | None:
        record = self.store.record(key)
        return record and Known(record.digest, "64x64", record.bytes, record.cost, record.model, record.provider)

    def has(self, digest: Digest) -> bool:
        return self.store.has(digest)

    def attempt(self, key: Key) -> Attempt | None:
        return self.journal.attempt(key)

    def spent(self, campaign: str) -> Spent:
        payments = list(self.journal.payments())
        return Spent(total_counted(payments, campaign=campaign), total_counted(payments))

    def output(self, path: str) -> Digest | None:
        file = self.root / path
        return digest_of(file.read_bytes()) if file.is_file() else None


class Workshop:
    """Plans and builds; keeps the lock from one build to the next, and the events of the last."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.store: Store = LocalStore(str(root / ".imagebuild" / "store"))
        self.journal: Journal = LocalJournal(str(root / ".imagebuild" / "store"))
        self.lock = Lock("test")
        self.saved: list[Lock] = []
        self.events: list[Event] = []

    def plan(
        self,
        actions: Iterable[Action],
        *,
        prices: Mapping[str, Decimal] | None = None,
        budget: Budget | None = None,
        provider: str = "proof",
        policy: Policy = USUAL,
        price: str = "0",
    ) -> Plan:
        by_address = {action.address: action for action in actions}
        offer = Offer(
            provider, "m", False, "m", SizeRules(), ("low",), (), ("png",), 4, 9999, Price(Decimal(price)), "2026",
            batch=Decimal("0.5"),
        )  # fmt: skip
        facts = Facts(self.root, self.lock, self.store, self.journal)
        plan = make_plan(by_address, facts, offer, campaign="test", budget=budget or Budget(), policy=policy)
        known = prices or {}
        return replace(plan, steps=[step._replace(price=known.get(step.address, step.price)) for step in plan.steps])

    def build(self, actions: Iterable[Action], provider: Painter | None, **more) -> Summary:
        return asyncio.run(self.building(actions, provider, **more))

    async def building(
        self,
        actions: Iterable[Action],
        provider: Painter | None,
        *,
        prices: Mapping[str, Decimal] | None = None,
        budget: Budget | None = None,
        files: Mapping[str, str] | None = None,
        listener: Callable[[Event], None] | None = None,
        delivery: object = None,
        save_lock: Callable[[Lock], None] | None = None,
        stop: Stop | None = None,
        clock: Callable[[], float] | None = None,
        jobs: int = 4,
        service: Service | None = None,
        policy: Policy = USUAL,
        price: str = "0",
        spent: Decimal = Decimal(0),
    ) -> Summary:
        actions = list(actions)
        clock = clock or Clock()
        self.events = []
        making = Making(
            self.store,
            file_of=files or {},
            read_file=lambda path: Path(path).read_bytes(),
            sources_of=lambda address: {},
            kept=lambda address: self.lock.entries[address].digest,
            locked=lambda key, digest: None,
            now=lambda: "2026-11-21T10:00:00Z",
            clock=clock,
        )

        def tell(event: Event) -> None:
            self.events.append(event)
            if listener is not None:
                listener(event)

        def save(lock: Lock) -> None:
            if save_lock is not None:
                save_lock(lock)
            self.saved.append(lock)
            self.lock = lock

        plan = self.plan(
            actions, prices=prices, budget=budget, policy=policy, price=price,
            provider=service.provider.name if service is not None else "proof",
        )  # fmt: skip
        if service is not None and service.terms is not None:  # what a person agrees to is what the plan has shown
            agreed = frozenset(attempt.id for attempt in plan.attempts.values())
            service = replace(service, terms=replace(service.terms, agreed=agreed))
        summary, self.lock = await run_plan(
            plan,
            {action.address: action for action in actions},
            lock=self.lock,
            store=self.store,
            service=service or (Service(provider=provider) if provider is not None else None),
            making=making,
            delivery=delivery or Folder(self.root, self.store),
            save_lock=save,
            listener=tell,
            stop=stop or Stop(),
            clock=clock,
            jobs=jobs,
            spent=spent,
        )
        return summary

    def ends(self) -> dict[str, str]:
        """How every step of the last build ended."""
        return {event.step.address: event.kind for event in self.events if event.kind != "start"}

    def out(self, name: str) -> bytes:
        return (self.root / "out" / f"{name}.png").read_bytes()
