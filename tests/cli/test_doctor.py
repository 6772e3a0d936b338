"""`imagebuild doctor`, as a newcomer meets it: who can be asked, what is missing, and nothing is spent or changed."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from imagebuild.core.attempt import payment_of
from imagebuild.stages.doctor import STATES
from imagebuild.store.journal import LocalJournal
from tests.cli.conftest import edit, tree
from tests.cli.inside import Inside, inside
from tests.sandboxes import RunningSandbox, start_sandbox
from tests.store.journal_contract import a_payment, an_attempt

SCHEMA = Path(__file__).parents[2] / "schemas" / "doctor.schema.json"
SERVICES = ("openai", "hinow", "apixo", "kie", "together")
KEYLESS = {f"{name.upper()}_API_KEY": "" for name in SERVICES}
WRONG = {f"{name.upper()}_API_KEY": "wrong-0123456789" for name in SERVICES}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[RunningSandbox]:
    with start_sandbox() as running:
        yield running


@pytest.fixture
def imagebuild(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    return inside(monkeypatch, capsys)


@pytest.fixture(autouse=True)
def _nothing_is_charged(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test does with doctor, no service would have billed anything for it."""
    yield
    if "sandbox" in request.fixturenames:
        running: RunningSandbox = request.getfixturevalue("sandbox")
        assert running.charges() == []
        assert {each["method"] for each in running.requests()} <= {"GET"}


def doctor(
    imagebuild: Inside, folder: Path, *words: str, **environment: str
) -> tuple[int, dict[str, dict[str, Any]], dict[str, Any]]:
    """The exit code, the providers by name, and all of it; held against the schema on the way."""
    done = imagebuild(folder, "doctor", "--json", *words, **environment)
    assert done.stderr == ""
    said = json.loads(done.stdout)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(said)] == []
    assert said["exit"] == done.returncode
    return done.returncode, {each["name"]: each for each in said["providers"]}, said


