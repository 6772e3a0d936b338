"""What decisions change in a plan: which takes are not wanted, so that the next one is asked for, and which variant of
several is delivered. Knows nothing of how decisions are kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from imagebuild.core.address import MOST_VARIANTS, VARIANT
from imagebuild.core.approvals.history import History
from imagebuild.core.key import Digest, Key, digest_of, key_of
from imagebuild.core.key import canonical as canonical_bytes
from imagebuild.core.lock import Lock

__all__ = ["NO_CHOICES", "Choices", "Pick", "choices_of", "next_take"]

_MOST_WORDS: Final = 200


@dataclass(frozen=True, slots=True)
class Pick:
    """The variant of a picture that somebody chose, and the request that it was the answer to."""

    number: int
    key: Key


@dataclass(frozen=True, slots=True)
class Choices:
    """`unwanted`: the requests of which another take was asked for, with who asked and why; `picks`: by address."""

    unwanted: Mapping[Key, str] = field(default_factory=dict)
    picks: Mapping[str, Pick] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """The same for choices that lead to the same plan."""
        picks = {address: [pick.number, pick.key] for address, pick in self.picks.items()}
        return digest_of(canonical_bytes({"unwanted": sorted(self.unwanted), "picks": picks})) if self else ""

    def __bool__(self) -> bool:
        return bool(self.unwanted or self.picks)

    def without(self, addresses: Iterable[str]) -> Choices:
        """These, but for some addresses' picks."""
        gone = set(addresses)
        return Choices(self.unwanted, {address: pick for address, pick in self.picks.items() if address not in gone})


NO_CHOICES: Final = Choices()


def choices_of(history: History, lock: Lock) -> Choices:
    """What a history's decisions choose. A pick is of bytes that somebody looked at: it holds as long as they are a
    variant of that picture still."""
    unwanted: dict[Key, str] = {}
    picks: dict[str, Pick] = {}
    for decision in history.decisions:
        if decision.ref in history.undone or decision.key is None:
            continue
        if decision.decision == "retake":
            unwanted[decision.key] = f"{decision.by}: “{_line(decision.why)}”" if decision.why else decision.by
        elif decision.decision == "pick":
            number = _number_of(decision.asset, decision.key, decision.digest, lock)
            if number is not None:
                picks[decision.asset] = Pick(number, decision.key)
    return Choices(unwanted, picks)


def _line(text: str) -> str:
    """A reason within a sentence."""
    words = " ".join(text.split())
    return words if len(words) <= _MOST_WORDS else words[: _MOST_WORDS - 1] + "…"


def _number_of(address: str, key: Key, digest: Digest, lock: Lock) -> int | None:
    for number in range(1, MOST_VARIANTS + 1):
        entry = lock.entries.get(f"{address}{VARIANT}{number}")
        if entry is not None and (entry.key, entry.digest) == (key, digest):
            return number
    return None


def next_take(manifest: Mapping[str, object], unwanted: Mapping[Key, str]) -> tuple[Mapping[str, object], Key]:
    """A request, or the first of its further takes that nobody has turned down; with its key."""
    key = key_of(manifest)
    while key in unwanted:
        take = manifest.get("take", 1)
        assert isinstance(take, int)
        manifest = {**manifest, "take": take + 1}
        key = key_of(manifest)
    return manifest, key
