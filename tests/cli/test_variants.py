"""Several pictures of one request, of which one is picked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit

TEXT = """\
imagebuild: 1
campaign: picked
model: gpt-image-2-2026-04-21
defaults: {quality: low, resolution: 1k}
axes: {product: [kettle, mug]}
assets:
  poster: {over: [product], prompt: "A poster of a {{ product }}.", variants: 3, pick: 2, output: "{{ product }}.png"}
"""


@pytest.fixture
def campaign(tmp_path: Path, imagebuild: Run) -> Path:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "campaign.yaml").write_text(TEXT, "utf-8")
    done = imagebuild(tmp_path, "build")
    assert done.returncode == 0, done.stderr
    assert "made 6" in done.stdout
    return tmp_path


def variant(folder: Path, product: str, number: int) -> bytes:
    return (folder / "out" / "variants" / "poster" / product / f"{number}.png").read_bytes()


def test_every_variant_can_be_looked_at_and_the_picked_one_is_delivered(campaign: Path, imagebuild: Run) -> None:
    assert (campaign / "out" / "mug.png").read_bytes() == variant(campaign, "mug", 2)
    assert len({variant(campaign, "mug", number) for number in (1, 2, 3)}) == 3
    assert "in place" in imagebuild(campaign, "plan", IMAGEBUILD_NO_MEMORY="1").stdout


def test_another_pick_costs_nothing(campaign: Path, imagebuild: Run) -> None:
    edit(campaign, "campaign.yaml", "pick: 2", "pick: 3")
    done = imagebuild(campaign, "build")
    assert "made 0" in done.stdout
    assert (campaign / "out" / "mug.png").read_bytes() == variant(campaign, "mug", 3)


def test_the_first_picture_is_the_one_that_was_there_before_there_were_variants(
    tmp_path: Path, imagebuild: Run
) -> None:
    (tmp_path / ".imagebuild").mkdir()
    (tmp_path / "campaign.yaml").write_text(TEXT.replace("variants: 3, pick: 2, ", ""), "utf-8")
    assert imagebuild(tmp_path, "build").returncode == 0
    before = (tmp_path / "out" / "mug.png").read_bytes()
    (tmp_path / "campaign.yaml").write_text(TEXT.replace("pick: 2, ", ""), "utf-8")
    done = imagebuild(tmp_path, "build")
    assert "made 4" in done.stdout
    assert variant(tmp_path, "mug", 1) == before == (tmp_path / "out" / "mug.png").read_bytes()
    assert "3 variants and no `pick`: the first is delivered" in imagebuild(tmp_path, "plan", "product=mug").stdout


def test_a_lost_variant_is_put_back_with_the_memory_as_without_it(campaign: Path, imagebuild: Run) -> None:
    path = campaign / "out" / "variants" / "poster" / "kettle" / "3.png"
    for memory in ("", "1"):
        path.unlink()
        done = imagebuild(campaign, "build", **({"IMAGEBUILD_NO_MEMORY": memory} if memory else {}))
        assert "restored 1" in done.stdout
        assert path.exists()


def test_more_picks_than_variants_is_a_mistake(campaign: Path, imagebuild: Run) -> None:
    edit(campaign, "campaign.yaml", "pick: 2", "pick: 4")
    done = imagebuild(campaign, "check")
    assert done.returncode == 1
    assert "variant 4 is picked, there are 3" in done.stderr + done.stdout
