"""Reading source files, and knowing without reading that they did not change."""

from __future__ import annotations

import marshal
import os
import time

import pytest

from imagebuild.core.key import digest_of
from imagebuild.errors import ImagebuildError
from imagebuild.workspace.files import UNSETTLED, Files, moved, stat_of

LONG_AGO = 1_600_000_000_123_456_789


@pytest.fixture
def root(tmp_path):
    return tmp_path


def write(root, path, data, mtime=LONG_AGO):
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    if mtime:
        os.utime(place, ns=(mtime, mtime))
    return place


def remembered_of(root, *paths):
    files = Files(str(root))
    for path in paths:
        files.digest(path)
    return marshal.loads(marshal.dumps(files.remembered()))


def lie(remembered):
    """The same memory with digests that no reading could give: shows which ones are believed."""
    return {path: (seen, "remembered") for path, (seen, _) in remembered.items()}


def test_a_text_is_read_with_or_without_a_byte_order_mark(root):
    write(root, "a/prompt.j2", "熱い\n".encode())
    write(root, "b.yaml", b"\xef\xbb\xbfx: 1\r\n")
    files = Files(str(root))
    assert files.read_text("a/prompt.j2") == "熱い\n"
    assert files.read_text("b.yaml") == "x: 1\r\n"
    assert files.digest("b.yaml") == digest_of(b"\xef\xbb\xbfx: 1\r\n")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_text_that_is_not_utf8_is_named_with_the_byte_and_its_place(root, mark):
    write(root, "strings/de.yaml", mark + "a: ö\nüb".encode() + b"er: \xe9t\xe9\nz: 1")
    with pytest.raises(ImagebuildError) as caught:
        Files(str(root)).read_text("strings/de.yaml")
    assert caught.value.what == "not UTF-8: the byte 0xe9"
    assert str(caught.value.at) == "strings/de.yaml:2:7"
    assert caught.value.at.text == "über: �t�"
    assert caught.value.hint == "save the file as UTF-8"


def test_utf16_is_called_by_its_name(root):
    write(root, "a.csv", "key,text".encode("utf-16"))
    with pytest.raises(ImagebuildError, match="the file is UTF-16"):
        Files(str(root)).read_text("a.csv")


def test_what_cannot_be_read_is_told(root):
    write(root, "file", b"")
    (root / "folder").mkdir()
    files = Files(str(root))
    for path, what in (("no.txt", "there is no file `no.txt`"), ("folder", "`folder` is a folder, not a file"),
                       ("file/no.txt", "there is no file `file/no.txt`")):  # fmt: skip
        with pytest.raises(ImagebuildError) as caught:
            files.read(path)
        assert caught.value.what == what


def test_absent_files_and_folders_have_no_digest(root):
    (root / "folder").mkdir()
    files = Files(str(root))
    assert files.digest("no.png") is None
    assert files.digest("folder") is None
    assert not files.exists("folder")
    assert files.asked == {"no.png": None, "folder": None}


def test_the_digest_of_a_large_file_is_that_of_its_bytes(root):
    data = os.urandom(3_000_000)
    write(root, "big.png", data)
    assert Files(str(root)).digest("big.png") == digest_of(data)


def test_everything_that_was_asked_for_is_noted_with_its_stat(root):
    place = write(root, "a.txt", b"a")
    write(root, "b.txt", b"b")
    files = Files(str(root))
    assert files.exists("b.txt")
    assert not files.exists("c.txt")
    files.read_text("a.txt")
    seen = (1, LONG_AGO, place.stat().st_ino)
    assert files.asked == {"b.txt": stat_of(str(root / "b.txt")), "c.txt": None, "a.txt": seen}
    assert moved(str(root), files.asked) == []
    write(root, "c.txt", b"")
    write(root, "a.txt", b"A", LONG_AGO + 1)
    (root / "b.txt").unlink()
    assert moved(str(root), files.asked) == ["b.txt", "c.txt", "a.txt"]


def test_a_file_that_did_not_change_is_not_read_again(root):
    write(root, "a.png", b"a")
    files = Files(str(root), lie(remembered_of(root, "a.png")))
    assert files.digest("a.png") == "remembered"


@pytest.mark.parametrize("change", ["size", "time", "inode"])
def test_a_file_that_changed_is_read_again(root, change):
    place = write(root, "a.png", b"aa")
    memory = lie(remembered_of(root, "a.png"))
    if change == "size":
        write(root, "a.png", b"abc")
    elif change == "time":
        write(root, "a.png", b"bb", LONG_AGO + 1)
    else:
        other = write(root, "other", b"bb")
        os.replace(other, place)
    assert Files(str(root), memory).digest("a.png") == digest_of(place.read_bytes())


def test_a_file_written_a_moment_ago_is_not_trusted_to_its_time(root):
    """Git's racily clean file: the next write may leave the same size and the same time."""
    write(root, "young.txt", b"a", mtime=time.time_ns())
    write(root, "future.txt", b"a", mtime=time.time_ns() + 10**12)
    write(root, "coarse.txt", b"a", mtime=(time.time_ns() // 10**9) * 10**9)
    files = Files(str(root))
    for path in ("young.txt", "future.txt", "coarse.txt"):
        assert files.digest(path) == digest_of(b"a")
        assert files.asked[path] == UNSETTLED
    assert files.remembered() == {}
    assert moved(str(root), files.asked) == ["young.txt", "future.txt", "coarse.txt"]


def test_it_is_trusted_once_that_moment_is_past(root):
    write(root, "a.txt", b"a", mtime=0)
    time.sleep(0.05)
    assert list(remembered_of(root, "a.txt")) == ["a.txt"]


def test_a_digest_is_the_same_all_through_a_run_and_a_change_meanwhile_is_noted(root):
    write(root, "a.txt", b"a")
    files = Files(str(root))
    first = files.digest("a.txt")
    write(root, "a.txt", b"changed", LONG_AGO + 5)
    assert files.digest("a.txt") == first
    assert files.read("a.txt") == b"changed"
    assert files.asked["a.txt"] == UNSETTLED


def test_a_file_that_comes_while_a_plan_is_made_is_noted(root):
    files = Files(str(root))
    assert not files.exists("a.txt")
    write(root, "a.txt", b"a")
    files.read("a.txt")
    assert files.asked["a.txt"] == UNSETTLED


def test_only_what_is_in_use_is_handed_on(root):
    write(root, "a.txt", b"a")
    write(root, "b.txt", b"b")
    memory = remembered_of(root, "a.txt", "b.txt")
    files = Files(str(root), memory)
    files.digest("b.txt")
    assert list(files.remembered()) == ["b.txt"]
    assert files.remembered(["a.txt", "c.txt"]) == {"a.txt": memory["a.txt"]}


def test_a_name_no_file_can_have_is_no_file(root):
    assert stat_of("a\0b") is None
    with pytest.raises(ImagebuildError, match="cannot read"):
        Files(str(root)).read("a\0b")
