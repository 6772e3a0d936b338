"""OpenAI's Batch API as it is on the wire: its life, its files, and the ways in which it ends."""

from __future__ import annotations

import http.client
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from imagebuild.sandbox.openai_files import MOST_BYTES
from tests.sandbox.calls import KEY, Answer, Part, call, form
from tests.sandbox.pictures import picture, seen
from tests.sandboxes import RunningSandbox, start_sandbox

MODEL = "gpt-image-2-2026-04-21"
OVER = ("completed", "failed", "expired", "cancelled")


@pytest.fixture(scope="module")
def slow_sandbox() -> Iterator[RunningSandbox]:
    """Slow enough for a batch to be met in the middle."""
    with start_sandbox(speed=10, latency="2") as found:
        yield found


def upload(sandbox, data: bytes, purpose: str = "batch") -> Answer:
    body, headers = form([Part("purpose", purpose.encode()), Part("file", data, "requests.jsonl", "text/plain")])
    return call("POST", sandbox.url("openai") + "/files", data=body, headers=headers)


def line(custom_id: str, **changes: Any) -> dict[str, Any]:
    body = {"model": MODEL, "prompt": f"picture {custom_id}", "size": "1024x1024", "quality": "low"}
    return {
        "custom_id": custom_id, "method": "POST", "url": "/v1/images/generations", "body": {**body, **changes},
    }  # fmt: skip


