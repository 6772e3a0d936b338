"""Deliverables: put in place whole, never through a link, and never over a person's work unasked."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from imagebuild.core.key import digest_of
from imagebuild.errors import BuildError
from imagebuild.workspace.outputs import DamagedSource, Outputs, OutputState, look

PICTURE = os.urandom(30_000)
DIGEST = digest_of(PICTURE)
needs_links = pytest.mark.skipif(sys.platform == "win32", reason="links need rights on Windows")


@pytest.fixture
def root(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture
def outputs(root):
    return Outputs(str(root))


def test_looking_tells_size_and_time_of_regular_files_only(root, outputs):
    outputs.deliver(PICTURE, "out/de/a.webp", DIGEST)
    outputs.deliver(b"", "top.png", digest_of(b""))
    (root / "out/folder.webp").mkdir()
    os.utime(root / "top.png", ns=(5, 1_600_000_000_123_456_789))
    many = [f"out/de/{number}.webp" for number in range(10)]
    found = look(str(root), ["out/de/a.webp", *many, "out/folder.webp", "top.png", "gone/a.webp", "top.png/x.webp"])
    assert set(found) == {"out/de/a.webp", "top.png"}
    assert found["top.png"] == OutputState(0, 1_600_000_000_123_456_789)
    assert found["out/de/a.webp"].size == len(PICTURE)


@needs_links
def test_a_link_is_not_a_deliverable(root, outputs):
    outputs.deliver(PICTURE, "out/a.png", DIGEST)
    (root / "out/b.png").symlink_to("a.png")
    assert set(look(str(root), ["out/a.png", "out/b.png"])) == {"out/a.png"}
    assert outputs.digest("out/b.png") is None


def test_bytes_are_delivered_with_the_usual_rights_and_nothing_else_is_left(root, outputs):
    state = outputs.deliver(PICTURE, "out/de-DE/a.webp", DIGEST)
    assert (root / "out/de-DE/a.webp").read_bytes() == PICTURE
    assert look(str(root), ["out/de-DE/a.webp"]) == {"out/de-DE/a.webp": state}
    assert [path.name for path in (root / "out/de-DE").iterdir()] == ["a.webp"]
    assert list((root / ".imagebuild/tmp").iterdir()) == []
    assert (root / ".imagebuild/.gitignore").read_text() == "*\n"
    if os.name == "posix":
        mask = os.umask(0)
        os.umask(mask)
        assert stat.S_IMODE((root / "out/de-DE/a.webp").stat().st_mode) == 0o666 & ~mask


def test_a_file_is_delivered_as_a_file_of_its_own(root, outputs, tmp_path):
    source = tmp_path / "object"
    source.write_bytes(PICTURE)
    source.chmod(0o444)
    for name in ("a.png", "b.png"):
        outputs.deliver(str(source), f"out/{name}", DIGEST)
    with open(root / "out/a.png", "r+b") as file:
        file.write(b"edited")
    assert (root / "out/b.png").read_bytes() == PICTURE
    assert source.read_bytes() == PICTURE
    assert (root / "out/b.png").stat().st_nlink == 1


def test_a_clone_is_checked_and_delivered_as_it_is(root, tmp_path):
    def clone(source: int, target: int) -> None:
        cloned.append(os.write(target, os.pread(source, 1_000_000, 0)))

    cloned: list[int] = []
    outputs = Outputs(str(root), clone)
    source = tmp_path / "object"
    source.write_bytes(PICTURE)
    assert outputs.deliver(str(source), "out/a.png", DIGEST).size == len(PICTURE)
    assert (root / "out/a.png").read_bytes() == PICTURE
    source.write_bytes(PICTURE[:-1])
    with pytest.raises(DamagedSource):
        outputs.deliver(str(source), "out/a.png", DIGEST)
    assert (root / "out/a.png").read_bytes() == PICTURE
    assert cloned == [len(PICTURE), len(PICTURE) - 1]


def test_a_file_system_that_cannot_clone_is_asked_once(root, tmp_path):
    def clone(source: int, target: int) -> None:
        asked.append(source)
        raise OSError

    asked: list[int] = []
    outputs = Outputs(str(root), clone)
    (tmp_path / "object").write_bytes(PICTURE)
    for name in ("a", "b"):
        outputs.deliver(str(tmp_path / "object"), name, DIGEST)
        assert (root / name).read_bytes() == PICTURE
    assert len(asked) == 1


def test_a_damaged_file_is_not_delivered(root, outputs, tmp_path):
    source = tmp_path / "object"
    source.write_bytes(PICTURE[:-1] + b"!")
    outputs.deliver(b"before", "out/a.png", digest_of(b"before"))
    with pytest.raises(DamagedSource) as caught:
        outputs.deliver(str(source), "out/a.png", DIGEST)
    assert caught.value.digest == DIGEST
    assert (root / "out/a.png").read_bytes() == b"before"
    assert list((root / ".imagebuild/tmp").iterdir()) == []


def test_a_file_in_place_is_replaced_and_its_digest_read(outputs):
    outputs.deliver(b"old", "a.png", digest_of(b"old"))
    outputs.deliver(PICTURE, "a.png", DIGEST)
    assert outputs.digest("a.png") == DIGEST
    assert outputs.read("a.png") == PICTURE
    assert outputs.digest("b.png") is None
    assert outputs.digest("a.png/b.png") is None


@needs_links
def test_a_link_in_place_of_a_deliverable_is_replaced_not_written_through(root, outputs, tmp_path):
    precious = tmp_path / "precious.png"
    precious.write_bytes(b"precious")
    (root / "out").mkdir()
    (root / "out/a.png").symlink_to(precious)
    outputs.deliver(PICTURE, "out/a.png", DIGEST)
    assert precious.read_bytes() == b"precious"
    assert not (root / "out/a.png").is_symlink()


@needs_links
def test_a_linked_folder_that_leaves_the_project_is_refused_and_one_that_stays_is_not(root, outputs, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (root / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BuildError, match=r"`out/de/a.png` leads through a link to `.*elsewhere/de`") as caught:
        outputs.deliver(PICTURE, "out/de/a.png", DIGEST)
    assert caught.value.hint is not None
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (root / "real").mkdir()
    (root / "linked").symlink_to("real")
    outputs.deliver(PICTURE, "linked/de/a.png", DIGEST)
    assert (root / "real/de/a.png").read_bytes() == PICTURE


@pytest.mark.parametrize("path", ["../a.png", "out/../../a.png", "/tmp/a.png"])
def test_a_path_outside_the_project_is_refused(outputs, path):
    with pytest.raises(BuildError, match="is outside the project"):
        outputs.deliver(PICTURE, path, DIGEST)


def test_a_folder_or_a_file_in_the_way_is_told(root, outputs):
    (root / "out/a.png").mkdir(parents=True)
    with pytest.raises(BuildError, match=r"cannot write `out/a.png`: a folder is in the way"):
        outputs.deliver(PICTURE, "out/a.png", DIGEST)
    (root / "file").write_bytes(b"")
    with pytest.raises(BuildError, match=r"cannot write `file/a.png`: a file is where a folder of it should be"):
        outputs.deliver(PICTURE, "file/a.png", DIGEST)
    assert list((root / ".imagebuild/tmp").iterdir()) == []


def test_a_persons_file_is_set_aside_and_the_next_one_beside_it(root, outputs):
    for content in (b"edited", b"edited again"):
        (root / "out/de").mkdir(parents=True, exist_ok=True)
        (root / "out/de/a.png").write_bytes(content)
        where = outputs.set_aside("out/de/a.png", "2026-11-21T100322Z")
        assert (root / where).read_bytes() == content
        assert not (root / "out/de/a.png").exists()
    assert where == ".imagebuild/aside/2026-11-21T100322Z/out/de/a.png.2"
    with pytest.raises(BuildError, match=r"cannot set aside `out/de/a.png`"):
        outputs.set_aside("out/de/a.png", "2026-11-21T100322Z")


def test_removing_takes_the_folders_it_empties_up_to_the_output_folder(root, outputs):
    for path in ("out/de/a/b/x.png", "out/de/y.png"):
        outputs.deliver(PICTURE, path, DIGEST)
    outputs.remove("out/de/a/b/x.png", "out")
    assert sorted(path.name for path in (root / "out/de").iterdir()) == ["y.png"]
    outputs.remove("out/de/y.png", "out")
    outputs.remove("out/de/y.png", "out")
    assert list((root / "out").iterdir()) == []


def test_leftovers_of_a_killed_build_are_swept_when_they_are_old(root, outputs):
    room = root / ".imagebuild/tmp"
    room.mkdir(parents=True)
    (room / "1-0").write_bytes(b"old")
    os.utime(room / "1-0", (time.time() - 7200,) * 2)
    (room / "2-0").write_bytes(b"young")
    outputs.deliver(PICTURE, "a.png", DIGEST)
    assert [path.name for path in room.iterdir()] == ["2-0"]


def test_threads_deliver_side_by_side(root, outputs):
    paths = [f"out/{number % 5}/{number}.png" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda path: outputs.deliver(path.encode(), path, digest_of(path.encode())), paths))
    assert all((root / path).read_bytes() == path.encode() for path in paths)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second file system")
def test_an_output_folder_on_another_file_system_is_written_to(tmp_path):
    """Asked of a child process, for a mount of its own; skipped where that needs rights we do not have."""
    repository = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    out = f"{tmp_path}/out"
    script = (
        f"mkdir -p {out} && mount -t tmpfs none {out} && cd {repository} && {sys.executable} -c '"
        "from imagebuild.workspace.outputs import Outputs; from imagebuild.core.key import digest_of; import os; "
        f'Outputs("{tmp_path}").deliver(b"x", "out/de/a.png", digest_of(b"x")); '
        f'print(os.listdir("{out}/de"), os.listdir("{tmp_path}/.imagebuild/tmp"))\''
    )
    try:
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("no mounts of one's own here")
    assert done.stdout == "['a.png'] []\n", done.stderr
