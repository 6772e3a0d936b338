"""Proxies of the environment are used, and nothing else of it: no password file has a say."""

from __future__ import annotations

import asyncio

import pytest

from imagebuild.errors import ProviderError
from imagebuild.providers.base import Ask, Cut, NotSent
from tests.providers.listening import KEY, Talking, answering, free_port, get, listening, post, reply
from tests.providers.listening import wire_to as to

FAR = "http://pictures.invalid"


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "NETRC", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_a_service_is_asked_by_way_of_the_environments_proxy(monkeypatch):
    async def run() -> None:
        seen: list[bytes] = []
        async with listening(answering(reply(b"{}"), seen)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", f"http://user:word@127.0.0.1:{proxy.port}")
            async with to(FAR) as wire:
                got = await wire.send(post(FAR))
        assert got.status == 200
        assert seen[0].startswith(b"POST http://pictures.invalid/v1/images HTTP/1.1\r\n")
        assert b"Proxy-Authorization: Basic dXNlcjp3b3Jk\r\n" in seen[0]
        assert f"Authorization: Bearer {KEY}\r\n".encode() in seen[0]

    asyncio.run(run())


def test_a_proxy_that_cannot_be_reached_is_not_sent(monkeypatch):
    async def run() -> None:
        port = free_port()
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:word@127.0.0.1:{port}")
        async with to("https://pictures.invalid") as wire:
            with pytest.raises(NotSent) as caught:
                await wire.send(post("https://pictures.invalid"))
        assert caught.value.what == (
            f"cannot reach `pictures.invalid` by way of the proxy `127.0.0.1:{port}`: connection refused"
        )

    asyncio.run(run())


def test_a_proxy_that_says_no_is_not_sent_and_sees_neither_key_nor_request(monkeypatch):
    async def run() -> None:
        seen: list[bytes] = []
        left: list[int] = []

        async def leaving() -> None:
            left.append(1)

        async with listening(answering(reply(status="403 Forbidden"), seen)) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy.port}")
            async with to("https://pictures.invalid") as wire:
                with pytest.raises(NotSent, match="the proxy answers 403"):
                    await wire.send(post("https://pictures.invalid"), leaving=leaving)
        assert seen[0].startswith(b"CONNECT pictures.invalid:443 HTTP/1.1\r\n")
        assert KEY.encode() not in b"".join(seen)
        assert left == []

    asyncio.run(run())


def test_this_machine_and_what_is_excepted_are_asked_directly(monkeypatch):
    async def run() -> None:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
        async with listening(answering(reply())) as server, to(server.base) as wire:
            assert (await wire.send(post(server.base))).status == 200
        port = free_port()
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.2")
        async with to(f"http://127.0.0.2:{port}") as wire:
            with pytest.raises(NotSent) as caught:
                await wire.send(post(f"http://127.0.0.2:{port}"))
        assert "proxy" not in caught.value.what

    asyncio.run(run())


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "http://["])
def test_a_proxy_that_cannot_be_used_is_an_error_and_not_gone_around(monkeypatch, proxy):
    async def run() -> None:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        async with to(FAR) as wire:
            with pytest.raises(ProviderError, match=r"a proxy for `pictures\.invalid` that cannot be used"):
                await wire.send(post(FAR))

    asyncio.run(run())


def test_a_password_file_adds_nothing(monkeypatch, tmp_path):
    async def run() -> None:
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login someone password word\ndefault login any password word\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / ".netrc").write_bytes(netrc.read_bytes())
        seen: list[bytes] = []
        async with listening(answering(reply(), seen)) as server, to(server.base) as wire:
            await wire.send(get(server.base + "/out.png", authorized=False))
            await wire.send(post(server.base))
        assert b"authorization" not in seen[0].lower()
        assert seen[1].count(b"uthorization") == 1
        assert f"Authorization: Bearer {KEY}\r\n".encode() in seen[1]

        seen.clear()
        async with listening(answering(reply(), seen)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
            async with to(FAR) as wire:
                await wire.send(get(FAR + "/out.png", authorized=False))
        assert b"authorization" not in seen[0].lower()

    asyncio.run(run())


def test_a_proxy_that_cuts_after_the_request_left_is_cut(monkeypatch):
    async def talk(talking: Talking) -> None:
        await talking.request()

    async def run() -> None:
        async with listening(talk) as proxy:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
            async with to(FAR) as wire:
                with pytest.raises(Cut):
                    await wire.send(Ask(method="POST", url=FAR + "/v1", json={}, paid=True))

    asyncio.run(run())