@contextmanager
def answering(status: int, body: str, kind: str = "application/json") -> Iterator[str]:
    """A server that gives the same answer to whatever it is asked, and its address."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()


def keyed(base: str) -> dict[str, str]:
    """Every service there, with a key."""
    keys = {f"{name.upper()}_API_KEY": "test-0123456789" for name in SERVICES}
    return keys | {f"{name.upper()}_BASE_URL": base for name in SERVICES}


def states(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {name: each["state"] for name, each in found.items()}


# ------------------------------------------------------------------------------------------------------ the providers


def test_without_keys_it_says_which_to_set_and_asks_nobody(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    sandbox.reset()
    code, found, _ = doctor(imagebuild, fresh, **sandbox.environment() | KEYLESS)
    assert states(found) == {"proof": "ready"} | dict.fromkeys(SERVICES, "no-key")
    assert found["together"]["hint"] == (
        "set TOGETHER_API_KEY, in the environment or in `.env`; or IMAGEBUILD_TOGETHER_KEY_COMMAND to a command that "
        "prints the key"
    )
    assert code == 0  # this campaign is made by proof
    assert sandbox.requests() == []


def test_every_service_that_accepts_its_key_is_ready_and_one_that_cannot_tell_is_not_called_that(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    _, found, _ = doctor(imagebuild, fresh, **sandbox.environment())
    assert states(found) == {"proof": "ready"} | dict.fromkeys(SERVICES, "ready") | {"hinow": "answers"}
    assert "accept" in found["hinow"]["words"]
    assert found["hinow"]["words"] == "it answers; whether it accepts the key shows only when a picture is paid for"
    assert found["openai"]["limits"] == {"concurrency": 16, "images_per_minute": 5, "requests_per_minute": None}
    assert found["openai"]["key_from"] == "OPENAI_API_KEY"


def test_a_wrong_key_is_told_with_the_services_words_and_never_shown(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    environment = sandbox.environment() | WRONG
    _, found, said = doctor(imagebuild, fresh, **environment)
    assert states(found) == {"proof": "ready", "hinow": "answers"} | dict.fromkeys(
        ("openai", "apixo", "kie", "together"), "says-no"
    )
    for name in ("openai", "apixo", "kie", "together"):
        assert found[name]["words"].startswith(f"`{name}` does not accept the key: ")
        assert found[name]["words"].endswith(f"; set `{name.upper()}_API_KEY` to a key that is valid there")
    assert WRONG["OPENAI_API_KEY"] not in str(said)
    code, *_ = doctor(imagebuild, fresh, "openai", **environment)
    assert code == 1
    assert WRONG["OPENAI_API_KEY"] not in imagebuild(fresh, "doctor", **environment).stdout


def test_a_service_that_cannot_be_reached_is_told_from_one_that_says_no(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        nobody = f"http://127.0.0.1:{free.getsockname()[1]}"
    environment = sandbox.environment() | {f"{name.upper()}_BASE_URL": nobody for name in SERVICES}
    code, found, _ = doctor(imagebuild, fresh, IMAGEBUILD_PROVIDER="openai", **environment)
    assert states(found) == {"proof": "ready"} | dict.fromkeys(SERVICES, "unreachable")
    assert re.fullmatch(r"cannot reach `127\.0\.0\.1\S*`: connection refused", found["kie"]["words"])
    assert found["kie"]["base_url"] == f"{nobody}/api/v1"
    assert code == 1


def test_a_service_that_answers_otherwise_is_told_as_what_it_is(fresh: Path, imagebuild: Inside) -> None:
    said = json.dumps({"error": {"message": "not from this country", "type": "x", "param": None, "code": None}})
    for status, body, words in (
        (403, said, "does not allow this: not from this country; see what the key in `"),
        (500, said, "failed with 500: not from this country"),
        (429, said, "wants to be asked later (429, too many requests): not from this country"),
    ):
        with answering(status, body) as base:
            _, found, _ = doctor(imagebuild, fresh, **keyed(base))
        for name in SERVICES:
            assert found[name]["state"] == "says-no", (name, status)
            assert words in found[name]["words"]
            assert "picture" not in found[name]["words"]  # none was asked for


@pytest.mark.parametrize("status", [200, 404])
def test_a_page_for_people_is_no_service(fresh: Path, imagebuild: Inside, status: int) -> None:
    with answering(status, "<html><body>Welcome to nginx!</body></html>", "text/html") as base:
        _, found, _ = doctor(imagebuild, fresh, **keyed(base))
    assert states(found) == {"proof": "ready", "hinow": "answers"} | dict.fromkeys(
        ("openai", "apixo", "kie", "together"), "says-no"
    )


def test_offline_it_asks_nobody(fresh: Path, imagebuild: Inside, sandbox: RunningSandbox) -> None:
    sandbox.reset()
    code, found, _ = doctor(imagebuild, fresh, "--offline", "openai", **sandbox.environment())
    assert (code, states(found)) == (0, {"openai": "not-asked"})
    assert sandbox.requests() == []


def test_a_setting_that_makes_no_sense_is_a_finding_of_that_provider_alone(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    _, found, _ = doctor(
        imagebuild, fresh, IMAGEBUILD_HINOW_ROUTE="video", IMAGEBUILD_KIE_CONCURRENCY="many",
        APIXO_BASE_URL="ftp://apixo", **{k: v for k, v in sandbox.environment().items() if k != "APIXO_BASE_URL"},
    )  # fmt: skip
    wrong = dict.fromkeys(("hinow", "kie", "apixo"), "wrong-setting")
    assert states(found) == {"proof": "ready", "openai": "ready", "together": "ready"} | wrong
    assert (found["kie"]["words"], found["kie"]["hint"]) == (
        "`IMAGEBUILD_KIE_CONCURRENCY` is `many`", "write a whole number from 1 on",
    )  # fmt: skip


def test_a_scale_of_time_that_is_meant_for_a_sandbox_is_a_wrong_setting_of_a_real_service(
    fresh: Path, imagebuild: Inside
) -> None:
    environment = KEYLESS | {"OPENAI_API_KEY": "test-0123456789", "IMAGEBUILD_TIME_SCALE": "0.01"}
    _, found, _ = doctor(imagebuild, fresh, **environment)
    assert states(found) == {"proof": "ready"} | dict.fromkeys(SERVICES, "no-key") | {"openai": "wrong-setting"}
    assert "`api.openai.com` is no sandbox" in found["openai"]["words"]


def test_keys_come_from_a_file_or_a_command_and_a_command_that_fails_is_told_without_its_output(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    environment = sandbox.environment() | KEYLESS
    key = sandbox.environment()["OPENAI_API_KEY"]
    (fresh / ".env").write_text(f"TOGETHER_API_KEY={key}\n", encoding="utf-8")
    tells = shlex.join([sys.executable, "-c", f"print({key!r})"])
    fails = shlex.join([sys.executable, "-c", "print('sk-hidden-secret'); raise SystemExit(3)"])
    environment |= {"IMAGEBUILD_OPENAI_KEY_COMMAND": tells, "IMAGEBUILD_HINOW_KEY_COMMAND": fails}
    _, found, said = doctor(imagebuild, fresh, **environment)
    assert {name: (each["state"], each["key_from"]) for name, each in found.items()} == {
        "proof": ("ready", None), "openai": ("ready", "command"), "together": ("ready", ".env"),
        "hinow": ("wrong-setting", None), "apixo": ("no-key", None), "kie": ("no-key", None),
    }  # fmt: skip
    assert (
        found["hinow"]["words"] == "no key by the command of `IMAGEBUILD_HINOW_KEY_COMMAND`: it ended with exit code 3"
    )
    assert "sk-hidden" not in str(said)


def test_a_key_command_is_run_once(fresh: Path, imagebuild: Inside, sandbox: RunningSandbox) -> None:
    """It may ask the person for a password."""
    program = f"open('runs', 'a').write('x'); print({sandbox.environment()['OPENAI_API_KEY']!r})"
    command = shlex.join([sys.executable, "-c", program])
    environment = sandbox.environment() | KEYLESS | {"IMAGEBUILD_OPENAI_KEY_COMMAND": command}
    _, found, _ = doctor(imagebuild, fresh, "openai", **environment)
    assert found["openai"]["state"] == "ready"
    assert (fresh / "runs").read_text() == "x"


def test_a_provider_that_is_not_there_is_an_error_with_the_nearest(fresh: Path, imagebuild: Inside) -> None:
    done = imagebuild(fresh, "doctor", "opnai")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: no provider `opnai`\n  hint: did you mean `openai`?\n"


# --------------------------------------------------------------------------------------------------------- the project


def test_the_exit_code_is_that_of_the_provider_the_campaign_names_or_the_environment(
    fresh: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    environment = sandbox.environment() | {"OPENAI_API_KEY": ""}
    assert doctor(imagebuild, fresh, **environment)[0] == 0
    edit(fresh, "campaign.yaml", "budget:", "provider: openai\nbudget:")
    code, _, said = doctor(imagebuild, fresh, **environment)
    assert (code, said["campaign"]["provider"]) == (1, "openai")
    assert doctor(imagebuild, fresh, IMAGEBUILD_PROVIDER="together", **environment)[0] == 0
    assert doctor(imagebuild, fresh, "kie", **environment)[0] == 0


def test_without_a_campaign_one_service_that_can_be_asked_will_do(
    tmp_path: Path, imagebuild: Inside, sandbox: RunningSandbox
) -> None:
    code, _, said = doctor(imagebuild, tmp_path, **sandbox.environment())
    assert (code, said["campaign"]) == (0, {"file": None, "provider": None, "problem": None})
    assert doctor(imagebuild, tmp_path, "--offline", **KEYLESS)[0] == 1
    assert "there is no campaign here: `imagebuild init` writes one" in imagebuild(tmp_path, "doctor", "proof").stdout
    assert list(tmp_path.iterdir()) == []


def test_a_campaign_that_is_broken_or_not_there_does_not_keep_it_from_looking(fresh: Path, imagebuild: Inside) -> None:
    edit(fresh, "campaign.yaml", "assets:", "asets:")
    _, found, said = doctor(imagebuild, fresh, "--offline", **KEYLESS)
    assert states(found)["proof"] == "ready"
    assert said["campaign"]["problem"] == "missing key `assets`"
    assert "it has mistakes, `imagebuild check` tells them: " in imagebuild(fresh, "doctor", "--offline").stdout
    missing = imagebuild(fresh, "doctor", "-f", "nowhere.yaml")
    assert (missing.returncode, missing.stderr.splitlines()[0]) == (1, "error: no campaign file `nowhere.yaml`")


def test_what_is_open_in_the_journal_is_counted_as_the_ledger_does(fresh: Path, imagebuild: Inside) -> None:
    journal = LocalJournal(str(fresh / ".imagebuild" / "store"))
    for number, state in enumerate(["uncertain", "uncertain", "refused", "flawed", "task", "sent"]):
        attempt = an_attempt(number, state=state)
        if state in ("uncertain", "refused", "flawed"):
            journal.pay(payment_of(attempt, state))
        journal.open(attempt)
    journal.pay(a_payment(9))
    before = tree(fresh)
    _, _, said = doctor(imagebuild, fresh, "proof")
    # what was sent, and nobody waits for any more, is uncertain too
    assert said["journal"]["open"] == {"uncertain": 3, "refused": 1, "flawed": 1, "under-way": 1}
    shown = imagebuild(fresh, "doctor", "proof").stdout
    assert "open   1 flawed, 1 refused, 3 uncertain, 1 under-way\n" in shown
    assert "`imagebuild ledger` lists them" in shown
    assert tree(fresh) == before


def test_a_damaged_journal_is_told_and_ends_with_1(fresh: Path, imagebuild: Inside) -> None:
    journal = LocalJournal(str(fresh / ".imagebuild" / "store"))
    journal.open(an_attempt(1))
    (entry,) = (fresh / ".imagebuild" / "store" / "journal").glob("*.json")
    entry.write_bytes(entry.read_bytes()[:-9])
    code, _, said = doctor(imagebuild, fresh, "proof")
    assert code == 1
    assert str(entry) in said["journal"]["problem"]


def test_a_store_that_cannot_be_written_to_is_told_with_what_to_do(fresh: Path, imagebuild: Inside) -> None:
    (fresh / "full").write_text("a file", encoding="utf-8")
    code, _, said = doctor(imagebuild, fresh, "proof", IMAGEBUILD_STORE=str(fresh / "full" / "store"))
    assert (code, said["store"]["problem"]) == (1, "not a directory")
    shown = imagebuild(fresh, "doctor", "proof", IMAGEBUILD_STORE=str(fresh / "full" / "store")).stdout
    assert "store  full/store cannot be written to: not a directory" in shown
    assert "set IMAGEBUILD_STORE to another folder" in shown


def test_it_leaves_everything_as_it_was(built: Path, imagebuild: Inside) -> None:
    before = tree(built)
    code, _, said = doctor(imagebuild, built, "--offline", **KEYLESS)
    assert (code, said["store"]["made"], said["journal"]["open"]) == (0, True, {})
    assert tree(built) == before


# ----------------------------------------------------------------------------------------------------------- its forms


def test_the_whole_of_it_reads_so(fresh: Path, imagebuild: Inside, sandbox: RunningSandbox) -> None:
    environment = sandbox.environment() | {"KIE_API_KEY": "", "IMAGEBUILD_APIXO_PARTIAL": "1", **{
        name: value for name, value in WRONG.items() if name.startswith("TOGETHER")
    }}  # fmt: skip
    shown = imagebuild(fresh, "doctor", **environment).stdout.replace(sandbox.base, "http://sandbox")
    shown = shown.replace(f"this machine · {os.cpu_count()} at once", "this machine · N at once")
    assert shown == (Path(__file__).parent / "doctor.txt").read_text(encoding="utf-8")


def test_the_schema_knows_the_states_of_the_code_and_refuses_what_is_none(fresh: Path, imagebuild: Inside) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    listed = schema["$defs"]["provider"]["properties"]["state"]["oneOf"]
    assert {each["const"]: each["description"] for each in listed} == dict(STATES)
    *_, said = doctor(imagebuild, fresh, "proof")
    validator = Draft202012Validator(schema)
    for wrong in ({"exit": 2}, {"providers": [{"name": "x"}]}, {"more": 1}, {"journal": {"open": {"x": 1}}}):
        assert list(validator.iter_errors({**said, **wrong})), wrong
