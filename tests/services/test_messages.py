"""What a person reads when a service says no, or nothing: letter by letter, as the command line says it.

Each time: one message with what is wrong and what to do, the exit code, the rest of the work kept; and when the cause
is gone, the next build pays for what is missing and for nothing else. Of the texts only ports, numbers of requests,
dates and seconds are left open.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from imagebuild.core.lock import parse_lock
from imagebuild.core.plan import USUAL, Policy
from tests.cli.conftest import run_imagebuild
from tests.running import started
from tests.sandboxes import start_sandbox
from tests.services.conftest import COMMON, Site, charges_of, free_port

if sys.platform == "win32":
    pytest.skip("signals of POSIX", allow_module_level=True)

PICTURES = 12
TWELVE = """\
imagebuild: 1
campaign: trouble
model: gpt-image-2-2026-04-21
provider: {provider}
allow_floating: true
defaults: {{quality: medium, size: 1024x1024}}
axes:
  n: [a, b, c, d, e, f, g, h, i, j, k, l]
assets:
  poster:
    over: [n]
    prompt: "{{{{ n }}}}: a kettle on a table."
    output: "{{{{ n }}}}.{form}"
"""
OPEN = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\breq_[0-9a-f]{8}\b", "req_ID"),
    (r"\b[0-9a-f]{12}\b", "DIGEST"),
    (r"\b\d{8}T\d{6}Z-[0-9a-f]{10}\b", "ATTEMPT"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE"),
    (r"\b\d+\.\d ?s$", "N s"),
)


def settled_text(text: str) -> str:
    for pattern, word in OPEN:
        text = re.sub(pattern, word, text, flags=re.MULTILINE)
    return text


class Told(NamedTuple):
    code: int
    text: str  # what is for people, then what is the result


def told(folder: Path, *words: str, **environment: str) -> Told:
    done = run_imagebuild(folder, *words, **{**_own(), **environment})
    return Told(done.returncode, settled_text(done.stderr + done.stdout))


def _own() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("IMAGEBUILD_")}


def locked(folder: Path) -> int:
    path = folder / "imagebuild.lock"
    return len(parse_lock(path.read_text(encoding="utf-8"), file="imagebuild.lock").entries) if path.exists() else 0


@pytest.fixture
def twelve(sandbox, site_at, monkeypatch) -> Site:
    """A campaign of twelve pictures, asked for one at a time."""
    monkeypatch.setenv("IMAGEBUILD_OPENAI_CONCURRENCY", "1")
    return site_at("openai", TWELVE)


def assert_goes_on(site: Site, sandbox, missing: int, *, policy: Policy = USUAL, lost: int = 0) -> None:
    """The cause is gone: what is missing is made, each once, and nothing else is asked for. `lost`: charged before,
    and never delivered."""
    sandbox.set_faults()
    before = len(sandbox.charges())
    summary = site.build(policy)
    assert (summary.made, summary.wrong, summary.left) == (missing, 0, 0)
    assert len(sandbox.charges()) == before + missing == PICTURES + lost
    assert locked(site.folder) == PICTURES
    assert len(list((site.folder / "out").iterdir())) == PICTURES
    assert site.plan().plan.work == []


# -------------------------------------------------------------------------------------- it would say so to everybody


class Scene(NamedTuple):
    """What goes wrong, after how many pictures, what the environment says, and what is told."""

    fault: str | None
    made: int
    environment: Mapping[str, str]
    text: str


LEFT = "build again when that is mended: what was made is not paid for again"
SCENES = {
    "no key": Scene(
        None, 0, {"OPENAI_API_KEY": ""},
        """\
error: no key for `openai`
  hint: set OPENAI_API_KEY in the environment, or in a file `.env` beside the campaign; `imagebuild doctor` shows \
what every provider lacks
""",
    ),
    "a wrong key": Scene(
        None, 0, {"OPENAI_API_KEY": "sk-proj-nobody-knows-this-one"},
        f"""\
error: poster[n=a]: `openai` does not accept the key: Incorrect API key provided: ***. You can find your API key at \
https://platform.openai.com/account/api-keys
  hint: set `OPENAI_API_KEY` to a key that is valid there
left: 11 not begun, for $0.58: {LEFT}
Not done: made 0 · reused 0 · restored 0 · failed 1 · left 11 ($0.58) · spent $0.00 · N s
""",
    ),
    "a spending limit in the middle": Scene(
        "balance", 5, {},
        f"""\
