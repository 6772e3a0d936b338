"""What APIXO and kie.ai want to be asked, and in which words they answer. Both speak of tasks, each in its own way.

Both wrap everything in an envelope with a `code`. APIXO's is its HTTP status; kie's comes with HTTP 200, whatever it
is. Where APIXO's pages contradict each other, the sandbox says now one, now the other. Sends nothing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

from imagebuild.sandbox.body import Body, Wrong
from imagebuild.sandbox.framing import TIERS, framed
from imagebuild.sandbox.order import Order
from imagebuild.sandbox.outward import is_here
from imagebuild.sandbox.refusals import WAIT, Refusal, retry_headers

__all__ = ["DONE", "FAILED", "PENDING", "QUEUED", "WORKING", "Apixo", "Dialect", "Failure", "Kie", "Task", "Wanted"]

PENDING, QUEUED, WORKING, DONE, FAILED = "pending", "queued", "processing", "success", "failed"
_RATIOS: Final = ("auto", "1:1", "4:3", "3:4", "16:9", "9:16")
_MOST_PROMPT: Final = 20_000
_MOST_REFERENCES: Final = 16
_MOST_ADDRESS: Final = 4_096


class Wanted(NamedTuple):
    """What a client asked for. The order's references are still addresses."""

    order: Order
    addresses: tuple[str, ...]
    callback: str | None


class Failure(NamedTuple):
    """How a task ends that makes no picture."""

    code: str
    message: str


@dataclass(slots=True, kw_only=True)
class Task:
    """A task and how it stands. `state` is in APIXO's words; what it calls pending, kie.ai tells in two."""

    id: str
    wanted: Wanted
    created: float
    asked: str
    fault: str | None
    state: str = PENDING
    completed: float | None = None
    link: str | None = None
    failure: Failure | None = None


class Dialect(Protocol):
    """One service's way of speaking."""

    provider: str

    def read(self, body: Body, model: str) -> Wanted: ...
    def accepted(self, task: Task) -> Mapping[str, Any]: ...
    def status(self, task: Task) -> Mapping[str, Any]: ...
    def no_task(self) -> Refusal: ...
    def wrong(self, mistake: Wrong) -> Refusal: ...
    def refusal(self, fault: str) -> Refusal: ...
    def failure(self, cause: str) -> Failure: ...


class _Turns:
    """For each name, its choices in turn."""

    def __init__(self, choices: Mapping[str, Sequence[Any]]) -> None:
        self._turns: dict[str, Iterator[Any]] = {name: itertools.cycle(each) for name, each in choices.items()}

    def next(self, name: str) -> Any:
        return next(self._turns[name])


def _order(provider: str, model: str, prompt: str, ratio: str, tier: str, *, edit: bool) -> Order:
    return Order(
        provider=provider, operation="edit" if edit else "generate", model=model, prompt=prompt,
        size=framed(ratio, tier), quality="medium", format="jpeg",
    )  # fmt: skip


def _addresses(body: Body, name: str, *, required: bool) -> tuple[str, ...]:
    """Addresses of references: neither service takes pictures themselves."""
    found = body.texts(name, least=1 if required else 0, most=_MOST_REFERENCES)
    for each in found:
        if not each.startswith(("https://", "http://")) or len(each) > _MOST_ADDRESS:
            raise body.wrong(name, "expected URLs")
    return found


def _callback(body: Body, name: str) -> str:
    """The sandbox rings no bell but this machine's own."""
    address = body.text(name, most=_MOST_ADDRESS)
    if not is_here(address):
        raise body.wrong(name, "the sandbox calls addresses of this machine only, such as http://127.0.0.1:8787/…")
    return address


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _result(task: Task) -> str:
    return json.dumps({"resultUrls": [task.link]})


# ------------------------------------------------------------------------------------------------------------ APIXO

_Said = tuple[int, str, Any]
_SENSITIVE: Final = "Content violates usage policy"

_APIXO_REFUSALS: Final[Mapping[str, Sequence[_Said]]] = MappingProxyType(
    {
        "bad-request": [(400, "Invalid request", {"error": "Invalid value for field: input.prompt"})],
        "bad-size": [(400, "Invalid request", {"error": "Unsupported value for field: input.resolution"})],
        "moderation-input": [(403, _SENSITIVE, {"error": "SensitiveContentDetected: violence"})],
        "moderation-input-bare": [(403, _SENSITIVE, None)],
        "quota": [(429, "You exceeded your current quota", None)],
        "bad-key": [(401, "Unauthorized: invalid API key", None)],
        "balance": [(402, "Insufficient balance", None), (400, "Insufficient credits", None)],
        "forbidden": [(403, "Forbidden: the API key lacks permission", None)],
        "no-model": [(404, "Model not found", None)],
        "overloaded": [(503, "Service unavailable", None)],
        "error": [(500, "Internal server error", None)],
        "error-charged": [(500, "Internal server error", None)],
    }
)  # fmt: skip

