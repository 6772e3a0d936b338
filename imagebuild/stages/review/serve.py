"""Runs the review: who may open it and under which address, and serves it until it is told to stop."""

from __future__ import annotations

import asyncio
import hashlib
import html
import ipaddress
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from imagebuild.review.desk import Person, ReviewError
from imagebuild.review.server import running
from imagebuild.stages.project import Project
from imagebuild.stages.review.desk import ProjectDesk
from imagebuild.stages.stopping import told_to_stop
from imagebuild.workspace.private import temporary_folder

__all__ = ["Serving", "Started", "opening_page", "serve_review", "usual_port"]

_FIRST_PORT: Final = 17_000  # below those that systems hand out by themselves
_PORTS: Final = 14_000
_TRIED: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Where to serve, and for whom: an address for each name; without any, one that only shows. `port` None: the
    campaign's usual one, or the next that is free."""

    people: tuple[str, ...]
    host: str = "127.0.0.1"
    port: int | None = None
    allowed_hosts: tuple[str, ...] = ()


class Started(NamedTuple):
    """The addresses by name; the empty name's only shows."""

    addresses: Mapping[str, str]


def serve_review(desk: ProjectDesk, project: Project, serving: Serving, started: Callable[[Started], None]) -> None:
    """Serve until Ctrl-C or SIGTERM. `started` is called once it listens."""
    _check_host(serving)
    people = [Person(name, secrets.token_urlsafe(32)) for name in serving.people or ("",)]
    port = serving.port if serving.port is not None else _free_port(project, serving.host)
    threading.Thread(target=desk.warm, name="review-warm", daemon=True).start()
    asyncio.run(_serve(desk, people, serving, port, started))


async def _serve(
    desk: ProjectDesk, people: list[Person], serving: Serving, port: int, started: Callable[[Started], None]
) -> None:  # fmt: skip
    stop = asyncio.Event()
    with told_to_stop(stop):
        async with running(
            desk, people, host=serving.host, port=port, allowed_hosts=serving.allowed_hosts
        ) as addresses:  # fmt: skip
            started(Started(addresses))
            await stop.wait()


@contextmanager
def opening_page(project: Project, url: str) -> Iterator[str]:
    """The address of a file that leads to `url`, as long as the block lasts. A browser is handed its address on a
    command line, which all who use this machine can read: the token that is in `url` is not for them, nor is the file.
    """
    path = os.path.join(os.path.realpath(temporary_folder(project.root)), f"open-{secrets.token_hex(8)}.html")
    quoted = html.escape(url, quote=True)
    text = (
        '<!doctype html><meta charset="utf-8"><title>imagebuild review</title>'
        f'<meta http-equiv="refresh" content="0; url={quoted}"><a href="{quoted}">review</a>\n'
    )
    try:
        with open(path, "w", encoding="utf-8", opener=_private) as file:
            file.write(text)
        yield Path(path).as_uri()
    finally:
        with suppress(OSError):
            os.unlink(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def _check_host(serving: Serving) -> None:
    try:
        is_here = serving.host == "localhost" or ipaddress.ip_address(serving.host).is_loopback
    except ValueError:
        is_here = False
        if serving.host:
            _check_name(serving.host)
    if not is_here and not serving.allowed_hosts:
        raise ReviewError(
            f"`{serving.host}` is more than this machine: whoever can listen on the way could read everything",
            hint="leave out `--host`, and reach it by `ssh -L PORT:127.0.0.1:PORT` from where you look;\n"
            "or, where the way is trusted, say by which name it is called: `--allow-host NAME`",
        )  # fmt: skip


def _check_name(host: str) -> None:
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError):
        raise ReviewError(
            f"there is no host `{host}`", hint="`--host` is an address or a name of this machine; or leave it out"
        ) from None


def usual_port(project: Project) -> int:
    """The campaign's own: what a browser keeps of a page that was cut off belongs to its port."""
    number = int.from_bytes(hashlib.sha256(project.spec.encode("utf-8", "surrogateescape")).digest()[:4], "big")
    return _FIRST_PORT + number % _PORTS


def _free_port(project: Project, host: str) -> int:
    first = usual_port(project)
    for port in range(first, first + _TRIED):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            socket.create_server((host, port), family=family).close()
        except OSError:
            continue
        return port
    return 0
