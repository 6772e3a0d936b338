"""The task services as the sandbox speaks them: APIXO's protocol and kie's, callbacks, every fault with its charge."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest
from aiohttp import web

from tests.sandbox.answers import KEY, Answer, ask, faults_at
from tests.sandbox.pictures import seen
from tests.sandboxes import RunningSandbox, start_sandbox

NO_KEY: dict[str, str] = {}
PATIENCE = 30.0
SERVICES = ("apixo", "kie")
# What each answers: the envelope's code. APIXO's is its HTTP status too; kie's HTTP status is 200 always.
BEFORE = {
    "bad-request": (400, 422), "bad-size": (400, 422), "moderation-input": (403, 422),
    "moderation-input-bare": (403, 422), "rate-seconds": (429, 429), "rate-ms": (429, 429), "rate-date": (429, 429),
    "rate-text": (429, 429), "quota": (429, 429), "bad-key": (401, 401), "balance": (402, 402),
    "forbidden": (403, 505), "no-model": (404, 404), "overloaded": (503, 455), "error": (500, 500), "cut": (0, 0),
}  # fmt: skip
FAILS = ("moderation-output", "moderation-output-bare", "task-failed", "task-moderated", "task-timeout")
UNSEEN = ("error-charged", "cut-charged", "truncated")  # the task goes on, but its id is not told
SPOILED = ("wrong-size", "wrong-format", "garbage")


class Client:
    """Asks one of the two services, in its own way."""

    def __init__(self, sandbox: RunningSandbox, name: str) -> None:
        self.name = name
        self.base = sandbox.url(name)

    def create(self, prompt: object = "a kettle", *, callback: str | None = None, headers=KEY, **given: Any) -> Answer:
        urls = given.pop("urls", None)
        if self.name == "apixo":
            rings = {"request_type": "callback", "callback_url": callback} if callback else {"request_type": "async"}
            mode = "image-to-image" if urls is not None else "text-to-image"
            more = {"image_urls": urls} if urls is not None else {}
            body = rings | {"input": {"mode": mode, "prompt": prompt, **more, **given}}
            return ask("POST", self.base + "/generateTask/gpt-image-2", body, headers=headers)
        model = "gpt-image-2-image-to-image" if urls is not None else "gpt-image-2-text-to-image"
        more = {"input_urls": urls} if urls is not None else {}
        body = {"model": model, "input": {"prompt": prompt, **more, **given}} | (
            {"callBackUrl": callback} if callback else {}
        )
        return ask("POST", self.base + "/jobs/createTask", body, headers=headers)

    def status(self, task: str) -> Answer:
        path = "/statusTask/gpt-image-2" if self.name == "apixo" else "/jobs/recordInfo"
        return ask("GET", f"{self.base}{path}?taskId={task}")

    def ended(self, created: Answer) -> dict[str, Any]:
        """The task's data when it is over."""
        task = created.json["data"]["taskId"]
        data: dict[str, Any] = eventually(
            lambda: (
                found if (found := self.status(task).json["data"])["state"] in ("success", "failed", "fail") else None
            )
        )
        return data

    def tier(self, word: str) -> str:
        return word if self.name == "apixo" else word.upper()


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it never came")


def code(reply: Answer) -> int:
    return reply.json["code"] if reply.status else 0


def link(data: dict[str, Any]) -> str:
    (found,) = json.loads(data["resultJson"])["resultUrls"]
    return found


@pytest.fixture(params=SERVICES)
def client(request, sandbox) -> Client:
    return Client(sandbox, request.param)


# ----------------------------------------------------------------------------------------------------- a task's life


def test_a_task_is_accepted_and_its_picture_comes_at_an_address(client, sandbox):
    created = client.create(aspect_ratio="16:9", resolution=client.tier("2k"))
    assert (created.status, code(created)) == (200, 200)
    data = client.ended(created)
    assert data["state"] == "success"
    assert data["completeTime"] >= data["createTime"]
    assert seen(ask("GET", link(data), headers=NO_KEY).body) == ("JPEG", (2048, 1152))
    (charge,) = sandbox.charges()
    assert (charge["request_id"], charge["size"], charge["delivered"]) == (data["taskId"], "2048x1152", True)


