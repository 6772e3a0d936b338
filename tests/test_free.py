"""What costs nothing and asks no provider: moving, renaming, rewriting, going back, cloning, mending.

The stand-in for the provider counts what is asked of it, and never gives the same picture twice.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagebuild.core.key import Key, key_of
from imagebuild.stages.plan import plan_campaign
from imagebuild.stages.project import find_project
from imagebuild.store.local import LocalStore
from tests.properties.actual import Colours, at_a_glance, build, lock_of, outputs_of, plan, project_of
from tests.properties.worlds import World, first_world, write_world

STRANGE = b"scribbled over by hand"


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The campaign, written and built: what every test starts from a copy of."""
    folder = tmp_path_factory.mktemp("free") / "campaign"
    (folder / ".imagebuild").mkdir(parents=True)
    write_world(first_world(), folder)
    build(plan(folder), Colours())
    return folder


@pytest.fixture
def folder(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "campaign", copy_function=shutil.copy2))


def free(folder: Path, select: tuple[str, ...] = ()) -> set[tuple[str, str]]:
    """Build, see that the plan costs nothing and nothing was asked; what the plan had to do, as (verdict, why)."""
    provider = Colours()
    planned = plan(folder, select)
    assert planned.plan.price == 0
    built = build(planned, provider)
    assert built.summary.complete, built.summary.problems
    assert provider.asked == []
    if not select:
        assert plan(folder).plan.work == []
    return {(step.verdict, step.why) for step in planned.plan.work}


def rewrite(folder: Path, edit: Callable[[World], None]) -> World:
    world = first_world()
    edit(world)
    write_world(world, folder)
    return world


def rename(world: World, old: str, new: str) -> None:
    world.assets = {new if name == old else name: asset for name, asset in world.assets.items()}
    for asset in world.assets.values():
        asset.source = new if asset.source == old else asset.source
        asset.references = [
            ("asset", new, each[2]) if each[:2] == ("asset", old) else each for each in asset.references
        ]


