"""The wire: sends what a flow asks for over HTTP, once, and says how it ended by *when* it failed.

A paid request has a connection of its own, made fresh: a kept one that the service has just closed would leave an
outcome unknown that is none. The key is put in when the connection stands, and only towards the account's own address:
it never passes through a value that could be shown. Knows no service.
"""

from __future__ import annotations

import asyncio
import os
import time
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from ssl import SSLContext
from typing import TYPE_CHECKING, Final, NamedTuple, Self

import aiohttp
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDictProxy
from yarl import URL

from imagebuild.errors import ProviderError, reason_of
from imagebuild.providers.account import Secret
from imagebuild.providers.address import address_of, onward, proxy_for
from imagebuild.providers.base import Ask, Cut, Glimpse, NotSent, Reply, ServiceFailure
from imagebuild.providers.incoming import MOST_IN_MEMORY, Incoming, Sinks
from imagebuild.providers.outgoing import body_of, slices
from imagebuild.providers.spool import read_spool, remove_spool
from imagebuild.version import VERSION

if TYPE_CHECKING:
    from imagebuild.providers.callbacks import Callbacks  # a server's library: only who listens needs it

__all__ = ["Patience", "WebWire"]

_MOST_REDIRECTS: Final = 5
_AT_ONCE: Final = 1 << 16  # a body up to this goes out in one write with its headers
_READ: Final = 1 << 18


class Patience(NamedTuple):
    """Seconds until a connection must stand, and that nothing may come for. There is no limit in all."""

    connect: float = 30.0
    silence: float = 600.0


@dataclass(slots=True, kw_only=True)
class _Sending:
    """One request on its way: what is to happen when its connection stands, and whether it has begun to leave."""

    paid: bool
    authorization: Callable[[], str] | None
    spool: str | None
    leaving: Callable[[], Awaitable[None]] | None
    silence: float
    limit: asyncio.Timeout | None = None
    left: bool = False
    wrong: Exception | None = None  # what `leaving` raised

    async def stands(self) -> None:
        """The connection stands, and nothing of the request has been written to it."""
        if self.left:
            if self.paid:  # the library would repeat what it takes for repeatable
                raise aiohttp.ClientConnectionError
        else:
            if self.limit is not None:
                self.limit.reschedule(None)
            try:
                if self.spool is not None:
                    _clear(self.spool)
                if self.leaving is not None:
                    await self.leaving()
            except Exception as wrong:
                self.wrong = wrong
                raise
            self.left = True
        self.going()

    def going(self) -> None:
        """Something is still being sent: the silence begins anew."""
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + self.silence)


def _clear(spool: str) -> None:
    """Remove an earlier answer: it must not pass for this request's own, should this one be cut."""
    try:
        remove_spool(spool)
    except OSError as bad:
        raise ProviderError(f"cannot remove `{spool}`: {reason_of(bad)}", hint="check who owns the folder") from bad


_SENDING: ContextVar[_Sending] = ContextVar("sending")


