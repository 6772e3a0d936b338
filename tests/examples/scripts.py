"""Running an example's script as people and jobs run it: from a copy of its folder, with nothing set beforehand."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

__all__ = ["Run", "runner"]

Run = Callable[[Path], subprocess.CompletedProcess[str]]


def runner(script: str, folder: Path) -> Run:
    """Runs a script with this `imagebuild` and this Python as the ones it finds; programs and temporary files of the
    run are below `folder`."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    programs, temporary = folder / "bin", folder / "temporary"
    programs.mkdir()
    temporary.mkdir()
    python = shlex.quote(sys.executable)
    for name, command in (("imagebuild", f"{python} -W error -m imagebuild"), ("python3", python)):
        (programs / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        (programs / name).chmod(0o755)
    kept = {
        name: value for name, value in os.environ.items() if not re.match(r"IMAGEBUILD_|\w+_(API_KEY|BASE_URL)", name)
    }
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def run(copy: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", script], cwd=copy, text=True, encoding="utf-8", capture_output=True, timeout=300, check=False,
            stdin=subprocess.DEVNULL,
            env={**kept, "PATH": path, "TMPDIR": str(temporary), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip

    return run
