"""OpenAI's Batch API, stepped by hand: the file that is sent, the life of a batch, the files that come."""

from __future__ import annotations

import base64
import json
import tracemalloc
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.core.offer import Price
from imagebuild.errors import ProviderError
from imagebuild.providers.base import (
    AccountFailure,
    Ask,
    Attachment,
    Lost,
    Note,
    Part,
    Refused,
    Reply,
    Request,
    ServiceFailure,
    StillRunning,
    Throttled,
    Unknown,
)
from imagebuild.providers.batches import BatchState, BatchTicket, Lot
from imagebuild.providers.openai_batch import OpenAIBatch
from imagebuild.providers.openai_lines import fits, line_of, lots_of, read_lines

BASE = "https://api.openai.com/v1"
MODEL = "gpt-image-2-2026-04-21"
PRICE = Price(text_in=Decimal(5), image_in=Decimal(8), image_out=Decimal(30))
PNG = Attachment(data=b"png bytes", media_type="image/png", name="brand/secret.png")
TICKET = BatchTicket("batch_1", "/v1/images/generations", "file-1", ("a", "b"), "label-1")


def request(key: str, **changes: object) -> Request:
    plain = Request(
        key=key, operation="generate", model=MODEL, prompt=f"Größe {key}", size=(1024, 1024), quality="low",
        format="jpeg", label=f"scene[{key}]",
    )  # fmt: skip
    return replace(plain, **changes)


LOT = Lot("/v1/images/generations", (request("a"), request("b")), 0)


def batch() -> OpenAIBatch:
    return OpenAIBatch(MODEL, base_url=BASE, price=PRICE)


def reply(body: object, status: int = 200, **more: object) -> Reply:
    return Reply(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode(), **more)


def error(message: str, code: str | None = None) -> dict:
    return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}


def run(flow, *replies: Reply):
    """Step a flow through these replies; what it wished for, and what it ended with."""
    waiting, wishes, answer = list(replies), [], None
    while True:
        try:
            wish = flow.send(answer)
        except StopIteration as end:
            assert waiting == []
            return wishes, end.value
        wishes.append(wish)
        answer = waiting.pop(0) if isinstance(wish, Ask) else None


# ---------------------------------------------------------------------------------------------------------------- lines


def test_a_request_is_a_line_whose_id_is_its_key():
    line = line_of(request("a"), MODEL)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {
        "custom_id": "a", "method": "POST", "url": "/v1/images/generations",
        "body": {"model": MODEL, "prompt": "Größe a", "n": 1, "size": "1024x1024", "quality": "low",
                 "output_format": "jpeg"},
    }  # fmt: skip


def test_an_edit_has_its_pictures_in_its_line():
    line = json.loads(line_of(request("a", references=(PNG, PNG), mask=PNG), MODEL))
    address = "data:image/png;base64," + base64.b64encode(b"png bytes").decode()
    assert line["url"] == "/v1/images/edits"
    assert line["body"]["images"] == [{"image_url": address}, {"image_url": address}]
    assert line["body"]["mask"] == {"image_url": address}


def test_a_prompt_of_several_lines_stays_one_line():
    line = line_of(request("a", prompt="one\ntwo\r\nthree\u2028four"), MODEL)
    assert line.count(b"\n") == 1
    assert json.loads(line)["body"]["prompt"] == "one\ntwo\r\nthree\u2028four"


def test_the_two_endpoints_make_two_lots_in_their_order():
    wanted = [request("a"), request("b", references=(PNG,)), request("c"), request("d", references=(PNG,))]
    lots = lots_of(iter(wanted), MODEL)
    assert [(lot.endpoint, [each.key for each in lot.requests]) for lot in lots] == [
        ("/v1/images/generations", ["a", "c"]),
        ("/v1/images/edits", ["b", "d"]),
    ]
    assert lots_of([], MODEL) == []


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 300)), max_size=30), st.integers(1, 5), st.integers(500, 2000))
def test_no_lot_is_too_large_and_every_request_is_in_one(kinds, most_lines, most_bytes):
    wanted = [
        request(f"k{place}", prompt="é" * length, references=(PNG,) if edit else ())
        for place, (edit, length) in enumerate(kinds)
    ]
    lots = lots_of(wanted, MODEL, most_lines=most_lines, most_bytes=most_bytes)
    for lot in lots:
        lines = [line_of(each, MODEL) for each in lot.requests]
        assert {json.loads(line)["url"] for line in lines} == {lot.endpoint}
        assert sum(map(len, lines)) == lot.bytes
        assert 0 < len(lines) <= most_lines
        assert lot.bytes <= most_bytes or len(lines) == 1
    assert sorted(each.key for lot in lots for each in lot.requests) == sorted(each.key for each in wanted)


