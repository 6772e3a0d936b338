"""The review's server, from the socket it listens at to its end. What it answers is `site`'s matter.

It ends at once: open streams are closed, replies on their way get a moment, and nothing new is begun.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncIterator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from aiohttp import web

from imagebuild.errors import reason_of
from imagebuild.review.connections import Connections, Strangers, quiet_accepting
from imagebuild.review.desk import Desk, Person, ReviewError
from imagebuild.review.live import Live, Pace
from imagebuild.review.safety import gate_for
from imagebuild.review.site import INDEX, PAGE_TYPES, Site, suffix

__all__ = ["page_files", "running"]

_EVERYWHERE: Final = ("0.0.0.0", "::", "")
_ACCEPTED: Final = 128  # connections at one go: room is made for them only after it
_LAST_SECONDS: Final = 2.0  # for replies on their way when the server is stopped


def page_files(folder: Traversable | None = None) -> dict[str, bytes]:
    """The page's own files by name, as they are installed: markup, styles and scripts, and nothing else."""
    folder = files("imagebuild.review").joinpath("page") if folder is None else folder
    names = sorted(each.name for each in folder.iterdir() if each.is_file()) if folder.is_dir() else []
    found = {name: folder.joinpath(name).read_bytes() for name in names if suffix(name) in PAGE_TYPES}
    if INDEX not in found:
        raise ReviewError("the page of the review is not installed", hint="install `imagebuild` again")
    return found


@asynccontextmanager
async def running(
    desk: Desk,
    people: Iterable[Person],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    allowed_hosts: Iterable[str] = (),
    page: Traversable | None = None,
    pace: Pace | None = None,
    strangers: Strangers | None = None,
) -> AsyncIterator[Mapping[str, str]]:
    """A server that answers, for as long as the block lasts, at the address of each person that it gives, by name."""
    everybody, allowed = tuple(people), tuple(allowed_hosts)
    listening = _listening(host, port, allowed)
    try:
        port = listening.getsockname()[1]
        shown = _shown(host, port, allowed)
        gate = gate_for(everybody, port, (*allowed, shown))
        pages = page_files(page)
        words, pictures = _threads("words", 4), _threads("pictures", 3)
        live = Live(desk, words, pace or Pace())
        try:
            site = Site(desk, gate, pages, live, words, pictures)
            runner = web.ServerRunner(
                Connections(site.answer, strangers or Strangers()), shutdown_timeout=_LAST_SECONDS
            )
            await runner.setup()
            try:
                with quiet_accepting(asyncio.get_running_loop()):
                    await web.SockSite(runner, listening, backlog=_ACCEPTED).start()
                    yield {one.name: f"http://{shown}/r/{one.token}/" for one in everybody}
            finally:
                await live.close()
                await runner.cleanup()
        finally:
            await live.close()
            for threads in (words, pictures):
                threads.shutdown(wait=False, cancel_futures=True)
    finally:
        listening.close()


def _threads(name: str, most: int) -> ThreadPoolExecutor:
    """Pictures have threads of their own: a screen of thumbnails that have to be made holds up no decision."""
    return ThreadPoolExecutor(most, thread_name_prefix=f"review-{name}")


def _shown(host: str, port: int, allowed_hosts: tuple[str, ...]) -> str:
    """The host and port that people are given. Where it listens at every address, only a name leads there."""
    if host in _EVERYWHERE and allowed_hosts:
        first = allowed_hosts[0]
        return first if re.search(r":[0-9]+$", first) else f"{first}:{port}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _listening(host: str, port: int, allowed_hosts: tuple[str, ...]) -> socket.socket:
    """A socket of ours, before anything is answered at it: the gate has to know its port."""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here and not allowed_hosts:
        raise ReviewError(
            f"host `{host}` is more than this machine, and nothing says by which name the review may be called there",
            hint="`--host 127.0.0.1`, or leave it out",
        )
    if not 0 <= port <= 65_535:
        raise ReviewError(f"`{port}` is not a port", hint="`--port 0` takes a free one")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as bad:
        raise ReviewError(
            f"cannot listen at `{host}:{port}`: {reason_of(bad)}", hint="`--port 0` takes a free one"
        ) from None
