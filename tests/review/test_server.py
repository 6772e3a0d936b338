"""A server's beginning and end."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from imagebuild.review.desk import Person, ReviewError
from imagebuild.review.server import running
from tests.review.serving import ANA, BEN, MemoryDesk, Running, serving
from tests.review.test_live import deaf, one, read_to_the_end


def start(page: Path, people: list[Person], **options: Any) -> dict[str, str]:
    async def begin() -> dict[str, str]:
        async with running(MemoryDesk(), people, page=page, **options) as urls:
            return dict(urls)

    return asyncio.run(begin())


def test_each_person_has_an_address_of_their_own(server: Running):
    assert server.urls == {
        ANA.name: f"http://127.0.0.1:{server.port}/r/{ANA.token}/",
        BEN.name: f"http://127.0.0.1:{server.port}/r/{BEN.token}/",
    }


def test_a_token_is_shown_with_nobody(server: Running):
    assert ANA.token not in f"{ANA} {ANA!r} {[ANA]}"


def test_it_listens_on_this_machine_alone_unless_it_is_told_its_name(page: Path):
    with pytest.raises(ReviewError, match="more than this machine"):
        start(page, [ANA], host="0.0.0.0")
    assert start(page, [ANA], host="::1")[ANA.name].startswith("http://[::1]:")
    assert start(page, [ANA], host="localhost")[ANA.name].startswith("http://localhost:")
    named = start(page, [ANA], host="0.0.0.0", allowed_hosts=["review.example"])[ANA.name]
    assert named.startswith("http://review.example:")


@pytest.mark.parametrize("token", ["", "x" * 21, "x" * 129, "x" * 21 + "/", "x" * 21 + "é", "x" * 30 + "\n"])
def test_a_token_that_might_be_guessed_or_misread_is_not_used(page: Path, token: str):
    with pytest.raises(ReviewError, match="URL-safe") as told:
        start(page, [Person("ana", token)])
    assert not token or token not in told.value.what


def test_people_differ_in_name_and_token(page: Path):
    with pytest.raises(ReviewError, match="same name"):
        start(page, [ANA, Person(ANA.name, "C" * 43)])
    with pytest.raises(ReviewError, match="same token"):
        start(page, [ANA, Person("cem", ANA.token)])


@pytest.mark.parametrize(
    "host", ["", "*", "a b", "http://review.example", "review.example/x", "review.example:x", "a\r\nb"]
)
def test_an_allowed_host_is_a_name(page: Path, host: str):
    with pytest.raises(ReviewError, match="not the name of a host"):
        start(page, [ANA], allowed_hosts=[host])


def test_a_port_that_is_taken_or_none_is_told(page: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ReviewError, match="cannot listen at"):
        start(page, [ANA], port=taken.getsockname()[1])
    for port in (70_000, -1):
        with pytest.raises(ReviewError, match="not a port"):
            start(page, [ANA], port=port)


def test_it_ends_with_streams_open_and_one_that_nobody_reads(server: Running, desk: MemoryDesk):
    with ExitStack() as stack:
        pages = [stack.enter_context(server.listening()) for _ in range(20)]
        assert {page.next().data["kind"] for page in pages} == {"hello"}
        wire = stack.enter_context(deaf(server))
        with desk.turn:
            desk.fresh += [{"kind": "cells", "cells": ["x" * 100_000]} for _ in range(200)]
        pages[0].until("cells")
        server.stop()  # fails if it takes long
        for page in pages[1:]:
            page.to_the_end()
        read_to_the_end(wire)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port), timeout=20)


def test_each_person_is_told_what_they_decided_themselves(desk: MemoryDesk, page: Path):
    with serving(desk, page) as server:
        server.decide(one("a"))
        server.decide(one("b"), base=server.base.replace(ANA.token, BEN.token))
        assert [each["ref"] for each in server.ask("api/own").json] == ["a"]


def test_a_decision_on_its_way_when_it_ends_is_answered(desk: MemoryDesk, page: Path):
    with serving(desk, page) as server:
        told: list[Any] = []
        with desk.turn:
            asking = threading.Thread(target=lambda: told.append(server.decide(one("a"))))
            asking.start()
            assert desk.is_deciding.wait(20)
            ending = threading.Thread(target=server.stop)
            ending.start()
        asking.join()
        ending.join()
    assert [each["accepted"] for each in told] == [["a"]]


def test_a_program_that_is_interrupted_ends_with_pages_open(desk: MemoryDesk, page: Path):
    ended: list[bytes] = []

    async def serve() -> None:
        async with running(desk, [ANA], page=page) as urls:
            port = int(urls[ANA.name].split(":")[2].split("/")[0])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"GET /r/{ANA.token}/api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            ended.append(await reader.readuntil(b"hello"))
            try:
                asyncio.current_task().cancel()  # type: ignore[union-attr]  # as Ctrl-C does
                await asyncio.sleep(3600)
            finally:
                writer.close()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(asyncio.wait_for(serve(), 20))
    assert ended
