"""The command line as it runs: begun as a foreground job, listened to line by line, and ended in any case."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

__all__ = ["ended", "started", "until"]


@contextlib.contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """`imagebuild …` in a process group of its own, as a terminal's foreground job is."""
    process = subprocess.Popen(
        [sys.executable, "-m", "imagebuild", *words], cwd=folder, env={**os.environ, "NO_COLOR": "1"}, text=True,
        encoding="utf-8", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """The rest of what it says. (`communicate` would lose what `readline` has read ahead.)"""
    said = process.stdout.read() if process.stdout else ""
    errors = process.stderr.read() if process.stderr else ""
    process.wait(timeout=60)
    return said, errors


def until(stream: IO[str] | None, words: str) -> list[str]:
    """What it says up to the first line with these words."""
    assert stream is not None
    lines = [stream.readline()]
    while words not in lines[-1]:
        assert lines[-1], f"it ended, and has not said `{words}`: {''.join(lines)}"
        lines.append(stream.readline())
    return lines
