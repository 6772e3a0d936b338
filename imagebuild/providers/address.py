"""Which addresses may be asked: of services, of what they send on to, of proxies. Does no I/O of its own."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Final

from yarl import URL

from imagebuild.errors import ProviderError
from imagebuild.providers.account import is_loopback
from imagebuild.providers.base import Reply, ServiceFailure

__all__ = ["address_of", "onward", "proxy_for"]

_REDIRECTS: Final = (301, 302, 303, 307, 308)


def address_of(text: str) -> URL:
    """The address, byte for byte as given where it can be: a signed one must not be written anew."""
    try:
        url = URL(text, encoded=text.isascii() and text.isprintable() and " " not in text)
        usable = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError:
        usable = False
    if not usable:
        raise ServiceFailure("what was to be asked is no address")
    if url.user is not None or url.password is not None:
        raise ServiceFailure(f"the address at `{url.host}` has a name or a password in it")
    return url


def onward(reply: Reply, url: URL) -> URL | None:
    """Where a reply sends on to, if that may be followed: never from a safe connection to an open one, nor from
    elsewhere into this machine."""
    place = reply.header("location")
    if reply.status not in _REDIRECTS or not place:
        return None
    try:
        target = address_of(str(url.join(URL(place, encoded=place.isascii()))))
    except (ValueError, ServiceFailure):
        return None
    safe = target.scheme == "https" or url.scheme == "http"
    inwards = is_loopback(target.host or "") and not is_loopback(url.host or "")
    return target if safe and not inwards else None


def proxy_for(url: URL, proxies: Mapping[str, str]) -> URL | None:
    """The environment's proxy for this address. This machine itself is asked directly."""
    host = url.host or ""
    named = proxies.get(url.scheme) or proxies.get("all")
    if not named or is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    try:
        proxy = URL(named if "://" in named else f"http://{named}")
    except ValueError:
        proxy = URL()
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise ProviderError(
            f"the environment names a proxy for `{host}` that cannot be used", hint="write `http://host:port`"
        )
    return proxy
