"""What leaves the server: every reply under the same headers, and JSON in the form that costs least to send."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import web

from imagebuild.review.safety import HEADERS

__all__ = ["FOREVER", "JSON", "NEVER", "Packed", "Packer", "headers", "json_reply", "refused", "reply"]

JSON: Final = "application/json; charset=utf-8"
NEVER: Final = "no-store"
FOREVER: Final = "private, max-age=31536000, immutable"  # what is addressed by its digest never changes
_SMALL: Final = 1024  # bytes that are not worth packing
_KEPT: Final = 8


def headers(media_type: str, cache: str = NEVER) -> dict[str, str]:
    return {**HEADERS, "Content-Type": media_type, "Cache-Control": cache}


def reply(
    status: int, body: bytes, media_type: str, *, cache: str = NEVER, more: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(status=status, body=body, headers={**headers(media_type, cache), **(more or {})})


def refused(status: int, what: str, hint: str, *, as_json: bool, more: Mapping[str, str] | None = None) -> web.Response:
    """What is wrong and what to do: for the page's own code, or for a person who opened the address."""
    if as_json:
        body, media_type = json.dumps({"what": what, "hint": hint}).encode(), JSON
    else:
        body, media_type = (f"{what}\n" + (f"\n{hint}\n" if hint else "")).encode(), "text/plain; charset=utf-8"
    found = reply(status, body, media_type, more=more)
    if status in (400, 408, 413):  # the rest of such a request is not worth waiting for
        found.force_close()
    return found


class Packed(NamedTuple):
    """JSON with its identity, and packed where that was asked for and is worth it."""

    etag: str
    data: bytes
    packed: bytes | None


class Packer:
    """Packs JSON; a large one that is asked for again and again is packed once. Called from threads."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def pack(self, data: bytes, *, may_pack: bool, keep: bool = False) -> Packed:
        # weak: the same text packed and unpacked is the same to who asks
        etag = f'W/"{hashlib.sha256(data).hexdigest()[:32]}"'
        if not may_pack or len(data) <= _SMALL:
            return Packed(etag, data, None)
        with self._turn:
            packed = self._kept.get(etag)
        if packed is None:
            packed = gzip.compress(data, 4, mtime=0)
            if keep:
                self._keep(etag, packed)
        return Packed(etag, data, packed)

    def _keep(self, etag: str, packed: bytes) -> None:
        with self._turn:
            self._kept[etag] = packed
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)


def json_reply(request: web.BaseRequest, found: Packed) -> web.Response:
    """The JSON, or 304 where it is the one that the page has."""
    more = {"ETag": found.etag, "Vary": "Accept-Encoding"}
    known = {each.strip() for each in request.headers.get("If-None-Match", "").split(",")}
    if known & {found.etag, found.etag.removeprefix("W/"), "*"}:
        bare = {name: value for name, value in headers("").items() if name != "Content-Type"}
        return web.Response(status=304, headers={**bare, **more})
    if found.packed is None:
        return reply(200, found.data, JSON, more=more)
    return reply(200, found.packed, JSON, more={**more, "Content-Encoding": "gzip"})
