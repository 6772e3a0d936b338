from __future__ import annotations

import asyncio
import io

import aiohttp
import pytest

from imagebuild.errors import ProviderError
from imagebuild.providers.callbacks import Callbacks

PUBLIC = "https://builds.example.com/calls/"


async def call(callbacks: Callbacks, path: str, data: bytes = b"{}", method: str = "POST") -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{callbacks.port}{path}", data=io.BytesIO(data)) as answer,
    ):
        return answer.status


def receiver() -> Callbacks:
    return Callbacks(PUBLIC, "127.0.0.1:0")


async def is_heard(callbacks: Callbacks, secret: str, seconds: float = 5) -> bool:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await callbacks.wait(secret, seconds)
    return loop.time() - began < seconds


def test_a_call_to_a_tasks_address_ends_its_waiting_and_no_other():
    async def run() -> None:
        async with receiver() as callbacks:
            secret, url = callbacks.address()
            other, _ = callbacks.address()
            assert url == PUBLIC + secret
            waiting = asyncio.create_task(is_heard(callbacks, secret))
            not_called = asyncio.create_task(is_heard(callbacks, other, 0.2))
            assert await call(callbacks, f"/calls/{secret}", b'{"code":200}') == 200
            assert await waiting
            assert not await not_called

    asyncio.run(run())


def test_a_call_that_came_before_the_waiting_is_heard_once_and_a_second_one_does_no_harm():
    async def run() -> None:
        async with receiver() as callbacks:
            secret, _ = callbacks.address_for("key-1")
            for _ in range(2):
                assert await call(callbacks, f"/{secret}", b"not JSON \xff") == 200  # the proxy dropped the path
            assert await is_heard(callbacks, secret)
            assert not await is_heard(callbacks, secret, 0.05)
            assert await call(callbacks, f"/{secret}") == 200
            assert await is_heard(callbacks, secret)

    asyncio.run(run())


def test_an_address_is_the_same_for_the_same_name_in_one_run_and_another_in_the_next():
    async def run() -> None:
        async with receiver() as one, receiver() as other:
            assert one.address_for("key-1") == one.address_for("key-1")
            secrets = {one.address_for("key-1")[0], one.address_for("key-2")[0], other.address_for("key-1")[0]}
            assert len(secrets) == 3
            assert one.address() != one.address()
            assert min(map(len, secrets)) >= 32

    asyncio.run(run())


def test_what_nobody_gave_away_is_not_found_and_rings_nothing():
    async def run() -> None:
        async with receiver() as callbacks:
            secret, _ = callbacks.address()
            for path in ("/", "/calls", f"/calls/{secret}x", f"/calls/{secret[:-1]}", "/calls/" + "0" * 64, "/%00"):
                assert await call(callbacks, path) == 404
            assert await call(callbacks, f"/calls/{secret}", method="GET") == 404
            assert not await is_heard(callbacks, secret, 0.05)

    asyncio.run(run())


def test_a_call_of_more_than_a_megabyte_is_refused():
    async def run() -> None:
        async with receiver() as callbacks:
            secret, _ = callbacks.address()
            assert await call(callbacks, f"/{secret}", bytes((1 << 20) + 1)) == 413
            assert not await is_heard(callbacks, secret, 0.05)
            assert await call(callbacks, f"/{secret}", bytes(1 << 20)) == 200

    asyncio.run(run())


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do():
    async def run() -> None:
        async with receiver() as callbacks:
            with pytest.raises(ProviderError, match=r"cannot listen for callbacks on .*: .*address.* in use") as caught:
                async with Callbacks(PUBLIC, f"127.0.0.1:{callbacks.port}"):
                    pass
        assert "CALLBACK_LISTEN" in caught.value.hint

    asyncio.run(run())


@pytest.mark.parametrize("listen", ["8787", ":8787", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999"])
def test_where_to_listen_needs_an_address_and_a_port(listen):
    with pytest.raises(ProviderError, match="cannot listen for callbacks on"):
        Callbacks(PUBLIC, listen)