error: poster[n=f]: `openai` takes no more orders: no balance left: Billing hard limit has been reached
  hint: top up the account at openai, or raise its limit there
left: 6 not begun, for $0.32: {LEFT}
Not done: made 5 · reused 0 · restored 0 · failed 1 · left 6 ($0.32) · spent $0.26 · N s
""",
    ),
    "a used up quota in the middle": Scene(
        "quota", 3, {},
        f"""\
error: poster[n=d]: `openai` takes no more orders: no balance left: You exceeded your current quota, please check \
your plan and billing details. For more information on this error, read the docs: \
https://platform.openai.com/docs/guides/error-codes/api-errors
  hint: top up the account at openai, or raise its limit there
left: 8 not begun, for $0.42: {LEFT}
Not done: made 3 · reused 0 · restored 0 · failed 1 · left 8 ($0.42) · spent $0.16 · N s
""",
    ),
    "an organization that is not verified": Scene(
        "forbidden", 0, {},
        f"""\
error: poster[n=a]: `openai` wants the organization verified first: Your organization must be verified to use the \
model `gpt-image-2-2026-04-21`. Please go to: https://platform.openai.com/settings/organization/general and click on \
Verify Organization
  hint: verify it in the account's settings at openai
left: 11 not begun, for $0.58: {LEFT}
Not done: made 0 · reused 0 · restored 0 · failed 1 · left 11 ($0.58) · spent $0.00 · N s
""",
    ),
    "a model that is not there": Scene(
        "no-model", 0, {},
        f"""\
error: poster[n=a]: `openai` does not know `gpt-image-2-2026-04-21`, or not for this account: The model \
`gpt-image-2-2026-04-21` does not exist or you do not have access to it
  hint: see `imagebuild doctor`, and the base URL
left: 11 not begun, for $0.58: {LEFT}
Not done: made 0 · reused 0 · restored 0 · failed 1 · left 11 ($0.58) · spent $0.00 · N s
""",
    ),
    "no network": Scene(
        None, 0, {"OPENAI_BASE_URL": "http://127.0.0.1:{closed}/v1"},
        f"""\
error: poster[n=a]: cannot reach `127.0.0.1:PORT`: connection refused
  hint: check the network and the base URL; a proxy is named by HTTPS_PROXY
left: 11 not begun, for $0.58: {LEFT}
Not done: made 0 · reused 0 · restored 0 · failed 1 · left 11 ($0.58) · spent $0.00 · N s
""",
    ),
    "a wrong base URL": Scene(
        None, 0, {"OPENAI_BASE_URL": "{sandbox}/v1"},
        f"""\
error: poster[n=a]: `openai` has nothing at `http://127.0.0.1:PORT/v1/images/generations` (404): 404: Not Found
  hint: see that the base URL is the service's own
left: 11 not begun, for $0.58: {LEFT}
Not done: made 0 · reused 0 · restored 0 · failed 1 · left 11 ($0.58) · spent $0.00 · N s
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENES)
def test_what_it_says_to_everybody_is_told_once_and_the_next_build_goes_on(sandbox, twelve, name):
    scene = SCENES[name]
    if scene.fault:
        sandbox.set_faults({"fault": scene.fault, "after": scene.made, "times": 1000})
    places = {"closed": free_port(), "sandbox": sandbox.base}
    environment = {variable: value.format(**places) for variable, value in scene.environment.items()}
    assert told(twelve.folder, "build", "--quiet", **environment) == Told(1, scene.text)
    assert (locked(twelve.folder), len(sandbox.charges())) == (scene.made, scene.made)
    assert_goes_on(twelve, sandbox, PICTURES - scene.made)


def test_an_empty_balance_in_the_middle_is_told_with_what_was_made_before_it(sandbox, site_at, monkeypatch):
    monkeypatch.setenv("IMAGEBUILD_TOGETHER_CONCURRENCY", "1")
    site = site_at("together", TWELVE.replace("gpt-image-2-2026-04-21", "gpt-image-2"))
    sandbox.set_faults({"fault": "balance", "after": 5, "times": 1000})
    made = "".join(f"[ {n + 1}/12] made poster[n={'abcde'[n]}] out/{'abcde'[n]}.jpg $0.053 N s\n" for n in range(5))
    assert told(site.folder, "build") == Told(1, f"""\
trouble · together · gpt-image-2 (floating) · prices of 2026-11-21

asset      make      price
poster       12      $0.64

+ make poster × 12: never made · $0.64
    n: all 12

note: `gpt-image-2` is a floating name: what it draws may change without notice

Plan: 12 to make. Price: $0.64.
{made}[ 6/12] FAILED poster[n=f]: `together` takes no more orders: no balance left: Insufficient balance: add \
credits to go on
error: poster[n=f]: `together` takes no more orders: no balance left: Insufficient balance: add credits to go on
  hint: top up the account at together, or raise its limit there
left: 6 not begun, for $0.32: {LEFT}
Not done: made 5 · reused 0 · restored 0 · failed 1 · left 6 ($0.32) · spent $0.26 · N s
""")  # fmt: skip
    assert locked(site.folder) == 5
    assert_goes_on(site, sandbox, PICTURES - 5)