def create(sandbox, *lines: Any, endpoint: str = "/v1/images/generations") -> dict[str, Any]:
    data = b"".join((each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n" for each in lines)
    asked = {
        "input_file_id": upload(sandbox, data).json["id"], "endpoint": endpoint, "completion_window": "24h",
    }  # fmt: skip
    reply = call("POST", sandbox.url("openai") + "/batches", body=asked)
    assert reply.status == 200, reply.body
    found: dict[str, Any] = reply.json
    return found


def look(sandbox, batch: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = call("GET", f"{sandbox.url('openai')}/batches/{batch['id']}").json
    return found


def end_of(sandbox, batch: dict[str, Any]) -> dict[str, Any]:
    for _ in range(3000):
        if (found := look(sandbox, batch))["status"] in OVER:
            return found
        time.sleep(0.01)
    raise AssertionError("the batch is not over")


def content(sandbox, number: str) -> Answer:
    return call("GET", f"{sandbox.url('openai')}/files/{number}/content")


def lines_of(sandbox, number: str | None) -> list[dict[str, Any]]:
    return [json.loads(each) for each in content(sandbox, number).body.splitlines()] if number else []


def test_a_batch_goes_through_its_states_in_their_order(sandbox):
    states: list[str] = []
    batch = create(sandbox, *(line(str(i)) for i in range(40)))
    assert batch["status"] == "validating"
    while not states or states[-1] not in OVER:
        state = look(sandbox, batch)
        if state["status"] not in states:
            states.append(state["status"])
        if state["status"] not in OVER:
            assert (state["output_file_id"], state["error_file_id"], state["completed_at"]) == (None, None, None)
    order = ["validating", "in_progress", "finalizing", "completed"]
    assert states == [each for each in order if each in states]
    assert state["request_counts"] == {"total": 40, "completed": 40, "failed": 0}
    assert state["usage"]["output_tokens"] == 40 * 196


def test_results_come_in_another_order_than_they_were_asked_for(sandbox):
    asked = [str(number) for number in range(30)]
    done = end_of(sandbox, create(sandbox, *map(line, asked)))
    came = [each["custom_id"] for each in lines_of(sandbox, done["output_file_id"])]
    assert came != asked
    assert sorted(came) == sorted(asked)


def test_lines_are_charged_half_and_are_delivered_when_the_file_is_read(sandbox):
    done = end_of(sandbox, create(sandbox, line("1"), line("2")))
    assert [(each["batch"], each["price"], each["delivered"]) for each in sandbox.charges()] == [
        (True, "0.0029475", False)
    ] * 2
    sandbox.set_faults({"fault": "file-cut"}, {"fault": "file-error"})
    with pytest.raises(http.client.IncompleteRead):
        content(sandbox, done["output_file_id"])
    assert content(sandbox, done["output_file_id"]).status == 500
    assert not any(each["delivered"] for each in sandbox.charges())
    assert content(sandbox, done["output_file_id"]).status == 200
    assert all(each["delivered"] for each in sandbox.charges())


def test_a_line_that_cannot_be_made_is_in_the_error_file_and_is_not_charged(sandbox):
    done = end_of(sandbox, create(sandbox, line("good"), line("small", size="512x512"), line("odd", seed=3)))
    assert done["status"] == "completed"
    assert done["request_counts"] == {"total": 3, "completed": 1, "failed": 2}
    errors = {each["custom_id"]: each for each in lines_of(sandbox, done["error_file_id"])}
    assert set(errors) == {"small", "odd"}
    assert errors["small"]["response"]["status_code"] == 400
    assert errors["small"]["response"]["body"]["error"]["param"] == "size"
    assert errors["small"]["error"] is None
    assert [each["prompt"] for each in sandbox.charges()] == ["picture good"]


def test_single_lines_can_fail_by_a_fault(sandbox):
    sandbox.set_faults({"fault": "batch-partial", "prompt": "*2"}, {"fault": "moderation-input", "prompt": "picture 3"})
    done = end_of(sandbox, create(sandbox, *(line(str(i)) for i in range(1, 5))))
    codes = {each["custom_id"]: each["response"]["status_code"] for each in lines_of(sandbox, done["error_file_id"])}
    assert codes == {"2": 500, "3": 400}
    assert {each["custom_id"] for each in lines_of(sandbox, done["output_file_id"])} == {"1", "4"}
    assert len(sandbox.charges()) == 2


def test_a_batch_that_expires_has_done_a_part(sandbox):
    sandbox.set_faults({"fault": "batch-expire"})
    done = end_of(sandbox, create(sandbox, *(line(str(i)) for i in range(5))))
    assert done["status"] == "expired"
    assert done["expired_at"] is not None
    good, bad = lines_of(sandbox, done["output_file_id"]), lines_of(sandbox, done["error_file_id"])
    assert (len(good), len(bad), len(sandbox.charges())) == (3, 2, 3)
    assert {(each["response"], each["error"]["code"]) for each in bad} == {(None, "batch_expired")}
    assert sorted(each["custom_id"] for each in [*good, *bad]) == list("01234")


def test_a_batch_that_fails_says_why_only_when_it_is_looked_at(sandbox):
    sandbox.set_faults({"fault": "batch-fail"})
    batch = create(sandbox, line("1"))
    assert batch["errors"] is None
    done = end_of(sandbox, batch)
    assert (done["status"], done["output_file_id"], done["error_file_id"]) == ("failed", None, None)
    assert done["errors"]["data"][0]["code"] == "token_limit_exceeded"
    assert sandbox.charges() == []


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([], "empty_file"),
        ([b"{not json"], "invalid_json_line"),
        ([line("a"), line("a")], "duplicate_custom_id"),
        ([{**line("a"), "url": "/v1/images/edits"}], "mismatched_url"),
        ([{**line("a"), "method": "GET"}], "invalid_method"),
        ([line("a", model="dall-e-2")], "model_not_found"),
        ([line("a"), line("b", model="gpt-image-2")], "mismatched_model"),
        ([{"method": "POST"}], "missing_required_parameter"),
    ],
)
def test_a_file_with_a_mistake_fails_the_whole_batch(sandbox, lines, code):
    done = end_of(sandbox, create(sandbox, *lines))
    assert done["status"] == "failed"
    assert [each["code"] for each in done["errors"]["data"]] == [code]
    assert sandbox.charges() == []


def test_a_batch_whose_file_is_dropped_before_it_is_read_fails(slow_sandbox):
    sandbox = slow_sandbox
    batch = create(sandbox, line("1"))
    call("DELETE", f"{sandbox.url('openai')}/files/{batch['input_file_id']}")
    done = end_of(sandbox, batch)
    assert (done["status"], done["errors"]["data"][0]["code"]) == ("failed", "file_not_found")


def test_a_cancelled_batch_keeps_what_was_done(slow_sandbox):
    sandbox = slow_sandbox
    batch = create(sandbox, *(line(str(i)) for i in range(400)))
    while look(sandbox, batch)["request_counts"]["completed"] == 0:
        time.sleep(0.01)
    reply = call("POST", f"{sandbox.url('openai')}/batches/{batch['id']}/cancel")
    assert reply.json["status"] == "cancelling"
    done = end_of(sandbox, batch)
    assert done["status"] == "cancelled"
    good = lines_of(sandbox, done["output_file_id"])
    assert 0 < len(good) == len(sandbox.charges()) == done["request_counts"]["completed"] < 400
    assert call("POST", f"{sandbox.url('openai')}/batches/{batch['id']}/cancel").status == 409


def test_edits_in_a_batch_name_files_that_were_uploaded_before(sandbox):
    number = upload(sandbox, picture(), "vision").json["id"]
    asked = line("e", images=[{"file_id": number}])
    done = end_of(sandbox, create(sandbox, {**asked, "url": "/v1/images/edits"}, endpoint="/v1/images/edits"))
    (found,) = lines_of(sandbox, done["output_file_id"])
    assert seen(found["response"]["body"]["data"][0]["b64_json"]) == ("PNG", (1024, 1024))
    assert sandbox.charges()[0]["operation"] == "edit"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"completion_window": "1h"}, "completion_window"),
        ({"endpoint": "/v1/pictures"}, "endpoint"),
        ({"metadata": {str(i): "x" for i in range(17)}}, "metadata"),
        ({"input_file_id": None}, "input_file_id"),
        ({"priority": "high"}, "priority"),
    ],
)
def test_a_batch_that_cannot_be_begun_is_refused_at_once(sandbox, changes, param):
    asked = {"input_file_id": "file-1", "endpoint": "/v1/images/generations", "completion_window": "24h"}
    reply = call("POST", sandbox.url("openai") + "/batches", body={**asked, **changes})
    assert (reply.status, reply.error["param"]) == (400, param)


