"""A key is in no file of a project or a store, and in no output, whatever a service says and however it was given.

The key that is looked for has characters that JSON, addresses and shells write otherwise; each of its forms is looked
for. One server answers as the services do, another one says back whatever it was sent.
"""

from __future__ import annotations

import asyncio
import base64
import html
import json
import os
import shlex
import sys
import threading
import traceback
from collections.abc import Callable, Coroutine, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from aiohttp import web

from imagebuild.build.run import Stop
from imagebuild.cli.main import main
from imagebuild.errors import ImagebuildError
from imagebuild.sandbox.desk import Desk
from imagebuild.sandbox.faults import FAULTS, Faults, Latency, Rule
from imagebuild.sandbox.painters import plain_painter
from imagebuild.sandbox.server import environment, running
from imagebuild.stages.build import run_build
from tests.cli.conftest import run_imagebuild
from tests.services.conftest import COMMON, WAYS, Site

KEY = 'sk-proj-"K3y/of+the%house\\n0123456789&=?#<x>'
VARIABLES = ("OPENAI_API_KEY", "HINOW_API_KEY", "APIXO_API_KEY", "KIE_API_KEY", "TOGETHER_API_KEY")
BEARER = f"Bearer {KEY}"
FORMS = sorted(
    {
        KEY, json.dumps(KEY)[1:-1], json.dumps(KEY)[1:-1].replace("/", "\\/"), repr(KEY)[1:-1], quote(KEY),
        quote(KEY, safe=""), quote_plus(KEY), html.escape(KEY), base64.b64encode(KEY.encode()).decode().rstrip("="),
    }
)  # fmt: skip
LEAST = 12  # characters in a row that would be a piece of it worth having
PIECES = sorted({form[at : at + LEAST] for form in FORMS for at in range(0, len(form) - LEAST + 1)})


def leaks(data: bytes) -> list[str]:
    """What of the key is in these bytes."""
    return [each for each in FORMS if each.encode() in data] or [each for each in PIECES if each.encode() in data]


def assert_kept(site: Site, *outputs: str, store: Path | None = None) -> None:
    """Nothing of the key is in any file, but the one it was given in, and in no output."""
    folders = [site.folder] + ([store] if store is not None else [])
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != ".env"]
    assert len(files) > 1
    for path in files:
        assert leaks(path.read_bytes()) == [], path
        assert leaks(str(path).encode()) == [], path
    for output in outputs:
        assert leaks(output.encode()) == [], output


# ------------------------------------------------------------------------------------------------------- the servers