class _Request(aiohttp.ClientRequest):
    """The library's request, stopped between the connection and its first byte."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        sending = _SENDING.get()
        await sending.stands()
        if sending.authorization is not None:
            self.headers["Authorization"] = sending.authorization()
        return await super().send(conn)


class WebWire:
    """`async with WebWire(account.key, base_url=account.base_url) as wire`. A `Wire` on aiohttp."""

    def __init__(
        self,
        secret: Secret | None,
        *,
        base_url: str,
        scheme: str = "Bearer",
        time_scale: float = 1.0,
        callbacks: Callbacks | None = None,
        user_agent: str = f"imagebuild/{VERSION}",
        trace: Callable[[str], None] | None = None,
        patience: Patience = Patience(),  # noqa: B008  (a value)
        tls: SSLContext | bool = True,
        resolver: AbstractResolver | None = None,
        most_in_memory: int = MOST_IN_MEMORY,
    ) -> None:
        self._secret = secret
        self._scheme = scheme
        self._origin = address_of(base_url).origin()
        self._time_scale = time_scale
        self._callbacks = callbacks
        self._user_agent = user_agent
        self._trace = trace
        self._patience = patience
        self._tls = tls
        self._resolver = resolver
        self._most = most_in_memory
        self._proxies: Mapping[str, str] = {}
        self._paid: aiohttp.ClientSession | None = None
        self._free: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._proxies = urllib.request.getproxies()
        self._paid = self._session(force_close=True)
        self._free = self._session(force_close=False)
        return self

    async def __aexit__(self, *_: object) -> None:
        for session in (self._paid, self._free):
            if session is not None:
                await session.close()
        self._paid = self._free = None

    async def send(
        self,
        ask: Ask,
        *,
        leaving: Callable[[], Awaitable[None]] | None = None,
        spool: str | None = None,
        show: Callable[[Glimpse], None] | None = None,
    ) -> Reply:
        url = address_of(ask.url)
        if ask.authorized and url.origin() != self._origin:
            raise ProviderError(f"the key is for `{self._origin}`, and was to go to `{url.origin()}`")
        sinks = Sinks(spool=spool, to_file=ask.to_file, glimpse=ask.glimpse, show=show, most=self._most)
        for _ in range(_MOST_REDIRECTS):
            reply = await self._sent(ask, url, leaving, sinks)
            target = None if ask.paid or ask.authorized or ask.method != "GET" else onward(reply, url)
            if target is None:
                return reply
            url = target
        raise ServiceFailure(f"`{url.host}` sends from one address to the next, {_MOST_REDIRECTS} times and more")

    def recall(self, spool: str) -> Reply | None:
        return read_spool(spool)

    async def wait(self, seconds: float, wake: str | None = None) -> None:
        if wake is not None and self._callbacks is not None:
            await self._callbacks.wait(wake, seconds * self._time_scale)
        else:
            await asyncio.sleep(seconds * self._time_scale)

    def _session(self, *, force_close: bool) -> aiohttp.ClientSession:
        # no limit of its own: how many are asked at once is the pace's to say, and queueing is not slow connecting
        connector = aiohttp.TCPConnector(limit=0, force_close=force_close, ssl=self._tls, resolver=self._resolver)
        return aiohttp.ClientSession(
            connector=connector,
            connector_owner=True,
            request_class=_Request,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # `Patience` is kept here
            trust_env=False,  # with it, a .netrc file puts in its own words: the proxies are looked up here
            read_bufsize=_READ,
        )

    async def _sent(self, ask: Ask, url: URL, leaving: Callable[[], Awaitable[None]] | None, sinks: Sinks) -> Reply:
        """One request, one reply."""
        began = time.monotonic()
        sending = _Sending(
            paid=ask.paid,
            authorization=self._authorization if ask.authorized and self._secret is not None else None,
            spool=sinks.spool,
            leaving=leaving,
            silence=self._patience.silence,
        )
        proxy = proxy_for(url, self._proxies)
        wrong: Exception | None = None
        try:
            response = await self._answered(ask, url, sending, proxy)
        except (aiohttp.ClientError, OSError) as bad:
            wrong = sending.wrong or self._failure(bad, url, proxy, sending.left)
        if wrong is not None:  # raised out here: the library's error may know the request's headers
            self._tell(ask, url, began, str(wrong))
            raise wrong
        reply, size = await self._received(response, sinks)
        words = f"{reply.status}, {size} bytes" + ("" if reply.whole else ", cut")
        request_id = reply.header("x-request-id") or reply.header("cf-ray")
        self._tell(ask, url, began, f"{words}, {request_id}" if request_id else words)
        return reply

    async def _answered(self, ask: Ask, url: URL, sending: _Sending, proxy: URL | None) -> aiohttp.ClientResponse:
        """The reply's status and headers."""
        session = self._paid if ask.paid else self._free
        if session is None:
            raise ProviderError("the wire is not open")
        headers = {"User-Agent": self._user_agent, "Accept": _accepted(ask), "Accept-Encoding": "identity"}
        body = body_of(ask)
        if body is not None:
            headers["Content-Type"] = body.media_type
            headers["Content-Length"] = str(body.length)
        headers.update(ask.headers)
        data = None
        if body is not None:
            data = b"".join(body.pieces) if body.length <= _AT_ONCE else slices(body, sending.going)
        token = _SENDING.set(sending)
        try:
            async with asyncio.timeout(self._patience.connect) as sending.limit:
                return await session.request(
                    ask.method, url, data=data, headers=headers, allow_redirects=False, proxy=proxy
                )
        finally:
            sending.limit = None
            _SENDING.reset(token)

    def _authorization(self) -> str:
        return f"{self._scheme} {self._secret.reveal()}" if self._secret is not None else ""

    async def _received(self, response: aiohttp.ClientResponse, sinks: Sinks) -> tuple[Reply, int]:
        """The reply with its body, as far as it came, and how many bytes that were."""
        headers = _plain(response.headers, self._secret)
        length = headers.get("content-length", "")
        incoming: Incoming | None = None
        whole = False
        try:
            incoming = Incoming(
                status=response.status,
                headers=headers,
                url=str(response.url),
                length=int(length) if length.isascii() and length.isdigit() else None,
                secret=self._secret,
                sinks=sinks,
            )
            _end_with_connection(response)
            with suppress(aiohttp.ClientError, TimeoutError, ConnectionError):
                async with asyncio.timeout(self._patience.silence) as limit:
                    async for piece in response.content.iter_any():
                        limit.reschedule(asyncio.get_running_loop().time() + self._patience.silence)
                        incoming.take(piece)
                whole = True
            return await incoming.finish(whole), incoming.size
        finally:
            if incoming is not None:
                incoming.abandon()
            response.release() if whole else response.close()

    def _failure(self, bad: Exception, url: URL, proxy: URL | None, left: bool) -> ProviderError:
        if left:
            return Cut(f"`{url.host}` {_cause_after(bad, self._patience)}")
        by = f" by way of the proxy `{proxy.host}:{proxy.port}`" if proxy is not None else ""
        place = url.host if url.is_default_port() else f"{url.host}:{url.port}"
        return NotSent(
            f"cannot reach `{place}`{by}: {_cause_before(bad, self._patience)}",
            hint="check the network and the base URL; a proxy is named by HTTPS_PROXY",
        )

    def _tell(self, ask: Ask, url: URL, began: float, words: str) -> None:
        if self._trace is None:
            return
        # the values of a query may be a signature
        address = f"{url.origin()}{url.path}" + ("?…" if url.query_string else "")
        line = f"{ask.method} {address}: {words}, {(time.monotonic() - began) * 1000:.0f} ms"
        self._trace(line if self._secret is None else self._secret.blotted(line))


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """See to it that the body ends when its connection does. The library leaves its reader waiting for ever where the
    chunks of a body are malformed."""
    content = response.content

    def end(closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()  # seen: it is not to be reported as overlooked
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError())

    protocol = response.connection.protocol if response.connection is not None else None
    if protocol is None:
        return
    if protocol.closed is not None:
        protocol.closed.add_done_callback(end)
    elif not content.is_eof() and content.exception() is None:
        content.set_exception(aiohttp.ClientPayloadError())


