"""What the documentation shows of code, and says of variables and files, held against the program."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from imagebuild.core.attempt import ENDS, STATES
from imagebuild.providers.account import read_account
from imagebuild.providers.catalog import load_catalog
from tests.sandboxes import start_sandbox
from tests.stages.packages import install

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = (ROOT / "schemas" / "README.md").read_text(encoding="utf-8")
PAGES = ("README.md", "schemas/README.md", "examples/README.md", "tests/README.md")
CAMPAIGN = {
    "imagebuild": 1,
    "campaign": "small",
    "model": "gpt-image-2-2026-04-21",
    "defaults": {"quality": "low"},
    "assets": {"poster": {"prompt": "A poster.", "size": "1024x1024", "output": "poster.png"}},
}


def part(title: str) -> str:
    return re.split(r"\n## |\n### ", REFERENCE.split(f"# {title}\n", 1)[1], maxsplit=1)[0]


def test_the_plugin_of_the_reference_is_paid_and_listed(tmp_path: Path) -> None:
    code = re.search(r"^```python\n(.*?)^```$", part("A provider of one's own"), re.DOTALL | re.MULTILINE)
    assert code is not None
    point = re.search(r'\] (\w+) = "([\w:]+)"', code[1])
    assert point is not None
    site, folder = tmp_path / "site", tmp_path / "campaign"
    install(site, point[1], code[1], package="acme-gateway", value=point[2])
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "campaign.yaml").write_text(yaml.safe_dump(CAMPAIGN), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("IMAGEBUILD_")}
    with start_sandbox() as sandbox:
        address = {"ACME_BASE_URL": sandbox.url("openai"), "ACME_API_KEY": sandbox.environment()["OPENAI_API_KEY"]}

        def run(*words: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-W", "error", "-m", "imagebuild", *words], cwd=folder, text=True, encoding="utf-8",
                env={**kept, **address, "PYTHONPATH": str(site), "IMAGEBUILD_TIME_SCALE": "0.001"},
                capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
            )  # fmt: skip

        built = run("build", "--provider", "acme")
        assert built.returncode == 0, built.stderr
        assert len(sandbox.charges()) == 1
        doctor = run("doctor", "acme")
        assert (doctor.returncode, "Acme's gateway" in doctor.stdout) == (0, True), doctor.stdout
        assert len(sandbox.charges()) == 1
    assert (folder / "out" / "poster.png").stat().st_size > 0
    (paid,) = json.loads(run("ledger", "--json").stdout)["payments"]
    assert (paid["provider"], paid["estimate"]) == ("acme", "0.06")


def test_every_variable_of_the_reference_is_one_that_is_read() -> None:
    told = set(
        re.findall(r"\bIMAGEBUILD_[A-Z_]+\b", "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES))
    )
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "imagebuild").rglob("*.py"))
    rows = load_catalog().providers
    values = {"PARTIALS": "1", "ROUTE": "chat", "CALLBACK_URL": "https://a.example", "CALLBACK_LISTEN": "127.0.0.1:1"}
    for variable in sorted(told - {"IMAGEBUILD_PROPERTY_SEEDS", "IMAGEBUILD_TEST_BROWSER"}):
        name, _, word = variable.removeprefix("IMAGEBUILD_").partition("_")
        if name.lower() in rows and word:  # an unknown one of a provider is an error
            value = values.get(word, "7" if "KEY" not in word else "true")
            row = rows[name.lower()]
            read_account(name.lower(), row, {variable: value}, {}, run=lambda _: "k-123456789", others=rows)
        else:
            assert variable in sources, variable


SERVICES = {name: row["key"] for name, row in load_catalog().providers.items() if row["key"] is not None}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_stands_in_the_tables_with_its_key(name: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"| `{name}` | {SERVICES[name]} |" in readme
    assert f"`{name}`" in part("Providers")


def test_every_state_of_an_attempt_and_of_a_payment_is_told() -> None:
    line = next(line for line in part("The journal and the ledger").splitlines() if line.startswith("| `state` |"))
    attempts, payments = line.split("a payment's:")
    assert re.findall(r"`(\w+)`", attempts)[1:] == list(STATES)
    assert re.findall(r"`(\w+)`", payments) == list(ENDS)


def slug(title: str) -> str:
    """As GitHub makes an anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_between_the_pages_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {slug(title) for title in titles}, target
