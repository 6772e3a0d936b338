"""A sandbox in a process of its own, for tests: the client under test then has its event loop for itself."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["RunningSandbox", "start_sandbox"]

WAIT = 60.0


class RunningSandbox:
    """A sandbox that listens. Times are its own: they run `speed` times as fast as a real service's."""

    def __init__(self, process: subprocess.Popen[str], started: Mapping[str, Any]) -> None:
        self.process = process
        self.base: str = started["base"]
        self._environment: dict[str, str] = started["environment"]
        self.store = self._environment.pop("IMAGEBUILD_STORE")

    def environment(self) -> dict[str, str]:
        """The variables that point clients at it. Not its store: each test has its own."""
        return dict(self._environment)

    def url(self, provider: str) -> str:
        return self._environment[f"{provider.upper()}_BASE_URL"]

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.base}/_sandbox/{path}", data=data, method="POST" if data else "GET")
        with urllib.request.urlopen(request, timeout=WAIT) as reply:
            return json.load(reply)

    def charges(self) -> list[dict[str, Any]]:
        """What a real service would have billed, in order."""
        found: list[dict[str, Any]] = self._ask("charges")
        return found

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """The requests that came in, whose path ends so."""
        return [each for each in self._ask("requests") if each["path"].endswith(path)]

    def plays(self) -> list[dict[str, Any]]:
        """The faults that were played, and on what."""
        found: list[dict[str, Any]] = self._ask("faults")
        return found

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("health")
        return found

    def set_faults(self, *script: Mapping[str, Any], rates: Mapping[str, float] | None = None, **others: Any) -> None:
        """Replace all faults: `set_faults({"fault": "cut-charged"})`, or `rates={…}`, `seed=7`."""
        self._ask("faults", {"script": list(script), "rates": dict(rates or {}), **others})

    def reset(self) -> None:
        """No charges, no requests, no faults, chance as at the start."""
        self._ask("faults", {"script": [], "seed": 0})
        self._ask("reset", {})

    def stop(self) -> int:
        """As Ctrl-C does. Its exit code."""
        self.process.terminate()
        return self.process.wait(WAIT)


@contextmanager
def start_sandbox(
    *,
    pictures: str = "plain",
    speed: float = 1000,
    latency: str = "1",
    faults: Path | None = None,
    rates: Mapping[str, float] | None = None,
    seed: int = 0,
    picture_bytes: int = 0,
    ledger: Path | None = None,
    more: Sequence[str] = (),
) -> Iterator[RunningSandbox]:
    """A sandbox that is stopped when the block ends."""
    command = [sys.executable, "-W", "error", "-m", "imagebuild", "sandbox", "--json", f"--pictures={pictures}"]
    command += [f"--speed={speed:g}", f"--latency={latency}", f"--seed={seed}", f"--picture-bytes={picture_bytes}"]
    command += [f"--rate={name}={share}" for name, share in (rates or {}).items()]
    command += [f"--faults={faults}"] if faults else []
    command += [f"--ledger={ledger}"] if ledger else []
    with subprocess.Popen([*command, *more], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the sandbox did not start"
            yield RunningSandbox(process, json.loads(line))
        finally:
            process.kill() if process.poll() is None else None
            process.wait(WAIT)
