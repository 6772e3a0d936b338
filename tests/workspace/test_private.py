"""The private folder, and files that appear whole or not at all."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from imagebuild.errors import BuildError
from imagebuild.workspace.private import private_folder, replace_file, temporary_folder


def test_git_is_told_to_ignore_it_also_after_somebody_was_killed_while_telling_it(tmp_path):
    private_folder(str(tmp_path))
    ignore = tmp_path / ".imagebuild" / ".gitignore"
    assert ignore.read_text() == "*\n"
    ignore.write_text("")
    private_folder(str(tmp_path), "tmp")
    assert ignore.read_text() == "*\n"


def test_what_a_person_wrote_there_stays(tmp_path):
    private_folder(str(tmp_path))
    (tmp_path / ".imagebuild" / ".gitignore").write_text("store\n")
    private_folder(str(tmp_path))
    assert (tmp_path / ".imagebuild" / ".gitignore").read_text() == "store\n"


def test_what_killed_builds_left_is_swept_after_an_hour(tmp_path):
    folder = Path(temporary_folder(str(tmp_path)))
    old, young = folder / "old", folder / "young"
    for file in (old, young):
        file.write_text("half a pictu")
    os.utime(old, (time.time() - 4000, time.time() - 4000))
    temporary_folder(str(tmp_path))
    assert list(folder.iterdir()) == [young]


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    target = tmp_path / "imagebuild.lock"
    target.write_bytes(b"old")
    replace_file(str(tmp_path), str(target), b"new")
    assert target.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["imagebuild.lock"]
    assert list((tmp_path / ".imagebuild" / "tmp").iterdir()) == []


def test_a_file_that_cannot_be_replaced_stays_as_it_was(tmp_path):
    target = tmp_path / "imagebuild.lock"
    target.mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_file(str(tmp_path), str(target), b"new")
    assert list((tmp_path / ".imagebuild" / "tmp").iterdir()) == []


def test_a_file_on_another_disk_is_replaced_by_way_of_a_name_beside_it(tmp_path):
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no second file system here")
    target = memory / f"imagebuild-{os.getpid()}.lock"
    try:
        (memory / f".{target.name}.imagebuild").write_bytes(b"left by somebody who was killed")
        replace_file(str(tmp_path), str(target), b"new")
        assert target.read_bytes() == b"new"
        assert not (memory / f".{target.name}.imagebuild").exists()
    finally:
        target.unlink(missing_ok=True)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / ".imagebuild").write_text("a file in the way")
    with pytest.raises(BuildError, match="cannot make the folder"):
        private_folder(str(tmp_path), "tmp")
