"""Actions and facts → plan: one verdict an action, with its reason and its price. A dry run prints it, a build runs it.

Two passes, until nothing changes: forward, from inputs to results (which keys are known, and do they have a result?);
backward, from what must be delivered to what that needs (whose bytes are wanted, and are they at hand?). A picture
that must be paid for again has an unknown digest, so that everything made from it is made again with it; what is drawn
again from the same input comes out as it was, so that nothing else is.
Asks its questions through `Facts`; reads nothing, spends nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from imagebuild.core.action import Action, is_soft
from imagebuild.core.address import base_of
from imagebuild.core.attempt import Attempt
from imagebuild.core.choices import next_take
from imagebuild.core.key import Digest, Key, digest_of, key_of
from imagebuild.core.key import canonical as canonical_bytes
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.offer import Offer
from imagebuild.core.plan import (
    USUAL,
    Facts,
    Plan,
    PlanStep,
    Policy,
    Spent,
    complete,
    price_of,
    tools_of,
    unknown_price,
)
from imagebuild.core.ruling import Ruling, ruling_on
from imagebuild.core.settled import spent_in, tools_in
from imagebuild.core.spec import Budget
from imagebuild.core.whereabouts import Whereabouts
from imagebuild.errors import ProviderError

__all__ = ["make_plan"]

NOTHING: Mapping[Key, str] = {}


class _Outcome(NamedTuple):
    """What is known of an action's result before deciding what to do. `why` when it has to be made; the digest may be
    known all the same, of what is drawn again."""

    identity: str
    key: Key | None
    digest: Digest | None
    why: str


def make_plan(
    actions: Mapping[str, Action],
    facts: Facts,
    offer: Offer,
    *,
    campaign: str,
    budget: Budget,
    selected: set[str] | None = None,
    kept: Collection[str] = (),
    kept_by_asset: Mapping[str, int] | None = None,
    skipped: Sequence[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    policy: Policy = USUAL,
    count_spent: bool = False,
    unwanted: Mapping[Key, str] = NOTHING,
) -> Plan:
    """The plan for all actions, or for those selected and what they need. `kept` are the addresses of
    further actions that a memory vouches for: their results are as locked, in the store and in place.
    What was spent is counted when something is to be paid, and otherwise with `count_spent`. `unwanted` are requests of
    which another take is asked for: `Plan.takes` says which that changed."""
    if policy.batch and offer.batch is None:
        hint = offer.able(lambda other: other.batch is not None)
        raise ProviderError(f"`{offer.provider}` has no batches", hint=hint or "leave out `--batch`")
    planner = _Planner(actions, facts, offer, selected, kept, policy, unwanted)
    steps = planner.run()
    locked = spent_in(facts.lock.entries)
    counted = count_spent or planner.attempts or any(step.price for step in steps)
    spent = facts.spent(campaign) if counted else Spent(locked, Decimal(0))
    orphans = [] if selected is not None else _orphans(facts.lock, actions, kept, skipped)
    return Plan(
        campaign=campaign, provider=offer.provider, model=offer.model, floating=offer.floating,
        prices_of=offer.catalog_date,
        steps=steps, kept_by_asset=kept_by_asset or {}, orphans=orphans, skipped=tuple(skipped),
        notes=tuple(notes), budget=budget, spent=spent.campaign, spent_month=spent.month,
        hold=_hold(steps, facts.lock, locked), policy=policy, attempts=planner.attempts, takes=planner.takes,
    )  # fmt: skip


def _orphans(
    lock: Lock, actions: Mapping[str, Action], kept: Collection[str], skipped: Iterable[tuple[str, str]]
) -> list[LockEntry]:
    away = {address for address, _ in skipped}
    gone = [address for address in lock.entries if address not in kept and address not in actions]
    return [lock.entries[address] for address in sorted(gone) if address not in away]


HOLD_SHARE = Decimal("0.5")
HOLD_LEAST = Decimal(1)


def _hold(steps: Iterable[PlanStep], lock: Lock, paid: Decimal) -> str | None:
    """Why the build should ask first: it would pay again for most of what is paid for already."""
    again: dict[Key, Decimal] = {}
    for step in steps if paid else ():
        again_paid = step.verdict == "make" and step.paid and step.why != "flawed-accepted"
        entry = lock.entries.get(step.address) if again_paid else None
        if entry is not None and entry.cost:
            again[entry.key] = entry.cost
    lost = sum(again.values(), Decimal(0))
    if paid and lost >= HOLD_LEAST and lost > paid * HOLD_SHARE:
        return (
            f"this would pay again for {len(again)} pictures that cost {lost} USD, of {paid} USD paid for in this lock"
        )
    return None


class _Planner:
    def __init__(
        self,
        actions: Mapping[str, Action],
        facts: Facts,
        offer: Offer,
        selected: set[str] | None,
        kept: Collection[str],
        policy: Policy,
        unwanted: Mapping[Key, str],
    ) -> None:
        self.actions = actions
        self.facts = facts
        self.offer = offer
        self.selected = selected
        self.kept = kept
        self.policy = policy
        self.unwanted = unwanted
        self.takes: dict[str, int] = {}  # address → the take that is asked for in place of an unwanted one
        self.attempts: dict[Key, Attempt] = {}  # the open ones of what would be paid for
        self.outcomes: dict[str, _Outcome] = {}
        self.lost: set[tuple[str, Digest]] = set()  # results that are known, wanted, and nowhere
        self.needed: set[str] = set()  # delivered, or an input of something made
        self.making: set[str] = set()
        self._there = Whereabouts(facts)
        self._tools: list[dict[str, str]] | None = None

    def run(self) -> list[PlanStep]:
        while True:
            self._forward()
            before = len(self.lost)
            self._backward()
            if len(self.lost) == before:
                return self._steps()

    # ---------------------------------------------------------------- forward: what is known

    def _forward(self) -> None:
        outcomes = self.outcomes = {}
        self.takes = {}
        for address, action in self.actions.items():
            digests: dict[str, Digest] = {}
            pending: dict[str, Digest] = {}
            for slot, source in action.inputs:
                outcome = outcomes.get(source)
                if outcome is None and is_soft(slot) and source not in self.facts.lock.entries:
                    continue
                if outcome is not None and is_soft(slot) and self._is_stuck(source, outcome):
                    continue
                if outcome is None:
                    digests[slot] = self.facts.lock.entries[source].digest
                elif outcome.digest is not None:
                    digests[slot] = outcome.digest
                else:
                    pending[slot] = Digest("pending:" + outcome.identity)
            if pending:
                identity = "pending:" + digest_of(canonical_bytes(complete(action, {**digests, **pending})))
                outcomes[address] = _Outcome(identity, None, None, "input-made")
                continue
            manifest = complete(action, digests) if digests else action.manifest
            key = key_of(manifest)
            if key in self.unwanted and action.paid:
                manifest, key = next_take(manifest, self.unwanted)
                self.takes[address] = int(str(manifest["take"]))
            outcomes[address] = self._known(address, action, key, manifest)

    def _known(self, address: str, action: Action, key: Key, manifest: Mapping[str, object]) -> _Outcome:
        """The result of a key: the one that is locked; once its bytes turn out to be wanted and nowhere, another."""
        lock = self.facts.lock
        entry = lock.entries.get(address)
        locked = entry is not None and entry.key == key and address not in lock.alternatives
        if locked and entry is not None and (address, entry.digest) not in self.lost:
            return _Outcome(key, key, entry.digest, "")
        in_lock, in_store = self._candidates(address, key)
        if not action.manifest.get("steps", True):  # a local action without steps: the very bytes it is made from
            in_lock, in_store = [Digest(str(manifest["input"]))], []
        for digests in (in_lock, in_store):  # what others were made from first: its bytes may not be wanted at all
            left = [digest for digest in digests if (address, digest) not in self.lost]
            if left:
                best = next((digest for digest in left if self._there.at_hand(action, digest)), left[0])
                return _Outcome(key, key, best, "")
        if in_lock or in_store:
            return _Outcome(key, key, None if action.paid else (in_lock or in_store)[0], "bytes-lost")
        if action.kind == "check" and self._is_rejected(key):
            return _Outcome(key, key, None, "rejected")
        if "tools" in manifest:
            redrawn = self._other_tools(address, manifest)
            if redrawn is not None:
                return redrawn
        if address in self.takes:
            return _Outcome(key, key, None, "another-take")
        return _Outcome(key, key, None, "changed" if entry is not None else "new")

    def _candidates(self, address: str, key: Key) -> tuple[list[Digest], list[Digest]]:
        """The digests that are a result of this key: as locked, for this address and for others; and as stored."""
        lock = self.facts.lock
        own = lock.alternatives.get(address) or ((lock.entries[address],) if address in lock.entries else ())
        found = [entry.digest for entry in own if entry.key == key]
        found.extend(self._there.digests_of(key))
        known = self.facts.result(key)
        return found, [known.digest] if known is not None and known.rejected is None else []

    def _other_tools(self, address: str, manifest: Mapping[str, object]) -> _Outcome | None:
        """A result that only newer libraries would draw anew is kept when its input is gone: nobody pays for that."""
        if self._tools is None:
            self._tools = [tools_of(text) for text in tools_in(self.facts.lock.entries)]
        key, sources = key_of(manifest), _drawn_from(manifest)
        for tools in self._tools:
            before = key_of({**manifest, "tools": tools})
            digests = self._there.digests_of(before) if before != key else ()
            left = [digest for digest in digests if (address, digest) not in self.lost]
            if left and manifest["operation"] == "check":
                if self._sees_more(address, tools, manifest["tools"]):
                    continue
                return _Outcome(before, before, left[0], "")  # what has passed is not looked at anew by another reader
            if digests and not left:
                return _Outcome(key, key, None, "bytes-lost")
            if left and all(self.facts.has(each) or self._there.file_with(each) for each in sources):
                return _Outcome(key, key, None, "redrawn")
            if left:
                return _Outcome(before, before, left[0], "")
        return None

    def _sees_more(self, address: str, before: Mapping[str, str], now: object) -> bool:
        """Whether what nobody could tell of a picture may be told now: there is a reader that there was not."""
        entry = self.facts.lock.entries.get(address)
        unverified = entry is not None and entry.extra.get("checked") == "unverified"
        return unverified and isinstance(now, Mapping) and bool(set(now) - set(before))

    def _is_rejected(self, key: Key) -> bool:
        """Whether it is known that a picture does not pass, and the picture is there to be looked at."""
        known = self.facts.result(key)
        return known is not None and known.rejected is not None and self.facts.has(known.digest)

    def _is_stuck(self, source: str, outcome: _Outcome) -> bool:
        """Whether an input will not come about in a build as things are: its request was refused, or is uncertain."""
        if outcome.key is None or not self.actions[source].paid:
            return False
        attempt = self.facts.attempt(outcome.key)
        return attempt is not None and attempt.state in ("refused", "uncertain", "lost", "flawed")

    # ---------------------------------------------------------------- backward: what is needed

    def _backward(self) -> None:
        needed: set[str] = set()
        making: set[str] = set()
        wanted: set[str] = set()  # bytes wanted by something that is made
        for address in reversed(list(self.actions)):
            action, outcome = self.actions[address], self.outcomes[address]
            target = self._is_target(action)
            if not target and address not in wanted:
                continue
            needed.add(address)
            if outcome.digest is None or outcome.why:
                making.add(address)
                if outcome.why != "rejected":  # how that ended is known
                    wanted.update(source for slot, source in action.inputs if self._is_worth(slot, source))
                continue
            in_place = action.output is None or (target and self.facts.output(action.output) == outcome.digest)
            if in_place and address not in wanted:
                continue
            if not self._there.at_hand(action, outcome.digest):
                self.lost.add((address, outcome.digest))
        self.needed, self.making = needed, making

    def _is_worth(self, slot: str, source: str) -> bool:
        """Whether an input is to be had for an action: what is only compared with is not made for that."""
        known = self.outcomes.get(source)
        return not is_soft(slot) or (known is not None and known.digest is not None)

    def _is_target(self, action: Action) -> bool:
        """Whether it is asked for in its own right."""
        if self.selected is None:
            return action.output is not None
        is_variant = action.output is not None and base_of(action.address) in self.selected
        return action.address in self.selected or is_variant

    # ---------------------------------------------------------------- verdicts

    def _steps(self) -> list[PlanStep]:
        steps: list[PlanStep] = []
        owners: dict[str, str] = {}
        stopped: dict[str, str] = {}  # address → why nothing can be made from it now
        for address, action in self.actions.items():
            outcome = self.outcomes[address]
            if address not in self.needed:
                if self.selected is None and outcome.digest is not None and not outcome.why:
                    steps.append(self._step(action, outcome, "reuse", ""))
                continue
            if address in self.making:
                owner = owners.setdefault(outcome.identity, address)
                ruling = self._ruling(action, outcome, stopped)
                merged = owner if owner != address and action.kind != "check" else None  # each is told by itself
                price = Decimal(0) if merged or ruling.free else self._price(action)
                steps.append(self._step(action, outcome, ruling.verdict, ruling.why, price, merged))
                continue
            steps.append(self._delivered(action, outcome))
        return steps

    def _ruling(self, action: Action, outcome: _Outcome, stopped: dict[str, str]) -> Ruling:
        """What becomes of an action that has to be made: equal ones alike, for their keys and inputs are equal."""
        for slot, source in action.inputs:
            if source in stopped and not is_soft(slot):
                stopped[action.address] = stopped[source]
                return Ruling("blocked", stopped[source])
        if outcome.why == "rejected":
            return Ruling("rejected", "rejected", free=True)
        usual = Ruling("make", outcome.why, free=not action.paid)
        attempt = self.facts.attempt(outcome.key) if action.paid and outcome.key is not None else None
        if attempt is None:
            return usual
        self.attempts[attempt.key] = attempt
        ruling = ruling_on(attempt, provider=self.offer.provider, policy=self.policy) or usual
        if ruling.stops:
            stopped[action.address] = ruling.stops
        return ruling

    def _delivered(self, action: Action, outcome: _Outcome) -> PlanStep:
        """The verdict on an action whose result is known and at hand."""
        digest = outcome.digest
        assert digest is not None
        stored = self.facts.has(digest)
        if action.output is None:  # not at hand: its bytes are not wanted either
            adopted = not stored and self._there.at_hand(action, digest)
            return self._step(action, outcome, "adopt" if adopted else "reuse", "store-lost" if adopted else "")
        there = self.facts.output(action.output)
        if there == digest:
            return self._step(action, outcome, "reuse" if stored else "adopt", "" if stored else "store-lost")
        if there is None:
            entry = self.facts.lock.entries.get(action.address)
            moved = entry is None or entry.output != action.output
            return self._step(action, outcome, "restore", "new-path" if moved else "file-missing")
        delivered = self._there.locked_at(action.output)
        if there in delivered:
            return self._step(action, outcome, "restore", "made-before")
        return self._step(action, outcome, "restore", "file-edited" if delivered else "file-foreign")

    def _price(self, action: Action) -> Decimal:
        price = price_of(action, self.offer, batch=self.policy.batch)
        if price is None:
            what, hint = unknown_price(action, self.offer) or ("", "")
            raise ProviderError(what, hint=hint)
        return price

    @staticmethod
    def _step(
        action: Action,
        outcome: _Outcome,
        verdict: str,
        why: str,
        price: Decimal = Decimal(0),
        merged: str | None = None,
    ) -> PlanStep:
        size = f"{action.size[0]}x{action.size[1]}" if action.size else None
        return PlanStep(
            action.address, action.asset, action.kind, action.cell, verdict, why, outcome.identity, outcome.key,
            outcome.digest, action.output, size, price, merged,
        )  # fmt: skip


def _drawn_from(manifest: Mapping[str, object]) -> list[Digest]:
    """The pictures that a local action works on: its input, or all of a sheet's."""
    if manifest["input"] is not None:
        return [Digest(str(manifest["input"]))]
    steps = manifest.get("steps")
    first = steps[0].get("sheet") if isinstance(steps, list) and steps else None
    return [Digest(str(cell["picture"])) for cell in first["cells"]] if first else []
