"""Providers that packages bring: real packages in a folder on the path, and the command line that finds them there."""

from __future__ import annotations

import io
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagebuild.providers.catalog import load_catalog
from imagebuild.stages.plugins import GROUP, examined
from tests.cli.conftest import run_imagebuild
from tests.stages.packages import LOCAL, OVER_THE_WIRE, install

CAMPAIGN = """\
imagebuild: 1
campaign: small
model: gpt-image-2-2026-04-21
defaults: {quality: low}
axes:
  locale: {source: en-US, targets: [de-DE, fr-FR]}
assets:
  poster:
    over: [locale]
    prompt: "A poster in {{ locale }}."
    size: 1024x640
    output: "{{ locale }}/poster.png"
"""

Imagebuild = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    folder = tmp_path / "campaign"
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def imagebuild(campaign: Path, site: Path) -> Imagebuild:
    """The command line, in an environment that has what is installed in `site`."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run_imagebuild(campaign, *words, PYTHONPATH=str(site), **environment)

    return run


class Studio(ThreadingHTTPServer):
    """The service behind a plugin: paints what it is sent, and remembers it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.orders: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Answering(BaseHTTPRequestHandler):
    server: Studio

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/v1/health" else 404, b"{}")

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.orders.append(order)
        self.server.keys.append(self.headers["Authorization"])
        buffer = io.BytesIO()
        Image.new("RGB", tuple(order["size"]), "#cc3300").save(buffer, order["format"])
        self._answer(200, buffer.getvalue())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def studio() -> Iterator[Studio]:
    with Studio() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def over_the_wire(studio: Studio, key: str | None = None) -> str:
    return OVER_THE_WIRE.replace("BASE", studio.base).replace("KEY,", f"{key!r},")


# --------------------------------------------------------------------------------------------------- one that works


def test_a_provider_that_works_here_is_planned_built_and_listed_without_a_key(campaign, site, imagebuild):
    install(site, "thing", LOCAL)
    plan = imagebuild("plan", "--provider", "thing")
    assert "small · thing · gpt-image-2-2026-04-21 · prices of " in plan.stdout
    assert plan.stdout.rstrip().endswith("Plan: 3 to make. Price: $0.00.")
    built = imagebuild("build", "--provider", "thing")
    assert (built.returncode, built.stdout[:12]) == (0, "Done: made 3"), built.stderr
    with Image.open(campaign / "out" / "de-DE" / "poster.png") as picture:
        assert (picture.size, picture.getpixel((9, 9))) == ((1024, 640), (0x33, 0x66, 0x99))
    assert imagebuild("ledger").stdout == "nothing was ever paid here\n"
    doctor = json.loads(imagebuild("doctor", "thing", "--json").stdout)
    (found,) = doctor["providers"]
    assert (found["state"], found["limits"]["concurrency"], found["base_url"]) == ("ready", 3, None)


def test_a_provider_behind_an_address_is_paid_once_and_in_the_ledger_without_a_key_if_it_wants_none(
    campaign, site, imagebuild, studio
):
    install(site, "acme", over_the_wire(studio))
    plan = json.loads(imagebuild("plan", "--json", IMAGEBUILD_PROVIDER="acme").stdout)
    assert (plan["provider"], plan["price"], plan["paid"]) == ("acme", "0.09", 3)
    built = imagebuild("build", IMAGEBUILD_PROVIDER="acme")
    assert built.returncode == 0, built.stderr
    assert "spent $0.06" in built.stdout
    assert len(studio.orders) == 3
    assert {order["model"] for order in studio.orders} == {"acme/gpt-image-2"}
    assert studio.keys == [None, None, None]
    payments = json.loads(imagebuild("ledger", "--json").stdout)["payments"]
    assert [(each["provider"], each["state"], each["billed"]) for each in payments] == [("acme", "paid", "0.02")] * 3
    assert imagebuild("build", IMAGEBUILD_PROVIDER="acme").stdout == "Nothing to do: all 3 in place.\n"
    assert len(studio.orders) == 3


def test_a_provider_that_wants_a_key_gets_it_by_the_wire_alone_and_says_what_is_missing(
    campaign, site, imagebuild, studio
):
    install(site, "acme", over_the_wire(studio, "ACME_API_KEY"))
    refused = imagebuild("build", "--provider", "acme")
    assert refused.returncode == 1
    assert "error: no key for `acme`\n  hint: set ACME_API_KEY in the environment" in refused.stderr
    assert imagebuild("doctor", "acme").returncode == 1
    assert studio.orders == []
    doctor = imagebuild("doctor", "acme", "--json", ACME_API_KEY="acme-0123456789")
    (found,) = json.loads(doctor.stdout)["providers"]
    assert (found["state"], found["words"], found["key_from"]) == ("ready", "all is well", "ACME_API_KEY")
    built = imagebuild("build", "--provider", "acme", ACME_API_KEY="acme-0123456789")
    assert built.returncode == 0, built.stderr
    assert studio.keys == ["Bearer acme-0123456789"] * 3


def test_the_variables_of_every_provider_hold_for_a_plugins_too(campaign, site, imagebuild, studio):
    install(site, "acme", over_the_wire(studio, "ACME_API_KEY").replace(studio.base, "https://acme.invalid/v1"))
    variables = {"ACME_API_KEY": "acme-0123456789", "ACME_BASE_URL": studio.base, "IMAGEBUILD_ACME_CONCURRENCY": "9"}
    doctor = imagebuild("doctor", "acme", "--json", **variables)
    (found,) = json.loads(doctor.stdout)["providers"]
    assert (found["base_url"], found["limits"]["concurrency"], found["state"]) == (studio.base, 9, "ready")
    assert imagebuild("build", "--provider", "acme", **variables).returncode == 0


