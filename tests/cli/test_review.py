"""`imagebuild review`: who is named, where it listens, and that it ends cleanly."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from tests.cli.conftest import Run, edit


def plain_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEBUILD_")}
    return {**kept, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


@contextmanager
def reviewing(folder: Path, *words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The verb, running; at the end it is told to stop, and has to end well."""
    process = subprocess.Popen(
        [sys.executable, "-m", "imagebuild", "review", *words], cwd=folder, env={**plain_environment(), **environment},
        text=True, encoding="utf-8", stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
        process.send_signal(signal.SIGINT)
        process.wait(20)
        assert process.returncode == 0
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline().rstrip("\n")


def started(process: subprocess.Popen[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line(process.stdout))
    return found


def fetched(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=20) as reply:
        return json.load(reply)


def test_one_address_is_printed_and_leads_to_the_board(built: Path) -> None:
    with reviewing(built, IMAGEBUILD_USER="ana@northwind.example") as process:
        url = line(process.stdout)
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/r/[\w-]{43}/", url)
        said = [line(process.stderr) for _ in range(4)]
        assert said[0].startswith("reviewing small: 8 pictures (8 open)")
        assert said[1] == "whoever has the address decides as ana@northwind.example"
        assert said[2] == "8 pictures wait for their approval"
        assert "Ctrl-C" in said[3]
        board = fetched(url + "api/board")
        name = "ana@northwind.example"
        assert board["you"] == {"name": name, "person": name, "decides": True, "why_not": ""}
        assert len(board["cells"]) == 8
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(re.sub(r"/r/[\w-]+", "/r/" + "x" * 43, url), timeout=20)


def test_whoever_opens_it_for_another_is_told_what_will_stand_beside_each_decision(built: Path) -> None:
    edit(built, "campaign.yaml", "assets:", "approvers: {brand: [lea@x.example]}\nassets:")
    with reviewing(built, "--as", "lea@x.example", IMAGEBUILD_USER="ben@x.example") as process:
        said = [line(process.stderr) for _ in range(3)]
        assert said[1].endswith("decides as lea@x.example; beside each decision stands: as said by ben@x.example")
        assert said[2] == "8 pictures wait for their approval"
    with reviewing(built, IMAGEBUILD_USER="ben@x.example") as process:
        said = [line(process.stderr) for _ in range(3)]
        assert said[1].endswith("decides as ben@x.example")
        assert said[2].startswith("no `approvers` names them, so they approve and reject nothing")


def test_each_person_has_an_address_of_their_own(built: Path) -> None:
    with reviewing(built, "--for", "ana@x.example", "--for", "lea@x.example", "--json") as process:
        people = started(process)["people"]
        assert [each["name"] for each in people] == ["ana@x.example", "lea@x.example"]
        assert len({each["url"] for each in people}) == 2
        assert [fetched(each["url"] + "api/board")["you"]["name"] for each in people] == [
            "ana@x.example",
            "lea@x.example",
        ]


def test_one_person_who_is_named_twice_has_one_address(built: Path) -> None:
    with reviewing(built, "--for", "ana@x.example", "--for", " Ana@X.example", "--json") as process:
        assert [each["name"] for each in started(process)["people"]] == ["ana@x.example"]


def test_a_browser_is_opened_by_way_of_a_file_that_nobody_else_can_read(built: Path) -> None:
    """A command line can be read by everybody at the machine: it does not hold the address."""
    browser = built / "browser"
    browser.write_text('#!/bin/sh\nprintf "%s" "$1" > opened.tmp && mv opened.tmp opened\n', "utf-8")
    browser.chmod(0o755)
    with reviewing(built, "--open", "--as", "ana@x.example", "--json", BROWSER=f"{browser} %s") as process:
        url = started(process)["people"][0]["url"]
        for _ in range(1000):
            if (built / "opened").exists():
                break
            time.sleep(0.02)
        opened = (built / "opened").read_text("utf-8")
        assert opened.startswith("file:///")
        assert url.split("/")[4] not in opened
        page = Path(urllib.request.url2pathname(opened.removeprefix("file://")))
        assert page.stat().st_mode & 0o777 == 0o600
        assert f'url={url}"' in page.read_text("utf-8")
        assert built / ".imagebuild" in page.parents
    assert not page.exists()


def test_it_ends_at_once_though_a_picture_is_being_read_or_made(built: Path) -> None:
    with reviewing(built, "--as", "ana@x.example", "--json") as process:
        url = started(process)["people"][0]["url"]
        digest = next(cell["digest"] for cell in fetched(url + "api/board")["cells"])
        picture = built / ".imagebuild" / "store" / "objects" / digest[:2] / digest
        picture.unlink()
        os.mkfifo(picture)  # whoever reads it waits for ever
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(f"{url}picture/{digest}", timeout=1)


def test_a_host_that_there_is_not_is_told_as_such(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "review", "--host", "nonsense...")
    assert done.returncode == 1
    assert "there is no host `nonsense...`" in done.stderr


def test_an_export_into_no_folder_is_refused(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "review", "--export", "", "--as", "ana@x.example")
    assert done.returncode == 1
    assert "--export DIR" in done.stderr


def test_without_a_name_it_shows_and_takes_no_decisions(built: Path) -> None:
    nowhere = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    with reviewing(built, **nowhere) as process:
        url = line(process.stdout)
        said = [line(process.stderr) for _ in range(2)]
        assert "nobody is named" in said[1]
        assert "--as" in said[1]
        you = fetched(url + "api/board")["you"]
        assert (you["name"], you["decides"]) == ("", False)


def test_the_same_campaign_is_at_the_same_port_and_at_the_next_when_that_is_taken(built: Path) -> None:
    ports = []
    for _ in range(2):
        with reviewing(built, "--as", "ana@x.example", "--json") as process:
            ports.append(started(process)["people"][0]["url"].split(":")[2].split("/")[0])
    assert ports[0] == ports[1]
    with socket.create_server(("127.0.0.1", int(ports[0]))), reviewing(built, "--as", "a@x", "--json") as process:
        assert f":{ports[0]}/" not in started(process)["people"][0]["url"]


def test_a_port_that_is_asked_for_is_taken_or_it_says_why_not(built: Path, imagebuild: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        done = imagebuild(built, "review", "--port", str(taken))
        assert done.returncode == 1
        assert f"cannot listen at `127.0.0.1:{taken}`: address already in use\n" in done.stderr


def test_more_than_this_machine_takes_a_name_and_says_that_nothing_is_encrypted(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "review", "--host", "0.0.0.0")
    assert done.returncode == 1
    assert "ssh -L" in done.stderr
    assert "--allow-host" in done.stderr
    with reviewing(built, "--host", "0.0.0.0", "--allow-host", "studio.example", "--as", "ana@x") as process:
        assert line(process.stdout).startswith("http://studio.example:")
        said = [line(process.stderr) for _ in range(4)]
        assert "not encrypted" in said[3]


def test_a_campaign_that_was_never_built_is_shown_and_says_so(fresh: Path) -> None:
    with reviewing(fresh, "--as", "ana@x.example") as process:
        url = line(process.stdout)
        assert "nothing is built yet" in line(process.stderr)
        assert {cell["digest"] for cell in fetched(url + "api/board")["cells"]} == {None}


def test_some_of_a_campaign_is_shown_as_everywhere(built: Path, imagebuild: Run) -> None:
    with reviewing(built, "badge", "--exclude", "locale=de-DE", "--as", "ana@x.example", "--json") as process:
        board = fetched(started(process)["people"][0]["url"] + "api/board")
        assert {cell["address"] for cell in board["cells"]} == {"badge[locale=en-US]", "badge[locale=ar-EG]"}
    done = imagebuild(built, "review", "bagde")
    assert done.returncode == 1
    assert "did you mean `badge`?" in done.stderr


def test_what_is_wrong_is_told_before_anything_is_served(built: Path, imagebuild: Run) -> None:
    assert "in no git repository" in imagebuild(built, "review", "--since", "v1.0").stderr
    assert "cannot be seen" in imagebuild(built, "review", "--as", "ana\u202e@x").stderr
    assert (
        "an export is for one person"
        in imagebuild(built, "review", "--export", "page", "--for", "a@x", "--for", "b@x").stderr
    )
    edit(built, "campaign.yaml", "campaign: small", "campaing: small")
    done = imagebuild(built, "review")
    assert done.returncode == 1
    assert "campaign.yaml:2" in done.stderr


def test_an_export_says_where_it_is_and_what_becomes_of_its_decisions(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "review", "--export", "page", "--as", "ana@x.example")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "page/index.html\n"
    assert "8 pictures" in done.stderr
    assert "approve --from decisions.json" in done.stderr
    again = json.loads(imagebuild(built, "review", "--export", "page", "--json").stdout)
    assert (again["pictures"], again["page"]) == (8, "page/index.html")
    (built / "page" / "mine.txt").write_text("mine", "utf-8")
    assert imagebuild(built, "review", "--export", "page").returncode == 1
