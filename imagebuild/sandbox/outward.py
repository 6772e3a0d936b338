"""What the sandbox asks of others: reference pictures by their address, and the callbacks it makes. This machine only.

A reference picture at an address beyond this machine is not fetched: a small one stands for it, whose colour follows
from the address. A callback to anywhere else is never made.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
from PIL import Image
from yarl import URL

from imagebuild.errors import ImagebuildError

__all__ = ["BadReference", "call", "is_here", "reference"]

_READABLE: Final = ("PNG", "JPEG", "WEBP")
_UNREADABLE: Final = (
    OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip
_PATIENCE = aiohttp.ClientTimeout(total=30)  # a callback is to be answered within this, says its service
_DELAYS: Final = (30.0, 60.0, 120.0)  # seconds before it is tried again
_STAND_IN: Final = (64, 64)


class BadReference(ImagebuildError):
    """A reference picture cannot be used. `reason`: address, download, size or format."""

    def __init__(self, what: str, *, reason: str) -> None:
        super().__init__(what)
        self.reason = reason


def is_here(address: str) -> bool:
    """Whether an address is one of this machine."""
    try:
        url = URL(address)
    except ValueError:
        return False
    if url.scheme not in ("http", "https") or url.host is None:
        return False
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


async def reference(address: str, *, most: int) -> bytes:
    """The picture at an address or in a data URL, of at most so many bytes."""
    if address.startswith("data:"):
        data = _in_data_url(address)
    elif is_here(address):
        data = await _fetched(address, most)
    elif address.startswith(("https://", "http://")):
        return _stand_in(address)
    else:
        raise BadReference("neither a URL nor a data URL", reason="address")
    if len(data) > most:
        raise BadReference(f"a reference picture of more than {most} bytes", reason="size")
    try:
        with Image.open(io.BytesIO(data), formats=_READABLE) as image:
            image.verify()
    except _UNREADABLE:
        raise BadReference("a reference picture that is no PNG, JPEG or WebP", reason="format") from None
    return data


def _in_data_url(address: str) -> bytes:
    head, _, encoded = address.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise BadReference("a data URL that is no picture in base64", reason="format")
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise BadReference("a data URL whose base64 is damaged", reason="format") from None


async def _fetched(address: str, most: int) -> bytes:
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.get(address, allow_redirects=False) as reply,
        ):
            if reply.status != 200:
                raise BadReference(f"a reference picture that answers {reply.status}", reason="download")
            if (reply.content_length or 0) > most:
                raise BadReference(f"a reference picture of more than {most} bytes", reason="size")
            return await reply.read()
    except (aiohttp.ClientError, TimeoutError):
        raise BadReference("a reference picture that cannot be fetched", reason="download") from None


def _stand_in(address: str) -> bytes:
    red, green, blue = hashlib.sha256(address.encode()).digest()[:3]
    out = io.BytesIO()
    with Image.new("RGB", _STAND_IN, (red, green, blue)) as image:
        image.save(out, "PNG")
    return out.getvalue()


async def call(address: str, envelope: Mapping[str, Any], pause: Callable[[float], Awaitable[None]]) -> bool:
    """POST a callback until it is answered with 200, three more times at most. Whether it ever was."""
    assert is_here(address)
    for delay in (*_DELAYS, None):
        if await _answered(address, envelope):
            return True
        if delay is not None:
            await pause(delay)
    return False


async def _answered(address: str, envelope: Mapping[str, Any]) -> bool:
    try:
        async with (
            aiohttp.ClientSession(timeout=_PATIENCE) as session,
            session.post(address, json=envelope, allow_redirects=False) as reply,
        ):
            return reply.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
