"""Placements as people use them: built by the proof provider, at exactly their pixels, format and bytes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagebuild.picture.placements import shipped_placements
from tests.cli.conftest import Run, edit

HEAD = "imagebuild: 1\ncampaign: places\nmodel: gpt-image-2-2026-04-21\ndefaults: {quality: low}\n"
MASTERS = 7  # for the whole catalogue; tests/core/test_masters.py compares that with every other division
EXTRA = ["1920x1080", "{name: mine, placement: shop/header}"]


def campaign(folder: Path, ratios: list[str], assets: str, more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / ".imagebuild").mkdir(exist_ok=True)
    axes = f"axes:\n  ratio: [{', '.join(ratios)}]\n"
    (folder / "campaign.yaml").write_text(HEAD + more + axes + "assets:\n" + assets, "utf-8")
    return folder


SCENE = '  scene: {over: ratio, prompt: "A kettle on a table by a window."}\n'
HERO = '  hero: {over: ratio, from: scene, output: "{{ ratio }}.jpg"}\n'
OWN = "placements: {shop/header: {size: 1600x400, max_bytes: 40kB, formats: [webp, jpeg], safe: {left: 10%}}}\n"


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory, imagebuild: Run) -> tuple[Path, list[dict[str, Any]]]:
    """Every placement of the catalogue, an exact size and one of the campaign's own; built, with the build's events."""
    ratios = [*shipped_placements(), *EXTRA]
    folder = campaign(tmp_path_factory.mktemp("places") / "campaign", ratios, SCENE + HERO, OWN)
    done = imagebuild(folder, "build", "--json")
    assert done.returncode == 0, done.stderr
    return folder, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", shipped_placements())
def test_a_placement_comes_out_at_exactly_its_pixels_format_and_bytes(everywhere, name: str) -> None:
    placement = shipped_placements()[name]
    data = (everywhere[0] / "out" / f"{name.replace('/', '-')}.jpg").read_bytes()
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == placement.size
        assert (picture.format or "").lower() in placement.formats
    assert placement.max_bytes is None or len(data) <= placement.max_bytes


@pytest.mark.parametrize(("name", "size"), [("1920x1080", (1920, 1080)), ("mine", (1600, 400))])
def test_exact_sizes_and_placements_of_ones_own_come_out_too(everywhere, name: str, size: tuple[int, int]) -> None:
    path = everywhere[0] / "out" / f"{name}.jpg"
    with Image.open(path) as picture:
        assert picture.size == size
    assert name != "mine" or path.stat().st_size <= 40_000


def test_the_fewest_masters_are_paid_for(everywhere) -> None:
    folder, events = everywhere
    made = [event for event in events if event["event"] == "made" and event["address"].startswith("scene[")]
    assert len(made) == MASTERS
    paid = {
        line["key"]: line["size"]
        for line in map(json.loads, (folder / "imagebuild.lock").read_text("utf-8").splitlines())
        if line.get("asset", "").startswith("scene")
    }
    assert len(paid) == MASTERS


def test_the_plan_says_which_entries_share_a_master_and_what_is_cut_away(everywhere, imagebuild: Run) -> None:
    plan = json.loads(imagebuild(everywhere[0], "plan", "--json").stdout)
    (shared,) = [note for note in plan["notes"] if "masters for" in note]
    assert shared.startswith(f"`scene`: {MASTERS} masters for {len(shipped_placements()) + len(EXTRA)} ratios: ")
    assert "linkedin/single" in shared
    leaderboard = "`hero[ratio=google/display-728x90]`: 728x90 from 1632x544, 63% of it cut away"
    assert leaderboard in plan["notes"]
    assert not any("enlarged" in note for note in plan["notes"] if "mine" not in note)


def test_an_address_with_a_placement_in_it_selects_and_prints(everywhere, imagebuild: Run) -> None:
    folder = everywhere[0]
    for words in (["hero[ratio=meta/story]"], ["hero", "ratio=meta/story"], ["out/meta-story.jpg"]):
        plan = json.loads(imagebuild(folder, "plan", "--json", *words).stdout)
        assert "hero[ratio=meta/story]" in [step["address"] for step in plan["steps"]]
    assert "meta-story.jpg" in imagebuild(folder, "why", "hero[ratio=meta/story]").stdout
    assert imagebuild(folder, "show", "scene[ratio=meta/story]").stdout.startswith("scene[ratio=meta/story]")
    assert imagebuild(folder, "graph", "--cells", "ratio=meta/story").returncode == 0


def test_the_verb_lists_what_each_picture_is_cut_from(everywhere, imagebuild: Run) -> None:
    rows = json.loads(imagebuild(everywhere[0], "placements", "--json").stdout)["pictures"]
    row = next(each for each in rows if (each["asset"], each["ratio"]) == ("hero", "link/og"))
    assert (row["width"], row["height"], row["format"], row["max_bytes"]) == (1200, 630, "jpeg", 8_000_000)
    assert {"linkedin/single", "google/responsive-landscape", "1920x1080"} <= set(row["shared_with"])
    assert row["cut"] < 0.12
    assert row["scale"] < 1
    assert not row["enlarged"]
    text = imagebuild(everywhere[0], "placements").stdout
    assert f"scene: {MASTERS} masters for" in text


def test_without_a_campaign_the_verb_lists_the_catalogue(tmp_path: Path, imagebuild: Run) -> None:
    listed = json.loads(imagebuild(tmp_path, "placements", "--json").stdout)["placements"]
    assert [each["name"] for each in listed] == list(shipped_placements())
    assert all(each["source"] and each["dated"] and each["evidence"] for each in listed)
    assert "google/display-728x90" in imagebuild(tmp_path, "placements").stdout


def test_the_catalogue_of_a_campaign_has_its_own_placements(everywhere, imagebuild: Run) -> None:
    listed = json.loads(imagebuild(everywhere[0], "placements", "--catalogue", "--json").stdout)["placements"]
    assert listed[-1]["name"] == "shop/header"
    assert listed[-1]["safe"] == {"left": 0.1, "top": 0.0, "right": 0.0, "bottom": 0.0}


def test_a_verb_without_pictures_over_ratio_says_so(fresh: Path, imagebuild: Run) -> None:
    assert imagebuild(fresh, "placements").stdout.startswith("No asset is over `ratio`")


def test_one_more_placement_of_a_shape_that_is_there_pays_for_nothing(tmp_path: Path, imagebuild: Run) -> None:
    folder = campaign(tmp_path / "more", ["link/og", "meta/story"], SCENE + HERO)
    assert imagebuild(folder, "build").returncode == 0
    edit(folder, "campaign.yaml", "[link/og, ", "[link/og, 600x314, ")
    end = json.loads(imagebuild(folder, "build", "--json").stdout.splitlines()[-1])
    assert (end["made"], end["drawn"]) == (0, 1)


def test_a_changed_file_of_placements_is_noticed_by_the_next_build(tmp_path: Path, imagebuild: Run) -> None:
    folder = campaign(tmp_path / "file", ["shop/header"], SCENE + HERO, "placements: places.yaml\n")
    (folder / "places.yaml").write_text("shop/header: {size: 1600x400}\n", "utf-8")
    assert imagebuild(folder, "build").returncode == 0
    assert imagebuild(folder, "build").stdout.startswith("Nothing to do")
    (folder / "places.yaml").write_text("shop/header: {size: 1200x400}\n", "utf-8")
    assert imagebuild(folder, "build").returncode == 0
    with Image.open(folder / "out" / "shop-header.jpg") as picture:
        assert picture.size == (1200, 400)


def test_the_catalogue_is_listed_though_the_campaign_has_mistakes(tmp_path: Path, imagebuild: Run) -> None:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "campaign.yaml").write_text("imagebuild: 1\ncampagin: x\n", "utf-8")
    done = imagebuild(tmp_path, "placements", "--catalogue")
    assert done.returncode == 0
    assert "meta/story" in done.stdout
    assert "has mistakes" in done.stderr
    assert imagebuild(tmp_path, "placements").returncode == 1
