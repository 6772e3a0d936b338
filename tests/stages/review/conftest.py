from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.stages.review.campaign import UNREAD, build, write_shown


@pytest.fixture(scope="session")
def shown_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown") / "campaign"
    write_shown(folder)
    build(folder)
    return folder


@pytest.fixture
def shown(shown_once: Path, tmp_path: Path) -> Path:
    """The campaign, built, as a copy of one's own."""
    ignored = shutil.ignore_patterns("memory", "feed")
    return Path(shutil.copytree(shown_once, tmp_path / "shown", copy_function=shutil.copy2, ignore=ignored))


@pytest.fixture(autouse=True)
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that reads is installed, as when the campaign was built."""
    for name, value in UNREAD.items():
        monkeypatch.setenv(name, value)
