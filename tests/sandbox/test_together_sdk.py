"""Wire truth: Together's own client, with its own parsers, gets along with the sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import together

from tests.sandbox.answers import ask, data_url
from tests.sandbox.pictures import picture, seen
from tests.sandboxes import RunningSandbox

MODEL = "openai/gpt-image-2"


@pytest.fixture(params=["/together", "/together/v1"])
def client(request, sandbox: RunningSandbox) -> Iterator[together.Together]:
    """It puts `/v1` in front of each path; a base URL with `/v1`, as older ones want it, works with it too."""
    with together.Together(base_url=sandbox.base + request.param, api_key="sandbox-key", max_retries=0) as client:
        yield client


def test_it_generates_in_base64(client, sandbox):
    reply = client.images.generate(
        model=MODEL, prompt="a kettle", width=1536, height=1024, response_format="base64", output_format="png"
    )
    (data,) = reply.data
    assert (data.type, seen(data.b64_json)) == ("b64_json", ("PNG", (1536, 1024)))
    assert (reply.object, reply.model) == ("list", MODEL)
    assert [(each["prompt"], each["price"]) for each in sandbox.charges()] == [("a kettle", "0.053")]


def test_it_generates_at_an_address(client, sandbox):
    reply = client.images.generate(model=MODEL, prompt="a kettle", width=1024, height=768, steps=28, n=2)
    assert [each.type for each in reply.data] == ["url", "url"]
    files = [ask("GET", each.url, headers={}).body for each in reply.data]
    assert [seen(each) for each in files] == [("JPEG", (1024, 768))] * 2
    assert files[0] != files[1]


def test_it_edits_with_one_image_and_with_several(client, sandbox):
    one = data_url(picture())
    client.images.generate(model=MODEL, prompt="in snow", image_url=one)
    client.images.generate(model=MODEL, prompt="in snow", reference_images=[one, one, one])
    assert [(each["operation"], len(each["references"])) for each in sandbox.charges()] == [("edit", 1), ("edit", 3)]


def test_the_asynchronous_client_generates_many_at_once(sandbox):
    async def many():
        async with together.AsyncTogether(
            base_url=sandbox.base + "/together", api_key="sandbox-key", max_retries=0
        ) as client:
            return await asyncio.gather(
                *(
                    client.images.generate(model=MODEL, prompt=f"number {number}", response_format="base64")
                    for number in range(20)
                )
            )

    replies = asyncio.run(many())
    assert {seen(each.data[0].b64_json) for each in replies} == {("JPEG", (1024, 1024))}
    assert len({each.data[0].b64_json for each in replies}) == 20
    assert sorted(each["prompt"] for each in sandbox.charges()) == sorted(f"number {each}" for each in range(20))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("bad-request", together.BadRequestError),
        ("moderation-input", together.BadRequestError),
        ("bad-key", together.AuthenticationError),
        ("forbidden", together.PermissionDeniedError),
        ("no-model", together.NotFoundError),
        ("rate-seconds", together.RateLimitError),
        ("quota", together.RateLimitError),
        ("balance", together.APIStatusError),
        ("overloaded", together.InternalServerError),
        ("error-charged", together.InternalServerError),
    ],
)
def test_its_errors_are_typed(client, sandbox, fault, error):
    sandbox.set_faults({"fault": fault})
    with pytest.raises(error) as caught:
        client.images.generate(model=MODEL, prompt="a kettle")
    assert caught.value.body["error"]["message"]
    assert caught.value.response.headers["cf-ray"]


@pytest.mark.parametrize("fault", ["cut", "cut-charged", "truncated"])
def test_a_connection_that_is_cut_is_a_connection_error(client, sandbox, fault):
    sandbox.set_faults({"fault": fault})
    with pytest.raises(together.APIConnectionError):
        client.images.generate(model=MODEL, prompt="a kettle", response_format="base64")
    assert len(sandbox.charges()) == (fault != "cut")


def test_with_its_own_retries_it_pays_twice_for_what_was_cut(sandbox):
    """Why its default is no way to send a paid request."""
    sandbox.set_faults({"fault": "cut-charged"})
    with together.Together(base_url=sandbox.base + "/together", api_key="sandbox-key", max_retries=1) as client:
        client.images.generate(model=MODEL, prompt="a kettle")
    assert len(sandbox.charges()) == 2