def test_a_budget_that_is_reached_in_the_middle_is_told_with_what_is_left(sandbox, twelve):
    text = (twelve.folder / "campaign.yaml").read_text()
    twelve.write(text.replace("defaults:", "budget: {campaign: 0.30 USD}\ndefaults:"))
    assert told(twelve.folder, "build", "--quiet") == Told(1, """\
error: the plan costs $0.63, over budget: the campaign may cost 0.30 USD (`budget.campaign`), 0 are spent
  hint: raise the budget, select fewer assets, or `--within-budget`: the dearest first, as far as it goes
""")  # fmt: skip
    assert told(twelve.folder, "build", "--quiet", "--within-budget") == Told(2, """\
left: 7 not begun, for $0.37: raise the limit, or build again once it allows more
Not done (`budget.campaign` is reached): made 5 · reused 0 · restored 0 · failed 0 · left 7 ($0.37) · spent $0.26 · N s
""")  # fmt: skip
    assert (locked(twelve.folder), len(sandbox.charges())) == (5, 5)
    twelve.write(text)
    assert_goes_on(twelve, sandbox, 7)


# ------------------------------------------------------------------------------------------------- it says no to one


def test_a_refusal_is_told_with_the_services_words_and_what_they_are_about(sandbox, twelve):
    sandbox.set_faults(
        {"fault": "moderation-input", "prompt": "c:*"}, {"fault": "moderation-output", "prompt": "f:*"}
    )  # fmt: skip
    words = (
        "Your request was rejected by the safety system. If you believe this is an error, contact us at "
        "help.openai.com and include the request ID req_ID. safety_violations=[sexual]"
    )
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
refused: poster[n=c]: `openai` refused this request for its content (400, at the request) [sexual]: {words}
  hint: change the prompt or the reference pictures; the same request is not sent again
refused: poster[n=f]: `openai` refused this request for its content (400, at the finished picture) [sexual]: {words}
  hint: change the prompt or the reference pictures; the same request is not sent again
Not done: made 10 · reused 0 · restored 0 · failed 0 · refused 2 · spent $0.53 · perhaps $0.0527 more · N s
""")  # fmt: skip
    sandbox.set_faults()
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
refused: poster[n=c]: {words}.
  hint: change the prompt, or `imagebuild build --retry-refused` asks once more
        so also: poster[n=f]
Not done: made 0 · reused 10 · restored 0 · failed 0 · refused 2 · spent $0.00 · N s
""")  # fmt: skip
    assert locked(twelve.folder) == len(sandbox.charges()) == 10
    assert_goes_on(twelve, sandbox, 2, policy=Policy(retry_refused=True))


def test_a_picture_that_is_not_what_was_asked_for_is_told_and_can_be_taken(sandbox, twelve):
    sandbox.set_faults({"fault": "wrong-size", "prompt": "c:*"})
    hint = "`imagebuild build --accept-flawed` takes it as it is; `take: 2` asks for another"
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
flawed: poster[n=c]: `openai` sent 1008x1024 png for 1024x1024 png; it is kept as DIGEST, and not delivered
  hint: {hint}
Not done: made 11 · reused 0 · restored 0 · failed 0 · flawed 1 · spent $0.63 · N s
""")  # fmt: skip
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
flawed: poster[n=c]: `openai` sent 1008x1024 png for 1024x1024 png
  hint: {hint}
Not done: made 0 · reused 11 · restored 0 · failed 0 · flawed 1 · spent $0.00 · N s
""")  # fmt: skip
    assert told(twelve.folder, "build", "--quiet", "--accept-flawed") == Told(0, """\
Done: made 0 · collected 1 · reused 11 · restored 0 · failed 0 · spent $0.00 · N s
""")  # fmt: skip
    assert (locked(twelve.folder), len(sandbox.charges())) == (PICTURES, PICTURES)


