"""From a name to a provider and its connection: what each needs, what it is told, and what it never gets."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imagebuild.build.run import Service
from imagebuild.build.terms import Terms
from imagebuild.core.offer import Offer
from imagebuild.core.plan import USUAL
from imagebuild.errors import Problems, ProviderError
from imagebuild.providers.base import Ask, Attachment, Request
from imagebuild.providers.catalog import load_catalog
from imagebuild.stages.project import find_project
from imagebuild.stages.services import Setting, account_of, open_provider, service_of, setting_of
from imagebuild.store.journal import LocalJournal

CATALOG = load_catalog()
MODEL = next(iter(CATALOG.models))
SERVICES = [name for name, row in CATALOG.providers.items() if row.get("key")]
KEYS = {CATALOG.providers[name]["key"]: "sk-test-0123456789" for name in SERVICES}
TERMS = Terms(campaign="small", floating=False, policy=USUAL, now=lambda: "2026-11-03T10:00:00Z", new_id=lambda: "1")
HERE = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
PICTURE = Attachment(data=b"png", media_type="image/png", name="brand.png", digest="d1")
REQUEST = Request(
    key="k", operation="generate", model=MODEL, prompt="A kettle.", size=(1024, 1024), quality="medium", format="jpeg",
)  # fmt: skip


def offer_of(name: str) -> Offer:
    found = CATALOG.offer(
        name, MODEL, allow_floating=True, problems=Problems(), model_at=None, provider_at=None
    )  # fmt: skip
    assert found is not None
    return found


def in_service(
    name: str, folder: Path, see: Callable[[Service], Any], environment: Mapping[str, str] | None = None
) -> Any:
    """What is seen of a provider's service while it is open."""
    setting = Setting(environment=KEYS if environment is None else environment, dotenv={})

    async def run() -> Any:
        async with service_of(offer_of(name), setting, LocalJournal(str(folder / "store")), TERMS) as service:
            return see(service)

    return asyncio.run(run())


def first_wish(name: str, request: Request, environment: Mapping[str, str] = KEYS) -> Ask:
    """What a provider asks for first."""
    setting = Setting(environment=environment, dotenv={})
    wish = next(open_provider(offer_of(name), account_of(name, setting), setting).flow(request))
    assert isinstance(wish, Ask)
    return wish


def test_the_provider_inside_has_no_connection_no_journal_and_needs_no_key(tmp_path):
    service = in_service("proof", tmp_path, lambda service: service, {})
    assert service.provider.name == "proof"
    assert (service.wire, service.journal, service.terms, service.batching) == (None, None, None, None)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_of_the_catalogue_has_a_client_with_its_own_limits_and_a_journal(name, tmp_path):
    service = in_service(name, tmp_path, lambda service: service)
    limits = CATALOG.providers[name]["limits"]
    assert service.provider.name == name
    assert service.provider.limits.concurrency == limits["concurrency"]
    assert service.wire is not None
    assert service.journal.root == str(tmp_path / "store")
    assert (service.batching is not None) == ("batch" in CATALOG.providers[name])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_asked_at_its_address_for_its_own_id_with_what_is_paid_marked_so(name):
    wish = first_wish(name, REQUEST)
    assert wish.url.startswith(CATALOG.providers[name]["base_url"] + "/")
    assert (wish.paid, wish.authorized, wish.method) == (True, True, "POST")
    assert offer_of(name).id in f"{wish.url} {wish.json}"


@pytest.mark.parametrize("name", SERVICES)
def test_without_a_key_it_is_said_which_and_where_to_put_it(name, tmp_path):
    with pytest.raises(ProviderError) as caught:
        in_service(name, tmp_path, lambda service: service, {})
    assert caught.value.what == f"no key for `{name}`"
    assert caught.value.hint.startswith(f"set {CATALOG.providers[name]['key']} in the environment, or in a file `.env`")
    assert "`imagebuild doctor`" in caught.value.hint


