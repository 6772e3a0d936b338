"""How a request can end badly on the wire, told apart by when: before it left, before its status, before its end."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from imagebuild.errors import ProviderError
from imagebuild.providers.base import Cut, NotSent
from imagebuild.providers.spool import read_spool
from imagebuild.providers.web import Patience
from tests.providers.listening import (
    KEY,
    Talk,
    Talking,
    answering,
    free_port,
    get,
    listening,
    post,
    reply,
    server_tls,
    trusting_tls,
    wire_to,
)


class NoNames(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
        raise OSError(None, "DNS lookup failed")

    async def close(self) -> None:
        pass


class Left:
    """Counts how often a request left."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1


async def failing(kind: type[ProviderError], base: str, **settings: Any) -> tuple[str, int]:
    """What a paid request to this address says, and how often it left."""
    left = Left()
    async with wire_to(base, **settings) as wire:
        with pytest.raises(kind) as caught:
            await wire.send(post(base), leaving=left)
    assert KEY not in repr(caught.value)
    return caught.value.what, left.times


# ---------------------------------------------------------------------------------------------------------- not sent


def test_a_refused_connection_is_not_sent():
    async def run() -> None:
        port = free_port()
        said = await failing(NotSent, f"http://127.0.0.1:{port}")
        assert said == (f"cannot reach `127.0.0.1:{port}`: connection refused", 0)

    asyncio.run(run())


def test_a_name_nobody_knows_is_not_sent():
    async def run() -> None:
        said = await failing(NotSent, "https://pictures.invalid", resolver=NoNames())
        assert said == ("cannot reach `pictures.invalid`: no such name is known", 0)

    asyncio.run(run())


def test_a_plain_port_asked_for_a_safe_connection_is_not_sent():
    async def talk(talking: Talking) -> None:
        await talking.reader.read(65536)
        await talking.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async def run() -> None:
        async with listening(talk) as server:
            said = await failing(NotSent, server.base.replace("http:", "https:"))
        assert said == (f"cannot reach `127.0.0.1:{server.port}`: no secure connection can be made", 0)

    asyncio.run(run())


def test_a_certificate_that_nobody_vouches_for_is_not_sent(tmp_path):
    async def run() -> None:
        async with listening(answering(reply()), server_tls(tmp_path)) as server:
            what, times = await failing(NotSent, server.base)
        assert what.startswith(f"cannot reach `127.0.0.1:{server.port}`: its certificate is not accepted: self")
        assert times == 0

    asyncio.run(run())


def test_a_certificate_for_another_name_is_not_sent(tmp_path):
    class Here(NoNames):
        async def resolve(self, host: str, port: int = 0, family: Any = socket.AF_INET) -> list[ResolveResult]:
            return [ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]

    async def run() -> None:
        async with listening(answering(reply()), server_tls(tmp_path)) as server:
            base = f"https://pictures.invalid:{server.port}"
            what, times = await failing(NotSent, base, resolver=Here(), tls=trusting_tls())
        assert what.startswith(
            f"cannot reach `pictures.invalid:{server.port}`: its certificate is not accepted: hostname mismatch"
        )
        assert times == 0

    asyncio.run(run())


def test_a_connection_that_does_not_come_to_stand_is_not_sent():
    async def run() -> None:
        async with listening(Talking.hear_the_end) as server:  # says nothing to the greeting of TLS
            said = await failing(
                NotSent, server.base.replace("http:", "https:"), patience=Patience(connect=0.1, silence=5)
            )
        assert said == (f"cannot reach `127.0.0.1:{server.port}`: no connection within 0.1 s", 0)

    asyncio.run(run())


# --------------------------------------------------------------------------------------------------------------- cut


async def closes(talking: Talking) -> None:
    await talking.request()


async def breaks_off_in_the_headers(talking: Talking) -> None:
    await talking.request()
    await talking.say(b"HTTP/1.1 200 OK\r\nContent-Le")


async def resets(talking: Talking) -> None:
    await talking.request()
    talking.reset()


async def resets_without_reading(talking: Talking) -> None:
    await talking.reader.read(10)
    talking.reset()


async def says_nothing(talking: Talking) -> None:
    await talking.request()
    await talking.hear_the_end()


async def never_reads(talking: Talking) -> None:
    talking.writer.transport.pause_reading()
    await asyncio.sleep(30)


async def speaks_no_http(talking: Talking) -> None:
    await talking.request()
    await talking.say(b"220 mail.example.com ESMTP\r\n\r\n")


