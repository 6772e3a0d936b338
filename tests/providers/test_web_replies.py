"""What comes back over the wire: bodies, their spools and files, event streams, and what is blotted out of them."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import resource
import sys
import traceback

import pytest

from imagebuild.errors import ProviderError
from imagebuild.providers.base import Glimpse, NotSent, Reply, ServiceFailure
from imagebuild.providers.events import events_of
from imagebuild.providers.spool import is_whole, read_spool
from tests.providers.listening import KEY, Talk, Talking, answering, get, listening, post, reply
from tests.providers.listening import wire_to as to

# --------------------------------------------------------------------------------------------------- the reply's body


def test_a_large_reply_goes_to_its_spool_and_is_recalled_from_there(tmp_path):
    async def run() -> None:
        body = os.urandom(500_000)
        spool = str(tmp_path / "key.reply")
        async with listening(answering(reply(body, X_A="1", x_a="2"))) as server, to(server.base) as wire:
            got = await wire.send(post(server.base), spool=spool)
            assert (got.status, got.body, got.whole) == (200, b"", True)
            assert is_whole(spool)
            again = wire.recall(spool)
        assert again == Reply(status=200, headers=got.headers, body=body, whole=True, url=server.base + "/v1/images")
        assert again.header("x-a") == "1, 2"
        assert os.listdir(tmp_path) == ["key.reply"]

    asyncio.run(run())


def test_the_spool_grows_while_the_reply_is_coming(tmp_path):
    async def run() -> None:
        seen = asyncio.Event()
        spool = str(tmp_path / "key.reply")

        async def talk(talking: Talking) -> None:
            await talking.request()
            whole = reply(bytes(100_000))
            await talking.say(whole[:-1])
            await seen.wait()
            await talking.say(whole[-1:])

        async def look() -> None:
            while (part := read_spool(spool)) is None or len(part.body) < 99_999:
                await asyncio.sleep(0.01)
            assert not part.whole
            assert not is_whole(spool)
            seen.set()

        async with listening(talk) as server, to(server.base) as wire:
            await asyncio.gather(look(), wire.send(post(server.base), spool=spool))
        assert is_whole(spool)

    asyncio.run(run())


def test_a_send_that_is_cancelled_leaves_what_came_in_the_spool(tmp_path):
    async def run() -> None:
        spool = str(tmp_path / "key.reply")

        async def talk(talking: Talking) -> None:
            await talking.request()
            await talking.say(reply(bytes(100_000))[:-1])
            await talking.hear_the_end()

        async with listening(talk) as server, to(server.base) as wire:
            task = asyncio.create_task(wire.send(post(server.base), spool=spool))
            while (part := read_spool(spool)) is None or len(part.body) < 99_999:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert os.listdir(tmp_path) == ["key.reply.part"]

    asyncio.run(run())


def test_an_earlier_answer_is_gone_from_the_spool_before_the_next_request_leaves(tmp_path):
    async def run() -> None:
        spool = tmp_path / "key.reply"
        spool.write_text('{"status":429,"headers":{},"url":"","length":2}\n{}')
        found: list[list[str]] = []

        async def leaving() -> None:
            found.append(os.listdir(tmp_path))

        async with listening(answering(b"")) as server, to(server.base) as wire:
            with pytest.raises(ProviderError):
                await wire.send(post(server.base), spool=str(spool), leaving=leaving)
        assert found == [[]]
        assert os.listdir(tmp_path) == []

    asyncio.run(run())


def test_an_earlier_answer_that_cannot_be_removed_keeps_the_request_from_leaving(tmp_path):
    async def run() -> None:
        (tmp_path / "key.reply").mkdir()
        seen: list[bytes] = []
        async with listening(answering(reply(), seen)) as server, to(server.base) as wire:
            with pytest.raises(ProviderError, match=r"cannot remove `.*key\.reply`"):
                await wire.send(post(server.base), spool=str(tmp_path / "key.reply"))
        assert seen == []

    asyncio.run(run())


@pytest.mark.parametrize("size", [100, 300_000])
def test_a_spool_that_cannot_be_written_costs_nobody_the_reply(tmp_path, size):
    async def run() -> None:
        body = os.urandom(size)
        async with listening(answering(reply(body))) as server, to(server.base) as wire:
            got = await wire.send(post(server.base), spool=str(tmp_path / "missing" / "key.reply"))
        assert (got.body, got.whole) == (body, True)

    asyncio.run(run())


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a disk that is always full")
@pytest.mark.parametrize("size", [100, 300_000])
def test_a_full_disk_costs_nobody_the_reply(tmp_path, size):
    async def run() -> None:
        body = os.urandom(size)

        async def leaving() -> None:
            (tmp_path / "key.reply.part").symlink_to("/dev/full")

        async with listening(answering(reply(body))) as server, to(server.base) as wire:
            got = await wire.send(post(server.base), spool=str(tmp_path / "key.reply"), leaving=leaving)
        assert (got.body, got.whole) == (body, True)

    asyncio.run(run())


def test_a_file_gets_the_body_when_it_is_whole_and_an_errors_words_come_in_the_reply(tmp_path):
    async def run() -> None:
        file = tmp_path / "out.jsonl"

        async def talk(talking: Talking) -> None:
            request = await talking.request()
            if b"GET /cut" in request:
                await talking.say(reply(bytes(50_000))[:-1])
            elif b"GET /gone" in request:
                await talking.say(reply(b'{"error":"gone"}', status="404 Not Found"))
            else:
                await talking.say(reply(b"x" * 400_000))

        async with listening(talk) as server, to(server.base, most_in_memory=1000) as wire:
            cut = await wire.send(get(server.base + "/cut", to_file=str(file)))
            assert (cut.status, cut.whole, os.listdir(tmp_path)) == (200, False, [])
            gone = await wire.send(get(server.base + "/gone", to_file=str(file)))
            assert (gone.status, gone.body, os.listdir(tmp_path)) == (404, b'{"error":"gone"}', [])
            got = await wire.send(get(server.base + "/all", to_file=str(file)))
        assert (got.body, got.whole) == (b"", True)
        assert os.listdir(tmp_path) == ["out.jsonl"]
        assert file.read_bytes() == b"x" * 400_000

    asyncio.run(run())


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    async def run() -> None:
        async with listening(answering(reply())) as server, to(server.base) as wire:
            with pytest.raises(ProviderError, match=r"cannot write `.*no-folder.*`: no such file or directory"):
                await wire.send(get(server.base, to_file=str(tmp_path / "no-folder" / "out")))

    asyncio.run(run())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit of a file's size")
def test_a_spool_that_fails_in_the_middle_goes_on_in_memory(tmp_path):
    async def run() -> None:
        body = os.urandom(700_000)
        most, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

        async def leaving() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (150_001, hard))

        try:
            async with listening(answering(reply(body))) as server, to(server.base) as wire:
                got = await wire.send(post(server.base), spool=str(tmp_path / "key.reply"), leaving=leaving)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
        assert got.whole
        assert got.body == body
        assert (tmp_path / "key.reply.part").stat().st_size == 150_001
        assert not is_whole(str(tmp_path / "key.reply"))

    asyncio.run(run())


@pytest.mark.parametrize("spooled", [True, False])
def test_a_body_too_large_for_memory_is_a_failure(tmp_path, spooled):
    async def run() -> None:
        spool = str(tmp_path / "key.reply") if spooled else None
        async with (
            listening(answering(reply(bytes(3 << 20)))) as server,
            to(server.base, most_in_memory=2 << 20) as wire,
        ):
            with pytest.raises(ServiceFailure, match="the service sent more than 2 MB"):
                await wire.send(post(server.base), spool=spool)

    asyncio.run(run())


def test_a_body_that_comes_packed_though_it_was_not_asked_so_is_unpacked():
    async def run() -> None:
        seen: list[bytes] = []
        body = json.dumps({"data": "x" * 5000}).encode()
        talk = answering(reply(gzip.compress(body), Content_Encoding="gzip"), seen)
        async with listening(talk) as server, to(server.base) as wire:
            got = await wire.send(post(server.base))
        assert got.body == body
        assert got.whole
        assert b"Accept-Encoding: identity" in seen[0]

    asyncio.run(run())


# ------------------------------------------------------------------------------------------------------ event streams

STREAM = (
    b": hello\r\n\r\n"
    b"event: image_generation.partial_image\r\ndata: {\"b64_json\":\"" + b"A" * 70_000 + b"\"}\r\n\r\n"
    b"event: image_generation.completed\ndata: {\"b64_json\":\ndata: \"B\"}\n\n"
)  # fmt: skip


def streaming(stream: bytes, step: int) -> Talk:
    async def talk(talking: Talking) -> None:
        await talking.request()
        await talking.say(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in range(0, len(stream), step):
            piece = stream[start : start + step]
            await talking.say(b"%x\r\n%s\r\n" % (len(piece), piece))
        await talking.say(b"0\r\n\r\n")

    return talk


def test_the_events_of_a_stream_are_shown_as_they_come_and_the_whole_of_it_is_kept(tmp_path):
    async def run() -> None:
        shown: list[Glimpse] = []
        names: list[str] = []

        def glimpse(name: str, data: bytes) -> Glimpse | None:
            names.append(name)
            return Glimpse(0, 1, data) if name.endswith("partial_image") else None

        spool = str(tmp_path / "key.reply")
        async with listening(streaming(STREAM, 1000)) as server, to(server.base) as wire:
            await wire.send(post(server.base, glimpse=glimpse), spool=spool, show=shown.append)
            kept = wire.recall(spool)
        assert names == ["image_generation.partial_image", "image_generation.completed"]
        assert [len(each.data) for each in shown] == [70_015]
        assert kept.body == STREAM
        assert kept.whole
        assert events_of(kept.body)[1] == ("image_generation.completed", b'{"b64_json":\n"B"}')

    asyncio.run(run())


def test_a_mistake_in_what_looks_at_the_events_is_raised_only_when_the_reply_is_safe(tmp_path):
    async def run() -> None:
        spool = str(tmp_path / "key.reply")
        async with listening(streaming(STREAM, 1000)) as server, to(server.base) as wire:
            with pytest.raises(ZeroDivisionError):
                await wire.send(post(server.base, glimpse=lambda name, data: 1 // 0), spool=spool)
        assert read_spool(spool).body == STREAM
        assert is_whole(spool)

    asyncio.run(run())


# ---------------------------------------------------------------------------------------------------------- secrets


@pytest.mark.parametrize("at", [1, 7, 8, len(KEY) // 2, len(KEY) - 1, len(KEY)])
def test_a_large_success_that_says_the_key_back_is_cleared_wherever_its_pieces_end(tmp_path, at):
    async def run() -> None:
        before, after = b"a" * 100_000, b"b" * 100_000
        whole = reply(before + KEY.encode() + after + KEY.encode())
        end = whole.index(KEY.encode()) + at

        async def talk(talking: Talking) -> None:
            await talking.request()
            await talking.say(whole[:end])
            await asyncio.sleep(0.05)
            await talking.say(whole[end:])

        spool = str(tmp_path / "key.reply")
        async with listening(talk) as server, to(server.base) as wire:
            await wire.send(post(server.base), spool=spool)
            assert wire.recall(spool).body == before + b"***" + after + b"***"
        async with listening(talk) as server, to(server.base) as wire:
            await wire.send(get(f"{server.base}/out", to_file=str(tmp_path / "out")))
            assert (tmp_path / "out").read_bytes() == before + b"***" + after + b"***"

    asyncio.run(run())


def test_a_body_that_breaks_off_in_the_middle_of_the_key_does_not_keep_its_first_half():
    async def run() -> None:
        async def talk(talking: Talking) -> None:
            await talking.request()
            await talking.say(reply(b"no such key: " + KEY.encode() + b"!", status="401 No")[:-12])

        async with listening(talk) as server, to(server.base) as wire:
            got = await wire.send(post(server.base))
        assert (got.body, got.whole) == (b"no such key: ***", False)

    asyncio.run(run())


def test_a_key_that_the_service_says_back_is_blotted_out_before_anybody_sees_it(tmp_path):
    async def run(status: str, spool: str | None) -> None:
        said = (
            json.dumps({"error": f"Incorrect API key: {KEY}", "again": KEY}).replace("/", "\\/").encode() + KEY.encode()
        )
        talk = answering(reply(said, status=status, X_Echo=f"Bearer {KEY}"))
        async with listening(talk) as server, to(server.base) as wire:
            got = await wire.send(post(server.base), spool=spool)
        assert b"Incorrect API key: ***" in got.body
        for text in (repr(got), *(path.read_text() for path in tmp_path.iterdir())):
            assert KEY not in text
            assert KEY[:12] not in text
            assert "0123456789" not in text
        assert got.header("x-echo") == "Bearer ***"
        if spool:
            assert read_spool(spool).body == got.body

    for status in ("401 Unauthorized", "200 OK"):
        asyncio.run(run(status, None))
        asyncio.run(run(status, str(tmp_path / "key.reply")))


def test_no_failure_carries_the_key_not_even_with_the_locals_of_its_frames():
    async def run() -> None:
        for talk in (answering(b""), answering(b"no http\r\n\r\n")):
            async with listening(talk) as server, to(server.base) as wire:
                with pytest.raises(ProviderError) as caught:
                    await wire.send(post(server.base))
            shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
            assert KEY not in shown
            assert caught.value.__context__ is None
            assert caught.value.__cause__ is None

    asyncio.run(run())


def test_a_trace_has_a_line_a_request_without_headers_keys_or_the_values_of_a_query():
    async def run() -> None:
        lines: list[str] = []
        talk = answering(reply(b"1234", X_Request_Id="req_1", X_Echo=KEY))
        async with listening(talk) as server, to(server.base, trace=lines.append) as wire:
            await wire.send(get(f"{server.base}/out/{KEY}/x.png?sig=secret", authorized=False))
        async with to(server.base, trace=lines.append) as wire:
            with pytest.raises(NotSent):
                await wire.send(post(server.base))
        assert len(lines) == 2
        assert lines[0].startswith(f"GET {server.base}/out/")
        assert "?…: 200, 4 bytes, req_1, " in lines[0]
        place = server.base.removeprefix("http://")
        assert lines[1].startswith(f"POST {server.base}/v1/images: cannot reach `{place}`: connection refused, ")
        assert KEY not in "".join(lines)
        assert "secret" not in "".join(lines)

    asyncio.run(run())
