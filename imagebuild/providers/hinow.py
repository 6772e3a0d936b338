"""HInow.ai: one POST, one picture, at a flat price. The options lie in `parameters`, a size is a ratio and a tier.

The shape of its answers is not published, so it is read by the tolerant reader. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Literal

from imagebuild.core.offer import Price
from imagebuild.providers.base import Ask, Flow, Limits, Request, Wish, ask
from imagebuild.providers.failures import Health, failure_of, unwell
from imagebuild.providers.fetch import picture_from, resumed
from imagebuild.providers.wording import FrameOf, check_sayable, data_url, frame_for

__all__ = ["HiNow"]

FORMATS: Final = ("png", "jpeg", "webp")


@dataclass(frozen=True, slots=True)
class HiNow:
    """`model_id` is the pinned `openai/gpt-image-2-2026-04-21` or the floating `openai/gpt-image-2`. The chat route is
    the same request as a message."""

    model_id: str
    _: KW_ONLY
    base_url: str
    limits: Limits
    price: Price
    frame_of: FrameOf
    route: Literal["images", "chat"] = "images"
    references: int = 16
    name: str = "hinow"

    def flow(self, request: Request, task: Mapping[str, Any] | None = None) -> Flow:
        if task is not None:
            return (yield from resumed(task, provider=self.name, base_url=self.base_url))
        check_sayable(request, provider=self.name, formats=FORMATS, references=self.references)
        path, body = self._order(request)
        reply = yield from ask(Ask(method="POST", url=self.base_url.rstrip("/") + path, json=body, paid=True))
        return (
            yield from picture_from(
                reply, provider=self.name, base_url=self.base_url, price=self.price.flat, asked=self.model_id
            )
        )

    def check(self) -> Generator[Wish, Any, Health]:
        """Whether it answers. No free request is documented that would try the key; but it may say no to one."""
        reply = yield from ask(Ask(method="GET", url=self.base_url.rstrip("/") + "/models", patience=0.0))
        if reply.status in (401, 402, 403, 429) or reply.status >= 500:
            return unwell(failure_of(reply, provider=self.name, asked=self.model_id))
        return Health(None, "it answers; whether it accepts the key shows only when a picture is paid for")

    def _order(self, request: Request) -> tuple[str, dict[str, object]]:
        ratio, tier = frame_for(request.size, self.frame_of, provider=self.name)
        parameters = {
            "aspect_ratio": ratio,
            "resolution": tier,
            "output_format": request.format,
            "num_images": "1",  # a text, as its own sample sends it
        }
        if request.quality in ("low", "medium", "high"):
            parameters["quality"] = request.quality
        images = [data_url(each) for each in request.references]
        body: dict[str, object] = {"model": self.model_id}
        if self.route == "chat":
            parts = [{"type": "text", "text": request.prompt}]
            pictures = [{"type": "image_url", "image_url": {"url": image}} for image in images]
            content: object = [*parts, *pictures] if pictures else request.prompt
            # Its chat sample shows no parameters; they are listed for the model, whatever the route.
            return "/chat/completions", body | {
                "messages": [{"role": "user", "content": content}],
                "parameters": parameters,
            }
        body |= {"prompt": request.prompt, "parameters": parameters}
        return "/images", body | ({"images": images} if images else {})
