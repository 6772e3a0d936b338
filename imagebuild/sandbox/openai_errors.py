"""The errors of OpenAI's Images API, with their texts, and which of them stand for which fault. Sends nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any, Final

__all__ = [
    "ApiError",
    "bad_value",
    "error_of_fault",
    "missing",
    "no_model",
    "unknown_parameter",
    "wrong_key",
    "wrong_type",
]

_INVALID: Final = "invalid_request_error"
_RATE: Final = (
    "Rate limit reached for {model} (for limit gpt-image) in organization org-sandbox on input-images per min: "
    "Limit 5, Used 5, Requested 1."
)
_SAFETY: Final = (
    "Your request was rejected by the safety system. If you believe this is an error, contact us at help.openai.com "
    "and include the request ID {request_id}. safety_violations=[sexual]."
)
_SERVER: Final = (
    "The server had an error while processing your request. Sorry about that! You can retry your request, or contact "
    "us through our help center at help.openai.com if you keep seeing this error. (Please include the request ID "
    "{request_id} in your message.)"
)


@dataclass(slots=True, eq=False)
class ApiError(Exception):
    """A reply that is no picture. All four fields of the body are always there."""

    status: int
    message: str
    type: str = _INVALID
    param: str | None = None
    code: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    moderation: Mapping[str, Any] | None = None

    def body(self, request_id: str) -> dict[str, Any]:
        error: dict[str, Any] = {
            "message": self.message.replace("{request_id}", request_id),
            "type": self.type,
            "param": self.param,
            "code": self.code,
        }
        if self.moderation is not None:
            error["moderation_details"] = dict(self.moderation)
        return {"error": error}


def unknown_parameter(name: str) -> ApiError:
    return ApiError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def missing(name: str) -> ApiError:
    return ApiError(400, f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def bad_value(name: str, message: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, param=name, code=code)


def wrong_type(name: str, wanted: str, value: object) -> ApiError:
    kinds = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}
    given = "null" if value is None else kinds.get(type(value), "an object")
    return bad_value(name, f"Invalid type for '{name}': expected {wanted}, but got {given} instead.", "invalid_type")


def no_model(name: str) -> ApiError:
    message = f"The model `{name}` does not exist or you do not have access to it."
    return ApiError(404, message, param="model", code="model_not_found")


def wrong_key(sent: str) -> ApiError:
    """The real service shows the ends of the key it was sent."""
    if not sent:
        message = (
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer "
            "auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
        return ApiError(401, message)
    masked = sent[:3] + "*" * (len(sent) - 7) + sent[-4:] if len(sent) > 12 else "*" * len(sent)
    message = (
        f"Incorrect API key provided: {masked}. You can find your API key at "
        "https://platform.openai.com/account/api-keys."
    )
    return ApiError(401, message, code="invalid_api_key")


def _moderated(stage: str | None) -> ApiError:
    details = {"moderation_stage": stage, "categories": ["sexual"]} if stage else None
    return ApiError(400, _SAFETY, "image_generation_user_error", None, "moderation_blocked", moderation=details)


def _limited(model: str, fault: str) -> ApiError:
    """429 in the ways in which a service says how long to wait; each of them says it in one place only."""
    message, headers = _RATE.format(model=model), {}
    if fault == "rate-seconds":
        headers["retry-after"] = "12"
    elif fault == "rate-ms":
        headers["retry-after-ms"] = "12000"
    elif fault == "rate-date":
        headers["retry-after"] = formatdate(time.time() + 12, usegmt=True)
    else:
        message += " Please try again in 12s. Visit https://platform.openai.com/account/rate-limits to learn more."
    return ApiError(429, message, "input-images", None, "rate_limit_exceeded", headers)


def error_of_fault(fault: str, *, model: str, size: str) -> ApiError | None:
    """The reply that stands for a fault; None where a fault is none of a reply's text."""
    if fault.startswith("rate-"):
        return _limited(model, fault)
    found: dict[str, ApiError] = {
        "bad-request": bad_value("quality", "Invalid value: 'medium'. Supported values are: 'low', and 'high'."),
        "bad-size": bad_value(
            "size", f"Invalid size '{size}'. Requested resolution is below the current minimum pixel budget."
        ),
        "moderation-input": _moderated("input"),
        "moderation-input-bare": _moderated(None),
        "moderation-output": _moderated("output"),
        "moderation-output-bare": _moderated(None),
        "quota": ApiError(
            429,
            "You exceeded your current quota, please check your plan and billing details. For more information on "
            "this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
            "insufficient_quota", None, "insufficient_quota",
        ),
        "bad-key": wrong_key("sk-sandbox-no-longer-valid"),
        "balance": ApiError(400, "Billing hard limit has been reached.", _INVALID, None, "billing_hard_limit_reached"),
        "forbidden": ApiError(
            403,
            f"Your organization must be verified to use the model `{model}`. Please go to: "
            "https://platform.openai.com/settings/organization/general and click on Verify Organization.",
        ),
        "no-model": no_model(model),
        "overloaded": ApiError(503, "The engine is currently overloaded, please try again later.", "server_error"),
        "error": ApiError(500, _SERVER, "server_error"),
        "error-charged": ApiError(500, _SERVER, "server_error"),
    }  # fmt: skip
    return found.get(fault)
