"""OpenAI's Images API: one paid exchange a picture, and what its usage cost.

Knows the parameters that must be sent and those that must be left out, how a picture comes, whole or in a stream of
events, and what the tokens cost. Of how failures read it knows nothing; batches stand on what is exported here.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

from imagebuild.core.offer import Price
from imagebuild.core.sizes import size_text
from imagebuild.providers.base import (
    Ask,
    Attachment,
    Flow,
    Glimpse,
    Limits,
    Lost,
    Part,
    Picture,
    Refused,
    Reply,
    Request,
    ServiceFailure,
    Unknown,
    Wish,
    ask,
)
from imagebuild.providers.events import events_of
from imagebuild.providers.failures import (
    LOOK_IT_UP,
    Health,
    decoded,
    failure_of,
    json_of,
    request_id_of,
    unwell,
    words_of,
)

__all__ = ["OpenAI", "cost_of", "parameters_of", "picture_in"]

MOST_PICTURES: Final = 16
ENDINGS: Final = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}
CACHED: Final = Decimal("0.25")  # of the usual price, for text and for pictures alike
MOST_TOKENS: Final = 10**9  # a count above this is none
MILLIONTH: Final = Decimal("0.000001")


class OpenAI:
    """`model_id` is what this service calls the model; `partials` says how many glimpses to ask for, 0 to 3."""

    def __init__(
        self,
        model_id: str,
        *,
        base_url: str,
        limits: Limits,
        price: Price,
        partials: int = 0,
        name: str = "openai",
    ) -> None:
        self.name = name
        self.limits = limits
        self._model_id = model_id
        self._base_url = base_url.rstrip("/")
        self._price = price
        self._partials = min(max(partials, 0), 3)

    def flow(self, request: Request, task: Mapping[str, Any] | None = None) -> Flow:
        if task:
            raise Unknown(f"`{self.name}` keeps no tasks: there is nothing to take up again")
        _check_pictures(request, provider=self.name)
        reply = yield from ask(self._ask(request))
        if not 200 <= reply.status < 300:
            raise failure_of(reply, provider=self.name, asked=self._model_id)
        payload = self._completed(reply) if _is_stream(reply) else json_of(reply, provider=self.name)
        return picture_in(payload, reply, provider=self.name, form=request.format, price=self._price)

    def check(self) -> Generator[Wish, Any, Health]:
        """Whether the key is accepted and the model is there. Free."""
        address = f"{self._base_url}/models/{quote(self._model_id, safe='')}"
        reply = yield from ask(Ask(method="GET", url=address, patience=0.0))
        if reply.status != 200:
            return unwell(failure_of(reply, provider=self.name, asked=self._model_id))
        try:
            found = json_of(reply, provider=self.name)
        except ServiceFailure as failure:
            return unwell(failure)
        if not isinstance(found, Mapping) or "id" not in found:
            return Health(False, f"what answers is not `{self.name}`: see the base URL")
        return Health(True, f"`{self.name}` serves `{self._model_id}`")

    def _ask(self, request: Request) -> Ask:
        parameters = parameters_of(request, self._model_id)
        if self._partials:
            parameters |= {"stream": True, "partial_images": self._partials}
        glimpse = self._glimpse if self._partials else None
        if not request.references and request.mask is None:
            url = f"{self._base_url}/images/generations"
            return Ask(method="POST", url=url, json=parameters, paid=True, glimpse=glimpse)
        url = f"{self._base_url}/images/edits"
        return Ask(method="POST", url=url, form=_form(request, parameters), paid=True, glimpse=glimpse)

    def _glimpse(self, name: str, data: bytes) -> Glimpse | None:
        """The partial picture of an event, if it is one. Never fails: a glimpse is a courtesy."""
        payload = _event(data)
        if not _kind(name, payload).endswith(".partial_image"):
            return None
        index = payload.get("partial_image_index")
        try:
            shown = decoded(payload.get("b64_json"), provider=self.name)
        except ServiceFailure:
            return None
        return Glimpse(index if isinstance(index, int) else 0, self._partials, shown)

    def _completed(self, reply: Reply) -> Mapping[str, Any]:
        """The event that brings the finished picture, wherever it stands; a partial picture never counts as one."""
        failed: bytes | None = None
        begun = False
        for name, data in events_of(reply.body):
            payload = _event(data)
            kind = _kind(name, payload)
            if payload and kind.endswith(".completed"):
                return payload
            begun = begun or kind.endswith(".partial_image")
            if failed is None and (kind == "error" or kind.endswith(".failed") or payload.get("error")):
                failed = data
        if failed is not None:
            told = Reply(status=reply.status, headers=reply.headers, body=failed)
            raise failure_of(told, provider=self.name, asked=self._model_id, begun=begun)
        raise Unknown(
            f"`{self.name}` ended its stream before the picture was finished; whether it is billed is not known",
            request_id=request_id_of(reply), hint=LOOK_IT_UP,
        )  # fmt: skip


# ------------------------------------------------------------------------------------------------------ what is asked


def parameters_of(request: Request, model_id: str) -> dict[str, Any]:
    """What is said of the picture. Nothing that money or the result hangs on is left to a service's default; what GPT
    image models do not take (a seed, a response format, an input fidelity), or what is the user's to ask for
    (moderation), is never sent."""
    said: dict[str, Any] = {
        "model": model_id,
        "prompt": request.prompt,
        "n": 1,
        "size": size_text(request.size),
        "quality": request.quality,
        "output_format": request.format,
    }
    if request.background != "auto":
        said["background"] = request.background
    return said


def _check_pictures(request: Request, *, provider: str) -> None:
    """What the service would refuse is refused here: it takes so many pictures, of these kinds, and a mask as PNG."""
    wrong = None
    if len(request.references) > MOST_PICTURES:
        wrong = f"takes {MOST_PICTURES} pictures, and was to get {len(request.references)}"
    elif request.mask is not None and not request.references:
        wrong = "takes a mask only with a picture that it lies on"
    elif request.mask is not None and request.mask.media_type != "image/png":
        wrong = f"takes a mask only as PNG, not as {request.mask.media_type}"
    else:
        odd = next((each for each in request.references if each.media_type not in ENDINGS), None)
        wrong = f"takes no picture of the type {odd.media_type}" if odd is not None else None
    if wrong is not None:
        raise Refused(f"`{provider}` {wrong}", words=f"not sent: {wrong}")


def _form(request: Request, parameters: Mapping[str, Any]) -> tuple[Part, ...]:
    """An edit as a form. The files' own names are nobody's business: each is named by its place."""
    said = [Part(name, _form_text(value)) for name, value in parameters.items()]
    pictures = [
        _file("image[]", f"image-{place}.{ENDINGS[each.media_type]}", each)
        for place, each in enumerate(request.references, start=1)
    ]
    mask = [_file("mask", "mask.png", request.mask)] if request.mask is not None else []
    return (*said, *pictures, *mask)


def _file(name: str, file_name: str, picture: Attachment) -> Part:
    return Part(name, picture.data, file_name, picture.media_type)


def _form_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---------------------------------------------------------------------------------------------------------- what came


def _is_stream(reply: Reply) -> bool:
    kind = reply.header("content-type") or ""
    return kind.startswith("text/event-stream") or reply.body.startswith((b"event:", b"data:", b":"))


def _event(data: bytes) -> Mapping[str, Any]:
    try:
        payload = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _kind(name: str, payload: Mapping[str, Any]) -> str:
    said = payload.get("type")
    return said if isinstance(said, str) else name


def _only(body: object) -> Mapping[str, Any]:
    """The reply's own fields and its picture's, as an event has them: side by side."""
    if not isinstance(body, dict):
        return {}
    pictures = body.get("data")
    first = pictures[0] if isinstance(pictures, list) and pictures else None
    return {**body, **first} if isinstance(first, dict) else body


def picture_in(
    body: object, reply: Reply, *, provider: str, form: str, price: Price, share: Decimal = Decimal(1)
) -> Picture:
    """The picture of a completed reply. `form` is the format that was asked for, `share` what part of the price is
    due (a batch's half)."""
    request_id = request_id_of(reply)
    payload = _only(body)
    if "b64_json" not in payload:
        if payload.get("error"):
            told = Reply(status=200, headers=reply.headers, body=json.dumps({"error": payload["error"]}).encode())
            raise failure_of(told, provider=provider)
        raise Lost(
            f"`{provider}` answered without a picture", request_id=request_id,
            words=words_of("a success that holds only: " + ", ".join(sorted(map(str, payload)))),
        )  # fmt: skip
    data = decoded(payload["b64_json"], provider=provider, request_id=request_id)
    answered = {
        name: payload[name]
        for name in ("model", "size", "quality", "background", "output_format", "created", "created_at", "usage")
        if isinstance(payload.get(name), str | int | dict)
    }
    took = reply.header("openai-processing-ms") or ""
    if took.isascii() and took.isdigit() and len(took) < 12:
        answered["processing_ms"] = int(took)
    said = payload.get("output_format")
    media_type = f"image/{said}" if f"image/{said}" in ENDINGS else f"image/{form}"
    cost = cost_of(payload.get("usage"), price)
    return Picture(
        data=data, media_type=media_type, cost=None if cost is None else cost * share, request_id=request_id,
        answered=answered,
    )  # fmt: skip


def cost_of(usage: object, price: Price) -> Decimal | None:
    """What the tokens of a usage cost; None when either does not say. Where a usage does not say of which kind some
    tokens are, they count as the dearer kind."""
    if price.flat is not None:
        return price.flat
    if price.text_in is None or price.image_in is None or price.image_out is None or not isinstance(usage, Mapping):
        return None
    taken, given = _count(usage, "input_tokens"), _count(usage, "output_tokens")
    if taken is None or given is None:
        return None
    details = usage.get("input_tokens_details")
    text = min(_count(details, "text_tokens") or 0, taken)
    image = taken - text
    cached_text, cached_image = _cached(details, text, image)
    cost = (
        price.text_in * (text - cached_text + CACHED * cached_text)
        + price.image_in * (image - cached_image + CACHED * cached_image)
        + price.image_out * given
    )
    return (cost * MILLIONTH).normalize()


def _cached(details: object, text: int, image: int) -> tuple[int, int]:
    """How many of the text's and of the pictures' tokens were cached."""
    split = details.get("cached_tokens_details") if isinstance(details, Mapping) else None
    if isinstance(split, Mapping):
        return min(_count(split, "text_tokens") or 0, text), min(_count(split, "image_tokens") or 0, image)
    cached = _count(details, "cached_tokens") or 0
    of_text = min(cached, text)
    return of_text, min(cached - of_text, image)


def _count(values: object, name: str) -> int | None:
    found = values.get(name) if isinstance(values, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= MOST_TOKENS else None
