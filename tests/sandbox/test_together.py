"""Together's protocol as the sandbox speaks it: pixels, base64, addresses, headers, every fault with its charge."""

from __future__ import annotations

import asyncio
import base64
import time

import aiohttp
import pytest

from tests.sandbox.answers import KEY, ask, data_url, faults_at
from tests.sandbox.pictures import picture, seen
from tests.sandboxes import start_sandbox

MODEL = "openai/gpt-image-2"
NO_KEY: dict[str, str] = {}
BEFORE = {
    "bad-request": 400, "bad-size": 400, "moderation-input": 400, "moderation-input-bare": 400, "rate-seconds": 429,
    "rate-ms": 429, "rate-date": 429, "rate-text": 429, "quota": 429, "bad-key": 401, "balance": 402,
    "forbidden": 403, "no-model": 404, "overloaded": 503, "error": 500, "cut": 0,
}  # fmt: skip
AFTER = {
    "error-charged": 500, "cut-charged": 0, "truncated": 200, "wrong-size": 200, "wrong-format": 200, "garbage": 200,
    "moderation-output": 400, "moderation-output-bare": 400,
}  # fmt: skip


@pytest.fixture
def generate(sandbox):
    def post(prompt="a kettle", headers=KEY, **more):
        body = {"model": MODEL, "prompt": prompt, "response_format": "base64", **more}
        return ask("POST", sandbox.url("together") + "/images/generations", body, headers=headers)

    return post


def test_base64_comes_as_a_jpeg_unless_png_is_asked_for(generate, sandbox):
    reply = generate()
    (data,) = reply.json["data"]
    assert (data["index"], data["type"], seen(data["b64_json"])) == (0, "b64_json", ("JPEG", (1024, 1024)))
    assert (reply.json["object"], reply.json["model"]) == ("list", MODEL)
    png = generate(output_format="png", width=1536, height=864)
    assert seen(png.json["data"][0]["b64_json"]) == ("PNG", (1536, 864))
    assert [(each["price"], each["format"]) for each in sandbox.charges()] == [("0.053", "jpeg"), ("0.053", "png")]
    assert all(each["delivered"] for each in sandbox.charges())


def test_an_address_is_what_comes_when_nothing_is_said(generate):
    (data,) = generate(response_format=None).json["data"]
    assert data["type"] == "url"
    assert seen(ask("GET", data["url"], headers=NO_KEY).body) == ("JPEG", (1024, 1024))


def test_replies_have_the_request_id_and_the_limits_in_their_headers(generate, sandbox):
    reply = generate()
    assert reply.headers["cf-ray"] == sandbox.charges()[0]["request_id"]
    assert {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-total-time"} <= reply.headers.keys()
    refused = generate(prompt="")
    assert refused.headers["cf-ray"] != reply.headers["cf-ray"]


def test_several_pictures_cost_as_many(generate, sandbox):
    data = generate(n=3).json["data"]
    assert [each["index"] for each in data] == [0, 1, 2]
    assert len({each["b64_json"] for each in data}) == 3
    assert sandbox.charges()[0]["price"] == "0.159"


def test_references_are_one_image_or_several(generate, sandbox):
    one = data_url(picture())
    assert generate(image_url="https://example.com/yosemite.png", steps=28, seed=7).status == 200
    assert generate(reference_images=[one] * 16).status == 200
    assert generate(image_url=one, reference_images=[one]).status == 200
    assert [(each["operation"], len(each["references"])) for each in sandbox.charges()] == [
        ("edit", 1), ("edit", 16), ("edit", 2),
    ]  # fmt: skip
    assert generate(reference_images=[one] * 17).status == 400


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"output_format": "webp"}, "output_format"),
        ({"response_format": "b64_json"}, "response_format"),
        ({"n": 5}, "'n'"),
        ({"n": True}, "'n'"),
        ({"width": 512, "height": 512}, "Invalid size '512x512'"),
        ({"width": 1920, "height": 1080}, "1,080 is not a multiple of 16"),
        ({"width": 4096}, "longer than 3,840"),
        ({"prompt": None}, "Missing required parameter: 'prompt'"),
        ({"quality": "high"}, "Unknown parameter: 'quality'"),
        ({"image_url": "yosemite.png"}, "Invalid image"),
    ],
)
def test_what_is_not_published_is_refused_and_not_charged(generate, sandbox, more, says):
    reply = generate(**more)
    assert reply.status == 400
    assert says in reply.json["error"]["message"]
    assert reply.json["error"].keys() == {"message", "type", "param", "code"}
    assert sandbox.charges() == []