def test_a_batch_of_a_file_that_is_not_there_or_is_for_something_else_is_refused(sandbox):
    asked = {"endpoint": "/v1/images/generations", "completion_window": "24h"}
    url = sandbox.url("openai") + "/batches"
    assert call("POST", url, body={**asked, "input_file_id": "file-none"}).status == 404
    other = upload(sandbox, picture(), "vision").json["id"]
    assert call("POST", url, body={**asked, "input_file_id": other}).error["param"] == "input_file_id"


def test_a_file_can_be_looked_at_and_dropped(sandbox):
    stored = upload(sandbox, b"{}").json
    assert (stored["object"], stored["bytes"], stored["purpose"], stored["status"]) == ("file", 2, "batch", "processed")
    url = f"{sandbox.url('openai')}/files/{stored['id']}"
    assert call("GET", url).json == stored
    assert stored["id"] in [each["id"] for each in call("GET", sandbox.url("openai") + "/files").json["data"]]
    assert call("DELETE", url).json["deleted"] is True
    assert call("GET", url).status == 404
    assert call("GET", url + "/content").status == 404
    assert upload(sandbox, b"{}", "holiday").error["param"] == "purpose"


def test_a_file_that_is_too_large_is_refused_and_not_kept(sandbox):
    before = len(call("GET", sandbox.url("openai") + "/files").json["data"])
    whole, headers = form([Part("purpose", b"batch"), Part("file", b"", "requests.jsonl", "text/plain")])
    end = whole[whole.rindex(b"\r\n--") :]
    head, block = whole.removesuffix(end), bytes(1 << 20)
    headers["Content-Length"] = str(len(whole) + MOST_BYTES + len(block))
    body = itertools.chain([head], itertools.repeat(block, MOST_BYTES // len(block) + 1), [end])
    reply = call("POST", sandbox.url("openai") + "/files", data=body, headers=headers)
    assert (reply.status, reply.error["message"]) == (400, "File is too large.")
    assert len(call("GET", sandbox.url("openai") + "/files").json["data"]) == before


def test_a_batch_needs_a_key_everywhere(sandbox):
    for method, path in (("GET", "/files"), ("GET", "/batches"), ("GET", "/files/x/content"), ("POST", "/files")):
        reply = call(method, sandbox.url("openai") + path, headers={**KEY, "Authorization": "Bearer other"})
        assert reply.status == 401