@pytest.mark.parametrize(
    ("name", "states"),
    [("apixo", ["pending", "processing", "success"]), ("kie", ["waiting", "queuing", "generating", "success"])],
)
def test_a_task_passes_through_its_states_and_is_charged_at_the_last(name, states):
    with start_sandbox(speed=100, latency="180") as sandbox:
        client, found = Client(sandbox, name), []
        task = client.create().json["data"]["taskId"]
        while not found or found[-1] != states[-1]:
            charges = sandbox.charges()
            state = client.status(task).json["data"]["state"]
            assert not charges or state == states[-1]
            found += [state] if state not in found else []
        assert found == states
        assert len(sandbox.charges()) == 1


def test_the_price_goes_by_the_resolution_and_a_made_up_one_says_so(client, sandbox):
    for tier in ("1k", "2k", "4k"):
        client.ended(client.create(resolution=client.tier(tier), aspect_ratio="16:9"))
    prices = [(each["price"], each["note"]) for each in sandbox.charges()]
    if client.name == "kie":
        assert prices == [("0.03", ""), ("0.05", ""), ("0.08", "")]
    else:
        assert [note for _, note in prices] == ["", "a made-up price", "a made-up price"]
        assert prices[0][0] == "0.02"


def test_what_is_not_said_is_a_square_of_the_first_tier(client, sandbox):
    client.ended(client.create())
    client.ended(client.create(aspect_ratio="auto"))
    assert [each["size"] for each in sandbox.charges()] == ["1024x1024", "1024x1024"]


def test_references_are_fetched_and_make_it_an_edit(client, sandbox):
    first = link(client.ended(client.create()))
    data = client.ended(client.create("in snow", urls=[first, "https://example.com/kettle.jpg"]))
    assert data["state"] == "success"
    assert [(each["operation"], len(each["references"])) for each in sandbox.charges()] == [
        ("generate", 0),
        ("edit", 2),
    ]


def test_a_reference_that_cannot_be_fetched_fails_the_task_and_costs_nothing(client, sandbox):
    data = client.ended(client.create("in snow", urls=[f"{sandbox.base}/files/{'0' * 32}.png"]))
    assert data["state"] in ("failed", "fail")
    assert "download" in data["failMsg"]
    html = client.ended(client.create("in snow", urls=[f"{sandbox.base}/_sandbox/health"]))
    assert "format" in html["failMsg"]
    assert sandbox.charges() == []


def test_kie_sends_all_its_fields_always_and_apixo_only_those_it_knows(sandbox):
    apixo = Client(sandbox, "apixo").ended(Client(sandbox, "apixo").create())
    assert apixo.keys() == {"taskId", "state", "createTime", "completeTime", "costTime", "resultJson"}
    kie = Client(sandbox, "kie").ended(Client(sandbox, "kie").create())
    assert {"failCode", "failMsg", "param", "model", "updateTime"} <= kie.keys()
    assert json.loads(kie["param"])["input"]["prompt"] == "a kettle"
    assert (kie["failCode"], kie["failMsg"]) == ("", "")


# ------------------------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "given",
    [
        {"prompt": None}, {"prompt": ""}, {"prompt": "x" * 20_001}, {"prompt": 7}, {"aspect_ratio": "3:2"},
        {"resolution": "8k"}, {"quality": "high"}, {"urls": []}, {"urls": ["https://example.com/a.png"] * 17},
        {"urls": ["data:image/png;base64,AAAA"]}, {"callback": "https://example.com/ring"}, {"callback": "nowhere"},
    ],
)  # fmt: skip
def test_what_is_not_published_is_refused_and_not_charged(client, sandbox, given):
    reply = client.create(**given)
    assert code(reply) == {"apixo": 400, "kie": 422}[client.name]
    assert reply.status == {"apixo": 400, "kie": 200}[client.name]
    time.sleep(0.05)
    assert sandbox.charges() == []


def test_apixo_names_the_field_that_is_missing(sandbox):
    client = Client(sandbox, "apixo")
    url = client.base + "/generateTask/gpt-image-2"
    assert client.create(None).json == {
        "code": 400, "message": "Invalid request", "data": {"error": "Missing required field: input.prompt"},
    }  # fmt: skip
    assert ask("POST", url, {}).json["data"]["error"] == "Missing required field: input"
    assert "input.mode" in ask("POST", url, {"input": {"prompt": "a kettle"}}).json["data"]["error"]
    callback = {"request_type": "callback", "input": {"mode": "text-to-image", "prompt": "a kettle"}}
    assert "callback_url" in ask("POST", url, callback).json["data"]["error"]
    assert ask("POST", client.base + "/generateTask/sora", {}).status == 404


