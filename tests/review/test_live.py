"""What happens is told to every open page; who does not read, or went, is no burden."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebuild.review.live import Pace
from tests.review.serving import ADDRESS, ANA, BEN, KETTLE, Listening, MemoryDesk, Running, serving


def wait_for(what: object) -> None:
    """Until it is so; a test that waits in vain fails."""
    for _ in range(3000):
        if what():  # type: ignore[operator]
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")


def one(ref: str) -> dict[str, object]:
    return {"ref": ref, "decision": "approve", "asset": ADDRESS, "digest": KETTLE}


def refs(page: Listening, count: int) -> list[str]:
    return [page.until("decisions").data["decisions"][0]["ref"] for _ in range(count)]


def test_two_pages_hear_of_each_other_s_decisions(server: Running):
    with server.listening() as ana, server.listening(base=f"/r/{BEN.token}/") as ben:
        assert (ana.next().data["kind"], ben.next().data["kind"]) == ("hello", "hello")
        server.decide(one("a"))
        server.decide(one("b"), base=f"/r/{BEN.token}/")
        for page in (ana, ben):
            events = [page.next(), page.next()]
            told = [(each.data["decisions"][0]["ref"], each.data["decisions"][0]["by"]) for each in events]
            assert told == [("a", ANA.name), ("b", BEN.name)]


def test_a_page_is_told_how_to_come_back_and_to_which_server(server: Running, desk: MemoryDesk, page: Path):
    with server.listening() as first, server.listening() as second:
        started = [first.next().data["started"], second.next().data["started"]]
        assert first.retry == "1000"
    with serving(desk, page) as another, another.listening() as third:
        started.append(third.next().data["started"])
    assert started[0] == started[1] != started[2]
    assert len(started[0]) >= 32, "so much that nobody guesses it"


def test_a_reply_to_decisions_says_which_server_has_taken_them(server: Running):
    with server.listening() as listening:
        started = listening.next().data["started"]
    told = [server.decide(one("a")), server.decide({"ref": 7})]
    assert [each["started"] for each in told] == [started, started]
    assert started not in server.ask("api/board").body.decode()


def test_a_decision_is_told_at_once_and_not_at_the_next_question(desk: MemoryDesk, page: Path):
    with serving(desk, page, pace=Pace(news=3600)) as server, server.listening() as listening:
        assert listening.next().data["kind"] == "hello"
        wait_for(lambda: desk.questions)
        server.decide(one("a"))
        assert refs(listening, 1) == ["a"]


def test_news_are_asked_for_only_while_a_page_is_open_and_once_when_one_opens(desk: MemoryDesk, page: Path):
    with serving(desk, page, pace=Pace(news=0.01)) as server:
        server.decide(one("before"))
        server.ask("api/board")
        assert desk.questions == 0
        with server.listening() as listening:
            assert refs(listening, 1) == ["before"]
            wait_for(lambda: desk.questions > 3)
        asked = -1
        for _ in range(500):  # the poller notices that the page has gone
            if asked == (asked := desk.questions):
                break
            time.sleep(0.1)
        server.decide(one("after"))
        assert server.ask("api/board").status == 200
        assert desk.questions == asked


def test_a_page_that_comes_back_having_missed_something_is_told_to_fetch_it_all(server: Running):
    with server.listening() as page, server.listening() as other:
        hello = page.next()
        server.decide(one("a"))
        told = page.next()
        assert hello.id != told.id
        assert other.until("decisions").id == told.id
    for last, kinds in (
        (told.id, ["hello", "decisions"]),
        (hello.id, ["hello", "reload", "decisions"]),
        ("of-another-server-7", ["hello", "reload", "decisions"]),
    ):
        with server.listening(last=last) as page:
            found = [page.next()]
            server.decide(one(f"after {last}"))
            while len(found) < len(kinds):
                found.append(page.next())
            assert [each.data["kind"] for each in found] == kinds
        if last == told.id:
            told_again = found[-1].id
            assert told_again != told.id


def test_a_silent_stream_says_that_it_lives_so_that_the_page_hears_it(desk: MemoryDesk, page: Path):
    with serving(desk, page, pace=Pace(heartbeat=0.01)) as server, server.listening() as listening:
        listening.next()
        threading.Timer(0.3, server.decide, [one("a")]).start()
        kinds = [listening.next().data["kind"]]
        while kinds[-1] != "decisions":
            kinds.append(listening.next().data["kind"])
        assert kinds.count("still") == len(kinds) - 1 > 0


def deaf(server: Running) -> socket.socket:
    """A page that opens the stream and never reads."""
    wire = socket.socket()
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    wire.settimeout(20)
    wire.connect(("127.0.0.1", server.port))
    wire.sendall(f"GET {server.base}api/live HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode())
    assert wire.recv(16).startswith(b"HTTP/1.1 200")
    return wire


def is_free(server: Running) -> bool:
    """Whether one more page is let in."""
    with server.listening() as page:
        return page.answer.status == 200


def read_to_the_end(wire: socket.socket) -> None:
    """All that was sent before the connection was cut; a timeout fails the test."""
    with contextlib.suppress(ConnectionError):
        while wire.recv(1 << 20):
            pass


def flood(desk: MemoryDesk, events: int) -> None:
    with desk.turn:
        desk.fresh += [{"kind": "cells", "cells": ["x" * 100_000], "number": each} for each in range(events)]


def test_a_page_that_reads_too_slowly_gets_one_reload_in_place_of_what_it_missed(desk: MemoryDesk, page: Path):
    pace = Pace(news=0.01, queue=20)
    with serving(desk, page, pace=pace) as server, deaf(server) as wire, server.listening() as quick:
        assert quick.next().data["kind"] == "hello"
        for burst in range(20):  # the quick page keeps up, as each burst fits in its queue
            flood(desk, 10)
            assert [quick.next().data["number"] for _ in range(10)] == list(range(10)), burst
        with desk.turn:
            desk.fresh.append({"kind": "last"})
        assert quick.next().data["kind"] == "last"
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        received = b""
        while b'"last"' not in received[-400:]:
            received += wire.recv(1 << 20)
        kinds = [json.loads(line[6:])["kind"] for line in received.splitlines() if line.startswith(b"data: ")]
        assert kinds[-1] == "last"
        assert 1 <= kinds.count("reload") < 20
        assert kinds.count("cells") < 200


def test_a_page_that_does_not_read_at_all_is_dropped(desk: MemoryDesk, page: Path):
    pace = Pace(news=0.01, patience=0.2, heartbeat=3600, queue=1000, queue_bytes=1 << 30, streams=1)
    with serving(desk, page, pace=pace) as server, deaf(server) as wire:
        wait_for(lambda: desk.questions)
        flood(desk, 600)  # more than the system itself holds for it
        wait_for(lambda: is_free(server))
        read_to_the_end(wire)


def test_trouble_with_the_news_is_told_once_and_then_everything_is_fetched_again(
    desk: MemoryDesk, page: Path, caplog: pytest.LogCaptureFixture
):
    with serving(desk, page, pace=Pace(news=0.01)) as server, server.listening() as listening:
        assert listening.next().data["kind"] == "hello"
        desk.trouble = RuntimeError("the lock is being written")
        asked = desk.questions
        wait_for(lambda: desk.questions > asked + 5)
        desk.trouble = None
        assert listening.next().data["kind"] == "reload"
        server.decide(one("a"))
        assert refs(listening, 1) == ["a"]
    assert caplog.text.count("RuntimeError: the lock is being written") == 1


def test_news_that_are_no_json_are_a_reload(desk: MemoryDesk, page: Path, caplog: pytest.LogCaptureFixture):
    with serving(desk, page, pace=Pace(news=0.01)) as server, server.listening() as listening:
        assert listening.next().data["kind"] == "hello"
        with desk.turn:
            desk.fresh += [{"kind": "cells"}, {"kind": float("nan")}]
        assert listening.next().data["kind"] == "reload"
    assert "cannot be told" in caplog.text


def test_an_event_is_one_line_whatever_it_says(server: Running, desk: MemoryDesk):
    with server.listening() as listening:
        assert listening.next().data["kind"] == "hello"
        said = 'a\n\ndata: {"kind":"reload"}\r\n\u2028 </script> 山 \ud800 \0'
        with desk.turn:
            desk.fresh.append({"kind": "comment", "why": said})
        assert listening.next().data == {"kind": "comment", "why": said}


def test_more_pages_than_anybody_opens_are_refused(desk: MemoryDesk, page: Path):
    with serving(desk, page, pace=Pace(streams=2)) as server, server.listening() as one_page, server.listening():
        assert one_page.next().data["kind"] == "hello"
        reply = server.ask("api/live")
        assert (reply.status, set(reply.json)) == (503, {"what", "hint"})


def test_fifty_pages_and_a_storm_of_decisions_agree(server: Running, desk: MemoryDesk):
    writers, each_writes = 8, 12
    with ExitStack() as stack:
        pages = [stack.enter_context(server.listening()) for _ in range(50)]
        assert {page.next().data["kind"] for page in pages} == {"hello"}

        def write(number: int) -> None:
            base = f"/r/{(ANA, BEN)[number % 2].token}/"
            for each in range(each_writes):
                ref = f"{number}-{each}"
                for _ in range(2):  # every decision arrives twice, as after a cut connection
                    told = server.decide(one(ref), base=base)
                    assert (told["accepted"], told["refused"]) == ([ref], [])

        with ThreadPoolExecutor(writers) as threads:
            list(threads.map(write, range(writers)))
        told = [refs(page, writers * each_writes) for page in pages]
    assert len(desk.decisions) == writers * each_writes
    assert sorted(told[0]) == sorted(desk.decisions)
    assert all(each == told[0] for each in told)
    for ref, (who, _) in desk.decisions.items():
        assert who == (ANA, BEN)[int(ref.partition("-")[0]) % 2].name
