"""`imagebuild fit`: for people, for programs, and its exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.cli.conftest import Run, edit, tree
from tests.cli.inside import Inside, inside
from tests.cli.test_startup import LIST, NETWORK, loaded
from tests.stages.fitting import LONG, SOMEWHAT_LONG, put, write_campaign


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    return inside(monkeypatch, capsys)


def test_copy_that_fits_is_one_line(tmp_path: Path, run: Inside) -> None:
    done = run(write_campaign(tmp_path / "c"), "fit")
    assert done == (0, "20 texts in 5 locales and 2 sizes (20 pictures): all of it fits\n", "")


def test_a_string_that_does_not_fit_is_told_with_what_would_help(tmp_path: Path, run: Inside) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": SOMEWHAT_LONG})
    done = run(folder, "fit")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (1, "")
    assert lines[0] == "does not fit: hero headline (t.headline), set by layouts/hero.yaml:8:47"
    assert lines[1] == "  de-DE  strings/de-DE.yaml:1:11  Warme Morgen, die schon vor dem ersten Kaffee"
    what = r"    728x90 \(banner\): \d+ % too wide at its least size: it takes 2 lines, 1 is allowed"
    assert re.fullmatch(what, lines[2])
    advice = (
        r"      shorten `headline` by about \d+ characters, from 45 to \d+, or allow 2 `lines`, now 1, or "
        r"let `size` begin at 0\.\d+ \(\d+\.\d px\), now 0\.2, or make the `box` 0\.\d\d wide, now 0\.5: "
        r"`\[0\.02, 0\.1, 0\.\d\d, 0\.8\]`"
    )
    assert re.fullmatch(advice, lines[3])
    assert lines[4:] == ["", "20 texts in 5 locales and 2 sizes (20 pictures): 1 does not fit"]


def test_the_same_said_of_several_sizes_is_said_once(tmp_path: Path, run: Inside) -> None:
    done = run(write_campaign(tmp_path / "c", he_IL={"cta": "לרכישה \U000f1234"}), "fit")
    (line,) = [line for line in done.stdout.splitlines() if "U+F1234" in line]
    assert line.startswith("    1200x630 (landscape) and 728x90 (banner): cannot be set: no font has ")
    assert done.stdout.count("give a font that has it") == 1


def test_what_is_read_from_right_to_left_turns_nothing_around_beside_it(tmp_path: Path, run: Inside) -> None:
    done = run(write_campaign(tmp_path / "c", ar_EG={"headline": "صباحات دافئة" + " في كل يوم" * 9}), "fit")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("  ar-EG")]
    assert re.fullmatch("  ar-EG  strings/ar-EG.yaml:1:11  \u2068[^\u2069]*…\u2069", line)


def test_a_text_too_long_in_several_sizes_is_told_how_short_fits_all(tmp_path: Path, run: Inside) -> None:
    done = run(write_campaign(tmp_path / "c", de_DE={"headline": LONG * 3}), "fit")
    left = [int(found) for found in re.findall(r"from \d+ to (\d+)", done.stdout)]
    assert len(left) == 2
    assert f"    at most about {min(left)} characters fit all of these" in done.stdout.splitlines()


def test_warnings_alone_are_no_failure_unless_asked(tmp_path: Path, run: Inside) -> None:
    folder = write_campaign(tmp_path / "c", ar_EG={"cta": "خصم 20"})
    done = run(folder, "fit")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "warning: hero cta (t.cta)"
    assert done.stdout.splitlines()[2].startswith("    `ar-EG` has digits of its own, and `20` is in Latin ones")
    assert done.stdout.splitlines()[-1].endswith("all of it fits, 1 warning")
    assert run(folder, "fit", "--strict").returncode == 1
    assert run(folder, "fit", "--strict", "locale=de-DE").returncode == 0


def test_the_json_form_has_every_finding(tmp_path: Path, run: Inside) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": SOMEWHAT_LONG}, ar_EG={"cta": "خصم 20"})
    done = run(folder, "fit", "--json")
    data = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert {name: data[name] for name in ("campaign", "fits", "errors", "warnings", "sizes", "mistakes")} == {
        "campaign": "small", "fits": False, "errors": 1, "warnings": 1, "sizes": ["1200x630", "728x90"], "mistakes": [],
    }  # fmt: skip
    assert [(each["kind"], each["locale"], each["keys"]) for each in data["findings"]] == [
        ("lines", "de-DE", ["headline"]), ("copy-digits", "ar-EG", ["cta"]),
    ]  # fmt: skip
    assert [each["do"] for each in data["findings"][0]["advice"]] == ["shorten", "lines", "size", "width"]
    assert data["findings"][0]["place"] == {"file": "strings/de-DE.yaml", "line": 1, "column": 11}


def test_mistakes_are_told_as_check_does_and_what_fits_or_not_beside_them(tmp_path: Path, run: Inside) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": LONG})
    put(folder, "strings/ja-JP.yaml", "cta: 今すぐ購入\n")
    done = run(folder, "fit")
    assert done.returncode == 1
    assert done.stderr == run(folder, "check").stderr
    assert "string `headline` is missing in ja-JP" in done.stderr
    assert done.stdout.startswith("does not fit: hero headline")
    assert run(folder, "fit", "locale=en-US").stdout.endswith("all that could be looked at fits\n")
    data = json.loads(run(folder, "fit", "--json").stdout)
    assert [each["message"] for each in data["mistakes"]] == ["string `headline` is missing in ja-JP"]
    assert [each["kind"] for each in data["findings"]] == ["lines"]
    assert not data["fits"]


def test_a_campaign_that_cannot_be_read_is_told_in_either_form(tmp_path: Path, run: Inside) -> None:
    folder = write_campaign(tmp_path / "c")
    put(folder, "campaign.yaml", "imagebuild: [\n")
    done = run(folder, "fit")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("campaign.yaml:")
    told = run(folder, "fit", "--json")
    assert (told.returncode, told.stderr) == (1, "")
    assert json.loads(told.stdout)["mistakes"][0]["file"] == "campaign.yaml"


def test_a_selector_that_matches_nothing_is_an_error(tmp_path: Path, run: Inside) -> None:
    done = run(write_campaign(tmp_path / "c"), "fit", "heroo")
    assert (done.returncode, done.stdout) == (1, "")
    assert "nothing matches `heroo`" in done.stderr
    assert "did you mean `hero`?" in done.stderr


def test_pseudo_locales_are_asked_for(tmp_path: Path, run: Inside) -> None:
    done = run(write_campaign(tmp_path / "c"), "fit", "--pseudo")
    assert (done.returncode, done.stdout) == (0, "28 texts in 7 locales and 2 sizes (28 pictures): all of it fits\n")


def test_a_campaign_without_copy_says_so(fresh: Path, run: Inside) -> None:
    done = run(fresh, "fit")
    assert done.returncode == 0
    assert done.stdout == "note: nothing in the campaign has a step `typeset`: there is no copy to fit\n"


def test_the_findings_go_once_what_is_advised_is_done(tmp_path: Path, run: Inside) -> None:
    folder = write_campaign(tmp_path / "c", de_DE={"headline": SOMEWHAT_LONG})
    told = run(folder, "fit").stdout
    (shorter,) = re.findall(r"from 45 to (\d+)", told)
    edit(folder, "strings/de-DE.yaml", SOMEWHAT_LONG, SOMEWHAT_LONG[: int(shorter)])
    assert run(folder, "fit").returncode == 0


def test_nothing_is_written_and_no_service_is_asked(tmp_path: Path, imagebuild: Run) -> None:
    folder = write_campaign(tmp_path / "c")
    before = tree(folder)
    done = imagebuild(folder, "fit", "--provider", "openai", **LIST)
    assert done.returncode == 0, done.stderr[-500:]
    assert tree(folder) == before
    assert not NETWORK & loaded(done.stderr)
