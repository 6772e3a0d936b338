"""HInow.ai: how it is asked, in both ways, and how its answers are read whatever their shape."""

from __future__ import annotations

import base64
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.offer import Price
from imagebuild.providers.base import (
    AccountFailure,
    Attachment,
    Limits,
    Refused,
    Reply,
    ServiceFailure,
    Throttled,
    Unknown,
)
from imagebuild.providers.hinow import HiNow
from tests.providers.stepping import JPEG, PNG, Ended, answered, frame, nothing_seen, request, run

BASE = "https://api.hinow.ai/v1"
PINNED = "openai/gpt-image-2-2026-04-21"
B64 = base64.b64encode(PNG).decode()
LINK = "https://cdn.hinow.ai/a.png?sig=1"
KETTLE = Attachment(data=PNG, media_type="image/png", name="kettle.png")
LAMP = Attachment(data=JPEG, media_type="image/jpeg", name="lamp.jpg")


def hinow(route="images", **changes) -> HiNow:
    price = Price(flat=Decimal("0.087"))
    return HiNow(PINNED, base_url=BASE, limits=Limits(8), price=price, frame_of=frame, route=route, **changes)


def sent(provider: HiNow, asked):
    """What goes out for a request."""
    seen = nothing_seen()
    with pytest.raises(Ended):
        run(provider.flow(asked), [], seen)
    (ask,) = seen.asks
    assert (ask.method, ask.paid, ask.authorized) == ("POST", True, True)
    return ask


def test_a_request_goes_out_as_the_services_own_sample_has_it():
    ask = sent(hinow(), request(size=(2048, 1152), quality="high", format="webp"))
    assert ask.url == f"{BASE}/images"
    assert ask.json == {
        "model": PINNED,
        "prompt": "A kettle {on} a table.",
        "parameters": {
            "quality": "high", "aspect_ratio": "16:9", "resolution": "2k", "output_format": "webp", "num_images": "1",
        },
    }  # fmt: skip


def test_reference_pictures_go_along_as_data_urls():
    ask = sent(hinow(), request(references=(KETTLE, LAMP)))
    assert ask.json["images"] == [
        f"data:image/png;base64,{B64}",
        f"data:image/jpeg;base64,{base64.b64encode(JPEG).decode()}",
    ]


def test_the_chat_route_says_the_same_as_a_message():
    ask = sent(hinow("chat"), request())
    assert ask.url == f"{BASE}/chat/completions"
    assert ask.json["messages"] == [{"role": "user", "content": "A kettle {on} a table."}]
    assert ask.json["parameters"]["aspect_ratio"] == "1:1"
    assert "prompt" not in ask.json
    with_picture = sent(hinow("chat"), request(references=(KETTLE,))).json["messages"]
    assert with_picture[0]["content"] == [
        {"type": "text", "text": "A kettle {on} a table."},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}},
    ]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (request(size=(1200, 640)), "`1200x640` is none of them"),
        (request(mask=KETTLE), "no mask"),
        (request(background="transparent"), "transparent background"),
        (request(format="avif"), "no `avif`"),
        (request(references=(KETTLE,) * 17), "at most 16 reference pictures, this request has 17"),
    ],
)
def test_what_could_only_be_left_out_in_silence_is_refused_before_anything_is_sent(asked, why):
    with pytest.raises(Refused, match=why) as caught:
        run(hinow().flow(asked), [])
    assert caught.value.hint


@pytest.mark.parametrize(
    "answer",
    [
        {"created": 1, "data": [{"b64_json": B64}]},
        {"images": [f"data:image/png;base64,{B64}"]},
        {"images": [{"b64_json": B64}, {"b64_json": "other"}]},
        {"output": [f"data:image/png;base64,{B64}"]},
        {"choices": [{"message": {"images": [{"image_url": {"url": f"data:image/png;base64,{B64}"}}]}}]},
        {"choices": [{"message": {"content": f"![it](data:image/png;base64,{B64})"}}]},
        {"choices": [{"message": {"content": f"data:image/png;base64,{B64}"}}]},
    ],
)
def test_a_picture_within_the_answer_is_had_at_once_and_costs_what_nobody_has_said(answer):
    picture = run(hinow().flow(request()), [answered(answer, x_request_id="req_7")]).picture
    assert (picture.data, picture.media_type) == (PNG, "image/png")
    assert (picture.cost, picture.request_id) == (None, "req_7")


@pytest.mark.parametrize(
    "answer",
    [
        {"data": [{"url": LINK}]}, {"images": [LINK]}, {"images": [{"url": LINK}]}, {"output": LINK},
        {"output": [LINK]}, {"result": {"url": LINK}}, {"url": LINK},
        {"choices": [{"message": {"content": f"![]({LINK})"}}]},
    ],
)  # fmt: skip
def test_a_picture_at_an_address_is_noted_and_fetched_without_the_key(answer):
    done = run(hinow().flow(request()), [answered(answer), Reply(status=200, body=PNG)])
    assert [(ask.paid, ask.authorized) for ask in done.asks] == [(True, True), (False, False)]
    assert done.notes[0]["links"] == [LINK]
    again = run(hinow().flow(request(), done.notes[0]), [Reply(status=200, body=PNG)])
    assert not any(ask.paid for ask in again.asks)
    assert again.picture == done.picture


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (answered({"error": {"message": "bad size", "type": "invalid_request_error"}}, 400), Refused),
        (answered({"error": {"message": "rejected by the safety system", "code": "moderation_blocked"}}, 400), Refused),
        (answered({"error": {"message": "no such key", "code": "invalid_api_key"}}, 401), AccountFailure),
        (answered({"error": "Insufficient balance"}, 402), AccountFailure),
        (answered({"error": {"message": "slow down"}}, 429, retry_after="3"), Throttled),
        (answered({"error": {"message": "overloaded"}}, 503), Unknown),
        (answered(b"<html><title>502 Bad Gateway</title></html>", 502), Unknown),
    ],
)
def test_a_failure_is_of_the_kind_that_its_status_and_words_say(reply, failure):
    with pytest.raises(failure):
        run(hinow().flow(request()), [reply])


@given(st.binary(max_size=200), st.sampled_from([200, 201, 204, 301, 400, 404, 429, 500, 503]), st.booleans())
def test_no_reply_makes_the_flow_raise_anything_but_a_failure_of_a_service(body, status, whole):
    with pytest.raises((ServiceFailure, Ended)):
        run(hinow().flow(request()), [Reply(status=status, body=body, whole=whole)])


@pytest.mark.parametrize(
    ("reply", "ok"),
    [
        (answered({"data": []}), None),
        (answered({"error": "not found"}, 404), None),
        (answered({"error": {"message": "bad key"}}, 401), False),
        (answered(b"", 503), False),
    ],
)
def test_whether_it_is_ready_is_asked_for_free(reply, ok):
    done = run(hinow().check(), [reply])
    assert done.value.ok is ok
    assert done.value.words
    assert [(ask.method, ask.paid) for ask in done.asks] == [("GET", False)]
