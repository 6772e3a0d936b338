from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import pytest

from imagebuild.providers.account import Secret
from imagebuild.providers.base import Reply
from imagebuild.providers.incoming import Incoming, Sinks
from imagebuild.providers.spool import SpoolWriter, is_whole, read_spool, remove_spool

HEADERS = {"content-type": "application/json", "x-name": "Ü\n"}
BODY = b'{"data":\n"\x00\xff"}'


def spooled(path, *, length: int | None, finish: bool = True) -> None:
    writer = SpoolWriter(str(path), status=200, headers=HEADERS, url="http://127.0.0.1/v1", length=length)
    writer.write(BODY[:5])
    writer.write(BODY[5:])
    writer.finish() if finish else writer.close()


@pytest.mark.parametrize("length", [len(BODY), None])
def test_a_finished_reply_is_read_as_it_was_received(tmp_path, length):
    path = tmp_path / "key.reply"
    spooled(path, length=length)
    assert os.listdir(tmp_path) == ["key.reply"]
    assert is_whole(str(path))
    assert read_spool(str(path)) == Reply(status=200, headers=HEADERS, body=BODY, whole=True, url="http://127.0.0.1/v1")


@pytest.mark.parametrize("length", [len(BODY), None])
def test_a_kill_before_the_last_rename_leaves_what_is_whole_only_where_the_length_says_so(tmp_path, length):
    path = tmp_path / "key.reply"
    spooled(path, length=length, finish=False)
    assert os.listdir(tmp_path) == ["key.reply.part"]
    assert is_whole(str(path)) is (length is not None)
    got = read_spool(str(path))
    assert got is not None
    assert got.body == BODY
    assert got.whole is (length is not None)


@pytest.mark.parametrize("name", ["key.reply", "key.reply.part"])
@pytest.mark.parametrize("length", [len(BODY), None])
def test_cut_at_any_byte_the_finished_name_says_that_it_is_whole_and_else_the_length(tmp_path, name, length):
    path = tmp_path / "key.reply"
    spooled(path, length=length)
    data = path.read_bytes()
    path.unlink()
    begins = len(data) - len(BODY)
    for size in range(len(data) + 1):
        (tmp_path / name).write_bytes(data[:size])
        got = read_spool(str(path))
        if size < begins:
            assert got is None
            assert not is_whole(str(path))
            continue
        assert got is not None
        assert (got.status, got.headers, got.body) == (200, HEADERS, BODY[: size - begins])
        known = name == "key.reply" or (length is not None and size == len(data))
        assert got.whole is known
        assert is_whole(str(path)) is known


@pytest.mark.parametrize(
    "head", [b"", b"\n", b"{}\n", b"[]\n", b"3\n", b'{"status":"200","headers":{},"url":"","length":null}\n', b"\xff\n"]
)
def test_what_has_no_usable_head_is_no_reply(tmp_path, head):
    path = tmp_path / "key.reply"
    path.write_bytes(head + b"body")
    assert read_spool(str(path)) is None
    assert not is_whole(str(path))


@pytest.mark.parametrize("size", [30, 30_000])
def test_a_reply_that_was_cleared_of_the_key_is_whole_though_it_is_shorter_than_it_was_sent(tmp_path, size):
    path, key = str(tmp_path / "key.reply"), "hk_live_0123456789abcdef0123"
    body = json.dumps({"echo": key, "pad": "x" * size}).encode()

    async def received() -> Reply:
        incoming = Incoming(
            status=200, headers={"content-type": "application/json"}, url="", length=len(body), secret=Secret(key),
            sinks=Sinks(spool=path),
        )  # fmt: skip
        for begin in range(0, len(body), 7000):
            incoming.take(body[begin : begin + 7000])
        return await incoming.finish(True)

    assert asyncio.run(received()).whole
    got = read_spool(path)
    assert got is not None
    assert got.whole
    assert is_whole(path)
    assert json.loads(got.body) == {"echo": "***", "pad": "x" * size}


def test_none_is_no_reply_and_removing_takes_both_names(tmp_path):
    path = str(tmp_path / "key.reply")
    assert read_spool(path) is None
    assert not is_whole(path)
    remove_spool(path)
    spooled(path, length=None)
    spooled(path, length=None, finish=False)
    remove_spool(path)
    assert os.listdir(tmp_path) == []


KILLED = """
import os, signal, sys
from imagebuild.providers.spool import SpoolWriter
writer = SpoolWriter(sys.argv[1], status=200, headers={}, url="", length=3_000_000)
for _ in range(int(sys.argv[2])):
    writer.write(bytes(100_000))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
@pytest.mark.parametrize("pieces", [0, 7, 30])
def test_what_was_handed_over_outlives_a_killed_process(tmp_path, pieces):
    path = str(tmp_path / "key.reply")
    done = subprocess.run([sys.executable, "-c", KILLED, path, str(pieces)], check=False)
    assert done.returncode == -signal.SIGKILL
    got = read_spool(path)
    assert got is not None
    assert len(got.body) == pieces * 100_000
    assert got.whole is is_whole(path) is (pieces == 30)
