"""What a running build tells whoever looks on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from imagebuild.build.report import Event
from imagebuild.core.key import Digest
from imagebuild.core.plan import Plan, PlanStep
from imagebuild.stages.feed import START, feed_of, is_building, read_feed, telling
from imagebuild.stages.project import Project, find_project
from tests.cli.conftest import run_imagebuild, write_campaign


@pytest.fixture
def project(tmp_path: Path) -> Project:
    write_campaign(tmp_path)
    return find_project(str(tmp_path / "campaign.yaml"), {})


def step(address: str) -> PlanStep:
    asset = address.partition("[")[0]
    return PlanStep(address, asset, "generate", (), "make", "new", "", None, None, "a.png", None, Decimal("0.05"))


def plan_of(*steps: PlanStep) -> Plan:
    return Plan(campaign="c", provider="proof", model="m", floating=False, prices_of="", steps=steps)


def test_a_build_tells_what_it_makes_and_for_how_much(project: Project) -> None:
    assert read_feed(project) == ([], START)
    assert not is_building(project)
    done = run_imagebuild(Path(project.folder), "build")
    assert done.returncode == 0, done.stderr
    events, position = read_feed(project)
    lock = {line["asset"]: line for line in map(json.loads, Path(project.lock).read_text("utf-8").splitlines()[1:])}
    made = {event["address"]: event["digest"] for event in events if event["kind"] in ("made", "reused")}
    assert made == {address: line["digest"] for address, line in lock.items()}
    assert events[0]["kind"] == "begin"
    assert events[0]["total"] == sum(1 for line in lock.values() if "output" in line or line["asset"] == "scene")
    assert (events[-1]["kind"], events[-1]["made"]) == ("end", events[0]["total"])
    assert not is_building(project)
    assert read_feed(project, position) == ([], position)


def test_a_build_with_nothing_to_do_tells_nothing(project: Project) -> None:
    run_imagebuild(Path(project.folder), "build")
    _, position = read_feed(project)
    run_imagebuild(Path(project.folder), "build")
    assert read_feed(project, position) == ([], position)


def test_what_is_read_goes_on_where_it_ended_and_begins_anew_with_a_new_build(project: Project) -> None:
    heard: list[Event] = []
    with telling(project, plan_of(step("a"), step("b")), heard.append, spent=Decimal("0.10")) as listen:
        first, position = read_feed(project)
        assert [event["kind"] for event in first] == ["begin"]
        assert is_building(project)
        listen(Event("start", step("a")))
        listen(Event("made", step("a"), cost=Decimal("0.05"), digest=Digest("1" * 64)))
        second, position = read_feed(project, position)
        assert [(each["kind"], each["made"], each["spent"]) for each in second] == [
            ("start", 0, "0.10"), ("made", 1, "0.15"),
        ]  # fmt: skip
    assert [event.kind for event in heard] == ["start", "made"]
    with telling(project, plan_of(step("c")), heard.append, spent=Decimal(0)):
        third, _ = read_feed(project, position)
    assert [(each["kind"], each.get("total")) for each in third] == [("begin", 1)]


def test_a_line_that_is_being_written_is_read_when_it_is_whole(project: Project) -> None:
    with telling(project, plan_of(), lambda event: None, spent=Decimal(0)):
        _, position = read_feed(project)
        with open(feed_of(project), "ab") as file:
            file.write(b'{"kind":"ma')
            file.flush()
            assert read_feed(project, position) == ([], position)
            file.write(b'de"}\n')
        assert read_feed(project, position)[0] == [{"kind": "made"}]


def test_a_feed_that_cannot_be_written_stops_no_build(project: Project) -> None:
    feed = Path(feed_of(project))
    feed.parent.parent.mkdir(parents=True, exist_ok=True)
    feed.parent.write_text("a file in the folder's place", "utf-8")
    done = run_imagebuild(Path(project.folder), "build")
    assert done.returncode == 0, done.stderr
    assert read_feed(project) == ([], START)


def test_a_killed_build_is_not_taken_for_one_that_goes_on(project: Project) -> None:
    code = (
        "import sys, time\nfrom decimal import Decimal\n"
        "from imagebuild.stages.feed import telling\nfrom imagebuild.stages.project import find_project\n"
        "from tests.stages.test_feed import plan_of\n"
        "with telling(find_project(sys.argv[1], {}), plan_of(), print, spent=Decimal(0)):\n"
        "    print('on', flush=True)\n    time.sleep(60)\n"
    )
    root = str(Path(__file__).parents[2])
    child = subprocess.Popen(
        [sys.executable, "-c", code, project.spec], stdout=subprocess.PIPE, text=True, cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "on\n"
        assert is_building(project)
        os.kill(child.pid, signal.SIGKILL)
    assert not is_building(project)
    assert [event["kind"] for event in read_feed(project)[0]] == ["begin"]


def test_whoever_looks_does_not_keep_a_build_from_telling(project: Project) -> None:
    """A reader asks for the lock for a moment: builds begin while readers ask all the time."""
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            is_building(project)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for number in range(30):
            with telling(project, plan_of(), lambda event: None, spent=Decimal(number)):
                assert read_feed(project)[0][0]["spent"] == str(number)
    finally:
        over.set()
        looking.join()
