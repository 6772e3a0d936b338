"""Paying builds killed at random moments against a misbehaving sandbox; the long form is `bench/exactly_once.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "bench" / "exactly_once.py"
RUNS = 16  # two for each way of paying


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and fork")
def test_whatever_fails_and_whenever_it_is_killed_each_picture_is_paid_once_and_no_more_is_unknown_than_must_be() -> (
    None
):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--runs", str(RUNS), "--seed", "5", "--provider", "all"],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{RUNS} runs: each picture charged once; uncertain exactly what nobody can know" in done.stdout
    assert "Traceback" not in done.stderr