def test_kie_makes_no_square_of_the_largest_tier(sandbox):
    client = Client(sandbox, "kie")
    assert code(client.create(aspect_ratio="1:1", resolution="4K")) == 422
    assert code(client.create(aspect_ratio="16:9", resolution="4K")) == 200
    assert code(ask("POST", client.base + "/jobs/createTask", {"model": "other", "input": {"prompt": "a"}})) == 404


def test_a_wrong_key_an_unknown_task_and_none_at_all_are_refused(client, sandbox):
    assert code(client.create(headers={"Authorization": "Bearer mine"})) == 401
    assert code(client.status("task_00000000")) == 404
    assert code(client.status("")) == {"apixo": 400, "kie": 422}[client.name]


# ---------------------------------------------------------------------------------------------------------- faults


@pytest.mark.parametrize(("fault", "codes"), BEFORE.items())
def test_what_goes_wrong_before_the_work_starts_no_task(client, sandbox, fault, codes):
    sandbox.set_faults({"fault": fault, "provider": client.name})
    reply = client.create()
    assert code(reply) == codes[SERVICES.index(client.name)]
    assert reply.status == (200 if client.name == "kie" and fault != "cut" else code(reply))
    client.ended(client.create())
    assert [each["fault"] for each in sandbox.charges()] == [None]


def test_apixo_says_in_one_of_two_ways_that_the_balance_is_used_up(sandbox):
    sandbox.set_faults({"fault": "balance", "times": 2})
    client = Client(sandbox, "apixo")
    replies = [client.create() for _ in range(2)]
    assert sorted((each.status, each.json["message"]) for each in replies) == [
        (400, "Insufficient credits"), (402, "Insufficient balance"),
    ]  # fmt: skip


def test_a_throttled_client_is_told_when_to_come_back_in_one_of_four_ways(client, sandbox):
    ways = ("rate-seconds", "rate-ms", "rate-date", "rate-text")
    sandbox.set_faults(*({"fault": each} for each in ways))
    seconds, milliseconds, date, text = (client.create() for _ in ways)
    assert int(seconds.headers["retry-after"]) > 0
    assert int(milliseconds.headers["retry-after-ms"]) > 0
    assert date.headers["retry-after"].endswith("GMT")
    assert "try again in 12s" in text.body.decode()


@pytest.mark.parametrize("fault", FAILS)
def test_a_task_that_fails_answers_200_says_why_and_costs_nothing(client, sandbox, fault):
    sandbox.set_faults({"fault": fault})
    created = client.create()
    assert code(created) == 200
    data = client.ended(created)
    assert data["state"] == {"apixo": "failed", "kie": "fail"}[client.name]
    assert data["failCode"]
    assert not data.get("resultJson")
    assert sandbox.charges() == []


def test_apixo_calls_a_moderation_by_the_names_of_both_its_pages(sandbox):
    sandbox.set_faults({"fault": "task-moderated", "times": 4})
    client = Client(sandbox, "apixo")
    names = {client.ended(client.create())["failCode"] for _ in range(4)}
    assert {"SensitiveContentDetected", "CONTENT_VIOLATION"} < names


@pytest.mark.parametrize("fault", UNSEEN)
def test_a_task_whose_id_was_never_told_goes_on_and_is_charged(client, sandbox, fault):
    sandbox.set_faults({"fault": fault})
    reply = client.create()
    if fault == "error-charged":
        assert code(reply) == 500
    else:
        assert (reply.status, reply.whole) == ({"cut-charged": 0, "truncated": 200}[fault], False)
    (charge,) = eventually(sandbox.charges)
    assert (charge["fault"], charge["delivered"]) == (fault, False)


@pytest.mark.parametrize("fault", SPOILED)
def test_a_picture_that_comes_wrong_is_charged(client, sandbox, fault):
    sandbox.set_faults({"fault": fault})
    body = ask("GET", link(client.ended(client.create())), headers=NO_KEY).body
    if fault == "garbage":
        with pytest.raises(OSError, match="cannot identify"):
            seen(body)
    else:
        assert seen(body) == {"wrong-size": ("JPEG", (1008, 1024)), "wrong-format": ("PNG", (1024, 1024))}[fault]
    assert [each["fault"] for each in sandbox.charges()] == [fault]


