"""Services of tasks: one request starts a task, others ask how it stands, and its picture comes at an address.

A task lives on by itself once it is taken, whether anybody asks for it or not: it is charged when its picture is made.
What the two services say and how, is in their dialects.
"""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, NamedTuple

from aiohttp import web

from imagebuild.errors import ImagebuildError
from imagebuild.sandbox.body import Body, Wrong
from imagebuild.sandbox.desk import Desk, Order, cut, deliver
from imagebuild.sandbox.faults import FAULTS
from imagebuild.sandbox.files import keep, link
from imagebuild.sandbox.outward import BadReference, call, reference
from imagebuild.sandbox.refusals import NO_HEADERS, Answer, Handler, answering
from imagebuild.sandbox.sale import GARBAGE
from imagebuild.sandbox.task_dialects import DONE, FAILED, QUEUED, WORKING, Apixo, Dialect, Failure, Kie, Task

__all__ = ["routes"]

_PENDING_SHARE: Final = 0.1  # of a task's time, before its work begins
_MOST_BYTES: Final = 10_000_000  # of a reference picture
_FORGED: Final = "a forged picture"


class _Tasks:
    """The tasks of one service."""

    def __init__(self, desk: Desk, dialect: Dialect) -> None:
        self._desk = desk
        self._dialect = dialect
        self._tasks: dict[str, Task] = {}
        self.provider = dialect.provider
        self._alive: set[asyncio.Task[object]] = set()  # the loop itself holds them weakly

    async def create(self, request: web.Request, data: bytes, _request_id: str) -> web.StreamResponse:
        desk, dialect = self._desk, self._dialect
        self._check_key(request)
        try:
            wanted = dialect.read(Body.parse(data), request.match_info.get("model", ""))
        except Wrong as mistake:
            raise dialect.wrong(mistake) from None
        fault = desk.fault(wanted.order, dialect.provider, "request")
        if fault == "cut":
            cut(request)
        if fault is not None:
            raise dialect.refusal(fault)
        late = desk.fault(wanted.order, dialect.provider, "result")
        task = Task(id=desk.number("task_"), wanted=wanted, created=time.time(), asked=data.decode(), fault=late)
        self._tasks[task.id] = task
        self._begin(self._live(task, partial(link, request)))
        if late == "cut-charged":
            cut(request)
        if late == "error-charged":
            raise dialect.refusal(late)
        return await deliver(request, dialect.accepted(task), desk=desk, fault=late)

    async def status(self, request: web.Request, _data: bytes, _request_id: str) -> web.StreamResponse:
        self._check_key(request)
        asked = request.query.get("taskId")
        if not asked:
            raise self._dialect.wrong(Wrong("Missing required parameter: 'taskId'.", param="taskId", missing=True))
        task = self._tasks.get(asked)
        if task is None:
            raise self._dialect.no_task()
        return await deliver(request, self._dialect.status(task), desk=self._desk)

    def _check_key(self, request: web.Request) -> None:
        if not self._desk.authorized(request):
            raise self._dialect.refusal("bad-key")

    # --------------------------------------------------------------------------------------------------- a task's life

    def _begin(self, life: Coroutine[Any, Any, object]) -> None:
        alive = asyncio.get_running_loop().create_task(life)
        self._alive.add(alive)
        alive.add_done_callback(self._alive.discard)

    async def _live(self, task: Task, address: Callable[[str], str]) -> None:
        desk, order, callback = self._desk, task.wanted.order, task.wanted.callback
        fault = desk.fault(order, self._dialect.provider, "callback") if callback else None
        seconds = desk.seconds(order)
        for state in (QUEUED, WORKING):
            await desk.pause(seconds * _PENDING_SHARE / 2)
            task.state = state
        if callback and fault == "callback-forged":
            await self._forge(task, callback, address)
        made, _ = await asyncio.gather(self._made(task), desk.pause(seconds * (1 - _PENDING_SHARE)))
        self._finish(task, made, address)
        if callback and fault != "callback-lost":
            for _ in range(2 if fault == "callback-duplicate" else 1):
                self._begin(call(callback, self._dialect.status(task), desk.pause))

    async def _made(self, task: Task) -> _Made | Failure:
        order, fault = task.wanted.order, task.fault
        if fault is not None and not FAULTS[fault].charged:
            return self._dialect.failure(fault)
        try:
            found = [await reference(each, most=_MOST_BYTES) for each in task.wanted.addresses]
            order = dataclasses.replace(order, references=tuple(found))
            picture = GARBAGE if fault == "garbage" else await self._desk.picture(order, fault)
        except BadReference as bad:
            return self._dialect.failure(bad.reason)
        except ImagebuildError:  # the painter cannot make it: then the task fails, as it would at the service
            return self._dialect.failure("task-failed")
        return _Made(order, picture)

    def _finish(self, task: Task, made: _Made | Failure, address: Callable[[str], str]) -> None:
        """Charges the picture; a task that fails costs nothing."""
        if isinstance(made, Failure):
            task.failure, task.state = made, FAILED
        else:
            charge = self._desk.charge(made.order, task.id, [made.picture], fault=task.fault)
            task.link, task.state = address(keep(self._desk, made.picture, made.order, charge)), DONE
        task.completed = time.time()

    async def _forge(self, task: Task, callback: str, address: Callable[[str], str]) -> None:
        """Calls back with a picture that nobody ordered, while the task is still at work."""
        other = dataclasses.replace(task.wanted.order, prompt=_FORGED)
        picture = await self._desk.picture(other)
        forged = dataclasses.replace(
            task, state=DONE, completed=time.time(), link=address(keep(self._desk, picture, other, None))
        )  # fmt: skip
        self._begin(call(callback, self._dialect.status(forged), self._desk.pause))


class _Made(NamedTuple):
    """A picture, and the order it was made from: with its references."""

    order: Order
    picture: bytes


def routes(desk: Desk) -> list[web.RouteDef]:
    apixo, kie = _Tasks(desk, Apixo()), _Tasks(desk, Kie())

    def answered(tasks: _Tasks, answer: Answer) -> Handler:
        return answering(desk, tasks.provider, answer, prefix="req_", headers=lambda _: NO_HEADERS)

    return [
        web.post("/apixo/api/v1/generateTask/{model}", answered(apixo, apixo.create)),
        web.get("/apixo/api/v1/statusTask/{model}", answered(apixo, apixo.status)),
        web.post("/kie/api/v1/jobs/createTask", answered(kie, kie.create)),
        web.get("/kie/api/v1/jobs/recordInfo", answered(kie, kie.status)),
    ]