_APIXO_FAILURES: Final[Mapping[str, Sequence[Failure]]] = MappingProxyType(
    {
        "task-moderated": [
            Failure("SensitiveContentDetected", "The prompt contains sensitive content"),
            Failure("CONTENT_VIOLATION", _SENSITIVE),
            Failure("ProhibitedContentDetected", "Prohibited content detected"),
            Failure("NSFW_DETECTED", "NSFW content detected"),
        ],
        "moderation-output": [
            Failure("InputOutputSensitiveContentDetected", "The output may contain sensitive content"),
            Failure("NSFW_DETECTED", "NSFW content detected in the output"),
        ],
        "moderation-output-bare": [Failure("NSFW", ""), Failure("CONTENT_VIOLATION", "")],
        "task-failed": [
            Failure("GENERATION_FAILED", "Generation failed"),
            Failure("MODEL_UNAVAILABLE", "The model is temporarily unavailable"),
        ],
        "task-timeout": [Failure("PROCESSING_TIMEOUT", "Processing took too long")],
        "address": [Failure("INVALID_IMAGE_URL", "The image URL is invalid")],
        "download": [Failure("IMAGE_DOWNLOAD_FAILED", "The image could not be downloaded")],
        "size": [Failure("IMAGE_TOO_LARGE", "The image is larger than 10 MB")],
        "format": [Failure("UNSUPPORTED_FORMAT", "The image format is not supported")],
    }
)


class Apixo:
    """The model is in the path; prompt, mode, ratio and resolution in `input`."""

    provider = "apixo"

    def __init__(self) -> None:
        self._refusals = _Turns(_APIXO_REFUSALS)
        self._failures = _Turns(_APIXO_FAILURES)

    def read(self, body: Body, model: str) -> Wanted:
        if model != "gpt-image-2":
            raise self.refusal("no-model")
        body.only("request_type", "callback_url", "input")
        rings = body.choice("request_type", ("async", "callback"), "async") == "callback"
        asked = body.inner("input", required=True)
        asked.only("mode", "prompt", "image_urls", "aspect_ratio", "resolution")
        prompt = asked.text("prompt", most=_MOST_PROMPT)
        asked.value("mode")
        edit = asked.choice("mode", ("text-to-image", "image-to-image"), "") == "image-to-image"
        addresses = _addresses(asked, "image_urls", required=edit)
        if addresses and not edit:
            raise asked.wrong("image_urls", "only with mode 'image-to-image'")
        ratio, tier = asked.choice("aspect_ratio", _RATIOS, "auto"), asked.choice("resolution", TIERS, "1k")
        order = _order("apixo", model, prompt, ratio, tier, edit=edit)
        return Wanted(order, addresses, _callback(body, "callback_url") if rings else None)

    def accepted(self, task: Task) -> Mapping[str, Any]:
        return _enveloped({"taskId": task.id})

    def status(self, task: Task) -> Mapping[str, Any]:
        state = PENDING if task.state == QUEUED else task.state
        said: dict[str, Any] = {"taskId": task.id, "state": state, "createTime": _milliseconds(task.created)}
        if task.state == DONE:
            said["resultJson"] = _result(task)
        if task.failure is not None:
            said |= {"failCode": task.failure.code, "failMsg": task.failure.message}
        if task.completed is not None:
            said["completeTime"] = _milliseconds(task.completed)
            said["costTime"] = _milliseconds(task.completed - task.created)
        return _enveloped(said)

    def no_task(self) -> Refusal:
        return self._refused(404, "Task not found", None)

    def wrong(self, mistake: Wrong) -> Refusal:
        what = f"Missing required field: {mistake.param}" if mistake.missing else mistake.what
        return self._refused(400, "Invalid request", {"error": what})

    def refusal(self, fault: str) -> Refusal:
        if fault.startswith("rate-"):
            when = f": please try again in {WAIT}s" if fault == "rate-text" else ""
            return self._refused(429, f"Too many requests{when}", None, retry_headers(fault))
        return self._refused(*self._refusals.next(fault))

    def failure(self, cause: str) -> Failure:
        found = self._failures.next(cause)
        assert isinstance(found, Failure)
        return found

    @staticmethod
    def _refused(code: int, message: str, data: Any, headers: Mapping[str, str] = MappingProxyType({})) -> Refusal:
        return Refusal(code, {"code": code, "message": message, "data": data}, headers)


def _enveloped(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"code": 200, "message": "success", "data": data}


# -------------------------------------------------------------------------------------------------------------- kie

