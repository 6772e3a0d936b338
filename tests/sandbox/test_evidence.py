"""What the books let a test prove: which bytes were sold, how each request ended, which faults were played."""

from __future__ import annotations

import base64
import hashlib
import http.client

import pytest

from tests.sandbox.calls import call

ASK = {"model": "gpt-image-2-2026-04-21", "prompt": "a kettle", "size": "1024x1024", "quality": "low"}


def generate(sandbox):
    return call("POST", sandbox.url("openai") + "/images/generations", body=ASK)


def test_a_charge_names_the_digests_of_what_was_made_and_when_it_was_delivered(sandbox):
    picture = base64.b64decode(generate(sandbox).json["data"][0]["b64_json"])
    (charge,) = sandbox.charges()
    assert charge["pictures"] == [hashlib.sha256(picture).hexdigest()]
    assert charge["delivered_at"] >= charge["at"]


def test_the_log_says_how_each_request_was_answered_and_nothing_of_one_that_was_cut(sandbox):
    sandbox.set_faults({"fault": "bad-size"}, {"fault": "truncated"}, {"fault": "cut"})
    assert generate(sandbox).status == 400
    with pytest.raises(ConnectionError):
        generate(sandbox)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        generate(sandbox)
    assert generate(sandbox).status == 200
    answered = [each["answered"] for each in sandbox.requests("/generations")]
    assert answered == [400, None, None, 200]
    assert [each["answered_at"] is None for each in sandbox.requests("/generations")] == [False, True, True, False]


def test_every_fault_that_was_played_is_listed_with_what_it_was_played_on(sandbox):
    sandbox.set_faults({"fault": "bad-size"}, {"fault": "error-charged", "prompt": "*kettle*"})
    for _ in range(3):
        generate(sandbox)
    plays = [(each["fault"], each["provider"], each["stage"], each["prompt"]) for each in sandbox.plays()]
    assert plays == [("bad-size", "openai", "request", "a kettle"), ("error-charged", "openai", "result", "a kettle")]
    sandbox.reset()
    assert sandbox.plays() == []
