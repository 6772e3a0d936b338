"""A campaign with everything that a page shows: copy from right to left, a placement, variants, one that no reader
could read, one that did not pass; built once by the proof provider. And the short ways to open a desk over it."""

from __future__ import annotations

import datetime
import json
import secrets
from pathlib import Path
from typing import Any

from PIL import Image

from imagebuild.stages.project import find_project
from imagebuild.stages.review.desk import ProjectDesk, Showing
from tests.cli.conftest import run_imagebuild

ANA, BEN, LEA = "ana@northwind.example", "ben@northwind.example", "lea@northwind.example"
NOW = datetime.datetime(2026, 11, 21, 22, 54, 29, tzinfo=datetime.UTC)
ATTACK = "</script><script>alert(1)</script><!-- \u2028 <img src=x onerror=alert(2)>"

CAMPAIGN = """\
imagebuild: 1
campaign: shown
model: gpt-image-2-2026-04-21
budget: {build: 5 USD, campaign: 50 USD}
defaults: {quality: low, resolution: 1k}
approvers: {brand: [ana@northwind.example, ben@northwind.example], legal: [lea@northwind.example]}
approval:
  need: {brand: 1}
  by_others: false
  for:
    - {locale: ar-EG, need: {legal: 1}}
axes:
  locale: {source: en-US, targets: [de-DE, ar-EG], strings: "strings/{locale}.yaml"}
  ratio: [{name: wide, size: 480x270}, {name: story, placement: meta/story}]
assets:
  scene:
    prompt: prompts/scene.j2
    size: 1024x640
    references: [brand.png]
  hero:
    over: [locale, ratio]
    from: scene
    steps:
      - typeset: {layout: hero.yaml, text: {headline: "{{ t.headline }}"}}
    checks: {text: {unverified: deliver}}
    output: "{{ locale }}/{{ ratio.slug }}.jpg"
    alt: "{{ t.headline }}"
  tile:
    from: scene
    steps:
      - fit: {cover: [60, 40]}
    checks: {palette: {colors: ["#00ff00"], share: 0.9}}
    output: tile.png
  poster:
    prompt: "A poster of a kettle."
    variants: 3
    output: poster.png
  swatch:
    from: scene
    steps:
      - fit: {cover: [30, 20]}
    output: swatch.png
    approval: {need: none}
"""
LAYOUT = """\
layout: 1
shapes:
  landscape: {groups: [{box: [0.05, 0.1, 0.6, 0.6], items: [{role: headline, size: [0.05, 0.12]}]}]}
  portrait: {groups: [{box: [0.05, 0.3, 0.6, 0.2], items: [{role: headline, size: [0.05, 0.12]}]}]}
"""
STRINGS = {"en-US": "Warm mornings", "de-DE": "Warme Morgen", "ar-EG": "صباحات دافئة"}
UNREAD = {"TESSERACT": "/nonexistent"}  # so that it is the same where nothing can read: nobody can tell


def write_shown(folder: Path) -> None:
    for name in (".imagebuild", "strings", "prompts"):
        (folder / name).mkdir(parents=True)
    (folder / "campaign.yaml").write_text(CAMPAIGN, "utf-8")
    (folder / "hero.yaml").write_text(LAYOUT, "utf-8")
    (folder / "prompts" / "scene.j2").write_text(f"A kettle on a table in the morning. {ATTACK}", "utf-8")
    for tag, text in STRINGS.items():
        (folder / "strings" / f"{tag}.yaml").write_text(f"headline: {text}\n", "utf-8")
    Image.new("RGB", (64, 64), "#0b3954").save(folder / "brand.png")


def build(folder: Path, *words: str) -> None:
    done = run_imagebuild(folder, "build", "-q", *words, IMAGEBUILD_USER=BEN, **UNREAD)
    assert done.returncode in (0, 1), done.stderr  # the tile does not pass its check


def desk_of(folder: Path, showing: Showing | None = None) -> ProjectDesk:
    project = find_project(None, {}, str(folder))
    return ProjectDesk(project, showing or Showing(), clock=lambda: NOW)


def board(desk: ProjectDesk, who: str = ANA) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(desk.board(who))
    return found


def cells(desk: ProjectDesk) -> dict[str, dict[str, Any]]:
    return {cell["address"]: cell for cell in board(desk)["cells"]}


def asset(desk: ProjectDesk, address: str, who: str = ANA) -> dict[str, Any]:
    found = desk.asset(who, address)
    assert found is not None
    whole: dict[str, Any] = json.loads(found)
    return whole


def asked(decision: str, about: dict[str, Any], why: str = "", **more: Any) -> dict[str, Any]:
    """An entry as the page sends it."""
    address = about.get("address") or about["asset"]
    found = {"decision": decision, "asset": address, "digest": about["digest"], "ref": secrets.token_hex(16)}
    return {**found, "why": why, **more}


def say(desk: ProjectDesk, who: str, *entries: dict[str, Any]) -> None:
    """Decide, and have all of it accepted."""
    answer = desk.decide(who, list(entries))
    assert answer["refused"] == []
    assert answer["accepted"] == [each["ref"] for each in entries]


def kinds(news: list[dict[str, object]]) -> list[object]:
    return [event["kind"] for event in news]
