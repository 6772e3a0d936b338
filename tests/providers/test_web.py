"""The wire: what leaves, when, and what of the reply comes back, against real servers on the loopback."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from aiohttp import web

from imagebuild.errors import ProviderError, StoreError
from imagebuild.providers.base import Ask, Part, Reply, ServiceFailure
from imagebuild.providers.callbacks import Callbacks
from imagebuild.providers.web import Patience
from tests.providers.listening import (
    KEY,
    Talking,
    answering,
    free_port,
    get,
    listening,
    post,
    reply,
    server_tls,
    trusting_tls,
)
from tests.providers.listening import wire_to as to

# ------------------------------------------------------------------------------------------------------ what leaves


def test_json_goes_out_compact_in_utf_8_with_the_key_and_the_clients_name():
    async def run() -> None:
        seen: list[bytes] = []
        talk = answering(reply(b'{"ok":1}', X_Request_Id="req_1"), seen)
        async with listening(talk) as server, to(server.base) as wire:
            got = await wire.send(post(server.base, json={"prompt": "Wasserkocher für Ü\ud800", "n": 1}))
        head, _, body = seen[0].partition(b"\r\n\r\n")
        assert body == '{"prompt":"Wasserkocher für Ü'.encode() + b'\\ud800","n":1}'
        assert json.loads(body)["n"] == 1
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /v1/images HTTP/1.1"
        assert f"Authorization: Bearer {KEY}" in lines
        assert "Content-Type: application/json" in lines
        assert any(line.startswith("User-Agent: imagebuild/") for line in lines)
        assert got == Reply(
            status=200, headers=got.headers, body=b'{"ok":1}', whole=True, url=server.base + "/v1/images"
        )
        assert got.header("X-Request-ID") == "req_1"

    asyncio.run(run())


def test_at_the_moment_of_leaving_the_connection_stands_and_not_a_byte_has_been_written(tmp_path):
    async def run(scheme: str) -> None:
        heard = bytearray()
        standing = asyncio.Event()
        asked: list[tuple[int, bytes]] = []

        async def talk(talking: Talking) -> None:
            standing.set()
            while not heard.endswith(b"}"):
                heard.extend(await talking.reader.read(65536))
            await talking.say(reply())

        async def leaving() -> None:
            await standing.wait()  # the server has accepted, with TLS when there is TLS
            await asyncio.sleep(0.1)
            asked.append((server.accepted, bytes(heard)))

        tls = server_tls(tmp_path) if scheme == "https" else None
        async with listening(talk, tls) as server, to(server.base, tls=trusting_tls()) as wire:
            await wire.send(post(server.base), leaving=leaving)
        assert asked == [(1, b"")]
        assert heard.startswith(b"POST /v1/images HTTP/1.1\r\n")

    asyncio.run(run("http"))
    asyncio.run(run("https"))


@pytest.mark.parametrize("wrong", [StoreError("the disk is full"), OSError(28, "no space"), TimeoutError("slow")])
def test_when_leaving_fails_nothing_is_sent_and_its_own_error_comes_through(wrong):
    async def run() -> None:
        heard: list[bytes] = []

        async def talk(talking: Talking) -> None:
            heard.append(await talking.reader.read(65536))

        async def leaving() -> None:
            raise wrong

        async with listening(talk) as server, to(server.base) as wire:
            with pytest.raises(type(wrong)) as caught:
                await wire.send(post(server.base), leaving=leaving)
            while not heard:  # the connection is closed, not left open
                await asyncio.sleep(0.01)
        assert caught.value is wrong
        assert heard == [b""]

    asyncio.run(run())


def test_leaving_may_take_longer_than_a_connection_may():
    async def run() -> None:
        async with (
            listening(answering(reply())) as server,
            to(server.base, patience=Patience(connect=0.2, silence=5)) as wire,
        ):
            got = await wire.send(post(server.base), leaving=lambda: asyncio.sleep(0.4))
        assert got.status == 200

    asyncio.run(run())


def test_each_paid_request_has_a_connection_of_its_own_and_free_ones_share():
    async def run() -> None:
        async def talk(talking: Talking) -> None:
            while True:
                await talking.request()
                await talking.say(reply())

        async with listening(talk) as server, to(server.base) as wire:
            for _ in range(3):
                await wire.send(get(server.base + "/v1/task"))
            assert server.accepted == 1
            for _ in range(3):
                await wire.send(post(server.base))
            assert server.accepted == 4

    asyncio.run(run())


def test_a_free_request_on_a_kept_connection_that_was_closed_meanwhile_is_answered_all_the_same():
    async def run() -> None:
        async with listening(answering(reply())) as server, to(server.base) as wire:
            for _ in range(3):  # the server says keep-alive by its silence, and closes
                assert (await wire.send(get(server.base + "/v1/task"))).status == 200

    asyncio.run(run())


def test_a_form_arrives_with_its_repeated_names_its_file_names_and_its_types():
    async def run() -> None:
        found: list[tuple[object, ...]] = []

        async def take(request: web.Request) -> web.Response:
            async for part in await request.multipart():
                data = bytes(await part.read())
                found.append((part.name, part.filename, part.headers.get("Content-Type"), data))
            return web.json_response({"length": request.content_length})

        large = os.urandom(3_000_000)
        app = web.Application(client_max_size=8 << 20)
        app.router.add_post("/v1/edits", take)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        form = [
            Part("prompt", "Schnee für\nalle"),
            Part("image[]", large, "one.png", "image/png"),
            Part("image[]", b"two", 'a "b".webp', "image/webp"),
            Part("mask", b"", "mask.png"),
        ]
        async with to(base) as wire:
            got = await wire.send(post(base, url=base + "/v1/edits", json=None, form=form))
        await runner.cleanup()
        assert got.status == 200
        assert json.loads(got.body)["length"] > len(large)
        assert found == [
            ("prompt", None, None, "Schnee für\nalle".encode()),
            ("image[]", "one.png", "image/png", large),
            ("image[]", "a %22b%22.webp", "image/webp", b"two"),
            ("mask", "mask.png", "application/octet-stream", b""),
        ]

    asyncio.run(run())


def test_the_key_goes_to_the_accounts_own_address_only():
    async def run() -> None:
        async with listening(answering(reply())) as server, to("https://api.example.com/v1") as wire:
            with pytest.raises(ProviderError, match=r"the key is for `https://api\.example\.com`"):
                await wire.send(get(server.base + "/v1/task"))
            assert server.accepted == 0

    asyncio.run(run())


def test_a_download_carries_no_key_and_no_cookie_and_its_signed_address_stays_as_it_is():
    async def run() -> None:
        seen: list[bytes] = []
        talk = answering(reply(Set_Cookie="session=1; Path=/"), seen)
        async with listening(talk) as server, to(server.base) as wire:
            await wire.send(get(server.base + "/v1/login"))
            got = await wire.send(
                get(server.base + "/out/a%2Fb+c.png?sig=%2f%2B~&x=a b".replace(" ", "%20"), authorized=False)
            )
        assert b"Authorization" in seen[0]
        assert seen[1].startswith(b"GET /out/a%2Fb+c.png?sig=%2f%2B~&x=a%20b HTTP/1.1\r\n")
        for word in (b"authorization", b"cookie", KEY.encode()):
            assert word not in seen[1].lower()
        assert got.header("set-cookie") is None

    asyncio.run(run())


@pytest.mark.parametrize(
    "address", ["", "/out.png", "ftp://h/x", "http://", "http://[", "http://name:word@127.0.0.1/x"]
)
def test_what_is_no_address_is_a_failure_of_the_service(address):
    async def run() -> None:
        async with to("https://api.example.com/v1") as wire:
            with pytest.raises(ServiceFailure, match="address"):
                await wire.send(get(address, authorized=False))

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------------ redirects


def test_only_a_download_follows_a_redirect():
    async def run() -> None:
        seen: list[bytes] = []

        async def talk(talking: Talking) -> None:
            request = await talking.request()
            seen.append(request.split(b" HTTP")[0])
            moved = reply(status="302 Found", Location="/new") if b"/new" not in request else reply(b"picture")
            await talking.say(moved)

        async with listening(talk) as server, to(server.base) as wire:
            assert (await wire.send(post(server.base))).status == 302
            assert (await wire.send(get(server.base + "/old"))).status == 302
            got = await wire.send(get(server.base + "/old", authorized=False))
        assert (got.status, got.body, got.url) == (200, b"picture", server.base + "/new")
        assert seen == [b"POST /v1/images", b"GET /old", b"GET /old", b"GET /new"]

    asyncio.run(run())


def test_a_redirect_from_a_safe_connection_to_an_open_one_or_to_nowhere_is_not_followed(tmp_path):
    async def run(place: str) -> None:
        moved = reply(status="302 Found", Location=place)
        async with (
            listening(answering(moved), server_tls(tmp_path)) as server,
            to(server.base, tls=trusting_tls()) as wire,
        ):
            got = await wire.send(get(server.base + "/old", authorized=False))
            assert got.status == 302
            assert server.accepted == 1

    for place in (f"http://127.0.0.1:{free_port()}/x", "file:///etc/passwd", "http://["):
        asyncio.run(run(place))


def test_redirects_without_end_are_a_failure():
    async def run() -> None:
        moved = reply(status="307 Temporary Redirect", Location="/again")
        async with listening(answering(moved)) as server, to(server.base) as wire:
            with pytest.raises(ServiceFailure, match="from one address to the next"):
                await wire.send(get(server.base, authorized=False))
            assert server.accepted == 5

    asyncio.run(run())


# ---------------------------------------------------------------------------------------------------------- waiting


def test_waits_are_scaled_and_a_callback_ends_them():
    async def run() -> None:
        async with Callbacks("http://127.0.0.1", "127.0.0.1:0") as callbacks:
            secret, url = callbacks.address()
            here = f"http://127.0.0.1:{callbacks.port}"
            async with to(here, time_scale=0.001, callbacks=callbacks) as wire:
                async with asyncio.timeout(5):
                    await wire.wait(20)
                    await wire.wait(20, secret)
            async with to(here, callbacks=callbacks) as wire, asyncio.timeout(5):
                waiting = asyncio.create_task(wire.wait(600, secret))
                got = await wire.send(Ask(method="POST", url=here + url[len("http://127.0.0.1") :], json={}))
                assert got.status == 200
                await waiting

    asyncio.run(run())
