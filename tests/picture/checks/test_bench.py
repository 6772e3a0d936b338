"""The bench of the checks, over a few pictures: every planted fault is caught, clean pictures raise nothing."""

from __future__ import annotations

from tests.bench import checks


def test_planted_faults_are_caught_and_clean_pictures_raise_nothing(capsys):
    assert checks.main(["--few"]) == 0
    printed = capsys.readouterr().out
    assert "WRONG" not in printed
    for check in ("contrast", "duplicates", "file", "palette", "safe_zones"):
        assert f"\n{check:11}" in "\n" + printed