# --------------------------------------------------------------------------------------------------- nobody can know

LOOK = "look at the service's own usage page, and tell `imagebuild ledger settle` what it says"
RETRY = "`imagebuild build --on-uncertain retry` asks again, and may pay twice"


def test_an_unknown_outcome_is_told_with_the_ways_out_and_one_of_them_is_to_look_it_up(sandbox, twelve):
    sandbox.set_faults({"fault": "cut", "prompt": "c:*"})
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
uncertain: poster[n=c]: `127.0.0.1` closed the connection before it answered: whether it was made and billed is not \
known
  hint: {LOOK}; {RETRY}
Not done: made 11 · reused 0 · restored 0 · failed 0 · uncertain 1 · spent $0.58 · perhaps $0.0527 more · N s
""")  # fmt: skip
    sandbox.set_faults()
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
uncertain: poster[n=c]: `127.0.0.1` closed the connection before it answered
  hint: `imagebuild ledger settle` takes what the service's own books say of it; {RETRY}
Not done: made 0 · reused 11 · restored 0 · failed 0 · uncertain 1 · spent $0.00 · N s
""")  # fmt: skip
    (open_one,) = twelve.journal.attempts()
    assert told(twelve.folder, "plan") == Told(0, f"""\
trouble · openai · gpt-image-2-2026-04-21 · prices of 2026-11-21

asset     reuse  uncertain      price
poster       11        1          ·

? uncertain poster × 1: its request left, and whether the service made and billed it is not known
    sent DATE to openai · about $0.0527
    it says: “`127.0.0.1` closed the connection before it answered”
    `imagebuild ledger settle ATTEMPT --not-billed` when the service's own books say that it was not; {RETRY}
    poster[n=c]  1024x1024  out/c.png

Plan: 1 uncertain, 11 in place. Price: $0.00.
""")  # fmt: skip
    assert told(twelve.folder, "ledger", "settle", open_one.id, "--not-billed").code == 0
    assert_goes_on(twelve, sandbox, 1)


def test_five_failures_in_a_row_are_one_message_and_the_rest_is_not_sent(sandbox, twelve):
    sandbox.set_faults({"fault": "error", "after": 2, "times": 1000})
    failed = (
        "`openai` failed with 500; whether it made the picture is not known: The server had an error while processing "
        "your request. Sorry about that! You can retry your request, or contact us through our help center at "
        "help.openai.com if you keep seeing this error. (Please include the request ID req_ID in your message.)"
    )
    assert told(twelve.folder, "build", "--quiet") == Told(1, f"""\
uncertain: poster[n=c]: {failed}
  hint: {LOOK}; {RETRY}
        so also: poster[n=d], poster[n=e], poster[n=f], poster[n=g]
stopped: 5 requests in a row gave no picture that can be used, and may have been billed, so nothing more is sent; the \
last one: {failed}
  hint: look at the service's status page, then build again: what was not sent is asked for then
left: 5 not begun, for $0.26: {LEFT}
Not done: made 2 · reused 0 · restored 0 · failed 0 · uncertain 5 · left 5 ($0.26) · spent $0.11 · perhaps $0.26 \
more · N s
""")  # fmt: skip
    assert locked(twelve.folder) == len(sandbox.charges()) == 2
    assert_goes_on(twelve, sandbox, 10, policy=Policy(retry_uncertain=True))


PAGE = b"<!DOCTYPE html><html><head><title>Sign in to the hotel's network</title></head><body>Room?</body></html>"


class _Page(http.server.BaseHTTPRequestHandler):
    """Answers everything with a page, as a network that wants a password does."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def page() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_a_page_in_place_of_an_answer_is_told_as_that(sandbox, twelve):
    answered = "`openai` answered with a web page, and no JSON (Sign in to the hotel's network)"
    with page() as base:
        found = told(twelve.folder, "build", "--quiet", OPENAI_BASE_URL=base)
    assert found == Told(1, f"""\
uncertain: poster[n=a]: {answered}; whether it made the picture is not known
  hint: see that the base URL is the service's own; {LOOK}; {RETRY}
        so also: poster[n=b], poster[n=c], poster[n=d], poster[n=e]
stopped: 5 requests in a row gave no picture that can be used, and may have been billed, so nothing more is sent; the \
last one: {answered}; whether it made the picture is not known
  hint: look at the service's status page, then build again: what was not sent is asked for then
