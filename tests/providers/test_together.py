"""Together AI: how it is asked, and how its answers and failures are read."""

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
from imagebuild.providers.together import Together
from tests.providers.stepping import JPEG, PNG, Ended, answered, nothing_seen, request, run

BASE = "https://api.together.ai/v1"
MODEL = "openai/gpt-image-2"
KETTLE = Attachment(data=PNG, media_type="image/png", name="kettle.png", digest="d1")
LAMP = Attachment(data=JPEG, media_type="image/jpeg", name="lamp.jpg", digest="d2")
LINK = "https://api.together.ai/imgproxy/a.jpg"


def together(**changes) -> Together:
    return Together(MODEL, base_url=BASE, limits=Limits(8), price=Price(flat=Decimal("0.053")), **changes)


def sent(provider: Together, asked):
    seen = nothing_seen()
    with pytest.raises(Ended):
        run(provider.flow(asked), [], seen)
    (ask,) = seen.asks
    assert (ask.method, ask.paid, ask.url) == ("POST", True, f"{BASE}/images/generations")
    return ask.json


def test_a_request_says_its_pixels_and_asks_for_the_picture_itself_and_names_no_steps_and_no_seed():
    assert sent(together(), request(size=(1536, 1024), format="jpeg", quality="medium")) == {
        "model": MODEL, "prompt": "A kettle {on} a table.", "width": 1536, "height": 1024, "n": 1,
        "response_format": "base64", "output_format": "jpeg",
    }  # fmt: skip


def test_one_reference_is_the_image_to_edit_and_several_are_a_list():
    one, two = sent(together(), request(references=(KETTLE,))), sent(together(), request(references=(KETTLE, LAMP)))
    kettle, lamp = (base64.b64encode(each).decode() for each in (PNG, JPEG))
    assert one["image_url"] == f"data:image/png;base64,{kettle}"
    assert "reference_images" not in one
    assert two["reference_images"] == [f"data:image/png;base64,{kettle}", f"data:image/jpeg;base64,{lamp}"]
    assert "image_url" not in two


def test_a_reference_with_a_public_address_goes_by_it():
    public = together(reference_url=lambda each: f"https://assets.example.com/{each.digest}")
    assert sent(public, request(references=(KETTLE,)))["image_url"] == "https://assets.example.com/d1"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (request(format="webp"), "makes no `webp`"), (request(mask=KETTLE), "no mask"),
        (request(background="transparent"), "transparent"), (request(references=(KETTLE,) * 17), "at most 16"),
    ],
)  # fmt: skip
def test_what_it_cannot_be_asked_for_is_refused_before_anything_is_sent(asked, why):
    with pytest.raises(Refused, match=why):
        run(together().flow(asked), [])


def test_a_picture_in_base64_is_had_at_once_and_costs_what_nobody_has_said_under_the_ray_as_its_request_id():
    answer = {
        "id": "img-1", "model": MODEL, "object": "list",
        "data": [{"index": 0, "type": "b64_json", "b64_json": base64.b64encode(JPEG).decode()}],
    }  # fmt: skip
    picture = run(together().flow(request()), [answered(answer, cf_ray="9a1-FRA")]).picture
    assert (picture.data, picture.media_type) == (JPEG, "image/jpeg")
    assert (picture.cost, picture.request_id) == (None, "9a1-FRA")
    assert picture.answered == {"id": "img-1", "model": MODEL, "object": "list"}


def test_a_picture_at_an_address_is_fetched_without_the_key_also_in_another_process():
    answer = {"data": [{"index": 0, "type": "url", "url": LINK}]}
    done = run(together().flow(request()), [answered(answer, cf_ray="9a1-FRA"), Reply(status=200, body=JPEG)])
    assert [(ask.url, ask.authorized) for ask in done.asks[1:]] == [(LINK, False)]
    again = run(together().flow(request(), done.notes[0]), [Reply(status=200, body=JPEG)])
    assert again.picture == done.picture
    assert not any(ask.paid for ask in again.asks)


def error(message: str, status: int, kind: str | None = None, **headers: str) -> Reply:
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return answered(body, status, cf_ray="9a1-FRA", **headers)


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (error("width must be a multiple of 8", 400, "invalid_request_error"), Refused),
        (error("Your request was rejected by the safety system.", 400), Refused),
        (error("Invalid API key provided", 401, "invalid_request_error"), AccountFailure),
        (error("Credit limit exceeded", 402), AccountFailure),
        (error("Unable to access model", 404), AccountFailure),
        (error("unprocessable", 422), Refused),
        (error("above your dynamic rate", 429, "dynamic_request_limited", x_ratelimit_reset="4"), Throttled),
        (error("The platform is full", 503), Throttled),
        (error("server error", 500), Unknown),
    ],
)
def test_a_failure_is_of_the_kind_that_its_status_and_words_say(reply, failure):
    with pytest.raises(failure) as caught:
        run(together().flow(request()), [reply])
    assert caught.value.request_id == "9a1-FRA"


@given(st.binary(max_size=200), st.sampled_from([200, 204, 302, 400, 403, 429, 500, 503]), st.booleans())
def test_no_reply_makes_the_flow_raise_anything_but_a_failure_of_a_service(body, status, whole):
    with pytest.raises((ServiceFailure, Ended)):
        run(together().flow(request()), [Reply(status=status, body=body, whole=whole)])


@pytest.mark.parametrize(
    ("reply", "ok", "words"),
    [
        (answered([{"id": "a"}, {"id": MODEL}]), True, "the key is accepted"),
        (answered({"data": [{"id": MODEL}]}), True, "the key is accepted"),
        (answered([{"id": "a"}, 3]), True, "is not among the models it lists"),
        (error("Invalid API key", 401), False, "does not accept the key"),
        (error("full", 503), False, "503"),
        (answered(b"<html>"), False, "no JSON"),
    ],
)
def test_whether_it_is_ready_is_asked_for_free(reply, ok, words):
    done = run(together().check(), [reply])
    assert (done.value.ok, words in done.value.words) == (ok, True)
    assert [(ask.method, ask.url, ask.paid) for ask in done.asks] == [("GET", f"{BASE}/models", False)]
