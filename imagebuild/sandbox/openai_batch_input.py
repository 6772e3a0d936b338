"""Reads what a client asks of OpenAI's Batch API: the batch itself, and the file of its requests. Sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from imagebuild.sandbox.openai_errors import bad_value, missing, unknown_parameter, wrong_type
from imagebuild.sandbox.openai_files import FileRoom
from imagebuild.sandbox.openai_request import MODELS

__all__ = ["ENDPOINTS", "Line", "Mistake", "check_batch", "read_lines"]

_ALLOWED: Final = (
    "/v1/responses", "/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/moderations",
    "/v1/images/generations", "/v1/images/edits", "/v1/videos",
)  # fmt: skip
ENDPOINTS: Final = ("/v1/images/generations", "/v1/images/edits")
_KNOWN: Final = frozenset({"input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after"})
_MOST_LINES: Final = 50_000


class Line(NamedTuple):
    """One request of a batch."""

    custom_id: str
    body: Mapping[str, Any]


class Mistake(NamedTuple):
    """Why a batch fails before it begins."""

    code: str
    message: str
    line: int | None = None
    param: str | None = None


def check_batch(asked: Mapping[str, Any], files: FileRoom) -> None:
    """Whether a batch can be begun at all. Its lines are not looked at yet."""
    for name in asked:
        if name not in _KNOWN:
            raise unknown_parameter(name)
    for name in ("input_file_id", "endpoint", "completion_window"):
        if asked.get(name) is None:
            raise missing(name)
        if not isinstance(asked[name], str):
            raise wrong_type(name, "a string", asked[name])
    if asked["endpoint"] not in _ALLOWED:
        *others, last = (f"'{each}'" for each in _ALLOWED)
        says = f"Invalid value: '{asked['endpoint']}'. Supported values are: {', '.join(others)}, and {last}."
        raise bad_value("endpoint", says)
    if asked["completion_window"] != "24h":
        raise bad_value(
            "completion_window", f"Invalid value: '{asked['completion_window']}'. Supported values are: '24h'."
        )
    metadata = asked.get("metadata")
    if metadata is not None and not (
        isinstance(metadata, dict) and len(metadata) <= 16 and all(isinstance(each, str) for each in metadata.values())
    ):
        raise bad_value("metadata", "Invalid 'metadata': expected at most 16 pairs of strings.")
    if files.find(asked["input_file_id"]).purpose != "batch":
        raise bad_value("input_file_id", "Invalid 'input_file_id': the file's purpose must be 'batch'.")


def read_lines(path: str, endpoint: str, mistakes: list[Mistake]) -> list[Line]:
    """The lines of a batch's file. Everything wrong with it goes into `mistakes`."""
    found: dict[str, Line] = {}
    if endpoint not in ENDPOINTS:
        mistakes.append(Mistake("model_not_supported", f"This sandbox has no model for {endpoint}."))
        return []
    with open(path, "rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.strip():
                continue
            line = _read_line(raw, number, endpoint, mistakes)
            if line is None:
                continue
            if line.custom_id in found:
                says = f"The custom_id {line.custom_id!r} is used more than once in the batch input file."
                mistakes.append(Mistake("duplicate_custom_id", says, number, "custom_id"))
            found[line.custom_id] = line
    if not found and not mistakes:
        mistakes.append(Mistake("empty_file", "The batch input file is empty."))
    if len(found) > _MOST_LINES:
        mistakes.append(Mistake("too_many_tasks", f"The batch input file has more than {_MOST_LINES} requests."))
    if len({each.body.get("model") for each in found.values()}) > 1:
        says = "The provided input file contains more than one model. A batch must have requests for one model only."
        mistakes.append(Mistake("mismatched_model", says, None, "body.model"))
    return list(found.values())


def _read_line(raw: bytes, number: int, endpoint: str, mistakes: list[Mistake]) -> Line | None:
    try:
        entry = json.loads(raw)
    except ValueError:
        entry = None
    says: Mistake | None = None
    if not isinstance(entry, dict):
        says = Mistake("invalid_json_line", "This line is not parseable as valid JSON.", number)
    elif not isinstance(entry.get("custom_id"), str) or not entry["custom_id"]:
        says = Mistake("missing_required_parameter", "Missing required parameter: 'custom_id'.", number, "custom_id")
    elif entry.get("method") != "POST":
        says = Mistake("invalid_method", "Invalid method. Only POST is supported.", number, "method")
    elif entry.get("url") != endpoint:
        says = Mistake(
            "mismatched_url", "The URL provided for this request does not match the batch endpoint.", number, "url"
        )
    elif not isinstance(entry.get("body"), dict):
        says = Mistake("missing_required_parameter", "Missing required parameter: 'body'.", number, "body")
    elif entry["body"].get("model") not in MODELS:
        model = entry["body"].get("model")
        says = Mistake(
            "model_not_found", f"The provided model '{model}' is not supported by the Batch API.", number, "body.model"
        )
    if says is not None:
        mistakes.append(says)
        return None
    return Line(entry["custom_id"], entry["body"])
