"""Servers on the loopback that say what a test wants said, byte for byte, and wires to ask them with."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

from imagebuild.providers.account import Secret
from imagebuild.providers.base import Ask
from imagebuild.providers.web import Patience, WebWire

KEY = "sk-test-0123456789/abc+def"
Talk = Callable[["Talking"], Awaitable[None]]


class Talking:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """The whole request: its head, and its body by the length it says."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return head + await self.reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear_the_end(self) -> None:
        """Until the other side closes."""
        while await self.reader.read(65536):
            pass

    def reset(self) -> None:
        """Break the connection off with a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Server:
    def __init__(self, port: int, scheme: str) -> None:
        self.base = f"{scheme}://127.0.0.1:{port}"
        self.port = port
        self.accepted = 0
        self.requests: list[bytes] = []


@asynccontextmanager
async def listening(talk: Talk, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that talks so on every connection; it must come to an end before the test does."""
    going: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        going.add(task)
        server.accepted += 1
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await talk(Talking(reader, writer))
        finally:
            going.discard(task)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    listener = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    server = Server(listener.sockets[0].getsockname()[1], "https" if tls else "http")
    try:
        yield server
    finally:
        listener.close()
        for task in list(going):
            task.cancel()
        await asyncio.gather(*going, return_exceptions=True)
        await listener.wait_closed()


def answering(reply: bytes, seen: list[bytes] | None = None) -> Talk:
    """Every request on a connection is answered so, and then the connection is closed."""

    async def talk(talking: Talking) -> None:
        request = await talking.request()
        if seen is not None:
            seen.append(request)
        await talking.say(reply)

    return talk


def reply(body: bytes = b"{}", *, status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def wire_to(base: str, **settings: Any) -> WebWire:
    settings.setdefault("patience", Patience(connect=5, silence=5))
    return WebWire(Secret(KEY), base_url=base, **settings)


def post(base: str, **changes: object) -> Ask:
    return Ask(**{"method": "POST", "url": base + "/v1/images", "json": {"prompt": "a kettle"}, "paid": True} | changes)


def get(url: str, **changes: object) -> Ask:
    return Ask(**{"method": "GET", "url": url} | changes)


def free_port() -> int:
    """A port nobody listens on."""
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def server_tls(folder: Path) -> ssl.SSLContext:
    """A server with a certificate for this machine that nobody has signed but itself."""
    file = folder / "server.pem"
    file.write_text(SERVER)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def trusting_tls() -> ssl.SSLContext:
    """A client that trusts that certificate."""
    return ssl.create_default_context(cadata=SERVER[SERVER.index("-----BEGIN CERT") :])


# Made for these tests, for 127.0.0.1 and localhost, until 2126.
SERVER = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgQWom0AtQvISQ9CP+
AL04odqL6awmrYK3io+jfMBTobehRANCAAQ8JL0JncT/cHxU/1mqaxmbCeBnPLEc
N4HMyIsoKqF4mY57xsP7IfIr7vb3eQbfbv+XeqBoI9FolpVMrALn3ZtY
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUThq9DAQB4AHqfqtyoUghl7CvVIMwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE3MjAxNFoYDzIxMjYxMDI4
MTcyMDE0WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQ8JL0JncT/cHxU/1mqaxmbCeBnPLEcN4HMyIsoKqF4mY57xsP7IfIr
7vb3eQbfbv+XeqBoI9FolpVMrALn3ZtYo28wbTAdBgNVHQ4EFgQUZ00VB9jzhFRh
9RjUaXUrvkOSq1EwHwYDVR0jBBgwFoAUZ00VB9jzhFRh9RjUaXUrvkOSq1EwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgeS718TZV7F9iD6CuKWVaR4kd27wt+00t1NFwwMjr1yQCIQCJ
5srRN4p9GX7P4J+ohB2nKc5Urq16YYJimPoFn5isTQ==
-----END CERTIFICATE-----
"""
