"""Steps a flow by hand, as the build's driver does, with replies that are given beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from imagebuild.core.frames import Frame, Framing, frame_of
from imagebuild.core.sizes import Size, SizeRules
from imagebuild.providers.base import Ask, Note, Picture, Reply, Request

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(64))
WEBP = b"RIFF\x24\x00\x00\x00WEBP" + bytes(range(64))


RULES = SizeRules(multiple=16, longest=3840, widest=Fraction(3), least_pixels=655_360, most_pixels=8_294_400)
FRAMING = Framing(("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3"), ("1k", "2k", "4k"))


def frame(size: Size) -> Frame | None:
    """The words for a size, as a plan finds them for a service of ratios and tiers."""
    return frame_of(size, FRAMING, RULES)


def request(**changes: Any) -> Request:
    given: dict[str, Any] = {
        "key": "sha256:k", "operation": "generate", "model": "gpt-image-2", "prompt": "A kettle {on} a table.",
        "size": (1024, 1024), "quality": "low", "format": "png",
    }  # fmt: skip
    return Request(**(given | changes))


def answered(body: object, status: int = 200, whole: bool = True, **headers: str) -> Reply:
    """A reply with a JSON body; header names are written with `_`."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(
        status=status, body=data, whole=whole, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )


class Run(NamedTuple):
    """How a flow went: what it returned, and everything it wanted on the way."""

    value: Any
    asks: list[Ask]
    notes: list[Mapping[str, Any]]

    @property
    def picture(self) -> Picture:
        assert isinstance(self.value, Picture)
        return self.value


class Ended(Exception):  # a test gave fewer replies than the flow asked for
    pass


def run(flow: Any, replies: Iterable[Reply | Exception], seen: Run | None = None, *, spare: bool = False) -> Run:
    """Step the flow to its end: each reply answers one `Ask`; an exception is thrown in. A failure of the flow is
    raised; what it wanted until then is in `seen`. `spare`: not every reply has to be asked for."""
    waiting = iter(replies)
    asks: list[Ask] = seen.asks if seen else []
    notes: list[Mapping[str, Any]] = seen.notes if seen else []
    try:
        wish = next(flow)
        while True:
            if isinstance(wish, Note):
                json.dumps(wish.task)  # it goes to disk
                notes.append(wish.task)
                wish = flow.send(None)
                continue
            assert isinstance(wish, Ask)
            asks.append(wish)
            reply = next(waiting, None)
            if reply is None:
                raise Ended(wish.url)
            wish = flow.throw(reply) if isinstance(reply, Exception) else flow.send(reply)
    except StopIteration as end:
        assert spare or next(waiting, None) is None, "the flow did not ask for every reply"
        return Run(end.value, asks, notes)


def nothing_seen() -> Run:
    return Run(None, [], [])
