"""Making one result: the request of a paid action, the drawing of a local one, and the record that is kept of either.

Runs in worker threads. Masters that several deliverables are cut from are decoded once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from imagebuild.build.ledger import Result, result_of
from imagebuild.core.expand import Action
from imagebuild.core.key import Digest, Key, digest_of, short
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.plan import PlanStep
from imagebuild.core.sizes import parse_size, size_text
from imagebuild.errors import BuildError, ProviderError
from imagebuild.picture.measure import measure
from imagebuild.picture.steps import decode, draw_steps
from imagebuild.providers.base import Attachment, Picture, Request
from imagebuild.store.base import Record, Store

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Making"]

MOST_DECODED = 3


class Making:
    """`file_of` finds the reference pictures that a manifest names by digest, `sources_of` what a prompt was written
    from, `kept` the results of actions that are not in the plan, `locked` what the lock says of a key and digest."""

    def __init__(
        self,
        store: Store,
        *,
        file_of: Mapping[str, str],
        read_file: Callable[[str], bytes],
        sources_of: Callable[[str], Mapping[str, str]],
        kept: Callable[[str], Digest],
        locked: Callable[[Key, Digest], LockEntry | None],
        now: Callable[[], str],
        clock: Callable[[], float],
        provider: str,
    ) -> None:
        self._store = store
        self._file_of = file_of
        self._read_file = read_file
        self._sources_of = sources_of
        self.kept = kept
        self._locked = locked
        self._now = now
        self._clock = clock
        self._provider = provider
        self._decoded: OrderedDict[Digest, Image.Image] = OrderedDict()
        self._decoding: dict[Digest, threading.Lock] = {}
        self._guard = threading.Lock()

    def known(self, step: PlanStep, lock: Lock) -> Result:
        """The result of a step that has one: as the lock has it, else as the store does."""
        assert step.key is not None
        assert step.digest is not None
        entry = lock.entries.get(step.address)
        if entry is None or entry.key != step.key or entry.digest != step.digest:
            entry = self._locked(step.key, step.digest)
        if entry is not None:
            return result_of(entry, step)
        record = self._store.record(step.key)
        if record is not None and record.digest == step.digest:
            return result_of(record)
        return Result(step.key, step.digest, step.size or "", len(self._store.get(step.digest)))

    def recorded(self, key: Key) -> Record | None:
        """The stored result of a key, if its bytes are there too."""
        record = self._store.record(key)
        return record if record is not None and self._store.has(record.digest) else None

    def request(self, action: Action, manifest: Mapping[str, Any], key: Key) -> Request:
        size = parse_size(str(manifest["size"]))
        assert size is not None
        return Request(
            key=key,
            operation=manifest["operation"],
            model=manifest["model"],
            prompt=manifest["prompt"],
            size=size,
            quality=manifest["quality"],
            format=manifest["format"],
            background=manifest.get("background", "auto"),
            references=tuple(self._attachment(Digest(each)) for each in manifest.get("references", ())),
            mask=self._attachment(Digest(manifest["mask"])) if "mask" in manifest else None,
            take=manifest.get("take", 1),
            label=action.address,
        )

    def _attachment(self, digest: Digest) -> Attachment:
        """The bytes the key speaks of: a file that changed since it was read would be another request."""
        path = self._file_of.get(digest)
        data = self._store.get(digest) if path is None else self._read_file(path)
        if path is not None and digest_of(data) != digest:
            raise BuildError(f"`{path}` changed while the build was running", hint="build again")
        found = measure(data, source=path or short(digest))
        return Attachment(data=data, media_type=found.media_type, name=path or f"{short(digest)}.{found.format}")

    def keep(
        self, action: Action, manifest: Mapping[str, Any], key: Key, picture: Picture, estimate: Decimal, seconds: float
    ) -> Record:
        """Store what was paid for, exactly as received; then see whether it is what was asked for."""
        digest = self._store.put(picture.data, durable=True)
        found = measure(picture.data, source=f"the master of `{action.address}`")
        if size_text(found.size) != manifest["size"] or found.format != manifest["format"]:
            asked = f"{manifest['size']} {manifest['format']}"
            raise ProviderError(
                f"`{self._provider}` sent {size_text(found.size)} {found.format} for {asked}",
                hint=f"the picture is kept in the store as {short(digest)}; it is not delivered",
            )  # fmt: skip
        record = Record(
            key=key, manifest=manifest, digest=digest, media_type=picture.media_type, size=found.size,
            bytes=len(picture.data), made_at=self._now(), seconds=round(seconds, 3), address=action.address, paid=True,
            model=manifest["model"], provider=self._provider, cost=picture.cost, estimate=estimate,
            request_id=picture.request_id, answered=picture.answered, sources=self._sources_of(action.address),
        )  # fmt: skip
        self._store.put_record(record)
        return record

    def draw(self, action: Action, manifest: Mapping[str, Any], key: Key) -> Record:
        """Do an action's local steps on its input."""
        began = self._clock()
        source = Digest(manifest["input"])
        if manifest["steps"]:
            image = self._image(source, action.address)
            steps = [next(iter(step.items())) for step in manifest["steps"]]
            drawn = draw_steps(image, steps)
            data, media_type, size = drawn.data, drawn.media_type, drawn.size
        else:
            data = self._store.get(source)
            found = measure(data, source=f"the input of `{action.address}`")
            media_type, size = found.media_type, found.size
        digest = self._store.put(data, durable=False)
        record = Record(
            key=key, manifest=manifest, digest=digest, media_type=media_type, size=size, bytes=len(data),
            made_at=self._now(), seconds=round(self._clock() - began, 3), address=action.address, paid=False,
        )  # fmt: skip
        self._store.put_record(record)
        return record

    def _image(self, digest: Digest, address: str) -> Image.Image:
        """The decoded master; the last few are kept, and two workers never decode the same one."""
        with self._guard:
            if digest in self._decoded:
                self._decoded.move_to_end(digest)
                return self._decoded[digest]
            turn = self._decoding.setdefault(digest, threading.Lock())
        with turn:
            with self._guard:
                if digest in self._decoded:
                    return self._decoded[digest]
            image = decode(self._store.get(digest), source=f"the input of `{address}`")
            with self._guard:
                self._decoded[digest] = image
                while len(self._decoded) > MOST_DECODED:
                    self._decoded.popitem(last=False)
                self._decoding.pop(digest, None)
            return image
