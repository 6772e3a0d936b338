"""Services of tasks: started once, watched until they are done, taken up again by another process; each one a row of
data."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.offer import Price
from imagebuild.errors import ProviderError
from imagebuild.providers.base import (
    AccountFailure,
    Attachment,
    Cut,
    Limits,
    Lost,
    NotKnown,
    NotSent,
    Refused,
    Reply,
    ServiceFailure,
    StillRunning,
    Throttled,
    Unknown,
)
from imagebuild.providers.catalog import load_catalog
from imagebuild.providers.task_failure import failed_task
from imagebuild.providers.task_shape import TaskShape, filled, filled_path, value_at
from imagebuild.providers.tasks import TaskService
from tests.providers.stepping import JPEG, PNG, Ended, answered, frame, nothing_seen, request, run

LINK = "https://cdn.apixo.ai/output/abc.jpg"
FRESH = "https://cdn.apixo.ai/output/abc.jpg?again=1"
KETTLE = Attachment(data=PNG, media_type="image/png", name="kettle.png", digest="d1")
PRICES = {"1k": Decimal("0.02"), "2k": Decimal("0.04")}
BASES = {"apixo": "https://api.apixo.ai/api/v1", "kie": "https://api.kie.ai/api/v1"}


def shape_of(name: str) -> TaskShape:
    return TaskShape.from_mapping(load_catalog().providers[name]["protocol"], provider=name)


def service(name: str = "apixo", **changes) -> TaskService:
    price = Price(by_resolution=PRICES)
    given = {"base_url": BASES[name], "limits": Limits(8), "price": price, "frame_of": frame, **changes}
    return TaskService(name, "gpt-image-2", shape_of(name), **given)


def public(attachment: Attachment) -> str:
    return f"https://assets.example.com/{attachment.digest}.png"


def started(task: object = "task_1", message: str = "success", **headers: str) -> Reply:
    return answered({"code": 200, "message": message, "data": {"taskId": task}}, **headers)


def state(word: str, **data: object) -> Reply:
    return answered({"code": 200, "message": "success", "data": {"taskId": "task_1", "state": word, **data}})


def done(*links: str, **data: object) -> Reply:
    return state("success", resultJson=json.dumps({"resultUrls": list(links) or [LINK]}), costTime=12500, **data)


def failed(code: object, words: str = "") -> Reply:
    return state("failed", failCode=code, failMsg=words)


FILE = Reply(status=200, body=JPEG)


# ------------------------------------------------------------------------------------------------------ being asked


def test_apixo_is_asked_as_its_documentation_says():
    went = run(service().flow(request(size=(2048, 1152))), [started(), done(), FILE])
    create, poll, fetch = went.asks
    assert (create.method, create.url, create.paid) == ("POST", f"{BASES['apixo']}/generateTask/gpt-image-2", True)
    assert create.json == {
        "request_type": "async",
        "input": {
            "mode": "text-to-image", "prompt": "A kettle {on} a table.", "aspect_ratio": "16:9", "resolution": "2k",
        },
    }  # fmt: skip
    assert (poll.method, poll.url) == ("GET", f"{BASES['apixo']}/statusTask/gpt-image-2?taskId=task_1")
    assert (poll.paid, poll.authorized, fetch.paid, fetch.authorized) == (False, True, False, False)
    assert fetch.url == LINK


def test_kie_is_asked_as_its_documentation_says():
    asked = request(size=(2048, 2048), references=(KETTLE,))
    went = run(service("kie", reference_url=public).flow(asked), [started(), done(), FILE])
    create, poll, _ = went.asks
    assert create.url == "https://api.kie.ai/api/v1/jobs/createTask"
    assert create.json == {
        "model": "gpt-image-2-image-to-image",
        "input": {
            "prompt": "A kettle {on} a table.", "input_urls": ["https://assets.example.com/d1.png"],
            "aspect_ratio": "1:1", "resolution": "2K",
        },
    }  # fmt: skip
    assert poll.url == "https://api.kie.ai/api/v1/jobs/recordInfo?taskId=task_1"
    alone = run(service("kie").flow(request()), [started(), done(), FILE]).asks[0].json
    assert alone["model"] == "gpt-image-2-text-to-image"
    assert "input_urls" not in alone["input"]


def test_references_go_by_their_public_address():
    asked = request(references=(KETTLE, KETTLE))
    went = run(service(reference_url=public).flow(asked), [started(), done(), FILE])
    assert went.asks[0].json["input"]["mode"] == "image-to-image"
    assert went.asks[0].json["input"]["image_urls"] == ["https://assets.example.com/d1.png"] * 2


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (request(references=(KETTLE,)), "only by their public address"),
        (request(mask=KETTLE), "no mask"),
        (request(size=(1200, 640)), "none of them"),
        (request(references=(KETTLE,) * 17), "at most 16"),
    ],
)
def test_what_it_cannot_be_asked_for_is_refused_before_anything_is_sent(asked, why):
    with pytest.raises(Refused, match=why):
        run(service().flow(asked), [])


def test_the_plans_own_words_for_a_size_are_used_where_they_are_given():
    went = run(service(frame_of=lambda _: ("4:3", "2k")).flow(request()), [started(), done(), FILE])
    assert went.asks[0].json["input"]["aspect_ratio"] == "4:3"
    assert went.picture.cost is None


# ----------------------------------------------------------------------------------------------- from task to picture


def test_a_task_goes_from_pending_to_its_picture():
    replies = [started(), state("pending"), state("processing"), done(LINK, "https://cdn.apixo.ai/second.jpg"), FILE]
    went = run(service().flow(request()), replies)
    assert (went.picture.data, went.picture.media_type) == (JPEG, "image/jpeg")
    assert (went.picture.cost, went.picture.request_id) == (None, "task_1")
    assert went.picture.answered == {"task": "task_1", "costTime": 12500}
    assert [ask.after for ask in went.asks] == [0, 30, 10, 10, 0]
    assert sum(ask.paid for ask in went.asks) == 1


@pytest.mark.parametrize(("size", "first"), [((1024, 1024), 30), ((2048, 2048), 60), ((3840, 2160), 120)])
def test_the_first_question_waits_as_long_as_the_tier_takes_at_least(size, first):
    went = run(service().flow(request(size=size)), [started(), done(), FILE])
    assert went.asks[1].after == first


def test_the_task_is_noted_before_the_first_question_and_its_link_before_it_is_followed():
    seen = nothing_seen()
    with pytest.raises(Ended):
        run(service().flow(request()), [started()], seen)
    assert seen.notes == [{"task": "task_1"}]
    assert len(seen.asks) == 2  # the second is the question, which came after the note
    seen = nothing_seen()
    with pytest.raises(Ended):
        run(service().flow(request()), [started(), done()], seen)
    assert (seen.notes[-1]["task"], seen.notes[-1]["links"]) == ("task_1", [LINK])


def test_a_noted_task_is_watched_on_without_delay_and_never_started_again():
    went = run(service().flow(request(), {"task": "task_1"}), [state("processing"), done(), FILE])
    assert went.picture.data == JPEG
    assert went.asks[0].after == 0
    assert not any(ask.paid for ask in went.asks)


def test_what_a_task_cost_is_only_what_its_answer_says_and_outlives_this_process():
    said = [started(), done(cost=0.023)]
    first = run(service().flow(request()), [*said, FILE])
    assert first.picture.cost == Decimal("0.023")
    assert run(service().flow(request(), json.loads(json.dumps(first.notes[-1]))), [FILE]).picture == first.picture
    in_credits = run(service().flow(request()), [started(), done(cost=8), FILE])
    assert in_credits.picture.cost is None


def test_a_noted_link_is_followed_at_once():
    first = run(service().flow(request()), [started(), done(), FILE])
    went = run(service().flow(request(), json.loads(json.dumps(first.notes[-1]))), [FILE])
    assert went.picture == first.picture
    assert [ask.url for ask in went.asks] == [LINK]


@pytest.mark.parametrize("noted", [None, {"task": "task_1", "links": [LINK]}])
def test_for_a_link_that_has_expired_the_task_is_asked_once_for_a_new_one(noted):
    before = [started(), done()] if noted is None else []
    gone = Reply(status=410)
    went = run(service().flow(request(), noted), [*before, gone, done(FRESH), FILE])
    assert (went.picture.data, went.asks[-1].url) == (JPEG, FRESH)
    assert went.notes[-1]["links"] == [FRESH]
    with pytest.raises(Lost, match="expired"):
        run(service().flow(request(), noted), [*before, gone, done(LINK)])
    with pytest.raises(NotKnown, match=r"expired.*does not know task `task_1`"):  # another account may have a new one
        run(service().flow(request(), noted), [*before, gone, *[answered({"code": 404}, 404)] * 6])
    with pytest.raises(StillRunning):  # it may yet have one
        run(service().flow(request(), noted), [*before, gone, Cut("the connection broke")])


@pytest.mark.parametrize("noted", [{}, {"task": None}, {"task": "../admin"[:2]}, {"links": [LINK]}, {"task": "a b"}])
def test_a_note_that_cannot_be_read_is_an_unknown_outcome_and_no_reason_to_pay(noted):
    with pytest.raises(Unknown, match="cannot be read"):
        run(service().flow(request(), noted), [])


@pytest.mark.parametrize(
    "result",
    [
        json.dumps({"resultUrls": [LINK]}), {"resultUrls": [LINK]}, json.dumps([LINK]),
        json.dumps({"images": [{"url": LINK}]}), LINK,
    ],
)  # fmt: skip
def test_a_result_is_read_as_text_or_as_json_and_in_other_shapes_than_the_documented(result):
    went = run(service().flow(request()), [started(), state("success", resultJson=result), FILE])
    assert went.asks[-1].url == LINK


def test_a_done_task_whose_result_is_not_there_yet_is_asked_for_again_and_then_lost():
    assert run(service().flow(request()), [started(), state("success"), done(), FILE]).picture.data == JPEG
    with pytest.raises(Lost, match="names no picture"):
        run(service().flow(request()), [started(), *[state("success", resultJson="{}")] * 3])


def test_a_state_that_is_not_known_is_waited_for():
    went = run(
        service().flow(request()), [started(), state("rendering"), answered({"code": 200, "data": None}), done(), FILE]
    )
    assert went.picture.data == JPEG


# ------------------------------------------------------------------------------------------------------- callbacks


def test_with_a_callback_the_first_question_waits_for_the_ring_and_the_ring_is_confirmed_by_asking():
    asked = []

    def address(key: str) -> tuple[str, str]:
        asked.append(key)
        return "s3cret", "https://hooks.example.com/s3cret"

    went = run(
        service(callback=address).flow(request(size=(2048, 2048))), [started(), state("processing"), done(), FILE]
    )
    create, first, second, _ = went.asks
    assert asked == ["sha256:k"]
    assert (create.json["request_type"], create.json["callback_url"]) == (
        "callback",
        "https://hooks.example.com/s3cret",
    )
    assert (first.after, first.wake) == (180, "s3cret")
    # A forged ring, or an early one: from then on it asks as without callbacks, and does not listen to the bell.
    assert (second.after, second.wake) == (10, None)
    kie = run(service("kie", callback=address).flow(request()), [started(), done(), FILE])
    assert kie.asks[0].json["callBackUrl"] == "https://hooks.example.com/s3cret"


# ------------------------------------------------------------------------------------------------- what goes wrong


@pytest.mark.parametrize(
    ("reply", "failure"),
    [
        (answered({"code": 400, "message": "Invalid request", "data": {"error": "Missing field"}}, 400), Refused),
        (answered({"code": 400, "message": "Insufficient credits", "data": None}, 400), AccountFailure),
        (answered({"code": 401, "message": "Unauthorized"}, 401), AccountFailure),
        (answered({"code": 402, "message": "Insufficient balance"}, 402), AccountFailure),
        (answered({"code": 403, "message": "Content violates usage policy"}, 403), Refused),
        (answered({"code": 429, "message": "Too many requests"}, 429), Throttled),
        (answered(b"", 302, location="/tasks/1"), Unknown),
        (answered(b"", 303), Unknown),
        (answered({"code": 500, "message": "Internal error"}, 500), Unknown),
        (answered({"code": 503, "message": "unavailable"}, 503), Unknown),
        # The same in the envelope of a success.
        (answered({"code": 401, "msg": "Unauthorized"}), AccountFailure),
        (answered({"code": 402, "msg": "Insufficient credits"}), AccountFailure),
        (answered({"code": "422", "msg": "prompt is required"}), Refused),
        (answered({"code": 429, "msg": "Rate limited"}), Throttled),
        (answered({"code": 500, "msg": "Server error"}), Unknown),
        (answered({"code": 7, "msg": "odd"}), Unknown),
        # Nothing that names a task.
        (answered({"code": 200, "message": "success", "data": None}), Unknown),
        (answered({"code": 200, "data": {"taskId": ""}}), Unknown),
        (answered({"code": 200, "data": {"taskId": {"a": 1}}}), Unknown),
        (answered(b"<html>hello</html>"), Unknown),
        (Reply(status=200, body=b'{"code":200,"data":{"ta', whole=False), Unknown),
    ],
)  # fmt: skip
def test_a_request_that_starts_no_task_fails_as_its_status_or_its_envelope_says(reply, failure):
    seen = nothing_seen()
    with pytest.raises(failure):
        run(service().flow(request()), [reply], seen)
    assert seen.notes == []


@pytest.mark.parametrize(
    ("code", "failure"),
    [(455, Throttled), (505, AccountFailure), (501, Unknown), (422, Refused), (404, AccountFailure)],
)
def test_a_services_own_codes_are_read_as_the_catalogue_says(code, failure):
    with pytest.raises(failure):
        run(service("kie").flow(request()), [answered({"code": code, "msg": "words"})])


def test_an_answer_that_broke_off_after_the_tasks_name_loses_no_task():
    cut = Reply(status=200, body=b'{"code":200,"message":"success","data":{"taskId": "task_1","sta', whole=False)
    assert run(service().flow(request()), [cut, done(), FILE]).notes[0] == {"task": "task_1"}


@pytest.mark.parametrize("task", ["..", "a/../b c", "x" * 300, True, 1.5])
def test_what_can_be_no_name_of_a_task_is_none(task):
    with pytest.raises(Unknown, match="named no task"):
        run(service().flow(request()), [started(task)])


def test_a_tasks_name_cannot_lead_the_question_elsewhere():
    went = run(service().flow(request()), [started("a/b=c~d@e"), done(), FILE])
    assert went.asks[1].url == f"{BASES['apixo']}/statusTask/gpt-image-2?taskId=a%2Fb%3Dc~d%40e"


FAMILIES = [
    ("CONTENT_VIOLATION", Refused), ("NSFW_DETECTED", Refused), ("SensitiveContent", Refused), ("NSFW", Refused),
    ("SensitiveContentDetected", Refused), ("InputImageSensitiveContentDetected", Refused),
    ("InputOutputSensitiveContentDetected", Refused), ("ProhibitedContentDetected", Refused),
    ("sensitivecontentdetected", Refused), ("451", Refused),
    ("PROMPT_TOO_LONG", Refused), ("PromptLengthExceeded", Refused), ("INVALID_PROMPT", Refused),
    ("INVALID_IMAGE_URL", Refused), ("IMAGE_TOO_LARGE", Refused), ("UNSUPPORTED_FORMAT", Refused),
    ("IMAGE_DOWNLOAD_FAILED", Refused), (422, Refused),
    ("INSUFFICIENT_CREDITS", AccountFailure), ("InsufficientCredits", AccountFailure), (402, AccountFailure),
    ("PROCESSING_TIMEOUT", Unknown), ("MODEL_UNAVAILABLE", Unknown), ("GENERATION_FAILED", Unknown), ("500", Unknown),
    ("SomethingNew", Unknown), ("", Unknown), (None, Unknown), (["x"], Unknown),
]  # fmt: skip


@pytest.mark.parametrize(("code", "failure"), FAMILIES)
def test_a_failed_task_is_what_its_code_says_in_either_family(code, failure):
    with pytest.raises(failure) as caught:
        run(service().flow(request()), [started(), failed(code, "the words")])
    assert caught.value.words == "the words"
    assert caught.value.request_id == "task_1"


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("apixo", answered({"code": 403, "message": "Content violates usage policy", "data": None}, 403)),
        ("kie", answered({"code": 422, "msg": "The prompt was flagged as sensitive content"})),
    ],
)
def test_what_is_refused_before_a_task_has_begun_cannot_have_been_made(name, reply):
    with pytest.raises(Refused) as caught:
        run(service(name).flow(request()), [reply])
    assert (caught.value.moderation, caught.value.stage) == (True, "input")


@pytest.mark.parametrize(
    ("code", "stage"),
    [
        ("InputImageSensitiveContentDetected", "input"),
        ("OutputSensitiveContent", "output"),
        ("InputOutputSensitiveContentDetected", "unknown"),
        ("CONTENT_VIOLATION", "unknown"),
    ],
)
def test_a_refusal_for_the_content_says_at_which_stage_when_its_code_does(code, stage):
    refused = failed_task(code, "", provider="apixo", task="task_1")
    assert isinstance(refused, Refused)
    assert (refused.moderation, refused.stage) == (True, stage)


def test_what_the_code_does_not_tell_the_words_may():
    refused = failed_task("400", "Your request was rejected by the safety system", provider="kie", task="t")
    flagged = failed_task("500", "flagged as violating our content policy", provider="kie", task="t")
    numbered = failed_task("422", "Your prompt was flagged as sensitive content", provider="kie", task="t")
    assert isinstance(numbered, Refused)
    assert numbered.moderation
    mistaken = failed_task("422", "Invalid image URL", provider="kie", task="t")
    assert isinstance(mistaken, Refused)
    assert not mistaken.moderation
    broke = failed_task("", "Insufficient credits", provider="kie", task="t")
    assert isinstance(refused, Refused)
    assert isinstance(flagged, Refused)
    assert flagged.moderation
    assert isinstance(broke, AccountFailure)
    unknown = failed_task("GENERATION_FAILED", "try later", provider="kie", task="t")
    assert unknown.what == "`kie` failed at task `t` (GENERATION_FAILED): try later; whether it billed it is not known"


def test_kies_failed_state_and_code_count_and_the_envelopes_success_is_not_taken_for_its_words():
    with pytest.raises(Unknown) as caught:
        run(service("kie").flow(request()), [started(), state("fail", failCode="500", failMsg="")])
    assert caught.value.words == "500"
    with pytest.raises(Unknown, match="Generation failed"):
        run(service("kie").flow(request()), [started(), answered({"code": 501, "msg": "Generation failed"})])


@pytest.mark.parametrize(
    "trouble", [Cut("the connection broke"), NotSent("no address"), answered({}, 401), answered({"code": 403})]
)
def test_what_goes_wrong_with_asking_leaves_the_task_running(trouble):
    seen = nothing_seen()
    with pytest.raises(StillRunning, match="task `task_1` at `apixo`") as caught:
        run(service().flow(request()), [started(), trouble], seen)
    assert caught.value.request_id == "task_1"
    assert seen.notes == [{"task": "task_1"}]


@pytest.mark.parametrize("status", [301, 303, 400, 401, 402, 403, 404, 405, 422, 429, 451, 455, 500, 501, 503, 505])
@pytest.mark.parametrize("name", ["apixo", "kie"])
def test_no_answer_to_a_question_about_a_task_says_that_it_was_never_taken(name, status):
    """Only the task's own failure does: whatever is wrong with the asking, the picture may be there."""
    words = {"msg": "Insufficient credits", "message": "Insufficient credits", "type": "rate_limit_exceeded"}
    for reply in (answered({"code": status, **words}, status, location="/x"), answered({"code": status, **words})):
        for noted in (None, {"task": "task_1"}):
            before = [started()] if noted is None else []
            with pytest.raises((StillRunning, NotKnown, AccountFailure)) as caught:
                run(service(name).flow(request(), noted), [*before, *[reply] * 6], spare=True)
            own = (name, status, reply.status) == ("kie", 501, 200)  # that code is the task's
            assert isinstance(caught.value, AccountFailure) == own