def test_a_request_that_no_file_can_hold_is_named():
    large = request("big", references=(replace(PNG, data=bytes(16_000_000)),))
    assert fits(request("a", references=(replace(PNG, data=bytes(15_000_000)),)), MODEL)
    assert not fits(large, MODEL)
    with pytest.raises(ProviderError, match=r"`scene\[big\]` is too large for a batch") as caught:
        lots_of([request("a"), large], MODEL)
    assert "--batch" in (caught.value.hint or "")


# --------------------------------------------------------------------------------------------------------------- submit


def test_a_batch_is_uploaded_noted_and_begun():
    wishes, ticket = run(
        batch().submit(LOT, label="spring 1"), reply({"id": "file-9"}), reply({"id": "batch_7", "status": "validating"})
    )
    upload, note, create = wishes
    lines = line_of(request("a"), MODEL) + line_of(request("b"), MODEL)
    assert (upload.method, upload.url, upload.paid) == ("POST", BASE + "/files", False)
    assert list(upload.form) == [
        Part("purpose", "batch"),
        Part("file", lines, "spring-1.jsonl", "application/jsonl"),
    ]
    assert note == Note({"file": "file-9", "label": "spring 1"})
    assert (create.method, create.url, create.paid) == ("POST", BASE + "/batches", True)
    assert create.json == {
        "input_file_id": "file-9", "endpoint": "/v1/images/generations", "completion_window": "24h",
        "metadata": {"imagebuild": "spring 1"},
    }  # fmt: skip
    assert ticket == BatchTicket("batch_7", "/v1/images/generations", "file-9", ("a", "b"), "spring 1")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(error("File is too large."), 400), AccountFailure),
        (reply(error("bad key", "invalid_api_key"), 401), AccountFailure),
        (reply(error("slow down", "rate_limit_exceeded"), 429), Throttled),
        (reply(b"", 500), Throttled),
        (reply({}), Throttled),
    ],
)
def test_an_upload_that_fails_leaves_nothing_unknown_and_refuses_no_request(answer, kind):
    with pytest.raises(kind) as caught:
        run(batch().submit(LOT, label="l"), answer)
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply(error("This model is not available in batches", "invalid_value"), 400), AccountFailure),
        (reply(error("quota", "insufficient_quota"), 429), AccountFailure),
        (reply(error("slow", "rate_limit_exceeded"), 429), Throttled),
        (reply(error("oops", "server_error"), 500), Unknown),
        (reply(b'{"id": "batch', whole=False), Unknown),
        (reply({"object": "batch"}), Unknown),
    ],
)
def test_a_beginning_that_fails_is_unknown_only_where_it_is_and_refuses_no_request(answer, kind):
    with pytest.raises(kind) as caught:
        run(batch().submit(LOT, label="l"), reply({"id": "file-9"}), answer)
    assert type(caught.value) is kind


# ----------------------------------------------------------------------------------------------------------------- find


def row(batch: str, label: str | None) -> dict:
    metadata = None if label is None else {"imagebuild": label}
    return {"id": batch, "input_file_id": f"file-of-{batch}", "endpoint": "/v1/images/edits", "metadata": metadata}


def test_a_batch_whose_reply_was_lost_is_found_by_its_label_page_by_page():
    wishes, ticket = run(
        batch().find("mine", keys=["a"]),
        reply({"data": [row("batch_9", "other"), row("batch_8", None)], "has_more": True}),
        reply({"data": [row("batch_7", "mine"), row("batch_6", "mine")], "has_more": True}),
    )
    assert [wish.url for wish in wishes] == [BASE + "/batches?limit=100", BASE + "/batches?limit=100&after=batch_8"]
    assert not any(wish.paid for wish in wishes)
    assert ticket == BatchTicket("batch_7", "/v1/images/edits", "file-of-batch_7", ("a",), "mine")


def test_a_batch_that_never_began_is_found_nowhere():
    assert run(batch().find("mine"), reply({"data": [row("b", "other")], "has_more": False}))[1] is None
    assert run(batch().find("mine"), reply({"data": [], "has_more": True}))[1] is None


def test_a_list_that_is_not_read_to_its_end_proves_nothing():
    page = reply({"data": [row("b", "other")], "has_more": True})
    with pytest.raises(Unknown, match="more batches than are read"):
        run(batch().find("mine"), *[page] * 200)


@pytest.mark.parametrize("answer", [reply(b"", 500), reply(b"<html>"), reply([]), reply(error("slow"), 429)])
def test_a_list_that_cannot_be_had_proves_nothing(answer):
    with pytest.raises(StillRunning):
        run(batch().find("mine"), answer)


# ----------------------------------------------------------------------------------------------------------------- poll


