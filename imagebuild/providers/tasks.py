"""A service of tasks: a paid POST starts one, free questions follow until it is done, its picture lies at an address.

What differs between such services is data (`TaskShape`). The task's name is noted before the first question, so that it
is never started twice. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from typing import Any, Final

from imagebuild.core.offer import Price
from imagebuild.providers.answer import Found, money
from imagebuild.providers.base import (
    Ask,
    Attachment,
    Flow,
    Limits,
    Lost,
    Note,
    NotKnown,
    Refused,
    Request,
    ServiceFailure,
    StillRunning,
    Unknown,
    Wish,
    ask,
)
from imagebuild.providers.failures import Health, unwell
from imagebuild.providers.fetch import note_of, noted_link, picture_of
from imagebuild.providers.task_answer import Done, TaskAnswers, task_name
from imagebuild.providers.task_shape import TaskShape, filled, filled_path
from imagebuild.providers.task_watch import until_done
from imagebuild.providers.wording import FrameOf, check_sayable, frame_for

__all__ = ["TaskService"]

FORMATS: Final = ("png", "jpeg", "webp")  # where none can be asked for, the plan knows what will come
FIRST_POLL: Final = 30.0
LAST_CALL: Final = 240.0
NO_TASK: Final = "imagebuild-doctor"


@dataclass(frozen=True, slots=True)
class TaskService:
    """`callback` gives, for a request's key, the secret that wakes the flow and the address for the service to call;
    `reference_url` the public address of a reference picture."""

    name: str
    model_id: str
    shape: TaskShape
    _: KW_ONLY
    base_url: str
    limits: Limits
    price: Price
    frame_of: FrameOf
    callback: Callable[[str], tuple[str, str]] | None = None
    reference_url: Callable[[Attachment], str] | None = None

    def flow(self, request: Request, task: Mapping[str, Any] | None = None) -> Flow:
        price = self._price(request)
        if task is not None:
            return (yield from self._taken_up(task, price))
        secret, call = self.callback(request.key) if self.callback is not None else (None, "")
        values = self._values(request, call)
        path = filled_path(self.shape.create, {name: str(value) for name, value in values.items()})
        order = filled(self.shape.body, values)
        reply = yield from ask(Ask(method="POST", url=self._url(path), json=order, paid=True))
        started = self._answers.started(reply)
        yield Note({"task": started})
        first = self.shape.first_poll.get(values["tier"], FIRST_POLL)
        if secret is not None:
            first = self.shape.last_call.get(values["tier"], LAST_CALL)
        done = yield from self._watched(started, first, secret, price)
        return (yield from self._delivered(started, done, price))

    def check(self) -> Generator[Wish, Any, Health]:
        """Whether the key is accepted: asks for a task that cannot exist."""
        reply = yield from ask(Ask(method="GET", url=self._poll_url(NO_TASK), patience=0.0))
        status = self._answers.status_of(reply)
        if not (200 <= status < 300 or status in (400, 404, 422)):
            return unwell(self._answers.failure_of(reply))
        if not reply.body.lstrip().startswith(b"{"):
            return Health(False, f"what answers is not `{self.name}`: see the base URL")
        return Health(True, "the key is accepted")

    @property
    def _answers(self) -> TaskAnswers:
        return TaskAnswers(self.name, self.model_id, self.shape)

    def _url(self, path: str) -> str:
        return self.base_url.rstrip("/") + path

    def _poll_url(self, task: str) -> str:
        return self._url(filled_path(self.shape.poll, {"model": self.model_id, "task": task}))

    def _price(self, request: Request) -> Decimal | None:
        """The price list's."""
        frame = self.frame_of(request.size)
        return self.price.estimate(
            quality=request.quality, size=request.size, tier=frame[1] if frame else None, prompt=request.prompt,
            references=len(request.references),
        )  # fmt: skip

    def _values(self, request: Request, call: str) -> dict[str, Any]:
        """What the placeholders of the shape's templates stand for."""
        shape = self.shape
        check_sayable(request, provider=self.name, formats=FORMATS, references=shape.references)
        references: list[str] = []
        if request.references:
            if self.reference_url is None or not shape.says("references"):
                raise Refused(
                    f"`{self.name}` takes reference pictures only by their public address",
                    hint="set `IMAGEBUILD_REFERENCES_URL` to where they can be fetched, or build with another provider",
                )
            references = [self.reference_url(each) for each in request.references]
        ratio = tier = ""
        if shape.says("ratio") or shape.says("tier") or shape.says("TIER"):
            ratio, tier = frame_for(request.size, self.frame_of, provider=self.name)
        width, height = request.size
        return {
            "model": self.model_id,
            "mode": "image-to-image" if references else "text-to-image",
            "prompt": request.prompt,
            "ratio": ratio,
            "tier": tier,
            "TIER": tier.upper(),
            "width": width,
            "height": height,
            "size": f"{width}x{height}",
            "quality": request.quality,
            "format": request.format,
            "references": references,
            "delivery": "callback" if call else "async",
            "callback": call,
        }

    def _watched(self, task: str, first: float, wake: str | None, price: Decimal | None) -> Generator[Wish, Any, Done]:
        url = self._poll_url(task)
        return (yield from until_done(self._answers, url, task, first=first, wake=wake, price=price))

    def _picture(self, task: str, done: Done) -> Flow:
        note = {"task": task, **note_of({"task": task, **done.answered}, task, done.cost)}
        return (yield from picture_of(done.found, note, provider=self.name, base_url=self.base_url))

    def _delivered(self, task: str, done: Done, price: Decimal | None) -> Flow:
        """The picture of a finished task. When its address has expired, the task may have a new one."""
        try:
            return (yield from self._picture(task, done))
        except Lost as gone:
            try:
                again = yield from self._watched(task, 0.0, None, price)
            except StillRunning:
                raise
            except NotKnown as unknown:  # another account may know it, and have a new address
                what = f"{gone.what}, and `{self.name}` does not know task `{task}`, its own"
                raise NotKnown(what, words=gone.words, request_id=task, hint=unknown.hint) from gone
            except ServiceFailure:
                raise gone from None
            if again.found == done.found:
                raise gone from None
        return (yield from self._picture(task, again))

    def _taken_up(self, noted: Mapping[str, Any], price: Decimal | None) -> Flow:
        """Goes on with what an earlier flow noted: an address, or a task."""
        link, task = noted_link(noted), task_name(noted.get("task"))
        if task is None:
            raise Unknown(f"what was noted of a request at `{self.name}` cannot be read")
        if link is None:
            done = yield from self._watched(task, 0.0, None, price)
        else:
            said = noted.get("answered")
            answered = dict(said) if isinstance(said, Mapping) else {}
            done = Done(Found(link, False), answered, money(noted.get("cost")))
        return (yield from self._delivered(task, done, price))
