"""A small campaign with a policy, checks and alt texts, built once; and the short way for people to decide about it."""

from __future__ import annotations

import datetime
import hashlib
from fnmatch import fnmatchcase
from pathlib import Path

from PIL import Image

from imagebuild.core.address import is_inner
from imagebuild.core.approvals.policy import requirement_of
from imagebuild.stages.approvals import Asked, decide, read_approvals
from imagebuild.stages.plan import Planned, plan_campaign
from imagebuild.stages.project import Project, find_project
from tests.cli.conftest import run_imagebuild

ANA, BEN, LEA = "ana@northwind.example", "ben@northwind.example", "lea@northwind.example"

CAMPAIGN = """\
imagebuild: 1
campaign: reviewed
model: gpt-image-2-2026-04-21
defaults: {quality: low, resolution: 1k}
approvers: {brand: [ana@northwind.example, ben@northwind.example], legal: [lea@northwind.example]}
approval:
  need: {brand: 1}
  by_others: false
  for:
    - {locale: de-DE, need: {legal: 1}}
axes:
  locale: {source: en-US, targets: [de-DE, ar-EG], strings: "strings/{locale}.yaml"}
  ratio: [{name: square, placement: meta/feed-square}]
assets:
  scene:
    prompt: "A kettle on a table."
    size: 1024x640
  badge:
    over: [locale]
    from: scene
    steps:
      - fit: {cover: [64, 40]}
    output: "{{ locale }}/badge.png"
    alt: "{{ t.headline }} & more"
  story:
    over: [ratio]
    from: scene
    checks: {file: {max_bytes: 2MB}}
    output: "story.jpg"
  tile:
    from: scene
    steps:
      - fit: {cover: [60, 40]}
    checks: {palette: {colors: ["#00ff00"], share: 0.9}}
    output: "tile.png"
  swatch:
    from: scene
    steps:
      - fit: {cover: [30, 20]}
    output: "swatch.png"
    approval: {need: none}
"""
STRINGS = {"en-US": "Warm mornings", "de-DE": "Warme Morgen", "ar-EG": "صباحات دافئة"}


def write_reviewed(folder: Path) -> None:
    (folder / ".imagebuild").mkdir(parents=True)
    (folder / "strings").mkdir()
    (folder / "campaign.yaml").write_text(CAMPAIGN, encoding="utf-8")
    for tag, headline in STRINGS.items():
        (folder / "strings" / f"{tag}.yaml").write_text(f"headline: {headline}\n", encoding="utf-8")
    Image.new("RGB", (64, 64), "#0b3954").save(folder / "brand.png")


def build(folder: Path, *words: str) -> None:
    done = run_imagebuild(folder, "build", "-q", *words)
    assert done.returncode in (0, 1), done.stderr  # one picture does not pass its check


def project_of(folder: Path) -> Project:
    return find_project(None, {}, str(folder))


def planned_in(folder: Path) -> Planned:
    return plan_campaign(project_of(folder), whole=True)


def say(folder: Path, who: str, decision: str, pattern: str, why: str = "", at: str = "2026-03-01T09:00:00") -> int:
    """`who` decides so about every picture whose address matches and that asks for approval; how many those were. What
    is decided twice of one picture at one moment counts once."""
    project = project_of(folder)
    planned = planned_in(folder)
    entries = planned.facts.lock.entries
    policy = planned.loaded.campaign.approval
    addresses = [
        step.address
        for step in planned.plan.steps
        if step.output and not is_inner(step.address) and requirement_of(policy, step.asset, dict(step.cell)).groups
        if decision != "approve" or step.digest is not None  # else another picture is asked for in its place
    ]
    asked = [
        Asked(
            hashlib.sha256(f"{who} {decision} {address} {at} {why}".encode()).hexdigest()[:32], decision, address,
            entries[address].digest, why,
        )
        for address in addresses
        if address in entries and fnmatchcase(address, pattern)
    ]  # fmt: skip
    now = datetime.datetime.fromisoformat(at).replace(tzinfo=datetime.UTC)
    done = decide(planned, read_approvals(project), who, asked, now=now)
    assert done.refused == ()
    return len(done.accepted)