@pytest.mark.parametrize(
    ("status", "done"),
    [
        ("validating", False), ("in_progress", False), ("finalizing", False), ("cancelling", False),
        ("something new", False), (None, False), (7, False),
        ("completed", True), ("expired", True), ("cancelled", True), ("failed", True),
    ],
)  # fmt: skip
def test_a_status_that_is_not_known_is_one_on_the_way(status, done):
    _, state = run(batch().poll(TICKET), reply({"id": "batch_1", "status": status}))
    assert state.done is done


def test_a_poll_is_one_free_question_and_tells_all_that_is_said():
    body = {
        "id": "batch_1", "status": "completed", "request_counts": {"total": 3, "completed": 2, "failed": 1},
        "output_file_id": "file-o", "error_file_id": "file-e", "errors": None,
    }  # fmt: skip
    wishes, state = run(batch().poll(TICKET), reply(body))
    assert [(wish.method, wish.url, wish.paid) for wish in wishes] == [("GET", BASE + "/batches/batch_1", False)]
    assert state == BatchState("completed", True, 3, 2, 1, "file-o", "file-e")


@pytest.mark.parametrize(
    ("errors", "kind", "words"),
    [
        ([{"code": "insufficient_quota", "message": "You exceeded your current quota", "line": None}], AccountFailure,
         "You exceeded your current quota"),
        ([{"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}], Throttled,
         "Enqueued token limit reached"),
        ([{"code": "invalid_json_line", "message": "not JSON", "line": 3}], AccountFailure, "not JSON"),
        ([{"code": "invalid_value", "message": "bad size", "line": 1}], AccountFailure, "bad size"),
        ([], AccountFailure, ""),
    ],
)  # fmt: skip
def test_a_batch_that_was_turned_down_says_why_and_leaves_nothing_unknown(errors, kind, words):
    body = {"status": "failed", "errors": {"object": "list", "data": errors}}
    _, state = run(batch().poll(TICKET), reply(body))
    assert state.done
    assert type(state.failure) is kind
    assert state.failure.words == words


@pytest.mark.parametrize("made", [{"output_file_id": "file-o"}, {"request_counts": {"completed": 2}}])
def test_a_batch_that_failed_when_some_of_it_was_made_is_not_turned_down(made):
    _, state = run(batch().poll(TICKET), reply({"status": "failed", "errors": None, **made}))
    assert (state.done, state.failure) == (True, None)


@pytest.mark.parametrize("answer", [reply(b"", 503), reply(b"{"), reply([])])
def test_a_poll_that_is_not_answered_leaves_the_batch_running(answer):
    with pytest.raises(StillRunning):
        run(batch().poll(TICKET), answer)


def test_a_poll_with_a_key_that_is_no_longer_good_says_so():
    with pytest.raises(AccountFailure, match="does not accept the key"):
        run(batch().poll(TICKET), reply(error("no", "invalid_api_key"), 401))


def test_a_batch_is_cancelled_by_a_free_request():
    wishes, state = run(batch().cancel(TICKET), reply({"status": "cancelling"}))
    assert [(w.method, w.url, w.paid) for w in wishes] == [("POST", BASE + "/batches/batch_1/cancel", False)]
    assert (state.status, state.done) == ("cancelling", False)


# -------------------------------------------------------------------------------------------------------------- collect


def test_a_file_of_a_batch_goes_to_a_file_and_not_through_memory(tmp_path):
    to = str(tmp_path / "results")
    [wish], is_there = run(batch().collect("file/../e", to), reply(b""))
    assert (wish.method, wish.url, wish.to_file) == ("GET", BASE + "/files/file%2F..%2Fe/content", to)
    assert (wish.authorized, wish.paid) == (True, False)
    assert is_there


@pytest.mark.parametrize("status", [404, 410])
def test_a_file_is_missing_only_when_it_is_so_for_a_minute(status):
    wishes, is_there = run(batch().collect("file-o", "x"), *[reply(b"", status)] * 4, reply(b""))
    assert (len(wishes), is_there) == (5, True)
    wishes, is_there = run(batch().collect("file-o", "x"), *[reply(b"", status)] * 5)
    assert (sum(wish.after for wish in wishes) >= 60, is_there) == (True, False)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(reply(b"", 500), StillRunning), (reply(b"", whole=False), StillRunning), (reply(b"", 401), AccountFailure)],
)
def test_a_file_that_cannot_be_fetched_is_there_all_the_same(answer, kind):
    with pytest.raises(kind):
        run(batch().collect("file-o", "x"), answer)


# -------------------------------------------------------------------------------------------------------------- results


def made(key: str, data: bytes = b"picture", **body: object) -> dict:
    return {
        "id": f"batch_req_{key}", "custom_id": key, "error": None,
        "response": {"status_code": 200, "request_id": f"req_{key}", "body": {
            "created": 1, "output_format": "jpeg", "size": "1024x1024",
            "data": [{"b64_json": base64.b64encode(data).decode()}],
            "usage": {"input_tokens": 20, "output_tokens": 196, "input_tokens_details": {"text_tokens": 20}}, **body,
        }},
    }  # fmt: skip


