"""Lines that are added to a file by several, and the place's own refusals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagebuild.errors import StoreError
from imagebuild.flock import locked, unlock
from imagebuild.store.files import Writer

REPOSITORY = Path(__file__).parents[2]


def test_whoever_holds_the_file_for_too_long_is_not_waited_for(tmp_path: Path):
    path = tmp_path / "store" / "ledger" / "lines"
    writer = Writer(str(tmp_path / "store"), patience=0.05)
    writer.add_line(str(path), b"one\n")
    with open(path, "rb") as stopped:
        assert locked(stopped.fileno())
        with pytest.raises(StoreError, match=r"has been locked for 0\.05 s") as caught:
            writer.add_line(str(path), b"two\n")
        assert "Ctrl-Z" in (caught.value.hint or "")
        unlock(stopped.fileno())
        writer.add_line(str(path), b"three\n")
    assert path.read_bytes() == b"one\nthree\n"


def test_a_file_that_went_away_is_begun_again(tmp_path: Path):
    path = tmp_path / "store" / "ledger" / "lines"
    writer = Writer(str(tmp_path / "store"))
    writer.add_line(str(path), b"one\n")
    path.unlink()
    path.parent.rmdir()
    writer.add_line(str(path), b"two\n")
    assert path.read_bytes() == b"two\n"


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_line_for_which_there_is_no_room_leaves_no_part_of_itself(tmp_path: Path):
    """The kernel takes a part of the last line, then no more."""
    code = (
        "import resource, sys\n"
        "from imagebuild.errors import StoreError\n"
        "from imagebuild.store.files import Writer\n"
        "writer = Writer(sys.argv[1])\n"
        "writer.add_line(sys.argv[1] + '/lines', b'x' * 99 + b'\\n')\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1050, 1050))\n"
        "try:\n"
        "    for _ in range(20):\n"
        "        writer.add_line(sys.argv[1] + '/lines', b'x' * 99 + b'\\n')\n"
        "except StoreError as bad:\n"
        "    print(bad.what)\n"
    )
    root = tmp_path / "store"
    words = [sys.executable, "-c", code, str(root)]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout == f"cannot write to the store `{root}`: file too large\n"
    assert (root / "lines").read_bytes() == (b"x" * 99 + b"\n") * 10


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
def test_a_full_disk_is_told_with_what_to_do(tmp_path: Path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "lines").symlink_to("/dev/full")
    with pytest.raises(StoreError, match="no space left on device") as caught:
        Writer(str(tmp_path / "store")).add_line(str(tmp_path / "store" / "lines"), b"one\n")
    assert "free some space" in (caught.value.hint or "")
