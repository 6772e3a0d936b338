"""What a page is given: its own files, JSON, pictures; each of its kind, kept as long as it may be."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path

import pytest

from imagebuild.errors import Place, Problem, SpecErrors
from imagebuild.review.desk import ReviewError, Served
from imagebuild.review.safety import media_of
from imagebuild.review.server import page_files
from tests.review.serving import ADDRESS, ANA, FOREVER, KETTLE, MUG, PNG, MemoryDesk, Running


def test_the_page_is_served_as_it_is_on_disk(server: Running, page: Path):
    for path, name, kind in (
        ("", "index.html", "text/html; charset=utf-8"),
        ("?x=1", "index.html", "text/html; charset=utf-8"),
        ("page/core.js", "core.js", "text/javascript; charset=utf-8"),
        ("page/base.css", "base.css", "text/css; charset=utf-8"),
    ):
        reply = server.ask(path)
        assert (reply.status, reply.headers["Content-Type"], reply.body) == (200, kind, (page / name).read_bytes())
        assert reply.headers["Cache-Control"] == "no-store"


def test_the_page_is_read_once(server: Running, page: Path):
    (page / "core.js").write_text("changed", encoding="utf-8")
    (page / "more.js").write_text("added", encoding="utf-8")
    assert b"changed" not in server.ask("page/core.js").body
    assert server.ask("page/more.js").status == 404


def test_the_installed_page_has_its_files():
    found = page_files()
    assert {"index.html", "core.js", "base.css"} <= found.keys()
    assert all(found.values())


def test_a_page_without_an_index_is_told(tmp_path: Path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ReviewError, match="not installed"):
            page_files(folder)


def test_without_the_slash_one_is_led_to_the_page(server: Running):
    reply = server.ask(server.base[:-1], whole=True)
    assert (reply.status, reply.headers["Location"]) == (302, server.base)
    reply = server.ask(server.base[:-1] + "?to=//evil.example", whole=True)
    assert (reply.status, reply.headers["Location"]) == (302, server.base)
    assert server.ask(server.base[:-1], whole=True, method="POST").status == 405


@pytest.mark.parametrize(
    "path",
    ["", "page/core.js", "api/board", f"api/asset?address={ADDRESS}", f"picture/{KETTLE}", f"thumb/{KETTLE}/160.webp",
     f"compare/{KETTLE}/{MUG}", f"difference/{KETTLE}/{MUG}.png", "nowhere", f"picture/{'e' * 64}"],
)  # fmt: skip
def test_a_head_is_answered_as_a_get_without_the_body(server: Running, path: str):
    whole, head = server.ask(path), server.ask(path, method="HEAD")
    assert (head.status, head.body) == (whole.status, b"")
    for name in ("Content-Type", "Content-Length", "Cache-Control", "ETag"):
        assert head.headers.get(name) == whole.headers.get(name)
    assert whole.headers["Content-Length"] == str(len(whole.body))


def test_a_head_of_the_stream_ends(server: Running):
    reply = server.ask("api/live", method="HEAD")
    assert (reply.status, reply.headers["Content-Type"]) == (200, "text/event-stream; charset=utf-8")


def test_pictures_are_kept_for_good_and_are_of_the_kind_that_their_bytes_are(server: Running, desk: MemoryDesk):
    desk.pictures[KETTLE] = Served(PNG, "text/html")
    for path in (f"picture/{KETTLE}", f"thumb/{KETTLE}/1280.webp", f"difference/{MUG}/{KETTLE}.png"):
        reply = server.ask(path)
        assert (reply.status, reply.body, reply.headers["Content-Type"]) == (200, PNG, "image/png")
        assert reply.headers["Cache-Control"] == FOREVER
    assert server.ask(f"picture/{'e' * 64}").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\1\2\3\4WEBPVP8L", "image/webp"),
        (b"GIF89a", "image/gif"),
        (b"GIF87a", "image/gif"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1", "image/avif"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0miafavif", "image/avif"),
        (b"\0\0\0\x10ftypmif1\0\0\0\0avif", None),  # beyond the box
        (b"\0\0\0\x1cftypisom\0\0\0\0mp42", None),
        (b"RIFF\1\2\3\4WAVE", None),
        (b"<svg/>", None),
        (b'\n<?xml version="1.0"?><svg/>', None),
        (b"\xef\xbb\xbf<svg/>", None),
        (b"<html>", None),
        (b"%PDF-1.7", None),
        (b"BM", None),
        (b"GIF", None),
        (b"", None),
    ],
)
def test_a_picture_is_known_by_its_bytes(data: bytes, kind: str | None):
    assert media_of(data) == kind


def test_large_json_is_packed_for_whom_takes_it(server: Running, desk: MemoryDesk):
    desk.cells = [{"address": f"hero[n={each}]", "digest": KETTLE} for each in range(500)]
    plain = server.ask("api/board")
    assert "Content-Encoding" not in plain.headers
    assert json.loads(plain.body)["you"]["name"] == ANA.name
    for takes in ("gzip", "br, gzip;q=0.5", "GZIP, deflate"):
        packed = server.ask("api/board", headers={"Accept-Encoding": takes})
        assert packed.headers["Content-Encoding"] == "gzip"
        assert packed.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(packed.body) == plain.body
        assert len(packed.body) < len(plain.body) / 5
        assert packed.headers["ETag"] == plain.headers["ETag"]
    for takes in ("", "br", "gzip;q=0", "gzip;q=0.000", "xgzip"):
        assert server.ask("api/board", headers={"Accept-Encoding": takes}).body == plain.body


def test_small_json_is_not_packed(server: Running):
    assert "Content-Encoding" not in server.ask("api/board", headers={"Accept-Encoding": "gzip"}).headers


def test_a_board_that_the_page_has_is_not_sent_again(server: Running, desk: MemoryDesk):
    mark = server.ask("api/board").headers["ETag"]
    for known in (mark, f'"other", {mark}', mark.removeprefix("W/"), "*"):
        for method in ("GET", "HEAD"):
            reply = server.ask("api/board", headers={"If-None-Match": known}, method=method)
            assert (reply.status, reply.body, reply.headers["ETag"]) == (304, b"", mark)
            assert "Content-Type" not in reply.headers
    assert server.ask("api/board", headers={"If-None-Match": '"other"'}).status == 200
    desk.cells = []
    changed = server.ask("api/board", headers={"If-None-Match": mark})
    assert (changed.status, changed.json["cells"]) == (200, [])
    assert changed.headers["ETag"] != mark


def test_one_person_s_board_is_not_another_s(server: Running):
    boards = [server.ask("/" + url.split("/", 3)[3] + "api/board", whole=True) for url in server.urls.values()]
    assert len({each.headers["ETag"] for each in boards}) == 2


def test_what_the_desk_cannot_do_is_told_in_its_words(server: Running, desk: MemoryDesk):
    place = Place("campaign.yaml", 3, 1, 4, "refs: x")
    desk.trouble = SpecErrors([Problem("unknown key `refs`", at=place, hint="did you mean `references`?")])
    reply = server.ask("api/board")
    assert (reply.status, reply.json) == (409, {"what": "unknown key `refs`", "hint": "did you mean `references`?"})


def test_a_fault_of_the_desk_s_own_is_told_without_its_words(
    server: Running, desk: MemoryDesk, caplog: pytest.LogCaptureFixture
):
    desk.trouble = OSError("/tmp/of/somebody.py is gone")
    reply = server.ask("api/board")
    assert (reply.status, reply.json["what"]) == (500, "the review met a fault of its own")
    assert "/tmp/of/somebody.py is gone" in caplog.text
    desk.trouble = None
    assert server.ask("api/board").status == 200


def test_a_desk_that_takes_its_time_holds_up_nobody(server: Running, desk: MemoryDesk):
    with desk.turn, server.listening() as page:  # decisions and news wait
        deciding = threading.Thread(target=server.decide, args=[{"ref": "a"}])
        deciding.start()
        assert desk.is_deciding.wait(20)
        assert page.next().data["kind"] == "hello"
        assert server.ask().status == 200
        assert server.ask(f"picture/{KETTLE}").status == 200
        assert server.ask("api/board").status == 200
        assert desk.decisions == {}
    deciding.join()
    assert list(desk.decisions) == ["a"]
