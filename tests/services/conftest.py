"""A campaign, a service of the sandbox, and a build in this process: what every test of this folder stands on."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from imagebuild.build.report import Event, Summary
from imagebuild.build.run import Stop
from imagebuild.core.attempt import Payment, settled
from imagebuild.core.plan import USUAL, Policy
from imagebuild.stages.build import run_build
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.store.journal import LocalJournal
from tests.sandboxes import RunningSandbox, start_sandbox

SPEC = """\
imagebuild: 1
campaign: trouble
model: gpt-image-2-2026-04-21
provider: {provider}
allow_floating: true
defaults: {{quality: medium, size: 1024x1024}}
assets:
  poster:
    prompt: "A kettle on a table."
    output: poster.{form}
"""
COMMON = {"IMAGEBUILD_OPENAI_IMAGES_PER_MINUTE": "none", "IMAGEBUILD_TIME_SCALE": "0.0005"}


class Way(NamedTuple):
    """One way of asking a service: its provider, what the environment says besides, where the paid request goes."""

    provider: str
    form: str
    paid: str
    environment: Mapping[str, str] = {}
    shape: str | None = None  # of hinow's replies


WAYS = {
    "openai": Way("openai", "png", "/images/generations"),
    "openai-stream": Way("openai", "png", "/images/generations", {"IMAGEBUILD_OPENAI_PARTIALS": "2"}),
    "openai-batch": Way("openai", "png", "/batches"),
    "hinow": Way("hinow", "png", "/images", shape="data-b64"),
    "hinow-link": Way("hinow", "png", "/images", shape="url"),
    "hinow-chat": Way("hinow", "png", "/chat/completions", {"IMAGEBUILD_HINOW_ROUTE": "chat"}, shape="images-object"),
    "apixo": Way("apixo", "jpg", "/generateTask/gpt-image-2"),
    "kie": Way("kie", "jpg", "/jobs/createTask"),
    "apixo-callback": Way("apixo", "jpg", "/generateTask/gpt-image-2"),
    "kie-callback": Way("kie", "jpg", "/jobs/createTask"),
    "together": Way("together", "jpg", "/images/generations"),
}


@dataclass
class Site:
    """A campaign's folder, built in this process. The environment says which service it is built at."""

    folder: Path
    events: list[Event] = field(default_factory=list)
    traced: list[str] = field(default_factory=list)

    def write(self, text: str) -> None:
        (self.folder / ".imagebuild").mkdir(parents=True, exist_ok=True)
        (self.folder / "campaign.yaml").write_text(text, encoding="utf-8")

    def plan(self, policy: Policy = USUAL) -> Planned:
        return plan_campaign(find_project(None, os.environ, str(self.folder)), policy=policy)

    def build(self, policy: Policy = USUAL) -> Summary:
        self.events.clear()
        return run_build(self.plan(policy), listener=self.events.append, stop=Stop(), trace=self.traced.append).summary

    @property
    def journal(self) -> LocalJournal:
        return LocalJournal(find_project(None, os.environ, str(self.folder)).store)

    def payments(self) -> list[Payment]:
        return settled(self.journal.payments())

    def open_states(self) -> dict[str, str]:
        return {each.address: each.state for each in self.journal.attempts()}


def charges_of(sandbox: RunningSandbox, count: int) -> list[dict[str, Any]]:
    """What the service has charged, once it is so much: a task goes on though nobody waits for it."""
    until = time.monotonic() + 10
    while len(sandbox.charges()) < count and time.monotonic() < until:
        time.sleep(0.01)
    return sandbox.charges()


def spent(charges: list[dict[str, Any]]) -> Decimal:
    return sum((Decimal(each["price"]) for each in charges if not each["refunded"]), Decimal(0))


@pytest.fixture(scope="module")
def running() -> Iterator[RunningSandbox]:
    with start_sandbox(speed=2000, latency="1") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> RunningSandbox:
    """The module's sandbox as new, and the environment pointing at it."""
    running.reset()
    for name in [each for each in os.environ if each.startswith("IMAGEBUILD_")]:
        monkeypatch.delenv(name)
    for name, value in {**running.environment(), **COMMON}.items():
        monkeypatch.setenv(name, value)
    return running


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def callbacks(provider: str) -> dict[str, str]:
    """What the environment says when the service is to call back."""
    port = free_port()
    start = f"IMAGEBUILD_{provider.upper()}_CALLBACK"
    return {f"{start}_URL": f"http://127.0.0.1:{port}/calls", f"{start}_LISTEN": f"127.0.0.1:{port}"}


@pytest.fixture
def site_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Site]:
    """`site_at("kie")`: a campaign, of one picture if nothing else is said, that is built in this way."""

    def make(name: str, text: str = SPEC) -> Site:
        way = WAYS[name]
        more = callbacks(way.provider) if name.endswith("-callback") else {}
        for variable, value in {**way.environment, **more}.items():
            monkeypatch.setenv(variable, value)
        site = Site(tmp_path / "campaign")
        site.write(text.format(provider=way.provider, form=way.form))
        return site

    return make
