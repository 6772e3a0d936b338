"""Builds killed at random moments; the long form is `tests/bench/crash.py`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CRASH = Path(__file__).parent / "bench" / "crash.py"


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and fork")
def test_a_build_killed_at_any_moment_loses_nothing_stored_pays_nothing_twice_and_leaves_nothing_to_clean() -> None:
    done = subprocess.run(
        [sys.executable, str(CRASH), "--runs", "30"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "30 runs" in done.stdout
    assert "all whole, none paid again" in done.stdout
