"""OpenAI's Images API: generations, edits, streaming, models. The Batch API is in `openai_batch`.

The order of things is the real one: the request is checked, the picture is made and charged, then the reply is
written. A client that has gone in the meantime is billed all the same.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from aiohttp import web
from aiohttp.multipart import BodyPartReader

from imagebuild.core.sizes import size_text
from imagebuild.sandbox.charges import usage_of
from imagebuild.sandbox.desk import Desk, Order, cut, deliver
from imagebuild.sandbox.embed import PICTURE, embedded
from imagebuild.sandbox.events import EventStream
from imagebuild.sandbox.openai_errors import ApiError, error_of_fault, no_model, wrong_key
from imagebuild.sandbox.openai_files import FileRoom
from imagebuild.sandbox.openai_request import MODELS, Asked, Upload, read_edit, read_generation, read_json_edit

__all__ = [
    "NOT_A_PICTURE",
    "PREFIX",
    "check_key",
    "error_of",
    "error_reply",
    "guarded",
    "images_body",
    "made",
    "read_json",
    "reply_headers",
    "routes",
    "usage_body",
]

PREFIX: Final = "/openai/v1"
NOT_A_PICTURE: Final = "%%% these are not base64's letters %%%"
_MODEL_CREATED: Final = 1776729600
_LIMIT: Final = 250  # images a minute, as the headers say; the faults alone decide what is refused
_STREAM_ENDS: Final = frozenset({"cut-charged", "error-charged", "sse-cut", "sse-error"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def routes(desk: Desk, files: FileRoom) -> list[web.RouteDef]:
    async def generate(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        desk.noted("openai", request, body)
        check_key(desk, request)
        return await _answer(desk, request, read_generation(read_json(body)))

    async def edit(request: web.Request) -> web.StreamResponse:
        if request.content_type == "multipart/form-data":
            values, uploads = await _read_form(request)
            desk.noted("openai", request, _form_for_the_log(values, uploads))
            check_key(desk, request)
            return await _answer(desk, request, read_edit(values, uploads))
        body = await request.read()
        desk.noted("openai", request, body)
        check_key(desk, request)
        return await _answer(desk, request, read_json_edit(read_json(body), files.pictures()))

    async def models(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        data = {"object": "list", "data": [_model(name) for name in MODELS]}
        return await deliver(request, data, desk=desk, headers=reply_headers(desk.number("req_")))

    async def model(request: web.Request) -> web.StreamResponse:
        check_key(desk, request)
        name = request.match_info["model"]
        if name not in MODELS:
            raise no_model(name)
        return await deliver(request, _model(name), desk=desk, headers=reply_headers(desk.number("req_")))

    return [
        web.post(f"{PREFIX}/images/generations", guarded(desk, generate)),
        web.post(f"{PREFIX}/images/edits", guarded(desk, edit)),
        web.get(f"{PREFIX}/models", guarded(desk, models)),
        web.get(f"{PREFIX}/models/{{model}}", guarded(desk, model)),
    ]


def guarded(desk: Desk, handle: Handler) -> Handler:
    """The handler, with every `ApiError` it raises written as a reply."""

    async def handle_guarded(request: web.Request) -> web.StreamResponse:
        try:
            return await handle(request)
        except ApiError as error:
            return await error_reply(desk, request, error)

    return handle_guarded


async def error_reply(
    desk: Desk, request: web.Request, error: ApiError, request_id: str | None = None
) -> web.StreamResponse:
    request_id = request_id or desk.number("req_")
    headers = {**reply_headers(request_id), **error.headers}
    return await deliver(request, error.body(request_id), desk=desk, status=error.status, headers=headers)


def reply_headers(request_id: str, seconds: float = 0.01) -> dict[str, str]:
    return {
        "x-request-id": request_id,
        "openai-processing-ms": str(round(1000 * seconds)),
        "openai-organization": "org-sandbox",
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": str(_LIMIT),
        "x-ratelimit-remaining-requests": str(_LIMIT - 1),
        "x-ratelimit-reset-requests": "240ms",
    }


def check_key(desk: Desk, request: web.Request) -> None:
    if not desk.authorized(request):
        raise wrong_key(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())


def read_json(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        message = (
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP "
            "library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)"
        )
        raise ApiError(400, message)
    return found


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": _MODEL_CREATED, "owned_by": "system"}


# --------------------------------------------------------------------------------------------------------------- forms


async def _read_form(request: web.Request) -> tuple[dict[str, str], list[Upload]]:
    values: dict[str, str] = {}
    uploads: list[Upload] = []
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise ApiError(400, "Invalid multipart form: a form within a form.")
        data = bytes(await part.read(decode=False))
        if part.filename is None:
            values[part.name or ""] = data.decode("utf-8", "replace")
        else:
            media_type = part.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()
            uploads.append(Upload(part.name or "", part.filename, media_type, data))
    return values, uploads


def _form_for_the_log(values: Mapping[str, str], uploads: list[Upload]) -> bytes:
    files = [
        {"name": each.name, "file_name": each.file_name, "media_type": each.media_type, "length": len(each.data),
         "digest": hashlib.sha256(each.data).hexdigest()}
        for each in uploads
    ]  # fmt: skip
    return json.dumps({"form": dict(values), "files": files}).encode()


# ------------------------------------------------------------------------------------------------------------- answers


async def _answer(desk: Desk, request: web.Request, asked: Asked) -> web.StreamResponse:
    order = asked.order
    fault = desk.fault(order, "openai", "request")
    if fault == "cut":
        cut(request)
    if fault is not None:
        raise error_of(fault, order)
    if asked.stream:
        return await _stream(desk, request, order)
    fault = desk.fault(order, "openai", "result")
    request_id = desk.number("req_")
    pictures = await made(desk, order, fault)
    if fault is not None and fault.startswith("moderation-"):
        return await error_reply(desk, request, error_of(fault, order), request_id)
    charge = desk.charge(order, request_id, pictures, fault=fault)
    if fault == "cut-charged":
        cut(request)
    if fault == "error-charged":
        return await error_reply(desk, request, error_of(fault, order), request_id)
    garbage = fault == "garbage"
    body = embedded(images_body(order, garbage=garbage), [] if garbage else pictures)
    headers = reply_headers(request_id, desk.seconds(order))
    return await deliver(request, body, desk=desk, headers=headers, charge=charge, fault=fault)


def error_of(fault: str, order: Order) -> ApiError:
    error = error_of_fault(fault, model=order.model, size=size_text(order.size))
    assert error is not None, fault
    return error


async def made(desk: Desk, order: Order, fault: str | None) -> list[bytes]:
    """The pictures of an order, painted while its latency passes."""
    *pictures, _ = await asyncio.gather(*(desk.picture(order, fault) for _ in range(order.count)), desk.wait(order))
    return [each for each in pictures if each is not None]


def usage_body(order: Order) -> dict[str, Any]:
    usage = usage_of(order)
    return {
        "total_tokens": usage.text + usage.image + usage.output,
        "input_tokens": usage.text + usage.image,
        "output_tokens": usage.output,
        "input_tokens_details": {"text_tokens": usage.text, "image_tokens": usage.image},
        "output_tokens_details": {"image_tokens": usage.output, "text_tokens": 0},
    }


def _said(order: Order) -> dict[str, Any]:
    """What a reply says of its picture: `auto` is resolved."""
    return {
        "background": order.background,
        "output_format": order.format,
        "quality": order.quality,
        "size": size_text(order.size),
    }


def images_body(order: Order, *, garbage: bool = False) -> dict[str, Any]:
    """The reply's body, with `PICTURE` for each picture."""
    data = [{"b64_json": NOT_A_PICTURE if garbage else PICTURE} for _ in range(order.count)]
    return {"created": int(time.time()), **_said(order), "data": data, "usage": usage_body(order)}


