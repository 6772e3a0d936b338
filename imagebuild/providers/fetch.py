"""From what a service's answer names as its picture to the bytes: decoded, or fetched from the address it gives.

What is fetched is paid for already: the address is noted before the first try, only the fetching is repeated, and the
key never goes along. Does no I/O: sub-flows that the services' flows share.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Generator, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from imagebuild.providers.answer import Found, cost_in, found_in, money, outline, refusal_in, remarks_in
from imagebuild.providers.base import (
    Ask,
    Cut,
    Flow,
    Lost,
    Note,
    NotSent,
    Picture,
    Refused,
    Reply,
    ServiceFailure,
    StillRunning,
    Unknown,
    Wish,
    ask,
)
from imagebuild.providers.failures import decoded, failure_of, json_of, request_id_of, words_of

__all__ = ["Fetched", "fetch", "media_type_of", "note_of", "noted_link", "picture_from", "picture_of", "resumed"]

# A link may be given out before every edge of a delivery network has the file; a missing one is then a 403 or a 404.
PAUSES: Final = (0.0, 2.0, 5.0, 15.0, 40.0)
LONGEST_LINK: Final = 8192
_PRIVATE: Final = re.compile(r"(?:^|\.)(?:localhost|local|internal|lan|intranet|home\.arpa)$")


class Fetched(NamedTuple):
    """A picture's bytes, and the media type that they themselves say."""

    data: bytes
    media_type: str


def media_type_of(data: bytes) -> str | None:
    """The media type by a picture's first bytes; None when they are no picture's."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/avif" if data[4:12] in (b"ftypavif", b"ftypavis") else None


# ------------------------------------------------------------------------------------------------ a whole answer


def picture_from(
    reply: Reply, *, provider: str, base_url: str, price: Decimal | None, asked: str = "", full_503: bool = False
) -> Flow:
    """The picture of a synchronous service's reply, whatever its shape; the failure that it is, when it is one.
    `price` is the price list's: what it cost, only the reply can say."""
    if not 200 <= reply.status < 300:
        raise failure_of(reply, provider=provider, asked=asked, full_503=full_503)
    answer = json_of(reply, provider=provider)
    request_id = request_id_of(reply)
    found = found_in(answer)
    if found is None:
        raise _no_picture(answer, reply, provider, asked)
    note = note_of(remarks_in(answer), request_id, cost_in(answer, price))
    return (yield from picture_of(found, note, provider=provider, base_url=base_url))


def note_of(answered: Mapping[str, object], request_id: str | None, cost: Decimal | None) -> dict[str, Any]:
    """What is written down of an answer that names a picture's address."""
    note: dict[str, Any] = {"answered": dict(answered), "request_id": request_id}
    return note if cost is None else {**note, "cost": f"{cost:f}"}


def _no_picture(answer: Any, reply: Reply, provider: str, asked: str) -> ServiceFailure:
    request_id = request_id_of(reply)
    words = refusal_in(answer)
    if words is not None:
        return Refused(
            f"`{provider}` declined to draw this: {words}", words=words, request_id=request_id, moderation=True,
            stage="unknown", hint="change the prompt or the reference pictures; the same request is not sent again",
        )  # fmt: skip
    if isinstance(answer, Mapping) and any(answer.get(name) for name in ("error", "errors", "detail")):
        return failure_of(reply, provider=provider, asked=asked)
    shape = outline(answer)
    what = f"`{provider}` answered {reply.status} with no picture that can be found in it"
    if reply.status == 202:
        return Unknown(f"{what}: {shape}", words=shape, request_id=request_id)
    return Lost(f"{what}: {shape}", words=shape, request_id=request_id)


def picture_of(found: Found, note: Mapping[str, Any], *, provider: str, base_url: str) -> Flow:
    """The picture that was found. `note` (see `note_of`) is written down with its address."""
    request_id = note.get("request_id")
    if found.encoded:
        data = decoded(found.text, provider=provider, request_id=request_id)
        got = Fetched(data, _checked_type(data, provider, request_id))
    else:
        got = yield from fetch(found.text, note, provider=provider, base_url=base_url)
    return Picture(
        data=got.data, media_type=got.media_type, cost=money(note.get("cost")), request_id=request_id,
        answered=dict(note["answered"]),
    )  # fmt: skip


def resumed(task: Mapping[str, Any], *, provider: str, base_url: str) -> Flow:
    """The picture of a synchronous service whose address an earlier flow noted: nothing is paid."""
    link = noted_link(task)
    if link is None:
        raise Unknown(f"what was noted of a request at `{provider}` cannot be read")
    return (yield from picture_of(Found(link, False), _read_note(task), provider=provider, base_url=base_url))


def noted_link(task: Mapping[str, Any]) -> str | None:
    """The address that a note holds."""
    links = task.get("links")
    return links[0] if isinstance(links, list | tuple) and links and isinstance(links[0], str) else None


