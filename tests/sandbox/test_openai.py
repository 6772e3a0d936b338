"""OpenAI's Images API as it is on the wire: what it refuses, what it charges, how it fails."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import pytest

from imagebuild.sandbox.faults import FAULTS
from tests.sandbox.calls import KEY, Answer, Part, call, form
from tests.sandbox.pictures import mask, picture, seen

ASK = {"model": "gpt-image-2-2026-04-21", "prompt": "a kettle", "size": "1024x1024", "quality": "low"}


def generate(sandbox, **changes) -> Answer:
    return call("POST", sandbox.url("openai") + "/images/generations", body={**ASK, **changes})


def edit(sandbox, *parts: Part) -> Answer:
    fields = [Part(name, value.encode()) for name, value in ASK.items()]
    data, headers = form([*fields, *parts])
    return call("POST", sandbox.url("openai") + "/images/edits", data=data, headers=headers)


def image(data: bytes = b"", name: str = "image", media_type: str | None = "image/png") -> Part:
    return Part(name, data or picture(), "a.png", media_type)


# -------------------------------------------------------------------------------------------------------- what it takes


def test_a_reply_says_what_was_resolved_and_what_it_used(sandbox):
    said = generate(sandbox, size="auto", quality="auto", background="auto").json
    assert {name: said[name] for name in ("size", "quality", "background", "output_format")} == {
        "size": "1024x1024", "quality": "high", "background": "opaque", "output_format": "png",
    }  # fmt: skip
    assert said["usage"] == {
        "total_tokens": 7026, "input_tokens": 2, "output_tokens": 7024,
        "input_tokens_details": {"text_tokens": 2, "image_tokens": 0},
        "output_tokens_details": {"image_tokens": 7024, "text_tokens": 0},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "quality", "tokens"),
    [("1024x640", "low", 107), ("1536x1024", "medium", 1372), ("2048x1152", "high", 5650), ("2880x2880", "low", 659)],
)
def test_it_uses_as_many_tokens_as_are_published_and_charges_them(sandbox, size, quality, tokens):
    reply = generate(sandbox, size=size, quality=quality)
    assert reply.json["usage"]["output_tokens"] == tokens
    assert seen(reply.json["data"][0]["b64_json"]) == ("PNG", tuple(int(each) for each in size.split("x")))
    (charge,) = sandbox.charges()
    assert float(charge["price"]) == pytest.approx((2 * 5 + tokens * 30) / 1e6)
    assert charge["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ("512x512", "Requested resolution is below the current minimum pixel budget."),
        ("1920x1080", "Width and height must both be divisible by 16."),
        ("3856x1600", "The longest edge must be less than or equal to 3840."),
        ("3200x1024", "3:1"),
        ("2896x2896", "above the current maximum pixel budget"),
        ("big", "WIDTHxHEIGHT"),
    ],
)
def test_a_size_that_the_model_does_not_make_is_refused_in_its_words(sandbox, size, says):
    reply = generate(sandbox, size=size)
    assert (reply.status, reply.error["param"], reply.error["code"]) == (400, "size", "invalid_value")
    assert f"Invalid size '{size}'." in reply.error["message"]
    assert says in reply.error["message"]


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"response_format": "b64_json"}, "response_format", "unknown_parameter"),
        ({"seed": 7}, "seed", "unknown_parameter"),
        ({"input_fidelity": "high"}, "input_fidelity", "unknown_parameter"),
        ({"n": 11}, "n", "integer_above_max_value"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": "2"}, "n", "invalid_type"),
        ({"quality": "hd"}, "quality", "invalid_value"),
        ({"output_format": "jpg"}, "output_format", "invalid_value"),
        ({"background": "transparent", "output_format": "jpeg"}, "background", "invalid_value"),
        ({"output_compression": 101, "output_format": "webp"}, "output_compression", "integer_above_max_value"),
        ({"output_compression": 80}, "output_compression", "invalid_value"),
        ({"moderation": "none"}, "moderation", "invalid_value"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"partial_images": 4, "stream": True}, "partial_images", "integer_above_max_value"),
        ({"prompt": ""}, "prompt", "empty_string"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"prompt": "x" * 32_001}, "prompt", "string_above_max_length"),
    ],
)
def test_a_parameter_that_is_wrong_or_unknown_is_refused(sandbox, changes, param, code):
    reply = generate(sandbox, **changes)
    assert reply.status == 400
    assert set(reply.error) == {"message", "type", "param", "code"}
    assert (reply.error["param"], reply.error["code"]) == (param, code)
    assert sandbox.charges() == []


@pytest.mark.parametrize("model", ["dall-e-3", "gpt-image-9", None])
def test_only_models_that_are_still_there_are_known_and_none_is_assumed(sandbox, model):
    reply = generate(sandbox, model=model)
    assert (reply.status, reply.error["code"]) == (404, "model_not_found")


def test_a_transparent_background_comes_as_png_and_webp(sandbox):
    for form_ in ("png", "webp"):
        reply = generate(sandbox, background="transparent", output_format=form_)
        assert reply.json["background"] == "transparent"


def test_what_is_no_json_is_refused(sandbox):
    reply = call("POST", sandbox.url("openai") + "/images/generations", data=b"{not json", headers=KEY)
    assert reply.status == 400
    assert "could not parse" in reply.error["message"]


def test_whoever_does_not_say_what_client_it_is_is_refused(sandbox):
    url = sandbox.url("openai") + "/images/generations"
    for headers in ({"Authorization": KEY["Authorization"]}, {**KEY, "User-Agent": ""}):
        assert call("POST", url, body=ASK, headers=headers).status == 403
    assert sandbox.charges() == []


def test_a_prompt_may_hold_half_a_character(sandbox):
    url = sandbox.url("openai") + "/images/generations"
    data = json.dumps({**ASK, "prompt": "a \ud83d kettle"}).encode()
    assert call("POST", url, data=data).status == 200
    assert [each["prompt"] for each in sandbox.charges()] == ["a \ud83d kettle"]


def test_without_a_key_nothing_is_served(sandbox):
    for path in ("/images/generations", "/images/edits", "/batches"):
        reply = call("POST", sandbox.url("openai") + path, body={}, headers={"User-Agent": "a test"})
        assert reply.status == 401
        assert "didn't provide an API key" in reply.error["message"]


# ---------------------------------------------------------------------------------------------------------------- edits


def test_an_edit_needs_a_picture_with_a_media_type_of_a_picture(sandbox):
    assert edit(sandbox).error["code"] == "missing_required_parameter"
    for media_type in ("application/octet-stream", None, "image/gif"):
        reply = edit(sandbox, image(), image(media_type=media_type))
        assert reply.error["code"] == "unsupported_file_mimetype"
        assert (
            f"Invalid file 'image[1]': unsupported mimetype ('{media_type or 'application/octet-stream'}')"
            in (reply.error["message"])
        )


def test_an_edit_takes_sixteen_pictures_and_no_more(sandbox):
    assert edit(sandbox, *[image(name="image[]")] * 16).status == 200
    assert edit(sandbox, *[image(name="image[]")] * 17).error["code"] == "array_above_max_length"


def test_what_is_no_picture_is_refused(sandbox):
    reply = edit(sandbox, image(b"not a picture"))
    assert (reply.status, reply.error["code"]) == (400, "invalid_image_file")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (picture(), "alpha channel"),
        (picture(form="JPEG"), "alpha channel"),
        (mask((32, 32)), "size does not match"),
    ],
)
def test_a_mask_is_a_png_with_alpha_of_the_first_pictures_size(sandbox, wrong, says):
    assert edit(sandbox, image(), Part("mask", mask(), "mask.png", "image/png")).status == 200
    reply = edit(sandbox, image(), Part("mask", wrong, "mask.png", "image/png"))
    assert (reply.status, reply.error["param"]) == (400, "mask")
    assert says in reply.error["message"]


def test_an_edits_form_takes_no_parameter_that_only_the_json_has(sandbox):
    assert edit(sandbox, image(), Part("moderation", b"low")).error["code"] == "unknown_parameter"
    assert edit(sandbox, image(), Part("input_fidelity", b"high")).error["code"] == "unknown_parameter"
    assert edit(sandbox, image(), Part("n", b"2")).status == 200


def test_an_edit_as_json_takes_data_urls(sandbox):
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()

    def ask(*images: object) -> Answer:
        return call("POST", sandbox.url("openai") + "/images/edits", body={**ASK, "images": list(images)})

    assert seen(ask({"image_url": url}).json["data"][0]["b64_json"]) == ("PNG", (1024, 1024))
    assert ask({"image_url": url, "file_id": "file-1"}).status == 400
    assert ask({"image_url": "https://example.org/a.png"}).error["code"] == "invalid_image_url"
    assert ask({"image_url": url.replace("png", "gif", 1)}).error["code"] == "unsupported_file_mimetype"
    assert ask().error["param"] == "images"


# --------------------------------------------------------------------------------------------------------------- faults

AT_ONCE = sorted(name for name, fault in FAULTS.items() if {"request", "result"} & fault.stages and not fault.providers)


@pytest.mark.parametrize("fault", AT_ONCE)
@pytest.mark.parametrize("stream", [False, True])
def test_a_fault_is_charged_when_its_definition_says_so_and_only_once(sandbox, fault, stream):
    sandbox.set_faults({"fault": fault})
    try:
        reply = generate(sandbox, stream=stream, partial_images=1)
    except (http.client.HTTPException, ConnectionError):
        reply = None
    charges = sandbox.charges()
    assert [each["fault"] for each in charges] == ([fault] if FAULTS[fault].charged else [])
    assert sandbox.health()["played"] == {fault: 1}
    if fault in ("cut", "cut-charged", "truncated"):
        assert reply is None
        assert not any(each["delivered"] for each in charges)
    assert generate(sandbox).status == 200


def test_a_wait_is_asked_for_in_one_place_only(sandbox):
    kinds = ("rate-seconds", "rate-ms", "rate-date", "rate-text")
    sandbox.set_faults(*({"fault": fault} for fault in kinds))
    seconds, milliseconds, date, text = (generate(sandbox) for _ in range(4))
    assert {each.status for each in (seconds, milliseconds, date, text)} == {429}
    assert seconds.headers["retry-after"] == "12"
    assert milliseconds.headers["retry-after-ms"] == "12000"
    assert 0 < parsedate_to_datetime(date.headers["retry-after"]).timestamp() - time.time() < 13
    assert "Please try again in 12s." in text.error["message"]
    assert [("retry-after" in each.headers) + ("retry-after-ms" in each.headers) for each in (seconds, text)] == [1, 0]
    assert "try again" not in seconds.error["message"] + milliseconds.error["message"] + date.error["message"]


def test_a_refusal_of_the_safety_system_may_say_where_and_what_or_not(sandbox):
    sandbox.set_faults(
        {"fault": "moderation-input"}, {"fault": "moderation-output"}, {"fault": "moderation-input-bare"}
    )
    first, third, second = (generate(sandbox) for _ in range(3))
    assert first.error["moderation_details"] == {"moderation_stage": "input", "categories": ["sexual"]}
    assert second.error["moderation_details"]["moderation_stage"] == "output"
    assert set(third.error) == {"message", "type", "param", "code"}
    for reply in (first, second, third):
        assert (reply.error["code"], reply.error["type"]) == ("moderation_blocked", "image_generation_user_error")
        assert reply.headers["x-request-id"] in reply.error["message"]


@pytest.mark.parametrize(
    ("fault", "form_", "expected"),
    [
        ("wrong-size", "png", ("PNG", (1008, 1024))),
        ("wrong-format", "png", ("JPEG", (1024, 1024))),
        ("wrong-format", "webp", ("PNG", (1024, 1024))),
        ("wrong-format", "jpeg", ("PNG", (1024, 1024))),
    ],
)
def test_a_picture_may_be_other_than_the_reply_says(sandbox, fault, form_, expected):
    sandbox.set_faults({"fault": fault})
    reply = generate(sandbox, output_format=form_).json
    assert (reply["size"], reply["output_format"]) == ("1024x1024", form_)
    assert seen(reply["data"][0]["b64_json"]) == expected


def test_garbage_cannot_be_decoded(sandbox):
    sandbox.set_faults({"fault": "garbage"})
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(generate(sandbox).json["data"][0]["b64_json"], validate=True)


def test_a_truncated_reply_ends_in_its_middle(sandbox):
    sandbox.set_faults({"fault": "truncated"})
    with pytest.raises(http.client.IncompleteRead) as caught:
        generate(sandbox)
    assert len(caught.value.partial) == pytest.approx(caught.value.expected, abs=1)
    assert caught.value.partial.startswith(b'{"created"')


def test_a_truncated_stream_ends_within_its_last_event(sandbox):
    sandbox.set_faults({"fault": "truncated"})
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as caught:
        generate(sandbox, stream=True)
    if isinstance(caught.value, http.client.IncompleteRead):
        assert b"\n\n" not in caught.value.partial


def test_an_error_event_has_the_same_error_as_a_reply_would(sandbox):
    sandbox.set_faults({"fault": "moderation-output"})
    body = generate(sandbox, stream=True, partial_images=1).body.decode()
    names, data = zip(*(event.split("\ndata: ") for event in body.rstrip().split("\n\n")), strict=True)
    assert names == ("event: image_generation.partial_image", "event: error")
    assert json.loads(data[1])["error"]["code"] == "moderation_blocked"
    assert json.loads(data[1])["type"] == "error"


def test_a_client_that_goes_away_is_billed_all_the_same(sandbox):
    where = urlsplit(sandbox.base)
    body = json.dumps({**ASK, "prompt": "gone"}).encode()
    head = f"POST /openai/v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in KEY.items())
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(head.encode() + b"\r\n" + body)
        while not sandbox.requests("/images/generations"):
            time.sleep(0.01)
    while not sandbox.charges():
        time.sleep(0.01)
    assert [each["prompt"] for each in sandbox.charges()] == ["gone"]


def test_the_log_has_what_was_asked_and_never_the_key(sandbox):
    generate(sandbox, user="sandbox-key")
    edit(sandbox, image())
    first, second = sandbox.requests()
    assert json.loads(first["body"])["prompt"] == "a kettle"
    assert json.loads(second["body"])["files"][0]["media_type"] == "image/png"
    assert {first["authorization"], second["authorization"]} == {"right"}
    assert "sandbox-key" not in json.dumps([first, second])