def failed(key: str, status: int, code: str) -> dict:
    response = {"status_code": status, "request_id": f"req_{key}", "body": error("so it is", code)}
    return {"id": f"batch_req_{key}", "custom_id": key, "response": response, "error": None}


def results(path, *lines: object) -> list:
    path.write_bytes(b"".join(each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in lines))
    return list(read_lines(str(path), price=PRICE, form_of=lambda key: "webp"))


def test_a_result_is_a_picture_at_half_the_price(tmp_path):
    [found] = results(tmp_path / "o.jsonl", made("a"))
    assert (found.key, found.failure) == ("a", None)
    assert found.picture.data == b"picture"
    assert found.picture.media_type == "image/jpeg"
    assert found.picture.cost == Decimal("0.00299")  # half of 20 x $5 + 196 x $30, a million
    assert found.picture.request_id == "req_a"
    assert found.picture.answered["size"] == "1024x1024"


def test_a_result_that_does_not_say_its_format_has_the_one_that_was_asked_for(tmp_path):
    [found] = results(tmp_path / "o.jsonl", made("a", output_format=None))
    assert found.picture.media_type == "image/webp"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (failed("a", 400, "moderation_blocked"), Refused),
        (failed("a", 400, "invalid_value"), Refused),
        (failed("a", 429, "insufficient_quota"), AccountFailure),
        (failed("a", 429, "rate_limit_exceeded"), Throttled),
        (failed("a", 500, "server_error"), Unknown),
        (failed("a", 503, "rate_limit_exceeded"), Unknown),
        (failed("a", 502, "batch_expired"), Unknown),
        ({"custom_id": "a", "response": None, "error": {"code": "batch_expired", "message": "too late"}}, Throttled),
        ({"custom_id": "a", "response": None, "error": {"code": "batch_cancelled", "message": "stopped"}}, Throttled),
        ({"custom_id": "a", "response": None, "error": {"code": "odd", "message": "hm"}}, Unknown),
        ({"custom_id": "a"}, Unknown),
        ({"custom_id": "a", "response": {"status_code": "200", "body": {}}}, Unknown),
        (made("a", data=b""), Lost),
        ({"custom_id": "a", "response": {"status_code": 200, "body": {"data": []}}}, Lost),
        (b'{"id": "batch_req_a", "custom_id": "a", "response": {"status_c\n', Unknown),
    ],
)  # fmt: skip
def test_a_line_that_holds_no_picture_is_a_failure_of_its_own(tmp_path, line, kind):
    found, other = results(tmp_path / "e.jsonl", line, made("b"))
    assert (found.key, found.picture, type(found.failure)) == ("a", None, kind)
    assert found.readable == isinstance(line, dict)
    assert other.picture is not None


def test_a_line_that_nobody_can_be_told_of_is_an_error_after_all_the_others(tmp_path):
    path = tmp_path / "o.jsonl"
    path.write_bytes(b"\n\xff{\n" + json.dumps(made("a")).encode() + b"\n[]\n" + json.dumps(made("b")).encode())
    reading = read_lines(str(path), price=PRICE, form_of=lambda key: "png")
    assert [next(reading).key, next(reading).key] == ["a", "b"]
    with pytest.raises(Unknown, match="2 lines that cannot be read"):
        next(reading)


def test_a_file_of_any_length_takes_no_more_memory_than_its_longest_line(tmp_path):
    line = json.dumps(made("a", data=bytes(1_500_000))).encode() + b"\n"

    def peak(lines: int) -> int:
        path = tmp_path / f"{lines}.jsonl"
        with path.open("wb") as file:
            for _ in range(lines):
                file.write(line)
        tracemalloc.start()
        for found in read_lines(str(path), price=PRICE, form_of=lambda key: "png"):
            assert found.picture is not None
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    assert peak(24) < peak(3) + len(line)


LINES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["custom_id", "response", "error", "status_code", "body", "data", "b64_json", "code", "usage"]),
        inner, max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


@settings(deadline=None)
@given(lines=st.lists(LINES, max_size=4))
def test_whatever_the_lines_hold_each_is_a_result_or_told_at_the_end(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lines") / "o.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    found = []
    told = 0
    try:
        found.extend(read_lines(str(path), price=PRICE, form_of=lambda key: "png"))
    except ServiceFailure as bad:
        told = int(str(bad).split(" sent ")[1].split()[0])
    own = sum(
        isinstance(line, dict) and isinstance(line.get("custom_id"), str) and line["custom_id"] != "" for line in lines
    )
    assert told == len(lines) - own
    if not told:
        assert len(found) == own
