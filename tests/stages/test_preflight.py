"""Before a build pays, what can be seen to go wrong is told: nothing has been sent by then."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import run_imagebuild

HEAD = "imagebuild: 1\ncampaign: dear\nmodel: gpt-image-2-2026-04-21\nprovider: openai\ndefaults: {quality: low}\n"
LAYOUT = """\
layout: 1
roles: {logo: {picture: logo.png}}
shapes:
  landscape: {groups: [{box: [0.05, 0.1, 0.4, 0.3], items: [headline, logo]}]}
"""
ASSETS = """\
axes:
  locale: {source: en-US, targets: [de-DE], strings: "strings/{locale}.yaml"}
assets:
  scene: {prompt: "A kettle.", size: 1024x640}
  hero:
    over: [locale]
    from: scene
    steps:
      - typeset: {layout: hero.yaml, text: {headline: "{{ t.headline }}"}}
    output: "{{ locale }}.png"
  night: {from: scene, prompt: "At night.", mask: mask.png, output: night.png}
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "strings").mkdir()
    (tmp_path / "campaign.yaml").write_text(HEAD + ASSETS, "utf-8")
    (tmp_path / "hero.yaml").write_text(LAYOUT, "utf-8")
    for tag, text in {"en-US": "Warm mornings", "de-DE": "Warme Morgen"}.items():
        (tmp_path / "strings" / f"{tag}.yaml").write_text(f"headline: {text}\n", "utf-8")
    Image.new("RGBA", (1024, 640)).save(tmp_path / "mask.png")
    Image.new("RGBA", (40, 20), "white").save(tmp_path / "logo.png")
    return tmp_path


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Nobody listens at the address: what is sent would fail, and say so."""
    return run_imagebuild(folder, "build", OPENAI_API_KEY="sk-test", OPENAI_BASE_URL="http://127.0.0.1:9")


def test_copy_that_will_not_fit_is_told_before_anything_is_sent(campaign: Path) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen"
    (campaign / "strings" / "de-DE.yaml").write_text(f"headline: {long}\n", "utf-8")
    done = build(campaign)
    assert done.returncode == 1
    assert "`hero[locale=de-DE]` (1024x640): `headline` in `de-DE` does not fit" in done.stderr
    assert "nothing has been paid" in done.stderr
    assert "en-US" not in done.stderr
    assert not list((campaign / ".imagebuild").rglob("journal/*/*"))


def test_a_mask_of_another_size_is_told_before_anything_is_sent(campaign: Path) -> None:
    Image.new("RGBA", (500, 500)).save(campaign / "mask.png")
    done = build(campaign)
    assert done.returncode == 1
    assert "the mask `mask.png` is 500x500, the picture it is for 1024x640" in done.stderr


def test_a_logo_that_is_no_picture_is_told_by_its_name_before_anything_is_sent(campaign: Path) -> None:
    (campaign / "logo.png").write_text("hi\n", "utf-8")
    done = build(campaign)
    assert done.returncode == 1
    assert "`logo.png` is no picture that can be read here" in done.stderr
    assert done.stderr.count("logo.png") == 1


def test_a_campaign_without_such_faults_goes_on_to_the_service(campaign: Path) -> None:
    done = build(campaign)
    assert "does not fit" not in done.stderr
    assert "no picture" not in done.stderr
    assert "127.0.0.1" in done.stderr, "it was asked, and is not there"
