"""`imagebuild sandbox`, as a person and as a CI job call it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.sandbox.calls import call
from tests.sandbox.pictures import seen
from tests.sandboxes import WAIT, start_sandbox

COMMAND = [sys.executable, "-W", "error", "-m", "imagebuild", "sandbox"]
ASK = {"model": "gpt-image-2", "prompt": "a kettle", "size": "1024x640", "quality": "low"}


def refused(*arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=WAIT)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    return done.stderr


def generate(base: str, **changes) -> dict:
    reply = call("POST", base + "/images/generations", body={**ASK, **changes})
    assert reply.status == 200, reply.body
    return reply.json


def test_it_prints_lines_to_paste_and_ends_quietly_on_ctrl_c():
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline().rstrip() for _ in range(12)]
        names = [re.fullmatch(r"export ([A-Z_]+)=(\S+)", each) for each in lines]
        assert all(names)
        variables = {each[1]: each[2] for each in names}
        assert variables["IMAGEBUILD_TIME_SCALE"] == "0.01"
        store = Path(variables["IMAGEBUILD_STORE"])
        assert list(store.iterdir()) == []
        for provider, path in {
            "OPENAI": "/openai/v1", "HINOW": "/hinow/v1", "APIXO": "/apixo/api/v1", "KIE": "/kie/api/v1",
            "TOGETHER": "/together/v1",
        }.items():  # fmt: skip
            assert re.fullmatch(rf"http://127\.0\.0\.1:\d+{path}", variables[f"{provider}_BASE_URL"])
            assert variables[f"{provider}_API_KEY"] == "sandbox-key"
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=WAIT)
    assert (process.returncode, rest) == (0, "")
    assert "the sandbox has stopped" in said
    assert not store.exists()
    assert "Traceback" not in said


def test_a_ci_job_waits_for_the_file_of_variables_and_sources_it(tmp_path):
    file = tmp_path / "sandbox.env"
    with start_sandbox(more=["--env", str(file)]) as sandbox:
        script = f". {file}; echo $OPENAI_BASE_URL $OPENAI_API_KEY $IMAGEBUILD_STORE"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=WAIT)
        assert done.stdout.split() == [sandbox.url("openai"), "sandbox-key", sandbox.store]
        assert sandbox.stop() == 0


def test_each_sandbox_has_a_store_of_its_own_that_stays_when_something_was_built(tmp_path, monkeypatch):
    folder = tmp_path / "the team's"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("IMAGEBUILD_STORE", str(tmp_path / "real"))
    file = tmp_path / "sandbox.env"
    with start_sandbox(more=["--env", str(file)]) as one, start_sandbox() as other:
        assert {Path(each.store).parent for each in (one, other)} == {folder}
        assert one.store != other.store
        script = f'. {file}; printf picture >"$IMAGEBUILD_STORE/made"'
        subprocess.run(["sh", "-c", script], check=True, timeout=WAIT)
        assert (one.stop(), other.stop()) == (0, 0)
    assert [each.read_text() for each in folder.glob("*/*")] == ["picture"]
    assert list(folder.iterdir()) == [Path(one.store)]
    assert not (tmp_path / "real").exists()


def test_requests_in_flight_do_not_keep_it_from_stopping():
    with start_sandbox(speed=1, latency="600") as sandbox:
        host, port = sandbox.base.removeprefix("http://").split(":")
        body = json.dumps(ASK).encode()
        head = f"POST /openai/v1/images/generations HTTP/1.1\r\nHost: x\r\nUser-Agent: y\r\nContent-Length: {len(body)}"
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(head.encode() + b"\r\nAuthorization: Bearer sandbox-key\r\n\r\n" + body)
            while not sandbox.requests():
                time.sleep(0.01)
            assert sandbox.stop() == 0


def test_the_ledgers_file_survives_the_sandbox(tmp_path):
    ledger = tmp_path / "charges.jsonl"
    with start_sandbox(ledger=ledger) as sandbox:
        generate(sandbox.url("openai"))
        os.kill(sandbox.process.pid, signal.SIGKILL)
        sandbox.process.wait(WAIT)
    lines = [json.loads(each) for each in ledger.read_text().splitlines()]
    assert lines[0]["prompt"] == "a kettle"
    assert len({each["id"] for each in lines}) == 1


def test_faults_come_from_a_file_and_from_rates(tmp_path):
    file = tmp_path / "faults.yaml"
    file.write_text("- {fault: quota, after: 1}\n")
    with start_sandbox(faults=file, rates={"overloaded": 1}) as sandbox:
        url = sandbox.url("openai") + "/images/generations"
        assert [call("POST", url, body=ASK).status for _ in range(3)] == [503, 429, 503]


def test_faults_are_replaced_over_http_and_mistakes_in_them_are_told():
    with start_sandbox() as sandbox:
        reply = call("POST", sandbox.base + "/_sandbox/faults", body=[{"fault": "quotta"}])
        assert reply.status == 400
        assert "did you mean `quota`?" in reply.json["problems"][0]
        assert call("POST", sandbox.base + "/_sandbox/faults", body=[{"fault": "quota"}]).status == 200
        assert call("POST", sandbox.url("openai") + "/images/generations", body=ASK).status == 429


def test_with_a_seed_the_same_requests_meet_the_same_faults_and_latencies():
    def course() -> tuple[list[int], list[float]]:
        with start_sandbox(seed=7, rates={"rate-text": 0.4}, latency="1-9") as sandbox:
            url = sandbox.url("openai") + "/images/generations"
            statuses = [call("POST", url, body=ASK).status for _ in range(12)]
            return statuses, [each["seconds"] for each in sandbox.charges()]

    first = course()
    assert set(first[0]) == {200, 429}
    assert first == course()


def test_pictures_are_proofs_unless_plain_ones_are_asked_for_and_can_be_large():
    with start_sandbox(pictures="proof") as proofs:
        shown, again = (generate(proofs.url("openai"), output_format="webp") for _ in range(2))
    assert seen(shown["data"][0]["b64_json"]) == ("WEBP", (1024, 640))
    assert shown["data"] != again["data"]
    with start_sandbox(picture_bytes=3_000_000) as plain:
        padded = generate(plain.url("openai"))["data"][0]["b64_json"]
    assert seen(padded) == ("PNG", (1024, 640))
    assert 4_000_000 <= len(padded) < 4_100_000


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "::", "example.org"])
def test_it_listens_on_this_machine_alone(host):
    assert f"host `{host}` is not this machine alone" in refused("--host", host)


def test_what_it_cannot_do_it_says_before_it_starts(tmp_path: Path):
    wrong = tmp_path / "faults.yaml"
    wrong.write_text("- {fault: cutt}\n")
    assert f"{wrong}:1:11: error: no fault `cutt`" in refused("--faults", str(wrong))
    assert "cannot read the faults" in refused("--faults", str(tmp_path / "none.yaml"))
    assert "no fault `cat`" in refused("--rate", "cat=0.5")
    assert "latency `soon`" in refused("--latency", "soon")
    assert "speed `0`" in refused("--speed", "0")
    assert "cannot write the ledger" in refused("--ledger", str(tmp_path))
    assert "cannot write the variables" in refused("--env", str(tmp_path / "none" / "sandbox.env"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert "cannot listen at" in refused("--port", str(taken.getsockname()[1]))
