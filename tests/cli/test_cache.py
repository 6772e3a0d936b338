"""`imagebuild cache`: what it says and does on a store that a build filled."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.conftest import Run, say_in, tree


def _objects(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / ".imagebuild" / "store" / "objects").rglob("*") if path.is_file())


def _rebuilt(folder: Path, imagebuild: Run) -> None:
    """One picture is made anew, so that the one before it is named by nothing."""
    say_in(folder, "de-DE", "Heiße Morgen")
    assert imagebuild(folder, "build").returncode == 0


def test_the_size_counts_what_is_there(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built, "cache")
    assert done.returncode == 0
    assert done.stdout.startswith("store .imagebuild/store\n")
    found = json.loads(imagebuild(built, "cache", "--json").stdout)
    assert found["records"] == 8
    assert found["objects"]["drawn"]["count"] == len(_objects(built)) == 8
    assert found["objects"]["drawn"]["bytes"] == sum(path.stat().st_size for path in _objects(built))
    assert found["not_named"]["drawn"]["count"] == 0
    assert (found["locks"], found["unreadable"]) == (1, [])


def test_a_folder_without_a_store_is_no_error(fresh: Path, imagebuild: Run) -> None:
    done = imagebuild(fresh, "cache", "verify")
    assert done.returncode == 0
    assert "nothing has been built here yet" in done.stdout


def test_the_store_is_found_from_a_folder_without_a_campaign(built: Path, imagebuild: Run) -> None:
    done = imagebuild(built / "strings", "cache", "--json")
    assert json.loads(done.stdout)["records"] == 8


def test_gc_is_dry_until_it_is_told_to_drop(built: Path, imagebuild: Run) -> None:
    _rebuilt(built, imagebuild)
    before = tree(built)
    done = imagebuild(built, "cache", "gc")
    assert done.returncode == 0
    assert "no lock names 1 file drawn here" in done.stdout
    assert "nothing was dropped: `imagebuild cache gc --drop` does it" in done.stdout
    assert tree(built) == before


def test_gc_drops_what_no_lock_names_and_the_rest_still_needs_no_work(built: Path, imagebuild: Run) -> None:
    _rebuilt(built, imagebuild)
    assert len(_objects(built)) == 9
    done = imagebuild(built, "cache", "gc", "--drop", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["dropped"], found["drawn"]["count"]) == (0, True, 1)
    assert len(_objects(built)) == 8
    assert imagebuild(built, "cache", "gc").stdout == "nothing to drop: the locks name everything\n"
    shutil.rmtree(built / "out")
    again = json.loads(imagebuild(built, "build", "--json").stdout.splitlines()[-1])
    assert (again["made"], again["drawn"], again["restored"]) == (0, 0, 8)


def test_gc_refuses_while_a_lock_cannot_be_read(built: Path, imagebuild: Run) -> None:
    _rebuilt(built, imagebuild)
    (built / "other.imagebuild.lock").write_text("not a lock\n", encoding="utf-8")
    before = _objects(built)
    done = imagebuild(built, "cache", "gc", "--drop")
    assert done.returncode == 1
    assert "so nothing is dropped" in done.stderr
    assert "other.imagebuild.lock" in done.stderr
    assert _objects(built) == before


def test_gc_in_a_store_outside_the_project_asks_who_else_uses_it(built: Path, tmp_path: Path, imagebuild: Run) -> None:
    _rebuilt(built, imagebuild)
    shared = tmp_path / "shared"
    shutil.move(built / ".imagebuild" / "store", shared)
    done = imagebuild(built, "cache", "gc", "--drop", IMAGEBUILD_STORE=str(shared))
    assert done.returncode == 1
    assert "--also FOLDER" in done.stderr
    other = tmp_path / "other"
    other.mkdir()
    done = imagebuild(built, "cache", "gc", "--drop", "--also", str(other), IMAGEBUILD_STORE=str(shared))
    assert done.returncode == 0
    assert "1 object younger than an hour: kept" in done.stdout


HOLD = """
import sys, time
from imagebuild.workspace.guard import guard
with guard(sys.argv[1], command="a build"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_gc_waits_for_a_build_that_runs(built: Path, imagebuild: Run) -> None:
    _rebuilt(built, imagebuild)
    words = [sys.executable, "-c", HOLD, str(built / ".imagebuild" / "build.lock")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        drop = [sys.executable, "-m", "imagebuild", "cache", "gc", "--drop"]
        with subprocess.Popen(drop, cwd=built, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as waiting:
            assert waiting.stderr is not None
            assert waiting.stderr.readline().startswith("waiting for another build (pid ")
            time.sleep(0.2)
            assert len(_objects(built)) == 9  # not while it is held
            holder.stdin.write("\n")
            holder.stdin.flush()
            assert waiting.wait(timeout=60) == 0
    assert len(_objects(built)) == 8


def test_verify_names_damage_mends_it_from_the_outputs_and_ends_with_1(built: Path, imagebuild: Run) -> None:
    locked = {
        entry["asset"]: entry["digest"]
        for line in (built / "imagebuild.lock").read_text(encoding="utf-8").splitlines()[1:]
        if (entry := json.loads(line))
    }
    for asset in ("hero", "scene"):
        path = built / ".imagebuild" / "store" / "objects" / locked[asset][:2] / locked[asset]
        path.chmod(0o644)
        path.write_bytes(b"rotten")
    done = imagebuild(built, "cache", "verify")
    assert done.returncode == 1
    assert f"damaged {locked['hero']} (hero)" in done.stdout
    assert "restored from out/hero.webp" in done.stdout
    assert f"damaged {locked['scene']} (scene)" in done.stdout
    assert "the next build draws it again, for nothing" in done.stdout
    assert done.stdout.rstrip().endswith("2 damaged")
    again = imagebuild(built, "cache", "verify")
    assert again.returncode == 0
    assert "1 record without a picture, 1 of them named by a lock" in again.stdout
    assert imagebuild(built, "build").stdout == "Nothing to do: all 9 in place.\n"


def test_verify_tells_a_program_the_same(built: Path, imagebuild: Run) -> None:
    whole = json.loads(imagebuild(built, "cache", "verify", "--json").stdout)
    assert (whole["objects"], whole["records"], whole["damaged"], whole["exit"]) == (8, 8, [], 0)
