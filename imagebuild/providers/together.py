"""Together AI: one POST, one picture, at a flat price. Sizes in pixels, jpeg unless png is asked for, no quality.

Asks for base64, so that there is no address that expires; reads an address all the same. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final

from imagebuild.core.offer import Price
from imagebuild.providers.base import Ask, Attachment, Flow, Limits, Request, ServiceFailure, Wish, ask
from imagebuild.providers.failures import Health, failure_of, json_of, unwell
from imagebuild.providers.fetch import picture_from, resumed
from imagebuild.providers.wording import check_sayable, data_url

__all__ = ["Together"]

FORMATS: Final = ("png", "jpeg")


@dataclass(frozen=True, slots=True)
class Together:
    """`reference_url` gives the public address of a reference picture; without it they go along as data URLs."""

    model_id: str
    _: KW_ONLY
    base_url: str
    limits: Limits
    price: Price
    references: int = 16
    reference_url: Callable[[Attachment], str] | None = None
    name: str = "together"

    def flow(self, request: Request, task: Mapping[str, Any] | None = None) -> Flow:
        if task is not None:
            return (yield from resumed(task, provider=self.name, base_url=self.base_url))
        check_sayable(request, provider=self.name, formats=FORMATS, references=self.references)
        reply = yield from ask(
            Ask(
                method="POST",
                url=self.base_url.rstrip("/") + "/images/generations",
                json=self._body(request),
                paid=True,
            )
        )
        return (
            yield from picture_from(
                reply, provider=self.name, base_url=self.base_url, price=self.price.flat, asked=self.model_id,
                full_503=True,
            )
        )  # fmt: skip

    def check(self) -> Generator[Wish, Any, Health]:
        """Whether the key is accepted, and the model listed."""
        reply = yield from ask(Ask(method="GET", url=self.base_url.rstrip("/") + "/models", patience=0.0))
        if not 200 <= reply.status < 300:
            return unwell(failure_of(reply, provider=self.name, asked=self.model_id, full_503=True))
        try:
            models = json_of(reply, provider=self.name)
        except ServiceFailure as failure:
            return unwell(failure)
        models = models.get("data") if isinstance(models, Mapping) else models
        ids = [each.get("id") for each in models if isinstance(each, Mapping)] if isinstance(models, list) else []
        if self.model_id in ids or not ids:
            return Health(True, "the key is accepted")
        return Health(True, f"the key is accepted; `{self.model_id}` is not among the models it lists")

    def _body(self, request: Request) -> dict[str, object]:
        """No `steps` and no `seed`: they mean nothing to this model."""
        width, height = request.size
        body: dict[str, object] = {
            "model": self.model_id,
            "prompt": request.prompt,
            "width": width,
            "height": height,
            "n": 1,
            "response_format": "base64",
            "output_format": request.format,
        }
        urls = [(self.reference_url or data_url)(each) for each in request.references]
        if len(urls) == 1:
            body["image_url"] = urls[0]
        elif urls:
            body["reference_images"] = urls
        return body
