"""What is at which address: the page, what it shows, and the decisions that come back.

Every address begins with `/r/TOKEN/`; what follows is matched as it was sent, without decoding, against the few forms
that exist, so there is no path that could lead anywhere else. A desk is asked in threads; the loop never waits for one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Executor
from typing import Final, NamedTuple, TypeVar

from aiohttp import web

from imagebuild.errors import ImagebuildError
from imagebuild.review.connections import Connection
from imagebuild.review.desk import THUMB_WIDTHS, Desk, Served
from imagebuild.review.live import Live
from imagebuild.review.replies import FOREVER, JSON, Packed, Packer, headers, json_reply, refused, reply
from imagebuild.review.safety import Gate, Refusal, media_of, only_parameter, read_decisions

__all__ = ["INDEX", "PAGE_TYPES", "Site", "suffix"]

T = TypeVar("T")
_log: Final = logging.getLogger(__name__)

INDEX: Final = "index.html"
PAGE_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_EVENTS: Final = "text/event-stream; charset=utf-8"
_LARGEST_BODY: Final = 8 << 20  # 500 decisions, each with the longest reason there may be, in any script
_MOST_HEADERS: Final = 100  # no browser sends half of it
_BODY_SECONDS: Final = 60.0

_ADDRESS: Final = re.compile(r"/r/([^/]*)(/?)(.*)", re.DOTALL)
_DIGEST: Final = "([0-9a-f]{64})"
_FETCHED: Final = ("api/", "compare/")  # what the page's own code asks for, and reads


def suffix(name: str) -> str:
    return name[name.rfind(".") :]


class _Asked(NamedTuple):
    """A request that was let in."""

    request: web.BaseRequest
    who: str
    query: str
    parts: tuple[str, ...]  # what its address names

    @property
    def takes_gzip(self) -> bool:
        offered = [each.strip().lower() for each in self.request.headers.get("Accept-Encoding", "").split(",")]
        return any(re.fullmatch(r"gzip(;\s*q=(1(\.0*)?|0\.\d*[1-9]\d*))?", each) for each in offered)


_Answer = Callable[[_Asked], Awaitable[web.StreamResponse]]


class Site:
    """Answers requests by asking the desk."""

    def __init__(
        self, desk: Desk, gate: Gate, pages: Mapping[str, bytes], live: Live, words: Executor, pictures: Executor
    ) -> None:
        self._desk = desk
        self._gate = gate
        self._pages = pages
        self._live = live
        self._words = words
        self._pictures = pictures
        self._packer = Packer()
        routes: dict[str, _Answer] = {
            "": self._page,
            r"page/([a-z0-9_-]+\.[a-z]+)": self._page,
            "api/board": self._board,
            "api/asset": self._asset,
            "api/own": self._own,
            "api/decisions": self._decide,
            "api/live": self._listen,
            f"thumb/{_DIGEST}/({'|'.join(map(str, THUMB_WIDTHS))})\\.webp": self._picture,
            f"picture/{_DIGEST}": self._picture,
            f"compare/{_DIGEST}/{_DIGEST}": self._compare,
            f"difference/{_DIGEST}/{_DIGEST}\\.png": self._picture,
        }
        self._routes = [(re.compile(form), answer) for form, answer in routes.items()]

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Any request, whoever sent it, and whatever goes wrong."""
        path, _, query = request.raw_path.partition("?")
        address = _ADDRESS.fullmatch(path)
        as_json = address is not None and address[3].startswith(_FETCHED)
        try:
            if len(request.headers) > _MOST_HEADERS:
                raise Refusal(400, "this is not a request that can be read")
            self._gate.check_host(request.raw_path, request.headers.getall("Host", []))
            if address is None:
                raise Refusal(404, "there is nothing here", "open the address that `imagebuild review` printed")
            who = self._gate.person(address[1])
            if isinstance(request.protocol, Connection):
                request.protocol.let_in()
            if not address[2]:
                return self._with_slash(request, address[1])
            return await self._let_in(request, who, address[3], query)
        except Refusal as no:
            more = {"Allow": no.allow} if no.allow else None
            return refused(no.status, no.what, no.hint or "", as_json=as_json, more=more)
        except ImagebuildError as bad:
            hints = [each.hint for each in bad.problems if each.hint]
            return refused(409, bad.what, hints[0] if hints else "", as_json=as_json)
        except ConnectionError:  # whoever asked has gone
            raise
        except Exception:
            _log.exception("the review met a fault of its own")
            hint = "where `imagebuild review` runs, it says more"
            return refused(500, "the review met a fault of its own", hint, as_json=as_json)

    def _with_slash(self, request: web.BaseRequest, token: str) -> web.Response:
        """The page's own addresses are relative, so it has to be a folder's."""
        if request.method not in ("GET", "HEAD"):
            raise Refusal(405, "nothing can be sent here", allow="GET, HEAD")
        self._gate.check_reading(request.headers, is_index=True)
        return refused(302, "the page is one slash further", "", as_json=False, more={"Location": f"/r/{token}/"})

    async def _let_in(self, request: web.BaseRequest, who: str, rest: str, query: str) -> web.StreamResponse:
        found = next(((match, answer) for form, answer in self._routes if (match := form.fullmatch(rest))), None)
        if found is None:
            raise Refusal(404, "there is nothing here")
        match, answer = found
        if answer == self._decide:
            if request.method != "POST":
                raise Refusal(405, "decisions are sent here, with POST", allow="POST")
            many = request.headers.getall
            host = request.headers["Host"]
            self._gate.check_writing(host, many("Origin", []), request.headers, many("Content-Type", []))
        else:
            if request.method not in ("GET", "HEAD"):
                raise Refusal(405, "nothing can be sent here", allow="GET, HEAD")
            self._gate.check_reading(request.headers, is_index=not rest)
        return await answer(_Asked(request, who, query, (rest.partition("/")[0], *match.groups())))

    async def _page(self, asked: _Asked) -> web.StreamResponse:
        name = asked.parts[1] if asked.parts[1:] else INDEX
        data = self._pages.get(name)
        if data is None or (asked.parts[1:] and name == INDEX):
            raise Refusal(404, "the page has no such file")
        return reply(200, data, PAGE_TYPES[suffix(name)])

    async def _board(self, asked: _Asked) -> web.StreamResponse:
        return await self._json(asked, lambda: self._desk.board(asked.who), keep=True)

    async def _asset(self, asked: _Asked) -> web.StreamResponse:
        address = only_parameter(asked.query, "address")
        return await self._json(asked, lambda: self._desk.asset(asked.who, address))

    async def _own(self, asked: _Asked) -> web.StreamResponse:
        return await self._json(asked, lambda: self._desk.own(asked.who))

    async def _compare(self, asked: _Asked) -> web.StreamResponse:
        _, before, after = asked.parts
        return await self._json(asked, lambda: self._desk.compare(before, after))

    async def _listen(self, asked: _Asked) -> web.StreamResponse:
        if asked.request.method == "HEAD":
            return reply(200, b"", _EVENTS)
        response = web.StreamResponse(headers={**headers(_EVENTS), "X-Accel-Buffering": "no"})
        await self._live.serve(asked.request, response)
        return response

    async def _decide(self, asked: _Asked) -> web.StreamResponse:
        body = await _body(asked.request)

        def decided() -> tuple[bytes, bool]:
            answer = self._desk.decide(asked.who, read_decisions(body))
            told = {**answer, "started": self._live.started}
            return json.dumps(told, allow_nan=False).encode(), bool(answer.get("accepted"))

        data, is_news = await _in(self._words, decided)
        if is_news:
            self._live.ask_now()
        return reply(200, data, JSON)

    async def _picture(self, asked: _Asked) -> web.StreamResponse:
        """A picture and nothing else, whatever the desk believes that it is."""

        def served() -> Served | None:
            match asked.parts:
                case ("thumb", digest, width):
                    return self._desk.thumb(digest, int(width))
                case ("difference", before, after):
                    return self._desk.difference(before, after)
                case _:
                    return self._desk.picture(asked.parts[1])

        found = await _in(self._pictures, served)
        media_type = media_of(found.data) if found else None
        if found is None or media_type is None:
            raise Refusal(404, "there is no such picture")
        return reply(200, found.data, media_type, cache=FOREVER)

    async def _json(self, asked: _Asked, make: Callable[[], bytes | None], *, keep: bool = False) -> web.StreamResponse:
        takes_gzip = asked.takes_gzip

        def packed() -> Packed | None:
            data = make()
            return None if data is None else self._packer.pack(data, may_pack=takes_gzip, keep=keep)

        found = await _in(self._words, packed)
        if found is None:
            raise Refusal(404, "the campaign has no such picture")
        return json_reply(asked.request, found)


async def _in(threads: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, work)


async def _body(request: web.BaseRequest) -> bytes:
    """What was sent, as far as it is plain, small enough and comes in time."""
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refusal(415, "a body is sent unpacked")
    too_large = Refusal(413, f"a body of more than {_LARGEST_BODY >> 20} MB", "send the decisions in parts")
    if (request.content_length or 0) > _LARGEST_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for part in request.content.iter_any():
                body += part
                if len(body) > _LARGEST_BODY:
                    raise too_large
    except TimeoutError:
        raise Refusal(408, "the body did not arrive in time") from None
    except web.RequestPayloadError:
        raise Refusal(400, "the body is not whole") from None
    return bytes(body)
