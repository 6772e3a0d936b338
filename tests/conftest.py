"""For all tests: nothing may call a real host, and what they start can be stopped."""

from __future__ import annotations

import ipaddress
import signal
import sys
from typing import Any

import pytest

REFUSED = "a test tried to reach"
tried: list[str] = []


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):  # a path: a socket of this machine
        return True
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: it sees every connection of this process, whichever library makes it."""
    if event == "socket.getaddrinfo":
        target: Any = (arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0] or "",)
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        target = arguments[1]
    else:
        return
    if target is not None and not _is_here(target):
        tried.append(f"{REFUSED} `{target[0]}`")
        raise ConnectionRefusedError(tried[-1])


sys.addaudithook(_guard)

# Started in the background, or under nohup, a process ignores these, and so would all that a test starts and stops.
for _name in ("SIGINT", "SIGHUP"):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _name == "SIGINT" else signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_real_host() -> Any:
    """Fails the test that tried, also when the code under test took the refusal for a bad connection."""
    tried.clear()
    yield
    if tried:
        found = list(tried)
        tried.clear()
        pytest.fail("; ".join(found))
