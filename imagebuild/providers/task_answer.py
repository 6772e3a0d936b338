"""What a service of tasks answers, read by its shape: which task was started, how far it is, where its picture lies.

Knows no flow: takes a reply, gives a value or the failure that it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NamedTuple

from imagebuild.providers.answer import Found, cost_in, found_in, outline, remarks_in
from imagebuild.providers.base import Refused, Reply, ServiceFailure, Unknown
from imagebuild.providers.failures import LOOK_IT_UP, failure_of, json_of, request_id_of
from imagebuild.providers.task_failure import failed_task
from imagebuild.providers.task_shape import TaskShape, unfolded, value_at

__all__ = ["Done", "TaskAnswers", "task_name"]


class Done(NamedTuple):
    """A finished task: where its picture is, what was said beside it, and what it says that it cost."""

    found: Found
    answered: dict[str, object]
    cost: Decimal | None = None


def task_name(value: Any) -> str | None:
    """A task's name, if it can be one."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return text if re.fullmatch(r"[\w.:@~+=/-]{1,256}", text) and text.strip("./") else None


@dataclass(frozen=True, slots=True)
class TaskAnswers:
    """The answers of one service."""

    provider: str
    model_id: str
    shape: TaskShape

    def status_of(self, reply: Reply) -> int:
        """The status of a reply; within a success, its own code as HTTP's."""
        if not 200 <= reply.status < 300:
            return self.shape.codes.get(reply.status, reply.status)
        try:
            code = self.shape.code_of(json_of(reply, provider=self.provider))
        except ServiceFailure:
            return reply.status
        if code is None or code in self.shape.success or code in self.shape.failed_codes:
            return reply.status
        code = self.shape.codes.get(code, code)
        return code if 400 <= code < 600 else 500

    def failure_of(self, reply: Reply) -> ServiceFailure:
        status = self.status_of(reply)
        return failure_of(replace(reply, status=status), provider=self.provider, asked=self.model_id)

    def read(self, reply: Reply) -> Any:
        """The parsed answer of a success; any other is raised as its failure."""
        if not 200 <= self.status_of(reply) < 300:
            raise self.failure_of(reply)
        return json_of(reply, provider=self.provider)

    def started(self, reply: Reply) -> str:
        """The name of the task that a paid request has started."""
        try:
            answer = self.read(reply)
        except Refused as refused:
            if refused.stage == "unknown":
                refused.stage = "input"  # no task has begun: there is nothing that could be billed
            raise
        except Unknown:
            rescued = None if reply.whole else self._rescued(reply)
            if rescued is None:
                raise
            return rescued
        if self.shape.code_of(answer) in self.shape.failed_codes:
            raise self.failed(answer, "")
        task = task_name(value_at(answer, self.shape.task))
        if task is None:
            shape = outline(answer)
            raise Unknown(
                f"`{self.provider}` named no task in its answer ({shape}); whether one has begun is not known",
                words=shape, request_id=request_id_of(reply),
                hint=LOOK_IT_UP,
            )  # fmt: skip
        return task

    def _rescued(self, reply: Reply) -> str | None:
        """The task's name in an answer that broke off after it."""
        for path in self.shape.task:
            name = re.escape(path.rpartition(".")[2].encode())
            found = re.search(rb'"' + name + rb'"\s*:\s*"([\w.:-]{1,200})"', reply.body)
            if found is not None:
                return task_name(found[1].decode("utf-8", "replace"))
        return None

    def failed(self, answer: Any, task: str) -> ServiceFailure:
        """What a failed task means."""
        code, words = value_at(answer, self.shape.failure_code), value_at(answer, self.shape.failure_words)
        if isinstance(words, str) and words.strip().lower() in ("success", "ok"):
            words = None  # of the envelope: said of the answer, not of the task
        return failed_task(code, words, provider=self.provider, task=task)

    def _remarks(self, answer: Any) -> dict[str, object]:
        """What was said of the task beyond what is known of it: neither the envelope, nor its name and state."""
        data = answer.get("data") if isinstance(answer, Mapping) else None
        known = {path.rpartition(".")[2] for path in (*self.shape.task, *self.shape.state)}
        remarks = remarks_in(data if isinstance(data, Mapping) else answer)
        return {name: value for name, value in remarks.items() if name not in known}

    def done(self, answer: Any, price: Decimal | None) -> Done | None:
        """The picture of a task that is done; None when the answer names none. `price` is the price list's."""
        for path in self.shape.result:
            found = found_in(unfolded(value_at(answer, (path,))), "result")
            if found is not None:
                return Done(found, self._remarks(answer), cost_in(answer, price))
        return None