class House:
    """A sandbox that wants this key, and a server that says back what it is sent, in a thread of their own."""

    def __init__(self) -> None:
        latency = Latency.parse("1")
        self.desk = Desk(plain_painter(), faults=Faults(), latency=latency, key=KEY, speed=2000)
        self.loop = asyncio.new_event_loop()
        self.base = self.echo = ""
        self._is_up, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: self.loop.run_until_complete(self._serve()))

    async def _serve(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{kind}/{rest:.*}", say_back)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with running(self.desk) as self.base:
            self.echo = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self._is_up.set()
            await self._over.wait()
        await runner.cleanup()

    def __enter__(self) -> House:
        self._thread.start()
        assert self._is_up.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self.loop.close()
        self.desk.close()

    def set_faults(self, *names: str, times: int = 1) -> None:
        async def change() -> None:
            self.desk.reset()
            self.desk.faults = Faults(script=[Rule(fault=name, times=times) for name in names])

        self._call(change())

    def _call(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def environment(self) -> dict[str, str]:
        return {**environment(self.base, self.desk), **COMMON}


def _said(request: web.Request) -> str:
    """What came, in all its forms, as a careless server repeats it."""
    sent = request.headers.get("Authorization", BEARER)
    key = sent.removeprefix("Bearer ")
    return f"key {key} of {sent} ({quote(key, safe='')}, {json.dumps(key)}, {quote_plus(key)}) is not for this"


KINDS = (
    "400-json", "401-json", "402-json", "403-json", "404-json", "422-json", "429-json", "451-json", "500-json",
    "503-json", "200-json", "400-text", "401-page", "404-page", "500-page", "200-page", "200-large", "400-large",
    "200-link", "200-task", "200-failed", "302-away", "200-cut",
)  # fmt: skip


async def say_back(request: web.Request) -> web.StreamResponse:
    """Answers what the first part of the path wants."""
    await request.read()
    status, kind = request.match_info["kind"].split("-")
    said = _said(request)
    # a header's value cannot hold everything that a key can
    headers = {"x-request-id": request.headers.get("Authorization", "none"), "x-echo": quote(KEY, safe="")}
    error = {"error": {"message": said, "type": said, "code": said, "param": said}, "msg": said, "message": said}
    padding = {"padding": "x" * 40_000}
    if kind in ("link", "task", "failed"):
        return web.json_response(_taken(request, kind, said), headers=headers)
    if kind == "away":
        headers["location"] = f"https://elsewhere.example.com/{quote(KEY, safe='')}"
    if kind == "cut":
        return await _cut(request, json.dumps({**error, **padding}).encode(), headers)
    if kind in ("page", "text", "away"):
        title = html.escape(request.headers.get("Authorization", "none"))
        page = f"<html><title>{title}</title><body>{title}: {said}</body></html>" if kind != "text" else said
        return web.Response(status=int(status), text=page, headers=headers, content_type="text/html")
    body = {**error, **(padding if kind == "large" else {}), "end": said}
    return web.json_response(body, status=int(status), headers=headers)


def _taken(request: web.Request, kind: str, said: str) -> Mapping[str, Any]:
    """A task that is taken, and then fails or is done; or, where no task was asked for, a picture at an address."""
    link = f"http://127.0.0.1:{request.url.port}/404-page/{quote(KEY, safe='')}.png"
    if kind == "link" and "ask" not in request.path and "job" not in request.path:
        return {"data": [{"url": link}], "note": said}
    if request.method == "POST":
        return {"code": 200, "message": said, "data": {"taskId": KEY if kind == "task" else "task_1", "note": said}}
    if kind == "failed":
        return {"code": 200, "data": {"taskId": "task_1", "state": "failed", "failCode": said, "failMsg": said}}
    result = json.dumps({"resultUrls": [link]})
    return {"code": 200, "data": {"taskId": "task_1", "state": "success", "resultJson": result, "note": said}}


async def _cut(request: web.Request, body: bytes, headers: Mapping[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(status=200, headers=headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[:30_000])
    await asyncio.sleep(0.02)
    if request.transport is not None:
        request.transport.abort()
    return response


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as found:
        yield found


@pytest.fixture
def here(house, monkeypatch) -> House:
    """The environment points at the sandbox, with the key."""
    house.set_faults()
    for name in [each for each in os.environ if each.startswith("IMAGEBUILD_")]:
        monkeypatch.delenv(name)
    for name, value in house.environment().items():
        monkeypatch.setenv(name, value)
    return house


Command = Callable[..., tuple[int, str]]


@pytest.fixture
def imagebuild(monkeypatch, capsys) -> Command:
    """`imagebuild(site, "build", "--debug")`: the command line, in this process. Its exit code, and all it says."""

    def run(site: Site, *words: str) -> tuple[int, str]:
        monkeypatch.chdir(site.folder)
        told = ""
        try:
            code = main(words)
        except ImagebuildError as bad:  # with `--debug` the interpreter shows it
            code, told = 1, "".join(traceback.format_exception(bad))
        said = capsys.readouterr()
        return code, said.out + said.err + told

    return run


def text_of(site: Site, summary: object) -> str:
    """Everything that a build has said, to whomever."""
    return "\n".join([repr(summary), *map(repr, site.events), *site.traced])


# ----------------------------------------------------------------------------------------- what a service can say


@pytest.mark.parametrize("way", ["openai", "openai-stream", "hinow", "hinow-chat", "apixo", "kie", "together"])
def test_no_fault_of_a_service_brings_the_key_into_a_file_or_a_message(here, site_at, way):
    site = site_at(way)
    for fault in (each for each in FAULTS if FAULTS[each].stages & {"request", "result", "stream", "file"}):
        here.set_faults(fault)
        text = site.folder / "campaign.yaml"
        text.write_text(text.read_text().replace("A kettle", f"{fault}: A kettle"))  # each a picture of its own
        summary = site.build()
        assert leaks(text_of(site, summary).encode()) == [], fault
    assert_kept(site)


ECHOES = [
    (way, kind)
    for way in ("openai", "openai-stream", "hinow", "apixo", "kie", "together")
    for kind in KINDS
    if way == "openai" or kind.startswith("200") or (way == "apixo" and kind != "429-json")  # all read a refusal alike
]


@pytest.mark.parametrize(("way", "kind"), ECHOES)
def test_a_service_that_says_the_key_back_is_not_believed_to_be_quotable(here, site_at, monkeypatch, way, kind):
    monkeypatch.setenv(f"{WAYS[way].provider.upper()}_BASE_URL", f"{here.echo}/{kind}/v1")
    site = site_at(way)
    summary = site.build()
    assert (summary.made, summary.failed + summary.refused + summary.uncertain + summary.left) == (0, 1)
    assert "***" in text_of(site, summary)  # it did say it
    assert_kept(site, text_of(site, summary))
    again = site.build()  # what is remembered is as clean
    assert_kept(site, text_of(site, again))


# ------------------------------------------------------------------------------------------- what is shown of it all


COMMANDS = (
    "build --debug", "build --json", "plan --json", "why poster", "ledger", "ledger --json", "doctor", "doctor --json",
)  # fmt: skip


@pytest.mark.parametrize("base", ["400-json", "401-page", None])
def test_no_command_shows_the_key(here, site_at, imagebuild, monkeypatch, tmp_path, base):
    monkeypatch.setenv("IMAGEBUILD_STORE", str(tmp_path / "store"))
    for variable in VARIABLES if base is not None else ():
        monkeypatch.setenv(variable.replace("API_KEY", "BASE_URL"), f"{here.echo}/{base}/v1")
    site = site_at("openai")
    said = [imagebuild(site, *words.split())[1] for words in COMMANDS]
    assert all(said)
    assert_kept(site, *said, store=tmp_path / "store")


def test_neither_a_refused_connection_nor_its_traceback_shows_the_key(here, site_at):
    site = site_at("openai")
    more = {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "IMAGEBUILD_TIME_SCALE": "0.0005"}
    done = run_imagebuild(site.folder, "build", "--debug", **more)
    assert "cannot reach" in done.stderr
    assert leaks((done.stdout + done.stderr).encode()) == []


class Broken(Exception):
    """Something nobody foresaw."""


@pytest.mark.parametrize("kind", ["start", "failed", "made"])
def test_a_crash_in_the_middle_of_a_build_shows_the_key_in_no_traceback(here, site_at, kind):
    site = site_at("openai")
    here.set_faults(*(["bad-key"] if kind == "failed" else []))

    def listener(event: object) -> None:
        if event.kind == kind:  # type: ignore[attr-defined]
            raise Broken(f"{event!r}")

    with pytest.raises(Broken) as caught:
        run_build(site.plan(), listener=listener, stop=Stop(), trace=site.traced.append)
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert_kept(site, told, *site.traced)


# ------------------------------------------------------------------------------------------------ where it comes from


def test_a_key_of_the_file_beside_the_campaign_stays_there(here, site_at, imagebuild, monkeypatch):
    site = site_at("openai")
    monkeypatch.delenv("OPENAI_API_KEY")
    (site.folder / ".env").write_text(f"OPENAI_API_KEY='{escaped(KEY)}'\n", encoding="utf-8")
    _assert_works(here, site, imagebuild)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def test_a_key_that_a_command_tells_stays_with_it(here, site_at, imagebuild, monkeypatch, tmp_path):
    site = site_at("openai")
    monkeypatch.delenv("OPENAI_API_KEY")
    (tmp_path / "key.txt").write_text(KEY + "\n", encoding="utf-8")
    read = f"import pathlib; print(pathlib.Path({str(tmp_path / 'key.txt')!r}).read_text())"
    monkeypatch.setenv("IMAGEBUILD_OPENAI_KEY_COMMAND", shlex.join([sys.executable, "-c", read]))
    _assert_works(here, site, imagebuild)


def test_a_command_that_fails_is_not_quoted_with_what_it_wrote(here, site_at, imagebuild, monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_API_KEY")
    (tmp_path / "key.txt").write_text(KEY + "\n", encoding="utf-8")
    read = f"import pathlib; print(pathlib.Path({str(tmp_path / 'key.txt')!r}).read_text()); raise SystemExit(3)"
    monkeypatch.setenv("IMAGEBUILD_OPENAI_KEY_COMMAND", shlex.join([sys.executable, "-c", read]))
    code, said = imagebuild(site_at("openai"), "build", "--debug")
    assert code == 1
    assert "no key by the command of `IMAGEBUILD_OPENAI_KEY_COMMAND`: it ended with exit code 3" in said
    assert leaks(said.encode()) == []


@pytest.mark.parametrize(
    "value", [f"{KEY} and more", f"Bearer {KEY}", f"“{KEY}”"], ids=["more", "bearer", "quotes"]
)  # fmt: skip
def test_a_key_that_is_none_is_refused_without_being_shown(here, site_at, imagebuild, monkeypatch, value):
    monkeypatch.setenv("OPENAI_API_KEY", value)
    code, said = imagebuild(site_at("openai"), "build", "--debug")
    assert code == 1
    assert "`OPENAI_API_KEY` is no key" in said
    assert leaks(said.encode()) == []


def _assert_works(house: House, site: Site, imagebuild: Command) -> None:
    said = [imagebuild(site, *words.split()) for words in ("build --debug", "doctor openai")]
    assert [code for code, _ in said] == [0, 0], said
    assert (site.folder / "out" / "poster.png").exists()
    house.set_faults("bad-key")
    (site.folder / "campaign.yaml").write_text((site.folder / "campaign.yaml").read_text().replace("kettle", "pot"))
    said.append(imagebuild(site, "build", "--debug"))
    assert said[-1][0] == 1
    assert_kept(site, *(text for _, text in said))
