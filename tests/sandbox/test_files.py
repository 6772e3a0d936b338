"""Results at addresses of their own: for a while, without a key, and not always at the first try."""

from __future__ import annotations

import asyncio

import pytest

from imagebuild.sandbox.desk import Desk
from imagebuild.sandbox.faults import Faults, Latency
from imagebuild.sandbox.files import keep
from imagebuild.sandbox.order import Order
from imagebuild.sandbox.painters import plain_painter
from imagebuild.sandbox.server import running
from tests.sandbox.answers import KEY, ask, faults_at
from tests.sandbox.pictures import seen

NO_KEY: dict[str, str] = {}


@pytest.fixture
def address(sandbox):
    """Of a picture that Together has made."""

    def made(prompt="a kettle"):
        body = {"model": "openai/gpt-image-2", "prompt": prompt, "response_format": "url"}
        reply = ask("POST", sandbox.url("together") + "/images/generations", body)
        return reply.json["data"][0]["url"]

    return made


def test_a_file_comes_with_its_media_type(sandbox, address):
    reply = ask("GET", address(), headers=NO_KEY)
    assert (reply.status, reply.headers["content-type"]) == (200, "image/jpeg")
    assert seen(reply.body) == ("JPEG", (1024, 1024))


def test_a_charge_is_delivered_when_its_file_has_left_and_not_before(sandbox, address):
    found = address()
    assert [each["delivered"] for each in sandbox.charges()] == [False]
    ask("GET", found, headers=NO_KEY)
    assert [each["delivered"] for each in sandbox.charges()] == [True]


def test_a_request_that_bears_a_key_is_refused_and_noted_without_it(sandbox, address):
    found = address()
    assert ask("GET", found, headers=KEY).status == 400
    assert ask("GET", found, headers={"Authorization": "Bearer another-one"}).status == 400
    noted = sandbox.requests(found.rpartition("/")[2])
    assert [each["authorization"] for each in noted] == ["right", "wrong"]
    assert "sandbox-key" not in str(noted)
    assert "another-one" not in str(noted)
    assert ask("GET", found, headers=NO_KEY).status == 200


def test_a_request_without_a_user_agent_is_refused(sandbox, address):
    assert ask("GET", address(), headers={"User-Agent": ""}).status == 403


def test_an_address_that_nobody_gave_out_is_unknown(sandbox):
    assert ask("GET", f"{sandbox.base}/files/{'0' * 32}.png", headers=NO_KEY).status == 404


def test_an_expired_address_stays_expired_in_either_of_two_ways(sandbox, address):
    sandbox.set_faults({"fault": "url-expired", "times": 2})
    first, second = address(), address()
    ways = [ask("GET", each, headers=NO_KEY).status for each in (first, second, first, second)]
    assert sorted(set(ways)) == [403, 410]
    assert [each["delivered"] for each in sandbox.charges()] == [False, False]


def test_a_file_that_breaks_off_comes_whole_the_next_time(sandbox, address):
    sandbox.set_faults({"fault": "file-cut"})
    found = address()
    broken = ask("GET", found, headers=NO_KEY)
    assert (broken.status, broken.whole) == (200, False)
    assert [each["delivered"] for each in sandbox.charges()] == [False]
    whole = ask("GET", found, headers=NO_KEY)
    assert whole.body.startswith(broken.body)
    assert len(whole.body) > len(broken.body)
    assert [each["delivered"] for each in sandbox.charges()] == [True]


def test_a_script_counts_each_request_for_a_file(sandbox, address):
    sandbox.set_faults({"fault": "file-error", "prompt": "*teapot*", "provider": "together", "times": 2})
    kettle, teapot = address("a kettle"), address("a teapot")
    assert ask("GET", kettle, headers=NO_KEY).status == 200
    assert [ask("GET", teapot, headers=NO_KEY).status for _ in range(3)] == [500, 500, 200]
    assert sandbox.health()["played"] == {"file-error": 2}


def test_chance_spoils_the_first_request_for_a_file_only(sandbox, address):
    sandbox.set_faults(rates={"file-error": 1.0})
    found = address()
    assert [ask("GET", found, headers=NO_KEY).status for _ in range(2)] == [500, 200]


def test_an_address_expires_by_itself_after_a_day_of_the_service():
    async def fetched_after(least):
        desk = Desk(plain_painter(), faults=Faults(), latency=Latency("always", 0), speed=1e9)
        order = Order(
            provider="apixo", operation="generate", model="gpt-image-2", prompt="a kettle", size=(1024, 1024),
            quality="medium", format="jpeg",
        )  # fmt: skip
        path = keep(desk, b"bytes", order, None, least=least)
        async with running(desk) as base:
            await asyncio.sleep(0.01)
            reply = await asyncio.to_thread(ask, "GET", base + path, headers=NO_KEY)
        desk.close()
        return reply.status

    assert asyncio.run(fetched_after(600)) == 200
    assert asyncio.run(fetched_after(0)) in (403, 410)


def test_every_fault_of_a_file_is_tried_here():
    assert faults_at("together", "file").keys() == {"url-expired", "file-cut", "file-error"}
