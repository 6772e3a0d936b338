"""What strangers may send to a server on loopback, each with the answer it gets."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from tests.review.serving import ADDRESS, ANA, BEN, DRAWING, KETTLE, MARKUP, MUG, NOTHING, MemoryDesk, Running, serving

ONE = json.dumps({"decisions": [{"ref": "1" * 32, "decision": "approve", "asset": ADDRESS, "digest": KETTLE}]}).encode()


# ---- by which name


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1:{port}0", "localhost",
        "localhost.:{port}", "localhost.evil.example:{port}", "127.0.0.1.nip.io:{port}", "0.0.0.0:{port}",
        "127.1:{port}", "2130706433:{port}", "[::]:{port}", "user@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example",
        "127.0.0.1:{port},evil.example", "127.0.0.1:{port} evil.example", "",
    ],
)  # fmt: skip
def test_a_forged_host_is_refused_whatever_the_token(server: Running, host: str):
    sent = host.format(port=server.port)
    for path in ("", "api/board", f"picture/{KETTLE}"):
        reply = server.raw(f"GET {server.base}{path} HTTP/1.1\r\nHost: {sent}\r\nConnection: close\r\n\r\n".encode())
        assert reply.status == 403
        assert b"kettle" not in reply.body


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST:{port}", "[::1]:{port}"])
def test_this_machine_s_own_names_are_let_in(server: Running, host: str):
    assert server.ask("api/board", headers={"Host": host.format(port=server.port)}).status == 200


def test_an_allowed_host_is_let_in_with_our_port_or_none_and_by_https(desk: MemoryDesk, page: Path):
    with serving(desk, page, allowed=("review.example", "other.example:8443")) as server:
        for host in ("review.example", f"review.example:{server.port}", "Review.Example", "other.example:8443"):
            assert server.ask(headers={"Host": host}).status == 200
            for scheme in ("http", "https"):
                assert server.post(ONE, Host=host, Origin=f"{scheme}://{host.lower()}").status == 200
        for host in ("other.example", "review.example:1", "a.review.example"):
            assert server.ask(headers={"Host": host}).status == 403
        assert server.post(ONE, Host="review.example", Origin="https://other.example:8443").status == 403
        assert server.post(ONE, Origin="https://" + server.host).status == 403


def test_a_request_without_a_host_or_with_two_is_refused(server: Running):
    path, host = server.base, server.host
    assert server.raw(f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode()).status in (400, 403)
    assert server.raw(f"GET {path} HTTP/1.0\r\n\r\n".encode()).status == 403
    for second in (host, "evil.example"):
        sent = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nHost: {second}\r\nConnection: close\r\n\r\n"
        assert server.raw(sent.encode()).status in (400, 403)


def test_a_target_with_a_host_in_it_is_refused(server: Running):
    for target in (f"http://evil.example{server.base}", f"http://{server.host}{server.base}", f"https:{server.base}"):
        assert server.target(target).status in (400, 403)
    assert server.target(f"http://evil.example{server.base}").status == 403
    assert server.target(f"//evil.example{server.base}").status == 404


# ---- from where


@pytest.mark.parametrize(
    "origin",
    [
        None, "null", "", "*", "http://evil.example", "http://127.0.0.1", "http://127.0.0.1:1", "https://127.0.0.1:{port}",
        "http://localhost:{port}", "http://127.0.0.1:{port}/", "http://127.0.0.1:{port}.evil.example",
        "http://user@127.0.0.1:{port}", "HTTP://127.0.0.1:{port}", "file://", "http://127.0.0.1:{port} http://evil.example",
    ],
)  # fmt: skip
def test_a_decision_from_another_origin_is_refused(server: Running, desk: MemoryDesk, origin: str | None):
    reply = server.post(ONE, Origin=origin and origin.format(port=server.port))
    assert (reply.status, set(reply.json)) == (403, {"what", "hint"})
    assert desk.decisions == {}


def test_a_decision_with_two_origins_is_refused(server: Running, desk: MemoryDesk):
    for second in (server.origin, "http://evil.example"):
        sent = (
            f"POST {server.base}api/decisions HTTP/1.1\r\nHost: {server.host}\r\nOrigin: {server.origin}\r\n"
            f"Origin: {second}\r\nContent-Type: application/json\r\nContent-Length: {len(ONE)}\r\n\r\n"
        )
        assert server.raw(sent.encode() + ONE, method="POST").status == 403
    assert desk.decisions == {}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", "nonsense"])
def test_a_decision_that_the_browser_says_is_another_site_s_is_refused(server: Running, desk: MemoryDesk, site: str):
    assert server.post(ONE, Sec_Fetch_Site=site).status == 403
    assert desk.decisions == {}


@pytest.mark.parametrize(
    "kind",
    [
        None, "", "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x", "text/json", "application/jsonp", "application/json; charset=utf-16",
        "text/plain, application/json", "text/plain; application/json",
    ],
)  # fmt: skip
def test_what_a_form_can_send_unasked_is_no_decision(server: Running, desk: MemoryDesk, kind: str | None):
    assert server.post(ONE, Content_Type=kind).status == 415
    assert desk.decisions == {}


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=UTF-8"])
def test_what_the_page_sends_is_a_decision(server: Running, desk: MemoryDesk, kind: str):
    assert server.post(ONE, Content_Type=kind).json["accepted"] == ["1" * 32]
    assert server.post(ONE, Sec_Fetch_Site=None).status == 200
    assert list(desk.decisions) == ["1" * 32]


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_another_site_reads_nothing_and_shows_no_picture(server: Running, site: str):
    shows = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    visits = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    frames = {**visits, "Sec-Fetch-Dest": "iframe"}
    inner = [
        "page/core.js", "api/board", "api/own", f"api/asset?address={ADDRESS}", "api/live", f"thumb/{KETTLE}/320.webp",
        f"picture/{KETTLE}", f"compare/{KETTLE}/{MUG}", f"difference/{KETTLE}/{MUG}.png",
    ]  # fmt: skip
    for path in inner:
        for headers in (shows, visits, frames, {"Sec-Fetch-Site": site}):
            for method in ("GET", "HEAD"):
                assert server.ask(path, headers=headers, method=method).status == 403
    for headers in (shows, frames, {"Sec-Fetch-Site": site}):
        assert server.ask("", headers=headers).status == 403
        assert server.ask(server.base[:-1], headers=headers, whole=True).status == 403
    assert server.ask("", headers=visits).status == 200  # a link in a message
    assert server.ask(server.base[:-1], headers=visits, whole=True).status == 302


def test_nobody_is_told_that_other_sites_may_ask(server: Running):
    asks = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    for path, allow in (("api/decisions", "POST"), ("api/board", "GET, HEAD"), ("", "GET, HEAD")):
        reply = server.ask(path, method="OPTIONS", headers=asks)  # `ask` refuses any Access-Control header
        assert (reply.status, reply.headers["Allow"]) == (405, allow)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "POST"])
def test_other_methods_are_refused(server: Running, desk: MemoryDesk, method: str):
    for path in ("", "api/board", f"picture/{KETTLE}", "page/core.js", "api/live"):
        assert server.ask(path, method=method, headers={"Origin": server.origin}).status == 405
    if method != "POST":
        assert server.ask("api/decisions", method=method, headers={"Origin": server.origin}).status == 405
    assert server.ask("api/decisions").status == 405
    assert desk.decisions == {}


# ---- by whom


@pytest.mark.parametrize(
    "token",
    [
        "", "x", ANA.token[:-1], ANA.token + "A", ANA.token.lower(), "C" * 43, "A" * 5000, "%41" * 43, "A" * 42 + "%00",
        "..", ".", "*", "%ff",
    ],
)  # fmt: skip
def test_a_token_that_is_nobody_s_is_refused_everywhere(server: Running, token: str):
    for path in ("", "api/board", "api/live", f"picture/{KETTLE}", "nowhere", "../" + ANA.token + "/"):
        reply = server.target(f"/r/{token}/{path}")
        assert reply.status == 403
        assert (b"kettle" in reply.body) is False
        if path in ("", "nowhere"):
            assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert b"imagebuild review" in reply.body
        if path == "api/board":
            assert set(reply.json) == {"what", "hint"}


def test_without_any_token_there_is_nothing(server: Running):
    for path in ("/", "/r", "/index.html", "/favicon.ico", "/api/board", f"/picture/{KETTLE}", "/R/" + ANA.token + "/"):
        assert server.ask(path, whole=True).status == 404
    assert server.ask("/r/", whole=True).status == 403
    assert server.ask("/r//api/board", whole=True).status == 403


def test_nobody_speaks_for_another(server: Running, desk: MemoryDesk):
    asked = {
        "ref": "1" * 32,
        "by": ANA.name,
        "at": "2001-01-01T00:00:00Z",
        "entered": "x",
        "who": ANA.name,
        "why": "no",
    }
    body = json.dumps({"by": ANA.name, "who": ANA.name, "decisions": [asked]}).encode()
    assert server.post(body, base=f"/r/{BEN.token}/").status == 200
    assert desk.decisions == {"1" * 32: (BEN.name, {"ref": "1" * 32, "who": ANA.name, "why": "no"})}
    for name, url in server.urls.items():
        board = server.ask("/" + url.split("/", 3)[3] + "api/board", whole=True)
        assert board.json["you"]["name"] == name


def test_the_token_is_in_no_reply_and_no_log(server: Running, caplog: pytest.LogCaptureFixture, desk: MemoryDesk):
    caplog.set_level(0)
    desk.trouble = RuntimeError("the desk fell over")
    replies = [
        server.ask(""), server.ask("nowhere"), server.ask("api/board"), server.post(b"{"),
        server.raw(f"GET {server.base} HTTP/x\r\nHost: {server.host}\r\n\r\n".encode()),
        server.raw(f"GET {server.base}\x01 HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()),
        server.raw(f"{server.base} nonsense\r\n\r\n".encode()),
    ]  # fmt: skip
    assert [each.status for each in replies] == [200, 404, 500, 400, 400, 400, 400]
    assert "the desk fell over" in caplog.text
    assert ANA.token not in caplog.text
    assert ANA.token not in "".join(f"{each.headers}{each.body!r}" for each in replies)


# ---- to where

WAYS_OUT = [
    "..", "../secret.js", "%2e%2e/secret.js", "%2e%2e%2fsecret.js", "..%2fsecret.js", "..%5csecret.js", "..\\secret.js",
    "%252e%252e%252fsecret.js", "..%252fsecret.js", "....//secret.js", "..;/secret.js", "%00", "core.js%00.png",
    "/etc/passwd",
    "%2fetc%2fpasswd", "//etc/passwd", "file:///etc/passwd", "C:%5cWindows%5cwin.ini", "C:\\Windows", "\\\\host\\share",
    "%c0%ae%c0%ae/secret.js", "%uff0e%uff0e/secret.js", "~", "core.js/", "core.js/..", "./core.js", "%63ore.js",
    "core.js%20",
    "core.js.", "CORE.JS", "core.js::$DATA", "",
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS_OUT)
def test_no_path_leads_out_of_what_is_listed(server: Running, way: str):
    targets = [
        f"page/{way}", f"picture/{way}", f"picture/{KETTLE}/{way}", f"thumb/{way}/320.webp", f"thumb/{KETTLE}/{way}",
        f"thumb/{KETTLE}/{way}.webp", f"compare/{way}/{KETTLE}", f"compare/{KETTLE}/{way}",
        f"difference/{way}/{KETTLE}.png", f"difference/{KETTLE}/{way}", f"difference/{KETTLE}/{way}.png", f"api/{way}",
    ]  # fmt: skip
    for target in targets:
        reply = server.target(server.base + target)
        assert reply.status == 404, target
        assert b"outside" not in reply.body
        assert b"root:" not in reply.body


@pytest.mark.parametrize("way", [*WAYS_OUT[:-1], "hero[product=mug]", "a" * 4000])
def test_an_address_is_only_ever_a_name(server: Running, desk: MemoryDesk, way: str):
    reply = server.target(f"{server.base}api/asset?address={way}")
    assert reply.status in (400, 404)
    assert set(reply.json) == {"what", "hint"}
    assert not [each for each in desk.asked if "\0" in each]


def test_an_address_comes_decoded_once(server: Running, desk: MemoryDesk):
    assert server.target(f"{server.base}api/asset?address=hero%5Bproduct%3Dkettle%2Clocale=de-DE]").status == 200
    assert server.target(f"{server.base}api/asset?address=%252e%252e").status == 404
    assert server.target(f"{server.base}api/asset?address=%E5%B1%B1%E3%80%80+x%2B").status == 404
    assert desk.asked == [ADDRESS, "%2e%2e", "山\u3000 x+"]


@pytest.mark.parametrize(
    "query",
    ["", "?", "?address", "?address=", "?name=x", "?address=a&address=b", "?address=a&x=1", "?x=1&address=a",
     "?address=%00", "?address=a%0d%0ab", "?address=%1b[31m", "?address=%ff", "?address=%ed%a0%80",
     "?address=" + "a" * 4001],
)  # fmt: skip
def test_one_whole_address_is_wanted(server: Running, desk: MemoryDesk, query: str):
    assert server.target(f"{server.base}api/asset{query}").status == 400
    assert desk.asked == []


@pytest.mark.parametrize("name", ["index.html", "notes.txt", "drawing.svg", "page", "missing.js", "server.py", "core"])
def test_a_page_file_off_the_list_is_not_there(server: Running, name: str):
    assert server.ask(f"page/{name}").status == 404


@pytest.mark.parametrize(
    "width",
    ["1", "0", "159", "161", "321", "0320", "+320", "320.0", "1281", "100000", "-320", "320px", "%D9%A1%D9%A6%D9%A0"],
)
def test_a_width_off_the_list_is_not_made(server: Running, width: str):
    assert server.target(f"{server.base}thumb/{KETTLE}/{width}.webp").status == 404


@pytest.mark.parametrize(
    "digest",
    ["", "a", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 63 + "%61", "a" * 64 + "%0a", NOTHING, "0x" + "a" * 62],
)
def test_what_is_no_digest_or_nobody_s_is_not_there(server: Running, digest: str):
    for path in (
        f"picture/{digest}", f"thumb/{digest}/320.webp", f"compare/{digest}/{KETTLE}", f"compare/{KETTLE}/{digest}",
        f"difference/{digest}/{KETTLE}.png", f"difference/{KETTLE}/{digest}.png",
    ):  # fmt: skip
        assert server.target(server.base + path).status == 404


@pytest.mark.parametrize("digest", [DRAWING, MARKUP])
def test_what_is_no_picture_is_not_shown_as_one(server: Running, digest: str):
    for path in (f"picture/{digest}", f"thumb/{digest}/640.webp", f"difference/{KETTLE}/{digest}.png"):
        reply = server.ask(path)
        assert (reply.status, b"<" in reply.body) == (404, False)


# ---- too much of it


def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Running, desk: MemoryDesk):
    start = (
        f"POST {server.base}api/decisions HTTP/1.1\r\nHost: {server.host}\r\nOrigin: {server.origin}\r\n"
        "Content-Type: application/json\r\n"
    )
    told = server.raw(f"{start}Content-Length: {(8 << 20) + 1}\r\n\r\n".encode(), method="POST")
    assert told.status == 413
    parts = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    untold = server.raw(
        f"{start}Transfer-Encoding: chunked\r\n\r\n".encode() + parts * 8 + b"1\r\n \r\n", method="POST"
    )
    assert (untold.status, set(untold.json)) == (413, {"what", "hint"})
    assert desk.decisions == {}


def test_five_thousand_long_decisions_fit(server: Running, desk: MemoryDesk):
    asked = [{"ref": f"{each:032x}", "asset": ADDRESS, "digest": KETTLE, "why": "ä" * 150} for each in range(5000)]
    body = json.dumps({"decisions": asked}, ensure_ascii=False).encode()
    assert len(server.post(body).json["accepted"]) == 5000 == len(desk.decisions)


def test_a_page_s_largest_batch_fits(server: Running, desk: MemoryDesk):
    asked = [{"ref": f"{each:032x}", "asset": ADDRESS * 3, "digest": KETTLE, "why": "山" * 4000} for each in range(500)]
    assert server.post(json.dumps({"decisions": asked}, ensure_ascii=False).encode()).status == 200


def test_more_decisions_than_anybody_takes_are_refused(server: Running, desk: MemoryDesk):
    assert server.post(json.dumps({"decisions": [{}] * 10_001}).encode()).status == 413


@pytest.mark.parametrize("packed", ["gzip", "deflate", "br", "identity, gzip"])
def test_a_packed_body_is_not_unpacked(server: Running, desk: MemoryDesk, packed: str):
    assert server.post(ONE, Content_Encoding=packed).status == 415
    assert desk.decisions == {}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b"7", b'"x"', b"{}", b'{"decisions":null}', b'{"decisions":{}}',
        b'{"decisions":"x"}',
        b'{"decisions":[1]}', b'{"decisions":[[]]}', b'{"decisions":[{},null]}', b'{"decisions":[{"x":NaN}]}',
        b'{"decisions":[{"x":Infinity}]}', b'{"decisions":[{"x":-Infinity}]}', b'{"decisions":[{"x":1e999}]}',
        b'{"decisions":[{"ref":"a","ref":"b"}]}', b'{"decisions":[],"decisions":[{"ref":"a"}]}',
        b'{"decisions":[{"x":"\\ud800"}]}', b'{"decisions":[{"\\udc00":1}]}', b'{"decisions":[{"x":"\xff"}]}',
        b'\xef\xbb\xbf{"decisions":[]}', b'{"decisions":[]}x', b'{"decisions":[]}\0', b"{'decisions':[]}",
        b'{"decisions":[{"x":' + b"9" * 5000 + b"}]}", b'{"decisions":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"decisions":[{"x":' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}",
        '{"decisions":[]}'.encode("utf-16"),
    ],
    ids=lambda body: body[:40].decode("latin-1"),
)  # fmt: skip
def test_what_is_not_quite_json_or_of_another_form_is_refused_whole(server: Running, desk: MemoryDesk, body: bytes):
    reply = server.post(body)
    assert (reply.status, set(reply.json)) == (400, {"what", "hint"})
    assert desk.decisions == {}


def test_odd_entries_reach_the_desk_and_are_refused_one_by_one(server: Running, desk: MemoryDesk):
    answer = server.decide({}, {"ref": 7}, {"ref": ["x"]}, {"ref": "good", "why": {"a": [True, None, 1.5]}})
    assert answer["accepted"] == ["good"]
    assert [each["ref"] for each in answer["refused"]] == [None, 7, ["x"]]


@pytest.mark.parametrize(
    "headers", [["X-Long: " + "x" * 20_000], [f"X-{each}: {'x' * 60}" for each in range(300)], ["x" * 20_000 + ": 1"]]
)
def test_thousands_of_header_bytes_are_refused(server: Running, headers: list[str]):
    sent = "\r\n".join([f"GET {server.base} HTTP/1.1", f"Host: {server.host}", *headers, "", ""])
    assert server.raw(sent.encode()).status == 400
    assert server.ask().status == 200


def test_a_target_of_thousands_of_bytes_or_of_none_that_an_address_has_is_refused(server: Running):
    assert server.target(server.base + "x" * 20_000).status == 400
    for odd in ("ÿ" * 9, "\x00", "a\x01b", "\x7f"):
        for path in (f"/r/{odd}/", *(f"{server.base}{each}{odd}" for each in ("", "picture/", "api/asset?address="))):
            assert server.target(path).status == 400


def test_a_body_that_breaks_off_decides_nothing(server: Running, desk: MemoryDesk):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as wire:
        wire.sendall(
            f"POST {server.base}api/decisions HTTP/1.1\r\nHost: {server.host}\r\nOrigin: {server.origin}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(ONE) + 1}\r\n\r\n".encode()
            + ONE
        )
    assert server.ask().status == 200
    assert desk.decisions == {}


def test_requests_that_never_end_hold_up_nobody(server: Running):
    beginnings = [b"", b"GET ", f"GET {server.base} HTTP/1.1\r\nHost: {server.host}\r\nX-Slow: ".encode()]
    beginnings.append(
        f"POST {server.base}api/decisions HTTP/1.1\r\nHost: {server.host}\r\nOrigin: {server.origin}\r\n"
        "Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{".encode()
    )
    wires = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(80)]
    try:
        for number, wire in enumerate(wires):
            wire.sendall(beginnings[number % len(beginnings)])
        assert server.ask("api/board").status == 200
        assert server.post(ONE).status == 200
        server.stop()
    finally:
        for wire in wires:
            wire.close()