def test_every_fault_of_a_task_is_tried_here():
    for name in SERVICES:
        charged = faults_at(name, "result")
        assert faults_at(name, "request").keys() == BEFORE.keys()
        assert charged.keys() == {*FAILS, *UNSEEN, *SPOILED}
        assert {fault for fault, each in charged.items() if not each} == set(FAILS)
        assert faults_at(name, "callback").keys() == {"callback-lost", "callback-duplicate", "callback-forged"}


# ------------------------------------------------------------------------------------------------------- callbacks


class Bell:
    """A receiver of callbacks on this machine. It answers with what it is told to, then with 200."""

    def __init__(self) -> None:
        self.address = ""
        self.rung: list[dict[str, Any]] = []
        self.answers: list[int] = []

    async def ring(self, request: web.Request) -> web.Response:
        self.rung.append(json.loads(await request.read()))
        return web.Response(status=self.answers.pop(0) if self.answers else 200)


@contextmanager
def ringing() -> Iterator[Bell]:
    bell, ready, over = Bell(), Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        application = web.Application()
        application.add_routes([web.post("/ring", bell.ring)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        bell.address = f"http://127.0.0.1:{runner.addresses[0][1]}/ring"
        ready.set()
        await over.wait()
        await runner.cleanup()

    thread = Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    ready.wait(PATIENCE)
    try:
        yield bell
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(PATIENCE)
        loop.close()


@pytest.fixture
def bell() -> Iterator[Bell]:
    with ringing() as found:
        yield found


def test_a_callback_brings_what_a_poll_would(client, sandbox, bell):
    created = client.create(callback=bell.address)
    assert client.ended(created)["state"] == "success"
    (envelope,) = eventually(lambda: bell.rung)
    assert envelope == client.status(created.json["data"]["taskId"]).json


def test_a_failed_task_calls_back_too(client, sandbox, bell):
    sandbox.set_faults({"fault": "task-failed"})
    client.create(callback=bell.address)
    assert eventually(lambda: bell.rung)[0]["data"]["failCode"]


@pytest.mark.parametrize(("refusals", "rings"), [(2, 3), (9, 4)])
def test_a_callback_that_is_not_taken_comes_three_times_more_at_most(client, sandbox, bell, refusals, rings):
    bell.answers = [503] * refusals
    client.create(callback=bell.address)
    eventually(lambda: len(bell.rung) == rings)
    time.sleep(0.3)  # the longest delay, and more, at this sandbox's speed
    assert len(bell.rung) == rings


def test_a_lost_callback_never_comes_and_the_task_is_done_all_the_same(client, sandbox, bell):
    sandbox.set_faults({"fault": "callback-lost"})
    assert client.ended(client.create(callback=bell.address))["state"] == "success"
    time.sleep(0.05)
    assert bell.rung == []


def test_a_duplicate_callback_comes_twice_the_same(client, sandbox, bell):
    sandbox.set_faults({"fault": "callback-duplicate"})
    client.create(callback=bell.address)
    eventually(lambda: len(bell.rung) == 2)
    assert bell.rung[0] == bell.rung[1]
    assert len(sandbox.charges()) == 1


@pytest.mark.parametrize("name", SERVICES)
def test_a_forged_callback_comes_first_with_a_picture_that_nobody_ordered(name, bell):
    with start_sandbox(speed=100, latency="60") as sandbox:
        sandbox.set_faults({"fault": "callback-forged"})
        client = Client(sandbox, name)
        created = client.create(callback=bell.address)
        (forged,) = eventually(lambda: bell.rung)[:1]
        assert client.status(created.json["data"]["taskId"]).json["data"]["state"] in ("processing", "generating")
        assert sandbox.charges() == []
        assert (forged["data"]["state"], forged["data"]["taskId"]) == ("success", created.json["data"]["taskId"])
        true = client.ended(created)
        eventually(lambda: len(bell.rung) == 2)
        assert link(bell.rung[1]["data"]) == link(true) != link(forged["data"])
        assert [each["prompt"] for each in sandbox.charges()] == ["a kettle"]


def test_nobody_is_called_when_no_address_was_given(sandbox, bell):
    for name in SERVICES:
        Client(sandbox, name).ended(Client(sandbox, name).create())
    time.sleep(0.05)
    assert bell.rung == []
