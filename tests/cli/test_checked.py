"""Pictures that are checked before they are delivered: what passes goes out, what does not is kept and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run, edit

HEAD = "imagebuild: 1\ncampaign: checked\nmodel: gpt-image-2-2026-04-21\ndefaults: {quality: low, resolution: 1k}\n"
LAYOUT = """\
layout: 1
shapes:
  landscape: {groups: [{box: [0.05, 0.1, 0.5, 0.6], items: [headline]}]}
"""
ASSETS = """\
axes:
  locale: {source: en-US, targets: [de-DE, fr-FR], strings: "strings/{locale}.yaml"}
assets:
  scene: {prompt: "A kettle on the right, a calm wall.", size: 1024x640}
  hero:
    over: [locale]
    from: scene
    checks: {contrast: true, duplicates: true}
    steps:
      - fit: {cover: [600, 315]}
      - typeset: {layout: hero.yaml, text: {headline: "{{ t.headline }}"}}
    output: "{{ locale }}.png"
"""
COPY = {"en-US": "Warm mornings", "de-DE": "Warme Morgen", "fr-FR": "Matins chauds"}


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "strings").mkdir()
    (tmp_path / "campaign.yaml").write_text(HEAD + ASSETS, "utf-8")
    (tmp_path / "hero.yaml").write_text(LAYOUT, "utf-8")
    for tag, text in COPY.items():
        (tmp_path / "strings" / f"{tag}.yaml").write_text(f"headline: {text}\n", "utf-8")
    return tmp_path


def test_what_passes_is_delivered_and_the_lock_says_so(campaign: Path, imagebuild: Run) -> None:
    done = imagebuild(campaign, "build")
    assert done.returncode == 0, done.stderr
    assert "checked 3" in done.stdout
    lines = [json.loads(line) for line in (campaign / "imagebuild.lock").read_text("utf-8").splitlines()[1:]]
    checked = {line["asset"]: line.get("checked") for line in lines if line.get("output")}
    assert checked == {f"hero[locale={tag}]": "passed" for tag in COPY}
    assert "in place" in imagebuild(campaign, "plan").stdout
    assert "in place" in imagebuild(campaign, "plan", IMAGEBUILD_NO_MEMORY="1").stdout
    assert "contrast passed" in imagebuild(campaign, "why", "hero[locale=de-DE]").stdout


def test_what_fails_is_kept_and_told_and_not_delivered_and_no_build_delivers_it_later(
    campaign: Path, imagebuild: Run
) -> None:
    edit(campaign, "campaign.yaml", "contrast: true", "palette: {colors: ['#00ff00'], most: 1, share: 0.9}")
    first = imagebuild(campaign, "build")
    assert first.returncode == 1
    assert "rejected: hero[locale=" in first.stderr
    assert ".imagebuild/rejected/out/de-DE.png" in first.stderr
    assert not (campaign / "out" / "de-DE.png").exists()
    with Image.open(campaign / ".imagebuild" / "rejected" / "out" / "de-DE.png") as kept:
        assert kept.size == (600, 315)
    plan = imagebuild(campaign, "plan", "--json")
    verdicts = {step["address"]: step["verdict"] for step in json.loads(plan.stdout)["steps"]}
    assert [verdicts[f"hero[locale={tag}]"] for tag in COPY] == ["rejected"] * 3
    second = imagebuild(campaign, "build")
    assert second.returncode == 1
    assert "checked" not in second.stdout, "what was looked at is not looked at again"
    assert not (campaign / "out" / "de-DE.png").exists()


def test_a_check_that_is_mended_delivers_the_picture_that_is_kept(campaign: Path, imagebuild: Run) -> None:
    edit(campaign, "campaign.yaml", "contrast: true", "palette: {colors: ['#00ff00'], most: 1, share: 0.9}")
    assert imagebuild(campaign, "build").returncode == 1
    edit(campaign, "campaign.yaml", "palette: {colors: ['#00ff00'], most: 1, share: 0.9}", "contrast: true")
    done = imagebuild(campaign, "build")
    assert done.returncode == 0, done.stderr
    assert "checked 3" in done.stdout
    assert "drew" not in done.stdout, "nothing is drawn again"
    assert (campaign / "out" / "de-DE.png").exists()


def test_a_language_that_came_out_as_another_ones_picture_is_held_back_and_the_others_go_out(
    campaign: Path, imagebuild: Run
) -> None:
    """A step that paints over what was set: German comes out as English did."""
    blank = "def blank(image):\n    return image.point(lambda value: 40)\n"
    (campaign / "blank.py").write_text(blank, "utf-8")
    step = '      - typeset: {layout: hero.yaml, text: {headline: "{{ t.headline }}"}}\n'
    edit(campaign, "campaign.yaml", step, step + "      - python: {file: blank.py, function: blank}\n")
    edit(campaign, "campaign.yaml", "{contrast: true, ", "{")
    done = imagebuild(campaign, "build")
    assert done.returncode == 1
    assert (campaign / "out" / "en-US.png").exists(), "the first is told from nothing before it"
    assert not (campaign / "out" / "de-DE.png").exists()
    assert "rejected: hero[locale=de-DE]" in done.stderr


def test_a_sibling_that_cannot_be_drawn_does_not_hold_the_others_back(campaign: Path, imagebuild: Run) -> None:
    path = campaign / "strings" / "de-DE.yaml"
    path.write_text(f"headline: {'Donaudampfschifffahrtsgesellschaftskapitän' * 3}\n", "utf-8")
    done = imagebuild(campaign, "build")
    assert done.returncode == 1
    assert "de-DE" in done.stderr
    assert "does not fit" in done.stderr
    assert (campaign / "out" / "en-US.png").exists()
    assert (campaign / "out" / "fr-FR.png").exists()
    assert not (campaign / "out" / "de-DE.png").exists()


def test_a_changed_headline_remakes_that_languages_picture_alone_and_asks_no_provider(
    campaign: Path, imagebuild: Run
) -> None:
    assert imagebuild(campaign, "build").returncode == 0
    before = {tag: (campaign / "out" / f"{tag}.png").read_bytes() for tag in COPY}
    (campaign / "strings" / "fr-FR.yaml").write_text("headline: Matins dorés\n", "utf-8")
    plan = json.loads(imagebuild(campaign, "plan", "--json", "--provider", "proof").stdout)
    making = {step["address"]: step["kind"] for step in plan["steps"] if step["verdict"] == "make"}
    assert making == {"hero[locale=fr-FR]:drawn": "local", "hero[locale=fr-FR]": "check"}
    assert imagebuild(campaign, "build").returncode == 0
    after = {tag: (campaign / "out" / f"{tag}.png").read_bytes() for tag in COPY}
    assert [tag for tag in COPY if before[tag] != after[tag]] == ["fr-FR"]


def plans(folder: Path, imagebuild: Run, **environment: str) -> tuple[str, str]:
    """The last line of a plan with the memory and of one without."""
    with_memory = imagebuild(folder, "plan", **environment).stdout.splitlines()[-1]
    return with_memory, imagebuild(folder, "plan", IMAGEBUILD_NO_MEMORY="1", **environment).stdout.splitlines()[-1]


def test_what_has_passed_is_not_looked_at_again_where_there_is_another_reader(campaign: Path, imagebuild: Run) -> None:
    edit(campaign, "campaign.yaml", "contrast: true", "text: {unverified: deliver}, contrast: true")
    here = {"TESSERACT": "/nonexistent"}
    assert imagebuild(campaign, "build", **here).returncode == 0
    assert len(set(plans(campaign, imagebuild, **here))) == 1
    # Nobody could tell what the pictures say: where there is a reader, they are looked at again, memory or not.
    assert len(set(plans(campaign, imagebuild))) == 1
    frozen = imagebuild(campaign, "build", "--frozen", **here)
    assert frozen.returncode == 0, frozen.stderr


def test_of_equal_pictures_that_are_rejected_each_is_told(campaign: Path, imagebuild: Run) -> None:
    text = HEAD + (
        "checks: {palette: {colors: ['#00ff00'], most: 1, share: 0.9}}\n"
        "assets:\n  one: {prompt: A hero., output: one.png}\n  two: {prompt: A hero., output: two.png}\n"
    )
    (campaign / "campaign.yaml").write_text(text, "utf-8")
    for _ in range(2):
        done = imagebuild(campaign, "build")
        assert done.returncode == 1
        assert "rejected 2" in done.stdout
        assert "blocked" not in done.stdout
    assert (campaign / ".imagebuild" / "rejected" / "out" / "two.png").exists()


def test_a_plate_without_an_output_is_checked_and_what_is_made_from_it_waits_for_that(
    campaign: Path, imagebuild: Run
) -> None:
    own = "scene: {prompt: A calm wall., size: 1024x640, checks: {palette: {colors: ['#00ff00'], most: 1, share: 0.9}}}"
    text = (campaign / "campaign.yaml").read_text("utf-8")
    line = next(each for each in text.splitlines() if each.startswith("  scene:"))
    (campaign / "campaign.yaml").write_text(text.replace(line, "  " + own), "utf-8")
    done = imagebuild(campaign, "build")
    assert done.returncode == 1
    assert "rejected: scene: " in done.stderr
    assert not (campaign / "out").exists()


def test_why_says_what_is_wrong_with_a_rejected_picture(campaign: Path, imagebuild: Run) -> None:
    edit(campaign, "campaign.yaml", "contrast: true", "palette: {colors: ['#00ff00'], most: 1, share: 0.9}")
    imagebuild(campaign, "build")
    told = imagebuild(campaign, "why", "hero[locale=de-DE]").stdout
    assert "of the picture" in told
    assert "palette failed" in told
    assert "it is kept, not delivered: " in imagebuild(campaign, "plan").stdout


def test_a_picture_that_passes_at_last_leaves_nothing_among_the_rejected(campaign: Path, imagebuild: Run) -> None:
    edit(campaign, "campaign.yaml", "contrast: true", "palette: {colors: ['#00ff00'], most: 1, share: 0.9}")
    imagebuild(campaign, "build")
    edit(campaign, "campaign.yaml", "palette: {colors: ['#00ff00'], most: 1, share: 0.9}", "contrast: true")
    assert imagebuild(campaign, "build").returncode == 0
    assert not list((campaign / ".imagebuild").rglob("rejected/**/*.png"))
