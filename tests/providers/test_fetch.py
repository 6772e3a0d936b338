"""From what an answer names to the picture's bytes: read tolerantly, fetched with care, never paid for again."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.providers.answer import Found, cost_in, found_in, outline, refusal_in, remarks_in
from imagebuild.providers.base import (
    AccountFailure,
    Cut,
    Lost,
    NotSent,
    Refused,
    Reply,
    ServiceFailure,
    StillRunning,
    Throttled,
    Unknown,
)
from imagebuild.providers.fetch import fetch, media_type_of, picture_from, resumed
from tests.providers.stepping import JPEG, PNG, WEBP, Ended, answered, nothing_seen, run

B64 = base64.b64encode(PNG).decode()
DATA_URL = f"data:image/png;base64,{B64}"
LINK = "https://cdn.example.com/out/a.png?sig=abc"
SERVICE = {"provider": "svc", "base_url": "https://api.example.com/v1"}
NOTE = {"answered": {}, "request_id": "r-1"}


def image(data: bytes = PNG, status: int = 200, whole: bool = True) -> Reply:
    return Reply(status=status, body=data, whole=whole)


# ------------------------------------------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ({"created": 1, "data": [{"b64_json": B64}]}, Found(B64, True)),
        ({"data": [{"b64_json": None, "url": LINK}]}, Found(LINK, False)),
        ({"data": [{"index": 0, "type": "url", "url": LINK}]}, Found(LINK, False)),
        ({"data": [{"image": B64}]}, Found(B64, True)),
        ({"data": {"url": LINK}}, Found(LINK, False)),
        ({"id": "req_1", "images": [LINK]}, Found(LINK, False)),
        ({"images": [DATA_URL, LINK]}, Found(DATA_URL, False)),
        ({"images": [B64]}, Found(B64, True)),
        ({"images": [{"url": LINK, "content_type": "image/png"}]}, Found(LINK, False)),
        ({"images": [{"b64_json": B64}]}, Found(B64, True)),
        ({"status": "succeeded", "output": [LINK]}, Found(LINK, False)),
        ({"output": LINK}, Found(LINK, False)),
        ({"result": {"url": LINK}}, Found(LINK, False)),
        ({"result": {"images": [{"url": LINK}]}}, Found(LINK, False)),
        ({"url": LINK, "urls": [LINK]}, Found(LINK, False)),
        ({"image": DATA_URL}, Found(DATA_URL, False)),
        ({"image": {"url": LINK}}, Found(LINK, False)),
        ([{"url": LINK}], Found(LINK, False)),
        ({"resultUrls": [LINK, "https://cdn.example.com/b.png"]}, Found(LINK, False)),
        ({"data": [{"url": "/files/a.png"}]}, Found("/files/a.png", False)),
        ({"images": ["/files/a.png"]}, Found("/files/a.png", False)),
        ({"images": [base64.b64encode(JPEG).decode()]}, Found(base64.b64encode(JPEG).decode(), True)),
    ],
)  # fmt: skip
def test_the_picture_is_found_in_every_shape_that_services_are_known_to_use(answer, found):
    assert found_in(answer) == found


@pytest.mark.parametrize(
    "content",
    [
        f"Here you are:\n\n![a kettle]({LINK})",
        f"![A [red] kettle]({LINK})",
        f"![x](<{LINK}>) [terms](https://example.com/terms)",
        f"It is at {LINK} now.",
        [{"type": "text", "text": "Here."}, {"type": "image_url", "image_url": {"url": LINK}}],
        [{"type": "text", "text": f"![a]({LINK})"}],
        [{"type": "output_image", "image_url": LINK}],
    ],
)
def test_the_picture_is_found_in_what_a_chat_answer_says(content):
    answer = {"choices": [{"message": {"role": "assistant", "content": content}}]}
    assert found_in(answer) == Found(LINK, False)


def test_a_chat_answers_own_list_of_images_comes_before_its_text_and_a_data_url_in_the_text_is_one_too():
    images = [{"type": "image_url", "image_url": {"url": DATA_URL}}]
    message = {"content": "see https://example.com/other.png", "images": images}
    assert found_in({"choices": [{"message": message}]}) == Found(DATA_URL, False)
    assert found_in({"choices": [{"message": {"content": f"It: {DATA_URL}\n"}}]}) == Found(DATA_URL, False)


@pytest.mark.parametrize(
    "answer",
    [
        None, 3, "ok", [], {}, {"data": []}, {"data": [{"b64_json": ""}]}, {"data": [{"url": None}]},
        {"output": "done"},
        {"images": [{"id": "1"}]}, {"input": {"image_url": LINK}}, {"param": json.dumps({"url": LINK})},
        {"choices": [{"message": {"content": "I cannot do that. See https://example.com/help for more."}}]},
        {"status_url": LINK},
    ],
)  # fmt: skip
def test_what_is_no_result_is_not_taken_for_one(answer):
    assert found_in(answer) is None


NAMES = ("data", "images", "url", "b64_json", "choices", "message", "content", "output", "error", "code", "usage")
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    LEAVES | st.sampled_from([LINK, DATA_URL, B64, "data:", "https://["]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON)
def test_reading_never_raises_on_any_json(answer):
    found = found_in(answer)
    assert found is None or found.text
    assert len(outline(answer)) <= 300
    json.dumps(remarks_in(answer), allow_nan=False).encode()
    words = refusal_in(answer)
    assert words is None or words


@given(JSON, st.sampled_from([200, 201, 202, 302, 400, 429, 500]), st.booleans())
def test_an_answer_of_any_json_gives_a_picture_a_wish_or_a_failure_of_a_service(answer, status, whole):
    reply = answered(answer, status, whole)
    with suppress(ServiceFailure):
        assert run(picture_from(reply, **SERVICE, price=None), [image()], spare=True).picture.data


@given(st.binary(max_size=300), st.sampled_from([200, 202, 404, 503]), st.booleans())
def test_an_answer_of_any_bytes_is_a_failure_of_a_service(body, status, whole):
    with pytest.raises((ServiceFailure, Ended)):
        run(picture_from(Reply(status=status, body=body, whole=whole), **SERVICE, price=None), [])


def test_what_is_written_down_beside_a_picture_is_short_and_holds_no_picture_and_no_link():
    answer = {
        "created": 12, "model": "m", "data": [{"b64_json": B64}], "url": LINK, "long": "x" * 500, "odd": float("nan"),
        "usage": {"total_tokens": 5, "details": {}}, "ok": True, "none": None,
    }  # fmt: skip
    assert remarks_in(answer) == {"created": 12, "model": "m", "ok": True, "usage": {"total_tokens": 5}}


def test_an_outline_tells_names_and_no_values():
    answer = {"created": 1, "data": [{"revised_prompt": "secret"}, {}], "meta": {"a": {"b": {"c": {"d": 1}}}}, "l": []}
    assert outline(answer) == "{created, data: [{revised_prompt}, …], meta: {a: {b: {c: {…}}}}, l: []}"
    assert outline("secret") == "a text"
    assert outline(None) == "nothing"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp"), (b"GIF89a....", "image/gif"),
        (b"\0\0\0\x1cftypavif", "image/avif"), (b"<html>", None), (b"", None), (b"RIFF....WAVE", None),
    ],
)  # fmt: skip
def test_the_media_type_is_what_the_bytes_say(data, media_type):
    assert media_type_of(data) == media_type


# ---------------------------------------------------------------------------------------------- from a whole answer


def test_a_picture_in_the_answer_itself_needs_no_further_request_and_keeps_what_was_said():
    reply = answered({"created": 5, "data": [{"b64_json": B64}]}, x_request_id="req_1")
    done = run(picture_from(reply, **SERVICE, price=None), [])
    assert (done.picture.data, done.picture.media_type) == (PNG, "image/png")
    assert (done.picture.request_id, done.picture.answered) == ("req_1", {"created": 5})
    assert done.notes == []


def test_an_address_is_noted_before_it_is_asked_for_and_asked_for_without_the_key():
    reply = answered({"data": [{"url": LINK}], "model": "m"}, x_request_id="req_1")
    done = run(picture_from(reply, **SERVICE, price=None), [image(JPEG)])
    assert done.notes == [{"answered": {"model": "m"}, "request_id": "req_1", "links": [LINK]}]
    (wish,) = done.asks
    assert (wish.method, wish.url, wish.authorized, wish.paid) == ("GET", LINK, False, False)
    assert done.picture.media_type == "image/jpeg"


def test_an_error_within_a_success_never_says_that_it_may_be_sent_again():
    for full in (False, True):
        with pytest.raises(Unknown):
            run(picture_from(answered({"error": {"code": "rate_limit_exceeded", "message": "slow"}}),
                             **SERVICE, price=None, full_503=full), [])  # fmt: skip
    with pytest.raises(AccountFailure):
        run(picture_from(answered({"error": {"message": "Insufficient balance"}}), **SERVICE, price=None), [])


PRICE = Decimal("0.05")


@pytest.mark.parametrize(
    ("said", "cost"),
    [
        ({"cost": 0.06}, "0.06"), ({"cost": "0.06"}, "0.06"), ({"usage": {"cost": 0.06}}, "0.06"),
        ({"cost": 0.00001}, "0.00001"), ({"cost": "0.06", "currency": "usd"}, "0.06"), ({"cost": "0.5"}, "0.5"),
        ({}, None), ({"price": "0.06"}, None), ({"credits": 3}, None), ({"cost": 0}, None),
        ({"cost": "0.06 USD"}, None),
        ({"cost": None}, None), ({"cost": True}, None), ({"cost": -0.06}, None), ({"cost": float("nan")}, None),
        ({"cost": {"total": 0.06}}, None), ({"cost": "0.06", "currency": "EUR"}, None),
        ({"cost": 6}, None),  # far above the price list's: in cents, or credits
    ],
)  # fmt: skip
def test_what_it_cost_is_only_what_the_answer_itself_says(said, cost):
    expected = None if cost is None else Decimal(cost)
    for picture in ({"b64_json": B64}, {"url": LINK}):
        reply = answered({"data": [picture], **said})
        done = run(picture_from(reply, **SERVICE, price=PRICE), [image()], spare=True)
        assert done.picture.cost == expected
        for note in json.loads(json.dumps(done.notes)):
            assert run(resumed(note, **SERVICE), [image()]).picture.cost == expected
    assert cost_in({"data": said}, PRICE) == expected


def test_what_was_noted_is_enough_to_go_on_and_nothing_is_paid():
    reply = answered({"data": [{"url": LINK}], "model": "m"}, x_request_id="req_1")
    seen = nothing_seen()
    with pytest.raises(Ended):
        run(picture_from(reply, **SERVICE, price=None), [], seen)
    noted = json.loads(json.dumps(seen.notes[-1]))
    done = run(resumed(noted, **SERVICE), [image()])
    assert (done.picture.data, done.picture.request_id, done.picture.answered) == (PNG, "req_1", {"model": "m"})
    assert [wish.paid for wish in done.asks] == [False]
    assert done.notes == []  # it is on disk already


@pytest.mark.parametrize("noted", [{}, {"links": []}, {"links": [3]}, {"task": "t"}])
def test_a_note_that_cannot_be_read_is_an_unknown_outcome_and_no_reason_to_pay(noted):
    with pytest.raises(Unknown, match="cannot be read"):
        run(resumed(noted, **SERVICE), [])


def test_an_answer_without_a_picture_is_lost_and_told_by_its_outline():
    with pytest.raises(Lost, match=r"`svc` answered 200 with no picture that can be found in it: \{id, meta: \{a\}\}"):
        run(picture_from(answered({"id": "x", "meta": {"a": "secret"}}), **SERVICE, price=None), [])


def test_an_answer_that_only_says_accepted_is_unknown():
    with pytest.raises(Unknown, match="202"):
        run(picture_from(answered({"id": "x", "status": "queued"}, 202), **SERVICE, price=None), [])


def test_an_error_within_a_success_is_what_its_words_say():
    with pytest.raises(Refused) as caught:
        run(
            picture_from(answered({"error": {"code": "moderation_blocked", "message": "no"}}), **SERVICE, price=None),
            [],
        )
    assert caught.value.moderation
    with pytest.raises(Unknown):
        run(picture_from(answered({"error": "something broke"}), **SERVICE, price=None), [])


@pytest.mark.parametrize(
    "choice",
    [{"message": {"refusal": "I cannot draw that"}}, {"finish_reason": "content_filter", "message": {"content": ""}}],
)
def test_a_chat_answer_that_declines_is_a_refusal_for_its_content(choice):
    with pytest.raises(Refused, match="declined to draw") as caught:
        run(picture_from(answered({"choices": [choice]}), **SERVICE, price=None), [])
    assert caught.value.moderation


@pytest.mark.parametrize(
    "data",
    [
        [{"b64_json": "!!!!"}],
        [{"b64_json": base64.b64encode(b"<html>no</html>").decode()}],
        [{"url": "data:image/png;base64,!!"}],
    ],
)
def test_a_picture_that_cannot_be_decoded_or_is_none_was_paid_for_and_is_lost(data):
    with pytest.raises(Lost):
        run(picture_from(answered({"data": data}), **SERVICE, price=None), [])


def test_an_answer_that_broke_off_in_the_picture_is_unknown():
    body = json.dumps({"data": [{"b64_json": B64}]}).encode()[:60]
    with pytest.raises(Unknown):
        run(picture_from(Reply(status=200, body=body, whole=False), **SERVICE, price=None), [])


def test_a_full_platform_is_throttling_only_where_it_is_known_to_be():
    reply = answered({"error": {"message": "overloaded"}}, 503)
    with pytest.raises(Throttled):
        run(picture_from(reply, **SERVICE, price=None, full_503=True), [])
    with pytest.raises(Unknown):
        run(picture_from(reply, **SERVICE, price=None), [])


# -------------------------------------------------------------------------------------------------------- fetching


def fetching(link: str = LINK, base_url: str = SERVICE["base_url"]):
    return fetch(link, NOTE, provider="svc", base_url=base_url)


def test_a_data_url_is_decoded_and_nothing_is_asked_for():
    done = run(fetching(DATA_URL), [])
    assert (done.value.data, done.value.media_type, done.notes) == (PNG, "image/png", [])
    assert run(fetching("data:image/png," + "".join(f"%{byte:02x}" for byte in PNG)), []).value.data == PNG


@pytest.mark.parametrize("status", [403, 404])
def test_a_link_that_is_not_there_yet_is_asked_for_again_with_pauses_between(status):
    done = run(fetching(), [image(b"no", status), image(b"no", status), image()])
    assert done.value.data == PNG
    pauses = [wish.after for wish in done.asks]
    assert pauses[0] == 0
    assert pauses == sorted(set(pauses))


@pytest.mark.parametrize("status", [403, 404])
def test_a_link_that_stays_away_has_expired_and_what_was_paid_for_is_lost(status):
    with pytest.raises(Lost, match="the link has expired") as caught:
        run(fetching(), [image(b"no", status)] * 5)
    assert caught.value.request_id == "r-1"
    assert "sig=" not in str(caught.value) + caught.value.words


def test_a_link_that_is_gone_for_good_is_not_asked_for_twice():
    with pytest.raises(Lost, match="expired"):
        run(fetching(), [image(b"gone", 410)])


@pytest.mark.parametrize(
    ("body", "why"), [(b"<!doctype html><title>Welcome</title>", "is no picture"), (b"", "is empty")]
)
def test_what_is_no_picture_is_asked_for_again_and_then_lost(body, why):
    assert run(fetching(), [image(body), image()]).value.data == PNG
    with pytest.raises(Lost, match=why):
        run(fetching(), [image(body)] * 5)


def test_a_transfer_that_broke_off_is_repeated_and_never_taken_for_the_picture():
    assert run(fetching(), [image(PNG[:20], whole=False), image()]).value.data == PNG
    with pytest.raises(StillRunning, match="broke off"):
        run(fetching(), [image(PNG[:20], whole=False)] * 5)


@pytest.mark.parametrize(
    "trouble", [image(b"", 503), image(b"", 429), Cut("the connection broke"), NotSent("no address")]
)
def test_a_host_that_is_out_of_reach_leaves_the_picture_to_the_next_build(trouble):
    with pytest.raises(StillRunning, match="cannot be fetched just now") as caught:
        run(fetching(), [trouble])
    assert "nothing is paid" in caught.value.hint


@pytest.mark.parametrize(
    "link",
    [
        "", " ", "a.png", "/files/a.png", "//cdn.example.com/a.png", "https:///a.png", "https://[::1", "https://[",
        "https://cdn example.com/a.png", "https://cdn.example.com/a\nb.png", "https://cdn.example.com:99999/a.png",
        "https://\ud800.example.com/a", "https://cdn.example.com/" + "a" * 9000, "ftp://cdn.example.com/a.png",
        "file:///etc/passwd", "javascript:alert(1)",
        "http://cdn.example.com/a.png", "https://localhost/a.png", "https://127.0.0.1/a.png", "http://127.0.0.1/a.png",
        "https://[::1]/a.png", "https://[::ffff:127.0.0.1]/a.png", "https://127.1/a.png", "https://2130706433/a.png",
        "https://0x7f000001/a.png", "https://0x7f.0.0.1/a.png", "https://0.0.0.0/a", "https://10.0.0.8/a.png",
        "https://192.168.1.1/a.png", "https://169.254.169.254/latest/meta-data", "https://[fd00::1]/a.png",
        "https://metadata/computeMetadata", "https://metadata.google.internal/a", "https://printer.local/a",
        "https://a.localhost/x", "https://localhost./x",
    ],
)  # fmt: skip
def test_an_address_that_leads_astray_is_not_asked_for(link):
    with pytest.raises(Lost, match="the address that `svc` gave for its picture"):
        run(fetching(link), [])


def test_a_service_on_this_machine_may_give_addresses_on_this_machine_but_no_others_in_the_clear():
    for here in ("http://127.0.0.1:8123/v1", "http://localhost:8123/v1", "http://[::1]:8123/v1"):
        assert run(fetching("http://127.0.0.1:8123/files/a.png", here), [image()]).value.data == PNG
        with pytest.raises(Lost, match="not encrypted"):
            run(fetching("http://192.168.1.4/a.png", here), [])


@given(st.text(max_size=60) | st.text(max_size=30).map(lambda text: "https://" + text))
def test_no_address_makes_fetching_raise_anything_but_a_failure_of_a_service(link):
    with pytest.raises(ServiceFailure):
        run(fetching(link), [image(b"", 410)])