@pytest.mark.parametrize(
    "trouble", [answered({"code": 404}, 404), answered({}, 503), answered(b"<html>"), answered({"code": 500})]
)
def test_a_passing_trouble_with_asking_is_overcome(trouble):
    assert run(service().flow(request()), [started(), *[trouble] * 5, done(), FILE]).picture.data == JPEG


def test_a_service_that_stays_out_of_order_leaves_the_task_running():
    with pytest.raises(StillRunning):
        run(service().flow(request()), [started(), *[answered({}, 500)] * 6])


def test_a_task_that_its_service_does_not_know_is_unknown_and_not_asked_for_for_ever():
    with pytest.raises(NotKnown, match="does not know task `task_1`"):
        run(
            service().flow(request(), {"task": "task_1"}),
            [answered({"code": 404, "message": "task not found"}, 404)] * 6,
        )


def test_after_ten_minutes_of_asking_the_task_is_left_to_the_next_build():
    seen = nothing_seen()
    with pytest.raises(StillRunning, match="not done after 10 minutes") as caught:
        run(service().flow(request()), [started(), *[state("processing")] * 61], seen)
    assert sum(ask.after for ask in seen.asks[2:]) == 600
    assert "nothing is paid" in caught.value.hint


NAMES = ("data", "code", "message", "taskId", "state", "resultJson", "resultUrls", "failCode", "failMsg")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([LINK, "success", "failed"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)  # fmt: skip


@given(st.sampled_from(["apixo", "kie"]), VALUES, VALUES, st.sampled_from([200, 201, 302, 404, 500]), st.booleans())
def test_no_answer_makes_the_flow_raise_anything_but_a_failure_of_a_service(name, first, then, status, whole):
    for replies in ([answered(first, status, whole)], [started(), *[answered(then, status, whole)] * 70]):
        with suppress(ServiceFailure, Ended):
            run(service(name).flow(request()), [*replies, FILE], spare=True)


# ------------------------------------------------------------------------------------------------------- whether ready


@pytest.mark.parametrize(
    ("reply", "ok"),
    [
        (answered({"code": 404, "message": "task not found"}, 404), True),
        (answered({"code": 422, "msg": "recordInfo is null"}), True),
        (answered({"code": 401, "message": "Unauthorized"}, 401), False),
        (answered({"code": 401, "msg": "Unauthorized"}), False),
        (answered({"code": 402, "msg": "Insufficient credits"}), False),
        (answered(b"", 503), False),
        (answered(b"<html>no such page</html>", 404), False),
    ],
)
def test_whether_it_is_ready_is_asked_for_free_by_a_task_that_cannot_exist(reply, ok):
    went = run(service().check(), [reply])
    assert went.value.ok is ok
    assert [(ask.method, ask.paid) for ask in went.asks] == [("GET", False)]


# ---------------------------------------------------------------------------------------------------- shapes as data


WAVESPEED = {
    "create": "/{model}/{mode}",
    "body": {
        "prompt": "{prompt}",
        "size": "{width}*{height}",
        "images": "{references}",
        "quality": "{quality}",
        "n": 1,
    },
    "poll": "/predictions/{task}/result",
    "task": "data.id",
    "state": "data.status",
    "states": {"pending": ["created", "pending", "processing"], "done": ["completed"], "failed": ["failed"]},
    "result": "data.outputs",
    "failure_words": "data.error",
}


def test_another_service_of_the_kind_is_only_data():
    shape = TaskShape.from_mapping(WAVESPEED, provider="wavespeed")
    other = TaskService(
        "wavespeed", "openai/gpt-image-2", shape, base_url="https://api.wavespeed.ai/api/v3/", limits=Limits(2),
        price=Price(flat=Decimal("0.1")), frame_of=lambda _: None,
    )  # fmt: skip
    asked = request(size=(1200, 640), quality="high")  # pixels: no ratio has to be found for them
    replies = [
        answered({"data": {"id": "p1"}}), answered({"data": {"status": "created"}}),
        answered({"data": {"status": "completed", "outputs": [LINK]}}), FILE,
    ]  # fmt: skip
    went = run(other.flow(asked), replies)
    assert went.asks[0].url == "https://api.wavespeed.ai/api/v3/openai/gpt-image-2/text-to-image"
    assert went.asks[0].json == {"prompt": asked.prompt, "size": "1200*640", "quality": "high", "n": 1}
    assert went.asks[1].url == "https://api.wavespeed.ai/api/v3/predictions/p1/result"
    assert went.picture.cost is None


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"creat": "/x"}, "protocol of `svc`: unknown field `creat`"),
        ({"create": "/{modle}"}, "protocol of `svc`: unknown placeholder `{modle}`"),
        ({"body": {"a": ["{what}"]}}, "unknown placeholder `{what}`"),
        ({"states": {"over": ["x"]}}, "`states` are pending, done, failed, not `over`"),
        ({"every": 0}, "`every` is more than 0 seconds"),
        ({"codes": {"x": 1}}, "protocol of `svc`"),
        ({"body": 3}, "protocol of `svc`"),
    ],
)
def test_a_mistake_in_a_protocol_names_the_provider(change, what):
    with pytest.raises(ProviderError) as caught:
        TaskShape.from_mapping(WAVESPEED | change, provider="svc")
    assert what in caught.value.what


