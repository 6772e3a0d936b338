"""What services answer in place of pictures, as errors after OpenAI's pattern: hinow's and Together's.

Raised where a request is read or worked on, and written as a reply in one place, `answering`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from imagebuild.errors import ImagebuildError
from imagebuild.sandbox.body import Wrong
from imagebuild.sandbox.desk import Desk, deliver

__all__ = [
    "NO_HEADERS", "WAIT", "Answer", "Handler", "Refusal", "answering", "refusal", "rejected", "retry_headers", "wrong",
]  # fmt: skip

NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
WAIT: Final = 12  # seconds that a throttled client is told to wait

# Gets the request, its body, and the request's id.
Answer = Callable[[web.Request, bytes, str], Awaitable[web.StreamResponse]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(ImagebuildError):
    """A reply in place of pictures."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] = NO_HEADERS) -> None:
        super().__init__(f"answered {status}")
        self.status = status
        self.body = body
        self.headers = headers


def answering(
    desk: Desk, provider: str, answer: Answer, *, prefix: str, headers: Callable[[str], Mapping[str, str]]
) -> Handler:
    """The whole of a request: noted, numbered, answered, and refused where `answer` raises `Refusal`. `headers` are
    those that every reply of this service has, by the request's id."""

    async def respond(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        desk.noted(provider, request, body)
        request_id = desk.number(prefix)
        try:
            return await answer(request, body, request_id)
        except Refusal as refused:
            said = {**headers(request_id), **refused.headers}
            return await deliver(request, refused.body, desk=desk, status=refused.status, headers=said)

    return respond


def rejected(
    status: int,
    message: str,
    kind: str = "invalid_request_error",
    *,
    code: str | None = None,
    param: str | None = None,
    headers: Mapping[str, str] = NO_HEADERS,
    **more: Any,
) -> Refusal:
    """An error after OpenAI's pattern."""
    error = {"message": message, "type": kind, "param": param, "code": code, **more}
    return Refusal(status, {"error": error}, headers)


def wrong(mistake: Wrong) -> Refusal:
    code = "missing_required_parameter" if mistake.missing else "invalid_value"
    return rejected(400, mistake.what, code=code, param=mistake.param or None)


def retry_headers(fault: str) -> Mapping[str, str]:
    """How a throttled client is told when to come back: in seconds, in milliseconds, as a date, or not in a header."""
    if fault == "rate-seconds":
        return {"retry-after": str(WAIT)}
    if fault == "rate-ms":
        return {"retry-after-ms": str(WAIT * 1000 // 8)}
    if fault == "rate-date":
        return {"retry-after": formatdate(time.time() + WAIT, usegmt=True)}
    return NO_HEADERS


def refusal(fault: str, *, model: str = "", request_id: str = "") -> Refusal:
    """What a fault looks like that comes in place of pictures."""
    if fault.startswith("moderation-"):
        return _moderated(fault, request_id)
    if fault.startswith("rate-"):
        when = f" Please try again in {WAIT}s." if fault == "rate-text" else ""
        message = f"Rate limit reached for {model}: Limit 5, Used 5, Requested 1.{when}"
        return rejected(429, message, "rate_limit", code="rate_limit_exceeded", headers=retry_headers(fault))
    status, message, kind, code, param = _PLAIN[fault]
    return rejected(status, message.format(model=model), kind, code=code, param=param)


_INVALID = "invalid_request_error"
_PLAIN: Final[Mapping[str, tuple[int, str, str, str | None, str | None]]] = MappingProxyType(
    {
        "bad-request": (400, "Invalid value for 'prompt'.", _INVALID, "invalid_value", "prompt"),
        "bad-size": (
            400, "Invalid size. Requested resolution is below the current minimum pixel budget.",
            "image_generation_user_error", "invalid_value", "size",
        ),
        "quota": (
            429, "You exceeded your current quota, please check your plan and billing details.",
            "insufficient_quota", "insufficient_quota", None,
        ),
        "bad-key": (401, "Invalid API key provided.", _INVALID, "invalid_api_key", None),
        "balance": (402, "Insufficient balance: add credits to go on.", "billing_error", "insufficient_balance", None),
        "forbidden": (403, "This key has no access to this model.", "permission_error", None, None),
        "no-model": (404, "The model '{model}' does not exist.", _INVALID, "model_not_found", "model"),
        "overloaded": (503, "The platform is overloaded; try again later.", "service_unavailable", None, None),
        "error": (500, "The server had an error while processing the request.", "server_error", None, None),
        "error-charged": (500, "The server had an error while processing the request.", "server_error", None, None),
    }
)  # fmt: skip


def _moderated(fault: str, request_id: str) -> Refusal:
    """The bare one says it in its text only, as services do that pass on another's words."""
    message = f"Your request was rejected by the safety system. Request ID {request_id}."
    if fault.endswith("-bare"):
        return rejected(400, message)
    stage = "output" if fault == "moderation-output" else "input"
    return rejected(
        400, message + " safety_violations=[violence].", "image_generation_user_error", code="moderation_blocked",
        moderation_details={"moderation_stage": stage, "categories": ["violence"]},
    )  # fmt: skip
