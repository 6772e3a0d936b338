"""HInow's protocol as the sandbox speaks it: every option, every shape of reply, every fault with its charge."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from imagebuild.sandbox.faults import SHAPES
from tests.sandbox.answers import KEY, ask, data_url, faults_at
from tests.sandbox.pictures import picture, seen
from tests.sandboxes import start_sandbox

PINNED = "openai/gpt-image-2-2026-04-21"
EDIT = "openai/gpt-image-2-edit"
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
def images(sandbox):
    def post(prompt="a kettle", model=PINNED, headers=KEY, **more):
        return ask(
            "POST", sandbox.url("hinow") + "/images", {"model": model, "prompt": prompt, **more}, headers=headers
        )

    return post


@pytest.fixture
def chat(sandbox):
    def post(content="a kettle", **more):
        body = {"model": PINNED, "messages": [{"role": "user", "content": content}], **more}
        return ask("POST", sandbox.url("hinow") + "/chat/completions", body)

    return post


def found_in(reply: Any) -> list[str]:
    """Every address, data URL and base64 text of a reply, wherever it is."""
    if isinstance(reply, dict):
        return [each for value in reply.values() for each in found_in(value)]
    if isinstance(reply, list):
        return [each for value in reply for each in found_in(value)]
    if not isinstance(reply, str):
        return []
    inside = re.findall(r"(?:https?://|data:image/)[^)\s]+", reply)
    return inside or ([reply] if len(reply) > 200 else [])


def opened(found: str) -> tuple[str | None, tuple[int, int]]:
    if found.startswith("http"):
        return seen(ask("GET", found, headers=NO_KEY).body)
    return seen(found.rpartition(",")[2])


def test_a_plain_request_makes_a_square_png_at_the_flat_price(images, sandbox):
    sandbox.set_faults(**{"hinow-shape": "data-b64"})
    reply = images()
    assert seen(reply.json["data"][0]["b64_json"]) == ("PNG", (1024, 1024))
    (charge,) = sandbox.charges()
    assert (charge["price"], charge["model"], charge["size"], charge["delivered"]) == (
        "0.087",
        PINNED,
        "1024x1024",
        True,
    )
    assert charge["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("model", ["openai/gpt-image-2", PINNED])
@pytest.mark.parametrize(
    ("ratio", "tier", "size"),
    [
        ("16:9", "2k", (2048, 1152)),
        ("9:16", "2k", (1152, 2048)),
        ("3:2", "1k", (1248, 832)),
        ("16:9", "4k", (3840, 2160)),
    ],
)
def test_a_ratio_and_a_tier_make_the_closest_native_size(images, sandbox, model, ratio, tier, size):
    sandbox.set_faults(**{"hinow-shape": "data-b64"})
    options = {"aspect_ratio": ratio, "resolution": tier, "output_format": "webp", "quality": "high"}
    reply = images(model=model, parameters=options)
    assert seen(reply.json["data"][0]["b64_json"]) == ("WEBP", size)
    assert sandbox.charges()[0]["quality"] == "high"


@pytest.mark.parametrize("number", [2, "2"])
def test_several_pictures_are_asked_for_in_digits_or_as_a_number_and_cost_as_many(images, sandbox, number):
    sandbox.set_faults(**{"hinow-shape": "data-b64"})
    data = images(parameters={"num_images": number}).json["data"]
    assert len({each["b64_json"] for each in data}) == 2
    assert [(each["count"], each["price"]) for each in sandbox.charges()] == [(2, "0.174")]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_holds_the_picture(images, sandbox, shape):
    sandbox.set_faults(**{"hinow-shape": shape})
    reply = images(parameters={"output_format": "jpeg"})
    assert {opened(each) for each in found_in(reply.json)} == {("JPEG", (1024, 1024))}
    assert [each["delivered"] for each in sandbox.charges()] == [True]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_of_a_chat_holds_the_picture(chat, sandbox, shape):
    sandbox.set_faults(**{"hinow-shape": shape})
    reply = chat(parameters={"aspect_ratio": "16:9"})
    assert reply.json["choices"][0]["message"]["role"] == "assistant"
    assert {opened(each) for each in found_in(reply.json)} == {("PNG", (1280, 720))}
    assert [(each["prompt"], each["price"]) for each in sandbox.charges()] == [("a kettle", "0.087")]


def test_without_a_fixed_shape_all_of_them_come_in_an_order_that_a_seed_repeats():
    def shapes():
        with start_sandbox(seed=3) as sandbox:
            post = {"model": PINNED, "prompt": "a kettle"}
            return [tuple(sorted(ask("POST", sandbox.url("hinow") + "/images", post).json)) for _ in range(40)]

    found = shapes()
    assert len(set(found)) == len(SHAPES) - 1  # the two that have `data` cannot be told apart here
    assert shapes() == found


def test_references_come_as_data_urls_or_addresses_and_make_it_an_edit(images, sandbox):
    reply = images(images=[data_url(picture()), "https://example.com/kettle.jpg"])
    assert reply.status == 200
    (charge,) = sandbox.charges()
    assert (charge["operation"], len(charge["references"])) == ("edit", 2)


def test_an_address_of_this_machine_is_fetched(images, sandbox):
    sandbox.set_faults(**{"hinow-shape": "url"})
    first = images().json["url"]
    assert images(images=[first]).status == 200
    assert images(images=[first + "x"]).status == 400


def test_the_model_for_edits_takes_one_to_four_pictures_and_more_ratios(images, sandbox):
    sandbox.set_faults(**{"hinow-shape": "data-b64"})
    one = data_url(picture())
    assert images(model=EDIT).status == 400
    assert images(model=EDIT, images=[one] * 5).status == 400
    wide = images(model=EDIT, images=[one] * 4, parameters={"aspect_ratio": "21:9"})
    assert opened(wide.json["data"][0]["b64_json"])[1][0] > 1024
    assert images(parameters={"aspect_ratio": "21:9"}).status == 400


def test_a_chat_takes_text_and_pictures_in_parts(chat, sandbox):
    parts = [
        {"type": "text", "text": "in snow"}, {"type": "image_url", "image_url": {"url": data_url(picture())}},
    ]  # fmt: skip
    assert chat(parts).status == 200
    (charge,) = sandbox.charges()
    assert (charge["prompt"], charge["operation"]) == ("in snow", "edit")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"parameters": {"quality": "best"}}, "parameters.quality"),
        ({"parameters": {"size": "1024x1024"}}, "parameters.size"),
        ({"parameters": {"num_images": "eleven"}}, "parameters.num_images"),
        ({"parameters": {"num_images": 11}}, "parameters.num_images"),
        ({"parameters": []}, "parameters"),
        ({"quality": "low"}, "quality"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"images": ["data:image/png;base64,%%%"]}, "images"),
        ({"images": ["kettle.png"]}, "images"),
        ({"images": [data_url(b"no picture")]}, "images"),
        ({"images": "one"}, "images"),
    ],
)
def test_what_is_not_published_is_refused_and_not_charged(images, sandbox, more, param):
    reply = images(**more)
    error = reply.json["error"]
    assert (reply.status, error["param"]) == (400, param)
    assert error.keys() == {"message", "type", "param", "code"}
    assert sandbox.charges() == []


def test_what_is_no_json_and_a_wrong_key_are_refused(sandbox, images, chat):
    assert ask("POST", sandbox.url("hinow") + "/images", ["a list"]).status == 400
    assert chat([]).status == 400
    refused = images(headers={"Authorization": "Bearer mine"})
    assert (refused.status, "mine" in str(refused.json)) == (401, False)
    assert images(model="dall-e-3").status == 404
    assert sandbox.charges() == []


@pytest.mark.parametrize(("fault", "status"), BEFORE.items())
def test_what_goes_wrong_before_the_work_is_not_charged_and_goes_well_the_next_time(images, sandbox, fault, status):
    sandbox.set_faults({"fault": fault, "provider": "hinow"})
    reply = images()
    assert (reply.status, reply.whole) == (status, status != 0)
    assert sandbox.charges() == []
    assert images().status == 200
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize(("fault", "status"), AFTER.items())
def test_what_goes_wrong_after_the_work_is_charged_as_its_fault_says(images, sandbox, fault, status):
    sandbox.set_faults({"fault": fault}, **{"hinow-shape": "data-b64"})
    reply = images(parameters={"output_format": "webp"})
    charged = faults_at("hinow", "result")[fault]
    assert reply.status == status
    assert [each["fault"] for each in sandbox.charges()] == [fault] * charged
    assert [each["delivered"] for each in sandbox.charges()] == [status == 200 and fault != "truncated"] * charged


def test_the_pictures_that_come_wrong_are_wrong_as_their_fault_says(images, sandbox):
    sandbox.set_faults(
        {"fault": "wrong-size"}, {"fault": "wrong-format"}, {"fault": "garbage"}, **{"hinow-shape": "data-b64"}
    )
    options = {"output_format": "webp"}
    first, second, third = (images(parameters=options).json["data"][0]["b64_json"] for _ in range(3))
    assert (seen(first), seen(second)) == (("WEBP", (1008, 1024)), ("PNG", (1024, 1024)))
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode(third, validate=True)


def test_a_picture_at_an_address_can_be_garbage_too(images, sandbox):
    sandbox.set_faults({"fault": "garbage"}, **{"hinow-shape": "url"})
    with pytest.raises(OSError, match="cannot identify"):
        seen(ask("GET", images().json["url"], headers=NO_KEY).body)


def test_a_truncated_reply_breaks_off_in_the_middle(images, sandbox):
    sandbox.set_faults({"fault": "truncated"}, **{"hinow-shape": "data-b64"})
    reply = images()
    assert (reply.status, reply.whole) == (200, False)
    assert 0 < len(reply.body) < int(reply.headers["content-length"])


def test_moderation_says_its_stage_or_nothing(images, sandbox):
    sandbox.set_faults(
        *({"fault": each} for each in ("moderation-input", "moderation-input-bare", "moderation-output"))
    )
    first, bare, second = (images().json["error"] for _ in range(3))
    assert [each["moderation_details"]["moderation_stage"] for each in (first, second)] == ["input", "output"]
    assert "moderation_details" not in bare
    assert "safety system" in bare["message"]


def test_a_throttled_client_is_told_when_to_come_back_in_one_of_four_ways(images, sandbox):
    ways = ("rate-seconds", "rate-ms", "rate-date", "rate-text")
    sandbox.set_faults(*({"fault": each} for each in ways))
    seconds, milliseconds, date, text = (images() for _ in ways)
    assert int(seconds.headers["retry-after"]) > 0
    assert int(milliseconds.headers["retry-after-ms"]) > 0
    assert date.headers["retry-after"].endswith("GMT")
    assert "try again in 12s" in text.json["error"]["message"]
    assert not any(name.startswith("retry") for name in text.headers)


def test_every_fault_of_a_reply_is_tried_here():
    assert faults_at("hinow", "request").keys() == BEFORE.keys()
    assert faults_at("hinow", "result").keys() == AFTER.keys()
