"""HInow.ai's protocol: pictures at `/images`, options nested in `parameters`, and the chat route.

What its replies look like is not published, so they come in one of several shapes (`hinow-shape`, else each drawn
anew), and a client has to read them all. Its errors are taken to be OpenAI's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any, Final, NamedTuple

from aiohttp import web

from imagebuild.sandbox.body import Body, Wrong
from imagebuild.sandbox.desk import Desk, Order, deliver
from imagebuild.sandbox.faults import SHAPES
from imagebuild.sandbox.files import keep, link
from imagebuild.sandbox.framing import RATIOS, TIERS, framed
from imagebuild.sandbox.outward import BadReference, reference
from imagebuild.sandbox.refusals import answering, refusal, rejected, wrong
from imagebuild.sandbox.sale import Sale, encoded, sell

__all__ = ["MODELS", "PREFIX", "routes"]

PREFIX: Final = "/hinow/v1"
EDIT: Final = "openai/gpt-image-2-edit"
MODELS: Final = ("openai/gpt-image-2", "openai/gpt-image-2-2026-04-21", EDIT)
_EDIT_RATIOS: Final = (*RATIOS, "4:5", "5:4", "21:9")
_LINKED: Final = frozenset({"data-url", "images-object", "output", "url"})  # the shapes whose pictures are addresses
_MOST_PROMPT = 32_000
_MOST_BYTES = 50_000_000


class _Asked(NamedTuple):
    model: str
    prompt: str
    images: tuple[str, ...]
    parameters: Body


_Write = Callable[[str, Sequence[str], str, Order], Mapping[str, Any]]


class _Hinow:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._shaped = 0

    async def images(self, request: web.Request, data: bytes, request_id: str) -> web.StreamResponse:
        return await self._answer(request, data, request_id, _read_images, _images_reply)

    async def chat(self, request: web.Request, data: bytes, request_id: str) -> web.StreamResponse:
        return await self._answer(request, data, request_id, _read_chat, _chat_reply)

    async def _answer(
        self, request: web.Request, data: bytes, request_id: str, read: Callable[[Body], _Asked], write: _Write
    ) -> web.StreamResponse:
        desk = self._desk
        if not desk.authorized(request):
            raise refusal("bad-key")
        try:
            order = await _order(read(Body.parse(data)))
        except Wrong as mistake:
            raise wrong(mistake) from None
        refused = partial(refusal, model=order.model, request_id=request_id)
        sale = await sell(desk, request, order, request_id, refused)
        shape = self._shape()
        linked = shape in _LINKED
        pictures = self._addresses(request, order, sale) if linked else _inline(order, sale)
        return await deliver(
            request, write(shape, pictures, request_id, order), desk=desk, headers=_headers(request_id),
            charge=None if linked else sale.charge, fault=sale.fault,
        )  # fmt: skip

    def _shape(self) -> str:
        faults = self._desk.faults
        self._shaped += 1
        return faults.hinow_shape or Random(f"{faults.seed}:{self._shaped}:shape").choice(SHAPES)

    def _addresses(self, request: web.Request, order: Order, sale: Sale) -> list[str]:
        return [link(request, keep(self._desk, each, order, sale.charge)) for each in sale.pictures]


def _read_images(body: Body) -> _Asked:
    body.only("model", "prompt", "images", "parameters")
    model = _model(body)
    images = body.texts("images", least=1 if model == EDIT else 0, most=4 if model == EDIT else 16)
    return _Asked(model, body.text("prompt", most=_MOST_PROMPT), images, body.inner("parameters"))


def _read_chat(body: Body) -> _Asked:
    """The last message's text is the prompt; pictures beside it are references."""
    body.only("model", "messages", "parameters")
    messages = body.value("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    texts, images = [content] if isinstance(content, str) else [], []
    for part in content if isinstance(content, list) else []:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "text" and isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif kind == "image_url" and isinstance(part.get("image_url"), dict):
            images.append(str(part["image_url"].get("url")))
    if not any(texts):
        raise body.wrong("messages", "expected a last message with a text")
    return _Asked(_model(body), "\n".join(texts), tuple(images), body.inner("parameters"))


def _model(body: Body) -> str:
    model = body.text("model", most=200)
    if model not in MODELS:
        raise refusal("no-model", model=model)
    return model


async def _order(asked: _Asked) -> Order:
    body = asked.parameters
    body.only("quality", "aspect_ratio", "resolution", "output_format", "num_images")
    ratio = body.choice("aspect_ratio", _EDIT_RATIOS if asked.model == EDIT else RATIOS, "1:1")
    size = framed(ratio, body.choice("resolution", TIERS, "1k"))
    try:
        references = [await reference(each, most=_MOST_BYTES) for each in asked.images]
    except BadReference as bad:
        raise rejected(400, f"Invalid image: {bad.what}.", code="invalid_image", param="images") from None
    return Order(
        provider="hinow", operation="edit" if references else "generate", model=asked.model, prompt=asked.prompt,
        size=size, quality=body.choice("quality", ("low", "medium", "high"), "medium"),
        format=body.choice("output_format", ("png", "jpeg", "webp"), "png"), references=tuple(references),
        count=body.whole("num_images", least=1, most=10, default=1, as_text=True),
    )  # fmt: skip


def _inline(order: Order, sale: Sale) -> list[str]:
    """The pictures as data URLs."""
    return [f"data:image/{order.format};base64,{encoded(each)}" for each in sale.pictures]


def _images_reply(shape: str, pictures: Sequence[str], request_id: str, order: Order) -> Mapping[str, Any]:
    if shape == "data-b64":
        data: list[dict[str, Any]] = [{"b64_json": each.partition(",")[2]} for each in pictures]
        return {"created": int(time.time()), "data": data}
    if shape == "data-url":
        return {"created": int(time.time()), "data": [{"url": each} for each in pictures]}
    if shape == "images-string":
        return {"id": request_id, "model": order.model, "images": list(pictures)}
    if shape == "images-object":
        content_type = f"image/{order.format}"
        return {"id": request_id, "images": [{"url": each, "content_type": content_type} for each in pictures]}
    if shape == "output":
        return {"id": request_id, "status": "succeeded", "output": list(pictures)}
    return {"url": pictures[0], "urls": list(pictures)}


def _chat_reply(shape: str, pictures: Sequence[str], request_id: str, order: Order) -> Mapping[str, Any]:
    parts = [{"type": "image_url", "image_url": {"url": each}} for each in pictures]
    message: dict[str, Any] = {"role": "assistant"}
    if shape == "data-b64":
        message["content"] = pictures[0]
    elif shape in ("images-string", "output"):
        message["content"] = "\n\n".join(f"![{order.prompt[:40]}]({each})" for each in pictures)
    elif shape == "images-object":
        message["content"] = [{"type": "text", "text": "Here is your picture."}, *parts]
    else:
        message |= {"content": "", "images": parts}
    return {
        "id": request_id, "object": "chat.completion", "created": int(time.time()), "model": order.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }  # fmt: skip


def _headers(request_id: str) -> Mapping[str, str]:
    return {"x-request-id": request_id}


def routes(desk: Desk) -> list[web.RouteDef]:
    hinow = _Hinow(desk)
    answered = partial(answering, desk, "hinow", prefix="req_", headers=_headers)
    return [
        web.post(f"{PREFIX}/images", answered(hinow.images)),
        web.post(f"{PREFIX}/chat/completions", answered(hinow.chat)),
    ]