_KIE_STATES: Final[Mapping[str, str]] = MappingProxyType(
    {PENDING: "waiting", QUEUED: "queuing", WORKING: "generating", DONE: "success", FAILED: "fail"}
)
_KIE_MODELS: Final = ("gpt-image-2-text-to-image", "gpt-image-2-image-to-image")

_KIE_REFUSALS: Final[Mapping[str, tuple[int, str]]] = MappingProxyType(
    {
        "bad-request": (422, "Validation error: input.prompt"),
        "bad-size": (422, "Validation error: this resolution is not supported with this aspect_ratio"),
        "moderation-input": (422, "The prompt was flagged as sensitive content: violence"),
        "moderation-input-bare": (422, "Your content was flagged by the content policy"),
        "quota": (429, "You exceeded your current quota"),
        "bad-key": (401, "You do not have access permissions"),
        "balance": (402, "Credits insufficient: your balance is not enough to run this request"),
        "forbidden": (505, "Feature disabled: this feature is not open to your account"),
        "no-model": (404, "The model does not exist"),
        "overloaded": (455, "Service unavailable: the system is under maintenance"),
        "error": (500, "Server error, please try again later"),
        "error-charged": (500, "Server error, please try again later"),
    }
)

_KIE_FAILURES: Final[Mapping[str, Failure]] = MappingProxyType(
    {
        "task-moderated": Failure("422", "Your prompt was flagged as sensitive content"),
        "moderation-output": Failure("422", "The generated picture was flagged as NSFW content"),
        "moderation-output-bare": Failure("422", "Content violates the content policy"),
        "task-failed": Failure("501", "Generation failed"),
        "task-timeout": Failure("500", "Processing timeout"),
        "address": Failure("422", "Invalid image URL"),
        "download": Failure("422", "The image could not be downloaded"),
        "size": Failure("422", "The image is too large: more than 10 MB"),
        "format": Failure("422", "Unsupported image format"),
    }
)


class Kie:
    """The model is in the body, a name for each mode; the tiers are in capitals."""

    provider = "kie"

    def read(self, body: Body, _model: str) -> Wanted:
        body.only("model", "callBackUrl", "input")
        model = body.text("model", most=200)
        if model not in _KIE_MODELS:
            raise self.refusal("no-model")
        edit = model.endswith("image-to-image")
        asked = body.inner("input", required=True)
        asked.only("prompt", "input_urls", "aspect_ratio", "resolution")
        prompt = asked.text("prompt", most=_MOST_PROMPT)
        addresses = _addresses(asked, "input_urls", required=edit)
        if addresses and not edit:
            raise asked.wrong("input_urls", "only with the image-to-image model")
        ratio = asked.choice("aspect_ratio", _RATIOS, "auto")
        tier = asked.choice("resolution", [each.upper() for each in TIERS], "1K")
        if ratio == "1:1" and tier == "4K":
            raise asked.wrong("resolution", "4K is not supported with aspect_ratio 1:1")
        order = _order("kie", model, prompt, ratio, tier, edit=edit)
        return Wanted(order, addresses, _callback(body, "callBackUrl") if "callBackUrl" in body else None)

    def accepted(self, task: Task) -> Mapping[str, Any]:
        return {"code": 200, "msg": "success", "data": {"taskId": task.id}}

    def status(self, task: Task) -> Mapping[str, Any]:
        """All of the fields are always there; what is not known yet is empty."""
        failure = task.failure or Failure("", "")
        done = task.completed
        said = {
            "taskId": task.id, "model": task.wanted.order.model, "state": _KIE_STATES[task.state], "param": task.asked,
            "resultJson": _result(task) if task.state == DONE else "",
            "failCode": failure.code, "failMsg": failure.message, "createTime": _milliseconds(task.created),
            "completeTime": None if done is None else _milliseconds(done),
            "updateTime": _milliseconds(task.created if done is None else done),
            "costTime": None if done is None else _milliseconds(done - task.created),
        }  # fmt: skip
        return _enveloped(said)

    def no_task(self) -> Refusal:
        return self._refused(404, "The task does not exist")

    def wrong(self, mistake: Wrong) -> Refusal:
        return self._refused(422, f"Validation error: {mistake.what}")

    def refusal(self, fault: str) -> Refusal:
        if fault.startswith("rate-"):
            when = f": please try again in {WAIT}s" if fault == "rate-text" else ""
            return self._refused(429, f"Too many requests{when}", retry_headers(fault))
        return self._refused(*_KIE_REFUSALS[fault])

    def failure(self, cause: str) -> Failure:
        return _KIE_FAILURES[cause]

    @staticmethod
    def _refused(code: int, message: str, headers: Mapping[str, str] = MappingProxyType({})) -> Refusal:
        return Refusal(200, {"code": code, "msg": message, "data": None}, headers)