left: 7 not begun, for $0.37: {LEFT}
Not done: made 0 · reused 0 · restored 0 · failed 0 · uncertain 5 · left 7 ($0.37) · spent $0.00 · perhaps $0.26 \
more · N s
""")  # fmt: skip
    assert_goes_on(twelve, sandbox, PICTURES, policy=Policy(retry_uncertain=True))


# ------------------------------------------------------------------------------------------------- a person stops it


@pytest.fixture(scope="module")
def slow():
    """A sandbox that takes half a second for a picture."""
    with start_sandbox(speed=100, latency="50") as sandbox:
        yield sandbox


@pytest.fixture
def slow_sandbox(slow, sandbox, monkeypatch):
    slow.reset()
    for name, value in {**COMMON, **slow.environment()}.items():  # its time is its own: tasks are given up by it
        monkeypatch.setenv(name, value)
    return slow


def wait_for_requests(sandbox, path: str, count: int) -> None:
    for _ in range(2000):
        if len(sandbox.requests(path)) >= count:
            return
        time.sleep(0.01)
    raise AssertionError(f"no {count} requests of {path}")


def test_ctrl_c_finishes_what_is_under_way_and_the_next_build_makes_the_rest(slow_sandbox, site_at, monkeypatch):
    monkeypatch.setenv("IMAGEBUILD_OPENAI_CONCURRENCY", "3")
    site = site_at("openai", TWELVE)
    with started(site.folder, "build", "--quiet") as process:
        wait_for_requests(slow_sandbox, "/generations", 3)
        os.killpg(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert Told(process.returncode, settled_text(errors + out)) == Told(2, """\
stopping: what is under way is finished and saved; once more to break off
left: 9 not begun, for $0.47: the next build goes on with them
Not done (stopped by Ctrl-C): made 3 · reused 0 · restored 0 · failed 0 · left 9 ($0.47) · spent $0.16 · N s
""")  # fmt: skip
    assert locked(site.folder) == len(slow_sandbox.charges()) == 3
    monkeypatch.setenv("IMAGEBUILD_OPENAI_CONCURRENCY", "12")
    assert_goes_on(site, slow_sandbox, 9)


def break_off(site: Site, sandbox, path: str) -> Told:
    with started(site.folder, "build", "--quiet") as process:
        wait_for_requests(sandbox, path, 3)
        time.sleep(0.1)  # until they have left whole, and a task's name has come back
        os.killpg(process.pid, signal.SIGINT)
        assert process.stderr is not None
        first = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    return Told(process.returncode, settled_text(first + errors + out))


BROKEN_OFF = Told(2, """\
stopping: what is under way is finished and saved; once more to break off
broken off: what was finished is saved, and the next build goes on from there
""")  # fmt: skip


def test_ctrl_c_twice_breaks_off_and_the_next_build_says_what_nobody_knows(slow_sandbox, site_at, monkeypatch):
    monkeypatch.setenv("IMAGEBUILD_OPENAI_CONCURRENCY", "3")
    site = site_at("openai", TWELVE)
    assert break_off(site, slow_sandbox, "/generations") == BROKEN_OFF
    monkeypatch.setenv("IMAGEBUILD_OPENAI_CONCURRENCY", "12")
    assert told(site.folder, "build", "--quiet") == Told(1, f"""\
uncertain: poster[n=a]: the build ended before a reply came: whether it was made and billed is not known
  hint: `imagebuild ledger settle` takes what the service's own books say of it; {RETRY}
        so also: poster[n=b], poster[n=c]
Not done: made 9 · reused 0 · restored 0 · failed 0 · uncertain 3 · spent $0.47 · N s
""")  # fmt: skip
    assert len(charges_of(slow_sandbox, PICTURES)) == PICTURES
    assert_goes_on(site, slow_sandbox, 3, policy=Policy(retry_uncertain=True), lost=3)


def test_ctrl_c_twice_leaves_tasks_that_the_next_build_collects(slow_sandbox, site_at, monkeypatch):
    monkeypatch.setenv("IMAGEBUILD_APIXO_CONCURRENCY", "3")
    site = site_at("apixo", TWELVE)
    assert break_off(site, slow_sandbox, "/gpt-image-2") == BROKEN_OFF
    monkeypatch.setenv("IMAGEBUILD_APIXO_CONCURRENCY", "12")
    assert told(site.folder, "build", "--quiet") == Told(0, """\
Done: made 9 · collected 3 · reused 0 · restored 0 · failed 0 · spent $0.18 · N s
""")  # fmt: skip
    assert (len(slow_sandbox.charges()), locked(site.folder)) == (PICTURES, PICTURES)
