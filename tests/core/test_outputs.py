"""Output paths that every system can write, each by one asset."""

from __future__ import annotations

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.core.outputs import _PLAIN, OutputPaths, _mistake
from imagebuild.errors import Problems
from tests.core.reading import campaign_of

ASSETS = campaign_of("assets: {a: {prompt: A, output: a.png}, b: {prompt: B, output: b.png}}").assets


endings = st.sampled_from([".png", ".webp", ".JPG", ".bmp", "", "/", ".x.png"])


def taken(*paths, folder="out"):
    """What becomes of paths taken one after another: (asset, cell, path)."""
    problems = Problems()
    outputs = OutputPaths(folder, problems)
    found = [outputs.take(path, f"{asset}[{cell}]" if cell else asset, ASSETS[asset]) for asset, cell, path in paths]
    outputs.check()
    return found, [problem.what for problem in problems.found]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("a.png", "out/a.png"),
        ("de-DE/a.b.JPG", "out/de-DE/a.b.JPG"),
        ("./x//y/../a.webp", "out/x/a.webp"),
        ("größe/日本語 2.avif", "out/größe/日本語 2.avif"),
        ("console.jpeg", "out/console.jpeg"),
        (".hidden/a.png", "out/.hidden/a.png"),
        ("p" * 251 + ".png", "out/" + "p" * 251 + ".png"),
    ],
)
def test_a_path_is_below_the_output_folder_in_its_shortest_form(written, path):
    assert taken(("a", "", written)) == ([path], [])


def test_a_folder_may_have_folders_above_it():
    assert taken(("a", "", "a.png"), folder="build/pictures")[0] == ["build/pictures/a.png"]


@pytest.mark.parametrize(
    "written",
    [
        "/a.png", "~/a.png", "C:/a.png", "c:a.png", "../a.png", "x/../../a.png", "..", "a\\b.png", "a:b.png", "a?.png",
        "a*.png", 'a".png', "a<b>.png", "a|b.png", "a\n.png", "a\x7f.png", "con.png", "x/NUL.jpg", "aux/a.png",
        "com1.png", "a /b.png", " a.png", "a./b.png", "a", "a.bmp", "a.png/", ".png", "x/.webp", "", ".",
        "p" * 252 + ".png", "ä" * 126 + ".png",
    ],
)  # fmt: skip
def test_a_path_that_some_system_cannot_write_is_told_and_not_given(written):
    found, mistakes = taken(("a", "", written))
    assert found == [None]
    assert len(mistakes) == 1


def test_a_mistake_of_every_cell_is_told_once():
    found, mistakes = taken(*(("a", f"n={number}", f"../{number}.png") for number in range(50)))
    assert found == [None] * 50
    assert len(mistakes) == 1


@pytest.mark.parametrize("other", ["x/a.png", "X/A.PNG", "x/./a.png", "ﬀ/../x/a.png"])
def test_two_assets_cannot_have_one_path_on_any_system(other):
    found, mistakes = taken(("a", "", "x/a.png"), ("b", "", other))
    assert found == ["out/x/a.png", None]
    assert len(mistakes) == 1


def test_names_that_differ_only_in_how_they_are_composed_are_one():
    assert taken(("a", "", "café.png"), ("b", "", "cafe\u0301.png"))[0] == ["out/café.png", None]


def test_a_file_cannot_be_a_folder_too():
    _, mistakes = taken(("a", "", "x.png"), ("b", "", "x.png/y/b.png"))
    assert mistakes == ["`a` is written to `out/x.png`, which is a folder of `b`"]
    assert taken(("a", "", "x.png"), ("b", "", "x.png2/b.png"))[1] == []


@given(
    st.lists(st.sampled_from(["a", "ä-1", "aux", "con.x", "..", ".", "x y", "p" * 61, "日本", ""]), max_size=4), endings
)
def test_the_quick_look_at_a_path_finds_what_the_slow_one_does(parts, ending):
    written = "/".join(parts) + ending
    if _PLAIN.match(written):
        assert _mistake(written, posixpath.normpath(written)) is None
        assert posixpath.normpath(written) == written
