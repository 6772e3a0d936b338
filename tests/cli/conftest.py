"""A small campaign, written and built once, copied for every test; and the command line, run as people run it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]

CAMPAIGN = """\
imagebuild: 1
campaign: small
model: gpt-image-2-2026-04-21
budget: {build: 5 USD}
defaults: {quality: low, resolution: 1k}
axes:
  locale: {source: en-US, targets: [de-DE, ar-EG], strings: "strings/{locale}.yaml"}
assets:
  scene:
    prompt: "A kettle on a table."
    size: 1024x640
  hero:
    from: scene
    steps:
      - fit: {cover: [320, 200]}
    output: hero.webp
  badge:
    over: [locale]
    from: scene
    steps:
      - fit: {cover: [64, 40]}
    output: "{{ locale }}/badge.png"
  poster:
    over: [locale]
    prompt: prompts/poster.j2
    size: 1024x640
    output: "{{ locale }}/poster.png"
  winter:
    from: scene
    prompt: "The same scene in falling snow."
    references: [brand.png]
    output: winter.jpg
"""
STRINGS = {"en-US": "Warm mornings", "de-DE": "Warme Morgen", "ar-EG": "صباحات دافئة"}


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("IMAGEBUILD_", "FORCE_COLOR"))}
    return {**kept, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def run_imagebuild(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "imagebuild", *words], cwd=folder, env={**_environment(), **environment}, text=True,
        encoding="utf-8", capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def write_campaign(folder: Path) -> None:
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "strings").mkdir()
    (folder / "prompts").mkdir()
    (folder / "campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    (folder / "prompts" / "poster.j2").write_text('A poster. Headline: "{{ t.headline }}"', encoding="utf-8")
    for tag, headline in STRINGS.items():
        (folder / "strings" / f"{tag}.yaml").write_text(f"headline: {headline}\n", encoding="utf-8")
    Image.new("RGB", (64, 64), "#0b3954").save(folder / "brand.png")


@pytest.fixture(scope="session")
def imagebuild() -> Run:
    """`imagebuild(folder, "plan", "--json")`: the command line in a process of its own."""
    return run_imagebuild


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The campaign, never built."""
    folder = tmp_path / "fresh"
    write_campaign(folder)
    return folder


@pytest.fixture(scope="session")
def master_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("campaign") / "built"
    write_campaign(folder)
    done = run_imagebuild(folder, "build", "--json")
    assert done.returncode == 0, done.stderr
    (folder / "first-build.jsonl").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def built(master_copy: Path, tmp_path: Path) -> Path:
    """The campaign with everything built and in place; without the memory, which speaks of where it was made."""
    ignored = shutil.ignore_patterns("memory")
    return Path(shutil.copytree(master_copy, tmp_path / "built", copy_function=shutil.copy2, ignore=ignored))


@pytest.fixture(scope="session")
def first_build(master_copy: Path) -> list[dict[str, Any]]:
    """The events of the first build."""
    return [json.loads(line) for line in (master_copy / "first-build.jsonl").read_text(encoding="utf-8").splitlines()]


def say_in(folder: Path, tag: str, headline: str) -> None:
    """Change the headline of one language."""
    (folder / "strings" / f"{tag}.yaml").write_text(f"headline: {headline}\n", encoding="utf-8")


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Change a text in a file that must have it."""
    text = (folder / path).read_text(encoding="utf-8")
    assert old in text
    (folder / path).write_text(text.replace(old, new), encoding="utf-8")


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by path: to see that nothing was written."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }  # fmt: skip
