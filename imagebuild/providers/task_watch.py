"""Watching a task until it is done. Asking is free: whatever goes wrong with it leaves the task as it is, to be asked
for again by a later build; only the task's own failure, or a service that has forgotten it, ends it."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any, Final

from imagebuild.providers.answer import outline
from imagebuild.providers.base import Ask, Cut, Lost, NotKnown, NotSent, Reply, ServiceFailure, StillRunning, Wish, ask
from imagebuild.providers.task_answer import Done, TaskAnswers

__all__ = ["until_done"]

MOST_TROUBLES: Final = 6  # questions in a row that are answered with something else than a state
MOST_BARE: Final = 3  # answers that a task is done, without a picture


def until_done(
    answers: TaskAnswers, url: str, task: str, *, first: float, wake: str | None, price: Decimal | None
) -> Generator[Wish, Any, Done]:
    """Where the task's picture is. The first question waits `first` seconds, or until `wake` rings: a ring is only a
    hint, what counts is the answer. The time that is given up after begins with the first question."""
    shape = answers.shape
    waited, troubles, bare, after = 0.0, 0, 0, first
    while True:
        reply = yield from _asked(answers, url, task, after, wake)
        try:
            answer = answers.read(reply)
        except ServiceFailure as failure:
            troubles += 1
            trouble = _trouble(answers, task, reply, failure, troubles)
            if trouble is not None:
                raise trouble from failure
        else:
            troubles = 0
            state = shape.state_of(answer)
            if state == "failed":
                raise answers.failed(answer, task)
            if state == "done":
                done = answers.done(answer, price)
                if done is not None:
                    return done
                bare += 1
                if bare == MOST_BARE:
                    raise _bare(answers, task, answer)
        if waited >= shape.patience:
            raise _running(answers, task, f"it is not done after {shape.patience / 60:.0f} minutes")
        after, wake = shape.every, None
        waited += after


def _asked(answers: TaskAnswers, url: str, task: str, after: float, wake: str | None) -> Generator[Wish, Any, Reply]:
    try:
        return (yield from ask(Ask(method="GET", url=url, after=after, wake=wake)))
    except (Cut, NotSent) as failure:
        raise _running(answers, task, failure.what) from failure


def _trouble(
    answers: TaskAnswers, task: str, reply: Reply, failure: ServiceFailure, times: int
) -> ServiceFailure | None:
    """Why asking on is of no use: now, or, for a task that nobody knows, ever. None while it may be."""
    status = answers.status_of(reply)
    if status in (401, 402, 403):
        return _running(answers, task, failure.what, failure.hint)
    if times < MOST_TROUBLES:
        return None
    if status in (404, 410):
        return NotKnown(
            f"`{answers.provider}` does not know task `{task}`, its own; whether it billed it is not known",
            words=failure.words, request_id=task, hint="see that the base URL and the key are those it was sent with",
        )  # fmt: skip
    return _running(answers, task, failure.what)


def _running(answers: TaskAnswers, task: str, why: str, hint: str | None = None) -> StillRunning:
    return StillRunning(
        f"task `{task}` at `{answers.provider}` is left to itself for now: {why}", words=why, request_id=task,
        hint=hint or "build again: it is asked for then, and nothing is paid",
    )  # fmt: skip


def _bare(answers: TaskAnswers, task: str, answer: Any) -> Lost:
    shape = outline(answer)
    what = f"`{answers.provider}` says that task `{task}` is done, and names no picture: {shape}"
    return Lost(what, words=shape, request_id=task)
