"""Making one result: the request of a paid action, the drawing of a local one, and the record that is kept of either.

Runs in worker threads. What is drawn is drawn by `pool`'s workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from imagebuild.build.check import merged_report, parts_of
from imagebuild.build.lock_writer import Result, result_of
from imagebuild.core.action import Action
from imagebuild.core.attempt import Attempt
from imagebuild.core.key import Digest, Key, digest_of, key_of, short
from imagebuild.core.lock import Lock, LockEntry
from imagebuild.core.plan import PlanStep
from imagebuild.core.sizes import Size, parse_size, size_text
from imagebuild.errors import BuildError, PictureError
from imagebuild.picture.measure import measure
from imagebuild.picture.restore import mask_png
from imagebuild.providers.base import Attachment, Picture, Request
from imagebuild.store.base import Record, Store

__all__ = ["Do", "Kept", "Making"]


class Do(Protocol):
    """Has a worker do one of `tasks`, and waits for it. `label` is the asset that it is done for."""

    def __call__(self, name: str, arguments: Mapping[str, Any], *, label: str) -> Any: ...


class Kept(NamedTuple):
    """A picture that was paid for. With a `flaw`, it is in the store, and is nobody's result."""

    record: Record
    flaw: str | None


class Making:
    """`file_of` finds the reference pictures that a manifest names by digest, `sources_of` what a prompt was written
    from, `kept` the results of actions that are not in the plan, `locked` what the lock says of a key and digest,
    `differs` whether a size is another than the one that was asked for, `made_by` who has it all made; with
    `names_makers` results say who had them made."""

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
        differs: Callable[[Size, Size], bool] = lambda asked, real: asked != real,
        made_by: str | None = None,
        names_makers: bool = False,
    ) -> None:
        self._store = store
        self._file_of = file_of
        self._read_file = read_file
        self._sources_of = sources_of
        self.kept = kept
        self._locked = locked
        self._now = now
        self._clock = clock
        self._differs = differs
        self._names_makers = names_makers
        self.by: Mapping[str, str] = {"made_by": made_by} if made_by else {}

    def known(self, step: PlanStep, lock: Lock) -> Result:
        """The result of a step that has one: as the lock has it, else as the store does."""
        assert step.key is not None
        assert step.digest is not None
        entry = lock.entries.get(step.address)
        if entry is None or entry.key != step.key or entry.digest != step.digest:
            entry = self._locked(step.key, step.digest)
        if entry is not None:
            return self._with_maker(result_of(entry, step))
        record = self._store.record(step.key)
        if record is not None and record.digest == step.digest:
            return result_of(record)
        return Result(step.key, step.digest, step.size or "", len(self._store.get(step.digest)))

    def _with_maker(self, result: Result) -> Result:
        """With who had it made, as the store says where the lock does not: it is of before anybody asked."""
        if not self._names_makers or result.made_by is not None:
            return result
        record = self._store.record(result.key)
        made_by = record.extra.get("made_by") if record is not None and record.digest == result.digest else None
        return result._replace(made_by=made_by) if isinstance(made_by, str) else result

    def recorded(self, key: Key) -> Record | None:
        """The stored result of a key, if its bytes are there too."""
        record = self._store.record(key)
        return record if record is not None and record.is_result and self._store.has(record.digest) else None

    def request(self, address: str, manifest: Mapping[str, Any], key: Key, *, attach: bool = True) -> Request:
        """The request of a manifest. Without `attach` its pictures are left out: for reading a reply that is here."""
        size = parse_size(str(manifest["size"]))
        assert size is not None
        pictures = manifest.get("references", ()) if attach else ()
        return Request(
            key=key,
            operation=manifest["operation"],
            model=manifest["model"],
            prompt=manifest["prompt"],
            size=size,
            quality=manifest["quality"],
            format=manifest["format"],
            background=manifest.get("background", "auto"),
            references=tuple(self._attachment(Digest(each)) for each in pictures),
            mask=self._mask(manifest["mask"]) if attach and "mask" in manifest else None,
            take=manifest.get("take", 1),
            variant=manifest.get("variant", 1),
            label=address,
        )

    def _mask(self, mask: Any) -> Attachment:
        """A mask file, or one drawn from the box that may change: the box is in the key, not the bytes drawn of it."""
        if isinstance(mask, str):
            return self._attachment(Digest(mask))
        left, top, right, bottom = mask["box"]
        width, height = mask["of"]
        data = mask_png((width, height), (left, top, right, bottom), mask["feather"])
        return Attachment(data=data, media_type="image/png", name="mask.png", digest=digest_of(data))

    def _attachment(self, digest: Digest) -> Attachment:
        path = self._file_of.get(digest)
        data = self.read(digest)
        found = measure(data, source=path or short(digest))
        name = path or f"{short(digest)}.{found.format}"
        return Attachment(data=data, media_type=found.media_type, name=name, digest=digest)

    def read(self, digest: Digest) -> bytes:
        """The bytes a key speaks of, a picture's or a file's of the campaign: one that changed since it was read would
        be other work."""
        path = self._file_of.get(digest)
        if path is None:
            return self._store.get(digest)
        data = self._read_file(path)
        if digest_of(data) != digest:
            raise BuildError(f"`{path}` changed while the build was running", hint="build again")
        return data

    def file(self, digest: Digest) -> str | None:
        """The file of a picture in the store, where that has files; unchecked."""
        return None if digest in self._file_of else self._store.file(digest)

    def sources(self, address: str) -> Mapping[str, str]:
        """What the prompt of an asset was written from."""
        return self._sources_of(address)

    def keep(self, attempt: Attempt, picture: Picture, seconds: float) -> Kept:
        """Store what came, exactly as received; then see whether it is what was asked for. Only then does it count as
        the key's result."""
        digest = self._store.put(picture.data, durable=True)
        manifest = attempt.manifest
        cost = attempt.estimate if picture.cost is None else picture.cost
        record = Record(
            key=attempt.key, manifest=manifest, digest=digest, media_type=picture.media_type, size=(0, 0),
            bytes=len(picture.data), made_at=self._now(), seconds=round(seconds, 3), address=attempt.address, paid=True,
            model=manifest["model"], provider=attempt.provider, cost=cost, estimate=attempt.estimate,
            request_id=picture.request_id, answered=picture.answered, sources=attempt.sources,
            extra={**_remarks(attempt, picture.cost), **sent_by(attempt)},
        )  # fmt: skip
        try:
            found = measure(picture.data, source=f"the master of `{attempt.address}`")
        except PictureError as bad:
            return Kept(record, f"what `{attempt.provider}` sent is no picture: {bad.what}")
        record = replace(record, size=found.size, media_type=found.media_type)
        asked = parse_size(str(manifest["size"]))
        assert asked is not None
        if self._differs(asked, found.size) or found.format != manifest["format"]:
            said = f"{manifest['size']} {manifest['format']}"
            return Kept(record, f"`{attempt.provider}` sent {size_text(found.size)} {found.format} for {said}")
        self._store.put_record(record)
        return Kept(record, None)

    def accept(self, attempt: Attempt) -> Record:
        """Take a flawed picture, which is kept, for the key's result after all."""
        assert attempt.digest is not None
        data = self._store.get(attempt.digest)
        found = measure(data, source=f"the master of `{attempt.address}`")
        cost = attempt.estimate if attempt.billed is None else attempt.billed
        record = Record(
            key=attempt.key, manifest=attempt.manifest, digest=attempt.digest, media_type=found.media_type,
            size=found.size, bytes=len(data), made_at=attempt.at, seconds=0.0, address=attempt.address, paid=True,
            model=attempt.manifest["model"], provider=attempt.provider, cost=cost, estimate=attempt.estimate,
            request_id=attempt.request_id, sources=attempt.sources,
            extra={"flaw": attempt.words, **_remarks(attempt, attempt.billed), **sent_by(attempt)},
        )  # fmt: skip
        self._store.put_record(record)
        return record

    def check(self, action: Action, manifest: Mapping[str, Any], key: Key, do: Do) -> Record:
        """Have a picture looked at before it is delivered. The result is the picture itself, the very bytes; what was
        found is kept either way, and what was read by itself, so that nothing is looked at twice."""
        known = self._store.record(key)
        if known is not None and known.report is not None:
            return known
        parts = parts_of(manifest["checks"])
        if len(parts) == 1:
            return self._look(action, manifest, key, do)
        reports: list[Mapping[str, Any]] = []
        for part in parts:
            said = {**manifest, "checks": part}
            own = key_of(said)
            record = self._store.record(own) or self._look(action, said, own, do)
            reports.append(record.report or {})
        return self._found(action, manifest, key, merged_report(reports), self._clock())

    def _look(self, action: Action, manifest: Mapping[str, Any], key: Key, do: Do) -> Record:
        began = self._clock()
        report = do("check", {"input": manifest["input"], "checks": manifest["checks"]}, label=action.address)
        return self._found(action, manifest, key, report, began)

    def _found(
        self, action: Action, manifest: Mapping[str, Any], key: Key, report: Mapping[str, Any], began: float
    ) -> Record:
        """Keep what was found of a picture."""
        digest = Digest(manifest["input"])
        found = measure(self._store.get(digest), source=f"the picture of `{action.address}`")
        record = Record(
            key=key, manifest=manifest, digest=digest, media_type=found.media_type, size=found.size, bytes=found.bytes,
            made_at=self._now(), seconds=round(self._clock() - began, 3), address=action.address, paid=False,
            extra={"report": report},
        )  # fmt: skip
        self._store.put_record(record)
        return record

    def draw(self, action: Action, manifest: Mapping[str, Any], key: Key, do: Do) -> Record:
        """Do an action's local steps on its input, or rather have them done."""
        began = self._clock()
        source = f"the input of `{action.address}`"
        if manifest["steps"]:
            arguments = {"input": manifest["input"], "steps": manifest["steps"], "source": source}
            drawn = do("draw", arguments, label=action.address)
            data, media_type, size = drawn.data, drawn.media_type, drawn.size
        else:
            data = self._store.get(Digest(manifest["input"]))
            found = measure(data, source=source)
            media_type, size = found.media_type, found.size
        digest = self._store.put(data, durable=False)
        record = Record(
            key=key, manifest=manifest, digest=digest, media_type=media_type, size=size, bytes=len(data),
            made_at=self._now(), seconds=round(self._clock() - began, 3), address=action.address, paid=False,
            sources=self._sources_of(action.address), extra=self.by,
        )  # fmt: skip
        self._store.put_record(record)
        return record


def sent_by(attempt: Attempt) -> dict[str, Any]:
    """Who had it made: whoever asked for it, not whoever takes in what came."""
    return {name: value for name, value in attempt.extra.items() if name == "made_by"}


def _remarks(attempt: Attempt, billed: Decimal | None) -> dict[str, bool]:
    """`estimated`: what it cost is not the service's own word."""
    found = {"floating": attempt.floating, "estimated": billed is None}
    return {name: True for name, is_so in found.items() if is_so}