# ----------------------------------------------------------------------------------------------------------- streaming


async def _stream(desk: Desk, request: web.Request, order: Order) -> web.StreamResponse:
    """Partial pictures while the latency passes, then the whole one."""
    fault = desk.fault(order, "openai", "stream") or desk.fault(order, "openai", "result")
    request_id = desk.number("req_")
    stream = EventStream(request, reply_headers(request_id, desk.seconds(order)))
    name = "image_edit" if order.operation == "edit" else "image_generation"
    making = asyncio.ensure_future(made(desk, order, fault))
    try:
        await _send_partials(desk, stream, order, name)
    finally:
        pictures = await making  # a client that has gone does not stop the work
        moderated = fault is not None and fault.startswith("moderation-")
        charge = None if moderated else desk.charge(order, request_id, pictures, fault=fault)
    if charge is None or fault in _STREAM_ENDS:
        return await _end_badly(request, stream, order, fault or "", request_id)
    garbage = fault == "garbage"
    for picture in pictures:
        event = {
            "type": f"{name}.completed",
            "b64_json": NOT_A_PICTURE if garbage else PICTURE,
            "created_at": int(time.time()), **_said(order), "usage": usage_body(order),
        }  # fmt: skip
        data = embedded(event, [] if garbage else [picture])
        if fault == "truncated":
            await stream.send_half(event["type"], data)
            await asyncio.sleep(0.05)
            cut(request)
        await stream.send(event["type"], data)
    response = await stream.end()
    desk.delivered(charge)
    return response


async def _send_partials(desk: Desk, stream: EventStream, order: Order, name: str) -> None:
    """Each after its share of the latency. A partial picture is a picture of its own, of the least quality."""
    rough = replace(order, quality="low")
    for index in range(order.partials):
        picture, _ = await asyncio.gather(desk.picture(rough), desk.pause(desk.seconds(order) / (order.partials + 1)))
        event = {
            "type": f"{name}.partial_image", "b64_json": PICTURE,
            "partial_image_index": index, "created_at": int(time.time()), **_said(order),
        }  # fmt: skip
        await stream.send(event["type"], embedded(event, [picture]))


async def _end_badly(
    request: web.Request, stream: EventStream, order: Order, fault: str, request_id: str
) -> web.StreamResponse:
    """A stream that has no whole picture: broken off, ended in silence, or with an error event."""
    if fault == "cut-charged":
        cut(request)
    if fault == "sse-cut":
        return await stream.end()
    error = error_of("error" if fault == "sse-error" else fault, order)
    await stream.send("error", json.dumps({"type": "error", **error.body(request_id)}).encode())
    return await stream.end()
