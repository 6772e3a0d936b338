"""How services fail: which failure a reply is, in whose words, and when to come back."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.providers.base import AccountFailure, Lost, Refused, Reply, ServiceFailure, Throttled, Unknown
from imagebuild.providers.failures import decoded, failure_of, json_of, request_id_of, retry_after, unwell

NOON = 1_790_000_000.0  # Mon, 21 Sep 2026 14:13:20 GMT
RATE = (
    "Rate limit reached for gpt-image-2-codex (for limit gpt-image) in organization org-abc on input-images per min: "
    "Limit 5, Used 5, Requested 1. Please try again in 12s."
)


def reply(status: int, body: object = b"", **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status=status, body=data, headers={name.replace("_", "-"): value for name, value in headers.items()})


def error(message: str, code: str | None = None, type: str = "invalid_request_error", **more: object) -> dict:
    return {"error": {"message": message, "type": type, "param": None, "code": code, **more}}


def failure(status: int, body: object = b"", *, full_503: bool = False, **headers: str) -> ServiceFailure:
    return failure_of(
        reply(status, body, **headers), provider="openai", asked="gpt-image-2", full_503=full_503, now=lambda: NOON
    )


# ---------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, error("Invalid size '512x512'.", "invalid_value"), "Invalid size '512x512'."),
        (400, error("Unknown parameter: 'response_format'.", "unknown_parameter"), "Unknown parameter"),
        (400, error("Unknown parameter: 'moderation'.", "unknown_parameter"), "Unknown parameter: 'moderation'."),
        (
            400,
            error("Invalid file 'image[0]': unsupported mimetype ('application/octet-stream').",
                  "unsupported_file_mimetype"),
            "unsupported mimetype",
        ),
        (
            400,
            {"code": 400, "message": "Invalid request", "data": {"error": "Missing required field: input.prompt"}},
            "Invalid request: Missing required field: input.prompt",
        ),
        (413, b"<html><head><title>413 Request Entity Too Large</title></head><body><hr>nginx</body></html>",
         "413 Request Entity Too Large"),
        (415, {"error": "unsupported media type"}, "unsupported media type"),
        (422, {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "missing"}]},
         "body.prompt: field required"),
        (400, b"", ""),
    ],
)  # fmt: skip
def test_a_mistake_in_the_request_is_refused_in_the_services_own_words(status, body, words):
    found = failure(status, body)
    assert type(found) is Refused
    assert not found.moderation
    assert words in found.words
    assert str(status) in found.what


def test_a_moderation_says_at_which_stage_and_for_what():
    details = {"moderation_stage": "output", "categories": ["sexual", "violence"]}
    message = (
        "Your request was rejected by the safety system. If you believe this is an error, contact us at "
        "help.openai.com and include the request ID req_0a1b. safety_violations=[sexual]."
    )
    found = failure(
        400, error(message, "moderation_blocked", "image_generation_user_error", moderation_details=details)
    )
    assert isinstance(found, Refused)
    assert (found.moderation, found.stage, found.categories) == (True, "output", ("sexual", "violence"))
    assert found.request_id == "req_0a1b"
    assert "at the finished picture" in found.what
    assert found.hint is not None


@pytest.mark.parametrize(
    ("status", "body", "categories"),
    [
        (400, error("Your request was rejected by the safety system. safety_violations=[sexual, self-harm].",
                    "moderation_blocked"), ("sexual", "self-harm")),
        (400, error("Blocked by our moderation system"), ()),
        (400, {"code": 400, "message": "Content violates usage policy", "data": None}, ()),
        (403, {"code": 403, "message": "Content violates policy", "data": None}, ()),
        (422, error("NSFW content detected"), ()),
        (451, b"", ()),
    ],
)  # fmt: skip
def test_a_moderation_without_details_is_known_by_its_words(status, body, categories):
    found = failure(status, body)
    assert isinstance(found, Refused)
    assert (found.moderation, found.stage, found.categories) == (True, "unknown", categories)


# ----------------------------------------------------------------------------------------------------------- accounts


@pytest.mark.parametrize(
    ("status", "body", "hint"),
    [
        (401, error("Incorrect API key provided.", "invalid_api_key"), "OPENAI_API_KEY"),
        (402, error("Insufficient balance"), "top up"),
        (403, error("Your organization must be verified to use the model `gpt-image-2`."), "verify"),
        (403, error("Country, region, or territory not supported"), "OPENAI_API_KEY"),
        (403, b"<title>Attention Required! | Cloudflare</title>", "OPENAI_API_KEY"),
        (404, error("The model `gpt-image-2` does not exist", "model_not_found"), "doctor"),
        (400, error("Billing hard limit has been reached", "billing_hard_limit_reached"), "top up"),
        (400, {"code": 400, "message": "Insufficient credits", "data": None}, "top up"),
        (429, error("You exceeded your current quota", "insufficient_quota", "insufficient_quota"), "top up"),
        (302, b"", "base URL"),
        (405, b"", "base URL"),
    ],
)
def test_what_every_request_would_be_told_is_the_accounts_and_says_what_to_do(status, body, hint):
    found = failure(status, body)
    assert type(found) is AccountFailure
    assert hint in (found.hint or "")
    assert found.what.startswith("`openai` ")


def test_a_model_that_is_not_there_is_named():
    assert "`gpt-image-2`" in failure(404, error("nope", "model_not_found")).what


def test_a_name_with_a_dash_still_gives_the_name_of_a_variable():
    found = failure_of(reply(401), provider="my-host")
    assert "`MY_HOST_API_KEY`" in (found.hint or "")


# ---------------------------------------------------------------------------------------------------------- throttled


def test_too_fast_is_throttled_for_as_long_as_the_words_say():
    found = failure(429, error(RATE, "rate_limit_exceeded", "requests"))
    assert isinstance(found, Throttled)
    assert found.after == 12.0
    assert found.words == RATE


def test_full_is_throttled_only_at_a_service_that_says_so_with_503():
    assert isinstance(failure(503, error("overloaded"), full_503=True), Throttled)
    assert isinstance(failure(503, error("overloaded")), Unknown)


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry_after_ms": "1500", "retry_after": "9"}, b"try again in 12s", 1.5),
        ({"retry_after": "9"}, b"try again in 12s", 9.0),
        ({"retry_after": "0.25"}, b"", 0.25),
        ({"retry_after": "Mon, 21 Sep 2026 14:13:50 GMT"}, b"", 30.0),
        ({"retry_after": "Mon, 21 Sep 2026 14:13:00 GMT"}, b"", 0.0),
        ({"retry_after": "soon"}, b"Please try again in 1m30s.", 90.0),
        ({"retry_after": "nan"}, b"Please retry after 250ms", 0.25),
        ({}, b'{"error":{"message":"Try again in 20 seconds"}}', 20.0),
        ({}, b"try again in 1 minute 5 seconds", 65.0),
        ({}, b"try again in 7", 7.0),
        ({"retry_after": "86400"}, b"", 600.0),
        ({"retry_after": "-5"}, b"", 0.0),
        ({"x_ratelimit_reset_requests": "6m0s", "x_ratelimit_reset_images": "1s"}, b"", 1.0),
        (
            {"x_ratelimit_reset_requests": "6m0s", "x_ratelimit_remaining_requests": "0",
             "x_ratelimit_reset_images": "1s", "x_ratelimit_remaining_images": "3"},
            b"", 360.0,
        ),
        ({"x_ratelimit_reset": "1790000004"}, b"", 4.0),
        ({"x_ratelimit_reset_tokens": "2h"}, b"try again in 3s", 3.0),
        ({}, b"later", None),
        ({"retry_after": ""}, b"", None),
    ],
)  # fmt: skip
def test_when_to_come_back_is_read_in_all_its_forms_the_nearest_to_the_point_first(headers, body, seconds):
    assert retry_after(reply(429, body, **headers), lambda: NOON) == (
        None if seconds is None else pytest.approx(seconds)
    )


# ------------------------------------------------------------------------------------------------------------ unknown


@pytest.mark.parametrize("status", [408, 409, 424, 499, 500, 502, 503, 504, 520, 529])
def test_after_these_nobody_knows_whether_it_was_made(status):
    found = failure(status, error("The server had an error while processing your request", "server_error"))
    assert type(found) is Unknown
    assert "not known" in found.what


def test_that_the_service_invites_to_send_again_is_written_down_and_changes_nothing():
    found = failure(500, error("server error"), x_should_retry="true")
    assert type(found) is Unknown
    assert found.words == "server error (x-should-retry: true)"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (error("rejected by the safety system", "moderation_blocked", "image_generation_user_error"), Refused),
        (error("quota", "insufficient_quota"), AccountFailure),
        (error("slow", "rate_limit_exceeded"), Unknown),
        (error("bad", "invalid_value"), Refused),
        (error("The server had an error", "server_error", "server_error"), Unknown),
        ({}, Unknown),
    ],
)
def test_an_error_inside_a_success_is_known_by_its_words_alone(body, kind):
    assert type(failure(200, body)) is kind


SLOW = error("Rate limit reached", "rate_limit_exceeded", "rate_limit_error")
QUOTA = error("You exceeded your current quota", "insufficient_quota", "insufficient_quota")
BLOCKED = error("no", "moderation_blocked", moderation_details={"moderation_stage": "input", "categories": []})


@pytest.mark.parametrize("body", [SLOW, error("slow", "rate_limit_exceeded", "invalid_request_error")])
def test_an_answer_of_success_never_says_that_it_may_be_sent_again(body):
    found = failure_of(reply(200, body), provider="openai")
    assert type(found) is Unknown
    assert "not known" in found.what
    assert type(failure_of(reply(429, body), provider="openai")) is Throttled
    assert type(failure_of(reply(200, body), provider="openai", unmade=True)) is Throttled


@pytest.mark.parametrize(
    "body", [SLOW, QUOTA, error("bad", "invalid_value"), error("no", "model_not_found"), error("x", "invalid_api_key")]
)
def test_once_a_part_of_the_picture_has_come_no_error_says_that_nothing_was_made(body):
    found = failure_of(reply(200, body), provider="openai", begun=True)
    assert type(found) is Unknown
    assert found.hint is not None


def test_a_picture_that_had_begun_and_is_held_back_was_held_back_at_the_output():
    found = failure_of(reply(200, BLOCKED), provider="openai", begun=True)
    assert isinstance(found, Refused)
    assert (found.moderation, found.stage) == (True, "output")
    before = failure_of(reply(200, BLOCKED), provider="openai")
    assert isinstance(before, Refused)
    assert before.stage == "input"


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (303, {}, Unknown), (301, {"location": "/made/1"}, Unknown), (302, {"location": "/made/1"}, Unknown),
        (307, {"location": "https://x/1"}, Unknown), (308, {"location": "https://x/1"}, Unknown),
        (302, {}, AccountFailure), (304, {}, AccountFailure),
    ],
)  # fmt: skip
def test_what_sends_a_request_on_may_have_taken_it(status, headers, kind):
    found = failure_of(reply(status, **headers), provider="openai")
    assert type(found) is kind
    assert "base URL" in (found.hint or "")
    if kind is Unknown:
        assert "settle" in (found.hint or "")
    told = unwell(found).words  # of a service that was only asked how it is
    assert told.endswith("base URL is the service's own")
    assert "picture" not in told


# -------------------------------------------------------------------------------------------------------------- words


def test_words_are_one_paragraph_of_bearable_length():
    found = failure(400, error("one\n\n two\t" + "x" * 5000))
    assert found.words.startswith("one two x")
    assert len(found.words) == 500


def test_what_looks_like_a_key_is_in_no_words():
    found = failure(401, error("Incorrect API key provided: sk-proj-abcd*********************wxyz. See your keys."))
    assert found.words == "Incorrect API key provided: ***. See your keys."
    assert "wxyz" not in found.what


def test_half_a_character_breaks_nothing_that_is_written():
    found = failure(400, b'{"error": {"message": "a \\ud800 b", "code": "\\udfff"}}')
    assert found.words.encode().decode() == "a ? b"


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (reply(400, error("x"), x_request_id="req_1", cf_ray="ray"), "req_1"),
        (reply(400, error("x"), cf_ray="ray-FRA"), "ray-FRA"),
        (reply(400, {"error": {"message": "x"}, "request_id": "r-7"}), "r-7"),
        (reply(400, error("include the request ID req_77ab in your message")), "req_77ab"),
        (reply(200, {"id": "req_unrelated"}), None),
        (reply(500), None),
    ],
)
def test_the_exchange_has_the_name_the_service_gave_it(found, name):
    assert request_id_of(found) == name


# ------------------------------------------------------------------------------------------------------------- bodies


def test_a_body_is_read_as_json_also_when_it_broke_off_after_its_end():
    assert json_of(Reply(status=200, body=b'{"a": 1}', whole=False)) == {"a": 1}


def test_a_success_that_cannot_be_read_leaves_unknown_what_was_made():
    with pytest.raises(Unknown, match="`x` broke off its answer"):
        json_of(Reply(status=200, body=b'{"a": ', whole=False), provider="x")
    with pytest.raises(Unknown, match="no JSON") as caught:
        json_of(Reply(status=200, body=b"<html><title>Sign in to the hotel</title></html>"))
    assert caught.value.words == "Sign in to the hotel"


def test_a_page_is_named_with_its_title_and_the_base_url():
    page = b"<!DOCTYPE html><html><title>Sign in to the hotel</title><body>Room number?</body></html>"
    with pytest.raises(Unknown) as caught:
        json_of(Reply(status=200, body=page), provider="openai")
    assert caught.value.what == (
        "`openai` answered with a web page, and no JSON (Sign in to the hotel); "
        "whether it made the picture is not known"
    )
    assert caught.value.hint.startswith("see that the base URL is the service's own; ")


@pytest.mark.parametrize("body", [b"404: Not Found", b"<html><title>Not Found</title></html>", b""])
def test_a_server_that_knows_no_such_path_is_not_taken_for_one_that_knows_no_such_model(body):
    url = "https://gateway.example.com/images/generations?token=1"
    failure = failure_of(Reply(status=404, body=body, url=url), provider="openai", asked="gpt-image-2")
    assert isinstance(failure, AccountFailure)
    assert failure.what.startswith("`openai` has nothing at `https://gateway.example.com/images/generations` (404)")
    assert failure.hint == "see that the base URL is the service's own"


def test_an_error_within_a_success_is_not_told_with_the_status_of_one():
    told = error("Your request was rejected by the safety system.", "moderation_blocked")
    assert "content:" in failure(200, told).what
    assert "content (400):" in failure(400, told).what


def test_a_failure_that_cannot_be_read_is_what_its_status_says():
    with pytest.raises(AccountFailure):
        json_of(Reply(status=401, body=b"no"))


@pytest.mark.parametrize("form", ["{}", "data:image/png;base64,{}"])
def test_a_picture_is_decoded_with_or_without_its_data_url(form):
    assert decoded(form.format(base64.b64encode(b"picture").decode())) == b"picture"


def test_base64_in_lines_is_decoded():
    assert decoded(base64.encodebytes(bytes(range(256))).decode()) == bytes(range(256))


@pytest.mark.parametrize("text", ["", "a", "****", "aGk=aGk=", "data:image/png;base64,", "é", "aGk", None, 7, {}])
def test_a_picture_that_cannot_be_decoded_was_paid_and_is_lost(text):
    with pytest.raises(Lost):
        decoded(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(["error", "errors", "detail", "data", "message", "msg", "code", "type", "loc", "failMsg",
                         "moderation_details", "moderation_stage", "categories", "request_id"]) | st.text(max_size=3),
        inner, max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip
BODIES = (
    st.binary(max_size=300)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.text(alphabet="<>/titleTryagin 0123456789smh.", max_size=80).map(str.encode)
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "x-request-id", "cf-ray", "x-should-retry", "content-type",
                     "x-ratelimit-reset-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset"]),
    st.text(max_size=20) | st.sampled_from(["1e999", "-1", "Mon, 99 Foo 99999999999 99:99:99 +9999", "9" * 40, "0"]),
)  # fmt: skip


@given(st.integers(-1, 700), HEADERS, BODIES, st.booleans(), st.booleans())
def test_no_reply_whatever_makes_the_judgement_itself_fail(status, headers, body, whole, full):
    answer = Reply(status=status, headers=headers, body=body, whole=whole)
    found = failure_of(answer, provider="openai", full_503=full, now=lambda: NOON)
    assert isinstance(found, ServiceFailure)
    for text in (found.what, found.words, found.hint or "", found.request_id or ""):
        assert "\n" not in text
        text.encode()
    if isinstance(found, Throttled) and found.after is not None:
        assert 0 <= found.after <= 600
    if status >= 500 and not full:
        assert isinstance(found, Unknown)


@given(BODIES)
def test_reading_a_body_fails_only_as_a_service_does(body):
    try:
        value = json.loads(body)
    except ValueError:
        with pytest.raises(Unknown):
            json_of(Reply(status=200, body=body))
    else:
        assert repr(json_of(Reply(status=200, body=body))) == repr(value)  # repr: a NaN is not itself


def test_a_body_nested_without_end_is_no_error_of_ours():
    deep = b'{"error":' * 100_000
    assert isinstance(failure(500, deep), Unknown)
    with pytest.raises(Unknown):
        json_of(Reply(status=200, body=b"[" * 1_000_000))