def test_a_protocol_that_lacks_a_part_names_the_provider():
    with pytest.raises(ProviderError, match=r"protocol of `svc`: .*'poll'"):
        TaskShape.from_mapping({name: each for name, each in WAVESPEED.items() if name != "poll"}, provider="svc")


def test_a_template_is_filled_once_and_what_is_empty_is_left_out():
    template = {
        "a": "{prompt}",
        "b": "{references}",
        "c": {"d": "{callback}"},
        "e": ["{tier}", "{ratio}"],
        "f": 0,
        "g": "x{tier}y",
    }
    values = {"prompt": "draw {tier}", "references": [], "callback": "", "tier": "2k", "ratio": ""}
    assert filled(template, values) == {"a": "draw {tier}", "e": ["2k"], "f": 0, "g": "x2ky"}
    assert filled_path("/{model}?t={task}", {"model": "a/b c", "task": "../?x=1&"}) == "/a/b%20c?t=..%2F%3Fx%3D1%26"


@pytest.mark.parametrize(
    ("paths", "value"),
    [
        (("a.b",), 1), (("a.c", "a.b"), 1), (("l.1.x",), 2), (("l.9.x",), None), (("j.y.0",), 3), (("a.b.c",), None),
        (("empty", "a.b"), 1), ((), None), (("bad.x",), None),
    ],
)  # fmt: skip
def test_a_path_leads_through_objects_lists_and_json_within_texts(paths, value):
    answer = {"a": {"b": 1}, "l": [{}, {"x": 2}], "j": '{"y": [3]}', "empty": "", "bad": "{"}
    assert value_at(answer, paths) == value
