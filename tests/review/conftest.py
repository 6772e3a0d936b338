"""A server with a small page and a desk in memory, new for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.review.serving import MemoryDesk, Running, serving


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "index.html").write_text('<!doctype html><script src="page/core.js"></script>', encoding="utf-8")
    (folder / "core.js").write_text('"use strict"; // für alle', encoding="utf-8")
    (folder / "base.css").write_text(":root {}", encoding="utf-8")
    (folder / "notes.txt").write_text("not for anybody", encoding="utf-8")
    (folder / "drawing.svg").write_text("<svg/>", encoding="utf-8")
    (tmp_path / "secret.js").write_text("outside", encoding="utf-8")
    return folder


@pytest.fixture
def desk() -> MemoryDesk:
    return MemoryDesk()


@pytest.fixture
def server(desk: MemoryDesk, page: Path) -> Iterator[Running]:
    with serving(desk, page) as found:
        yield found
