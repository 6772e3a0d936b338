"""A module that is loaded when it is first used, by however many threads at once."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imagebuild.lazy import lazy


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("idle_"):
            del sys.modules[name]


def test_a_module_is_loaded_at_its_first_use_and_then_an_ordinary_one(folder):
    (folder / "idle_one.py").write_text("import sys\nsys.idle_loaded = True\nvalue = __name__\n")
    module = lazy("idle_one")
    assert not hasattr(sys, "idle_loaded")
    assert module.value == "idle_one"
    assert sys.idle_loaded
    del sys.idle_loaded
    assert type(module) is type(sys)
    assert Path(module.__file__) == folder / "idle_one.py"
    assert lazy("idle_one") is module is __import__("idle_one")


def test_threads_that_use_it_first_at_once_all_see_it_whole(folder):
    (folder / "idle_slow.py").write_text("import time\ntime.sleep(0.2)\nvalue = 7\n")
    module = lazy("idle_slow")
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(lambda _: module.value, range(4))) == [7, 7, 7, 7]


def test_a_module_may_use_itself_while_it_is_loaded(folder):
    (folder / "idle_self.py").write_text("import idle_self\nvalue = 1\nother = idle_self.value + 1\n")
    assert lazy("idle_self").other == 2


def test_what_fails_to_load_says_why_and_is_tried_again(folder):
    file = folder / "idle_bad.py"
    file.write_text("raise RuntimeError('not today')\n")
    module = lazy("idle_bad")
    with pytest.raises(RuntimeError, match="not today"):
        _ = module.value
    file.write_text("value = 'today, and longer than before'\n")
    assert module.value == "today, and longer than before"


def test_a_module_that_is_not_there_is_missed_at_once(folder):
    with pytest.raises(ModuleNotFoundError, match="idle_none"):
        lazy("idle_none")
