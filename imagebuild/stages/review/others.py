"""The other pictures that one can be compared with: the one that was approved, the one at the revision, its variants,
what it is made from, the takes before it, and what did not pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from imagebuild.core.address import base_of
from imagebuild.core.approvals.decision import Decision
from imagebuild.core.key import Digest
from imagebuild.stages.review.pictures import Pictures
from imagebuild.stages.review.records import Made, Records
from imagebuild.stages.review.view import View

__all__ = ["Gallery", "day", "last_approval"]

_MOST_TAKES: Final = 24
_MOST_APPROVED: Final = 4
_MOST_MASTERS: Final = 8  # a sheet is made from hundreds
_WIDTH: Final = 640


class _Other(NamedTuple):
    kind: str  # approved · since · take · variant · master · rejected
    label: str
    digest: Digest
    at: str | None


class Gallery:
    """The pictures of one view, as JSON."""

    def __init__(self, view: View, records: Records, pictures: Pictures) -> None:
        self._view = view
        self._records = records
        self._pictures = pictures

    def picture(self, digest: Digest | None) -> dict[str, Any] | None:
        """None when there are no bytes of it here, or they are no picture that a browser shows."""
        if digest is None:
            return None
        made = self._records.of_digest(digest)
        if made is not None and self._view.planned.store.has(digest):
            size, count, kind = made.size, made.bytes, made.media_type
        else:
            measured = self._pictures.measured(digest)
            if measured is None:
                return None
            size, count, kind = measured.size, measured.bytes, measured.media_type
        if not kind.startswith("image/"):
            return None
        return {
            "digest": digest, "url": f"picture/{digest}", "thumb": f"thumb/{digest}/{_WIDTH}.webp",
            "size": list(size), "bytes": count, "type": kind,
        }  # fmt: skip

    def others(self, address: str) -> list[dict[str, Any]]:
        """Each picture once, under the first name that fits it."""
        seen = {self._view.digest(address)}
        found: list[dict[str, Any]] = []
        counts: dict[str, int] = {}
        for each in self._candidates(address):
            if each.digest in seen:
                continue
            seen.add(each.digest)
            picture = self.picture(each.digest)
            if picture is None:
                continue
            counts[each.kind] = counts.get(each.kind, 0) + 1
            found.append(
                {
                    "id": f"{each.kind}-{counts[each.kind]}", "label": each.label, "kind": each.kind,
                    "picture": picture, "at": each.at, "prompt": self._records.prompt_of(each.digest),
                }
            )  # fmt: skip
        return found

    def _candidates(self, address: str) -> Iterator[_Other]:
        view = self._view
        approvals = standing_approvals(view, address)[::-1]
        for each in approvals[:_MOST_APPROVED]:
            yield _Other("approved", f"approved by {each.by} · {day(each.at)}", each.digest, each.at)
        since = view.since
        then = since.entries.get(address) if since is not None else None
        if since is not None and then is not None:
            yield _Other("since", f"{since.name} · {day(since.at)}", then.digest, since.at)
        locked = view.planned.facts.lock.entries.get(address)
        if locked is not None:  # of one that did not pass: what was delivered before it
            yield _Other("take", "the one delivered now", locked.digest, None)
        for number, variant in enumerate(view.variants(address), 1):
            digest = view.digest(variant)
            if digest is not None:
                yield _Other("variant", f"variant {number}", digest, None)
        masters = [each for each in reversed(view.paid[address]) if each not in view.variants(address)]
        for paid in masters[:_MOST_MASTERS]:
            digest = view.digest(paid)
            if digest is not None:
                own = base_of(paid) == address
                yield _Other("master", "as it was paid for" if own else f"made from {base_of(paid)}", digest, None)
        yield from self._earlier(address)

    def _earlier(self, address: str) -> Iterator[_Other]:
        """Everything that was made for the picture, or for what is paid of it, before."""
        own = dict.fromkeys((*self._view.family[address], *self._view.paid[address]))
        made = sorted(
            (each for name in own for each in self._records.of_address(name)),
            key=lambda each: (each.made_at, each.key), reverse=True,
        )  # fmt: skip
        for each in made[:_MOST_TAKES]:
            if each.rejected is not None:
                yield _Other("rejected", f"did not pass · {day(each.made_at)}", each.digest, each.made_at)
            elif not each.is_check:
                yield _Other("take", _named(each), each.digest, each.made_at)


def _named(made: Made) -> str:
    return f"take {made.take} · {day(made.made_at)}" if made.paid else f"drawn · {day(made.made_at)}"


def standing_approvals(view: View, address: str) -> list[Decision]:
    undone = view.history.undone
    decisions = view.history.by_asset.get(address, ())
    return [each for each in decisions if each.decision == "approve" and each.ref not in undone]


def last_approval(view: View, address: str) -> Decision | None:
    return next(reversed(standing_approvals(view, address)), None)


def day(at: str) -> str:
    """`2026-11-20T09:30:00Z` → `2026-11-20`."""
    return at[:10]
