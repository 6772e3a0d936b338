"""Strangers, who have shown no token, shut nobody out."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebuild.review.connections import ACCEPT_FAILS, Strangers, quiet_accepting
from tests.review.serving import MemoryDesk, Running, serving


def silent(server: Running, stack: ExitStack, sent: bytes = b"") -> socket.socket:
    wire = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
    wire.sendall(sent)
    return wire


def received(wire: socket.socket) -> bytes:
    """All that comes until it is cut; a timeout fails the test."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := wire.recv(1 << 16):
            found += part
    return found


@pytest.mark.parametrize("sent", [b"", b"GET /r/", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: y\r\n"])
def test_who_does_not_come_to_the_end_of_a_header_is_cut(desk: MemoryDesk, page: Path, sent: bytes) -> None:
    strangers = Strangers(seconds=0.2)
    with serving(desk, page, strangers=strangers) as server, ExitStack() as stack:
        assert received(silent(server, stack, sent)) == b""
        assert server.ask("api/board").status == 200


def test_a_page_with_a_token_stays_however_long_it_says_nothing(desk: MemoryDesk, page: Path) -> None:
    strangers = Strangers(seconds=0.2, most=2)
    with serving(desk, page, strangers=strangers) as server, ExitStack() as stack:
        wire = silent(server, stack, f"GET {server.base} HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        assert wire.recv(12) == b"HTTP/1.1 200"
        others = [silent(server, stack) for _ in range(6)]
        assert [received(each) for each in others] == [b""] * 6
        wire.sendall(f"GET {server.base} HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\n\r\n".encode())
        assert b"HTTP/1.1 200" in received(wire)


def test_who_has_the_wrong_token_is_told_so_and_cut_all_the_same(desk: MemoryDesk, page: Path) -> None:
    with serving(desk, page, strangers=Strangers(seconds=0.5)) as server, ExitStack() as stack:
        path = "/r/" + "x" * 43 + "/"
        wire = silent(server, stack, f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        assert received(wire).startswith(b"HTTP/1.1 403")


def test_of_too_many_strangers_the_oldest_goes_and_the_page_is_served(desk: MemoryDesk, page: Path) -> None:
    with serving(desk, page, strangers=Strangers(seconds=3600, most=20)) as server, ExitStack() as stack:
        wires = [silent(server, stack) for _ in range(300)]
        assert server.ask("api/board").status == 200
        assert [received(each) for each in wires[:200]] == [b""] * 200
        server.stop()  # the last ones too, and it does not wait for them
        assert [received(each) for each in wires[200:]] == [b""] * 100


def test_who_does_not_read_the_reply_does_not_outlive_the_server(desk: MemoryDesk, page: Path) -> None:
    much = 30_000_000
    desk.cells = [{"address": "x" * much}]
    with serving(desk, page) as server, ExitStack() as stack:
        wire = silent(server, stack, f"GET {server.base}api/board HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
        assert wire.recv(12) == b"HTTP/1.1 200"
        server.stop()
        assert len(received(wire)) < much
        gc.collect()  # what was left open is told by its end, and fails the test


def test_that_no_connection_can_be_accepted_is_said_once_and_other_trouble_as_ever(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def trouble() -> None:
        loop = asyncio.get_running_loop()
        with quiet_accepting(loop):
            for _ in range(50):
                loop.call_exception_handler({"message": ACCEPT_FAILS, "exception": OSError(24, "too many")})
            loop.call_exception_handler({"message": "another trouble"})
        assert loop.get_exception_handler() is None

    with caplog.at_level(logging.WARNING):
        asyncio.run(trouble())
    assert not any(record.exc_info for record in caplog.records)
    assert len(caplog.records) == 2
    assert "more connections" in caplog.records[0].message
    assert caplog.records[1].message == "another trouble"