def test_a_wrong_key_and_another_model_are_refused(generate, sandbox):
    assert generate(headers={"Authorization": "Bearer mine"}).status == 401
    assert generate(model="gpt-image-2").json["error"]["code"] == "model_not_found"
    assert sandbox.charges() == []


def test_models_are_a_bare_list(sandbox):
    reply = ask("GET", sandbox.url("together") + "/models")
    assert [each["id"] for each in reply.json] == [MODEL]
    assert ask("GET", sandbox.url("together") + "/models", headers=NO_KEY).status == 401


@pytest.mark.parametrize(("fault", "status"), BEFORE.items())
def test_what_goes_wrong_before_the_work_is_not_charged_and_goes_well_the_next_time(generate, sandbox, fault, status):
    sandbox.set_faults({"fault": fault, "provider": "together"})
    reply = generate()
    assert (reply.status, reply.whole) == (status, status != 0)
    assert sandbox.charges() == []
    assert generate().status == 200
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize("form", ["base64", "url"])
@pytest.mark.parametrize(("fault", "status"), AFTER.items())
def test_what_goes_wrong_after_the_work_is_charged_as_its_fault_says(generate, sandbox, fault, status, form):
    sandbox.set_faults({"fault": fault})
    reply = generate(response_format=form)
    charged = faults_at("together", "result")[fault]
    assert (reply.status, reply.whole) == (status, fault not in ("cut-charged", "truncated"))
    assert [each["fault"] for each in sandbox.charges()] == [fault] * charged
    delivered = form == "base64" and status == 200 and fault != "truncated"
    assert [each["delivered"] for each in sandbox.charges()] == [delivered] * charged


def test_the_pictures_that_come_wrong_are_wrong_as_their_fault_says(generate, sandbox):
    sandbox.set_faults({"fault": "wrong-size"}, {"fault": "wrong-format"}, {"fault": "garbage"})
    first, second, third = (generate().json["data"][0]["b64_json"] for _ in range(3))
    assert (seen(first), seen(second)) == (("JPEG", (1008, 1024)), ("PNG", (1024, 1024)))
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(third, validate=True)


def test_too_fast_names_the_rate_and_full_is_another_status(generate, sandbox):
    sandbox.set_faults({"fault": "rate-seconds"}, {"fault": "overloaded"})
    fast, full = generate(), generate()
    assert (fast.status, fast.json["error"]["error_type"]) == (429, "dynamic_request_limited")
    assert int(fast.headers["retry-after"]) > 0
    assert (full.status, "error_type" in full.json["error"]) == (503, False)


def test_a_moderation_is_told_in_its_words_only(generate, sandbox):
    sandbox.set_faults(
        *({"fault": each} for each in ("moderation-input", "moderation-input-bare", "moderation-output"))
    )
    for words in (generate().json["error"] for _ in range(3)):
        assert "rejected by the safety system" in words["message"]
        assert words["code"] is None


def test_every_fault_of_a_reply_is_tried_here():
    assert faults_at("together", "request").keys() == BEFORE.keys()
    assert faults_at("together", "result").keys() == AFTER.keys()


@pytest.mark.parametrize("path", ["hinow/v1/images", "together/v1/images/generations"])
def test_a_client_that_hangs_up_is_charged_all_the_same(path):
    with start_sandbox(speed=100, latency="60") as sandbox:
        asyncio.run(hung_up(f"{sandbox.base}/{path}"))
        assert sandbox.charges() == []
        end = time.monotonic() + 30
        while not sandbox.charges() and time.monotonic() < end:
            time.sleep(0.02)
        assert [(each["prompt"], each["delivered"]) for each in sandbox.charges()] == [("a kettle", False)]


async def hung_up(url):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.2)) as session:
        with pytest.raises(TimeoutError):
            await session.post(url, json={"model": MODEL, "prompt": "a kettle"}, headers=KEY)