def edit_lock(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "imagebuild.lock"
    header, *lines = path.read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    for row in rows:
        change(row)
    text = "\n".join([header, *(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows), ""])
    path.write_text(text, encoding="utf-8")


def cloned(folder: Path) -> Path:
    """What a version control system would bring: sources, lock and deliverables."""
    clone = folder.with_name("clone")
    shutil.copytree(folder, clone, ignore=shutil.ignore_patterns(".imagebuild"))
    (clone / ".imagebuild").mkdir()
    return clone


# ---------------------------------------------------------------------------------------------- renaming and moving


def test_renaming_assets_costs_nothing(folder: Path) -> None:
    def edit(world: World) -> None:
        for name in list(world.assets):
            rename(world, name, f"{name}-2")

    rewrite(folder, edit)
    assert free(folder) == set()


def test_renaming_an_output_puts_the_same_picture_at_the_new_path(folder: Path) -> None:
    before = outputs_of(folder)
    rewrite(folder, lambda world: setattr(world.assets["poster"], "output", "posters/{{ locale }}.png"))
    assert free(folder) == {("restore", "new-path")}
    assert outputs_of(folder)["out/posters/de-DE.png"] == before["out/poster/de-DE.png"]


def test_renaming_a_reference_and_a_template_costs_nothing(folder: Path) -> None:
    def edit(world: World) -> None:
        world.pictures["brand/other.png"] = world.pictures.pop("brand/kettle.png")
        world.assets["scene"].references = [("file", "brand/other.png")]
        world.templates["prompts/moved.j2"] = world.templates.pop("prompts/scene.j2")
        world.assets["scene"].prompt_file = "prompts/moved.j2"

    rewrite(folder, edit)
    assert free(folder) == set()


def test_moving_the_campaigns_folder_costs_nothing(folder: Path) -> None:
    moved = folder.with_name("elsewhere")
    os.rename(folder, moved)
    assert free(moved) == set()


def test_renaming_the_campaigns_file_costs_nothing(folder: Path) -> None:
    os.rename(folder / "campaign.yaml", folder / "spring.yaml")
    provider = Colours()
    planned = plan_campaign(find_project("spring.yaml", {}, str(folder)))
    built = build(planned, provider)
    assert built.summary.complete
    assert provider.asked == []
    assert planned.plan.work == []
    assert (folder / "spring.imagebuild.lock").exists()


# -------------------------------------------------------------------------------------------------------- rewriting


@pytest.mark.parametrize("style", [3, 5, 8, 13, 21])
def test_writing_the_campaign_in_another_way_costs_nothing(folder: Path, style: int) -> None:
    before = (folder / "campaign.yaml").read_text(encoding="utf-8")
    rewrite(folder, lambda world: setattr(world, "style", style))
    assert (folder / "campaign.yaml").read_text(encoding="utf-8") != before
    assert free(folder) == set()


def test_comments_cost_nothing(folder: Path) -> None:
    for name in ("campaign.yaml", "strings/de-DE.yaml"):
        path = folder / name
        path.write_text("# reviewed\n" + path.read_text(encoding="utf-8") + "\n# end\n", encoding="utf-8")
    path = folder / "prompts/scene.j2"
    path.write_text("{# reviewed #}\n" + path.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    assert free(folder) == set()


def test_what_no_template_reads_costs_nothing(folder: Path) -> None:
    def edit(world: World) -> None:
        world.variables["idle"] = "another"
        world.products[0]["stock"] = 99
        world.strings["en-US"]["unused"] = "another"

    rewrite(folder, edit)
    assert free(folder) == set()


def test_touching_files_costs_nothing(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and ".imagebuild" not in path.parts:
            os.utime(path)
    assert free(folder) == set()


# ------------------------------------------------------------------------------------------------------- going back


@pytest.mark.parametrize("lock_too", [False, True])
def test_going_back_to_an_older_branch_costs_nothing(folder: Path, lock_too: bool) -> None:
    lock, before = (folder / "imagebuild.lock").read_bytes(), outputs_of(folder)
    rewrite(folder, lambda world: world.strings["de-DE"].update(headline="Kalte Morgen"))
    provider = Colours()
    build(plan(folder), provider)
    assert len(provider.asked) == 1
    rewrite(folder, lambda world: None)
    if lock_too:
        (folder / "imagebuild.lock").write_bytes(lock)
    work = free(folder)
    assert {verdict for verdict, _ in work} == {"restore"}
    assert outputs_of(folder) == before


# ---------------------------------------------------------------------------------------------------------- cloning


def test_a_fresh_clone_adopts_what_it_has_and_costs_nothing(folder: Path) -> None:
    clone = cloned(folder)
    assert free(clone) == {("adopt", "store-lost")}
    assert outputs_of(clone) == outputs_of(folder)
    assert free(clone) == set()
    assert at_a_glance(clone) is not None


@pytest.mark.parametrize("words", [("scene",), ("product=mug",), ("locale=de-DE",), ("out/copy/de-DE.png",)])
def test_a_selection_in_a_fresh_clone_costs_nothing(folder: Path, words: tuple[str, ...]) -> None:
    free(cloned(folder), words)


def other_pillow(folder: Path) -> None:
    """The lock as another version of Pillow would have left it."""
    store = LocalStore(project_of(folder).store)

    def change(row: dict[str, Any]) -> None:
        if "tools" in row:
            record = store.record(Key(row["key"]))
            assert record is not None
            tools = {**record.manifest["tools"], "pillow": "1.0"}
            row["key"] = key_of({**record.manifest, "tools": tools})
            row["tools"] = "; ".join(f"{name} {version}" for name, version in sorted(tools.items()))

    edit_lock(folder, change)


def test_a_fresh_clone_with_another_pillow_pays_for_nothing_and_keeps_its_pictures(folder: Path) -> None:
    other_pillow(folder)
    clone = cloned(folder)
    before = outputs_of(clone)
    kept = {name: row["key"] for name, row in lock_of(clone).items() if name.startswith("hero")}
    assert ("adopt", "store-lost") in free(clone)
    assert outputs_of(clone) == before
    assert {name: row["key"] for name, row in lock_of(clone).items() if name in kept} == kept


def test_a_renamed_asset_in_a_fresh_clone_with_another_pillow_pays_for_nothing(folder: Path) -> None:
    other_pillow(folder)
    before = {row["digest"]: row["tools"] for row in lock_of(folder).values() if "tools" in row}
    clone = cloned(folder)
    rewrite(clone, lambda world: rename(world, "hero", "champion"))
    free(clone)
    free(clone)
    drawn = [row for name, row in lock_of(clone).items() if name.startswith("champion")]
    assert drawn
    assert [row["tools"] for row in drawn] == [before[row["digest"]] for row in drawn]  # who drew it is not forgotten


def test_with_another_pillow_and_the_masters_at_hand_only_drawing_is_done_again(folder: Path) -> None:
    other_pillow(folder)
    shutil.rmtree(folder / ".imagebuild/store/results")
    assert free(folder) == {("make", "redrawn")} | {("make", "input-made")}


# ---------------------------------------------------------------------------------------------------------- mending


def test_a_deleted_output_is_put_back(folder: Path) -> None:
    before = outputs_of(folder)
    shutil.rmtree(folder / "out/hero")
    assert free(folder) == {("restore", "file-missing")}
    assert outputs_of(folder) == before


def test_a_drawing_that_is_lost_is_drawn_again_and_the_edit_that_was_paid_for_stays(folder: Path) -> None:
    def edit(world: World) -> None:
        world.assets["scene"].output = "scene/{{ product }}-{{ ratio }}.png"
        world.assets["winter"].source, world.assets["winter"].pins = "hero", {"ratio": "1:1", "locale": "en-US"}

    rewrite(folder, edit)
    build(plan(folder), Colours())
    clone = cloned(folder)
    before = outputs_of(clone)
    shutil.rmtree(clone / "out/hero")
    assert free(clone) == {("make", "bytes-lost"), ("adopt", "store-lost")}
    assert outputs_of(clone) == before


def test_an_output_edited_by_hand_is_put_right_and_the_edit_kept(folder: Path) -> None:
    before = outputs_of(folder)
    (folder / "out/poster/de-DE.png").write_bytes(STRANGE)
    assert free(folder) == {("restore", "file-edited")}
    assert outputs_of(folder) == before
    kept = [path.read_bytes() for path in (folder / ".imagebuild/aside").rglob("*.png")]
    assert kept == [STRANGE]


# ------------------------------------------------------------------------------ two of these at once, and merged locks


def test_outputs_that_change_places_in_a_clone_both_survive(folder: Path) -> None:
    """Each lies only where the other is going to be put."""
    clone = cloned(folder)

    def one_way(world: World) -> None:
        poster = world.assets["poster"]
        poster.over, poster.prompt_file, poster.prompt, poster.output = [], None, "One.", "poster.png"
        world.assets["mono"] = copy.deepcopy(poster)
        world.assets["mono"].prompt, world.assets["mono"].output = "Another.", "mono.png"
        del world.assets["badge"], world.assets["winter"]

    def other_way(world: World) -> None:
        one_way(world)
        world.assets["poster"].output, world.assets["mono"].output = "mono.png", "poster.png"

    rewrite(clone, one_way)
    build(plan(clone), Colours())
    before = outputs_of(clone)
    for way in (other_way, one_way) * 3:
        shutil.rmtree(clone / ".imagebuild/store")
        rewrite(clone, way)
        assert ("restore", "made-before") in free(clone)
        same = way is one_way
        assert outputs_of(clone)["out/poster.png"] == before["out/poster.png" if same else "out/mono.png"]
        assert outputs_of(clone)["out/mono.png"] == before["out/mono.png" if same else "out/poster.png"]


def test_a_picture_that_another_is_put_over_in_a_clone_is_not_lost(folder: Path) -> None:
    clone = cloned(folder)
    rewrite(clone, lambda world: world.strings["de-DE"].update(headline="Kalte Morgen"))
    build(plan(clone), Colours())
    rewrite(clone, lambda world: None)
    shutil.copy2(folder / "imagebuild.lock", clone / "imagebuild.lock")
    free(clone)
    assert outputs_of(clone) == outputs_of(folder)


def test_what_is_locked_wins_over_another_picture_of_the_same_request_in_the_store(folder: Path) -> None:
    """A colleague's lock and deliverables, in a store that holds a picture of one's own for the same master."""
    colleague = folder.with_name("colleague")
    (colleague / ".imagebuild").mkdir(parents=True)
    write_world(first_world(), colleague)
    provider = Colours()
    provider.skip(500)
    build(plan(colleague), provider)
    assert outputs_of(colleague) != outputs_of(folder)
    shutil.copy2(colleague / "imagebuild.lock", folder / "imagebuild.lock")
    shutil.rmtree(folder / "out")
    shutil.copytree(colleague / "out", folder / "out")
    assert free(folder) == {("adopt", "store-lost")}
    assert outputs_of(folder) == outputs_of(colleague)


def test_of_two_locked_pictures_of_one_request_the_one_at_hand_is_taken(folder: Path) -> None:
    """Merged locks may hold two pictures of one request; the one whose file is there serves a third asset."""
    clone = cloned(folder)

    def other(row: dict[str, Any]) -> None:
        if row["asset"].startswith("poster"):
            row["digest"] = key_of({"lost": row["digest"]})

    def edit(world: World) -> None:
        world.assets = {"twin": world.assets["twin"], "third": copy.deepcopy(world.assets["twin"])}
        world.assets["third"].output = "third/{{ locale }}.png"

    edit_lock(clone, other)
    shutil.rmtree(clone / "out/poster")
    world = first_world()
    edit(world)
    write_world(world, clone)
    assert ("restore", "new-path") in free(clone)
    third, twin = (
        {name[-9:]: digest for name, digest in outputs_of(clone).items() if f"/{each}/" in name}
        for each in ("third", "twin")
    )
    assert third == twin