# ------------------------------------------------------------------------------------------------- those that do not

BROKEN = {
    "absent": ("import no_such_module_here\n", "cannot be loaded: ModuleNotFoundError: No module named 'no_such_mod"),
    "quits": ("raise SystemExit(3)\n", "cannot be loaded: SystemExit: 3"),
    "empty": ("class Plugin:\n    pass\n", "is no provider: it needs `row` and `open`"),
    "wants": ("class Plugin:\n    def __init__(self, x): ...\n", "cannot be loaded: TypeError: "),
    "priced": (LOCAL.replace('"0"', "0.05"), "has a row that this version cannot use: `models.gpt-image-2-2026-04-21"),
    "openai": (LOCAL, "has a row that this version cannot use: there is a provider `openai` already"),
}


@pytest.fixture
def broken_site(site: Path) -> Path:
    """All that can be wrong with a plugin, installed together with one that works."""
    install(site, "thing", LOCAL)
    for name, (code, _) in BROKEN.items():
        install(site, name, code, package=f"acme-{name}")
    install(site, "twice", LOCAL, package="acme-one")
    install(site, "twice", LOCAL, package="acme-other")
    return site


def test_a_plugin_that_is_broken_is_told_when_it_is_asked_for_with_what_to_do(broken_site, imagebuild):
    done = imagebuild("plan", "--provider", "absent")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: the plugin `absent` (`acme_absent:Plugin`) cannot be loaded: ModuleNotFoundError: No module named "
        "'no_such_module_here'\n  hint: update or remove the package it comes from: `pip uninstall acme-absent`\n"
    )


def test_plans_of_other_providers_go_on_beside_broken_plugins(broken_site, imagebuild):
    assert imagebuild("plan", "--provider", "thing").stdout.rstrip().endswith("Price: $0.00.")
    openai = imagebuild("plan", "--provider", "openai")
    assert (openai.returncode, openai.stderr) == (0, "")
    assert "small · openai · " in openai.stdout
    assert imagebuild("build", "--provider", "thing").returncode == 0
    unknown = imagebuild("plan", "--provider", "thingy")
    assert "error: no provider `thingy`\n  hint: did you mean `thing`?" in unknown.stderr


def test_doctor_lists_what_is_broken_with_its_cause_and_the_rest_as_ever(broken_site, imagebuild):
    found = json.loads(imagebuild("doctor", "--offline", "--json").stdout)["providers"]
    states = {each["name"]: each["state"] for each in found if each["title"] != "a plugin"}
    assert states["thing"] == states["proof"] == "ready"
    assert states["openai"] == "no-key"
    broken = {each["name"]: each["words"] for each in found if each["state"] == "broken"}
    assert broken.keys() == {*BROKEN, "twice"}
    for name, (_, cause) in BROKEN.items():
        assert broken[name].startswith(f"the plugin `{name}` (`acme_{name}:Plugin`) {cause}")
    assert broken["twice"].endswith("is brought by another package too")
    shown = imagebuild("doctor", "absent")
    assert shown.returncode == 1
    assert "`pip uninstall acme-absent`" in shown.stdout


def test_a_plugin_whose_check_fails_is_a_finding_and_not_the_end_of_the_others(site, imagebuild, studio):
    install(site, "acme", over_the_wire(studio).replace('Health(True, "all is well")', "1 / 0"))
    install(site, "shut", over_the_wire(studio).replace("staticmethod(Acme)", "None"))
    told = over_the_wire(studio, "TELL_API_KEY").replace("self.model = offer.id", "raise OSError(account.key.reveal())")
    install(site, "tell", told)
    said = imagebuild("doctor", "--json", TELL_API_KEY="tell-0123456789").stdout
    assert "tell-0123456789" not in said
    found = {each["name"]: each for each in json.loads(said)["providers"]}
    assert found["tell"]["words"] == "the plugin failed: OSError: ***"
    assert (found["acme"]["state"], found["acme"]["words"]) == (
        "broken", "the plugin failed: ZeroDivisionError: division by zero",
    )  # fmt: skip
    assert found["shut"]["state"] == "broken"
    assert found["proof"]["state"] == "ready"


# --------------------------------------------------------------------------------------------------- without a process


def test_a_plugin_may_be_an_object_a_class_or_a_module(tmp_path, monkeypatch):
    (tmp_path / "forms_of_a_plugin.py").write_text(
        LOCAL + "\nOBJECT = Plugin()\nrow = Plugin.row\n\n\ndef open(account, offer):\n    return Thing()\n", "utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    points = [
        EntryPoint(name, value, GROUP)
        for name, value in [
            ("object", "forms_of_a_plugin:OBJECT"), ("class", "forms_of_a_plugin:Plugin"),
            ("module", "forms_of_a_plugin"),
        ]
    ]  # fmt: skip
    found = examined(points, load_catalog())
    assert found.broken == {}
    assert [plugin.open(None, None).name for plugin in found.good.values()] == ["thing"] * 3


def test_what_a_strangers_package_says_is_shortened_to_a_line(tmp_path, monkeypatch):
    (tmp_path / "talkative_plugin.py").write_text("raise RuntimeError('much\\n' * 1000)\n", "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    found = examined([EntryPoint("talks", "talkative_plugin", GROUP)], load_catalog())
    assert "\n" not in found.broken["talks"].what
    assert len(found.broken["talks"].what) < 400
    assert found.broken["talks"].hint == "update or remove the package it comes from"
