"""Wire truth: OpenAI's own client, with its own parsers, gets along with the sandbox."""

from __future__ import annotations

import asyncio
import io
import json
import time
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.sandbox.pictures import mask, picture, seen
from tests.sandboxes import RunningSandbox

MODEL = "gpt-image-2-2026-04-21"


@pytest.fixture
def client(sandbox: RunningSandbox) -> Iterator[openai.OpenAI]:
    """Strict: what does not have the shape of its own types is an error."""
    with openai.OpenAI(
        base_url=sandbox.url("openai"), api_key="sandbox-key", max_retries=0, _strict_response_validation=True
    ) as client:
        yield client


def test_it_generates(client, sandbox):
    reply = client.images.generate(
        model=MODEL, prompt="a kettle", size="1536x1024", quality="medium", output_format="webp", user="a team"
    )
    assert seen(reply.data[0].b64_json) == ("WEBP", (1536, 1024))
    assert (reply.size, reply.quality, reply.output_format, reply.background) == (
        "1536x1024",
        "medium",
        "webp",
        "opaque",
    )
    assert (reply.usage.output_tokens, reply.usage.input_tokens_details.text_tokens) == (1372, 2)
    assert reply._request_id == sandbox.charges()[0]["request_id"]


def test_it_generates_several_and_no_two_are_the_same(client, sandbox):
    reply = client.images.generate(model=MODEL, prompt="a kettle", size="1024x1024", quality="low", n=3)
    again = client.images.generate(model=MODEL, prompt="a kettle", size="1024x1024", quality="low")
    assert len({each.b64_json for each in [*reply.data, *again.data]}) == 4
    assert reply.usage.output_tokens == 3 * 196
    assert [each["count"] for each in sandbox.charges()] == [3, 1]


def test_the_asynchronous_client_generates_many_at_once(sandbox):
    async def many() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=sandbox.url("openai"), api_key="sandbox-key", max_retries=0) as client:
            return await asyncio.gather(
                *(client.images.generate(model=MODEL, prompt=f"number {i}", size="1024x1024") for i in range(20))
            )

    replies = asyncio.run(many())
    assert {seen(each.data[0].b64_json) for each in replies} == {("PNG", (1024, 1024))}
    assert sorted(each["prompt"] for each in sandbox.charges()) == sorted(f"number {i}" for i in range(20))


def test_it_edits_one_picture_with_a_mask(client, sandbox):
    reply = client.images.edit(
        model=MODEL, prompt="in snow", image=("kettle.png", picture(), "image/png"),
        mask=("mask.png", mask(), "image/png"), size="1024x1024", quality="low",
    )  # fmt: skip
    assert seen(reply.data[0].b64_json) == ("PNG", (1024, 1024))
    (charge,) = sandbox.charges()
    assert (charge["operation"], len(charge["references"])) == ("edit", 1)
    assert charge["mask"] is not None


def test_it_edits_with_three_references_which_count_as_input(client, sandbox):
    images = [
        ("a.png", picture(), "image/png"),
        ("b.jpg", picture(form="JPEG"), "image/jpeg"),
        ("c.webp", picture(form="WEBP"), "image/webp"),
    ]
    reply = client.images.edit(model=MODEL, prompt="all of them", image=images, size="1024x640", output_format="jpeg")
    assert seen(reply.data[0].b64_json) == ("JPEG", (1024, 640))
    assert reply.usage.input_tokens_details.image_tokens > 0
    assert len(set(sandbox.charges()[0]["references"])) == 3


def test_it_streams_partial_pictures_and_then_the_whole_one(client, sandbox):
    stream = client.images.generate(model=MODEL, prompt="a kettle", size="1024x1024", stream=True, partial_images=2)
    events = list(stream)
    assert [each.type for each in events] == [
        "image_generation.partial_image", "image_generation.partial_image", "image_generation.completed",
    ]  # fmt: skip
    assert [each.partial_image_index for each in events[:2]] == [0, 1]
    assert len({each.b64_json for each in events}) == 3
    assert {seen(each.b64_json) for each in events} == {("PNG", (1024, 1024))}
    assert events[-1].usage.output_tokens == 7024 + 200
    (charge,) = sandbox.charges()
    assert charge["delivered"]


def test_it_streams_an_edit(client):
    stream = client.images.edit(
        model=MODEL, prompt="in snow", image=("a.png", picture(), "image/png"), stream=True, partial_images=1
    )
    assert [each.type for each in stream] == ["image_edit.partial_image", "image_edit.completed"]


def test_an_error_in_mid_stream_is_raised_by_the_client(client, sandbox):
    sandbox.set_faults({"fault": "sse-error"})
    stream = client.images.generate(model=MODEL, prompt="a kettle", stream=True, partial_images=1)
    with pytest.raises(openai.APIError, match="had an error"):
        list(stream)
    assert sandbox.charges()[0]["fault"] == "sse-error"


def test_a_stream_may_end_without_its_picture(client, sandbox):
    sandbox.set_faults({"fault": "sse-cut"})
    stream = client.images.generate(model=MODEL, prompt="a kettle", stream=True, partial_images=1)
    assert [each.type for each in stream] == ["image_generation.partial_image"]
    assert len(sandbox.charges()) == 1


