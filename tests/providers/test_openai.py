"""OpenAI's Images API, stepped by hand: what is asked, what is read, what it cost."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.offer import Price
from imagebuild.providers.base import (
    AccountFailure,
    Ask,
    Attachment,
    Glimpse,
    Limits,
    Lost,
    Part,
    Picture,
    Refused,
    Reply,
    Request,
    ServiceFailure,
    Throttled,
    Unknown,
)
from imagebuild.providers.openai import OpenAI, cost_of

BASE = "https://api.openai.com/v1"
MODEL = "gpt-image-2-2026-04-21"
PRICE = Price(text_in=Decimal(5), image_in=Decimal(8), image_out=Decimal(30))
REQUEST = Request(
    key="k", operation="generate", model=MODEL, prompt="A kettle – größer.", size=(1536, 1024), quality="high",
    format="webp", label="scene[ratio=3:2]",
)  # fmt: skip
USAGE = {
    "total_tokens": 7050, "input_tokens": 26, "output_tokens": 7024,
    "input_tokens_details": {"text_tokens": 26, "image_tokens": 0},
    "output_tokens_details": {"image_tokens": 7024, "text_tokens": 0},
}  # fmt: skip
MADE = {
    "created": 1713833628, "background": "opaque", "output_format": "webp", "size": "1536x1024", "quality": "high",
    "data": [{"b64_json": base64.b64encode(b"RIFF-picture").decode()}], "usage": USAGE,
}  # fmt: skip
PNG = Attachment(data=b"png bytes", media_type="image/png", name="brand/secret-launch.png")
JPEG = Attachment(data=b"jpeg bytes", media_type="image/jpeg", name="photo.JPG")
WEBP = Attachment(data=b"webp bytes", media_type="image/webp", name="x.webp")


def provider(partials: int = 0, price: Price = PRICE) -> OpenAI:
    return OpenAI(MODEL, base_url=BASE + "/", limits=Limits(4), price=price, partials=partials)


def asked(request: Request = REQUEST, partials: int = 0) -> Ask:
    wish = next(provider(partials).flow(request))
    assert isinstance(wish, Ask)
    return wish


def answer(
    body: object, *, status: int = 200, request: Request = REQUEST, partials: int = 0, whole: bool = True,
    price: Price = PRICE, **headers: str,
) -> Picture:  # fmt: skip
    """The picture that the flow makes of a reply."""
    flow = provider(partials, price).flow(request)
    next(flow)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(StopIteration) as end:
        flow.send(Reply(status=status, headers=named, body=data, whole=whole))
    assert isinstance(end.value.value, Picture)
    return end.value.value


def stream(*events: tuple[str, dict]) -> bytes:
    return b"".join(f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode() for name, data in events)


def partial(index: int, data: bytes = b"half") -> tuple[str, dict]:
    b64 = base64.b64encode(data).decode()
    return "image_generation.partial_image", {"b64_json": b64, "partial_image_index": index}


COMPLETED = (
    "image_generation.completed",
    {"b64_json": base64.b64encode(b"finished").decode(), "size": "1536x1024", "output_format": "webp", "usage": USAGE},
)


# ------------------------------------------------------------------------------------------------------ what is asked


def test_a_picture_is_asked_for_with_exactly_these_parameters():
    wish = asked()
    assert (wish.method, wish.url) == ("POST", BASE + "/images/generations")
    assert (wish.paid, wish.authorized, wish.form, wish.glimpse, wish.to_file) == (True, True, (), None, None)
    assert wish.json == {
        "model": MODEL, "prompt": "A kettle – größer.", "n": 1, "size": "1536x1024", "quality": "high",
        "output_format": "webp",
    }  # fmt: skip


def test_a_background_is_said_only_when_it_is_another_than_the_usual():
    assert asked(replace(REQUEST, background="opaque")).json["background"] == "opaque"
    assert "background" not in asked(replace(REQUEST, background="auto")).json


def test_reference_pictures_go_as_a_form_in_their_order_with_their_types():
    wish = asked(replace(REQUEST, operation="edit", references=(PNG, JPEG, WEBP), mask=PNG))
    assert wish.url == BASE + "/images/edits"
    assert (wish.paid, wish.json) == (True, None)
    assert list(wish.form) == [
        Part("model", MODEL),
        Part("prompt", "A kettle – größer."),
        Part("n", "1"),
        Part("size", "1536x1024"),
        Part("quality", "high"),
        Part("output_format", "webp"),
        Part("image[]", b"png bytes", "image-1.png", "image/png"),
        Part("image[]", b"jpeg bytes", "image-2.jpg", "image/jpeg"),
        Part("image[]", b"webp bytes", "image-3.webp", "image/webp"),
        Part("mask", b"png bytes", "mask.png", "image/png"),
    ]


def test_a_picture_made_after_references_is_an_edit_to_the_service_too():
    assert asked(replace(REQUEST, references=(PNG,))).url == BASE + "/images/edits"


def test_sixteen_references_go_and_seventeen_are_refused_before_anything_is_sent():
    sixteen = asked(replace(REQUEST, references=(PNG,) * 16))
    assert sum(part.name == "image[]" for part in sixteen.form) == 16
    with pytest.raises(Refused, match="takes 16 pictures, and was to get 17"):
        asked(replace(REQUEST, references=(PNG,) * 17))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"references": (replace(PNG, media_type="image/gif"),)}, "no picture of the type image/gif"),
        ({"references": (PNG,), "mask": JPEG}, "a mask only as PNG"),
        ({"mask": PNG}, "only with a picture"),
    ],
)
def test_what_the_service_would_not_take_is_refused_before_anything_is_sent(change, words):
    with pytest.raises(Refused, match=words):
        asked(replace(REQUEST, **change))


def test_glimpses_are_asked_for_in_both_forms():
    assert asked(partials=2).json["stream"] is True
    assert asked(partials=2).json["partial_images"] == 2
    parts = {part.name: part.value for part in asked(replace(REQUEST, references=(PNG,)), partials=3).form}
    assert (parts["stream"], parts["partial_images"]) == ("true", "3")
    assert asked(partials=9).json["partial_images"] == 3


def test_there_is_no_task_to_take_up_again_and_nothing_is_paid_for_trying():
    with pytest.raises(Unknown, match="keeps no tasks"):
        next(provider().flow(REQUEST, {"task": "t"}))


# ------------------------------------------------------------------------------------------------------------ what came


def test_a_picture_comes_with_its_cost_and_with_what_was_said_of_it_but_itself():
    picture = answer(MADE, x_request_id="req_1", openai_processing_ms="41234")
    assert picture.data == b"RIFF-picture"
    assert picture.media_type == "image/webp"
    assert picture.cost == Decimal("0.21085")  # 26 x $5 + 7,024 x $30, a million
    assert picture.request_id == "req_1"
    assert picture.answered == {
        "size": "1536x1024", "quality": "high", "background": "opaque", "output_format": "webp",
        "created": 1713833628, "usage": USAGE, "processing_ms": 41234,
    }  # fmt: skip


def test_the_format_that_came_is_believed_over_the_one_that_was_asked_for():
    assert answer({**MADE, "output_format": "png"}).media_type == "image/png"
    assert answer({**MADE, "output_format": "jpeg"}).media_type == "image/jpeg"
    assert answer({**MADE, "output_format": None}).media_type == "image/webp"
    assert answer({"data": MADE["data"]}).media_type == "image/webp"


def test_of_more_pictures_than_one_the_first_is_taken():
    more = {**MADE, "data": [*MADE["data"], {"b64_json": base64.b64encode(b"second").decode()}]}
    assert answer(more).data == b"RIFF-picture"


def test_a_reply_that_broke_off_after_the_picture_is_a_picture():
    assert answer(MADE, whole=False).data == b"RIFF-picture"


@pytest.mark.parametrize("end", [1, 60, 200, -1])
def test_a_reply_that_broke_off_within_the_picture_is_an_unknown_outcome(end):
    with pytest.raises(Unknown, match="broke off"):
        answer(json.dumps(MADE).encode()[:end], whole=False)


@pytest.mark.parametrize(
    "body", [{}, {"data": []}, {"data": [{}]}, {"data": [{"url": "https://x"}]}, [], "text", 7, None]
)
def test_a_success_without_a_picture_was_paid_and_is_lost(body):
    with pytest.raises(Lost, match="without a picture"):
        answer(body)


@pytest.mark.parametrize("b64", ["", "***", None, 5, "QUJ"])
def test_a_picture_that_cannot_be_decoded_was_paid_and_is_lost(b64):
    with pytest.raises(Lost, match="cannot be decoded") as caught:
        answer({"data": [{"b64_json": b64}]}, x_request_id="req_9")
    assert caught.value.request_id == "req_9"


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "invalid_value", Refused),
        (400, "moderation_blocked", Refused),
        (401, "invalid_api_key", AccountFailure),
        (404, "model_not_found", AccountFailure),
        (429, "rate_limit_exceeded", Throttled),
        (429, "insufficient_quota", AccountFailure),
        (500, "server_error", Unknown),
        (200, "server_error", Unknown),
    ],
)
@pytest.mark.parametrize("partials", [0, 2])
def test_a_failure_is_what_it_says_with_and_without_a_stream(status, code, kind, partials):
    with pytest.raises(kind) as caught:
        answer(
            {"error": {"message": "so it is", "type": "t", "param": None, "code": code}}, status=status,
            partials=partials, x_request_id="req_2",
        )  # fmt: skip
    assert type(caught.value) is kind
    assert caught.value.request_id == "req_2"
    assert caught.value.words == "so it is"


# -------------------------------------------------------------------------------------------------------------- streams

SSE = {"content_type": "text/event-stream; charset=utf-8"}


def test_the_picture_of_a_stream_is_the_completed_one_wherever_it_stands():
    for events in ([partial(0), partial(1), COMPLETED], [COMPLETED, partial(0)], [COMPLETED]):
        picture = answer(stream(*events), partials=2, **SSE)
        assert picture.data == b"finished"
        assert picture.media_type == "image/webp"
        assert picture.cost == Decimal("0.21085")
        assert "b64_json" not in picture.answered


def test_an_edits_stream_is_read_the_same():
    body = stream(("image_edit.completed", COMPLETED[1]))
    assert answer(body, request=replace(REQUEST, references=(PNG,)), partials=1, **SSE).data == b"finished"


def test_a_stream_is_known_by_its_body_when_no_header_says_so_and_json_in_its_place_is_read():
    assert answer(stream(partial(0), COMPLETED), partials=2).data == b"finished"
    assert answer(MADE, partials=2).data == b"RIFF-picture"


def test_a_stream_without_a_completed_picture_is_an_unknown_outcome_and_never_its_last_glimpse():
    for body in (stream(partial(0), partial(1)), stream(partial(0)) + b"data: [DONE]\n\n", b""):
        with pytest.raises(Unknown, match="before the picture was finished"):
            answer(body, partials=2, **SSE)


@pytest.mark.parametrize("lacking", [3, 20, 300])
def test_a_stream_that_broke_off_within_the_completed_picture_is_an_unknown_outcome(lacking):
    body = stream(partial(0), COMPLETED)
    with pytest.raises(Unknown):
        answer(body[:-lacking], partials=2, whole=False, **SSE)


def test_a_stream_that_broke_off_after_the_completed_picture_is_a_picture():
    assert answer(stream(partial(0), COMPLETED)[:-2], partials=2, whole=False, **SSE).data == b"finished"


@pytest.mark.parametrize(
    ("event", "first", "later"),
    [
        (
            b'event: error\ndata: {"type":"error","error":{"message":"m","code":"moderation_blocked"}}\n\n',
            Refused, Refused,
        ),
        (b'data: {"error":{"message":"m","type":"server_error","code":null}}\n\n', Unknown, Unknown),
        (b'data: {"type":"error","code":"rate_limit_exceeded","message":"m"}\n\n', Unknown, Unknown),
        (b'data: {"error":{"message":"m","code":"insufficient_quota"}}\n\n', AccountFailure, Unknown),
        (b'data: {"error":{"message":"m","code":"invalid_value"}}\n\n', Refused, Unknown),
        (b"event: error\ndata: m\n\n", Unknown, Unknown),
    ],
)  # fmt: skip
def test_an_error_in_a_stream_is_what_it_says_only_before_its_first_picture(event, first, later):
    for begun, kind in ((b"", first), (stream(partial(0)), later), (stream(partial(0), partial(1)), later)):
        with pytest.raises(kind) as caught:
            answer(begun + event, partials=2, **SSE)
        assert type(caught.value) is kind
        assert caught.value.words == "m"


def test_an_error_in_place_of_a_picture_is_never_a_reason_to_send_again():
    with pytest.raises(Unknown):
        answer({"error": {"message": "slow down", "code": "rate_limit_exceeded"}})


def test_an_address_that_sends_a_picture_on_leaves_unknown_whether_it_was_made():
    with pytest.raises(Unknown, match="303"):
        answer(b"", status=303, location="/made/1")


def test_an_error_after_the_picture_was_finished_takes_nothing_away():
    body = stream(COMPLETED) + b'event: error\ndata: {"error":{"message":"m"}}\n\n'
    assert answer(body, partials=1).data == b"finished"


def test_glimpses_are_shown_with_their_place():
    look = asked(partials=2).glimpse
    name, payload = partial(1, b"so far")
    glimpse = look(name, json.dumps(payload).encode())
    assert glimpse == Glimpse(index=1, of=2, data=b"so far")
    assert look("message", json.dumps({"type": name, **payload}).encode()) == glimpse


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("image_generation.completed", b'{"b64_json":"QUJD"}'),
        ("image_generation.partial_image", b'{"b64_json":"*"}'),
        ("image_generation.partial_image", b"{"),
        ("image_generation.partial_image", b"[]"),
        ("error", b'{"error":{}}'),
        ("message", b"[DONE]"),
    ],
)
def test_what_is_no_glimpse_is_none_and_fails_nothing(name, data):
    assert asked(partials=2).glimpse(name, data) is None


# ----------------------------------------------------------------------------------------------------------------- cost


def usage(**values: object) -> dict:
    return {"input_tokens": 3000, "output_tokens": 1000, **values}


@pytest.mark.parametrize(
    ("said", "cost"),
    [
        (usage(input_tokens_details={"text_tokens": 1000, "image_tokens": 2000}), "0.051"),
        (usage(input_tokens_details={"text_tokens": 1000, "image_tokens": 2000, "cached_tokens": 0}), "0.051"),
        (
            usage(input_tokens_details={"text_tokens": 1000, "image_tokens": 2000,
                                        "cached_tokens_details": {"text_tokens": 400, "image_tokens": 800}}),
            "0.0447",  # 600 x 5 + 400 x 1.25 + 1,200 x 8 + 800 x 2 + 1,000 x 30
        ),
        (
            usage(input_tokens_details={"text_tokens": 1000, "image_tokens": 2000, "cached_tokens": 1500}),
            "0.04425",  # 1,000 x 1.25 + 1,500 x 8 + 500 x 2 + 1,000 x 30
        ),
        (usage(), "0.054"),  # of which kind is not said: the dearer
        (usage(input_tokens_details=None), "0.054"),
        (usage(input_tokens_details={"text_tokens": 10**6}), "0.045"),
    ],
)  # fmt: skip
def test_the_cost_is_the_tokens_by_their_kinds(said, cost):
    assert cost_of(said, PRICE) == Decimal(cost)


@pytest.mark.parametrize(
    "said", [None, {}, [], "7050", {"input_tokens": 5}, usage(output_tokens=-1), usage(output_tokens=True),
             usage(output_tokens="7"), usage(output_tokens=10**30)],
)  # fmt: skip
def test_without_a_usable_usage_there_is_no_cost(said):
    assert cost_of(said, PRICE) is None
    assert answer({**MADE, "usage": said}).cost is None


def test_without_a_price_there_is_no_cost_and_a_flat_price_is_the_cost():
    assert answer(MADE, price=Price()).cost is None
    assert answer(MADE, price=Price(flat=Decimal("0.05"))).cost == Decimal("0.05")


@pytest.mark.parametrize(
    ("size", "tokens", "dollars"),
    [("1024x1024", 7024, "0.211"), ("1536x1024", 5488, "0.165"), ("2048x2048", 14272, "0.428")],
)
def test_the_cost_of_the_published_sizes_is_the_published_price(size, tokens, dollars):
    cost = cost_of({"input_tokens": 0, "output_tokens": tokens}, PRICE)
    assert cost.quantize(Decimal("0.001")) == Decimal(dollars)


# ---------------------------------------------------------------------------------------------------------------- check


def checked(status: int, body: object = b"{}"):
    flow = provider().check()
    wish = next(flow)
    assert (wish.method, wish.url, wish.paid) == ("GET", f"{BASE}/models/{MODEL}", False)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(StopIteration) as end:
        flow.send(Reply(status=status, body=data))
    return end.value.value


def test_a_check_says_that_the_model_is_there():
    assert checked(200, {"id": MODEL}) == (True, f"`openai` serves `{MODEL}`")


@pytest.mark.parametrize(
    ("status", "words"), [(401, "OPENAI_API_KEY"), (404, MODEL), (500, "failed with 500"), (429, "429")]
)
def test_a_check_says_what_is_missing(status, words):
    health = checked(status)
    assert not health.ok
    assert words in health.words
    assert "picture" not in health.words  # none was asked for


@pytest.mark.parametrize("body", [b"<html>", {"data": []}])
def test_a_check_sees_that_something_else_answers(body):
    assert checked(200, body).ok is False


# ------------------------------------------------------------------------------------------------------------- anything


@given(
    st.integers(200, 599),
    st.binary(max_size=200) | st.sampled_from([json.dumps(MADE).encode(), stream(partial(0), COMPLETED)]),
    st.sampled_from(["application/json", "text/event-stream", ""]),
    st.booleans(),
    st.integers(0, 600),
)
def test_whatever_comes_back_is_a_picture_or_a_services_failure(status, body, kind, whole, end_at):
    flow = provider(2).flow(REQUEST)
    next(flow)
    with pytest.raises((StopIteration, ServiceFailure)) as end:
        flow.send(Reply(status=status, headers={"content-type": kind}, body=body[:end_at], whole=whole))
    if isinstance(end.value, StopIteration):
        assert end.value.value.data in (b"RIFF-picture", b"finished")
