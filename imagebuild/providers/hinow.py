"""HInow.ai: one POST, one picture, at a flat price. The options lie in `parameters`, a size is a ratio and a tier.

The shape of its answers is not published, so it is read by the tolerant reader. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any, Final, Literal

from imagebuild.core.offer import Price
from imagebuild.providers.base import Ask, Flow, Limits, Request, Wish, ask
from imagebuild.providers.failures import Health, failure_of
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
            return (yield from resumed(task, provider=self.name, base_url=self.base_url, cost=self.price.flat))
        check_sayable(request, provider=self.name, formats=FORMATS, references=self.references)
        path, body = self._order(request)
        reply = yield from ask(Ask(method="POST", url=self.base_url.rstrip("/") + path, json=body, paid=True))
        return (
            yield from picture_from(
                reply, provider=self.name, base_url=self.base_url, cost=self.price.flat, asked=self.model_id
            )
        )

    def check(self) -> Generator[Wish, Any, Health]:
        """Whether the key is accepted. No free request is documented: an answer that does not speak of the key counts
        for it."""
        reply = yield from ask(Ask(method="GET", url=self.base_url.rstrip("/") + "/models", patience=10))
        if 200 <= reply.status < 300:
            return Health(True, "the key is accepted")
        if reply.status in (401, 402, 403):
            return Health(False, failure_of(reply, provider=self.name, asked=self.model_id).what)
        if reply.status >= 500:
            return Health(False, f"`{self.name}` answers {reply.status} just now")
        return Health(True, f"`{self.name}` answers; it has no free request that would try the key")

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
