"""`imagebuild init`: what it writes plans, builds and is wanted; what is there it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import Run, edit, tree


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory, imagebuild: Run) -> Path:
    """A folder that `init` wrote and `build` built."""
    above = tmp_path_factory.mktemp("begun")
    done = imagebuild(above, "init", "tea")
    assert done.returncode == 0
    assert "wrote tea/campaign.yaml\n" in done.stdout
    assert done.stdout.rstrip().splitlines()[-3:] == [
        "  cd tea",
        "  imagebuild plan     what would be made, and what it would cost",
        "  imagebuild build    make it: placeholders, drawn here for nothing",
    ]
    built = imagebuild(above / "tea", "build", "--json")
    assert built.returncode == 0, built.stderr
    return above / "tea"


def test_every_picture_of_the_example_is_there_in_its_size(begun: Path) -> None:
    sizes = {}
    for path in (begun / "out").rglob("*.*"):
        with Image.open(path) as picture:
            sizes[str(path.relative_to(begun / "out"))] = picture.size
    assert len(sizes) == 16
    assert sizes["web/chai-og.webp"] == (1200, 630)
    assert sizes["web/sencha-small.jpg"] == (320, 320)
    assert {sizes[f"{tag}/chai-poster.png"] for tag in ("en-US", "de-DE", "ja-JP", "ar-EG")} == {(1024, 1280)}


def test_the_example_teaches_what_its_comments_promise(begun: Path, imagebuild: Run) -> None:
    assert imagebuild(begun, "plan", "--detailed-exitcode").returncode == 0
    edit(begun, "campaign.yaml", "quality: 82", "quality: 60")
    edit(begun, "strings/de-DE.yaml", "Warme Morgen", "Heiße Morgen")
    plan = json.loads(imagebuild(begun, "plan", "--json").stdout)
    changing = {step["address"] for step in plan["steps"] if step["verdict"] != "reuse"}
    assert {address.split("[")[0] for address in changing} == {"hero", "poster"}
    assert {address for address in changing if address.startswith("poster")} == {
        "poster[product=sencha,locale=de-DE]", "poster[product=chai,locale=de-DE]",
    }  # fmt: skip
    assert plan["paid"] == 2


def test_nothing_is_overwritten_and_nothing_half_written(tmp_path: Path, imagebuild: Run) -> None:
    (tmp_path / "strings").mkdir()
    (tmp_path / "strings" / "de-DE.yaml").write_text("mine: 1\n", encoding="utf-8")
    before = tree(tmp_path)
    done = imagebuild(tmp_path, "init")
    assert done.returncode == 1
    assert "error: `strings/de-DE.yaml` exists already; nothing was written" in done.stderr
    assert tree(tmp_path) == before


def test_lines_are_added_to_a_gitignore_once(tmp_path: Path, imagebuild: Run) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc", encoding="utf-8")
    assert imagebuild(tmp_path, "init").returncode == 0
    lines = (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "*.pyc"
    assert lines[-1] == ".imagebuild/"
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / ".gitignore").write_text("/.imagebuild\n", encoding="utf-8")
    assert imagebuild(tmp_path, "init", "again").returncode == 0
    assert (tmp_path / "again" / ".gitignore").read_text(encoding="utf-8") == "/.imagebuild\n"


def test_the_next_commands_can_be_pasted_when_the_folder_has_a_space(tmp_path: Path, imagebuild: Run) -> None:
    assert "  cd 'my tea'\n" in imagebuild(tmp_path, "init", "my tea").stdout
