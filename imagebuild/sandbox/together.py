"""Together AI's protocol: pictures in pixels at `/images/generations`, in base64 or at an address, JPEG or PNG.

Its SDK of today puts the `/v1` in front of each path itself, older ones have it in their base URL: both are served.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from aiohttp import web

from imagebuild.sandbox.body import Body, Wrong
from imagebuild.sandbox.desk import Desk, Order, deliver
from imagebuild.sandbox.files import keep, link
from imagebuild.sandbox.framing import size_mistake
from imagebuild.sandbox.outward import BadReference, reference
from imagebuild.sandbox.refusals import Refusal, answering, refusal, rejected, wrong
from imagebuild.sandbox.sale import Sale, encoded, sell

__all__ = ["MODEL", "PREFIX", "routes"]

PREFIX: Final = "/together/v1"
MODEL: Final = "openai/gpt-image-2"
_THROTTLED: Final = "dynamic_request_limited"
_DIFFUSION: Final = ("steps", "seed", "negative_prompt", "guidance_scale", "image_loras", "aspect_ratio")
_KNOWN: Final = (
    "model", "prompt", "width", "height", "n", "response_format", "output_format", "image_url", "reference_images",
    "disable_safety_checker",
)  # fmt: skip
_MOST_PROMPT = 32_000
_MOST_BYTES = 100_000_000
_MOST_EDGE = 10_000


class _Together:
    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def generate(self, request: web.Request, data: bytes, ray: str) -> web.StreamResponse:
        desk = self._desk
        self._check_key(request)
        try:
            body = Body.parse(data)
            linked = body.choice("response_format", ("base64", "url"), "url") == "url"
            order = await _order(body)
        except Wrong as mistake:
            raise wrong(mistake) from None
        sale = await sell(desk, request, order, ray, partial(_refusal, model=order.model, request_id=ray))
        data_field = self._linked(request, order, sale) if linked else _inline(sale)
        reply = {"id": desk.number("img-"), "model": order.model, "object": "list", "data": data_field}
        headers = {**_headers(ray), "x-total-time": f"{desk.seconds(order):.3f}"}
        return await deliver(
            request, reply, desk=desk, headers=headers, charge=None if linked else sale.charge, fault=sale.fault
        )

    async def models(self, request: web.Request, _data: bytes, ray: str) -> web.StreamResponse:
        """A bare list, as it is published."""
        self._check_key(request)
        model = {
            "id": MODEL, "object": "model", "created": 1776643200, "type": "image", "display_name": "GPT Image 2",
            "organization": "OpenAI",
        }  # fmt: skip
        return await deliver(request, json.dumps([model]).encode(), desk=self._desk, headers=_headers(ray))

    def _check_key(self, request: web.Request) -> None:
        if not self._desk.authorized(request):
            raise _refusal("bad-key")

    def _linked(self, request: web.Request, order: Order, sale: Sale) -> list[dict[str, Any]]:
        addresses = [link(request, keep(self._desk, each, order, sale.charge)) for each in sale.pictures]
        return [{"index": index, "type": "url", "url": each} for index, each in enumerate(addresses)]


def _inline(sale: Sale) -> list[dict[str, Any]]:
    return [
        {"index": index, "type": "b64_json", "b64_json": encoded(each)} for index, each in enumerate(sale.pictures)
    ]  # fmt: skip


def _headers(ray: str) -> Mapping[str, str]:
    return {
        "cf-ray": ray, "x-hostname": "sandbox", "x-ratelimit-limit": "60", "x-ratelimit-remaining": "59",
        "x-ratelimit-reset": "1", "x-ratelimit-limit-dynamic": "60",
    }  # fmt: skip


def _refusal(fault: str, *, model: str = "", request_id: str = "") -> Refusal:
    """As OpenAI's, but it passes on a moderation's words only, and says which of its rates was passed."""
    found = refusal(fault, model=model, request_id=request_id)
    error = found.body["error"]
    if fault.startswith("moderation-"):
        return rejected(400, error["message"])
    if fault.startswith("rate-"):
        return rejected(429, error["message"], "rate_limit", headers=found.headers, error_type=_THROTTLED)
    return found


async def _order(body: Body) -> Order:
    """What belongs to diffusion models is taken and passed over, as the published samples expect."""
    body.only(*_KNOWN, *_DIFFUSION)
    model = body.text("model", most=200)
    if model != MODEL:
        raise _refusal("no-model", model=model)
    prompt = body.text("prompt", most=_MOST_PROMPT)
    width, height = (body.whole(each, least=1, most=_MOST_EDGE, default=1024) for each in ("width", "height"))
    mistake = size_mistake((width, height))
    if mistake is not None:
        raise Wrong(mistake, param="width")
    addresses = body.texts("reference_images", most=16)
    if "image_url" in body:
        addresses = (body.text("image_url", most=_MOST_BYTES * 2), *addresses)
    try:
        references = [await reference(each, most=_MOST_BYTES) for each in addresses]
    except BadReference as bad:
        raise rejected(400, f"Invalid image: {bad.what}.", param="image_url") from None
    return Order(
        provider="together", operation="edit" if references else "generate", model=model, prompt=prompt,
        size=(width, height), quality="medium", format=body.choice("output_format", ("jpeg", "png"), "jpeg"),
        references=tuple(references), count=body.whole("n", least=1, most=4, default=1),
    )  # fmt: skip


def routes(desk: Desk) -> list[web.RouteDef]:
    together = _Together(desk)
    answered = partial(answering, desk, "together", prefix="9a1f4c02", headers=_headers)
    return [
        route
        for prefix in (PREFIX, PREFIX + "/v1")
        for route in (
            web.post(f"{prefix}/images/generations", answered(together.generate)),
            web.get(f"{prefix}/models", answered(together.models)),
        )
    ]
