"""The command line, called in this process: what a process of its own would do, without the second it takes to load."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from imagebuild.cli.main import main

__all__ = ["Done", "Inside", "inside"]


class Done(NamedTuple):
    """As `subprocess.CompletedProcess` has them."""

    returncode: int
    stdout: str
    stderr: str


Inside = Callable[..., Done]


def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """`run(folder, "build", "--json", OPENAI_API_KEY="…")`, as `run_imagebuild` does it, without what the environment
    outside says of this program."""

    def run(folder: Path, *words: str, **environment: str) -> Done:
        with monkeypatch.context() as here:
            here.chdir(folder)
            for name in [each for each in os.environ if each.startswith(("IMAGEBUILD_", "FORCE_COLOR"))]:
                here.delenv(name)
            for name, value in {"NO_COLOR": "1", **environment}.items():
                here.setenv(name, value)
            capsys.readouterr()
            try:
                code = main(words)
            except SystemExit as end:  # a wrong command line
                code = int(end.code or 0)
            finally:
                gc.enable()
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run