def _read_note(task: Mapping[str, Any]) -> dict[str, Any]:
    answered, request_id = task.get("answered"), task.get("request_id")
    return {
        **task,
        "answered": dict(answered) if isinstance(answered, Mapping) else {},
        "request_id": request_id if isinstance(request_id, str) else None,
    }


# ---------------------------------------------------------------------------------------------------- one address


def fetch(link: str, note: Mapping[str, Any], *, provider: str, base_url: str) -> Generator[Wish, Any, Fetched]:
    """The picture at an address. Gone for good is `Lost`; what may still be had later is `StillRunning`."""
    request_id = note.get("request_id")
    if link[:5].lower() == "data:":
        data = _of_data_url(link, provider, request_id)
        return Fetched(data, _checked_type(data, provider, request_id))
    trouble = _not_to_follow(link, base_url)
    if trouble is not None:
        raise Lost(
            f"the address that `{provider}` gave for its picture {trouble}",
            words=f"{trouble}: {words_of(link.partition('?')[0])}", request_id=request_id,
        )  # fmt: skip
    if noted_link(note) != link:
        yield Note({**note, "links": [link]})
    reply = None
    for pause in PAUSES:
        try:
            reply = yield from ask(
                Ask(method="GET", url=link, headers={"accept": "image/*"}, authorized=False, after=pause)
            )
        except (Cut, NotSent) as failure:
            raise _later(provider, failure.what, request_id) from failure
        if 200 <= reply.status < 300 and reply.whole:
            media_type = media_type_of(reply.body)
            if media_type is not None:
                return Fetched(reply.body, media_type)
        elif reply.status in (408, 425, 429) or reply.status >= 500:
            raise _later(provider, f"its host answers {reply.status}", request_id)
        elif reply.status == 410:
            break
    assert reply is not None
    raise _given_up(reply, provider, request_id)


def _given_up(reply: Reply, provider: str, request_id: str | None) -> ServiceFailure:
    if 200 <= reply.status < 300 and not reply.whole:
        return _later(provider, "the transfer broke off every time", request_id)
    if reply.status in (403, 404, 410):
        why = f"the link has expired ({reply.status})"
    elif 200 <= reply.status < 300:
        why = "what is there is no picture" if reply.body else "what is there is empty"
    else:
        why = f"its host answers {reply.status}"
    return Lost(f"the picture that `{provider}` made cannot be fetched: {why}", words=why, request_id=request_id)


def _later(provider: str, why: str, request_id: str | None) -> StillRunning:
    return StillRunning(
        f"the picture that `{provider}` made cannot be fetched just now: {why}", words=why, request_id=request_id,
        hint="build again: it is fetched then, and nothing is paid",
    )  # fmt: skip


def _checked_type(data: bytes, provider: str, request_id: str | None) -> str:
    media_type = media_type_of(data)
    if media_type is None:
        words = "what was sent is no picture"
        raise Lost(f"`{provider}` answered with a picture that is none", words=words, request_id=request_id)
    return media_type


def _of_data_url(link: str, provider: str, request_id: str | None) -> bytes:
    head, _, body = link.partition(",")
    if head.lower().endswith(";base64"):
        return decoded(link, provider=provider, request_id=request_id)
    return unquote_to_bytes(body)


# ------------------------------------------------------------------------------------------------- what is followed


def _not_to_follow(link: str, base_url: str) -> str | None:
    """Why an address is not asked for; None when it is. A service says where this machine connects to: never to the
    machine itself or its network, but where the service is this machine's own."""
    try:
        parts = urlsplit(link)
        host = (parts.hostname or "").rstrip(".").lower()
        odd = len(link) > LONGEST_LINK or parts.port == 0 or not link.encode("utf-8")
    except ValueError:
        return "is none"
    if odd or re.search(r"[\s\x00-\x1f\x7f]", link):
        return "is none"
    if not parts.scheme or not host or not re.fullmatch(r"[\w.:-]+", host):
        return "is not a whole one"
    if parts.scheme not in ("http", "https"):
        return "is not one of the web"
    if _is_loopback(host):
        return None if _is_loopback_url(base_url) else "leads to this machine"
    if parts.scheme != "https":
        return "is not encrypted (https)"
    return None if _is_public(host) else "leads into a private network"


def _is_loopback_url(url: str) -> bool:
    try:
        parts: SplitResult = urlsplit(url)
        return _is_loopback((parts.hostname or "").lower())
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _is_public(host: str) -> bool:
    address = _address(host)
    if address is not None:
        return address.is_global and not address.is_multicast
    # A name whose last part is no word (`127.1`, `0x7f000001`) is a number to the resolver.
    last = host.rpartition(".")
    return bool(last[0]) and last[2][:1].isalpha() and _PRIVATE.search(host) is None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
