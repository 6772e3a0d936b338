"""Services that call back when a task is done: a call is a hint that ends the waiting, and nothing else."""

from __future__ import annotations

import os
import urllib.error
import urllib.request

import pytest

from imagebuild.core.key import digest_of
from tests.sandboxes import start_sandbox
from tests.services.conftest import WAYS

CAMPAIGN = """\
imagebuild: 1
campaign: trouble
model: gpt-image-2-2026-04-21
provider: {provider}
allow_floating: true
defaults: {{quality: medium, size: 1024x1024}}
axes:
  n: [a, b, c]
assets:
  poster:
    over: [n]
    prompt: "{{{{ n }}}}: a kettle on a table."
    output: "{{{{ n }}}}.{form}"
"""
PROVIDERS = ("apixo", "kie")
POLLS = {"apixo": "/statusTask/gpt-image-2", "kie": "/jobs/recordInfo"}


@pytest.fixture(scope="module")
def running():
    """One whose tasks take a minute of its own: who polls by the clock alone does so several times."""
    with start_sandbox(speed=200, latency="60") as sandbox:
        yield sandbox


@pytest.fixture
def patient(sandbox, monkeypatch):
    """Client and service keep the same time."""
    monkeypatch.setenv("IMAGEBUILD_TIME_SCALE", str(1 / 200))
    return sandbox


def polls(sandbox, provider: str) -> int:
    return len(sandbox.requests(POLLS[provider]))


def build(site, sandbox, provider: str, count: int = 3) -> None:
    """Builds it; then every picture is there, asked for and charged once, and is what its own prompt made."""
    summary = site.build()
    assert (summary.made, summary.wrong, summary.left, site.open_states()) == (count, 0, 0, {})
    made = {charge["prompt"][0]: charge["pictures"] for charge in sandbox.charges()}
    assert len(sandbox.charges()) == count
    for name, pictures in made.items():
        path = site.folder / "out" / f"{name}.jpg"
        assert [digest_of(path.read_bytes())] == pictures
    assert len(sandbox.requests(WAYS[provider].paid)) == count


@pytest.mark.parametrize("provider", PROVIDERS)
def test_with_callbacks_fewer_polls_come_to_the_same(patient, site_at, provider):
    build(site_at(provider, CAMPAIGN), patient, provider)
    without = polls(patient, provider)
    patient.reset()
    site = site_at(f"{provider}-callback", CAMPAIGN)
    site.write((site.folder / "campaign.yaml").read_text().replace("a kettle", "a pot"))
    build(site, patient, provider)
    assert 3 <= polls(patient, provider) < without  # one for each picture at least: a call's own words do not count


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("fault", "most"),
    [("callback-lost", 12), ("callback-duplicate", 9), ("callback-forged", 30)],
)
def test_calls_that_are_lost_doubled_or_forged_do_no_harm(patient, site_at, provider, fault, most):
    patient.set_faults({"fault": fault, "times": 1000})
    build(site_at(f"{provider}-callback", CAMPAIGN), patient, provider)
    assert [each["fault"] for each in patient.plays()] == [fault] * 3
    assert 3 <= polls(patient, provider) <= most


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forged_call_is_answered_by_a_poll_and_its_picture_is_never_fetched(patient, site_at, provider):
    patient.set_faults({"fault": "callback-forged", "times": 1000})
    build(site_at(f"{provider}-callback", CAMPAIGN), patient, provider)
    assert polls(patient, provider) > 3  # the false call was answered with a question, and the task was still at work
    fetched = [each for each in patient.requests() if each["path"].startswith("/files/")]
    assert len(fetched) == 3


def test_the_port_is_closed_when_the_build_ends(patient, site_at):
    build(site_at("apixo-callback", CAMPAIGN), patient, "apixo")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(os.environ["IMAGEBUILD_APIXO_CALLBACK_URL"], data=b"{}", timeout=5)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_task_begun_with_a_callback_is_collected_by_a_build_that_listens_nowhere(
    patient, site_at, monkeypatch, provider
):
    patient.set_faults({"fault": "file-error", "times": 100_000})
    site = site_at(f"{provider}-callback", CAMPAIGN)
    assert (site.build().left, len(site.open_states())) == (3, 3)
    patient.set_faults()
    monkeypatch.delenv(f"IMAGEBUILD_{provider.upper()}_CALLBACK_URL")
    assert (site.build().collected, len(patient.charges())) == (3, 3)
