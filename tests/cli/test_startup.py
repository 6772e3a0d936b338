"""What each verb loads: the network's library is for builds that ask a service, and for nobody else."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Run

LIST = {"PYTHONPROFILEIMPORTTIME": "1"}
LINE = re.compile(r"^import time: +\d+ \| +\d+ \| +(\S+)$", re.MULTILINE)
NETWORK = {"aiohttp", "yarl", "multidict"}
HEAVY = NETWORK | {"PIL", "asyncio", "jinja2", "rich", "yaml"}


def loaded(told: str) -> set[str]:
    """The libraries of a run that listed its imports, by the first part of their names."""
    found = {name.partition(".")[0] for name in LINE.findall(told)}
    assert "imagebuild" in found, "the run did not list what it loaded"
    return found


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "--provider", "openai"],
        ["plan", "--json"],
        ["check"],
        ["show", "hero"],
        ["why", "hero"],
        ["graph"],
        ["ledger"],
        ["cache", "size"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_who_asks_no_service_does_not_load_the_network(built: Path, imagebuild: Run, words: list[str]) -> None:
    done = imagebuild(built, *words, **LIST)
    assert done.returncode == 0, done.stderr[-500:]
    assert not NETWORK & loaded(done.stderr)


def test_a_build_with_nothing_to_do_does_not_load_the_network(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "build", IMAGEBUILD_NO_MEMORY="1", **LIST)
    assert "Nothing to do" in done.stdout
    assert not NETWORK & loaded(done.stderr)


def test_a_build_that_is_answered_from_memory_loads_next_to_nothing(built: Path, imagebuild: Run) -> None:
    assert imagebuild(built, "build").returncode == 0
    done = imagebuild(built, "build", **LIST)
    assert "Nothing to do" in done.stdout
    assert not HEAVY & loaded(done.stderr)


def test_a_build_that_puts_files_back_does_not_load_the_network(built: Path, imagebuild: Run) -> None:
    shutil.rmtree(built / "out")
    done = imagebuild(built, "build", **LIST)
    assert "restored" in done.stderr + done.stdout
    assert (built / "out" / "hero.webp").exists()
    assert not NETWORK & loaded(done.stderr)


def test_a_build_that_asks_a_service_does_load_it(fresh: Path, imagebuild: Run) -> None:
    with socket.socket() as deaf:  # bound, and not listening: whoever calls is refused
        deaf.bind(("127.0.0.1", 0))
        account = {
            "OPENAI_BASE_URL": f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", "OPENAI_API_KEY": "nobody-s-key",
            "IMAGEBUILD_TIME_SCALE": "0.001",
        }  # fmt: skip
        done = imagebuild(fresh, "build", "--provider", "openai", "--yes", **account, **LIST)
    assert done.returncode == 1
    assert "cannot reach" in done.stderr
    assert loaded(done.stderr) >= NETWORK