def test_one_knob_scales_the_waits_of_a_build_and_of_its_wire(tmp_path):
    environment = {**KEYS, **HERE, "IMAGEBUILD_TIME_SCALE": "0.01"}
    assert in_service("openai", tmp_path, lambda service: service.terms.scale, environment) == 0.01
    assert in_service("openai", tmp_path, lambda service: service.terms.scale) == 1.0
    with pytest.raises(ProviderError, match=r"`api\.openai\.com` is no sandbox"):
        in_service("openai", tmp_path, lambda service: service, {**KEYS, "IMAGEBUILD_TIME_SCALE": "0.01"})


def test_a_builds_terms_bear_the_mark_of_the_account_that_is_asked(tmp_path):
    terms = in_service("openai", tmp_path, lambda service: service.terms)
    own = account_of("openai", Setting(environment=KEYS, dotenv={}))
    assert terms == replace(TERMS, scale=1.0, account=own.mark)
    assert in_service("openai", tmp_path, lambda service: service.terms.account, {**KEYS, **HERE}) != own.mark


def test_hinow_has_two_routes_and_a_third_is_a_mistake():
    assert first_wish("hinow", REQUEST).url.endswith("/images")
    assert first_wish("hinow", REQUEST, {**KEYS, "IMAGEBUILD_HINOW_ROUTE": "chat"}).url.endswith("/chat/completions")
    with pytest.raises(ProviderError, match="`IMAGEBUILD_HINOW_ROUTE` is `video`"):
        first_wish("hinow", REQUEST, {**KEYS, "IMAGEBUILD_HINOW_ROUTE": "video"})


def test_reference_pictures_go_by_the_address_a_team_has_put_them_at():
    request = replace(REQUEST, references=(PICTURE,))
    environment = {**KEYS, "IMAGEBUILD_REFERENCES_URL": "https://cdn.example.com/refs/"}
    assert "'https://cdn.example.com/refs/d1.png'" in str(first_wish("apixo", request, environment).json)
    assert "'https://cdn.example.com/refs/d1.png'" in str(first_wish("together", request, environment).json)
    assert "data:image/png;base64," in str(first_wish("together", request).json)
    with pytest.raises(ProviderError, match="only by their public address"):
        first_wish("apixo", request)


def test_callbacks_are_listened_for_where_they_are_wanted_and_the_service_is_told_where(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    environment = {
        **KEYS, "IMAGEBUILD_APIXO_CALLBACK_URL": "https://builds.example.com/calls",
        "IMAGEBUILD_APIXO_CALLBACK_LISTEN": f"127.0.0.1:{port}",
    }  # fmt: skip

    def seen(service: Service) -> dict[str, Any]:
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", port))
        wish = next(service.provider.flow(REQUEST))
        assert isinstance(wish, Ask)
        return wish.json

    order = in_service("apixo", tmp_path, seen, environment)
    assert order["request_type"] == "callback"
    assert order["callback_url"].startswith("https://builds.example.com/calls/")
    with closing(socket.create_server(("127.0.0.1", port))) as free:  # it listens no more
        assert free.getsockname()[1] == port
    assert first_wish("apixo", REQUEST).json["request_type"] == "async"


def test_a_setting_is_the_environments_then_the_files_beside_the_campaign_then_the_projects(tmp_path):
    folder = tmp_path / "ads"
    (tmp_path / ".imagebuild").mkdir()
    folder.mkdir()
    (folder / "campaign.yaml").write_text("imagebuild: 1\n", encoding="utf-8")
    (folder / ".env").write_text("A=near\nB=near\n", encoding="utf-8")
    (tmp_path / ".env").write_text("A=root\nB=root\nC=root\n", encoding="utf-8")
    setting = setting_of(find_project(None, {}, str(folder)), {"A": "environment", "C": " "})
    assert [setting.find(name) for name in "ABCD"] == ["environment", "near", "root", ""]


def test_looking_a_provider_up_loads_neither_the_network_nor_what_draws():
    program = (
        "import sys, imagebuild.stages.services as services\n"
        "services.account_of('openai', services.Setting(environment={}, dotenv={}))\n"
        "loaded = {'aiohttp', 'yarl', 'imagebuild.providers.incoming', 'imagebuild.picture.proof.brush'}\n"
        "print(sorted(loaded & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