def batch_file(*prompts: str) -> io.BytesIO:
    lines = [
        {
            "custom_id": f"key-{prompt}", "method": "POST", "url": "/v1/images/generations",
            "body": {"model": MODEL, "prompt": prompt, "size": "1024x1024", "quality": "low"},
        }
        for prompt in prompts
    ]  # fmt: skip
    return io.BytesIO("".join(json.dumps(each) + "\n" for each in lines).encode())


def wait_for(client: openai.OpenAI, batch_id: str) -> Any:
    for _ in range(2000):
        batch = client.batches.retrieve(batch_id)
        if batch.status in ("completed", "failed", "expired", "cancelled"):
            return batch
        time.sleep(0.01)
    raise AssertionError("the batch is not over")


def test_it_runs_a_batch(client, sandbox):
    source = client.files.create(file=("requests.jsonl", batch_file("one", "two", "three")), purpose="batch")
    batch = client.batches.create(
        input_file_id=source.id, endpoint="/v1/images/generations", completion_window="24h", metadata={"build": "b1"}
    )
    assert (batch.status, batch.output_file_id, batch.metadata) == ("validating", None, {"build": "b1"})
    done = wait_for(client, batch.id)
    assert done.status == "completed"
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (3, 3, 0)
    assert done.error_file_id is None
    lines = [json.loads(each) for each in client.files.content(done.output_file_id).text.splitlines()]
    assert {each["custom_id"] for each in lines} == {"key-one", "key-two", "key-three"}
    for line in lines:
        assert (line["error"], line["response"]["status_code"]) == (None, 200)
        assert seen(line["response"]["body"]["data"][0]["b64_json"]) == ("PNG", (1024, 1024))
    charges = sandbox.charges()
    assert {(each["prompt"], each["batch"], each["price"]) for each in charges} == {
        ("one", True, "0.0029425"), ("two", True, "0.0029425"), ("three", True, "0.002945"),
    }  # fmt: skip
    assert all(each["delivered"] for each in charges)
    assert batch.id in [each.id for each in client.batches.list()]


def test_it_lists_batches_page_by_page(client):
    source = client.files.create(file=("requests.jsonl", batch_file("one")), purpose="batch")
    made = [
        client.batches.create(
            input_file_id=source.id, endpoint="/v1/images/generations", completion_window="24h"
        ).id
        for _ in range(5)
    ]  # fmt: skip
    first = client.batches.list(limit=2)
    assert ([each.id for each in first.data], first.has_more) == ([made[4], made[3]], True)
    assert [each.id for each in client.batches.list(limit=2)][:5] == made[::-1]


def test_it_lists_models_and_knows_a_model(client):
    assert {each.id for each in client.models.list()} == {"gpt-image-2", MODEL}
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-image-9")


def generate(client: openai.OpenAI) -> Any:
    return client.images.generate(model=MODEL, prompt="a kettle", size="1024x1024", quality="low")


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ("bad-size", openai.BadRequestError, "invalid_value"),
        ("moderation-input", openai.BadRequestError, "moderation_blocked"),
        ("moderation-output-bare", openai.BadRequestError, "moderation_blocked"),
        ("balance", openai.BadRequestError, "billing_hard_limit_reached"),
        ("bad-key", openai.AuthenticationError, "invalid_api_key"),
        ("forbidden", openai.PermissionDeniedError, None),
        ("no-model", openai.NotFoundError, "model_not_found"),
        ("rate-text", openai.RateLimitError, "rate_limit_exceeded"),
        ("quota", openai.RateLimitError, "insufficient_quota"),
        ("error", openai.InternalServerError, None),
        ("overloaded", openai.InternalServerError, None),
    ],
)
def test_errors_are_of_the_clients_own_types_and_nothing_is_charged(client, sandbox, fault, kind, code):
    sandbox.set_faults({"fault": fault})
    with pytest.raises(kind) as caught:
        generate(client)
    assert caught.value.code == code
    assert caught.value.request_id.startswith("req_")
    assert sandbox.charges() == []


@pytest.mark.parametrize(("fault", "charges"), [("cut", 0), ("cut-charged", 1), ("truncated", 1)])
def test_a_broken_connection_is_a_connection_error(client, sandbox, fault, charges):
    sandbox.set_faults({"fault": fault})
    with pytest.raises(openai.APIConnectionError):
        generate(client)
    assert [each["delivered"] for each in sandbox.charges()] == [False] * charges


def test_a_client_that_retries_by_itself_pays_twice(sandbox):
    sandbox.set_faults({"fault": "cut-charged"})
    with openai.OpenAI(base_url=sandbox.url("openai"), api_key="sandbox-key", max_retries=1) as client:
        generate(client)
    assert [(each["fault"], each["delivered"]) for each in sandbox.charges()] == [("cut-charged", False), (None, True)]


def test_a_wrong_key_is_refused_and_not_repeated_whole(sandbox):
    key = "sk-proj-" + "abcdefgh" * 4
    with (
        openai.OpenAI(base_url=sandbox.url("openai"), api_key=key, max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        generate(client)
    assert "Incorrect API key provided: sk-" in caught.value.message
    assert key not in str(caught.value)
    assert key not in json.dumps(sandbox.requests())