@pytest.mark.parametrize(
    ("talk", "words"),
    [
        (closes, "closed the connection before it answered"),
        (breaks_off_in_the_headers, "closed the connection before it answered"),
        (resets, "broke the connection before it answered: connection reset by peer"),
        (resets_without_reading, "broke the connection before it answered: connection reset by peer"),
        (says_nothing, "sent nothing for 0.3 s"),
        (speaks_no_http, "sent something that is not HTTP"),
    ],
)
def test_what_ends_before_a_status_was_seen_is_cut_and_left_once(talk: Talk, words: str):
    async def run() -> None:
        async with listening(talk) as server:
            said = await failing(Cut, server.base, patience=Patience(connect=5, silence=0.3))
            assert server.accepted == 1
        assert said == (f"`127.0.0.1` {words}", 1)

    asyncio.run(run())


def test_a_service_that_stops_reading_a_large_request_is_cut():
    async def run() -> None:
        async with (
            listening(never_reads) as server,
            wire_to(server.base, patience=Patience(connect=5, silence=0.3)) as wire,
        ):
            with pytest.raises(Cut, match=r"sent nothing for 0\.3 s"):
                await wire.send(post(server.base, json={"image": "x" * 30_000_000}))

    asyncio.run(run())


def test_a_slow_upload_is_not_taken_for_silence():
    async def talk(talking: Talking) -> None:
        head = await talking.reader.readuntil(b"\r\n\r\n")
        left = int(head.lower().partition(b"content-length:")[2].split()[0])
        for step in range(20, 0, -1):
            left -= len(await talking.reader.readexactly(left // step))
            await asyncio.sleep(0.1)
        await talking.say(reply())

    async def run() -> None:
        async with (
            listening(talk) as server,
            wire_to(server.base, patience=Patience(connect=5, silence=1.5)) as wire,
        ):
            began = asyncio.get_running_loop().time()
            got = await wire.send(post(server.base, json={"image": "x" * 40_000_000}))
            assert asyncio.get_running_loop().time() - began > 1.5
        assert got.status == 200

    asyncio.run(run())


def test_a_paid_request_is_never_repeated_by_the_library_whatever_its_method():
    async def run() -> None:
        left = Left()
        async with listening(closes) as server, wire_to(server.base) as wire:
            with pytest.raises(Cut):
                await wire.send(get(server.base + "/v1/x", paid=True), leaving=left)
        assert left.times == 1

    asyncio.run(run())


# --------------------------------------------------------------------------------- a status was seen, and no whole body


BODY = os.urandom(200_000)


async def closes_in_the_body(talking: Talking) -> None:
    await talking.request()
    await talking.say(reply(BODY)[:-1000])


async def closes_in_the_chunks(talking: Talking) -> None:
    await talking.request()
    await talking.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (199_000, BODY[:199_000]))


async def sends_a_broken_chunk(talking: Talking) -> None:
    await closes_in_the_chunks(talking)
    await asyncio.sleep(0.05)
    await talking.say(b"no-number\r\n\r\n")


async def resets_in_the_body(talking: Talking) -> None:
    await talking.request()
    await talking.say(reply(BODY)[:-1000])
    await asyncio.sleep(0.1)
    talking.reset()


async def falls_silent_in_the_body(talking: Talking) -> None:
    await talking.request()
    await talking.say(reply(BODY)[:-1000])
    await talking.hear_the_end()


@pytest.mark.parametrize(
    "talk",
    [closes_in_the_body, closes_in_the_chunks, sends_a_broken_chunk, resets_in_the_body, falls_silent_in_the_body],
)
@pytest.mark.parametrize("spooled", [True, False])
def test_a_body_that_breaks_off_is_a_reply_with_what_came(tmp_path, talk: Talk, spooled: bool):
    async def run() -> None:
        spool = str(tmp_path / "key.reply")
        async with (
            listening(talk) as server,
            wire_to(server.base, patience=Patience(connect=5, silence=0.5)) as wire,
        ):
            got = await wire.send(post(server.base), spool=spool if spooled else None)
        assert (got.status, got.whole) == (200, False)
        kept = read_spool(spool) if spooled else got
        assert kept is not None
        assert kept.body == BODY[:199_000]
        assert not kept.whole
        assert os.listdir(tmp_path) == (["key.reply.part"] if spooled else [])

    asyncio.run(run())


def test_a_short_reply_that_breaks_off_is_kept_too(tmp_path):
    async def talk(talking: Talking) -> None:
        await talking.request()
        await talking.say(reply(b"0123456789")[:-1])

    async def run() -> None:
        spool = str(tmp_path / "key.reply")
        async with listening(talk) as server, wire_to(server.base) as wire:
            got = await wire.send(post(server.base), spool=spool)
            assert (got.body, got.whole) == (b"012345678", False)
            assert wire.recall(spool) == got

    asyncio.run(run())


def test_a_body_whose_end_is_the_end_of_the_connection_is_whole(tmp_path):
    async def run() -> None:
        spool = str(tmp_path / "key.reply")
        async with listening(answering(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)) as server, wire_to(server.base) as wire:
            got = await wire.send(post(server.base), spool=spool)
            assert got.whole
            assert wire.recall(spool).body == BODY

    asyncio.run(run())