# ------------------------------------------------------------------------------------------------------------ headers


def _accepted(ask: Ask) -> str:
    if not ask.authorized or ask.to_file is not None:
        return "*/*"
    return "text/event-stream, application/json" if ask.glimpse is not None else "application/json"


def _plain(headers: CIMultiDictProxy[str], secret: Secret | None) -> dict[str, str]:
    """The headers by lower-case name, as they go with the decoded body, without what identifies this client."""
    found: dict[str, str] = {}
    decoded = headers.get("content-encoding", "identity").lower() != "identity"
    for name, value in headers.items():
        name = name.lower()
        if name == "set-cookie" or (decoded and name in ("content-encoding", "content-length")):
            continue
        shown = secret.blotted(value) if secret is not None else value
        found[name] = f"{found[name]}, {shown}" if name in found else shown
    return found


# ------------------------------------------------------------------------------------------------- how it ended badly


def _cause_before(bad: Exception, patience: Patience) -> str:
    if isinstance(bad, aiohttp.ClientConnectorDNSError):
        return "no such name is known"
    if isinstance(bad, aiohttp.ClientConnectorCertificateError):
        inner = bad.certificate_error
        return f"its certificate is not accepted: {getattr(inner, 'verify_message', '') or 'it does not fit'}".lower()
    if isinstance(bad, aiohttp.ClientConnectorSSLError):
        return "no secure connection can be made"
    if isinstance(bad, aiohttp.ClientHttpProxyError):
        return f"the proxy answers {bad.status}"
    if isinstance(bad, TimeoutError):
        return f"no connection within {patience.connect:g} s"
    return _system_words(bad) or "no connection can be made"


def _cause_after(bad: Exception, patience: Patience) -> str:
    if isinstance(bad, TimeoutError):
        return f"sent nothing for {patience.silence:g} s"
    if isinstance(bad, aiohttp.ServerDisconnectedError):
        return "closed the connection before it answered"
    if isinstance(bad, aiohttp.ClientResponseError):
        return "sent something that is not HTTP"
    words = _system_words(bad)
    return f"broke the connection before it answered{': ' + words if words else ''}"


def _system_words(bad: Exception) -> str:
    """What the operating system calls it."""
    inner = bad.os_error if isinstance(bad, aiohttp.ClientConnectorError) else bad
    if not isinstance(inner, OSError) or not inner.errno or inner.errno < 0:
        return ""
    with suppress(ValueError, OverflowError):
        return os.strerror(inner.errno).lower()
    return ""
